// SPDX-License-Identifier: GPL-3.0-or-later
/* Differences of two versions: what goes and comes, and that it makes the one of the other as a secondary does. */
#include "test.h"

#include "sync/sync.h"

#define APEX "\7example"

#define SOA(serial) "@ 300 SOA ns h " #serial " 7200 3600 86400 30\n"

static struct zone *zone_of(const char *text)
{
	struct zone_read_settings settings = {.origin = (const uint8_t *)APEX, .default_ttl = 300};
	struct zone_error error;
	struct zone *zone;
	if (zone_read_text("test", text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	return zone;
}

static char *record_text(const struct zone_diff_record *record, struct buffer *out)
{
	out->len = 0;
	assert_int_equal(wire_record_text(record->set->owner, record->set->ttl, record->set->rclass, record->set->type,
					  &record->set->rdata[record->index], out),
			 0);
	assert_int_equal(buffer_append(out, "", 1), 0);
	return (char *)out->data;
}

/* Both lists as one text: "- record" and "+ record", the SOA left out. */
static void assert_diff(const char *from, const char *to, const char *expected)
{
	_cleanup_(buffer_done) struct buffer text = {0}, line = {0};
	struct zone *a = zone_of(from), *b = zone_of(to);
	struct zone_diff diff;
	assert_int_equal(zone_diff(a, b, &diff), 0);
	assert_int_equal(buffer_append(&text, "", 0), 0);
	for (size_t i = 0; i < diff.n_gone; i++)
		if (diff.gone[i].set->type != WIRE_TYPE_SOA)
			assert_true(buffer_printf(&text, "- %s\n", record_text(&diff.gone[i], &line)) >= 0);
	for (size_t i = 0; i < diff.n_come; i++)
		if (diff.come[i].set->type != WIRE_TYPE_SOA)
			assert_true(buffer_printf(&text, "+ %s\n", record_text(&diff.come[i], &line)) >= 0);
	assert_int_equal(buffer_append(&text, "", 1), 0);
	assert_string_equal((char *)text.data, expected);
	zone_diff_done(&diff);
	zone_free(a);
	zone_free(b);
}

static void nothing_changes(void **state)
{
	assert_diff(SOA(1) "@ NS ns\nns A 192.0.2.1\n", SOA(1) "@ NS ns\nns A 192.0.2.1\n", "");
	struct zone *a = zone_of(SOA(1) "@ NS ns\n"), *b = zone_of(SOA(1) "@ NS ns\n");
	struct zone_diff diff;
	assert_int_equal(zone_diff(a, b, &diff), 0);
	assert_int_equal(diff.n_gone + diff.n_come, 0);
	zone_diff_done(&diff);
	zone_free(a);
	zone_free(b);
}

static void the_soa_is_a_record(void **state)
{
	struct zone *a = zone_of(SOA(1) "@ NS ns\n"), *b = zone_of(SOA(2) "@ NS ns\n");
	struct zone_diff diff;
	assert_int_equal(zone_diff(a, b, &diff), 0);
	assert_int_equal(diff.n_gone, 1);
	assert_int_equal(diff.n_come, 1);
	assert_int_equal(diff.gone[0].set->type, WIRE_TYPE_SOA);
	assert_int_equal(diff.come[0].set->type, WIRE_TYPE_SOA);
	zone_diff_done(&diff);
	zone_free(a);
	zone_free(b);
}

static void names_and_sets_come_and_go(void **state)
{
	assert_diff(SOA(1) "@ NS ns\na A 192.0.2.1\nz.b A 192.0.2.2\nc MX 1 a\n",
		    SOA(2) "@ NS ns\na A 192.0.2.1\na AAAA 2001:db8::1\nd A 192.0.2.3\nb A 192.0.2.9\n",
		    "- z.b.example. 300 IN A 192.0.2.2\n- c.example. 300 IN MX 1 a.example.\n"
		    "+ a.example. 300 IN AAAA 2001:db8::1\n+ b.example. 300 IN A 192.0.2.9\n"
		    "+ d.example. 300 IN A 192.0.2.3\n");
}

static void records_of_a_set(void **state)
{
	assert_diff(SOA(1) "a A 192.0.2.1\na A 192.0.2.3\na A 192.0.2.5\n",
		    SOA(1) "a A 192.0.2.5\na A 192.0.2.2\na A 192.0.2.3\n",
		    "- a.example. 300 IN A 192.0.2.1\n+ a.example. 300 IN A 192.0.2.2\n");
}

static void a_ttl_changes_the_whole_set(void **state)
{
	assert_diff(SOA(1) "a 60 A 192.0.2.1\na 60 A 192.0.2.2\n", SOA(1) "a 61 A 192.0.2.1\na 61 A 192.0.2.2\n",
		    "- a.example. 60 IN A 192.0.2.1\n- a.example. 60 IN A 192.0.2.2\n"
		    "+ a.example. 61 IN A 192.0.2.1\n+ a.example. 61 IN A 192.0.2.2\n");
}

static void case_is_a_change(void **state)
{
	assert_diff(SOA(1) "@ NS ns\n", SOA(1) "@ NS NS\n",
		    "- example. 300 IN NS ns.example.\n+ example. 300 IN NS NS.example.\n");
}

static void signatures_by_what_they_cover(void **state)
{
#define SIG(type, tag) "a RRSIG " type " 8 2 300 20300101000000 20200101000000 " tag " example. AAAA\n"
	assert_diff(SOA(1) "a A 192.0.2.1\n" SIG("A", "1") SIG("TXT", "1"),
		    SOA(1) "a A 192.0.2.1\n" SIG("A", "1") SIG("AAAA", "1") SIG("TXT", "2"),
		    "- a.example. 300 IN RRSIG TXT 8 2 300 20300101000000 20200101000000 1 example. AAAA\n"
		    "+ a.example. 300 IN RRSIG TXT 8 2 300 20300101000000 20200101000000 2 example. AAAA\n"
		    "+ a.example. 300 IN RRSIG AAAA 8 2 300 20300101000000 20200101000000 1 example. AAAA\n");
}

static void two_zones_have_no_difference(void **state)
{
	struct zone_read_settings settings = {.origin = (const uint8_t *)"\5other", .default_ttl = 300};
	struct zone_error error;
	struct zone *a = zone_of(SOA(1)), *b;
	struct zone_diff diff;
	assert_int_equal(zone_read_text("test", SOA(1), strlen(SOA(1)), &settings, NULL, NULL, &b, &error), 0);
	assert_int_equal(zone_diff(a, b, &diff), BANYAN_EINVAL);
	zone_free(a);
	zone_free(b);
}

/* ---- what a secondary makes of it ---- */

static struct zone *random_zone(struct random *random, uint32_t serial)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	assert_true(buffer_printf(&text, "@ 300 SOA ns h %u 7200 3600 86400 30\n", serial) >= 0);
	unsigned n = random_below(random, 60);
	for (unsigned i = 0; i < n; i++) {
		char name[64], address = (char)random_below(random, 6);
		unsigned deep = random_below(random, 3);
		snprintf(name, sizeof name, "%s%s%c", deep > 1 ? "x." : "", deep > 0 ? "b." : "",
			 'a' + (char)random_below(random, 8));
		switch (random_below(random, 4)) {
		case 0:
			assert_true(buffer_printf(&text, "%s A 192.0.2.%d\n", name, address) >= 0);
			break;
		case 1:
			assert_true(buffer_printf(&text, "%s MX 1 %s%d\n", name, address & 1 ? "Mail" : "mail",
						  address) >= 0);
			break;
		case 2:
			assert_true(buffer_printf(&text, "%s %u TXT \"%d\"\n", name, 60 + random_below(random, 2),
						  address) >= 0);
			break;
		default:
			assert_true(
				buffer_printf(&text,
					      "%s RRSIG %s 8 2 300 20300101000000 20200101000000 %d example. AAAA\n",
					      name, address & 1 ? "MX" : "A", address) >= 0);
		}
	}
	assert_int_equal(buffer_append(&text, "", 1), 0);
	return zone_of((char *)text.data);
}

static void put(struct wire_writer *writer, const struct zone_diff_record *record)
{
	assert_int_equal(wire_writer_record(writer, WIRE_ANSWER, record->set->owner, record->set->type, WIRE_CLASS_IN,
					    record->set->ttl, &record->set->rdata[record->index]),
			 0);
}

static void put_soa(struct wire_writer *writer, const struct zone *zone)
{
	const struct wire_rrset *soa = zone_node_set(zone, zone_find(zone, zone->apex), WIRE_TYPE_SOA);
	assert_int_equal(wire_writer_rrset(writer, WIRE_ANSWER, soa, soa->ttl), 0);
}

/* RFC 1995 section 4: new SOA, old SOA, gone, new SOA, come, new SOA. */
static size_t answer_of(const struct zone *from, const struct zone *to, uint16_t id, uint8_t out[WIRE_MESSAGE_MAX])
{
	struct wire_writer writer;
	struct zone_diff diff;
	assert_int_equal(zone_diff(from, to, &diff), 0);
	assert_int_equal(wire_writer_init(&writer, out, WIRE_MESSAGE_MAX, id, WIRE_QR | WIRE_AA), 0);
	assert_int_equal(wire_writer_question(&writer, to->apex, WIRE_TYPE_IXFR, WIRE_CLASS_IN), 0);
	put_soa(&writer, to);
	put_soa(&writer, from);
	for (size_t i = 0; i < diff.n_gone; i++)
		if (diff.gone[i].set->type != WIRE_TYPE_SOA)
			put(&writer, &diff.gone[i]);
	put_soa(&writer, to);
	for (size_t i = 0; i < diff.n_come; i++)
		if (diff.come[i].set->type != WIRE_TYPE_SOA)
			put(&writer, &diff.come[i]);
	put_soa(&writer, to);
	zone_diff_done(&diff);
	return wire_writer_finish(&writer);
}

static void assert_same(const struct zone *a, const struct zone *b)
{
	_cleanup_(buffer_done) struct buffer x = {0}, y = {0};
	assert_int_equal(zone_write_text(a, &x), 0);
	assert_int_equal(zone_write_text(b, &y), 0);
	assert_int_equal(x.len, y.len);
	assert_memory_equal(x.data, y.data, x.len);
}

static void a_secondary_arrives_at_the_same(void **state)
{
	static uint8_t message[WIRE_MESSAGE_MAX];
	struct random random;
	random_init_seed(&random, 5);
	for (unsigned round = 0; round < 400; round++) {
		struct zone *from = random_zone(&random, 1), *to = random_zone(&random, 2), *made;
		struct sync_transfer_settings settings = {.apex = (const uint8_t *)APEX, .have = true, .serial = 1};
		struct sync_transfer *transfer;
		uint8_t question[SYNC_ASK_MAX];
		assert_int_equal(sync_transfer_new(&settings, &transfer), 0);
		assert_true(sync_transfer_ask(transfer, question, sizeof question) > 0);
		size_t len = answer_of(from, to, wire_get16(question), message);
		wire_put16(message + WIRE_HEADER_SIZE + sizeof(APEX), WIRE_TYPE_SOA); /* the serial comes first */
		assert_int_equal(sync_transfer_take(transfer, message, len), SYNC_ASK);
		assert_true(sync_transfer_ask(transfer, question, sizeof question) > 0);
		len = answer_of(from, to, wire_get16(question), message);
		assert_int_equal(sync_transfer_take(transfer, message, len), SYNC_CHANGED);
		assert_false(sync_transfer_is_whole(transfer));
		assert_int_equal(sync_transfer_zone(transfer, from, &made), 0);
		assert_same(made, to);
		zone_free(made);
		sync_transfer_free(transfer);
		zone_free(from);
		zone_free(to);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_changes),
		cmocka_unit_test(the_soa_is_a_record),
		cmocka_unit_test(names_and_sets_come_and_go),
		cmocka_unit_test(records_of_a_set),
		cmocka_unit_test(a_ttl_changes_the_whole_set),
		cmocka_unit_test(case_is_a_change),
		cmocka_unit_test(signatures_by_what_they_cover),
		cmocka_unit_test(two_zones_have_no_difference),
		cmocka_unit_test(a_secondary_arrives_at_the_same),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
