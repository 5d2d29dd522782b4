// SPDX-License-Identifier: GPL-3.0-or-later
/* One signature over one RRset (RFC 4034 section 3.1.8.1, RFC 4035 section 5.3). */
#include "private.h"

#include <openssl/err.h>
#include <openssl/rsa.h>
#include <string.h>

int rrsig_parse(const struct wire_rdata *rdata, struct rrsig *ret)
{
	const uint8_t *p = rdata->data;
	if (rdata->len < RRSIG_FIXED_SIZE + 1)
		return BANYAN_EMALF;
	int signer_len = wire_name_check(p + RRSIG_FIXED_SIZE, rdata->len - RRSIG_FIXED_SIZE);
	if (signer_len < 0 || RRSIG_FIXED_SIZE + signer_len >= rdata->len)
		return BANYAN_EMALF;
	*ret = (struct rrsig){
		.covered = wire_get16(p),
		.algorithm = p[2],
		.labels = p[3],
		.original_ttl = wire_get32(p + 4),
		.expiration = wire_get32(p + 8),
		.inception = wire_get32(p + 12),
		.tag = wire_get16(p + 16),
		.signer = p + RRSIG_FIXED_SIZE,
		.signer_len = (uint16_t)signer_len,
		.signature = p + RRSIG_FIXED_SIZE + signer_len,
		.signature_len = (uint16_t)(rdata->len - RRSIG_FIXED_SIZE - signer_len),
	};
	return 0;
}

int64_t rrsig_time(uint32_t stamp, int64_t now)
{
	return now + (int32_t)(stamp - (uint32_t)now);
}

unsigned rrsig_labels(const uint8_t *owner)
{
	return wire_name_labels(owner) - (owner[0] == 1 && owner[1] == '*');
}

enum reason rrsig_time_check(const struct rrsig *sig, int64_t now)
{
	if ((int32_t)(sig->expiration - sig->inception) < 0)
		return REASON_RRSIG_DATES;
	if (rrsig_time(sig->expiration, now) < now)
		return REASON_RRSIG_EXPIRED;
	if (rrsig_time(sig->inception, now) > now)
		return REASON_RRSIG_NOT_YET;
	return REASON_NONE;
}

void verifier_done(struct verifier *verifier)
{
	for (unsigned i = 0; i < VERIFIER_SLOTS; i++)
		EVP_PKEY_CTX_free(verifier->slot[i].ctx);
	EVP_MD_CTX_free(verifier->md_ctx);
	ecdsa_scratch_done(&verifier->ecdsa);
	buffer_done(&verifier->data);
}

/* The owner as it was signed: lower case, a wildcard rebuilt when the labels field says so. Returns its length. */
static size_t signed_owner(const uint8_t *owner, unsigned labels, uint8_t out[WIRE_NAME_MAX])
{
	unsigned has = wire_name_labels(owner);
	if (labels >= rrsig_labels(owner))
		return wire_name_lower(owner, out);
	uint8_t lower[WIRE_NAME_MAX];
	wire_name_lower(wire_name_skip(owner, has - labels), lower);
	int len = wire_name_wildcard(lower, out);
	return len > 0 ? (size_t)len : 0;
}

int rrsig_signed_data(struct buffer *out, const struct wire_rrset *set, const uint8_t *head, size_t head_len,
		      unsigned labels)
{
	uint8_t prefix[WIRE_NAME_MAX + 8], *p;
	size_t owner_len = signed_owner(set->owner, labels, prefix), size = head_len;
	for (uint32_t i = 0; i < set->count; i++)
		size += owner_len + 10 + set->rdata[i].len;
	out->len = 0;
	if (owner_len == 0 || buffer_reserve(out, size) < 0)
		return BANYAN_ENOMEM;
	p = out->data;
	memcpy(p, head, RRSIG_FIXED_SIZE);
	p += RRSIG_FIXED_SIZE;
	p += wire_name_lower(head + RRSIG_FIXED_SIZE, p);
	wire_put16(prefix + owner_len, set->type);
	wire_put16(prefix + owner_len + 2, set->rclass);
	wire_put32(prefix + owner_len + 4, wire_get32(head + 4)); /* the original TTL */
	for (uint32_t i = 0; i < set->count; i++) {
		memcpy(p, prefix, owner_len + 8);
		p += owner_len + 8;
		wire_put16(p, set->rdata[i].len);
		memcpy(p + 2, set->rdata[i].data, set->rdata[i].len);
		p += 2 + set->rdata[i].len;
	}
	out->len = (size_t)(p - out->data);
	return 0;
}

/* A context that is ready to verify with this key: the last ones are kept. */
static EVP_PKEY_CTX *verifier_context(struct verifier *v, const struct dnssec_key *key)
{
	for (unsigned i = 0; i < VERIFIER_SLOTS; i++)
		if (v->slot[i].key == key->id)
			return v->slot[i].ctx;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key->pkey, NULL);
	if (ctx == NULL || EVP_PKEY_verify_init(ctx) <= 0 ||
	    EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) <= 0 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, key->md) <= 0) {
		EVP_PKEY_CTX_free(ctx);
		return NULL;
	}
	struct verifier_slot *slot = &v->slot[v->next_slot++ % VERIFIER_SLOTS];
	EVP_PKEY_CTX_free(slot->ctx);
	*slot = (struct verifier_slot){.key = key->id, .ctx = ctx};
	return ctx;
}

/* The Edwards curves sign the message itself. */
static int verify_message(struct verifier *v, const struct rrsig *sig, const struct dnssec_key *key)
{
	EVP_MD_CTX_reset(v->md_ctx);
	if (EVP_DigestVerifyInit_ex(v->md_ctx, NULL, NULL, NULL, NULL, key->pkey, NULL) <= 0)
		return BANYAN_ENOMEM;
	int good = EVP_DigestVerify(v->md_ctx, sig->signature, sig->signature_len, v->data.data, v->data.len);
	EVP_MD_CTX_reset(v->md_ctx);
	return good == 1 ? 0 : BANYAN_EPROOF;
}

static int verify_digest(struct verifier *v, const struct rrsig *sig, const struct dnssec_key *key)
{
	uint8_t digest[EVP_MAX_MD_SIZE];
	unsigned digest_len;
	if (key->coordinate > 0 && sig->signature_len != 2U * key->coordinate)
		return BANYAN_EPROOF;
	if (!EVP_DigestInit_ex2(v->md_ctx, key->md, NULL) || !EVP_DigestUpdate(v->md_ctx, v->data.data, v->data.len) ||
	    !EVP_DigestFinal_ex(v->md_ctx, digest, &digest_len))
		return BANYAN_ENOMEM;
	if (key->coordinate > 0) /* RFC 6605 section 4: r and s, joined; each as long as the digest */
		return ecdsa_check(&v->ecdsa, &key->ecdsa, digest, sig->signature);
	EVP_PKEY_CTX *ctx = verifier_context(v, key);
	if (ctx == NULL)
		return BANYAN_ENOMEM;
	return EVP_PKEY_verify(ctx, sig->signature, sig->signature_len, digest, digest_len) == 1 ? 0 : BANYAN_EPROOF;
}

int verifier_data(struct verifier *verifier, const struct wire_rrset *set, const struct wire_rdata *rrsig,
		  const struct rrsig *sig)
{
	if (verifier->md_ctx == NULL && (verifier->md_ctx = EVP_MD_CTX_new()) == NULL)
		return BANYAN_ENOMEM;
	return rrsig_signed_data(&verifier->data, set, rrsig->data, RRSIG_FIXED_SIZE + sig->signer_len, sig->labels);
}

int verifier_compute(struct verifier *verifier, const struct rrsig *sig, const struct dnssec_key *key)
{
	int rc = key->md != NULL ? verify_digest(verifier, sig, key) : verify_message(verifier, sig, key);
	if (rc < 0)
		ERR_clear_error();
	return rc;
}

int verifier_check(struct verifier *verifier, const struct wire_rrset *set, const struct wire_rdata *rrsig,
		   const struct rrsig *sig, const struct dnssec_key *key)
{
	int rc = verifier_data(verifier, set, rrsig, sig);
	return rc < 0 ? rc : verifier_compute(verifier, sig, key);
}

int dnssec_rrsig_verify(const struct wire_rrset *set, const struct wire_rdata *rrsig, struct dnssec_key *key,
			int64_t now, enum reason *ret_why)
{
	struct rrsig sig;
	if (rrsig_parse(rrsig, &sig) < 0 || sig.covered != set->type || sig.labels > rrsig_labels(set->owner) ||
	    !wire_name_under(set->owner, sig.signer)) {
		*ret_why = REASON_RRSIG_MALFORMED;
		return BANYAN_EPROOF;
	}
	if (sig.algorithm != key->algorithm || sig.tag != key->tag || (key->flags & DNSSEC_FLAG_ZONE) == 0) {
		*ret_why = REASON_RRSIG_NO_KEY;
		return BANYAN_EPROOF;
	}
	*ret_why = rrsig_time_check(&sig, now);
	if (*ret_why != REASON_NONE)
		return BANYAN_EPROOF;
	_cleanup_(verifier_done) struct verifier verifier = {0};
	int rc = verifier_check(&verifier, set, rrsig, &sig, key);
	if (rc == BANYAN_EPROOF)
		*ret_why = REASON_RRSIG_BOGUS;
	return rc;
}
