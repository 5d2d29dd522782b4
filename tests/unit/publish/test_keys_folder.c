// SPDX-License-Identifier: GPL-3.0-or-later
/* Keys on disk, and a KSK that is offline: what is refused, and years of ceremonies. */
#include "../test.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "failing_disk.h"
#include "publish/keys/keys.h"

#define DAY   86400LL
#define START 1790000000LL
#define ZONE  ((const uint8_t *)"\7example")

static char top[64], online[96], offline[96];
static char why[KEYS_WHY_MAX];

static int setup(void **state)
{
	snprintf(top, sizeof top, "/tmp/banyan-keys-XXXXXX");
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(online, sizeof online, "%s/online", top);
	snprintf(offline, sizeof offline, "%s/offline", top);
	return 0;
}

static int teardown(void **state)
{
	char command[128];
	snprintf(command, sizeof command, "rm -rf '%s'", top);
	return system(command);
}

static struct keys_folder *must_open(const char *path, const struct keys_policy *policy)
{
	struct keys_folder *folder = NULL;
	struct keys_open how = {.path = path, .apex = ZONE, .policy = policy, .write = true};
	if (keys_open(&how, &folder, why) != 0)
		fail_msg("%s", why);
	return folder;
}

static void must(int rc)
{
	if (rc != 0)
		fail_msg("%d: %s", rc, why);
}

static void assert_why(int rc, int expected, const char *words)
{
	assert_int_equal(rc, expected);
	if (strstr(why, words) == NULL)
		fail_msg("'%s' is not in '%s'", words, why);
}

static const struct keys_key *find(struct keys_folder *folder, enum keys_role role, enum keys_phase phase)
{
	struct keys_state *state = keys_folder_state(folder);
	for (size_t i = 0; i < state->n; i++)
		if (state->key[i].role == role && state->key[i].phase == phase)
			return &state->key[i];
	return NULL;
}

static void test_files(void **state)
{
	struct make_signing signing = {0};
	struct keys_policy policy;
	char file[KEYS_PLACE_MAX * 2];
	struct stat st;
	keys_policy_init(&policy);
	struct keys_folder *folder = must_open(online, &policy), *second;
	must(keys_advance(folder, START, NULL, why));
	must(keys_signing(folder, START, &signing, why));
	assert_int_equal(signing.n_keys, 2);
	must(keys_offered(folder, START, why));
	struct keys_open how = {.path = online, .apex = ZONE, .write = true};
	assert_why(keys_open(&how, &second, why), BANYAN_EAGAIN, "another banyan works with these keys");
	how = (struct keys_open){.path = online, .apex = (const uint8_t *)"\5other"};
	assert_why(keys_open(&how, &second, why), BANYAN_EINVAL, "these are the keys of example.");
	const struct keys_key *zsk = find(folder, KEYS_ZSK, KEYS_ACTIVE);
	assert_non_null(zsk);
	snprintf(file, sizeof file, "%s/%s", online, zsk->place);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	/* others may read it */
	assert_int_equal(chmod(file, 0644), 0);
	assert_why(keys_signing(folder, START, &signing, why), BANYAN_EACCES, "others may read this private key");
	assert_int_equal(chmod(file, 0600), 0);
	must(keys_signing(folder, START, &signing, why));
	/* it is another key */
	int fd = open(file, O_WRONLY | O_TRUNC);
	struct make_key *other;
	_cleanup_(buffer_done) struct buffer pem = {0};
	assert_int_equal(make_key_generate(zsk->algorithm, 0, MAKE_FLAGS_ZSK, &other), 0);
	assert_int_equal(make_key_to_pem(other, &pem), 0);
	assert_int_equal(write(fd, pem.data, pem.len), pem.len);
	close(fd);
	make_key_free(other);
	assert_why(keys_signing(folder, START, &signing, why), BANYAN_EINVAL, "this is another key");
	/* it is gone */
	assert_int_equal(unlink(file), 0);
	assert_why(keys_signing(folder, START, &signing, why), BANYAN_ENOENT, "the private key is not to be had");
	keys_close(folder);
	assert_int_equal(chmod(online, 0777), 0);
	how = (struct keys_open){.path = online};
	assert_why(keys_open(&how, &second, why), BANYAN_EACCES, "others may write in this folder");
	how = (struct keys_open){.path = top};
	assert_why(keys_open(&how, &second, why), BANYAN_ENOENT, "there are no keys here yet");
}

/* A ZSK is lost before its turn: the one before it signs on, and another roll is possible. */
static void test_lost_before_its_turn(void **state)
{
	struct make_signing signing = {0};
	struct keys_policy policy;
	char file[KEYS_PLACE_MAX * 2], hidden[KEYS_PLACE_MAX * 2 + 8];
	keys_policy_init(&policy);
	policy.trust = KEYS_TRUST_5011;
	policy.zsk_lifetime_s = 0;
	struct keys_folder *folder = must_open(online, &policy);
	must(keys_advance(folder, START, NULL, why));
	must(keys_offered(folder, START, why));
	uint16_t old = find(folder, KEYS_ZSK, KEYS_ACTIVE)->tag;
	must(keys_ask_roll(keys_folder_state(folder), &policy, KEYS_ZSK, why));
	must(keys_advance(folder, START + DAY, NULL, why));
	must(keys_offered(folder, START + DAY, why));
	const struct keys_key *new = find(folder, KEYS_ZSK, KEYS_PUBLISHED);
	assert_non_null(new);
	uint16_t lost = new->tag;
	snprintf(file, sizeof file, "%s/%s", online, new->place);
	/* for a while it cannot be used: all stays */
	assert_int_equal(chmod(file, 0644), 0);
	must(keys_advance(folder, START + 30 * DAY, NULL, why));
	must(keys_signing(folder, START + 30 * DAY, &signing, why));
	assert_int_equal(find(folder, KEYS_ZSK, KEYS_ACTIVE)->tag, old);
	assert_int_equal(find(folder, KEYS_ZSK, KEYS_PUBLISHED)->tag, lost);
	/* it is gone */
	snprintf(hidden, sizeof hidden, "%s.gone", file);
	assert_int_equal(rename(file, hidden), 0);
	must(keys_advance(folder, START + 31 * DAY, NULL, why));
	must(keys_signing(folder, START + 31 * DAY, &signing, why));
	must(keys_offered(folder, START + 31 * DAY, why));
	assert_int_equal(find(folder, KEYS_ZSK, KEYS_ACTIVE)->tag, old);
	assert_int_equal(find(folder, KEYS_ZSK, KEYS_REMOVED)->tag, lost);
	must(keys_ask_roll(keys_folder_state(folder), &policy, KEYS_ZSK, why));
	must(keys_advance(folder, START + 32 * DAY, NULL, why));
	must(keys_offered(folder, START + 32 * DAY, why));
	must(keys_advance(folder, START + 60 * DAY, NULL, why));
	must(keys_signing(folder, START + 60 * DAY, &signing, why));
	uint16_t now_active = find(folder, KEYS_ZSK, KEYS_ACTIVE)->tag;
	assert_true(now_active != old && now_active != lost);
	keys_close(folder);
}

/* A policy that would be refused today can be mended. */
static void test_policy_mended(void **state)
{
	struct keys_policy policy;
	keys_policy_init(&policy);
	struct keys_folder *folder = must_open(online, &policy);
	policy.dnskey_ttl_s = 0;
	keys_folder_policy_set(folder, &policy);
	must(keys_save(folder, why));
	keys_close(folder);
	struct keys_open how = {.path = online, .write = true};
	assert_why(keys_open(&how, &folder, why), BANYAN_EINVAL, "dnskey-ttl is 0");
	how.mend = true;
	must(keys_open(&how, &folder, why));
	policy.dnskey_ttl_s = 3600;
	keys_folder_policy_set(folder, &policy);
	must(keys_save(folder, why));
	keys_close(folder);
	how.mend = false;
	must(keys_open(&how, &folder, why));
	keys_close(folder);
}

static void remember(void *ctx, const char *place)
{
	snprintf(ctx, KEYS_PLACE_MAX, "%s", place);
}

static void assert_orphan(const struct keys_folder *folder, const char *place)
{
	char found[KEYS_PLACE_MAX] = "";
	assert_int_equal(keys_orphans(folder, remember, found), 0);
	assert_string_equal(found, place);
}

/* The state cannot be saved when a key has been made: the key goes with it. When it can be seen and only the last flush has failed, both stay. */
static void test_made_and_not_kept(void **state)
{
	struct keys_policy policy;
	struct keys_key *key;
	struct make_key *made, *imported;
	char file[2 * KEYS_PLACE_MAX];
	keys_policy_init(&policy);
	struct keys_folder *folder = must_open(online, &policy);
	must(keys_generate(folder, KEYS_ZSK, 13, NULL, START, &key, why));
	disk_rename_fails = ENOSPC;
	assert_why(keys_generate(folder, KEYS_ZSK, 13, NULL, START, &key, why), BANYAN_EIO, "make room there");
	assert_int_equal(keys_folder_failed(folder), KEYS_FAILED_DISK);
	assert_int_equal(keys_folder_state(folder)->n, 1);
	assert_orphan(folder, "");
	assert_int_equal(make_key_generate(13, 0, MAKE_FLAGS_KSK, &imported), 0);
	disk_rename_fails = ENOSPC;
	assert_why(keys_import(folder, imported, KEYS_KSK, KEYS_ACTIVE, START, &key, why), BANYAN_EIO, "make room");
	assert_orphan(folder, "");
	must(keys_import(folder, imported, KEYS_KSK, KEYS_ACTIVE, START, &key, why)); /* as if nothing had been */
	make_key_free(imported);
	disk_flush_fails = 2; /* the first is that of the key itself */
	assert_why(keys_generate(folder, KEYS_ZSK, 13, NULL, START, &key, why), BANYAN_EIO, "cannot be written");
	assert_int_equal(keys_folder_state(folder)->n, 3);
	keys_close(folder);
	folder = must_open(online, NULL);
	assert_int_equal(keys_folder_state(folder)->n, 3);
	must(keys_private(folder, &keys_folder_state(folder)->key[2], &made, why));
	assert_orphan(folder, "");
	/* somebody was cut off between the two: it is told, and never signs */
	snprintf(file, sizeof file, "%s/example.13.1.pem", online);
	int fd = open(file, O_WRONLY | O_CREAT, 0600);
	assert_true(fd >= 0);
	close(fd);
	assert_orphan(folder, "example.13.1.pem");
	keys_close(folder);
}

/* What is brought in has the algorithm of the zone, and goes the way that the policy says. */
static void test_imports(void **state)
{
	struct keys_policy policy;
	struct keys_key *key;
	struct make_key *made;
	keys_policy_init(&policy);
	policy.trust = KEYS_TRUST_5011;
	struct keys_folder *folder = must_open(online, &policy);
	must(make_key_generate(13, 0, MAKE_FLAGS_KSK, &made));
	must(keys_import(folder, made, KEYS_KSK, KEYS_ACTIVE, START, &key, why));
	make_key_free(made);
	must(make_key_generate(15, 0, MAKE_FLAGS_KSK, &made));
	assert_why(keys_import(folder, made, KEYS_KSK, KEYS_PUBLISHED, START, &key, why), BANYAN_EINVAL, "RFC 4035");
	must(keys_import(folder, made, KEYS_KSK, KEYS_GENERATED, START, &key, why));
	make_key_free(made);
	must(make_key_generate(13, 0, MAKE_FLAGS_KSK, &made));
	must(keys_import(folder, made, KEYS_KSK, KEYS_PUBLISHED, START, &key, why));
	make_key_free(made);
	assert_int_equal(key->way, KEYS_STANDBY);
	assert_false(keys_key_does(keys_folder_state(folder), key).signs_keys);
	keys_close(folder);
}

/* An algorithm roll that a description asks for, and cannot be made: refused before anything moves. */
static void test_algorithm_of_a_file(void **state)
{
	struct keys_policy policy;
	keys_policy_init(&policy);
	policy.csk = true;
	policy.trust = KEYS_TRUST_5011;
	struct keys_folder *folder = must_open(online, &policy), *second;
	must(keys_advance(folder, START, NULL, why));
	must(keys_offered(folder, START, why));
	struct keys_policy other = policy;
	other.algorithm = DNSSEC_ED25519;
	keys_folder_policy_set(folder, &other);
	assert_why(keys_advance(folder, START + DAY, NULL, why), BANYAN_EUNSUPP,
		   "the algorithm cannot be rolled (to 15)");
	assert_int_equal(keys_folder_state(folder)->n, 1);
	keys_close(folder);
	struct keys_open how = {.path = online, .apex = ZONE, .policy = &other, .write = true};
	assert_why(keys_open(&how, &second, why), BANYAN_EUNSUPP, "a revoked CSK signs no data");
	folder = must_open(online, NULL);
	assert_int_equal(keys_folder_policy(folder)->algorithm, DNSSEC_ECDSAP256SHA256);
	keys_close(folder);
}

/* What was not offered does not count; what was saved is there again. */
static void test_again(void **state)
{
	struct keys_policy policy;
	keys_policy_init(&policy);
	policy.algorithm = DNSSEC_ED25519;
	policy.trust = KEYS_TRUST_5011;
	struct keys_folder *folder = must_open(online, &policy);
	must(keys_advance(folder, START, NULL, why));
	uint16_t tag = find(folder, KEYS_KSK, KEYS_ACTIVE)->tag;
	keys_close(folder);
	folder = must_open(online, NULL);
	assert_int_equal(keys_folder_policy(folder)->algorithm, DNSSEC_ED25519);
	assert_int_equal(find(folder, KEYS_KSK, KEYS_ACTIVE)->tag, tag);
	assert_int_equal(find(folder, KEYS_KSK, KEYS_ACTIVE)->since, 0);
	must(keys_offered(folder, START + 5, why));
	keys_close(folder);
	folder = must_open(online, NULL);
	assert_int_equal(find(folder, KEYS_KSK, KEYS_ACTIVE)->since, START + 5);
	_cleanup_(buffer_done) struct buffer ds = {0};
	must(keys_anchors(folder, false, START + 5, &ds, why));
	assert_non_null(strstr((char *)ds.data, "DS"));
	keys_close(folder);
}

/* ---- the KSK is offline ---- */

static void policies(struct keys_policy *on, struct keys_policy *off)
{
	keys_policy_init(on);
	on->trust = KEYS_TRUST_5011;
	on->data_ttl_s = DAY; /* as the root's: 2 days of DNSKEY, a day of the rest */
	*off = *on;
	on->offline = true;
	off->ksk_only = true;
}

static void request(struct keys_folder *on, int64_t now, struct buffer *ksr)
{
	ksr->len = 0;
	must(keys_ksr(on, now, 0, 9, ksr, why));
}

static int ceremony(struct keys_folder *off, const struct buffer *ksr, bool first, int64_t now, struct buffer *skr,
		    struct buffer *record)
{
	skr->len = record->len = 0;
	return keys_sign_ksr(off, "request", (char *)ksr->data, ksr->len, first, now, skr, record, why);
}

static void anchors_of(struct keys_folder *off, struct dnssec_anchors *anchors)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	struct dnssec_text_error error;
	must(keys_anchors(off, false, START, &text, why));
	assert_int_equal(dnssec_anchors_parse("anchors", (char *)text.data, text.len, anchors, &error), 0);
}

/* One publication: a resolver that follows RFC 5011 proves the set, and a key of the set signs the data. */
static void publish(struct keys_folder *on, int64_t now, const struct dnssec_anchors *anchors,
		    struct dnssec_rollover *rollover)
{
	struct make_signing signing = {0};
	struct dnssec_policy policy = {.now = now};
	static struct dnssec_rollover_report report;
	must(keys_advance(on, now, NULL, why));
	must(keys_signing(on, now, &signing, why));
	must(keys_offered(on, now, why));
	assert_non_null(signing.ready_dnskey);
	struct wire_rrset set = {.owner = ZONE,
				 .type = WIRE_TYPE_DNSKEY,
				 .rclass = WIRE_CLASS_IN,
				 .ttl = signing.ready_dnskey->ttl,
				 .count = (uint32_t)signing.ready_dnskey->keys.n,
				 .rdata = signing.ready_dnskey->keys.item};
	must(dnssec_rollover_update(rollover, anchors, &policy, &set, signing.ready_dnskey->rrsigs.item,
				    signing.ready_dnskey->rrsigs.n, &report));
	if (!report.proved)
		fail_msg("day %lld: %s", (long long)((now - START) / DAY), reason_words(report.reason));
	bool good = false;
	for (size_t i = 0; i < signing.n_keys; i++) {
		size_t len;
		const uint8_t *rdata = make_key_rdata(signing.key[i].key, &len);
		assert_false(signing.key[i].signs_keys);
		for (size_t k = 0; k < set.count; k++)
			good |= signing.key[i].signs_data && make_key_can_sign(signing.key[i].key) &&
				set.rdata[k].len == len && memcmp(set.rdata[k].data, rdata, len) == 0;
	}
	assert_true(good);
}

/* Two years: a ceremony a quarter, ten days ahead; a ZSK rolls each quarter, a KSK once. */
static void test_quarters(void **state)
{
	struct keys_policy on_policy, off_policy;
	_cleanup_(buffer_done) struct buffer ksr = {0}, skr = {0}, record = {0};
	_cleanup_(dnssec_anchors_done) struct dnssec_anchors anchors = {0};
	policies(&on_policy, &off_policy);
	struct keys_folder *on = must_open(online, &on_policy), *off = must_open(offline, &off_policy);
	_cleanup_(base_free) struct dnssec_rollover *rollover = malloc(sizeof *rollover);
	int64_t now = START;
	dnssec_rollover_init(rollover, ZONE);
	for (int quarter = 0; quarter < 8; quarter++) {
		request(on, now, &ksr);
		must(ceremony(off, &ksr, quarter == 0, now, &skr, &record));
		assert_non_null(strstr((char *)record.data, "witnesses"));
		if (quarter == 0)
			anchors_of(off, &anchors);
		must(keys_skr(on, "response", (char *)skr.data, skr.len, quarter == 0 ? &anchors : NULL, now, why));
		if (quarter == 3)
			must(keys_ask_roll(keys_folder_state(off), &off_policy, KEYS_KSK, why));
		int64_t next = START + (quarter + 1) * 90 * DAY - 10 * DAY;
		for (; now < next; now += DAY)
			publish(on, now, &anchors, rollover);
	}
	assert_non_null(find(off, KEYS_KSK, KEYS_ACTIVE));
	assert_int_equal(keys_folder_state(off)->n, 2);
	assert_non_null(find(off, KEYS_KSK, KEYS_REMOVED)); /* it was revoked, and went */
	unsigned removed = 0;
	for (size_t i = 0; i < keys_folder_state(on)->n; i++) {
		assert_int_equal(keys_folder_state(on)->key[i].role, KEYS_ZSK);
		removed += keys_folder_state(on)->key[i].phase == KEYS_REMOVED;
	}
	assert_true(removed >= 5);
	/* no new response: what is there is used until its last signature ends, and then nothing */
	struct make_signing signing = {0};
	for (; now < START + 8 * 90 * DAY + 10 * DAY; now += DAY)
		publish(on, now, &anchors, rollover);
	now += 5 * DAY;
	assert_why(keys_advance(on, now, NULL, why), BANYAN_EPROOF, "bring the next response");
	assert_why(keys_signing(on, now, &signing, why), BANYAN_EPROOF, "expired at");
	keys_close(on);
	keys_close(off);
}

static void tamper(const struct buffer *text, const char *from, const char *to, struct buffer *out)
{
	out->len = 0;
	assert_int_equal(buffer_append(out, text->data, text->len), 0);
	char *at = memmem(out->data, out->len, from, strlen(from));
	assert_non_null(at);
	for (size_t i = 0; to[i] != '\0'; i++)
		at[i] = to[i];
}

/* The sum made anew: as one would who wants to deceive. */
static void resum(struct buffer *text)
{
	struct keys_request r;
	for (int i = 0; i < 2; i++) {
		char *at = memmem(text->data, text->len, "\nsum ", 5);
		assert_non_null(at);
		int rc = keys_request_read("x", (char *)text->data, text->len, &r, why);
		if (rc == 0) {
			keys_request_done(&r);
			return;
		}
		/* the reader says nothing of the right sum: take it by writing what it was before the sum */
		FILE *pipe;
		char command[256], sum[65], path[128];
		snprintf(path, sizeof path, "%s/text", top);
		FILE *f = fopen(path, "w");
		fwrite(text->data, 1, (size_t)(at + 1 - (char *)text->data), f);
		fclose(f);
		snprintf(command, sizeof command, "sha256sum < '%s'", path);
		pipe = popen(command, "r");
		assert_int_equal(fread(sum, 1, 64, pipe), 64);
		pclose(pipe);
		memcpy(at + 5, sum, 64);
	}
}

static void test_refused_requests(void **state)
{
	struct keys_policy on_policy, off_policy;
	_cleanup_(buffer_done) struct buffer ksr = {0}, bad = {0}, skr = {0}, record = {0};
	policies(&on_policy, &off_policy);
	struct keys_folder *on = must_open(online, &on_policy), *off = must_open(offline, &off_policy);
	request(on, START, &ksr);
	assert_why(ceremony(off, &ksr, false, START, &skr, &record), BANYAN_EPROOF, "--first");
	assert_non_null(strstr((char *)record.data, "NOTHING WAS SIGNED"));
	assert_int_equal(skr.len, 0);
	assert_why(ceremony(off, &ksr, true, START + 40 * DAY, &skr, &record), BANYAN_EPROOF, "expired before");
	tamper(&ksr, "ttl 172800", "ttl 172801", &bad);
	assert_why(ceremony(off, &bad, true, START, &skr, &record), BANYAN_EMALF, "the sum is another one");
	resum(&bad);
	assert_why(ceremony(off, &bad, true, START, &skr, &record), BANYAN_EPROOF, "the TTL is 172801");
	tamper(&ksr, "zone example.", "zone eXbmple.", &bad);
	resum(&bad);
	assert_why(ceremony(off, &bad, true, START, &skr, &record), BANYAN_EPROOF, "the request is for");
	/* a signature that is none: one letter of it is another */
	tamper(&ksr, "\nsignature ", "\nsignature ", &bad);
	char *end = memchr((char *)memmem(bad.data, bad.len, "\nsignature ", 11) + 1, '\n', 400);
	end[-10] = end[-10] == 'A' ? 'B' : 'A';
	resum(&bad);
	assert_why(ceremony(off, &bad, true, START, &skr, &record), BANYAN_EPROOF, "nobody has proved to hold it");
	/* a KSK that is asked for */
	off_policy.algorithm = DNSSEC_ED25519;
	keys_folder_policy_set(off, &off_policy);
	assert_why(ceremony(off, &ksr, true, START, &skr, &record), BANYAN_EPROOF, "the policy here says 15");
	policies(&on_policy, &off_policy);
	off_policy.validity_s = 14 * DAY;
	keys_folder_policy_set(off, &off_policy);
	assert_why(ceremony(off, &ksr, true, START, &skr, &record), BANYAN_EPROOF, "the policy here says 1209600 s");
	policies(&on_policy, &off_policy);
	keys_folder_policy_set(off, &off_policy);
	/* nothing of this has moved a key: the good one is signed, and again the same */
	assert_int_equal(keys_folder_state(off)->n, 0);
	must(ceremony(off, &ksr, true, START, &skr, &record));
	_cleanup_(buffer_done) struct buffer second = {0};
	must(ceremony(off, &ksr, false, START, &second, &record));
	assert_int_equal(second.len, skr.len);
	assert_memory_equal(second.data, skr.data, skr.len);
	/* another one for the same time is not */
	request(on, START, &ksr);
	assert_why(ceremony(off, &ksr, false, START, &second, &record), BANYAN_EPROOF, "but the last response ends at");
	assert_why(ceremony(off, &skr, false, START, &second, &record), BANYAN_EPROOF, "is a response");
	keys_close(on);
	keys_close(off);
}

static void test_refused_responses(void **state)
{
	struct keys_policy on_policy, off_policy;
	_cleanup_(buffer_done) struct buffer ksr = {0}, bad = {0}, skr = {0}, record = {0};
	_cleanup_(dnssec_anchors_done) struct dnssec_anchors anchors = {0};
	policies(&on_policy, &off_policy);
	struct keys_folder *on = must_open(online, &on_policy), *off = must_open(offline, &off_policy);
	request(on, START, &ksr);
	assert_why(keys_skr(on, "response", (char *)ksr.data, ksr.len, NULL, START, why), BANYAN_EINVAL,
		   "this is a request");
	must(ceremony(off, &ksr, true, START, &skr, &record));
	anchors_of(off, &anchors);
	assert_why(keys_skr(on, "response", (char *)skr.data, skr.len, NULL, START, why), BANYAN_EPROOF,
		   "not signed by a KSK that is known here");
	assert_why(keys_skr(on, "response", (char *)skr.data, skr.len, &anchors, START + 400 * DAY, why), BANYAN_EPROOF,
		   "has expired");
	tamper(&skr, "\nsignature ", "\nsignature ", &bad);
	char *end = memchr((char *)memmem(bad.data, bad.len, "\nsignature ", 11) + 1, '\n', 400);
	end[-10] = end[-10] == 'A' ? 'B' : 'A';
	assert_why(keys_skr(on, "response", (char *)bad.data, bad.len, &anchors, START, why), BANYAN_EMALF, "the sum");
	resum(&bad);
	assert_why(keys_skr(on, "response", (char *)bad.data, bad.len, &anchors, START, why), BANYAN_EPROOF,
		   "bundle 1");
	for (size_t len = 0; len < skr.len; len += 97)
		assert_int_equal(keys_skr(on, "response", (char *)skr.data, len, &anchors, START, why), BANYAN_EMALF);
	/* its time in the head is not signed by anybody: it must be what was asked for */
	tamper(&skr, "\nuntil ", "\nuntil 2039", &bad);
	resum(&bad);
	assert_why(keys_skr(on, "response", (char *)bad.data, bad.len, &anchors, START, why), BANYAN_EINVAL,
		   "is not for the request");
	/* the sum of the request is a name of a file */
	tamper(&skr, "\nanswers ", "\nanswers ../../../../x", &bad);
	resum(&bad);
	assert_why(keys_skr(on, "response", (char *)bad.data, bad.len, &anchors, START, why), BANYAN_EMALF,
		   "the sum of the request is expected");
	struct make_signing signing = {0};
	assert_why(keys_signing(on, START, &signing, why), BANYAN_EPROOF, "no key response is in force");
	keys_close(on);
	keys_close(off);
}

static void test_bind(void **state)
{
	static const uint8_t algorithms[] = {8, 13, 15};
	struct keys_policy policy;
	keys_policy_init(&policy);
	struct keys_folder *folder = must_open(online, &policy);
	for (size_t i = 0; i < sizeof algorithms; i++) {
		_cleanup_(buffer_done) struct buffer text = {0};
		struct make_key *made, *read;
		struct keys_key *key;
		size_t len;
		must(make_key_generate(algorithms[i], 0, MAKE_FLAGS_KSK, &made));
		must(make_key_to_bind(made, &text));
		const uint8_t *rdata = make_key_rdata(made, &len);
		must(make_key_from_bind((char *)text.data, text.len, rdata, len, &read));
		must(keys_import(folder, read, KEYS_KSK, i == 0 ? KEYS_ACTIVE : KEYS_GENERATED, START, &key, why));
		assert_int_equal(key->tag, make_key_tag(made));
		assert_why(keys_import(folder, read, KEYS_KSK, KEYS_GENERATED, START, &key, why), BANYAN_EEXIST,
			   "is there already");
		make_key_free(made);
		make_key_free(read);
	}
	struct make_key *second;
	struct keys_key *none;
	must(make_key_generate(DNSSEC_ED25519, 0, MAKE_FLAGS_KSK, &second));
	assert_why(keys_import(folder, second, KEYS_KSK, KEYS_ACTIVE, START, &none, why), BANYAN_EINVAL,
		   "is active already");
	make_key_free(second);
	must(make_key_generate(DNSSEC_ED25519, 0, MAKE_FLAGS_ZSK, &second));
	assert_why(keys_import(folder, second, KEYS_ZSK, KEYS_ACTIVE, START, &none, why), BANYAN_EINVAL, "RFC 4035");
	make_key_free(second);
	assert_int_equal(keys_folder_state(folder)->n, 3);
	assert_int_equal(keys_folder_state(folder)->key[0].ds_seen, START);
	keys_close(folder);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lost_before_its_turn, setup, teardown),
		cmocka_unit_test_setup_teardown(test_policy_mended, setup, teardown),
		cmocka_unit_test_setup_teardown(test_made_and_not_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_imports, setup, teardown),
		cmocka_unit_test_setup_teardown(test_algorithm_of_a_file, setup, teardown),
		cmocka_unit_test_setup_teardown(test_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_quarters, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_requests, setup, teardown),
		cmocka_unit_test_setup_teardown(test_refused_responses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_bind, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
