// SPDX-License-Identifier: GPL-3.0-or-later
/* Zones signed, whole and from a version before, and proved by the checking half; what must not be signed; what is refused. */
#include "../test.h"

#include "publish/publish.h"

#define NOW      1790000000
#define VALIDITY (14 * 86400)
#define REFRESH  (5 * 86400)

/* Wildcards, empty non-terminals, delegations with and without DS, glue, what a delegation or a DNAME hides, upper case, an alias. */
static const char zone_text[] =
	"@ 3600 SOA ns1 host.example. 7 7200 900 1209600 600\n"
	"@ 3600 NS ns1\n@ 3600 NS ns.safe\n@ 3600 MX 10 Mail\n"
	"ns1 3600 A 192.0.2.1\nns1 3600 AAAA 2001:db8::1\n"
	"mail 300 A 192.0.2.2\nmail 300 TXT \"a\" \"b\"\n"
	"*.wild 60 A 192.0.2.3\nwww.deep.down.here 60 CNAME mail\n"
	"safe 3600 NS ns.safe\nsafe 3600 DS 12345 13 2 "
	"00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
	"ns.safe 3600 A 192.0.2.4\n"
	"plain 3600 NS ns.plain\nplain 3600 A 192.0.2.9\nplain 3600 TXT \"hidden\"\nns.plain 3600 A 192.0.2.5\n"
	"x.y.only.plain 60 TXT \"hidden\"\n"
	"a.b.empty 3600 NS ns1\n"
	"moved 3600 DNAME other.example.\nbelow.moved 60 TXT \"hidden\"\n"
	"typ 60 TYPE65280 \\# 2 0102\n";

static const uint8_t apex[] = "\4zone\7example";

static struct zone *zone_read(const char *text)
{
	struct zone_read_settings settings = {.origin = apex};
	struct zone_error error;
	struct zone *zone = NULL;
	if (zone_read_text("test", text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	return zone;
}

static struct make_key *key_new(uint8_t algorithm, uint16_t flags)
{
	struct make_key *key = NULL;
	assert_int_equal(make_key_generate(algorithm, algorithm == DNSSEC_RSASHA256 ? 1024 : 0, flags, &key), 0);
	return key;
}

/* KSK, ZSK and what they sign with. */
struct signer {
	struct make_zone_key key[4];
	struct make_signing in;
};

static void signer_init(struct signer *s, uint8_t algorithm)
{
	*s = (struct signer){.in = {.n_keys = 2,
				    .now = NOW,
				    .validity_s = VALIDITY,
				    .inception_before_s = 3600,
				    .refresh_s = REFRESH,
				    .jitter_s = 86400,
				    .zonemd = MAKE_ZONEMD_SHA384}};
	s->key[0] = (struct make_zone_key){
		.key = key_new(algorithm, MAKE_FLAGS_KSK), .published = true, .signs_keys = true};
	s->key[1] = (struct make_zone_key){
		.key = key_new(algorithm, MAKE_FLAGS_ZSK), .published = true, .signs_data = true};
	s->in.key = s->key;
}

static void signer_done(struct signer *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(s->key); i++)
		make_key_free(s->key[i].key);
}

static void finding(void *ctx, const struct zone_finding *f)
{
	char name[WIRE_NAME_TEXT_MAX];
	if (f->fatal)
		print_error("%s %s: %s\n", reason_code(f->reason),
			    f->owner == NULL ? "" : wire_name_text(f->owner, name), f->text);
}

static void assert_proved(const struct zone *zone, const struct signer *s, struct zone_proof *ret)
{
	struct dnssec_anchors anchors = {0};
	size_t len;
	const uint8_t *rdata = make_key_rdata(s->key[0].key, &len);
	struct wire_rdata anchor = {rdata, (uint16_t)len};
	assert_int_equal(dnssec_anchors_add(&anchors, apex, WIRE_TYPE_DNSKEY, &anchor), 0);
	struct zone_prove_settings settings = {
		.anchors = &anchors, .now = s->in.now, .require_zonemd = s->in.zonemd != 0, .report = finding};
	assert_int_equal(zone_prove(zone, &settings, ret), 0);
	dnssec_anchors_done(&anchors);
	assert_true(ret->proved);
	assert_int_equal(ret->dnssec.signatures, ret->dnssec.signatures_good);
}

static struct zone *sign(const struct zone *plain, const struct zone *before, const struct signer *s,
			 struct publish_sign_result *ret)
{
	struct zone *zone = NULL;
	if (publish_sign(plain, before, &s->in, &zone, ret) != 0)
		fail_msg("%s", ret->text);
	return zone;
}

static bool is_signed(const struct zone *zone, const char *name, uint16_t type)
{
	uint8_t wire[WIRE_NAME_MAX], full[WIRE_NAME_MAX];
	int len = wire_name_parse(name, wire);
	assert_true(len > 0);
	memcpy(full, wire, (size_t)len - 1);
	memcpy(full + len - 1, apex, sizeof apex);
	const struct zone_node *node = zone_find(zone, full);
	assert_non_null(node);
	if (type != WIRE_TYPE_NSEC)
		assert_non_null(zone_node_set(zone, node, type));
	return zone_node_sigs(zone, node, type) != NULL;
}

static void assert_what_is_signed(const struct zone *zone)
{
	assert_true(is_signed(zone, "safe.", WIRE_TYPE_DS));
	assert_true(is_signed(zone, "moved.", WIRE_TYPE_DNAME));
	assert_true(is_signed(zone, "*.wild.", WIRE_TYPE_A));
	assert_true(is_signed(zone, "typ.", 65280));
	assert_false(is_signed(zone, "safe.", WIRE_TYPE_NS));
	assert_false(is_signed(zone, "ns.safe.", WIRE_TYPE_A));
	assert_false(is_signed(zone, "plain.", WIRE_TYPE_NS));
	assert_false(is_signed(zone, "plain.", WIRE_TYPE_A));
	assert_false(is_signed(zone, "plain.", WIRE_TYPE_TXT));
	assert_false(is_signed(zone, "ns.plain.", WIRE_TYPE_A));
	assert_false(is_signed(zone, "x.y.only.plain.", WIRE_TYPE_TXT));
	assert_false(is_signed(zone, "x.y.only.plain.", WIRE_TYPE_NSEC));
	assert_false(is_signed(zone, "below.moved.", WIRE_TYPE_TXT));
	assert_false(is_signed(zone, "below.moved.", WIRE_TYPE_NSEC));
}

enum { NSEC, NSEC3, OPT_OUT, DENIALS };

static void denial_set(struct signer *s, int denial)
{
	s->in.denial = denial == NSEC ? MAKE_NSEC : MAKE_NSEC3;
	s->in.nsec3.opt_out = denial == OPT_OUT;
}

static void test_every_algorithm(void **state)
{
	static const uint8_t algorithms[] = {DNSSEC_RSASHA256, DNSSEC_ECDSAP256SHA256, DNSSEC_ECDSAP384SHA384,
					     DNSSEC_ED25519};
	/* the apex, ns1, mail, *.wild, www.deep.down.here, safe, plain, a.b.empty, moved, typ; then empty non-terminals: wild, deep.down.here, down.here,
	 * here, b.empty, empty; then without plain, a.b.empty, b.empty, empty */
	static const size_t records[DENIALS] = {10, 16, 12};
	struct zone *plain = zone_read(zone_text);
	for (size_t a = 0; a < ARRAY_SIZE(algorithms); a++) {
		for (int denial = 0; denial < DENIALS; denial++) {
			struct signer s;
			struct publish_sign_result result;
			struct zone_proof proof;
			signer_init(&s, algorithms[a]);
			denial_set(&s, denial);
			s.in.zonemd = MAKE_ZONEMD_SHA384 | (a % 2 == 0 ? MAKE_ZONEMD_SHA512 : 0);
			if (a % 2 == 1) {
				s.in.nsec3.salt = (const uint8_t *)"\1\2\3";
				s.in.nsec3.salt_len = 3;
				s.in.nsec3.iterations = 5;
			}
			struct zone *zone = sign(plain, NULL, &s, &result);
			assert_proved(zone, &s, &proof);
			assert_int_equal(proof.dnssec.zonemd, DNSSEC_ZONEMD_PROVED);
			assert_int_equal(proof.dnssec.nsec3, denial != NSEC);
			assert_int_equal(proof.dnssec.opt_out, denial == OPT_OUT);
			assert_int_equal(result.made, proof.dnssec.signatures);
			assert_int_equal(result.sets, proof.dnssec.signatures);
			assert_int_equal(result.kept + result.dropped + result.ready, 0);
			assert_int_equal(result.denial, records[denial]);
			assert_int_equal(result.denial_changed, records[denial]);
			assert_int_equal(result.serial, 7);
			assert_int_equal(result.first_expiry, proof.dnssec.first_expiry);
			assert_int_equal(result.next, proof.dnssec.first_expiry - REFRESH);
			assert_int_equal(proof.dnssec.last_inception, NOW - 3600);
			assert_what_is_signed(zone);
			zone_free(zone);
			signer_done(&s);
		}
	}
	zone_free(plain);
}

/* The case of RDATA stays, and what is signed is lower case. */
static void test_case(void **state)
{
	struct zone *plain = zone_read(zone_text);
	struct signer s;
	struct publish_sign_result result;
	signer_init(&s, DNSSEC_ED25519);
	struct zone *zone = sign(plain, NULL, &s, &result);
	const struct wire_rrset *mx = zone_node_set(zone, zone_find(zone, apex), WIRE_TYPE_MX);
	assert_memory_equal(mx->rdata[0].data + 2, "\4Mail", 5);
	zone_free(zone);
	zone_free(plain);
	signer_done(&s);
}

/* What a signer made before is passed over: a signed zone signed again is the same. */
static void test_signed_again(void **state)
{
	struct zone *plain = zone_read(zone_text);
	for (int denial = 0; denial < DENIALS; denial++) {
		struct signer s;
		struct publish_sign_result result;
		_cleanup_(buffer_done) struct buffer a = {0}, b = {0};
		signer_init(&s, DNSSEC_ED25519);
		denial_set(&s, (denial + 1) % DENIALS);
		struct zone *other = sign(plain, NULL, &s, &result);
		denial_set(&s, denial);
		struct zone *first = sign(plain, NULL, &s, &result), *again = sign(other, NULL, &s, &result);
		assert_int_equal(zone_write_wire(first, &a), 0);
		assert_int_equal(zone_write_wire(again, &b), 0);
		assert_int_equal(a.len, b.len);
		assert_memory_equal(a.data, b.data, a.len);
		zone_free(other);
		zone_free(first);
		zone_free(again);
		signer_done(&s);
	}
	zone_free(plain);
}

static struct zone *zone_changed(const char *more, unsigned serial)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	const char *rest = strchr(zone_text, '\n');
	assert_int_equal(
		buffer_printf(&text, "@ 3600 SOA ns1 host.example. %u 7200 900 1209600 600%s%s", serial, rest, more),
		0);
	return zone_read((char *)text.data);
}

static void test_incremental(void **state)
{
	struct zone *plain = zone_read(zone_text), *next = zone_changed("", 8);
	for (int denial = 0; denial < DENIALS; denial++) {
		struct signer s;
		struct publish_sign_result full, result;
		struct zone_proof proof;
		signer_init(&s, DNSSEC_ECDSAP256SHA256);
		denial_set(&s, denial);
		struct zone *zone = sign(plain, NULL, &s, &full);

		/* nothing but the serial: SOA and digest */
		s.in.now += 86400;
		struct zone *second = sign(next, zone, &s, &result);
		assert_proved(second, &s, &proof);
		assert_int_equal(result.made, 2);
		assert_int_equal(result.dropped, 2);
		assert_int_equal(result.kept, full.made - 2);
		assert_int_equal(result.denial_changed, 0);
		assert_true(result.next >= full.next); /* it is later when one of these two would have ended first */
		zone_free(second);

		/* a new name, between two others */
		struct zone *more = zone_changed("mailbox 60 A 192.0.2.7\n", 8);
		second = sign(more, zone, &s, &result);
		assert_proved(second, &s, &proof);
		assert_int_equal(result.made, 2 + 1 + 2); /* its A; the record that denies, and the one before it */
		assert_int_equal(result.denial_changed, 2);
		assert_int_equal(result.dropped, 2 + 1);
		/* and gone again */
		struct publish_sign_result gone;
		struct zone *third = sign(next, second, &s, &gone);
		assert_proved(third, &s, &proof);
		assert_int_equal(gone.made, 1 + 1); /* the SOA is the same */
		assert_int_equal(gone.dropped, 1 + 1 + 2);
		assert_int_equal(gone.denial_changed, 2);
		zone_free(third);
		zone_free(second);
		zone_free(more);

		/* another TTL, another record beside; the alias's neighbour stays */
		more = zone_changed("mail 300 A 192.0.2.77\n", 8);
		second = sign(more, zone, &s, &result);
		assert_proved(second, &s, &proof);
		assert_int_equal(result.made, 3);
		assert_int_equal(result.denial_changed, 0);
		zone_free(second);
		zone_free(more);
		zone_free(zone);
		signer_done(&s);
	}
	zone_free(plain);
	zone_free(next);
}

/* When `next` has come and not before, something is made anew; all of it in its own time. */
static void test_refresh(void **state)
{
	struct zone *plain = zone_read(zone_text);
	struct signer s;
	struct publish_sign_result result;
	struct zone_proof proof;
	signer_init(&s, DNSSEC_ED25519);
	struct zone *zone = sign(plain, NULL, &s, &result);
	size_t all = result.made - 1, turns = 0, made = 0;
	while (made < all) {
		int64_t next = result.next;
		s.in.now = next - 1;
		struct zone *early = sign(plain, zone, &s, &result);
		assert_int_equal(result.made, 1); /* the digest's own is made each time */
		zone_free(early);
		s.in.now = next;
		struct zone *late = sign(plain, zone, &s, &result);
		assert_proved(late, &s, &proof);
		assert_true(result.made >= 1); /* 1: it was the digest's own that ended first */
		made += result.made - 1;
		assert_true(result.next > s.in.now);
		assert_true(++turns < 2 * all);
		zone_free(zone);
		zone = late;
	}
	assert_true(turns > all / 2); /* the jitter spreads them */
	assert_true(s.in.now < NOW + VALIDITY - REFRESH + 86400);
	zone_free(zone);
	zone_free(plain);
	signer_done(&s);
}

/* Random changes: what is made from the version before is byte for byte what is made from nothing. */
static void test_same_as_full(void **state)
{
	struct random random;
	random_init_seed(&random, 20261122);
	for (int denial = 0; denial < DENIALS; denial++) {
		struct signer s;
		struct publish_sign_result result;
		struct zone *before = NULL;
		size_t kept = 0;
		signer_init(&s, DNSSEC_ED25519);
		denial_set(&s, denial);
		for (unsigned round = 0; round < 25; round++) {
			_cleanup_(buffer_done) struct buffer more = {0}, a = {0}, b = {0};
			for (unsigned i = 0; i < 30; i++) {
				static const char *const forms[] = {
					"n%u 60 A 192.0.2.%u\n",       "*.n%u 60 AAAA 2001:db8::%u\n",
					"n%u 60 NS ns%u.n1\n",         "a.b.n%u 60 TXT \"%u\"\n",
					"d%u 60 DNAME t%u.example.\n", "x.d%u 60 TXT \"%u\"\n"};
				const char *form = forms[random_below(&random, ARRAY_SIZE(forms))];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
				assert_int_equal(
					buffer_printf(&more, form, random_below(&random, 12), random_below(&random, 2)),
					0);
#pragma GCC diagnostic pop
			}
			struct zone *plain = zone_changed((char *)more.data, 100 + round);
			struct zone *next = sign(plain, before, &s, &result), *full = NULL;
			kept += result.kept;
			full = sign(plain, NULL, &s, &result);
			assert_int_equal(zone_write_wire(next, &a), 0);
			assert_int_equal(zone_write_wire(full, &b), 0);
			assert_int_equal(a.len, b.len);
			assert_memory_equal(a.data, b.data, a.len);
			zone_free(before);
			zone_free(full);
			zone_free(plain);
			before = next;
		}
		assert_true(kept > 25 * 10);
		zone_free(before);
		signer_done(&s);
	}
}

static void test_key_rolls(void **state)
{
	struct zone *plain = zone_read(zone_text);
	struct signer s;
	struct publish_sign_result full, result;
	struct zone_proof proof;
	signer_init(&s, DNSSEC_ED25519);
	struct zone *zone = sign(plain, NULL, &s, &full), *next;

	/* the next ZSK is published: the DNSKEY set alone is signed anew */
	s.key[2] = (struct make_zone_key){.key = key_new(DNSSEC_ED25519, MAKE_FLAGS_ZSK), .published = true};
	s.in.n_keys = 3;
	next = sign(plain, zone, &s, &result);
	assert_proved(next, &s, &proof);
	assert_int_equal(result.made, 2); /* and the digest */
	zone_free(zone);
	zone = next;

	/* it signs: all data anew, the keys' signature stays */
	s.key[1].signs_data = false;
	s.key[2].signs_data = true;
	next = sign(plain, zone, &s, &result);
	assert_proved(next, &s, &proof);
	assert_int_equal(result.kept, 1);
	assert_int_equal(result.made, full.made - 1);
	zone_free(zone);
	zone = next;

	/* the old KSK is revoked and signs beside the new one (RFC 5011 section 2.1) */
	struct make_key *old = s.key[0].key;
	assert_int_equal(make_key_revoked(old, &s.key[3].key), 0);
	s.key[3].published = s.key[3].signs_keys = true;
	make_key_free(old);
	s.key[0].key = key_new(DNSSEC_ED25519, MAKE_FLAGS_KSK);
	s.in.n_keys = 4;
	next = sign(plain, zone, &s, &result);
	assert_proved(next, &s, &proof);
	assert_int_equal(result.made, 2 + 1);
	zone_free(zone);
	zone_free(next);
	zone_free(plain);
	signer_done(&s);
}

/* RFC 6781 section 4.1.4: signatures of the new algorithm come before its keys, and stay although no DNSKEY vouches for them. */
static void test_algorithm_roll(void **state)
{
	struct zone *plain = zone_read(zone_text);
	struct signer s;
	struct publish_sign_result full, result;
	struct zone_proof proof;
	signer_init(&s, DNSSEC_RSASHA256);
	struct zone *zone = sign(plain, NULL, &s, &full), *next;
	s.key[2] = (struct make_zone_key){.key = key_new(DNSSEC_ECDSAP256SHA256, MAKE_FLAGS_ZSK), .signs_data = true};
	s.in.n_keys = 3;
	next = sign(plain, zone, &s, &result);
	assert_int_equal(result.made, full.made - 1 + 1); /* all data once more, and the digest by both */
	assert_int_equal(result.kept, full.made - 1);
	zone_free(zone);
	zone = next;
	next = sign(plain, zone, &s, &result);
	assert_int_equal(result.made, 2);
	zone_free(zone);
	zone = next;
	s.key[2].published = true;
	s.key[3] = (struct make_zone_key){
		.key = key_new(DNSSEC_ECDSAP256SHA256, MAKE_FLAGS_KSK), .published = true, .signs_keys = true};
	s.in.n_keys = 4;
	next = sign(plain, zone, &s, &result);
	assert_int_equal(result.made, 2 + 2);
	assert_proved(next, &s, &proof);
	zone_free(zone);
	zone_free(next);
	zone_free(plain);
	signer_done(&s);
}

/* Two keys with one tag: none is taken for the other. */
static void test_same_tag(void **state)
{
	struct make_key *key[2000], *a = NULL, *b = NULL;
	static struct make_key *by_tag[65536];
	size_t n = 0;
	memset(by_tag, 0, sizeof by_tag);
	while (n < ARRAY_SIZE(key) && a == NULL) {
		struct make_key *k = key[n++] = key_new(DNSSEC_ED25519, MAKE_FLAGS_ZSK);
		a = by_tag[make_key_tag(k)];
		b = k;
		by_tag[make_key_tag(k)] = k;
	}
	assert_non_null(a);
	struct zone *plain = zone_read(zone_text);
	struct signer s;
	struct publish_sign_result full, result;
	struct zone_proof proof;
	signer_init(&s, DNSSEC_ED25519);
	make_key_free(s.key[1].key);
	s.key[1].key = a;
	s.in.n_keys = 2;
	struct zone *zone = sign(plain, NULL, &s, &full), *next;
	s.key[1].key = b; /* rolled at once */
	next = sign(plain, zone, &s, &result);
	assert_proved(next, &s, &proof);
	assert_int_equal(result.kept, 0);
	zone_free(next);
	s.key[2] = (struct make_zone_key){.key = a, .published = true};
	s.in.n_keys = 3; /* both are there, the new one signs */
	next = sign(plain, zone, &s, &result);
	assert_proved(next, &s, &proof);
	assert_int_equal(result.kept, 0);
	zone_free(next);
	s.key[1].key = a; /* both are there, the old one goes on */
	s.key[2].key = b;
	next = sign(plain, zone, &s, &result);
	assert_proved(next, &s, &proof);
	assert_int_equal(result.kept, full.made - 2);
	zone_free(next);
	zone_free(zone);
	zone_free(plain);
	s.key[1].key = s.key[2].key = NULL;
	signer_done(&s);
	for (size_t i = 0; i < n; i++)
		make_key_free(key[i]);
}

/* The KSK is somewhere else: its signature comes with the set; several signers' keys stand beside. */
static void test_ready_and_foreign(void **state)
{
	struct zone *plain = zone_read(zone_text);
	struct signer s;
	struct publish_sign_result result;
	struct zone_proof proof;
	signer_init(&s, DNSSEC_ED25519);
	struct make_key *foreign = key_new(DNSSEC_ED25519, MAKE_FLAGS_ZSK);
	struct wire_rdata other, keys[2], rrsig;
	size_t len;
	other.data = make_key_rdata(foreign, &len);
	other.len = (uint16_t)len;
	s.in.more_keys = (struct make_rdata_list){.n = 1, .item = &other};
	s.in.cds = (struct make_rdata_list){.n = 1, .item = &(struct wire_rdata){(const uint8_t *)MAKE_CDS_DELETE, 5}};
	s.in.cdnskey =
		(struct make_rdata_list){.n = 1, .item = &(struct wire_rdata){(const uint8_t *)MAKE_CDNSKEY_DELETE, 5}};
	struct zone *zone = sign(plain, NULL, &s, &result);
	assert_proved(zone, &s, &proof);
	const struct zone_node *node = zone_find(zone, apex);
	assert_int_equal(zone_node_set(zone, node, WIRE_TYPE_DNSKEY)->count, 3);
	/* RFC 7344 section 4.1: by the KSK */
	const struct wire_rrset *cds = zone_node_sigs(zone, node, WIRE_TYPE_CDS);
	assert_int_equal(wire_get16(cds->rdata[0].data + 16), make_key_tag(s.key[0].key));
	assert_non_null(zone_node_sigs(zone, node, WIRE_TYPE_CDNSKEY));
	zone_free(zone);
	s.in.more_keys.n = 0;

	for (size_t i = 0; i < 2; i++) {
		keys[i].data = make_key_rdata(s.key[i].key, &len);
		keys[i].len = (uint16_t)len;
	}
	struct wire_rdata sorted[2] = {keys[0], keys[1]};
	if (wire_rdata_cmp(&keys[0], &keys[1]) > 0) {
		sorted[0] = keys[1];
		sorted[1] = keys[0];
	}
	struct wire_rrset set = {
		.owner = apex, .type = WIRE_TYPE_DNSKEY, .rclass = 1, .ttl = 172800, .count = 2, .rdata = sorted};
	_cleanup_(buffer_done) struct buffer sig = {0};
	assert_int_equal(make_rrsig(&set, s.key[0].key, apex, NOW - 86400, NOW + 10 * 86400, &sig), 0);
	rrsig = (struct wire_rdata){sig.data, (uint16_t)sig.len};
	struct make_ready_dnskey ready = {.ttl = 172800, .keys = {2, keys}, .rrsigs = {1, &rrsig}};
	struct make_key *ksk = s.key[0].key;
	assert_int_equal(make_key_from_rdata(keys[0].data, keys[0].len, &s.key[0].key), 0);
	make_key_free(ksk);
	keys[0].data = make_key_rdata(s.key[0].key, &len);
	s.in.ready_dnskey = &ready;
	zone = NULL;
	assert_int_equal(publish_sign(plain, NULL, &s.in, &zone, &result), BANYAN_ENOENT);
	assert_non_null(strstr(result.text, "CDS"));
	s.in.cds.n = s.in.cdnskey.n = 0;
	zone = sign(plain, NULL, &s, &result);
	assert_proved(zone, &s, &proof);
	assert_int_equal(result.ready, 1);
	assert_true(result.next <= NOW + 10 * 86400);
	assert_int_equal(result.ready_until, NOW + 10 * 86400);
	struct zone *kept = NULL;
	/* a version with dates: it must hold until those end, and nobody can sign it anew */
	s.in.hold_until = NOW + 10 * 86400 + 1;
	ready.name = "bundle of some day";
	assert_int_equal(publish_sign(plain, zone, &s.in, &kept, &result), BANYAN_EPROOF);
	assert_non_null(strstr(result.text, "signed elsewhere, bundle of some day ends at 2026-"));
	assert_non_null(strstr(result.text, "hold the next ceremony"));
	s.in.hold_until = NOW + 10 * 86400;
	kept = sign(plain, zone, &s, &result);
	zone_free(kept);
	kept = NULL;
	s.in.hold_until = 0;
	s.in.now = NOW + 10 * 86400; /* it has ended: the old version stays */
	assert_int_equal(publish_sign(plain, zone, &s.in, &kept, &result), BANYAN_EPROOF);
	assert_non_null(strstr(result.text, "2026-"));
	s.in.now = NOW - 86401;
	assert_int_equal(publish_sign(plain, zone, &s.in, &kept, &result), BANYAN_EPROOF);
	assert_null(kept);
	zone_free(zone);
	zone_free(plain);
	make_key_free(foreign);
	signer_done(&s);
}

static void test_digest_alone(void **state)
{
	struct zone *plain = zone_read(zone_text), *zone = NULL;
	struct publish_sign_result result;
	struct make_signing in = {.now = NOW, .zonemd = MAKE_ZONEMD_SHA384 | MAKE_ZONEMD_SHA512};
	assert_int_equal(publish_sign(plain, NULL, &in, &zone, &result), 0);
	assert_int_equal(result.made + result.sets + result.denial, 0);
	assert_int_equal(result.next, INT64_MAX);
	struct zone_prove_settings settings = {
		.now = NOW, .digest_only = true, .require_zonemd = true, .report = finding};
	struct zone_proof proof;
	assert_int_equal(zone_prove(zone, &settings, &proof), 0);
	assert_true(proof.proved);
	assert_int_equal(proof.dnssec.zonemd, DNSSEC_ZONEMD_UNSIGNED_OK);
	assert_int_equal(zone_node_set(zone, zone_find(zone, apex), WIRE_TYPE_ZONEMD)->count, 2);
	zone_free(zone);
	zone_free(plain);
}

static int token_gone(void *ctx, const uint8_t *data, size_t len, uint8_t *out, size_t cap, size_t *ret_len)
{
	_Atomic unsigned *left = ctx;
	memset(out, 7, 64);
	*ret_len = 64;
	return (*left)-- > 0 ? 0 : BANYAN_EIO;
}

static void assert_refused(const struct zone *plain, const struct zone *before, const struct signer *s, int error,
			   const char *words)
{
	struct publish_sign_result result = {.serial = 99};
	struct zone *zone = NULL;
	assert_int_equal(publish_sign(plain, before, &s->in, &zone, &result), error);
	assert_null(zone);
	assert_int_equal(result.serial, 99);
	if (strstr(result.text, words) == NULL)
		fail_msg("'%s' is not in '%s'", words, result.text);
}

static void test_refused(void **state)
{
	struct zone *plain = zone_read(zone_text), *none = zone_read("@ 60 NS a.example.\n");
	struct signer s;
	signer_init(&s, DNSSEC_ECDSAP256SHA256);
	assert_refused(none, NULL, &s, BANYAN_EINVAL, "no SOA");
	s.in.apex = (const uint8_t *)"\5other";
	assert_refused(plain, NULL, &s, BANYAN_EINVAL, "another name");
	s.in.apex = apex;
	struct zone_read_settings settings = {.origin = (const uint8_t *)""};
	struct zone_error error;
	struct zone *root = NULL;
	assert_int_equal(zone_read_text("root", zone_text, 0, &settings, NULL, NULL, &root, &error), 0);
	assert_refused(plain, root, &s, BANYAN_EINVAL, "of another zone");
	zone_free(root);
	s.key[1].signs_data = false;
	assert_refused(plain, NULL, &s, BANYAN_ENOENT, "signs the zone's data");
	s.key[1].signs_data = true;
	s.key[0].signs_keys = false;
	assert_refused(plain, NULL, &s, BANYAN_ENOENT, "signs the keys");
	s.key[0].signs_keys = true;
	s.in.refresh_s = VALIDITY - 86400;
	assert_refused(plain, NULL, &s, BANYAN_EINVAL, "made anew at once");
	s.in.refresh_s = REFRESH;
	s.in.denial = MAKE_NSEC3;
	s.in.nsec3.iterations = 51;
	assert_refused(plain, NULL, &s, BANYAN_ELIMIT, "limit");
	s.in.denial = MAKE_NSEC;
	s.key[0].published = s.key[1].published = false;
	assert_refused(plain, NULL, &s, BANYAN_EINVAL, "published");
	s.key[0].published = s.key[1].published = true;

	/* a token that is drawn out in the middle */
	_Atomic unsigned left = 5;
	size_t len;
	const uint8_t *rdata = make_key_rdata(s.key[1].key, &len);
	struct make_elsewhere elsewhere = {.sign = token_gone, .ctx = &left};
	struct make_key *token, *mine = s.key[1].key;
	assert_int_equal(make_key_elsewhere(rdata, len, &elsewhere, &token), 0);
	s.key[1].key = token;
	assert_refused(plain, NULL, &s, BANYAN_EIO, "could not sign");
	left = 1000;
	struct publish_sign_result result;
	struct zone *zone = sign(plain, NULL, &s, &result);
	zone_free(zone);
	make_key_free(token);

	/* the private half is not here */
	assert_int_equal(make_key_from_rdata(rdata, len, &s.key[1].key), 0);
	make_key_free(mine);
	assert_refused(plain, NULL, &s, BANYAN_ENOENT, "is not here");
	zone_free(plain);
	zone_free(none);
	signer_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_algorithm), cmocka_unit_test(test_case),
		cmocka_unit_test(test_signed_again),    cmocka_unit_test(test_incremental),
		cmocka_unit_test(test_refresh),         cmocka_unit_test(test_same_as_full),
		cmocka_unit_test(test_key_rolls),       cmocka_unit_test(test_algorithm_roll),
		cmocka_unit_test(test_same_tag),        cmocka_unit_test(test_ready_and_foreign),
		cmocka_unit_test(test_digest_alone),    cmocka_unit_test(test_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
