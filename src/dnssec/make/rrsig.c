// SPDX-License-Identifier: GPL-3.0-or-later
/* Signatures made: one RRSIG over one RRset (RFC 4034 section 3.1). */
#include "private.h"

#include <openssl/bn.h>
#include <openssl/ecdsa.h>
#include <openssl/err.h>
#include <openssl/rsa.h>
#include <stdlib.h>
#include <string.h>

#include "dnssec/private.h"

#define SIGNER_SLOTS 8 /* keys in use at once: KSK, ZSK and their successors of two algorithms */

struct make_signer {
	EVP_MD_CTX *md_ctx;
	struct {
		uint64_t key; /* its id */
		EVP_PKEY_CTX *ctx;
	} slot[SIGNER_SLOTS];
	unsigned next_slot;
	struct buffer data; /* what is signed */
};

int make_signer_new(struct make_signer **ret)
{
	struct make_signer *signer = calloc(1, sizeof *signer);
	if (signer == NULL || (signer->md_ctx = EVP_MD_CTX_new()) == NULL) {
		free(signer);
		return BANYAN_ENOMEM;
	}
	*ret = signer;
	return 0;
}

void make_signer_free(struct make_signer *signer)
{
	if (signer == NULL)
		return;
	for (unsigned i = 0; i < SIGNER_SLOTS; i++)
		EVP_PKEY_CTX_free(signer->slot[i].ctx);
	EVP_MD_CTX_free(signer->md_ctx);
	buffer_done(&signer->data);
	free(signer);
}

/* A context that is ready to sign with this key: the last ones are kept. */
static EVP_PKEY_CTX *signer_context(struct make_signer *s, const struct make_key *key)
{
	for (unsigned i = 0; i < SIGNER_SLOTS; i++)
		if (s->slot[i].key == key->id)
			return s->slot[i].ctx;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->secret->pkey, NULL);
	if (ctx == NULL || EVP_PKEY_sign_init(ctx) <= 0 ||
	    (key->algorithm->coordinate == 0 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) <= 0) ||
	    EVP_PKEY_CTX_set_signature_md(ctx, make_algorithm_md(key->algorithm)) <= 0) {
		EVP_PKEY_CTX_free(ctx);
		return NULL;
	}
	unsigned i = s->next_slot++ % SIGNER_SLOTS;
	EVP_PKEY_CTX_free(s->slot[i].ctx);
	s->slot[i].key = key->id;
	s->slot[i].ctx = ctx;
	return ctx;
}

/* RFC 6605 section 4: r and s, each as long as the order, joined; libcrypto gives them as DER. */
static int ecdsa_join(const uint8_t *der, size_t len, unsigned coordinate, uint8_t *out)
{
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &der, (long)len);
	bool good = sig != NULL && BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, (int)coordinate) >= 0 &&
		    BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + coordinate, (int)coordinate) >= 0;
	ECDSA_SIG_free(sig);
	return good ? 0 : BANYAN_EOTHER;
}

static int sign_digest(struct make_signer *s, const struct make_key *key, uint8_t *out)
{
	const struct make_algorithm *a = key->algorithm;
	uint8_t digest[EVP_MAX_MD_SIZE], der[160];
	unsigned digest_len;
	size_t len = a->coordinate > 0 ? sizeof der : key->signature_len;
	EVP_PKEY_CTX *ctx = signer_context(s, key);
	if (ctx == NULL || !EVP_DigestInit_ex2(s->md_ctx, make_algorithm_md(a), NULL) ||
	    !EVP_DigestUpdate(s->md_ctx, s->data.data, s->data.len) ||
	    !EVP_DigestFinal_ex(s->md_ctx, digest, &digest_len))
		return BANYAN_ENOMEM;
	if (EVP_PKEY_sign(ctx, a->coordinate > 0 ? der : out, &len, digest, digest_len) <= 0)
		return BANYAN_EOTHER;
	if (a->coordinate > 0)
		return ecdsa_join(der, len, a->coordinate, out);
	return len == key->signature_len ? 0 : BANYAN_EOTHER;
}

/* The Edwards curves sign the message itself. */
static int sign_message(struct make_signer *s, const struct make_key *key, uint8_t *out)
{
	size_t len = key->signature_len;
	EVP_MD_CTX_reset(s->md_ctx);
	bool good = EVP_DigestSignInit_ex(s->md_ctx, NULL, NULL, NULL, NULL, key->secret->pkey, NULL) > 0 &&
		    EVP_DigestSign(s->md_ctx, out, &len, s->data.data, s->data.len) > 0 && len == key->signature_len;
	EVP_MD_CTX_reset(s->md_ctx);
	return good ? 0 : BANYAN_EOTHER;
}

static int sign_elsewhere(struct make_signer *s, const struct make_key *key, uint8_t *out)
{
	struct make_private *secret = key->secret;
	size_t len = 0;
	if (!secret->elsewhere.parallel)
		pthread_mutex_lock(&secret->turn);
	int rc =
		secret->elsewhere.sign(secret->elsewhere.ctx, s->data.data, s->data.len, out, key->signature_len, &len);
	if (!secret->elsewhere.parallel)
		pthread_mutex_unlock(&secret->turn);
	return rc != 0 ? rc : len == key->signature_len ? 0 : BANYAN_EMALF;
}

size_t make_rrsig_head(const struct wire_rrset *set, const struct make_key *key, const uint8_t *zone, int64_t inception,
		       int64_t expiration, uint8_t *out)
{
	wire_put16(out, set->type);
	out[2] = key->algorithm->number;
	out[3] = (uint8_t)rrsig_labels(set->owner);
	wire_put32(out + 4, set->ttl);
	wire_put32(out + 8, (uint32_t)expiration); /* RFC 4034 section 3.1.5: in serial number arithmetic */
	wire_put32(out + 12, (uint32_t)inception);
	wire_put16(out + 16, key->tag);
	return RRSIG_FIXED_SIZE + wire_name_lower(zone, out + RRSIG_FIXED_SIZE); /* RFC 6840 section 5.1 */
}

size_t make_rrsig_len(const struct make_key *key, const uint8_t *zone)
{
	return RRSIG_FIXED_SIZE + wire_name_len(zone) + key->signature_len;
}

int make_signer_rrsig(struct make_signer *signer, const struct wire_rrset *set, const struct make_key *key,
		      const uint8_t *zone, int64_t inception, int64_t expiration, uint8_t *out, size_t *ret_len)
{
	if (key->secret == NULL)
		return BANYAN_ENOENT;
	if (!wire_name_under(set->owner, zone) || expiration <= inception)
		return BANYAN_EINVAL;
	size_t len = make_rrsig_head(set, key, zone, inception, expiration, out);
	int rc = rrsig_signed_data(&signer->data, set, out, len, out[3]);
	if (rc != 0)
		return rc;
	if (key->secret->pkey == NULL)
		rc = sign_elsewhere(signer, key, out + len);
	else if (key->algorithm->digest_bits > 0)
		rc = sign_digest(signer, key, out + len);
	else
		rc = sign_message(signer, key, out + len);
	if (rc != 0) {
		ERR_clear_error();
		return rc;
	}
	*ret_len = len + key->signature_len;
	return 0;
}

int make_rrsig(const struct wire_rrset *set, const struct make_key *key, const uint8_t *signer, int64_t inception,
	       int64_t expiration, struct buffer *out)
{
	uint8_t rdata[MAKE_RRSIG_MAX];
	struct make_signer *s;
	size_t len;
	int rc = make_signer_new(&s);
	if (rc != 0)
		return rc;
	rc = make_signer_rrsig(s, set, key, signer, inception, expiration, rdata, &len);
	make_signer_free(s);
	return rc != 0 ? rc : buffer_append(out, rdata, len);
}
