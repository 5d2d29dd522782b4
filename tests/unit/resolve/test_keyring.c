// SPDX-License-Identifier: GPL-3.0-or-later
/* The trust anchors that engines share: what is trusted by configuration, by what was kept, and by both. */
#include "../test.h"

#include <stdlib.h>

#include "resolve/keyring.h"

static const uint8_t root[] = {0};
static const uint8_t island[] = {6, 'i', 's', 'l', 'a', 'n', 'd', 0};

static struct resolve_anchors *shared;
static struct dnssec_rollover *state;

static int setup(void **unused)
{
	(void)unused;
	state = calloc(1, sizeof *state);
	return state == NULL || resolve_anchors_new(&shared) < 0 ? -1 : 0;
}

static int teardown(void **unused)
{
	(void)unused;
	resolve_anchors_free(shared);
	free(state);
	return 0;
}

static struct dnssec_anchors parse(const char *text)
{
	struct dnssec_anchors anchors = {0};
	struct dnssec_text_error error;
	if (dnssec_anchors_parse("text", text, strlen(text), &anchors, &error) < 0)
		fail_msg("%s", error.text);
	return anchors;
}

static void set(const char *text, bool roll)
{
	struct dnssec_anchors anchors = parse(text);
	assert_int_equal(resolve_anchors_set(shared, &anchors, roll), 0);
	dnssec_anchors_done(&anchors);
}

static size_t trusted(const uint8_t *zone)
{
	size_t n = 0;
	for (size_t i = 0; i < shared->trusted.count; i++)
		n += wire_name_equal(shared->trusted.item[i].owner, zone);
	return n;
}

#define KEY_A "island. DNSKEY 257 3 15 AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n"
#define KEY_B "island. DNSKEY 257 3 15 AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n"
static void restore(const char *a, const char *b)
{
	char text[1024];
	struct dnssec_text_error error;
	struct dnssec_anchors keys = parse(KEY_A KEY_B);
	uint16_t tag_a = dnssec_key_tag(keys.item[0].rdata, keys.item[0].len);
	uint16_t tag_b = dnssec_key_tag(keys.item[1].rdata, keys.item[1].len);
	dnssec_anchors_done(&keys);
	int n = snprintf(
		text, sizeof text,
		"rollover 1\nzone island.\nproved 2026-08-01T00:00:00Z\nnext 2026-08-02T00:00:00Z\nretry 3600\n"
		"key %s tag %u since 2026-07-01T00:00:00Z until 1970-01-01T00:00:00Z %s"
		"key %s tag %u since 2026-07-01T00:00:00Z until 1970-01-01T00:00:00Z %send 2\n",
		a, tag_a, &KEY_A[8], b, tag_b, &KEY_B[8]);
	if (dnssec_rollover_read("state", text, (size_t)n, island, state, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(resolve_anchors_restore(shared, state), 0);
}

static void test_configured(void **unused)
{
	(void)unused;
	set(KEY_A, false);
	assert_int_equal(trusted(island), 1);
	assert_int_equal(resolve_anchors_zones(shared), 1);
	assert_int_equal(resolve_anchors_zone(shared, 0, state), 0); /* does not roll */
	set(KEY_A, true);
	assert_int_equal(resolve_anchors_zone(shared, 0, state), 1);
	assert_true(wire_name_equal(state->zone, island));
	set(". DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n", true);
	assert_int_equal(resolve_anchors_zones(shared), 1);
	assert_int_equal(trusted(island), 0);
	assert_int_equal(trusted(root), 1);
	assert_int_equal(resolve_anchors_zone(shared, 1, state), BANYAN_ENOENT);
}

static void test_restored(void **unused)
{
	(void)unused;
	restore("VALID", "MISSING");
	assert_true(resolve_anchors_has(shared, island));
	set(KEY_A, true);
	assert_int_equal(trusted(island), 2);
	set(KEY_A, false); /* by configuration alone */
	assert_int_equal(trusted(island), 1);
}

static void test_revoked(void **unused)
{
	(void)unused;
	restore("REVOKED", "VALID");
	set(KEY_A, true);
	assert_int_equal(trusted(island), 1);
	assert_int_equal(shared->trusted.item[0].rdata[4], 1); /* key B */
	restore("REVOKED", "ADDPEND");
	set(KEY_A, true);
	assert_int_equal(trusted(island), 0);
}

/* Keys that grew from other anchors are not trusted, and begin anew. */
static void test_of_other_anchors(void **unused)
{
	(void)unused;
	restore("VALID", "VALID");
	struct dnssec_anchors other =
		parse("island. DS 1 15 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n");
	struct dnssec_anchors would = {0};
	assert_false(dnssec_rollover_fits(state, &other));
	assert_int_equal(resolve_anchors_trusted(shared, &other, true, &would), 0);
	assert_int_equal(would.count, 1);
	assert_int_equal(resolve_anchors_set(shared, &other, true), 0);
	assert_int_equal(trusted(island), 1);
	assert_int_equal(resolve_anchors_zone(shared, 0, state), 1);
	assert_int_equal(state->n, 0);
	dnssec_anchors_done(&would);
	dnssec_anchors_done(&other);
}

static void test_copies(void **unused)
{
	(void)unused;
	struct dnssec_anchors copy = {0};
	uint32_t version = 0;
	assert_false(resolve_keyring_copy(shared, &version, &copy));
	set(KEY_A KEY_B, true);
	assert_true(resolve_keyring_copy(shared, &version, &copy));
	assert_int_equal(copy.count, 2);
	assert_false(resolve_keyring_copy(shared, &version, &copy));
	set(KEY_B, true);
	assert_true(resolve_keyring_copy(shared, &version, &copy));
	assert_int_equal(copy.count, 1);
	dnssec_anchors_done(&copy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_configured, setup, teardown),
		cmocka_unit_test_setup_teardown(test_restored, setup, teardown),
		cmocka_unit_test_setup_teardown(test_revoked, setup, teardown),
		cmocka_unit_test_setup_teardown(test_of_other_anchors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_copies, setup, teardown),
	};
	return cmocka_run_group_tests_name("keyring", tests, NULL, NULL);
}
