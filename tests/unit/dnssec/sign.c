// SPDX-License-Identifier: GPL-3.0-or-later
/* Keys and signatures for tests; see sign.h. */
#include "../test.h"

#include "sign.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>
#include <openssl/rsa.h>

#include "dnssec/dnssec.h"

static size_t public_rsa(EVP_PKEY *pkey, uint8_t *out)
{
	BIGNUM *n = NULL, *e = NULL;
	assert_true(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n));
	assert_true(EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e));
	int e_len = BN_bn2bin(e, out + 1);
	out[0] = (uint8_t)e_len;
	int n_len = BN_bn2bin(n, out + 1 + e_len);
	BN_free(n);
	BN_free(e);
	return 1 + (size_t)e_len + (size_t)n_len;
}

static size_t public_ec(EVP_PKEY *pkey, uint8_t *out)
{
	uint8_t point[200];
	size_t len = 0;
	assert_true(EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len));
	assert_int_equal(point[0], 4);
	memcpy(out, point + 1, len - 1);
	return len - 1;
}

void test_key_make(uint8_t algorithm, uint16_t flags, struct test_key *ret)
{
	size_t len = sizeof ret->rdata - 4;
	*ret = (struct test_key){.algorithm = algorithm};
	switch (algorithm) {
	case DNSSEC_ECDSAP256SHA256:
	case DNSSEC_ECDSAP384SHA384:
		ret->pkey = EVP_EC_gen(algorithm == DNSSEC_ECDSAP256SHA256 ? "P-256" : "P-384");
		len = public_ec(ret->pkey, ret->rdata + 4);
		break;
	case DNSSEC_ED25519:
	case DNSSEC_ED448:
		ret->pkey = EVP_PKEY_Q_keygen(NULL, NULL, algorithm == DNSSEC_ED25519 ? "ED25519" : "ED448");
		assert_true(EVP_PKEY_get_raw_public_key(ret->pkey, ret->rdata + 4, &len));
		break;
	default:
		ret->pkey = EVP_RSA_gen(1024);
		len = public_rsa(ret->pkey, ret->rdata + 4);
		break;
	}
	assert_non_null(ret->pkey);
	ret->len = (uint16_t)(len + 4);
	ret->rdata[2] = 3;
	ret->rdata[3] = algorithm;
	test_key_flags(ret, flags);
}

void test_key_flags(struct test_key *key, uint16_t flags)
{
	wire_put16(key->rdata, flags);
	/* RFC 4034 appendix B */
	uint32_t sum = 0;
	for (size_t i = 0; i < key->len; i++)
		sum += (i & 1) != 0 ? key->rdata[i] : (uint32_t)key->rdata[i] * 256;
	key->tag = (uint16_t)(sum + (sum >> 16));
}

void test_key_done(struct test_key *key)
{
	EVP_PKEY_free(key->pkey);
}

uint16_t test_key_ds(const struct test_key *key, const char *owner, uint8_t digest, uint8_t *out)
{
	uint8_t data[WIRE_NAME_MAX + sizeof key->rdata];
	unsigned len = 0;
	int n = wire_name_parse(owner, data);
	assert_true(n > 0);
	memcpy(data + n, key->rdata, key->len);
	const char *name = digest == 1 ? "SHA1" : digest == 4 ? "SHA384" : "SHA256";
	assert_true(EVP_Digest(data, (size_t)n + key->len, out + 4, &len, EVP_get_digestbyname(name), NULL));
	wire_put16(out, key->tag);
	out[2] = key->algorithm;
	out[3] = digest;
	return (uint16_t)(len + 4);
}

static size_t sign_bytes(const struct test_key *key, const uint8_t *data, size_t len, uint8_t *out)
{
	static const char *const digests[] = {
		[DNSSEC_RSASHA1] = "SHA1",     [DNSSEC_RSASHA1_NSEC3] = "SHA1",     [DNSSEC_RSASHA256] = "SHA256",
		[DNSSEC_RSASHA512] = "SHA512", [DNSSEC_ECDSAP256SHA256] = "SHA256", [DNSSEC_ECDSAP384SHA384] = "SHA384",
		[DNSSEC_ED448] = NULL};
	uint8_t raw[600];
	size_t raw_len = sizeof raw;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	const char *digest = digests[key->algorithm];
	assert_true(EVP_DigestSignInit_ex(ctx, NULL, digest, NULL, NULL, key->pkey, NULL) > 0);
	assert_true(EVP_DigestSign(ctx, raw, &raw_len, data, len) > 0);
	EVP_MD_CTX_free(ctx);
	if (key->algorithm != DNSSEC_ECDSAP256SHA256 && key->algorithm != DNSSEC_ECDSAP384SHA384) {
		memcpy(out, raw, raw_len);
		return raw_len;
	}
	const uint8_t *p = raw;
	int half = key->algorithm == DNSSEC_ECDSAP256SHA256 ? 32 : 48;
	ECDSA_SIG *rs = d2i_ECDSA_SIG(NULL, &p, (long)raw_len);
	assert_non_null(rs);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_r(rs), out, half), half);
	assert_int_equal(BN_bn2binpad(ECDSA_SIG_get0_s(rs), out + half, half), half);
	ECDSA_SIG_free(rs);
	return 2 * (size_t)half;
}

uint16_t test_key_sign(const struct test_key *key, const struct test_rrsig *sig, const char *owner, uint16_t type,
		       const struct wire_rdata *rdata, size_t n, uint8_t out[1200])
{
	static uint8_t data[70000];
	wire_put16(out, type);
	out[2] = key->algorithm;
	out[3] = sig->labels;
	wire_put32(out + 4, sig->ttl);
	wire_put32(out + 8, sig->expiration);
	wire_put32(out + 12, sig->inception);
	wire_put16(out + 16, key->tag);
	int signer_len = wire_name_parse(sig->signer, out + 18);
	assert_true(signer_len > 0);
	size_t head = 18 + (size_t)signer_len, len = head;
	memcpy(data, out, head);
	for (size_t i = 0; i < n; i++) {
		int owner_len = wire_name_parse(owner, data + len);
		assert_true(owner_len > 0);
		len += (size_t)owner_len;
		wire_put16(data + len, type);
		wire_put16(data + len + 2, WIRE_CLASS_IN);
		wire_put32(data + len + 4, sig->ttl);
		wire_put16(data + len + 8, rdata[i].len);
		memcpy(data + len + 10, rdata[i].data, rdata[i].len);
		len += 10U + rdata[i].len;
	}
	return (uint16_t)(head + sign_bytes(key, data, len, out + head));
}

void test_key_p256(const char *secret, const char *point, uint16_t flags, struct test_key *ret)
{
	uint8_t public[65] = {4};
	long len = 0;
	BIGNUM *d = NULL;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	*ret = (struct test_key){.algorithm = DNSSEC_ECDSAP256SHA256, .len = 68};
	uint8_t *bytes = OPENSSL_hexstr2buf(point, &len);
	assert_int_equal(len, 64);
	memcpy(public + 1, bytes, 64);
	memcpy(ret->rdata + 4, bytes, 64);
	OPENSSL_free(bytes);
	assert_true(BN_hex2bn(&d, secret) > 0);
	assert_true(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "P-256", 0));
	assert_true(OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, public, sizeof public));
	assert_true(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d));
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	assert_true(EVP_PKEY_fromdata_init(ctx) > 0);
	assert_true(EVP_PKEY_fromdata(ctx, &ret->pkey, EVP_PKEY_KEYPAIR, params) > 0);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(ctx);
	BN_free(d);
	ret->rdata[2] = 3;
	ret->rdata[3] = ret->algorithm;
	test_key_flags(ret, flags);
}
