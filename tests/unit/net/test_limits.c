// SPDX-License-Identifier: GPL-3.0-or-later
/* The count of connections by address, against a plain count of the same. */
#include "test.h"

#include "private.h"

#define ADDRESSES 50
#define TOTAL     40
#define EACH      3

static struct addr address(unsigned n)
{
	struct addr a = {.family = n % 2 ? 4 : 6};
	a.ip[0] = 10;
	a.ip[3] = (uint8_t)n;
	a.ip[15] = a.family == 6 ? (uint8_t)(n * 7) : 0; /* beyond the /64: of no account */
	return a;
}

static void test_against_plain_count(void **state)
{
	struct net_limits *limits;
	struct random random;
	unsigned count[ADDRESSES] = {0}, total = 0;
	random_init_seed(&random, 1);
	assert_int_equal(net_limits_new(TOTAL, EACH, &limits), 0);
	for (int i = 0; i < 200000; i++) {
		unsigned n = random_below(&random, ADDRESSES);
		struct addr a = address(n);
		a.port = random_u16(&random); /* of no account either */
		if (random_below(&random, 2) == 0) {
			if (count[n] > 0) {
				net_limits_give(limits, &a);
				count[n]--;
				total--;
			}
			continue;
		}
		int expect = count[n] >= EACH ? BANYAN_EACCES : total >= TOTAL ? BANYAN_ELIMIT : 0;
		assert_int_equal(net_limits_take(limits, &a), expect);
		if (expect == 0) {
			count[n]++;
			total++;
		}
	}
	net_limits_free(limits);
}

static void test_one_ipv6_client_is_a_slash_64(void **state)
{
	struct net_limits *limits;
	struct addr a, b, c;
	assert_int_equal(net_limits_new(10, 1, &limits), 0);
	assert_int_equal(addr_parse("2001:db8:0:1::1", 1, &a), 0);
	assert_int_equal(addr_parse("2001:db8:0:1:ffff::2", 2, &b), 0);
	assert_int_equal(addr_parse("2001:db8:0:2::1", 1, &c), 0);
	assert_int_equal(net_limits_take(limits, &a), 0);
	assert_int_equal(net_limits_take(limits, &b), BANYAN_EACCES);
	assert_int_equal(net_limits_take(limits, &c), 0);
	net_limits_give(limits, &b);
	assert_int_equal(net_limits_take(limits, &b), 0);
	net_limits_free(limits);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_against_plain_count),
		cmocka_unit_test(test_one_ipv6_client_is_a_slash_64),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
