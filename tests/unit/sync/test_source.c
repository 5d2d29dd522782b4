// SPDX-License-Identifier: GPL-3.0-or-later
/* Sources: what may be written, and what is said to who writes something else. */
#include "test.h"

#include "sync/pull/pull.h"

static struct pull_source parse(const char *text)
{
	struct pull_source source;
	char why[PULL_WHY_MAX];
	if (pull_source_parse(text, &source, why) < 0)
		fail_msg("%s: %s", text, why);
	return source;
}

static void refuse(const char *text, const char *with)
{
	struct pull_source source = {.port = 7};
	char why[PULL_WHY_MAX] = "";
	assert_int_equal(pull_source_parse(text, &source, why), BANYAN_EINVAL);
	if (strstr(why, with) == NULL)
		fail_msg("'%s' was refused with '%s', which does not say '%s'", text, why, with);
	assert_int_equal(source.port, 7);
}

static void transfers(void **state)
{
	struct pull_source s = parse("xfr:192.0.2.1");
	assert_int_equal(s.kind, PULL_SOURCE_XFR);
	assert_int_equal(s.n_addresses, 1);
	assert_int_equal(s.address[0].port, 53);
	assert_string_equal(s.host, "192.0.2.1");
	s = parse("xfr:2001:db8::1@5300  key=k.example");
	assert_int_equal(s.address[0].family, 6);
	assert_int_equal(s.address[0].port, 5300);
	assert_string_equal(s.key, "k.example");
	assert_string_equal(s.text, "xfr:2001:db8::1@5300 key=k.example");
	s = parse("xfr:B.Root-Servers.net@54 address=2801:1b8:10::b address=170.247.170.2@55");
	assert_string_equal(s.host, "b.root-servers.net");
	assert_int_equal(s.n_addresses, 2);
	assert_int_equal(s.address[0].port, 54);
	assert_int_equal(s.address[1].port, 55);
	assert_int_equal(parse("xfr:ns.example").n_addresses, 0);
	s = parse("xot:192.0.2.1 name=ns.example pin=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA= ca=/etc/ca.pem");
	assert_true(s.secure);
	assert_int_equal(s.address[0].port, 853);
	assert_string_equal(s.ca, "/etc/ca.pem");
	assert_true(pull_source_traits(&s).changes);
}

static void urls(void **state)
{
	struct pull_source s = parse("https://Example.net:8443/root/ address=192.0.2.1 ca=/ca.pem");
	assert_int_equal(s.kind, PULL_SOURCE_HTTP);
	assert_true(s.secure);
	assert_true(s.tree);
	assert_string_equal(s.host, "example.net");
	assert_int_equal(s.address[0].port, 8443);
	assert_string_equal(s.place, "https://Example.net:8443/root/");
	assert_false(parse("http://[2001:db8::1]:80/root.zone").tree);
	assert_int_equal(parse("http://[2001:db8::1]/root.zone").address[0].family, 6);
	s = parse("https://example.net");
	assert_true(s.tree);
	assert_string_equal(s.place, "https://example.net/");
	s = parse("list:https://example.net/list key=/k.pem address=2001:db8::1");
	assert_int_equal(s.kind, PULL_SOURCE_LIST);
	assert_false(s.here);
	assert_false(s.tree);
	assert_int_equal(s.n_addresses, 1);
}

static void paths(void **state)
{
	struct pull_source s = parse(" file:/a/b.zone ");
	assert_int_equal(s.kind, PULL_SOURCE_FILE);
	assert_string_equal(s.place, "/a/b.zone");
	assert_string_equal(s.text, "file:/a/b.zone");
	assert_int_equal(parse("dir:/a").kind, PULL_SOURCE_DIR);
	s = parse("list:/a/list key=/k.pem");
	assert_true(s.here);
	assert_string_equal(s.key, "/k.pem");
	assert_int_equal(parse("builtin").kind, PULL_SOURCE_BUILTIN);
}

static void refused(void **state)
{
	refuse("", "empty");
	refuse("   ", "empty");
	refuse("192.0.2.1", "xfr:192.0.2.1");
	refuse("192.0.2.1@54", "xfr:192.0.2.1@54");
	refuse("/var/root.zone", "file:/var/root.zone");
	refuse("ns.example", "xfr:ns.example");
	refuse("axfr:b.root-servers.net/.", "xfr:HOST[@PORT]");
	refuse("ftp://ftp.internic.net/domain/root.zone", "none of");
	refuse("xfr:ns.example:53", "xfr:ns.example@53");
	refuse("xfr:ns.example/.", "no zone");
	refuse("xfr:ns.example@0", "1 to 65535");
	refuse("xfr:ns.example@dns", "1 to 65535");
	refuse("xfr:", "no address and no host name");
	refuse("xfr:1.2.3", "no address and no host name");
	refuse("xfr:a..b", "no address and no host name");
	refuse("xfr:ns.example key=", "key=NAME");
	refuse("xfr:ns.example key=a key=b", "twice");
	refuse("xfr:ns.example pin=x", "key=, register=, address=");
	refuse("xfr:ns.example tsig", "key=, register=, address=");
	refuse("xfr:192.0.2.1 address=192.0.2.2", "address already");
	refuse("xfr:ns.example address=ns2.example", "no IP address");
	refuse("xfr:ns.example address=192.0.2.1 address=192.0.2.1", "twice");
	refuse("xot:ns.example pin=AAAA", "44 characters");
	refuse("xot:ns.example alpn=dot", "alpn=any");
	refuse("xfr:ns.example alpn=any", "key=, register=, address=");
	refuse("https://user:secret@example.net/", "user or password");
	refuse("https://example.net/#top", "fragment");
	refuse("https://example.net:99999/", "1 to 65535");
	refuse("https://2001:db8::1/", "brackets");
	refuse("https://[192.0.2.1]/", "brackets");
	refuse("https:///root.zone", "no name and no address");
	refuse("https://example.net/a\"b", "%XX");
	refuse("http://example.net/ ca=/ca.pem", "https://");
	refuse("https://example.net/ address=192.0.2.1@444", "the port stands in the URL");
	refuse("file:///root.zone", "file:/root.zone");
	refuse("file:", "file:/var/lib/banyan/root.zone");
	refuse("file:/my zone", "no spaces");
	refuse("dir:https://example.net/", "without the word before it");
	refuse("list:ftp://example.net/", "lists come by");
	refuse("builtin address=192.0.2.1", "nothing may stand behind it");
	refuse("xfr:ns.example\nxfr:ns2.example", "one line");
	char *many = malloc(PULL_SOURCE_TEXT_MAX + 10);
	memset(many, 'a', PULL_SOURCE_TEXT_MAX + 9);
	many[PULL_SOURCE_TEXT_MAX + 9] = '\0';
	refuse(many, "longer than");
	memcpy(many, "https://a/", 10);
	many[1500] = '\0';
	refuse(many, "longer than 1023");
	free(many);
}

/* Each can be used without a resolver, by both families, but the one that says so. */
static void builtin(void **state)
{
	struct pull_sources sources = {0};
	size_t n = 0;
	for (const char *text; (text = pull_source_builtin(n)) != NULL; n++) {
		struct pull_source s = parse(text);
		bool ipv4 = false, ipv6 = false;
		for (size_t i = 0; i < s.n_addresses; i++) {
			ipv4 |= s.address[i].family == 4;
			ipv6 |= s.address[i].family == 6;
		}
		assert_true((ipv4 && ipv6) || s.kind == PULL_SOURCE_HTTP);
		assert_int_equal(pull_sources_add(&sources, &s), 0);
		assert_int_equal(pull_sources_add(&sources, &s), 0);
	}
	assert_int_equal(sources.n, n);
	assert_true(n >= 8);
	pull_sources_done(&sources);
}

static void too_many(void **state)
{
	struct pull_sources sources = {0};
	char text[64];
	for (unsigned i = 0; i <= PULL_SOURCES_MAX; i++) {
		snprintf(text, sizeof text, "xfr:192.0.2.%u", i);
		struct pull_source s = parse(text);
		assert_int_equal(pull_sources_add(&sources, &s), i < PULL_SOURCES_MAX ? 0 : BANYAN_ELIMIT);
	}
	pull_sources_done(&sources);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(transfers), cmocka_unit_test(urls),    cmocka_unit_test(paths),
		cmocka_unit_test(refused),   cmocka_unit_test(builtin), cmocka_unit_test(too_many),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
