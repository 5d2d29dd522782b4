// SPDX-License-Identifier: GPL-3.0-or-later
/* From records as they came to the tables of a zone: sorted, grouped, duplicates dropped, nodes marked. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

#define SORT_INSERTION_MAX 8 /* shorter stretches are sorted by insertion */

typedef int (*order_fn)(const void *a, const void *b);

static void sort_insertion(const void **item, size_t n, order_fn order)
{
	for (size_t i = 1; i < n; i++) {
		const void *x = item[i];
		size_t k = i;
		for (; k > 0 && order(item[k - 1], x) > 0; k--)
			item[k] = item[k - 1];
		item[k] = x;
	}
}

/* Merge sort that does nothing where the input stands in order already, as zone files mostly do; stable. `spare` holds
 * n / 2 + 1 items. */
static void sort_items(const void **item, const void **spare, size_t n, order_fn order)
{
	if (n <= SORT_INSERTION_MAX) {
		sort_insertion(item, n, order);
		return;
	}
	size_t half = n / 2;
	sort_items(item, spare, half, order);
	sort_items(item + half, spare, n - half, order);
	if (order(item[half - 1], item[half]) <= 0)
		return;
	memcpy(spare, item, half * sizeof *item);
	for (size_t a = 0, b = half, out = 0; a < half; out++)
		item[out] = b >= n || order(spare[a], item[b]) <= 0 ? spare[a++] : item[b++];
}

static int run_order(const void *pa, const void *pb)
{
	const struct zone_run *a = pa, *b = pb;
	if (a->prefix != b->prefix)
		return a->prefix < b->prefix ? -1 : 1;
	size_t min = a->key_len < b->key_len ? a->key_len : b->key_len;
	int d = min > 8 ? memcmp(a->key + 8, b->key + 8, min - 8) : 0;
	return d != 0 ? d : (int)a->key_len - (int)b->key_len;
}

static int record_order(const void *pa, const void *pb)
{
	const struct zone_record *a = pa, *b = pb;
	if (a->type != b->type)
		return (int)a->type - (int)b->type;
	size_t min = a->len < b->len ? a->len : b->len;
	int d = min > 0 ? memcmp(zone_record_canon(a), zone_record_canon(b), min) : 0;
	return d != 0 ? d : (int)a->len - (int)b->len;
}

/* The tables in the making. */
struct order {
	struct zone_builder *b;
	const void **run, **record, **spare;
	struct zone_node *node;
	size_t n_nodes, cap_nodes;
	struct wire_rrset *set;
	uint32_t *line;
	size_t n_sets;
	struct wire_rdata *rdata, *canon; /* canon NULL: no record needs it */
	size_t n_rdata;
};

static struct zone_node *node_add(struct order *o, const uint8_t *name)
{
	if (o->n_nodes == o->cap_nodes) {
		size_t cap = o->cap_nodes > 0 ? o->cap_nodes * 2 : 1024;
		struct zone_node *more = realloc(o->node, cap * sizeof *more);
		if (more == NULL)
			return NULL;
		o->node = more;
		o->cap_nodes = cap;
	}
	struct zone_node *node = &o->node[o->n_nodes++];
	*node = (struct zone_node){.name = name, .first_set = (uint32_t)o->n_sets};
	return node;
}

/* Nodes for the empty non-terminals between the name before and this one. */
static int nodes_add_empty(struct order *o, const uint8_t *name)
{
	const uint8_t *apex = o->b->zone->apex;
	unsigned labels = wire_name_labels(name), apex_labels = wire_name_labels(apex);
	if (labels <= apex_labels + 1)
		return 0;
	const uint8_t *previous = o->n_nodes > 0 ? o->node[o->n_nodes - 1].name : apex;
	unsigned common = wire_name_common(previous, name);
	for (unsigned n = (common > apex_labels ? common : apex_labels) + 1; n < labels; n++) {
		struct zone_node *node = node_add(o, wire_name_skip(name, labels - n));
		if (node == NULL)
			return BANYAN_ENOMEM;
		node->flags = ZONE_NODE_EMPTY;
	}
	return 0;
}

static struct wire_rrset *set_add(struct order *o, const uint8_t *owner, const struct zone_record *record)
{
	struct wire_rrset *set = &o->set[o->n_sets];
	o->line[o->n_sets++] = record->line;
	*set = (struct wire_rrset){
		.owner = owner,
		.type = record->type,
		.rclass = o->b->zone->rclass,
		.ttl = record->ttl,
		.rdata = o->rdata + o->n_rdata,
	};
	return set;
}

/* The sets of one name, from its records in order. */
static int node_fill(struct order *o, const uint8_t *name, size_t n)
{
	struct wire_rrset *set = NULL;
	const struct zone_record *previous = NULL;
	size_t index = o->n_nodes - 1;
	bool mixed = false;
	for (size_t i = 0; i < n; i++) {
		const struct zone_record *r = o->record[i];
		if (set == NULL || r->type != previous->type || r->covered != previous->covered) {
			if (o->node[index].n_sets >= ZONE_SETS_PER_NODE_MAX)
				return BANYAN_ELIMIT;
			set = set_add(o, name, r);
			o->node[index].n_sets++;
			mixed = false;
		} else if (r->ttl != set->ttl && !mixed) {
			mixed = true;
			zone_builder_remark(o->b, &o->b->zone->n_ttl_mixed, REASON_TTL_MIXED, r->line, name, r->type,
					    "RFC 2181 section 5.2 asks for one TTL; the lowest is taken");
		}
		if (r->ttl < set->ttl)
			set->ttl = r->ttl;
		if (set->count > 0 && record_order(previous, r) == 0) {
			o->b->zone->n_duplicates++;
			continue;
		}
		if (r->line < o->line[o->n_sets - 1])
			o->line[o->n_sets - 1] = r->line;
		if (o->canon != NULL)
			o->canon[o->n_rdata] = (struct wire_rdata){.data = zone_record_canon(r), .len = r->len};
		o->rdata[o->n_rdata++] = (struct wire_rdata){.data = r->data, .len = r->len};
		set->count++;
		previous = r;
	}
	return 0;
}

/* All runs of one name: gathers their records, sorts them, makes the node. Returns the number of runs taken. */
static int name_take(struct order *o, size_t at, size_t n_runs)
{
	const struct zone_run *first = o->run[at];
	size_t n = 0, runs = 0;
	const struct zone_record *all = (const struct zone_record *)o->b->records.data;
	do {
		const struct zone_run *run = o->run[at + runs];
		for (uint32_t i = 0; i < run->count; i++)
			o->record[n++] = &all[run->first + i];
		runs++;
	} while (at + runs < n_runs && run_order(first, o->run[at + runs]) == 0);
	sort_items(o->record, o->spare, n, record_order);
	int rc = nodes_add_empty(o, first->name);
	if (rc == 0 && node_add(o, first->name) == NULL)
		rc = BANYAN_ENOMEM;
	if (rc == 0)
		rc = node_fill(o, first->name, n);
	return rc < 0 ? rc : (int)runs;
}

static uint16_t node_flags_own(const struct order *o, const struct zone_node *node)
{
	uint16_t flags = node->flags;
	size_t nsec3 = 0;
	if (wire_name_equal(node->name, o->b->zone->apex))
		flags |= ZONE_NODE_APEX;
	if (node->name[0] == 1 && node->name[1] == '*')
		flags |= ZONE_NODE_WILDCARD;
	for (size_t i = 0; i < node->n_sets; i++) {
		const struct wire_rrset *set = &o->set[node->first_set + i];
		if (set->type == WIRE_TYPE_NS && (flags & ZONE_NODE_APEX) == 0)
			flags |= ZONE_NODE_CUT;
		nsec3 += set->type == WIRE_TYPE_NSEC3 || (set->type == WIRE_TYPE_RRSIG && set->rdata[0].len >= 2 &&
							  wire_get16(set->rdata[0].data) == WIRE_TYPE_NSEC3);
	}
	if (nsec3 > 0 && nsec3 == node->n_sets)
		flags |= ZONE_NODE_NSEC3;
	return flags;
}

static bool node_has(const struct order *o, const struct zone_node *node, uint16_t type)
{
	for (size_t i = 0; i < node->n_sets; i++)
		if (o->set[node->first_set + i].type == type)
			return true;
	return false;
}

/* What is below a delegation or a DNAME follows it at once in canonical order. */
static void nodes_mark(struct order *o)
{
	const uint8_t *cut = NULL, *dname = NULL;
	for (size_t i = 0; i < o->n_nodes; i++) {
		struct zone_node *node = &o->node[i];
		node->flags = node_flags_own(o, node);
		if (cut != NULL && !wire_name_under(node->name, cut))
			cut = NULL;
		if (dname != NULL && !wire_name_under(node->name, dname))
			dname = NULL;
		if (cut != NULL)
			node->flags |= ZONE_NODE_BELOW;
		if (dname != NULL && (node->flags & ZONE_NODE_NSEC3) == 0)
			node->flags |= ZONE_NODE_OCCLUDED;
		if (cut == NULL && (node->flags & ZONE_NODE_CUT) != 0)
			cut = node->name;
		if (dname == NULL && node_has(o, node, WIRE_TYPE_DNAME))
			dname = node->name;
	}
}

/* Moves the tables into the zone's region. */
static int tables_settle(struct order *o)
{
	struct zone *zone = o->b->zone;
	zone->node = arena_dup(&zone->arena, o->node, o->n_nodes * sizeof *o->node);
	if (zone->node == NULL)
		return BANYAN_ENOMEM;
	zone->set = o->set;
	zone->line = o->line;
	zone->canonical = zone->set;
	if (o->canon != NULL) {
		struct wire_rrset *canonical = arena_dup(&zone->arena, o->set, o->n_sets * sizeof *canonical);
		if (canonical == NULL)
			return BANYAN_ENOMEM;
		for (size_t i = 0; i < o->n_sets; i++)
			canonical[i].rdata = o->canon + (canonical[i].rdata - o->rdata);
		zone->canonical = canonical;
	}
	zone->n_nodes = o->n_nodes;
	zone->n_sets = o->n_sets;
	zone->n_records = o->n_rdata;
	zone->remark = o->b->remark;
	zone->n_remarks = o->b->n_remarks;
	const struct wire_rrset *soa = o->n_nodes > 0 ? zone_node_set(zone, &zone->node[0], WIRE_TYPE_SOA) : NULL;
	if (soa != NULL && (zone->node[0].flags & ZONE_NODE_APEX) != 0 && soa->rdata[0].len >= 22)
		zone->serial = wire_get32(soa->rdata[0].data + soa->rdata[0].len - 20);
	return 0;
}

static int order_run(struct order *o)
{
	struct zone_builder *b = o->b;
	size_t most = b->n_records > b->n_runs ? b->n_records : b->n_runs;
	o->run = malloc((b->n_runs + 1) * sizeof *o->run);
	o->record = malloc((b->n_records + 1) * sizeof *o->record);
	o->spare = malloc((most / 2 + 1) * sizeof *o->spare);
	o->rdata = arena_alloc(&b->zone->arena, (b->n_records + 1) * sizeof *o->rdata);
	/* as many sets as records at most; what is not touched costs no memory */
	o->set = arena_alloc(&b->zone->arena, (b->n_records + 1) * sizeof *o->set);
	o->line = arena_alloc(&b->zone->arena, (b->n_records + 1) * sizeof *o->line);
	if (b->canon_differs)
		o->canon = arena_alloc(&b->zone->arena, (b->n_records + 1) * sizeof *o->canon);
	if (o->run == NULL || o->record == NULL || o->spare == NULL || o->rdata == NULL || o->set == NULL ||
	    o->line == NULL || (b->canon_differs && o->canon == NULL))
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < b->n_runs; i++)
		o->run[i] = (const struct zone_run *)b->runs.data + i;
	sort_items(o->run, o->spare, b->n_runs, run_order);
	for (size_t i = 0; i < b->n_runs;) {
		int taken = name_take(o, i, b->n_runs);
		if (taken < 0)
			return taken;
		i += (size_t)taken;
	}
	nodes_mark(o);
	return tables_settle(o);
}

int zone_builder_finish(struct zone_builder *b, struct zone **ret)
{
	struct order o = {.b = b};
	int rc = order_run(&o);
	free(o.run);
	free(o.record);
	free(o.spare);
	free(o.node);
	if (rc < 0)
		return rc;
	*ret = b->zone;
	b->zone = NULL;
	return 0;
}
