// SPDX-License-Identifier: GPL-3.0-or-later
/* Editions: what is stripped, what the apex becomes, which serial comes next, which sources are refused. */
#include "test.h"

#include "publish/edition/private.h"

#define ROOT                                                                                                           \
	". 86400 IN SOA a.root-servers.net. nstld.example. 2026080100 1800 900 604800 86400\n"                         \
	". 518400 IN NS a.root-servers.net.\n"                                                                         \
	". 518400 IN NS b.root-servers.net.\n"                                                                         \
	"example. 172800 IN NS ns.example.\n"                                                                          \
	"ns.example. 172800 IN A 192.0.2.9\n"                                                                          \
	"net. 172800 IN NS b.root-servers.net.\n"                                                                      \
	"net. 86400 IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000\n"                   \
	"a.root-servers.net. 3600000 IN A 198.41.0.4\n"                                                                \
	"a.root-servers.net. 3600000 IN AAAA 2001:503:ba3e::2:30\n"                                                    \
	"b.root-servers.net. 3600000 IN A 170.247.170.2\n"                                                             \
	"b.root-servers.net. 3600000 IN AAAA 2801:1b8:10::b\n"

static struct zone *zone_of(const char *text)
{
	struct zone_read_settings settings = {.origin = (const uint8_t *)""};
	struct zone_error error;
	struct zone *zone = NULL;
	if (zone_read_text("source", text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	return zone;
}

static char *text_of(const struct zone *zone)
{
	struct buffer out = {0};
	for (size_t i = 0; i < zone->n_sets; i++)
		for (uint32_t r = 0; r < zone->set[i].count; r++) {
			const struct wire_rrset *set = &zone->set[i];
			assert_int_equal(wire_record_text(set->owner, set->ttl, 1, set->type, &set->rdata[r], &out), 0);
			assert_int_equal(buffer_append(&out, "\n", 1), 0);
		}
	assert_int_equal(buffer_append(&out, "", 1), 0);
	for (char *p = (char *)out.data; *p != '\0'; p++)
		*p = *p == '\t' ? ' ' : *p;
	return (char *)out.data;
}

static void same_as(const struct zone *zone, const char *text)
{
	struct zone *wanted = zone_of(text);
	char *a = text_of(zone), *b = text_of(wanted);
	assert_string_equal(a, b);
	free(a);
	free(b);
	zone_free(wanted);
}

/* ---- strip ---- */

static void strip_takes_what_signing_makes(void **state)
{
	struct zone *plain,
		*source = zone_of(
			ROOT
			". 86400 IN RRSIG SOA 8 0 86400 20260814000000 20260801000000 1 . AAAA\n"
			". 86400 IN NSEC example. NS SOA\n"
			". 172800 IN DNSKEY 257 3 13 AAAA\n"
			". 86400 IN ZONEMD 2026080100 1 1 00000000000000000000000000000000\n"
			". 0 IN NSEC3PARAM 1 0 0 -\n"
			". 60 IN CDS 0 0 0 00\n"
			". 60 IN CDNSKEY 0 3 0 AA==\n"
			". 60 IN TXT \"something else\"\n"
			". 60 IN TXT \"edition=other\" \"valid-from=20260801000000\" \"valid-until=20260803000000\"\n"
			"0123456789abcdefghijklmnopqrstuv. 60 IN NSEC3 1 0 0 - 0123456789abcdefghijklmnopqrstv0 A\n"
			"example. 60 IN RRSIG DS 8 1 86400 20260814000000 20260801000000 1 . AAAA\n");
	assert_int_equal(edition_strip(source, &plain), 0);
	same_as(plain, ROOT ". 60 IN TXT \"something else\"\n");
	assert_int_equal(plain->serial, 2026080100);
	zone_free(plain);
	zone_free(source);
}

/* ---- apply ---- */

static struct zone *apply(const char *text, const struct edition_change *change, const struct edition_version *version)
{
	char why[EDITION_WHY_MAX] = "";
	struct zone *zone = NULL, *plain = zone_of(text);
	if (edition_apply(plain, change, version, &zone, why) < 0)
		fail_msg("%s", why);
	zone_free(plain);
	return zone;
}

static void apply_fails(const char *text, const struct edition_change *change, const char *words)
{
	char why[EDITION_WHY_MAX] = "";
	struct zone *zone = (struct zone *)1, *plain = zone_of(text);
	assert_int_equal(edition_apply(plain, change, &(struct edition_version){.serial = 1}, &zone, why),
			 BANYAN_EINVAL);
	assert_ptr_equal(zone, (struct zone *)1);
	assert_string_equal(why, words);
	zone_free(plain);
}

static struct edition_server server(const char *name, const struct addr *address, size_t n)
{
	struct edition_server s = {.n_addresses = n, .address = address};
	assert_true(wire_name_parse(name, s.name) >= 0);
	return s;
}

static void addresses(struct addr out[2], const char *four, const char *six)
{
	assert_int_equal(addr_parse(four, 0, &out[0]), 0);
	assert_int_equal(addr_parse(six, 0, &out[1]), 0);
}

static void apply_nothing(void **state)
{
	struct zone *zone = apply(ROOT, &(struct edition_change){0}, &(struct edition_version){.serial = 2026080100});
	same_as(zone, ROOT);
	zone_free(zone);
}

static void one_letter_names(void **state)
{
	struct addr a[2], b[2];
	addresses(a, "198.41.0.4", "2001:503:ba3e::2:30");
	addresses(b, "192.0.2.2", "2001:db8::2");
	struct edition_server servers[] = {server("a.", a, 2), server("b.", b, 2)};
	struct edition_change change = {.n_servers = 2, .server = servers};
	struct edition_version version = {.serial = 7, .says = {.name = "short"}};
	struct zone *zone = apply(ROOT, &change, &version);
	/* the addresses of a.root-servers.net. go with it; b.root-servers.net. still serves net. */
	same_as(zone,
		". 86400 IN SOA a.root-servers.net. nstld.example. 7 1800 900 604800 86400\n"
		". 518400 IN NS a.\n. 518400 IN NS b.\n"
		". 86400 IN TXT \"edition=short\"\n"
		"a. 3600000 IN A 198.41.0.4\na. 3600000 IN AAAA 2001:503:ba3e::2:30\n"
		"b. 3600000 IN A 192.0.2.2\nb. 3600000 IN AAAA 2001:db8::2\n"
		"example. 172800 IN NS ns.example.\nns.example. 172800 IN A 192.0.2.9\n"
		"net. 172800 IN NS b.root-servers.net.\n"
		"net. 86400 IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000\n"
		"b.root-servers.net. 3600000 IN A 170.247.170.2\nb.root-servers.net. 3600000 IN AAAA 2801:1b8:10::b\n");
	zone_free(zone);
}

/* One name in a zone below, whose addresses this zone holds; and dates. */
static void universal_anycast(void **state)
{
	struct addr a[2];
	addresses(a, "192.0.2.53", "2001:db8::53");
	struct edition_server servers[] = {server("anycast-x1.iana-servers.net.", a, 2)};
	struct edition_change change = {
		.n_servers = 1, .server = servers, .ns_ttl = 60, .address_ttl = 61, .soa_minimum = 5, .soa_ttl = 6};
	struct edition_version version = {.serial = 8,
					  .says = {.name = "any", .valid_from = 1785542400, .valid_until = 1785715200}};
	struct zone *zone = apply(ROOT, &change, &version);
	same_as(zone,
		". 6 IN SOA a.root-servers.net. nstld.example. 8 1800 900 604800 5\n"
		". 60 IN NS anycast-x1.iana-servers.net.\n"
		". 6 IN TXT \"edition=any\" \"valid-from=20260801000000\" \"valid-until=20260803000000\"\n"
		"example. 172800 IN NS ns.example.\nns.example. 172800 IN A 192.0.2.9\n"
		"net. 172800 IN NS b.root-servers.net.\n"
		"net. 86400 IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000\n"
		"anycast-x1.iana-servers.net. 61 IN A 192.0.2.53\nanycast-x1.iana-servers.net. 61 IN AAAA "
		"2001:db8::53\n"
		"b.root-servers.net. 3600000 IN A 170.247.170.2\nb.root-servers.net. 3600000 IN AAAA 2801:1b8:10::b\n");
	zone_free(zone);
}

/* As many as Yeti had. */
static void twenty_five(void **state)
{
	struct edition_server servers[25];
	struct addr address[25][2];
	for (unsigned i = 0; i < 25; i++) {
		char name[40], four[20], six[20];
		snprintf(name, sizeof name, "ns%u.yeti.example.", i);
		snprintf(four, sizeof four, "192.0.2.%u", i + 1);
		snprintf(six, sizeof six, "2001:db8::%x", i + 1);
		addresses(address[i], four, six);
		servers[i] = server(name, address[i], 2);
	}
	struct edition_change change = {.n_servers = 25, .server = servers};
	struct edition_version version = {.serial = 9, .says = {.name = "yeti"}};
	struct zone *zone = apply(ROOT, &change, &version);
	const struct zone_node *apex = zone_find(zone, zone->apex);
	assert_int_equal(zone_node_set(zone, apex, WIRE_TYPE_NS)->count, 25);
	uint8_t name[WIRE_NAME_MAX];
	assert_true(wire_name_parse("ns24.yeti.example.", name) >= 0);
	assert_non_null(zone_node_set(zone, zone_find(zone, name), WIRE_TYPE_AAAA));
	zone_free(zone);
}

/* Servers that the source knows keep the addresses that it has. */
static void known_servers(void **state)
{
	struct edition_server servers[] = {server("b.root-servers.net.", NULL, 0)};
	struct edition_change change = {.n_servers = 1, .server = servers, .address_ttl = 10};
	struct edition_version version = {.serial = 2026080101, .says = {.name = "less"}};
	struct zone *zone = apply(ROOT, &change, &version);
	same_as(zone, ". 86400 IN SOA a.root-servers.net. nstld.example. 2026080101 1800 900 604800 86400\n"
		      ". 518400 IN NS b.root-servers.net.\n. 86400 IN TXT \"edition=less\"\n"
		      "example. 172800 IN NS ns.example.\nns.example. 172800 IN A 192.0.2.9\n"
		      "net. 172800 IN NS b.root-servers.net.\n"
		      "net. 86400 IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000\n"
		      "b.root-servers.net. 10 IN A 170.247.170.2\nb.root-servers.net. 10 IN AAAA 2801:1b8:10::b\n");
	zone_free(zone);
}

static void records_come_and_go(void **state)
{
	uint8_t example[WIRE_NAME_MAX], other[WIRE_NAME_MAX], mname[WIRE_NAME_MAX];
	assert_true(wire_name_parse("example.", example) >= 0 && wire_name_parse("other.", other) >= 0 &&
		    wire_name_parse("m.", mname) >= 0);
	const uint8_t *const remove[] = {example, other}; /* the second is not there: no error */
	struct zone *add = zone_of("more. 60 IN NS ns.more.\nns.more. 60 IN A 192.0.2.77\n");
	struct edition_change change = {.n_remove = 2,
					.remove = remove,
					.add = add,
					.soa_mname = mname,
					.soa_rname = other,
					.soa_refresh = 1,
					.soa_retry = 2,
					.soa_expire = 3};
	struct zone *zone = apply(ROOT, &change, &(struct edition_version){.serial = 1});
	same_as(zone,
		". 86400 IN SOA m. other. 1 1 2 3 86400\n"
		". 518400 IN NS a.root-servers.net.\n. 518400 IN NS b.root-servers.net.\n"
		"more. 60 IN NS ns.more.\nns.more. 60 IN A 192.0.2.77\n"
		"net. 172800 IN NS b.root-servers.net.\n"
		"net. 86400 IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000\n"
		"a.root-servers.net. 3600000 IN A 198.41.0.4\na.root-servers.net. 3600000 IN AAAA 2001:503:ba3e::2:30\n"
		"b.root-servers.net. 3600000 IN A 170.247.170.2\nb.root-servers.net. 3600000 IN AAAA 2801:1b8:10::b\n");
	zone_free(zone);
	zone_free(add);
}

static void what_does_not_fit(void **state)
{
	uint8_t net[WIRE_NAME_MAX];
	assert_true(wire_name_parse("net.", net) >= 0);
	const uint8_t *const remove[] = {net};
	struct edition_server nowhere = server("c.", NULL, 0), gone = server("a.root-servers.net.", NULL, 0),
			      alias = server("alias.", NULL, 0);
	apply_fails(ROOT, &(struct edition_change){.n_servers = 1, .server = &nowhere},
		    "name server c. has no address in the source, and none is given: nobody could reach it; give "
		    "apex.name-servers[].addresses");
	apply_fails(ROOT, &(struct edition_change){.n_servers = 1, .server = &gone, .n_remove = 1, .remove = remove},
		    "name server a.root-servers.net. is among the names that records.remove takes away");
	apply_fails(
		ROOT "alias. 60 IN CNAME example.\n", &(struct edition_change){.n_servers = 1, .server = &alias},
		"name server alias. is an alias in the source, which no name server may be (RFC 2181 section 10.3)");
	apply_fails(". 60 IN NS a.\na. 60 IN A 192.0.2.1\n", &(struct edition_change){0},
		    "source: the zone . has no SOA; is it the right file?");
	apply_fails(". 60 IN SOA a. b. 1 2 3 4 5\n", &(struct edition_change){0},
		    "source: the zone . has no NS; is it the right file?");
	struct zone *add = zone_of("ns.example. 60 IN A 192.0.2.77\n");
	apply_fails(ROOT, &(struct edition_change){.add = add},
		    "ns.example. A has records with different TTLs, once what is added stands beside what the source "
		    "has; give both "
		    "one TTL");
	zone_free(add);
	/* what comes out must be a zone that loads and works; whose fault it is, is told */
	apply_fails(
		ROOT ". 60 IN DS 1 13 2 0000000000000000000000000000000000000000000000000000000000000000\n",
		&(struct edition_change){0},
		". DS: it belongs to the zone above, where this one is delegated, and never stands at the apex (RFC "
		"4035 section 2.4); take it away; the source has it so: mend it there, or, below the apex, name it "
		"in records.remove");
	add = zone_of(". 518400 IN NS c.root-servers.net.\n");
	apply_fails(
		ROOT, &(struct edition_change){.add = add},
		". NS: the server c.root-servers.net. has no address, and nobody could reach it; add an A or AAAA, or "
		"leave the server out (the source is good: see apex and records)");
	zone_free(add);
	add = zone_of(". 60 IN TXT \"edition=other\"\n");
	apply_fails(ROOT, &(struct edition_change){.add = add},
		    "records.add has a TXT at the apex that says what an edition says of itself; edition.name and "
		    "schedule say that");
	zone_free(add);
	apply_fails(ROOT "host. 60 IN A 192.0.2.1\nx. 60 IN NS host.\n",
		    &(struct edition_change){.n_remove = 1, .remove = &(const uint8_t *){(const uint8_t *)"\4host"}},
		    "x. NS: the server host. has no address, and nobody could reach it; add an A or AAAA, or leave the "
		    "server out (the source is good: see apex and records)");
}

/* An address that something else than the apex has a use for stays, though its server has gone; TTLs are those of servers, whoever they are. */
static void servers_that_are_more(void **state)
{
	struct edition_server servers[] = {server("b.root-servers.net.", NULL, 0)};
	struct edition_change change = {.n_servers = 1, .server = servers, .address_ttl = 10};
	struct edition_version version = {.serial = 1, .says = {.name = "x"}};
	struct zone *zone = apply(ROOT "mail. 60 IN MX 5 A.Root-Servers.net.\n", &change, &version);
	assert_non_null(zone_find(zone, (const uint8_t *)"\1a\14root-servers\3net"));
	zone_free(zone);
	change.n_servers = 0;
	struct zone *add = zone_of(". 77 IN TXT \"something\"\n");
	change.add = add;
	zone = apply(ROOT, &change, &version);
	const struct zone_node *a = zone_find(zone, (const uint8_t *)"\1a\14root-servers\3net");
	assert_int_equal(zone_node_set(zone, a, WIRE_TYPE_A)->ttl, 10);
	assert_int_equal(zone_node_set(zone, zone_find(zone, zone->apex), WIRE_TYPE_TXT)->ttl, 77);
	zone_free(zone);
	zone_free(add);
}

/* ---- serials ---- */

static void serials(void **state)
{
	const int64_t now = 1785546000; /* 2026-08-01 */
	uint32_t last = 100, high = UINT32_MAX, today = 2026080107;
	assert_int_equal(edition_serial_next(EDITION_SERIAL_SOURCE, NULL, 50, now), 50);
	assert_int_equal(edition_serial_next(EDITION_SERIAL_SOURCE, &last, 150, now), 150);
	assert_int_equal(edition_serial_next(EDITION_SERIAL_SOURCE, &last, 100, now), 101);
	assert_int_equal(edition_serial_next(EDITION_SERIAL_SOURCE, &last, 99, now), 101);
	assert_int_equal(edition_serial_next(EDITION_SERIAL_SOURCE, &high, 3, now), 3); /* RFC 1982 */
	assert_int_equal(edition_serial_next(EDITION_SERIAL_SOURCE, &high, UINT32_MAX, now),
			 0); /* a serial like others */
	assert_int_equal(edition_serial_next(EDITION_SERIAL_NEXT, &high, 3, now), 0);
	/* what is 2^31 away is neither older nor newer: secondaries would not come for it */
	assert_int_equal(edition_serial_next(EDITION_SERIAL_SOURCE, &last, last + 0x7fffffffu, now),
			 last + 0x7fffffffu);
	assert_int_equal(edition_serial_next(EDITION_SERIAL_SOURCE, &last, last + 0x80000000u, now), 101);
	assert_int_equal(edition_serial_next(EDITION_SERIAL_SOURCE, &last, last + 0x80000001u, now), 101);
	assert_int_equal(edition_serial_next(EDITION_SERIAL_DATE, &high, 3, now), 2026080100);
	assert_int_equal(edition_serial_next(EDITION_SERIAL_TIME, &today, 3, now),
			 today + 1); /* a date before, the time now */
	assert_int_equal(edition_serial_next(EDITION_SERIAL_NEXT, &last, 150, now), 101);
	assert_int_equal(edition_serial_next(EDITION_SERIAL_NEXT, &high, 150, now), 0);
	assert_int_equal(edition_serial_next(EDITION_SERIAL_NEXT, NULL, 150, now), 150);
	assert_int_equal(edition_serial_next(EDITION_SERIAL_DATE, &last, 150, now), 2026080100);
	assert_int_equal(edition_serial_next(EDITION_SERIAL_DATE, &today, 150, now), 2026080108);
	assert_int_equal(edition_serial_next(EDITION_SERIAL_TIME, &last, 150, now), now);
}

/* ---- the source ---- */

static enum reason judge(const struct edition_source_check *check, const char *text, char *why)
{
	enum reason reason = REASON_NONE;
	struct zone *source = zone_of(text), *plain;
	assert_int_equal(edition_strip(source, &plain), 0);
	why[0] = '\0';
	int rc = edition_source_check(check, source, plain, &reason, why);
	assert_int_equal(rc, reason == REASON_NONE ? 0 : BANYAN_EPROOF);
	zone_free(source);
	zone_free(plain);
	return reason;
}

static void sources(void **state)
{
	char why[EDITION_WHY_MAX];
	struct edition_state before = {.have = true, .source_serial = 2026080100, .source_records = 12};
	struct edition_source_check check = {.shrink_max_percent = 10, .before = &before};
	assert_int_equal(judge(&check, ROOT, why), REASON_NONE); /* one of 12 is 8 % */
	check.shrink_max_percent = 8;
	assert_int_equal(judge(&check, ROOT, why), REASON_SOURCE_SHRANK);
	assert_string_equal(
		why,
		"source: the source with serial 2026080100 has 11 records beside what signing makes, where the last "
		"one "
		"had 12: more than 8 percent are gone (source.shrink-max); if that is meant, run once with "
		"--accept-shrink (a --watch is ended before that, and started again after)");
	check.accept_shrink = true;
	assert_int_equal(judge(&check, ROOT, why), REASON_NONE);
	before.source_serial++;
	assert_int_equal(judge(&check, ROOT, why), REASON_SOURCE_SERIAL_BACK);
	assert_string_equal(why, "source: the source has serial 2026080100, which is older than 2026080101, of which "
				 "the last version was "
				 "made (RFC 1982); if that is meant, run once with --accept-serial (a "
				 "--watch is ended before that, and started again after)");
	check.accept_serial = true;
	assert_int_equal(judge(&check, ROOT, why), REASON_NONE);
	before.have = false;
	check.accept_serial = check.accept_shrink = false;
	before.source_records = 100;
	assert_int_equal(judge(&check, ROOT, why), REASON_NONE); /* nothing to hold it against */
	struct dnssec_anchors anchors = {0};
	assert_int_equal(dnssec_anchors_builtin(&anchors), 0);
	check.anchors = &anchors;
	assert_int_equal(judge(&check, ROOT, why), REASON_SOURCE_NOT_PROVED);
	assert_non_null(strstr(why, "is not proved by source.anchors: "));
	dnssec_anchors_done(&anchors);
}

/* ---- the state ---- */

static void states(void **state)
{
	struct edition_state a = {.name = "x",
				  .have = true,
				  .source_serial = 1,
				  .source_records = 2,
				  .serial = 3,
				  .tree_serial = 4,
				  .made = -5,
				  .sign_at = INT64_MAX,
				  .valid_until = 6},
			     b;
	char why[EDITION_WHY_MAX];
	_cleanup_(buffer_done) struct buffer text = {0}, again = {0};
	assert_true(wire_name_parse("example.com.", a.zone) >= 0);
	assert_int_equal(edition_state_write(&a, &text), 0);
	assert_int_equal(edition_state_read("s", (char *)text.data, text.len, &b, why), 0);
	assert_int_equal(edition_state_write(&b, &again), 0);
	assert_int_equal(text.len, again.len);
	assert_memory_equal(text.data, again.data, text.len);
	assert_true(b.have && b.sign_at == INT64_MAX && b.made == -5);
	for (size_t len = 0; len < text.len;
	     len++) { /* cut off anywhere, it is no state: else nothing would be held against a source */
		struct edition_state c = {.serial = 77};
		assert_int_equal(edition_state_read("s", (char *)text.data, len, &c, why), BANYAN_EMALF);
		assert_int_equal(c.serial, 77);
	}
	for (size_t at = 0; at < text.len; at++) { /* nor with one bit in another place */
		text.data[at] ^= 1;
		assert_int_equal(edition_state_read("s", (char *)text.data, text.len, &b, why), BANYAN_EMALF);
		text.data[at] ^= 1;
	}
	/* of before there was a checksum */
	const char bare[] = "banyan-edition 1\nzone .\nedition x\nsource-serial 101\nsource-records 7\nserial 102\n"
			    "tree-serial 0\nmade 1795355181\nsign-at 1796007916\nvalid-until 0\nend\n";
	assert_int_equal(edition_state_read("s", bare, strlen(bare), &b, why), 0);
	assert_true(b.have && b.serial == 102 && b.source_serial == 101 && b.sign_at == 1796007916);
	for (size_t len = 0; len < strlen(bare); len++)
		assert_int_equal(edition_state_read("s", bare, len, &b, why), BANYAN_EMALF);
	const char less[] = "banyan-edition 1\nzone .\nedition x\nserial 102\nend\n";
	assert_int_equal(edition_state_read("s", less, strlen(less), &b, why), BANYAN_EMALF);
	struct edition_state none = {.zone = {0}};
	text.len = 0;
	assert_int_equal(edition_state_write(&none, &text), 0);
	assert_int_equal(edition_state_read("s", (char *)text.data, text.len, &b, why), 0);
	assert_false(b.have);
	assert_string_equal(b.name, "");
	const char wrong[] = "banyan-edition 1\nzone .\nedition -\nserial 99999999999\n";
	assert_int_equal(edition_state_read("s", wrong, strlen(wrong), &b, why), BANYAN_EMALF);
	assert_string_equal(why, "s:4: the state of the edition is damaged in this line or before it");
	assert_int_equal(edition_state_read("s", "", 0, &b, why), BANYAN_EMALF);
	assert_string_equal(why, "s: the state of the edition is cut off after line 0");
}

/* ---- the proof ---- */

#define NOW ((int64_t)1785538800) /* 2026-07-31T23:00:00Z: offered ahead of its day */
#define DAY 86400

/* ROOT as a version of 2026-08-01 and 02, its signatures good for so long from NOW. */
static void version_sign(uint32_t lives_s, struct edition_made *made, struct dnssec_anchors *anchors)
{
	struct make_zone_key key = {.published = true, .signs_keys = true, .signs_data = true};
	struct make_signing signing = {
		.key = &key, .n_keys = 1, .now = NOW, .validity_s = lives_s, .refresh_s = 1, .zonemd = 1};
	struct publish_sign_result result;
	struct edition_version version = {
		.serial = 2026080100,
		.says = {.name = "x", .valid_from = NOW + 3600, .valid_until = NOW + 3600 + 2 * DAY}};
	struct zone *edition = apply(ROOT, &(struct edition_change){0}, &version);
	size_t len;
	assert_int_equal(make_key_generate(DNSSEC_ED25519, 0, MAKE_FLAGS_KSK, &key.key), 0);
	if (publish_sign(edition, NULL, &signing, &made->zone, &result) < 0)
		fail_msg("%s", result.text);
	struct wire_rdata rdata = {.data = make_key_rdata(key.key, &len)};
	rdata.len = (uint16_t)len;
	assert_int_equal(dnssec_anchors_add(anchors, (const uint8_t *)"", WIRE_TYPE_DNSKEY, &rdata), 0);
	make_key_free(key.key);
	zone_free(edition);
}

/* What comes into force later, and stays so for days, is proved at those times, too. */
static void proved_for_its_time(void **state)
{
	const struct edition_settings settings = {
		.name = "x", .zone_file = "zone", .signing = {.zonemd = 1, .threads = 1}};
	const int64_t times[] = {NOW, NOW + 3600, NOW + 3600 + 2 * DAY - 1, NOW + 3600 + 2 * DAY};
	char why[EDITION_WHY_MAX] = "";
	struct edition_made made = {0};
	struct dnssec_anchors anchors = {0};
	version_sign(2 * DAY + 3601, &made, &anchors);
	assert_int_equal(edition_prove(&settings, &anchors, times, 3, &made, why), 0);
	assert_int_equal(edition_prove(&settings, &anchors, times, 4, &made, why), BANYAN_EPROOF);
	assert_non_null(strstr(
		why, "is not proved at 2026-08-03T00:00:00Z: the time of this version has ended (edition-ended)"));
	edition_made_done(&made);
	dnssec_anchors_done(&anchors);
	version_sign(2 * DAY, &made, &anchors); /* signatures that end before the version does */
	assert_int_equal(edition_prove(&settings, &anchors, times, 2, &made, why), 0);
	assert_int_equal(edition_prove(&settings, &anchors, times, 3, &made, why), BANYAN_EPROOF);
	assert_non_null(strstr(why, "is not proved at 2026-08-02T23:59:59Z: "));
	assert_non_null(strstr(why, "rrsig-expired"));
	edition_made_done(&made);
	dnssec_anchors_done(&anchors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strip_takes_what_signing_makes),
		cmocka_unit_test(apply_nothing),
		cmocka_unit_test(one_letter_names),
		cmocka_unit_test(universal_anycast),
		cmocka_unit_test(twenty_five),
		cmocka_unit_test(known_servers),
		cmocka_unit_test(records_come_and_go),
		cmocka_unit_test(what_does_not_fit),
		cmocka_unit_test(servers_that_are_more),
		cmocka_unit_test(serials),
		cmocka_unit_test(sources),
		cmocka_unit_test(states),
		cmocka_unit_test(proved_for_its_time),
	};
	return cmocka_run_group_tests_name("edition", tests, NULL, NULL);
}
