// SPDX-License-Identifier: GPL-3.0-or-later
/* Which plain zones are worth a signature: what servers would not load, or nobody could use, is refused with words that name it. */
#include "test.h"

#include "publish/publish.h"

#define BASE                                                                                                           \
	"@ 3600 SOA ns1 host 1 7200 900 1209600 600\n@ 3600 NS ns1\nns1 3600 A 192.0.2.1\n"                            \
	"safe 3600 NS ns.safe\nsafe 3600 DS 1 13 2 " ZEROS32 "\nns.safe 3600 AAAA 2001:db8::1\n"
#define ZEROS32 "0000000000000000000000000000000000000000000000000000000000000000"
#define DS      "DS 1 13 2 " ZEROS32 "\n"

static const uint8_t apex[] = "\4zone\7example";

static struct zone *zone_at(const uint8_t *origin, const char *text)
{
	struct zone_read_settings settings = {.origin = origin};
	struct zone_error error;
	struct zone *zone = NULL;
	if (zone_read_text("test", text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s: %s", text, error.text);
	return zone;
}

struct one {
	const char *text, *why; /* beside BASE; NULL = it is let through */
};

static void judge(const struct one *one)
{
	_cleanup_(base_free) char *text = malloc(sizeof BASE + strlen(one->text) + 1);
	char why[1024] = "";
	strcpy(text, BASE);
	strcat(text, one->text);
	struct zone *zone = zone_at(apex, text);
	int rc = publish_fit(zone, NULL, why, sizeof why);
	if (rc != (one->why == NULL ? 0 : BANYAN_EINVAL) ||
	    (one->why != NULL && strncmp(why, one->why, strlen(one->why)) != 0))
		fail_msg("%s: %d \"%s\"", one->text, rc, why);
	zone_free(zone);
}

static void what_no_server_loads(void **state)
{
	static const struct one table[] = {
		{"@ 60 " DS, "zone.example. DS: it belongs to the zone above"},
		{"*.w 60 NS ns1\n", "*.w.zone.example. NS: a wildcard delegates nothing"},
		{"*.safe 60 NS ns1\n", "*.safe.zone.example. NS: a wildcard"}, /* also where nobody looks */
		{"d 60 NS ns1\nd 60 DNAME x.\n", "d.zone.example. NS: it stands beside a DNAME"},
		{"d 60 DNAME x.\ny.x.d 60 TXT x\n",
		 "y.x.d.zone.example. TXT: it is below the DNAME at d.zone.example., "},
		{"d 60 DNAME x.\n*.d 60 NS ns1\n", "*.d.zone.example. NS: it is below the DNAME"},
		{"x.safe 60 DNAME x.\ny.x.safe 60 A 192.0.2.1\n", "y.x.safe.zone.example. A: it is below the DNAME"},
		{"d 60 DNAME x.\nd 60 DNAME y.\n", "d.zone.example. DNAME: there is more than one"},
		{"d 60 CNAME x.\nd 60 CNAME y.\n", "d.zone.example. CNAME: there is more than one"},
		{"x.safe 60 CNAME x.\nx.safe 60 CNAME y.\n", "x.safe.zone.example. CNAME: there is more than one"},
		{"d 60 CNAME x.\nd 60 A 192.0.2.1\n", "d.zone.example. A: it stands beside a CNAME"},
		{"d 60 CNAME x.\nd 60 KEY 256 3 5 AAAA\n", "d.zone.example. KEY: it stands beside a CNAME"},
		{"d 60 CNAME x.\nd 60 DNAME y.\n", "d.zone.example. DNAME: it stands beside a CNAME"},
		{"d 60 SOA a. b. 1 2 3 4 5\n", "d.zone.example. SOA: a zone has one SOA, at its apex"},
		{"safe 60 SOA a. b. 1 2 3 4 5\n", "safe.zone.example. SOA: a zone has one SOA, at its apex"},
		{"@ 3600 SOA ns1 host 2 7200 900 1209600 600\n", "zone.example. SOA: a zone has one SOA, at its apex"},
		{"d 60 " DS, "d.zone.example. DS: there is no NS beside it"},
		{"safe 3600 DS 2 13 2 00\n", "safe.zone.example. DS: its digest has not the length"},
		{"d 60 DNSKEY 257 3 13 AAAA\n", "d.zone.example. DNSKEY: keys of the zone stand at its apex"},
		{"safe 60 KEY 256 3 5 AAAA\n", "safe.zone.example. KEY: validators differ in whose it is"},
		{"d 60 TYPE3 \\# 1 00\n", "d.zone.example. TYPE3: no zone has records of this type"},
		{"d 60 TYPE10 \\# 1 00\n", "d.zone.example. NULL: no zone has records of this type"},
		{"d 60 TYPE30 \\# 3 000000\n", "d.zone.example. TYPE30: no zone has records of this type"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		judge(&table[i]);
}

static void servers_of_the_apex(void **state)
{
	static const struct one table[] = {
		{"@ 3600 NS ns9\n", "zone.example. NS: the server ns9.zone.example. has no address"},
		{"@ 3600 NS x.w\nz.x.w 60 A 192.0.2.1\n",
		 "zone.example. NS: the server x.w.zone.example. has no address"},
		{"@ 3600 NS c\nc 60 CNAME ns1\n", "zone.example. NS: the server c.zone.example. is an alias"},
		{"@ 3600 NS x.w\n*.w 60 CNAME ns1\n", "zone.example. NS: the server x.w.zone.example. is an alias"},
		{"@ 3600 NS a.d\nd 60 DNAME x.\n", "zone.example. NS: the server a.d.zone.example. is below a DNAME"},
		{"@ 3600 DNAME x.\n", "zone.example. NS: the server ns1.zone.example. is below a DNAME"},
		/* a name between stops the wildcard (RFC 4592 section 3.3.1) */
		{"@ 3600 NS x.y.w\n*.w 60 A 192.0.2.1\nz.y.w 60 A 192.0.2.1\n",
		 "zone.example. NS: the server x.y.w.zone.example. has"},
		{"@ 3600 NS x.y.w\n*.w 60 A 192.0.2.1\n", NULL},
		{"@ 3600 NS N6\nn6 60 AAAA ::1\n", NULL},
		{"@ 3600 NS ns.safe\n@ 3600 NS x.safe\n@ 3600 NS ns.elsewhere.\n", NULL}, /* another zone's matter */
	};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		judge(&table[i]);
	/* above the root there is nobody else who could have the address */
	char why[1024] = "";
	struct zone *root = zone_at((const uint8_t *)"",
				    ". 60 SOA a. b. 1 2 3 4 5\n. 60 NS a.ns.\nns. 60 NS x.ns.\nx.ns. 60 A 192.0.2.1\n");
	assert_int_equal(publish_fit(root, NULL, why, sizeof why), BANYAN_EINVAL);
	assert_string_equal(why, ". NS: the server a.ns. has no address, and nobody could reach it; add an A or AAAA, "
				 "or leave the server out");
	zone_free(root);
}

static void what_does_no_harm(void **state)
{
	static const struct one table[] = {
		{"", NULL},
		/* what signing replaces */
		{"@ 60 DNSKEY 257 3 13 AAAA\n@ 60 CDS 0 0 0 00\n@ 60 NSEC3PARAM 1 0 0 -\nd 60 CNAME x.\nd 60 NSEC e "
		 "A\n",
		 NULL},
		{"d 60 DNAME x.\nx.d 60 NSEC a. A\n", NULL},
		{"d 60 KEY 256 3 5 AAAA\nx.safe 60 KEY 256 3 5 AAAA\n", NULL},
		/* what no resolver sees */
		{"x.safe 60 TXT x\nsafe 60 TXT x\nsafe 60 A 192.0.2.1\ny.safe 60 NS ns1\nz.safe 60 " DS, NULL},
		/* lame, but nobody else's harm */
		{"lame 60 NS ns.lame\nc 60 CNAME ns1\nd 60 NS c\ne 60 NS nowhere\n", NULL},
		/* aliases that lead nowhere, to themselves, from wildcards; services at aliases */
		{"*.a 60 CNAME x\n*.b 60 DNAME x.\nc 60 CNAME c\nd 60 DNAME d\n@ 60 MX 10 c\n_a._tcp 60 SRV 1 2 3 c\n",
		 NULL},
		/* types that are for other names, too: RFC 8976 section 2, RFC 9615 section 4.1.1 */
		{"d 60 ZONEMD 1 1 1 "
		 "00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff\n"
		 "e._signal 60 CDS 0 0 0 00\ne._signal 60 CDNSKEY 0 3 0 AA==\n",
		 NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++)
		judge(&table[i]);
}

/* Changes may leave a delegation as lame as it was, but not make it so. */
static void delegations_that_are_changed(void **state)
{
	static const struct {
		const char *before, *now, *why;
	} table[] = {
		{"lame 60 NS ns.lame\n", "lame 60 NS ns.lame\n", NULL},
		{"lame 60 NS ns.lame\n", "lame 60 NS ns.lame\nlame 60 NS x.lame\n",
		 "lame.zone.example. NS: the server x.lame.zone.example. has no address"},
		{"d 60 NS h\nh 60 A 192.0.2.1\n", "d 60 NS h\n",
		 "d.zone.example. NS: the server h.zone.example. has no address"},
		{"d 60 NS ns.d\nns.d 60 A 192.0.2.1\n", "d 60 NS ns.d\n",
		 "d.zone.example. NS: the server ns.d.zone.example. has no address"},
		{"d 60 NS h\nh 60 A 192.0.2.1\n", "d 60 NS h\nh 60 CNAME x\n",
		 "d.zone.example. NS: the server h.zone.example. is an alias"},
		/* its address is a matter of the other delegation */
		{"", "d 60 NS y.safe\n", NULL},
		{"", "d 60 NS ns.elsewhere.\n", NULL},
	};
	for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
		char text[2][2048], why[1024] = "";
		snprintf(text[0], sizeof text[0], "%s%s", BASE, table[i].before);
		snprintf(text[1], sizeof text[1], "%s%s", BASE, table[i].now);
		struct zone *source = zone_at(apex, text[0]), *zone = zone_at(apex, text[1]);
		int rc = publish_fit(zone, source, why, sizeof why);
		if (rc != (table[i].why == NULL ? 0 : BANYAN_EINVAL) ||
		    (table[i].why != NULL && strncmp(why, table[i].why, strlen(table[i].why)) != 0))
			fail_msg("%zu: %d \"%s\"", i, rc, why);
		zone_free(source);
		zone_free(zone);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_no_server_loads),
		cmocka_unit_test(servers_of_the_apex),
		cmocka_unit_test(what_does_no_harm),
		cmocka_unit_test(delegations_that_are_changed),
	};
	return cmocka_run_group_tests_name("fit", tests, NULL, NULL);
}
