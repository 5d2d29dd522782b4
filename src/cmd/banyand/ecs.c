// SPDX-License-Identifier: GPL-3.0-or-later
/* EDNS client subnet: from the configuration to what the engine wants. */
#include "daemon.h"

#include <stdlib.h>

int ecs_zones_make(const struct config *config, struct ecs_zones *ret)
{
	size_t n = config->ecs.zones.count;
	struct ecs_zones zones = {.name = calloc(n + 1, sizeof(*zones.name)),
				  .item = calloc(n + 1, sizeof(*zones.item))};
	int rc = zones.name == NULL || zones.item == NULL ? BANYAN_ENOMEM : 0;
	for (size_t i = 0; rc >= 0 && i < n; i++) {
		rc = wire_name_parse(config->ecs.zones.item[i], zones.name[i]);
		zones.item[i] = zones.name[i];
	}
	if (rc < 0) {
		ecs_zones_done(&zones);
		return rc;
	}
	*ret = zones;
	return 0;
}

void ecs_zones_done(struct ecs_zones *zones)
{
	free(zones->name);
	free(zones->item);
	*zones = (struct ecs_zones){0};
}

void ecs_settings(const struct config *config, const struct ecs_zones *zones, struct resolve_settings *settings)
{
	settings->n_ecs_zones = config->ecs.zones.count;
	settings->ecs_zone = zones->item;
	settings->n_ecs_servers = config->ecs.servers.count;
	settings->ecs_server = config->ecs.servers.item;
	settings->ecs_ipv4_bits = (uint8_t)config->ecs.ipv4_prefix;
	settings->ecs_ipv6_bits = (uint8_t)config->ecs.ipv6_prefix;
	settings->ecs_cache_bytes = config->ecs.cache_size;
}
