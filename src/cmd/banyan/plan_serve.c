// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan plan: priming questions answered in this process by the code that banyand answers with. */
#include "planner.h"

#include <stdlib.h>
#include <string.h>

#include "answer/answer.h"

struct planner_server {
	size_t n;
	struct answer_zone zone[PLANNER_CHILDREN_MAX + 1];
	struct image *image[PLANNER_CHILDREN_MAX + 1];
	uint8_t apex[PLANNER_CHILDREN_MAX + 1][WIRE_NAME_MAX];
	struct counters counters;
};

int planner_server_new(struct planner_server **ret)
{
	struct planner_server *server = calloc(1, sizeof *server);
	if (server == NULL)
		return BANYAN_ENOMEM;
	*ret = server;
	return 0;
}

static void unload(struct planner_server *server)
{
	while (server->n > 0)
		image_free(server->image[--server->n]);
}

void planner_server_free(struct planner_server *server)
{
	if (server == NULL)
		return;
	unload(server);
	free(server);
}

static int load(void *ctx, struct zone *const *zone, size_t n)
{
	struct planner_server *server = ctx;
	unload(server);
	if (n > ARRAY_SIZE(server->zone))
		return BANYAN_ELIMIT;
	for (size_t i = 0; i < n; i++) {
		int rc = image_compile(zone[i], &server->image[i]);
		if (rc != 0)
			return rc;
		memcpy(server->apex[i], zone[i]->apex, wire_name_len(zone[i]->apex));
		server->zone[i] = (struct answer_zone){.apex = server->apex[i], .image = server->image[i]};
		server->n++;
	}
	answer_view_sort(server->zone, n);
	return 0;
}

/* As banyand with `server: udp-size` as large as the client's, without limits of rate, without an identity. */
static int ask(void *ctx, const struct plan_question *question, uint8_t *out, size_t *ret_len)
{
	struct planner_server *server = ctx;
	struct answer_view view = {
		.n_zones = server->n,
		.zone = server->zone,
		.cookies = {.n_secrets = 1, .secret = {"secret of a plan"}},
		.identity = "",
		.version = "",
		.udp_size = UINT16_MAX,
		.minimal_responses = true,
	};
	uint8_t msg[PLAN_QUESTION_MAX];
	struct answer_request request = {
		.msg = msg,
		.len = plan_question_write(question, msg),
		.tcp = question->tcp,
		.out = out,
	};
	struct answer_pending pending;
	int rc = addr_parse("198.51.100.1@53000", 53, &request.peer);
	if (rc != 0)
		return rc;
	if (answer_question(&view, &server->counters, &request, &pending, ret_len) != ANSWER_SEND)
		return BANYAN_EOTHER;
	return 0;
}

struct plan_asker planner_server_asker(struct planner_server *server)
{
	return (struct plan_asker){.load = load, .ask = ask, .ctx = server};
}
