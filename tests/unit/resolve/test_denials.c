// SPDX-License-Identifier: GPL-3.0-or-later
/* The order of denials: against sorted tables, with little memory, from many threads. */
#include "resolve/denials.h"
#include "wire/wire.h"

#include "../test.h"

#include <pthread.h>

static const uint8_t secret[16] = {7};

static void name_of(const char *text, uint8_t out[WIRE_NAME_MAX])
{
	assert_true(wire_name_parse(text, out) > 0);
}

static struct denials *denials_new(size_t bytes)
{
	struct denials *denials;
	void *memory = calloc(1, bytes);
	assert_non_null(memory);
	assert_int_equal(resolve_denials_init(memory, bytes, secret, &denials), 0);
	return denials; /* stands at the beginning of its memory */
}

static void denials_free(struct denials *denials)
{
	resolve_denials_done(denials);
	free(denials);
}

static int place_cmp(const struct denial_place *a, const struct denial_place *b)
{
	size_t least = a->len < b->len ? a->len : b->len;
	int order = memcmp(a->order, b->order, least);
	return order != 0 ? order : (a->len > b->len) - (a->len < b->len);
}

/* The example of RFC 4034 section 6.1, with labels of bytes that the order stands on. */
static void places_sort_as_names(void **state)
{
	static const char *const sorted[] = {
		"example.",
		"a.example.",
		"\\000.a.example.",
		"\\000\\000.a.example.",
		"\\001.a.example.",
		"yljkjljk.a.example.",
		"a\\000.example.",
		"a\\001.example.",
		"a\\001\\000.example.",
		"a\\002.example.",
		"Z.a\\002.example.",
		"zABC.a\\002.EXAMPLE.",
		"z.example.",
		"\\001.z.example.",
		"*.z.example.",
		"\\200.z.example.",
	};
	uint8_t zone[WIRE_NAME_MAX], name[WIRE_NAME_MAX], other[WIRE_NAME_MAX], back[WIRE_NAME_MAX];
	name_of("example.", zone);
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++) {
		struct denial_place place, next;
		name_of(sorted[i], name);
		resolve_denial_place(name, zone, &place);
		assert_int_equal(resolve_denial_name(&place, zone, back), 0);
		assert_true(wire_name_equal(name, back));
		if (i + 1 == ARRAY_SIZE(sorted))
			break;
		name_of(sorted[i + 1], other);
		resolve_denial_place(other, zone, &next);
		assert_true(wire_name_cmp(name, other) < 0);
		assert_true(place_cmp(&place, &next) < 0);
	}
}

/* A random name of few different letters, so that all sorts of neighbours come up. */
static void random_name(struct random *random, uint8_t out[WIRE_NAME_MAX])
{
	static const uint8_t letters[] = {0, 1, 2, '*', 'a', 'b', 255};
	uint8_t *p = out;
	for (unsigned labels = 1 + random_below(random, 4); labels > 0; labels--) {
		uint8_t len = (uint8_t)(1 + random_below(random, 3));
		*p++ = len;
		while (len-- > 0)
			*p++ = letters[random_below(random, sizeof letters)];
	}
	memcpy(p, "\7example", 9);
}

static void places_follow_the_canonical_order(void **state)
{
	struct random random;
	random_init_seed(&random, 1);
	const uint8_t *zone = (const uint8_t *)"\7example";
	for (unsigned i = 0; i < 20000; i++) {
		uint8_t a[WIRE_NAME_MAX], b[WIRE_NAME_MAX], back[WIRE_NAME_MAX];
		struct denial_place pa, pb;
		random_name(&random, a);
		random_name(&random, b);
		resolve_denial_place(a, zone, &pa);
		resolve_denial_place(b, zone, &pb);
		int order = wire_name_cmp(a, b), place = place_cmp(&pa, &pb);
		assert_int_equal((order > 0) - (order < 0), (place > 0) - (place < 0));
		assert_int_equal(resolve_denial_name(&pa, zone, back), 0);
		assert_true(wire_name_equal(a, back));
	}
}

#define MODEL 300

/* Adds and removes at random; what is found must be what a plain table says. */
static void finds_the_one_before(void **state)
{
	struct random random;
	random_init_seed(&random, 2);
	struct denials *denials = denials_new(512 * 1024);
	static uint8_t model[MODEL][WIRE_NAME_MAX];
	static bool is_in[MODEL];
	const uint8_t *zone = (const uint8_t *)"\7example", *other = (const uint8_t *)"\5other";
	struct denial_place place, found;
	for (unsigned i = 0; i < MODEL; i++) {
		random_name(&random, model[i]);
		resolve_denial_place(model[i], zone, &place);
		resolve_denials_add(denials, other, &place); /* neighbours that are not to be found */
	}
	assert_false(resolve_denials_know(denials, zone));
	for (unsigned i = 0; i < 20000; i++) {
		unsigned which = random_below(&random, MODEL);
		resolve_denial_place(model[which], zone, &place);
		if (random_below(&random, 2) == 0)
			resolve_denials_add(denials, zone, &place);
		else
			resolve_denials_remove(denials, zone, &place);
		for (unsigned k = 0; k < MODEL; k++)
			if (wire_name_equal(model[k], model[which]))
				is_in[k] = false;
		is_in[which] =
			resolve_denials_before(denials, zone, &place, &found) == 0 && place_cmp(&place, &found) == 0;
		uint8_t asked[WIRE_NAME_MAX], got[WIRE_NAME_MAX];
		const uint8_t *best = NULL;
		random_name(&random, asked);
		for (unsigned k = 0; k < MODEL; k++)
			if (is_in[k] && wire_name_cmp(model[k], asked) <= 0 &&
			    (best == NULL || wire_name_cmp(model[k], best) > 0))
				best = model[k];
		resolve_denial_place(asked, zone, &place);
		int rc = resolve_denials_before(denials, zone, &place, &found);
		assert_int_equal(rc, best == NULL ? BANYAN_ENOENT : 0);
		if (best == NULL)
			continue;
		assert_int_equal(resolve_denial_name(&found, zone, got), 0);
		assert_true(wire_name_equal(got, best));
	}
	assert_true(resolve_denials_know(denials, zone));
	denials_free(denials);
}

static void hashes_are_a_ring(void **state)
{
	struct denials *denials = denials_new(64 * 1024);
	const uint8_t *zone = (const uint8_t *)"\7example";
	struct denial_place place = {.nsec3 = true, .params = 5, .len = 20}, found;
	for (unsigned i = 1; i <= 9; i++) {
		memset(place.order, (int)(i * 16), 20);
		resolve_denials_add(denials, zone, &place);
	}
	memset(place.order, 0x45, 20);
	assert_int_equal(resolve_denials_before(denials, zone, &place, &found), 0);
	assert_int_equal(found.order[0], 0x40);
	memset(place.order, 0, 20); /* before the first one is the last one */
	assert_int_equal(resolve_denials_before(denials, zone, &place, &found), 0);
	assert_int_equal(found.order[0], 0x90);
	place.params = 6; /* another chain */
	assert_int_equal(resolve_denials_before(denials, zone, &place, &found), BANYAN_ENOENT);
	denials_free(denials);
}

/* Little memory and many names: those that are of use stay, the list stays in order. */
static void the_oldest_go(void **state)
{
	struct denials *denials = denials_new(24 * 1024);
	const uint8_t *zone = (const uint8_t *)"\7example";
	struct denial_place place, found, hot;
	uint8_t name[WIRE_NAME_MAX];
	name_of("hot.example.", name);
	resolve_denial_place(name, zone, &hot);
	resolve_denials_add(denials, zone, &hot);
	size_t most = 0;
	for (unsigned i = 0; i < 20000; i++) {
		char text[64];
		snprintf(text, sizeof text, "n%u%s.example.", i * 7919, i % 3 == 0 ? ".a-long-label-for-variety" : "");
		name_of(text, name);
		resolve_denial_place(name, zone, &place);
		resolve_denials_add(denials, zone, &place);
		if (i % 16 == 0) { /* the others are never of use */
			assert_int_equal(resolve_denials_before(denials, zone, &place, &found), 0);
			assert_int_equal(place_cmp(&place, &found), 0);
		}
		assert_int_equal(resolve_denials_before(denials, zone, &hot, &found), 0);
		assert_int_equal(place_cmp(&hot, &found), 0);
		most = resolve_denials_count(denials) > most ? resolve_denials_count(denials) : most;
	}
	assert_in_range(most, 200, 24 * 1024 / 30);
	denials_free(denials);
}

struct thread {
	struct denials *denials;
	uint64_t seed;
};

static void *thread_run(void *ctx)
{
	struct thread *thread = ctx;
	struct random random;
	struct denial_place place, found;
	uint8_t name[WIRE_NAME_MAX], zone[WIRE_NAME_MAX];
	random_init_seed(&random, thread->seed);
	for (unsigned i = 0; i < 20000; i++) {
		char text[32];
		snprintf(text, sizeof text, "z%u.example.", random_below(&random, 8));
		name_of(text, zone);
		random_name(&random, name);
		resolve_denial_place(name, (const uint8_t *)"\7example", &place);
		if (random_below(&random, 3) == 0)
			resolve_denials_remove(thread->denials, zone, &place);
		else if (random_below(&random, 2) == 0)
			resolve_denials_add(thread->denials, zone, &place);
		else if (resolve_denials_before(thread->denials, zone, &place, &found) == 0 &&
			 place_cmp(&found, &place) > 0)
			return thread;
	}
	return NULL;
}

static void threads_share_it(void **state)
{
	struct thread thread[4];
	pthread_t id[4];
	struct denials *denials = denials_new(200 * 1024);
	for (unsigned i = 0; i < 4; i++) {
		thread[i] = (struct thread){denials, i};
		assert_int_equal(pthread_create(&id[i], NULL, thread_run, &thread[i]), 0);
	}
	for (unsigned i = 0; i < 4; i++) {
		void *wrong;
		assert_int_equal(pthread_join(id[i], &wrong), 0);
		assert_null(wrong);
	}
	denials_free(denials);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(places_sort_as_names), cmocka_unit_test(places_follow_the_canonical_order),
		cmocka_unit_test(finds_the_one_before), cmocka_unit_test(hashes_are_a_ring),
		cmocka_unit_test(the_oldest_go),        cmocka_unit_test(threads_share_it),
	};
	return cmocka_run_group_tests_name("resolve-denials", tests, NULL, NULL);
}
