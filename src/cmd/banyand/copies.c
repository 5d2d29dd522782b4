// SPDX-License-Identifier: GPL-3.0-or-later
/* Zones that come from sources: one copy machine for each, driven on the keeper's loop. */
#include "copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

struct pull_now copy_now(void)
{
	return (struct pull_now){.mono_ms = clock_mono_ms(), .wall_s = clock_wall_s()};
}

/* ---- life ---- */

void copy_free_if_done(struct copy *copy)
{
	if (!copy->closed || copy->storing || copy->give.running)
		return;
	copy_give_free(copy);
	copy_files_done(copy, &copy->files);
	copy_files_done(copy, &copy->again_files);
	keep_close(copy->keep);
	loaded_release(copy->fresh); /* it waited for the end of the reload that took the zone away */
	loaded_release(copy->current);
	pull_copy_free(copy->machine);
	dnssec_anchors_done(&copy->anchors);
	free(copy);
}

static void on_closed(uv_handle_t *handle)
{
	struct copy *copy = handle->data;
	copy->closed = true;
	copy_free_if_done(copy);
}

static void copy_drop(struct copy *copy)
{
	copy->gone = true;
	copy_abandon(copy);
	copy_job_end(&copy->again);
	copy_sources_done(copy);
	uv_close((uv_handle_t *)&copy->timer, on_closed);
}

static struct copy **find(struct keeper *keeper, bool is_root, const char *zone)
{
	struct copy **at = &keeper->copies;
	while (*at != NULL && ((*at)->is_root != is_root || strcasecmp((*at)->zone, zone) != 0))
		at = &(*at)->next;
	return at;
}

struct copy *copies_find(struct keeper *keeper, const char *zone)
{
	struct copy *copy = *find(keeper, zone == NULL, zone == NULL ? "." : zone);
	if (zone == NULL && copy == NULL) {
		copy = *find(keeper, false, ".");
		return copy != NULL && copy->for_resolver ? copy : NULL;
	}
	return copy;
}

static struct copy *copy_new(struct keeper *keeper, const struct copy_plan *plan)
{
	struct copy *copy = calloc(1, sizeof *copy);
	if (copy == NULL)
		return NULL;
	copy->keeper = keeper;
	copy->is_root = plan->is_root;
	copy->files = copy->again_files = copy_no_files;
	snprintf(copy->zone, sizeof copy->zone, "%s", plan->zone);
	(void)!wire_name_parse(plan->zone, copy->apex);
	wire_name_lower(copy->apex, copy->apex);
	uv_timer_init(&keeper->loop, &copy->timer);
	copy->timer.data = copy;
	copy->next = keeper->copies;
	keeper->copies = copy;
	return copy;
}

/* A zone without a place for its copies is of no use; the log says why. */
static struct copy *copy_begin(struct keeper *keeper, const struct config *config, const struct copy_plan *plan,
			       bool tell)
{
	struct copy *copy = copy_new(keeper, plan);
	char why[REFUSAL_TEXT_MAX];
	if (copy == NULL)
		return NULL;
	int rc = copies_store_path(config, plan, copy->store) ? 0 : BANYAN_ECONFIG;
	if (rc == 0)
		rc = copy_configure(copy, config, plan, why);
	if (rc == 0 && copy_store_open(copy, tell) == 0)
		return copy;
	if (rc < 0 && tell)
		log_error(STATION, "copy of %s: %s", copy->zone,
			  copy->store[0] == 0 ? "there is no folder for it" : why);
	keeper->copies = copy->next;
	copy_drop(copy);
	return NULL;
}

void copies_open(struct keeper *keeper, const struct config *config)
{
	struct copy_plan plan;
	for (size_t i = 0; copies_plan(config, i, &plan); i++)
		(void)copy_begin(keeper, config, &plan, false); /* it is tried again at once, and told of then */
}

struct loaded *copies_kept(struct keeper *keeper, const char *zone)
{
	struct copy *copy = copies_find(keeper, zone);
	if (copy == NULL || copy->current == NULL)
		return NULL;
	copy->current->users++;
	return copy->current;
}

/* ---- the machine ---- */

/* It changes when the wall clock is set. */
static int64_t off_s(struct pull_now now)
{
	return now.wall_s - now.mono_ms / 1000;
}

static void on_timer(uv_timer_t *timer)
{
	copy_tell_kind(timer->data, PULL_EVENT_TIME);
}

/* Once, and not again for each round that fails. */
static void empty_tell(struct copy *copy, const struct pull_copy_status *status)
{
	if (status->state != PULL_EMPTY)
		copy->told_empty = false;
	if (status->state != PULL_EMPTY || copy->told_empty || status->why[0] == 0)
		return;
	copy->told_empty = true;
	bool fallback = swap_read(&copy->keeper->swap)->config->root.fallback;
	log_warning(STATION, "copy of %s: there is none yet: %s; %s, and it is tried again", copy->zone, status->why,
		    !copy->for_resolver ? "its names get SERVFAIL"
		    : fallback          ? "the root servers are asked"
					: "nothing can be resolved");
}

/* What clients profit from: not that all is well. */
static enum reason trouble_of(enum pull_state state)
{
	switch (state) {
	case PULL_EMPTY:
		return REASON_COPY_EMPTY;
	case PULL_CURRENT:
		return REASON_NONE;
	case PULL_LAGGING:
		return REASON_COPY_LAGGING;
	case PULL_HELD:
		return REASON_COPY_HELD;
	case PULL_EXPIRED:
		return REASON_COPY_EXPIRED;
	case PULL_EARLY:
		return REASON_COPY_EARLY;
	}
	return REASON_NONE;
}

/* What may not be used any more goes out of use, and comes back when a source confirms it after all. */
static void use_look(struct copy *copy)
{
	struct pull_copy_status status;
	pull_copy_status(copy->machine, copy_now(), &status);
	empty_tell(copy, &status);
	bool ended = status.have && !status.usable;
	if (copy->current != NULL)
		atomic_store(&copy->current->until_s, status.usable_until);
	bool use_changes = copy->current != NULL && ended != copy->ended;
	copy->trouble = trouble_of(status.state);
	if (copy->keeper->reloading || (!use_changes && copy->trouble == copy->trouble_told))
		return;
	copy->ended = use_changes ? ended : copy->ended;
	if (copy_publish(copy, NULL) < 0 && use_changes)
		copy->ended = !ended; /* at the next look */
}

void copy_tell(struct copy *copy, const struct pull_event *event)
{
	struct pull_actions actions;
	struct pull_now now = copy_now();
	if (copy->gone || copy->machine == NULL)
		return;
	pull_copy_step(copy->machine, event, now, &actions);
	copy->looked_ms = now.mono_ms;
	copy->looked_off_s = off_s(now);
	int64_t in_ms = actions.wake_ms - now.mono_ms;
	uv_timer_start(&copy->timer, on_timer, in_ms > 0 ? (uint64_t)in_ms : 1, 0);
	copy_carry_out(copy, &actions);
	if (!copy->gone)
		use_look(copy);
}

void copy_tell_kind(struct copy *copy, enum pull_event_kind kind)
{
	copy_tell(copy, &(struct pull_event){.kind = kind});
}

static int machine_start(struct copy *copy, const struct copy_plan *plan)
{
	struct pull_copy_settings settings;
	struct pull_event event = {.kind = PULL_EVENT_START};
	struct pull_version version;
	struct pull_copy_source traits[PULL_SOURCES_MAX];
	for (size_t i = 0; i < copy->n_sources; i++)
		traits[i] = pull_source_traits(&copy->source[i]->source);
	copy_settings(copy, plan, &settings);
	int rc = pull_copy_new(&settings, traits, copy->n_sources, &copy->machine);
	if (rc < 0)
		return rc;
	copy_store_start(copy, &event, &version);
	event.kind = copy_is_held(copy) ? PULL_EVENT_ROLLED_BACK : PULL_EVENT_START;
	copy_tell(copy, &event);
	copy_register_begin(copy);
	copy_prove_again(copy);
	return 0;
}

/* ---- what is configured ---- */

static bool store_moved(const struct copy *copy, const struct config *config, const struct copy_plan *plan)
{
	char store[PATH_MAX];
	return !copies_store_path(config, plan, store) || strcmp(store, copy->store) != 0;
}

/* One that stays: what it has stays, too. */
static void copy_renew(struct copy *copy, const struct config *config, const struct copy_plan *plan)
{
	struct pull_copy_settings settings;
	char why[REFUSAL_TEXT_MAX];
	copy_settings(copy, plan, &settings);
	pull_copy_set(copy->machine, &settings);
	int rc = copy_configure(copy, config, plan, why);
	if (rc < 0)
		log_error(STATION, "copy of %s: its sources stay as they were: %s", copy->zone, why);
	copy_tell_kind(copy, PULL_EVENT_ANCHORS); /* perhaps */
	copy_prove_look(copy);
	if (copy_publish(copy, NULL) < 0)
		log_error(STATION, "copy of %s: out of memory", copy->zone);
}

static void adopt_one(struct keeper *keeper, const struct config *config, const struct copy_plan *plan)
{
	struct copy *copy = *find(keeper, plan->is_root, plan->zone);
	bool there = copy != NULL;
	if (copy == NULL)
		copy = copy_begin(keeper, config, plan, true);
	if (copy == NULL)
		return;
	if (!there && copy->current != NULL && copy_publish(copy, NULL) < 0)
		log_error(STATION, "copy of %s: out of memory", copy->zone);
	if (copy->machine != NULL)
		copy_renew(copy, config, plan);
	else if (machine_start(copy, plan) < 0)
		log_error(STATION, "copy of %s: out of memory", copy->zone);
	copy_give_look(copy);
	copy_publish_look(copy);
	copy_lists_look(copy);
}

static bool is_planned(const struct config *config, const struct copy *copy)
{
	struct copy_plan plan;
	for (size_t i = 0; copies_plan(config, i, &plan); i++)
		if (plan.is_root == copy->is_root && strcasecmp(plan.zone, copy->zone) == 0)
			return !store_moved(copy, config, &plan);
	return false;
}

void copies_adopt(struct keeper *keeper)
{
	const struct config *config = swap_read(&keeper->swap)->config;
	struct copy_plan plan;
	for (struct copy **at = &keeper->copies; *at != NULL;) {
		struct copy *copy = *at;
		if (is_planned(config, copy)) {
			at = &copy->next;
			continue;
		}
		*at = copy->next;
		copy_drop(copy);
	}
	for (size_t i = 0; copies_plan(config, i, &plan); i++)
		adopt_one(keeper, config, &plan);
}

void copies_look(struct keeper *keeper)
{
	struct pull_now now = copy_now();
	copies_anchors_look(keeper);
	for (struct copy *copy = keeper->copies; copy != NULL; copy = copy->next) {
		copy_again_look(copy);
		if (now.mono_ms - copy->looked_ms >= COPY_LOOK_MS || llabs(off_s(now) - copy->looked_off_s) > 1)
			copy_tell_kind(copy, PULL_EVENT_TIME);
		copy_watch(copy);
		copy_lists_look(copy);
	}
}

void copies_end(struct keeper *keeper)
{
	while (keeper->copies != NULL) {
		struct copy *copy = keeper->copies;
		keeper->copies = copy->next;
		copy_drop(copy);
	}
}
