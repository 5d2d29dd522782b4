// SPDX-License-Identifier: GPL-3.0-or-later
/* Proves that something is not there (RFC 4035 section 5.4, RFC 5155 section 8). */
#include "trust.h"

enum proof resolve_denial_by_keys(struct resolve *engine, struct task *task, const struct dnssec_keyset *keyset,
				  struct rrset *const *set, unsigned n)
{
	enum proof worst = PROOF_DONE;
	for (unsigned i = 0; i < n; i++) {
		if (set[i]->security == SECURITY_SECURE)
			continue;
		if (!wire_name_under(set[i]->owner, dnssec_keyset_zone(keyset)))
			continue;
		enum proof proof = resolve_set_by_keys(engine, task, keyset, set[i]);
		if (proof == PROOF_LIMIT)
			return proof;
		if (proof == PROOF_BOGUS)
			worst = proof;
	}
	return worst;
}

/* The zone that claims to deny. */
static const uint8_t *denial_signer(const struct task *task)
{
	const struct outcome *outcome = &task->outcome;
	for (unsigned i = 0; i < outcome->n_denials; i++) {
		const uint8_t *signer = resolve_set_signer(outcome->denial[i]);
		if (signer == NULL || !wire_name_under(task->sname, signer))
			continue;
		if (task->qtype == WIRE_TYPE_DS && wire_name_equal(task->sname, signer) && signer[0] != 0)
			continue; /* the child cannot deny what its parent says */
		return signer;
	}
	return NULL;
}

static void mark_all(struct task *task, enum security security)
{
	struct outcome *outcome = &task->outcome;
	int64_t expires_ms = INT64_MAX;
	for (unsigned i = 0; i < outcome->n_denials; i++)
		if (outcome->denial[i]->expires_ms < expires_ms)
			expires_ms = outcome->denial[i]->expires_ms;
	for (unsigned i = 0; i < outcome->n_denials; i++) {
		outcome->denial[i]->security = (uint8_t)security;
		outcome->denial[i]->expires_ms = expires_ms; /* what was said together ends together */
	}
	task->validation.changed = true;
}

static enum proof denied_unsigned(struct resolve *engine, struct task *task)
{
	const uint8_t *name = task->sname;
	if (task->qtype == WIRE_TYPE_DS && name[0] != 0)
		name = wire_name_skip(name, 1);
	enum proof proof = resolve_validate_unsigned(engine, task, name, NULL);
	if (proof == PROOF_DONE)
		mark_all(task, SECURITY_INSECURE);
	return proof;
}

/* Leaves out what could not be proved: it is given to nobody. */
static void keep_proved(struct outcome *outcome)
{
	unsigned kept = 0;
	for (unsigned i = 0; i < outcome->n_denials; i++)
		if (outcome->denial[i]->security == SECURITY_SECURE)
			outcome->denial[kept++] = outcome->denial[i];
	outcome->n_denials = kept;
}

static enum proof denied_by_keys(struct resolve *engine, struct task *task, const struct trust *trust)
{
	struct dnssec_policy policy = resolve_policy(engine);
	struct dnssec_budget *budget = &task->work->budget;
	struct outcome *outcome = &task->outcome;
	struct dnssec_denial denial;
	enum dnssec_denied denied;
	char name[WIRE_NAME_TEXT_MAX], type[16];
	enum proof proof = resolve_denial_by_keys(engine, task, trust->keyset, outcome->denial, outcome->n_denials);
	if (proof == PROOF_LIMIT ||
	    resolve_denial_wire(engine, outcome->denial, outcome->n_denials, trust->zone, &denial) < 0)
		return PROOF_LIMIT;
	int rc = outcome->rcode == WIRE_RCODE_NXDOMAIN
			 ? dnssec_deny_name(&policy, budget, &denial, task->sname, NULL, &denied)
			 : dnssec_deny_type(&policy, budget, &denial, task->sname, task->qtype, &denied);
	if (rc < 0)
		return PROOF_LIMIT;
	if (denied == DNSSEC_DENIED_NOT && proof == PROOF_BOGUS)
		return PROOF_BOGUS; /* a record that does not hold says more than one that is missing */
	if (denied == DNSSEC_DENIED_NOT)
		return resolve_bogus(task, REASON_NSEC_MISSING, "%s %s: no proof that it does not exist",
				     wire_name_text(task->sname, name), wire_type_text(task->qtype, type));
	keep_proved(outcome);
	mark_all(task, denied == DNSSEC_DENIED ? SECURITY_SECURE : SECURITY_INSECURE);
	if (denied != DNSSEC_DENIED)
		outcome->detail = denied == DNSSEC_DENIED_INSECURE ? "NSEC3 parameters that prove nothing" : NULL;
	return PROOF_DONE;
}

static bool all_known(const struct outcome *outcome)
{
	for (unsigned i = 0; i < outcome->n_denials; i++)
		if (outcome->denial[i]->security == SECURITY_UNCHECKED)
			return false;
	return outcome->n_denials > 0;
}

enum proof resolve_validate_denial(struct resolve *engine, struct task *task)
{
	const struct trust *trust;
	struct outcome *outcome = &task->outcome;
	if (all_known(outcome))
		return PROOF_DONE;
	if (outcome->n_denials > 0 && outcome->denial[0]->rank == RANK_ROOT) {
		mark_all(task, outcome->denial[0]->n_sigs > 0 ? SECURITY_SECURE : SECURITY_INSECURE);
		return PROOF_DONE;
	}
	int64_t until_ms;
	if (resolve_anchor_negative(engine, task->sname, task->qtype, &until_ms)) {
		if (outcome->n_denials > 0 && until_ms < outcome->denial[0]->expires_ms)
			outcome->denial[0]->expires_ms = until_ms;
		mark_all(task, SECURITY_INSECURE);
		return PROOF_DONE;
	}
	const uint8_t *signer = denial_signer(task);
	if (signer == NULL)
		return denied_unsigned(engine, task);
	enum proof proof = resolve_trust_zone(engine, task, signer, &trust);
	if (proof != PROOF_DONE)
		return proof;
	if (trust->state == TRUST_BOGUS)
		return resolve_bogus_trust(task, trust);
	if (trust->state == TRUST_SECURE)
		return denied_by_keys(engine, task, trust);
	return denied_unsigned(engine, task);
}
