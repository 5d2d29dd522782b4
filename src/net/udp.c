// SPDX-License-Identifier: GPL-3.0-or-later
/* Questions over UDP: a batch is received, answered and sent with two system calls and no allocation. */
#include "private.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

int net_batch_init(struct net_batch *batch, uint32_t size)
{
	batch->size = size;
	batch->bytes_len = (size_t)NET_UDP_STRIDE * 2 * size;
	batch->bytes = mmap(NULL, batch->bytes_len, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (batch->bytes == MAP_FAILED) {
		batch->bytes = NULL;
		return BANYAN_ENOMEM;
	}
	for (uint32_t i = 0; i < size; i++) {
		batch->in_iov[i].iov_base = batch->bytes + (size_t)i * 2 * NET_UDP_STRIDE;
		batch->out_iov[i].iov_base = (uint8_t *)batch->in_iov[i].iov_base + NET_UDP_STRIDE;
		batch->in_iov[i].iov_len = NET_MESSAGE_MAX;
		batch->in[i].msg_hdr.msg_iov = &batch->in_iov[i];
		batch->out[i].msg_hdr.msg_iov = &batch->out_iov[i];
		batch->in[i].msg_hdr.msg_iovlen = batch->out[i].msg_hdr.msg_iovlen = 1;
		batch->in[i].msg_hdr.msg_name = &batch->peer[i];
	}
	return 0;
}

void net_batch_done(struct net_batch *batch)
{
	if (batch->bytes != NULL)
		munmap(batch->bytes, batch->bytes_len);
}

/* The address that a datagram was sent to, from its control data. */
static void local_from_control(struct msghdr *hdr, struct addr *local)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(hdr); c != NULL; c = CMSG_NXTHDR(hdr, c)) {
		if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
			struct in_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			memcpy(local->ip, &info.ipi_spec_dst, 4); /* ours, also when the datagram was a broadcast */
		} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
			struct in6_pktinfo info;
			memcpy(&info, CMSG_DATA(c), sizeof(info));
			memcpy(local->ip, &info.ipi6_addr, 16);
		}
	}
}

/* Control data that make the kernel send from `local`. */
void net_control_from(struct msghdr *hdr, union net_control *control, const struct addr *local, uint32_t scope)
{
	memset(control, 0, sizeof(*control));
	struct cmsghdr *c = &control->align;
	hdr->msg_control = control;
	if (local->family == 4) {
		struct in_pktinfo info = {0};
		memcpy(&info.ipi_spec_dst, local->ip, 4);
		c->cmsg_level = IPPROTO_IP;
		c->cmsg_type = IP_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		hdr->msg_controllen = CMSG_SPACE(sizeof(info));
	} else {
		struct in6_pktinfo info = {.ipi6_ifindex = scope};
		memcpy(&info.ipi6_addr, local->ip, 16);
		c->cmsg_level = IPPROTO_IPV6;
		c->cmsg_type = IPV6_PKTINFO;
		c->cmsg_len = CMSG_LEN(sizeof(info));
		memcpy(CMSG_DATA(c), &info, sizeof(info));
		hdr->msg_controllen = CMSG_SPACE(sizeof(info));
	}
}

/* Hands datagram `i` to the listener's function; a reply becomes message `n_out` of the batch. Returns how many. */
static unsigned handle(struct net_listener *listener, unsigned i, unsigned n_out)
{
	struct net_batch *batch = &listener->loop->batch;
	struct msghdr *in = &batch->in[i].msg_hdr, *out = &batch->out[n_out].msg_hdr;
	struct net_message m = {.msg = batch->in_iov[i].iov_base,
				.len = batch->in[i].msg_len,
				.reply = batch->out_iov[n_out].iov_base,
				.reply_cap = NET_MESSAGE_MAX};
	m.ticket.transport = NET_UDP;
	m.ticket.index = listener->index;
	m.ticket.local = listener->addr;
	net_sockaddr_to(&batch->peer[i], &m.ticket.peer, &m.ticket.scope);
	if (m.ticket.peer.port == 0) /* nowhere to reply to */
		return 0;
	if (listener->wildcard)
		local_from_control(in, &m.ticket.local);
	int len = listener->fn(listener->ctx, &m);
	if (len <= 0)
		return 0;
	batch->out_iov[n_out].iov_len = (size_t)len;
	out->msg_name = in->msg_name;
	out->msg_namelen = in->msg_namelen;
	out->msg_control = NULL;
	out->msg_controllen = 0;
	if (listener->wildcard)
		net_control_from(out, &batch->out_control[n_out], &m.ticket.local, m.ticket.scope);
	return 1;
}

void net_udp_send(struct net_listener *listener, struct mmsghdr *hdr, unsigned n)
{
	struct counters *counters = listener->loop->counters;
	unsigned done = 0;
	while (done < n) {
		int sent = sendmmsg(listener->udp_fd, hdr + done, n - done, 0);
		if (sent > 0) {
			counter_add(counters, COUNTER_UDP_REPLIES, (uint64_t)sent);
			done += (unsigned)sent;
		} else if (errno != EINTR) {
			/* a full buffer refuses the rest too, anything else only this one */
			unsigned lost = errno == EAGAIN || errno == ENOBUFS ? n - done : 1;
			counter_add(counters, COUNTER_UDP_SEND_FAILED, lost);
			done += lost;
		}
	}
}

static int receive_batch(struct net_listener *listener)
{
	struct net_batch *batch = &listener->loop->batch;
	for (unsigned i = 0; i < batch->size; i++) {
		struct msghdr *hdr = &batch->in[i].msg_hdr;
		hdr->msg_namelen = sizeof(batch->peer[i]);
		hdr->msg_control = listener->wildcard ? &batch->in_control[i] : NULL;
		hdr->msg_controllen = listener->wildcard ? sizeof(batch->in_control[i]) : 0;
	}
	return recvmmsg(listener->udp_fd, batch->in, batch->size, 0, NULL);
}

/* Whoever finds all batches full may have been too slow: what did not fit the kernel's buffer is counted. */
static void count_lost(struct net_listener *listener)
{
	uint32_t lost;
	if (!net_socket_lost(listener->udp_fd, &lost))
		return;
	counter_add(listener->loop->counters, COUNTER_UDP_LOST, (uint32_t)(lost - listener->udp_lost));
	listener->udp_lost = lost;
}

void net_udp_readable(struct net_listener *listener)
{
	struct net_loop *loop = listener->loop;
	for (unsigned round = 0; round < NET_UDP_ROUNDS_MAX; round++) {
		int n = receive_batch(listener);
		if (n <= 0)
			break;
		counter_add(loop->counters, COUNTER_UDP_QUESTIONS, (uint64_t)n);
		loop->gather.questions += (unsigned)n;
		unsigned n_out = 0;
		for (int i = 0; i < n; i++)
			n_out += handle(listener, (unsigned)i, n_out);
		net_udp_send(listener, loop->batch.out, n_out);
		if ((unsigned)n < loop->batch.size)
			break;
		if (round + 1 == NET_UDP_ROUNDS_MAX)
			count_lost(listener);
	}
}

void net_udp_address(const struct net_listener *listener, const struct net_ticket *ticket, struct msghdr *hdr,
		     union net_control *control)
{
	hdr->msg_namelen = net_sockaddr_from(&ticket->peer, ticket->scope, hdr->msg_name);
	if (listener->wildcard)
		net_control_from(hdr, control, &ticket->local, ticket->scope);
}

int net_udp_reply(struct net_loop *loop, const struct net_ticket *ticket, const uint8_t *msg, size_t len)
{
	if (ticket->index >= loop->n_listeners)
		return BANYAN_EINVAL;
	net_outbox_answer(loop, ticket, msg, len);
	return 0;
}
