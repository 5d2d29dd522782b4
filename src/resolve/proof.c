// SPDX-License-Identifier: GPL-3.0-or-later
/* NSEC and NSEC3 records beside answers and referrals: kept with what they prove. */
#include "reply.h"

#define PROOF_SETS_MAX 8 /* a wildcard needs one set, a referral three: with room for what else a server adds */

static unsigned labels_counted(const uint8_t *owner)
{
	return wire_name_labels(owner) - (owner[0] == 1 && owner[1] == '*');
}

/* Do the signatures say that the set was made of a wildcard (RFC 4035 section 5.3.4)? */
bool resolve_rrset_expanded(const struct rrset *set)
{
	unsigned labels = labels_counted(set->owner);
	for (unsigned i = 0; i < set->n_sigs; i++) {
		struct wire_rdata sig = resolve_rrset_rdata(set, set->count + i);
		if (sig.len > 3 && sig.data[3] < labels)
			return true;
	}
	return false;
}

bool resolve_rrset_opt_out(const struct rrset *set)
{
	struct wire_rdata rdata = resolve_rrset_rdata(set, 0);
	return set->type == WIRE_TYPE_NSEC3 && rdata.len > 1 && (rdata.data[1] & 1) != 0;
}

static int take_proofs(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
		       struct rrset **out, unsigned *ret_n)
{
	unsigned n = 0;
	for (unsigned i = 0; i < reply->n_sets && n < PROOF_SETS_MAX; i++) {
		const struct reply_set *set = &reply->set[i];
		if (set->section != WIRE_AUTHORITY || (set->type != WIRE_TYPE_NSEC && set->type != WIRE_TYPE_NSEC3) ||
		    set->count == 0 || set->n_sigs == 0 || !resolve_scrub_set(set, ask->zone))
			continue;
		out[n] = resolve_reply_take(take, set);
		if (out[n++] == NULL)
			return BANYAN_ENOMEM;
	}
	*ret_n = n;
	return 0;
}

int resolve_proof_of_answers(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
			     struct reading *reading)
{
	struct rrset **proof = NULL;
	unsigned n = 0;
	for (unsigned i = 0; i < reading->n_answers; i++) {
		struct rrset *set = reading->answer[i];
		if (set->n_sigs == 0 || ask->root || !resolve_rrset_expanded(set))
			continue;
		if (proof == NULL) {
			proof = arena_alloc(take->arena, PROOF_SETS_MAX * sizeof(struct rrset *));
			if (proof == NULL || take_proofs(reply, ask, take, proof, &n) < 0)
				return BANYAN_ENOMEM;
		}
		set->proof = proof;
		set->n_proofs = (uint8_t)n;
	}
	return 0;
}

int resolve_proof_of_referral(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
			      struct reading *reading)
{
	struct reply_take as_referral = *take;
	as_referral.rank = RANK_REFERRAL;
	return take_proofs(reply, ask, &as_referral, reading->denial, &reading->n_denials);
}
