// SPDX-License-Identifier: GPL-3.0-or-later
/* Pointers to published zones: any text. What is taken is written again and read as the same; what is refused is refused with words. */
#include "sync/files/files.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static bool same_object(const struct files_object *a, const struct files_object *b)
{
	return strcmp(a->path, b->path) == 0 && a->size == b->size && memcmp(a->hash, b->hash, sizeof a->hash) == 0 &&
	       a->unpacked_size == b->unpacked_size &&
	       memcmp(a->unpacked_hash, b->unpacked_hash, sizeof a->unpacked_hash) == 0;
}

static bool same_present(const struct files_present *a, const struct files_present *b)
{
	return a->serial == b->serial && a->valid_from == b->valid_from && a->valid_until == b->valid_until &&
	       same_object(&a->wire, &b->wire);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct files_pointer pointer, again;
	_cleanup_(buffer_done) struct buffer text = {0};
	char why[FILES_WHY_MAX] = "";
	if (files_pointer_read("input", data, len, NULL, &pointer, why) < 0) {
		if (why[0] == '\0')
			abort();
		return 0;
	}
	struct files_held held = {
		.have = true, .serial = pointer.serial - 1, .first_expiry = pointer.signatures_expire};
	struct files_decision decision =
		files_decide(&pointer, &held, &(struct files_choice){.keep_unchanged = true}, pointer.made);
	if ((decision.verdict == FILES_FETCH) != (decision.fetch != NULL))
		abort();
	decision = files_decide(&pointer, &(struct files_held){0}, &(struct files_choice){.in_force = true},
				pointer.present.valid_from);
	if ((decision.verdict == FILES_FETCH) != (decision.fetch != NULL) ||
	    (decision.is_present && decision.serial != pointer.present.serial))
		abort();
	if (files_pointer_write(&pointer, NULL, &text) < 0)
		return 0;
	if (files_pointer_read("again", text.data, text.len, NULL, &again, why) < 0 || again.serial != pointer.serial ||
	    again.n_deltas != pointer.n_deltas || strcmp(again.edition.name, pointer.edition.name) != 0 ||
	    again.edition.valid_from != pointer.edition.valid_from ||
	    again.edition.valid_until != pointer.edition.valid_until || !same_object(&again.wire, &pointer.wire) ||
	    !same_present(&again.present, &pointer.present))
		abort();
	return 0;
}
