// SPDX-License-Identifier: GPL-3.0-or-later
/* A zone from its primaries over TCP, one after the other until one can be used. */
#include "private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#define WHY_MAX 2048 /* bytes: a sentence for each of some primaries; further ones are cut off */

struct sync_pull {
	struct sync_pull_settings settings;
	struct addr primary[SYNC_PRIMARIES_MAX];
	uint8_t apex[WIRE_NAME_MAX];
	size_t at; /* which one is asked */
	uv_loop_t *loop;
	uv_timer_t next; /* the next primary, from a clean stack */
	struct net_client *client;
	struct sync_transfer *transfer;
	bool over;
	char why[WHY_MAX];
};

static void on_closed(uv_handle_t *handle)
{
	struct sync_pull *pull = handle->data;
	sync_transfer_free(pull->transfer);
	free(pull);
}

static void pull_free(struct sync_pull *pull)
{
	pull->over = true;
	net_client_close(pull->client);
	pull->client = NULL;
	uv_close((uv_handle_t *)&pull->next, on_closed);
}

static void tell(struct sync_pull *pull, enum sync_progress progress)
{
	size_t at = pull->at < pull->settings.n_primaries ? pull->at : pull->settings.n_primaries - 1;
	struct sync_pull_result result = {
		.progress = progress, .from = &pull->primary[at], .transfer = pull->transfer, .why = pull->why};
	net_client_close(pull->client);
	pull->client = NULL;
	pull->over = true;
	pull->settings.done(pull->settings.ctx, &result);
	pull_free(pull);
}

/* ---- one primary ---- */

static void on_next(uv_timer_t *timer);

static void give_up(struct sync_pull *pull, const char *why)
{
	char addr[ADDR_TEXT_MAX];
	size_t len = strlen(pull->why);
	snprintf(pull->why + len, sizeof pull->why - len, "%s%s: %s", len > 0 ? "; " : "",
		 addr_format(&pull->primary[pull->at], true, addr), why);
	net_client_close(pull->client);
	pull->client = NULL;
	pull->at++;
	uv_timer_start(&pull->next, on_next, 0, 0);
}

static int ask(struct sync_pull *pull)
{
	uint8_t out[SYNC_ASK_MAX];
	int len = sync_transfer_ask(pull->transfer, out, sizeof out);
	return len < 0 ? len : net_client_send(pull->client, out, (size_t)len);
}

static void on_message(void *ctx, const uint8_t *msg, size_t len)
{
	struct sync_pull *pull = ctx;
	enum sync_progress progress = sync_transfer_take(pull->transfer, msg, len);
	int rc;
	switch (progress) {
	case SYNC_ASK:
		rc = ask(pull);
		if (rc < 0)
			give_up(pull, error_text(rc));
		break;
	case SYNC_WAIT:
		break;
	case SYNC_FAILED:
		give_up(pull, sync_transfer_why(pull->transfer));
		break;
	case SYNC_CURRENT:
	case SYNC_CHANGED:
		tell(pull, progress);
		break;
	}
}

static void on_over(void *ctx, int error)
{
	struct sync_pull *pull = ctx;
	char why[NET_TLS_WHY_MAX];
	snprintf(why, sizeof why, "%s", net_client_why(pull->client));
	pull->client = NULL; /* gone already */
	if (why[0] != 0)
		give_up(pull, why);
	else
		give_up(pull, error == BANYAN_ETIMEOUT ? "it does not answer in time"
			      : error == BANYAN_EIO    ? "the connection was refused, cannot be made, or was closed"
						       : error_text(error));
}

const char *sync_unreachable_text(int error)
{
	return error == BANYAN_EIO ? "there is no route to it from this machine" : error_text(error);
}

static void on_next(uv_timer_t *timer)
{
	struct sync_pull *pull = timer->data;
	if (pull->at == pull->settings.n_primaries) {
		tell(pull, SYNC_FAILED);
		return;
	}
	struct net_client_settings client = {
		.idle_ms = pull->settings.idle_ms,
		.whole_ms = pull->settings.whole_ms,
		.trust = pull->settings.trust,
		.rate_min = pull->settings.rate_min,
		.message = on_message,
		.over = on_over,
		.ctx = pull,
	};
	sync_transfer_free(pull->transfer);
	pull->transfer = NULL;
	int rc = sync_transfer_new(&pull->settings.transfer, &pull->transfer);
	if (rc == 0)
		rc = net_client_open(pull->loop, &pull->primary[pull->at], &client, &pull->client);
	if (rc == 0)
		rc = ask(pull);
	if (rc < 0)
		give_up(pull, sync_unreachable_text(rc));
}

int sync_pull_start(struct uv_loop_s *loop, const struct sync_pull_settings *settings, struct sync_pull **ret)
{
	if (settings->n_primaries == 0 || settings->n_primaries > SYNC_PRIMARIES_MAX)
		return BANYAN_EINVAL;
	struct sync_pull *pull = calloc(1, sizeof *pull);
	if (pull == NULL)
		return BANYAN_ENOMEM;
	pull->settings = *settings;
	wire_name_lower(settings->transfer.apex, pull->apex);
	pull->settings.transfer.apex = pull->apex;
	memcpy(pull->primary, settings->primary, settings->n_primaries * sizeof *settings->primary);
	if (pull->settings.idle_ms == 0)
		pull->settings.idle_ms = SYNC_IDLE_MS;
	if (pull->settings.whole_ms == 0)
		pull->settings.whole_ms = SYNC_WHOLE_MS;
	pull->loop = loop;
	uv_timer_init(loop, &pull->next);
	pull->next.data = pull;
	uv_timer_start(&pull->next, on_next, 0, 0);
	*ret = pull;
	return 0;
}

struct sync_transfer *sync_pull_take(struct sync_pull *pull)
{
	struct sync_transfer *transfer = pull->transfer;
	pull->transfer = NULL;
	return transfer;
}

void sync_pull_cancel(struct sync_pull *pull)
{
	if (pull != NULL && !pull->over)
		pull_free(pull);
}
