// SPDX-License-Identifier: GPL-3.0-or-later
/* Messages by UDP to many, from any libuv loop, and what comes back: one socket for each family. */
#include "private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MESSAGE_MAX 4096 /* bytes of a reply: none that is expected has as many */
#define TURN_MAX    256  /* replies of one turn of the loop */

struct half {
	struct net_sender *sender;
	int fd; /* -1 = there is none: this machine has not got the family, or it is not needed yet */
	uv_poll_t poll;
};
struct net_sender {
	uv_loop_t *loop;
	struct net_sender_settings settings;
	struct half half[2]; /* IPv4, IPv6 */
	unsigned handles;
	bool closing;
};

static void on_closed(uv_handle_t *handle)
{
	struct half *half = handle->data;
	close(half->fd);
	if (--half->sender->handles == 0)
		free(half->sender);
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
	struct half *half = poll->data;
	struct net_sender *sender = half->sender;
	uint8_t msg[MESSAGE_MAX];
	for (unsigned i = 0; i < TURN_MAX && !sender->closing; i++) {
		struct sockaddr_storage sa;
		socklen_t sa_len = sizeof sa;
		struct addr from;
		uint32_t scope;
		ssize_t n = recvfrom(half->fd, msg, sizeof msg, 0, (struct sockaddr *)&sa, &sa_len);
		if (n < 0 && errno != EINTR && errno != ECONNREFUSED)
			return;
		if (n <= 0)
			continue;
		net_sockaddr_to(&sa, &from, &scope);
		sender->settings.message(sender->settings.ctx, &from, msg, (size_t)n);
	}
}

int net_sender_open(struct uv_loop_s *loop, const struct net_sender_settings *settings, struct net_sender **ret)
{
	struct net_sender *sender = calloc(1, sizeof *sender);
	if (sender == NULL)
		return BANYAN_ENOMEM;
	sender->loop = loop;
	sender->settings = *settings;
	for (unsigned i = 0; i < 2; i++)
		sender->half[i] = (struct half){.sender = sender, .fd = -1};
	*ret = sender;
	return 0;
}

void net_sender_close(struct net_sender *sender)
{
	if (sender == NULL)
		return;
	sender->closing = true;
	for (unsigned i = 0; i < 2; i++)
		if (sender->half[i].fd >= 0)
			uv_close((uv_handle_t *)&sender->half[i].poll, on_closed);
	if (sender->handles == 0)
		free(sender);
}

static int half_open(struct net_sender *sender, struct half *half, const struct addr *to)
{
	if (half->fd >= 0)
		return 0;
	int fd = net_socket(to, SOCK_DGRAM);
	if (fd < 0)
		return fd;
	net_socket_no_pmtu(fd, to->family);
	if (uv_poll_init(sender->loop, &half->poll, fd) < 0) {
		close(fd);
		return BANYAN_EIO;
	}
	half->fd = fd;
	half->poll.data = half;
	sender->handles++;
	return uv_poll_start(&half->poll, UV_READABLE, on_readable) < 0 ? BANYAN_EIO : 0;
}

int net_sender_send(struct net_sender *sender, const struct addr *to, const struct addr *from, const uint8_t *msg,
		    size_t len)
{
	struct half *half = &sender->half[to->family == 6];
	int rc = half_open(sender, half, to);
	if (rc < 0)
		return rc;
	struct sockaddr_storage sa;
	union net_control control;
	uint8_t copy[MESSAGE_MAX];
	if (len > sizeof copy)
		return BANYAN_EINVAL;
	memcpy(copy, msg, len);
	struct iovec iov = {.iov_base = copy, .iov_len = len};
	struct msghdr hdr = {
		.msg_name = &sa, .msg_namelen = net_sockaddr_from(to, 0, &sa), .msg_iov = &iov, .msg_iovlen = 1};
	if (from->family == to->family)
		net_control_from(&hdr, &control, from, 0);
	if (sendmsg(half->fd, &hdr, MSG_NOSIGNAL) >= 0)
		return 0;
	/* an address that is gone since: the kernel chooses */
	if (hdr.msg_control != NULL &&
	    (errno == EINVAL || errno == EADDRNOTAVAIL || errno == ENODEV || errno == ENETUNREACH)) {
		hdr.msg_control = NULL;
		hdr.msg_controllen = 0;
		if (sendmsg(half->fd, &hdr, MSG_NOSIGNAL) >= 0)
			return 0;
	}
	return errno == EAGAIN || errno == ENOBUFS ? BANYAN_EAGAIN : error_from_errno(errno);
}
