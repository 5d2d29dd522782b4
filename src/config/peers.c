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

/* "from=ADDRESS", of the peer's family. */
static int from_parse(const char *text, struct config_notify *notify)
{
	if (strncmp(text, "from=", 5) != 0 || notify->from.family != 0 || strchr(text, '@') != NULL)
		return BANYAN_EINVAL;
	int rc = addr_parse(text + 5, 0, &notify->from);
	return rc == 0 && notify->from.family != notify->addr.family ? BANYAN_EINVAL : rc;
}

int config_notify_parse(const char *text, struct config_notify *ret)
{
	char copy[CONFIG_KEY_TEXT_MAX + 2 * ADDR_TEXT_MAX], *rest = NULL;
	struct config_notify notify = {0};
	if (strlen(text) >= sizeof copy)
		return BANYAN_EINVAL;
	strcpy(copy, text);
	char *word = strtok_r(copy, " ", &rest);
	if (word == NULL || addr_parse(word, DNS_PORT, &notify.addr) < 0 || notify.addr.port == 0)
		return BANYAN_EINVAL;
	while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
		bool key = strncmp(word, "key=", 4) == 0 && notify.key[0] == 0;
		if ((key ? key_parse(word, notify.key) : from_parse(word, &notify)) < 0)
			return BANYAN_EINVAL;
	}
	*ret = notify;
	return 0;
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

/* A list of whom something is allowed. */
static int check_allowed(const struct config_reader *r, const struct tree_node *at, const char *where,
			 const struct config *config, const struct config_list *list)
{
	char key[CONFIG_KEY_TEXT_MAX];
	struct addr_prefix prefix;
	for (size_t i = 0; i < list->count; i++) {
		if (config_register_parse(list->item[i], &prefix, key) < 0)
			return value_fail(r, at, "%s: found '%.200s'; allowed is ADDRESS, ADDRESS/BITS or key=NAME",
					  where, list->item[i]);
		if (key_missing(config, key))
			return value_fail(r, at, "%s: there is no key '%.255s' among keys", where, key);
	}
	return 0;
}

static int check_lists(const struct config_reader *r, const struct tree_node *at, const char *where,
		       const struct config *config, const struct config_list *notify,
		       const struct config_list *registering)
{
	char name[64];
	struct config_notify peer;
	for (size_t i = 0; i < notify->count; i++) {
		if (config_notify_parse(notify->item[i], &peer) < 0)
			return value_fail(
				r, at,
				"%s.notify: found '%.200s'; allowed is ADDRESS or ADDRESS@PORT, and behind it "
				"key=NAME and from=ADDRESS, of the same family",
				where, notify->item[i]);
		if (key_missing(config, peer.key))
			return value_fail(r, at, "%s.notify: there is no key '%.255s' among keys", where, peer.key);
	}
	snprintf(name, sizeof name, "%s.register", where);
	return check_allowed(r, at, name, config, registering);
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
	return rc < 0 ? rc
		      : check_allowed(r, check_place(root, "server", "fleet", SIZE_MAX), "server.fleet", config,
				      &config->server.fleet);
}
