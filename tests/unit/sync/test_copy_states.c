// SPDX-License-Identifier: GPL-3.0-or-later
/* Each way from one state of a copy to another, in virtual time; with them an outage of two weeks, a roll of the key, and clocks that jump. */
#include "copy_world.h"

#define N_SOURCES 2

static const struct pull_copy_settings patient = {.seed = 1, .patient = true};

static void conduct_all(struct world *w, enum conduct conduct)
{
	for (size_t i = 0; i < w->n_sources; i++)
		w->source[i].conduct = conduct;
}

static struct world *begin(void)
{
	const enum conduct conduct[N_SOURCES] = {GOOD, GOOD};
	struct world *w = world_new(&patient, conduct, N_SOURCES);
	world_publish(w, 100);
	world_begin(w, NULL, 0);
	world_run(w, HOUR_S);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_forget(w);
	return w;
}

/* A version that is signed with a key that is trusted, or with one that is not yet. */
static void publish(struct world *w, bool trusted)
{
	world_publish(w, world_newest(w) + 1);
	w->version[w->n_versions - 1].key = trusted ? w->anchors : w->anchors + 1;
}

/* The one change since world_forget(), straight from one to the other. */
static void expect_change(struct world *w, enum pull_state after)
{
	assert_int_equal(world_state(w), after);
	assert_int_equal(w->n_states, 1);
	assert_int_equal(w->state[0], after);
	if (after != PULL_CURRENT)
		assert_true(strlen(w->last_state) > 0 && w->last_state[strlen(w->last_state) - 1] != ' ');
	world_forget(w);
}

/* ---- what leads to a state, from any other ---- */

static void to_lagging(struct world *w)
{
	conduct_all(w, DOWN);
	world_run(w, 3 * HOUR_S);
	expect_change(w, PULL_LAGGING);
}

static void to_held(struct world *w)
{
	conduct_all(w, GOOD);
	publish(w, false);
	world_run(w, 3 * HOUR_S);
	expect_change(w, PULL_HELD);
	assert_non_null(strstr(w->last_state, "was refused: no anchor fits"));
}

static void to_expired(struct world *w)
{
	conduct_all(w, MUTE);
	world_run(w, 8 * DAY_S);
	expect_change(w, PULL_EXPIRED);
}

static void to_current(struct world *w)
{
	conduct_all(w, GOOD);
	publish(w, true);
	world_run(w, 5 * HOUR_S);
	expect_change(w, PULL_CURRENT);
	assert_int_equal(w->in_use.serial, world_newest(w));
}

/* A new key becomes trusted: what was refused for it is in use within seconds, without waiting for any round. */
static void key_trusted(struct world *w)
{
	w->anchors++;
	world_kind(w, PULL_EVENT_ANCHORS);
	world_run(w, 10);
}

/* ---- the ways ---- */

static void current_lagging_current(void **state)
{
	struct world *w = begin();
	to_lagging(w);
	assert_non_null(strstr(w->last_state, "connection refused"));
	to_current(w);
	world_free(w);
}

static void current_held_current(void **state)
{
	struct world *w = begin();
	to_held(w);
	key_trusted(w);
	expect_change(w, PULL_CURRENT);
	assert_int_equal(w->in_use.serial, 101);
	world_free(w);
}

/* A clock set ahead shows that the end has come, and a source that says the same serial heals it. */
static void current_expired_current(void **state)
{
	struct world *w = begin();
	w->signed_s = 0; /* from the next version on */
	publish(w, true);
	world_run(w, 2 * HOUR_S);
	assert_int_equal(w->in_use.serial, 101);
	for (unsigned i = 0; i < 2; i++) {
		conduct_all(w, MUTE);
		w->off_s += 30 * DAY_S;
		world_kind(w, PULL_EVENT_TIME);
		expect_change(w, PULL_EXPIRED);
		conduct_all(w, GOOD);
		world_run(w, 5 * HOUR_S);
		expect_change(w, PULL_CURRENT);
		assert_int_equal(w->adopted, 0); /* since world_forget() */
	}
	world_free(w);
}

static void lagging_held(void **state)
{
	struct world *w = begin();
	to_lagging(w);
	to_held(w);
	world_free(w);
}

/* Held by the operator's hand; when he lets go nobody is there. */
static void held_lagging(void **state)
{
	struct world *w = begin();
	struct pull_version back = w->in_use;
	world_tell(w, &(struct pull_event){.kind = PULL_EVENT_ROLLED_BACK,
					   .version = &back,
					   .confirmed_at = world_now(w).wall_s,
					   .has_floor = true,
					   .floor = 100});
	expect_change(w, PULL_HELD);
	conduct_all(w, DOWN);
	world_run(w, 3 * HOUR_S);
	assert_int_equal(w->n_states, 0);
	world_kind(w, PULL_EVENT_REFRESH);
	world_run(w, 60);
	expect_change(w, PULL_LAGGING);
	to_current(w);
	world_free(w);
}

static void held_expired(void **state)
{
	struct world *w = begin();
	to_held(w);
	to_expired(w);
	world_free(w);
}

static void lagging_expired_current(void **state)
{
	struct world *w = begin();
	to_lagging(w);
	to_expired(w);
	to_current(w);
	world_free(w);
}

/* One source is back, behind the others, and confirms what is here; then all are silent again. */
static void expired_current_lagging(void **state)
{
	struct world *w = begin();
	w->signed_s = 0;
	publish(w, true);
	world_run(w, HOUR_S);
	world_forget(w);
	to_lagging(w);
	to_expired(w);
	publish(w, true);
	w->source[0].conduct = FROZEN;
	w->source[0].serial = 101;
	world_run(w, 2 * HOUR_S);
	expect_change(w, PULL_CURRENT);
	to_lagging(w);
	world_free(w);
}

/* An end that comes while it is held; what is newer is refused still. It stays expired: there is nothing that may be used. */
static void expired_and_refused(void **state)
{
	struct world *w = begin();
	to_held(w);
	to_expired(w);
	conduct_all(w, GOOD);
	publish(w, false);
	world_run(w, 6 * HOUR_S);
	assert_int_equal(world_state(w), PULL_EXPIRED);
	assert_int_equal(w->n_states, 0);
	key_trusted(w);
	expect_change(w, PULL_CURRENT);
	world_free(w);
}

/* ---- two weeks without any source, a roll of the key in their middle ---- */

static void outage_with_a_roll(bool told_late)
{
	struct world *w = begin();
	to_lagging(w);
	world_run(w, 5 * DAY_S);
	publish(w, false); /* nobody sees it */
	if (!told_late) {
		w->anchors++;
		world_kind(w, PULL_EVENT_ANCHORS);
	}
	world_run(w, 9 * DAY_S);
	expect_change(w, PULL_EXPIRED);
	conduct_all(w, GOOD);
	world_run(w, 2 * HOUR_S);
	if (told_late) {
		assert_int_equal(world_state(w), PULL_EXPIRED);
		assert_int_equal(w->in_use.serial, 100);
		key_trusted(w);
	}
	expect_change(w, PULL_CURRENT);
	assert_int_equal(w->in_use.serial, 101);
	world_free(w);
}

static void two_weeks_and_a_roll(void **state)
{
	outage_with_a_roll(false);
}

static void two_weeks_and_a_roll_that_is_seen_late(void **state)
{
	outage_with_a_roll(true);
}

/* The word comes while a candidate is fetched or proved with the keys of before: its refusal counts for nothing. */
static void a_roll_within_a_round(void **state)
{
	for (int64_t at_ms = 0; at_ms <= 1300; at_ms += 50) {
		struct world *w = begin();
		w->source[1].conduct = DOWN; /* nobody else comes to help */
		publish(w, false);
		world_kind(w, PULL_EVENT_REFRESH);
		for (int64_t ms = 0; ms < at_ms; ms += 50) {
			w->ms += 50; /* finer than world_run() */
			world_run(w, 0);
		}
		key_trusted(w);
		assert_int_equal(w->in_use.serial, 101);
		assert_int_equal(world_state(w), PULL_CURRENT);
		world_free(w);
	}
}

/* ---- clocks, in each state ---- */

static struct world *in_state(enum pull_state at)
{
	struct world *w = begin();
	if (at == PULL_LAGGING || at == PULL_EXPIRED)
		to_lagging(w);
	if (at == PULL_HELD)
		to_held(w);
	if (at == PULL_EXPIRED)
		to_expired(w);
	assert_int_equal(world_state(w), at);
	return w;
}

/* By weeks ahead: nothing may be used by that clock. When it is right again all is as it was: straight back from expired. */
static void ahead_by_weeks(void **state)
{
	for (enum pull_state at = PULL_CURRENT; at <= PULL_EXPIRED; at++) {
		struct world *w = in_state(at);
		w->off_s += 21 * DAY_S;
		world_kind(w, PULL_EVENT_TIME);
		assert_int_equal(world_state(w), PULL_EXPIRED);
		assert_non_null(strstr(w->last_note, "the clock was set ahead by 21 d"));
		world_run(w, HOUR_S);
		assert_int_equal(world_state(w), PULL_EXPIRED);
		w->off_s -= 21 * DAY_S;
		world_kind(w, PULL_EVENT_TIME);
		world_run(w, 60);
		assert_int_equal(world_state(w), at);
		world_free(w);
	}
}

/* By days back: nothing that has ended comes back to life, and nothing lives longer than true time allows (copy_world.c holds that). */
static void back_by_days(void **state)
{
	for (enum pull_state at = PULL_CURRENT; at <= PULL_EXPIRED; at++) {
		struct world *w = in_state(at);
		w->off_s -= 5 * DAY_S;
		world_kind(w, PULL_EVENT_TIME);
		world_run(w, 60);
		assert_int_equal(world_state(w), at);
		conduct_all(w, DOWN);
		world_run(w, 8 * DAY_S);
		assert_int_equal(world_state(w), PULL_EXPIRED);
		conduct_all(w, GOOD);
		publish(w, true);
		world_run(w, 5 * HOUR_S);
		world_forget(w);
		w->off_s += 5 * DAY_S;
		world_kind(w, PULL_EVENT_TIME);
		world_run(w, HOUR_S);
		assert_int_equal(world_state(w), PULL_CURRENT);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(current_lagging_current),
		cmocka_unit_test(current_held_current),
		cmocka_unit_test(current_expired_current),
		cmocka_unit_test(lagging_held),
		cmocka_unit_test(held_lagging),
		cmocka_unit_test(held_expired),
		cmocka_unit_test(lagging_expired_current),
		cmocka_unit_test(expired_current_lagging),
		cmocka_unit_test(expired_and_refused),
		cmocka_unit_test(two_weeks_and_a_roll),
		cmocka_unit_test(two_weeks_and_a_roll_that_is_seen_late),
		cmocka_unit_test(a_roll_within_a_round),
		cmocka_unit_test(ahead_by_weeks),
		cmocka_unit_test(back_by_days),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
