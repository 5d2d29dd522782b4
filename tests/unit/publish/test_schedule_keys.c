// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Rolls on a schedule, model-checked: whoever holds the oldest version that may be in use, by a clock that is behind, and whoever has what it
 * said in a cache, prove the data of each other version that may be in use at that time.
 */
#include "../test.h"

#include "publish/keys/keys.h"
#include "publish/schedule.h"

#define START_S      1795305600 /* 2026-11-22 */
#define DAY_S        86400
#define VERSIONS_MAX 400

struct version {
	int64_t offered, from, until; /* when it may be in use, by any clock that is off by no more than the skew */
	size_t n;
	struct {
		uint16_t tag;
		struct keys_does does;
	} key[KEYS_MAX];
};

struct world {
	struct publish_schedule schedule;
	struct keys_policy policy;
	struct keys_state state;
	struct random random;
	struct version version[VERSIONS_MAX];
	size_t n, moves;
	int64_t ds_from[KEYS_MAX]; /* since when the key at this place is an anchor everywhere */
	unsigned faults;
	char fault[200];
};

static int64_t some(struct world *w, int64_t most)
{
	return (int64_t)(random_u64(&w->random) % (uint64_t)(most + 1));
}

static void key_make(struct world *w, const struct keys_action *action, int64_t now)
{
	uint8_t rdata[36] = {1, action->role == KEYS_ZSK ? 0 : 1, 3, action->algorithm};
	struct keys_key *key;
	int rc;
	do {
		random_bytes(&w->random, rdata + 4, 32);
		rc = keys_add(&w->state, action->role, rdata, sizeof rdata, "", now, &key);
	} while (rc == BANYAN_EEXIST);
	assert_int_equal(rc, 0);
}

static void step(struct world *w, int64_t now)
{
	struct keys_actions actions;
	bool again = true;
	while (again) {
		again = false;
		keys_step(&w->state, &w->policy, NULL, now, &actions);
		for (size_t i = 0; i < actions.n; i++) {
			w->moves += actions.item[i].kind == KEYS_DO_MOVED;
			if (actions.item[i].kind != KEYS_DO_GENERATE)
				continue;
			key_make(w, &actions.item[i], now);
			again = true;
		}
	}
}

/* People have the anchor as soon as they are told. */
static void anchors_tell(struct world *w, int64_t now)
{
	char why[KEYS_WHY_MAX];
	for (size_t i = 0; i < w->state.n; i++) {
		const struct keys_key *key = &w->state.key[i];
		bool wanted = keys_key_does(&w->state, key).ds;
		if (key->role != KEYS_ZSK && wanted && key->ds_seen == 0)
			assert_int_equal(keys_tell_ds(&w->state, key->tag, true, now, why), 0);
		if (key->role != KEYS_ZSK && !wanted && key->ds_seen != 0 && key->ds_gone == 0)
			assert_int_equal(keys_tell_ds(&w->state, key->tag, false, now, why), 0);
	}
}

static void offer(struct world *w, const struct publish_version *due, int64_t now)
{
	const int64_t skew_s = PUBLISH_SCHEDULE_SKEW_S;
	struct version *v = &w->version[w->n++];
	assert_true(w->n <= VERSIONS_MAX);
	step(w, now);
	*v = (struct version){.offered = now,
			      .from = now > due->valid_from - skew_s ? now : due->valid_from - skew_s,
			      .until = due->valid_until + skew_s};
	for (size_t i = 0; i < w->state.n; i++) {
		v->key[v->n].tag = w->state.key[i].tag;
		v->key[v->n++].does = keys_key_does(&w->state, &w->state.key[i]);
	}
	keys_state_offered(&w->state, now);
	anchors_tell(w, now);
}

/* Versions one after the other: some late, some missed, some corrected at any time of their day. */
static void run(struct world *w, unsigned versions)
{
	int64_t now = START_S;
	for (unsigned i = 0; i < versions; i++) {
		struct publish_version due;
		now = publish_schedule_next(&w->schedule, now);
		if (some(w, 9) == 0)
			continue;
		if (some(w, 4) == 0)
			now += some(w, w->schedule.interval_s - 1);
		publish_schedule_due(&w->schedule, now, &due);
		offer(w, &due, now);
		int64_t left = publish_schedule_next(&w->schedule, now) - now;
		if (some(w, 5) == 0 && left > 2) {
			now += some(w, left - 2);
			publish_schedule_due(&w->schedule, now, &due);
			offer(w, &due, now);
		}
	}
}

static void fault(struct world *w, const char *what, size_t k, size_t r)
{
	if (w->faults++ == 0)
		snprintf(w->fault, sizeof w->fault, "%s: the set of %lld, the data of %lld", what,
			 (long long)(w->version[k].offered - START_S), (long long)(w->version[r].offered - START_S));
}

static bool proves(const struct version *k, const struct version *r)
{
	for (size_t i = 0; i < r->n; i++)
		for (size_t j = 0; r->key[i].does.signs_data && j < k->n; j++)
			if (k->key[j].tag == r->key[i].tag && k->key[j].does.published)
				return true;
	return false;
}

/* Who was given the anchors of one version keeps to them for as long as any that says so may be in use. */
static bool trusted(const struct version *anchors, const struct version *k)
{
	for (size_t i = 0; i < anchors->n; i++)
		for (size_t j = 0; anchors->key[i].does.ds && j < k->n; j++)
			if (k->key[j].tag == anchors->key[i].tag && k->key[j].does.published &&
			    k->key[j].does.signs_keys)
				return true;
	return false;
}

static void check(struct world *w)
{
	for (size_t k = 0; k < w->n; k++) {
		const struct version *a = &w->version[k];
		for (size_t r = 0; r < w->n; r++) {
			const struct version *b = &w->version[r];
			if (a->from < b->until + w->policy.data_ttl_s && b->from < a->until + w->policy.dnskey_ttl_s &&
			    !proves(a, b))
				fault(w, "no key of the set has signed the data", k, r);
			if (r >= k && b->offered < a->until + w->policy.dnskey_ttl_s && !trusted(b, a))
				fault(w, "no key of the set is among the anchors of the later one", k, r);
		}
	}
}

static void world_make(struct world *w, uint64_t seed, const struct publish_schedule *schedule)
{
	memset(w, 0, sizeof *w);
	w->schedule = *schedule;
	keys_policy_init(&w->policy);
	w->policy.trust = KEYS_TRUST_ANCHOR;
	w->policy.dnskey_ttl_s = 3600;
	w->policy.data_ttl_s = 7200;
	w->policy.propagation_s = 600;
	w->policy.publish_safety_s = w->policy.retire_safety_s = 0;
	w->policy.zsk_lifetime_s = 12 * DAY_S;
	w->policy.ksk_lifetime_s = 30 * DAY_S;
	keys_state_init(&w->state, (const uint8_t *)"");
	random_init_seed(&w->random, seed);
}

static const struct publish_schedule schedules[] = {
	{0},
	{.interval_s = 7 * 3600, .ahead_s = 3600, .valid_s = 20 * 3600},
	{.interval_s = DAY_S, .ahead_s = 20 * 3600, .valid_s = 3 * DAY_S},
	{.interval_s = DAY_S, .valid_s = DAY_S},
};

static void rolls(void **state)
{
	static struct world w;
	char why[KEYS_WHY_MAX] = "";
	for (uint64_t seed = 1; seed <= 80; seed++) {
		world_make(&w, seed, &schedules[seed % ARRAY_SIZE(schedules)]);
		w.policy.propagation_s += publish_schedule_held_s(&w.schedule);
		assert_int_equal(keys_policy_check(&w.policy, why), 0);
		run(&w, 150);
		check(&w);
		assert_true(w.moves > 12);
		if (w.faults > 0)
			fail_msg("seed %u: %u faults, the first: %s", (unsigned)seed, w.faults, w.fault);
	}
}

/* The check finds what it is for: intervals that do not know of the schedule break the chain. */
static void without_the_schedule(void **state)
{
	static struct world w;
	unsigned found = 0;
	for (uint64_t seed = 1; seed <= 20; seed++) {
		world_make(&w, seed, &schedules[0]);
		run(&w, 150);
		check(&w);
		found += w.faults > 0;
	}
	assert_true(found > 10);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(rolls), cmocka_unit_test(without_the_schedule)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
