// SPDX-License-Identifier: GPL-3.0-or-later
/* A small signer for tests: records, signed with keys made on the spot, into zones that prove; and changed, that must not. */
#pragma once

#include <openssl/evp.h>

#include "zone/private.h"

#define SIGNER_NOW 1785546000 /* when the test zones are proved */

struct test_record {
	uint8_t owner[WIRE_NAME_MAX], *rdata;
	size_t owner_len;
	uint16_t type, len;
	uint32_t ttl;
};

struct test_zone {
	uint8_t apex[WIRE_NAME_MAX];
	struct test_record *record;
	size_t n, cap;
};

struct signer {
	uint8_t algorithm;
	bool nsec3, opt_out, zonemd;
	uint8_t zonemd_hash; /* 1 or 2 */
	uint16_t flags;      /* of the DNSKEY; 0 = 257 */
	uint32_t inception, expiration;
	EVP_PKEY *pkey;
	uint8_t dnskey[600];
	uint16_t dnskey_len;
};

/* A signer with a new key of this algorithm (8, 13 or 15), NSEC and no ZONEMD. */
void signer_init(struct signer *signer, uint8_t algorithm);
void signer_done(struct signer *signer);
/* The records of the text, plus DNSKEY, denial, signatures and digest. */
void signer_make(const struct signer *signer, const char *origin, const char *text, struct test_zone *ret);
/* Signs the set of `type` at `owner` and adds the RRSIG. */
void signer_sign(const struct signer *signer, struct test_zone *zone, const uint8_t *owner, uint16_t type);
/* Computes the digest anew and signs it. */
void signer_digest(const struct signer *signer, struct test_zone *zone);

void test_zone_from(const struct zone *zone, struct test_zone *ret);
struct test_record *test_zone_add(struct test_zone *zone, const uint8_t *owner, uint16_t type, uint32_t ttl,
				  const uint8_t *rdata, size_t len);
/* Takes out the records of this type (for RRSIG: those that cover `covered`) at this name. Returns their number. */
unsigned test_zone_remove(struct test_zone *zone, const char *owner, uint16_t type, uint16_t covered);
struct test_record *test_zone_find(struct test_zone *zone, const char *owner, uint16_t type, uint16_t covered);
void test_zone_free(struct test_zone *zone);
struct zone *test_zone_build(const struct test_zone *zone);
/* The signer's key as a trust anchor. */
void signer_anchor(const struct signer *signer, const struct test_zone *zone, struct dnssec_anchors *ret);
