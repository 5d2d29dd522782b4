// SPDX-License-Identifier: GPL-3.0-or-later
/* Part of the pass that writes templates: the addresses that go into the additional section. */
#include "compile.h"

#include <stdlib.h>
#include <string.h>

enum target_kind { TARGET_IN_DOMAIN, TARGET_SIBLING, TARGET_OWN, TARGET_KINDS };

struct target {
	const struct zone_node *node;
	enum target_kind kind;
};

/* The two variants while they grow; glue stands in both. */
struct extra_build {
	struct image_extra head;
	struct buffer data[2], shift[2];
	bool has_sigs;
};

static void build_done(struct extra_build *b)
{
	for (int v = 0; v < 2; v++) {
		buffer_done(&b->data[v]);
		buffer_done(&b->shift[v]);
	}
}

/* RFC 9471 section 1.1: in-domain glue is that of servers inside the delegated zone, sibling glue that of servers in
 * another delegated zone of the same parent. What is the zone's own data is no glue. */
static bool classify(const struct compile *c, const struct wire_rrset *set, bool referral, const uint8_t *name,
		     struct target *ret)
{
	const struct zone_node *node = wire_name_under(name, c->zone->apex) ? compile_find(c, name) : NULL;
	if (node == NULL || node->flags & (ZONE_NODE_OCCLUDED | ZONE_NODE_NSEC3))
		return false;
	if (zone_node_set(c->zone, node, WIRE_TYPE_A) == NULL && zone_node_set(c->zone, node, WIRE_TYPE_AAAA) == NULL)
		return false;
	bool glue = node->flags & (ZONE_NODE_CUT | ZONE_NODE_BELOW);
	if (glue && set->type != WIRE_TYPE_NS)
		return false; /* glue is there for delegations only (RFC 2181 section 5.4.1) */
	ret->node = node;
	ret->kind = !glue                                           ? TARGET_OWN
		    : referral && wire_name_under(name, set->owner) ? TARGET_IN_DOMAIN
								    : TARGET_SIBLING;
	return true;
}

static unsigned find_targets(const struct compile *c, const struct wire_rrset *set, bool referral,
			     struct target *target)
{
	unsigned n = 0;
	for (uint32_t i = 0; i < set->count; i++) {
		const struct wire_rdata *rdata = &set->rdata[i];
		int at = wire_rdata_name_at(rdata->data, rdata->len, set->type, 0);
		if (at < 0 || !classify(c, set, referral, rdata->data + at, &target[n]))
			continue;
		unsigned k = 0;
		while (target[k].node != target[n].node)
			k++;
		n += k == n; /* each server once */
	}
	return n;
}

static int append_shifted(struct extra_build *b, int variant, const struct encoder *e, size_t len, size_t n_shift)
{
	struct buffer *shift = &b->shift[variant];
	for (size_t i = 0; i < n_shift; i++) {
		uint16_t place;
		memcpy(&place, e->shift.data + i * sizeof place, sizeof place);
		place = (uint16_t)(place + b->data[variant].len);
		int rc = buffer_append(shift, &place, sizeof place);
		if (rc < 0)
			return rc;
	}
	return buffer_append(&b->data[variant], e->data.data, len);
}

/* Adds one address RRset to both variants, its RRSIGs (RFC 4035 section 3.1.1) to the second. */
static int add_address(struct compile *c, struct extra_build *b, const struct target *target, uint16_t type)
{
	struct encoder *e = c->encoder;
	const struct wire_rrset *set = zone_node_set(c->zone, target->node, type);
	if (set == NULL)
		return 0;
	const struct wire_rrset *sigs = target->kind == TARGET_OWN ? zone_node_sigs(c->zone, target->node, type) : NULL;
	encoder_clear(e);
	int rc = encoder_rrset(e, set, set->ttl);
	size_t len = e->data.len, n_shift = e->shift.len / sizeof(uint16_t), n_rr = e->n_rr;
	if (rc == 0)
		rc = encoder_sigs(e, sigs, set->owner, sigs != NULL ? sigs->ttl : 0);
	if (rc < 0)
		return rc;
	if (b->data[0].len + len > WIRE_MESSAGE_MAX)
		return 0; /* never fits */
	rc = append_shifted(b, 0, e, len, n_shift);
	b->head.n_rr[0] = (uint16_t)(b->head.n_rr[0] + n_rr);
	if (b->data[1].len + e->data.len <= WIRE_MESSAGE_MAX) { /* else no message holds its RRSIGs beside all before */
		len = e->data.len;
		n_shift = e->shift.len / sizeof(uint16_t);
		n_rr = e->n_rr;
	}
	b->has_sigs |= sigs != NULL;
	if (rc < 0 || b->data[1].len + len > WIRE_MESSAGE_MAX)
		return rc;
	b->head.n_rr[1] = (uint16_t)(b->head.n_rr[1] + n_rr);
	return append_shifted(b, 1, e, len, n_shift);
}

/* Each server has one address before any has a second: where not all fit, those that do are of as many servers as can be. With
 * thirteen in 512 bytes that is 13 A and 2 AAAA. */
static int add_kind(struct compile *c, struct extra_build *b, const struct target *target, unsigned n,
		    enum target_kind kind)
{
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < n; i++) {
			bool has_a = zone_node_set(c->zone, target[i].node, WIRE_TYPE_A) != NULL;
			if (target[i].kind != kind || (round == 1 && !has_a))
				continue;
			int rc = add_address(c, b, &target[i], round == 0 && has_a ? WIRE_TYPE_A : WIRE_TYPE_AAAA);
			if (rc < 0)
				return rc;
		}
	}
	if (kind == TARGET_IN_DOMAIN) {
		b->head.must_len = (uint32_t)b->data[0].len;
		b->head.must_rr = b->head.n_rr[0];
	}
	return 0;
}

static int store_extra(struct compile *c, struct extra_build *b, uint32_t *ret)
{
	int variants = b->has_sigs ? 2 : 1;
	size_t size = sizeof b->head;
	for (int v = 0; v < 2; v++) {
		b->head.len[v] = (uint32_t)b->data[v].len;
		b->head.n_shift[v] = (uint16_t)(b->shift[v].len / sizeof(uint16_t));
		size += v < variants ? b->data[v].len + b->shift[v].len : 0;
	}
	if (variants == 1)
		b->head.flags |= IMAGE_EXTRA_SAME;
	uint32_t ref;
	int rc = compile_reserve(c, size, &ref);
	if (rc < 0)
		return rc;
	uint8_t *p = compile_at(c, ref);
	memcpy(p, &b->head, sizeof b->head);
	p += sizeof b->head;
	for (int v = 0; v < variants; v++) {
		if (b->shift[v].len > 0)
			memcpy(p, b->shift[v].data, b->shift[v].len);
		p += b->shift[v].len;
	}
	for (int v = 0; v < variants; v++) {
		memcpy(p, b->data[v].data, b->data[v].len);
		p += b->data[v].len;
	}
	*ret = ref;
	return 0;
}

static int build_extra(struct compile *c, const struct target *target, unsigned n, uint8_t flags, uint32_t *ret)
{
	_cleanup_(build_done) struct extra_build b = {.head = {.base_len = c->encoder->base_len, .flags = flags}};
	c->encoder->learn = false; /* what stands between the set and these is not known */
	for (enum target_kind kind = 0; kind < TARGET_KINDS; kind++) {
		int rc = add_kind(c, &b, target, n, kind);
		if (rc < 0)
			return rc;
	}
	return b.data[0].len > 0 ? store_extra(c, &b, ret) : 0;
}

int compile_extra(struct compile *c, const struct wire_rrset *set, bool referral, uint32_t *ret)
{
	if (set->count > WIRE_MESSAGE_MAX / 12)
		return 0; /* fits no message itself */
	struct target *target = calloc(set->count, sizeof *target);
	if (target == NULL)
		return BANYAN_ENOMEM;
	unsigned n = find_targets(c, set, referral, target);
	/* addresses of name servers are always given: resolvers need them at once (RFC 9471, RFC 9609 section 4.2) */
	uint8_t flags = set->type == WIRE_TYPE_NS ? IMAGE_EXTRA_KEEP : 0;
	int rc = n > 0 ? build_extra(c, target, n, flags, ret) : 0;
	free(target);
	return rc;
}
