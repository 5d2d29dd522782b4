// SPDX-License-Identifier: GPL-3.0-or-later
/* What can be done with these keys under a policy: asked before anything begins, whoever asks for it, on a command line or in a file. */
#include "private.h"

/* Is a KSK or CSK on its way in or out? The first one of a zone moves by itself: nobody hangs from another. */
static const struct keys_key *entry_moves(const struct keys_state *state)
{
	for (size_t i = 0; i < state->n; i++) {
		const struct keys_key *key = &state->key[i];
		bool comes = keys_coming(key) && key->way != KEYS_FIRST;
		if (keys_for_keys(key) && (comes || keys_going(key)))
			return key;
	}
	return NULL;
}

static bool has_csk(const struct keys_state *state)
{
	for (size_t i = 0; i < state->n; i++)
		if (state->key[i].role == KEYS_CSK && keys_live(&state->key[i]))
			return true;
	return false;
}

int keys_algorithm_check(const struct keys_state *state, const struct keys_policy *policy, uint8_t algorithm,
			 char why[KEYS_WHY_MAX])
{
	bool other = false;
	for (size_t i = 0; i < state->n; i++)
		other |= state->key[i].phase == KEYS_ACTIVE && state->key[i].algorithm != algorithm;
	if (!other && !keys_algorithm_moves(state))
		return 0;
	if (policy->offline || policy->ksk_only)
		return keys_wrong(why, BANYAN_EUNSUPP,
				  "an algorithm roll (to %u) needs the KSK: with an offline one it cannot be made",
				  algorithm);
	if ((policy->csk || has_csk(state)) && policy->trust == KEYS_TRUST_5011 && !policy->liberal)
		return keys_wrong(why, BANYAN_EUNSUPP,
				  "the algorithm cannot be rolled (to %u): a revoked CSK signs no data, but RFC 4035 "
				  "section 2.2 asks for signatures of its algorithm: split the keys, or set `liberal: "
				  "yes`",
				  algorithm);
	/* one that has begun goes on: to stop in its middle would help nobody */
	for (size_t i = 0; i < state->n_foreign && !keys_algorithm_moves(state); i++) {
		const struct keys_foreign *f = &state->foreign[i];
		if (f->left == 0) /* those that leave go by themselves, and the roll begins then */
			return keys_wrong(
				why, BANYAN_EINVAL,
				"the algorithm cannot be rolled (to %u): all signers of a zone use the same "
				"algorithms (RFC 8901 section 4), and key %u is of %s: when it signs no more, "
				"`banyan key foreign --leave %u`",
				algorithm, f->tag, f->name, f->tag);
	}
	return 0;
}

/* RFC 8901 section 4: the DNSKEY set is everybody's, and so are its algorithms. */
static int check_foreign(const struct keys_state *state, const struct keys_policy *policy, char why[KEYS_WHY_MAX])
{
	uint8_t ours = keys_algorithm_wanted(state, policy);
	for (size_t i = 0; i < state->n; i++)
		if (state->key[i].phase == KEYS_ACTIVE)
			ours = state->key[i].algorithm;
	for (size_t i = 0; i < state->n_foreign; i++)
		if (state->foreign[i].left == 0 && state->foreign[i].rdata[3] != ours && !keys_algorithm_moves(state))
			return keys_wrong(why, BANYAN_EINVAL,
					  "key %u of %s has algorithm %u, and this zone is signed with %u: validators "
					  "may ask for signatures of every algorithm in the DNSKEY set, so all signers "
					  "must have the same (RFC 8901 section 4)",
					  state->foreign[i].tag, state->foreign[i].name, state->foreign[i].rdata[3],
					  ours);
	return 0;
}

/* One key or two: only an algorithm roll brings keys of the other kind in, for it has all keys new. */
static int check_split(const struct keys_state *state, const struct keys_policy *policy, char why[KEYS_WHY_MAX])
{
	for (size_t i = 0; i < state->n; i++) {
		const struct keys_key *key = &state->key[i];
		if ((key->phase != KEYS_ACTIVE && !keys_coming(key)) || (key->role == KEYS_CSK) == policy->csk ||
		    key->algorithm != keys_algorithm_wanted(state, policy))
			continue;
		return keys_wrong(
			why, BANYAN_EINVAL,
			"key %u is a %s, and the policy asks for %s: living keys are not changed so, and no roll "
			"could begin: set `split` (`banyan key policy csk=%s`) back to %s, or change the algorithm "
			"at the same time, by a roll to new keys of the wanted kind",
			key->tag, keys_role_text(key->role), policy->csk ? "one CSK" : "a KSK and a ZSK",
			policy->csk ? "no" : "yes", policy->csk ? "true" : "false");
	}
	return 0;
}

int keys_check(const struct keys_state *state, const struct keys_policy *policy, const struct keys_policy *before,
	       char why[KEYS_WHY_MAX])
{
	const struct keys_key *moves = entry_moves(state);
	int rc = keys_policy_check(policy, why);
	if (rc == 0 && before != NULL && before->trust != policy->trust && moves != NULL)
		rc = keys_wrong(
			why, BANYAN_EINVAL,
			"key %u is %s, by a roll that goes by another `trust`: that cannot change before the "
			"roll is over: leave `trust` as it was, and `banyan key status` tells what the roll waits for",
			moves->tag, keys_phase_text(moves->phase));
	if (rc == 0)
		rc = check_split(state, policy, why);
	if (rc == 0)
		rc = keys_algorithm_check(state, policy, keys_algorithm_wanted(state, policy), why);
	return rc == 0 ? check_foreign(state, policy, why) : rc;
}
