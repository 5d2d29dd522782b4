// SPDX-License-Identifier: GPL-3.0-or-later
/* What a zone must be like before any signature is looked at. */
#include "private.h"

#include <stdio.h>

static unsigned long set_line(const struct zone_judge *judge, const struct wire_rrset *set)
{
	return judge->zone->line[set - judge->zone->set];
}

static void tell_set(struct zone_judge *judge, bool fatal, enum reason reason, const struct wire_rrset *set,
		     const char *text)
{
	zone_judge_tell(judge, fatal, reason, set->owner, set->type, set_line(judge, set), text);
}

static void check_apex(struct zone_judge *judge)
{
	const struct zone *zone = judge->zone;
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *soa = apex != NULL ? zone_node_set(zone, apex, WIRE_TYPE_SOA) : NULL;
	char text[80];
	if (soa == NULL) {
		zone_judge_tell(judge, true, REASON_SOA_MISSING, zone->apex, WIRE_TYPE_SOA, 0,
				"is this the right file, and --origin the right name?");
	} else if (soa->count > 1) {
		snprintf(text, sizeof text, "%u different SOA records; which one holds?", soa->count);
		tell_set(judge, true, REASON_SOA_MULTIPLE, soa, text);
	}
	if (apex == NULL || zone_node_set(zone, apex, WIRE_TYPE_NS) == NULL)
		zone_judge_tell(judge, true, REASON_APEX_NS_MISSING, zone->apex, WIRE_TYPE_NS, 0,
				"a zone names its servers (RFC 1034 section 4.2.1)");
}

/* May a CNAME's neighbour be of this type? (RFC 1034 section 3.6.2, RFC 4034, RFC 2535 types as leftovers) */
static bool beside_cname(uint16_t type)
{
	return type == WIRE_TYPE_CNAME || type == WIRE_TYPE_RRSIG || type == WIRE_TYPE_NSEC || type == WIRE_TYPE_SIG ||
	       type == 25 /* KEY */ || type == 30 /* NXT */;
}

static void check_aliases(struct zone_judge *judge, const struct zone_node *node)
{
	const struct wire_rrset *first = &judge->zone->set[node->first_set], *cname = NULL, *other = NULL;
	for (const struct wire_rrset *set = first; set < first + node->n_sets; set++) {
		if (set->type == WIRE_TYPE_CNAME)
			cname = set;
		else if (!beside_cname(set->type))
			other = set;
		if (set->type == WIRE_TYPE_DNAME && set->count > 1)
			tell_set(judge, true, REASON_DNAME_MULTIPLE, set, "RFC 6672 section 2.4 allows one");
		if (set->type == WIRE_TYPE_SOA && (node->flags & (ZONE_NODE_APEX | ZONE_NODE_BELOW)) == 0)
			tell_set(judge, true, REASON_SOA_MULTIPLE, set, "an SOA stands at a name that is not the apex");
	}
	if (cname == NULL)
		return;
	if (cname->count > 1)
		tell_set(judge, true, REASON_CNAME_MULTIPLE, cname, "RFC 2181 section 10.1 allows one");
	if (other != NULL)
		tell_set(judge, true, REASON_CNAME_AND_OTHER, other, "RFC 2181 section 10.1: a CNAME stands alone");
}

static void check_hidden(struct zone_judge *judge, const struct zone_node *node)
{
	const struct wire_rrset *first = &judge->zone->set[node->first_set];
	if ((node->flags & ZONE_NODE_OCCLUDED) != 0 && node->n_sets > 0)
		tell_set(judge, false, REASON_DNAME_OCCLUDES, first, "no resolver will see it (RFC 6672 section 2.4)");
	for (const struct wire_rrset *set = first; set < first + node->n_sets; set++) {
		bool address = set->type == WIRE_TYPE_A || set->type == WIRE_TYPE_AAAA;
		bool parent = set->type == WIRE_TYPE_NS || set->type == WIRE_TYPE_DS || set->type == WIRE_TYPE_NSEC ||
			      set->type == WIRE_TYPE_RRSIG;
		if ((node->flags & ZONE_NODE_BELOW) != 0 ? !address
							 : (node->flags & ZONE_NODE_CUT) != 0 && !address && !parent)
			tell_set(judge, false, REASON_OCCLUDED, set, "no resolver will see it");
	}
}

static bool node_has_address(const struct zone *zone, const struct zone_node *node)
{
	return zone_node_set(zone, node, WIRE_TYPE_A) != NULL || zone_node_set(zone, node, WIRE_TYPE_AAAA) != NULL;
}

/* Finds a name among the nodes [from, to), which are in order. */
static const struct zone_node *find_between(const struct zone_node *from, const struct zone_node *to,
					    const uint8_t *name)
{
	while (from < to) {
		const struct zone_node *middle = from + (to - from) / 2;
		int d = wire_name_cmp(middle->name, name);
		if (d == 0)
			return middle;
		if (d < 0)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

/* A server named inside the delegation that it serves cannot be reached without its address (RFC 9471 section 2). */
static void check_glue(struct zone_judge *judge, const struct zone_node *node)
{
	const struct zone *zone = judge->zone;
	const struct wire_rrset *ns = zone_node_set(zone, node, WIRE_TYPE_NS);
	const struct zone_node *end = node + 1, *all = zone->node + zone->n_nodes;
	if (ns == NULL)
		return;
	if ((node->flags & ZONE_NODE_APEX) != 0)
		end = all;
	while (end < all && (end->flags & ZONE_NODE_BELOW) != 0)
		end++;
	for (uint32_t i = 0; i < ns->count; i++) {
		const uint8_t *target = ns->rdata[i].data;
		char text[200], name[WIRE_NAME_TEXT_MAX];
		if (wire_name_check(target, ns->rdata[i].len) < 0 || !wire_name_under(target, node->name))
			continue;
		const struct zone_node *server = find_between(node, end, target);
		if (server != NULL && node_has_address(zone, server))
			continue;
		if ((node->flags & ZONE_NODE_APEX) != 0) {
			/* a server of the zone may live in a delegated zone, whose matter its address is then */
			const struct zone_node *before = zone_find_before(zone, target);
			if (before != NULL && (before->flags & (ZONE_NODE_CUT | ZONE_NODE_BELOW)) != 0)
				continue;
		}
		snprintf(text, sizeof text, "%.150s has neither A nor AAAA", wire_name_text(target, name));
		tell_set(judge, false, REASON_GLUE_MISSING, ns, text);
	}
}

/* A type that came after this version may say how the zone is to be resolved: who does not know it may answer wrongly. */
static void check_known(struct zone_judge *judge, const struct zone_node *node)
{
	const struct wire_rrset *set = &judge->zone->set[node->first_set];
	for (const struct wire_rrset *end = set + node->n_sets; set < end; set++)
		if (!wire_type_known(set->type))
			tell_set(judge, true, REASON_TYPE_UNKNOWN, set, "a newer version of this software may know it");
}

void zone_structure_check(struct zone_judge *judge)
{
	const struct zone *zone = judge->zone;
	for (size_t i = 0; i < zone->n_remarks; i++) {
		const struct zone_remark *r = &zone->remark[i];
		/* an RRset with two TTLs has no canonical form to digest or sign (RFC 8976 section 3.3.1, RFC 4034 section 6) */
		bool fatal = r->reason == REASON_TTL_MIXED && !judge->settings->structure_only;
		zone_judge_tell(judge, fatal, r->reason, r->owner, r->type, r->line, r->text);
	}
	check_apex(judge);
	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct zone_node *node = &zone->node[i];
		check_aliases(judge, node);
		if (judge->settings->known_only)
			check_known(judge, node);
		if ((node->flags & (ZONE_NODE_BELOW | ZONE_NODE_OCCLUDED | ZONE_NODE_CUT)) != 0)
			check_hidden(judge, node);
		if ((node->flags & (ZONE_NODE_APEX | ZONE_NODE_CUT)) != 0 && (node->flags & ZONE_NODE_BELOW) == 0)
			check_glue(judge, node);
	}
}
