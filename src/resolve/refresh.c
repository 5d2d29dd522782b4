// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What is asked for often is asked again before it expires, so that nobody has to wait for it.
 *
 * A set counts when a tenth of its life is left and it was asked for at least twice while it was in the cache. The refresh is a
 * question without a client (question.c): it costs no client anything, and there are never more than a few.
 */
#include "engine.h"

#define REFRESH_PART     10    /* the last tenth of the life */
#define REFRESH_ASKED    2     /* times it was found in the cache */
#define REFRESH_LIFE_MIN 10000 /* ms: what lives shorter is gone before the refresh is worth its question */

bool resolve_refresh_is_due(const struct resolve *engine, const struct rrset *set)
{
	int64_t life_ms = set->expires_ms - set->stored_ms, left_ms = set->expires_ms - engine->cache_ms;
	return set->stored_ms > 0 && set->asked >= REFRESH_ASKED && life_ms >= REFRESH_LIFE_MIN &&
	       left_ms * REFRESH_PART <= life_ms;
}

void resolve_refresh_check(struct resolve *engine, const uint8_t *qname, uint16_t qtype, const struct outcome *outcome)
{
	bool due = false;
	if (!engine->settings.live.prefetch)
		return;
	for (unsigned i = 0; i < outcome->n_answers && !due; i++)
		due = resolve_refresh_is_due(engine, outcome->answer[i]);
	for (unsigned i = 0; i < outcome->n_denials && !due; i++)
		due = resolve_refresh_is_due(engine, outcome->denial[i]);
	if (!due || resolve_task_find(engine, qname, qtype) != NULL)
		return;
	if (resolve_question_background(engine, qname, qtype))
		counter_add(engine->counters, COUNTER_PREFETCHES, 1);
}
