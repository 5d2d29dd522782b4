// SPDX-License-Identifier: GPL-3.0-or-later
/* A binary heap of timers. */
#include "timer.h"

#include <stdlib.h>

static void place(struct timers *timers, uint32_t i, struct timer *timer)
{
	timers->heap[i] = timer;
	timer->place = i + 1;
}

static void sift_up(struct timers *timers, uint32_t i, struct timer *timer)
{
	while (i > 0 && timers->heap[(i - 1) / 2]->at_ms > timer->at_ms) {
		place(timers, i, timers->heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	place(timers, i, timer);
}

static void sift_down(struct timers *timers, uint32_t i, struct timer *timer)
{
	for (;;) {
		uint32_t child = 2 * i + 1;
		if (child >= timers->n)
			break;
		if (child + 1 < timers->n && timers->heap[child + 1]->at_ms < timers->heap[child]->at_ms)
			child++;
		if (timers->heap[child]->at_ms >= timer->at_ms)
			break;
		place(timers, i, timers->heap[child]);
		i = child;
	}
	place(timers, i, timer);
}

int resolve_timer_set(struct timers *timers, struct timer *timer, int64_t at_ms)
{
	resolve_timer_clear(timers, timer);
	if (timers->n == timers->cap) {
		uint32_t cap = timers->cap == 0 ? 64 : timers->cap * 2;
		struct timer **heap = realloc(timers->heap, cap * sizeof(struct timer *));
		if (heap == NULL)
			return BANYAN_ENOMEM;
		timers->heap = heap;
		timers->cap = cap;
	}
	timer->at_ms = at_ms;
	sift_up(timers, timers->n++, timer);
	return 0;
}

void resolve_timer_clear(struct timers *timers, struct timer *timer)
{
	if (timer->place == 0)
		return;
	uint32_t i = timer->place - 1;
	timer->place = 0;
	struct timer *last = timers->heap[--timers->n];
	if (last == timer)
		return;
	if (i > 0 && timers->heap[(i - 1) / 2]->at_ms > last->at_ms)
		sift_up(timers, i, last);
	else
		sift_down(timers, i, last);
}

struct timer *resolve_timer_due(struct timers *timers, int64_t now_ms)
{
	if (timers->n == 0 || timers->heap[0]->at_ms > now_ms)
		return NULL;
	struct timer *timer = timers->heap[0];
	resolve_timer_clear(timers, timer);
	return timer;
}

int64_t resolve_timer_next(const struct timers *timers)
{
	return timers->n == 0 ? INT64_MAX : timers->heap[0]->at_ms;
}

void resolve_timers_done(struct timers *timers)
{
	free(timers->heap);
	*timers = (struct timers){0};
}
