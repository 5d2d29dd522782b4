// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files that answer from data at hand share. Private to answer/. */
#pragma once

#include "answer.h"

#define ANSWER_OPT_SIZE 11  /* an OPT record without options (RFC 6891 section 6.1.2) */
#define ANSWER_NSID_MAX 255 /* bytes of identity that NSID and id.server give; one TXT string holds as many */
#define ANSWER_UDP_MIN  512 /* RFC 6891 section 6.2.3: smaller sizes count as this */
#define ANSWER_NO_EDE   (-1)

enum access { ACCESS_REFUSE, ACCESS_ALLOW, ACCESS_DROP };

/* A reply in the making. */
struct reply {
	const struct answer_view *view;
	const struct answer_request *request;
	const struct wire_question *question;
	size_t max;     /* bytes it may have */
	bool recursion; /* may this client recurse? */
	enum access access;
	const struct policy_view *policy; /* what is said to it; NULL = nothing */
	int ede;                          /* RFC 8914 INFO-CODE or ANSWER_NO_EDE */
	uint16_t rcode;
	bool has_cookie, cookie_valid, keepalive;
	uint8_t cookie[ANSWER_COOKIE_SIZE]; /* to send */
	/* for the rate of replies */
	enum answer_class class;
	const uint8_t *limit_name; /* what is counted together; NULL = all of the class */
	bool unlimited;            /* for a client of the resolver */
	uint32_t expire_s;         /* for the OPT (RFC 7314); 0 = not told */
	size_t opt_at;             /* where OPT stands; 0 = there is none */
};

/* access.c */
enum access view_access(const struct answer_view *view, const struct addr *peer);
bool view_has(const struct answer_networks *networks, const struct addr *addr);

/* limit.c */
enum limit { LIMIT_PASS, LIMIT_LEAK, LIMIT_SLIP, LIMIT_DROP };
enum limit limit_client(const struct reply *reply);
enum limit limit_reply(const struct reply *reply);
/* A client's question has to wait for its answer, */
void pulse_begin(const struct answer_view *view, struct answer_rates *rates, const struct answer_pending *pending,
		 const struct addr *peer, int64_t now_ms);
/* and here it is: in how many ms may it go out? -1 = never. */
int64_t pulse_wait_ms(const struct answer_view *view, struct answer_rates *rates, const struct answer_pending *pending,
		      const struct addr *peer, size_t len, int64_t now_ms);

/* cookie.c */
/* 1 = good and to be kept, 0 = good, but the client shall have a new one, -1 = not good. */
int cookie_check(const struct answer_cookies *cookies, const uint8_t *cookie, size_t len, const struct addr *peer,
		 int64_t now_s);
void cookie_make(const struct answer_cookies *cookies, const uint8_t *client, const struct addr *peer, int64_t now_s,
		 uint8_t out[ANSWER_COOKIE_SIZE]);
/* Looks at the question's cookie and makes the one that the reply carries. */
void reply_take_cookie(struct reply *reply);

/* ecs.c: is the question's ECS option well-formed, if it has one that is heeded (RFC 7871 section 6)? */
bool ecs_good(const struct answer_view *view, const struct wire_question *question);
void ecs_remember(const struct answer_view *view, const struct wire_question *question, struct answer_pending *pending);
/* The option of the reply: the client's, and the bits for which the answer holds. */
size_t ecs_reply(const struct answer_pending *pending, uint8_t scope, uint8_t out[ANSWER_ECS_MAX]);

/* hit.c: the reply's length when the whole answer lies ready in the cache; 0: the resolver has to be asked. */
size_t reply_from_cache(struct reply *reply);
/* Names that may ask which keys of the root are trusted (RFC 8509): what they get is the resolver's to say. */
bool may_be_sentinel(const struct wire_question *q);
/* Does this client get what the protocol asks for and no more? `otherwise`: when nothing is said of this client. */
bool reply_is_minimal(const struct reply *reply, bool otherwise);

/* The zone with the longest apex at or above `name` (lower case), or NULL. */
const struct answer_zone *view_find(const struct answer_view *view, const uint8_t *name);
/* Class CHAOS: who are you (RFC 4892). Writes header, question and answer; returns the length. */
size_t reply_chaos(struct reply *reply);
/* Header and question (if there is one) with reply->rcode; returns the length. */
size_t reply_bare(struct reply *reply);
/* A TSIG by a key that is not known here: NOTAUTH with BADKEY (RFC 8945 section 5.2.1), OPT included. */
size_t reply_tsig_unknown(struct reply *reply);
/* The time of idle connections that is told to clients. */
uint16_t edns_keepalive(const struct answer_view *view);
/* Does the client ask for NSID, and is there one to give? */
bool reply_wants_nsid(const struct reply *reply);
/* Bytes that OPT takes: with NSID if `nsid`, with an error code if reply->ede is set; 0 without EDNS. */
size_t reply_opt_size(const struct reply *reply, bool nsid);
/* Appends OPT to a message of `len` bytes; returns its new length. NSID, then the error code, are left out if they do not fit. */
size_t reply_add_opt(struct reply *reply, size_t len, bool nsid);
/* A word on the state of what was answered from, behind all other options of the OPT that is there; left out where it does not fit. Returns
 * the new length. */
size_t reply_add_word(struct reply *reply, size_t len, enum reason reason);
/* RFC 8914 section 2: INFO-CODE and EXTRA-TEXT of a reason that has a code; their length. */
#define ANSWER_WORD_MAX 254
size_t ede_write(enum reason reason, const char *detail, uint8_t out[ANSWER_WORD_MAX]);
/* The flags of every reply to this question: QR, opcode, RD, the RCODE; CD and RA if the client may recurse. */
uint16_t reply_flags(const struct reply *reply);

/* policy.c */
/* The client's view, and what that says of its access. */
void reply_admit(struct reply *reply);
/* Has policy anything to say of the name that the local root must not say first? */
bool reply_is_policed(const struct reply *reply);
