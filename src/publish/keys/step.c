// SPDX-License-Identifier: GPL-3.0-or-later
/* The machine: every key whose time has come goes on; and what was offered. */
#include <string.h>

#include "private.h"

#define ROUNDS_MAX (KEYS_MAX * KEYS_PHASES) /* each round moves a key on, and no key goes back but from PUBLISHED */

void keys_act(struct keys_actions *actions, const struct keys_action *action)
{
	for (size_t i = 0; i < actions->n; i++)
		if (memcmp(&actions->item[i], action, sizeof *action) == 0)
			return;
	if (actions->n < KEYS_ACTIONS_MAX)
		actions->item[actions->n++] = *action;
}

static bool content_same(struct keys_does a, struct keys_does b)
{
	return a.published == b.published && a.revoked == b.revoked && a.signs_keys == b.signs_keys &&
	       a.signs_data == b.signs_data;
}

/* Into a phase. If that changes the zone, its interval begins when the zone goes out. */
void keys_enter(struct keys_state *state, struct keys_key *key, enum keys_phase phase, int64_t now,
		struct keys_actions *actions)
{
	struct keys_does before = keys_key_does(state, key);
	struct keys_action action = {.kind = KEYS_DO_MOVED,
				     .role = key->role,
				     .way = key->way,
				     .algorithm = key->algorithm,
				     .from = key->phase,
				     .to = (uint8_t)phase,
				     .tag = key->tag};
	key->phase = (uint8_t)phase;
	key->at[phase] = now;
	key->since = content_same(before, keys_key_does(state, key)) ? now : 0;
	keys_act(actions, &action);
}

/* The keys that `key` takes the place of retire. */
static void retire_before(struct keys_state *state, const struct keys_key *key, int64_t now,
			  struct keys_actions *actions)
{
	for (size_t i = 0; i < state->n; i++) {
		struct keys_key *old = &state->key[i];
		bool replaced = keys_way_algorithm(key->way)
					? old->algorithm != key->algorithm || old->role != key->role
					: old->role == key->role;
		if (old == key || old->phase != KEYS_ACTIVE || !replaced)
			continue;
		old->leave = key->way;
		keys_enter(state, old, KEYS_RETIRED, now, actions);
	}
}

/* The last step of an algorithm roll's way in: all new keys together, and after them all old ones. */
static void activate_algorithm(struct keys_state *state, const struct keys_key *ksk, int64_t now,
			       struct keys_actions *actions)
{
	retire_before(state, ksk, now, actions);
	for (size_t i = 0; i < state->n; i++)
		if (state->key[i].phase == KEYS_READY && keys_way_algorithm(state->key[i].way))
			keys_enter(state, &state->key[i], KEYS_ACTIVE, now, actions);
}

/* The old keys of an algorithm roll leave the set together (RFC 6781 section 4.1.4); their signatures stay for those who have cached it. */
static void withdraw_algorithm(struct keys_state *state, int64_t now, struct keys_actions *actions)
{
	for (size_t i = 0; i < state->n; i++) {
		struct keys_key *old = &state->key[i];
		if (!keys_way_algorithm(old->leave) || (old->phase != KEYS_RETIRED && old->phase != KEYS_REVOKED))
			continue;
		keys_enter(state, old, old->leave == KEYS_LIBERAL ? KEYS_REMOVED : KEYS_WITHDRAWN, now, actions);
	}
}

static void move(struct keys_state *state, struct keys_key *key, enum keys_phase to, int64_t now,
		 struct keys_actions *actions)
{
	if (to == KEYS_ACTIVE && keys_way_algorithm(key->way)) {
		activate_algorithm(state, key, now, actions);
	} else if (to == KEYS_ACTIVE) {
		retire_before(state, key, now, actions);
		keys_enter(state, key, to, now, actions);
		key->hurry = false;
	} else if (to == KEYS_WITHDRAWN) {
		withdraw_algorithm(state, now, actions);
	} else {
		keys_enter(state, key, to, now, actions);
	}
}

/* With an offline KSK the set was signed before: what is in it is published, and nothing else. */
static bool follow_set(struct keys_state *state, struct keys_key *key, const struct keys_in_force *in_force,
		       int64_t now, struct keys_actions *actions)
{
	const struct keys_key *active = keys_see_active(state, KEYS_ZSK);
	bool in = keys_in_force_has(in_force, key);
	if (key->phase == KEYS_GENERATED && in) {
		key->way = KEYS_PLANNED;
		keys_enter(state, key, KEYS_PUBLISHED, now, actions);
		return true;
	}
	/* its time has passed while nobody published */
	if (key->phase == KEYS_GENERATED && key->plan != 0 && active != NULL && key->plan < active->plan) {
		keys_enter(state, key, KEYS_REMOVED, now, actions);
		return true;
	}
	if (keys_coming(key) && !in) {
		keys_enter(state, key, KEYS_GENERATED, now, actions);
		return true;
	}
	return false;
}

/* The key that signs is not in the set that is in force, because it is the first set, or because the publisher was down while one key followed
 * the other: the one whose turn it is signs at once. No set that caches may still have is one in which it could have stood before: choose()
 * of response.c would have stayed with that one. */
static bool follow_turn(struct keys_state *state, const struct keys_in_force *in_force, int64_t now,
			struct keys_actions *actions)
{
	const struct keys_key *active = keys_see_active(state, KEYS_ZSK);
	struct keys_key *turn = NULL;
	if (active != NULL && keys_in_force_has(in_force, active))
		return false;
	for (size_t i = 0; i < state->n; i++) {
		struct keys_key *key = &state->key[i];
		if (key->role != KEYS_ZSK || key->phase >= KEYS_ACTIVE || !keys_in_force_has(in_force, key) ||
		    key->plan > now || (active != NULL && key->plan <= active->plan))
			continue;
		if (turn == NULL || key->plan > turn->plan)
			turn = key;
	}
	if (turn == NULL)
		return false;
	turn->way = active == NULL ? KEYS_FIRST : KEYS_PLANNED;
	retire_before(state, turn, now, actions);
	keys_enter(state, turn, KEYS_ACTIVE, now, actions);
	return true;
}

static bool step_key(struct keys_state *state, const struct keys_policy *policy, struct keys_key *key,
		     const struct keys_in_force *in_force, int64_t now, struct keys_actions *actions)
{
	if (policy->offline && follow_set(state, key, in_force, now, actions))
		return true;
	if (key->phase == KEYS_GENERATED || key->phase == KEYS_ACTIVE || key->phase == KEYS_REMOVED)
		return false;
	struct keys_move next = keys_move_next(state, policy, key);
	if (next.due > now || (policy->offline && next.to == KEYS_REMOVED && keys_in_force_has(in_force, key)))
		return false;
	move(state, key, next.to, now, actions);
	return true;
}

static void step_foreign(struct keys_state *state, const struct keys_policy *policy, int64_t now)
{
	size_t kept = 0;
	for (size_t i = 0; i < state->n_foreign; i++) {
		const struct keys_foreign *f = &state->foreign[i];
		bool gone = f->left != 0 && f->left + keys_interval_data(state, policy, f->left) <= now;
		if (!gone)
			state->foreign[kept++] = *f;
	}
	if (kept == 0)
		state->multi = false; /* nobody else signs any more: no new key waits for others */
	state->n_foreign = kept;
}

/* What somebody outside should do; told again at each step until it is done. */
static void remind(const struct keys_state *state, const struct keys_policy *policy, struct keys_actions *actions)
{
	for (size_t i = 0; i < state->n; i++) {
		const struct keys_key *key = &state->key[i];
		struct keys_does does = keys_key_does(state, key);
		struct keys_action action = {.role = key->role, .algorithm = key->algorithm, .tag = key->tag};
		action.way = key->way;
		action.from = action.to = key->phase;
		if (does.ds && keys_coming(key) && key->ds_seen == 0 && policy->trust != KEYS_TRUST_5011) {
			action.kind = KEYS_DO_SUBMIT_DS;
			keys_act(actions, &action);
		}
		if (keys_ds_leaves(state, key) && policy->trust != KEYS_TRUST_5011) {
			action.kind = KEYS_DO_WITHDRAW_DS;
			keys_act(actions, &action);
		}
		bool used = key->phase == KEYS_PUBLISHED || key->phase == KEYS_READY || key->phase == KEYS_ACTIVE;
		if (state->multi && keys_for_data(key) && used && key->shared == 0) {
			action.kind = KEYS_DO_SHARE;
			keys_act(actions, &action);
		}
	}
}

void keys_step(struct keys_state *state, const struct keys_policy *policy, const struct keys_in_force *in_force,
	       int64_t now, struct keys_actions *ret_actions)
{
	struct keys_actions actions = {0};
	bool again = true;
	keys_ttl_note(&state->dnskey_ttl, policy->dnskey_ttl_s, policy->propagation_s);
	keys_ttl_note(&state->data_ttl, policy->data_ttl_s, policy->propagation_s);
	keys_ttl_note(&state->ds_ttl, policy->ds_ttl_s, policy->parent_propagation_s);
	if (state->asked_algorithm == policy->algorithm)
		state->asked_algorithm = 0;
	step_foreign(state, policy, now); /* first: an algorithm roll waits until all have gone */
	for (int round = 0; again && round < ROUNDS_MAX; round++) {
		again = keys_start(state, policy, in_force, now, &actions);
		if (policy->offline)
			again |= follow_turn(state, in_force, now, &actions);
		for (size_t i = 0; i < state->n; i++)
			again |= step_key(state, policy, &state->key[i], in_force, now, &actions);
	}
	remind(state, policy, &actions);
	*ret_actions = actions;
}

void keys_state_offered(struct keys_state *state, int64_t now)
{
	for (size_t i = 0; i < state->n; i++)
		if (state->key[i].since == 0 && state->key[i].phase != KEYS_GENERATED)
			state->key[i].since = now;
	for (size_t i = 0; i < state->n_foreign; i++)
		if (state->foreign[i].since == 0)
			state->foreign[i].since = now;
	keys_ttl_offered(&state->dnskey_ttl, now);
	keys_ttl_offered(&state->data_ttl, now);
	keys_ttl_offered(&state->ds_ttl, now);
}

bool keys_asked_waits(const struct keys_state *state, const struct keys_policy *policy)
{
	return (state->asked_zsk || state->asked_ksk) && keys_algorithm_busy(state, policy);
}

bool keys_algorithm_waits(const struct keys_state *state, const struct keys_policy *policy, uint8_t *ret_algorithm)
{
	bool moves = false;
	for (size_t i = 0; i < state->n; i++)
		moves |= keys_coming(&state->key[i]) || keys_going(&state->key[i]);
	if (!moves || keys_algorithm_moves(state) || !keys_algorithm_busy(state, policy))
		return false;
	*ret_algorithm = keys_algorithm_wanted(state, policy);
	return true;
}

/* Does a roll that was asked for begin at the next step? */
static bool asked_begins(const struct keys_state *state, const struct keys_policy *policy)
{
	static const uint8_t roles[] = {KEYS_ZSK, KEYS_KSK, KEYS_CSK};
	for (size_t i = 0; i < ARRAY_SIZE(roles); i++)
		if ((roles[i] == KEYS_ZSK ? state->asked_zsk : state->asked_ksk) &&
		    keys_see_active(state, roles[i]) != NULL && keys_see_coming(state, roles[i]) == NULL)
			return !policy->offline && !keys_algorithm_busy(state, policy);
	return false;
}

int64_t keys_next(const struct keys_state *state, const struct keys_policy *policy)
{
	int64_t next = asked_begins(state, policy) ? 0 : KEYS_NEVER;
	for (size_t i = 0; i < state->n; i++) {
		enum keys_phase to;
		int64_t due;
		const char *why;
		if (!keys_key_next(state, policy, &state->key[i], &to, &due, &why) || due >= next)
			continue;
		/* with an offline KSK a key goes with its bundle, and not before */
		if (!policy->offline || to != KEYS_REMOVED)
			next = due;
	}
	for (size_t i = 0; i < state->n_foreign; i++) {
		const struct keys_foreign *f = &state->foreign[i];
		int64_t due = f->left != 0 ? f->left + keys_interval_data(state, policy, f->left) : KEYS_NEVER;
		if (due < next)
			next = due;
	}
	return next;
}
