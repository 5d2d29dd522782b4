// SPDX-License-Identifier: GPL-3.0-or-later
/* The servers behind a name, for rules about them: from the delegations that the cache holds. */
#include "forward.h"
#include "way.h"

#include <string.h>

static void add_addr(struct facts *facts, const struct addr *addr)
{
	if (addr->family != 0 && facts->n_ns_addrs < FACTS_ADDRS_MAX)
		facts->ns_addr[facts->n_ns_addrs++] = *addr;
}

/* Addresses that were not glue. */
static void add_cached(struct resolve *engine, struct facts *facts, const uint8_t *server, uint16_t type)
{
	struct rrset *set = resolve_cache_set(engine->cache, &engine->step, engine->cache_ms, server, type);
	for (unsigned i = 0; set != NULL && i < set->count && i < RESOLVE_ADDRESSES_MAX; i++) {
		struct wire_rdata rdata = resolve_rrset_rdata(set, i);
		struct addr addr = {.family = type == WIRE_TYPE_A ? 4 : 6};
		memcpy(addr.ip, rdata.data, rdata.len <= sizeof addr.ip ? rdata.len : sizeof addr.ip);
		add_addr(facts, &addr);
	}
}

static void add_cut(struct resolve *engine, struct facts *facts, const struct cut *cut)
{
	for (unsigned i = 0; i < cut->n_servers && facts->n_ns < FACTS_NAMES_MAX; i++) {
		uint8_t lower[WIRE_NAME_MAX];
		const uint8_t *name = arena_dup(&engine->step, lower, wire_name_lower(cut->server[i].name, lower));
		if (name == NULL)
			return;
		facts->ns[facts->n_ns++] = name;
		add_cached(engine, facts, name, WIRE_TYPE_A);
		add_cached(engine, facts, name, WIRE_TYPE_AAAA);
	}
	for (unsigned i = 0; i < cut->n_targets; i++)
		add_addr(facts, &cut->target[i].addr);
}

/* Labels of the zone that must have answered, as far as the answer shows it. */
static unsigned zone_depth(const uint8_t *name, const struct outcome *outcome)
{
	if (outcome->n_denials > 0 && wire_name_under(name, outcome->denial[0]->owner))
		return wire_name_labels(outcome->denial[0]->owner);
	return wire_name_labels(name) < 2 ? 1 : 2;
}

bool resolve_facts_servers(struct resolve *engine, const uint8_t *name, const struct outcome *outcome,
			   struct facts *ret)
{
	unsigned cuts = 0, deepest = 0, labels = wire_name_labels(name);
	const struct forward *via = resolve_forward_find(engine->forwards, name, WIRE_TYPE_A, FORWARD_LABELS_ANY);
	ret->n_ns = ret->n_ns_addrs = 0;
	for (unsigned i = 0; i < outcome->n_answers; i++)
		add_addr(ret, &outcome->answer[i]->origin.server);
	for (unsigned i = 0; i < outcome->n_denials; i++)
		add_addr(ret, &outcome->denial[i]->origin.server);
	/* servers of top-level domains are everybody's */
	for (; labels >= 2 && cuts < FACTS_CUTS_MAX; labels--, name = wire_name_skip(name, 1)) {
		struct cut cut;
		if (!resolve_cache_cut(engine->cache, &engine->step, engine->cache_ms, name, via, &cut))
			continue;
		if (cuts++ == 0)
			deepest = labels;
		add_cut(engine, ret, &cut);
	}
	/* a forwarder says nothing of who answers */
	return outcome->reason != REASON_NONE || via != NULL || deepest >= 2 || zone_depth(name, outcome) < 2;
}
