// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Hints that there is something new. A notification (RFC 1996) is anybody's word, so rounds that notifications cause stand apart, and wait longer
 * while they bring nothing. A file that has changed is the operator's doing: it is looked at at once, whatever it was refused for before.
 */
#include "copy.h"

/* What it gave was not what it had said, or did not prove: until that is forgotten, its word neither starts a round nor makes the next one
 * wait, so that one who lies to many does not keep them from hearing the others. */
static bool is_liar(const struct pull_copy *copy, size_t at)
{
	if (at >= copy->n_sources)
		return false;
	const struct copy_source *source = &copy->source[at];
	return (source->shunned_for == FAULT_LIED || source->shunned_for == FAULT_REFUSED) &&
	       source->shun_ms > copy_mono(copy);
}

/* RFC 1996 section 3.7: the serial is a hint; who has it already need not ask. */
static bool is_news(const struct pull_copy *copy, bool has_serial, uint32_t serial)
{
	return !has_serial || !copy->have || copy->floor_off || sync_serial_newer(serial, copy_top(copy));
}

/* Of several serials the newest counts, and none at all is as good as any. */
static void notified_add(struct copy_hint *hint, bool has_serial, uint32_t serial)
{
	if (!hint->notified || !has_serial || (hint->has_serial && sync_serial_newer(serial, hint->serial))) {
		hint->has_serial = has_serial;
		hint->serial = serial;
	}
	hint->notified = true;
}

void copy_notified(struct pull_copy *copy, const struct pull_event *event)
{
	copy->sums.notifies++;
	if (is_liar(copy, event->source) || !is_news(copy, event->has_serial, event->serial))
		return;
	struct copy_hint *hint = event->source < copy->n_sources ? &copy->source[event->source].hint : &copy->hint;
	notified_add(hint, event->has_serial, event->serial);
}

void copy_changed(struct pull_copy *copy, const struct pull_event *event)
{
	if (event->source < copy->n_sources)
		copy->source[event->source].hint.changed = true;
}

void copy_hint_take(struct copy_hint *hint, struct copy_hint *taken)
{
	*taken = *hint;
	*hint = (struct copy_hint){0};
}

void copy_hint_back(struct copy_hint *hint, struct copy_hint *taken)
{
	hint->changed = hint->changed || taken->changed;
	if (taken->notified)
		notified_add(hint, taken->has_serial, taken->serial);
	*taken = (struct copy_hint){0};
}

/* One that is no news any more goes. */
static bool is_notified(const struct pull_copy *copy, struct copy_hint *hint)
{
	hint->notified = hint->notified && is_news(copy, hint->has_serial, hint->serial);
	return hint->notified && copy_mono(copy) >= copy->notify_ok_ms;
}

bool copy_hints(struct pull_copy *copy, uint64_t *ret_sources)
{
	bool other = is_notified(copy, &copy->hint) && copy->n_sources > 0;
	uint64_t sources = 0;
	for (size_t i = 0; i < copy->n_sources; i++) {
		struct copy_hint *hint = &copy->source[i].hint;
		if (is_notified(copy, hint) || hint->changed)
			sources |= (uint64_t)1 << i;
	}
	*ret_sources = sources;
	return other || sources != 0;
}

int64_t copy_hints_wake_ms(const struct pull_copy *copy)
{
	bool any = copy->hint.notified && copy->n_sources > 0;
	for (size_t i = 0; i < copy->n_sources && !any; i++)
		any = copy->source[i].hint.notified;
	return any ? copy->notify_ok_ms : INT64_MAX;
}
