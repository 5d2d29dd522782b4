// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * cache - what the walk remembers, over the byte strings of store.
 *
 * Spaces of keys: RRsets and NODATA by name and type; NXDOMAIN by name; delegations by zone; failures by
 * name and type (RFC 9520); what is known of a server by address; lameness by zone and address.
 *
 * Delegations are kept as the parent said them and live no longer than the delegation they were learned
 * through; what a zone says of its own NS set answers clients and steers no walk. So a zone that its parent has
 * removed cannot prolong its own life (ghost domains). Those below a stub zone have keys of their own.
 */
#pragma once

#include "cut.h"
#include "rrset.h"
#include "store.h"

enum cache_space {
	CACHE_SET = 1, /* values of kind CACHE_KIND_SET or CACHE_KIND_DENIAL */
	CACHE_NAME,    /* NXDOMAIN */
	CACHE_CUT,
	CACHE_FAILURE,
	CACHE_SERVER,
	CACHE_LAME,
	CACHE_NSEC,  /* proved NSEC, NSEC3 and SOA sets for synthesis (learn.c) */
	CACHE_TRUST, /* of zones: trust.h */
	CACHE_PROOF, /* what proves a set made of a wildcard, by name and type */
};
enum cache_kind { CACHE_KIND_SET = 1, CACHE_KIND_DENIAL };

#define CACHE_DENIAL_SETS_MAX   16
#define CACHE_FAILURE_TTL_S     5  /* RFC 9520 section 3.2: at least 1 second, at most 5 minutes */
#define CACHE_FAILURE_TTL_MAX_S 60 /* after it has failed several times in a row */
#define CACHE_LAME_TTL_S        120 /* long enough to spare the servers, short enough for an operator who mends his zone */
#define CACHE_SERVER_TTL_S      900 /* as long as others remember what they measured */

struct cache_denial {
	bool nxdomain;
	uint8_t security; /* enum security: of the denial as a whole */
	uint8_t asked;    /* these three as in struct rrset; set[0]->origin counts when it is put */
	int64_t stored_ms, expires_ms;
	struct rrset_origin origin;
	unsigned n;
	struct rrset *set[CACHE_DENIAL_SETS_MAX];
};

enum cache_hit { CACHE_MISS, CACHE_HIT_SET, CACHE_HIT_DENIAL };

/* What is known of (name, type) itself: no aliases. */
enum cache_hit resolve_cache_find(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *name,
				  uint16_t type, struct rrset **ret_set, struct cache_denial *ret_denial);
/* The set alone, or NULL. */
struct rrset *resolve_cache_set(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *name,
				uint16_t type);
bool resolve_cache_nxdomain(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *name,
			    struct cache_denial *ret);
/* What is known of the DS set of a delegation, also when only its parent's referral said it; absence as a denial. */
enum cache_hit resolve_cache_ds(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone,
				struct rrset **ret_set, struct cache_denial *ret_denial);
/* Forgets a set or a denial that turned out to be bogus. */
void resolve_cache_drop(struct resolve_cache *cache, const uint8_t *name, uint16_t type);
/* These return the number of entries evicted, or an error that may be ignored: then it is not remembered. */
int resolve_cache_put_set(struct resolve_cache *cache, int64_t now_ms, const struct rrset *set);
int resolve_cache_put_denial(struct resolve_cache *cache, int64_t now_ms, const uint8_t *name, uint16_t type,
			     const struct cache_denial *denial);
/* A referral said, with these proofs, that the delegation has no DS. */
int resolve_cache_put_no_ds(struct resolve_cache *cache, int64_t now_ms, const uint8_t *zone,
			    const struct cache_denial *denial);

bool resolve_cache_cut(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone,
		       const struct forward *via, struct cut *ret);
int resolve_cache_put_cut(struct resolve_cache *cache, int64_t now_ms, const struct cut *cut);
void resolve_cache_drop_cut(struct resolve_cache *cache, const struct cut *cut);

bool resolve_cache_failure(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *name,
			   uint16_t type, enum reason *ret);
/* Lasts CACHE_FAILURE_TTL_S, twice as long each time in a row, not less than `at_least_s`, at most CACHE_FAILURE_TTL_MAX_S. */
int resolve_cache_put_failure(struct resolve_cache *cache, int64_t now_ms, const uint8_t *name, uint16_t type,
			      enum reason reason, uint32_t at_least_s);
/* The same with words about what exactly was wrong, or NULL. */
int resolve_cache_put_failure_detail(struct resolve_cache *cache, int64_t now_ms, const uint8_t *name, uint16_t type,
				     enum reason reason, const char *detail, uint32_t at_least_s);
const char *resolve_cache_failure_detail(struct resolve_cache *cache, struct arena *arena, int64_t now_ms,
					 const uint8_t *name, uint16_t type);
void resolve_cache_drop_failure(struct resolve_cache *cache, const uint8_t *name, uint16_t type);

/* What was derived for a zone: bytes of trust.h. */
bool resolve_cache_trust(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone,
			 struct store_value *ret);
int resolve_cache_put_trust(struct resolve_cache *cache, int64_t now_ms, const uint8_t *zone, int64_t expires_ms,
			    const uint8_t *data, size_t len);
void resolve_cache_drop_trust(struct resolve_cache *cache, const uint8_t *zone);
/* How often something was flushed: who keeps copies outside the cache lets go of them when it changes. */
uint32_t resolve_cache_flushes(const struct resolve_cache *cache);

/* Fixed-size memory of servers (select.h). */
bool resolve_cache_server(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const struct addr *addr,
			  void *ret, size_t size);
int resolve_cache_put_server(struct resolve_cache *cache, int64_t now_ms, const struct addr *addr, const void *info,
			     size_t size);
/* lame.c: how a server stands to questions of a type below a zone. One name for which it does not serve the zone says
 * nothing of others: the reply may be forged, or the name wrong. Load balancers that know A alone are not lame for A. */
enum cache_lameness { LAME_NOT, LAME_ONCE, LAME_ZONE };
enum cache_lameness resolve_cache_lame(struct resolve_cache *cache, struct arena *arena, int64_t now_ms,
				       const uint8_t *zone, const struct addr *addr, uint16_t type);
/* It did not serve the zone for `name`: LAME_ZONE from the second name in a row on. */
int resolve_cache_put_lame(struct resolve_cache *cache, int64_t now_ms, const uint8_t *zone, const struct addr *addr,
			   const uint8_t *name, uint16_t type);
/* It does serve the zone. */
void resolve_cache_drop_lame(struct resolve_cache *cache, const uint8_t *zone, const struct addr *addr, uint16_t type);
#define CACHE_LAME_NAME_AT 20 /* where in the key the zone begins */

/* ---- for the files beside cache.c ---- */
struct cache_key {
	size_t len;
	uint8_t bytes[STORE_KEY_MAX];
};
struct cache_key resolve_cache_key(enum cache_space space, const uint8_t *name, uint16_t type);

/* cache_value.c. Names and packs point into value->data. BANYAN_EMALF. */
int resolve_value_set_read(const struct store_value *value, const uint8_t *owner, uint16_t type, struct rrset *ret)
	_must_use_;
size_t resolve_value_set_max(const struct rrset *set);                 /* bytes that writing takes at most */
size_t resolve_value_set_write(const struct rrset *set, uint8_t *out); /* returns the bytes it took */
/* ret->nxdomain stays as it is. Or BANYAN_ENOMEM. */
int resolve_value_denial_read(const struct store_value *value, struct arena *arena, struct cache_denial *ret)
	_must_use_;
int resolve_value_denial_write(const struct cache_denial *denial, struct buffer *out) _must_use_;
/* cache_proof.c: beside a set made of a wildcard. Returns the number of entries evicted. */
int resolve_cache_put_proof(struct resolve_cache *cache, int64_t now_ms, const struct rrset *set);
/* False: the set is of no use, since clients could not prove it. */
bool resolve_cache_take_proof(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, struct rrset *set);
