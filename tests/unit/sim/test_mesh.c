// SPDX-License-Identifier: GPL-3.0-or-later
/* A thousand peers that register with whom they like, in rings, with the daemon's own code: no storm, whoever lies. */
#include "test.h"

#include "sim/sim.h"
#include "sync/push/push.h"

#define NODES 1000

static void run(struct sim_settings *settings, struct sim_result *result)
{
	settings->audit = true;
	assert_int_equal(sim_run(settings, result), 0);
	print_message(
		"# %s, loss %u/1000, liars %u/1000: %u of %u, all after %lld ms, %llu notifications and %llu copies "
		"(at most %u of one), %llu lies, %llu fetches (at most %u), %llu refused, %.1f s\n",
		sim_shape_text(settings->shape), settings->loss_permille, settings->liars_permille, result->reached,
		result->honest, (long long)result->all_ms, (unsigned long long)result->notifies,
		(unsigned long long)result->repeats, result->copies_max, (unsigned long long)result->lies,
		(unsigned long long)result->fetches, result->fetches_max, (unsigned long long)result->refused,
		result->seconds);
}

/* Each node tells each that is registered with it once a version, and then all is quiet. */
static void one_message_a_version(void **state)
{
	struct sim_settings settings;
	struct sim_result result;
	sim_settings_default(&settings, SIM_MESH, NODES);
	settings.versions = 3;
	settings.settle_s = 3600;
	run(&settings, &result);
	assert_int_equal(result.reached, NODES);
	assert_int_equal(result.wrong, 0);
	assert_int_equal(result.copies_max, 1);
	assert_int_equal(result.repeats, 0);
	/* those with a fourth source do not ask it in each round */
	assert_in_range(result.registrations, NODES * settings.peers - 20, NODES * settings.peers + settings.fanout);
	assert_true(result.notifies <= (uint64_t)(NODES * settings.peers + settings.fanout) * settings.versions);
	assert_true(result.notifies > (uint64_t)NODES * 2 * settings.versions);
	assert_in_range(result.all_ms, 1, 60000); /* nobody had to wait for his refresh */
	/* and each fetches it once: what others say of a version that is there is not acted on */
	assert_int_equal(result.fetches, NODES * settings.versions);
}

/* With loss: further copies, up to the limit, and everybody has it in the end. */
static void loss_is_made_up_for(void **state)
{
	struct sim_settings settings;
	struct sim_result result;
	sim_settings_default(&settings, SIM_MESH, NODES);
	settings.versions = 3;
	settings.loss_permille = 50;
	settings.settle_s = 3600;
	run(&settings, &result);
	assert_int_equal(result.reached, NODES);
	assert_in_range(result.copies_max, 2, PUSH_TRIES_MAX);
	assert_true(result.notifies <= (uint64_t)(NODES * settings.peers + settings.fanout) * settings.versions);
	assert_true(result.repeats < result.notifies / 5);
}

/* A tenth of the peers announces ever newer serials, every ten seconds, to all who are registered with them. Nobody passes a lie on, nobody
 * believes one, nobody fetches without end, and everybody honest has the last version. */
static void liars_start_no_storm(void **state)
{
	struct sim_settings settings;
	struct sim_result result;
	sim_settings_default(&settings, SIM_MESH, NODES);
	settings.versions = 3;
	settings.loss_permille = 10;
	settings.liars_permille = 100;
	settings.settle_s = 2 * 3600;
	run(&settings, &result);
	assert_true(result.honest < NODES && result.honest > NODES * 8 / 10);
	assert_int_equal(result.reached, result.honest);
	assert_int_equal(result.wrong, 0);
	assert_true(result.lies > 100000);
	assert_true(result.refused > 0); /* they were listened to, and what came did not prove */
	assert_in_range(result.copies_max, 1, PUSH_TRIES_MAX);
	assert_true(result.notifies <= (uint64_t)(NODES * settings.peers + settings.fanout) * settings.versions);
	assert_true(result.fetches < (uint64_t)result.honest * 20);
}

/* The same seed, the same run. */
static void repeats_itself(void **state)
{
	for (int shape = 0; shape < SIM_SHAPES; shape++) {
		struct sim_settings settings;
		struct sim_result first, again, other;
		sim_settings_default(&settings, (enum sim_shape)shape, 300);
		settings.loss_permille = 20;
		settings.liars_permille = 20;
		run(&settings, &first);
		run(&settings, &again);
		assert_int_equal(first.reached, first.honest);
		assert_int_equal(first.events, again.events);
		assert_int_equal(first.whole_bytes, again.whole_bytes);
		assert_memory_equal(first.at_ms, again.at_ms, sizeof first.at_ms);
		settings.seed = 2;
		run(&settings, &other);
		assert_int_not_equal(first.events, other.events);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_message_a_version),
		cmocka_unit_test(loss_is_made_up_for),
		cmocka_unit_test(liars_start_no_storm),
		cmocka_unit_test(repeats_itself),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
