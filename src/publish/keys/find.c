// SPDX-License-Identifier: GPL-3.0-or-later
/* Keys of a state by what they are, and the words for them. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "private.h"

const char *keys_phase_text(enum keys_phase phase)
{
	static const char *const words[KEYS_PHASES] = {
		[KEYS_GENERATED] = "generated", [KEYS_SIGNING] = "signing",     [KEYS_PUBLISHED] = "published",
		[KEYS_READY] = "ready",         [KEYS_ACTIVE] = "active",       [KEYS_RETIRED] = "retired",
		[KEYS_REVOKED] = "revoked",     [KEYS_WITHDRAWN] = "withdrawn", [KEYS_REMOVED] = "removed",
	};
	return (unsigned)phase < KEYS_PHASES ? words[phase] : "?";
}

const char *keys_role_text(enum keys_role role)
{
	return role == KEYS_ZSK ? "zsk" : role == KEYS_KSK ? "ksk" : role == KEYS_CSK ? "csk" : "?";
}

const char *keys_way_text(enum keys_way way)
{
	static const char *const words[KEYS_WAYS] = {
		[KEYS_FIRST] = "first",
		[KEYS_PREPUBLISH] = "pre-publish",
		[KEYS_DOUBLE_KSK] = "double-ksk",
		[KEYS_DOUBLE_DS] = "double-ds",
		[KEYS_STANDBY] = "rfc5011",
		[KEYS_ALGORITHM] = "algorithm",
		[KEYS_LIBERAL] = "algorithm-liberal",
		[KEYS_PLANNED] = "planned",
	};
	return (unsigned)way < KEYS_WAYS ? words[way] : "?";
}

bool keys_for_data(const struct keys_key *key)
{
	return key->role != KEYS_KSK;
}

bool keys_for_keys(const struct keys_key *key)
{
	return key->role != KEYS_ZSK;
}

bool keys_way_algorithm(uint8_t way)
{
	return way == KEYS_ALGORITHM || way == KEYS_LIBERAL;
}

bool keys_coming(const struct keys_key *key)
{
	return key->phase == KEYS_SIGNING || key->phase == KEYS_PUBLISHED || key->phase == KEYS_READY;
}

bool keys_going(const struct keys_key *key)
{
	return key->phase == KEYS_RETIRED || key->phase == KEYS_REVOKED || key->phase == KEYS_WITHDRAWN;
}

bool keys_live(const struct keys_key *key)
{
	return key->phase != KEYS_GENERATED && key->phase != KEYS_REMOVED;
}

const struct keys_key *keys_see_active(const struct keys_state *state, uint8_t role)
{
	for (size_t i = 0; i < state->n; i++)
		if (state->key[i].role == role && state->key[i].phase == KEYS_ACTIVE)
			return &state->key[i];
	return NULL;
}

struct keys_key *keys_find_active(struct keys_state *state, uint8_t role)
{
	const struct keys_key *key = keys_see_active(state, role);
	return key != NULL ? &state->key[key - state->key] : NULL;
}

const struct keys_key *keys_see_coming(const struct keys_state *state, uint8_t role)
{
	for (size_t i = 0; i < state->n; i++)
		if (state->key[i].role == role && keys_coming(&state->key[i]))
			return &state->key[i];
	return NULL;
}

struct keys_key *keys_find_stock(struct keys_state *state, uint8_t role, uint8_t algorithm)
{
	for (size_t i = 0; i < state->n; i++) {
		struct keys_key *key = &state->key[i];
		if (key->role == role && key->phase == KEYS_GENERATED && key->algorithm == algorithm)
			return key;
	}
	return NULL;
}

/* A key that is still there before one that is gone: tags come again. */
struct keys_key *keys_find_tag(struct keys_state *state, uint16_t tag)
{
	struct keys_key *found = NULL;
	for (size_t i = 0; i < state->n; i++)
		if (state->key[i].tag == tag && (found == NULL || found->phase == KEYS_REMOVED))
			found = &state->key[i];
	return found;
}

uint8_t keys_algorithm_wanted(const struct keys_state *state, const struct keys_policy *policy)
{
	return state->asked_algorithm != 0 ? state->asked_algorithm : policy->algorithm;
}

bool keys_algorithm_moves(const struct keys_state *state)
{
	for (size_t i = 0; i < state->n; i++) {
		const struct keys_key *key = &state->key[i];
		if ((keys_coming(key) && keys_way_algorithm(key->way)) ||
		    (keys_going(key) && keys_way_algorithm(key->leave)))
			return true;
	}
	return false;
}

bool keys_algorithm_busy(const struct keys_state *state, const struct keys_policy *policy)
{
	for (size_t i = 0; i < state->n; i++)
		if (state->key[i].phase == KEYS_ACTIVE &&
		    state->key[i].algorithm != keys_algorithm_wanted(state, policy))
			return true;
	return keys_algorithm_moves(state);
}

bool keys_in_force_has(const struct keys_in_force *in_force, const struct keys_key *key)
{
	for (size_t i = 0; in_force != NULL && i < in_force->n; i++)
		if (in_force->key[i].tag == key->tag && in_force->key[i].algorithm == key->algorithm)
			return true;
	return false;
}

int keys_wrong(char why[KEYS_WHY_MAX], int error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why, KEYS_WHY_MAX, format, args);
	va_end(args);
	return error;
}
