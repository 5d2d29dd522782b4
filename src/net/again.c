// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Sockets of exchanges that are used again, each time under another port.
 *
 * A socket of its own for each message costs five system calls and what the kernel builds and tears down for them. connect() to
 * nowhere takes the port away from a socket, and the next connect() makes the kernel give it another one at random: the same for a
 * fourth of the price. But the kernel's ports are a part of the range only (32768-60999, unless somebody has set
 * net.ipv4.ip_local_port_range), and a port must be as hard to guess as before (RFC 5452 section 9.2). So the port is drawn from the
 * whole range first, and only where the kernel's part is hit the choice within it is the kernel's. An attacker's own server
 * learns nothing by what it sees: no port is kept.
 */
#include "private.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#define DRAIN_MAX 4096 /* more datagrams than a socket's buffer holds */

/* What came for an earlier port, or an error of then. Nothing is added once the port is gone, so it ends. */
static void drain(int fd)
{
	char byte;
	for (unsigned i = 0; i < DRAIN_MAX; i++)
		if (recv(fd, &byte, 1, MSG_DONTWAIT) < 0 && errno == EAGAIN)
			return;
}

static int socket_make(struct net_loop *loop, struct net_again *again, uint32_t index, uint8_t family)
{
	struct addr to = {.family = family};
	int fd = net_exchange_socket(&to);
	if (fd < 0)
		return fd;
	int rc = net_watch_again(loop, fd, index);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	*again = (struct net_again){.fd = fd, .family = family};
	return 0;
}

static struct net_again *place_of(struct net_loop *loop, uint8_t family)
{
	uint32_t *first = &loop->again_first[family == 6];
	if (*first != 0) {
		struct net_again *again = &loop->again[*first - 1];
		*first = again->next;
		drain(again->fd);
		return again;
	}
	if (loop->n_again == NET_AGAIN_MAX || socket_make(loop, &loop->again[loop->n_again], loop->n_again, family) < 0)
		return NULL;
	return &loop->again[loop->n_again++];
}

bool net_again_suits(const struct net_loop *loop, uint16_t port)
{
	const struct net_settings *s = &loop->settings;
	return s->n_outgoing == 0 && s->kernel_port_last != 0 && port >= s->kernel_port_first &&
	       port <= s->kernel_port_last;
}

int net_again_take(struct net_loop *loop, const struct addr *to, uint64_t id, struct net_again **ret)
{
	struct sockaddr_storage sa;
	socklen_t len = net_sockaddr_from(to, 0, &sa);
	struct net_again *again = place_of(loop, to->family);
	if (again == NULL)
		return BANYAN_ELIMIT;
	again->id = id;
	again->taken = true;
	*ret = again;
	if (connect(again->fd, (struct sockaddr *)&sa, len) == 0)
		return 0;
	int rc = error_from_errno(errno);
	net_again_give(loop, again);
	return rc;
}

void net_again_give(struct net_loop *loop, struct net_again *again)
{
	struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
	uint32_t *first = &loop->again_first[again->family == 6];
	again->taken = false;
	/* Linux knows no reason to refuse; were there one, the socket would stay with its port, unused */
	if (connect(again->fd, &nowhere, sizeof nowhere) < 0)
		return;
	again->next = *first;
	*first = (uint32_t)(again - loop->again) + 1;
}

void net_again_readable(struct net_loop *loop, uint32_t index)
{
	struct net_again *again = &loop->again[index];
	if (again->taken)
		net_exchange_readable(loop, again->id);
	else
		drain(again->fd);
}

void net_again_done(struct net_loop *loop)
{
	for (uint32_t i = 0; i < loop->n_again; i++)
		close(loop->again[i].fd);
}
