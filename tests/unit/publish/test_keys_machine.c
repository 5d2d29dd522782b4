// SPDX-License-Identifier: GPL-3.0-or-later
/* The machine of publish/keys in virtual time: rolls of every kind, and never a moment without a chain. */
#include "../test.h"

#include "keys_world.h"

#define DAY    86400LL
#define WORLDS 40 /* of each kind; each with another seed */

static struct world *world_new(uint64_t seed, const struct keys_policy *policy)
{
	struct world *world = malloc(sizeof *world);
	assert_non_null(world);
	world_init(world, seed, policy);
	world->lag_max_s = seed % 3 == 0 ? 0 : seed % 3 == 1 ? 7200 : 5 * DAY;
	return world;
}

/* Values of all sizes; `seed` tells which. */
static void policy_some(struct keys_policy *policy, uint64_t seed)
{
	static const int64_t ttls[] = {0, 60, 3600, DAY, 2 * DAY, 6 * DAY};
	struct random random;
	random_init_seed(&random, seed ^ 0x5eed);
	keys_policy_init(policy);
	policy->dnskey_ttl_s = ttls[random_below(&random, ARRAY_SIZE(ttls))];
	policy->data_ttl_s = ttls[random_below(&random, ARRAY_SIZE(ttls))];
	policy->ds_ttl_s = ttls[random_below(&random, ARRAY_SIZE(ttls))];
	policy->propagation_s = random_below(&random, 2) * random_below(&random, DAY);
	policy->parent_propagation_s = random_below(&random, 2) * random_below(&random, DAY);
	policy->publish_safety_s = random_below(&random, 2) * 3600;
	policy->retire_safety_s = random_below(&random, 2) * 3600;
	policy->zsk_lifetime_s = 90 * DAY;
	policy->query_s = (12 + random_below(&random, 48)) * 3600;
}

static void assert_sound(struct world *world)
{
	world_check(world);
	if (world->faults > 0)
		fail_msg("%s (%u in all)", world->fault, world->faults);
}

static unsigned count(const struct world *world, enum keys_role role, enum keys_phase phase)
{
	unsigned n = 0;
	for (size_t i = 0; i < world->state.n; i++)
		n += world->state.key[i].role == role && world->state.key[i].phase == phase;
	return n;
}

static void test_first_keys(void **state)
{
	struct keys_policy policy;
	keys_policy_init(&policy);
	struct world *world = world_new(0, &policy);
	world_run(world, 1);
	assert_int_equal(world->generated, 2);
	assert_int_equal(count(world, KEYS_ZSK, KEYS_ACTIVE), 1);
	/* the DS must wait until nobody has the zone without signatures: 6 days, an hour of propagation and one of safety */
	assert_int_equal(count(world, KEYS_KSK, KEYS_PUBLISHED), 1);
	const struct keys_key *ksk = &world->state.key[world->state.key[0].role == KEYS_KSK ? 0 : 1];
	enum keys_phase to;
	int64_t due;
	const char *why;
	assert_true(keys_key_next(&world->state, &policy, ksk, &to, &due, &why));
	assert_int_equal(to, KEYS_READY);
	assert_int_equal(due - ksk->since, 6 * DAY + 7200);
	world_run(world, 30 * DAY);
	assert_int_equal(count(world, KEYS_KSK, KEYS_ACTIVE), 1);
	assert_int_equal(world->n_ds, 1);
	assert_sound(world);
	free(world);
}

/* RFC 7583 section 3.2.1, by its letters: Ipub = Dprp + TTLkey, Iret = Dsgn + Dprp + TTLsig. */
static void test_zsk_times(void **state)
{
	struct keys_policy policy;
	keys_policy_init(&policy);
	struct world *world = world_new(0, &policy);
	world_run(world, 400 * DAY);
	assert_sound(world);
	assert_true(world->generated >= 5);
	for (size_t i = 0; i < world->state.n; i++) {
		const struct keys_key *key = &world->state.key[i];
		if (key->role != KEYS_ZSK || key->phase != KEYS_REMOVED || key->way != KEYS_PREPUBLISH)
			continue;
		assert_int_equal(key->at[KEYS_READY] - key->at[KEYS_PUBLISHED], 2 * DAY + 7200);
		assert_int_equal(key->at[KEYS_ACTIVE], key->at[KEYS_READY]);
		assert_int_equal(key->at[KEYS_RETIRED] - key->at[KEYS_ACTIVE], 90 * DAY);
		assert_int_equal(key->at[KEYS_REMOVED] - key->at[KEYS_RETIRED], 6 * DAY + 7200);
	}
	free(world);
}

static void test_zsk_rolls(void **state)
{
	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		struct keys_policy policy;
		policy_some(&policy, seed);
		policy.csk = seed % 5 == 4;
		policy.ksk_lifetime_s = policy.csk ? 120 * DAY : 0;
		struct world *world = world_new(seed, &policy);
		world_run(world, 500 * DAY);
		assert_sound(world);
		assert_true(world->generated >= (policy.csk ? 4 : 5));
		free(world);
	}
}

/* Rolls one after the other, as soon as the one before lets us. */
static void roll_often(uint64_t seed, struct keys_policy *policy, int64_t days, unsigned least)
{
	struct world *world = world_new(seed, policy);
	char why[KEYS_WHY_MAX];
	unsigned rolls = 0;
	for (int64_t day = 7; day < days; day += 7) {
		world_run(world, day * DAY);
		rolls += keys_ask_roll(&world->state, policy, policy->csk ? KEYS_CSK : KEYS_KSK, why) == 0;
		if (!policy->csk && keys_ask_roll(&world->state, policy, KEYS_ZSK, why) < 0)
			assert_non_null(strstr(why, "a roll is under way"));
	}
	world_run(world, (days + 400) * DAY);
	assert_sound(world);
	assert_true(rolls >= least);
	assert_int_equal(count(world, policy->csk ? KEYS_CSK : KEYS_KSK, KEYS_ACTIVE), 1);
	assert_true(count(world, policy->csk ? KEYS_CSK : KEYS_KSK, KEYS_REMOVED) >= least - 1);
	free(world);
}

static void test_double_ksk(void **state)
{
	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		struct keys_policy policy;
		policy_some(&policy, seed);
		policy.csk = seed % 2;
		policy.trust = seed % 7 == 6 ? KEYS_TRUST_ANCHOR : KEYS_TRUST_PARENT;
		roll_often(seed, &policy, 200, 3);
	}
}

static void test_double_ds(void **state)
{
	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		struct keys_policy policy;
		policy_some(&policy, seed);
		policy.double_ds = true;
		roll_often(seed, &policy, 200, 3);
	}
}

static void test_rfc5011(void **state)
{
	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		struct keys_policy policy;
		policy_some(&policy, seed);
		policy.trust = KEYS_TRUST_5011;
		policy.csk = seed % 4 == 3;
		policy.revoke_after_s = seed % 2 ? 0 : 60 * DAY;
		roll_often(seed, &policy, 400, 2);
	}
}

/* The new KSK stands by for 30 days and what a resolver needs to ask; the old one is revoked, and stays for 30 days. */
static void test_rfc5011_times(void **state)
{
	struct keys_policy policy;
	char why[KEYS_WHY_MAX];
	keys_policy_init(&policy);
	policy.trust = KEYS_TRUST_5011;
	struct world *world = world_new(0, &policy);
	world_run(world, 10 * DAY);
	assert_int_equal(keys_ask_roll(&world->state, &policy, KEYS_KSK, why), 0);
	world_run(world, 400 * DAY);
	assert_sound(world);
	assert_int_equal(count(world, KEYS_KSK, KEYS_REMOVED), 1);
	for (size_t i = 0; i < world->state.n; i++) {
		const struct keys_key *key = &world->state.key[i];
		if (key->role != KEYS_KSK)
			continue;
		if (key->phase == KEYS_ACTIVE)
			assert_int_equal(key->at[KEYS_READY] - key->at[KEYS_PUBLISHED],
					 30 * DAY + 2 * DAY + 7200 + 4 * DAY);
		if (key->phase == KEYS_REMOVED) {
			assert_int_equal(key->at[KEYS_REVOKED] - key->at[KEYS_RETIRED], 60 * DAY);
			assert_int_equal(key->at[KEYS_REMOVED] - key->at[KEYS_REVOKED], 30 * DAY);
		}
	}
	free(world);
}

/* There is a moment with signatures of the new algorithm and without its keys, and one with signatures of the old one alone. */
static void assert_signatures_first(const struct world *world)
{
	bool before = false, after = false;
	for (size_t i = 0; i < world->n; i++) {
		const struct version *v = &world->version[i];
		for (size_t j = 0; j < v->n; j++) {
			bool alone = v->key[j].does.signs_data && !v->key[j].does.published;
			before |= alone && v->key[j].algorithm == DNSSEC_ECDSAP256SHA256;
			after |= alone && v->key[j].algorithm == DNSSEC_RSASHA256;
		}
	}
	assert_true(before);
	assert_true(after);
}

static void algorithm_roll(uint64_t seed, const struct keys_policy *settings, bool strict)
{
	struct keys_policy policy = *settings;
	char why[KEYS_WHY_MAX];
	policy.algorithm = DNSSEC_RSASHA256;
	struct world *world = world_new(seed, &policy);
	world->strict = strict;
	world_run(world, (40 + (int64_t)seed % 60) * DAY);
	if (seed % 2)
		world->policy.algorithm = DNSSEC_ECDSAP256SHA256;
	else
		assert_int_equal(keys_ask_algorithm(&world->state, &policy, DNSSEC_ECDSAP256SHA256, why), 0);
	world_run(world, 700 * DAY);
	assert_sound(world);
	for (size_t i = 0; i < world->state.n; i++) {
		const struct keys_key *key = &world->state.key[i];
		if (key->phase == KEYS_ACTIVE)
			assert_int_equal(key->algorithm, DNSSEC_ECDSAP256SHA256);
		if (key->algorithm == DNSSEC_RSASHA256)
			assert_int_equal(key->phase, KEYS_REMOVED);
	}
	assert_int_equal(count(world, policy.csk ? KEYS_CSK : KEYS_KSK, KEYS_ACTIVE), 1);
	assert_int_equal(count(world, policy.csk ? KEYS_CSK : KEYS_ZSK, KEYS_ACTIVE), 1);
	if (!policy.liberal)
		assert_signatures_first(world);
	free(world);
}

static void test_algorithm(void **state)
{
	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		struct keys_policy policy;
		policy_some(&policy, seed);
		policy.csk = seed % 3 == 2;
		policy.zsk_lifetime_s = 0;
		algorithm_roll(seed, &policy, true);
	}
}

static void test_algorithm_liberal(void **state)
{
	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		struct keys_policy policy;
		policy_some(&policy, seed);
		policy.liberal = true;
		policy.csk = seed % 3 == 2;
		algorithm_roll(seed, &policy, false);
	}
}

/* As the root would: RSA to ECDSA with anchors that follow RFC 5011. */
static void test_algorithm_rfc5011(void **state)
{
	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		struct keys_policy policy;
		policy_some(&policy, seed);
		policy.trust = KEYS_TRUST_5011;
		/* however soon the old key is revoked: who was set up with its anchor alone must know the new one by then */
		policy.revoke_after_s = seed % 4 == 3 ? 0 : 60 * DAY;
		algorithm_roll(seed, &policy, true);
	}
}

/* Rolls that are asked for, or due, while an algorithm roll is under way: they wait until it is over, and nobody is woken for them before. */
static void test_rolls_wait_for_the_algorithm(void **state)
{
	unsigned waited = 0;
	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		struct keys_policy policy;
		char why[KEYS_WHY_MAX];
		unsigned asked = 0;
		policy_some(&policy, seed);
		policy.algorithm = DNSSEC_RSASHA256;
		policy.zsk_lifetime_s = seed % 2 ? 30 * DAY : 0;
		policy.trust = seed % 3 == 2 ? KEYS_TRUST_5011 : KEYS_TRUST_PARENT;
		struct world *world = world_new(seed, &policy);
		world->lag_max_s = seed % 2 ? 7200 : 0;
		world_run(world, 40 * DAY);
		assert_int_equal(keys_ask_algorithm(&world->state, &policy, DNSSEC_ECDSAP256SHA256, why), 0);
		for (int64_t day = 41; day < 400; day += 3) {
			world_run(world, day * DAY);
			if (asked < 2 && !world->state.asked_zsk)
				asked += keys_ask_roll(&world->state, &world->policy, KEYS_ZSK, why) == 0;
			waited += keys_asked_waits(&world->state, &world->policy);
		}
		world_run(world, 700 * DAY);
		assert_sound(world);
		assert_int_equal(asked, 2);
		assert_false(world->state.asked_zsk);
		assert_int_equal(count(world, KEYS_ZSK, KEYS_ACTIVE), 1);
		assert_true(world->generated >= 6);
		free(world);
	}
	assert_true(waited > WORLDS / 4);
}

static struct keys_key *add(struct world *world, enum keys_role role, uint8_t algorithm, uint8_t salt)
{
	uint8_t rdata[36] = {1, role != KEYS_ZSK, 3, algorithm, salt};
	struct keys_key *key;
	assert_int_equal(keys_add(&world->state, role, rdata, sizeof rdata, "", world->now, &key), 0);
	return key;
}

/* What cannot be rolled is refused, whoever asks: a command, or the policy of a file. */
static void test_algorithm_guard(void **state)
{
	struct keys_policy policy, other;
	char why[KEYS_WHY_MAX], said[KEYS_WHY_MAX];
	keys_policy_init(&policy);
	policy.csk = true;
	policy.trust = KEYS_TRUST_5011;
	struct world *world = world_new(0, &policy);
	world_run(world, 30 * DAY);
	other = policy;
	other.algorithm = DNSSEC_ED25519;
	assert_int_equal(keys_ask_algorithm(&world->state, &policy, DNSSEC_ED25519, said), BANYAN_EUNSUPP);
	assert_int_equal(keys_check(&world->state, &other, &policy, why), BANYAN_EUNSUPP);
	assert_string_equal(why, said);
	assert_int_equal(keys_check(&world->state, &policy, NULL, why), 0);
	/* the machine would not begin it either */
	world->policy = other;
	world_run(world, 60 * DAY);
	assert_int_equal(world->generated, 1);
	assert_sound(world);
	other.liberal = true;
	assert_int_equal(keys_check(&world->state, &other, &policy, why), 0);
	world->policy = policy;
	/* other signers */
	uint8_t rdata[36] = {1, 0, 3, DNSSEC_ECDSAP256SHA256, 1, 2, 3};
	assert_int_equal(keys_foreign_add(&world->state, "other", rdata, sizeof rdata, why), 0);
	assert_int_equal(keys_check(&world->state, &policy, NULL, why), 0);
	assert_int_equal(keys_check(&world->state, &other, &policy, why), BANYAN_EINVAL);
	assert_non_null(strstr(why, "RFC 8901 section 4"));
	assert_int_equal(keys_ask_algorithm(&world->state, &other, DNSSEC_ED25519, said), BANYAN_EINVAL);
	assert_string_equal(why, said);
	free(world);
}

/* RFC 8901 section 4: all signers of a zone have the same algorithms, at any time. */
static void test_algorithms_of_signers(void **state)
{
	struct keys_policy policy;
	char why[KEYS_WHY_MAX];
	uint8_t rdata[36] = {1, 0, 3, DNSSEC_ED25519, 1, 2, 3};
	keys_policy_init(&policy);
	struct world *world = world_new(0, &policy);
	/* before there are any keys of ours: what we would make is another one */
	assert_int_equal(keys_foreign_add(&world->state, "other", rdata, sizeof rdata, why), 0);
	assert_int_equal(keys_check(&world->state, &policy, NULL, why), BANYAN_EINVAL);
	assert_non_null(strstr(why, "of other has algorithm 15, and this zone is signed with 13"));
	free(world);
	world = world_new(0, &policy);
	world_run(world, 30 * DAY);
	add(world, KEYS_ZSK, DNSSEC_ED25519, 9); /* unused: it says nothing */
	assert_int_equal(keys_foreign_add(&world->state, "other", rdata, sizeof rdata, why), BANYAN_EINVAL);
	assert_int_equal(keys_ask_algorithm(&world->state, &policy, DNSSEC_ED25519, why), 0);
	rdata[3] = DNSSEC_ECDSAP256SHA256;
	for (int i = 0; i < 3; i++) { /* asked for, in, out */
		assert_int_equal(keys_foreign_add(&world->state, "other", rdata, sizeof rdata, why), BANYAN_EINVAL);
		assert_non_null(strstr(why, "an algorithm roll is under way"));
		world_run(world, (31 + 12 * i) * DAY);
	}
	free(world);
	/* a key of ours never gets the tag of another's */
	world = world_new(0, &policy);
	assert_int_equal(keys_foreign_add(&world->state, "other", rdata, sizeof rdata, why), 0);
	struct keys_key *key;
	assert_int_equal(keys_add(&world->state, KEYS_ZSK, rdata, sizeof rdata, "", 0, &key), BANYAN_EEXIST);
	free(world);
}

/* Keys that were brought in say which algorithm the zone has. */
static void test_first_keys_follow(void **state)
{
	struct keys_policy policy;
	struct keys_actions actions;
	keys_policy_init(&policy);
	struct world *world = world_new(0, &policy);
	struct keys_key *ksk = add(world, KEYS_KSK, DNSSEC_RSASHA256, 1);
	ksk->phase = KEYS_ACTIVE;
	ksk->since = ksk->ds_seen = world->now;
	keys_step(&world->state, &policy, NULL, world->now, &actions);
	assert_int_equal(actions.n, 1);
	assert_int_equal(actions.item[0].kind, KEYS_DO_GENERATE);
	assert_int_equal(actions.item[0].role, KEYS_ZSK);
	assert_int_equal(actions.item[0].algorithm, DNSSEC_RSASHA256);
	world_run(world, 300 * DAY);
	assert_sound(world);
	assert_int_equal(count(world, KEYS_ZSK, KEYS_ACTIVE), 1);
	free(world);
}

/* Anchors that people configure: validators with both ask for both algorithms, so the old one must be gone before its keys go. */
static void test_anchors_of_two_algorithms(void **state)
{
	struct keys_policy policy;
	struct keys_actions actions;
	char why[KEYS_WHY_MAX];
	keys_policy_init(&policy);
	policy.trust = KEYS_TRUST_ANCHOR;
	struct world *world = world_new(0, &policy);
	keys_step(&world->state, &policy, NULL, world->now, &actions);
	struct keys_key *old = add(world, KEYS_KSK, DNSSEC_ECDSAP256SHA256, 1);
	add(world, KEYS_ZSK, DNSSEC_ECDSAP256SHA256, 2);
	keys_step(&world->state, &policy, NULL, world->now, &actions);
	assert_int_equal(old->phase, KEYS_ACTIVE);
	assert_int_equal(keys_ask_algorithm(&world->state, &policy, DNSSEC_ED25519, why), 0);
	struct keys_key *new = add(world, KEYS_KSK, DNSSEC_ED25519, 3);
	add(world, KEYS_ZSK, DNSSEC_ED25519, 4);
	for (int day = 0; day < 60 && new->phase != KEYS_READY; day++) {
		keys_state_offered(&world->state, world->now);
		keys_step(&world->state, &policy, NULL, world->now += DAY, &actions);
	}
	assert_int_equal(new->phase, KEYS_READY);
	assert_int_equal(keys_tell_ds(&world->state, new->tag, true, world->now, why), 0);
	keys_step(&world->state, &policy, NULL, world->now += 90 * DAY, &actions);
	assert_int_equal(new->phase, KEYS_READY);
	assert_int_equal(keys_tell_ds(&world->state, old->tag, false, world->now, why), 0);
	/* it was a slip: it is there again */
	assert_int_equal(keys_tell_ds(&world->state, old->tag, true, world->now, why), 0);
	keys_step(&world->state, &policy, NULL, world->now, &actions);
	assert_int_equal(new->phase, KEYS_READY);
	assert_int_equal(keys_tell_ds(&world->state, old->tag, false, world->now, why), 0);
	keys_step(&world->state, &policy, NULL, world->now, &actions);
	assert_int_equal(new->phase, KEYS_ACTIVE);
	free(world);
}

static bool does_say(const struct keys_actions *actions, enum keys_action_kind kind, uint16_t tag)
{
	for (size_t i = 0; i < actions->n; i++)
		if (actions->item[i].kind == kind && actions->item[i].tag == tag)
			return true;
	return false;
}

static struct keys_key *ksk_of(struct world *world, enum keys_phase phase)
{
	for (size_t i = 0; i < world->state.n; i++)
		if (world->state.key[i].role == KEYS_KSK && world->state.key[i].phase == phase)
			return &world->state.key[i];
	fail_msg("no KSK is %s", keys_phase_text(phase));
	return NULL;
}

/* The only DS of a zone is never to go: not when it was early, and not because somebody says so of the key that signs. */
static void test_the_only_ds_stays(void **state)
{
	struct keys_policy policy;
	struct keys_actions actions;
	char why[KEYS_WHY_MAX];
	keys_policy_init(&policy);
	struct world *world = world_new(0, &policy);
	world_run(world, 1);
	struct keys_key *ksk = ksk_of(world, KEYS_PUBLISHED);
	assert_int_equal(keys_tell_ds(&world->state, ksk->tag, true, world->now, why), 0);
	keys_step(&world->state, &policy, NULL, world->now, &actions);
	assert_false(does_say(&actions, KEYS_DO_WITHDRAW_DS, ksk->tag));
	assert_int_equal(keys_tell_ds(&world->state, ksk->tag, false, world->now, why), 0);
	assert_int_equal(ksk->ds_seen, 0); /* taken back */
	world_run(world, 30 * DAY);
	assert_int_equal(ksk->phase, KEYS_ACTIVE);
	assert_int_equal(keys_tell_ds(&world->state, ksk->tag, false, world->now, why), BANYAN_EINVAL);
	assert_non_null(strstr(why, "no other key has taken its place"));
	assert_int_equal(ksk->ds_gone, 0);
	/* an algorithm roll: the old one goes when the new one was seen, and is asked for */
	assert_int_equal(keys_ask_algorithm(&world->state, &policy, DNSSEC_ED25519, why), 0);
	keys_step(&world->state, &policy, NULL, world->now, &actions);
	struct keys_key *new = add(world, KEYS_KSK, DNSSEC_ED25519, 3);
	add(world, KEYS_ZSK, DNSSEC_ED25519, 4);
	for (int day = 0; day < 60 && new->phase != KEYS_READY; day++) {
		keys_step(&world->state, &policy, NULL, world->now += DAY, &actions);
		keys_state_offered(&world->state, world->now);
		assert_false(does_say(&actions, KEYS_DO_WITHDRAW_DS, ksk->tag));
	}
	assert_int_equal(new->phase, KEYS_READY);
	assert_int_equal(keys_tell_ds(&world->state, new->tag, true, world->now, why), 0);
	keys_step(&world->state, &policy, NULL, world->now += DAY, &actions);
	assert_true(does_say(&actions, KEYS_DO_WITHDRAW_DS, ksk->tag));
	assert_int_equal(keys_tell_ds(&world->state, ksk->tag, false, world->now, why), 0);
	free(world);
}

/* One key or two: what the policy has not got cannot be rolled, and living keys cannot become the others but by an algorithm roll. */
static void test_split_stays(void **state)
{
	for (int csk = 0; csk < 2; csk++) {
		struct keys_policy policy, other;
		char why[KEYS_WHY_MAX];
		keys_policy_init(&policy);
		policy.csk = csk;
		struct world *world = world_new(0, &policy);
		world_run(world, 1);
		other = policy;
		other.csk = !csk;
		/* while the first keys are on their way in, and when they are in */
		assert_int_equal(keys_check(&world->state, &other, &policy, why), BANYAN_EINVAL);
		world_run(world, 30 * DAY);
		assert_int_equal(keys_check(&world->state, &other, &policy, why), BANYAN_EINVAL);
		assert_non_null(strstr(why, csk ? "back to false" : "back to true"));
		assert_int_equal(keys_check(&world->state, &other, NULL, why), BANYAN_EINVAL);
		assert_int_equal(keys_check(&world->state, &policy, &policy, why), 0);
		assert_int_equal(keys_ask_roll(&world->state, &policy, csk ? KEYS_KSK : KEYS_CSK, why), BANYAN_EINVAL);
		assert_non_null(strstr(why, csk ? "`banyan key roll csk`" : "there is no csk"));
		if (csk)
			assert_int_equal(keys_ask_roll(&world->state, &policy, KEYS_ZSK, why), BANYAN_EINVAL);
		assert_false(world->state.asked_zsk || world->state.asked_ksk);
		assert_int_equal(keys_ask_algorithm(&world->state, &policy, policy.algorithm, why), BANYAN_EINVAL);
		assert_non_null(strstr(why, "nothing to roll"));
		/* the way on */
		other.algorithm = DNSSEC_ED25519;
		assert_int_equal(keys_check(&world->state, &other, &policy, why), 0);
		world->policy = other;
		for (int64_t day = 31; day < 200; day++) {
			world_run(world, day * DAY);
			assert_int_equal(keys_check(&world->state, &other, &other, why), 0);
		}
		assert_sound(world);
		assert_int_equal(count(world, KEYS_CSK, KEYS_ACTIVE), !csk);
		assert_int_equal(count(world, KEYS_KSK, KEYS_ACTIVE), csk);
		free(world);
	}
}

/* What a roll goes by cannot change in its middle. */
static void test_trust_stays(void **state)
{
	struct keys_policy policy, other;
	char why[KEYS_WHY_MAX];
	keys_policy_init(&policy);
	struct world *world = world_new(0, &policy);
	world_run(world, 60 * DAY);
	other = policy;
	other.trust = KEYS_TRUST_5011;
	assert_int_equal(keys_check(&world->state, &other, &policy, why), 0);
	assert_int_equal(keys_ask_roll(&world->state, &policy, KEYS_KSK, why), 0);
	world_run(world, 60 * DAY + 10);
	assert_int_equal(keys_check(&world->state, &other, &policy, why), BANYAN_EINVAL);
	assert_non_null(strstr(why, "goes by another `trust`"));
	assert_int_equal(keys_check(&world->state, &policy, &policy, why), 0);
	free(world);
	/* the first keys of a zone: nobody has another DS */
	struct keys_actions actions;
	world = world_new(0, &policy);
	struct keys_key *first = add(world, KEYS_KSK, DNSSEC_ECDSAP256SHA256, 1);
	add(world, KEYS_ZSK, DNSSEC_ECDSAP256SHA256, 2);
	keys_step(&world->state, &policy, NULL, world->now, &actions);
	assert_int_equal(first->phase, KEYS_PUBLISHED);
	assert_int_equal(keys_check(&world->state, &other, &policy, why), 0);
	free(world);
}

/* A key that stood by under RFC 5011 signs the set alone, so with DS records it waits for its own. */
static void test_standby_waits_for_its_ds(void **state)
{
	struct keys_policy policy;
	struct keys_actions actions;
	char why[KEYS_WHY_MAX];
	keys_policy_init(&policy);
	policy.trust = KEYS_TRUST_5011;
	struct world *world = world_new(0, &policy);
	struct keys_key *old = add(world, KEYS_KSK, DNSSEC_ECDSAP256SHA256, 1);
	add(world, KEYS_ZSK, DNSSEC_ECDSAP256SHA256, 2);
	old->phase = KEYS_ACTIVE;
	old->since = old->ds_seen = world->now;
	struct keys_key *new = add(world, KEYS_KSK, DNSSEC_ECDSAP256SHA256, 3);
	assert_int_equal(keys_ask_roll(&world->state, &policy, KEYS_KSK, why), 0);
	keys_step(&world->state, &policy, NULL, world->now, &actions);
	assert_int_equal(new->way, KEYS_STANDBY);
	policy.trust = KEYS_TRUST_PARENT;
	bool asked = false;
	for (int day = 0; day < 90; day++) {
		keys_state_offered(&world->state, world->now);
		keys_step(&world->state, &policy, NULL, world->now += DAY, &actions);
		for (size_t i = 0; i < actions.n; i++)
			asked |= actions.item[i].kind == KEYS_DO_SUBMIT_DS && actions.item[i].tag == new->tag;
	}
	assert_true(asked);
	assert_int_equal(new->phase, KEYS_READY);
	assert_int_equal(old->phase, KEYS_ACTIVE);
	assert_int_equal(keys_tell_ds(&world->state, new->tag, true, world->now, why), 0);
	keys_step(&world->state, &policy, NULL, world->now, &actions);
	assert_int_equal(new->phase, KEYS_READY); /* caches have the DS set before */
	enum keys_phase to;
	int64_t due;
	const char *words;
	assert_true(keys_key_next(&world->state, &policy, new, &to, &due, &words));
	assert_true(due >= world->now + policy.ds_ttl_s + policy.parent_propagation_s);
	keys_step(&world->state, &policy, NULL, due, &actions);
	assert_int_equal(new->phase, KEYS_ACTIVE);
	free(world);
}

/* RFC 8901 model 2: our data are proved by the other signer's DNSKEY set too. */
static void test_several_signers(void **state)
{
	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		struct keys_policy policy;
		uint8_t rdata[36] = {1, 0, 3, DNSSEC_ECDSAP256SHA256, 1, 2, 3};
		char why[KEYS_WHY_MAX];
		policy_some(&policy, seed);
		policy.csk = seed % 3 == 2;
		policy.ksk_lifetime_s = policy.csk ? 90 * DAY : 0;
		struct world *world = world_new(seed, &policy);
		assert_int_equal(keys_foreign_add(&world->state, "other", rdata, sizeof rdata, why), 0);
		world_run(world, 400 * DAY);
		assert_sound(world);
		assert_true(world->generated >= 4);
		assert_int_equal(world->state.n_foreign, 1);
		uint16_t tag = world->state.foreign[0].tag;
		assert_int_equal(keys_foreign_leave(&world->state, tag, world->now, why), 0);
		world_run(world, 440 * DAY);
		assert_int_equal(world->state.n_foreign, 0);
		/* alone again: no new key waits for anybody */
		assert_false(world->state.multi);
		unsigned before = world->generated;
		world_run(world, 800 * DAY);
		assert_true(world->generated >= before + 2);
		free(world);
	}
}

/* An algorithm roll is asked for while another signer leaves: it waits until that one's keys have gone, and nothing else stops. */
static void test_algorithm_after_signers(void **state)
{
	struct keys_policy policy;
	uint8_t rdata[36] = {1, 0, 3, DNSSEC_ECDSAP256SHA256, 1, 2, 3};
	char why[KEYS_WHY_MAX];
	keys_policy_init(&policy);
	struct world *world = world_new(0, &policy);
	assert_int_equal(keys_foreign_add(&world->state, "other", rdata, sizeof rdata, why), 0);
	uint16_t tag = world->state.foreign[0].tag;
	world_run(world, 30 * DAY);
	world->policy.algorithm = DNSSEC_ED25519;
	assert_int_equal(keys_check(&world->state, &world->policy, &policy, why), BANYAN_EINVAL);
	assert_non_null(strstr(why, "`banyan key foreign --leave "));
	assert_int_equal(keys_foreign_leave(&world->state, tag, world->now, why), 0);
	assert_int_equal(keys_check(&world->state, &world->policy, &policy, why), 0);
	unsigned before = world->generated;
	world_run(world, 33 * DAY); /* data live for six days */
	assert_int_equal(world->state.n_foreign, 1);
	assert_int_equal(world->generated, before);
	world_run(world, 200 * DAY);
	assert_int_equal(world->state.n_foreign, 0);
	world->n_other = 0; /* its servers were switched off when it left */
	assert_sound(world);
	for (size_t i = 0; i < world->state.n; i++)
		assert_true(world->state.key[i].phase != KEYS_ACTIVE ||
			    world->state.key[i].algorithm == DNSSEC_ED25519);
	free(world);
}

/* A roll that began beside another signer, when nobody asked for that: it goes on, and the other one may leave at any time. */
static void test_algorithm_begun_beside(void **state)
{
	struct keys_policy policy;
	uint8_t rdata[36] = {1, 0, 3, DNSSEC_ECDSAP256SHA256, 1, 2, 3};
	char why[KEYS_WHY_MAX];
	keys_policy_init(&policy);
	struct world *world = world_new(0, &policy);
	assert_int_equal(keys_foreign_add(&world->state, "other", rdata, sizeof rdata, why), 0);
	add(world, KEYS_ZSK, DNSSEC_ECDSAP256SHA256, 1)->phase = KEYS_ACTIVE;
	struct keys_key *new = add(world, KEYS_ZSK, DNSSEC_ED25519, 2);
	new->phase = KEYS_PUBLISHED;
	new->way = KEYS_ALGORITHM;
	policy.algorithm = DNSSEC_ED25519;
	assert_int_equal(keys_check(&world->state, &policy, NULL, why), 0);
	new->phase = KEYS_ACTIVE;
	world->state.key[0].phase = KEYS_RETIRED;
	world->state.key[0].leave = KEYS_ALGORITHM;
	assert_int_equal(keys_check(&world->state, &policy, NULL, why), 0);
	world->state.key[0].phase = KEYS_REMOVED;
	assert_int_equal(keys_check(&world->state, &policy, NULL, why), BANYAN_EINVAL);
	assert_int_equal(keys_foreign_leave(&world->state, world->state.foreign[0].tag, world->now, why), 0);
	assert_int_equal(keys_check(&world->state, &policy, NULL, why), 0);
	free(world);
}

/* A folder in which the foreign keys went and the mark stayed. */
static void test_alone_again(void **state)
{
	struct keys_policy policy;
	struct keys_actions actions;
	keys_policy_init(&policy);
	struct world *world = world_new(0, &policy);
	world->state.multi = true;
	keys_step(&world->state, &policy, NULL, world->now, &actions);
	assert_false(world->state.multi);
	free(world);
}

/* What comes next is told by the phase's own rule, also before the zone has gone out. */
static void test_next_of_a_retired_key(void **state)
{
	struct keys_policy policy;
	enum keys_phase to;
	int64_t due;
	const char *words;
	keys_policy_init(&policy);
	struct world *world = world_new(0, &policy);
	struct keys_key *key = add(world, KEYS_ZSK, DNSSEC_ECDSAP256SHA256, 1);
	key->phase = KEYS_RETIRED;
	key->leave = KEYS_PREPUBLISH;
	key->since = 0;
	assert_true(keys_key_next(&world->state, &policy, key, &to, &due, &words));
	assert_int_equal(to, KEYS_REMOVED);
	assert_true(due == KEYS_NEVER);
	free(world);
}

/* TTLs that are lowered in the middle of a roll: what was cached before lives on. */
static void test_ttl_lowered(void **state)
{
	for (uint64_t seed = 0; seed < WORLDS; seed++) {
		struct keys_policy policy;
		char why[KEYS_WHY_MAX];
		policy_some(&policy, seed);
		policy.dnskey_ttl_s = policy.data_ttl_s = 6 * DAY;
		policy.csk = seed % 2;
		struct world *world = world_new(seed, &policy);
		world_run(world, 30 * DAY);
		assert_int_equal(keys_ask_roll(&world->state, &policy, policy.csk ? KEYS_CSK : KEYS_ZSK, why), 0);
		world_run(world, (30 + (int64_t)seed % 14) * DAY);
		world->policy.dnskey_ttl_s = 60;
		world->policy.data_ttl_s = 300;
		world_run(world, (31 + (int64_t)seed % 14) * DAY + 1);
		world->policy.dnskey_ttl_s = 30;
		world_run(world, 200 * DAY);
		assert_sound(world);
		free(world);
	}
}

/* The check itself is checked: caches that keep what they should not must be found out, in rolls of every kind. */
static void test_check_finds(void **state)
{
	for (uint64_t seed = 0; seed < 9; seed++) {
		struct keys_policy policy;
		char why[KEYS_WHY_MAX];
		keys_policy_init(&policy);
		policy.algorithm = seed % 3 == 2 ? DNSSEC_RSASHA256 : DNSSEC_ECDSAP256SHA256;
		policy.csk = seed % 3 == 1;
		struct world *world = world_new(0, &policy);
		world->real_ttl_s = 8 * DAY;
		world_run(world, 30 * DAY);
		if (seed % 3 == 2)
			assert_int_equal(keys_ask_algorithm(&world->state, &policy, DNSSEC_ECDSAP256SHA256, why), 0);
		else
			assert_int_equal(keys_ask_roll(&world->state, &policy, policy.csk ? KEYS_CSK : KEYS_ZSK, why),
					 0);
		world_run(world, 90 * DAY);
		world_check(world);
		assert_true(world->faults > 0);
		free(world);
	}
}

/* The zone does not go out: nothing moves, however late it gets. */
static void test_not_offered(void **state)
{
	struct keys_policy policy;
	struct keys_actions actions;
	char why[KEYS_WHY_MAX];
	keys_policy_init(&policy);
	struct world *world = world_new(0, &policy);
	world_run(world, 30 * DAY);
	assert_int_equal(keys_ask_roll(&world->state, &policy, KEYS_ZSK, why), 0);
	keys_step(&world->state, &policy, NULL, world->now, &actions);
	assert_int_equal(actions.n, 1);
	assert_int_equal(actions.item[0].kind, KEYS_DO_GENERATE);
	uint8_t rdata[36] = {1, 0, 3, DNSSEC_ECDSAP256SHA256, 42};
	struct keys_key *key;
	assert_int_equal(keys_add(&world->state, KEYS_ZSK, rdata, sizeof rdata, "", world->now, &key), 0);
	for (int64_t day = 0; day < 300; day++)
		keys_step(&world->state, &policy, NULL, world->now + day * DAY, &actions);
	assert_int_equal(key->phase, KEYS_PUBLISHED);
	assert_int_equal(key->since, 0);
	keys_state_offered(&world->state, world->now + 300 * DAY);
	keys_step(&world->state, &policy, NULL, world->now + 301 * DAY, &actions);
	assert_int_equal(key->phase, KEYS_PUBLISHED);
	keys_step(&world->state, &policy, NULL, world->now + 303 * DAY, &actions);
	assert_int_equal(key->phase, KEYS_ACTIVE);
	free(world);
}

static void test_text(void **state)
{
	for (uint64_t seed = 0; seed < 12; seed++) {
		_cleanup_(buffer_done) struct buffer text = {0}, again = {0};
		struct keys_policy policy, read_policy;
		char why[KEYS_WHY_MAX];
		policy_some(&policy, seed);
		policy.trust = seed % 3;
		struct world *world = world_new(seed, &policy);
		struct keys_state *read = malloc(sizeof *read);
		world_run(world, (int64_t)(20 + 11 * seed) * DAY);
		assert_int_equal(keys_state_write(&world->state, &policy, &text), 0);
		assert_int_equal(keys_state_read("state", (char *)text.data, text.len, read, &read_policy, why), 0);
		assert_int_equal(keys_state_write(read, &read_policy, &again), 0);
		assert_int_equal(text.len, again.len);
		assert_memory_equal(text.data, again.data, text.len);
		assert_memory_equal(&policy, &read_policy, sizeof policy);
		/* cut off anywhere, it is refused */
		for (size_t len = 0; len < text.len; len += 7)
			assert_int_equal(keys_state_read("state", (char *)text.data, len, read, &read_policy, why),
					 BANYAN_EMALF);
		free(read);
		free(world);
	}
}

static void test_policy(void **state)
{
	struct keys_policy policy;
	char why[KEYS_WHY_MAX];
	keys_policy_init(&policy);
	assert_int_equal(keys_policy_check(&policy, why), 0);
	assert_int_equal(keys_policy_set(&policy, "zsk-lifetime", "30d", why), 0);
	assert_int_equal(policy.zsk_lifetime_s, 30 * DAY);
	assert_int_equal(keys_policy_set(&policy, "algorithm", "RSASHA256", why), 0);
	assert_int_equal(policy.algorithm, 8);
	assert_int_equal(keys_policy_set(&policy, "algorithm", "7", why), BANYAN_EINVAL);
	assert_int_equal(keys_policy_set(&policy, "zsk-lifetime", "a month", why), BANYAN_EINVAL);
	assert_string_equal(why, "zsk-lifetime is a length of time as 90d, 12h, 30m or 10s, not 'a month'");
	assert_int_equal(keys_policy_set(&policy, "zsk", "1", why), BANYAN_ENOENT);
	assert_int_equal(keys_policy_set(&policy, "zsk-lifetime", "5d", why), 0);
	assert_int_equal(keys_policy_check(&policy, why), BANYAN_EINVAL);
	assert_non_null(strstr(why, "to roll a ZSK takes"));
	keys_policy_init(&policy);
	policy.dnskey_ttl_s = 0; /* the zone would have that of its SOA, and rolls would reckon with none */
	assert_int_equal(keys_policy_check(&policy, why), BANYAN_EINVAL);
	keys_policy_init(&policy);
	policy.offline = policy.csk = true;
	assert_int_equal(keys_policy_check(&policy, why), BANYAN_EINVAL);
}

static void test_refusals(void **state)
{
	struct keys_policy policy;
	char why[KEYS_WHY_MAX];
	keys_policy_init(&policy);
	struct world *world = world_new(0, &policy);
	assert_int_equal(keys_ask_roll(&world->state, &policy, KEYS_ZSK, why), BANYAN_EINVAL);
	world_run(world, 30 * DAY);
	assert_int_equal(keys_ask_roll(&world->state, &policy, KEYS_ZSK, why), 0);
	world_run(world, 30 * DAY + 10);
	assert_int_equal(keys_ask_roll(&world->state, &policy, KEYS_ZSK, why), BANYAN_EINVAL);
	assert_non_null(strstr(why, "a roll is under way"));
	assert_int_equal(keys_ask_algorithm(&world->state, &policy, 5, why), BANYAN_EUNSUPP);
	const struct keys_key *key = &world->state.key[0];
	struct keys_key *ret;
	assert_int_equal(keys_add(&world->state, KEYS_ZSK, key->rdata, key->rdata_len, "", 0, &ret), BANYAN_EEXIST);
	assert_int_equal(keys_tell_ds(&world->state, 0xffff, true, 0, why), BANYAN_ENOENT);
	uint8_t rdata[36] = {1, 0, 3, DNSSEC_ED25519, 42};
	assert_int_equal(keys_foreign_add(&world->state, "x", rdata, sizeof rdata, why), BANYAN_EINVAL);
	assert_int_equal(keys_foreign_add(&world->state, "x", key->rdata, key->rdata_len, why), BANYAN_EEXIST);
	free(world);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_first_keys),
		cmocka_unit_test(test_zsk_times),
		cmocka_unit_test(test_zsk_rolls),
		cmocka_unit_test(test_double_ksk),
		cmocka_unit_test(test_double_ds),
		cmocka_unit_test(test_rfc5011),
		cmocka_unit_test(test_rfc5011_times),
		cmocka_unit_test(test_algorithm),
		cmocka_unit_test(test_algorithm_liberal),
		cmocka_unit_test(test_algorithm_rfc5011),
		cmocka_unit_test(test_rolls_wait_for_the_algorithm),
		cmocka_unit_test(test_algorithm_guard),
		cmocka_unit_test(test_algorithms_of_signers),
		cmocka_unit_test(test_first_keys_follow),
		cmocka_unit_test(test_anchors_of_two_algorithms),
		cmocka_unit_test(test_the_only_ds_stays),
		cmocka_unit_test(test_split_stays),
		cmocka_unit_test(test_trust_stays),
		cmocka_unit_test(test_standby_waits_for_its_ds),
		cmocka_unit_test(test_several_signers),
		cmocka_unit_test(test_algorithm_after_signers),
		cmocka_unit_test(test_algorithm_begun_beside),
		cmocka_unit_test(test_alone_again),
		cmocka_unit_test(test_next_of_a_retired_key),
		cmocka_unit_test(test_ttl_lowered),
		cmocka_unit_test(test_check_finds),
		cmocka_unit_test(test_not_offered),
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_policy),
		cmocka_unit_test(test_refusals),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
