// SPDX-License-Identifier: GPL-3.0-or-later
/* The wire form of a zone: any bytes. What is taken is written again as the same bytes; what is refused is refused with words. */
#include "zone/zone.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define FORM_MAX 65536

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const uint8_t *const origins[] = {(const uint8_t *)"", (const uint8_t *)"\7example"};
	if (len < 1 || len > FORM_MAX)
		return 0;
	_cleanup_(buffer_done) struct buffer form = {0};
	struct zone_read_settings settings = {.origin = origins[data[0] & 1], .max_bytes = FORM_MAX};
	struct zone_error error = {0};
	struct zone *zone;
	if (zone_read_wire("input", data + 1, len - 1, &settings, &zone, &error) < 0) {
		if (error.text[0] == '\0')
			abort(); /* an error says what is wrong */
		return 0;
	}
	if (zone->n_duplicates != 0 || zone->n_remarks != 0)
		abort();
	if (zone_write_wire(zone, &form) < 0 || form.len != len - 1 || memcmp(form.data, data + 1, form.len) != 0)
		abort(); /* one zone, one form */
	zone_free(zone);
	return 0;
}
