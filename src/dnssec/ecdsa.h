// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * dnssec, private: ECDSA on the two curves of RFC 6605, from libcrypto's points.
 *
 * The equation of the check (FIPS 186-5 section 6.4.2) stands here and not in libcrypto's EVP_PKEY, because then a key is but a
 * point, which is cheap to make for every new zone, and because a key that checks again and again (that of a large TLD) gets a
 * table of its multiples, with which a check costs less than half.
 */
#pragma once

#include <openssl/ec.h>

#include "base/base.h"

#define ECDSA_BYTES_MAX 48 /* of a coordinate: P-384 */

/* ---- inverse.c ---- */
#define INVERSE_LIMBS_MAX 7 /* of 62 bits, and two more bits for signs: 384 */
struct inverse_modulus {
	unsigned n_limbs;
	uint64_t inverse; /* modulus^-1 mod 2^62 */
	int64_t limb[INVERSE_LIMBS_MAX];
};
/* `modulus` is an odd prime of `size` bytes, most significant first; 8 <= size <= ECDSA_BYTES_MAX. */
void inverse_modulus_init(struct inverse_modulus *ret, const uint8_t *modulus, size_t size);
/* value^-1, both of the modulus' size; 0 < value < modulus. In variable time: for what is no secret. */
void inverse_compute(const struct inverse_modulus *modulus, const uint8_t *value, size_t size, uint8_t *ret);

/* ---- ecdsa.c ---- */
struct ecdsa_curve;
struct ecdsa_table;

struct ecdsa_key {
	const struct ecdsa_curve *curve;
	EC_POINT *point;
	/* of keys that one thread uses: */
	struct ecdsa_table *table; /* asked for or made; may be NULL */
	uint32_t checks;           /* until the next thought about a table */
};

/* What one thread needs to check. */
struct ecdsa_scratch {
	BN_CTX *ctx;
	BIGNUM *digest, *r, *w, *u1, *u2;
	EC_POINT *sum[2], *part[2]; /* by curve */
};

/* `point`: the two coordinates of `coordinate` bytes each. false: it is none of the curve, or there is no memory. */
bool ecdsa_key_init(struct ecdsa_key *key, const uint8_t *point, size_t coordinate);
void ecdsa_key_done(struct ecdsa_key *key);
/* Counts a check by a key that only this thread uses; `point` as above. */
void ecdsa_key_used(struct ecdsa_key *key, const uint8_t *point);
/* r and s of `coordinate` bytes each; the digest is as long as one. 0, BANYAN_EPROOF or BANYAN_ENOMEM. */
int ecdsa_check(struct ecdsa_scratch *scratch, const struct ecdsa_key *key, const uint8_t *digest, const uint8_t *rs)
	_must_use_;
void ecdsa_scratch_done(struct ecdsa_scratch *scratch);

/* ---- table.c: tables of keys that are used again and again ---- */
#define ECDSA_TABLE_CHECKS 500 /* a table costs what it saves in 700 checks, but not the time of those who check */

/* A table for the point, made already or wanted from now on; NULL = there are enough. Given back when the key goes. */
struct ecdsa_table *ecdsa_table_get(const uint8_t *point);
void ecdsa_table_release(struct ecdsa_table *table);
/* The curve with the point as its base, if it is made; stays as long as the table is held. */
const EC_GROUP *ecdsa_table_group(const struct ecdsa_table *table);
