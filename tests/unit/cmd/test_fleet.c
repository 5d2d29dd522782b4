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
		cmocka_unit_test(test_grace),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_master_text),
		cmocka_unit_test(test_master_text_wrong),
		cmocka_unit_test(test_history_is_bounded),
		cmocka_unit_test(test_digests),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
