// SPDX-License-Identifier: GPL-3.0-or-later
/* Whom the resolvers ask besides what they learn: the root servers by the hints, and whom they never ask. */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HINTS_FILE_MAX ((size_t)1 << 20) /* bytes; the real one has 3 kB */

static void zone_done(struct zone **zone)
{
	if (*zone != NULL)
		zone_free(*zone);
}

/* More are of no use: a walk does not look at them. */
static void hint_add(struct upstream *upstream, const struct addr *addr)
{
	if (upstream->n_hints < ARRAY_SIZE(upstream->hint))
		upstream->hint[upstream->n_hints++] = *addr;
}

static void hints_of_set(struct upstream *upstream, const struct wire_rrset *set)
{
	uint16_t len = set == NULL ? 0 : set->type == WIRE_TYPE_A ? 4 : 16;
	for (uint32_t i = 0; set != NULL && i < set->count; i++) {
		struct addr addr = {.family = len == 4 ? 4 : 6};
		if (set->rdata[i].len != len)
			continue;
		memcpy(addr.ip, set->rdata[i].data, len);
		hint_add(upstream, &addr);
	}
}

/* NS records of the root, and addresses of these servers. */
static int hints_of_file(const char *path, struct upstream *upstream, char why[REFUSAL_TEXT_MAX])
{
	static const uint8_t root[1] = {0};
	_cleanup_(zone_done) struct zone *zone = NULL;
	struct zone_read_settings settings = {.origin = root, .max_bytes = HINTS_FILE_MAX};
	struct zone_error error;
	int rc = zone_read_file(path, &settings, NULL, NULL, &zone, &error);
	if (rc < 0) {
		zone = NULL;
		snprintf(why, REFUSAL_TEXT_MAX, "root.hints-file: %.511s", error.text);
		return rc;
	}
	const struct zone_node *apex = zone_find(zone, root);
	const struct wire_rrset *ns = apex == NULL ? NULL : zone_node_set(zone, apex, WIRE_TYPE_NS);
	for (uint32_t i = 0; ns != NULL && i < ns->count; i++) {
		const struct zone_node *server = zone_find(zone, ns->rdata[i].data);
		if (server == NULL)
			continue;
		hints_of_set(upstream, zone_node_set(zone, server, WIRE_TYPE_A));
		hints_of_set(upstream, zone_node_set(zone, server, WIRE_TYPE_AAAA));
	}
	if (upstream->n_hints > 0)
		return 0;
	snprintf(
		why, REFUSAL_TEXT_MAX,
		"root.hints-file: %s: it names no root server with an address; wanted are NS records of \".\" and A or "
		"AAAA records of these servers",
		path);
	return BANYAN_ECONFIG;
}

static int hints_load(const struct config *config, struct upstream *upstream, char why[REFUSAL_TEXT_MAX])
{
	struct addr addr;
	if (!config->root.fallback)
		return 0;
	for (size_t i = 0; i < config->root.hints.count; i++) {
		addr = config->root.hints.item[i];
		if (addr.port == 53)
			addr.port = 0; /* as all other authorities: resolver.upstream-port */
		hint_add(upstream, &addr);
	}
	if (config->root.hints_file[0] != 0)
		return hints_of_file(config->root.hints_file, upstream, why);
	if (upstream->n_hints > 0)
		return 0;
	for (size_t i = 0; i < OFFICIAL_COUNT; i++) {
		int rc = official_at(i, &addr);
		if (rc < 0)
			return rc;
		hint_add(upstream, &addr);
	}
	return 0;
}

static int never_ask_load(const struct config *config, struct upstream *upstream)
{
	const struct config_prefixes *from = &config->resolver.do_not_query;
	upstream->n_never_ask = from->count;
	upstream->never_ask = calloc(from->count + 1, sizeof(*upstream->never_ask));
	if (upstream->never_ask == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < from->count; i++)
		upstream->never_ask[i] = from->item[i];
	upstream->n_own = config->server.listen.count;
	upstream->own = calloc(upstream->n_own + 1, sizeof(*upstream->own));
	if (upstream->own == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < upstream->n_own; i++)
		upstream->own[i] = config->server.listen.item[i];
	return 0;
}

int upstream_load(const struct config *config, struct upstream *ret, char why[REFUSAL_TEXT_MAX])
{
	*ret = (struct upstream){0};
	snprintf(why, REFUSAL_TEXT_MAX, "cannot load the root hints");
	snprintf(ret->edition, sizeof ret->edition, "%s", config->root.edition);
	struct random random;
	random_init_kernel(&random);
	random_bytes(&random, ret->cookie_secret, sizeof(ret->cookie_secret));
	int rc = hints_load(config, ret, why);
	if (rc == 0)
		rc = never_ask_load(config, ret);
	if (rc < 0)
		upstream_done(ret);
	return rc;
}

void upstream_hold(const struct upstream *upstream, struct generation *generation)
{
	if (upstream == NULL || strcmp(upstream->edition, generation->config->root.edition) == 0)
		return;
	generation->view.live.settings.no_hints = true;
	if (upstream->n_hints > 0)
		log_warning(STATION,
			    "root.edition has changed: the root servers that are known here are those of another "
			    "namespace, and are not asked until a restart");
}

void upstream_done(struct upstream *upstream)
{
	free(upstream->never_ask);
	free(upstream->own);
	*upstream = (struct upstream){0};
}

void upstream_settings(const struct config *config, const struct upstream *upstream, struct resolve_settings *settings)
{
	settings->upstream_port = config->resolver.upstream_port;
	settings->ipv4 = config->resolver.ipv4;
	settings->ipv6 = config->resolver.ipv6;
	memcpy(settings->cookie_secret, upstream->cookie_secret, sizeof(settings->cookie_secret));
	settings->priming = config->root.priming;
	settings->n_hints = upstream->n_hints;
	settings->hint = upstream->hint;
	settings->n_never_ask = upstream->n_never_ask;
	settings->never_ask = upstream->never_ask;
	settings->n_own = upstream->n_own;
	settings->loopback = (enum resolve_loopback)config->resolver.loopback;
	settings->own = upstream->own;
}
