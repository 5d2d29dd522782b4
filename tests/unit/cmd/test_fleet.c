// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan status --fleet: what a daemon says of itself is read, and nodes are judged by it. */
#include "test.h"

#include "cmd/banyan/fleet.h"

#define ONES                                                                                                           \
	"1111111111111111"                                                                                             \
	"1111111111111111"
#define DIGEST_1                                                                                                       \
	"00000001"                                                                                                     \
	"0101" ONES ONES ONES
#define AT_1 1000000
#define AT_2 2000000
#define AT_4 4000000

/* SIMPLE, SHA-384, of this serial, all bytes the same. */
static void digest(uint32_t serial, uint8_t fill, struct fleet_digests *ret)
{
	uint8_t data[54];
	struct wire_rdata rdata = {data, sizeof data};
	struct wire_rrset set = {.count = 1, .rdata = &rdata};
	memset(data, fill, sizeof data);
	wire_put32(data, serial);
	data[4] = data[5] = 1;
	fleet_digests_of(&set, ret);
}

/* Versions 1, 2 and 4 with a digest each. */
static struct fleet_master *master_new(bool is_signed)
{
	static const struct {
		uint32_t serial;
		int64_t at_ms;
	} versions[] = {{1, AT_1}, {2, AT_2}, {4, AT_4}};
	struct fleet_master *master = calloc(1, sizeof *master);
	master->is_signed = is_signed;
	master->has_history = true;
	for (size_t i = 0; i < ARRAY_SIZE(versions); i++) {
		struct fleet_version version = {.serial = versions[i].serial, .at_ms = versions[i].at_ms};
		digest(version.serial, (uint8_t)version.serial, &version.digests);
		fleet_master_offer(master, &version);
	}
	assert_int_equal(master->n, 3);
	return master;
}

static struct fleet_node node_of(uint32_t serial, enum fleet_proof proof, uint8_t fill)
{
	struct fleet_node node = {
		.heard = true,
		.has_serial = true,
		.serial = serial,
		.asked_digest = true,
		.has_digest_reply = true,
		.soa_proof = proof,
		.digest_proof = proof,
		.asked_ms = AT_4 + 5000,
	};
	digest(serial, fill, &node.digests);
	return node;
}

struct expected {
	enum fleet_state state;
	const char *reason;
	uint32_t behind;
	int64_t lag_ms;
	bool at_least;
};

static void judged(const struct fleet_master *master, struct fleet_node node, const struct expected *expected)
{
	fleet_judge(master, &node, 0);
	assert_string_equal(fleet_state_text(node.state), fleet_state_text(expected->state));
	assert_string_equal(node.reason == NULL ? "" : node.reason, expected->reason == NULL ? "" : expected->reason);
	assert_int_equal(node.behind, expected->behind);
	assert_int_equal(node.lag_at_least, expected->at_least);
	if (expected->lag_ms > 0)
		assert_int_equal(node.lag_ms, expected->lag_ms);
}

static void test_signed_zone(void **state)
{
	struct fleet_master *master = master_new(true);
	const struct {
		uint32_t serial;
		enum fleet_proof proof;
		uint8_t fill;
		struct expected expected;
	} rows[] = {
		{4, FLEET_GOOD, 4, {FLEET_CURRENT, NULL, 0, 0, false}},
		{4, FLEET_OLD, 4, {FLEET_CURRENT, "signature-dates", 0, 0, false}},
		{4, FLEET_UNCHECKED, 4, {FLEET_CURRENT, NULL, 0, 0, false}},
		{2, FLEET_GOOD, 2, {FLEET_BEHIND, NULL, 1, 5000, false}},
		{1, FLEET_GOOD, 1, {FLEET_BEHIND, NULL, 2, AT_4 + 5000 - AT_2, false}},
		/* a key that has been rolled since: the digest is the master's own */
		{1, FLEET_UNKNOWN_KEY, 1, {FLEET_BEHIND, NULL, 2, AT_4 + 5000 - AT_2, false}},
		/* from before the history begins; the number may go round (RFC 1982) */
		{0, FLEET_GOOD, 7, {FLEET_BEHIND, NULL, 3, AT_4 + 5000 - AT_1, true}},
		{0xfffffff0, FLEET_GOOD, 7, {FLEET_BEHIND, NULL, 3, AT_4 + 5000 - AT_1, true}},
		/* signed, and never offered here: somebody else publishes, or the master itself is behind */
		{3, FLEET_GOOD, 7, {FLEET_BEHIND, "signed-by-others", 1, 5000, false}},
		{5, FLEET_GOOD, 7, {FLEET_AHEAD, "signed-ahead", 0, 0, false}},
		{4, FLEET_GOOD, 7, {FLEET_LIES, "digest-differs", 0, 0, false}},
		{1, FLEET_GOOD, 7, {FLEET_LIES, "digest-differs", 0, 0, false}},
		{4, FLEET_BAD, 4, {FLEET_LIES, "signature-bad", 0, 0, false}},
		{4, FLEET_UNSIGNED, 4, {FLEET_LIES, "unsigned", 0, 0, false}},
		{3, FLEET_UNKNOWN_KEY, 7, {FLEET_LIES, "signature-of-other-key", 0, 0, false}},
		{5, FLEET_BAD, 7, {FLEET_LIES, "signature-bad", 0, 0, false}},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		judged(master, node_of(rows[i].serial, rows[i].proof, rows[i].fill), &rows[i].expected);
	free(master);
}

static void test_unsigned_zone(void **state)
{
	struct fleet_master *master = master_new(false);
	judged(master, node_of(4, FLEET_NOT_ASKED, 4), &(struct expected){.state = FLEET_CURRENT});
	judged(master, node_of(5, FLEET_NOT_ASKED, 5), &(struct expected){FLEET_LIES, "serial-ahead", 0, 0, false});
	judged(master, node_of(3, FLEET_NOT_ASKED, 3),
	       &(struct expected){FLEET_LIES, "serial-never-offered", 0, 0, false});
	judged(master, node_of(0, FLEET_NOT_ASKED, 3), &(struct expected){FLEET_BEHIND, NULL, 3, 0, true});
	free(master);
}

static void test_replies(void **state)
{
	struct fleet_master *master = master_new(true);
	struct fleet_node node = node_of(4, FLEET_GOOD, 4);
	node.heard = node.has_serial = false;
	judged(master, node, &(struct expected){FLEET_SILENT, "unreachable", 0, 0, false});
	node.heard = true;
	judged(master, node, &(struct expected){FLEET_FAILS, "no-zone", 0, 0, false});
	node.is_malformed = true;
	judged(master, node, &(struct expected){FLEET_FAILS, "malformed", 0, 0, false});
	node = node_of(4, FLEET_GOOD, 4);
	node.has_digest_reply = false;
	judged(master, node, &(struct expected){FLEET_FAILS, "no-digest-reply", 0, 0, false});
	node = node_of(4, FLEET_GOOD, 4);
	node.digests.n = 0;
	judged(master, node, &(struct expected){FLEET_LIES, "digest-missing", 0, 0, false});
	node = node_of(4, FLEET_GOOD, 4);
	digest(2, 2, &node.digests);
	judged(master, node, &(struct expected){FLEET_LIES, "serial-of-digest", 0, 0, false});
	free(master);
}

/* What was offered after the node was asked it need not have. */
static void test_asked_before(void **state)
{
	struct fleet_master *master = master_new(true);
	struct fleet_node node = node_of(2, FLEET_GOOD, 2);
	node.asked_ms = AT_4 - 1;
	judged(master, node, &(struct expected){.state = FLEET_CURRENT});
	node = node_of(4, FLEET_GOOD, 4);
	node.asked_ms = AT_4 - 1; /* it came while the question was on its way */
	judged(master, node, &(struct expected){.state = FLEET_CURRENT});
	node = node_of(1, FLEET_GOOD, 1);
	node.asked_ms = AT_4 - 1;
	judged(master, node, &(struct expected){FLEET_BEHIND, NULL, 1, AT_4 - 1 - AT_2, false});
	free(master);
}

/* ---- versions with dates: of a day each, offered two hours ahead, valid for two days ---- */
#define HOUR (INT64_C(3600))
#define DAY  (24 * HOUR)
#define ZERO (INT64_C(1700000000)) /* when version 1 begins */

static struct fleet_version dated(uint32_t serial, int64_t at_s)
{
	struct fleet_version version = {.serial = serial, .at_ms = at_s * 1000};
	version.valid_from = ZERO + (serial - 1) * DAY;
	version.valid_until = version.valid_from + 2 * DAY;
	digest(serial, (uint8_t)serial, &version.digests);
	return version;
}

/* A master that serves each version as soon as it is there: 1, 2 and 3, the last one two hours ahead. */
static struct fleet_master *master_dated(void)
{
	struct fleet_master *master = calloc(1, sizeof *master);
	master->is_signed = master->has_history = true;
	for (uint32_t i = 1; i <= 3; i++) {
		struct fleet_version version = dated(i, ZERO + (i - 1) * DAY - 2 * HOUR);
		fleet_master_offer(master, &version);
	}
	assert_true(master->is_dated);
	return master;
}

static struct fleet_node dated_node(uint32_t serial, int64_t asked_s)
{
	struct fleet_version version = dated(serial, 0);
	struct fleet_node node = node_of(serial, FLEET_GOOD, (uint8_t)serial);
	node.asked_ms = asked_s * 1000;
	node.valid_from = version.valid_from;
	node.valid_until = version.valid_until;
	return node;
}

/* Nobody is behind a version whose time has not come, and nobody wrong who has it already. */
static void test_offered_ahead(void **state)
{
	struct fleet_master *master = master_dated();
	const int64_t third = ZERO + 2 * DAY;
	const struct {
		uint32_t serial;
		int64_t asked;
		struct expected expected;
	} rows[] = {
		{2, third - HOUR, {FLEET_CURRENT, NULL, 0, 0, false}},
		{3, third - HOUR, {FLEET_CURRENT, "next-version", 0, 0, false}},
		{1, third - HOUR, {FLEET_BEHIND, NULL, 1, (DAY - HOUR) * 1000, false}},
		{3, third, {FLEET_CURRENT, NULL, 0, 0, false}},
		{2, third + 60, {FLEET_BEHIND, NULL, 1, 60000, false}}, /* not two hours and a minute */
		{1, third + 60, {FLEET_FAILS, "version-expired", 2, (DAY + 60) * 1000, false}},
		{3, third + 2 * DAY - 1, {FLEET_CURRENT, NULL, 0, 0, false}},
		{3, third + 2 * DAY, {FLEET_FAILS, "version-expired", 0, 0, false}},
		/* one that this master has never had: ahead of its time it is the next one, later somebody else's */
		{4, third + DAY - HOUR, {FLEET_CURRENT, "next-version", 0, 0, false}},
		{4, third + DAY, {FLEET_AHEAD, "signed-ahead", 0, 0, false}},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		judged(master, dated_node(rows[i].serial, rows[i].asked), &rows[i].expected);
	struct fleet_node node = dated_node(2, third + 60);
	fleet_judge(master, &node, 61000);
	assert_true(node.in_grace);
	free(master);
}

/* A master that turns to each version when its time has come knows nothing of the next one; one that is asked by DNS knows the last one alone. */
static void test_offered_ahead_of_the_master(void **state)
{
	struct fleet_master *turns = calloc(1, sizeof *turns), *dns = calloc(1, sizeof *dns);
	const int64_t third = ZERO + 2 * DAY;
	struct fleet_version second = dated(2, ZERO + DAY + 1), last = dated(3, 0);
	turns->is_signed = turns->has_history = dns->is_signed = true;
	fleet_master_offer(turns, &second);
	judged(turns, dated_node(3, third - HOUR), &(struct expected){FLEET_CURRENT, "next-version", 0, 0, false});
	judged(turns, dated_node(3, third + 1), &(struct expected){FLEET_AHEAD, "signed-ahead", 0, 0, false});
	struct fleet_node forged = dated_node(3, third - HOUR);
	forged.soa_proof = forged.digest_proof = FLEET_UNKNOWN_KEY;
	judged(turns, forged, &(struct expected){FLEET_LIES, "signature-of-other-key", 0, 0, false});
	fleet_master_offer(dns, &last);
	assert_null(fleet_version_at(dns, (third - HOUR) * 1000));
	judged(dns, dated_node(3, third - HOUR), &(struct expected){FLEET_CURRENT, "next-version", 0, 0, false});
	judged(dns, dated_node(2, third - HOUR), &(struct expected){.state = FLEET_CURRENT});
	judged(dns, dated_node(2, third + 5), &(struct expected){FLEET_BEHIND, NULL, 1, 5000, true});
	struct fleet_node plain = dated_node(2, third - HOUR);
	plain.valid_from = plain.valid_until = 0; /* it says nothing of dates */
	judged(dns, plain, &(struct expected){FLEET_BEHIND, NULL, 1, 0, true});
	free(turns);
	free(dns);
}

static void test_grace(void **state)
{
	struct fleet_master *master = master_new(true);
	struct fleet_node node = node_of(2, FLEET_GOOD, 2);
	fleet_judge(master, &node, 5000);
	assert_false(node.in_grace);
	fleet_judge(master, &node, 5001);
	assert_true(node.in_grace);
	node = node_of(0, FLEET_GOOD, 2); /* nobody knows for how long */
	fleet_judge(master, &node, INT64_MAX);
	assert_false(node.in_grace);
	free(master);
}

/* ---- data ---- */

struct line {
	enum wire_section section;
	const char *owner;
	uint16_t type;
	uint32_t ttl;
	const char *hex; /* RDATA; names in it are written in full */
};

/* A reply about sub.example. NS; the last line has no owner. */
static struct fleet_reply *reply_of(uint16_t flags, const struct line *line)
{
	static struct fleet_reply reply;
	static uint8_t msg[4096];
	struct wire_writer writer;
	uint8_t name[WIRE_NAME_MAX], data[256];
	assert_int_equal(wire_writer_init(&writer, msg, sizeof msg, 7, (uint16_t)(WIRE_QR | flags)), 0);
	assert_true(wire_name_parse("sub.example", name) > 0);
	assert_int_equal(wire_writer_question(&writer, name, WIRE_TYPE_NS, WIRE_CLASS_IN), 0);
	for (; line->owner != NULL; line++) {
		size_t len = 0;
		for (const char *p = line->hex; *p != 0; p += 2)
			assert_int_equal(sscanf(p, "%2hhx", &data[len++]), 1);
		struct wire_rdata rdata = {data, (uint16_t)len};
		assert_true(wire_name_parse(line->owner, name) > 0);
		assert_int_equal(
			wire_writer_record(&writer, line->section, name, line->type, WIRE_CLASS_IN, line->ttl, &rdata),
			0);
	}
	memset(&reply, 0, sizeof reply);
	reply.rcode = flags & WIRE_RCODE_MASK;
	reply.msg = msg;
	reply.len = wire_writer_finish(&writer);
	return &reply;
}

#define NS_1 "036e733103737562076578616d706c6500" /* ns1.sub.example. */
#define NS_2 "036e733203737562076578616d706c6500"
#define DS   "00010d0200112233"

#define LINE_NS_1                                                                                                      \
	{                                                                                                              \
		WIRE_AUTHORITY, "sub.example", WIRE_TYPE_NS, 300, NS_1                                                 \
	}
#define LINE_NS_2                                                                                                      \
	{                                                                                                              \
		WIRE_AUTHORITY, "sub.example", WIRE_TYPE_NS, 300, NS_2                                                 \
	}
#define LINE_DS                                                                                                        \
	{                                                                                                              \
		WIRE_AUTHORITY, "sub.example", WIRE_TYPE_DS, 300, DS                                                   \
	}
#define LINE_A                                                                                                         \
	{                                                                                                              \
		WIRE_ADDITIONAL, "ns1.sub.example", WIRE_TYPE_A, 300, "c0000201"                                       \
	}

static void test_data(void **state)
{
	static const struct line truth[] = {LINE_NS_1, LINE_NS_2, LINE_DS, LINE_A, {.owner = NULL}};
	static const struct {
		enum fleet_data expected;
		uint16_t flags;
		struct line line[6];
	} rows[] = {
		{FLEET_DATA_SAME, 0, {LINE_NS_1, LINE_NS_2, LINE_DS, LINE_A}},
		/* another order, another case, no glue, glue of others, sets that were not asked for */
		{FLEET_DATA_SAME, 0, {LINE_DS, LINE_NS_2, {WIRE_AUTHORITY, "SUB.example", WIRE_TYPE_NS, 300, NS_1}}},
		{FLEET_DATA_SAME,
		 0,
		 {LINE_NS_1, LINE_NS_2, LINE_DS, {WIRE_ADDITIONAL, "ns9.example", WIRE_TYPE_A, 300, "c0000209"}}},
		{FLEET_DATA_DIFFERS, 0, {LINE_NS_1, LINE_DS, LINE_A}},
		{FLEET_DATA_DIFFERS, 0, {LINE_NS_1, LINE_NS_2, LINE_A}},
		{FLEET_DATA_DIFFERS,
		 0,
		 {LINE_NS_1,
		  LINE_NS_2,
		  LINE_DS,
		  {WIRE_AUTHORITY, "sub.example", WIRE_TYPE_DS, 300, "00020d0200112233"}}},
		{FLEET_DATA_DIFFERS, 0, {LINE_NS_1, LINE_NS_2, {WIRE_AUTHORITY, "sub.example", WIRE_TYPE_DS, 301, DS}}},
		{FLEET_DATA_DIFFERS,
		 0,
		 {LINE_NS_1, LINE_NS_2, LINE_DS, {WIRE_ADDITIONAL, "ns1.sub.example", WIRE_TYPE_A, 300, "c0000202"}}},
		{FLEET_DATA_DIFFERS,
		 0,
		 {{WIRE_ANSWER, "sub.example", WIRE_TYPE_CNAME, 300, NS_1}, LINE_NS_1, LINE_NS_2, LINE_DS}},
		{FLEET_DATA_DIFFERS, WIRE_RCODE_NXDOMAIN, {LINE_NS_1, LINE_NS_2, LINE_DS, LINE_A}},
		{FLEET_DATA_DIFFERS, WIRE_AA, {{.owner = NULL}}},
		{FLEET_DATA_REFUSED, WIRE_RCODE_REFUSED, {{.owner = NULL}}},
		{FLEET_DATA_REFUSED, WIRE_RCODE_SERVFAIL, {{.owner = NULL}}},
		/* who serves sub.example., too, says himself who its servers are */
		{FLEET_DATA_CHILD, WIRE_AA, {{WIRE_ANSWER, "sub.example", WIRE_TYPE_NS, 60, NS_2}}},
		{FLEET_DATA_DIFFERS, 0, {{WIRE_ANSWER, "sub.example", WIRE_TYPE_NS, 60, NS_2}}},
	};
	struct fleet *fleet = calloc(1, sizeof *fleet);
	struct fleet_reply *sample = reply_of(0, truth);
	assert_int_equal(fleet_sample_take(&fleet->master, sample->msg, sample->len), 0);
	assert_int_equal(fleet->master.n_samples, 1);
	assert_int_equal(fleet->master.sample[0].type, WIRE_TYPE_NS);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		for (int again = 0; again < 2; again++)
			assert_int_equal(fleet_data_look(fleet, 0, true, reply_of(rows[i].flags, rows[i].line), 0),
					 rows[i].expected);
	/* what is no message was not the true one either */
	struct fleet_reply *cut = reply_of(0, truth);
	cut->len -= 3;
	assert_int_equal(fleet_data_look(fleet, 0, true, cut, 0), FLEET_DATA_DIFFERS);
	fleet_master_done(&fleet->master);
	free(fleet);
}

/* Of a version that the samples are not of, signatures decide: what must have one and has none was not made by who holds the keys. */
static void test_data_of_another_version(void **state)
{
	static const struct line truth[] = {{WIRE_AUTHORITY, "sub.example", WIRE_TYPE_NS, 300, NS_1}, {.owner = NULL}};
	static const struct line bare[] = {{WIRE_AUTHORITY, "sub.example", WIRE_TYPE_NS, 300, NS_2},
					   {WIRE_AUTHORITY, "sub.example", WIRE_TYPE_DS, 300, DS},
					   {.owner = NULL}};
	struct fleet *fleet = calloc(1, sizeof *fleet);
	uint8_t key[4 + 64] = {1, 1, 3, 13, 5};
	struct wire_rdata rdata = {key, sizeof key};
	struct wire_rrset set = {.owner = (const uint8_t *)"\7example",
				 .type = WIRE_TYPE_DNSKEY,
				 .rclass = 1,
				 .count = 1,
				 .rdata = &rdata};
	struct dnssec_policy policy = {.now = 1700000000};
	assert_true(wire_name_parse("example", fleet->apex) > 0);
	assert_int_equal(dnssec_keyset_new(&set, &policy, &fleet->master.keys), 0);
	fleet->master.is_signed = true;
	struct fleet_reply *sample = reply_of(0, truth);
	assert_int_equal(fleet_sample_take(&fleet->master, sample->msg, sample->len), 0);
	assert_int_equal(fleet_data_look(fleet, 0, false, reply_of(0, truth), 0), FLEET_DATA_UNPROVED);
	assert_int_equal(fleet_data_look(fleet, 0, false, reply_of(0, bare), 0), FLEET_DATA_UNPROVED);
	fleet_master_done(&fleet->master);
	free(fleet);
}

static void test_lying_data(void **state)
{
	static const struct {
		enum fleet_data data;
		enum fleet_state state;
		const char *reason;
	} rows[] = {
		{FLEET_DATA_SAME, FLEET_CURRENT, NULL},
		{FLEET_DATA_PROVED, FLEET_CURRENT, NULL},
		{FLEET_DATA_CHILD, FLEET_CURRENT, NULL},
		{FLEET_DATA_DIFFERS, FLEET_LIES, "data-differs"},
		{FLEET_DATA_UNPROVED, FLEET_LIES, "data-unproved"},
		{FLEET_DATA_REFUSED, FLEET_FAILS, "no-data-reply"},
	};
	struct fleet_master *master = master_new(true);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct fleet_node node = node_of(4, FLEET_GOOD, 4);
		node.data = rows[i].data;
		judged(master, node, &(struct expected){rows[i].state, rows[i].reason, 0, 0, false});
	}
	/* what it says of its version comes first */
	struct fleet_node node = node_of(4, FLEET_GOOD, 7);
	node.data = FLEET_DATA_DIFFERS;
	judged(master, node, &(struct expected){FLEET_LIES, "digest-differs", 0, 0, false});
	fleet_master_done(master);
	free(master);
}

/* A register may name anybody; not everybody is asked. */
static void test_strangers(void **state)
{
	static const struct {
		const char *addr, *teller;
		bool may;
	} rows[] = {
		{"192.0.2.1", "192.0.2.2", true},
		{"2001:db8::1", "192.0.2.2", true},
		{"127.0.0.1", "127.0.0.2", true},
		{"127.0.0.1", "192.0.2.2", false},
		{"::1", "192.0.2.2", false},
		{"0.0.0.0", "192.0.2.2", false},
		{"::", "192.0.2.2", false},
		{"224.0.0.1", "192.0.2.2", false},
		{"255.255.255.255", "127.0.0.1", false},
		{"ff02::1", "2001:db8::1", false},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct addr addr, teller;
		assert_int_equal(addr_parse(rows[i].addr, 53, &addr), 0);
		assert_int_equal(addr_parse(rows[i].teller, 53, &teller), 0);
		assert_int_equal(fleet_may_ask(&addr, &teller), rows[i].may);
	}
}

/* ---- what a daemon says ---- */

static void test_master_text(void **state)
{
	struct fleet_master *master = calloc(1, sizeof *master);
	char why[FLEET_WHY_MAX];
	const char *text = "fleet 1\nnow 1700000000123\nidentity a node\nprogram Banyan 1\nfuture words\n"
			   "version 1 5 " DIGEST_1 "\nversion 2 7 -\npeer 192.0.2.1@5300 registered k.\n"
			   "peer 2001:db8::1@53 configured -\nend told\n";
	assert_int_equal(fleet_master_read(master, text), 0);
	assert_int_equal(master->now_ms, 1700000000123);
	assert_string_equal(master->identity, "a node");
	assert_int_equal(master->n, 2);
	assert_int_equal(master->version[0].digests.n, 1);
	assert_int_equal(master->version[0].digests.len[0], 54);
	assert_int_equal(master->version[1].at_ms, 7);
	assert_int_equal(master->n_peers, 2);
	assert_true(master->peer[0].registered && !master->peer[1].registered && master->tells);
	assert_int_equal(fleet_master_keys(master, (const uint8_t *)"", NULL, NULL, 0, 0, 0, why), 0);
	assert_false(master->is_signed);
	/* again: what was read before is gone, and a daemon that tells nobody says so */
	assert_int_equal(fleet_master_read(master, "fleet 1\nversion 3 9 -\nend nobody\n"), 0);
	assert_int_equal(master->n, 1);
	assert_int_equal(master->n_peers, 0);
	assert_false(master->tells);
	fleet_master_done(master);
	free(master);
}

static void test_master_text_dates(void **state)
{
	struct fleet_master *master = calloc(1, sizeof *master);
	assert_int_equal(fleet_master_read(master, "fleet 1\nversion 1 5 - 1700000000 1700172800\nversion 2 7 " DIGEST_1
						   " 1700086400 1700259200\nend told\n"),
			 0);
	assert_int_equal(master->n, 2);
	assert_true(master->is_dated);
	assert_int_equal(master->version[0].valid_from, 1700000000);
	assert_int_equal(master->version[1].valid_until, 1700259200);
	assert_int_equal(master->version[1].digests.n, 1);
	assert_int_equal(fleet_version_since(&master->version[0]), INT64_C(1700000000000));
	assert_int_equal(fleet_master_read(master, "fleet 1\nversion 3 9 -\nend nobody\n"), 0);
	assert_false(master->is_dated);
	fleet_master_done(master);
	free(master);
}

static void test_master_text_wrong(void **state)
{
	static const char *const texts[] = {
		"",
		"fleet 2\nend told\n",
		"fleet 1\nend told\n",      /* no version */
		"fleet 1\nversion 1 5 -\n", /* cut off */
		"fleet 1\nversion 4294967296 5 -\nend told\n",
		"fleet 1\nversion 1 x -\nend told\n",
		"fleet 1\nversion 1 5 zz\nend told\n",
		"fleet 1\nversion 1 5 - 7\nend told\n", /* one date alone */
		"fleet 1\nversion 1 5 - 7 x\nend told\n",
		"fleet 1\nversion 1 5 - 7 8 9\nend told\n",
		"fleet 1\nversion 1 5 - 7 999999999999999999\nend told\n",
		"fleet 1\nversion 1 5 -\nsample 00\nend told\n",
		"fleet 1\nversion 1 5 -\nsample 000080000001000000000000\nend told\n",
		"fleet 1\nversion 1 5 -\npeer nobody registered -\nend told\n",
		"fleet 1\nversion 1 5 -\ndnskey 300 0\nend told\n",
		"fleet 1\nversion 1 5 -\nnow x\nend told\n",
	};
	struct fleet_master *master = calloc(1, sizeof *master);
	for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
		assert_int_equal(fleet_master_read(master, texts[i]), BANYAN_EMALF);
	fleet_master_done(master);
	free(master);
}

static void test_history_is_bounded(void **state)
{
	struct fleet_master *master = calloc(1, sizeof *master);
	for (uint32_t i = 0; i < 3 * FLEET_VERSIONS_MAX; i++) {
		struct fleet_version version = {.serial = i / 2, .at_ms = i};
		fleet_master_offer(master, &version); /* each twice: once is enough */
	}
	assert_int_equal(master->n, FLEET_VERSIONS_MAX);
	assert_int_equal(master->version[master->n - 1].serial, 3 * FLEET_VERSIONS_MAX / 2 - 1);
	fleet_master_done(master);
	free(master);
}

/* Digests of other schemes and hashes, and those of a wrong length, compare with nothing. */
static void test_digests(void **state)
{
	uint8_t data[3][80] = {{0}};
	struct wire_rdata rdata[3] = {{data[0], 54}, {data[1], 70}, {data[2], 53}};
	struct wire_rrset set = {.count = 3, .rdata = rdata};
	struct fleet_digests digests;
	for (int i = 0; i < 3; i++) {
		data[i][4] = 1;
		data[i][5] = i == 1 ? 2 : 1;
	}
	data[0][6] = 9;
	fleet_digests_of(&set, &digests);
	assert_int_equal(digests.n, 2);
	assert_int_equal(digests.len[0], 54);
	data[0][4] = 2;
	data[1][5] = 3;
	fleet_digests_of(&set, &digests);
	assert_int_equal(digests.n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_signed_zone),
		cmocka_unit_test(test_unsigned_zone),
		cmocka_unit_test(test_replies),
		cmocka_unit_test(test_asked_before),
		cmocka_unit_test(test_offered_ahead),
		cmocka_unit_test(test_offered_ahead_of_the_master),
		cmocka_unit_test(test_data),
		cmocka_unit_test(test_data_of_another_version),
		cmocka_unit_test(test_lying_data),
		cmocka_unit_test(test_grace),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_master_text),
		cmocka_unit_test(test_master_text_dates),
		cmocka_unit_test(test_master_text_wrong),
		cmocka_unit_test(test_history_is_bounded),
		cmocka_unit_test(test_digests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
