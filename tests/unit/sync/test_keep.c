// SPDX-License-Identifier: GPL-3.0-or-later
/* Generations on disk: what is kept, in which order, what is refused, and what is done with damage. */
#include "keeping.h"

static char dir[64];
static char why[KEEP_WHY_MAX];

static int folder_new(void **state)
{
	snprintf(dir, sizeof dir, "/tmp/banyan-keep-XXXXXX");
	assert_non_null(mkdtemp(dir));
	return 0;
}

static int folder_gone(void **state)
{
	folder_empty(dir);
	return rmdir(dir);
}

static struct keep *open_keep(unsigned most)
{
	struct keep_settings settings = {.generations_max = most};
	struct keep *keep = NULL;
	if (keep_open(dir, ROOT, &settings, &keep, why) < 0)
		fail_msg("%s", why);
	return keep;
}

static uint64_t add(struct keep *keep, uint32_t serial)
{
	uint64_t number = 0;
	if (add_serial(keep, serial, &number, why) < 0)
		fail_msg("%s", why);
	return number;
}

/* Field by field: what lies between them is nobody's. */
static void assert_about(const struct keep_about *is, const struct keep_about *was)
{
	assert_int_equal(is->number, was->number);
	assert_int_equal(is->serial, was->serial);
	assert_int_equal(is->fetched_at, was->fetched_at);
	assert_int_equal(is->proved_at, was->proved_at);
	assert_int_equal(is->first_expiry, was->first_expiry);
	assert_int_equal(is->last_inception, was->last_inception);
	assert_int_equal(is->refresh_s, was->refresh_s);
	assert_int_equal(is->retry_s, was->retry_s);
	assert_int_equal(is->expire_s, was->expire_s);
	assert_int_equal(is->records, was->records);
	assert_int_equal(is->zonemd_len, was->zonemd_len);
	assert_int_equal(is->zonemd_scheme, was->zonemd_scheme);
	assert_int_equal(is->zonemd_algorithm, was->zonemd_algorithm);
	assert_memory_equal(is->zonemd, was->zonemd, sizeof is->zonemd);
	assert_string_equal(is->source, was->source);
	assert_string_equal(is->proof, was->proof);
}

static void kept_over_a_restart(void **state)
{
	struct keep *keep = open_keep(3);
	assert_int_equal(keep_count(keep), 0);
	assert_int_equal(keep_current(keep), 0);
	assert_null(keep_about_at(keep, 0));
	uint32_t highest;
	assert_false(keep_highest(keep, &highest));
	uint64_t number = add(keep, 2026080100);
	assert_int_equal(number, 1);
	struct keep_about before = *keep_about_of(keep, number);
	assert_content(keep, number);
	keep_close(keep);
	keep = open_keep(3);
	assert_int_equal(keep_count(keep), 1);
	assert_int_equal(keep_current(keep), 1);
	assert_about(keep_about_at(keep, 0), &before);
	assert_true(keep_highest(keep, &highest));
	assert_int_equal(highest, 2026080100);
	assert_content(keep, 1);
	assert_false(keep_is_rolled_back(keep));
	keep_close(keep);
	assert_int_equal(folder_count(dir, ""), 5); /* lock, state, and three of the generation */
}

static void the_oldest_go(void **state)
{
	struct keep *keep = open_keep(3);
	for (uint32_t serial = 1; serial <= 7; serial++)
		add(keep, serial);
	assert_int_equal(keep_count(keep), 3);
	assert_int_equal(keep_about_at(keep, 0)->serial, 7);
	assert_int_equal(keep_about_at(keep, 2)->serial, 5);
	assert_null(keep_about_at(keep, 3));
	assert_int_equal(folder_count(dir, ""), 2 + 3 * 3);
	keep_close(keep);
	keep = open_keep(2);
	add(keep, 8);
	assert_int_equal(keep_count(keep), 2);
	keep_close(keep);
}

static void older_serials_are_refused(void **state)
{
	uint64_t number = 77;
	uint32_t highest;
	struct keep *keep = open_keep(5);
	add(keep, UINT32_MAX - 1);
	add(keep, 5); /* RFC 1982: newer */
	assert_int_equal(add_serial(keep, UINT32_MAX, &number, why), BANYAN_EINVAL);
	assert_non_null(strstr(why, "older than 5"));
	assert_int_equal(number, 77);
	keep_close(keep);
	keep = open_keep(5);
	assert_int_equal(add_serial(keep, 4, &number, why), BANYAN_EINVAL);
	add(keep, 5);
	assert_int_equal(keep_forget_highest(keep, why), 0);
	assert_false(keep_highest(keep, &highest));
	keep_close(keep);
	keep = open_keep(5);
	assert_false(keep_highest(keep, &highest));
	add(keep, 4);
	assert_true(keep_highest(keep, &highest));
	assert_int_equal(highest, 4);
	keep_close(keep);
}

static void the_same_again_takes_its_place(void **state)
{
	struct keep *keep = open_keep(5);
	add(keep, 1);
	add(keep, 2);
	uint64_t number = add(keep, 2);
	assert_int_equal(number, 3);
	assert_int_equal(keep_count(keep), 2);
	assert_int_equal(keep_current(keep), 3);
	keep_close(keep);
}

static void back_and_on(void **state)
{
	uint32_t highest;
	struct keep *keep = open_keep(3);
	for (uint32_t serial = 1; serial <= 3; serial++)
		add(keep, serial);
	assert_int_equal(keep_roll_back(keep, 9, why), BANYAN_ENOENT);
	assert_int_equal(keep_roll_back(keep, 1, why), 0);
	assert_int_equal(keep_current(keep), 1);
	assert_true(keep_is_rolled_back(keep));
	assert_int_equal(keep_drop(keep, 1, why), BANYAN_EINVAL);
	keep_close(keep);
	keep = open_keep(3);
	assert_int_equal(keep_current(keep), 1);
	assert_true(keep_is_rolled_back(keep));
	assert_true(keep_highest(keep, &highest)); /* going back does not lower it */
	assert_int_equal(highest, 3);
	assert_int_equal(keep_roll_back(keep, 2, why), 0);
	assert_int_equal(keep_drop(keep, 1, why), 0);
	assert_int_equal(keep_drop(keep, 1, why), BANYAN_ENOENT);
	add(keep, 4);
	assert_int_equal(keep_current(keep), 4);
	assert_false(keep_is_rolled_back(keep));
	assert_int_equal(keep_count(keep), 3);
	keep_close(keep);
}

/* Rolled back, and then its image made anew, as after an upgrade: what was seen before is not forgotten. */
static void once_more_after_going_back(void **state)
{
	uint32_t highest;
	uint64_t number;
	struct keep *keep = open_keep(3);
	for (uint32_t serial = 1; serial <= 3; serial++)
		add(keep, serial);
	assert_int_equal(keep_roll_back(keep, 1, why), 0);
	assert_int_equal(add_again(keep, 1, 0, &number, why), BANYAN_EINVAL);
	assert_int_equal(add_again(keep, 2, 1, &number, why), BANYAN_EINVAL); /* another version than that */
	assert_int_equal(add_again(keep, 1, 1, &number, why), 0);
	for (int i = 0; i < 2; i++) {
		assert_int_equal(keep_current(keep), number);
		assert_int_equal(keep_about_of(keep, number)->serial, 1);
		assert_int_equal(keep_count(keep), 3);
		assert_true(keep_highest(keep, &highest));
		assert_int_equal(highest, 3);
		keep_close(keep);
		keep = open_keep(3);
	}
	keep_close(keep);
}

static void said_anew(void **state)
{
	struct keep *keep = open_keep(3);
	uint64_t number = add(keep, 1);
	struct keep_about about = *keep_about_of(keep, number);
	about.proved_at = 99;
	snprintf(about.proof, sizeof about.proof, "two\nlines and \x01");
	assert_int_equal(keep_update(keep, &about, why), 0);
	keep_close(keep);
	keep = open_keep(3);
	assert_int_equal(keep_about_of(keep, number)->proved_at, 99);
	assert_string_equal(keep_about_of(keep, number)->proof, "two?lines and ?");
	assert_content(keep, number);
	about.number = 5;
	assert_int_equal(keep_update(keep, &about, why), BANYAN_ENOENT);
	keep_close(keep);
}

static void one_at_a_time(void **state)
{
	struct keep *keep = open_keep(3), *second = NULL;
	struct keep_settings settings = {0};
	add(keep, 1);
	assert_int_equal(keep_open(dir, ROOT, &settings, &second, why), BANYAN_EAGAIN);
	assert_non_null(strstr(why, "another process"));
	settings.look_only = true;
	file_put(dir, "incoming-7", "x", 1);
	assert_int_equal(keep_open(dir, ROOT, &settings, &second, why), 0);
	assert_int_equal(keep_count(second), 1);
	assert_int_equal(keep_incoming(second), BANYAN_EINVAL);
	assert_int_equal(folder_count(dir, "incoming"), 1); /* looking changes nothing */
	keep_close(second);
	keep_close(keep);
	keep_close(open_keep(3));
	assert_int_equal(folder_count(dir, "incoming"), 0);
}

static void another_zone(void **state)
{
	struct keep_settings settings = {0};
	struct keep *keep = open_keep(3), *other = NULL;
	add(keep, 1);
	keep_close(keep);
	assert_int_equal(keep_open(dir, (const uint8_t *)"\3com", &settings, &other, why), BANYAN_EEXIST);
	assert_non_null(strstr(why, "another zone than com."));
	assert_int_equal(keep_open(dir, NULL, &settings, &other, why), BANYAN_EINVAL);
	settings.look_only = true;
	assert_int_equal(keep_open(dir, NULL, &settings, &other, why), 0);
	assert_string_equal(keep_zone(other), ".");
	keep_close(other);
	assert_int_equal(keep_open("/nonexistent/x", ROOT, &settings, &other, why), BANYAN_ENOENT);
	settings.look_only = false;
	assert_int_equal(keep_open("/nonexistent/x", ROOT, &settings, &other, why), BANYAN_ENOENT);
}

/* A folder with generations of serials 1, 2, 3, the last current. */
static void three(void)
{
	folder_empty(dir);
	struct keep *keep = open_keep(3);
	for (uint32_t serial = 1; serial <= 3; serial++)
		add(keep, serial);
	keep_close(keep);
}

static void any_bit_of_any_file(void **state)
{
	static const char *const files[] = {"3.about", "3.wire", "3.image"};
	char path[96];
	for (size_t i = 0; i < ARRAY_SIZE(files); i++) {
		struct stat st;
		three();
		snprintf(path, sizeof path, "%s/%s", dir, files[i]);
		assert_int_equal(stat(path, &st), 0);
		off_t step = st.st_size / 23;
		for (off_t at = 0; at < st.st_size; at += step) {
			uint64_t number = 0;
			file_flip(dir, files[i], at);
			struct keep *keep = open_keep(3);
			assert_int_equal(keep_current(keep), 2);
			assert_int_equal(keep_count(keep), 2);
			assert_false(keep_is_rolled_back(keep));
			assert_non_null(keep_damaged_at(keep, 0, &number));
			assert_int_equal(number, 3);
			assert_null(keep_damaged_at(keep, 1, &number));
			assert_content(keep, 2);
			uint32_t highest;
			assert_true(keep_highest(keep, &highest));
			assert_int_equal(highest, 3);
			keep_close(keep);
			file_flip(dir, files[i], at);
		}
	}
	three(); /* and it was right in between */
	struct keep *keep = open_keep(3);
	assert_int_equal(keep_current(keep), 3);
	keep_close(keep);
}

static void damaged_ones_go_with_the_next(void **state)
{
	struct keep *keep;
	three();
	file_flip(dir, "3.wire", 9);
	keep = open_keep(3);
	uint64_t number = add(keep, 3);
	assert_int_equal(number, 4);
	assert_int_equal(keep_count(keep), 3);
	assert_null(keep_damaged_at(keep, 0, &number));
	assert_int_equal(folder_count(dir, ""), 2 + 3 * 3);
	keep_close(keep);
}

static void damage_seen_while_in_use(void **state)
{
	struct keep_mapped mapped;
	three();
	struct keep *keep = open_keep(3);
	file_flip(dir, "3.image", 100);
	file_flip(dir, "1.wire", 100);
	assert_int_equal(keep_map(keep, 3, KEEP_WIRE, &mapped, why), 0);
	keep_unmap(&mapped);
	assert_int_equal(keep_map(keep, 3, KEEP_IMAGE, &mapped, why), BANYAN_EMALF);
	assert_non_null(strstr(why, "checksum of 3.image"));
	assert_int_equal(keep_current(keep), 2);
	assert_int_equal(keep_roll_back(keep, 1, why), BANYAN_EMALF);
	assert_int_equal(keep_open_wire(keep, 1, why), BANYAN_EMALF);
	int fd = keep_open_wire(keep, 2, why);
	assert_true(fd >= 0);
	close(fd);
	assert_int_equal(keep_count(keep), 1);
	keep_close(keep);
}

static void a_state_that_is_gone(void **state)
{
	for (int how = 0; how < 3; how++) {
		char path[96];
		uint32_t highest;
		three();
		snprintf(path, sizeof path, "%s/state", dir);
		struct keep *keep = open_keep(3);
		assert_int_equal(keep_roll_back(keep, 1, why), 0);
		keep_close(keep);
		if (how == 0)
			assert_int_equal(unlink(path), 0);
		else if (how == 1)
			file_flip(dir, "state", 40);
		else
			assert_int_equal(truncate(path, 0), 0);
		keep = open_keep(3);
		assert_int_equal(keep_current(keep), 3);
		assert_true(keep_highest(keep, &highest));
		assert_int_equal(highest, 3);
		keep_close(keep);
		keep = open_keep(3);
		assert_int_equal(add(keep, 4), 4);
		keep_close(keep);
	}
}

/* Also what was damaged beyond use counts for the numbers: none comes again. */
static void all_is_damaged(void **state)
{
	three();
	for (int i = 1; i <= 3; i++) {
		char name[16];
		snprintf(name, sizeof name, "%d.about", i);
		file_flip(dir, name, 30);
	}
	file_flip(dir, "state", 20);
	struct keep *keep = open_keep(3);
	assert_int_equal(keep_count(keep), 0);
	assert_int_equal(keep_current(keep), 0);
	assert_int_equal(add(keep, 1), 4);
	assert_int_equal(keep_current(keep), 4);
	keep_close(keep);
}

static void incoming_is_bounded(void **state)
{
	struct keep *keep = open_keep(3);
	int fd[KEEP_INCOMING_MAX];
	uint64_t number;
	struct keep_about about = {.serial = 1};
	for (int i = 0; i < KEEP_INCOMING_MAX; i++)
		assert_true((fd[i] = keep_incoming(keep)) >= 0);
	assert_int_equal(keep_incoming(keep), BANYAN_ELIMIT);
	keep_incoming_done(keep, fd[0]);
	assert_true((fd[0] = keep_incoming(keep)) >= 0);
	assert_int_equal(keep_add(keep, &about, fd[0], fd[0], &number, why), BANYAN_EINVAL);
	assert_int_equal(keep_add(keep, &about, 0, fd[0], &number, why), BANYAN_EINVAL);
	assert_int_equal(keep_add(keep, &about, fd[0], -1, &number, why), BANYAN_EINVAL); /* nothing in it */
	assert_int_equal(write(fd[1], "wire", 4), 4);
	assert_int_equal(keep_add(keep, &about, fd[1], -1, &number, why), 0); /* an image is not needed */
	assert_int_equal(keep_add(keep, &about, fd[1], -1, &number, why), BANYAN_EINVAL);
	struct keep_mapped mapped;
	assert_int_equal(keep_map(keep, number, KEEP_WIRE | KEEP_IMAGE, &mapped, why), 0);
	assert_null(mapped.image);
	assert_memory_equal(mapped.wire, "wire", 4);
	keep_unmap(&mapped);
	keep_close(keep);
	assert_int_equal(folder_count(dir, "incoming"), 0);
}

static void what_is_large_is_mapped(void **state)
{
	struct keep *keep = open_keep(1);
	struct keep_about about = {.serial = 1};
	struct keep_mapped mapped;
	uint64_t number;
	int fd = keep_incoming(keep);
	assert_int_equal(ftruncate(fd, (off_t)KEEP_COPY_MAX + 1), 0);
	assert_int_equal(pwrite(fd, "begin", 5, 0), 5);
	assert_int_equal(keep_add(keep, &about, fd, -1, &number, why), 0);
	keep_incoming_done(keep, fd);
	assert_int_equal(keep_map(keep, number, KEEP_WIRE, &mapped, why), 0);
	assert_int_equal(mapped.wire_len, KEEP_COPY_MAX + 1);
	assert_memory_equal(mapped.wire, "begin", 5);
	keep_close(keep);
	assert_memory_equal(mapped.wire, "begin", 5); /* it outlives the folder */
	keep_unmap(&mapped);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, folder_new, folder_gone)
	const struct CMUnitTest tests[] = {
		TEST(kept_over_a_restart),
		TEST(the_oldest_go),
		TEST(older_serials_are_refused),
		TEST(the_same_again_takes_its_place),
		TEST(back_and_on),
		TEST(once_more_after_going_back),
		TEST(said_anew),
		TEST(one_at_a_time),
		TEST(another_zone),
		TEST(any_bit_of_any_file),
		TEST(damaged_ones_go_with_the_next),
		TEST(damage_seen_while_in_use),
		TEST(a_state_that_is_gone),
		TEST(all_is_damaged),
		TEST(incoming_is_bounded),
		TEST(what_is_large_is_mapped),
	};
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("keep", tests, NULL, NULL);
}
