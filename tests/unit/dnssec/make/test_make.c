// SPDX-License-Identifier: GPL-3.0-or-later
/* Keys of every algorithm through every form and back; DS and RRSIG against the vectors of the RFCs and against the checking half. */
#include "../../test.h"

#include <openssl/evp.h>

#include "dnssec/make/make.h"

#define NOW 1790000000

static const uint8_t algorithms[] = {DNSSEC_RSASHA256,       DNSSEC_RSASHA512, DNSSEC_ECDSAP256SHA256,
				     DNSSEC_ECDSAP384SHA384, DNSSEC_ED25519,   DNSSEC_ED448};

static struct make_key *key_new(uint8_t algorithm, uint16_t flags)
{
	struct make_key *key = NULL;
	bool rsa = algorithm == DNSSEC_RSASHA256 || algorithm == DNSSEC_RSASHA512;
	assert_int_equal(make_key_generate(algorithm, rsa ? 1024 : 0, flags, &key), 0);
	return key;
}

static void assert_same_key(const struct make_key *a, const struct make_key *b)
{
	size_t a_len, b_len;
	const uint8_t *x = make_key_rdata(a, &a_len), *y = make_key_rdata(b, &b_len);
	assert_int_equal(a_len, b_len);
	assert_memory_equal(x, y, a_len);
	assert_int_equal(make_key_tag(a), make_key_tag(b));
}

/* Signs an MX set and checks it with the other half of dnssec/. */
static void assert_signs(const struct make_key *key, const char *owner_text, const char *zone_text)
{
	uint8_t owner[WIRE_NAME_MAX], zone[WIRE_NAME_MAX], mx[2][8] = {{0, 10, 1, 'm', 0}, {0, 20, 1, 'n', 0}};
	struct wire_rdata rdata[2] = {{mx[0], 5}, {mx[1], 5}};
	_cleanup_(buffer_done) struct buffer rrsig = {0};
	struct dnssec_key *check;
	enum reason why = REASON_NONE;
	size_t len;
	assert_true(wire_name_parse(owner_text, owner) > 0 && wire_name_parse(zone_text, zone) > 0);
	struct wire_rrset set = {
		.owner = owner, .type = WIRE_TYPE_MX, .rclass = WIRE_CLASS_IN, .ttl = 3600, .count = 2, .rdata = rdata};
	assert_int_equal(make_rrsig(&set, key, zone, NOW - 3600, NOW + 86400, &rrsig), 0);
	assert_int_equal(rrsig.len, make_rrsig_len(key, zone));
	const uint8_t *dnskey = make_key_rdata(key, &len);
	assert_int_equal(dnssec_key_new(dnskey, len, &check), 0);
	struct wire_rdata sig = {rrsig.data, (uint16_t)rrsig.len};
	assert_int_equal(dnssec_rrsig_verify(&set, &sig, check, NOW, &why), 0);
	assert_int_equal(dnssec_rrsig_verify(&set, &sig, check, NOW + 86401, &why), BANYAN_EPROOF);
	assert_int_equal(why, REASON_RRSIG_EXPIRED);
	set.ttl++; /* the original TTL is part of what is signed: that in the RRSIG counts, so nothing changes */
	assert_int_equal(dnssec_rrsig_verify(&set, &sig, check, NOW, &why), 0);
	mx[1][1]++;
	assert_int_equal(dnssec_rrsig_verify(&set, &sig, check, NOW, &why), BANYAN_EPROOF);
	assert_int_equal(why, REASON_RRSIG_BOGUS);
	dnssec_key_free(check);
}

static void test_every_algorithm(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		struct make_key *key = key_new(algorithms[i], MAKE_FLAGS_KSK), *other;
		_cleanup_(buffer_done) struct buffer pem = {0}, bind = {0};
		size_t len;
		const uint8_t *rdata = make_key_rdata(key, &len);
		assert_int_equal(make_key_algorithm(key), algorithms[i]);
		assert_int_equal(make_key_flags(key), MAKE_FLAGS_KSK);
		assert_int_equal(make_key_tag(key), dnssec_key_tag(rdata, len));
		assert_signs(key, "mail.example.", "example.");
		assert_signs(key, "*.example.", "example.");
		assert_signs(key, ".", ".");

		assert_int_equal(make_key_to_pem(key, &pem), 0);
		assert_int_equal(make_key_from_pem((char *)pem.data, pem.len, algorithms[i], MAKE_FLAGS_KSK, &other),
				 0);
		assert_same_key(key, other);
		assert_signs(other, "example.", "example.");
		make_key_free(other);

		assert_int_equal(make_key_to_bind(key, &bind), 0);
		assert_int_equal(make_key_from_bind((char *)bind.data, bind.len, rdata, len, &other), 0);
		assert_same_key(key, other);
		assert_signs(other, "a.b.example.", "example.");
		make_key_free(other);

		assert_int_equal(make_key_from_rdata(rdata, len, &other), 0);
		assert_same_key(key, other);
		assert_false(make_key_can_sign(other));
		_cleanup_(buffer_done) struct buffer none = {0};
		assert_int_equal(make_key_to_pem(other, &none), BANYAN_ENOENT);
		assert_int_equal(make_key_to_bind(other, &none), BANYAN_ENOENT);
		make_key_free(other);
		make_key_free(key);
	}
}

static void test_revoked(void **state)
{
	struct make_key *key = key_new(DNSSEC_ECDSAP256SHA256, MAKE_FLAGS_KSK), *revoked;
	assert_int_equal(make_key_revoked(key, &revoked), 0);
	assert_int_equal(make_key_flags(revoked), MAKE_FLAGS_KSK | MAKE_FLAG_REVOKE);
	assert_int_not_equal(make_key_tag(revoked), make_key_tag(key));
	make_key_free(key); /* the private half stays with the other one */
	assert_signs(revoked, "example.", "example.");
	make_key_free(revoked);
}

static void test_refused(void **state)
{
	struct make_key *key = key_new(DNSSEC_ED25519, MAKE_FLAGS_ZSK), *other = NULL;
	_cleanup_(buffer_done) struct buffer pem = {0}, bind = {0};
	size_t len;
	assert_int_equal(make_key_generate(3, 0, MAKE_FLAGS_ZSK, &other), BANYAN_EUNSUPP);
	assert_int_equal(make_key_generate(DNSSEC_RSASHA256, 512, MAKE_FLAGS_ZSK, &other), BANYAN_EINVAL);
	assert_int_equal(make_key_generate(DNSSEC_RSASHA256, 4097, MAKE_FLAGS_ZSK, &other), BANYAN_EINVAL);
	assert_int_equal(make_key_generate(DNSSEC_ED25519, 256, MAKE_FLAGS_ZSK, &other), BANYAN_EINVAL);
	assert_int_equal(make_key_generate(DNSSEC_ED25519, 0, 0, &other), BANYAN_EINVAL);
	assert_int_equal(make_key_generate(DNSSEC_ED25519, 0, 0x8100, &other), BANYAN_EINVAL);

	assert_int_equal(make_key_to_pem(key, &pem), 0);
	assert_int_equal(make_key_from_pem((char *)pem.data, pem.len, DNSSEC_ECDSAP256SHA256, MAKE_FLAGS_ZSK, &other),
			 BANYAN_EINVAL);
	assert_int_equal(make_key_from_pem((char *)pem.data, pem.len - 20, DNSSEC_ED25519, MAKE_FLAGS_ZSK, &other),
			 BANYAN_EMALF);
	static const char locked[] = "-----BEGIN ENCRYPTED PRIVATE KEY-----\n"
				     "MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAhQunap74KXuAICCAAw\n"
				     "DAYIKoZIhvcNAgkFADAdBglghkgBZQMEAQIEEB6VG/W23H4oOF2IVC+maT0EQEuZ\n"
				     "MhM5S6I5zXOvZz56ODuYuDsJVXwXfFcU0rehuCsPujEkCBG/t8Q6BbLszZaFIRvR\n"
				     "MPRQ39Q+yrLfZh8dqgg=\n"
				     "-----END ENCRYPTED PRIVATE KEY-----\n";
	assert_int_equal(make_key_from_pem(locked, sizeof locked - 1, DNSSEC_ED25519, MAKE_FLAGS_ZSK, &other),
			 BANYAN_EACCES);

	/* the private half of another key */
	struct make_key *stranger = key_new(DNSSEC_ED25519, MAKE_FLAGS_ZSK);
	const uint8_t *rdata = make_key_rdata(stranger, &len);
	assert_int_equal(make_key_to_bind(key, &bind), 0);
	assert_int_equal(make_key_from_bind((char *)bind.data, bind.len, rdata, len, &other), BANYAN_EINVAL);
	assert_int_equal(make_key_from_bind("Algorithm: 15\n", 14, rdata, len, &other), BANYAN_EMALF);
	make_key_free(stranger);
	for (size_t i = 0; i < 2; i++) {
		uint8_t algorithm = i == 0 ? DNSSEC_RSASHA256 : DNSSEC_ECDSAP384SHA384;
		struct make_key *a = key_new(algorithm, MAKE_FLAGS_ZSK), *b = key_new(algorithm, MAKE_FLAGS_ZSK);
		bind.len = 0;
		assert_int_equal(make_key_to_bind(a, &bind), 0);
		rdata = make_key_rdata(b, &len);
		assert_int_equal(make_key_from_bind((char *)bind.data, bind.len, rdata, len, &other), BANYAN_EINVAL);
		make_key_free(a);
		make_key_free(b);
	}
	assert_null(other);

	/* no signature outside of the zone, none that ends before it begins, none without a private half */
	_cleanup_(buffer_done) struct buffer rrsig = {0};
	struct wire_rdata a = {(const uint8_t *)"\300\0\2\1", 4};
	struct wire_rrset set = {
		.owner = (const uint8_t *)"\1a", .type = WIRE_TYPE_A, .rclass = 1, .count = 1, .rdata = &a};
	assert_int_equal(make_rrsig(&set, key, (const uint8_t *)"\1b", NOW, NOW + 1, &rrsig), BANYAN_EINVAL);
	assert_int_equal(make_rrsig(&set, key, (const uint8_t *)"", NOW, NOW, &rrsig), BANYAN_EINVAL);
	rdata = make_key_rdata(key, &len);
	assert_int_equal(make_key_from_rdata(rdata, len, &other), 0);
	assert_int_equal(make_rrsig(&set, other, (const uint8_t *)"", NOW, NOW + 1, &rrsig), BANYAN_ENOENT);
	make_key_free(other);
	make_key_free(key);
}

/* ---- vectors --------------------------------------------------------------------------------- */
static size_t base64(const char *text, uint8_t *out)
{
	size_t len = strlen(text), pad = 0;
	while (pad < 2 && text[len - 1 - pad] == '=')
		pad++;
	return (size_t)EVP_DecodeBlock(out, (const unsigned char *)text, (int)len) - pad;
}

static void hexadecimal(const uint8_t *data, size_t len, char *out)
{
	for (size_t i = 0; i < len; i++)
		snprintf(out + 2 * i, 3, "%02x", data[i]);
}

static struct make_key *key_of_rfc(uint8_t algorithm, const char *private, const char *public)
{
	uint8_t rdata[512] = {1, 1, 3, algorithm};
	char text[512];
	struct make_key *key = NULL;
	size_t len = 4 + base64(public, rdata + 4);
	snprintf(text, sizeof text, "Private-key-format: v1.2\nAlgorithm: %u (NAME)\nPrivateKey: %s\n", algorithm,
		 private);
	assert_int_equal(make_key_from_bind(text, strlen(text), rdata, len, &key), 0);
	return key;
}

static void assert_ds(const struct make_key *key, const char *owner, unsigned tag, uint8_t type, const char *digest)
{
	uint8_t name[WIRE_NAME_MAX], ds[MAKE_DS_MAX];
	char text[2 * MAKE_DS_MAX + 1];
	size_t key_len;
	const uint8_t *rdata = make_key_rdata(key, &key_len);
	assert_true(wire_name_parse(owner, name) > 0);
	int len = make_ds(name, rdata, key_len, type, ds);
	assert_true(len > 4);
	hexadecimal(ds + 4, (size_t)len - 4, text);
	assert_string_equal(text, digest);
	assert_int_equal(wire_get16(ds), tag);
	assert_int_equal(ds[2], make_key_algorithm(key));
	assert_int_equal(ds[3], type);
	struct wire_rdata a = {ds, (uint16_t)len}, b = {rdata, (uint16_t)key_len};
	assert_int_equal(dnssec_ds_match(name, &a, &b), 1);
}

static void test_vectors(void **state)
{
	/* RFC 6605 section 6.1 */
	struct make_key *key =
		key_of_rfc(DNSSEC_ECDSAP256SHA256, "GU6SnQ/Ou+xC5RumuIUIuJZteXT2z0O/ok1s38Et6mQ=",
			   "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==");
	assert_ds(key, "example.net.", 55648, 2, "b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17");
	make_key_free(key);
	/* RFC 8080 section 6.1: such a signature is always the same */
	key = key_of_rfc(DNSSEC_ED25519, "ODIyNjAzODQ2MjgwODAxMjI2NDUxOTAyMDQxNDIyNjI=",
			 "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=");
	assert_ds(key, "example.com.", 3613, 2, "3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b");
	uint8_t zone[WIRE_NAME_MAX], mx[2 + WIRE_NAME_MAX] = {0, 10}, expected[64];
	_cleanup_(buffer_done) struct buffer rrsig = {0};
	int len = wire_name_parse("mail.example.com.", mx + 2);
	assert_true(len > 0 && wire_name_parse("EXAMPLE.com.", zone) > 0);
	struct wire_rdata rdata = {mx, (uint16_t)(len + 2)};
	struct wire_rrset set = {
		.owner = zone, .type = WIRE_TYPE_MX, .rclass = WIRE_CLASS_IN, .ttl = 3600, .count = 1, .rdata = &rdata};
	assert_int_equal(make_rrsig(&set, key, zone, 1438207200, 1440021600, &rrsig), 0);
	assert_int_equal(
		base64("oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==",
		       expected),
		64);
	assert_memory_equal(rrsig.data + rrsig.len - 64, expected, 64);
	make_key_free(key);
	assert_int_equal(make_ds(zone, expected, 64, 3, mx), BANYAN_EUNSUPP);
}

/* ---- private halves that are elsewhere --------------------------------------------------------- */
struct token {
	struct make_key *key;
	int error, done, calls;
};

static int token_sign(void *ctx, const uint8_t *data, size_t len, uint8_t *out, size_t cap, size_t *ret_len)
{
	struct token *token = ctx;
	token->calls++;
	if (token->error != 0)
		return token->error;
	*ret_len = make_key_signature_len(token->key);
	assert_true(*ret_len <= cap && len > 18);
	memset(out, data[0], *ret_len);
	return 0;
}

static void token_done(void *ctx)
{
	((struct token *)ctx)->done++;
}

static void test_elsewhere(void **state)
{
	struct token token = {.key = key_new(DNSSEC_ECDSAP256SHA256, MAKE_FLAGS_KSK)};
	struct make_elsewhere elsewhere = {.sign = token_sign, .done = token_done, .ctx = &token};
	struct make_key *key, *revoked;
	size_t len;
	const uint8_t *rdata = make_key_rdata(token.key, &len);
	assert_int_equal(make_key_elsewhere(rdata, len, &elsewhere, &key), 0);
	assert_true(make_key_can_sign(key));
	assert_int_equal(make_key_revoked(key, &revoked), 0);
	_cleanup_(buffer_done) struct buffer rrsig = {0}, pem = {0};
	struct wire_rdata a = {(const uint8_t *)"\300\0\2\1", 4};
	struct wire_rrset set = {
		.owner = (const uint8_t *)"", .type = WIRE_TYPE_A, .rclass = 1, .count = 1, .rdata = &a};
	assert_int_equal(make_rrsig(&set, key, (const uint8_t *)"", NOW, NOW + 1, &rrsig), 0);
	assert_int_equal(rrsig.len, 18 + 1 + 64);
	token.error = BANYAN_EIO; /* it was drawn out */
	assert_int_equal(make_rrsig(&set, revoked, (const uint8_t *)"", NOW, NOW + 1, &rrsig), BANYAN_EIO);
	assert_int_equal(rrsig.len, 18 + 1 + 64);
	assert_int_equal(make_key_to_pem(key, &pem), BANYAN_ENOENT);
	make_key_free(key);
	assert_int_equal(token.done, 0);
	make_key_free(revoked);
	assert_int_equal(token.done, 1);
	assert_int_equal(token.calls, 2);
	make_key_free(token.key);
}

/* ---- denial, dates ----------------------------------------------------------------------------- */
static void test_bitmap(void **state)
{
	/* RFC 4034 section 4.3 */
	static const uint16_t types[] = {1, 15, 46, 46, 47, 1234};
	static const uint8_t expected[8 + 2 + 27] = {0, 6, 0x40, 1, 0, 0, 0, 3, 4, 27, [36] = 0x20};
	uint8_t map[MAKE_BITMAP_MAX];
	assert_int_equal(make_bitmap(types, ARRAY_SIZE(types), map), sizeof expected);
	assert_memory_equal(map, expected, sizeof expected);
	assert_int_equal(make_bitmap(types, 0, map), 0);
}

static void test_nsec3(void **state)
{
	/* RFC 5155 appendix A */
	static const char *const names[] = {"example.", "a.example.", "ai.example.", "ns1.example."};
	static const char *const owners[] = {"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", "2t7b4g4vsa5smi47k61mv5bv1a22bojr",
					     "35mthgpgcu1qg68fab165klnsnk3dpvl", "gjeqe526plbf1g8mklp59enfd789njgi"};
	static const size_t order[] = {0, 3, 1, 2};
	struct make_signing signing = {.denial = MAKE_NSEC3, .threads = 1};
	signing.nsec3.iterations = 12;
	signing.nsec3.salt = (const uint8_t *)"\xaa\xbb\xcc\xdd";
	signing.nsec3.salt_len = 4;
	uint8_t wire[4][WIRE_NAME_MAX], owner[WIRE_NAME_MAX], head[MAKE_NSEC3_MAX];
	struct make_nsec3_name name[5];
	char text[WIRE_NAME_TEXT_MAX], expected[64];
	for (size_t i = 0; i < 4; i++) {
		assert_true(wire_name_parse(names[i], wire[i]) > 0);
		name[i] = (struct make_nsec3_name){.name = wire[i], .index = i};
	}
	name[4] = (struct make_nsec3_name){.name = wire[2]};
	assert_int_equal(make_nsec3_chain(&signing, name, 4), 0);
	for (size_t i = 0; i < 4; i++) {
		assert_int_equal(name[i].index, order[i]);
		assert_int_equal(make_nsec3_owner(name[i].hash, wire[0], owner), 33 + 9);
		snprintf(expected, sizeof expected, "%s.example.", owners[i]);
		assert_string_equal(wire_name_text(owner, text), expected);
	}
	assert_int_equal(make_nsec3_chain(&signing, name, 5), BANYAN_EEXIST);
	signing.nsec3.opt_out = true;
	assert_int_equal(make_nsec3_head(&signing, name[1].hash, head), 5 + 4 + 21);
	assert_memory_equal(head, "\1\1\0\14\4\xaa\xbb\xcc\xdd\24", 10);
	assert_memory_equal(head + 10, name[1].hash, 20);
	assert_int_equal(make_nsec3param(&signing, head), 9);
	assert_memory_equal(head, "\1\0\0\14\4\xaa\xbb\xcc\xdd", 9);
	signing.nsec3.iterations = DNSSEC_NSEC3_ITERATIONS_MAX + 1;
	assert_int_equal(make_nsec3_chain(&signing, name, 4), BANYAN_ELIMIT);
}

static void test_dates(void **state)
{
	struct make_signing signing = {.now = NOW,
				       .validity_s = 1000000,
				       .validity_dnskey_s = 2000000,
				       .inception_before_s = 3600,
				       .refresh_s = 300000,
				       .jitter_s = 400000,
				       .jitter_seed = 7};
	struct make_key *key = key_new(DNSSEC_ED25519, MAKE_FLAGS_ZSK);
	uint8_t owner[WIRE_NAME_MAX] = {1, 'a', 0};
	int64_t least = INT64_MAX, most = 0, expiration;
	for (unsigned i = 0; i < 200; i++) {
		owner[1] = (uint8_t)(i + 1);
		expiration = make_expiration(&signing, owner, WIRE_TYPE_NS, key);
		assert_int_equal(expiration, make_expiration(&signing, owner, WIRE_TYPE_NS, key));
		least = expiration < least ? expiration : least;
		most = expiration > most ? expiration : most;
	}
	assert_in_range(least, NOW + 600000, NOW + 640000); /* spread over the whole span */
	assert_in_range(most, NOW + 960000, NOW + 1000000);
	assert_int_equal(make_expiration(&signing, owner, WIRE_TYPE_DNSKEY, key), NOW + 2000000);

	_cleanup_(buffer_done) struct buffer rrsig = {0};
	struct wire_rdata a = {(const uint8_t *)"\300\0\2\1", 4};
	const uint8_t *name = (const uint8_t *)"\1w\7example", *apex = name + 2;
	struct wire_rrset set = {.owner = name, .type = WIRE_TYPE_A, .rclass = 1, .ttl = 60, .count = 1, .rdata = &a};
	assert_int_equal(make_rrsig(&set, key, apex, NOW - 3600, NOW + 700000, &rrsig), 0);
	struct wire_rdata sig = {rrsig.data, (uint16_t)rrsig.len};
	assert_true(make_rrsig_holds(&signing, apex, &set, key, &sig, &expiration));
	assert_int_equal(expiration, NOW + 700000);
	signing.now = NOW + 400000 - 1;
	assert_true(make_rrsig_holds(&signing, apex, &set, key, &sig, &expiration));
	signing.now++; /* it ends within the refresh window */
	assert_false(make_rrsig_holds(&signing, apex, &set, key, &sig, &expiration));
	signing.now = NOW - 3601; /* the clock was ahead when it was made */
	assert_false(make_rrsig_holds(&signing, apex, &set, key, &sig, &expiration));
	signing.now = NOW;
	set.ttl++;
	assert_false(make_rrsig_holds(&signing, apex, &set, key, &sig, &expiration));
	set.ttl--;
	assert_false(make_rrsig_holds(&signing, name, &set, key, &sig, &expiration));
	struct make_key *other = key_new(DNSSEC_ECDSAP256SHA256, MAKE_FLAGS_ZSK);
	assert_false(make_rrsig_holds(&signing, apex, &set, other, &sig, &expiration));
	make_key_free(other);
	make_key_free(key);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_algorithm), cmocka_unit_test(test_revoked),
		cmocka_unit_test(test_refused),         cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_elsewhere),       cmocka_unit_test(test_bitmap),
		cmocka_unit_test(test_nsec3),           cmocka_unit_test(test_dates),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
