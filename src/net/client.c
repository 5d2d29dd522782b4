// SPDX-License-Identifier: GPL-3.0-or-later
/* A TCP connection of one's own to a server: whole messages out, whole messages in, as long as both like. */
#include "private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct net_client {
	uv_tcp_t tcp;
	uv_timer_t timer;
	uv_connect_t connect;
	struct net_client_settings settings;
	struct net_inbox in;
	struct net_tls *tls;      /* NULL = plain */
	struct net_inbox waiting; /* messages that wait for the session */
	unsigned handles;         /* open ones: freed with the last */
	bool connected, closing;
	uint64_t started_ms, heard_ms;    /* the loop's time */
	uint64_t window_ms, window_bytes; /* since when the bytes are counted that came; 0 = nothing has come yet */
	char why[128];                    /* of a limit; "" = none was reached */
	char chunk[65536];
};

struct out {
	uv_write_t req;
	uint8_t data[];
};

static void on_closed(uv_handle_t *handle)
{
	struct net_client *client = handle->data;
	if (--client->handles > 0)
		return;
	net_inbox_done(&client->in);
	net_inbox_done(&client->waiting);
	net_tls_free(client->tls);
	free(client);
}

void net_client_close(struct net_client *client)
{
	if (client == NULL || client->closing)
		return;
	client->closing = true;
	uv_close((uv_handle_t *)&client->tcp, on_closed);
	uv_close((uv_handle_t *)&client->timer, on_closed);
}

static void end(struct net_client *client, int error)
{
	if (client->closing)
		return;
	net_client_close(client);
	client->settings.over(client->settings.ctx, error);
}

static int error_of(int uv)
{
	return uv == UV_EOF ? BANYAN_EIO : error_from_errno(-uv);
}

/* ---- time ---- */

/* Something came that is worth having. */
static void hear(struct net_client *client, size_t len)
{
	client->heard_ms = uv_now(client->tcp.loop);
	if (client->window_ms == 0)
		client->window_ms = client->heard_ms;
	client->window_bytes += len;
}

/* Does it send a byte from time to time, so that the connection is never idle? */
static bool is_too_slow(struct net_client *client, uint64_t now)
{
	uint64_t ms = now - client->window_ms;
	if (client->settings.rate_min == 0 || client->window_ms == 0 || ms < client->settings.rate_ms)
		return false;
	bool slow = client->window_bytes * 1000 < client->settings.rate_min * ms;
	if (slow)
		snprintf(client->why, sizeof client->why,
			 "it sent %llu bytes in %llu ms, and %u a second are the least",
			 (unsigned long long)client->window_bytes, (unsigned long long)ms, client->settings.rate_min);
	client->window_ms = now;
	client->window_bytes = 0;
	return slow;
}

static bool is_over(struct net_client *client, uint64_t now)
{
	const struct net_client_settings *s = &client->settings;
	if (now - client->heard_ms < s->idle_ms && (s->whole_ms == 0 || now - client->started_ms < s->whole_ms))
		return false;
	if (client->connected && client->tls != NULL && !net_tls_up(client->tls))
		snprintf(client->why, sizeof client->why, "TLS: no session within %llu ms",
			 (unsigned long long)(now - client->started_ms));
	return true;
}

static void on_timer(uv_timer_t *timer)
{
	struct net_client *client = timer->data;
	uint64_t now = uv_now(timer->loop);
	if (is_too_slow(client, now) || is_over(client, now))
		end(client, BANYAN_ETIMEOUT);
}

/* ---- writing ---- */

static void on_written(uv_write_t *req, int status)
{
	struct net_client *client = req->handle->data;
	free(req->data);
	if (status < 0)
		end(client, error_of(status));
}

static int send_bytes(struct net_client *client, const uint8_t *head, size_t head_len, const uint8_t *data, size_t len)
{
	struct out *out = malloc(sizeof *out + head_len + len);
	if (out == NULL)
		return BANYAN_ENOMEM;
	out->req.data = out;
	if (head_len > 0)
		memcpy(out->data, head, head_len);
	memcpy(out->data + head_len, data, len);
	uv_buf_t buf = uv_buf_init((char *)out->data, (unsigned)(head_len + len));
	int rc = uv_write(&out->req, (uv_stream_t *)&client->tcp, &buf, 1, on_written);
	if (rc < 0) {
		free(out);
		return error_of(rc);
	}
	return 0;
}

/* ---- the session: what waits goes into it when it is up, and what it wants to send goes out ---- */

static int session_step(struct net_client *client, const uint8_t *data, size_t len)
{
	struct net_inbox *out = net_tls_out(client->tls);
	bool up = net_tls_up(client->tls);
	int rc = net_tls_take(client->tls, data, len);
	if (!up && net_tls_up(client->tls))
		client->heard_ms = uv_now(client->tcp.loop);
	if (rc == 0 && net_tls_up(client->tls) && client->waiting.len > 0) {
		rc = net_tls_write(client->tls, client->waiting.data, client->waiting.len);
		net_inbox_drop(&client->waiting, client->waiting.len);
	}
	/* also when it failed: the server learns why by an alert */
	if (out->len > 0 && send_bytes(client, NULL, 0, out->data, out->len) == 0)
		net_inbox_drop(out, out->len);
	return rc;
}

const char *net_client_why(const struct net_client *client)
{
	return client->tls != NULL && net_tls_why(client->tls)[0] != 0 ? net_tls_why(client->tls) : client->why;
}

/* ---- reading ---- */

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct net_client *client = handle->data;
	*buf = uv_buf_init(client->chunk, sizeof client->chunk);
}

static void take_messages(struct net_client *client)
{
	size_t pos = 0;
	while (!client->closing && net_has_whole(client->in.data + pos, client->in.len - pos)) {
		const uint8_t *p = client->in.data + pos;
		size_t len = (size_t)(p[0] << 8 | p[1]);
		pos += 2 + len;
		client->settings.message(client->settings.ctx, p + 2, len);
	}
	if (!client->closing)
		net_inbox_drop(&client->in, pos);
}

static void take_session(struct net_client *client, const uint8_t *data, size_t len)
{
	uint8_t plain[16384]; /* a record (RFC 8446 section 5.1) */
	size_t n;
	int rc = session_step(client, data, len);
	while (rc == 0 && !client->closing) {
		rc = net_tls_read(client->tls, plain, sizeof plain, &n);
		if (rc < 0 || n == 0)
			break;
		hear(client, n);
		rc = net_inbox_add(&client->in, plain, n);
		if (rc == 0)
			take_messages(client);
	}
	if (rc == 0 && !client->closing && net_tls_ended(client->tls))
		rc = BANYAN_EIO;
	if (rc < 0)
		end(client, rc);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct net_client *client = stream->data;
	if (client->closing || n == 0)
		return;
	if (n < 0) {
		end(client, error_of((int)n));
		return;
	}
	if (client->tls != NULL) {
		take_session(client, (const uint8_t *)buf->base, (size_t)n);
		return;
	}
	hear(client, (size_t)n);
	if (net_inbox_add(&client->in, (const uint8_t *)buf->base, (size_t)n) < 0)
		end(client, BANYAN_ENOMEM);
	else
		take_messages(client);
}

static void on_connect(uv_connect_t *req, int status)
{
	struct net_client *client = req->data;
	if (client->closing)
		return;
	if (status < 0) {
		end(client, error_of(status));
		return;
	}
	client->connected = true;
	client->heard_ms = uv_now(client->tcp.loop);
	int rc = uv_read_start((uv_stream_t *)&client->tcp, on_alloc, on_read);
	rc = rc < 0 ? error_of(rc) : client->tls != NULL ? session_step(client, NULL, 0) : 0;
	if (rc < 0)
		end(client, rc);
}

int net_client_send(struct net_client *client, const uint8_t *msg, size_t len)
{
	if (len == 0 || len > NET_MESSAGE_MAX || client->closing)
		return BANYAN_EINVAL;
	uint8_t prefix[2] = {(uint8_t)(len >> 8), (uint8_t)len};
	if (client->tls == NULL)
		return send_bytes(client, prefix, sizeof prefix, msg, len);
	int rc = net_inbox_add(&client->waiting, prefix, sizeof prefix);
	if (rc == 0)
		rc = net_inbox_add(&client->waiting, msg, len);
	return rc == 0 && net_tls_up(client->tls) ? session_step(client, NULL, 0) : rc;
}

/* ---- making ---- */

static int client_connect(struct net_client *client, const struct addr *to)
{
	struct sockaddr_storage sa;
	struct addr from = client->settings.from;
	from.port = 0;
	if (from.family != 0)
		net_sockaddr_from(&from, 0, &sa);
	int rc = from.family != 0 ? uv_tcp_bind(&client->tcp, (struct sockaddr *)&sa, 0) : 0;
	if (rc < 0)
		return error_of(rc);
	net_sockaddr_from(to, 0, &sa);
	uv_tcp_nodelay(&client->tcp, 1); /* else a question waits behind the end of the handshake for 40 ms */
	rc = uv_tcp_connect(&client->connect, &client->tcp, (struct sockaddr *)&sa, on_connect);
	return rc < 0 ? error_of(rc) : 0;
}

int net_client_open(struct uv_loop_s *loop, const struct addr *to, const struct net_client_settings *settings,
		    struct net_client **ret)
{
	struct net_client *client = calloc(1, sizeof *client);
	if (client == NULL)
		return BANYAN_ENOMEM;
	client->settings = *settings;
	if (settings->rate_ms == 0)
		client->settings.rate_ms = NET_CLIENT_RATE_MS;
	if (settings->trust != NULL) {
		int failed = net_tls_client(settings->trust, &client->tls);
		if (failed < 0) {
			free(client);
			return failed;
		}
	}
	uv_timer_init(loop, &client->timer);
	uv_tcp_init(loop, &client->tcp);
	client->handles = 2;
	client->tcp.data = client->timer.data = client->connect.data = client;
	client->started_ms = client->heard_ms = uv_now(loop);
	uint64_t step = settings->idle_ms / 8 > 0 ? settings->idle_ms / 8 : 1;
	int rc = client_connect(client, to);
	if (rc == 0)
		rc = uv_timer_start(&client->timer, on_timer, step, step) < 0 ? BANYAN_EIO : 0;
	if (rc < 0) {
		net_client_close(client);
		return rc;
	}
	*ret = client;
	return 0;
}
