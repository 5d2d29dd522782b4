// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of pull/ share that read sources and fetch from them. */
#pragma once

#include "pull.h"

/* Writes the sentence and returns `error`. */
int pull_wrong(char why[PULL_WHY_MAX], int error, const char *format, ...) _printf_(3, 4);

/* ---- hosts and URLs (url.c) ---- */
#define PULL_URL_MAX 1023 /* bytes: no honest one comes near */

struct pull_url {
	bool secure;
	char host[256]; /* lower case, IPv6 without brackets */
	uint16_t port;
	size_t path; /* where it begins in the URL, or the URL's length */
};
/* http and https alone, without user, password or fragment. */
int pull_url_parse(const char *url, struct pull_url *ret, char why[PULL_WHY_MAX]) _must_use_;
bool pull_host_good(const char *host); /* a name that DNS could have, or an address */

/* ---- signatures of lists (list_sign.c): Ed25519 (RFC 8032) over the bytes above the dashes ---- */
#define PULL_LIST_KEYS_MAX 4 /* in one file: the present one and the next, and some to spare */

#define PULL_ED25519_BASE64 88 /* bytes of a signature in base64 */
/* Is it signed with one of the PEM public keys? 0, BANYAN_EPROOF (no), BANYAN_ECONFIG (the keys are no keys). */
int pull_list_signature_check(const char *keys, const void *data, size_t len, const char *signature,
			      char why[PULL_WHY_MAX]) _must_use_;
/* The signature, with a NUL, and the public key that belongs to the private one as PEM. BANYAN_ECONFIG. */
int pull_list_signature_make(const char *private_key, const void *data, size_t len,
			     char ret_signature[PULL_ED25519_BASE64 + 1], struct buffer *ret_public_key,
			     char why[PULL_WHY_MAX]) _must_use_;
/* SHA-256 as 64 lower-case digits and a NUL. */
int pull_sha256_text(const void *data, size_t len, char ret[65]) _must_use_;
