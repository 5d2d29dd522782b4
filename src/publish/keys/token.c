// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Keys in tokens (PKCS #11), by GnuTLS: the only file that knows it here. Everything is asked by URI (RFC 7512). A session is opened for each
 * key that signs; when the token goes, the signature fails, says why, and the next keys_signing() tries it anew.
 */
#include <errno.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <gnutls/pkcs11.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "folder.h"

#define ID_SIZE     20 /* bytes of CKA_ID: as long as a SHA-1, which others use */
#define MODULES_MAX 8

struct token_key {
	gnutls_privkey_t key;
	uint8_t algorithm;
	char *trouble; /* KEYS_WHY_MAX bytes; not ours */
	char uri[KEYS_PLACE_MAX];
};

bool keys_place_token(const char *place)
{
	return strncmp(place, "pkcs11:", 7) == 0;
}

/* A module that has lost its token does not always find it again: when nothing of it is in use, all modules are loaded anew. */
static _Atomic bool broken;
static _Atomic unsigned in_use;
static bool ready;
static char loaded[MODULES_MAX][KEYS_PLACE_MAX];

static int trouble(char why[KEYS_WHY_MAX], const char *uri, const char *what, int rc)
{
	broken = true;
	bool absent = rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE;
	return keys_wrong(why, BANYAN_EIO, "%s: %s: %s", uri, what,
			  absent ? "no token or object answers to this URI" : gnutls_strerror(rc));
}

/* The value of `module-path` in the query of a URI (RFC 7512 section 2.4), which p11-kit leaves to us. */
static int load_module(const char *uri, char why[KEYS_WHY_MAX])
{
	char path[KEYS_PLACE_MAX];
	const char *at = strstr(uri, "module-path=");
	if (at == NULL)
		return 0;
	at += strlen("module-path=");
	snprintf(path, sizeof path, "%.*s", (int)strcspn(at, "&;"), at);
	for (size_t i = 0; i < MODULES_MAX; i++) {
		if (strcmp(loaded[i], path) == 0)
			return 0;
		if (loaded[i][0] != '\0')
			continue;
		int rc = gnutls_pkcs11_add_provider(path, NULL);
		if (rc < 0)
			return keys_wrong(why, BANYAN_EIO,
					  "%s: the module cannot be loaded (are its tokens there?): %s", uri,
					  gnutls_strerror(rc));
		memcpy(loaded[i], path, sizeof path);
		return 0;
	}
	return keys_wrong(why, BANYAN_ELIMIT, "%d modules of PKCS #11 are the most", MODULES_MAX);
}

/* A PIN is in a file that nobody else reads. GnuTLS wants its path alone, RFC 7512 section 2.4 has "file:" before it. */
static int check_pin(const char *uri, char gnutls_uri[KEYS_PLACE_MAX], char why[KEYS_WHY_MAX])
{
	char path[KEYS_PLACE_MAX];
	struct stat st;
	if (strlen(uri) >= KEYS_PLACE_MAX || strpbrk(uri, " \t\n") != NULL)
		return keys_wrong(why, BANYAN_EINVAL, "a URI of PKCS #11 has at most %d bytes, and %%20 for a space",
				  KEYS_PLACE_MAX - 1);
	snprintf(gnutls_uri, KEYS_PLACE_MAX, "%s", uri);
	if (strstr(uri, "pin-value=") != NULL)
		return keys_wrong(why, BANYAN_EACCES,
				  "the URI of a token is kept in the state: put the PIN into a file of mode "
				  "0600, without a newline, and say pin-source=file:PATH");
	char *file = strstr(gnutls_uri, "pin-source=file:");
	if (file != NULL)
		memmove(file + strlen("pin-source="), file + strlen("pin-source=file:"),
			strlen(file + strlen("pin-source=file:")) + 1);
	const char *at = strstr(gnutls_uri, "pin-source=");
	if (at == NULL)
		return 0;
	at += strlen("pin-source=");
	snprintf(path, sizeof path, "%.*s", (int)strcspn(at, "&;"), at);
	if (stat(path, &st) < 0)
		return keys_wrong(why, error_from_errno(errno), "%s: the PIN cannot be read: %s", path,
				  strerror(errno));
	if ((st.st_mode & 077) != 0)
		return keys_wrong(why, BANYAN_EACCES, "%s: others may read this PIN (mode %04o): chmod 600 it", path,
				  (unsigned)st.st_mode & 07777);
	return 0;
}

/* `gnutls_uri` (KEYS_PLACE_MAX bytes) gets the URI as GnuTLS wants it. */
static int begin(const char *uri, char *gnutls_uri, char why[KEYS_WHY_MAX])
{
	int rc = check_pin(uri, gnutls_uri, why);
	if (rc != 0)
		return rc;
	if (ready && broken && in_use == 0) {
		gnutls_pkcs11_deinit();
		memset(loaded, 0, sizeof loaded);
		ready = false;
		broken = false;
	}
	if (!ready) {
		rc = gnutls_global_init();
		/* a module of its own alone, when the URI names one: others may be slow, or ask for cards */
		if (rc >= 0)
			rc = gnutls_pkcs11_init(strstr(uri, "module-path=") != NULL ? GNUTLS_PKCS11_FLAG_MANUAL
										    : GNUTLS_PKCS11_FLAG_AUTO,
						NULL);
		ready = rc >= 0;
	}
	return rc < 0 ? trouble(why, uri, "PKCS #11 cannot be used", rc) : load_module(uri, why);
}

/* ---- the public half ---- */

static size_t put_datum(uint8_t *out, const gnutls_datum_t *datum, size_t len)
{
	/* numbers may come with a zero in front, or shorter than the curve's */
	size_t skip = 0;
	while (len == 0 ? skip + 1 < datum->size && datum->data[skip] == 0 : datum->size - skip > len)
		skip++;
	size_t have = datum->size - skip, want = len == 0 ? have : len;
	memset(out, 0, want - have);
	memcpy(out + want - have, datum->data + skip, have);
	return want;
}

static size_t put_rsa(const gnutls_datum_t *n, const gnutls_datum_t *e, uint8_t *out)
{
	size_t len = put_datum(out + 1, e, 0);
	out[0] = (uint8_t)len; /* RFC 3110 section 2 */
	return 1 + len + put_datum(out + 1 + len, n, 0);
}

static int public_bytes(gnutls_pubkey_t pub, uint8_t algorithm, uint8_t *out, size_t *ret_len)
{
	gnutls_datum_t a = {0}, b = {0};
	gnutls_ecc_curve_t curve;
	size_t point = algorithm == DNSSEC_ECDSAP256SHA256 ? 32 : algorithm == DNSSEC_ECDSAP384SHA384 ? 48 : 0;
	int rc;
	if (algorithm == DNSSEC_RSASHA256 || algorithm == DNSSEC_RSASHA512) {
		rc = gnutls_pubkey_export_rsa_raw(pub, &a, &b);
		if (rc >= 0 && (a.size > MAKE_RSA_BITS_MAX / 8 + 1 || b.size > 8))
			rc = GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
		if (rc >= 0)
			*ret_len = put_rsa(&a, &b, out);
	} else {
		rc = gnutls_pubkey_export_ecc_raw(pub, &curve, &a, &b);
		bool fits =
			rc >= 0 && (point == 32   ? curve == GNUTLS_ECC_CURVE_SECP256R1
				    : point == 48 ? curve == GNUTLS_ECC_CURVE_SECP384R1
						  : algorithm == DNSSEC_ED25519 && curve == GNUTLS_ECC_CURVE_ED25519);
		if (rc >= 0 && !fits)
			rc = GNUTLS_E_UNSUPPORTED_SIGNATURE_ALGORITHM;
		if (rc >= 0 && point > 0)
			*ret_len = put_datum(out, &a, point) + put_datum(out + point, &b, point);
		else if (rc >= 0)
			*ret_len = put_datum(out, &a, 32);
	}
	gnutls_free(a.data);
	gnutls_free(b.data);
	return rc;
}

static int public_rdata(gnutls_pubkey_t pub, const char *uri, uint8_t algorithm, uint16_t flags, uint8_t *rdata,
			size_t *ret_len, char why[KEYS_WHY_MAX])
{
	size_t len = 0;
	int rc = public_bytes(pub, algorithm, rdata + 4, &len);
	if (rc < 0)
		return trouble(why, uri, "its public half is not one of this algorithm", rc);
	wire_put16(rdata, flags);
	rdata[2] = 3;
	rdata[3] = algorithm;
	*ret_len = 4 + len;
	return 0;
}

/* The public half of a private key. Tokens that do not tell it of the private object have it as an object of its own. */
static int public_of(gnutls_privkey_t key, const char *uri, gnutls_pubkey_t *ret)
{
	gnutls_pubkey_t pub;
	char public[KEYS_PLACE_MAX + 16];
	int rc = gnutls_pubkey_init(&pub);
	if (rc < 0)
		return rc;
	rc = gnutls_pubkey_import_privkey(pub, key, 0, 0);
	if (rc < 0) {
		const char *type = strstr(uri, "type=private");
		if (type == NULL)
			snprintf(public, sizeof public, "%s", uri);
		else
			snprintf(public, sizeof public, "%.*stype=public%s", (int)(type - uri), uri,
				 type + strlen("type=private"));
		rc = gnutls_pubkey_import_url(pub, public, GNUTLS_PKCS11_OBJ_FLAG_LOGIN);
	}
	if (rc < 0)
		gnutls_pubkey_deinit(pub);
	else
		*ret = pub;
	return rc;
}

static int open_private(const char *uri, gnutls_privkey_t *ret)
{
	gnutls_privkey_t key;
	int rc = gnutls_privkey_init(&key);
	if (rc < 0)
		return rc;
	rc = gnutls_privkey_import_url(key, uri, 0);
	if (rc < 0)
		gnutls_privkey_deinit(key);
	else
		*ret = key;
	return rc;
}

int keys_token_public(const char *uri, uint8_t algorithm, uint16_t flags, uint8_t rdata[KEYS_RDATA_MAX],
		      size_t *ret_len, char why[KEYS_WHY_MAX])
{
	gnutls_privkey_t key;
	gnutls_pubkey_t pub;
	char given[KEYS_PLACE_MAX];
	int rc = begin(uri, given, why);
	if (rc != 0)
		return rc;
	rc = open_private(given, &key);
	if (rc < 0)
		return trouble(why, uri, "the key cannot be used", rc);
	rc = public_of(key, given, &pub);
	gnutls_privkey_deinit(key);
	if (rc < 0)
		return trouble(why, uri, "its public half cannot be read", rc);
	rc = public_rdata(pub, uri, algorithm, flags, rdata, ret_len, why);
	gnutls_pubkey_deinit(pub);
	return rc;
}

/* ---- generating ---- */

/* The URI of a new object: that of its token with an ID, before the query. */
static int object_uri(const char *uri, const uint8_t id[ID_SIZE], char place[KEYS_PLACE_MAX])
{
	size_t head = strcspn(uri, "?");
	int len = snprintf(place, KEYS_PLACE_MAX, "%.*s%sid=", (int)head, uri,
			   head > strlen("pkcs11:") && uri[head - 1] != ';' ? ";" : "");
	for (size_t i = 0; i < ID_SIZE && len < KEYS_PLACE_MAX; i++)
		len += snprintf(place + len, (size_t)(KEYS_PLACE_MAX - len), "%%%02X", id[i]);
	if (len < KEYS_PLACE_MAX)
		len += snprintf(place + len, (size_t)(KEYS_PLACE_MAX - len), ";type=private%s", uri + head);
	return len < KEYS_PLACE_MAX ? 0 : BANYAN_ESPACE;
}

int keys_token_place(const char *uri, char place[KEYS_PLACE_MAX], char why[KEYS_WHY_MAX])
{
	uint8_t id[ID_SIZE];
	struct random random;
	random_init_kernel(&random);
	random_bytes(&random, id, sizeof id);
	if (object_uri(uri, id, place) != 0)
		return keys_wrong(why, BANYAN_EINVAL, "the URI of the token is too long: %d bytes are the most",
				  KEYS_PLACE_MAX - 80);
	return 0;
}

/* The ID that object_uri() has put into a URI. */
static bool object_id(const char *place, uint8_t id[ID_SIZE])
{
	const char *at = strstr(place, "id=%");
	for (size_t i = 0; at != NULL && i < ID_SIZE; i++) {
		unsigned byte;
		if (sscanf(at + 3 + 3 * i, "%%%2X", &byte) != 1)
			return false;
		id[i] = (uint8_t)byte;
	}
	return at != NULL;
}

int keys_token_generate(const char *uri, const char *place, uint8_t algorithm, unsigned bits, const char *label,
			uint16_t flags, bool *ret_made, uint8_t rdata[KEYS_RDATA_MAX], size_t *ret_len,
			char why[KEYS_WHY_MAX])
{
	bool rsa = algorithm == DNSSEC_RSASHA256 || algorithm == DNSSEC_RSASHA512;
	gnutls_pk_algorithm_t pk = rsa                                   ? GNUTLS_PK_RSA
				   : algorithm == DNSSEC_ED25519         ? GNUTLS_PK_EDDSA_ED25519
				   : algorithm == DNSSEC_ECDSAP256SHA256 ? GNUTLS_PK_ECDSA
				   : algorithm == DNSSEC_ECDSAP384SHA384 ? GNUTLS_PK_ECDSA
									 : GNUTLS_PK_UNKNOWN;
	unsigned size = rsa ? bits
			    : GNUTLS_CURVE_TO_BITS(algorithm == DNSSEC_ED25519           ? GNUTLS_ECC_CURVE_ED25519
						   : algorithm == DNSSEC_ECDSAP256SHA256 ? GNUTLS_ECC_CURVE_SECP256R1
											 : GNUTLS_ECC_CURVE_SECP384R1);
	uint8_t id[ID_SIZE];
	char given[KEYS_PLACE_MAX];
	*ret_made = false;
	if (pk == GNUTLS_PK_UNKNOWN)
		return keys_wrong(why, BANYAN_EUNSUPP,
				  "keys of algorithm %u are not made in tokens: 8, 10, 13, 14 or 15", algorithm);
	if (!object_id(place, id))
		return keys_wrong(why, BANYAN_EINVAL, "%s: this is no URI of a new object", place);
	int rc = begin(uri, given, why);
	if (rc != 0)
		return rc;
	gnutls_datum_t cid = {.data = id, .size = sizeof id}, der = {0};
	/* a private half that never leaves the token */
	rc = gnutls_pkcs11_privkey_generate3(given, pk, size, label, &cid, GNUTLS_X509_FMT_DER, &der,
					     GNUTLS_KEY_DIGITAL_SIGNATURE,
					     GNUTLS_PKCS11_OBJ_FLAG_LOGIN | GNUTLS_PKCS11_OBJ_FLAG_MARK_PRIVATE |
						     GNUTLS_PKCS11_OBJ_FLAG_MARK_SENSITIVE);
	gnutls_free(der.data);
	if (rc < 0)
		return trouble(why, uri, "no key can be made in this token", rc);
	*ret_made = true;
	return keys_token_public(place, algorithm, flags, rdata, ret_len, why);
}

/* ---- taking away ---- */

int keys_token_remove(const char *uri, char why[KEYS_WHY_MAX])
{
	char given[KEYS_PLACE_MAX], public[KEYS_PLACE_MAX + 16];
	int rc = begin(uri, given, why);
	const char *type = rc == 0 ? strstr(given, "type=private") : NULL;
	if (rc != 0)
		return rc;
	if (type == NULL)
		return keys_wrong(why, BANYAN_EINVAL, "%s: this names no private key", uri);
	snprintf(public, sizeof public, "%.*stype=public%s", (int)(type - given), given, type + strlen("type=private"));
	rc = gnutls_pkcs11_delete_url(given, GNUTLS_PKCS11_OBJ_FLAG_LOGIN);
	if (rc >= 0)
		(void)gnutls_pkcs11_delete_url(public, GNUTLS_PKCS11_OBJ_FLAG_LOGIN); /* not all tokens have one */
	return rc < 0 ? trouble(why, uri, "the key cannot be deleted", rc) : 0;
}

/* ---- signing ---- */

static gnutls_sign_algorithm_t sign_algorithm(uint8_t algorithm)
{
	switch (algorithm) {
	case DNSSEC_RSASHA256:
		return GNUTLS_SIGN_RSA_SHA256;
	case DNSSEC_RSASHA512:
		return GNUTLS_SIGN_RSA_SHA512;
	case DNSSEC_ECDSAP256SHA256:
		return GNUTLS_SIGN_ECDSA_SHA256;
	case DNSSEC_ECDSAP384SHA384:
		return GNUTLS_SIGN_ECDSA_SHA384;
	case DNSSEC_ED25519:
		return GNUTLS_SIGN_EDDSA_ED25519;
	default:
		return GNUTLS_SIGN_UNKNOWN;
	}
}

/* RFC 6605 section 4: r and s, each as long as the curve's numbers. */
static int put_ecdsa(const gnutls_datum_t *der, size_t point, uint8_t *out, size_t cap, size_t *ret_len)
{
	gnutls_datum_t r = {0}, s = {0};
	int rc = cap < 2 * point ? GNUTLS_E_SHORT_MEMORY_BUFFER : gnutls_decode_rs_value(der, &r, &s);
	if (rc >= 0) {
		put_datum(out, &r, point);
		put_datum(out + point, &s, point);
		*ret_len = 2 * point;
	}
	gnutls_free(r.data);
	gnutls_free(s.data);
	return rc;
}

static int token_sign(void *ctx, const uint8_t *data, size_t len, uint8_t *out, size_t cap, size_t *ret_len)
{
	struct token_key *token = ctx;
	gnutls_datum_t in = {.data = (uint8_t *)(uintptr_t)data, .size = (unsigned)len}, sig = {0};
	size_t point = token->algorithm == DNSSEC_ECDSAP256SHA256   ? 32
		       : token->algorithm == DNSSEC_ECDSAP384SHA384 ? 48
								    : 0;
	int rc = gnutls_privkey_sign_data2(token->key, sign_algorithm(token->algorithm), 0, &in, &sig);
	if (rc >= 0 && point > 0) {
		rc = put_ecdsa(&sig, point, out, cap, ret_len);
	} else if (rc >= 0 && sig.size <= cap) {
		memcpy(out, sig.data, sig.size);
		*ret_len = sig.size;
	} else if (rc >= 0) {
		rc = GNUTLS_E_SHORT_MEMORY_BUFFER;
	}
	gnutls_free(sig.data);
	if (rc >= 0)
		return 0;
	trouble(token->trouble, token->uri, "the token does not sign (is it still there?)", rc);
	return BANYAN_EIO;
}

static void token_done(void *ctx)
{
	struct token_key *token = ctx;
	gnutls_privkey_deinit(token->key);
	in_use--;
	free(token);
}

int keys_token_open(const char *uri, const uint8_t *rdata, size_t len, char *trouble_text, struct make_key **ret,
		    char why[KEYS_WHY_MAX])
{
	uint8_t there[KEYS_RDATA_MAX];
	char given[KEYS_PLACE_MAX];
	size_t there_len = 0;
	int rc = keys_token_public(uri, rdata[3], wire_get16(rdata), there, &there_len, why);
	if (rc != 0)
		return rc;
	if (there_len != len || memcmp(there, rdata, len) != 0)
		return keys_wrong(why, BANYAN_EINVAL,
				  "the token has another key than the one with the tag %u at this URI",
				  dnssec_key_tag(rdata, len));
	struct token_key *token = calloc(1, sizeof *token);
	if (token == NULL)
		return keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	rc = begin(uri, given, why);
	if (rc != 0) {
		free(token);
		return rc;
	}
	rc = open_private(given, &token->key);
	if (rc < 0) {
		free(token);
		return trouble(why, uri, "the key cannot be used", rc);
	}
	in_use++;
	token->algorithm = rdata[3];
	token->trouble = trouble_text;
	snprintf(token->uri, sizeof token->uri, "%s", uri);
	struct make_elsewhere elsewhere = {.sign = token_sign, .done = token_done, .ctx = token};
	rc = make_key_elsewhere(rdata, len, &elsewhere, ret);
	if (rc != 0) {
		token_done(token);
		return keys_wrong(why, rc, "the key of the token cannot be used: %s", error_text(rc));
	}
	return 0;
}
