// SPDX-License-Identifier: GPL-3.0-or-later
/* Floods of names below one zone: what they may take, and that others go through. */
#include "world.h"

#include "../test.h"

#define SOA       " SOA ns h 1 7200 3600 86400 60\n"
#define MOST      50
#define LEAST     5
#define QUESTIONS 100

static struct world_server *flooded;

static struct world *world_of_two(void)
{
	struct resolve_settings settings;
	resolve_settings_default(&settings);
	settings.questions_max = QUESTIONS;
	settings.zone_questions_max = MOST;
	settings.zone_questions_min = LEAST;
	struct world *w = world_new(1, &settings);
	world_root(w, ". 86400" SOA ". NS a.root.\na.root. A 10.9.9.9\n"
		      "flood. NS ns.flood.\nns.flood. A 10.0.0.1\nother. NS ns.other.\nns.other. A 10.0.0.2\n");
	flooded = world_server(w, "10.0.0.1", 0, 20);
	world_serve(flooded, world_zone(w, "flood.", "@ 900" SOA "@ NS ns\nns A 10.0.0.1\n* 60 A 192.0.2.1\n"));
	world_serve(world_server(w, "10.0.0.2", 0, 20),
		    world_zone(w, "other.", "@ 900" SOA "@ NS ns\nns A 10.0.0.2\n* 60 A 192.0.2.2\n"));
	return w;
}

/* Asks for `n` new names at once; returns how many were refused for the quota's sake, by the time that all have ended. */
static unsigned flood(struct world *w, unsigned round, unsigned n, const char *zone)
{
	unsigned limited = 0;
	for (unsigned i = 0; i < n; i++) {
		char name[64];
		snprintf(name, sizeof(name), "r%u-%u.%s", round, i, zone);
		w->answer[i] = (struct world_answer){0};
		world_ask(w, i, name, WIRE_TYPE_A);
	}
	world_run(w, 60000);
	for (unsigned i = 0; i < n; i++) {
		assert_int_equal(w->answer[i].times, 1);
		limited += w->answer[i].reason == REASON_ZONE_LIMIT;
	}
	return limited;
}

static void a_zone_cannot_take_all(void **state)
{
	struct world *w = world_of_two();
	assert_int_equal(flood(w, 1, 80, "flood."), 80 - MOST);
	assert_int_equal(counter_read(&w->counters, COUNTER_ZONE_LIMITED), 80 - MOST);
	assert_int_equal(flood(w, 2, MOST, "flood."), 0); /* refusals are not remembered, places are given back */
	assert_int_equal(resolve_questions(w->engine), 0);
	world_free(w);
}

/* While the flood waits for servers that say nothing, other names are resolved as ever. */
static void others_go_through(void **state)
{
	struct world *w = world_of_two();
	flood(w, 1, 1, "flood.");
	flooded->habits = WORLD_DEAD;
	for (unsigned i = 0; i < 200; i++) {
		char name[64];
		snprintf(name, sizeof(name), "x%u.flood.", i);
		world_ask(w, i, name, WIRE_TYPE_A);
	}
	assert_int_equal(resolve_questions(w->engine), MOST);
	world_ask(w, 250, "www.other.", WIRE_TYPE_A);
	world_run(w, 100);
	assert_int_equal(w->answer[250].times, 1);
	assert_string_equal(w->answer[250].text, "www.other. 60 IN A 192.0.2.2; ");
	assert_int_equal(resolve_questions(w->engine), MOST);
	world_run(w, 60000);
	world_free(w);
}

/* Servers that do not answer lose their zone most of its places; answers bring them back, and no step of it jumps. */
static void adapts(void **state)
{
	struct world *w = world_of_two();
	flood(w, 1, 1, "flood.");
	flooded->habits = WORLD_DEAD;
	unsigned limited = 0;
	for (unsigned round = 2; round < 6; round++)
		limited = flood(w, round, MOST, "flood.");
	assert_int_equal(limited, MOST - LEAST);
	assert_int_equal(flood(w, 6, MOST, "other."), 0);
	flooded->habits = 0;
	world_sleep(w, 3600 * 1000); /* whatever else remembers that they were dead has forgotten */
	unsigned before = MOST;
	for (unsigned round = 7; round < 30; round++) {
		unsigned now = flood(w, round, MOST, "flood.");
		assert_true(now <= before);
		before = now;
	}
	assert_int_equal(before, 0);
	world_free(w);
}

/* Some loss is no reason to take places away. */
static void bears_loss(void **state)
{
	struct world *w = world_of_two();
	w->network.loss = 10;
	for (unsigned round = 1; round < 20; round++)
		assert_in_range(flood(w, round, MOST, "flood."), 0, 10);
	world_free(w);
}

/* A server that is so slow that first tries are lost, and loses half of all besides: it answers, so it keeps its places. */
static void slow_is_not_silent(void **state)
{
	struct world *w = world_of_two();
	flooded->rtt_ms = 900;
	w->network.loss = 50;
	for (unsigned round = 1; round < 5; round++)
		assert_int_equal(flood(w, round, MOST, "flood."), 0);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_zone_cannot_take_all),
		cmocka_unit_test(others_go_through),
		cmocka_unit_test(adapts),
		cmocka_unit_test(bears_loss),
		cmocka_unit_test(slow_is_not_silent),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
