// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * files - zones as files that any web server can carry (docs/published-files.md).
 *
 * The publisher writes a tree of objects that never change and a small pointer to the newest; whoever fetches reads the pointer and decides
 * what to fetch, if anything. Nothing here proves a zone: what is published was proved before, what is fetched is proved after.
 * Called by sync/pull and cmd/.
 *
 * Example, fetching:
 *
 *	struct files_pointer pointer;
 *	struct files_decision decision;
 *	if (files_pointer_read("https://...", text, len, key, &pointer, why) < 0) ...
 *	decision = files_decide(&pointer, &(struct files_held){.have = true, .serial = 7}, &(struct files_choice){0}, now);
 *	if (decision.fetch) get(decision.fetch->path);
 */
#pragma once

#include "zone/zone.h"

#define FILES_POINTER_MAX     65536  /* bytes of a pointer: 64 deltas take 10,000 */
#define FILES_PATH_MAX        96     /* of an object, as the pointer has it */
#define FILES_DELTAS_MAX      64     /* a month of the root */
#define FILES_DELTAS_DEFAULT  10     /* four days of the root */
#define FILES_HOLD_DEFAULT_S  3600   /* what is not named any more stays for those who still fetch it */
#define FILES_FRESH_DEFAULT_S 172800 /* 2 days: a publisher that is away over a night does not stop anybody */
#define FILES_MARGIN_S        259200 /* 3 days: kept versions are renewed so long before a signature expires */
#define FILES_WHY_MAX         512    /* bytes of a sentence */
#define FILES_KEY_SIZE        32     /* Ed25519 (RFC 8032) */
#define FILES_SIGNATURE_SIZE  64
#define FILES_KEY_TEXT_MAX    96 /* base64 and the NUL */

struct files_object {
	char path[FILES_PATH_MAX]; /* relative to the folder of the pointer; empty: there is none */
	uint64_t size;             /* of the file */
	uint8_t hash[32];          /* SHA-256 */
	uint64_t unpacked_size;    /* of the zone in it; 0 for deltas */
	uint8_t unpacked_hash[32];
	uint32_t from; /* of a delta: serial of its base */
};

struct files_pointer {
	uint8_t apex[WIRE_NAME_MAX];
	uint32_t serial, unchanged_since;
	int64_t made, fresh_until;
	int64_t signatures_expire; /* 0: unsigned zone */
	struct zone_edition edition;
	uint64_t records;
	uint8_t zonemd[64], zonemd_len, zonemd_scheme, zonemd_algorithm; /* zonemd_len 0: there is none */
	struct files_object wire, text;                                  /* the text may be missing */
	struct files_present { /* the version in force, when this one is offered ahead of its time; without path: none */
		uint32_t serial;
		int64_t valid_from, valid_until;
		struct files_object wire;
	} present;
	struct files_object delta[FILES_DELTAS_MAX];
	size_t n_deltas;
	bool is_signed;
	uint8_t key[FILES_KEY_SIZE];
};

/* A wire form as a master file: as people write it if that is read as the same zone, else in the form of RFC 3597. Appends. BANYAN_EUNSUPP: there
 * are data in it that no text says. */
int files_text(const uint8_t *apex, const uint8_t *wire, size_t len, struct buffer *out) _must_use_;

/* ---- the pointer ---- */

struct files_key; /* the publisher's private key */
/* From a file as `openssl genpkey -algorithm ed25519` writes it. */
int files_key_read(const char *path, struct files_key **ret, char ret_why[FILES_WHY_MAX]) _must_use_;
void files_key_free(struct files_key *key);
const uint8_t *files_key_public(const struct files_key *key);
/* The 32 bytes of a public key as base64. */
int files_key_parse(const char *text, uint8_t ret[FILES_KEY_SIZE]) _must_use_;

char *files_key_text(const uint8_t key[FILES_KEY_SIZE], char out[FILES_KEY_TEXT_MAX]); /* returns out */

/* Appends the text; signs it if there is a key. */
int files_pointer_write(const struct files_pointer *pointer, const struct files_key *key, struct buffer *out)
	_must_use_;
/* `key` (FILES_KEY_SIZE bytes) or NULL: with it, only what it has signed is taken (BANYAN_EPROOF). `name` is for the sentence. BANYAN_EMALF,
 * BANYAN_ELIMIT. */
int files_pointer_read(const char *name, const uint8_t *text, size_t len, const uint8_t *key, struct files_pointer *ret,
		       char ret_why[FILES_WHY_MAX]) _must_use_;

/* ---- what to fetch ---- */

struct files_held {
	bool have; /* is there a version, in its wire form? */
	uint32_t serial;
	int64_t first_expiry; /* of its signatures; 0 = it has none */
};

struct files_choice {
	bool keep_unchanged; /* keep a version whose content is that of the newest, as long as its signatures live */
	uint32_t margin_s;   /* before the first of them expires; 0 = FILES_MARGIN_S */
	bool in_force; /* nothing that is held may be used now: rather the version in force than one that waits for its time */
};

enum files_verdict {
	FILES_SAME,   /* the version held is the newest */
	FILES_KEEP,   /* it is older, and says the same; until `until` */
	FILES_FETCH,  /* `fetch`: a delta from the version held, or the whole zone */
	FILES_REFUSE, /* `why` */
};

struct files_decision {
	enum files_verdict verdict;
	bool is_delta;
	const struct files_object *fetch; /* in the pointer */
	uint32_t serial;                  /* FETCH: of what comes of it */
	bool is_present;                  /* FETCH: that is not the newest, but the version in force */
	int64_t until;                    /* KEEP: UNIX seconds */
	const char *why;
};

/* `pointer` was read with a key if `keep_unchanged` is to have any effect. */
struct files_decision files_decide(const struct files_pointer *pointer, const struct files_held *held,
				   const struct files_choice *choice, int64_t now);

/* When a publisher writes its pointer anew: an eighth of the time that it is good for has gone, or the clock was set back. */
bool files_renewal_due(int64_t written_at, uint32_t fresh_s, int64_t now);

/* ---- the publisher ---- */

struct files_publish_settings {
	const char *folder;          /* the zone's folder is made in it */
	const struct files_key *key; /* NULL: unsigned */
	unsigned deltas;             /* from so many versions before */
	uint32_t hold_s, fresh_s;    /* fresh_s 0 = FILES_FRESH_DEFAULT_S */
	int64_t now;                 /* UNIX seconds */
};

struct files_published {
	struct files_pointer pointer;
	bool is_new;        /* or was published before, and only the pointer is new */
	unsigned n_removed; /* files */
};

/* Writes a version, given in its wire form, and what leads to it from the versions before. A serial that is there with other bytes, or is
 * older than the one that is there, is refused: BANYAN_EEXIST. Safe against being ended at any time. */
int files_publish(const struct files_publish_settings *settings, const uint8_t *apex, const uint8_t *wire, size_t len,
		  struct files_published *ret, char ret_why[FILES_WHY_MAX]) _must_use_;
/* Writes the pointer anew, before it is too old. BANYAN_ENOENT: nothing is published. */
int files_renew(const struct files_publish_settings *settings, const uint8_t *apex, struct files_published *ret,
		char ret_why[FILES_WHY_MAX]) _must_use_;
/* "root", "example.com": the folder of a zone. BANYAN_EINVAL: the name does not make a good one. */
int files_folder_name(const uint8_t *apex, char out[WIRE_NAME_TEXT_MAX]) _must_use_;

/* ---- the checker ---- */

/* Reads all that the pointer names: sizes, checksums, the zone in both forms, deltas whose base is there. Each finding is a sentence.
 * Returns the number of faults, or an error. */
int files_check(const char *folder, const uint8_t *apex, const uint8_t *key, int64_t now,
		void (*report)(void *ctx, bool fault, const char *sentence), void *ctx) _must_use_;
