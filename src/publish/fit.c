// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Is a plain zone one that servers load, and that works? Signing and proving do not ask that: a signature over nonsense is a good signature.
 *
 * Refused is what some server in wide use will not load, and what no resolver could ever use. What signing replaces is passed over, and so is
 * what only a delegated zone has a word in: a server of it without address is as far out of reach as it was in the source.
 */
#include "sign.h"

#include <stdio.h>
#include <string.h>

#define TYPE_MD   3 /* RFC 973 */
#define TYPE_MF   4
#define TYPE_NULL 10 /* RFC 1035 section 3.3.10 */
#define TYPE_KEY  25 /* RFC 2535; RFC 3445 has left it to SIG(0) */
#define TYPE_NXT  30 /* RFC 3755 */

struct fit {
	const struct zone *zone, *source; /* source: what it was made of, or NULL */
	char *why;
	size_t size;
};

static int misfit(const struct fit *f, const uint8_t *owner, uint16_t type, const char *text)
{
	char name[WIRE_NAME_TEXT_MAX], words[16];
	snprintf(f->why, f->size, "%.255s %s: %s", wire_name_text(owner, name), wire_type_text(type, words), text);
	return BANYAN_EINVAL;
}

/* ---- where does the name of a server lead? ---- */

enum reach {
	REACH_ADDRESS,   /* the zone has its addresses, or they are in another zone */
	REACH_DELEGATED, /* a delegated zone may have them; this one has not */
	REACH_NOTHING,   /* this zone would have them, and has none */
	REACH_ALIAS,
	REACH_HIDDEN, /* below a DNAME */
};

static bool has_address(const struct zone *zone, const struct zone_node *node)
{
	return zone_node_set(zone, node, WIRE_TYPE_A) != NULL || zone_node_set(zone, node, WIRE_TYPE_AAAA) != NULL;
}

static bool has_alias(const struct zone *zone, const struct zone_node *node)
{
	return zone_node_set(zone, node, WIRE_TYPE_CNAME) != NULL;
}

/* The wildcard that answers for a name that is not there, whose closest encloser (RFC 4592 section 3.3.1) is this one. */
static const struct zone_node *wildcard_of(const struct zone *zone, const uint8_t *encloser)
{
	uint8_t name[WIRE_NAME_MAX] = {1, '*'};
	size_t len = wire_name_len(encloser);
	if (len + 2 > sizeof name)
		return NULL;
	memcpy(name + 2, encloser, len);
	return zone_find(zone, name);
}

static enum reach reach_of(const struct zone *zone, const uint8_t *name)
{
	if (!wire_name_under(name, zone->apex))
		return REACH_ADDRESS;
	unsigned labels = wire_name_labels(name) - wire_name_labels(zone->apex);
	const struct zone_node *node = zone_find(zone, name), *encloser = node;
	bool delegated = false;
	for (unsigned i = 0; i <= labels; i++) {
		const struct zone_node *above = zone_find(zone, wire_name_skip(name, i));
		if (above == NULL)
			continue;
		if (i > 0 && (above->flags & ZONE_NODE_BELOW) == 0 &&
		    zone_node_set(zone, above, WIRE_TYPE_DNAME) != NULL)
			return REACH_HIDDEN;
		encloser = encloser == NULL ? above : encloser;
		delegated = delegated || (above->flags & ZONE_NODE_CUT) != 0;
	}
	if (node == NULL && encloser != NULL && !delegated)
		node = wildcard_of(zone, encloser->name);
	if (node != NULL && has_address(zone, node))
		return REACH_ADDRESS;
	if (delegated)
		return REACH_DELEGATED;
	return node != NULL && has_alias(zone, node) ? REACH_ALIAS : REACH_NOTHING;
}

static int server_misfit(const struct fit *f, const uint8_t *owner, const uint8_t *server, enum reach reach)
{
	char text[WIRE_NAME_TEXT_MAX + 200], name[WIRE_NAME_TEXT_MAX];
	wire_name_text(server, name);
	if (reach == REACH_ALIAS)
		snprintf(text, sizeof text,
			 "the server %.255s is an alias, which no server may be (RFC 2181 section 10.3); name what it "
			 "stands for",
			 name);
	else if (reach == REACH_HIDDEN)
		snprintf(text, sizeof text,
			 "the server %.255s is below a DNAME, so it is a name of another zone; name it there", name);
	else
		snprintf(text, sizeof text,
			 "the server %.255s has no address, and nobody could reach it; add an A or AAAA, or leave the "
			 "server out",
			 name);
	return misfit(f, owner, WIRE_TYPE_NS, text);
}

static int check_apex_servers(const struct fit *f, const struct wire_rrset *ns)
{
	int rc = 0;
	for (uint32_t i = 0; ns != NULL && i < ns->count && rc == 0; i++) {
		enum reach reach = reach_of(f->zone, ns->rdata[i].data);
		/* the parent of another zone has them; above the root there is none */
		bool elsewhere = reach == REACH_DELEGATED && f->zone->apex[0] != 0;
		if (reach != REACH_ADDRESS && !elsewhere)
			rc = server_misfit(f, f->zone->apex, ns->rdata[i].data, reach);
	}
	return rc;
}

static bool source_delegates(const struct fit *f, const uint8_t *owner, const struct wire_rdata *server)
{
	const struct zone_node *node = zone_find(f->source, owner);
	const struct wire_rrset *ns = node == NULL ? NULL : zone_node_set(f->source, node, WIRE_TYPE_NS);
	for (uint32_t i = 0; ns != NULL && i < ns->count; i++)
		if (wire_name_equal(ns->rdata[i].data, server->data))
			return true;
	return false;
}

/* A delegation may be as lame as it was, but nothing that was changed here may have made it so. Glue that it cannot do without: RFC 9471. */
static int check_delegation(const struct fit *f, const struct wire_rrset *ns)
{
	int rc = 0;
	for (uint32_t i = 0; f->source != NULL && i < ns->count && rc == 0; i++) {
		const uint8_t *server = ns->rdata[i].data;
		enum reach reach = reach_of(f->zone, server);
		bool bad = reach == REACH_DELEGATED ? wire_name_under(server, ns->owner) : reach != REACH_ADDRESS;
		if (bad &&
		    (!source_delegates(f, ns->owner, &ns->rdata[i]) || reach_of(f->source, server) == REACH_ADDRESS))
			rc = server_misfit(f, ns->owner, server, reach);
	}
	return rc;
}

/* ---- what may stand at a name ---- */

static bool ds_is_good(const struct wire_rdata *ds)
{
	static const uint8_t sizes[] = {0, 20, 32, 32, 48}; /* by digest type */
	return ds->len > 4 &&
	       (ds->data[3] == 0 || ds->data[3] >= ARRAY_SIZE(sizes) || ds->len == 4 + sizes[ds->data[3]]);
}

static int check_ds(const struct fit *f, const struct zone_node *node, const struct wire_rrset *ds)
{
	if ((node->flags & ZONE_NODE_APEX) != 0)
		return misfit(f, node->name, ds->type,
			      "it belongs to the zone above, where this one is delegated, and never stands at the apex "
			      "(RFC 4035 section 2.4); take it away");
	if (sign_authoritative(node) && (node->flags & ZONE_NODE_CUT) == 0)
		return misfit(f, node->name, ds->type,
			      "there is no NS beside it, so nothing is delegated here; take it away, or add the NS");
	for (uint32_t i = 0; i < ds->count; i++)
		if (!ds_is_good(&ds->rdata[i]))
			return misfit(f, node->name, ds->type,
				      "its digest has not the length of its digest type; is it cut short?");
	return 0;
}

static int check_ns(const struct fit *f, const struct zone_node *node, const struct wire_rrset *ns)
{
	if ((node->flags & ZONE_NODE_APEX) != 0)
		return check_apex_servers(f, ns);
	if ((node->flags & ZONE_NODE_WILDCARD) != 0)
		return misfit(
			f, node->name, ns->type,
			"a wildcard delegates nothing (RFC 4592 section 4.2), and servers do not load it; name what "
			"is delegated");
	if (zone_node_set(f->zone, node, WIRE_TYPE_DNAME) != NULL)
		return misfit(f, node->name, ns->type,
			      "it stands beside a DNAME, which it may at the apex alone (RFC 6672 section 2.4); take "
			      "one of them away");
	return (node->flags & ZONE_NODE_BELOW) == 0 ? check_delegation(f, ns) : 0;
}

static int check_set(const struct fit *f, const struct zone_node *node, const struct wire_rrset *set)
{
	bool apex = (node->flags & ZONE_NODE_APEX) != 0;
	switch (set->type) {
	case WIRE_TYPE_NS:
		return check_ns(f, node, set);
	case WIRE_TYPE_DS:
		return check_ds(f, node, set);
	case WIRE_TYPE_SOA:
		if (apex && set->count == 1)
			return 0;
		return misfit(f, node->name, set->type,
			      "a zone has one SOA, at its apex (RFC 1035 section 5.2); take this one away");
	case WIRE_TYPE_CNAME:
	case WIRE_TYPE_DNAME:
		if (set->count == 1)
			return 0;
		return misfit(f, node->name, set->type, "there is more than one at this name; leave one of them");
	case WIRE_TYPE_DNSKEY:
		return misfit(f, node->name, set->type,
			      "keys of the zone stand at its apex (RFC 4035 section 2.1); take this one away");
	case TYPE_KEY: /* BIND has it in the bitmap of the delegation's NSEC, others have not (RFC 4035 section 2.3) */
		if (!sign_authoritative(node) || !sign_is_cut(node))
			return 0;
		return misfit(f, node->name, set->type,
			      "validators differ in whose it is at a delegation; take it away, or put it into the "
			      "delegated zone");
	case TYPE_MD:
	case TYPE_MF:
	case TYPE_NULL:
	case WIRE_TYPE_SIG:
	case TYPE_NXT:
		return misfit(f, node->name, set->type,
			      "no zone has records of this type any more, and servers do not load it; take it away");
	default:
		return 0;
	}
}

static int check_hidden(const struct fit *f, const struct zone_node *node, uint16_t type)
{
	char text[WIRE_NAME_TEXT_MAX + 160], name[WIRE_NAME_TEXT_MAX] = "";
	unsigned labels = wire_name_labels(node->name) - wire_name_labels(f->zone->apex);
	for (unsigned i = labels; i > 0; i--) {
		const struct zone_node *above = zone_find(f->zone, wire_name_skip(node->name, i));
		if (above == NULL || zone_node_set(f->zone, above, WIRE_TYPE_DNAME) == NULL)
			continue;
		wire_name_text(above->name, name);
		break;
	}
	snprintf(
		text, sizeof text,
		"it is below the DNAME at %.255s, where a zone has nothing (RFC 6672 section 2.4); take one of the two "
		"away",
		name);
	return misfit(f, node->name, type, text);
}

static int check_node(const struct fit *f, const struct zone_node *node)
{
	const struct wire_rrset *set = &f->zone->set[node->first_set], *end = set + node->n_sets;
	bool alias = has_alias(f->zone, node);
	int rc = 0;
	for (; set < end && rc == 0; set++) {
		if (sign_is_ours(node, set->type))
			continue;
		if ((node->flags & ZONE_NODE_OCCLUDED) != 0)
			rc = check_hidden(f, node, set->type);
		else if (alias && set->type != WIRE_TYPE_CNAME)
			rc = misfit(f, node->name, set->type,
				    "it stands beside a CNAME, which stands alone (RFC 2181 section 10.1); take one of "
				    "the two away");
		else
			rc = check_set(f, node, set);
	}
	return rc;
}

int publish_fit(const struct zone *plain, const struct zone *source, char *why, size_t size)
{
	struct fit f = {.zone = plain, .source = source, .why = why, .size = size};
	int rc = 0;
	for (size_t i = 0; i < plain->n_nodes && rc == 0; i++)
		rc = check_node(&f, &plain->node[i]);
	return rc;
}
