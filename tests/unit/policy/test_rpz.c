// SPDX-License-Identifier: GPL-3.0-or-later
/* Response policy zones: triggers, actions, precedence, overrides, and what they never touch. */
#include "../test.h"

#include "policy/policy.h"

#define SOA "@ 60 SOA ns. me. 5 1 1 1 60\n@ 60 NS ns.\n"

static size_t remarks;

static void on_remark(void *ctx, const uint8_t *owner, const char *text)
{
	assert_true(strlen(text) > 0 && owner != NULL);
	remarks++;
}

static struct policy_rpz *compile(const char *origin, const char *text)
{
	uint8_t name[WIRE_NAME_MAX];
	struct zone *zone;
	struct zone_error error;
	struct policy_rpz *rpz;
	assert_true(wire_name_parse(origin, name) > 0);
	struct zone_read_settings settings = {.origin = name};
	if (zone_read_text("rpz", text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	remarks = 0;
	assert_int_equal(policy_rpz_compile(zone, 3, on_remark, NULL, &rpz), 0);
	zone_free(zone);
	assert_int_equal(policy_rpz_stats(rpz)->ignored, remarks);
	return rpz;
}

/* What a client, a name and what was found about it lead to. */
struct facts {
	const char *client, *name;
	uint16_t qtype;
	bool resolved;
	const char *addr[4], *ns[4], *ns_addr[4];
};

static size_t addrs_of(const char *const *text, struct addr *out)
{
	size_t n = 0;
	for (; n < 4 && text[n] != NULL; n++)
		assert_int_equal(addr_parse(text[n], 0, &out[n]), 0);
	return n;
}

static const char *check(const struct policy_view *view, const struct facts *f)
{
	static char out[POLICY_TEXT_MAX + 400];
	char rule[POLICY_TEXT_MAX];
	struct addr client, addr[4], ns_addr[4];
	uint8_t name[WIRE_NAME_MAX], ns_name[4][WIRE_NAME_MAX];
	const uint8_t *ns[4];
	struct policy_hit hit;
	assert_true(wire_name_parse(f->name, name) > 0);
	struct policy_subject s = {.view = view, .name = name, .qtype = f->qtype ? f->qtype : WIRE_TYPE_A};
	s.resolved = f->resolved;
	if (f->client != NULL) {
		assert_int_equal(addr_parse(f->client, 0, &client), 0);
		s.client = &client;
	}
	s.n_addrs = addrs_of(f->addr, addr);
	s.addr = addr;
	s.n_ns_addrs = addrs_of(f->ns_addr, ns_addr);
	s.ns_addr = ns_addr;
	for (; s.n_ns < 4 && f->ns[s.n_ns] != NULL; s.n_ns++) {
		assert_true(wire_name_parse(f->ns[s.n_ns], ns_name[s.n_ns]) > 0);
		ns[s.n_ns] = ns_name[s.n_ns];
	}
	s.ns = ns;
	enum policy_verdict verdict = policy_check(&s, &hit);
	if (verdict == POLICY_LATER)
		return "later";
	if (verdict == POLICY_NOTHING)
		return hit.noted ? strcat(strcpy(out, "noted: "), policy_rule_text(&hit.note, rule)) : "nothing";
	sprintf(out, "%s: %s", policy_action_text(hit.action), policy_rule_text(&hit.rule, rule));
	return out;
}

static void expect(const struct policy_view *view, struct facts facts, const char *expected)
{
	assert_string_equal(check(view, &facts), expected);
}

static void actions(void **state)
{
	struct policy_rpz *rpz = compile("rpz.", SOA "nx.example CNAME .\n"
						     "nodata.example CNAME *.\n"
						     "pass.example CNAME rpz-passthru.\n"
						     "oldpass.example CNAME oldpass.example.\n"
						     "drop.example CNAME rpz-drop.\n"
						     "tcp.example CNAME rpz-tcp-only.\n"
						     "data.example A 192.0.2.1\n"
						     "data.example A 192.0.2.2\n"
						     "data.example TXT \"x\"\n"
						     "alias.example CNAME garden.example.\n"
						     "wild.example CNAME *.garden.example.\n"
						     "later.example CNAME rpz-later.\n"
						     "only.example NS ns.example.\n"
						     "@ A 192.0.2.9\n");
	struct policy_rpz_use use = {.rpz = rpz, .reason = REASON_POLICY_BLOCKED, .add_soa = true};
	struct policy_view view = {.n_rpz = 1, .rpz = &use};
	assert_int_equal(remarks, 2); /* the unknown action and the apex */
	assert_int_equal(policy_rpz_stats(rpz)->rules[POLICY_TRIGGER_QNAME], 9);
	assert_int_equal(policy_rpz_stats(rpz)->serial, 5);
	expect(&view, (struct facts){.name = "nx.example"}, "no such name: policy zone rpz. qname nx.example.");
	expect(&view, (struct facts){.name = "nodata.example"}, "no data: policy zone rpz. qname nodata.example.");
	expect(&view, (struct facts){.name = "pass.example"}, "let through: policy zone rpz. qname pass.example.");
	expect(&view, (struct facts){.name = "oldpass.example"},
	       "let through: policy zone rpz. qname oldpass.example.");
	expect(&view, (struct facts){.name = "drop.example"}, "no reply: policy zone rpz. qname drop.example.");
	expect(&view, (struct facts){.name = "tcp.example"}, "over TCP only: policy zone rpz. qname tcp.example.");
	expect(&view, (struct facts){.name = "data.example"}, "local data: policy zone rpz. qname data.example.");
	expect(&view, (struct facts){.name = "alias.example"}, "local data: policy zone rpz. qname alias.example.");
	expect(&view, (struct facts){.name = "wild.example"}, "local data: policy zone rpz. qname wild.example.");
	expect(&view, (struct facts){.name = "later.example"}, "nothing");
	expect(&view, (struct facts){.name = "only.example"}, "nothing");
	expect(&view, (struct facts){.name = "example"}, "nothing");
	expect(&view, (struct facts){.name = "a.nx.example"}, "nothing");
	expect(&view, (struct facts){.name = "."}, "nothing");
	struct policy_hit hit;
	struct policy_set set;
	struct policy_subject s = {.view = &view, .name = (const uint8_t *)"\4data\7example", .qtype = WIRE_TYPE_A};
	assert_int_equal(policy_check(&s, &hit), POLICY_HIT);
	assert_true(policy_data_find(hit.data, WIRE_TYPE_A, &set));
	assert_int_equal(set.count, 2);
	assert_false(policy_data_find(hit.data, WIRE_TYPE_MX, &set));
	assert_true(hit.soa_additional && hit.soa_owner != NULL && hit.soa.type == WIRE_TYPE_SOA);
	assert_int_equal(hit.reason, REASON_POLICY_BLOCKED);
	policy_rpz_free(rpz);
}

static void names(void **state)
{
	struct policy_rpz *rpz = compile("a.rpz.", SOA "bad.example CNAME .\n"
						       "*.bad.example CNAME *.\n"
						       "good.bad.example CNAME rpz-passthru.\n"
						       "*.deep.bad.example CNAME rpz-drop.\n"
						       "\\033x.*.odd.example CNAME .\n"
						       "*.odd.example CNAME rpz-tcp-only.\n"
						       "* CNAME rpz-drop.\n");
	struct policy_rpz_use use = {.rpz = rpz};
	struct policy_view view = {.n_rpz = 1, .rpz = &use};
	expect(&view, (struct facts){.name = "bad.example"}, "no such name: policy zone a.rpz. qname bad.example.");
	expect(&view, (struct facts){.name = "x.y.bad.example"}, "no data: policy zone a.rpz. qname *.bad.example.");
	expect(&view, (struct facts){.name = "good.bad.example"},
	       "let through: policy zone a.rpz. qname good.bad.example.");
	/* below an exact rule the wildcard above still holds */
	expect(&view, (struct facts){.name = "x.good.bad.example"}, "no data: policy zone a.rpz. qname *.bad.example.");
	expect(&view, (struct facts){.name = "deep.bad.example"}, "no data: policy zone a.rpz. qname *.bad.example.");
	expect(&view, (struct facts){.name = "z.deep.bad.example"},
	       "no reply: policy zone a.rpz. qname *.deep.bad.example.");
	expect(&view, (struct facts){.name = "q.odd.example"},
	       "over TCP only: policy zone a.rpz. qname *.odd.example.");
	expect(&view, (struct facts){.name = "com"}, "no reply: policy zone a.rpz. qname *..");
	/* what trust in the root stands on */
	expect(&view, (struct facts){.name = ".", .qtype = WIRE_TYPE_DNSKEY}, "nothing");
	expect(&view, (struct facts){.name = ".", .qtype = WIRE_TYPE_NS}, "nothing");
	expect(&view, (struct facts){.name = "com", .qtype = WIRE_TYPE_DS}, "nothing");
	expect(&view, (struct facts){.name = "com", .qtype = WIRE_TYPE_DNSKEY}, "nothing");
	expect(&view, (struct facts){.name = "a.root-servers.net"}, "nothing");
	expect(&view, (struct facts){.name = "root-servers.net", .qtype = WIRE_TYPE_NS}, "nothing");
	expect(&view, (struct facts){.name = "_ta-4f66"}, "nothing");
	expect(&view, (struct facts){.name = "root-key-sentinel-is-ta-20326.example"}, "nothing");
	expect(&view, (struct facts){.name = "root-key-sentinel-not-ta-20326.example"}, "nothing");
	expect(&view, (struct facts){.name = "root-servers.nett"}, "no reply: policy zone a.rpz. qname *..");
	policy_rpz_free(rpz);
}

static void addresses(void **state)
{
	struct policy_rpz *rpz = compile("r.", SOA "8.0.0.0.10.rpz-client-ip CNAME rpz-drop.\n"
						   "32.1.0.0.10.rpz-client-ip CNAME rpz-passthru.\n"
						   "24.0.2.0.192.rpz-ip CNAME .\n"
						   "32.7.2.0.192.rpz-ip CNAME *.\n"
						   "48.zz.1.db8.2001.rpz-ip CNAME rpz-tcp-only.\n"
						   "128.1.zz.db8.2001.rpz-ip CNAME .\n"
						   "64.0.0.0.0.4.3.2.1.rpz-ip CNAME *.\n"
						   "128.zz.rpz-ip CNAME rpz-drop.\n"
						   "ns.bad.example.rpz-nsdname CNAME .\n"
						   "*.bad.example.rpz-nsdname CNAME *.\n"
						   "16.0.0.53.198.rpz-nsip CNAME .\n"
						   "24.1.2.0.192.rpz-ip CNAME .\n"   /* bits behind the prefix */
						   "33.1.2.0.192.rpz-ip CNAME .\n"   /* too long */
						   "24.256.2.0.192.rpz-ip CNAME .\n" /* no octet */
						   "64.zz.1.zz.rpz-ip CNAME .\n"     /* twice */
						   "64.1.2.3.rpz-ip CNAME .\n");     /* too short */
	struct policy_rpz_use use = {.rpz = rpz};
	struct policy_view view = {.n_rpz = 1, .rpz = &use};
	assert_int_equal(remarks, 5);
	assert_true(policy_wants_servers(&view));
	expect(&view, (struct facts){.client = "10.9.9.9", .name = "a.example"},
	       "no reply: policy zone r. client-ip 10.0.0.0/8");
	expect(&view, (struct facts){.client = "::ffff:10.9.9.9", .name = "a.example"},
	       "no reply: policy zone r. client-ip 10.0.0.0/8");
	expect(&view, (struct facts){.client = "10.0.0.1", .name = "a.example"},
	       "let through: policy zone r. client-ip 10.0.0.1/32");
	expect(&view, (struct facts){.client = "11.0.0.1", .name = "a.example"}, "later");
	expect(&view, (struct facts){.name = "a.example", .resolved = true, .addr = {"192.0.2.1"}},
	       "no such name: policy zone r. rpz-ip 192.0.2.0/24");
	expect(&view, (struct facts){.name = "a.example", .resolved = true, .addr = {"192.0.2.1", "192.0.2.7"}},
	       "no data: policy zone r. rpz-ip 192.0.2.7/32");
	expect(&view, (struct facts){.name = "a.example", .resolved = true, .addr = {"192.0.3.1"}}, "nothing");
	expect(&view, (struct facts){.name = "a.example", .resolved = true, .addr = {"2001:db8:1::9"}},
	       "over TCP only: policy zone r. rpz-ip 2001:db8:1::/48");
	expect(&view, (struct facts){.name = "a.example", .resolved = true, .addr = {"2001:db8::1"}},
	       "no such name: policy zone r. rpz-ip 2001:db8::1/128");
	expect(&view, (struct facts){.name = "a.example", .resolved = true, .addr = {"1:2:3:4::5"}},
	       "no data: policy zone r. rpz-ip 1:2:3:4::/64");
	expect(&view, (struct facts){.name = "a.example", .resolved = true, .addr = {"::"}},
	       "no reply: policy zone r. rpz-ip ::/128");
	expect(&view, (struct facts){.name = "a.example", .resolved = true, .ns = {"x.example", "ns.bad.example"}},
	       "no such name: policy zone r. nsdname ns.bad.example.");
	expect(&view, (struct facts){.name = "a.example", .resolved = true, .ns = {"ns.bad.example", "a.bad.example"}},
	       "no data: policy zone r. nsdname *.bad.example."); /* the first in canonical order */
	expect(&view,
	       (struct facts){.name = "a.example", .resolved = true, .ns = {"x.example"}, .ns_addr = {"198.53.1.1"}},
	       "no such name: policy zone r. nsip 198.53.0.0/16");
	/* rpz-ip before nsdname before nsip */
	expect(&view,
	       (struct facts){.name = "a.example", .resolved = true, .addr = {"192.0.2.7"}, .ns = {"ns.bad.example"}},
	       "no data: policy zone r. rpz-ip 192.0.2.7/32");
	expect(&view, (struct facts){.name = ".", .resolved = true, .ns = {"ns.bad.example"}}, "nothing");
	policy_rpz_free(rpz);
}

static void order(void **state)
{
	struct policy_rpz *first = compile("first.", SOA "a.example CNAME .\nonly.first CNAME .\n");
	struct policy_rpz *late = compile("late.", SOA "24.0.2.0.192.rpz-ip CNAME *.\na.example CNAME rpz-drop.\n");
	struct policy_rpz *last = compile("last.", SOA "a.example CNAME .\nb.example CNAME rpz-passthru.\n"
						       "c.example CNAME .\n");
	struct policy_rpz_use use[] = {{.rpz = first}, {.rpz = late}, {.rpz = last}};
	struct policy_view view = {.n_rpz = 3, .rpz = use};
	expect(&view, (struct facts){.name = "a.example"}, "no such name: policy zone first. qname a.example.");
	/* the zone in the middle may yet say something of the addresses */
	expect(&view, (struct facts){.name = "c.example"}, "later");
	expect(&view, (struct facts){.name = "c.example", .resolved = true, .addr = {"192.0.2.1"}},
	       "no data: policy zone late. rpz-ip 192.0.2.0/24");
	expect(&view, (struct facts){.name = "c.example", .resolved = true, .addr = {"192.0.3.1"}},
	       "no such name: policy zone last. qname c.example.");
	expect(&view, (struct facts){.name = "b.example", .resolved = true, .addr = {"192.0.3.1"}},
	       "let through: policy zone last. qname b.example.");
	use[0].override = POLICY_OVERRIDE_DISABLED;
	expect(&view, (struct facts){.name = "only.first", .resolved = true},
	       "noted: policy zone first. qname only.first.");
	expect(&view, (struct facts){.name = "a.example"}, "no reply: policy zone late. qname a.example.");
	static const struct {
		enum policy_override override;
		const char *expected;
	} rows[] = {{POLICY_OVERRIDE_PASSTHRU, "let through"},   {POLICY_OVERRIDE_NXDOMAIN, "no such name"},
		    {POLICY_OVERRIDE_NODATA, "no data"},         {POLICY_OVERRIDE_DROP, "no reply"},
		    {POLICY_OVERRIDE_TCP_ONLY, "over TCP only"}, {POLICY_OVERRIDE_REFUSE, "refused"},
		    {POLICY_OVERRIDE_CNAME, "local data"}};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char expected[100];
		use[0].override = rows[i].override;
		snprintf(expected, sizeof expected, "%s: policy zone first. qname a.example.", rows[i].expected);
		expect(&view, (struct facts){.name = "a.example"}, expected);
	}
	policy_rpz_free(first);
	policy_rpz_free(late);
	policy_rpz_free(last);
}

static void no_soa(void **state)
{
	struct zone *zone;
	struct zone_error error;
	struct policy_rpz *rpz;
	struct zone_read_settings settings = {.origin = (const uint8_t *)"\1r"};
	static const char text[] = "a CNAME .\n";
	assert_int_equal(zone_read_text("rpz", text, strlen(text), &settings, NULL, NULL, &zone, &error), 0);
	assert_int_equal(policy_rpz_compile(zone, 0, NULL, NULL, &rpz), BANYAN_EMALF);
	zone_free(zone);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(actions), cmocka_unit_test(names),  cmocka_unit_test(addresses),
		cmocka_unit_test(order),   cmocka_unit_test(no_soa),
	};
	return cmocka_run_group_tests_name("policy-rpz", tests, NULL, NULL);
}
