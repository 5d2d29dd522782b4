// SPDX-License-Identifier: GPL-3.0-or-later
/* Listeners for TCP with TLS: beside those for UDP and TCP, which share a port. */
#include "private.h"

#include <stdlib.h>
#include <unistd.h>

static int open_listener(struct net_listener *listener)
{
	struct net_loop *loop = listener->loop;
	int fd = net_bound_socket(&listener->addr, SOCK_STREAM);
	if (fd < 0) {
		free(listener);
		return fd;
	}
	net_socket_set(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* connections inherit it */
	int rc = listener->addr.port == 0 ? net_socket_local(fd, &listener->addr) : 0;
	uv_tcp_init(&loop->uv, &listener->tcp);
	listener->tcp.data = listener;
	if (rc < 0 || uv_tcp_open(&listener->tcp, fd) < 0) {
		close(fd);
		rc = BANYAN_EIO;
	} else if (!loop->settings.accept_later) {
		rc = uv_listen((uv_stream_t *)&listener->tcp, NET_TCP_BACKLOG, net_tcp_accept);
		rc = rc == UV_EADDRINUSE ? BANYAN_EEXIST : rc < 0 ? BANYAN_EIO : 0;
	}
	if (rc < 0)
		uv_close((uv_handle_t *)&listener->tcp, net_listener_closed);
	return rc;
}

int net_listen_tls(struct net_loop *loop, const struct addr *addr, net_message_fn fn, void *ctx, uint16_t *ret_port)
{
	struct net_listener *listener = calloc(1, sizeof *listener);
	if (listener == NULL)
		return BANYAN_ENOMEM;
	*listener = (struct net_listener){.loop = loop,
					  .addr = *addr,
					  .fn = fn,
					  .ctx = ctx,
					  .wildcard = net_is_wildcard(addr),
					  .udp_fd = -1,
					  .tls = true};
	int rc = open_listener(listener);
	if (rc < 0)
		return rc;
	listener->next = loop->tls_listeners;
	loop->tls_listeners = listener;
	if (ret_port != NULL)
		*ret_port = listener->addr.port;
	return 0;
}

int net_tls_listen_accept(struct net_loop *loop)
{
	int rc = 0;
	for (struct net_listener *l = loop->tls_listeners; l != NULL && rc == 0; l = l->next)
		rc = uv_listen((uv_stream_t *)&l->tcp, NET_TCP_BACKLOG, net_tcp_accept);
	return rc;
}

void net_tls_listen_close(struct net_loop *loop)
{
	for (struct net_listener *l = loop->tls_listeners; l != NULL; l = l->next)
		uv_close((uv_handle_t *)&l->tcp, net_listener_closed);
	net_loop_identity(loop, NULL);
}

void net_loop_identity(struct net_loop *loop, struct net_tls_identity *identity)
{
	net_tls_identity_free(loop->identity);
	loop->identity = identity != NULL ? net_tls_identity_use(identity) : NULL;
}
