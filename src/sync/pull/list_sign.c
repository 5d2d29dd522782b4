// SPDX-License-Identifier: GPL-3.0-or-later
/* Checksums and signatures of publication lists, by libcrypto. */
#include "private.h"

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

#define SIGNATURE_LEN 64 /* bytes, RFC 8032 section 5.1.6 */

static void pkey_free(EVP_PKEY **key)
{
	EVP_PKEY_free(*key);
}

static void md_ctx_free(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

static void bio_free(BIO **bio)
{
	BIO_free(*bio);
}

int pull_sha256_text(const void *data, size_t len, char ret[65])
{
	uint8_t digest[32];
	if (EVP_Digest(data, len, digest, NULL, EVP_sha256(), NULL) != 1)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < sizeof digest; i++)
		snprintf(ret + 2 * i, 3, "%02x", digest[i]);
	return 0;
}

static bool verifies(EVP_PKEY *key, const void *data, size_t len, const uint8_t signature[SIGNATURE_LEN])
{
	_cleanup_(md_ctx_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	return ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, key) == 1 &&
	       EVP_DigestVerify(ctx, signature, SIGNATURE_LEN, data, len) == 1;
}

static int signature_decode(const char *text, uint8_t ret[SIGNATURE_LEN])
{
	uint8_t room[PULL_ED25519_BASE64], again[PULL_ED25519_BASE64 + 1];
	/* 64 bytes in base64 end with two signs for padding */
	if (strlen(text) != PULL_ED25519_BASE64 || strcspn(text, "=") != PULL_ED25519_BASE64 - 2 ||
	    EVP_DecodeBlock(room, (const uint8_t *)text, PULL_ED25519_BASE64) != SIGNATURE_LEN + 2)
		return BANYAN_EMALF;
	memcpy(ret, room, SIGNATURE_LEN);
	/* one signature has one text */
	EVP_EncodeBlock(again, ret, SIGNATURE_LEN);
	return memcmp(again, text, PULL_ED25519_BASE64) == 0 ? 0 : BANYAN_EMALF;
}

int pull_list_signature_check(const char *keys, const void *data, size_t len, const char *signature,
			      char why[PULL_WHY_MAX])
{
	uint8_t raw[SIGNATURE_LEN];
	if (signature_decode(signature, raw) < 0)
		return pull_wrong(why, BANYAN_EPROOF, "the signature is not %d bytes in base64", SIGNATURE_LEN);
	_cleanup_(bio_free) BIO *bio = BIO_new_mem_buf(keys, -1);
	if (bio == NULL)
		return pull_wrong(why, BANYAN_ENOMEM, "out of memory");
	for (unsigned n = 0; n < PULL_LIST_KEYS_MAX; n++) {
		_cleanup_(pkey_free) EVP_PKEY *key = PEM_read_bio_PUBKEY(bio, NULL, NULL, NULL);
		if (key == NULL && n == 0)
			return pull_wrong(why, BANYAN_ECONFIG,
					  "the key file has no public key (PEM, -----BEGIN PUBLIC KEY-----)");
		if (key == NULL)
			break;
		if (EVP_PKEY_id(key) != EVP_PKEY_ED25519)
			return pull_wrong(why, BANYAN_ECONFIG, "a public key in the key file is not of Ed25519");
		if (verifies(key, data, len, raw))
			return 0;
	}
	return pull_wrong(why, BANYAN_EPROOF,
			  "the signature is not that of the key: the list is damaged or forged, or the "
			  "publisher has another key now");
}

static int public_pem(EVP_PKEY *key, struct buffer *ret)
{
	_cleanup_(bio_free) BIO *bio = BIO_new(BIO_s_mem());
	char *text;
	if (bio == NULL || PEM_write_bio_PUBKEY(bio, key) != 1)
		return BANYAN_ENOMEM;
	long len = BIO_get_mem_data(bio, &text);
	return buffer_printf(ret, "%.*s", (int)len, text) < 0 ? BANYAN_ENOMEM : 0;
}

int pull_list_signature_make(const char *private_key, const void *data, size_t len,
			     char ret_signature[PULL_ED25519_BASE64 + 1], struct buffer *ret_public_key,
			     char why[PULL_WHY_MAX])
{
	uint8_t raw[SIGNATURE_LEN];
	size_t raw_len = sizeof raw;
	_cleanup_(bio_free) BIO *bio = BIO_new_mem_buf(private_key, -1);
	_cleanup_(md_ctx_free) EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	/* without a passphrase: nobody is there to type it */
	_cleanup_(pkey_free) EVP_PKEY *key = bio == NULL ? NULL : PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"");
	if (key == NULL || EVP_PKEY_id(key) != EVP_PKEY_ED25519)
		return pull_wrong(why, BANYAN_ECONFIG,
				  "this is no private key of Ed25519 in PEM without passphrase; make one with: openssl "
				  "genpkey -algorithm ed25519 -out private.pem");
	if (ctx == NULL || EVP_DigestSignInit(ctx, NULL, NULL, NULL, key) != 1 ||
	    EVP_DigestSign(ctx, raw, &raw_len, data, len) != 1 || raw_len != sizeof raw)
		return pull_wrong(why, BANYAN_EOTHER, "libcrypto cannot sign");
	EVP_EncodeBlock((uint8_t *)ret_signature, raw, sizeof raw);
	int rc = public_pem(key, ret_public_key);
	return rc < 0 ? pull_wrong(why, rc, "%s", error_text(rc)) : 0;
}
