// SPDX-License-Identifier: GPL-3.0-or-later
/* Proves one RRset: by the keys of the zone that signed it, or by proof that it need not be signed (RFC 4035 section 5). */
#include "trust.h"

#include <string.h>

const uint8_t *resolve_set_signer(const struct rrset *set)
{
	unsigned labels = wire_name_labels(set->owner);
	for (unsigned i = 0; i < set->n_sigs; i++) {
		struct wire_rdata sig = resolve_rrset_rdata(set, set->count + i);
		const uint8_t *signer;
		if (dnssec_rrsig_signer(&sig, &signer) < 0 || !wire_name_under(set->owner, signer))
			continue;
		unsigned signer_labels = wire_name_labels(signer);
		if (set->type == WIRE_TYPE_DS && labels > 0 && signer_labels == labels)
			continue; /* the parent's to sign (RFC 4035 section 2.4) */
		if (set->type == WIRE_TYPE_DNSKEY && signer_labels != labels)
			continue;
		return signer;
	}
	return NULL;
}

static void trace_proof(struct resolve *engine, struct task *task, const struct rrset *set,
			const struct dnssec_keyset *keyset, const struct dnssec_verdict *verdict)
{
	char name[WIRE_NAME_TEXT_MAX];
	if (!task->work->tracing)
		return;
	const uint8_t *zone = dnssec_keyset_zone(keyset);
	struct resolve_trace_step step = {.kind = RESOLVE_STEP_PROOF,
					  .zone = zone,
					  .qname = set->owner,
					  .qtype = set->type,
					  .reason = verdict->state == DNSSEC_SECURE ? REASON_NONE : verdict->reason};
	step.what = arena_printf(&engine->step, "%s by key %u (%s) of %s",
				 verdict->state == DNSSEC_SECURE ? "proved" : "not proved", verdict->key_tag,
				 dnssec_algorithm_text(verdict->algorithm), wire_name_text(zone, name));
	resolve_trace_add(engine, task, &step);
}

void resolve_set_proved(const struct resolve *engine, struct rrset *set, const struct dnssec_verdict *verdict)
{
	int64_t by_ttl_ms = engine->cache_ms + (int64_t)verdict->ttl_max * 1000;
	int64_t by_date_ms = verdict->expires * 1000 + engine->cache_ms - engine->wall_ms;
	if (by_ttl_ms < set->expires_ms)
		set->expires_ms = by_ttl_ms;
	if (by_date_ms < set->expires_ms)
		set->expires_ms = by_date_ms;
	set->security = SECURITY_SECURE;
	set->origin.algorithm = verdict->algorithm;
	set->origin.key_tag = verdict->key_tag;
}

enum proof resolve_set_by_keys(struct resolve *engine, struct task *task, const struct dnssec_keyset *keyset,
			       struct rrset *set)
{
	struct dnssec_policy policy = resolve_policy(engine);
	struct dnssec_verdict verdict;
	struct wire_rrset wire[2];
	uint32_t before = task->work->budget.signatures;
	if (set->count == 0 || set->n_sigs == 0)
		return resolve_bogus(task, REASON_RRSIG_MISSING, NULL);
	if (resolve_rrset_wire(&engine->step, set, engine->cache_ms, true, wire) != 2)
		return PROOF_LIMIT;
	int rc = dnssec_set_prove(&policy, &task->work->budget, keyset, &wire[0], wire[1].rdata, wire[1].count,
				  &verdict);
	counter_add(engine->counters, COUNTER_SIGNATURES_CHECKED, before - task->work->budget.signatures);
	if (rc < 0)
		return PROOF_LIMIT;
	trace_proof(engine, task, set, keyset, &verdict);
	if (verdict.state == DNSSEC_BOGUS)
		return resolve_bogus_set(engine, task, set, &verdict);
	if (verdict.state == DNSSEC_SECURE)
		resolve_set_proved(engine, set, &verdict);
	else
		set->security = SECURITY_INSECURE;
	task->validation.changed = true;
	return PROOF_DONE;
}

int resolve_denial_wire(struct resolve *engine, struct rrset *const *set, unsigned n, const uint8_t *zone,
			struct dnssec_denial *ret)
{
	struct wire_rrset *wire = arena_alloc(&engine->step, (n + 1) * sizeof *wire);
	unsigned made = 0;
	for (unsigned i = 0; wire != NULL && i < n; i++) {
		if (set[i]->security != SECURITY_SECURE ||
		    (set[i]->type != WIRE_TYPE_NSEC && set[i]->type != WIRE_TYPE_NSEC3))
			continue;
		if (resolve_rrset_expanded(set[i]))
			continue; /* made of a wildcard: speaks of another name than its own (CVE-2017-15105) */
		if (resolve_rrset_wire(&engine->step, set[i], engine->cache_ms, false, &wire[made]) != 1)
			return BANYAN_ENOMEM;
		made++;
	}
	*ret = (struct dnssec_denial){.zone = zone, .n = made, .set = wire};
	return wire == NULL ? BANYAN_ENOMEM : 0;
}

/* The labels field of the set's first signature. */
static uint8_t signed_labels(const struct rrset *set)
{
	struct wire_rdata sig = resolve_rrset_rdata(set, set->count);
	return sig.len > 3 ? sig.data[3] : 0;
}

/* A set made of a wildcard needs proof that nothing closer to the name exists (RFC 4035 section 5.3.4, RFC 5155 section 8.8). */
static enum proof prove_closer(struct resolve *engine, struct task *task, const struct trust *trust, struct rrset *set)
{
	struct dnssec_policy policy = resolve_policy(engine);
	struct dnssec_denial denial;
	enum dnssec_denied denied;
	char name[WIRE_NAME_TEXT_MAX];
	set->security = SECURITY_UNCHECKED;
	enum proof proof = resolve_denial_by_keys(engine, task, trust->keyset, set->proof, set->n_proofs);
	if (proof == PROOF_LIMIT)
		return proof;
	if (resolve_denial_wire(engine, set->proof, set->n_proofs, trust->zone, &denial) < 0 ||
	    dnssec_deny_closer(&policy, &task->work->budget, &denial, set->owner, signed_labels(set), &denied) < 0)
		return PROOF_LIMIT;
	if (denied == DNSSEC_DENIED_NOT)
		return resolve_bogus(task, REASON_NSEC_MISSING, "%s was made of a wildcard without proof that it may",
				     wire_name_text(set->owner, name));
	set->security = denied == DNSSEC_DENIED ? SECURITY_SECURE : SECURITY_INSECURE;
	return PROOF_DONE;
}

enum proof resolve_validate_unsigned(struct resolve *engine, struct task *task, const uint8_t *name,
				     const struct rrset *set)
{
	const struct trust *trust;
	char text[WIRE_NAME_TEXT_MAX], type[16];
	enum proof proof = resolve_trust_name(engine, task, name, &trust);
	if (proof != PROOF_DONE)
		return proof;
	if (trust->state == TRUST_INSECURE)
		return PROOF_DONE;
	if (trust->state == TRUST_BOGUS)
		return resolve_bogus_trust(task, trust);
	if (set == NULL)
		return resolve_bogus(task, REASON_RRSIG_MISSING,
				     "%s: an answer without data in a signed zone, unsigned",
				     wire_name_text(name, text));
	return resolve_bogus(task, set->n_sigs == 0 ? REASON_RRSIG_MISSING : REASON_RRSIG_NO_KEY, "%s %s: %s",
			     wire_name_text(set->owner, text), wire_type_text(set->type, type),
			     set->n_sigs == 0 ? "no signature in a signed zone"
					      : "signed by what is no zone of the chain");
}

static enum proof validate_unsigned_set(struct resolve *engine, struct task *task, struct rrset *set)
{
	const uint8_t *name = set->owner;
	/* DS is the parent's to say, and so is an alias in its place: asking for the DS of the alias again would lead in a circle */
	bool parent =
		set->type == WIRE_TYPE_DS || (task->qtype == WIRE_TYPE_DS && wire_name_equal(set->owner, task->qname));
	if (parent && name[0] != 0)
		name = wire_name_skip(name, 1);
	enum proof proof = resolve_validate_unsigned(engine, task, name, set);
	if (proof == PROOF_DONE) {
		set->security = SECURITY_INSECURE;
		task->validation.changed = true;
	}
	return proof;
}

enum proof resolve_validate_set(struct resolve *engine, struct task *task, struct rrset *set)
{
	const struct trust *trust;
	if (set->rank == RANK_ROOT) { /* proved with its zone, if that is signed */
		set->security = set->n_sigs > 0 ? SECURITY_SECURE : SECURITY_INSECURE;
		return PROOF_DONE;
	}
	if (set->count == 0) { /* signatures alone, as RRSIG questions get them: nothing signs those */
		set->security = SECURITY_INSECURE;
		return PROOF_DONE;
	}
	int64_t until_ms;
	if (resolve_anchor_negative(engine, set->owner, set->type, &until_ms)) {
		set->security = SECURITY_INSECURE;
		if (until_ms < set->expires_ms)
			set->expires_ms = until_ms;
		task->validation.changed = true;
		return PROOF_DONE;
	}
	const uint8_t *signer = resolve_set_signer(set);
	if (signer == NULL)
		return validate_unsigned_set(engine, task, set);
	enum proof proof = resolve_trust_zone(engine, task, signer, &trust);
	if (proof != PROOF_DONE)
		return proof;
	switch (trust->state) {
	case TRUST_BOGUS:
		return resolve_bogus_trust(task, trust);
	case TRUST_SECURE:
		break;
	default: /* who signs need not be who must sign */
		return validate_unsigned_set(engine, task, set);
	}
	if (set->security == SECURITY_SECURE)
		return PROOF_DONE; /* the keys themselves */
	proof = resolve_set_by_keys(engine, task, trust->keyset, set);
	if (proof == PROOF_DONE && set->security == SECURITY_SECURE && resolve_rrset_expanded(set))
		return prove_closer(engine, task, trust, set);
	return proof;
}
