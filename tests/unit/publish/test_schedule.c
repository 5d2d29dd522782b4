// SPDX-License-Identifier: GPL-3.0-or-later
/* The schedule: what is due at any second of months, by any parameters; serials that only grow. */
#include "../test.h"

#include "publish/schedule.h"

#define DAY_S   86400
#define HOUR_S  3600
#define START_S 1795305600 /* 2026-11-22 */

static const struct publish_schedule daily; /* all defaults */

static void the_day(void **state)
{
	struct publish_version v;
	publish_schedule_due(&daily, START_S + 1, &v);
	assert_int_equal(v.valid_from, START_S);
	assert_int_equal(v.offered_at, START_S - 2 * HOUR_S);
	assert_int_equal(v.valid_until - v.valid_from, 48 * HOUR_S);
	assert_int_equal(v.number, START_S / DAY_S);
	assert_true(v.signed_from < v.offered_at && v.signed_until > v.valid_until);
	/* two hours before midnight, to the second */
	publish_schedule_due(&daily, START_S + 22 * HOUR_S - 1, &v);
	assert_int_equal(v.valid_from, START_S);
	assert_int_equal(publish_schedule_next(&daily, START_S + 22 * HOUR_S - 1), START_S + 22 * HOUR_S);
	publish_schedule_due(&daily, START_S + 22 * HOUR_S, &v);
	assert_int_equal(v.valid_from, START_S + DAY_S);
	assert_int_equal(publish_schedule_next(&daily, START_S + 22 * HOUR_S), START_S + 46 * HOUR_S);
	/* while the one before it is still what clients use */
	publish_schedule_current(&daily, START_S + 22 * HOUR_S, &v);
	assert_int_equal(v.valid_from, START_S);
	publish_schedule_current(&daily, START_S - 1, &v);
	assert_int_equal(v.valid_from, START_S - DAY_S);
}

static const struct publish_schedule grids[] = {
	{0},
	{.epoch_s = 6 * HOUR_S},
	{.epoch_s = START_S + 12345, .interval_s = 7 * HOUR_S, .ahead_s = HOUR_S, .valid_s = 20 * HOUR_S},
	{.interval_s = 60, .ahead_s = 10, .valid_s = 120},
	{.interval_s = 7 * DAY_S, .ahead_s = DAY_S, .valid_s = 14 * DAY_S},
	{.interval_s = 60}, /* not ahead at all */
	{.epoch_s = -77, .interval_s = 977, .ahead_s = 976, .valid_s = 1953},
};

/* At each time: what is offered has been so for less than an interval, what is used is valid, and is what was offered last or the one before. */
static void any_grid(void **state)
{
	char why[PUBLISH_SCHEDULE_WHY_MAX];
	for (size_t g = 0; g < ARRAY_SIZE(grids); g++) {
		const struct publish_schedule *s = &grids[g];
		uint32_t interval = s->interval_s != 0 ? s->interval_s : DAY_S, serial = 0, last = 0;
		int64_t number = INT64_MIN;
		assert_int_equal(publish_schedule_check(s, why), 0);
		for (int64_t now = START_S - 3 * interval; now < START_S + 60 * (int64_t)interval;
		     now += interval / 59) {
			struct publish_version due, current;
			publish_schedule_due(s, now, &due);
			publish_schedule_current(s, now, &current);
			int64_t next = publish_schedule_next(s, now);
			assert_true(due.offered_at <= now && now < due.offered_at + interval);
			assert_true(next > now && next == due.offered_at + interval);
			assert_true(current.valid_from <= now && now < current.valid_until);
			assert_true(due.number == current.number || due.number == current.number + 1);
			assert_true(due.number >= number);
			assert_int_equal(publish_schedule_serial(s, &due, number == INT64_MIN ? NULL : &last, &serial),
					 0);
			if (due.number > number && number != INT64_MIN)
				assert_true(serial - last < 1u << 31 && serial != last);
			last = due.number > number ? serial : last;
			number = due.number;
		}
	}
}

static uint32_t serial_at(const struct publish_schedule *s, int64_t now, const uint32_t *before)
{
	struct publish_version v;
	uint32_t serial = 0;
	publish_schedule_due(s, now, &v);
	assert_int_equal(publish_schedule_serial(s, &v, before, &serial), 0);
	return serial;
}

static void serials(void **state)
{
	const struct publish_schedule six = {.interval_s = 6 * HOUR_S}, quick = {.interval_s = 60, .ahead_s = 10};
	uint32_t before = 2026112200, far = 4000000000u;
	assert_int_equal(serial_at(&daily, START_S, NULL), 2026112200);
	assert_int_equal(serial_at(&daily, START_S + 23 * HOUR_S, NULL), 2026112300);
	/* a correction counts on, and the next day is as it would have been */
	assert_int_equal(serial_at(&daily, START_S, &before), 2026112201);
	before = 2026112207;
	assert_int_equal(serial_at(&daily, START_S, &before), 2026112208);
	assert_int_equal(serial_at(&daily, START_S + DAY_S, &before), 2026112300);
	/* who numbered higher before goes on from there */
	far = 2026112200u + 5000;
	assert_int_equal(serial_at(&daily, START_S, &far), far + 1);
	/* several a day, with room between them */
	assert_int_equal(serial_at(&six, START_S, NULL), 2026112200);
	assert_int_equal(serial_at(&six, START_S + 6 * HOUR_S, NULL), 2026112225);
	assert_int_equal(serial_at(&six, START_S + 18 * HOUR_S, NULL), 2026112275);
	/* and too many for that */
	assert_int_equal(serial_at(&quick, START_S + 120, NULL), START_S + 120);
	struct publish_version v;
	uint32_t serial;
	publish_schedule_due(&daily, (int64_t)86400 * 365 * 3000, &v);
	assert_int_equal(publish_schedule_serial(&daily, &v, NULL, &serial), BANYAN_ELIMIT);
	publish_schedule_due(&quick, ((int64_t)1 << 32) + 120, &v);
	assert_int_equal(publish_schedule_serial(&quick, &v, NULL, &serial), BANYAN_ELIMIT);
}

static void refused(const struct publish_schedule *s, const char *word)
{
	char why[PUBLISH_SCHEDULE_WHY_MAX] = "";
	assert_int_equal(publish_schedule_check(s, why), BANYAN_EINVAL);
	assert_non_null(strstr(why, word));
}

static void without_gaps(void **state)
{
	refused(&(struct publish_schedule){.ahead_s = DAY_S}, "less than one interval ahead");
	refused(&(struct publish_schedule){.interval_s = HOUR_S, .ahead_s = HOUR_S}, "less than one interval ahead");
	refused(&(struct publish_schedule){.valid_s = DAY_S - 1}, "valid for 93600 s at least");
	refused(&(struct publish_schedule){.valid_s = DAY_S + HOUR_S}, "valid for 93600 s at least");
}

/* What it says stands in the zone's TXT as it is read again. */
static void words(void **state)
{
	struct publish_version v;
	struct zone_edition edition, again = {0};
	uint8_t rdata[ZONE_EDITION_RDATA];
	const char *why = NULL;
	size_t len;
	publish_schedule_due(&daily, START_S, &v);
	assert_int_equal(publish_schedule_edition(&v, "", &edition), BANYAN_EINVAL);
	assert_int_equal(publish_schedule_edition(&v, "open-1", &edition), 0);
	assert_int_equal(zone_edition_write(&edition, rdata, &len), 0);
	assert_int_equal(zone_edition_take(rdata, len, &again, &why), 0);
	assert_string_equal(again.name, "open-1");
	assert_int_equal(again.valid_from, START_S);
	assert_int_equal(again.valid_until, START_S + 2 * DAY_S);
	assert_int_equal(zone_edition_when(&again, START_S - 1), -1);
	assert_int_equal(zone_edition_when(&again, START_S), 0);
	assert_int_equal(zone_edition_when(&again, START_S + 2 * DAY_S - 1), 0);
	assert_int_equal(zone_edition_when(&again, START_S + 2 * DAY_S), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_day), cmocka_unit_test(any_grid),     cmocka_unit_test(serials),
		cmocka_unit_test(words),   cmocka_unit_test(without_gaps),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
