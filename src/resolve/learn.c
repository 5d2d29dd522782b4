// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Proved NSEC, NSEC3 and SOA sets between the store and the index of their order.
 *
 * In the store the type in the key carries the number of labels of the zone in its high byte: at a delegation both the
 * parent and the child have an NSEC of the same owner.
 */
#include "cache.h"
#include "denials.h"
#include "dnssec/dnssec.h"

#include <string.h>

#define HASH_SIZE       20 /* SHA-1, the only NSEC3 hash (RFC 5155 section 11) */
#define HASH_LABEL_SIZE 32 /* base32hex of it (RFC 4648 section 7) */

/* ---- NSEC3 owners ---- */

static bool hash_from_label(const uint8_t *label, uint8_t out[HASH_SIZE])
{
	uint64_t bits = 0;
	if (label[0] != HASH_LABEL_SIZE)
		return false;
	for (unsigned i = 0; i < HASH_LABEL_SIZE; i++) {
		uint8_t ch = label[1 + i] | 0x20;
		unsigned digit = label[1 + i] >= '0' && label[1 + i] <= '9' ? label[1 + i] - 0U - '0'
				 : ch >= 'a' && ch <= 'v'                   ? ch - 'a' + 10U
									    : 32;
		if (digit > 31)
			return false;
		bits = bits << 5 | digit;
		for (unsigned b = 0; i % 8 == 7 && b < 5; b++)
			out[i / 8 * 5 + b] = (uint8_t)(bits >> (32 - 8 * b));
	}
	return true;
}

/* The owner; BANYAN_ESPACE. */
static int name_from_hash(const uint8_t hash[HASH_SIZE], const uint8_t *zone, uint8_t out[WIRE_NAME_MAX])
{
	size_t zone_len = wire_name_len(zone);
	if (zone_len + HASH_LABEL_SIZE + 1 > WIRE_NAME_MAX)
		return BANYAN_ESPACE;
	out[0] = HASH_LABEL_SIZE;
	for (unsigned i = 0; i < HASH_LABEL_SIZE; i++) {
		unsigned bit = i * 5, at = bit / 8;
		unsigned two = (unsigned)hash[at] << 8 | (at + 1 < HASH_SIZE ? hash[at + 1] : 0U);
		out[1 + i] = (uint8_t) "0123456789abcdefghijklmnopqrstuv"[two >> (11 - bit % 8) & 31];
	}
	memcpy(out + 1 + HASH_LABEL_SIZE, zone, zone_len);
	return 0;
}

static bool chain_read(const struct rrset *set, struct denial_chain *ret)
{
	struct wire_rdata rdata = resolve_rrset_rdata(set, 0);
	if (rdata.len < 5 || rdata.data[0] != 1 || rdata.len < 5 + rdata.data[4])
		return false;
	ret->iterations = wire_get16(rdata.data + 2);
	ret->salt_len = rdata.data[4];
	memcpy(ret->salt, rdata.data + 5, ret->salt_len);
	ret->params = ret->iterations; /* FNV-1a: tells the two or three chains of a zone apart, and proves nothing */
	for (unsigned i = 0; i < ret->salt_len; i++)
		ret->params = (ret->params ^ ret->salt[i]) * 16777619u;
	return true;
}

/* ---- the store ---- */

static struct cache_key key_of(const uint8_t *owner, uint16_t type, const uint8_t *zone)
{
	return resolve_cache_key(CACHE_NSEC, owner, (uint16_t)(type | wire_name_labels(zone) << 8));
}

static struct rrset *set_get(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone,
			     const uint8_t *owner, uint16_t type)
{
	struct cache_key key = key_of(owner, type, zone);
	struct store_value value;
	const uint8_t *name = arena_dup(arena, owner, wire_name_len(owner));
	struct rrset *set = arena_alloc(arena, sizeof *set);
	if (name == NULL || set == NULL || resolve_store_get(cache, key.bytes, key.len, now_ms, arena, &value) < 0 ||
	    resolve_value_set_read(&value, name, type, set) < 0)
		return NULL;
	return set;
}

static int set_put(struct resolve_cache *cache, int64_t now_ms, const uint8_t *zone, const struct rrset *set)
{
	struct cache_key key = key_of(set->owner, set->type, zone);
	struct buffer out = {0};
	if (set->expires_ms <= now_ms || buffer_reserve(&out, resolve_value_set_max(set)) < 0)
		return 0;
	struct store_value value = {.expires_ms = set->expires_ms,
				    .rank = RANK_AUTHORITY,
				    .kind = CACHE_KIND_SET | SECURITY_SECURE << 4,
				    .data = out.data,
				    .len = resolve_value_set_write(set, out.data)};
	int evicted = resolve_store_put(cache, key.bytes, key.len, now_ms, &value);
	buffer_done(&out);
	return evicted < 0 ? 0 : evicted;
}

/* ---- learning ---- */

/* The zone that signed the set; NULL = it cannot tell. */
static const uint8_t *zone_of(const struct rrset *set)
{
	const uint8_t *signer;
	if (set->n_sigs == 0)
		return NULL;
	struct wire_rdata rrsig = resolve_rrset_rdata(set, set->count);
	if (dnssec_rrsig_signer(&rrsig, &signer) < 0 || !wire_name_under(set->owner, signer))
		return NULL;
	return signer;
}

static bool place_of(const struct rrset *set, const uint8_t *zone, struct denial_place *ret)
{
	struct denial_chain chain;
	if (set->type == WIRE_TYPE_NSEC) {
		resolve_denial_place(set->owner, zone, ret);
		return true;
	}
	if (!chain_read(set, &chain) || wire_name_labels(set->owner) != wire_name_labels(zone) + 1 ||
	    !hash_from_label(set->owner, ret->order))
		return false;
	ret->nsec3 = true;
	ret->params = chain.params;
	ret->len = HASH_SIZE;
	return true;
}

static bool is_denial(const struct rrset *set)
{
	return (set->type == WIRE_TYPE_NSEC || set->type == WIRE_TYPE_NSEC3) && set->count == 1;
}

void resolve_denial_relearn(struct resolve_cache *cache, const uint8_t *zone, const struct rrset *set)
{
	struct denial_place place;
	if (is_denial(set) && !resolve_rrset_opt_out(set) && place_of(set, zone, &place))
		resolve_denials_add(resolve_store_denials(cache), zone, &place);
}

/* The chain of a zone is the one of its youngest NSEC3: a set under the zone's own name. */
static int chain_put(struct resolve_cache *cache, int64_t now_ms, const uint8_t *zone, const struct rrset *set)
{
	struct rrset chain = *set;
	chain.owner = zone;
	chain.type = WIRE_TYPE_NSEC3PARAM;
	return set_put(cache, now_ms, zone, &chain);
}

int resolve_denial_learn(struct resolve_cache *cache, int64_t now_ms, const struct rrset *set)
{
	const uint8_t *zone = zone_of(set);
	if (set->security != SECURITY_SECURE || zone == NULL || resolve_rrset_expanded(set) ||
	    set->size > RESOLVE_RRSET_BYTES_MAX)
		return 0;
	if (set->type == WIRE_TYPE_SOA)
		return set_put(cache, now_ms, zone, set);
	if (!is_denial(set) || resolve_rrset_opt_out(set))
		return 0;
	int evicted = set_put(cache, now_ms, zone, set);
	if (set->type == WIRE_TYPE_NSEC3)
		evicted += chain_put(cache, now_ms, zone, set);
	resolve_denial_relearn(cache, zone, set);
	return evicted;
}

/* The record that stands at the place, or the last before it: out of the index and out of the store. */
static size_t place_forget(struct resolve_cache *cache, const uint8_t *zone, const struct denial_place *place)
{
	struct denials *denials = resolve_store_denials(cache);
	struct denial_place found;
	uint8_t owner[WIRE_NAME_MAX];
	if (resolve_denials_before(denials, zone, place, &found) < 0)
		return 0;
	resolve_denials_remove(denials, zone, &found);
	if ((found.nsec3 ? name_from_hash(found.order, zone, owner) : resolve_denial_name(&found, zone, owner)) < 0)
		return 0;
	struct cache_key key = key_of(owner, found.nsec3 ? WIRE_TYPE_NSEC3 : WIRE_TYPE_NSEC, zone);
	return resolve_store_delete(cache, key.bytes, key.len);
}

size_t resolve_denial_forget(struct resolve_cache *cache, const uint8_t *name)
{
	size_t n = 0;
	unsigned labels = wire_name_labels(name);
	for (unsigned skip = 0; skip <= labels; skip++) {
		const uint8_t *zone = wire_name_skip(name, skip);
		struct denial_place place;
		struct denial_chain chain;
		_cleanup_(arena_done) struct arena arena = {0};
		if (!resolve_denials_know(resolve_store_denials(cache), zone))
			continue;
		resolve_denial_place(name, zone, &place);
		n += place_forget(cache, zone, &place);
		if (!resolve_denial_chain(cache, &arena, 0, zone, &chain)) /* at time 0 nothing has expired */
			continue;
		/* any name on the way may be the one that was shown not to exist (RFC 5155 section 8.3) */
		for (unsigned up = 0; up < skip; up++) {
			place = (struct denial_place){.nsec3 = true, .params = chain.params, .len = HASH_SIZE};
			if (dnssec_nsec3_hash(wire_name_skip(name, up), chain.iterations, chain.salt, chain.salt_len,
					      place.order) >= 0)
				n += place_forget(cache, zone, &place);
		}
	}
	return n;
}

/* ---- finding ---- */

struct rrset *resolve_denial_soa(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone)
{
	return set_get(cache, arena, now_ms, zone, zone, WIRE_TYPE_SOA);
}

struct rrset *resolve_denial_nsec(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone,
				  const uint8_t *name)
{
	struct denials *denials = resolve_store_denials(cache);
	struct denial_place place, found;
	uint8_t owner[WIRE_NAME_MAX];
	resolve_denial_place(name, zone, &place);
	if (resolve_denials_before(denials, zone, &place, &found) < 0 || resolve_denial_name(&found, zone, owner) < 0)
		return NULL;
	struct rrset *set = set_get(cache, arena, now_ms, zone, owner, WIRE_TYPE_NSEC);
	if (set == NULL) /* it has expired or had to go */
		resolve_denials_remove(denials, zone, &found);
	return set;
}

bool resolve_denial_chain(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *zone,
			  struct denial_chain *ret)
{
	const struct rrset *set = set_get(cache, arena, now_ms, zone, zone, WIRE_TYPE_NSEC3PARAM);
	return set != NULL && set->count == 1 && chain_read(set, ret);
}

struct rrset *resolve_denial_nsec3(struct resolve_cache *cache, struct arena *arena, int64_t now_ms,
				   const uint8_t *zone, const struct denial_chain *chain, const uint8_t hash[20],
				   bool *ret_match)
{
	struct denials *denials = resolve_store_denials(cache);
	struct denial_place place = {.nsec3 = true, .params = chain->params, .len = HASH_SIZE}, found;
	uint8_t owner[WIRE_NAME_MAX];
	memcpy(place.order, hash, HASH_SIZE);
	if (resolve_denials_before(denials, zone, &place, &found) < 0 || found.len != HASH_SIZE ||
	    name_from_hash(found.order, zone, owner) < 0)
		return NULL;
	struct rrset *set = set_get(cache, arena, now_ms, zone, owner, WIRE_TYPE_NSEC3);
	if (set == NULL)
		resolve_denials_remove(denials, zone, &found);
	*ret_match = memcmp(found.order, hash, HASH_SIZE) == 0;
	return set;
}
