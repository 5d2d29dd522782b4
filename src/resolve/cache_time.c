// SPDX-License-Identifier: GPL-3.0-or-later
/* The cache's own time: the wall clock that never runs backwards. */
#include "store.h"

#define JUMP_MS 1000 /* less is reading both clocks one after the other, or NTP at work */

/* The wall clock has stepped against the monotonic one. Whoever sees it first says so for all. */
static void clock_stepped(struct store_clock *clock, int64_t offset_ms)
{
	pthread_mutex_lock(&clock->lock);
	int64_t known_ms = atomic_load(&clock->offset_ms);
	if (!atomic_load(&clock->set)) {
		atomic_store(&clock->offset_ms, offset_ms);
		atomic_store(&clock->set, true);
	} else if (offset_ms < known_ms - JUMP_MS) {
		atomic_store(&clock->ahead_ms, atomic_load(&clock->ahead_ms) + known_ms - offset_ms);
		atomic_store(&clock->offset_ms, offset_ms);
	} else if (offset_ms > known_ms + JUMP_MS) {
		atomic_store(&clock->offset_ms, offset_ms);
	}
	pthread_mutex_unlock(&clock->lock);
}

int64_t resolve_cache_time(struct resolve_cache *cache, int64_t now_ms, int64_t wall_ms)
{
	struct store_clock *clock = resolve_store_clock(cache);
	int64_t offset_ms = wall_ms - now_ms;
	int64_t step_ms = offset_ms - atomic_load_explicit(&clock->offset_ms, memory_order_relaxed);
	if (step_ms < -JUMP_MS || step_ms > JUMP_MS || !atomic_load_explicit(&clock->set, memory_order_relaxed))
		clock_stepped(clock, offset_ms);
	return wall_ms + atomic_load_explicit(&clock->ahead_ms, memory_order_relaxed);
}

int64_t resolve_cache_time_ahead(const struct resolve_cache *cache)
{
	return atomic_load(&resolve_store_clock((struct resolve_cache *)cache)->ahead_ms);
}
