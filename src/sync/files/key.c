// SPDX-License-Identifier: GPL-3.0-or-later
/* The publisher's key: Ed25519 (RFC 8032). */
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "pointer.h"
#include "private.h"

#define KEY_FILE_MAX 16384 /* bytes: a PEM of Ed25519 has 119, and may have remarks */

struct files_key {
	EVP_PKEY *pkey;
	uint8_t public[FILES_KEY_SIZE];
};

void files_base64(const uint8_t *data, size_t len, char out[FILES_BASE64_MAX])
{
	EVP_EncodeBlock((uint8_t *)out, data, (int)len);
}

int files_unbase64(const char *text, uint8_t *out, size_t len)
{
	uint8_t data[FILES_BASE64_MAX];
	char again[FILES_BASE64_MAX];
	if (len > FILES_SIGNATURE_SIZE || strlen(text) != (len + 2) / 3 * 4 ||
	    EVP_DecodeBlock(data, (const uint8_t *)text, (int)strlen(text)) < 0)
		return -1;
	files_base64(data, len, again);
	if (strcmp(again, text) != 0)
		return -1;
	memcpy(out, data, len);
	return (int)len;
}

int files_key_parse(const char *text, uint8_t ret[FILES_KEY_SIZE])
{
	return files_unbase64(text, ret, FILES_KEY_SIZE) == FILES_KEY_SIZE ? 0 : BANYAN_EINVAL;
}

char *files_key_text(const uint8_t key[FILES_KEY_SIZE], char out[FILES_KEY_TEXT_MAX])
{
	files_base64(key, FILES_KEY_SIZE, out);
	return out;
}

int files_key_read(const char *path, struct files_key **ret, char ret_why[FILES_WHY_MAX])
{
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	struct stat st;
	if (stat(path, &st) == 0 && S_ISREG(st.st_mode) && (st.st_mode & (S_IROTH | S_IWOTH)) != 0) {
		files_why(ret_why,
			  "%s: everybody on this machine may read or write this secret: `chmod o= FILE`, and make "
			  "another one if somebody may have",
			  path);
		return BANYAN_EACCES;
	}
	int rc = file_read(path, KEY_FILE_MAX, &text, &len);
	if (rc < 0) {
		files_why(ret_why, "%s: the key cannot be read: %s", path, error_text(rc));
		return rc;
	}
	struct files_key key = {0};
	BIO *bio = BIO_new_mem_buf(text, (int)len);
	key.pkey = bio != NULL ? PEM_read_bio_PrivateKey(bio, NULL, NULL, (void *)"") : NULL;
	BIO_free(bio);
	ERR_clear_error();
	OPENSSL_cleanse(text, len);
	size_t public_len = sizeof key.public;
	if (key.pkey == NULL || EVP_PKEY_get_raw_public_key(key.pkey, key.public, &public_len) != 1 ||
	    EVP_PKEY_get_id(key.pkey) != EVP_PKEY_ED25519) {
		EVP_PKEY_free(key.pkey);
		files_why(ret_why,
			  "%s: this is no private key of Ed25519 in PEM; make one: openssl genpkey -algorithm "
			  "ed25519 -out FILE",
			  path);
		return BANYAN_EMALF;
	}
	struct files_key *kept = malloc(sizeof *kept);
	if (kept == NULL) {
		EVP_PKEY_free(key.pkey);
		files_why(ret_why, "%s: out of memory", path);
		return BANYAN_ENOMEM;
	}
	*kept = key;
	*ret = kept;
	return 0;
}

void files_key_free(struct files_key *key)
{
	if (key == NULL)
		return;
	EVP_PKEY_free(key->pkey);
	free(key);
}

const uint8_t *files_key_public(const struct files_key *key)
{
	return key->public;
}

int files_key_sign(const struct files_key *key, const uint8_t *data, size_t len, uint8_t out[FILES_SIGNATURE_SIZE])
{
	size_t out_len = FILES_SIGNATURE_SIZE;
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = ctx != NULL && EVP_DigestSignInit(ctx, NULL, NULL, NULL, key->pkey) == 1 &&
		    EVP_DigestSign(ctx, out, &out_len, data, len) == 1 && out_len == FILES_SIGNATURE_SIZE;
	EVP_MD_CTX_free(ctx);
	return good ? 0 : BANYAN_EOTHER;
}

bool files_key_check(const uint8_t *key, const uint8_t *data, size_t len, const uint8_t *signature)
{
	EVP_PKEY *pkey = EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, NULL, key, FILES_KEY_SIZE);
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	bool good = pkey != NULL && ctx != NULL && EVP_DigestVerifyInit(ctx, NULL, NULL, NULL, pkey) == 1 &&
		    EVP_DigestVerify(ctx, signature, FILES_SIGNATURE_SIZE, data, len) == 1;
	EVP_MD_CTX_free(ctx);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return good;
}
