// SPDX-License-Identifier: GPL-3.0-or-later
/* Failures of resolving, remembered so that they are not repeated at once (RFC 9520): u16 reason, u8 times in a row,
 * and words about what exactly was wrong. */
#include "cache.h"

#include <string.h>

#define FAILURE_FIXED 3

static struct cache_key failure_key(const uint8_t *name, uint16_t type)
{
	return resolve_cache_key(CACHE_FAILURE, name, type);
}

bool resolve_cache_failure(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *name,
			   uint16_t type, enum reason *ret)
{
	struct cache_key key = failure_key(name, type);
	struct store_value value;
	if (resolve_store_get(cache, key.bytes, key.len, now_ms, arena, &value) < 0 || value.len < FAILURE_FIXED ||
	    wire_get16(value.data) >= REASON_COUNT)
		return false;
	*ret = (enum reason)wire_get16(value.data);
	return true;
}

const char *resolve_cache_failure_detail(struct resolve_cache *cache, struct arena *arena, int64_t now_ms,
					 const uint8_t *name, uint16_t type)
{
	struct cache_key key = failure_key(name, type);
	struct store_value value;
	if (resolve_store_get(cache, key.bytes, key.len, now_ms, arena, &value) < 0 || value.len <= FAILURE_FIXED)
		return NULL;
	return arena_printf(arena, "%.*s", (int)(value.len - FAILURE_FIXED), (const char *)value.data + FAILURE_FIXED);
}

/* Failures in a row: one that came while, or soon after, the last one was still remembered. */
static uint8_t failures_before(struct resolve_cache *cache, int64_t now_ms, const struct cache_key *key)
{
	uint8_t n = 0;
	_cleanup_(arena_done) struct arena arena = {0};
	struct store_value value;
	int64_t recent_ms = now_ms - (int64_t)CACHE_FAILURE_TTL_MAX_S * 1000;
	if (resolve_store_get(cache, key->bytes, key->len, recent_ms, &arena, &value) == 0 &&
	    value.len >= FAILURE_FIXED)
		n = value.data[2] < UINT8_MAX ? value.data[2] : UINT8_MAX - 1;
	return n;
}

/* RFC 9520 section 3.2: at least a second, at most five minutes; longer each time, for servers that are down for long. */
static uint32_t failure_ttl_s(uint8_t before, uint32_t at_least_s)
{
	uint32_t ttl_s = CACHE_FAILURE_TTL_S;
	while (before-- > 0 && ttl_s < CACHE_FAILURE_TTL_MAX_S)
		ttl_s *= 2;
	if (ttl_s < at_least_s)
		ttl_s = at_least_s;
	return ttl_s < CACHE_FAILURE_TTL_MAX_S ? ttl_s : CACHE_FAILURE_TTL_MAX_S;
}

int resolve_cache_put_failure_detail(struct resolve_cache *cache, int64_t now_ms, const uint8_t *name, uint16_t type,
				     enum reason reason, const char *detail, uint32_t at_least_s)
{
	struct cache_key key = failure_key(name, type);
	enum reason known;
	_cleanup_(arena_done) struct arena arena = {0};
	if (resolve_cache_failure(cache, &arena, now_ms, name, type, &known))
		return 0; /* one failure of many who waited for it */
	uint8_t data[FAILURE_FIXED + RESOLVE_DETAIL_MAX], before = failures_before(cache, now_ms, &key);
	wire_put16(data, (uint16_t)reason);
	data[2] = before + 1;
	size_t len = detail == NULL ? 0 : strnlen(detail, RESOLVE_DETAIL_MAX);
	if (len > 0)
		memcpy(data + FAILURE_FIXED, detail, len);
	struct store_value value = {.expires_ms = now_ms + (int64_t)failure_ttl_s(before, at_least_s) * 1000,
				    .rank = RANK_ANSWER,
				    .kind = CACHE_KIND_SET,
				    .data = data,
				    .len = FAILURE_FIXED + len};
	return resolve_store_put(cache, key.bytes, key.len, now_ms, &value);
}

int resolve_cache_put_failure(struct resolve_cache *cache, int64_t now_ms, const uint8_t *name, uint16_t type,
			      enum reason reason, uint32_t at_least_s)
{
	return resolve_cache_put_failure_detail(cache, now_ms, name, type, reason, NULL, at_least_s);
}

void resolve_cache_drop_failure(struct resolve_cache *cache, const uint8_t *name, uint16_t type)
{
	struct cache_key key = failure_key(name, type);
	resolve_store_delete(cache, key.bytes, key.len);
}
