// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * denials - the proved NSEC and NSEC3 records that are in the cache, in their order (RFC 8198).
 *
 * The records themselves stand in the store like all else (space CACHE_NSEC), under their owner and zone; here is only their order:
 * for each zone the owners' names, or the hashes, so that the one that covers a name is found. What has gone from the store is
 * taken out of here when it is met. A part of the cache's own memory, cut into shards by zone; when it is full, the oldest go.
 */
#pragma once

#include "rrset.h"

#define DENIALS_PART 32 /* of the cache: a node takes about 40 bytes, its record in the store some 300 */

struct resolve_cache;
struct denials;

/* Makes the index in `bytes` of zeroed memory. BANYAN_ENOMEM. */
int resolve_denials_init(void *memory, size_t bytes, const uint8_t key[16], struct denials **ret) _must_use_;
void resolve_denials_done(struct denials *denials);

/* Where in its zone's order a record stands. */
#define DENIAL_ORDER_MAX (2 * WIRE_NAME_MAX)
struct denial_place {
	bool nsec3;
	uint32_t params; /* NSEC3: of which chain */
	size_t len;
	uint8_t order[DENIAL_ORDER_MAX]; /* NSEC: the name for memcmp(); NSEC3: its hash */
};
/* The place of a name in a zone's NSEC chain (RFC 4034 section 6.1). */
void resolve_denial_place(const uint8_t *name, const uint8_t *zone, struct denial_place *ret);
/* And back; BANYAN_EMALF. */
int resolve_denial_name(const struct denial_place *place, const uint8_t *zone, uint8_t out[WIRE_NAME_MAX]) _must_use_;

void resolve_denials_add(struct denials *denials, const uint8_t *zone, const struct denial_place *place);
void resolve_denials_remove(struct denials *denials, const uint8_t *zone, const struct denial_place *place);
/* The last place of the same chain that is not behind `place`; for NSEC3 the chain is a ring. BANYAN_ENOENT. */
int resolve_denials_before(struct denials *denials, const uint8_t *zone, const struct denial_place *place,
			   struct denial_place *ret) _must_use_;
/* Is anything known of the zone? */
bool resolve_denials_know(struct denials *denials, const uint8_t *zone);
size_t resolve_denials_count(struct denials *denials);
size_t resolve_denials_bytes(struct denials *denials); /* in use */

/* ---- learn.c: between the index and the store ---- */
struct denial_chain {
	uint16_t iterations;
	uint8_t salt_len, salt[255];
	uint32_t params;
};
/* Remembers a proved NSEC, NSEC3 or SOA set; others are ignored. Returns the number of entries evicted. */
int resolve_denial_learn(struct resolve_cache *cache, int64_t now_ms, const struct rrset *set);
/* What was loaded into the store from a file is found again. */
void resolve_denial_relearn(struct resolve_cache *cache, const uint8_t *zone, const struct rrset *set);
/* What covers the name, or a name between it and the zone, is forgotten, in all zones above it. Returns how many records. */
size_t resolve_denial_forget(struct resolve_cache *cache, const uint8_t *name);
struct rrset *resolve_denial_soa(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone);
/* The NSEC that stands at the name or is the last before it; NULL = not known. */
struct rrset *resolve_denial_nsec(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone,
				  const uint8_t *name);
/* The chain of NSEC3 records that was seen last in the zone. */
bool resolve_denial_chain(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone,
			  struct denial_chain *ret);
/* The NSEC3 whose owner is the hash (*ret_match), or the last before it. */
struct rrset *resolve_denial_nsec3(struct resolve_cache *cache, struct arena *arena, int64_t now_ms,
				   const uint8_t *zone, const struct denial_chain *chain, const uint8_t hash[20],
				   bool *ret_match);
