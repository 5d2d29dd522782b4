// SPDX-License-Identifier: GPL-3.0-or-later
/* What all of it amounts to, in one word and a sentence; and which sources fall behind. */
#include "copy.h"

#include <stdio.h>
#include <string.h>

const char *pull_state_text(enum pull_state state)
{
	switch (state) {
	case PULL_EMPTY:
		return "empty";
	case PULL_CURRENT:
		return "current";
	case PULL_LAGGING:
		return "lagging";
	case PULL_HELD:
		return "held";
	case PULL_EXPIRED:
		return "expired";
	case PULL_EARLY:
		return "early";
	}
	return "?";
}

/* ---- sources that fall behind ---- */

void copy_lag_look(struct pull_copy *copy, size_t at)
{
	struct copy_source *source = &copy->source[at];
	if (!copy->have || !source->has_serial)
		return;
	int64_t now_ms = copy_mono(copy), grace_ms = (int64_t)copy_refresh_s(copy) * 1000;
	if (!sync_serial_newer(copy->version.serial, source->serial)) {
		if (source->lag_told)
			copy_note(copy, at, false, "it has caught up: serial %u", source->serial);
		source->lags_since_ms = 0;
		source->lag_told = false;
		return;
	}
	if (source->lags_since_ms == 0)
		source->lags_since_ms = now_ms > 0 ? now_ms : 1;
	/* only what it has said since then counts: it may have caught up */
	if (!source->lag_told && source->serial_ms - source->lags_since_ms >= grace_ms) {
		source->lag_told = true;
		copy_note(copy, at, true, "it lags: it still says serial %u, while serial %u is in use here",
			  source->serial, copy->version.serial);
	}
}

/* ---- the state ---- */

/* A source that is heard has something newer. */
static const struct copy_source *newer_claim(const struct pull_copy *copy)
{
	const struct copy_source *newest = NULL;
	for (size_t i = 0; i < copy->n_sources; i++) {
		const struct copy_source *source = &copy->source[i];
		if (source->has_serial && source->fault != FAULT_LIED &&
		    sync_serial_newer(source->serial, copy_top(copy)) &&
		    (newest == NULL || sync_serial_newer(source->serial, newest->serial)))
			newest = source;
	}
	return newest;
}

/* No source has what may be used: the newest of what they said. */
static const struct copy_source *older_claim(const struct pull_copy *copy)
{
	const struct copy_source *newest = NULL;
	for (size_t i = 0; i < copy->n_sources; i++) {
		const struct copy_source *source = &copy->source[i];
		if (source->has_serial && source->fault != FAULT_SILENT && copy->has_floor &&
		    !copy_has(copy, source->serial) && sync_serial_newer(copy->floor, source->serial) &&
		    (newest == NULL || sync_serial_newer(source->serial, newest->serial)))
			newest = source;
	}
	return newest;
}

static const char *silence(const struct pull_copy *copy)
{
	if (copy->n_sources == 0)
		return "there are no sources";
	return copy->silence == NULL ? "" : copy->silence;
}

/* What a sentence ends with: a colon stands only before a word, and a sentence without memory goes without. */
static const char *colon(const char *word)
{
	return word == NULL || word[0] == 0 ? "" : ": ";
}

static void refused_say(const struct pull_copy *copy, char why[SENTENCE_MAX])
{
	const char *word = copy->refusal.why == NULL ? "" : copy->refusal.why;
	snprintf(why, SENTENCE_MAX, "serial %u was refused%s%.180s", copy->refusal.serial, colon(word), word);
}

/* What is kept for later, as the end of a sentence. */
static const char *then(const struct pull_copy *copy, char out[96])
{
	const struct pull_version *next = copy_shelf_next(copy);
	char date[32];
	out[0] = 0;
	if (next != NULL)
		snprintf(out, 96, "; serial %u is kept, and its time begins at %s", next->serial,
			 clock_format(next->valid_from, date));
	return out;
}

static enum pull_state state_early(const struct pull_copy *copy, char why[SENTENCE_MAX])
{
	char from[32], now[32];
	snprintf(why, SENTENCE_MAX, "its time begins at %s, and the clock of this machine says %s",
		 clock_format(copy->version.valid_from, from), clock_format(copy->now.wall_s, now));
	return PULL_EARLY;
}

static enum pull_state state_expired(const struct pull_copy *copy, char why[SENTENCE_MAX])
{
	char when[32], span[32], next[96];
	if (copy_when(copy, &copy->version) > 0)
		snprintf(why, SENTENCE_MAX, "its time ended at %s, and the clock of this machine says %s%s",
			 clock_format(copy->version.valid_until, when), clock_format(copy->now.wall_s, span),
			 then(copy, next));
	else if (copy->version.first_expiry != 0 && copy->version.first_expiry <= copy->now.wall_s)
		snprintf(why, SENTENCE_MAX, "the first of its signatures ended at %s",
			 clock_format(copy->version.first_expiry, when));
	else
		snprintf(why, SENTENCE_MAX, "no source has confirmed it for %s, and the SOA allows %s",
			 clock_span(copy_silent_ms(copy) / 1000, span), clock_span(copy->limit_s, when));
	return PULL_EXPIRED;
}

static enum pull_state state_failing(const struct pull_copy *copy, char why[SENTENCE_MAX])
{
	const struct copy_source *newer = newer_claim(copy), *older = older_claim(copy);
	char span[32];
	if (copy->refusal.is) {
		refused_say(copy, why);
		return PULL_HELD;
	}
	if (newer != NULL) {
		snprintf(why, SENTENCE_MAX, "there is serial %u, which cannot be had%s%.180s", newer->serial,
			 colon(silence(copy)), silence(copy));
		return PULL_LAGGING;
	}
	if (older != NULL) {
		snprintf(why, SENTENCE_MAX, "the sources have older serials only (%u), and %u was in use already",
			 older->serial, copy->floor);
		return PULL_HELD;
	}
	snprintf(why, SENTENCE_MAX, "no source has confirmed it for %s%s%.180s",
		 clock_span(copy_silent_ms(copy) / 1000, span), colon(silence(copy)), silence(copy));
	return PULL_LAGGING;
}

/* Two refreshes in a row may go by without an answer before anything is said of it. */
static bool is_quiet(const struct pull_copy *copy)
{
	return copy_silent_ms(copy) > 2 * (int64_t)copy_refresh_s(copy) * 1000;
}

static enum pull_state state_of(const struct pull_copy *copy, char why[SENTENCE_MAX])
{
	why[0] = 0;
	if (!copy->have) {
		if (copy->refusal.is)
			refused_say(copy, why);
		else if (copy->failures > 0 || copy->n_sources == 0)
			snprintf(why, SENTENCE_MAX, "%s", silence(copy));
		return PULL_EMPTY;
	}
	if (copy_left_ms(copy) <= 0)
		return state_expired(copy, why);
	if (copy_when(copy, &copy->version) < 0)
		return state_early(copy, why);
	if (copy->held) {
		snprintf(why, SENTENCE_MAX, "the operator has rolled back to serial %u", copy->version.serial);
		return PULL_HELD;
	}
	if (copy->refusal.is || is_quiet(copy) || (copy->failures > 0 && newer_claim(copy) != NULL) ||
	    (copy->failures > 1 && older_claim(copy) != NULL))
		return state_failing(copy, why);
	return PULL_CURRENT;
}

static bool is_end(enum pull_state state)
{
	return state == PULL_EXPIRED || state == PULL_EARLY;
}

void copy_state_look(struct pull_copy *copy)
{
	char why[SENTENCE_MAX];
	enum pull_state state = state_of(copy, why), before = copy->state;
	/* what takes its place is on its way, or cannot be had: that shows at once */
	if (copy->turn_ticket != 0)
		return;
	/* while a round is under way nothing is bad that it may mend; an end that has come is one at once */
	bool ends = is_end(state) != is_end(before);
	if (copy->have && copy->phase != PHASE_IDLE && !ends && !is_end(state) && state != PULL_CURRENT)
		return;
	copy_say(&copy->why, "%s", why);
	if (copy->stated && state == before)
		return;
	copy->state = state;
	copy->stated = true;
	struct pull_action *action = copy_act(copy, PULL_STATE);
	action->state = state;
	action->before = before;
	memcpy(action->text, why, sizeof action->text);
}

/* ---- for whoever asks ---- */

void pull_copy_status(const struct pull_copy *copy, struct pull_now now, struct pull_copy_status *ret)
{
	*ret = (struct pull_copy_status){
		.probes = copy->sums.probes,
		.fetches = copy->sums.fetches,
		.adopted = copy->sums.adopted,
		.refused = copy->sums.refused,
		.notifies = copy->sums.notifies,
	};
	ret->state = copy->state;
	ret->why = copy->why == NULL ? "" : copy->why;
	ret->have = copy->have;
	ret->usable = copy->have && copy_left_ms(copy) > 0 && copy_when(copy, &copy->version) == 0;
	ret->version = copy->version;
	ret->confirmed_at = copy->confirmed ? copy->confirmed_s : 0;
	ret->usable_until = copy->have ? copy->now.wall_s + copy_left_ms(copy) / 1000 : 0;
	ret->next_round_ms = copy->phase != PHASE_IDLE      ? 0
			     : copy->next_ms <= now.mono_ms ? 1
							    : copy->next_ms - now.mono_ms;
	const struct pull_version *next = copy_shelf_next(copy);
	ret->has_next = next != NULL;
	ret->next = next != NULL ? *next : (struct pull_version){0};
	ret->has_floor = copy->has_floor;
	ret->floor = copy->floor;
	ret->failures = copy->failures;
}

static int64_t still_ms(int64_t until_ms, int64_t now_ms)
{
	return until_ms > now_ms ? until_ms - now_ms : 0;
}

void pull_copy_source_status(const struct pull_copy *copy, size_t at, struct pull_now now,
			     struct pull_source_status *ret)
{
	const struct copy_source *source = &copy->source[at];
	int64_t bench_ms = still_ms(source->bench_ms, now.mono_ms), shun_ms = still_ms(source->shun_ms, now.mono_ms);
	*ret = (struct pull_source_status){
		.has_serial = source->has_serial,
		.serial = source->serial,
		.seen_ms = source->has_serial ? now.mono_ms - source->serial_ms : -1,
		.lags = source->lag_told,
		.failures = source->failures,
		.benched_ms = bench_ms > shun_ms ? bench_ms : shun_ms,
		.probe_ms = source->probe_ms,
		.fetch_ms = source->fetch_ms,
		.proved = source->proved,
		.why = source->why == NULL ? "" : source->why,
	};
	if (copy->have && source->has_serial)
		ret->behind = (int32_t)(copy->version.serial - source->serial);
}
