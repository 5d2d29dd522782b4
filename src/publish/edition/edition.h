// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * edition - a source zone in, an edition of it out: proved, and in its place.
 *
 * A source zone becomes a plain one (edition_strip), gets the apex and what else its edition says (edition_apply), is signed
 * (publish_sign), proved by the code of `banyan verify`, and only then takes the place of the version before: as a zone file, as a published
 * tree. Whatever goes wrong is a refusal with a reason, and the version before stays where it is.
 * Making is here, offering is not: a server follows the zone file, any web server has the tree.
 * Called by `banyan publish`.
 *
 * Example:
 *
 *	struct edition *edition;
 *	struct edition_result result;
 *	if (edition_open(&settings, &edition, why) < 0) ...
 *	if (edition_run(edition, source, now, &result) < 0)
 *		log_error("publish", "%s (%s)", result.why, reason_code(result.reason));
 */
#pragma once

#include "publish/keys/keys.h"
#include "publish/publish.h"

#define EDITION_WHY_MAX 1024 /* bytes of a sentence */

/* ---- what an edition is ---------------------------------------------------------------------- */

struct edition_server {
	uint8_t name[WIRE_NAME_MAX]; /* lower case */
	size_t n_addresses;          /* 0: those that the source has */
	const struct addr *address;
};

/* How it differs from its source, before it is signed. */
struct edition_change {
	size_t n_servers; /* 0: those of the source */
	const struct edition_server *server;
	uint32_t ns_ttl, address_ttl;         /* here and below 0 = as in the source */
	const uint8_t *soa_mname, *soa_rname; /* NULL = as in the source */
	uint32_t soa_refresh, soa_retry, soa_expire, soa_minimum, soa_ttl;
	size_t n_remove;
	const uint8_t *const *remove; /* names, with all below them; lower case */
	const struct zone *add;       /* records beside those of the source; NULL = none */
};

/* What one version says of itself. */
struct edition_version {
	uint32_t serial;
	struct zone_edition says; /* without a name: nothing */
};

/* The zone without what signing makes: RRSIG, NSEC, NSEC3, NSEC3PARAM; at the apex DNSKEY, CDS, CDNSKEY, ZONEMD, and the words of an edition. */
int edition_strip(const struct zone *source, struct zone **ret) _must_use_;
/* A plain zone as the edition has it. BANYAN_EINVAL: the two do not fit, and `why` says where. */
int edition_apply(const struct zone *plain, const struct edition_change *change, const struct edition_version *version,
		  struct zone **ret, char ret_why[EDITION_WHY_MAX]) _must_use_;

/* ---- serials --------------------------------------------------------------------------------- */

enum edition_serial_rule { EDITION_SERIAL_SOURCE, EDITION_SERIAL_NEXT, EDITION_SERIAL_DATE, EDITION_SERIAL_TIME };
/* Of the next version: newer than `last` (NULL = there is none yet) by RFC 1982. */
uint32_t edition_serial_next(enum edition_serial_rule rule, const uint32_t *last, uint32_t source, int64_t now);

/* ---- what is known of an edition from one run to the next (state.c) ---------------------------- */

struct edition_state {
	char name[ZONE_EDITION_MAX];
	uint8_t zone[WIRE_NAME_MAX];
	bool have; /* a version was published */
	uint32_t source_serial, serial, tree_serial;
	uint64_t source_records; /* of the plain source */
	int64_t made, sign_at;   /* UNIX seconds; sign_at: then something must be signed anew; 0 = never */
	int64_t valid_until;     /* of a scheduled version; 0 = it has no dates */
};
/* As text. Appends. */
int edition_state_write(const struct edition_state *state, struct buffer *out) _must_use_;
/* BANYAN_EMALF: damaged. `file` is for the sentence. */
int edition_state_read(const char *file, const char *text, size_t len, struct edition_state *ret,
		       char ret_why[EDITION_WHY_MAX]) _must_use_;

/* ---- what the source must be (source.c) -------------------------------------------------------- */

struct edition_source_check {
	const struct dnssec_anchors *anchors; /* NULL or none: what it is worth is not asked */
	int64_t now;
	unsigned threads;
	struct dnssec_memo *memo; /* of the sources before; NULL = none */
	unsigned shrink_max_percent;
	bool accept_shrink, accept_serial;  /* somebody has looked at it */
	const struct edition_state *before; /* NULL or without a version: nothing to hold it against */
};
/* Does it prove by check->anchors? 0, also when there are none, or BANYAN_EPROOF. */
int edition_source_prove(const struct edition_source_check *check, const struct zone *source, enum reason *ret_reason,
			 char ret_why[EDITION_WHY_MAX]) _must_use_;
/* May this source be used? 0, or BANYAN_EPROOF with the reason. `plain` is what edition_strip() has made of it. */
int edition_source_check(const struct edition_source_check *check, const struct zone *source, const struct zone *plain,
			 enum reason *ret_reason, char ret_why[EDITION_WHY_MAX]) _must_use_;

/* ---- an edition, from one run to the next (run.c) ---------------------------------------------- */

struct edition_settings {
	const char *name; /* "" = it is the source's namespace */
	uint8_t zone[WIRE_NAME_MAX];
	const char *folder, *zone_file;
	const char *tree, *tree_key; /* "" = none */
	unsigned tree_deltas;
	struct edition_change change;
	enum edition_serial_rule serial;
	bool scheduled; /* by `schedule` */
	struct edition_schedule {
		uint32_t every_s, ahead_s, valid_s;
	} schedule;
	const struct dnssec_anchors *source_anchors; /* NULL or none: what the source is worth is not asked */
	unsigned source_shrink_max_percent;
	struct make_signing signing; /* all but apex, keys and now */
	const char *keys_folder;
	const char *keys_token;  /* PKCS#11 URI where new keys are made; "" = in files */
	struct keys_policy keys; /* all but data_ttl_s */
};

/* For how long after a version is offered an older one may still be used somewhere: with a schedule, until its dates end. It is part of
 * settings->keys.propagation_s. 0 without a schedule. */
int64_t edition_schedule_held_s(const struct edition_settings *settings);
/* Does the schedule leave no gaps, and do signatures outlive versions? BANYAN_EINVAL with a sentence. */
int edition_schedule_check(const struct edition_settings *settings, char ret_why[EDITION_WHY_MAX]) _must_use_;

/* What somebody has looked at, or asks for. */
struct edition_request {
	bool accept_shrink, accept_serial;
	bool force; /* a new version, also when nothing has changed */
	bool dry;   /* all but the writing */
};

enum edition_outcome { EDITION_PUBLISHED, EDITION_UNCHANGED, EDITION_REFUSED };
struct edition_result {
	enum edition_outcome outcome;
	enum reason reason; /* REFUSED */
	char why[EDITION_WHY_MAX];
	char warning[EDITION_WHY_MAX]; /* published, but: the tree could not be written */
	bool unfinished;               /* something that belongs to the version could not be written */
	uint32_t serial, source_serial;
	size_t records;
	struct publish_sign_result sign;
	int64_t sign_ns, prove_ns, whole_ns;
};

struct edition;
/* The folder is locked until edition_close(); settings and what they point to must stay. BANYAN_EAGAIN: somebody else has it. */
int edition_open(const struct edition_settings *settings, struct edition **ret, char ret_why[EDITION_WHY_MAX])
	_must_use_;
void edition_close(struct edition *edition);
/* Makes a version of this source, if there is anything new, proves it and puts it in its place. 0 also for UNCHANGED; an error for REFUSED: the
 * version before is where it was. */
int edition_run(struct edition *edition, const struct zone *source, const struct edition_request *request, int64_t now,
		struct edition_result *ret);
/* When it must run again although the source is the same: a signature, a key, a schedule, a pointer. UNIX seconds, INT64_MAX = never. */
int64_t edition_due(const struct edition *edition, int64_t now);
/* Has somebody told its keys something since the last run (banyan key)? */
bool edition_asked(const struct edition *edition);
/* The source of which the last version was made, or would be: it is kept in the folder of the edition, and must be proved as any (edition_run()
 * does). *ret_at: since when, UNIX seconds. BANYAN_ENOENT: there is none yet. */
int edition_source_kept(const struct edition *edition, struct zone **ret, int64_t *ret_at,
			char ret_why[EDITION_WHY_MAX]) _must_use_;
const struct edition_state *edition_state_of(const struct edition *edition);
