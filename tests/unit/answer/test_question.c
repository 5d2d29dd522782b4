// SPDX-License-Identifier: GPL-3.0-or-later
/* answer_question(): errors and silence, EDNS, CHAOS, which zone answers, who may recurse. */
#include "answer/answer.h"
#include "zone/zone.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ROOT_TEXT                                                                                                      \
	". 86400 SOA a.root. host. 1 2 3 4 900\n. 3600 NS a.root.\na.root. 3600 A 192.0.2.1\n"                         \
	"test. 3600 NS ns.test.\nns.test. 3600 A 192.0.2.2\ntest. 3600 DS 7 13 2 aa\n. 3600 NSEC root. NS SOA NSEC\n"  \
	"root. 3600 NSEC test. NSEC\ntest. 3600 NSEC . NS DS NSEC\n"
#define TEST_TEXT                                                                                                      \
	"test. 3600 SOA ns.test. host.test. 1 2 3 4 900\ntest. 3600 NS ns.test.\nns.test. 3600 A 192.0.2.2\n"          \
	"child.test. 3600 NS ns.child.test.\nns.child.test. 3600 A 192.0.2.3\nout.test. 60 CNAME www.elsewhere.\n"
#define CHILD_TEXT                                                                                                     \
	"child.test. 3600 SOA ns.child.test. host.test. 1 2 3 4 900\nchild.test. 3600 NS ns.child.test.\n"             \
	"ns.child.test. 3600 A 192.0.2.3\n"

static const struct {
	const char *origin, *text;
} texts[] = {{".", ROOT_TEXT}, {"test.", TEST_TEXT}, {"child.test.", CHILD_TEXT}};

static struct addr_prefix loopback[1];
static struct counters counters;
static struct image *images[3];
static uint8_t apexes[3][WIRE_NAME_MAX];

static int load(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct zone *zone;
		struct zone_error error;
		struct zone_read_settings settings = {.origin = apexes[i]};
		assert_true(wire_name_parse(texts[i].origin, apexes[i]) > 0);
		assert_int_equal(zone_read_text("test", texts[i].text, strlen(texts[i].text), &settings, NULL, NULL,
						&zone, &error),
				 0);
		assert_int_equal(image_compile(zone, &images[i]), 0);
		zone_free(zone);
	}
	assert_int_equal(addr_prefix_parse("127.0.0.0/8", &loopback[0]), 0);
	return 0;
}

static int unload(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(images); i++)
		image_free(images[i]);
	return 0;
}

/* A view of the zones whose bits are set: 1 the root, 2 test., 4 child.test. */
static struct answer_view view_of(unsigned zones, struct answer_zone table[3])
{
	struct answer_view view = {.identity = "me.example", .version = "", .udp_size = 1232, .zone = table};
	for (size_t i = ARRAY_SIZE(images); i-- > 0;)
		if (zones & 1U << i)
			table[view.n_zones++] = (struct answer_zone){.apex = apexes[i], .image = images[i]};
	answer_view_sort(table, view.n_zones);
	return view;
}

struct exchange {
	uint8_t msg[1024], out[WIRE_MESSAGE_MAX];
	size_t len, reply_len;
	bool tcp;
	const char *peer;
	struct answer_pending pending;
	struct wire_reader reader;
};

static void question_flags(struct exchange *x, const char *name, uint16_t type, uint16_t rclass, uint16_t flags)
{
	struct wire_writer writer;
	uint8_t qname[WIRE_NAME_MAX];
	x->tcp = false;
	x->peer = "127.0.0.1";
	assert_true(wire_name_parse(name, qname) > 0);
	assert_int_equal(wire_writer_init(&writer, x->msg, sizeof x->msg, 0x4711, flags), 0);
	assert_int_equal(wire_writer_question(&writer, qname, type, rclass), 0);
	x->len = wire_writer_finish(&writer);
}

static void question(struct exchange *x, const char *name, uint16_t type)
{
	question_flags(x, name, type, WIRE_CLASS_IN, 0);
}

static void add_edns(struct exchange *x, uint16_t size, bool do_bit, uint8_t version, const char *options, size_t n)
{
	uint8_t *p = x->msg + x->len;
	memset(p, 0, 11);
	wire_put16(p + 1, WIRE_TYPE_OPT);
	wire_put16(p + 3, size);
	p[6] = version;
	p[7] = do_bit ? 0x80 : 0;
	wire_put16(p + 9, (uint16_t)n);
	memcpy(p + 11, options, n);
	x->len += 11 + n;
	x->msg[11]++;
}

static enum answer_outcome ask(struct exchange *x, const struct answer_view *view)
{
	struct answer_request request = {.msg = x->msg, .len = x->len, .tcp = x->tcp, .out = x->out};
	assert_int_equal(addr_parse(x->peer, 4711, &request.peer), 0);
	x->reply_len = 0;
	enum answer_outcome outcome = answer_question(view, &counters, &request, &x->pending, &x->reply_len);
	if (outcome == ANSWER_SEND) {
		assert_int_equal(wire_reader_init(&x->reader, x->out, x->reply_len), 0);
		assert_int_equal(x->reader.id, 0x4711);
	}
	return outcome;
}

/* Reads to the end, so that EDNS is known. */
static uint16_t rcode(struct exchange *x)
{
	struct wire_record record;
	struct wire_reader reader = x->reader;
	int rc;
	while ((rc = wire_reader_next(&reader, &record)) > 0)
		continue;
	assert_int_equal(rc, 0);
	x->reader = reader;
	return wire_reader_rcode(&reader);
}

static void expect(struct exchange *x, const struct answer_view *view, uint16_t want, uint16_t flags)
{
	assert_int_equal(ask(x, view), ANSWER_SEND);
	assert_int_equal(rcode(x), want);
	assert_int_equal(x->reader.flags & (WIRE_AA | WIRE_TC | WIRE_RA | WIRE_RD | WIRE_CD | WIRE_AD), flags);
}

static bool has_option(const struct exchange *x, uint16_t code, const void *data, size_t n)
{
	size_t pos = x->reader.opt_pos, end = pos + x->reader.opt_len;
	while (pos + 4 <= end) {
		uint16_t size = wire_get16(x->out + pos + 2);
		if (wire_get16(x->out + pos) == code)
			return size == n && memcmp(x->out + pos + 4, data, n) == 0;
		pos += 4U + size;
	}
	return false;
}

/* ---- what is no question ---- */

static void test_silence(void **state)
{
	struct answer_zone table[3];
	struct answer_view view = view_of(1, table);
	struct exchange x;
	question(&x, "test.", WIRE_TYPE_A);
	x.len = 11;
	assert_int_equal(ask(&x, &view), ANSWER_SILENT);
	question_flags(&x, "test.", WIRE_TYPE_A, WIRE_CLASS_IN, WIRE_QR);
	assert_int_equal(ask(&x, &view), ANSWER_SILENT);
}

static void test_errors(void **state)
{
	struct answer_zone table[3];
	struct answer_view view = view_of(1, table);
	struct exchange x;
	question(&x, "test.", WIRE_TYPE_A);
	x.len -= 2; /* cut in the middle of the question */
	expect(&x, &view, WIRE_RCODE_FORMERR, 0);
	assert_int_equal(x.reader.counts[0], 0);
	question_flags(&x, "test.", WIRE_TYPE_A, WIRE_CLASS_IN, WIRE_OPCODE_UPDATE << WIRE_OPCODE_SHIFT | WIRE_RD);
	expect(&x, &view, WIRE_RCODE_NOTIMP, WIRE_RD);
	assert_int_equal((x.reader.flags & WIRE_OPCODE_MASK) >> WIRE_OPCODE_SHIFT, WIRE_OPCODE_UPDATE);
	assert_false(x.reader.has_edns);
	question_flags(&x, "test.", WIRE_TYPE_A, WIRE_CLASS_IN, WIRE_OPCODE_UPDATE << WIRE_OPCODE_SHIFT);
	add_edns(&x, 1232, true, 0, "", 0);
	expect(&x, &view, WIRE_RCODE_NOTIMP, 0);
	assert_true(x.reader.has_edns); /* RFC 6891 section 6.1.1 */
	question(&x, "test.", WIRE_TYPE_A);
	add_edns(&x, 1232, true, 1, "", 0);
	expect(&x, &view, WIRE_RCODE_BADVERS, 0);
	assert_int_equal(x.reader.edns_version, 0);
	question(&x, "test.", WIRE_TYPE_A);
	add_edns(&x, 1232, true, 0, "\0\3\0\x09x", 5); /* an option longer than the record */
	expect(&x, &view, WIRE_RCODE_FORMERR, 0);
	static const uint16_t malformed[] = {0, WIRE_TYPE_OPT, WIRE_TYPE_TSIG, 128};
	for (size_t i = 0; i < ARRAY_SIZE(malformed); i++) {
		question(&x, "test.", malformed[i]);
		add_edns(&x, 1232, false, 0, "", 0);
		expect(&x, &view, WIRE_RCODE_FORMERR, 0);
		assert_true(has_option(&x, WIRE_OPTION_EDE, "\0\36", 2));
	}
	question(&x, "test.", WIRE_TYPE_MAILB);
	expect(&x, &view, WIRE_RCODE_NOTIMP, 0);
	question(&x, ".", WIRE_TYPE_AXFR);
	x.tcp = true;
	expect(&x, &view, WIRE_RCODE_REFUSED, 0);
	question_flags(&x, "test.", WIRE_TYPE_A, WIRE_CLASS_ANY, 0);
	expect(&x, &view, WIRE_RCODE_REFUSED, 0);
}

static void test_tsig(void **state)
{
	struct answer_zone table[3];
	struct answer_view view = view_of(1, table);
	struct exchange x;
	struct wire_record record, tsig = {.type = 0};
	static const uint8_t rdata[] = "\13hmac-sha256\0\0\0\1\2\3\4\1\54\0\4abcd\107\21\0\0\0";
	question(&x, ".", WIRE_TYPE_SOA);
	add_edns(&x, 1232, false, 0, "", 0);
	uint8_t *p = x.msg + x.len;
	memcpy(p, "\3key", 5);
	wire_put16(p + 5, WIRE_TYPE_TSIG);
	wire_put16(p + 7, WIRE_CLASS_ANY);
	wire_put32(p + 9, 0);
	wire_put16(p + 13, sizeof rdata - 1);
	memcpy(p + 15, rdata, sizeof rdata - 1);
	x.len += 15 + sizeof rdata - 1;
	x.msg[11]++;
	assert_int_equal(ask(&x, &view), ANSWER_SEND);
	assert_int_equal(x.reader.flags & WIRE_RCODE_MASK, WIRE_RCODE_NOTAUTH);
	while (wire_reader_next(&x.reader, &record) > 0)
		tsig = record;
	assert_int_equal(x.reader.read[WIRE_ADDITIONAL], 2);
	assert_true(x.reader.has_edns);
	assert_int_equal(tsig.type, WIRE_TYPE_TSIG);
	const uint8_t *made = x.out + tsig.rdata_pos;
	assert_memory_equal(made, rdata, 13 + 8);       /* algorithm, time and fudge as they came */
	assert_int_equal(wire_get16(made + 13 + 8), 0); /* no MAC */
	assert_int_equal(wire_get16(made + 13 + 10), 0x4711);
	assert_int_equal(wire_get16(made + 13 + 12), 17); /* BADKEY */
}

/* ---- EDNS ---- */

static void test_edns(void **state)
{
	struct answer_zone table[3];
	struct answer_view view = view_of(1, table);
	struct exchange x;
	question(&x, "nothing.", WIRE_TYPE_A);
	expect(&x, &view, WIRE_RCODE_NXDOMAIN, WIRE_AA);
	assert_false(x.reader.has_edns);
	question(&x, "nothing.", WIRE_TYPE_A);
	add_edns(&x, 4096, true, 0, "\xff\xf0\0\2xy\0\3\0\0", 10); /* an unknown option, then NSID */
	expect(&x, &view, WIRE_RCODE_NXDOMAIN, WIRE_AA);
	assert_true(x.reader.has_edns && x.reader.edns_do);
	assert_int_equal(x.reader.edns_udp_size, 1232);
	assert_true(has_option(&x, WIRE_OPTION_NSID, "me.example", 10));
	assert_false(has_option(&x, 0xfff0, "xy", 2));
	view.identity = "";
	assert_int_equal(ask(&x, &view), ANSWER_SEND);
	rcode(&x);
	assert_int_equal(x.reader.opt_len, 0);
}

/* A reply never exceeds the smaller of both sides' sizes, nor 512 where EDNS is missing or says less. */
static void test_sizes(void **state)
{
	static const struct {
		uint16_t theirs, ours, limit;
	} sizes[] = {{0, 1232, 512}, {100, 1232, 512}, {700, 1232, 700}, {4096, 1232, 1232}, {1232, 4096, 1232}};
	_cleanup_(buffer_done) struct buffer text = {0};
	assert_int_equal(buffer_printf(&text, "big. 60 SOA a. b. 1 2 3 4 5\nbig. 60 NS a.\n"), 0);
	for (int i = 0; i < 90; i++)
		assert_int_equal(buffer_printf(&text, "%d.big. 60 A 192.0.2.1\nbig. 60 TXT \"%d %0*d\"\n", i, i, i, 0),
				 0);
	struct zone *zone;
	struct image *image;
	struct zone_error error;
	struct zone_read_settings settings = {.origin = (const uint8_t *)"\3big"};
	assert_int_equal(zone_read_text("test", (char *)text.data, text.len, &settings, NULL, NULL, &zone, &error), 0);
	assert_int_equal(image_compile(zone, &image), 0);
	struct answer_zone table = {.apex = settings.origin, .image = image};
	struct answer_view view = {.n_zones = 1, .zone = &table, .identity = "me", .version = ""};
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		struct exchange x;
		question(&x, "big.", WIRE_TYPE_TXT);
		if (sizes[i].theirs > 0)
			add_edns(&x, sizes[i].theirs, false, 0, "\0\3\0\0", 4);
		view.udp_size = sizes[i].ours;
		expect(&x, &view, WIRE_RCODE_NOERROR, WIRE_AA | WIRE_TC);
		assert_true(x.reply_len <= sizes[i].limit);
		x.tcp = true;
		expect(&x, &view, WIRE_RCODE_NOERROR, WIRE_AA);
		assert_int_equal(x.reader.read[WIRE_ANSWER], 90);
	}
	image_free(image);
	zone_free(zone);
}

/* ---- CHAOS ---- */

static void expect_text(struct exchange *x, const struct answer_view *view, const char *text)
{
	struct wire_record record;
	assert_int_equal(ask(x, view), ANSWER_SEND);
	assert_int_equal(wire_reader_next(&x->reader, &record), 1);
	assert_int_equal(record.rclass, WIRE_CLASS_CH);
	assert_int_equal(record.type, WIRE_TYPE_TXT);
	assert_int_equal(record.rdata_len, strlen(text) + 1);
	assert_memory_equal(x->out + record.rdata_pos + 1, text, strlen(text));
}

static void test_chaos(void **state)
{
	struct answer_zone table[3];
	struct answer_view view = view_of(1, table);
	struct exchange x;
	question_flags(&x, "ID.Server.", WIRE_TYPE_TXT, WIRE_CLASS_CH, 0);
	expect_text(&x, &view, "me.example");
	assert_memory_equal(x.reader.qname, "\2ID\6Server", 11); /* case kept */
	question_flags(&x, "hostname.bind.", WIRE_TYPE_ANY, WIRE_CLASS_CH, 0);
	expect_text(&x, &view, "me.example");
	question_flags(&x, "id.server.", WIRE_TYPE_A, WIRE_CLASS_CH, 0);
	expect(&x, &view, WIRE_RCODE_NOERROR, 0);
	question_flags(&x, "version.bind.", WIRE_TYPE_TXT, WIRE_CLASS_CH, 0);
	expect(&x, &view, WIRE_RCODE_REFUSED, 0);
	view.version = "banyand 1";
	expect_text(&x, &view, "banyand 1");
	question_flags(&x, "version.server.", WIRE_TYPE_TXT, WIRE_CLASS_CH, 0);
	expect_text(&x, &view, "banyand 1");
	question_flags(&x, "authors.bind.", WIRE_TYPE_TXT, WIRE_CLASS_CH, 0);
	expect(&x, &view, WIRE_RCODE_REFUSED, 0);
	view.identity = "";
	question_flags(&x, "id.server.", WIRE_TYPE_TXT, WIRE_CLASS_CH, 0);
	expect(&x, &view, WIRE_RCODE_REFUSED, 0);
}

/* ---- which zone ---- */

static void expect_counts(struct exchange *x, const struct answer_view *view, uint16_t flags, uint16_t answer,
			  uint16_t authority, uint16_t additional)
{
	expect(x, view, WIRE_RCODE_NOERROR, flags);
	assert_int_equal(x->reader.read[WIRE_ANSWER], answer);
	assert_int_equal(x->reader.read[WIRE_AUTHORITY], authority);
	assert_int_equal(x->reader.read[WIRE_ADDITIONAL], additional);
}

static void test_zones(void **state)
{
	struct answer_zone table[3];
	struct answer_view all = view_of(7, table);
	struct exchange x;
	question(&x, "ns.child.test.", WIRE_TYPE_A);
	expect_counts(&x, &all, WIRE_AA, 1, 0, 0);
	question(&x, "a.test.", WIRE_TYPE_A);
	expect(&x, &all, WIRE_RCODE_NXDOMAIN, WIRE_AA);
	question(&x, "elsewhere.", WIRE_TYPE_A);
	expect(&x, &all, WIRE_RCODE_NXDOMAIN, WIRE_AA);
	struct answer_zone few[3];
	struct answer_view without_child = view_of(2, few);
	question(&x, "ns.child.test.", WIRE_TYPE_A);
	expect_counts(&x, &without_child, 0, 0, 1, 1); /* referral with glue */
	question(&x, "test.", WIRE_TYPE_NS);
	expect_counts(&x, &without_child, WIRE_AA, 1, 0, 1);
	question(&x, "elsewhere.", WIRE_TYPE_A);
	add_edns(&x, 1232, false, 0, "", 0);
	expect(&x, &without_child, WIRE_RCODE_REFUSED, 0);
	assert_true(has_option(&x, WIRE_OPTION_EDE, "\0\24", 2)); /* 20, not authoritative */
}

/* RFC 4035 section 3.1.4.1 */
static void test_ds_at_cut(void **state)
{
	struct answer_zone table[3];
	struct exchange x;
	struct answer_view both = view_of(3, table);
	question(&x, "test.", WIRE_TYPE_DS);
	expect_counts(&x, &both, WIRE_AA, 1, 0, 0); /* the parent's */
	struct answer_view child = view_of(2, table);
	expect_counts(&x, &child, WIRE_AA, 0, 1, 0); /* no parent here: the child has none */
	question(&x, "child.test.", WIRE_TYPE_DS);
	struct answer_view grandparent = view_of(5, table);
	expect_counts(&x, &grandparent, WIRE_AA, 0, 1, 0); /* the root is not the parent of child.test. */
	question(&x, ".", WIRE_TYPE_DS);
	expect_counts(&x, &both, WIRE_AA, 0, 1, 0);
}

static void test_not_loaded(void **state)
{
	struct answer_zone table[3];
	struct exchange x;
	struct answer_view view = view_of(2, table);
	table[0].image = NULL;
	question(&x, "test.", WIRE_TYPE_NS);
	add_edns(&x, 1232, false, 0, "", 0);
	expect(&x, &view, WIRE_RCODE_SERVFAIL, 0);
	assert_true(has_option(&x, WIRE_OPTION_EDE, "\0\16", 2)); /* 14, not ready */
}

static bool has_word(const struct exchange *x, const char *number, enum reason reason)
{
	char want[256];
	int len = snprintf(want + 2, sizeof want - 2, "%s: %s", reason_code(reason), reason_words(reason));
	memcpy(want, number, 2);
	return has_option(x, WIRE_OPTION_EDE, want, 2 + (size_t)len);
}

/* RFC 8914: where an answer comes from a copy that is not current, that is said; by who understands it, if it fits. */
static void test_copies_in_trouble(void **state)
{
	struct answer_zone table[3];
	struct exchange x;
	struct answer_view view = view_of(2, table);
	table[0].trouble = REASON_COPY_HELD;
	question(&x, "test.", WIRE_TYPE_NS);
	expect_counts(&x, &view, WIRE_AA, 1, 0, 1);
	assert_false(x.reader.has_edns);
	size_t plain = x.reply_len;
	add_edns(&x, 1232, false, 0, "", 0);
	expect(&x, &view, WIRE_RCODE_NOERROR, WIRE_AA);
	assert_true(has_word(&x, "\0\0", REASON_COPY_HELD));
	assert_int_equal(x.reply_len, plain + 11 + x.reader.opt_len);
	/* behind what was asked for */
	question(&x, "test.", WIRE_TYPE_NS);
	add_edns(&x, 1232, false, 0, "\0\3\0\0", 4);
	expect(&x, &view, WIRE_RCODE_NOERROR, WIRE_AA);
	assert_true(has_option(&x, WIRE_OPTION_NSID, "me.example", 10));
	assert_true(has_word(&x, "\0\0", REASON_COPY_HELD));
	/* it never costs data: not a byte more than there is room for */
	size_t whole = x.reply_len;
	for (size_t less = 0; less < whole - plain - 25; less++) { /* OPT and NSID take 25 */
		struct answer_request request = {.msg = x.msg, .len = x.len, .out = x.out, .room = 1232 - whole + less};
		assert_int_equal(addr_parse(x.peer, 4711, &request.peer), 0);
		assert_int_equal(answer_question(&view, &counters, &request, &x.pending, &x.reply_len), ANSWER_SEND);
		assert_int_equal(x.reply_len, less == 0 ? whole : plain + 25);
		assert_int_equal(wire_get16(x.out + 6), 1);
		assert_false(wire_get16(x.out + 2) & WIRE_TC);
	}
	/* nothing to answer from: the reason instead of `not ready` */
	table[0].image = NULL;
	table[0].trouble = REASON_COPY_EXPIRED;
	question(&x, "test.", WIRE_TYPE_NS);
	expect(&x, &view, WIRE_RCODE_SERVFAIL, 0);
	add_edns(&x, 1232, false, 0, "", 0);
	expect(&x, &view, WIRE_RCODE_SERVFAIL, 0);
	assert_true(has_word(&x, "\0\30", REASON_COPY_EXPIRED)); /* 24, invalid data */
	table[0].trouble = REASON_COPY_EMPTY;
	expect(&x, &view, WIRE_RCODE_SERVFAIL, 0);
	assert_true(has_word(&x, "\0\16", REASON_COPY_EMPTY));
}

/* The same of what the root copy denies to clients of the resolver. */
static void test_root_in_trouble(void **state)
{
	struct answer_zone table[3];
	struct exchange x;
	struct answer_view view = view_of(0, table);
	view.recursion = true;
	view.allow.item = loopback;
	view.allow.n = 1;
	view.root = images[0];
	view.root_signed = true;
	question_flags(&x, "nothing.", WIRE_TYPE_A, WIRE_CLASS_IN, WIRE_RD);
	add_edns(&x, 1232, false, 0, "", 0);
	expect(&x, &view, WIRE_RCODE_NXDOMAIN, WIRE_RD | WIRE_RA);
	assert_int_equal(x.reader.opt_len, 0);
	view.root_trouble = REASON_COPY_LAGGING;
	expect(&x, &view, WIRE_RCODE_NXDOMAIN, WIRE_RD | WIRE_RA);
	assert_true(has_word(&x, "\0\0", REASON_COPY_LAGGING));
	question_flags(&x, "nothing.", WIRE_TYPE_A, WIRE_CLASS_IN, WIRE_RD);
	expect(&x, &view, WIRE_RCODE_NXDOMAIN, WIRE_RD | WIRE_RA);
	assert_false(x.reader.has_edns);
}

/* Sorted or not, near or far: the longest apex wins. Compared with a search through all. */
static void test_many_zones(void **state)
{
	enum { ZONES = 300 };
	static uint8_t names[ZONES][WIRE_NAME_MAX];
	static struct answer_zone table[ZONES];
	struct random random;
	random_init_seed(&random, 1);
	for (int i = 0; i < ZONES; i++) {
		char text[64] = "";
		for (uint32_t n = random_below(&random, 4) + 1; n > 0; n--)
			snprintf(text + strlen(text), 8, "%c%s.", 'a' + (int)random_below(&random, 6),
				 n & 1 ? "" : "x");
		assert_true(wire_name_parse(text, names[i]) > 0);
		table[i] = (struct answer_zone){.apex = names[i]};
	}
	answer_view_sort(table, ZONES);
	struct answer_view view = {.n_zones = ZONES, .zone = table, .identity = "", .version = "", .udp_size = 1232};
	for (int k = 0; k < 3000; k++) {
		char text[64] = "";
		uint8_t name[WIRE_NAME_MAX];
		for (uint32_t n = random_below(&random, 6) + 1; n > 0; n--)
			snprintf(text + strlen(text), 8, "%c%s.", 'a' + (int)random_below(&random, 7),
				 n & 1 ? "" : "x");
		assert_true(wire_name_parse(text, name) > 0);
		bool under = false;
		for (int i = 0; i < ZONES; i++)
			under |= wire_name_under(name, names[i]);
		struct exchange x;
		question(&x, text, WIRE_TYPE_A);
		expect(&x, &view, under ? WIRE_RCODE_SERVFAIL : WIRE_RCODE_REFUSED, 0);
	}
}

/* ---- recursion ---- */

/* RFC 8198: what the local root denies is not asked of anybody. */
static void test_root_denials(void **state)
{
	struct answer_zone table[3];
	struct answer_view view = view_of(2, table);
	struct exchange x;
	uint8_t corp[WIRE_NAME_MAX];
	const uint8_t *elsewhere[] = {corp};
	assert_true(wire_name_parse("corp.", corp) > 0);
	view.recursion = true;
	view.allow.item = loopback;
	view.allow.n = 1;
	view.root = images[0];
	view.root_signed = true;
	question_flags(&x, "WWW.Nowhere.", WIRE_TYPE_AAAA, WIRE_CLASS_IN, WIRE_RD | WIRE_CD);
	expect(&x, &view, WIRE_RCODE_NXDOMAIN, WIRE_RD | WIRE_RA | WIRE_CD);
	question_flags(&x, "nowhere.", WIRE_TYPE_AAAA, WIRE_CLASS_IN, WIRE_RD | WIRE_AD);
	expect(&x, &view, WIRE_RCODE_NXDOMAIN, WIRE_RD | WIRE_RA | WIRE_AD);
	question_flags(&x, "nowhere.", WIRE_TYPE_AAAA, WIRE_CLASS_IN, WIRE_RD);
	add_edns(&x, 1232, true, 0, "", 0);
	expect(&x, &view, WIRE_RCODE_NXDOMAIN, WIRE_RD | WIRE_RA | WIRE_AD);
	assert_true(x.reader.read[WIRE_AUTHORITY] > 1); /* with its proof */
	view.root_signed = false;
	expect(&x, &view, WIRE_RCODE_NXDOMAIN, WIRE_RD | WIRE_RA);
	/* what the root delegates or holds is the resolver's, so is what somebody else has the last word on */
	static const char *const others[] = {"x.test.", "test.", ".", "a.root.", "corp.", "www.corp."};
	view.elsewhere = elsewhere;
	view.n_elsewhere = 1;
	for (size_t i = 0; i < ARRAY_SIZE(others); i++) {
		view.n_zones = 0;
		question_flags(&x, others[i], WIRE_TYPE_A, WIRE_CLASS_IN, WIRE_RD);
		assert_int_equal(ask(&x, &view), ANSWER_RECURSE);
	}
	/* a stranger learns nothing */
	question_flags(&x, "nowhere.", WIRE_TYPE_A, WIRE_CLASS_IN, WIRE_RD);
	x.peer = "192.0.2.77";
	expect(&x, &view, WIRE_RCODE_REFUSED, WIRE_RD);
}

static void test_recursion(void **state)
{
	struct answer_zone table[3];
	struct answer_view view = view_of(2, table);
	struct exchange x;
	view.recursion = true;
	view.allow.item = loopback;
	view.allow.n = 1;
	question_flags(&x, "WWW.Elsewhere.", WIRE_TYPE_AAAA, WIRE_CLASS_IN, WIRE_RD | WIRE_CD);
	add_edns(&x, 4096, true, 0, "\0\3\0\0", 4);
	assert_int_equal(ask(&x, &view), ANSWER_RECURSE);
	assert_int_equal(x.pending.id, 0x4711);
	assert_int_equal(x.pending.flags, WIRE_RD | WIRE_CD);
	assert_int_equal(x.pending.qtype, WIRE_TYPE_AAAA);
	assert_int_equal(x.pending.udp_size, 1232);
	assert_true(x.pending.edns && x.pending.dnssec && x.pending.nsid && !x.pending.tcp);
	assert_memory_equal(x.pending.qname, "\3WWW\11Elsewhere", 15);
	/* a stranger, and one who does not ask for it */
	x.peer = "192.0.2.77";
	expect(&x, &view, WIRE_RCODE_REFUSED, WIRE_RD);
	assert_true(has_option(&x, WIRE_OPTION_EDE, "\0\22", 2)); /* 18, prohibited */
	question_flags(&x, "www.elsewhere.", WIRE_TYPE_A, WIRE_CLASS_IN, 0);
	expect(&x, &view, WIRE_RCODE_REFUSED, WIRE_RA);
	/* what the zone has comes from the zone; what it delegates is resolved, for who may */
	question_flags(&x, "ns.test.", WIRE_TYPE_A, WIRE_CLASS_IN, WIRE_RD);
	expect_counts(&x, &view, WIRE_AA | WIRE_RA | WIRE_RD, 1, 0, 0);
	question_flags(&x, "a.test.", WIRE_TYPE_A, WIRE_CLASS_IN, WIRE_RD);
	expect(&x, &view, WIRE_RCODE_NXDOMAIN, WIRE_AA | WIRE_RA | WIRE_RD);
	question_flags(&x, "www.child.test.", WIRE_TYPE_A, WIRE_CLASS_IN, WIRE_RD);
	assert_int_equal(ask(&x, &view), ANSWER_RECURSE);
	x.peer = "192.0.2.77";
	expect_counts(&x, &view, WIRE_RD, 0, 1, 1);
	view.recursion = false;
	question_flags(&x, "www.elsewhere.", WIRE_TYPE_A, WIRE_CLASS_IN, WIRE_RD);
	expect(&x, &view, WIRE_RCODE_REFUSED, WIRE_RD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_silence),
		cmocka_unit_test(test_errors),
		cmocka_unit_test(test_tsig),
		cmocka_unit_test(test_edns),
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_chaos),
		cmocka_unit_test(test_zones),
		cmocka_unit_test(test_ds_at_cut),
		cmocka_unit_test(test_not_loaded),
		cmocka_unit_test(test_copies_in_trouble),
		cmocka_unit_test(test_root_in_trouble),
		cmocka_unit_test(test_many_zones),
		cmocka_unit_test(test_recursion),
		cmocka_unit_test(test_root_denials),
	};
	return cmocka_run_group_tests(tests, load, unload);
}
