// SPDX-License-Identifier: GPL-3.0-or-later
/* Keys of the scenarios' zones: made of zone, algorithm and number, so that each run has the same; and their signatures. */
#include "scenario.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/obj_mac.h>
#include <openssl/param_build.h>

#define RSA_BITS 1024 /* soon made; no scenario needs a strong one */

static struct made {
	struct made *next;
	char id[WIRE_NAME_TEXT_MAX + 32];
	EVP_PKEY *pkey;
} * made;

static void seed_random(struct random *random, const char *id)
{
	static const uint8_t key[16] = "keys for replays";
	random_init_seed(random, hash_sip(id, strlen(id), key));
}

static BIGNUM *rsa_prime(struct random *random, BN_CTX *ctx)
{
	uint8_t data[RSA_BITS / 16];
	random_bytes(random, data, sizeof data);
	data[0] |= 0xc0;
	data[sizeof data - 1] |= 1;
	BIGNUM *p = BN_bin2bn(data, sizeof data, NULL);
	while (BN_mod_word(p, 65537) == 1 || BN_check_prime(p, ctx, NULL) != 1)
		assert_true(BN_add_word(p, 2));
	return p;
}

static EVP_PKEY *from_params(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	assert_int_equal(EVP_PKEY_fromdata_init(ctx), 1);
	assert_int_equal(EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params), 1);
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	return pkey;
}

static EVP_PKEY *make_rsa(struct random *random)
{
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *p = rsa_prime(random, ctx), *q = rsa_prime(random, ctx), *n = BN_new(), *e = BN_new(), *phi = BN_new();
	assert_true(BN_set_word(e, 65537) && BN_mul(n, p, q, ctx) && BN_sub_word(p, 1) && BN_sub_word(q, 1) &&
		    BN_mul(phi, p, q, ctx));
	BIGNUM *d = BN_mod_inverse(NULL, e, phi, ctx);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	assert_true(OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
		    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e) &&
		    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_D, d));
	EVP_PKEY *pkey = from_params("RSA", build);
	BIGNUM *all[] = {p, q, n, e, phi, d};
	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		BN_free(all[i]);
	BN_CTX_free(ctx);
	return pkey;
}

static EVP_PKEY *make_ec(struct random *random, int curve, const char *name, size_t size)
{
	uint8_t data[48], point_data[97];
	random_bytes(random, data, size);
	data[0] &= 0x7f; /* below the order of the group */
	EC_GROUP *group = EC_GROUP_new_by_curve_name(curve);
	EC_POINT *point = EC_POINT_new(group);
	BIGNUM *d = BN_bin2bn(data, (int)size, NULL);
	assert_int_equal(EC_POINT_mul(group, point, d, NULL, NULL, NULL), 1);
	size_t len =
		EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, point_data, sizeof point_data, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	assert_true(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, name, 0) &&
		    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point_data, len) &&
		    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, d));
	EVP_PKEY *pkey = from_params("EC", build);
	BN_free(d);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return pkey;
}

static EVP_PKEY *make_edwards(struct random *random, int type, size_t size)
{
	uint8_t data[57];
	random_bytes(random, data, size);
	return EVP_PKEY_new_raw_private_key(type, NULL, data, size);
}

/* NULL for algorithms that nobody knows. */
static EVP_PKEY *make(struct random *random, uint8_t algorithm)
{
	switch (algorithm) {
	case DNSSEC_RSASHA1:
	case DNSSEC_RSASHA1_NSEC3:
	case DNSSEC_RSASHA256:
	case DNSSEC_RSASHA512:
		return make_rsa(random);
	case DNSSEC_ECDSAP256SHA256:
		return make_ec(random, NID_X9_62_prime256v1, "P-256", 32);
	case DNSSEC_ECDSAP384SHA384:
		return make_ec(random, NID_secp384r1, "P-384", 48);
	case DNSSEC_ED25519:
		return make_edwards(random, EVP_PKEY_ED25519, 32);
	case DNSSEC_ED448:
		return make_edwards(random, EVP_PKEY_ED448, 57);
	default:
		return NULL;
	}
}

/* The public key field of DNSKEY. */
static size_t write_public(const struct key *key, uint8_t *out)
{
	uint8_t point[97];
	size_t len = 57;
	BIGNUM *n = NULL;
	switch (key->algorithm) {
	case DNSSEC_RSASHA1:
	case DNSSEC_RSASHA1_NSEC3:
	case DNSSEC_RSASHA256:
	case DNSSEC_RSASHA512:
		assert_int_equal(EVP_PKEY_get_bn_param(key->pkey, "n", &n), 1);
		memcpy(out, "\3\1\0\1", 4); /* RFC 3110: exponent 65537 */
		len = 4 + (size_t)BN_bn2bin(n, out + 4);
		BN_free(n);
		return len;
	case DNSSEC_ECDSAP256SHA256:
	case DNSSEC_ECDSAP384SHA384:
		assert_int_equal(EVP_PKEY_get_octet_string_param(key->pkey, "pub", point, sizeof point, &len), 1);
		memcpy(out, point + 1, len - 1);
		return len - 1;
	default:
		assert_int_equal(EVP_PKEY_get_raw_public_key(key->pkey, out, &len), 1);
		return len;
	}
}

void keys_make(struct scenario *s, const struct zone_plan *zone, struct key *key)
{
	char id[sizeof made->id];
	struct random random;
	struct made *m = made;
	(void)s;
	snprintf(id, sizeof id, "%s %u %u", zone->name, key->algorithm, key->number);
	while (m != NULL && strcmp(m->id, id) != 0)
		m = m->next;
	seed_random(&random, id);
	if (m == NULL) {
		m = calloc(1, sizeof *m);
		assert_non_null(m);
		*m = (struct made){.next = made, .pkey = make(&random, key->algorithm)};
		memcpy(m->id, id, sizeof id);
		made = m;
	}
	key->pkey = m->pkey;
	uint16_t flags = key->kind == 'z' ? 256 : key->kind == 'r' ? 257 | 128 : key->kind == 'n' ? 1 : 257;
	wire_put16(key->rdata, flags);
	key->rdata[2] = 3; /* RFC 4034 section 2.1.2 */
	key->rdata[3] = key->algorithm;
	size_t len = 32;
	if (key->pkey != NULL)
		len = write_public(key, key->rdata + 4);
	else
		random_bytes(&random, key->rdata + 4, len);
	key->len = (uint16_t)(4 + len);
	key->tag = dnssec_key_tag(key->rdata, key->len);
}

void keys_free(void)
{
	while (made != NULL) {
		struct made *m = made;
		made = m->next;
		EVP_PKEY_free(m->pkey);
		free(m);
	}
}

/* The tag is a sum of 16-bit words: what random bytes change in it, one word puts right. */
void keys_collide(const struct key *key, unsigned number, struct key *ret)
{
	struct random random;
	random_init_seed(&random, key->tag * 65536ULL + number);
	*ret = *key;
	ret->pkey = NULL;
	uint16_t at = (uint16_t)(key->len - 20) & ~1;
	do {
		random_bytes(&random, ret->rdata + at, 12);
		for (unsigned word = 0; word < 65536 && dnssec_key_tag(ret->rdata, ret->len) != key->tag; word++)
			wire_put16(ret->rdata + at + 12, (uint16_t)word);
	} while (dnssec_key_tag(ret->rdata, ret->len) != key->tag);
}

static const char *digest_name(uint8_t algorithm)
{
	switch (algorithm) {
	case DNSSEC_RSASHA1:
	case DNSSEC_RSASHA1_NSEC3:
		return "SHA1";
	case DNSSEC_RSASHA512:
		return "SHA512";
	case DNSSEC_ECDSAP384SHA384:
		return "SHA384";
	case DNSSEC_ED25519:
	case DNSSEC_ED448:
		return NULL;
	default:
		return "SHA256";
	}
}

uint16_t keys_sign(const struct key *key, const uint8_t *data, size_t len, uint8_t *out)
{
	uint8_t raw[512];
	size_t raw_len = sizeof raw;
	if (key->pkey == NULL) { /* nobody can check it */
		memset(out, 0x5a, 64);
		return 64;
	}
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, digest_name(key->algorithm), NULL, NULL, key->pkey, NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, raw, &raw_len, data, len), 1);
	EVP_MD_CTX_free(ctx);
	if (key->algorithm != DNSSEC_ECDSAP256SHA256 && key->algorithm != DNSSEC_ECDSAP384SHA384) {
		memcpy(out, raw, raw_len);
		return (uint16_t)raw_len;
	}
	int size = key->algorithm == DNSSEC_ECDSAP256SHA256 ? 32 : 48;
	const uint8_t *p = raw;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)raw_len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, size);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + size, size);
	ECDSA_SIG_free(sig);
	return (uint16_t)(2 * size);
}
