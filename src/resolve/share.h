// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * share - one shortened question in flight for all lookups that would ask it.
 *
 * Many names below a zone of which nothing is known yet are asked for at once, and the walk of each begins with the same shortened
 * name. Whole questions are shared since who wants the same waits for the same task; this does it for shortened ones: the first
 * task to ask leads, the others wait until it has learned where to go on, and then look in the cache. It spares messages, and copies
 * of one question in flight, which help who forges replies (RFC 5452 section 5).
 *
 * A task leads only while it has an exchange open, which ends by itself. So nobody waits here for somebody who waits for him.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct resolve;
struct task;

/* Of one task. */
struct share {
	struct task *next; /* in its bucket, while it leads */
	bool leads;
	uint8_t labels;   /* of the name that it leads or waits for */
	uint8_t followed; /* has waited for a name of so many labels in this zone: not again */
	struct task *leader, *followers;
	struct task *newer, *older; /* who waits for the same leader */
};

int resolve_share_init(struct resolve *engine); /* BANYAN_ENOMEM */
void resolve_share_done(struct resolve *engine);
/* The task is about to ask this shortened name (NULL: something else). True: another asks it already, and the task will be woken
 * when that one knows. */
bool resolve_share_wait(struct resolve *engine, struct task *task, const uint8_t *name);
/* It knows, or gives up: whoever waits goes on. */
void resolve_share_over(struct resolve *engine, struct task *task);
/* The task ends. */
void resolve_share_leave(struct resolve *engine, struct task *task);
