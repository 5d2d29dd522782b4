// SPDX-License-Identifier: GPL-3.0-or-later
/* Key tags, DS, NSEC3 hashes and signatures that the RFCs print, and keys that must be refused. */
#include "../test.h"

#include <openssl/evp.h>

#include "dnssec/dnssec.h"

static size_t base64(const char *text, uint8_t *out)
{
	size_t pad = 0, len = strlen(text);
	while (pad < 2 && text[len - 1 - pad] == '=')
		pad++;
	int n = EVP_DecodeBlock(out, (const unsigned char *)text, (int)len);
	assert_true(n > 0);
	return (size_t)n - pad;
}

static size_t hex(const char *text, uint8_t *out)
{
	size_t n = 0;
	for (; text[2 * n] != '\0'; n++) {
		unsigned byte;
		assert_int_equal(sscanf(text + 2 * n, "%2x", &byte), 1);
		out[n] = (uint8_t)byte;
	}
	return n;
}

static size_t dnskey(uint16_t flags, uint8_t algorithm, const char *key, uint8_t *out)
{
	wire_put16(out, flags);
	out[2] = 3;
	out[3] = algorithm;
	return 4 + base64(key, out + 4);
}

/* RRSIG RDATA; the signer is the owner without `skip` labels. */
static size_t rrsig(uint16_t type, uint8_t algorithm, uint8_t labels, uint32_t ttl, uint32_t expires, uint32_t begins,
		    uint16_t tag, const char *signer, const char *sig, uint8_t *out)
{
	wire_put16(out, type);
	out[2] = algorithm;
	out[3] = labels;
	wire_put32(out + 4, ttl);
	wire_put32(out + 8, expires);
	wire_put32(out + 12, begins);
	wire_put16(out + 16, tag);
	int n = wire_name_parse(signer, out + 18);
	assert_true(n > 0);
	return 18 + (size_t)n + base64(sig, out + 18 + n);
}

static void ds(void **state)
{
	(void)state;
	/* RFC 4034 section 5.4 and RFC 4509 section 2.3: one key, SHA-1 and SHA-256 */
	static const char key[] =
		"AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdv"
		"xegXd/M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==";
	uint8_t k[300], d[64], owner[WIRE_NAME_MAX];
	assert_true(wire_name_parse("dskey.example.com.", owner) > 0);
	struct wire_rdata rk = {k, (uint16_t)dnskey(256, 5, key, k)}, rd = {d, 0};
	assert_int_equal(dnssec_key_tag(rk.data, rk.len), 60485);
	rd.len = (uint16_t)hex("EC45"
			       "05"
			       "01"
			       "2BB183AF5F22588179A53B0A98631FAD1A292118",
			       d);
	assert_int_equal(dnssec_ds_match(owner, &rd, &rk), 1);
	rd.len = (uint16_t)hex("EC45"
			       "05"
			       "02"
			       "D4B7D520E7BB5F0F67674A0CCEB1E3E0614B93C4F9E99B8383F6A1E4469DA50A",
			       d);
	assert_int_equal(dnssec_ds_match(owner, &rd, &rk), 1);
	d[10] ^= 1;
	assert_int_equal(dnssec_ds_match(owner, &rd, &rk), 0);
	d[3] = 99;
	assert_int_equal(dnssec_ds_match(owner, &rd, &rk), BANYAN_EUNSUPP);
	d[0] ^= 1;
	assert_int_equal(dnssec_ds_match(owner, &rd, &rk), 0);
}

static void nsec3(void **state)
{
	(void)state;
	/* RFC 5155 appendix A: salt aabbccdd, 12 iterations */
	static const uint8_t salt[] = {0xaa, 0xbb, 0xcc, 0xdd};
	/* of "example", in base32hex */
	static const char label[] = "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom", digits[] = "0123456789abcdefghijklmnopqrstuv";
	uint8_t out[20], name[WIRE_NAME_MAX], want[20] = {0};
	for (unsigned i = 0; i < 32; i++) {
		unsigned value = (unsigned)(strchr(digits, label[i]) - digits);
		for (unsigned b = 0; b < 5; b++)
			if ((value & (16U >> b)) != 0)
				want[(i * 5 + b) / 8] |= (uint8_t)(0x80 >> (i * 5 + b) % 8);
	}
	assert_true(wire_name_parse("EXAMPLE.", name) > 0); /* case does not matter */
	assert_int_equal(dnssec_nsec3_hash(name, 12, salt, 4, out), 0);
	assert_memory_equal(out, want, 20);
	assert_int_equal(dnssec_nsec3_hash(name, DNSSEC_NSEC3_ITERATIONS_MAX + 1, salt, 4, out), BANYAN_ELIMIT);
}

struct signature {
	const char *name, *key, *owner, *signer, *sig;
	uint8_t algorithm, labels;
	uint16_t flags, tag, type;
	uint32_t ttl, expires, begins;
	const char *rdata; /* hexadecimal */
};

#define MX_MAIL                                                                                                        \
	"000a"                                                                                                         \
	"046d61696c076578616d706c6503636f6d00"

static const struct signature signatures[] = {
	/* RFC 6605 section 6.1 */
	{"P-256",
	 "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==", "www.example.net.",
	 "example.net.", "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==", 13,
	 3, 257, 55648, WIRE_TYPE_A, 3600, 1284026679, 1281607479, "c0000201"},
	/* RFC 6605 section 6.2 */
	{"P-384",
	 "xKYaNhWdGOfJ+nPrL8/arkwf2EY3MDJ+SErKivBVSum1w/egsXvSADtNJhyem5RCOpgQ6K8X1DRSEkrbYQ+OB+v8/"
	 "uX45NBwY8rp65F6Glur8I/mlVNgF6"
	 "W/qTI37m40",
	 "www.example.net.", "example.net.",
	 "/L5hDKIvGDyI1fcARX3z65qrmPsVz73QD1Mr5CEqOiLP95hxQouuroGCeZOvzFaxsT8Glr74hbavRKayJNuydCuzWTSSPdz7wnqXL5bdcJzus"
	 "dnI0RSMROx"
	 "xwGipWcJm",
	 14, 3, 257, 10771, WIRE_TYPE_A, 3600, 1284027625, 1281608425, "c0000201"},
	/* RFC 8080 section 6.1, both examples */
	{"Ed25519", "l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=", "example.com.", "example.com.",
	 "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==", 15, 2, 257, 3613,
	 WIRE_TYPE_MX, 3600, 1440021600, 1438207200, MX_MAIL},
	{"Ed25519 2", "zPnZ/QwEe7S8C5SPz2OfS5RR40ATk2/rYnE9xHIEijs=", "example.com.", "example.com.",
	 "zXQ0bkYgQTEFyfLyi9QoiY6D8ZdYo4wyUhVioYZXFdT410QPRITQSqJSnzQoSm5poJ7gD7AQR0O7KuI5k2pcBg==", 15, 2, 257, 35217,
	 WIRE_TYPE_MX, 3600, 1440021600, 1438207200, MX_MAIL},
	/* RFC 8080 section 6.2 */
	{"Ed448", "3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA", "example.com.",
	 "example.com.",
	 "3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXft0+Gj7FSvOKxE/"
	 "07+4RQvE581N3Aj"
	 "/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA",
	 16, 2, 257, 9713, WIRE_TYPE_MX, 3600, 1440021600, 1438207200, MX_MAIL},
};

static void printed_signatures(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(signatures); i++) {
		const struct signature *s = &signatures[i];
		uint8_t k[600], r[600], d[300], owner[WIRE_NAME_MAX];
		struct dnssec_key *key;
		enum reason why = REASON_NONE;
		size_t k_len = dnskey(s->flags, s->algorithm, s->key, k);
		struct wire_rdata rdata = {d, (uint16_t)hex(s->rdata, d)}, sig = {r, 0};
		assert_true(wire_name_parse(s->owner, owner) > 0);
		if (dnssec_key_tag(k, k_len) != s->tag)
			fail_msg("%s: tag %u", s->name, dnssec_key_tag(k, k_len));
		assert_int_equal(dnssec_key_new(k, k_len, &key), 0);
		sig.len = (uint16_t)rrsig(s->type, s->algorithm, s->labels, s->ttl, s->expires, s->begins, s->tag,
					  s->signer, s->sig, r);
		struct wire_rrset set = {
			.owner = owner, .type = s->type, .rclass = 1, .ttl = s->ttl, .count = 1, .rdata = &rdata};
		if (dnssec_rrsig_verify(&set, &sig, key, s->begins, &why) != 0)
			fail_msg("%s: %s", s->name, reason_code(why));
		assert_int_equal(dnssec_rrsig_verify(&set, &sig, key, s->expires, &why), 0);
		/* what is not right, and why */
		assert_int_equal(dnssec_rrsig_verify(&set, &sig, key, (int64_t)s->expires + 1, &why), BANYAN_EPROOF);
		assert_int_equal(why, REASON_RRSIG_EXPIRED);
		assert_int_equal(dnssec_rrsig_verify(&set, &sig, key, (int64_t)s->begins - 1, &why), BANYAN_EPROOF);
		assert_int_equal(why, REASON_RRSIG_NOT_YET);
		d[rdata.len - 2] ^= 1;
		assert_int_equal(dnssec_rrsig_verify(&set, &sig, key, s->begins, &why), BANYAN_EPROOF);
		assert_int_equal(why, REASON_RRSIG_BOGUS);
		d[rdata.len - 2] ^= 1;
		r[17] ^= 1;
		assert_int_equal(dnssec_rrsig_verify(&set, &sig, key, s->begins, &why), BANYAN_EPROOF);
		assert_int_equal(why, REASON_RRSIG_NO_KEY);
		r[17] ^= 1;
		for (uint16_t len = 0; len < sig.len; len++) {
			/* cut anywhere: refused, never read beyond */
			uint8_t *exact = malloc(len + 1U);
			memcpy(exact, r, len);
			struct wire_rdata cut = {exact, len};
			assert_int_equal(dnssec_rrsig_verify(&set, &cut, key, s->begins, &why), BANYAN_EPROOF);
			free(exact);
		}
		dnssec_key_free(key);
	}
}

/* A name made from a wildcard is verified under the wildcard that the labels field tells of. */
static void wildcard_owner(void **state)
{
	(void)state;
	const struct signature *s = &signatures[2];
	uint8_t k[100], r[600], d[300], owner[WIRE_NAME_MAX];
	struct dnssec_key *key;
	enum reason why = REASON_NONE;
	assert_int_equal(dnssec_key_new(k, dnskey(s->flags, s->algorithm, s->key, k), &key), 0);
	struct wire_rdata rdata = {d, (uint16_t)hex(s->rdata, d)}, sig = {r, 0};
	sig.len = (uint16_t)rrsig(s->type, 15, 2, s->ttl, s->expires, s->begins, s->tag, s->signer, s->sig, r);
	/* the signature is over example.com., not over *.example.com.: under any name below it must fail */
	assert_true(wire_name_parse("a.b.example.com", owner) > 0);
	struct wire_rrset set = {
		.owner = owner, .type = s->type, .rclass = 1, .ttl = s->ttl, .count = 1, .rdata = &rdata};
	assert_int_equal(dnssec_rrsig_verify(&set, &sig, key, s->begins, &why), BANYAN_EPROOF);
	assert_int_equal(why, REASON_RRSIG_BOGUS);
	assert_true(wire_name_parse("com", owner) > 0); /* above the signer */
	assert_int_equal(dnssec_rrsig_verify(&set, &sig, key, s->begins, &why), BANYAN_EPROOF);
	assert_int_equal(why, REASON_RRSIG_MALFORMED);
	dnssec_key_free(key);
}

static void bad_keys(void **state)
{
	(void)state;
	static const struct {
		const char *hex;
		int error;
	} keys[] = {
		{"", BANYAN_EMALF},
		{"01010308", BANYAN_EMALF},
		{"0101020803010001ffff", BANYAN_EMALF}, /* protocol 2 */
		{"0101030801", BANYAN_EMALF},           /* no exponent */
		{"010103080300", BANYAN_EMALF},
		{"010103080000ff", BANYAN_EMALF},
		{"0101030803010001c1", BANYAN_EMALF}, /* 8-bit modulus */
		{"0101030f00", BANYAN_EMALF},
		{"0101030d00", BANYAN_EMALF},
		{"010103fd00", BANYAN_EUNSUPP},
		{"0101030100", BANYAN_EUNSUPP},
		{"0101030c00", BANYAN_EUNSUPP},
	};
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		uint8_t data[64];
		struct dnssec_key *key;
		size_t len = hex(keys[i].hex, data);
		if (dnssec_key_new(data, len, &key) != keys[i].error)
			fail_msg("key %zu", i);
	}
	/* a point that is not on the curve */
	uint8_t point[68] = {1, 1, 3, 13, 1, 2, 3};
	struct dnssec_key *key;
	assert_int_equal(dnssec_key_new(point, sizeof point, &key), BANYAN_EMALF);
	/* RSA exponents longer than any real one make checks slow */
	uint8_t rsa[4 + 1 + 9 + 256] = {1, 1, 3, 8, 9};
	memset(rsa + 5, 0xff, sizeof rsa - 5);
	assert_int_equal(dnssec_key_new(rsa, sizeof rsa, &key), BANYAN_EMALF);
}

static void names(void **state)
{
	(void)state;
	static const uint8_t known[] = {5, 7, 8, 10, 13, 14, 15, 16};
	unsigned n = 0;
	for (unsigned a = 0; a < 256; a++) {
		if (!dnssec_algorithm_supported((uint8_t)a)) {
			assert_string_equal(dnssec_algorithm_text((uint8_t)a), "unknown algorithm");
			continue;
		}
		assert_int_equal(a, known[n++]);
		assert_string_not_equal(dnssec_algorithm_text((uint8_t)a), "unknown algorithm");
	}
	assert_int_equal(n, sizeof known);
}

static void anchor_list(void **state)
{
	(void)state;
	struct dnssec_anchors anchors = {0};
	uint8_t big[1025] = {0};
	struct wire_rdata rdata = {big, 36};
	assert_int_equal(dnssec_anchors_builtin(&anchors), 0);
	assert_int_equal(anchors.count, 2);
	assert_int_equal(wire_get16(anchors.item[0].rdata), 20326);
	assert_int_equal(wire_get16(anchors.item[1].rdata), 38696);
	assert_int_equal(dnssec_anchors_add(&anchors, (const uint8_t *)"", WIRE_TYPE_A, &rdata), BANYAN_EINVAL);
	while (anchors.count < DNSSEC_ANCHORS_MAX) {
		big[0]++;
		assert_int_equal(dnssec_anchors_add(&anchors, (const uint8_t *)"", WIRE_TYPE_DS, &rdata), 0);
		/* once is enough */
		size_t count = anchors.count;
		assert_int_equal(dnssec_anchors_add(&anchors, (const uint8_t *)"", WIRE_TYPE_DS, &rdata), 0);
		assert_int_equal(anchors.count, count);
	}
	big[0]++;
	assert_int_equal(dnssec_anchors_add(&anchors, (const uint8_t *)"", WIRE_TYPE_DS, &rdata), BANYAN_ELIMIT);
	dnssec_anchors_done(&anchors);
	rdata.len = sizeof big;
	assert_int_equal(dnssec_anchors_add(&anchors, (const uint8_t *)"", WIRE_TYPE_DNSKEY, &rdata), BANYAN_EMALF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ds),
		cmocka_unit_test(nsec3),
		cmocka_unit_test(printed_signatures),
		cmocka_unit_test(wildcard_owner),
		cmocka_unit_test(bad_keys),
		cmocka_unit_test(names),
		cmocka_unit_test(anchor_list),
	};
	return cmocka_run_group_tests_name("vectors", tests, NULL, NULL);
}
