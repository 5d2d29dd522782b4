// SPDX-License-Identifier: GPL-3.0-or-later
/* What a key does in each phase: in the zone, and at the parent. */
#include "private.h"

/* PUBLISHED and READY. */
static struct keys_does does_coming(const struct keys_key *key)
{
	bool all = key->way == KEYS_FIRST || keys_way_algorithm(key->way); /* the set has no other of its algorithm */
	struct keys_does does = {.published = true};
	if (key->way == KEYS_DOUBLE_DS) /* RFC 7583 section 3.3.2: the DS goes ahead, the key follows */
		return (struct keys_does){.ds = true};
	/* RFC 5011 asks for nothing but that the trusted keys sign the set while the new one stands by */
	does.signs_keys = keys_for_keys(key) && key->way != KEYS_STANDBY;
	does.signs_data = keys_for_data(key) && all;
	/* who sets up a resolver while a key stands by has less than 30 days left: it needs both anchors */
	does.ds = keys_for_keys(key) && (key->phase == KEYS_READY || key->way == KEYS_STANDBY);
	return does;
}

static struct keys_does does_retired(const struct keys_key *key)
{
	struct keys_does does = {.published = true};
	switch (key->leave) {
	case KEYS_DOUBLE_DS: /* its DS stays while cached DNSKEY sets hang from it */
		return (struct keys_does){.ds = true};
	case KEYS_DOUBLE_KSK: /* cached DS sets hang from it */
		does.signs_keys = keys_for_keys(key);
		return does;
	case KEYS_ALGORITHM:
	case KEYS_LIBERAL: /* RFC 4035 section 2.2: each algorithm in the set signs the set and the data */
		does.signs_keys = keys_for_keys(key);
		does.signs_data = keys_for_data(key);
		return does;
	case KEYS_STANDBY: /* until the zone goes out with the new one's signature, what is out has this one's alone */
		does.ds = keys_for_keys(key) && key->since == 0;
		return does;
	default:
		return does;
	}
}

/* Is a key READY whose DS takes the place of all others'? (RFC 7583 section 3.3.1, RFC 6781 section 4.1.4) */
static bool replaced_at_parent(const struct keys_state *state, const struct keys_key *key)
{
	for (size_t i = 0; i < state->n; i++) {
		const struct keys_key *new = &state->key[i];
		if (new->phase == KEYS_READY && keys_for_keys(new) && new != key &&
		    (new->way == KEYS_DOUBLE_KSK || keys_way_algorithm(new->way)))
			return true;
	}
	return false;
}

struct keys_does keys_key_does(const struct keys_state *state, const struct keys_key *key)
{
	bool keys = keys_for_keys(key), data = keys_for_data(key);
	switch (key->phase) {
	case KEYS_SIGNING:
	case KEYS_WITHDRAWN:
		return (struct keys_does){.signs_data = data};
	case KEYS_PUBLISHED:
	case KEYS_READY:
		return does_coming(key);
	case KEYS_ACTIVE:
		return (struct keys_does){.published = true,
					  .signs_keys = keys,
					  .signs_data = data,
					  .ds = keys && !replaced_at_parent(state, key)};
	case KEYS_RETIRED:
		return does_retired(key);
	case KEYS_REVOKED: /* RFC 5011 section 2.1: it signs its own revocation */
		return (struct keys_does){.published = true, .revoked = true, .signs_keys = keys};
	default:
		return (struct keys_does){0};
	}
}

bool keys_ds_leaves(const struct keys_state *state, const struct keys_key *key)
{
	bool other = key->phase != KEYS_ACTIVE; /* what comes after ACTIVE has a successor, whose DS was seen */
	if (key->ds_seen == 0 || key->ds_gone != 0 || key->phase < KEYS_ACTIVE || keys_key_does(state, key).ds)
		return false;
	for (size_t i = 0; i < state->n; i++)
		other |= state->key[i].phase == KEYS_READY && keys_for_keys(&state->key[i]) &&
			 state->key[i].ds_seen != 0 && &state->key[i] != key;
	return other;
}
