// SPDX-License-Identifier: GPL-3.0-or-later
/* Denial: the examples of RFC 4035 appendix B and RFC 5155 appendix B, and the traps that later RFCs tell of. */
#include "../test.h"

#include "denial.h"

enum question { NAME, TYPE, CLOSER, DS };
enum answer { NOT, YES, OPT_OUT, INSECURE, COMPACT, CUT, NO_CUT, MAY_CUT };

struct denial_case {
	const char *what;
	enum question question;
	const char *name;
	unsigned argument; /* the type, or the labels */
	enum answer answer;
	const char *record[5];
	const char *zone; /* "example." if NULL */
};

static struct dnssec_policy policy = {.now = 1800000000, .nsec3_iterations_max = 50};

static enum answer ask(const struct test_denial *d, const struct denial_case *c, struct dnssec_budget *budget)
{
	uint8_t name[WIRE_NAME_MAX];
	enum dnssec_denied denied = 77;
	bool compact = false, cut = false;
	int rc = BANYAN_EOTHER;
	assert_true(wire_name_parse(c->name, name) > 0);
	switch (c->question) {
	case NAME:
		rc = dnssec_deny_name(&policy, budget, &d->denial, name, &compact, &denied);
		break;
	case TYPE:
		rc = dnssec_deny_type(&policy, budget, &d->denial, name, (uint16_t)c->argument, &denied);
		break;
	case CLOSER:
		rc = dnssec_deny_closer(&policy, budget, &d->denial, name, (uint8_t)c->argument, &denied);
		break;
	case DS:
		rc = dnssec_deny_ds(&policy, budget, &d->denial, name, &cut, &denied);
		break;
	}
	assert_int_equal(rc, 0);
	bool ds = c->question == DS;
	switch (denied) {
	case DNSSEC_DENIED_NOT:
		assert_false(compact || cut);
		return NOT;
	case DNSSEC_DENIED:
		return compact ? COMPACT : !ds ? YES : cut ? CUT : NO_CUT;
	case DNSSEC_DENIED_OPT_OUT:
		return ds ? (cut ? MAY_CUT : NO_CUT) : OPT_OUT;
	default:
		return INSECURE;
	}
}

static void run(const struct denial_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct denial_case *c = &cases[i];
		struct dnssec_budget budget = {.hashes = 10000};
		static struct test_denial d;
		test_denial_init(&d, c->zone != NULL ? c->zone : "example.");
		for (size_t r = 0; r < ARRAY_SIZE(c->record) && c->record[r] != NULL; r++)
			test_denial_add(&d, c->record[r]);
		enum answer is = ask(&d, c, &budget);
		if (is != c->answer)
			fail_msg("case %zu, %s (%s): %d, not %d", i, c->what, c->name, is, c->answer);
	}
}

/* ---- NSEC ---- */

#define APEX   "example. NSEC a.example. NS SOA MX RRSIG NSEC DNSKEY"
#define A_CUT  "a.example. NSEC ai.example. NS DS RRSIG NSEC"
#define B_CUT  "b.example. NSEC ns1.example. NS RRSIG NSEC"
#define NS1    "ns1.example. NSEC ns2.example. A RRSIG NSEC"
#define NS2    "ns2.example. NSEC *.w.example. A RRSIG NSEC"
#define STAR_W "*.w.example. NSEC x.w.example. MX RRSIG NSEC"
#define X_Y_W  "x.y.w.example. NSEC xx.example. MX RRSIG NSEC"
#define LAST   "xx.example. NSEC example. A HINFO AAAA RRSIG NSEC"

static void rfc4035(void **state)
{
	(void)state;
	static const struct denial_case cases[] = {
		{"B.2", NAME, "ml.example.", 0, YES, {B_CUT, APEX}, NULL},
		{"B.2 without the wildcard's record", NAME, "ml.example.", 0, NOT, {B_CUT}, NULL},
		{"B.2 without the name's record", NAME, "ml.example.", 0, NOT, {APEX}, NULL},
		{"B.3", TYPE, "ns1.example.", WIRE_TYPE_MX, YES, {NS1}, NULL},
		{"B.3, the type that is there", TYPE, "ns1.example.", WIRE_TYPE_A, NOT, {NS1}, NULL},
		{"B.3 at another name", TYPE, "ns2.example.", WIRE_TYPE_MX, NOT, {NS1}, NULL},
		{"B.5", DS, "b.example.", 0, CUT, {B_CUT}, NULL},
		{"B.4: signed", DS, "a.example.", 0, NOT, {A_CUT}, NULL},
		{"B.6", CLOSER, "a.z.w.example.", 2, YES, {X_Y_W}, NULL},
		{"B.6 by a wildcard farther up", CLOSER, "a.z.w.example.", 1, NOT, {X_Y_W}, NULL},
		{"B.6 by a wildcard closer", CLOSER, "a.z.w.example.", 3, NOT, {X_Y_W}, NULL},
		{"B.7", TYPE, "a.z.w.example.", WIRE_TYPE_AAAA, YES, {X_Y_W, STAR_W}, NULL},
		{"B.7, the wildcard has the type", TYPE, "a.z.w.example.", WIRE_TYPE_MX, NOT, {X_Y_W, STAR_W}, NULL},
		{"B.7 without the wildcard", TYPE, "a.z.w.example.", WIRE_TYPE_AAAA, NOT, {X_Y_W}, NULL},
		{"B.7 without the gap", TYPE, "a.z.w.example.", WIRE_TYPE_AAAA, NOT, {STAR_W}, NULL},
		{"B.7 is no denial of the name", NAME, "a.z.w.example.", 0, NOT, {X_Y_W, STAR_W}, NULL},
		{"B.8", TYPE, "example.", WIRE_TYPE_DS, NOT, {APEX}, NULL},
		{"B.8", DS, "example.", 0, NOT, {APEX}, NULL},
		{"the last name", NAME, "zz.example.", 0, YES, {LAST, APEX}, NULL},
		{"after the last name", NAME, "zz.xx.example.", 0, YES, {LAST}, NULL},
		{"before the apex there is none", NAME, "example.", 0, NOT, {LAST, APEX}, NULL},
	};
	run(cases, ARRAY_SIZE(cases));
}

static void nsec_traps(void **state)
{
	(void)state;
	static const struct denial_case cases[] = {
		/* RFC 6840 section 4.1: the parent's side of a cut says nothing of what is below */
		{"below a delegation", NAME, "mc.b.example.", 0, NOT, {B_CUT, APEX}, NULL},
		{"a wildcard below a delegation", CLOSER, "mc.b.example.", 2, NOT, {B_CUT}, NULL},
		{"a type below a delegation", TYPE, "mc.b.example.", WIRE_TYPE_A, NOT, {B_CUT, APEX}, NULL},
		{"a delegation below one", DS, "mc.b.example.", 0, NOT, {B_CUT}, NULL},
		{"another type at a delegation", TYPE, "b.example.", WIRE_TYPE_A, NOT, {B_CUT}, NULL},
		{"DS at an insecure delegation", TYPE, "b.example.", WIRE_TYPE_DS, YES, {B_CUT}, NULL},
		{"DS at a secure one", TYPE, "a.example.", WIRE_TYPE_DS, NOT, {A_CUT}, NULL},
		{"beside a delegation", NAME, "bb.example.", 0, YES, {B_CUT, APEX}, NULL},
		/* DNAME */
		{"below a DNAME",
		 NAME,
		 "x.d.example.",
		 0,
		 NOT,
		 {"d.example. NSEC e.example. DNAME RRSIG NSEC", APEX},
		 NULL},
		{"a DNAME's own types",
		 TYPE,
		 "d.example.",
		 WIRE_TYPE_A,
		 YES,
		 {"d.example. NSEC e.example. DNAME RRSIG NSEC"},
		 NULL},
		{"no DS below a DNAME",
		 DS,
		 "x.d.example.",
		 0,
		 NOT,
		 {"d.example. NSEC e.example. DNAME RRSIG NSEC"},
		 NULL},
		/* section 4.3: CNAME */
		{"a CNAME",
		 TYPE,
		 "c.example.",
		 WIRE_TYPE_A,
		 NOT,
		 {"c.example. NSEC d.example. CNAME RRSIG NSEC"},
		 NULL},
		{"a CNAME at a wildcard",
		 TYPE,
		 "q.example.",
		 WIRE_TYPE_A,
		 NOT,
		 {NS1, "*.example. NSEC a.example. CNAME RRSIG NSEC"},
		 NULL},
		/* the child's record for a DS, section 4.4 */
		{"the child's apex",
		 TYPE,
		 "sub.example.",
		 WIRE_TYPE_DS,
		 NOT,
		 {"sub.example. NSEC www.sub.example. NS SOA RRSIG NSEC"},
		 NULL},
		{"the child's apex",
		 DS,
		 "sub.example.",
		 0,
		 NOT,
		 {"sub.example. NSEC www.sub.example. NS SOA RRSIG NSEC"},
		 NULL},
		{"the root has no DS", TYPE, ".", WIRE_TYPE_DS, YES, {". NSEC aaa. NS SOA RRSIG NSEC DNSKEY"}, "."},
		{"no delegation here", DS, "ns1.example.", 0, NO_CUT, {NS1}, NULL},
		{"no name here", DS, "nowhere.example.", 0, NOT, {NS1}, NULL},
		{"no name here", DS, "ns1x.example.", 0, NO_CUT, {NS1}, NULL},
		/* empty non-terminals */
		{"an empty non-terminal",
		 TYPE,
		 "y.w.example.",
		 WIRE_TYPE_A,
		 YES,
		 {"x.w.example. NSEC x.y.w.example. MX RRSIG NSEC"},
		 NULL},
		{"is there",
		 NAME,
		 "y.w.example.",
		 0,
		 NOT,
		 {"x.w.example. NSEC x.y.w.example. MX RRSIG NSEC", APEX, STAR_W},
		 NULL},
		{"and is no delegation",
		 DS,
		 "y.w.example.",
		 0,
		 NO_CUT,
		 {"x.w.example. NSEC x.y.w.example. MX RRSIG NSEC"},
		 NULL},
		{"a wildcard that is an empty non-terminal",
		 NAME,
		 "q.w.example.",
		 0,
		 NOT,
		 {"ns2.example. NSEC k.*.w.example. A RRSIG NSEC", "k.*.w.example. NSEC xx.example. A RRSIG NSEC"},
		 NULL},
		{"has no types",
		 TYPE,
		 "q.w.example.",
		 WIRE_TYPE_A,
		 YES,
		 {"ns2.example. NSEC k.*.w.example. A RRSIG NSEC", "k.*.w.example. NSEC xx.example. A RRSIG NSEC"},
		 NULL},
		/* whose records */
		{"another zone's record",
		 NAME,
		 "ml.example.",
		 0,
		 NOT,
		 {"a. NSEC z. A RRSIG NSEC", "*. NSEC z. A RRSIG NSEC"},
		 NULL},
		{"a next name outside", NAME, "ml.example.", 0, NOT, {"example. NSEC org. NS SOA RRSIG NSEC"}, NULL},
		{"a name outside", NAME, "ml.org.", 0, NOT, {"example. NSEC example. NS SOA RRSIG NSEC"}, NULL},
		{"a chain of one name",
		 NAME,
		 "ml.example.",
		 0,
		 YES,
		 {"example. NSEC example. NS SOA RRSIG NSEC"},
		 NULL},
		/* CVE-2017-15105 */
		{"an NSEC made of a wildcard",
		 NAME,
		 "ml.example.",
		 0,
		 NOT,
		 {"!b.example. NSEC ns1.example. A RRSIG NSEC", APEX},
		 NULL},
		{"an NSEC made of a wildcard",
		 TYPE,
		 "b.example.",
		 WIRE_TYPE_MX,
		 NOT,
		 {"!b.example. NSEC ns1.example. A RRSIG NSEC"},
		 NULL},
		/* a wildcard's own name */
		{"the wildcard itself", TYPE, "*.w.example.", WIRE_TYPE_A, YES, {STAR_W}, NULL},
		{"the wildcard that is not there", NAME, "*.example.", 0, YES, {APEX}, NULL},
		/* ANY */
		{"ANY at a name that has data", TYPE, "ns1.example.", WIRE_TYPE_ANY, NOT, {NS1}, NULL},
		{"ANY at an empty non-terminal",
		 TYPE,
		 "y.w.example.",
		 WIRE_TYPE_ANY,
		 YES,
		 {"x.w.example. NSEC x.y.w.example. MX RRSIG NSEC"},
		 NULL},
		/* RFC 4470: minimally covering */
		{"white lies",
		 NAME,
		 "ml.example.",
		 0,
		 YES,
		 {"mk~.example. NSEC ml!.example. RRSIG NSEC", ")~.example. NSEC +.example. RRSIG NSEC"},
		 NULL},
		/* RFC 9824 */
		{"compact",
		 NAME,
		 "ml.example.",
		 0,
		 COMPACT,
		 {"ml.example. NSEC \\000.ml.example. RRSIG NSEC TYPE128"},
		 NULL},
		{"compact, any type",
		 TYPE,
		 "ml.example.",
		 WIRE_TYPE_TXT,
		 YES,
		 {"ml.example. NSEC \\000.ml.example. RRSIG NSEC TYPE128"},
		 NULL},
		{"compact, no data",
		 NAME,
		 "ml.example.",
		 0,
		 NOT,
		 {"ml.example. NSEC \\000.ml.example. TXT RRSIG NSEC"},
		 NULL},
		{"compact, an empty non-terminal",
		 NAME,
		 "ml.example.",
		 0,
		 NOT,
		 {"ml.example. NSEC \\000.ml.example. RRSIG NSEC"},
		 NULL},
		{"compact beside data is nonsense",
		 NAME,
		 "ml.example.",
		 0,
		 NOT,
		 {"ml.example. NSEC \\000.ml.example. A RRSIG NSEC TYPE128"},
		 NULL},
		{"compact, a delegation",
		 DS,
		 "ml.example.",
		 0,
		 CUT,
		 {"ml.example. NSEC \\000.ml.example. NS RRSIG NSEC"},
		 NULL},
		{"compact, no name",
		 DS,
		 "ml.example.",
		 0,
		 NO_CUT,
		 {"ml.example. NSEC \\000.ml.example. RRSIG NSEC TYPE128"},
		 NULL},
	};
	run(cases, ARRAY_SIZE(cases));
}

static void malformed(void **state)
{
	(void)state;
	static struct test_denial d;
	static const struct denial_case c = {"", TYPE, "ns1.example.", WIRE_TYPE_MX, NOT, {NULL}, NULL};
	struct dnssec_budget budget = {.hashes = 100};
	test_denial_init(&d, "example.");
	test_denial_add(&d, NS1);
	assert_int_equal(ask(&d, &c, &budget), YES);
	uint16_t len = d.rdata[0].len;
	/* a bitmap cut short, one with bytes behind it, one that says nothing of its window */
	for (uint16_t n = 0; n < len; n++) {
		d.rdata[0].len = n;
		enum answer is = ask(&d, &c, &budget);
		/* without a bitmap at all it is well-formed and has no types */
		assert_int_equal(is, n == 13 ? YES : NOT);
	}
	d.rdata[0].len = len + 1;
	d.data[0][len] = 7;
	assert_int_equal(ask(&d, &c, &budget), NOT);
	d.set[0].count = 0;
	assert_int_equal(ask(&d, &c, &budget), NOT);
}

/* ---- NSEC3: the chain of RFC 5155 appendix A, where every span is opt-out ---- */

#define P " NSEC3 1 1 12 aabbccdd "
#define H_APEX                                                                                                         \
	"0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example." P                                                                  \
	"2t7b4g4vsa5smi47k61mv5bv1a22bojr MX DNSKEY NS SOA NSEC3PARAM RRSIG"
#define H_NS1    "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example." P "2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG"
#define H_A      "35mthgpgcu1qg68fab165klnsnk3dpvl.example." P "b4um86eghhds6nea196smvmlo4ors995 NS DS RRSIG"
#define H_X_W    "b4um86eghhds6nea196smvmlo4ors995.example." P "gjeqe526plbf1g8mklp59enfd789njgi MX RRSIG"
#define H_Y_W    "ji6neoaepv8b5o6k4ev33abha8ht9fgc.example." P "k8udemvp1j2f7eg6jebps17vp3n8i58h"
#define H_W      "k8udemvp1j2f7eg6jebps17vp3n8i58h.example." P "kohar7mbb8dc2ce8a9qvl8hon4k53uhi"
#define H_NS2    "q04jkcevqvmu85r014c7dkba38o0ji5r.example." P "r53bq7cc2uvmubfu5ocmm6pers9tk9en A RRSIG"
#define H_STAR_W "r53bq7cc2uvmubfu5ocmm6pers9tk9en.example." P "t644ebqk9bibcna874givr6joj62mlhv MX RRSIG"

static void rfc5155(void **state)
{
	(void)state;
	static const struct denial_case cases[] = {
		{"B.1", NAME, "a.c.x.w.example.", 0, OPT_OUT, {H_APEX, H_X_W, H_A}, NULL},
		{"B.1 without the next closer", NAME, "a.c.x.w.example.", 0, NOT, {H_X_W, H_A}, NULL},
		{"B.1 without the encloser", NAME, "a.c.x.w.example.", 0, NOT, {H_APEX, H_A}, NULL},
		{"B.1 without the wildcard", NAME, "a.c.x.w.example.", 0, NOT, {H_APEX, H_X_W}, NULL},
		{"B.2", TYPE, "ns1.example.", WIRE_TYPE_MX, YES, {H_NS1}, NULL},
		{"B.2, the type that is there", TYPE, "ns1.example.", WIRE_TYPE_A, NOT, {H_NS1}, NULL},
		{"B.2.1", TYPE, "y.w.example.", WIRE_TYPE_A, YES, {H_Y_W}, NULL},
		{"B.3", DS, "c.example.", 0, MAY_CUT, {H_A, H_APEX}, NULL},
		{"B.3 without the encloser", DS, "c.example.", 0, NOT, {H_A}, NULL},
		{"B.3 without the gap", DS, "c.example.", 0, NOT, {H_APEX}, NULL},
		{"B.4", CLOSER, "a.z.w.example.", 2, OPT_OUT, {H_NS2}, NULL},
		{"B.4 without", CLOSER, "a.z.w.example.", 2, NOT, {H_W, H_STAR_W}, NULL},
		{"B.5", TYPE, "a.z.w.example.", WIRE_TYPE_AAAA, OPT_OUT, {H_W, H_NS2, H_STAR_W}, NULL},
		{"B.6", TYPE, "example.", WIRE_TYPE_DS, NOT, {H_APEX}, NULL},
		{"B.6", DS, "example.", 0, NOT, {H_APEX}, NULL},
		{"a secure delegation", DS, "a.example.", 0, NOT, {H_A}, NULL},
		{"a delegation's other types", TYPE, "a.example.", WIRE_TYPE_TXT, NOT, {H_A}, NULL},
		{"below a delegation", NAME, "x.a.example.", 0, NOT, {H_A, H_APEX, H_NS1, H_W, H_Y_W}, NULL},
		{"no delegation", DS, "ns1.example.", 0, NO_CUT, {H_NS1}, NULL},
	};
	run(cases, ARRAY_SIZE(cases));
}

/* What cannot be computed, and what must be passed over (sections 8.1 and 8.2, RFC 9276). */
static void nsec3_parameters(void **state)
{
	(void)state;
	static const struct denial_case cases[] = {
		{"too many iterations",
		 TYPE,
		 "ns1.example.",
		 WIRE_TYPE_MX,
		 INSECURE,
		 {"2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3 1 0 51 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A "
		  "RRSIG"},
		 NULL},
		{"too many for a name",
		 NAME,
		 "nope.example.",
		 0,
		 INSECURE,
		 {"2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3 1 0 65535 - 2vptu5timamqttgl4luu9kg21e0aor3s A "
		  "RRSIG"},
		 NULL},
		{"too many for a DS",
		 DS,
		 "nope.example.",
		 0,
		 INSECURE,
		 {"2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3 1 0 200 - 2vptu5timamqttgl4luu9kg21e0aor3s A RRSIG"},
		 NULL},
		{"too many, another zone's",
		 NAME,
		 "nope.example.",
		 0,
		 NOT,
		 {"2t7b4g4vsa5smi47k61mv5bv1a22bojr.sub.example. NSEC3 1 0 200 - 2vptu5timamqttgl4luu9kg21e0aor3s A "
		  "RRSIG"},
		 NULL},
		{"an unknown hash",
		 TYPE,
		 "ns1.example.",
		 WIRE_TYPE_MX,
		 INSECURE,
		 {"2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3 2 0 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A "
		  "RRSIG"},
		 NULL},
		{"an unknown flag",
		 TYPE,
		 "ns1.example.",
		 WIRE_TYPE_MX,
		 NOT,
		 {"2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3 1 2 12 aabbccdd 2vptu5timamqttgl4luu9kg21e0aor3s A "
		  "RRSIG"},
		 NULL},
		{"another salt",
		 TYPE,
		 "ns1.example.",
		 WIRE_TYPE_MX,
		 NOT,
		 {"2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3 1 0 12 aabbccde 2vptu5timamqttgl4luu9kg21e0aor3s A "
		  "RRSIG"},
		 NULL},
		{"two chains do not help each other",
		 NAME,
		 "a.c.x.w.example.",
		 0,
		 NOT,
		 {H_X_W,
		  "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom.example. NSEC3 1 1 11 aabbccdd 2t7b4g4vsa5smi47k61mv5bv1a22bojr A",
		  H_A},
		 NULL},
		{"NSEC beside NSEC3", TYPE, "ns1.example.", WIRE_TYPE_MX, YES, {H_APEX, NS1}, NULL},
	};
	run(cases, ARRAY_SIZE(cases));
}

/* Each name is hashed once, and paid for (CVE-2023-50868). */
static void hashing_is_paid(void **state)
{
	(void)state;
	static struct test_denial d;
	struct dnssec_budget budget = {.hashes = 1000};
	struct denial_case c = {"", NAME, "a.c.x.w.example.", 0, OPT_OUT, {NULL}, NULL};
	test_denial_init(&d, "example.");
	test_denial_add(&d, H_APEX);
	test_denial_add(&d, H_X_W);
	test_denial_add(&d, H_A);
	assert_int_equal(ask(&d, &c, &budget), OPT_OUT);
	/* a.c.x.w, c.x.w, x.w and *.x.w: 13 blocks each */
	assert_int_equal(1000 - budget.hashes, 4 * 13);
	/* a long salt makes each iteration longer: 20 + 255 + 9 bytes are five blocks */
	char salt[511], text[1024];
	memset(salt, 'a', 510);
	salt[510] = '\0';
	snprintf(text, sizeof text,
		 "2t7b4g4vsa5smi47k61mv5bv1a22bojr.example. NSEC3 1 0 10 %s 2vptu5timamqttgl4luu9kg21e0aor3s A", salt);
	test_denial_init(&d, "example.");
	test_denial_add(&d, text);
	c = (struct denial_case){"", TYPE, "ns1.example.", WIRE_TYPE_MX, NOT, {NULL}, NULL};
	budget.hashes = 1000;
	assert_int_equal(ask(&d, &c, &budget), NOT);
	assert_int_equal(1000 - budget.hashes, 2 * 11 * 5);
	/* the deepest name there is, and a budget that does not reach */
	char deep[300] = "";
	for (unsigned i = 0; i < 123; i++)
		strcat(deep, "a.");
	strcat(deep, "example.");
	uint8_t name[WIRE_NAME_MAX];
	enum dnssec_denied denied = 77;
	assert_true(wire_name_parse(deep, name) > 0);
	test_denial_init(&d, "example.");
	test_denial_add(&d, H_NS1);
	budget.hashes = 200;
	assert_int_equal(dnssec_deny_name(&policy, &budget, &d.denial, name, NULL, &denied), BANYAN_ELIMIT);
	assert_int_equal(denied, 77);
	assert_true(budget.hashes < 20);
	/* no NSEC3, no hash */
	test_denial_init(&d, "example.");
	test_denial_add(&d, NS1);
	budget.hashes = 0;
	assert_int_equal(dnssec_deny_name(&policy, &budget, &d.denial, name, NULL, &denied), 0);
	assert_int_equal(denied, DNSSEC_DENIED_NOT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rfc4035), cmocka_unit_test(nsec_traps),       cmocka_unit_test(malformed),
		cmocka_unit_test(rfc5155), cmocka_unit_test(nsec3_parameters), cmocka_unit_test(hashing_is_paid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
