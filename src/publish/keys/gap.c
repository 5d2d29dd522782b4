// SPDX-License-Identifier: GPL-3.0-or-later
/* An offline KSK and time: what a gap between two responses means, and what the keys are now whose state is ahead of time. */
#include <stdio.h>
#include <stdlib.h>

#include "request.h"

char *keys_gap_text(const struct keys_gap *gap, char out[KEYS_WHY_MAX])
{
	char ended[32], expires[32], from[32];
	clock_format(gap->ended, ended);
	clock_format(gap->expires, expires);
	clock_format(gap->from, from);
	if (gap->from >= gap->expires)
		snprintf(out, KEYS_WHY_MAX,
			 "the last response was for the time until %s, its signatures end at %s, and the next one "
			 "begins at %s: between the last two no validator can prove the zone (SERVFAIL), and no cache "
			 "keeps a key set beyond the first of them",
			 ended, expires, from);
	else
		snprintf(out, KEYS_WHY_MAX,
			 "the last response was for the time until %s, and the next one begins at %s: its last bundle "
			 "serves until then, for its signatures hold until %s, and no validator sees the gap",
			 ended, from, expires);
	return out;
}

bool keys_ksr_gap(struct keys_folder *folder, int64_t from, struct keys_gap *ret)
{
	char why[KEYS_WHY_MAX];
	if (folder->state.bundles_until == 0 || from <= folder->state.bundles_until ||
	    keys_responses_load(folder, why) != 0)
		return false;
	*ret = (struct keys_gap){
		.ended = folder->state.bundles_until, .expires = keys_bundles_expire(folder), .from = from};
	return true;
}

/* ---- the keys of the offline side ---- */

static bool was_in(const struct keys_key *key, int phase, int64_t t)
{
	return key->at[phase] != 0 && key->at[phase] <= t;
}

/* The time at which the first key came into the zone: before that there is nothing to tell. */
static int64_t first_time(const struct keys_state *state)
{
	int64_t first = KEYS_NEVER;
	for (size_t i = 0; i < state->n; i++)
		for (int p = KEYS_SIGNING; p < KEYS_PHASES; p++)
			if (state->key[i].at[p] != 0 && state->key[i].at[p] < first)
				first = state->key[i].at[p];
	return first;
}

void keys_state_at(const struct keys_state *state, int64_t now, struct keys_state *ret)
{
	int64_t first = first_time(state), t = first != KEYS_NEVER && now < first ? first : now;
	*ret = *state;
	for (size_t i = 0; i < ret->n; i++) {
		struct keys_key *key = &ret->key[i];
		int phase = key->phase;
		while (phase > KEYS_GENERATED && !was_in(key, phase, t))
			phase--;
		if (phase == key->phase)
			continue;
		key->phase = (uint8_t)phase;
		key->since = phase == KEYS_GENERATED ? 0 : key->at[phase];
	}
}
