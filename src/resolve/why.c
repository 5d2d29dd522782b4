// SPDX-License-Identifier: GPL-3.0-or-later
/* What the cache and the root image know of a name, told as facts in the order in which a question would meet them. */
#include "cut.h"
#include "dnssec/dnssec.h"
#include "engine.h"

#include <stdlib.h>
#include <string.h>

struct why {
	struct resolve_cache *cache;
	const struct image *root;
	struct arena *arena;
	int64_t wall_ms;
	uint16_t upstream_port;
	uint32_t stale_age_s;
	enum resolve_nxdomain_cut nxdomain_cut;
	struct resolve_facts *facts;
	uint8_t name[WIRE_NAME_MAX];
	uint16_t type;
};

static struct resolve_fact *fact_add(struct why *why, enum resolve_fact_kind kind, const uint8_t *name)
{
	if (why->facts->count == RESOLVE_FACTS_MAX)
		return NULL;
	const uint8_t *kept = arena_dup(why->arena, name, wire_name_len(name));
	if (kept == NULL)
		return NULL;
	struct resolve_fact *fact = &why->facts->item[why->facts->count++];
	*fact = (struct resolve_fact){.kind = kind, .name = kept, .type = why->type};
	return fact;
}

static const char *rank_words(uint8_t rank)
{
	switch ((enum rank)rank) {
	case RANK_REFERRAL:
		return "said by the parent of the zone";
	case RANK_ANSWER:
		return "said by a server that is not authoritative";
	case RANK_AUTHORITY:
		return "said by an authoritative server";
	case RANK_ROOT:
		return "from the proved root";
	}
	return "";
}

static const char *security_words(uint8_t security)
{
	switch ((enum security)security) {
	case SECURITY_UNCHECKED:
		return "signatures not checked yet";
	case SECURITY_INSECURE:
		return "proved to be unsigned";
	case SECURITY_SECURE:
		return "signatures proved";
	}
	return "";
}

static int fact_sets(struct why *why, struct resolve_fact *fact, struct rrset *const *set, unsigned n)
{
	struct wire_rrset *out = arena_alloc(why->arena, 2 * (n + 1) * sizeof *out);
	size_t made = 0;
	if (out == NULL)
		return BANYAN_ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		int rc = resolve_rrset_wire(why->arena, set[i], why->wall_ms, true, out + made);
		if (rc < 0)
			return rc;
		made += (size_t)rc;
	}
	fact->set = out;
	fact->n_sets = made;
	return 0;
}

static void fact_origin(const struct why *why, struct resolve_fact *fact, const struct rrset_origin *origin,
			int64_t stored_ms, int64_t expires_ms)
{
	fact->age_s = stored_ms > 0 && stored_ms <= why->wall_ms ? (why->wall_ms - stored_ms) / 1000 : -1;
	fact->ttl_s = expires_ms <= why->wall_ms ? 0 : (uint32_t)((expires_ms - why->wall_ms) / 1000);
	fact->expired = expires_ms <= why->wall_ms;
	fact->addr = origin->server;
	fact->root_serial = origin->root ? origin->root_serial : 0;
	fact->algorithm = origin->algorithm != 0 ? dnssec_algorithm_text(origin->algorithm) : NULL;
	fact->key_tag = origin->key_tag;
}

static int fact_set(struct why *why, enum resolve_fact_kind kind, struct rrset *set)
{
	struct resolve_fact *fact = fact_add(why, kind, set->owner);
	if (fact == NULL)
		return BANYAN_ENOMEM;
	fact->type = set->type;
	fact_origin(why, fact, &set->origin, set->stored_ms, set->expires_ms);
	fact->rank = rank_words(set->rank);
	fact->security = security_words(set->security);
	if (set->security == SECURITY_INSECURE && set->n_sigs > 0)
		fact->security = "signed, but taken as unsigned: by a negative anchor, or since its algorithm is not "
				 "known or is refused";
	return fact_sets(why, fact, &set, 1);
}

static int fact_denial(struct why *why, const uint8_t *name, const struct cache_denial *denial)
{
	struct resolve_fact *fact = fact_add(why, RESOLVE_FACT_DENIAL, name);
	if (fact == NULL)
		return BANYAN_ENOMEM;
	fact->rcode = denial->nxdomain ? WIRE_RCODE_NXDOMAIN : WIRE_RCODE_NOERROR;
	fact_origin(why, fact, &denial->origin, denial->stored_ms, denial->expires_ms);
	fact->rank = rank_words(RANK_AUTHORITY);
	fact->security = security_words(denial->security);
	return fact_sets(why, fact, denial->set, denial->n);
}

/* 1 = goes on at why->name. */
static int look_alias(struct why *why)
{
	struct rrset *set = resolve_cache_set(why->cache, why->arena, why->wall_ms, why->name, WIRE_TYPE_CNAME);
	unsigned labels = wire_name_labels(why->name);
	for (unsigned i = 1; set == NULL && i < labels; i++) {
		struct rrset *dname = resolve_cache_set(why->cache, why->arena, why->wall_ms,
							wire_name_skip(why->name, i), WIRE_TYPE_DNAME);
		if (dname == NULL)
			continue;
		if (resolve_alias_synthesise(why->arena, why->name, dname, &set) < 0)
			return 0;
		int rc = fact_set(why, RESOLVE_FACT_SET, dname);
		if (rc < 0)
			return rc;
	}
	if (set == NULL)
		return 0;
	int rc = fact_set(why, RESOLVE_FACT_ALIAS, set);
	if (rc < 0)
		return rc;
	struct resolve_fact *fact = &why->facts->item[why->facts->count - 1];
	const uint8_t *target = resolve_rrset_rdata(set, 0).data;
	fact->target = target;
	if (set->synthesised) {
		fact->security = "made of that DNAME";
		fact->algorithm = NULL;
	}
	wire_name_lower(target, why->name);
	return 1;
}

/* A name above it that does not exist, and so nothing below (RFC 8020). */
static int look_above(struct why *why)
{
	struct cache_denial denial;
	unsigned labels = wire_name_labels(why->name);
	for (unsigned up = 1; up < labels && why->nxdomain_cut != RESOLVE_NXDOMAIN_CUT_OFF; up++) {
		const uint8_t *above = wire_name_skip(why->name, up);
		if (!resolve_cache_nxdomain(why->cache, why->arena, why->wall_ms, above, &denial) ||
		    (why->nxdomain_cut == RESOLVE_NXDOMAIN_CUT_SECURE && denial.security != SECURITY_SECURE))
			continue;
		int rc = fact_denial(why, above, &denial);
		return rc < 0 ? rc : 1;
	}
	return 0;
}

/* Data or denial of why->name: 1 = that is the end of it. */
static int look_here(struct why *why)
{
	struct rrset *set;
	struct cache_denial denial;
	int rc;
	switch (resolve_cache_find(why->cache, why->arena, why->wall_ms, why->name, why->type, &set, &denial)) {
	case CACHE_HIT_SET:
		rc = fact_set(why, RESOLVE_FACT_SET, set);
		return rc < 0 ? rc : 1;
	case CACHE_HIT_DENIAL:
		rc = fact_denial(why, why->name, &denial);
		return rc < 0 ? rc : 1;
	case CACHE_MISS:
		break;
	}
	if (!resolve_cache_nxdomain(why->cache, why->arena, why->wall_ms, why->name, &denial))
		return look_above(why);
	rc = fact_denial(why, why->name, &denial);
	return rc < 0 ? rc : 1;
}

static int look_failure(struct why *why)
{
	enum reason reason;
	if (!resolve_cache_failure(why->cache, why->arena, why->wall_ms, why->name, why->type, &reason))
		return 0;
	struct resolve_fact *fact = fact_add(why, RESOLVE_FACT_FAILURE, why->name);
	if (fact == NULL)
		return BANYAN_ENOMEM;
	fact->reason = reason;
	fact->rcode = WIRE_RCODE_SERVFAIL;
	fact->detail = resolve_cache_failure_detail(why->cache, why->arena, why->wall_ms, why->name, why->type);
	return 1;
}

/* What has expired, and would be given out if its servers could not be asked. */
static int look_stale(struct why *why)
{
	int64_t now_ms = why->wall_ms;
	struct rrset *set;
	struct cache_denial denial;
	int rc = 0;
	if (why->stale_age_s == 0)
		return 0;
	switch (resolve_cache_find(why->cache, why->arena, now_ms - (int64_t)why->stale_age_s * 1000, why->name,
				   why->type, &set, &denial)) {
	case CACHE_HIT_SET:
		rc = fact_set(why, RESOLVE_FACT_SET, set);
		break;
	case CACHE_HIT_DENIAL:
		rc = fact_denial(why, why->name, &denial);
		break;
	case CACHE_MISS:
		break;
	}
	return rc;
}

/* What the local root says of the name, if it is for the root to say: 1 = it answers or denies by itself. */
static int look_root(struct why *why)
{
	struct wire_question question;
	struct image_reply reply;
	if (why->root == NULL)
		return 0;
	_cleanup_(base_free) uint8_t *msg = malloc(WIRE_MESSAGE_MAX);
	if (msg == NULL)
		return BANYAN_ENOMEM;
	int rc = resolve_root_question(why->name, why->type, &question);
	if (rc < 0)
		return rc;
	struct image_query query = {.question = &question, .dnssec = true, .max = WIRE_MESSAGE_MAX};
	rc = image_answer(why->root, &query, msg, &reply);
	if (rc < 0 || reply.referral)
		return rc < 0 ? rc : 0;
	struct resolve_fact *fact = fact_add(why, RESOLVE_FACT_ROOT, why->name);
	if (fact == NULL)
		return BANYAN_ENOMEM;
	fact->rcode = reply.rcode;
	fact->rank = rank_words(RANK_ROOT);
	return 1;
}

/* One server, or one of its addresses; false: enough are told. */
static bool fact_server(struct why *why, const struct cut *cut, unsigned server, const struct addr *addr)
{
	struct server_info info = {0};
	struct resolve_fact *fact = fact_add(why, RESOLVE_FACT_SERVER, cut->zone);
	if (fact == NULL)
		return false;
	fact->target = cut->server[server].name;
	if (addr == NULL)
		return true;
	fact->addr = *addr;
	if (fact->addr.port == 0)
		fact->addr.port = why->upstream_port;
	if (resolve_cache_server(why->cache, why->arena, why->wall_ms, &fact->addr, &info, sizeof info)) {
		fact->rtt_ms = info.known ? info.srtt_ms : 0;
		fact->silences = info.silences;
	}
	fact->lame = resolve_cache_lame(why->cache, why->arena, why->wall_ms, cut->zone, &fact->addr, why->type) ==
		     LAME_ZONE;
	return true;
}

/* Addresses that came not with the delegation but were asked for; returns how many. */
static unsigned fact_server_asked(struct why *why, const struct cut *cut, unsigned server, uint16_t type)
{
	uint8_t name[WIRE_NAME_MAX];
	unsigned n = 0;
	wire_name_lower(cut->server[server].name, name);
	struct rrset *set = resolve_cache_set(why->cache, why->arena, why->wall_ms, name, type);
	for (unsigned i = 0; set != NULL && i < set->count; i++) {
		struct wire_rdata rdata = resolve_rrset_rdata(set, i);
		struct addr addr = {.family = type == WIRE_TYPE_A ? 4 : 6};
		if (rdata.len == (addr.family == 4 ? 4 : 16)) {
			memcpy(addr.ip, rdata.data, rdata.len);
			n += fact_server(why, cut, server, &addr);
		}
	}
	return n;
}

static void fact_servers(struct why *why, const struct cut *cut)
{
	for (unsigned server = 0; server < cut->n_servers; server++) {
		unsigned n = 0;
		for (unsigned i = 0; i < cut->n_targets; i++)
			if (cut->target[i].server == server)
				n += fact_server(why, cut, server, &cut->target[i].addr);
		if (n == 0)
			n = fact_server_asked(why, cut, server, WIRE_TYPE_A) +
			    fact_server_asked(why, cut, server, WIRE_TYPE_AAAA);
		if (n == 0)
			fact_server(why, cut, server, NULL);
	}
}

static int look_cut(struct why *why)
{
	struct cut *cut = arena_alloc(why->arena, sizeof *cut);
	if (cut == NULL)
		return BANYAN_ENOMEM;
	const uint8_t *zone = why->name;
	unsigned labels = wire_name_labels(zone);
	for (unsigned up = 0; up < labels + (why->root == NULL); up++) { /* the root, too, if it is no image */
		zone = wire_name_skip(why->name, up);
		if (!resolve_cache_cut(why->cache, why->arena, why->wall_ms, zone, NULL, cut))
			continue;
		struct resolve_fact *fact = fact_add(why, RESOLVE_FACT_CUT, zone);
		if (fact == NULL)
			return BANYAN_ENOMEM;
		fact->type = WIRE_TYPE_NS;
		fact->ttl_s = cut->expires_ms <= why->wall_ms ? 0 : (uint32_t)((cut->expires_ms - why->wall_ms) / 1000);
		fact_servers(why, cut);
		break;
	}
	return 0;
}

int resolve_why(const struct resolve_why_from *from, struct arena *arena, int64_t wall_ms, const uint8_t *qname,
		uint16_t qtype, struct resolve_facts *ret)
{
	struct why why = {.cache = from->cache,
			  .root = from->root,
			  .arena = arena,
			  .wall_ms = wall_ms,
			  .upstream_port = from->upstream_port,
			  .stale_age_s = from->stale_age_s,
			  .nxdomain_cut = from->nxdomain_cut,
			  .facts = ret,
			  .type = qtype};
	ret->count = 0;
	wire_name_lower(qname, why.name);
	int rc = 0;
	for (unsigned aliases = 0; rc == 0 && aliases <= RESOLVE_ALIASES_MAX; aliases++) {
		rc = look_here(&why);
		if (rc == 0)
			rc = look_failure(&why);
		if (rc == 0 && (qtype == WIRE_TYPE_CNAME || (rc = look_alias(&why)) == 0)) {
			rc = look_root(&why);
			if (rc == 0)
				rc = look_stale(&why);
			if (rc == 0)
				rc = fact_add(&why, RESOLVE_FACT_UNKNOWN, why.name) == NULL ? BANYAN_ENOMEM : 1;
		} else if (rc == 1 && ret->item[ret->count - 1].kind == RESOLVE_FACT_ALIAS) {
			rc = 0;
		}
	}
	return rc < 0 ? rc : look_cut(&why);
}
