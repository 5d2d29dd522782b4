// SPDX-License-Identifier: GPL-3.0-or-later
/* Reading the cache back. Nothing is believed: lengths, names, counts, types and dates of each entry are looked at before it is put. */
#include "cache_file.h"
#include "denials.h"

#include <string.h>

/* ---- is it what it says it is? ---- */

static bool pack_good(const struct rrset *set)
{
	uint32_t pos = 0;
	for (unsigned i = 0; i < (unsigned)set->count + set->n_sigs; i++) {
		if (set->size - pos < 2 || set->size - pos - 2 < wire_get16(set->pack + pos))
			return false;
		pos += 2u + wire_get16(set->pack + pos);
	}
	return pos == set->size && set->count > 0 && set->size <= RESOLVE_RRSET_BYTES_MAX;
}

/* Types of questions and of single messages (RFC 6895 section 3.1), which are no data; signatures stand with what they sign. */
static bool is_meta(uint16_t type)
{
	return type == 0 || type == WIRE_TYPE_OPT || type == WIRE_TYPE_RRSIG || (type >= 128 && type <= 255);
}

/* The form of the data by their type, names inside them too. `type`: under which they are kept. */
static bool data_good(const struct rrset *set, uint16_t type)
{
	if (!pack_good(set) || is_meta(type))
		return false;
	struct wire_rdata rdata = {.data = set->pack};
	for (unsigned i = 0; i < (unsigned)set->count + set->n_sigs; i++, rdata.data += rdata.len) {
		rdata.len = wire_get16(rdata.data);
		rdata.data += 2;
		if (wire_rdata_check(rdata.data, rdata.len, i < set->count ? type : WIRE_TYPE_RRSIG) < 0)
			return false;
	}
	/* what is proved has what proves it */
	return set->security != SECURITY_SECURE || set->n_sigs > 0;
}

static bool set_good(const struct store_value *value, const uint8_t *owner, uint16_t type)
{
	struct rrset set;
	return resolve_value_set_read(value, owner, type, &set) == 0 && data_good(&set, type);
}

/* Records of a denial stand in or below the zone whose SOA comes first, and the name that they deny below it too. */
static bool denial_good(const struct store_value *value, struct arena *arena, const uint8_t *name, bool with_soa)
{
	struct cache_denial denial = {.n = 0};
	if (resolve_value_denial_read(value, arena, &denial) < 0)
		return false;
	for (unsigned i = 0; i < denial.n; i++) {
		const struct rrset *set = denial.set[i];
		bool soa = with_soa && set->type == WIRE_TYPE_SOA && wire_name_under(name, set->owner);
		struct rrset checked = *set;
		checked.security =
			set->security == SECURITY_SECURE && set->n_sigs == 0 ? SECURITY_INSECURE : set->security;
		if ((!soa && set->type != WIRE_TYPE_NSEC && set->type != WIRE_TYPE_NSEC3) ||
		    !data_good(&checked, set->type))
			return false;
	}
	return true;
}

static bool cut_good(const struct store_value *value, struct arena *arena)
{
	struct cut *cut = arena_alloc0(arena, sizeof *cut);
	return cut != NULL && resolve_cut_unpack(value->data, value->len, cut) == 0 && cut->n_servers > 0;
}

/* A record for synthesis (learn.c): its zone's labels stand in the high byte of the type. */
static bool nsec_good(struct resolve_cache *cache, const uint8_t *key, const struct store_value *value)
{
	struct rrset set;
	uint16_t type = key[2], is = type == WIRE_TYPE_NSEC3PARAM ? WIRE_TYPE_NSEC3 : type;
	unsigned labels = wire_name_labels(key + 3);
	if ((is != WIRE_TYPE_NSEC && is != WIRE_TYPE_NSEC3 && is != WIRE_TYPE_SOA) || key[1] > labels ||
	    value->kind >> 4 != SECURITY_SECURE || resolve_value_set_read(value, key + 3, type, &set) < 0 ||
	    !data_good(&set, is))
		return false;
	if (type == is)
		resolve_denial_relearn(cache, wire_name_skip(set.owner, labels - key[1]), &set);
	return true;
}

static bool entry_good(struct resolve_cache *cache, struct arena *arena, const uint8_t *key, size_t key_len,
		       const struct store_value *value)
{
	if (key_len < 4 || wire_name_check(key + 3, key_len - 3) != (int)(key_len - 3) || value->rank >= RANK_ROOT ||
	    value->kind >> 4 > SECURITY_SECURE)
		return false;
	uint8_t lower[WIRE_NAME_MAX];
	if (wire_name_lower(key + 3, lower) != key_len - 3 || memcmp(lower, key + 3, key_len - 3) != 0)
		return false;
	uint16_t type = wire_get16(key + 1);
	bool is_set = (value->kind & 15) == CACHE_KIND_SET, is_denial = (value->kind & 15) == CACHE_KIND_DENIAL;
	switch (key[0]) {
	case CACHE_SET:
		return is_set ? set_good(value, key + 3, type) : is_denial && denial_good(value, arena, key + 3, true);
	case CACHE_NAME:
		return is_denial && type == 0 && denial_good(value, arena, key + 3, true);
	case CACHE_PROOF:
		return is_denial && denial_good(value, arena, key + 3, false);
	case CACHE_CUT:
		return is_set && cut_good(value, arena);
	case CACHE_NSEC:
		return is_set && nsec_good(cache, key, value);
	default:
		return false;
	}
}

/* ---- entries and blocks ---- */

/* As if nobody had looked at its signatures yet. False: without their proof, these are nothing. */
static bool entry_unprove(const uint8_t *key, size_t key_len, struct store_value *value)
{
	value->kind &= 15;
	return key_len > 0 && key[0] != CACHE_NSEC;
}

/* Bytes that the entry takes; 0 = the rest of the block is of no use. */
static size_t entry_load(struct resolve_cache *cache, struct arena *arena, int64_t now_ms, const uint8_t *p, size_t len,
			 struct resolve_cache_loaded *loaded)
{
	if (len < CACHE_ENTRY_HEAD)
		return 0;
	size_t key_len = wire_get16(p), value_len = wire_get32(p + 4) & 0xffffff;
	size_t need = CACHE_ENTRY_HEAD + key_len + value_len;
	if (len < need)
		return 0;
	int64_t stored_ms = (int64_t)wire_get64(p + 8);
	const uint8_t *key = p + CACHE_ENTRY_HEAD;
	struct store_value value = {.rank = p[2],
				    .kind = p[3],
				    .asked = p[4],
				    .data = key + key_len,
				    .len = value_len,
				    .stored_ms = stored_ms};
	if (loaded->unproved && !entry_unprove(key, key_len, &value))
		return need;
	/* from the future: the clock was put back meanwhile, and how long ago that was nobody knows */
	if (key_len > STORE_KEY_MAX || stored_ms < 0 || stored_ms > now_ms ||
	    !entry_good(cache, arena, key, key_len, &value)) {
		loaded->refused++;
		return need;
	}
	value.expires_ms = stored_ms + wire_get32(p + 16);
	int rc = resolve_store_put(cache, key, key_len, stored_ms, &value);
	loaded->entries += rc >= 0;
	loaded->alive += rc >= 0 && value.expires_ms > now_ms;
	return need;
}

static void block_load(struct resolve_cache *cache, int64_t now_ms, const uint8_t *p, size_t len,
		       struct resolve_cache_loaded *loaded)
{
	_cleanup_(arena_done) struct arena arena = {0};
	for (size_t used; len > 0; p += used, len -= used) {
		used = entry_load(cache, &arena, now_ms, p, len, loaded);
		arena_reset(&arena);
		if (used == 0) {
			loaded->torn++;
			return;
		}
	}
}

/* Of the block at `p`: its whole length, 0 = there is none here, BANYAN_ESPACE = its end has not come yet. */
static int64_t block_find(const uint8_t *p, size_t len)
{
	if (len < CACHE_BLOCK_HEAD)
		return BANYAN_ESPACE;
	size_t body = wire_get32(p + 4);
	if (wire_get32(p) != CACHE_BLOCK_MAGIC || body > CACHE_BLOCK_MAX)
		return 0;
	return len - CACHE_BLOCK_HEAD < body ? BANYAN_ESPACE : (int64_t)(CACHE_BLOCK_HEAD + body);
}

/* Where the next block may begin. */
static size_t block_next(const uint8_t *data, size_t pos, size_t len)
{
	const uint8_t *next = pos >= len ? NULL : memchr(data + pos, CACHE_BLOCK_MAGIC >> 24, len - pos);
	return next == NULL ? len : (size_t)(next - data);
}

int resolve_cache_load_head(const uint8_t *data, size_t len, struct resolve_cache_head *ret)
{
	if (len < CACHE_FILE_HEAD || wire_get64(data) != CACHE_FILE_MAGIC)
		return BANYAN_EMALF;
	struct resolve_cache_head head = {wire_get32(data + 8), wire_get32(data + 12), wire_get64(data + 16)};
	if (head.version < CACHE_FILE_VERSION_MIN || head.version > CACHE_FILE_VERSION)
		return BANYAN_EUNSUPP;
	if (wire_get64(data + 24) != cache_file_sum(data, 24))
		return BANYAN_EMALF;
	*ret = head;
	return CACHE_FILE_HEAD;
}

void resolve_cache_load_expect(struct resolve_cache *cache, size_t len)
{
	resolve_store_expect(cache, len / CACHE_ENTRY_USUAL);
}

size_t resolve_cache_load(struct resolve_cache *cache, int64_t wall_ms, const uint8_t *data, size_t len, bool last,
			  struct resolve_cache_loaded *loaded)
{
	int64_t now_ms = wall_ms + resolve_cache_time_ahead(cache);
	size_t pos = 0;
	while (pos < len && loaded->torn < CACHE_TORN_MAX) {
		int64_t size = block_find(data + pos, len - pos);
		if (size == BANYAN_ESPACE && !last)
			return pos;
		const uint8_t *body = data + pos + CACHE_BLOCK_HEAD;
		size_t body_len = size > 0 ? (size_t)size - CACHE_BLOCK_HEAD : 0;
		if (size > 0 && wire_get64(data + pos + 8) == cache_file_sum(body, body_len)) {
			block_load(cache, now_ms, body, body_len, loaded);
			pos += (size_t)size;
			continue;
		}
		/* behind the last good block fewer bytes than its mark may be anything */
		loaded->torn += size != 0 && len - pos >= 4 && wire_get32(data + pos) == CACHE_BLOCK_MAGIC;
		pos = block_next(data, pos + 1, len);
	}
	return len;
}
