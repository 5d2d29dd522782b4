// SPDX-License-Identifier: GPL-3.0-or-later
/* The loop of one worker: its turns, its timer, what other threads hand to it, and what it listens on. */
#include "private.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- turns ---- */

void net_loop_wake_up(struct net_loop *loop)
{
	loop->awake = true;
	loop->now_ms = clock_mono_ms();
	uv_update_time(&loop->uv); /* timers that are started in this turn count from now */
	if (loop->on_awake != NULL)
		loop->on_awake(loop->sleep_ctx);
}

static void wake_now(struct net_loop *loop);

/* libuv calls handlers from within its poll, so the check phase alone would come too late; it covers closing
 * callbacks and timers, which run between check and prepare. */
static void on_check(uv_check_t *check)
{
	struct net_loop *loop = check->data;
	net_turn(loop);
	if (loop->wake_due)
		wake_now(loop);
}

void net_loop_on_sleep(struct net_loop *loop, void (*asleep)(void *ctx), void (*awake)(void *ctx), void *ctx)
{
	loop->on_asleep = asleep;
	loop->on_awake = awake;
	loop->sleep_ctx = ctx;
}

int64_t net_loop_now_ms(const struct net_loop *loop)
{
	return loop->now_ms;
}

size_t net_loop_connections(const struct net_loop *loop)
{
	return loop->n_conns;
}

/* ---- from other threads ---- */

static void on_async(uv_async_t *async)
{
	struct net_loop *loop = async->data;
	net_turn(loop);
	pthread_mutex_lock(&loop->post_lock);
	struct net_post *post = loop->post_first;
	loop->post_first = NULL;
	loop->post_last = &loop->post_first;
	bool stop = loop->stop;
	loop->stop = false;
	pthread_mutex_unlock(&loop->post_lock);
	while (post != NULL) {
		struct net_post *next = post->next;
		post->fn(post->ctx);
		free(post);
		post = next;
	}
	if (stop)
		loop->stopped = true;
}

int net_loop_post(struct net_loop *loop, void (*fn)(void *ctx), void *ctx)
{
	struct net_post *post = malloc(sizeof(*post));
	if (post == NULL)
		return BANYAN_ENOMEM;
	*post = (struct net_post){.fn = fn, .ctx = ctx};
	pthread_mutex_lock(&loop->post_lock);
	*loop->post_last = post;
	loop->post_last = &post->next;
	pthread_mutex_unlock(&loop->post_lock);
	uv_async_send(&loop->async);
	return 0;
}

void net_loop_stop(struct net_loop *loop)
{
	pthread_mutex_lock(&loop->post_lock);
	loop->stop = true;
	pthread_mutex_unlock(&loop->post_lock);
	uv_async_send(&loop->async);
}

/* ---- the timer ---- */

static void wake_start(struct net_loop *loop);

static void on_idle(uv_idle_t *idle)
{
	/* it is there so that the poll does not wait */
}

/* The time has come; but libuv runs timers before its poll, and on a machine that is late replies may lie in the sockets whose
 * time would be over by a hair. They are read first. */
static void on_wake(uv_timer_t *timer)
{
	struct net_loop *loop = timer->data;
	net_turn(loop);
	uv_update_time(&loop->uv);
	if (clock_mono_ms() < loop->wake_at_ms) { /* libuv's clock is coarser and may be ahead */
		wake_start(loop);
		return;
	}
	loop->wake_due = true;
	uv_idle_start(&loop->idle, on_idle);
}

static void wake_now(struct net_loop *loop)
{
	loop->wake_due = false;
	uv_idle_stop(&loop->idle);
	if (loop->wake_at_ms == INT64_MAX) /* what was read has settled it */
		return;
	if (clock_mono_ms() < loop->wake_at_ms) {
		wake_start(loop);
		return;
	}
	loop->wake_at_ms = INT64_MAX;
	loop->now_ms = clock_mono_ms();
	loop->wake_fn(loop->wake_ctx);
}

static void wake_start(struct net_loop *loop)
{
	int64_t left = loop->wake_at_ms - clock_mono_ms();
	uv_timer_start(&loop->wake, on_wake, left > 0 ? (uint64_t)left : 0, 0);
}

void net_wake_at(struct net_loop *loop, int64_t at_ms, void (*fn)(void *ctx), void *ctx)
{
	bool same = at_ms == loop->wake_at_ms;
	loop->wake_at_ms = at_ms;
	loop->wake_fn = fn;
	loop->wake_ctx = ctx;
	if (at_ms == INT64_MAX)
		uv_timer_stop(&loop->wake);
	else if (!same)
		wake_start(loop);
}

/* ---- life ---- */

static void default_to(uint32_t *value, uint32_t fallback)
{
	if (*value == 0)
		*value = fallback;
}

static int settings_copy(struct net_loop *loop, const struct net_settings *settings)
{
	loop->settings = *settings;
	default_to(&loop->settings.udp_buffer, NET_UDP_BUFFER);
	default_to(&loop->settings.upstream_tcp_connections, NET_UPSTREAM_TCP_CONNECTIONS);
	default_to(&loop->settings.upstream_tcp_per_server, NET_UPSTREAM_TCP_PER_SERVER);
	default_to(&loop->settings.upstream_tcp_pipeline, NET_UPSTREAM_TCP_PIPELINE);
	default_to(&loop->settings.upstream_tcp_queries, NET_UPSTREAM_TCP_QUERIES);
	default_to(&loop->settings.upstream_tcp_idle_ms, NET_UPSTREAM_TCP_IDLE_MS);
	default_to(&loop->settings.upstream_tcp_message_ms, NET_UPSTREAM_TCP_MESSAGE_MS);
	loop->outgoing = calloc(settings->n_outgoing + 1, sizeof(*loop->outgoing));
	loop->reroute = calloc(settings->n_reroutes + 1, sizeof(*loop->reroute));
	if (loop->outgoing == NULL || loop->reroute == NULL)
		return BANYAN_ENOMEM;
	if (settings->n_outgoing > 0)
		memcpy(loop->outgoing, settings->outgoing, settings->n_outgoing * sizeof(*loop->outgoing));
	if (settings->n_reroutes > 0)
		memcpy(loop->reroute, settings->reroute, settings->n_reroutes * sizeof(*loop->reroute));
	qsort(loop->reroute, settings->n_reroutes, sizeof(*loop->reroute), net_reroute_compare);
	loop->limits = settings->limits;
	if (loop->limits != NULL)
		return 0;
	loop->own_limits = true;
	return net_limits_new(settings->tcp_clients, settings->tcp_clients_per_address, &loop->limits);
}

static void handles_init(struct net_loop *loop)
{
	/* none of these can fail but for the eventfd of the async, which is tried first by the caller */
	uv_check_init(&loop->uv, &loop->check);
	uv_timer_init(&loop->uv, &loop->wake);
	uv_idle_init(&loop->uv, &loop->idle);
	uv_timer_init(&loop->uv, &loop->sweep);
	uv_timer_init(&loop->uv, &loop->resume);
	uv_timer_init(&loop->uv, &loop->stream_sweep);
	uv_timer_init(&loop->uv, &loop->stream_feed);
	loop->stream_sweep.data = loop->stream_feed.data = loop;
	net_late_init(loop);
	loop->async.data = loop->check.data = loop;
	loop->wake.data = loop->sweep.data = loop->resume.data = loop;
	uv_check_start(&loop->check, on_check);
}

static void loop_free_memory(struct net_loop *loop)
{
	net_exchange_free_spare(loop);
	net_batch_done(&loop->batch);
	if (loop->own_limits)
		net_limits_free(loop->limits);
	pthread_mutex_destroy(&loop->post_lock);
	free(loop->slot);
	free(loop->outgoing);
	free(loop->reroute);
	free(loop->tcp_in);
	free(loop->tcp_out);
	free(loop->exchange_in);
	free(loop);
}

int net_loop_new(const struct net_settings *settings, struct counters *counters, struct net_loop **ret)
{
	if (settings->udp_batch == 0 || settings->udp_batch > NET_UDP_BATCH_MAX)
		return BANYAN_EINVAL;
	struct net_loop *loop = calloc(1, sizeof(*loop));
	if (loop == NULL)
		return BANYAN_ENOMEM;
	loop->counters = counters;
	loop->wake_at_ms = INT64_MAX;
	loop->post_last = &loop->post_first;
	pthread_mutex_init(&loop->post_lock, NULL);
	random_init_kernel(&loop->random);
	int rc = settings_copy(loop, settings);
	if (rc == 0)
		rc = net_batch_init(&loop->batch, settings->udp_batch);
	loop->tcp_in = malloc(NET_TCP_IN_SIZE);
	loop->tcp_out = malloc(NET_TCP_OUT_SIZE);
	loop->exchange_in = malloc(NET_MESSAGE_MAX);
	if (rc == 0 && (loop->tcp_in == NULL || loop->tcp_out == NULL || loop->exchange_in == NULL))
		rc = BANYAN_ENOMEM;
	if (rc == 0 && uv_loop_init(&loop->uv) < 0)
		rc = BANYAN_EIO;
	if (rc == 0 && uv_async_init(&loop->uv, &loop->async, on_async) < 0) {
		uv_loop_close(&loop->uv);
		rc = BANYAN_EIO;
	}
	if (rc == 0 && (rc = net_watch_init(loop)) < 0) {
		uv_close((uv_handle_t *)&loop->async, NULL);
		uv_run(&loop->uv, UV_RUN_DEFAULT);
		uv_loop_close(&loop->uv);
	}
	if (rc < 0) {
		loop_free_memory(loop);
		return rc;
	}
	handles_init(loop);
	net_wait_init(loop);
	loop->now_ms = clock_mono_ms();
	*ret = loop;
	return 0;
}

void net_listener_closed(uv_handle_t *handle)
{
	struct net_listener *listener = handle->data;
	if (listener->udp_fd >= 0)
		close(listener->udp_fd);
	free(listener);
}

void net_loop_free(struct net_loop *loop)
{
	if (loop == NULL)
		return;
	net_tcp_close_all(loop);
	net_exchange_close_all(loop);
	net_xdp_close_all(loop);
	for (uint32_t i = 0; i < loop->n_listeners; i++)
		uv_close((uv_handle_t *)&loop->listener[i]->tcp, net_listener_closed);
	net_tls_listen_close(loop);
	uv_close((uv_handle_t *)&loop->async, NULL);
	uv_close((uv_handle_t *)&loop->check, NULL);
	uv_close((uv_handle_t *)&loop->wake, NULL);
	uv_close((uv_handle_t *)&loop->idle, NULL);
	uv_close((uv_handle_t *)&loop->sweep, NULL);
	uv_close((uv_handle_t *)&loop->resume, NULL);
	uv_close((uv_handle_t *)&loop->stream_sweep, NULL);
	uv_close((uv_handle_t *)&loop->stream_feed, NULL);
	net_watch_done(loop);
	net_late_done(loop);
	loop->on_asleep = loop->on_awake = NULL;
	uv_run(&loop->uv, UV_RUN_DEFAULT); /* closing callbacks */
	uv_loop_close(&loop->uv);
	while (loop->post_first != NULL) {
		struct net_post *post = loop->post_first;
		loop->post_first = post->next;
		free(post);
	}
	net_again_done(loop);
	loop_free_memory(loop);
}

/* ---- listening ---- */

int net_bound_socket(const struct addr *addr, int type)
{
	struct sockaddr_storage sa;
	socklen_t len = net_sockaddr_from(addr, 0, &sa);
	int fd = net_socket(addr, type);
	if (fd < 0)
		return fd;
	net_socket_set(fd, SOL_SOCKET, SO_REUSEADDR, type == SOCK_STREAM);
	net_socket_set(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (bind(fd, (struct sockaddr *)&sa, len) < 0) {
		int err = errno;
		close(fd);
		return net_bind_error(err);
	}
	return fd;
}

bool net_is_wildcard(const struct addr *addr)
{
	static const uint8_t zero[16];
	return memcmp(addr->ip, zero, sizeof(zero)) == 0;
}

static void udp_options(const struct net_loop *loop, int fd, const struct addr *addr)
{
	net_socket_buffer(fd, SO_RCVBUF, SO_RCVBUFFORCE, loop->settings.udp_buffer);
	net_socket_buffer(fd, SO_SNDBUF, SO_SNDBUFFORCE, loop->settings.udp_buffer);
	net_socket_no_pmtu(fd, addr->family);
	if (!net_is_wildcard(addr))
		return;
	if (addr->family == 4)
		net_socket_set(fd, IPPROTO_IP, IP_PKTINFO, 1);
	else
		net_socket_set(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1);
}

/* Both sockets on one port; for port 0 the kernel chooses one for TCP, and UDP takes the same. */
static int bound_pair(struct addr *addr, int *ret_udp, int *ret_tcp)
{
	bool any_port = addr->port == 0;
	for (unsigned tries = 0; tries < NET_PORT_TRIES; tries++) {
		int tcp = net_bound_socket(addr, SOCK_STREAM);
		if (tcp < 0)
			return tcp;
		struct addr taken = *addr;
		int rc = any_port ? net_socket_local(tcp, &taken) : 0;
		int udp = rc < 0 ? rc : net_bound_socket(&taken, SOCK_DGRAM);
		if (udp >= 0) {
			*addr = taken;
			*ret_udp = udp;
			*ret_tcp = tcp;
			return 0;
		}
		close(tcp);
		if (!any_port || udp != BANYAN_EEXIST)
			return udp;
	}
	return BANYAN_EEXIST;
}

static int listener_start(struct net_listener *listener, int udp, int tcp)
{
	struct net_loop *loop = listener->loop;
	uv_tcp_init(&loop->uv, &listener->tcp);
	listener->tcp.data = listener;
	listener->udp_fd = udp;
	if (uv_tcp_open(&listener->tcp, tcp) < 0) {
		close(tcp);
		uv_close((uv_handle_t *)&listener->tcp, net_listener_closed);
		return BANYAN_EIO;
	}
	int rc = loop->settings.accept_later
			 ? 0
			 : uv_listen((uv_stream_t *)&listener->tcp, NET_TCP_BACKLOG, net_tcp_accept);
	if (rc == 0 && net_wait_for(loop, listener) < 0)
		rc = UV_EIO;
	if (rc < 0) {
		uv_close((uv_handle_t *)&listener->tcp, net_listener_closed);
		return rc == UV_EADDRINUSE ? BANYAN_EEXIST : BANYAN_EIO;
	}
	return 0;
}

int net_loop_accept(struct net_loop *loop)
{
	int rc = 0;
	for (uint32_t i = 0; loop->settings.accept_later && rc == 0 && i < loop->n_listeners; i++)
		rc = uv_listen((uv_stream_t *)&loop->listener[i]->tcp, NET_TCP_BACKLOG, net_tcp_accept);
	if (rc == 0 && loop->settings.accept_later)
		rc = net_tls_listen_accept(loop);
	loop->settings.accept_later = false;
	return rc == 0 ? 0 : rc == UV_EADDRINUSE ? BANYAN_EEXIST : BANYAN_EIO;
}

int net_listen(struct net_loop *loop, const struct addr *addr, net_message_fn fn, void *ctx, uint16_t *ret_port)
{
	if (loop->n_xdp > 0) /* listeners come before queues: see poll_fd */
		return BANYAN_EINVAL;
	if (loop->n_listeners >= NET_LISTENERS_MAX)
		return BANYAN_ELIMIT;
	struct net_listener *listener = calloc(1, sizeof(*listener));
	if (listener == NULL)
		return BANYAN_ENOMEM;
	*listener = (struct net_listener){.loop = loop,
					  .index = loop->n_listeners,
					  .addr = *addr,
					  .fn = fn,
					  .ctx = ctx,
					  .wildcard = net_is_wildcard(addr),
					  .udp_fd = -1};
	int udp, tcp;
	int rc = bound_pair(&listener->addr, &udp, &tcp);
	if (rc < 0) {
		free(listener);
		return rc;
	}
	udp_options(loop, udp, addr);
	net_socket_set(tcp, IPPROTO_TCP, TCP_NODELAY, 1); /* connections inherit it */
	uint16_t port = listener->addr.port;
	rc = listener_start(listener, udp, tcp); /* a listener that fails is freed when its handles are closed */
	if (rc < 0)
		return rc;
	loop->listener[loop->n_listeners++] = listener;
	if (ret_port != NULL)
		*ret_port = port;
	return 0;
}

/* ---- replies that come later ---- */

int net_reply(struct net_loop *loop, const struct net_ticket *ticket, const uint8_t *msg, size_t len)
{
	if (len > NET_MESSAGE_MAX)
		return BANYAN_EINVAL;
	if (ticket->transport == NET_UDP)
		return net_udp_reply(loop, ticket, msg, len);
	return net_tcp_reply(loop, ticket, msg, len);
}

void net_no_reply(struct net_loop *loop, const struct net_ticket *ticket)
{
	if (ticket->transport == NET_TCP)
		net_tcp_no_reply(loop, ticket);
}
