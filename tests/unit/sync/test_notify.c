// SPDX-License-Identifier: GPL-3.0-or-later
/* NOTIFY: what is one, what it says, and the reply to it. */
#include "test.h"

#include "sync/sync.h"

static uint8_t msg[512];

static size_t notify_make(uint16_t flags, uint16_t qtype, bool soa)
{
	static const uint8_t data[] = {0, 0, 0, 0, 0, 7, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1};
	const struct wire_rdata rdata = {data, sizeof data};
	struct wire_writer writer;
	assert_int_equal(wire_writer_init(&writer, msg, sizeof msg, 0x1234, flags), 0);
	assert_int_equal(wire_writer_question(&writer, (const uint8_t *)"\7EXAMPLE", qtype, WIRE_CLASS_IN), 0);
	if (soa)
		assert_int_equal(wire_writer_record(&writer, WIRE_ANSWER, (const uint8_t *)"\7example", WIRE_TYPE_SOA,
						    WIRE_CLASS_IN, 0, &rdata),
				 0);
	return wire_writer_finish(&writer);
}

#define NOTIFY (WIRE_OPCODE_NOTIFY << WIRE_OPCODE_SHIFT)

static void what_is_one(void **state)
{
	struct sync_notify notify;
	size_t len = notify_make(NOTIFY | WIRE_AA, WIRE_TYPE_SOA, true);
	assert_true(sync_notify_parse(msg, len, &notify));
	assert_memory_equal(notify.apex, "\7example", 9);
	assert_true(notify.has_serial && !notify.is_signed);
	assert_int_equal(notify.serial, 7);
	assert_int_equal(notify.id, 0x1234);
	for (size_t cut = 0; cut < len; cut++)
		assert_false(sync_notify_parse(msg, cut, &notify));
	len = notify_make(NOTIFY, WIRE_TYPE_SOA, false);
	assert_true(sync_notify_parse(msg, len, &notify) && !notify.has_serial);
	len = notify_make(NOTIFY | WIRE_QR, WIRE_TYPE_SOA, false);
	assert_false(sync_notify_parse(msg, len, &notify));
	len = notify_make(0, WIRE_TYPE_SOA, false);
	assert_false(sync_notify_parse(msg, len, &notify));
	len = notify_make(NOTIFY, WIRE_TYPE_A, false);
	assert_false(sync_notify_parse(msg, len, &notify));
}

static void replies(void **state)
{
	struct sync_notify notify;
	struct wire_reader reader;
	struct wire_tsig_key *key;
	uint8_t out[512];
	size_t len = notify_make(NOTIFY | WIRE_AA, WIRE_TYPE_SOA, false);
	assert_true(sync_notify_parse(msg, len, &notify));
	int n = sync_notify_reply(&notify, WIRE_RCODE_NOTAUTH, NULL, out, sizeof out);
	assert_int_equal(wire_reader_init(&reader, out, (size_t)n), 0);
	assert_int_equal(reader.id, 0x1234);
	assert_int_equal(reader.flags, WIRE_QR | WIRE_AA | NOTIFY | WIRE_RCODE_NOTAUTH);
	/* signed both ways */
	assert_int_equal(wire_tsig_key_new("hmac-sha256", "k.", "c2VjcmV0", &key), 0);
	struct wire_tsig primary = {.key = key}, secondary = {.key = key};
	len = (size_t)wire_tsig_sign(&primary, msg, len, sizeof msg);
	assert_true(sync_notify_parse(msg, len, &notify) && notify.is_signed);
	assert_int_equal(wire_tsig_check(&secondary, msg, len), 0);
	n = sync_notify_reply(&notify, 0, &secondary, out, sizeof out);
	assert_int_equal(wire_tsig_take(&primary, out, (size_t)n), 0);
	msg[2] ^= 1; /* one bit */
	struct wire_tsig again = {.key = key};
	assert_int_equal(wire_tsig_check(&again, msg, len), BANYAN_EPROOF);
	wire_tsig_done(&primary);
	wire_tsig_done(&secondary);
	wire_tsig_key_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(what_is_one), cmocka_unit_test(replies)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
