// SPDX-License-Identifier: GPL-3.0-or-later
/* Files of trust anchors, as BIND, Unbound, IANA, dig and people write them; and what is wrong with others, told by line. */
#include "../test.h"

#include "dnssec/dnssec.h"

#define HEX_A "E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
#define HEX_B "683D2D0ACB8C9B712A1948B27F741219298D0A450D612C483AF444A4C0FB2B16"
#define KEY                                                                                                            \
	"AwEAAaz/tAm8yTn4Mfeh5eyI96WSVexTBAvkMgJzkKTOiW1vkIbzxeF3" /* cut to whole groups: what a key holds is not judged here */

struct anchors_case {
	const char *what, *text;
	size_t count;
	struct {
		const char *owner;
		uint16_t type, first; /* key tag or flags */
		uint8_t algorithm;
		bool fixed;
	} want[3];
};

static const struct anchors_case good[] = {
	{"a DS", ". IN DS 20326 8 2 " HEX_A "\n", 1, {{".", WIRE_TYPE_DS, 20326, 8, false}}},
	{"no newline at the end", ". IN DS 20326 8 2 " HEX_A, 1, {{".", WIRE_TYPE_DS, 20326, 8, false}}},
	{"CRLF", ". IN DS 20326 8 2 " HEX_A "\r\n\r\n", 1, {{".", WIRE_TYPE_DS, 20326, 8, false}}},
	{"TTL and class", ". 172800 IN DS 20326 8 2 " HEX_A "\n", 1, {{".", WIRE_TYPE_DS, 20326, 8, false}}},
	{"class and TTL", ". IN 2d DS 20326 8 2 " HEX_A "\n", 1, {{".", WIRE_TYPE_DS, 20326, 8, false}}},
	{"TTL alone", ". 172800 DS 20326 8 2 " HEX_A "\n", 1, {{".", WIRE_TYPE_DS, 20326, 8, false}}},
	{"neither", ". DS 20326 8 2 " HEX_A "\n", 1, {{".", WIRE_TYPE_DS, 20326, 8, false}}},
	{"in small letters",
	 ". in ds 20326 8 2 e06d44b80b8f1d39a95c0b0d7c65d08458e880409bbc683457104237c7f8ec8d\n",
	 1,
	 {{".", WIRE_TYPE_DS, 20326, 8, false}}},
	{"mnemonics", ". IN DS 20326 RSASHA256 SHA-256 " HEX_A "\n", 1, {{".", WIRE_TYPE_DS, 20326, 8, false}}},
	{"a digest in pieces",
	 ". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D084 58E880409BBC683457104237C7F8EC8D\n",
	 1,
	 {{".", WIRE_TYPE_DS, 20326, 8, false}}},
	{"parentheses over lines",
	 "example. 3600 IN DNSKEY 257 3 8 ( ; the "
	 "key\n\tAwEAAaz/tAm8yTn4Mfeh5eyI96WS\n\tVexTBAvkMgJzkKTOiW1vkIbzxeF3\n\t) ; end\n",
	 1,
	 {{"example.", WIRE_TYPE_DNSKEY, 257, 8, false}}},
	{"parentheses from the type on",
	 "example. DS (\n1\n13\n2\n" HEX_A "\n)\n",
	 1,
	 {{"example.", WIRE_TYPE_DS, 1, 13, false}}},
	{"an owner without its dot",
	 "example DNSKEY 256 3 ECDSAP256SHA256 " KEY "\n",
	 1,
	 {{"example.", WIRE_TYPE_DNSKEY, 256, 13, false}}},
	{"an owner that is left out",
	 "org. DS 1 8 2 " HEX_A "\n\t DS 2 8 2 " HEX_B "\n",
	 2,
	 {{"org.", WIRE_TYPE_DS, 1, 8, false}, {"org.", WIRE_TYPE_DS, 2, 8, false}}},
	{"$ORIGIN and $TTL",
	 "$TTL 1d\n$ORIGIN example.\n@ DS 1 8 2 " HEX_A "\nsub DS 2 8 2 " HEX_B "\nx. DS 3 8 2 " HEX_B "\n",
	 3,
	 {{"example.", WIRE_TYPE_DS, 1, 8, false},
	  {"sub.example.", WIRE_TYPE_DS, 2, 8, false},
	  {"x.", WIRE_TYPE_DS, 3, 8, false}}},
	{"comments",
	 "; one\n# two\n// three\n/* four\n */\n. DS 20326 8 2 " HEX_A " ; five\n;\n",
	 1,
	 {{".", WIRE_TYPE_DS, 20326, 8, false}}},
	{"the same twice", ". DS 1 8 2 " HEX_A "\n. IN DS 1 8 2 " HEX_A "\n", 1, {{".", WIRE_TYPE_DS, 1, 8, false}}},
	{"SHA-384",
	 "a. DS 1 ED25519 SHA-384 " HEX_A "00112233445566778899AABBCCDDEEFF\n",
	 1,
	 {{"a.", WIRE_TYPE_DS, 1, 15, false}}},
	{"an unknown digest and algorithm", "a. DS 1 200 9 ABCD\n", 1, {{"a.", WIRE_TYPE_DS, 1, 200, false}}},
	/* BIND */
	{"trust-anchors",
	 "/* as in bind.keys */\ntrust-anchors {\n\t# the root\n\t. initial-key 257 3 8 "
	 "\"AwEAAaz/tAm8yTn4Mfeh5eyI96WS\n"
	 "\t\tVexTBAvkMgJzkKTOiW1vkIbzxeF3\";\n\t\"example\" static-ds 1 ECDSAP256SHA256 2 \"" HEX_A "\"; // one line\n"
	 "\torg. initial-ds 7 8 2 " HEX_B ";\n};\n",
	 3,
	 {{".", WIRE_TYPE_DNSKEY, 257, 8, false},
	  {"example.", WIRE_TYPE_DS, 1, 13, true},
	  {"org.", WIRE_TYPE_DS, 7, 8, false}}},
	{"managed-keys",
	 "managed-keys\n{\n. initial-key 257 3 8 \"" KEY "\"; };",
	 1,
	 {{".", WIRE_TYPE_DNSKEY, 257, 8, false}}},
	{"trusted-keys",
	 "trusted-keys { \"example.\" 257 3 5 \"" KEY "\"; };\n",
	 1,
	 {{"example.", WIRE_TYPE_DNSKEY, 257, 5, true}}},
	{"all on a line, and a record behind",
	 "trust-anchors { . static-key 257 3 8 \"" KEY "\"; }; \na. DS 1 8 2 " HEX_A "\n",
	 2,
	 {{".", WIRE_TYPE_DNSKEY, 257, 8, true}, {"a.", WIRE_TYPE_DS, 1, 8, false}}},
	/* Unbound's auto-trust-anchor-file */
	{"states",
	 "; autotrust trust anchor file\n;;id: . 1\n;;last_queried: 1785546000 ;;Sat Aug  1 01:00:00 2026\n"
	 ";;query_failed: 0\n;;query_interval: 43200\n"
	 ".\t86400\tIN\tDNSKEY\t257 3 8 " KEY
	 " ;{id = 1 (ksk), size = 2048b} ;;state=2 [  VALID  ] ;;count=0 ;;lastchange=1 ;;x\n"
	 ".\t86400\tIN\tDNSKEY\t257 3 13 " KEY " ;{id = 2 (ksk), size = 2048b} ;;state=1 [ ADDPEND ] ;;count=3\n"
	 ".\t86400\tIN\tDNSKEY\t257 3 15 " KEY " ;{id = 3 (ksk), size = 2048b} ;;state=3 [ MISSING ] ;;count=0\n"
	 ".\t86400\tIN\tDNSKEY\t257 3 16 " KEY " ;;state=4 [ REVOKED ] ;;count=0\n",
	 2,
	 {{".", WIRE_TYPE_DNSKEY, 257, 8, false}, {".", WIRE_TYPE_DNSKEY, 257, 15, false}}},
};

static void readable(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++) {
		const struct anchors_case *c = &good[i];
		struct dnssec_anchors anchors = {0};
		struct dnssec_text_error error = {0};
		int rc = dnssec_anchors_parse("file", c->text, strlen(c->text), &anchors, &error);
		if (rc < 0)
			fail_msg("%s: %s", c->what, error.text);
		if (anchors.count != c->count)
			fail_msg("%s: %zu anchors", c->what, anchors.count);
		for (size_t a = 0; a < anchors.count; a++) {
			char owner[WIRE_NAME_TEXT_MAX];
			const struct dnssec_anchor *is = &anchors.item[a];
			assert_string_equal(wire_name_text(is->owner, owner), c->want[a].owner);
			assert_int_equal(is->type, c->want[a].type);
			assert_int_equal(wire_get16(is->rdata), c->want[a].first);
			assert_int_equal(is->rdata[is->type == WIRE_TYPE_DS ? 2 : 3], c->want[a].algorithm);
			assert_int_equal(is->fixed, c->want[a].fixed);
			if (is->type == WIRE_TYPE_DNSKEY)
				assert_int_equal(is->len, 4 + strlen(KEY) / 4 * 3);
		}
		dnssec_anchors_done(&anchors);
	}
}

static void same_as_builtin(void **state)
{
	(void)state;
	static const char text[] = ". IN DS 20326 8 2 " HEX_A "\n. IN DS 38696 RSASHA256 SHA256 " HEX_B "\n";
	struct dnssec_anchors anchors = {0}, builtin = {0};
	struct dnssec_text_error error;
	assert_int_equal(dnssec_anchors_parse("root.ds", text, sizeof text - 1, &anchors, &error), 0);
	assert_int_equal(dnssec_anchors_builtin(&builtin), 0);
	assert_int_equal(builtin.count, anchors.count);
	for (size_t i = 0; i < builtin.count; i++) {
		assert_int_equal(builtin.item[i].len, anchors.item[i].len);
		assert_memory_equal(builtin.item[i].rdata, anchors.item[i].rdata, builtin.item[i].len);
	}
	dnssec_anchors_done(&anchors);
	dnssec_anchors_done(&builtin);
}

static void unreadable(void **state)
{
	(void)state;
	static const struct {
		const char *text, *error;
		int rc;
	} cases[] = {
		{"", "f: there is no record; give DS or DNSKEY records", BANYAN_ENOENT},
		{"$ORIGIN a.\n$TTL 1\n", "f: there is no record", BANYAN_ENOENT},
		{"; nothing\n\n", "f: there is no record", BANYAN_ENOENT},
		{". IN NS a.\n", "f:1: NS: here should stand DS or DNSKEY", BANYAN_EMALF},
		{"\n\n. CH DS 1 8 2 " HEX_A "\n", "f:3: CH: here should", BANYAN_EMALF},
		{". IN\n", "f:1: neither DS nor DNSKEY", BANYAN_EMALF},
		{". IN DS 20326 8 2\n", "f:1: a DS needs four fields", BANYAN_EMALF},
		{". IN DS 65536 8 2 " HEX_A "\n", "f:1: 65536 is no key tag", BANYAN_EMALF},
		{". IN DS 1 RSASHA257 2 " HEX_A "\n", "f:1: RSASHA257 is no DNSSEC algorithm", BANYAN_EMALF},
		{". IN DS 1 8 SHA-3 " HEX_A "\n", "f:1: SHA-3 is no digest type", BANYAN_EMALF},
		{". IN DS 1 8 2 ABCD\n", "f:1: the digest has not the length of digest type 2", BANYAN_EMALF},
		{". IN DS 1 8 2 " HEX_A "0\n", "f:1: the digest has an odd", BANYAN_EMALF},
		{". IN DS 1 8 2 XYZ\n", "f:1: XYZ is no hexadecimal", BANYAN_EMALF},
		{". IN DNSKEY 257 3 8\n", "f:1: a DNSKEY needs four fields", BANYAN_EMALF},
		{". IN DNSKEY 257 3 8 A===\n", "f:1: the key is not whole", BANYAN_EMALF},
		{". IN DNSKEY 257 3 8 AwE\n", "f:1: the key is not whole", BANYAN_EMALF},
		{". IN DNSKEY 257 3 8 A*E=\n", "f:1: the key is not base64", BANYAN_EMALF},
		{". IN DNSKEY 257 3 8 AA=A\n", "f:1: the key is not base64", BANYAN_EMALF},
		{". IN DNSKEY 385 3 8 " KEY "\n", "f:1: the flags 385 say that the key is revoked", BANYAN_EMALF},
		{". IN DNSKEY 1 3 8 " KEY "\n", "f:1: the flags 1 are not those", BANYAN_EMALF},
		{". IN DNSKEY 257 2 8 " KEY "\n", "f:1: the protocol is 2", BANYAN_EMALF},
		{"a..b. DS 1 8 2 " HEX_A "\n", "f:1: a..b. is no name", BANYAN_EMALF},
		{" DS 1 8 2 " HEX_A "\n", "f:1: the line begins with blanks", BANYAN_EMALF},
		{"$INCLUDE x\n", "f:1: $INCLUDE is not understood", BANYAN_EMALF},
		{". DS ( 1 8 2\n" HEX_A "\n", "f:3: ( without )", BANYAN_EMALF},
		{". DS 1 8 2 " HEX_A " )\n", "f:1: ) without (", BANYAN_EMALF},
		{"trust-anchors { . initial-key 257 3 8 \"" KEY "\";\n", "f:2: the block has no end", BANYAN_EMALF},
		{"trust-anchors { . initial-key 257 3 8 \"" KEY, "f:1: the quotation mark", BANYAN_EMALF},
		{"trust-anchors {\n . first-key 257 3 8 \"" KEY "\"; };", "f:2: first-key is none of", BANYAN_EMALF},
		{"options { };", "f:1: { belongs behind", BANYAN_EMALF},
		{". { };", "f:1: { belongs behind", BANYAN_EMALF},
		{"};", "f:1: } stands where", BANYAN_EMALF},
		{"trust-anchors { . }; ", "f:1: } stands where", BANYAN_EMALF},
		{"trust-anchors { .; };", "f:1: a name and a key", BANYAN_EMALF},
		{"/* x", "f:1: the comment has no end", BANYAN_EMALF},
		{". DNSKEY 257 3 8 " KEY " ;;state=1\n", "f: none of its 1 keys is in the state", BANYAN_ENOENT},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct dnssec_anchors anchors = {0};
		struct dnssec_text_error error = {0};
		assert_int_equal(dnssec_anchors_parse("f", cases[i].text, strlen(cases[i].text), &anchors, &error),
				 cases[i].rc);
		if (strncmp(error.text, cases[i].error, strlen(cases[i].error)) != 0)
			fail_msg("%zu: %s", i, error.text);
		dnssec_anchors_done(&anchors);
	}
}

static void limits(void **state)
{
	(void)state;
	struct dnssec_anchors anchors = {0};
	struct dnssec_text_error error = {0};
	struct buffer text = {0};
	for (unsigned i = 0; i <= DNSSEC_ANCHORS_MAX; i++)
		assert_true(buffer_printf(&text, ". DS %u 8 2 " HEX_A "\n", i) >= 0);
	assert_int_equal(dnssec_anchors_parse("f", (char *)text.data, text.len, &anchors, &error), BANYAN_ELIMIT);
	assert_string_equal(error.text, "f:65: more than 64 trust anchors; leave only those in use");
	text.len = 0;
	assert_true(buffer_printf(&text, ". DNSKEY 257 3 8 ") >= 0);
	for (unsigned i = 0; i < 2000; i++)
		assert_true(buffer_printf(&text, "AAAA") >= 0);
	assert_int_equal(dnssec_anchors_parse("f", (char *)text.data, text.len, &anchors, &error), BANYAN_EMALF);
	text.len = 0;
	for (unsigned i = 0; i < 2000; i++)
		assert_true(buffer_printf(&text, "a ") >= 0);
	assert_int_equal(dnssec_anchors_parse("f", (char *)text.data, text.len, &anchors, &error), BANYAN_ELIMIT);
	/* a zero byte is no text */
	assert_int_equal(dnssec_anchors_parse("f", "a\0b", 3, &anchors, &error), BANYAN_EMALF);
	buffer_done(&text);
	dnssec_anchors_done(&anchors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(readable),
		cmocka_unit_test(same_as_builtin),
		cmocka_unit_test(unreadable),
		cmocka_unit_test(limits),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
