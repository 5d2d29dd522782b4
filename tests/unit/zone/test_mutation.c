// SPDX-License-Identifier: GPL-3.0-or-later
/* A zone with any one byte changed in a record that a digest or signature covers never proves. */
#include "../test.h"

#include "signer.h"

#include <unistd.h>

#define REAL_SERIAL "2026073102"

static const char zone_text[] =
	"$TTL 3600\n"
	"@ IN SOA ns.example. Host.Example. 7 1800 900 604800 86400\n"
	"@ NS ns\n@ NS ns2.Sub.example.\n@ MX 10 Mail\n@ TXT \"apex\"\n"
	"ns A 192.0.2.1\nns AAAA 2001:db8::1\n"
	"mail 600 A 192.0.2.2\nmail 600 A 192.0.2.3\n"
	"*.wild TXT \"any\"\n"
	"a.b.c TXT \"deep\"\n"
	"alias CNAME mail\n"
	"secure NS ns.secure\nsecure DS 1 13 2 0102030405060708091011121314151617181920212223242526272829303132\n"
	"ns.secure A 192.0.2.9\n"
	"sub NS ns2.sub\nns2.sub A 192.0.2.10\n"
	"_srv._tcp SRV 0 1 80 Mail\n";

struct mutation_case {
	const char *name;
	uint8_t algorithm;
	bool nsec3, opt_out, zonemd;
	unsigned mutations;
};

static bool proves(const struct test_zone *zone, const struct dnssec_anchors *anchors, unsigned threads, int64_t now,
		   enum reason *ret_reason)
{
	struct zone *built = test_zone_build(zone);
	struct zone_prove_settings settings = {.anchors = anchors, .now = now, .threads = threads};
	struct zone_proof proof;
	assert_int_equal(zone_prove(built, &settings, &proof), 0);
	zone_free(built);
	*ret_reason = proof.reason;
	return proof.proved;
}

/* Is the record as it stands in canonical form the same as before? Then nothing was changed. */
static bool same_canonically(const struct test_record *a, const struct test_record *b)
{
	uint8_t da[1024], db[1024];
	if (a->owner_len != b->owner_len || !wire_name_equal(a->owner, b->owner) || a->ttl != b->ttl ||
	    a->len != b->len)
		return false;
	assert_true(a->len <= sizeof da);
	memcpy(da, a->rdata, a->len);
	memcpy(db, b->rdata, b->len);
	wire_rdata_canonical(da, a->len, a->type);
	wire_rdata_canonical(db, b->len, b->type);
	return memcmp(da, db, a->len) == 0;
}

/* Changes one byte of owner, TTL or data; false if the owner is no name any more. */
static bool mutate(struct test_record *r, struct random *random)
{
	uint8_t flip = (uint8_t)(1 + random_below(random, 255)), ttl[4];
	uint32_t at = random_below(random, (uint32_t)(r->owner_len + 4 + r->len));
	if (at < r->owner_len) {
		r->owner[at] ^= flip;
		return wire_name_check(r->owner, r->owner_len) == (int)r->owner_len;
	}
	at -= (uint32_t)r->owner_len;
	if (at < 4) {
		wire_put32(ttl, r->ttl);
		ttl[at] ^= flip;
		r->ttl = wire_get32(ttl);
		return true;
	}
	r->rdata[at - 4] ^= flip;
	return true;
}

/* Without a digest nothing covers what is at or below a delegation, but DS, NSEC and their signatures. */
static bool covered(const struct zone *zone, const struct test_record *r, bool digest)
{
	const struct zone_node *node = zone_find(zone, r->owner);
	if (digest)
		return true;
	if ((node->flags & ZONE_NODE_BELOW) != 0)
		return false;
	return (node->flags & ZONE_NODE_CUT) == 0 || r->type == WIRE_TYPE_DS || r->type == WIRE_TYPE_NSEC ||
	       r->type == WIRE_TYPE_RRSIG;
}

static void mutate_and_prove(struct test_zone *zone, const struct dnssec_anchors *anchors, int64_t now, bool digest,
			     unsigned threads, unsigned mutations, uint64_t seed)
{
	struct random random;
	struct zone *whole = test_zone_build(zone);
	enum reason reason;
	unsigned done = 0, unreadable = 0;
	random_init_seed(&random, seed);
	assert_true(proves(zone, anchors, threads, now, &reason));
	while (done < mutations) {
		struct test_record *r = &zone->record[random_below(&random, (uint32_t)zone->n)], before = *r;
		if (!covered(whole, r, digest))
			continue;
		before.rdata = malloc(r->len + 1U);
		memcpy(before.rdata, r->rdata, r->len);
		bool readable = mutate(r, &random);
		if (!readable)
			unreadable++;
		else if (!same_canonically(r, &before)) {
			char owner[WIRE_NAME_TEXT_MAX], type[16];
			if (proves(zone, anchors, threads, now, &reason))
				fail_msg("a changed %s at %s proves (mutation %u of seed %llu)",
					 wire_type_text(before.type, type), wire_name_text(before.owner, owner), done,
					 (unsigned long long)seed);
			assert_int_not_equal(reason, REASON_NONE);
			done++;
		}
		free(r->rdata);
		*r = before;
	}
	assert_true(proves(zone, anchors, threads, now, &reason)); /* all was put back */
	zone_free(whole);
	print_message("# %u mutations refused, %u more made an owner unreadable\n", done, unreadable);
}

static void small_zone(void **state)
{
	const struct mutation_case *c = *state;
	struct dnssec_anchors anchors;
	struct test_zone zone;
	struct signer signer;
	signer_init(&signer, c->algorithm);
	signer.nsec3 = c->nsec3;
	signer.opt_out = c->opt_out;
	signer.zonemd = c->zonemd;
	signer_make(&signer, "example.", zone_text, &zone);
	signer_anchor(&signer, &zone, &anchors);
	mutate_and_prove(&zone, &anchors, SIGNER_NOW, c->zonemd, 1, c->mutations, 20260801 + c->algorithm);
	dnssec_anchors_done(&anchors);
	test_zone_free(&zone);
	signer_done(&signer);
}

static void real_root(void **state)
{
	const char *path = *state;
	struct zone_read_settings settings = {.origin = (const uint8_t *)""};
	struct dnssec_anchors anchors = {0};
	struct test_zone records;
	struct zone_error error;
	struct zone *zone;
	if (zone_read_file(path, &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	test_zone_from(zone, &records);
	zone_free(zone);
	assert_int_equal(dnssec_anchors_builtin(&anchors), 0);
	mutate_and_prove(&records, &anchors, SIGNER_NOW, true, 0, 200, 2026);
	dnssec_anchors_done(&anchors);
	test_zone_free(&records);
}

/* `--real-root`: only what needs the real root zone among the shared data; without them 77, which Meson takes for skipped. */
static int main_real_root(void)
{
	static char path[4096];
	const char *shared = getenv("BANYAN_SHARED");
	snprintf(path, sizeof path, "%s/data/rootzones/signed/root-" REAL_SERIAL ".zone.zst",
		 shared != NULL ? shared : SOURCE_ROOT "/../shared");
	if (access(path, R_OK) < 0) {
		printf("skipped: there is no %s\n", path);
		return 77;
	}
	const struct CMUnitTest tests[] = {cmocka_unit_test_prestate(real_root, path)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}

int main(int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "--real-root") == 0)
		return main_real_root();
	static struct mutation_case cases[] = {
		{"RSA, NSEC, ZONEMD", DNSSEC_RSASHA256, false, false, true, 3000},
		{"RSA, NSEC, no ZONEMD", DNSSEC_RSASHA256, false, false, false, 3000},
		{"RSA, NSEC3, no ZONEMD", DNSSEC_RSASHA256, true, false, false, 2000},
		{"RSA, NSEC3 with opt-out, ZONEMD", DNSSEC_RSASHA256, true, true, true, 1000},
		{"P-256, NSEC3 with opt-out, no ZONEMD", DNSSEC_ECDSAP256SHA256, true, true, false, 600},
		{"Ed25519, NSEC, ZONEMD", DNSSEC_ED25519, false, false, true, 600},
	};
	struct CMUnitTest tests[ARRAY_SIZE(cases)];
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		tests[i] =
			(struct CMUnitTest){.name = cases[i].name, .test_func = small_zone, .initial_state = &cases[i]};
	return cmocka_run_group_tests_name("mutation", tests, NULL, NULL);
}
