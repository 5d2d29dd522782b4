// SPDX-License-Identifier: GPL-3.0-or-later
/* Denial by NSEC (RFC 4035 section 5.4, RFC 6840 section 4, compact denial of RFC 9824). */
#include "message.h"

/* One NSEC record; pointers into its RRset. */
struct nsec {
	const uint8_t *owner, *next, *map;
	size_t map_len;
};

/* What the records say of a name. */
enum nsec_says { NSEC_NOTHING, NSEC_EXISTS, NSEC_EMPTY, NSEC_NOT_THERE };

/* The i-th record, if it is an NSEC of this zone. */
static bool nsec_get(const struct denial_call *call, size_t i, struct nsec *ret)
{
	const struct wire_rrset *set = &call->denial->set[i];
	if (set->type != WIRE_TYPE_NSEC || set->count == 0 || !wire_name_under(set->owner, call->denial->zone))
		return false;
	/* made of a wildcard: it speaks of the wildcard, not of its owner */
	if (call->denial->labels != NULL && call->denial->labels[i] < rrsig_labels(set->owner))
		return false;
	const struct wire_rdata *rdata = &set->rdata[0];
	int next_len = wire_name_check(rdata->data, rdata->len);
	if (next_len < 0 || !wire_name_under(rdata->data, call->denial->zone))
		return false;
	*ret = (struct nsec){.owner = set->owner,
			     .next = rdata->data,
			     .map = rdata->data + next_len,
			     .map_len = rdata->len - (size_t)next_len};
	return wire_bitmap_count(ret->map, ret->map_len) >= 0;
}

/* Does the record speak of what is below its owner? Not if that is another zone's or a DNAME's (RFC 6840 section 4.1, RFC
 * 6672 section 5.3.4). */
static bool nsec_speaks_below(const struct nsec *nsec)
{
	return !bitmap_is_cut(nsec->map, nsec->map_len) && !wire_bitmap_has(nsec->map, nsec->map_len, WIRE_TYPE_DNAME);
}

static enum nsec_says nsec_says(const struct denial_call *call, const struct nsec *nsec, const uint8_t *name)
{
	int from_owner = wire_name_cmp(nsec->owner, name);
	if (from_owner == 0)
		return NSEC_EXISTS;
	/* the last record's next name is the apex (RFC 4034 section 4.1.1) */
	bool last = wire_name_equal(nsec->next, call->denial->zone);
	if (from_owner > 0 || (!last && wire_name_cmp(name, nsec->next) >= 0))
		return NSEC_NOTHING;
	if (!nsec_speaks_below(nsec) && wire_name_under(name, nsec->owner))
		return NSEC_NOTHING;
	return !last && wire_name_under(nsec->next, name) ? NSEC_EMPTY : NSEC_NOT_THERE;
}

/* The first record that says something of the name. */
static enum nsec_says nsec_find(const struct denial_call *call, const uint8_t *name, struct nsec *ret)
{
	for (size_t i = 0; i < call->denial->n; i++) {
		enum nsec_says says = nsec_get(call, i, ret) ? nsec_says(call, ret, name) : NSEC_NOTHING;
		if (says != NSEC_NOTHING)
			return says;
	}
	return NSEC_NOTHING;
}

/* The labels of the closest name above one that is not there: both ends of the gap exist, and so do the names above them. */
static unsigned nsec_encloser(const struct nsec *gap, const uint8_t *name)
{
	unsigned owner = wire_name_common(name, gap->owner), next = wire_name_common(name, gap->next);
	return owner > next ? owner : next;
}

/* "*" and the last `labels` labels of the name; false: too long to exist */
static bool wildcard_of(const struct denial_call *call, unsigned labels, uint8_t out[WIRE_NAME_MAX])
{
	return wire_name_wildcard(wire_name_skip(call->name, call->labels - labels), out) > 0;
}

/* RFC 9824 section 3: the bitmap that a signer on the fly gives to a name that does not exist. */
static bool nsec_is_compact(const struct nsec *nsec)
{
	return wire_bitmap_has(nsec->map, nsec->map_len, TYPE_NXNAME) &&
	       bitmap_denies(nsec->map, nsec->map_len, WIRE_TYPE_ANY, false);
}

enum dnssec_denied nsec_deny_name(const struct denial_call *call, bool *compact)
{
	struct nsec nsec;
	uint8_t wildcard[WIRE_NAME_MAX];
	enum nsec_says says = nsec_find(call, call->name, &nsec);
	if (says == NSEC_EXISTS && nsec_is_compact(&nsec)) {
		*compact = true;
		return DNSSEC_DENIED;
	}
	if (says != NSEC_NOT_THERE)
		return DNSSEC_DENIED_NOT;
	if (!wildcard_of(call, nsec_encloser(&nsec, call->name), wildcard))
		return DNSSEC_DENIED;
	return nsec_find(call, wildcard, &nsec) == NSEC_NOT_THERE ? DNSSEC_DENIED : DNSSEC_DENIED_NOT;
}

enum dnssec_denied nsec_deny_type(const struct denial_call *call, uint16_t type)
{
	struct nsec nsec;
	uint8_t wildcard[WIRE_NAME_MAX];
	enum nsec_says says = nsec_find(call, call->name, &nsec);
	if (says == NSEC_NOT_THERE) { /* then by the wildcard that stands for it */
		if (!wildcard_of(call, nsec_encloser(&nsec, call->name), wildcard))
			return DNSSEC_DENIED_NOT;
		says = nsec_find(call, wildcard, &nsec);
	}
	if (says == NSEC_EMPTY)
		return DNSSEC_DENIED;
	return says == NSEC_EXISTS && bitmap_denies(nsec.map, nsec.map_len, type, call->labels == 0)
		       ? DNSSEC_DENIED
		       : DNSSEC_DENIED_NOT;
}

enum dnssec_denied nsec_deny_closer(const struct denial_call *call, unsigned labels)
{
	struct nsec nsec;
	return nsec_find(call, call->name, &nsec) == NSEC_NOT_THERE && nsec_encloser(&nsec, call->name) == labels
		       ? DNSSEC_DENIED
		       : DNSSEC_DENIED_NOT;
}

enum dnssec_denied nsec_deny_ds(const struct denial_call *call, bool *cut)
{
	struct nsec nsec;
	switch (nsec_find(call, call->name, &nsec)) {
	case NSEC_NOTHING:
		return DNSSEC_DENIED_NOT;
	case NSEC_EXISTS:
		/* with an SOA it is the child's */
		if (wire_bitmap_has(nsec.map, nsec.map_len, WIRE_TYPE_DS) ||
		    wire_bitmap_has(nsec.map, nsec.map_len, WIRE_TYPE_SOA))
			return DNSSEC_DENIED_NOT;
		*cut = bitmap_is_cut(nsec.map, nsec.map_len);
		return DNSSEC_DENIED;
	default: /* nothing there that could be a delegation */
		return DNSSEC_DENIED;
	}
}
