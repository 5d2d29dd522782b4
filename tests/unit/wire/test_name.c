// SPDX-License-Identifier: GPL-3.0-or-later
#include "test.h"

#include "names.h"

static void text_and_back(void **state)
{
	static const char *const texts[] = {".",    "com.",     "www.example.com.", "a\\.b.c.", "\\000\\255.x.",
					    "*.x.", "xn--p1ai."};
	char out[WIRE_NAME_TEXT_MAX];
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_string_equal(wire_name_text(n(texts[i]), out), texts[i]);
	assert_string_equal(wire_name_text(n("example"), out), "example.");
	assert_string_equal(wire_name_text(n("a+b.e*_-/x"), out), "a\\+b.e*_-/x."); /* what libzscanner reads back */
	uint8_t name[WIRE_NAME_MAX];
	static const char *const bad[] = {"", "..", ".x", "a..b", "\\", "\\25", "\\256.", "a\\"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(wire_name_parse(bad[i], name), BANYAN_EMALF);
	/* the longest label and the longest name, and one byte more */
	char text[300];
	memset(text, 'a', 63);
	strcpy(text + 63, ".");
	assert_int_equal(wire_name_parse(text, name), 65);
	memset(text, 'a', 64);
	strcpy(text + 64, ".");
	assert_int_equal(wire_name_parse(text, name), BANYAN_EMALF);
	text[0] = '\0';
	for (int i = 0; i < 127; i++)
		strcat(text, "a.");
	assert_int_equal(wire_name_parse(text, name), 255);
	assert_int_equal(wire_name_labels(name), 127);
	strcat(text, "a.");
	assert_int_equal(wire_name_parse(text, name), BANYAN_EMALF);
	/* every byte value survives */
	uint8_t all[WIRE_NAME_MAX], again[WIRE_NAME_MAX];
	for (int from = 0; from < 256; from += 32) {
		all[0] = 32;
		for (int i = 0; i < 32; i++)
			all[1 + i] = (uint8_t)(from + i);
		all[33] = 0;
		assert_int_equal(wire_name_parse(wire_name_text(all, out), again), 34);
		assert_memory_equal(all, again, 34);
	}
}

/* The order of RFC 4034 section 6.1's own example. */
static void canonical_order(void **state)
{
	static const char *const sorted[] = {"example.",         "a.example.",      "yljkjljk.a.example.",
					     "Z.a.example.",     "zABC.a.EXAMPLE.", "z.example.",
					     "\\001.z.example.", "*.z.example.",    "\\200.z.example."};
	for (size_t i = 0; i < ARRAY_SIZE(sorted); i++)
		for (size_t j = 0; j < ARRAY_SIZE(sorted); j++) {
			int d = wire_name_cmp(n(sorted[i]), n(sorted[j]));
			assert_int_equal((d > 0) - (d < 0), (i > j) - (i < j));
		}
}

static void case_is_ignored_only_for_letters(void **state)
{
	assert_true(wire_name_equal(n("WWW.Example.COM"), n("www.example.com")));
	assert_false(wire_name_equal(n("a[.x"), n("a{.x")));
	assert_false(wire_name_equal(n("a@.x"), n("a`.x")));
	uint8_t low[WIRE_NAME_MAX];
	for (int c = 0; c < 256; c++) {
		uint8_t name[3] = {1, (uint8_t)c, 0};
		wire_name_lower(name, low);
		assert_int_equal(low[1], c >= 'A' && c <= 'Z' ? c + 32 : c);
		for (unsigned at = 1; at < 10; at++) { /* at each place of a word */
			uint8_t longer[11] = {9, '@', '[', 'x', '`', '{', 0xc1, 0xda, 0x80, 0xff, 0}, expected[11];
			longer[at] = (uint8_t)c;
			memcpy(expected, longer, sizeof expected);
			expected[at] = (uint8_t)(c >= 'A' && c <= 'Z' ? c + 32 : c);
			assert_int_equal(wire_name_lower(longer, low), 11);
			assert_memory_equal(low, expected, 11);
		}
	}
}

static void parts_of_names(void **state)
{
	assert_true(wire_name_under(n("www.example.com"), n("COM")));
	assert_true(wire_name_under(n("com"), n("com")));
	assert_true(wire_name_under(n("com"), n(".")));
	assert_false(wire_name_under(n("xcom"), n("com")));
	assert_false(wire_name_under(n("com"), n("www.com")));
	assert_int_equal(wire_name_common(n("a.b.example.com"), n("x.b.example.com")), 3);
	assert_int_equal(wire_name_common(n("com"), n("net")), 0);
	assert_true(wire_name_equal(wire_name_skip(n("a.b.c"), 2), n("c")));
	uint8_t out[WIRE_NAME_MAX];
	assert_int_equal(wire_name_wildcard(n("x.y"), out), 7);
	assert_true(wire_name_equal(out, n("*.x.y")));
}

static void dname_substitution(void **state)
{
	uint8_t out[WIRE_NAME_MAX];
	assert_true(wire_name_substitute(n("a.b.old.test"), n("old.test"), n("new.example"), out) > 0);
	assert_true(wire_name_equal(out, n("a.b.new.example")));
	assert_true(wire_name_substitute(n("a.b"), n("."), n("x"), out) > 0);
	assert_true(wire_name_equal(out, n("a.b.x")));
	char text[300] = "";
	for (int i = 0; i < 120; i++)
		strcat(text, "a.");
	assert_int_equal(wire_name_substitute(n(text), n("a"), n("much.longer.than.that.one"), out), BANYAN_ESPACE);
}

static void expansion_and_its_traps(void **state)
{
	/* 12: "com" 0; 17: "www" -> 12; 23: -> itself; 25: -> 27, 27: -> 25; 29: label then end of message */
	uint8_t msg[64] = {0};
	memcpy(msg + 12, "\3com\0\3www\xc0\x0c\xc0\x17\xc0\x1b\xc0\x19\5abc", 21);
	uint8_t out[WIRE_NAME_MAX];
	size_t end = 0;
	assert_int_equal(wire_name_expand(msg, 36, 17, out, &end), 9);
	assert_int_equal(end, 23);
	assert_true(wire_name_equal(out, n("www.com")));
	assert_int_equal(wire_name_expand(msg, 36, 23, out, &end), BANYAN_EMALF);
	assert_int_equal(wire_name_expand(msg, 36, 25, out, &end), BANYAN_EMALF);
	assert_int_equal(wire_name_expand(msg, 36, 27, out, &end), BANYAN_EMALF);
	assert_int_equal(wire_name_expand(msg, 33, 29, out, &end), BANYAN_EMALF);
	assert_int_equal(wire_name_expand(msg, 36, 36, out, &end), BANYAN_EMALF);
	assert_int_equal(wire_name_check((const uint8_t *)"\x40", 1), BANYAN_EMALF);
	assert_int_equal(wire_name_check((const uint8_t *)"\3com", 4), BANYAN_EMALF);
	assert_int_equal(wire_name_check((const uint8_t *)"\3com", 5), 5);
}

static void case_randomisation_keeps_the_name(void **state)
{
	struct random r;
	random_init_seed(&r, 7);
	int upper = 0, letters = 0;
	for (int i = 0; i < 200; i++) {
		uint8_t *name = n("www.example-1.com");
		wire_name_randomise_case(name, &r);
		assert_true(wire_name_equal(name, n("www.example-1.com")));
		for (const uint8_t *p = name; *p != 0; p += *p + 1)
			for (int k = 1; k <= *p; k++) {
				letters += (p[k] | 0x20) >= 'a' && (p[k] | 0x20) <= 'z';
				upper += p[k] >= 'A' && p[k] <= 'Z';
			}
	}
	assert_in_range(upper, letters * 45 / 100, letters * 55 / 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(text_and_back),
		cmocka_unit_test(canonical_order),
		cmocka_unit_test(case_is_ignored_only_for_letters),
		cmocka_unit_test(parts_of_names),
		cmocka_unit_test(dname_substitution),
		cmocka_unit_test(expansion_and_its_traps),
		cmocka_unit_test(case_randomisation_keeps_the_name),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
