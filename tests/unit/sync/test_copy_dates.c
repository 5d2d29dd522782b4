// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The scheduled regime in virtual time, with the publisher's own schedule: a version a day, offered two hours ahead, valid for 48 hours, and
 * nobody notified. Bad hours, bad days, bad clocks: what is in use is valid by the clock at each step (copy_world.c holds that), there is
 * always one when there can be, and the state says so when there is none.
 */
#include "copy_world.h"

#include "publish/schedule.h"

static const struct publish_schedule schedule; /* all defaults */
static const struct pull_copy_settings patient = {.seed = 11, .patient = true};

static int64_t true_s(const struct world *w)
{
	return START_S + w->ms / 1000;
}

static void publish_due(struct world *w)
{
	struct publish_version due;
	uint32_t serial;
	publish_schedule_due(&schedule, true_s(w), &due);
	assert_int_equal(publish_schedule_serial(&schedule, &due, NULL, &serial), 0);
	if (w->n_versions == 0 || serial != world_newest(w))
		world_publish_dated(w, serial, due.valid_from - START_S, due.valid_until - START_S);
}

static void regime_run(struct world *w, int64_t seconds)
{
	int64_t end_s = true_s(w) + seconds;
	while (true_s(w) < end_s) {
		int64_t next_s = publish_schedule_next(&schedule, true_s(w));
		world_run(w, (next_s < end_s ? next_s : end_s) - true_s(w));
		publish_due(w);
	}
}

/* The serial that everybody uses by the schedule, at what a clock says. */
static uint32_t serial_by(int64_t at_s)
{
	struct publish_version current;
	uint32_t serial;
	publish_schedule_current(&schedule, at_s, &current);
	assert_int_equal(publish_schedule_serial(&schedule, &current, NULL, &serial), 0);
	return serial;
}

/* From 06:00 of the first day to 06:00 of the fourth. */
static struct world *begin(const struct pull_copy_settings *settings, size_t n_sources)
{
	const enum conduct conduct[WORLD_SOURCES] = {GOOD};
	struct world *w = world_new(settings, conduct, n_sources);
	w->ms = (int64_t)6 * HOUR_S * 1000;
	publish_due(w);
	world_begin(w, NULL, 0);
	regime_run(w, 3 * DAY_S);
	assert_int_equal(world_state(w), PULL_CURRENT);
	assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
	world_forget(w);
	w->turns = 0;
	return w;
}

static void conduct_all(struct world *w, enum conduct conduct)
{
	for (size_t i = 0; i < w->n_sources; i++)
		w->source[i].conduct = conduct;
}

static void clock_set(struct world *w, int64_t off_s)
{
	w->off_s = off_s;
	world_kind(w, PULL_EVENT_TIME);
}

static int64_t clock_of(const struct world *w)
{
	return world_now(w).wall_s;
}

/* ---- all is well ---- */

/* Each midnight to the second, one download a day, nothing to say of it. */
static void as_it_should_be(void **state)
{
	struct world *w = begin(&patient, 3);
	for (unsigned day = 0; day < 10; day++) {
		regime_run(w, 18 * HOUR_S - 1); /* 23:59:59 */
		assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
		assert_int_equal(w->turns, day);
		world_run(w, 1);
		assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
		assert_int_equal(w->turns, day + 1);
		regime_run(w, 6 * HOUR_S);
	}
	assert_int_equal(w->fetches, 10);
	assert_int_equal(w->n_states, 0);
	world_free(w);
}

/* ---- a bad hour, a bad day ---- */

/* All sources silent for so long, from each half hour of a day on. */
static void silent_for(int64_t seconds, enum conduct how, bool unnoticed)
{
	for (int64_t begins_s = 0; begins_s < DAY_S; begins_s += HOUR_S / 2) {
		struct world *w = begin(&patient, 3);
		regime_run(w, begins_s);
		conduct_all(w, how);
		for (int64_t s = 0; s < seconds; s += HOUR_S / 4) {
			regime_run(w, HOUR_S / 4);
			assert_true(world_usable(w));
			if (unnoticed)
				assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
		}
		assert_true(unnoticed || world_state(w) == PULL_LAGGING);
		if (!unnoticed)
			assert_non_null(strstr(w->last_state, how == DOWN ? "connection refused" : "in time"));
		conduct_all(w, GOOD);
		for (int64_t s = 0; s < 2 * HOUR_S; s += HOUR_S / 4) {
			regime_run(w, HOUR_S / 4);
			assert_true(world_usable(w));
		}
		assert_int_equal(world_state(w), PULL_CURRENT);
		assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
		assert_false(world_was(w, PULL_EXPIRED));
		world_free(w);
	}
}

static void bad_hour(void **state)
{
	silent_for(HOUR_S, MUTE, true);
	silent_for(HOUR_S, DOWN, true);
}

static void bad_day(void **state)
{
	silent_for(DAY_S, MUTE, false);
	silent_for(DAY_S, DOWN, false);
}

/* Three days: the end comes at its second, is said, and passes as soon as a source answers. */
static void bad_days(void **state)
{
	struct world *w = begin(&patient, 3);
	conduct_all(w, DOWN);
	int64_t until_s = w->in_use.valid_until;
	regime_run(w, until_s - true_s(w) - 1);
	assert_true(world_usable(w));
	assert_int_equal(world_state(w), PULL_LAGGING);
	regime_run(w, 1);
	assert_false(world_usable(w));
	assert_int_equal(world_state(w), PULL_EXPIRED);
	assert_non_null(strstr(w->last_state,
			       "its time ended at 2026-01-06T00:00:00Z, and the clock of this machine says "
			       "2026-01-06T00:00:00Z"));
	regime_run(w, DAY_S);
	assert_int_equal(world_state(w), PULL_EXPIRED);
	conduct_all(w, GOOD);
	regime_run(w, 3 * HOUR_S);
	assert_int_equal(world_state(w), PULL_CURRENT);
	assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
	world_free(w);
}

/* ---- a bad clock ---- */

/* Off by so much for six days: valid by the clock, all the time. Up to a day it is what others use, or the one before or after. */
static void clock_off_for_days(int64_t off_s)
{
	for (int64_t begins_s = 0; begins_s < DAY_S; begins_s += HOUR_S) {
		struct world *w = begin(&patient, 3);
		regime_run(w, begins_s);
		clock_set(w, off_s);
		for (unsigned i = 0; i < 6 * 24; i++) {
			assert_true(world_usable(w));
			assert_true(serial_by(clock_of(w)) == w->in_use.serial ||
				    serial_by(clock_of(w) - DAY_S) == w->in_use.serial);
			assert_true(true_s(w) >= w->in_use.valid_from - (off_s > 0 ? off_s : 0));
			assert_true(true_s(w) < w->in_use.valid_until + (off_s < 0 ? -off_s : 0));
			regime_run(w, HOUR_S);
		}
		assert_false(world_was(w, PULL_EXPIRED) || world_was(w, PULL_EARLY));
		clock_set(w, 0);
		assert_true(world_usable(w));
		regime_run(w, HOUR_S);
		assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
		assert_int_equal(world_state(w), PULL_CURRENT);
		world_free(w);
	}
}

static void clock_off_by_an_hour(void **state)
{
	clock_off_for_days(HOUR_S);
	clock_off_for_days(-HOUR_S);
}

static void clock_off_by_a_day(void **state)
{
	clock_off_for_days(DAY_S);
	clock_off_for_days(-DAY_S);
}

/* A year: nothing that is here or comes may be used, and it says why. A clock that is set back mends that at once, without any source; one that
 * is set ahead may have slept for all of that time, so a source has to confirm what is here. */
static void clock_off_by_a_year(void **state)
{
	for (int sign = -1; sign <= 1; sign += 2) {
		struct world *w = begin(&patient, 3);
		regime_run(w, 6 * HOUR_S);
		clock_set(w, sign * 365 * DAY_S);
		assert_int_equal(world_state(w), sign < 0 ? PULL_EARLY : PULL_EXPIRED);
		assert_false(world_usable(w));
		assert_non_null(
			strstr(w->last_state, sign < 0 ? "its time begins at 2026-01-04T00:00:00Z, and the clock of "
							 "this machine says 2025-01-04T12:00:00Z"
						       : "its time ended at 2026-01-06T00:00:00Z, and the clock of "
							 "this machine says 2027-01-04T12:00:00Z"));
		regime_run(w, 18 * HOUR_S);
		assert_false(world_usable(w));
		conduct_all(w, sign < 0 ? GOOD : DOWN);
		clock_set(w, 0);
		regime_run(w, sign < 0 ? 30 : 0);
		assert_true(world_usable(w));
		assert_int_not_equal(world_state(w), PULL_EXPIRED);
		assert_int_not_equal(world_state(w), PULL_EARLY);
		conduct_all(w, GOOD);
		regime_run(w, 2 * HOUR_S);
		assert_int_equal(world_state(w), PULL_CURRENT);
		assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
		/* after days of it, when nothing that is here is of any use any more */
		clock_set(w, sign * 365 * DAY_S);
		regime_run(w, 6 * DAY_S);
		clock_set(w, 0);
		regime_run(w, 120);
		assert_int_equal(world_state(w), PULL_CURRENT);
		assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
		world_free(w);
	}
}

/* A clock that is put right over midnight again and again: what is used is what its time says, forth and back. */
static void midnight_twice(void **state)
{
	struct world *w = begin(&patient, 2);
	regime_run(w, 18 * HOUR_S + 10); /* ten seconds into the fifth day */
	uint32_t fifth = serial_by(true_s(w));
	assert_int_equal(w->in_use.serial, fifth);
	clock_set(w, -20);
	assert_true(world_usable(w));
	assert_int_equal(w->in_use.serial, fifth - 100);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_run(w, 9);
	assert_int_equal(w->in_use.serial, fifth - 100);
	world_run(w, 1);
	assert_int_equal(w->in_use.serial, fifth);
	assert_int_equal(w->n_states, 0);
	assert_int_equal(w->turns, 3);
	world_free(w);
}

/* Whatever clocks and sources do, at random and with restarts; and some hours after the last of it, all is well. */
static void anything(void **state)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		const struct pull_copy_settings settings = {.seed = seed, .patient = seed % 2 == 0};
		struct world *w = begin(&settings, 1 + (size_t)(seed % 4));
		for (unsigned i = 0; i < 60; i++) {
			for (size_t k = 0; k < w->n_sources; k++)
				w->source[k].conduct =
					world_random(w, 3) == 0 ? (enum conduct)world_random(w, 3) : GOOD;
			if (world_random(w, 3) == 0)
				clock_set(w, (int64_t)world_random(w, 6 * DAY_S) - 3 * DAY_S);
			w->store_busy = world_random(w, 4) == 0;
			if (world_random(w, 5) == 0)
				world_restart(w);
			regime_run(w, (int64_t)world_random(w, DAY_S));
		}
		conduct_all(w, GOOD);
		w->store_busy = false;
		clock_set(w, 0);
		regime_run(w, 5 * HOUR_S);
		assert_int_equal(world_state(w), PULL_CURRENT);
		assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
		world_free(w);
	}
}

/* Who says which date stands against what the clock says. */
static void says(const struct world *w, const char *words)
{
	struct pull_copy_status status;
	pull_copy_status(w->copy, world_now(w), &status);
	if (strstr(status.why, words) == NULL)
		fail_msg("it says '%s', and not '%s'", status.why, words);
}

static struct world *first_start(int64_t off_s, int64_t at_s)
{
	const enum conduct conduct[] = {GOOD, GOOD};
	struct world *w = world_new(&patient, conduct, 2);
	w->ms = at_s * 1000;
	w->off_s = off_s;
	publish_due(w);
	world_begin(w, NULL, 0);
	regime_run(w, 4 * HOUR_S);
	return w;
}

/* A machine without a clock of its own begins in 1970, with nothing: nothing is used, it says why, and a minute after the clock is right all is
 * well. The same with a clock that is some days off. */
static void wrong_at_the_first_start(void **state)
{
	const struct {
		int64_t off_s;
		enum pull_state is;
		const char *why;
	} rows[] = {
		{-START_S, PULL_EMPTY, "was refused"}, /* by then no signature has begun */
		{-36 * HOUR_S, PULL_EMPTY, "was refused"},
		{-12 * HOUR_S, PULL_EARLY,
		 "its time begins at 2026-01-01T00:00:00Z, and the clock of this machine says 2025-12-31"},
		{60 * HOUR_S, PULL_EMPTY, "was refused: edition-ended: its time ended at 2026-01-03T00:00:00Z"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct world *w = first_start(rows[i].off_s, 2 * HOUR_S);
		assert_int_equal(world_state(w), rows[i].is);
		assert_false(world_usable(w));
		says(w, rows[i].why);
		clock_set(w, 0);
		world_run(w, 90);
		assert_true(world_usable(w));
		assert_int_equal(world_state(w), PULL_CURRENT);
		assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
		world_free(w);
	}
}

/* With what was stored it is used in the second in which the clock is right, also when no source is there by then, and whether or not one has
 * confirmed it in 1970. */
static void no_clock_at_a_restart(void **state)
{
	for (unsigned confirmed = 0; confirmed < 2; confirmed++) {
		struct world *w = begin(&patient, 2);
		conduct_all(w, confirmed ? GOOD : DOWN);
		w->off_s = -true_s(w) + 100;
		w->was_usable = false;
		world_restart(w);
		regime_run(w, 2 * HOUR_S);
		assert_int_equal(world_state(w), PULL_EARLY);
		assert_false(world_usable(w));
		says(w, "and the clock of this machine says 1970-01-01T0");
		conduct_all(w, DOWN);
		world_run(w, 300);
		clock_set(w, 0);
		assert_true(world_usable(w));
		assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
		/* and not for longer than its dates say */
		regime_run(w, 2 * DAY_S);
		assert_int_equal(world_state(w), PULL_EXPIRED);
		assert_false(world_usable(w));
		world_free(w);
	}
}

/* A second that comes twice, and one that does not come, at each change. */
static void leap_seconds(void **state)
{
	for (int64_t leap_s = -1; leap_s <= 1; leap_s += 2) {
		struct world *w = begin(&patient, 2);
		for (int64_t at_s = -2; at_s <= 2; at_s++) {
			regime_run(w, START_S + (true_s(w) - START_S) / DAY_S * DAY_S + DAY_S + at_s - true_s(w));
			clock_set(w, w->off_s + leap_s);
			assert_true(world_usable(w));
			assert_int_equal(w->in_use.serial, serial_by(clock_of(w)));
			regime_run(w, 6 * HOUR_S);
			assert_int_equal(world_state(w), PULL_CURRENT);
		}
		assert_int_equal(w->n_states, 0);
		world_free(w);
	}
}

/* Three days without power, and back when a version is offered ahead: what is stored has ended, and what its source has is used. */
static void long_asleep(void **state)
{
	struct world *w = begin(&patient, 2);
	w->was_usable = false;
	int64_t until_s = true_s(w) + 3 * DAY_S;
	while (true_s(w) < until_s) {
		w->ms = (publish_schedule_next(&schedule, true_s(w)) - START_S) * 1000;
		publish_due(w);
	}
	world_restart(w);
	regime_run(w, 2 * HOUR_S + 60);
	assert_int_equal(world_state(w), PULL_CURRENT);
	assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
	world_free(w);
}

/* ---- what else may be ---- */

/* Who begins in the two hours has nothing but what is to come: it is kept, waits, and says so. */
static void first_start_ahead(void **state)
{
	const enum conduct conduct[] = {GOOD};
	struct world *w = world_new(&patient, conduct, 1);
	w->ms = (int64_t)23 * HOUR_S * 1000;
	publish_due(w);
	world_begin(w, NULL, 0);
	world_run(w, 60);
	assert_int_equal(world_state(w), PULL_EARLY);
	assert_false(world_usable(w));
	assert_non_null(strstr(w->last_state, "its time begins at 2026-01-02T00:00:00Z"));
	world_run(w, HOUR_S - 61);
	assert_int_equal(world_state(w), PULL_EARLY);
	world_run(w, 1);
	assert_int_equal(world_state(w), PULL_CURRENT);
	assert_int_equal(w->fetches, 1);
	world_free(w);
}

/* ... unless another source keeps to the dates and still gives the version in force: that is used until then, whoever is asked first, and the one
 * to come is kept beside it. */
static void first_start_ahead_beside_others(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD, GOOD, GOOD, GOOD};
	for (uint64_t seed = 1; seed <= 40; seed++) {
		const struct pull_copy_settings settings = {.seed = seed};
		struct world *w = world_new(&settings, conduct, 1 + seed % 5);
		size_t keeps = seed % w->n_sources; /* to the dates; with one source: nobody does */
		if (w->n_sources > 1)
			w->source[keeps].behind_s = 2 * HOUR_S;
		publish_due(w);
		w->ms = (int64_t)22 * HOUR_S * 1000;
		publish_due(w);
		w->ms += (int64_t)HOUR_S * 1000;
		world_begin(w, NULL, 0);
		regime_run(w, 20);
		assert_int_equal(world_state(w), w->n_sources > 1 ? PULL_CURRENT : PULL_EARLY);
		assert_true(w->fetches <= 3);
		regime_run(w, HOUR_S - 20 - 1);
		assert_int_equal(w->in_use.serial, w->n_sources > 1 ? 2026010100 : 2026010200);
		assert_int_equal(world_newest(w), w->highest);
		regime_run(w, 1);
		assert_int_equal(w->in_use.serial, 2026010200);
		assert_int_equal(world_state(w), PULL_CURRENT);
		assert_int_equal(w->warnings, 0);
		world_free(w);
	}
}

/* One that says so and does not give it: after its turn the one to come waits, as if there were no other. */
static void first_start_ahead_beside_a_bad_one(void **state)
{
	static const enum conduct bad[] = {STALLING, BROKEN, MUTE};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		const enum conduct conduct[] = {GOOD, bad[i]};
		struct world *w = world_new(&patient, conduct, 2);
		w->source[1].behind_s = 2 * HOUR_S;
		publish_due(w);
		w->ms = (int64_t)22 * HOUR_S * 1000;
		publish_due(w);
		world_begin(w, NULL, 0);
		regime_run(w, HOUR_S);
		assert_int_equal(world_state(w), PULL_EARLY);
		regime_run(w, HOUR_S);
		assert_int_equal(world_state(w), PULL_CURRENT);
		assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
		assert_true(w->fetches <= 4);
		world_free(w);
	}
}

/* What is kept for its time outlives a restart, also one that lasts past midnight; and is not fetched again. */
static void restarts(void **state)
{
	struct world *w = begin(&patient, 2);
	regime_run(w, 17 * HOUR_S); /* 23:00 */
	uint32_t ahead = world_newest(w);
	assert_int_equal(w->kept[w->n_kept - 1], ahead);
	assert_int_not_equal(w->in_use.serial, ahead);
	struct pull_copy_status status;
	pull_copy_status(w->copy, world_now(w), &status);
	assert_true(status.has_next && status.next.serial == ahead);
	assert_int_equal(status.usable_until, w->in_use.valid_until);
	size_t fetches = w->fetches;
	world_restart(w);
	pull_copy_status(w->copy, world_now(w), &status);
	assert_true(status.has_next && status.next.serial == ahead);
	assert_int_not_equal(w->in_use.serial, ahead);
	conduct_all(w, DOWN);
	w->ms += (int64_t)2 * HOUR_S * 1000;
	w->was_usable = false; /* nobody ran */
	world_restart(w);
	assert_int_equal(w->in_use.serial, ahead);
	assert_true(world_usable(w));
	conduct_all(w, GOOD);
	regime_run(w, 10 * HOUR_S);
	assert_int_equal(w->fetches, fetches);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_free(w);
}

/* A second try at what is offered takes its place before anybody has used it; one at what is in use does so at once. */
static void corrections(void **state)
{
	struct world *w = begin(&patient, 2);
	regime_run(w, 17 * HOUR_S);
	uint32_t first = world_newest(w);
	int64_t from_s = w->version[w->n_versions - 1].from_s, until_s = w->version[w->n_versions - 1].until_s;
	world_publish_dated(w, first + 1, from_s, until_s);
	world_run(w, HOUR_S);
	assert_int_equal(w->in_use.serial, first + 1);
	assert_int_equal(w->turns, 1);
	world_publish_dated(w, first + 2, from_s, until_s);
	world_run(w, HOUR_S);
	assert_int_equal(w->in_use.serial, first + 2);
	assert_int_equal(w->turns, 1);
	world_free(w);
}

static void damaged_and_busy(void **state)
{
	struct world *w = begin(&patient, 2);
	regime_run(w, 17 * HOUR_S);
	uint32_t ahead = world_newest(w);
	w->store_busy = true;
	world_run(w, HOUR_S + 30);
	assert_int_not_equal(w->in_use.serial, ahead);
	assert_true(world_usable(w)); /* it is still good */
	w->store_busy = false;
	world_run(w, 2);
	assert_int_equal(w->in_use.serial, ahead);
	/* the next one is lost on the disk: it comes once more */
	regime_run(w, 23 * HOUR_S);
	size_t fetches = w->fetches;
	ahead = world_newest(w);
	w->shelf_damaged = true;
	world_run(w, HOUR_S);
	assert_int_equal(w->fetches, fetches + 1);
	assert_int_equal(w->in_use.serial, ahead);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_free(w);
}

/* The operator's hand holds over midnights, but not beyond the end. */
static void rolled_back(void **state)
{
	struct world *w = begin(&patient, 2);
	struct pull_version shelf[1] = {w->in_use}, older = w->in_use;
	older.serial -= 100;
	older.valid_from -= DAY_S;
	older.valid_until -= DAY_S;
	w->in_use = older;
	world_tell(w, &(struct pull_event){.kind = PULL_EVENT_ROLLED_BACK,
					   .version = &older,
					   .confirmed_at = true_s(w),
					   .has_floor = true,
					   .floor = w->highest,
					   .shelf = shelf,
					   .n_shelf = 1});
	regime_run(w, 18 * HOUR_S - 1);
	assert_int_equal(world_state(w), PULL_HELD);
	assert_int_equal(w->in_use.serial, older.serial);
	assert_true(world_usable(w));
	regime_run(w, 1);
	assert_int_equal(world_state(w), PULL_EXPIRED);
	assert_false(world_usable(w));
	assert_int_equal(w->fetches, 0);
	world_kind(w, PULL_EVENT_REFRESH);
	assert_int_equal(w->in_use.serial, shelf[0].serial);
	regime_run(w, 60);
	assert_int_equal(world_state(w), PULL_CURRENT);
	assert_int_equal(w->in_use.serial, serial_by(true_s(w)));
	world_free(w);
}

/* What has ended when it comes is refused, by the clock of this machine. */
static void ended_when_it_comes(void **state)
{
	struct world *w = begin(&patient, 2);
	world_publish_dated(w, world_newest(w) + 1, -10 * DAY_S, -8 * DAY_S);
	world_run(w, HOUR_S);
	assert_int_equal(world_state(w), PULL_HELD);
	assert_non_null(strstr(w->last_state, "edition-ended: its time ended at 2025-12-24T00:00:00Z"));
	assert_true(world_usable(w));
	world_free(w);
}

/* From a zone without dates to one with them, and back. */
static void begins_and_ends(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD};
	struct world *w = world_new(&patient, conduct, 2);
	world_publish(w, 100);
	world_begin(w, NULL, 0);
	world_run(w, 22 * HOUR_S);
	assert_int_equal(w->in_use.serial, 100);
	publish_due(w);
	world_run(w, 2 * HOUR_S - 1);
	assert_int_equal(w->in_use.serial, 100);
	world_run(w, 1);
	assert_int_equal(w->in_use.serial, world_newest(w));
	regime_run(w, 23 * HOUR_S);
	uint32_t plain = world_newest(w) + 1; /* newer than the one that waits */
	world_publish(w, plain);
	world_run(w, HOUR_S);
	assert_int_equal(w->in_use.serial, plain);
	world_run(w, 5 * DAY_S);
	assert_int_equal(w->in_use.serial, plain);
	assert_int_equal(world_state(w), PULL_CURRENT);
	assert_false(world_was(w, PULL_EXPIRED));
	world_free(w);
}

/* A distribution master: what has come is given on at once, and dates are for those who use it. */
static void dates_of_others(void **state)
{
	const struct pull_copy_settings settings = {.seed = 3, .patient = true, .no_dates = true};
	struct world *w = begin(&settings, 2);
	regime_run(w, 17 * HOUR_S);
	assert_int_equal(w->in_use.serial, serial_by(true_s(w) + DAY_S));
	assert_int_equal(w->turns, 0);
	clock_set(w, -3 * DAY_S);
	assert_true(world_usable(w));
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_it_should_be),
		cmocka_unit_test(bad_hour),
		cmocka_unit_test(bad_day),
		cmocka_unit_test(bad_days),
		cmocka_unit_test(clock_off_by_an_hour),
		cmocka_unit_test(clock_off_by_a_day),
		cmocka_unit_test(clock_off_by_a_year),
		cmocka_unit_test(midnight_twice),
		cmocka_unit_test(wrong_at_the_first_start),
		cmocka_unit_test(no_clock_at_a_restart),
		cmocka_unit_test(leap_seconds),
		cmocka_unit_test(long_asleep),
		cmocka_unit_test(anything),
		cmocka_unit_test(first_start_ahead),
		cmocka_unit_test(first_start_ahead_beside_others),
		cmocka_unit_test(first_start_ahead_beside_a_bad_one),
		cmocka_unit_test(restarts),
		cmocka_unit_test(corrections),
		cmocka_unit_test(damaged_and_busy),
		cmocka_unit_test(rolled_back),
		cmocka_unit_test(ended_when_it_comes),
		cmocka_unit_test(begins_and_ends),
		cmocka_unit_test(dates_of_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
