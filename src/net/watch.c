// SPDX-License-Identifier: GPL-3.0-or-later
/* Watches the sockets of exchanges by an epoll of their own, which the loop waits for. A watcher of libuv costs five epoll_ctl() and an
 * ioctl(), far more than the one reply that such a socket lives for; here it is one epoll_ctl(), and close() does the rest. */
#include "private.h"

#include <sys/epoll.h>
#include <unistd.h>

#define WATCH_EVENTS     64 /* told by one system call */
#define WATCH_ROUNDS_MAX 4  /* then the clients get their turn */

#define LISTENERS NET_AGAIN_MAX
#define EXCHANGES (LISTENERS + NET_LISTENERS_MAX)

/* What is told of a socket: its index where it is used again, or that of its listener, else the id of its exchange, one moved behind
 * the other. None is a pointer: what is read first may close what comes after it. */
static void readable(struct net_loop *loop, uint64_t told)
{
	if (told < LISTENERS)
		net_again_readable(loop, (uint32_t)told);
	else if (told < EXCHANGES)
		net_udp_readable(loop->listener[told - LISTENERS]);
	else
		net_exchange_readable(loop, told - EXCHANGES);
}

void net_watch_readable(struct net_loop *loop)
{
	struct epoll_event ready[WATCH_EVENTS];
	for (unsigned round = 0; round < WATCH_ROUNDS_MAX; round++) {
		int n = epoll_wait(loop->watch_fd, ready, WATCH_EVENTS, 0);
		for (int i = 0; i < n; i++)
			readable(loop, ready[i].data.u64);
		if (n < WATCH_EVENTS)
			break;
	}
}

static int watch(struct net_loop *loop, int fd, uint64_t told)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = told};
	return epoll_ctl(loop->watch_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? BANYAN_EIO : 0;
}

int net_watch_again(struct net_loop *loop, int fd, uint32_t index)
{
	return watch(loop, fd, index);
}

int net_watch_listener(struct net_loop *loop, int fd, uint32_t index)
{
	return watch(loop, fd, LISTENERS + index);
}

int net_watch_add(struct net_loop *loop, int fd, uint64_t id)
{
	return watch(loop, fd, id + EXCHANGES);
}

int net_watch_init(struct net_loop *loop)
{
	loop->watch_fd = epoll_create1(EPOLL_CLOEXEC);
	return loop->watch_fd < 0 ? BANYAN_EIO : 0;
}

void net_watch_done(struct net_loop *loop)
{
	close(loop->watch_fd);
}
