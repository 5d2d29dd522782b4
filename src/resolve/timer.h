// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * timer - a heap of times; each timer stands inside the object that it belongs to.
 */
#pragma once

#include "base/base.h"

enum timer_kind { TIMER_EXCHANGE, TIMER_QUESTION, TIMER_PATIENCE, TIMER_ANCHORS };

struct timer {
	int64_t at_ms;
	uint32_t place; /* in the heap, from 1; 0 = not set */
	enum timer_kind kind;
	void *owner;
};

struct timers {
	struct timer **heap; /* heap[0] is the first place */
	uint32_t n, cap;
};

/* BANYAN_ENOMEM */
int resolve_timer_set(struct timers *timers, struct timer *timer, int64_t at_ms) _must_use_;
void resolve_timer_clear(struct timers *timers, struct timer *timer);
/* Takes out the first timer that is due, or NULL. */
struct timer *resolve_timer_due(struct timers *timers, int64_t now_ms);
int64_t resolve_timer_next(const struct timers *timers); /* INT64_MAX = none */
void resolve_timers_done(struct timers *timers);
