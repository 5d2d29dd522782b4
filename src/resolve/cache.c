// SPDX-License-Identifier: GPL-3.0-or-later
/* What is kept under which key: RRsets, denials, delegations, servers. */
#include "cache.h"
#include "denials.h"
#include "forward.h"

#include <string.h>

struct cache_key resolve_cache_key(enum cache_space space, const uint8_t *name, uint16_t type)
{
	struct cache_key key;
	key.bytes[0] = (uint8_t)space;
	wire_put16(key.bytes + 1, type);
	key.len = 3 + wire_name_lower(name, key.bytes + 3);
	return key;
}

static struct cache_key key_addr(enum cache_space space, const struct addr *addr, const uint8_t *zone)
{
	struct cache_key key;
	key.bytes[0] = (uint8_t)space;
	wire_put16(key.bytes + 1, addr->port);
	key.bytes[3] = addr->family;
	memcpy(key.bytes + 4, addr->ip, 16);
	key.len = 20 + (zone == NULL ? 0 : wire_name_lower(zone, key.bytes + 20));
	return key;
}

static int get(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const struct cache_key *key,
	       struct store_value *ret)
{
	return resolve_store_get(cache, key->bytes, key->len, now_ms, arena, ret);
}

static int put(struct resolve_cache *cache, int64_t now_ms, const struct cache_key *key,
	       const struct store_value *value)
{
	return value->expires_ms <= now_ms ? 0 : resolve_store_put(cache, key->bytes, key->len, now_ms, value);
}

static uint8_t kind_make(enum cache_kind kind, uint8_t security)
{
	return (uint8_t)(kind | security << 4);
}

/* ---- RRsets and denials ---- */

static struct rrset *set_unpack(struct arena *arena, const uint8_t *name, uint16_t type,
				const struct store_value *value)
{
	struct rrset *set = arena_alloc(arena, sizeof *set);
	const uint8_t *owner = arena_dup(arena, name, wire_name_len(name));
	if (set == NULL || owner == NULL || resolve_value_set_read(value, owner, type, set) < 0)
		return NULL;
	return set;
}

/* A name that has data exists, unless the opposite is better proved. */
static void name_exists(struct resolve_cache *cache, int64_t now_ms, const struct rrset *set)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct cache_key key = resolve_cache_key(CACHE_NAME, set->owner, 0);
	struct store_value value;
	if (get(cache, &arena, now_ms, &key, &value) == 0 && value.kind >> 4 <= set->security)
		resolve_store_delete(cache, key.bytes, key.len);
}

/* What made a proved set, under its own name, and the proofs beside it: for what the same wildcard makes of other names. */
static int put_wildcard(struct resolve_cache *cache, int64_t now_ms, const struct rrset *set)
{
	uint8_t name[WIRE_NAME_MAX];
	struct wire_rdata rrsig = resolve_rrset_rdata(set, set->count);
	unsigned labels = wire_name_labels(set->owner);
	if (set->security != SECURITY_SECURE || !resolve_rrset_expanded(set) || rrsig.len < 4 ||
	    rrsig.data[3] >= labels || wire_name_wildcard(wire_name_skip(set->owner, labels - rrsig.data[3]), name) < 0)
		return 0;
	struct rrset wildcard = *set;
	wildcard.owner = name;
	wildcard.n_proofs = 0;
	int rc = resolve_cache_put_set(cache, now_ms, &wildcard), evicted = rc < 0 ? 0 : rc;
	for (unsigned i = 0; i < set->n_proofs; i++)
		evicted += resolve_denial_learn(cache, now_ms, set->proof[i]);
	return evicted;
}

int resolve_cache_put_set(struct resolve_cache *cache, int64_t now_ms, const struct rrset *set)
{
	if (set->synthesised || set->count == 0 || set->size > RESOLVE_RRSET_BYTES_MAX)
		return 0;
	uint8_t small[2048];
	struct buffer large = {0};
	uint8_t *data = small;
	if (resolve_value_set_max(set) > sizeof small) {
		if (buffer_reserve(&large, resolve_value_set_max(set)) < 0)
			return BANYAN_ENOMEM;
		data = large.data;
	}
	struct cache_key key = resolve_cache_key(CACHE_SET, set->owner, set->type);
	struct store_value value = {.expires_ms = set->expires_ms,
				    .rank = set->rank,
				    .kind = kind_make(CACHE_KIND_SET, set->security),
				    .data = data,
				    .len = resolve_value_set_write(set, data)};
	int rc = put(cache, now_ms, &key, &value);
	if (rc >= 0 && set->rank >= RANK_ANSWER)
		name_exists(cache, now_ms, set);
	if (rc >= 0 && set->n_proofs > 0)
		rc += resolve_cache_put_proof(cache, now_ms, set) + put_wildcard(cache, now_ms, set);
	buffer_done(&large);
	return rc;
}

static int put_ranked_denial(struct resolve_cache *cache, int64_t now_ms, const uint8_t *name, uint16_t type,
			     const struct cache_denial *denial, enum rank rank)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	int rc = resolve_value_denial_write(denial, &out), learned = 0;
	if (rc < 0)
		return rc;
	for (unsigned i = 0; i < denial->n && denial->security == SECURITY_SECURE; i++)
		learned += resolve_denial_learn(cache, now_ms, denial->set[i]);
	struct cache_key key =
		denial->nxdomain ? resolve_cache_key(CACHE_NAME, name, 0) : resolve_cache_key(CACHE_SET, name, type);
	struct store_value value = {.expires_ms = denial->expires_ms,
				    .rank = rank,
				    .kind = kind_make(CACHE_KIND_DENIAL, denial->security),
				    .data = out.data,
				    .len = out.len};
	rc = put(cache, now_ms, &key, &value);
	return rc < 0 ? rc : rc + learned;
}

int resolve_cache_put_denial(struct resolve_cache *cache, int64_t now_ms, const uint8_t *name, uint16_t type,
			     const struct cache_denial *denial)
{
	return put_ranked_denial(cache, now_ms, name, type, denial, RANK_AUTHORITY);
}

int resolve_cache_put_no_ds(struct resolve_cache *cache, int64_t now_ms, const uint8_t *zone,
			    const struct cache_denial *denial)
{
	return put_ranked_denial(cache, now_ms, zone, WIRE_TYPE_DS, denial, RANK_REFERRAL);
}

static enum cache_hit find_ranked(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *name,
				  uint16_t type, enum rank rank, struct rrset **ret_set,
				  struct cache_denial *ret_denial)
{
	struct cache_key key = resolve_cache_key(CACHE_SET, name, type);
	struct store_value value;
	if (get(cache, arena, now_ms, &key, &value) < 0 || value.rank < rank)
		return CACHE_MISS;
	if ((value.kind & 15) == CACHE_KIND_SET) {
		struct rrset *set = set_unpack(arena, name, type, &value);
		if (set == NULL || !resolve_cache_take_proof(cache, arena, now_ms, set))
			return CACHE_MISS;
		*ret_set = set;
		return CACHE_HIT_SET;
	}
	ret_denial->nxdomain = false;
	return resolve_value_denial_read(&value, arena, ret_denial) < 0 ? CACHE_MISS : CACHE_HIT_DENIAL;
}

enum cache_hit resolve_cache_find(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *name,
				  uint16_t type, struct rrset **ret_set, struct cache_denial *ret_denial)
{
	return find_ranked(cache, arena, now_ms, name, type, RANK_ANSWER, ret_set, ret_denial);
}

enum cache_hit resolve_cache_ds(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone,
				struct rrset **ret_set, struct cache_denial *ret_denial)
{
	return find_ranked(cache, arena, now_ms, zone, WIRE_TYPE_DS, RANK_REFERRAL, ret_set, ret_denial);
}

struct rrset *resolve_cache_set(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *name,
				uint16_t type)
{
	struct rrset *set = NULL;
	struct cache_denial denial;
	return resolve_cache_find(cache, arena, now_ms, name, type, &set, &denial) == CACHE_HIT_SET ? set : NULL;
}

bool resolve_cache_nxdomain(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *name,
			    struct cache_denial *ret)
{
	struct cache_key key = resolve_cache_key(CACHE_NAME, name, 0);
	struct store_value value;
	if (get(cache, arena, now_ms, &key, &value) < 0)
		return false;
	ret->nxdomain = true;
	return resolve_value_denial_read(&value, arena, ret) == 0;
}

/* ---- delegations ---- */

static uint16_t cut_origin(const struct forward *via)
{
	return via == NULL ? 0 : via->origin;
}

bool resolve_cache_cut(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone,
		       const struct forward *via, struct cut *ret)
{
	struct cache_key key = resolve_cache_key(CACHE_CUT, zone, cut_origin(via));
	struct store_value value;
	if (get(cache, arena, now_ms, &key, &value) < 0 || resolve_cut_unpack(value.data, value.len, ret) < 0)
		return false;
	ret->zone = zone;
	ret->labels = wire_name_labels(zone);
	ret->expires_ms = value.expires_ms;
	ret->cached = true;
	ret->via = via;
	return true;
}

int resolve_cache_put_cut(struct resolve_cache *cache, int64_t now_ms, const struct cut *cut)
{
	uint8_t data[CUT_PACK_MAX];
	int len = resolve_cut_pack(cut, data, sizeof data);
	if (len < 0)
		return len;
	struct cache_key key = resolve_cache_key(CACHE_CUT, cut->zone, cut_origin(cut->via));
	struct store_value value = {.expires_ms = cut->expires_ms,
				    .rank = RANK_REFERRAL,
				    .kind = CACHE_KIND_SET,
				    .data = data,
				    .len = (size_t)len};
	return put(cache, now_ms, &key, &value);
}

void resolve_cache_drop_cut(struct resolve_cache *cache, const struct cut *cut)
{
	struct cache_key key = resolve_cache_key(CACHE_CUT, cut->zone, cut_origin(cut->via));
	resolve_store_delete(cache, key.bytes, key.len);
}

/* ---- servers ---- */

bool resolve_cache_server(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const struct addr *addr,
			  void *ret, size_t size)
{
	struct cache_key key = key_addr(CACHE_SERVER, addr, NULL);
	struct store_value value;
	if (get(cache, arena, now_ms, &key, &value) < 0 || value.len != size)
		return false;
	memcpy(ret, value.data, size);
	return true;
}

int resolve_cache_put_server(struct resolve_cache *cache, int64_t now_ms, const struct addr *addr, const void *info,
			     size_t size)
{
	struct cache_key key = key_addr(CACHE_SERVER, addr, NULL);
	struct store_value value = {
		.expires_ms = now_ms + CACHE_SERVER_TTL_S * 1000, .kind = CACHE_KIND_SET, .data = info, .len = size};
	return put(cache, now_ms, &key, &value);
}
