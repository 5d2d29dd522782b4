// SPDX-License-Identifier: GPL-3.0-or-later
/* One question to one node: by UDP, sent again when nothing comes, then by TCP. */
#include "fleet.h"

#include <stdlib.h>
#include <string.h>

#define AGAIN_PARTS 4 /* of the time: the second copy goes out after one, the third after three */

struct fleet_asking {
	uv_loop_t *loop;
	struct fleet_ask_settings settings;
	struct net_datagram *datagram;
	struct net_client *client;
	struct wire_tsig tsig;
	int64_t sent_ns;
	bool malformed;
	size_t len;
	uint8_t msg[FLEET_QUESTION_SIZE + 256]; /* room for a TSIG */
};

static void end(struct fleet_asking *asking, int error, const struct fleet_reply *reply, bool over_tcp)
{
	struct fleet_ask_settings settings = asking->settings;
	int64_t rtt_us = (clock_mono_ns() - asking->sent_ns) / 1000;
	net_datagram_close(asking->datagram);
	net_client_close(asking->client);
	wire_tsig_done(&asking->tsig);
	free(asking);
	settings.done(settings.ctx, error, reply, rtt_us, over_tcp);
}

/* Reads a reply; an error when it is none to this question, or cannot be believed. One at a time, so one place is enough. */
static int take(struct fleet_asking *asking, const uint8_t *msg, size_t len, struct fleet_reply **ret)
{
	static struct fleet_reply reply;
	int rc = fleet_reply_read(&asking->settings.question, msg, len, &reply);
	/* who does not know the key says so unsigned: nothing is taken from such a reply */
	if (rc == 0 && asking->settings.key != NULL && reply.rcode == WIRE_RCODE_NOERROR)
		rc = wire_tsig_take(&asking->tsig, msg, len) < 0 ? BANYAN_EPROOF : 0;
	*ret = &reply;
	return rc;
}

/* ---- TCP ---- */

static void on_tcp_message(void *ctx, const uint8_t *msg, size_t len)
{
	struct fleet_asking *asking = ctx;
	struct fleet_reply *reply;
	int rc = take(asking, msg, len, &reply);
	if (rc == 0 && reply->truncated)
		rc = BANYAN_EMALF;
	end(asking, rc == BANYAN_ENOENT ? BANYAN_EMALF : rc, rc == 0 ? reply : NULL, true);
}

static void on_tcp_over(void *ctx, int error)
{
	struct fleet_asking *asking = ctx;
	asking->client = NULL;
	end(asking, asking->malformed ? BANYAN_EMALF : error, NULL, true);
}

/* A new question: its ID, and its signature, are those of this connection. */
static int question_make(struct fleet_asking *asking)
{
	asking->settings.question.id = random_u16(asking->settings.random);
	int len = fleet_question_write(&asking->settings.question, asking->msg);
	if (len > 0 && asking->settings.key != NULL) {
		wire_tsig_done(&asking->tsig);
		asking->tsig = (struct wire_tsig){.key = asking->settings.key};
		len = wire_tsig_sign(&asking->tsig, asking->msg, (size_t)len, sizeof asking->msg);
	}
	if (len < 0)
		return len;
	asking->len = (size_t)len;
	asking->sent_ns = clock_mono_ns();
	return 0;
}

static int tcp_start(struct fleet_asking *asking)
{
	struct net_client_settings settings = {
		.idle_ms = asking->settings.tcp_ms,
		.whole_ms = asking->settings.tcp_ms,
		.message = on_tcp_message,
		.over = on_tcp_over,
		.ctx = asking,
	};
	int rc = question_make(asking);
	if (rc == 0)
		rc = net_client_open(asking->loop, &asking->settings.to, &settings, &asking->client);
	return rc == 0 ? net_client_send(asking->client, asking->msg, asking->len) : rc;
}

/* ---- UDP ---- */

static void to_tcp(struct fleet_asking *asking)
{
	net_datagram_close(asking->datagram);
	asking->datagram = NULL;
	int rc = tcp_start(asking);
	if (rc < 0)
		end(asking, rc, NULL, true);
}

static void on_udp_message(void *ctx, const uint8_t *msg, size_t len)
{
	struct fleet_asking *asking = ctx;
	struct fleet_reply *reply;
	int rc = take(asking, msg, len, &reply);
	asking->malformed |= rc == BANYAN_EMALF;
	if (rc < 0) /* it may be a forgery: the true one may still come */
		return;
	if (reply->truncated)
		to_tcp(asking);
	else
		end(asking, 0, reply, false);
}

static void on_udp_over(void *ctx, int error)
{
	struct fleet_asking *asking = ctx;
	asking->datagram = NULL;
	to_tcp(asking);
}

int fleet_ask_start(uv_loop_t *loop, const struct fleet_ask_settings *settings)
{
	struct fleet_asking *asking = calloc(1, sizeof *asking);
	if (asking == NULL)
		return BANYAN_ENOMEM;
	asking->loop = loop;
	asking->settings = *settings;
	struct net_datagram_settings datagram = {
		.again_ms = settings->udp_ms / AGAIN_PARTS,
		.whole_ms = settings->udp_ms,
		.room = FLEET_DATAGRAM_MAX,
		.message = on_udp_message,
		.over = on_udp_over,
		.ctx = asking,
	};
	int rc = settings->udp_ms == 0 ? tcp_start(asking) : question_make(asking);
	if (rc == 0 && settings->udp_ms > 0)
		rc = net_datagram_open(loop, &settings->to, asking->msg, asking->len, &datagram, &asking->datagram);
	if (rc < 0) {
		net_client_close(asking->client);
		wire_tsig_done(&asking->tsig);
		free(asking);
	}
	return rc;
}
