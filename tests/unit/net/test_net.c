// SPDX-License-Identifier: GPL-3.0-or-later
/* The loop of net/ in a thread of its own, spoken to by plain blocking sockets. */
#include <errno.h>
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
#include <sys/time.h>
#include <cmocka.h>

#include "net/net.h"

#define IDLE_MS    300
#define PATIENT_MS 600000 /* where idleness is not what is tried: this program may stand still for long */
#define LATER_MAX  4096

/* ---- a server whose replies are told by the first byte of the question, or, for exchanges, the first behind the ID ----
 * 'E' the same bytes at once; 'L' the same bytes later; 'B' 60,000 bytes; 'P' the peer's and local address; else nothing. */
struct server {
	struct net_loop *loop;
	struct counters counters;
	pthread_t thread;
	uint16_t port;
	struct net_ticket later[LATER_MAX];
	uint8_t later_msg[LATER_MAX][16];
	size_t later_len[LATER_MAX];
	size_t n_later;
	atomic_int asleep, awake, handled_asleep, gone;
	bool sleeping, exchanges;
};

static int on_message(void *ctx, struct net_message *m)
{
	struct server *s = ctx;
	if (s->sleeping)
		atomic_fetch_add(&s->handled_asleep, 1);
	size_t id = s->exchanges ? 2 : 0;
	memcpy(m->reply, m->msg, m->len < id ? m->len : id);
	switch (m->len > id ? m->msg[id] : 0) {
	case 'E':
		memcpy(m->reply, m->msg, m->len);
		return (int)m->len;
	case 'B':
		memset(m->reply, 'b', 60000);
		return 60000;
	case 'P':
		memcpy(m->reply + id, m->ticket.peer.ip, 16);
		memcpy(m->reply + id + 16, m->ticket.local.ip, 16);
		return (int)id + 32;
	case 'L':
		s->later[s->n_later] = m->ticket;
		memcpy(s->later_msg[s->n_later], m->msg, m->len);
		s->later_len[s->n_later++] = m->len;
		return NET_LATER;
	default:
		return 0;
	}
}

static void answer_later(void *ctx)
{
	struct server *s = ctx;
	for (size_t i = s->n_later; i > 0; i--)
		(void)net_reply(s->loop, &s->later[i - 1], s->later_msg[i - 1], s->later_len[i - 1]);
	s->n_later = 0;
}

static void on_asleep(void *ctx)
{
	struct server *s = ctx;
	s->sleeping = true;
	atomic_fetch_add(&s->asleep, 1);
}

static void on_awake(void *ctx)
{
	struct server *s = ctx;
	s->sleeping = false;
	atomic_fetch_add(&s->awake, 1);
}

static void *run(void *ctx)
{
	struct server *s = ctx;
	net_loop_run(s->loop);
	return NULL;
}

static struct net_settings settings_default(void)
{
	return (struct net_settings){.udp_batch = 32,
				     .tcp_clients = 50,
				     .tcp_clients_per_address = 50,
				     .tcp_idle_ms = PATIENT_MS,
				     .tcp_pipeline = 64,
				     .ipv4 = true,
				     .ipv6 = true};
}

static struct server *server_start(const struct net_settings *settings, const char *listen)
{
	struct server *s = calloc(1, sizeof(*s));
	struct addr addr;
	assert_non_null(s);
	assert_int_equal(net_loop_new(settings, &s->counters, &s->loop), 0);
	assert_int_equal(addr_parse(listen, 0, &addr), 0);
	assert_int_equal(net_listen(s->loop, &addr, on_message, s, &s->port), 0);
	assert_true(s->port != 0);
	net_loop_on_sleep(s->loop, on_asleep, on_awake, s);
	assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
	return s;
}

static void server_stop(struct server *s)
{
	net_loop_stop(s->loop);
	pthread_join(s->thread, NULL);
	assert_int_equal(atomic_load(&s->handled_asleep), 0);
	net_loop_free(s->loop);
	free(s);
}

/* ---- clients ---- */

static int client(const char *ip, uint16_t port, int type)
{
	struct addr a;
	assert_int_equal(addr_parse(ip, port, &a), 0);
	struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	memcpy(&in6.sin6_addr, a.ip, 16);
	memcpy(&in.sin_addr, a.ip, 4);
	int fd = socket(a.family == 4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC, 0);
	assert_true(fd >= 0);
	struct timeval limit = {.tv_sec = 60};
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	int rc = a.family == 4 ? connect(fd, (struct sockaddr *)&in, sizeof(in))
			       : connect(fd, (struct sockaddr *)&in6, sizeof(in6));
	assert_int_equal(rc, 0);
	return fd;
}

static void tcp_send(int fd, const char *text)
{
	uint8_t buf[64];
	size_t len = strlen(text);
	buf[0] = 0;
	buf[1] = (uint8_t)len;
	memcpy(buf + 2, text, len);
	assert_int_equal(send(fd, buf, len + 2, MSG_NOSIGNAL), len + 2);
}

static bool tcp_read_all(int fd, uint8_t *out, size_t len)
{
	for (size_t pos = 0; pos < len;) {
		ssize_t n = recv(fd, out + pos, len - pos, 0);
		if (n <= 0)
			return false;
		pos += (size_t)n;
	}
	return true;
}

/* The next message, NUL-terminated; false at the end of the connection. */
static bool tcp_receive(int fd, char out[65536])
{
	uint8_t prefix[2];
	if (!tcp_read_all(fd, prefix, 2))
		return false;
	size_t len = (size_t)(prefix[0] << 8 | prefix[1]);
	out[len] = 0;
	return tcp_read_all(fd, (uint8_t *)out, len);
}

static void tcp_wait_closed(int fd)
{
	char byte;
	ssize_t n;
	while ((n = recv(fd, &byte, 1, 0)) > 0)
		;
	assert_true(n == 0 || errno == ECONNRESET);
}

static uint64_t counter_wait(struct server *s, enum counter counter, uint64_t want)
{
	int64_t end = clock_mono_ms() + 60000;
	while (counter_read(&s->counters, counter) < want && clock_mono_ms() < end)
		poll(NULL, 0, 2);
	return counter_read(&s->counters, counter);
}

/* ---- UDP ---- */

static void udp_echo_on(const char *ip)
{
	struct net_settings settings = settings_default();
	char listen[ADDR_TEXT_MAX], buf[65536];
	snprintf(listen, sizeof(listen), "%s@0", ip);
	struct server *s = server_start(&settings, listen);
	int fd = client(ip, s->port, SOCK_DGRAM);
	for (int round = 0; round < 3; round++) { /* more than two batches at once */
		for (int i = 0; i < 100; i++)
			assert_int_equal(send(fd, "E0123456789", 11, 0), 11);
		for (int i = 0; i < 100; i++)
			assert_int_equal(recv(fd, buf, sizeof(buf), 0), 11);
	}
	assert_int_equal(send(fd, "N", 1, 0), 1);
	assert_int_equal(counter_wait(s, COUNTER_UDP_QUESTIONS, 301), 301);
	assert_int_equal(counter_read(&s->counters, COUNTER_UDP_REPLIES), 300);
	assert_true(atomic_load(&s->asleep) > 0 && atomic_load(&s->awake) > 0);
	close(fd);
	server_stop(s);
}

static void test_udp_echo(void **state)
{
	udp_echo_on("127.0.0.1");
	udp_echo_on("::1");
}

static void test_udp_later(void **state)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, "127.0.0.1@0");
	int fd = client("127.0.0.1", s->port, SOCK_DGRAM);
	char buf[64];
	send(fd, "L1", 2, 0);
	send(fd, "L2", 2, 0);
	send(fd, "E3", 2, 0);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 2);
	assert_memory_equal(buf, "E3", 2);
	assert_int_equal(net_loop_post(s->loop, answer_later, s), 0);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 2);
	assert_memory_equal(buf, "L2", 2);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 2);
	assert_memory_equal(buf, "L1", 2);
	close(fd);
	server_stop(s);
}

/* More than poll() looks at: the others are watched by an epoll. */
static void test_many_listeners(void **state)
{
	enum { MANY = 40 };
	struct net_settings settings = settings_default();
	struct server *s = calloc(1, sizeof(*s));
	uint16_t port[MANY];
	char buf[65536];
	assert_non_null(s);
	assert_int_equal(net_loop_new(&settings, &s->counters, &s->loop), 0);
	for (int i = 0; i < MANY; i++) {
		struct addr addr;
		assert_int_equal(addr_parse(i % 2 ? "::1" : "127.0.0.1", 0, &addr), 0);
		assert_int_equal(net_listen(s->loop, &addr, on_message, s, &port[i]), 0);
	}
	net_loop_on_sleep(s->loop, on_asleep, on_awake, s);
	assert_int_equal(pthread_create(&s->thread, NULL, run, s), 0);
	for (int round = 0; round < 2; round++) {
		int fd[MANY];
		for (int i = 0; i < MANY; i++) {
			fd[i] = client(i % 2 ? "::1" : "127.0.0.1", port[i], SOCK_DGRAM);
			assert_int_equal(send(fd[i], "E1", 2, 0), 2);
		}
		for (int i = 0; i < MANY; i++) {
			assert_int_equal(recv(fd[i], buf, sizeof(buf), 0), 2);
			close(fd[i]);
		}
	}
	int tcp = client("::1", port[MANY - 1], SOCK_STREAM);
	tcp_send(tcp, "E2");
	assert_true(tcp_receive(tcp, buf));
	close(tcp);
	server_stop(s);
}

/* Questions that come one behind the other are left to gather, and each is answered; a client that waits for each of its replies
 * does not pay for it more than now and then. */
static void test_udp_gather(void **state)
{
	enum { BURST = 5 };
	struct net_settings settings = settings_default();
	char buf[64];
	settings.udp_gather_us = 1000;
	struct server *s = server_start(&settings, "127.0.0.1@0");
	int fd = client("127.0.0.1", s->port, SOCK_DGRAM);
	int64_t end = clock_mono_ms() + 60000;
	while (counter_read(&s->counters, COUNTER_UDP_GATHERED) < 3 && clock_mono_ms() < end) {
		for (int i = 0; i < BURST; i++)
			assert_int_equal(send(fd, "E0", 2, 0), 2);
		for (int i = 0; i < BURST; i++)
			assert_int_equal(recv(fd, buf, sizeof(buf), 0), 2);
	}
	uint64_t before = counter_read(&s->counters, COUNTER_UDP_GATHERED);
	assert_true(before >= 3);
	for (int i = 0; i < 330; i++) {
		assert_int_equal(send(fd, "E1", 2, 0), 2);
		assert_int_equal(recv(fd, buf, sizeof(buf), 0), 2);
	}
	assert_in_range(counter_read(&s->counters, COUNTER_UDP_GATHERED) - before, 0, 330 / 16);
	close(fd);
	server_stop(s);
}

/* Each of them so many ms later, the first one last. */
static void answer_in_time(void *ctx)
{
	struct server *s = ctx;
	for (size_t i = 0; i < s->n_later; i++)
		assert_int_equal(
			net_reply_in(s->loop, &s->later[i], s->later_msg[i], s->later_len[i], (uint32_t)(60 - 20 * i)),
			0);
	assert_int_equal(net_reply_in(s->loop, &s->later[0], s->later_msg[0], 1, NET_LATE_MS_MAX + 1), BANYAN_EINVAL);
	s->n_later = 0;
}

static void answer_too_much(void *ctx)
{
	struct server *s = ctx;
	static const uint8_t large[60000];
	int rc = 0;
	for (unsigned i = 0; rc == 0; i++) {
		assert_true(i <= NET_LATE_BYTES_MAX / sizeof(large));
		rc = net_reply_in(s->loop, &s->later[0], large, sizeof(large), NET_LATE_MS_MAX);
	}
	assert_int_equal(rc, BANYAN_ELIMIT); /* and the loop is freed with all that waits */
}

static void test_udp_in_time(void **state)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, "127.0.0.1@0");
	int fd = client("127.0.0.1", s->port, SOCK_DGRAM);
	char buf[64];
	for (unsigned round = 0; round < 2; round++) { /* the wheel stops and starts again */
		send(fd, "L1", 2, 0);
		send(fd, "L2", 2, 0);
		send(fd, "L3", 2, 0);
		counter_wait(s, COUNTER_UDP_QUESTIONS, 3 * (round + 1));
		int64_t began_ms = clock_mono_ms();
		assert_int_equal(net_loop_post(s->loop, answer_in_time, s), 0);
		for (unsigned i = 3; i > 0; i--) {
			assert_int_equal(recv(fd, buf, sizeof(buf), 0), 2);
			assert_int_equal(buf[1], '0' + i);
		}
		assert_true(clock_mono_ms() - began_ms >= 60);
	}
	send(fd, "L1", 2, 0);
	counter_wait(s, COUNTER_UDP_QUESTIONS, 7);
	assert_int_equal(net_loop_post(s->loop, answer_too_much, s), 0);
	send(fd, "E3", 2, 0);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 2);
	close(fd);
	server_stop(s);
}

static pthread_mutex_t held = PTHREAD_MUTEX_INITIALIZER;

static void hold(void *ctx)
{
	pthread_mutex_lock(&held);
	pthread_mutex_unlock(&held);
}

/* A burst that comes while the loop is busy: what fits the buffer is answered, all else is counted. */
static void test_udp_buffer(void **state)
{
	struct net_settings settings = settings_default();
	char buf[64];
	settings.udp_batch = 1;
	settings.udp_buffer = 4096;
	struct server *s = server_start(&settings, "127.0.0.1@0");
	int fd = client("127.0.0.1", s->port, SOCK_DGRAM);
	pthread_mutex_lock(&held);
	assert_int_equal(net_loop_post(s->loop, hold, s), 0);
	for (unsigned i = 0; i < 1000; i++)
		send(fd, "E", 1, 0);
	pthread_mutex_unlock(&held);
	for (uint64_t seen = 0; seen < 1000;
	     seen = counter_read(&s->counters, COUNTER_UDP_QUESTIONS) + counter_read(&s->counters, COUNTER_UDP_LOST))
		assert_int_equal(recv(fd, buf, sizeof(buf), 0), 1);
	assert_true(counter_read(&s->counters, COUNTER_UDP_LOST) > 0);
	close(fd);
	server_stop(s);
}

/* A connected client socket drops replies from any other address than the one it asked. */
static void wildcard_replies_from(const char *listen, const char *ip)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, listen);
	uint8_t buf[64];
	struct addr asked;
	assert_int_equal(addr_parse(ip, 0, &asked), 0);
	int fd = client(ip, s->port, SOCK_DGRAM);
	send(fd, "P", 1, 0);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 32);
	assert_memory_equal(buf + 16, asked.ip, 16);
	send(fd, "L", 1, 0);
	counter_wait(s, COUNTER_UDP_QUESTIONS, 2);
	assert_int_equal(net_loop_post(s->loop, answer_later, s), 0);
	assert_int_equal(recv(fd, buf, sizeof(buf), 0), 1);
	close(fd);
	fd = client(ip, s->port, SOCK_STREAM);
	tcp_send(fd, "P");
	char text[65536];
	assert_true(tcp_receive(fd, text));
	assert_memory_equal(text + 16, asked.ip, 16);
	close(fd);
	server_stop(s);
}

static void test_wildcard_source(void **state)
{
	wildcard_replies_from("0.0.0.0@0", "127.9.8.7");
	wildcard_replies_from("0.0.0.0@0", "127.0.0.1");
	wildcard_replies_from("::@0", "::1");
}

/* IPv6 wildcard sockets leave IPv4 alone: both can be listened on, with one port. */
static void test_v6only(void **state)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, "::@0");
	struct net_loop *other;
	struct counters counters = {0};
	struct addr a;
	assert_int_equal(addr_parse("0.0.0.0", s->port, &a), 0);
	assert_int_equal(net_loop_new(&settings, &counters, &other), 0);
	assert_int_equal(net_listen(other, &a, on_message, s, NULL), 0);
	net_loop_free(other);
	server_stop(s);
}

static void test_probe(void **state)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, "127.0.0.1@0");
	struct addr a;
	assert_int_equal(addr_parse("127.0.0.1", s->port, &a), 0);
	assert_int_equal(net_listen_probe(&a), BANYAN_EEXIST);
	server_stop(s);
	assert_int_equal(net_listen_probe(&a), 0);
}

/* ---- TCP ---- */

/* A connection is only taken once somebody has said that all is ready; the address is taken before. */
static void test_tcp_accept_later(void **state)
{
	struct net_settings settings = settings_default();
	settings.accept_later = true;
	struct server *s = server_start(&settings, "127.0.0.1@0");
	struct sockaddr_in in = {
		.sin_family = AF_INET, .sin_port = htons(s->port), .sin_addr = {htonl(INADDR_LOOPBACK)}};
	struct addr a;
	assert_int_equal(addr_parse("127.0.0.1", s->port, &a), 0);
	assert_int_equal(net_listen_probe(&a), BANYAN_EEXIST);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(connect(fd, (struct sockaddr *)&in, sizeof(in)) < 0 && errno == ECONNREFUSED);
	close(fd);
	net_loop_stop(s->loop);
	pthread_join(s->thread, NULL);
	assert_int_equal(net_loop_accept(s->loop), 0);
	fd = client("127.0.0.1", s->port, SOCK_STREAM);
	close(fd);
	net_loop_free(s->loop);
	free(s);
}

static void test_tcp_pipeline(void **state)
{
	struct net_settings settings = settings_default();
	settings.tcp_pipeline = 8;
	struct server *s = server_start(&settings, "127.0.0.1@0");
	int fd = client("127.0.0.1", s->port, SOCK_STREAM);
	uint8_t all[500 * 7];
	for (int i = 0; i < 500; i++) {
		char text[8];
		snprintf(text, sizeof(text), "E%04d", i);
		all[i * 7] = 0;
		all[i * 7 + 1] = 5;
		memcpy(all + i * 7 + 2, text, 5);
	}
	assert_int_equal(send(fd, all, sizeof(all), 0), sizeof(all));
	char buf[65536];
	for (int i = 0; i < 500; i++) {
		char text[8];
		snprintf(text, sizeof(text), "E%04d", i);
		assert_true(tcp_receive(fd, buf));
		assert_string_equal(buf, text);
	}
	close(fd);
	server_stop(s);
}

/* With more questions than the pipeline holds, the rest is taken up when replies have left. */
static void test_tcp_later_and_pause(void **state)
{
	struct net_settings settings = settings_default();
	settings.tcp_pipeline = 4;
	struct server *s = server_start(&settings, "::1@0");
	int fd = client("::1", s->port, SOCK_STREAM);
	char buf[65536];
	for (int i = 0; i < 6; i++)
		tcp_send(fd, i < 4 ? "Lslow" : "Efast");
	assert_int_equal(counter_wait(s, COUNTER_TCP_QUESTIONS, 4), 4);
	poll(NULL, 0, 30); /* longer than a turn of the loop: nothing more may be taken */
	assert_int_equal(counter_read(&s->counters, COUNTER_TCP_QUESTIONS), 4);
	assert_int_equal(net_loop_post(s->loop, answer_later, s), 0);
	int fast = 0, slow = 0;
	for (int i = 0; i < 6; i++) {
		assert_true(tcp_receive(fd, buf));
		fast += strcmp(buf, "Efast") == 0;
		slow += strcmp(buf, "Lslow") == 0;
	}
	assert_int_equal(fast, 2);
	assert_int_equal(slow, 4);
	/* out of order: what is ready first comes first */
	tcp_send(fd, "Lone");
	tcp_send(fd, "Etwo");
	assert_true(tcp_receive(fd, buf));
	assert_string_equal(buf, "Etwo");
	assert_int_equal(net_loop_post(s->loop, answer_later, s), 0);
	assert_true(tcp_receive(fd, buf));
	assert_string_equal(buf, "Lone");
	close(fd);
	server_stop(s);
}

static void test_tcp_half_close(void **state)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, "127.0.0.1@0");
	int fd = client("127.0.0.1", s->port, SOCK_STREAM);
	char buf[65536];
	tcp_send(fd, "Lafter");
	shutdown(fd, SHUT_WR);
	counter_wait(s, COUNTER_TCP_QUESTIONS, 1);
	poll(NULL, 0, 20);
	assert_int_equal(net_loop_post(s->loop, answer_later, s), 0);
	assert_true(tcp_receive(fd, buf));
	assert_string_equal(buf, "Lafter");
	tcp_wait_closed(fd);
	close(fd);
	server_stop(s);
}

static void on_gone(void *ctx, uint32_t index, uint32_t generation)
{
	struct server *s = ctx;
	assert_int_equal(s->later[0].index, index);
	assert_int_equal(s->later[0].generation, generation);
	atomic_fetch_add(&s->gone, 1);
}

static void reset(int fd)
{
	struct linger now = {.l_onoff = 1};
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
}

/* Whoever works on the questions of a client hears that it is gone; of one that waits for nothing nobody hears. */
static void test_tcp_gone_is_told(void **state)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, "127.0.0.1@0");
	net_on_gone(s->loop, on_gone, s);
	char buf[65536];
	int fd = client("127.0.0.1", s->port, SOCK_STREAM);
	tcp_send(fd, "Ehello");
	assert_true(tcp_receive(fd, buf));
	reset(fd);
	fd = client("127.0.0.1", s->port, SOCK_STREAM);
	tcp_send(fd, "Lone");
	tcp_send(fd, "Ltwo");
	counter_wait(s, COUNTER_TCP_QUESTIONS, 3);
	reset(fd);
	assert_int_equal(counter_wait(s, COUNTER_TCP_GONE, 2), 2); /* questions */
	fd = client("127.0.0.1", s->port, SOCK_STREAM);
	tcp_send(fd, "Ehello"); /* the call comes right behind the counter */
	assert_true(tcp_receive(fd, buf));
	assert_int_equal(atomic_load(&s->gone), 1); /* connections */
	close(fd);
	server_stop(s);
}

/* A ticket of a connection that is gone is harmless, also when its slot has a new owner. */
static void test_tcp_gone(void **state)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, "127.0.0.1@0");
	int fd = client("127.0.0.1", s->port, SOCK_STREAM);
	tcp_send(fd, "Lgone");
	counter_wait(s, COUNTER_TCP_QUESTIONS, 1);
	reset(fd);
	poll(NULL, 0, 20);
	fd = client("127.0.0.1", s->port, SOCK_STREAM);
	char buf[65536];
	tcp_send(fd, "Ehere");
	assert_true(tcp_receive(fd, buf));
	assert_int_equal(net_loop_post(s->loop, answer_later, s), 0);
	tcp_send(fd, "Ethere");
	assert_true(tcp_receive(fd, buf));
	assert_string_equal(buf, "Ethere");
	close(fd);
	server_stop(s);
}

static void test_tcp_idle(void **state)
{
	struct net_settings settings = settings_default();
	settings.tcp_idle_ms = IDLE_MS;
	struct server *s = server_start(&settings, "127.0.0.1@0");
	int64_t start = clock_mono_ms();
	int fd = client("127.0.0.1", s->port, SOCK_STREAM);
	tcp_wait_closed(fd);
	assert_true(clock_mono_ms() - start >= IDLE_MS - 50);
	assert_int_equal(counter_read(&s->counters, COUNTER_TCP_IDLE_CLOSED), 1);
	close(fd);
	server_stop(s);
}

/* One byte now and then is no sign of life: the question must be whole in time. */
static void test_tcp_dripper(void **state)
{
	struct net_settings settings = settings_default();
	settings.tcp_idle_ms = IDLE_MS;
	struct server *s = server_start(&settings, "127.0.0.1@0");
	int64_t start = clock_mono_ms();
	int fd = client("127.0.0.1", s->port, SOCK_STREAM);
	uint8_t prefix[2] = {1, 0};
	assert_int_equal(send(fd, prefix, 2, MSG_NOSIGNAL), 2);
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	while (poll(&pfd, 1, 20) == 0) {
		assert_true(clock_mono_ms() - start < IDLE_MS + 60000);
		(void)!send(fd, "x", 1, MSG_NOSIGNAL);
	}
	assert_true(clock_mono_ms() - start >= IDLE_MS - 50);
	tcp_wait_closed(fd);
	close(fd);
	server_stop(s);
}

/* Who asks and never reads is stopped by the bound on unsent replies and then closed; others are served meanwhile. */
static void test_tcp_never_reads(void **state)
{
	struct net_settings settings = settings_default();
	settings.tcp_idle_ms = 5 * IDLE_MS; /* the other one must not be idle for so long */
	struct server *s = server_start(&settings, "127.0.0.1@0");
	int fd = client("127.0.0.1", s->port, SOCK_STREAM);
	for (int i = 0; i < 1000; i++) {
		uint8_t q[3] = {0, 1, 'B'};
		if (send(fd, q, 3, MSG_NOSIGNAL | MSG_DONTWAIT) != 3)
			break;
	}
	assert_int_equal(counter_wait(s, COUNTER_TCP_IDLE_CLOSED, 1), 1);
	uint64_t questions = counter_read(&s->counters, COUNTER_TCP_QUESTIONS);
	assert_true(questions < 1000); /* 60 MB of replies were never made */
	int other = client("127.0.0.1", s->port, SOCK_STREAM);
	char buf[65536];
	tcp_send(other, "Ehello");
	assert_true(tcp_receive(other, buf));
	close(other);
	close(fd);
	server_stop(s);
}

/* A slow but honest reader gets all of it, byte for byte. */
static void test_tcp_large_replies(void **state)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, "127.0.0.1@0");
	int fd = client("127.0.0.1", s->port, SOCK_STREAM);
	static char buf[65536];
	for (int i = 0; i < 200; i++)
		tcp_send(fd, "B");
	for (int i = 0; i < 200; i++) {
		assert_true(tcp_receive(fd, buf));
		assert_int_equal(strspn(buf, "b"), 60000);
	}
	close(fd);
	server_stop(s);
}

/* Asked for much at once by one who also reads: others are answered in between, and he gets everything, though he has closed his side. */
static void test_tcp_turns(void **state)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, "127.0.0.1@0");
	int fd = client("127.0.0.1", s->port, SOCK_STREAM), other = client("127.0.0.1", s->port, SOCK_STREAM);
	static char buf[65536];
	static uint8_t many[300 * 3];
	for (size_t i = 0; i < 300; i++)
		memcpy(many + i * 3, (uint8_t[]){0, 1, 'B'}, 3);
	assert_int_equal(send(fd, many, sizeof many, 0), sizeof many);
	shutdown(fd, SHUT_WR);
	for (int i = 0; i < 300; i++) {
		if (i == 10) { /* most of what was asked has not been answered yet */
			tcp_send(other, "Eother");
			assert_true(tcp_receive(other, buf));
			assert_string_equal(buf, "Eother");
		}
		assert_true(tcp_receive(fd, buf));
		assert_int_equal(strspn(buf, "b"), 60000);
	}
	tcp_wait_closed(fd);
	close(fd);
	close(other);
	server_stop(s);
}

static void test_tcp_limits(void **state)
{
	struct net_settings settings = settings_default();
	settings.tcp_clients = 4;
	settings.tcp_clients_per_address = 2;
	struct server *s = server_start(&settings, "0.0.0.0@0");
	char buf[65536];
	int fd[4];
	for (int i = 0; i < 2; i++) {
		fd[i] = client("127.0.0.1", s->port, SOCK_STREAM);
		tcp_send(fd[i], "Ein");
		assert_true(tcp_receive(fd[i], buf));
	}
	int third = client("127.0.0.1", s->port, SOCK_STREAM); /* the client's address is 127.0.0.1 */
	tcp_wait_closed(third);
	assert_int_equal(counter_read(&s->counters, COUNTER_TCP_REFUSED), 1);
	close(third);
	close(fd[0]);
	fd[0] = -1;
	for (int tries = 0; fd[0] < 0 && tries < 100; tries++) { /* the place is free again */
		fd[0] = client("127.0.0.1", s->port, SOCK_STREAM);
		tcp_send(fd[0], "Eback");
		if (tcp_receive(fd[0], buf))
			break;
		close(fd[0]);
		fd[0] = -1;
	}
	assert_true(fd[0] >= 0);
	close(fd[0]);
	close(fd[1]);
	server_stop(s);
}

static int client_from(const char *source, uint16_t port)
{
	struct addr a;
	assert_int_equal(addr_parse(source, 0, &a), 0);
	struct sockaddr_in from = {.sin_family = AF_INET}, to = {.sin_family = AF_INET, .sin_port = htons(port)};
	memcpy(&from.sin_addr, a.ip, 4);
	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&from, sizeof(from)), 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* When all places are taken, the connection that is idle longest makes room for a new client. */
static void test_tcp_evicts_idle(void **state)
{
	struct net_settings settings = settings_default();
	settings.tcp_clients = 3;
	struct server *s = server_start(&settings, "127.0.0.1@0");
	char buf[65536];
	int fd[4];
	for (int i = 0; i < 3; i++) {
		char source[32];
		snprintf(source, sizeof(source), "127.0.1.%d", i + 1);
		fd[i] = client_from(source, s->port);
		tcp_send(fd[i], "Ein");
		assert_true(tcp_receive(fd[i], buf));
	}
	tcp_send(fd[0], "Eyounger"); /* now the second is the longest idle */
	assert_true(tcp_receive(fd[0], buf));
	fd[3] = client_from("127.0.1.4", s->port);
	tcp_send(fd[3], "Enew");
	assert_true(tcp_receive(fd[3], buf));
	tcp_wait_closed(fd[1]);
	tcp_send(fd[0], "Estill");
	assert_true(tcp_receive(fd[0], buf));
	for (int i = 0; i < 4; i++)
		close(fd[i]);
	server_stop(s);
}

/* ---- timer, posts ---- */

struct waker {
	struct server *s;
	int64_t at_ms;
	_Atomic int64_t woke_ms;
};

static void woke(void *ctx)
{
	struct waker *w = ctx;
	atomic_store(&w->woke_ms, clock_mono_ms());
}

static void wake_soon(void *ctx)
{
	struct waker *w = ctx;
	net_wake_at(w->s->loop, w->at_ms + 60000, woke, w);
	net_wake_at(w->s->loop, w->at_ms, woke, w); /* the later call counts */
}

static void test_wake(void **state)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, "127.0.0.1@0");
	for (int i = 0; i < 10; i++) {
		struct waker w = {.s = s, .at_ms = clock_mono_ms() + 3 * i};
		assert_int_equal(net_loop_post(s->loop, wake_soon, &w), 0);
		int64_t end = clock_mono_ms() + 60000;
		while (atomic_load(&w.woke_ms) == 0 && clock_mono_ms() < end)
			poll(NULL, 0, 1);
		assert_true(atomic_load(&w.woke_ms) >= w.at_ms);
		assert_true(atomic_load(&w.woke_ms) < w.at_ms + 55000);
	}
	server_stop(s);
}

/* ---- exchanges: two loops, one asks the other ---- */

struct asker {
	struct net_loop *loop;
	struct counters counters;
	unsigned got, failed;
	char last[64];
	uint64_t last_id;
	unsigned expect;
};

static void on_exchange(void *ctx, const struct net_exchange_event *event)
{
	struct asker *a = ctx;
	a->last_id = event->id;
	if (event->error != 0) {
		a->failed++;
	} else {
		a->got++;
		size_t n = event->len < sizeof(a->last) ? event->len : sizeof(a->last);
		memcpy(a->last, event->msg, n);
		net_exchange_close(a->loop, event->id);
		net_exchange_close(a->loop, event->id); /* unknown now: ignored */
	}
	if (a->got + a->failed >= a->expect)
		net_loop_stop(a->loop);
}

static struct asker *asker_new(const struct net_settings *settings)
{
	struct asker *a = calloc(1, sizeof(*a));
	assert_non_null(a);
	assert_int_equal(net_loop_new(settings, &a->counters, &a->loop), 0);
	net_on_exchange(a->loop, on_exchange, a);
	return a;
}

static void asker_free(struct asker *a)
{
	net_loop_free(a->loop);
	free(a);
}

static void give_up(void *ctx)
{
	struct asker *a = ctx;
	net_loop_stop(a->loop);
}

static void asker_run(struct asker *a, unsigned expect)
{
	a->expect = expect;
	net_wake_at(a->loop, clock_mono_ms() + 60000, give_up, a);
	net_loop_run(a->loop);
}

static void exchange_over(enum net_transport transport, const char *ip)
{
	struct net_settings settings = settings_default();
	char listen[ADDR_TEXT_MAX];
	snprintf(listen, sizeof(listen), "%s@0", ip);
	struct server *s = server_start(&settings, listen);
	s->exchanges = true;
	struct asker *a = asker_new(&settings);
	struct addr to;
	assert_int_equal(addr_parse(ip, s->port, &to), 0);
	for (uint64_t id = 1; id <= 40; id++)
		assert_int_equal(net_exchange_open(a->loop, id, transport, &to, (const uint8_t *)"idEabc", 6), 0);
	assert_int_equal(net_exchange_open(a->loop, 7, transport, &to, (const uint8_t *)"idE", 3), BANYAN_EINVAL);
	asker_run(a, 40);
	assert_int_equal(a->got, 40);
	assert_memory_equal(a->last, "idEabc", 6);
	asker_free(a);
	server_stop(s);
}

static void test_exchange(void **state)
{
	exchange_over(NET_UDP, "127.0.0.1");
	exchange_over(NET_UDP, "::1");
	exchange_over(NET_TCP, "127.0.0.1");
	exchange_over(NET_TCP, "::1");
}

/* Nobody listens: the owner is told, and once. */
static void test_exchange_refused(void **state)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, "127.0.0.1@0");
	s->exchanges = true;
	struct addr to;
	assert_int_equal(addr_parse("127.0.0.1", s->port, &to), 0);
	server_stop(s);
	struct asker *a = asker_new(&settings);
	assert_int_equal(net_exchange_open(a->loop, 1, NET_UDP, &to, (const uint8_t *)"idE", 3), 0);
	assert_int_equal(net_exchange_open(a->loop, 2, NET_TCP, &to, (const uint8_t *)"idE", 3), 0);
	asker_run(a, 2);
	assert_int_equal(a->failed, 2);
	asker_free(a);
}

static void test_exchange_families(void **state)
{
	struct net_settings settings = settings_default();
	settings.ipv6 = false;
	struct asker *a = asker_new(&settings);
	struct addr to;
	assert_int_equal(addr_parse("::1", 5300, &to), 0);
	assert_int_equal(net_exchange_open(a->loop, 1, NET_UDP, &to, (const uint8_t *)"idE", 3), BANYAN_EUNSUPP);
	asker_free(a);
	/* source addresses of one family only: the other cannot be used */
	struct addr source;
	assert_int_equal(addr_parse("127.0.0.3", 0, &source), 0);
	settings.ipv6 = true;
	settings.outgoing = &source;
	settings.n_outgoing = 1;
	a = asker_new(&settings);
	assert_int_equal(net_exchange_open(a->loop, 1, NET_UDP, &to, (const uint8_t *)"idE", 3), BANYAN_EUNSUPP);
	asker_free(a);
}

static void source_seen(enum net_transport transport)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, "127.0.0.1@0");
	s->exchanges = true;
	struct addr source, to;
	assert_int_equal(addr_parse("127.0.0.3", 0, &source), 0);
	assert_int_equal(addr_parse("127.0.0.1", s->port, &to), 0);
	settings.outgoing = &source;
	settings.n_outgoing = 1;
	struct asker *a = asker_new(&settings);
	assert_int_equal(net_exchange_open(a->loop, 1, transport, &to, (const uint8_t *)"idP", 3), 0);
	asker_run(a, 1);
	assert_int_equal(a->got, 1);
	assert_memory_equal(a->last + 2, source.ip, 16);
	asker_free(a);
	server_stop(s);
}

static void test_exchange_source(void **state)
{
	source_seen(NET_UDP);
	source_seen(NET_TCP);
}

static void test_exchange_reroute(void **state)
{
	struct net_settings settings = settings_default();
	struct server *s = server_start(&settings, "::1@0");
	s->exchanges = true;
	struct net_reroute table[3];
	assert_int_equal(addr_parse("2001:db8::2", 0, &table[0].from), 0);
	assert_int_equal(addr_parse("127.0.0.99", 1, &table[0].to), 0);
	assert_int_equal(addr_parse("2001:db8::1", 0, &table[1].from), 0);
	assert_int_equal(addr_parse("::1", s->port, &table[1].to), 0);
	assert_int_equal(addr_parse("192.0.2.1", 0, &table[2].from), 0);
	assert_int_equal(addr_parse("::1", 0, &table[2].to), 0);
	settings.reroute = table;
	settings.n_reroutes = 3;
	struct asker *a = asker_new(&settings);
	struct addr to;
	assert_int_equal(addr_parse("2001:db8::1@53", 0, &to), 0);
	assert_int_equal(net_exchange_open(a->loop, 1, NET_UDP, &to, (const uint8_t *)"idE1", 4), 0);
	assert_int_equal(addr_parse("192.0.2.1", s->port, &to), 0); /* port 0 in the table keeps the port asked for */
	assert_int_equal(net_exchange_open(a->loop, 2, NET_TCP, &to, (const uint8_t *)"idE2", 4), 0);
	asker_run(a, 2);
	assert_int_equal(a->got, 2);
	asker_free(a);
	server_stop(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_udp_echo),
		cmocka_unit_test(test_udp_later),
		cmocka_unit_test(test_many_listeners),
		cmocka_unit_test(test_udp_gather),
		cmocka_unit_test(test_udp_in_time),
		cmocka_unit_test(test_udp_buffer),
		cmocka_unit_test(test_wildcard_source),
		cmocka_unit_test(test_v6only),
		cmocka_unit_test(test_probe),
		cmocka_unit_test(test_tcp_accept_later),
		cmocka_unit_test(test_tcp_pipeline),
		cmocka_unit_test(test_tcp_later_and_pause),
		cmocka_unit_test(test_tcp_half_close),
		cmocka_unit_test(test_tcp_gone_is_told),
		cmocka_unit_test(test_tcp_gone),
		cmocka_unit_test(test_tcp_idle),
		cmocka_unit_test(test_tcp_dripper),
		cmocka_unit_test(test_tcp_never_reads),
		cmocka_unit_test(test_tcp_large_replies),
		cmocka_unit_test(test_tcp_turns),
		cmocka_unit_test(test_tcp_limits),
		cmocka_unit_test(test_tcp_evicts_idle),
		cmocka_unit_test(test_wake),
		cmocka_unit_test(test_exchange),
		cmocka_unit_test(test_exchange_refused),
		cmocka_unit_test(test_exchange_families),
		cmocka_unit_test(test_exchange_source),
		cmocka_unit_test(test_exchange_reroute),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
