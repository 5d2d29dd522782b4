// SPDX-License-Identifier: GPL-3.0-or-later
/* Rolls begin here: which keys are wanted, and when. */
#include "private.h"

static void want_key(const struct keys_state *state, uint8_t role, uint8_t algorithm, struct keys_actions *actions)
{
	struct keys_action action = {.kind = KEYS_DO_GENERATE, .role = role, .algorithm = algorithm};
	keys_act(actions, &action);
}

/* Does any key that is or was in the zone sign data (or keys)? */
static bool has_any(const struct keys_state *state, bool (*what)(const struct keys_key *key))
{
	for (size_t i = 0; i < state->n; i++) {
		const struct keys_key *key = &state->key[i];
		if (what(key) && keys_live(key))
			return true;
	}
	return false;
}

/* Keys that were brought in say which algorithm the zone has, whatever the policy wants: the others follow, and roll with them. */
static uint8_t algorithm_first(const struct keys_state *state, const struct keys_policy *policy)
{
	for (size_t i = 0; i < state->n; i++)
		if (keys_live(&state->key[i]))
			return state->key[i].algorithm;
	return keys_algorithm_wanted(state, policy);
}

/* The first keys of a zone sign at once; whoever has no DS of it does not look. */
static bool start_first(struct keys_state *state, const struct keys_policy *policy, uint8_t role, int64_t now,
			struct keys_actions *actions)
{
	uint8_t algorithm = algorithm_first(state, policy);
	struct keys_key *key = keys_find_stock(state, role, algorithm);
	if (key == NULL) {
		want_key(state, role, algorithm, actions);
		return false;
	}
	bool waits = keys_for_keys(key) && policy->trust == KEYS_TRUST_PARENT;
	key->way = KEYS_FIRST;
	if (keys_for_keys(key) && policy->trust == KEYS_TRUST_ANCHOR)
		key->ds_seen = now; /* from now on people may have it */
	keys_enter(state, key, waits ? KEYS_PUBLISHED : KEYS_ACTIVE, now, actions);
	return true;
}

uint8_t keys_way_of(const struct keys_policy *policy, uint8_t role)
{
	if (role == KEYS_ZSK)
		return KEYS_PREPUBLISH;
	if (policy->trust == KEYS_TRUST_5011)
		return KEYS_STANDBY;
	/* a CSK's signatures of data would come before its DNSKEY is known: double-DS is for split keys */
	return policy->double_ds && policy->trust == KEYS_TRUST_PARENT && role == KEYS_KSK ? KEYS_DOUBLE_DS
											   : KEYS_DOUBLE_KSK;
}

static bool start_roll(struct keys_state *state, const struct keys_policy *policy, uint8_t role, bool *asked,
		       int64_t now, struct keys_actions *actions)
{
	const struct keys_key *old = keys_see_active(state, role);
	if (old == NULL || keys_see_coming(state, role) != NULL)
		return false;
	if (!*asked && keys_roll_due(state, policy, old) > now)
		return false;
	struct keys_key *key = keys_find_stock(state, role, old->algorithm);
	if (key == NULL) {
		want_key(state, role, old->algorithm, actions);
		return false;
	}
	key->way = keys_way_of(policy, role);
	key->hurry = *asked;
	*asked = false;
	keys_enter(state, key, KEYS_PUBLISHED, now, actions);
	return true;
}

/* All keys that sign are active, of another algorithm than the wanted one, and nothing else moves. */
static bool algorithm_due(const struct keys_state *state, const struct keys_policy *policy)
{
	bool other = false;
	for (size_t i = 0; i < state->n; i++) {
		const struct keys_key *key = &state->key[i];
		if (keys_coming(key) || keys_going(key) || (key->phase == KEYS_ACTIVE && key->since == 0))
			return false;
		other |= key->phase == KEYS_ACTIVE && key->algorithm != keys_algorithm_wanted(state, policy);
	}
	return other;
}

static bool start_algorithm(struct keys_state *state, const struct keys_policy *policy, int64_t now,
			    struct keys_actions *actions)
{
	uint8_t algorithm = keys_algorithm_wanted(state, policy);
	struct keys_key *keys = keys_find_stock(state, policy->csk ? KEYS_CSK : KEYS_KSK, algorithm);
	struct keys_key *data = policy->csk ? keys : keys_find_stock(state, KEYS_ZSK, algorithm);
	if (keys == NULL)
		want_key(state, policy->csk ? KEYS_CSK : KEYS_KSK, algorithm, actions);
	if (data == NULL && !policy->csk)
		want_key(state, KEYS_ZSK, algorithm, actions);
	if (keys == NULL || data == NULL || policy->ksk_only)
		return false;
	keys->way = data->way = policy->liberal ? KEYS_LIBERAL : KEYS_ALGORITHM;
	keys_enter(state, keys, policy->liberal ? KEYS_PUBLISHED : KEYS_SIGNING, now, actions);
	if (data != keys)
		keys_enter(state, data, policy->liberal ? KEYS_PUBLISHED : KEYS_SIGNING, now, actions);
	/* a KSK that signs nothing yet goes on together with its ZSK, when the zone has gone out */
	keys->since = data->since = 0;
	return true;
}

bool keys_start(struct keys_state *state, const struct keys_policy *policy, const struct keys_in_force *in_force,
		int64_t now, struct keys_actions *actions)
{
	char why[KEYS_WHY_MAX];
	size_t wanted = actions->n;
	bool moved = false;
	if (policy->offline) {
		if (!has_any(state, keys_for_data) &&
		    keys_find_stock(state, KEYS_ZSK, keys_algorithm_wanted(state, policy)) == NULL)
			want_key(state, KEYS_ZSK, keys_algorithm_wanted(state, policy), actions);
		return false;
	}
	if (!has_any(state, keys_for_keys))
		moved |= start_first(state, policy, policy->csk ? KEYS_CSK : KEYS_KSK, now, actions);
	if (!policy->ksk_only && !has_any(state, keys_for_data))
		moved |= start_first(state, policy, policy->csk ? KEYS_CSK : KEYS_ZSK, now, actions);
	if (moved || actions->n > wanted) /* no roll before all are there */
		return moved;
	if (keys_algorithm_busy(state, policy))
		return algorithm_due(state, policy) && state->n_foreign == 0 &&
		       keys_algorithm_check(state, policy, keys_algorithm_wanted(state, policy), why) == 0 &&
		       start_algorithm(state, policy, now, actions);
	moved |= start_roll(state, policy, KEYS_ZSK, &state->asked_zsk, now, actions);
	moved |= start_roll(state, policy, KEYS_KSK, &state->asked_ksk, now, actions);
	moved |= start_roll(state, policy, KEYS_CSK, &state->asked_ksk, now, actions);
	return moved;
}
