// SPDX-License-Identifier: GPL-3.0-or-later
/* The cache as bytes: what is saved comes back; what is torn, changed or foreign costs entries and nothing else. */
#include "resolve/cache.h"

#include "../test.h"
#include "world.h"

#define SETS    2000
#define CONTEXT 77
#define RULES   5
#define PIECE   5000

/* In pieces, as a file is read. */
static int load(struct resolve_cache *cache, int64_t wall_ms, const uint8_t *data, size_t len, size_t piece,
		struct resolve_cache_loaded *ret)
{
	struct resolve_cache_head told;
	int head = resolve_cache_load_head(data, len, &told);
	*ret = (struct resolve_cache_loaded){.unproved = ret->unproved};
	if (head < 0)
		return head;
	assert_true(told.version == 2 && told.context == CONTEXT && told.rules == RULES);
	for (size_t pos = (size_t)head, end = pos;;) {
		end = len - end > piece ? end + piece : len;
		/* a block of exactly this size, so that a sanitizer sees a read behind its end */
		uint8_t *copy = malloc(end - pos + (end == pos));
		assert_non_null(copy);
		memcpy(copy, data + pos, end - pos);
		size_t used = resolve_cache_load(cache, wall_ms, copy, end - pos, end == len, ret);
		free(copy);
		assert_in_range(used, 0, end - pos);
		pos += used;
		if (end == len) {
			assert_int_equal(pos, len);
			return 0;
		}
	}
}

static struct resolve_cache *cache_new(uint64_t seed)
{
	struct random random;
	struct resolve_cache *cache;
	random_init_seed(&random, seed); /* another secret: other shards, other buckets */
	assert_int_equal(resolve_cache_new_random((size_t)1 << 20, &random, &cache), 0);
	return cache;
}

static void save(struct resolve_cache *cache, int64_t now_ms, uint32_t stale_s, struct buffer *out)
{
	struct resolve_cache_cursor cursor = {0};
	assert_int_equal(resolve_cache_save_head(CONTEXT, RULES, out), 0);
	int more;
	while ((more = resolve_cache_save(cache, now_ms, stale_s, &cursor, out)) == 1)
		;
	assert_int_equal(more, 0);
}

static const uint8_t *name_at(unsigned i)
{
	static uint8_t name[WIRE_NAME_MAX];
	char text[64];
	snprintf(text, sizeof text, "n%u.example.", i);
	assert_true(wire_name_parse(text, name) > 0);
	return name;
}

static void fill(struct resolve_cache *cache, int64_t now_ms)
{
	uint8_t pack[6] = {0, 4, 192, 0, 0, 0}, soa[] = "\0\26\0\0"
							"12345678901234567890";
	struct cut *cut = calloc(1, sizeof *cut);
	assert_non_null(cut);
	for (unsigned i = 0; i < SETS; i++) {
		wire_put16(pack + 4, (uint16_t)i);
		struct rrset set = {.owner = name_at(i),
				    .type = WIRE_TYPE_A,
				    .count = 1,
				    .rank = RANK_AUTHORITY,
				    .security = SECURITY_INSECURE,
				    .expires_ms = now_ms + 1000 * (i + 1),
				    .pack = pack,
				    .size = sizeof pack};
		assert_int_equal(addr_parse("192.0.2.1", 53, &set.origin.server), 0);
		assert_true(resolve_cache_put_set(cache, now_ms, &set) >= 0);
	}
	struct rrset set = {.owner = (const uint8_t *)"", .type = WIRE_TYPE_SOA, .count = 1, .pack = soa, .size = 24};
	struct cache_denial denial = {.nxdomain = true, .expires_ms = now_ms + 60000, .n = 1, .set = {&set}};
	assert_true(resolve_cache_put_denial(cache, now_ms, name_at(9999), 1, &denial) >= 0);
	*cut = (struct cut){.zone = (const uint8_t *)"\7example", .expires_ms = now_ms + 60000, .n_servers = 1};
	cut->server[0].name = (const uint8_t *)"\2ns";
	assert_true(resolve_cache_put_cut(cache, now_ms, cut) >= 0);
	resolve_cache_put_failure(cache, now_ms, name_at(1), 1, REASON_LAME, 0);
	free(cut);
}

static unsigned found(struct resolve_cache *cache, int64_t now_ms)
{
	unsigned n = 0;
	for (unsigned i = 0; i < SETS; i++) {
		_cleanup_(arena_done) struct arena arena = {0};
		struct rrset *set = resolve_cache_set(cache, &arena, now_ms, name_at(i), WIRE_TYPE_A);
		if (set == NULL)
			continue;
		assert_int_equal(wire_get16(resolve_rrset_rdata(set, 0).data + 2), i);
		n++;
	}
	return n;
}

static void comes_back(void **state)
{
	_cleanup_(buffer_done) struct buffer file = {0};
	struct resolve_cache *from = cache_new(1), *to = cache_new(2);
	struct resolve_cache_loaded loaded = {0};
	int64_t now_ms = WORLD_EPOCH_MS;
	fill(from, now_ms);
	save(from, now_ms + 100500, 0, &file);
	assert_int_equal(load(to, now_ms + 200500, file.data, file.len, PIECE, &loaded), 0);
	/* 100 had expired when it was saved, 100 more since; the failure does not outlive the process */
	assert_int_equal(loaded.entries, SETS - 100);
	assert_int_equal(loaded.alive, SETS - 200);
	assert_int_equal(loaded.refused + loaded.torn, 0);
	assert_int_equal(found(to, now_ms + 200500), SETS - 200);
	_cleanup_(arena_done) struct arena arena = {0};
	struct rrset *set = resolve_cache_set(to, &arena, now_ms + 200500, name_at(400), WIRE_TYPE_A);
	assert_int_equal(resolve_rrset_ttl(set, now_ms + 200500), 200);
	assert_int_equal(set->stored_ms, now_ms);
	assert_int_equal(set->security, SECURITY_INSECURE);
	assert_int_equal(set->origin.server.ip[3], 1);
	resolve_cache_free(from);
	resolve_cache_free(to);
}

static void brings_all_sorts(void **state)
{
	_cleanup_(buffer_done) struct buffer file = {0};
	_cleanup_(arena_done) struct arena arena = {0};
	struct resolve_cache *from = cache_new(1), *to = cache_new(2);
	struct resolve_cache_loaded loaded = {0};
	struct cache_denial denial;
	enum reason reason;
	struct cut *cut = calloc(1, sizeof *cut);
	fill(from, WORLD_EPOCH_MS);
	save(from, WORLD_EPOCH_MS, 0, &file);
	assert_int_equal(load(to, WORLD_EPOCH_MS, file.data, file.len, PIECE, &loaded), 0);
	assert_int_equal(loaded.entries, SETS + 2);
	assert_true(resolve_cache_nxdomain(to, &arena, WORLD_EPOCH_MS, name_at(9999), &denial));
	assert_true(resolve_cache_cut(to, &arena, WORLD_EPOCH_MS, (const uint8_t *)"\7example", NULL, cut));
	assert_false(resolve_cache_failure(to, &arena, WORLD_EPOCH_MS, name_at(1), 1, &reason));
	free(cut);
	resolve_cache_free(from);
	resolve_cache_free(to);
}

static void the_clock_was_put_back(void **state)
{
	_cleanup_(buffer_done) struct buffer file = {0};
	struct resolve_cache *from = cache_new(1), *to = cache_new(2);
	struct resolve_cache_loaded loaded = {0};
	fill(from, WORLD_EPOCH_MS);
	save(from, WORLD_EPOCH_MS, 0, &file);
	assert_int_equal(load(to, WORLD_EPOCH_MS - 1000, file.data, file.len, PIECE, &loaded), 0);
	assert_int_equal(loaded.entries, 0);
	assert_int_equal(found(to, WORLD_EPOCH_MS), 0);
	resolve_cache_free(from);
	resolve_cache_free(to);
}

static void foreign_files_are_refused(void **state)
{
	_cleanup_(buffer_done) struct buffer file = {0};
	struct resolve_cache *cache = cache_new(1);
	struct resolve_cache_loaded loaded = {0};
	assert_int_equal(load(cache, 0, (const uint8_t *)"", 0, PIECE, &loaded), BANYAN_EMALF);
	assert_int_equal(
		load(cache, 0, (const uint8_t *)"#!/bin/sh and more, longer than the head", 40, PIECE, &loaded),
		BANYAN_EMALF);
	fill(cache, WORLD_EPOCH_MS);
	save(cache, WORLD_EPOCH_MS, 0, &file);
	file.data[20]++; /* torn */
	assert_int_equal(load(cache, 0, file.data, file.len, PIECE, &loaded), BANYAN_EMALF);
	file.data[11]++; /* a version to come */
	assert_int_equal(load(cache, 0, file.data, file.len, PIECE, &loaded), BANYAN_EUNSUPP);
	resolve_cache_free(cache);
}

/* The head of the first form, which had no rules; forms that nobody knows. */
static void older_forms_are_read(void **state)
{
	static const uint8_t key[16] = "banyan's blocks";
	uint8_t head[RESOLVE_CACHE_HEAD] = "banyanca";
	struct resolve_cache_head told;
	head[23] = CONTEXT;
	for (uint8_t version = 0; version < 5; version++) {
		head[11] = version;
		uint64_t sum = hash_sip(head, 24, key);
		wire_put32(head + 24, (uint32_t)(sum >> 32));
		wire_put32(head + 28, (uint32_t)sum);
		bool known = version == 1 || version == 2;
		assert_int_equal(resolve_cache_load_head(head, sizeof head, &told),
				 known ? RESOLVE_CACHE_HEAD : BANYAN_EUNSUPP);
		if (known)
			assert_true(told.version == version && told.context == CONTEXT && told.rules == 0);
	}
}

/* Under other rules nothing is proved; records that are kept for synthesis would be nothing without their proof. */
static void what_other_rules_proved_is_unchecked(void **state)
{
	_cleanup_(buffer_done) struct buffer file = {0};
	_cleanup_(arena_done) struct arena arena = {0};
	uint8_t pack[] = {0, 4, 192, 0, 2, 1, 0, 20, 0, 1, 8, 2, 0, 0, 0, 60, 0, 0, 0, 9, 0, 0, 0, 1, 0, 7, 0, 1};
	struct rrset set = {.owner = name_at(1),
			    .type = WIRE_TYPE_A,
			    .count = 1,
			    .n_sigs = 1,
			    .rank = RANK_AUTHORITY,
			    .security = SECURITY_SECURE,
			    .expires_ms = WORLD_EPOCH_MS + 60000,
			    .pack = pack,
			    .size = sizeof pack};
	for (unsigned other = 0; other < 2; other++) {
		struct resolve_cache *from = cache_new(1), *to = cache_new(2);
		struct resolve_cache_loaded loaded = {.unproved = other};
		file.len = 0;
		assert_int_equal(resolve_cache_put_set(from, WORLD_EPOCH_MS, &set), 0);
		save(from, WORLD_EPOCH_MS, 0, &file);
		assert_int_equal(load(to, WORLD_EPOCH_MS, file.data, file.len, PIECE, &loaded), 0);
		assert_int_equal(loaded.entries, 1);
		const struct rrset *got = resolve_cache_set(to, &arena, WORLD_EPOCH_MS, set.owner, WIRE_TYPE_A);
		assert_non_null(got);
		assert_int_equal(got->security, other ? SECURITY_UNCHECKED : SECURITY_SECURE);
		assert_int_equal(got->n_sigs, 1);
		resolve_cache_free(from);
		resolve_cache_free(to);
	}
}

static void torn_files_cost_what_is_torn(void **state)
{
	_cleanup_(buffer_done) struct buffer file = {0};
	struct resolve_cache *from = cache_new(1);
	struct resolve_cache_loaded loaded = {0};
	fill(from, WORLD_EPOCH_MS);
	save(from, WORLD_EPOCH_MS, 0, &file);
	for (size_t len = RESOLVE_CACHE_HEAD; len < file.len; len += 997) {
		struct resolve_cache *to = cache_new(len);
		assert_int_equal(load(to, WORLD_EPOCH_MS, file.data, len, PIECE, &loaded), 0);
		assert_in_range(loaded.entries, found(to, WORLD_EPOCH_MS), found(to, WORLD_EPOCH_MS) + 2);
		resolve_cache_free(to);
	}
	/* what looks like the begin of a further block, in the rest of one that was cut, is none */
	uint8_t last = file.data[file.len - 3];
	file.data[file.len - 3] = 0x62;
	struct resolve_cache *cut = cache_new(2);
	assert_int_equal(load(cut, WORLD_EPOCH_MS, file.data, file.len - 1, PIECE, &loaded), 0);
	assert_int_equal(loaded.torn, 1);
	resolve_cache_free(cut);
	file.data[file.len - 3] = last;
	/* one byte in the middle of the first block: all others are there */
	file.data[100] ^= 1;
	struct resolve_cache *to = cache_new(3);
	assert_int_equal(load(to, WORLD_EPOCH_MS, file.data, file.len, PIECE, &loaded), 0);
	assert_int_equal(loaded.torn, 1);
	assert_in_range(loaded.entries, SETS / 4, SETS - 100);
	resolve_cache_free(to);
	resolve_cache_free(from);
}

/* Whoever can write the file can make the checksums good: so what is behind them is looked at too. */
static void checksums_renew(struct buffer *file)
{
	static const uint8_t key[16] = "banyan's blocks";
	for (size_t pos = RESOLVE_CACHE_HEAD; pos + 16 <= file->len;) {
		size_t len = wire_get32(file->data + pos + 4);
		if (len > file->len - pos - 16)
			return;
		uint64_t sum = hash_sip(file->data + pos + 16, len, key);
		wire_put32(file->data + pos + 8, (uint32_t)(sum >> 32));
		wire_put32(file->data + pos + 12, (uint32_t)sum);
		pos += 16 + len;
	}
}

static void see(void *ctx, const struct resolve_entry *entry)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	for (size_t i = 0; i < entry->n_sets; i++)
		for (uint32_t r = 0; r < entry->set[i].count; r++)
			assert_true(wire_record_text(entry->set[i].owner, 0, 1, entry->set[i].type,
						     &entry->set[i].rdata[r], &text) != BANYAN_EINVAL);
	++*(size_t *)ctx;
}

static void hostile_files_break_nothing(void **state)
{
	_cleanup_(buffer_done) struct buffer file = {0}, changed = {0};
	struct resolve_cache *from = cache_new(1);
	struct random random;
	struct resolve_cache_loaded loaded = {0};
	random_init_seed(&random, 9);
	fill(from, WORLD_EPOCH_MS);
	save(from, WORLD_EPOCH_MS, 0, &file);
	for (unsigned round = 0; round < 300; round++) {
		changed.len = 0;
		assert_int_equal(buffer_append(&changed, file.data, file.len), 0);
		for (unsigned i = 0; i < 200; i++)
			changed.data[RESOLVE_CACHE_HEAD +
				     random_below(&random, (uint32_t)file.len - RESOLVE_CACHE_HEAD)] =
				(uint8_t)random_u16(&random);
		checksums_renew(&changed);
		struct resolve_cache *to = cache_new(round);
		struct resolve_cache_cursor cursor = {0};
		size_t seen = 0;
		assert_int_equal(load(to, WORLD_EPOCH_MS, changed.data, changed.len, PIECE, &loaded), 0);
		while (resolve_cache_entries(to, WORLD_EPOCH_MS, NULL, false, &cursor, see, &seen))
			;
		assert_true(seen <= loaded.entries);
		resolve_cache_free(to);
	}
	resolve_cache_free(from);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(comes_back),
		cmocka_unit_test(brings_all_sorts),
		cmocka_unit_test(the_clock_was_put_back),
		cmocka_unit_test(foreign_files_are_refused),
		cmocka_unit_test(older_forms_are_read),
		cmocka_unit_test(what_other_rules_proved_is_unchecked),
		cmocka_unit_test(torn_files_cost_what_is_torn),
		cmocka_unit_test(hostile_files_break_nothing),
	};
	return cmocka_run_group_tests_name("resolve-cache-save", tests, NULL, NULL);
}
