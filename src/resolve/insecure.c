// SPDX-License-Identifier: GPL-3.0-or-later
/* Why an answer with signatures counts as unsigned: what clients are told of it (RFC 8914 sections 4.2 and 4.3, RFC 9276 section 3.2). */
#include "trust.h"

#define NSEC3_ITERATIONS_AT 2 /* RFC 5155 section 3.2: behind hash algorithm and flags */

static bool is_told(enum reason reason)
{
	return reason == REASON_ALGORITHM_UNSUPPORTED || reason == REASON_DIGEST_UNSUPPORTED ||
	       reason == REASON_NSEC3_PARAMETERS;
}

static bool iterates_too_often(const struct resolve *engine, const struct rrset *set)
{
	if (set->type != WIRE_TYPE_NSEC3 || set->count == 0)
		return false;
	struct wire_rdata nsec3 = resolve_rrset_rdata(set, 0);
	return nsec3.len >= NSEC3_ITERATIONS_AT + 2 &&
	       wire_get16(nsec3.data + NSEC3_ITERATIONS_AT) > engine->settings.live.nsec3_iterations_max;
}

static enum reason set_reason(struct resolve *engine, const struct rrset *set)
{
	if (set->security != SECURITY_INSECURE || set->n_sigs == 0)
		return REASON_NONE;
	if (iterates_too_often(engine, set))
		return REASON_NSEC3_PARAMETERS;
	for (unsigned i = 0; i < set->n_proofs; i++)
		if (iterates_too_often(engine, set->proof[i]))
			return REASON_NSEC3_PARAMETERS;
	const uint8_t *signer = resolve_set_signer(set);
	const struct trust *trust = signer == NULL ? NULL : resolve_trust_known(engine, signer);
	return trust != NULL && trust->state == TRUST_INSECURE && is_told(trust->reason) ? trust->reason : REASON_NONE;
}

static enum reason first_reason(struct resolve *engine, struct rrset *const *set, unsigned n)
{
	enum reason reason = REASON_NONE;
	for (unsigned i = 0; i < n && reason == REASON_NONE; i++)
		reason = set_reason(engine, set[i]);
	return reason;
}

enum reason resolve_insecure_reason(struct resolve *engine, const struct outcome *outcome)
{
	enum reason reason = first_reason(engine, outcome->denial, outcome->n_denials);
	if (reason == REASON_NONE)
		reason = first_reason(engine, outcome->answer, outcome->n_answers);
	return reason;
}
