// SPDX-License-Identifier: GPL-3.0-or-later
/* A source with register=on: the probe asks to be notified, over TCP, and says for how long it is. */
#include "test.h"

#include "sync/pull/pull.h"
#include "wire/wire.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <uv.h>

struct server {
	int fd;
	uint16_t port;
	uint8_t status;
	bool silent; /* about registrations */
	bool asked;  /* with the option */
	struct wire_registration ask;
};

static void exactly(int fd, uint8_t *out, size_t len)
{
	for (ssize_t n; len > 0; out += n, len -= (size_t)n)
		if ((n = read(fd, out, len)) <= 0)
			return;
}

static size_t reply_make(struct server *server, const struct wire_question *q, uint8_t out[512])
{
	static const uint8_t soa[22] = {[5] = 9};
	const struct wire_rdata rdata = {soa, sizeof soa};
	const struct wire_registration granted = {.status = server->status, .port = server->ask.port, .lifetime_s = 77};
	uint8_t data[WIRE_REGISTRATION_SIZE];
	struct wire_writer writer;
	if (wire_writer_init(&writer, out, 512, q->id, WIRE_QR | WIRE_AA) < 0 ||
	    wire_writer_question(&writer, q->lower, WIRE_TYPE_SOA, WIRE_CLASS_IN) < 0 ||
	    wire_writer_record(&writer, WIRE_ANSWER, q->lower, WIRE_TYPE_SOA, WIRE_CLASS_IN, 0, &rdata) < 0 ||
	    wire_writer_edns(&writer, 1232, 0, false, NULL, 0) < 0)
		return 0;
	size_t len = wire_writer_finish(&writer);
	wire_registration_write_reply(&granted, data);
	int with =
		server->silent ? (int)len : wire_edns_add(out, len, 512, WIRE_OPTION_REGISTRATION, data, sizeof data);
	return with < 0 ? 0 : (size_t)with;
}

static void *serve(void *ctx)
{
	struct server *server = ctx;
	uint8_t prefix[2], msg[512], out[2 + 512];
	struct wire_question q;
	int fd = accept(server->fd, NULL, NULL);
	exactly(fd, prefix, 2);
	size_t len = wire_get16(prefix) < sizeof msg ? wire_get16(prefix) : 0;
	exactly(fd, msg, len);
	if (wire_question_parse(msg, len, &q) == WIRE_ANSWERABLE) {
		server->asked = q.edns.registration != NULL &&
				wire_registration_read_question(q.edns.registration, q.edns.registration_len,
								&server->ask) == 0;
		size_t n = reply_make(server, &q, out + 2);
		wire_put16(out, (uint16_t)n);
		if (write(fd, out, n + 2) < 0)
			server->asked = false;
	}
	close(fd);
	return NULL;
}

static struct pull_fetch_result got;

static void on_done(void *ctx, const struct pull_fetch_result *result)
{
	got = *result;
}

static bool hears(void *ctx, const struct addr *from, struct addr *ret)
{
	*ret = *from;
	ret->port = *(uint16_t *)ctx;
	return ret->port != 0;
}

static void ask(struct server *server, uint16_t port, enum pull_mode mode)
{
	struct sockaddr_in sa = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t sa_len = sizeof sa;
	struct pull_source source;
	struct pull_fetch *fetch;
	char text[64], why[PULL_WHY_MAX];
	uv_loop_t loop;
	pthread_t thread;
	server->fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_int_equal(bind(server->fd, (struct sockaddr *)&sa, sizeof sa), 0);
	assert_int_equal(listen(server->fd, 1), 0);
	assert_int_equal(getsockname(server->fd, (struct sockaddr *)&sa, &sa_len), 0);
	snprintf(text, sizeof text, "xfr:127.0.0.1@%u register=on", ntohs(sa.sin_port));
	assert_int_equal(pull_source_parse(text, &source, why), 0);
	assert_int_equal(pthread_create(&thread, NULL, serve, server), 0);
	assert_int_equal(uv_loop_init(&loop), 0);
	struct pull_fetch_settings settings = {.source = &source,
					       .apex = (const uint8_t *)"",
					       .mode = mode,
					       .fd = -1,
					       .hears = hears,
					       .hears_ctx = &port,
					       .done = on_done};
	assert_int_equal(pull_fetch_start(&loop, &settings, &fetch), 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(uv_loop_close(&loop), 0);
	assert_int_equal(pthread_join(thread, NULL), 0);
	close(server->fd);
	assert_true(got.has_serial);
	assert_int_equal(got.serial, 9);
}

static void probe(struct server *server, uint16_t port)
{
	ask(server, port, PULL_MODE_PROBE);
}

static void granted(void **state)
{
	struct server server = {.status = WIRE_REGISTRATION_GRANTED};
	probe(&server, 5300);
	assert_true(server.asked);
	assert_int_equal(server.ask.port, 5300);
	assert_true(server.ask.lifetime_s >= 3 * 1800);
	assert_int_equal(got.registered_s, 77);
	assert_int_equal(got.registered_at.port, 5300);
	assert_false(server.ask.release);
}

static void released(void **state)
{
	struct server server = {.status = WIRE_REGISTRATION_GRANTED};
	ask(&server, 5300, PULL_MODE_RELEASE);
	assert_true(server.asked && server.ask.release);
	assert_int_equal(server.ask.port, 5300);
	assert_int_equal(server.ask.lifetime_s, 0);
}

/* Nowhere: the question goes by UDP as to any other source, and by TCP when that is not answered, without the option. */
static void not_heard(void **state)
{
	struct server server = {.silent = true};
	probe(&server, 0);
	assert_false(server.asked);
	assert_int_equal(got.registered_s, 0);
}

static void not_granted(void **state)
{
	struct server full = {.status = WIRE_REGISTRATION_FULL}, old = {.silent = true};
	probe(&full, 5300);
	assert_true(full.asked);
	assert_int_equal(got.registered_s, 0);
	probe(&old, 5300);
	assert_int_equal(got.registered_s, 0);
}

static void the_word(void **state)
{
	struct pull_source source;
	char why[PULL_WHY_MAX];
	assert_int_equal(pull_source_parse("xfr:192.0.2.1", &source, why), 0);
	assert_string_equal(source.registers, "");
	assert_int_equal(pull_source_parse("xot:192.0.2.1 register=on", &source, why), 0);
	assert_string_equal(source.registers, "on");
	assert_int_equal(pull_source_parse("xfr:192.0.2.1 register=no", &source, why), BANYAN_EINVAL);
	assert_non_null(strstr(why, "register=on"));
	assert_int_equal(pull_source_parse("https://example/ register=on", &source, why), BANYAN_EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(granted), cmocka_unit_test(released),
					   cmocka_unit_test(not_granted), cmocka_unit_test(not_heard),
					   cmocka_unit_test(the_word)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
