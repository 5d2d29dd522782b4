// SPDX-License-Identifier: GPL-3.0-or-later
/* What a peer does about a pointer: fetch, or keep what it has. docs/published-files.md says why. */
#include "files.h"
#include "sync/sync.h"

static bool may_keep(const struct files_pointer *pointer, const struct files_held *held,
		     const struct files_choice *choice, int64_t now, int64_t *ret_until)
{
	int64_t margin = choice->margin_s > 0 ? choice->margin_s : FILES_MARGIN_S;
	if (!choice->keep_unchanged || !pointer->is_signed || held->first_expiry == 0 ||
	    sync_serial_newer(pointer->unchanged_since, held->serial))
		return false;
	*ret_until = held->first_expiry - margin;
	return now < *ret_until;
}

static struct files_decision fetch(const struct files_pointer *pointer, const struct files_object *object,
				   bool is_delta)
{
	return (struct files_decision){
		.verdict = FILES_FETCH, .fetch = object, .is_delta = is_delta, .serial = pointer->serial};
}

/* Offered ahead, and somebody has nothing until then: is the version in force there, too, and newer than what is held? */
static bool present_helps(const struct files_pointer *pointer, const struct files_held *held,
			  const struct files_choice *choice, int64_t now)
{
	const struct files_present *present = &pointer->present;
	return choice->in_force && present->wire.path[0] != '\0' && now < pointer->edition.valid_from &&
	       now >= present->valid_from && now < present->valid_until &&
	       (!held->have || sync_serial_newer(present->serial, held->serial));
}

bool files_renewal_due(int64_t written_at, uint32_t fresh_s, int64_t now)
{
	return now < written_at || now - written_at >= (int64_t)(fresh_s > 0 ? fresh_s : FILES_FRESH_DEFAULT_S) / 8;
}

struct files_decision files_decide(const struct files_pointer *pointer, const struct files_held *held,
				   const struct files_choice *choice, int64_t now)
{
	int64_t until;
	if (now >= pointer->fresh_until)
		return (struct files_decision){.verdict = FILES_REFUSE,
					       .why = "the pointer is too old: its publisher is away, or "
						      "somebody plays it back"};
	if (present_helps(pointer, held, choice, now))
		return (struct files_decision){.verdict = FILES_FETCH,
					       .fetch = &pointer->present.wire,
					       .serial = pointer->present.serial,
					       .is_present = true};
	if (!held->have)
		return fetch(pointer, &pointer->wire, false);
	if (pointer->serial == held->serial)
		return (struct files_decision){.verdict = FILES_SAME};
	if (!sync_serial_newer(pointer->serial, held->serial))
		return (struct files_decision){.verdict = FILES_REFUSE,
					       .why = "it points to an older version than the one held"};
	if (may_keep(pointer, held, choice, now, &until))
		return (struct files_decision){.verdict = FILES_KEEP, .until = until};
	for (size_t i = 0; i < pointer->n_deltas; i++)
		if (pointer->delta[i].from == held->serial && pointer->delta[i].size < pointer->wire.size)
			return fetch(pointer, &pointer->delta[i], true);
	return fetch(pointer, &pointer->wire, false);
}
