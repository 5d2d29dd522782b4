// SPDX-License-Identifier: GPL-3.0-or-later
/* Ports of exchanges are drawn from the whole range, whether sockets are used again or not; and what belongs to an earlier use of a
 * socket does not reach a later one. */
#include <errno.h>
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

#define EXCHANGES 200
#define TOGETHER  20
#define MANY      600 /* at once: more than there are sockets for */

struct world {
	struct net_loop *loop;
	struct counters counters;
	int server; /* what it is asked is read and answered by the test */
	struct addr to;
	unsigned got, failed, wanted;
	uint8_t last[16];
	size_t last_len;
};

static void on_exchange(void *ctx, const struct net_exchange_event *event)
{
	struct world *w = ctx;
	if (event->error != 0) {
		w->failed++;
	} else {
		w->got++;
		w->last_len = event->len < sizeof w->last ? event->len : sizeof w->last;
		memcpy(w->last, event->msg, w->last_len);
		net_exchange_close(w->loop, event->id);
	}
	if (w->got + w->failed >= w->wanted)
		net_loop_stop(w->loop);
}

/* first 0: the kernel's ports are not known */
static void world_open(struct world *w, uint16_t first, uint16_t last)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof in;
	*w = (struct world){.server = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
	int room = 1 << 20;
	assert_int_equal(setsockopt(w->server, SOL_SOCKET, SO_RCVBUF, &room, sizeof room), 0);
	assert_int_equal(bind(w->server, (struct sockaddr *)&in, len), 0);
	assert_int_equal(getsockname(w->server, (struct sockaddr *)&in, &len), 0);
	assert_int_equal(addr_parse("127.0.0.1", ntohs(in.sin_port), &w->to), 0);
	struct net_settings settings = {.udp_batch = 1,
					.tcp_clients = 1,
					.tcp_clients_per_address = 1,
					.ipv4 = true,
					.kernel_port_first = first,
					.kernel_port_last = last};
	assert_int_equal(net_loop_new(&settings, &w->counters, &w->loop), 0);
	net_on_exchange(w->loop, on_exchange, w);
}

static void world_close(struct world *w)
{
	net_loop_free(w->loop);
	close(w->server);
}

/* Opens one; its question is sent when this returns. */
static void ask(struct world *w, uint64_t id)
{
	assert_int_equal(net_exchange_open(w->loop, id, NET_UDP, &w->to, (const uint8_t *)"question", 8), 0);
	net_loop_stop(w->loop);
	net_loop_run(w->loop);
}

static struct sockaddr_in asked(struct world *w)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof peer;
	char buf[16];
	assert_int_equal(recvfrom(w->server, buf, sizeof buf, 0, (struct sockaddr *)&peer, &len), 8);
	return peer;
}

static void answer(struct world *w, const struct sockaddr_in *peer, const char *text)
{
	(void)sendto(w->server, text, strlen(text), 0, (const struct sockaddr *)peer, sizeof *peer);
}

static void wait_for(struct world *w, unsigned wanted)
{
	w->wanted = wanted;
	if (w->got + w->failed < wanted)
		net_loop_run(w->loop);
}

static void kernel_range(uint16_t *ret_first, uint16_t *ret_last)
{
	unsigned first, last;
	FILE *file = fopen("/proc/sys/net/ipv4/ip_local_port_range", "re");
	assert_non_null(file);
	assert_int_equal(fscanf(file, "%u %u", &first, &last), 2);
	fclose(file);
	*ret_first = (uint16_t)first;
	*ret_last = (uint16_t)last;
}

static void ports(uint16_t first, uint16_t last)
{
	struct world w;
	bool seen[65536] = {false};
	unsigned low = 0, again = 0;
	world_open(&w, first, last);
	for (uint64_t id = 1; id <= EXCHANGES; id++) {
		ask(&w, id);
		uint16_t port = ntohs(asked(&w).sin_port);
		net_exchange_close(w.loop, id);
		assert_true(port >= 1024);
		again += seen[port];
		seen[port] = true;
		low += port < 33280;
	}
	assert_in_range(low, 50, 150); /* 100 expected; outside with probability below 1e-11 */
	assert_true(again <= 8);       /* 0.3 expected */
	world_close(&w);
}

static void test_ports_own(void **state)
{
	ports(0, 0);
}

static void test_ports_again(void **state)
{
	uint16_t first, last;
	kernel_range(&first, &last);
	ports(first, last);
}

/* Every port suits, so that one socket serves all. */
static void test_late_replies(void **state)
{
	struct world w;
	world_open(&w, 1024, 65535);
	ask(&w, 1);
	struct sockaddr_in before = asked(&w);
	answer(&w, &before, "unread"); /* it lies in the socket when the exchange ends */
	net_exchange_close(w.loop, 1);
	answer(&w, &before, "too late");
	ask(&w, 2);
	struct sockaddr_in now = asked(&w);
	answer(&w, &before, "still late");
	answer(&w, &now, "right");
	wait_for(&w, 1);
	assert_int_equal(w.failed, 0);
	assert_int_equal(w.last_len, 5);
	assert_memory_equal(w.last, "right", 5);
	world_close(&w);
}

/* An error that was told for one server is not told for the next. */
static void test_late_errors(void **state)
{
	struct world w;
	world_open(&w, 1024, 65535);
	struct addr there = w.to;
	int silent = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof in;
	assert_int_equal(bind(silent, (struct sockaddr *)&in, len), 0);
	assert_int_equal(getsockname(silent, (struct sockaddr *)&in, &len), 0);
	close(silent); /* nobody listens there */
	w.to.port = ntohs(in.sin_port);
	/* a loop sends 16 before the end of the turn: their errors are there when they are closed */
	for (uint64_t id = 1; id <= TOGETHER; id++)
		assert_int_equal(net_exchange_open(w.loop, id, NET_UDP, &w.to, (const uint8_t *)"question", 8), 0);
	for (uint64_t id = 1; id <= TOGETHER; id++)
		net_exchange_close(w.loop, id);
	w.to = there;
	for (uint64_t id = 1; id <= TOGETHER; id++)
		ask(&w, id);
	for (unsigned i = 0; i < TOGETHER; i++) {
		struct sockaddr_in peer = asked(&w);
		answer(&w, &peer, "right");
	}
	wait_for(&w, TOGETHER);
	assert_int_equal(w.failed, 0);
	assert_int_equal(w.got, TOGETHER);
	w.to.port = ntohs(in.sin_port);
	ask(&w, 1);
	wait_for(&w, TOGETHER + 1);
	assert_int_equal(w.failed, 1);
	world_close(&w);
}

static void test_many_at_once(void **state)
{
	struct world w;
	world_open(&w, 1024, 65535);
	for (unsigned round = 0; round < 3; round++) {
		for (uint64_t id = 1; id <= MANY; id++)
			ask(&w, id);
		for (unsigned i = 0; i < MANY; i++) {
			struct sockaddr_in peer = asked(&w);
			answer(&w, &peer, "right");
		}
		wait_for(&w, (round + 1) * MANY);
	}
	assert_int_equal(w.got, 3 * MANY);
	assert_int_equal(w.failed, 0);
	world_close(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ports_own),    cmocka_unit_test(test_ports_again),
		cmocka_unit_test(test_late_replies), cmocka_unit_test(test_late_errors),
		cmocka_unit_test(test_many_at_once),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
