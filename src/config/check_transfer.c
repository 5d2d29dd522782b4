// SPDX-License-Identifier: GPL-3.0-or-later
/* Checks of who may have transfers: each text is a prefix, a key, or both, and perhaps how. */
#include "check.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

/* A name with or without its final dot. */
static bool same_name(const char *a, const char *b)
{
	size_t la = strlen(a), lb = strlen(b);
	la -= la > 1 && a[la - 1] == '.';
	lb -= lb > 1 && b[lb - 1] == '.';
	return la == lb && strncasecmp(a, b, la) == 0;
}

/* "key=" as in the options notify and register; "key:" reads as well. */
const char *config_transfer_key(const char *word)
{
	return strncmp(word, "key=", 4) == 0 || strncmp(word, "key:", 4) == 0 ? word + 4 : NULL;
}

bool config_transfer_tls(const char *word)
{
	return strcmp(word, "tls") == 0;
}

/* What may be given over TLS alone, and by no listener, nobody could have. */
static int check_listeners(const struct config_reader *r, const struct tree_node *at, const char *where,
			   const struct config *config)
{
	return config->server.tls_listen.count > 0
		       ? 0
		       : value_fail(
				 r, at,
				 "%s: over TLS only, but server.tls-listen names no address, so that nobody could have "
				 "it; name one, with server.tls-certificate and server.tls-key",
				 where);
}

size_t config_key_index(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->n_keys; i++)
		if (same_name(config->keys[i].name, name))
			return i;
	return SIZE_MAX;
}

static int check_word(const struct config_reader *r, const struct tree_node *at, const char *where,
		      const struct config *config, const char *word)
{
	struct addr_prefix prefix;
	const char *key = config_transfer_key(word);
	if (config_transfer_tls(word))
		return check_listeners(r, at, where, config);
	if (key == NULL)
		return addr_prefix_parse(word, &prefix) == 0
			       ? 0
			       : value_fail(r, at,
					    "%s: found '%.255s'; allowed are addresses and prefixes as 192.0.2.0/24 or "
					    "2001:db8::/32, key=NAME with the name of a key, and tls beside them",
					    where, word);
	return config_key_index(config, key) != SIZE_MAX
		       ? 0
		       : value_fail(r, at, "%s: there is no key '%.255s' among keys", where, key);
}

static int check_texts(const struct config_reader *r, const struct tree_node *at, const char *where,
		       const struct config *config, const struct config_list *texts)
{
	char copy[2048], *rest = NULL;
	int rc = 0;
	for (size_t i = 0; i < texts->count && rc == 0; i++) {
		unsigned words = 0; /* that say who */
		snprintf(copy, sizeof copy, "%s", texts->item[i]);
		for (char *word = strtok_r(copy, " ", &rest); word != NULL && rc == 0;
		     word = strtok_r(NULL, " ", &rest)) {
			rc = check_word(r, at, where, config, word);
			words += !config_transfer_tls(word);
		}
		if (rc == 0 && words == 0)
			rc = value_fail(r, at,
					"%s: found '%.255s', which says nothing of who; name an address, a prefix "
					"(0.0.0.0/0 is everybody) or a key",
					where, texts->item[i]);
	}
	if (rc == 0 && texts->count > 0 && config->transfers.tls_only)
		rc = check_listeners(r, at, "transfers.tls-only", config);
	return rc;
}

int check_transfers(const struct config_reader *r, const struct tree_node *root, const struct config *config)
{
	char where[64];
	int rc = check_texts(r, check_place(root, "root", "transfer", SIZE_MAX), "root.transfer", config,
			     &config->root.transfer);
	for (size_t i = 0; i < config->n_zones && rc == 0; i++) {
		snprintf(where, sizeof where, "zones[%zu].transfer", i);
		rc = check_texts(r, check_place(root, "zones", NULL, i), where, config, &config->zones[i].transfer);
	}
	return rc;
}
