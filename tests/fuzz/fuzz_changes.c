// SPDX-License-Identifier: GPL-3.0-or-later
/* What a transfer brought, as bytes that the process which proves is given: any bytes, for a zone with a version at hand and without. What is made of them
 * is a zone that can be written and read again. */
#include "sync/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint8_t apex[] = "\7example";
static const char base_text[] = "@ 60 SOA ns h 3 7200 3600 86400 30\na A 192.0.2.1\nb A 192.0.2.2\nc CNAME target\n";

static void apply(const uint8_t *data, size_t len, const struct zone *base)
{
	const struct zone_read_settings settings = {.origin = apex};
	_cleanup_(buffer_done) struct buffer wire = {0};
	struct zone *zone, *again;
	struct zone_error error;
	if (sync_changes_apply(data, len, apex, base, &zone) < 0)
		return;
	error.text[0] = 0;
	if (zone_write_wire(zone, &wire) < 0 ||
	    zone_read_wire("again", wire.data, wire.len, &settings, &again, &error) < 0 ||
	    again->n_records != zone->n_records || again->serial != zone->serial) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	zone_free(again);
	zone_free(zone);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct zone *base;
	struct zone_read_settings settings = {.origin = apex, .default_ttl = 60};
	struct zone_error error;
	if (base == NULL &&
	    zone_read_text("base", base_text, sizeof base_text - 1, &settings, NULL, NULL, &base, &error) < 0)
		abort();
	apply(data, len, NULL);
	apply(data, len, base);
	return 0;
}
