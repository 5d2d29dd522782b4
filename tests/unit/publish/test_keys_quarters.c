// SPDX-License-Identifier: GPL-3.0-or-later
/* A KSK that is offline, when things go wrong: power cuts, full disks, requests that are made again, publishers that are down, ceremonies that
 * nobody holds in time. What resolvers may have in their caches is held against what is published. */
#include "../test.h"

#include <dirent.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "publish/keys/keys.h"

#define HOUR         3600LL
#define DAY          86400LL
#define START        1790000000LL
#define QUARTER      (90 * DAY)
#define AHEAD        (10 * DAY) /* a ceremony is held so long before its quarter */
#define ZONE         ((const uint8_t *)"\7example")
#define VERSIONS_MAX 4096

static char top[64], online[96], offline[96];
static char why[KEYS_WHY_MAX];
static int64_t ksk_lifetime_s; /* 0 = rolled when asked */

/* ---- saves that fail, and power cuts ---- */

enum trouble { NONE, FAILS, CUT_BEFORE, CUT_AFTER, TROUBLES };
static struct {
	enum trouble what;
	unsigned at, n; /* at the save of this number */
} trouble;

static bool trouble_now(void)
{
	return trouble.what != NONE && ++trouble.n == trouble.at;
}

int __real_folder_replace(int folder, const char *name, const void *data, size_t len, unsigned mode, bool *ret);
int __wrap_folder_replace(int folder, const char *name, const void *data, size_t len, unsigned mode, bool *ret);
int __wrap_folder_replace(int folder, const char *name, const void *data, size_t len, unsigned mode, bool *ret)
{
	bool now = trouble_now();
	if (now && trouble.what == FAILS)
		return BANYAN_EIO;
	if (now && trouble.what == CUT_BEFORE)
		kill(getpid(), SIGKILL);
	int rc = __real_folder_replace(folder, name, data, len, mode, ret);
	if (now)
		kill(getpid(), SIGKILL);
	return rc;
}

int __real_file_write_flush(int fd, const uint8_t *data, size_t len);
int __wrap_file_write_flush(int fd, const uint8_t *data, size_t len);
int __wrap_file_write_flush(int fd, const uint8_t *data, size_t len)
{
	bool now = trouble_now();
	int rc = __real_file_write_flush(fd, data, now ? len / 2 : len);
	if (now && trouble.what != FAILS)
		kill(getpid(), SIGKILL);
	return now ? BANYAN_EIO : rc;
}

/* ---- two folders ---- */

static void shell(const char *format, ...) _printf_(1, 2);
static void shell(const char *format, ...)
{
	char command[512];
	va_list args;
	va_start(args, format);
	vsnprintf(command, sizeof command, format, args);
	va_end(args);
	assert_int_equal(system(command), 0);
}

static int setup(void **state)
{
	/* folders are copied and saved thousands of times */
	snprintf(top, sizeof top, "%s/banyan-quarters-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(top) == NULL)
		return -1;
	snprintf(online, sizeof online, "%s/online", top);
	snprintf(offline, sizeof offline, "%s/offline", top);
	trouble.what = NONE;
	ksk_lifetime_s = 0;
	return 0;
}

static int teardown(void **state)
{
	shell("rm -rf '%s'", top);
	return 0;
}

static void must(int rc)
{
	if (rc != 0)
		fail_msg("%d: %s", rc, why);
}

static void assert_why(int rc, int expected, const char *words)
{
	if (rc == 0)
		fail_msg("no error; expected: %s", words);
	if (rc != expected || strstr(why, words) == NULL)
		fail_msg("'%s' is not in %d '%s'", words, rc, why);
}

static struct keys_folder *must_open(const char *path)
{
	struct keys_policy policy;
	struct keys_folder *folder = NULL;
	struct keys_open how = {.path = path, .apex = ZONE, .policy = &policy, .write = true};
	keys_policy_init(&policy);
	policy.trust = KEYS_TRUST_5011;
	policy.data_ttl_s = DAY;
	policy.offline = strstr(path, "online") != NULL;
	policy.ksk_only = !policy.offline;
	policy.ksk_lifetime_s = ksk_lifetime_s;
	policy.revoke_after_s = ksk_lifetime_s != 0 ? DAY : policy.revoke_after_s;
	must(keys_open(&how, &folder, why));
	return folder;
}

static void request(struct keys_folder *on, int64_t now, int64_t from, unsigned slots, struct buffer *ksr)
{
	ksr->len = 0;
	must(keys_ksr(on, now, from, slots, ksr, why));
}

static int ceremony(struct keys_folder *off, const struct buffer *ksr, int before, int64_t now, struct buffer *skr)
{
	_cleanup_(buffer_done) struct buffer record = {0};
	skr->len = 0;
	return keys_sign_ksr(off, "request", (char *)ksr->data, ksr->len, before, now, skr, &record, why);
}

static int take(struct keys_folder *on, const struct buffer *skr, const struct dnssec_anchors *anchors, int64_t now)
{
	return keys_skr(on, "response", (char *)skr->data, skr->len, anchors, now, why);
}

static void anchors_of(struct keys_folder *off, struct dnssec_anchors *anchors)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	struct dnssec_text_error error;
	must(keys_anchors(off, false, START, &text, why));
	assert_int_equal(dnssec_anchors_parse("anchors", (char *)text.data, text.len, anchors, &error), 0);
}

/* ---- what is published, and who has seen it ---- */

struct version {
	int64_t from, expiration; /* of the signatures of its DNSKEY set */
	size_t n;
	uint16_t key[KEYS_BUNDLE_KEYS_MAX], signer; /* of the data */
};

struct world {
	struct keys_folder *on, *off;
	struct dnssec_anchors anchors;
	struct dnssec_rollover rollover;
	struct version version[VERSIONS_MAX];
	size_t n;
	struct buffer set; /* the last set, for those who ask while the publisher is down */
	struct wire_rdata key[KEYS_BUNDLE_KEYS_MAX], sig[KEYS_BUNDLE_KEYS_MAX];
	size_t n_keys, n_sigs;
	unsigned proved, unproved;
};

static int64_t expiration_of(const struct wire_rdata *rrsig)
{
	return (int64_t)wire_get32(rrsig->data + 8);
}

static void copy_list(struct world *w, const struct make_rdata_list *from, struct wire_rdata *to, size_t *ret_n)
{
	for (size_t i = 0; i < from->n; i++) {
		to[i].data = malloc(from->item[i].len);
		assert_non_null(to[i].data);
		memcpy((uint8_t *)(uintptr_t)to[i].data, from->item[i].data, from->item[i].len);
		to[i].len = from->item[i].len;
	}
	*ret_n = from->n;
}

static void forget_set(struct world *w)
{
	for (size_t i = 0; i < w->n_keys; i++)
		free((void *)(uintptr_t)w->key[i].data);
	for (size_t i = 0; i < w->n_sigs; i++)
		free((void *)(uintptr_t)w->sig[i].data);
	w->n_keys = w->n_sigs = 0;
}

static void offer(struct world *w, int64_t now, const struct make_signing *signing)
{
	struct version v = {.from = now};
	assert_non_null(signing->ready_dnskey);
	v.expiration = expiration_of(&signing->ready_dnskey->rrsigs.item[0]);
	assert_true(v.expiration > now);
	for (size_t i = 0; i < signing->ready_dnskey->keys.n; i++) {
		const struct wire_rdata *key = &signing->ready_dnskey->keys.item[i];
		v.key[v.n++] = dnssec_key_tag(key->data, key->len);
	}
	for (size_t i = 0; i < signing->n_keys; i++) {
		assert_false(signing->key[i].signs_keys);
		if (!signing->key[i].signs_data)
			continue;
		assert_int_equal(v.signer, 0);
		v.signer = make_key_tag(signing->key[i].key);
	}
	assert_true(w->n < VERSIONS_MAX);
	w->version[w->n++] = v;
	forget_set(w);
	copy_list(w, &signing->ready_dnskey->keys, w->key, &w->n_keys);
	copy_list(w, &signing->ready_dnskey->rrsigs, w->sig, &w->n_sigs);
}

/* One version, if there is anything to publish with. */
static int publish(struct world *w, int64_t now)
{
	struct make_signing signing = {0};
	int rc = keys_advance(w->on, now, NULL, why);
	if (rc == 0)
		rc = keys_signing(w->on, now, &signing, why);
	if (rc != 0)
		return rc;
	offer(w, now, &signing);
	must(keys_offered(w->on, now, why));
	return 0;
}

/* A resolver that follows RFC 5011 asks when its time has come: it gets what was published last. */
static void resolver(struct world *w, int64_t now)
{
	static struct dnssec_rollover_report report;
	struct dnssec_policy policy = {.now = now};
	struct wire_rrset set = {.owner = ZONE,
				 .type = WIRE_TYPE_DNSKEY,
				 .rclass = WIRE_CLASS_IN,
				 .ttl = 172800,
				 .count = (uint32_t)w->n_keys,
				 .rdata = w->key};
	if (w->rollover.next > now || w->n_keys == 0)
		return;
	must(dnssec_rollover_update(&w->rollover, &w->anchors, &policy, &set, w->sig, w->n_sigs, &report));
	w->proved += report.proved;
	if (report.proved)
		return;
	if (w->version[w->n - 1].expiration > now)
		fail_msg("day %lld: the set is not proved: %s", (long long)((now - START) / DAY),
			 reason_words(report.reason));
	w->unproved++; /* an outage */
	w->rollover.next = now + DAY / 10;
}

static int64_t before(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* Every DNSKEY set with all data that a cache can have at the same time. After an outage no cache has anything that holds. */
static void check_caches(const struct world *w)
{
	for (size_t i = 0; i < w->n; i++) {
		const struct version *set = &w->version[i];
		int64_t set_end = i + 1 < w->n ? set[1].from + HOUR + 2 * DAY : INT64_MAX;
		set_end = before(set_end, set->expiration);
		for (size_t j = 0; j < w->n; j++) {
			const struct version *data = &w->version[j];
			int64_t data_end = j + 1 < w->n ? data[1].from + HOUR + DAY : INT64_MAX;
			bool has = false;
			if (set->from >= data_end || data->from >= set_end || (j < i && data->expiration <= set->from))
				continue;
			for (size_t k = 0; k < set->n; k++)
				has |= set->key[k] == data->signer;
			if (!has)
				fail_msg("data of day %.2f, signed by %u, with the set of day %.2f",
					 (double)(data->from - START) / DAY, data->signer,
					 (double)(set->from - START) / DAY);
		}
	}
}

static void world_begin(struct world *w)
{
	w->on = must_open(online);
	w->off = must_open(offline);
	dnssec_rollover_init(&w->rollover, ZONE);
}

static void world_done(struct world *w)
{
	keys_close(w->on);
	keys_close(w->off);
	dnssec_anchors_done(&w->anchors);
	forget_set(w);
}

static void hold(struct world *w, int64_t now, struct buffer *skr)
{
	_cleanup_(buffer_done) struct buffer ksr = {0};
	bool first = keys_folder_state(w->on)->bundles_until == 0;
	request(w->on, now, 0, 9, &ksr);
	must(ceremony(w->off, &ksr, first, now, skr));
	if (first)
		anchors_of(w->off, &w->anchors);
}

/* A ceremony in time, and its response taken. */
static void quarter(struct world *w, int64_t now)
{
	_cleanup_(buffer_done) struct buffer skr = {0};
	hold(w, now, &skr);
	must(take(w->on, &skr, &w->anchors, now));
}

static void live(struct world *w, int64_t *now, int64_t until)
{
	for (; *now < until; *now += 6 * HOUR) {
		must(publish(w, *now));
		resolver(w, *now);
	}
}

/* Nobody publishes; the servers go on with what they have. */
static void down(struct world *w, int64_t *now, int64_t until)
{
	for (; *now < until; *now += 6 * HOUR)
		resolver(w, *now);
}

/* ---- a power cut, or a full disk, at each save ---- */

static size_t shape(const struct buffer *skr, unsigned out[KEYS_BUNDLES_MAX])
{
	struct keys_request response;
	must(keys_request_read("response", (char *)skr->data, skr->len, &response, why));
	size_t n = response.n;
	for (size_t i = 0; i < n; i++)
		out[i] = (unsigned)(response.bundle[i].n_keys * 100 + response.bundle[i].n_signatures);
	keys_request_done(&response);
	return n;
}

/* In a process of its own, which the cut ends. Returns whether the trouble came. */
static bool in_trouble(enum trouble what, unsigned at, int (*act)(void *ctx), void *ctx)
{
	int status;
	fflush(NULL);
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		trouble.what = what;
		trouble.at = at;
		trouble.n = 0;
		int rc = act(ctx);
		_exit(trouble.n < at ? 42 : rc == 0 ? 1 : 0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 42)
		return false;
	if (WIFSIGNALED(status))
		assert_int_equal(WTERMSIG(status), SIGKILL);
	return true;
}

struct act {
	const char *path;
	struct buffer ksr, skr;
	int64_t now;
};

static int act_sign(void *ctx)
{
	struct act *act = ctx;
	struct keys_folder *folder = must_open(act->path);
	int rc = ceremony(folder, &act->ksr, 0, act->now, &act->skr);
	keys_close(folder);
	return rc;
}

static int act_take(void *ctx)
{
	struct act *act = ctx;
	struct keys_folder *folder = must_open(act->path);
	int rc = take(folder, &act->skr, NULL, act->now);
	keys_close(folder);
	return rc;
}

static int act_ask(void *ctx)
{
	struct act *act = ctx;
	struct keys_folder *folder = must_open(act->path);
	int rc = keys_ksr(folder, act->now, 0, 9, &act->ksr, why);
	keys_close(folder);
	return rc;
}

/* The whole quarter and the one after it, from the folders as they are; each bundle has as many keys and signatures as it would have had. */
static void goes_on(struct act *act, const char *on_path, const char *off_path, const unsigned *expected, size_t n)
{
	_cleanup_(buffer_done) struct buffer ksr = {0}, skr = {0};
	unsigned got[KEYS_BUNDLES_MAX];
	struct keys_folder *off = must_open(off_path), *on = must_open(on_path);
	must(ceremony(off, &act->ksr, 0, act->now, &skr));
	assert_int_equal(shape(&skr, got), n);
	for (size_t i = 0; i < n; i++)
		if (got[i] != expected[i])
			fail_msg("bundle %zu has %u keys and signatures, not %u", i + 1, got[i], expected[i]);
	must(take(on, &skr, NULL, act->now));
	for (int i = 0; i < 2; i++) { /* a response that came twice does no harm */
		must(keys_advance(on, act->now + AHEAD + DAY, NULL, why));
		must(take(on, &skr, NULL, act->now));
	}
	request(on, act->now + QUARTER, 0, 9, &ksr);
	must(ceremony(off, &ksr, 0, act->now + QUARTER, &skr));
	must(take(on, &skr, NULL, act->now + QUARTER));
	keys_close(on);
	keys_close(off);
}

/* Keys are made in the quarter, and others go. */
static void crash_begin(struct act *act, int quarters, unsigned *expected, size_t *ret_n)
{
	static struct world w;
	memset(&w, 0, sizeof w);
	ksk_lifetime_s = 40 * DAY;
	world_begin(&w);
	for (int q = 0; q < quarters; q++) {
		quarter(&w, START + q * QUARTER - (q > 0 ? AHEAD : 0));
		must(publish(&w, START + q * QUARTER));
	}
	act->now = START + quarters * QUARTER - AHEAD;
	shell("cp -a '%s' '%s/fresh-online'", online, top);
	request(w.on, act->now, 0, 9, &act->ksr);
	world_done(&w);
	shell("rm -rf '%s/reference-offline'; cp -a '%s' '%s/reference-offline'", top, offline, top);
	char path[128];
	snprintf(path, sizeof path, "%s/reference-offline", top);
	struct keys_folder *off = must_open(path);
	size_t n = keys_folder_state(off)->n;
	must(ceremony(off, &act->ksr, 0, act->now, &act->skr));
	assert_true(keys_folder_state(off)->n > n);
	*ret_n = shape(&act->skr, expected);
	keys_close(off);
}

static void act_done(struct act *act)
{
	buffer_done(&act->ksr);
	buffer_done(&act->skr);
}

/* What is on disk is of before the ceremony, but for new keys that wait, or of after it. */
static void check_state(const char *path, const struct keys_state *was)
{
	struct keys_folder *folder = must_open(path);
	const struct keys_state *is = keys_folder_state(folder);
	for (size_t i = 0; is->bundles_until == was->bundles_until && i < is->n; i++) {
		if (i >= was->n)
			assert_int_equal(is->key[i].phase, KEYS_GENERATED);
		else if (is->key[i].tag != was->key[i].tag || is->key[i].phase != was->key[i].phase ||
			 is->key[i].since != was->key[i].since)
			fail_msg("key %u was moved to %s by a ceremony that was cut off", is->key[i].tag,
				 keys_phase_text(is->key[i].phase));
	}
	keys_close(folder);
}

enum where { ASK, SIGN, TAKE };

static void crash_at_each(enum where where, int quarters)
{
	static int (*const acts[])(void *) = {[ASK] = act_ask, [SIGN] = act_sign, [TAKE] = act_take};
	_cleanup_(act_done) struct act act = {0};
	_cleanup_(base_free) struct keys_state *was = malloc(sizeof *was);
	unsigned expected[KEYS_BUNDLES_MAX], saves = 0;
	char on[128], off[128];
	size_t n;
	crash_begin(&act, quarters, expected, &n);
	struct keys_folder *folder = must_open(offline);
	*was = *keys_folder_state(folder);
	keys_close(folder);
	snprintf(on, sizeof on, "%s/again-online", top);
	snprintf(off, sizeof off, "%s/again-offline", top);
	for (int what = FAILS; what < TROUBLES; what++) {
		for (unsigned at = 1;; at++) {
			shell("rm -rf '%s' '%s'; cp -a '%s%s' '%s'; cp -a '%s%s' '%s'", on, off, top,
			      where == ASK ? "/fresh-online" : "/online", on, top,
			      where == TAKE ? "/reference-offline" : "/offline", off);
			act.path = where == SIGN ? off : on;
			if (!in_trouble(what, at, acts[where], &act))
				break;
			saves++;
			if (where == SIGN)
				check_state(off, was);
			if (where == ASK) {
				act.ksr.len = 0;
				must(act_ask(&act));
			}
			goes_on(&act, on, off, expected, n);
		}
	}
	assert_true(saves >= (where == SIGN ? 20 : 8));
}

static void test_crash_ask(void **state)
{
	crash_at_each(ASK, 1);
}

static void test_crash_sign(void **state)
{
	crash_at_each(SIGN, 1);
}

static void test_crash_sign_later(void **state)
{
	crash_at_each(SIGN, 3);
}

static void test_crash_take(void **state)
{
	crash_at_each(TAKE, 1);
}

/* ---- requests that are made again ---- */

static unsigned files(const char *path, const char *begin)
{
	unsigned n = 0;
	DIR *dir = opendir(path);
	assert_non_null(dir);
	for (struct dirent *e; (e = readdir(dir)) != NULL;)
		n += strncmp(e->d_name, begin, strlen(begin)) == 0;
	closedir(dir);
	return n;
}

/* Of four requests for one time the one of this number is signed; the years after it are as if there had been no other. */
static void request_again(int signed_one)
{
	static const unsigned slots[] = {9, 12, 9, 6};
	static struct world w;
	_cleanup_(buffer_done) struct buffer skr = {0}, other = {0};
	struct buffer ksr[4] = {0};
	int64_t now = START;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	for (int i = 0; i < 4; i++)
		request(w.on, START + i, i == 0 ? START : 0, slots[i], &ksr[i]);
	assert_int_equal(files(online, "ksr-"), 4);
	must(ceremony(w.off, &ksr[signed_one], KEYS_FIRST_ONE, START + 9, &skr));
	anchors_of(w.off, &w.anchors);
	must(take(w.on, &skr, &w.anchors, START + 9));
	must(take(w.on, &skr, NULL, START + 9));
	assert_int_equal(files(online, "ksr-"), 0);
	assert_why(ceremony(w.off, &ksr[(signed_one + 1) % 4], KEYS_CONTINUES, START + 9, &other), BANYAN_EPROOF,
		   "the time between is signed, for the request");
	now += HOUR;
	for (int q = 0; q < 3; q++) {
		int64_t end = keys_folder_state(w.on)->bundles_until;
		live(&w, &now, end - AHEAD);
		/* and once more, later, of another length */
		request(w.on, now - 1, 0, 3, &ksr[0]);
		request(w.on, now, 0, 9, &ksr[1]);
		must(ceremony(w.off, &ksr[q % 2], KEYS_CONTINUES, now, &skr));
		must(take(w.on, &skr, NULL, now));
	}
	live(&w, &now, keys_folder_state(w.on)->bundles_until);
	check_caches(&w);
	assert_true(w.proved > 100);
	assert_int_equal(w.unproved, 0);
	/* no key was made that nobody uses: those of the last request that was given up wait for the next */
	unsigned waiting = 0;
	for (size_t i = 0; i < keys_folder_state(w.on)->n; i++)
		waiting += keys_folder_state(w.on)->key[i].phase == KEYS_GENERATED;
	assert_true(waiting <= 1);
	world_done(&w);
	for (int i = 0; i < 4; i++)
		buffer_done(&ksr[i]);
}

static void test_request_again(void **state)
{
	for (int i = 0; i < 4; i++) {
		request_again(i);
		shell("rm -rf '%s' '%s'", online, offline);
	}
}

static void test_requests_kept(void **state)
{
	_cleanup_(buffer_done) struct buffer first = {0}, ksr = {0}, skr = {0};
	_cleanup_(dnssec_anchors_done) struct dnssec_anchors anchors = {0};
	struct keys_folder *on = must_open(online), *off = must_open(offline);
	request(on, START, 0, 9, &first);
	for (int i = 1; i <= KEYS_REQUESTS_MAX + 3; i++)
		request(on, START + i, 0, 9, &ksr);
	assert_int_equal(files(online, "ksr-"), KEYS_REQUESTS_MAX);
	assert_int_equal(keys_folder_state(on)->n, 2); /* all have the same keys */
	must(ceremony(off, &first, KEYS_FIRST_ONE, START, &skr));
	anchors_of(off, &anchors);
	assert_why(take(on, &skr, &anchors, START), BANYAN_EINVAL, "was not made here, or was given up");
	/* whoever has its file brings that, and no other */
	struct keys_taking how = {.name = "response",
				  .text = (char *)skr.data,
				  .len = skr.len,
				  .request_name = "other",
				  .request = (char *)ksr.data,
				  .request_len = ksr.len,
				  .anchors = &anchors};
	assert_why(keys_take(on, &how, START, why), BANYAN_EINVAL, "is not for the request");
	how.request_name = "first";
	how.request = (char *)first.data;
	how.request_len = first.len;
	must(keys_take(on, &how, START, why));
	assert_int_equal(files(online, "ksr-"), 0);
	/* those for a time that is over go */
	request(on, START + 120 * DAY, 0, 9, &ksr);
	assert_int_equal(files(online, "ksr-"), 1);
	keys_close(on);
	keys_close(off);
}

/* ---- a publisher that is down ---- */

/* The second quarter begins at START + QUARTER. `late`: its response is taken when the publisher is back. */
static void publisher_down(int64_t from, int64_t until, bool late)
{
	static struct world w;
	_cleanup_(buffer_done) struct buffer skr = {0};
	const int64_t joint = START + QUARTER;
	int64_t now = joint - 20 * DAY;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	quarter(&w, START);
	must(publish(&w, START));
	hold(&w, joint - AHEAD - DAY, &skr);
	if (!late)
		must(take(w.on, &skr, NULL, joint - AHEAD - DAY));
	live(&w, &now, joint + from);
	down(&w, &now, joint + until);
	if (late)
		must(take(w.on, &skr, NULL, now));
	if (publish(&w, now) != 0)
		fail_msg("down from day %.2f to %.2f%s: %s", (double)from / DAY, (double)until / DAY,
			 late ? ", late" : "", why);
	live(&w, &now, joint + until + 25 * DAY);
	check_caches(&w);
	const struct keys_state *state = keys_folder_state(w.on);
	int64_t plan = 0;
	for (size_t i = 0; i < state->n; i++)
		plan = state->key[i].phase == KEYS_ACTIVE ? state->key[i].plan : plan;
	assert_int_equal(plan, joint);
	world_done(&w);
	shell("rm -rf '%s' '%s'", online, offline);
}

static void test_publisher_down(void **state)
{
	static const int64_t from[] = {-11 * DAY, -5 * DAY, -HOUR, DAY};
	static const int64_t until[] = {2 * DAY, 9 * DAY, 10 * DAY + 6 * HOUR, 12 * DAY, 15 * DAY, 19 * DAY, 30 * DAY};
	for (size_t i = 0; i < ARRAY_SIZE(from); i++)
		for (size_t j = 0; j < ARRAY_SIZE(until); j++)
			for (int late = 0; late < (from[i] < 0 ? 2 : 1); late++)
				publisher_down(from[i], until[j], late != 0);
}

/* A publisher that does nothing but what is due, when it is due: it comes back late in the first bundle's time after the joint, stays with that bundle
 * while it must, and does not sleep through the time at which it may go on. */
static void test_publisher_down_wakes(void **state)
{
	static struct world w;
	const int64_t joint = START + QUARTER;
	int64_t now = joint + 9 * DAY;
	unsigned rounds = 0;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	quarter(&w, START);
	quarter(&w, joint - AHEAD);
	must(publish(&w, START));
	must(publish(&w, joint - 15 * DAY));
	while (now < joint + 20 * DAY) {
		must(publish(&w, now));
		int64_t next = keys_folder_next(w.on, now);
		assert_true(next > now);
		now = next;
		rounds++;
	}
	check_caches(&w);
	assert_true(rounds >= 4 && rounds < 12);
	/* published, ready and active while the older bundle is used; then the newer one */
	assert_true(w.version[w.n - 1].from < joint + 13 * DAY);
	assert_int_equal(w.version[w.n - 1].expiration, joint + 31 * DAY);
	world_done(&w);
}

/* Two quarters long. The key that was to sign in the first of them was never published, and goes. */
static void test_publisher_down_long(void **state)
{
	static struct world w;
	int64_t now = START;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	for (int q = 0; q < 3; q++)
		quarter(&w, START + q * QUARTER - (q > 0 ? AHEAD : 0));
	live(&w, &now, START + 70 * DAY);
	now = START + 2 * QUARTER + 40 * DAY;
	live(&w, &now, now + 5 * DAY);
	check_caches(&w);
	const struct keys_state *is = keys_folder_state(w.on);
	for (size_t i = 0; i < is->n; i++) {
		if (is->key[i].plan == START + QUARTER)
			assert_int_equal(is->key[i].phase, KEYS_REMOVED);
		if (is->key[i].plan == START + 2 * QUARTER)
			assert_int_equal(is->key[i].phase, KEYS_ACTIVE);
	}
	quarter(&w, now);
	live(&w, &now, START + 3 * QUARTER + 30 * DAY);
	check_caches(&w);
	world_done(&w);
}

/* The first bundle with a new KSK is published when its signatures have almost ended: resolvers that follow RFC 5011 have their time all the same. */
static void test_publisher_down_ksk(void **state)
{
	static struct world w;
	const int64_t joint = START + QUARTER;
	int64_t now = joint - 15 * DAY;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	quarter(&w, START);
	must(publish(&w, START));
	must(keys_ask_roll(keys_folder_state(w.off), keys_folder_policy(w.off), KEYS_KSK, why));
	live(&w, &now, joint - AHEAD);
	quarter(&w, now);
	live(&w, &now, joint - DAY);
	down(&w, &now, joint + 10 * DAY + 12 * HOUR);
	live(&w, &now, joint + QUARTER - AHEAD);
	quarter(&w, now);
	live(&w, &now, joint + QUARTER + 60 * DAY);
	check_caches(&w);
	assert_int_equal(w.unproved, 0);
	unsigned active = 0;
	for (size_t i = 0; i < keys_folder_state(w.off)->n; i++)
		active += keys_folder_state(w.off)->key[i].phase == KEYS_ACTIVE && i > 0;
	assert_int_equal(active, 1); /* the new one */
	world_done(&w);
}

/* ---- nobody held a ceremony in time ---- */

static int refused_gap(struct world *w, int64_t now, int64_t from)
{
	_cleanup_(buffer_done) struct buffer ksr = {0};
	return keys_ksr(w->on, now, from, 9, &ksr, why);
}

static void gap_ceremony(struct world *w, const struct buffer *ksr, int64_t now, const char *words)
{
	_cleanup_(buffer_done) struct buffer skr = {0}, record = {0};
	assert_why(ceremony(w->off, ksr, KEYS_CONTINUES, now, &skr), BANYAN_EPROOF, "say --after-gap");
	assert_why(ceremony(w->off, ksr, KEYS_FIRST_ONE, now, &skr), BANYAN_EPROOF, "leave --first out");
	must(keys_sign_ksr(w->off, "request", (char *)ksr->data, ksr->len, KEYS_AFTER_GAP, now, &skr, &record, why));
	must(buffer_append(&record, "", 1));
	assert_non_null(strstr((char *)record.data, "THERE IS A GAP"));
	if (strstr((char *)record.data, words) == NULL)
		fail_msg("'%s' is not in %s", words, record.data);
	must(take(w->on, &skr, NULL, now));
}

static void test_gap(void **state)
{
	static struct world w;
	_cleanup_(buffer_done) struct buffer ksr = {0};
	const int64_t end = START + QUARTER;
	struct keys_gap gap;
	int64_t now = end - 15 * DAY;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	quarter(&w, START);
	must(publish(&w, START));
	live(&w, &now, end - DAY);
	assert_why(refused_gap(&w, now, end + DAY), BANYAN_EINVAL, "is for when that time is over");
	assert_why(refused_gap(&w, now, end - DAY), BANYAN_EINVAL, "for a time that is signed");
	live(&w, &now, end + 11 * DAY);
	assert_why(publish(&w, now), BANYAN_EPROOF, "expired at");
	down(&w, &now, end + 30 * DAY);
	assert_why(refused_gap(&w, now, now + 20 * DAY), BANYAN_EINVAL, "a gap that need not be");
	assert_why(refused_gap(&w, now, end), BANYAN_EINVAL, "leave out --from");
	request(w.on, now, 0, 9, &ksr);
	assert_true(keys_ksr_gap(w.on, now, &gap));
	assert_int_equal(gap.ended, end);
	assert_int_equal(gap.expires, end + 11 * DAY);
	gap_ceremony(&w, &ksr, now + HOUR, "no validator can prove the zone");
	now += 6 * HOUR;
	live(&w, &now, end + 30 * DAY + QUARTER - AHEAD);
	quarter(&w, now);
	live(&w, &now, end + 30 * DAY + QUARTER + 30 * DAY);
	check_caches(&w);
	assert_true(w.unproved > 0 && w.proved > 100);
	world_done(&w);
}

/* The last bundle serves over the gap; the publisher was down, too, or was not. */
static void gap_without_outage(bool is_down)
{
	static struct world w;
	_cleanup_(buffer_done) struct buffer ksr = {0};
	const int64_t end = START + QUARTER;
	int64_t now = end - 15 * DAY;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	quarter(&w, START);
	must(publish(&w, START));
	live(&w, &now, is_down ? end - 6 * DAY : end + 3 * DAY);
	down(&w, &now, end + 3 * DAY);
	request(w.on, now, end + 6 * DAY, 9, &ksr);
	gap_ceremony(&w, &ksr, now, "no validator sees the gap");
	down(&w, &now, is_down ? end + 6 * DAY : now);
	live(&w, &now, end + 40 * DAY);
	check_caches(&w);
	assert_int_equal(w.unproved, 0);
	world_done(&w);
	shell("rm -rf '%s' '%s'", online, offline);
}

static void test_gap_without_outage(void **state)
{
	gap_without_outage(false);
	gap_without_outage(true);
}

/* The online side has lost its keys: a zone with new ones begins when the signatures of the old ones have ended, and not before. */
static void test_gap_new_keys(void **state)
{
	static struct world w;
	_cleanup_(buffer_done) struct buffer ksr = {0}, skr = {0};
	const int64_t expires = START + QUARTER + 11 * DAY;
	int64_t now = expires - DAY;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	quarter(&w, START);
	keys_close(w.on);
	shell("rm -r '%s'", online);
	w.on = must_open(online);
	request(w.on, now, 0, 9, &ksr);
	assert_why(ceremony(w.off, &ksr, KEYS_AFTER_GAP, now, &skr), BANYAN_EPROOF, "no ZSK of the bundle before");
	now = expires;
	request(w.on, now, 0, 9, &ksr);
	must(ceremony(w.off, &ksr, KEYS_AFTER_GAP, now, &skr));
	assert_why(take(w.on, &skr, NULL, now), BANYAN_EPROOF, "--anchor FILE");
	must(take(w.on, &skr, &w.anchors, now));
	live(&w, &now, expires + 30 * DAY);
	check_caches(&w);
	world_done(&w);
}

/* A new KSK stands by when the signatures end; a resolver has not seen it for long enough, and has its time after the gap. `late`: there is no
 * gap between the requests, but the next one, with which the KSK comes, is signed so late that its first bundles are never published. */
static void gap_while_rolling(bool late)
{
	static struct world w;
	_cleanup_(buffer_done) struct buffer ksr = {0}, skr = {0};
	const int64_t joint = START + QUARTER, end = joint + 10 * DAY;
	int64_t now = joint - 15 * DAY;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	quarter(&w, START);
	must(publish(&w, START));
	if (!late)
		must(keys_ask_roll(keys_folder_state(w.off), keys_folder_policy(w.off), KEYS_KSK, why));
	live(&w, &now, joint - AHEAD);
	request(w.on, now, 0, 1, &ksr);
	must(ceremony(w.off, &ksr, KEYS_CONTINUES, now, &skr));
	must(take(w.on, &skr, NULL, now));
	live(&w, &now, end + 11 * DAY);
	down(&w, &now, late ? end + 20 * DAY + 12 * HOUR : end + 40 * DAY);
	request(w.on, now, late ? end : 0, 9, &ksr);
	if (late) {
		must(keys_ask_roll(keys_folder_state(w.off), keys_folder_policy(w.off), KEYS_KSK, why));
		must(ceremony(w.off, &ksr, KEYS_CONTINUES, now, &skr));
		must(take(w.on, &skr, NULL, now));
	} else {
		gap_ceremony(&w, &ksr, now, "and waits as long as if");
	}
	live(&w, &now, keys_folder_state(w.on)->bundles_until - AHEAD);
	quarter(&w, now);
	live(&w, &now, now + 80 * DAY);
	check_caches(&w);
	const struct keys_state *is = keys_folder_state(w.off);
	assert_int_equal(is->n, 2);
	assert_int_equal(is->key[1].phase, KEYS_ACTIVE);
	world_done(&w);
	shell("rm -rf '%s' '%s'", online, offline);
}

static void test_gap_while_rolling(void **state)
{
	gap_while_rolling(false);
	gap_while_rolling(true);
}

/* A roll that is signed, and reaches the online side when the set of before has long expired: nobody has seen the new KSK. */
static void test_late(void **state)
{
	static struct world w;
	_cleanup_(buffer_done) struct buffer skr = {0};
	const int64_t joint = START + QUARTER, expires = joint + 11 * DAY;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	quarter(&w, START);
	must(keys_ask_roll(keys_folder_state(w.off), keys_folder_policy(w.off), KEYS_KSK, why));
	hold(&w, joint - AHEAD, &skr);
	assert_why(take(w.on, &skr, NULL, joint + 81 * DAY), BANYAN_EPROOF, "comes too late");
	assert_why(take(w.on, &skr, NULL, expires), BANYAN_EPROOF, "take it with --late");
	keys_close(w.on);
	shell("cp -a '%s' '%s/in-time-online'", online, top);
	w.on = must_open(online);
	struct keys_taking how = {.name = "response", .text = (char *)skr.data, .len = skr.len, .late = true};
	must(keys_take(w.on, &how, joint + 81 * DAY, why));
	must(publish(&w, joint + 81 * DAY));
	char path[128];
	snprintf(path, sizeof path, "%s/in-time-online", top);
	struct keys_folder *in_time = must_open(path);
	must(take(in_time, &skr, NULL, expires - 1));
	keys_close(in_time);
	world_done(&w);
}

/* The way out of that: the roll begins anew, in the place of the response that nobody saw. Resolvers follow it. */
static void test_late_replaced(void **state)
{
	static struct world w;
	_cleanup_(buffer_done) struct buffer ksr = {0}, skr = {0};
	const int64_t joint = START + QUARTER;
	int64_t now = joint - 20 * DAY;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	quarter(&w, START);
	must(publish(&w, START));
	must(keys_ask_roll(keys_folder_state(w.off), keys_folder_policy(w.off), KEYS_KSK, why));
	live(&w, &now, joint - AHEAD);
	hold(&w, now, &skr);
	live(&w, &now, joint + 11 * DAY);
	down(&w, &now, joint + 81 * DAY);
	assert_why(take(w.on, &skr, NULL, now), BANYAN_EPROOF, "comes too late");
	request(w.on, now, 0, 9, &ksr);
	must(ceremony(w.off, &ksr, KEYS_AFTER_GAP | KEYS_REPLACES, now, &skr));
	must(take(w.on, &skr, NULL, now));
	live(&w, &now, now + QUARTER - AHEAD);
	quarter(&w, now);
	live(&w, &now, now + 80 * DAY);
	check_caches(&w);
	const struct keys_state *is = keys_folder_state(w.off);
	assert_int_equal(is->n, 2); /* the KSK that was made for the first try */
	assert_int_equal(is->key[1].phase, KEYS_ACTIVE);
	world_done(&w);
}

/* The online side comes from a backup of before it asked: its next request has other ZSKs. Cut off at each save, at the first ceremony or the second. */
static int act_replace(void *ctx)
{
	struct act *act = ctx;
	struct keys_folder *folder = must_open(act->path);
	int rc = ceremony(folder, &act->ksr, KEYS_REPLACES, act->now, &act->skr);
	if (rc == BANYAN_EPROOF && strstr(why, "leave") != NULL)
		rc = ceremony(folder, &act->ksr, keys_folder_state(folder)->bundles_until == 0, act->now, &act->skr);
	keys_close(folder);
	return rc;
}

static void replace_at_each(int quarters)
{
	static struct world w;
	_cleanup_(act_done) struct act act = {0};
	_cleanup_(buffer_done) struct buffer lost = {0}, lost_request = {0};
	char on[128], off[128];
	unsigned saves = 0;
	memset(&w, 0, sizeof w);
	ksk_lifetime_s = 40 * DAY;
	world_begin(&w);
	for (int q = 0; q < quarters; q++)
		quarter(&w, START + q * QUARTER);
	act.now = START + quarters * QUARTER;
	keys_close(w.on);
	shell("cp -a '%s' '%s/backup-online'", online, top);
	w.on = must_open(online);
	request(w.on, act.now, 0, 9, &lost_request);
	must(ceremony(w.off, &lost_request, quarters == 0, act.now, &lost));
	anchors_of(w.off, &w.anchors);
	keys_close(w.on);
	shell("rm -r '%s'; mv '%s/backup-online' '%s'", online, top, online);
	w.on = must_open(online);
	assert_why(take(w.on, &lost, &w.anchors, act.now), BANYAN_EINVAL, "--replace");
	request(w.on, act.now, 0, 9, &act.ksr);
	assert_why(ceremony(w.off, &act.ksr, KEYS_CONTINUES, act.now, &act.skr), BANYAN_EPROOF, "say --replace");
	keys_close(w.on);
	keys_close(w.off);
	snprintf(on, sizeof on, "%s/again-online", top);
	snprintf(off, sizeof off, "%s/again-offline", top);
	for (int what = FAILS; what < TROUBLES; what++)
		for (unsigned at = 1;; at++) {
			shell("rm -rf '%s' '%s'; cp -a '%s' '%s'; cp -a '%s' '%s'", on, off, online, on, offline, off);
			act.path = off;
			if (!in_trouble(what, at, act_replace, &act))
				break;
			saves++;
			act.skr.len = 0;
			must(act_replace(&act));
			struct keys_folder *folder = must_open(on);
			must(take(folder, &act.skr, &w.anchors, act.now));
			/* and all goes on */
			lost.len = 0;
			must(keys_ksr(folder, act.now + QUARTER, 0, 9, &lost, why));
			struct keys_folder *ksk = must_open(off);
			must(ceremony(ksk, &lost, KEYS_CONTINUES, act.now + QUARTER, &act.skr));
			must(take(folder, &act.skr, NULL, act.now + QUARTER));
			assert_int_equal(files(off, "before-"), 2);
			keys_close(ksk);
			keys_close(folder);
		}
	assert_true(saves >= 18);
	dnssec_anchors_done(&w.anchors);
	shell("rm -rf '%s' '%s'", online, offline);
}

static void test_replace(void **state)
{
	replace_at_each(0);
	replace_at_each(2);
}

/* Bundles that are asked for one by one: the present one stays in view, however many are ahead. */
static void test_many_ahead(void **state)
{
	static struct world w;
	_cleanup_(buffer_done) struct buffer ksr = {0}, skr = {0};
	memset(&w, 0, sizeof w);
	world_begin(&w);
	request(w.on, START, START, 1, &ksr);
	must(ceremony(w.off, &ksr, KEYS_FIRST_ONE, START, &skr));
	anchors_of(w.off, &w.anchors);
	must(take(w.on, &skr, &w.anchors, START));
	int rc = 0, n = 0;
	while (rc == 0 && n < 100) {
		request(w.on, START, 0, 1, &ksr);
		must(ceremony(w.off, &ksr, KEYS_CONTINUES, START, &skr));
		rc = take(w.on, &skr, NULL, START);
		n++;
	}
	assert_why(rc, BANYAN_ELIMIT, "when the first of them has begun");
	assert_true(n > 50);
	must(publish(&w, START + HOUR));
	must(publish(&w, START + 11 * DAY));
	must(take(w.on, &skr, NULL, START + 11 * DAY));
	must(publish(&w, START + 11 * DAY));
	world_done(&w);
}

/* A key that was planned for a request which was given up, as versions before did it. */
static void test_planned_leftover(void **state)
{
	static struct world w;
	struct keys_key *key;
	int64_t now = START;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	must(keys_generate(w.on, KEYS_ZSK, 13, NULL, START, &key, why));
	key->plan = START + QUARTER;
	must(keys_save(w.on, why));
	quarter(&w, START);
	live(&w, &now, START + QUARTER - AHEAD);
	keys_folder_state(w.on)->key[0].plan =
		keys_folder_state(w.on)->key[0].phase == KEYS_GENERATED ? START + QUARTER : 0;
	quarter(&w, now);
	live(&w, &now, START + QUARTER + 20 * DAY);
	check_caches(&w);
	world_done(&w);
}

/* ---- what people do ---- */

static void test_name_in_record(void **state)
{
	_cleanup_(buffer_done) struct buffer ksr = {0}, skr = {0}, record = {0};
	struct keys_folder *on = must_open(online), *off = must_open(offline);
	request(on, START, 0, 9, &ksr);
	must(keys_sign_ksr(off, "k\n  id forged\x1b", (char *)ksr.data, ksr.len, KEYS_FIRST_ONE, START, &skr, &record,
			   why));
	must(buffer_append(&record, "", 1));
	assert_non_null(strstr((char *)record.data, "request: k?  id forged?\n  id 20"));
	keys_close(on);
	keys_close(off);
}

static void test_clocks(void **state)
{
	_cleanup_(buffer_done) struct buffer ksr = {0}, skr = {0};
	struct keys_folder *on = must_open(online), *off = must_open(offline);
	request(on, START, 0, 9, &ksr);
	assert_why(ceremony(off, &ksr, KEYS_FIRST_ONE, START - 365 * DAY, &skr), BANYAN_EPROOF,
		   "one of the two clocks is wrong");
	assert_why(ceremony(off, &ksr, KEYS_FIRST_ONE, START + 365 * DAY, &skr), BANYAN_EPROOF,
		   "if this clock is right");
	assert_int_equal(keys_folder_state(off)->n, 0);
	must(ceremony(off, &ksr, KEYS_FIRST_ONE, START - DAY / 2, &skr));
	must(ceremony(off, &ksr, KEYS_FIRST_ONE, START, &skr)); /* twice: the same again */
	request(on, START, 0, 9, &ksr);
	assert_why(ceremony(off, &ksr, KEYS_FIRST_ONE, START, &skr), BANYAN_EPROOF, "leave --first out");
	assert_why(ceremony(off, &ksr, KEYS_AFTER_GAP, START, &skr), BANYAN_EPROOF, "the time between is signed");
	keys_close(on);
	keys_close(off);
}

/* A clock of the online side that goes back: it does not sign with a key whose time is to come, and does not go back to an old one. */
static void test_clock_back(void **state)
{
	static struct world w;
	int64_t now = START + QUARTER - 12 * DAY;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	quarter(&w, START);
	quarter(&w, START + QUARTER - AHEAD);
	must(publish(&w, START));
	live(&w, &now, START + QUARTER + 12 * DAY);
	assert_why(publish(&w, START + 30 * DAY), BANYAN_EPROOF, "is the clock right?");
	live(&w, &now, now + DAY);
	check_caches(&w);
	world_done(&w);
}

static void test_backups(void **state)
{
	static struct world w;
	_cleanup_(buffer_done) struct buffer ksr = {0}, skr = {0};
	char old[128];
	int64_t now = START;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	shell("cp -a '%s' '%s/online-empty'", online, top);
	quarter(&w, START);
	must(keys_ask_roll(keys_folder_state(w.off), keys_folder_policy(w.off), KEYS_KSK, why));
	shell("cp -a '%s' '%s/offline-old'", offline, top);
	for (int q = 1; q < 4; q++)
		quarter(&w, START + q * QUARTER - AHEAD);
	/* the offline side comes from a backup of before the roll: its KSK was revoked since then */
	now = START + 4 * QUARTER - AHEAD;
	request(w.on, now, 0, 9, &ksr);
	snprintf(old, sizeof old, "%s/offline-old", top);
	struct keys_folder *off = must_open(old);
	assert_why(ceremony(off, &ksr, KEYS_CONTINUES, now, &skr), BANYAN_EPROOF, "sign the request for");
	must(ceremony(off, &ksr, KEYS_AFTER_GAP, now, &skr));
	assert_why(take(w.on, &skr, NULL, now), BANYAN_EPROOF, "is not signed by a KSK that is known here");
	keys_close(off);
	/* the online side comes from a backup without its ZSKs, but with the request */
	must(ceremony(w.off, &ksr, KEYS_CONTINUES, now, &skr));
	snprintf(old, sizeof old, "%s/online-empty", top);
	shell("cp '%s'/ksr-* '%s'/skr-* '%s'", online, online, old);
	struct keys_folder *on = must_open(old);
	assert_why(take(on, &skr, NULL, now), BANYAN_EINVAL, "is not in ");
	keys_close(on);
	/* and what an old response says */
	must(take(w.on, &skr, NULL, now));
	shell("cp '%s'/skr-2026-0* '%s/older'; rm '%s'/skr-2026-0*", online, top, online);
	keys_close(w.on);
	w.on = must_open(online);
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	snprintf(old, sizeof old, "%s/older", top);
	must(file_read(old, KEYS_REQUEST_MAX, &text, &len));
	assert_why(keys_skr(w.on, old, (char *)text, len, &w.anchors, START, why), BANYAN_EINVAL, "is an old one");
	world_done(&w);
}

/* What lies in the folder and is no response, or was damaged, does not end the publication. */
static void test_stray_files(void **state)
{
	static struct world w;
	int64_t now = START;
	memset(&w, 0, sizeof w);
	world_begin(&w);
	quarter(&w, START);
	quarter(&w, START + QUARTER - AHEAD);
	keys_close(w.on);
	shell("cd '%s' && echo notes >skr-notes.txt && cp skr-2026-0* skr-2099-01-01T00:00:00Z.txt && echo x "
	      ">>skr-2099-01-01T00:00:00Z.txt",
	      online);
	w.on = must_open(online);
	live(&w, &now, START + 3 * DAY);
	world_done(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_crash_ask, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crash_sign, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crash_sign_later, setup, teardown),
		cmocka_unit_test_setup_teardown(test_crash_take, setup, teardown),
		cmocka_unit_test_setup_teardown(test_request_again, setup, teardown),
		cmocka_unit_test_setup_teardown(test_requests_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(test_publisher_down, setup, teardown),
		cmocka_unit_test_setup_teardown(test_publisher_down_wakes, setup, teardown),
		cmocka_unit_test_setup_teardown(test_publisher_down_long, setup, teardown),
		cmocka_unit_test_setup_teardown(test_publisher_down_ksk, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gap, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gap_without_outage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gap_new_keys, setup, teardown),
		cmocka_unit_test_setup_teardown(test_gap_while_rolling, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late, setup, teardown),
		cmocka_unit_test_setup_teardown(test_late_replaced, setup, teardown),
		cmocka_unit_test_setup_teardown(test_replace, setup, teardown),
		cmocka_unit_test_setup_teardown(test_many_ahead, setup, teardown),
		cmocka_unit_test_setup_teardown(test_planned_leftover, setup, teardown),
		cmocka_unit_test_setup_teardown(test_name_in_record, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clocks, setup, teardown),
		cmocka_unit_test_setup_teardown(test_clock_back, setup, teardown),
		cmocka_unit_test_setup_teardown(test_backups, setup, teardown),
		cmocka_unit_test_setup_teardown(test_stray_files, setup, teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
