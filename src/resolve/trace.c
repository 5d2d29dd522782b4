// SPDX-License-Identifier: GPL-3.0-or-later
/* The record of a walk: who was asked what, and what came back. */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

static const uint8_t *keep_name(struct work *work, const uint8_t *name)
{
	uint8_t *copy = name == NULL ? NULL : arena_alloc(&work->arena, wire_name_len(name));
	if (copy != NULL)
		wire_name_lower(name, copy); /* without the case that was drawn for one exchange */
	return copy;
}

void resolve_trace_add(struct resolve *engine, struct task *task, const struct resolve_trace_step *step)
{
	struct work *work = task->work;
	if (!work->tracing || work->n_steps == ENGINE_TRACE_MAX)
		return;
	if (work->n_steps == work->cap_steps) {
		size_t cap = work->cap_steps == 0 ? 16 : work->cap_steps * 2;
		struct resolve_trace_step *grown = realloc(work->step, cap * sizeof *grown);
		if (grown == NULL)
			return; /* a walk is not ended for want of its record */
		work->step = grown;
		work->cap_steps = cap;
	}
	struct resolve_trace_step kept = *step;
	kept.at_ms = engine->now_ms - work->started_ms - step->took_ms;
	kept.zone = keep_name(work, step->zone);
	kept.server = keep_name(work, step->server);
	kept.qname = keep_name(work, step->qname);
	kept.what = step->what == NULL ? "" : arena_dup(&work->arena, step->what, strlen(step->what) + 1);
	kept.depth = task->depth;
	if (kept.what != NULL)
		work->step[work->n_steps++] = kept;
}

const char *resolve_trace_words(struct resolve *engine, const struct reading *reading)
{
	char name[WIRE_NAME_TEXT_MAX];
	unsigned records = 0;
	const char *words = reading->what;
	switch (reading->kind) {
	case READING_REFERRAL:
		words = arena_printf(&engine->step, "referral to %s", wire_name_text(reading->name, name));
		break;
	case READING_ALIAS:
		words = arena_printf(&engine->step, "alias to %s", wire_name_text(reading->name, name));
		break;
	case READING_ANSWER:
		for (unsigned i = 0; i < reading->n_answers; i++)
			records += reading->answer[i]->count;
		words = arena_printf(&engine->step, "answer, %u record%s", records, records == 1 ? "" : "s");
		break;
	default:
		break;
	}
	return words == NULL ? "" : words;
}
