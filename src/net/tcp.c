// SPDX-License-Identifier: GPL-3.0-or-later
/* Questions over TCP (RFC 7766): pipelined, answered in any order, with bounds on time, memory and connections. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

struct block {
	uv_write_t req;
	struct net_conn *conn;
	char data[];
};

_Static_assert(NET_TCP_PAUSE + 2 * NET_TCP_OUT_SIZE < NET_TCP_WRITE_MAX, "replies made at once must fit the queue");

/* ---- the table of connections: tickets name a slot and its generation ---- */

static int slot_take(struct net_loop *loop, struct net_conn *conn)
{
	if (loop->free_slot == 0) {
		uint32_t n = loop->n_slots == 0 ? 64 : loop->n_slots * 2;
		struct net_conn_slot *slot = reallocarray(loop->slot, n, sizeof(*slot));
		if (slot == NULL)
			return BANYAN_ENOMEM;
		for (uint32_t i = loop->n_slots; i < n; i++)
			slot[i] = (struct net_conn_slot){.next_free = i + 1 < n ? i + 2 : 0};
		loop->free_slot = loop->n_slots + 1;
		loop->slot = slot;
		loop->n_slots = n;
	}
	conn->index = loop->free_slot - 1;
	struct net_conn_slot *slot = &loop->slot[conn->index];
	loop->free_slot = slot->next_free;
	slot->conn = conn;
	conn->generation = ++slot->generation;
	return 0;
}

static void slot_give(struct net_loop *loop, struct net_conn *conn)
{
	struct net_conn_slot *slot = &loop->slot[conn->index];
	slot->conn = NULL;
	slot->next_free = loop->free_slot;
	loop->free_slot = conn->index + 1;
}

struct net_conn *net_conn_of(struct net_loop *loop, const struct net_ticket *ticket)
{
	if (ticket->index >= loop->n_slots)
		return NULL;
	struct net_conn *conn = loop->slot[ticket->index].conn;
	return conn != NULL && conn->generation == ticket->generation ? conn : NULL;
}

static void list_append(struct net_loop *loop, struct net_conn *conn)
{
	conn->prev = loop->conn_last;
	conn->next = NULL;
	*(conn->prev != NULL ? &conn->prev->next : &loop->conn_first) = conn;
	loop->conn_last = conn;
}

static void list_remove(struct net_loop *loop, struct net_conn *conn)
{
	*(conn->prev != NULL ? &conn->prev->next : &loop->conn_first) = conn->next;
	*(conn->next != NULL ? &conn->next->prev : &loop->conn_last) = conn->prev;
}

/* ---- closing ---- */

void net_on_gone(struct net_loop *loop, void (*fn)(void *ctx, uint32_t index, uint32_t generation), void *ctx)
{
	loop->gone_fn = fn;
	loop->gone_ctx = ctx;
}

/* libuv calls this between handlers: whoever waits for replies to this client may be told now. */
static void on_closed(uv_handle_t *handle)
{
	struct net_conn *conn = handle->data;
	struct net_loop *loop = conn->loop;
	net_turn(loop);
	if (conn->in_flight > 0 && loop->gone_fn != NULL) {
		counter_add(loop->counters, COUNTER_TCP_GONE, conn->in_flight);
		loop->gone_fn(loop->gone_ctx, conn->index, conn->generation);
	}
	net_flows_drop(conn);
	net_inbox_done(&conn->in);
	net_tls_free(conn->tls);
	free(conn);
}

void net_conn_close(struct net_conn *conn)
{
	struct net_loop *loop = conn->loop;
	if (conn->closing)
		return;
	conn->closing = true;
	list_remove(loop, conn);
	slot_give(loop, conn);
	loop->n_conns--;
	net_limits_give(loop->limits, &conn->peer);
	uv_close((uv_handle_t *)&conn->tcp, on_closed);
}

void net_tcp_close_all(struct net_loop *loop)
{
	while (loop->conn_first != NULL)
		net_conn_close(loop->conn_first);
}

size_t net_conn_unsent(const struct net_conn *conn)
{
	return uv_stream_get_write_queue_size((const uv_stream_t *)&conn->tcp);
}

static bool is_idle(const struct net_conn *conn)
{
	return conn->in_flight == 0 && conn->in.len == 0 && net_conn_unsent(conn) == 0;
}

/* A client that has closed its side still gets the replies to what it asked (RFC 7766 section 6.2.4). */
static void close_if_finished(struct net_conn *conn)
{
	bool more = net_has_whole(conn->in.data, conn->in.len);
	if (conn->eof && !more && conn->in_flight == 0 && net_conn_unsent(conn) == 0)
		net_conn_close(conn);
}

/* ---- deadlines ---- */

/* Is the connection beyond one of its times? Bytes that drip in or out do not prolong them, only whole messages do. */
static bool overdue(const struct net_conn *conn, int64_t now)
{
	int64_t idle_ms = conn->loop->settings.tcp_idle_ms;
	if (conn->unsent_ms != 0 && now - conn->unsent_ms >= idle_ms)
		return true;
	if (conn->partial_ms != 0 && conn->in_flight == 0 && now - conn->partial_ms >= idle_ms)
		return true;
	return is_idle(conn) && now - conn->active_ms >= idle_ms;
}

static void on_sweep(uv_timer_t *timer)
{
	struct net_loop *loop = timer->data;
	net_turn(loop);
	int64_t now = clock_mono_ms();
	struct net_conn *next;
	for (struct net_conn *conn = loop->conn_first; conn != NULL; conn = next) {
		next = conn->next;
		bool slow = conn->flow != NULL && (overdue(conn, now) || net_flow_overdue(conn, now));
		if (!slow && !overdue(conn, now))
			continue;
		counter_add(loop->counters, slow ? COUNTER_TCP_SLOW : COUNTER_TCP_IDLE_CLOSED, 1);
		net_conn_close(conn);
	}
	if (loop->conn_first == NULL) {
		uv_timer_stop(timer);
		loop->sweeping = false;
	}
}

static void sweep_start(struct net_loop *loop)
{
	if (loop->sweeping)
		return;
	uint64_t every = loop->settings.tcp_idle_ms / 8;
	if (every < NET_TCP_SWEEP_MIN_MS)
		every = NET_TCP_SWEEP_MIN_MS;
	if (every > NET_TCP_SWEEP_MAX_MS)
		every = NET_TCP_SWEEP_MAX_MS;
	loop->sweeping = true;
	uv_timer_start(&loop->sweep, on_sweep, every, every);
}

/* A sign of life: the connection goes to the end of the list that evict_idle() takes from. */
static void conn_active(struct net_conn *conn)
{
	struct net_loop *loop = conn->loop;
	conn->active_ms = loop->now_ms;
	if (loop->conn_last == conn)
		return;
	list_remove(loop, conn);
	list_append(loop, conn);
}

/* ---- writing ---- */

static void conn_resume(struct net_conn *conn);

static void on_written(uv_write_t *req, int status)
{
	struct block *block = (struct block *)req;
	struct net_conn *conn = block->conn;
	free(block);
	if (conn->closing)
		return;
	net_turn(conn->loop);
	if (status < 0) {
		net_conn_close(conn);
		return;
	}
	conn->unsent_ms = net_conn_unsent(conn) > 0 ? conn->loop->now_ms : 0;
	net_flow_pump(conn);
	conn_resume(conn);
	close_if_finished(conn);
}

static int queue_block(struct net_conn *conn, const uv_buf_t *bufs, unsigned n, size_t skip)
{
	size_t len = 0, pos = 0;
	for (unsigned i = 0; i < n; i++)
		len += bufs[i].len;
	if (net_conn_unsent(conn) + len - skip > NET_TCP_WRITE_MAX)
		return BANYAN_ELIMIT;
	struct block *block = malloc(sizeof(*block) + len - skip);
	if (block == NULL)
		return BANYAN_ENOMEM;
	block->conn = conn;
	for (unsigned i = 0; i < n; i++) {
		size_t off = skip < bufs[i].len ? skip : bufs[i].len;
		memcpy(block->data + pos, bufs[i].base + off, bufs[i].len - off);
		pos += bufs[i].len - off;
		skip -= off;
	}
	uv_buf_t buf = uv_buf_init(block->data, (unsigned)pos);
	if (uv_write(&block->req, (uv_stream_t *)&conn->tcp, &buf, 1, on_written) < 0) {
		free(block);
		return BANYAN_EIO;
	}
	if (conn->unsent_ms == 0)
		conn->unsent_ms = conn->loop->now_ms;
	return 0;
}

/* Sends at once what the kernel takes and queues the rest; closes the connection when that is not possible. */
static int conn_send(struct net_conn *conn, uv_buf_t *bufs, unsigned n)
{
	size_t len = 0;
	for (unsigned i = 0; i < n; i++)
		len += bufs[i].len;
	int sent = uv_try_write((uv_stream_t *)&conn->tcp, bufs, n);
	if (sent == UV_EAGAIN)
		sent = 0;
	int rc = sent < 0 ? BANYAN_EIO : 0;
	if (rc == 0 && (size_t)sent < len)
		rc = queue_block(conn, bufs, n, (size_t)sent);
	if (rc < 0)
		net_conn_close(conn);
	return rc;
}

/* What the session wants to send: records, and what belongs to the handshake. */
static int session_send(struct net_conn *conn)
{
	struct net_inbox *out = net_tls_out(conn->tls);
	if (out->len == 0)
		return 0;
	uv_buf_t buf = uv_buf_init((char *)out->data, (unsigned)out->len);
	int rc = conn_send(conn, &buf, 1);
	net_inbox_drop(out, out->len);
	return rc;
}

int net_conn_write(struct net_conn *conn, uv_buf_t *bufs, unsigned n)
{
	if (conn->tls == NULL)
		return conn_send(conn, bufs, n);
	int rc = 0;
	for (unsigned i = 0; i < n && rc == 0; i++)
		rc = net_tls_write(conn->tls, (const uint8_t *)bufs[i].base, bufs[i].len);
	if (rc == 0)
		return session_send(conn);
	net_conn_close(conn);
	return rc;
}

void net_conn_spend(struct net_conn *conn, size_t len)
{
	if (conn->turn_ms != conn->loop->now_ms)
		conn->turn = 0;
	conn->turn_ms = conn->loop->now_ms;
	conn->turn += len;
}

/* Replies to the questions of one read leave in one write. */
static void flush_replies(struct net_conn *conn)
{
	struct net_loop *loop = conn->loop;
	size_t len = loop->tcp_out_len;
	loop->tcp_out_len = 0;
	if (len == 0 || conn->closing)
		return;
	net_conn_spend(conn, len);
	uv_buf_t buf = uv_buf_init((char *)loop->tcp_out, (unsigned)len);
	(void)net_conn_write(conn, &buf, 1);
}

/* ---- reading ---- */

static void handle(struct net_conn *conn, const uint8_t *msg, size_t len)
{
	struct net_loop *loop = conn->loop;
	uint8_t *out = loop->tcp_out + loop->tcp_out_len;
	struct net_message m = {.msg = msg, .len = len, .reply = out + 2, .reply_cap = NET_MESSAGE_MAX};
	m.ticket = (struct net_ticket){.transport = NET_TCP,
				       .secure = conn->tls != NULL,
				       .peer = conn->peer,
				       .local = conn->local,
				       .scope = conn->scope,
				       .index = conn->index,
				       .generation = conn->generation};
	counter_add(loop->counters, COUNTER_TCP_QUESTIONS, 1);
	conn->in_flight++;
	int n = conn->listener->fn(conn->listener->ctx, &m);
	if (n == NET_LATER || conn->closing)
		return;
	conn->in_flight--;
	if (n <= 0)
		return;
	out[0] = (uint8_t)(n >> 8);
	out[1] = (uint8_t)n;
	loop->tcp_out_len += 2 + (size_t)n;
	counter_add(loop->counters, COUNTER_TCP_REPLIES, 1);
}

/* A client that asks for much, and for more while it is answered, could keep the loop from all others. */
bool net_conn_had_turn(const struct net_conn *conn)
{
	return conn->turn >= NET_TCP_TURN && conn->turn_ms == conn->loop->now_ms;
}

static bool may_read_on(const struct net_conn *conn)
{
	return !conn->closing && !net_conn_had_turn(conn) && conn->in_flight < conn->loop->settings.tcp_pipeline &&
	       net_conn_unsent(conn) < NET_TCP_PAUSE + (conn->flow != NULL ? NET_TCP_OUT_SIZE : 0);
}

/* Handles the whole messages at the start of `data`; returns how many bytes they took. */
static size_t take_messages(struct net_conn *conn, const uint8_t *data, size_t len)
{
	size_t pos = 0;
	while (may_read_on(conn) && net_has_whole(data + pos, len - pos)) {
		size_t n = (size_t)(data[pos] << 8 | data[pos + 1]);
		handle(conn, data + pos + 2, n);
		pos += 2 + n;
		if (conn->loop->tcp_out_len >= NET_TCP_GATHER)
			flush_replies(conn);
	}
	flush_replies(conn);
	return pos;
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf);

static void on_alloc(uv_handle_t *handle_, size_t suggested, uv_buf_t *buf)
{
	struct net_conn *conn = handle_->data;
	*buf = uv_buf_init((char *)conn->loop->tcp_in, NET_TCP_READ);
}

/* After questions were taken or replies sent: read on, or pause, and note since when a question is incomplete. */
static void conn_settle(struct net_conn *conn, bool took)
{
	if (conn->closing)
		return;
	bool partial = conn->in.len > 0 && !net_has_whole(conn->in.data, conn->in.len);
	if (took)
		conn_active(conn);
	if (!partial)
		conn->partial_ms = 0;
	else if (took || conn->partial_ms == 0)
		conn->partial_ms = conn->loop->now_ms;
	bool want = may_read_on(conn) && !conn->eof && (conn->in.len == 0 || partial);
	if (want && !conn->reading && uv_read_start((uv_stream_t *)&conn->tcp, on_alloc, on_read) < 0) {
		net_conn_close(conn);
		return;
	}
	if (!want && conn->reading)
		uv_read_stop((uv_stream_t *)&conn->tcp);
	conn->reading = want;
	if (net_conn_had_turn(conn) && !uv_is_active((uv_handle_t *)&conn->loop->resume))
		uv_timer_start(&conn->loop->resume, net_tcp_resume, 1, 0);
	if (!conn->eof || !partial)
		return;
	net_inbox_drop(&conn->in, conn->in.len); /* the rest of it will never come */
	conn->partial_ms = 0;
}

/* Questions, whole or in part; returns how many bytes were taken. */
static size_t take_bytes(struct net_conn *conn, const uint8_t *data, size_t len)
{
	size_t taken = 0;
	if (conn->in.len == 0) { /* the usual case: whole messages, read where they lie */
		taken = take_messages(conn, data, len);
		if (!conn->closing && net_inbox_add(&conn->in, data + taken, len - taken) < 0)
			net_conn_close(conn);
	} else if (net_inbox_add(&conn->in, data, len) < 0) {
		net_conn_close(conn);
	} else {
		taken = take_messages(conn, conn->in.data, conn->in.len);
		if (!conn->closing)
			net_inbox_drop(&conn->in, taken);
	}
	return taken;
}

/* All that the session has of these bytes is taken: it keeps none back that nobody would ask for again. */
static size_t take_session(struct net_conn *conn, const uint8_t *data, size_t len)
{
	uint8_t plain[16384]; /* a record (RFC 8446 section 5.1) */
	size_t taken = 0, n;
	int rc = net_tls_take(conn->tls, data, len);
	if (session_send(conn) < 0)
		return 0;
	while (rc == 0 && !conn->closing) {
		rc = net_tls_read(conn->tls, plain, sizeof plain, &n);
		if (rc < 0 || n == 0)
			break;
		taken += take_bytes(conn, plain, n);
	}
	if (conn->closing)
		return taken;
	conn->eof |= net_tls_ended(conn->tls);
	if (rc < 0) {
		counter_add(conn->loop->counters, COUNTER_TLS_FAILED, 1);
		(void)session_send(conn);
		if (!conn->closing)
			net_conn_close(conn);
	}
	return taken;
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
	struct net_conn *conn = stream->data;
	net_turn(conn->loop);
	if (nread == 0 || conn->closing)
		return;
	if (nread < 0 && nread != UV_EOF) {
		net_conn_close(conn);
		return;
	}
	size_t taken = 0;
	if (nread == UV_EOF) {
		conn->eof = true;
	} else if (conn->tls != NULL) {
		taken = take_session(conn, (const uint8_t *)buf->base, (size_t)nread);
	} else {
		taken = take_bytes(conn, (const uint8_t *)buf->base, (size_t)nread);
	}
	conn_settle(conn, taken > 0);
	if (!conn->closing)
		close_if_finished(conn);
}

/* Room again in the pipeline or the write queue: what was read before comes first. */
static void conn_resume(struct net_conn *conn)
{
	if (conn->closing || conn->reading)
		return;
	size_t taken = 0;
	if (conn->in.len > 0 && may_read_on(conn)) {
		taken = take_messages(conn, conn->in.data, conn->in.len);
		if (conn->closing)
			return;
		net_inbox_drop(&conn->in, taken);
	}
	conn_settle(conn, taken > 0);
}

/* ---- later replies ---- */

int net_tcp_reply(struct net_loop *loop, const struct net_ticket *ticket, const uint8_t *msg, size_t len)
{
	struct net_conn *conn = net_conn_of(loop, ticket);
	if (conn == NULL)
		return BANYAN_ENOENT;
	uint8_t prefix[2] = {(uint8_t)(len >> 8), (uint8_t)len};
	uv_buf_t bufs[2] = {uv_buf_init((char *)prefix, 2), uv_buf_init((char *)msg, (unsigned)len)};
	conn->in_flight--;
	int rc = net_conn_write(conn, bufs, 2);
	if (rc < 0)
		return rc;
	counter_add(loop->counters, COUNTER_TCP_REPLIES, 1);
	conn_active(conn);
	if (!conn->reading)
		uv_timer_start(&loop->resume, net_tcp_resume, 0, 0);
	return 0;
}

void net_tcp_no_reply(struct net_loop *loop, const struct net_ticket *ticket)
{
	struct net_conn *conn = net_conn_of(loop, ticket);
	if (conn == NULL)
		return;
	conn->in_flight--;
	conn_active(conn);
	if (!conn->reading)
		uv_timer_start(&loop->resume, net_tcp_resume, 0, 0);
}

/* Paused connections are taken up again outside of net_reply(), which may be called from within a handler. */
void net_tcp_resume(uv_timer_t *timer)
{
	struct net_loop *loop = timer->data;
	net_turn(loop);
	struct net_conn *next;
	for (struct net_conn *conn = loop->conn_first; conn != NULL; conn = next) {
		next = conn->next;
		if (conn->reading && conn->flow == NULL)
			continue;
		net_flow_pump(conn);
		conn_resume(conn);
		if (!conn->closing)
			close_if_finished(conn);
	}
}

/* ---- accepting ---- */

static int conn_addresses(struct net_conn *conn)
{
	struct sockaddr_storage sa = {0};
	int len = sizeof(sa);
	uint32_t scope;
	if (uv_tcp_getpeername(&conn->tcp, (struct sockaddr *)&sa, &len) < 0)
		return BANYAN_EIO;
	net_sockaddr_to(&sa, &conn->peer, &conn->scope);
	conn->local = conn->listener->addr;
	if (!conn->listener->wildcard)
		return 0;
	len = sizeof(sa);
	if (uv_tcp_getsockname(&conn->tcp, (struct sockaddr *)&sa, &len) < 0)
		return BANYAN_EIO;
	net_sockaddr_to(&sa, &conn->local, &scope);
	return 0;
}

/* Makes room for a new client by closing the connection of this loop that has been idle longest (RFC 7766 section 6.2.3). */
static bool evict_idle(struct net_loop *loop)
{
	for (struct net_conn *conn = loop->conn_first; conn != NULL; conn = conn->next) {
		if (!is_idle(conn))
			continue;
		counter_add(loop->counters, COUNTER_TCP_IDLE_CLOSED, 1);
		net_conn_close(conn);
		return true;
	}
	return false;
}

/* Counts the connection against the limits and gives it its place. */
static int conn_admit(struct net_conn *conn)
{
	struct net_loop *loop = conn->loop;
	int rc = conn_addresses(conn);
	if (rc < 0)
		return rc;
	rc = net_limits_take(loop->limits, &conn->peer);
	if (rc == BANYAN_ELIMIT && evict_idle(loop))
		rc = net_limits_take(loop->limits, &conn->peer);
	if (rc < 0)
		return rc;
	rc = slot_take(loop, conn);
	if (rc < 0)
		net_limits_give(loop->limits, &conn->peer);
	return rc;
}

static int session_begin(struct net_conn *conn)
{
	if (!conn->listener->tls)
		return 0;
	return conn->loop->identity != NULL ? net_tls_server(conn->loop->identity, &conn->tls) : BANYAN_EACCES;
}

void net_tcp_accept(uv_stream_t *server, int status)
{
	struct net_listener *listener = server->data;
	struct net_loop *loop = listener->loop;
	net_turn(loop);
	struct net_conn *conn = status < 0 ? NULL : calloc(1, sizeof(*conn));
	if (conn == NULL)
		return;
	conn->loop = loop;
	conn->listener = listener;
	conn->tcp.data = conn;
	uv_tcp_init(&loop->uv, &conn->tcp);
	if (uv_accept(server, (uv_stream_t *)&conn->tcp) < 0 || session_begin(conn) < 0 || conn_admit(conn) < 0) {
		counter_add(loop->counters, COUNTER_TCP_REFUSED, 1);
		conn->closing = true;
		uv_close((uv_handle_t *)&conn->tcp, on_closed);
		return;
	}
	counter_add(loop->counters, COUNTER_TCP_CONNECTIONS, 1);
	loop->n_conns++;
	list_append(loop, conn);
	conn->active_ms = loop->now_ms;
	sweep_start(loop);
	conn_settle(conn, false);
}
