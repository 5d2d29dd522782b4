// SPDX-License-Identifier: GPL-3.0-or-later
/* QNAME minimisation (RFC 9156): a server sees one label more than its zone. */
#include "trust.h"

#include <string.h>

/* Labels that the next question shows more than the last one (section 2.3): one by one, then in larger steps. */
static unsigned stride(const struct task *task, unsigned total)
{
	unsigned left = total - task->ask_labels;
	if (task->minimised < ENGINE_MINIMISED_ONE)
		return 1;
	unsigned questions = ENGINE_MINIMISED_MAX - task->minimised;
	return questions == 0 || left <= questions ? 1 : (left + questions - 1) / questions;
}

/* Is it known that this name is no delegation? Then nobody need be asked. */
static bool known_no_cut(struct resolve *engine, const uint8_t *name)
{
	struct rrset *set;
	struct cache_denial denial;
	return resolve_cache_find(engine->cache, &engine->step, engine->cache_ms, name, WIRE_TYPE_A, &set, &denial) !=
	       CACHE_MISS;
}

const uint8_t *resolve_minimise_name(struct resolve *engine, struct task *task, bool *ret_minimised)
{
	unsigned total = wire_name_labels(task->sname);
	*ret_minimised = false;
	if (!task->minimise || resolve_forward_of(task->cut) != NULL || task->minimised >= ENGINE_MINIMISED_MAX)
		return task->sname;
	if (task->ask_labels == 0)
		task->ask_labels = task->cut->labels + 1;
	while (task->ask_labels < total) {
		const uint8_t *name = wire_name_skip(task->sname, total - task->ask_labels);
		if (task->no_cache || !known_no_cut(engine, name)) {
			*ret_minimised = true;
			return name;
		}
		task->ask_labels += stride(task, total);
	}
	return task->sname;
}

/* What was learned on the way spares the next walk the question. Not that there is no such name: it may be an empty
 * non-terminal whose server does not know better. */
static void remember(struct resolve *engine, const struct reading *reading)
{
	for (unsigned i = 0; i < reading->n_answers; i++)
		resolve_evictions_count(engine,
					resolve_cache_put_set(engine->cache, engine->cache_ms, reading->answer[i]));
	if (reading->kind != READING_NODATA || !reading->has_soa)
		return;
	struct cache_denial denial = {.expires_ms = reading->denial[0]->expires_ms, .n = reading->n_denials};
	memcpy(denial.set, reading->denial, denial.n * sizeof(struct rrset *));
	resolve_evictions_count(
		engine, resolve_cache_put_denial(engine->cache, engine->cache_ms, reading->name, WIRE_TYPE_A, &denial));
}

/* ---- a shortened name that does not exist ---- */

static bool proof_may_hold(const struct reading *reading)
{
	bool found = false;
	for (unsigned i = 0; i < reading->n_denials; i++) {
		const struct rrset *set = reading->denial[i];
		if (set->n_sigs == 0 || resolve_rrset_opt_out(set)) /* such a span proves nothing of a name */
			return false;
		found = found || set->type == WIRE_TYPE_NSEC || set->type == WIRE_TYPE_NSEC3;
	}
	return found;
}

/* Proved, the denial ends the question (RFC 8020). If it cannot be, or somebody waits who does not want that, nothing happens. */
static void try_proof(struct resolve *engine, struct task *task, const struct reading *reading)
{
	const struct resolve_settings *settings = &engine->settings;
	if (!settings->validate || settings->live.nxdomain_cut == RESOLVE_NXDOMAIN_CUT_OFF || reading->n_answers > 0 ||
	    !reading->has_soa || !resolve_validate_wanted_by_all(task) || !proof_may_hold(reading))
		return;
	resolve_share_over(engine, task);
	task->whole = arena_dup(&task->arena, task->sname, wire_name_len(task->sname));
	if (task->whole == NULL ||
	    resolve_outcome_denial(&task->arena, &task->outcome, reading->denial, reading->n_denials) < 0) {
		resolve_task_fail(engine, task, REASON_WORK_LIMIT);
		return;
	}
	task->outcome.bare = false;
	wire_name_lower(reading->name, task->sname);
	task->validation.changed = true;
	resolve_task_finish(engine, task, WIRE_RCODE_NXDOMAIN);
}

bool resolve_minimise_doubted(struct resolve *engine, struct task *task)
{
	if (task->whole == NULL)
		return false;
	wire_name_lower(task->whole, task->sname);
	task->whole = NULL;
	task->outcome.n_denials = 0;
	task->outcome.rcode = WIRE_RCODE_NOERROR;
	task->outcome.detail = NULL;
	task->validation.asked_type = 0;
	task->validation.above = false;
	resolve_bogus_clear(task);
	task->state = TASK_ASK;
	return true;
}

bool resolve_minimise_reading(struct resolve *engine, struct task *task, const struct exchange *sent,
			      const struct reading *reading)
{
	bool denied = reading->kind == READING_NXDOMAIN;
	if (denied && engine->settings.live.qname_minimisation == RESOLVE_MINIMISE_STRICT)
		return false;
	task->state = TASK_ASK;
	task->minimised++;
	task->cut->target[sent->target].tries = 0; /* tries count what was in vain */
	task->cut->tries--;
	remember(engine, reading);
	/* Servers that deny empty non-terminals are still around: only the whole name counts, or a proof. */
	if (denied) {
		task->minimise = false;
		try_proof(engine, task, reading);
	} else {
		task->ask_labels += stride(task, wire_name_labels(task->sname));
	}
	return true;
}

/* Some servers drop questions for names that they do not have. */
void resolve_minimise_silent(const struct resolve *engine, struct task *task)
{
	if (engine->settings.live.qname_minimisation != RESOLVE_MINIMISE_STRICT &&
	    ++task->minimised_silences >= ENGINE_MINIMISED_SILENCES)
		task->minimise = false;
}
