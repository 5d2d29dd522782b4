// SPDX-License-Identifier: GPL-3.0-or-later
/* Every name and type of small zones, and names around them: the image says what the plain reference says. */
#include "image/image.h"
#include "reference.h"
#include "zones.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* all for the names of a zone; the first few for names around them */
#define TYPES_AROUND 6
static const uint16_t types[] = {
	WIRE_TYPE_ANY,  WIRE_TYPE_DS,     WIRE_TYPE_CNAME, WIRE_TYPE_MX,         WIRE_TYPE_A,
	WIRE_TYPE_NSEC, WIRE_TYPE_NS,     WIRE_TYPE_SOA,   WIRE_TYPE_PTR,        WIRE_TYPE_TXT,
	WIRE_TYPE_AAAA, WIRE_TYPE_SRV,    WIRE_TYPE_DNAME, WIRE_TYPE_RRSIG,      WIRE_TYPE_NSEC3,
	65280,          WIRE_TYPE_DNSKEY, 64999,           WIRE_TYPE_NSEC3PARAM,
};

struct asked {
	uint8_t out[WIRE_MESSAGE_MAX];
	int len;
	struct image_reply reply;
};

static void ask(const struct image *image, const uint8_t *qname, uint16_t qtype, bool dnssec, size_t max,
		struct asked *ret)
{
	uint8_t msg[WIRE_HEADER_SIZE + WIRE_NAME_MAX + 4] = {0x12, 0x34, 1, 0, 0, 1};
	struct wire_question question;
	size_t len = wire_name_len(qname);
	memcpy(msg + WIRE_HEADER_SIZE, qname, len);
	wire_put16(msg + WIRE_HEADER_SIZE + len, qtype);
	wire_put16(msg + WIRE_HEADER_SIZE + len + 2, WIRE_CLASS_IN);
	assert_int_equal(wire_question_parse(msg, WIRE_HEADER_SIZE + len + 4, &question), WIRE_ANSWERABLE);
	struct image_query query = {.question = &question, .dnssec = dnssec, .max = max};
	memset(ret->out, 0xee, sizeof ret->out);
	ret->len = image_answer(image, &query, ret->out, &ret->reply);
	assert_true(ret->len > 0);
	assert_true((size_t)ret->len <= max);
	assert_int_equal(wire_get16(ret->out), 0x1234);
}

/* Reads a message into lines; names in lower case. */
static void parse(const struct asked *asked, struct test_answer *ret)
{
	struct wire_reader reader;
	struct wire_record record;
	static uint8_t rdata[WIRE_MESSAGE_MAX];
	*ret = (struct test_answer){0};
	assert_int_equal(wire_reader_init(&reader, asked->out, (size_t)asked->len), 0);
	ret->aa = reader.flags & WIRE_AA;
	ret->tc = reader.flags & WIRE_TC;
	ret->rcode = reader.flags & WIRE_RCODE_MASK;
	assert_int_equal(reader.flags & (WIRE_QR | WIRE_RD | WIRE_RA | WIRE_AD), WIRE_QR | WIRE_RD);
	int rc;
	while ((rc = wire_reader_next(&reader, &record)) > 0) {
		int len = wire_record_rdata(&reader, &record, rdata, sizeof rdata);
		assert_true(len >= 0);
		wire_rdata_canonical(rdata, (uint16_t)len, record.type);
		struct wire_rdata data = {rdata, (uint16_t)len};
		wire_name_lower(record.owner, record.owner);
		test_answer_add(ret, record.section, record.owner, record.ttl, record.type, &data);
	}
	assert_int_equal(rc, 0);
	assert_int_equal(reader.pos, asked->len);
	test_answer_sort(ret);
}

static void print_difference(const struct test_answer *expected, const struct test_answer *got, const uint8_t *qname,
			     uint16_t qtype, bool dnssec)
{
	char name[WIRE_NAME_TEXT_MAX], type[16];
	print_message("# %s %s%s\n", wire_name_text(qname, name), wire_type_text(qtype, type), dnssec ? " DO" : "");
	print_message("# expected: rcode %u aa %d\n", expected->rcode, expected->aa);
	for (size_t i = 0; i < expected->n_lines; i++)
		print_message("#   %s\n", expected->line[i]);
	print_message("# got: rcode %u aa %d tc %d%s\n", got->rcode, got->aa, got->tc,
		      got->repeated ? " repeated" : "");
	for (size_t i = 0; i < got->n_lines; i++)
		print_message("#   %s\n", got->line[i]);
}

static bool same(const struct test_answer *a, const struct test_answer *b)
{
	if (a->rcode != b->rcode || a->aa != b->aa || a->n_lines != b->n_lines)
		return false;
	for (size_t i = 0; i < a->n_lines; i++)
		if (strcmp(a->line[i], b->line[i]) != 0)
			return false;
	return true;
}

/* Is each line of `part` in `whole`? */
static bool within(const struct test_answer *part, const struct test_answer *whole)
{
	size_t k = 0;
	for (size_t i = 0; i < part->n_lines; i++) {
		while (k < whole->n_lines && strcmp(whole->line[k], part->line[i]) < 0)
			k++;
		if (k == whole->n_lines || strcmp(whole->line[k], part->line[i]) != 0)
			return false;
	}
	return true;
}

/* Lines of a section; for the additional one only those that a referral needs (RFC 9471): owners under the cut. */
static size_t count_lines(const struct test_answer *a, char section)
{
	size_t n = 0;
	for (size_t i = 0; i < a->n_lines; i++)
		n += a->line[i][0] == section;
	return n;
}

/* An answer cut to fit: whole sections or TC, nothing that the full one has not. */
static void check_truncated(const struct image *image, const uint8_t *qname, uint16_t qtype, bool dnssec,
			    const struct test_answer *full, int full_len)
{
	static struct asked asked;
	for (int max = full_len - 1; max >= 12 + 255 + 4 && max > full_len - 1500; max -= 37) {
		struct test_answer got;
		ask(image, qname, qtype, dnssec, (size_t)max, &asked);
		parse(&asked, &got);
		assert_true(within(&got, full));
		assert_false(got.repeated);
		assert_int_equal(got.rcode, full->rcode);
		assert_int_equal(got.tc, asked.reply.truncated);
		if (!got.tc) {
			assert_int_equal(count_lines(&got, '1'), count_lines(full, '1'));
			assert_int_equal(count_lines(&got, '2'), count_lines(full, '2'));
		}
		test_answer_done(&got);
	}
}

static void check_one(const struct zone *zone, const struct image *image, const uint8_t *qname, uint16_t qtype,
		      bool dnssec)
{
	static struct asked asked;
	struct test_answer expected, got;
	reference_answer(zone, qname, qtype, dnssec, &expected);
	ask(image, qname, qtype, dnssec, WIRE_MESSAGE_MAX, &asked);
	parse(&asked, &got);
	if (!same(&expected, &got) || got.repeated || got.tc) {
		print_difference(&expected, &got, qname, qtype, dnssec);
		fail();
	}
	assert_int_equal(asked.reply.rcode, got.rcode);
	assert_int_equal(asked.reply.authoritative, got.aa);
	if (asked.len > 12 + 255 + 4)
		check_truncated(image, qname, qtype, dnssec, &expected, asked.len);
	test_answer_done(&expected);
	test_answer_done(&got);
}

static void check_name(const struct zone *zone, const struct image *image, const uint8_t *qname, size_t n_types)
{
	if (!wire_name_under(qname, zone->apex))
		return;
	for (size_t t = 0; t < n_types; t++)
		for (int dnssec = 0; dnssec < 2; dnssec++)
			check_one(zone, image, qname, types[t], dnssec);
}

/* The name with one label in front; false if it is too long. */
static bool prepend(const uint8_t *name, const char *label, uint8_t out[WIRE_NAME_MAX])
{
	size_t len = wire_name_len(name), n = strlen(label);
	if (len + n + 1 > WIRE_NAME_MAX)
		return false;
	out[0] = (uint8_t)n;
	for (size_t i = 0; i < n; i++)
		out[1 + i] = (uint8_t)label[i];
	memcpy(out + 1 + n, name, len);
	return true;
}

static void check_around(const struct zone *zone, const struct image *image, const uint8_t *name)
{
	static const char *const labels[] = {"0",   "www", "*",
					     "zzz", "\1",  "a-rather-long-label-that-shifts-every-pointer"};
	uint8_t below[WIRE_NAME_MAX], deeper[WIRE_NAME_MAX];
	check_name(zone, image, name, ARRAY_SIZE(types));
	for (size_t i = 0; i < ARRAY_SIZE(labels); i++) {
		if (!prepend(name, labels[i], below))
			continue;
		check_name(zone, image, below, TYPES_AROUND);
		if (prepend(below, labels[(i + 1) % ARRAY_SIZE(labels)], deeper))
			check_name(zone, image, deeper, TYPES_AROUND);
	}
	/* a neighbour in canonical order: the first label a little longer */
	if (name[0] > 0 && name[0] < 63 && wire_name_len(name) < WIRE_NAME_MAX) {
		memcpy(below + name[0] + 2, name + name[0] + 1, wire_name_len(name) - name[0] - 1);
		for (unsigned i = 0; i <= name[0]; i++)
			below[i] = name[i];
		below[0]++;
		below[name[0] + 1] = '-';
		check_name(zone, image, below, TYPES_AROUND);
	}
}

static void check_zone(const char *origin, const char *text, enum test_chain chain)
{
	struct zone *zone = test_zone(origin, text, chain);
	struct image *image;
	assert_int_equal(test_compile(zone, &image), 0);
	assert_true(wire_name_equal(image_apex(image), zone->apex));
	assert_int_equal(image_serial(image), zone->serial);
	for (size_t i = 0; i < zone->n_nodes; i++)
		check_around(zone, image, zone->node[i].name);
	image_free(image);
	zone_free(zone);
}

static void test_root_unsigned(void **state)
{
	check_zone(".", ZONE_ROOT, CHAIN_NONE);
}

static void test_root_nsec(void **state)
{
	check_zone(".", ZONE_ROOT, CHAIN_NSEC);
}

static void test_tld_nsec3(void **state)
{
	check_zone("tld.", ZONE_TLD, CHAIN_NSEC3);
}

static void test_tld_optout(void **state)
{
	check_zone("tld.", ZONE_TLD, CHAIN_OPTOUT);
}

static void test_general_unsigned(void **state)
{
	check_zone("ex.", ZONE_GENERAL, CHAIN_NONE);
}

static void test_general_nsec(void **state)
{
	check_zone("ex.", ZONE_GENERAL, CHAIN_NSEC);
}

static void test_general_nsec3(void **state)
{
	check_zone("ex.", ZONE_GENERAL, CHAIN_NSEC3);
}

/* Thirteen servers of two addresses each, as the root has: in 512 bytes there are 13 A and 2 AAAA, and of a server that has no A its AAAA comes
 * before anyone's second address. */
static void count_addresses(bool without_a, size_t max, unsigned *ret_a, unsigned *ret_aaaa)
{
	static struct asked asked;
	char text[8192];
	struct wire_reader reader;
	struct wire_record record;
	size_t n = (size_t)snprintf(text, sizeof text, ". 86400 SOA a.root-servers.net. host. 1 2 3 4 900\n");
	for (char c = 'a'; c <= 'm'; c++) {
		n += (size_t)snprintf(text + n, sizeof text - n,
				      ". 3600 NS %c.root-servers.net.\n%c.root-servers.net. 3600 AAAA 2001:db8::%c\n",
				      c, c, "0123456789abc"[c - 'a']);
		if (!without_a || c != 'm')
			n += (size_t)snprintf(text + n, sizeof text - n, "%c.root-servers.net. 3600 A 192.0.2.%d\n", c,
					      c - 'a');
	}
	struct zone *zone = test_zone(".", text, CHAIN_NONE);
	struct image *image;
	assert_int_equal(test_compile(zone, &image), 0);
	ask(image, (const uint8_t *)"", WIRE_TYPE_NS, false, max, &asked);
	assert_int_equal(wire_reader_init(&reader, asked.out, (size_t)asked.len), 0);
	assert_false(asked.reply.truncated);
	*ret_a = *ret_aaaa = 0;
	while (wire_reader_next(&reader, &record) > 0) {
		*ret_a += record.section == WIRE_ADDITIONAL && record.type == WIRE_TYPE_A;
		*ret_aaaa += record.section == WIRE_ADDITIONAL && record.type == WIRE_TYPE_AAAA;
	}
	image_free(image);
	zone_free(zone);
}

static void test_one_address_each_first(void **state)
{
	unsigned a, aaaa;
	count_addresses(false, 512, &a, &aaaa);
	assert_int_equal(a, 13);
	assert_int_equal(aaaa, 2);
	count_addresses(true, 448, &a, &aaaa); /* 228 bytes, 12 A of 16, one AAAA of 28 */
	assert_int_equal(a, 12);
	assert_int_equal(aaaa, 1);
	count_addresses(false, 800, &a, &aaaa);
	assert_int_equal(a, 13);
	assert_int_equal(aaaa, 13);
}

struct counted {
	unsigned addresses, sigs;
	size_t len;
};

/* Thirteen servers whose names are the zone's own, so that their addresses are signed; asked with DO. */
static void count_signed(const struct image *image, size_t max, struct counted *ret)
{
	static struct asked asked;
	struct test_answer got;
	ask(image, (const uint8_t *)"", WIRE_TYPE_NS, true, max, &asked);
	parse(&asked, &got);
	assert_false(got.tc || got.repeated);
	*ret = (struct counted){.len = (size_t)asked.len};
	for (size_t i = 0; i < got.n_lines; i++) {
		bool sig = strstr(got.line[i], "RRSIG") != NULL;
		ret->sigs += got.line[i][0] == '3' && sig;
		ret->addresses += got.line[i][0] == '3' && !sig;
		if (got.line[i][0] != '3' || !sig)
			continue;
		/* a pointer that leads elsewhere would give it another owner, of no address */
		bool known = false;
		for (char c = 'a'; c <= 'm'; c++) {
			char owner[] = {' ', c, '.', 'r', 's', '.', ' ', 0};
			known |= strstr(got.line[i], owner) != NULL;
		}
		assert_true(known);
	}
	test_answer_done(&got);
}

/* All addresses, and as many of their signatures as there is room for (RFC 4035 section 3.1.1). */
static void test_signatures_that_fit(void **state)
{
	char text[8192];
	struct counted whole, plain, cut;
	size_t n = (size_t)snprintf(text, sizeof text, ". 86400 SOA a.rs. host. 1 2 3 4 900\n");
	for (char c = 'a'; c <= 'm'; c++)
		n += (size_t)snprintf(text + n, sizeof text - n,
				      ". 3600 NS %c.rs.\n%c.rs. 3600 A 192.0.2.1\n%c.rs. 3600 AAAA 2001:db8::1\n", c, c,
				      c);
	struct zone *zone = test_zone(".", text, CHAIN_NSEC);
	struct image *image;
	assert_int_equal(test_compile(zone, &image), 0);
	count_signed(image, WIRE_MESSAGE_MAX, &whole);
	assert_int_equal(whole.addresses, 26);
	assert_int_equal(whole.sigs, 26);
	size_t one = 2 + 10 + 18 + 1 + 16, without = whole.len - 26 * one;
	count_signed(image, without, &plain);
	assert_int_equal(plain.len, without);
	assert_int_equal(plain.addresses, 26);
	assert_int_equal(plain.sigs, 0);
	for (size_t max = without; max < whole.len; max += 13) {
		count_signed(image, max, &cut);
		assert_int_equal(cut.addresses, 26);
		assert_int_equal(cut.sigs, (max - without) / one);
	}
	count_signed(image, without - 1, &cut);
	assert_int_equal(cut.addresses, 25);
	assert_int_equal(cut.sigs, 0);
	image_free(image);
	zone_free(zone);
}

/* Two keys: both signatures of a set, or neither. */
static void test_signatures_of_a_set_together(void **state)
{
	const char *text =
		". 86400 SOA a. host. 1 2 3 4 900\n. 86400 RRSIG SOA 13 0 86400 20400101000000 20200101000000 1 "
		". AAAA\n. 3600 NS a.\n. 3600 RRSIG NS 13 0 3600 20400101000000 20200101000000 1 . AAAA\n"
		"a. 3600 A 192.0.2.1\na. 3600 AAAA 2001:db8::1\n"
		"a. 3600 RRSIG A 13 1 3600 20400101000000 20200101000000 1 . AAAAAAAA\n"
		"a. 3600 RRSIG A 13 1 3600 20400101000000 20200101000000 2 . AAAABBBB\n"
		"a. 3600 RRSIG AAAA 13 1 3600 20400101000000 20200101000000 1 . AAAAAAAA\n"
		"a. 3600 RRSIG AAAA 13 1 3600 20400101000000 20200101000000 2 . AAAABBBB\n";
	static struct asked asked;
	struct zone *zone = test_zone(".", text, CHAIN_NONE);
	struct image *image;
	assert_int_equal(test_compile(zone, &image), 0);
	ask(image, (const uint8_t *)"", WIRE_TYPE_NS, true, WIRE_MESSAGE_MAX, &asked);
	int whole = asked.len;
	size_t sig = 2 + 10 + 18 + 1 + 6;
	assert_int_equal(asked.reply.counts[3], 6);
	for (size_t less = 1; less <= 4 * sig; less++) {
		ask(image, (const uint8_t *)"", WIRE_TYPE_NS, true, (size_t)whole - less, &asked);
		assert_int_equal(asked.reply.counts[3], less <= 2 * sig ? 4 : 2);
		assert_false(asked.reply.truncated);
	}
	image_free(image);
	zone_free(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_root_unsigned),       cmocka_unit_test(test_root_nsec),
		cmocka_unit_test(test_tld_nsec3),           cmocka_unit_test(test_tld_optout),
		cmocka_unit_test(test_general_unsigned),    cmocka_unit_test(test_general_nsec),
		cmocka_unit_test(test_general_nsec3),       cmocka_unit_test(test_one_address_each_first),
		cmocka_unit_test(test_signatures_that_fit), cmocka_unit_test(test_signatures_of_a_set_together),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
