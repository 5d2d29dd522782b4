// SPDX-License-Identifier: GPL-3.0-or-later
/* The cache: budget, eviction, ranks, kinds, flushing, threads. */
#include "cache_test.h"

#include <pthread.h>
#include <unistd.h>

static uint8_t *name_of(const char *text, uint8_t out[WIRE_NAME_MAX])
{
	assert_true(wire_name_parse(text, out) > 0);
	return out;
}

/* An RRset of `count` records of `len` bytes that say `mark`. */
static const struct rrset *set_of(struct arena *arena, const char *owner, uint16_t type, enum rank rank,
				  int64_t expires_ms, uint16_t count, uint16_t len, uint8_t mark)
{
	static uint8_t name[WIRE_NAME_MAX];
	uint8_t *pack = arena_alloc(arena, (size_t)count * (2u + len));
	struct rrset *set = arena_alloc0(arena, sizeof *set);
	assert_true(pack != NULL && set != NULL);
	for (unsigned i = 0; i < count; i++) {
		wire_put16(pack + i * (2u + len), len);
		memset(pack + i * (2u + len) + 2, mark, len);
	}
	*set = (struct rrset){.owner = name_of(owner, name),
			      .type = type,
			      .count = count,
			      .rank = (uint8_t)rank,
			      .expires_ms = expires_ms,
			      .pack = pack,
			      .size = (uint32_t)count * (2u + len)};
	return set;
}

static void keeps_and_forgets(void **state)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct resolve_cache *cache = cache_of(MIB);
	uint8_t name[WIRE_NAME_MAX];
	struct rrset *set;
	struct cache_denial denial;
	name_of("WWW.Example.", name);
	assert_int_equal(
		resolve_cache_put_set(cache, 0, set_of(&arena, "www.example.", 1, RANK_AUTHORITY, 5000, 3, 4, 7)), 0);
	assert_int_equal(resolve_cache_find(cache, &arena, 4999, name, 1, &set, &denial), CACHE_HIT_SET);
	assert_int_equal(set->count, 3);
	assert_int_equal(resolve_rrset_rdata(set, 2).len, 4);
	assert_int_equal(resolve_rrset_rdata(set, 2).data[3], 7);
	assert_int_equal(resolve_rrset_ttl(set, 1), 4);
	assert_int_equal(resolve_cache_find(cache, &arena, 5000, name, 1, &set, &denial), CACHE_MISS);
	assert_int_equal(resolve_cache_find(cache, &arena, 0, name, 28, &set, &denial), CACHE_MISS);
	resolve_cache_free(cache);
}

static void higher_ranks_stay(void **state)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct resolve_cache *cache = cache_of(MIB);
	uint8_t name[WIRE_NAME_MAX];
	name_of("a.", name);
	resolve_cache_put_set(cache, 0, set_of(&arena, "a.", 1, RANK_AUTHORITY, 5000, 1, 4, 1));
	assert_int_equal(resolve_cache_put_set(cache, 0, set_of(&arena, "a.", 1, RANK_ANSWER, 9000, 1, 4, 2)),
			 BANYAN_EEXIST);
	struct rrset *set = resolve_cache_set(cache, &arena, 0, name, 1);
	assert_int_equal(resolve_rrset_rdata(set, 0).data[0], 1);
	assert_int_equal(set->expires_ms, 5000); /* nor is its life prolonged */
	/* but what has expired makes room */
	assert_int_equal(resolve_cache_put_set(cache, 5000, set_of(&arena, "a.", 1, RANK_ANSWER, 9000, 1, 4, 2)), 0);
	assert_int_equal(resolve_rrset_rdata(resolve_cache_set(cache, &arena, 5000, name, 1), 0).data[0], 2);
	/* what a referral says is never an answer */
	resolve_cache_put_set(cache, 0, set_of(&arena, "b.", WIRE_TYPE_DS, RANK_REFERRAL, 5000, 1, 4, 1));
	assert_null(resolve_cache_set(cache, &arena, 0, name_of("b.", name), WIRE_TYPE_DS));
	resolve_cache_free(cache);
}

static void flushes(void **state)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct resolve_cache *cache = cache_of(MIB);
	static const char *const names[] = {"example.", "www.example.", "a.www.example.", "other."};
	uint8_t name[WIRE_NAME_MAX];
	for (unsigned round = 0; round < 3; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			resolve_cache_put_set(cache, 0, set_of(&arena, names[i], 1, RANK_ANSWER, 5000, 1, 4, 1));
		assert_int_equal(resolve_cache_count(cache), 4);
		if (round == 0)
			resolve_cache_flush(cache, name_of("WWW.example.", name), false);
		else if (round == 1)
			resolve_cache_flush(cache, name_of("www.example.", name), true);
		else
			resolve_cache_flush(cache, NULL, false);
		static const size_t left[] = {3, 2, 0};
		assert_int_equal(resolve_cache_count(cache), left[round]);
		resolve_cache_flush(cache, NULL, true);
	}
	resolve_cache_free(cache);
}

static size_t resident_bytes(void)
{
	long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%ld %ld", &size, &resident), 2);
	fclose(file);
	return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* Three budgets filled many times over with sets of all sizes: never above, and not more than 5 % below. */
static void keeps_its_budget(void **state)
{
	static const size_t budgets[] = {MIB / 2, 8 * MIB, 64 * MIB};
	struct random random;
	random_init_seed(&random, 11);
	for (size_t b = 0; b < ARRAY_SIZE(budgets); b++) {
		_cleanup_(arena_done) struct arena arena = {0};
		size_t before = resident_bytes(), bytes = 0, evicted = 0;
		struct resolve_cache *cache = cache_of(budgets[b]);
		for (unsigned i = 0; bytes < 3 * budgets[b]; i++) {
			char name[64];
			snprintf(name, sizeof name, "n%u.example%u.", i, i % 100);
			uint16_t len =
				(uint16_t)(i % 50 == 0 ? random_below(&random, 3000) : 4 + random_below(&random, 300));
			int rc = resolve_cache_put_set(cache, 0, set_of(&arena, name, 1, RANK_ANSWER, 5000, 1, len, 1));
			assert_true(rc >= 0);
			evicted += (size_t)rc;
			bytes += len + 60u;
			arena_reset(&arena);
			if (i % 1000 == 0)
				assert_true(resolve_cache_bytes(cache) <= budgets[b]);
		}
		assert_true(evicted > 100);
		assert_in_range(resolve_cache_bytes(cache), budgets[b] / 100 * 95, budgets[b]);
		assert_true(resolve_store_mapped(cache) <= budgets[b]);
		size_t grown = resident_bytes() - before;
#ifndef SANITIZED
		if (budgets[b] >= 8 * MIB)
			assert_in_range(grown, budgets[b] / 100 * 95, budgets[b] / 100 * 105);
#endif
		print_message("budget %zu: says %zu, resident %zu, %zu sets\n", budgets[b], resolve_cache_bytes(cache),
			      grown, resolve_cache_count(cache));
		resolve_cache_free(cache);
	}
}

/* What is asked for again and again outlives a flood of names that are asked for once. */
static void popular_ones_stay(void **state)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct resolve_cache *cache = cache_of(2 * MIB);
	char text[64];
	uint8_t name[WIRE_NAME_MAX];
	unsigned lost = 0;
	for (unsigned i = 0; i < 500; i++) {
		snprintf(text, sizeof text, "popular%u.", i);
		resolve_cache_put_set(cache, 0, set_of(&arena, text, 1, RANK_ANSWER, 5000, 1, 100, 1));
	}
	for (unsigned i = 0; i < 200000; i++) {
		snprintf(text, sizeof text, "once%u.", i);
		resolve_cache_put_set(cache, 0, set_of(&arena, text, 1, RANK_ANSWER, 5000, 1, 100, 1));
		snprintf(text, sizeof text, "popular%u.", i % 500);
		lost += resolve_cache_set(cache, &arena, 0, name_of(text, name), 1) == NULL;
		arena_reset(&arena);
	}
	assert_int_equal(lost, 0);
	resolve_cache_free(cache);
}

static void too_large_is_not_kept(void **state)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct resolve_cache *cache = cache_of(STORE_BUDGET_MIN);
	assert_int_equal(resolve_cache_put_set(cache, 0, set_of(&arena, "big.", 1, RANK_ANSWER, 5000, 1, 65000, 1)),
			 BANYAN_ELIMIT);
	for (unsigned i = 0; i < 200; i++)
		assert_true(resolve_cache_put_set(
				    cache, 0,
				    set_of(&arena, "b.", 1, RANK_ANSWER, 5000, 1, (uint16_t)(1000 + 137 * i), 1)) >= 0);
	assert_int_equal(resolve_cache_count(cache), 1);
	struct resolve_cache *none;
	assert_int_equal(resolve_cache_new(1000, &none), BANYAN_EINVAL);
	resolve_cache_free(cache);
}

static void denials_and_cuts_survive(void **state)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct resolve_cache *cache = cache_of(MIB);
	uint8_t name[WIRE_NAME_MAX], zone[WIRE_NAME_MAX], server[WIRE_NAME_MAX];
	struct cache_denial denial = {.nxdomain = true, .expires_ms = 9000, .n = 1}, got;
	struct rrset soa = *set_of(&arena, "example.", WIRE_TYPE_SOA, RANK_AUTHORITY, 9000, 1, 30, 3);
	denial.set[0] = &soa;
	assert_int_equal(resolve_cache_put_denial(cache, 0, name_of("x.example.", name), 1, &denial), 0);
	assert_true(resolve_cache_nxdomain(cache, &arena, 0, name, &got));
	assert_int_equal(got.n, 1);
	assert_int_equal(got.set[0]->type, WIRE_TYPE_SOA);
	assert_int_equal(resolve_rrset_rdata(got.set[0], 0).data[29], 3);
	struct cut cut = {.zone = name_of("example.", zone), .expires_ms = 9000, .n_servers = 1}, back;
	cut.server[0].name = name_of("ns.example.", server);
	assert_true(
		resolve_cut_add_address(&cut, 0, WIRE_TYPE_A, &(struct wire_rdata){(const uint8_t[]){10, 0, 0, 1}, 4}));
	assert_false(
		resolve_cut_add_address(&cut, 0, WIRE_TYPE_A, &(struct wire_rdata){(const uint8_t[]){10, 0, 0, 1}, 4}));
	assert_false(
		resolve_cut_add_address(&cut, 0, WIRE_TYPE_A, &(struct wire_rdata){(const uint8_t[]){0, 0, 0, 0}, 4}));
	assert_false(resolve_cut_add_address(&cut, 0, WIRE_TYPE_A,
					     &(struct wire_rdata){(const uint8_t[]){224, 0, 0, 1}, 4}));
	assert_int_equal(resolve_cache_put_cut(cache, 0, &cut), 0);
	assert_true(resolve_cache_cut(cache, &arena, 0, zone, NULL, &back));
	assert_int_equal(back.n_targets, 1);
	assert_int_equal(back.target[0].addr.ip[3], 1);
	assert_true(wire_name_equal(back.server[0].name, server));
	assert_true(back.cached);
	resolve_cache_drop_cut(cache, &cut);
	assert_false(resolve_cache_cut(cache, &arena, 0, zone, NULL, &back));
	resolve_cache_free(cache);
}

/* ---- threads ---- */

struct hammer {
	struct resolve_cache *cache;
	uint64_t seed;
	size_t hits;
};

/* Values are all of one byte, which follows from the name: a torn read would show. */
static void *hammer(void *ctx)
{
	struct hammer *h = ctx;
	struct random random;
	struct arena arena = {0};
	random_init_seed(&random, h->seed);
	for (unsigned i = 0; i < 20000; i++) {
		uint32_t n = random_below(&random, 3000);
		uint8_t name[8] = {
			4, (uint8_t)('a' + n % 26), (uint8_t)('a' + n / 26 % 26), (uint8_t)('a' + n / 676), 'x', 0};
		uint8_t mark = (uint8_t)(n * 7), pack[402];
		uint16_t len = (uint16_t)(4 + random_below(&random, 396));
		struct rrset *got = resolve_cache_set(h->cache, &arena, 0, name, 1);
		if (got != NULL) {
			struct wire_rdata rdata = resolve_rrset_rdata(got, 0);
			for (unsigned b = 0; b < rdata.len; b++)
				if (rdata.data[b] != mark)
					abort();
			h->hits++;
		}
		wire_put16(pack, len);
		memset(pack + 2, mark, len);
		struct rrset set = {.owner = name,
				    .type = 1,
				    .count = 1,
				    .rank = RANK_ANSWER,
				    .expires_ms = 1000,
				    .pack = pack,
				    .size = 2u + len};
		if (random_below(&random, 2) == 0)
			resolve_cache_put_set(h->cache, 0, &set);
		if (random_below(&random, 5000) == 0)
			resolve_cache_flush(h->cache, name, false);
		arena_reset(&arena);
	}
	arena_done(&arena);
	return NULL;
}

static void threads_share_it(void **state)
{
	struct hammer hammers[4];
	pthread_t threads[4];
	struct resolve_cache *cache = cache_of(MIB / 2);
	size_t hits = 0;
	for (unsigned i = 0; i < 4; i++) {
		hammers[i] = (struct hammer){.cache = cache, .seed = i};
		assert_int_equal(pthread_create(&threads[i], NULL, hammer, &hammers[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		pthread_join(threads[i], NULL);
		hits += hammers[i].hits;
	}
	assert_true(hits > 10000);
	assert_true(resolve_cache_bytes(cache) <= MIB / 2);
	resolve_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(keeps_and_forgets),
		cmocka_unit_test(higher_ranks_stay),
		cmocka_unit_test(flushes),
		cmocka_unit_test(keeps_its_budget),
		cmocka_unit_test(popular_ones_stay),
		cmocka_unit_test(too_large_is_not_kept),
		cmocka_unit_test(denials_and_cuts_survive),
		cmocka_unit_test(threads_share_it),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
