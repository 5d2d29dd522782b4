// SPDX-License-Identifier: GPL-3.0-or-later
#include "test.h"

#include "wire/wire.h"

/* Messages are written as hex without blanks mattering. */
static size_t hex(const char *text, uint8_t *out)
{
	size_t len = 0;
	unsigned v;
	for (; *text != '\0'; text++)
		if (*text != ' ' && sscanf(text, "%2x", &v) == 1) {
			out[len++] = (uint8_t)v;
			text++;
		}
	return len;
}

#define HEAD     "1234 0100 0001 0000 0000 0000 "
#define HEAD_AR  "1234 0100 0001 0000 0000 0001 "
#define QUESTION "03 636f6d 00 0002 0001 "

static enum wire_verdict parse(const char *text, struct wire_question *q)
{
	static uint8_t msg[2048];
	return wire_question_parse(msg, hex(text, msg), q);
}

static void verdicts(void **state)
{
	static const struct {
		const char *what, *msg;
		enum wire_verdict verdict;
	} cases[] = {
		{"plain", HEAD QUESTION, WIRE_ANSWERABLE},
		{"empty", "", WIRE_SILENCE},
		{"short header", "1234 0100 0001", WIRE_SILENCE},
		{"QR set", "1234 8100 0001 0000 0000 0000" QUESTION, WIRE_SILENCE},
		{"header only", "1234 0100 0000 0000 0000 0000", WIRE_SAY_FORMERR},
		{"two questions", "1234 0100 0002 0000 0000 0000" QUESTION QUESTION, WIRE_SAY_FORMERR},
		{"question cut", HEAD "03 636f6d 00 00", WIRE_SAY_FORMERR},
		{"pointer in question", HEAD "c00c 0002 0001", WIRE_SAY_FORMERR},
		{"bytes behind", HEAD QUESTION "00", WIRE_SAY_FORMERR},
		{"answer in question", "1234 0100 0001 0001 0000 0000" QUESTION "00 0001 0001 00000000 0004 01020304",
		 WIRE_SAY_FORMERR},
		{"notify", "1234 2000 0001 0000 0000 0000" QUESTION, WIRE_SAY_NOTIMP},
		{"opcode 15", "1234 7800 0000 0000 0000 0000", WIRE_SAY_NOTIMP},
		{"opt", HEAD_AR QUESTION "00 0029 04d0 00008000 0000", WIRE_ANSWERABLE},
		{"opt cut", HEAD_AR QUESTION "00 0029 04d0 00008000 00", WIRE_SAY_FORMERR},
		{"opt with a name", HEAD_AR QUESTION "0161 00 0029 04d0 00008000 0000", WIRE_SAY_FORMERR},
		{"two opts",
		 "1234 0100 0001 0000 0000 0002" QUESTION "00 0029 04d0 00000000 0000 00 0029 04d0 00000000 0000",
		 WIRE_SAY_FORMERR},
		{"opt in authority", "1234 0100 0001 0000 0001 0000" QUESTION "00 0029 04d0 00000000 0000",
		 WIRE_SAY_FORMERR},
		{"version 1", HEAD_AR QUESTION "00 0029 04d0 00010000 0000", WIRE_SAY_BADVERS},
		{"option longer than opt", HEAD_AR QUESTION "00 0029 04d0 00000000 0004 0003 0001", WIRE_SAY_FORMERR},
		{"unknown option", HEAD_AR QUESTION "00 0029 04d0 00000000 0006 fde9 0002 abcd", WIRE_ANSWERABLE},
		{"cookie of 9 bytes", HEAD_AR QUESTION "00 0029 04d0 00000000 000d 000a 0009 010203040506070809",
		 WIRE_SAY_FORMERR},
		{"ixfr with soa",
		 "1234 0000 0001 0000 0001 0000 00 00fb 0001 00 0006 0001 00000000 0016 00 00 00000001"
		 "00000000 00000000 00000000 00000000",
		 WIRE_ANSWERABLE},
		{"soa in a plain question",
		 "1234 0000 0001 0000 0001 0000 00 0002 0001 00 0006 0001 00000000 0016 00 00"
		 "00000001 00000000 00000000 00000000 00000000",
		 WIRE_SAY_FORMERR},
		{"tsig not last",
		 "1234 0100 0001 0000 0000 0002" QUESTION "00 00fa 00ff 00000000 0000 00 0029 04d0 00000000 0000",
		 WIRE_SAY_FORMERR},
	};
	struct wire_question q;
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (parse(cases[i].msg, &q) != cases[i].verdict)
			fail_msg("%s: verdict %d", cases[i].what, parse(cases[i].msg, &q));
}

static void fields(void **state)
{
	struct wire_question q;
	assert_int_equal(parse(HEAD_AR
			       "03 634F6d 00 001c 0001 00 0029 1000 00008000 0010 0003 0000 000a 0008 0102030405060708",
			       &q),
			 WIRE_ANSWERABLE);
	assert_int_equal(q.id, 0x1234);
	assert_true(q.flags & WIRE_RD);
	assert_int_equal(q.qtype, WIRE_TYPE_AAAA);
	assert_int_equal(q.qclass, WIRE_CLASS_IN);
	assert_int_equal(q.qname_len, 5);
	assert_int_equal(q.labels, 1);
	assert_memory_equal(q.qname, "\3cOm", 5);
	assert_memory_equal(q.lower, "\3com", 5);
	assert_int_equal(q.end, 12 + 5 + 4);
	assert_true(q.edns.present && q.edns.do_bit && q.edns.nsid);
	assert_int_equal(q.edns.udp_size, 4096);
	assert_int_equal(q.edns.cookie_len, 8);
	assert_int_equal(q.edns.cookie[7], 8);
}

/* Every prefix and every one-byte change of a good message ends in a verdict (run under the sanitizers). */
static void truncated_and_changed(void **state)
{
	uint8_t msg[512], copy[512];
	size_t len = hex(HEAD_AR "03777777 07 6578616d706c65 03 636f6d 00 001c 0001 00 0029 1000 00008000 000c 0003 "
				 "0000 fde9 0004 01020304",
			 msg);
	struct wire_question q;
	assert_int_equal(wire_question_parse(msg, len, &q), WIRE_ANSWERABLE);
	for (size_t i = 0; i < len; i++) {
		uint8_t *exact = malloc(i + 1);
		memcpy(exact, msg, i);
		assert_int_not_equal(wire_question_parse(exact, i, &q), WIRE_ANSWERABLE);
		free(exact);
		for (int v = 0; v < 256; v++) {
			memcpy(copy, msg, len);
			copy[i] = (uint8_t)v;
			wire_question_parse(copy, len, &q);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(verdicts),
		cmocka_unit_test(fields),
		cmocka_unit_test(truncated_and_changed),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
