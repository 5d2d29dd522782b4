// SPDX-License-Identifier: GPL-3.0-or-later
/* The decisions of one lookup: cache, deepest delegation, server, and what its reply leads to. */
#include "engine.h"

#include <string.h>

/* ---- what is known already ---- */

/* The CNAME at `name`, or the one that a DNAME above it makes: 1 = appended, *ret is it. */
static int cached_alias(struct resolve *engine, struct arena *arena, const uint8_t *name, struct outcome *outcome,
			const struct rrset **ret)
{
	struct rrset *set = resolve_cache_set(engine->cache, arena, engine->cache_ms, name, WIRE_TYPE_CNAME);
	unsigned labels = wire_name_labels(name);
	for (unsigned i = 1; set == NULL && i < labels; i++) {
		const uint8_t *above = wire_name_skip(name, i);
		struct rrset *dname = resolve_cache_set(engine->cache, arena, engine->cache_ms, above, WIRE_TYPE_DNAME);
		if (dname == NULL)
			continue;
		if (resolve_alias_synthesise(arena, name, dname, &set) < 0)
			return 0; /* let the servers say YXDOMAIN */
		if (outcome->n_answers == OUTCOME_SETS_MAX)
			return BANYAN_ELIMIT;
		outcome->answer[outcome->n_answers++] = dname;
	}
	if (set == NULL)
		return 0;
	if (outcome->n_answers == OUTCOME_SETS_MAX)
		return BANYAN_ELIMIT;
	outcome->answer[outcome->n_answers++] = set;
	*ret = set;
	return 1;
}

static int cached_denial(const struct cache_denial *denial, struct outcome *outcome)
{
	outcome->rcode = denial->nxdomain ? WIRE_RCODE_NXDOMAIN : WIRE_RCODE_NOERROR;
	for (unsigned i = 0; i < denial->n; i++)
		outcome->denial[i] = denial->set[i];
	outcome->n_denials = denial->n;
	return 1;
}

/* Below a name that does not exist there is nothing (RFC 8020). */
static bool nothing_below(struct resolve *engine, struct arena *arena, const uint8_t *name, uint16_t qtype,
			  struct cache_denial *ret)
{
	enum resolve_nxdomain_cut cut = engine->settings.live.nxdomain_cut;
	if (cut == RESOLVE_NXDOMAIN_CUT_OFF || engine->stale)
		return false;
	/* nor does what the public tree denies take down a forward zone */
	unsigned floor = resolve_forward_floor(engine->forwards, name, qtype);
	for (unsigned labels = wire_name_labels(name); labels > 1 && labels > floor; labels--) {
		name = wire_name_skip(name, 1);
		if (resolve_cache_nxdomain(engine->cache, arena, engine->cache_ms, name, ret) &&
		    (cut == RESOLVE_NXDOMAIN_CUT_ALL || ret->security == SECURITY_SECURE)) {
			counter_add(engine->counters, COUNTER_NXDOMAIN_CUTS, 1);
			return true;
		}
	}
	return false;
}

int resolve_walk_cached(struct resolve *engine, struct arena *arena, uint8_t *name, uint16_t qtype, unsigned *aliases,
			struct outcome *outcome)
{
	for (;;) {
		struct rrset *set;
		struct cache_denial denial;
		if (engine->tailoring && resolve_subnet_covers(engine, name))
			return 0;
		switch (resolve_cache_find(engine->cache, arena, engine->cache_ms, name, qtype, &set, &denial)) {
		case CACHE_HIT_SET:
			if (engine->stale && resolve_stale_denied(engine, arena, name, set, &denial))
				return cached_denial(&denial, outcome);
			if (outcome->n_answers == OUTCOME_SETS_MAX)
				return BANYAN_ELIMIT;
			outcome->answer[outcome->n_answers++] = set;
			outcome->rcode = WIRE_RCODE_NOERROR;
			return 1;
		case CACHE_HIT_DENIAL:
			return cached_denial(&denial, outcome);
		case CACHE_MISS:
			break;
		}
		if (resolve_cache_nxdomain(engine->cache, arena, engine->cache_ms, name, &denial) ||
		    nothing_below(engine, arena, name, qtype, &denial))
			return cached_denial(&denial, outcome);
		const struct rrset *alias;
		bool may_alias = qtype != WIRE_TYPE_ANY && qtype != WIRE_TYPE_RRSIG;
		int rc = may_alias ? cached_alias(engine, arena, name, outcome, &alias) : 0;
		if (rc == 0) {
			rc = resolve_synthesise(engine, arena, name, qtype, outcome);
			if (rc != SYNTHESIS_ALIAS)
				return rc;
			alias = outcome->answer[outcome->n_answers - 1];
		}
		if (rc < 0)
			return rc;
		if (qtype == WIRE_TYPE_CNAME) { /* what a DNAME makes is what was asked for */
			outcome->rcode = WIRE_RCODE_NOERROR;
			return 1;
		}
		if (++*aliases > RESOLVE_ALIASES_MAX)
			return BANYAN_ELIMIT;
		wire_name_lower(resolve_rrset_rdata(alias, 0).data, name);
	}
}

static void trace_cache(struct resolve *engine, struct task *task, const uint8_t *zone, const char *what)
{
	struct resolve_trace_step step = {.kind = RESOLVE_STEP_CACHE,
					  .zone = zone,
					  .qname = task->sname,
					  .qtype = task->qtype,
					  .rcode = task->outcome.rcode,
					  .what = what};
	resolve_trace_add(engine, task, &step);
}

void resolve_walk_look(struct resolve *engine, struct task *task)
{
	enum reason reason;
	bool refresh = task->refresh && task->aliases == 0;
	task->state = TASK_DESCEND;
	if (task->no_cache || refresh)
		return;
	int rc = 0;
	engine->tailoring = task->subnet.addr.family != 0;
	if (!task->missed)
		rc = resolve_walk_cached(engine, &task->arena, task->sname, task->qtype, &task->aliases,
					 &task->outcome);
	engine->tailoring = false;
	task->missed = false;
	if (rc >= 0 && resolve_trust_alias(engine, task))
		return;
	if (rc == 1) {
		trace_cache(engine, task, NULL, "known");
		resolve_task_finish(engine, task, task->outcome.rcode);
	} else if (rc == BANYAN_ELIMIT) {
		resolve_task_fail(engine, task, REASON_ALIAS_LOOP);
	} else if (rc < 0) {
		resolve_task_fail(engine, task, REASON_WORK_LIMIT);
	} else if (resolve_cache_failure(engine->cache, &engine->step, engine->cache_ms, task->sname, task->qtype,
					 &reason) &&
		   (!resolve_validate_failure(reason) || resolve_validate_wanted(task))) {
		trace_cache(engine, task, NULL, "known to fail");
		task->validation.last_reason = reason;
		task->validation.last_detail = resolve_cache_failure_detail(engine->cache, &task->arena,
									    engine->cache_ms, task->sname, task->qtype);
		resolve_task_fail(engine, task, reason);
	}
}

/* ---- where to begin ---- */

/* The deepest delegation that is known. The root's own delegations are asked of the root each time. */
static struct cut *known_cut(struct resolve *engine, struct task *task, const struct forward *via)
{
	const uint8_t *zone = task->sname;
	unsigned labels = wire_name_labels(zone);
	unsigned floor = via != NULL ? via->labels + 1 : engine->root != NULL ? 2 : 0;
	struct cut *cut = arena_alloc(&task->arena, sizeof *cut);
	if (cut == NULL || task->no_cache)
		return NULL;
	if (task->qtype == WIRE_TYPE_DS && labels > 0) { /* lives above the cut (RFC 4035 section 2.4) */
		zone = wire_name_skip(zone, 1);
		labels--;
	}
	while (labels >= floor) {
		if (resolve_cache_cut(engine->cache, &task->arena, engine->cache_ms, zone, via, cut)) {
			cut->zone = arena_dup(&task->arena, zone, wire_name_len(zone));
			return cut->zone == NULL ? NULL : cut;
		}
		if (labels-- == 0)
			break;
		zone = wire_name_skip(zone, 1);
	}
	return NULL;
}

static void enter_cut(struct resolve *engine, struct task *task, struct cut *cut)
{
	resolve_plan_drop(engine, task);
	task->cut = cut;
	task->ask_labels = 0;
	resolve_select_load(engine, cut, 0, task->qtype);
	task->state = TASK_ASK;
}

void resolve_walk_descend(struct resolve *engine, struct task *task)
{
	if (task->aliases > 0 && (engine->policy != NULL || engine->subnets != NULL)) {
		if (engine->policy != NULL)
			resolve_question_alias(engine, task);
		resolve_subnet_split(engine, task);
		if (task->waiters == NULL) { /* nobody is left: it ends when its turn comes */
			task->state = TASK_WAIT;
			resolve_task_ready(engine, task);
			return;
		}
	}
	const struct forward *via =
		resolve_forward_find(engine->forwards, task->sname, task->qtype, task->forward_below);
	struct cut *cut = via != NULL && via->kind == RESOLVE_FORWARD_ZONE ? NULL : known_cut(engine, task, via);
	if (cut == NULL && via != NULL) {
		cut = resolve_forward_cut(task, via);
		if (cut == NULL)
			resolve_task_fail(engine, task, REASON_WORK_LIMIT);
		else
			enter_cut(engine, task, cut);
	} else if (cut != NULL) {
		trace_cache(engine, task, cut->zone, "delegation known");
		resolve_plan_prefer_known(engine, cut);
		enter_cut(engine, task, cut);
	} else if (engine->root != NULL) {
		resolve_root_ask(engine, task);
	} else if (resolve_hints_any(engine)) {
		cut = resolve_hints_cut(engine, task);
		if (cut != NULL)
			enter_cut(engine, task, cut);
	} else {
		resolve_task_fail(engine, task, REASON_NO_ROOT);
	}
}

/* ---- whom to ask ---- */

/* No server of the zone is left. An old delegation may be why: then ask above, once. */
static void no_servers(struct resolve *engine, struct task *task)
{
	/* a root server without address waits for the others, which says nothing of the hints */
	bool loop = task->trouble == REASON_DELEGATION_LOOP && task->cut->labels > 0;
	bool outdated = !loop && task->trouble != REASON_WORK_LIMIT;
	if (task->cut->cached && outdated && !task->asked_again) {
		task->asked_again = true;
		resolve_cache_drop_cut(engine->cache, task->cut);
		task->state = TASK_DESCEND;
		return;
	}
	if (resolve_forward_leave(task))
		return;
	/* what the root servers say of themselves leads nowhere: the operator's word is left */
	struct cut *hints = resolve_hints_last(engine, task);
	if (hints != NULL) {
		enter_cut(engine, task, hints);
		return;
	}
	resolve_task_fail(engine, task, task->trouble == REASON_NONE ? REASON_NO_SERVERS : task->trouble);
}

void resolve_walk_ask(struct resolve *engine, struct task *task)
{
	resolve_bogus_avoid(task);
	int target = resolve_select_next(engine, task->cut);
	if (target < 0) {
		resolve_share_over(engine, task);
		switch (resolve_plan_addresses(engine, task)) {
		case PLAN_FOUND:
			return; /* choose again */
		case PLAN_WAIT:
			task->state = TASK_WAIT;
			return;
		case PLAN_NOTHING:
			no_servers(engine, task);
			return;
		}
	}
	if (task->work->upstream >= engine->settings.live.upstream_max) {
		resolve_task_fail(engine, task, REASON_WORK_LIMIT);
		return;
	}
	if (!resolve_quota_take(engine, task)) {
		resolve_task_fail(engine, task, REASON_ZONE_LIMIT);
		return;
	}
	bool minimised;
	const uint8_t *name = resolve_minimise_name(engine, task, &minimised);
	if (resolve_share_wait(engine, task, minimised ? name : NULL)) {
		task->state = TASK_WAIT;
		return;
	}
	if (resolve_upstream_send(engine, task, (unsigned)target, name, minimised ? WIRE_TYPE_A : task->qtype,
				  minimised) < 0)
		resolve_task_fail(engine, task, REASON_WORK_LIMIT);
	else
		task->state = TASK_WAIT;
}

/* ---- what a reply leads to ---- */

struct reply_take resolve_walk_take(struct resolve *engine)
{
	return (struct reply_take){.arena = &engine->step,
				   .now_ms = engine->cache_ms,
				   .ttl_min = engine->settings.live.ttl_min,
				   .ttl_max = engine->settings.live.ttl_max};
}

/* Is what was read remembered only when it is proved, which is about to be tried? The proof writes it anyway. */
static bool proof_remembers(const struct resolve *engine, struct task *task)
{
	if (!engine->settings.validate || !resolve_validate_wanted(task))
		return false;
	task->validation.changed = true;
	return true;
}

/* The answer section: kept for the client and remembered. The root's is not: it can be asked at any time. */
static int take_answers(struct resolve *engine, struct task *task, const struct ask *ask, const struct reading *reading)
{
	bool later = reading->kind == READING_ANSWER && proof_remembers(engine, task);
	for (unsigned i = 0; i < reading->n_answers; i++) {
		int rc = resolve_outcome_answer(&task->arena, &task->outcome, reading->answer[i]);
		if (rc < 0)
			return rc;
		if (!ask->root && !later && !resolve_subnet_owns(engine, task, reading->answer[i]->owner))
			resolve_evictions_count(
				engine, resolve_cache_put_set(engine->cache, engine->cache_ms, reading->answer[i]));
	}
	task->aliases += reading->n_aliases;
	return task->aliases > RESOLVE_ALIASES_MAX ? BANYAN_ELIMIT : 0;
}

static void follow_alias(struct resolve *engine, struct task *task, const uint8_t *target)
{
	resolve_plan_drop(engine, task);
	wire_name_lower(target, task->sname);
	task->cut = NULL;
	task->referrals = 0;
	task->minimised = task->minimised_silences = 0;
	task->share.followed = 0;
	task->asked_again = false;
	task->forward_below = FORWARD_LABELS_ANY;
	task->minimise = engine->settings.live.qname_minimisation != RESOLVE_MINIMISE_OFF;
	task->trouble = REASON_NONE;
	task->state = TASK_LOOK;
}

void resolve_walk_again(struct resolve *engine, struct task *task)
{
	follow_alias(engine, task, task->qname);
	task->aliases = 0;
}

static void take_denial(struct resolve *engine, struct task *task, const struct ask *ask, const struct reading *reading)
{
	bool nx = reading->kind == READING_NXDOMAIN;
	task->outcome.bare = reading->n_denials == 0;
	wire_name_lower(reading->name, task->sname); /* the end of a chain: what is denied */
	if (resolve_outcome_denial(&task->arena, &task->outcome, reading->denial, reading->n_denials) < 0) {
		resolve_task_fail(engine, task, REASON_WORK_LIMIT);
		return;
	}
	if (reading->has_soa && !ask->root && !resolve_subnet_owns(engine, task, reading->name)) {
		struct cache_denial denial = {.nxdomain = nx, .expires_ms = reading->denial[0]->expires_ms};
		denial.n = reading->n_denials;
		memcpy(denial.set, reading->denial, denial.n * sizeof(struct rrset *));
		resolve_evictions_count(engine, resolve_cache_put_denial(engine->cache, engine->cache_ms, reading->name,
									 task->qtype, &denial));
	}
	resolve_task_finish(engine, task, nx ? WIRE_RCODE_NXDOMAIN : WIRE_RCODE_NOERROR);
}

/* A referral that proves that there is no DS: kept for who proves what is below. */
static void take_absence(struct resolve *engine, const struct reading *reading)
{
	struct cache_denial denial = {.expires_ms = INT64_MAX, .n = reading->n_denials};
	for (unsigned i = 0; i < reading->n_denials; i++) {
		denial.set[i] = reading->denial[i];
		if (denial.set[i]->expires_ms < denial.expires_ms)
			denial.expires_ms = denial.set[i]->expires_ms;
	}
	resolve_evictions_count(engine,
				resolve_cache_put_no_ds(engine->cache, engine->cache_ms, reading->name, &denial));
}

static void take_referral(struct resolve *engine, struct task *task, const struct ask *ask, const struct reply *reply,
			  const struct reading *reading)
{
	struct reply_take take = resolve_walk_take(engine);
	struct cut *cut = arena_alloc(&task->arena, sizeof *cut);
	if (++task->referrals > RESOLVE_REFERRALS_MAX || cut == NULL ||
	    resolve_cut_from_referral(&task->arena, reply, reading, &take, task->cut, engine->settings.live.harden_glue,
				      cut) < 0) {
		resolve_task_fail(engine, task, REASON_WORK_LIMIT);
		return;
	}
	cut->via = task->cut->via;
	resolve_evictions_count(engine, resolve_cache_put_cut(engine->cache, engine->cache_ms, cut));
	if (reading->n_denials > 0)
		take_absence(engine, reading);
	if (reading->ds != NULL && !ask->root)
		resolve_evictions_count(engine, resolve_cache_put_set(engine->cache, engine->cache_ms, reading->ds));
	if (!ask->root && !task->no_cache) /* the root's glue is proved, and as fresh as the root */
		resolve_plan_prefer_known(engine, cut);
	enter_cut(engine, task, cut);
}

void resolve_walk_reading(struct resolve *engine, struct task *task, const struct ask *ask, const struct reply *reply,
			  const struct reading *reading)
{
	resolve_share_over(engine, task);
	if (reading->kind == READING_REFERRAL) {
		take_referral(engine, task, ask, reply, reading);
		return;
	}
	resolve_hints_learn(engine, ask, reply, reading);
	int rc = take_answers(engine, task, ask, reading);
	if (rc < 0) {
		resolve_task_fail(engine, task, rc == BANYAN_ELIMIT ? REASON_ALIAS_LOOP : REASON_WORK_LIMIT);
		return;
	}
	if (resolve_trust_alias(engine, task))
		return;
	switch (reading->kind) {
	case READING_ALIAS:
		follow_alias(engine, task, reading->name);
		break;
	case READING_YXDOMAIN:
		resolve_task_finish(engine, task, WIRE_RCODE_YXDOMAIN);
		break;
	case READING_NXDOMAIN:
	case READING_NODATA:
		take_denial(engine, task, ask, reading);
		break;
	default:
		resolve_task_finish(engine, task, WIRE_RCODE_NOERROR);
		break;
	}
}
