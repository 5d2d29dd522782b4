// SPDX-License-Identifier: GPL-3.0-or-later
/* Keys: made, read, written, and their DNSKEY records. */
#include "private.h"

#include <openssl/bio.h>
#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "dnssec/private.h"

static const struct make_algorithm algorithms[] = {
	{DNSSEC_RSASHA256, 0, "RSA", "RSASHA256", 256, 0},
	{DNSSEC_RSASHA512, 0, "RSA", "RSASHA512", 512, 0},
	{DNSSEC_ECDSAP256SHA256, 32, "P-256", "ECDSAP256SHA256", 256, 64},
	{DNSSEC_ECDSAP384SHA384, 48, "P-384", "ECDSAP384SHA384", 384, 96},
	{DNSSEC_ED25519, 0, "ED25519", "ED25519", 0, 64},
	{DNSSEC_ED448, 0, "ED448", "ED448", 0, 114},
};

const struct make_algorithm *make_algorithm_find(uint8_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (algorithms[i].number == number)
			return &algorithms[i];
	return NULL;
}

const EVP_MD *make_algorithm_md(const struct make_algorithm *algorithm)
{
	switch (algorithm->digest_bits) {
	case 256:
		return digest_md(DIGEST_SHA256);
	case 384:
		return digest_md(DIGEST_SHA384);
	case 512:
		return digest_md(DIGEST_SHA512);
	default:
		return NULL;
	}
}

bool make_algorithm_supported(uint8_t algorithm)
{
	return make_algorithm_find(algorithm) != NULL;
}

static bool is_rsa(const struct make_algorithm *algorithm)
{
	return algorithm->signature_len == 0;
}

static bool flags_valid(uint16_t flags)
{
	return (flags & MAKE_FLAGS_ZSK) != 0 && (flags & (uint16_t) ~(MAKE_FLAGS_KSK | MAKE_FLAG_REVOKE)) == 0;
}

static int private_new(EVP_PKEY *pkey, const struct make_elsewhere *elsewhere, struct make_private **ret)
{
	struct make_private *secret = calloc(1, sizeof *secret);
	if (secret == NULL || pthread_mutex_init(&secret->turn, NULL) != 0) {
		free(secret);
		return BANYAN_ENOMEM;
	}
	secret->users = 1;
	secret->pkey = pkey;
	if (elsewhere != NULL)
		secret->elsewhere = *elsewhere;
	*ret = secret;
	return 0;
}

static void private_drop(struct make_private *secret)
{
	if (secret == NULL || atomic_fetch_sub(&secret->users, 1) > 1)
		return;
	EVP_PKEY_free(secret->pkey);
	if (secret->elsewhere.done != NULL)
		secret->elsewhere.done(secret->elsewhere.ctx);
	pthread_mutex_destroy(&secret->turn);
	free(secret);
}

static void bn_done(BIGNUM **bn)
{
	BN_free(*bn);
}

/* RFC 3110 section 2: length of the exponent, exponent, modulus. */
static int public_rsa(const EVP_PKEY *pkey, uint8_t *out)
{
	_cleanup_(bn_done) BIGNUM *n = NULL, *e = NULL;
	if (!EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_N, &n) ||
	    !EVP_PKEY_get_bn_param(pkey, OSSL_PKEY_PARAM_RSA_E, &e))
		return BANYAN_ENOMEM;
	if (BN_num_bits(n) < MAKE_RSA_BITS_MIN || BN_num_bits(n) > MAKE_RSA_BITS_MAX ||
	    BN_num_bytes(e) > DNSSEC_RSA_EXPONENT_MAX)
		return BANYAN_EINVAL;
	out[0] = (uint8_t)BN_num_bytes(e);
	int len = 1 + BN_bn2bin(e, out + 1);
	return len + BN_bn2bin(n, out + len);
}

/* The public half as a DNSKEY has it: its length, or BANYAN_EINVAL when the key is none of this algorithm. */
static int public_bytes(const EVP_PKEY *pkey, const struct make_algorithm *algorithm, uint8_t *out)
{
	if (is_rsa(algorithm))
		return EVP_PKEY_is_a(pkey, "RSA") ? public_rsa(pkey, out) : BANYAN_EINVAL;
	if (algorithm->coordinate >
	    0) { /* RFC 6605 section 4: the point without the byte that says how it is written */
		uint8_t point[1 + 2 * 66];
		char curve[32] = "";
		size_t len = 0;
		int nid = EVP_PKEY_is_a(pkey, "EC") && EVP_PKEY_get_utf8_string_param(pkey, OSSL_PKEY_PARAM_GROUP_NAME,
										      curve, sizeof curve, NULL)
				  ? OBJ_txt2nid(curve)
				  : NID_undef;
		if (nid != (algorithm->coordinate == 32 ? NID_X9_62_prime256v1 : NID_secp384r1) ||
		    !EVP_PKEY_get_octet_string_param(pkey, OSSL_PKEY_PARAM_PUB_KEY, point, sizeof point, &len) ||
		    len != 1U + 2U * algorithm->coordinate || point[0] != 4)
			return BANYAN_EINVAL;
		memcpy(out, point + 1, len - 1);
		return (int)len - 1;
	}
	size_t len = MAKE_KEY_RDATA_MAX - 4; /* RFC 8080 section 3 */
	return EVP_PKEY_is_a(pkey, algorithm->name) && EVP_PKEY_get_raw_public_key(pkey, out, &len) ? (int)len
												    : BANYAN_EINVAL;
}

static void key_number(struct make_key *key)
{
	static _Atomic uint64_t last;
	key->tag = dnssec_key_tag(key->rdata, key->len);
	key->id = atomic_fetch_add_explicit(&last, 1, memory_order_relaxed) + 1;
}

int make_key_of_pkey(EVP_PKEY *pkey, const struct make_algorithm *algorithm, uint16_t flags, struct make_key **ret)
{
	struct make_key *key = calloc(1, sizeof *key);
	int len = key == NULL ? BANYAN_ENOMEM : public_bytes(pkey, algorithm, key->rdata + 4);
	int rc = len < 0 ? len : private_new(pkey, NULL, &key->secret);
	ERR_clear_error();
	if (rc < 0) {
		EVP_PKEY_free(pkey);
		free(key);
		return rc;
	}
	wire_put16(key->rdata, flags);
	key->rdata[2] = 3; /* RFC 4034 section 2.1.2 */
	key->rdata[3] = algorithm->number;
	key->algorithm = algorithm;
	key->flags = flags;
	key->len = 4 + (size_t)len;
	key->signature_len = is_rsa(algorithm) ? (size_t)EVP_PKEY_get_size(pkey) : algorithm->signature_len;
	key_number(key);
	*ret = key;
	return 0;
}

int make_key_generate(uint8_t algorithm, unsigned bits, uint16_t flags, struct make_key **ret)
{
	const struct make_algorithm *a = make_algorithm_find(algorithm);
	EVP_PKEY *pkey;
	if (a == NULL)
		return BANYAN_EUNSUPP;
	if (!flags_valid(flags))
		return BANYAN_EINVAL;
	if (is_rsa(a)) {
		bits = bits == 0 ? MAKE_RSA_BITS : bits;
		if (bits < MAKE_RSA_BITS_MIN || bits > MAKE_RSA_BITS_MAX)
			return BANYAN_EINVAL;
		pkey = EVP_RSA_gen(bits);
	} else {
		if (bits != 0)
			return BANYAN_EINVAL;
		pkey = a->coordinate > 0 ? EVP_EC_gen(a->name) : EVP_PKEY_Q_keygen(NULL, NULL, a->name);
	}
	if (pkey == NULL) {
		ERR_clear_error();
		return BANYAN_EUNSUPP; /* a libcrypto built without it */
	}
	return make_key_of_pkey(pkey, a, flags, ret);
}

/* A key in a file must not make a daemon ask for a password on a terminal. */
static int password_asked(char *out, int size, int writing, void *asked)
{
	*(bool *)asked = true;
	return -1;
}

int make_key_from_pem(const char *text, size_t len, uint8_t algorithm, uint16_t flags, struct make_key **ret)
{
	const struct make_algorithm *a = make_algorithm_find(algorithm);
	bool asked = false;
	if (a == NULL)
		return BANYAN_EUNSUPP;
	if (!flags_valid(flags))
		return BANYAN_EINVAL;
	if (len > MAKE_KEY_PEM_MAX)
		return BANYAN_EMALF;
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	if (bio == NULL)
		return BANYAN_ENOMEM;
	EVP_PKEY *pkey = PEM_read_bio_PrivateKey(bio, NULL, password_asked, &asked);
	BIO_free(bio);
	if (pkey == NULL) {
		ERR_clear_error();
		return asked ? BANYAN_EACCES : BANYAN_EMALF;
	}
	return make_key_of_pkey(pkey, a, flags, ret);
}

int make_key_to_pem(const struct make_key *key, struct buffer *out)
{
	char *data = NULL;
	if (key->secret == NULL || key->secret->pkey == NULL)
		return BANYAN_ENOENT;
	BIO *bio = BIO_new(BIO_s_secmem());
	int rc = BANYAN_ENOMEM;
	if (bio != NULL && PEM_write_bio_PKCS8PrivateKey(bio, key->secret->pkey, NULL, NULL, 0, NULL, NULL) == 1) {
		long len = BIO_get_mem_data(bio, &data);
		rc = len > 0 ? buffer_append(out, data, (size_t)len) : BANYAN_EOTHER;
	}
	BIO_free(bio);
	ERR_clear_error();
	return rc;
}

int make_key_from_rdata(const uint8_t *rdata, size_t len, struct make_key **ret)
{
	struct dnssec_key *check;
	if (len < 5 || len > MAKE_KEY_RDATA_MAX)
		return BANYAN_EMALF;
	const struct make_algorithm *a = make_algorithm_find(rdata[3]);
	if (a == NULL)
		return BANYAN_EUNSUPP;
	int rc = flags_valid(wire_get16(rdata)) ? dnssec_key_new(rdata, len, &check) : BANYAN_EMALF;
	if (rc != 0)
		return rc;
	struct make_key *key = calloc(1, sizeof *key);
	if (key != NULL) {
		key->algorithm = a;
		key->flags = wire_get16(rdata);
		key->signature_len = is_rsa(a) ? (size_t)EVP_PKEY_get_size(check->pkey) : a->signature_len;
		key->len = len;
		memcpy(key->rdata, rdata, len);
		key_number(key);
		*ret = key;
	}
	dnssec_key_free(check);
	return key == NULL ? BANYAN_ENOMEM : 0;
}

int make_key_elsewhere(const uint8_t *rdata, size_t len, const struct make_elsewhere *elsewhere, struct make_key **ret)
{
	struct make_key *key;
	int rc = make_key_from_rdata(rdata, len, &key);
	if (rc != 0)
		return rc;
	rc = private_new(NULL, elsewhere, &key->secret);
	if (rc != 0) {
		make_key_free(key);
		return rc;
	}
	*ret = key;
	return 0;
}

const uint8_t *make_key_rdata(const struct make_key *key, size_t *ret_len)
{
	*ret_len = key->len;
	return key->rdata;
}

uint16_t make_key_tag(const struct make_key *key)
{
	return key->tag;
}

uint8_t make_key_algorithm(const struct make_key *key)
{
	return key->algorithm->number;
}

uint16_t make_key_flags(const struct make_key *key)
{
	return key->flags;
}

bool make_key_can_sign(const struct make_key *key)
{
	return key->secret != NULL;
}

size_t make_key_signature_len(const struct make_key *key)
{
	return key->signature_len;
}

int make_key_revoked(const struct make_key *key, struct make_key **ret)
{
	struct make_key *copy = malloc(sizeof *copy);
	if (copy == NULL)
		return BANYAN_ENOMEM;
	*copy = *key;
	copy->flags |= MAKE_FLAG_REVOKE;
	wire_put16(copy->rdata, copy->flags);
	key_number(copy);
	if (copy->secret != NULL)
		atomic_fetch_add(&copy->secret->users, 1);
	*ret = copy;
	return 0;
}

void make_key_free(struct make_key *key)
{
	if (key == NULL)
		return;
	private_drop(key->secret);
	free(key);
}
