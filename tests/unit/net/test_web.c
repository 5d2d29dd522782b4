// SPDX-License-Identifier: GPL-3.0-or-later
/* Published files over HTTP: paths, tags, ranges, rates, and whole requests over loopback. */
#include "../test.h"

#include <fcntl.h>
#include <ftw.h>
#include <netinet/in.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/web/private.h"

static char folder[64];
static struct net_web *web;
static struct addr at;
static struct counters counters;

static void put(const char *name, const char *text)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_true(fputs(text, file) >= 0);
	assert_int_equal(fclose(file), 0);
}

static void make(const char *name)
{
	char path[128];
	snprintf(path, sizeof path, "%s/%s", folder, name);
	assert_int_equal(mkdir(path, 0755), 0);
}

static int begin(void **state)
{
	char path[128], why[NET_WEB_WHY_MAX];
	strcpy(folder, "/tmp/banyan-web.XXXXXX");
	if (mkdtemp(folder) == NULL)
		return -1;
	make("root");
	make("root/7");
	make("root/.hidden");
	put("root/current", "0123456789");
	put("root/7/zone.wire.zst", "abc");
	put("root/7/empty", "");
	put("root/.hidden/x", "secret");
	put("root/.x", "secret");
	snprintf(path, sizeof path, "%s/root/link", folder);
	if (symlink("/etc/passwd", path) < 0)
		return -1;
	snprintf(path, sizeof path, "%s/root/up", folder);
	if (symlink("..", path) < 0)
		return -1;
	snprintf(path, sizeof path, "%s/root/fifo", folder);
	if (mkfifo(path, 0644) < 0 || addr_parse("127.0.0.1", 0, &at) < 0)
		return -1;
	struct net_web_settings settings = {.n_listen = 1,
					    .listen = &at,
					    .folder = folder,
					    .counters = &counters,
					    .rate = 1000,
					    .connections = 20,
					    .connections_per_address = 4};
	if (net_web_open(&settings, &web, why) < 0) {
		fprintf(stderr, "%s\n", why);
		return -1;
	}
	return net_web_address(web, 0, &at) < 0 || net_web_start(web) < 0 ? -1 : 0;
}

static int file_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static int end(void **state)
{
	net_web_free(web);
	return nftw(folder, file_remove, 8, FTW_DEPTH | FTW_PHYS);
}

static void paths(void **state)
{
	static const char *const bad[] = {"",
					  "root/current",
					  "/",
					  "//root/current",
					  "/root",
					  "/root/",
					  "/root/current/",
					  "/root/../root/current",
					  "/root/./current",
					  "/root/.x",
					  "/root/.hidden/x",
					  "/root/link",
					  "/root/up/root/current",
					  "/root/fifo",
					  "/root/none",
					  "/root/current\\",
					  "/root/%63urrent",
					  "/root/cur rent",
					  "/root/7/a/b/c/d",
					  "/ROOT/current",
					  "/root\n/current"};
	int fd = open(folder, O_RDONLY | O_DIRECTORY);
	struct stat st;
	bool fixed;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (web_path_open(fd, bad[i], &st, &fixed) != BANYAN_ENOENT)
			fail_msg("'%s' is found", bad[i]);
	int file = web_path_open(fd, "/root/current", &st, &fixed);
	assert_true(file >= 0 && st.st_size == 10 && !fixed);
	close(file);
	file = web_path_open(fd, "/root/7/zone.wire.zst", &st, &fixed);
	assert_true(file >= 0 && st.st_size == 3 && fixed);
	close(file);
	close(fd);
}

static void tags(void **state)
{
	static const struct {
		const char *header;
		bool listed;
	} cases[] = {{"\"a\"", true}, {"W/\"a\"", true}, {"\"b\", \"a\"", true},  {"\"b\",W/\"a\"", true},
		     {"*", true},     {"", false},       {"\"b\"", false},        {"\"ab\"", false},
		     {"a", false},    {"\"a", false},    {"\"b\" x \"a\"", false}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		if (web_tag_listed(cases[i].header, "\"a\"") != cases[i].listed)
			fail_msg("%s", cases[i].header);
}

static void ranges(void **state)
{
	static const struct {
		const char *header;
		uint64_t size;
		enum web_range want;
		uint64_t first, len;
	} cases[] = {{"bytes=0-0", 10, WEB_PART, 0, 1},
		     {"bytes=3-", 10, WEB_PART, 3, 7},
		     {"bytes=3-100", 10, WEB_PART, 3, 7},
		     {"bytes=-4", 10, WEB_PART, 6, 4},
		     {"bytes=-40", 10, WEB_PART, 0, 10},
		     {"bytes=10-", 10, WEB_NO_PART, 0, 0},
		     {"bytes=-0", 10, WEB_NO_PART, 0, 0},
		     {"bytes=0-", 0, WEB_NO_PART, 0, 0},
		     {"bytes=5-4", 10, WEB_WHOLE, 0, 0},
		     {"bytes=-", 10, WEB_WHOLE, 0, 0},
		     {"bytes=0-1,3-4", 10, WEB_WHOLE, 0, 0},
		     {"lines=0-1", 10, WEB_WHOLE, 0, 0},
		     {"bytes=a-", 10, WEB_WHOLE, 0, 0},
		     {"bytes=0-99999999999999999999999", 10, WEB_PART, 0, 10},
		     {"bytes=99999999999999999999999-", 10, WEB_NO_PART, 0, 0}};
	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		uint64_t first = 0, len = 0;
		if (web_range_parse(cases[i].header, cases[i].size, &first, &len) != cases[i].want ||
		    first != cases[i].first || len != cases[i].len)
			fail_msg("%s", cases[i].header);
	}
}

static void rates(void **state)
{
	static struct web_rates r;
	struct sockaddr_in a = {.sin_family = AF_INET};
	struct sockaddr_in6 b = {.sin6_family = AF_INET6};
	unsigned n = 0;
	web_rates_init(&r, 10);
	while (n < 1000 && web_rates_take(&r, (struct sockaddr *)&a, 5000))
		n++;
	assert_int_equal(n, 100); /* ten seconds' worth at once */
	assert_false(web_rates_take(&r, (struct sockaddr *)&a, 5099));
	assert_true(web_rates_take(&r, (struct sockaddr *)&a, 5100));
	for (n = 0; n < 100; n++) { /* addresses of one /64 are one client */
		b.sin6_addr.s6_addr[15] = (uint8_t)n;
		assert_true(web_rates_take(&r, (struct sockaddr *)&b, 5000));
	}
	assert_false(web_rates_take(&r, (struct sockaddr *)&b, 5000));
}

/* Clients that take all that they are given, for a minute of virtual time: how many bytes does each get? */
static void shared_out(uint64_t each, uint64_t all, size_t n, uint64_t ret_bytes[])
{
	static struct web_flow flow;
	struct {
		struct sockaddr_in from;
		int64_t at;
		bool own; /* its own turn has come */
	} client[8] = {0};
	web_flow_init(&flow, each, all);
	memset(ret_bytes, 0, n * sizeof *ret_bytes);
	for (size_t i = 0; i < n; i++) {
		client[i].from =
			(struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(0xc0000200 + (uint32_t)i)};
		client[i].at = 1000000000;
	}
	for (;;) {
		size_t next = 0;
		for (size_t i = 1; i < n; i++)
			next = client[i].at < client[next].at ? i : next;
		int64_t now = client[next].at;
		if (now >= 1060000000)
			return;
		client[next].own = !client[next].own;
		client[next].at = client[next].own
					  ? web_flow_each(&flow, (struct sockaddr *)&client[next].from, WEB_PIECE, now)
					  : web_flow_all(&flow, WEB_PIECE, now);
		assert_true(client[next].at >= now);
		if (!client[next].own && client[next].at < 1060000000)
			ret_bytes[next] += WEB_PIECE;
	}
}

static void bandwidth(void **state)
{
	uint64_t bytes[8];
	shared_out(100000, 0, 3, bytes); /* each its own, and a second's worth at once at the begin */
	for (size_t i = 0; i < 3; i++)
		assert_in_range(bytes[i], 61 * 100000 - WEB_PIECE, 61 * 100000);
	/* what there is, in equal shares, but for the first second's worth, which goes to who asks first */
	shared_out(0, 300000, 3, bytes);
	for (size_t i = 0; i < 3; i++)
		assert_in_range(bytes[i], 60 * 100000 - 2 * WEB_PIECE, 63 * 100000 + 2 * WEB_PIECE);
	assert_in_range(bytes[0] + bytes[1] + bytes[2], 61 * 300000 - 3 * WEB_PIECE, 61 * 300000);
	shared_out(100000, 150000, 3, bytes); /* both */
	assert_in_range(bytes[0] + bytes[1] + bytes[2], 61 * 150000 - 3 * WEB_PIECE, 61 * 150000);
	shared_out(100000, 1000000, 2, bytes); /* nobody gets more for there being room */
	assert_in_range(bytes[0], 61 * 100000 - WEB_PIECE, 61 * 100000);
	/* after a pause, one second's worth at once, and no more */
	static struct web_flow flow;
	web_flow_init(&flow, 0, 100000);
	assert_int_equal(web_flow_all(&flow, 100000, 5000000), 5000000);
	assert_int_equal(web_flow_all(&flow, 100000, 5000000), 6000000);
	assert_int_equal(web_flow_all(&flow, 100000, 90000000), 90000000);
	assert_int_equal(web_flow_all(&flow, 1, 90000000), 90000010);
	/* no limit */
	web_flow_init(&flow, 0, 0);
	struct sockaddr_in from = {.sin_family = AF_INET};
	for (size_t i = 0; i < 1000; i++)
		assert_int_equal(web_flow_all(&flow, WEB_PIECE, 7),
				 web_flow_each(&flow, (struct sockaddr *)&from, WEB_PIECE, 7));
}

/* ---- requests ---- */

static int dial(void)
{
	struct sockaddr_in sa = {
		.sin_family = AF_INET, .sin_port = htons(at.port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&sa, sizeof sa), 0);
	return fd;
}

/* One request; all of the reply. */
static const char *ask(const char *first_line, const char *headers)
{
	static char reply[4096];
	char text[1024];
	int fd = dial(), len = snprintf(text, sizeof text, "%s HTTP/1.1\r\nHost: x\r\nConnection: close\r\n%s\r\n",
					first_line, headers);
	size_t have = 0;
	assert_int_equal(write(fd, text, (size_t)len), len);
	for (ssize_t n; (n = read(fd, reply + have, sizeof reply - 1 - have)) > 0;)
		have += (size_t)n;
	reply[have] = '\0';
	close(fd);
	return reply;
}

static bool ends(const char *reply, const char *body)
{
	const char *at_body = strstr(reply, "\r\n\r\n");
	return at_body != NULL && strcmp(at_body + 4, body) == 0;
}

static void copy_tag(const char *reply, char out[WEB_TAG_MAX])
{
	const char *tag = strstr(reply, "ETag: ");
	assert_non_null(tag);
	snprintf(out, WEB_TAG_MAX, "%.*s", (int)strcspn(tag + 6, "\r"), tag + 6);
}

static void requests(void **state)
{
	char tag[WEB_TAG_MAX], header[200];
	const char *reply = ask("GET /root/current", "");
	assert_true(strncmp(reply, "HTTP/1.1 200 ", 13) == 0 && ends(reply, "0123456789"));
	assert_non_null(strstr(reply, "Cache-Control: public, max-age=60\r\n"));
	assert_non_null(strstr(reply, "Content-Type: text/plain"));
	assert_non_null(strstr(reply, "Accept-Ranges: bytes\r\n"));
	copy_tag(reply, tag);
	snprintf(header, sizeof header, "If-None-Match: %s\r\n", tag);
	reply = ask("GET /root/current", header);
	assert_true(strncmp(reply, "HTTP/1.1 304 ", 13) == 0 && ends(reply, "") && strstr(reply, tag) != NULL);
	reply = ask("GET /root/7/zone.wire.zst", header);
	assert_true(strncmp(reply, "HTTP/1.1 200 ", 13) == 0 && ends(reply, "abc"));
	assert_non_null(strstr(reply, "Cache-Control: public, max-age=31536000, immutable\r\n"));
	assert_non_null(strstr(reply, "Content-Type: application/zstd\r\n"));
	reply = ask("HEAD /root/current", "");
	assert_true(strncmp(reply, "HTTP/1.1 200 ", 13) == 0 && ends(reply, "") &&
		    strstr(reply, "Content-Length: 10\r\n") != NULL);
	reply = ask("GET /root/current", "Range: bytes=2-4\r\n");
	assert_true(strncmp(reply, "HTTP/1.1 206 ", 13) == 0 && ends(reply, "234"));
	assert_non_null(strstr(reply, "Content-Range: bytes 2-4/10\r\n"));
	snprintf(header, sizeof header, "Range: bytes=2-4\r\nIf-Range: %s\r\n", tag);
	assert_true(ends(ask("GET /root/current", header), "234"));
	assert_true(ends(ask("GET /root/current", "Range: bytes=2-4\r\nIf-Range: \"old\"\r\n"), "0123456789"));
	reply = ask("GET /root/current", "Range: bytes=10-\r\n");
	assert_true(strncmp(reply, "HTTP/1.1 416 ", 13) == 0 && strstr(reply, "Content-Range: bytes */10\r\n") != NULL);
	assert_true(ends(ask("GET /root/7/empty", ""), ""));
}

static void refusals(void **state)
{
	static const char *const bad[] = {"GET /",
					  "GET /root",
					  "GET /root/../root/current",
					  "GET /root/%2e%2e/root/current",
					  "GET /root/.x",
					  "GET /root/link",
					  "GET /../../etc/passwd",
					  "GET /root/current/",
					  "GET /root/up/root/current"};
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		if (strncmp(ask(bad[i], ""), "HTTP/1.1 404 ", 13) != 0)
			fail_msg("%s: %s", bad[i], ask(bad[i], ""));
	const char *reply = ask("POST /root/current", "Content-Length: 3\r\n\r\nabc");
	assert_true(strncmp(reply, "HTTP/1.1 405 ", 13) == 0 && strstr(reply, "Allow: GET, HEAD\r\n") != NULL);
	assert_true(strncmp(ask("GET /root/current", "Range\r\n\r\n\r\n"), "HTTP/1.1 ", 9) == 0);
	/* a new version is there at once */
	put("root/current.tmp", "new");
	char from[128], to[128];
	snprintf(from, sizeof from, "%s/root/current.tmp", folder);
	snprintf(to, sizeof to, "%s/root/current", folder);
	assert_int_equal(rename(from, to), 0);
	assert_true(ends(ask("GET /root/current", ""), "new"));
}

/* Connections of one address beyond its share are closed, the others go on. */
static void connections(void **state)
{
	int fd[5];
	char byte;
	for (size_t i = 0; i < 5; i++)
		fd[i] = dial();
	assert_int_equal(read(fd[4], &byte, 1) <= 0, 1);
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(recv(fd[i], &byte, 1, MSG_DONTWAIT), -1); /* open, nothing said */
	for (size_t i = 0; i < 5; i++)
		close(fd[i]);
}

static void counts(void **state)
{
	assert_true(counter_read(&counters, COUNTER_WEB_REQUESTS) > 15);
	assert_int_equal(counter_read(&counters, COUNTER_WEB_NOT_MODIFIED), 1);
	assert_true(counter_read(&counters, COUNTER_WEB_BYTES) > 30);
	assert_int_equal(counter_read(&counters, COUNTER_WEB_REFUSED), 0);
}

#define LARGE_FILE 300000

static void must_send(int fd, const char *text)
{
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
}

/* What comes over the connection until its end, behind the headers, is `len` times the letter. */
static void must_come(int fd, size_t len, char letter)
{
	static char reply[LARGE_FILE + 4096];
	size_t have = 0;
	for (ssize_t n; (n = read(fd, reply + have, sizeof reply - 1 - have)) > 0;)
		have += (size_t)n;
	reply[have] = '\0';
	close(fd);
	const char *body = strstr(reply, "\r\n\r\n");
	assert_non_null(body);
	assert_int_equal(reply + have - (body + 4), len);
	for (size_t i = 0; i < len; i++)
		assert_int_equal(body[4 + i], letter);
}

/* Sent in pieces, in turn, to several at once: it is what it is, and the end may come at any time. */
static void in_turn(void **state)
{
	static char text[LARGE_FILE + 1];
	char why[NET_WEB_WHY_MAX];
	struct counters counted = {0};
	struct addr own, first = at;
	struct net_web *limited;
	memset(text, 'x', LARGE_FILE);
	put("root/7/large", text);
	assert_int_equal(addr_parse("127.0.0.1", 0, &own), 0);
	struct net_web_settings settings = {.n_listen = 1,
					    .listen = &own,
					    .folder = folder,
					    .counters = &counted,
					    .bandwidth_each = 450000,
					    .bandwidth_all = 400000};
	if (net_web_open(&settings, &limited, why) < 0)
		fail_msg("%s", why);
	assert_int_equal(net_web_address(limited, 0, &at), 0);
	assert_int_equal(net_web_start(limited), 0);
	assert_true(ends(ask("HEAD /root/7/large", ""), ""));
	assert_true(ends(ask("GET /root/7/large", "Range: bytes=299990-\r\n"), "xxxxxxxxxx"));
	int fd[2] = {dial(), dial()}, gone = dial(), left = dial();
	must_send(gone, "GET /root/7/large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	close(gone);
	for (size_t i = 0; i < 2; i++)
		must_send(fd[i], "GET /root/7/large HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	must_come(fd[0], LARGE_FILE, 'x');
	must_come(fd[1], LARGE_FILE, 'x');
	assert_true(counter_read(&counted, COUNTER_WEB_HELD) > 0);
	for (unsigned i = 0; i < 4; i++) /* more than a second's worth: some of it waits */
		must_send(left, "GET /root/7/large HTTP/1.1\r\nHost: x\r\n\r\n");
	uint64_t held = counter_read(&counted, COUNTER_WEB_HELD);
	char byte;
	while (counter_read(&counted, COUNTER_WEB_HELD) == held)
		assert_int_equal(recv(left, &byte, 1, 0), 1);
	net_web_free(limited); /* while one waits */
	close(left);
	at = first;
}

static void no_folder(void **state)
{
	char why[NET_WEB_WHY_MAX];
	struct net_web *none;
	struct net_web_settings settings = {.folder = "/nowhere/at/all"};
	assert_int_equal(net_web_open(&settings, &none, why), BANYAN_ENOENT);
	assert_non_null(strstr(why, "/nowhere/at/all"));
	settings = (struct net_web_settings){.folder = folder, .n_listen = 1, .listen = &at}; /* taken */
	assert_true(net_web_open(&settings, &none, why) < 0);
	assert_non_null(strstr(why, "127.0.0.1@"));
}

int main(void)
{
	const struct CMUnitTest
		tests
			[] =
				{
					cmocka_unit_test(paths),       cmocka_unit_test(tags),
					cmocka_unit_test(ranges),      cmocka_unit_test(rates),
					cmocka_unit_test(requests),    cmocka_unit_test(refusals),
					cmocka_unit_test(counts),      cmocka_unit_test(no_folder),
					cmocka_unit_test(bandwidth),   cmocka_unit_test(in_turn),
					cmocka_unit_test(connections), /* last: those that were closed are counted for a while */
				};
	return cmocka_run_group_tests_name("web", tests, begin, end);
}
