// SPDX-License-Identifier: GPL-3.0-or-later
/* Deltas. Either the input is the edits and signatures of one, under a header that fits, so that what reads them is reached; or it is two
 * versions of a zone as text, which must come out as they went in. */
#include "zone/zone.h"

#include <openssl/evp.h>
#include <stdlib.h>
#include <string.h>
#include <zstd.h>

#include "zone/wirewalk.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define INPUT_MAX 65536

static const uint8_t apex[] = "\7example";
static const char base_text[] = "@ SOA a b 1 2 3 4 5\n@ NS a\na A 192.0.2.1\nb.a TXT x\n"
				"@ RRSIG SOA 8 1 60 20260801000000 20260701000000 1 example. AAAA\n"
				"a RRSIG A 8 2 60 20260801000000 20260701000000 1 example. AAAB\n"
				"b.a RRSIG TXT 8 3 60 20260801000000 20260701000000 1 example. AAAC\n";

static bool form_of(const char *text, size_t len, struct buffer *ret)
{
	struct zone_read_settings settings = {.origin = apex, .default_ttl = 60, .max_bytes = INPUT_MAX};
	struct zone_error error;
	struct zone *zone;
	if (zone_read_text("text", text, len, &settings, NULL, NULL, &zone, &error) < 0)
		return false;
	bool good = zone_write_wire(zone, ret) == 0;
	zone_free(zone);
	return good;
}

static void apply(const struct buffer *base, const struct buffer *delta)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	struct zone_error error = {0};
	if (zone_delta_apply("input", base->data, base->len, delta->data, delta->len, INPUT_MAX, &out, &error) < 0 &&
	    (error.text[0] == '\0' || out.len != 0))
		abort();
}

/* len (2 bytes) of the edits, the edits, the signatures */
static void run_edits(const uint8_t *data, size_t len)
{
	_cleanup_(buffer_done) struct buffer base = {0}, delta = {0};
	uint8_t head[ZONE_DELTA_APEX] = {0};
	if (len < 4 || !form_of(base_text, sizeof base_text - 1, &base))
		return;
	size_t edits_len = wire_get16(data) % (len - 1), bound = ZSTD_compressBound(edits_len);
	uint32_t records = wire_get16(data + 2);
	memcpy(head, zone_delta_magic, sizeof zone_delta_magic);
	wire_put32(head + ZONE_DELTA_BASE_SERIAL, 1);
	wire_put64(head + ZONE_DELTA_BASE_LEN, base.len);
	wire_put64(head + ZONE_DELTA_RECORDS, records);
	wire_put64(head + ZONE_DELTA_LEN, 4096);
	wire_put64(head + ZONE_DELTA_EDITS_LEN, edits_len);
	if (EVP_Digest(base.data, base.len, head + ZONE_DELTA_BASE_HASH, NULL, EVP_sha256(), NULL) != 1)
		abort();
	uint8_t *packed = malloc(bound);
	size_t packed_len = ZSTD_compress(packed, bound, data + 2, edits_len, 1);
	wire_put64(head + ZONE_DELTA_EDITS_PACKED_LEN, packed_len);
	if (buffer_append(&delta, head, sizeof head) == 0 && buffer_append(&delta, apex, sizeof apex) == 0 &&
	    buffer_append(&delta, packed, packed_len) == 0 &&
	    buffer_append(&delta, data + 2 + edits_len, len - 2 - edits_len) == 0)
		apply(&base, &delta);
	free(packed);
}

/* Two texts, a zero byte between them. */
static void run_versions(const char *data, size_t len)
{
	_cleanup_(buffer_done) struct buffer a = {0}, b = {0}, delta = {0}, out = {0};
	struct zone_error error;
	const char *middle = memchr(data, 0, len);
	if (middle == NULL || !form_of(data, (size_t)(middle - data), &a) ||
	    !form_of(middle + 1, len - (size_t)(middle - data) - 1, &b))
		return;
	if (zone_delta_make(a.data, a.len, b.data, b.len, &delta) < 0 ||
	    zone_delta_apply("made", a.data, a.len, delta.data, delta.len, 0, &out, &error) < 0 || out.len != b.len ||
	    memcmp(out.data, b.data, b.len) != 0)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	if (len < 1 || len > INPUT_MAX)
		return 0;
	if (data[0] == 'v') {
		run_versions((const char *)data + 1, len - 1);
	} else if (data[0] == 'e') {
		run_edits(data + 1, len - 1);
	} else {
		static struct buffer base;
		struct buffer delta = {.data = (uint8_t *)data, .len = len};
		if (base.len == 0 && !form_of(base_text, sizeof base_text - 1, &base))
			abort();
		apply(&base, &delta);
	}
	return 0;
}
