// SPDX-License-Identifier: GPL-3.0-or-later
/* What a zone answers, by RFC 1034 section 4.3.2, 2308, 4035, 4592, 5155 and 6672, with linear searches. */
#include "reference.h"

#include "dnssec/dnssec.h"

#include <stdlib.h>
#include <string.h>

struct work {
	const struct zone *zone;
	struct test_answer *answer;
	const uint8_t *qname; /* of this hop */
	uint16_t qtype;
	bool dnssec, nsec, nsec3;
};

static const struct zone_node *node_of(const struct work *w, const uint8_t *name)
{
	for (size_t i = 0; i < w->zone->n_nodes; i++)
		if (wire_name_equal(w->zone->node[i].name, name))
			return &w->zone->node[i];
	return NULL;
}

static const struct wire_rrset *set_of(const struct work *w, const uint8_t *name, uint16_t type)
{
	const struct zone_node *node = node_of(w, name);
	for (unsigned i = 0; node != NULL && i < node->n_sets; i++)
		if (w->zone->set[node->first_set + i].type == type)
			return &w->zone->set[node->first_set + i];
	return NULL;
}

static bool is_hash_name(const struct work *w, const uint8_t *name)
{
	return set_of(w, name, WIRE_TYPE_NSEC3) != NULL;
}

/* Does the name exist: has it data, or one below it (RFC 4592 section 2.2.2)? Names of NSEC3 records do not count. */
static bool exists(const struct work *w, const uint8_t *name)
{
	for (size_t i = 0; i < w->zone->n_nodes; i++) {
		const struct zone_node *node = &w->zone->node[i];
		if (node->n_sets > 0 && wire_name_under(node->name, name) && !is_hash_name(w, node->name))
			return true;
	}
	return false;
}

static void put_sigs(struct work *w, enum wire_section section, const uint8_t *at, const uint8_t *owner, uint16_t type,
		     uint32_t ttl_max)
{
	const struct zone_node *node = node_of(w, at);
	for (unsigned i = 0; i < node->n_sets; i++) {
		const struct wire_rrset *sigs = &w->zone->set[node->first_set + i];
		for (uint32_t k = 0; sigs->type == WIRE_TYPE_RRSIG && k < sigs->count; k++)
			if (wire_get16(sigs->rdata[k].data) == type)
				test_answer_add(w->answer, section, owner, sigs->ttl < ttl_max ? sigs->ttl : ttl_max,
						WIRE_TYPE_RRSIG, &sigs->rdata[k]);
	}
}

static void put_set(struct work *w, enum wire_section section, const uint8_t *at, const uint8_t *owner, uint16_t type,
		    bool sigs)
{
	const struct wire_rrset *set = set_of(w, at, type);
	for (uint32_t i = 0; i < set->count; i++)
		test_answer_add(w->answer, section, owner, set->ttl, type, &set->rdata[i]);
	if (sigs && w->dnssec)
		put_sigs(w, section, at, owner, type, UINT32_MAX);
}

/* ---- denial ---- */

static void cover_nsec(struct work *w, const uint8_t *name)
{
	const uint8_t *best = NULL;
	for (size_t i = 0; i < w->zone->n_nodes; i++) {
		const uint8_t *owner = w->zone->node[i].name;
		if (set_of(w, owner, WIRE_TYPE_NSEC) != NULL && wire_name_cmp(owner, name) <= 0 &&
		    (best == NULL || wire_name_cmp(owner, best) > 0))
			best = owner;
	}
	put_set(w, WIRE_AUTHORITY, best, best, WIRE_TYPE_NSEC, true);
}

static void decode_owner(const uint8_t *owner, uint8_t hash[20])
{
	memset(hash, 0, 20);
	for (unsigned i = 0; i < 32; i++) {
		uint8_t c = owner[1 + i];
		unsigned v = c <= '9' ? c - (unsigned)'0' : c - 'a' + 10U;
		for (unsigned b = 0; b < 5; b++)
			if (v & (16U >> b))
				hash[(i * 5 + b) / 8] |= (uint8_t)(0x80U >> ((i * 5 + b) % 8));
	}
}

/* The NSEC3 at or before the hash of the name, around the ring. Returns whether it matches. */
static const uint8_t *nsec3_for(const struct work *w, const uint8_t *name, bool *ret_match)
{
	uint8_t hash[20], at[20], best_hash[20], last_hash[20];
	const uint8_t *best = NULL, *last = NULL;
	if (dnssec_nsec3_hash(name, 2, (const uint8_t *)"\xab\xcd", 2, hash) < 0)
		abort();
	for (size_t i = 0; i < w->zone->n_nodes; i++) {
		const uint8_t *owner = w->zone->node[i].name;
		if (!is_hash_name(w, owner))
			continue;
		decode_owner(owner, at);
		if (last == NULL || memcmp(at, last_hash, 20) > 0) {
			last = owner;
			memcpy(last_hash, at, 20);
		}
		if (memcmp(at, hash, 20) <= 0 && (best == NULL || memcmp(at, best_hash, 20) > 0)) {
			best = owner;
			memcpy(best_hash, at, 20);
		}
	}
	*ret_match = best != NULL && memcmp(best_hash, hash, 20) == 0;
	return best != NULL ? best : last;
}

static void put_nsec3(struct work *w, const uint8_t *name)
{
	bool match;
	const uint8_t *owner = nsec3_for(w, name, &match);
	put_set(w, WIRE_AUTHORITY, owner, owner, WIRE_TYPE_NSEC3, true);
}

/* RFC 5155 section 7.2.1: the closest ancestor with an NSEC3, and the cover of the name one label longer. Returns the ancestor. */
static const uint8_t *closest_encloser_proof(struct work *w, const uint8_t *name)
{
	const uint8_t *p = name, *next = name;
	bool match;
	for (nsec3_for(w, p, &match); !match; nsec3_for(w, p, &match)) {
		next = p;
		p = wire_name_skip(p, 1);
	}
	put_nsec3(w, p);
	if (next != p)
		put_nsec3(w, next);
	return p;
}

static void put_soa(struct work *w)
{
	const struct wire_rrset *soa = set_of(w, w->zone->apex, WIRE_TYPE_SOA);
	uint32_t minimum = wire_get32(soa->rdata[0].data + soa->rdata[0].len - 4);
	test_answer_add(w->answer, WIRE_AUTHORITY, w->zone->apex, soa->ttl < minimum ? soa->ttl : minimum,
			WIRE_TYPE_SOA, &soa->rdata[0]);
	if (w->dnssec)
		put_sigs(w, WIRE_AUTHORITY, w->zone->apex, w->zone->apex, WIRE_TYPE_SOA, minimum);
}

/* `at` has not the type; when it is a wildcard, `encloser` is its parent. */
static void nodata(struct work *w, const uint8_t *at, const uint8_t *encloser)
{
	bool match;
	put_soa(w);
	if (!w->dnssec)
		return;
	if (w->nsec) {
		if (encloser != NULL)
			cover_nsec(w, w->qname);
		cover_nsec(w, at);
	} else if (w->nsec3) {
		if (encloser != NULL)
			closest_encloser_proof(w, w->qname);
		nsec3_for(w, at, &match);
		if (match)
			put_nsec3(w, at);
		else
			closest_encloser_proof(w, at);
	}
}

static void nxdomain(struct work *w, const uint8_t *encloser)
{
	uint8_t wildcard[WIRE_NAME_MAX];
	w->answer->rcode = WIRE_RCODE_NXDOMAIN;
	put_soa(w);
	if (!w->dnssec || (!w->nsec && !w->nsec3))
		return;
	if (w->nsec)
		cover_nsec(w, w->qname);
	else
		encloser = closest_encloser_proof(w, w->qname);
	if (wire_name_wildcard(encloser, wildcard) < 0)
		return;
	if (w->nsec)
		cover_nsec(w, wildcard);
	else
		put_nsec3(w, wildcard);
}

/* ---- additional ---- */

static bool is_below_cut(const struct work *w, const uint8_t *name)
{
	for (const uint8_t *p = name; !wire_name_equal(p, w->zone->apex); p = wire_name_skip(p, 1))
		if (set_of(w, p, WIRE_TYPE_NS) != NULL)
			return true;
	return false;
}

static bool is_below_dname(const struct work *w, const uint8_t *name)
{
	while (!wire_name_equal(name, w->zone->apex)) {
		name = wire_name_skip(name, 1);
		if (set_of(w, name, WIRE_TYPE_DNAME) != NULL)
			return true;
	}
	return false;
}

static void put_addresses(struct work *w, const struct wire_rrset *set)
{
	static const uint16_t types[] = {WIRE_TYPE_A, WIRE_TYPE_AAAA};
	for (uint32_t i = 0; i < set->count; i++) {
		const uint8_t *name = set->rdata[i].data + (set->type == WIRE_TYPE_MX    ? 2
							    : set->type == WIRE_TYPE_SRV ? 6
											 : 0);
		uint8_t lower[WIRE_NAME_MAX];
		wire_name_lower(name, lower);
		if (!wire_name_under(lower, w->zone->apex) || is_below_dname(w, lower))
			continue;
		bool glue = is_below_cut(w, lower);
		for (unsigned t = 0; t < 2; t++)
			if (set_of(w, lower, types[t]) != NULL && (!glue || set->type == WIRE_TYPE_NS))
				put_set(w, WIRE_ADDITIONAL, lower, lower, types[t], !glue);
	}
}

/* ---- the algorithm ---- */

static void referral(struct work *w, const uint8_t *cut)
{
	bool match;
	put_set(w, WIRE_AUTHORITY, cut, cut, WIRE_TYPE_NS, false);
	if (w->dnssec && (w->nsec || w->nsec3) && set_of(w, cut, WIRE_TYPE_DS) != NULL) {
		put_set(w, WIRE_AUTHORITY, cut, cut, WIRE_TYPE_DS, true);
	} else if (w->dnssec && w->nsec) {
		cover_nsec(w, cut);
	} else if (w->dnssec && w->nsec3) {
		nsec3_for(w, cut, &match);
		if (match)
			put_nsec3(w, cut);
		else
			closest_encloser_proof(w, cut);
	}
	put_addresses(w, set_of(w, cut, WIRE_TYPE_NS));
}

static bool at_cut(const struct work *w, const struct zone_node *node)
{
	return node->flags & ZONE_NODE_CUT;
}

/* RFC 8482: the smallest RRset; NSEC only if there is no other. */
static uint16_t any_type(const struct work *w, const struct zone_node *node)
{
	size_t best = SIZE_MAX;
	uint16_t type = 0;
	for (unsigned i = 0; i < node->n_sets; i++) {
		const struct wire_rrset *set = &w->zone->set[node->first_set + i];
		size_t size = 0;
		for (uint32_t k = 0; k < set->count; k++)
			size += 12U + set->rdata[k].len;
		if (set->type == WIRE_TYPE_NSEC)
			size = SIZE_MAX - 1;
		if (set->type != WIRE_TYPE_RRSIG && size < best) {
			best = size;
			type = set->type;
		}
	}
	return type;
}

static void wildcard_proof(struct work *w, const uint8_t *encloser)
{
	if (encloser == NULL || !w->dnssec)
		return;
	if (w->nsec) {
		cover_nsec(w, w->qname);
	} else if (w->nsec3) {
		/* the name one label below what the proof starts from */
		const uint8_t *p = w->qname, *next = w->qname;
		bool match = false;
		for (; !match; nsec3_for(w, p, &match)) {
			next = p;
			p = wire_name_skip(p, 1);
		}
		put_nsec3(w, next);
	}
}

/* Answers from the data of `at`, under the name of the question. True if it goes on at `target`. */
static bool answer_from(struct work *w, const uint8_t *at, const uint8_t *encloser, uint8_t *target)
{
	const struct zone_node *node = node_of(w, at);
	uint16_t type = w->qtype;
	if (type == WIRE_TYPE_RRSIG) {
		size_t before = w->answer->n_lines;
		for (unsigned i = 0; i < node->n_sets; i++) {
			uint16_t covered = w->zone->set[node->first_set + i].type;
			if (covered != WIRE_TYPE_RRSIG)
				put_sigs(w, WIRE_ANSWER, at, w->qname, covered, UINT32_MAX);
		}
		if (w->answer->n_lines == before)
			nodata(w, at, encloser);
		else
			wildcard_proof(w, encloser);
		return false;
	}
	if (type == WIRE_TYPE_ANY)
		type = any_type(w, node);
	/* RFC 4592 section 4.2 leaves open what NS at a wildcard mean: here they are data to copy (section 3.3.1) */
	if (set_of(w, at, type) != NULL && (!at_cut(w, node) || type == WIRE_TYPE_DS ||
					    (encloser != NULL && (type == WIRE_TYPE_NS || type == WIRE_TYPE_NSEC)))) {
		put_set(w, WIRE_ANSWER, at, w->qname, type, true);
		wildcard_proof(w, encloser);
		if (w->qtype == WIRE_TYPE_NS || w->qtype == WIRE_TYPE_MX || w->qtype == WIRE_TYPE_SRV)
			put_addresses(w, set_of(w, at, type));
		return false;
	}
	const struct wire_rrset *cname = set_of(w, at, WIRE_TYPE_CNAME);
	/* NSEC and CNAME may stand side by side (RFC 4035 section 2.5) */
	if (cname == NULL || at_cut(w, node) || type == WIRE_TYPE_NSEC) {
		nodata(w, at, encloser);
		return false;
	}
	put_set(w, WIRE_ANSWER, at, w->qname, WIRE_TYPE_CNAME, true);
	wildcard_proof(w, encloser);
	memcpy(target, cname->rdata[0].data, cname->rdata[0].len);
	return true;
}

static bool rename_below(struct work *w, const uint8_t *owner, uint8_t *target)
{
	const struct wire_rrset *dname = set_of(w, owner, WIRE_TYPE_DNAME);
	put_set(w, WIRE_ANSWER, owner, owner, WIRE_TYPE_DNAME, true);
	int len = wire_name_substitute(w->qname, owner, dname->rdata[0].data, target);
	if (len < 0) {
		w->answer->rcode = WIRE_RCODE_YXDOMAIN;
		return false;
	}
	struct wire_rdata rdata = {target, (uint16_t)len};
	test_answer_add(w->answer, WIRE_ANSWER, w->qname, dname->ttl, WIRE_TYPE_CNAME, &rdata);
	return w->qtype != WIRE_TYPE_CNAME && w->qtype != WIRE_TYPE_ANY;
}

/* One name of the chain. True if it goes on at `target`. */
static bool hop(struct work *w, bool first, uint8_t *target)
{
	unsigned labels = wire_name_labels(w->qname), apex = wire_name_labels(w->zone->apex);
	const uint8_t *encloser = NULL;
	for (unsigned k = apex; k <= labels; k++) {
		const uint8_t *name = wire_name_skip(w->qname, labels - k);
		if (k > apex && set_of(w, name, WIRE_TYPE_NS) != NULL && !(k == labels && w->qtype == WIRE_TYPE_DS)) {
			if (first)
				w->answer->aa = false;
			referral(w, name);
			return false;
		}
		if (k < labels && set_of(w, name, WIRE_TYPE_DNAME) != NULL)
			return rename_below(w, name, target);
		if (exists(w, name))
			encloser = name;
	}
	if (encloser == w->qname)
		return answer_from(w, w->qname, NULL, target);
	uint8_t wildcard[WIRE_NAME_MAX];
	if (wire_name_wildcard(encloser, wildcard) > 0 && exists(w, wildcard))
		return answer_from(w, wildcard, encloser, target);
	nxdomain(w, encloser);
	return false;
}

void reference_answer(const struct zone *zone, const uint8_t *qname, uint16_t qtype, bool dnssec,
		      struct test_answer *ret)
{
	static uint8_t names[64][WIRE_NAME_MAX];
	unsigned n = 1;
	struct work w = {.zone = zone, .answer = ret, .qtype = qtype, .dnssec = dnssec};
	*ret = (struct test_answer){.aa = true};
	w.nsec3 = set_of(&w, zone->apex, WIRE_TYPE_NSEC3PARAM) != NULL;
	w.nsec = !w.nsec3 && set_of(&w, zone->apex, WIRE_TYPE_NSEC) != NULL;
	memcpy(names[0], qname, wire_name_len(qname));
	for (;;) {
		w.qname = names[n - 1];
		ret->rcode = WIRE_RCODE_NOERROR;
		if (!hop(&w, n == 1, names[n]) || !wire_name_under(names[n], zone->apex))
			break;
		wire_name_lower(names[n], names[n]);
		bool seen = false;
		for (unsigned i = 0; i < n; i++)
			seen |= wire_name_equal(names[i], names[n]);
		if (seen || ++n > 17)
			break;
	}
	test_answer_sort(ret);
	ret->repeated = false; /* one proof may serve twice */
}
