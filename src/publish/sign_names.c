// SPDX-License-Identifier: GPL-3.0-or-later
/* Which names of a zone are in its chain of denial, and which of their sets are signed (RFC 4035 sections 2.2 to 2.4, RFC 5155 section 7.1). */
#include "sign.h"

#include <stdlib.h>
#include <string.h>

#define SETS_FIRST 1024 /* sets for which there is room at first; it doubles from there */

bool sign_is_ours(const struct zone_node *node, uint16_t type)
{
	switch (type) {
	case WIRE_TYPE_RRSIG:
	case WIRE_TYPE_NSEC:
	case WIRE_TYPE_NSEC3:
		return true;
	case WIRE_TYPE_DNSKEY:
	case WIRE_TYPE_NSEC3PARAM:
	case WIRE_TYPE_CDS:
	case WIRE_TYPE_CDNSKEY:
	case WIRE_TYPE_ZONEMD:
		return (node->flags & ZONE_NODE_APEX) != 0;
	default:
		return false;
	}
}

struct sign_set *sign_set_add(struct sign *s, size_t node, const struct wire_rrset *set)
{
	if (s->n_sets == s->cap_sets) {
		size_t cap = s->cap_sets == 0 ? SETS_FIRST : s->cap_sets * 2;
		struct sign_set *more = reallocarray(s->set, cap, sizeof *more);
		if (more == NULL)
			return NULL;
		s->set = more;
		s->cap_sets = cap;
	}
	struct sign_set *item = &s->set[s->n_sets++];
	*item = (struct sign_set){.set = *set, .node = node};
	return item;
}

const struct zone_node *sign_old_node(const struct sign *s, size_t *cursor, const uint8_t *name)
{
	if (s->before == NULL)
		return NULL;
	for (; *cursor < s->before->n_nodes; ++*cursor) {
		const struct zone_node *node = &s->before->node[*cursor];
		size_t len = wire_name_len(name); /* most names are in both, and both are in lower case */
		bool same = len == wire_name_len(node->name) && memcmp(node->name, name, len) == 0;
		int order = same ? 0 : wire_name_cmp(node->name, name);
		if (order >= 0)
			return order == 0 ? node : NULL;
	}
	return NULL;
}

static bool same_set(const struct wire_rrset *a, const struct wire_rrset *b)
{
	if (a->ttl != b->ttl || a->count != b->count)
		return false;
	for (uint32_t i = 0; i < a->count; i++)
		if (a->rdata[i].len != b->rdata[i].len ||
		    memcmp(a->rdata[i].data, b->rdata[i].data, a->rdata[i].len) != 0)
			return false;
	return true;
}

void sign_old_set(const struct sign *s, const struct zone_node *old, struct sign_set *set)
{
	const struct wire_rrset *was = old == NULL ? NULL : zone_node_set(s->before, old, set->set.type);
	if (was == NULL)
		return;
	set->old = &s->before->canonical[was - s->before->set];
	const struct wire_rrset *sigs = zone_node_sigs(s->before, old, set->set.type);
	if (sigs != NULL && same_set(set->old, &set->set))
		set->sigs = &s->before->canonical[sigs - s->before->set];
}

static bool node_has_data(const struct sign *s, const struct zone_node *node)
{
	for (size_t i = 0; i < node->n_sets; i++)
		if (!sign_is_ours(node, s->plain->set[node->first_set + i].type))
			return true;
	return false;
}

/* Is it in the chain for its own sake? */
static bool node_denied(const struct sign *s, const struct zone_node *node)
{
	if (!sign_authoritative(node))
		return false;
	bool skip = s->in->denial == MAKE_NSEC3 && s->in->nsec3.opt_out && sign_is_cut(node) &&
		    zone_node_set(s->plain, node, WIRE_TYPE_DS) == NULL;
	return !skip;
}

/* Backwards, since an empty non-terminal is there for what follows it. */
static int members_find(struct sign *s)
{
	const uint8_t *below = NULL; /* the next name of the chain */
	size_t n = s->plain->n_nodes;
	s->live = calloc(n + 1, sizeof *s->live);
	s->member = calloc(n + 1, sizeof *s->member);
	if (s->live == NULL || s->member == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = n; i-- > 0;) {
		const struct zone_node *node = &s->plain->node[i];
		s->live[i] = node_has_data(s, node);
		if (s->live[i])
			s->member[i] = node_denied(s, node);
		else if (s->in->denial == MAKE_NSEC3) /* RFC 5155 section 7.1, step 2 */
			s->member[i] = sign_authoritative(node) && below != NULL && wire_name_under(below, node->name);
		if (s->member[i])
			below = node->name;
	}
	return 0;
}

static int node_sign(struct sign *s, size_t index, const struct zone_node *old)
{
	const struct zone_node *node = &s->plain->node[index];
	bool cut = sign_is_cut(node);
	for (size_t i = node->first_set; i < node->first_set + node->n_sets; i++) {
		const struct wire_rrset *set = &s->plain->canonical[i];
		if (sign_is_ours(node, set->type) || (cut && set->type != WIRE_TYPE_DS))
			continue;
		struct sign_set *item = sign_set_add(s, index, set);
		if (item == NULL)
			return BANYAN_ENOMEM;
		sign_old_set(s, old, item);
	}
	return (node->flags & ZONE_NODE_APEX) != 0 ? sign_apex(s, old) : 0;
}

/* The name whose NSEC follows that of this one; behind the last one the first, which is the apex. */
static size_t member_next(const struct sign *s, size_t index)
{
	for (size_t i = index + 1; i < s->plain->n_nodes; i++)
		if (s->member[i])
			return i;
	return 0;
}

int sign_names(struct sign *s)
{
	size_t cursor = 0;
	int rc = members_find(s);
	for (size_t i = 0; i < s->plain->n_nodes && rc == 0; i++) {
		const struct zone_node *node = &s->plain->node[i];
		if (!s->live[i] || !sign_authoritative(node))
			continue;
		const struct zone_node *old = sign_old_node(s, &cursor, node->name);
		rc = node_sign(s, i, old);
		if (rc == 0 && s->is_signed && s->in->denial == MAKE_NSEC)
			rc = sign_nsec_add(s, i, member_next(s, i), old);
	}
	return rc;
}
