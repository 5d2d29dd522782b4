// SPDX-License-Identifier: GPL-3.0-or-later
/* What makes one version of a zone out of another: both are walked side by side, once. */
#include "zone.h"

#include <stdlib.h>
#include <string.h>

#define LIST_FIRST 64 /* records for which there is room at first; it doubles from there */

struct list {
	struct zone_diff_record *item;
	size_t n, cap;
};

static int list_add(struct list *list, const struct wire_rrset *set, uint32_t index)
{
	if (list->n == list->cap) {
		size_t cap = list->cap == 0 ? LIST_FIRST : list->cap * 2;
		struct zone_diff_record *item = reallocarray(list->item, cap, sizeof *item);
		if (item == NULL)
			return BANYAN_ENOMEM;
		list->item = item;
		list->cap = cap;
	}
	list->item[list->n++] = (struct zone_diff_record){.set = set, .index = index};
	return 0;
}

static int list_add_set(struct list *list, const struct wire_rrset *set)
{
	int rc = 0;
	for (uint32_t i = 0; i < set->count && rc == 0; i++)
		rc = list_add(list, set, i);
	return rc;
}

struct walk {
	const struct zone *from, *to;
	struct list gone, come;
};

static bool same_bytes(const struct wire_rdata *a, const struct wire_rdata *b)
{
	return a->len == b->len && (a->data == b->data || memcmp(a->data, b->data, a->len) == 0);
}

/* Two sets of the same name and type; their records stand in canonical order. What differs in case alone goes and comes, too:
 * whoever applies this has the same bytes then. */
static int walk_set(struct walk *w, size_t from, size_t to)
{
	const struct wire_rrset *a = &w->from->set[from], *b = &w->to->set[to];
	const struct wire_rrset *ca = &w->from->canonical[from], *cb = &w->to->canonical[to];
	uint32_t i = 0, k = 0;
	int rc = 0;
	if (a->ttl != b->ttl) { /* a TTL belongs to the record: RFC 1995 knows no other way to change it */
		rc = list_add_set(&w->gone, a);
		return rc == 0 ? list_add_set(&w->come, b) : rc;
	}
	while (rc == 0 && (i < a->count || k < b->count)) {
		int order = i == a->count ? 1 : k == b->count ? -1 : wire_rdata_cmp(&ca->rdata[i], &cb->rdata[k]);
		bool same = order == 0 && same_bytes(&a->rdata[i], &b->rdata[k]);
		if (order <= 0 && !same)
			rc = list_add(&w->gone, a, i);
		if (order >= 0 && !same && rc == 0)
			rc = list_add(&w->come, b, k);
		i += order <= 0;
		k += order >= 0;
	}
	return rc;
}

/* RRSIGs of a name are a set for each type they cover. */
static uint32_t set_key(const struct wire_rrset *set)
{
	bool covers = set->type == WIRE_TYPE_RRSIG && set->count > 0 && set->rdata[0].len >= 2;
	return (uint32_t)set->type << 16 | (covers ? wire_get16(set->rdata[0].data) : 0);
}

/* NULL on one side: the other has a name that this one has not. */
static int walk_node(struct walk *w, const struct zone_node *a, const struct zone_node *b)
{
	size_t i = 0, k = 0, n = a == NULL ? 0 : a->n_sets, m = b == NULL ? 0 : b->n_sets;
	int rc = 0;
	while (rc == 0 && (i < n || k < m)) {
		size_t from = i < n ? a->first_set + i : 0, to = k < m ? b->first_set + k : 0;
		uint32_t x = i < n ? set_key(&w->from->set[from]) : UINT32_MAX;
		uint32_t y = k < m ? set_key(&w->to->set[to]) : UINT32_MAX;
		if (i < n && k < m && x == y)
			rc = walk_set(w, from, to);
		else if (k == m || (i < n && x < y))
			rc = list_add_set(&w->gone, &w->from->set[from]);
		else
			rc = list_add_set(&w->come, &w->to->set[to]);
		bool took_both = i < n && k < m && x == y;
		bool took_from = took_both || k == m || (i < n && x < y);
		i += took_from;
		k += took_both || !took_from;
	}
	return rc;
}

static int node_order(const struct zone_node *a, const struct zone_node *b)
{
	size_t len = wire_name_len(a->name); /* most names are in both versions, and both are in lower case */
	bool same = len == wire_name_len(b->name) && memcmp(a->name, b->name, len) == 0;
	return same ? 0 : wire_name_cmp(a->name, b->name);
}

static int walk_nodes(struct walk *w)
{
	size_t i = 0, k = 0, n = w->from->n_nodes, m = w->to->n_nodes;
	int rc = 0;
	while (rc == 0 && (i < n || k < m)) {
		const struct zone_node *a = i < n ? &w->from->node[i] : NULL, *b = k < m ? &w->to->node[k] : NULL;
		int order = a == NULL ? 1 : b == NULL ? -1 : node_order(a, b);
		rc = walk_node(w, order <= 0 ? a : NULL, order >= 0 ? b : NULL);
		i += order <= 0;
		k += order >= 0;
	}
	return rc;
}

int zone_diff(const struct zone *from, const struct zone *to, struct zone_diff *ret)
{
	struct walk walk = {.from = from, .to = to};
	if (!wire_name_equal(from->apex, to->apex))
		return BANYAN_EINVAL;
	int rc = walk_nodes(&walk);
	if (rc < 0) {
		free(walk.gone.item);
		free(walk.come.item);
		return rc;
	}
	*ret = (struct zone_diff){
		.n_gone = walk.gone.n, .n_come = walk.come.n, .gone = walk.gone.item, .come = walk.come.item};
	return 0;
}

void zone_diff_done(struct zone_diff *diff)
{
	free(diff->gone);
	free(diff->come);
	*diff = (struct zone_diff){0};
}
