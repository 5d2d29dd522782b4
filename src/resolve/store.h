// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * store - the bounded block of memory behind the cache: byte strings under byte-string keys.
 *
 * One mapping of exactly the budget, cut into shards; each shard has its lock, its table and two rings
 * of entries. New entries go into the small ring; what is asked for while it is there moves on to the main ring, the rest
 * falls out at its end (S3-FIFO, Yang et al., SOSP 2023). A ring needs no free lists and does not fragment, so the budget is
 * exact by construction. A reader holds a shard's lock for one lookup and one copy.
 *
 *   mapping:  | struct resolve_cache | shard 0 | shard 1 | ...
 *   shard:    | struct shard | buckets (u32) | ghosts (u32) | small ring | main ring |
 *   entry:    | struct entry | key | value | padding to 8 |
 */
#pragma once

#include "resolve.h"

struct store_value {
	int64_t expires_ms;
	uint8_t rank; /* an entry that is alive is not replaced by one of lower rank */
	uint8_t kind; /* the user's: low four bits enum cache_kind, high four enum security */
	const uint8_t *data;
	size_t len;
};

#define STORE_KEY_MAX    (8 + 18 + WIRE_NAME_MAX)
#define STORE_BUDGET_MIN ((size_t)256 * 1024) /* below it the tables would outweigh the data */

/* As resolve_cache_new(), the table's secret drawn from `random` so that a run can be repeated. */
int resolve_cache_new_random(size_t budget_bytes, struct random *random, struct resolve_cache **ret) _must_use_;

/* Copies the value to `arena`. BANYAN_ENOENT (also when expired) or BANYAN_ENOMEM. */
int resolve_store_get(struct resolve_cache *cache, const uint8_t *key, size_t key_len, int64_t now_ms,
		      struct arena *arena, struct store_value *ret) _must_use_;
/* Adds or replaces; returns the number of entries that had to go, BANYAN_EEXIST when a higher rank is there, or
 * BANYAN_ELIMIT for what is too large to be kept. */
int resolve_store_put(struct resolve_cache *cache, const uint8_t *key, size_t key_len, int64_t now_ms,
		      const struct store_value *value);
void resolve_store_delete(struct resolve_cache *cache, const uint8_t *key, size_t key_len);
/* Removes every entry whose key matches. */
void resolve_store_delete_if(struct resolve_cache *cache, bool (*match)(void *ctx, const uint8_t *key, size_t len),
			     void *ctx);
/* Sizes of the mapping, and of the tables in it, for tests. */
size_t resolve_store_mapped(const struct resolve_cache *cache);
