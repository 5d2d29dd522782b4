// SPDX-License-Identifier: GPL-3.0-or-later
/* Datagrams that come in fragments are told from whole ones, in a network whose packets are small. */
#include <errno.h>
#include <sched.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <net/if.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <cmocka.h>

#include "net/net.h"

#define MTU 1280

/* A network namespace of its own, with nothing but a loopback of small packets. */
static bool small_network(void)
{
	struct ifreq request = {.ifr_name = "lo"};
	if (unshare(CLONE_NEWNET | (geteuid() != 0 ? CLONE_NEWUSER : 0)) < 0)
		return false;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	request.ifr_flags = IFF_UP | IFF_RUNNING;
	bool done = fd >= 0 && ioctl(fd, SIOCSIFFLAGS, &request) == 0;
	request.ifr_mtu = MTU;
	done = done && ioctl(fd, SIOCSIFMTU, &request) == 0;
	if (fd >= 0)
		close(fd);
	return done;
}

struct got {
	struct net_loop *loop;
	size_t len;
	bool fragmented;
	int error;
};

static void on_exchange(void *ctx, const struct net_exchange_event *event)
{
	struct got *got = ctx;
	got->len = event->len;
	got->fragmented = event->fragmented;
	got->error = event->error;
	net_exchange_close(got->loop, event->id);
	net_loop_stop(got->loop);
}

/* The question's two bytes behind the ID say how large the reply shall be. */
static int on_message(void *ctx, struct net_message *m)
{
	memset(m->reply, 'r', m->reply_cap);
	memcpy(m->reply, m->msg, 2);
	return m->msg[2] << 8 | m->msg[3];
}

static void ask(const char *ip, uint16_t size, bool fragmented)
{
	static struct counters counters;
	struct net_settings settings = {.udp_batch = 1,
					.tcp_clients = 1,
					.tcp_clients_per_address = 1,
					.tcp_idle_ms = 1000,
					.ipv4 = true,
					.ipv6 = true};
	struct got got = {.len = 0};
	struct addr addr;
	uint8_t msg[4] = {'i', 'd', (uint8_t)(size >> 8), (uint8_t)size};
	assert_int_equal(net_loop_new(&settings, &counters, &got.loop), 0);
	assert_int_equal(addr_parse(ip, 0, &addr), 0);
	assert_int_equal(net_listen(got.loop, &addr, on_message, NULL, &addr.port), 0);
	net_on_exchange(got.loop, on_exchange, &got);
	assert_int_equal(net_exchange_open(got.loop, 1, NET_UDP, &addr, msg, sizeof(msg)), 0);
	net_loop_run(got.loop);
	assert_int_equal(got.error, 0);
	assert_int_equal(got.len, size);
	assert_int_equal(got.fragmented, fragmented);
	net_loop_free(got.loop);
}

/* Larger than any packet: the server's socket lets the kernel cut it up, and the asking one tells. */
static void test_fragments(void **state)
{
	ask("127.0.0.1", 1200, false);
	ask("127.0.0.1", 4000, true);
	ask("::1", 1200, false);
	ask("::1", 4000, true);
}

int main(void)
{
	if (!small_network()) {
		printf("1..0 # SKIP no network namespace for this user: %s\n", strerror(errno));
		return 0;
	}
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_fragments)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
