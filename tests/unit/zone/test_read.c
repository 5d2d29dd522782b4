// SPDX-License-Identifier: GPL-3.0-or-later
/* Reading: what stands in the zone after it, and what is said when it fails. */
#include "../test.h"

#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

#include "zone/private.h"

#define SOA "@ 3600 IN SOA ns hostmaster 7 1800 900 604800 86400\n"

static struct zone_error error;

static struct zone *read_at(const char *origin, const char *text)
{
	uint8_t apex[WIRE_NAME_MAX];
	struct zone_read_settings settings = {.origin = apex};
	struct zone *zone = NULL;
	assert_true(wire_name_parse(origin, apex) > 0);
	if (zone_read_text("test.zone", text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		return NULL;
	return zone;
}

static struct zone *must_read(const char *text)
{
	struct zone *zone = read_at("example.", text);
	if (zone == NULL)
		fail_msg("%s", error.text);
	return zone;
}

/* All names in order, with their flags, as text: "example. A; b.example. E;" */
static char *names_of(const struct zone *zone, char out[2000])
{
	static const char letters[] = "ACBOEW3";
	size_t len = 0;
	out[0] = '\0';
	for (size_t i = 0; i < zone->n_nodes; i++) {
		char name[WIRE_NAME_TEXT_MAX];
		len += (size_t)sprintf(out + len, "%s%s ", i > 0 ? "; " : "", wire_name_text(zone->node[i].name, name));
		for (unsigned bit = 0; bit < 7; bit++)
			if ((zone->node[i].flags & 1U << bit) != 0)
				len += (size_t)sprintf(out + len, "%c", letters[bit]);
	}
	return out;
}

static const struct wire_rrset *set_at(const struct zone *zone, const char *owner, uint16_t type)
{
	uint8_t name[WIRE_NAME_MAX];
	assert_true(wire_name_parse(owner, name) > 0);
	const struct zone_node *node = zone_find(zone, name);
	return node != NULL ? zone_node_set(zone, node, type) : NULL;
}

static void order_and_flags(void **state)
{
	(void)state;
	char names[2000];
	/* the order of RFC 4034 section 6.1, shuffled; a cut, what is below it, a DNAME, an empty non-terminal */
	struct zone *zone = must_read("zABC.a A 192.0.2.1\n" SOA "@ NS ns\n"
				      "\\200.z A 192.0.2.1\n*.z A 192.0.2.1\nZ A 192.0.2.1\nyljkjljk.a A 192.0.2.1\n"
				      "\\001.z A 192.0.2.1\nZ.a A 192.0.2.1\na A 192.0.2.1\n"
				      "cut NS ns.cut\nns.cut A 192.0.2.1\nx.y.cut TXT x\n"
				      "d DNAME z\nbelow.d TXT x\n");
	assert_string_equal(names_of(zone, names),
			    "example. A; a.example. ; yljkjljk.a.example. ; z.a.example. ; zabc.a.example. ; "
			    "cut.example. C; ns.cut.example. B; y.cut.example. BE; x.y.cut.example. B; d.example. ; "
			    "below.d.example. O; z.example. ; \\001.z.example. ; *.z.example. W; \\200.z.example. ");
	assert_int_equal(zone->serial, 7);
	assert_int_equal(zone->n_records, 15);
	/* RRsets of a node stand by type */
	const struct wire_rrset *apex = &zone->set[zone->node[0].first_set];
	assert_int_equal(apex[0].type, WIRE_TYPE_NS);
	assert_int_equal(apex[1].type, WIRE_TYPE_SOA);
	zone_free(zone);
	/* bytes 0 and 1 inside labels do not disturb the order: a < b.a < a\000 < a\000\001 < a\001 < aa */
	zone = must_read("aa TXT x\na\\001 TXT x\na\\000\\001 TXT x\nb.a TXT x\na\\000 TXT x\na TXT x\n" SOA);
	assert_string_equal(names_of(zone, names), "example. A; a.example. ; b.a.example. ; a\\000.example. ; "
						   "a\\000\\001.example. ; a\\001.example. ; aa.example. ");
	zone_free(zone);
}

static void order_random(void **state)
{
	(void)state;
	/* whatever the order in the file, names come out ascending and each once */
	for (uint64_t seed = 1; seed <= 20; seed++) {
		struct zone_builder b;
		struct random random;
		struct zone *zone;
		assert_int_equal(zone_builder_init(&b, (const uint8_t *)"", "random", 0), 0);
		random_init_seed(&random, seed);
		for (unsigned i = 0; i < 300; i++) {
			uint8_t name[WIRE_NAME_MAX];
			size_t len = 0;
			for (unsigned labels = 1 + random_below(&random, 4); labels > 0; labels--) {
				uint8_t size = (uint8_t)(1 + random_below(&random, 3));
				name[len++] = size;
				for (; size > 0; size--)
					name[len++] = (uint8_t)(random_below(&random, 4) +
								(random_below(&random, 2) != 0 ? 0 : 'A'));
			}
			name[len++] = 0;
			assert_int_equal(
				zone_builder_add(&b, name, len, WIRE_TYPE_TXT, 1, (const uint8_t *)"\1x", 2, 1), 0);
		}
		assert_int_equal(zone_builder_finish(&b, &zone), 0);
		zone_builder_done(&b);
		for (size_t i = 0; i < zone->n_nodes; i++) {
			if (i > 0)
				assert_true(wire_name_cmp(zone->node[i - 1].name, zone->node[i].name) < 0);
			assert_ptr_equal(zone_find(zone, zone->node[i].name), &zone->node[i]);
			/* each parent is there, too */
			if (zone->node[i].name[0] != 0 && wire_name_labels(zone->node[i].name) > 1)
				assert_non_null(zone_find(zone, wire_name_skip(zone->node[i].name, 1)));
		}
		zone_free(zone);
	}
}

static void ttls(void **state)
{
	(void)state;
	/* the last stated TTL holds, until a $TTL comes; then that */
	struct zone *zone = must_read("a A 192.0.2.1\n" SOA "b 111 A 192.0.2.1\nc A 192.0.2.1\n$TTL 50\nd A 192.0.2.1\n"
				      "e 60 A 192.0.2.1\nf A 192.0.2.1\n");
	assert_int_equal(set_at(zone, "a.example", WIRE_TYPE_A)->ttl, 3600);
	assert_int_equal(set_at(zone, "c.example", WIRE_TYPE_A)->ttl, 111);
	assert_int_equal(set_at(zone, "d.example", WIRE_TYPE_A)->ttl, 50);
	assert_int_equal(set_at(zone, "f.example", WIRE_TYPE_A)->ttl, 50);
	zone_free(zone);
	/* mixed: the lowest is taken, and it is remarked */
	zone = must_read(SOA "m 30 A 192.0.2.1\nm 20 A 192.0.2.2\nm 40 A 192.0.2.3\n");
	assert_int_equal(set_at(zone, "m.example", WIRE_TYPE_A)->ttl, 20);
	assert_int_equal(zone->n_ttl_mixed, 1);
	assert_int_equal(zone->n_remarks, 1);
	assert_int_equal(zone->remark[0].reason, REASON_TTL_MIXED);
	zone_free(zone);
}

static void case_and_duplicates(void **state)
{
	(void)state;
	struct zone *zone = must_read(SOA "WWW CNAME Target.Example.\nwww CNAME target.example.\nmx MX 10 Mail\n"
					  "mx NSEC Www A\n");
	const struct wire_rrset *cname = set_at(zone, "www.example", WIRE_TYPE_CNAME);
	assert_int_equal(cname->count, 1);
	assert_int_equal(zone->n_duplicates, 1);
	assert_memory_equal(cname->owner, "\3www\7example", 13);
	assert_memory_equal(cname->rdata[0].data, "\6Target\7Example", 16); /* served as written */
	const struct wire_rrset *canonical = &zone->canonical[cname - zone->set];
	assert_memory_equal(canonical->rdata[0].data, "\6target\7example", 16); /* signed in lower case */
	const struct wire_rrset *nsec = set_at(zone, "mx.example", WIRE_TYPE_NSEC);
	assert_memory_equal(zone->canonical[nsec - zone->set].rdata[0].data, "\3Www", 4); /* RFC 6840 section 5.1 */
	struct dnssec_records records = zone_records(zone);
	struct wire_rrset got;
	records.get(records.ctx, (size_t)(cname - zone->set), &got);
	assert_memory_equal(got.rdata[0].data, "\6target\7example", 16);
	zone_free(zone);
}

static void signatures_by_type(void **state)
{
	(void)state;
#define SIG " 8 1 3600 20300101000000 20200101000000 1 example. AAAA\n"
	struct zone *zone =
		must_read(SOA "@ 60 RRSIG TXT" SIG "@ 3600 RRSIG SOA" SIG "@ 3600 RRSIG SOA 13 1 3600 20300101000000 "
			      "20200101000000 2 example. AAAA\n@ 60 TXT x\n");
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *soa = zone_node_sigs(zone, apex, WIRE_TYPE_SOA);
	const struct wire_rrset *txt = zone_node_sigs(zone, apex, WIRE_TYPE_TXT);
	assert_int_equal(soa->count, 2);
	assert_int_equal(soa->ttl, 3600);
	assert_int_equal(txt->count, 1);
	assert_int_equal(txt->ttl, 60);
	assert_ptr_equal(txt, soa + 1);
	assert_ptr_equal(zone_node_set(zone, apex, WIRE_TYPE_RRSIG), soa);
	assert_null(zone_node_sigs(zone, apex, WIRE_TYPE_NS));
	assert_int_equal(zone->n_ttl_mixed, 0);
	zone_free(zone);
}

static void outside(void **state)
{
	(void)state;
	struct zone *zone =
		must_read(SOA "other. A 192.0.2.1\nother. TXT x\nin A 192.0.2.1\nnotexample. A 192.0.2.1\n");
	assert_int_equal(zone->n_out_of_zone, 3);
	assert_int_equal(zone->n_records, 2);
	assert_int_equal(zone->remark[0].reason, REASON_OUT_OF_ZONE);
	assert_int_equal(zone->remark[0].line, 2);
	zone_free(zone);
}

static void split_fields(void **state)
{
	(void)state;
	/* white space may stand anywhere in base64 and hexadecimal; line numbers hold; text in quotes is left alone */
	struct zone *zone = must_read(SOA "k DNSKEY 256 3 8 ( Aw ; comment\n EA\n AQ== )\n"
					  "k DS 1 8 2 ABC DEF\nt TXT ( \"DS 1 8 2 ABC DEF\"\n \"a b\" )\n"
					  "ds TXT DS 1 8 2 ABC DEF\nlast A 192.0.2.1\n");
	const struct wire_rrset *key = set_at(zone, "k.example", WIRE_TYPE_DNSKEY);
	assert_int_equal(key->rdata[0].len, 8);
	assert_memory_equal(key->rdata[0].data + 4, "\3\1\0\1", 4);
	assert_memory_equal(set_at(zone, "k.example", WIRE_TYPE_DS)->rdata[0].data + 4, "\xab\xcd\xef", 3);
	const struct wire_rrset *txt = set_at(zone, "t.example", WIRE_TYPE_TXT);
	assert_int_equal(txt->rdata[0].len, 21);
	assert_int_equal(set_at(zone, "ds.example", WIRE_TYPE_TXT)->rdata[0].len, 17);
	const struct wire_rrset *last = set_at(zone, "last.example", WIRE_TYPE_A);
	assert_int_equal(zone->line[last - zone->set], 9);
	zone_free(zone);
}

static void failures(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		enum reason reason;
		unsigned long line;
	} cases[] = {
		{SOA "a A 192.0.2.1\nb A 192.0.2.\n", REASON_SYNTAX, 3},
		{SOA "a SIG TXT 1 2 9999 20401231000000 20201231000000 12345 example.com. AAAA\n", REASON_SYNTAX, 2},
		{SOA "a TXT ( x\n", REASON_SYNTAX, 3},
		{SOA "a 60 CH TXT x\n", REASON_CLASS_MIXED, 2},
		{SOA "a HS A 192.0.2.1\n", REASON_CLASS_MIXED, 2},
		{SOA "a CLASS4 TYPE1 \\# 4 C0000201\n", REASON_CLASS_MIXED, 2},
		{SOA "a TYPE1 \\# 3 C00002\n", REASON_RDATA_MALFORMED, 2},
		{SOA "a TYPE255 \\# 0\n", REASON_SYNTAX, 2},
		{SOA "a TYPE41 \\# 0\n", REASON_SYNTAX, 2},
		{SOA "a 2147483648 A 192.0.2.1\n", REASON_SYNTAX, 2},
		{SOA "$INCLUDE other.zone\n", REASON_INCLUDE_DENIED, 2},
		{SOA "a DNSKEY 256 3 8 A!==\n", REASON_SYNTAX, 2},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char where[32];
		struct zone *zone = read_at("example.", cases[i].text);
		if (zone != NULL)
			fail_msg("case %zu was read", i);
		if (error.reason != cases[i].reason || error.line != cases[i].line)
			fail_msg("case %zu: %s, line %lu: %s", i, reason_code(error.reason), error.line, error.text);
		snprintf(where, sizeof where, "test.zone:%lu: ", cases[i].line);
		assert_memory_equal(error.text, where, strlen(where));
		assert_non_null(strstr(error.text, "; ")); /* what to do */
	}
}

static void limits(void **state)
{
	(void)state;
	struct zone_read_settings settings = {.origin = (const uint8_t *)"", .max_bytes = 10};
	struct zone *zone;
	assert_int_equal(zone_read_text("big", ". TXT 0123456789", 16, &settings, NULL, NULL, &zone, &error),
			 BANYAN_ELIMIT);
	assert_int_equal(error.reason, REASON_TOO_LARGE);
	struct zone_builder b;
	int rc = 0;
	assert_int_equal(zone_builder_init(&b, (const uint8_t *)"", "many", 0), 0);
	for (unsigned i = 0; i <= ZONE_SETS_PER_NODE_MAX; i++)
		assert_int_equal(zone_builder_add(&b, (const uint8_t *)"", 1, (uint16_t)(1000 + i), 1, NULL, 0, i), 0);
	rc = zone_builder_finish(&b, &zone);
	zone_builder_done(&b);
	assert_int_equal(rc, BANYAN_ELIMIT);
}

/* ---- files ---- */
static char folder[] = "/tmp/banyan-test-zone-XXXXXX";

static const char *put(const char *name, const void *data, size_t len)
{
	static char path[8][200];
	static unsigned next;
	char *p = path[next++ % 8];
	snprintf(p, sizeof path[0], "%s/%s", folder, name);
	FILE *file = fopen(p, "wb");
	assert_non_null(file);
	assert_int_equal(fwrite(data, 1, len, file), len);
	fclose(file);
	return p;
}

static struct zone *read_path(const char *path, bool include, size_t max)
{
	struct zone_read_settings settings = {
		.origin = (const uint8_t *)"\7example", .include = include, .max_bytes = max};
	struct zone *zone = NULL;
	return zone_read_file(path, &settings, NULL, NULL, &zone, &error) < 0 ? NULL : zone;
}

static void compressed(void **state)
{
	(void)state;
	char *text = malloc(1 << 20), packed[1 << 16];
	size_t len = (size_t)sprintf(text, SOA);
	for (unsigned i = 0; len < 300000; i++)
		len += (size_t)sprintf(text + len, "n%u A 192.0.2.1\n", i);
	struct zone *plain = read_path(put("plain", text, len), false, 0);
	assert_non_null(plain);
	size_t zst = ZSTD_compress(packed, sizeof packed, text, len, 3);
	assert_false(ZSTD_isError(zst));
	struct zone *zone = read_path(put("zst", packed, zst), false, 0);
	assert_non_null(zone);
	assert_int_equal(zone->n_records, plain->n_records);
	zone_free(zone);
	assert_null(read_path(put("cut.zst", packed, zst - 5), false, 0));
	assert_int_equal(error.reason, REASON_SYNTAX);
	assert_null(read_path(put("bomb.zst", packed, zst), false, 299999));
	assert_int_equal(error.reason, REASON_TOO_LARGE);
	z_stream z = {.next_in = (Bytef *)text,
		      .avail_in = (uInt)len,
		      .next_out = (Bytef *)packed,
		      .avail_out = sizeof packed};
	assert_int_equal(deflateInit2(&z, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	deflateEnd(&z);
	zone = read_path(put("gz", packed, z.total_out), false, 0);
	assert_non_null(zone);
	assert_int_equal(zone->n_records, plain->n_records);
	zone_free(zone);
	assert_null(read_path(put("cut.gz", packed, z.total_out - 20), false, 0));
	packed[z.total_out / 2] ^= 0x55;
	assert_null(read_path(put("damaged.gz", packed, z.total_out), false, 0));
	zone_free(plain);
	free(text);
}

static void dos_lines(void **state)
{
	(void)state;
	static const char text[] = "@ 60 IN SOA ns h 1 2 3 4 5\r\na 60 TXT ( x\r\n y )\r\n";
	struct zone *zone = read_path(put("dos", text, sizeof text - 1), false, 0);
	assert_non_null(zone);
	assert_int_equal(zone->n_records, 2);
	zone_free(zone);
}

static void includes(void **state)
{
	(void)state;
	static const char outer[] = SOA "$INCLUDE inner.zone sub.example.\nb A 192.0.2.1\n",
			  inner[] = "@ A 192.0.2.1\nx A 192.0.2.2\n";
	static const char loop[] = SOA "$INCLUDE loop.zone\n", plain[] = SOA "$INCLUDE inner.zone\n";
	static const char broken[] = "@ A 192.0.2.1\nx A 192.0.2\n",
			  outer2[] = SOA "$INCLUDE broken.zone sub.example.\n";
	put("inner.zone", inner, sizeof inner - 1);
	struct zone *zone = read_path(put("outer.zone", outer, sizeof outer - 1), true, 0);
	if (zone == NULL)
		fail_msg("%s", error.text);
	assert_non_null(set_at(zone, "sub.example", WIRE_TYPE_A));
	assert_non_null(set_at(zone, "x.sub.example", WIRE_TYPE_A));
	assert_non_null(set_at(zone, "b.example", WIRE_TYPE_A));
	zone_free(zone);
	zone = read_path(put("plain.zone", plain, sizeof plain - 1), true, 0);
	if (zone == NULL)
		fail_msg("%s", error.text);
	assert_non_null(set_at(zone, "x.example", WIRE_TYPE_A));
	zone_free(zone);
	assert_null(read_path(put("loop.zone", loop, sizeof loop - 1), true, 0));
	assert_int_equal(error.reason, REASON_INCLUDE_DENIED);
	put("broken.zone", broken, sizeof broken - 1);
	assert_null(read_path(put("outer2.zone", outer2, sizeof outer2 - 1), true, 0));
	assert_non_null(strstr(error.text, "broken.zone:2: ")); /* the file at fault is named */
	assert_null(read_path("/nonexistent/zone", false, 0));
	assert_non_null(strstr(error.text, "/nonexistent/zone"));
	assert_null(read_path(folder, false, 0));
}

static void anchors_files(void **state)
{
	(void)state;
	static const char good[] =
		". IN DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D\n"
		"example. 60 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=\n";
	static const char wrong[] = ". IN DS 1 8 9 00\n. TXT x\n";
	struct dnssec_anchors anchors = {0}, builtin = {0};
	assert_int_equal(zone_anchors_read(put("anchors", good, sizeof good - 1), &anchors, &error), 0);
	assert_int_equal(dnssec_anchors_builtin(&builtin), 0);
	assert_int_equal(anchors.count, 2);
	assert_int_equal(builtin.count, 2);
	assert_int_equal(anchors.item[0].len, 36);
	assert_memory_equal(anchors.item[0].rdata, builtin.item[0].rdata, 36);
	assert_memory_equal(anchors.item[1].owner, "\7example", 9);
	dnssec_anchors_done(&anchors);
	dnssec_anchors_done(&builtin);
	assert_true(zone_anchors_read(put("wrong", wrong, sizeof wrong - 1), &anchors, &error) < 0);
	assert_non_null(strstr(error.text, "TXT"));
	assert_true(zone_anchors_read(put("empty", "; no\n", 5), &anchors, &error) < 0);
	dnssec_anchors_done(&anchors);
}

static int folder_make(void **state)
{
	(void)state;
	return mkdtemp(folder) != NULL ? 0 : -1;
}

static int folder_remove(void **state)
{
	(void)state;
	char command[300];
	snprintf(command, sizeof command, "rm -rf '%s'", folder);
	return system(command);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(order_and_flags),     cmocka_unit_test(order_random),       cmocka_unit_test(ttls),
		cmocka_unit_test(case_and_duplicates), cmocka_unit_test(signatures_by_type), cmocka_unit_test(outside),
		cmocka_unit_test(split_fields),        cmocka_unit_test(failures),           cmocka_unit_test(limits),
		cmocka_unit_test(compressed),          cmocka_unit_test(dos_lines),          cmocka_unit_test(includes),
		cmocka_unit_test(anchors_files),
	};
	return cmocka_run_group_tests_name("read", tests, folder_make, folder_remove);
}
