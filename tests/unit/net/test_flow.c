// SPDX-License-Identifier: GPL-3.0-or-later
/* Replies of many messages over TCP: as fast as the client reads, beside its other questions, and not for ever. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "net/net.h"

#define IDLE_MS 2000
#define SIZE    16000 /* bytes of a message */

/* 'F', two bytes: a flow of so many messages; its byte and a number begin each. 'X': one that fails after three. 'E': echo. */
struct server {
	struct net_loop *loop;
	struct counters counters;
	pthread_t thread;
	uint16_t port;
	atomic_int given, whole, broken;
	uint32_t whole_ms;
};

struct flow {
	struct server *server;
	uint8_t kind;
	unsigned at, n;
};

static int flow_next(void *ctx, uint8_t *out, size_t cap)
{
	struct flow *flow = ctx;
	assert_true(cap >= SIZE);
	if (flow->kind == 'X' && flow->at == 3)
		return BANYAN_EOTHER;
	if (flow->at == flow->n)
		return 0;
	memset(out, flow->kind, SIZE);
	memcpy(out + 1, &flow->at, sizeof flow->at);
	flow->at++;
	atomic_fetch_add(&flow->server->given, 1);
	return SIZE;
}

static void flow_over(void *ctx, bool whole)
{
	struct flow *flow = ctx;
	atomic_fetch_add(whole ? &flow->server->whole : &flow->server->broken, 1);
	free(flow);
}

static int on_message(void *ctx, struct net_message *m)
{
	struct server *s = ctx;
	if (m->msg[0] == 'E') {
		memcpy(m->reply, m->msg, m->len);
		return (int)m->len;
	}
	struct flow *flow = calloc(1, sizeof *flow);
	*flow = (struct flow){.server = s, .kind = m->msg[0], .n = (unsigned)(m->msg[1] << 8 | m->msg[2])};
	struct net_flow_settings settings = {
		.next = flow_next, .over = flow_over, .ctx = flow, .whole_ms = s->whole_ms, .rate_min = 1};
	if (net_flow(s->loop, &m->ticket, &settings) < 0)
		abort();
	return NET_LATER;
}

static void *run(void *ctx)
{
	struct server *s = ctx;
	net_loop_run(s->loop);
	return NULL;
}

static struct server *server_start(uint32_t whole_ms)
{
	struct net_settings settings = {.udp_batch = 32,
					.tcp_clients = 50,
					.tcp_clients_per_address = 50,
					.tcp_idle_ms = IDLE_MS,
					.tcp_pipeline = 8,
					.ipv4 = true};
	struct server *s = calloc(1, sizeof *s);
	struct addr addr;
	s->whole_ms = whole_ms;
	assert_int_equal(net_loop_new(&settings, &s->counters, &s->loop), 0);
	assert_int_equal(addr_parse("127.0.0.1", 0, &addr), 0);
	assert_int_equal(net_listen(s->loop, &addr, on_message, s, &s->port), 0);
	assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
	return s;
}

static void server_stop(struct server *s)
{
	net_loop_stop(s->loop);
	pthread_join(s->thread, NULL);
	net_loop_free(s->loop);
}

static int client(const struct server *s, int buffer)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(s->port)};
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct timeval limit = {.tv_sec = 60};
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
	if (buffer > 0)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof buffer);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static void ask(int fd, uint8_t kind, unsigned n)
{
	uint8_t msg[5] = {0, 3, kind, (uint8_t)(n >> 8), (uint8_t)n};
	assert_int_equal(send(fd, msg, sizeof msg, MSG_NOSIGNAL), sizeof msg);
}

/* The next message; its length, 0 at the end of the connection. */
static size_t take(int fd, uint8_t out[65536])
{
	uint8_t size[2];
	if (recv(fd, size, 2, MSG_WAITALL) != 2)
		return 0;
	size_t len = (size_t)(size[0] << 8 | size[1]);
	return recv(fd, out, len, MSG_WAITALL) == (ssize_t)len ? len : 0;
}

/* Until it is so, or a minute is over. */
static void assert_becomes(const atomic_int *value, int expected)
{
	for (int64_t end = clock_mono_ms() + 60000; atomic_load(value) != expected && clock_mono_ms() < end;)
		usleep(1000);
	assert_int_equal(atomic_load(value), expected);
}

static void assert_flow(int fd, unsigned n)
{
	static uint8_t msg[65536];
	for (unsigned i = 0; i < n; i++) {
		unsigned at;
		assert_int_equal(take(fd, msg), SIZE);
		memcpy(&at, msg + 1, sizeof at);
		assert_int_equal(msg[0], 'F');
		assert_int_equal(at, i);
	}
}

static void all_of_it_comes_in_order(void **state)
{
	struct server *s = server_start(0);
	int fd = client(s, 0);
	ask(fd, 'F', 3000);
	assert_flow(fd, 3000);
	assert_becomes(&s->whole, 1);
	ask(fd, 'F', 0); /* one without messages */
	ask(fd, 'F', 2);
	assert_flow(fd, 2);
	assert_becomes(&s->whole, 3);
	close(fd);
	server_stop(s);
	assert_int_equal(counter_read(&s->counters, COUNTER_TCP_REPLIES), 3002);
	assert_int_equal(counter_read(&s->counters, COUNTER_TCP_GONE), 0);
	free(s);
}

static void one_waits_for_the_other(void **state)
{
	struct server *s = server_start(0);
	int fd = client(s, 0);
	ask(fd, 'F', 700);
	ask(fd, 'F', 300);
	assert_flow(fd, 700);
	assert_flow(fd, 300);
	assert_becomes(&s->whole, 2);
	close(fd);
	server_stop(s);
	free(s);
}

/* A client that stops reading is given what fits, and still gets its other answers when it reads on. */
static void no_more_than_the_client_reads(void **state)
{
	static uint8_t msg[65536];
	struct server *s = server_start(0);
	int fd = client(s, 8192);
	unsigned flows = 0, echoes = 0;
	ask(fd, 'F', 2000);
	for (int before = -1; before != atomic_load(&s->given) || before == 0; usleep(20000))
		before = atomic_load(&s->given);
	assert_true(atomic_load(&s->given) < 200);
	ask(fd, 'E', 0);
	while (flows < 2000 || echoes < 1) {
		size_t len = take(fd, msg);
		assert_true(len > 0);
		flows += len == SIZE;
		echoes += len == 3;
		if (len == 3)
			assert_true(flows < 2000); /* it did not wait for the end of the transfer */
	}
	assert_becomes(&s->whole, 1);
	close(fd);
	server_stop(s);
	free(s);
}

static void who_never_reads_is_closed_alone(void **state)
{
	struct server *s = server_start(0);
	int lazy = client(s, 8192), busy = client(s, 0);
	ask(lazy, 'F', 60000);
	ask(busy, 'F', 500);
	assert_flow(busy, 500);
	assert_becomes(&s->broken, 1);
	close(busy);
	busy = client(s, 0);
	ask(busy, 'F', 5);
	assert_flow(busy, 5);
	close(lazy);
	close(busy);
	server_stop(s);
	assert_int_equal(counter_read(&s->counters, COUNTER_TCP_SLOW), 1);
	free(s);
}

/* Each byte it reads is a sign of life, but not for longer than the whole may take. */
static void who_drips_is_closed_in_time(void **state)
{
	struct server *s = server_start(600);
	int fd = client(s, 8192);
	char bytes[20000];
	ask(fd, 'F', 60000);
	while (atomic_load(&s->broken) == 0 && recv(fd, bytes, sizeof bytes, 0) > 0)
		usleep(1000);
	assert_becomes(&s->broken, 1);
	close(fd);
	server_stop(s);
	assert_int_equal(counter_read(&s->counters, COUNTER_TCP_SLOW), 1);
	free(s);
}

static void who_goes_is_noticed(void **state)
{
	struct server *s = server_start(0);
	int fd = client(s, 8192);
	ask(fd, 'F', 60000);
	ask(fd, 'F', 10);
	while (atomic_load(&s->given) == 0)
		usleep(1000);
	close(fd);
	assert_becomes(&s->broken, 2);
	server_stop(s);
	free(s);
}

/* A client that has closed its side gets all of it (RFC 7766 section 6.2.4). */
static void half_closed(void **state)
{
	struct server *s = server_start(0);
	uint8_t byte;
	int fd = client(s, 0);
	ask(fd, 'F', 400);
	shutdown(fd, SHUT_WR);
	assert_flow(fd, 400);
	assert_int_equal(recv(fd, &byte, 1, 0), 0);
	close(fd);
	server_stop(s);
	free(s);
}

static void what_cannot_be_made_ends_the_connection(void **state)
{
	static uint8_t msg[65536];
	struct server *s = server_start(0);
	int fd = client(s, 0);
	ask(fd, 'X', 100);
	unsigned n = 0;
	while (take(fd, msg) > 0)
		n++;
	assert_true(n <= 3);
	assert_becomes(&s->broken, 1);
	close(fd);
	server_stop(s);
	free(s);
}

static void a_server_that_stops_ends_flows(void **state)
{
	struct server *s = server_start(0);
	int fd = client(s, 8192);
	ask(fd, 'F', 60000);
	while (atomic_load(&s->given) == 0)
		usleep(1000);
	server_stop(s);
	assert_int_equal(atomic_load(&s->broken), 1);
	close(fd);
	free(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it_comes_in_order),
		cmocka_unit_test(one_waits_for_the_other),
		cmocka_unit_test(no_more_than_the_client_reads),
		cmocka_unit_test(who_never_reads_is_closed_alone),
		cmocka_unit_test(who_drips_is_closed_in_time),
		cmocka_unit_test(who_goes_is_noticed),
		cmocka_unit_test(half_closed),
		cmocka_unit_test(what_cannot_be_made_ends_the_connection),
		cmocka_unit_test(a_server_that_stops_ends_flows),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
