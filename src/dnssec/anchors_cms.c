// SPDX-License-Identifier: GPL-3.0-or-later
/* The detached S/MIME signature of root-anchors.xml (RFC 9718 section 3.2), held against a certificate authority that is given. */
#include "anchors_text.h"

#include <openssl/cms.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>

#define CA_CERTIFICATES_MAX 32 /* in one file: a bundle of an authority's generations */

static void bio_cleanup(BIO **bio)
{
	BIO_free(*bio);
}

static void store_cleanup(X509_STORE **store)
{
	X509_STORE_free(*store);
}

static void cms_cleanup(CMS_ContentInfo **cms)
{
	CMS_ContentInfo_free(*cms);
}

/* PEM, several of them, or one in DER. */
static unsigned store_fill(X509_STORE *store, const uint8_t *ca, size_t len)
{
	unsigned n = 0;
	X509 *certificate;
	_cleanup_(bio_cleanup) BIO *bio = BIO_new_mem_buf(ca, (int)len);
	while (bio != NULL && n < CA_CERTIFICATES_MAX &&
	       (certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL)) != NULL) {
		n += X509_STORE_add_cert(store, certificate) == 1;
		X509_free(certificate);
	}
	if (n == 0 && (certificate = d2i_X509(NULL, &(const uint8_t *){ca}, (long)len)) != NULL) {
		n += X509_STORE_add_cert(store, certificate) == 1;
		X509_free(certificate);
	}
	return n;
}

/* Is one of those who signed the one that is wanted? An authority certifies many. */
static bool signed_by(CMS_ContentInfo *cms, const char *email)
{
	STACK_OF(X509) *signers = email != NULL ? CMS_get0_signers(cms) : NULL;
	bool found = email == NULL;
	for (int i = 0; signers != NULL && i < sk_X509_num(signers); i++)
		found |= X509_check_email(sk_X509_value(signers, i), email, strlen(email), 0) == 1;
	sk_X509_free(signers);
	return found;
}

int dnssec_anchors_check_signature(const struct dnssec_anchors_signature *s, struct dnssec_text_error *ret_error)
{
	_cleanup_(store_cleanup) X509_STORE *store = X509_STORE_new();
	_cleanup_(cms_cleanup) CMS_ContentInfo *cms = NULL;
	_cleanup_(bio_cleanup) BIO *content = NULL;
	char why[160];
	if (store == NULL || s->len > DNSSEC_XML_MAX || s->signature_len > DNSSEC_XML_MAX || s->ca_len > DNSSEC_XML_MAX)
		return text_error(ret_error, s->source, 0, BANYAN_ELIMIT,
				  "the files are too long to be a signature and what it signs");
	if (store_fill(store, s->ca, s->ca_len) == 0) {
		ERR_clear_error();
		return text_error(ret_error, s->source, 0, BANYAN_EMALF,
				  "the certificate authority's file holds no certificate");
	}
	cms = d2i_CMS_ContentInfo(NULL, &(const uint8_t *){s->signature}, (long)s->signature_len);
	content = BIO_new_mem_buf(s->data, (int)s->len);
	if (cms == NULL || content == NULL) {
		ERR_clear_error();
		return text_error(ret_error, s->source, 0, BANYAN_EMALF,
				  "the signature is no CMS or PKCS #7 structure; is it the .p7s file?");
	}
	X509_VERIFY_PARAM *param = X509_STORE_get0_param(store);
	X509_VERIFY_PARAM_set_time(param, (time_t)s->now);
	X509_VERIFY_PARAM_set_purpose(param, X509_PURPOSE_SMIME_SIGN);
	if (CMS_verify(cms, NULL, store, content, NULL, CMS_BINARY) != 1) {
		ERR_error_string_n(ERR_peek_last_error(), why, sizeof why);
		ERR_clear_error();
		return text_error(ret_error, s->source, 0, BANYAN_EPROOF,
				  "the signature does not hold (%s); it is not used. Get both files anew, and see that "
				  "the certificate "
				  "authority is the right one and the clock too",
				  why);
	}
	if (!signed_by(cms, s->email))
		return text_error(ret_error, s->source, 0, BANYAN_EPROOF,
				  "the signature is not by %.100s; it is not used", s->email);
	return 0;
}
