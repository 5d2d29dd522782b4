// SPDX-License-Identifier: GPL-3.0-or-later
/* Names and RRsets of a zone, found; the zone freed. */
#include "private.h"

#include <stdlib.h>

/* Number of nodes whose name is <= `name`. */
static size_t nodes_up_to(const struct zone *zone, const uint8_t *name)
{
	size_t low = 0, high = zone->n_nodes;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		if (wire_name_cmp(zone->node[middle].name, name) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

const struct zone_node *zone_find_before(const struct zone *zone, const uint8_t *name)
{
	size_t n = nodes_up_to(zone, name);
	return n > 0 ? &zone->node[n - 1] : NULL;
}

const struct zone_node *zone_find(const struct zone *zone, const uint8_t *name)
{
	const struct zone_node *node = zone_find_before(zone, name);
	return node != NULL && wire_name_equal(node->name, name) ? node : NULL;
}

const struct wire_rrset *zone_node_set(const struct zone *zone, const struct zone_node *node, uint16_t type)
{
	for (size_t i = 0; i < node->n_sets; i++)
		if (zone->set[node->first_set + i].type == type)
			return &zone->set[node->first_set + i];
	return NULL;
}

const struct wire_rrset *zone_node_sigs(const struct zone *zone, const struct zone_node *node, uint16_t covered)
{
	for (size_t i = 0; i < node->n_sets; i++) {
		const struct wire_rrset *set = &zone->set[node->first_set + i];
		if (set->type == WIRE_TYPE_RRSIG && set->rdata[0].len >= 2 && wire_get16(set->rdata[0].data) == covered)
			return set;
	}
	return NULL;
}

static void records_get(void *ctx, size_t index, struct wire_rrset *ret)
{
	const struct zone *zone = ctx;
	*ret = zone->canonical[index];
}

struct dnssec_records zone_records(const struct zone *zone)
{
	return (struct dnssec_records){.count = zone->n_sets, .ctx = (void *)(uintptr_t)zone, .get = records_get};
}

void zone_free(struct zone *zone)
{
	if (zone == NULL)
		return;
	struct arena arena = zone->arena; /* tables, names and RDATA all live there */
	free(zone);
	arena_done(&arena);
}
