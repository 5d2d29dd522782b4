// SPDX-License-Identifier: GPL-3.0-or-later
/* What each key waits for: one decision a phase. */
#include "private.h"

static const char why_offered[] = "the zone must go out as it is now";
static const char why_caches[] = "caches may have what was before";
static const char why_lifetime[] = "the key before has not served its time";
static const char why_ds[] = "its DS must be at the parent: submit it, then `banyan key ds --seen`";
static const char why_anchor[] = "people must have it as an anchor: tell them, then `banyan key ds --seen`";
static const char why_shared[] = "the other signers must have it in their DNSKEY sets: `banyan key foreign --shared`";

static int64_t later(int64_t a, int64_t b)
{
	return a > b ? a : b;
}

static struct keys_move wait(enum keys_phase to, const char *why)
{
	return (struct keys_move){.to = to, .due = KEYS_NEVER, .why = why};
}

static struct keys_move at(enum keys_phase to, int64_t due, const char *why)
{
	return (struct keys_move){.to = to, .due = due, .why = why};
}

static const char *why_seen(const struct keys_policy *policy)
{
	return policy->trust == KEYS_TRUST_PARENT ? why_ds : why_anchor;
}

/* PUBLISHED: does everybody know it? */
static struct keys_move from_published(const struct keys_state *state, const struct keys_policy *policy,
				       const struct keys_key *key)
{
	int64_t since = key->since, span;
	if (key->way == KEYS_DOUBLE_DS) { /* IpubP: RFC 7583 section 3.3.2 */
		if (key->ds_seen == 0)
			return wait(KEYS_READY, why_seen(policy));
		return at(KEYS_READY, key->ds_seen + keys_interval_ds(state, policy, key->ds_seen), why_caches);
	}
	if (state->multi &&
	    keys_for_data(key)) { /* RFC 8901 section 6.1: before it signs, it is in every signer's set */
		if (key->shared == 0)
			return wait(KEYS_READY, why_shared);
		since = later(since, key->shared);
	}
	span = keys_interval_keys(state, policy, since);
	if (key->way == KEYS_FIRST || key->way == KEYS_LIBERAL) /* data without signatures of it are in caches too */
		span = later(span, keys_interval_data(state, policy, since));
	if (policy->trust == KEYS_TRUST_5011 && keys_for_keys(key))
		span = later(span, keys_interval_trust(state, policy, since));
	return at(KEYS_READY, since + span, why_caches);
}

/* Does the active key of this role let it in? Keys whose roll was asked for do not wait. */
static struct keys_move when_served(const struct keys_state *state, const struct keys_policy *policy,
				    const struct keys_key *key)
{
	const struct keys_key *old = keys_see_active(state, key->role);
	int64_t lifetime = key->role == KEYS_ZSK ? policy->zsk_lifetime_s : policy->ksk_lifetime_s;
	if (old == NULL || key->hurry || lifetime == 0)
		return at(KEYS_ACTIVE, key->since, why_caches);
	if (old->since == 0)
		return wait(KEYS_ACTIVE, why_offered);
	return at(KEYS_ACTIVE, later(key->since, old->since + lifetime), why_lifetime);
}

/* The last DS of the old algorithm is gone (validators may ask for every algorithm that DS records name). */
static struct keys_move when_ds_swapped(const struct keys_state *state, const struct keys_policy *policy,
					const struct keys_key *key)
{
	int64_t due = key->ds_seen;
	if (due == 0)
		return wait(KEYS_ACTIVE, why_seen(policy));
	for (size_t i = 0; i < state->n; i++) {
		const struct keys_key *old = &state->key[i];
		if (old->phase != KEYS_ACTIVE || !keys_for_keys(old) || old->ds_seen == 0)
			continue;
		if (old->ds_gone == 0)
			return wait(KEYS_ACTIVE, "the DS of the old algorithm must go: `banyan key ds --gone`");
		due = later(due, old->ds_gone);
	}
	return at(KEYS_ACTIVE, due, why_caches);
}

/* READY: may it take over? */
static struct keys_move from_ready(const struct keys_state *state, const struct keys_policy *policy,
				   const struct keys_key *key)
{
	if (keys_way_algorithm(key->way)) {
		if (!keys_for_keys(key))
			return wait(KEYS_ACTIVE, "it goes with the new KSK");
		/* and the KSK with every new key that signs data: other signers may hold one up */
		for (size_t i = 0; i < state->n; i++)
			if (keys_coming(&state->key[i]) && keys_way_algorithm(state->key[i].way) &&
			    state->key[i].phase != KEYS_READY)
				return wait(KEYS_ACTIVE, "the new ZSK is not ready");
		if (policy->trust == KEYS_TRUST_5011)
			return at(KEYS_ACTIVE, key->since, why_caches);
		return when_ds_swapped(state, policy, key);
	}
	if (key->way == KEYS_PLANNED)
		return at(KEYS_ACTIVE, later(key->since, key->plan), "it has its date in the signed key response");
	if (key->way == KEYS_DOUBLE_KSK || key->way == KEYS_FIRST)
		return key->ds_seen == 0 ? wait(KEYS_ACTIVE, why_seen(policy))
					 : at(KEYS_ACTIVE, key->ds_seen, why_caches);
	if (key->way == KEYS_STANDBY && policy->trust != KEYS_TRUST_5011) {
		/* it began under another `trust`, and will sign the set alone: whoever hangs from a DS must have its own */
		if (key->ds_seen == 0)
			return wait(KEYS_ACTIVE, why_seen(policy));
		return at(KEYS_ACTIVE, key->ds_seen + keys_interval_ds(state, policy, key->ds_seen), why_caches);
	}
	return when_served(state, policy, key);
}

/* RETIRED: when does nobody need it any more? */
static struct keys_move from_retired(const struct keys_state *state, const struct keys_policy *policy,
				     const struct keys_key *key)
{
	int64_t ds = key->since + keys_interval_ds(state, policy, key->since);
	int64_t keys = key->since + keys_interval_keys(state, policy, key->since);
	int64_t data = keys_for_data(key) ? key->since + keys_interval_data(state, policy, key->since) : 0;
	bool revoke = policy->trust == KEYS_TRUST_5011 && keys_for_keys(key);
	/* until the new key was ready, resolvers were set up with the old anchor alone */
	int64_t trust = key->since + keys_interval_trust(state, policy, key->since);
	switch (key->leave) {
	case KEYS_DOUBLE_DS:
		return at(KEYS_REMOVED, keys, why_caches);
	case KEYS_DOUBLE_KSK:
		return at(KEYS_REMOVED, later(ds, data), why_caches);
	case KEYS_STANDBY:
		return at(KEYS_REVOKED, later(key->since + policy->revoke_after_s, later(keys, data)),
			  "a way back, until it is revoked");
	case KEYS_ALGORITHM:
	case KEYS_LIBERAL:
		if (!keys_for_keys(key))
			return wait(KEYS_WITHDRAWN, "it goes with the old KSK");
		if (revoke)
			return at(KEYS_REVOKED, later(key->since + policy->revoke_after_s, trust),
				  "a way back, until it is revoked");
		return at(KEYS_WITHDRAWN, ds, why_caches);
	default:
		return at(KEYS_REMOVED, data, why_caches);
	}
}

static struct keys_move from_phase(const struct keys_state *state, const struct keys_policy *policy,
				   const struct keys_key *key)
{
	switch (key->phase) {
	case KEYS_SIGNING: /* RFC 6781 section 4.1.4: all data in caches have signatures of it */
		return at(KEYS_PUBLISHED, key->since + keys_interval_data(state, policy, key->since), why_caches);
	case KEYS_PUBLISHED:
		return from_published(state, policy, key);
	case KEYS_READY:
		return from_ready(state, policy, key);
	case KEYS_RETIRED:
		return from_retired(state, policy, key);
	case KEYS_REVOKED:
		return at(keys_way_algorithm(key->leave) ? KEYS_WITHDRAWN : KEYS_REMOVED,
			  key->since + keys_interval_revoked(state, policy, key->since),
			  "every resolver must see that it is revoked");
	case KEYS_WITHDRAWN:
		return at(KEYS_REMOVED, key->since + keys_interval_keys(state, policy, key->since), why_caches);
	default:
		return wait(KEYS_REMOVED, "its successor");
	}
}

struct keys_move keys_move_next(const struct keys_state *state, const struct keys_policy *policy,
				const struct keys_key *key)
{
	if (key->phase == KEYS_GENERATED)
		return wait(KEYS_PUBLISHED, "it is kept for the next roll");
	struct keys_move move = from_phase(state, policy, key);
	if (key->phase != KEYS_ACTIVE && key->phase != KEYS_REMOVED && key->since == 0)
		return wait(move.to, why_offered);
	return move;
}

int64_t keys_roll_due(const struct keys_state *state, const struct keys_policy *policy, const struct keys_key *active)
{
	bool zsk = active->role == KEYS_ZSK;
	int64_t lifetime = zsk ? policy->zsk_lifetime_s : policy->ksk_lifetime_s, lead, due;
	if (lifetime == 0 || active->since == 0)
		return KEYS_NEVER;
	if (zsk)
		lead = keys_interval_keys(state, policy, active->since);
	else if (policy->trust == KEYS_TRUST_5011)
		lead = keys_interval_trust(state, policy, active->since);
	else if (policy->double_ds && active->role == KEYS_KSK)
		lead = keys_interval_ds(state, policy, active->since);
	else
		lead = keys_interval_keys(state, policy, active->since);
	due = active->since + lifetime - lead;
	return later(due, active->since);
}

bool keys_key_next(const struct keys_state *state, const struct keys_policy *policy, const struct keys_key *key,
		   enum keys_phase *ret_to, int64_t *ret_due, const char **ret_why)
{
	if (key->phase == KEYS_REMOVED)
		return false;
	struct keys_move move = keys_move_next(state, policy, key);
	if (key->phase == KEYS_ACTIVE) {
		bool coming = keys_see_coming(state, key->role) != NULL, busy = keys_algorithm_busy(state, policy);
		move.to = KEYS_RETIRED;
		move.due = coming || busy ? KEYS_NEVER : keys_roll_due(state, policy, key);
		move.why = coming                   ? "its successor is on its way"
			   : busy                   ? "the algorithm roll must be over"
			   : move.due == KEYS_NEVER ? "a roll is asked for: `banyan key roll`"
						    : "its roll begins";
	}
	*ret_to = move.to;
	*ret_due = move.due;
	*ret_why = move.why;
	return true;
}
