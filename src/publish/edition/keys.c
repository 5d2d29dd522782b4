// SPDX-License-Identifier: GPL-3.0-or-later
/* The keys that an edition is signed with now, out of its folder of keys. */
#include "private.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct edition_keys {
	size_t n;
	struct make_zone_key key[MAKE_ZONE_KEYS_MAX];
};

static const struct role {
	const char *file;
	uint16_t flags;
	bool signs_keys, signs_data;
} roles[] = {
	{"ksk.pem", MAKE_FLAGS_KSK, true, false},
	{"zsk.pem", MAKE_FLAGS_ZSK, false, true},
	{"csk.pem", MAKE_FLAGS_KSK, true, true},
};

void edition_keys_end(struct edition_keys *keys)
{
	for (size_t i = 0; keys != NULL && i < keys->n; i++)
		make_key_free(keys->key[i].key);
	free(keys);
}

static int key_read(struct edition_keys *keys, const struct edition_settings *settings, const struct role *role,
		    char *why)
{
	char path[PATH_MAX];
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	struct stat about;
	snprintf(path, sizeof path, "%s/%s", settings->keys_folder, role->file);
	if (stat(path, &about) < 0)
		return errno == ENOENT ? 0 : edition_why(why, error_from_errno(errno), "%s: %s", path, strerror(errno));
	if ((about.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return edition_why(why, BANYAN_EACCES, "%s: others may read this private key; chmod 600 it", path);
	int rc = file_read(path, MAKE_KEY_PEM_MAX, &text, &len);
	struct make_zone_key *key = &keys->key[keys->n];
	if (rc == 0)
		rc = make_key_from_pem((const char *)text, len, settings->keys_algorithm, role->flags, &key->key);
	if (rc < 0)
		return edition_why(why, rc, "%s: it cannot be used as a key of algorithm %u: %s", path,
				   settings->keys_algorithm, error_text(rc));
	key->published = true;
	key->signs_keys = role->signs_keys;
	key->signs_data = role->signs_data;
	keys->n++;
	return 0;
}

int edition_keys_begin(const struct edition_settings *settings, int64_t now, struct edition_keys **ret,
		       char why[EDITION_WHY_MAX])
{
	struct edition_keys *keys = calloc(1, sizeof *keys);
	bool for_keys = false, for_data = false;
	int rc = keys == NULL ? edition_why(why, BANYAN_ENOMEM, "out of memory") : 0;
	for (size_t i = 0; i < ARRAY_SIZE(roles) && rc == 0; i++)
		rc = key_read(keys, settings, &roles[i], why);
	for (size_t i = 0; rc == 0 && i < keys->n; i++) {
		for_keys |= keys->key[i].signs_keys;
		for_data |= keys->key[i].signs_data;
	}
	if (rc == 0 && (!for_keys || !for_data))
		rc = edition_why(why, BANYAN_ENOENT, "%s: there is no key that signs %s", settings->keys_folder,
				 !for_keys ? "keys" : "data");
	if (rc < 0)
		edition_keys_end(keys);
	else
		*ret = keys;
	return rc;
}

void edition_keys_fill(const struct edition_keys *keys, struct make_signing *signing)
{
	signing->key = keys->key;
	signing->n_keys = keys->n;
}

int edition_keys_anchors(const struct edition_keys *keys, const uint8_t *apex, struct dnssec_anchors *anchors)
{
	int rc = 0;
	for (size_t i = 0; i < keys->n && rc == 0; i++) {
		size_t len;
		const uint8_t *rdata = make_key_rdata(keys->key[i].key, &len);
		struct wire_rdata dnskey = {.data = rdata, .len = (uint16_t)len};
		if (keys->key[i].published && keys->key[i].signs_keys && (rdata[1] & MAKE_FLAG_REVOKE) == 0)
			rc = dnssec_anchors_add(anchors, apex, WIRE_TYPE_DNSKEY, &dnskey);
	}
	return rc;
}

int edition_keys_offered(struct edition_keys *keys, int64_t now, char why[EDITION_WHY_MAX])
{
	return 0;
}

int64_t edition_keys_next(const struct edition_keys *keys)
{
	return INT64_MAX;
}
