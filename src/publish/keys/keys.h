// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * keys - the keys of one zone through their lives: made, published, used, retired, revoked, removed.
 *
 * The machine (keys_step) knows neither files nor clocks: a state, a policy and the time go in, the state moves, and what somebody has to
 * do comes out. Its intervals are those of RFC 7583; it rolls ZSKs by pre-publication, KSKs by double-KSK, double-DS or RFC 5011, whole
 * algorithms in the order of RFC 6781 section 4.1.4, and shares a zone with other signers (RFC 8901). No interval begins before
 * keys_offered() has said that the zone went out as the state describes it: a publisher that was down delays a roll and never breaks a chain.
 * With an offline KSK the dates are signed before. The offline side counts a bundle as offered only when the signatures of the one before it
 * have ended; the online side stays with a bundle that its keys need while its signatures last, and then goes on with the keys of the present
 * one. So it holds there, too, as long as no time is left without a signed set: after such a gap rolls wait anew (KEYS_AFTER_GAP).
 * The folder (keys_open) keeps the state and the private halves: files that nobody else may read, or tokens (PKCS #11).
 * Called by publish/ and by `banyan key`.
 *
 * Example, for each edition:
 *
 *	struct keys_folder *folder;
 *	char why[KEYS_WHY_MAX];
 *	if (keys_open("keys", &policy, KEYS_WRITE, &folder, why) < 0 || keys_advance(folder, now, NULL, why) < 0 ||
 *	    keys_signing(folder, now, &signing, why) < 0) ...
 *	... publish_sign() with `signing`, prove, put the file in its place ...
 *	if (keys_offered(folder, now, why) < 0) ...
 *	keys_close(folder);
 */
#pragma once

#include "dnssec/make/make.h"

#define KEYS_MAX         48 /* of one zone, removed ones included: the oldest of those are forgotten. A roll has four */
#define KEYS_HISTORY_MAX 16 /* removed ones that are remembered */
#define KEYS_FOREIGN_MAX 8  /* DNSKEYs of other signers: two providers with two each, twice while they roll */
#define KEYS_RDATA_MAX   MAKE_KEY_RDATA_MAX
#define KEYS_PLACE_MAX   512 /* bytes of a file's name or a URI */
#define KEYS_WHY_MAX     768 /* bytes of a sentence */
#define KEYS_ACTIONS_MAX 64
#define KEYS_NEVER       INT64_MAX

enum keys_role { KEYS_ZSK, KEYS_KSK, KEYS_CSK };

/* RFC 7583 section 3.1. SIGNING and WITHDRAWN are of algorithm rolls alone: signatures without the key (RFC 6781 section 4.1.4). */
enum keys_phase {
	KEYS_GENERATED,
	KEYS_SIGNING,
	KEYS_PUBLISHED,
	KEYS_READY,
	KEYS_ACTIVE,
	KEYS_RETIRED,
	KEYS_REVOKED,
	KEYS_WITHDRAWN,
	KEYS_REMOVED,
	KEYS_PHASES
};

/* How a key comes in, and how it goes. */
enum keys_way {
	KEYS_FIRST,      /* the first of its zone */
	KEYS_PREPUBLISH, /* ZSK: RFC 7583 section 3.2.1 */
	KEYS_DOUBLE_KSK, /* RFC 7583 section 3.3.1 */
	KEYS_DOUBLE_DS,  /* RFC 7583 section 3.3.2 */
	KEYS_STANDBY, /* RFC 5011: it stands by until every resolver has held it for 30 days; the old one is revoked */
	KEYS_ALGORITHM, /* RFC 6781 section 4.1.4: signatures first */
	KEYS_LIBERAL,   /* the same for validators that do not ask for every algorithm (RFC 6840 section 5.11) */
	KEYS_PLANNED,   /* ZSK with an offline KSK: at the dates of the signed key responses */
	KEYS_WAYS
};

/* What the chain hangs from. */
enum keys_trust {
	KEYS_TRUST_PARENT, /* DS at the parent; somebody says when it is there */
	KEYS_TRUST_ANCHOR, /* anchors that people configure; somebody says when that is done */
	KEYS_TRUST_5011,   /* anchors that roll by themselves (RFC 5011) */
};

struct keys_policy {
	uint8_t algorithm;
	bool csk;                               /* one key for both */
	bool ksk_only;                          /* this is the folder of an offline KSK */
	bool offline;                           /* the KSK is elsewhere: DNSKEY sets come signed, in key responses */
	bool liberal;                           /* algorithm rolls: key and signatures at once */
	bool double_ds;                         /* KSK rolls with TRUST_PARENT by double-DS */
	bool cds;                               /* CDS and CDNSKEY records (RFC 7344) tell the parent */
	uint8_t trust;                          /* enum keys_trust */
	uint32_t zsk_bits, ksk_bits;            /* of RSA */
	int64_t zsk_lifetime_s, ksk_lifetime_s; /* 0 = rolled only when asked */
	int64_t dnskey_ttl_s, data_ttl_s;       /* of the DNSKEY set; the longest of all other data */
	int64_t propagation_s;                  /* until the last server of the zone has a version */
	int64_t signing_s;                      /* until all data are signed with a new key; 0 = in the next version */
	int64_t ds_ttl_s, parent_propagation_s;
	int64_t publish_safety_s, retire_safety_s; /* on top of what RFC 7583 asks for */
	int64_t hold_s;         /* RFC 5011 section 2.4.1: 30 days; less only where resolvers hold less */
	int64_t query_s;        /* how often resolvers ask for the DNSKEY set; 0 = by RFC 5011 section 2.3 */
	int64_t validity_s;     /* of signatures of the DNSKEY set; sets the time above, and that of key responses */
	int64_t revoke_after_s; /* a retired KSK is revoked so long after its successor signs */
	int64_t revoked_s;      /* and stays in the set, revoked, for so long */
	int64_t slot_s;         /* bundles of key responses: one begins every slot */
};

struct keys_key {
	uint8_t role, phase, way, leave; /* leave: how it goes, once its successor is there */
	bool hurry;                      /* its roll was asked for: no waiting for the old one's lifetime */
	uint8_t algorithm;
	uint16_t tag; /* without the REVOKE bit */
	uint16_t rdata_len;
	uint8_t rdata[KEYS_RDATA_MAX]; /* DNSKEY, without the REVOKE bit */
	char place[KEYS_PLACE_MAX]; /* of the private half: a file's name in the folder, "pkcs11:..."; "" = not here */
	int64_t since;              /* when the zone went out as this phase describes it; 0 = it did not yet */
	int64_t at[KEYS_PHASES];    /* when it came into each phase; 0 = never */
	int64_t ds_seen, ds_gone;   /* at the parent, or configured as anchor; 0 = not yet */
	int64_t shared;             /* RFC 8901: when all other signers had it in their DNSKEY sets; 0 = not yet */
	int64_t plan;               /* KEYS_PLANNED: when it is to sign */
};

/* A DNSKEY of another signer (RFC 8901): published, never used. */
struct keys_foreign {
	char name[64]; /* of the signer, for people */
	int64_t since; /* 0 = not offered yet */
	int64_t left;  /* its signer has stopped to sign with it; 0 = it has not */
	uint16_t tag, rdata_len;
	uint8_t rdata[KEYS_RDATA_MAX];
};

/* What was the case before TTLs were lowered holds until the old ones have run out of caches. */
struct keys_ttl {
	int64_t value_s, before_s, delay_s;
	int64_t before_until; /* KEYS_NEVER: the zone did not go out with the lower one yet */
};

struct keys_state {
	uint8_t apex[WIRE_NAME_MAX];
	bool asked_zsk, asked_ksk; /* rolls that were asked for and have not begun */
	uint8_t asked_algorithm;   /* 0 = none */
	bool multi;                /* other signers: a new key waits until they have it */
	int64_t bundles_until;     /* offline KSK: expiration of the last key response; 0 = none was taken */
	struct keys_ttl dnskey_ttl, data_ttl, ds_ttl;
	size_t n, n_foreign;
	struct keys_key key[KEYS_MAX];
	struct keys_foreign foreign[KEYS_FOREIGN_MAX];
};

enum keys_action_kind {
	KEYS_DO_GENERATE,    /* `role`, `algorithm`, `way`: keys_add() and step again */
	KEYS_DO_MOVED,       /* told: key `tag` went `from` -> `to` */
	KEYS_DO_SUBMIT_DS,   /* the parent should have the DS of `tag` (or people its anchor) */
	KEYS_DO_WITHDRAW_DS, /* and should not have that of `tag` any more */
	KEYS_DO_SHARE,       /* the other signers should publish `tag` */
};
struct keys_action {
	uint8_t kind, role, way, algorithm, from, to;
	uint16_t tag;
};
struct keys_actions {
	size_t n;
	struct keys_action item[KEYS_ACTIONS_MAX];
};

/* ---- the machine: no files, no clock ---- */

void keys_policy_init(struct keys_policy *policy); /* ECDSA P-256, split, ZSK 90 days, KSK when asked */
/* Sets one value by its name in configuration: "zsk-lifetime" to "90d". BANYAN_ENOENT: no such name; BANYAN_EINVAL; with a sentence. */
int keys_policy_set(struct keys_policy *policy, const char *name, const char *value, char why[KEYS_WHY_MAX]) _must_use_;
/* Do the values fit each other? BANYAN_EINVAL with a sentence. */
int keys_policy_check(const struct keys_policy *policy, char why[KEYS_WHY_MAX]) _must_use_;
/* Can these keys go on under this policy: is an algorithm roll that it asks for one that can be made, do all signers use the same
 * algorithms? `before` is the policy until now, or NULL. BANYAN_EINVAL, BANYAN_EUNSUPP, with a sentence. Whoever changes a policy or adds
 * foreign keys asks; so does keys_advance(). */
int keys_check(const struct keys_state *state, const struct keys_policy *policy, const struct keys_policy *before,
	       char why[KEYS_WHY_MAX]) _must_use_;
/* "name value" lines; what keys_policy_set() takes. */
int keys_policy_write(const struct keys_policy *policy, struct buffer *out) _must_use_;
int keys_policy_help(struct buffer *out) _must_use_;   /* a line an option, for usage texts */
int keys_algorithm_parse(const char *text) _must_use_; /* "13", "ECDSAP256SHA256"; BANYAN_EINVAL */

void keys_state_init(struct keys_state *state, const uint8_t *apex);
/* Adds a key that was made: GENERATED, to be used when its turn comes. `rdata` is its DNSKEY. BANYAN_EEXIST: a key with this algorithm
 * and tag (or the tag of its revoked form) is there: make another. BANYAN_ELIMIT, BANYAN_EINVAL. */
int keys_add(struct keys_state *state, enum keys_role role, const uint8_t *rdata, size_t len, const char *place,
	     int64_t now, struct keys_key **ret) _must_use_;
/* DNSKEYs (algorithm and tag) that are in the DNSKEY set which was signed elsewhere and is in force; NULL = the KSK is here. */
struct keys_in_force {
	size_t n;
	struct {
		uint8_t algorithm;
		uint16_t tag;
	} key[KEYS_MAX];
};
/* Moves every key whose time has come. Call again after each KEYS_DO_GENERATE was done. */
void keys_step(struct keys_state *state, const struct keys_policy *policy, const struct keys_in_force *in_force,
	       int64_t now, struct keys_actions *ret_actions);
/* The zone was offered as keys_step() left it: intervals begin. */
void keys_state_offered(struct keys_state *state, int64_t now);
/* When the next step is due: KEYS_NEVER if it waits for somebody. */
int64_t keys_next(const struct keys_state *state, const struct keys_policy *policy);
/* Was a roll asked for that has to wait until an algorithm roll is over? */
bool keys_asked_waits(const struct keys_state *state, const struct keys_policy *policy);
/* Has an algorithm roll to wait until rolls of single keys are over? */
bool keys_algorithm_waits(const struct keys_state *state, const struct keys_policy *policy, uint8_t *ret_algorithm);
/* What a key waits for: its next phase and when (KEYS_NEVER: until somebody says something; `ret_why` tells what). false: nothing. */
bool keys_key_next(const struct keys_state *state, const struct keys_policy *policy, const struct keys_key *key,
		   enum keys_phase *ret_to, int64_t *ret_due, const char **ret_why);

/* What people tell the machine. BANYAN_ENOENT: no such key; BANYAN_EINVAL: it makes no sense now. */
int keys_tell_ds(struct keys_state *state, uint16_t tag, bool seen, int64_t now, char why[KEYS_WHY_MAX]) _must_use_;
int keys_tell_shared(struct keys_state *state, uint16_t tag, int64_t now, char why[KEYS_WHY_MAX]) _must_use_;
/* Begins a roll at the next step. */
int keys_ask_roll(struct keys_state *state, const struct keys_policy *policy, enum keys_role role,
		  char why[KEYS_WHY_MAX]) _must_use_;
int keys_ask_algorithm(struct keys_state *state, const struct keys_policy *policy, uint8_t algorithm,
		       char why[KEYS_WHY_MAX]) _must_use_;
int keys_foreign_add(struct keys_state *state, const char *name, const uint8_t *rdata, size_t len,
		     char why[KEYS_WHY_MAX]) _must_use_;
/* Its signer has stopped to sign with it: it goes when no cache needs it any more. */
int keys_foreign_leave(struct keys_state *state, uint16_t tag, int64_t now, char why[KEYS_WHY_MAX]) _must_use_;

/* What a key does in a zone that goes out now. */
struct keys_does {
	bool published, revoked, signs_keys, signs_data;
	bool ds; /* should the parent (the anchors) have it? */
};
struct keys_does keys_key_does(const struct keys_state *state, const struct keys_key *key);
/* Should its DS, which is there, go from the parent? Never that of a key which does not sign yet, nor the only one. */
bool keys_ds_leaves(const struct keys_state *state, const struct keys_key *key);

/* The folder of an offline KSK is ahead of time, at the end of the last response: its keys as they are at `now`. */
void keys_state_at(const struct keys_state *state, int64_t now, struct keys_state *ret);

const char *keys_phase_text(enum keys_phase phase);
const char *keys_role_text(enum keys_role role);
const char *keys_way_text(enum keys_way way);

/* The state as text, and back. `name` is for the sentence. BANYAN_EMALF, BANYAN_ENOMEM. */
int keys_state_write(const struct keys_state *state, const struct keys_policy *policy, struct buffer *out) _must_use_;
int keys_state_read(const char *name, const char *text, size_t len, struct keys_state *ret_state,
		    struct keys_policy *ret_policy, char why[KEYS_WHY_MAX]) _must_use_;

/* ---- the folder: the state in a file, private halves in files or tokens ----
 * `state` is written by rename; `lock` keeps a second writer out; NAME.pem must not be readable by others. A private half may also be
 * in a token: "pkcs11:token=...;object=..." (RFC 7512; `pin-source=file:...` for its PIN, `module-path=...` for a module that p11-kit
 * does not know). */
struct keys_folder;

struct keys_open {
	const char *path;
	const uint8_t *apex;              /* NULL = that of the folder, which must be there */
	const struct keys_policy *policy; /* NULL = the one the folder remembers; otherwise it is remembered */
	bool write;                       /* makes the folder if it is not there, and locks it */
	bool mend;                        /* the policy that it remembers may be wrong: another one is to be set */
};
/* BANYAN_EAGAIN: another one writes; BANYAN_ENOENT; BANYAN_EACCES: others may read or write it; BANYAN_EMALF; with a sentence. */
int keys_open(const struct keys_open *open, struct keys_folder **ret, char why[KEYS_WHY_MAX]) _must_use_;
void keys_close(struct keys_folder *folder); /* what was not saved is lost */
struct keys_state *keys_folder_state(struct keys_folder *folder);
const struct keys_policy *keys_folder_policy(const struct keys_folder *folder);
/* The policy from now on: an edition that knows the longest TTL of its zone only when it has read it sets data_ttl_s so. */
void keys_folder_policy_set(struct keys_folder *folder, const struct keys_policy *policy);
int keys_save(struct keys_folder *folder, char why[KEYS_WHY_MAX]) _must_use_;

/* Makes a key: in a file, or in the token that a URI names. It is saved. */
int keys_generate(struct keys_folder *folder, enum keys_role role, uint8_t algorithm, const char *token, int64_t now,
		  struct keys_key **ret, char why[KEYS_WHY_MAX]) _must_use_;
/* Where keys that the machine asks for are made; NULL = in files. */
void keys_folder_token(struct keys_folder *folder, const char *token);

/* Steps the machine, makes the keys it asks for, saves. `actions` may be NULL. */
int keys_advance(struct keys_folder *folder, int64_t now, struct keys_actions *ret_actions, char why[KEYS_WHY_MAX])
	_must_use_;
/* What the zone is signed with now. Fills apex, key, n_keys, more_keys, dnskey_ttl, ready_dnskey, cds, cdnskey, and validity_dnskey_s if it is
 * 0; all else is the caller's. It lives until the next call or keys_close(). BANYAN_ENOENT: a private half is missing; BANYAN_EACCES:
 * others may read one; BANYAN_EIO: a token does not answer; BANYAN_EPROOF: a key response has expired; with a sentence. */
int keys_signing(struct keys_folder *folder, int64_t now, struct make_signing *ret, char why[KEYS_WHY_MAX]) _must_use_;
/* What the last failure of this folder was: of its files, of a token, or of neither. */
enum keys_failed { KEYS_FAILED_OTHER, KEYS_FAILED_DISK, KEYS_FAILED_TOKEN };
enum keys_failed keys_folder_failed(const struct keys_folder *folder);
/* Private halves that are in the folder, or were being made in a token, and belong to no key of the state: somebody was cut off in the middle,
 * or the key was removed so long ago that it is forgotten. They never sign. */
#define KEYS_ORPHANS_MAX 256
int keys_orphans(const struct keys_folder *folder, void (*found)(void *ctx, const char *place), void *ctx) _must_use_;
/* publish_sign() failed: what a token said last. NULL: none has failed. */
const char *keys_trouble(const struct keys_folder *folder);
/* The zone that keys_signing() described is offered: intervals begin. Saves. */
int keys_offered(struct keys_folder *folder, int64_t now, char why[KEYS_WHY_MAX]) _must_use_;
/* When something is due: the next step, or the next bundle of a key response. */
int64_t keys_folder_next(const struct keys_folder *folder, int64_t now);
/* What validators should trust now, a record a line: DS (digest type 2), or DNSKEY. With an offline KSK: those of the bundle in force; on its own
 * side, where the state is that of the end of the last response: as it is at `now`. */
int keys_anchors(struct keys_folder *folder, bool dnskey, int64_t now, struct buffer *out, char why[KEYS_WHY_MAX])
	_must_use_;
/* The private half of a key. */
int keys_private(struct keys_folder *folder, const struct keys_key *key, struct make_key **ret, char why[KEYS_WHY_MAX])
	_must_use_;
/* Takes a private half that was made elsewhere (in a file of the folder from now on). The key is in the phase `phase`, as if it had been since `now`. */
int keys_import(struct keys_folder *folder, const struct make_key *key, enum keys_role role, enum keys_phase phase,
		int64_t now, struct keys_key **ret, char why[KEYS_WHY_MAX]) _must_use_;
/* The same for one that is in a token: the public half is read from there. */
int keys_import_token(struct keys_folder *folder, const char *uri, uint8_t algorithm, enum keys_role role,
		      enum keys_phase phase, int64_t now, struct keys_key **ret, char why[KEYS_WHY_MAX]) _must_use_;

/* ---- an offline KSK: requests and responses for a quarter at a time ---- */
#define KEYS_BUNDLES_MAX     64            /* a year of bundles of a week has 53 */
#define KEYS_BUNDLE_KEYS_MAX 16            /* two ZSKs, two KSKs, and those of other signers */
#define KEYS_REQUEST_MAX     (1024 * 1024) /* bytes of text: nine bundles of RSA-2048 have 25,000 */
#define KEYS_SUM_MAX         65
#define KEYS_ID_MAX          40
#define KEYS_REQUESTS_MAX    64 /* kept while no response is in: as often may a request be made again */

struct keys_signature {
	uint16_t tag;
	uint8_t algorithm;
	struct wire_rdata bytes;
};
struct keys_bundle {
	int64_t from;                  /* used from then on, until the next one begins */
	int64_t inception, expiration; /* of its signatures */
	size_t n_keys, n_signatures;
	struct wire_rdata key[KEYS_BUNDLE_KEYS_MAX]; /* DNSKEYs */
	struct keys_signature signature[KEYS_BUNDLE_KEYS_MAX];
};
struct keys_request {
	bool response;
	uint8_t apex[WIRE_NAME_MAX];
	char id[KEYS_ID_MAX], sum[KEYS_SUM_MAX]; /* sum: SHA-256 of its text, in hex */
	char answers[KEYS_SUM_MAX];              /* response: the sum of the request */
	int64_t made, from, until;
	uint32_t ttl;
	size_t n;
	struct keys_bundle *bundle;
	struct arena arena; /* owns the bundles */
};
int keys_request_read(const char *name, const char *text, size_t len, struct keys_request *ret, char why[KEYS_WHY_MAX])
	_must_use_;
/* Appends the text, and sets sum. */
int keys_request_write(struct keys_request *request, struct buffer *out) _must_use_;
void keys_request_done(struct keys_request *request);

/* Nobody held a ceremony in time. */
struct keys_gap {
	int64_t ended,
		expires; /* the last response was for the time until `ended`; its last signatures hold until `expires` */
	int64_t from;    /* the next one begins */
};
/* What it means, as a sentence. */
char *keys_gap_text(const struct keys_gap *gap, char out[KEYS_WHY_MAX]);

/* The online side. A request for the time from `from` with `slots` bundles; makes the ZSKs it needs, keeps a copy in the folder, appends the
 * text. It begins where the last response ended, or, when that time is over, later. `from` 0: where the last one ended; now, if there is
 * none, or if its signatures have ended. */
int keys_ksr(struct keys_folder *folder, int64_t now, int64_t from, unsigned slots, struct buffer *out,
	     char why[KEYS_WHY_MAX]) _must_use_;
/* Does a request that begins at `from` leave a gap? */
bool keys_ksr_gap(struct keys_folder *folder, int64_t from, struct keys_gap *ret);
/* Takes a response: it must answer a request that is kept, and its signatures must be those of a KSK that we know: of the last bundle before it
 * or from `anchors` (NULL: none). One that is here already is no error. */
int keys_skr(struct keys_folder *folder, const char *name, const char *text, size_t len,
	     const struct dnssec_anchors *anchors, int64_t now, char why[KEYS_WHY_MAX]) _must_use_;
struct keys_taking {
	const char *name, *text;
	size_t len;
	const char *request_name, *request; /* the request that it answers, when the folder has it no more; NULL */
	size_t request_len;
	const struct dnssec_anchors *anchors; /* NULL: none */
	bool late; /* its KSKs roll in a time that is over, and validators were told of them by other means */
};
/* The same, when it is not as usual. One whose KSKs roll and of which the first bundles come too late for RFC 5011 is refused
 * (BANYAN_EPROOF) without `late`. */
int keys_take(struct keys_folder *folder, const struct keys_taking *how, int64_t now, char why[KEYS_WHY_MAX])
	_must_use_;

enum keys_before {
	KEYS_CONTINUES, /* the request begins where the last response ended */
	KEYS_FIRST_ONE, /* there is no response before it */
	KEYS_AFTER_GAP, /* it begins later: nobody asked in time */
	KEYS_REPLACES =
		4, /* with one of these, by `|`: the last response was not taken and cannot be; this one comes in its place */
};
/* The offline side: checks a request, moves its KSKs through the quarter, signs each bundle. `record` gets a text for people, whether it was signed or
 * refused (BANYAN_EPROOF). What is on disk is of before the ceremony or of after it: whoever was cut off says the same again. */
int keys_sign_ksr(struct keys_folder *folder, const char *name, const char *text, size_t len, enum keys_before before,
		  int64_t now, struct buffer *out, struct buffer *record, char why[KEYS_WHY_MAX]) _must_use_;
