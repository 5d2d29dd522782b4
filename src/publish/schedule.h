// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * schedule - versions of a zone by the clock: one every so often, offered ahead of its time, valid for longer than one interval.
 *
 * Which version is due is a function of the time alone, so that two publishers, or one that was away, come to the same. By default a version
 * begins each midnight (UTC), is offered two hours before that and valid for 48 hours: whoever looks at least every two hours
 * always has the one that is due, nobody has to be told of it, and a day without any source is a day without any harm.
 *
 * Example:
 *
 *	struct publish_schedule schedule = {0};
 *	struct publish_version version;
 *	publish_schedule_due(&schedule, clock_wall_s(), &version);
 *	publish_schedule_serial(&schedule, &version, &serial_before, &serial);
 *	publish_schedule_edition(&version, "open", &edition);   // the words of its apex TXT
 *	wake_at(publish_schedule_next(&schedule, clock_wall_s()));
 */
#pragma once

#include "zone/zone.h"

#define PUBLISH_SCHEDULE_INTERVAL_S 86400u /* one version a day */
#define PUBLISH_SCHEDULE_AHEAD_S    7200u  /* offered two hours before its time: four refreshes of the root's SOA */
/* Valid for two of them, 48 hours: the one before it holds for a day more. */
#define PUBLISH_SCHEDULE_SKEW_S                                                                                        \
	3600u /* by which clocks of others may be off: signatures begin so much before it is offered */
#define PUBLISH_SCHEDULE_WHY_MAX 240 /* bytes of a sentence */

struct publish_schedule {
	int64_t epoch_s; /* UNIX seconds: a version begins at this time and at each whole number of intervals from it */
	uint32_t interval_s; /* 0 = the default above */
	uint32_t ahead_s;    /* 0 = none, or the default if the interval is the default, too */
	uint32_t valid_s;    /* 0 = two intervals */
	uint32_t skew_s;     /* 0 = the default */
};

struct publish_version {
	int64_t number;                              /* intervals from the epoch; less than 0 before it */
	int64_t offered_at, valid_from, valid_until; /* UNIX seconds */
	int64_t signed_from, signed_until;           /* what its signatures must hold for */
};

/* BANYAN_EINVAL: with it there would be times without a valid version, or none that is offered; `why` says what to change. */
int publish_schedule_check(const struct publish_schedule *schedule, char why[PUBLISH_SCHEDULE_WHY_MAX]) _must_use_;
/* The newest that is to be offered at this time. */
void publish_schedule_due(const struct publish_schedule *schedule, int64_t now, struct publish_version *ret);
/* The one that clients use at this time: the newest whose time has begun. */
void publish_schedule_current(const struct publish_schedule *schedule, int64_t now, struct publish_version *ret);
/* For how long after a version is offered an older one may still be used somewhere: one that it corrects, by a clock that is behind. So long a
 * key that came with it is not known everywhere, and one that went with it is still needed. */
int64_t publish_schedule_held_s(const struct publish_schedule *schedule);
/* When the next one is to be offered: later than `now`. */
int64_t publish_schedule_next(const struct publish_schedule *schedule, int64_t now);
/* YYYYMMDDnn of the day on which its time begins; nn counts the versions of a day, with even room between them for corrections. Where one
 * hundred a day are not enough, the UNIX time at which it begins. What is not newer (RFC 1982) than `before`, if there is one, is the one after
 * that instead: a correction of a version counts on. BANYAN_ELIMIT: no serial says that date. */
int publish_schedule_serial(const struct publish_schedule *schedule, const struct publish_version *version,
			    const uint32_t *before, uint32_t *ret) _must_use_;
/* The words of its TXT. BANYAN_EINVAL: no name of an edition. */
int publish_schedule_edition(const struct publish_version *version, const char *name, struct zone_edition *ret)
	_must_use_;
