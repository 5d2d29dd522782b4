// SPDX-License-Identifier: GPL-3.0-or-later
/* Deltas: whatever two versions are, the second comes out byte for byte; and from anything else, nothing. */
#include "../test.h"

#include "signer.h"
#include "zone/wirewalk.h"

static struct zone_error error;
static const uint8_t apex[] = "\7example";

static struct buffer form_of(const char *text, size_t len)
{
	struct zone_read_settings settings = {.origin = apex, .default_ttl = 60};
	struct buffer form = {0};
	struct zone *zone;
	if (zone_read_text("text", text, len, &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(zone_write_wire(zone, &form), 0);
	zone_free(zone);
	return form;
}

/* Makes, applies, compares; returns the delta. */
static struct buffer check(const struct buffer *base, const struct buffer *now)
{
	struct buffer delta = {0};
	_cleanup_(buffer_done) struct buffer out = {0};
	assert_int_equal(zone_delta_make(base->data, base->len, now->data, now->len, &delta), 0);
	assert_int_equal(buffer_append(&out, "kept", 4), 0);
	if (zone_delta_apply("d", base->data, base->len, delta.data, delta.len, 0, &out, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(out.len, 4 + now->len);
	assert_memory_equal(out.data, "kept", 4);
	assert_memory_equal(out.data + 4, now->data, now->len);
	return delta;
}

static const char *const versions[] = {
	"",
	"@ SOA a b 1 2 3 4 5\n",
	"@ SOA a b 2 2 3 4 5\n@ NS a\na A 192.0.2.1\n",
	"@ SOA a b 3 2 3 4 5\n@ 7 NS a\n@ 7 NS b\na A 192.0.2.1\na A 192.0.2.2\nb.deep.er A 192.0.2.1\n",
	/* two keys, then another signer, labels, TTL, length, algorithm */
	"@ SOA a b 4 2 3 4 5\n@ RRSIG SOA 8 1 60 20260801000000 20260701000000 1 example. AAAA\n"
	"@ RRSIG SOA 8 1 60 20260801000000 20260701000000 2 example. AAAB\na RRSIG A 13 2 60 20260801000000 "
	"20260701000000 1 example. AAAA\n",
	"@ SOA a b 5 2 3 4 5\n@ RRSIG SOA 8 1 60 20260901000000 20260801000000 3 example. AAAC\n"
	"a RRSIG A 13 2 60 20270801000000 20250701000000 65535 example. BBBB\n",
	"@ SOA a b 6 2 3 4 5\n@ 61 RRSIG SOA 8 1 61 20260901000000 20260801000000 3 example. AAAC\n"
	"a RRSIG A 13 1 60 20270801000000 20250701000000 65535 example. BBBB\n",
	"@ SOA a b 4294967295 2 3 4 5\n@ RRSIG SOA 8 1 60 20260901000000 20260801000000 3 Other. AAAC\n"
	"a RRSIG A 13 2 60 20270801000000 20250701000000 65535 example. BBBBBBBB\nA TXT x\nz.a CNAME UPPER\n",
	"a RRSIG A 13 2 60 20260801000000 20260701000000 0 example. AAAAAAAA\nz.a CNAME upper\n",
	"\\000\\255 TYPE65280 \\# 0\nx.\\000\\255 TYPE65280 \\# 2 4142\n*.x TXT \"\"\n",
};

static void from_any_to_any(void **state)
{
	struct buffer form[ARRAY_SIZE(versions)];
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		form[i] = form_of(versions[i], strlen(versions[i]));
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		for (size_t k = 0; k < ARRAY_SIZE(versions); k++) {
			struct buffer delta = check(&form[i], &form[k]);
			buffer_done(&delta);
		}
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++)
		buffer_done(&form[i]);
}

/* Records of a few names and types with some signatures: neighbours have much in common. */
static struct buffer random_version(struct random *random)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	assert_int_equal(buffer_printf(&text, "@ SOA a b %u 2 3 4 5\n", random_below(random, 9)), 0);
	unsigned times = random_below(random, 3);
	for (unsigned n = random_below(random, 300); n > 0; n--) {
		unsigned k = random_below(random, 40), x = random_below(random, 4);
		int rc = 0;
		if (x == 0)
			rc = buffer_printf(&text, "n%u.Y NS Ns%u\n", k, random_below(random, 3));
		else if (x == 1)
			rc = buffer_printf(&text, "n%u %u TXT \"%u\"\n", k, random_below(random, 2), k);
		else
			rc = buffer_printf(&text,
					   "n%u RRSIG %s 13 2 60 2026080%u000000 20260701000000 %u example. AAA%c\n", k,
					   x == 2 ? "TXT" : "NS", 1 + times, random_below(random, 2),
					   'A' + (int)random_below(random, 20));
		assert_int_equal(rc, 0);
	}
	return form_of((const char *)text.data, text.len);
}

static void random_versions(void **state)
{
	struct random random;
	random_init_seed(&random, 11);
	struct buffer base = random_version(&random);
	for (unsigned round = 0; round < 200; round++) {
		struct buffer now = random_version(&random), delta = check(&base, &now);
		buffer_done(&delta);
		buffer_done(&base);
		base = now;
	}
	buffer_done(&base);
}

/* A zone that is signed again, by one key or the next: what has to be sent is signatures and little else. */
static void signed_again(void **state)
{
	static const struct {
		uint8_t algorithm;
		bool nsec3;
	} kinds[] = {{8, false}, {13, false}, {13, true}, {15, true}};
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct buffer text = {0}, form[2] = {0};
		struct signer signer;
		assert_int_equal(buffer_printf(&text, "@ 60 SOA a b 1 2 3 4 5\n@ 60 NS a\na 60 A 192.0.2.1\n"), 0);
		for (unsigned n = 0; n < 200; n++)
			assert_int_equal(buffer_printf(&text, "n%u 60 TXT \"%u\"\n", n, n), 0);
		signer_init(&signer, kinds[i].algorithm);
		signer.nsec3 = kinds[i].nsec3;
		signer.zonemd = true;
		for (unsigned version = 0; version < 2; version++) {
			struct test_zone records;
			signer.inception += version * 3600;
			signer.expiration += version * 3600;
			text.data[strlen("@ 60 SOA a b ")] = (uint8_t)('1' + version);
			signer_make(&signer, "example.", (const char *)text.data, &records);
			struct zone *zone = test_zone_build(&records);
			assert_int_equal(zone_write_wire(zone, &form[version]), 0);
			zone_free(zone);
			test_zone_free(&records);
		}
		struct buffer delta = check(&form[0], &form[1]);
		struct zone_delta_about about;
		assert_int_equal(zone_delta_about("d", delta.data, delta.len, &about, &error), 0);
		assert_true(about.signatures_len >= 400 * 64);
		assert_true(delta.len < about.signatures_len + 500);
		assert_true(zone_wire_same_content(form[0].data, form[0].len, form[1].data, form[1].len));
		buffer_done(&delta);
		buffer_done(&form[0]);
		buffer_done(&form[1]);
		buffer_done(&text);
		signer_done(&signer);
	}
}

static void every_byte_of_it(void **state)
{
	struct buffer base = form_of(versions[4], strlen(versions[4])), now = form_of(versions[5], strlen(versions[5]));
	struct buffer delta = check(&base, &now), out = {0};
	for (size_t len = 0; len < delta.len; len++) {
		uint8_t *cut = malloc(len + 1);
		memcpy(cut, delta.data, len);
		error.text[0] = '\0';
		assert_true(zone_delta_apply("d", base.data, base.len, cut, len, 0, &out, &error) < 0);
		assert_int_equal(out.len, 0);
		assert_non_null(strstr(error.text, "d: delta: "));
		free(cut);
	}
	for (size_t i = 0; i < delta.len * 8; i++) {
		delta.data[i / 8] ^= (uint8_t)(1U << i % 8);
		out.len = 0;
		int rc = zone_delta_apply("d", base.data, base.len, delta.data, delta.len, 0, &out, &error);
		/* the packer's own header has bits that mean nothing */
		if (rc == 0 && (out.len != now.len || memcmp(out.data, now.data, now.len) != 0))
			fail_msg("a delta with bit %zu changed makes another zone", i);
		delta.data[i / 8] ^= (uint8_t)(1U << i % 8);
	}
	buffer_done(&base);
	buffer_done(&now);
	buffer_done(&delta);
	buffer_done(&out);
}

static void refusals(void **state)
{
	struct buffer form[4], delta, out = {0};
	struct zone_delta_about about;
	for (size_t i = 0; i < 4; i++)
		form[i] = form_of(versions[i], strlen(versions[i]));
	delta = check(&form[1], &form[2]);
	assert_int_equal(zone_delta_apply("d", form[3].data, form[3].len, delta.data, delta.len, 0, &out, &error),
			 BANYAN_EINVAL);
	assert_string_equal(error.text,
			    "d: delta: it is for another base, of serial 1; this one has serial 3; fetch it "
			    "anew, or the whole zone");
	assert_int_equal(
		zone_delta_apply("d", form[1].data, form[1].len, delta.data, delta.len, form[2].len - 1, &out, &error),
		BANYAN_ELIMIT);
	assert_int_equal(zone_delta_apply("d", form[1].data, form[1].len - 1, delta.data, delta.len, 0, &out, &error),
			 BANYAN_EINVAL);
	assert_int_equal(zone_delta_apply("d", delta.data, delta.len, delta.data, delta.len, 0, &out, &error),
			 BANYAN_EINVAL);
	/* what would take memory is refused by its lengths */
	uint8_t keep[8];
	memcpy(keep, delta.data + ZONE_DELTA_EDITS_LEN, 8);
	memset(delta.data + ZONE_DELTA_EDITS_LEN, 0x7f, 8);
	assert_int_equal(zone_delta_about("d", delta.data, delta.len, &about, &error), BANYAN_ELIMIT);
	memcpy(delta.data + ZONE_DELTA_EDITS_LEN, keep, 8);
	delta.data[7] = 2;
	assert_int_equal(zone_delta_about("d", delta.data, delta.len, &about, &error), BANYAN_EUNSUPP);
	buffer_done(&delta);
	/* another zone has no delta */
	struct buffer other = {0};
	struct zone_read_settings settings = {.origin = (const uint8_t *)"\4test"};
	struct zone *zone;
	assert_int_equal(zone_read_text("t", "", 0, &settings, NULL, NULL, &zone, &error), 0);
	assert_int_equal(zone_write_wire(zone, &other), 0);
	delta = (struct buffer){0};
	assert_int_equal(zone_delta_make(form[0].data, form[0].len, other.data, other.len, &delta), BANYAN_EINVAL);
	assert_int_equal(zone_delta_make(form[0].data, 9, other.data, other.len, &delta), BANYAN_EMALF);
	zone_free(zone);
	buffer_done(&other);
	for (size_t i = 0; i < 4; i++)
		buffer_done(&form[i]);
}

static bool same_content(const char *a, const char *b)
{
	struct buffer x = form_of(a, strlen(a)), y = form_of(b, strlen(b));
	bool same = zone_wire_same_content(x.data, x.len, y.data, y.len);
	buffer_done(&x);
	buffer_done(&y);
	return same;
}

static void content(void **state)
{
	const char *base = "@ SOA a b 1 2 3 4 5\n@ RRSIG SOA 8 1 60 20260801000000 20260701000000 1 example. AAAA\n"
			   "@ ZONEMD 1 1 1 "
			   "000102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F202122232425262728292A2B"
			   "2C2D2E2F\nn NS a\n";
	assert_true(same_content(base, "@ SOA a b 9 2 3 4 5\nn NS a\n"));
	assert_false(same_content(base, "@ SOA a b 9 2 3 4 6\nn NS a\n"));
	assert_false(same_content(base, "@ SOA a c 9 2 3 4 5\nn NS a\n"));
	assert_false(same_content(base, "@ SOA a b 9 2 3 4 5\nn NS b\n"));
	assert_false(same_content(base, "@ SOA a b 9 2 3 4 5\nn 61 NS a\n"));
	assert_false(same_content(base, "@ SOA a b 9 2 3 4 5\nn NS a\no NS a\n"));
	assert_false(same_content(base, "@ SOA a b 9 2 3 4 5\n"));
	assert_false(zone_wire_same_content((const uint8_t *)"x", 1, (const uint8_t *)"x", 1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_any_to_any),  cmocka_unit_test(random_versions), cmocka_unit_test(signed_again),
		cmocka_unit_test(every_byte_of_it), cmocka_unit_test(refusals),        cmocka_unit_test(content),
	};
	return cmocka_run_group_tests_name("delta", tests, NULL, NULL);
}
