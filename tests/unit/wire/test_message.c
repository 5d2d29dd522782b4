// SPDX-License-Identifier: GPL-3.0-or-later
#include "test.h"

#include "names.h"

/* example.com. NS: two servers and their addresses, as a delegation would say. */
static size_t write_referral(uint8_t *msg, size_t cap, int *ret_rc)
{
	struct wire_writer w;
	struct wire_rdata ns[2];
	uint8_t a1[4] = {192, 0, 2, 1};
	uint8_t name1[WIRE_NAME_MAX], name2[WIRE_NAME_MAX];
	ns[0] = (struct wire_rdata){name1, (uint16_t)wire_name_parse("ns1.example.com", name1)};
	ns[1] = (struct wire_rdata){name2, (uint16_t)wire_name_parse("ns2.example.com", name2)};
	struct wire_rrset set = {.owner = n("example.com"),
				 .type = WIRE_TYPE_NS,
				 .rclass = WIRE_CLASS_IN,
				 .ttl = 300,
				 .count = 2,
				 .rdata = ns};
	struct wire_rdata a = {a1, 4};
	struct wire_rrset glue = {
		.owner = name1, .type = WIRE_TYPE_A, .rclass = WIRE_CLASS_IN, .ttl = 300, .count = 1, .rdata = &a};
	assert_int_equal(wire_writer_init(&w, msg, cap, 7, WIRE_QR), 0);
	assert_int_equal(wire_writer_question(&w, n("www.example.com"), WIRE_TYPE_A, WIRE_CLASS_IN), 0);
	assert_int_equal(wire_writer_reserve(&w, 11), 0);
	*ret_rc = wire_writer_rrset(&w, WIRE_AUTHORITY, &set, 200);
	if (*ret_rc == 0)
		*ret_rc = wire_writer_rrset(&w, WIRE_ADDITIONAL, &glue, 100);
	assert_int_equal(wire_writer_edns(&w, 1232, WIRE_RCODE_BADVERS, true, NULL, 0), 0);
	return wire_writer_finish(&w);
}

static void written_and_read_back(void **state)
{
	uint8_t msg[512], rdata[512];
	int rc;
	size_t len = write_referral(msg, sizeof msg, &rc);
	assert_int_equal(rc, 0);
	/* header 12, question 21, two NS with compressed names 2+10+6 each, A 2+10+4, OPT 11 */
	assert_int_equal(len, 12 + 21 + 18 + 18 + 16 + 11);
	struct wire_reader r;
	struct wire_record rec;
	assert_int_equal(wire_reader_init(&r, msg, len), 0);
	assert_true(wire_name_equal(r.qname, n("www.example.com")));
	assert_int_equal(wire_reader_next(&r, &rec), 1);
	assert_int_equal(rec.section, WIRE_AUTHORITY);
	assert_int_equal(rec.ttl, 200);
	assert_true(wire_name_equal(rec.owner, n("example.com")));
	assert_int_equal(wire_record_rdata(&r, &rec, rdata, sizeof rdata), 17);
	assert_true(wire_name_equal(rdata, n("ns1.example.com")));
	assert_int_equal(wire_record_rdata(&r, &rec, rdata, 16), BANYAN_ESPACE);
	assert_int_equal(wire_reader_next(&r, &rec), 1);
	assert_int_equal(wire_reader_next(&r, &rec), 1);
	assert_int_equal(rec.type, WIRE_TYPE_A);
	assert_int_equal(wire_reader_next(&r, &rec), 1);
	assert_int_equal(rec.type, WIRE_TYPE_OPT);
	assert_int_equal(wire_reader_next(&r, &rec), 0);
	assert_int_equal(wire_reader_rcode(&r), WIRE_RCODE_BADVERS);
	assert_true(r.edns_do);
	assert_int_equal(r.edns_udp_size, 1232);
}

static void whole_sets_or_none(void **state)
{
	uint8_t msg[512];
	int rc;
	for (size_t cap = 12 + 21 + 11; cap <= 12 + 21 + 18 + 18 + 16 + 11; cap++) {
		size_t len = write_referral(msg, cap, &rc);
		assert_true(len <= cap);
		struct wire_reader r;
		struct wire_record rec;
		unsigned records = 0;
		assert_int_equal(wire_reader_init(&r, msg, len), 0);
		while (wire_reader_next(&r, &rec) > 0)
			records++;
		assert_int_equal(r.pos, len);
		if (cap < 12 + 21 + 36 + 11)
			assert_int_equal(records, 1);
		else if (cap < 12 + 21 + 36 + 16 + 11)
			assert_int_equal(records, 3);
		else
			assert_int_equal(records, 4);
		assert_int_equal(rc, records == 4 ? 0 : BANYAN_ESPACE);
	}
}

static void every_cut_and_change_is_survived(void **state)
{
	uint8_t msg[512], copy[512], rdata[1024];
	int rc;
	size_t len = write_referral(msg, sizeof msg, &rc);
	struct wire_reader r;
	struct wire_record rec;
	for (size_t i = 0; i < len; i++) {
		uint8_t *exact = malloc(i + 1);
		memcpy(exact, msg, i);
		rc = wire_reader_init(&r, exact, i);
		while (rc >= 0 && (rc = wire_reader_next(&r, &rec)) > 0)
			;
		assert_int_equal(rc, BANYAN_EMALF);
		free(exact);
		for (int v = 0; v < 256; v++) {
			memcpy(copy, msg, len);
			copy[i] = (uint8_t)v;
			if (wire_reader_init(&r, copy, len) == 0)
				while (wire_reader_next(&r, &rec) > 0)
					(void)!wire_record_rdata(&r, &rec, rdata, sizeof rdata);
		}
	}
}

/* "a.a.": while it is written, its own first label must not serve as the tail of itself. */
static void a_name_is_not_compressed_against_itself(void **state)
{
	uint8_t msg[128], a[4] = {1, 2, 3, 4};
	struct wire_writer w;
	struct wire_reader r;
	struct wire_record rec;
	struct wire_rdata rdata = {a, 4};
	memset(msg, 0, sizeof msg); /* stale bytes behind the label would look like its end */
	assert_int_equal(wire_writer_init(&w, msg, sizeof msg, 7, WIRE_QR), 0);
	assert_int_equal(wire_writer_record(&w, WIRE_ANSWER, n("a.a.a"), WIRE_TYPE_A, WIRE_CLASS_IN, 1, &rdata), 0);
	assert_int_equal(wire_writer_record(&w, WIRE_ANSWER, n("x.a.a"), WIRE_TYPE_A, WIRE_CLASS_IN, 1, &rdata), 0);
	assert_int_equal(wire_reader_init(&r, msg, wire_writer_finish(&w)), 0);
	assert_int_equal(wire_reader_next(&r, &rec), 1);
	assert_true(wire_name_equal(rec.owner, n("a.a.a")));
	assert_int_equal(wire_reader_next(&r, &rec), 1);
	assert_true(wire_name_equal(rec.owner, n("x.a.a")));
}

static void canonical_rdata(void **state)
{
	uint8_t mx[] = "\0\12\4MAIL\7Example\0", ns[] = "\1A\0", nsec[] = "\1A\0\0\1\x40";
	wire_rdata_canonical(mx, sizeof mx - 1, WIRE_TYPE_MX);
	assert_memory_equal(mx, "\0\12\4mail\7example\0", sizeof mx - 1);
	wire_rdata_canonical(ns, sizeof ns - 1, WIRE_TYPE_NS);
	assert_memory_equal(ns, "\1a\0", 3);
	wire_rdata_canonical(nsec, sizeof nsec - 1, WIRE_TYPE_NSEC);
	assert_memory_equal(nsec, "\1A\0\0\1\x40", 6);
	assert_int_equal(wire_rdata_name_at(mx, sizeof mx - 1, WIRE_TYPE_MX, 0), 2);
	assert_int_equal(wire_rdata_name_at(mx, sizeof mx - 1, WIRE_TYPE_MX, 1), -1);
	assert_int_equal(wire_rdata_check((const uint8_t *)"\1\2\3", 3, WIRE_TYPE_A), BANYAN_EMALF);
	assert_int_equal(wire_rdata_check((const uint8_t *)"\1\2\3\4", 4, WIRE_TYPE_A), 0);
	assert_int_equal(wire_rdata_check((const uint8_t *)"\5ab", 3, WIRE_TYPE_TXT), BANYAN_EMALF);
	assert_int_equal(wire_rdata_check((const uint8_t *)"\2ab", 3, WIRE_TYPE_TXT), 0);
	assert_int_equal(wire_rdata_check((const uint8_t *)"", 0, 256), BANYAN_EMALF); /* URI */
	assert_int_equal(wire_rdata_check((const uint8_t *)"", 0, 42), 0);             /* APL */
	assert_int_equal(wire_rdata_check((const uint8_t *)"", 0, 65280), 0);
}

static void bitmaps(void **state)
{
	/* RFC 4034 section 4.3: A MX RRSIG NSEC TYPE1234 */
	uint8_t map[8 + 29] = {0, 6, 0x40, 0x01, 0, 0, 0, 0x03, 4, 27};
	uint16_t types[8];
	map[sizeof map - 1] = 0x20;
	assert_int_equal(wire_bitmap_types(map, sizeof map, types, 8), 5);
	assert_int_equal(types[0], WIRE_TYPE_A);
	assert_int_equal(types[3], WIRE_TYPE_NSEC);
	assert_int_equal(types[4], 1234);
	assert_true(wire_bitmap_has(map, sizeof map, 1234));
	assert_true(wire_bitmap_has(map, sizeof map, WIRE_TYPE_MX));
	assert_false(wire_bitmap_has(map, sizeof map, WIRE_TYPE_NS));
	assert_false(wire_bitmap_has(map, sizeof map, 1235));
	assert_int_equal(wire_bitmap_types(map, sizeof map, types, 4), BANYAN_ESPACE);
	assert_int_equal(wire_bitmap_count(map, sizeof map - 1), BANYAN_EMALF);
	assert_int_equal(wire_bitmap_count((const uint8_t *)"\0\1\0", 3), BANYAN_EMALF);
}

static void records_as_text(void **state)
{
	struct buffer out = {0};
	uint8_t mx[] = "\0\12\4mail\7example";
	struct wire_rdata rdata = {mx, sizeof mx};
	assert_int_equal(wire_record_text(n("x.example"), 60, WIRE_CLASS_IN, WIRE_TYPE_MX, &rdata, &out), 0);
	assert_string_equal((char *)out.data, "x.example. 60 IN MX 10 mail.example.");
	out.len = 0;
	rdata = (struct wire_rdata){(const uint8_t *)"\1\2\3", 3};
	assert_int_equal(wire_rdata_text(WIRE_TYPE_A, &rdata, &out), 0);
	assert_string_equal((char *)out.data, "\\# 3 010203");
	buffer_done(&out);
	char text[16];
	assert_string_equal(wire_type_text(WIRE_TYPE_ZONEMD, text), "ZONEMD");
	assert_string_equal(wire_type_text(65280, text), "TYPE65280");
	assert_int_equal(wire_type_parse("AAAA"), 28);
	assert_int_equal(wire_type_parse("TYPE65280"), 65280);
	assert_int_equal(wire_type_parse("nonsense"), BANYAN_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(written_and_read_back),
		cmocka_unit_test(whole_sets_or_none),
		cmocka_unit_test(every_cut_and_change_is_survived),
		cmocka_unit_test(a_name_is_not_compressed_against_itself),
		cmocka_unit_test(canonical_rdata),
		cmocka_unit_test(bitmaps),
		cmocka_unit_test(records_as_text),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
