// SPDX-License-Identifier: GPL-3.0-or-later
/* Watches the sockets of exchanges by an epoll of their own, which the loop watches. A watcher of libuv costs five epoll_ctl() and an
 * ioctl(), far more than the one reply that such a socket lives for; here it is one epoll_ctl(), and close() does the rest. */
#include "private.h"

#include <sys/epoll.h>
#include <unistd.h>

#define WATCH_EVENTS     64 /* told by one system call */
#define WATCH_ROUNDS_MAX 4  /* then the clients get their turn */

/* What is told of a socket: its index where it is used again, else the id of its exchange, moved behind those. Neither is a
 * pointer: what is read first may close what comes after it. */
static void readable(struct net_loop *loop, uint64_t told)
{
	if (told < NET_AGAIN_MAX)
		net_again_readable(loop, (uint32_t)told);
	else
		net_exchange_readable(loop, told - NET_AGAIN_MAX);
}

static void on_watch(uv_poll_t *poll, int status, int events)
{
	struct net_loop *loop = poll->data;
	struct epoll_event ready[WATCH_EVENTS];
	net_turn(loop);
	for (unsigned round = 0; round < WATCH_ROUNDS_MAX; round++) {
		int n = epoll_wait(loop->watch_fd, ready, WATCH_EVENTS, 0);
		for (int i = 0; i < n; i++)
			readable(loop, ready[i].data.u64);
		if (n < WATCH_EVENTS)
			break;
	}
	if (status < 0) /* libuv stops watching after an error */
		uv_poll_start(poll, UV_READABLE, on_watch);
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

int net_watch_add(struct net_loop *loop, int fd, uint64_t id)
{
	return watch(loop, fd, id + NET_AGAIN_MAX);
}

int net_watch_init(struct net_loop *loop)
{
	loop->watch_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->watch_fd < 0)
		return BANYAN_EIO;
	if (uv_poll_init(&loop->uv, &loop->watch, loop->watch_fd) < 0) {
		close(loop->watch_fd);
		return BANYAN_EIO;
	}
	loop->watch.data = loop;
	uv_poll_start(&loop->watch, UV_READABLE, on_watch);
	return 0;
}

static void on_closed(uv_handle_t *handle)
{
	struct net_loop *loop = handle->data;
	close(loop->watch_fd);
}

void net_watch_done(struct net_loop *loop)
{
	uv_close((uv_handle_t *)&loop->watch, on_closed);
}
