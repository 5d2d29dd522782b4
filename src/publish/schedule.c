// SPDX-License-Identifier: GPL-3.0-or-later
/* Which version is due at a time: a function of the time alone. */
#include "schedule.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

#include "sync/sync.h"

#define DAY_S     86400
#define A_DAY_MAX 100  /* serials YYYYMMDDnn of one day */
#define YEAR_MAX  4293 /* of a serial YYYYMMDDnn in 32 bits: the whole of that year still fits */

static struct publish_schedule filled(const struct publish_schedule *schedule)
{
	struct publish_schedule s = *schedule;
	if (s.interval_s == 0) {
		s.interval_s = PUBLISH_SCHEDULE_INTERVAL_S;
		s.ahead_s = s.ahead_s != 0 ? s.ahead_s : PUBLISH_SCHEDULE_AHEAD_S;
	}
	s.valid_s = s.valid_s != 0 ? s.valid_s : 2 * s.interval_s;
	s.skew_s = s.skew_s != 0 ? s.skew_s : PUBLISH_SCHEDULE_SKEW_S;
	return s;
}

int publish_schedule_check(const struct publish_schedule *schedule, char why[PUBLISH_SCHEDULE_WHY_MAX])
{
	const struct publish_schedule s = filled(schedule);
	if (s.ahead_s >= s.interval_s) {
		snprintf(why, PUBLISH_SCHEDULE_WHY_MAX,
			 "a version would be offered %u s ahead, but the next one comes every %u s: offer it less than "
			 "one "
			 "interval ahead",
			 s.ahead_s, s.interval_s);
		return BANYAN_EINVAL;
	}
	if (s.valid_s < s.interval_s || s.valid_s - s.interval_s < s.ahead_s) {
		snprintf(why, PUBLISH_SCHEDULE_WHY_MAX,
			 "a version would be valid for %u s only, and the next one begins after %u s: make it valid "
			 "for %u s "
			 "at least, so that who misses the %u s ahead still has one",
			 s.valid_s, s.interval_s, s.interval_s + s.ahead_s, s.ahead_s);
		return BANYAN_EINVAL;
	}
	return 0;
}

static int64_t floor_div(int64_t a, int64_t b)
{
	return a / b - (a % b < 0);
}

static void version_at(const struct publish_schedule *s, int64_t number, struct publish_version *ret)
{
	int64_t from = s->epoch_s + number * s->interval_s;
	*ret = (struct publish_version){
		.number = number,
		.offered_at = from - s->ahead_s,
		.valid_from = from,
		.valid_until = from + s->valid_s,
		.signed_from = from - s->ahead_s - s->skew_s,
		.signed_until = from + s->valid_s + s->skew_s,
	};
}

void publish_schedule_due(const struct publish_schedule *schedule, int64_t now, struct publish_version *ret)
{
	const struct publish_schedule s = filled(schedule);
	version_at(&s, floor_div(now + s.ahead_s - s.epoch_s, s.interval_s), ret);
}

void publish_schedule_current(const struct publish_schedule *schedule, int64_t now, struct publish_version *ret)
{
	const struct publish_schedule s = filled(schedule);
	version_at(&s, floor_div(now - s.epoch_s, s.interval_s), ret);
}

/* The latest that a version may be replaced is when its successor is offered, one interval after itself; the earliest is at once, by a
 * correction with the same dates. */
int64_t publish_schedule_held_s(const struct publish_schedule *schedule)
{
	const struct publish_schedule s = filled(schedule);
	return (int64_t)s.ahead_s + s.valid_s + s.skew_s;
}

int64_t publish_schedule_next(const struct publish_schedule *schedule, int64_t now)
{
	const struct publish_schedule s = filled(schedule);
	struct publish_version due;
	publish_schedule_due(&s, now, &due);
	return due.offered_at + s.interval_s;
}

/* ---- serials ---- */

static int serial_of(const struct publish_schedule *s, const struct publish_version *version, uint32_t *ret)
{
	unsigned a_day = s->interval_s >= DAY_S ? 1 : (DAY_S + s->interval_s - 1) / s->interval_s;
	time_t t = (time_t)version->valid_from;
	struct tm tm;
	if (version->valid_from < 0 || gmtime_r(&t, &tm) == NULL)
		return BANYAN_ELIMIT;
	if (a_day > A_DAY_MAX) {
		*ret = (uint32_t)version->valid_from;
		return version->valid_from > UINT32_MAX ? BANYAN_ELIMIT : 0;
	}
	if (tm.tm_year + 1900 > YEAR_MAX)
		return BANYAN_ELIMIT;
	unsigned of_day = (unsigned)(version->valid_from % DAY_S / s->interval_s);
	uint32_t date =
		(uint32_t)(tm.tm_year + 1900) * 10000u + (uint32_t)(tm.tm_mon + 1) * 100u + (uint32_t)tm.tm_mday;
	*ret = date * 100u + of_day * (A_DAY_MAX / a_day);
	return 0;
}

int publish_schedule_serial(const struct publish_schedule *schedule, const struct publish_version *version,
			    const uint32_t *before, uint32_t *ret)
{
	const struct publish_schedule s = filled(schedule);
	uint32_t serial;
	int rc = serial_of(&s, version, &serial);
	if (rc != 0)
		return rc;
	*ret = before != NULL && !sync_serial_newer(serial, *before) ? *before + 1 : serial;
	return 0;
}

int publish_schedule_edition(const struct publish_version *version, const char *name, struct zone_edition *ret)
{
	if (!zone_edition_name_good(name))
		return BANYAN_EINVAL;
	*ret = (struct zone_edition){.valid_from = version->valid_from, .valid_until = version->valid_until};
	memcpy(ret->name, name, strlen(name) + 1);
	return 0;
}
