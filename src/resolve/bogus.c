// SPDX-License-Identifier: GPL-3.0-or-later
/* What could not be proved: why, in words; other servers are asked; then the client is told (RFC 4035 section 5.5). */
#include "trust.h"

#include <stdio.h>
#include <string.h>

enum proof resolve_bogus(struct task *task, enum reason reason, const char *format, ...)
{
	struct validation *v = &task->validation;
	char text[2 * WIRE_NAME_TEXT_MAX];
	va_list args;
	if (v->reason != REASON_NONE)
		return PROOF_BOGUS;
	v->reason = reason;
	if (format == NULL)
		return PROOF_BOGUS;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	v->detail = arena_printf(&task->arena, "%.*s", TRUST_DETAIL_MAX - 1, text);
	return PROOF_BOGUS;
}

void resolve_bogus_clear(struct task *task)
{
	task->validation.reason = REASON_NONE;
	task->validation.detail = NULL;
}

enum proof resolve_bogus_trust(struct task *task, const struct trust *trust)
{
	task->validation.above = true;
	if (trust->detail != NULL)
		return resolve_bogus(task, trust->reason, "%s", trust->detail);
	return resolve_bogus(task, trust->reason, NULL);
}

/* RFC 4034 section 3.1.5: the date that is nearest to now. */
static int64_t stamp_date(uint32_t stamp, int64_t now)
{
	return now + (int32_t)(stamp - (uint32_t)now);
}

/* The RRSIG that the verdict speaks of: by key tag and algorithm. */
static bool find_sig(const struct rrset *set, const struct dnssec_verdict *verdict, struct wire_rdata *ret)
{
	for (unsigned i = 0; i < set->n_sigs; i++) {
		struct wire_rdata sig = resolve_rrset_rdata(set, set->count + i);
		if (sig.len >= 18 && sig.data[2] == verdict->algorithm &&
		    wire_get16(sig.data + 16) == verdict->key_tag) {
			*ret = sig;
			return true;
		}
	}
	return false;
}

enum proof resolve_bogus_set(const struct resolve *engine, struct task *task, const struct rrset *set,
			     const struct dnssec_verdict *verdict)
{
	char name[WIRE_NAME_TEXT_MAX], type[16], date[32], span[32];
	struct wire_rdata sig;
	wire_name_text(set->owner, name);
	wire_type_text(set->type, type);
	int64_t now = engine->wall_ms / 1000;
	bool has_sig = find_sig(set, verdict, &sig);
	if (verdict->reason == REASON_RRSIG_EXPIRED && has_sig) {
		int64_t end = stamp_date(wire_get32(sig.data + 8), now);
		return resolve_bogus(task, verdict->reason, "%s %s: the signature of key %u expired on %s, %s ago%s",
				     name, type, verdict->key_tag, clock_format(end, date), clock_span(now - end, span),
				     resolve_clock_words(engine, &task->arena));
	}
	if (verdict->reason == REASON_RRSIG_NOT_YET && has_sig) {
		int64_t begin = stamp_date(wire_get32(sig.data + 12), now);
		return resolve_bogus(task, verdict->reason,
				     "%s %s: the signature of key %u is valid from %s on, in %s%s", name, type,
				     verdict->key_tag, clock_format(begin, date), clock_span(begin - now, span),
				     resolve_clock_words(engine, &task->arena));
	}
	if (has_sig)
		return resolve_bogus(task, verdict->reason, "%s %s: %s (key %u, %s)", name, type,
				     reason_words(verdict->reason), verdict->key_tag,
				     dnssec_algorithm_text(verdict->algorithm));
	return resolve_bogus(task, verdict->reason, "%s %s: %s", name, type, reason_words(verdict->reason));
}

/* ---- other servers ---- */

static void avoid(struct task *task, const struct rrset *set)
{
	struct validation *v = &task->validation;
	const struct addr *server = &set->origin.server;
	if (server->family == 0 || v->n_bad == VALIDATE_RETRIES_MAX)
		return;
	for (unsigned i = 0; i < v->n_bad; i++)
		if (addr_equal(&v->bad[i], server))
			return;
	v->bad[v->n_bad++] = *server;
}

/* Forgets what is not proved; what is, is kept in the cache for the next try. */
static void forget(struct resolve *engine, struct task *task)
{
	struct outcome *outcome = &task->outcome;
	bool blamed = false;
	for (unsigned i = 0; i < outcome->n_answers; i++) {
		const struct rrset *set = outcome->answer[i];
		if (set->synthesised || set->rank == RANK_ROOT)
			continue;
		if (set->security == SECURITY_UNCHECKED) {
			resolve_cache_drop(engine->cache, set->owner, set->type);
			if (!blamed) /* they are proved in order: this is the one that failed */
				avoid(task, set);
			blamed = true;
		} else if (!resolve_subnet_owns(engine, task, set->owner)) {
			resolve_evictions_count(engine, resolve_cache_put_set(engine->cache, engine->cache_ms, set));
		}
	}
	for (unsigned i = 0; i < outcome->n_denials && !blamed; i++) {
		resolve_cache_drop(engine->cache, task->sname, task->qtype);
		avoid(task, outcome->denial[i]);
		blamed = true;
	}
}

/* All servers of the cut have said what cannot be proved: one more chance for them, a reply may have been forged on the way. */
static bool all_bad(const struct task *task)
{
	const struct cut *cut = task->cut;
	const struct validation *v = &task->validation;
	for (unsigned i = 0; i < cut->n_targets; i++) {
		bool bad = false;
		for (unsigned j = 0; j < v->n_bad; j++)
			bad = bad || addr_equal(&v->bad[j], &cut->target[i].addr);
		if (!bad && !cut->target[i].failed && !cut->target[i].lame)
			return false;
	}
	return true;
}

void resolve_bogus_avoid(struct task *task)
{
	struct validation *v = &task->validation;
	struct cut *cut = task->cut;
	if (v->n_bad == 0 || (v->retries == 1 && all_bad(task)))
		return;
	for (unsigned i = 0; i < cut->n_targets; i++)
		for (unsigned j = 0; j < v->n_bad; j++)
			if (addr_equal(&v->bad[j], &cut->target[i].addr))
				cut->target[i].failed = true;
}

static void trace_bogus(struct resolve *engine, struct task *task)
{
	if (!task->work->tracing)
		return;
	struct resolve_trace_step step = {.kind = RESOLVE_STEP_PROOF,
					  .qname = task->qname,
					  .qtype = task->qtype,
					  .reason = task->validation.reason,
					  .what = task->validation.detail};
	resolve_trace_add(engine, task, &step);
}

void resolve_bogus_end(struct resolve *engine, struct task *task)
{
	struct validation *v = &task->validation;
	enum reason reason = v->reason == REASON_NONE ? REASON_RRSIG_BOGUS : v->reason;
	trace_bogus(engine, task);
	forget(engine, task);
	v->last_reason = reason;
	v->last_detail = v->detail;
	/* what a zone above or a loop spoils, other servers of this one cannot mend */
	bool mends = !v->above && (v->n_bad > 0 || !task->went_out);
	if (v->retries == VALIDATE_RETRIES_MAX || reason == REASON_DELEGATION_LOOP || !mends) {
		counter_add(engine->counters, COUNTER_VALIDATED_BOGUS, 1);
		resolve_task_fail(engine, task, reason);
		return;
	}
	v->retries++;
	v->asked_type = 0;
	v->above = false;
	resolve_bogus_clear(task);
	task->outcome = (struct outcome){.rcode = WIRE_RCODE_NOERROR};
	resolve_walk_again(engine, task);
}
