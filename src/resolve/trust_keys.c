// SPDX-License-Identifier: GPL-3.0-or-later
/* Proves the DNSKEY set of a zone by the DS records of its parent or by trust anchors. */
#include "trust.h"

/* Where the DNSKEY set comes from. */
struct key_source {
	struct rrset *set; /* NULL = must be asked for */
	bool own;          /* it is what this very task has asked for */
	bool asked;        /* it, or that there is none, came of a sub-lookup */
	enum reason reason;
	const char *detail;
};

static bool own_lookup(const struct task *task, const uint8_t *zone)
{
	return task->qtype == WIRE_TYPE_DNSKEY && wire_name_equal(task->qname, zone);
}

static struct rrset *own_set(const struct task *task, const uint8_t *zone)
{
	for (unsigned i = 0; i < task->outcome.n_answers; i++) {
		struct rrset *set = task->outcome.answer[i];
		if (set->type == WIRE_TYPE_DNSKEY && wire_name_equal(set->owner, zone))
			return set;
	}
	return NULL;
}

static void key_source(struct resolve *engine, struct task *task, const uint8_t *zone, struct key_source *source)
{
	const struct validation *v = &task->validation;
	*source = (struct key_source){.own = own_lookup(task, zone)};
	if (source->own) {
		source->set = own_set(task, zone);
		return;
	}
	if (v->asked_type == WIRE_TYPE_DNSKEY && wire_name_equal(v->asked, zone)) {
		source->asked = true;
		source->reason = v->asked_reason;
		source->detail = v->asked_detail;
		source->set = v->asked_reason == REASON_NONE ? v->asked_set : NULL;
		return;
	}
	source->set = resolve_cache_set(engine->cache, &engine->step, engine->cache_ms, zone, WIRE_TYPE_DNSKEY);
}

static enum derived failed(struct resolve *engine, const uint8_t *zone, enum reason reason, const char *detail)
{
	resolve_trust_put(engine, zone, TRUST_BOGUS, reason, detail, 0, NULL);
	return DERIVED_DONE;
}

static int prove(struct resolve *engine, struct task *task, const struct rrset *set, const struct rrset *ds,
		 struct dnssec_verdict *verdict, struct dnssec_keyset **keyset)
{
	struct dnssec_policy policy = resolve_policy(engine);
	struct wire_rrset keys[2], parent[2];
	uint32_t before = task->work->budget.signatures;
	int n = resolve_rrset_wire(&engine->step, set, engine->cache_ms, true, keys);
	if (n < 1 || (ds != NULL && resolve_rrset_wire(&engine->step, ds, engine->cache_ms, false, parent) != 1))
		return BANYAN_ENOMEM;
	int rc = dnssec_keyset_prove(&policy, &task->work->budget, keys, n > 1 ? keys[1].rdata : NULL,
				     n > 1 ? keys[1].count : 0, ds == NULL ? NULL : parent,
				     ds == NULL ? engine->anchors : NULL, verdict, keyset);
	counter_add(engine->counters, COUNTER_SIGNATURES_CHECKED, before - task->work->budget.signatures);
	return rc;
}

static void trace_keys(struct resolve *engine, struct task *task, const uint8_t *zone, const struct rrset *ds,
		       const struct dnssec_verdict *verdict)
{
	const char *by = ds == NULL ? "a trust anchor" : "its DS";
	if (!task->work->tracing)
		return;
	struct resolve_trace_step step = {
		.kind = RESOLVE_STEP_PROOF, .zone = zone, .qname = zone, .qtype = WIRE_TYPE_DNSKEY};
	if (verdict->state == DNSSEC_SECURE) {
		step.what = arena_printf(&engine->step, "proved by %s and key %u (%s)", by, verdict->key_tag,
					 dnssec_algorithm_text(verdict->algorithm));
	} else {
		step.reason = verdict->reason;
		step.what = arena_printf(&engine->step, "not proved by %s", by);
	}
	resolve_trace_add(engine, task, &step);
}

/* The set does not hold. Data of the cache may be old or forged, then the servers are asked. */
static enum derived not_proved(struct resolve *engine, struct task *task, const uint8_t *zone,
			       const struct key_source *source, const struct dnssec_verdict *verdict)
{
	resolve_bogus_clear(task);
	resolve_bogus_set(engine, task, source->set, verdict);
	if (source->own)
		return DERIVED_BOGUS; /* others may have better ones: bogus.c */
	if (source->asked)
		return failed(engine, zone, verdict->reason, task->validation.detail);
	resolve_cache_drop(engine->cache, zone, WIRE_TYPE_DNSKEY);
	resolve_bogus_clear(task);
	return resolve_trust_ask(engine, task, zone, WIRE_TYPE_DNSKEY);
}

static enum derived no_keys(struct resolve *engine, struct task *task, const uint8_t *zone,
			    const struct key_source *source)
{
	char name[WIRE_NAME_TEXT_MAX];
	if (source->own) {
		resolve_bogus(task, REASON_DNSKEY_MISSING, "%s has a DS but no DNSKEY", wire_name_text(zone, name));
		return DERIVED_BOGUS;
	}
	if (source->asked && source->reason == REASON_WORK_LIMIT)
		return DERIVED_LIMIT;
	if (source->asked)
		return failed(engine, zone, source->reason == REASON_NONE ? REASON_DNSKEY_MISSING : source->reason,
			      source->detail);
	return resolve_trust_ask(engine, task, zone, WIRE_TYPE_DNSKEY);
}

enum derived resolve_trust_by_keys(struct resolve *engine, struct task *task, const uint8_t *zone,
				   const struct rrset *ds)
{
	struct key_source source;
	struct dnssec_verdict verdict;
	struct dnssec_keyset *keyset = NULL;
	key_source(engine, task, zone, &source);
	if (source.set == NULL)
		return no_keys(engine, task, zone, &source);
	if (prove(engine, task, source.set, ds, &verdict, &keyset) < 0)
		return DERIVED_LIMIT;
	trace_keys(engine, task, zone, ds, &verdict);
	switch (verdict.state) {
	case DNSSEC_BOGUS:
		return not_proved(engine, task, zone, &source, &verdict);
	case DNSSEC_INSECURE:
		resolve_trust_put(engine, zone, TRUST_INSECURE, verdict.reason, NULL,
				  ds == NULL ? source.set->expires_ms : ds->expires_ms, NULL);
		return DERIVED_DONE;
	case DNSSEC_SECURE:
		break;
	}
	resolve_set_proved(engine, source.set, &verdict);
	int64_t expires_ms = source.set->expires_ms;
	if (ds != NULL && ds->expires_ms < expires_ms)
		expires_ms = ds->expires_ms;
	if (source.own)
		task->validation.changed = true;
	else
		resolve_evictions_count(engine, resolve_cache_put_set(engine->cache, engine->cache_ms, source.set));
	resolve_trust_put(engine, zone, TRUST_SECURE, REASON_NONE, NULL, expires_ms, keyset);
	return DERIVED_DONE;
}
