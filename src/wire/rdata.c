// SPDX-License-Identifier: GPL-3.0-or-later
/* RDATA by type: where names stand in it, its canonical form and order, type bitmaps. */
#include "wire.h"

#include <string.h>

#include <libknot/descriptor.h>
#include <libknot/errcode.h>

int wire_error_from_knot(int knot_error)
{
	switch (knot_error) {
	case KNOT_EOK:
		return BANYAN_OK;
	case KNOT_ENOMEM:
		return BANYAN_ENOMEM;
	case KNOT_EMALF:
	case KNOT_EFEWDATA:
		return BANYAN_EMALF;
	case KNOT_ESPACE:
		return BANYAN_ESPACE;
	case KNOT_ENOENT:
		return BANYAN_ENOENT;
	case KNOT_EINVAL:
		return BANYAN_EINVAL;
	case KNOT_ELIMIT:
		return BANYAN_ELIMIT;
	case KNOT_ENOTSUP:
		return BANYAN_EUNSUPP;
	default:
		return knot_error > 0 ? BANYAN_OK : BANYAN_EOTHER;
	}
}

/* NAPTR (RFC 3403 section 4.1): order, preference, three strings, then a name. */
static int naptr_head(const uint8_t *p, size_t len)
{
	size_t pos = 4;
	for (int i = 0; i < 3; i++) {
		if (pos >= len)
			return BANYAN_EMALF;
		pos += p[pos] + 1U;
	}
	return pos <= len ? (int)pos : BANYAN_EMALF;
}

/* Types whose RDATA have a fixed length that libknot's descriptors leave open, or inner rules worth checking. */
static bool rdata_fits(const uint8_t *p, size_t len, uint16_t type)
{
	switch (type) {
	case WIRE_TYPE_A:
		return len == 4;
	case WIRE_TYPE_AAAA:
		return len == 16;
	case WIRE_TYPE_DS:
	case WIRE_TYPE_CDS:
	case WIRE_TYPE_DNSKEY:
	case WIRE_TYPE_CDNSKEY:
		return len >= 5;
	case WIRE_TYPE_NSEC3PARAM:
		return len >= 5 && len == 5U + p[4];
	case WIRE_TYPE_ZONEMD:
		return len >= 6;
	case WIRE_TYPE_TXT:
		for (size_t pos = 0; pos < len; pos += p[pos] + 1U)
			if (p[pos] >= len - pos)
				return false;
		return len > 0;
	case WIRE_TYPE_NSEC3:
		return len >= 6 && len >= 6U + p[4];
	case WIRE_TYPE_OPT:
	case 10: /* NULL (RFC 1035 section 3.3.10) */
	case 42: /* APL (RFC 3123 section 4) */
		return true;
	default: /* of the types that are known no other may be empty, and none has a text for that */
		return len > 0 || knot_get_rdata_descriptor(type)->type_name == NULL;
	}
}

/* Walks over RDATA, copying; names are expanded (from a message) or checked (when `msg` is the RDATA itself). */
struct rdata_walk {
	const uint8_t *msg;
	size_t len; /* of the message */
	size_t pos, end;
	uint8_t *out;
	size_t made, max;
	bool compressed; /* may names be compressed? */
	uint16_t names[4];
	unsigned n_names;
};

static int walk_copy(struct rdata_walk *w, size_t n)
{
	if (n > w->end - w->pos)
		return BANYAN_EMALF;
	if (n > w->max - w->made)
		return BANYAN_ESPACE;
	if (w->out != NULL)
		memcpy(w->out + w->made, w->msg + w->pos, n);
	w->made += n;
	w->pos += n;
	return 0;
}

static int walk_name(struct rdata_walk *w, bool compressible)
{
	uint8_t name[WIRE_NAME_MAX];
	int n;
	size_t end;
	if (w->compressed && compressible) {
		n = wire_name_expand(w->msg, w->len, w->pos, name, &end);
		if (n < 0 || end > w->end)
			return BANYAN_EMALF;
	} else {
		n = wire_name_check(w->msg + w->pos, w->end - w->pos);
		if (n < 0)
			return BANYAN_EMALF;
		memcpy(name, w->msg + w->pos, (size_t)n);
		end = w->pos + (size_t)n;
	}
	if ((size_t)n > w->max - w->made)
		return BANYAN_ESPACE;
	if (w->n_names < ARRAY_SIZE(w->names))
		w->names[w->n_names++] = (uint16_t)w->made;
	if (w->out != NULL)
		memcpy(w->out + w->made, name, (size_t)n);
	w->made += (size_t)n;
	w->pos = end;
	return 0;
}

static int walk_block(struct rdata_walk *w, int block)
{
	switch (block) {
	case KNOT_RDATA_WF_COMPRESSIBLE_DNAME:
	case KNOT_RDATA_WF_DECOMPRESSIBLE_DNAME:
		return walk_name(w, true);
	case KNOT_RDATA_WF_FIXED_DNAME:
		return walk_name(w, false);
	case KNOT_RDATA_WF_NAPTR_HEADER: {
		int head = naptr_head(w->msg + w->pos, w->end - w->pos);
		return head < 0 ? head : walk_copy(w, (size_t)head);
	}
	case KNOT_RDATA_WF_REMAINDER:
		return walk_copy(w, w->end - w->pos);
	default:
		return block > 0 ? walk_copy(w, (size_t)block) : BANYAN_EMALF;
	}
}

static int walk(struct rdata_walk *w, uint16_t type)
{
	const knot_rdata_descriptor_t *desc = knot_get_rdata_descriptor(type);
	size_t start = w->made;
	/* libknot describes obsolete types (MD, MINFO ...) separately; their names may be compressed too */
	if (desc->type_name == NULL)
		desc = knot_get_obsolete_rdata_descriptor(type);
	for (int i = 0; i < KNOT_MAX_RDATA_BLOCKS && desc->block_types[i] != KNOT_RDATA_WF_END; i++) {
		int rc = walk_block(w, desc->block_types[i]);
		if (rc < 0)
			return rc;
	}
	if (w->pos != w->end)
		return BANYAN_EMALF;
	return (int)(w->made - start);
}

int wire_rdata_expand(const uint8_t *msg, size_t len, size_t pos, uint16_t rdlen, uint16_t type, uint8_t *out,
		      size_t max)
{
	if (pos > len || rdlen > len - pos)
		return BANYAN_EMALF;
	struct rdata_walk w = {
		.msg = msg, .len = len, .pos = pos, .end = pos + rdlen, .out = out, .max = max, .compressed = true};
	int n = walk(&w, type);
	if (n > WIRE_MESSAGE_MAX)
		return BANYAN_ESPACE;
	return n >= 0 && !rdata_fits(out, (size_t)n, type) ? BANYAN_EMALF : n;
}

int wire_rdata_check(const uint8_t *data, uint16_t len, uint16_t type)
{
	struct rdata_walk w = {.msg = data, .len = len, .end = len, .max = SIZE_MAX};
	int n = walk(&w, type);
	if (n < 0)
		return n;
	return rdata_fits(data, len, type) ? 0 : BANYAN_EMALF;
}

int wire_rdata_name_at(const uint8_t *data, uint16_t len, uint16_t type, unsigned n)
{
	struct rdata_walk w = {.msg = data, .len = len, .end = len, .max = SIZE_MAX};
	if (walk(&w, type) < 0 || n >= w.n_names)
		return -1;
	return w.names[n];
}

/* RFC 4034 section 6.2 with RFC 6840 section 5.1: NSEC's next name keeps its case; so do all types not listed. */
static bool has_canonical_names(uint16_t type)
{
	switch (type) {
	case WIRE_TYPE_NS:
	case 3: /* MD */
	case 4: /* MF */
	case WIRE_TYPE_CNAME:
	case WIRE_TYPE_SOA:
	case 7: /* MB */
	case 8: /* MG */
	case 9: /* MR */
	case WIRE_TYPE_PTR:
	case 14: /* MINFO */
	case WIRE_TYPE_MX:
	case 17: /* RP */
	case 18: /* AFSDB */
	case 21: /* RT */
	case WIRE_TYPE_SIG:
	case 26: /* PX */
	case 30: /* NXT */
	case WIRE_TYPE_SRV:
	case 35: /* NAPTR */
	case 36: /* KX */
	case 38: /* A6 */
	case WIRE_TYPE_DNAME:
	case WIRE_TYPE_RRSIG:
		return true;
	default:
		return false;
	}
}

void wire_rdata_canonical(uint8_t *data, uint16_t len, uint16_t type)
{
	if (!has_canonical_names(type))
		return;
	if (type == WIRE_TYPE_NS || type == WIRE_TYPE_CNAME || type == WIRE_TYPE_PTR || type == WIRE_TYPE_DNAME) {
		if (wire_name_check(data, len) == len)
			wire_name_lower(data, data);
		return;
	}
	struct rdata_walk w = {.msg = data, .len = len, .end = len, .max = SIZE_MAX};
	if (walk(&w, type) < 0)
		return;
	for (unsigned i = 0; i < w.n_names; i++)
		wire_name_lower(data + w.names[i], data + w.names[i]);
}

int wire_rdata_cmp(const struct wire_rdata *a, const struct wire_rdata *b)
{
	size_t min = a->len < b->len ? a->len : b->len;
	int d = min > 0 ? memcmp(a->data, b->data, min) : 0;
	return d != 0 ? d : (int)a->len - (int)b->len;
}

bool wire_bitmap_has(const uint8_t *map, size_t len, uint16_t type)
{
	while (len >= 2 && map[1] <= len - 2) {
		uint8_t size = map[1];
		if (map[0] == type >> 8) {
			uint8_t low = (uint8_t)type;
			return low / 8 < size && (map[2 + low / 8] & (0x80 >> low % 8)) != 0;
		}
		map += size + 2;
		len -= size + 2U;
	}
	return false;
}

/* Calls for each type of a well-formed bitmap; the shared walk of count and types. */
static int bitmap_walk(const uint8_t *map, size_t len, uint16_t *out, size_t max)
{
	int last = -1;
	size_t n = 0;
	while (len > 0) {
		/* RFC 4034 section 4.1.2: windows ascend, 1 to 32 bytes, no trailing zero bytes */
		if (len < 2 || map[0] <= last || map[1] == 0 || map[1] > 32 || map[1] > len - 2 || map[1 + map[1]] == 0)
			return BANYAN_EMALF;
		last = map[0];
		for (unsigned i = 0; i < map[1] * 8U; i++) {
			if ((map[2 + i / 8] & (0x80 >> i % 8)) == 0)
				continue;
			if (out != NULL) {
				if (n >= max)
					return BANYAN_ESPACE;
				out[n] = (uint16_t)(map[0] << 8 | i);
			}
			n++;
		}
		len -= map[1] + 2U;
		map += map[1] + 2;
	}
	return (int)n;
}

int wire_bitmap_count(const uint8_t *map, size_t len)
{
	return bitmap_walk(map, len, NULL, 0);
}

int wire_bitmap_types(const uint8_t *map, size_t len, uint16_t *out, size_t max)
{
	return bitmap_walk(map, len, out, max);
}
