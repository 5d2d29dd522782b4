// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Versions of an edition on a schedule: one that is offered ahead is stored and waits there, with the one before it, until the machine says that
 * its time has begun. What is in use is proved once more when it comes from there: the anchors may be others by then.
 */
#include "copies.h"
#include "publisher.h"

#include <stdio.h>
#include <string.h>

struct pull_version copy_version_of(const struct keep_about *about)
{
	return (struct pull_version){
		.serial = about->serial,
		.refresh_s = about->refresh_s,
		.retry_s = about->retry_s,
		.expire_s = about->expire_s,
		.first_expiry = about->first_expiry,
		.valid_from = about->valid_from,
		.valid_until = about->valid_until,
	};
}

bool copy_dates_hold(const struct copy *copy, const struct loaded *loaded)
{
	return !copy->dates || zone_edition_when(&loaded->edition, clock_wall_s()) == 0;
}

/* After a reload that names another one it is not used any more, before it is proved once more. */
bool copy_edition_fits(const struct copy *copy, const struct loaded *loaded)
{
	return copy->any_edition || strcmp(loaded->edition.name, copy->edition) == 0;
}

/* ---- what is on the shelf ---- */

void copy_bar(struct copy *copy, uint64_t number)
{
	copy->barred_first = copy->barred_first == 0 || number < copy->barred_first ? number : copy->barred_first;
	copy->barred_last = number > copy->barred_last ? number : copy->barred_last;
	copy_newest_look(copy);
}

/* One that was stored later waits for its time, or was gone back from when the clock was set back. One that was stored before counts when its
 * serial is older, too: else the operator has allowed an older one instead of it. */
static bool is_on_shelf(const struct copy *copy, const struct keep_about *about, const struct keep_about *current)
{
	if (about->valid_until == 0 || about->number == current->number ||
	    (about->number >= copy->barred_first && about->number <= copy->barred_last))
		return false;
	return about->number > current->number || sync_serial_newer(current->serial, about->serial);
}

void copy_shelf_fill(struct copy *copy, struct pull_event *event)
{
	const struct keep_about *current = keep_about_of(copy->keep, keep_current(copy->keep)), *about;
	event->shelf = copy->shelf;
	event->n_shelf = 0;
	for (size_t i = 0; current != NULL && copy->dates && event->n_shelf < PULL_SHELF_MAX &&
			   (about = keep_about_at(copy->keep, i)) != NULL;
	     i++)
		if (is_on_shelf(copy, about, current))
			copy->shelf[event->n_shelf++] = copy_version_of(about);
}

void copy_newest_look(struct copy *copy)
{
	const struct keep_about *current = keep_about_of(copy->keep, keep_current(copy->keep)), *about;
	copy->newest = keep_current(copy->keep);
	copy->newest_serial = current != NULL ? current->serial : 0;
	for (size_t i = 0; current != NULL && copy->dates && (about = keep_about_at(copy->keep, i)) != NULL; i++) {
		if (!is_on_shelf(copy, about, current) || !sync_serial_newer(about->serial, copy->newest_serial))
			continue;
		copy->newest = about->number;
		copy->newest_serial = about->serial;
	}
}

uint64_t copy_generation_of(const struct copy *copy, uint32_t serial)
{
	const struct keep_about *about;
	for (size_t i = 0; (about = keep_about_at(copy->keep, i)) != NULL; i++)
		if (about->serial == serial)
			return about->number;
	return 0;
}

/* ---- onto it and from it ---- */

void copy_ahead_stored(struct copy *copy)
{
	char from[32];
	copy->confirmed_at = clock_wall_s();
	counter_add(&copy->keeper->counters, COUNTER_COPY_AHEAD, 1);
	if (copy->from < copy->n_sources)
		copy_tag_set(copy->source[copy->from], copy->reply.serial, copy->tag);
	copy->ahead.serial = copy->reply.serial;
	copy->ahead.on_loopback = copy->reply.on_loopback;
	copy_newest_look(copy);
	log_notice(STATION, "copy of %s: serial %u from %s, %zu records, %s; it is kept until its time begins, at %s",
		   copy->zone, copy->reply.serial, copy->text, (size_t)copy->reply.records, copy->reply.proof,
		   clock_format(copy->reply.edition.valid_from, from));
	copy_publish_look(copy); /* as files it is offered ahead, too */
}

/* The confirmation stays: who has said that the next one is its newest has confirmed this one, by the schedule. */
static bool turn_to(struct copy *copy, uint64_t number, char why[KEEP_WHY_MAX])
{
	int64_t confirmed_at = copy->confirmed_at;
	uint64_t before = keep_current(copy->keep);
	char words[KEEP_WHY_MAX];
	if (number == 0) {
		snprintf(why, KEEP_WHY_MAX, "it is not kept any more");
		return false;
	}
	if (keep_roll_back(copy->keep, number, why) < 0)
		return false;
	if (copy_store_use(copy, number, why) < 0) {
		copy_bar(copy, number);
		(void)!keep_roll_back(copy->keep, before, words);
		return false;
	}
	copy->confirmed_at = confirmed_at;
	copy_confirmed_write(copy);
	counter_add(&copy->keeper->counters, COUNTER_COPY_TURNS, 1);
	log_notice(STATION, "copy of %s: serial %u is in use: it is its time", copy->zone, copy->current->serial);
	return true;
}

void copy_turn(struct copy *copy, const struct pull_action *action)
{
	char why[KEEP_WHY_MAX] = "";
	struct pull_event event = {.kind = PULL_EVENT_TURNED, .ticket = action->ticket, .why = why};
	event.later = copy->storing || copy->stored || copy->keeper->reloading;
	if (!event.later)
		event.good = turn_to(copy, copy_generation_of(copy, action->serial), why);
	copy_tell(copy, &event);
	if (!event.good)
		return;
	copy_again_stop(copy);
	copy_prove_again(copy);
}

void copy_dated_anew(struct copy *copy)
{
	struct pull_event event = {.kind = PULL_EVENT_START};
	struct pull_version version;
	copy->current->edition = copy->reply.edition;
	copy_newest_look(copy);
	copy_store_start(copy, &event, &version);
	if (copy_is_held(copy))
		event.kind = PULL_EVENT_ROLLED_BACK;
	copy_tell(copy, &event);
}
