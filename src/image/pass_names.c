// SPDX-License-Identifier: GPL-3.0-or-later
/* Pass: finds each node's parent and which nodes are names that a question can find; makes all of them quick to find for later passes. */
#include "compile.h"

#include <stdlib.h>

static uint64_t name_hash(const struct compile *c, const uint8_t *lower, size_t len)
{
	return hash_sip(lower, len, ((const struct image_header *)c->out.data)->key);
}

static int table_make(struct compile *c)
{
	size_t n = 2;
	while (n < c->zone->n_nodes + c->zone->n_nodes / 2)
		n *= 2;
	if (n > UINT32_MAX)
		return BANYAN_ELIMIT;
	c->bucket = calloc(n, sizeof *c->bucket);
	if (c->bucket == NULL)
		return BANYAN_ENOMEM;
	c->bucket_mask = (uint32_t)(n - 1);
	for (size_t i = 0; i < c->zone->n_nodes; i++) {
		const uint8_t *name = c->zone->node[i].name;
		uint64_t hash = name_hash(c, name, wire_name_len(name));
		uint32_t at = (uint32_t)hash & c->bucket_mask;
		while (c->bucket[at].node != 0)
			at = (at + 1) & c->bucket_mask;
		c->bucket[at] = (struct compile_bucket){.tag = (uint32_t)(hash >> 32), .node = (uint32_t)i + 1};
	}
	return 0;
}

const struct zone_node *compile_find(const struct compile *c, const uint8_t *name)
{
	uint8_t lower[WIRE_NAME_MAX];
	uint64_t hash = name_hash(c, lower, wire_name_lower(name, lower));
	uint32_t at = (uint32_t)hash & c->bucket_mask, tag = (uint32_t)(hash >> 32);
	for (; c->bucket[at].node != 0; at = (at + 1) & c->bucket_mask) {
		const struct zone_node *node = &c->zone->node[c->bucket[at].node - 1];
		if (c->bucket[at].tag == tag && wire_name_equal(node->name, lower))
			return node;
	}
	return NULL;
}

int pass_names(struct compile *c)
{
	const struct zone *zone = c->zone;
	uint32_t path[WIRE_LABELS_MAX +
		      1]; /* the last node seen of each depth: in canonical order the parent is among them */
	unsigned apex_labels = wire_name_labels(zone->apex);
	for (size_t i = 0; i < zone->n_nodes; i++) {
		unsigned depth = wire_name_labels(zone->node[i].name) - apex_labels;
		path[depth] = (uint32_t)i;
		c->node[i].parent = depth > 0 ? path[depth - 1] : (uint32_t)i;
		if (!compile_has_slot(c, i))
			continue;
		c->n_slots++;
		if (depth + apex_labels > c->labels_max)
			c->labels_max = depth + apex_labels;
	}
	return table_make(c);
}
