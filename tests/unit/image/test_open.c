// SPDX-License-Identifier: GPL-3.0-or-later
/* Images as bytes: written and opened again, cut, changed; and zones that cannot be compiled. */
#include "image/image.h"
#include "image/block.h"
#include "reference.h"
#include "zones.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Answers one question, if the image opens; whatever is in it, memory must be left alone (sanitizers watch). */
static int ask(const struct image *image, const uint8_t *qname, uint16_t qtype, uint8_t *out)
{
	uint8_t msg[WIRE_HEADER_SIZE + WIRE_NAME_MAX + 4] = {0, 1, 0, 0, 0, 1};
	struct wire_question question;
	struct image_reply reply;
	size_t len = wire_name_len(qname);
	memcpy(msg + WIRE_HEADER_SIZE, qname, len);
	wire_put16(msg + WIRE_HEADER_SIZE + len, qtype);
	wire_put16(msg + WIRE_HEADER_SIZE + len + 2, WIRE_CLASS_IN);
	if (wire_question_parse(msg, WIRE_HEADER_SIZE + len + 4, &question) != WIRE_ANSWERABLE ||
	    !wire_name_under(qname, image_apex(image)))
		return 0;
	struct image_query query = {.question = &question, .dnssec = true, .max = 1232};
	return image_answer(image, &query, out, &reply);
}

static struct image *compile(const char *origin, const char *text, enum test_chain chain)
{
	struct zone *zone = test_zone(origin, text, chain);
	struct image *image;
	assert_int_equal(test_compile(zone, &image), 0);
	zone_free(zone);
	return image;
}

/* Each name that has data comes up, none that is not there, and of a delegation NS. */
static void test_samples(void **state)
{
	static const char *const names[] = {"tld.",     "nic.tld.", "ns1.nic.tld.",
					    "one.tld.", "two.tld.", "deep.org.tld."};
	struct image *image = compile("tld.", ZONE_TLD, CHAIN_NSEC3);
	bool seen[ARRAY_SIZE(names)] = {false};
	uint16_t type;
	for (uint64_t number = 0; number < 2000; number++) {
		uint8_t out[1232] = {0};
		char text[WIRE_NAME_TEXT_MAX];
		const uint8_t *name = image_sample(image, number, &type);
		assert_true(ask(image, name, type, out) > 0);
		assert_int_equal(wire_get16(out + 2) & WIRE_RCODE_MASK, WIRE_RCODE_NOERROR);
		assert_true(wire_get16(out + 6) > 0 || type == WIRE_TYPE_NS); /* an answer, or a referral */
		wire_name_text(name, text);
		for (size_t i = 0; i < ARRAY_SIZE(names); i++)
			seen[i] |= strcmp(text, names[i]) == 0 && (i < 3 || i > 4 || type == WIRE_TYPE_NS);
	}
	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		assert_true(seen[i]);
	image_free(image);
}

static void test_reopened(void **state)
{
	static const uint8_t name[] = "\3www\3two\3tld";
	struct image *image = compile("tld.", ZONE_TLD, CHAIN_OPTOUT), *again;
	uint8_t out[1232], out_again[1232];
	size_t len;
	const void *bytes = image_bytes(image, &len);
	/* elsewhere in memory, at the end of a page-aligned block: the position must not matter */
	uint8_t *copy = aligned_alloc(4096, (len / 4096 + 2) * 4096);
	uint8_t *at = copy + 4096 - 8;
	memcpy(at, bytes, len);
	assert_int_equal(image_open(at, len, &again), 0);
	assert_int_equal(image_names(again), image_names(image));
	int n = ask(image, name, WIRE_TYPE_A, out);
	assert_true(n > 100);
	assert_int_equal(ask(again, name, WIRE_TYPE_A, out_again), n);
	assert_memory_equal(out, out_again, (size_t)n);
	image_free(again);
	image_free(image);
	free(copy);
}

static void test_damaged(void **state)
{
	struct image *image = compile("ex.", ZONE_GENERAL, CHAIN_NSEC), *again;
	size_t len;
	const void *bytes = image_bytes(image, &len);
	uint8_t *copy = malloc(len);
	memcpy(copy, bytes, len);
	for (size_t cut = 0; cut < len; cut += cut < 400 ? 1 : 997)
		assert_true(image_open(copy, cut, &again) < 0);
	/* any changed bit is found by the checksum, if not before */
	struct random random;
	random_init_seed(&random, 7);
	for (size_t i = 0; i < 2000; i++) {
		size_t at = i < 344 ? i : random_below(&random, (uint32_t)len);
		copy[at] ^= (uint8_t)(1U << random_below(&random, 8));
		assert_true(image_open(copy, len, &again) < 0);
		copy[at] = ((const uint8_t *)bytes)[at];
	}
	assert_int_equal(image_open(copy, len, &again), 0);
	image_free(again);
	image_free(image);
	free(copy);
}

/* Damage under a checksum that fits: what opens must answer without touching other memory. */
static void check_forged(const char *origin, const char *text, enum test_chain chain, uint64_t seed)
{
	struct image *image = compile(origin, text, chain), *forged;
	struct zone *zone = test_zone(origin, text, chain);
	struct random random;
	size_t len, opened = 0;
	const void *bytes = image_bytes(image, &len);
	random_init_seed(&random, seed);
	for (int round = 0; round < 3000; round++) {
		uint8_t *copy = malloc(len), *out = malloc(1232);
		memcpy(copy, bytes, len);
		for (uint32_t n = random_below(&random, 3) + 1; n > 0; n--) {
			size_t at = random_below(&random, (uint32_t)len);
			if (random_below(&random, 2) == 0)
				copy[at] = (uint8_t)random_below(&random, 256);
			else
				wire_put16(copy + (at < len - 2 ? at & ~(size_t)1 : 0),
					   (uint16_t)random_below(&random, 65536));
		}
		struct image_header *header = (struct image_header *)copy;
		if (header->length == len)
			header->checksum = image_checksum(header);
		if (image_open(copy, len, &forged) == 0) {
			opened++;
			for (int k = 0; k < 20; k++) {
				const uint8_t *name = zone->node[random_below(&random, (uint32_t)zone->n_nodes)].name;
				uint8_t longer[WIRE_NAME_MAX];
				if (wire_name_wildcard(name, longer) < 0)
					continue;
				longer[1] = (uint8_t)('a' + k);
				(void)!ask(forged, k & 1 ? name : longer, k & 2 ? WIRE_TYPE_A : WIRE_TYPE_RRSIG, out);
				(void)!ask(forged, longer, k & 2 ? WIRE_TYPE_MX : WIRE_TYPE_ANY, out);
			}
			image_free(forged);
		}
		free(copy);
		free(out);
	}
	assert_in_range(opened, 100, 2999); /* many changes only make other data; some must be found */
	image_free(image);
	zone_free(zone);
}

static void test_forged(void **state)
{
	check_forged("ex.", ZONE_GENERAL, CHAIN_NSEC, 1);
	check_forged("ex.", ZONE_GENERAL, CHAIN_NSEC3, 2);
	check_forged("tld.", ZONE_TLD, CHAIN_OPTOUT, 3);
	check_forged(".", ZONE_ROOT, CHAIN_NONE, 4);
}

static void test_no_soa(void **state)
{
	struct image *image;
	struct zone *zone = test_zone("ex.", "ex. 60 NS ns.ex.\nns.ex. 60 A 192.0.2.1\n", CHAIN_NONE);
	assert_int_equal(test_compile(zone, &image), BANYAN_EINVAL);
	zone_free(zone);
}

static void test_bad_query(void **state)
{
	struct image *image = compile("tld.", ZONE_TLD, CHAIN_NONE);
	uint8_t msg[] = "\0\1\0\0\0\1\0\0\0\0\0\0\3tld\0\0\1\0\1", out[512];
	struct wire_question question;
	struct image_reply reply;
	assert_int_equal(wire_question_parse(msg, sizeof msg - 1, &question), WIRE_ANSWERABLE);
	struct image_query query = {.question = &question, .max = 20};
	assert_int_equal(image_answer(image, &query, out, &reply), BANYAN_EINVAL);
	query.max = 512;
	query.reserve = 600;
	assert_int_equal(image_answer(image, &query, out, &reply), BANYAN_EINVAL);
	image_free(image);
	image_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_reopened), cmocka_unit_test(test_samples), cmocka_unit_test(test_damaged),
		cmocka_unit_test(test_forged),   cmocka_unit_test(test_no_soa),  cmocka_unit_test(test_bad_query),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
