// SPDX-License-Identifier: GPL-3.0-or-later
/* Who asks a shortened name, and who waits for that. */
#include "engine.h"

#include <stdlib.h>

int resolve_share_init(struct resolve *engine)
{
	engine->leading = calloc(engine->task_buckets, sizeof(struct task *));
	return engine->leading == NULL ? BANYAN_ENOMEM : 0;
}

void resolve_share_done(struct resolve *engine)
{
	free(engine->leading);
}

static const uint8_t *shared_name(const struct task *task)
{
	return wire_name_skip(task->sname, wire_name_labels(task->sname) - task->share.labels);
}

static struct task **bucket_of(struct resolve *engine, const uint8_t *name)
{
	return &engine->leading[hash_sip(name, wire_name_len(name), engine->hash_key) & (engine->task_buckets - 1)];
}

/* One that asks the servers of the same zone for the name, which is in lower case. */
static struct task *leader_find(struct resolve *engine, const struct task *task, const uint8_t *name)
{
	for (struct task *other = *bucket_of(engine, name); other != NULL; other = other->share.next)
		if (other->cut->labels == task->cut->labels && other->cut->via == task->cut->via &&
		    other->cut->configured == task->cut->configured && wire_name_equal(shared_name(other), name))
			return other;
	return NULL;
}

static void follower_unlink(struct task *task)
{
	struct share *share = &task->share;
	if (share->newer != NULL)
		share->newer->share.older = share->older;
	else
		share->leader->share.followers = share->older;
	if (share->older != NULL)
		share->older->share.newer = share->newer;
	share->leader = share->newer = share->older = NULL;
}

static void follower_link(struct task *task, struct task *leader)
{
	struct share *share = &task->share;
	share->leader = leader;
	share->newer = NULL;
	share->older = leader->share.followers;
	if (share->older != NULL)
		share->older->share.newer = task;
	leader->share.followers = task;
}

void resolve_share_over(struct resolve *engine, struct task *task)
{
	struct share *share = &task->share;
	if (!share->leads)
		return;
	struct task **at = bucket_of(engine, shared_name(task));
	while (*at != task)
		at = &(*at)->share.next;
	*at = share->next;
	share->leads = false;
	while (share->followers != NULL) {
		struct task *follower = share->followers;
		follower_unlink(follower);
		follower->minimise = follower->minimise && task->minimise; /* what these servers make of short names */
		follower->state = TASK_LOOK;
		resolve_task_ready(engine, follower);
	}
}

/* Not for who asks on his own account: past the cache, for one network, or others than those who could not be believed. */
static bool may_share(const struct task *task)
{
	return task->shared && !task->no_cache && task->subnet.addr.family == 0 && task->validation.retries == 0;
}

bool resolve_share_wait(struct resolve *engine, struct task *task, const uint8_t *name)
{
	struct share *share = &task->share;
	unsigned labels = name == NULL ? 0 : wire_name_labels(name);
	if (share->leader != NULL)
		return true;
	if (share->leads && share->labels == labels)
		return false; /* once more */
	resolve_share_over(engine, task);
	if (name == NULL || !may_share(task))
		return false;
	struct task *leader = leader_find(engine, task, name);
	share->labels = (uint8_t)labels;
	if (leader == NULL) {
		struct task **bucket = bucket_of(engine, name);
		share->next = *bucket;
		*bucket = task;
		share->leads = true;
		return false;
	}
	if (share->followed >= labels) /* that one has learned nothing that lasts */
		return false;
	share->followed = (uint8_t)labels;
	follower_link(task, leader);
	counter_add(engine->counters, COUNTER_SHARED_SHORT, 1);
	return true;
}

void resolve_share_leave(struct resolve *engine, struct task *task)
{
	if (task->share.leader != NULL)
		follower_unlink(task);
	resolve_share_over(engine, task);
}
