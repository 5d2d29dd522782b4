// SPDX-License-Identifier: GPL-3.0-or-later
/* Private keys as BIND and ldns keep them in files: lines of "Field: value", the values in base64. */
#include "private.h"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/ec.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIELD_TEXT_MAX 1400 /* characters of base64: a modulus of 4,096 bits has 684 */

/* Fields of an RSA key and libcrypto's names of them. */
static const struct {
	const char *field, *param;
} rsa_fields[] = {
	{"Modulus", OSSL_PKEY_PARAM_RSA_N},           {"PublicExponent", OSSL_PKEY_PARAM_RSA_E},
	{"PrivateExponent", OSSL_PKEY_PARAM_RSA_D},   {"Prime1", OSSL_PKEY_PARAM_RSA_FACTOR1},
	{"Prime2", OSSL_PKEY_PARAM_RSA_FACTOR2},      {"Exponent1", OSSL_PKEY_PARAM_RSA_EXPONENT1},
	{"Exponent2", OSSL_PKEY_PARAM_RSA_EXPONENT2}, {"Coefficient", OSSL_PKEY_PARAM_RSA_COEFFICIENT1},
};

/* The text behind "Field:"; NULL = there is none. */
static const char *field_find(const char *text, size_t len, const char *field, size_t *ret_len)
{
	size_t field_len = strlen(field);
	for (const char *p = text, *end = text + len; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p)), *stop = newline == NULL ? end : newline;
		if ((size_t)(stop - p) > field_len && memcmp(p, field, field_len) == 0 && p[field_len] == ':') {
			p += field_len + 1;
			while (p < stop && (*p == ' ' || *p == '\t'))
				p++;
			while (stop > p && (stop[-1] == ' ' || stop[-1] == '\r' || stop[-1] == '\t'))
				stop--;
			*ret_len = (size_t)(stop - p);
			return p;
		}
		p = stop + 1;
	}
	return NULL;
}

/* The number of an algorithm, which may have its name behind it: "13 (ECDSAP256SHA256)". The text has no NUL. */
static int number_read(const char *text, size_t len)
{
	int n = 0;
	size_t i = 0;
	for (; i < len && text[i] >= '0' && text[i] <= '9' && n <= UINT8_MAX; i++)
		n = 10 * n + (text[i] - '0');
	bool ends = i == len || text[i] == ' ' || text[i] == '\t';
	return i > 0 && ends && n <= UINT8_MAX ? n : BANYAN_EMALF;
}

/* Decodes a field: its length or an error. `out` holds FIELD_TEXT_MAX bytes. */
static int field_read(const char *text, size_t len, const char *field, uint8_t *out)
{
	size_t value_len, pad = 0;
	const char *value = field_find(text, len, field, &value_len);
	if (value == NULL || value_len == 0 || value_len > FIELD_TEXT_MAX || value_len % 4 != 0)
		return BANYAN_EMALF;
	while (pad < 2 && value[value_len - 1 - pad] == '=')
		pad++;
	int n = EVP_DecodeBlock(out, (const unsigned char *)value, (int)value_len);
	return n < 0 ? BANYAN_EMALF : n - (int)pad;
}

static EVP_PKEY *pkey_make(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_KEYPAIR, params) <= 0)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return pkey;
}

static int read_rsa(const char *text, size_t len, EVP_PKEY **ret)
{
	BIGNUM *bn[ARRAY_SIZE(rsa_fields)] = {NULL};
	uint8_t data[FIELD_TEXT_MAX];
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	int rc = build == NULL ? BANYAN_ENOMEM : 0;
	for (size_t i = 0; i < ARRAY_SIZE(rsa_fields) && rc >= 0; i++) {
		rc = field_read(text, len, rsa_fields[i].field, data);
		if (rc < 0)
			break;
		bn[i] = BN_bin2bn(data, rc, NULL);
		if (bn[i] == NULL || !OSSL_PARAM_BLD_push_BN(build, rsa_fields[i].param, bn[i]))
			rc = BANYAN_ENOMEM;
	}
	EVP_PKEY *pkey = rc < 0 ? NULL : pkey_make("RSA", build);
	OSSL_PARAM_BLD_free(build);
	for (size_t i = 0; i < ARRAY_SIZE(rsa_fields); i++)
		BN_clear_free(bn[i]);
	OPENSSL_cleanse(data, sizeof data);
	if (rc < 0)
		return rc;
	*ret = pkey;
	return pkey == NULL ? BANYAN_EMALF : 0;
}

static int read_ec(const struct make_algorithm *a, const char *text, size_t len, const uint8_t *public, EVP_PKEY **ret)
{
	uint8_t data[FIELD_TEXT_MAX], point[1 + 2 * 48] = {POINT_CONVERSION_UNCOMPRESSED};
	int n = field_read(text, len, "PrivateKey", data);
	memcpy(point + 1, public, 2U * a->coordinate);
	BIGNUM *secret = n < 0 || n > a->coordinate ? NULL : BN_bin2bn(data, n, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	if (secret != NULL && build != NULL &&
	    OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, a->name, 0) &&
	    OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, point, 1 + 2U * a->coordinate) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, secret))
		pkey = pkey_make("EC", build);
	OSSL_PARAM_BLD_free(build);
	BN_clear_free(secret);
	OPENSSL_cleanse(data, sizeof data);
	*ret = pkey;
	return pkey == NULL ? BANYAN_EMALF : 0;
}

static int read_edwards(const struct make_algorithm *a, const char *text, size_t len, EVP_PKEY **ret)
{
	uint8_t data[FIELD_TEXT_MAX];
	int n = field_read(text, len, "PrivateKey", data);
	EVP_PKEY *pkey = n < 0 ? NULL : EVP_PKEY_new_raw_private_key_ex(NULL, a->name, NULL, data, (size_t)n);
	OPENSSL_cleanse(data, sizeof data);
	*ret = pkey;
	return pkey == NULL ? BANYAN_EMALF : 0;
}

/* Do the two halves belong together? libcrypto does not look when they are put together, and its own check looks whether the primes of RSA
 * are primes, which takes 40 ms. A signature tells. */
static int pair_check(EVP_PKEY *pkey, const struct make_algorithm *a)
{
	static const uint8_t text[] = "these two belong together";
	uint8_t signature[MAKE_SIGNATURE_MAX];
	size_t len = sizeof signature;
	if (a->digest_bits == 0)
		return 0; /* the public half was made from the private one */
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestSignInit_ex(ctx, NULL, "SHA2-256", NULL, NULL, pkey, NULL) > 0 &&
		    EVP_DigestSign(ctx, signature, &len, text, sizeof text) > 0 && EVP_MD_CTX_reset(ctx) == 1 &&
		    EVP_DigestVerifyInit_ex(ctx, NULL, "SHA2-256", NULL, NULL, pkey, NULL) > 0 &&
		    EVP_DigestVerify(ctx, signature, len, text, sizeof text) == 1;
	EVP_MD_CTX_free(ctx);
	return good ? 0 : BANYAN_EINVAL;
}

int make_key_from_bind(const char *text, size_t len, const uint8_t *rdata, size_t rdata_len, struct make_key **ret)
{
	struct make_key *public, *key;
	EVP_PKEY *pkey = NULL;
	size_t value_len;
	int rc = make_key_from_rdata(rdata, rdata_len, &public);
	if (rc != 0)
		return rc;
	const struct make_algorithm *a = public->algorithm;
	const char *number = field_find(text, len, "Algorithm", &value_len);
	int given = number == NULL ? BANYAN_EMALF : number_read(number, value_len);
	if (given < 0 || field_find(text, len, "Private-key-format", &value_len) == NULL)
		rc = BANYAN_EMALF;
	else if (given != a->number)
		rc = BANYAN_EINVAL;
	else if (a->signature_len == 0)
		rc = read_rsa(text, len, &pkey);
	else if (a->coordinate > 0)
		rc = read_ec(a, text, len, rdata + 4, &pkey);
	else
		rc = read_edwards(a, text, len, &pkey);
	if (rc == 0 && pkey != NULL && (rc = pair_check(pkey, a)) != 0)
		EVP_PKEY_free(pkey);
	else if (rc == 0)
		rc = make_key_of_pkey(pkey, a, public->flags, &key);
	if (rc == 0 && (key->len != rdata_len || memcmp(key->rdata, rdata, rdata_len) != 0)) {
		make_key_free(key);
		rc = BANYAN_EINVAL;
	}
	make_key_free(public);
	ERR_clear_error();
	if (rc == 0)
		*ret = key;
	return rc;
}

static int field_write(const char *field, const uint8_t *data, size_t len, struct buffer *out)
{
	char text[FIELD_TEXT_MAX + 4];
	if (len > FIELD_TEXT_MAX / 4 * 3)
		return BANYAN_ELIMIT;
	EVP_EncodeBlock((unsigned char *)text, data, (int)len);
	int rc = buffer_printf(out, "%s: %s\n", field, text);
	OPENSSL_cleanse(text, sizeof text);
	return rc;
}

static int field_write_bn(const EVP_PKEY *pkey, const char *field, const char *param, size_t size, struct buffer *out)
{
	BIGNUM *bn = NULL;
	uint8_t data[MAKE_SIGNATURE_MAX];
	if (!EVP_PKEY_get_bn_param(pkey, param, &bn))
		return BANYAN_EUNSUPP;
	int len = size > 0 ? BN_bn2binpad(bn, data, (int)size) : BN_bn2bin(bn, data);
	BN_clear_free(bn);
	int rc = len < 0 ? BANYAN_EOTHER : field_write(field, data, (size_t)len, out);
	OPENSSL_cleanse(data, sizeof data);
	return rc;
}

int make_key_to_bind(const struct make_key *key, struct buffer *out)
{
	const struct make_algorithm *a = key->algorithm;
	if (key->secret == NULL || key->secret->pkey == NULL)
		return BANYAN_ENOENT;
	const EVP_PKEY *pkey = key->secret->pkey;
	int rc = buffer_printf(out, "Private-key-format: v1.3\nAlgorithm: %u (%s)\n", a->number, a->mnemonic);
	if (a->coordinate > 0)
		return rc < 0 ? rc : field_write_bn(pkey, "PrivateKey", OSSL_PKEY_PARAM_PRIV_KEY, a->coordinate, out);
	if (a->signature_len > 0) {
		uint8_t data[57]; /* of Ed448 */
		size_t len = sizeof data;
		if (rc >= 0 && !EVP_PKEY_get_raw_private_key(pkey, data, &len))
			rc = BANYAN_EOTHER;
		rc = rc < 0 ? rc : field_write("PrivateKey", data, len, out);
		OPENSSL_cleanse(data, sizeof data);
		return rc;
	}
	for (size_t i = 0; i < ARRAY_SIZE(rsa_fields) && rc >= 0; i++)
		rc = field_write_bn(pkey, rsa_fields[i].field, rsa_fields[i].param, 0, out);
	return rc < 0 ? rc : 0;
}
