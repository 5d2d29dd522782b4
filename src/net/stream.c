// SPDX-License-Identifier: GPL-3.0-or-later
/* TCP connections to other servers: kept, shared by exchanges (pipelining, RFC 7766 section 6.2.1.1), and bounded.
 * Replies come in any order and are told apart by their ID, which is made unique for each connection. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

struct block {
	uv_write_t req;
	uint8_t data[];
};

static struct net_stream **bucket_of(struct net_loop *loop, const struct addr *to)
{
	uint32_t h = to->port;
	for (size_t i = 0; i < sizeof(to->ip); i++)
		h = h * 31 + to->ip[i];
	return &loop->stream_bucket[h & (NET_STREAM_BUCKETS - 1)];
}

/* ---- waiting for a connection ----
 * When all connections to a server have as many questions as they may, or there are too many connections, a question waits here
 * until one of them is done, or until its owner gives it up. */

static void wait_append(struct net_exchange *exchange)
{
	struct net_loop *loop = exchange->loop;
	struct net_waiters *waiters = &loop->stream_waiters[bucket_of(loop, &exchange->to) - loop->stream_bucket];
	exchange->waiting = true;
	exchange->next_on_stream = NULL;
	exchange->prev_waiting = waiters->last;
	*(waiters->last != NULL ? &waiters->last->next_on_stream : &waiters->first) = exchange;
	waiters->last = exchange;
	loop->n_stream_waiters++;
}

static void wait_remove(struct net_exchange *exchange)
{
	struct net_loop *loop = exchange->loop;
	struct net_waiters *waiters = &loop->stream_waiters[bucket_of(loop, &exchange->to) - loop->stream_bucket];
	struct net_exchange *prev = exchange->prev_waiting, *next = exchange->next_on_stream;
	*(prev != NULL ? &prev->next_on_stream : &waiters->first) = next;
	*(next != NULL ? &next->prev_waiting : &waiters->last) = prev;
	exchange->waiting = false;
	loop->n_stream_waiters--;
}

/* Outside of all handlers, once for all that has become free by then. */
static void feed_soon(struct net_loop *loop)
{
	if (loop->n_stream_waiters > 0 && !uv_is_active((uv_handle_t *)&loop->stream_feed))
		uv_timer_start(&loop->stream_feed, net_stream_feed, 0, 0);
}

/* ---- closing ---- */

static void on_closed(uv_handle_t *handle)
{
	struct net_stream *stream = handle->data;
	net_inbox_done(&stream->in);
	free(stream);
}

/* Takes it out of the table; exchanges that are still on it are the caller's to care for. */
static void stream_close(struct net_stream *stream)
{
	if (stream->closing)
		return;
	stream->closing = true;
	struct net_stream **at = bucket_of(stream->loop, &stream->to);
	while (*at != stream)
		at = &(*at)->next;
	*at = stream->next;
	stream->loop->n_streams--;
	uv_close((uv_handle_t *)&stream->tcp, on_closed);
	feed_soon(stream->loop);
}

static void detach(struct net_exchange *exchange)
{
	struct net_stream *stream = exchange->stream;
	struct net_exchange **at = &stream->first;
	while (*at != exchange)
		at = &(*at)->next_on_stream;
	*at = exchange->next_on_stream;
	exchange->stream = NULL;
	stream->in_flight--;
	stream->idle_since_ms = stream->loop->now_ms;
	feed_soon(stream->loop);
}

/* One that nobody needs any more: used up, under suspicion, or not even connected. */
static void close_if_useless(struct net_stream *stream)
{
	const struct net_settings *s = &stream->loop->settings;
	if (stream->in_flight == 0 &&
	    (stream->retired || !stream->connected || stream->asked >= s->upstream_tcp_queries))
		stream_close(stream);
}

void net_stream_leave(struct net_exchange *exchange)
{
	struct net_stream *stream = exchange->stream;
	if (exchange->waiting)
		wait_remove(exchange);
	if (stream == NULL)
		return;
	/* no byte came since it was asked: perhaps the other end is gone without a word, so nothing new is sent there */
	if (!exchange->answered && stream->heard_ms < exchange->sent_ms &&
	    stream->loop->now_ms - exchange->sent_ms >= NET_STREAM_SILENT_MS)
		stream->retired = true;
	detach(exchange);
	close_if_useless(stream);
}

/* The connection is lost. A server may close whenever it likes, also just when it is asked: such questions go on over a
 * connection of their own, once (RFC 7766 section 6.2.4); who was alone on a new one is told. */
static void stream_lost(struct net_stream *stream, bool may_retry)
{
	bool served = stream->served > 0 || stream->in_flight > 1;
	stream_close(stream);
	while (stream->first != NULL) {
		struct net_exchange *exchange = stream->first;
		detach(exchange);
		if (may_retry && served && !exchange->retried && !exchange->answered) {
			exchange->retried = true;
			if (net_stream_join(exchange, &stream->to) == 0) {
				counter_add(stream->loop->counters, COUNTER_UPSTREAM_TCP_RETRIED, 1);
				continue;
			}
		}
		net_exchange_fail(exchange, BANYAN_EIO);
	}
}

/* ---- reading ---- */

static struct net_exchange *find_by_id(struct net_stream *stream, uint16_t id)
{
	struct net_exchange *exchange = stream->first;
	while (exchange != NULL && exchange->wire_id != id)
		exchange = exchange->next_on_stream;
	return exchange;
}

/* A whole message: it goes to the exchange with its ID, under the ID that the exchange's owner chose. */
static void take_message(struct net_stream *stream, uint8_t *msg, size_t len)
{
	uint16_t id = len >= 2 ? (uint16_t)(msg[0] << 8 | msg[1]) : 0;
	struct net_exchange *exchange = len >= 2 ? find_by_id(stream, id) : NULL;
	if (exchange == NULL) { /* late, or never asked for */
		counter_add(stream->loop->counters, COUNTER_UPSTREAM_MISMATCHED, 1);
		if (++stream->strays > NET_STREAM_STRAYS_MAX)
			stream_lost(stream, false);
		return;
	}
	msg[0] = (uint8_t)(exchange->own_id >> 8);
	msg[1] = (uint8_t)exchange->own_id;
	exchange->answered = true;
	stream->served++;
	net_exchange_tell(exchange, 0, msg, len); /* the exchange may be another one's when this returns */
}

static size_t take_messages(struct net_stream *stream, uint8_t *data, size_t len)
{
	size_t pos = 0;
	while (!stream->closing && net_has_whole(data + pos, len - pos)) {
		size_t n = (size_t)(data[pos] << 8 | data[pos + 1]);
		take_message(stream, data + pos + 2, n);
		pos += 2 + n;
	}
	return pos;
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct net_stream *stream = handle->data;
	*buf = uv_buf_init((char *)stream->loop->tcp_in, NET_TCP_IN_SIZE);
}

static void on_read(uv_stream_t *tcp, ssize_t nread, const uv_buf_t *buf)
{
	struct net_stream *stream = tcp->data;
	net_turn(stream->loop);
	if (stream->closing || nread == 0)
		return;
	if (nread < 0) {
		stream_lost(stream, true);
		return;
	}
	uint8_t *data = (uint8_t *)buf->base;
	size_t len = (size_t)nread, taken;
	bool kept = stream->in.len > 0;
	stream->heard_ms = stream->loop->now_ms;
	if (kept && net_inbox_add(&stream->in, data, len) < 0) {
		stream_lost(stream, false);
		return;
	}
	taken = kept ? take_messages(stream, stream->in.data, stream->in.len) : take_messages(stream, data, len);
	if (stream->closing)
		return;
	if (kept)
		net_inbox_drop(&stream->in, taken);
	else if (net_inbox_add(&stream->in, data + taken, len - taken) < 0)
		stream_lost(stream, false);
	if (stream->in.len == 0)
		stream->partial_ms = 0;
	else if (taken > 0 || stream->partial_ms == 0)
		stream->partial_ms = stream->loop->now_ms;
}

/* ---- writing ---- */

static void on_written(uv_write_t *req, int status)
{
	struct net_stream *stream = req->handle->data;
	free((struct block *)req);
	net_turn(stream->loop);
	if (status < 0 && !stream->closing)
		stream_lost(stream, true);
}

/* libuv keeps what is written before the connection stands. */
static int write_message(struct net_stream *stream, const struct net_exchange *exchange)
{
	size_t len = exchange->out_len;
	struct block *block = malloc(sizeof(*block) + 2 + len);
	if (block == NULL)
		return BANYAN_ENOMEM;
	block->data[0] = (uint8_t)(len >> 8);
	block->data[1] = (uint8_t)len;
	memcpy(block->data + 2, exchange->out, len);
	block->data[2] = (uint8_t)(exchange->wire_id >> 8);
	block->data[3] = (uint8_t)exchange->wire_id;
	uv_buf_t buf = uv_buf_init((char *)block->data, (unsigned)(2 + len));
	if (uv_write(&block->req, (uv_stream_t *)&stream->tcp, &buf, 1, on_written) < 0) {
		free(block);
		return BANYAN_EIO;
	}
	return 0;
}

/* ---- deadlines ---- */

/* A message that has begun must be whole in time, however its bytes drip; what nobody uses is closed. */
static void sweep_bucket(struct net_loop *loop, size_t bucket)
{
	const struct net_settings *s = &loop->settings;
	struct net_stream *stream = loop->stream_bucket[bucket];
	while (stream != NULL) {
		if (stream->partial_ms != 0 && loop->now_ms - stream->partial_ms >= s->upstream_tcp_message_ms) {
			counter_add(loop->counters, COUNTER_UPSTREAM_TCP_SLOW, 1);
			stream_lost(stream, false);
			stream = loop->stream_bucket[bucket]; /* whoever was told may have changed the list */
		} else if (stream->in_flight == 0 && loop->now_ms - stream->idle_since_ms >= s->upstream_tcp_idle_ms) {
			struct net_stream *next = stream->next;
			stream_close(stream);
			stream = next;
		} else {
			stream = stream->next;
		}
	}
}

static void on_sweep(uv_timer_t *timer)
{
	struct net_loop *loop = timer->data;
	net_turn(loop);
	for (size_t i = 0; i < NET_STREAM_BUCKETS; i++)
		sweep_bucket(loop, i);
	if (loop->n_streams == 0)
		uv_timer_stop(timer);
}

static void sweep_start(struct net_loop *loop)
{
	const struct net_settings *s = &loop->settings;
	uint64_t least = s->upstream_tcp_idle_ms < s->upstream_tcp_message_ms ? s->upstream_tcp_idle_ms
									      : s->upstream_tcp_message_ms;
	uint64_t every = least / 8;
	if (every < NET_TCP_SWEEP_MIN_MS)
		every = NET_TCP_SWEEP_MIN_MS;
	if (every > NET_TCP_SWEEP_MAX_MS)
		every = NET_TCP_SWEEP_MAX_MS;
	if (!uv_is_active((uv_handle_t *)&loop->stream_sweep))
		uv_timer_start(&loop->stream_sweep, on_sweep, every, every);
}

void net_stream_close_all(struct net_loop *loop)
{
	for (size_t i = 0; i < NET_STREAM_BUCKETS; i++)
		while (loop->stream_bucket[i] != NULL)
			stream_close(loop->stream_bucket[i]);
}

/* ---- opening ---- */

static void on_connected(uv_connect_t *req, int status)
{
	struct net_stream *stream = req->handle->data;
	net_turn(stream->loop);
	if (stream->closing)
		return;
	stream->connected = true;
	if (status < 0 || uv_read_start((uv_stream_t *)&stream->tcp, on_alloc, on_read) < 0)
		stream_lost(stream, false);
}

static int start_connecting(struct net_stream *stream)
{
	struct net_loop *loop = stream->loop;
	struct sockaddr_storage sa;
	struct addr source;
	int rc = net_source_address(loop, stream->to.family, &source);
	if (rc < 0)
		return rc;
	if (source.family != 0) {
		source.port = 0;
		net_sockaddr_from(&source, 0, &sa);
		if (uv_tcp_bind(&stream->tcp, (struct sockaddr *)&sa, 0) < 0)
			return BANYAN_EIO;
	}
	net_sockaddr_from(&stream->to, 0, &sa);
	if (uv_tcp_connect(&stream->connect, &stream->tcp, (struct sockaddr *)&sa, on_connected) < 0)
		return BANYAN_EIO;
	uv_tcp_nodelay(&stream->tcp, 1);
	return 0;
}

/* Makes room by closing the connection that is unused longest. */
static bool evict_idle(struct net_loop *loop)
{
	struct net_stream *oldest = NULL;
	for (size_t i = 0; i < NET_STREAM_BUCKETS; i++)
		for (struct net_stream *stream = loop->stream_bucket[i]; stream != NULL; stream = stream->next)
			if (stream->in_flight == 0 && (oldest == NULL || stream->idle_since_ms < oldest->idle_since_ms))
				oldest = stream;
	if (oldest != NULL)
		stream_close(oldest);
	return oldest != NULL;
}

static int stream_new(struct net_loop *loop, const struct addr *to, struct net_stream **ret)
{
	if (loop->n_streams >= loop->settings.upstream_tcp_connections && !evict_idle(loop))
		return BANYAN_ELIMIT;
	struct net_stream *stream = calloc(1, sizeof(*stream));
	if (stream == NULL)
		return BANYAN_ENOMEM;
	if (uv_tcp_init(&loop->uv, &stream->tcp) < 0) {
		free(stream);
		return BANYAN_EIO;
	}
	stream->loop = loop;
	stream->to = *to;
	stream->tcp.data = stream;
	struct net_stream **bucket = bucket_of(loop, to);
	stream->next = *bucket;
	*bucket = stream;
	loop->n_streams++;
	int rc = start_connecting(stream);
	if (rc < 0) {
		stream_close(stream);
		return rc;
	}
	counter_add(loop->counters, COUNTER_UPSTREAM_TCP_CONNECTIONS, 1);
	sweep_start(loop);
	*ret = stream;
	return 0;
}

/* How many connections to a server there may be. One that accepts and says nothing gets few; who is asked again because a server
 * has closed a connection gets one of his own all the same. */
static uint32_t streams_most(const struct net_settings *settings, bool proved)
{
	uint32_t most = settings->upstream_tcp_per_server;
	return proved || most < NET_STREAM_UNPROVED ? most : NET_STREAM_UNPROVED;
}

/* The connection to this server that has the least to do; NULL when a new one is to be made. */
static int stream_for(struct net_loop *loop, const struct addr *to, bool fresh, struct net_stream **ret)
{
	const struct net_settings *s = &loop->settings;
	struct net_stream *best = NULL;
	uint32_t n = 0;
	bool proved = fresh;
	for (struct net_stream *stream = *bucket_of(loop, to); stream != NULL; stream = stream->next) {
		if (!addr_equal(&stream->to, to))
			continue;
		n++;
		proved = proved || stream->served > 0;
		bool takes_more = !stream->retired && stream->asked < s->upstream_tcp_queries &&
				  stream->in_flight < s->upstream_tcp_pipeline;
		if (takes_more && !fresh && (best == NULL || stream->in_flight < best->in_flight))
			best = stream;
	}
	*ret = best;
	if (best != NULL)
		return 0;
	return n < streams_most(s, proved) ? stream_new(loop, to, ret) : BANYAN_ELIMIT;
}

/* The owner's ID where that is free on this connection, else a random one that is. */
static uint16_t free_id(struct net_stream *stream, uint16_t id)
{
	while (find_by_id(stream, id) != NULL) /* at most upstream_tcp_pipeline of 65536 are taken */
		id = random_u16(&stream->loop->random);
	return id;
}

static int attach(struct net_exchange *exchange, struct net_stream *stream)
{
	struct net_loop *loop = exchange->loop;
	exchange->wire_id = free_id(stream, exchange->own_id);
	int rc = write_message(stream, exchange);
	if (rc < 0) {
		close_if_useless(stream);
		return rc;
	}
	if (stream->asked > 0)
		counter_add(loop->counters, COUNTER_UPSTREAM_TCP_REUSED, 1);
	exchange->sent_ms = loop->now_ms;
	exchange->stream = stream;
	exchange->next_on_stream = stream->first;
	stream->first = exchange;
	stream->in_flight++;
	stream->asked++;
	stream->retired = stream->retired || exchange->retried; /* a connection of its own */
	return 0;
}

int net_stream_join(struct net_exchange *exchange, const struct addr *to)
{
	struct net_stream *stream;
	exchange->to = *to;
	int rc = stream_for(exchange->loop, to, exchange->retried, &stream);
	if (rc != BANYAN_ELIMIT)
		return rc < 0 ? rc : attach(exchange, stream);
	counter_add(exchange->loop->counters, COUNTER_UPSTREAM_TCP_WAITED, 1);
	wait_append(exchange);
	return 0;
}

/* Those who wait, in their order; of one server's the first that finds no place stands for all. False when somebody was told
 * that his turn failed: he may have changed the list. */
static bool feed_bucket(struct net_loop *loop, struct net_waiters *waiters)
{
	struct addr full = {0};
	struct net_exchange *next;
	for (struct net_exchange *exchange = waiters->first; exchange != NULL; exchange = next) {
		struct net_stream *stream;
		next = exchange->next_on_stream;
		if (addr_equal(&exchange->to, &full))
			continue;
		int rc = stream_for(loop, &exchange->to, exchange->retried, &stream);
		if (rc == BANYAN_ELIMIT) {
			full = exchange->to;
			continue;
		}
		wait_remove(exchange);
		rc = rc < 0 ? rc : attach(exchange, stream);
		if (rc < 0) {
			net_exchange_fail(exchange, rc);
			return false;
		}
	}
	return true;
}

void net_stream_feed(uv_timer_t *timer)
{
	struct net_loop *loop = timer->data;
	net_turn(loop);
	for (size_t i = 0; i < NET_STREAM_BUCKETS && loop->n_stream_waiters > 0; i++)
		if (!feed_bucket(loop, &loop->stream_waiters[i])) {
			feed_soon(loop);
			return;
		}
}
