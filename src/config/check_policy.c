// SPDX-License-Identifier: GPL-3.0-or-later
/* Checks of views, policy zones, their keys, and names of hosts: what one of them says of another. */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static bool view_exists(const struct config *config, const char *name)
{
	bool found = strcmp(name, "default") == 0;
	for (size_t i = 0; i < config->n_views && !found; i++)
		found = strcmp(config->views[i].name, name) == 0;
	return found;
}

static bool key_exists(const struct config *config, const char *name)
{
	bool found = false;
	for (size_t i = 0; i < config->n_keys && !found; i++)
		found = strcasecmp(config->keys[i].name, name) == 0;
	return found;
}

/* `at`: the mapping in which the names stand, `where`: what it is called. */
static int check_names(const struct config_reader *r, const struct tree_node *at, const char *where,
		       const struct config_local *local)
{
	for (size_t i = 0; i < local->n_names; i++) {
		const struct config_local_name *name = &local->name[i];
		if (name->alias[0] != '\0' && name->addresses.count + name->records.count > 0)
			return value_fail(r, at,
					  "%s.names[%zu]: '%.255s' has an alias and addresses or records beside it; "
					  "an alias stands alone (RFC 1034 section 3.6.2)",
					  where, i, name->name);
		if (name->alias[0] == '\0' && name->addresses.count + name->records.count == 0)
			return value_fail(r, at, "%s.names[%zu]: '%.255s' has neither addresses nor records nor alias",
					  where, i, name->name);
	}
	return 0;
}

static int check_views(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	int rc = check_names(r, check_place(root, "local", "names", SIZE_MAX), "local", &config->local.data);
	for (size_t i = 0; i < config->n_views && rc == 0; i++) {
		const struct tree_node *at = check_place(root, "views", NULL, i);
		char where[32];
		snprintf(where, sizeof where, "views[%zu]", i);
		if (strcmp(config->views[i].name, "default") == 0)
			return value_fail(r, at, "%s.name: 'default' is the name of what all other clients get", where);
		for (size_t k = 0; k < i; k++)
			if (strcmp(config->views[k].name, config->views[i].name) == 0)
				return value_fail(r, at,
						  "%s.name: '%.255s' stands here again; it is views[%zu] already",
						  where, config->views[i].name, k);
		rc = check_names(r, at, where, &config->views[i].local);
	}
	return rc;
}

static int check_zone(const struct config_reader *r, const struct tree_node *at, const struct config *config, size_t i)
{
	const struct config_rpz *rpz = &config->rpz[i];
	for (size_t k = 0; k < i; k++)
		if (strcasecmp(config->rpz[k].zone, rpz->zone) == 0)
			return value_fail(r, at, "rpz[%zu].zone: '%.255s' stands here again; it is rpz[%zu] already", i,
					  rpz->zone, k);
	if (rpz->file[0] == '\0' && rpz->primaries.count == 0)
		return value_fail(r, at, "rpz[%zu]: '%.255s' has neither file nor primaries; give one of them", i,
				  rpz->zone);
	if (rpz->key[0] != '\0' && !key_exists(config, rpz->key))
		return value_fail(r, at, "rpz[%zu].key: there is no key '%.255s' among keys", i, rpz->key);
	if ((rpz->action == CONFIG_RPZ_CNAME) != (rpz->cname[0] != '\0'))
		return value_fail(r, at, "rpz[%zu].cname: it belongs to the action cname; give both or none", i);
	if (rpz->refresh_min_s > rpz->refresh_max_s)
		return value_fail(r, at,
				  "rpz[%zu].refresh-min: found %us; allowed is at most refresh-max, which is %us", i,
				  rpz->refresh_min_s, rpz->refresh_max_s);
	for (size_t k = 0; k < rpz->views.count; k++)
		if (!view_exists(config, rpz->views.item[k]))
			return value_fail(r, at, "rpz[%zu].views: there is no view '%.255s' among views", i,
					  rpz->views.item[k]);
	return 0;
}

static int check_keys(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	for (size_t i = 0; i < config->n_keys; i++) {
		const struct tree_node *at = check_place(root, "keys", NULL, i);
		const struct config_key *key = &config->keys[i];
		if ((key->secret[0] == '\0') == (key->file[0] == '\0'))
			return value_fail(r, at, "keys[%zu]: '%.255s' needs either secret or file", i, key->name);
		for (size_t k = 0; k < i; k++)
			if (strcasecmp(config->keys[k].name, key->name) == 0)
				return value_fail(r, at,
						  "keys[%zu].name: '%.255s' stands here again; it is keys[%zu] already",
						  i, key->name, k);
	}
	return 0;
}

int check_policy(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	int rc = check_views(r, root, config);
	if (rc == 0)
		rc = check_keys(r, root, config);
	for (size_t i = 0; i < config->n_rpz && rc == 0; i++)
		rc = check_zone(r, check_place(root, "rpz", NULL, i), config, i);
	return rc;
}
