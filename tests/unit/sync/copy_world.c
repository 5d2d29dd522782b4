// SPDX-License-Identifier: GPL-3.0-or-later
/* The world around the copy machine. It holds at each step what must hold always: nothing unproved, older or expired comes into use, and what
 * is asked for is only asked for once. */
#include "copy_world.h"

#define PROBE_MS 20
#define FETCH_MS 900
#define PROVE_MS 150
#define STORE_MS 30
#define NEVER_MS ((int64_t)1 << 60)

struct pull_now world_now(const struct world *w)
{
	return (struct pull_now){.mono_ms = 5000 + w->ms, .wall_s = START_S + w->ms / 1000 + w->off_s};
}

uint64_t world_random(struct world *w, uint64_t bound)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (w->random >> 33) % bound;
}

struct world *world_new(const struct pull_copy_settings *settings, const enum conduct *conduct, size_t n)
{
	struct world *w = calloc(1, sizeof *w);
	struct pull_copy_source source[WORLD_SOURCES];
	assert_non_null(w);
	assert_true(n <= WORLD_SOURCES);
	w->settings = *settings;
	w->random = settings->seed * 2 + 1;
	w->timers = (struct pull_version){.refresh_s = 1800, .retry_s = 900, .expire_s = 7 * DAY_S};
	w->signed_s = 13 * DAY_S;
	w->n_sources = n;
	for (size_t i = 0; i < n; i++) {
		w->source[i].conduct = conduct[i];
		source[i] = (struct pull_copy_source){.cost = i % 3, .changes = i % 2 == 1};
	}
	assert_int_equal(pull_copy_new(settings, source, n, &w->copy), 0);
	return w;
}

void world_free(struct world *w)
{
	pull_copy_free(w->copy);
	free(w);
}

void world_publish(struct world *w, uint32_t serial)
{
	assert_true(w->n_versions < WORLD_VERSIONS);
	unsigned key = w->n_versions > 0 ? w->version[w->n_versions - 1].key : 0;
	w->version[w->n_versions++] = (struct version){.serial = serial, .at_s = w->ms / 1000, .key = key};
}

void world_publish_dated(struct world *w, uint32_t serial, int64_t from_s, int64_t until_s)
{
	world_publish(w, serial);
	w->version[w->n_versions - 1].from_s = from_s;
	w->version[w->n_versions - 1].until_s = until_s;
}

uint32_t world_newest(const struct world *w)
{
	return w->version[w->n_versions - 1].serial;
}

static const struct version *version_find(const struct world *w, uint32_t serial)
{
	for (size_t i = w->n_versions; i-- > 0;)
		if (w->version[i].serial == serial)
			return &w->version[i];
	return NULL;
}

static int64_t signed_until(const struct world *w, const struct version *version)
{
	return w->signed_s == 0 ? 0 : START_S + version->at_s + w->signed_s;
}

static struct pull_version facts_of(const struct world *w, const struct version *version)
{
	struct pull_version facts = w->timers;
	facts.serial = version->serial;
	facts.first_expiry = signed_until(w, version);
	if (version->until_s != 0) {
		facts.valid_from = START_S + version->from_s;
		facts.valid_until = START_S + version->until_s;
	}
	return facts;
}

/* ---- what sources have ---- */

static uint32_t source_serial(const struct world *w, const struct source *source)
{
	if (source->conduct == FROZEN)
		return source->serial;
	size_t at = w->n_versions - 1;
	while (at > 0 && w->version[at].at_s + source->behind_s > w->ms / 1000)
		at--;
	return w->version[at].serial;
}

static void later(struct world *w, int64_t ms, const struct pull_event *event, const struct pull_version *version)
{
	assert_true(w->n_pending < WORLD_EVENTS);
	struct pending *pending = &w->pending[w->n_pending++];
	*pending = (struct pending){.at_ms = ms >= NEVER_MS ? NEVER_MS : w->ms + ms, .event = *event};
	if (version != NULL)
		pending->version = *version;
}

static void on_probe(struct world *w, const struct pull_action *action)
{
	struct source *source = &w->source[action->source];
	struct pull_event event = {.kind = PULL_EVENT_PROBED,
				   .ticket = action->ticket,
				   .source = action->source,
				   .ms = PROBE_MS,
				   .expire_s = source->expire_s};
	source->probes++;
	w->probes++;
	w->hour_probes++;
	event.good = source->conduct != DOWN;
	event.has_serial = source->conduct != BLIND;
	event.serial = source_serial(w, source) + (source->conduct == LIAR ? 5 : 0);
	event.why = "connection refused";
	later(w, source->conduct == MUTE ? NEVER_MS : PROBE_MS, &event, NULL);
}

static void on_fetch(struct world *w, const struct pull_action *action)
{
	struct source *source = &w->source[action->source];
	struct pull_event event = {.kind = PULL_EVENT_FETCHED,
				   .ticket = action->ticket,
				   .source = action->source,
				   .ms = FETCH_MS,
				   .expire_s = source->soa_alone ? 0 : source->expire_s};
	source->fetches++;
	w->fetches++;
	w->hour_fetches++;
	w->candidate = source_serial(w, source);
	w->candidate_broken = source->conduct == BROKEN;
	event.why = "it broke off";
	event.fetched = source->conduct == DOWN                          ? PULL_FAILED
			: source->conduct == ONE_STEP && action->changes ? PULL_MISFIT
									 : PULL_GOT;
	later(w, source->conduct == STALLING || source->conduct == MUTE ? NEVER_MS : FETCH_MS, &event, NULL);
}

static void on_prove(struct world *w, const struct pull_action *action)
{
	const struct version *version = version_find(w, w->candidate);
	struct pull_now now = world_now(w);
	struct pull_event event = {.kind = PULL_EVENT_PROVED, .ticket = action->ticket, .source = action->source};
	assert_non_null(version);
	const struct pull_version found = facts_of(w, version);
	bool in_time =
		w->signed_s == 0 || (now.wall_s < found.first_expiry && now.wall_s >= START_S + version->at_s - DAY_S);
	event.verdict = w->candidate_broken || version->key > w->anchors || !in_time ? PULL_BAD : PULL_GOOD;
	event.why = w->candidate_broken ? "zonemd-mismatch" : in_time ? "no anchor fits" : "rrsig-expired";
	later(w, PROVE_MS, &event, &found);
}

static void on_adopt(struct world *w, const struct pull_action *action)
{
	const struct version *version = version_find(w, w->candidate);
	struct pull_event event = {.kind = PULL_EVENT_STORED, .ticket = action->ticket, .source = action->source};
	event.good = !w->store_full;
	event.why = "no space left on the device";
	w->candidate_ahead = action->ahead;
	assert_int_equal(action->ahead, w->have && version->until_s != 0 && !w->settings.no_dates &&
						world_now(w).wall_s < START_S + version->from_s);
	assert_false(w->candidate_broken);
	assert_true(version->key <= w->anchors);
	if (w->have && !w->may_be_older) {
		assert_true(sync_serial_newer(version->serial, w->in_use.serial));
		assert_true(version->serial == w->highest || sync_serial_newer(version->serial, w->highest));
	}
	later(w, STORE_MS, &event, NULL);
}

static void stored(struct world *w)
{
	const struct version *version = version_find(w, w->candidate);
	assert_true(w->n_kept < WORLD_VERSIONS);
	w->kept[w->n_kept++] = w->highest = version->serial;
	if (!w->candidate_ahead)
		w->in_use = facts_of(w, version);
	w->have = true;
	w->may_be_older = false;
	w->confirmed_s = w->ms / 1000;
	w->adopted++;
}

/* At once, as the daemon does it. */
static void on_turn(struct world *w, const struct pull_action *action)
{
	const struct version *version = version_find(w, action->serial);
	struct pull_event event = {.kind = PULL_EVENT_TURNED, .ticket = action->ticket};
	size_t i = 0;
	while (i < w->n_kept && w->kept[i] != action->serial)
		i++;
	assert_true(i < w->n_kept && version->until_s != 0); /* only what has been proved and stored */
	event.later = w->store_busy;
	event.good = !w->store_busy && !w->shelf_damaged;
	event.why = "the checksum of its image is wrong";
	if (event.good) {
		w->in_use = facts_of(w, version);
		w->turns++;
	} else if (!event.later) {
		memmove(&w->kept[i], &w->kept[i + 1], (w->n_kept - i - 1) * sizeof w->kept[0]);
		w->n_kept--;
	}
	world_tell(w, &event);
}

static void on_cancel(struct world *w, uint32_t ticket)
{
	for (size_t i = 0; i < w->n_pending; i++)
		if (w->pending[i].event.ticket == ticket) {
			w->pending[i] = w->pending[--w->n_pending];
			return;
		}
	fail_msg("what is cancelled is under way");
}

static void act(struct world *w, const struct pull_action *action)
{
	switch (action->kind) {
	case PULL_PROBE:
		on_probe(w, action);
		break;
	case PULL_FETCH:
		on_fetch(w, action);
		break;
	case PULL_PROVE:
		on_prove(w, action);
		break;
	case PULL_ADOPT:
		on_adopt(w, action);
		break;
	case PULL_TURN:
		on_turn(w, action);
		break;
	case PULL_DROP:
		w->drops++;
		break;
	case PULL_CANCEL:
		on_cancel(w, action->ticket);
		break;
	case PULL_STATE:
		assert_true(w->n_states < WORLD_STATES);
		w->state[w->n_states++] = action->state;
		memcpy(w->last_state, action->text, sizeof w->last_state);
		break;
	case PULL_NOTE:
		w->notes++;
		w->warnings += action->warning;
		memcpy(w->last_note, action->text, sizeof w->last_note);
		break;
	case PULL_CONFIRMED:
		w->confirmed_s = w->ms / 1000;
		break;
	}
}

static void hours(struct world *w)
{
	if (w->ms / 3600000 == w->hour)
		return;
	w->hour = w->ms / 3600000;
	if (w->hour_probes > w->hour_probes_most)
		w->hour_probes_most = w->hour_probes;
	if (w->hour_fetches > w->hour_fetches_most)
		w->hour_fetches_most = w->hour_fetches;
	w->hour_probes = w->hour_fetches = 0;
}

/* Whatever happens: no version is in use for longer than its SOA allows, counted in true time, nor with dead signatures by the clock. */
static void hold_always(const struct world *w)
{
	struct pull_copy_status status;
	pull_copy_status(w->copy, world_now(w), &status);
	if (w->have)
		assert_int_equal(status.version.serial, w->in_use.serial);
	if (!w->have || !status.usable)
		return;
	assert_true(status.state != PULL_EXPIRED && status.state != PULL_EARLY);
	if (w->in_use.valid_until != 0 && !w->settings.no_dates) {
		assert_true(world_now(w).wall_s >= w->in_use.valid_from);
		assert_true(world_now(w).wall_s < w->in_use.valid_until);
	}
	assert_true(w->ms / 1000 - w->confirmed_s <= w->in_use.expire_s);
	if (w->in_use.first_expiry != 0)
		assert_true(world_now(w).wall_s <= w->in_use.first_expiry);
}

void world_tell(struct world *w, const struct pull_event *event)
{
	struct pull_actions actions;
	hours(w);
	/* it wakes in time: nothing was used past its end between two steps */
	if (w->was_usable && w->was_off_s == w->off_s && w->in_use.valid_until != 0 && !w->settings.no_dates)
		assert_true(world_now(w).wall_s <= w->in_use.valid_until);
	pull_copy_step(w->copy, event, world_now(w), &actions);
	w->wake_ms = actions.wake_ms - 5000;
	assert_true(actions.n < PULL_ACTIONS_MAX);
	for (size_t i = 0; i < actions.n; i++)
		act(w, &actions.item[i]);
	hold_always(w);
	w->was_usable = w->have && world_usable(w);
	w->was_off_s = w->off_s;
}

void world_kind(struct world *w, enum pull_event_kind kind)
{
	world_tell(w, &(struct pull_event){.kind = kind});
}

void world_begin(struct world *w, const struct pull_version *version, int64_t confirmed_at)
{
	if (version != NULL) {
		w->have = true;
		w->in_use = *version;
		w->highest = version->serial;
		w->confirmed_s = confirmed_at - START_S;
	}
	world_tell(w, &(struct pull_event){.kind = PULL_EVENT_START, .version = version, .confirmed_at = confirmed_at});
}

void world_restart(struct world *w)
{
	struct pull_version shelf[PULL_SHELF_MAX];
	struct pull_copy_source source[WORLD_SOURCES];
	size_t n = 0;
	for (size_t i = w->n_kept; i-- > 0 && n < PULL_SHELF_MAX;) {
		const struct version *version = version_find(w, w->kept[i]);
		if (version->until_s != 0 && version->serial != w->in_use.serial)
			shelf[n++] = facts_of(w, version);
	}
	for (size_t i = 0; i < w->n_sources; i++)
		source[i] = (struct pull_copy_source){.cost = i % 3, .changes = i % 2 == 1};
	pull_copy_free(w->copy);
	w->n_pending = 0;
	assert_int_equal(pull_copy_new(&w->settings, source, w->n_sources, &w->copy), 0);
	const struct pull_version in_use = w->in_use;
	world_tell(w, &(struct pull_event){.kind = PULL_EVENT_START,
					   .version = w->have ? &in_use : NULL,
					   .confirmed_at = START_S + w->confirmed_s,
					   .has_floor = w->have,
					   .floor = w->highest,
					   .shelf = shelf,
					   .n_shelf = n});
}

bool world_usable(const struct world *w)
{
	struct pull_copy_status status;
	pull_copy_status(w->copy, world_now(w), &status);
	return status.usable;
}

static size_t first(const struct world *w)
{
	size_t at = 0;
	for (size_t i = 1; i < w->n_pending; i++)
		if (w->pending[i].at_ms < w->pending[at].at_ms)
			at = i;
	return at;
}

void world_run(struct world *w, int64_t seconds)
{
	int64_t end_ms = w->ms + seconds * 1000;
	size_t idle = 0;
	for (;;) {
		size_t at = first(w);
		int64_t next_ms =
			w->n_pending > 0 && w->pending[at].at_ms < w->wake_ms ? w->pending[at].at_ms : w->wake_ms;
		if (next_ms > end_ms)
			break;
		idle = next_ms > w->ms ? 0 : idle + 1;
		assert_true(idle < 100); /* it must not spin */
		w->ms = next_ms > w->ms ? next_ms : w->ms;
		if (w->n_pending > 0 && w->pending[at].at_ms <= w->ms) {
			struct pending pending = w->pending[at];
			w->pending[at] = w->pending[--w->n_pending];
			pending.event.version = pending.event.kind == PULL_EVENT_PROVED ? &pending.version : NULL;
			if (pending.event.kind == PULL_EVENT_STORED && pending.event.good)
				stored(w);
			world_tell(w, &pending.event);
		} else {
			world_kind(w, PULL_EVENT_TIME);
		}
	}
	w->ms = end_ms;
	world_kind(w, PULL_EVENT_TIME);
}

enum pull_state world_state(const struct world *w)
{
	struct pull_copy_status status;
	pull_copy_status(w->copy, world_now(w), &status);
	return status.state;
}

bool world_was(const struct world *w, enum pull_state state)
{
	for (size_t i = 0; i < w->n_states; i++)
		if (w->state[i] == state)
			return true;
	return false;
}

void world_forget(struct world *w)
{
	w->n_states = w->probes = w->fetches = w->drops = w->adopted = w->notes = w->warnings = 0;
	w->hour_probes = w->hour_fetches = w->hour_probes_most = w->hour_fetches_most = 0;
	w->hour = w->ms / 3600000;
}
