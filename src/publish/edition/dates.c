// SPDX-License-Identifier: GPL-3.0-or-later
/* Versions by the clock: which is due, and does all that a version hangs from outlive it? */
#include "private.h"

#include <inttypes.h>

struct publish_schedule edition_schedule(const struct edition_settings *settings)
{
	return (struct publish_schedule){.interval_s = settings->schedule.every_s,
					 .ahead_s = settings->schedule.ahead_s,
					 .valid_s = settings->schedule.valid_s};
}

int64_t edition_schedule_held_s(const struct edition_settings *settings)
{
	const struct publish_schedule schedule = edition_schedule(settings);
	return settings->scheduled ? publish_schedule_held_s(&schedule) : 0;
}

/* Nothing is signed anew in a version that is out: all its signatures outlive it. */
static const char *too_short(const struct edition_settings *settings, int64_t held_s)
{
	const struct make_signing *s = &settings->signing;
	uint32_t shortest_s = s->validity_s < s->validity_dnskey_s ? s->validity_s : s->validity_dnskey_s;
	if ((int64_t)shortest_s - s->jitter_s <= held_s)
		return "signing.validity and signing.validity-keys, less signing.jitter,";
	if (settings->keys.offline && settings->keys.validity_s - settings->keys.slot_s < held_s)
		return "signing.validity-keys, less keys.slot,";
	return NULL;
}

int edition_schedule_check(const struct edition_settings *settings, char ret_why[EDITION_WHY_MAX])
{
	const struct publish_schedule schedule = edition_schedule(settings);
	int64_t held_s = publish_schedule_held_s(&schedule);
	char why[PUBLISH_SCHEDULE_WHY_MAX];
	if (!settings->scheduled)
		return 0;
	if (publish_schedule_check(&schedule, why) < 0)
		return edition_why(ret_why, BANYAN_EINVAL, "%s", why);
	const char *what = too_short(settings, held_s);
	if (what == NULL)
		return 0;
	return edition_why(
		ret_why, BANYAN_EINVAL,
		"the signatures of a version must outlive it: %s must be longer than %" PRId64
		" s, so long before its end a version is made (ahead, valid, and an hour for clocks that are "
		"behind)",
		what, held_s);
}

/* What is offered ahead, unless there would be nothing to use until its time: before the first one of all, or when the publisher was away for
 * longer than what is out is valid. Then what is to be used now comes first. */
struct publish_version edition_version_due(const struct edition *e, int64_t now)
{
	struct publish_schedule schedule = edition_schedule(e->settings);
	struct publish_version due;
	publish_schedule_due(&schedule, now, &due);
	if (!e->state.have || e->state.valid_until < due.valid_from)
		publish_schedule_current(&schedule, now, &due);
	return due;
}
