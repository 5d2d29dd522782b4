// SPDX-License-Identifier: GPL-3.0-or-later
/* Copies when other keys are trusted: an anchor became valid or was revoked (RFC 5011), or a reload brought others. */
#include "copies.h"

#include <stdlib.h>

#define ANCHORS_LOOK_MS 60000 /* between two looks: whoever changes them tells, unless there was no memory for that */

/* What did not prove may prove now, and what is in use must prove with these, too. */
static void anchors_changed(struct copy *copy)
{
	log_notice(STATION,
		   "copy of %s: other trust anchors, or another wish of what must be proved: what was refused is tried "
		   "again, and what is kept is proved once more",
		   copy->zone);
	for (size_t i = 0; i < copy->n_sources; i++) {
		struct copy_source *source = copy->source[i];
		for (size_t k = 0; k < source->n_refused; k++)
			free(source->refused[k]);
		source->n_refused = 0;
	}
	copy_again_stop(copy); /* it would be proved with those of before */
	copy->again_later = true;
	copy_tell_kind(copy, PULL_EVENT_ANCHORS);
	copy_again_look(copy);
}

void copy_prove_look(struct copy *copy)
{
	if (copy->machine != NULL && copy_proof_differs(copy))
		anchors_changed(copy);
}

void copies_anchors_changed(void *ctx)
{
	struct keeper *keeper = ctx;
	if (keeper->stopping || swap_read(&keeper->swap) == NULL)
		return;
	keeper->anchors_looked_ms = clock_mono_ms();
	for (struct copy *copy = keeper->copies; copy != NULL; copy = copy->next)
		copy_prove_look(copy);
}

void copies_anchors_look(struct keeper *keeper)
{
	if (clock_mono_ms() - keeper->anchors_looked_ms >= ANCHORS_LOOK_MS)
		copies_anchors_changed(keeper);
}

void copy_again_look(struct copy *copy)
{
	bool busy = copy->proof != NULL || copy->storing || copy->stored || copy->again != NULL;
	if (copy->again_later && !busy && !copy->keeper->reloading && !copy->gone)
		copy_prove_again(copy);
}
