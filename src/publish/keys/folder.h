// SPDX-License-Identifier: GPL-3.0-or-later
/* keys, private: the folder and what is loaded of it. */
#pragma once

#include "private.h"

#define KEYS_STATE_BYTES_MAX (512 * 1024) /* 48 keys of 1,600 bytes, and room */

/* A private half in memory; a file is read again when it has changed. */
struct keys_loaded {
	uint8_t algorithm;
	uint16_t tag;
	uint64_t mark[4]; /* device, inode, size, time of change of the file */
	struct make_key *key, *revoked;
};

struct keys_folder {
	int fd, lock; /* -1 = none */
	bool write;
	char path[KEYS_PLACE_MAX];
	const char *token;
	struct keys_state state;
	struct keys_policy policy;
	size_t n_loaded;
	struct keys_loaded loaded[KEYS_MAX];
	char trouble[KEYS_WHY_MAX]; /* of a token; "" = none */
	uint8_t failed;             /* enum keys_failed */
	/* what keys_signing() has given out */
	struct make_zone_key zone_key[KEYS_MAX];
	struct make_key *other[KEYS_MAX]; /* public halves */
	size_t n_other;
	struct wire_rdata foreign[KEYS_FOREIGN_MAX], cds[KEYS_MAX], cdnskey[KEYS_MAX];
	uint8_t cds_bytes[KEYS_MAX][MAKE_DS_MAX];
	struct keys_request *response; /* the key responses in use: at most KEYS_RESPONSES_MAX */
	size_t n_responses;
	struct make_ready_dnskey ready;
	char ready_name[160];
	struct wire_rdata ready_key[KEYS_BUNDLE_KEYS_MAX], ready_rrsig[KEYS_BUNDLE_KEYS_MAX];
	struct buffer ready_bytes;
};

#define KEYS_RESPONSES_MAX 64 /* read, the newest ones: those before, the present one, and those to come */
#define KEYS_AHEAD_MAX                                                                                                 \
	56 /* of them for a time to come: a year of one bundle of a week each. The others are never pushed out */

/* PKCS #11 (token.c). */
bool keys_place_token(const char *place);
/* BANYAN_EIO is the token's, here and below. A name for a new object in the token: its URI, which keys_token_generate() then makes. */
int keys_token_place(const char *uri, char place[KEYS_PLACE_MAX], char why[KEYS_WHY_MAX]) _must_use_;
/* *ret_made tells, on failure too, whether there is an object now. */
int keys_token_generate(const char *uri, const char *place, uint8_t algorithm, unsigned bits, const char *label,
			uint16_t flags, bool *ret_made, uint8_t rdata[KEYS_RDATA_MAX], size_t *ret_len,
			char why[KEYS_WHY_MAX]) _must_use_;
int keys_token_public(const char *uri, uint8_t algorithm, uint16_t flags, uint8_t rdata[KEYS_RDATA_MAX],
		      size_t *ret_len, char why[KEYS_WHY_MAX]) _must_use_;
/* Deletes an object that keys_token_generate() has made, and its public half. */
int keys_token_remove(const char *uri, char why[KEYS_WHY_MAX]) _must_use_;
/* `trouble` (KEYS_WHY_MAX bytes) is written when a signature fails; it must outlive the key. */
int keys_token_open(const char *uri, const uint8_t *rdata, size_t len, char *trouble, struct make_key **ret,
		    char why[KEYS_WHY_MAX]) _must_use_;

/* Objects that are being made in tokens (orphan.c): noted before, and struck out when the state has them, so that whatever ends this
 * process leaves none behind of which nobody knows. */
int keys_making_note(struct keys_folder *folder, const char *place, char why[KEYS_WHY_MAX]) _must_use_;
void keys_making_strike(struct keys_folder *folder, const char *place);

/* Key responses (response.c): those in the folder are read when they are first needed. */
int keys_responses_load(struct keys_folder *folder, char why[KEYS_WHY_MAX]) _must_use_;
void keys_responses_drop(struct keys_folder *folder);
/* The bundle to be used at `now`; NULL with a sentence. */
const struct keys_bundle *keys_bundle_at(struct keys_folder *folder, int64_t now, const struct keys_request **ret_of,
					 char why[KEYS_WHY_MAX]);
/* The last one that begins before this time; NULL. */
const struct keys_bundle *keys_bundle_last(const struct keys_folder *folder, int64_t before);
/* When the signatures of the last response that was taken end; 0 = none was. */
int64_t keys_bundles_expire(const struct keys_folder *folder);
/* When another bundle is to be used than at `now`; KEYS_NEVER. */
int64_t keys_bundle_next(const struct keys_folder *folder, int64_t now);
int keys_bundle_ready(struct keys_folder *folder, const struct keys_request *request, const struct keys_bundle *bundle)
	_must_use_;
/* RDATA of an RRSIG that was given by its tag, its algorithm and its bytes. Appends. */
int keys_signature_rdata(const struct keys_request *request, const struct keys_bundle *bundle,
			 const struct keys_signature *signature, struct buffer *out) _must_use_;
uint16_t keys_flags(const struct keys_key *key);
/* The same as keys_save(); *ret_seen tells, on failure too, whether the state on the disk is this one: then only a flush has failed. */
int keys_save_look(struct keys_folder *folder, bool *ret_seen, char why[KEYS_WHY_MAX]) _must_use_;
/* A name for a file: "example.13.12345.pem" */
void keys_file_name(const struct keys_folder *folder, uint8_t algorithm, uint16_t tag, char out[KEYS_PLACE_MAX]);
