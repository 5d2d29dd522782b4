// SPDX-License-Identifier: GPL-3.0-or-later
/* Watches the sockets of exchanges by an epoll of their own, which the loop watches. A watcher of libuv costs five epoll_ctl() and an
 * ioctl(), far more than the one reply that such a socket lives for; here it is one epoll_ctl(), and close() does the rest. */
#include "private.h"

#include <sys/epoll.h>
#include <unistd.h>

#define WATCH_EVENTS     64 /* told by one system call */
#define WATCH_ROUNDS_MAX 4  /* then the clients get their turn */

static void on_watch(uv_poll_t *poll, int status, int events)
{
	struct net_loop *loop = poll->data;
	struct epoll_event ready[WATCH_EVENTS];
	net_turn(loop);
	for (unsigned round = 0; round < WATCH_ROUNDS_MAX; round++) {
		int n = epoll_wait(loop->watch_fd, ready, WATCH_EVENTS, 0);
		/* by their ids: what comes first may close the others */
		for (int i = 0; i < n; i++)
			net_exchange_readable(loop, ready[i].data.u64);
		if (n < WATCH_EVENTS)
			break;
	}
	if (status < 0) /* libuv stops watching after an error */
		uv_poll_start(poll, UV_READABLE, on_watch);
}

int net_watch_add(struct net_loop *loop, int fd, uint64_t id)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u64 = id};
	return epoll_ctl(loop->watch_fd, EPOLL_CTL_ADD, fd, &event) < 0 ? BANYAN_EIO : 0;
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
