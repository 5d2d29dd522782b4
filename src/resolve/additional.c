// SPDX-License-Identifier: GPL-3.0-or-later
/* Addresses of what an answer names (MX, SRV, NS, SVCB, HTTPS), as far as the cache has them: nothing is asked for them. */
#include "engine.h"

#include <string.h>

#define ADDITIONAL_SETS_MAX 16 /* sets beside one answer: those of eight names */

struct additional {
	struct resolve *engine;
	const struct outcome *outcome;
	unsigned n;
	struct rrset *set[ADDITIONAL_SETS_MAX];
};

static bool is_there(const struct additional *add, const uint8_t *name, uint16_t type)
{
	for (unsigned i = 0; i < add->outcome->n_answers; i++)
		if (add->outcome->answer[i]->type == type && wire_name_equal(add->outcome->answer[i]->owner, name))
			return true;
	for (unsigned i = 0; i < add->n; i++)
		if (add->set[i]->type == type && wire_name_equal(add->set[i]->owner, name))
			return true;
	return false;
}

/* What nobody has validated yet is not handed out beside what has been. */
static void add_set(struct additional *add, const uint8_t *name, uint16_t type)
{
	struct resolve *engine = add->engine;
	if (add->n == ADDITIONAL_SETS_MAX || is_there(add, name, type))
		return;
	struct rrset *set = resolve_cache_set(engine->cache, &engine->step, engine->cache_ms, name, type);
	if (set == NULL || set->count == 0 || set->rank < RANK_ANSWER || set->expires_ms <= engine->cache_ms ||
	    (engine->settings.validate && set->security == SECURITY_UNCHECKED && set->rank != RANK_ROOT))
		return;
	add->set[add->n++] = set;
}

/* The name in the data, or NULL. */
static const uint8_t *target_of(const struct rrset *set, const struct wire_rdata *rdata)
{
	bool service = set->type == WIRE_TYPE_SVCB || set->type == WIRE_TYPE_HTTPS;
	int at = service ? 2 : wire_rdata_name_at(rdata->data, rdata->len, set->type, 0);
	if (at < 0 || at >= rdata->len)
		return NULL;
	const uint8_t *target = rdata->data + at;
	if (target[0] != 0)
		return target;
	return service && wire_get16(rdata->data) > 0 ? set->owner : NULL; /* RFC 9460 section 2.5 */
}

static bool is_service(uint16_t type)
{
	return type == WIRE_TYPE_SVCB || type == WIRE_TYPE_HTTPS;
}

static void add_targets(struct additional *add, const struct rrset *set)
{
	for (unsigned i = 0; i < set->count; i++) {
		struct wire_rdata rdata = resolve_rrset_rdata(set, i);
		uint8_t name[WIRE_NAME_MAX];
		const uint8_t *target = target_of(set, &rdata);
		if (target == NULL)
			continue;
		wire_name_lower(target, name);
		if (is_service(set->type) && wire_get16(rdata.data) == 0)
			add_set(add, name, set->type); /* an alias: RFC 9460 section 4.2 */
		add_set(add, name, WIRE_TYPE_A);
		add_set(add, name, WIRE_TYPE_AAAA);
	}
}

bool resolve_additional_has(uint16_t type)
{
	switch (type) {
	case WIRE_TYPE_NS:
	case WIRE_TYPE_MX:
	case WIRE_TYPE_SRV:
	case WIRE_TYPE_SVCB:
	case WIRE_TYPE_HTTPS:
		return true;
	default:
		return false;
	}
}

int resolve_additional(struct resolve *engine, const struct outcome *outcome, struct rrset *const **ret,
		       unsigned *ret_n)
{
	struct additional *add = NULL;
	*ret_n = 0;
	for (unsigned i = 0; engine->additional && i < outcome->n_answers; i++) {
		const struct rrset *set = outcome->answer[i];
		if (!resolve_additional_has(set->type))
			continue;
		if (add == NULL && (add = arena_alloc(&engine->step, sizeof *add)) == NULL)
			return BANYAN_ENOMEM;
		add->engine = engine;
		add->outcome = outcome;
		add->n = *ret_n;
		add_targets(add, set);
		for (unsigned j = 0; j < add->n; j++) /* what aliases led to; each set comes once, so this ends */
			if (is_service(add->set[j]->type))
				add_targets(add, add->set[j]);
		*ret = add->set;
		*ret_n = add->n;
	}
	return 0;
}
