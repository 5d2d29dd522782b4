// SPDX-License-Identifier: GPL-3.0-or-later
/* Checks ECDSA signatures (FIPS 186-5 section 6.4.2) by P-256 and P-384. */
#define OPENSSL_SUPPRESS_DEPRECATED /* EC_POINT_get_Jprojective_coordinates_GFp() */

#include "ecdsa.h"

#include <openssl/bn.h>
#include <openssl/obj_mac.h>
#include <pthread.h>
#include <string.h>

enum { CURVE_P256, CURVE_P384, CURVE_COUNT };

struct ecdsa_curve {
	unsigned index;
	size_t size; /* bytes of a coordinate, of the order, and of the digest that is signed */
	EC_GROUP *group;
	BIGNUM *order, *field;
	BIGNUM *gap;       /* field - order: what is less in one may be that much more in the other */
	BN_MONT_CTX *mont; /* of the order */
	struct inverse_modulus inverse;
};

static struct ecdsa_curve curves[CURVE_COUNT];
static pthread_once_t curves_once = PTHREAD_ONCE_INIT;

static bool curve_make(struct ecdsa_curve *curve, unsigned index, int nid, size_t size)
{
	uint8_t order[ECDSA_BYTES_MAX];
	BN_CTX *ctx = BN_CTX_new();
	curve->index = index;
	curve->size = size;
	curve->group = EC_GROUP_new_by_curve_name(nid);
	curve->order = BN_new();
	curve->field = BN_new();
	curve->gap = BN_new();
	curve->mont = BN_MONT_CTX_new();
	bool made = ctx != NULL && curve->group != NULL && curve->order != NULL && curve->field != NULL &&
		    curve->gap != NULL && curve->mont != NULL && EC_GROUP_get_order(curve->group, curve->order, ctx) &&
		    EC_GROUP_get_curve(curve->group, curve->field, NULL, NULL, ctx) &&
		    BN_sub(curve->gap, curve->field, curve->order) && !BN_is_negative(curve->gap) &&
		    BN_MONT_CTX_set(curve->mont, curve->order, ctx) &&
		    BN_bn2binpad(curve->order, order, (int)size) == (int)size;
	if (made)
		inverse_modulus_init(&curve->inverse, order, size);
	BN_CTX_free(ctx);
	return made;
}

/* They live as long as the process. */
static void curves_make(void)
{
	if (!curve_make(&curves[CURVE_P256], CURVE_P256, NID_X9_62_prime256v1, 32))
		curves[CURVE_P256].size = 0;
	if (!curve_make(&curves[CURVE_P384], CURVE_P384, NID_secp384r1, 48))
		curves[CURVE_P384].size = 0;
}

/* ---- keys ---- */

bool ecdsa_key_init(struct ecdsa_key *key, const uint8_t *point, size_t coordinate)
{
	uint8_t octets[1 + 2 * ECDSA_BYTES_MAX] = {POINT_CONVERSION_UNCOMPRESSED};
	pthread_once(&curves_once, curves_make);
	const struct ecdsa_curve *curve = &curves[coordinate == 48 ? CURVE_P384 : CURVE_P256];
	if (curve->size != coordinate)
		return false;
	memcpy(octets + 1, point, 2 * coordinate);
	EC_POINT *made = EC_POINT_new(curve->group);
	/* refuses what is not on the curve */
	if (made == NULL || !EC_POINT_oct2point(curve->group, made, octets, 1 + 2 * coordinate, NULL)) {
		EC_POINT_free(made);
		return false;
	}
	*key = (struct ecdsa_key){.curve = curve, .point = made};
	return true;
}

void ecdsa_key_done(struct ecdsa_key *key)
{
	EC_POINT_free(key->point);
	ecdsa_table_release(key->table);
}

void ecdsa_key_used(struct ecdsa_key *key, const uint8_t *point)
{
	if (++key->checks < ECDSA_TABLE_CHECKS || key->table != NULL || key->curve->index != CURVE_P256)
		return;
	key->checks = 0;
	key->table = ecdsa_table_get(point);
}

/* ---- checks ---- */

static bool scratch_make(struct ecdsa_scratch *s, const struct ecdsa_curve *curve)
{
	if (s->ctx == NULL) {
		s->ctx = BN_CTX_new();
		s->digest = BN_new();
		s->r = BN_new();
		s->w = BN_new();
		s->u1 = BN_new();
		s->u2 = BN_new();
	}
	if (s->sum[curve->index] == NULL) {
		s->sum[curve->index] = EC_POINT_new(curve->group);
		s->part[curve->index] = EC_POINT_new(curve->group);
	}
	return s->ctx != NULL && s->digest != NULL && s->r != NULL && s->w != NULL && s->u1 != NULL && s->u2 != NULL &&
	       s->sum[curve->index] != NULL && s->part[curve->index] != NULL;
}

void ecdsa_scratch_done(struct ecdsa_scratch *s)
{
	for (unsigned i = 0; i < CURVE_COUNT; i++) {
		EC_POINT_free(s->sum[i]);
		EC_POINT_free(s->part[i]);
	}
	BN_free(s->digest);
	BN_free(s->r);
	BN_free(s->w);
	BN_free(s->u1);
	BN_free(s->u2);
	BN_CTX_free(s->ctx);
}

/* w = 1 / w, in Montgomery's form. Our own inverse is five times faster than libcrypto's; but it has libcrypto's word that it is one:
 * were their product not 1, the slow one would be taken. */
static bool invert(struct ecdsa_scratch *s, const struct ecdsa_curve *curve, const uint8_t *octets)
{
	uint8_t inverse[ECDSA_BYTES_MAX];
	inverse_compute(&curve->inverse, octets, curve->size, inverse);
	if (BN_bin2bn(inverse, (int)curve->size, s->u1) == NULL ||
	    !BN_to_montgomery(s->u1, s->u1, curve->mont, s->ctx) ||
	    !BN_mod_mul_montgomery(s->u2, s->w, s->u1, curve->mont, s->ctx))
		return false;
	if (!BN_is_one(s->u2) && (BN_mod_inverse(s->u1, s->w, curve->order, s->ctx) == NULL ||
				  !BN_to_montgomery(s->u1, s->u1, curve->mont, s->ctx)))
		return false;
	BN_swap(s->w, s->u1);
	return true;
}

/* u1 = digest / s, u2 = r / s modulo the order. 0 when r or s is out of range, -1 without memory. */
static int factors(struct ecdsa_scratch *s, const struct ecdsa_curve *curve, const uint8_t *digest, const uint8_t *rs)
{
	int size = (int)curve->size;
	if (BN_bin2bn(rs, size, s->r) == NULL || BN_bin2bn(rs + size, size, s->w) == NULL ||
	    BN_bin2bn(digest, size, s->digest) == NULL)
		return -1;
	if (BN_is_zero(s->r) || BN_is_zero(s->w) || BN_ucmp(s->r, curve->order) >= 0 ||
	    BN_ucmp(s->w, curve->order) >= 0)
		return 0;
	/* the digest is less than twice the order, since that begins with a bit that is set */
	bool done = (BN_ucmp(s->digest, curve->order) < 0 || BN_sub(s->digest, s->digest, curve->order)) &&
		    invert(s, curve, rs + size) && BN_mod_mul_montgomery(s->u1, s->digest, s->w, curve->mont, s->ctx) &&
		    BN_mod_mul_montgomery(s->u2, s->r, s->w, curve->mont, s->ctx);
	return done ? 1 : -1;
}

/* sum = u1 * base + u2 * key */
static bool multiply(struct ecdsa_scratch *s, const struct ecdsa_key *key)
{
	const struct ecdsa_curve *curve = key->curve;
	EC_POINT *sum = s->sum[curve->index], *part = s->part[curve->index];
	const EC_GROUP *table = key->table != NULL ? ecdsa_table_group(key->table) : NULL;
	if (table == NULL)
		return EC_POINT_mul(curve->group, sum, s->u1, key->point, s->u2, s->ctx);
	return EC_POINT_mul(curve->group, sum, s->u1, NULL, NULL, s->ctx) &&
	       EC_POINT_mul(table, part, s->u2, NULL, NULL, s->ctx) &&
	       EC_POINT_add(curve->group, sum, sum, part, s->ctx);
}

/* Is r the coordinate x of the sum, modulo the order? Without a division: x is X / Z^2, so X = r Z^2 is asked, or, where that is
 * less than the field, X = (r + order) Z^2. 0 or 1, -1 without memory. */
static int compare(struct ecdsa_scratch *s, const struct ecdsa_curve *curve)
{
	BIGNUM *x = s->u1, *z = s->u2, *product = s->w;
	if (!EC_POINT_get_Jprojective_coordinates_GFp(curve->group, s->sum[curve->index], x, NULL, z, s->ctx) ||
	    !BN_mod_sqr(z, z, curve->field, s->ctx) || !BN_mod_mul(product, z, s->r, curve->field, s->ctx))
		return -1;
	if (BN_ucmp(product, x) == 0)
		return 1;
	if (BN_ucmp(s->r, curve->gap) >= 0)
		return 0;
	if (!BN_add(s->digest, s->r, curve->order) || !BN_mod_mul(product, z, s->digest, curve->field, s->ctx))
		return -1;
	return BN_ucmp(product, x) == 0;
}

int ecdsa_check(struct ecdsa_scratch *s, const struct ecdsa_key *key, const uint8_t *digest, const uint8_t *rs)
{
	const struct ecdsa_curve *curve = key->curve;
	if (!scratch_make(s, curve))
		return BANYAN_ENOMEM;
	int rc = factors(s, curve, digest, rs);
	if (rc <= 0)
		return rc < 0 ? BANYAN_ENOMEM : BANYAN_EPROOF;
	if (!multiply(s, key))
		return BANYAN_ENOMEM;
	if (EC_POINT_is_at_infinity(curve->group, s->sum[curve->index]))
		return BANYAN_EPROOF;
	rc = compare(s, curve);
	if (rc < 0)
		return BANYAN_ENOMEM;
	return rc == 1 ? 0 : BANYAN_EPROOF;
}
