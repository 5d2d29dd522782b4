// SPDX-License-Identifier: GPL-3.0-or-later
/* The cache's table while it grows: nothing is lost, nothing met twice, no page touched before its time. */
#include "resolve/shard.h"

#include "cache_test.h"

#include <unistd.h>

#define ENTRIES 8000u

static void put(struct resolve_cache *cache, uint32_t n, size_t len)
{
	uint8_t data[4096];
	assert_true(len <= sizeof data);
	memset(data, (int)(n * 7), len);
	struct store_value value = {.expires_ms = 5000, .kind = 1, .data = data, .len = len};
	assert_true(resolve_store_put(cache, (const uint8_t *)&n, sizeof n, 0, &value) >= 0);
}

static bool is_there(struct resolve_cache *cache, uint32_t n)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct store_value value;
	if (resolve_store_get(cache, (const uint8_t *)&n, sizeof n, 0, &arena, &value) < 0)
		return false;
	for (size_t i = 0; i < value.len; i++)
		assert_int_equal(value.data[i], (uint8_t)(n * 7));
	return true;
}

static unsigned found(struct resolve_cache *cache, uint32_t n)
{
	unsigned there = 0;
	for (uint32_t i = 0; i < n; i++)
		there += is_there(cache, i);
	return there;
}

struct seen {
	uint8_t times[2 * ENTRIES];
	size_t n;
};

static void see(void *ctx, const struct store_item *item)
{
	struct seen *seen = ctx;
	uint32_t n;
	memcpy(&n, item->key, sizeof n);
	assert_in_range(n, 0, ARRAY_SIZE(seen->times) - 1);
	seen->times[n]++;
	seen->n++;
}

static void see_all(struct resolve_cache *cache, struct seen *seen)
{
	struct resolve_cache_cursor cursor = {0};
	memset(seen, 0, sizeof *seen);
	while (resolve_store_visit(cache, &cursor, 50, see, seen))
		;
}

/* Each size of the table is met on the way, and each stage between two of them. */
static void all_are_found_while_it_grows(void **state)
{
	struct resolve_cache *cache = cache_of(MIB);
	static struct seen seen;
	for (uint32_t n = 0; n < ENTRIES; n++) {
		put(cache, n, 5);
		assert_int_equal(resolve_cache_count(cache), n + 1);
		if (n > 300 && n % 97 != 0)
			continue;
		assert_int_equal(found(cache, n + 1), n + 1);
		see_all(cache, &seen);
		assert_int_equal(seen.n, n + 1);
		for (uint32_t i = 0; i <= n; i++)
			assert_int_equal(seen.times[i], 1);
	}
	assert_int_equal(found(cache, 2 * ENTRIES), ENTRIES);
	resolve_cache_free(cache);
}

static bool is_odd(void *ctx, const uint8_t *key, size_t len)
{
	(void)ctx;
	(void)len;
	return key[0] & 1;
}

static void what_goes_while_it_grows_is_gone(void **state)
{
	struct resolve_cache *cache = cache_of(MIB);
	size_t left = 0;
	for (uint32_t n = 0; n < ENTRIES; n++) {
		put(cache, n, 5);
		left++;
		if (n % 3 == 0)
			left -= resolve_store_delete(cache, (const uint8_t *)&n, sizeof n);
		if (n % 1013 == 0)
			left -= resolve_store_delete_if(cache, is_odd, NULL);
		assert_int_equal(resolve_cache_count(cache), left);
	}
	resolve_store_delete_if(cache, is_odd, NULL);
	for (uint32_t n = 0; n < ENTRIES; n++)
		assert_int_equal(is_there(cache, n), n % 3 != 0 && n % 2 == 0);
	resolve_cache_free(cache);
}

/* A size that was expected, too large or too small, changes nothing but the size. */
static void expects_what_comes(void **state)
{
	static const size_t expected[] = {0, 1, 100, 5000, 1000000000};
	size_t bytes = 0;
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		struct resolve_cache *cache = cache_of(MIB);
		size_t empty = resolve_cache_bytes(cache);
		resolve_store_expect(cache, expected[i]);
		assert_in_range(resolve_cache_bytes(cache) - empty, bytes, MIB / 32);
		bytes = resolve_cache_bytes(cache) - empty;
		for (uint32_t n = 0; n < ENTRIES; n++) {
			put(cache, n, 5);
			if (n == 3000)
				resolve_store_expect(cache, ENTRIES); /* too late: it goes on as it is */
		}
		assert_int_equal(found(cache, 2 * ENTRIES), ENTRIES);
		assert_int_equal(resolve_cache_count(cache), ENTRIES);
		resolve_cache_free(cache);
	}
	assert_true(bytes > 5000 * sizeof(uint32_t));
}

/* Values so large that the rings are full long before the table is. */
static void evicts_while_it_grows(void **state)
{
	struct resolve_cache *cache = cache_of(MIB);
	struct random random;
	static struct seen seen;
	size_t most = 0;
	random_init_seed(&random, 3);
	for (uint32_t n = 0; n < ENTRIES; n++) {
		/* smaller and smaller: more and more of them, the table grows on among evictions */
		put(cache, n, random_below(&random, 4000 - n / 2));
		for (unsigned i = 0; i < 3; i++)
			is_there(cache, random_below(&random, n + 1));
		most = resolve_cache_count(cache) > most ? resolve_cache_count(cache) : most;
		if (n % 500 != 0)
			continue;
		see_all(cache, &seen);
		assert_int_equal(seen.n, resolve_cache_count(cache));
		assert_int_equal(found(cache, n + 1), seen.n);
	}
	for (uint32_t n = ENTRIES; n < 2 * ENTRIES; n++)
		put(cache, n, 5);
	see_all(cache, &seen);
	assert_in_range(most, 400, ENTRIES / 2);
	assert_int_equal(found(cache, 2 * ENTRIES), resolve_cache_count(cache));
	assert_int_equal(seen.n, resolve_cache_count(cache));
	assert_true(resolve_cache_bytes(cache) <= MIB);
	resolve_cache_free(cache);
}

/* As it is saved while it is in use: what was there at the beginning is met once, whatever comes meanwhile. */
static void visits_while_it_grows(void **state)
{
	static struct seen seen;
	for (unsigned step = 1; step <= 200; step += 33) {
		struct resolve_cache *cache = cache_of(MIB);
		struct resolve_cache_cursor cursor = {0};
		uint32_t n = 0;
		memset(&seen, 0, sizeof seen);
		for (; n < 500; n++)
			put(cache, n, 5);
		while (resolve_store_visit(cache, &cursor, step, see, &seen))
			for (unsigned i = 0; i < 2 * step && n < ENTRIES; i++)
				put(cache, n++, 5);
		assert_true(n > 1000);
		for (uint32_t i = 0; i < n; i++)
			assert_in_range(seen.times[i], i < 500, 1);
		resolve_cache_free(cache);
	}
}

static size_t resident_bytes(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%*d %ld", &pages), 1);
	fclose(file);
	return (size_t)pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* A cache that may be large and has little in it is small. */
static void the_young_are_small(void **state)
{
	size_t before = resident_bytes();
	struct resolve_cache *cache = cache_of(512 * MIB);
	for (uint32_t n = 0; n < 10000; n++) {
		assert_false(is_there(cache, n));
		put(cache, n, 5);
	}
	/* 400,000 bytes of entries; in each of 256 shards they begin on pages of their own */
	size_t grown = resident_bytes() - before;
	print_message("10000 entries in 512 MiB: says %zu, resident %zu\n", resolve_cache_bytes(cache), grown);
	assert_in_range(resolve_cache_bytes(cache), 400000, MIB);
#ifndef SANITIZED
	assert_in_range(grown, 400000, 4 * MIB);
#endif
	resolve_cache_free(cache);
}

/* The table by itself, from its first size to its last: as many buckets as there are to be, and the room for them kept. */
static void the_table_keeps_its_room(void **state)
{
	static const uint32_t rooms[] = {1, 63, 64, 100, 127, 128, 129, 1000, 1950, 8191, 8192};
	struct random random;
	random_init_seed(&random, 8);
	for (size_t r = 0; r < ARRAY_SIZE(rooms); r++) {
		struct shard shard = {0};
		uint32_t *memory = calloc(rooms[r] + 1, sizeof *memory);
		uint64_t *area = calloc(20000, 32);
		assert_non_null(memory);
		assert_non_null(area);
		memory[rooms[r]] = 0xdeadbeef;
		assert_in_range(resolve_shard_table(&shard, (uint8_t *)memory, rooms[r]),
				rooms[r] * 4 - rooms[r] * 4 / 64, rooms[r] * 4);
		shard.area = (uint8_t *)area;
		for (uint32_t n = 0; n < 20000; n++) {
			struct entry *entry = (struct entry *)(area + (size_t)4 * n);
			entry->hash = n < 2 ? n - 1 : (uint32_t)random_u64(&random); /* also the ends of the table */
			resolve_shard_link(&shard, entry);
			resolve_shard_grow(&shard);
			uint32_t buckets = resolve_shard_buckets(&shard), seen = 0;
			assert_in_range(buckets,
					n < 64                  ? 1
					: shard.buckets_max < n ? shard.buckets_max
								: n,
					shard.buckets_max);
			if (n % 1000 != 0 && n != 19999)
				continue;
			for (uint32_t at = 0; at < shard.buckets_max;)
				for (uint32_t ref = *resolve_shard_bucket(&shard, at, &at); ref != 0;
				     ref = shard_entry_at(&shard, ref)->next)
					seen++;
			assert_int_equal(seen, n + 1);
		}
		assert_int_equal(resolve_shard_buckets(&shard), shard.buckets_max);
		for (uint32_t n = 0; n < 20000; n++)
			resolve_shard_unlink(&shard, (struct entry *)(area + (size_t)4 * n));
		assert_int_equal(shard.count, 0);
		for (uint32_t i = 0; i < rooms[r]; i++)
			assert_int_equal(memory[i], 0);
		assert_int_equal(memory[rooms[r]], 0xdeadbeef);
		free(memory);
		free(area);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_are_found_while_it_grows), cmocka_unit_test(what_goes_while_it_grows_is_gone),
		cmocka_unit_test(expects_what_comes),           cmocka_unit_test(evicts_while_it_grows),
		cmocka_unit_test(visits_while_it_grows),        cmocka_unit_test(the_young_are_small),
		cmocka_unit_test(the_table_keeps_its_room),
	};
	return cmocka_run_group_tests_name("resolve-store", tests, NULL, NULL);
}
