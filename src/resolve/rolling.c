// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Trust anchors that roll, alive (RFC 5011): one engine of all asks each zone with anchors for its keys when the time has come
 * (section 2.3), or takes those of the root from its image, and hands them to the state machine of dnssec/.
 *
 * Times are those of the wall clock, so the timer never sleeps longer than an hour: a clock that is set meanwhile is noticed then.
 */
#include "trust.h"

#define ROLLING_SLEEP_MAX_S 3600
#define ROLLING_SLEEP_MIN_S 1
#define ROLLING_NEXT_MAX_S  (15 * 86400) /* RFC 5011 section 2.3: no zone is left alone for longer */
#define SIGNAL_INTERVAL_S                                                                                              \
	86400 /* RFC 8145 section 5.1: as often as keys are asked for, here half the TTL of the root's */

void resolve_rolling_start(struct resolve *engine)
{
	engine->anchors_timer = (struct timer){.kind = TIMER_ANCHORS};
	if (engine->settings.shared_anchors != NULL && engine->settings.anchors_lead && engine->settings.validate &&
	    resolve_timer_set(&engine->timers, &engine->anchors_timer, 0) < 0)
		counter_add(engine->counters, COUNTER_ANCHORS_UNANSWERED, 1);
}

/* ---- what came ---- */

static void tell(struct resolve *engine, const struct dnssec_rollover *rollover,
		 const struct dnssec_rollover_report *report, enum reason reason, const char *detail)
{
	struct resolve_action action = {.kind = RESOLVE_ANCHORS};
	action.anchors.state = arena_dup(&engine->step, rollover, sizeof *rollover);
	action.anchors.report = report == NULL ? NULL : arena_dup(&engine->step, report, sizeof *report);
	action.anchors.reason = reason;
	action.anchors.detail = detail;
	if (action.anchors.state != NULL && (report == NULL || action.anchors.report != NULL))
		resolve_action_add(engine, &action);
}

static void count(struct resolve *engine, const struct dnssec_rollover_report *report)
{
	counter_add(engine->counters, report->proved ? COUNTER_ANCHORS_PROVED : COUNTER_ANCHORS_BOGUS, 1);
	counter_add(engine->counters, COUNTER_ANCHORS_CHANGED, report->n);
}

/* With the lock held. */
static void take_set(struct resolve *engine, struct keyring_zone *zone, const struct rrset *set)
{
	struct resolve_anchors *anchors = engine->settings.shared_anchors;
	struct dnssec_rollover_report *report = arena_alloc0(&engine->step, sizeof *report);
	struct dnssec_policy policy = resolve_policy(engine);
	struct wire_rrset wire[2];
	int n = resolve_rrset_wire(&engine->step, set, engine->cache_ms, true, wire);
	if (report == NULL || n < 1 ||
	    dnssec_rollover_update(zone->rollover, &anchors->configured, &policy, wire, n > 1 ? wire[1].rdata : NULL,
				   n > 1 ? wire[1].count : 0, report) < 0)
		return;
	count(engine, report);
	if (report->n > 0 && resolve_keyring_renew(anchors) < 0)
		counter_add(engine->counters, COUNTER_ANCHORS_UNANSWERED, 1);
	tell(engine, zone->rollover, report, report->reason, NULL);
}

static struct keyring_zone *entry_find(struct resolve_anchors *anchors, const uint8_t *name)
{
	for (size_t i = 0; i < anchors->n; i++)
		if (anchors->zone[i].rollover != NULL && wire_name_equal(anchors->zone[i].name, name))
			return &anchors->zone[i];
	return NULL;
}

void resolve_rolling_take(struct resolve *engine, const uint8_t *name, const struct outcome *outcome)
{
	struct resolve_anchors *anchors = engine->settings.shared_anchors;
	const struct rrset *set = NULL;
	for (unsigned i = 0; i < outcome->n_answers && set == NULL; i++)
		if (outcome->answer[i]->type == WIRE_TYPE_DNSKEY && wire_name_equal(outcome->answer[i]->owner, name))
			set = outcome->answer[i];
	pthread_mutex_lock(&anchors->lock);
	struct keyring_zone *zone = entry_find(anchors, name); /* NULL: not configured any more */
	if (zone != NULL && set != NULL) {
		take_set(engine, zone, set);
	} else if (zone != NULL) {
		counter_add(engine->counters, COUNTER_ANCHORS_UNANSWERED, 1);
		tell(engine, zone->rollover, NULL,
		     outcome->reason == REASON_NONE ? REASON_DNSKEY_MISSING : outcome->reason, outcome->detail);
	}
	pthread_mutex_unlock(&anchors->lock);
}

/* ---- when to ask ---- */

static bool is_due(const struct resolve *engine, const struct keyring_zone *zone)
{
	int64_t now = engine->wall_ms / 1000;
	if (zone->rollover == NULL)
		return false;
	bool other_root = zone->name[0] == 0 && engine->root != NULL && image_serial(engine->root) != zone->root_serial;
	return !zone->asked || other_root || zone->rollover->next <= now ||
	       zone->rollover->next > now + ROLLING_NEXT_MAX_S; /* the clock was ahead when it was set */
}

/* The root's keys, from its image: no packet leaves. */
static void take_image(struct resolve *engine, struct keyring_zone *zone)
{
	struct ask ask = {
		.zone = zone->name, .qname = zone->name, .qtype = WIRE_TYPE_DNSKEY, .tcp = true, .root = true};
	struct reply reply;
	struct reading reading;
	zone->root_serial = image_serial(engine->root);
	if (resolve_root_read(engine, zone->name, WIRE_TYPE_DNSKEY, &ask, &reply, &reading) == 0 &&
	    reading.kind == READING_ANSWER)
		take_set(engine, zone, reading.answer[0]);
}

/* With the lock held. `ret_ask`: whom to ask without it. */
static bool zone_run(struct resolve *engine, struct keyring_zone *zone, bool *ret_signal)
{
	int64_t now = engine->wall_ms / 1000;
	bool here = zone->name[0] == 0 && engine->root != NULL, due = is_due(engine, zone);
	if (due) {
		zone->asked = true;
		dnssec_rollover_unanswered(zone->rollover, now); /* until there is an answer */
	}
	if (due && here)
		take_image(engine, zone);
	/* who has the root asks its servers nothing, so there is nothing to tell them, either */
	*ret_signal = engine->settings.live.key_tag_signal && !here &&
		      (zone->signal_next <= now || zone->signal_next > now + SIGNAL_INTERVAL_S);
	if (*ret_signal)
		zone->signal_next = now + SIGNAL_INTERVAL_S;
	return due && !here;
}

static int64_t sleep_s(const struct resolve *engine, const struct resolve_anchors *anchors)
{
	int64_t now = engine->wall_ms / 1000, left = ROLLING_SLEEP_MAX_S;
	for (size_t i = 0; i < anchors->n; i++) {
		const struct keyring_zone *zone = &anchors->zone[i];
		if (zone->rollover != NULL && zone->rollover->next - now < left)
			left = zone->rollover->next - now;
		if (engine->settings.live.key_tag_signal && zone->signal_next > 0 && zone->signal_next - now < left)
			left = zone->signal_next - now;
	}
	return left < ROLLING_SLEEP_MIN_S ? ROLLING_SLEEP_MIN_S : left;
}

void resolve_rolling_run(struct resolve *engine)
{
	struct resolve_anchors *anchors = engine->settings.shared_anchors;
	const uint8_t *ask[DNSSEC_ANCHORS_MAX], *signal[DNSSEC_ANCHORS_MAX];
	size_t n_ask = 0, n_signal = 0;
	pthread_mutex_lock(&anchors->lock);
	for (size_t i = 0; i < anchors->n; i++) {
		struct keyring_zone *zone = &anchors->zone[i];
		bool signals, asks = zone_run(engine, zone, &signals);
		const uint8_t *name = asks || signals ? arena_dup(&engine->step, zone->name, sizeof zone->name) : NULL;
		if (asks && name != NULL)
			ask[n_ask++] = name;
		if (signals && name != NULL)
			signal[n_signal++] = name;
	}
	int64_t wait_s = sleep_s(engine, anchors);
	pthread_mutex_unlock(&anchors->lock);
	resolve_anchors_sync(engine);
	for (size_t i = 0; i < n_ask; i++)
		if (!resolve_question_anchors(engine, ask[i], WIRE_TYPE_DNSKEY, true))
			counter_add(engine->counters, COUNTER_ANCHORS_UNANSWERED, 1);
	for (size_t i = 0; i < n_signal; i++)
		resolve_signal_send(engine, signal[i]);
	if (resolve_timer_set(&engine->timers, &engine->anchors_timer, engine->now_ms + wait_s * 1000) < 0)
		counter_add(engine->counters, COUNTER_ANCHORS_UNANSWERED, 1);
}
