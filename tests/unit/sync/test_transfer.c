// SPDX-License-Identifier: GPL-3.0-or-later
/* Transfers message by message: what a primary may say, and what it may not. */
#include "test.h"

#include "sync/sync.h"

#define APEX "\7example"

static uint8_t question[SYNC_ASK_MAX], reply[WIRE_MESSAGE_MAX];
static size_t question_len;

static struct zone *zone_of(const char *text)
{
	struct zone_read_settings settings = {.origin = (const uint8_t *)APEX, .default_ttl = 300};
	struct zone_error error;
	struct zone *zone;
	if (zone_read_text("test", text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	return zone;
}

static struct sync_transfer *begin(bool have, uint32_t serial)
{
	struct sync_transfer_settings settings = {.apex = (const uint8_t *)APEX, .have = have, .serial = serial};
	struct sync_transfer *transfer;
	assert_int_equal(sync_transfer_new(&settings, &transfer), 0);
	return transfer;
}

static uint16_t ask(struct sync_transfer *transfer)
{
	struct wire_reader reader;
	int len = sync_transfer_ask(transfer, question, sizeof question);
	assert_true(len > 0);
	question_len = (size_t)len;
	assert_int_equal(wire_reader_init(&reader, question, question_len), 0);
	assert_int_equal(reader.counts[0], 1);
	return reader.qtype;
}

/* What the next reply says of EDNS EXPIRE; 0 = no EDNS in it. */
static uint32_t expire_s;

/* A reply to the last question with these records, one a line. Returns its length. */
static size_t message(uint16_t rcode, const char *lines)
{
	struct wire_writer writer;
	struct wire_reader asked;
	assert_int_equal(wire_reader_init(&asked, question, question_len), 0);
	assert_int_equal(wire_writer_init(&writer, reply, sizeof reply, asked.id, WIRE_QR | WIRE_AA | rcode), 0);
	assert_int_equal(wire_writer_question(&writer, asked.qname, asked.qtype, WIRE_CLASS_IN), 0);
	while (*lines != '\0') {
		size_t len = strcspn(lines, "\n");
		char line[512];
		snprintf(line, sizeof line, "%.*s\n", (int)len, lines);
		struct zone *zone = zone_of(line);
		assert_int_equal(zone->n_sets, 1);
		assert_int_equal(wire_writer_rrset(&writer, WIRE_ANSWER, &zone->set[0], zone->set[0].ttl), 0);
		zone_free(zone);
		lines += len + (lines[len] == '\n');
	}
	if (expire_s != 0) {
		uint8_t option[8] = {0, 9, 0, 4};
		wire_put32(option + 4, expire_s);
		assert_int_equal(wire_writer_edns(&writer, 1232, 0, false, option, sizeof option), 0);
	}
	return wire_writer_finish(&writer);
}

/* Does the last question ask for EXPIRE? */
static bool asks_expire(void)
{
	struct wire_reader reader;
	struct wire_record record;
	uint16_t len = 1;
	assert_int_equal(wire_reader_init(&reader, question, question_len), 0);
	while (wire_reader_next(&reader, &record) > 0)
		;
	return reader.has_edns && wire_edns_find(question + reader.opt_pos, reader.opt_len, 9, &len) != NULL &&
	       len == 0;
}

static enum sync_progress take(struct sync_transfer *transfer, const char *lines)
{
	size_t len = message(0, lines);
	return sync_transfer_take(transfer, reply, len);
}

#define SOA(serial) "@ 300 SOA ns h " #serial " 7200 3600 86400 30\n"

static void assert_zone(const struct sync_transfer *transfer, const char *base, const char *expected)
{
	struct zone *old = base == NULL ? NULL : zone_of(base), *wanted = zone_of(expected), *made;
	struct buffer a = {0}, b = {0};
	assert_int_equal(sync_transfer_zone(transfer, old, &made), 0);
	assert_int_equal(zone_write_text(made, &a), 0);
	assert_int_equal(zone_write_text(wanted, &b), 0);
	assert_int_equal(buffer_append(&a, "", 1), 0);
	assert_int_equal(buffer_append(&b, "", 1), 0);
	assert_string_equal((char *)a.data, (char *)b.data);
	buffer_done(&a);
	buffer_done(&b);
	zone_free(made);
	zone_free(wanted);
	if (old != NULL)
		zone_free(old);
}

/* ---- the whole ---- */

static void whole_in_one_message(void **state)
{
	struct sync_transfer *t = begin(false, 0);
	assert_int_equal(ask(t), WIRE_TYPE_SOA);
	assert_int_equal(take(t, SOA(5)), SYNC_ASK);
	assert_int_equal(ask(t), WIRE_TYPE_AXFR);
	assert_int_equal(take(t, SOA(5) "www A 192.0.2.1\nwww A 192.0.2.2\nWWW.x TXT hello\n" SOA(5)), SYNC_CHANGED);
	assert_true(sync_transfer_is_whole(t));
	assert_int_equal(sync_transfer_serial(t), 5);
	assert_int_equal(sync_transfer_changes(t), 3);
	assert_zone(t, NULL, SOA(5) "www A 192.0.2.1\nwww A 192.0.2.2\nwww.x TXT hello\n");
	sync_transfer_free(t);
}

static void whole_in_many_messages(void **state)
{
	struct sync_transfer *t = begin(false, 0);
	ask(t);
	assert_int_equal(take(t, SOA(5)), SYNC_ASK);
	ask(t);
	assert_int_equal(take(t, SOA(5)), SYNC_WAIT);
	assert_int_equal(take(t, "www A 192.0.2.1\n"), SYNC_WAIT);
	assert_int_equal(take(t, "www A 192.0.2.2\n"), SYNC_WAIT);
	assert_int_equal(take(t, SOA(5)), SYNC_CHANGED);
	assert_zone(t, NULL, SOA(5) "www A 192.0.2.1\nwww A 192.0.2.2\n");
	sync_transfer_free(t);
}

static void nothing_newer(void **state)
{
	static const uint32_t serials[] = {5, 6, 5 + (1u << 30)};
	for (size_t i = 0; i < ARRAY_SIZE(serials); i++) {
		struct sync_transfer *t = begin(true, serials[i]);
		ask(t);
		assert_int_equal(take(t, SOA(5)), SYNC_CURRENT);
		sync_transfer_free(t);
	}
	struct sync_transfer *t = begin(true, UINT32_MAX); /* serials turn round */
	ask(t);
	assert_int_equal(take(t, SOA(5)), SYNC_ASK);
	assert_int_equal(ask(t), WIRE_TYPE_IXFR);
	assert_int_equal(take(t, SOA(4294967295)), SYNC_CURRENT); /* RFC 1995 section 2: its own is not newer */
	sync_transfer_free(t);
}

/* ---- differences ---- */

static struct sync_transfer *begin_ixfr(uint32_t serial)
{
	struct sync_transfer *t = begin(true, serial);
	ask(t);
	assert_int_equal(take(t, SOA(5)), SYNC_ASK);
	assert_int_equal(ask(t), WIRE_TYPE_IXFR);
	return t;
}

#define BASE SOA(3) "a A 192.0.2.1\nb A 192.0.2.2\nc CNAME Target.Example.\n"

static void differences(void **state)
{
	struct sync_transfer *t = begin_ixfr(3);
	assert_int_equal(take(t, SOA(5) SOA(3) "a A 192.0.2.1\nC CNAME target.example.\n" SOA(4) "d A 192.0.2.4\n"),
			 SYNC_WAIT);
	assert_int_equal(take(t, SOA(4) "d A 192.0.2.4\n" SOA(5) "a A 192.0.2.1\ne A 192.0.2.5\n" SOA(5)),
			 SYNC_CHANGED);
	assert_false(sync_transfer_is_whole(t));
	assert_zone(t, BASE, SOA(5) "a A 192.0.2.1\nb A 192.0.2.2\ne A 192.0.2.5\n");
	sync_transfer_free(t);
}

static void whole_instead_of_differences(void **state)
{
	struct sync_transfer *t = begin_ixfr(3);
	assert_int_equal(take(t, SOA(5) "x A 192.0.2.9\n" SOA(5)), SYNC_CHANGED);
	assert_true(sync_transfer_is_whole(t));
	assert_zone(t, NULL, SOA(5) "x A 192.0.2.9\n");
	sync_transfer_free(t);
	t = begin_ixfr(3); /* a zone that has become empty */
	assert_int_equal(take(t, SOA(5) SOA(5)), SYNC_CHANGED);
	assert_zone(t, NULL, SOA(5));
	sync_transfer_free(t);
}

static void expire(void **state)
{
	static const uint16_t old[] = {WIRE_RCODE_FORMERR, WIRE_RCODE_NOTIMP};
	struct sync_transfer *t = begin(false, 0);
	assert_int_equal(ask(t), WIRE_TYPE_SOA);
	assert_true(asks_expire());
	expire_s = 700;
	assert_int_equal(take(t, SOA(5)), SYNC_ASK);
	assert_int_equal(sync_transfer_expire_s(t), 700);
	assert_int_equal(ask(t), WIRE_TYPE_AXFR);
	assert_true(asks_expire());
	expire_s = 600; /* the first message counts, not what follows it */
	assert_int_equal(take(t, SOA(5)), SYNC_WAIT);
	expire_s = 500;
	assert_int_equal(take(t, SOA(5)), SYNC_CHANGED);
	assert_int_equal(sync_transfer_expire_s(t), 600);
	sync_transfer_free(t);
	t = begin(true, 5); /* it has nothing newer: that it is still good for so long is news, too */
	ask(t);
	assert_int_equal(take(t, SOA(5)), SYNC_CURRENT);
	assert_int_equal(sync_transfer_expire_s(t), 500);
	sync_transfer_free(t);
	expire_s = 0;
	for (size_t i = 0; i < ARRAY_SIZE(old); i++) { /* primaries from before EDNS */
		t = begin(false, 0);
		ask(t);
		size_t len = message(old[i], "");
		assert_int_equal(sync_transfer_take(t, reply, len), SYNC_ASK);
		assert_int_equal(ask(t), WIRE_TYPE_SOA);
		assert_false(asks_expire());
		assert_int_equal(take(t, SOA(5)), SYNC_ASK);
		assert_int_equal(ask(t), WIRE_TYPE_AXFR);
		assert_false(asks_expire());
		assert_int_equal(take(t, SOA(5) SOA(5)), SYNC_CHANGED);
		assert_int_equal(sync_transfer_expire_s(t), 0);
		sync_transfer_free(t);
		t = begin(false, 0); /* and one that has no word for anything */
		ask(t);
		assert_int_equal(sync_transfer_take(t, reply, message(old[i], "")), SYNC_ASK);
		ask(t);
		assert_int_equal(sync_transfer_take(t, reply, message(old[i], "")), SYNC_FAILED);
		sync_transfer_free(t);
	}
}

static void primaries_without_differences(void **state)
{
	static const uint16_t rcodes[] = {WIRE_RCODE_NOTIMP, WIRE_RCODE_FORMERR, WIRE_RCODE_REFUSED,
					  WIRE_RCODE_SERVFAIL};
	for (size_t i = 0; i < ARRAY_SIZE(rcodes); i++) {
		struct sync_transfer *t = begin_ixfr(3);
		size_t len = message(rcodes[i], "");
		assert_int_equal(sync_transfer_take(t, reply, len), SYNC_ASK);
		if (rcodes[i] == WIRE_RCODE_FORMERR) { /* perhaps it was EDNS that it does not know */
			assert_int_equal(ask(t), WIRE_TYPE_IXFR);
			assert_false(asks_expire());
			len = message(rcodes[i], "");
			assert_int_equal(sync_transfer_take(t, reply, len), SYNC_ASK);
		}
		assert_int_equal(ask(t), WIRE_TYPE_AXFR);
		assert_int_equal(take(t, SOA(5) SOA(5)), SYNC_CHANGED);
		sync_transfer_free(t);
	}
}

static void differences_that_do_not_fit(void **state)
{
	static const char *const wrong[] = {
		SOA(5) SOA(3) "z A 192.0.2.1\n" SOA(5) SOA(5),                /* goes, but is not there */
		SOA(5) SOA(3) SOA(5) "a A 192.0.2.1\n" SOA(5),                /* comes, but is there */
		SOA(5) SOA(3) SOA(5) "n A 192.0.2.1\nn A 192.0.2.1\n" SOA(5), /* comes twice */
	};
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++) {
		struct sync_transfer *t = begin_ixfr(3);
		struct zone *base = zone_of(BASE), *made;
		assert_int_equal(take(t, wrong[i]), SYNC_CHANGED);
		assert_int_equal(sync_transfer_zone(t, base, &made), BANYAN_EMALF);
		zone_free(base);
		sync_transfer_free(t);
	}
	struct sync_transfer *t = begin_ixfr(3);
	struct zone *base = zone_of(SOA(2)), *made;
	assert_int_equal(take(t, SOA(5) SOA(3) SOA(5) SOA(5)), SYNC_CHANGED);
	assert_int_equal(sync_transfer_zone(t, base, &made), BANYAN_EINVAL); /* another version */
	assert_int_equal(sync_transfer_zone(t, NULL, &made), BANYAN_EINVAL);
	zone_free(base);
	sync_transfer_free(t);
}

/* ---- what a primary may not say ---- */

static void refused(bool ixfr, const char *lines, const char *words)
{
	struct sync_transfer *t = ixfr ? begin_ixfr(3) : begin(false, 0);
	if (!ixfr) {
		ask(t);
		assert_int_equal(take(t, SOA(5)), SYNC_ASK);
		ask(t);
	}
	assert_int_equal(take(t, lines), SYNC_FAILED);
	if (strstr(sync_transfer_why(t), words) == NULL)
		fail_msg("'%s' is not in '%s'", words, sync_transfer_why(t));
	sync_transfer_free(t);
}

static void wrong_order(void **state)
{
	refused(false, "@ A 192.0.2.1\n", "does not begin with a SOA");
	refused(false, "www SOA ns h 5 1 1 1 1\n", "begins with another name");
	refused(false, SOA(5) "www A 192.0.2.1\n" SOA(6), "changed while it was sent, from serial 5 to 6");
	refused(false, SOA(5) SOA(5) "www A 192.0.2.1\n", "behind the end");
	refused(true, SOA(5) SOA(3) SOA(4) SOA(5), "do not follow each other: from serial 4 to 5");
	refused(true, SOA(5) SOA(3) SOA(5) SOA(5) SOA(5), "behind the end");
}

static void wrong_messages(void **state)
{
	struct sync_transfer *t = begin(false, 0);
	ask(t);
	size_t len = message(0, SOA(5));
	reply[0] ^= 1;
	assert_int_equal(sync_transfer_take(t, reply, len), SYNC_FAILED); /* ID */
	reply[0] ^= 1;
	reply[2] &= 0x7f;
	assert_int_equal(sync_transfer_take(t, reply, len), SYNC_FAILED); /* QR */
	reply[2] |= 0x82;
	assert_int_equal(sync_transfer_take(t, reply, len), SYNC_FAILED); /* TC */
	reply[2] &= 0xfd;
	assert_int_equal(sync_transfer_take(t, reply, len - 1), SYNC_FAILED);
	assert_int_equal(sync_transfer_take(t, reply, 5), SYNC_FAILED);
	reply[13] ^= 1;
	assert_int_equal(sync_transfer_take(t, reply, len), SYNC_FAILED); /* another zone */
	assert_non_null(strstr(sync_transfer_why(t), "about something else"));
	len = message(WIRE_RCODE_REFUSED, "");
	assert_int_equal(sync_transfer_take(t, reply, len), SYNC_FAILED);
	assert_non_null(strstr(sync_transfer_why(t), "REFUSED to the question for SOA"));
	len = message(0, "");
	assert_int_equal(sync_transfer_take(t, reply, len), SYNC_FAILED);
	assert_non_null(strstr(sync_transfer_why(t), "gives no SOA"));
	sync_transfer_free(t);
}

static void limit_of_size(void **state)
{
	struct sync_transfer_settings settings = {.apex = (const uint8_t *)APEX, .bytes_max = 300};
	struct sync_transfer *t;
	assert_int_equal(sync_transfer_new(&settings, &t), 0);
	ask(t);
	assert_int_equal(take(t, SOA(5)), SYNC_ASK);
	ask(t);
	assert_int_equal(take(t, SOA(5) "a TXT 0123456789012345678901234567890123456789\n"), SYNC_WAIT);
	assert_int_equal(take(t, "b TXT 0123456789012345678901234567890123456789\n"), SYNC_WAIT);
	assert_int_equal(take(t, "c TXT 0123456789012345678901234567890123456789\n"), SYNC_FAILED);
	assert_non_null(strstr(sync_transfer_why(t), "limit of 300 bytes"));
	sync_transfer_free(t);
}

/* ---- signatures ---- */

static void signed_transfer(void **state)
{
	struct wire_tsig_key *key, *other;
	assert_int_equal(wire_tsig_key_new("hmac-sha256", "k.example.", "c2VjcmV0IG9mIHRoZSB0ZXN0", &key), 0);
	assert_int_equal(wire_tsig_key_new("hmac-sha256", "k.example.", "YW5vdGhlciBzZWNyZXQ=", &other), 0);
	for (unsigned how = 0; how < 3; how++) {
		struct sync_transfer_settings settings = {.apex = (const uint8_t *)APEX, .key = key};
		struct sync_transfer *t;
		struct wire_tsig server = {.key = key};
		assert_int_equal(sync_transfer_new(&settings, &t), 0);
		ask(t);
		assert_int_equal(wire_tsig_check(&server, question, question_len), 0);
		size_t len = message(0, SOA(5));
		if (how == 1)
			server.key = other;
		if (how != 2)
			len = (size_t)wire_tsig_sign(&server, reply, len, sizeof reply);
		assert_int_equal(sync_transfer_take(t, reply, len), how == 0 ? SYNC_ASK : SYNC_FAILED);
		if (how != 0)
			assert_non_null(strstr(sync_transfer_why(t), "not signed with the key"));
		wire_tsig_done(&server);
		sync_transfer_free(t);
	}
	struct wire_tsig_key *bad = NULL;
	assert_int_equal(wire_tsig_key_new("hmac-sha256", "k.example.", "?", &bad), BANYAN_EINVAL);
	assert_int_equal(wire_tsig_key_new("hmac-none", "k.example.", "c2VjcmV0", &bad), BANYAN_EINVAL);
	wire_tsig_key_free(key);
	wire_tsig_key_free(other);
}

/* Messages between signed ones need no signature, the last one does. */
static void signatures_of_some_messages(void **state)
{
	struct wire_tsig_key *key;
	assert_int_equal(wire_tsig_key_new("hmac-sha512", "k.", "c2VjcmV0IG9mIHRoZSB0ZXN0", &key), 0);
	struct sync_transfer_settings settings = {.apex = (const uint8_t *)APEX, .key = key};
	struct wire_tsig server = {.key = key};
	struct sync_transfer *t;
	assert_int_equal(sync_transfer_new(&settings, &t), 0);
	ask(t);
	assert_int_equal(wire_tsig_check(&server, question, question_len), 0);
	size_t len = message(0, SOA(5));
	len = (size_t)wire_tsig_sign(&server, reply, len, sizeof reply);
	assert_int_equal(sync_transfer_take(t, reply, len), SYNC_ASK);
	ask(t);
	assert_int_equal(wire_tsig_check(&server, question, question_len), 0);
	len = message(0, SOA(5));
	len = (size_t)wire_tsig_sign(&server, reply, len, sizeof reply);
	assert_int_equal(sync_transfer_take(t, reply, len), SYNC_WAIT);
	assert_int_equal(take(t, "www A 192.0.2.1\n"), SYNC_WAIT);
	assert_int_equal(take(t, SOA(5)), SYNC_FAILED);
	assert_non_null(strstr(sync_transfer_why(t), "the end of its answer is not signed"));
	wire_tsig_done(&server);
	sync_transfer_free(t);
	wire_tsig_key_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_in_one_message),
		cmocka_unit_test(whole_in_many_messages),
		cmocka_unit_test(nothing_newer),
		cmocka_unit_test(differences),
		cmocka_unit_test(whole_instead_of_differences),
		cmocka_unit_test(expire),
		cmocka_unit_test(primaries_without_differences),
		cmocka_unit_test(differences_that_do_not_fit),
		cmocka_unit_test(wrong_order),
		cmocka_unit_test(wrong_messages),
		cmocka_unit_test(limit_of_size),
		cmocka_unit_test(signed_transfer),
		cmocka_unit_test(signatures_of_some_messages),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
