// SPDX-License-Identifier: GPL-3.0-or-later
/* What one client question causes, counted in one place. */
#include "engine.h"

#include <stdlib.h>

struct work *resolve_work_new(struct resolve *engine, bool tracing)
{
	struct work *work = calloc(1, sizeof *work);
	if (work == NULL)
		return NULL;
	work->refs = 1;
	work->started_ms = engine->now_ms;
	work->tracing = tracing;
	work->budget.signatures = engine->settings.live.signatures_max;
	work->budget.hashes = engine->settings.live.hashes_max;
	return work;
}

void resolve_work_release(struct work *work)
{
	if (work == NULL || --work->refs > 0)
		return;
	arena_done(&work->arena);
	free(work->step);
	free(work);
}
