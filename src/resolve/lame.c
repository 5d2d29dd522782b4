// SPDX-License-Identifier: GPL-3.0-or-later
/* Servers that do not serve a zone which is delegated to them: u8 lameness, u64 hash of the last name that showed it. */
#include "cache.h"

#include <string.h>

static struct cache_key key_of(const uint8_t *zone, const struct addr *addr, uint16_t type)
{
	struct cache_key key;
	key.bytes[0] = CACHE_LAME;
	wire_put16(key.bytes + 1, addr->port);
	key.bytes[3] = addr->family;
	memcpy(key.bytes + 4, addr->ip, 16);
	size_t len = wire_name_lower(zone, key.bytes + CACHE_LAME_NAME_AT);
	wire_put16(key.bytes + CACHE_LAME_NAME_AT + len, type);
	key.len = CACHE_LAME_NAME_AT + len + 2;
	return key;
}

static uint64_t name_hash(const uint8_t *name)
{
	static const uint8_t key[16] = "lame"; /* tells names apart; who makes two look alike only spares the server */
	uint8_t lower[WIRE_NAME_MAX];
	return hash_sip(lower, wire_name_lower(name, lower), key);
}

static enum cache_lameness read_value(const struct store_value *value, uint64_t *ret_name)
{
	if (value->len != 1 + sizeof *ret_name || value->data[0] > LAME_ZONE)
		return LAME_NOT;
	memcpy(ret_name, value->data + 1, sizeof *ret_name);
	return (enum cache_lameness)value->data[0];
}

enum cache_lameness resolve_cache_lame(struct resolve_cache *cache, struct arena *arena, int64_t now_ms,
				       const uint8_t *zone, const struct addr *addr, uint16_t type)
{
	struct cache_key key = key_of(zone, addr, type);
	struct store_value value;
	uint64_t name;
	if (resolve_store_get(cache, key.bytes, key.len, now_ms, arena, &value) < 0)
		return LAME_NOT;
	return read_value(&value, &name);
}

int resolve_cache_put_lame(struct resolve_cache *cache, int64_t now_ms, const uint8_t *zone, const struct addr *addr,
			   const uint8_t *name, uint16_t type)
{
	struct cache_key key = key_of(zone, addr, type);
	_cleanup_(arena_done) struct arena arena = {0};
	struct store_value before;
	uint64_t hash = name_hash(name), hash_before = 0;
	uint8_t data[1 + sizeof hash] = {LAME_ONCE};
	if (resolve_store_get(cache, key.bytes, key.len, now_ms, &arena, &before) == 0 &&
	    read_value(&before, &hash_before) != LAME_NOT && hash_before != hash)
		data[0] = LAME_ZONE;
	memcpy(data + 1, &hash, sizeof hash);
	struct store_value value = {.expires_ms = now_ms + CACHE_LAME_TTL_S * 1000,
				    .kind = CACHE_KIND_SET,
				    .data = data,
				    .len = sizeof data};
	return resolve_store_put(cache, key.bytes, key.len, now_ms, &value);
}

void resolve_cache_drop_lame(struct resolve_cache *cache, const uint8_t *zone, const struct addr *addr, uint16_t type)
{
	struct cache_key key = key_of(zone, addr, type);
	resolve_store_delete(cache, key.bytes, key.len);
}
