// SPDX-License-Identifier: GPL-3.0-or-later
/* Counters, status and traces as text and JSON; the control socket from both sides. */
#include "test.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#include "operate/operate.h"

/* ---- a reader of JSON that knows the grammar and nothing else: is it well-formed? ---- */

static const char *json_value(const char *p);

static const char *json_string(const char *p)
{
	assert_true(*p++ == '"');
	while (*p != '"') {
		assert_true((unsigned char)*p >= 0x20 && (unsigned char)*p < 0x7f);
		if (*p++ == '\\') {
			assert_non_null(strchr("\"\\u", *p));
			p += *p == 'u' ? 5 : 1;
		}
	}
	return p + 1;
}

static const char *json_members(const char *p, char close, bool keys)
{
	if (*++p == close)
		return p + 1;
	for (;;) {
		if (keys) {
			p = json_string(p);
			assert_true(*p++ == ':');
		}
		p = json_value(p);
		if (*p == close)
			return p + 1;
		assert_true(*p++ == ',');
	}
}

static const char *json_value(const char *p)
{
	static const char *const words[] = {"true", "false", "null"};
	if (*p == '{')
		return json_members(p, '}', true);
	if (*p == '[')
		return json_members(p, ']', false);
	if (*p == '"')
		return json_string(p);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strncmp(p, words[i], strlen(words[i])) == 0)
			return p + strlen(words[i]);
	char *end;
	strtoll(p, &end, 10);
	assert_ptr_not_equal(end, p);
	return end;
}

static void assert_json(const struct buffer *out)
{
	char *text = strndup((const char *)out->data, out->len);
	const char *end = json_value(text);
	assert_true(*end == 0 || strcmp(end, "\n") == 0);
	free(text);
}

static void assert_has(const struct buffer *out, const char *needle)
{
	if (memmem(out->data, out->len, needle, strlen(needle)) == NULL)
		fail_msg("no '%s' in: %.*s", needle, (int)out->len, (const char *)out->data);
}

/* ---- counters, status ---- */

static void test_counters(void **state)
{
	static struct counters a, b;
	struct counters *const both[] = {&a, NULL, &b};
	struct operate_counters sum;
	_cleanup_(buffer_done) struct buffer text = {0}, json = {0};
	counter_add(&a, COUNTER_UDP_QUESTIONS, 5);
	counter_add(&b, COUNTER_UDP_QUESTIONS, UINT32_MAX);
	counter_add(&b, COUNTER_REFUSED, 1);
	operate_counters_sum(both, 3, &sum);
	assert_int_equal(sum.value[COUNTER_UDP_QUESTIONS], (uint64_t)UINT32_MAX + 5);
	assert_int_equal(operate_counters_text(&sum, &text), 0);
	assert_has(&text, "udp_questions 4294967300\n");
	assert_has(&text, "replies_refused 1\n");
	assert_int_equal(operate_counters_json(&sum, &json), 0);
	assert_json(&json);
	assert_has(&json, "\"udp_questions\":4294967300,");
}

static void test_status(void **state)
{
	struct operate_zone zones[2] = {
		{.name = "example.",
		 .file = "dir/\"quoted\"\\\x01\xc3\xa4.zone",
		 .proof = "structure is good",
		 .loaded = true,
		 .serial = 7,
		 .names = 3,
		 .records = 9,
		 .loaded_at = 1767225600},
		{.name = ".",
		 .file = "root",
		 .proof = "proved",
		 .loaded = true,
		 .proved = true,
		 .serial = 4000000000,
		 .first_expiry = 1767225600,
		 .loaded_at = 1},
	};
	struct operate_status status = {
		.version = "1.2",
		.started_at = 1000,
		.now = 1000 + 90061,
		.config_path = "b.yaml",
		.last_reload = "b.yaml:1: wrong",
		.workers = 1,
		.n_zones = 2,
		.zone = zones,
		.resolver = true,
		.root_wanted = true,
		.root = {.name = ".", .file = "root.zone", .proof = "not proved: zonemd-mismatch"},
	};
	status.counters.value[COUNTER_UDP_QUESTIONS] = 3;
	_cleanup_(buffer_done) struct buffer text = {0}, json = {0};
	assert_int_equal(operate_status_text(&status, &text), 0);
	assert_has(&text, "banyand 1.2, up 1 d 1 h, 1 worker\n");
	assert_has(&text, "last reload FAILED");
	assert_has(&text, "zone example.: serial 7, 3 names, 9 records, loaded 2026-01-01T00:00:00Z");
	assert_has(&text, "first signature expires 2026-01-01T00:00:00Z");
	assert_has(&text, "root copy .: not loaded (root.zone): not proved: zonemd-mismatch");
	assert_has(&text, "udp_questions          3\n");
	assert_int_equal(operate_status_json(&status, &json), 0);
	assert_json(&json);
	assert_has(&json, "\"serial\":4000000000");
	assert_has(&json, "\\\"quoted\\\"\\\\\\u0001\\u00c3\\u00a4.zone");
	assert_has(&json, "\"failed_reload\":\"b.yaml:1: wrong\"");
	assert_has(&json, "\"attendant\":\"none\"");
	assert_has(&json, "\"first_expiry\":null");
}

/* ---- traces ---- */

static void test_trace(void **state)
{
	static const uint8_t www[] = "\3www\7example", example[] = "\7example", ns[] = "\2ns\7example", root[] = "";
	static const uint8_t a_data[] = {192, 0, 2, 1};
	static const struct wire_rdata rdata = {a_data, 4};
	const struct wire_rrset answer = {www, WIRE_TYPE_A, WIRE_CLASS_IN, 60, 1, &rdata};
	struct resolve_trace_step steps[] = {
		{.kind = RESOLVE_STEP_ROOT, .zone = root, .qname = www, .qtype = 1, .what = "referral to example."},
		{.kind = RESOLVE_STEP_CACHE, .zone = example, .qname = ns, .qtype = 28, .depth = 1, .what = "no data"},
		{.kind = RESOLVE_STEP_TIMEOUT,
		 .at_ms = 3,
		 .took_ms = 400,
		 .zone = example,
		 .server = ns,
		 .qname = www,
		 .qtype = 1},
		{.kind = RESOLVE_STEP_REJECTED,
		 .at_ms = 403,
		 .took_ms = 2,
		 .zone = example,
		 .server = ns,
		 .qname = www,
		 .qtype = 1,
		 .reason = REASON_LAME},
		{.kind = RESOLVE_STEP_FAILED,
		 .at_ms = 404,
		 .zone = example,
		 .qname = www,
		 .qtype = 1,
		 .reason = REASON_NETWORK_ERROR},
		{.kind = RESOLVE_STEP_REPLY,
		 .at_ms = 405,
		 .took_ms = 12,
		 .zone = example,
		 .server = ns,
		 .tcp = true,
		 .qname = www,
		 .qtype = 1,
		 .what = "answer, 1 record"},
	};
	assert_int_equal(addr_parse("192.0.2.53", 53, &steps[5].addr), 0);
	struct resolve_result result = {.n_answer = 1,
					.answer = &answer,
					.n_steps = ARRAY_SIZE(steps),
					.step = steps,
					.upstream = 3,
					.took_ms = 420};
	_cleanup_(buffer_done) struct buffer text = {0}, json = {0};
	assert_int_equal(operate_trace_text(www, 1, &result, &text), 0);
	assert_has(&text, "[proved root]: www.example. A? referral to example.\n");
	assert_has(&text, "  [cache]: ns.example. AAAA? no data\n");
	assert_has(&text, "ns.example.: www.example. A? no reply [400 ms]\n");
	assert_has(&text, "(lame: ");
	assert_has(&text, "(network-error: ");
	assert_has(&text, "ns.example. 192.0.2.53@53 tcp: www.example. A? answer, 1 record [12 ms]\n");
	assert_has(&text, "NOERROR, 3 messages sent, 420 ms\n");
	assert_has(&text, "192.0.2.1");
	assert_int_equal(operate_trace_json(www, 1, &result, &json), 0);
	assert_json(&json);
	assert_has(&json, "\"address\":\"192.0.2.53@53\",\"transport\":\"tcp\"");
	result = (struct resolve_result){.rcode = WIRE_RCODE_SERVFAIL, .reason = REASON_NO_ROOT};
	text.len = 0;
	assert_int_equal(operate_trace_text(www, 1, &result, &text), 0);
	assert_has(&text, "SERVFAIL (no-root: ");
}

/* ---- the control socket ---- */

struct service {
	uv_loop_t loop;
	uv_async_t quit;
	uv_timer_t late;
	pthread_t thread;
	struct operate_control *control;
	struct operate_call *waiting[2];
	unsigned n_waiting;
	char path[128];
	char folder[64];
	unsigned closed;
};

static void on_echo(void *ctx, struct operate_call *call, int argc, char **argv)
{
	for (int i = 0; i < argc; i++)
		assert_int_equal(buffer_printf(operate_call_reply(call), "%s|", argv[i]), 0);
	operate_call_done(call, true);
}

static void on_refuse(void *ctx, struct operate_call *call, int argc, char **argv)
{
	assert_int_equal(buffer_printf(operate_call_reply(call), "no\n"), 0);
	operate_call_done(call, false);
}

static void on_large(void *ctx, struct operate_call *call, int argc, char **argv)
{
	for (int i = 0; i < 100000; i++)
		assert_int_equal(buffer_append(operate_call_reply(call), "0123456789", 10), 0);
	operate_call_done(call, true);
}

static void waiting_done(struct service *s)
{
	while (s->n_waiting > 0)
		operate_call_done(s->waiting[--s->n_waiting], true);
}

static void on_late(uv_timer_t *timer)
{
	waiting_done(timer->data);
}

static void on_wait(void *ctx, struct operate_call *call, int argc, char **argv)
{
	struct service *s = ctx;
	assert_true(s->n_waiting < ARRAY_SIZE(s->waiting));
	s->waiting[s->n_waiting++] = call;
	uv_timer_start(&s->late, on_late, 50, 0);
}

static void on_closed(void *ctx)
{
	((struct service *)ctx)->closed++;
}

static void on_quit(uv_async_t *async)
{
	struct service *s = async->data;
	operate_control_free(s->control, on_closed, s);
	waiting_done(s); /* after the control is gone */
	uv_close((uv_handle_t *)&s->late, NULL);
	uv_close((uv_handle_t *)&s->quit, NULL);
}

static void *service_run(void *ctx)
{
	uv_run(&((struct service *)ctx)->loop, UV_RUN_DEFAULT);
	return NULL;
}

static struct service *service_start(void)
{
	static const struct operate_command commands[] = {
		{"echo", on_echo}, {"refuse", on_refuse}, {"large", on_large}, {"wait", on_wait}, {NULL, NULL},
	};
	struct service *s = calloc(1, sizeof(*s));
	strcpy(s->folder, "/tmp/banyan-operate-XXXXXX");
	assert_non_null(mkdtemp(s->folder));
	snprintf(s->path, sizeof(s->path), "%s/control.sock", s->folder);
	uv_loop_init(&s->loop);
	uv_async_init(&s->loop, &s->quit, on_quit);
	uv_timer_init(&s->loop, &s->late);
	s->quit.data = s->late.data = s;
	struct operate_control_settings settings = {.path = s->path, .command = commands, .ctx = s};
	assert_int_equal(operate_control_new(&s->loop, &settings, &s->control), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, service_run, s), 0);
	return s;
}

static void service_stop(struct service *s)
{
	uv_async_send(&s->quit);
	pthread_join(s->thread, NULL);
	assert_int_equal(uv_loop_close(&s->loop), 0);
	assert_int_equal(s->closed, 1);
	assert_int_equal(access(s->path, F_OK), -1);
	assert_int_equal(rmdir(s->folder), 0);
	free(s);
}

static void ask(struct service *s, const char *request, bool expect_good, const char *expect)
{
	_cleanup_(buffer_done) struct buffer reply = {0};
	bool good = !expect_good;
	assert_int_equal(operate_ask(s->path, request, 5000, &good, &reply), 0);
	assert_int_equal(good, expect_good);
	if (expect != NULL)
		assert_string_equal((const char *)reply.data, expect);
	else
		assert_int_equal(reply.len, 1000000);
}

static void test_control(void **state)
{
	struct service *s = service_start();
	struct stat st;
	assert_int_equal(stat(s->path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	ask(s, "echo one  two\tthree", true, "echo|one|two|three|");
	ask(s, "refuse", false, "no\n");
	ask(s, "unknown", false, "there is no such command\n");
	ask(s, "", false, "no command\n");
	ask(s, "echo 2 3 4 5 6 7 8 9", false, "too many words\n");
	ask(s, "large", true, NULL);
	ask(s, "wait", true, "");
	service_stop(s);
}

static void test_control_limits(void **state)
{
	struct service *s = service_start();
	_cleanup_(buffer_done) struct buffer reply = {0};
	bool good;
	char request[OPERATE_REQUEST_MAX + 10];
	memset(request, 'x', sizeof(request));
	request[sizeof(request) - 1] = 0;
	assert_int_equal(operate_ask(s->path, request, 5000, &good, &reply), BANYAN_ELIMIT);
	request[OPERATE_REQUEST_MAX - 2] = 0; /* the longest that may be sent */
	ask(s, request, false, "there is no such command\n");
	assert_int_equal(operate_ask("/nonexistent/socket", "echo", 5000, &good, &reply), BANYAN_ENOENT);
	service_stop(s);
}

/* The client does not wait for a reply that comes later, or the service ends first: both are harmless. */
static void test_control_abandoned(void **state)
{
	struct service *s = service_start();
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	strcpy(sun.sun_path, s->path);
	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(fd, (struct sockaddr *)&sun, sizeof(sun)), 0);
		assert_int_equal(send(fd, "wait\n", 5, 0), 5);
		if (i == 0) {
			close(fd);
			ask(s, "echo still", true, "echo|still|");
			usleep(100000); /* most often beyond the timer that ends the call */
		} else {
			ask(s, "echo here", true, "echo|here|"); /* the other has been read before this */
			service_stop(s);
			close(fd);
		}
	}
}

static void test_control_in_use(void **state)
{
	struct service *s = service_start();
	static const struct operate_command none[] = {{NULL, NULL}};
	struct operate_control_settings settings = {.path = s->path, .command = none};
	struct operate_control *control;
	uv_loop_t loop;
	uv_loop_init(&loop);
	assert_int_equal(operate_control_new(&loop, &settings, &control), BANYAN_EEXIST);
	uv_run(&loop, UV_RUN_DEFAULT);
	uv_loop_close(&loop);
	ask(s, "echo mine", true, "echo|mine|");
	service_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_counters),       cmocka_unit_test(test_status),
		cmocka_unit_test(test_trace),          cmocka_unit_test(test_control),
		cmocka_unit_test(test_control_limits), cmocka_unit_test(test_control_abandoned),
		cmocka_unit_test(test_control_in_use),
	};
	signal(SIGPIPE, SIG_IGN); /* as the daemon does */
	return cmocka_run_group_tests(tests, NULL, NULL);
}
