// SPDX-License-Identifier: GPL-3.0-or-later
/* NOTIFY out and registration, in virtual time: copies and replies, coalescing, limits, who goes when there is no room. */
#include "test.h"

#include "sync/push/push.h"

#include <stdio.h>
#include <string.h>

static struct random dice;
static struct push_notify_settings settings;
static struct wire_tsig_key *key;
static struct push_notify *notify;
static uint8_t msg[PUSH_MESSAGE_MAX];
static struct push_message message;
static size_t msg_len;

static const struct wire_tsig_key *key_of(void *ctx, uint16_t number)
{
	return number == 1 ? key : NULL;
}

static int setup(void **state)
{
	random_init_seed(&dice, 1);
	push_notify_settings_default(&settings);
	settings.random = &dice;
	settings.key = key_of;
	assert_int_equal(wire_tsig_key_new("hmac-sha256", "k.", "c2VjcmV0", &key), 0);
	assert_int_equal(push_notify_new((const uint8_t *)"\7EXAMPLE", &settings, &notify), 0);
	return 0;
}

static int teardown(void **state)
{
	push_notify_free(notify);
	wire_tsig_key_free(key);
	return 0;
}

static struct addr at(const char *text)
{
	struct addr addr;
	assert_int_equal(addr_parse(text, 53, &addr), 0);
	return addr;
}

static void configure(const char *text, uint16_t with)
{
	struct push_peer peer = {.addr = at(text), .key = with};
	assert_int_equal(push_notify_configure(notify, &peer, 1, 0), 0);
}

static bool publish(uint32_t serial, int64_t now_ms)
{
	uint8_t soa[22] = {0};
	wire_put32(soa + 2, serial);
	return push_notify_publish(notify, serial, soa, sizeof soa, now_ms);
}

/* The message that is due, or none. */
static bool sent(int64_t now_ms)
{
	int len = push_notify_send(notify, now_ms, msg, sizeof msg, &message);
	assert_true(len >= 0);
	if (len > 0)
		msg_len = (size_t)len;
	return len > 0;
}

static struct push_peer_state only_peer(void)
{
	struct push_peer_state peer;
	size_t place = 0;
	assert_true(push_notify_next(notify, &place, &peer));
	return peer;
}

static bool answer(const char *from, uint16_t rcode, int64_t now_ms)
{
	uint8_t reply[PUSH_MESSAGE_MAX];
	struct addr addr = at(from);
	memcpy(reply, msg, msg_len);
	size_t len = 12 + 9 + 4; /* header and question */
	wire_put16(reply + 2, (uint16_t)(wire_get16(msg + 2) | WIRE_QR | rcode));
	memset(reply + 6, 0, 6);
	return push_notify_take(notify, &addr, reply, len, now_ms);
}

static struct wire_registration enter(const char *from, uint16_t with, uint32_t lifetime_s, int64_t now_ms)
{
	struct push_ask ask = {.peer = at(from), .key = with, .lifetime_s = lifetime_s};
	return push_notify_register(notify, &ask, now_ms);
}

static void one_message_one_reply(void **state)
{
	configure("192.0.2.1", 0);
	assert_false(sent(0)); /* there is no version yet */
	assert_true(publish(7, 1000));
	assert_true(sent(1000));
	struct wire_reader reader;
	struct wire_record record;
	assert_int_equal(wire_reader_init(&reader, msg, msg_len), 0);
	assert_int_equal(reader.flags, WIRE_AA | WIRE_OPCODE_NOTIFY << WIRE_OPCODE_SHIFT);
	assert_int_equal(reader.qtype, WIRE_TYPE_SOA);
	assert_int_equal(wire_reader_next(&reader, &record), 1);
	assert_int_equal(record.section, WIRE_ANSWER);
	assert_int_equal(wire_get32(msg + record.rdata_pos + 2), 7);
	assert_int_equal(wire_reader_next(&reader, &record), 1);
	assert_int_equal(record.type, WIRE_TYPE_OPT);
	assert_int_equal(message.to.port, 53);
	assert_false(sent(1000));
	assert_true(only_peer().waiting);
	/* not from elsewhere, not to another question, not twice */
	assert_false(answer("192.0.2.2", 0, 1100));
	assert_false(answer("192.0.2.1@54", 0, 1100));
	msg[1] ^= 1;
	assert_false(answer("192.0.2.1", 0, 1100));
	msg[1] ^= 1;
	msg[2] ^= 0x08; /* another opcode */
	assert_false(answer("192.0.2.1", 0, 1100));
	msg[2] ^= 0x08;
	msg[14] ^= 1; /* another zone */
	assert_false(answer("192.0.2.1", 0, 1100));
	msg[14] ^= 1;
	assert_true(answer("192.0.2.1", 0, 1100));
	assert_false(answer("192.0.2.1", 0, 1100));
	assert_int_equal(only_peer().serial, 7);
	assert_true(push_notify_wake(notify) == INT64_MAX);
	/* the same, an older one, and one that is neither (RFC 1982) start nothing */
	assert_false(publish(7, 90000));
	assert_false(publish(6, 90000));
	assert_false(publish(7 + 0x80000000U, 90000));
	assert_false(sent(90000));
	assert_true(publish(8, 90000));
	assert_true(sent(90000));
}

/* Copies in growing distances, then it is given up; who is configured stays, on the bench. */
static void no_reply(void **state)
{
	configure("192.0.2.1", 0);
	int64_t now_ms = 1000, first_ms = 0, last_ms = 0, before = 0;
	for (uint32_t serial = 1; serial <= 3; serial++) {
		unsigned copies = 0;
		publish(serial, now_ms);
		for (; push_notify_wake(notify) != INT64_MAX; now_ms = push_notify_wake(notify))
			while (sent(now_ms)) {
				if (copies++ == 0)
					first_ms = now_ms;
				else
					assert_true(copies == 2 || now_ms - last_ms > before);
				before = copies > 1 ? now_ms - last_ms : 0;
				last_ms = now_ms;
			}
		assert_int_equal(copies, serial <= PUSH_FAILURES_MAX ? PUSH_TRIES_MAX : 1);
		if (serial == 1)
			assert_in_range(last_ms - first_ms, 62000, 70000);
		assert_int_equal(only_peer().failures, serial);
		now_ms = last_ms + 100000;
	}
	assert_true(only_peer().benched);
	publish(9, now_ms);
	assert_true(sent(now_ms));
	assert_true(answer("192.0.2.1", 0, now_ms));
	assert_false(only_peer().benched);
}

/* A newer serial takes the place of the one in flight, and not before its time. */
static void coalesced(void **state)
{
	configure("192.0.2.1", 0);
	publish(1, 1000);
	assert_true(sent(1000));
	uint16_t id = wire_get16(msg);
	for (uint32_t serial = 2; serial < 50; serial++)
		publish(serial, 1000 + serial);
	assert_false(answer("192.0.2.1", 0, 1100)); /* what it confirms is old */
	assert_false(sent(1000 + PUSH_INTERVAL_MS - 1));
	assert_true(push_notify_wake(notify) == 1000 + PUSH_INTERVAL_MS);
	assert_true(sent(1000 + PUSH_INTERVAL_MS));
	assert_int_not_equal(wire_get16(msg), id);
	assert_int_equal(wire_get32(msg + 12 + 13 + 2 + 10 + 2), 49);
	assert_true(answer("192.0.2.1", 0, 1000 + PUSH_INTERVAL_MS));
	assert_int_equal(only_peer().serial, 49);
}

static void signed_messages(void **state)
{
	configure("192.0.2.1", 1);
	publish(1, 1000);
	assert_true(sent(1000));
	struct wire_tsig peer = {.key = key};
	assert_int_equal(wire_tsig_check(&peer, msg, msg_len), 0);
	assert_false(answer("192.0.2.1", 0, 1001)); /* unsigned */
	uint8_t reply[512];
	memcpy(reply, msg, 25);
	wire_put16(reply + 2, (uint16_t)(wire_get16(msg + 2) | WIRE_QR));
	memset(reply + 6, 0, 6);
	int len = wire_tsig_sign(&peer, reply, 25, sizeof reply);
	assert_true(len > 0);
	struct addr from = at("192.0.2.1");
	assert_true(push_notify_take(notify, &from, reply, (size_t)len, 1002));
	wire_tsig_done(&peer);
	/* a key that is gone: nothing goes out unsigned */
	configure("192.0.2.1", 2);
	publish(2, 10000);
	assert_false(sent(100000));
	assert_int_equal(only_peer().failures, 1);
}

static void without_edns(void **state)
{
	configure("192.0.2.1", 0);
	publish(1, 1000);
	assert_true(sent(1000));
	size_t with = msg_len;
	assert_true(answer("192.0.2.1", WIRE_RCODE_FORMERR, 1100));
	assert_true(sent(1100));
	assert_int_equal(msg_len, with - 11);
	assert_true(answer("192.0.2.1", 0, 1200));
	assert_false(only_peer().waiting);
}

/* Thousands: within the rate, spread, not more in flight than allowed; the dead ones do not hold up the others. */
static void many(void **state)
{
	static struct push_peer peer[5000];
	static bool told[5000];
	settings.rate = 500;
	settings.in_flight_max = 200;
	for (unsigned i = 0; i < 5000; i++)
		peer[i].addr = (struct addr){.family = 4, .port = 53, .ip = {10, 0, (uint8_t)(i >> 8), (uint8_t)i}};
	assert_int_equal(push_notify_configure(notify, peer, 5000, 0), 0);
	publish(1, 1000);
	unsigned alive = 0, sends = 0, in_flight = 0;
	int64_t all_ms = 0;
	for (int64_t now_ms = 1000; now_ms != INT64_MAX; now_ms = push_notify_wake(notify)) {
		while (sent(now_ms)) {
			unsigned i = (unsigned)(message.to.ip[2] << 8 | message.to.ip[3]);
			sends++;
			assert_true(sends <= 500 * (now_ms - 1000) / 1000 + 500 / 10);
			if (i % 10 == 0) /* a tenth of them is dead */
				continue;
			char text[ADDR_TEXT_MAX];
			assert_false(told[i]);
			told[i] = true;
			alive++;
			all_ms = now_ms;
			assert_true(answer(addr_format(&message.to, true, text), 0, now_ms));
		}
		in_flight++;
	}
	assert_int_equal(alive, 4500);
	assert_int_equal(sends, 4500 + 500 * PUSH_TRIES_MAX);
	assert_true(all_ms < 1000 + 20000);
	assert_true(in_flight > 1000);
}

static void registration_lives(void **state)
{
	publish(1, 0);
	struct wire_registration got = enter("192.0.2.1@5300", 0, 100, 1000);
	assert_int_equal(got.status, WIRE_REGISTRATION_GRANTED);
	assert_int_equal(got.lifetime_s, 100);
	assert_int_equal(got.port, 5300);
	assert_false(sent(1000)); /* the reply to its question has told it */
	assert_int_equal(enter("192.0.2.1@5300", 0, 1, 2000).lifetime_s, PUSH_LIFETIME_MIN_S);
	assert_int_equal(enter("192.0.2.1@5300", 0, UINT32_MAX, 2000).lifetime_s, PUSH_LIFETIME_MAX_S);
	assert_int_equal(enter("192.0.2.1@5300", 0, 100, 2000).lifetime_s, 100);
	assert_int_equal(push_notify_registered(notify), 1);
	publish(2, 50000);
	assert_true(sent(50000));
	assert_int_equal(message.to.port, 5300);
	assert_true(answer("192.0.2.1@5300", 0, 50010));
	assert_true(push_notify_wake(notify) == 102000);
	assert_false(sent(101999));
	assert_int_equal(push_notify_registered(notify), 1);
	assert_false(sent(102000));
	assert_int_equal(push_notify_count(notify), 0);
	/* released; once more is no error; a peer that refuses is out */
	enter("192.0.2.1@5300", 0, 100, 200000);
	struct push_ask ask = {.peer = at("192.0.2.1@5300"), .release = true};
	assert_int_equal(push_notify_register(notify, &ask, 200000).status, WIRE_REGISTRATION_GRANTED);
	assert_int_equal(push_notify_count(notify), 0);
	assert_int_equal(push_notify_register(notify, &ask, 200000).status, WIRE_REGISTRATION_GRANTED);
	enter("192.0.2.1@5300", 0, 100, 200000);
	publish(3, 200001);
	assert_true(sent(200001));
	assert_true(answer("192.0.2.1@5300", WIRE_RCODE_REFUSED, 200002));
	assert_int_equal(push_notify_count(notify), 0);
}

/* Who does not reply is out, also where versions come faster than copies go. */
static void silent_ones_go(void **state)
{
	int64_t now_ms = 1000;
	enter("192.0.2.1", 0, 86400, now_ms);
	for (uint32_t serial = 1; serial <= PUSH_FAILURES_MAX; serial++) {
		assert_int_equal(push_notify_count(notify), 1);
		publish(serial, now_ms);
		for (int64_t end_ms = now_ms + 100000; now_ms < end_ms; now_ms += 500)
			while (sent(now_ms))
				;
	}
	assert_int_equal(push_notify_count(notify), 0);
	enter("192.0.2.1", 0, 86400, now_ms);
	unsigned copies = 0;
	for (uint32_t serial = 10; serial < 20; serial++) {
		publish(serial, now_ms);
		for (int64_t end_ms = now_ms + 8000; now_ms < end_ms; now_ms += 500)
			while (sent(now_ms))
				copies++;
	}
	assert_int_equal(push_notify_count(notify), 0);
	assert_true(copies <= 2 * 4);
}

static void keys_speak_for_themselves(void **state)
{
	enter("192.0.2.1", 1, 1000, 1000);
	assert_int_equal(enter("192.0.2.1", 0, 60, 2000).status, WIRE_REGISTRATION_REFUSED);
	struct push_ask ask = {.peer = at("192.0.2.1"), .release = true};
	assert_int_equal(push_notify_register(notify, &ask, 2000).status, WIRE_REGISTRATION_REFUSED);
	assert_int_equal(push_notify_registered(notify), 1);
	assert_int_equal(enter("192.0.2.1", 1, 60, 2000).status, WIRE_REGISTRATION_GRANTED);
	/* configured as well: the configuration's key counts, and the peer outlives its registration */
	configure("192.0.2.1", 0);
	publish(1, 3000);
	assert_true(sent(3000));
	assert_true(answer("192.0.2.1", 0, 3000));
	assert_false(sent(100000));
	assert_int_equal(push_notify_registered(notify), 0);
	assert_int_equal(push_notify_count(notify), 1);
	assert_int_equal(push_notify_configure(notify, NULL, 0, 0), 0);
	assert_int_equal(push_notify_count(notify), 0);
}

static bool is_there(const char *text)
{
	struct push_peer_state peer;
	struct addr addr = at(text);
	for (size_t place = 0; push_notify_next(notify, &place, &peer);)
		if (addr_equal(&peer.addr, &addr))
			return true;
	return false;
}

/* A full table: who has more than a share makes room, and nobody else. */
static void no_room(void **state)
{
	char text[64];
	settings.registered_max = 64; /* a share is two */
	for (unsigned i = 0; i < PUSH_PER_ADDRESS_MAX; i++) {
		snprintf(text, sizeof text, "192.0.2.1@%u", 1000 + i);
		assert_int_equal(enter(text, 0, 1000, i).status, WIRE_REGISTRATION_GRANTED);
	}
	assert_int_equal(enter("192.0.2.1@2000", 0, 1000, 100).status, WIRE_REGISTRATION_FULL);
	assert_int_equal(enter("2001:db8::1@1", 0, 1000, 100).status, WIRE_REGISTRATION_GRANTED);
	enter("198.51.100.1", 0, 1000, 101);
	/* an attacker with a network of his own takes the rest ... */
	unsigned n = 0;
	while (push_notify_registered(notify) < settings.registered_max) {
		snprintf(text, sizeof text, "203.0.1.%u", n++);
		assert_int_equal(enter(text, 0, 1000, 200 + n).status, WIRE_REGISTRATION_GRANTED);
	}
	/* ... and cannot get more: not from there, */
	for (unsigned i = 0; i < 100; i++) {
		snprintf(text, sizeof text, "203.0.2.%u", i);
		assert_int_equal(enter(text, 0, 1000, 1000).status, WIRE_REGISTRATION_FULL);
	}
	/* and a newcomer of a small network takes the place of the newest of the large one */
	assert_int_equal(enter("198.18.0.1", 0, 1000, 2000).status, WIRE_REGISTRATION_GRANTED);
	snprintf(text, sizeof text, "203.0.1.%u", n - 1);
	assert_false(is_there(text));
	assert_true(is_there("203.0.1.0") && is_there("198.51.100.1") && is_there("192.0.2.1@1000"));
	/* an attacker with many networks gets room down to the share, and no further */
	unsigned granted = 0;
	for (unsigned i = 0; i < 200; i++) {
		snprintf(text, sizeof text, "10.%u.0.1", i);
		granted += enter(text, 0, 1000, 3000 + i).status == WIRE_REGISTRATION_GRANTED;
	}
	assert_true(granted > 0 && granted < 64);
	assert_true(is_there("203.0.1.0") && is_there("198.51.100.1") && is_there("192.0.2.1@1000") &&
		    is_there("2001:db8::1@1"));
	/* who has a key gets in nevertheless */
	assert_int_equal(enter("198.18.1.1", 1, 1000, 4000).status, WIRE_REGISTRATION_GRANTED);
	assert_int_equal(push_notify_registered(notify), settings.registered_max);
	/* all gone in the end, counted to the last */
	assert_false(sent(10000000));
	assert_int_equal(push_notify_count(notify), 0);
	assert_int_equal(push_notify_registered(notify), 0);
	assert_int_equal(enter("192.0.2.1@2000", 0, 1000, 10000000).status, WIRE_REGISTRATION_GRANTED);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(one_message_one_reply),
		TEST(no_reply),
		TEST(coalesced),
		TEST(signed_messages),
		TEST(without_edns),
		TEST(many),
		TEST(registration_lives),
		TEST(silent_ones_go),
		TEST(keys_speak_for_themselves),
		TEST(no_room),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
