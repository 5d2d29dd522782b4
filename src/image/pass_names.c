// SPDX-License-Identifier: GPL-3.0-or-later
/* Pass: finds each node's parent and which nodes are names that a question can find. */
#include "compile.h"

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
	return 0;
}
