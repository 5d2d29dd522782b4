// SPDX-License-Identifier: GPL-3.0-or-later
/* What the cache lets replace what, how long things last, and what it remembers of where they came from. */
#include "resolve/cache.h"

#include "../test.h"
#include "world.h"

#define SECOND INT64_C(1000)

static struct resolve_cache *cache_new(void)
{
	struct random random;
	struct resolve_cache *cache;
	random_init_seed(&random, 5);
	assert_int_equal(resolve_cache_new_random((size_t)1 << 20, &random, &cache), 0);
	return cache;
}

/* An A record 192.0.2.MARK of the name, or any other type with these 4 bytes. */
static struct rrset set_of(const char *owner, enum rank rank, enum security security, int64_t expires_ms, uint8_t mark)
{
	static uint8_t name[8][WIRE_NAME_MAX], pack[8][6];
	static unsigned turn;
	unsigned i = turn++ % 8;
	assert_true(wire_name_parse(owner, name[i]) > 0);
	memcpy(pack[i], (uint8_t[]){0, 4, 192, 0, 2, mark}, 6);
	return (struct rrset){.owner = name[i],
			      .type = WIRE_TYPE_A,
			      .count = 1,
			      .rank = (uint8_t)rank,
			      .security = (uint8_t)security,
			      .expires_ms = expires_ms,
			      .pack = pack[i],
			      .size = 6};
}

static uint8_t mark_of(const struct rrset *set)
{
	return set == NULL ? 0 : resolve_rrset_rdata(set, 0).data[3];
}

/* ---- time ---- */

static void time_counts_forward_steps(void **state)
{
	struct resolve_cache *cache = cache_new();
	assert_int_equal(resolve_cache_time(cache, 1000, 500000), 500000);
	assert_int_equal(resolve_cache_time(cache, 2000, 501000), 501000);
	assert_int_equal(resolve_cache_time(cache, 3000, 902000), 902000); /* the machine slept */
	assert_int_equal(resolve_cache_time_ahead(cache), 0);
	resolve_cache_free(cache);
}

static void time_never_runs_back(void **state)
{
	struct resolve_cache *cache = cache_new();
	assert_int_equal(resolve_cache_time(cache, 1000, 500000), 500000);
	/* an hour back: one second has passed all the same */
	assert_int_equal(resolve_cache_time(cache, 2000, 501000 - 3600000), 501000);
	assert_int_equal(resolve_cache_time_ahead(cache), 3600000);
	assert_int_equal(resolve_cache_time(cache, 3000, 502000 - 3600000), 502000); /* told once, not at each step */
	/* another worker saw the same */
	assert_int_equal(resolve_cache_time(cache, 3500, 502500 - 3600000), 502500);
	/* and forward again: it may have slept, who knows; what is kept is older at worst */
	assert_int_equal(resolve_cache_time(cache, 4000, 503000), 503000 + 3600000);
	resolve_cache_free(cache);
}

static void time_ignores_what_is_small(void **state)
{
	struct resolve_cache *cache = cache_new();
	resolve_cache_time(cache, 0, 500000);
	for (int64_t i = 1; i < 1000; i++)
		assert_int_equal(resolve_cache_time(cache, i, 500000 + i - i % 7), 500000 + i - i % 7);
	assert_int_equal(resolve_cache_time_ahead(cache), 0);
	resolve_cache_free(cache);
}

static void ttl_is_never_prolonged(void **state)
{
	struct rrset set = set_of("a.", RANK_ANSWER, SECURITY_UNCHECKED, 400 * SECOND, 1);
	set.stored_ms = 100 * SECOND;
	assert_int_equal(resolve_rrset_ttl(&set, 100 * SECOND), 300);
	assert_int_equal(resolve_rrset_ttl(&set, 250 * SECOND), 150);
	assert_int_equal(resolve_rrset_ttl(&set, 10 * SECOND), 300); /* not 390 */
	assert_int_equal(resolve_rrset_ttl(&set, 400 * SECOND), 0);
}

#define WORLD_ROOT                                                                                                     \
	". 86400 SOA a. b. 1 1 1 1 1\n. 86400 NS a.\na. 86400 A 198.41.0.4\n"                                          \
	"example. 86400 NS ns.example.\nns.example. 86400 A 192.0.2.1\n"
#define WORLD_EXAMPLE "@ 3600 SOA ns h 1 1 1 1 60\n@ 3600 NS ns\nns 3600 A 192.0.2.1\nwww 300 A 192.0.2.80\n"

/* The whole engine: the clock steps back by a day, and 300 seconds are still 300 seconds. */
static void engine_outlives_steps(void **state)
{
	struct world *w = world_new(1, NULL);
	world_root(w, WORLD_ROOT);
	world_serve(world_server(w, "192.0.2.1", 0, 20), world_zone(w, "example.", WORLD_EXAMPLE));
	assert_int_equal(world_resolve(w, "www.example.", WIRE_TYPE_A)->rcode, WIRE_RCODE_NOERROR);
	unsigned sent = w->sent;
	w->wall_off_ms -= 86400 * SECOND;
	world_sleep(w, 200 * SECOND);
	assert_string_equal(world_resolve(w, "www.example.", WIRE_TYPE_A)->text, "www.example. 100 IN A 192.0.2.80; ");
	assert_int_equal(w->sent, sent);
	world_sleep(w, 101 * SECOND);
	assert_string_equal(world_resolve(w, "www.example.", WIRE_TYPE_A)->text, "www.example. 300 IN A 192.0.2.80; ");
	assert_true(w->sent > sent);
	sent = w->sent;
	w->wall_off_ms += 86400 * SECOND; /* forward: all of it is over */
	assert_string_equal(world_resolve(w, "www.example.", WIRE_TYPE_A)->text, "www.example. 300 IN A 192.0.2.80; ");
	assert_true(w->sent > sent);
	world_free(w);
}

/* ---- ranks ---- */

static void secure_is_not_replaced_by_unchecked(void **state)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct resolve_cache *cache = cache_new();
	struct rrset secure = set_of("a.", RANK_ANSWER, SECURITY_SECURE, 100 * SECOND, 1);
	struct rrset unchecked = set_of("a.", RANK_AUTHORITY, SECURITY_UNCHECKED, 900 * SECOND, 2);
	struct rrset insecure = set_of("a.", RANK_ANSWER, SECURITY_INSECURE, 100 * SECOND, 3);
	assert_int_equal(resolve_cache_put_set(cache, 0, &secure), 0);
	assert_int_equal(resolve_cache_put_set(cache, 0, &unchecked), BANYAN_EEXIST);
	assert_int_equal(mark_of(resolve_cache_set(cache, &arena, 0, secure.owner, WIRE_TYPE_A)), 1);
	/* what is proved to be unsigned now is as good */
	assert_int_equal(resolve_cache_put_set(cache, 0, &insecure), 0);
	assert_int_equal(mark_of(resolve_cache_set(cache, &arena, 0, secure.owner, WIRE_TYPE_A)), 3);
	assert_int_equal(resolve_cache_put_set(cache, 0, &secure), 0);
	/* and when it has expired, anything is better */
	assert_int_equal(resolve_cache_put_set(cache, 100 * SECOND, &unchecked), 0);
	assert_int_equal(mark_of(resolve_cache_set(cache, &arena, 100 * SECOND, secure.owner, WIRE_TYPE_A)), 2);
	resolve_cache_free(cache);
}

static void the_root_ranks_highest(void **state)
{
	struct resolve_cache *cache = cache_new();
	struct rrset root = set_of("a.", RANK_ROOT, SECURITY_SECURE, 100 * SECOND, 1);
	struct rrset child = set_of("a.", RANK_AUTHORITY, SECURITY_SECURE, 100 * SECOND, 2);
	assert_int_equal(resolve_cache_put_set(cache, 0, &root), 0);
	assert_int_equal(resolve_cache_put_set(cache, 0, &child), BANYAN_EEXIST);
	resolve_cache_free(cache);
}

static struct cache_denial denial_of(enum security security, int64_t expires_ms)
{
	return (struct cache_denial){.nxdomain = true, .security = (uint8_t)security, .expires_ms = expires_ms};
}

static void data_end_nxdomain(void **state)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct resolve_cache *cache = cache_new();
	struct rrset plain = set_of("a.", RANK_AUTHORITY, SECURITY_UNCHECKED, 100 * SECOND, 1);
	struct cache_denial denial = denial_of(SECURITY_UNCHECKED, 900 * SECOND), got;
	resolve_cache_put_denial(cache, 0, plain.owner, WIRE_TYPE_A, &denial);
	assert_true(resolve_cache_nxdomain(cache, &arena, 0, plain.owner, &got));
	resolve_cache_put_set(cache, 0, &plain);
	assert_false(resolve_cache_nxdomain(cache, &arena, 0, plain.owner, &got));
	/* but not a proved one */
	denial = denial_of(SECURITY_SECURE, 900 * SECOND);
	resolve_cache_put_denial(cache, 0, plain.owner, WIRE_TYPE_A, &denial);
	resolve_cache_put_set(cache, 0, &plain);
	assert_true(resolve_cache_nxdomain(cache, &arena, 0, plain.owner, &got));
	resolve_cache_free(cache);
}

/* ---- where it came from ---- */

static void origin_kept(const struct rrset_origin *origin)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct resolve_cache *cache = cache_new();
	struct rrset set = set_of("www.example.", RANK_AUTHORITY, SECURITY_SECURE, 100 * SECOND, 1), *got;
	set.origin = *origin;
	assert_int_equal(resolve_cache_put_set(cache, 7 * SECOND, &set), 0);
	got = resolve_cache_set(cache, &arena, 8 * SECOND, set.owner, WIRE_TYPE_A);
	assert_non_null(got);
	assert_int_equal(got->stored_ms, 7 * SECOND);
	assert_int_equal(got->expires_ms, 100 * SECOND);
	assert_int_equal(got->asked, 1);
	assert_memory_equal(&got->origin.server, &origin->server, sizeof(struct addr));
	assert_int_equal(got->origin.root, origin->root);
	assert_int_equal(got->origin.root_serial, origin->root_serial);
	assert_int_equal(got->origin.algorithm, origin->algorithm);
	assert_int_equal(got->origin.key_tag, origin->key_tag);
	assert_int_equal(mark_of(got), 1);
	struct cache_denial denial = {.security = SECURITY_SECURE, .expires_ms = 50 * SECOND, .n = 1, .set = {&set}},
			    hit;
	struct rrset *none;
	resolve_cache_put_denial(cache, 9 * SECOND, set.owner, WIRE_TYPE_MX, &denial);
	assert_int_equal(resolve_cache_find(cache, &arena, 9 * SECOND, set.owner, WIRE_TYPE_MX, &none, &hit),
			 CACHE_HIT_DENIAL);
	assert_int_equal(hit.stored_ms, 9 * SECOND);
	assert_int_equal(hit.origin.key_tag, origin->key_tag);
	assert_memory_equal(&hit.set[0]->origin.server, &origin->server, sizeof(struct addr));
	assert_int_equal(mark_of(hit.set[0]), 1);
	resolve_cache_free(cache);
}

static void remembers_where_from(void **state)
{
	struct rrset_origin origin[6] = {
		{.root = true, .root_serial = 2026080100},
		{.algorithm = 13, .key_tag = 20326},
		{.root = true, .root_serial = 1, .algorithm = 8, .key_tag = 1},
	};
	assert_int_equal(addr_parse("192.0.2.1", 53, &origin[3].server), 0);
	assert_int_equal(addr_parse("2001:db8::53@5353", 53, &origin[4].server), 0);
	origin[4].algorithm = 15;
	origin[4].key_tag = 65535;
	for (size_t i = 0; i < ARRAY_SIZE(origin); i++)
		origin_kept(&origin[i]);
}

static void the_walk_says_where_from(void **state)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct world *w = world_new(1, NULL);
	world_root(w, WORLD_ROOT);
	world_serve(world_server(w, "192.0.2.1", 0, 20), world_zone(w, "example.", WORLD_EXAMPLE));
	world_resolve(w, "www.example.", WIRE_TYPE_A);
	uint8_t name[WIRE_NAME_MAX];
	assert_true(wire_name_parse("www.example.", name) > 0);
	int64_t now_ms = resolve_cache_time(w->cache, w->now_ms, WORLD_EPOCH_MS + w->now_ms);
	struct rrset *set = resolve_cache_set(w->cache, &arena, now_ms, name, WIRE_TYPE_A);
	char text[ADDR_TEXT_MAX];
	assert_non_null(set);
	assert_string_equal(addr_format(&set->origin.server, true, text), "192.0.2.1@53");
	assert_in_range(set->stored_ms, WORLD_EPOCH_MS, WORLD_EPOCH_MS + w->now_ms);
	world_free(w);
}

/* ---- failures ---- */

static void failures_grow(void **state)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct resolve_cache *cache = cache_new();
	static const uint8_t name[] = "\1a";
	static const int64_t lasts_s[] = {5, 10, 20, 40, 60, 60};
	int64_t now_ms = 1000 * SECOND;
	enum reason reason;
	for (size_t i = 0; i < ARRAY_SIZE(lasts_s); i++) {
		assert_int_equal(resolve_cache_put_failure(cache, now_ms, name, WIRE_TYPE_A, REASON_NETWORK_ERROR, 0),
				 0);
		now_ms += lasts_s[i] * SECOND;
		assert_true(resolve_cache_failure(cache, &arena, now_ms - 1, name, WIRE_TYPE_A, &reason));
		assert_int_equal(reason, REASON_NETWORK_ERROR);
		assert_false(resolve_cache_failure(cache, &arena, now_ms, name, WIRE_TYPE_A, &reason));
		assert_false(resolve_cache_failure(cache, &arena, now_ms - 1, name, WIRE_TYPE_MX, &reason));
	}
	/* long after the last one it begins anew */
	now_ms += 61 * SECOND;
	resolve_cache_put_failure(cache, now_ms, name, WIRE_TYPE_A, REASON_LAME, 0);
	assert_false(resolve_cache_failure(cache, &arena, now_ms + 5 * SECOND, name, WIRE_TYPE_A, &reason));
	/* and so it does after a success */
	resolve_cache_drop_failure(cache, name, WIRE_TYPE_A);
	resolve_cache_put_failure(cache, now_ms, name, WIRE_TYPE_A, REASON_LAME, 30);
	assert_true(resolve_cache_failure(cache, &arena, now_ms + 29 * SECOND, name, WIRE_TYPE_A, &reason));
	assert_false(resolve_cache_failure(cache, &arena, now_ms + 30 * SECOND, name, WIRE_TYPE_A, &reason));
	resolve_cache_free(cache);
}

/* What exactly was wrong is told as long as the failure is. */
static void failures_keep_their_words(void **state)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct resolve_cache *cache = cache_new();
	static const uint8_t name[] = "\1a";
	char longest[2 * RESOLVE_DETAIL_MAX];
	enum reason reason;
	memset(longest, 'x', sizeof longest);
	longest[sizeof longest - 1] = 0;
	assert_null(resolve_cache_failure_detail(cache, &arena, SECOND, name, WIRE_TYPE_A));
	assert_int_equal(resolve_cache_put_failure_detail(cache, SECOND, name, WIRE_TYPE_A, REASON_RRSIG_EXPIRED,
							  "a. A: expired", 0),
			 0);
	assert_true(resolve_cache_failure(cache, &arena, SECOND, name, WIRE_TYPE_A, &reason));
	assert_int_equal(reason, REASON_RRSIG_EXPIRED);
	assert_string_equal(resolve_cache_failure_detail(cache, &arena, SECOND, name, WIRE_TYPE_A), "a. A: expired");
	assert_null(resolve_cache_failure_detail(cache, &arena, SECOND, name, WIRE_TYPE_MX));
	assert_null(resolve_cache_failure_detail(cache, &arena, 7 * SECOND, name, WIRE_TYPE_A));
	assert_int_equal(
		resolve_cache_put_failure_detail(cache, 7 * SECOND, name, WIRE_TYPE_A, REASON_LAME, longest, 0), 0);
	const char *kept = resolve_cache_failure_detail(cache, &arena, 16 * SECOND, name, WIRE_TYPE_A);
	assert_non_null(kept); /* in a row with the first, so it lasts twice as long */
	assert_int_equal(strlen(kept), RESOLVE_DETAIL_MAX);
	resolve_cache_free(cache);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(time_counts_forward_steps),
		cmocka_unit_test(time_never_runs_back),
		cmocka_unit_test(time_ignores_what_is_small),
		cmocka_unit_test(ttl_is_never_prolonged),
		cmocka_unit_test(engine_outlives_steps),
		cmocka_unit_test(secure_is_not_replaced_by_unchecked),
		cmocka_unit_test(the_root_ranks_highest),
		cmocka_unit_test(data_end_nxdomain),
		cmocka_unit_test(remembers_where_from),
		cmocka_unit_test(the_walk_says_where_from),
		cmocka_unit_test(failures_grow),
		cmocka_unit_test(failures_keep_their_words),
	};
	return cmocka_run_group_tests_name("resolve-cache-rules", tests, NULL, NULL);
}
