// SPDX-License-Identifier: GPL-3.0-or-later
/* The copy machine in virtual time: its states, outages, clocks that jump, bad sources, storms. */
#include "copy_world.h"

static const struct pull_copy_settings patient = {.seed = 1, .patient = true};

static void publish_twice_a_day(struct world *w, unsigned days)
{
	for (unsigned half = 0; half < 2 * days; half++) {
		world_run(w, DAY_S / 2);
		world_publish(w, world_newest(w) + 1);
	}
}

static struct world *world_current(const enum conduct *conduct, size_t n)
{
	struct world *w = world_new(&patient, conduct, n);
	world_publish(w, 100);
	world_begin(w, NULL, 0);
	world_run(w, 60);
	return w;
}

/* ---- the common way ---- */

static void from_nothing_to_current(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD, GOOD};
	struct world *w = world_current(conduct, 3);
	assert_int_equal(world_state(w), PULL_CURRENT);
	assert_int_equal(w->in_use.serial, 100);
	assert_int_equal(w->state[0], PULL_EMPTY);
	assert_int_equal(w->n_states, 2);
	world_forget(w);
	publish_twice_a_day(w, 5);
	world_run(w, HOUR_S);
	assert_int_equal(w->in_use.serial, 110);
	assert_int_equal(w->fetches, 10); /* freshness first: not one that is not needed */
	assert_int_equal(w->n_states, 0);
	assert_int_equal(w->warnings, 0);
	/* each source no more often than the SOA's refresh time says */
	for (size_t i = 0; i < 3; i++)
		assert_true(w->source[i].probes <= 5 * 48 + 4);
	world_free(w);
}

static void one_source_is_enough(void **state)
{
	const enum conduct conduct[] = {DOWN, MUTE, LIAR, BROKEN, STALLING, GOOD};
	struct world *w = world_new(&patient, conduct, 6);
	world_publish(w, 100);
	world_begin(w, NULL, 0);
	world_run(w, 4 * HOUR_S); /* a fetch that stalls is given up after two hours */
	assert_int_equal(w->in_use.serial, 100);
	for (unsigned i = 0; i < 20; i++) {
		world_publish(w, 101 + i);
		world_run(w, 12 * HOUR_S);
		assert_int_equal(w->in_use.serial, 101 + i);
	}
	world_free(w);
}

static void no_source_is_no_storm(void **state)
{
	struct world *w = world_new(&patient, NULL, 0);
	world_begin(w, NULL, 0);
	world_run(w, DAY_S);
	assert_int_equal(world_state(w), PULL_EMPTY);
	assert_int_equal(w->n_states, 1);
	world_free(w);
}

static void offline_is_said_once(void **state)
{
	const enum conduct conduct[] = {DOWN, DOWN, MUTE};
	struct world *w = world_new(&patient, conduct, 3);
	world_publish(w, 100);
	world_begin(w, NULL, 0);
	world_run(w, 14 * DAY_S);
	assert_int_equal(world_state(w), PULL_EMPTY);
	assert_int_equal(w->n_states, 1);
	assert_int_equal(w->notes, 0);
	assert_true(w->hour_probes_most <= 24);
	world_publish(w, 128);
	w->source[1].conduct = GOOD;
	world_run(w, 2 * HOUR_S);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_free(w);
}

/* ---- states ---- */

static void two_weeks_without_sources(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD, GOOD, GOOD};
	struct world *w = world_current(conduct, 4);
	world_forget(w);
	for (size_t i = 0; i < 4; i++)
		w->source[i].conduct = i % 2 ? DOWN : MUTE;
	world_run(w, 2 * HOUR_S);
	assert_int_equal(world_state(w), PULL_LAGGING);
	world_run(w, 7 * DAY_S - 3 * HOUR_S);
	assert_int_equal(world_state(w), PULL_LAGGING); /* in use to the last hour */
	world_run(w, 2 * HOUR_S);
	assert_int_equal(world_state(w), PULL_EXPIRED);
	assert_non_null(strstr(w->last_state, "the SOA allows 7 d"));
	world_run(w, 7 * DAY_S);
	assert_int_equal(w->n_states, 2);
	assert_true(w->hour_probes_most <= 20);
	/* and heals by itself */
	world_publish(w, 140);
	for (size_t i = 0; i < 4; i++)
		w->source[i].conduct = GOOD;
	world_run(w, 75 * 60);
	assert_int_equal(world_state(w), PULL_CURRENT);
	assert_int_equal(w->in_use.serial, 140);
	world_free(w);
}

static void signatures_end_before_the_soa(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD};
	struct world *w = world_new(&patient, conduct, 2);
	w->signed_s = 2 * DAY_S;
	world_publish(w, 100);
	world_begin(w, NULL, 0);
	world_run(w, 2 * DAY_S - 60); /* confirmed all the time */
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_run(w, 120);
	assert_int_equal(world_state(w), PULL_EXPIRED);
	assert_non_null(strstr(w->last_state, "signatures"));
	world_run(w, 6 * HOUR_S); /* that a source confirms it does not help */
	assert_int_equal(world_state(w), PULL_EXPIRED);
	world_publish(w, 101);
	world_run(w, 2 * HOUR_S);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_free(w);
}

static void the_same_version_confirmed_after_expiry(void **state)
{
	const enum conduct conduct[] = {GOOD};
	struct world *w = world_current(conduct, 1);
	w->signed_s = 0;
	world_publish(w, 101);
	world_run(w, HOUR_S);
	w->source[0].conduct = DOWN;
	world_run(w, 8 * DAY_S);
	assert_int_equal(world_state(w), PULL_EXPIRED);
	w->source[0].conduct = GOOD;
	size_t fetches = w->fetches;
	world_run(w, 2 * HOUR_S);
	assert_int_equal(world_state(w), PULL_CURRENT);
	assert_int_equal(w->fetches, fetches);
	world_free(w);
}

static void a_roll_of_the_key(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD, GOOD};
	struct world *w = world_current(conduct, 3);
	world_forget(w);
	world_publish(w, 101);
	w->version[1].key = 1; /* not trusted yet */
	world_run(w, 6 * HOUR_S);
	assert_int_equal(w->in_use.serial, 100);
	assert_int_equal(world_state(w), PULL_HELD);
	assert_non_null(strstr(w->last_state, "serial 101 was refused: no anchor fits"));
	assert_true(w->fetches <= 15);
	w->anchors = 1;
	world_kind(w, PULL_EVENT_ANCHORS);
	world_run(w, 10);
	assert_int_equal(w->in_use.serial, 101);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_free(w);
}

static void lagging_while_the_newer_one_stalls(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD};
	struct world *w = world_current(conduct, 2);
	w->source[0].conduct = w->source[1].conduct = STALLING;
	world_publish(w, 101);
	world_run(w, 6 * HOUR_S);
	assert_int_equal(world_state(w), PULL_LAGGING);
	assert_non_null(strstr(w->last_state, "serial 101, which cannot be had"));
	w->source[1].conduct = GOOD;
	world_run(w, 7 * HOUR_S);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_free(w);
}

static void older_serials_are_refused(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD};
	struct world *w = world_current(conduct, 2);
	world_publish(w, 50); /* the publisher itself goes back */
	world_run(w, 4 * HOUR_S);
	assert_int_equal(w->in_use.serial, 100);
	assert_int_equal(world_state(w), PULL_HELD);
	assert_non_null(strstr(w->last_state, "older serials only (50), and 100 was in use"));
	assert_int_equal(w->fetches, 1);
	w->may_be_older = true;
	world_kind(w, PULL_EVENT_ACCEPT_SERIAL);
	world_run(w, 60);
	assert_int_equal(w->in_use.serial, 50);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_publish(w, 49); /* once only */
	world_run(w, DAY_S);
	assert_int_equal(w->in_use.serial, 50);
	world_free(w);
}

static void the_floor_comes_from_the_store(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD};
	struct world *w = world_new(&patient, conduct, 2);
	world_publish(w, 100);
	world_tell(w, &(struct pull_event){.kind = PULL_EVENT_START, .has_floor = true, .floor = 120});
	world_run(w, DAY_S);
	assert_int_equal(world_state(w), PULL_EMPTY);
	assert_int_equal(w->adopted, 0);
	world_publish(w, 120);
	world_run(w, 2 * HOUR_S);
	assert_int_equal(w->in_use.serial, 120);
	world_free(w);
}

static void rolled_back_by_hand(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD};
	struct world *w = world_current(conduct, 2);
	world_publish(w, 101);
	world_run(w, HOUR_S);
	assert_int_equal(w->in_use.serial, 101);
	struct pull_version back = w->in_use;
	back.serial = 100;
	w->in_use = back;
	world_tell(w, &(struct pull_event){.kind = PULL_EVENT_ROLLED_BACK,
					   .version = &back,
					   .confirmed_at = world_now(w).wall_s,
					   .has_floor = true,
					   .floor = 101});
	assert_int_equal(world_state(w), PULL_HELD);
	assert_non_null(strstr(w->last_state, "the operator"));
	size_t fetches = w->fetches;
	world_publish(w, 102);
	world_run(w, DAY_S);
	assert_int_equal(w->fetches, fetches);
	assert_int_equal(world_state(w), PULL_HELD);
	world_kind(w, PULL_EVENT_REFRESH);
	world_run(w, 10);
	assert_int_equal(w->in_use.serial, 102);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_free(w);
}

static void a_restart_asks_no_sooner(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD};
	struct pull_version have = {.serial = 100, .refresh_s = 1800, .retry_s = 900, .expire_s = 7 * DAY_S};
	struct world *w = world_new(&patient, conduct, 2);
	w->signed_s = 0;
	world_publish(w, 100);
	world_begin(w, &have, START_S - 600);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_run(w, 1190);
	assert_int_equal(w->probes, 0);
	world_run(w, 300);
	assert_int_equal(w->probes, 2);
	world_free(w);
	/* expired meanwhile: at once */
	w = world_new(&patient, conduct, 2);
	w->signed_s = 0;
	world_publish(w, 101);
	world_begin(w, &have, START_S - 8 * DAY_S);
	assert_int_equal(world_state(w), PULL_EXPIRED);
	world_run(w, 10);
	assert_int_equal(world_state(w), PULL_CURRENT);
	assert_int_equal(w->in_use.serial, 101);
	world_free(w);
}

/* RFC 7314 section 4. */
static void source_expires(bool soa_alone)
{
	const enum conduct conduct[] = {GOOD};
	struct world *w = world_new(&patient, conduct, 1);
	struct pull_copy_status status;
	w->signed_s = 0;
	w->source[0].soa_alone = soa_alone;
	w->source[0].expire_s = 2 * DAY_S;
	world_publish(w, 100);
	world_begin(w, NULL, 0);
	world_run(w, 60);
	w->source[0].conduct = DOWN;
	pull_copy_status(w->copy, world_now(w), &status);
	assert_in_range(status.usable_until, START_S + 2 * DAY_S, START_S + 2 * DAY_S + 2);
	world_run(w, 2 * DAY_S);
	assert_int_equal(world_state(w), PULL_EXPIRED);
	w->source[0].conduct = GOOD;
	w->source[0].expire_s = 30 * DAY_S; /* never more than the SOA */
	world_run(w, 2 * HOUR_S);
	pull_copy_status(w->copy, world_now(w), &status);
	assert_true(status.usable_until <= world_now(w).wall_s + 7 * DAY_S);
	assert_true(status.usable_until > world_now(w).wall_s + 6 * DAY_S);
	w->source[0].expire_s = HOUR_S; /* and not less than what is left already */
	world_run(w, 2 * HOUR_S);
	pull_copy_status(w->copy, world_now(w), &status);
	assert_true(status.usable_until > world_now(w).wall_s + 6 * DAY_S);
	world_free(w);
}

static void a_source_that_expires_itself(void **state)
{
	source_expires(false);
}

/* What it said with its SOA counts for the transfer that follows. */
static void a_source_that_says_so_with_its_soa_alone(void **state)
{
	source_expires(true);
}

/* What is kept was older than what sources have, and the clock was set ahead: nothing is behind the sentence, and no colon ends it. */
static void a_sentence_without_an_end(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD};
	struct world *w = world_new(&patient, conduct, 2);
	world_publish(w, 100);
	world_begin(w, NULL, 0);
	world_run(w, 5); /* so soon after a round no other begins */
	struct pull_version kept = w->in_use;
	kept.serial = 99;
	w->in_use = kept;
	world_tell(w, &(struct pull_event){.kind = PULL_EVENT_START,
					   .version = &kept,
					   .confirmed_at = world_now(w).wall_s,
					   .has_floor = true,
					   .floor = 99});
	w->off_s += 2 * HOUR_S;
	world_kind(w, PULL_EVENT_TIME);
	assert_int_equal(world_state(w), PULL_LAGGING);
	assert_string_equal(w->last_state, "there is serial 100, which cannot be had");
	world_run(w, HOUR_S);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_free(w);
}

/* ---- clocks ---- */

static void clocks_that_jump(void **state)
{
	static const int64_t by_s[] = {DAY_S, -DAY_S, 365 * DAY_S, -365 * DAY_S};
	const enum conduct conduct[] = {GOOD, GOOD, GOOD};
	for (size_t i = 0; i < ARRAY_SIZE(by_s); i++) {
		struct world *w = world_current(conduct, 3);
		world_run(w, HOUR_S);
		world_forget(w);
		w->off_s += by_s[i];
		world_kind(w, PULL_EVENT_TIME);
		assert_int_equal(world_state(w), by_s[i] > 13 * DAY_S ? PULL_EXPIRED : PULL_CURRENT);
		assert_non_null(
			strstr(w->last_note, by_s[i] > 0 ? "the clock was set ahead" : "the clock was set back"));
		world_publish(w, 101);
		world_run(w, 3 * HOUR_S); /* signatures of today do not hold by a clock that is wrong by a year */
		bool far = by_s[i] > DAY_S || by_s[i] < -DAY_S;
		assert_int_equal(w->in_use.serial, far ? 100 : 101);
		w->off_s -= by_s[i];
		world_kind(w, PULL_EVENT_TIME);
		world_run(w, 60); /* what was refused is tried again as soon as the clock is right */
		assert_int_equal(world_state(w), PULL_CURRENT);
		assert_int_equal(w->in_use.serial, 101);
		/* the time without sources counts on, whatever the clock says */
		w->off_s -= 5 * DAY_S;
		for (size_t k = 0; k < 3; k++)
			w->source[k].conduct = DOWN;
		world_run(w, 8 * DAY_S);
		assert_int_equal(world_state(w), PULL_EXPIRED);
		world_free(w);
	}
}

/* ---- bad sources ---- */

static void liars_are_asked_seldom(void **state)
{
	const enum conduct conduct[] = {LIAR, GOOD, LIAR, GOOD};
	struct world *w = world_current(conduct, 4);
	world_forget(w);
	publish_twice_a_day(w, 10);
	world_run(w, HOUR_S);
	assert_int_equal(w->in_use.serial, 120);
	assert_int_equal(world_state(w), PULL_CURRENT);
	assert_false(world_was(w, PULL_LAGGING));
	assert_true(w->fetches <= 20 + 2 * 10 * 8); /* each liar a few times a day, of 48 chances */
	world_free(w);
}

static void those_that_alternate(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD, GOOD};
	struct world *w = world_current(conduct, 3);
	for (unsigned i = 0; i < 60; i++) {
		w->source[i % 3].conduct = BROKEN;
		w->source[(i + 1) % 3].conduct = i % 2 ? MUTE : DOWN;
		w->source[(i + 2) % 3].conduct = GOOD;
		world_publish(w, 101 + i);
		world_run(w, 8 * HOUR_S);
		assert_int_equal(w->in_use.serial, 101 + i);
	}
	world_free(w);
}

static void one_that_lags_is_named(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD, GOOD};
	struct pull_source_status status;
	struct world *w = world_current(conduct, 3);
	w->source[1].conduct = FROZEN;
	w->source[1].serial = 100;
	world_publish(w, 107);
	world_run(w, 6 * HOUR_S);
	assert_int_equal(w->in_use.serial, 107);
	assert_int_equal(world_state(w), PULL_CURRENT);
	assert_int_equal(w->warnings, 1);
	assert_non_null(strstr(w->last_note, "it lags: it still says serial 100"));
	pull_copy_source_status(w->copy, 1, world_now(w), &status);
	assert_true(status.lags);
	assert_int_equal(status.behind, 7);
	w->source[1].conduct = GOOD;
	world_run(w, 6 * HOUR_S);
	assert_int_equal(w->warnings, 1);
	assert_non_null(strstr(w->last_note, "it has caught up: serial 107"));
	world_free(w);
}

/* One that cannot say its serial is not fetched from while others confirm what is here, but for once a day. */
static void blind_ones(void **state)
{
	const enum conduct conduct[] = {FROZEN, BLIND};
	struct world *w = world_new(&patient, conduct, 2);
	w->source[0].serial = 100;
	world_publish(w, 100);
	world_begin(w, NULL, 0);
	world_run(w, HOUR_S);
	assert_int_equal(w->in_use.serial, 100);
	world_publish(w, 101);
	world_run(w, 26 * HOUR_S);
	assert_int_equal(w->in_use.serial, 101);
	assert_true(w->source[1].fetches <= 6); /* the day after, it is the only one that has it */
	w->source[0].conduct = DOWN; /* alone, it is fetched from at each refresh: there is no other way to know */
	world_forget(w);
	world_run(w, 4 * HOUR_S);
	assert_in_range(w->fetches, 6, 9);
	assert_int_equal(world_state(w), PULL_CURRENT);
	world_free(w);
}

static void changes_that_do_not_fit(void **state)
{
	const enum conduct conduct[] = {DOWN, ONE_STEP};
	struct world *w = world_new(&patient, conduct, 2);
	world_publish(w, 100);
	world_begin(w, NULL, 0);
	world_run(w, HOUR_S);
	world_publish(w, 101);
	world_forget(w);
	world_run(w, HOUR_S);
	assert_int_equal(w->in_use.serial, 101);
	assert_int_equal(w->fetches, 2); /* the changes, then the whole from the same source */
	world_free(w);
}

static void a_full_disk(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD};
	struct world *w = world_current(conduct, 2);
	w->store_full = true;
	world_publish(w, 101);
	world_run(w, 3 * HOUR_S);
	assert_int_equal(w->in_use.serial, 100);
	assert_int_equal(world_state(w), PULL_LAGGING);
	assert_non_null(strstr(w->last_state, "no space left"));
	struct pull_source_status status;
	pull_copy_source_status(w->copy, 0, world_now(w), &status);
	assert_int_equal(status.failures, 0); /* nobody else's fault */
	w->store_full = false;
	world_run(w, HOUR_S);
	assert_int_equal(w->in_use.serial, 101);
	world_free(w);
}

/* ---- notifications ---- */

static void notified(struct world *w, size_t source, bool has_serial, uint32_t serial)
{
	world_tell(w,
		   &(struct pull_event){
			   .kind = PULL_EVENT_NOTIFIED, .source = source, .has_serial = has_serial, .serial = serial});
}

static void a_notification_is_fast(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD, GOOD};
	struct world *w = world_current(conduct, 3);
	world_run(w, 300);
	world_forget(w);
	world_publish(w, 101);
	notified(w, 2, true, 101);
	world_run(w, 3);
	assert_int_equal(w->in_use.serial, 101);
	assert_int_equal(w->probes, 1); /* only who has said so */
	notified(w, 2, true, 101);
	notified(w, 1, true, 100);
	world_run(w, 60);
	assert_int_equal(w->probes, 1); /* nothing new in these */
	world_free(w);
}

static void a_storm_of_notifications(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD, GOOD};
	struct world *w = world_current(conduct, 3);
	world_run(w, 300);
	world_forget(w);
	for (unsigned i = 0; i < 10000; i++) {
		notified(w, i % 4 == 3 ? PULL_NO_SOURCE : i % 4, i % 2, i);
		w->ms += 360;
		if (i % 50 == 0)
			world_run(w, 0);
	}
	world_run(w, 60);
	assert_true(w->probes <= 40); /* in an hour */
	assert_int_equal(w->fetches, 0);
	world_publish(w, 101); /* and what is true among them is still found at the next refresh */
	world_run(w, 2100);
	assert_int_equal(w->in_use.serial, 101);
	world_free(w);
}

/* ---- serials around 2^32 (RFC 1982) ---- */

/* One that stays behind and says again and again that it has news keeps nobody from hearing the others. */
static void who_cries_wolf(void **state)
{
	const enum conduct conduct[] = {GOOD, FROZEN};
	struct world *w = world_current(conduct, 2);
	w->source[1].serial = 100;
	world_run(w, 300);
	world_publish(w, 101);
	for (unsigned i = 0; i < 12; i++) { /* two hours: the SOA asks for half an hour */
		notified(w, 1, i % 2, 101);
		world_run(w, 600);
	}
	assert_int_equal(w->in_use.serial, 101);
	world_free(w);
}

static void serials_that_wrap(void **state)
{
	static const uint32_t serial[] = {UINT32_MAX - 2, UINT32_MAX, 0, 1, 0x7fffffff, 0xfffffffe, 5};
	const enum conduct conduct[] = {GOOD, GOOD};
	struct world *w = world_new(&patient, conduct, 2);
	world_publish(w, serial[0]);
	world_begin(w, NULL, 0);
	for (size_t i = 1; i < ARRAY_SIZE(serial); i++) {
		world_run(w, HOUR_S);
		assert_int_equal(w->in_use.serial, serial[i - 1]);
		world_publish(w, serial[i]);
	}
	world_run(w, HOUR_S);
	assert_int_equal(w->in_use.serial, 5);
	world_publish(w, 5 + ((uint32_t)1 << 31)); /* neither newer nor older */
	world_run(w, DAY_S);
	assert_int_equal(w->in_use.serial, 5);
	world_free(w);
}

/* ---- a secondary of any zone: the SOA's retry ---- */

static void a_secondary_retries(void **state)
{
	const enum conduct conduct[] = {DOWN};
	const struct pull_copy_settings settings = {.seed = 3, .refresh_min_s = 1, .retry_min_s = 1};
	struct pull_version have = {.serial = 100, .refresh_s = 3600, .retry_s = 10, .expire_s = 7 * DAY_S};
	struct world *w = world_new(&settings, conduct, 1);
	w->signed_s = 0;
	w->timers = have;
	world_publish(w, 101);
	world_begin(w, &have, START_S - 3600 - 500);
	world_run(w, 5);
	assert_int_equal(w->probes, 1);
	w->source[0].conduct = GOOD;
	world_run(w, 15);
	assert_int_equal(w->in_use.serial, 101);
	world_free(w);
}

static void sources_that_change(void **state)
{
	const enum conduct conduct[] = {GOOD, GOOD};
	static const struct pull_copy_source fresh[] = {{.cost = 1}, {.cost = 1}, {.cost = 2}};
	static const size_t was[] = {1, PULL_NO_SOURCE, PULL_NO_SOURCE};
	struct pull_source_status status;
	struct world *w = world_current(conduct, 2);
	world_run(w, 10 * HOUR_S);
	assert_int_equal(pull_copy_sources(w->copy, fresh, was, 3), 0);
	w->n_sources = 3;
	w->source[1].conduct = DOWN;
	world_publish(w, 101);
	world_kind(w, PULL_EVENT_SOURCES);
	pull_copy_source_status(w->copy, 0, world_now(w), &status);
	assert_true(status.has_serial && status.serial == 100);
	pull_copy_source_status(w->copy, 1, world_now(w), &status);
	assert_false(status.has_serial);
	world_run(w, 10);
	assert_int_equal(w->in_use.serial, 101);
	struct pull_copy_source many[PULL_SOURCES_MAX + 1] = {{0}};
	assert_int_equal(pull_copy_sources(w->copy, many, NULL, PULL_SOURCES_MAX + 1), BANYAN_ELIMIT);
	assert_int_equal(pull_copy_sources(w->copy, many, NULL, PULL_SOURCES_MAX), 0);
	w->n_sources = WORLD_SOURCES;
	world_free(w);
}

/* ---- at random: what must hold always is held in copy_world.c ---- */

static void random_conduct(struct world *w, size_t good)
{
	for (size_t i = 0; i < w->n_sources; i++) {
		w->source[i].conduct = i == good ? GOOD : (enum conduct)world_random(w, ONE_STEP + 1);
		w->source[i].serial = w->version[world_random(w, w->n_versions)].serial;
		w->source[i].behind_s = i == good ? 0 : (int64_t)world_random(w, DAY_S);
	}
}

static void random_event(struct world *w)
{
	switch (world_random(w, 8)) {
	case 0:
		w->off_s = (int64_t)world_random(w, 6 * HOUR_S) - 3 * HOUR_S;
		world_kind(w, PULL_EVENT_TIME);
		break;
	case 1:
		for (unsigned n = 0; n < 200; n++)
			notified(w, world_random(w, w->n_sources + 1), world_random(w, 2),
				 (uint32_t)world_random(w, 1u << 31));
		break;
	case 2:
		world_kind(w, PULL_EVENT_REFRESH);
		break;
	case 3:
		world_kind(w, PULL_EVENT_ANCHORS);
		break;
	default:
		break;
	}
}

static void at_random(void **state)
{
	for (uint64_t seed = 1; seed <= 60; seed++) {
		const enum conduct conduct[WORLD_SOURCES] = {0};
		struct pull_copy_settings settings = {.seed = seed, .patient = seed % 2};
		struct world *w = world_new(&settings, conduct, 1 + seed % 8);
		size_t good = seed % w->n_sources;
		world_publish(w, (uint32_t)(seed * 0x9e3779b1u));
		world_begin(w, NULL, 0);
		for (unsigned turn = 0; turn < 40; turn++) {
			random_conduct(w, good);
			world_publish(w, world_newest(w) + 1 + (uint32_t)world_random(w, 1000));
			for (unsigned part = 0; part < 4; part++) {
				world_run(w, (int64_t)world_random(w, 8 * HOUR_S));
				random_event(w);
			}
			/* with one source that is good for a day the newest one is here, whatever the others do */
			world_run(w, DAY_S);
			if (w->in_use.serial != world_newest(w))
				fail_msg("seed %llu, turn %u: %u instead of %u", (unsigned long long)seed, turn,
					 w->in_use.serial, world_newest(w));
		}
		assert_true(w->hour_fetches_most <= 2 * PULL_FETCHES_HOUR_MAX);
		assert_true(w->hour_probes_most <= 40 * w->n_sources);
		world_free(w);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_nothing_to_current),
		cmocka_unit_test(one_source_is_enough),
		cmocka_unit_test(no_source_is_no_storm),
		cmocka_unit_test(offline_is_said_once),
		cmocka_unit_test(two_weeks_without_sources),
		cmocka_unit_test(signatures_end_before_the_soa),
		cmocka_unit_test(the_same_version_confirmed_after_expiry),
		cmocka_unit_test(a_roll_of_the_key),
		cmocka_unit_test(lagging_while_the_newer_one_stalls),
		cmocka_unit_test(older_serials_are_refused),
		cmocka_unit_test(the_floor_comes_from_the_store),
		cmocka_unit_test(rolled_back_by_hand),
		cmocka_unit_test(a_restart_asks_no_sooner),
		cmocka_unit_test(a_source_that_expires_itself),
		cmocka_unit_test(a_source_that_says_so_with_its_soa_alone),
		cmocka_unit_test(a_sentence_without_an_end),
		cmocka_unit_test(clocks_that_jump),
		cmocka_unit_test(liars_are_asked_seldom),
		cmocka_unit_test(those_that_alternate),
		cmocka_unit_test(one_that_lags_is_named),
		cmocka_unit_test(blind_ones),
		cmocka_unit_test(changes_that_do_not_fit),
		cmocka_unit_test(a_full_disk),
		cmocka_unit_test(a_notification_is_fast),
		cmocka_unit_test(a_storm_of_notifications),
		cmocka_unit_test(who_cries_wolf),
		cmocka_unit_test(serials_that_wrap),
		cmocka_unit_test(a_secondary_retries),
		cmocka_unit_test(sources_that_change),
		cmocka_unit_test(at_random),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
