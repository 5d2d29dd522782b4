// SPDX-License-Identifier: GPL-3.0-or-later
/* Pass: writes each name's slot and, right behind it, the templates of its RRsets. */
#include "compile.h"

#include <string.h>

/* At a delegation only these are the parent's (RFC 4035 section 2.2); the rest there is glue. */
static bool listed(const struct zone_node *node, uint16_t type)
{
	if (type == WIRE_TYPE_RRSIG)
		return false;
	return (node->flags & ZONE_NODE_CUT) == 0 || type == WIRE_TYPE_NS || type == WIRE_TYPE_DS ||
	       type == WIRE_TYPE_NSEC;
}

static const struct wire_rrset *node_sets(const struct compile *c, const struct zone_node *node)
{
	return c->zone->set + node->first_set;
}

/* Data of a set as ANY counts them: the smallest answer is given (RFC 8482 section 4.1). */
static size_t set_size(const struct wire_rrset *set)
{
	size_t size = 0;
	for (uint32_t i = 0; i < set->count; i++)
		size += 12U + set->rdata[i].len;
	return size;
}

static unsigned choose_any(const struct compile *c, const struct zone_node *node)
{
	unsigned best = IMAGE_NO_TYPE, index = 0;
	size_t best_size = SIZE_MAX;
	const struct wire_rrset *set = node_sets(c, node);
	for (unsigned i = 0; i < node->n_sets; i++) {
		if (!listed(node, set[i].type))
			continue;
		/* NSEC is what a zone says of itself, not what a name has: only when there is nothing else */
		size_t size = set[i].type == WIRE_TYPE_NSEC ? SIZE_MAX - 1 : set_size(&set[i]);
		if (size < best_size) {
			best = index;
			best_size = size;
		}
		index++;
	}
	return best;
}

/* Can a question longer than the name get this set? Only referrals, renamings and expanded wildcards. */
static bool shifts(const struct zone_node *node, uint16_t type)
{
	return (node->flags & ZONE_NODE_CUT) || type == WIRE_TYPE_DNAME || (node->name[0] == 1 && node->name[1] == '*');
}

static int compile_type(struct compile *c, size_t index, const struct wire_rrset *set, uint32_t *ret)
{
	const struct zone_node *node = &c->zone->node[index];
	if (set->type == WIRE_TYPE_NSEC && c->node[index].proof != 0) {
		*ret = c->node[index].proof;
		return 0;
	}
	encoder_begin(c->encoder, node->name, shifts(node, set->type));
	int rc = compile_set(c, set, zone_node_sigs(c->zone, node, set->type), UINT32_MAX, 0, ret);
	if (rc < 0)
		return rc;
	uint32_t extra = 0;
	if (set->type == WIRE_TYPE_NS || set->type == WIRE_TYPE_MX || set->type == WIRE_TYPE_SRV)
		rc = compile_extra(c, set, node->flags & ZONE_NODE_CUT, &extra);
	if (rc == 0 && extra != 0)
		((struct image_set *)compile_at(c, *ret))->extra = extra;
	return rc;
}

static void fill_slot(struct compile *c, const struct zone_node *node, struct image_slot *slot, unsigned n_types)
{
	slot->name_len = (uint8_t)wire_name_len(node->name);
	slot->labels = (uint8_t)wire_name_labels(node->name);
	slot->n_types = (uint16_t)n_types;
	slot->any = (uint16_t)choose_any(c, node);
	memcpy((uint8_t *)slot + sizeof *slot + n_types * sizeof(struct image_type), node->name, slot->name_len);
	if (node->flags & ZONE_NODE_CUT) {
		slot->flags |= IMAGE_SLOT_CUT;
		return;
	}
	if (zone_node_set(c->zone, node, WIRE_TYPE_CNAME) != NULL)
		slot->flags |= IMAGE_SLOT_CNAME;
	if (zone_node_set(c->zone, node, WIRE_TYPE_DNAME) != NULL)
		slot->flags |= IMAGE_SLOT_DNAME;
}

static int compile_slot(struct compile *c, size_t index)
{
	const struct zone_node *node = &c->zone->node[index];
	const struct wire_rrset *set = node_sets(c, node);
	unsigned n_types = 0;
	for (unsigned i = 0; i < node->n_sets; i++)
		n_types += listed(node, set[i].type);
	uint32_t ref;
	size_t size = sizeof(struct image_slot) + n_types * sizeof(struct image_type) + wire_name_len(node->name);
	int rc = compile_reserve(c, size, &ref);
	if (rc < 0)
		return rc;
	c->node[index].slot = ref;
	fill_slot(c, node, compile_at(c, ref), n_types);
	unsigned at = 0;
	for (unsigned i = 0; i < node->n_sets; i++) {
		uint32_t set_ref = 0;
		if (!listed(node, set[i].type))
			continue;
		rc = compile_type(c, index, &set[i], &set_ref);
		if (rc < 0)
			return rc;
		struct image_type *type = (struct image_type *)((struct image_slot *)compile_at(c, ref) + 1) + at++;
		type->type = set[i].type;
		type->set = set_ref;
	}
	return 0;
}

int pass_sets(struct compile *c)
{
	for (size_t i = 0; i < c->zone->n_nodes; i++) {
		if (i % COMPILE_BATCH == 0)
			compile_warm(c, i, COMPILE_BATCH);
		int rc = compile_has_slot(c, i) ? compile_slot(c, i) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

int pass_negative(struct compile *c)
{
	const struct zone *zone = c->zone;
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *soa = zone_node_set(zone, apex, WIRE_TYPE_SOA);
	const struct wire_rdata *rdata = &soa->rdata[0];
	uint32_t ref, ttl_max = wire_get32(rdata->data + rdata->len - 4); /* RFC 2308 section 3 */
	encoder_begin(c->encoder, zone->apex, true);
	int rc = compile_set(c, soa, zone_node_sigs(zone, apex, WIRE_TYPE_SOA), ttl_max, 0, &ref);
	if (rc == 0)
		((struct image_header *)c->out.data)->soa_negative = ref;
	return rc;
}
