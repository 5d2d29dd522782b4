// SPDX-License-Identifier: GPL-3.0-or-later
/* Versions on a schedule, with the daemon's own code: in use everywhere in the second in which their time begins, and nobody was told. */
#include "test.h"

#include "sim/sim.h"

#define NODES 500

static struct sim_result run(uint32_t versions, uint32_t ahead_s, uint32_t loss_permille)
{
	struct sim_settings settings;
	struct sim_result result;
	sim_settings_default(&settings, SIM_SCHEDULED, NODES);
	settings.versions = versions;
	settings.ahead_s = ahead_s;
	settings.loss_permille = loss_permille;
	assert_int_equal(sim_run(&settings, &result), 0);
	assert_int_equal(result.reached, NODES);
	assert_int_equal(result.wrong, 0);
	assert_int_equal(result.notifies + result.repeats, 0);
	assert_int_equal(result.fetches, (uint64_t)NODES * versions);
	return result;
}

static void all_at_once(void **state)
{
	for (uint32_t loss_permille = 0; loss_permille <= 50; loss_permille += 50) {
		struct sim_result result = run(3, 7200, loss_permille);
		assert_in_range(result.at_ms[1], 0, 1000);
		assert_in_range(result.all_ms, 0, 1000);
	}
}

/* With less time than a refresh takes, some are late: the two hours are what makes it so. */
static void too_short(void **state)
{
	struct sim_result result = run(1, 600, 0);
	assert_in_range(result.at_ms[20], 0, 1000);
	assert_in_range(result.all_ms, 60000, 2400000);
}

static void no_such_schedule(void **state)
{
	struct sim_settings settings;
	struct sim_result result;
	sim_settings_default(&settings, SIM_SCHEDULED, NODES);
	settings.ahead_s = settings.interval_s;
	assert_int_equal(sim_run(&settings, &result), BANYAN_EINVAL);
	settings.ahead_s = 7200;
	settings.valid_s = settings.interval_s;
	assert_int_equal(sim_run(&settings, &result), BANYAN_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(all_at_once), cmocka_unit_test(too_short),
					   cmocka_unit_test(no_such_schedule)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
