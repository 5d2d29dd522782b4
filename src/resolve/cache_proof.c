// SPDX-License-Identifier: GPL-3.0-or-later
/* What proofs need of the cache: trust of zones, and NSEC or NSEC3 sets beside what was made of a wildcard. */
#include "cache.h"

static int put(struct resolve_cache *cache, int64_t now_ms, const struct cache_key *key,
	       const struct store_value *value)
{
	return value->expires_ms <= now_ms ? 0 : resolve_store_put(cache, key->bytes, key->len, now_ms, value);
}

int resolve_cache_put_proof(struct resolve_cache *cache, int64_t now_ms, const struct rrset *set)
{
	struct cache_denial proofs = {.n = 0};
	_cleanup_(buffer_done) struct buffer out = {0};
	for (; proofs.n < set->n_proofs && proofs.n < CACHE_DENIAL_SETS_MAX; proofs.n++)
		proofs.set[proofs.n] = set->proof[proofs.n];
	if (resolve_value_denial_write(&proofs, &out) < 0)
		return 0;
	struct cache_key key = resolve_cache_key(CACHE_PROOF, set->owner, set->type);
	struct store_value value = {.expires_ms = set->expires_ms,
				    .rank = set->rank,
				    .kind = (uint8_t)(CACHE_KIND_DENIAL | set->security << 4),
				    .data = out.data,
				    .len = out.len};
	int evicted = put(cache, now_ms, &key, &value);
	return evicted < 0 ? 0 : evicted;
}

bool resolve_cache_take_proof(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, struct rrset *set)
{
	if (set->n_sigs == 0 || set->security == SECURITY_INSECURE || !resolve_rrset_expanded(set))
		return true;
	struct cache_key key = resolve_cache_key(CACHE_PROOF, set->owner, set->type);
	struct store_value value;
	struct cache_denial proofs = {.n = 0};
	if (resolve_store_get(cache, key.bytes, key.len, now_ms, arena, &value) < 0 ||
	    resolve_value_denial_read(&value, arena, &proofs) < 0)
		return false;
	set->proof = arena_dup(arena, proofs.set, proofs.n * sizeof(struct rrset *));
	set->n_proofs = set->proof == NULL ? 0 : (uint8_t)proofs.n;
	return set->proof != NULL;
}

void resolve_cache_drop(struct resolve_cache *cache, const uint8_t *name, uint16_t type)
{
	struct cache_key key = resolve_cache_key(CACHE_SET, name, type);
	resolve_store_delete(cache, key.bytes, key.len);
	key = resolve_cache_key(CACHE_NAME, name, 0);
	resolve_store_delete(cache, key.bytes, key.len);
}

/* ---- trust ---- */

bool resolve_cache_trust(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone,
			 struct store_value *ret)
{
	struct cache_key key = resolve_cache_key(CACHE_TRUST, zone, 0);
	return resolve_store_get(cache, key.bytes, key.len, now_ms, arena, ret) == 0;
}

int resolve_cache_put_trust(struct resolve_cache *cache, int64_t now_ms, const uint8_t *zone, int64_t expires_ms,
			    const uint8_t *data, size_t len)
{
	struct cache_key key = resolve_cache_key(CACHE_TRUST, zone, 0);
	struct store_value value = {.expires_ms = expires_ms, .kind = CACHE_KIND_SET, .data = data, .len = len};
	return put(cache, now_ms, &key, &value);
}

void resolve_cache_drop_trust(struct resolve_cache *cache, const uint8_t *zone)
{
	struct cache_key key = resolve_cache_key(CACHE_TRUST, zone, 0);
	resolve_store_delete(cache, key.bytes, key.len);
}

uint32_t resolve_cache_flushes(const struct resolve_cache *cache)
{
	return resolve_store_removals(cache);
}
