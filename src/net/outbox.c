// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Datagrams that go out together at the end of a turn: questions to servers, and answers to clients that had to wait for them.
 *
 * A datagram wakes whoever waits for it, on this machine a process on another core, on the network an interrupt; sent between two
 * signature checks each would wake it anew. Together they are a few microseconds apart, and answers need one system call. A turn
 * is short when there is little to do; in a long one they wait for a millisecond, and there are few of them.
 */
#include "private.h"

#include <errno.h>
#include <string.h>

/* ---- questions ---- */

static int question_send(struct net_loop *loop, uint64_t id, const uint8_t *msg, size_t len)
{
	int fd = net_exchange_fd(loop, id);
	if (fd < 0) /* closed meanwhile */
		return 0;
	ssize_t sent;
	do
		sent = send(fd, msg, len, 0);
	while (sent < 0 && errno == EINTR);
	return sent < 0 ? error_from_errno(errno) : 0;
}

static void questions_send(struct net_loop *loop)
{
	struct net_questions *out = &loop->questions;
	for (unsigned i = 0; i < out->n; i++) {
		const struct net_question *q = &out->question[i];
		int rc = question_send(loop, q->id, out->bytes + q->at, q->len);
		/* whose owner cannot be told for want of room asks again when the time for a reply is over */
		if (rc < 0 && out->n_failed < NET_OUTBOX_FAILED_MAX)
			out->failed[out->n_failed++] = (struct net_failed){.id = q->id, .error = rc};
	}
	out->n = 0;
	out->used = 0;
}

/* ---- answers ---- */

static void answers_send(struct net_loop *loop)
{
	struct net_answers *out = &loop->answers;
	if (out->n > 0)
		net_udp_send(loop->listener[out->listener], out->hdr, out->n);
	out->n = 0;
	out->used = 0;
}

/* ---- both ---- */

static void both_send(struct net_loop *loop)
{
	answers_send(loop);
	questions_send(loop);
}

/* One more is in it: has the first of it waited long enough? */
static void added(struct net_loop *loop)
{
	int64_t now_ms = clock_mono_ms();
	if (loop->questions.n + loop->answers.n == 1)
		loop->outbox_since_ms = now_ms;
	else if (now_ms > loop->outbox_since_ms)
		both_send(loop);
}

void net_outbox_ask(struct net_loop *loop, uint64_t id, const uint8_t *msg, size_t len)
{
	struct net_questions *out = &loop->questions;
	if (out->n == NET_OUTBOX_MAX || out->used + len > sizeof out->bytes)
		questions_send(loop);
	memcpy(out->bytes + out->used, msg, len);
	out->question[out->n++] = (struct net_question){.id = id, .at = (uint32_t)out->used, .len = (uint32_t)len};
	out->used += len;
	added(loop);
}

void net_outbox_answer(struct net_loop *loop, const struct net_ticket *ticket, const uint8_t *msg, size_t len)
{
	struct net_answers *out = &loop->answers;
	if (out->n == NET_OUTBOX_MAX || out->used + len > sizeof out->bytes || out->listener != ticket->index)
		answers_send(loop);
	unsigned i = out->n++;
	memcpy(out->bytes + out->used, msg, len);
	out->iov[i] = (struct iovec){.iov_base = out->bytes + out->used, .iov_len = len};
	out->hdr[i].msg_hdr = (struct msghdr){.msg_name = &out->peer[i], .msg_iov = &out->iov[i], .msg_iovlen = 1};
	net_udp_address(loop->listener[ticket->index], ticket, &out->hdr[i].msg_hdr, &out->control[i]);
	out->used += len;
	out->listener = ticket->index;
	added(loop);
}

void net_outbox_send(struct net_loop *loop)
{
	struct net_questions *out = &loop->questions;
	both_send(loop);
	while (out->n_failed > 0) { /* the owners may ask more */
		struct net_failed failed = out->failed[--out->n_failed];
		net_exchange_give_up(loop, failed.id, failed.error);
		both_send(loop);
	}
}
