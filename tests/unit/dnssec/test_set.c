// SPDX-License-Identifier: GPL-3.0-or-later
/* RRsets of a message proved or refused: every algorithm, every byte changed, wildcards, dates, key sets, limits. */
#include "../test.h"

#include "sign.h"

#include "dnssec/dnssec.h"

#define NOW  1800000000
#define DAY  86400
#define ZONE "example."

static const uint8_t algorithms[] = {DNSSEC_RSASHA1,         DNSSEC_RSASHA1_NSEC3,   DNSSEC_RSASHA256, DNSSEC_RSASHA512,
				     DNSSEC_ECDSAP256SHA256, DNSSEC_ECDSAP384SHA384, DNSSEC_ED25519,   DNSSEC_ED448};
static struct test_key keys[ARRAY_SIZE(algorithms)], other;
static const struct test_rrsig good_rrsig = {ZONE, 2, 3600, NOW + DAY, NOW - DAY};
static struct dnssec_policy policy = {.now = NOW, .nsec3_iterations_max = 50};

static int keys_make(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		test_key_make(algorithms[i], 257, &keys[i]);
	test_key_make(DNSSEC_ECDSAP256SHA256, 256, &other);
	return 0;
}

static int keys_done(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		test_key_done(&keys[i]);
	test_key_done(&other);
	return 0;
}

static const struct test_key *p256(void)
{
	return &keys[4];
}

/* An RRset with its signatures, as a message has them. */
struct sample {
	uint8_t owner[WIRE_NAME_MAX], sig[20][1200];
	struct wire_rdata rdata[80], sigs[20];
	struct wire_rrset set;
	size_t n_sigs;
};

static void sample_init(struct sample *s, const char *owner, uint16_t type)
{
	memset(s, 0, sizeof *s);
	assert_true(wire_name_parse(owner, s->owner) > 0);
	s->set = (struct wire_rrset){
		.owner = s->owner, .type = type, .rclass = WIRE_CLASS_IN, .ttl = 3600, .rdata = s->rdata};
}

static void sample_add(struct sample *s, const void *data, size_t len)
{
	s->rdata[s->set.count++] = (struct wire_rdata){data, (uint16_t)len};
}

static void sample_sign(struct sample *s, const struct test_key *key, const struct test_rrsig *sig, const char *owner)
{
	s->sigs[s->n_sigs].data = s->sig[s->n_sigs];
	s->sigs[s->n_sigs].len = test_key_sign(key, sig, owner, s->set.type, s->rdata, s->set.count, s->sig[s->n_sigs]);
	s->n_sigs++;
}

/* Two addresses at www.example. */
static void sample_www(struct sample *s, const struct test_key *key)
{
	sample_init(s, "www.example.", WIRE_TYPE_A);
	sample_add(s, "\xc0\x00\x02\x01", 4);
	sample_add(s, "\xc0\x00\x02\x02", 4);
	if (key != NULL)
		sample_sign(s, key, &good_rrsig, "www.example.");
}

static struct dnssec_keyset *keyset(const struct test_key *const *key, size_t n)
{
	struct sample s;
	struct dnssec_keyset *set = NULL;
	sample_init(&s, ZONE, WIRE_TYPE_DNSKEY);
	for (size_t i = 0; i < n; i++)
		sample_add(&s, key[i]->rdata, key[i]->len);
	assert_int_equal(dnssec_keyset_new(&s.set, &policy, &set), 0);
	return set;
}

static struct dnssec_keyset *keyset_of(const struct test_key *key)
{
	return keyset(&key, 1);
}

static struct dnssec_verdict prove_with(const struct dnssec_keyset *set, const struct sample *s)
{
	struct dnssec_budget budget = {.signatures = 100};
	struct dnssec_verdict verdict = {.state = 77};
	assert_int_equal(dnssec_set_prove(&policy, &budget, set, &s->set, s->sigs, s->n_sigs, &verdict), 0);
	return verdict;
}

static struct dnssec_verdict prove(const struct test_key *key, const struct sample *s)
{
	struct dnssec_keyset *set = keyset_of(key);
	struct dnssec_verdict verdict = prove_with(set, s);
	dnssec_keyset_free(set);
	return verdict;
}

static void expect(struct dnssec_verdict verdict, enum dnssec_state state, enum reason reason)
{
	assert_string_equal(reason_code(verdict.reason), reason_code(reason));
	assert_int_equal(verdict.state, state);
}

static void every_algorithm(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		struct sample s;
		sample_www(&s, &keys[i]);
		struct dnssec_verdict v = prove(&keys[i], &s);
		expect(v, DNSSEC_SECURE, REASON_NONE);
		assert_int_equal(v.algorithm, algorithms[i]);
		assert_int_equal(v.key_tag, keys[i].tag);
		assert_int_equal(v.expires, NOW + DAY);
		assert_int_equal(v.ttl_max, 3600);
		assert_int_equal(v.labels, 2);
		expect(prove(&other, &s), DNSSEC_BOGUS, REASON_RRSIG_NO_KEY);
	}
}

/* No byte of the data, the owner or the signature may change. */
static void mutations(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++) {
		struct sample s;
		uint8_t address[4] = {192, 0, 2, 1};
		sample_www(&s, &keys[i]);
		s.rdata[0].data = address;
		struct dnssec_keyset *set = keyset_of(&keys[i]);
		for (unsigned bit = 0; bit < 32; bit++) {
			address[bit / 8] ^= (uint8_t)(1U << bit % 8);
			assert_int_equal(prove_with(set, &s).state, DNSSEC_BOGUS);
			address[bit / 8] ^= (uint8_t)(1U << bit % 8);
		}
		for (size_t at = 0; at < s.sigs[0].len; at++) {
			bool signer = at >= 18 && at < 18 + 9;
			for (unsigned bit = 0; bit < 8; bit += at < 27 ? 1 : 3) {
				s.sig[0][at] ^= (uint8_t)(1U << bit);
				struct dnssec_verdict v = prove_with(set, &s);
				s.sig[0][at] ^= (uint8_t)(1U << bit);
				/* case is no part of a name */
				if (!signer || at == 18 || at == 26 || bit != 5)
					assert_int_equal(v.state, DNSSEC_BOGUS);
			}
		}
		for (size_t at = 1; at < 4; at++) {
			s.owner[at] ^= 1;
			assert_int_equal(prove_with(set, &s).state, DNSSEC_BOGUS);
			s.owner[at] ^= 1;
		}
		s.sigs[0].len--;
		assert_int_equal(prove_with(set, &s).state, DNSSEC_BOGUS);
		s.sigs[0].len = 20;
		assert_int_equal(prove_with(set, &s).state, DNSSEC_BOGUS);
		s.set.count = 1;
		assert_int_equal(prove_with(set, &s).state, DNSSEC_BOGUS);
		dnssec_keyset_free(set);
	}
}

/* Order, doubles, case of owner and of names in the data are not the sender's to get right (RFC 4034 section 6). */
static void canonical_form(void **state)
{
	(void)state;
	static const uint8_t one[] = "\x00\x0a\x04mail\x07"
				     "example",
			     two[] = "\x00\x14\x01"
				     "b\x07"
				     "example",
			     loud[] = "\x00\x14\x01"
				      "B\x07"
				      "eXAMPLE";
	struct sample s;
	sample_init(&s, "www.example.", WIRE_TYPE_MX);
	sample_add(&s, one, sizeof one);
	sample_add(&s, two, sizeof two);
	sample_sign(&s, p256(), &good_rrsig, "www.example.");
	s.set.count = 0;
	sample_add(&s, loud, sizeof loud);
	sample_add(&s, one, sizeof one);
	sample_add(&s, two, sizeof two);
	sample_add(&s, one, sizeof one);
	s.owner[1] = 'W';
	s.set.ttl = 17; /* aged in a cache */
	expect(prove(p256(), &s), DNSSEC_SECURE, REASON_NONE);
	/* but in types whose names are not lower-cased case counts (RFC 6840 section 5.1) */
	static const uint8_t nsec[] = "\x01"
				      "B\x07"
				      "example\x00\x00\x06\x40\x00\x00\x00\x00\x03",
			     small[] = "\x01"
				       "b\x07"
				       "example\x00\x00\x06\x40\x00\x00\x00\x00\x03";
	sample_init(&s, "www.example.", WIRE_TYPE_NSEC);
	sample_add(&s, nsec, sizeof nsec - 1);
	sample_sign(&s, p256(), &good_rrsig, "www.example.");
	expect(prove(p256(), &s), DNSSEC_SECURE, REASON_NONE);
	s.rdata[0].data = small;
	expect(prove(p256(), &s), DNSSEC_BOGUS, REASON_RRSIG_BOGUS);
}

static void wildcards(void **state)
{
	(void)state;
	static const struct {
		const char *owner, *signed_owner;
		uint8_t labels;
		bool good;
	} cases[] = {
		{"a.example.", "*.example.", 1, true},
		{"c.b.a.example.", "*.example.", 1, true},
		{"*.example.", "*.example.", 1, true},
		{"x.*.example.", "*.example.", 1, true},
		{"a.example.", "*.example.", 2, false},
		{"a.example.", "a.example.", 3, false}, /* more labels than the name has */
		{"a.example.", "*.", 0, false},         /* above the zone */
		{"a.b.example.", "*.b.example.", 1, false},
		{"example.", "*.", 0, false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct test_rrsig sig = good_rrsig;
		struct sample s;
		sig.labels = cases[i].labels;
		sample_init(&s, cases[i].owner, WIRE_TYPE_A);
		sample_add(&s, "\x7f\x00\x00\x01", 4);
		sample_sign(&s, p256(), &sig, cases[i].signed_owner);
		struct dnssec_verdict v = prove(p256(), &s);
		assert_int_equal(v.state, cases[i].good ? DNSSEC_SECURE : DNSSEC_BOGUS);
		if (cases[i].good)
			assert_int_equal(v.labels, cases[i].labels);
	}
}

/* The signer must be the zone, the set in it, and a DS in its parent. */
static void places(void **state)
{
	(void)state;
	struct test_rrsig sig = good_rrsig;
	struct sample s;
	sample_www(&s, NULL);
	expect(prove(p256(), &s), DNSSEC_BOGUS, REASON_RRSIG_MISSING);
	sig.signer = "www.example.";
	sample_sign(&s, p256(), &sig, "www.example.");
	expect(prove(p256(), &s), DNSSEC_BOGUS, REASON_RRSIG_MALFORMED);
	sample_www(&s, NULL);
	sig.signer = ".";
	sample_sign(&s, p256(), &sig, "www.example.");
	expect(prove(p256(), &s), DNSSEC_BOGUS, REASON_RRSIG_MALFORMED);
	sample_init(&s, "www.example.org.", WIRE_TYPE_A);
	sample_add(&s, "\x7f\x00\x00\x01", 4);
	sample_sign(&s, p256(), &good_rrsig, "www.example.org.");
	expect(prove(p256(), &s), DNSSEC_BOGUS, REASON_RRSIG_MALFORMED);
	uint8_t ds[64];
	uint16_t len = test_key_ds(p256(), ZONE, 2, ds);
	sig = good_rrsig;
	sig.labels = 1;
	sample_init(&s, ZONE, WIRE_TYPE_DS);
	sample_add(&s, ds, len);
	sample_sign(&s, p256(), &sig, ZONE);
	expect(prove(p256(), &s), DNSSEC_BOGUS, REASON_RRSIG_MALFORMED);
	sample_init(&s, "sub.example.", WIRE_TYPE_DS);
	sample_add(&s, ds, len);
	sample_sign(&s, p256(), &good_rrsig, "sub.example.");
	expect(prove(p256(), &s), DNSSEC_SECURE, REASON_NONE);
	s.set.count = 0; /* an empty set is none */
	expect(prove(p256(), &s), DNSSEC_BOGUS, REASON_RRSIG_MALFORMED);
}

static void dates(void **state)
{
	(void)state;
	static const struct {
		int64_t now, skew;
		uint32_t inception, expiration;
		enum reason reason;
	} cases[] = {
		{NOW, 0, NOW, NOW, REASON_NONE},
		{NOW, 0, NOW - 10, NOW - 1, REASON_RRSIG_EXPIRED},
		{NOW, 1, NOW - 10, NOW - 1, REASON_NONE},
		{NOW, 1, NOW - 10, NOW - 2, REASON_RRSIG_EXPIRED},
		{NOW, 0, NOW + 1, NOW + 9, REASON_RRSIG_NOT_YET},
		{NOW, 1, NOW + 1, NOW + 9, REASON_NONE},
		{NOW, 0, NOW + 9, NOW + 1, REASON_RRSIG_DATES},
		/* the 32 bits wrap in 2106 (RFC 1982) */
		{4294967290, 0, 4294967000U, 200, REASON_NONE},
		{4294967296 + 100, 0, 4294967000U, 200, REASON_NONE},
		{4294967296 + 300, 0, 4294967000U, 200, REASON_RRSIG_EXPIRED},
		{4294966000, 0, 4294967000U, 200, REASON_RRSIG_NOT_YET},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct test_rrsig sig = good_rrsig;
		struct sample s;
		sig.inception = cases[i].inception;
		sig.expiration = cases[i].expiration;
		sample_www(&s, NULL);
		sample_sign(&s, p256(), &sig, "www.example.");
		policy.now = cases[i].now;
		policy.skew_s = cases[i].skew;
		struct dnssec_verdict v = prove(p256(), &s);
		expect(v, cases[i].reason == REASON_NONE ? DNSSEC_SECURE : DNSSEC_BOGUS, cases[i].reason);
		if (v.state == DNSSEC_SECURE)
			assert_true(v.expires >= policy.now && v.expires <= policy.now + DAY);
	}
	policy.now = NOW;
	policy.skew_s = 0;
}

/* One signature that holds is enough (RFC 6840 section 5.11 speaks of DNSKEYs; RFC 4035 section 5.3.3). */
static void one_of_many(void **state)
{
	(void)state;
	struct test_rrsig old = good_rrsig;
	struct sample s;
	old.expiration = NOW - 1;
	sample_www(&s, NULL);
	sample_sign(&s, &other, &good_rrsig, "www.example.");
	sample_sign(&s, p256(), &old, "www.example.");
	expect(prove(p256(), &s), DNSSEC_BOGUS, REASON_RRSIG_EXPIRED);
	s.sig[0][2] = 253; /* an algorithm nobody knows */
	sample_sign(&s, &keys[6], &good_rrsig, "www.example.");
	const struct test_key *both[] = {p256(), &keys[6]};
	struct dnssec_keyset *set = keyset(both, 2);
	struct dnssec_verdict v = prove_with(set, &s);
	expect(v, DNSSEC_SECURE, REASON_NONE);
	assert_int_equal(v.algorithm, DNSSEC_ED25519);
	dnssec_keyset_free(set);
}

static void keys_that_do_not_sign(void **state)
{
	(void)state;
	static const struct {
		uint16_t flags;
		uint8_t protocol;
		bool good;
	} cases[] = {{256, 3, true},  {257, 3, true},        {1, 3, false},          {0, 3, false},
		     {257, 2, false}, {257 | 128, 3, false}, {256 | 0x8000, 3, true}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		struct test_key key = *p256();
		struct sample s;
		key.rdata[2] = cases[i].protocol;
		test_key_flags(&key, cases[i].flags);
		sample_www(&s, &key);
		if (cases[i].good)
			expect(prove(&key, &s), DNSSEC_SECURE, REASON_NONE);
		else
			expect(prove(&key, &s), DNSSEC_BOGUS, REASON_RRSIG_NO_KEY);
	}
	/* an exponent of nine bytes, a point that is not on the curve, half a key */
	struct test_key odd = keys[2];
	struct sample s;
	odd.rdata[4] = 9;
	test_key_flags(&odd, 256);
	sample_www(&s, &odd);
	expect(prove(&odd, &s), DNSSEC_BOGUS, REASON_RRSIG_NO_KEY);
	odd = *p256();
	odd.rdata[10] ^= 1;
	test_key_flags(&odd, 256);
	sample_www(&s, &odd);
	expect(prove(&odd, &s), DNSSEC_BOGUS, REASON_RRSIG_NO_KEY);
	odd = *p256();
	odd.len -= 32;
	test_key_flags(&odd, 256);
	sample_www(&s, &odd);
	expect(prove(&odd, &s), DNSSEC_BOGUS, REASON_RRSIG_NO_KEY);
}

static void sha1_refused(void **state)
{
	(void)state;
	policy.refuse_sha1 = true;
	for (size_t i = 0; i < 2; i++) {
		struct sample s;
		sample_www(&s, &keys[i]);
		expect(prove(&keys[i], &s), DNSSEC_BOGUS, REASON_ALGORITHM_UNSUPPORTED);
		uint8_t data[64];
		struct wire_rdata rdata = {data, test_key_ds(&keys[i], ZONE, 2, data)};
		struct wire_rrset ds = {.owner = s.owner, .type = WIRE_TYPE_DS, .count = 1, .rdata = &rdata};
		assert_false(dnssec_ds_usable(&ds, &policy, NULL));
		rdata.len = test_key_ds(p256(), ZONE, 1, data);
		enum reason why = REASON_NONE;
		assert_true(dnssec_ds_usable(&ds, &policy, &why));
		policy.refuse_sha1_digest = true;
		assert_false(dnssec_ds_usable(&ds, &policy, &why));
		assert_int_equal(why, REASON_DIGEST_UNSUPPORTED);
		policy.refuse_sha1_digest = false;
	}
	policy.refuse_sha1 = false;
}

/* ---- limits ---- */

/* KeyTrap: keys that share a tag, and signatures that all fail. */
static void key_trap(void **state)
{
	(void)state;
	struct test_key twin[60];
	const struct test_key *all[ARRAY_SIZE(twin) + 1];
	for (size_t i = 0; i < ARRAY_SIZE(twin); i++) {
		twin[i] = *p256();
		/* the tag is a sum of 16-bit words: what one gains another loses */
		twin[i].rdata[4] ^= (uint8_t)(i + 1);
		test_key_flags(&twin[i], 256);
		for (unsigned v = 0; twin[i].tag != other.tag; v++) {
			assert_true(v < 65536 + 5);
			wire_put16(twin[i].rdata + 8, (uint16_t)v);
			test_key_flags(&twin[i], 256);
		}
		all[i] = &twin[i];
	}
	all[ARRAY_SIZE(twin)] = &other;
	struct sample s;
	sample_www(&s, NULL);
	for (size_t i = 0; i < 20; i++) {
		sample_sign(&s, &other, &good_rrsig, "www.example.");
		s.sig[i][s.sigs[i].len - 1] ^= (uint8_t)(i + 1);
	}
	/* points that are not on the curve cost no verification: use real keys for those that count */
	struct test_key real[12];
	for (size_t i = 0; i < ARRAY_SIZE(real); i++) {
		real[i] = *p256();
		all[i] = &real[i];
	}
	struct dnssec_keyset *set = keyset(all, ARRAY_SIZE(twin) + 1);
	struct dnssec_budget budget = {.signatures = 1000};
	struct dnssec_verdict v;
	assert_int_equal(dnssec_set_prove(&policy, &budget, set, &s.set, s.sigs, s.n_sigs, &v), 0);
	expect(v, DNSSEC_BOGUS, REASON_RRSIG_BOGUS);
	assert_int_equal(1000 - budget.signatures, 8);
	/* the budget ends it earlier */
	budget.signatures = 3;
	assert_int_equal(dnssec_set_prove(&policy, &budget, set, &s.set, s.sigs, s.n_sigs, &v), BANYAN_ELIMIT);
	assert_int_equal(budget.signatures, 0);
	dnssec_keyset_free(set);
	/* four keys of one tag are tried for a signature */
	for (size_t i = 0; i < ARRAY_SIZE(real); i++)
		all[i] = p256();
	set = keyset(all, ARRAY_SIZE(real));
	sample_www(&s, p256());
	s.sig[0][s.sigs[0].len - 1] ^= 1;
	budget.signatures = 1000;
	assert_int_equal(dnssec_set_prove(&policy, &budget, set, &s.set, s.sigs, s.n_sigs, &v), 0);
	assert_int_equal(1000 - budget.signatures, 4);
	dnssec_keyset_free(set);
	/* no budget at all */
	set = keyset_of(p256());
	sample_www(&s, p256());
	budget.signatures = 0;
	assert_int_equal(dnssec_set_prove(&policy, &budget, set, &s.set, s.sigs, s.n_sigs, &v), BANYAN_ELIMIT);
	/* a signature whose dates are wrong costs nothing */
	policy.now = NOW + 30 * DAY;
	assert_int_equal(dnssec_set_prove(&policy, &budget, set, &s.set, s.sigs, s.n_sigs, &v), 0);
	expect(v, DNSSEC_BOGUS, REASON_RRSIG_EXPIRED);
	policy.now = NOW;
	dnssec_keyset_free(set);
}

/* ---- key sets ---- */

struct chain_case {
	const char *name;
	unsigned n_ds;
	struct {
		const struct test_key *key;
		uint8_t digest;
		int change; /* byte that is changed, or 0 */
	} ds[4];
	const struct test_key *signer;
	enum dnssec_state state;
	enum reason reason;
};

static void chain_run(const struct chain_case *c, bool anchors)
{
	struct sample keyset_sample, ds;
	uint8_t data[4][64], owner[WIRE_NAME_MAX];
	struct test_rrsig sig = good_rrsig;
	struct dnssec_anchors list = {0};
	sig.labels = 1;
	assert_true(wire_name_parse(ZONE, owner) > 0);
	sample_init(&keyset_sample, ZONE, WIRE_TYPE_DNSKEY);
	/* canonical order is asked of the signer, so that it has to be made here */
	const struct test_key *present[] = {p256(), &other, &keys[0], &keys[6]};
	for (size_t i = 0; i < ARRAY_SIZE(present); i++)
		for (size_t j = i + 1; j < ARRAY_SIZE(present); j++) {
			struct wire_rdata a = {present[i]->rdata, present[i]->len},
					  b = {present[j]->rdata, present[j]->len};
			if (wire_rdata_cmp(&a, &b) > 0) {
				const struct test_key *swap = present[i];
				present[i] = present[j];
				present[j] = swap;
			}
		}
	for (size_t i = 0; i < ARRAY_SIZE(present); i++)
		sample_add(&keyset_sample, present[i]->rdata, present[i]->len);
	if (c->signer != NULL)
		sample_sign(&keyset_sample, c->signer, &sig, ZONE);
	sample_init(&ds, ZONE, WIRE_TYPE_DS);
	for (size_t i = 0; i < c->n_ds; i++) {
		uint16_t len = test_key_ds(c->ds[i].key, ZONE, c->ds[i].digest, data[i]);
		if (c->ds[i].change > 0)
			data[i][c->ds[i].change] ^= 0x40;
		sample_add(&ds, data[i], len);
		assert_int_equal(dnssec_anchors_add(&list, owner, WIRE_TYPE_DS, &ds.rdata[i]), 0);
	}
	struct dnssec_budget budget = {.signatures = 20};
	struct dnssec_verdict v = {.state = 77};
	struct dnssec_keyset *set = NULL;
	assert_int_equal(dnssec_keyset_prove(&policy, &budget, &keyset_sample.set, keyset_sample.sigs,
					     keyset_sample.n_sigs, anchors ? NULL : &ds.set, anchors ? &list : NULL, &v,
					     &set),
			 0);
	enum reason reason = anchors && c->reason == REASON_DS_NO_MATCH ? REASON_ANCHOR_NO_MATCH : c->reason;
	if (v.state != c->state || v.reason != reason)
		fail_msg("%s: state %d, reason %s", c->name, v.state, reason_code(v.reason));
	assert_int_equal(set != NULL, c->state == DNSSEC_SECURE);
	if (set != NULL) {
		/* every zone key may sign now, not only the one that the DS names */
		struct sample s;
		assert_true(wire_name_equal(dnssec_keyset_zone(set), owner));
		for (size_t i = 0; i < ARRAY_SIZE(present); i++) {
			sample_www(&s, present[i]);
			expect(prove_with(set, &s), DNSSEC_SECURE, REASON_NONE);
		}
	}
	dnssec_keyset_free(set);
	dnssec_anchors_done(&list);
}

static void chains(void **state)
{
	(void)state;
	const struct test_key *k = &keys[4], *rsa1 = &keys[0], *ed = &keys[6], *absent = &keys[5];
	const struct chain_case cases[] = {
		{"SHA-256", 1, {{k, 2, 0}}, k, DNSSEC_SECURE, REASON_NONE},
		{"SHA-384", 1, {{k, 4, 0}}, k, DNSSEC_SECURE, REASON_NONE},
		{"SHA-1 alone", 1, {{k, 1, 0}}, k, DNSSEC_SECURE, REASON_NONE},
		{"an unknown digest", 1, {{k, 2, 3}}, k, DNSSEC_INSECURE, REASON_DIGEST_UNSUPPORTED},
		{"an unknown algorithm", 1, {{k, 2, 2}}, k, DNSSEC_INSECURE, REASON_ALGORITHM_UNSUPPORTED},
		{"unknown beside known", 2, {{k, 2, 2}, {k, 2, 0}}, k, DNSSEC_SECURE, REASON_NONE},
		{"unknown beside one without its key",
		 2,
		 {{k, 2, 2}, {absent, 2, 0}},
		 k,
		 DNSSEC_BOGUS,
		 REASON_DS_NO_MATCH},
		{"another digest", 1, {{k, 2, 20}}, k, DNSSEC_BOGUS, REASON_DS_NO_MATCH},
		{"another tag", 1, {{k, 2, 1}}, k, DNSSEC_BOGUS, REASON_DS_NO_MATCH},
		{"a key that is not there", 1, {{absent, 2, 0}}, k, DNSSEC_BOGUS, REASON_DS_NO_MATCH},
		{"signed by another key", 1, {{k, 2, 0}}, ed, DNSSEC_BOGUS, REASON_RRSIG_NO_KEY},
		{"not signed", 1, {{k, 2, 0}}, NULL, DNSSEC_BOGUS, REASON_RRSIG_MISSING},
		{"two DS, one signs", 2, {{k, 2, 0}, {ed, 2, 0}}, ed, DNSSEC_SECURE, REASON_NONE},
		{"a wrong SHA-256 beats a good SHA-1", 2, {{k, 2, 30}, {k, 1, 0}}, k, DNSSEC_BOGUS, REASON_DS_NO_MATCH},
		{"SHA-1 beside a good SHA-256", 2, {{k, 1, 10}, {k, 2, 0}}, k, DNSSEC_SECURE, REASON_NONE},
		{"SHA-1 beside an unknown digest", 2, {{k, 1, 0}, {k, 2, 3}}, k, DNSSEC_SECURE, REASON_NONE},
		{"algorithm 5", 1, {{rsa1, 2, 0}}, rsa1, DNSSEC_SECURE, REASON_NONE},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		chain_run(&cases[i], false);
		chain_run(&cases[i], true);
	}
}

static void chains_refused(void **state)
{
	(void)state;
	struct sample s;
	uint8_t data[64];
	struct test_rrsig sig = good_rrsig;
	struct dnssec_budget budget = {.signatures = 20};
	struct dnssec_verdict v;
	struct dnssec_keyset *set = NULL;
	struct dnssec_anchors none = {0};
	struct test_key revoked = *p256();
	sig.labels = 1;
	test_key_flags(&revoked, 257 | 128);
	sample_init(&s, ZONE, WIRE_TYPE_DNSKEY);
	sample_add(&s, revoked.rdata, revoked.len);
	sample_sign(&s, &revoked, &sig, ZONE);
	struct wire_rdata rdata = {data, test_key_ds(&revoked, ZONE, 2, data)};
	struct wire_rrset ds = {.owner = s.owner, .type = WIRE_TYPE_DS, .count = 1, .rdata = &rdata};
	assert_int_equal(dnssec_keyset_prove(&policy, &budget, &s.set, s.sigs, 1, &ds, NULL, &v, &set), 0);
	expect(v, DNSSEC_BOGUS, REASON_DS_NO_MATCH);
	/* no anchor for this zone */
	assert_int_equal(dnssec_keyset_prove(&policy, &budget, &s.set, s.sigs, 1, NULL, &none, &v, &set), 0);
	expect(v, DNSSEC_BOGUS, REASON_ANCHOR_NO_MATCH);
	assert_int_equal(dnssec_keyset_prove(&policy, &budget, &s.set, s.sigs, 1, &ds, &none, &v, &set), BANYAN_EINVAL);
	assert_int_equal(dnssec_keyset_prove(&policy, &budget, &s.set, s.sigs, 1, NULL, NULL, &v, &set), BANYAN_EINVAL);
	ds.owner = (const uint8_t *)"";
	assert_int_equal(dnssec_keyset_prove(&policy, &budget, &s.set, s.sigs, 1, &ds, NULL, &v, &set), BANYAN_EINVAL);
	/* a DNSKEY anchor is the key itself */
	struct dnssec_anchors anchors = {0};
	rdata = (struct wire_rdata){p256()->rdata, p256()->len};
	assert_int_equal(dnssec_anchors_add(&anchors, s.owner, WIRE_TYPE_DNSKEY, &rdata), 0);
	assert_int_equal(dnssec_keyset_prove(&policy, &budget, &s.set, s.sigs, 1, NULL, &anchors, &v, &set), 0);
	expect(v, DNSSEC_BOGUS, REASON_ANCHOR_NO_MATCH);
	sample_init(&s, ZONE, WIRE_TYPE_DNSKEY);
	sample_add(&s, p256()->rdata, p256()->len);
	sample_sign(&s, p256(), &sig, ZONE);
	assert_int_equal(dnssec_keyset_prove(&policy, &budget, &s.set, s.sigs, 1, NULL, &anchors, &v, &set), 0);
	expect(v, DNSSEC_SECURE, REASON_NONE);
	dnssec_keyset_free(set);
	budget.signatures = 0;
	assert_int_equal(dnssec_keyset_prove(&policy, &budget, &s.set, s.sigs, 1, NULL, &anchors, &v, &set),
			 BANYAN_ELIMIT);
	dnssec_anchors_done(&anchors);
}

/* Verifiers keep contexts by key: one that is freed must not lend its context to the next at its address. */
static void contexts(void **state)
{
	(void)state;
	struct test_key fresh[12];
	struct sample s[12];
	for (size_t i = 0; i < ARRAY_SIZE(fresh); i++) {
		test_key_make(DNSSEC_ECDSAP256SHA256, 256, &fresh[i]);
		wire_put16(fresh[i].rdata, 256);
		sample_www(&s[i], &fresh[i]);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fresh); i++) {
		expect(prove(&fresh[i], &s[i]), DNSSEC_SECURE, REASON_NONE);
		/* signed by another, and said to be by this one */
		size_t j = (i + 1) % ARRAY_SIZE(fresh);
		struct sample lie;
		sample_www(&lie, &fresh[j]);
		wire_put16(lie.sig[0] + 16, fresh[i].tag);
		expect(prove(&fresh[i], &lie), DNSSEC_BOGUS, REASON_RRSIG_BOGUS);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fresh); i++)
		test_key_done(&fresh[i]);
}

static void signer(void **state)
{
	(void)state;
	struct sample s;
	const uint8_t *name = NULL;
	sample_www(&s, p256());
	assert_int_equal(dnssec_rrsig_signer(&s.sigs[0], &name), 0);
	assert_ptr_equal(name, s.sig[0] + 18);
	for (uint16_t len = 0; len < 18 + 9 + 1; len++) {
		s.sigs[0].len = len;
		assert_int_equal(dnssec_rrsig_signer(&s.sigs[0], &name), BANYAN_EMALF);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_algorithm), cmocka_unit_test(mutations),
		cmocka_unit_test(canonical_form),  cmocka_unit_test(wildcards),
		cmocka_unit_test(places),          cmocka_unit_test(dates),
		cmocka_unit_test(one_of_many),     cmocka_unit_test(keys_that_do_not_sign),
		cmocka_unit_test(sha1_refused),    cmocka_unit_test(key_trap),
		cmocka_unit_test(chains),          cmocka_unit_test(chains_refused),
		cmocka_unit_test(contexts),        cmocka_unit_test(signer),
	};
	return cmocka_run_group_tests(tests, keys_make, keys_done);
}
