// SPDX-License-Identifier: GPL-3.0-or-later
/* TCP connections to servers that behave, that close when they like, that drip, that say nothing, that talk too much. */
#include <poll.h>
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

#define CONNS_MAX  64
#define DEADLINE   60000
#define IDLE_MS    2000
#define MESSAGE_MS 300

/* ---- the server: one thread, whose ways are told by `mode` ---- */
enum mode {
	REVERSE,    /* waits for `want` questions, then answers them in reverse order */
	ONE_EACH,   /* answers one question a connection and closes, whatever else has come */
	CLOSE_NEXT, /* answers one, and closes when it is asked again */
	DRIP,       /* a byte of a long reply now and then */
	SILENT,     /* reads */
	STRAYS,     /* answers nobody's questions, many times */
};

struct conn {
	int fd;
	unsigned n; /* questions that have come */
	uint8_t in[64 * 64];
	size_t len;
};

struct server {
	_Atomic enum mode mode;
	unsigned want;
	int fd;
	uint16_t port;
	pthread_t thread;
	atomic_uint accepted, questions, open;
	atomic_bool stop;
	struct conn conn[CONNS_MAX];
};

static void conn_end(struct server *s, struct conn *c)
{
	close(c->fd);
	c->fd = -1;
	atomic_fetch_sub(&s->open, 1);
}

static void say(const struct conn *c, const uint8_t *msg, size_t len)
{
	(void)!send(c->fd, msg, len, MSG_NOSIGNAL);
}

/* Questions are 4 bytes with their length before them; replies are the same bytes. */
static void conn_questions(struct server *s, struct conn *c)
{
	unsigned n = (unsigned)(c->len / 6);
	atomic_fetch_add(&s->questions, n - c->n);
	c->n = n;
	if (n == 0)
		return;
	switch (atomic_load(&s->mode)) {
	case REVERSE:
		for (unsigned i = n; n >= s->want && i > 0; i--)
			say(c, c->in + (i - 1) * 6, 6);
		if (n >= s->want)
			c->len = c->n = 0;
		break;
	case ONE_EACH:
		say(c, c->in, 6);
		shutdown(c->fd, SHUT_WR); /* close() with unread questions would take the reply back by a reset */
		break;
	case CLOSE_NEXT:
		if (n == 1)
			say(c, c->in, 6);
		else
			conn_end(s, c);
		break;
	case STRAYS:
		for (unsigned i = 0; i < 100; i++) {
			uint8_t msg[6] = {0, 4, (uint8_t)(c->in[2] ^ 1), c->in[3], 0, 0};
			say(c, msg, 6);
		}
		break;
	case DRIP:
	case SILENT:
		break;
	}
}

static void conn_serve(struct server *s, struct conn *c)
{
	ssize_t n = recv(c->fd, c->in + c->len, sizeof(c->in) - c->len, 0);
	if (n <= 0) {
		conn_end(s, c);
		return;
	}
	c->len += (size_t)n;
	conn_questions(s, c);
}

static void drip(struct server *s)
{
	static const uint8_t start[4] = {1, 0, 'i', 'd'}; /* 256 bytes, as they say */
	for (unsigned i = 0; i < CONNS_MAX && atomic_load(&s->mode) == DRIP; i++)
		if (s->conn[i].fd >= 0 && s->conn[i].n > 0) {
			say(&s->conn[i], s->conn[i].n == 1 ? start : (const uint8_t *)"x", s->conn[i].n == 1 ? 4 : 1);
			s->conn[i].n = 2;
		}
}

static void *serve(void *ctx)
{
	struct server *s = ctx;
	while (!atomic_load(&s->stop)) {
		struct pollfd pfd[CONNS_MAX + 1] = {{.fd = s->fd, .events = POLLIN}};
		for (unsigned i = 0; i < CONNS_MAX; i++)
			pfd[i + 1] = (struct pollfd){.fd = s->conn[i].fd, .events = POLLIN};
		poll(pfd, CONNS_MAX + 1, 10);
		for (unsigned i = 0; i < CONNS_MAX; i++)
			if (pfd[i + 1].revents != 0)
				conn_serve(s, &s->conn[i]);
		drip(s);
		for (unsigned i = 0; pfd[0].revents != 0 && i < CONNS_MAX; i++)
			if (s->conn[i].fd < 0) {
				s->conn[i] = (struct conn){.fd = accept(s->fd, NULL, NULL)};
				atomic_fetch_add(&s->accepted, 1);
				atomic_fetch_add(&s->open, 1);
				break;
			}
	}
	return NULL;
}

static struct server *server_start(enum mode mode, unsigned want)
{
	struct server *s = calloc(1, sizeof(*s));
	struct sockaddr_in in = {.sin_family = AF_INET};
	socklen_t len = sizeof(in);
	assert_non_null(s);
	atomic_store(&s->mode, mode);
	s->want = want;
	for (unsigned i = 0; i < CONNS_MAX; i++)
		s->conn[i].fd = -1;
	in.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	s->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(s->fd, (struct sockaddr *)&in, len), 0);
	assert_int_equal(listen(s->fd, CONNS_MAX), 0);
	assert_int_equal(getsockname(s->fd, (struct sockaddr *)&in, &len), 0);
	s->port = ntohs(in.sin_port);
	assert_int_equal(pthread_create(&s->thread, NULL, serve, s), 0);
	return s;
}

static void server_stop(struct server *s)
{
	atomic_store(&s->stop, true);
	pthread_join(s->thread, NULL);
	for (unsigned i = 0; i < CONNS_MAX; i++)
		if (s->conn[i].fd >= 0)
			close(s->conn[i].fd);
	close(s->fd);
	free(s);
}

/* ---- the asker ---- */

struct asker {
	struct net_loop *loop;
	struct counters counters;
	struct addr to;
	unsigned got, failed, expect;
	bool timed_out;
	uint64_t order[CONNS_MAX];
};

static void on_exchange(void *ctx, const struct net_exchange_event *event)
{
	struct asker *a = ctx;
	if (event->error == 0) {
		a->order[a->got++] = event->id;
		assert_int_equal(event->len, 4);
		assert_memory_equal(event->msg, "id", 2); /* the ID that every question of this test has */
		assert_int_equal(event->msg[2], event->id);
		net_exchange_close(a->loop, event->id);
	} else {
		a->failed++;
	}
	if (a->got + a->failed >= a->expect)
		net_loop_stop(a->loop);
}

static struct asker *asker_new(const struct server *s, const struct net_settings *more)
{
	struct asker *a = calloc(1, sizeof(*a));
	struct net_settings settings = *more;
	assert_non_null(a);
	settings.udp_batch = 1;
	settings.ipv4 = true;
	if (settings.upstream_tcp_idle_ms == 0)
		settings.upstream_tcp_idle_ms = 60000;
	settings.upstream_tcp_message_ms = MESSAGE_MS;
	assert_int_equal(net_loop_new(&settings, &a->counters, &a->loop), 0);
	net_on_exchange(a->loop, on_exchange, a);
	assert_int_equal(addr_parse("127.0.0.1", s->port, &a->to), 0);
	return a;
}

static void asker_free(struct asker *a)
{
	net_loop_free(a->loop);
	free(a);
}

static int ask(struct asker *a, uint64_t id)
{
	uint8_t msg[4] = {'i', 'd', (uint8_t)id, 0};
	return net_exchange_open(a->loop, id, NET_TCP, &a->to, msg, 4);
}

static void on_time(void *ctx)
{
	struct asker *a = ctx;
	a->timed_out = true;
	net_loop_stop(a->loop);
}

/* Runs until `more` further exchanges have ended, or for `ms`. */
static void run_for(struct asker *a, unsigned more, int64_t ms)
{
	a->expect = a->got + a->failed + more;
	a->timed_out = false;
	net_wake_at(a->loop, clock_mono_ms() + ms, on_time, a);
	net_loop_run(a->loop);
}

static void run(struct asker *a, unsigned more)
{
	run_for(a, more, DEADLINE);
	assert_false(a->timed_out);
}

/* ---- tests ---- */

/* Twenty questions with the same ID share one connection, and each gets the reply that is its own. */
static void test_pipelined_out_of_order(void **state)
{
	struct server *s = server_start(REVERSE, 20);
	struct asker *a = asker_new(s, &(struct net_settings){0});
	for (uint64_t id = 1; id <= 20; id++)
		assert_int_equal(ask(a, id), 0);
	run(a, 20);
	assert_int_equal(a->got, 20);
	for (unsigned i = 0; i < 20; i++)
		assert_int_equal(a->order[i], 20 - i);
	assert_int_equal(atomic_load(&s->accepted), 1);
	assert_int_equal(counter_read(&a->counters, COUNTER_UPSTREAM_TCP_CONNECTIONS), 1);
	assert_int_equal(counter_read(&a->counters, COUNTER_UPSTREAM_TCP_REUSED), 19);
	asker_free(a);
	server_stop(s);
}

static void test_kept_and_closed_when_idle(void **state)
{
	struct server *s = server_start(REVERSE, 1);
	struct asker *a = asker_new(s, &(struct net_settings){.upstream_tcp_idle_ms = IDLE_MS});
	for (uint64_t id = 1; id <= 5; id++) {
		assert_int_equal(ask(a, id), 0);
		run(a, 1);
	}
	assert_int_equal(atomic_load(&s->accepted), 1);
	for (int i = 0; i < 1000 && atomic_load(&s->open) > 0; i++)
		run_for(a, 1, 50);
	assert_int_equal(atomic_load(&s->open), 0);
	assert_int_equal(ask(a, 6), 0);
	run(a, 1);
	assert_int_equal(a->got, 6);
	assert_int_equal(atomic_load(&s->accepted), 2);
	asker_free(a);
	server_stop(s);
}

static void questions_wait(struct asker *a, struct server *s, unsigned n)
{
	for (int i = 0; i < DEADLINE / 10 && atomic_load(&s->questions) < n; i++)
		run_for(a, 1, 10);
	assert_int_equal(atomic_load(&s->questions), n);
}

static void test_limits(void **state)
{
	struct server *s = server_start(SILENT, 0);
	struct asker *a =
		asker_new(s, &(struct net_settings){.upstream_tcp_pipeline = 3, .upstream_tcp_per_server = 2});
	for (uint64_t id = 1; id <= 9; id++)
		assert_int_equal(ask(a, id), 0);
	questions_wait(a, s, 6);
	assert_int_equal(counter_read(&a->counters, COUNTER_UPSTREAM_TCP_CONNECTIONS), 2);
	assert_int_equal(counter_read(&a->counters, COUNTER_UPSTREAM_TCP_WAITED), 3);
	net_exchange_close(a->loop, 8); /* one that waits, between two others */
	net_exchange_close(a->loop, 2);
	questions_wait(a, s, 7); /* there is a place again, */
	net_exchange_close(a->loop, 3);
	net_exchange_close(a->loop, 4);
	questions_wait(a, s, 8); /* and another */
	assert_int_equal(counter_read(&a->counters, COUNTER_UPSTREAM_TCP_CONNECTIONS), 2);
	for (uint64_t id = 10; id <= 12; id++)
		assert_int_equal(ask(a, id), 0);
	asker_free(a); /* with two that wait */
	server_stop(s);
}

/* A server gets its share of connections when it has answered over one of them. */
static void test_unproved(void **state)
{
	struct server *s = server_start(SILENT, 0);
	const struct net_settings settings = {.upstream_tcp_pipeline = 1, .upstream_tcp_per_server = 4};
	struct asker *a = asker_new(s, &settings);
	for (uint64_t id = 1; id <= 6; id++)
		assert_int_equal(ask(a, id), 0);
	questions_wait(a, s, 2);
	assert_int_equal(counter_read(&a->counters, COUNTER_UPSTREAM_TCP_CONNECTIONS), 2);
	asker_free(a);
	server_stop(s);

	s = server_start(REVERSE, 1);
	a = asker_new(s, &settings);
	assert_int_equal(ask(a, 1), 0);
	run(a, 1);
	atomic_store(&s->mode, SILENT);
	for (uint64_t id = 2; id <= 7; id++)
		assert_int_equal(ask(a, id), 0);
	questions_wait(a, s, 5);
	assert_int_equal(counter_read(&a->counters, COUNTER_UPSTREAM_TCP_CONNECTIONS), 4);
	asker_free(a);
	server_stop(s);
}

/* All connections taken: an unused one makes room, one in use does not. */
static void test_limit_of_all(void **state)
{
	struct server *s = server_start(REVERSE, 1), *other = server_start(SILENT, 0);
	struct asker *a = asker_new(s, &(struct net_settings){.upstream_tcp_connections = 1});
	struct addr first = a->to;
	assert_int_equal(ask(a, 1), 0);
	a->to.port = other->port;
	assert_int_equal(ask(a, 2), 0);
	assert_int_equal(counter_read(&a->counters, COUNTER_UPSTREAM_TCP_WAITED), 1);
	run(a, 1);
	questions_wait(a, other, 1);
	a->to = first;
	assert_int_equal(ask(a, 3), 0);
	assert_int_equal(counter_read(&a->counters, COUNTER_UPSTREAM_TCP_WAITED), 2);
	run_for(a, 1, 50);
	assert_int_equal(a->got, 1);
	net_exchange_close(a->loop, 2);
	run(a, 1);
	assert_int_equal(a->got, 2);
	asker_free(a);
	server_stop(other);
	server_stop(s);
}

/* So many questions, then a new connection. */
static void test_used_up(void **state)
{
	struct server *s = server_start(REVERSE, 1);
	struct asker *a = asker_new(s, &(struct net_settings){.upstream_tcp_queries = 2});
	for (uint64_t id = 1; id <= 6; id++) {
		assert_int_equal(ask(a, id), 0);
		run(a, 1);
	}
	assert_int_equal(a->got, 6);
	assert_int_equal(atomic_load(&s->accepted), 3);
	asker_free(a);
	server_stop(s);
}

/* A server that takes one question a connection still answers all that were sent at once. */
static void test_one_question_each(void **state)
{
	struct server *s = server_start(ONE_EACH, 1);
	struct asker *a = asker_new(s, &(struct net_settings){0});
	for (uint64_t id = 1; id <= 4; id++)
		assert_int_equal(ask(a, id), 0);
	run(a, 4);
	assert_int_equal(a->got, 4);
	assert_int_equal(atomic_load(&s->accepted), 4);
	assert_int_equal(counter_read(&a->counters, COUNTER_UPSTREAM_TCP_RETRIED), 3);
	asker_free(a);
	server_stop(s);
}

/* The server closes the kept connection just when it is asked again: nobody notices. */
static void test_closed_when_asked_again(void **state)
{
	struct server *s = server_start(CLOSE_NEXT, 1);
	struct asker *a = asker_new(s, &(struct net_settings){0});
	for (uint64_t id = 1; id <= 2; id++) {
		assert_int_equal(ask(a, id), 0);
		run(a, 1);
	}
	assert_int_equal(a->got, 2);
	assert_int_equal(atomic_load(&s->accepted), 2);
	asker_free(a);
	server_stop(s);
}

/* Bytes that drip do not keep a reply's time from running out. */
static void test_drip(void **state)
{
	struct server *s = server_start(DRIP, 1);
	struct asker *a = asker_new(s, &(struct net_settings){0});
	int64_t start = clock_mono_ms();
	assert_int_equal(ask(a, 1), 0);
	run(a, 1);
	assert_int_equal(a->failed, 1);
	assert_true(clock_mono_ms() - start >= MESSAGE_MS - 50);
	assert_int_equal(counter_read(&a->counters, COUNTER_UPSTREAM_TCP_SLOW), 1);
	asker_free(a);
	server_stop(s);
}

/* Given up without a byte: the connection is not trusted with another question. */
static void test_silent(void **state)
{
	struct server *s = server_start(SILENT, 1);
	struct asker *a = asker_new(s, &(struct net_settings){0});
	assert_int_equal(ask(a, 1), 0);
	run_for(a, 1, 700);
	assert_true(a->timed_out);
	net_exchange_close(a->loop, 1);
	s->want = 1;
	atomic_store(&s->mode, REVERSE);
	assert_int_equal(ask(a, 2), 0);
	run(a, 1);
	assert_int_equal(a->got, 1);
	assert_int_equal(atomic_load(&s->accepted), 2);
	asker_free(a);
	server_stop(s);
}

static void test_strays(void **state)
{
	struct server *s = server_start(STRAYS, 1);
	struct asker *a = asker_new(s, &(struct net_settings){0});
	assert_int_equal(ask(a, 1), 0);
	run(a, 1);
	assert_int_equal(a->failed, 1);
	assert_in_range(counter_read(&a->counters, COUNTER_UPSTREAM_MISMATCHED), 64, 66);
	asker_free(a);
	server_stop(s);
}

/* A loop that ends with questions in flight leaves nothing behind. */
static void test_freed_with_exchanges(void **state)
{
	struct server *s = server_start(SILENT, 1);
	struct asker *a = asker_new(s, &(struct net_settings){0});
	for (uint64_t id = 1; id <= 10; id++)
		assert_int_equal(ask(a, id), 0);
	run_for(a, 1, 30);
	asker_free(a);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pipelined_out_of_order),
		cmocka_unit_test(test_kept_and_closed_when_idle),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_unproved),
		cmocka_unit_test(test_limit_of_all),
		cmocka_unit_test(test_used_up),
		cmocka_unit_test(test_one_question_each),
		cmocka_unit_test(test_closed_when_asked_again),
		cmocka_unit_test(test_drip),
		cmocka_unit_test(test_silent),
		cmocka_unit_test(test_strays),
		cmocka_unit_test(test_freed_with_exchanges),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
