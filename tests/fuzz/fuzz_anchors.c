// SPDX-License-Identifier: GPL-3.0-or-later
/* Files of trust anchors: any bytes as text. What was read is fit to be an anchor, what was not is told with its line. */
#include "dnssec/dnssec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct dnssec_anchors anchors = {0};
	struct dnssec_text_error error = {0};
	char *text = malloc(len > 0 ? len : 1); /* exactly as long, so that reading on is seen */
	if (text == NULL)
		return 0;
	memcpy(text, data, len);
	int rc = dnssec_anchors_parse("file", text, len, &anchors, &error);
	if ((rc < 0) != (error.text[0] != '\0') || (rc == 0 && anchors.count == 0))
		abort();
	for (size_t i = 0; i < anchors.count; i++) {
		const struct dnssec_anchor *a = &anchors.item[i];
		if (wire_name_check(a->owner, sizeof a->owner) < 0 || a->len < 5 ||
		    wire_rdata_check(a->rdata, a->len, a->type) < 0)
			abort();
	}
	free(text);
	dnssec_anchors_done(&anchors);
	return 0;
}
