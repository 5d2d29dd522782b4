// SPDX-License-Identifier: GPL-3.0-or-later
/* Two messages about the same, held against each other: where each byte of the difference comes from. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

/* Signatures of one set by one algorithm are alike, whenever and with whichever key they were made: covered type and algorithm come first. */
static bool same_record(const struct plan_record *a, const struct plan_record *b)
{
	size_t decides = a->type == WIRE_TYPE_RRSIG && a->data_plain > 3 ? 3 : a->data_plain;
	return a->part == b->part && a->type == b->type && a->data_plain == b->data_plain &&
	       a->owner_plain == b->owner_plain && memcmp(a->data, b->data, decides) == 0 &&
	       wire_name_equal(a->owner, b->owner);
}

/* For each record of `first` the place of its like in `second`, or -1; each is taken once. */
static int match(const struct plan_message *first, const struct plan_message *second, int **ret, bool **ret_taken)
{
	int *at = calloc(first->n_records + 1, sizeof *at);
	bool *taken = calloc(second->n_records + 1, sizeof *taken);
	if (at == NULL || taken == NULL) {
		free(at);
		free(taken);
		return BANYAN_ENOMEM;
	}
	for (size_t i = 0; i < first->n_records; i++) {
		at[i] = -1;
		for (size_t k = 0; k < second->n_records && at[i] < 0; k++)
			if (!taken[k] && same_record(&first->record[i], &second->record[k])) {
				at[i] = (int)k;
				taken[k] = true;
			}
	}
	*ret = at;
	*ret_taken = taken;
	return 0;
}

static void note(struct plan_comparison *c, enum plan_part part, enum plan_why why, long bytes)
{
	if (bytes == 0)
		return;
	c->part[part][why].records++;
	c->part[part][why].bytes += bytes;
}

static void compare_records(const struct plan_message *first, const struct plan_message *second, const int *at,
			    const bool *taken, struct plan_comparison *c)
{
	for (size_t i = 0; i < first->n_records; i++) {
		const struct plan_record *a = &first->record[i];
		if (at[i] < 0) {
			note(c, a->part, PLAN_LEFT_OUT, -(long)a->len);
			continue;
		}
		const struct plan_record *b = &second->record[at[i]];
		note(c, a->part, PLAN_OWNER_NAMES, (long)b->owner_len - a->owner_len);
		note(c, a->part, PLAN_DATA_NAMES, (long)b->data_len - a->data_len);
	}
	for (size_t k = 0; k < second->n_records; k++)
		if (!taken[k])
			note(c, second->record[k].part, PLAN_ADDED, (long)second->record[k].len);
}

/* What is no record: header, question, OPT. */
static void compare_rest(const struct plan_message *first, const struct plan_message *second, struct plan_comparison *c)
{
	static const enum plan_part parts[] = {PLAN_HEADER, PLAN_QUESTION, PLAN_OPT, PLAN_COOKIE, PLAN_OPTIONS};
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++) {
		long a = (long)first->part[parts[i]].bytes, b = (long)second->part[parts[i]].bytes;
		note(c, parts[i], b == 0 ? PLAN_LEFT_OUT : a == 0 ? PLAN_ADDED : PLAN_OTHER_BYTES, b - a);
	}
}

int plan_compare(const struct plan_message *first, const struct plan_message *second, struct plan_comparison *ret)
{
	_cleanup_(base_free) int *at = NULL;
	_cleanup_(base_free) bool *taken = NULL;
	int rc = match(first, second, &at, &taken);
	if (rc != 0)
		return rc;
	*ret = (struct plan_comparison){.total = (long)second->len - (long)first->len};
	compare_records(first, second, at, taken, ret);
	compare_rest(first, second, ret);
	return 0;
}

int plan_left_out(const struct plan_message *whole, const struct plan_message *message, struct plan_missing *ret)
{
	_cleanup_(base_free) int *at = NULL;
	_cleanup_(base_free) bool *taken = NULL;
	int rc = match(whole, message, &at, &taken);
	if (rc != 0)
		return rc;
	*ret = (struct plan_missing){0};
	for (size_t i = 0; i < whole->n_records; i++) {
		enum plan_part part = whole->record[i].part;
		if (at[i] >= 0)
			continue;
		if (part == PLAN_A)
			ret->a++;
		else if (part == PLAN_AAAA)
			ret->aaaa++;
		else if (part == PLAN_ADDRESS_RRSIG || part == PLAN_NS_RRSIG)
			ret->signatures++;
		else
			ret->others++;
	}
	return 0;
}

bool plan_is_whole(const struct zone *zone, const struct plan_message *message, bool dnssec)
{
	static const uint16_t types[] = {WIRE_TYPE_A, WIRE_TYPE_AAAA};
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *ns = apex != NULL ? zone_node_set(zone, apex, WIRE_TYPE_NS) : NULL;
	size_t addresses = 0, sigs = 0;
	for (uint32_t i = 0; ns != NULL && i < ns->count; i++) {
		const struct zone_node *node = zone_find(zone, ns->rdata[i].data);
		bool glue = node != NULL && node->flags & (ZONE_NODE_CUT | ZONE_NODE_BELOW);
		for (unsigned t = 0; node != NULL && t < ARRAY_SIZE(types); t++) {
			const struct wire_rrset *set = zone_node_set(zone, node, types[t]);
			const struct wire_rrset *sig = glue ? NULL : zone_node_sigs(zone, node, types[t]);
			addresses += set != NULL ? set->count : 0;
			sigs += set != NULL && sig != NULL && dnssec ? sig->count : 0;
		}
	}
	return (message->flags & WIRE_TC) == 0 && message->part[PLAN_ADDRESS_RRSIG].records >= sigs &&
	       message->part[PLAN_A].records + message->part[PLAN_AAAA].records >= addresses;
}
