// SPDX-License-Identifier: GPL-3.0-or-later
/* Keys and signatures for tests, made with libcrypto. What is signed is laid out here once more, from RFC 4034 section
 * 3.1.8.1, so that a mistake in src/dnssec/ is not made twice. */
#pragma once

#include <openssl/evp.h>

#include "wire/wire.h"

struct test_key {
	EVP_PKEY *pkey;
	uint8_t algorithm;
	uint16_t len, tag;
	uint8_t rdata[700]; /* DNSKEY */
};

void test_key_make(uint8_t algorithm, uint16_t flags, struct test_key *ret);
/* A P-256 key that is given in hexadecimal: for tests that want a certain key tag. */
void test_key_p256(const char *secret, const char *point, uint16_t flags, struct test_key *ret);
void test_key_done(struct test_key *key);
/* Other flags, the same key. */
void test_key_flags(struct test_key *key, uint16_t flags);
/* DS RDATA; returns its length. */
uint16_t test_key_ds(const struct test_key *key, const char *owner, uint8_t digest, uint8_t *out);

struct test_rrsig {
	const char *signer;
	uint8_t labels;
	uint32_t ttl, expiration, inception;
};
/* Signs the set, whose RDATAs are canonical and in order; `owner` is what is signed (a wildcard as such). Returns the RRSIG's
 * length. */
uint16_t test_key_sign(const struct test_key *key, const struct test_rrsig *sig, const char *owner, uint16_t type,
		       const struct wire_rdata *rdata, size_t n, uint8_t out[1200]);
