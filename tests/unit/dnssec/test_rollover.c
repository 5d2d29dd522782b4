// SPDX-License-Identifier: GPL-3.0-or-later
/* RFC 5011 in virtual time: the root's roll of 2026-10-11 and the revocation that follows it, sleepers, keys that come and go, an
 * attacker's key, clocks; and the state as text. The keys have the tags of the root's own. */
#include "../test.h"

#include "sign.h"

#include "dnssec/dnssec.h"

#define DAY  86400LL
#define HOUR 3600LL
#define TTL  172800
#define ROLL 1791676800LL /* 2026-10-11T00:00:00Z */

static struct test_key old, new, evil, zsk;
static int64_t now;
static struct dnssec_rollover state;
static struct dnssec_anchors configured;
static struct dnssec_rollover_report report;

static int keys_make(void **unused)
{
	(void)unused;
	test_key_p256("E0ABF819CBE659674AA8C7558E030379169B8142129E879F916A3B205A8D2C40",
		      "963E0FB26F94CEBA1F32BDD5C7AE2B7943DA5CF0CE3298FD737C8223EE86AADD48377CC1F71F41FAE48E819D12C6E944"
		      "9573DC2B57D887ED4E8BED285FD3B2B1",
		      257, &old);
	test_key_p256("7241BDB92AED76C123E2FB7D4C6DCBE64F709775C5690650B10B1DF9EC07E104",
		      "3D75752C2F532DCDD2441E87D5A840236131DB0D79132EBDD855CE6CB09CEC1FF02EFE9EC7A6406F268B53B584F5E2E3"
		      "B911593DF9C165B44DA4B9135BFBA7BA",
		      257, &new);
	test_key_p256("967CE8FA08EF47A2E53D39BC2A2A727399289EACA51CA8BA5FB099A8B044D265",
		      "2C46E75AEF3E3C2F9DA80ACC5DC230655AD4D3AB66BDF65422C00FD89663E82EA4DF8012CF7C44283318D2D3BE5FC2AA"
		      "B07C0DB6B1912176F47A5FFBE54AC356",
		      257, &evil);
	test_key_make(DNSSEC_ECDSAP256SHA256, 256, &zsk);
	assert_int_equal(old.tag, 20326);
	assert_int_equal(new.tag, 38696);
	return 0;
}

static int keys_done(void **unused)
{
	(void)unused;
	dnssec_anchors_done(&configured);
	test_key_done(&old);
	test_key_done(&new);
	test_key_done(&evil);
	test_key_done(&zsk);
	return 0;
}

static void configure(const struct test_key *key)
{
	uint8_t data[64];
	struct wire_rdata rdata = {data, test_key_ds(key, ".", 2, data)};
	assert_int_equal(dnssec_anchors_add(&configured, (const uint8_t *)"", WIRE_TYPE_DS, &rdata), 0);
}

static void begin(int64_t at)
{
	dnssec_anchors_done(&configured);
	dnssec_rollover_init(&state, (const uint8_t *)"");
	now = at;
}

static struct test_key revoked(const struct test_key *key)
{
	struct test_key copy = *key;
	test_key_flags(&copy, 257 | 128);
	return copy;
}

/* The zone's set as it stands now, with the signatures of some of its keys; NULL ends a list. */
static void see(const struct test_key *const *keys, const struct test_key *const *signers)
{
	static uint8_t sig[4][1200];
	struct wire_rdata rdata[8], sigs[4];
	struct wire_rrset set = {.owner = (const uint8_t *)"",
				 .type = WIRE_TYPE_DNSKEY,
				 .rclass = WIRE_CLASS_IN,
				 .ttl = TTL,
				 .rdata = rdata};
	struct test_rrsig how = {".", 0, TTL, (uint32_t)(now + 20 * DAY), (uint32_t)(now - DAY)};
	struct dnssec_policy policy = {.now = now, .nsec3_iterations_max = 50};
	size_t n_sigs = 0;
	for (; keys[set.count] != NULL; set.count++) {
		struct wire_rdata item = {keys[set.count]->rdata, keys[set.count]->len};
		uint32_t at = set.count;
		for (; at > 0 && wire_rdata_cmp(&rdata[at - 1], &item) > 0; at--)
			rdata[at] = rdata[at - 1];
		rdata[at] = item;
	}
	for (; signers[n_sigs] != NULL; n_sigs++)
		sigs[n_sigs] =
			(struct wire_rdata){sig[n_sigs], test_key_sign(signers[n_sigs], &how, ".", WIRE_TYPE_DNSKEY,
								       rdata, set.count, sig[n_sigs])};
	assert_int_equal(dnssec_rollover_update(&state, &configured, &policy, &set, sigs, n_sigs, &report), 0);
	if (report.proved) {
		assert_int_equal(state.proved, now);
		assert_string_equal(report.text, "");
	} else {
		assert_string_not_equal(report.text, "");
	}
	assert_true(state.next >= now + HOUR && state.next <= now + 15 * DAY);
}
#define KEYS(...)                                                                                                      \
	(const struct test_key *const[])                                                                               \
	{                                                                                                              \
		__VA_ARGS__, NULL                                                                                      \
	}

static enum dnssec_rollover_state state_of(const struct test_key *key)
{
	for (size_t i = 0; i < state.n; i++)
		if (memcmp(state.key[i].rdata + 4, key->rdata + 4, key->len - 4U) == 0)
			return state.key[i].state;
	return DNSSEC_ROLLOVER_START;
}

static bool is_trusted(const struct test_key *key)
{
	struct dnssec_anchors anchors = {0};
	struct wire_rdata rdata = {key->rdata, key->len};
	bool found = false;
	assert_int_equal(dnssec_rollover_anchors(&state, &configured, &anchors), 0);
	for (size_t i = 0; i < anchors.count; i++) {
		struct wire_rdata item = {anchors.item[i].rdata, anchors.item[i].len};
		found |= anchors.item[i].type == WIRE_TYPE_DS ? dnssec_ds_match((const uint8_t *)"", &item, &rdata) == 1
							      : wire_rdata_cmp(&item, &rdata) == 0;
	}
	dnssec_anchors_done(&anchors);
	return found;
}

/* Written, read and the same: as a restart would have it. */
static void restart(void)
{
	struct buffer text = {0};
	struct dnssec_text_error error;
	struct dnssec_rollover again;
	memset(&again, 0, sizeof again);
	assert_int_equal(dnssec_rollover_write(&state, &text), 0);
	assert_true(text.len < DNSSEC_ROLLOVER_TEXT_MAX);
	if (dnssec_rollover_read("state", (char *)text.data, text.len, (const uint8_t *)"", &again, &error) != 0)
		fail_msg("%s", error.text);
	assert_memory_equal(&again, &state, sizeof again);
	buffer_done(&text);
}

/* ---- the root ---- */

/* Both keys are known, as the built-in anchors have them: the roll is nothing but other signatures. */
static void roll_with_both_known(void **unused)
{
	(void)unused;
	struct test_key gone = revoked(&old);
	begin(ROLL - 60 * DAY);
	configure(&old);
	configure(&new);
	see(KEYS(&old, &new, &zsk), KEYS(&old));
	assert_true(report.proved && report.n == 2);
	assert_int_equal(state_of(&new), DNSSEC_ROLLOVER_VALID);
	assert_int_equal(state_of(&zsk), DNSSEC_ROLLOVER_START); /* no SEP bit: no anchor */
	now = ROLL;
	restart();
	see(KEYS(&old, &new, &zsk), KEYS(&new));
	assert_true(report.proved && report.n == 0);
	now = ROLL + 90 * DAY;
	assert_int_equal(gone.tag, 20326 + 128); /* the tag of a revoked key is another */
	see(KEYS(&gone, &new, &zsk), KEYS(&new, &gone));
	assert_true(report.proved && !report.deleted);
	assert_int_equal(state_of(&old), DNSSEC_ROLLOVER_REVOKED);
	assert_false(is_trusted(&old)); /* though it is configured */
	assert_true(is_trusted(&new));
	now += 29 * DAY;
	restart();
	see(KEYS(&new, &zsk), KEYS(&new));
	assert_int_equal(state_of(&old), DNSSEC_ROLLOVER_REVOKED);
	now += DAY;
	see(KEYS(&new, &zsk), KEYS(&new));
	assert_int_equal(state_of(&old), DNSSEC_ROLLOVER_REMOVED);
	/* and it does not come back, not even without its bit */
	now += 100 * DAY;
	see(KEYS(&old, &new, &zsk), KEYS(&old, &new));
	assert_true(report.proved);
	assert_int_equal(state_of(&old), DNSSEC_ROLLOVER_REMOVED);
	see(KEYS(&old, &zsk), KEYS(&old));
	assert_false(report.proved);
	assert_false(is_trusted(&old));
}

/* A resolver that knows the old key alone learns the new one while the root announces it. */
static void roll_learnt(void **unused)
{
	(void)unused;
	begin(ROLL - 300 * DAY);
	configure(&old);
	see(KEYS(&old, &new, &zsk), KEYS(&old));
	assert_int_equal(state_of(&new), DNSSEC_ROLLOVER_ADDPEND);
	assert_false(is_trusted(&new));
	/* a set that only the new key signs proves nothing yet */
	see(KEYS(&old, &new, &zsk), KEYS(&new));
	assert_false(report.proved);
	assert_false(report.outdated); /* the old one is still there */
	now += 30 * DAY - 1;
	see(KEYS(&old, &new, &zsk), KEYS(&old));
	assert_int_equal(state_of(&new), DNSSEC_ROLLOVER_ADDPEND);
	restart();
	now += 1;
	see(KEYS(&old, &new, &zsk), KEYS(&old));
	assert_int_equal(state_of(&new), DNSSEC_ROLLOVER_VALID);
	assert_true(is_trusted(&new));
	now = ROLL;
	see(KEYS(&old, &new, &zsk), KEYS(&new));
	assert_true(report.proved);
	/* the old one goes without a word: missing, and trusted still (section 4.2) */
	now += DAY;
	see(KEYS(&new, &zsk), KEYS(&new));
	assert_int_equal(state_of(&old), DNSSEC_ROLLOVER_MISSING);
	assert_true(is_trusted(&old));
	now += DAY;
	see(KEYS(&old, &new, &zsk), KEYS(&new));
	assert_int_equal(state_of(&old), DNSSEC_ROLLOVER_VALID);
}

/* It slept from before the new key was published until after the roll: it must say so, and what to do. */
static void roll_slept_through(void **unused)
{
	(void)unused;
	begin(ROLL - 900 * DAY);
	configure(&old);
	see(KEYS(&old, &zsk), KEYS(&old));
	restart();
	now = ROLL + 40 * DAY;
	see(KEYS(&new, &zsk), KEYS(&new));
	assert_false(report.proved);
	assert_true(report.outdated);
	assert_non_null(strstr(report.text, "(tags 20326) are outdated"));
	assert_non_null(strstr(report.text, "now 38696"));
	assert_non_null(strstr(report.text, "last proved 2024-04-24"));
	assert_non_null(strstr(report.text, "root-anchors.xml"));
	assert_int_equal(state_of(&new), DNSSEC_ROLLOVER_START); /* and learns nothing from it */
	assert_true(state.next <= now + DAY);
	/* it wakes up when the old key is still there, but signs no more */
	see(KEYS(&old, &new, &zsk), KEYS(&new));
	assert_false(report.proved);
	/* or when that is revoked: then nothing is left to start from */
	struct test_key gone = revoked(&old);
	see(KEYS(&gone, &new, &zsk), KEYS(&gone, &new));
	assert_false(report.proved);
	assert_true(report.deleted && report.outdated);
	assert_int_equal(state_of(&old), DNSSEC_ROLLOVER_REVOKED);
	/* what it is told to do helps */
	configure(&new);
	see(KEYS(&gone, &new, &zsk), KEYS(&gone, &new));
	assert_true(report.proved);
	assert_int_equal(state_of(&new), DNSSEC_ROLLOVER_VALID);
}

/* ---- keys that come and go ---- */

static void pending_key_vanishes(void **unused)
{
	(void)unused;
	begin(ROLL);
	configure(&old);
	see(KEYS(&old, &new), KEYS(&old));
	now += 29 * DAY;
	see(KEYS(&old), KEYS(&old));
	assert_int_equal(state_of(&new), DNSSEC_ROLLOVER_START);
	assert_int_equal(report.change[0].to, DNSSEC_ROLLOVER_START);
	now += 2 * DAY;
	see(KEYS(&old, &new), KEYS(&old));
	assert_int_equal(state_of(&new), DNSSEC_ROLLOVER_ADDPEND); /* from the start again */
	now += 29 * DAY;
	see(KEYS(&old, &new), KEYS(&old));
	assert_int_equal(state_of(&new), DNSSEC_ROLLOVER_ADDPEND);
	now += 2 * DAY;
	see(KEYS(&old, &new), KEYS(&old));
	assert_int_equal(state_of(&new), DNSSEC_ROLLOVER_VALID);
}

/* Who stole a key may sign sets for a while; the owner's own set in between takes the foreign key out (section 2.2). */
static void attackers_key(void **unused)
{
	(void)unused;
	begin(ROLL);
	configure(&old);
	for (unsigned day = 0; day < 29; day++) {
		see(KEYS(&old, &evil), KEYS(&old, &evil));
		assert_int_equal(state_of(&evil), DNSSEC_ROLLOVER_ADDPEND);
		assert_false(is_trusted(&evil));
		now += DAY;
	}
	see(KEYS(&old), KEYS(&old));
	assert_int_equal(state_of(&evil), DNSSEC_ROLLOVER_START);
	for (unsigned day = 0; day < 29; day++) {
		now += DAY;
		see(KEYS(&old, &evil), KEYS(&old));
		assert_false(is_trusted(&evil));
	}
	/* nobody is asked for 40 days: a key that is not seen does not ripen by itself */
	now += 40 * DAY;
	restart();
	assert_false(is_trusted(&evil));
	see(KEYS(&old), KEYS(&old));
	assert_false(is_trusted(&evil));
	/* a forged set moves nothing */
	see(KEYS(&evil, &new), KEYS(&evil, &new));
	assert_false(report.proved);
	assert_int_equal(state.n, 1);
}

/* Only the key itself revokes itself. */
static void revocation_by_others(void **unused)
{
	(void)unused;
	struct test_key gone = revoked(&old), pending = revoked(&evil);
	begin(ROLL);
	configure(&old);
	configure(&new);
	see(KEYS(&old, &new), KEYS(&new));
	see(KEYS(&gone, &new), KEYS(&new)); /* the bit, and no signature by it */
	assert_true(report.proved);
	assert_int_equal(state_of(&old), DNSSEC_ROLLOVER_MISSING);
	see(KEYS(&gone, &new), KEYS(&new, &old)); /* with the tag of the key that is not revoked */
	assert_int_equal(state_of(&old), DNSSEC_ROLLOVER_MISSING);
	see(KEYS(&old, &new, &evil), KEYS(&new));
	see(KEYS(&old, &new, &pending), KEYS(&new, &pending));
	assert_int_equal(state_of(&evil), DNSSEC_ROLLOVER_START);
	/* the set need not be proved: the key's own word is enough (section 2.1) */
	see(KEYS(&gone, &evil), KEYS(&gone, &evil));
	assert_false(report.proved);
	assert_int_equal(state_of(&old), DNSSEC_ROLLOVER_REVOKED);
	assert_true(is_trusted(&new));
}

static void clocks(void **unused)
{
	(void)unused;
	begin(ROLL);
	configure(&old);
	now += 10000 * DAY; /* the clock runs ahead when the key is seen */
	see(KEYS(&old, &new), KEYS(&old));
	now = ROLL;
	see(KEYS(&old, &new), KEYS(&old));
	assert_int_equal(state_of(&new), DNSSEC_ROLLOVER_ADDPEND);
	now += 30 * DAY; /* and is not held against it for ever */
	see(KEYS(&old, &new), KEYS(&old));
	assert_int_equal(state_of(&new), DNSSEC_ROLLOVER_VALID);
	/* section 2.3: half of the TTL, which is less than half of the signature's life */
	assert_int_equal(state.next - now, TTL / 2);
	assert_int_equal(state.retry_s, TTL / 10);
	dnssec_rollover_unanswered(&state, now);
	assert_int_equal(state.next - now, TTL / 10);
	/* anchors that are fixed do not roll */
	assert_true(dnssec_rollover_wanted(&configured, (const uint8_t *)""));
	configured.item[0].fixed = true;
	assert_false(dnssec_rollover_wanted(&configured, (const uint8_t *)""));
}

/* ---- the text ---- */
static void text_refused(void **unused)
{
	(void)unused;
	struct buffer text = {0};
	struct dnssec_text_error error = {0};
	struct dnssec_rollover out;
	begin(ROLL);
	configure(&old);
	see(KEYS(&old, &new), KEYS(&old));
	assert_int_equal(dnssec_rollover_write(&state, &text), 0);
	char *good = (char *)text.data;
	assert_non_null(strstr(good, "key VALID tag 20326 since 2026-10-11T00:00:00Z"));
	assert_non_null(strstr(
		good, "key ADDPEND tag 38696 since 2026-10-11T00:00:00Z until 2026-11-10T00:00:00Z DNSKEY 257 3 13 "));
	memset(&out, 0x55, sizeof out);
	/* cut anywhere */
	for (size_t len = 0; len + 1 < text.len; len += len + 80 < text.len ? 7 : 1)
		assert_true(dnssec_rollover_read("f", good, len, (const uint8_t *)"", &out, &error) < 0);
	assert_int_equal(out.n, (size_t)0x5555555555555555);
	/* another zone's */
	assert_int_equal(dnssec_rollover_read("f", good, text.len, (const uint8_t *)"\3org", &out, &error),
			 BANYAN_EMALF);
	assert_non_null(strstr(error.text, "f:4: the file is of another zone"));
	static const struct {
		const char *from, *to, *error;
	} cases[] = {
		{"rollover 1", "rollover 2", "f:3: it does not begin"},
		{"ADDPEND", "TRUSTED", "the state of a key is none of"},
		{"tag 38696", "tag 38697", "not the tag"},
		{"257 3 13 ", "257 3 14 ", "not the tag"},
		{"257 3 13 ", "385 3 13 ", "is not readable"},
		{"2026-11-10", "2026-19-10", "a date"},
		{"end 2", "end 1", "is not understood"},
		{"retry ", "retrx ", "is not understood"},
		{"next ", "nexx ", "is not understood"},
	};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		char copy[8192];
		snprintf(copy, sizeof copy, "%s", good);
		char *at = strstr(copy, cases[i].from);
		assert_non_null(at);
		memcpy(at, cases[i].to, strlen(cases[i].to));
		assert_true(dnssec_rollover_read("f", copy, strlen(copy), (const uint8_t *)"", &out, &error) < 0);
		if (strstr(error.text, cases[i].error) == NULL)
			fail_msg("%zu: %s", i, error.text);
	}
	for (enum dnssec_rollover_state s = DNSSEC_ROLLOVER_START; s <= DNSSEC_ROLLOVER_REMOVED; s++) {
		char words[160];
		struct dnssec_rollover_change change = {7, DNSSEC_ROLLOVER_ADDPEND, s, ROLL};
		assert_true(strlen(dnssec_rollover_change_text(&change, words)) > 10);
		assert_true(strncmp(words, "key 7: ", 7) == 0);
	}
	buffer_done(&text);
}

/* More keys than are kept: those in use stay. */
static void full(void **unused)
{
	(void)unused;
	begin(ROLL);
	configure(&old);
	for (unsigned round = 0; round < 12; round++) {
		struct test_key many[4];
		for (size_t i = 0; i < ARRAY_SIZE(many); i++)
			test_key_make(DNSSEC_ECDSAP256SHA256, 257, &many[i]);
		see(KEYS(&old, &many[0], &many[1], &many[2], &many[3]), KEYS(&old));
		now += 31 * DAY;
		see(KEYS(&old, &many[0], &many[1], &many[2], &many[3]), KEYS(&old));
		now += DAY;
		for (size_t i = 0; i < ARRAY_SIZE(many); i++)
			test_key_done(&many[i]);
	}
	assert_int_equal(state.n, DNSSEC_ROLLOVER_KEYS_MAX);
	assert_true(is_trusted(&old));
	restart();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roll_with_both_known),
		cmocka_unit_test(roll_learnt),
		cmocka_unit_test(roll_slept_through),
		cmocka_unit_test(pending_key_vanishes),
		cmocka_unit_test(attackers_key),
		cmocka_unit_test(revocation_by_others),
		cmocka_unit_test(clocks),
		cmocka_unit_test(text_refused),
		cmocka_unit_test(full),
	};
	return cmocka_run_group_tests(tests, keys_make, keys_done);
}
