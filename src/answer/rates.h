// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * rates - how often something may happen, for each of very many keys: token buckets in a table of fixed size.
 *
 * All workers share one table; an entry is locked for some nanoseconds, each set of entries by itself. Keys are hashed with a
 * secret. When a set is full, the entry that was not used for longest makes room, and what it knew is forgotten.
 */
#pragma once

#include "answer/answer.h"

#define RATES_WAYS 4 /* entries in which one key may stand */

/* A bucket holds at most the tokens of one second and may owe those of `window_s`: who asks on and on for more than
 * `per_s` gets nothing as long as that lasts, and there is no wave of passing and blocking. With a window of 0 the tokens that come
 * in are given out, also to who asks for more. */
struct rate {
	uint32_t per_s;
	uint32_t window_s;
};

/* Takes a token: 0 = it may happen; else the how-many-th refusal in a row this is for this key. */
uint32_t rates_take(struct answer_rates *rates, const void *key, size_t len, const struct rate *rate, int64_t now_ms);

/* A bucket of bytes that may go out at once; what is above goes out as new ones flow in. */
struct pace {
	uint32_t bytes;       /* the bucket holds so many */
	uint32_t per_s;       /* so many flow in */
	uint32_t wait_max_ms; /* who would have to wait longer is sent away */
};

/* Adds bytes to the bucket besides those of time. */
void rates_grant(struct answer_rates *rates, const void *key, size_t len, const struct pace *pace, uint32_t bytes,
		 int64_t now_ms);
/* When these bytes may go out: in so many ms, or -1 = not within wait_max_ms (and nothing is taken). */
int64_t rates_pace(struct answer_rates *rates, const void *key, size_t len, const struct pace *pace, uint32_t bytes,
		   int64_t now_ms);
