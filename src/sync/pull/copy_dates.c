// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Versions with dates (the scheduled regime): each may be used from its valid-from to its valid-until, by the clock of this machine. One that
 * is offered ahead is stored and waits on the shelf; so does the one before it, in case the clock is set back. In use is the newest of them
 * whose time it is. When it is nobody's time, what was in use last stays in its place, and is not used.
 */
#include "copy.h"

#include <stdlib.h>

#define TURN_AGAIN_MS 1000 /* after a turn for which it was no time: something is being stored or read anew */

int copy_when(const struct pull_copy *copy, const struct pull_version *version)
{
	if (version->valid_until == 0 || copy->settings.no_dates)
		return 0;
	return copy->now.wall_s < version->valid_from ? -1 : copy->now.wall_s >= version->valid_until;
}

/* ---- the shelf ---- */

uint32_t copy_top(const struct pull_copy *copy)
{
	uint32_t top = copy->version.serial;
	for (size_t i = 0; i < copy->n_shelf; i++)
		if (sync_serial_newer(copy->shelf[i].serial, top))
			top = copy->shelf[i].serial;
	return top;
}

bool copy_has(const struct pull_copy *copy, uint32_t serial)
{
	return copy->have && (serial == copy->version.serial || serial == copy_top(copy));
}

static void shelf_remove(struct pull_copy *copy, size_t i)
{
	copy->shelf[i] = copy->shelf[--copy->n_shelf];
}

static size_t shelf_oldest(const struct pull_copy *copy)
{
	size_t oldest = 0;
	for (size_t i = 1; i < copy->n_shelf; i++)
		if (sync_serial_newer(copy->shelf[oldest].serial, copy->shelf[i].serial))
			oldest = i;
	return oldest;
}

/* One without dates would be good for ever: who comes after it has replaced it. */
void copy_shelf_add(struct pull_copy *copy, const struct pull_version *version)
{
	if (version->valid_until == 0 || copy->settings.no_dates)
		return;
	if (copy->shelf == NULL && (copy->shelf = calloc(PULL_SHELF_MAX, sizeof *copy->shelf)) == NULL)
		return; /* it is fetched once more when there is memory */
	for (size_t i = 0; i < copy->n_shelf; i++)
		if (copy->shelf[i].serial == version->serial)
			shelf_remove(copy, i--);
	if (copy->n_shelf == PULL_SHELF_MAX)
		shelf_remove(copy, shelf_oldest(copy));
	copy->shelf[copy->n_shelf++] = *version;
}

void copy_shelf_take(struct pull_copy *copy, const struct pull_event *event)
{
	copy->n_shelf = 0;
	copy_turn_forget(copy);
	for (size_t i = 0; copy->have && i < event->n_shelf && i < PULL_SHELF_MAX; i++)
		if (event->shelf[i].serial != event->version->serial)
			copy_shelf_add(copy, &event->shelf[i]);
}

const struct pull_version *copy_shelf_next(const struct pull_copy *copy)
{
	const struct pull_version *next = NULL;
	for (size_t i = 0; i < copy->n_shelf; i++)
		if (copy_when(copy, &copy->shelf[i]) < 0 &&
		    (next == NULL || copy->shelf[i].valid_from < next->valid_from))
			next = &copy->shelf[i];
	return next;
}

bool copy_store_ahead(const struct pull_copy *copy)
{
	return copy->have && copy_when(copy, &copy->candidate) < 0;
}

/* ---- turns ---- */

static bool is_due(const struct pull_copy *copy, const struct pull_version *version)
{
	return copy_when(copy, version) == 0 &&
	       (version->first_expiry == 0 || version->first_expiry > copy->now.wall_s);
}

/* The newest whose time it is, if that is not the one in use. */
static const struct pull_version *due(const struct pull_copy *copy)
{
	const struct pull_version *newest = is_due(copy, &copy->version) ? &copy->version : NULL;
	for (size_t i = 0; i < copy->n_shelf; i++)
		if (is_due(copy, &copy->shelf[i]) &&
		    (newest == NULL || sync_serial_newer(copy->shelf[i].serial, newest->serial)))
			newest = &copy->shelf[i];
	return newest == &copy->version ? NULL : newest;
}

void copy_turn_forget(struct pull_copy *copy)
{
	copy->turn_ticket = 0;
	copy->turn_ms = 0;
}

/* Not while another version is being stored: that may be the very one, and the store does one thing at a time. */
void copy_turn_look(struct pull_copy *copy)
{
	if (!copy->have || copy->held || copy->turn_ticket != 0 || copy->phase == PHASE_STORING ||
	    copy->now.mono_ms < copy->turn_ms)
		return;
	const struct pull_version *version = due(copy);
	if (version == NULL)
		return;
	struct pull_action *action = copy_act(copy, PULL_TURN);
	copy->turn_ticket = action->ticket = copy_ticket(copy);
	copy->turn_serial = action->serial = version->serial;
}

void copy_turned(struct pull_copy *copy, const struct pull_event *event)
{
	if (event->ticket != copy->turn_ticket || event->ticket == 0)
		return;
	copy_turn_forget(copy);
	size_t i = 0;
	while (i < copy->n_shelf && copy->shelf[i].serial != copy->turn_serial)
		i++;
	if (i == copy->n_shelf)
		return;
	if (!event->good && event->later) {
		copy->turn_ms = copy->now.mono_ms + TURN_AGAIN_MS;
		return;
	}
	struct pull_version version = copy->shelf[i], before = copy->version;
	shelf_remove(copy, i);
	if (!event->good) { /* it is fetched once more */
		copy_note(copy, PULL_NO_SOURCE, true, "serial %u, whose time it is, cannot be used: %s", version.serial,
			  event->why == NULL ? "" : event->why);
		if (copy->phase == PHASE_IDLE)
			copy->next_ms = copy->now.mono_ms;
		return;
	}
	copy->version = version;
	copy_shelf_add(copy, &before);
	if (version.expire_s < copy->limit_s)
		copy->limit_s = version.expire_s;
	for (size_t k = 0; k < copy->n_sources; k++)
		copy_lag_look(copy, k);
}

/* ---- the next time ---- */

int64_t copy_dates_wake_ms(const struct pull_copy *copy)
{
	const struct pull_version *next = copy_shelf_next(copy);
	int64_t now_ms = copy->now.mono_ms, wake_ms = INT64_MAX;
	if (copy->turn_ms > now_ms)
		wake_ms = copy->turn_ms;
	if (next != NULL && (next->valid_from - copy->now.wall_s) < wake_ms / 1000 - now_ms / 1000)
		wake_ms = now_ms + (next->valid_from - copy->now.wall_s) * 1000;
	if (copy->have && copy_when(copy, &copy->version) < 0 &&
	    (copy->version.valid_from - copy->now.wall_s) < wake_ms / 1000 - now_ms / 1000)
		wake_ms = now_ms + (copy->version.valid_from - copy->now.wall_s) * 1000;
	return wake_ms;
}
