// SPDX-License-Identifier: GPL-3.0-or-later
/* Places of lookups at the servers of each zone. */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

int resolve_quota_init(struct resolve *engine)
{
	engine->quota = calloc(QUOTA_ENTRIES, sizeof *engine->quota);
	return engine->quota == NULL ? BANYAN_ENOMEM : 0;
}

void resolve_quota_done(struct resolve *engine)
{
	free(engine->quota);
}

/* The zone's entry; a new one takes the place of one that is not in use. NULL = all places are: no quota then. */
static struct quota *find(struct resolve *engine, const uint8_t *zone)
{
	uint8_t name[WIRE_NAME_MAX];
	uint64_t hash = hash_sip(name, wire_name_lower(zone, name), engine->hash_key);
	hash += hash == 0;
	struct quota *set = &engine->quota[hash & (QUOTA_ENTRIES - QUOTA_WAYS)], *spare = NULL;
	for (unsigned i = 0; i < QUOTA_WAYS; i++) {
		if (set[i].zone == hash)
			return &set[i];
		if (set[i].in_flight == 0 && (spare == NULL || set[i].used_ms < spare->used_ms))
			spare = &set[i];
	}
	if (spare != NULL)
		*spare = (struct quota){.zone = hash, .used_ms = engine->now_ms, .silent_ms = engine->now_ms};
	return spare;
}

static uint32_t allowed(const struct resolve *engine, const struct quota *quota)
{
	uint32_t most = engine->settings.zone_questions_max, least = engine->settings.zone_questions_min;
	if (engine->now_ms - quota->silent_ms < QUOTA_SILENCE_MS)
		return most; /* a burst that a busy server has lost says nothing yet */
	if (quota->loss <= QUOTA_BEARABLE || least >= most)
		return most;
	if (quota->loss >= QUOTA_HOPELESS)
		return least;
	uint64_t left = QUOTA_HOPELESS - quota->loss;
	return least + (uint32_t)((most - least) * left / (QUOTA_HOPELESS - QUOTA_BEARABLE));
}

bool resolve_quota_take(struct resolve *engine, struct task *task)
{
	if (engine->settings.zone_questions_max == 0 || task->cut->zone[0] == 0 || task->no_cache)
		return true;
	struct quota *quota = find(engine, task->cut->zone);
	if (quota == NULL || quota == task->quota)
		return true;
	resolve_quota_leave(engine, task);
	if (quota->in_flight == 0 && engine->now_ms - quota->used_ms >= QUOTA_SILENCE_MS)
		quota->silent_ms = engine->now_ms; /* nobody has asked for a while: that is no silence */
	if (quota->in_flight >= allowed(engine, quota)) {
		counter_add(engine->counters, COUNTER_ZONE_LIMITED, 1);
		return false;
	}
	quota->in_flight++;
	quota->used_ms = engine->now_ms;
	task->quota = quota;
	return true;
}

void resolve_quota_leave(struct resolve *engine, struct task *task)
{
	struct quota *quota = task->quota;
	if (quota == NULL)
		return;
	quota->in_flight--;
	quota->used_ms = engine->now_ms;
	task->quota = NULL;
}

void resolve_quota_replied(struct resolve *engine, struct task *task)
{
	struct quota *quota = task->quota;
	if (quota == NULL)
		return;
	quota->loss -= quota->loss / QUOTA_MEMORY;
	quota->silent_ms = engine->now_ms;
	resolve_quota_leave(engine, task);
}

void resolve_quota_silent(struct task *task)
{
	struct quota *quota = task->quota;
	if (quota != NULL)
		quota->loss += (QUOTA_ONE - quota->loss) / QUOTA_MEMORY;
}
