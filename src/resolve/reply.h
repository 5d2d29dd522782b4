// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * reply - what a server (or the root image) said: read, scrubbed, understood.
 *
 * reply.c reads the records of a message into sets; classify.c says what the whole means and, with the
 * help of scrub.c, alias.c and negative.c, gives back only what may be believed.
 */
#pragma once

#include "rrset.h"

#define REPLY_SETS_MAX                                                                                                 \
	512 /* RRsets of one message: honest ones have some tens, a reply with NSEC3s and glue under 100 */
#define REPLY_RECORDS_MAX                                                                                              \
	2048 /* records of one RRset: more than fits 64 kB for most types, bounds the search for doubles */
#define READING_ANSWERS_MAX 48 /* RRsets taken from one answer: alias chain, or all sets for ANY */
#define READING_DENIALS_MAX 16 /* SOA and NSEC or NSEC3 sets of one negative answer: 1 + at most 4, with room */

/* One record of a message, data expanded. */
struct reply_record {
	struct reply_record *next; /* of the same set */
	const uint8_t *data;
	uint32_t ttl;
	uint16_t len;
};

/* The records of one owner and type in one section, with the signatures over them. */
struct reply_set {
	const uint8_t *owner;
	uint32_t owner_hash, ttl;
	uint16_t type;
	uint8_t section;
	uint16_t count, n_sigs;
	struct reply_record *data, *sigs; /* newest first */
};

struct reply {
	uint16_t id, flags, rcode;
	bool has_question, has_edns;
	unsigned n_sets;
	struct reply_set *set;
	const uint8_t *cookie; /* RFC 7873; in the message; NULL = none */
	size_t cookie_len;
};

/* Reads all records. BANYAN_EMALF, BANYAN_ELIMIT (too many sets or records) or BANYAN_ENOMEM. */
int resolve_reply_read(struct arena *arena, const uint8_t *msg, size_t len, struct reply *ret) _must_use_;
/* The set of this owner and type in a section, or NULL. */
const struct reply_set *resolve_reply_find(const struct reply *reply, enum wire_section section, const uint8_t *owner,
					   uint16_t type);

/* How sets of a reply become RRsets of ours. */
struct reply_take {
	struct arena *arena;
	int64_t now_ms;
	uint32_t ttl_min, ttl_max;
	uint8_t rank;
	struct rrset_origin origin;
};
/* NULL when out of memory. */
struct rrset *resolve_reply_take(const struct reply_take *take, const struct reply_set *set);

/* ---- understanding ---- */
/* What was asked, of whom. */
struct ask {
	const uint8_t *zone; /* the zone whose server was asked */
	const uint8_t *qname;
	uint16_t qtype;
	bool tcp, edns, root;
	uint32_t ttl_negative_max, ttl_negative_min;
	const struct forwards *forwards;
	const struct forward *forward; /* a forwarder was asked; `zone` is its entry's */
};

enum reading_kind {
	READING_ANSWER,    /* data of the asked type */
	READING_ALIAS,     /* a chain that goes on at `name` */
	READING_REFERRAL,  /* to the zone `name` */
	READING_NXDOMAIN,  /* `name` does not exist */
	READING_NODATA,    /* `name` has no such type */
	READING_YXDOMAIN,  /* a DNAME made a name too long */
	READING_TRUNCATED, /* ask again over TCP */
	READING_NO_EDNS,   /* ask again without EDNS */
	READING_COOKIE,    /* ask again with the cookie that it has sent */
	READING_FAILED,    /* this server cannot answer this now */
	READING_LAME,      /* this server does not serve the zone */
	READING_BROKEN,    /* makes no sense */
};

struct reading {
	enum reading_kind kind;
	enum reason reason; /* of the last three */
	const char *what;   /* for the trace; static or in the arena */
	const uint8_t *name;
	unsigned n_answers, n_denials, n_aliases;
	struct rrset *answer[READING_ANSWERS_MAX];
	struct rrset *denial[READING_DENIALS_MAX]; /* SOA first */
	bool has_soa;                              /* without it a negative answer is not cached (RFC 2308 section 5) */
	const struct reply_set *ns;                /* of a referral */
	struct rrset *ds;                          /* or, in denial[], the proof that there is none */
};

/* Everything in `ret` lives in take->arena. BANYAN_ENOMEM. */
int resolve_classify(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
		     struct reading *ret) _must_use_;

/* scrub.c: may the server that was asked be believed about this name? */
bool resolve_scrub_speaks(const struct ask *ask, const uint8_t *name);
/* May this set be believed from a server of `zone`? */
bool resolve_scrub_set(const struct reply_set *set, const uint8_t *zone);
/* The NS set of a referral from `zone` towards `name`; NULL = there is none. */
const struct reply_set *resolve_scrub_referral(const struct reply *reply, const uint8_t *zone, const uint8_t *name);
/* Does the authority section point upwards or to the asked zone itself instead? */
bool resolve_scrub_upward(const struct reply *reply, const uint8_t *zone);
/* May this address set serve as glue for `server` in a referral from `zone`? */
bool resolve_scrub_glue(const struct reply_set *set, const uint8_t *server, const uint8_t *zone);

/* alias.c: follows the chain from ask->qname through the answer section as far as the server may be
 * believed. Fills answer, n_aliases, name. Returns 1 when data of the asked type end it, 0 when not,
 * BANYAN_ESPACE (a name became too long), BANYAN_ELIMIT (too many steps) or BANYAN_ENOMEM. */
int resolve_alias_chain(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
			struct reading *reading) _must_use_;
/* The CNAME that `dname` makes for `name` (RFC 6672 section 3.1); BANYAN_ESPACE or BANYAN_ENOMEM. */
int resolve_alias_synthesise(struct arena *arena, const uint8_t *name, const struct rrset *dname, struct rrset **ret)
	_must_use_;

/* proof.c: what an answer or a referral brings to prove itself. Sets of a wildcard get the NSEC and NSEC3 sets of the
 * authority section; a referral without DS has them in denial[]. BANYAN_ENOMEM. */
int resolve_proof_of_answers(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
			     struct reading *reading) _must_use_;
int resolve_proof_of_referral(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
			      struct reading *reading) _must_use_;

/* negative.c: SOA and proofs of a negative answer about `name`; lifetimes by RFC 2308 section 5. */
int resolve_negative_take(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
			  struct reading *reading) _must_use_;
/* Has the authority section a SOA that cannot speak for `name`? */
bool resolve_negative_foreign(const struct reply *reply, const struct ask *ask, const uint8_t *name);
