// SPDX-License-Identifier: GPL-3.0-or-later
/* Pointers to published zones: any text. What is taken is written again and read as the same; what is refused is refused with words. */
#include "sync/files/files.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

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
	    again.edition.valid_until != pointer.edition.valid_until ||
	    memcmp(&again.wire, &pointer.wire, sizeof again.wire) != 0 ||
	    memcmp(&again.present, &pointer.present, sizeof again.present) != 0)
		abort();
	return 0;
}
