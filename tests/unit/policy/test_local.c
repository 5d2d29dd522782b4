// SPDX-License-Identifier: GPL-3.0-or-later
/* Local zones, local data and hosts files. */
#include "../test.h"

#include "policy/policy.h"

static const uint8_t *name_of(const char *text)
{
	static uint8_t names[4][WIRE_NAME_MAX];
	static unsigned next;
	uint8_t *name = names[next++ % 4];
	assert_true(wire_name_parse(text, name) > 0);
	return name;
}

static struct policy_local *build(struct policy_local_builder *b)
{
	struct policy_local *local;
	assert_int_equal(policy_local_build(b, 7, &local), 0);
	return local;
}

static void add_zone(struct policy_local_builder *b, const char *name, enum policy_zone_kind kind)
{
	assert_int_equal(policy_local_zone(b, name_of(name), kind), 0);
}

static void add_text(struct policy_local_builder *b, const char *text)
{
	struct zone_error error;
	int rc = policy_local_text(b, "local-data", text, strlen(text), 600, &error);
	if (rc < 0)
		fail_msg("%s", error.text);
}

/* What the view says, as a line: "NXDOMAIN soa=example.", "A 192.0.2.1;", "-" for nothing. */
static char *ask(const struct policy_local *local, const char *name, uint16_t qtype)
{
	static char out[4096];
	char text[WIRE_NAME_TEXT_MAX], type[16];
	struct policy_view view = {.local = local};
	struct policy_subject subject = {.view = &view, .name = name_of(name), .qtype = qtype};
	struct policy_hit hit;
	size_t n = 0;
	out[0] = '\0';
	if (policy_check(&subject, &hit) == POLICY_NOTHING)
		return strcpy(out, hit.noted ? "informed" : "-");
	if (hit.action != POLICY_DATA) {
		n = (size_t)sprintf(out, "%s", policy_action_text(hit.action));
		if (hit.soa_owner != NULL)
			sprintf(out + n, " soa=%s %u", wire_name_text(hit.soa_owner, text), hit.soa.ttl);
		return out;
	}
	for (unsigned i = 0; i < policy_data_count(hit.data); i++) {
		struct policy_set set = policy_data_at(hit.data, i);
		const uint8_t *p = set.pack;
		if (set.type != qtype && set.type != WIRE_TYPE_CNAME && qtype != WIRE_TYPE_ANY)
			continue;
		for (unsigned r = 0; r < set.count; r++, p += 2 + wire_get16(p)) {
			_cleanup_(buffer_done) struct buffer b = {0};
			struct wire_rdata rdata = {p + 2, wire_get16(p)};
			assert_int_equal(wire_rdata_text(set.type, &rdata, &b), 0);
			n += (size_t)sprintf(out + n, "%s %u %.*s;", wire_type_text(set.type, type), set.ttl,
					     (int)b.len, (char *)b.data);
		}
	}
	return n > 0 ? out : strcpy(out, "no such type");
}

static void default_zones(void **state)
{
	static const char *const empty[] = {
		"10.in-addr.arpa",
		"16.172.in-addr.arpa",
		"31.172.in-addr.arpa",
		"168.192.in-addr.arpa",
		"0.in-addr.arpa",
		"254.169.in-addr.arpa",
		"2.0.192.in-addr.arpa",
		"100.51.198.in-addr.arpa",
		"113.0.203.in-addr.arpa",
		"64.100.in-addr.arpa",
		"100.100.in-addr.arpa",
		"127.100.in-addr.arpa",
		"d.f.ip6.arpa",
		"8.e.f.ip6.arpa",
		"b.e.f.ip6.arpa",
		"home.arpa",
		"8.b.d.0.1.0.0.2.ip6.arpa",
		"255.255.255.255.in-addr.arpa",
		"resolver.arpa",
		"invalid",
		"test",
		"local",
		"onion",
		"alt",
	};
	static const char *const others[] = {"example",
					     "15.172.in-addr.arpa",
					     "32.172.in-addr.arpa",
					     "63.100.in-addr.arpa",
					     "in-addr.arpa",
					     "arpa",
					     "128.100.in-addr.arpa",
					     ".",
					     "e.f.ip6.arpa",
					     "172.in-addr.arpa",
					     "mylocal",
					     "localhost.example"};
	struct policy_local_builder *b = policy_local_builder_new();
	assert_int_equal(policy_local_defaults(b), 0);
	struct policy_local *local = build(b);
	for (size_t i = 0; i < ARRAY_SIZE(empty); i++) {
		char below[300], expected[400];
		snprintf(below, sizeof below, "a.B.%s", empty[i]);
		snprintf(expected, sizeof expected, "no such name soa=%s. 10800", empty[i]);
		uint8_t lower[WIRE_NAME_MAX];
		char text[WIRE_NAME_TEXT_MAX];
		wire_name_lower(name_of(below), lower);
		assert_string_equal(ask(local, wire_name_text(lower, text), WIRE_TYPE_PTR), expected);
		snprintf(expected, sizeof expected, "NS 10800 %s.;", empty[i]);
		assert_string_equal(ask(local, empty[i], WIRE_TYPE_NS), expected);
		snprintf(expected, sizeof expected, "SOA 10800 %s. nobody.invalid. 1 3600 1200 604800 10800;",
			 empty[i]);
		assert_string_equal(ask(local, empty[i], WIRE_TYPE_SOA), expected);
		assert_string_equal(ask(local, empty[i], WIRE_TYPE_A), "no such type");
		assert_string_equal(ask(local, empty[i], WIRE_TYPE_DS), "-"); /* the parent's */
	}
	for (size_t i = 0; i < ARRAY_SIZE(others); i++)
		assert_string_equal(ask(local, others[i], WIRE_TYPE_A), "-");
	assert_string_equal(ask(local, "localhost", WIRE_TYPE_A), "A 10800 127.0.0.1;");
	assert_string_equal(ask(local, "a.b.localhost", WIRE_TYPE_A), "A 10800 127.0.0.1;");
	assert_string_equal(ask(local, "localhost", WIRE_TYPE_AAAA), "AAAA 10800 ::1;");
	assert_string_equal(ask(local, "x.localhost", WIRE_TYPE_MX), "no such type");
	assert_string_equal(ask(local, "1.0.0.127.in-addr.arpa", WIRE_TYPE_PTR), "PTR 10800 localhost.;");
	assert_string_equal(ask(local, "0.0.127.in-addr.arpa", WIRE_TYPE_PTR), "no data soa=127.in-addr.arpa. 10800");
	assert_string_equal(ask(local, "2.0.0.127.in-addr.arpa", WIRE_TYPE_PTR),
			    "no such name soa=127.in-addr.arpa. 10800");
	policy_local_free(local);
}

static void elsewhere(void **state)
{
	struct policy_local_builder *b = policy_local_builder_new();
	assert_int_equal(policy_local_defaults(b), 0);
	assert_int_equal(policy_local_elsewhere(b, name_of("10.in-addr.arpa")), 0);
	assert_int_equal(policy_local_elsewhere(b, name_of("1.168.192.in-addr.arpa")), 0);
	assert_int_equal(policy_local_elsewhere(b, name_of("ip6.arpa")), 0);
	assert_int_equal(policy_local_elsewhere(b, name_of(".")), 0);
	add_zone(b, "127.in-addr.arpa", POLICY_ZONE_OFF);
	add_zone(b, "onion", POLICY_ZONE_OFF);
	struct policy_local *local = build(b);
	assert_string_equal(ask(local, "1.10.in-addr.arpa", WIRE_TYPE_PTR), "-");
	assert_string_equal(ask(local, "1.1.168.192.in-addr.arpa", WIRE_TYPE_PTR), "-");
	assert_string_equal(ask(local, "1.168.192.in-addr.arpa", WIRE_TYPE_SOA), "-");
	assert_string_equal(ask(local, "2.168.192.in-addr.arpa", WIRE_TYPE_PTR),
			    "no such name soa=168.192.in-addr.arpa. 10800");
	assert_string_equal(ask(local, "1.d.f.ip6.arpa", WIRE_TYPE_PTR), "-");
	assert_string_equal(ask(local, "1.0.0.127.in-addr.arpa", WIRE_TYPE_PTR), "-");
	assert_string_equal(ask(local, "x.onion", WIRE_TYPE_A), "-");
	assert_string_equal(ask(local, "localhost", WIRE_TYPE_A), "A 10800 127.0.0.1;");
	policy_local_free(local);
}

static void kinds(void **state)
{
	static const struct {
		const char *zone;
		enum policy_zone_kind kind;
		const char *own, *own_other_type, *other; /* for www A, www MX, other A */
	} rows[] = {
		{"static", POLICY_ZONE_STATIC, "A 600 192.0.2.1;", "no such type", "no such name soa=static. 300"},
		{"transparent", POLICY_ZONE_TRANSPARENT, "A 600 192.0.2.1;", "no such type", "-"},
		{"types", POLICY_ZONE_TYPE_TRANSPARENT, "A 600 192.0.2.1;", "-", "-"},
		{"redirect", POLICY_ZONE_REDIRECT, "A 600 192.0.2.9;", "no such type", "A 600 192.0.2.9;"},
		{"refuse", POLICY_ZONE_REFUSE, "A 600 192.0.2.1;", "no such type", "refused"},
		{"drop", POLICY_ZONE_DROP, "A 600 192.0.2.1;", "no such type", "no reply"},
		{"nx", POLICY_ZONE_NXDOMAIN, "no such name soa=nx. 300", "no such name soa=nx. 300",
		 "no such name soa=nx. 300"},
		{"nodata", POLICY_ZONE_NODATA, "no data soa=nodata. 300", "no data soa=nodata. 300",
		 "no data soa=nodata. 300"},
		{"inform", POLICY_ZONE_INFORM, "A 600 192.0.2.1;", "no such type", "informed"},
		{"off", POLICY_ZONE_OFF, "A 600 192.0.2.1;", "no such type", "-"},
	};
	struct policy_local_builder *b = policy_local_builder_new();
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[300];
		add_zone(b, rows[i].zone, rows[i].kind);
		snprintf(text, sizeof text, "www.%s. A 192.0.2.1\n%s. A 192.0.2.9\n", rows[i].zone, rows[i].zone);
		add_text(b, text);
	}
	struct policy_local *local = build(b);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		char www[100], other[100];
		snprintf(www, sizeof www, "www.%s", rows[i].zone);
		snprintf(other, sizeof other, "x.y.%s", rows[i].zone);
		assert_string_equal(ask(local, www, WIRE_TYPE_A), rows[i].own);
		assert_string_equal(ask(local, www, WIRE_TYPE_MX), rows[i].own_other_type);
		assert_string_equal(ask(local, other, WIRE_TYPE_A), rows[i].other);
		assert_string_equal(ask(local, other + 4, WIRE_TYPE_DS), "-");
	}
	policy_local_free(local);
}

static void nested_and_wild(void **state)
{
	struct policy_local_builder *b = policy_local_builder_new();
	add_zone(b, "corp", POLICY_ZONE_STATIC);
	add_zone(b, "open.corp", POLICY_ZONE_TRANSPARENT);
	add_zone(b, "corp", POLICY_ZONE_REFUSE);
	add_zone(b, "corp", POLICY_ZONE_STATIC); /* the last one counts */
	add_text(b, "*.apps.corp. 60 A 192.0.2.7\n\\033.apps.corp. 60 A 192.0.2.8\nx.y.apps.corp. TXT \"a b\"\n"
		    "corp. 50 IN SOA ns.corp. me.corp. 7 1 2 3 4\nalias.corp. CNAME www.example.com.\n"
		    "lonely.example. A 192.0.2.3\n*.lonely.example. A 192.0.2.4\n*.lonely.example. A 192.0.2.4\n");
	struct policy_local *local = build(b);
	assert_string_equal(ask(local, "q.apps.corp", WIRE_TYPE_A), "A 60 192.0.2.7;");
	assert_string_equal(ask(local, "q.q.apps.corp", WIRE_TYPE_A), "A 60 192.0.2.7;");
	assert_string_equal(ask(local, "\\033.apps.corp", WIRE_TYPE_A), "A 60 192.0.2.8;");
	assert_string_equal(ask(local, "y.apps.corp", WIRE_TYPE_A), "no data soa=corp. 50"); /* it is there */
	assert_string_equal(ask(local, "z.y.apps.corp", WIRE_TYPE_A), "no such name soa=corp. 50");
	assert_string_equal(ask(local, "x.y.apps.corp", WIRE_TYPE_TXT), "TXT 60 \"a b\";");
	assert_string_equal(ask(local, "x.open.corp", WIRE_TYPE_A), "-");
	assert_string_equal(ask(local, "open.corp", WIRE_TYPE_DS), "no data soa=corp. 50");
	assert_string_equal(ask(local, "alias.corp", WIRE_TYPE_A), "CNAME 50 www.example.com.;");
	assert_string_equal(ask(local, "lonely.example", WIRE_TYPE_A), "A 50 192.0.2.3;");
	assert_string_equal(ask(local, "a.lonely.example", WIRE_TYPE_ANY), "A 50 192.0.2.4;");
	assert_string_equal(ask(local, "example", WIRE_TYPE_A), "-");
	policy_local_free(local);
	local = build(policy_local_builder_new());
	assert_string_equal(ask(local, "example", WIRE_TYPE_A), "-");
	assert_string_equal(ask(local, ".", WIRE_TYPE_A), "-");
	policy_local_free(local);
	b = policy_local_builder_new();
	add_zone(b, ".", POLICY_ZONE_NXDOMAIN);
	add_zone(b, "example", POLICY_ZONE_OFF);
	local = build(b);
	assert_string_equal(ask(local, "a.b", WIRE_TYPE_A), "no such name soa=. 300");
	assert_string_equal(ask(local, "a.example", WIRE_TYPE_A), "-");
	policy_local_free(local);
}

static void hosts(void **state)
{
	static const char text[] = "# comment\n"
				   "127.0.0.1\tlocalhost localhost.localdomain\n"
				   "::1 localhost ip6-localhost\r\n"
				   "\n"
				   "  192.168.1.1  Router.LAN router # the box\n"
				   "2001:db8::5 router.lan\n"
				   "192.168.1.1 second.lan\n"
				   "192.168.1.2 router.lan\n"
				   "0.0.0.0 ads.example\n"
				   "fe80::1%lo0 link.lan";
	struct zone_error error;
	struct policy_local_builder *b = policy_local_builder_new();
	assert_int_equal(policy_local_defaults(b), 0);
	assert_int_equal(policy_local_hosts(b, "hosts", text, sizeof text - 1, 300, &error), 0);
	struct policy_local *local = build(b);
	assert_string_equal(ask(local, "router.lan", WIRE_TYPE_A), "A 300 192.168.1.1;A 300 192.168.1.2;");
	assert_string_equal(ask(local, "router.lan", WIRE_TYPE_AAAA), "AAAA 300 2001:db8::5;");
	assert_string_equal(ask(local, "router", WIRE_TYPE_A), "A 300 192.168.1.1;");
	assert_string_equal(ask(local, "router", WIRE_TYPE_AAAA), "no such type");
	assert_string_equal(ask(local, "x.router.lan", WIRE_TYPE_A), "-");
	assert_string_equal(ask(local, "1.1.168.192.in-addr.arpa", WIRE_TYPE_PTR), "PTR 300 Router.LAN.;");
	assert_string_equal(ask(local, "2.1.168.192.in-addr.arpa", WIRE_TYPE_PTR), "PTR 300 router.lan.;");
	assert_string_equal(ask(local, "3.1.168.192.in-addr.arpa", WIRE_TYPE_PTR),
			    "no such name soa=168.192.in-addr.arpa. 10800");
	assert_string_equal(
		ask(local, "5.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", WIRE_TYPE_PTR),
		"PTR 300 router.lan.;");
	assert_string_equal(ask(local, "1.0.0.127.in-addr.arpa", WIRE_TYPE_PTR), "PTR 10800 localhost.;");
	assert_string_equal(ask(local, "localhost", WIRE_TYPE_A), "A 10800 127.0.0.1;");
	assert_string_equal(ask(local, "ads.example", WIRE_TYPE_A), "A 300 0.0.0.0;");
	assert_string_equal(ask(local, "0.0.0.0.in-addr.arpa", WIRE_TYPE_PTR),
			    "no such name soa=0.in-addr.arpa. 10800");
	assert_string_equal(ask(local, "link.lan", WIRE_TYPE_AAAA), "AAAA 300 fe80::1;");
	policy_local_free(local);
}

static void hosts_refused(void **state)
{
	static const struct {
		const char *text, *error;
	} rows[] = {
		{"192.0.2.1 a\n192.0.2 b\n",
		 "list:2: '192.0.2' is no IPv4 or IPv6 address; a line is an address and then names"},
		{"192.0.2.1@53 b\n",
		 "list:1: '192.0.2.1@53' is no IPv4 or IPv6 address; a line is an address and then names"},
		{"\n\n192.0.2.1 # x\n", "list:3: an address without a name; add the name or take the line out"},
		{"192.0.2.1 a..b\n",
		 "list:1: 'a..b' is no host name; write names without spaces, at most 63 characters between the dots"},
		{"192.0.2.1 .\n",
		 "list:1: '.' is no host name; write names without spaces, at most 63 characters between the dots"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct zone_error error;
		struct policy_local_builder *b = policy_local_builder_new();
		assert_int_equal(policy_local_hosts(b, "list", rows[i].text, strlen(rows[i].text), 300, &error),
				 BANYAN_EMALF);
		assert_string_equal(error.text, rows[i].error);
		policy_local_builder_free(b);
	}
	struct zone_error error;
	struct policy_local_builder *b = policy_local_builder_new();
	assert_int_equal(
		policy_local_text(b, "banyan.yaml: local-data", "a. A 192.0.2.1\nb. A nonsense\n", 29, 300, &error),
		BANYAN_EMALF);
	assert_int_equal(error.line, 2);
	assert_non_null(strstr(error.text, "banyan.yaml: local-data:2: "));
	policy_local_builder_free(b);
}

static void views(void **state)
{
	struct addr_prefix lab[2], host[1];
	struct addr addr;
	struct policy *policy;
	assert_int_equal(addr_prefix_parse("10.0.0.0/8", &lab[0]), 0);
	assert_int_equal(addr_prefix_parse("2001:db8::/32", &lab[1]), 0);
	assert_int_equal(addr_prefix_parse("10.1.1.1", &host[0]), 0);
	struct policy_view view[] = {{.name = "all"},
				     {.name = "lab", .n_match = 2, .match = lab},
				     {.name = "host", .n_match = 1, .match = host},
				     {.name = "never", .n_match = 1, .match = lab}};
	static const char *const expected[][2] = {{"192.0.2.1", "all"},        {"10.2.2.2", "lab"},
						  {"10.1.1.1", "host"},        {"2001:db8::1", "lab"},
						  {"::ffff:10.1.1.1", "host"}, {"::1", "all"}};
	assert_int_equal(policy_new(view, ARRAY_SIZE(view), &policy), 0);
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		assert_int_equal(addr_parse(expected[i][0], 0, &addr), 0);
		assert_string_equal(policy_view_of(policy, &addr)->name, expected[i][1]);
	}
	policy_free(policy);
	assert_int_equal(policy_new(view, 0, &policy), BANYAN_ELIMIT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(default_zones),   cmocka_unit_test(elsewhere), cmocka_unit_test(kinds),
		cmocka_unit_test(nested_and_wild), cmocka_unit_test(hosts),     cmocka_unit_test(hosts_refused),
		cmocka_unit_test(views),
	};
	return cmocka_run_group_tests_name("policy-local", tests, NULL, NULL);
}
