// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Data that have expired, given out when nothing better can be had (RFC 8767).
 *
 * Only where the servers could not be asked or gave nothing usable. Never where an answer came and its signatures did not hold: what
 * is stale must not cover up what is bogus.
 */
#include "engine.h"

/* RFC 8767 section 5: the failure recheck timer. */
#define STALE_RECHECK_S 30

bool resolve_stale_helps(enum reason reason)
{
	switch (reason) {
	case REASON_NO_SERVERS:
	case REASON_NETWORK_ERROR:
	case REASON_LAME:
	case REASON_REPLY_MALFORMED:
	case REASON_DELEGATION_LOOP:
	case REASON_WORK_LIMIT:
	case REASON_TIME_LIMIT:
	case REASON_QUEUE_FULL:
	case REASON_NO_ROOT:
		return true;
	default:
		return false;
	}
}

/* Makes what has expired good for a moment more. */
static void sets_revive(struct resolve *engine, struct rrset *const *set, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (set[i]->expires_ms > engine->cache_ms)
			continue;
		set[i]->stored_ms = 0;
		set[i]->expires_ms = engine->cache_ms + (int64_t)engine->settings.live.stale_ttl_s * 1000;
	}
}

bool resolve_stale_denied(struct resolve *engine, struct arena *arena, const uint8_t *name, const struct rrset *set,
			  struct cache_denial *ret)
{
	return resolve_cache_nxdomain(engine->cache, arena, engine->cache_ms, name, ret) &&
	       ret->stored_ms > set->stored_ms;
}

bool resolve_stale_find(struct resolve *engine, struct arena *arena, const uint8_t *qname, uint16_t qtype,
			struct outcome *outcome)
{
	uint8_t name[WIRE_NAME_MAX];
	unsigned aliases = 0;
	int64_t now_ms = engine->cache_ms;
	if (!engine->settings.live.serve_stale)
		return false;
	outcome->rcode = WIRE_RCODE_NOERROR; /* the rest of the tables stays as it is: they are large */
	outcome->from_cache = true;
	outcome->detail = NULL;
	outcome->bare = false;
	outcome->scope = 0;
	outcome->n_answers = outcome->n_denials = 0;
	wire_name_lower(qname, name);
	engine->stale = true;
	engine->cache_ms = now_ms - (int64_t)engine->settings.live.stale_age_max_s * 1000;
	int rc = resolve_walk_cached(engine, arena, name, qtype, &aliases, outcome);
	engine->cache_ms = now_ms;
	engine->stale = false;
	if (rc != 1 || !resolve_validate_known(engine, outcome))
		return false;
	sets_revive(engine, outcome->answer, outcome->n_answers);
	sets_revive(engine, outcome->denial, outcome->n_denials);
	outcome->reason = outcome->rcode == WIRE_RCODE_NXDOMAIN ? REASON_STALE_NXDOMAIN : REASON_STALE;
	return true;
}

uint32_t resolve_stale_recheck_s(struct resolve *engine, const uint8_t *qname, uint16_t qtype)
{
	struct outcome outcome;
	return resolve_stale_find(engine, &engine->step, qname, qtype, &outcome) ? STALE_RECHECK_S : 0;
}

bool resolve_stale_at_once(struct resolve *engine, const uint8_t *qname, uint16_t qtype, struct outcome *outcome)
{
	enum reason reason;
	if (!engine->settings.live.serve_stale)
		return false;
	const struct task *task = resolve_task_find(engine, qname, qtype);
	bool failed = resolve_cache_failure(engine->cache, &engine->step, engine->cache_ms, qname, qtype, &reason) &&
		      resolve_stale_helps(reason);
	bool known_slow = task != NULL && task->slow;
	return (failed || known_slow || engine->settings.live.stale_client_timeout_ms == 0) &&
	       resolve_stale_find(engine, &engine->step, qname, qtype, outcome);
}
