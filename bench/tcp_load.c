// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * tcp_load - asks a server over TCP and waits for each answer. Prints JSON.
 *
 *   tcp_load [-1] [-s ADDRESS] [-p PORT] [-k CONNECTIONS] [-w WINDOW] -t SECONDS -f FILE
 *
 * Each connection keeps WINDOW questions in flight and stays (RFC 7766 section 6.2.1.1); with -1 it is made for one question and closed
 * behind its answer. One that the server closes is made again, and what was in flight on it is lost. FILE is as load takes it (load.c).
 */
#include "load.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 256
#define WINDOW_MAX      64
#define EVENTS          64
#define LINGER_NS       INT64_C(2000000000) /* for the answers to what was asked last */
#define IN_MAX          (2 * (2 + 65535))   /* bytes that came: a message that is not whole, and one more */
#define OUT_MAX         (WINDOW_MAX * (2 + 512))

struct connection {
	int fd;
	unsigned in_flight;
	uint16_t next_id;
	bool asked[1 << 16]; /* by ID */
	int64_t since[1 << 16];
	uint8_t in[IN_MAX], out[OUT_MAX];
	size_t in_len, out_len, out_sent;
};

struct load {
	struct asking asking;
	bool one_shot, stopping;
	struct sockaddr_in to;
	int epoll;
	int64_t now, began, ended;
	uint64_t sent, got, lost, unasked, bytes, rcode[16], in_flight;
	struct histogram latency;
	struct connection *connection;
};

/* ---- one connection ---- */

static void fill(struct load *load, struct connection *c)
{
	unsigned most = load->one_shot ? 1 : load->asking.window;
	if (c->out_sent < c->out_len || load->stopping)
		return;
	c->out_len = c->out_sent = 0;
	while (c->in_flight < most && c->out_len < OUT_MAX - 2 - 512) {
		struct iovec question;
		uint16_t id = c->next_id++;
		questions_next(&load->asking.questions, 0, &question); /* without its ID */
		uint8_t *at = c->out + c->out_len;
		wire_put16(at, (uint16_t)(question.iov_len + 2));
		wire_put16(at + 2, id);
		memcpy(at + 4, question.iov_base, question.iov_len);
		c->out_len += 4 + question.iov_len;
		c->asked[id] = true;
		c->since[id] = load->now;
		c->in_flight++;
		load->in_flight++;
		load->sent++;
	}
}

static void watch(struct load *load, struct connection *c, int what, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = c};
	if (epoll_ctl(load->epoll, what, c->fd, &event) < 0)
		die("epoll_ctl");
}

static void connection_open(struct load *load, struct connection *c)
{
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (c->fd < 0)
		die("socket");
	int one = 1;
	setsockopt(c->fd, IPPROTO_TCP, 1 /* TCP_NODELAY */, &one, sizeof one);
	if (connect(c->fd, (struct sockaddr *)&load->to, sizeof load->to) < 0 && errno != EINPROGRESS)
		die("connect");
	c->in_len = c->out_len = c->out_sent = 0;
	fill(load, c);
	watch(load, c, EPOLL_CTL_ADD, EPOLLOUT);
}

static void connection_close(struct load *load, struct connection *c)
{
	load->lost += c->in_flight;
	load->in_flight -= c->in_flight;
	if (c->in_flight > 0)
		memset(c->asked, 0, sizeof c->asked);
	c->in_flight = 0;
	close(c->fd);
	c->fd = -1;
	if (!load->stopping)
		connection_open(load, c);
}

/* False when the server has closed it. */
static bool connection_send(struct load *load, struct connection *c)
{
	fill(load, c);
	while (c->out_sent < c->out_len) {
		ssize_t n = send(c->fd, c->out + c->out_sent, c->out_len - c->out_sent, MSG_NOSIGNAL);
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n < 0)
			return false;
		c->out_sent += (size_t)n;
		fill(load, c);
	}
	return true;
}

static void take(struct load *load, struct connection *c, const uint8_t *msg, size_t len)
{
	uint16_t id = len >= WIRE_HEADER_SIZE ? wire_get16(msg) : 0;
	if (len < WIRE_HEADER_SIZE || !(msg[2] & 0x80) || !c->asked[id]) {
		load->unasked++;
		return;
	}
	c->asked[id] = false;
	c->in_flight--;
	load->in_flight--;
	load->got++;
	load->bytes += len;
	load->rcode[msg[3] & 15]++;
	histogram_add(&load->latency, load->now - c->since[id]);
	load->ended = load->now;
}

static bool connection_receive(struct load *load, struct connection *c)
{
	ssize_t n = recv(c->fd, c->in + c->in_len, IN_MAX - c->in_len, 0);
	if (n < 0 && errno == EAGAIN)
		return true;
	if (n <= 0)
		return false;
	c->in_len += (size_t)n;
	size_t pos = 0;
	while (c->in_len - pos >= 2 && c->in_len - pos - 2 >= wire_get16(c->in + pos)) {
		take(load, c, c->in + pos + 2, wire_get16(c->in + pos));
		pos += 2u + wire_get16(c->in + pos);
	}
	memmove(c->in, c->in + pos, c->in_len - pos);
	c->in_len -= pos;
	return !(load->one_shot && c->in_flight == 0);
}

static void ready(struct load *load, struct connection *c, uint32_t events)
{
	bool open = !(events & EPOLLIN) || connection_receive(load, c);
	open = open && connection_send(load, c) && !(events & EPOLLERR);
	if (!open)
		connection_close(load, c);
	else if (events & EPOLLOUT)
		watch(load, c, EPOLL_CTL_MOD, c->out_sent < c->out_len ? EPOLLIN | EPOLLOUT : EPOLLIN);
}

/* ---- all of them ---- */

static void run(struct load *load)
{
	struct epoll_event event[EVENTS];
	load->connection = calloc(load->asking.lines, sizeof *load->connection);
	load->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (load->connection == NULL || load->epoll < 0)
		die("tcp_load");
	load->began = load->ended = load->now = now_ns();
	int64_t end = load->began + (int64_t)(load->asking.seconds * 1e9);
	for (unsigned i = 0; i < load->asking.lines; i++)
		connection_open(load, &load->connection[i]);
	while (!load->stopping || (load->in_flight > 0 && load->now < end + LINGER_NS)) {
		int n = epoll_wait(load->epoll, event, EVENTS, 10);
		load->now = now_ns();
		load->stopping = load->now >= end;
		for (int i = 0; i < n; i++)
			ready(load, event[i].data.ptr, event[i].events);
	}
	load->lost += load->in_flight;
}

static void print(const struct load *load)
{
	const uint64_t *rcode = load->rcode;
	printf("{\"sent\": %" PRIu64 ", \"got\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"unasked\": %" PRIu64
	       ", \"seconds\": %.3f, "
	       "\"bytes\": %" PRIu64 ", \"noerror\": %" PRIu64 ", \"nxdomain\": %" PRIu64
	       ", \"p50\": %.1f, \"p99\": %.1f}\n",
	       load->sent, load->got, load->lost, load->unasked, (double)(load->ended - load->began) / 1e9, load->bytes,
	       rcode[0], rcode[3], histogram_at(&load->latency, 0.5), histogram_at(&load->latency, 0.99));
}

static int usage(void)
{
	fputs("usage: tcp_load [-1] [-s ADDRESS] [-p PORT] [-k CONNECTIONS] [-w WINDOW] -t SECONDS -f FILE\n", stderr);
	return 2;
}

static int options(struct load *load, int argc, char **argv)
{
	const struct asking *asking = &load->asking;
	for (int c; (c = getopt(argc, argv, "1s:p:k:w:t:f:")) != -1;) {
		if (c == '1')
			load->one_shot = true;
		else if (!asking_option(&load->asking, c, optarg))
			return usage();
	}
	if (asking->questions.count == 0 || asking->seconds <= 0 || asking->lines < 1 ||
	    asking->lines > CONNECTIONS_MAX || asking->window < 1 || asking->window > WINDOW_MAX)
		return usage();
	asking_address(asking, &load->to);
	return 0;
}

int main(int argc, char **argv)
{
	static struct load load = {.asking = {.address = "127.0.0.1", .port = "53", .lines = 8, .window = 16}};
	int rc = options(&load, argc, argv);
	if (rc != 0)
		return rc;
	run(&load);
	print(&load);
	free(load.connection);
	questions_done(&load.asking.questions);
	return load.got > 0 ? 0 : 1;
}
