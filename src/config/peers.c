// SPDX-License-Identifier: GPL-3.0-or-later
/* Texts that name peers: who is told of new versions, and who may register for it. */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define DNS_PORT 53

/* "key=NAME" -> NAME with a dot at its end, as keys[] have it. */
static int key_parse(const char *text, char key[CONFIG_KEY_TEXT_MAX])
{
	if (strncmp(text, "key=", 4) != 0 || text[4] == 0)
		return BANYAN_EINVAL;
	size_t len = strlen(text + 4);
	bool dot = text[4 + len - 1] == '.';
	if (len + 2 > CONFIG_KEY_TEXT_MAX)
		return BANYAN_EINVAL;
	snprintf(key, CONFIG_KEY_TEXT_MAX, "%s%s", text + 4, dot ? "" : ".");
	return 0;
}

int config_notify_parse(const char *text, struct addr *ret_addr, char ret_key[CONFIG_KEY_TEXT_MAX])
{
	char copy[CONFIG_KEY_TEXT_MAX + ADDR_TEXT_MAX], *rest = copy;
	if (strlen(text) >= sizeof copy)
		return BANYAN_EINVAL;
	strcpy(copy, text);
	char *addr = strsep(&rest, " ");
	ret_key[0] = 0;
	while (rest != NULL && *rest == ' ')
		rest++;
	int rc = addr_parse(addr, DNS_PORT, ret_addr);
	if (rc == 0 && rest != NULL)
		rc = key_parse(rest, ret_key);
	return rc == 0 && ret_addr->port == 0 ? BANYAN_EINVAL : rc;
}

int config_register_parse(const char *text, struct addr_prefix *ret_prefix, char ret_key[CONFIG_KEY_TEXT_MAX])
{
	if (strncmp(text, "key=", 4) == 0)
		return key_parse(text, ret_key);
	ret_key[0] = 0;
	return addr_prefix_parse(text, ret_prefix);
}

static bool key_missing(const struct config *config, const char *key)
{
	for (size_t i = 0; i < config->n_keys; i++)
		if (strcasecmp(config->keys[i].name, key) == 0)
			return false;
	return key[0] != 0;
}

static int check_lists(const struct config_reader *r, const struct tree_node *at, const char *where,
		       const struct config *config, const struct config_list *notify,
		       const struct config_list *registering)
{
	char key[CONFIG_KEY_TEXT_MAX];
	struct addr addr;
	struct addr_prefix prefix;
	for (size_t i = 0; i < notify->count; i++) {
		if (config_notify_parse(notify->item[i], &addr, key) < 0)
			return value_fail(r, at,
					  "%s.notify: found '%.200s'; allowed is ADDRESS or ADDRESS@PORT, and key=NAME "
					  "behind it",
					  where, notify->item[i]);
		if (key_missing(config, key))
			return value_fail(r, at, "%s.notify: there is no key '%.255s' among keys", where, key);
	}
	for (size_t i = 0; i < registering->count; i++) {
		if (config_register_parse(registering->item[i], &prefix, key) < 0)
			return value_fail(r, at,
					  "%s.register: found '%.200s'; allowed is ADDRESS, ADDRESS/BITS or key=NAME",
					  where, registering->item[i]);
		if (key_missing(config, key))
			return value_fail(r, at, "%s.register: there is no key '%.255s' among keys", where, key);
	}
	return 0;
}

int check_peers(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	int rc = check_lists(r, check_place(root, "root", "notify", SIZE_MAX), "root", config, &config->root.notify,
			     &config->root.registering);
	for (size_t i = 0; i < config->n_zones && rc == 0; i++) {
		char where[32];
		snprintf(where, sizeof where, "zones[%zu]", i);
		rc = check_lists(r, check_place(root, "zones", NULL, i), where, config, &config->zones[i].notify,
				 &config->zones[i].registering);
	}
	return rc;
}
