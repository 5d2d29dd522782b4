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
int net_source_address(struct net_loop *loop, uint8_t family, struct addr *ret)
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
	return (struct net_exchange **)&loop
		->bucket[(id * UINT64_C(0x9e3779b97f4a7c15)) >> 32 & (NET_EXCHANGE_BUCKETS - 1)];
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
	free(exchange->out);
	exchange->out = NULL;
	exchange->next = exchange->loop->spare;
	exchange->loop->spare = exchange;
}

static void exchange_end(struct net_exchange *exchange)
{
	exchange_unlink(exchange);
	if (exchange->transport == NET_TCP)
		net_stream_leave(exchange);
	else if (exchange->again != NULL)
		net_again_give(exchange->loop, exchange->again);
	else if (exchange->fd >= 0)
		close(exchange->fd); /* which ends its being watched */
	exchange->fd = -1;
	exchange_to_spare(exchange);
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
	net_stream_close_all(loop);
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

void net_exchange_tell(struct net_exchange *exchange, int error, const uint8_t *msg, size_t len)
{
	struct net_loop *loop = exchange->loop;
	struct net_exchange_event event = {
		.id = exchange->id,
		.transport = exchange->transport,
		.fragmented = exchange->fragmented,
		.error = error,
		.msg = msg,
		.len = len,
	};
	if (loop->exchange_fn != NULL)
		loop->exchange_fn(loop->exchange_ctx, &event);
}

/* The network ended it: it is closed before the owner hears of it. */
void net_exchange_fail(struct net_exchange *exchange, int error)
{
	struct net_loop *loop = exchange->loop;
	struct net_exchange_event event = {.id = exchange->id, .transport = exchange->transport, .error = error};
	exchange_end(exchange);
	if (loop->exchange_fn != NULL)
		loop->exchange_fn(loop->exchange_ctx, &event);
}

/* ---- UDP ---- */

void net_exchange_readable(struct net_loop *loop, uint64_t id)
{
	struct net_exchange *exchange = exchange_find(loop, id);
	/* the handler may close it, and another may take its memory */
	for (unsigned i = 0; i < NET_EXCHANGE_READS_MAX && exchange != NULL && exchange->fd >= 0; i++) {
		ssize_t n = net_socket_receive(exchange->fd, loop->exchange_in, NET_MESSAGE_MAX, &exchange->fragmented);
		if (n >= 0)
			net_exchange_tell(exchange, 0, loop->exchange_in, (size_t)n);
		else if (errno == EAGAIN)
			break;
		else if (errno != EINTR)
			net_exchange_fail(exchange, BANYAN_EIO);
		exchange = exchange_find(loop, id);
	}
}

int net_exchange_fd(struct net_loop *loop, uint64_t id)
{
	const struct net_exchange *exchange = exchange_find(loop, id);
	return exchange == NULL ? -1 : exchange->fd;
}

void net_exchange_give_up(struct net_loop *loop, uint64_t id, int error)
{
	struct net_exchange *exchange = exchange_find(loop, id);
	if (exchange != NULL)
		net_exchange_fail(exchange, error);
}

static uint16_t random_port(struct net_loop *loop)
{
	return (uint16_t)(NET_PORT_MIN + random_below(&loop->random, 65536 - NET_PORT_MIN));
}

/* Binds to `port`, or to another one at random if that is taken. */
static int bind_port(struct net_loop *loop, int fd, uint8_t family, uint16_t port)
{
	struct addr source;
	int rc = net_source_address(loop, family, &source);
	source.family = family; /* without one: the wildcard address */
	for (unsigned tries = 0; rc == 0 && tries < NET_PORT_TRIES; tries++, port = random_port(loop)) {
		struct sockaddr_storage sa;
		source.port = port;
		socklen_t len = net_sockaddr_from(&source, 0, &sa);
		if (bind(fd, (struct sockaddr *)&sa, len) == 0)
			return 0;
		if (errno != EADDRINUSE)
			return error_from_errno(errno);
	}
	return rc < 0 ? rc : BANYAN_EAGAIN;
}

int net_exchange_socket(const struct addr *to)
{
	int fd = net_socket(to, SOCK_DGRAM);
	if (fd >= 0) {
		net_socket_dont_fragment(fd, to->family);
		net_socket_tell_fragments(fd, to->family);
	}
	return fd;
}

/* A socket for this exchange alone. */
static int own_socket(struct net_exchange *exchange, const struct addr *to, uint16_t port)
{
	struct sockaddr_storage sa;
	socklen_t sa_len = net_sockaddr_from(to, 0, &sa);
	int fd = net_exchange_socket(to);
	if (fd < 0)
		return fd;
	int rc = bind_port(exchange->loop, fd, to->family, port);
	if (rc == 0 && connect(fd, (struct sockaddr *)&sa, sa_len) < 0)
		rc = error_from_errno(errno);
	if (rc == 0)
		rc = net_watch_add(exchange->loop, fd, exchange->id);
	if (rc < 0)
		close(fd);
	else
		exchange->fd = fd;
	return rc;
}

static int udp_socket(struct net_exchange *exchange, const struct addr *to)
{
	uint16_t port = random_port(exchange->loop);
	int rc = BANYAN_ELIMIT;
	if (net_again_suits(exchange->loop, port))
		rc = net_again_take(exchange->loop, to, exchange->id, &exchange->again);
	if (rc == 0)
		exchange->fd = exchange->again->fd;
	else
		exchange->again = NULL;
	return rc == BANYAN_ELIMIT ? own_socket(exchange, to, port) : rc;
}

static int udp_open(struct net_exchange *exchange, const struct addr *to, const uint8_t *msg, size_t len)
{
	int rc = udp_socket(exchange, to);
	if (rc < 0) {
		exchange_unlink(exchange);
		exchange_to_spare(exchange);
		return rc;
	}
	net_outbox_ask(exchange->loop, exchange->id, msg, len);
	return 0;
}

/* ---- TCP ---- */

static int tcp_open(struct net_exchange *exchange, const struct addr *to, const uint8_t *msg, size_t len)
{
	exchange->out = malloc(len);
	exchange->out_len = len;
	exchange->own_id = (uint16_t)(msg[0] << 8 | msg[1]);
	if (exchange->out != NULL)
		memcpy(exchange->out, msg, len);
	int rc = exchange->out == NULL ? BANYAN_ENOMEM : net_stream_join(exchange, to);
	if (rc < 0) {
		exchange_unlink(exchange);
		exchange_to_spare(exchange);
	}
	return rc;
}

/* ---- opening ---- */

int net_exchange_open(struct net_loop *loop, uint64_t id, enum net_transport transport, const struct addr *to,
		      const uint8_t *msg, size_t len)
{
	struct addr room;
	to = net_rerouted(loop, to, &room);
	if (len < 2 || len > NET_MESSAGE_MAX || to->port == 0 || id > UINT64_MAX - NET_AGAIN_MAX ||
	    exchange_find(loop, id) != NULL)
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
