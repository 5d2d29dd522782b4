// SPDX-License-Identifier: GPL-3.0-or-later
/* Transfers and notifications: what a primary sends, as messages behind their lengths. Nothing in it may harm, and what is
 * taken for a new version is a zone in order that can be written and read again. */
#include "sync/sync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static const uint8_t apex[] = "\7example";
static const char base_text[] = "@ 60 SOA ns h 3 7200 3600 86400 30\na A 192.0.2.1\nb A 192.0.2.2\nc CNAME target\n";

static struct zone *read_zone(const char *text, size_t len)
{
	struct zone_read_settings settings = {.origin = apex, .default_ttl = 60};
	struct zone_error error;
	struct zone *zone;
	return zone_read_text("fuzz", text, len, &settings, NULL, NULL, &zone, &error) < 0 ? NULL : zone;
}

/* What is written is read as the same. */
static void check_text(const struct zone *zone)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	if (zone_write_text(zone, &text) < 0)
		abort();
	struct zone *again = read_zone((char *)text.data, text.len);
	if (again == NULL || again->n_records != zone->n_records || again->serial != zone->serial) {
		fprintf(stderr, "%zu records, not read again as such:\n%.*s", zone->n_records, (int)text.len,
			(char *)text.data);
		abort();
	}
	zone_free(again);
}

static void check_version(const struct sync_transfer *transfer, const struct zone *base)
{
	struct zone *zone;
	int rc = sync_transfer_zone(transfer, base, &zone);
	if (rc < 0) {
		if (sync_transfer_is_whole(transfer))
			abort(); /* only differences may not fit */
		return;
	}
	if (zone->serial != sync_transfer_serial(transfer))
		abort();
	check_text(zone);
	zone_free(zone);
}

/* Replies get the ID of the question, since guessing it is not what is tried here. */
static void transfer_run(const uint8_t *data, size_t len, bool have, const struct zone *base)
{
	struct sync_transfer_settings settings = {
		.apex = apex, .have = have, .serial = 3, .bytes_max = 1 << 20, .seed = 1};
	struct sync_transfer *transfer;
	enum sync_progress progress = SYNC_ASK;
	uint8_t question[SYNC_ASK_MAX], msg[4096];
	if (sync_transfer_new(&settings, &transfer) < 0)
		return;
	while (len >= 2 && (progress == SYNC_ASK || progress == SYNC_WAIT)) {
		if (progress == SYNC_ASK && sync_transfer_ask(transfer, question, sizeof question) < WIRE_HEADER_SIZE)
			abort();
		size_t n = wire_get16(data) % sizeof msg;
		if (n > len - 2)
			n = len - 2;
		memcpy(msg, data + 2, n);
		if (n >= 2)
			memcpy(msg, question, 2);
		data += 2 + n;
		len -= 2 + n;
		progress = sync_transfer_take(transfer, msg, n);
	}
	if (progress == SYNC_FAILED && sync_transfer_why(transfer)[0] == 0)
		abort(); /* a refusal says why */
	if (progress == SYNC_CHANGED)
		check_version(transfer, base);
	sync_transfer_free(transfer);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct zone *base;
	struct sync_notify notify;
	if (base == NULL)
		base = read_zone(base_text, sizeof base_text - 1);
	if (len < 1)
		return 0;
	if (sync_notify_parse(data + 1, len - 1, &notify)) {
		uint8_t out[512];
		if (sync_notify_reply(&notify, 0, NULL, out, sizeof out) < WIRE_HEADER_SIZE)
			abort();
	}
	transfer_run(data + 1, len - 1, data[0] & 1, base);
	return 0;
}
