// SPDX-License-Identifier: GPL-3.0-or-later
/* plan: servers and signatures, composed zones, messages taken apart and held against each other, how many servers fit. Questions are answered by the
 * server's own code. */
#include "test.h"

#include "../../../src/cmd/banyan/planner.h"

static struct planner_server *server;
static struct plan_asker asker;

static int set_up(void **state)
{
	assert_int_equal(planner_server_new(&server), 0);
	asker = planner_server_asker(server);
	return 0;
}

static int tear_down(void **state)
{
	planner_server_free(server);
	return 0;
}

static void pattern(const char *names, size_t n, unsigned n_a, unsigned n_aaaa, struct plan_set *ret)
{
	assert_int_equal(plan_set_pattern(names, n, n, n_a, n_aaaa, ret), 0);
	assert_int_equal(ret->n, n);
}

/* What a root of such servers answers. */
static void answer_of(const struct plan_edition *edition, const struct plan_question *question,
		      struct plan_message *ret)
{
	struct zone *zone;
	assert_int_equal(plan_zone(edition, &zone), 0);
	assert_int_equal(asker.load(asker.ctx, &zone, 1), 0);
	assert_int_equal(plan_ask(&asker, question, ret), 0);
	zone_free(zone);
}

/* ---- servers and signers ---- */

static void test_letters(void **state)
{
	static const struct {
		size_t index;
		const char *name;
	} rows[] = {{0, "a.x."},   {25, "z.x."},  {26, "aa.x."},  {27, "ab.x."},
		    {51, "az.x."}, {52, "ba.x."}, {701, "zz.x."}, {702, "aaa.x."}};
	struct plan_set set;
	pattern("%.x", 703, 1, 2, &set);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[WIRE_NAME_TEXT_MAX];
		assert_string_equal(wire_name_text(set.server[rows[i].index].name, text), rows[i].name);
		assert_int_equal(set.server[rows[i].index].n_addresses, 3);
	}
	for (size_t i = 1; i < set.n; i++) /* nobody shares an address */
		for (size_t k = 0; k < 3; k++)
			assert_false(addr_equal(&set.server[i].address[k], &set.server[i - 1].address[k]));
	assert_false(addr_equal(&set.server[0].address[1], &set.server[0].address[2]));
	plan_set_done(&set);
}

static void test_patterns_that_are_none(void **state)
{
	static const char *const bad[] = {"", ".", "a..%",
					  "%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%%"};
	struct plan_set set = {0};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(plan_set_pattern(bad[i], 1, 1, 1, 1, &set), BANYAN_EINVAL);
	assert_int_equal(plan_set_pattern("%", 0, 0, 1, 1, &set), BANYAN_EINVAL);
	assert_int_equal(plan_set_pattern("%", PLAN_SERVERS_MAX + 1, 1, 1, 1, &set), BANYAN_ELIMIT);
	assert_int_equal(plan_set_pattern("%", 1, 1, PLAN_ADDRESSES_MAX + 1, 1, &set), BANYAN_ELIMIT);
	assert_null(set.server);
}

/* As many as are asked for, and more while names come of it: aa is longer than z. */
static void test_patterns_at_the_limit(void **state)
{
	char longest[256];
	struct plan_set set;
	memset(longest, 'x', sizeof longest);
	longest[63] = longest[127] = longest[191] = '.';
	memcpy(longest + 251, ".%", 3); /* 64 * 3 + 60 + 2 + 1 */
	assert_int_equal(plan_set_pattern(longest, 13, PLAN_SERVERS_MAX, 1, 1, &set), 0);
	assert_int_equal(set.n, 26);
	assert_int_equal(wire_name_len(set.server[25].name), 255);
	plan_set_done(&set);
	memset(&set, 0, sizeof set);
	assert_int_equal(plan_set_pattern(longest, 27, PLAN_SERVERS_MAX, 1, 1, &set), BANYAN_EINVAL);
	assert_null(set.server);
}

/* Names that differ in case alone are one (RFC 4343), and so are two equal addresses in one set (RFC 2181 section 5). */
static void test_servers_twice(void **state)
{
	struct plan_set set = {0};
	struct addr address[3];
	assert_int_equal(addr_parse("192.0.2.1", 53, &address[0]), 0);
	assert_int_equal(addr_parse("2001:db8::1", 53, &address[1]), 0);
	assert_int_equal(addr_parse("192.0.2.1", 53, &address[2]), 0);
	assert_int_equal(plan_set_add(&set, "A.Example", address, 2), 0);
	assert_int_equal(plan_set_add(&set, "a.eXAMPLE", NULL, 0), BANYAN_EEXIST);
	assert_int_equal(plan_set_add(&set, "A.Example", address, 2), BANYAN_EEXIST);
	assert_int_equal(plan_set_add(&set, "b.example", address, 3), BANYAN_EEXIST);
	assert_int_equal(plan_set_add(&set, "b.example", address, 2), 0);
	assert_int_equal(set.n, 2);
	plan_set_done(&set);
}

static void test_signers(void **state)
{
	static const struct {
		const char *text, *name;
		uint8_t algorithm;
		uint16_t size; /* 0: none is understood */
	} rows[] = {
		{"rsa2048", "rsa2048", 8, 256},
		{"8/2048", "rsa2048", 8, 256},
		{"rsa1024", "rsa1024", 8, 128},
		{"10/3072", "rsasha512-3072", 10, 384},
		{"ecdsa256", "ecdsa256", 13, 64},
		{"13", "ecdsa256", 13, 64},
		{"14", "ecdsa384", 14, 96},
		{"ed25519", "ed25519", 15, 64},
		{"16", "ed448", 16, 114},
		{"666", "666 bytes", 253, 666},
		{"8192", "8192 bytes", 253, 8192},
		{"8193", NULL, 0, 0},
		{"rsa", NULL, 0, 0},
		{"rsa511", NULL, 0, 0},
		{"rsa4097", NULL, 0, 0},
		{"12", NULL, 0, 0},
		{"8", NULL, 0, 0},
		{"", NULL, 0, 0},
		{"-64", NULL, 0, 0},
		{"13x", NULL, 0, 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct plan_signer signer = {0};
		char text[32];
		assert_int_equal(plan_signer_parse(rows[i].text, &signer), rows[i].size > 0 ? 0 : BANYAN_EINVAL);
		if (rows[i].size == 0)
			continue;
		assert_int_equal(signer.algorithm, rows[i].algorithm);
		assert_int_equal(signer.size, rows[i].size);
		assert_string_equal(plan_signer_text(&signer, text), rows[i].name);
	}
}

static void test_servers_of_a_zone(void **state)
{
	static const uint8_t root[] = {0};
	static const char hints[] =
		". 3600 NS b.x.\n. 3600 NS a.x.\n. 3600 NS far.away.\na.x. 3600 A 192.0.2.1\na.x. 3600 A 192.0.2.2\n"
		"a.x. 3600 AAAA 2001:db8::1\nb.x. 3600 AAAA 2001:db8::2\n";
	struct zone_read_settings settings = {.origin = root};
	struct zone_error error;
	struct zone *zone;
	struct plan_set set;
	assert_int_equal(zone_read_text("hints", hints, strlen(hints), &settings, NULL, NULL, &zone, &error), 0);
	assert_int_equal(plan_set_from_zone(zone, &set), 0);
	zone_free(zone);
	assert_int_equal(set.n, 3);
	size_t addresses = 0;
	for (size_t i = 0; i < set.n; i++)
		addresses += set.server[i].n_addresses;
	assert_int_equal(addresses, 4);
	plan_set_done(&set);
}

/* ---- zones ---- */

static size_t count_type(const struct zone *zone, uint16_t type)
{
	size_t n = 0;
	for (size_t i = 0; i < zone->n_sets; i++)
		n += zone->set[i].type == type ? zone->set[i].count : 0;
	return n;
}

/* Who signs is read back from what was signed. */
static void test_signers_of_a_zone(void **state)
{
	static const char *const texts[] = {"rsa1024", "ecdsa384", "1000"};
	struct plan_signer found[PLAN_SIGNERS_MAX];
	struct plan_set set;
	struct zone *zone;
	pattern("%", 2, 1, 0, &set);
	struct plan_edition edition = {.set = &set, .n = 2, .n_signers = ARRAY_SIZE(texts)};
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(plan_signer_parse(texts[i], &edition.signer[i]), 0);
	assert_int_equal(plan_zone(&edition, &zone), 0);
	assert_int_equal(plan_signers_of_zone(zone, found), ARRAY_SIZE(texts)); /* in the order of their numbers */
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		assert_int_equal(found[i].algorithm, edition.signer[i].algorithm);
		assert_int_equal(found[i].bits, edition.signer[i].bits);
		assert_int_equal(found[i].size, edition.signer[i].size);
	}
	zone_free(zone);
	edition.n_signers = 0;
	assert_int_equal(plan_zone(&edition, &zone), 0);
	assert_int_equal(plan_signers_of_zone(zone, found), 0);
	zone_free(zone);
	plan_set_done(&set);
}

/* Names of one label are the root's own, those of several lie below a delegation, unless somebody says otherwise. */
static void test_cuts_by_name(void **state)
{
	struct plan_set set = {0};
	struct zone *zone;
	assert_int_equal(plan_set_add(&set, "a", NULL, 0), 0);
	assert_int_equal(plan_set_add(&set, "b.example", NULL, 0), 0);
	assert_int_equal(plan_set_add(&set, ".", NULL, 0), BANYAN_EINVAL);
	struct plan_edition edition = {.set = &set, .n = 2, .cut_labels = PLAN_CUT_BY_NAME, .n_signers = 1};
	assert_int_equal(plan_signer_parse("ed25519", &edition.signer[0]), 0);
	assert_int_equal(plan_zone(&edition, &zone), 0);
	assert_int_equal(count_type(zone, WIRE_TYPE_NS), 3);
	assert_int_equal(count_type(zone, WIRE_TYPE_RRSIG), 3 + 2); /* SOA, NS, DNSKEY; A and AAAA of a. */
	zone_free(zone);
	edition.cut_labels = 0;
	assert_int_equal(plan_zone(&edition, &zone), 0);
	assert_int_equal(count_type(zone, WIRE_TYPE_NS), 2);
	assert_int_equal(count_type(zone, WIRE_TYPE_RRSIG), 3 + 4);
	zone_free(zone);
	plan_set_done(&set);
}

static void test_schemes(void **state)
{
	static const struct {
		size_t children, signatures; /* over NS, SOA, DNSKEY, and address sets that are the root's own */
		bool child_signed;
	} expected[PLAN_SCHEMES] = {{1, 3, false}, {1, 3, true},  {0, 29, false},
				    {1, 3, true},  {13, 3, true}, {0, 5, false}};
	for (size_t i = 0; i < PLAN_SCHEMES; i++) {
		const struct plan_scheme *scheme = &plan_schemes[i];
		struct plan_set set;
		struct zone *zone, *child[PLANNER_CHILDREN_MAX];
		pattern(scheme->pattern, 13, 1, 1, &set);
		struct plan_edition edition = {.set = &set,
					       .n = 13,
					       .cut_labels = scheme->cut_labels,
					       .child_labels = scheme->child_labels,
					       .child_signed = scheme->child_signed,
					       .n_signers = 1};
		assert_int_equal(plan_signer_parse("rsa2048", &edition.signer[0]), 0);
		assert_int_equal(plan_zone(&edition, &zone), 0);
		assert_int_equal(count_type(zone, WIRE_TYPE_RRSIG), expected[i].signatures);
		assert_int_equal(count_type(zone, WIRE_TYPE_A), 13);
		zone_free(zone);
		int n = plan_children(&edition, child, ARRAY_SIZE(child));
		assert_int_equal(n, expected[i].children);
		for (int k = 0; k < n; k++) {
			assert_int_equal(count_type(child[k], WIRE_TYPE_RRSIG) > 0, expected[i].child_signed);
			zone_free(child[k]);
		}
		if (n > 1)
			assert_int_equal(plan_children(&edition, child, (size_t)n - 1), BANYAN_ELIMIT);
		plan_set_done(&set);
	}
}

/* ---- messages ---- */

static void test_seeds(void **state)
{
	struct planner_seed seed[PLANNER_SEEDS] = {0};
	assert_int_equal(planner_seeds(&asker, 1780000000, seed), 0);
	for (size_t i = 0; i < PLANNER_SEEDS; i++) {
		assert_int_equal(seed[i].found, seed[i].expected);
		plan_message_done(&seed[i].message);
	}
}

/* The bytes of a whole reply by arithmetic: with messages as they should be, both agree for any number of servers. */
static size_t bytes_by_hand(size_t n, unsigned suffix, size_t signature)
{
	size_t bytes = 12 + 5 + 11 + (signature > 0 ? 1 + 10 + 18 + 1 + signature : 0);
	for (size_t i = 0; i < n; i++) {
		size_t label = 1 + (i < 26 ? 1 : 2);
		size_t tail = suffix == 0 ? 1
			      : i == 0    ? suffix
					  : 2; /* the first has it in full, the others point there */
		bytes += 1 + 10 + label + tail;
		bytes += 2 + 10 + 4 + 2 + 10 + 16;
	}
	return bytes;
}

static void test_any_number_of_servers(void **state)
{
	static const struct {
		const char *names, *signer;
		unsigned suffix, cut_labels;
		size_t signature;
	} rows[] = {
		{"%.root-servers.net", "rsa2048", 18, 1, 256},
		{"%.root-servers.net", "ed25519", 18, 1, 64},
		{"%.x", "ecdsa384", 3, 1, 96},
		{"%.y", "4000", 3, 1, 4000},
	};
	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		struct plan_set set;
		pattern(rows[r].names, 60, 1, 1, &set);
		struct plan_edition edition = {.set = &set, .cut_labels = rows[r].cut_labels, .n_signers = 1};
		assert_int_equal(plan_signer_parse(rows[r].signer, &edition.signer[0]), 0);
		for (edition.n = 1; edition.n <= set.n; edition.n += 3) {
			struct plan_message message;
			answer_of(&edition, &(struct plan_question){.size = 4096, .tcp = true, .dnssec = true},
				  &message);
			assert_int_equal(message.len, bytes_by_hand(edition.n, rows[r].suffix, rows[r].signature));
			assert_int_equal(message.part[PLAN_NS].records, edition.n);
			assert_int_equal(message.part[PLAN_NS_RRSIG].records, 1);
			plan_message_done(&message);
		}
		plan_set_done(&set);
	}
}

static void test_parts(void **state)
{
	struct plan_set set;
	struct plan_message message;
	pattern("%", 3, 1, 1, &set);
	struct plan_edition edition = {.set = &set, .n = 3, .n_signers = 2};
	assert_int_equal(plan_signer_parse("ecdsa256", &edition.signer[0]), 0);
	assert_int_equal(plan_signer_parse("rsa1024", &edition.signer[1]), 0);
	answer_of(&edition, &(struct plan_question){.size = 4096, .dnssec = true, .cookie = true}, &message);
	static const struct plan_share expected[PLAN_PARTS] = {
		[PLAN_HEADER] = {0, 12, 12},
		[PLAN_QUESTION] = {1, 5, 5},
		[PLAN_NS] = {3, 3 * 14, 3 * 14},
		[PLAN_NS_RRSIG] = {2, 30 + 64 + 30 + 128, 30 + 64 + 30 + 128},
		[PLAN_A] = {3, 3 * 16, 3 * 17},
		[PLAN_AAAA] = {3, 3 * 28, 3 * 29},
		[PLAN_ADDRESS_RRSIG] = {12, 6 * (31 + 64 + 31 + 128), 6 * (32 + 64 + 32 + 128)},
		[PLAN_OPT] = {1, 11, 11},
		[PLAN_COOKIE] = {1, 28, 28},
	};
	for (unsigned i = 0; i < PLAN_PARTS; i++) {
		assert_int_equal(message.part[i].records, expected[i].records);
		assert_int_equal(message.part[i].bytes, expected[i].bytes);
		assert_int_equal(message.part[i].plain, expected[i].plain);
	}
	plan_message_done(&message);
	plan_set_done(&set);
}

/* ---- messages of others ---- */

/* What another server may say: two NS without compression, one A, an OPT with NSID. */
static size_t foreign(uint8_t out[512], bool compressed)
{
	static const uint8_t head[] = {0x62, 0x61, 0x84, 0, 0, 1, 0, 2, 0, 0, 0, 2, 0, 0, 2, 0, 1};
	static const uint8_t first[] = {0, 0, 2, 0, 1, 0, 0, 0, 9, 0, 5, 1, 'a', 1, 'x', 0};
	static const uint8_t plain[] = {0, 0, 2, 0, 1, 0, 0, 0, 9, 0, 5, 1, 'b', 1, 'x', 0};
	static const uint8_t pointed[] = {0, 0, 2, 0, 1, 0, 0, 0, 9, 0, 4, 1, 'b', 0xc0, 30};
	static const uint8_t rest[] = {0xc0, 28, 0, 1,   0, 1, 0, 0, 0, 9, 0, 4, 192, 0, 2,   1,  0,
				       0,    41, 4, 208, 0, 0, 0, 0, 0, 6, 0, 3, 0,   2, 'm', 'e'};
	size_t len = 0;
	memcpy(out, head, sizeof head);
	len += sizeof head;
	memcpy(out + len, first, sizeof first);
	len += sizeof first;
	memcpy(out + len, compressed ? pointed : plain, compressed ? sizeof pointed : sizeof plain);
	len += compressed ? sizeof pointed : sizeof plain;
	memcpy(out + len, rest, sizeof rest);
	return len + sizeof rest;
}

static void test_foreign_message(void **state)
{
	uint8_t msg[512];
	struct plan_message a, b;
	struct plan_comparison c;
	assert_int_equal(plan_dissect(msg, foreign(msg, true), &a), 0);
	assert_int_equal(plan_dissect(msg, foreign(msg, false), &b), 0);
	assert_int_equal(b.part[PLAN_NS].bytes, 32);
	assert_int_equal(b.part[PLAN_OPT].bytes, 11);
	assert_int_equal(b.part[PLAN_OPTIONS].bytes, 6);
	assert_int_equal(a.part[PLAN_NS].plain, 32);
	assert_int_equal(plan_compare(&a, &b, &c), 0);
	assert_int_equal(c.total, 1);
	assert_int_equal(c.part[PLAN_NS][PLAN_DATA_NAMES].records, 1);
	assert_int_equal(c.part[PLAN_NS][PLAN_DATA_NAMES].bytes, 1);
	assert_int_equal(plan_compare(&b, &a, &c), 0);
	assert_int_equal(c.part[PLAN_NS][PLAN_DATA_NAMES].bytes, -1);
	plan_message_done(&a);
	plan_message_done(&b);
}

/* Whatever is cut off, it is no message any more; nor is one with bytes behind it, nor a question. */
static void test_malformed(void **state)
{
	uint8_t msg[512];
	struct plan_message message = {0};
	size_t len = foreign(msg, true);
	for (size_t cut = 0; cut < len; cut++)
		assert_int_equal(plan_dissect(msg, cut, &message), BANYAN_EMALF);
	msg[len] = 0;
	assert_int_equal(plan_dissect(msg, len + 1, &message), BANYAN_EMALF);
	msg[2] &= 0x7f;
	assert_int_equal(plan_dissect(msg, len, &message), BANYAN_EMALF);
	foreign(msg, true);
	msg[len - 3] = 3; /* the option is longer than the record */
	assert_int_equal(plan_dissect(msg, len, &message), BANYAN_EMALF);
	assert_null(message.record);
}

static void test_differences_add_up(void **state)
{
	static const struct plan_question questions[] = {
		{.size = 0},
		{.size = 512},
		{.size = 1232},
		{.size = 1232, .dnssec = true},
		{.size = 4096, .dnssec = true, .cookie = true},
		{.size = 512, .dnssec = true},
	};
	struct plan_set set[2];
	struct plan_message message[2 * ARRAY_SIZE(questions)];
	pattern("%.root-servers.net", 13, 1, 1, &set[0]);
	pattern("%.root-servers.net", 14, 1, 1, &set[1]);
	for (size_t s = 0; s < 2; s++) {
		struct plan_edition edition = {.set = &set[s], .n = set[s].n, .cut_labels = 1, .n_signers = 1};
		assert_int_equal(plan_signer_parse("rsa2048", &edition.signer[0]), 0);
		for (size_t q = 0; q < ARRAY_SIZE(questions); q++)
			answer_of(&edition, &questions[q], &message[s * ARRAY_SIZE(questions) + q]);
	}
	for (size_t a = 0; a < ARRAY_SIZE(message); a++)
		for (size_t b = 0; b < ARRAY_SIZE(message); b++) {
			struct plan_comparison c;
			long sum = 0;
			assert_int_equal(plan_compare(&message[a], &message[b], &c), 0);
			for (unsigned part = 0; part < PLAN_PARTS; part++)
				for (unsigned why = 0; why < PLAN_WHYS; why++)
					sum += c.part[part][why].bytes;
			assert_int_equal(sum, (long)message[b].len - (long)message[a].len);
			assert_int_equal(sum, c.total);
		}
	for (size_t i = 0; i < ARRAY_SIZE(message); i++)
		plan_message_done(&message[i]);
	plan_set_done(&set[0]);
	plan_set_done(&set[1]);
}

/* Signed with keys, it weighs what it weighs without; and with other keys it is the same to who compares. */
static void test_keys(void **state)
{
	static const char *const texts[] = {"rsa1024", "rsa2048", "ecdsa256", "ecdsa384", "ed25519", "ed448"};
	const struct plan_question question = {.size = 4096, .dnssec = true, .cookie = true};
	struct plan_set set;
	pattern("%", 4, 1, 1, &set);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct plan_edition edition = {.set = &set, .n = 4, .n_signers = 1};
		struct plan_message message[3];
		struct plan_comparison c;
		assert_int_equal(plan_signer_parse(texts[i], &edition.signer[0]), 0);
		answer_of(&edition, &question, &message[0]);
		for (size_t k = 1; k < 3; k++) {
			struct plan_keys *keys;
			assert_int_equal(plan_keys_new(edition.signer, 1, 1780000000, &keys), 0);
			edition.keys = keys;
			answer_of(&edition, &question, &message[k]);
			plan_keys_free(keys);
			assert_int_equal(message[k].len, message[0].len);
		}
		assert_int_equal(plan_compare(&message[1], &message[2], &c), 0);
		for (unsigned part = 0; part < PLAN_PARTS; part++)
			for (unsigned why = 0; why < PLAN_WHYS; why++)
				assert_int_equal(c.part[part][why].records, 0);
		for (size_t k = 0; k < 3; k++)
			plan_message_done(&message[k]);
	}
	plan_set_done(&set);
}

static void test_no_keys_of_it(void **state)
{
	struct plan_signer signer[2];
	struct plan_keys *keys = NULL;
	assert_int_equal(plan_signer_parse("ed25519", &signer[0]), 0);
	assert_int_equal(plan_signer_parse("666", &signer[1]), 0);
	int rc = plan_keys_new(signer, 2, 0, &keys);
	assert_true(rc == BANYAN_EUNSUPP || rc == BANYAN_EINVAL);
	assert_null(keys);
}

/* ---- how many fit ---- */

static void test_fit(void **state)
{
	static const struct {
		struct plan_question question;
		size_t room, whole, each;
		const char *names;
		unsigned cut_labels;
	} rows[] = {
		/* 12 + 5 bytes and 16 for root-servers.net, 59 a server; or 31 with an A alone */
		{{.size = 0}, 512, 8, 15, "%.root-servers.net", 1},
		{{.tcp = true}, 1232, 20, 0, "%.root-servers.net", 1},
		{{.tcp = true}, 1410, 23, 0, "%.root-servers.net", 1},
		{{.tcp = true}, 4096, 68, 0, "%.root-servers.net", 1},
		{{.size = 1232}, 1232, 20, 37, "%.root-servers.net", 1},
		{{.size = 1232, .dnssec = true}, 1232, 15, 29, "%.root-servers.net", 1},
		{{.tcp = true}, 1232, 20, 0, "%", 0},
		{{.size = 1232, .dnssec = true}, 1232, 1, 29, "%.x", 0},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct plan_set set;
		struct plan_fit fit;
		struct plan_message message;
		pattern(rows[i].names, 200, 1, 1, &set);
		struct plan_edition edition = {.set = &set, .cut_labels = rows[i].cut_labels, .n_signers = 1};
		assert_int_equal(plan_signer_parse("rsa2048", &edition.signer[0]), 0);
		assert_int_equal(plan_fit(&asker, &edition, &rows[i].question, rows[i].room, &fit), 0);
		assert_int_equal(fit.whole, rows[i].whole);
		assert_false(fit.all);
		struct plan_question whole = rows[i].question;
		whole.tcp = true;
		for (edition.n = fit.whole; edition.n <= fit.whole + 1; edition.n++) {
			answer_of(&edition, &whole, &message);
			assert_int_equal(message.len <= rows[i].room, edition.n == fit.whole);
			plan_message_done(&message);
		}
		assert_int_equal(fit.each, rows[i].each);
		plan_set_done(&set);
	}
}

static void test_all_fit(void **state)
{
	struct plan_set set;
	struct plan_fit fit;
	pattern("%.x", 5, 1, 1, &set);
	struct plan_edition edition = {.set = &set, .cut_labels = 1};
	assert_int_equal(plan_fit(&asker, &edition, &(struct plan_question){.size = 1232}, 1232, &fit), 0);
	assert_int_equal(fit.whole, 5);
	assert_int_equal(fit.each, 5);
	assert_true(fit.all);
	plan_set_done(&set);
}

static void test_left_out(void **state)
{
	struct plan_set set;
	struct plan_message whole, part;
	struct plan_missing missing;
	pattern("%.root-servers", 13, 1, 1, &set);
	struct plan_edition edition = {.set = &set, .n = 13, .n_signers = 1};
	assert_int_equal(plan_signer_parse("rsa2048", &edition.signer[0]), 0);
	answer_of(&edition, &(struct plan_question){.size = 1232, .tcp = true, .dnssec = true}, &whole);
	answer_of(&edition, &(struct plan_question){.size = 1232, .dnssec = true}, &part);
	assert_int_equal(plan_left_out(&whole, &part, &missing), 0);
	assert_int_equal(missing.a + missing.aaaa, 0); /* addresses are worth more than their signatures */
	assert_int_equal(missing.signatures, 26);
	assert_int_equal(plan_left_out(&whole, &whole, &missing), 0);
	assert_int_equal(missing.a + missing.aaaa + missing.signatures + missing.others, 0);
	plan_message_done(&part);
	/* in 4,096 bytes ten of the signatures have room */
	answer_of(&edition, &(struct plan_question){.size = 4096, .dnssec = true}, &part);
	assert_int_equal(plan_left_out(&whole, &part, &missing), 0);
	assert_int_equal(missing.a + missing.aaaa, 0);
	assert_int_equal(missing.signatures, 16);
	plan_message_done(&whole);
	plan_message_done(&part);
	plan_set_done(&set);
}

/* Signatures that no message holds: the reply has no TC for them, and is not whole all the same. */
static void test_more_than_a_message(void **state)
{
	struct plan_set set;
	struct plan_message message;
	struct plan_fit fit;
	struct zone *zone;
	struct plan_question tcp = {.size = 1232, .tcp = true, .dnssec = true};
	pattern("%", 13, 1, 1, &set);
	struct plan_edition edition = {.set = &set, .n = 13, .n_signers = 1};
	assert_int_equal(plan_signer_parse("7856", &edition.signer[0]), 0);
	answer_of(&edition, &tcp, &message);
	assert_int_equal(plan_zone(&edition, &zone), 0);
	assert_int_equal(message.flags & WIRE_TC, 0);
	assert_int_equal(message.part[PLAN_A].records + message.part[PLAN_AAAA].records, 26);
	assert_int_equal(message.part[PLAN_ADDRESS_RRSIG].records, 7);
	assert_false(plan_is_whole(zone, &message, true));
	assert_true(plan_is_whole(zone, &message, false));
	assert_int_equal(
		plan_fit(&asker, &edition, &(struct plan_question){.size = 65535, .dnssec = true}, 65535, &fit), 0);
	assert_int_equal(fit.whole, 3); /* seven signatures: one over the NS set, two for each server */
	zone_free(zone);
	plan_message_done(&message);
	plan_set_done(&set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_patterns_that_are_none),
		cmocka_unit_test(test_patterns_at_the_limit),
		cmocka_unit_test(test_servers_twice),
		cmocka_unit_test(test_signers),
		cmocka_unit_test(test_servers_of_a_zone),
		cmocka_unit_test(test_signers_of_a_zone),
		cmocka_unit_test(test_cuts_by_name),
		cmocka_unit_test(test_schemes),
		cmocka_unit_test(test_seeds),
		cmocka_unit_test(test_any_number_of_servers),
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_foreign_message),
		cmocka_unit_test(test_malformed),
		cmocka_unit_test(test_differences_add_up),
		cmocka_unit_test(test_fit),
		cmocka_unit_test(test_all_fit),
		cmocka_unit_test(test_left_out),
		cmocka_unit_test(test_more_than_a_message),
		cmocka_unit_test(test_keys),
		cmocka_unit_test(test_no_keys_of_it),
	};
	return cmocka_run_group_tests(tests, set_up, tear_down);
}
