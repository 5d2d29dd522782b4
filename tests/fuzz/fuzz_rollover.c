// SPDX-License-Identifier: GPL-3.0-or-later
/* The state file of rolling trust anchors: what was read can be written, and read again as the same. */
#include "dnssec/dnssec.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct dnssec_rollover first, second;
	struct dnssec_text_error error = {0};
	struct dnssec_anchors anchors = {0}, none = {0};
	struct buffer text = {0};
	const uint8_t *root = (const uint8_t *)"";
	memset(&first, 0, sizeof first);
	memset(&second, 0, sizeof second);
	if (dnssec_rollover_read("state", (const char *)data, len, root, &first, &error) < 0) {
		if (error.text[0] == '\0')
			abort();
		return 0;
	}
	if (first.n > DNSSEC_ROLLOVER_KEYS_MAX || dnssec_rollover_anchors(&first, &none, &anchors) < 0 ||
	    dnssec_rollover_write(&first, &text) < 0 ||
	    dnssec_rollover_read("state", (const char *)text.data, text.len, root, &second, &error) < 0 ||
	    memcmp(&first, &second, sizeof first) != 0)
		abort();
	buffer_done(&text);
	dnssec_anchors_done(&anchors);
	return 0;
}
