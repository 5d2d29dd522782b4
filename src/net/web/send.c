// SPDX-License-Identifier: GPL-3.0-or-later
/* A file that is sent piece by piece, each in its turn (flow.c). A connection whose turn has not come is put aside until then. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

/* A piece first waits for the client's rate, then for that of all: who is slow by himself takes no turn of the others. */
enum stage { STAGE_EACH, STAGE_ALL, STAGE_PAID };

struct web_send {
	TAILQ_ENTRY(web_send) link; /* while it waits */
	bool waits;
	int64_t at_us; /* its turn */
	struct net_web *web;
	struct MHD_Connection *connection;
	struct sockaddr_storage from;
	int fd;
	uint64_t first, len;
	enum stage stage;
	size_t piece;
};

static int64_t now_us(void)
{
	return clock_mono_ms() * 1000;
}

/* In the order of their turns; most are the last. */
static void wait_add(struct web_send *send)
{
	struct web_waiting *list = &send->web->waiting;
	struct web_send *before = TAILQ_LAST(list, web_waiting);
	while (before != NULL && before->at_us > send->at_us)
		before = TAILQ_PREV(before, web_waiting, link);
	if (before != NULL)
		TAILQ_INSERT_AFTER(list, before, send, link);
	else
		TAILQ_INSERT_HEAD(list, send, link);
	send->waits = true;
}

static void wait_end(struct web_send *send)
{
	if (send->waits)
		TAILQ_REMOVE(&send->web->waiting, send, link);
	send->waits = false;
}

/* Has the turn of the piece come? If not, the connection is put aside. */
static bool is_turn(struct web_send *send)
{
	struct web_flow *flow = &send->web->flow;
	int64_t now = now_us();
	while (send->stage != STAGE_PAID) {
		int64_t at = send->stage == STAGE_EACH
				     ? web_flow_each(flow, (struct sockaddr *)&send->from, send->piece, now)
				     : web_flow_all(flow, send->piece, now);
		send->stage++;
		if (at <= now)
			continue;
		send->at_us = at;
		wait_add(send);
		counter_add(send->web->counters, COUNTER_WEB_HELD, 1);
		send->web->library.MHD_suspend_connection(send->connection);
		return false;
	}
	return true;
}

static ssize_t send_piece(void *ctx, uint64_t pos, char *out, size_t max)
{
	struct web_send *send = ctx;
	size_t left = pos < send->len ? (size_t)(send->len - pos) : 0, most = max < left ? max : left;
	if (left == 0)
		return MHD_CONTENT_READER_END_OF_STREAM;
	if (send->piece == 0) {
		send->piece = most < WEB_PIECE ? most : WEB_PIECE;
		send->stage = STAGE_EACH;
	}
	if (!is_turn(send))
		return 0;
	ssize_t n = pread(send->fd, out, send->piece < most ? send->piece : most, (off_t)(send->first + pos));
	send->piece = 0;
	return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void send_free(void *ctx)
{
	struct web_send *send = ctx;
	wait_end(send);
	close(send->fd);
	free(send);
}

struct MHD_Response *web_send_make(struct net_web *web, struct MHD_Connection *connection, const struct sockaddr *from,
				   int fd, uint64_t first, uint64_t len)
{
	struct web_send *send = calloc(1, sizeof *send);
	if (send == NULL)
		return NULL;
	send->web = web;
	send->connection = connection;
	memcpy(&send->from, from,
	       from->sa_family == AF_INET6 ? sizeof(struct sockaddr_in6) : sizeof(struct sockaddr_in));
	send->fd = fd;
	send->first = first;
	send->len = len;
	struct MHD_Response *response =
		web->library.MHD_create_response_from_callback(len, WEB_PIECE, send_piece, send, send_free);
	if (response == NULL)
		free(send);
	return response;
}

int64_t web_send_turns(struct net_web *web, bool all)
{
	struct web_send *send;
	int64_t now = now_us();
	while ((send = TAILQ_FIRST(&web->waiting)) != NULL && (all || send->at_us <= now)) {
		wait_end(send);
		web->library.MHD_resume_connection(send->connection);
	}
	return send == NULL ? -1 : (send->at_us - now + 999) / 1000;
}
