// SPDX-License-Identifier: GPL-3.0-or-later
/* What the cache and the root image know of a name, told as facts in the order in which a question would meet them. */
#include "cut.h"
#include "engine.h"

#include <stdlib.h>

struct why {
	struct resolve_cache *cache;
	const struct image *root;
	struct arena *arena;
	int64_t wall_ms;
	uint16_t upstream_port;
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

static int fact_set(struct why *why, enum resolve_fact_kind kind, struct rrset *set)
{
	struct resolve_fact *fact = fact_add(why, kind, set->owner);
	if (fact == NULL)
		return BANYAN_ENOMEM;
	fact->type = set->type;
	fact->ttl_s = resolve_rrset_ttl(set, why->wall_ms);
	fact->rank = rank_words(set->rank);
	fact->security = security_words(set->security);
	return fact_sets(why, fact, &set, 1);
}

static int fact_denial(struct why *why, const uint8_t *name, const struct cache_denial *denial)
{
	struct resolve_fact *fact = fact_add(why, RESOLVE_FACT_DENIAL, name);
	if (fact == NULL)
		return BANYAN_ENOMEM;
	fact->rcode = denial->nxdomain ? WIRE_RCODE_NXDOMAIN : WIRE_RCODE_NOERROR;
	fact->ttl_s = denial->expires_ms <= why->wall_ms ? 0 : (uint32_t)((denial->expires_ms - why->wall_ms) / 1000);
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
	const uint8_t *target = resolve_rrset_rdata(set, 0).data;
	why->facts->item[why->facts->count - 1].target = target;
	wire_name_lower(target, why->name);
	return 1;
}

/* Data or denial of why->name itself: 1 = that is the end of it. */
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
		return 0;
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
	return 1;
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

static int fact_servers(struct why *why, const struct cut *cut)
{
	for (unsigned i = 0; i < cut->n_targets; i++) {
		struct addr addr = cut->target[i].addr;
		struct server_info info = {0};
		struct resolve_fact *fact = fact_add(why, RESOLVE_FACT_SERVER, cut->zone);
		if (fact == NULL)
			return 0; /* enough are told */
		if (addr.port == 0)
			addr.port = why->upstream_port;
		fact->addr = addr;
		fact->target = cut->server[cut->target[i].server].name;
		if (resolve_cache_server(why->cache, why->arena, why->wall_ms, &addr, &info, sizeof info)) {
			fact->rtt_ms = info.known ? info.srtt_ms : 0;
			fact->silences = info.silences;
		}
		fact->lame = resolve_cache_lame(why->cache, why->arena, why->wall_ms, cut->zone, &addr, why->type) ==
			     LAME_ZONE;
	}
	return 0;
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
		return fact_servers(why, cut);
	}
	return 0;
}

int resolve_why(struct resolve_cache *cache, const struct image *root, uint16_t upstream_port, struct arena *arena,
		int64_t wall_ms, const uint8_t *qname, uint16_t qtype, struct resolve_facts *ret)
{
	struct why why = {.cache = cache,
			  .root = root,
			  .arena = arena,
			  .wall_ms = wall_ms,
			  .upstream_port = upstream_port,
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
				rc = fact_add(&why, RESOLVE_FACT_UNKNOWN, why.name) == NULL ? BANYAN_ENOMEM : 1;
		} else if (rc == 1 && ret->item[ret->count - 1].kind == RESOLVE_FACT_ALIAS) {
			rc = 0;
		}
	}
	return rc < 0 ? rc : look_cut(&why);
}
