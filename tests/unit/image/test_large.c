// SPDX-License-Identifier: GPL-3.0-or-later
/* Answers beyond what pointers reach and beyond what a message holds; many names; letters in any case. */
#include "image/image.h"
#include "reference.h"
#include "zones.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint8_t out[WIRE_MESSAGE_MAX];
static struct image_reply reply;

/* Asks, and returns the records of the answer and authority sections as sorted lines. */
static void ask(const struct image *image, const uint8_t *qname, uint16_t qtype, struct test_answer *ret)
{
	uint8_t msg[WIRE_HEADER_SIZE + WIRE_NAME_MAX + 4] = {0, 1, 0, 0, 0, 1};
	struct wire_question question;
	struct wire_reader reader;
	struct wire_record record;
	static uint8_t rdata[WIRE_MESSAGE_MAX];
	size_t qname_len = wire_name_len(qname);
	memcpy(msg + WIRE_HEADER_SIZE, qname, qname_len);
	wire_put16(msg + WIRE_HEADER_SIZE + qname_len, qtype);
	wire_put16(msg + WIRE_HEADER_SIZE + qname_len + 2, WIRE_CLASS_IN);
	assert_int_equal(wire_question_parse(msg, WIRE_HEADER_SIZE + qname_len + 4, &question), WIRE_ANSWERABLE);
	struct image_query query = {.question = &question, .dnssec = true, .max = sizeof out};
	int len = image_answer(image, &query, out, &reply);
	assert_true(len > 0);
	assert_memory_equal(out + WIRE_HEADER_SIZE, qname, qname_len);
	assert_int_equal(wire_reader_init(&reader, out, (size_t)len), 0);
	*ret = (struct test_answer){.rcode = reply.rcode, .aa = reply.authoritative, .tc = reply.truncated};
	while (wire_reader_next(&reader, &record) > 0) {
		int n = wire_record_rdata(&reader, &record, rdata, sizeof rdata);
		assert_true(n >= 0);
		struct wire_rdata data = {rdata, (uint16_t)n};
		wire_name_lower(record.owner, record.owner);
		wire_rdata_canonical(rdata, data.len, record.type);
		test_answer_add(ret, record.section, record.owner, record.ttl, record.type, &data);
	}
	assert_int_equal(reader.pos, len);
	test_answer_sort(ret);
}

static void check(const struct zone *zone, const struct image *image, const uint8_t *qname, uint16_t qtype)
{
	struct test_answer want, got;
	uint8_t lower[WIRE_NAME_MAX];
	wire_name_lower(qname, lower);
	reference_answer(zone, lower, qtype, true, &want);
	ask(image, qname, qtype, &got);
	assert_int_equal(got.rcode, want.rcode);
	assert_int_equal(got.n_lines, want.n_lines);
	assert_false(got.tc);
	for (size_t i = 0; i < got.n_lines; i++)
		assert_string_equal(got.line[i], want.line[i]);
	test_answer_done(&want);
	test_answer_done(&got);
}

static void put(struct buffer *text, const char *line)
{
	assert_int_equal(buffer_append(text, line, strlen(line)), 0);
}

/* A wildcard with so much data that the proof behind it stands beyond the reach of pointers (14 bits). */
static void test_far_wildcard(void **state)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	struct image *image;
	put(&text, "ex. 60 SOA a. b. 1 2 3 4 5\nex. 60 NS ns.other.\na.w.ex. 60 A 192.0.2.1\nc.ex. 60 CNAME q.w.ex.\n");
	for (int i = 0; i < 600; i++) {
		assert_int_equal(buffer_printf(&text, "*.w.ex. 60 TXT \"%d some text that makes it long\"\n", i), 0);
		assert_int_equal(buffer_printf(&text, "*.w.ex. 60 MX %d mail%d.some.where.ex.\n", i, i), 0);
	}
	for (enum test_chain chain = CHAIN_NSEC; chain <= CHAIN_OPTOUT; chain++) {
		struct zone *zone = test_zone("ex.", (char *)text.data, chain);
		assert_int_equal(test_compile(zone, &image), 0);
		check(zone, image, (const uint8_t *)"\2xy\1w\2ex", WIRE_TYPE_TXT);
		check(zone, image, (const uint8_t *)"\2xy\1w\2ex", WIRE_TYPE_MX);
		check(zone, image, (const uint8_t *)"\1*\1w\2ex", WIRE_TYPE_MX);
		check(zone, image, (const uint8_t *)"\1c\2ex", WIRE_TYPE_TXT);
		check(zone, image, (const uint8_t *)"\1c\2ex", WIRE_TYPE_MX);
		image_free(image);
		zone_free(zone);
	}
}

/* More than a message holds: TC also without a limit, and nothing of it is given. */
static void test_too_large(void **state)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	struct test_answer got;
	struct image *image;
	put(&text, "ex. 60 SOA a. b. 1 2 3 4 5\nex. 60 NS ns.other.\nc.ex. 60 CNAME ex.\n");
	for (int i = 0; i < 5000; i++)
		assert_int_equal(buffer_printf(&text, "ex. 60 TXT \"%d some text that makes it long\"\n", i), 0);
	struct zone *zone = test_zone("ex.", (char *)text.data, CHAIN_NSEC);
	assert_int_equal(test_compile(zone, &image), 0);
	static const struct {
		const char *name;
		uint16_t type, lines;
	} asked[] = {{"\2ex", WIRE_TYPE_TXT, 0}, {"\1c\2ex", WIRE_TYPE_TXT, 2}};
	for (size_t i = 0; i < ARRAY_SIZE(asked); i++) {
		ask(image, (const uint8_t *)asked[i].name, asked[i].type, &got);
		assert_true(got.tc);
		assert_int_equal(got.n_lines, asked[i].lines);
		test_answer_done(&got);
	}
	check(zone, image, (const uint8_t *)"\2ex", WIRE_TYPE_ANY);
	check(zone, image, (const uint8_t *)"\2ex", WIRE_TYPE_SOA);
	image_free(image);
	zone_free(zone);
}

/* The predecessor among many names, most of which share their first bytes. */
static void test_many_names(void **state)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	struct random random;
	struct image *image;
	random_init_seed(&random, 3);
	put(&text, "ex. 60 SOA a. b. 1 2 3 4 5\nex. 60 NS ns.other.\n");
	for (int i = 0; i < 700; i++)
		assert_int_equal(buffer_printf(&text, "%s%u%s.ex. 60 NS ns.other.\n", i & 1 ? "longprefix" : "",
					       random_below(&random, 100000), i % 5 == 0 ? ".\\000.\\001\\000" : ""),
				 0);
	for (enum test_chain chain = CHAIN_NSEC; chain <= CHAIN_OPTOUT; chain++) {
		struct zone *zone = test_zone("ex.", (char *)text.data, chain);
		assert_int_equal(test_compile(zone, &image), 0);
		assert_true(image_names(image) >= 700);
		for (int i = 0; i < 200; i++) {
			char name[WIRE_NAME_TEXT_MAX];
			uint8_t qname[WIRE_NAME_MAX];
			snprintf(name, sizeof name, "%s%u%s.ex.", i & 1 ? "longprefix" : "",
				 random_below(&random, 100000),
				 i % 7 == 0   ? "\\000"
				 : i % 7 == 1 ? ".\\001"
					      : "");
			assert_true(wire_name_parse(name, qname) > 0);
			check(zone, image, qname, WIRE_TYPE_A);
		}
		image_free(image);
		zone_free(zone);
	}
}

/* 0x20: names are found in any case, the question comes back as it was. */
static void test_case(void **state)
{
	struct zone *zone = test_zone("ex.", ZONE_GENERAL, CHAIN_NSEC);
	struct random random;
	struct image *image;
	random_init_seed(&random, 5);
	assert_int_equal(test_compile(zone, &image), 0);
	for (size_t i = 0; i < zone->n_nodes; i++) {
		uint8_t qname[WIRE_NAME_MAX];
		memcpy(qname, zone->node[i].name, wire_name_len(zone->node[i].name));
		wire_name_randomise_case(qname, &random);
		check(zone, image, qname, WIRE_TYPE_A);
		check(zone, image, qname, WIRE_TYPE_MX);
	}
	image_free(image);
	zone_free(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_far_wildcard),
		cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_many_names),
		cmocka_unit_test(test_case),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
