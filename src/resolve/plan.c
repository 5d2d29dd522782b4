// SPDX-License-Identifier: GPL-3.0-or-later
/* Addresses of name servers that came without glue: lookups below lookups, bounded, without loops. */
#include "engine.h"

static uint8_t *lookup_state(struct cut_server *server, uint16_t type)
{
	return type == WIRE_TYPE_A ? &server->v4 : &server->v6;
}

static struct want *want_free(struct task *task)
{
	for (unsigned i = 0; i < TASK_WANTS_MAX; i++)
		if (!task->want[i].used)
			return &task->want[i];
	return NULL;
}

static unsigned wants_open(const struct task *task)
{
	unsigned n = 0;
	for (unsigned i = 0; i < TASK_WANTS_MAX; i++)
		n += task->want[i].used;
	return n;
}

static bool want_start(struct resolve *engine, struct task *task, uint8_t server, uint16_t type)
{
	const uint8_t *name = task->cut->server[server].name;
	struct want *want = want_free(task);
	*lookup_state(&task->cut->server[server], type) = CUT_ASKED;
	if (want == NULL)
		return false;
	if (resolve_task_serves(task, name, WIRE_TYPE_A, WIRE_TYPE_AAAA)) {
		counter_add(engine->counters, COUNTER_DELEGATION_LOOPS, 1);
		task->trouble = REASON_DELEGATION_LOOP;
		return false;
	}
	struct task *lookup = task->shared ? resolve_task_find(engine, name, type) : NULL;
	bool joined = lookup != NULL;
	if (!joined && task->depth < RESOLVE_DEPTH_MAX)
		lookup = resolve_task_new(engine, name, type, task->depth + 1, task->work);
	if (lookup == NULL) {
		task->trouble = REASON_WORK_LIMIT;
		return false;
	}
	*lookup_state(&task->cut->server[server], type) = CUT_ASKING;
	*want = (struct want){.parent = task, .server = server, .type = type, .used = true};
	want->waiter.want = want;
	want->waiter.joined = joined;
	resolve_task_wait(lookup, &want->waiter);
	if (!joined) {
		lookup->shared = task->shared;
		lookup->no_cache = task->no_cache;
		resolve_task_ready(engine, lookup);
	}
	return true;
}

/* What the cache knows of a server's addresses; true when it brought new ones. */
static bool take_cached(struct resolve *engine, struct task *task, uint8_t server, uint16_t type)
{
	uint8_t *state = lookup_state(&task->cut->server[server], type);
	struct rrset *set;
	struct cache_denial denial;
	if (*state != CUT_UNASKED || task->no_cache)
		return false;
	switch (resolve_cache_find(engine->cache, &engine->step, engine->cache_ms, task->cut->server[server].name, type,
				   &set, &denial)) {
	case CACHE_HIT_SET:
		*state = CUT_ASKED;
		return resolve_cut_add_set(task->cut, server, set) > 0;
	case CACHE_HIT_DENIAL:
		*state = CUT_ASKED;
		return false;
	case CACHE_MISS:
		break;
	}
	return false;
}

static bool take_all_cached(struct resolve *engine, struct task *task)
{
	struct cut *cut = task->cut;
	unsigned before = cut->n_targets;
	for (uint8_t i = 0; i < cut->n_servers; i++) {
		if (cut->server[i].has_address)
			continue;
		if (engine->settings.ipv4)
			take_cached(engine, task, i, WIRE_TYPE_A);
		if (engine->settings.ipv6)
			take_cached(engine, task, i, WIRE_TYPE_AAAA);
	}
	resolve_select_load(engine, cut, before, task->qtype);
	return cut->n_targets > before;
}

/* ---- addresses that are known better than by glue ---- */

static void targets_remove(struct cut *cut, uint8_t server, uint8_t family)
{
	uint8_t kept = 0;
	for (uint8_t i = 0; i < cut->n_targets; i++)
		if (cut->target[i].server != server || cut->target[i].addr.family != family)
			cut->target[kept++] = cut->target[i];
	cut->n_targets = kept;
}

static void servers_count_addresses(struct cut *cut)
{
	for (uint8_t i = 0; i < cut->n_servers; i++)
		cut->server[i].has_address = false;
	for (uint8_t i = 0; i < cut->n_targets; i++)
		cut->server[cut->target[i].server].has_address = true;
}

static bool prefer_known(struct resolve *engine, struct cut *cut, uint8_t server, uint16_t type)
{
	const struct rrset *set =
		resolve_cache_set(engine->cache, &engine->step, engine->cache_ms, cut->server[server].name, type);
	if (set == NULL)
		return false;
	targets_remove(cut, server, type == WIRE_TYPE_A ? 4 : 6);
	resolve_cut_add_set(cut, server, set);
	return true;
}

void resolve_plan_prefer_known(struct resolve *engine, struct cut *cut)
{
	bool changed = false;
	for (uint8_t i = 0; i < cut->n_servers; i++) {
		/* a server within the zone is reached by its parent's word: else the zone could outlive that */
		if (!cut->server[i].has_address || wire_name_under(cut->server[i].name, cut->zone))
			continue;
		if (engine->settings.ipv4)
			changed |= prefer_known(engine, cut, i, WIRE_TYPE_A);
		if (engine->settings.ipv6)
			changed |= prefer_known(engine, cut, i, WIRE_TYPE_AAAA);
	}
	if (changed)
		servers_count_addresses(cut);
}

/* ---- addresses that must be looked up ---- */

/* IPv4 first and IPv6 only if that brings nothing: half the lookups that a hostile referral can cause. */
static uint16_t next_type(const struct resolve *engine, const struct cut_server *server)
{
	if (server->has_address)
		return 0;
	if (engine->settings.ipv4 && server->v4 == CUT_UNASKED)
		return WIRE_TYPE_A;
	if (engine->settings.ipv6 && server->v6 == CUT_UNASKED && server->v4 != CUT_ASKING)
		return WIRE_TYPE_AAAA;
	return 0;
}

enum plan resolve_plan_addresses(struct resolve *engine, struct task *task)
{
	struct cut *cut = task->cut;
	if (wants_open(task) > 0)
		return PLAN_WAIT;
	if (cut->tries >= SERVER_ZONE_TRIES_MAX)
		return PLAN_NOTHING;
	if (take_all_cached(engine, task))
		return PLAN_FOUND;
	if (cut->n_servers == 0)
		return PLAN_NOTHING;
	if (cut->rounds == ENGINE_LOOKUP_ROUNDS_MAX || cut->in_vain >= ENGINE_LOOKUPS_VAIN_MAX) {
		counter_add(engine->counters, COUNTER_SERVERS_LIMITED, 1);
		return PLAN_NOTHING;
	}
	cut->rounds++;
	unsigned first = random_below(engine->random, cut->n_servers), started = 0;
	unsigned most = ENGINE_LOOKUPS_VAIN_MAX - cut->in_vain;
	if (most > RESOLVE_NS_LOOKUPS_MAX)
		most = RESOLVE_NS_LOOKUPS_MAX;
	for (unsigned i = 0; i < cut->n_servers && started < most; i++) {
		uint8_t server = (uint8_t)((first + i) % cut->n_servers);
		uint16_t type = next_type(engine, &cut->server[server]);
		if (type != 0)
			started += want_start(engine, task, server, type);
	}
	return started > 0 ? PLAN_WAIT : PLAN_NOTHING;
}

static bool plan_add(struct resolve *engine, struct task *task, const struct want *want, const struct outcome *outcome)
{
	unsigned before = task->cut->n_targets;
	for (unsigned i = 0; i < outcome->n_answers; i++)
		if (outcome->answer[i]->type == want->type)
			resolve_cut_add_set(task->cut, want->server, outcome->answer[i]);
	resolve_select_load(engine, task->cut, before, task->qtype);
	return task->cut->n_targets > before;
}

void resolve_plan_take(struct resolve *engine, struct want *want, const struct outcome *outcome, bool joined)
{
	struct task *task = want->parent;
	struct cut_server *server = &task->cut->server[want->server];
	want->used = false;
	*lookup_state(server, want->type) = CUT_ASKED;
	if (joined && outcome->reason == REASON_WORK_LIMIT && !server->again) {
		/* Somebody else's work was used up, not ours. */
		server->again = true;
		*lookup_state(server, want->type) = CUT_UNASKED;
		task->cut->rounds -= task->cut->rounds > 0;
	} else if (outcome->reason != REASON_NONE) {
		task->trouble = outcome->reason;
	}
	if (!plan_add(engine, task, want, outcome) && *lookup_state(server, want->type) == CUT_ASKED)
		task->cut->in_vain++;
	if (task->exchange < 0 && task->state == TASK_WAIT) {
		task->state = TASK_ASK;
		resolve_task_ready(engine, task);
	}
}

void resolve_plan_drop(struct resolve *engine, struct task *task)
{
	for (unsigned i = 0; i < TASK_WANTS_MAX; i++) {
		if (!task->want[i].used)
			continue;
		task->want[i].used = false;
		resolve_task_leave(engine, &task->want[i].waiter);
	}
}
