// SPDX-License-Identifier: GPL-3.0-or-later
/* Results of the resolver as replies: flags, EDNS, what is stripped, what is truncated. */
#include "test.h"

#include "answer/answer.h"

static const struct answer_view view = {.identity = "node-1", .version = "", .udp_size = 1232, .recursion = true};

static const uint8_t www[] = "\3www\7example";
static const uint8_t example[] = "\7example";

static struct answer_pending pending_default(void)
{
	struct answer_pending p = {.id = 0x1234,
				   .flags = WIRE_RD,
				   .qtype = WIRE_TYPE_A,
				   .qclass = WIRE_CLASS_IN,
				   .edns = true,
				   .udp_size = 1232,
				   .qname_len = sizeof(www)};
	memcpy(p.qname, "\3wWw\7exAmple", sizeof(www));
	return p;
}

struct reply {
	uint8_t msg[65535];
	int len;
	struct wire_reader reader;
	unsigned n[4]; /* records by section, without OPT */
	uint16_t types[256];
	unsigned n_types;
	uint32_t first_ttl;
};

static struct reply reply_of(const struct answer_view *v, const struct answer_pending *p,
			     const struct resolve_result *result, size_t cap)
{
	struct reply r = {0};
	struct wire_record rec;
	int rc;
	r.len = answer_from_result(v, p, result, r.msg, cap);
	assert_true(r.len > 0 && (size_t)r.len <= cap);
	assert_int_equal(wire_reader_init(&r.reader, r.msg, (size_t)r.len), 0);
	while ((rc = wire_reader_next(&r.reader, &rec)) > 0) {
		if (rec.type == WIRE_TYPE_OPT)
			continue;
		if (r.n_types == 0)
			r.first_ttl = rec.ttl;
		r.n[rec.section]++;
		r.types[r.n_types++] = rec.type;
	}
	assert_int_equal(rc, 0);
	return r;
}

/* The data of an EDNS option, or NULL. */
static const uint8_t *option_of(const struct reply *r, uint16_t code, size_t *ret_len)
{
	const uint8_t *p = r->msg + r->reader.opt_pos, *end = p + r->reader.opt_len;
	while (r->reader.has_edns && p < end) {
		size_t len = wire_get16(p + 2);
		if (wire_get16(p) == code) {
			*ret_len = len;
			return p + 4;
		}
		p += 4 + len;
	}
	return NULL;
}

static const uint8_t a_data[] = {192, 0, 2, 1};
static const struct wire_rdata a_rdata[] = {{a_data, 4}};
static const uint8_t sig_data[] = "\0\1\15\2\0\0\16\20\x7f\0\0\0\x60\0\0\0\0\1\7example\0signature-bytes-here";
static const struct wire_rdata sig_rdata[] = {{sig_data, sizeof(sig_data) - 1}};
static const struct wire_rrset a_set = {www, WIRE_TYPE_A, WIRE_CLASS_IN, 77, 1, a_rdata};
static const struct wire_rrset answers[] = {
	{www, WIRE_TYPE_A, WIRE_CLASS_IN, 77, 1, a_rdata},
	{www, WIRE_TYPE_RRSIG, WIRE_CLASS_IN, 77, 1, sig_rdata},
};

static void test_positive(void **state)
{
	struct answer_pending p = pending_default();
	struct resolve_result result = {.n_answer = 1, .answer = &a_set};
	struct reply r = reply_of(&view, &p, &result, 65535);
	assert_int_equal(r.reader.id, 0x1234);
	assert_int_equal(r.reader.flags, WIRE_QR | WIRE_RD | WIRE_RA);
	assert_int_equal(r.n[WIRE_ANSWER], 1);
	assert_int_equal(r.first_ttl, 77);
	assert_memory_equal(r.reader.qname, p.qname, sizeof(www)); /* case as asked: 0x20 */
	assert_true(r.reader.has_edns && r.reader.edns_udp_size == 1232);
	assert_int_equal(r.reader.opt_len, 0);
}

static void test_flags_echoed(void **state)
{
	struct answer_pending p = pending_default();
	struct resolve_result result = {.n_answer = 1, .answer = &a_set};
	p.flags = WIRE_CD;
	assert_int_equal(reply_of(&view, &p, &result, 65535).reader.flags, WIRE_QR | WIRE_RA | WIRE_CD);
	p.flags = WIRE_RD | WIRE_TC | WIRE_AA | 3; /* nothing else is taken over */
	assert_int_equal(reply_of(&view, &p, &result, 65535).reader.flags, WIRE_QR | WIRE_RA | WIRE_RD);
}

static void test_authentic_data(void **state)
{
	struct answer_pending p = pending_default();
	struct resolve_result result = {.n_answer = 1, .answer = &a_set, .authentic = true};
	assert_false(reply_of(&view, &p, &result, 65535).reader.flags & WIRE_AD); /* did not say it understands */
	p.dnssec = true;
	assert_true(reply_of(&view, &p, &result, 65535).reader.flags & WIRE_AD);
	p.dnssec = false;
	p.flags |= WIRE_AD;
	assert_true(reply_of(&view, &p, &result, 65535).reader.flags & WIRE_AD);
	result.authentic = false;
	p.dnssec = true;
	assert_false(reply_of(&view, &p, &result, 65535).reader.flags & WIRE_AD);
}

static void test_dnssec_records_stripped(void **state)
{
	struct answer_pending p = pending_default();
	struct resolve_result result = {.n_answer = 2, .answer = answers};
	assert_int_equal(reply_of(&view, &p, &result, 65535).n[WIRE_ANSWER], 1);
	p.dnssec = true;
	struct reply r = reply_of(&view, &p, &result, 65535);
	assert_int_equal(r.n[WIRE_ANSWER], 2);
	assert_true(r.reader.edns_do);
	p.dnssec = false;
	p.qtype = WIRE_TYPE_RRSIG; /* asked for */
	assert_int_equal(reply_of(&view, &p, &result, 65535).n[WIRE_ANSWER], 2);
	p.qtype = WIRE_TYPE_NSEC; /* another one */
	assert_int_equal(reply_of(&view, &p, &result, 65535).n[WIRE_ANSWER], 1);
}

static void test_without_edns(void **state)
{
	struct answer_pending p = pending_default();
	p.edns = false;
	p.udp_size = 512;
	struct resolve_result result = {.n_answer = 1, .answer = &a_set, .reason = REASON_NO_ROOT};
	assert_false(reply_of(&view, &p, &result, 65535).reader.has_edns);
	result.rcode = WIRE_RCODE_BADVERS; /* cannot be said without EDNS */
	assert_int_equal(reply_of(&view, &p, &result, 65535).reader.flags & WIRE_RCODE_MASK, WIRE_RCODE_SERVFAIL);
}

static void test_reason_as_extended_error(void **state)
{
	struct answer_pending p = pending_default();
	struct resolve_result result = {.rcode = WIRE_RCODE_SERVFAIL, .reason = REASON_NO_ROOT};
	struct reply r = reply_of(&view, &p, &result, 65535);
	size_t len = 0;
	const uint8_t *data = option_of(&r, WIRE_OPTION_EDE, &len);
	assert_non_null(data);
	assert_int_equal(wire_get16(data), reason_ede(REASON_NO_ROOT));
	assert_memory_equal(data + 2, "no-root: ", 9);
	assert_int_equal(r.reader.flags & WIRE_RCODE_MASK, WIRE_RCODE_SERVFAIL);
	result.reason = REASON_SYNTAX; /* has no code of RFC 8914 */
	r = reply_of(&view, &p, &result, 65535);
	assert_null(option_of(&r, WIRE_OPTION_EDE, &len));
}

/* How many extended errors there are; the one with this number has a text that begins so. */
static unsigned errors_of(const struct reply *r, uint16_t number, const char *text)
{
	const uint8_t *p = r->msg + r->reader.opt_pos, *end = p + r->reader.opt_len;
	unsigned n = 0;
	bool found = number == 0xffff;
	while (p < end) {
		size_t len = wire_get16(p + 2);
		n += wire_get16(p) == WIRE_OPTION_EDE;
		found = found || (wire_get16(p) == WIRE_OPTION_EDE && wire_get16(p + 4) == number &&
				  len >= 2 + strlen(text) && memcmp(p + 6, text, strlen(text)) == 0);
		p += 4 + len;
	}
	return found ? n : 0;
}

static void test_root_that_cannot_help(void **state)
{
	struct answer_pending p = pending_default();
	struct answer_view v = view;
	struct resolve_result result = {.rcode = WIRE_RCODE_SERVFAIL, .reason = REASON_NO_SERVERS};
	struct reply r = reply_of(&v, &p, &result, 65535);
	assert_int_equal(errors_of(&r, 22, "no-reachable-authority: "), 1);
	v.root_trouble = REASON_ROOT_EXPIRED;
	r = reply_of(&v, &p, &result, 65535);
	assert_int_equal(errors_of(&r, 22, "no-reachable-authority: "), 2);
	assert_int_equal(errors_of(&r, 0, "root-copy-expired: "), 2);
	v.root_trouble = REASON_ROOT_EMPTY;
	result.reason = REASON_NO_ROOT;
	r = reply_of(&v, &p, &result, 65535);
	assert_int_equal(errors_of(&r, 14, "root-copy-empty: "), 2);
	/* what has another cause, what did go well, and what a held copy could have helped with */
	result.reason = REASON_RRSIG_BOGUS;
	r = reply_of(&v, &p, &result, 65535);
	assert_int_equal(errors_of(&r, 6, "rrsig-bogus: "), 1);
	result = (struct resolve_result){.n_answer = 1, .answer = &a_set, .reason = REASON_STALE};
	r = reply_of(&v, &p, &result, 65535);
	assert_int_equal(errors_of(&r, 3, "stale: "), 1);
	v.root_trouble = REASON_COPY_HELD;
	result = (struct resolve_result){.rcode = WIRE_RCODE_SERVFAIL, .reason = REASON_NO_SERVERS};
	r = reply_of(&v, &p, &result, 65535);
	assert_int_equal(errors_of(&r, 22, ""), 1);
	p.edns = false;
	v.root_trouble = REASON_ROOT_EXPIRED;
	assert_false(reply_of(&v, &p, &result, 65535).reader.has_edns);
}

/* However long the name and the sentence are: there is a reply. */
static void test_errors_that_do_not_fit(void **state)
{
	struct answer_pending p = pending_default();
	struct answer_view v = view;
	char text[400];
	memset(text, 'x', sizeof text - 1);
	text[sizeof text - 1] = 0;
	struct resolve_result result = {.rcode = WIRE_RCODE_SERVFAIL, .reason = REASON_NO_SERVERS, .detail = text};
	v.root_trouble = REASON_ROOT_EXPIRED;
	p.qname_len = 0;
	for (unsigned i = 0; i < 3; i++) {
		p.qname[p.qname_len] = 63;
		memset(p.qname + p.qname_len + 1, 'a', 63);
		p.qname_len += 64;
	}
	memcpy(p.qname + p.qname_len, "\75aaaaaaaaaabbbbbbbbbbccccccccccddddddddddeeeeeeeeeefffffffffff", 63);
	p.qname_len = 255;
	p.qname[254] = 0;
	struct reply r = reply_of(&v, &p, &result, 512);
	assert_int_equal(errors_of(&r, 22, ""), 2);
	assert_int_equal(errors_of(&r, 0, "root-copy-expired: "), 2);
	for (uint16_t size = 512; size > 282; size--) { /* down to header, question and an empty OPT */
		p.udp_size = size;
		r = reply_of(&v, &p, &result, size);
		assert_true(errors_of(&r, 0xffff, "") <= 2);
	}
	p.tcp = true;
	r = reply_of(&v, &p, &result, 65535);
	assert_int_equal(errors_of(&r, 22, "no-reachable-authority: xxxx"), 2);
}

static void test_nsid(void **state)
{
	struct answer_pending p = pending_default();
	struct resolve_result result = {.n_answer = 1, .answer = &a_set};
	size_t len = 0;
	struct reply r = reply_of(&view, &p, &result, 65535);
	assert_null(option_of(&r, WIRE_OPTION_NSID, &len));
	p.nsid = true;
	r = reply_of(&view, &p, &result, 65535);
	const uint8_t *data = option_of(&r, WIRE_OPTION_NSID, &len);
	assert_non_null(data);
	assert_int_equal(len, 6);
	assert_memory_equal(data, "node-1", 6);
	struct answer_view off = view;
	off.identity = "";
	r = reply_of(&off, &p, &result, 65535);
	assert_null(option_of(&r, WIRE_OPTION_NSID, &len));
}

static void test_truncation(void **state)
{
	static uint8_t data[100][200];
	static struct wire_rdata rdata[100];
	for (int i = 0; i < 100; i++) {
		data[i][0] = 199;
		memset(data[i] + 1, 'a' + i % 26, 199);
		rdata[i] = (struct wire_rdata){data[i], 200};
	}
	const struct wire_rrset sets[] = {
		a_set,
		{www, WIRE_TYPE_TXT, WIRE_CLASS_IN, 60, 100, rdata},
	};
	struct answer_pending p = pending_default();
	struct resolve_result result = {.n_answer = 2, .answer = sets};
	struct reply r = reply_of(&view, &p, &result, 65535);
	assert_true(r.reader.flags & WIRE_TC);
	assert_true(r.len <= 1232);
	assert_int_equal(r.n[WIRE_ANSWER], 1); /* whole RRsets or nothing of them */
	assert_true(r.reader.has_edns);
	p.tcp = true;
	r = reply_of(&view, &p, &result, 65535);
	assert_false(r.reader.flags & WIRE_TC);
	assert_int_equal(r.n[WIRE_ANSWER], 101);
	p.tcp = false;
	/* what is of use only is left out without TC, the proof of a negative answer is not */
	const struct wire_rrset more = {example, WIRE_TYPE_TXT, WIRE_CLASS_IN, 60, 100, rdata};
	result = (struct resolve_result){.n_answer = 1, .answer = &a_set, .n_authority = 1, .authority = &more};
	assert_false(reply_of(&view, &p, &result, 65535).reader.flags & WIRE_TC);
	result = (struct resolve_result){.n_authority = 1, .authority = &more};
	assert_true(reply_of(&view, &p, &result, 65535).reader.flags & WIRE_TC);
}

static void test_size_of_every_client(void **state)
{
	struct answer_pending p = pending_default();
	const struct wire_rrset sets[] = {a_set, a_set, a_set, a_set, a_set, a_set, a_set, a_set};
	struct resolve_result result = {.n_answer = ARRAY_SIZE(sets), .answer = sets};
	for (uint16_t size = 64; size < 512; size++) { /* the limit holds to the byte */
		p.udp_size = size;
		reply_of(&view, &p, &result, size);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_positive),
		cmocka_unit_test(test_flags_echoed),
		cmocka_unit_test(test_authentic_data),
		cmocka_unit_test(test_dnssec_records_stripped),
		cmocka_unit_test(test_without_edns),
		cmocka_unit_test(test_reason_as_extended_error),
		cmocka_unit_test(test_root_that_cannot_help),
		cmocka_unit_test(test_errors_that_do_not_fit),
		cmocka_unit_test(test_nsid),
		cmocka_unit_test(test_truncation),
		cmocka_unit_test(test_size_of_every_client),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
