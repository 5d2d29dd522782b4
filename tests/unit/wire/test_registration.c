// SPDX-License-Identifier: GPL-3.0-or-later
/* The option with which a peer asks to be notified: what is written is read, nothing else is. */
#include "test.h"

#include "wire/wire.h"

static void both_ways(void **state)
{
	uint8_t data[WIRE_REGISTRATION_SIZE + 1] = {0};
	struct wire_registration got, ask = {.release = true, .port = 5300, .lifetime_s = 5400};
	static const uint8_t expect[] = {1, 0x80, 0x14, 0xb4, 0, 0, 0x15, 0x18};
	wire_registration_write_question(&ask, data);
	assert_memory_equal(data, expect, sizeof expect);
	assert_int_equal(wire_registration_read_question(data, WIRE_REGISTRATION_SIZE, &got), 0);
	assert_true(got.release);
	assert_int_equal(got.port, 5300);
	assert_int_equal(got.lifetime_s, 5400);
	for (size_t len = 0; len <= sizeof data; len++)
		if (len != WIRE_REGISTRATION_SIZE)
			assert_int_equal(wire_registration_read_question(data, len, &got), BANYAN_EMALF);
	ask.status = WIRE_REGISTRATION_FULL;
	wire_registration_write_reply(&ask, data);
	assert_int_equal(wire_registration_read_reply(data, WIRE_REGISTRATION_SIZE, &got), 0);
	assert_int_equal(got.status, WIRE_REGISTRATION_FULL);
	assert_false(got.release);
	data[0] = 2;
	assert_int_equal(wire_registration_read_reply(data, WIRE_REGISTRATION_SIZE, &got), BANYAN_EUNSUPP);
}

static size_t message(uint8_t *msg, size_t cap, bool edns)
{
	static const uint8_t option[] = {0, 3, 0, 1, 'x'};
	struct wire_writer writer;
	assert_int_equal(wire_writer_init(&writer, msg, cap, 7, 0), 0);
	assert_int_equal(wire_writer_question(&writer, (const uint8_t *)"\7example", WIRE_TYPE_SOA, WIRE_CLASS_IN), 0);
	if (edns)
		assert_int_equal(wire_writer_edns(&writer, 1232, 0, true, option, sizeof option), 0);
	return wire_writer_finish(&writer);
}

static void into_a_message(void **state)
{
	uint8_t msg[100], data[WIRE_REGISTRATION_SIZE];
	struct wire_registration ask = {.port = 53, .lifetime_s = 9}, got;
	struct wire_question q;
	wire_registration_write_question(&ask, data);
	size_t len = message(msg, sizeof msg, false);
	assert_int_equal(wire_edns_add(msg, len, sizeof msg, WIRE_OPTION_REGISTRATION, data, sizeof data),
			 BANYAN_EINVAL);
	len = message(msg, sizeof msg, true);
	assert_int_equal(wire_question_parse(msg, len, &q), WIRE_ANSWERABLE);
	assert_null(q.edns.registration);
	assert_int_equal(wire_edns_add(msg, len, len + 11, WIRE_OPTION_REGISTRATION, data, sizeof data), BANYAN_ESPACE);
	int now = wire_edns_add(msg, len, len + 12, WIRE_OPTION_REGISTRATION, data, sizeof data);
	assert_int_equal(now, len + 12);
	assert_int_equal(wire_question_parse(msg, (size_t)now, &q), WIRE_ANSWERABLE);
	assert_true(q.edns.nsid && q.edns.do_bit);
	assert_int_equal(wire_registration_read_question(q.edns.registration, q.edns.registration_len, &got), 0);
	assert_int_equal(got.lifetime_s, 9);
	/* and found in a reply's options */
	struct wire_reader reader;
	struct wire_record record;
	uint16_t found_len;
	assert_int_equal(wire_reader_init(&reader, msg, (size_t)now), 0);
	assert_int_equal(wire_reader_next(&reader, &record), 1);
	const uint8_t *options = msg + reader.opt_pos;
	const uint8_t *found = wire_edns_find(options, reader.opt_len, WIRE_OPTION_REGISTRATION, &found_len);
	assert_ptr_equal(found, q.edns.registration);
	assert_int_equal(found_len, WIRE_REGISTRATION_SIZE);
	assert_null(wire_edns_find(options, reader.opt_len, WIRE_OPTION_COOKIE, &found_len));
	assert_null(wire_edns_find(options, reader.opt_len - 1U, WIRE_OPTION_REGISTRATION, &found_len));
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(both_ways), cmocka_unit_test(into_a_message)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
