// SPDX-License-Identifier: GPL-3.0-or-later
/* ECDSA: inverses against libcrypto's, checks against EVP_PKEY_verify() over good, changed and extreme signatures, tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>

#include "dnssec/private.h"

#define RANDOM_INVERSES 3000
#define ROUNDS          60

static const struct curve {
	const char *name;
	int nid;
	size_t size;
} curves[] = {{"P-256", NID_X9_62_prime256v1, 32}, {"P-384", NID_secp384r1, 48}};

/* The same numbers in each run. */
static void fill(uint8_t *out, size_t len)
{
	static uint64_t state = 0x9e3779b97f4a7c15;
	for (size_t i = 0; i < len; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		out[i] = (uint8_t)(state >> 32);
	}
}

static void order_bytes(const struct curve *curve, uint8_t *out)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(curve->nid);
	assert_int_equal(BN_bn2binpad(EC_GROUP_get0_order(group), out, (int)curve->size), (int)curve->size);
	EC_GROUP_free(group);
}

/* ---- inverses ---- */

static void check_inverse(const struct inverse_modulus *modulus, const uint8_t *order, const uint8_t *value,
			  size_t size)
{
	uint8_t got[ECDSA_BYTES_MAX], want[ECDSA_BYTES_MAX];
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *n = BN_bin2bn(order, (int)size, NULL), *a = BN_bin2bn(value, (int)size, NULL);
	assert_non_null(BN_mod_inverse(a, a, n, ctx));
	BN_bn2binpad(a, want, (int)size);
	inverse_compute(modulus, value, size, got);
	assert_memory_equal(got, want, size);
	BN_free(a);
	BN_free(n);
	BN_CTX_free(ctx);
}

static void inverses(void **state)
{
	for (size_t c = 0; c < ARRAY_SIZE(curves); c++) {
		size_t size = curves[c].size;
		uint8_t order[ECDSA_BYTES_MAX], value[ECDSA_BYTES_MAX];
		struct inverse_modulus modulus;
		order_bytes(&curves[c], order);
		inverse_modulus_init(&modulus, order, size);
		for (unsigned i = 0; i < RANDOM_INVERSES; i++) {
			fill(value, size);
			value[0] &= 0x7f; /* less than the order */
			check_inverse(&modulus, order, value, size);
		}
		/* powers of two, their neighbours, and what is close to the order */
		for (unsigned bit = 0; bit < 8 * size - 1; bit++) {
			for (int off = -1; off <= 1; off++) {
				BIGNUM *power = BN_new();
				BN_set_bit(power, (int)bit);
				assert_true(off >= 0 ? BN_add_word(power, (BN_ULONG)off) : BN_sub_word(power, 1));
				BN_bn2binpad(power, value, (int)size);
				if (!BN_is_zero(power))
					check_inverse(&modulus, order, value, size);
				BN_free(power);
			}
		}
		for (BN_ULONG less = 1; less < 70; less++) {
			BIGNUM *near = BN_bin2bn(order, (int)size, NULL);
			BN_sub_word(near, less);
			BN_bn2binpad(near, value, (int)size);
			check_inverse(&modulus, order, value, size);
			BN_free(near);
		}
	}
}

/* ---- checks ---- */

struct signer {
	const struct curve *curve;
	EVP_PKEY *pkey;
	uint8_t point[1 + 2 * ECDSA_BYTES_MAX];
	struct ecdsa_key key;
};

static void signer_make(const struct curve *curve, struct signer *ret)
{
	size_t len;
	*ret = (struct signer){.curve = curve, .pkey = EVP_EC_gen(curve->name)};
	assert_true(EVP_PKEY_get_octet_string_param(ret->pkey, "pub", ret->point, sizeof ret->point, &len));
	assert_true(ecdsa_key_init(&ret->key, ret->point + 1, curve->size));
}

static void signer_done(struct signer *signer)
{
	ecdsa_key_done(&signer->key);
	EVP_PKEY_free(signer->pkey);
}

static void sign(const struct signer *signer, const uint8_t *digest, uint8_t *rs)
{
	uint8_t der[256];
	size_t len = sizeof der;
	int half = (int)signer->curve->size;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(signer->pkey, NULL);
	assert_true(EVP_PKEY_sign_init(ctx) > 0 && EVP_PKEY_sign(ctx, der, &len, digest, signer->curve->size) > 0);
	const uint8_t *p = der;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), rs, half);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), rs + half, half);
	ECDSA_SIG_free(sig);
	EVP_PKEY_CTX_free(ctx);
}

/* What libcrypto says. */
static bool reference(const struct signer *signer, const uint8_t *digest, const uint8_t *rs)
{
	int half = (int)signer->curve->size;
	uint8_t *der = NULL;
	ECDSA_SIG *sig = ECDSA_SIG_new();
	ECDSA_SIG_set0(sig, BN_bin2bn(rs, half, NULL), BN_bin2bn(rs + half, half, NULL));
	int len = i2d_ECDSA_SIG(sig, &der);
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new(signer->pkey, NULL);
	assert_true(EVP_PKEY_verify_init(ctx) > 0);
	bool good = EVP_PKEY_verify(ctx, der, (size_t)len, digest, signer->curve->size) == 1;
	EVP_PKEY_CTX_free(ctx);
	ECDSA_SIG_free(sig);
	OPENSSL_free(der);
	return good;
}

static bool agreed(struct ecdsa_scratch *scratch, const struct signer *signer, const uint8_t *digest, const uint8_t *rs)
{
	int rc = ecdsa_check(scratch, &signer->key, digest, rs);
	assert_true(rc == 0 || rc == BANYAN_EPROOF);
	assert_int_equal(rc == 0, reference(signer, digest, rs));
	return rc == 0;
}

/* r or s (`at`) replaced by order + off; that of the other half is left. */
static void extreme(const struct signer *signer, uint8_t *rs, unsigned at, int off)
{
	size_t size = signer->curve->size;
	uint8_t order[ECDSA_BYTES_MAX];
	order_bytes(signer->curve, order);
	BIGNUM *value = BN_bin2bn(order, (int)size, NULL);
	assert_true(off < 0 ? BN_sub_word(value, (BN_ULONG)-off) : BN_add_word(value, (BN_ULONG)off));
	assert_int_equal(BN_bn2binpad(value, rs + at * size, (int)size), (int)size);
	BN_free(value);
}

static void check_round(struct ecdsa_scratch *scratch, struct signer *signer)
{
	size_t size = signer->curve->size;
	uint8_t digest[ECDSA_BYTES_MAX], rs[2 * ECDSA_BYTES_MAX], changed[2 * ECDSA_BYTES_MAX], pick[2];
	fill(digest, size);
	sign(signer, digest, rs);
	assert_true(agreed(scratch, signer, digest, rs));
	for (unsigned i = 0; i < 3; i++) { /* one bit elsewhere */
		memcpy(changed, rs, sizeof changed);
		fill(pick, sizeof pick);
		changed[pick[0] % (2 * size)] ^= (uint8_t)(1 << pick[1] % 8);
		assert_false(agreed(scratch, signer, digest, changed));
	}
	digest[size - 1] ^= 1;
	assert_false(agreed(scratch, signer, digest, rs));
}

static void check_extremes(struct ecdsa_scratch *scratch, struct signer *signer)
{
	size_t size = signer->curve->size;
	uint8_t digest[ECDSA_BYTES_MAX], rs[2 * ECDSA_BYTES_MAX], changed[2 * ECDSA_BYTES_MAX];
	static const int digests[] = {0x00, 0xff}; /* all zeroes; more than the order */
	for (size_t d = 0; d < ARRAY_SIZE(digests); d++) {
		memset(digest, digests[d], size);
		sign(signer, digest, rs);
		assert_true(agreed(scratch, signer, digest, rs));
		for (unsigned at = 0; at < 2; at++) {
			for (int off = -2; off <= 2; off++) {
				memcpy(changed, rs, sizeof changed);
				extreme(signer, changed, at, off);
				assert_false(agreed(scratch, signer, digest, changed));
			}
			memcpy(changed, rs, sizeof changed);
			memset(changed + at * size, 0, size);
			assert_false(agreed(scratch, signer, digest, changed));
			memset(changed + at * size, 0xff, size);
			assert_false(agreed(scratch, signer, digest, changed));
		}
	}
	/* s and order - s are both good (FIPS 186-5 does not choose) */
	BIGNUM *s = BN_bin2bn(rs + size, (int)size, NULL), *n = BN_new();
	memcpy(changed, rs, sizeof changed);
	extreme(signer, changed, 1, 0);
	BN_bin2bn(changed + size, (int)size, n);
	BN_sub(s, n, s);
	BN_bn2binpad(s, changed + size, (int)size);
	assert_true(agreed(scratch, signer, digest, changed));
	BN_free(s);
	BN_free(n);
}

static void checks(void **state)
{
	struct ecdsa_scratch scratch = {0};
	for (size_t c = 0; c < ARRAY_SIZE(curves); c++)
		for (unsigned k = 0; k < 3; k++) {
			struct signer signer;
			signer_make(&curves[c], &signer);
			for (unsigned i = 0; i < ROUNDS; i++)
				check_round(&scratch, &signer);
			check_extremes(&scratch, &signer);
			signer_done(&signer);
		}
	ecdsa_scratch_done(&scratch);
}

/* A signature that leads to no point: with u1 base = -u2 key, the sum is at infinity. */
static void infinity(void **state)
{
	struct ecdsa_scratch scratch = {0};
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	/* the key is the base itself, r = 1 and s = 1: u1 = digest, u2 = 1; so digest = -1 */
	uint8_t point[65], digest[32], rs[64] = {[31] = 1, [63] = 1};
	struct ecdsa_key key;
	assert_int_equal(EC_POINT_point2oct(group, EC_GROUP_get0_generator(group), POINT_CONVERSION_UNCOMPRESSED, point,
					    sizeof point, NULL),
			 sizeof point);
	assert_true(ecdsa_key_init(&key, point + 1, 32));
	order_bytes(&curves[0], digest);
	digest[31]--;
	assert_int_equal(ecdsa_check(&scratch, &key, digest, rs), BANYAN_EPROOF);
	ecdsa_key_done(&key);
	ecdsa_scratch_done(&scratch);
	EC_GROUP_free(group);
}

/* A signature whose point has an x between the order and the field, so that r is x - order. It is made backwards: the point
 * and u1, u2 first, the key that fits to them then. */
static void beyond_the_order(void **state)
{
	struct ecdsa_scratch scratch = {0};
	for (size_t c = 0; c < ARRAY_SIZE(curves); c++) {
		int size = (int)curves[c].size;
		uint8_t point[1 + 2 * ECDSA_BYTES_MAX], digest[ECDSA_BYTES_MAX], rs[2 * ECDSA_BYTES_MAX];
		BN_CTX *ctx = BN_CTX_new();
		EC_GROUP *group = EC_GROUP_new_by_curve_name(curves[c].nid);
		const BIGNUM *n = EC_GROUP_get0_order(group);
		BIGNUM *x = BN_dup(n), *r = BN_new(), *u1 = BN_new(), *u2 = BN_new(), *t = BN_new();
		EC_POINT *sum = EC_POINT_new(group), *key = EC_POINT_new(group);
		while (BN_add_word(x, 1), !EC_POINT_set_compressed_coordinates(group, sum, x, 0, ctx))
			;
		BN_sub(r, x, n);
		fill(digest, sizeof digest);
		BN_bin2bn(digest, size - 1, u1);
		fill(digest, sizeof digest);
		BN_bin2bn(digest, size - 1, u2);
		/* key = (sum - u1 base) / u2 */
		assert_true(EC_POINT_mul(group, key, u1, NULL, NULL, ctx) && EC_POINT_invert(group, key, ctx) &&
			    EC_POINT_add(group, key, key, sum, ctx) && BN_mod_inverse(t, u2, n, ctx) &&
			    EC_POINT_mul(group, key, NULL, key, t, ctx));
		/* s = r / u2, digest = u1 s */
		BN_mod_mul(t, t, r, n, ctx);
		BN_bn2binpad(r, rs, size);
		BN_bn2binpad(t, rs + size, size);
		BN_mod_mul(t, t, u1, n, ctx);
		BN_bn2binpad(t, digest, size);
		EC_POINT_point2oct(group, key, POINT_CONVERSION_UNCOMPRESSED, point, sizeof point, ctx);
		struct ecdsa_key made;
		assert_true(ecdsa_key_init(&made, point + 1, curves[c].size));
		assert_int_equal(ecdsa_check(&scratch, &made, digest, rs), 0);
		digest[5] ^= 1;
		assert_int_equal(ecdsa_check(&scratch, &made, digest, rs), BANYAN_EPROOF);
		ecdsa_key_done(&made);
		EC_POINT_free(sum);
		EC_POINT_free(key);
		BN_free(x);
		BN_free(r);
		BN_free(u1);
		BN_free(u2);
		BN_free(t);
		EC_GROUP_free(group);
		BN_CTX_free(ctx);
	}
	ecdsa_scratch_done(&scratch);
}

static void no_point(void **state)
{
	struct ecdsa_key key;
	uint8_t point[96] = {0};
	assert_false(ecdsa_key_init(&key, point, 32)); /* not on the curve */
	assert_false(ecdsa_key_init(&key, point, 48));
	memset(point, 0xff, sizeof point);
	assert_false(ecdsa_key_init(&key, point, 32)); /* not in the field */
	assert_false(ecdsa_key_init(&key, point, 48));
	assert_false(ecdsa_key_init(&key, point, 40)); /* no such curve */
}

/* ---- tables ---- */

static unsigned n_wanted;

static void wanted(void *ctx)
{
	assert_ptr_equal(ctx, &n_wanted);
	n_wanted++;
}

static void use_often(struct signer *signer)
{
	for (unsigned i = 0; i < ECDSA_TABLE_CHECKS; i++)
		ecdsa_key_used(&signer->key, signer->point + 1);
}

static void tables(void **state)
{
	struct ecdsa_scratch scratch = {0};
	struct signer signer[DNSSEC_TABLES_MAX + 1], other, large;
	signer_make(&curves[0], &signer[0]);
	use_often(&signer[0]);
	assert_null(signer[0].key.table); /* nobody would make them */
	dnssec_tables_setup(wanted, &n_wanted);
	for (unsigned i = 0; i + 1 < ECDSA_TABLE_CHECKS; i++)
		ecdsa_key_used(&signer[0].key, signer[0].point + 1);
	assert_int_equal(n_wanted, 0);
	ecdsa_key_used(&signer[0].key, signer[0].point + 1);
	assert_int_equal(n_wanted, 1);
	assert_null(ecdsa_table_group(signer[0].key.table));
	check_round(&scratch, &signer[0]);
	assert_int_equal(dnssec_tables_make(), 1);
	assert_int_equal(dnssec_tables_make(), 0);
	assert_non_null(ecdsa_table_group(signer[0].key.table));
	for (unsigned i = 0; i < ROUNDS; i++)
		check_round(&scratch, &signer[0]);
	check_extremes(&scratch, &signer[0]);
	/* another copy of the key, as of another worker, has it at once */
	other = signer[0];
	assert_true(ecdsa_key_init(&other.key, other.point + 1, 32));
	use_often(&other);
	assert_ptr_equal(other.key.table, signer[0].key.table);
	assert_int_equal(n_wanted, 1);
	check_round(&scratch, &other);
	ecdsa_key_done(&other.key);
	/* not for the large curve */
	signer_make(&curves[1], &large);
	use_often(&large);
	assert_null(large.key.table);
	signer_done(&large);
	/* they are bounded; who comes too late has one when another goes */
	for (size_t i = 1; i < ARRAY_SIZE(signer); i++) {
		signer_make(&curves[0], &signer[i]);
		use_often(&signer[i]);
	}
	assert_int_equal(dnssec_tables_make(), DNSSEC_TABLES_MAX - 1);
	assert_int_equal(n_wanted, DNSSEC_TABLES_MAX);
	struct signer *last = &signer[DNSSEC_TABLES_MAX];
	assert_null(last->key.table);
	check_round(&scratch, last);
	check_round(&scratch, &signer[DNSSEC_TABLES_MAX - 1]);
	signer_done(&signer[0]);
	use_often(last);
	assert_null(ecdsa_table_group(last->key.table));
	check_round(&scratch, last);
	assert_int_equal(dnssec_tables_make(), 1);
	assert_non_null(ecdsa_table_group(last->key.table));
	check_round(&scratch, last);
	for (size_t i = 1; i < ARRAY_SIZE(signer); i++)
		signer_done(&signer[i]);
	ecdsa_scratch_done(&scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(inverses),         cmocka_unit_test(checks),   cmocka_unit_test(infinity),
		cmocka_unit_test(beyond_the_order), cmocka_unit_test(no_point), cmocka_unit_test(tables),
	};
	return cmocka_run_group_tests_name("dnssec-ecdsa", tests, NULL, NULL);
}
