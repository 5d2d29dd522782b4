// SPDX-License-Identifier: GPL-3.0-or-later
/* Fetches ahead for the pass that writes templates: servers' names lead to any place in a large zone, and misses of the caches that overlap
 * cost a fraction of what they cost one after the other. Nothing here changes or decides anything. */
#include "compile.h"

#define WARM_MAX (4 * COMPILE_BATCH) /* servers looked ahead for at a time: more are looked for without */

struct ahead {
	uint64_t hash[WARM_MAX];
	const struct zone_node *node[WARM_MAX];
	unsigned n;
};

static void names_of(const struct compile *c, const struct zone_node *node, struct ahead *ahead)
{
	const struct wire_rrset *set = zone_node_set(c->zone, node, WIRE_TYPE_NS);
	for (uint32_t i = 0; set != NULL && i < set->count && ahead->n < WARM_MAX; i++) {
		const struct wire_rdata *rdata = &set->rdata[i];
		uint8_t lower[WIRE_NAME_MAX];
		int name_at = wire_rdata_name_at(rdata->data, rdata->len, WIRE_TYPE_NS, 0);
		const uint8_t *name = rdata->data + name_at;
		if (name_at < 0 || !wire_name_under(name, c->zone->apex))
			continue;
		uint64_t hash = compile_name_hash(c, lower, wire_name_lower(name, lower));
		__builtin_prefetch(&c->bucket[(uint32_t)hash & c->bucket_mask]);
		ahead->hash[ahead->n++] = hash;
	}
}

/* The node whose name has this hash, most likely. */
static const struct zone_node *node_of(const struct compile *c, uint64_t hash)
{
	uint32_t at = (uint32_t)hash & c->bucket_mask;
	while (c->bucket[at].node != 0 && c->bucket[at].tag != (uint32_t)(hash >> 32))
		at = (at + 1) & c->bucket_mask;
	return c->bucket[at].node != 0 ? &c->zone->node[c->bucket[at].node - 1] : NULL;
}

void compile_warm(const struct compile *c, size_t first_node, size_t n_nodes)
{
	struct ahead ahead;
	ahead.n = 0;
	for (size_t i = first_node; i < first_node + n_nodes && i < c->zone->n_nodes; i++)
		if (compile_has_slot(c, i))
			names_of(c, &c->zone->node[i], &ahead);
	for (unsigned i = 0; i < ahead.n; i++) {
		ahead.node[i] = node_of(c, ahead.hash[i]);
		__builtin_prefetch(ahead.node[i]);
	}
	for (unsigned i = 0; i < ahead.n; i++) {
		if (ahead.node[i] == NULL)
			continue;
		__builtin_prefetch(ahead.node[i]->name);
		__builtin_prefetch(&c->zone->set[ahead.node[i]->first_set]);
	}
	for (unsigned i = 0; i < ahead.n; i++)
		if (ahead.node[i] != NULL && ahead.node[i]->n_sets > 0)
			__builtin_prefetch(c->zone->set[ahead.node[i]->first_set].rdata);
}
