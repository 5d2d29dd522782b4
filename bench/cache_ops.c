// SPDX-License-Identifier: GPL-3.0-or-later
/* Names in the cache, and out of it. */
#include "cache_ops.h"

#include <stdio.h>
#include <stdlib.h>

#define NOW_MS     1000
#define SET_TTL_MS 86400000

/* host-00000000.bench. */
static const uint8_t *name_of(uint32_t n)
{
	static uint8_t name[] = "\15host-00000000\5bench";
	for (unsigned i = 0; i < 8; i++, n /= 10)
		name[13 - i] = (uint8_t)('0' + n % 10);
	return name;
}

struct resolve_cache *cache_ops_new(size_t mib)
{
	struct random random;
	struct resolve_cache *cache;
	random_init_seed(&random, 2);
	if (resolve_cache_new_random(mib << 20, &random, &cache) < 0) {
		fprintf(stderr, "there is no memory for a cache of %zu MiB\n", mib);
		exit(1);
	}
	return cache;
}

bool cache_ops_find(struct resolve_cache *cache, struct arena *arena, uint32_t n)
{
	bool there = resolve_cache_set(cache, arena, NOW_MS, name_of(n), WIRE_TYPE_A) != NULL;
	arena_reset(arena);
	return there;
}

unsigned cache_ops_put(struct resolve_cache *cache, int64_t now_ms, uint32_t n)
{
	static const uint8_t pack[6] = {0, 4, 192, 0, 2, 1};
	struct rrset set = {.owner = name_of(n),
			    .type = WIRE_TYPE_A,
			    .count = 1,
			    .rank = RANK_AUTHORITY,
			    .expires_ms = now_ms + SET_TTL_MS,
			    .origin.server = {.family = 4, .port = 53},
			    .pack = pack,
			    .size = sizeof pack};
	int rc = resolve_cache_put_set(cache, now_ms, &set);
	return rc > 0 ? (unsigned)rc : 0;
}
