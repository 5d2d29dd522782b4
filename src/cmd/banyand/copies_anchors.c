// SPDX-License-Identifier: GPL-3.0-or-later
/* Copies when other keys are trusted: an anchor became valid or was revoked (RFC 5011), or a reload brought others. */
#include "copies.h"

#include <stdlib.h>

#define ANCHORS_LOOK_MS 60000 /* between two looks: whoever changes them tells, unless there was no memory for that */

/* A key that a DS names already adds nothing: after each restart RFC 5011 knows such a key again. */
static bool is_named(const struct dnssec_anchors *anchors, const struct dnssec_anchor *key)
{
	const struct wire_rdata dnskey = {key->rdata, key->len};
	for (size_t i = 0; key->type == WIRE_TYPE_DNSKEY && i < anchors->count; i++) {
		const struct dnssec_anchor *ds = &anchors->item[i];
		if (ds->type == WIRE_TYPE_DS && wire_name_equal(ds->owner, key->owner) &&
		    dnssec_ds_match(ds->owner, &(struct wire_rdata){ds->rdata, ds->len}, &dnskey) == 1)
			return true;
	}
	return false;
}

uint64_t copy_proof_mark(const struct copy *copy, const struct dnssec_anchors *anchors)
{
	static const uint8_t hash_key[16]; /* it need not be secret */
	_cleanup_(buffer_done) struct buffer request = {0};
	_cleanup_(base_free) struct dnssec_anchor *item = calloc(anchors->count + 1, sizeof *item);
	struct dnssec_anchors told = {.item = item};
	if (item == NULL)
		return 0;
	for (size_t i = 0; i < anchors->count; i++)
		if (!is_named(anchors, &anchors->item[i]))
			item[told.count++] = anchors->item[i];
	const struct prove_settings prove = copy_how_to_prove(copy, &told);
	return prove_request_write(&prove, &request) < 0 ? 0 : hash_sip(request.data, request.len, hash_key);
}

static bool proof_differs(struct copy *copy)
{
	struct dnssec_anchors anchors;
	uint64_t mark = copy_anchors(copy, &anchors) ? copy_proof_mark(copy, &anchors) : 0;
	dnssec_anchors_done(&anchors);
	if (mark == 0 || copy->proved_as == 0 || mark == copy->proved_as)
		return false;
	copy->proved_as = mark;
	return true;
}

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
	copy->barred_first = copy->barred_last = 0;
	copy_again_stop(copy); /* it would be proved with those of before */
	copy->again_later = true;
	copy_tell_kind(copy, PULL_EVENT_ANCHORS);
	copy_again_look(copy);
}

void copy_prove_look(struct copy *copy)
{
	if (copy->machine != NULL && proof_differs(copy))
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
