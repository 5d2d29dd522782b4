// SPDX-License-Identifier: GPL-3.0-or-later
/* The root servers, for when there is no root image: where they are by the hints, and what they say of themselves (RFC 9609). */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t root_name[1] = {0};

int resolve_hints_init(struct resolve *engine, const struct resolve_settings *settings)
{
	if (settings->n_hints > RESOLVE_ADDRESSES_MAX)
		return BANYAN_EINVAL;
	engine->n_hints = (uint8_t)settings->n_hints;
	for (size_t i = 0; i < settings->n_hints; i++) {
		engine->hint[i] = settings->hint[i];
		if (engine->hint[i].port == 0)
			engine->hint[i].port = settings->upstream_port;
		engine->hints_on_loopback = engine->hints_on_loopback || addr_is_loopback(&engine->hint[i]);
	}
	return 0;
}

/* Somebody asks the root servers who they are, on the way of this task; true: it waits for that. */
static bool prime(struct resolve *engine, struct task *task)
{
	enum reason reason;
	/* when all is forwarded but this, the forwarders would be asked, and are not believed about the root's servers */
	if (resolve_forward_find(engine->forwards, root_name, WIRE_TYPE_NS, FORWARD_LABELS_ANY) != NULL)
		return false;
	/* nor if it is the priming, or what that waits for, as a key: both would wait for ever */
	if (!engine->settings.priming || task->primed || task->no_cache ||
	    resolve_task_serves(task, root_name, WIRE_TYPE_NS, WIRE_TYPE_NS) ||
	    resolve_cache_failure(engine->cache, &engine->step, engine->cache_ms, root_name, WIRE_TYPE_NS, &reason))
		return false;
	task->primed = true;
	struct task *lookup = task->shared ? resolve_task_find(engine, root_name, WIRE_TYPE_NS) : NULL;
	bool joined = lookup != NULL;
	if (!joined)
		lookup = resolve_task_new(engine, root_name, WIRE_TYPE_NS, task->depth + 1, task->work);
	if (lookup == NULL)
		return false;
	struct want *want = &task->want[0];
	*want = (struct want){.parent = task, .type = WIRE_TYPE_NS, .used = true, .prime = true};
	want->waiter.want = want;
	want->waiter.joined = joined;
	resolve_task_wait(lookup, &want->waiter);
	if (!joined) {
		counter_add(engine->counters, COUNTER_PRIMINGS, 1);
		lookup->shared = task->shared;
		lookup->refresh = true; /* the names alone, if they are known, do not say where the servers are */
		resolve_task_ready(engine, lookup);
	}
	return true;
}

void resolve_hints_take(struct resolve *engine, struct want *want)
{
	struct task *task = want->parent;
	want->used = false;
	task->state = TASK_DESCEND; /* whatever it brought: the hints are still there */
	resolve_task_ready(engine, task);
}

bool resolve_hints_any(const struct resolve *engine)
{
	return engine->n_hints > 0 && !engine->settings.live.no_hints;
}

static struct cut *hints_cut(struct resolve *engine, struct task *task)
{
	struct cut *cut = arena_alloc0(&task->arena, sizeof *cut);
	if (cut == NULL)
		return NULL;
	cut->zone = root_name;
	cut->expires_ms = INT64_MAX;
	cut->configured = true;
	for (unsigned i = 0; i < engine->n_hints; i++)
		cut->target[cut->n_targets++] = (struct cut_target){.addr = engine->hint[i]};
	return cut;
}

struct cut *resolve_hints_cut(struct resolve *engine, struct task *task)
{
	resolve_plan_drop(engine, task);
	if (prime(engine, task)) {
		task->state = TASK_WAIT;
		return NULL;
	}
	struct cut *cut = hints_cut(engine, task);
	if (cut == NULL)
		resolve_task_fail(engine, task, REASON_WORK_LIMIT);
	return cut;
}

struct cut *resolve_hints_last(struct resolve *engine, struct task *task)
{
	const struct cut *cut = task->cut;
	if (cut->labels > 0 || cut->via != NULL || cut->configured || cut->root || !resolve_hints_any(engine))
		return NULL;
	return hints_cut(engine, task);
}

static const struct addr *hint_find(const struct resolve *engine, const struct addr *addr)
{
	for (unsigned i = 0; i < engine->n_hints; i++)
		if (engine->hint[i].family == addr->family &&
		    memcmp(engine->hint[i].ip, addr->ip, sizeof addr->ip) == 0)
			return &engine->hint[i];
	return NULL;
}

bool resolve_hints_have(const struct resolve *engine, const struct addr *addr)
{
	return hint_find(engine, addr) != NULL;
}

uint16_t resolve_hints_port(const struct resolve *engine, const struct addr *addr)
{
	const struct addr *hint = hint_find(engine, addr);
	return hint != NULL ? hint->port : engine->settings.upstream_port;
}

/* Addresses that may not be asked are none. */
static void drop_refused(const struct resolve *engine, struct cut *cut)
{
	uint8_t n = 0;
	for (unsigned i = 0; i < cut->n_targets; i++)
		if (!resolve_select_refused(engine, &cut->target[i].addr))
			cut->target[n++] = cut->target[i];
	cut->n_targets = n;
}

void resolve_hints_learn(struct resolve *engine, const struct ask *ask, const struct reply *reply,
			 const struct reading *reading)
{
	if (!resolve_hints_any(engine) || ask->root || ask->zone[0] != 0 || ask->forward != NULL ||
	    reading->kind != READING_ANSWER || ask->qtype != WIRE_TYPE_NS || ask->qname[0] != 0)
		return;
	struct reply_take take = resolve_walk_take(engine);
	struct cut *cut = arena_alloc(&engine->step, sizeof *cut);
	if (cut == NULL || resolve_cut_from_priming(&engine->step, reply, &take, cut) < 0)
		return;
	drop_refused(engine, cut);
	/* No addresses came along: those of the hints stay good as long as the names do. */
	if (cut->n_targets == 0)
		while (cut->n_targets < engine->n_hints) {
			cut->target[cut->n_targets] = (struct cut_target){.addr = engine->hint[cut->n_targets]};
			cut->n_targets++;
		}
	resolve_evictions_count(engine, resolve_cache_put_cut(engine->cache, engine->cache_ms, cut));
}
