// SPDX-License-Identifier: GPL-3.0-or-later
/* What the benchmarks of the cache do to it: host-00000000.bench. and so on are looked up and put, each with one address. */
#pragma once

#include "resolve/cache.h"

struct resolve_cache *cache_ops_new(
	size_t mib); /* the same each time, to the last bit; exits when there is no memory */
bool cache_ops_find(struct resolve_cache *cache, struct arena *arena, uint32_t n);
/* Or puts it anew, for a day from `now_ms`. How many others went for it. */
unsigned cache_ops_put(struct resolve_cache *cache, int64_t now_ms, uint32_t n);
