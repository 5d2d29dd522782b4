// SPDX-License-Identifier: GPL-3.0-or-later
/* A plain zone as its edition has it: name servers and their addresses, SOA, the words of the edition, records that come and go. */
#include "private.h"

#include <string.h>

#define SOA_NUMBERS 20 /* bytes of serial, refresh, retry, expire, minimum */

struct applying {
	const struct zone *plain;
	const struct edition_change *change;
	const struct edition_version *version;
	const struct wire_rrset *soa, *ns; /* of the source */
	struct zone_maker *maker;
	char *why;
};

/* ---- which of the source's records go ---- */

static bool is_removed(const struct edition_change *change, const uint8_t *name)
{
	for (size_t i = 0; i < change->n_remove; i++)
		if (wire_name_under(name, change->remove[i]))
			return true;
	return false;
}

static const struct edition_server *server_find(const struct edition_change *change, const uint8_t *name)
{
	for (size_t i = 0; i < change->n_servers; i++)
		if (wire_name_equal(change->server[i].name, name))
			return &change->server[i];
	return NULL;
}

static bool ns_has(const struct wire_rrset *ns, const uint8_t *name)
{
	for (uint32_t i = 0; i < ns->count; i++)
		if (wire_name_equal(ns->rdata[i].data, name))
			return true;
	return false;
}

static bool set_names(const struct wire_rrset *set, const uint8_t *name)
{
	for (uint32_t i = 0; i < set->count; i++) {
		const struct wire_rdata *rdata = &set->rdata[i];
		int at;
		for (unsigned n = 0; (at = wire_rdata_name_at(rdata->data, rdata->len, set->type, n)) >= 0; n++)
			if (wire_name_equal(rdata->data + at, name))
				return true;
	}
	return false;
}

/* Does a delegation, which stays, lead to this server, or anything else than the apex name it: mail, a service, an alias? */
static bool serves_others(const struct applying *a, const uint8_t *name)
{
	for (size_t i = 0; i < a->plain->n_sets; i++) {
		const struct wire_rrset *set = &a->plain->set[i];
		if (set != a->ns && set != a->soa && set_names(set, name) && !is_removed(a->change, set->owner))
			return true;
	}
	for (size_t i = 0; a->change->add != NULL && i < a->change->add->n_sets; i++)
		if (set_names(&a->change->add->set[i], name))
			return true;
	return false;
}

/* The addresses of a server that is none of this apex any more, and that nothing else names. */
static bool is_left_over(const struct applying *a, const struct wire_rrset *set)
{
	return a->change->n_servers > 0 && ns_has(a->ns, set->owner) && server_find(a->change, set->owner) == NULL &&
	       !serves_others(a, set->owner);
}

static bool goes(const struct applying *a, const struct wire_rrset *set)
{
	if (set == a->soa || (set == a->ns && a->change->n_servers > 0) || is_removed(a->change, set->owner))
		return true;
	if (set->type != WIRE_TYPE_A && set->type != WIRE_TYPE_AAAA)
		return false;
	const struct edition_server *server = server_find(a->change, set->owner);
	return server != NULL ? server->n_addresses > 0 : is_left_over(a, set);
}

/* Has it an address of a server of the apex, of those that are given, or of the source's where none are? */
static bool of_server(const struct applying *a, const struct wire_rrset *set)
{
	if (set->type != WIRE_TYPE_A && set->type != WIRE_TYPE_AAAA)
		return false;
	return a->change->n_servers > 0 ? server_find(a->change, set->owner) != NULL : ns_has(a->ns, set->owner);
}

static int keep_rest(const struct applying *a)
{
	int rc = 0;
	for (size_t i = 0; i < a->plain->n_sets && rc == 0; i++) {
		const struct wire_rrset *set = &a->plain->set[i];
		if (goes(a, set))
			continue;
		uint32_t ttl = set->ttl;
		if (set == a->ns && a->change->ns_ttl > 0)
			ttl = a->change->ns_ttl;
		else if (a->change->address_ttl > 0 && of_server(a, set))
			ttl = a->change->address_ttl;
		for (uint32_t r = 0; r < set->count && rc == 0; r++)
			rc = edition_add(a->maker, set, r, ttl);
	}
	return rc;
}

/* ---- what comes ---- */

/* TTL of the addresses of the source's servers, or else of its NS set. */
static uint32_t address_ttl(const struct applying *a)
{
	if (a->change->address_ttl > 0)
		return a->change->address_ttl;
	for (uint32_t i = 0; i < a->ns->count; i++) {
		const struct zone_node *node = zone_find(a->plain, a->ns->rdata[i].data);
		const struct wire_rrset *set = node != NULL ? zone_node_set(a->plain, node, WIRE_TYPE_A) : NULL;
		if (set == NULL && node != NULL)
			set = zone_node_set(a->plain, node, WIRE_TYPE_AAAA);
		if (set != NULL)
			return set->ttl;
	}
	return a->ns->ttl;
}

static int server_check(const struct applying *a, const struct edition_server *server)
{
	char name[WIRE_NAME_TEXT_MAX], zone[WIRE_NAME_TEXT_MAX];
	wire_name_text(server->name, name);
	if (!wire_name_under(server->name, a->plain->apex))
		return server->n_addresses == 0
			       ? 0
			       : edition_why(a->why, BANYAN_EINVAL,
					     "name server %.255s is not in the zone %.255s, which cannot hold its "
					     "addresses; leave them out",
					     name, wire_name_text(a->plain->apex, zone));
	if (is_removed(a->change, server->name))
		return edition_why(a->why, BANYAN_EINVAL,
				   "name server %.255s is among the names that records.remove takes away", name);
	const struct zone_node *node = zone_find(a->plain, server->name);
	bool has = node != NULL && (zone_node_set(a->plain, node, WIRE_TYPE_A) != NULL ||
				    zone_node_set(a->plain, node, WIRE_TYPE_AAAA) != NULL);
	if (node != NULL && zone_node_set(a->plain, node, WIRE_TYPE_CNAME) != NULL)
		return edition_why(
			a->why, BANYAN_EINVAL,
			"name server %.255s is an alias in the source, which no name server may be (RFC 2181 "
			"section 10.3)",
			name);
	if (server->n_addresses == 0 && !has)
		return edition_why(
			a->why, BANYAN_EINVAL,
			"name server %.255s has no address in the source, and none is given: nobody could reach "
			"it; give apex.name-servers[].addresses",
			name);
	return 0;
}

static int servers_add(const struct applying *a)
{
	const struct edition_change *change = a->change;
	uint32_t ns_ttl = change->ns_ttl > 0 ? change->ns_ttl : a->ns->ttl, ttl = address_ttl(a);
	int rc = 0;
	for (size_t i = 0; i < change->n_servers && rc == 0; i++) {
		const struct edition_server *server = &change->server[i];
		rc = server_check(a, server);
		if (rc == 0)
			rc = zone_maker_add(a->maker, a->plain->apex, WIRE_TYPE_NS, ns_ttl, server->name,
					    (uint16_t)wire_name_len(server->name));
		for (size_t n = 0; n < server->n_addresses && rc == 0; n++) {
			const struct addr *addr = &server->address[n];
			bool six = addr->family == 6;
			rc = zone_maker_add(a->maker, server->name, six ? WIRE_TYPE_AAAA : WIRE_TYPE_A, ttl, addr->ip,
					    six ? 16 : 4);
		}
	}
	return rc;
}

static int soa_add(const struct applying *a)
{
	const struct edition_change *c = a->change;
	const struct wire_rdata *old = &a->soa->rdata[0];
	size_t mname_len = wire_name_len(old->data), rname_len = wire_name_len(old->data + mname_len);
	const uint8_t *mname = c->soa_mname != NULL ? c->soa_mname : old->data;
	const uint8_t *rname = c->soa_rname != NULL ? c->soa_rname : old->data + mname_len;
	const uint8_t *numbers = old->data + mname_len + rname_len;
	const uint32_t given[] = {c->soa_refresh, c->soa_retry, c->soa_expire, c->soa_minimum};
	uint8_t soa[2 * WIRE_NAME_MAX + SOA_NUMBERS];
	size_t len = wire_name_len(mname);
	memcpy(soa, mname, len);
	memcpy(soa + len, rname, wire_name_len(rname));
	len += wire_name_len(rname);
	wire_put32(soa + len, a->version->serial);
	for (size_t i = 0; i < ARRAY_SIZE(given); i++)
		wire_put32(soa + len + 4 + 4 * i, given[i] > 0 ? given[i] : wire_get32(numbers + 4 + 4 * i));
	return zone_maker_add(a->maker, a->plain->apex, WIRE_TYPE_SOA, c->soa_ttl > 0 ? c->soa_ttl : a->soa->ttl, soa,
			      (uint16_t)(len + SOA_NUMBERS));
}

static const struct wire_rrset *apex_set(const struct zone *zone, uint16_t type)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	return apex != NULL ? zone_node_set(zone, apex, type) : NULL;
}

/* They are one set with what else stands there. */
static int words_add(const struct applying *a)
{
	const struct wire_rrset *there = apex_set(a->plain, WIRE_TYPE_TXT);
	if (there == NULL && a->change->add != NULL)
		there = apex_set(a->change->add, WIRE_TYPE_TXT);
	uint32_t ttl = there != NULL ? there->ttl : a->change->soa_ttl > 0 ? a->change->soa_ttl : a->soa->ttl;
	uint8_t txt[ZONE_EDITION_RDATA];
	size_t len;
	if (a->version->says.name[0] == '\0')
		return 0;
	int rc = zone_edition_write(&a->version->says, txt, &len);
	return rc < 0 ? rc : zone_maker_add(a->maker, a->plain->apex, WIRE_TYPE_TXT, ttl, txt, (uint16_t)len);
}

static int extra_add(const struct applying *a)
{
	const struct zone *add = a->change->add;
	int rc = 0;
	for (size_t i = 0; add != NULL && i < add->n_sets && rc == 0; i++) {
		const struct wire_rrset *set = &add->set[i];
		bool apex_txt = set->type == WIRE_TYPE_TXT && wire_name_equal(set->owner, a->plain->apex);
		for (uint32_t r = 0; r < set->count && rc == 0; r++) {
			if (apex_txt && edition_is_word(&set->rdata[r]))
				return edition_why(
					a->why, BANYAN_EINVAL,
					"records.add has a TXT at the apex that says what an edition says of "
					"itself; edition.name and schedule say that");
			rc = edition_add(a->maker, set, r, set->ttl);
		}
	}
	return rc;
}

/* ---- the whole ---- */

static int apex_find(struct applying *a)
{
	char zone[WIRE_NAME_TEXT_MAX];
	wire_name_text(a->plain->apex, zone);
	a->soa = apex_set(a->plain, WIRE_TYPE_SOA);
	a->ns = apex_set(a->plain, WIRE_TYPE_NS);
	if (a->soa == NULL || a->soa->count != 1)
		return edition_why(a->why, BANYAN_EINVAL, "%s: the zone %.255s has %s SOA; is it the right file?",
				   a->plain->source, zone, a->soa == NULL ? "no" : "more than one");
	if (a->ns == NULL)
		return edition_why(a->why, BANYAN_EINVAL, "%s: the zone %.255s has no NS; is it the right file?",
				   a->plain->source, zone);
	return 0;
}

/* Names in records.remove that are not there any more are no error: the source may have taken them away itself. */
static void removed_check(const struct applying *a)
{
	char name[WIRE_NAME_TEXT_MAX];
	for (size_t i = 0; i < a->change->n_remove; i++)
		if (zone_find(a->plain, a->change->remove[i]) == NULL)
			log_notice("publish", "records.remove: the source has no %s",
				   wire_name_text(a->change->remove[i], name));
}

static int mixed_check(const struct zone *zone, char *why)
{
	for (size_t i = 0; i < zone->n_remarks; i++) {
		char name[WIRE_NAME_TEXT_MAX], type[16];
		const struct zone_remark *remark = &zone->remark[i];
		wire_name_text(remark->owner, name);
		wire_type_text(remark->type, type);
		if (remark->reason == REASON_TTL_MIXED)
			return edition_why(
				why, BANYAN_EINVAL,
				"%.255s %s has records with different TTLs, once what is added stands beside what "
				"the source has; give both one TTL",
				name, type);
		if (remark->reason == REASON_OUT_OF_ZONE)
			return edition_why(why, BANYAN_EINVAL, "%.255s %s is not in the zone", name, type);
	}
	return 0;
}

/* Does the result load, and work? Where it does not: is that so in the source? */
static int fit_check(const struct zone *plain, const struct edition_change *change, const struct zone *zone, char *why)
{
	char what[EDITION_WHY_MAX / 2], there[EDITION_WHY_MAX / 2];
	bool changed = change->n_remove > 0 || change->n_servers > 0 || change->add != NULL;
	int rc = publish_fit(zone, changed ? plain : NULL, what, sizeof what);
	if (rc == 0)
		return 0;
	bool in_source = publish_fit(plain, NULL, there, sizeof there) < 0 && strcmp(what, there) == 0;
	return edition_why(
		why, rc, "%s%s", what,
		in_source ? "; the source has it so: mend it there, or, below the apex, name it in records.remove"
			  : " (the source is good: see apex and records)");
}

int edition_apply(const struct zone *plain, const struct edition_change *change, const struct edition_version *version,
		  struct zone **ret, char ret_why[EDITION_WHY_MAX])
{
	struct applying a = {.plain = plain, .change = change, .version = version, .why = ret_why};
	struct zone *zone;
	int rc = apex_find(&a);
	if (rc == 0 && (rc = zone_maker_new(plain->apex, plain->source, &a.maker)) < 0)
		return edition_why(ret_why, rc, "out of memory");
	if (rc != 0)
		return rc;
	ret_why[0] = '\0';
	removed_check(&a);
	rc = soa_add(&a);
	if (rc == 0)
		rc = servers_add(&a);
	if (rc == 0)
		rc = words_add(&a);
	if (rc == 0)
		rc = keep_rest(&a);
	if (rc == 0)
		rc = extra_add(&a);
	if (rc < 0) {
		zone_maker_free(a.maker);
		return ret_why[0] != '\0' ? rc : edition_why(ret_why, rc, "%s", error_text(rc));
	}
	rc = zone_maker_finish(a.maker, &zone);
	if (rc < 0)
		return edition_why(ret_why, rc, "%s", error_text(rc));
	rc = mixed_check(zone, ret_why);
	if (rc == 0)
		rc = fit_check(plain, change, zone, ret_why);
	if (rc < 0) {
		zone_free(zone);
		return rc;
	}
	*ret = zone;
	return 0;
}
