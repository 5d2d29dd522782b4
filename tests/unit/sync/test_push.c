// SPDX-License-Identifier: GPL-3.0-or-later
/* Transfers out, message by message, read back by our own secondary: AXFR, IXFR, signed ones, and files of differences. */
#include "test.h"

#include "sync/push/push.h"

#define APEX   "\7example"
#define SECRET "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

static const struct push_limits limits = {.steps_max = 10, .bytes_max = 1 << 20};

static struct zone *zone_of(const char *text, size_t len)
{
	struct zone_read_settings settings = {.origin = (const uint8_t *)APEX, .default_ttl = 300};
	struct zone_error error;
	struct zone *zone;
	if (zone_read_text("test", text, len, &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	return zone;
}

/* A zone of `n` names, of which those whose number is below `serial` have another address; sometimes large records. */
static struct zone *zone_at(uint32_t serial, unsigned n)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	assert_true(buffer_printf(&text, "@ 300 SOA ns.Host h %u 7200 3600 86400 30\n@ NS NS\n", serial) >= 0);
	for (unsigned i = 0; i < n; i++)
		assert_true(buffer_printf(&text, "n%u.Sub A 192.0.2.%u\nn%u.sub MX 10 MAIL%u.other.host.\n", i,
					  i < serial ? 1 : 2, i, i % 7) >= 0);
	return zone_of((char *)text.data, text.len);
}

static struct push_version *version_of(const struct zone *zone, const struct push_version *before)
{
	struct push_version *version;
	assert_int_equal(push_version_new(zone, before, &limits, &version), 0);
	return version;
}

/* ---- questions ---- */

static uint8_t question[1024];

static size_t ask(uint16_t qtype, uint32_t serial, struct wire_tsig *tsig)
{
	struct wire_writer writer;
	uint8_t soa[22] = {0};
	wire_put32(soa + 2, serial);
	struct wire_rdata rdata = {.data = soa, .len = sizeof soa};
	assert_int_equal(wire_writer_init(&writer, question, sizeof question, 0x4711, 0), 0);
	assert_int_equal(wire_writer_question(&writer, (const uint8_t *)"\7eXample", qtype, WIRE_CLASS_IN), 0);
	if (qtype == WIRE_TYPE_IXFR)
		assert_int_equal(wire_writer_record(&writer, WIRE_AUTHORITY, (const uint8_t *)APEX, WIRE_TYPE_SOA,
						    WIRE_CLASS_IN, 0, &rdata),
				 0);
	size_t len = wire_writer_finish(&writer);
	if (tsig == NULL)
		return len;
	int size = wire_tsig_sign(tsig, question, len, sizeof question);
	assert_true(size > 0);
	return (size_t)size;
}

static struct push_transfer *transfer_of(struct push_version *version, size_t len, bool tcp, size_t udp_max)
{
	struct push_transfer_settings settings = {
		.version = version, .question = question, .question_len = len, .tcp = tcp, .udp_max = udp_max};
	struct push_transfer *transfer;
	assert_int_equal(push_transfer_new(&settings, &transfer), 0);
	return transfer;
}

static void assert_same(const struct zone *a, const struct zone *b)
{
	_cleanup_(buffer_done) struct buffer x = {0}, y = {0};
	assert_int_equal(zone_write_text(a, &x), 0);
	assert_int_equal(zone_write_text(b, &y), 0);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
}

/* What sync_transfer makes of it: a secondary that has `base`, or nothing. */
static void assert_arrives(struct push_version *version, const struct zone *base, const struct zone *expected,
			   enum push_kind kind, const struct wire_tsig_key *key)
{
	static uint8_t out[WIRE_MESSAGE_MAX], plain[1024], soa[WIRE_MESSAGE_MAX];
	struct sync_transfer_settings settings = {.apex = (const uint8_t *)APEX,
						  .have = base != NULL,
						  .serial = base == NULL ? 0 : base->serial,
						  .key = key};
	struct sync_transfer *secondary;
	assert_int_equal(sync_transfer_new(&settings, &secondary), 0);
	enum sync_progress progress = SYNC_ASK;
	struct push_transfer *transfer = NULL;
	while (progress == SYNC_ASK) {
		struct wire_tsig tsig = {.key = key};
		uint16_t error = 0;
		int asked = sync_transfer_ask(secondary, question, sizeof question);
		assert_true(asked > 0);
		size_t len = (size_t)asked;
		memcpy(plain, question, len);
		if (key != NULL)
			assert_int_equal(wire_tsig_check_any(&key, 1, question, len, &tsig, plain, &len, &error), 0);
		assert_int_equal(error, 0);
		struct wire_reader reader;
		assert_int_equal(wire_reader_init(&reader, plain, len), 0);
		if (reader.qtype == WIRE_TYPE_SOA) { /* the server's other half */
			struct wire_writer writer;
			struct zone *zone;
			assert_int_equal(push_version_zone(version, &zone), 0);
			const struct wire_rrset *set = zone_node_set(zone, zone_find(zone, zone->apex), WIRE_TYPE_SOA);
			assert_int_equal(wire_writer_init(&writer, soa, sizeof soa, reader.id, WIRE_QR | WIRE_AA), 0);
			assert_int_equal(wire_writer_question(&writer, zone->apex, WIRE_TYPE_SOA, WIRE_CLASS_IN), 0);
			assert_int_equal(wire_writer_rrset(&writer, WIRE_ANSWER, set, 300), 0);
			int size = (int)wire_writer_finish(&writer);
			if (key != NULL)
				size = wire_tsig_sign(&tsig, soa, (size_t)size, sizeof soa);
			zone_free(zone);
			assert_true(size > 0);
			progress = sync_transfer_take(secondary, soa, (size_t)size);
			continue;
		}
		struct push_transfer_settings give = {.version = version,
						      .question = plain,
						      .question_len = len,
						      .tcp = true,
						      .tsig = key == NULL ? NULL : &tsig};
		assert_int_equal(push_transfer_new(&give, &transfer), 0);
		assert_int_equal(push_transfer_kind(transfer), kind);
		int n;
		while ((n = push_transfer_next(transfer, out, sizeof out)) > 0) {
			assert_true(n <= PUSH_MESSAGE + PUSH_ROOM || push_transfer_kind(transfer) == PUSH_WHOLE);
			progress = sync_transfer_take(secondary, out, (size_t)n);
			if (progress == SYNC_FAILED)
				fail_msg("%s", sync_transfer_why(secondary));
		}
		assert_int_equal(n, 0);
	}
	assert_int_equal(progress, SYNC_CHANGED);
	assert_int_equal(sync_transfer_is_whole(secondary), kind == PUSH_WHOLE);
	struct zone *made;
	assert_int_equal(sync_transfer_zone(secondary, base, &made), 0);
	assert_same(made, expected);
	zone_free(made);
	push_transfer_free(transfer);
	sync_transfer_free(secondary);
}

/* ---- the whole ---- */

static void whole_zones_of_many_messages(void **state)
{
	static const unsigned sizes[] = {0, 1, 300, 20000};
	for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct zone *zone = zone_at(1, sizes[i]), *back;
		struct push_version *version = version_of(zone, NULL);
		assert_arrives(version, NULL, zone, PUSH_WHOLE, NULL);
		assert_int_equal(push_version_zone(version, &back), 0);
		assert_same(back, zone);
		zone_free(back);
		zone_free(zone);
		push_version_release(version);
	}
}

static void large_records(void **state)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	assert_true(buffer_printf(&text, "@ 300 SOA ns h 1 7200 3600 86400 30\n") >= 0);
	for (unsigned i = 0; i < 4; i++) {
		assert_true(buffer_printf(&text, "t%u TXT", i) >= 0);
		for (unsigned k = 0; k < 60 * (i + 1); k++)
			assert_true(buffer_printf(&text, " \"%0250u\"", k) >= 0);
		assert_true(buffer_printf(&text, "\n") >= 0);
	}
	struct zone *zone = zone_of((char *)text.data, text.len);
	struct push_version *version = version_of(zone, NULL);
	assert_arrives(version, NULL, zone, PUSH_WHOLE, NULL);
	push_version_release(version);
	zone_free(zone);
}

static void the_question_is_given_back_as_it_came(void **state)
{
	static uint8_t out[WIRE_MESSAGE_MAX];
	struct zone *zone = zone_at(1, 3000);
	struct push_version *version = version_of(zone, NULL);
	struct push_transfer *transfer = transfer_of(version, ask(WIRE_TYPE_AXFR, 0, NULL), true, 0);
	struct wire_reader reader;
	for (unsigned i = 0;; i++) {
		int n = push_transfer_next(transfer, out, sizeof out);
		if (n == 0)
			break;
		assert_int_equal(wire_reader_init(&reader, out, (size_t)n), 0);
		assert_int_equal(reader.id, 0x4711);
		assert_int_equal(reader.flags, WIRE_QR | WIRE_AA);
		assert_int_equal(reader.counts[0], i == 0);
		if (i == 0)
			assert_memory_equal(reader.qname, "\7eXample", 9);
	}
	assert_true(push_transfer_messages(transfer) > 3);
	push_transfer_free(transfer);
	push_version_release(version);
	zone_free(zone);
}

/* ---- differences ---- */

struct history {
	struct zone *zone[8];
	struct push_version *version;
};

static void history_make(struct history *h)
{
	struct push_version *before = NULL;
	for (unsigned i = 0; i < ARRAY_SIZE(h->zone); i++) {
		h->zone[i] = zone_at(i + 1, 400);
		h->version = version_of(h->zone[i], before);
		push_version_release(before);
		before = h->version;
	}
}

static void history_done(struct history *h)
{
	for (unsigned i = 0; i < ARRAY_SIZE(h->zone); i++)
		zone_free(h->zone[i]);
	push_version_release(h->version);
}

static void differences_from_each_version_before(void **state)
{
	struct history h;
	history_make(&h);
	assert_int_equal(push_version_steps(h.version), 7);
	for (unsigned i = 0; i < 7; i++)
		assert_arrives(h.version, h.zone[i], h.zone[7], PUSH_DIFFERENCES, NULL);
	struct zone *other = zone_at(900, 400); /* of whose serial nothing is known */
	struct zone *older = zone_at(0, 400);
	assert_arrives(h.version, older, h.zone[7], PUSH_WHOLE, NULL);
	struct push_transfer *transfer = transfer_of(h.version, ask(WIRE_TYPE_IXFR, 900, NULL), true, 0);
	assert_int_equal(push_transfer_kind(transfer), PUSH_CURRENT); /* newer than ours */
	push_transfer_free(transfer);
	zone_free(other);
	zone_free(older);
	history_done(&h);
}

static void large_differences_are_no_differences(void **state)
{
	struct zone *a = zone_at(1, 40), *b = zone_at(2, 3), *c = zone_at(3, 3);
	struct push_version *va = version_of(a, NULL), *vb = version_of(b, va), *vc = version_of(c, vb);
	assert_int_equal(push_version_steps(vb), 0); /* nearly all names go */
	assert_arrives(vb, a, b, PUSH_WHOLE, NULL);
	assert_int_equal(push_version_steps(vc), 1);
	assert_arrives(vc, b, c, PUSH_DIFFERENCES, NULL);
	push_version_release(va);
	push_version_release(vb);
	push_version_release(vc);
	zone_free(a);
	zone_free(b);
	zone_free(c);
}

static void limits_cut_the_oldest(void **state)
{
	struct push_limits few = {.steps_max = 2, .bytes_max = 1 << 20}, none = {.steps_max = 0};
	struct push_limits small = {.steps_max = 10, .bytes_max = 500};
	struct history h;
	struct push_version *version;
	history_make(&h);
	struct zone *next = zone_at(9, 400);
	assert_int_equal(push_version_new(next, h.version, &few, &version), 0);
	assert_int_equal(push_version_steps(version), 2);
	assert_arrives(version, h.zone[7], next, PUSH_DIFFERENCES, NULL);
	assert_arrives(version, h.zone[5], next, PUSH_WHOLE, NULL);
	push_version_release(version);
	assert_int_equal(push_version_new(next, h.version, &none, &version), 0);
	assert_int_equal(push_version_steps(version), 0);
	push_version_release(version);
	assert_int_equal(push_version_new(next, h.version, &small, &version), 0);
	assert_true(push_version_steps(version) > 0 && push_version_steps(version) < 5);
	assert_true(push_version_step_bytes(version) <= 500);
	push_version_release(version);
	zone_free(next);
	history_done(&h);
}

/* Secondaries with that serial may have the one or the other. */
static void content_that_changes_without_its_serial(void **state)
{
	struct zone *a = zone_at(1, 50), *b = zone_at(2, 50), *again = zone_at(2, 49), *c = zone_at(3, 50),
		    *d = zone_at(4, 50);
	struct push_version *va = version_of(a, NULL), *vb = version_of(b, va), *same = version_of(b, vb);
	assert_int_equal(push_version_steps(same), 1);
	struct push_version *v2 = version_of(again, vb), *vc = version_of(c, v2), *vd = version_of(d, vc);
	assert_int_equal(push_version_steps(v2), 0);
	assert_int_equal(push_version_steps(vc), 0);
	assert_int_equal(push_version_steps(vd), 1);
	assert_arrives(vd, c, d, PUSH_DIFFERENCES, NULL);
	struct push_version *all[] = {va, vb, same, v2, vc, vd};
	struct zone *zones[] = {a, b, again, c, d};
	for (unsigned i = 0; i < ARRAY_SIZE(all); i++)
		push_version_release(all[i]);
	for (unsigned i = 0; i < ARRAY_SIZE(zones); i++)
		zone_free(zones[i]);
}

static void a_serial_that_goes_back(void **state)
{
	struct zone *a = zone_at(7, 50), *b = zone_at(8, 50);
	struct push_version *vb = version_of(b, NULL), *va = version_of(a, vb);
	assert_int_equal(push_version_steps(va), 0);
	push_version_release(va);
	push_version_release(vb);
	zone_free(a);
	zone_free(b);
}

/* ---- UDP ---- */

static void over_udp(void **state)
{
	static uint8_t out[WIRE_MESSAGE_MAX];
	struct history h;
	history_make(&h);
	static const struct {
		uint32_t serial;
		size_t max;
		enum push_kind kind;
		unsigned records;
	} cases[] = {
		{8, 512, PUSH_CURRENT, 1}, {7, 512, PUSH_DIFFERENCES, 6}, {1, 1232, PUSH_DIFFERENCES, 2 + 7 * 4},
		{1, 512, PUSH_RETRY, 1},   {0, 1232, PUSH_RETRY, 1},
	};
	for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
		struct push_transfer *transfer =
			transfer_of(h.version, ask(WIRE_TYPE_IXFR, cases[i].serial, NULL), false, cases[i].max);
		struct wire_reader reader;
		int n = push_transfer_next(transfer, out, sizeof out);
		assert_true(n > 0 && (size_t)n <= cases[i].max);
		assert_int_equal(push_transfer_kind(transfer), cases[i].kind);
		assert_int_equal(wire_reader_init(&reader, out, (size_t)n), 0);
		assert_int_equal(reader.counts[WIRE_ANSWER], cases[i].records);
		assert_int_equal(push_transfer_next(transfer, out, sizeof out), 0);
		push_transfer_free(transfer);
	}
	struct push_transfer_settings settings = {.version = h.version, .question = question, .udp_max = 512};
	struct push_transfer *transfer;
	settings.question_len = ask(WIRE_TYPE_AXFR, 0, NULL);
	assert_int_equal(push_transfer_new(&settings, &transfer), BANYAN_EUNSUPP);
	history_done(&h);
}

static void questions_that_are_none(void **state)
{
	struct zone *zone = zone_at(1, 1);
	struct push_version *version = version_of(zone, NULL);
	struct push_transfer_settings settings = {.version = version, .question = question, .tcp = true};
	struct push_transfer *transfer;
	settings.question_len = ask(WIRE_TYPE_IXFR, 1, NULL);
	question[WIRE_HEADER_SIZE + 1] = 'z'; /* another zone */
	assert_int_equal(push_transfer_new(&settings, &transfer), BANYAN_EMALF);
	settings.question_len = ask(WIRE_TYPE_SOA, 1, NULL);
	assert_int_equal(push_transfer_new(&settings, &transfer), BANYAN_EMALF);
	settings.question_len = ask(WIRE_TYPE_AXFR, 1, NULL);
	question[WIRE_HEADER_SIZE + sizeof(APEX) + 1] = WIRE_TYPE_IXFR; /* without a serial */
	assert_int_equal(push_transfer_new(&settings, &transfer), BANYAN_EMALF);
	push_version_release(version);
	zone_free(zone);
}

/* ---- signed ---- */

static void each_message_is_signed(void **state)
{
	struct wire_tsig_key *key;
	struct history h;
	assert_int_equal(wire_tsig_key_new("hmac-sha256", "transfer.key", SECRET, &key), 0);
	history_make(&h);
	assert_arrives(h.version, NULL, h.zone[7], PUSH_WHOLE, key);
	assert_arrives(h.version, h.zone[0], h.zone[7], PUSH_DIFFERENCES, key);
	struct zone *large = zone_at(1, 20000);
	struct push_version *version = version_of(large, NULL);
	assert_arrives(version, NULL, large, PUSH_WHOLE, key);
	push_version_release(version);
	zone_free(large);
	history_done(&h);
	wire_tsig_key_free(key);
}

static void what_a_server_says_of_signatures(void **state)
{
	struct wire_tsig_key *key, *wrong, *other;
	uint8_t plain[1024], out[1024];
	size_t len;
	uint16_t error;
	struct wire_tsig found;
	assert_int_equal(wire_tsig_key_new("hmac-sha256", "transfer.key", SECRET, &key), 0);
	assert_int_equal(wire_tsig_key_new("hmac-sha256", "transfer.key", "AAAA", &wrong), 0);
	assert_int_equal(wire_tsig_key_new("hmac-sha256", "other.key", SECRET, &other), 0);
	const struct wire_tsig_key *keys[] = {other, key};
	size_t bare = ask(WIRE_TYPE_AXFR, 0, NULL);
	assert_int_equal(wire_tsig_check_any(keys, 2, question, bare, &found, plain, &len, &error), BANYAN_ENOENT);

	struct wire_tsig asked = {.key = key};
	size_t n = ask(WIRE_TYPE_AXFR, 0, &asked);
	assert_int_equal(wire_tsig_check_any(keys, 2, question, n, &found, plain, &len, &error), 0);
	assert_int_equal(error, 0);
	assert_ptr_equal(found.key, key);
	assert_int_equal(len, bare);
	assert_int_equal(wire_get16(plain + 10), 0);
	assert_int_equal(wire_tsig_check_any(keys, 1, question, n, &found, plain, &len, &error), 0);
	assert_int_equal(error, WIRE_TSIG_BADKEY);

	asked = (struct wire_tsig){.key = wrong};
	n = ask(WIRE_TYPE_AXFR, 0, &asked);
	assert_int_equal(wire_tsig_check_any(keys, 2, question, n, &found, plain, &len, &error), 0);
	assert_int_equal(error, WIRE_TSIG_BADSIG);
	memcpy(out, plain, len);
	wire_put16(out + 2, WIRE_QR | WIRE_RCODE_NOTAUTH);
	int size = wire_tsig_refuse(&found, error, question, n, out, len, sizeof out);
	assert_true(size > (int)len);
	assert_int_equal(wire_get16(out + 10), 1);
	wire_tsig_key_free(key);
	wire_tsig_key_free(wrong);
	wire_tsig_key_free(other);
}

/* ---- over a restart ---- */

static void a_file_of_differences(void **state)
{
	_cleanup_(buffer_done) struct buffer file = {0}, again = {0};
	struct history h;
	struct push_version *back;
	history_make(&h);
	assert_int_equal(push_version_write(h.version, &file), 0);
	assert_int_equal(push_version_read(file.data, file.len, &back), 0);
	assert_int_equal(push_version_write(back, &again), 0);
	assert_int_equal(file.len, again.len);
	assert_memory_equal(file.data, again.data, file.len);
	struct zone *next = zone_at(9, 400);
	struct push_version *version = version_of(next, back), *same = version_of(h.zone[7], back);
	assert_arrives(version, h.zone[0], next, PUSH_DIFFERENCES, NULL);
	assert_arrives(same, h.zone[0], h.zone[7], PUSH_DIFFERENCES, NULL);
	push_version_release(version);
	push_version_release(same);
	push_version_release(back);
	for (size_t len = 0; len < file.len; len += 1 + len / 16) /* a piece of it */
		assert_int_equal(push_version_read(file.data, len, &back), BANYAN_EMALF);
	for (size_t i = 0; i < file.len; i += 1 + i / 16) { /* a bit of it */
		file.data[i] ^= 0x10;
		assert_int_equal(push_version_read(file.data, file.len, &back), BANYAN_EMALF);
		file.data[i] ^= 0x10;
	}
	zone_free(next);
	history_done(&h);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_zones_of_many_messages),
		cmocka_unit_test(large_records),
		cmocka_unit_test(the_question_is_given_back_as_it_came),
		cmocka_unit_test(differences_from_each_version_before),
		cmocka_unit_test(large_differences_are_no_differences),
		cmocka_unit_test(limits_cut_the_oldest),
		cmocka_unit_test(content_that_changes_without_its_serial),
		cmocka_unit_test(a_serial_that_goes_back),
		cmocka_unit_test(over_udp),
		cmocka_unit_test(questions_that_are_none),
		cmocka_unit_test(each_message_is_signed),
		cmocka_unit_test(what_a_server_says_of_signatures),
		cmocka_unit_test(a_file_of_differences),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
