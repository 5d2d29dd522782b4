// SPDX-License-Identifier: GPL-3.0-or-later
/* Forward and stub zones: from the configuration to what the engine and the view want. */
#include "daemon.h"

#include <stdlib.h>

static size_t entries_count(const struct config *config)
{
	size_t n = config->n_forward + config->n_stub;
	for (size_t i = 0; i < config->n_forward; i++)
		n += config->forward[i].except.count;
	return n;
}

static int entry_add(struct forward_list *list, const char *zone, const struct config_forward *from,
		     enum resolve_forward_kind kind)
{
	struct resolve_forward *entry = &list->item[list->count];
	uint8_t *name = list->name[list->count];
	int rc = wire_name_parse(zone, name);
	if (rc < 0)
		return rc;
	*entry = (struct resolve_forward){.kind = kind, .zone = name};
	if (kind != RESOLVE_WALK_ZONE) {
		entry->tcp = from->tcp_only;
		entry->first = from->first;
		entry->insecure = !from->validate;
		entry->n_addrs = from->servers.count;
		entry->addr = from->servers.item;
	}
	list->count++;
	return 0;
}

int forward_list_make(const struct config *config, struct forward_list *ret)
{
	size_t n = entries_count(config);
	struct forward_list list = {.item = calloc(n + 1, sizeof(*list.item)),
				    .name = calloc(n + 1, sizeof(*list.name))};
	int rc = list.item == NULL || list.name == NULL ? BANYAN_ENOMEM : 0;
	for (size_t i = 0; rc == 0 && i < config->n_forward; i++) {
		const struct config_forward *from = &config->forward[i];
		rc = entry_add(&list, from->zone, from, RESOLVE_FORWARD_ZONE);
		for (size_t k = 0; rc == 0 && k < from->except.count; k++)
			rc = entry_add(&list, from->except.item[k], from, RESOLVE_WALK_ZONE);
	}
	for (size_t i = 0; rc == 0 && i < config->n_stub; i++)
		rc = entry_add(&list, config->stub[i].zone, &config->stub[i], RESOLVE_STUB_ZONE);
	if (rc < 0) {
		forward_list_done(&list);
		return rc;
	}
	*ret = list;
	return 0;
}

void forward_list_done(struct forward_list *list)
{
	free(list->item);
	free(list->name);
	*list = (struct forward_list){0};
}
