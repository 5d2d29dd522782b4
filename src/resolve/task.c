// SPDX-License-Identifier: GPL-3.0-or-later
/* Lookups: who waits for them, when they run, how they end. */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#define ANCESTORS_MAX 256 /* lookups that wait for one, seen while looking for a loop; more is taken for one */

/* ---- the table ---- */

static struct task **bucket_of(struct resolve *engine, const uint8_t *qname, uint16_t qtype)
{
	uint8_t key[2 + WIRE_NAME_MAX];
	wire_put16(key, qtype);
	size_t len = wire_name_lower(qname, key + 2);
	return &engine->task[hash_sip(key, 2 + len, engine->hash_key) & (engine->task_buckets - 1)];
}

struct task *resolve_task_find(struct resolve *engine, const uint8_t *qname, uint16_t qtype)
{
	for (struct task *task = *bucket_of(engine, qname, qtype); task != NULL; task = task->next)
		if (task->shared && task->subnet.addr.family == 0 && task->qtype == qtype &&
		    wire_name_equal(task->qname, qname))
			return task;
	return NULL;
}

static bool same_subnet(const struct addr_prefix *a, const struct addr_prefix *b)
{
	return a->bits == b->bits && addr_equal(&a->addr, &b->addr);
}

struct task *resolve_task_find_for(struct resolve *engine, const uint8_t *qname, uint16_t qtype,
				   const struct addr_prefix *subnet, unsigned *ret_n)
{
	*ret_n = 0;
	for (struct task *task = *bucket_of(engine, qname, qtype); task != NULL; task = task->next) {
		if (!task->shared || task->subnet.addr.family == 0 || task->qtype != qtype ||
		    !wire_name_equal(task->qname, qname))
			continue;
		if (same_subnet(&task->subnet, subnet))
			return task;
		++*ret_n;
	}
	return NULL;
}

static void table_add(struct resolve *engine, struct task *task)
{
	struct task **bucket = bucket_of(engine, task->qname, task->qtype);
	task->next = *bucket;
	*bucket = task;
	task->listed = true;
	engine->n_tasks++;
}

static void table_remove(struct resolve *engine, struct task *task)
{
	struct task **at = bucket_of(engine, task->qname, task->qtype);
	while (*at != task)
		at = &(*at)->next;
	*at = task->next;
	task->listed = false;
	engine->n_tasks--;
}

/* ---- life ---- */

struct task *resolve_task_new(struct resolve *engine, const uint8_t *qname, uint16_t qtype, unsigned depth,
			      struct work *work)
{
	if (engine->n_tasks >= engine->tasks_max || work->tasks >= ENGINE_TASKS_PER_WORK)
		return NULL;
	struct task *task = engine->spare_task;
	struct arena arena = {0};
	if (task != NULL) {
		engine->spare_task = task->next;
		engine->n_spare--;
		arena = task->arena;
	} else {
		task = malloc(sizeof *task);
	}
	if (task == NULL)
		return NULL;
	*task = (struct task){.depth = depth, .qtype = qtype, .work = work, .arena = arena, .exchange = -1};
	task->arena.limit = ENGINE_TASK_BYTES_MAX;
	task->outcome.rcode = WIRE_RCODE_NOERROR;
	task->minimise = engine->settings.live.qname_minimisation != RESOLVE_MINIMISE_OFF;
	task->forward_below = FORWARD_LABELS_ANY;
	wire_name_lower(qname, task->qname);
	wire_name_lower(qname, task->sname);
	work->refs++;
	work->tasks++;
	table_add(engine, task);
	return task;
}

static void task_free(struct task *task)
{
	resolve_work_release(task->work);
	arena_done(&task->arena);
	free(task);
}

void resolve_tasks_clean(struct resolve *engine)
{
	while (engine->finished != NULL) {
		struct task *task = engine->finished;
		engine->finished = task->next;
		arena_reset(&task->arena);
		if (engine->n_spare == ENGINE_TASKS_SPARE || task->arena.total > ENGINE_TASK_BYTES_SPARE) {
			task_free(task);
			continue;
		}
		resolve_work_release(task->work);
		task->work = NULL;
		task->next = engine->spare_task;
		engine->spare_task = task;
		engine->n_spare++;
	}
}

void resolve_tasks_free(struct resolve *engine)
{
	resolve_tasks_run(engine); /* nobody waits any more: all end here */
	resolve_tasks_clean(engine);
	while (engine->spare_task != NULL) {
		struct task *task = engine->spare_task;
		engine->spare_task = task->next;
		task_free(task);
	}
}

/* ---- waiting ---- */

bool resolve_task_serves(const struct task *task, const uint8_t *name, uint16_t type, uint16_t other)
{
	const struct task *open[ANCESTORS_MAX];
	unsigned n = 0, next = 0;
	open[n++] = task;
	while (next < n) {
		const struct task *at = open[next++];
		if ((at->qtype == type || at->qtype == other) && wire_name_equal(at->qname, name))
			return true;
		for (const struct waiter *w = at->waiters; w != NULL; w = w->next) {
			if (w->want == NULL)
				continue;
			if (n == ANCESTORS_MAX)
				return true;
			open[n++] = w->want->parent;
		}
	}
	return false;
}

void resolve_task_wait(struct task *task, struct waiter *waiter)
{
	waiter->task = task;
	waiter->prev = NULL;
	waiter->next = task->waiters;
	if (task->waiters != NULL)
		task->waiters->prev = waiter;
	task->waiters = waiter;
	task->n_waiters++;
}

static void waiter_detach(struct task *task, struct waiter *waiter)
{
	if (waiter->prev != NULL)
		waiter->prev->next = waiter->next;
	else
		task->waiters = waiter->next;
	if (waiter->next != NULL)
		waiter->next->prev = waiter->prev;
	task->n_waiters--;
	waiter->task = NULL;
	waiter->next = waiter->prev = NULL;
}

void resolve_task_leave(struct resolve *engine, struct waiter *waiter)
{
	struct task *task = waiter->task;
	if (task == NULL)
		return;
	waiter_detach(task, waiter);
	if (task->waiters == NULL && task->state != TASK_DONE)
		resolve_task_ready(engine, task); /* ends when its turn comes, if still nobody waits */
}

/* ---- the queue ---- */

void resolve_task_ready(struct resolve *engine, struct task *task)
{
	if (task->ready)
		return;
	task->ready = true;
	task->ready_next = NULL;
	task->ready_prev = engine->ready_last;
	if (engine->ready_last != NULL)
		engine->ready_last->ready_next = task;
	else
		engine->ready_first = task;
	engine->ready_last = task;
}

static void queue_remove(struct resolve *engine, struct task *task)
{
	if (!task->ready)
		return;
	task->ready = false;
	if (task->ready_prev != NULL)
		task->ready_prev->ready_next = task->ready_next;
	else
		engine->ready_first = task->ready_next;
	if (task->ready_next != NULL)
		task->ready_next->ready_prev = task->ready_prev;
	else
		engine->ready_last = task->ready_prev;
}

/* ---- ending ---- */

static void task_end(struct resolve *engine, struct task *task)
{
	task->state = TASK_DONE;
	resolve_share_leave(engine, task);
	resolve_upstream_drop(engine, task);
	resolve_quota_leave(engine, task);
	resolve_plan_drop(engine, task);
	resolve_validate_drop(engine, task);
	queue_remove(engine, task);
	table_remove(engine, task);
	task->next = engine->finished;
	engine->finished = task;
}

static void waiter_tell(struct resolve *engine, struct task *task, struct waiter *waiter)
{
	waiter_detach(task, waiter);
	if (waiter->question != NULL)
		resolve_question_done(engine, waiter->question, &task->outcome, task->work);
	else if (waiter->want->trust)
		resolve_trust_take(engine, waiter->want, &task->outcome);
	else if (waiter->want->prime)
		resolve_hints_take(engine, waiter->want);
	else
		resolve_plan_take(engine, waiter->want, &task->outcome, waiter->joined);
}

static void notify(struct resolve *engine, struct task *task)
{
	while (task->waiters != NULL)
		waiter_tell(engine, task, task->waiters);
}

void resolve_task_notify_some(struct resolve *engine, struct task *task, bool (*which)(const struct waiter *waiter),
			      bool is)
{
	struct waiter *next;
	for (struct waiter *waiter = task->waiters; waiter != NULL; waiter = next) {
		next = waiter->next;
		if (which(waiter) == is)
			waiter_tell(engine, task, waiter);
	}
}

void resolve_task_end(struct resolve *engine, struct task *task)
{
	resolve_subnets_keep(engine, task);
	task->outcome.scope = task->subnet_scope;
	task_end(engine, task);
	notify(engine, task);
}

void resolve_task_finish(struct resolve *engine, struct task *task, uint16_t rcode)
{
	task->outcome.rcode = rcode;
	if (task->outcome.reason != REASON_SYNTHESISED || task->depth > 0)
		task->outcome.reason = REASON_NONE;
	task->outcome.from_cache = !task->went_out;
	if (!resolve_validate_begin(engine, task))
		resolve_task_end(engine, task);
}

/* RFC 9520: failures are remembered for a while. Not those that say more of who asked than of the name. */
static bool failure_lasts(const struct task *task, enum reason reason)
{
	switch (reason) {
	case REASON_NO_ROOT:
	case REASON_QUEUE_FULL:
	case REASON_ZONE_LIMIT:
		return false;
	case REASON_DELEGATION_LOOP:
	case REASON_WORK_LIMIT:
		return task->depth == 0;
	default:
		return true;
	}
}

void resolve_task_fail(struct resolve *engine, struct task *task, enum reason reason)
{
	const struct validation *v = &task->validation;
	if (v->last_reason != REASON_NONE && reason != REASON_WORK_LIMIT)
		reason =
			v->last_reason; /* what was said and could not be proved says more than that nothing else was said */
	task->outcome = (struct outcome){.rcode = WIRE_RCODE_SERVFAIL, .reason = reason};
	if (reason == v->last_reason)
		task->outcome.detail = v->last_detail;
	task->outcome.from_cache = !task->went_out;
	if (task->went_out && !task->no_cache && failure_lasts(task, reason))
		resolve_evictions_count(engine, resolve_cache_put_failure_detail(
							engine->cache, engine->cache_ms, task->qname, task->qtype,
							reason, task->outcome.detail,
							resolve_stale_recheck_s(engine, task->qname, task->qtype)));
	if (reason == REASON_WORK_LIMIT)
		counter_add(engine->counters, COUNTER_WORK_LIMITED, 1);
	task_end(engine, task);
	notify(engine, task);
}

/* ---- running ---- */

static void task_run(struct resolve *engine, struct task *task)
{
	if (task->waiters == NULL) {
		task_end(engine, task);
		return;
	}
	for (;;) {
		switch (task->state) {
		case TASK_LOOK:
			resolve_walk_look(engine, task);
			break;
		case TASK_DESCEND:
			resolve_walk_descend(engine, task);
			break;
		case TASK_ASK:
			resolve_walk_ask(engine, task);
			break;
		case TASK_VALIDATE:
			resolve_validate_run(engine, task);
			break;
		case TASK_WAIT:
		case TASK_PROVE_WAIT:
		case TASK_DONE:
			return;
		}
	}
}

void resolve_tasks_run(struct resolve *engine)
{
	while (engine->ready_first != NULL) {
		struct task *task = engine->ready_first;
		queue_remove(engine, task);
		task_run(engine, task);
	}
}
