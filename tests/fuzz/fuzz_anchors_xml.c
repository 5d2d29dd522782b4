// SPDX-License-Identifier: GPL-3.0-or-later
/* root-anchors.xml: any bytes. What was read is fit to be an anchor, what was not is told. */
#include "dnssec/dnssec.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define NOW 1785546000

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dnssec_anchors anchors = {0};
	struct dnssec_text_error error = {0};
	int rc = dnssec_anchors_parse_xml("file", (const char *)data, len, NOW, &anchors, &error);
	if ((rc < 0) != (error.text[0] != '\0') || (rc == 0 && anchors.count == 0))
		abort();
	for (size_t i = 0; i < anchors.count; i++)
		if (wire_rdata_check(anchors.item[i].rdata, anchors.item[i].len, anchors.item[i].type) < 0)
			abort();
	dnssec_anchors_done(&anchors);
	/* any bytes as a signature and as an authority */
	struct dnssec_anchors_signature signature = {"file", data, data, data, len, len, len, NULL, NOW};
	if (dnssec_anchors_check_signature(&signature, &error) == 0)
		abort();
	return 0;
}
