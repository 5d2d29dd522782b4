// SPDX-License-Identifier: GPL-3.0-or-later
/* A round: some sources are asked for their serial, one is fetched from, what came is proved and adopted. One that fails costs its turn. */
#include "copy.h"

#include <stdio.h>

#define FETCHES_ROUND_MAX                                                                                              \
	4 /* then the others wait for the next round: nothing that is broken everywhere is fetched from everybody */

/* While a version is put aside, one that may be used until its time must come soon, or it is of no use any more. */
#define ASIDE_FETCH_MS 300000u

static void decide(struct pull_copy *copy);

/* ---- its end ---- */

static void phase_set(struct pull_copy *copy, enum copy_phase phase, uint32_t time_ms)
{
	copy->phase = phase;
	copy->deadline_ms = copy_mono(copy) + time_ms;
}

/* Notifications that brought nothing make the next one wait longer. */
static void notify_wait(struct pull_copy *copy)
{
	if (copy->fruitful)
		copy->notify_wait_s = copy->settings.notify_min_s;
	else if (copy->by_notify && copy->notify_wait_s < copy->settings.notify_max_s)
		copy->notify_wait_s *= 2;
	if (copy->by_notify)
		copy->notify_ok_ms = copy_mono(copy) + (int64_t)copy->notify_wait_s * 1000;
}

/* What came up while it was under way (copy.c: look_again()): what was asked before that says little. */
static bool round_again(struct pull_copy *copy, bool good)
{
	if (!copy->again)
		return false;
	copy_forgive(copy, copy->again_all);
	copy->again = copy->again_all = false;
	copy->failures = 0;
	copy->refusal.is = copy->refusal.is && !good;
	copy->next_ms = copy_mono(copy);
	return true;
}

static void all_well(struct pull_copy *copy)
{
	copy->failures = 0;
	copy->refusal.is = false;
	copy_say(&copy->silence, "%s", "");
}

/* The round that was due anyway comes as it would have come: else one who stays behind, and says that he has news before each of them, keeps
 * us from ever asking the others. Only what this machine was not able to take is not put off until then: it is tried once more before. */
static void hinted_end(struct pull_copy *copy, bool good)
{
	int64_t wait_ms = copy_jittered_ms(copy, copy->settings.retry_min_s), token_ms = copy_fetch_token_ms(copy);
	if (good && copy->by_change)
		all_well(copy);
	if (token_ms > wait_ms)
		wait_ms = token_ms;
	if (copy->hindered && copy_mono(copy) + wait_ms < copy->next_ms)
		copy->next_ms = copy_mono(copy) + wait_ms;
}

static void round_end(struct pull_copy *copy, bool good)
{
	copy->phase = PHASE_IDLE;
	notify_wait(copy);
	if (round_again(copy, good))
		return;
	if (copy->hinted && !(good && copy->fruitful)) {
		hinted_end(copy, good);
		return;
	}
	copy->failures++;
	if (good)
		all_well(copy);
	copy->next_ms = copy_mono(copy) + copy_wait_ms(copy);
	if (!good && copy_fetch_token_ms(copy) > copy->next_ms - copy_mono(copy))
		copy->next_ms = copy_mono(copy) + copy_fetch_token_ms(copy);
}

static void round_hindered(struct pull_copy *copy)
{
	copy->hindered = true;
	round_end(copy, false);
}

static void cancel_probe(struct pull_copy *copy, size_t at)
{
	struct pull_action *action = copy_act(copy, PULL_CANCEL);
	action->ticket = copy->source[at].ticket;
	action->source = at;
	copy->source[at].ticket = 0;
	copy->pending--;
}

static void cancel_other(struct pull_copy *copy)
{
	struct pull_action *action = copy_act(copy, PULL_CANCEL);
	action->ticket = copy->ticket;
	action->source = copy->from;
	copy->ticket = 0;
}

void copy_round_drop(struct pull_copy *copy)
{
	for (size_t i = 0; i < copy->n_sources; i++)
		if (copy->source[i].ticket != 0)
			cancel_probe(copy, i);
	copy->pending = 0;
	if (copy->phase > PHASE_PROBING && copy->ticket != 0)
		cancel_other(copy);
	if (copy->phase > PHASE_FETCHING)
		copy_act(copy, PULL_DROP);
	if (copy->phase != PHASE_IDLE) {
		for (size_t i = 0; i < copy->n_sources; i++)
			copy_hint_back(&copy->source[i].hint, &copy->source[i].taken);
		copy_hint_back(&copy->hint, &copy->taken);
	}
	copy->phase = PHASE_IDLE;
	copy->again = copy->again_all = false;
}

/* ---- serials ---- */

static void probe(struct pull_copy *copy, size_t at)
{
	struct copy_source *source = &copy->source[at];
	struct pull_action *action = copy_act(copy, PULL_PROBE);
	copy_hint_take(&source->hint, &source->taken);
	if (source->taken.changed)
		copy_praise(copy, at); /* what was wrong with it was wrong with something else */
	source->ticket = action->ticket = copy_ticket(copy);
	source->answered = source->unknown = false;
	source->asked_ms = copy_mono(copy);
	action->source = at;
	action->serial = copy_top(copy);
	copy->asked |= (uint64_t)1 << at;
	copy->pending++;
	copy->sums.probes++;
}

static bool probe_more(struct pull_copy *copy)
{
	for (uint32_t n = 0; n < copy->settings.check_count; n++) {
		size_t at = copy_pick_probe(copy);
		if (at == PULL_NO_SOURCE)
			break;
		probe(copy, at);
	}
	if (copy->pending == 0)
		return false;
	phase_set(copy, PHASE_PROBING, copy->settings.probe_max_ms);
	return true;
}

static void round_new(struct pull_copy *copy)
{
	copy->begun = true;
	copy->begun_ms = copy_mono(copy);
	copy->asked = copy->fetched = 0;
	copy->n_fetches = 0;
	copy->aside = copy->aside_over = false;
	copy->round_confirmed = copy->round_failed = copy->fruitful = copy->hindered = false;
	copy->hinted = copy->by_notify = copy->by_change = false;
	copy->desperate = copy_all_benched(copy);
	copy->taken = (struct copy_hint){0};
	for (size_t i = 0; i < copy->n_sources; i++) {
		copy->source[i].answered = copy->source[i].unknown = false;
		copy->source[i].taken = (struct copy_hint){0};
	}
}

/* Whom the ranks say. */
static void round_begin(struct pull_copy *copy)
{
	round_new(copy);
	if (!probe_more(copy))
		round_end(copy, false);
}

/* All those who have something new, as they say, and nobody else: one who lies about that does not stand before the others. */
static void round_by_hints(struct pull_copy *copy)
{
	uint64_t sources;
	if (copy->phase != PHASE_IDLE || !copy_hints(copy, &sources))
		return;
	bool other = copy->hint.notified && copy_mono(copy) >= copy->notify_ok_ms;
	round_new(copy);
	copy->hinted = true;
	copy->by_notify = other;
	if (other)
		copy_hint_take(&copy->hint, &copy->taken);
	for (size_t i = 0; i < copy->n_sources && copy->pending < PULL_PROBES_MAX; i++) {
		if ((sources >> i & 1) == 0)
			continue;
		probe(copy, i);
		copy->by_notify = copy->by_notify || copy->source[i].taken.notified;
		copy->by_change = copy->by_change || copy->source[i].taken.changed;
	}
	if (copy->pending > 0)
		phase_set(copy, PHASE_PROBING, copy->settings.probe_max_ms);
	else if (!probe_more(copy))
		round_end(copy, false);
}

/* ---- what they say ---- */

static void confirm(struct pull_copy *copy, uint32_t source_expire_s)
{
	if (!copy->round_confirmed)
		copy_act(copy, PULL_CONFIRMED);
	copy->round_confirmed = true;
	copy_confirm(copy, source_expire_s);
}

static void serial_said(struct pull_copy *copy, struct copy_source *source, const struct pull_event *event)
{
	source->answered = source->has_serial = true;
	source->serial = event->serial;
	source->expire_s = event->expire_s == PULL_NO_EXPIRE ? 0 : event->expire_s;
	source->serial_ms = copy_mono(copy);
	source->unknown_since_ms = 0;
	if (copy_has(copy, event->serial))
		confirm(copy, event->expire_s);
}

static void serial_unknown(struct pull_copy *copy, struct copy_source *source)
{
	source->unknown = true;
	if (source->unknown_since_ms == 0)
		source->unknown_since_ms = copy_mono(copy);
}

void copy_probed(struct pull_copy *copy, const struct pull_event *event)
{
	if (event->source >= copy->n_sources || copy->source[event->source].ticket != event->ticket ||
	    event->ticket == 0)
		return;
	struct copy_source *source = &copy->source[event->source];
	source->ticket = 0;
	copy->pending--;
	if (!event->good) {
		copy->round_failed = true;
		copy_blame(copy, event->source, FAULT_SILENT, event->why);
		copy_say(&copy->silence, "%s", source->why == NULL ? "" : source->why);
	} else {
		copy_answers(copy, event->source);
		copy_smooth(&source->probe_ms, event->ms);
		if (event->has_serial)
			serial_said(copy, source, event);
		else
			serial_unknown(copy, source);
		copy_lag_look(copy, event->source);
	}
	if (copy->phase == PHASE_PROBING && copy->pending == 0)
		decide(copy);
}

static void probes_late(struct pull_copy *copy)
{
	for (size_t i = 0; i < copy->n_sources; i++) {
		if (copy->source[i].ticket == 0)
			continue;
		cancel_probe(copy, i);
		copy_blame(copy, i, FAULT_SILENT, "it does not say its serial in time");
		copy_say(&copy->silence, "it does not say its serial in time");
		copy->round_failed = true;
	}
	decide(copy);
}

/* ---- the fetch ---- */

static void fetch(struct pull_copy *copy, size_t at, bool changes)
{
	struct copy_source *source = &copy->source[at];
	if (!copy_fetch_token(copy)) {
		copy_say(&copy->silence, "%u downloads were begun within the hour, more are not allowed",
			 copy->settings.fetches_hour_max);
		round_hindered(copy);
		return;
	}
	struct pull_action *action = copy_act(copy, PULL_FETCH);
	copy->ticket = action->ticket = copy_ticket(copy);
	copy->from = action->source = at;
	copy->with_changes = action->changes = changes;
	action->serial = copy_top(copy);
	copy->claimed = source->serial;
	copy->from_unknown = !source->answered;
	copy->source_expire_s = source->answered ? source->expire_s : 0;
	copy->fetched |= (uint64_t)1 << at;
	copy->n_fetches++;
	copy->sums.fetches++;
	source->unknown_since_ms = 0;
	bool brief = copy->aside && copy->settings.fetch_max_ms > ASIDE_FETCH_MS;
	phase_set(copy, PHASE_FETCHING, brief ? ASIDE_FETCH_MS : copy->settings.fetch_max_ms);
}

static bool any_answered(const struct pull_copy *copy)
{
	for (size_t i = 0; i < copy->n_sources; i++)
		if (copy->source[i].answered)
			return true;
	return false;
}

/* Nobody has anything that may be used before: what was put aside is fetched once more, and waits here for its time. */
static size_t aside_again(struct pull_copy *copy)
{
	copy->aside = false;
	copy->aside_over = true;
	copy->fetched &= ~((uint64_t)1 << copy->aside_from);
	return copy_pick_fetch(copy);
}

/* The first thing that is to be done, now that no answer is waited for. */
static void decide(struct pull_copy *copy)
{
	bool enough = copy->n_fetches >= FETCHES_ROUND_MAX;
	size_t at = copy->held || enough ? PULL_NO_SOURCE : copy_pick_fetch(copy);
	if (at == PULL_NO_SOURCE && copy->aside) {
		if (probe_more(copy))
			return;
		at = aside_again(copy);
	}
	if (at != PULL_NO_SOURCE)
		fetch(copy, at, copy->have && copy->source[at].settings.changes && !copy->source[at].no_changes);
	else if (copy->round_confirmed && !copy->round_failed)
		round_end(copy, true);
	else if ((copy->hinted && !copy->round_failed) || enough || !probe_more(copy))
		round_end(copy, copy->round_confirmed || (copy->held && any_answered(copy)));
}

static void turn_lost(struct pull_copy *copy, enum pull_fault fault, const char *why)
{
	struct copy_source *source = &copy->source[copy->from];
	copy->round_failed = true;
	copy_blame(copy, copy->from, fault, why);
	copy_say(&copy->silence, "%s", source->why == NULL ? "" : source->why);
	decide(copy);
}

static void lied(struct pull_copy *copy, uint32_t serial)
{
	char why[SENTENCE_MAX];
	if (copy->from_unknown || serial == copy->claimed)
		snprintf(why, sizeof why, "it has serial %u, which is older than what was here already", serial);
	else
		snprintf(why, sizeof why, "it said serial %u and gave serial %u", copy->claimed, serial);
	copy->source[copy->from].serial = serial;
	copy_note(copy, copy->from, true, "%s", why);
	turn_lost(copy, FAULT_LIED, why);
}

/* Who could not say its serial has been asked by a fetch. */
static void learned(struct pull_copy *copy, uint32_t serial)
{
	struct copy_source *source = &copy->source[copy->from];
	copy_praise(copy, copy->from);
	source->unknown = false;
	source->has_serial = true;
	source->serial = serial;
	source->serial_ms = copy_mono(copy);
	if (copy_has(copy, serial))
		confirm(copy, copy->source_expire_s);
	copy_lag_look(copy, copy->from);
	decide(copy);
}

/* What came is not newer than what is here, or older than allowed. */
static void useless(struct pull_copy *copy, uint32_t serial)
{
	if (copy->from_unknown && copy->have && (serial == copy_top(copy) || sync_serial_newer(copy_top(copy), serial)))
		learned(copy, serial);
	else
		lied(copy, serial);
}

static bool is_awaited(const struct pull_copy *copy, enum copy_phase phase, const struct pull_event *event)
{
	return copy->phase == phase && event->ticket == copy->ticket;
}

static void got(struct pull_copy *copy, const struct pull_event *event)
{
	copy->fetch_ms = event->ms;
	if (event->expire_s != 0 &&
	    event->expire_s != PULL_NO_EXPIRE) /* else what it said when it was asked for its serial */
		copy->source_expire_s = event->expire_s;
	if (event->has_serial && !copy_serial_fits(copy, event->serial)) {
		copy_act(copy, PULL_DROP);
		useless(copy, event->serial);
		return;
	}
	struct pull_action *action = copy_act(copy, PULL_PROVE);
	copy->ticket = action->ticket = copy_ticket(copy);
	action->source = copy->from;
	action->changes = copy->with_changes;
	phase_set(copy, PHASE_PROVING, copy->settings.prove_max_ms);
}

static void fetch_whole(struct pull_copy *copy)
{
	copy->source[copy->from].no_changes = true; /* until a whole one has proved */
	fetch(copy, copy->from, false);
}

void copy_fetched(struct pull_copy *copy, const struct pull_event *event)
{
	if (!is_awaited(copy, PHASE_FETCHING, event))
		return;
	switch (event->fetched) {
	case PULL_GOT:
		got(copy, event);
		break;
	case PULL_UNCHANGED:
		if (copy->from_unknown && copy->have)
			learned(copy, copy_top(copy));
		else
			turn_lost(copy, FAULT_LIED, "it said a newer serial, but gives nothing newer");
		break;
	case PULL_MISFIT:
		if (copy->with_changes)
			fetch_whole(copy);
		else
			turn_lost(copy, FAULT_STALLED, event->why);
		break;
	case PULL_FAILED:
		turn_lost(copy, FAULT_STALLED, event->why);
		break;
	case PULL_NO_ROOM:
		copy_say(&copy->silence, "%s", event->why == NULL ? "" : event->why);
		round_hindered(copy);
		break;
	}
}

/* ---- the proof, and the store ---- */

static void refuse(struct pull_copy *copy, const char *why)
{
	copy->sums.refused++;
	copy->refusal.is = true;
	copy->refusal.serial = copy->claimed;
	copy_say(&copy->refusal.why, "%s", why == NULL || why[0] == 0 ? "it does not prove" : why);
	copy_note(copy, copy->from, true, "what it gave for serial %u is refused: %s", copy->claimed,
		  copy->refusal.why == NULL ? "" : copy->refusal.why);
	turn_lost(copy, FAULT_REFUSED, why);
}

static void adopt(struct pull_copy *copy)
{
	struct pull_action *action = copy_act(copy, PULL_ADOPT);
	copy->ticket = action->ticket = copy_ticket(copy);
	action->source = copy->from;
	action->ahead = copy->ahead = copy_store_ahead(copy);
	phase_set(copy, PHASE_STORING, copy->settings.prove_max_ms);
}

static bool all_asked(const struct pull_copy *copy)
{
	for (size_t i = 0; i < copy->n_sources; i++)
		if ((copy->asked >> i & 1) == 0 && copy->source[i].bench_ms <= copy_mono(copy))
			return false;
	return true;
}

/* Offered ahead of its time, and nothing that is here may be used until then: servers that keep to the dates have the version in force, and that one
 * comes first. This one is fetched again when it can be kept beside it. */
static bool put_aside(struct pull_copy *copy, const struct pull_version *version)
{
	bool in_need = !copy->have || copy_when(copy, &copy->version) > 0;
	if (copy->aside || copy->aside_over || !in_need || copy_when(copy, version) >= 0)
		return false;
	copy->aside = true;
	copy->aside_serial = version->serial;
	copy->aside_from = copy->from;
	if (all_asked(copy) && copy_pick_fetch(copy) == PULL_NO_SOURCE) {
		copy->aside = false;
		return false;
	}
	copy_act(copy, PULL_DROP);
	copy_praise(copy, copy->from);
	decide(copy);
	return true;
}

static void proved_good(struct pull_copy *copy, const struct pull_version *version)
{
	copy->candidate = *version;
	if (!copy_serial_fits(copy, version->serial)) {
		copy_act(copy, PULL_DROP);
		useless(copy, version->serial);
	} else if (version->first_expiry != 0 && version->first_expiry <= copy->now.wall_s) {
		copy_act(copy, PULL_DROP);
		refuse(copy, "its signatures have expired");
	} else if (copy_when(copy, version) > 0) {
		char why[SENTENCE_MAX], date[32];
		snprintf(why, sizeof why, "edition-ended: its time ended at %s",
			 clock_format(version->valid_until, date));
		copy_act(copy, PULL_DROP);
		refuse(copy, why);
	} else if (!put_aside(copy, version)) {
		adopt(copy);
	}
}

void copy_proved(struct pull_copy *copy, const struct pull_event *event)
{
	if (!is_awaited(copy, PHASE_PROVING, event))
		return;
	if (event->verdict == PULL_GOOD && event->version != NULL) {
		proved_good(copy, event->version);
		return;
	}
	copy_act(copy, PULL_DROP);
	if (event->verdict == PULL_CHANGES_MISFIT && copy->with_changes) {
		fetch_whole(copy);
	} else if (event->verdict == PULL_OURS) {
		copy_say(&copy->silence, "what came could not be looked at here: %s",
			 event->why == NULL ? "" : event->why);
		round_hindered(copy);
	} else {
		refuse(copy, event->why);
	}
}

static void source_proved(struct pull_copy *copy)
{
	struct copy_source *source = &copy->source[copy->from];
	copy_praise(copy, copy->from);
	copy_smooth(&source->fetch_ms, copy->fetch_ms);
	source->proved = source->has_serial = true;
	source->no_changes = false;
	source->serial = copy->candidate.serial;
	source->serial_ms = copy_mono(copy);
}

/* By the operator's word a version may be older than others that are kept: those are not to come back by their dates. */
static void candidate_place(struct pull_copy *copy)
{
	if (copy->have && !sync_serial_newer(copy->candidate.serial, copy_top(copy)))
		copy->n_shelf = 0;
	else if (copy->have && !copy->ahead)
		copy_shelf_add(copy, &copy->version);
	if (copy->ahead)
		copy_shelf_add(copy, &copy->candidate);
	else
		copy->version = copy->candidate;
}

static void in_use(struct pull_copy *copy)
{
	char date[32];
	candidate_place(copy);
	if (copy->ahead)
		copy_note(copy, copy->from, false, "serial %u is kept until its time begins, at %s",
			  copy->candidate.serial, clock_format(copy->candidate.valid_from, date));
	copy->have = copy->has_floor = true;
	copy->floor = copy->candidate.serial;
	copy->floor_off = copy->confirmed = copy->refusal.is = false;
	copy->sums.adopted++;
	copy->fruitful = copy->round_confirmed = true;
	copy->round_failed = false;
	if (copy->from < copy->n_sources) /* or it is not configured any more */
		source_proved(copy);
	copy_confirm(copy, copy->source_expire_s);
	for (size_t i = 0; i < copy->n_sources; i++)
		copy_lag_look(copy, i);
}

void copy_stored(struct pull_copy *copy, const struct pull_event *event)
{
	if (!is_awaited(copy, PHASE_STORING, event))
		return;
	if (!event->good) {
		copy_say(&copy->silence, "it cannot be stored: %s", event->why == NULL ? "" : event->why);
		round_hindered(copy);
		return;
	}
	in_use(copy);
	decide(copy);
}

/* ---- time ---- */

static void phase_late(struct pull_copy *copy)
{
	enum copy_phase phase = copy->phase;
	if (phase == PHASE_PROBING) {
		probes_late(copy);
		return;
	}
	cancel_other(copy);
	if (phase != PHASE_FETCHING)
		copy_act(copy, PULL_DROP);
	if (phase == PHASE_STORING) {
		copy_say(&copy->silence, "it is not stored in time");
		round_hindered(copy);
	} else {
		turn_lost(copy, phase == PHASE_FETCHING ? FAULT_STALLED : FAULT_REFUSED,
			  phase == PHASE_FETCHING ? "it does not come to an end" : "its proof does not come to an end");
	}
}

void copy_round_time(struct pull_copy *copy)
{
	int64_t now_ms = copy_mono(copy);
	if (copy->phase != PHASE_IDLE && now_ms >= copy->deadline_ms)
		phase_late(copy);
	if (copy->phase == PHASE_IDLE && copy->n_sources > 0 && now_ms >= copy->next_ms)
		round_begin(copy);
	round_by_hints(copy);
}
