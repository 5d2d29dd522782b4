// SPDX-License-Identifier: GPL-3.0-or-later
/* What proving a zone costs, against its floor: the same signatures and the same digest in a bare loop over libcrypto. */
#include <openssl/evp.h>
#include <openssl/rsa.h>
#include <openssl/core_names.h>
#include <openssl/param_build.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zone/zone.h"

#define ROUNDS_DEFAULT 15 /* the quickest of so many counts: what the machine does besides only ever adds */
#define KEYS_MAX       16
#define RRSIG_FIXED    18
#define TARGET         1.3

/* One signature, prepared so that the loop does nothing but hash and verify. */
struct item {
	EVP_PKEY_CTX *ctx;
	const uint8_t *data, *sig;
	size_t data_len, sig_len;
};

struct floor {
	struct arena arena;
	struct item *item;
	size_t n, sha_bytes;
	uint16_t tag[KEYS_MAX];
	EVP_PKEY_CTX *ctx[KEYS_MAX];
	EVP_PKEY *pkey[KEYS_MAX];
	size_t n_keys;
	uint8_t *image; /* as many bytes as the digest covers */
	EVP_MD *sha256, *sha384;
	EVP_MD_CTX *md;
};

static int fail(const char *what)
{
	fprintf(stderr, "verify_floor: %s\n", what);
	return 1;
}

static int key_add(struct floor *f, const struct wire_rdata *rdata)
{
	const uint8_t *p = rdata->data + 4;
	if (rdata->len < 10 || rdata->data[3] != DNSSEC_RSASHA256 || f->n_keys == KEYS_MAX)
		return 0;
	size_t e_len = p[0] != 0 ? p[0] : wire_get16(p + 1), skip = p[0] != 0 ? 1 : 3;
	BIGNUM *e = BN_bin2bn(p + skip, (int)e_len, NULL);
	BIGNUM *n = BN_bin2bn(p + skip + e_len, (int)(rdata->len - 4 - skip - e_len), NULL);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_N, n);
	OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_RSA_E, e);
	OSSL_PARAM *params = OSSL_PARAM_BLD_to_param(build);
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "RSA", NULL);
	EVP_PKEY *pkey = NULL;
	if (EVP_PKEY_fromdata_init(make) <= 0 || EVP_PKEY_fromdata(make, &pkey, EVP_PKEY_PUBLIC_KEY, params) <= 0)
		return -1;
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, pkey, NULL);
	if (EVP_PKEY_verify_init(ctx) <= 0 || EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_PADDING) <= 0 ||
	    EVP_PKEY_CTX_set_signature_md(ctx, f->sha256) <= 0)
		return -1;
	f->tag[f->n_keys] = dnssec_key_tag(rdata->data, rdata->len);
	f->pkey[f->n_keys] = pkey;
	f->ctx[f->n_keys++] = ctx;
	EVP_PKEY_CTX_free(make);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	BN_free(e);
	BN_free(n);
	return 0;
}

/* Lays out what one RRSIG signs (RFC 4034 section 3.1.8.1). */
static int item_add(struct floor *f, const struct wire_rrset *set, const struct wire_rdata *rrsig)
{
	struct item *item = &f->item[f->n];
	size_t signer = wire_name_len(rrsig->data + RRSIG_FIXED), owner = wire_name_len(set->owner), key = 0;
	size_t size = RRSIG_FIXED + signer;
	while (key < f->n_keys && f->tag[key] != wire_get16(rrsig->data + 16))
		key++;
	if (key == f->n_keys)
		return 0;
	for (uint32_t i = 0; i < set->count; i++)
		size += owner + 10 + set->rdata[i].len;
	uint8_t *p = arena_alloc(&f->arena, size);
	if (p == NULL)
		return -1;
	item->data = p;
	item->data_len = size;
	memcpy(p, rrsig->data, RRSIG_FIXED + signer);
	p += RRSIG_FIXED + signer;
	for (uint32_t i = 0; i < set->count; i++) {
		memcpy(p, set->owner, owner);
		p += owner;
		wire_put16(p, set->type);
		wire_put16(p + 2, set->rclass);
		wire_put32(p + 4, set->ttl);
		wire_put16(p + 8, set->rdata[i].len);
		memcpy(p + 10, set->rdata[i].data, set->rdata[i].len);
		p += 10 + set->rdata[i].len;
	}
	item->sig = rrsig->data + RRSIG_FIXED + signer;
	item->sig_len = rrsig->len - RRSIG_FIXED - signer;
	item->ctx = f->ctx[key];
	f->n++;
	return 0;
}

static int floor_prepare(struct floor *f, const struct zone *zone)
{
	size_t most = 0;
	const struct zone_node *apex = &zone->node[0];
	const struct wire_rrset *keys = zone_node_set(zone, apex, WIRE_TYPE_DNSKEY);
	f->sha256 = EVP_MD_fetch(NULL, "SHA2-256", NULL);
	f->sha384 = EVP_MD_fetch(NULL, "SHA2-384", NULL);
	f->md = EVP_MD_CTX_new();
	for (uint32_t i = 0; keys != NULL && i < keys->count; i++)
		if (key_add(f, &keys->rdata[i]) < 0)
			return -1;
	for (size_t i = 0; i < zone->n_sets; i++) {
		most += zone->set[i].type == WIRE_TYPE_RRSIG ? zone->set[i].count : 0;
		for (uint32_t r = 0; r < zone->set[i].count; r++)
			f->sha_bytes += wire_name_len(zone->set[i].owner) + 10 + zone->set[i].rdata[r].len;
	}
	f->item = calloc(most + 1, sizeof *f->item);
	f->image = calloc(1, f->sha_bytes + 1);
	if (f->item == NULL || f->image == NULL)
		return -1;
	for (size_t n = 0; n < zone->n_nodes; n++) {
		const struct zone_node *node = &zone->node[n];
		for (uint32_t s = 0; s < node->n_sets; s++) {
			const struct wire_rrset *sigs = &zone->set[node->first_set + s], *set;
			if (sigs->type != WIRE_TYPE_RRSIG)
				continue;
			set = zone_node_set(zone, node, wire_get16(sigs->rdata[0].data));
			for (uint32_t r = 0; set != NULL && r < sigs->count; r++)
				if (item_add(f, set, &sigs->rdata[r]) < 0)
					return -1;
		}
	}
	return 0;
}

/* The floor itself; -1 if a signature does not verify, for then the comparison would be worth nothing. */
static int floor_run(struct floor *f, bool digest)
{
	uint8_t out[EVP_MAX_MD_SIZE];
	unsigned len;
	for (size_t i = 0; i < f->n; i++) {
		const struct item *item = &f->item[i];
		EVP_DigestInit_ex2(f->md, f->sha256, NULL);
		EVP_DigestUpdate(f->md, item->data, item->data_len);
		EVP_DigestFinal_ex(f->md, out, &len);
		if (EVP_PKEY_verify(item->ctx, item->sig, item->sig_len, out, len) != 1)
			return -1;
	}
	if (digest) {
		EVP_DigestInit_ex2(f->md, f->sha384, NULL);
		EVP_DigestUpdate(f->md, f->image, f->sha_bytes);
		EVP_DigestFinal_ex(f->md, out, &len);
	}
	return 0;
}

static void floor_done(struct floor *f)
{
	for (size_t i = 0; i < f->n_keys; i++) {
		EVP_PKEY_CTX_free(f->ctx[i]);
		EVP_PKEY_free(f->pkey[i]);
	}
	EVP_MD_free(f->sha256);
	EVP_MD_free(f->sha384);
	EVP_MD_CTX_free(f->md);
	free(f->item);
	free(f->image);
	arena_done(&f->arena);
}

struct times {
	double floor, read, prove[2], whole[2]; /* ms; [0] one thread, [1] all */
};

static void least(double *at, int64_t ns)
{
	double ms = (double)ns / 1e6;
	if (*at == 0 || ms < *at)
		*at = ms;
}

static int whole_run(const char *path, const struct zone_prove_settings *settings, struct times *t, unsigned which)
{
	static const uint8_t root[] = "";
	struct zone_read_settings read = {.origin = root};
	struct zone_error error;
	struct zone_proof proof;
	struct zone *zone;
	int64_t start = clock_mono_ns();
	if (zone_read_file(path, &read, NULL, NULL, &zone, &error) < 0)
		return fail(error.text);
	int64_t middle = clock_mono_ns();
	int rc = zone_prove(zone, settings, &proof);
	int64_t end = clock_mono_ns();
	zone_free(zone);
	if (rc < 0 || !proof.proved)
		return fail(rc < 0 ? error_text(rc) : reason_words(proof.reason));
	least(&t->read, middle - start);
	least(&t->prove[which], end - middle);
	least(&t->whole[which], end - start);
	return 0;
}

/* Rounds of everything in turn, so that a slow stretch of the machine falls on all alike. */
static int measure(const char *path, struct floor *f, struct zone_prove_settings *settings, unsigned rounds,
		   bool digest, struct times *t)
{
	for (unsigned i = 0; i < rounds; i++) {
		int64_t start = clock_mono_ns();
		if (floor_run(f, digest) < 0)
			return fail("a signature of the zone does not verify in the bare loop");
		least(&t->floor, clock_mono_ns() - start);
		for (unsigned which = 0; which < 2; which++) {
			settings->threads = which == 0 ? 1 : 0;
			if (whole_run(path, settings, t, which) != 0)
				return 1;
		}
	}
	return 0;
}

static void print(const struct floor *f, const struct times *t, const struct zone *zone, bool digest)
{
	printf("zone %s, serial %u: %zu records, %zu RSA signatures, %.2f MB%s\n\n", zone->source, zone->serial,
	       zone->n_records, f->n, (double)f->sha_bytes / 1e6, digest ? " to digest" : "; no ZONEMD");
	printf("%-44s %9s %9s\n", "", "ms", "x floor");
	printf("%-44s %9.1f %9.2f\n", "floor: bare libcrypto loop, one core", t->floor, 1.0);
	printf("%-44s %9.1f %9.2f\n", "read (text to ordered zone)", t->read, t->read / t->floor);
	printf("%-44s %9.1f %9.2f\n", "prove, 1 thread", t->prove[0], t->prove[0] / t->floor);
	printf("%-44s %9.1f %9.2f\n", "prove, all threads", t->prove[1], t->prove[1] / t->floor);
	printf("%-44s %9.1f %9.2f   target %.1f: %s\n", "read and prove, 1 thread", t->whole[0], t->whole[0] / t->floor,
	       TARGET, t->whole[0] <= TARGET * t->floor ? "met" : "missed");
	printf("%s %-*u %9.1f %9.2f   target %.1f: %s\n", "read and prove, all threads:", 44 - 29, cpu_count(),
	       t->whole[1], t->whole[1] / t->floor, TARGET, t->whole[1] <= TARGET * t->floor ? "met" : "missed");
}

int main(int argc, char **argv)
{
	const char *path = argc > 1 ? argv[1] : getenv("BANYAN_BENCH_ZONE"), *at = getenv("BANYAN_BENCH_AT");
	const char *rounds = getenv("BANYAN_BENCH_ROUNDS"), *anchor = getenv("BANYAN_BENCH_ANCHOR");
	struct zone_read_settings read = {.origin = (const uint8_t *)""};
	struct dnssec_anchors anchors = {0};
	struct zone_prove_settings settings = {.anchors = &anchors, .now = 1785546000};
	struct zone_error error;
	struct zone_proof proof;
	struct zone *zone;
	struct floor f = {0};
	struct times t = {0};
	if (path == NULL)
		return fail(
			"give a signed root zone as an argument or in BANYAN_BENCH_ZONE (its time in BANYAN_BENCH_AT)");
	if ((at != NULL && clock_parse(at, &settings.now) < 0) || dnssec_anchors_builtin(&anchors) < 0)
		return fail("BANYAN_BENCH_AT takes UNIX seconds or ISO 8601");
	if (anchor != NULL && zone_anchors_read(anchor, &anchors, &error) < 0)
		return fail(error.text);
	if (zone_read_file(path, &read, NULL, NULL, &zone, &error) < 0)
		return fail(error.text);
	if (zone_prove(zone, &settings, &proof) < 0 || !proof.proved)
		return fail("the zone does not prove at this time (BANYAN_BENCH_AT)");
	bool digest = proof.dnssec.zonemd == DNSSEC_ZONEMD_PROVED;
	int rc = floor_prepare(&f, zone) < 0 ? fail("out of memory") : 0;
	if (rc == 0)
		rc = measure(path, &f, &settings, rounds != NULL ? (unsigned)atoi(rounds) : ROUNDS_DEFAULT, digest, &t);
	if (rc == 0)
		print(&f, &t, zone, digest);
	floor_done(&f);
	zone_free(zone);
	dnssec_anchors_done(&anchors);
	return rc;
}
