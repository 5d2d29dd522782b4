// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Whether an outcome may be called authentic (AD).
 *
 * The root image was proved before it came here, so what is signed in it is authentic. Signatures below the root
 * travel with their RRsets (rrset.h) through cache and walk; until they are checked here, nothing below the
 * root is called authentic.
 */
#include "engine.h"

static bool proved(const struct rrset *set)
{
	return set->rank == RANK_ROOT && set->n_sigs > 0;
}

bool resolve_validate_outcome(const struct outcome *outcome)
{
	bool denial_proved = false;
	if (outcome->reason != REASON_NONE || outcome->n_answers + outcome->n_denials == 0)
		return false;
	for (unsigned i = 0; i < outcome->n_answers; i++)
		if (!outcome->answer[i]->synthesised && !proved(outcome->answer[i]))
			return false;
	for (unsigned i = 0; i < outcome->n_denials; i++) {
		if (!proved(outcome->denial[i]))
			return false;
		denial_proved = denial_proved || outcome->denial[i]->type != WIRE_TYPE_SOA;
	}
	return outcome->n_denials == 0 || denial_proved;
}
