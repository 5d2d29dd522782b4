// SPDX-License-Identifier: GPL-3.0-or-later
/* Key responses in the folder of the online side: which bundle is in force. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "request.h"

#define FILES_MAX 1024 /* responses kept in a folder: 250 years of quarters */

int keys_request_load(struct keys_folder *folder, const char *file, struct keys_request *ret, char why[KEYS_WHY_MAX])
{
	_cleanup_(base_free) uint8_t *text = NULL;
	char name[2 * KEYS_PLACE_MAX];
	size_t len;
	int rc = folder_read(folder->fd, file, KEYS_REQUEST_MAX, &text, &len);
	snprintf(name, sizeof name, "%s/%.200s", folder->path, file);
	if (rc != 0)
		return keys_wrong(why, rc, "%s: %s", name, error_text(rc));
	return keys_request_read(name, (const char *)text, len, ret, why);
}

int keys_request_keep(struct keys_folder *folder, const char *file, const struct buffer *text, char why[KEYS_WHY_MAX])
{
	bool replaced;
	int rc = folder_replace(folder->fd, file, text->data, text->len, 0600, &replaced);
	return rc == 0 ? 0 : keys_wrong(why, rc, "%s/%s cannot be written: %s", folder->path, file, error_text(rc));
}

static int by_name(const void *a, const void *b)
{
	return strcmp(b, a); /* newest first: the time is in the name */
}

/* The names of the newest responses. */
static size_t newest(struct keys_folder *folder, char name[KEYS_RESPONSES_MAX][64])
{
	char(*all)[64] = calloc(FILES_MAX, sizeof *all);
	DIR *dir = all != NULL ? opendir(folder->path) : NULL;
	size_t n = 0;
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL && n < FILES_MAX;) {
		size_t len = strlen(e->d_name);
		if (strncmp(e->d_name, "skr-", 4) == 0 && len > 8 && len < 64 &&
		    strcmp(e->d_name + len - 4, ".txt") == 0)
			memcpy(all[n++], e->d_name, len + 1);
	}
	if (dir != NULL)
		closedir(dir);
	if (n > 1)
		qsort(all, n, sizeof *all, by_name);
	if (n > KEYS_RESPONSES_MAX)
		n = KEYS_RESPONSES_MAX;
	if (n > 0)
		memcpy(name, all, n * sizeof *all);
	free(all);
	return n;
}

void keys_responses_drop(struct keys_folder *folder)
{
	for (size_t i = 0; i < folder->n_responses; i++)
		keys_request_done(&folder->response[i]);
	free(folder->response);
	folder->response = NULL;
	folder->n_responses = 0;
}

int keys_responses_load(struct keys_folder *folder, char why[KEYS_WHY_MAX])
{
	char name[KEYS_RESPONSES_MAX][64];
	if (folder->response != NULL)
		return 0;
	size_t n = newest(folder, name);
	folder->response = calloc(KEYS_RESPONSES_MAX, sizeof *folder->response);
	if (folder->response == NULL)
		return keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		int rc = keys_request_load(folder, name[i], &folder->response[folder->n_responses], why);
		if (rc != 0)
			return rc;
		folder->n_responses++;
	}
	return 0;
}

/* The bundle that began last. The one before it is good for some time after, but a set that was to be replaced is not used for longer
 * than it must be: only when the newer one has not come. */
const struct keys_bundle *keys_bundle_at(struct keys_folder *folder, int64_t now, const struct keys_request **ret_of,
					 char why[KEYS_WHY_MAX])
{
	const struct keys_bundle *best = NULL;
	char when[32];
	if (keys_responses_load(folder, why) != 0)
		return NULL;
	for (size_t i = 0; i < folder->n_responses; i++) {
		const struct keys_request *r = &folder->response[i];
		for (size_t b = 0; r->response && b < r->n; b++) {
			if (r->bundle[b].from > now || (best != NULL && best->from >= r->bundle[b].from))
				continue;
			best = &r->bundle[b];
			*ret_of = r;
		}
	}
	if (best == NULL) {
		keys_wrong(
			why, BANYAN_EPROOF,
			"%s: no key response is in force at %s: make a request (`banyan key ksr`), have it signed, and "
			"bring the response (`banyan key skr`)",
			folder->path, clock_format(now, when));
		return NULL;
	}
	if (best->expiration <= now) {
		keys_wrong(
			why, BANYAN_EPROOF,
			"%s: the last bundle of the key responses expired at %s: bring the next response (`banyan key "
			"skr`)",
			folder->path, clock_format(best->expiration, when));
		return NULL;
	}
	return best;
}

int keys_bundle_ready(struct keys_folder *folder, const struct keys_request *request, const struct keys_bundle *bundle)
{
	size_t at[KEYS_BUNDLE_KEYS_MAX + 1] = {0};
	char when[32];
	folder->ready_bytes.len = 0;
	for (size_t i = 0; i < bundle->n_signatures; i++) {
		int rc = keys_signature_rdata(request, bundle, &bundle->signature[i], &folder->ready_bytes);
		if (rc != 0)
			return rc;
		at[i + 1] = folder->ready_bytes.len;
	}
	for (size_t i = 0; i < bundle->n_signatures; i++)
		folder->ready_rrsig[i] = (struct wire_rdata){.data = folder->ready_bytes.data + at[i],
							     .len = (uint16_t)(at[i + 1] - at[i])};
	memcpy(folder->ready_key, bundle->key, bundle->n_keys * sizeof bundle->key[0]);
	snprintf(folder->ready_name, sizeof folder->ready_name, "bundle of %s in key response %s",
		 clock_format(bundle->from, when), request->id);
	folder->ready = (struct make_ready_dnskey){.name = folder->ready_name,
						   .ttl = request->ttl,
						   .keys = {.n = bundle->n_keys, .item = folder->ready_key},
						   .rrsigs = {.n = bundle->n_signatures, .item = folder->ready_rrsig}};
	return 0;
}
