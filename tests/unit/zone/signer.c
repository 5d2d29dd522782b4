// SPDX-License-Identifier: GPL-3.0-or-later
/* The tests' own signer: plain and slow, written apart from the code that it tests. */
#include "../test.h"

#include <openssl/bn.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/rsa.h>

#include "signer.h"

void signer_init(struct signer *s, uint8_t algorithm)
{
	static const uint8_t seed[32] = "banyan: a key for tests, no more";
	uint8_t *p = s->dnskey + 4;
	*s = (struct signer){.algorithm = algorithm,
			     .zonemd_hash = 1,
			     .inception = SIGNER_NOW - 3600,
			     .expiration = SIGNER_NOW + 86400};
	if (algorithm == DNSSEC_ED25519) {
		size_t len = 32;
		s->pkey = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
		assert_int_equal(EVP_PKEY_get_raw_public_key(s->pkey, p, &len), 1);
		p += len;
	} else if (algorithm == DNSSEC_ECDSAP256SHA256) {
		uint8_t point[65];
		size_t len;
		s->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256");
		assert_int_equal(EVP_PKEY_get_octet_string_param(s->pkey, "pub", point, sizeof point, &len), 1);
		memcpy(p, point + 1, 64);
		p += 64;
	} else {
		BIGNUM *e = NULL, *n = NULL;
		s->pkey = EVP_PKEY_Q_keygen(NULL, NULL, "RSA", (size_t)1024);
		assert_int_equal(EVP_PKEY_get_bn_param(s->pkey, "e", &e), 1);
		assert_int_equal(EVP_PKEY_get_bn_param(s->pkey, "n", &n), 1);
		*p++ = (uint8_t)BN_num_bytes(e);
		p += BN_bn2bin(e, p);
		p += BN_bn2bin(n, p);
		BN_free(e);
		BN_free(n);
	}
	s->dnskey_len = (uint16_t)(p - s->dnskey);
	wire_put16(s->dnskey, 257);
	s->dnskey[2] = 3;
	s->dnskey[3] = algorithm;
}

void signer_done(struct signer *s)
{
	EVP_PKEY_free(s->pkey);
}

struct test_record *test_zone_add(struct test_zone *zone, const uint8_t *owner, uint16_t type, uint32_t ttl,
				  const uint8_t *rdata, size_t len)
{
	if (zone->n == zone->cap) {
		zone->cap = zone->cap > 0 ? zone->cap * 2 : 64;
		zone->record = realloc(zone->record, zone->cap * sizeof *zone->record);
	}
	struct test_record *r = &zone->record[zone->n++];
	*r = (struct test_record){.type = type, .ttl = ttl, .len = (uint16_t)len, .rdata = malloc(len + 1)};
	r->owner_len = wire_name_lower(owner, r->owner);
	memcpy(r->rdata, rdata, len);
	return r;
}

static bool record_is(const struct test_record *r, const char *owner, uint16_t type, uint16_t covered)
{
	uint8_t name[WIRE_NAME_MAX];
	assert_true(wire_name_parse(owner, name) > 0);
	return r->type == type && wire_name_equal(r->owner, name) &&
	       (type != WIRE_TYPE_RRSIG || wire_get16(r->rdata) == covered);
}

unsigned test_zone_remove(struct test_zone *zone, const char *owner, uint16_t type, uint16_t covered)
{
	unsigned removed = 0;
	for (size_t i = 0; i < zone->n;) {
		if (!record_is(&zone->record[i], owner, type, covered)) {
			i++;
			continue;
		}
		free(zone->record[i].rdata);
		zone->record[i] = zone->record[--zone->n];
		removed++;
	}
	return removed;
}

struct test_record *test_zone_find(struct test_zone *zone, const char *owner, uint16_t type, uint16_t covered)
{
	for (size_t i = 0; i < zone->n; i++)
		if (record_is(&zone->record[i], owner, type, covered))
			return &zone->record[i];
	fail_msg("the test zone has no such record at %s", owner);
	return NULL;
}

void test_zone_free(struct test_zone *zone)
{
	for (size_t i = 0; i < zone->n; i++)
		free(zone->record[i].rdata);
	free(zone->record);
	*zone = (struct test_zone){0};
}

void test_zone_from(const struct zone *zone, struct test_zone *ret)
{
	*ret = (struct test_zone){0};
	wire_name_lower(zone->apex, ret->apex);
	for (size_t i = 0; i < zone->n_sets; i++)
		for (uint32_t r = 0; r < zone->set[i].count; r++)
			test_zone_add(ret, zone->set[i].owner, zone->set[i].type, zone->set[i].ttl,
				      zone->set[i].rdata[r].data, zone->set[i].rdata[r].len);
}

struct zone *test_zone_build(const struct test_zone *zone)
{
	struct zone_builder b;
	struct zone *out = NULL;
	assert_int_equal(zone_builder_init(&b, zone->apex, "test", zone->n * 80), 0);
	for (size_t i = 0; i < zone->n; i++) {
		const struct test_record *r = &zone->record[i];
		assert_int_equal(zone_builder_add(&b, r->owner, r->owner_len, r->type, r->ttl, r->rdata, r->len, i + 1),
				 0);
	}
	assert_int_equal(zone_builder_finish(&b, &out), 0);
	zone_builder_done(&b);
	return out;
}

/* The signature over `data` as DNSSEC writes it. */
static size_t sign_bytes(const struct signer *s, const uint8_t *data, size_t len, uint8_t out[512])
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	uint8_t raw[512];
	size_t raw_len = sizeof raw;
	const char *md = s->algorithm == DNSSEC_ED25519 ? NULL : "SHA256";
	assert_int_equal(EVP_DigestSignInit_ex(ctx, NULL, md, NULL, NULL, s->pkey, NULL), 1);
	assert_int_equal(EVP_DigestSign(ctx, raw, &raw_len, data, len), 1);
	EVP_MD_CTX_free(ctx);
	if (s->algorithm != DNSSEC_ECDSAP256SHA256) {
		memcpy(out, raw, raw_len);
		return raw_len;
	}
	const uint8_t *p = raw;
	ECDSA_SIG *sig = d2i_ECDSA_SIG(NULL, &p, (long)raw_len);
	BN_bn2binpad(ECDSA_SIG_get0_r(sig), out, 32);
	BN_bn2binpad(ECDSA_SIG_get0_s(sig), out + 32, 32);
	ECDSA_SIG_free(sig);
	return 64;
}

static int rdata_order(const void *a, const void *b)
{
	const struct test_record *const *ra = a, *const *rb = b;
	struct wire_rdata da = {(*ra)->rdata, (*ra)->len}, db = {(*rb)->rdata, (*rb)->len};
	return wire_rdata_cmp(&da, &db);
}

void signer_sign(const struct signer *s, struct test_zone *zone, const uint8_t *owner, uint16_t type)
{
	struct test_record *item[64];
	static uint8_t data[65536];
	uint8_t rdata[800];
	size_t n = 0, apex_len = wire_name_len(zone->apex);
	for (size_t i = 0; i < zone->n && n < 64; i++)
		if (zone->record[i].type == type && wire_name_equal(zone->record[i].owner, owner))
			item[n++] = &zone->record[i];
	assert_true(n > 0);
	qsort(item, n, sizeof item[0], rdata_order);
	uint32_t ttl = item[0]->ttl;
	wire_put16(rdata, type);
	rdata[2] = s->algorithm;
	rdata[3] = (uint8_t)(wire_name_labels(owner) - (owner[0] == 1 && owner[1] == '*'));
	wire_put32(rdata + 4, ttl);
	wire_put32(rdata + 8, s->expiration);
	wire_put32(rdata + 12, s->inception);
	wire_put16(rdata + 16, dnssec_key_tag(s->dnskey, s->dnskey_len));
	memcpy(rdata + 18, zone->apex, apex_len);
	uint8_t *p = data;
	memcpy(p, rdata, 18 + apex_len);
	p += 18 + apex_len;
	for (size_t i = 0; i < n; i++) {
		p += wire_name_lower(owner, p);
		wire_put16(p, type);
		wire_put16(p + 2, WIRE_CLASS_IN);
		wire_put32(p + 4, ttl);
		wire_put16(p + 8, item[i]->len);
		memcpy(p + 10, item[i]->rdata, item[i]->len);
		wire_rdata_canonical(p + 10, item[i]->len, type);
		p += 10 + item[i]->len;
	}
	size_t sig = sign_bytes(s, data, (size_t)(p - data), rdata + 18 + apex_len);
	test_zone_add(zone, owner, WIRE_TYPE_RRSIG, ttl, rdata, 18 + apex_len + sig);
}

/* A bitmap of these types (ascending, all below 256). */
static size_t bitmap_make(const uint16_t *types, size_t n, uint8_t out[34])
{
	if (n == 0)
		return 0;
	memset(out, 0, 34);
	for (size_t i = 0; i < n; i++)
		out[2 + types[i] / 8] |= (uint8_t)(0x80 >> types[i] % 8);
	out[1] = (uint8_t)(types[n - 1] / 8 + 1);
	return out[1] + 2U;
}

static bool type_authoritative(const struct zone_node *node, uint16_t type)
{
	return (node->flags & ZONE_NODE_CUT) == 0 || type == WIRE_TYPE_DS || type == WIRE_TYPE_NSEC;
}

/* Types at a node as denial must show them, with what the signer will add. */
static size_t node_types(const struct signer *s, const struct zone *zone, const struct zone_node *node,
			 uint16_t types[64])
{
	size_t n = 0;
	bool is_signed = false;
	for (size_t i = 0; i < node->n_sets; i++) {
		uint16_t type = zone->set[node->first_set + i].type;
		if ((node->flags & ZONE_NODE_CUT) != 0 && type != WIRE_TYPE_NS && type != WIRE_TYPE_DS)
			continue;
		is_signed |= type_authoritative(node, type);
		types[n++] = type;
	}
	if (!s->nsec3)
		types[n++] = WIRE_TYPE_NSEC;
	if (is_signed || !s->nsec3)
		types[n++] = WIRE_TYPE_RRSIG;
	for (size_t i = 1; i < n; i++)
		for (size_t k = i; k > 0 && types[k - 1] > types[k]; k--) {
			uint16_t swap = types[k];
			types[k] = types[k - 1];
			types[k - 1] = swap;
		}
	return n;
}

static bool node_denied(const struct signer *s, const struct zone_node *node)
{
	return (node->flags & ZONE_NODE_BELOW) == 0 && (s->nsec3 || (node->flags & ZONE_NODE_EMPTY) == 0);
}

static void add_nsec(const struct signer *s, struct test_zone *out, const struct zone *zone)
{
	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct zone_node *node = &zone->node[i];
		uint8_t rdata[WIRE_NAME_MAX + 34];
		uint16_t types[64];
		size_t next = i;
		if (!node_denied(s, node))
			continue;
		do
			next = (next + 1) % zone->n_nodes;
		while (!node_denied(s, &zone->node[next]));
		size_t len = wire_name_lower(zone->node[next].name, rdata);
		len += bitmap_make(types, node_types(s, zone, node, types), rdata + len);
		test_zone_add(out, node->name, WIRE_TYPE_NSEC, 300, rdata, len);
	}
}

struct hashed {
	uint8_t hash[20];
	const struct zone_node *node;
};

static int hashed_order(const void *a, const void *b)
{
	return memcmp(a, b, 20);
}

/* One NSEC3 chain: 2 iterations, salt AB CD. */
static void add_nsec3(const struct signer *s, struct test_zone *out, const struct zone *zone)
{
	static const uint8_t param[] = {1, 0, 0, 2, 2, 0xab, 0xcd};
	struct hashed *item = calloc(zone->n_nodes, sizeof *item);
	size_t n = 0;
	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct zone_node *node = &zone->node[i];
		bool insecure = (node->flags & ZONE_NODE_CUT) != 0 && zone_node_set(zone, node, WIRE_TYPE_DS) == NULL;
		if (!node_denied(s, node) || (s->opt_out && insecure))
			continue;
		assert_int_equal(dnssec_nsec3_hash(node->name, 2, param + 5, 2, item[n].hash), 0);
		item[n++].node = node;
	}
	qsort(item, n, sizeof *item, hashed_order);
	for (size_t i = 0; i < n; i++) {
		static const char digits[] = "0123456789abcdefghijklmnopqrstuv";
		uint8_t owner[WIRE_NAME_MAX] = {32}, rdata[100];
		uint16_t types[64];
		for (unsigned d = 0; d < 32; d++) {
			unsigned bit = d * 5, value = (unsigned)(item[i].hash[bit / 8] << 8);
			value |= bit / 8 + 1 < 20 ? item[i].hash[bit / 8 + 1] : 0;
			owner[1 + d] = (uint8_t)digits[value >> (11 - bit % 8) & 31];
		}
		memcpy(owner + 33, out->apex, wire_name_len(out->apex));
		memcpy(rdata, param, sizeof param);
		rdata[1] = s->opt_out;
		rdata[7] = 20;
		memcpy(rdata + 8, item[(i + 1) % n].hash, 20);
		size_t n_types =
			(item[i].node->flags & ZONE_NODE_EMPTY) != 0 ? 0 : node_types(s, zone, item[i].node, types);
		test_zone_add(out, owner, WIRE_TYPE_NSEC3, 300, rdata, 28 + bitmap_make(types, n_types, rdata + 28));
	}
	free(item);
}

void signer_digest(const struct signer *s, struct test_zone *zone)
{
	char apex[WIRE_NAME_TEXT_MAX];
	struct test_record *md = test_zone_find(zone, wire_name_text(zone->apex, apex), WIRE_TYPE_ZONEMD, 0);
	struct zone *built = test_zone_build(zone);
	struct dnssec_records records = zone_records(built);
	uint8_t digest[64];
	size_t len;
	assert_int_equal(dnssec_zonemd_compute(&records, zone->apex, s->zonemd_hash, digest, &len), 0);
	memcpy(md->rdata + 6, digest, len);
	md->len = (uint16_t)(6 + len);
	zone_free(built);
	test_zone_remove(zone, apex, WIRE_TYPE_RRSIG, WIRE_TYPE_ZONEMD);
	signer_sign(s, zone, zone->apex, WIRE_TYPE_ZONEMD);
}

void signer_make(const struct signer *s, const char *origin, const char *text, struct test_zone *ret)
{
	uint8_t apex[WIRE_NAME_MAX], zonemd[70] = {0};
	struct zone_read_settings settings = {.origin = apex};
	struct zone_error error;
	struct zone *zone;
	assert_true(wire_name_parse(origin, apex) > 0);
	if (zone_read_text("test", text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	test_zone_from(zone, ret);
	wire_put32(zonemd, zone->serial);
	zone_free(zone);
	struct test_record *key = test_zone_add(ret, apex, WIRE_TYPE_DNSKEY, 3600, s->dnskey, s->dnskey_len);
	if (s->flags != 0)
		wire_put16(key->rdata, s->flags);
	zonemd[4] = 1;
	zonemd[5] = s->zonemd_hash;
	if (s->zonemd)
		test_zone_add(ret, apex, WIRE_TYPE_ZONEMD, 3600, zonemd, sizeof zonemd);
	if (s->nsec3) {
		static const uint8_t param[] = {1, 0, 0, 2, 2, 0xab, 0xcd};
		test_zone_add(ret, apex, WIRE_TYPE_NSEC3PARAM, 0, param, sizeof param);
	}
	zone = test_zone_build(ret);
	if (s->nsec3)
		add_nsec3(s, ret, zone);
	else
		add_nsec(s, ret, zone);
	zone_free(zone);
	zone = test_zone_build(ret);
	for (size_t i = 0; i < zone->n_nodes; i++)
		for (size_t k = 0; k < zone->node[i].n_sets; k++) {
			const struct wire_rrset *set = &zone->set[zone->node[i].first_set + k];
			if ((zone->node[i].flags & ZONE_NODE_BELOW) == 0 &&
			    type_authoritative(&zone->node[i], set->type) && set->type != WIRE_TYPE_ZONEMD)
				signer_sign(s, ret, set->owner, set->type);
		}
	zone_free(zone);
	if (s->zonemd)
		signer_digest(s, ret);
}

void signer_anchor(const struct signer *s, const struct test_zone *zone, struct dnssec_anchors *ret)
{
	struct wire_rdata rdata = {s->dnskey, s->dnskey_len};
	*ret = (struct dnssec_anchors){0};
	assert_int_equal(dnssec_anchors_add(ret, zone->apex, WIRE_TYPE_DNSKEY, &rdata), 0);
}
