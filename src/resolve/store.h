// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * store - the bounded block of memory behind the cache: byte strings under byte-string keys.
 *
 * One mapping of exactly the budget, cut into shards; each shard has its lock, its table and two rings
 * of entries. New entries go into the small ring; what is asked for while it is there moves on to the main ring, the rest
 * falls out at its end (S3-FIFO, Yang et al., SOSP 2023). A ring needs no free lists and does not fragment, so the budget is
 * exact by construction. A reader holds a shard's lock for one lookup and one copy.
 *
 *   mapping:  | struct resolve_cache, with a struct shard each | shard 0 | shard 1 | ... | denials |
 *   shard:    | buckets (u32), as many as there is room for | ghosts (u32) | small ring | main ring |
 *   entry:    | struct entry | key | value | padding to 8 |
 *
 * What is not in use is not touched, so it takes no memory: the table of a shard grows with the entries in it (shard.h).
 *
 * What has expired stays until its place is needed, and is the first to go: resolve_store_get() with an earlier time
 * finds it (RFC 8767).
 */
#pragma once

#include "resolve.h"

#include <pthread.h>

/* See resolve_cache_time(). */
struct store_clock {
	pthread_mutex_t lock;
	_Atomic bool set;
	_Atomic int64_t offset_ms; /* wall minus monotonic, as it was seen last */
	_Atomic int64_t ahead_ms;
};

struct store_value {
	int64_t stored_ms; /* when it was put; resolve_store_put() sets it itself */
	int64_t expires_ms;
	uint8_t rank;  /* an entry that is alive is not replaced by one of lower rank */
	uint8_t kind;  /* the user's: low four bits enum cache_kind, high four enum security */
	uint8_t asked; /* how often it was asked for lately, this time included; STORE_ASKED_MAX = so often or more. A new entry begins with it */
	const uint8_t *data;
	size_t len;
};

#define STORE_ASKED_MAX 3

#define STORE_KEY_MAX     (8 + 18 + WIRE_NAME_MAX)
#define STORE_LIFE_MAX_MS ((int64_t)UINT32_MAX) /* 49 days: more than any cap on TTLs that can be set */
#define STORE_BUDGET_MIN  ((size_t)256 * 1024)  /* below it the tables would outweigh the data */

/* As resolve_cache_new(), the table's secret drawn from `random` so that a run can be repeated. */
int resolve_cache_new_random(size_t budget_bytes, struct random *random, struct resolve_cache **ret) _must_use_;

/* The cache's own time, which all of its times below are in: the wall clock, except that it never runs backwards.
 * `now_ms` is the monotonic clock, by which a step of the wall clock shows. Forward steps count (a machine that slept): what
 * was kept expires. Steps backwards do not: or else a TTL would last longer than its owner allowed. Any thread. */
int64_t resolve_cache_time(struct resolve_cache *cache, int64_t now_ms, int64_t wall_ms);
/* How far it is ahead of the wall clock: the sum of all steps backwards. */
int64_t resolve_cache_time_ahead(const struct resolve_cache *cache);

/* Copies the value to `arena`. BANYAN_ENOENT (also when expired) or BANYAN_ENOMEM. */
int resolve_store_get(struct resolve_cache *cache, const uint8_t *key, size_t key_len, int64_t now_ms,
		      struct arena *arena, struct store_value *ret) _must_use_;
/* The same into `out`, most often without waiting for anybody, for what is read so often that a lock would be felt: what has
 * been asked for STORE_ASKED_MAX times takes none. Its data stand somewhere in `out`. BANYAN_ENOENT, or BANYAN_ELIMIT when it
 * takes more than `cap`, which has to be 16 larger than the value. */
int resolve_store_peek(struct resolve_cache *cache, const uint8_t *key, size_t key_len, int64_t now_ms, uint8_t *out,
		       size_t cap, struct store_value *ret) _must_use_;
/* Adds or replaces; returns the number of entries that had to go, BANYAN_EEXIST when a better one is there and alive (of higher
 * rank, or with proved signatures where those of the new one are not looked at yet), or BANYAN_ELIMIT for what is too
 * large to be kept. Lives at most STORE_LIFE_MAX_MS. */
int resolve_store_put(struct resolve_cache *cache, const uint8_t *key, size_t key_len, int64_t now_ms,
		      const struct store_value *value);
/* These return the number of entries removed. */
size_t resolve_store_delete(struct resolve_cache *cache, const uint8_t *key, size_t key_len);
/* Every entry whose key matches. */
size_t resolve_store_delete_if(struct resolve_cache *cache, bool (*match)(void *ctx, const uint8_t *key, size_t len),
			       void *ctx);
struct store_item {
	const uint8_t *key;
	size_t key_len;
	struct store_value value; /* of what has expired too */
};
/* Calls `fn` under a lock for the entries of the next `buckets` buckets of one shard; false = that was the end. */
bool resolve_store_visit(struct resolve_cache *cache, struct resolve_cache_cursor *cursor, uint32_t buckets,
			 void (*fn)(void *ctx, const struct store_item *item), void *ctx);
/* About so many entries are to come; a hint, which spares an empty table its growth. */
void resolve_store_expect(struct resolve_cache *cache, size_t entries);
struct denials;
struct denials *resolve_store_denials(struct resolve_cache *cache);
struct store_clock *resolve_store_clock(struct resolve_cache *cache);
/* How often entries were removed by resolve_store_delete_if(). */
uint32_t resolve_store_removals(const struct resolve_cache *cache);
/* Sizes of the mapping, and of the tables in it, for tests. */
size_t resolve_store_mapped(const struct resolve_cache *cache);
