// SPDX-License-Identifier: GPL-3.0-or-later
/* One answer put together from templates: which ones (RFC 1034 section 4.3.2, RFC 4035 section 3.1), copied and patched. */
#include "compose.h"

#include <string.h>

#define POINTER_MAX 0x3fff

enum part { PART_RR = 1, PART_SIG = 2, PART_BOTH = 3 };

static bool room(struct compose *c, size_t len)
{
	if (!c->overflow && len <= c->cap - c->len)
		return true;
	c->overflow = true;
	return false;
}

static void shift_pointers(uint8_t *data, const uint16_t *place, size_t n, unsigned by)
{
	for (size_t i = 0; i < n; i++)
		wire_put16(data + place[i], (uint16_t)(wire_get16(data + place[i]) + by));
}

/* In an expanded wildcard, pointers to the first label are owners and stay: the question's name is the owner. */
static void shift_expanded(uint8_t *data, const uint16_t *place, size_t n, unsigned by)
{
	for (size_t i = 0; i < n; i++) {
		uint16_t pointer = wire_get16(data + place[i]);
		if (pointer != (0xc000 | WIRE_HEADER_SIZE))
			wire_put16(data + place[i], (uint16_t)(pointer + by));
	}
}

/* RRSIGs of a proof, each behind an owner of `owner_len` bytes in place of its pointer. */
static void add_proof_sigs(struct compose *c, const struct image_set *set, const uint8_t *owner, size_t owner_len)
{
	const uint8_t *data = set_data(set) + set->len;
	const uint16_t *place = set_shifts(set) + set->n_shift;
	if (!room(c, set->sig_len + set->n_sig_shift * owner_len))
		return;
	for (unsigned i = 0; i < set->n_sig_shift; i++) {
		size_t start = place[i] + 2U, end = i + 1U < set->n_sig_shift ? place[i + 1] : set->sig_len;
		memcpy(c->out + c->len, owner, owner_len);
		memcpy(c->out + c->len + owner_len, data + start, end - start);
		c->len += owner_len + end - start;
	}
}

/* Copies a set, or only its records or only its RRSIGs, and moves its pointers. */
static void add_set(struct compose *c, enum wire_section section, const struct image_set *set, enum part part)
{
	size_t from = part == PART_SIG ? set->len : 0;
	size_t len = (part & PART_RR ? set->len : 0) + (part & PART_SIG ? set->sig_len : 0);
	if (set->flags & IMAGE_SET_OVERSIZE || !room(c, len)) {
		c->overflow = true;
		return;
	}
	uint8_t *to = c->out + c->len;
	const uint16_t *shift = set_shifts(set);
	unsigned by = c->ask.len - (unsigned)set->base_len;
	memcpy(to, set_data(set) + from, len);
	if (by != 0) {
		void (*move)(uint8_t *, const uint16_t *, size_t, unsigned) =
			set->flags & IMAGE_SET_WILDCARD && c->expanding ? shift_expanded : shift_pointers;
		if (part & PART_RR)
			move(to, shift, set->n_shift, by);
		if (part & PART_SIG && (set->flags & IMAGE_SET_SIG_SELF) == 0)
			move(to + (part & PART_RR ? set->len : 0), shift + set->n_shift, set->n_sig_shift, by);
	}
	if (part == PART_BOTH && set->flags & IMAGE_SET_SIG_SELF) {
		if (c->len <= POINTER_MAX) {
			shift_pointers(to + set->len, shift + set->n_shift, set->n_sig_shift, (unsigned)c->len);
			c->len += len;
		} else {
			/* pointers do not reach so far: the owner is written out; it is the proof's first field */
			size_t owner_len = 0;
			while (to[owner_len] != 0 && to[owner_len] < 0xc0)
				owner_len += to[owner_len] + 1U;
			owner_len += to[owner_len] == 0 ? 1 : 2;
			c->len += set->len;
			add_proof_sigs(c, set, to, owner_len);
		}
	} else {
		c->len += len;
	}
	c->counts[section] =
		(uint16_t)(c->counts[section] + (part & PART_RR ? set->n_rr : 0) + (part & PART_SIG ? set->n_sig : 0));
	c->must = c->len;
}

static void add_ref(struct compose *c, enum wire_section section, uint32_t ref)
{
	add_set(c, section, image_at(c->image, ref), c->dnssec ? PART_BOTH : PART_RR);
}

/* RRSIGs alone, under the question's name. */
static void add_sigs(struct compose *c, const struct image_set *set)
{
	static const uint8_t owner[2] = {0xc0, WIRE_HEADER_SIZE};
	if (set->flags & IMAGE_SET_SIG_SELF && (set->flags & IMAGE_SET_OVERSIZE) == 0) {
		add_proof_sigs(c, set, owner, sizeof owner);
		c->counts[WIRE_ANSWER] = (uint16_t)(c->counts[WIRE_ANSWER] + set->n_sig);
		c->must = c->len;
		return;
	}
	add_set(c, WIRE_ANSWER, set, PART_SIG);
}

/* An NSEC asked for by a name that a wildcard stands for: the template has its own owner written out. */
static void add_expanded_proof(struct compose *c, const struct image_set *set)
{
	static const uint8_t owner[2] = {0xc0, WIRE_HEADER_SIZE};
	const uint8_t *data = set_data(set);
	size_t skip = 0;
	while (data[skip] != 0 && data[skip] < 0xc0)
		skip += data[skip] + 1U;
	skip += data[skip] == 0 ? 1 : 2;
	if (!room(c, set->len))
		return;
	memcpy(c->out + c->len, owner, sizeof owner);
	memcpy(c->out + c->len + sizeof owner, data + skip, set->len - skip);
	c->len += sizeof owner + set->len - skip;
	c->counts[WIRE_ANSWER]++;
	if (c->dnssec)
		add_sigs(c, set);
	c->must = c->len;
}

/* Proofs go in once, however many things they prove. */
static void add_proof(struct compose *c, uint32_t ref)
{
	if (ref == 0 || c->n_proofs == IMAGE_PROOFS_MAX)
		return;
	for (unsigned i = 0; i < c->n_proofs; i++)
		if (c->proof[i] == ref)
			return;
	c->proof[c->n_proofs++] = ref;
	add_ref(c, WIRE_AUTHORITY, ref);
}

static void add_extra(struct compose *c, uint32_t ref)
{
	if (ref == 0)
		return;
	const struct image_extra *extra = image_at(c->image, ref);
	if (c->minimal && (extra->flags & IMAGE_EXTRA_KEEP) == 0)
		return;
	unsigned variant = c->dnssec && !c->plain_extra && (extra->flags & IMAGE_EXTRA_SAME) == 0;
	size_t len = extra->len[variant];
	c->must = c->len + extra->must_len;
	if (!room(c, len))
		return;
	uint8_t *to = c->out + c->len;
	unsigned by = c->ask.len - (unsigned)extra->base_len;
	memcpy(to, extra_data(extra) + (variant ? extra->len[0] : 0), len);
	if (by != 0)
		shift_pointers(to, extra_shifts(extra) + (variant ? extra->n_shift[0] : 0), extra->n_shift[variant],
			       by);
	c->len += len;
	c->counts[WIRE_ADDITIONAL] = (uint16_t)(c->counts[WIRE_ADDITIONAL] + extra->n_rr[variant]);
	if (c->plain_extra && c->dnssec && (extra->flags & IMAGE_EXTRA_SAME) == 0)
		c->unsigned_extra = extra;
}

static const struct image_set *find_set(const struct compose *c, const struct image_slot *slot, uint16_t type)
{
	const struct image_type *entry = slot_types(slot);
	for (unsigned i = 0; i < slot->n_types && entry[i].type <= type; i++)
		if (entry[i].type == type)
			return image_at(c->image, entry[i].set);
	return NULL;
}

/* Proof that the question's name itself is not there: NSEC over it, or NSEC3 over the name one label below the closest
 * provable encloser (RFC 5155 section 7.2.1). */
static void add_cover(struct compose *c, const struct image_slot *encloser)
{
	if (c->image->header->denial_kind == IMAGE_DENIAL_NSEC)
		add_proof(c, image_cover_nsec(c->image, c->ask.lower));
	else if (c->image->header->denial_kind == IMAGE_DENIAL_NSEC3)
		add_proof(c, image_cover_nsec3(c->image,
					       wire_name_skip(c->ask.lower, c->ask.labels - encloser->provable - 1U)));
}

/* The target of the alias whose RDATA begin at `pos`. */
static void set_target(struct compose *c, size_t pos)
{
	if (!c->overflow)
		c->alias = wire_name_expand(c->out, c->len, pos, c->target, NULL) > 0;
}

static void referral(struct compose *c, const struct image_slot *cut)
{
	const struct image_set *ns = find_set(c, cut, WIRE_TYPE_NS), *ds = find_set(c, cut, WIRE_TYPE_DS);
	c->referral = true;
	add_set(c, WIRE_AUTHORITY, ns, PART_RR);
	bool is_signed = c->image->header->denial_kind != IMAGE_DENIAL_NONE || (ds != NULL && ds->n_sig > 0);
	if (c->dnssec && is_signed && ds != NULL) { /* RFC 4035 section 3.1.4: out of a signed zone */
		add_set(c, WIRE_AUTHORITY, ds, PART_BOTH);
	} else if (c->dnssec) {
		add_proof(c, cut->nodata[0]);
		add_proof(c, cut->nodata[1]);
	}
	add_extra(c, ns->extra);
}

/* RFC 4035 section 3.1.3.1 and 3.1.3.4, RFC 5155 sections 7.2.3 to 7.2.5. */
static void nodata(struct compose *c, const struct image_slot *slot, const struct image_slot *encloser)
{
	add_ref(c, WIRE_AUTHORITY, c->image->header->soa_negative);
	if (!c->dnssec)
		return;
	if (encloser != NULL) {
		add_proof(c, encloser->encloser);
		add_cover(c, encloser);
	}
	add_proof(c, slot->nodata[0]);
	add_proof(c, slot->nodata[1]);
}

/* RFC 4035 section 3.1.3.2, RFC 5155 section 7.2.2. */
static void nxdomain(struct compose *c, const struct image_slot *encloser)
{
	c->rcode = WIRE_RCODE_NXDOMAIN;
	add_ref(c, WIRE_AUTHORITY, c->image->header->soa_negative);
	if (!c->dnssec)
		return;
	add_proof(c, encloser->encloser);
	add_cover(c, encloser);
	add_proof(c, encloser->no_wildcard);
}

static void all_sigs(struct compose *c, const struct image_slot *slot, const struct image_slot *encloser)
{
	const struct image_type *entry = slot_types(slot);
	for (unsigned i = 0; i < slot->n_types; i++)
		add_sigs(c, image_at(c->image, entry[i].set));
	if (c->counts[WIRE_ANSWER] == 0 && !c->overflow)
		nodata(c, slot, encloser);
	else if (encloser != NULL && c->dnssec)
		add_cover(c, encloser);
}

/* The data of a slot answer the question; `encloser` is that of the wildcard that was expanded, or NULL. */
static void answer_at(struct compose *c, const struct image_slot *slot, const struct image_slot *encloser)
{
	uint16_t qtype = c->ask.qtype;
	const struct image_set *set = NULL;
	c->expanding = encloser != NULL;
	if (qtype == WIRE_TYPE_RRSIG) {
		all_sigs(c, slot, encloser);
		return;
	}
	if (qtype == WIRE_TYPE_ANY && slot->any != IMAGE_NO_TYPE) {
		set = image_at(c->image, slot_types(slot)[slot->any].set);
		c->any_minimised = slot->n_types > 1;
	} else if (qtype != WIRE_TYPE_ANY) {
		set = find_set(c, slot, qtype);
	}
	/* NSEC may stand beside a CNAME (RFC 4035 section 2.5): it is asked of the alias itself, as RRSIG is */
	bool alias = set == NULL && qtype != WIRE_TYPE_ANY && qtype != WIRE_TYPE_NSEC && slot->flags & IMAGE_SLOT_CNAME;
	if (alias)
		set = find_set(c, slot, WIRE_TYPE_CNAME);
	if (set == NULL) {
		nodata(c, slot, encloser);
		return;
	}
	size_t start = c->len;
	if (set->flags & IMAGE_SET_PROOF && c->expanding)
		add_expanded_proof(c, set);
	else
		add_set(c, WIRE_ANSWER, set, c->dnssec ? PART_BOTH : PART_RR);
	if (alias)
		set_target(
			c,
			start + 12); /* a CNAME's owner is a pointer to the question: 2 bytes, then 10 of fixed fields */
	if (encloser != NULL && c->dnssec)
		add_cover(c, encloser);
	if (qtype != WIRE_TYPE_ANY)
		add_extra(c, set->extra);
}

/* RFC 6672 section 3.2: the DNAME, and a CNAME made from it with its TTL (section 3.1). */
static void rename_below(struct compose *c, const struct image_slot *slot)
{
	const struct image_set *set = find_set(c, slot, WIRE_TYPE_DNAME);
	size_t start = c->len;
	c->renamed_by = slot;
	add_set(c, WIRE_ANSWER, set, c->dnssec ? PART_BOTH : PART_RR);
	if (c->overflow)
		return;
	/* owner: a pointer, or the root label */
	const uint8_t *fixed = c->out + start + (c->out[start] == 0 ? 1 : 2);
	int len = wire_name_substitute(c->ask.qname, slot_name(slot), fixed + 10, c->target);
	if (len < 0) {
		c->rcode = WIRE_RCODE_YXDOMAIN;
		return;
	}
	if (!room(c, 12 + (size_t)len))
		return;
	uint8_t *p = c->out + c->len;
	wire_put16(p, 0xc000 | WIRE_HEADER_SIZE);
	wire_put16(p + 2, WIRE_TYPE_CNAME);
	memcpy(p + 4, fixed + 2, 6); /* class and TTL of the DNAME */
	wire_put16(p + 10, (uint16_t)len);
	memcpy(p + 12, c->target, (size_t)len);
	c->len += 12 + (size_t)len;
	c->counts[WIRE_ANSWER]++;
	c->must = c->len;
	c->alias = c->ask.qtype != WIRE_TYPE_CNAME && c->ask.qtype != WIRE_TYPE_ANY;
}

static void write_question(struct compose *c)
{
	c->len = WIRE_HEADER_SIZE + c->ask.len + 4U;
	if (c->len > c->cap) { /* cannot be for 512 bytes and more */
		c->overflow = true;
		return;
	}
	memset(c->out, 0, WIRE_HEADER_SIZE);
	memcpy(c->out + WIRE_HEADER_SIZE, c->ask.qname, c->ask.len);
	wire_put16(c->out + c->len - 4, c->ask.qtype);
	wire_put16(c->out + c->len - 2, WIRE_CLASS_IN);
}

void compose(struct compose *c)
{
	memset(c->counts, 0, sizeof c->counts);
	c->counts[0] = 1;
	c->rcode = WIRE_RCODE_NOERROR;
	c->overflow = c->referral = c->any_minimised = c->expanding = c->alias = false;
	c->renamed_by = NULL;
	c->unsigned_extra = NULL;
	write_question(c);
	c->must = c->len;
	const struct image_slot *slot = image_find(c->image, &c->ask);
	bool exact = slot->labels == c->ask.labels;
	if (slot->flags & IMAGE_SLOT_CUT && !(exact && c->ask.qtype == WIRE_TYPE_DS))
		referral(c, slot);
	else if (exact)
		answer_at(c, slot, NULL);
	else if (slot->flags & IMAGE_SLOT_DNAME)
		rename_below(c, slot);
	else if (slot->wildcard != 0)
		answer_at(c, image_at(c->image, slot->wildcard), slot);
	else
		nxdomain(c, slot);
}
