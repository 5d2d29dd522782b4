// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan plan: the same questions to another server, over the network. */
#include "planner.h"

#include <stdio.h>
#include <string.h>
#include <uv.h>

#include "net/net.h"

#define AGAIN_MS 2000
#define WHOLE_MS 20000

struct exchange {
	uint8_t *out;
	size_t len; /* 0: nothing yet */
	uint16_t id;
	int error;
	uv_loop_t *loop;
};

static void on_message(void *ctx, const uint8_t *msg, size_t len)
{
	struct exchange *x = ctx;
	if (x->len > 0 || len < WIRE_HEADER_SIZE || len > WIRE_MESSAGE_MAX || wire_get16(msg) != x->id)
		return;
	memcpy(x->out, msg, len);
	x->len = len;
	uv_stop(x->loop);
}

static void on_over(void *ctx, int error)
{
	struct exchange *x = ctx;
	x->error = error != 0 ? error : BANYAN_EIO;
	uv_stop(x->loop);
}

static int run_udp(struct exchange *x, const struct addr *to, const uint8_t *msg, size_t len)
{
	struct net_datagram_settings settings = {
		.again_ms = AGAIN_MS, .whole_ms = WHOLE_MS, .message = on_message, .over = on_over, .ctx = x};
	struct net_datagram *datagram;
	int rc = net_datagram_open(x->loop, to, msg, len, &settings, &datagram);
	if (rc != 0)
		return rc;
	uv_run(x->loop, UV_RUN_DEFAULT);
	if (x->error == 0)
		net_datagram_close(datagram);
	return 0;
}

static int run_tcp(struct exchange *x, const struct addr *to, const uint8_t *msg, size_t len)
{
	struct net_client_settings settings = {
		.idle_ms = WHOLE_MS, .whole_ms = WHOLE_MS, .message = on_message, .over = on_over, .ctx = x};
	struct net_client *client;
	int rc = net_client_open(x->loop, to, &settings, &client);
	if (rc != 0)
		return rc;
	rc = net_client_send(client, msg, len);
	if (rc == 0)
		uv_run(x->loop, UV_RUN_DEFAULT);
	if (x->error == 0)
		net_client_close(client);
	return rc;
}

int planner_peer_ask(void *ctx, const struct plan_question *question, uint8_t *out, size_t *ret_len)
{
	struct planner_peer *peer = ctx;
	uv_loop_t loop;
	uint8_t msg[PLAN_QUESTION_MAX];
	size_t len = plan_question_write(question, msg);
	char text[48], address[ADDR_TEXT_MAX];
	if (uv_loop_init(&loop) != 0)
		return BANYAN_ENOMEM;
	struct exchange x = {.out = out, .id = wire_get16(msg), .loop = &loop};
	int rc = (question->tcp ? run_tcp : run_udp)(&x, &peer->addr, msg, len);
	uv_run(&loop, UV_RUN_DEFAULT); /* what was closed goes */
	uv_loop_close(&loop);
	if (rc == 0 && x.len == 0)
		rc = x.error != 0 ? x.error : BANYAN_EIO;
	if (rc != 0) {
		snprintf(peer->why, sizeof peer->why,
			 "%s does not answer (%s)%s%s; is a name server running there, and may this machine ask it? "
			 "ADDRESS@PORT is another port",
			 addr_format(&peer->addr, true, address), plan_question_text(question, text),
			 rc == BANYAN_EIO ? "" : ": ", rc == BANYAN_EIO ? "" : error_text(rc));
		return rc;
	}
	*ret_len = x.len;
	return 0;
}
