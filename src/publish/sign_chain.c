// SPDX-License-Identifier: GPL-3.0-or-later
/* The records that deny: NSEC at each name (RFC 4034 section 4), or NSEC3 beside them (RFC 5155). */
#include "sign.h"

#include <stdlib.h>
#include <string.h>

/* Types that a signer may add to those of a name. */
static const uint16_t ours[] = {WIRE_TYPE_RRSIG, WIRE_TYPE_NSEC,    WIRE_TYPE_DNSKEY, WIRE_TYPE_NSEC3PARAM,
				WIRE_TYPE_CDS,   WIRE_TYPE_CDNSKEY, WIRE_TYPE_ZONEMD};

static void types_insert(uint16_t *type, size_t *n, uint16_t add)
{
	size_t i = *n;
	for (; i > 0 && type[i - 1] > add; i--)
		type[i] = type[i - 1];
	type[i] = add;
	++*n;
}

size_t sign_bitmap(const struct sign *s, const struct zone_node *node, uint8_t map[MAKE_BITMAP_MAX])
{
	uint16_t type[ZONE_SETS_PER_NODE_MAX + ARRAY_SIZE(ours)];
	size_t n = 0;
	bool cut = sign_is_cut(node), nsec = s->in->denial == MAKE_NSEC, any = false;
	for (size_t i = 0; i < node->n_sets; i++) {
		uint16_t t = s->plain->set[node->first_set + i].type;
		if (sign_is_ours(node, t) || (cut && t != WIRE_TYPE_NS && t != WIRE_TYPE_DS))
			continue; /* RFC 4035 section 2.3: at a delegation what the parent has authority over */
		type[n++] = t;
		any = any || !cut || t == WIRE_TYPE_DS;
	}
	if (any || nsec)
		types_insert(type, &n, WIRE_TYPE_RRSIG);
	if (nsec)
		types_insert(type, &n, WIRE_TYPE_NSEC);
	for (size_t i = 2; (node->flags & ZONE_NODE_APEX) != 0 && i < ARRAY_SIZE(ours); i++)
		if (sign_apex_has(s, ours[i]))
			types_insert(type, &n, ours[i]);
	return make_bitmap(type, n, map);
}

/* A set of one RDATA that is `head` and `map`. */
static int denial_add(struct sign *s, size_t node, const uint8_t *owner, uint16_t type, const uint8_t *head,
		      size_t head_len, const uint8_t *map, size_t map_len, const struct zone_node *old)
{
	struct wire_rdata *rdata = arena_alloc(&s->arena, sizeof *rdata);
	uint8_t *data = arena_alloc(&s->arena, head_len + map_len);
	if (rdata == NULL || data == NULL)
		return BANYAN_ENOMEM;
	memcpy(data, head, head_len);
	memcpy(data + head_len, map, map_len);
	*rdata = (struct wire_rdata){.data = data, .len = (uint16_t)(head_len + map_len)};
	struct wire_rrset set = {.owner = owner,
				 .type = type,
				 .rclass = s->plain->rclass,
				 .ttl = s->denial_ttl,
				 .count = 1,
				 .rdata = rdata};
	struct sign_set *item = sign_set_add(s, node, &set);
	if (item == NULL)
		return BANYAN_ENOMEM;
	item->made = true;
	sign_old_set(s, old, item);
	return 0;
}

int sign_nsec_add(struct sign *s, size_t node, size_t next, const struct zone_node *old)
{
	uint8_t map[MAKE_BITMAP_MAX];
	const struct zone_node *here = &s->plain->node[node];
	const uint8_t *name = s->plain->node[next].name;
	size_t len = sign_bitmap(s, here, map);
	return denial_add(s, node, here->name, WIRE_TYPE_NSEC, name, wire_name_len(name), map, len, old);
}

static int nsec3_add(struct sign *s, const struct make_nsec3_name *name, const uint8_t next[20], size_t *cursor)
{
	uint8_t owner[WIRE_NAME_MAX], head[5 + MAKE_NSEC3_SALT_MAX + 21], map[MAKE_BITMAP_MAX];
	int owner_len = make_nsec3_owner(name->hash, s->plain->apex, owner);
	if (owner_len < 0)
		return sign_fail(s, BANYAN_ESPACE, "%s: the zone's name is too long for NSEC3; take NSEC",
				 s->plain->source);
	const uint8_t *copy = arena_dup(&s->arena, owner, (size_t)owner_len);
	if (copy == NULL)
		return BANYAN_ENOMEM;
	size_t head_len = make_nsec3_head(s->in, next, head);
	size_t len = sign_bitmap(s, &s->plain->node[name->index], map);
	return denial_add(s, SIGN_NONE, copy, WIRE_TYPE_NSEC3, head, head_len, map, len,
			  sign_old_node(s, cursor, copy));
}

int sign_nsec3(struct sign *s)
{
	size_t n = 0, cursor = 0;
	struct make_nsec3_name *name = calloc(s->plain->n_nodes + 1, sizeof *name);
	if (name == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < s->plain->n_nodes; i++)
		if (s->member[i])
			name[n++] = (struct make_nsec3_name){.name = s->plain->node[i].name, .index = i};
	int rc = make_nsec3_chain(s->in, name, n);
	if (rc == BANYAN_EEXIST)
		sign_fail(s, rc, "%s: two names have the same NSEC3 hash; take another salt", s->plain->source);
	for (size_t i = 0; i < n && rc == 0; i++)
		rc = nsec3_add(s, &name[i], name[(i + 1) % n].hash, &cursor);
	free(name);
	return rc;
}
