// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Answers made of denials that are known already (RFC 8198): NXDOMAIN, NODATA, and what a wildcard makes.
 *
 * The records are gathered here; whether they prove what is wanted is for dnssec/ to say, by the same functions that prove the
 * denials of servers. Only records that were proved themselves are in the index (denials.h), opt-out spans are not, and a compact denial
 * (RFC 9824) denies its own name alone, as its NSEC says.
 */
#include "denials.h"
#include "trust.h"

#include <string.h>

#define PROOFS_MAX          4  /* sets of one proof: closest encloser, next closer, wildcard */
#define HASHED_LABELS_MAX   24 /* names hashed for one question; real names are shorter */
#define HASH_ITERATIONS_MAX 10 /* above it, asking the server is cheaper (RFC 9276 asks for 0) */

struct synthesis {
	struct resolve *engine;
	struct arena *arena;
	const uint8_t *name, *zone;
	uint16_t qtype;
	struct outcome *outcome;
	unsigned n;
	struct rrset *proof[PROOFS_MAX];
	struct denial_chain chain;
	struct dnssec_budget budget;
};

/* ---- gathering ---- */

static void add(struct synthesis *s, struct rrset *set)
{
	for (unsigned i = 0; i < s->n; i++)
		if (wire_name_equal(s->proof[i]->owner, set->owner))
			return;
	if (s->n < PROOFS_MAX)
		s->proof[s->n++] = set;
}

static struct rrset *nsec_before(struct synthesis *s, const uint8_t *name)
{
	struct rrset *set = resolve_denial_nsec(s->engine->cache, s->arena, s->engine->cache_ms, s->zone, name);
	if (set != NULL)
		add(s, set);
	return set;
}

/* The closest encloser, as the NSEC that covers the name shows it: what the name shares with either end. */
static const uint8_t *nsec_encloser(const struct synthesis *s, const struct rrset *nsec)
{
	const uint8_t *next = resolve_rrset_rdata(nsec, 0).data;
	unsigned labels = wire_name_labels(s->name), shared = wire_name_common(s->name, nsec->owner);
	unsigned shared_next = wire_name_common(s->name, next);
	if (shared_next > shared)
		shared = shared_next;
	return wire_name_skip(s->name, labels - shared);
}

static struct rrset *nsec3_before(struct synthesis *s, const uint8_t *name, bool *ret_match)
{
	uint8_t hash[20];
	*ret_match = false;
	if (dnssec_nsec3_hash(name, s->chain.iterations, s->chain.salt, s->chain.salt_len, hash) < 0)
		return NULL;
	return resolve_denial_nsec3(s->engine->cache, s->arena, s->engine->cache_ms, s->zone, &s->chain, hash,
				    ret_match);
}

/* The proved closest encloser and the record that covers the next closer name (RFC 5155 section 7.2.1); NULL = not known. */
static const uint8_t *nsec3_encloser(struct synthesis *s)
{
	unsigned labels = wire_name_labels(s->name), above = wire_name_labels(s->zone);
	if (labels - above > HASHED_LABELS_MAX)
		return NULL;
	struct rrset *below = NULL;
	for (unsigned skip = 0; skip <= labels - above; skip++) {
		bool match;
		const uint8_t *name = wire_name_skip(s->name, skip);
		struct rrset *set = nsec3_before(s, name, &match);
		if (match && set != NULL) {
			add(s, set);
			if (below != NULL)
				add(s, below);
			return skip == 0 || below != NULL ? name : NULL;
		}
		below = set;
	}
	return NULL;
}

/* ---- what they prove ---- */

static bool denial_wire(struct synthesis *s, struct dnssec_denial *ret)
{
	return resolve_denial_wire(s->engine, s->proof, s->n, s->zone, ret) == 0;
}

static bool denies_type(struct synthesis *s)
{
	struct dnssec_policy policy = resolve_policy(s->engine);
	struct dnssec_denial denial;
	enum dnssec_denied denied;
	return denial_wire(s, &denial) &&
	       dnssec_deny_type(&policy, &s->budget, &denial, s->name, s->qtype, &denied) == 0 &&
	       denied == DNSSEC_DENIED;
}

static bool denies_name(struct synthesis *s)
{
	struct dnssec_policy policy = resolve_policy(s->engine);
	struct dnssec_denial denial;
	enum dnssec_denied denied;
	bool compact = false;
	return denial_wire(s, &denial) &&
	       dnssec_deny_name(&policy, &s->budget, &denial, s->name, &compact, &denied) == 0 &&
	       denied == DNSSEC_DENIED && !compact;
}

static bool denies_closer(struct synthesis *s, unsigned labels)
{
	struct dnssec_policy policy = resolve_policy(s->engine);
	struct dnssec_denial denial;
	enum dnssec_denied denied;
	return denial_wire(s, &denial) &&
	       dnssec_deny_closer(&policy, &s->budget, &denial, s->name, (uint8_t)labels, &denied) == 0 &&
	       denied == DNSSEC_DENIED;
}

/* ---- answers ---- */

static int64_t earliest(struct rrset *const *set, unsigned n, int64_t expires_ms)
{
	for (unsigned i = 0; i < n; i++)
		if (set[i]->expires_ms < expires_ms)
			expires_ms = set[i]->expires_ms;
	return expires_ms;
}

/* RFC 8198 section 5.4 and RFC 9077: not longer than anything that it is made of. The SOA came with a denial, so its lifetime is that
 * of RFC 2308 section 5. */
static int deny(struct synthesis *s, uint16_t rcode)
{
	struct resolve *engine = s->engine;
	struct rrset *soa = resolve_denial_soa(engine->cache, s->arena, engine->cache_ms, s->zone);
	if (soa == NULL)
		return 0;
	int64_t expires_ms = earliest(s->proof, s->n, soa->expires_ms);
	struct outcome *outcome = s->outcome;
	outcome->denial[0] = soa;
	memcpy(outcome->denial + 1, s->proof, s->n * sizeof *s->proof);
	outcome->n_denials = s->n + 1;
	for (unsigned i = 0; i < outcome->n_denials; i++)
		outcome->denial[i]->expires_ms = expires_ms;
	outcome->rcode = rcode;
	outcome->reason = REASON_SYNTHESISED;
	return 1;
}

/* The wildcard below `encloser` has the type, and nothing closer to the name exists. */
static int expand_type(struct synthesis *s, const uint8_t *wildcard, unsigned labels, uint16_t type)
{
	struct outcome *outcome = s->outcome;
	struct rrset *set = resolve_cache_set(s->engine->cache, s->arena, s->engine->cache_ms, wildcard, type);
	if (set == NULL || set->security != SECURITY_SECURE || outcome->n_answers == OUTCOME_SETS_MAX ||
	    !denies_closer(s, labels))
		return 0;
	set->owner = arena_dup(s->arena, s->name, wire_name_len(s->name));
	set->proof = arena_dup(s->arena, s->proof, s->n * sizeof *s->proof);
	if (set->owner == NULL || set->proof == NULL)
		return BANYAN_ENOMEM;
	set->n_proofs = (uint8_t)s->n;
	set->expires_ms = earliest(s->proof, s->n, set->expires_ms);
	outcome->answer[outcome->n_answers++] = set;
	outcome->rcode = WIRE_RCODE_NOERROR;
	outcome->reason = REASON_SYNTHESISED;
	return 1;
}

static int expand(struct synthesis *s, const uint8_t *wildcard, unsigned labels)
{
	int rc = expand_type(s, wildcard, labels, s->qtype);
	if (rc != 0 || s->qtype == WIRE_TYPE_CNAME)
		return rc;
	rc = expand_type(s, wildcard, labels, WIRE_TYPE_CNAME);
	return rc == 1 ? SYNTHESIS_ALIAS : rc;
}

static int try_nsec(struct synthesis *s)
{
	uint8_t wildcard[WIRE_NAME_MAX];
	s->n = 0;
	struct rrset *nsec = nsec_before(s, s->name);
	if (nsec == NULL)
		return 0;
	if (denies_type(s))
		return deny(s, WIRE_RCODE_NOERROR);
	const uint8_t *encloser = nsec_encloser(s, nsec);
	if (wire_name_wildcard(encloser, wildcard) < 0 || wire_name_equal(wildcard, s->name))
		return 0;
	int rc = expand(s, wildcard, wire_name_labels(encloser)); /* the one record is proof enough */
	if (rc != 0 || nsec_before(s, wildcard) == NULL)
		return rc;
	if (denies_name(s))
		return deny(s, WIRE_RCODE_NXDOMAIN);
	return denies_type(s) ? deny(s, WIRE_RCODE_NOERROR) : 0;
}

static int try_nsec3(struct synthesis *s)
{
	uint8_t wildcard[WIRE_NAME_MAX];
	bool match;
	s->n = 0;
	if (!resolve_denial_chain(s->engine->cache, s->arena, s->engine->cache_ms, s->zone, &s->chain) ||
	    s->chain.iterations > HASH_ITERATIONS_MAX)
		return 0;
	const uint8_t *encloser = nsec3_encloser(s);
	if (encloser == NULL)
		return 0;
	if (encloser == s->name)
		return denies_type(s) ? deny(s, WIRE_RCODE_NOERROR) : 0;
	if (wire_name_wildcard(encloser, wildcard) < 0)
		return 0;
	int rc = expand(s, wildcard, wire_name_labels(encloser));
	if (rc != 0)
		return rc;
	struct rrset *set = nsec3_before(s, wildcard, &match);
	if (set == NULL)
		return 0;
	add(s, set);
	if (!match && denies_name(s))
		return deny(s, WIRE_RCODE_NXDOMAIN);
	return denies_type(s) ? deny(s, WIRE_RCODE_NOERROR) : 0;
}

int resolve_synthesise(struct resolve *engine, struct arena *arena, const uint8_t *name, uint16_t qtype,
		       struct outcome *outcome)
{
	struct denials *denials = resolve_store_denials(engine->cache);
	unsigned labels = wire_name_labels(name), least = engine->root != NULL ? 1 : 0;
	/* what the public tree denies takes down no forward zone */
	unsigned floor = resolve_forward_floor(engine->forwards, name, qtype);
	if (!engine->settings.live.aggressive_nsec || !engine->settings.validate || engine->stale ||
	    qtype == WIRE_TYPE_ANY || qtype == WIRE_TYPE_RRSIG || qtype == WIRE_TYPE_NSEC || qtype == WIRE_TYPE_NSEC3)
		return 0;
	least = floor > least ? floor : least;
	/* A DS stands in the parent's zone; the apex of a zone cannot deny it. */
	for (unsigned skip = qtype == WIRE_TYPE_DS; skip <= labels && labels - skip >= least; skip++) {
		const uint8_t *zone = wire_name_skip(name, skip);
		if (!resolve_denials_know(denials, zone))
			continue;
		struct synthesis s = {.engine = engine,
				      .arena = arena,
				      .name = name,
				      .zone = zone,
				      .qtype = qtype,
				      .outcome = outcome,
				      .budget = {.hashes = 4 * HASHED_LABELS_MAX * (HASH_ITERATIONS_MAX + 1)}};
		int rc = try_nsec(&s);
		if (rc == 0)
			rc = try_nsec3(&s);
		if (rc > 0)
			counter_add(engine->counters, COUNTER_SYNTHESISED, 1);
		return rc;
	}
	return 0;
}
