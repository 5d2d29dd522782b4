// SPDX-License-Identifier: GPL-3.0-or-later
/* The copy machine: its life, and what each event leads to. */
#include "copy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- what comes out ---- */

/* PULL_ACTIONS_MAX leaves room for all that one step can lead to; what would not fit is only ever a sentence. */
struct pull_action *copy_act(struct pull_copy *copy, enum pull_action_kind kind)
{
	static struct pull_action spare;
	struct pull_action *action = copy->out->n < PULL_ACTIONS_MAX ? &copy->out->item[copy->out->n++] : &spare;
	*action = (struct pull_action){.kind = kind, .source = PULL_NO_SOURCE, .have = copy->have};
	if (copy->have)
		action->serial = copy->version.serial;
	return action;
}

void copy_note(struct pull_copy *copy, size_t source, bool warning, const char *format, ...)
{
	va_list args;
	if (copy->out->n + PULL_PROBES_MAX + 4 > PULL_ACTIONS_MAX)
		return; /* what is to be done comes first */
	struct pull_action *action = copy_act(copy, PULL_NOTE);
	action->source = source;
	action->warning = warning;
	va_start(args, format);
	vsnprintf(action->text, sizeof action->text, format, args);
	va_end(args);
}

void copy_say(char **text, const char *format, ...)
{
	char sentence[SENTENCE_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	if (*text != NULL && strcmp(*text, sentence) == 0)
		return;
	free(*text);
	*text = sentence[0] == 0 ? NULL : strdup(sentence);
}

uint32_t copy_ticket(struct pull_copy *copy)
{
	if (++copy->tickets == 0)
		copy->tickets = 1;
	return copy->tickets;
}

/* splitmix64: nobody gains by guessing when we ask whom. */
uint64_t copy_random(struct pull_copy *copy, uint64_t bound)
{
	uint64_t z = (copy->random += 0x9e3779b97f4a7c15u);
	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
	return (z ^ (z >> 31)) % bound;
}

/* ---- life ---- */

static uint32_t or_default(uint32_t value, uint32_t fallback)
{
	return value != 0 ? value : fallback;
}

void pull_copy_set(struct pull_copy *copy, const struct pull_copy_settings *settings)
{
	struct pull_copy_settings *s = &copy->settings;
	*s = *settings;
	s->refresh_min_s = or_default(s->refresh_min_s, PULL_REFRESH_MIN_S);
	s->refresh_max_s = or_default(s->refresh_max_s, PULL_REFRESH_MAX_S);
	s->retry_min_s = or_default(s->retry_min_s, PULL_RETRY_MIN_S);
	s->check_count = or_default(s->check_count, PULL_CHECK_COUNT);
	s->notify_min_s = or_default(s->notify_min_s, PULL_NOTIFY_MIN_S);
	s->notify_max_s = or_default(s->notify_max_s, PULL_NOTIFY_MAX_S);
	s->fetches_hour_max = or_default(s->fetches_hour_max, PULL_FETCHES_HOUR_MAX);
	s->probe_max_ms = or_default(s->probe_max_ms, PULL_PROBE_MAX_MS);
	s->fetch_max_ms = or_default(s->fetch_max_ms, PULL_FETCH_MAX_MS);
	s->prove_max_ms = or_default(s->prove_max_ms, PULL_PROVE_MAX_MS);
	if (s->check_count > PULL_PROBES_MAX)
		s->check_count = PULL_PROBES_MAX;
	if (s->refresh_max_s < s->refresh_min_s)
		s->refresh_max_s = s->refresh_min_s;
	copy->notify_wait_s = s->notify_min_s;
}

static void sources_free(struct copy_source *source, size_t n)
{
	for (size_t i = 0; source != NULL && i < n; i++)
		free(source[i].why);
	free(source);
}

int pull_copy_new(const struct pull_copy_settings *settings, const struct pull_copy_source *source, size_t n,
		  struct pull_copy **ret)
{
	struct pull_copy *copy = calloc(1, sizeof *copy);
	if (copy == NULL)
		return BANYAN_ENOMEM;
	pull_copy_set(copy, settings);
	copy->random = settings->seed;
	copy->fetch_tokens = copy->settings.fetches_hour_max;
	int rc = pull_copy_sources(copy, source, NULL, n);
	if (rc < 0) {
		pull_copy_free(copy);
		return rc;
	}
	*ret = copy;
	return 0;
}

void pull_copy_free(struct pull_copy *copy)
{
	if (copy == NULL)
		return;
	sources_free(copy->source, copy->n_sources);
	free(copy->shelf);
	free(copy->why);
	free(copy->silence);
	free(copy->refusal.why);
	free(copy);
}

int pull_copy_sources(struct pull_copy *copy, const struct pull_copy_source *source, const size_t *was, size_t n)
{
	if (n > PULL_SOURCES_MAX)
		return BANYAN_ELIMIT;
	struct copy_source *fresh = calloc(n + 1, sizeof *fresh);
	size_t from = PULL_NO_SOURCE;
	if (fresh == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		if (was != NULL && was[i] < copy->n_sources) {
			fresh[i] = copy->source[was[i]];
			copy->source[was[i]].why = NULL;
		}
		fresh[i].settings = source[i];
		fresh[i].no_changes = false;
		from = was != NULL && was[i] == copy->from ? i : from;
	}
	copy->from = from;
	sources_free(copy->source, copy->n_sources);
	copy->source = fresh;
	copy->n_sources = n;
	return 0;
}

/* ---- events ---- */

static void version_take(struct pull_copy *copy, const struct pull_event *event)
{
	copy->have = event->version != NULL;
	copy->has_floor = event->has_floor;
	copy->floor = event->floor;
	copy->confirmed = false;
	copy->refusal.is = false;
	copy_shelf_take(copy, event);
	if (event->version == NULL)
		return;
	copy->version = *event->version;
	if (!copy->has_floor || sync_serial_newer(copy->version.serial, copy->floor)) {
		copy->has_floor = true;
		copy->floor = copy->version.serial;
	}
	/* who does not know since when counts from now; so does who knows a date that lies ahead, until the clock has come there: it may have been set
	 * right since then, or be wrong now */
	int64_t ago = event->confirmed_at != 0 ? copy->now.wall_s - event->confirmed_at : 0;
	copy->confirmed = true;
	copy->confirmed_ms = copy->now.mono_ms - (ago > 0 ? ago : 0) * 1000;
	copy->confirmed_s = event->confirmed_at != 0 ? event->confirmed_at : copy->now.wall_s;
	copy->limit_s = copy->version.expire_s;
}

static void on_start(struct pull_copy *copy, const struct pull_event *event)
{
	copy_round_drop(copy);
	version_take(copy, event);
	int64_t due_ms = copy->now.mono_ms;
	if (copy->have && copy_left_ms(copy) > 0) /* no faster than the SOA says, over restarts as well */
		due_ms = copy->confirmed_ms + copy_jittered_ms(copy, copy_refresh_s(copy));
	copy->next_ms = due_ms > copy->now.mono_ms ? due_ms : copy->now.mono_ms;
}

static void on_rolled_back(struct pull_copy *copy, const struct pull_event *event)
{
	copy_round_drop(copy);
	version_take(copy, event);
	copy->held = true;
	copy->next_ms = copy->now.mono_ms + copy_jittered_ms(copy, copy_refresh_s(copy));
}

/* Something has changed that may make good what was bad: look at once. */
static void look_again(struct pull_copy *copy, bool all)
{
	copy_forgive(copy, all);
	copy->failures = 0;
	if (copy->fetch_tokens < 1)
		copy->fetch_tokens = 1;
	if (copy->phase == PHASE_IDLE) {
		copy->next_ms = copy->now.mono_ms;
	} else {
		copy->again = true;
		copy->again_all = copy->again_all || all;
	}
}

static void on_refresh(struct pull_copy *copy)
{
	copy->held = false;
	if (copy->phase <= PHASE_FETCHING) /* what is here already is looked at to its end */
		copy_round_drop(copy);
	look_again(copy, true);
}

static void on_sources(struct pull_copy *copy)
{
	if (copy->phase == PHASE_STORING) { /* that comes to its end; then those of today are asked */
		copy->again = true;
		return;
	}
	copy_round_drop(copy);
	copy->next_ms = copy->now.mono_ms;
}

static void on_event(struct pull_copy *copy, const struct pull_event *event)
{
	switch (event->kind) {
	case PULL_EVENT_START:
		on_start(copy, event);
		break;
	case PULL_EVENT_TIME:
		break;
	case PULL_EVENT_PROBED:
		copy_probed(copy, event);
		break;
	case PULL_EVENT_FETCHED:
		copy_fetched(copy, event);
		break;
	case PULL_EVENT_PROVED:
		copy_proved(copy, event);
		break;
	case PULL_EVENT_STORED:
		copy_stored(copy, event);
		break;
	case PULL_EVENT_TURNED:
		copy_turned(copy, event);
		break;
	case PULL_EVENT_NOTIFIED:
		copy_notified(copy, event);
		break;
	case PULL_EVENT_CHANGED:
		copy_changed(copy, event);
		break;
	case PULL_EVENT_REFRESH:
		on_refresh(copy);
		break;
	case PULL_EVENT_ROLLED_BACK:
		on_rolled_back(copy, event);
		break;
	case PULL_EVENT_ACCEPT_SERIAL:
		copy->floor_off = true;
		look_again(copy, true);
		break;
	case PULL_EVENT_ANCHORS:
		look_again(copy, false);
		break;
	case PULL_EVENT_SOURCES:
		on_sources(copy);
		break;
	}
}

void pull_copy_step(struct pull_copy *copy, const struct pull_event *event, struct pull_now now,
		    struct pull_actions *ret)
{
	ret->n = 0;
	copy->out = ret;
	copy_clock(copy, now);
	on_event(copy, event);
	copy_turn_look(copy);
	copy_round_time(copy);
	copy_state_look(copy);
	copy_wake(copy);
	copy->out = NULL;
}
