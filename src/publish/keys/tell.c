// SPDX-License-Identifier: GPL-3.0-or-later
/* What people tell the machine: keys that were made, DS that are there, rolls that are wanted, keys of other signers. */
#include <stdio.h>
#include <string.h>

#include "private.h"

#define REVOKE 0x80 /* in the second byte of the flags (RFC 5011 section 7) */

void keys_state_init(struct keys_state *state, const uint8_t *apex)
{
	memset(state, 0, sizeof *state);
	wire_name_lower(apex, state->apex);
}

static uint16_t tag_revoked(const struct keys_key *key)
{
	uint8_t rdata[KEYS_RDATA_MAX];
	memcpy(rdata, key->rdata, key->rdata_len);
	rdata[1] |= REVOKE;
	return dnssec_key_tag(rdata, key->rdata_len);
}

/* Would a validator, or a person, take one for the other? */
static bool tags_meet(const struct keys_key *a, const struct keys_key *b)
{
	return a->algorithm == b->algorithm && b->phase != KEYS_REMOVED &&
	       (a->tag == b->tag || tag_revoked(a) == b->tag || a->tag == tag_revoked(b));
}

/* Makes room: the keys that were removed first are forgotten. */
static void forget(struct keys_state *state)
{
	size_t removed = 0, first = 0;
	for (size_t i = 0; i < state->n; i++) {
		if (state->key[i].phase != KEYS_REMOVED)
			continue;
		if (removed++ == 0 || state->key[i].at[KEYS_REMOVED] < state->key[first].at[KEYS_REMOVED])
			first = i;
	}
	if (removed <= KEYS_HISTORY_MAX)
		return;
	memmove(&state->key[first], &state->key[first + 1], (state->n - first - 1) * sizeof state->key[0]);
	state->n--;
}

int keys_add(struct keys_state *state, enum keys_role role, const uint8_t *rdata, size_t len, const char *place,
	     int64_t now, struct keys_key **ret)
{
	struct keys_key key = {.role = (uint8_t)role};
	if (len < 6 || len > KEYS_RDATA_MAX || rdata[2] != 3 || (rdata[1] & REVOKE) != 0 || rdata[0] != 1 ||
	    strlen(place) >= sizeof key.place)
		return BANYAN_EINVAL;
	forget(state);
	if (state->n == KEYS_MAX)
		return BANYAN_ELIMIT;
	memcpy(key.rdata, rdata, len);
	key.rdata_len = (uint16_t)len;
	key.algorithm = rdata[3];
	key.tag = dnssec_key_tag(rdata, len);
	key.at[KEYS_GENERATED] = now;
	memcpy(key.place, place, strlen(place));
	for (size_t i = 0; i < state->n; i++)
		if (tags_meet(&key, &state->key[i]))
			return BANYAN_EEXIST;
	for (size_t i = 0; i < state->n_foreign; i++)
		if (state->foreign[i].rdata[3] == key.algorithm &&
		    (state->foreign[i].tag == key.tag || state->foreign[i].tag == tag_revoked(&key)))
			return BANYAN_EEXIST;
	state->key[state->n] = key;
	*ret = &state->key[state->n++];
	return 0;
}

int keys_tell_ds(struct keys_state *state, uint16_t tag, bool seen, int64_t now, char why[KEYS_WHY_MAX])
{
	struct keys_key *key = keys_find_tag(state, tag);
	if (key == NULL || !keys_for_keys(key))
		return keys_wrong(why, BANYAN_ENOENT, "there is no KSK or CSK with the tag %u: `banyan key list`", tag);
	if (seen && key->phase == KEYS_REMOVED)
		return keys_wrong(why, BANYAN_EINVAL, "key %u was removed: its DS proves nothing any more", tag);
	if (!seen && key->ds_seen == 0)
		return keys_wrong(why, BANYAN_EINVAL, "the DS of key %u was never there; say --seen when it is", tag);
	if (!seen && key->phase == KEYS_ACTIVE && keys_key_does(state, key).ds)
		return keys_wrong(why, BANYAN_EINVAL,
				  "key %u signs the zone and no other key has taken its place: without its DS (its "
				  "anchor) nobody can "
				  "prove the zone, so this was not noted: if it is gone, put it back; to have another "
				  "key, `banyan key "
				  "roll %s`, and take the old DS away when `banyan key status` says so",
				  tag, keys_role_text(key->role));
	if (!seen && key->phase < KEYS_ACTIVE) {
		key->ds_seen = 0; /* taken back before it was used */
		return 0;
	}
	if (seen && (key->ds_seen == 0 || key->ds_gone != 0)) {
		key->ds_seen = now;
		key->ds_gone = 0;
	}
	if (!seen && key->ds_gone == 0)
		key->ds_gone = now;
	return 0;
}

int keys_tell_shared(struct keys_state *state, uint16_t tag, int64_t now, char why[KEYS_WHY_MAX])
{
	struct keys_key *key = keys_find_tag(state, tag);
	if (key == NULL || !keys_for_data(key) || key->phase == KEYS_REMOVED)
		return keys_wrong(why, BANYAN_ENOENT, "there is no ZSK or CSK with the tag %u: `banyan key list`", tag);
	if (key->shared == 0)
		key->shared = now;
	return 0;
}

int keys_ask_roll(struct keys_state *state, const struct keys_policy *policy, enum keys_role role,
		  char why[KEYS_WHY_MAX])
{
	const struct keys_key *coming = keys_see_coming(state, role);
	if ((role == KEYS_CSK) != policy->csk || (role == KEYS_ZSK && policy->ksk_only))
		return keys_wrong(why, BANYAN_EINVAL, "there is no %s by the policy of these keys: it has %s",
				  keys_role_text(role),
				  policy->csk        ? "a CSK: `banyan key roll csk`"
				  : policy->ksk_only ? "a KSK alone: `banyan key roll ksk`"
						     : "a KSK and a ZSK: roll ksk, or zsk");
	if (policy->offline && role == KEYS_ZSK)
		return keys_wrong(
			why, BANYAN_EINVAL,
			"with an offline KSK a ZSK rolls at the dates of the key responses: `banyan key ksr`");
	if (policy->offline)
		return keys_wrong(why, BANYAN_EINVAL,
				  "the KSK is not here: roll it in the folder that `sign-ksr` uses");
	if (coming != NULL)
		return keys_wrong(why, BANYAN_EINVAL, "a roll is under way: key %u is %s; one at a time", coming->tag,
				  keys_phase_text(coming->phase));
	if (keys_see_active(state, role) == NULL)
		return keys_wrong(why, BANYAN_EINVAL, "there is no active %s to roll from", keys_role_text(role));
	if (role == KEYS_ZSK)
		state->asked_zsk = true;
	else
		state->asked_ksk = true;
	return 0;
}

/* Is every key that signs of this algorithm, and is there one? */
static bool has_only(const struct keys_state *state, uint8_t algorithm)
{
	bool any = false;
	for (size_t i = 0; i < state->n; i++) {
		if (state->key[i].phase != KEYS_ACTIVE)
			continue;
		if (state->key[i].algorithm != algorithm)
			return false;
		any = true;
	}
	return any;
}

int keys_ask_algorithm(struct keys_state *state, const struct keys_policy *policy, uint8_t algorithm,
		       char why[KEYS_WHY_MAX])
{
	if (!dnssec_algorithm_supported(algorithm) || algorithm == DNSSEC_RSASHA1 || algorithm == DNSSEC_RSASHA1_NSEC3)
		return keys_wrong(why, BANYAN_EUNSUPP, "algorithm %u is not one to sign with: 8, 10, 13, 14, 15 or 16",
				  algorithm);
	if (policy->offline || policy->ksk_only)
		return keys_wrong(why, BANYAN_EUNSUPP,
				  "an algorithm roll needs the KSK: with an offline one it cannot be made");
	int rc = keys_algorithm_check(state, policy, algorithm, why);
	if (rc == 0 && has_only(state, algorithm) && !keys_algorithm_moves(state) &&
	    keys_algorithm_wanted(state, policy) == algorithm)
		rc = keys_wrong(why, BANYAN_EINVAL,
				"the zone is signed with algorithm %u (%s) already: there is nothing to roll",
				algorithm, dnssec_algorithm_text(algorithm));
	if (rc == 0)
		state->asked_algorithm = algorithm;
	return rc;
}

int keys_foreign_add(struct keys_state *state, const char *name, const uint8_t *rdata, size_t len,
		     char why[KEYS_WHY_MAX])
{
	struct keys_foreign f = {.rdata_len = (uint16_t)len};
	if (len < 6 || len > KEYS_RDATA_MAX || rdata[0] != 1 || rdata[2] != 3 || (rdata[1] & REVOKE) != 0)
		return keys_wrong(why, BANYAN_EINVAL, "this is no DNSKEY of a zone (RFC 4034 section 2)");
	if (state->n_foreign == KEYS_FOREIGN_MAX)
		return keys_wrong(why, BANYAN_ELIMIT, "%d foreign keys are the most", KEYS_FOREIGN_MAX);
	memcpy(f.rdata, rdata, len);
	f.tag = dnssec_key_tag(rdata, len);
	snprintf(f.name, sizeof f.name, "%s", name);
	for (size_t i = 0; i < state->n_foreign; i++)
		if (state->foreign[i].rdata_len == len && memcmp(state->foreign[i].rdata, rdata, len) == 0)
			return keys_wrong(why, BANYAN_EEXIST, "the foreign key %u is there already", f.tag);
	for (size_t i = 0; i < state->n; i++) {
		const struct keys_key *key = &state->key[i];
		if (key->phase == KEYS_REMOVED)
			continue;
		if (key->algorithm == rdata[3] && (key->tag == f.tag || tag_revoked(key) == f.tag))
			return keys_wrong(why, BANYAN_EEXIST,
					  "a key of our own has the tag %u: one of the two must be "
					  "made anew",
					  f.tag);
	}
	if (state->asked_algorithm != 0 || keys_algorithm_moves(state))
		return keys_wrong(why, BANYAN_EINVAL,
				  "an algorithm roll is under way: until it is over no other signer has the algorithms "
				  "of this zone (RFC 8901 section 4)");
	for (size_t i = 0; i < state->n; i++)
		if (state->key[i].phase == KEYS_ACTIVE && state->key[i].algorithm != rdata[3])
			return keys_wrong(
				why, BANYAN_EINVAL,
				"key %u has algorithm %u, which we do not sign with: validators may ask for signatures "
				"of every algorithm in the DNSKEY set (RFC 8901 section 4)",
				f.tag, rdata[3]);
	state->foreign[state->n_foreign++] = f;
	state->multi = true;
	return 0;
}

int keys_foreign_leave(struct keys_state *state, uint16_t tag, int64_t now, char why[KEYS_WHY_MAX])
{
	for (size_t i = 0; i < state->n_foreign; i++) {
		if (state->foreign[i].tag != tag)
			continue;
		if (state->foreign[i].left == 0)
			state->foreign[i].left = now;
		return 0;
	}
	return keys_wrong(why, BANYAN_ENOENT, "there is no foreign key %u", tag);
}
