// SPDX-License-Identifier: GPL-3.0-or-later
/* Fetching, with a banyan-fetch that gives out the files of a folder: what is asked for, what is taken, what is told. Real servers are in
 * tests/fetch. */
#include "test.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

#include <openssl/evp.h>
#include <openssl/pem.h>

#include "sync/files/files.h"
#include "sync/pull/pull.h"

static const uint8_t apex[] = "\7example";
static char folder[] = "/tmp/banyan-fetch-XXXXXX";
static uv_loop_t loop;

/* ---- the helper ---- */

static struct {
	unsigned asked;
	char requests[8][2048];
	const char *answer; /* instead of a file, for the first ask */
	struct pull_helper_job job;
	char result[1024];
	uv_timer_t timer;
	bool cancelled;
} helped;

static const char *value_of(const char *request, const char *key, char out[512])
{
	char line[64];
	snprintf(line, sizeof line, "%s ", key);
	for (const char *p = request; *p != '\0'; p += strcspn(p, "\n"), p += *p == '\n')
		if (strncmp(p, line, strlen(line)) == 0) {
			p += strlen(line);
			snprintf(out, 512, "%.*s", (int)strcspn(p, "\n"), p);
			return out;
		}
	return NULL;
}

static void on_timer(uv_timer_t *timer)
{
	helped.job.done(helped.job.ctx, NULL, helped.result, strlen(helped.result));
}

static void serve_file(const char *request)
{
	char url[512], path[1024], etag[512], tag[64];
	uint8_t *data;
	size_t len;
	struct stat st;
	assert_non_null(value_of(request, "url", url));
	assert_memory_equal(url, "http://192.0.2.1/", 17);
	snprintf(path, sizeof path, "%s/%s", folder, url + 17);
	if (stat(path, &st) < 0) {
		snprintf(helped.result, sizeof helped.result, "status 404\nerror status\nwhy there is no such file\n");
		return;
	}
	snprintf(tag, sizeof tag, "\"%lld-%ld\"", (long long)st.st_size, st.st_mtim.tv_nsec);
	if (value_of(request, "etag", etag) != NULL && strcmp(etag, tag) == 0) {
		snprintf(helped.result, sizeof helped.result, "status 304\nbytes 0\n");
		return;
	}
	assert_int_equal(file_read(path, 1 << 20, &data, &len), 0);
	size_t give = value_of(request, "head", etag) != NULL && len > 2048 ? 2048 : len;
	assert_int_equal(pwrite(helped.job.fd, data, give, 0), (ssize_t)give);
	free(data);
	snprintf(helped.result, sizeof helped.result,
		 "status 200\nbytes %zu\nreceived %zu\nfirst-ms 3\nranges yes\netag %s\n", give, give, tag);
}

static int helper_start(void *ctx, const struct pull_helper_job *job, void **ret)
{
	char *request = helped.requests[helped.asked++ % 8];
	snprintf(request, sizeof helped.requests[0], "%.*s", (int)job->request_len, job->request);
	helped.job = *job;
	if (helped.answer != NULL)
		snprintf(helped.result, sizeof helped.result, "%s", helped.answer);
	else
		serve_file(request);
	helped.answer = NULL;
	uv_timer_start(&helped.timer, on_timer, 0, 0);
	*ret = &helped;
	return 0;
}

static void helper_cancel(void *ctx, void *handle)
{
	helped.cancelled = true;
	uv_timer_stop(&helped.timer);
}

static const struct pull_helper helper = {.start = helper_start, .cancel = helper_cancel};

/* ---- one fetch ---- */

static struct pull_fetch_result got;
static bool told;

static void on_done(void *ctx, const struct pull_fetch_result *result)
{
	assert_false(told);
	told = true;
	got = *result;
}

static struct pull_source source_of(const char *format, ...)
{
	char text[PULL_SOURCE_TEXT_MAX], why[PULL_WHY_MAX];
	struct pull_source source;
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (pull_source_parse(text, &source, why) < 0)
		fail_msg("%s: %s", text, why);
	return source;
}

static int fd = -1;

static void fetch(const struct pull_source *source, struct pull_fetch_settings settings)
{
	struct pull_fetch *under_way;
	if (fd >= 0)
		close(fd);
	fd = memfd_create("test", 0);
	settings.source = source;
	settings.apex = apex;
	settings.fd = fd;
	settings.helper = &helper;
	settings.done = on_done;
	told = false;
	helped.asked = 0;
	assert_int_equal(pull_fetch_start(&loop, &settings, &under_way), 0);
	assert_false(told);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_true(told);
}

static void in_file(const char *expected, size_t len)
{
	char *data = malloc(len + 1);
	assert_int_equal(pread(fd, data, len + 1, 0), (ssize_t)len);
	assert_memory_equal(data, expected, len);
	free(data);
}

static void put(const char *name, const void *data, size_t len)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(file_write_atomic(path, data, len), 0);
}

static void zone_text(char out[512], unsigned serial)
{
	snprintf(out, 512,
		 "@ 60 IN SOA ns.example. h.example. ( ; first\n\t%u 7200 3600 86400 30 )\n@ 60 NS ns\nns 60 A "
		 "192.0.2.%u\n",
		 serial, serial % 2 + 1);
}

/* ---- files ---- */

static void from_file(void **state)
{
	char text[512];
	zone_text(text, 5);
	put("zone", text, strlen(text));
	struct pull_source source = source_of("file:%s/zone", folder);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_PROBE});
	assert_int_equal(got.fetched, PULL_GOT);
	assert_true(got.has_serial);
	assert_int_equal(got.serial, 5);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_PROBE, .have = true, .serial = 5});
	assert_int_equal(got.fetched, PULL_UNCHANGED);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE});
	assert_int_equal(got.form, PULL_TEXT);
	in_file(text, strlen(text));
	char tag[PULL_TAG_MAX];
	strcpy(tag, got.tag);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE, .have = true, .serial = 4, .tag = tag});
	assert_int_equal(got.fetched,
			 PULL_UNCHANGED); /* the file is the one that version 4 came from, whatever it says */
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE, .bytes_max = 10});
	assert_int_equal(got.fetched, PULL_FAILED);
	assert_non_null(strstr(got.why, "limit of 10"));
	source = source_of("file:%s", folder);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE});
	assert_int_equal(got.fetched, PULL_FAILED);
	assert_non_null(strstr(got.why, "is a folder"));
	assert_non_null(strstr(got.why, "dir:"));
	source = source_of("dir:%s/zone", folder);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE});
	assert_non_null(strstr(got.why, "/zone is a file and no folder"));
	source = source_of("dir:%s/none", folder);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE});
	assert_non_null(strstr(got.why, "there is no folder "));
	source = source_of("file:%s/none", folder);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE});
	assert_non_null(strstr(got.why, "there is no file "));
}

static void set_time(const char *name, int64_t when)
{
	char path[512];
	struct timespec times[2] = {{.tv_sec = when}, {.tv_sec = when}};
	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void from_folder(void **state)
{
	char path[512], old[PULL_TAG_MAX], new[PULL_TAG_MAX];
	snprintf(path, sizeof path, "%s/d", folder);
	assert_int_equal(mkdir(path, 0700), 0);
	struct pull_source source = source_of("dir:%s", path);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_PROBE});
	assert_int_equal(got.fetched, PULL_FAILED);
	assert_non_null(strstr(got.why, "no file"));
	put("d/a", "old", 3);
	put("d/b", "new", 3);
	put("d/.hidden", "x", 1);
	put("d/c.tmp", "x", 1);
	set_time("d/a", 1000);
	set_time("d/b", 2000);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE});
	in_file("new", 3);
	strcpy(new, got.tag);
	const char *refused[] = {new, old};
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE, .refused = refused, .n_refused = 1});
	in_file("old", 3);
	strcpy(old, got.tag);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE, .refused = refused, .n_refused = 2});
	assert_int_equal(got.fetched, PULL_FAILED);
	set_time("d/b", 3000); /* somebody wrote it anew */
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE, .refused = refused, .n_refused = 2});
	in_file("new", 3);
}

/* ---- web servers ---- */

static void from_web(void **state)
{
	char text[512], tag[PULL_TAG_MAX];
	zone_text(text, 9);
	put("zone", text, strlen(text));
	struct pull_source source = source_of("http://192.0.2.1/zone");
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_PROBE, .have = true, .serial = 8});
	assert_int_equal(got.fetched, PULL_GOT);
	assert_int_equal(got.serial, 9);
	assert_int_equal(got.round_trip_ms, 3);
	assert_non_null(strstr(helped.requests[0], "\nhead yes\npeek 2048\n"));
	assert_non_null(strstr(helped.requests[0], "\naddress 192.0.2.1\n"));
	assert_null(strstr(helped.requests[0], "proxy"));
	fetch(&source,
	      (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE, .have = true, .serial = 8, .bytes_max = 7777});
	assert_int_equal(got.fetched, PULL_GOT);
	assert_int_equal(got.form, PULL_TEXT);
	in_file(text, strlen(text));
	assert_non_null(strstr(helped.requests[0], "\nbytes-max 7777\n"));
	strcpy(tag, got.tag);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_PROBE, .have = true, .serial = 9, .tag = tag});
	assert_int_equal(got.fetched, PULL_UNCHANGED);
	assert_int_equal(got.serial, 9);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE, .tag = tag}); /* the copy is gone */
	assert_int_equal(got.fetched, PULL_GOT);
	source = source_of("http://192.0.2.1/nothing");
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE});
	assert_int_equal(got.fetched, PULL_FAILED);
	assert_string_equal(got.why, "there is no such file");
	source = source_of("http://name.example/zone");
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE});
	assert_non_null(strstr(got.why, "address=ADDR"));
}

static void taken_up_again(void **state)
{
	char text[512];
	zone_text(text, 9);
	put("zone", text, strlen(text));
	struct pull_source source = source_of("http://192.0.2.1/zone");
	helped.answer = "status 200\nerror broken\nwhy it broke off\nbytes 10\netag \"v\"\n";
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE});
	assert_int_equal(got.fetched, PULL_GOT);
	assert_int_equal(helped.asked, 2);
	assert_non_null(strstr(helped.requests[1], "\nresume-at 10\nresume-tag \"v\"\n"));
	const char *const not_again[] = {
		"status 200\nerror broken\nwhy it broke off\nbytes 10\n",               /* of which version? */
		"status 200\nerror broken\nwhy it broke off\nbytes 10\netag W/\"v\"\n", /* of about which? */
		"status 200\nerror broken\nwhy it broke off\nbytes 10\netag \"v\"\nencoding gzip\n", /* bytes of something else */
		"status 200\nerror broken\nwhy it broke off\nbytes 0\netag \"v\"\n",
		"status 200\nerror slow\nwhy it broke off\nbytes 10\netag \"v\"\n",
	};
	for (size_t i = 0; i < ARRAY_SIZE(not_again); i++) {
		helped.answer = not_again[i];
		fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE});
		assert_int_equal(got.fetched, PULL_FAILED);
		assert_int_equal(helped.asked, 1);
	}
}

static void points_elsewhere(void **state)
{
	struct pull_source source = source_of("http://192.0.2.9/zone"), secure = source_of("https://192.0.2.9/zone");
	put("zone", "x", 1);
	helped.answer = "status 302\nerror redirect\nurl http://192.0.2.1/zone\n";
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE});
	assert_int_equal(got.fetched, PULL_GOT);
	assert_non_null(strstr(helped.requests[1], "\naddress 192.0.2.1\n"));
	assert_null(strstr(helped.requests[1], "192.0.2.9"));
	helped.answer = "status 302\nerror redirect\nurl http://192.0.2.1/zone\n";
	fetch(&secure, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE});
	assert_int_equal(got.fetched, PULL_FAILED);
	assert_int_equal(helped.asked, 1);
	helped.answer = "status 302\nerror redirect\nurl file:///etc/passwd\n";
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE});
	assert_int_equal(got.fetched, PULL_FAILED);
	assert_int_equal(helped.asked, 1);
}

/* ---- what an instance publishes ---- */

static struct buffer wire_of(unsigned serial)
{
	struct zone_read_settings settings = {.origin = apex};
	struct buffer wire = {0};
	struct zone_error error;
	struct zone *zone;
	char text[8192];
	zone_text(text, serial);
	size_t len = strlen(text); /* and what does not change */
	for (unsigned i = 0; i < 100; i++)
		len += (size_t)snprintf(text + len, sizeof text - len, "n%u 60 TXT \"%u\"\n", i, i * 7919);
	if (zone_read_text("test", text, len, &settings, NULL, NULL, &zone, &error) < 0)
		fail_msg("%s", error.text);
	assert_int_equal(zone_write_wire(zone, &wire), 0);
	zone_free(zone);
	return wire;
}

static struct files_key *key; /* NULL = what is published is not signed */

static void publish(const struct buffer *wire, int64_t now)
{
	struct files_publish_settings settings = {.folder = folder, .key = key, .deltas = 5, .now = now};
	struct files_published published;
	char why[FILES_WHY_MAX];
	if (files_publish(&settings, apex, wire->data, wire->len, &published, why) < 0)
		fail_msg("%s", why);
}

static void from_instance(void **state)
{
	_cleanup_(buffer_done) struct buffer one = wire_of(1), three = wire_of(3);
	char tag[PULL_TAG_MAX], stale[PULL_TAG_MAX];
	struct pull_source source = source_of("http://192.0.2.1/example/");
	publish(&one, clock_wall_s());
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_PROBE});
	assert_int_equal(got.fetched, PULL_GOT);
	assert_int_equal(got.serial, 1);
	assert_int_equal(helped.asked, 1);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_CHANGES});
	assert_int_equal(got.form, PULL_WIRE);
	assert_int_equal(helped.asked, 2);
	strcpy(tag, got.tag);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_CHANGES, .have = true, .serial = 1, .tag = tag});
	assert_int_equal(got.fetched, PULL_UNCHANGED);
	assert_non_null(strstr(helped.requests[0], "\netag \""));
	assert_string_equal(got.tag, tag);
	/* a pointer that is too old is not asked for by its tag: "as it was" would make it good for ever */
	snprintf(stale, sizeof stale, "T1000%s", strchr(tag, ' '));
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_PROBE, .have = true, .serial = 1, .tag = stale});
	assert_null(strstr(helped.requests[0], "\netag \""));
	publish(&three, clock_wall_s());
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_CHANGES, .have = true, .serial = 1, .tag = tag});
	assert_int_equal(got.fetched, PULL_GOT);
	assert_int_equal(got.serial, 3);
	assert_int_equal(got.form, PULL_DELTA);
	_cleanup_(buffer_done) struct buffer made = {0};
	struct zone_error error;
	uint8_t delta[8192];
	ssize_t n = pread(fd, delta, sizeof delta, 0);
	assert_int_equal(zone_delta_apply("test", one.data, one.len, delta, (size_t)n, 0, &made, &error), 0);
	assert_int_equal(made.len, three.len);
	assert_memory_equal(made.data, three.data, three.len);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE, .have = true, .serial = 1, .tag = tag});
	assert_int_equal(got.form, PULL_WIRE);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_CHANGES, .have = true, .serial = 4});
	assert_int_equal(got.fetched, PULL_UNCHANGED); /* it lags */
	assert_int_equal(got.serial, 3);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_WHOLE, .bytes_max = 20});
	assert_int_equal(got.fetched, PULL_FAILED);
	source = source_of("http://192.0.2.1/example/ key=GZ9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=");
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_PROBE});
	assert_int_equal(got.fetched, PULL_FAILED);
}

static void stale_pointer(void **state)
{
	_cleanup_(buffer_done) struct buffer five = wire_of(5);
	struct pull_source source = source_of("http://192.0.2.1/example/");
	publish(&five, clock_wall_s() - 10 * 86400);
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_PROBE});
	assert_int_equal(got.fetched, PULL_FAILED);
	assert_non_null(strstr(got.why, "too old"));
}

static void key_make(void)
{
	char path[512], why[FILES_WHY_MAX];
	snprintf(path, sizeof path, "%s/key", folder);
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	FILE *file = fopen(path, "we");
	assert_non_null(file);
	assert_int_equal(PEM_write_PrivateKey(file, pkey, NULL, NULL, 0, NULL, NULL), 1);
	assert_int_equal(fchmod(fileno(file), 0600), 0);
	fclose(file);
	EVP_PKEY_free(pkey);
	assert_int_equal(files_key_read(path, &key, why), 0);
}

/* A version is kept for what a pointer says; the tag of that pointer counts as long as the choice is the same and the signatures live. */
static void kept(void **state)
{
	_cleanup_(buffer_done) struct buffer seven = wire_of(7), nine = wire_of(9);
	char text[FILES_KEY_TEXT_MAX], tag[PULL_TAG_MAX], other[PULL_TAG_MAX + 64];
	int64_t now = clock_wall_s();
	key_make();
	struct pull_source source =
		source_of("http://192.0.2.1/example/ key=%s", files_key_text(files_key_public(key), text));
	publish(&seven, now);
	publish(&nine, now);
	files_key_free(key);
	key = NULL;
	struct pull_fetch_settings held = {.mode = PULL_MODE_CHANGES,
					   .have = true,
					   .serial = 7,
					   .keep_unchanged = true,
					   .margin_s = 1000,
					   .first_expiry = now + 90000};
	fetch(&source, held);
	assert_int_equal(got.fetched, PULL_UNCHANGED);
	assert_int_equal(got.serial, 7);
	assert_int_equal(got.kept_newest, 9);
	assert_int_equal(got.kept_until, now + 89000);
	strcpy(tag, got.tag);
	held.tag = tag;
	fetch(&source, held); /* 304: the same as before */
	assert_non_null(strstr(helped.requests[0], "\netag \""));
	assert_int_equal(got.fetched, PULL_UNCHANGED);
	assert_int_equal(got.kept_newest, 9);
	assert_int_equal(got.kept_until, now + 89000);
	assert_string_equal(got.tag, tag);
	struct pull_fetch_settings changed = held; /* another margin: the pointer is read again */
	changed.margin_s = 90000;
	fetch(&source, changed);
	assert_null(strstr(helped.requests[0], "\netag \""));
	assert_int_equal(got.fetched, PULL_GOT);
	assert_int_equal(got.form, PULL_DELTA);
	assert_int_equal(got.kept_until, 0);
	changed = held; /* not by choice any more */
	changed.keep_unchanged = false;
	fetch(&source, changed);
	assert_int_equal(got.fetched, PULL_GOT);
	/* the signatures have aged since */
	snprintf(other, sizeof other, "K%lld%s", (long long)now - 1, strchr(tag, ' '));
	changed = held;
	changed.tag = other;
	changed.first_expiry = now + 999;
	fetch(&source, changed);
	assert_null(strstr(helped.requests[0], "\netag \""));
	assert_int_equal(got.fetched, PULL_GOT);
	const char *broken[] = {"K", "K1", "Kx 1 2 E\"a\"", "K99999999999 1000 9", "T", "Tx E\"a\""};
	for (size_t i = 0; i < ARRAY_SIZE(broken); i++) {
		held.tag = broken[i];
		fetch(&source, held);
		assert_null(strstr(helped.requests[0], "\netag \""));
		assert_int_equal(got.kept_newest, 9);
	}
}

/* ---- the end before the end ---- */

static void cancelled(void **state)
{
	struct pull_source sources[] = {source_of("http://192.0.2.1/zone"), source_of("xfr:127.0.0.1@9"),
					source_of("file:%s/zone", folder)};
	put("zone", "x", 1);
	for (size_t i = 0; i < ARRAY_SIZE(sources); i++)
		for (unsigned turns = 0; turns < 3; turns++) {
			struct pull_fetch_settings settings = {.source = &sources[i],
							       .apex = apex,
							       .mode = PULL_MODE_WHOLE,
							       .fd = fd,
							       .helper = &helper,
							       .done = on_done};
			struct pull_fetch *under_way;
			told = false;
			assert_int_equal(pull_fetch_start(&loop, &settings, &under_way), 0);
			for (unsigned turn = 0; turn < turns && !told; turn++)
				uv_run(&loop, UV_RUN_NOWAIT);
			if (told)
				continue;
			pull_fetch_cancel(under_way);
			uv_run(&loop, UV_RUN_DEFAULT);
			assert_false(told);
		}
}

static void limited(void **state)
{
	struct pull_source source = source_of("xfr:192.0.2.1");
	fetch(&source, (struct pull_fetch_settings){.mode = PULL_MODE_PROBE, .time_max_ms = 1});
	assert_int_equal(got.fetched, PULL_FAILED);
	struct pull_source builtin = source_of("builtin");
	fetch(&builtin, (struct pull_fetch_settings){.mode = PULL_MODE_PROBE});
	assert_int_equal(got.fetched, PULL_FAILED);
}

static int begin(void **state)
{
	return mkdtemp(folder) == NULL || uv_loop_init(&loop) < 0 || uv_timer_init(&loop, &helped.timer) < 0;
}

static int end(void **state)
{
	char command[128];
	if (fd >= 0)
		close(fd);
	uv_close((uv_handle_t *)&helped.timer, NULL);
	uv_run(&loop, UV_RUN_DEFAULT);
	snprintf(command, sizeof command, "rm -r %s", folder);
	return uv_loop_close(&loop) < 0 || system(command) != 0;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from_file),        cmocka_unit_test(from_folder),
		cmocka_unit_test(from_web),         cmocka_unit_test(taken_up_again),
		cmocka_unit_test(points_elsewhere), cmocka_unit_test(from_instance),
		cmocka_unit_test(stale_pointer),    cmocka_unit_test(kept),
		cmocka_unit_test(cancelled),        cmocka_unit_test(limited),
	};
	return cmocka_run_group_tests(tests, begin, end);
}
