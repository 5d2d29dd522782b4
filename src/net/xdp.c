// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Questions by AF_XDP: frames out of a queue of the network card, replies into it.
 *
 * A reply that is there at once goes back the way its question came: same cards, same VLAN. One that comes later, is larger than
 * the interface's MTU, or finds no free frame goes by the ordinary socket of its address, where the kernel knows neighbours and routes
 * and makes fragments: the ticket of such a question is that of the socket.
 */
#include "xdp.h"

#include <errno.h>
#include <libknot/errcode.h>
#include <stdlib.h>
#include <string.h>

#define HEADERS_4 (20 + 8)
#define HEADERS_6 (40 + 8)

/* ---- checksums (RFC 768, RFC 1071, RFC 8200 section 8.1) ---- */

/* What is carried out at the top comes in at the bottom. */
static inline uint64_t sum_word(uint64_t sum, uint64_t word)
{
	sum += word;
	return sum + (sum < word);
}

static uint64_t sum_add(uint64_t sum, const uint8_t *data, size_t len)
{
	uint64_t eight;
	uint32_t four;
	uint16_t two;
	for (; len >= sizeof(eight); len -= sizeof(eight), data += sizeof(eight)) {
		memcpy(&eight, data, sizeof(eight));
		sum = sum_word(sum, eight);
	}
	if (len & sizeof(four)) {
		memcpy(&four, data, sizeof(four));
		sum = sum_word(sum, four);
		data += sizeof(four);
	}
	if (len & sizeof(two)) {
		memcpy(&two, data, sizeof(two));
		sum = sum_word(sum, two);
		data += sizeof(two);
	}
	if (len & 1) {
		two = 0;
		memcpy(&two, data, 1);
		sum = sum_word(sum, two);
	}
	return sum;
}

static uint16_t sum_fold(uint64_t sum)
{
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT32_MAX) + (sum >> 32);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)sum;
}

bool xdp_checksum_good(const struct addr *from, const struct addr *to, const uint8_t *udp, size_t len)
{
	uint16_t given;
	memcpy(&given, udp + 6, sizeof(given));
	if (given == 0)
		return from->family == 4; /* none */
	size_t ip_len = from->family == 4 ? 4 : 16;
	const uint8_t rest[4] = {0, IPPROTO_UDP, (uint8_t)(len >> 8), (uint8_t)len};
	uint64_t pseudo = sum_add(sum_add(sum_add(0, from->ip, ip_len), to->ip, ip_len), rest, sizeof(rest));
	return sum_fold(sum_add(pseudo, udp, len)) == UINT16_MAX || sum_fold(pseudo) == given;
}

/* ---- one question ---- */

static void address_of(const struct sockaddr_in6 *sa, struct addr *ret)
{
	*ret = (struct addr){0};
	if (sa->sin6_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
		ret->family = 4;
		ret->port = ntohs(in->sin_port);
		memcpy(ret->ip, &in->sin_addr, 4);
	} else {
		ret->family = 6;
		ret->port = ntohs(sa->sin6_port);
		memcpy(ret->ip, &sa->sin6_addr, 16);
	}
}

/* Whose socket would have got it: that of the address itself comes before the one of all. */
static const struct net_listener *listener_of(const struct net_loop *loop, const struct addr *to)
{
	const struct net_listener *found = NULL;
	for (uint32_t i = 0; i < loop->n_listeners; i++) {
		const struct net_listener *listener = loop->listener[i];
		if (listener->addr.family != to->family || listener->addr.port != to->port)
			continue;
		if (!listener->wildcard && memcmp(listener->addr.ip, to->ip, sizeof(to->ip)) == 0)
			return listener;
		if (listener->wildcard)
			found = listener;
	}
	return found;
}

static const struct xdp_vlan *vlan_of(const struct net_xdp_queue *queue, const knot_xdp_msg_t *in)
{
	const struct xdp_places *places = &queue->xdp->places;
	uint16_t id = ntohs(in->vlan_tci) & 0xfff;
	for (uint32_t i = 0; i < places->n_vlans; i++)
		if (places->vlan[i].id == id)
			return &places->vlan[i];
	return &places->vlan[0]; /* the filter takes no other */
}

static bool is_link_local(const struct addr *addr)
{
	return addr->family == 6 && addr->ip[0] == 0xfe && (addr->ip[1] & 0xc0) == 0x80;
}

/* The question in a frame and whom to ask, or NULL when it is none; then it is counted. */
static const struct net_listener *question_of(struct net_xdp_queue *queue, const knot_xdp_msg_t *in,
					      const struct xdp_vlan *vlan, struct net_message *m)
{
	struct net_loop *loop = queue->loop;
	m->msg = in->payload.iov_base;
	m->len = in->payload.iov_len;
	m->ticket.transport = NET_UDP;
	address_of(&in->ip_from, &m->ticket.peer);
	address_of(&in->ip_to, &m->ticket.local);
	/* libknot reckons the length from headers that the filter has checked */
	if (m->len > XDP_FRAME_MAX || !xdp_checksum_good(&m->ticket.peer, &m->ticket.local, m->msg - 8, m->len + 8)) {
		counter_add(loop->counters, COUNTER_XDP_CHECKSUM, 1);
		return NULL;
	}
	const struct net_listener *listener = listener_of(loop, &m->ticket.local);
	if (listener == NULL || xdp_places_own(&queue->xdp->places, &m->ticket.peer)) {
		counter_add(loop->counters, COUNTER_XDP_MARTIANS, 1);
		return NULL;
	}
	m->ticket.index = listener->index;
	m->ticket.scope = is_link_local(&m->ticket.peer) ? vlan->index : 0;
	return listener;
}

/* A frame back to where the question came from, and the room in it: NULL when there is none. */
static knot_xdp_msg_t *frame_take(struct net_xdp_queue *queue, const knot_xdp_msg_t *in, struct net_message *m)
{
	knot_xdp_msg_t *out = &queue->out[queue->n_out];
	if (queue->no_frames || knot_xdp_reply_alloc(queue->socket, in, out) != KNOT_EOK) {
		queue->no_frames = true; /* libknot waits for one; that once a batch is enough */
		return NULL;
	}
	m->frame = out->payload.iov_base;
	m->frame_cap = out->payload.iov_len - 1; /* libknot may write a byte of padding behind the reply */
	return out;
}

/* Does the reply go in the frame? Then it is in it now. */
static bool frame_fill(knot_xdp_msg_t *out, const struct xdp_vlan *vlan, const struct net_message *m, size_t len)
{
	size_t headers = (out->flags & KNOT_XDP_MSG_IPV6) != 0 ? HEADERS_6 : HEADERS_4;
	if (len + headers > vlan->mtu || len > m->frame_cap)
		return false;
	if (m->reply != m->frame)
		memcpy(m->frame, m->reply, len);
	out->payload.iov_len = len;
	return true;
}

static void handle(struct net_xdp_queue *queue, const knot_xdp_msg_t *in)
{
	struct net_loop *loop = queue->loop;
	const struct xdp_vlan *vlan = vlan_of(queue, in);
	struct net_message m = {.reply = loop->batch.out_iov[0].iov_base, .reply_cap = NET_MESSAGE_MAX};
	const struct net_listener *listener = question_of(queue, in, vlan, &m);
	if (listener == NULL)
		return;
	knot_xdp_msg_t *out = frame_take(queue, in, &m);
	int len = listener->fn(listener->ctx, &m);
	if (len > 0 && out != NULL && frame_fill(out, vlan, &m, (size_t)len)) {
		queue->n_out++;
		return;
	}
	if (len > 0) {
		counter_add(loop->counters, COUNTER_XDP_BY_SOCKET, 1);
		(void)net_udp_reply(loop, &m.ticket, m.reply, (size_t)len);
	}
	if (out != NULL)
		knot_xdp_send_free(queue->socket, out, 1);
}

/* ---- sending ---- */

/* Makes the kernel take what is in the ring: false when some of it must be offered again. */
static bool push(struct net_xdp_queue *queue)
{
	int rc = KNOT_EAGAIN;
	for (unsigned i = 0; rc == KNOT_EAGAIN && i < XDP_KICKS_MAX; i++)
		rc = knot_xdp_send_finish(queue->socket);
	return rc != KNOT_EAGAIN;
}

static void on_kick(uv_timer_t *timer)
{
	struct net_xdp_queue *queue = timer->data;
	net_turn(queue->loop);
	if (!push(queue))
		uv_timer_start(timer, on_kick, XDP_KICK_MS, 0);
}

static void send_batch(struct net_xdp_queue *queue)
{
	struct counters *counters = queue->loop->counters;
	uint32_t sent = 0, n = queue->n_out;
	queue->n_out = 0;
	if (n == 0)
		return;
	if (knot_xdp_send(queue->socket, queue->out, n, &sent) != KNOT_EOK)
		sent = 0;
	counter_add(counters, COUNTER_UDP_REPLIES, sent);
	counter_add(counters, COUNTER_XDP_REPLIES, sent);
	counter_add(counters, COUNTER_UDP_SEND_FAILED, n - sent);
	if (!push(queue))
		uv_timer_start(&queue->kick, on_kick, XDP_KICK_MS, 0);
}

/* ---- receiving ---- */

/* Where frames are copied, those that found no buffer are among the dropped ones. */
static uint64_t lost_of(const struct net_xdp *xdp, const struct xdp_statistics *s)
{
	return s->rx_dropped + s->rx_ring_full + (xdp->zero_copy ? s->rx_fill_ring_empty_descs : 0);
}

/* What the kernel could not put into the queue. Asked when the queue was full for some time, as nothing is lost before. */
static void count_lost(struct net_xdp_queue *queue)
{
	struct xdp_statistics now = {0};
	socklen_t len = sizeof(now);
	if (getsockopt(knot_xdp_socket_fd(queue->socket), SOL_XDP, XDP_STATISTICS, &now, &len) < 0)
		return;
	counter_add(queue->loop->counters, COUNTER_XDP_LOST,
		    lost_of(queue->xdp, &now) - lost_of(queue->xdp, &queue->seen));
	counter_add(queue->loop->counters, COUNTER_UDP_SEND_FAILED,
		    now.tx_invalid_descs - queue->seen.tx_invalid_descs);
	queue->seen = now;
}

static uint32_t receive_batch(struct net_xdp_queue *queue)
{
	uint32_t n = 0;
	for (uint32_t i = 0; i < XDP_BATCH; i++)
		queue->in[i].vlan_tci = 0; /* libknot sets it for tagged frames only */
	knot_xdp_send_prepare(queue->socket);
	if (knot_xdp_recv(queue->socket, queue->in, XDP_BATCH, &n, NULL) != KNOT_EOK || n == 0)
		return 0;
	counter_add(queue->loop->counters, COUNTER_UDP_QUESTIONS, n);
	counter_add(queue->loop->counters, COUNTER_XDP_QUESTIONS, n);
	queue->no_frames = false;
	for (uint32_t i = 0; i < n; i++) /* libknot has read what stands before it; another processor wrote it */
		__builtin_prefetch((const uint8_t *)queue->in[i].payload.iov_base + XDP_PREFETCH);
	for (uint32_t i = 0; i < n; i++)
		handle(queue, &queue->in[i]);
	knot_xdp_recv_finish(queue->socket, queue->in, n);
	send_batch(queue);
	return n;
}

void net_xdp_readable(struct net_xdp_queue *queue)
{
	/* until it is empty: to look costs less than to be woken again for what came meanwhile */
	uint32_t n = 1;
	for (unsigned round = 0; round < XDP_ROUNDS_MAX && n > 0; round++)
		n = receive_batch(queue);
	if (n == XDP_BATCH)
		count_lost(queue);
}

/* ---- life ---- */

static void on_closed(uv_handle_t *handle)
{
	free(handle->data);
}

int net_xdp_listen(struct net_loop *loop, const struct net_xdp *xdp, unsigned i)
{
	if (i >= xdp->n_queues)
		return BANYAN_EINVAL;
	struct net_xdp_queue *queue = calloc(1, sizeof(*queue));
	if (queue == NULL)
		return BANYAN_ENOMEM;
	queue->loop = loop;
	queue->xdp = xdp;
	queue->socket = xdp->socket[i];
	uv_timer_init(&loop->uv, &queue->kick);
	queue->kick.data = queue;
	int rc = net_wait_for_queue(loop, queue, knot_xdp_socket_fd(queue->socket));
	if (rc < 0)
		uv_close((uv_handle_t *)&queue->kick, on_closed);
	return rc;
}

void net_xdp_close_all(struct net_loop *loop)
{
	for (unsigned i = 0; i < loop->n_xdp; i++) {
		count_lost(loop->xdp[i]);
		uv_close((uv_handle_t *)&loop->xdp[i]->kick, on_closed);
	}
	loop->n_poll_fds -= loop->n_xdp;
	loop->n_xdp = 0;
}
