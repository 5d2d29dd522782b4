// SPDX-License-Identifier: GPL-3.0-or-later
/* The keys of the configuration (TSIG, RFC 8945), as a generation has them. */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SECRET_FILE_MAX 4096 /* bytes: one word */

static int secret_load(const struct config *config, const struct config_key *key, char **ret,
		       char why[REFUSAL_TEXT_MAX])
{
	uint8_t *text = NULL;
	size_t len = 0;
	if (key->secret[0] != '\0') {
		*ret = strdup(key->secret);
		return *ret == NULL ? BANYAN_ENOMEM : 0;
	}
	if (secret_is_everybodys(key->file, why))
		return BANYAN_EACCES;
	int rc = file_read(key->file, SECRET_FILE_MAX, &text, &len);
	if (rc < 0) {
		snprintf(why, REFUSAL_TEXT_MAX, "%s: the key %.300s is to be in %s, which cannot be read: %s",
			 config->path, key->name, key->file, error_text(rc));
		return rc;
	}
	text[strcspn((char *)text, " \t\r\n")] = 0; /* file_read() ends it */
	*ret = (char *)text;
	return 0;
}

int key_load(const struct config *config, const char *name, struct wire_tsig_key **ret, char why[REFUSAL_TEXT_MAX])
{
	static const char *const algorithms[] = {"hmac-sha256", "hmac-sha512", "hmac-sha384",
						 "hmac-sha224", "hmac-sha1",   "hmac-md5"};
	_cleanup_(base_free) char *secret = NULL;
	size_t i = 0;
	while (i < config->n_keys && strcasecmp(config->keys[i].name, name) != 0)
		i++;
	if (i == config->n_keys) {
		snprintf(why, REFUSAL_TEXT_MAX, "%s: the key %.300s is not in keys", config->path, name);
		return BANYAN_ECONFIG;
	}
	int rc = secret_load(config, &config->keys[i], &secret, why);
	if (rc == 0)
		rc = wire_tsig_key_new(algorithms[config->keys[i].algorithm], config->keys[i].name, secret, ret);
	if (rc == BANYAN_EINVAL)
		snprintf(why, REFUSAL_TEXT_MAX, "%s: keys[%zu]: the secret of %.300s%s%s is not base64", config->path,
			 i, config->keys[i].name, config->keys[i].file[0] != '\0' ? " in " : "", config->keys[i].file);
	return rc;
}

int keys_load(const struct config *config, struct keys *ret, char why[REFUSAL_TEXT_MAX])
{
	struct keys keys = {.name = calloc(config->n_keys + 1, sizeof *keys.name),
			    .key = calloc(config->n_keys + 1, sizeof(struct wire_tsig_key *))};
	int rc = keys.name == NULL || keys.key == NULL ? BANYAN_ENOMEM : 0;
	for (; rc == 0 && keys.n < config->n_keys; keys.n++) {
		struct wire_tsig_key *key;
		keys.name[keys.n] = config->keys[keys.n].name;
		rc = key_load(config, keys.name[keys.n], &key, why);
		if (rc < 0)
			break;
		keys.key[keys.n] = key;
	}
	if (rc < 0)
		keys_done(&keys);
	else
		*ret = keys;
	return rc;
}

void keys_done(struct keys *keys)
{
	for (size_t i = 0; i < keys->n; i++)
		wire_tsig_key_free((struct wire_tsig_key *)keys->key[i]);
	free(keys->key);
	free(keys->name);
	*keys = (struct keys){0};
}

const struct wire_tsig_key *keys_find(const struct keys *keys, const char *name, size_t *ret_at)
{
	for (size_t i = 0; i < keys->n; i++) {
		if (strcasecmp(keys->name[i], name) != 0)
			continue;
		if (ret_at != NULL)
			*ret_at = i;
		return keys->key[i];
	}
	return NULL;
}
