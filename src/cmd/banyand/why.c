// SPDX-License-Identifier: GPL-3.0-or-later
/* The command why: what the daemon knows of a name, and where it would answer from. Asks nobody. */
#include "why.h"

#include <stdlib.h>
#include <string.h>

struct request {
	uint8_t qname[WIRE_NAME_MAX];
	uint16_t qtype;
	bool json, has_client;
	struct addr client;
};

static const char *request_parse(int argc, char **argv, struct request *ret)
{
	ret->json = control_take_word(&argc, argv, "json");
	ret->has_client = argc > 2 && strncmp(argv[argc - 1], "client=", 7) == 0;
	if (ret->has_client && addr_parse(argv[--argc] + 7, 0, &ret->client) < 0)
		return "this is no address of a client";
	if (argc < 2 || argc > 3)
		return "usage: why NAME [TYPE] [client=ADDRESS] [json]";
	if (wire_name_parse(argv[1], ret->qname) < 0)
		return "this is no domain name";
	int type = argc == 3 ? wire_type_parse(argv[2]) : WIRE_TYPE_A;
	if (type <= 0)
		return "this is no record type";
	ret->qtype = (uint16_t)type;
	return NULL;
}

/* The zone of this server that answers the question itself, as answer_question() would choose it: 1 and *ret. */
static int own_zone(const struct generation *g, const struct request *request, struct operate_zone *ret)
{
	const struct loaded *best = NULL;
	unsigned best_labels = 0;
	for (size_t i = 0; i < g->config->n_zones; i++) {
		if (g->zone[i]->image == NULL)
			continue;
		const uint8_t *apex = image_apex(g->zone[i]->image);
		if (!wire_name_under(request->qname, apex))
			continue;
		if (best == NULL || wire_name_labels(apex) > best_labels) {
			best = g->zone[i];
			best_labels = wire_name_labels(apex);
		}
	}
	if (best == NULL)
		return 0;
	*ret = control_describe(best);
	return 1;
}

static int write_why(struct keeper *keeper, const struct request *request, struct buffer *out)
{
	const struct generation *g = swap_read(&keeper->swap);
	_cleanup_(arena_done) struct arena arena = {0};
	_cleanup_(base_free) struct resolve_facts *facts = calloc(1, sizeof(*facts));
	struct operate_zone zone, root;
	if (facts == NULL)
		return BANYAN_ENOMEM;
	struct operate_why why = {.qname = request->qname, .qtype = request->qtype};
	if (own_zone(g, request, &zone) > 0)
		why.zone = &zone;
	if (g->root != NULL) {
		root = control_describe(g->root);
		why.root = &root;
	}
	if (keeper->workers.cache != NULL) {
		const struct resolve_why_from from = {
			.cache = keeper->workers.cache,
			.root = g->view.root,
			.upstream_port = g->config->resolver.upstream_port,
			.nxdomain_cut = (enum resolve_nxdomain_cut)g->config->resolver.nxdomain_cut,
			.stale_age_s = g->config->resolver.serve_stale ? g->config->resolver.stale_age_max : 0};
		int rc = resolve_why(&from, &arena, clock_wall_ms(), request->qname, request->qtype, facts);
		if (rc < 0)
			return rc;
		why.facts = facts;
	}
	if (why.zone == NULL && g->view.recursion)
		why_policy(g, request->has_client ? &request->client : NULL, &arena, &why);
	return request->json ? operate_why_json(&why, out) : operate_why_text(&why, out);
}

void control_why(void *ctx, struct operate_call *call, int argc, char **argv)
{
	struct request request;
	const char *wrong = request_parse(argc, argv, &request);
	if (wrong != NULL) {
		control_fail(call, wrong);
		return;
	}
	operate_call_done(call, write_why(ctx, &request, operate_call_reply(call)) == 0);
}
