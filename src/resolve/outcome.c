// SPDX-License-Identifier: GPL-3.0-or-later
/* From what a lookup came to, to what a client gets. */
#include "engine.h"

#include <string.h>

int resolve_outcome_answer(struct arena *arena, struct outcome *outcome, const struct rrset *set)
{
	if (outcome->n_answers == OUTCOME_SETS_MAX)
		return BANYAN_ELIMIT;
	struct rrset *copy = resolve_rrset_copy(arena, set);
	if (copy == NULL)
		return BANYAN_ENOMEM;
	outcome->answer[outcome->n_answers++] = copy;
	return 0;
}

int resolve_outcome_denial(struct arena *arena, struct outcome *outcome, struct rrset *const *set, unsigned n)
{
	outcome->n_denials = 0;
	for (unsigned i = 0; i < n && i < CACHE_DENIAL_SETS_MAX; i++) {
		struct rrset *copy = resolve_rrset_copy(arena, set[i]);
		if (copy == NULL)
			return BANYAN_ENOMEM;
		outcome->denial[outcome->n_denials++] = copy;
	}
	return 0;
}

static int sets_wire(struct resolve *engine, struct rrset *const *set, unsigned n, bool sigs, bool proofs,
		     const struct wire_rrset **ret, size_t *ret_n)
{
	struct wire_rrset *out = arena_alloc(&engine->step, 2 * (n + 1) * sizeof *out);
	if (out == NULL)
		return BANYAN_ENOMEM;
	size_t made = 0;
	for (unsigned i = 0; i < n; i++) {
		bool proof = set[i]->type == WIRE_TYPE_NSEC || set[i]->type == WIRE_TYPE_NSEC3;
		if (proof && !proofs)
			continue;
		int rc = resolve_rrset_wire(&engine->step, set[i], engine->cache_ms, sigs, out + made);
		if (rc < 0)
			return rc;
		made += (size_t)rc;
	}
	*ret = out;
	*ret_n = made;
	return 0;
}

static bool has_set(struct rrset *const *set, unsigned n, const struct rrset *sought)
{
	for (unsigned i = 0; i < n; i++)
		if (set[i]->type == sought->type && wire_name_equal(set[i]->owner, sought->owner))
			return true;
	return false;
}

/* The authority section: the denial, and what proves answers that were made of wildcards, each set once. */
static int authority_sets(struct resolve *engine, const struct outcome *outcome, bool sigs, struct rrset *const **ret,
			  unsigned *ret_n)
{
	unsigned n = outcome->n_denials, most = n;
	for (unsigned i = 0; i < outcome->n_answers; i++)
		most += outcome->answer[i]->n_proofs;
	*ret = outcome->denial;
	*ret_n = n;
	if (!sigs || most == n)
		return 0;
	struct rrset **set = arena_alloc(&engine->step, most * sizeof *set);
	if (set == NULL)
		return BANYAN_ENOMEM;
	memcpy(set, outcome->denial, n * sizeof *set);
	for (unsigned i = 0; i < outcome->n_answers; i++)
		for (unsigned j = 0; j < outcome->answer[i]->n_proofs; j++)
			if (!has_set(set, n, outcome->answer[i]->proof[j]))
				set[n++] = outcome->answer[i]->proof[j];
	*ret = set;
	*ret_n = n;
	return 0;
}

struct resolve_result *resolve_outcome_result(struct resolve *engine, const struct outcome *outcome, bool sigs)
{
	struct resolve_result *result = arena_alloc0(&engine->step, sizeof *result);
	if (result == NULL)
		return NULL;
	result->rcode = outcome->rcode;
	result->reason = outcome->reason;
	result->from_cache = outcome->from_cache;
	result->subnet_scope = outcome->scope;
	result->detail =
		outcome->detail == NULL ? NULL : arena_dup(&engine->step, outcome->detail, strlen(outcome->detail) + 1);
	result->authentic = resolve_validate_secure(outcome);
	if (!result->authentic && result->reason == REASON_NONE)
		result->reason = resolve_insecure_reason(engine, outcome);
	struct rrset *const *authority, *const *additional = NULL;
	unsigned n_authority, n_additional;
	if (authority_sets(engine, outcome, sigs, &authority, &n_authority) < 0 ||
	    sets_wire(engine, outcome->answer, outcome->n_answers, sigs, true, &result->answer, &result->n_answer) <
		    0 ||
	    sets_wire(engine, authority, n_authority, sigs, sigs, &result->authority, &result->n_authority) < 0 ||
	    resolve_additional(engine, outcome, &additional, &n_additional) < 0 ||
	    sets_wire(engine, additional, n_additional, sigs, false, &result->additional, &result->n_additional) < 0)
		return NULL;
	return result;
}
