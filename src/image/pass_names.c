// SPDX-License-Identifier: GPL-3.0-or-later
/* Pass: finds each node's parent and which nodes are names that a question can find; makes all of them quick to find for later passes. */
#include "compile.h"

#include <stdlib.h>

uint64_t compile_name_hash(const struct compile *c, const uint8_t *lower, size_t len)
{
	return hash_sip(lower, len, ((const struct image_header *)c->out.data)->key);
}

static void table_add(struct compile *c, uint64_t hash, uint32_t node)
{
	uint32_t at = (uint32_t)hash & c->bucket_mask;
	while (c->bucket[at].node != 0)
		at = (at + 1) & c->bucket_mask;
	c->bucket[at] = (struct compile_bucket){.tag = (uint32_t)(hash >> 32), .node = node};
}

static int table_make(struct compile *c)
{
	size_t n = 2;
	while (n < c->zone->n_nodes + c->zone->n_nodes / 2)
		n *= 2;
	if (n > UINT32_MAX)
		return BANYAN_ELIMIT;
	int rc = region_reserve(&c->buckets, n * sizeof *c->bucket);
	c->buckets.huge = true; /* all of it is touched, at random */
	if (rc == 0)
		rc = region_grow(&c->buckets, n * sizeof *c->bucket);
	if (rc < 0)
		return rc;
	c->bucket = (struct compile_bucket *)c->buckets.data;
	c->bucket_mask = (uint32_t)(n - 1);
	uint64_t hash[COMPILE_BATCH];
	for (size_t first = 0; first < c->zone->n_nodes; first += COMPILE_BATCH) {
		size_t end = first + COMPILE_BATCH < c->zone->n_nodes ? first + COMPILE_BATCH : c->zone->n_nodes;
		for (size_t i = first; i < end; i++) {
			const uint8_t *name = c->zone->node[i].name;
			hash[i - first] = compile_name_hash(c, name, wire_name_len(name));
			__builtin_prefetch(&c->bucket[(uint32_t)hash[i - first] & c->bucket_mask], 1);
		}
		for (size_t i = first; i < end; i++)
			table_add(c, hash[i - first], (uint32_t)i + 1);
	}
	return 0;
}

const struct zone_node *compile_find(const struct compile *c, const uint8_t *name)
{
	uint8_t lower[WIRE_NAME_MAX];
	uint64_t hash = compile_name_hash(c, lower, wire_name_lower(name, lower));
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
