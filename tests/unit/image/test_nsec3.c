// SPDX-License-Identifier: GPL-3.0-or-later
/* The place of a hash among NSEC3 records is guessed from its value: right for hashes of any spread, at the ends and between equals. */
#include "base/base.h"
#include "image/block.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ENTRIES_MAX 3000

static struct image_nsec3 entry[ENTRIES_MAX];
static struct random rng;

static int order(const void *a, const void *b)
{
	return memcmp(((const struct image_nsec3 *)a)->hash, ((const struct image_nsec3 *)b)->hash, 20);
}

static size_t one_by_one(size_t n, const uint8_t hash[20])
{
	size_t at = 0;
	while (at < n && memcmp(entry[at].hash, hash, 20) <= 0)
		at++;
	return at > 0 ? at - 1 : n - 1;
}

/* `fixed` first bytes are the same in all: as somebody's could be who chooses names by their hashes. */
static void check(size_t n, unsigned fixed, uint8_t value)
{
	uint8_t hash[20];
	for (size_t i = 0; i < n; i++) {
		random_bytes(&rng, entry[i].hash, 20);
		memset(entry[i].hash, value, fixed);
	}
	qsort(entry, n, sizeof *entry, order);
	for (unsigned i = 0; i < 500; i++) {
		random_bytes(&rng, hash, sizeof hash);
		if (i % 3 == 0)
			memcpy(hash, entry[i % n].hash, sizeof hash);
		else if (i % 3 == 1)
			memset(hash, value, fixed);
		if (i % 6 == 3)
			hash[19] ^= 1;
		assert_int_equal(image_nsec3_before(entry, n, hash), one_by_one(n, hash));
	}
	for (int end = 0; end < 2; end++) {
		memset(hash, end == 0 ? 0 : 0xff, sizeof hash);
		assert_int_equal(image_nsec3_before(entry, n, hash), one_by_one(n, hash));
	}
}

static void spread(void **state)
{
	(void)state;
	for (size_t n = 1; n <= 40; n++)
		check(n, 0, 0);
	check(ENTRIES_MAX, 0, 0);
}

static void crowded(void **state)
{
	(void)state;
	static const uint8_t values[] = {0, 0x7f, 0xff};
	for (size_t v = 0; v < ARRAY_SIZE(values); v++) {
		for (unsigned fixed = 1; fixed <= 20; fixed += 3) {
			check(1, fixed, values[v]);
			check(7, fixed, values[v]);
			check(1000, fixed, values[v]);
		}
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {cmocka_unit_test(spread), cmocka_unit_test(crowded)};
	random_init_seed(&rng, 1);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
