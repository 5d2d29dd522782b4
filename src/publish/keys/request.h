// SPDX-License-Identifier: GPL-3.0-or-later
/* keys, private: what the two sides of an offline KSK share. */
#pragma once

#include "folder.h"

#define KEYS_INCEPTION_BEFORE_S 3600 /* signatures begin so long before they are used, for clocks that are behind */

void keys_sum(const uint8_t *text, size_t len, char out[KEYS_SUM_MAX]);
/* The keys of a bundle as an RRset, by `ret_item` (KEYS_BUNDLE_KEYS_MAX). */
void keys_bundle_set(const struct keys_request *request, const struct keys_bundle *bundle, struct wire_rrset *ret);
/* Does a key of the bundle that has these flags sign it? `at`: the time at which the signature must hold. */
bool keys_bundle_signed_by(const struct keys_request *request, const struct keys_bundle *bundle,
			   const struct wire_rdata *dnskey, int64_t at);
/* Signs the bundle with a key; the signature's bytes are the arena's. */
int keys_bundle_sign(struct keys_request *request, struct keys_bundle *bundle, const struct make_key *key) _must_use_;
/* Adds a DNSKEY in its canonical place; one that is there is not added again. */
int keys_bundle_add(struct keys_request *request, struct keys_bundle *bundle, const uint8_t *rdata, size_t len)
	_must_use_;
bool keys_is_ksk(const struct wire_rdata *dnskey);
/* The same key in the bundle, with the same flags. */
bool keys_bundle_has(const struct keys_bundle *bundle, const struct wire_rdata *dnskey);

/* ---- requests and responses as files of a folder (kept.c) ---- */
#define KEYS_FILE_MAX 64
/* Reads "NAME" of the folder; BANYAN_ENOENT. */
int keys_request_load(struct keys_folder *folder, const char *file, struct keys_request *ret, char why[KEYS_WHY_MAX])
	_must_use_;
int keys_request_keep(struct keys_folder *folder, const char *file, const struct buffer *text, char why[KEYS_WHY_MAX])
	_must_use_;
/* "ksr-" and the first 16 digits of its sum. */
void keys_asked_file(const char *sum, char out[KEYS_FILE_MAX]);
/* Removes the requests to which no response can come: those for a time that is over or that has its response, and the oldest ones above
 * KEYS_REQUESTS_MAX. */
void keys_asked_tidy(struct keys_folder *folder, int64_t now);
/* A ZSK that waits, and stands in no response, is planned for nothing. The responses are loaded. */
void keys_plans_forget(struct keys_folder *folder);
/* The files of responses, the newest first. */
size_t keys_answers_list(const struct keys_folder *folder, char name[KEYS_RESPONSES_MAX][KEYS_FILE_MAX]);
