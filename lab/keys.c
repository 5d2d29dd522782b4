// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The lab's keys: made from the seed, so that the same lab has the same keys and the same DS, and written as the
 * K*.private files that ldns-signzone reads. Each label ("com. ksk") has its own random stream, so that a zone's keys
 * do not depend on how many zones came before it.
 */
#include "world.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/evp.h>
#include <openssl/obj_mac.h>
#include <openssl/sha.h>
#include <stdio.h>
#include <string.h>

#include "dnssec/dnssec.h"

#define RSA_BITS      2048 /* as the root's own ZSK and KSK */
#define RSA_EXPONENT  65537
#define EC_SIZE       32 /* P-256 and Ed25519: bytes of the private key */
#define KEY_FLAGS_ZSK 256
#define KEY_FLAGS_KSK 257

static void bn_done(BIGNUM **bn)
{
	BN_clear_free(*bn);
}

static void ctx_done(BN_CTX **ctx)
{
	BN_CTX_free(*ctx);
}

static void print_base64(struct buffer *out, const uint8_t *data, size_t len)
{
	char text[1024];
	if (len > sizeof(text) / 4 * 3 - 3)
		return;
	EVP_EncodeBlock((unsigned char *)text, data, (int)len);
	lab_print(out, "%s", text);
}

static void print_bn(struct buffer *out, const char *field, const BIGNUM *bn)
{
	uint8_t data[RSA_BITS / 8];
	int len = BN_bn2bin(bn, data);
	lab_print(out, "%s: ", field);
	print_base64(out, data, len);
	lab_print(out, "\n");
}

/* A prime of RSA_BITS / 2 bits with its two top bits set, and p - 1 prime to the exponent. */
static int rsa_prime(struct random *random, BN_CTX *ctx, BIGNUM *p)
{
	uint8_t data[RSA_BITS / 16];
	random_bytes(random, data, sizeof(data));
	data[0] |= 0xc0;
	data[sizeof(data) - 1] |= 1;
	if (BN_bin2bn(data, sizeof(data), p) == NULL)
		return BANYAN_ENOMEM;
	for (;;) {
		if (BN_mod_word(p, RSA_EXPONENT) != 1) {
			int prime = BN_check_prime(p, ctx, NULL);
			if (prime != 0)
				return prime == 1 ? 0 : BANYAN_EOTHER;
		}
		if (!BN_add_word(p, 2))
			return BANYAN_ENOMEM;
	}
}

/* RFC 3110: length of the exponent, exponent, modulus. */
static uint16_t rsa_rdata(const BIGNUM *n, uint8_t *out)
{
	static const uint8_t exponent[] = {3, 0x01, 0x00, 0x01};
	memcpy(out, exponent, sizeof(exponent));
	return sizeof(exponent) + BN_bn2bin(n, out + sizeof(exponent));
}

static int key_make_rsa(struct random *random, struct buffer *private, uint8_t *rdata, uint16_t *ret_len)
{
	_cleanup_(ctx_done) BN_CTX *ctx = BN_CTX_new();
	enum { N, E, D, P, Q, DP, DQ, QI, P1, Q1, PHI, COUNT };
	static const char *const fields[] = {"Modulus", "PublicExponent", "PrivateExponent", "Prime1",
					     "Prime2",  "Exponent1",      "Exponent2",       "Coefficient"};
	if (ctx == NULL)
		return BANYAN_ENOMEM;
	BN_CTX_start(ctx);
	BIGNUM *v[COUNT];
	for (int i = 0; i < COUNT; i++)
		v[i] = BN_CTX_get(ctx);
	if (v[COUNT - 1] == NULL)
		return BANYAN_ENOMEM;
	int rc = rsa_prime(random, ctx, v[P]);
	if (rc == 0)
		rc = rsa_prime(random, ctx, v[Q]);
	if (rc < 0)
		return rc;
	if (BN_cmp(v[P], v[Q]) < 0)
		BN_swap(v[P], v[Q]);
	if (!BN_set_word(v[E], RSA_EXPONENT) || !BN_mul(v[N], v[P], v[Q], ctx) ||
	    !BN_sub(v[P1], v[P], BN_value_one()) || !BN_sub(v[Q1], v[Q], BN_value_one()) ||
	    !BN_mul(v[PHI], v[P1], v[Q1], ctx) || BN_mod_inverse(v[D], v[E], v[PHI], ctx) == NULL ||
	    !BN_mod(v[DP], v[D], v[P1], ctx) || !BN_mod(v[DQ], v[D], v[Q1], ctx) ||
	    BN_mod_inverse(v[QI], v[Q], v[P], ctx) == NULL)
		return BANYAN_EOTHER;
	for (size_t i = 0; i < ARRAY_SIZE(fields); i++)
		print_bn(private, fields[i], v[i]);
	*ret_len = rsa_rdata(v[N], rdata);
	BN_CTX_end(ctx);
	return 0;
}

/* RFC 6605: the public key is x and y of private key times the base point. */
static int key_make_p256(struct random *random, struct buffer *private, uint8_t *rdata, uint16_t *ret_len)
{
	_cleanup_(bn_done) BIGNUM *d = NULL;
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	EC_POINT *point = group == NULL ? NULL : EC_POINT_new(group);
	uint8_t data[EC_SIZE], text[1 + 2 * EC_SIZE];
	random_bytes(random, data, sizeof(data));
	data[0] &= 0x7f; /* below the order of the group */
	d = BN_bin2bn(data, sizeof(data), NULL);
	bool good = point != NULL && d != NULL && !BN_is_zero(d) &&
		    EC_POINT_mul(group, point, d, NULL, NULL, NULL) == 1 &&
		    EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, text, sizeof(text), NULL) ==
			    sizeof(text);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	if (!good)
		return BANYAN_EOTHER;
	lab_print(private, "PrivateKey: ");
	print_base64(private, data, sizeof(data));
	lab_print(private, "\n");
	memcpy(rdata, text + 1, 2 * EC_SIZE);
	*ret_len = 2 * EC_SIZE;
	return 0;
}

static int key_make_ed25519(struct random *random, struct buffer *private, uint8_t *rdata, uint16_t *ret_len)
{
	uint8_t data[EC_SIZE];
	size_t len = EC_SIZE;
	random_bytes(random, data, sizeof(data));
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, data, sizeof(data));
	bool good = key != NULL && EVP_PKEY_get_raw_public_key(key, rdata, &len) == 1;
	EVP_PKEY_free(key);
	if (!good)
		return BANYAN_EOTHER;
	lab_print(private, "PrivateKey: ");
	print_base64(private, data, sizeof(data));
	lab_print(private, "\n");
	*ret_len = len;
	return 0;
}

static int key_make(const struct lab_world *world, const struct lab_zone *zone, uint16_t flags, struct lab_key *key)
{
	static const struct {
		uint8_t algorithm;
		const char *name;
		int (*make)(struct random *random, struct buffer *private, uint8_t *rdata, uint16_t *ret_len);
	} makers[] = {
		{DNSSEC_RSASHA256, "RSASHA256", key_make_rsa},
		{DNSSEC_ECDSAP256SHA256, "ECDSAP256SHA256", key_make_p256},
		{DNSSEC_ED25519, "ED25519", key_make_ed25519},
	};
	char label[300], path[4096];
	struct random random;
	snprintf(label, sizeof(label), "%s %u %u", zone->name, zone->security.algorithm, flags);
	lab_stream(world, label, &random);
	*key = (struct lab_key){.flags = flags, .algorithm = zone->security.algorithm};
	wire_put16(key->rdata, flags);
	key->rdata[2] = 3; /* RFC 4034 section 2.1.2 */
	key->rdata[3] = key->algorithm;
	_cleanup_(buffer_done) struct buffer private = {0};
	int rc = BANYAN_EUNSUPP;
	for (size_t i = 0; i < ARRAY_SIZE(makers); i++) {
		if (makers[i].algorithm != key->algorithm)
			continue;
		lab_print(&private, "Private-key-format: v1.2\nAlgorithm: %u (%s)\n", key->algorithm, makers[i].name);
		rc = makers[i].make(&random, &private, key->rdata + 4, &key->len);
	}
	if (rc < 0)
		return rc;
	key->len += 4;
	key->tag = dnssec_key_tag(key->rdata, key->len);
	snprintf(key->base, sizeof(key->base), "K%s+%03u+%05u", zone->name, key->algorithm, key->tag);
	snprintf(path, sizeof(path), "%s/keys/%s.private", world->settings->dir, key->base);
	return lab_write_file(path, private.data, private.len, false);
}

/* The .key file, by which ldns-signzone knows what the private key is for, and the .ds file. */
static int key_write_public(const struct lab_world *world, const struct lab_zone *zone, const struct lab_key *key)
{
	char path[4096];
	_cleanup_(buffer_done) struct buffer text = {0};
	lab_print(&text, "%s %u IN DNSKEY ", zone->name, LAB_TTL_HOUR);
	lab_keys_print_dnskey(key, &text);
	lab_print(&text, "\n");
	snprintf(path, sizeof(path), "%s/keys/%s.key", world->settings->dir, key->base);
	return lab_write_file(path, text.data, text.len, false);
}

int lab_keys_make(const struct lab_world *world, struct lab_zone *zone)
{
	if (zone->security.algorithm == 0)
		return 0;
	zone->n_keys = zone->security.split ? 2 : 1;
	for (size_t i = 0; i < zone->n_keys; i++) {
		int rc = key_make(world, zone, i == 0 ? KEY_FLAGS_KSK : KEY_FLAGS_ZSK, &zone->key[i]);
		if (rc == 0)
			rc = key_write_public(world, zone, &zone->key[i]);
		if (rc < 0) {
			log_error("lab", "%s: the key of algorithm %u cannot be made: %s", zone->name,
				  zone->security.algorithm, error_text(rc));
			return rc;
		}
	}
	return 0;
}

void lab_keys_print_dnskey(const struct lab_key *key, struct buffer *out)
{
	lab_print(out, "%u 3 %u ", key->flags, key->algorithm);
	print_base64(out, key->rdata + 4, key->len - 4);
}

void lab_keys_print_ds(const struct lab_zone *zone, uint8_t digest_type, struct buffer *out)
{
	const struct lab_key *key = &zone->key[0];
	uint8_t data[WIRE_NAME_MAX + LAB_KEY_RDATA_MAX], digest[SHA384_DIGEST_LENGTH];
	int len = wire_name_parse(zone->name, data);
	if (len < 0)
		return;
	memcpy(data + len, key->rdata, key->len);
	size_t size = digest_type == 4 ? SHA384_DIGEST_LENGTH : SHA256_DIGEST_LENGTH;
	if (digest_type == 4)
		SHA384(data, len + key->len, digest);
	else
		SHA256(data, len + key->len, digest);
	lab_print(out, "%u %u %u ", key->tag, key->algorithm, digest_type);
	for (size_t i = 0; i < size; i++)
		lab_print(out, "%02x", digest[i]);
}
