// SPDX-License-Identifier: GPL-3.0-or-later
/* Public keys: from DNSKEY records to what libcrypto verifies with; key tags, algorithms, DS digests, the NSEC3 hash. */
#include "message.h"

#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/param_build.h>
#include <openssl/bn.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static const EVP_MD *digests[DIGEST_COUNT];
static pthread_once_t digests_once = PTHREAD_ONCE_INIT;

static void digests_fetch(void)
{
	/* they live as long as the process: fetching one anew costs more than hashing a record */
	digests[DIGEST_SHA1] = EVP_MD_fetch(NULL, "SHA1", NULL);
	digests[DIGEST_SHA256] = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	digests[DIGEST_SHA384] = EVP_MD_fetch(NULL, "SHA2-384", NULL);
	digests[DIGEST_SHA512] = EVP_MD_fetch(NULL, "SHA2-512", NULL);
}

const EVP_MD *digest_md(enum digest digest)
{
	pthread_once(&digests_once, digests_fetch);
	return digests[digest];
}

/* One row an algorithm of the registry that can be verified. */
static const struct algorithm {
	uint8_t number, coordinate;
	bool rsa;
	int digest; /* -1: none */
	const char *name;
} algorithms[] = {
	{DNSSEC_RSASHA1, 0, true, DIGEST_SHA1, "RSASHA1"},
	{DNSSEC_RSASHA1_NSEC3, 0, true, DIGEST_SHA1, "RSASHA1-NSEC3-SHA1"},
	{DNSSEC_RSASHA256, 0, true, DIGEST_SHA256, "RSASHA256"},
	{DNSSEC_RSASHA512, 0, true, DIGEST_SHA512, "RSASHA512"},
	{DNSSEC_ECDSAP256SHA256, 32, false, DIGEST_SHA256, "ECDSAP256SHA256"},
	{DNSSEC_ECDSAP384SHA384, 48, false, DIGEST_SHA384, "ECDSAP384SHA384"},
	{DNSSEC_ED25519, 0, false, -1, "ED25519"},
	{DNSSEC_ED448, 0, false, -1, "ED448"},
};

static const struct algorithm *algorithm_find(uint8_t number)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (algorithms[i].number == number)
			return &algorithms[i];
	return NULL;
}

bool dnssec_algorithm_supported(uint8_t algorithm)
{
	return algorithm_find(algorithm) != NULL;
}

const char *dnssec_algorithm_text(uint8_t algorithm)
{
	const struct algorithm *a = algorithm_find(algorithm);
	return a != NULL ? a->name : "unknown algorithm";
}

uint16_t dnssec_key_tag(const uint8_t *dnskey_rdata, size_t len)
{
	/* RFC 4034 appendix B.1: algorithm 1 takes the tag from the modulus */
	if (len >= 4 && dnskey_rdata[3] == 1)
		return len >= 7 ? wire_get16(dnskey_rdata + len - 3) : 0;
	uint32_t sum = 0;
	for (size_t i = 0; i < len; i++)
		sum += (i & 1) != 0 ? dnskey_rdata[i] : (uint32_t)dnskey_rdata[i] << 8;
	return (uint16_t)(sum + (sum >> 16));
}

/* Makes a public key of `type` from the parameters in `build`. */
static EVP_PKEY *pkey_from_params(const char *type, OSSL_PARAM_BLD *build)
{
	EVP_PKEY *pkey = NULL;
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_name(NULL, type, NULL);
	if (params == NULL || ctx == NULL || EVP_PKEY_fromdata_init(ctx) <= 0 ||
	    EVP_PKEY_fromdata(ctx, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		pkey = NULL;
	EVP_PKEY_CTX_free(ctx);
	OSSL_PARAM_free(params);
	return pkey;
}

/* RFC 3110 section 2: length of the exponent (1 or 3 bytes), exponent, modulus. */
static EVP_PKEY *pkey_rsa(const uint8_t *data, size_t len)
{
	if (len < 3)
		return NULL;
	size_t e_len = data[0], skip = 1;
	if (e_len == 0) {
		e_len = wire_get16(data + 1);
		skip = 3;
	}
	if (e_len == 0 || e_len > DNSSEC_RSA_EXPONENT_MAX || skip + e_len >= len)
		return NULL;
	const uint8_t *n_data = data + skip + e_len;
	size_t n_len = len - skip - e_len;
	if (n_data[0] == 0)
		return NULL; /* RFC 3110 section 2: no leading zeroes */
	BIGNUM *e = BN_bin2bn(data + skip, (int)e_len, NULL), *n = BN_bin2bn(n_data, (int)n_len, NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY *pkey = NULL;
	if (e != NULL && n != NULL && build != NULL && BN_num_bits(n) >= DNSSEC_RSA_BITS_MIN &&
	    BN_num_bits(n) <= DNSSEC_RSA_BITS_MAX && BN_is_odd(n) && BN_is_odd(e) && !BN_is_one(e) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n) &&
	    OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e))
		pkey = pkey_from_params("RSA", build);
	OSSL_PARAM_BLD_free(build);
	BN_free(e);
	BN_free(n);
	return pkey;
}

static _Atomic uint64_t key_last;

int dnssec_key_new(const uint8_t *dnskey_rdata, size_t len, struct dnssec_key **ret)
{
	if (len < 5 || dnskey_rdata[2] != 3) /* RFC 4034 section 2.1.2: protocol */
		return BANYAN_EMALF;
	const struct algorithm *a = algorithm_find(dnskey_rdata[3]);
	if (a == NULL)
		return BANYAN_EUNSUPP;
	const uint8_t *data = dnskey_rdata + 4;
	struct dnssec_key *key = calloc(1, sizeof *key);
	if (key == NULL)
		return BANYAN_ENOMEM;
	bool good;
	if (a->coordinate > 0) /* RFC 6605 section 4: the point's two coordinates */
		good = len - 4 == 2U * a->coordinate && ecdsa_key_init(&key->ecdsa, data, a->coordinate);
	else if (a->rsa)
		good = (key->pkey = pkey_rsa(data, len - 4)) != NULL;
	else /* RFC 8080 section 3 */
		good = (key->pkey = EVP_PKEY_new_raw_public_key_ex(NULL, a->name, NULL, data, len - 4)) != NULL;
	if (!good) {
		ERR_clear_error();
		free(key);
		return BANYAN_EMALF;
	}
	key->id = atomic_fetch_add_explicit(&key_last, 1, memory_order_relaxed) + 1;
	key->md = a->digest >= 0 ? digest_md((enum digest)a->digest) : NULL;
	key->flags = wire_get16(dnskey_rdata);
	key->tag = dnssec_key_tag(dnskey_rdata, len);
	key->algorithm = a->number;
	key->coordinate = a->coordinate;
	*ret = key;
	return 0;
}

void dnssec_key_free(struct dnssec_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	ecdsa_key_done(&key->ecdsa);
	free(key);
}

int dnssec_ds_match(const uint8_t *owner, const struct wire_rdata *ds, const struct wire_rdata *dnskey)
{
	uint8_t name[WIRE_NAME_MAX], digest[EVP_MAX_MD_SIZE];
	unsigned digest_len = 0;
	if (ds->len < 5 || dnskey->len < 5)
		return 0;
	const EVP_MD *md = ds->data[3] == 1   ? digest_md(DIGEST_SHA1)
			   : ds->data[3] == 2 ? digest_md(DIGEST_SHA256)
			   : ds->data[3] == 4 ? digest_md(DIGEST_SHA384)
					      : NULL;
	if (wire_get16(ds->data) != dnssec_key_tag(dnskey->data, dnskey->len) || ds->data[2] != dnskey->data[3])
		return 0;
	if (md == NULL)
		return BANYAN_EUNSUPP;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool done = ctx != NULL && EVP_DigestInit_ex2(ctx, md, NULL) && /* RFC 4034 section 5.1.4 */
		    EVP_DigestUpdate(ctx, name, wire_name_lower(owner, name)) &&
		    EVP_DigestUpdate(ctx, dnskey->data, dnskey->len) && EVP_DigestFinal_ex(ctx, digest, &digest_len);
	EVP_MD_CTX_free(ctx);
	if (!done)
		return BANYAN_ENOMEM;
	return ds->len - 4U == digest_len && memcmp(ds->data + 4, digest, digest_len) == 0;
}

int nsec3_hash(EVP_MD_CTX *ctx, const uint8_t *name, uint16_t iterations, const uint8_t *salt, uint8_t salt_len,
	       uint8_t out[NSEC3_HASH_SIZE])
{
	uint8_t lower[WIRE_NAME_MAX];
	const uint8_t *data = lower;
	size_t len = wire_name_lower(name, lower);
	for (unsigned i = 0; i <= iterations; i++) {
		if (!EVP_DigestInit_ex2(ctx, digest_md(DIGEST_SHA1), NULL) || !EVP_DigestUpdate(ctx, data, len) ||
		    !EVP_DigestUpdate(ctx, salt, salt_len) || !EVP_DigestFinal_ex(ctx, out, NULL))
			return BANYAN_EOTHER;
		data = out;
		len = NSEC3_HASH_SIZE;
	}
	return 0;
}

int dnssec_nsec3_hash(const uint8_t *name, uint16_t iterations, const uint8_t *salt, uint8_t salt_len, uint8_t out[20])
{
	if (iterations > DNSSEC_NSEC3_ITERATIONS_MAX)
		return BANYAN_ELIMIT;
	struct scratch *scratch = scratch_get(); /* hashing is on the path of answers, which allocates nothing */
	return scratch == NULL ? BANYAN_ENOMEM : nsec3_hash(scratch->nsec3_ctx, name, iterations, salt, salt_len, out);
}
