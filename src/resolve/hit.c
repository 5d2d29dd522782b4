// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Questions whose whole answer lies ready in the cache, and of which nobody has anything more to say: most of them. No event, no
 * task, no lock, no allocation that outlives the answer.
 *
 * Whatever is not plain goes the long way (resolve_step()), which decides alone: what has to be proved first, refreshed or told of,
 * proofs of wildcards, synthesis, policy, answers for a client's network. So all that is here could be left out, and only time would be lost.
 */
#include "engine.h"

#include <string.h>

/* What there is under the key of a name in lower case; its data stand in `room`. */
static int look(struct resolve *engine, enum cache_space space, const uint8_t *name, size_t len, uint16_t type,
		uint8_t *room, size_t size, struct store_value *ret)
{
	uint8_t key[STORE_KEY_MAX];
	key[0] = (uint8_t)space;
	wire_put16(key + 1, type);
	memcpy(key + 3, name, len);
	return resolve_store_peek(engine->cache, key, len + 3, engine->cache_ms, room, size, ret);
}

/* The same, kept beside what was read for this answer before. */
static int take(struct resolve *engine, enum cache_space space, const uint8_t *name, size_t len, uint16_t type,
		struct store_value *ret)
{
	uint8_t *room = engine->hit_bytes + engine->hit_used;
	int rc = look(engine, space, name, len, type, room, sizeof engine->hit_bytes - engine->hit_used, ret);
	if (rc == 0)
		engine->hit_used = (size_t)(ret->data + ret->len - engine->hit_bytes + 7) & ~(size_t)7;
	return rc;
}

/* Does the operator leave it alone, and the answers to it too? */
static bool unpoliced(const struct resolve_hit_ask *ask, const uint8_t *name)
{
	struct policy_hit hit;
	struct policy_subject subject = {.view = ask->policy, .client = ask->from, .name = name, .qtype = ask->qtype};
	return ask->policy == NULL || (policy_check(&subject, &hit) == POLICY_NOTHING && !hit.noted);
}

/* May the set go out as it is? */
static bool plain(const struct resolve *engine, const struct rrset *set)
{
	bool proved = set->security == SECURITY_SECURE;
	bool known = proved || (set->security == SECURITY_INSECURE && set->n_sigs == 0) || !engine->settings.validate;
	return known && set->rank >= RANK_ANSWER && (set->rank != RANK_ROOT || proved) && set->count > 0 &&
	       !(engine->settings.live.prefetch && resolve_refresh_is_due(engine, set));
}

static bool add(const struct resolve *engine, const struct rrset *set, const uint8_t *owner, struct resolve_hit *ret)
{
	if (ret->n_answers + ret->n_authority == RESOLVE_HIT_SETS_MAX)
		return false;
	ret->set[ret->n_answers + ret->n_authority] = (struct resolve_hit_set){
		.owner = owner,
		.type = set->type,
		.count = set->count,
		.n_sigs = set->n_sigs,
		.ttl = resolve_rrset_ttl(set, engine->cache_ms),
		.pack = set->pack,
		.end = set->pack + set->size,
	};
	return true;
}

static bool add_answer(const struct resolve *engine, const struct resolve_hit_ask *ask, const struct store_value *value,
		       const uint8_t *name, uint16_t type, struct resolve_hit *ret)
{
	struct rrset set;
	if ((value->kind & 15) != CACHE_KIND_SET || resolve_value_set_read(value, name, type, &set) < 0 ||
	    !plain(engine, &set) || (set.n_sigs > 0 && resolve_rrset_expanded(&set)) ||
	    (ask->additional && resolve_additional_has(type)) || !add(engine, &set, NULL, ret))
		return false;
	ret->authentic = ret->authentic && set.security == SECURITY_SECURE;
	ret->n_answers++;
	return true;
}

static bool add_denial(struct resolve *engine, const struct store_value *value, uint16_t rcode, struct resolve_hit *ret)
{
	struct cache_denial denial = {.nxdomain = rcode == WIRE_RCODE_NXDOMAIN};
	bool proof = false;
	arena_reset(&engine->step);
	if (resolve_value_denial_read(value, &engine->step, &denial) < 0 || denial.n == 0)
		return false;
	for (unsigned i = 0; i < denial.n; i++) {
		const struct rrset *set = denial.set[i];
		if (!plain(engine, set) || !add(engine, set, set->owner, ret))
			return false;
		proof = proof || set->type != WIRE_TYPE_SOA;
		ret->authentic = ret->authentic && set->security == SECURITY_SECURE;
		ret->n_authority++;
	}
	ret->authentic = ret->authentic && proof;
	ret->rcode = rcode;
	return true;
}

/* Is a name above denied? Then so may be this one (RFC 8020); the long way knows how far that reaches. */
static bool denied_above(struct resolve *engine, const uint8_t *name, size_t len)
{
	uint8_t room[HIT_DENIAL_BYTES];
	struct store_value value;
	if (engine->settings.live.nxdomain_cut == RESOLVE_NXDOMAIN_CUT_OFF || name[0] == 0)
		return false;
	for (len -= name[0] + 1u, name += name[0] + 1; name[0] != 0; len -= name[0] + 1u, name += name[0] + 1)
		if (look(engine, CACHE_NAME, name, len, 0, room, sizeof room, &value) != BANYAN_ENOENT)
			return true;
	return false;
}

/* Goes on at the alias of the name, if there is one: `name` is its target then. */
static bool follow(struct resolve *engine, const struct resolve_hit_ask *ask, uint8_t name[WIRE_NAME_MAX], size_t *len,
		   struct resolve_hit *ret)
{
	struct store_value value;
	if (ask->qtype == WIRE_TYPE_CNAME || take(engine, CACHE_SET, name, *len, WIRE_TYPE_CNAME, &value) < 0 ||
	    !add_answer(engine, ask, &value, name, WIRE_TYPE_CNAME, ret))
		return false;
	const struct resolve_hit_set *set = &ret->set[ret->n_answers - 1];
	size_t size = (size_t)(set->end - set->pack);
	if (set->count != 1 || ret->n_answers > RESOLVE_ALIASES_MAX || size < 2 ||
	    wire_name_check(set->pack + 2, size - 2) < 0)
		return false;
	*len = wire_name_lower(set->pack + 2, name);
	return true;
}

static bool known(struct resolve *engine, const struct resolve_hit_ask *ask, struct resolve_hit *ret)
{
	uint8_t name[WIRE_NAME_MAX];
	size_t len = ask->qname_len;
	memcpy(name, ask->qname, len);
	while (unpoliced(ask, name)) {
		struct store_value value;
		int rc = take(engine, CACHE_SET, name, len, ask->qtype, &value);
		if (rc == 0)
			return (value.kind & 15) == CACHE_KIND_SET
				       ? add_answer(engine, ask, &value, name, ask->qtype, ret)
				       : add_denial(engine, &value, WIRE_RCODE_NOERROR, ret);
		if (rc == BANYAN_ENOENT)
			rc = take(engine, CACHE_NAME, name, len, 0, &value);
		if (rc == 0)
			return add_denial(engine, &value, WIRE_RCODE_NXDOMAIN, ret);
		if (rc != BANYAN_ENOENT || denied_above(engine, name, len) || !follow(engine, ask, name, &len, ret))
			return false;
	}
	return false;
}

bool resolve_hit(struct resolve *engine, const struct resolve_hit_ask *ask, struct resolve_hit *ret)
{
	bool data = ask->qtype != 0 && ask->qtype != WIRE_TYPE_OPT && ask->qtype != WIRE_TYPE_RRSIG &&
		    (ask->qtype < 128 || ask->qtype > 255);
	if (!data || engine->subnets != NULL ||
	    (ask->live != NULL && ask->live->version != 0 && ask->live->version != engine->live_version))
		return false;
	engine->cache_ms = resolve_cache_time(engine->cache, ask->now_ms, ask->wall_ms);
	ret->rcode = WIRE_RCODE_NOERROR;
	ret->authentic = true;
	ret->n_answers = ret->n_authority = 0;
	engine->hit_used = 0;
	return known(engine, ask, ret);
}
