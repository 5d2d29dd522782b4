// SPDX-License-Identifier: GPL-3.0-or-later
/* What the operator has said about a name, for `banyan why`: which view, zone and rule decide, along aliases. */
#include "why.h"

#include <string.h>

/* Where the look stands. */
struct looking {
	const struct generation *g;
	struct arena *arena;
	const struct resolve_facts *facts;
	const struct policy_view *view;
	const struct addr *client;
	uint8_t name[WIRE_NAME_MAX]; /* lower case */
	uint16_t qtype;
	struct operate_why *why;
	/* for the name, out of what is known */
	size_t n_addrs, n_ns, n_ns_addrs;
	struct addr addr[RESOLVE_FACTS_MAX], ns_addr[RESOLVE_FACTS_MAX];
	const uint8_t *ns[RESOLVE_FACTS_MAX];
};

static void add_addresses(struct looking *l, const struct resolve_fact *fact)
{
	for (size_t i = 0; i < fact->n_sets; i++) {
		const struct wire_rrset *set = &fact->set[i];
		if (set->type != WIRE_TYPE_A && set->type != WIRE_TYPE_AAAA)
			continue;
		for (uint32_t k = 0; k < set->count && l->n_addrs < RESOLVE_FACTS_MAX; k++) {
			struct addr *addr = &l->addr[l->n_addrs++];
			*addr = (struct addr){.family = set->type == WIRE_TYPE_A ? 4 : 6};
			memcpy(addr->ip, set->rdata[k].data, set->type == WIRE_TYPE_A ? 4 : 16);
		}
	}
}

/* Addresses in the answer and servers, as far as the cache knows them. */
static void know(struct looking *l)
{
	l->n_addrs = l->n_ns = l->n_ns_addrs = 0;
	for (size_t i = 0; l->facts != NULL && i < l->facts->count; i++) {
		const struct resolve_fact *fact = &l->facts->item[i];
		if (fact->kind == RESOLVE_FACT_SET && wire_name_equal(fact->name, l->name))
			add_addresses(l, fact);
		if (fact->kind != RESOLVE_FACT_SERVER || fact->target == NULL)
			continue;
		uint8_t lower[WIRE_NAME_MAX];
		const uint8_t *name = arena_dup(l->arena, lower, wire_name_lower(fact->target, lower));
		if (name != NULL)
			l->ns[l->n_ns++] = name;
		if (fact->addr.family != 0)
			l->ns_addr[l->n_ns_addrs++] = fact->addr;
	}
}

/* Its place, to be told more of it; NULL = there is none. */
static struct operate_rule *add_rule(struct looking *l, const struct policy_rule *rule, const char *action,
				     enum reason reason, bool noted)
{
	char text[POLICY_TEXT_MAX], name[WIRE_NAME_TEXT_MAX];
	struct operate_why *why = l->why;
	if (why->n_rules == OPERATE_RULES_MAX)
		return NULL;
	struct operate_rule made = {
		.name = arena_printf(l->arena, "%s", wire_name_text(l->name, name)),
		.rule = arena_printf(l->arena, "%s", policy_rule_text(rule, text)),
		.action = action,
		.reason = reason,
		.noted = noted,
	};
	if (made.name == NULL || made.rule == NULL)
		return NULL;
	why->rule[why->n_rules] = made;
	return &why->rule[why->n_rules++];
}

/* Does the root copy deny the name before a default zone can? */
static bool root_denies(const struct looking *l)
{
	for (size_t i = 0; l->facts != NULL && i < l->facts->count; i++)
		if (l->facts->item[i].kind == RESOLVE_FACT_ROOT && l->facts->item[i].rcode == WIRE_RCODE_NXDOMAIN)
			return true;
	return false;
}

/* The target of the alias at the name, by a rule or by what is known; NULL = none. */
static const uint8_t *alias_of(const struct looking *l, const struct policy_hit *hit)
{
	struct policy_set set;
	if (l->qtype == WIRE_TYPE_CNAME)
		return NULL;
	if (hit != NULL && hit->cname != NULL)
		return hit->cname;
	if (hit != NULL && hit->data != NULL && policy_data_find(hit->data, WIRE_TYPE_CNAME, &set))
		return set.pack + 2;
	for (size_t i = 0; hit == NULL && l->facts != NULL && i < l->facts->count; i++)
		if (l->facts->item[i].kind == RESOLVE_FACT_ALIAS && wire_name_equal(l->facts->item[i].name, l->name))
			return l->facts->item[i].target;
	return NULL;
}

/* Rules for one name; *ret_next: where it leads, or NULL. */
static void look(struct looking *l, const uint8_t **ret_next)
{
	struct policy_hit hit;
	struct policy_subject subject = {.view = l->view, .client = l->client, .name = l->name, .qtype = l->qtype};
	enum policy_verdict verdict = policy_check(&subject, &hit);
	if (verdict == POLICY_LATER) {
		know(l);
		subject.resolved = true;
		subject.n_addrs = l->n_addrs;
		subject.addr = l->addr;
		subject.n_ns = l->n_ns;
		subject.ns = l->ns;
		subject.n_ns_addrs = l->n_ns_addrs;
		subject.ns_addr = l->ns_addr;
		verdict = policy_check(&subject, &hit);
		l->why->rules_open |= l->n_addrs + l->n_ns == 0 && verdict != POLICY_HIT;
	}
	if (hit.noted)
		(void)add_rule(l, &hit.note, "only told of", REASON_NONE, true);
	bool hits = verdict == POLICY_HIT && !(hit.by_default && hit.action == POLICY_NXDOMAIN && root_denies(l));
	struct operate_rule *rule =
		hits ? add_rule(l, &hit.rule, policy_action_text(hit.action), hit.reason, false) : NULL;
	if (rule != NULL)
		rule->ends = hit.action != POLICY_PASS && hit.action != POLICY_TCP_ONLY;
	*ret_next = alias_of(l, hits && hit.action != POLICY_PASS ? &hit : NULL);
}

void why_policy(const struct generation *g, const struct addr *client, struct arena *arena, struct operate_why *why)
{
	static const struct addr unknown;
	if (g->view.policy == NULL)
		return;
	struct looking *l = arena_alloc0(arena, sizeof *l);
	if (l == NULL)
		return;
	l->g = g;
	l->arena = arena;
	l->facts = why->facts;
	l->view = policy_view_of(g->view.policy, client != NULL ? client : &unknown);
	l->client = client;
	l->qtype = why->qtype;
	l->why = why;
	wire_name_lower(why->qname, l->name);
	why->view = g->config->n_views > 0 ? l->view->name : NULL;
	const uint8_t *next = l->name;
	for (unsigned i = 0; i < OPERATE_RULES_MAX && next != NULL; i++) {
		if (next != l->name)
			wire_name_lower(next, l->name);
		look(l, &next);
	}
}
