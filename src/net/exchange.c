// SPDX-License-Identifier: GPL-3.0-or-later
/* Messages that go out to other servers and what comes back: each UDP one from a socket and a random port of its own. */
#include "private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- where to ---- */

int net_reroute_compare(const void *a, const void *b)
{
	const struct net_reroute *x = a, *y = b;
	if (x->from.family != y->from.family)
		return x->from.family < y->from.family ? -1 : 1;
	return memcmp(x->from.ip, y->from.ip, sizeof(x->from.ip));
}

/* `to` itself, or where it really is, written to `room`. */
const struct addr *net_rerouted(const struct net_loop *loop, const struct addr *to, struct addr *room)
{
	if (loop->settings.n_reroutes == 0)
		return to;
	struct net_reroute key = {.from = *to};
	const struct net_reroute *found =
		bsearch(&key, loop->reroute, loop->settings.n_reroutes, sizeof(*loop->reroute), net_reroute_compare);
	if (found == NULL)
		return to;
	*room = found->to;
	if (room->port == 0)
		room->port = to->port;
	return room;
}

/* One of the source addresses of this family at random; family 0 when the kernel shall choose; BANYAN_EUNSUPP when there
 * are source addresses, but none of this family. */
static int source_address(struct net_loop *loop, uint8_t family, struct addr *ret)
{
	size_t n = 0;
	*ret = (struct addr){0};
	for (size_t i = 0; i < loop->settings.n_outgoing; i++)
		n += loop->outgoing[i].family == family;
	if (loop->settings.n_outgoing == 0)
		return 0;
	if (n == 0)
		return BANYAN_EUNSUPP;
	uint32_t nth = random_below(&loop->random, (uint32_t)n);
	for (size_t i = 0; i < loop->settings.n_outgoing; i++)
		if (loop->outgoing[i].family == family && nth-- == 0)
			*ret = loop->outgoing[i];
	return 0;
}

/* ---- the table ---- */

static struct net_exchange **bucket_of(struct net_loop *loop, uint64_t id)
{
	return &loop->bucket[(id * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (NET_EXCHANGE_BUCKETS - 1)];
}

static struct net_exchange *exchange_find(struct net_loop *loop, uint64_t id)
{
	struct net_exchange *exchange = *bucket_of(loop, id);
	while (exchange != NULL && exchange->id != id)
		exchange = exchange->next;
	return exchange;
}

static struct net_exchange *exchange_new(struct net_loop *loop, uint64_t id, enum net_transport transport)
{
	struct net_exchange *exchange = loop->spare;
	if (exchange != NULL)
		loop->spare = exchange->next;
	else if ((exchange = malloc(sizeof(*exchange))) == NULL)
		return NULL;
	*exchange = (struct net_exchange){.loop = loop, .id = id, .transport = transport, .fd = -1, .open = true};
	struct net_exchange **bucket = bucket_of(loop, id);
	exchange->next = *bucket;
	*bucket = exchange;
	loop->n_exchanges++;
	return exchange;
}

static void exchange_unlink(struct net_exchange *exchange)
{
	struct net_exchange **at = bucket_of(exchange->loop, exchange->id);
	while (*at != exchange)
		at = &(*at)->next;
	*at = exchange->next;
	exchange->open = false;
	exchange->loop->n_exchanges--;
}

static void exchange_to_spare(struct net_exchange *exchange)
{
	free(exchange->in);
	free(exchange->out);
	exchange->in = exchange->out = NULL;
	exchange->next = exchange->loop->spare;
	exchange->loop->spare = exchange;
}

static void on_closed(uv_handle_t *handle)
{
	struct net_exchange *exchange = handle->data;
	if (exchange->fd >= 0)
		close(exchange->fd);
	exchange->fd = -1;
	exchange_to_spare(exchange);
}

static void exchange_end(struct net_exchange *exchange)
{
	exchange_unlink(exchange);
	uv_close(&exchange->handle, on_closed);
}

void net_exchange_close(struct net_loop *loop, uint64_t id)
{
	struct net_exchange *exchange = exchange_find(loop, id);
	if (exchange != NULL)
		exchange_end(exchange);
}

void net_exchange_close_all(struct net_loop *loop)
{
	for (size_t i = 0; i < NET_EXCHANGE_BUCKETS; i++)
		while (loop->bucket[i] != NULL)
			exchange_end(loop->bucket[i]);
}

void net_exchange_free_spare(struct net_loop *loop)
{
	while (loop->spare != NULL) {
		struct net_exchange *exchange = loop->spare;
		loop->spare = exchange->next;
		free(exchange);
	}
}

/* ---- what came back ---- */

void net_on_exchange(struct net_loop *loop, net_exchange_fn fn, void *ctx)
{
	loop->exchange_fn = fn;
	loop->exchange_ctx = ctx;
}

static void tell(struct net_exchange *exchange, int error, const uint8_t *msg, size_t len)
{
	struct net_loop *loop = exchange->loop;
	struct net_exchange_event event = {
		.id = exchange->id,
		.transport = exchange->transport,
		.error = error,
		.msg = msg,
		.len = len,
	};
	if (loop->exchange_fn != NULL)
		loop->exchange_fn(loop->exchange_ctx, &event);
}

/* The network ended it: it is closed before the owner hears of it. */
static void exchange_fail(struct net_exchange *exchange, int error)
{
	exchange_end(exchange); /* its memory stays until the loop's turn ends */
	tell(exchange, error, NULL, 0);
}

/* ---- UDP ---- */

static void on_datagram(uv_poll_t *poll, int status, int events)
{
	struct net_exchange *exchange = poll->data;
	struct net_loop *loop = exchange->loop;
	net_turn(loop);
	for (unsigned i = 0; i < NET_EXCHANGE_READS_MAX && exchange->open; i++) {
		ssize_t n = recv(exchange->fd, loop->exchange_in, NET_MESSAGE_MAX, 0);
		if (n >= 0) /* the handler may close the exchange */
			tell(exchange, 0, loop->exchange_in, (size_t)n);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			exchange_fail(exchange, BANYAN_EIO);
	}
	if (status < 0 && exchange->open) /* libuv stops watching after an error */
		uv_poll_start(poll, UV_READABLE, on_datagram);
}

/* Binds to a random port: the kernel's own choice is from a smaller range and not for us to test. */
static int bind_random_port(struct net_loop *loop, int fd, uint8_t family)
{
	struct addr source;
	int rc = source_address(loop, family, &source);
	source.family = family; /* without one: the wildcard address */
	for (unsigned tries = 0; rc == 0 && tries < NET_PORT_TRIES; tries++) {
		struct sockaddr_storage sa;
		source.port = (uint16_t)(NET_PORT_MIN + random_below(&loop->random, 65536 - NET_PORT_MIN));
		socklen_t len = net_sockaddr_from(&source, 0, &sa);
		if (bind(fd, (struct sockaddr *)&sa, len) == 0)
			return 0;
		if (errno != EADDRINUSE)
			return error_from_errno(errno);
	}
	return rc < 0 ? rc : BANYAN_EAGAIN;
}

static int udp_socket(struct net_loop *loop, const struct addr *to, const uint8_t *msg, size_t len)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = net_sockaddr_from(to, 0, &sa);
	int fd = net_socket(to, SOCK_DGRAM);
	if (fd < 0)
		return fd;
	net_socket_no_pmtu(fd, to->family);
	int rc = bind_random_port(loop, fd, to->family);
	if (rc == 0 && connect(fd, (struct sockaddr *)&sa, sa_len) < 0)
		rc = error_from_errno(errno);
	if (rc == 0 && send(fd, msg, len, 0) < 0)
		rc = error_from_errno(errno);
	if (rc < 0) {
		close(fd);
		return rc;
	}
	return fd;
}

static int udp_open(struct net_exchange *exchange, const struct addr *to, const uint8_t *msg, size_t len)
{
	struct net_loop *loop = exchange->loop;
	int fd = udp_socket(loop, to, msg, len);
	int rc = fd < 0 ? fd : 0;
	if (rc == 0 && uv_poll_init(&loop->uv, &exchange->poll, fd) < 0) {
		close(fd);
		rc = BANYAN_EIO;
	}
	if (rc < 0) {
		exchange_unlink(exchange);
		exchange_to_spare(exchange);
		return rc;
	}
	exchange->fd = fd;
	exchange->poll.data = exchange;
	if (uv_poll_start(&exchange->poll, UV_READABLE, on_datagram) < 0) {
		exchange_end(exchange);
		return BANYAN_EIO;
	}
	return 0;
}

/* ---- TCP ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct net_exchange *exchange = handle->data;
	*buf = uv_buf_init((char *)exchange->in + exchange->in_len, (unsigned)(exchange->in_cap - exchange->in_len));
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
	struct net_exchange *exchange = stream->data;
	net_turn(exchange->loop);
	if (!exchange->open || nread == 0)
		return;
	if (nread < 0) {
		exchange_fail(exchange, BANYAN_EIO);
		return;
	}
	exchange->in_len += (size_t)nread;
	while (exchange->in_len >= 2) {
		size_t len = (size_t)(exchange->in[0] << 8 | exchange->in[1]);
		if (exchange->in_len - 2 < len)
			break;
		tell(exchange, 0, exchange->in + 2, len);
		if (!exchange->open)
			return;
		exchange->in_len -= 2 + len;
		memmove(exchange->in, exchange->in + 2 + len, exchange->in_len);
	}
}

static void on_written(uv_write_t *req, int status)
{
	struct net_exchange *exchange = req->handle->data;
	net_turn(exchange->loop);
	if (status < 0 && exchange->open)
		exchange_fail(exchange, BANYAN_EIO);
}

static void on_connected(uv_connect_t *req, int status)
{
	struct net_exchange *exchange = req->handle->data;
	uv_stream_t *stream = (uv_stream_t *)&exchange->tcp;
	net_turn(exchange->loop);
	if (!exchange->open)
		return;
	uv_buf_t buf = uv_buf_init((char *)exchange->out, (unsigned)exchange->out_len);
	if (status < 0 || uv_write(&exchange->write, stream, &buf, 1, on_written) < 0 ||
	    uv_read_start(stream, on_alloc, on_read) < 0)
		exchange_fail(exchange, BANYAN_EIO);
}

static int tcp_buffers(struct net_exchange *exchange, const uint8_t *msg, size_t len)
{
	exchange->in_cap = NET_MESSAGE_MAX + 2;
	exchange->in = malloc(exchange->in_cap);
	exchange->out = malloc(len + 2);
	if (exchange->in == NULL || exchange->out == NULL)
		return BANYAN_ENOMEM;
	exchange->out[0] = (uint8_t)(len >> 8);
	exchange->out[1] = (uint8_t)len;
	memcpy(exchange->out + 2, msg, len);
	exchange->out_len = len + 2;
	return 0;
}

static int tcp_connect(struct net_exchange *exchange, const struct addr *to)
{
	struct net_loop *loop = exchange->loop;
	struct sockaddr_storage sa;
	struct addr source;
	int rc = source_address(loop, to->family, &source);
	if (rc < 0)
		return rc;
	if (source.family != 0) {
		source.port = 0;
		net_sockaddr_from(&source, 0, &sa);
		if (uv_tcp_bind(&exchange->tcp, (struct sockaddr *)&sa, 0) < 0)
			return BANYAN_EIO;
	}
	net_sockaddr_from(to, 0, &sa);
	if (uv_tcp_connect(&exchange->connect, &exchange->tcp, (struct sockaddr *)&sa, on_connected) < 0)
		return BANYAN_EIO;
	uv_tcp_nodelay(&exchange->tcp, 1);
	return 0;
}

static int tcp_open(struct net_exchange *exchange, const struct addr *to, const uint8_t *msg, size_t len)
{
	int rc = tcp_buffers(exchange, msg, len);
	if (rc == 0 && uv_tcp_init(&exchange->loop->uv, &exchange->tcp) < 0)
		rc = BANYAN_EIO;
	if (rc < 0) {
		exchange_unlink(exchange);
		exchange_to_spare(exchange);
		return rc;
	}
	exchange->tcp.data = exchange;
	rc = tcp_connect(exchange, to);
	if (rc < 0)
		exchange_end(exchange);
	return rc;
}

/* ---- opening ---- */

int net_exchange_open(struct net_loop *loop, uint64_t id, enum net_transport transport, const struct addr *to,
		      const uint8_t *msg, size_t len)
{
	struct addr room;
	to = net_rerouted(loop, to, &room);
	if (len > NET_MESSAGE_MAX || to->port == 0 || exchange_find(loop, id) != NULL)
		return BANYAN_EINVAL;
	if (!(to->family == 4 && loop->settings.ipv4) && !(to->family == 6 && loop->settings.ipv6))
		return BANYAN_EUNSUPP;
	if (loop->n_exchanges >= NET_EXCHANGES_MAX)
		return BANYAN_ELIMIT;
	struct net_exchange *exchange = exchange_new(loop, id, transport);
	if (exchange == NULL)
		return BANYAN_ENOMEM;
	return transport == NET_UDP ? udp_open(exchange, to, msg, len) : tcp_open(exchange, to, msg, len);
}
