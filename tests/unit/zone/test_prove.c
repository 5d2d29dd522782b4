// SPDX-License-Identifier: GPL-3.0-or-later
/* Proving: each fault has its reason, and what is no fault has none. */
#include "../test.h"

#include "signer.h"

static const char plain_text[] = "$TTL 3600\n"
				 "@ SOA ns h 7 1800 900 604800 86400\n@ NS ns\nns A 192.0.2.1\n"
				 "www TXT x\n*.wild TXT y\na.b TXT z\n"
				 "cut NS ns.cut\nns.cut A 192.0.2.2\n"
				 "empty.only NS ns\n"
				 "safe NS ns\nsafe DS 1 13 2 00\n";

struct prepared {
	struct signer signer;
	struct test_zone zone;
	struct dnssec_anchors anchors;
	struct zone_prove_settings settings;
	/* after prove() */
	struct zone_proof proof;
	size_t seen[REASON_COUNT];
	char last[REASON_COUNT][256];
};

enum { NSEC = 0, NSEC3 = 1, OPT_OUT = 2, ZONEMD = 4, MD512 = 8, P256 = 16, RSA8 = 32 };

static void prepare_text(struct prepared *p, unsigned how, const char *text)
{
	memset(p, 0, sizeof *p);
	signer_init(&p->signer, (how & RSA8) != 0   ? DNSSEC_RSASHA256
				: (how & P256) != 0 ? DNSSEC_ECDSAP256SHA256
						    : DNSSEC_ED25519);
	p->signer.nsec3 = (how & (NSEC3 | OPT_OUT)) != 0;
	p->signer.opt_out = (how & OPT_OUT) != 0;
	p->signer.zonemd = (how & ZONEMD) != 0;
	p->signer.zonemd_hash = (how & MD512) != 0 ? 2 : 1;
	signer_make(&p->signer, "example.", text, &p->zone);
	signer_anchor(&p->signer, &p->zone, &p->anchors);
	p->settings = (struct zone_prove_settings){.anchors = &p->anchors, .now = SIGNER_NOW, .threads = 2};
}

static void prepare(struct prepared *p, unsigned how)
{
	prepare_text(p, how, plain_text);
}

static void finish(struct prepared *p)
{
	dnssec_anchors_done(&p->anchors);
	test_zone_free(&p->zone);
	signer_done(&p->signer);
}

static void on_finding(void *ctx, const struct zone_finding *f)
{
	struct prepared *p = ctx;
	p->seen[f->reason]++;
	snprintf(p->last[f->reason], sizeof p->last[0], "%s", f->text);
}

static bool prove(struct prepared *p)
{
	struct zone *zone = test_zone_build(&p->zone);
	memset(p->seen, 0, sizeof p->seen);
	p->settings.report = on_finding;
	p->settings.report_ctx = p;
	assert_int_equal(zone_prove(zone, &p->settings, &p->proof), 0);
	zone_free(zone);
	return p->proof.proved;
}

static void must_prove(struct prepared *p)
{
	if (!prove(p))
		fail_msg("not proved: %s: %s", reason_code(p->proof.reason), p->last[p->proof.reason]);
	assert_int_equal(p->proof.reason, REASON_NONE);
	assert_int_equal(p->proof.dnssec.signatures, p->proof.dnssec.signatures_good);
}

static void must_fail(struct prepared *p, enum reason reason)
{
	if (prove(p))
		fail_msg("proved, and should be refused: %s", reason_code(reason));
	if (p->proof.reason != reason)
		fail_msg("%s (%s), not %s", reason_code(p->proof.reason), p->last[p->proof.reason],
			 reason_code(reason));
}

/* ---- what must prove ---- */
static void good_zones(void **state)
{
	(void)state;
	static const unsigned how[] = {NSEC,
				       NSEC | ZONEMD,
				       NSEC3,
				       NSEC3 | ZONEMD | MD512,
				       OPT_OUT,
				       OPT_OUT | ZONEMD,
				       P256 | NSEC,
				       P256 | NSEC3 | ZONEMD,
				       RSA8 | OPT_OUT,
				       RSA8 | ZONEMD | MD512,
				       RSA8 | NSEC3 | ZONEMD};
	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		struct prepared p;
		prepare(&p, how[i]);
		must_prove(&p);
		assert_int_equal(p.proof.dnssec.zonemd,
				 (how[i] & ZONEMD) != 0 ? DNSSEC_ZONEMD_PROVED : DNSSEC_ZONEMD_ABSENT_PROVED);
		assert_int_equal(p.proof.dnssec.nsec3, (how[i] & (NSEC3 | OPT_OUT)) != 0);
		assert_int_equal(p.proof.dnssec.opt_out, (how[i] & OPT_OUT) != 0);
		assert_int_equal(p.proof.dnssec.first_expiry, SIGNER_NOW + 86400);
		assert_int_equal(p.proof.dnssec.last_inception, SIGNER_NOW - 3600);
		assert_int_equal(p.proof.dnssec.serial, 7);
		assert_int_equal(p.proof.dnssec.anchor_tag, dnssec_key_tag(p.signer.dnskey, p.signer.dnskey_len));
		p.settings.require_zonemd = true;
		if ((how[i] & ZONEMD) != 0)
			must_prove(&p);
		else
			must_fail(&p, REASON_ZONEMD_ABSENT);
		finish(&p);
	}
}

/* What was computed once is not computed again; what differs by a bit is, and all that time decides is judged anew. */
static void memo(void **state)
{
	(void)state;
	static const unsigned how[] = {NSEC | ZONEMD, P256 | NSEC3, RSA8 | OPT_OUT | ZONEMD};
	for (size_t i = 0; i < ARRAY_SIZE(how); i++) {
		struct prepared p;
		prepare(&p, how[i]);
		p.settings.memo = dnssec_memo_new();
		assert_non_null(p.settings.memo);
		must_prove(&p);
		size_t all = p.proof.dnssec.signatures;
		assert_int_equal(p.proof.dnssec.signatures_known, 0);
		assert_int_equal(dnssec_memo_count(p.settings.memo), all);
		must_prove(&p);
		assert_int_equal(p.proof.dnssec.signatures_known, all);

		p.settings.now = SIGNER_NOW + 86401;
		must_fail(&p, REASON_RRSIG_EXPIRED);
		p.settings.now = SIGNER_NOW;
		must_prove(&p);

		struct test_record *sig = test_zone_find(&p.zone, "www.example", WIRE_TYPE_RRSIG, WIRE_TYPE_TXT);
		sig->rdata[sig->len - 1] ^= 1;
		must_fail(&p, REASON_RRSIG_BOGUS);
		assert_int_equal(p.proof.dnssec.signatures_known, all - 1);
		assert_int_equal(dnssec_memo_count(p.settings.memo), all - 1);
		must_fail(&p, REASON_RRSIG_BOGUS); /* a bad one is not kept */
		sig->rdata[sig->len - 1] ^= 1;

		struct test_record *txt = test_zone_find(&p.zone, "www.example", WIRE_TYPE_TXT, 0);
		txt->rdata[1] ^= 1;
		must_fail(&p, REASON_RRSIG_BOGUS);
		txt->rdata[1] ^= 1;
		must_prove(&p);
		assert_int_equal(p.proof.dnssec.signatures_known, all - 1);

		/* the same data by another key: nothing is known of that (the Ed25519 key of tests is always the same) */
		struct prepared other;
		prepare(&other, i == 0 ? P256 | ZONEMD : how[i]);
		other.settings.memo = p.settings.memo;
		must_prove(&other);
		assert_int_equal(other.proof.dnssec.signatures_known, 0);
		finish(&other);
		dnssec_memo_free(p.settings.memo);
		finish(&p);
	}
}

/* ---- what is not known ---- */
static void unknown(void **state)
{
	(void)state;
	static const char text[] = "$TTL 3600\n@ SOA ns h 7 1800 900 604800 86400\n@ NS ns\nns A 192.0.2.1\n"
				   "new TYPE90 \\# 3 010203\n";
	struct prepared p;
	prepare_text(&p, NSEC | ZONEMD, text);
	must_prove(&p);
	p.settings.known_only = true;
	must_fail(&p, REASON_TYPE_UNKNOWN);
	finish(&p);
	prepare(&p, NSEC | ZONEMD);
	p.settings.known_only = true;
	must_prove(&p);
	finish(&p);
	/* a second key of an algorithm that came later */
	static const uint8_t later[] = {1, 0, 3, 222, 1, 2, 3, 4};
	prepare(&p, NSEC);
	test_zone_remove(&p.zone, "example", WIRE_TYPE_RRSIG, WIRE_TYPE_DNSKEY);
	test_zone_add(&p.zone, p.zone.apex, WIRE_TYPE_DNSKEY, 3600, later, sizeof later);
	signer_sign(&p.signer, &p.zone, p.zone.apex, WIRE_TYPE_DNSKEY);
	p.settings.known_only = false;
	must_prove(&p);
	p.settings.known_only = true;
	must_fail(&p, REASON_ALGORITHM_UNSUPPORTED);
	finish(&p);
}

/* ---- time ---- */
static void times(void **state)
{
	(void)state;
	struct prepared p;
	prepare(&p, NSEC);
	p.settings.now = SIGNER_NOW + 86400;
	must_prove(&p); /* the last second counts */
	p.settings.now++;
	must_fail(&p, REASON_RRSIG_EXPIRED);
	p.settings.now = SIGNER_NOW - 3600;
	must_prove(&p);
	p.settings.now--;
	must_fail(&p, REASON_RRSIG_NOT_YET);
	finish(&p);
	/* stamps are serial numbers: they go on after 2106 */
	prepare(&p, NSEC);
	p.signer.inception = 0xfffffff0U;
	p.signer.expiration = 100;
	test_zone_remove(&p.zone, "www.example", WIRE_TYPE_RRSIG, WIRE_TYPE_TXT);
	signer_sign(&p.signer, &p.zone, (const uint8_t *)"\3www\7example", WIRE_TYPE_TXT);
	p.settings.now = ((int64_t)1 << 32) + 50;
	prove(&p);
	assert_null(strstr(p.last[REASON_RRSIG_EXPIRED], "over TXT"));
	p.settings.now = ((int64_t)1 << 32) + 101;
	prove(&p);
	assert_true(p.seen[REASON_RRSIG_EXPIRED] > 0);
	finish(&p);
}

/* ---- keys ---- */
static void anchors(void **state)
{
	(void)state;
	struct prepared p, other;
	prepare(&p, NSEC);
	prepare(&other, P256);
	/* another zone's key does not do; both together do */
	p.settings.anchors = &other.anchors;
	must_fail(&p, REASON_ANCHOR_NO_MATCH);
	struct wire_rdata rdata = {p.signer.dnskey, p.signer.dnskey_len};
	assert_int_equal(dnssec_anchors_add(&other.anchors, p.zone.apex, WIRE_TYPE_DNSKEY, &rdata), 0);
	must_prove(&p);
	/* the anchor of another name does not count */
	struct dnssec_anchors elsewhere = {0};
	assert_int_equal(dnssec_anchors_add(&elsewhere, (const uint8_t *)"", WIRE_TYPE_DNSKEY, &rdata), 0);
	p.settings.anchors = &elsewhere;
	must_fail(&p, REASON_ANCHOR_NO_MATCH);
	dnssec_anchors_done(&elsewhere);
	p.settings.anchors = NULL;
	must_fail(&p, REASON_ANCHOR_NO_MATCH);
	finish(&p);
	finish(&other);
}

/* A second key in the set: an anchor that names it is worth nothing unless it signs the set. */
static void anchor_must_sign(void **state)
{
	(void)state;
	struct prepared p;
	struct signer second;
	struct dnssec_anchors only = {0};
	prepare(&p, NSEC);
	signer_init(&second, DNSSEC_ECDSAP256SHA256);
	struct wire_rdata rdata = {second.dnskey, second.dnskey_len};
	test_zone_add(&p.zone, p.zone.apex, WIRE_TYPE_DNSKEY, 3600, second.dnskey, second.dnskey_len);
	test_zone_remove(&p.zone, "example", WIRE_TYPE_RRSIG, WIRE_TYPE_DNSKEY);
	signer_sign(&p.signer, &p.zone, p.zone.apex, WIRE_TYPE_DNSKEY);
	must_prove(&p);
	assert_int_equal(dnssec_anchors_add(&only, p.zone.apex, WIRE_TYPE_DNSKEY, &rdata), 0);
	p.settings.anchors = &only;
	must_fail(&p, REASON_ANCHOR_NO_MATCH);
	signer_sign(&second, &p.zone, p.zone.apex, WIRE_TYPE_DNSKEY);
	must_prove(&p);
	dnssec_anchors_done(&only);
	signer_done(&second);
	finish(&p);
}

static void revoked(void **state)
{
	(void)state;
	struct prepared p;
	struct signer second;
	struct dnssec_anchors only = {0};
	prepare(&p, NSEC);
	signer_init(&second, DNSSEC_ECDSAP256SHA256);
	wire_put16(second.dnskey, 257 | 0x80); /* RFC 5011: the bit changes the tag, too */
	struct wire_rdata rdata = {second.dnskey, second.dnskey_len};
	test_zone_add(&p.zone, p.zone.apex, WIRE_TYPE_DNSKEY, 3600, second.dnskey, second.dnskey_len);
	test_zone_remove(&p.zone, "example", WIRE_TYPE_RRSIG, WIRE_TYPE_DNSKEY);
	signer_sign(&p.signer, &p.zone, p.zone.apex, WIRE_TYPE_DNSKEY);
	signer_sign(&second, &p.zone, p.zone.apex, WIRE_TYPE_DNSKEY);
	must_prove(&p); /* its signature is good as a signature */
	assert_int_equal(dnssec_anchors_add(&only, p.zone.apex, WIRE_TYPE_DNSKEY, &rdata), 0);
	p.settings.anchors = &only;
	must_fail(&p, REASON_ANCHOR_NO_MATCH); /* but starts no chain of trust */
	p.settings.anchors = &p.anchors;
	test_zone_remove(&p.zone, "www.example", WIRE_TYPE_RRSIG, WIRE_TYPE_TXT);
	signer_sign(&second, &p.zone, (const uint8_t *)"\3www\7example", WIRE_TYPE_TXT);
	must_fail(&p, REASON_RRSIG_MISSING); /* and vouches for nothing else */
	dnssec_anchors_done(&only);
	signer_done(&second);
	finish(&p);
}

/* RFC 6781 section 4.1.4: signatures of the new algorithm come before its keys, those of the old one go after them. */
static void algorithm_roll(void **state)
{
	(void)state;
	struct prepared p;
	struct signer second;
	prepare(&p, NSEC);
	assert_true(prove(&p));
	int64_t first_expiry = p.proof.dnssec.first_expiry;
	signer_init(&second, DNSSEC_RSASHA256);
	second.expiration = SIGNER_NOW + 12;
	signer_sign(&second, &p.zone, (const uint8_t *)"\3www\7example", WIRE_TYPE_TXT);
	must_fail(&p, REASON_RRSIG_NO_KEY); /* somebody has added it, who could not add one to the SOA */
	signer_sign(&second, &p.zone, p.zone.apex, WIRE_TYPE_SOA);
	assert_true(prove(&p));
	assert_true(p.seen[REASON_RRSIG_NO_KEY] > 0);             /* it is named */
	assert_true(p.proof.dnssec.first_expiry == first_expiry); /* decides nothing */
	test_zone_remove(&p.zone, "www.example", WIRE_TYPE_RRSIG, WIRE_TYPE_TXT);
	signer_sign(&second, &p.zone, (const uint8_t *)"\3www\7example", WIRE_TYPE_TXT);
	must_fail(&p, REASON_RRSIG_MISSING); /* and proves nothing */
	test_zone_remove(&p.zone, "www.example", WIRE_TYPE_RRSIG, WIRE_TYPE_TXT);
	signer_sign(&p.signer, &p.zone, (const uint8_t *)"\3www\7example", WIRE_TYPE_TXT);
	second.inception = SIGNER_NOW - 100;
	second.expiration = SIGNER_NOW - 12; /* nor is it a fault when it has ended */
	signer_sign(&second, &p.zone, (const uint8_t *)"\3www\7example", WIRE_TYPE_TXT);
	assert_true(prove(&p));
	signer_done(&second);
	finish(&p);
	/* of an algorithm that has keys it is a fault */
	prepare(&p, NSEC | P256);
	signer_init(&second, p.signer.algorithm);
	signer_sign(&second, &p.zone, (const uint8_t *)"\3www\7example", WIRE_TYPE_TXT);
	must_fail(&p, REASON_RRSIG_NO_KEY);
	signer_done(&second);
	finish(&p);
}

static void keys(void **state)
{
	(void)state;
	struct prepared p;
	prepare(&p, NSEC);
	test_zone_remove(&p.zone, "example", WIRE_TYPE_DNSKEY, 0);
	must_fail(&p, REASON_DNSKEY_MISSING);
	finish(&p);
	/* a key without the zone bit signs nothing (RFC 4034 section 2.1.1) */
	prepare(&p, NSEC);
	test_zone_find(&p.zone, "example", WIRE_TYPE_DNSKEY, 0)->rdata[0] = 0;
	prove(&p);
	assert_true(p.seen[REASON_RRSIG_NO_KEY] > 0);
	assert_false(p.proof.proved);
	finish(&p);
	/* neither key nor signature */
	prepare(&p, NSEC);
	for (size_t i = 0; i < p.zone.n;)
		if (p.zone.record[i].type == WIRE_TYPE_RRSIG || p.zone.record[i].type == WIRE_TYPE_NSEC ||
		    p.zone.record[i].type == WIRE_TYPE_DNSKEY) {
			free(p.zone.record[i].rdata);
			p.zone.record[i] = p.zone.record[--p.zone.n];
		} else {
			i++;
		}
	must_fail(&p, REASON_ZONE_UNSIGNED);
	p.settings.structure_only = true;
	assert_true(prove(&p));
	finish(&p);
}

/* ---- algorithms ---- */
static void set_algorithm(struct prepared *p, uint8_t algorithm)
{
	uint8_t *key = test_zone_find(&p->zone, "example", WIRE_TYPE_DNSKEY, 0)->rdata;
	key[3] = algorithm;
	p->anchors.item[0].rdata[3] = algorithm;
	uint16_t tag = dnssec_key_tag(key, p->signer.dnskey_len);
	for (size_t i = 0; i < p->zone.n; i++)
		if (p->zone.record[i].type == WIRE_TYPE_RRSIG) {
			p->zone.record[i].rdata[2] = algorithm;
			wire_put16(p->zone.record[i].rdata + 16, tag);
		}
}

static void algorithms(void **state)
{
	(void)state;
	static const uint8_t unknown[] = {0, 1, 2, 3, 6, 12, 17, 252, 253, 254, 255};
	for (size_t i = 0; i < ARRAY_SIZE(unknown); i++) {
		struct prepared p;
		char number[16];
		prepare(&p, NSEC);
		set_algorithm(&p, unknown[i]);
		assert_false(prove(&p));
		assert_true(p.seen[REASON_ALGORITHM_UNSUPPORTED] > 0);
		assert_int_equal(p.proof.dnssec.signatures_good, 0);
		prove(&p);
		snprintf(number, sizeof number, "%u", unknown[i]);
		assert_false(dnssec_algorithm_supported(unknown[i]));
		finish(&p);
	}
}

/* A second signature of an unknown algorithm beside a good one is named, and does no harm. */
static void algorithm_beside(void **state)
{
	(void)state;
	struct prepared p;
	static const uint8_t strange[] = {1, 1, 3, 253, 9, 9, 9, 9};
	uint8_t rdata[60];
	prepare(&p, NSEC);
	test_zone_add(&p.zone, p.zone.apex, WIRE_TYPE_DNSKEY, 3600, strange, sizeof strange);
	test_zone_remove(&p.zone, "example", WIRE_TYPE_RRSIG, WIRE_TYPE_DNSKEY);
	signer_sign(&p.signer, &p.zone, p.zone.apex, WIRE_TYPE_DNSKEY);
	memcpy(rdata, test_zone_find(&p.zone, "www.example", WIRE_TYPE_RRSIG, WIRE_TYPE_TXT)->rdata, 18 + 9);
	rdata[2] = 253;
	wire_put16(rdata + 16, dnssec_key_tag(strange, sizeof strange));
	memset(rdata + 27, 7, 20);
	test_zone_add(&p.zone, (const uint8_t *)"\3www\7example", WIRE_TYPE_RRSIG, 3600, rdata, 47);
	assert_true(prove(&p));
	assert_true(p.seen[REASON_ALGORITHM_UNSUPPORTED] > 0);
	assert_int_equal(p.proof.dnssec.signatures_good + 1, p.proof.dnssec.signatures);
	/* but alone it proves nothing */
	struct test_record *good = NULL;
	for (size_t i = 0; i < p.zone.n; i++)
		if (p.zone.record[i].type == WIRE_TYPE_RRSIG && wire_get16(p.zone.record[i].rdata) == WIRE_TYPE_TXT &&
		    p.zone.record[i].owner[0] == 3 && p.zone.record[i].rdata[2] != 253)
			good = &p.zone.record[i];
	assert_non_null(good);
	free(good->rdata);
	*good = p.zone.record[--p.zone.n];
	must_fail(&p, REASON_ALGORITHM_UNSUPPORTED);
	finish(&p);
}

/* ---- signatures ---- */
static void signatures(void **state)
{
	(void)state;
	static const uint8_t www[] = "\3www\7example", sub[] = "\2ns\3cut\7example", cut[] = "\3cut\7example";
	struct prepared p;
	prepare(&p, NSEC);
	test_zone_remove(&p.zone, "www.example", WIRE_TYPE_RRSIG, WIRE_TYPE_TXT);
	must_fail(&p, REASON_RRSIG_MISSING);
	signer_sign(&p.signer, &p.zone, www, WIRE_TYPE_TXT);
	must_prove(&p);
	/* glue and the delegation itself are not the zone's to sign */
	signer_sign(&p.signer, &p.zone, sub, WIRE_TYPE_A);
	must_fail(&p, REASON_RRSIG_STRAY);
	test_zone_remove(&p.zone, "ns.cut.example", WIRE_TYPE_RRSIG, WIRE_TYPE_A);
	signer_sign(&p.signer, &p.zone, cut, WIRE_TYPE_NS);
	must_fail(&p, REASON_RRSIG_STRAY);
	test_zone_remove(&p.zone, "cut.example", WIRE_TYPE_RRSIG, WIRE_TYPE_NS);
	/* a signature over nothing */
	signer_sign(&p.signer, &p.zone, www, WIRE_TYPE_TXT);
	test_zone_find(&p.zone, "www.example", WIRE_TYPE_RRSIG, WIRE_TYPE_TXT)->rdata[1] = WIRE_TYPE_MX;
	must_fail(&p, REASON_RRSIG_STRAY);
	finish(&p);
	/* a second signature that is wrong, beside a good one: every signature counts */
	prepare(&p, NSEC);
	signer_sign(&p.signer, &p.zone, www, WIRE_TYPE_TXT);
	struct test_record *r = test_zone_find(&p.zone, "www.example", WIRE_TYPE_RRSIG, WIRE_TYPE_TXT);
	r->rdata[r->len - 1] ^= 1;
	must_fail(&p, REASON_RRSIG_BOGUS);
	finish(&p);
	/* labels, signer, TTL must be those of a zone at rest */
	for (unsigned i = 0; i < 3; i++) {
		prepare(&p, NSEC);
		r = test_zone_find(&p.zone, "a.b.example", WIRE_TYPE_RRSIG, WIRE_TYPE_TXT);
		if (i == 0)
			r->rdata[3]--;
		else if (i == 1)
			r->ttl++;
		else
			r->rdata[19] ^= 1;
		must_fail(&p, REASON_RRSIG_MALFORMED);
		finish(&p);
	}
	prepare(&p, NSEC);
	test_zone_find(&p.zone, "www.example", WIRE_TYPE_RRSIG, WIRE_TYPE_TXT)->len = 20;
	must_fail(&p, REASON_RRSIG_MALFORMED);
	finish(&p);
}

/* ---- denial ---- */
static void sign_again(struct prepared *p, const char *owner, uint16_t type)
{
	uint8_t name[WIRE_NAME_MAX];
	assert_true(wire_name_parse(owner, name) > 0);
	test_zone_remove(&p->zone, owner, WIRE_TYPE_RRSIG, type);
	signer_sign(&p->signer, &p->zone, name, type);
}

static void nsec_chain(void **state)
{
	(void)state;
	struct prepared p;
	prepare(&p, NSEC);
	test_zone_remove(&p.zone, "www.example", WIRE_TYPE_NSEC, 0);
	test_zone_remove(&p.zone, "www.example", WIRE_TYPE_RRSIG, WIRE_TYPE_NSEC);
	must_fail(&p, REASON_NSEC_MISSING);
	finish(&p);
	/* a name the chain does not know: its neighbour's next name is wrong */
	prepare(&p, NSEC);
	test_zone_find(&p.zone, "www.example", WIRE_TYPE_NSEC, 0)->rdata[1] ^= 1;
	sign_again(&p, "www.example", WIRE_TYPE_NSEC);
	must_fail(&p, REASON_NSEC_CHAIN_BROKEN);
	finish(&p);
	/* a type too many, named in the words */
	prepare(&p, NSEC);
	struct test_record *r = test_zone_find(&p.zone, "www.example", WIRE_TYPE_NSEC, 0);
	r->rdata[r->len - 6] |= 0x40; /* bit of type A in the first byte of window 0 */
	sign_again(&p, "www.example", WIRE_TYPE_NSEC);
	must_fail(&p, REASON_NSEC_BITMAP_WRONG);
	assert_non_null(strstr(p.last[REASON_NSEC_BITMAP_WRONG], "there is A"));
	finish(&p);
	/* a type that is there and signed, but not in the bitmap */
	prepare(&p, NSEC);
	test_zone_add(&p.zone, (const uint8_t *)"\3www\7example", WIRE_TYPE_MX, 3600, (const uint8_t *)"\0\1\0", 3);
	sign_again(&p, "www.example", WIRE_TYPE_MX);
	must_fail(&p, REASON_NSEC_BITMAP_WRONG);
	assert_non_null(strstr(p.last[REASON_NSEC_BITMAP_WRONG], "lacks MX"));
	finish(&p);
}

static struct test_record *some_nsec3(struct prepared *p, size_t skip)
{
	for (size_t i = 0; i < p->zone.n; i++)
		if (p->zone.record[i].type == WIRE_TYPE_NSEC3 && skip-- == 0)
			return &p->zone.record[i];
	fail_msg("no NSEC3");
	return NULL;
}

static void nsec3_chain(void **state)
{
	(void)state;
	struct prepared p;
	char owner[WIRE_NAME_TEXT_MAX];
	/* each record of the chain is needed */
	prepare(&p, NSEC3);
	size_t n = 0;
	for (size_t i = 0; i < p.zone.n; i++)
		n += p.zone.record[i].type == WIRE_TYPE_NSEC3;
	assert_int_equal(n, 11); /* ten names, with the empty non-terminals b, wild and only; ns.cut is not ours */
	finish(&p);
	for (size_t i = 0; i < 11; i++) {
		prepare(&p, NSEC3);
		wire_name_text(some_nsec3(&p, i)->owner, owner);
		test_zone_remove(&p.zone, owner, WIRE_TYPE_NSEC3, 0);
		test_zone_remove(&p.zone, owner, WIRE_TYPE_RRSIG, WIRE_TYPE_NSEC3);
		must_fail(&p, REASON_NSEC_MISSING);
		finish(&p);
	}
	/* wrong next hash, wrong bitmap, another salt */
	for (unsigned i = 0; i < 3; i++) {
		static const enum reason reasons[] = {REASON_NSEC_CHAIN_BROKEN, REASON_NSEC_BITMAP_WRONG,
						      REASON_NSEC_MISSING};
		static const uint8_t at[] = {8, 30, 5};
		prepare(&p, NSEC3);
		size_t k = 0;
		while (some_nsec3(&p, k)->len < 31)
			k++;
		struct test_record *r = some_nsec3(&p, k);
		r->rdata[at[i]] ^= 0x08;
		wire_name_text(r->owner, owner);
		sign_again(&p, owner, WIRE_TYPE_NSEC3);
		must_fail(&p, reasons[i]);
		if (i == 2)
			assert_true(p.seen[REASON_NSEC3_PARAMETERS] > 0);
		finish(&p);
	}
	/* iterations above the limit */
	prepare(&p, NSEC3);
	test_zone_find(&p.zone, "example", WIRE_TYPE_NSEC3PARAM, 0)->rdata[3] = DNSSEC_NSEC3_ITERATIONS_MAX + 1;
	sign_again(&p, "example", WIRE_TYPE_NSEC3PARAM);
	must_fail(&p, REASON_NSEC3_PARAMETERS);
	finish(&p);
	/* NSEC and NSEC3 at once */
	prepare(&p, NSEC3);
	test_zone_add(&p.zone, p.zone.apex, WIRE_TYPE_NSEC, 300, (const uint8_t *)"\0", 1);
	sign_again(&p, "example", WIRE_TYPE_NSEC);
	must_fail(&p, REASON_DENIAL_MIXED);
	finish(&p);
}

/* Opt-out covers an insecure delegation, nothing else; and only where the flag is set. */
static void opt_out(void **state)
{
	(void)state;
	struct prepared p;
	prepare(&p, OPT_OUT);
	test_zone_add(&p.zone, (const uint8_t *)"\3new\7example", WIRE_TYPE_NS, 3600, (const uint8_t *)"\2ns\7example",
		      12);
	must_prove(&p);
	test_zone_add(&p.zone, (const uint8_t *)"\3new\3ent\7example", WIRE_TYPE_NS, 3600,
		      (const uint8_t *)"\2ns\7example", 12);
	must_prove(&p);
	test_zone_add(&p.zone, (const uint8_t *)"\3www\2n2\7example", WIRE_TYPE_TXT, 3600, (const uint8_t *)"\1x", 2);
	sign_again(&p, "www.n2.example", WIRE_TYPE_TXT);
	must_fail(&p, REASON_NSEC_MISSING);
	finish(&p);
	prepare(&p, NSEC3);
	test_zone_add(&p.zone, (const uint8_t *)"\3new\7example", WIRE_TYPE_NS, 3600, (const uint8_t *)"\2ns\7example",
		      12);
	must_fail(&p, REASON_NSEC_MISSING);
	assert_non_null(strstr(p.last[REASON_NSEC_MISSING], "opt-out"));
	finish(&p);
}

/* ---- ZONEMD ---- */
static void zonemd(void **state)
{
	(void)state;
	struct prepared p;
	/* what is not signed is covered all the same */
	prepare(&p, ZONEMD);
	test_zone_find(&p.zone, "ns.cut.example", WIRE_TYPE_A, 0)->rdata[3]++;
	must_fail(&p, REASON_ZONEMD_MISMATCH);
	assert_int_equal(p.proof.dnssec.signatures, p.proof.dnssec.signatures_good);
	finish(&p);
	/* taken out with its signature: the signed bitmap tells */
	for (unsigned how = NSEC; how <= NSEC3; how++) {
		prepare(&p, ZONEMD | how);
		test_zone_remove(&p.zone, "example", WIRE_TYPE_ZONEMD, 0);
		test_zone_remove(&p.zone, "example", WIRE_TYPE_RRSIG, WIRE_TYPE_ZONEMD);
		must_fail(&p, REASON_ZONEMD_STRIPPED);
		assert_int_equal(p.proof.dnssec.zonemd, DNSSEC_ZONEMD_NOT_PROVED);
		finish(&p);
	}
	static const struct {
		unsigned at;
		uint8_t flip;
		enum reason reason;
	} cases[] = {{3, 1, REASON_ZONEMD_SERIAL},
		     {4, 0xf0, REASON_ZONEMD_SCHEME},
		     {5, 0xf0, REASON_ZONEMD_HASH},
		     {5, 3, REASON_ZONEMD_MALFORMED},
		     {9, 1, REASON_ZONEMD_MISMATCH}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		prepare(&p, ZONEMD);
		test_zone_find(&p.zone, "example", WIRE_TYPE_ZONEMD, 0)->rdata[cases[i].at] ^= cases[i].flip;
		sign_again(&p, "example", WIRE_TYPE_ZONEMD);
		must_fail(&p, cases[i].reason);
		assert_int_equal(p.proof.dnssec.zonemd_reason, cases[i].reason);
		finish(&p);
	}
	/* the same pair twice may not be used, even though one of them is right; another pair may */
	prepare(&p, ZONEMD);
	struct test_record twice = *test_zone_find(&p.zone, "example", WIRE_TYPE_ZONEMD, 0);
	uint8_t rdata[54];
	memcpy(rdata, twice.rdata, sizeof rdata);
	rdata[10] ^= 1;
	test_zone_add(&p.zone, p.zone.apex, WIRE_TYPE_ZONEMD, 3600, rdata, sizeof rdata);
	sign_again(&p, "example", WIRE_TYPE_ZONEMD);
	must_fail(&p, REASON_ZONEMD_REPEATED);
	p.zone.record[p.zone.n - 2].rdata[4] = 240; /* the added one stands before its new signature */
	assert_int_equal(p.zone.record[p.zone.n - 2].type, WIRE_TYPE_ZONEMD);
	sign_again(&p, "example", WIRE_TYPE_ZONEMD);
	must_prove(&p);
	finish(&p);
}

static void digest_only(void **state)
{
	(void)state;
	struct prepared p;
	prepare(&p, ZONEMD);
	p.settings.digest_only = true;
	p.settings.now = SIGNER_NOW + 10 * 86400; /* no signature is looked at */
	assert_true(prove(&p));
	assert_int_equal(p.proof.dnssec.zonemd, DNSSEC_ZONEMD_UNSIGNED_OK);
	test_zone_find(&p.zone, "www.example", WIRE_TYPE_TXT, 0)->rdata[1] ^= 1;
	must_fail(&p, REASON_ZONEMD_MISMATCH);
	test_zone_remove(&p.zone, "example", WIRE_TYPE_ZONEMD, 0);
	must_fail(&p, REASON_ZONEMD_ABSENT);
	finish(&p);
}

/* ---- structure ---- */
struct structure_case {
	const char *text;
	enum reason reason;
	bool fatal;
};

static void structure(void **state)
{
	(void)state;
#define APEX "@ 60 SOA ns h 7 1800 900 604800 86400\n@ 60 NS ns\nns 60 A 192.0.2.1\n"
	static const struct structure_case cases[] = {
		{APEX, REASON_NONE, false},
		{APEX "@ 60 SOA ns h 7 1800 900 604800 86400\n", REASON_NONE, false}, /* the same once more */
		{APEX "@ 60 SOA ns h 8 1800 900 604800 86400\n", REASON_SOA_MULTIPLE, true},
		{APEX "x 60 SOA ns h 8 1800 900 604800 86400\n", REASON_SOA_MULTIPLE, true},
		{"@ 60 NS ns\nns A 192.0.2.1\n", REASON_SOA_MISSING, true},
		{"@ 60 SOA ns h 7 1800 900 604800 86400\n", REASON_APEX_NS_MISSING, true},
		{APEX "c 60 CNAME ns\nc 60 TXT x\n", REASON_CNAME_AND_OTHER, true},
		{APEX "c 60 CNAME ns\nc 60 CNAME other\n", REASON_CNAME_MULTIPLE, true},
		{APEX "c 60 CNAME ns\nc 60 NSEC d CNAME RRSIG NSEC\n", REASON_NONE, false},
		{APEX "d 60 DNAME a.\nd 60 DNAME b.\n", REASON_DNAME_MULTIPLE, true},
		{APEX "d 60 DNAME a.\nx.d 60 TXT x\n", REASON_DNAME_OCCLUDES, false},
		{APEX "cut 60 NS ns.elsewhere.\nx.cut 60 TXT x\n", REASON_OCCLUDED, false},
		{APEX "cut 60 NS ns.elsewhere.\ncut 60 TXT x\n", REASON_OCCLUDED, false},
		{APEX "cut 60 NS ns.cut\nns.cut 60 A 192.0.2.1\n", REASON_NONE, false},
		{APEX "cut 60 NS cut\ncut 60 AAAA ::1\n", REASON_NONE, false},
		{APEX "cut 60 NS ns.cut\n", REASON_GLUE_MISSING, false},
		{"@ 60 SOA ns h 7 1 1 1 1\n@ 60 NS ns\n", REASON_GLUE_MISSING, false},
		{"@ 60 SOA ns h 7 1 1 1 1\n@ 60 NS ns.cut\ncut 60 NS ns.cut\nns.cut A 192.0.2.1\n", REASON_NONE, false},
		{APEX "other. 60 TXT x\n", REASON_OUT_OF_ZONE, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct prepared p = {.settings = {.structure_only = true}};
		struct zone_read_settings settings = {.origin = (const uint8_t *)"\7example"};
		struct zone_error error;
		struct zone *zone;
		size_t all = 0;
		if (zone_read_text("t", cases[i].text, strlen(cases[i].text), &settings, NULL, NULL, &zone, &error) < 0)
			fail_msg("case %zu: %s", i, error.text);
		p.settings.report = on_finding;
		p.settings.report_ctx = &p;
		assert_int_equal(zone_prove(zone, &p.settings, &p.proof), 0);
		zone_free(zone);
		for (unsigned r = 0; r < REASON_COUNT; r++)
			all += p.seen[r];
		if (p.proof.proved == cases[i].fatal || (cases[i].reason == REASON_NONE) != (all == 0) ||
		    (cases[i].reason != REASON_NONE && p.seen[cases[i].reason] == 0))
			fail_msg("case %zu (%s): proved %d, reason %s, %zu findings", i, reason_code(cases[i].reason),
				 p.proof.proved, reason_code(p.proof.reason), all);
	}
	/* mixed TTLs serve, but do not prove */
	struct prepared p;
	prepare(&p, NSEC);
	test_zone_add(&p.zone, (const uint8_t *)"\3www\7example", WIRE_TYPE_TXT, 60, (const uint8_t *)"\1y", 2);
	must_fail(&p, REASON_TTL_MIXED);
	p.settings.structure_only = true;
	assert_true(prove(&p));
	assert_int_equal(p.seen[REASON_TTL_MIXED], 1);
	finish(&p);
}

/* What a DNAME hides is signed by some signers and left out by others; both are fine. */
static void under_dname(void **state)
{
	(void)state;
	static const char text[] =
		"$TTL 60\n@ SOA ns h 7 1 1 1 1\n@ NS ns\nns A 192.0.2.1\nd DNAME ns\nx.d TXT x\nz TXT z\n";
	for (unsigned how = NSEC; how <= NSEC3; how++) {
		struct prepared p;
		prepare_text(&p, how, text);
		must_prove(&p);
		assert_int_equal(p.seen[REASON_DNAME_OCCLUDES], 1);
		finish(&p);
	}
	struct prepared p;
	prepare_text(&p, NSEC, text);
	test_zone_remove(&p.zone, "x.d.example", WIRE_TYPE_NSEC, 0);
	test_zone_remove(&p.zone, "x.d.example", WIRE_TYPE_RRSIG, WIRE_TYPE_NSEC);
	test_zone_remove(&p.zone, "x.d.example", WIRE_TYPE_RRSIG, WIRE_TYPE_TXT);
	struct test_record *r = test_zone_find(&p.zone, "d.example", WIRE_TYPE_NSEC, 0);
	uint8_t rdata[64];
	size_t map = r->len - 13U;
	memcpy(rdata, "\2ns\7example", 12);
	memcpy(rdata + 12, r->rdata + 13, map);
	memcpy(r->rdata, rdata, 12 + map);
	r->len = (uint16_t)(12 + map);
	sign_again(&p, "d.example", WIRE_TYPE_NSEC);
	must_prove(&p);
	finish(&p);
}

/* An answer made from a wildcard verifies under the name that was asked for (RFC 4035 section 5.3.2). */
static void wildcard(void **state)
{
	(void)state;
	struct prepared p;
	struct dnssec_key *key;
	enum reason why = REASON_NONE;
	prepare(&p, NSEC);
	struct test_record *txt = test_zone_find(&p.zone, "*.wild.example", WIRE_TYPE_TXT, 0);
	struct test_record *sig = test_zone_find(&p.zone, "*.wild.example", WIRE_TYPE_RRSIG, WIRE_TYPE_TXT);
	struct wire_rdata rdata = {txt->rdata, txt->len}, rrsig = {sig->rdata, sig->len};
	uint8_t owner[WIRE_NAME_MAX];
	struct wire_rrset set = {
		.owner = owner, .type = WIRE_TYPE_TXT, .rclass = 1, .ttl = txt->ttl, .count = 1, .rdata = &rdata};
	assert_int_equal(dnssec_key_new(p.signer.dnskey, p.signer.dnskey_len, &key), 0);
	static const char *const names[] = {"*.wild.example", "Asked.wild.example", "more.labels.WILD.example"};
	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		assert_true(wire_name_parse(names[i], owner) > 0);
		assert_int_equal(dnssec_rrsig_verify(&set, &rrsig, key, SIGNER_NOW, &why), 0);
	}
	assert_true(wire_name_parse("asked.tame.example", owner) > 0);
	assert_int_equal(dnssec_rrsig_verify(&set, &rrsig, key, SIGNER_NOW, &why), BANYAN_EPROOF);
	dnssec_key_free(key);
	finish(&p);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good_zones),       cmocka_unit_test(times),
		cmocka_unit_test(unknown),          cmocka_unit_test(anchors),
		cmocka_unit_test(anchor_must_sign), cmocka_unit_test(revoked),
		cmocka_unit_test(algorithm_roll),   cmocka_unit_test(keys),
		cmocka_unit_test(algorithms),       cmocka_unit_test(algorithm_beside),
		cmocka_unit_test(signatures),       cmocka_unit_test(nsec_chain),
		cmocka_unit_test(nsec3_chain),      cmocka_unit_test(opt_out),
		cmocka_unit_test(zonemd),           cmocka_unit_test(digest_only),
		cmocka_unit_test(structure),        cmocka_unit_test(under_dname),
		cmocka_unit_test(wildcard),         cmocka_unit_test(memo),
	};
	return cmocka_run_group_tests_name("prove", tests, NULL, NULL);
}
