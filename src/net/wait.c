// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How a loop waits: in poll(), for libuv's own epoll, for the one of exchanges, and for the clients' UDP sockets themselves.
 *
 * A socket that an epoll watches wakes that epoll for each reply that leaves it, since there is room in its send buffer again; that nobody
 * asked for this is only found out then. poll() watches a socket while the loop sleeps and not while it works. And a turn that only
 * answers questions does not go through libuv.
 *
 * A wake-up costs as much as an answer, and where questions come one by one each pays for one. So where they come faster than the loop
 * may let them wait (an operator's choice; by default it may not), they are left to gather for so long and are read together.
 */
#include "private.h"

#include <poll.h>
#include <sys/prctl.h>
#include <time.h>

#define TIMER_SLACK_NS 1000 /* by default a sleep of 50 us lasts twice as long */
#define GATHER_ENOUGH  8    /* questions in one turn: the wake-up is shared by so many that more would change little */
#define GATHER_SKIP    32   /* wake-ups until it is tried again, after nothing has come meanwhile */
#define GATHER_BLIND   3    /* times in a row that only those who have asked last are looked at */

static int64_t now_us(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* ---- gathering ---- */

/* Did few questions come in the turn that ends, and was the one before not long ago? */
static bool may_gather(struct net_loop *loop)
{
	struct net_gather *gather = &loop->gather;
	if (gather->us == 0)
		return false;
	unsigned questions = gather->questions;
	int64_t before_us = gather->slept_us;
	if (gather->gathered && questions < 2)
		gather->skip = GATHER_SKIP;
	gather->questions = 0;
	gather->gathered = false;
	gather->slept_us = now_us();
	if (gather->skip > 0) {
		gather->skip--;
		return false;
	}
	return questions > 0 && questions < GATHER_ENOUGH && gather->slept_us - before_us < (int64_t)gather->us;
}

static void gather(struct net_loop *loop)
{
	struct timespec time = {.tv_nsec = (long)loop->gather.us * 1000};
	counter_add(loop->counters, COUNTER_UDP_GATHERED, 1);
	loop->gather.gathered = true;
	(void)clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL); /* a signal cuts it short, which is no harm */
}

/* ---- waiting ---- */

static int timeout_ms(struct net_loop *loop)
{
	if (uv_backend_timeout(&loop->uv) <= 0)
		return uv_backend_timeout(&loop->uv);
	uv_update_time(&loop->uv); /* it is counted from libuv's own time, which is that of the last turn */
	return uv_backend_timeout(&loop->uv);
}

/* After questions have gathered they are read where the last ones came from, without asking whether there are any. */
static bool reads_blindly(struct net_loop *loop, bool gathers)
{
	struct net_gather *gather = &loop->gather;
	gather->blind = gathers && gather->blind < GATHER_BLIND ? gather->blind + 1 : 0;
	return gather->blind > 0;
}

/* What is ready is told in poll_fd. */
static void look(struct net_loop *loop, bool blindly, int timeout)
{
	if (blindly) /* the listeners are as they were */
		loop->poll_fd[NET_POLL_UV].revents = loop->poll_fd[NET_POLL_WATCH].revents = 0;
	else if (poll(loop->poll_fd, loop->n_poll_fds, timeout) < 0)
		for (unsigned i = 0; i < loop->n_poll_fds; i++) /* a signal: nothing was told */
			loop->poll_fd[i].revents = 0;
}

/* Between asleep and awake nothing is called. */
static void sleep_until_ready(struct net_loop *loop)
{
	net_turn(loop);
	net_outbox_send(loop);
	int timeout = timeout_ms(loop);
	bool gathers = timeout != 0 && may_gather(loop);
	if (loop->on_asleep != NULL)
		loop->on_asleep(loop->sleep_ctx);
	loop->awake = false;
	if (gathers)
		gather(loop);
	look(loop, reads_blindly(loop, gathers), gathers ? 0 : timeout);
	net_turn(loop);
}

static void listeners_read(struct net_loop *loop)
{
	for (unsigned i = NET_POLL_LISTENERS; i < loop->n_poll_fds - loop->n_xdp; i++)
		if (loop->poll_fd[i].revents != 0)
			net_udp_readable(loop->listener[i - NET_POLL_LISTENERS]);
}

static void queues_read(struct net_loop *loop)
{
	struct pollfd *fd = loop->poll_fd + loop->n_poll_fds - loop->n_xdp;
	for (unsigned i = 0; i < loop->n_xdp; i++) {
		if ((fd[i].revents & POLLIN) != 0)
			net_xdp_readable(loop->xdp[i]);
		else if (fd[i].revents != 0) /* its interface is gone: not watched any more */
			fd[i].fd = -1;
	}
}

int net_loop_run(struct net_loop *loop)
{
	if (loop->gather.us > 0)
		(void)prctl(PR_SET_TIMERSLACK, TIMER_SLACK_NS);
	loop->stopped = false;
	do {
		sleep_until_ready(loop);
		listeners_read(loop);
		queues_read(loop);
		if (loop->poll_fd[NET_POLL_WATCH].revents != 0)
			net_watch_readable(loop);
		if (loop->poll_fd[NET_POLL_UV].revents != 0 || uv_backend_timeout(&loop->uv) == 0)
			(void)uv_run(&loop->uv, UV_RUN_NOWAIT);
	} while (!loop->stopped);
	net_outbox_send(loop);
	return 0;
}

/* ---- what is waited for ---- */

static void add(struct net_loop *loop, int fd)
{
	loop->poll_fd[loop->n_poll_fds++] = (struct pollfd){.fd = fd, .events = POLLIN};
}

void net_wait_init(struct net_loop *loop)
{
	loop->gather.us = loop->settings.udp_gather_us;
	add(loop, uv_backend_fd(&loop->uv));
	add(loop, loop->watch_fd);
}

int net_wait_for(struct net_loop *loop, const struct net_listener *listener)
{
	if (listener->index >= NET_POLL_LISTENERS_MAX)
		return net_watch_listener(loop, listener->udp_fd, listener->index);
	add(loop, listener->udp_fd);
	return 0;
}

int net_wait_for_queue(struct net_loop *loop, struct net_xdp_queue *queue, int fd)
{
	if (loop->n_xdp == NET_POLL_XDP_MAX)
		return BANYAN_ELIMIT;
	loop->xdp[loop->n_xdp++] = queue;
	add(loop, fd);
	return 0;
}
