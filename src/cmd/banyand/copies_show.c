// SPDX-License-Identifier: GPL-3.0-or-later
/* How copies are, for `banyan status`, and the commands of `banyan copy`. */
#include "copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* Another source may have brought the newer one since. */
static bool is_kept(const struct copy *copy, const struct copy_source *source)
{
	return source->kept_until != 0 && copy->current != NULL &&
	       sync_serial_newer(source->kept_newest, copy->current->serial);
}

static int source_describe(const struct copy *copy, size_t i, struct pull_now now, struct operate_copy_source *out)
{
	struct pull_source_status status;
	pull_copy_source_status(copy->machine, i, now, &status);
	*out = (struct operate_copy_source){
		.name = copy->source[i]->source.text,
		.has_serial = status.has_serial,
		.serial = status.serial,
		.behind = status.behind,
		.lags = status.lags,
		.proved = status.proved,
		.seen_s = status.seen_ms < 0 ? -1 : status.seen_ms / 1000,
		.benched_s = (status.benched_ms + 999) / 1000,
		.probe_ms = status.probe_ms,
		.fetch_ms = status.fetch_ms,
		.failures = status.failures,
		.kept_newest = copy->source[i]->kept_newest,
		.kept_until = is_kept(copy, copy->source[i]) ? copy->source[i]->kept_until : 0,
	};
	snprintf(out->why, sizeof out->why, "%s", status.why);
	return 0;
}

struct operate_copy *copies_describe(struct keeper *keeper, const char *zone)
{
	const struct copy *copy = copies_find(keeper, zone);
	struct pull_copy_status status;
	struct pull_now now = copy_now();
	if (copy == NULL || copy->machine == NULL)
		return NULL;
	struct operate_copy *out = calloc(1, sizeof *out + copy->n_sources * sizeof out->source[0]);
	if (out == NULL)
		return NULL;
	pull_copy_status(copy->machine, now, &status);
	out->state = pull_state_text(status.state);
	out->store = copy->store;
	out->confirmed_at = copy->current == NULL ? 0 : copy->confirmed_at;
	out->usable_until = status.usable_until;
	out->next_s = (status.next_round_ms + 999) / 1000;
	out->failures = status.failures;
	out->generations = keep_count(copy->keep);
	out->edition = copy->current == NULL ? "" : copy->current->edition.name;
	out->valid_from = status.have ? status.version.valid_from : 0;
	out->valid_until = status.have ? status.version.valid_until : 0;
	out->has_next = status.has_next;
	out->next_serial = status.next.serial;
	out->next_from = status.next.valid_from;
	out->has_floor = status.has_floor;
	out->floor = status.floor;
	snprintf(out->why, sizeof out->why, "%s", status.why);
	out->n_sources = copy->n_sources;
	for (size_t i = 0; i < copy->n_sources; i++)
		source_describe(copy, i, now, &out->source[i]);
	return out;
}

/* ---- commands ---- */

static const char *copy_of(struct keeper *keeper, const char *zone, struct copy **ret)
{
	struct copy_plan plan;
	if (zone != NULL) {
		char name[WIRE_NAME_TEXT_MAX];
		size_t len = strlen(zone);
		snprintf(name, sizeof name, "%.1000s%s", zone, len > 0 && zone[len - 1] == '.' ? "" : ".");
		for (*ret = keeper->copies; *ret != NULL; *ret = (*ret)->next)
			if (strcasecmp((*ret)->zone, name) == 0 && (*ret)->machine != NULL)
				return NULL;
		return "there is no such zone with sources";
	}
	*ret = copies_find(keeper, NULL);
	if (*ret == NULL && keeper->copies != NULL && keeper->copies->next == NULL)
		*ret = keeper->copies;
	if (*ret != NULL && (*ret)->machine != NULL)
		return NULL;
	if (keeper->copies == NULL && copies_plan(swap_read(&keeper->swap)->config, 0, &plan))
		return "the stores of all zones with sources cannot be used: the log says why; reload when that is "
		       "mended";
	return keeper->copies == NULL ? "no zone has sources" : "there are several zones with sources: name one";
}

static void roll_back(struct copy *copy, struct operate_call *call)
{
	char why[KEEP_WHY_MAX];
	uint64_t current = keep_current(copy->keep), older = 0;
	struct pull_version version;
	struct pull_event event = {.kind = PULL_EVENT_ROLLED_BACK};
	if (copy->storing || copy->stored || copy->keeper->reloading) {
		control_fail(call, copy->keeper->reloading ? "a reload is under way at this moment: try again"
							   : "a new version is being stored at this moment: try again");
		return;
	}
	for (size_t i = 0; older == 0 && i < keep_count(copy->keep); i++)
		if (keep_about_at(copy->keep, i)->number < current)
			older = keep_about_at(copy->keep, i)->number;
	if (older == 0) {
		control_fail(call, "no older version is kept");
		return;
	}
	int rc = keep_roll_back(copy->keep, older, why);
	if (rc < 0 || copy_store_use(copy, older, why) < 0) {
		control_fail(call, why);
		return;
	}
	copy_store_start(copy, &event, &version);
	copy_tell(copy, &event);
	copy_held_set(copy, version.serial);
	copy_again_stop(copy);
	copy_prove_again(copy);
	log_notice(STATION, "copy of %s: rolled back to serial %u by command", copy->zone, version.serial);
	(void)!buffer_printf(operate_call_reply(call),
			     "%s: serial %u is in use and held; `banyan copy refresh` goes on to newer ones\n",
			     copy->zone, version.serial);
	operate_call_done(call, true);
}

static void refresh(struct copy *copy, struct operate_call *call)
{
	copy_held_end(copy);
	copy_tell_kind(copy, PULL_EVENT_REFRESH);
	(void)!buffer_printf(operate_call_reply(call), "%s: its sources are asked now\n", copy->zone);
	operate_call_done(call, true);
}

static void accept_serial(struct copy *copy, struct operate_call *call)
{
	log_notice(STATION, "copy of %s: by command, the next version may have an older serial", copy->zone);
	copy_tell_kind(copy, PULL_EVENT_ACCEPT_SERIAL);
	(void)!buffer_printf(operate_call_reply(call),
			     "%s: the next version may be older than those before it; its sources are asked now\n",
			     copy->zone);
	operate_call_done(call, true);
}

void control_copy(void *ctx, struct operate_call *call, int argc, char **argv)
{
	static const struct {
		const char *word;
		void (*run)(struct copy *copy, struct operate_call *call);
	} verb[] = {{"refresh", refresh}, {"roll-back", roll_back}, {"accept-serial", accept_serial}};
	struct copy *copy;
	for (size_t i = 0; argc >= 2 && argc <= 3 && i < ARRAY_SIZE(verb); i++) {
		if (strcmp(argv[1], verb[i].word) != 0)
			continue;
		const char *wrong = copy_of(ctx, argc == 3 ? argv[2] : NULL, &copy);
		if (wrong != NULL)
			control_fail(call, wrong);
		else
			verb[i].run(copy, call);
		return;
	}
	control_fail(call, "usage: copy refresh|roll-back|accept-serial [ZONE]");
}
