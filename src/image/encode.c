// SPDX-License-Identifier: GPL-3.0-or-later
/* Templates: records written as they will stand behind a question for their base, with the places of their pointers. */
#include "compile.h"

#include <string.h>

#define POINTER_MAX 0x3fff /* 14 bits, RFC 1035 section 4.1.4 */

/* Where the set's data begin in a message whose question is for the base. */
static size_t encoder_start(const struct encoder *e)
{
	return WIRE_HEADER_SIZE + e->base_len + 4U;
}

/* Remembers a name that stands at `at`, if pointers reach it even behind the longest question name. */
static void encoder_know(struct encoder *e, const uint8_t *name, size_t at)
{
	if (e->n_known == ENCODE_NAMES_MAX || at + (WIRE_NAME_MAX - e->base_len) > POINTER_MAX)
		return;
	e->known[e->n_known].name = name;
	e->known[e->n_known++].at = (uint16_t)at;
}

void encoder_clear(struct encoder *e)
{
	e->data.len = e->shift.len = 0;
	e->n_rr = 0;
}

void encoder_begin(struct encoder *e, const uint8_t *base, bool shifting)
{
	encoder_clear(e);
	e->base = base;
	e->base_len = (uint8_t)wire_name_len(base);
	e->shifting = shifting;
	e->learn = true;
	e->wildcard = base[0] == 1 && base[1] == '*';
	e->n_known = 0;
	for (const uint8_t *p = base; *p != 0; p += *p + 1)
		if (p != base || !e->wildcard)
			encoder_know(e, p, WIRE_HEADER_SIZE + (size_t)(p - base));
}

static int put_pointer(struct encoder *e, uint16_t at)
{
	uint8_t pointer[2];
	uint16_t place = (uint16_t)e->data.len;
	wire_put16(pointer, (uint16_t)(0xc000 | at));
	/* data beyond 64 KiB never go into a message; their places need not be right */
	if (e->shifting && buffer_append(&e->shift, &place, sizeof place) < 0)
		return BANYAN_ENOMEM;
	return buffer_append(&e->data, pointer, sizeof pointer);
}

/* A name, its longest known suffix replaced by a pointer. */
static int put_name(struct encoder *e, const uint8_t *name)
{
	for (; *name != 0; name += *name + 1) {
		for (unsigned i = 0; i < e->n_known; i++)
			if (wire_name_equal(e->known[i].name, name))
				return put_pointer(e, e->known[i].at);
		if (e->learn)
			encoder_know(e, name, encoder_start(e) + e->data.len);
		int rc = buffer_append(&e->data, name, *name + 1U);
		if (rc < 0)
			return rc;
	}
	return buffer_append(&e->data, "", 1);
}

static int put_owner(struct encoder *e, const uint8_t *owner)
{
	if (e->wildcard && wire_name_equal(owner, e->base)) /* see IMAGE_SET_WILDCARD */
		return put_pointer(e, WIRE_HEADER_SIZE);
	return put_name(e, owner);
}

/* Names in RDATA that may be compressed: those of RFC 1035 (RFC 3597 section 4). Returns how many, and in *ret_skip how many
 * bytes stand before them. */
static unsigned compressible_names(uint16_t type, unsigned *ret_skip)
{
	*ret_skip = 0;
	switch (type) {
	case WIRE_TYPE_NS:
	case 3: /* MD */
	case 4: /* MF */
	case WIRE_TYPE_CNAME:
	case 7: /* MB */
	case 8: /* MG */
	case 9: /* MR */
	case WIRE_TYPE_PTR:
		return 1;
	case WIRE_TYPE_MX:
		*ret_skip = 2;
		return 1;
	case WIRE_TYPE_SOA:
	case 14: /* MINFO */
		return 2;
	default:
		return 0;
	}
}

static int put_rdata(struct encoder *e, uint16_t type, const struct wire_rdata *rdata)
{
	unsigned skip, n = compressible_names(type, &skip);
	const uint8_t *p = rdata->data, *end = p + rdata->len;
	int rc = 0;
	if (n > 0 && skip < rdata->len) {
		rc = buffer_append(&e->data, p, skip);
		p += skip;
		for (; rc == 0 && n > 0; n--) {
			int len = wire_name_check(p, (size_t)(end - p));
			if (len < 0)
				return len;
			rc = put_name(e, p);
			p += len;
		}
	}
	if (rc == 0)
		rc = buffer_append(&e->data, p, (size_t)(end - p));
	return rc;
}

static int put_record(struct encoder *e, const uint8_t *owner, uint16_t type, uint32_t ttl,
		      const struct wire_rdata *rdata)
{
	uint8_t fixed[10];
	int rc = put_owner(e, owner);
	if (rc < 0)
		return rc;
	wire_put16(fixed, type);
	wire_put16(fixed + 2, WIRE_CLASS_IN);
	wire_put32(fixed + 4, ttl);
	wire_put16(fixed + 8, 0);
	rc = buffer_append(&e->data, fixed, sizeof fixed);
	if (rc < 0)
		return rc;
	size_t start = e->data.len;
	rc = put_rdata(e, type, rdata);
	if (rc < 0)
		return rc;
	wire_put16(e->data.data + start - 2, (uint16_t)(e->data.len - start));
	e->n_rr++;
	return 0;
}

int encoder_rrset(struct encoder *e, const struct wire_rrset *set, uint32_t ttl)
{
	for (uint32_t i = 0; i < set->count; i++) {
		int rc = put_record(e, set->owner, set->type, ttl, &set->rdata[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int encoder_sigs(struct encoder *e, const struct wire_rrset *sigs, const uint8_t *owner, uint32_t ttl)
{
	for (uint32_t i = 0; sigs != NULL && i < sigs->count; i++) {
		int rc = put_record(e, owner, WIRE_TYPE_RRSIG, ttl, &sigs->rdata[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* ---- into the block ---- */

static uint32_t min_u32(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

/* RRSIGs of a proof: their owner is a pointer to the proof's own, wherever that will stand. */
static int encode_proof_sigs(struct encoder *e, const struct wire_rrset *sigs, uint32_t ttl)
{
	for (uint32_t i = 0; i < sigs->count; i++) {
		size_t start = e->data.len;
		int rc = put_record(e, (const uint8_t *)"", WIRE_TYPE_RRSIG, ttl, &sigs->rdata[i]);
		if (rc == 0)
			rc = buffer_reserve(&e->data, 1);
		if (rc < 0)
			return rc;
		uint16_t place = (uint16_t)start;
		uint8_t *p = e->data.data + start;
		memmove(p + 2, p + 1, e->data.len - start - 1);
		wire_put16(p, 0xc000);
		e->data.len++;
		rc = buffer_append(&e->shift, &place, sizeof place);
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* What was encoded so far becomes the first part of a set, or its RRSIGs. */
static int store_set(struct compile *c, const struct image_set *head, const struct buffer part[2],
		     const struct buffer shift[2], uint32_t *ret)
{
	bool oversize = head->flags & IMAGE_SET_OVERSIZE;
	size_t size = sizeof *head;
	if (!oversize)
		size += shift[0].len + shift[1].len + part[0].len + part[1].len;
	uint32_t ref;
	int rc = compile_reserve(c, size, &ref);
	if (rc < 0)
		return rc;
	uint8_t *p = compile_at(c, ref);
	memcpy(p, head, sizeof *head);
	p += sizeof *head;
	const struct buffer *parts[4] = {&shift[0], &shift[1], &part[0], &part[1]};
	for (int i = 0; i < 4 && !oversize; i++) {
		if (parts[i]->len > 0)
			memcpy(p, parts[i]->data, parts[i]->len);
		p += parts[i]->len;
	}
	*ret = ref;
	return 0;
}

int compile_set(struct compile *c, const struct wire_rrset *set, const struct wire_rrset *sigs, uint32_t ttl_max,
		unsigned flags, uint32_t *ret)
{
	struct encoder *e = c->encoder;
	struct image_set head = {.base_len = e->base_len};
	int rc = encoder_rrset(e, set, min_u32(set->ttl, ttl_max));
	if (rc < 0)
		return rc;
	struct buffer part[2], shift[2];
	size_t len = e->data.len, n_shift = e->shift.len, n_rr = e->n_rr;
	bool self = flags & IMAGE_SET_PROOF && e->data.data[0] != 0 && e->data.data[0] < 0xc0;
	if (sigs != NULL) {
		/* places in the second part count from its own start: encode it at 0, behind the first */
		struct buffer first = e->data, first_shift = e->shift;
		e->data = e->shift = (struct buffer){0};
		e->learn = false;
		uint32_t ttl = min_u32(sigs->ttl, ttl_max);
		rc = self ? encode_proof_sigs(e, sigs, ttl) : encoder_sigs(e, sigs, set->owner, ttl);
		part[1] = e->data;
		shift[1] = e->shift;
		e->data = first;
		e->shift = first_shift;
	} else {
		part[1] = shift[1] = (struct buffer){0};
	}
	part[0] = e->data;
	shift[0] = e->shift;
	if (rc == 0) {
		head.flags =
			(uint8_t)(flags | (self ? IMAGE_SET_SIG_SELF : 0) | (e->wildcard ? IMAGE_SET_WILDCARD : 0));
		if (len > WIRE_MESSAGE_MAX || part[1].len > WIRE_MESSAGE_MAX) {
			head.flags |= IMAGE_SET_OVERSIZE;
		} else {
			head.len = (uint32_t)len;
			head.sig_len = (uint32_t)part[1].len;
			head.n_rr = (uint16_t)n_rr;
			head.n_sig = (uint16_t)(sigs != NULL ? sigs->count : 0);
			head.n_shift = (uint16_t)(n_shift / sizeof(uint16_t));
			head.n_sig_shift = (uint16_t)(shift[1].len / sizeof(uint16_t));
		}
		rc = store_set(c, &head, part, shift, ret);
	}
	buffer_done(&part[1]);
	buffer_done(&shift[1]);
	return rc;
}
