// SPDX-License-Identifier: GPL-3.0-or-later
/* Reading the cache without its locks: what is read was put as a whole, whatever others do meanwhile. */
#include "cache_test.h"

#include <pthread.h>

#define KEYS     600u
#define LEN_MAX  1500
#define PUTS     60000
#define READERS  2
#define WRITERS  2
#define ALL_BYTE 0xff

/* A value of which each word says the same, the first of all its length. */
static size_t value_make(uint32_t key, uint32_t stamp, size_t len, uint8_t out[LEN_MAX])
{
	for (size_t i = 0; i + 12 <= len; i += 12) {
		wire_put32(out + i, key);
		wire_put32(out + i + 4, stamp);
		wire_put32(out + i + 8, (uint32_t)len);
	}
	return len / 12 * 12;
}

static bool value_is_whole(uint32_t key, const struct store_value *value)
{
	if (value->len == 0)
		return true;
	for (size_t i = 0; i + 12 <= value->len; i += 12)
		if (wire_get32(value->data + i) != key || memcmp(value->data + i, value->data, 12) != 0 ||
		    wire_get32(value->data + i + 8) / 12 * 12 != value->len)
			return false;
	return true;
}

static int put(struct resolve_cache *cache, uint32_t key, uint32_t stamp, size_t len, int64_t expires_ms)
{
	uint8_t data[LEN_MAX];
	struct store_value value = {.expires_ms = expires_ms, .kind = (uint8_t)(key & 15), .data = data};
	value.len = value_make(key, stamp, len, data);
	return resolve_store_put(cache, (const uint8_t *)&key, sizeof key, 0, &value);
}

static int peek(struct resolve_cache *cache, uint32_t key, int64_t now_ms, uint8_t *room, size_t cap,
		struct store_value *ret)
{
	return resolve_store_peek(cache, (const uint8_t *)&key, sizeof key, now_ms, room, cap, ret);
}

static void says_what_get_says(void **state)
{
	struct resolve_cache *cache = cache_of(MIB / 2);
	struct random random;
	unsigned hits = 0;
	random_init_seed(&random, 11);
	for (unsigned i = 0; i < 40000; i++) {
		_cleanup_(arena_done) struct arena arena = {0};
		uint32_t key = random_below(&random, KEYS), asked = random_below(&random, KEYS);
		_Alignas(8) uint8_t room[LEN_MAX + 16];
		struct store_value got, peeked;
		int64_t now_ms = random_below(&random, 2) * 1000;
		assert_true(put(cache, key, i, random_below(&random, LEN_MAX), 500 + random_below(&random, 1000)) >= 0);
		if (random_below(&random, 10) == 0)
			resolve_store_delete(cache, (const uint8_t *)&key, sizeof key);
		int rc = peek(cache, asked, now_ms, room, sizeof room, &peeked);
		assert_int_equal(resolve_store_get(cache, (const uint8_t *)&asked, sizeof asked, now_ms, &arena, &got),
				 rc);
		if (rc < 0) {
			assert_int_equal(rc, BANYAN_ENOENT);
			continue;
		}
		hits++;
		assert_int_equal(peeked.len, got.len);
		assert_memory_equal(peeked.data, got.data, got.len);
		assert_true(peeked.expires_ms == got.expires_ms && peeked.stored_ms == got.stored_ms &&
			    peeked.kind == got.kind && peeked.rank == got.rank);
		assert_in_range(got.asked, peeked.asked, STORE_ASKED_MAX);
	}
	assert_true(hits > 1000);
	resolve_cache_free(cache);
}

static void counts_until_it_is_enough(void **state)
{
	struct resolve_cache *cache = cache_of(MIB);
	_Alignas(8) uint8_t room[64];
	struct store_value value;
	assert_true(put(cache, 1, 1, 24, 5000) >= 0);
	for (unsigned i = 1; i <= 5; i++) {
		assert_int_equal(peek(cache, 1, 0, room, sizeof room, &value), 0);
		assert_int_equal(value.asked, i < STORE_ASKED_MAX ? i : STORE_ASKED_MAX);
	}
	resolve_cache_free(cache);
}

static void leaves_what_has_no_room(void **state)
{
	struct resolve_cache *cache = cache_of(MIB);
	_Alignas(8) uint8_t room[144];
	struct store_value value = {.rank = 77};
	memset(room, ALL_BYTE, sizeof room);
	assert_true(put(cache, 1, 1, 120, 5000) >= 0);
	for (unsigned i = 0; i < 6; i++) /* under the lock, then without */
		assert_int_equal(peek(cache, 1, 0, room, 64, &value), BANYAN_ELIMIT);
	for (unsigned i = 0; i < 6; i++)
		assert_int_equal(peek(cache, 1, 5000, room, sizeof room - 8, &value), BANYAN_ENOENT);
	assert_int_equal(value.rank, 77);
	for (size_t i = sizeof room - 8; i < sizeof room; i++)
		assert_int_equal(room[i], ALL_BYTE);
	resolve_cache_free(cache);
}

/* ---- many at once ---- */

struct hand {
	struct resolve_cache *cache;
	uint32_t seed;
	_Atomic bool *end;
	size_t hits, torn;
};

static bool is_even(void *ctx, const uint8_t *key, size_t len)
{
	(void)ctx;
	(void)len;
	return (key[0] & 1) == 0;
}

static void *write_much(void *ctx)
{
	struct hand *hand = ctx;
	struct random random;
	random_init_seed(&random, hand->seed);
	for (uint32_t i = 0; i < PUTS; i++) {
		uint32_t key = random_below(&random, KEYS);
		put(hand->cache, key, i ^ hand->seed << 24, random_below(&random, LEN_MAX), 5000);
		if (i % 16 == 0)
			resolve_store_delete(hand->cache, (const uint8_t *)&key, sizeof key);
		if (i % 5000 == 0)
			resolve_store_delete_if(hand->cache, is_even, NULL);
	}
	return NULL;
}

static void *read_much(void *ctx)
{
	struct hand *hand = ctx;
	struct random random;
	_Alignas(8) uint8_t room[LEN_MAX + 16];
	random_init_seed(&random, hand->seed);
	while (!atomic_load(hand->end)) {
		uint32_t key = random_below(&random, 64); /* often enough to be read without the lock */
		struct store_value value;
		if (peek(hand->cache, key, 0, room, sizeof room, &value) < 0)
			continue;
		hand->hits++;
		hand->torn += !value_is_whole(key, &value) || value.kind != (key & 15);
	}
	return NULL;
}

static void nothing_is_torn(void **state)
{
	struct resolve_cache *cache = cache_of(MIB / 2); /* too small for all: places are used again and again */
	struct hand hand[READERS + WRITERS];
	pthread_t thread[READERS + WRITERS];
	_Atomic bool end = false;
	size_t hits = 0;
	for (unsigned i = 0; i < READERS + WRITERS; i++) {
		hand[i] = (struct hand){.cache = cache, .seed = i + 1, .end = &end};
		assert_int_equal(pthread_create(&thread[i], NULL, i < READERS ? read_much : write_much, &hand[i]), 0);
	}
	for (unsigned i = READERS; i < READERS + WRITERS; i++)
		pthread_join(thread[i], NULL);
	atomic_store(&end, true);
	for (unsigned i = 0; i < READERS; i++) {
		pthread_join(thread[i], NULL);
		assert_int_equal(hand[i].torn, 0);
		hits += hand[i].hits;
	}
	print_message("%zu values read while others wrote\n", hits);
	assert_true(hits > 1000);
	resolve_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(says_what_get_says),
		cmocka_unit_test(counts_until_it_is_enough),
		cmocka_unit_test(leaves_what_has_no_room),
		cmocka_unit_test(nothing_is_torn),
	};
	return cmocka_run_group_tests_name("resolve-peek", tests, NULL, NULL);
}
