// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of this room share. */
#pragma once

#include "edition.h"
#include "publish/schedule.h"

/* Is it one of the words by which an edition says what it is (TXT at the apex)? */
bool edition_is_word(const struct wire_rdata *txt);
/* One record of a set, under this TTL. */
int edition_add(struct zone_maker *maker, const struct wire_rrset *set, uint32_t index, uint32_t ttl) _must_use_;
/* Writes the sentence and returns `rc`. */
int edition_why(char why[EDITION_WHY_MAX], int rc, const char *format, ...) _printf_(3, 4);

/* ---- by the clock (dates.c) ---- */
struct edition;
struct publish_schedule edition_schedule(const struct edition_settings *settings);
struct publish_version edition_version_due(const struct edition *e, int64_t now);

/* ---- what belongs to one edition alone (claim.c). BANYAN_EEXIST: it is another's, with a sentence that names both.
 * `write`: from now on it is ours; without, it is only looked at, and nobody is kept out ---- */
int edition_claim(const struct edition_settings *settings, bool write, char why[EDITION_WHY_MAX]) _must_use_;
int edition_claim_tree(const struct edition_settings *settings, bool write, char why[EDITION_WHY_MAX]) _must_use_;
int edition_claim_keys(const struct edition_settings *settings, bool write, char why[EDITION_WHY_MAX]) _must_use_;

/* ---- keys (keys.c): those of one run ---- */
struct edition_keys;
/* Keys come and go as is due; `dry`: they stay as they are, and nothing is written. `out` is the signed version that is out, or NULL. */
int edition_keys_begin(const struct edition_settings *settings, const struct zone *plain, const struct zone *out,
		       int64_t now, bool dry, struct edition_keys **ret, enum reason *ret_reason,
		       char why[EDITION_WHY_MAX]) _must_use_;
void edition_keys_end(struct edition_keys *keys);
int edition_keys_fill(struct edition_keys *keys, struct make_signing *signing, enum reason *ret_reason,
		      char why[EDITION_WHY_MAX]) _must_use_;
/* This signed zone is to go out: keys stay for as long as it may be in caches. BANYAN_EINVAL: they do not live that long. */
int edition_keys_outlive(struct edition_keys *keys, const struct zone *zone, char why[EDITION_WHY_MAX]) _must_use_;
/* Private halves that no key of the state has are told. */
void edition_keys_orphans(const struct edition_settings *settings);
/* What a validator should trust now, as text: DNSKEY or DS records. */
int edition_keys_anchors(const struct edition_keys *keys, bool dnskey, struct buffer *out, char why[EDITION_WHY_MAX])
	_must_use_;
/* The zone is out as these keys have signed it. */
int edition_keys_offered(struct edition_keys *keys, int64_t now, char why[EDITION_WHY_MAX]) _must_use_;
const char *edition_keys_trouble(const struct edition_keys *keys); /* what a token said when it failed, or NULL */
int64_t edition_keys_next(const struct edition_keys *keys);        /* INT64_MAX = it waits for somebody */

/* What stands for the state of the keys: another one when somebody has asked for a roll, or told something. */
/* Of an option for one version: where a watch runs, it is refused, and so is a second run beside it. */
#define EDITION_ONCE " (a --watch is ended before that, and started again after)"

#define EDITION_KEYS_MARK_MAX 64
void edition_keys_mark(const struct edition_settings *settings, char out[EDITION_KEYS_MARK_MAX]);

/* ---- one version on its way out (prove.c, offer.c) ---- */
struct edition_made {
	struct zone *zone; /* signed */
	struct buffer wire, text;
	struct dnssec_memo *memo; /* the edition's; NULL = none */
};
void edition_made_done(struct edition_made *made);
/* Writes both forms, reads the text as anybody will, and proves what comes out at each of these times. The first is now; at all others its
 * dates, if it has any, must hold, too. BANYAN_EPROOF: it is not good. */
int edition_prove(const struct edition_settings *settings, const struct dnssec_anchors *anchors, const int64_t *time,
		  size_t n_times, struct edition_made *made, char why[EDITION_WHY_MAX]) _must_use_;
/* The zone file and the state take the place of those before. *ret_out tells, on failure too, whether the zone file has. */
int edition_write(const struct edition_settings *settings, const struct edition_made *made,
		  const struct edition_state *state, bool *ret_out, char why[EDITION_WHY_MAX]) _must_use_;
/* What validators should trust, for people and for resolvers: FOLDER/anchors. */
int edition_anchors_save(const struct edition_settings *settings, const struct buffer *text, char why[EDITION_WHY_MAX])
	_must_use_;
int edition_state_save(const struct edition_settings *settings, const struct edition_state *state,
		       char why[EDITION_WHY_MAX]) _must_use_;
/* As a published tree: the version, or its pointer anew. */
int edition_tree_write(const struct edition_settings *settings, const struct buffer *wire, int64_t now,
		       char why[EDITION_WHY_MAX]) _must_use_;

/* ---- what was taken of the source (kept.c) ---- */
/* In FOLDER/source, unless it says the same. */
int edition_kept_save(struct edition *e, const struct zone *source, char why[EDITION_WHY_MAX]) _must_use_;

struct edition {
	const struct edition_settings *settings;
	int lock; /* descriptor */
	struct edition_state state;
	struct zone *before;             /* the signed version that is out; NULL = none */
	struct dnssec_memo *memo;        /* the signatures of the version proved last */
	struct dnssec_memo *source_memo; /* those of its source */
	int64_t keys_next, tree_written_at;
	bool kept; /* FOLDER/source has what `kept_mark` stands for */
	uint64_t kept_mark;
	char keys_mark[EDITION_KEYS_MARK_MAX]; /* as the last run left it */
};
