// SPDX-License-Identifier: GPL-3.0-or-later
/* A question by UDP on any libuv loop: sent, sent again, and what comes back from that address. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

struct net_datagram {
	uv_udp_t udp;
	uv_timer_t timer;
	struct net_datagram_settings settings;
	unsigned handles; /* open ones: freed with the last */
	bool closing;
	int failed; /* the first sending: told from a clean stack */
	uint64_t started_ms, again_ms;
	size_t len;
	uint8_t msg[512]; /* a question */
	char in[];
};

static void on_timer(uv_timer_t *timer);

static void on_closed(uv_handle_t *handle)
{
	struct net_datagram *datagram = handle->data;
	if (--datagram->handles == 0)
		free(datagram);
}

void net_datagram_close(struct net_datagram *datagram)
{
	if (datagram == NULL || datagram->closing)
		return;
	datagram->closing = true;
	uv_close((uv_handle_t *)&datagram->udp, on_closed);
	uv_close((uv_handle_t *)&datagram->timer, on_closed);
}

static void end(struct net_datagram *datagram, int error)
{
	net_datagram_close(datagram);
	datagram->settings.over(datagram->settings.ctx, error);
}

static int question_send(struct net_datagram *datagram)
{
	uv_buf_t buf = uv_buf_init((char *)datagram->msg, (unsigned)datagram->len);
	int rc = uv_udp_try_send(&datagram->udp, &buf, 1, NULL);
	return rc < 0 && rc != UV_EAGAIN ? BANYAN_EIO : 0; /* a full buffer: the next one goes out */
}

static void timer_start(struct net_datagram *datagram)
{
	uint64_t spent = uv_now(datagram->timer.loop) - datagram->started_ms;
	uint64_t left = datagram->settings.whole_ms > spent ? datagram->settings.whole_ms - spent : 0;
	uint64_t next = datagram->again_ms > 0 && datagram->again_ms < left ? datagram->again_ms : left;
	uv_timer_start(&datagram->timer, on_timer, datagram->failed < 0 ? 0 : next, 0);
}

static void on_timer(uv_timer_t *timer)
{
	struct net_datagram *datagram = timer->data;
	if (datagram->failed < 0) {
		end(datagram, datagram->failed);
	} else if (uv_now(timer->loop) - datagram->started_ms >= datagram->settings.whole_ms) {
		end(datagram, BANYAN_ETIMEOUT);
	} else if (question_send(datagram) < 0) {
		end(datagram, BANYAN_EIO);
	} else {
		datagram->again_ms *= 2;
		timer_start(datagram);
	}
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct net_datagram *datagram = handle->data;
	*buf = uv_buf_init(datagram->in, datagram->settings.room);
}

static void on_read(uv_udp_t *udp, ssize_t n, const uv_buf_t *buf, const struct sockaddr *from, unsigned flags)
{
	struct net_datagram *datagram = udp->data;
	if (datagram->closing || (n == 0 && from == NULL))
		return;
	if (n < 0) /* the server's machine says that nobody is there */
		end(datagram, BANYAN_EIO);
	else if ((flags & UV_UDP_PARTIAL) == 0)
		datagram->settings.message(datagram->settings.ctx, (const uint8_t *)buf->base, (size_t)n);
}

int net_datagram_open(struct uv_loop_s *loop, const struct addr *to, const uint8_t *msg, size_t len,
		      const struct net_datagram_settings *settings, struct net_datagram **ret)
{
	struct sockaddr_storage sa;
	uint32_t room = settings->room > 0 ? settings->room : NET_MESSAGE_MAX;
	struct net_datagram *datagram = len > sizeof datagram->msg ? NULL : calloc(1, sizeof *datagram + room);
	if (datagram == NULL)
		return len > sizeof datagram->msg ? BANYAN_EINVAL : BANYAN_ENOMEM;
	datagram->settings = *settings;
	datagram->settings.room = room;
	datagram->again_ms = settings->again_ms;
	memcpy(datagram->msg, msg, len);
	datagram->len = len;
	uv_timer_init(loop, &datagram->timer);
	uv_udp_init(loop, &datagram->udp);
	datagram->handles = 2;
	datagram->udp.data = datagram->timer.data = datagram;
	datagram->started_ms = uv_now(loop);
	net_sockaddr_from(to, 0, &sa);
	/* connected: the kernel drops what comes from elsewhere */
	if (uv_udp_connect(&datagram->udp, (struct sockaddr *)&sa) < 0 ||
	    uv_udp_recv_start(&datagram->udp, on_alloc, on_read) < 0 || question_send(datagram) < 0)
		datagram->failed =
			BANYAN_EIO; /* no way there: an address of a family that this machine does not have */
	timer_start(datagram);
	*ret = datagram;
	return 0;
}
