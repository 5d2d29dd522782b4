// SPDX-License-Identifier: GPL-3.0-or-later
/* Hints that there is something new: files of this machine that change, notifications true and false; and what keeps a round from being lost. */
#include "copy_world.h"

static const struct pull_copy_settings patient = {.seed = 1, .patient = true};

static struct world *world_current(const enum conduct *conduct, size_t n, uint32_t refresh_s)
{
	struct world *w = world_new(&patient, conduct, n);
	w->timers.refresh_s = refresh_s;
	world_publish(w, 100);
	world_begin(w, NULL, 0);
	world_run(w, 60);
	assert_int_equal(w->in_use.serial, 100);
	return w;
}

static void notified(struct world *w, size_t source, uint32_t serial)
{
	world_tell(w, &(struct pull_event){
			      .kind = PULL_EVENT_NOTIFIED, .source = source, .has_serial = true, .serial = serial});
}

static void changed(struct world *w, size_t source)
{
	world_tell(w, &(struct pull_event){.kind = PULL_EVENT_CHANGED, .source = source});
}

/* ---- files ---- */

/* It was refused for what it had; what it has now is something else. */
static void a_refused_file_is_mended(void **state)
{
	const enum conduct conduct[] = {GOOD};
	struct world *w = world_current(conduct, 1, DAY_S);
	w->source[0].conduct = BROKEN;
	world_publish(w, 101);
	for (unsigned i = 0; i < 5; i++) { /* and again */
		changed(w, 0);
		world_run(w, 3);
		assert_int_equal(world_state(w), PULL_HELD);
		assert_int_equal(w->source[0].fetches, 2 + i);
	}
	w->source[0].conduct = GOOD;
	changed(w, 0);
	world_run(w, 3);
	assert_int_equal(w->in_use.serial, 101);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_free(w);
}

/* Back to what it was: nothing is to be fetched, and nothing is wrong any more. */
static void a_refused_file_is_put_back(void **state)
{
	const enum conduct conduct[] = {GOOD};
	struct world *w = world_current(conduct, 1, DAY_S);
	w->source[0].conduct = BROKEN;
	world_publish(w, 101);
	changed(w, 0);
	world_run(w, 3);
	assert_int_equal(world_state(w), PULL_HELD);
	w->source[0] = (struct source){.conduct = FROZEN, .serial = 100};
	changed(w, 0);
	world_run(w, 3);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_free(w);
}

static void rewriting_without_news_makes_nobody_wait(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD};
	struct world *w = world_current(conduct, 2, DAY_S);
	for (unsigned i = 0; i < 20; i++) {
		changed(w, 0);
		world_run(w, 15);
	}
	world_publish(w, 101);
	notified(w, 1, 101);
	world_run(w, 3);
	assert_int_equal(w->in_use.serial, 101);
	for (unsigned i = 102; i < 105; i++) { /* and files wait for nobody */
		world_publish(w, i);
		changed(w, 0);
		world_run(w, 3);
		assert_int_equal(w->in_use.serial, i);
	}
	world_free(w);
}

/* More than can be asked at once. */
static void all_that_has_changed_is_looked_at(void **state)
{
	enum conduct conduct[WORLD_SOURCES];
	for (size_t i = 0; i < WORLD_SOURCES; i++)
		conduct[i] = GOOD;
	struct world *w = world_current(conduct, WORLD_SOURCES, DAY_S);
	world_forget(w);
	for (size_t i = 0; i < WORLD_SOURCES; i++)
		w->source[i].probes = 0;
	for (size_t i = 0; i < WORLD_SOURCES; i++)
		changed(w, i);
	world_run(w, 3);
	for (size_t i = 0; i < WORLD_SOURCES; i++)
		assert_true(w->source[i].probes >= 1);
	assert_int_equal(w->fetches, 0);
	world_free(w);
}

/* What is in use is looked at anew meanwhile, as after a restart; or the sources become others. */
static void a_change_is_not_lost_with_its_round(void **state)
{
	static const struct pull_copy_source same[] = {{.cost = 0}};
	static const size_t was[] = {0};
	const enum conduct conduct[] = {GOOD};
	struct world *w = world_current(conduct, 1, DAY_S);
	const struct pull_version version = w->in_use;
	world_publish(w, 101);
	changed(w, 0);
	world_tell(w, &(struct pull_event){
			      .kind = PULL_EVENT_START, .version = &version, .confirmed_at = world_now(w).wall_s});
	world_run(w, 5);
	assert_int_equal(w->in_use.serial, 101);
	world_publish(w, 102);
	changed(w, 0);
	while (w->n_pending == 0 || w->pending[0].event.kind != PULL_EVENT_STORED)
		world_run(w, 0), w->ms += 10;
	assert_int_equal(pull_copy_sources(w->copy, same, was, 1), 0);
	world_publish(w, 103);
	world_kind(w, PULL_EVENT_SOURCES);
	world_run(w, 5);
	assert_int_equal(w->in_use.serial, 103);
	world_free(w);
}

/* So many downloads an hour, and no more; but what could not be had for that waits no longer than it must. */
static void a_change_beyond_the_downloads_of_an_hour(void **state)
{
	const enum conduct conduct[] = {GOOD};
	struct world *w = world_current(conduct, 1, DAY_S);
	for (unsigned i = 101; i < 131; i++) {
		world_publish(w, i);
		changed(w, 0);
		world_run(w, 15); /* also who waits after notifications comes to that limit */
	}
	assert_true(w->in_use.serial < 130);
	world_run(w, 600);
	assert_int_equal(w->in_use.serial, 130);
	world_free(w);
}

/* The disk is full, and then it is not. */
static void a_change_that_cannot_be_taken(void **state)
{
	const enum conduct conduct[] = {GOOD};
	struct world *w = world_current(conduct, 1, DAY_S);
	world_publish(w, 101);
	w->store_full = true;
	world_forget(w);
	changed(w, 0);
	world_run(w, 20);
	assert_int_equal(w->fetches, 1);
	w->store_full = false;
	world_run(w, 60);
	assert_int_equal(w->in_use.serial, 101);
	world_publish(w, 102);
	w->store_full = true; /* for long: then by the refresh */
	world_forget(w);
	changed(w, 0);
	world_run(w, 7200);
	assert_int_equal(w->fetches, 2);
	world_free(w);
}

/* ---- notifications ---- */

/* Whoever forges one with a large serial does not stand before who has said the truth. */
static void the_largest_word_is_not_the_only_one(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD, FROZEN};
	struct world *w = world_current(conduct, 3, DAY_S);
	w->source[2].serial = 100;
	notified(w, 2, 4000); /* it has nothing: the next ones wait */
	world_run(w, 3);
	world_publish(w, 101);
	notified(w, 1, 101);
	notified(w, 2, 5000);
	world_run(w, 60);
	assert_int_equal(w->in_use.serial, 101);
	world_free(w);
}

/* ---- sources ---- */

/* What it gives does not prove, and between two such turns it says nothing at all. */
static void silence_makes_good_nothing(void **state)
{
	const enum conduct conduct[] = {GOOD, BROKEN};
	struct world *w = world_current(conduct, 2, 1800);
	w->source[0].conduct = FROZEN;
	w->source[0].serial = 100;
	world_publish(w, 101);
	world_forget(w);
	for (unsigned i = 0; i < 2 * 1440; i++) { /* two days */
		world_run(w, 60);
		w->source[1].conduct = w->source[1].probes % 2 == 0 ? DOWN : BROKEN;
	}
	assert_in_range(w->fetches, 2, 20);
	world_free(w);
}

/* ---- clocks ---- */

/* The clock of a machine without a battery is set a few seconds after the start: by it all has ended long ago, until a source says that it
 * has not. */
static void the_clock_is_set_right_after_the_start(void **state)
{
	const enum conduct conduct[] = {GOOD};
	struct pull_version have = {.serial = 100, .refresh_s = 1800, .retry_s = 900, .expire_s = 7 * DAY_S};
	struct world *w = world_new(&patient, conduct, 1);
	w->signed_s = 0;
	w->timers = have;
	world_publish(w, 100);
	w->off_s = -400 * DAY_S;
	world_begin(w, &have, START_S - 600);
	world_run(w, 10);
	w->off_s = 0;
	world_kind(w, PULL_EVENT_TIME); /* whoever drives it looks at the clock each second */
	world_run(w, 5);
	assert_true(world_usable(w));
	assert_int_equal(world_state(w), PULL_CURRENT);
	w->off_s = 100 * DAY_S; /* again, before the time for another round: it is not forgotten */
	world_kind(w, PULL_EVENT_TIME);
	world_run(w, 60);
	assert_true(world_usable(w));
	world_free(w);
}

/* It did not prove by the clock as it was. */
static void the_clock_is_set_while_something_is_proved(void **state)
{
	const enum conduct conduct[] = {GOOD};
	struct world *w = world_new(&patient, conduct, 1);
	world_publish(w, 100);
	w->off_s = -400 * DAY_S;
	world_begin(w, NULL, 0);
	while (w->n_pending == 0 || w->pending[0].event.kind != PULL_EVENT_PROVED)
		world_run(w, 0), w->ms += 10;
	w->off_s = 0;
	world_run(w, 10);
	assert_int_equal(w->in_use.serial, 100);
	world_free(w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_refused_file_is_mended),
		cmocka_unit_test(a_refused_file_is_put_back),
		cmocka_unit_test(rewriting_without_news_makes_nobody_wait),
		cmocka_unit_test(all_that_has_changed_is_looked_at),
		cmocka_unit_test(a_change_is_not_lost_with_its_round),
		cmocka_unit_test(a_change_beyond_the_downloads_of_an_hour),
		cmocka_unit_test(a_change_that_cannot_be_taken),
		cmocka_unit_test(the_largest_word_is_not_the_only_one),
		cmocka_unit_test(silence_makes_good_nothing),
		cmocka_unit_test(the_clock_is_set_right_after_the_start),
		cmocka_unit_test(the_clock_is_set_while_something_is_proved),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
