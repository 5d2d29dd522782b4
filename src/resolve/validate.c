// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The proof of an outcome (RFC 4035 section 5): every set of it, and what it denies.
 *
 * A task that has all its data comes here before it ends, unless everybody who waits for it has set CD or only
 * wants addresses of servers. Each set remembers what was proved of it, so that the proof goes on where it stood after each wait.
 */
#include "trust.h"

bool resolve_validate_known(const struct resolve *engine, const struct outcome *outcome)
{
	if (!engine->settings.validate)
		return true;
	for (unsigned i = 0; i < outcome->n_answers; i++) {
		const struct rrset *set = outcome->answer[i];
		if (set->security == SECURITY_UNCHECKED && !set->synthesised && set->rank != RANK_ROOT)
			return false;
	}
	for (unsigned i = 0; i < outcome->n_denials; i++)
		if (outcome->denial[i]->security == SECURITY_UNCHECKED && outcome->denial[i]->rank != RANK_ROOT)
			return false;
	return outcome->n_answers + outcome->n_denials > 0 && !outcome->bare;
}

static bool secure(const struct rrset *set)
{
	return set->security == SECURITY_SECURE || (set->rank == RANK_ROOT && set->n_sigs > 0);
}

bool resolve_validate_secure(const struct outcome *outcome)
{
	bool denial_proved = false;
	bool whole = outcome->reason == REASON_NONE || outcome->reason == REASON_SYNTHESISED;
	if (!whole || outcome->bare || outcome->n_answers + outcome->n_denials == 0)
		return false;
	for (unsigned i = 0; i < outcome->n_answers; i++)
		if (!outcome->answer[i]->synthesised && !secure(outcome->answer[i]))
			return false;
	for (unsigned i = 0; i < outcome->n_denials; i++) {
		if (!secure(outcome->denial[i]))
			return false;
		denial_proved = denial_proved || outcome->denial[i]->type != WIRE_TYPE_SOA;
	}
	return outcome->n_denials == 0 || denial_proved;
}

bool resolve_validate_failure(enum reason reason)
{
	switch (reason) {
	case REASON_DNSKEY_MISSING:
	case REASON_ANCHOR_NO_MATCH:
	case REASON_DS_NO_MATCH:
	case REASON_ALGORITHM_UNSUPPORTED:
	case REASON_DIGEST_UNSUPPORTED:
	case REASON_RRSIG_MISSING:
	case REASON_RRSIG_BOGUS:
	case REASON_RRSIG_EXPIRED:
	case REASON_RRSIG_NOT_YET:
	case REASON_RRSIG_NO_KEY:
	case REASON_RRSIG_DATES:
	case REASON_NO_ZONE_KEY:
	case REASON_RRSIG_MALFORMED:
	case REASON_NSEC_MISSING:
	case REASON_NSEC3_PARAMETERS:
		return true;
	default:
		return false;
	}
}

/* ---- who waits for a proof ---- */

static bool wants_proof(const struct waiter *waiter)
{
	return waiter->question != NULL ? !waiter->question->checking_disabled : waiter->want->trust;
}

bool resolve_validate_wanted(const struct task *task)
{
	for (const struct waiter *w = task->waiters; w != NULL; w = w->next)
		if (wants_proof(w))
			return true;
	return false;
}

bool resolve_validate_wanted_by_all(const struct task *task)
{
	for (const struct waiter *w = task->waiters; w != NULL; w = w->next)
		if (!wants_proof(w))
			return false;
	return true;
}

bool resolve_validate_begin(struct resolve *engine, struct task *task)
{
	if (!engine->settings.validate || !resolve_validate_wanted(task) ||
	    resolve_validate_known(engine, &task->outcome))
		return false;
	resolve_plan_drop(engine, task);
	task->state = TASK_VALIDATE;
	resolve_task_ready(engine, task);
	resolve_task_notify_some(engine, task, wants_proof, false); /* with what there is (RFC 4035 section 4.9.2) */
	return true;
}

void resolve_validate_drop(struct resolve *engine, struct task *task)
{
	struct want *want = &task->validation.want;
	if (!want->used)
		return;
	want->used = false;
	resolve_task_leave(engine, &want->waiter);
}

/* ---- the proof ---- */

static enum proof prove_answers(struct resolve *engine, struct task *task)
{
	struct outcome *outcome = &task->outcome;
	for (unsigned i = 0; i < outcome->n_answers; i++) {
		struct rrset *set = outcome->answer[i];
		if (set->security != SECURITY_UNCHECKED || set->synthesised) /* proved with the DNAME it was made of */
			continue;
		enum proof proof = resolve_validate_set(engine, task, set);
		if (proof != PROOF_DONE)
			return proof;
	}
	return PROOF_DONE;
}

static enum proof prove_outcome(struct resolve *engine, struct task *task)
{
	enum proof proof = prove_answers(engine, task);
	if (proof == PROOF_DONE && (task->outcome.n_denials > 0 || task->outcome.bare))
		proof = resolve_validate_denial(engine, task);
	return proof;
}

/* What was proved is remembered as such. */
static void remember(struct resolve *engine, const struct task *task)
{
	const struct outcome *outcome = &task->outcome;
	for (unsigned i = 0; i < outcome->n_answers; i++) {
		const struct rrset *set = outcome->answer[i];
		if (set->rank != RANK_ROOT && !resolve_subnet_owns(engine, task, set->owner))
			resolve_evictions_count(engine, resolve_cache_put_set(engine->cache, engine->cache_ms, set));
	}
	if (outcome->n_denials == 0 || outcome->denial[0]->rank == RANK_ROOT ||
	    resolve_subnet_owns(engine, task, task->sname) ||
	    outcome->denial[0]->type != WIRE_TYPE_SOA) /* without SOA: not cached (RFC 2308 section 5) */
		return;
	struct cache_denial denial = {.nxdomain = outcome->rcode == WIRE_RCODE_NXDOMAIN,
				      .security = outcome->denial[0]->security,
				      .expires_ms = outcome->denial[0]->expires_ms};
	for (; denial.n < outcome->n_denials && denial.n < CACHE_DENIAL_SETS_MAX; denial.n++)
		denial.set[denial.n] = outcome->denial[denial.n];
	resolve_evictions_count(
		engine, resolve_cache_put_denial(engine->cache, engine->cache_ms, task->sname, task->qtype, &denial));
}

void resolve_validate_run(struct resolve *engine, struct task *task)
{
	switch (prove_outcome(engine, task)) {
	case PROOF_WAIT:
		task->state = TASK_PROVE_WAIT;
		return;
	case PROOF_BOGUS:
		if (!resolve_minimise_doubted(engine, task))
			resolve_bogus_end(engine, task);
		return;
	case PROOF_LIMIT:
		resolve_task_fail(engine, task, REASON_WORK_LIMIT);
		return;
	case PROOF_DONE:
		break;
	}
	const struct outcome *outcome = &task->outcome;
	bool denied = outcome->n_denials > 0 && outcome->denial[0]->security == SECURITY_SECURE;
	if (!denied && resolve_minimise_doubted(engine, task))
		return;
	bool proved = resolve_validate_secure(&task->outcome);
	counter_add(engine->counters, proved ? COUNTER_VALIDATED_SECURE : COUNTER_VALIDATED_INSECURE, 1);
	if (task->validation.changed)
		remember(engine, task);
	resolve_task_end(engine, task);
}
