// SPDX-License-Identifier: GPL-3.0-or-later
/* Replies of many messages: given one after the other, as fast as the client reads and no faster. Above the stream of bytes. */
#include "private.h"

#include <netinet/tcp.h>
#include <stdlib.h>

struct net_flow {
	struct net_flow *next;
	struct net_flow_settings settings;
	int64_t begun_ms; /* 0 = not yet: another one of this connection goes first */
	uint64_t bytes;
};

static void flow_end(struct net_conn *conn, bool whole)
{
	struct net_flow *flow = conn->flow;
	conn->flow = flow->next;
	flow->settings.over(flow->settings.ctx, whole);
	free(flow);
}

void net_flows_drop(struct net_conn *conn)
{
	while (conn->flow != NULL)
		flow_end(conn, false);
}

/* The kernel would take megabytes for a client that reads nothing, and all would seem to be sent. */
static void kernel_takes_little(struct net_conn *conn)
{
	uv_os_fd_t fd;
	int bytes = NET_FLOW_UNSENT;
	if (uv_fileno((uv_handle_t *)&conn->tcp, &fd) == 0)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
}

int net_flow(struct net_loop *loop, const struct net_ticket *ticket, const struct net_flow_settings *settings)
{
	struct net_conn *conn = ticket->transport == NET_TCP ? net_conn_of(loop, ticket) : NULL;
	if (conn == NULL)
		return BANYAN_ENOENT;
	struct net_flow *flow = calloc(1, sizeof *flow), **last = &conn->flow;
	if (flow == NULL)
		return BANYAN_ENOMEM;
	flow->settings = *settings;
	kernel_takes_little(conn);
	while (*last != NULL)
		last = &(*last)->next;
	*last = flow;
	/* the first message goes out from a clean stack */
	uv_timer_start(&loop->resume, net_tcp_resume, 0, 0);
	return 0;
}

/* Messages that are worth one write. Returns their bytes; *ret_last: it was the end of the flow; negative: no more can be made. */
static int gather(struct net_conn *conn, bool *ret_last)
{
	struct net_loop *loop = conn->loop;
	struct net_flow *flow = conn->flow;
	size_t len = 0;
	*ret_last = false;
	while (len <= NET_TCP_GATHER) {
		uint8_t *out = loop->tcp_out + len;
		int n = flow->settings.next(flow->settings.ctx, out + 2, NET_MESSAGE_MAX);
		if (n < 0)
			return n;
		*ret_last = n == 0;
		if (n == 0)
			break;
		out[0] = (uint8_t)(n >> 8);
		out[1] = (uint8_t)n;
		len += 2 + (size_t)n;
		counter_add(loop->counters, COUNTER_TCP_REPLIES, 1);
	}
	flow->bytes += len;
	return (int)len;
}

/* One write. false: there is no more to do now. */
static bool pump_once(struct net_conn *conn)
{
	struct net_loop *loop = conn->loop;
	bool last;
	if (conn->flow->begun_ms == 0)
		conn->flow->begun_ms = loop->now_ms;
	int len = gather(conn, &last);
	if (len < 0) { /* what was sent cannot be taken back: the client sees that it is not whole */
		net_conn_close(conn);
		return false;
	}
	uv_buf_t buf = uv_buf_init((char *)loop->tcp_out, (unsigned)len);
	net_conn_spend(conn, (size_t)len);
	if (len > 0 && net_conn_write(conn, &buf, 1) < 0)
		return false;
	if (last) {
		conn->in_flight--;
		conn->active_ms = loop->now_ms;
		flow_end(conn, true);
	}
	return true;
}

void net_flow_pump(struct net_conn *conn)
{
	while (conn->flow != NULL && !conn->closing && net_conn_unsent(conn) < NET_TCP_PAUSE) {
		if (net_conn_had_turn(conn)) {
			if (!uv_is_active((uv_handle_t *)&conn->loop->resume))
				uv_timer_start(&conn->loop->resume, net_tcp_resume, 1, 0);
			return;
		}
		if (!pump_once(conn))
			return;
	}
}

bool net_flow_overdue(const struct net_conn *conn, int64_t now)
{
	const struct net_flow *flow = conn->flow;
	if (flow == NULL || flow->begun_ms == 0)
		return false;
	const struct net_flow_settings *settings = &flow->settings;
	uint64_t ms = (uint64_t)(now - flow->begun_ms), unsent = net_conn_unsent(conn);
	uint64_t sent = flow->bytes > unsent ? flow->bytes - unsent : 0;
	if (settings->whole_ms > 0 && ms >= settings->whole_ms)
		return true;
	return ms >= NET_FLOW_GRACE_MS && sent * 1000 / ms < settings->rate_min;
}
