// SPDX-License-Identifier: GPL-3.0-or-later
/* The attendant and its children: what they do, what they may not, and how each of them may end. */
#include "test.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zstd.h>

#include "../zone/signer.h"
#include "attendant.h"
#include "daemon.h"
#include "prover.h"
#include "sync/private.h"

#define DEADLINE_MS 30000 /* of whatever must come: a failure, not a measure */
#define TEXT                                                                                                           \
	"@ 3600 SOA ns h 7 7200 3600 604800 300\n@ 3600 NS ns\nns 3600 A 192.0.2.1\n"                                  \
	"www 3600 A 192.0.2.2\nsub 3600 NS ns.sub\nns.sub 3600 A 192.0.2.3\n"

static uv_loop_t loop;
static struct attendant *attendant;
static struct identity identity;
static char self[PATH_MAX];

struct outcome {
	bool done;
	int error;
	size_t len;
	uint8_t reply[ATTENDANT_REPLY_MAX + 1];
};

static void on_done(void *ctx, int error, const uint8_t *reply, size_t len)
{
	struct outcome *outcome = ctx;
	assert_false(outcome->done);
	assert_int_equal(reply[len], 0);
	outcome->done = true;
	outcome->error = error;
	outcome->len = len;
	memcpy(outcome->reply, reply, len + 1);
}

static void on_tick(uv_timer_t *tick)
{
}

static void wait_for(const bool *what)
{
	int64_t until = clock_mono_ms() + DEADLINE_MS;
	uv_timer_t tick;
	uv_timer_init(&loop, &tick);
	while (!*what && clock_mono_ms() < until) {
		uv_timer_start(&tick, on_tick, 50, 0);
		uv_run(&loop, UV_RUN_ONCE);
	}
	uv_close((uv_handle_t *)&tick, NULL);
	uv_run(&loop, UV_RUN_NOWAIT);
	assert_true(*what);
}

/* ---- children that do what their request says ---- */

static volatile int never;
static volatile int *volatile nowhere;

static int misbehave(const uint8_t *request, size_t len, const int fd[ATTENDANT_FDS_MAX], int reply_fd)
{
	char what[32] = "";
	memcpy(what, request, len < sizeof what ? len : sizeof what - 1);
	if (strcmp(what, "crash") == 0)
		*nowhere = 1;
	if (strcmp(what, "loop") == 0)
		while (!never)
			;
	if (strcmp(what, "sleep") == 0)
		while (read(fd[0], what, 1) > 0) /* nobody ever writes there */
			;
	if (strcmp(what, "socket") == 0)
		return socket(AF_INET, SOCK_STREAM, 0) < 0;
	if (strcmp(what, "fork") == 0)
		return fork() < 0;
	if (strcmp(what, "exec") == 0)
		return execl("/bin/true", "true", NULL);
	if (strcmp(what, "open") == 0)
		return open("/etc/passwd", O_RDONLY) < 0 && open("/tmp/made-by-a-child", O_WRONLY | O_CREAT, 0600) < 0
			       ? 0
			       : 9;
	if (strcmp(what, "code") == 0)
		return mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? 0
														 : 9;
	if (strcmp(what, "memory") == 0) {
		size_t got = 0;
		for (void *p; got < (size_t)4 << 30 && (p = malloc(1 << 20)) != NULL; got += 1 << 20)
			memset(p, 1, 1 << 20);
		return dprintf(reply_fd, "%zu", got >> 20) < 0;
	}
	if (strcmp(what, "write") == 0)
		while (write(fd[0], "01234567890123456789", 20) > 0)
			;
	if (strcmp(what, "status") == 0)
		return dprintf(reply_fd, "no milk today\nand more\n") < 0 ? 1 : 42;
	if (strcmp(what, "much") == 0)
		for (int i = 0; i < 40000; i++)
			dprintf(reply_fd, "01234567");
	struct stat st;
	if (strcmp(what, "fds") == 0)
		return dprintf(reply_fd, "%d%d%d%d", fstat(4, &st) == 0, fstat(5, &st) == 0, fstat(6, &st) == 0,
			       fstat(8, &st) < 0) < 0;
	if (strncmp(what, "echo", 4) == 0)
		return write(reply_fd, request, len) < 0;
	return prover_run(request, len, fd, reply_fd);
}

/* ---- life ---- */

static int begin(void **state)
{
	char why[1024];
	struct attendant_settings settings = {
		.identity = &identity, .confine = true, .prove = misbehave, .fetch_path = self};
	identity = (struct identity){.uid = getuid(), .gid = getgid()};
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(attendant_fork(&settings, &attendant, why), 0);
	assert_int_equal(attendant_attach(attendant, &loop), 0);
	return 0;
}

static int end(void **state)
{
	attendant_free(attendant);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	return 0;
}

static void ask_all(struct outcome *outcome, const char *what, int fd, const struct attendant_job_settings *more)
{
	struct attendant_job *job;
	struct attendant_job_settings settings = more != NULL ? *more : (struct attendant_job_settings){0};
	settings.request = what;
	settings.request_len = strlen(what);
	settings.fd[0] = fd;
	settings.n_fds = 1;
	settings.done = on_done;
	settings.ctx = outcome;
	*outcome = (struct outcome){0};
	assert_int_equal(attendant_ask(attendant, &settings, &job), 0);
	wait_for(&outcome->done);
}

static struct outcome outcome;

static void ask(const char *what)
{
	ask_all(&outcome, what, -1, NULL);
}

static void assert_words(int error, const char *part)
{
	if (outcome.error != error || strstr((const char *)outcome.reply, part) == NULL)
		fail_msg("%d (%s) and not %d (...%s...)", outcome.error, (const char *)outcome.reply, error, part);
}

/* ---- how children end ---- */

static void each_way_to_end(void **state)
{
	struct attendant_job_settings soon = {.time_max_ms = 300}, little = {.bytes_max = 100000};
	ask("echo this");
	assert_words(0, "echo this");
#ifndef __SANITIZE_ADDRESS__ /* which catches it, and says so with a status of its own */
	ask("crash");
	assert_words(BANYAN_EOTHER, "crashed: Segmentation fault");
#endif
	ask("socket");
	assert_words(BANYAN_EACCES, "system call that it may not make");
	ask("fork");
	assert_words(BANYAN_EACCES, "system call that it may not make");
	ask("exec");
	assert_words(BANYAN_EACCES, "system call that it may not make");
	ask("open");
	assert_words(0, "");
	assert_int_equal(access("/tmp/made-by-a-child", F_OK), -1);
	ask("code");
	assert_words(0, "");
	ask("status");
	assert_words(BANYAN_EOTHER, "ended with status 42: no milk today");
	assert_null(strstr((const char *)outcome.reply, "more"));
	ask_all(&outcome, "loop", -1, &soon);
	assert_words(BANYAN_ETIMEOUT, "took more than 300 ms");
	int fd = memfd_create("out", MFD_CLOEXEC);
	ask_all(&outcome, "write", fd, &little);
	assert_words(BANYAN_ELIMIT, "wrote more than 100000 bytes");
	struct stat st;
	assert_int_equal(fstat(fd, &st), 0);
	assert_true(st.st_size <= 100000);
	close(fd);
	ask("much");
	assert_int_equal(outcome.error, 0);
	assert_int_equal(outcome.len, ATTENDANT_REPLY_MAX);
	ask("echo still here");
	assert_words(0, "still here");
}

#ifndef __SANITIZE_ADDRESS__ /* whose shadow is larger than any limit */
static void memory_is_limited(void **state)
{
	struct attendant_job_settings little = {.memory_max = (uint64_t)100 << 20};
	ask_all(&outcome, "memory", -1, &little);
	assert_int_equal(outcome.error, 0);
	unsigned long got = strtoul((const char *)outcome.reply, NULL, 10);
	assert_in_range(got, 60, 200);
}
#endif

static void descriptors_are_those_given(void **state)
{
	struct attendant_job *job;
	int fd = memfd_create("x", MFD_CLOEXEC);
	outcome = (struct outcome){0};
	struct attendant_job_settings settings = {
		.request = "fds", .request_len = 3, .fd = {fd, -1, fd}, .n_fds = 3, .done = on_done, .ctx = &outcome};
	assert_int_equal(attendant_ask(attendant, &settings, &job), 0);
	close(fd); /* they may be closed at once */
	wait_for(&outcome.done);
	assert_words(0, "1011");
}

static void many_at_once(void **state)
{
	static struct outcome all[ATTENDANT_JOBS_MAX];
	struct attendant_job *job;
	char text[40 * 1024];
	for (unsigned i = 0; i < ATTENDANT_JOBS_MAX; i++) {
		int len = snprintf(text, sizeof text, "echo %u %040000u", i, i);
		struct attendant_job_settings settings = {
			.request = text, .request_len = (size_t)len, .done = on_done, .ctx = &all[i]};
		assert_int_equal(attendant_ask(attendant, &settings, &job), 0);
	}
	struct attendant_job_settings more = {.request = "echo", .request_len = 4, .done = on_done};
	assert_int_equal(attendant_ask(attendant, &more, &job), BANYAN_ELIMIT);
	for (unsigned i = 0; i < ATTENDANT_JOBS_MAX; i++) {
		wait_for(&all[i].done);
		snprintf(text, sizeof text, "echo %u ", i);
		assert_int_equal(all[i].error, 0);
		assert_memory_equal(all[i].reply, text, strlen(text));
	}
	more.request_len = ATTENDANT_REQUEST_MAX + 1;
	assert_int_equal(attendant_ask(attendant, &more, &job), BANYAN_ELIMIT);
}

static void taken_back(void **state)
{
	struct attendant_job *job[2 * ATTENDANT_CHILDREN_MAX];
	struct outcome none = {0};
	for (unsigned i = 0; i < ARRAY_SIZE(job); i++) { /* half of them wait for the others */
		struct attendant_job_settings settings = {
			.request = "loop", .request_len = 4, .done = on_done, .ctx = &none};
		assert_int_equal(attendant_ask(attendant, &settings, &job[i]), 0);
	}
	for (unsigned i = 0; i < ARRAY_SIZE(job); i++)
		attendant_cancel(job[i]);
	ask("echo after"); /* there is room for it */
	assert_words(0, "after");
	assert_false(none.done);
}

/* ---- proving ---- */

static int file_of(const void *data, size_t len)
{
	int fd = memfd_create("candidate", MFD_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len); /* its offset is at the end, as after a download */
	return fd;
}

static struct prove_reply reply;
static uint64_t prove_memory; /* 0 = the default */
static int wire_fd = -1, image_fd = -1;

static void prove(enum prove_form form, int candidate, int base, enum config_prove how,
		  const struct dnssec_anchors *anchors, int64_t now)
{
	struct buffer request = {0};
	struct attendant_job *job;
	struct prove_settings settings = {.form = form,
					  .apex = (const uint8_t *)"\7example",
					  .prove = how,
					  .anchors = anchors,
					  .require_zonemd = how == CONFIG_PROVE_FULL,
					  .now = now};
	if (wire_fd >= 0)
		close(wire_fd);
	if (image_fd >= 0)
		close(image_fd);
	wire_fd = memfd_create("wire", MFD_CLOEXEC);
	image_fd = memfd_create("image", MFD_CLOEXEC);
	assert_int_equal(prove_request_write(&settings, &request), 0);
	outcome = (struct outcome){0};
	struct attendant_job_settings asked = {.request = request.data,
					       .request_len = request.len,
					       .fd = {candidate, base, wire_fd, image_fd},
					       .n_fds = 4,
					       .memory_max = prove_memory,
					       .done = on_done,
					       .ctx = &outcome};
	assert_int_equal(attendant_ask(attendant, &asked, &job), 0);
	buffer_done(&request);
	wait_for(&outcome.done);
	if (outcome.error != 0)
		fail_msg("%d: %s", outcome.error, (const char *)outcome.reply);
	assert_int_equal(prove_reply_read(outcome.reply, outcome.len, &reply), 0);
	close(candidate);
}

static struct zone *zone_read(const char *text)
{
	struct zone_read_settings settings = {.origin = (const uint8_t *)"\7example"};
	struct zone_error error;
	struct zone *zone;
	if (zone_read_text("test", text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	return zone;
}

/* The two files are the wire form of this zone and an image of it. */
static void assert_written(const struct zone *zone)
{
	struct buffer wire = {0};
	struct image *image;
	uint8_t data[65536];
	static _Alignas(4096) uint8_t block[1 << 20];
	assert_int_equal(zone_write_wire(zone, &wire), 0);
	assert_int_equal(reply.wire_len, wire.len);
	assert_int_equal(pread(wire_fd, data, sizeof data, 0), (ssize_t)wire.len);
	assert_memory_equal(data, wire.data, wire.len);
	buffer_done(&wire);
	ssize_t n = pread(image_fd, block, sizeof block, 0);
	assert_int_equal(n, (ssize_t)reply.image_len);
	assert_int_equal(image_open(block, (size_t)n, &image), 0);
	assert_int_equal(image_serial(image), zone->serial);
	image_free(image);
}

static void texts_are_proved(void **state)
{
	struct zone *zone = zone_read(TEXT);
	prove(PROVE_TEXT, file_of(TEXT, strlen(TEXT)), -1, CONFIG_PROVE_STRUCTURE, NULL, 0);
	assert_int_equal(reply.error, 0);
	assert_int_equal(reply.serial, 7);
	assert_int_equal(reply.refresh_s, 7200);
	assert_int_equal(reply.retry_s, 3600);
	assert_int_equal(reply.expire_s, 604800);
	assert_int_equal(reply.records, 6);
	assert_int_equal(reply.first_expiry, 0);
	assert_int_equal(reply.zonemd_len, 0);
	assert_string_equal(reply.proof, "structure is good; nothing else was to be proved");
	assert_written(zone);
	struct buffer wire = {0};
	assert_int_equal(zone_write_wire(zone, &wire), 0);
	prove(PROVE_WIRE, file_of(wire.data, wire.len), -1, CONFIG_PROVE_STRUCTURE, NULL, 0);
	assert_int_equal(reply.error, 0);
	assert_written(zone);
	prove(PROVE_WIRE, file_of(wire.data, wire.len - 1), -1, CONFIG_PROVE_STRUCTURE, NULL, 0);
	assert_int_equal(reply.error, BANYAN_EMALF);
	buffer_done(&wire);
	zone_free(zone);
	prove(PROVE_TEXT, file_of("@ SOA is no", 11), -1, CONFIG_PROVE_STRUCTURE, NULL, 0);
	assert_int_equal(reply.error, BANYAN_EMALF);
	assert_int_equal(reply.reason, REASON_SYNTAX);
	assert_null(strstr(reply.words, "standard input"));
	prove(PROVE_TEXT, file_of("@ 3600 NS ns\n", 13), -1, CONFIG_PROVE_STRUCTURE, NULL, 0);
	assert_int_equal(reply.error, BANYAN_EPROOF);
	assert_int_equal(reply.reason, REASON_SOA_MISSING);
	prove(PROVE_TEXT, file_of("", 0), -1, CONFIG_PROVE_STRUCTURE, NULL, 0);
	assert_true(reply.error < 0);
}

static void signed_zone_is_proved(uint8_t algorithm, uint8_t zonemd_hash)
{
	struct signer signer;
	struct test_zone test;
	struct dnssec_anchors anchors = {0};
	struct buffer text = {0};
	signer_init(&signer, algorithm);
	signer.zonemd = true;
	signer.zonemd_hash = zonemd_hash;
	signer_make(&signer, "example.", TEXT, &test);
	signer_anchor(&signer, &test, &anchors);
	struct zone *zone = test_zone_build(&test);
	assert_int_equal(zone_write_text(zone, &text), 0);
	prove(PROVE_TEXT, file_of(text.data, text.len), -1, CONFIG_PROVE_FULL, &anchors, SIGNER_NOW);
	if (reply.error != 0)
		fail_msg("%s", reply.words);
	assert_int_equal(reply.zonemd_len, zonemd_hash == 1 ? 48 : 64);
	assert_int_equal(reply.zonemd_scheme, 1);
	assert_int_equal(reply.zonemd_algorithm, zonemd_hash);
	assert_int_equal(reply.first_expiry, signer.expiration);
	assert_int_equal(reply.last_inception, signer.inception);
	assert_non_null(strstr(reply.proof, "ZONEMD holds"));
	assert_written(zone);
	/* but for its dates */
	prove(PROVE_TEXT, file_of(text.data, text.len), -1, CONFIG_PROVE_FULL, &anchors,
	      (int64_t)signer.expiration + 99);
	assert_int_equal(reply.error, BANYAN_EPROOF);
	assert_int_equal(reply.reason, REASON_RRSIG_EXPIRED);
	assert_int_equal(reply.dated_until, signer.expiration);
	assert_int_equal(reply.serial, 7);
	assert_non_null(strstr(reply.words, "but for its dates it is good"));
	/* a wrong digest */
	assert_int_equal(test_zone_remove(&test, "ns.sub.example.", WIRE_TYPE_A, 0), 1);
	struct zone *changed = test_zone_build(&test);
	text.len = 0;
	assert_int_equal(zone_write_text(changed, &text), 0);
	prove(PROVE_TEXT, file_of(text.data, text.len), -1, CONFIG_PROVE_FULL, &anchors, SIGNER_NOW);
	assert_int_equal(reply.error, BANYAN_EPROOF);
	assert_true(reply.dated_until == 0);
	/* no anchor of it */
	prove(PROVE_TEXT, file_of(text.data, text.len), -1, CONFIG_PROVE_FULL, NULL, SIGNER_NOW);
	assert_int_equal(reply.error, BANYAN_EPROOF);
	zone_free(changed);
	zone_free(zone);
	test_zone_free(&test);
	signer_done(&signer);
	dnssec_anchors_done(&anchors);
	buffer_done(&text);
}

/* What needs more memory than it may have is refused as too large, also when it is small until it is unpacked. */
#ifndef __SANITIZE_ADDRESS__ /* whose shadow is larger than any limit */
static void bombs_are_refused(void **state)
{
	size_t len = (size_t)64 << 20, packed_len = ZSTD_compressBound(len);
	char *text = malloc(len), *packed = malloc(packed_len);
	assert_non_null(text);
	assert_non_null(packed);
	memset(text, ';', len);
	packed_len = ZSTD_compress(packed, packed_len, text, len, 1);
	assert_true(packed_len < len / 1000);
	prove_memory = (uint64_t)8 << 20;
	prove(PROVE_TEXT, file_of(packed, packed_len), -1, CONFIG_PROVE_STRUCTURE, NULL, 0);
	prove_memory = 0;
	assert_int_equal(reply.error, BANYAN_ELIMIT);
	assert_int_equal(reply.reason, REASON_TOO_LARGE);
	assert_non_null(strstr(reply.words, "memory"));
	free(text);
	free(packed);
}
#endif

/* Each algorithm behind the filter: what libcrypto wants to look up must be looked up before. */
static void signed_zones_are_proved(void **state)
{
	signed_zone_is_proved(13, 1);
	signed_zone_is_proved(8, 2);
	signed_zone_is_proved(15, 1);
}

static struct sync_transfer *transfer_of(uint32_t from, bool whole)
{
	static const uint8_t soa[] = "\0\0\0\0\0\x08\0\0\x1c\x20\0\0\x0e\x10\0\x09\x3a\x80\0\0\x01\x2c";
	struct sync_transfer_settings settings = {.apex = (const uint8_t *)"\7example", .have = true, .serial = from};
	struct sync_transfer *t;
	assert_int_equal(sync_transfer_new(&settings, &t), 0);
	memcpy(t->soa, soa, 22);
	t->soa_len = 22;
	t->soa_ttl = 3600;
	t->serial = 8;
	t->is_whole = whole;
	t->expect = EXPECT_NOTHING;
	return t;
}

static void change(struct sync_transfer *t, uint8_t op, const char *owner, uint16_t type, const char *data,
		   uint16_t len)
{
	struct sync_change c = {.op = op,
				.owner = (const uint8_t *)owner,
				.type = type,
				.ttl = 3600,
				.data = (const uint8_t *)data,
				.len = len};
	assert_int_equal(sync_change_put(&t->changes, &c), 0);
	t->n_changes++;
}

static void changes_are_applied(void **state)
{
	struct zone *base = zone_read(TEXT), *wanted = zone_read("@ 3600 SOA . . 8 7200 3600 604800 300\n@ 3600 NS "
								 "ns\nns 3600 A 192.0.2.1\nwww 3600 A 192.0.2.9\n"
								 "sub 3600 NS ns.sub\nns.sub 3600 A 192.0.2.3\n");
	struct buffer wire = {0}, changes = {0};
	assert_int_equal(zone_write_wire(base, &wire), 0);
	int base_fd = file_of(wire.data, wire.len);
	struct sync_transfer *t = transfer_of(7, false);
	change(t, SYNC_DELETE, "\3www\7example", WIRE_TYPE_A, "\xc0\0\2\2", 4);
	change(t, SYNC_ADD, "\3www\7example", WIRE_TYPE_A, "\xc0\0\2\x09", 4);
	assert_int_equal(sync_changes_write(t, &changes), 0);
	prove(PROVE_CHANGES, file_of(changes.data, changes.len), base_fd, CONFIG_PROVE_STRUCTURE, NULL, 0);
	if (reply.error != 0)
		fail_msg("%s", reply.words);
	assert_int_equal(reply.serial, 8);
	assert_written(wanted);
	/* without the base, and with another one */
	prove(PROVE_CHANGES, file_of(changes.data, changes.len), -1, CONFIG_PROVE_STRUCTURE, NULL, 0);
	assert_int_equal(reply.error, BANYAN_EAGAIN);
	t->settings.serial = 6;
	changes.len = 0;
	assert_int_equal(sync_changes_write(t, &changes), 0);
	prove(PROVE_CHANGES, file_of(changes.data, changes.len), base_fd, CONFIG_PROVE_STRUCTURE, NULL, 0);
	assert_int_equal(reply.error, BANYAN_EAGAIN);
	for (size_t cut = 0; cut < changes.len; cut++) { /* whatever is missing at its end */
		struct zone *zone;
		int rc = sync_changes_apply(changes.data, cut, (const uint8_t *)"\7example", base, &zone);
		assert_true(rc == BANYAN_EMALF || rc == BANYAN_EAGAIN || rc == BANYAN_EINVAL);
	}
	/* a delta between the two */
	struct buffer now = {0}, delta = {0};
	assert_int_equal(zone_write_wire(wanted, &now), 0);
	assert_int_equal(zone_delta_make(wire.data, wire.len, now.data, now.len, &delta), 0);
	prove(PROVE_DELTA, file_of(delta.data, delta.len), base_fd, CONFIG_PROVE_STRUCTURE, NULL, 0);
	assert_int_equal(reply.error, 0);
	assert_written(wanted);
	int other = file_of(now.data, now.len);
	prove(PROVE_DELTA, file_of(delta.data, delta.len), other, CONFIG_PROVE_STRUCTURE, NULL, 0);
	assert_int_equal(reply.error, BANYAN_EAGAIN);
	close(other);
	close(base_fd);
	sync_transfer_free(t);
	buffer_done(&wire);
	buffer_done(&changes);
	buffer_done(&now);
	buffer_done(&delta);
	zone_free(base);
	zone_free(wanted);
}

static void replies_are_held_against_their_form(void **state)
{
	struct prove_reply good = {.wire_len = 1}, out;
	uint8_t bytes[sizeof good];
	memcpy(bytes, &good, sizeof good);
	assert_int_equal(prove_reply_read(bytes, sizeof bytes, &out), 0);
	assert_int_equal(prove_reply_read(bytes, sizeof bytes - 1, &out), BANYAN_EMALF);
	struct prove_reply bad[] = {{.wire_len = 0},
				    {.wire_len = 1, .error = 1},
				    {.wire_len = 1, .error = -1000},
				    {.wire_len = 1, .reason = (enum reason)REASON_COUNT},
				    {.wire_len = 1, .zonemd_len = 65},
				    good,
				    good};
	memset(bad[5].words, 'x', sizeof bad[5].words);
	memset(bad[6].proof, 'x', sizeof bad[6].proof);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(prove_reply_read((const uint8_t *)&bad[i], sizeof bad[i], &out), BANYAN_EMALF);
}

/* ---- descriptors and processes ---- */

static unsigned fds_of(pid_t pid)
{
	char path[64];
	unsigned n = 0;
	snprintf(path, sizeof path, "/proc/%ld/fd", (long)pid);
	DIR *dir = opendir(path);
	while (dir != NULL && readdir(dir) != NULL)
		n++;
	if (dir != NULL)
		closedir(dir);
	return n;
}

static pid_t child_of(pid_t pid)
{
	char path[64], text[32] = "";
	snprintf(path, sizeof path, "/proc/%ld/task/%ld/children", (long)pid, (long)pid);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	return n > 0 ? (pid_t)strtol(text, NULL, 10) : 0;
}

static pid_t wait_child(pid_t pid)
{
	pid_t child;
	int64_t until = clock_mono_ms() + DEADLINE_MS;
	while ((child = child_of(pid)) == 0 && clock_mono_ms() < until)
		usleep(1000);
	assert_true(child > 0);
	return child;
}

static void two_hundred_proofs_leak_nothing(void **state)
{
	pid_t pid = wait_child((pid_t)attendant_process(attendant));
	unsigned ours = 0, theirs = 4 + 2; /* standard ones, the socket; and two dots */
	assert_true(pid > 0);
	for (int i = 0; i < 200; i++) {
		prove(PROVE_TEXT, file_of(TEXT, strlen(TEXT)), -1, CONFIG_PROVE_STRUCTURE, NULL, 0);
		assert_int_equal(reply.error, 0);
		if (i == 2)
			ours = fds_of(getpid());
	}
	assert_int_equal(fds_of(getpid()), ours);
	int64_t until = clock_mono_ms() + DEADLINE_MS; /* it tells first and tidies up then */
	bool seen = fds_of(pid) > 2;                   /* only root may look */
	while (((seen && fds_of(pid) != theirs) || child_of(pid) != 0) && clock_mono_ms() < until)
		usleep(1000);
	if (seen)
		assert_int_equal(fds_of(pid), theirs);
	assert_int_equal(child_of(pid), 0); /* no zombie either */
}

static bool gone(pid_t pid)
{
	char path[64], text[256] = "";
	snprintf(path, sizeof path, "/proc/%ld/stat", (long)pid);
	int fd = open(path, O_RDONLY);
	ssize_t n = fd < 0 ? 0 : read(fd, text, sizeof text - 1);
	if (fd >= 0)
		close(fd);
	const char *name_end = strrchr(text, ')');
	return n <= 0 || (name_end != NULL && name_end[2] == 'Z');
}

static void wait_gone(pid_t pid)
{
	int64_t until = clock_mono_ms() + DEADLINE_MS;
	while (!gone(pid) && clock_mono_ms() < until)
		usleep(1000);
	assert_true(gone(pid));
}

/* What was under way fails, and a minute later nobody would know: another one is there. */
static void the_attendant_is_killed(void **state)
{
	pid_t minder = (pid_t)attendant_process(attendant);
	for (int i = 0; i < 3; i++) {
		struct outcome one = {0}, two = {0};
		struct attendant_job *job;
		struct attendant_job_settings settings = {
			.request = "loop", .request_len = 4, .done = on_done, .ctx = &one};
		assert_int_equal(attendant_ask(attendant, &settings, &job), 0);
		settings.ctx = &two;
		assert_int_equal(attendant_ask(attendant, &settings, &job), 0);
		pid_t pid = wait_child(minder), child = wait_child(pid);
		kill(pid, SIGKILL);
		wait_for(&one.done);
		wait_for(&two.done);
		assert_int_equal(one.error, BANYAN_EIO);
		assert_int_equal(two.error, BANYAN_EIO);
		wait_gone(child);
		wait_gone(pid);
		assert_true(attendant_alive(attendant));
		prove(PROVE_TEXT, file_of(TEXT, strlen(TEXT)), -1, CONFIG_PROVE_STRUCTURE, NULL, 0);
		assert_int_equal(reply.error, 0);
	}
}

static void the_minder_is_killed(void **state)
{
	struct outcome one = {0}, two = {0};
	struct attendant_job *job;
	struct attendant_job_settings settings = {.request = "loop", .request_len = 4, .done = on_done, .ctx = &one};
	pid_t pid = (pid_t)attendant_process(attendant);
	assert_int_equal(attendant_ask(attendant, &settings, &job), 0);
	settings.ctx = &two;
	assert_int_equal(attendant_ask(attendant, &settings, &job), 0);
	pid_t second = wait_child(pid), child = wait_child(second);
	kill(pid, SIGKILL);
	wait_for(&one.done);
	wait_for(&two.done);
	assert_int_equal(one.error, BANYAN_EIO);
	assert_int_equal(two.error, BANYAN_EIO);
	assert_false(attendant_alive(attendant));
	assert_int_equal(attendant_ask(attendant, &settings, &job), BANYAN_EIO);
	wait_gone(child);
	wait_gone(pid);
}

/* A process that is what the daemon is to the attendant, killed without a chance to say so. */
static void the_daemon_is_killed(void **state)
{
	pid_t daemon = fork();
	if (daemon == 0) {
		struct outcome none = {0};
		struct attendant_job *job;
		struct attendant_job_settings settings = {
			.request = "loop", .request_len = 4, .done = on_done, .ctx = &none};
		begin(NULL);
		if (attendant_ask(attendant, &settings, &job) < 0)
			_exit(1);
		for (;;)
			uv_run(&loop, UV_RUN_DEFAULT);
	}
	signal(SIGCHLD, SIG_DFL);
	pid_t minder = wait_child(daemon), pid = wait_child(minder), child = wait_child(pid);
	kill(daemon, SIGKILL);
	assert_int_equal(waitpid(daemon, NULL, 0), daemon);
	wait_gone(minder);
	wait_gone(pid);
	wait_gone(child);
}

/* ---- fetching: this very program, as banyan-fetch ---- */

static int fetch_main(void)
{
	char request[256];
	ssize_t n = read(0, request, sizeof request - 1);
	request[n > 0 ? n : 0] = '\0';
	if (strncmp(request, "fail", 4) == 0) {
		dprintf(3, "the server is asleep\n");
		_exit(7);
	}
	if (strncmp(request, "what", 4) == 0) {
		int made = open("/tmp/made-by-a-child", O_WRONLY | O_CREAT, 0600);
		int sock = socket(AF_INET, SOCK_STREAM, 0), passwd = open("/etc/passwd", O_RDONLY);
		pid_t pid = fork();
		if (pid == 0)
			_exit(0);
		dprintf(3, "made %d socket %d read %d fork %d fd %d env %d", made >= 0, sock >= 0, passwd >= 0,
			pid >= 0, fcntl(9, F_GETFD) >= 0, getenv("PATH") != NULL);
		_exit(0);
	}
	if (strncmp(request, "stall", 5) == 0)
		for (;;)
			pause();
	dprintf(1, "body of %s", request);
	dprintf(3, "status 200\n");
	_exit(0);
}

static void fetching(void **state)
{
	struct attendant_job_settings fetch = {.kind = ATTENDANT_FETCH};
	char body[64] = "";
	int fd = memfd_create("body", MFD_CLOEXEC);
	ask_all(&outcome, "url http://example/", fd, &fetch);
	assert_words(0, "status 200\n");
	assert_true(pread(fd, body, sizeof body - 1, 0) > 0);
	assert_string_equal(body, "body of url http://example/");
	ask_all(&outcome, "fail", fd, &fetch);
	assert_words(BANYAN_EOTHER, "the program that fetches ended with status 7: the server is asleep");
	ask_all(&outcome, "what", fd, &fetch);
#ifdef __SANITIZE_ADDRESS__
	assert_words(0, "made 0 socket 1 read 1");
#else
	assert_words(0, "made 0 socket 1 read 1 fork 0 fd 0 env 0");
#endif
	close(fd);
}

static void stalled_fetches_keep_nothing_from_being_proved(void **state)
{
	struct attendant_job *job[2 * ATTENDANT_CHILDREN_MAX];
	struct attendant_job_settings fetch = {.kind = ATTENDANT_FETCH};
	struct outcome none = {0};
	for (unsigned i = 0; i < ARRAY_SIZE(job); i++) {
		struct attendant_job_settings settings = {
			.kind = ATTENDANT_FETCH, .request = "stall", .request_len = 5, .done = on_done, .ctx = &none};
		assert_int_equal(attendant_ask(attendant, &settings, &job[i]), 0);
	}
	ask("echo meanwhile");
	assert_words(0, "meanwhile");
	for (unsigned i = 0; i < ARRAY_SIZE(job); i++)
		attendant_cancel(job[i]);
	assert_false(none.done);
	ask_all(&outcome, "url http://example/", -1, &fetch); /* and their places are free again */
	assert_words(0, "status 200\n");
}

static void no_program_to_fetch_with(void **state)
{
	struct attendant_job_settings fetch = {.kind = ATTENDANT_FETCH};
	char why[1024];
	struct attendant_settings settings = {.identity = &identity, .fetch_path = "/nonexistent/banyan-fetch"};
	identity = (struct identity){.uid = getuid(), .gid = getgid()};
	assert_int_equal(uv_loop_init(&loop), 0);
	assert_int_equal(attendant_fork(&settings, &attendant, why), 0);
	assert_int_equal(attendant_attach(attendant, &loop), 0);
	ask_all(&outcome, "url x", -1, &fetch);
	assert_words(BANYAN_EOTHER, "cannot start /nonexistent/banyan-fetch: No such file");
	end(NULL);
}

int main(int argc, char **argv)
{
	if (strcmp(argv[0], "banyan-fetch") == 0)
		return fetch_main();
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = '\0';
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
	const struct CMUnitTest tests[] = {
		TEST(each_way_to_end),
#ifndef __SANITIZE_ADDRESS__
		TEST(memory_is_limited),
#endif
		TEST(descriptors_are_those_given),
		TEST(many_at_once),
		TEST(taken_back),
		TEST(texts_are_proved),
		TEST(signed_zones_are_proved),
#ifndef __SANITIZE_ADDRESS__
		TEST(bombs_are_refused),
#endif
		TEST(changes_are_applied),
		cmocka_unit_test(replies_are_held_against_their_form),
		TEST(two_hundred_proofs_leak_nothing),
		TEST(the_attendant_is_killed),
		TEST(the_minder_is_killed),
		cmocka_unit_test(the_daemon_is_killed),
		TEST(fetching),
		TEST(stalled_fetches_keep_nothing_from_being_proved),
		cmocka_unit_test(no_program_to_fetch_with),
	};
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("attendant", tests, NULL, NULL);
}
