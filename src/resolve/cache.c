// SPDX-License-Identifier: GPL-3.0-or-later
/* Keys and values of the cache: RRsets, denials, delegations, failures, servers. */
#include "cache.h"

#include <string.h>

struct cache_key {
	size_t len;
	uint8_t bytes[STORE_KEY_MAX];
};

static struct cache_key key_name(enum cache_space space, const uint8_t *name, uint16_t type)
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

static uint8_t kind_security(uint8_t kind)
{
	return kind >> 4;
}

/* ---- RRsets: u16 count, u16 n_sigs, pack ---- */

static struct rrset *set_unpack(struct arena *arena, const uint8_t *name, uint16_t type,
				const struct store_value *value)
{
	if (value->len < 4)
		return NULL;
	uint16_t count = wire_get16(value->data), n_sigs = wire_get16(value->data + 2);
	struct rrset *set = arena_alloc(arena, sizeof *set);
	const uint8_t *owner = arena_dup(arena, name, wire_name_len(name));
	if (set == NULL || owner == NULL)
		return NULL;
	*set = (struct rrset){.owner = owner,
			      .type = type,
			      .count = count,
			      .n_sigs = n_sigs,
			      .rank = value->rank,
			      .security = kind_security(value->kind),
			      .expires_ms = value->expires_ms,
			      .pack = value->data + 4,
			      .size = (uint32_t)(value->len - 4)};
	return set;
}

int resolve_cache_put_set(struct resolve_cache *cache, int64_t now_ms, const struct rrset *set)
{
	if (set->synthesised || set->count == 0 || set->size > RESOLVE_RRSET_BYTES_MAX)
		return 0;
	uint8_t small[2048];
	struct buffer large = {0};
	uint8_t *data = small;
	if (set->size + 4 > sizeof small) {
		if (buffer_reserve(&large, set->size + 4) < 0)
			return BANYAN_ENOMEM;
		data = large.data;
	}
	wire_put16(data, set->count);
	wire_put16(data + 2, set->n_sigs);
	memcpy(data + 4, set->pack, set->size);
	struct cache_key key = key_name(CACHE_SET, set->owner, set->type);
	struct store_value value = {set->expires_ms, set->rank, kind_make(CACHE_KIND_SET, set->security), data,
				    set->size + 4};
	int rc = put(cache, now_ms, &key, &value);
	buffer_done(&large);
	return rc;
}

/* ---- denials: u8 n, then for each: owner, u16 type, u16 count, u16 n_sigs, u32 size, pack ---- */

static int denial_unpack(struct arena *arena, const struct store_value *value, struct cache_denial *ret)
{
	const uint8_t *p = value->data + 1, *end = value->data + value->len;
	unsigned n = value->len > 0 ? value->data[0] : 0;
	for (unsigned i = 0; i < n && i < CACHE_DENIAL_SETS_MAX; i++) {
		int owner_len = wire_name_check(p, (size_t)(end - p));
		if (owner_len < 0 || end - p < owner_len + 10)
			return BANYAN_EMALF;
		struct rrset *set = arena_alloc(arena, sizeof *set);
		if (set == NULL)
			return BANYAN_ENOMEM;
		const uint8_t *fixed = p + owner_len;
		*set = (struct rrset){.owner = p,
				      .type = wire_get16(fixed),
				      .count = wire_get16(fixed + 2),
				      .n_sigs = wire_get16(fixed + 4),
				      .rank = value->rank,
				      .security = kind_security(value->kind),
				      .expires_ms = value->expires_ms,
				      .pack = fixed + 10,
				      .size = wire_get32(fixed + 6)};
		if ((size_t)(end - set->pack) < set->size)
			return BANYAN_EMALF;
		p = set->pack + set->size;
		ret->set[ret->n++] = set;
	}
	return 0;
}

static int denial_pack(const struct cache_denial *denial, struct buffer *out)
{
	uint8_t n = (uint8_t)denial->n;
	if (buffer_append(out, &n, 1) < 0)
		return BANYAN_ENOMEM;
	for (unsigned i = 0; i < denial->n; i++) {
		const struct rrset *set = denial->set[i];
		uint8_t fixed[10];
		wire_put16(fixed, set->type);
		wire_put16(fixed + 2, set->count);
		wire_put16(fixed + 4, set->n_sigs);
		wire_put32(fixed + 6, set->size);
		if (buffer_append(out, set->owner, wire_name_len(set->owner)) < 0 ||
		    buffer_append(out, fixed, sizeof fixed) < 0 || buffer_append(out, set->pack, set->size) < 0)
			return BANYAN_ENOMEM;
	}
	return 0;
}

int resolve_cache_put_denial(struct resolve_cache *cache, int64_t now_ms, const uint8_t *name, uint16_t type,
			     const struct cache_denial *denial)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	int rc = denial_pack(denial, &out);
	if (rc < 0)
		return rc;
	struct cache_key key = denial->nxdomain ? key_name(CACHE_NAME, name, 0) : key_name(CACHE_SET, name, type);
	struct store_value value = {denial->expires_ms, RANK_AUTHORITY, kind_make(CACHE_KIND_DENIAL, denial->security),
				    out.data, out.len};
	return put(cache, now_ms, &key, &value);
}

enum cache_hit resolve_cache_find(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *name,
				  uint16_t type, struct rrset **ret_set, struct cache_denial *ret_denial)
{
	struct cache_key key = key_name(CACHE_SET, name, type);
	struct store_value value;
	if (get(cache, arena, now_ms, &key, &value) < 0 || value.rank < RANK_ANSWER)
		return CACHE_MISS;
	if ((value.kind & 15) == CACHE_KIND_SET) {
		struct rrset *set = set_unpack(arena, name, type, &value);
		if (set == NULL)
			return CACHE_MISS;
		*ret_set = set;
		return CACHE_HIT_SET;
	}
	*ret_denial = (struct cache_denial){.expires_ms = value.expires_ms, .security = kind_security(value.kind)};
	return denial_unpack(arena, &value, ret_denial) < 0 ? CACHE_MISS : CACHE_HIT_DENIAL;
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
	struct cache_key key = key_name(CACHE_NAME, name, 0);
	struct store_value value;
	if (get(cache, arena, now_ms, &key, &value) < 0)
		return false;
	struct cache_denial denial = {
		.nxdomain = true, .expires_ms = value.expires_ms, .security = kind_security(value.kind)};
	if (denial_unpack(arena, &value, &denial) < 0)
		return false;
	*ret = denial;
	return true;
}

/* ---- delegations ---- */

bool resolve_cache_cut(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone,
		       struct cut *ret)
{
	struct cache_key key = key_name(CACHE_CUT, zone, 0);
	struct store_value value;
	if (get(cache, arena, now_ms, &key, &value) < 0 || resolve_cut_unpack(value.data, value.len, ret) < 0)
		return false;
	ret->zone = zone;
	ret->labels = wire_name_labels(zone);
	ret->expires_ms = value.expires_ms;
	ret->cached = true;
	return true;
}

int resolve_cache_put_cut(struct resolve_cache *cache, int64_t now_ms, const struct cut *cut)
{
	uint8_t data[CUT_PACK_MAX];
	int len = resolve_cut_pack(cut, data, sizeof data);
	if (len < 0)
		return len;
	struct cache_key key = key_name(CACHE_CUT, cut->zone, 0);
	struct store_value value = {cut->expires_ms, RANK_REFERRAL, CACHE_KIND_SET, data, (size_t)len};
	return put(cache, now_ms, &key, &value);
}

void resolve_cache_drop_cut(struct resolve_cache *cache, const uint8_t *zone)
{
	struct cache_key key = key_name(CACHE_CUT, zone, 0);
	resolve_store_delete(cache, key.bytes, key.len);
}

/* ---- failures ---- */

bool resolve_cache_failure(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *name,
			   uint16_t type, enum reason *ret)
{
	struct cache_key key = key_name(CACHE_FAILURE, name, type);
	struct store_value value;
	if (get(cache, arena, now_ms, &key, &value) < 0 || value.len != 2)
		return false;
	*ret = (enum reason)wire_get16(value.data);
	return true;
}

int resolve_cache_put_failure(struct resolve_cache *cache, int64_t now_ms, const uint8_t *name, uint16_t type,
			      enum reason reason)
{
	uint8_t data[2];
	wire_put16(data, (uint16_t)reason);
	struct cache_key key = key_name(CACHE_FAILURE, name, type);
	struct store_value value = {now_ms + CACHE_FAILURE_TTL_S * 1000, RANK_ANSWER, CACHE_KIND_SET, data, 2};
	return put(cache, now_ms, &key, &value);
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
	struct store_value value = {now_ms + CACHE_SERVER_TTL_S * 1000, 0, CACHE_KIND_SET, info, size};
	return put(cache, now_ms, &key, &value);
}

bool resolve_cache_lame(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone,
			const struct addr *addr)
{
	struct cache_key key = key_addr(CACHE_LAME, addr, zone);
	struct store_value value;
	return get(cache, arena, now_ms, &key, &value) == 0;
}

int resolve_cache_put_lame(struct resolve_cache *cache, int64_t now_ms, const uint8_t *zone, const struct addr *addr)
{
	struct cache_key key = key_addr(CACHE_LAME, addr, zone);
	struct store_value value = {now_ms + CACHE_LAME_TTL_S * 1000, 0, CACHE_KIND_SET, (const uint8_t *)"", 0};
	return put(cache, now_ms, &key, &value);
}

/* ---- flushing ---- */

struct flush {
	const uint8_t *name; /* NULL = everything */
	bool subtree;
};

static bool flush_matches(void *ctx, const uint8_t *key, size_t len)
{
	const struct flush *flush = ctx;
	if (flush->name == NULL)
		return true;
	const uint8_t *name = key[0] == CACHE_LAME ? key + 20 : key + 3;
	if (key[0] == CACHE_SERVER)
		return false;
	return flush->subtree ? wire_name_under(name, flush->name) : wire_name_equal(name, flush->name);
}

void resolve_cache_flush(struct resolve_cache *cache, const uint8_t *name, bool subtree)
{
	struct flush flush = {name, subtree};
	resolve_store_delete_if(cache, flush_matches, &flush);
}
