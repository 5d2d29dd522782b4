// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * quota - how many lookups may ask the servers of one zone at once.
 *
 * Floods of random names below one zone (water torture) would fill all places for questions with lookups that wait for
 * the servers of that zone. Each zone has a quota: settings.zone_questions_max as long as its servers answer at all, however late
 * and however many questions they lose; once they have said nothing for QUOTA_SILENCE_MS, less and less, down to
 * settings.zone_questions_min. A lookup holds its place from its first question to the zone until a reply comes. The root
 * has no quota: it is asked for all names.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define QUOTA_ENTRIES 4096 /* zones remembered; power of two */
#define QUOTA_WAYS    8    /* places where one zone may stand */
#define QUOTA_SILENCE_MS                                                                                               \
	3000 /* as long as the longest wait for one reply: servers that are merely slow or busy have said something */
#define QUOTA_MEMORY                                                                                                   \
	32 /* questions over which the share of lost ones is averaged, so that a few in a row mean little */
#define QUOTA_ONE      (1 << 20)            /* all are lost */
#define QUOTA_BEARABLE (QUOTA_ONE * 3 / 10) /* up to this share the quota is whole ... */
#define QUOTA_HOPELESS (QUOTA_ONE * 8 / 10) /* ... from this on it is the smallest */

struct quota {
	uint64_t zone; /* keyed hash of its name; 0 = free */
	uint32_t in_flight;
	uint32_t loss; /* share of questions without reply, of QUOTA_ONE */
	int64_t used_ms;
	int64_t silent_ms; /* since when there are questions without any reply */
};

struct resolve;
struct task;

int resolve_quota_init(struct resolve *engine);
void resolve_quota_done(struct resolve *engine);
/* A place for the task in the zone of its cut; false when there is none. Takes nothing twice. */
bool resolve_quota_take(struct resolve *engine, struct task *task);
/* The zone's servers replied to the task: it gives up its place. */
void resolve_quota_replied(struct resolve *engine, struct task *task);
/* They did not: it keeps its place for another try. */
void resolve_quota_silent(struct task *task);
void resolve_quota_leave(struct resolve *engine, struct task *task);
