// SPDX-License-Identifier: GPL-3.0-or-later
/* Generations with dates: one that is kept for later, over restarts, and texts from before there were any. */
#include "keeping.h"

static char dir[64];
static char why[KEEP_WHY_MAX];

static struct keep *open_keep(unsigned generations)
{
	const struct keep_settings settings = {.generations_max = generations};
	struct keep *keep;
	if (keep_open(dir, ROOT, &settings, &keep, why) < 0)
		fail_msg("%s", why);
	return keep;
}

static uint64_t add_dated(struct keep *keep, uint32_t serial, bool ahead)
{
	struct keep_about about = {.serial = serial,
				   .fetched_at = 1000,
				   .edition = "open-1",
				   .valid_from = 86400 * (int64_t)serial,
				   .valid_until = 86400 * (int64_t)(serial + 2)};
	int wire = content_incoming(keep, serial, 0), image = content_incoming(keep, serial, 1);
	uint64_t number = 0;
	int rc = (ahead ? keep_add_ahead : keep_add)(keep, &about, wire, image, &number, why);
	keep_incoming_done(keep, wire);
	keep_incoming_done(keep, image);
	if (rc == 0)
		assert_content(keep, number);
	return rc == 0 ? number : 0;
}

static void assert_dated(const struct keep *keep, uint64_t number, uint32_t serial)
{
	const struct keep_about *about = keep_about_of(keep, number);
	assert_non_null(about);
	assert_int_equal(about->serial, serial);
	assert_string_equal(about->edition, "open-1");
	assert_int_equal(about->valid_from, 86400 * (int64_t)serial);
	assert_int_equal(about->valid_until, 86400 * (int64_t)(serial + 2));
}

static void for_later(void **state)
{
	struct keep *keep = open_keep(3);
	uint32_t highest;
	assert_int_equal(add_dated(keep, 7, true), 0); /* after nothing */
	assert_non_null(strstr(why, "nothing that this would come after"));
	uint64_t first = add_dated(keep, 7, false), second = add_dated(keep, 8, true);
	for (unsigned open = 0; open < 2; open++) {
		assert_int_equal(keep_current(keep), first);
		assert_int_equal(keep_count(keep), 2);
		assert_false(keep_is_rolled_back(keep));
		assert_true(keep_highest(keep, &highest) && highest == 8);
		assert_dated(keep, first, 7);
		assert_dated(keep, second, 8);
		keep_close(keep);
		keep = open_keep(3);
	}
	/* its time comes, and it is undone */
	assert_int_equal(keep_roll_back(keep, second, why), 0);
	assert_int_equal(keep_current(keep), second);
	keep_close(keep);
	keep = open_keep(3);
	assert_int_equal(keep_current(keep), second);
	assert_int_equal(keep_roll_back(keep, first, why), 0);
	assert_int_equal(keep_current(keep), first);
	assert_content(keep, second);
	keep_close(keep);
}

/* With room for one: the one in use and the one that waits both stay, whichever is pruned for. */
static void room_for_one(void **state)
{
	struct keep *keep = open_keep(1);
	uint64_t first = add_dated(keep, 7, false), second = add_dated(keep, 8, true);
	assert_content(keep, first);
	uint64_t third = add_dated(keep, 9, true);
	assert_int_equal(keep_current(keep), first);
	assert_null(keep_about_of(keep, second));
	assert_int_equal(keep_roll_back(keep, third, why), 0);
	uint64_t fourth = add_dated(keep, 10, true);
	assert_null(keep_about_of(keep, first));
	assert_int_equal(keep_current(keep), third);
	assert_dated(keep, fourth, 10);
	keep_close(keep);
}

static char *about_text(uint64_t number, char out[8192])
{
	char path[512];
	snprintf(path, sizeof path, "%s/%llu.about", dir, (unsigned long long)number);
	FILE *file = fopen(path, "r");
	assert_non_null(file);
	out[fread(out, 1, 8191, file)] = '\0';
	(void)fclose(file);
	return out;
}

/* What is said of a zone without such words is as it was before there were any, and is read so. */
static void as_before(void **state)
{
	char text[8192];
	uint64_t number = 0;
	struct keep *keep = open_keep(3);
	assert_int_equal(add_serial(keep, 5, &number, why), 0);
	assert_null(strstr(about_text(number, text), "edition"));
	assert_null(strstr(text, "valid-"));
	keep_close(keep);
	keep = open_keep(3);
	const struct keep_about *about = keep_about_of(keep, number);
	assert_non_null(about);
	assert_string_equal(about->edition, "");
	assert_int_equal(about->valid_until, 0);
	/* and learned when it is proved once more */
	struct keep_about more = *about;
	snprintf(more.edition, sizeof more.edition, "late");
	more.valid_from = 1;
	more.valid_until = 2;
	assert_int_equal(keep_update(keep, &more, why), 0);
	keep_close(keep);
	assert_non_null(strstr(about_text(number, text), "\nedition late\nvalid-from 1\nvalid-until 2\n"));
	keep = open_keep(3);
	assert_string_equal(keep_about_of(keep, number)->edition, "late");
	assert_content(keep, number);
	keep_close(keep);
}

static int begin(void **state)
{
	snprintf(dir, sizeof dir, "/tmp/banyan-keep-dates-XXXXXX");
	return mkdtemp(dir) == NULL ? -1 : 0;
}

static int end(void **state)
{
	folder_empty(dir);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(for_later, begin, end),
		cmocka_unit_test_setup_teardown(room_for_one, begin, end),
		cmocka_unit_test_setup_teardown(as_before, begin, end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
