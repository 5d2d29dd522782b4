// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How RRsets and denials stand in the cache.
 *
 *   origin:  u8 flags, [4 or 16 bytes of the server's address, or u32 serial of the root], [u8 algorithm, u16 key tag]
 *   RRset:   origin, u8 or u16 count, the same n_sigs, pack
 *   denial:  origin, u8 n, then for each: owner, u16 type, u16 count, u16 n_sigs, u32 size, pack
 *
 * All that came with one message stands with one origin. Nothing read here is trusted: it may come from a file.
 */
#include "cache.h"

#include <string.h>

#define ORIGIN_MAX (1 + 18 + 3)

enum {
	ORIGIN_V4 = 1,
	ORIGIN_V6 = 2,
	ORIGIN_ROOT = 3,
	ORIGIN_FROM = 3, /* mask of these */
	ORIGIN_PORT = 4, /* u16 behind the address: other than 53 */
	ORIGIN_KEY = 8,
	VALUE_WIDE = 16, /* counts take two bytes each */
};

static size_t origin_write(const struct rrset_origin *origin, uint8_t flags, uint8_t *out)
{
	uint8_t *p = out + 1;
	if (origin->root) {
		flags |= ORIGIN_ROOT;
		wire_put32(p, origin->root_serial);
		p += 4;
	} else if (origin->server.family != 0) {
		size_t len = origin->server.family == 4 ? 4 : 16;
		flags |= origin->server.family == 4 ? ORIGIN_V4 : ORIGIN_V6;
		memcpy(p, origin->server.ip, len);
		p += len;
		if (origin->server.port != 53) {
			flags |= ORIGIN_PORT;
			wire_put16(p, origin->server.port);
			p += 2;
		}
	}
	if (origin->algorithm != 0) {
		flags |= ORIGIN_KEY;
		*p++ = origin->algorithm;
		wire_put16(p, origin->key_tag);
		p += 2;
	}
	out[0] = flags;
	return (size_t)(p - out);
}

/* Bytes read, or BANYAN_EMALF. */
static int origin_read(const uint8_t *data, size_t len, struct rrset_origin *ret)
{
	struct rrset_origin origin = {.root = false};
	uint8_t flags = len == 0 ? 0 : data[0];
	static const uint8_t from_size[4] = {0, 4, 16, 4};
	uint8_t from = flags & ORIGIN_FROM;
	bool port = (flags & ORIGIN_PORT) != 0, key = (flags & ORIGIN_KEY) != 0;
	size_t need = 1u + from_size[from] + (port ? 2u : 0u) + (key ? 3u : 0u);
	const uint8_t *p = data + 1;
	if (len < need || flags > 31 || (port && from != ORIGIN_V4 && from != ORIGIN_V6))
		return BANYAN_EMALF;
	if (from == ORIGIN_ROOT) {
		origin.root = true;
		origin.root_serial = wire_get32(p);
	} else if (from != 0) {
		origin.server = (struct addr){.family = from == ORIGIN_V4 ? 4 : 6, .port = 53};
		memcpy(origin.server.ip, p, from_size[from]);
	}
	p += from_size[from];
	if (port) {
		origin.server.port = wire_get16(p);
		p += 2;
	}
	if (key) {
		origin.algorithm = p[0];
		origin.key_tag = wire_get16(p + 1);
	}
	*ret = origin;
	return (int)need;
}

/* ---- RRsets ---- */

size_t resolve_value_set_max(const struct rrset *set)
{
	return ORIGIN_MAX + 4 + set->size;
}

size_t resolve_value_set_write(const struct rrset *set, uint8_t *out)
{
	bool wide = set->count > UINT8_MAX || set->n_sigs > UINT8_MAX;
	uint8_t *p = out + origin_write(&set->origin, wide ? VALUE_WIDE : 0, out);
	if (wide) {
		wire_put16(p, set->count);
		wire_put16(p + 2, set->n_sigs);
		p += 4;
	} else {
		*p++ = (uint8_t)set->count;
		*p++ = (uint8_t)set->n_sigs;
	}
	if (set->size > 0)
		memcpy(p, set->pack, set->size);
	return (size_t)(p - out) + set->size;
}

static uint8_t security_of(const struct store_value *value)
{
	return value->kind >> 4;
}

int resolve_value_set_read(const struct store_value *value, const uint8_t *owner, uint16_t type, struct rrset *ret)
{
	struct rrset set = {.owner = owner,
			    .type = type,
			    .rank = value->rank,
			    .security = security_of(value),
			    .asked = value->asked,
			    .stored_ms = value->stored_ms,
			    .expires_ms = value->expires_ms};
	int pos = origin_read(value->data, value->len, &set.origin);
	if (pos < 0)
		return pos;
	bool wide = (value->data[0] & VALUE_WIDE) != 0;
	const uint8_t *p = value->data + pos, *end = value->data + value->len;
	if (end - p < (wide ? 4 : 2))
		return BANYAN_EMALF;
	set.count = wide ? wire_get16(p) : p[0];
	set.n_sigs = wide ? wire_get16(p + 2) : p[1];
	set.pack = p + (wide ? 4 : 2);
	set.size = (uint32_t)(end - set.pack);
	*ret = set;
	return 0;
}

/* ---- denials ---- */

static int denial_set_read(const uint8_t **p, const uint8_t *end, struct rrset *set)
{
	int owner_len = wire_name_check(*p, (size_t)(end - *p));
	if (owner_len < 0 || end - *p < owner_len + 10)
		return BANYAN_EMALF;
	const uint8_t *fixed = *p + owner_len;
	set->owner = *p;
	set->type = wire_get16(fixed);
	set->count = wire_get16(fixed + 2);
	set->n_sigs = wire_get16(fixed + 4);
	set->size = wire_get32(fixed + 6);
	set->pack = fixed + 10;
	if ((size_t)(end - set->pack) < set->size)
		return BANYAN_EMALF;
	*p = set->pack + set->size;
	return 0;
}

int resolve_value_denial_read(const struct store_value *value, struct arena *arena, struct cache_denial *ret)
{
	struct cache_denial denial = {.nxdomain = ret->nxdomain,
				      .security = security_of(value),
				      .asked = value->asked,
				      .stored_ms = value->stored_ms,
				      .expires_ms = value->expires_ms};
	int pos = origin_read(value->data, value->len, &denial.origin);
	if (pos < 0 || value->len == (size_t)pos)
		return BANYAN_EMALF;
	const uint8_t *p = value->data + pos + 1, *end = value->data + value->len;
	unsigned n = value->data[pos];
	if (n > CACHE_DENIAL_SETS_MAX)
		return BANYAN_EMALF;
	for (unsigned i = 0; i < n; i++) {
		struct rrset *set = arena_alloc(arena, sizeof *set);
		if (set == NULL)
			return BANYAN_ENOMEM;
		*set = (struct rrset){.rank = value->rank,
				      .security = security_of(value),
				      .asked = value->asked,
				      .stored_ms = value->stored_ms,
				      .expires_ms = value->expires_ms,
				      .origin = denial.origin};
		if (denial_set_read(&p, end, set) < 0)
			return BANYAN_EMALF;
		denial.set[denial.n++] = set;
	}
	*ret = denial;
	return p == end ? 0 : BANYAN_EMALF;
}

int resolve_value_denial_write(const struct cache_denial *denial, struct buffer *out)
{
	uint8_t head[ORIGIN_MAX + 1];
	const struct rrset_origin *origin = denial->n > 0 ? &denial->set[0]->origin : &denial->origin;
	size_t len = origin_write(origin, 0, head);
	head[len++] = (uint8_t)denial->n;
	if (buffer_append(out, head, len) < 0)
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
