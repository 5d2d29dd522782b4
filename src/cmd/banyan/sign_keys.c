// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan sign: keys from files as BIND and ldns write them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sign.h"

#define PATH_MAX_LEN 4096 /* bytes of a path: what the system takes */

static int complain(const char *path, const char *words)
{
	fprintf(stderr, "banyan sign: %s: %s\n", path, words);
	return BANYAN_EINVAL;
}

static bool ends_with(const char *text, size_t len, const char *end)
{
	size_t end_len = strlen(end);
	return len > end_len && strcmp(text + len - end_len, end) == 0;
}

/* The DNSKEY of a K*.key file. */
static int public_load(const char *path, uint8_t rdata[MAKE_KEY_RDATA_MAX], size_t *ret_len)
{
	struct zone_read_settings settings = {.origin = (const uint8_t *)"", .max_bytes = MAKE_KEY_PEM_MAX};
	struct zone_error error;
	struct zone *zone = NULL;
	if (zone_read_file(path, &settings, NULL, NULL, &zone, &error) < 0) {
		fprintf(stderr, "banyan sign: %s\n", error.text);
		return BANYAN_EINVAL;
	}
	int rc = BANYAN_ENOENT;
	for (size_t i = 0; i < zone->n_sets && rc != 0; i++) {
		const struct wire_rdata *item = &zone->set[i].rdata[0];
		if (zone->set[i].type != WIRE_TYPE_DNSKEY || item->len > MAKE_KEY_RDATA_MAX)
			continue;
		memcpy(rdata, item->data, item->len);
		*ret_len = item->len;
		rc = 0;
	}
	zone_free(zone);
	return rc == 0 ? 0 : complain(path, "there is no DNSKEY in it");
}

static int pair_load(const char *public_path, const char *private_path, struct make_key **ret)
{
	uint8_t rdata[MAKE_KEY_RDATA_MAX];
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t rdata_len = 0, len = 0;
	char words[256];
	if (public_load(public_path, rdata, &rdata_len) < 0)
		return BANYAN_EINVAL;
	int rc = file_read(private_path, MAKE_KEY_PEM_MAX, &text, &len);
	if (rc == BANYAN_ENOENT) /* a key that is published and does not sign */
		rc = make_key_from_rdata(rdata, rdata_len, ret);
	else if (rc == 0)
		rc = make_key_from_bind((const char *)text, len, rdata, rdata_len, ret);
	if (text != NULL)
		explicit_bzero(text, len);
	if (rc == 0)
		return 0;
	snprintf(words, sizeof words, "%s",
		 rc == BANYAN_EINVAL
			 ? "it is not the private half of the key in the file beside it, whose name ends in .key"
		 : rc == BANYAN_EMALF
			 ? "it is not a private key as BIND and ldns write them (Private-key-format: v1.2 or v1.3)"
		 : rc == BANYAN_EUNSUPP
			 ? "keys of this algorithm cannot sign here; those of 8, 10, 13, 14, 15 and 16 can"
			 : error_text(rc));
	return complain(private_path, words);
}

int sign_key_load(const char *word, struct make_key **ret)
{
	char public_path[PATH_MAX_LEN + 16], private_path[PATH_MAX_LEN + 16];
	size_t len = strlen(word);
	if (len > PATH_MAX_LEN)
		return complain(word, "no path is that long");
	if (ends_with(word, len, ".private"))
		len -= strlen(".private");
	else if (ends_with(word, len, ".key"))
		len -= strlen(".key");
	else if (ends_with(word, len, "."))
		len--; /* as the completion of a shell leaves it */
	snprintf(public_path, sizeof public_path, "%.*s.key", (int)len, word);
	snprintf(private_path, sizeof private_path, "%.*s.private", (int)len, word);
	return pair_load(public_path, private_path, ret);
}

void sign_keys_assign(struct make_zone_key *key, size_t n)
{
	size_t entry = 0, other = 0; /* that can sign */
	for (size_t i = 0; i < n; i++) {
		bool sep = (make_key_flags(key[i].key) & 1) != 0;
		key[i].published = true;
		if (make_key_can_sign(key[i].key)) {
			entry += sep;
			other += !sep;
		}
	}
	for (size_t i = 0; i < n; i++) {
		bool can = make_key_can_sign(key[i].key), sep = (make_key_flags(key[i].key) & 1) != 0;
		bool revoked = (make_key_flags(key[i].key) & MAKE_FLAG_REVOKE) !=
			       0; /* RFC 5011 section 2.1: its own set alone */
		key[i].signs_keys = can && (sep || entry == 0);
		key[i].signs_data = can && !revoked && (!sep || other == 0);
	}
}
