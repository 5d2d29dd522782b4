// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * way - where a client's question stands with what the operator says (policy/).
 *
 * Policy is about clients: it looks at the name of a question before anything is looked up, at each name that aliases lead to,
 * and at what came out in the end. Lookups themselves (struct task) and the cache know nothing of it: so addresses of servers,
 * keys and DS records of a chain, and the root are never touched, and what is forged for one client is never told to another.
 */
#pragma once

#include "engine.h"

#define WAY_NOTES_MAX 8 /* rules told of in one trace */

enum way_verdict {
	WAY_RESOLVE, /* look way->name up */
	WAY_DONE,    /* the answer stands */
	WAY_REFRESH, /* look it up without the cache: the servers of the name must be known */
};

struct way {
	/* what it is about */
	const struct addr *client; /* NULL = unknown */
	bool tcp, dnssec, trace;
	uint16_t qtype;
	/* where it stands */
	uint8_t name[WIRE_NAME_MAX];
	bool checked;  /* the rules for `name` have been looked at, and none can come later */
	bool rpz_done; /* a rule has decided: no other rule of policy zones counts */
	bool refreshed;
	bool touched; /* policy has changed anything */
	bool data;    /* records of a rule are in it */
	bool joined;  /* what was looked up stands behind what policy has put before it */
	unsigned aliases;
	bool drop, truncated, authoritative, log;
	uint16_t rcode;
	enum reason reason;
	unsigned n_answers, n_denials;
	struct rrset *answer[OUTCOME_SETS_MAX]; /* what stands before the rest */
	struct rrset *denial[1];
	struct rrset *additional;         /* SOA of a policy zone */
	const char *rule;                 /* in words; NULL = none */
	unsigned n_notes, n_notes_before; /* the latter: before anything was looked up */
	struct resolve_trace_step note[WAY_NOTES_MAX];
};

/* What of a way outlives the step. */
struct way_kept {
	struct way_kept *next; /* of those that are let go */
	struct arena arena;
	struct way way;
};

/* Has policy had nothing to say? Then the outcome stands as it is. */
static inline bool resolve_way_idle(const struct way *way)
{
	return !way->touched && way->rule == NULL && way->n_notes == 0;
}

void resolve_way_init(struct way *way, const struct resolve_event *event);
/* Puts the way into an open question, and takes it out again (what it points to stays the question's). BANYAN_ENOMEM. */
int resolve_way_keep(struct resolve *engine, struct question *question, const struct way *way) _must_use_;
void resolve_way_restore(const struct question *question, struct way *way);
void resolve_way_drop(struct resolve *engine, struct question *question); /* what it holds stays until the next step */
void resolve_ways_clean(struct resolve *engine);
/* Rules for way->name, and on along local aliases: WAY_RESOLVE or WAY_DONE. */
enum way_verdict resolve_way_begin(struct resolve *engine, struct way *way);
/* Rules for what came out for way->name and on. WAY_DONE: way has the whole answer if `touched`, else outcome stands. */
enum way_verdict resolve_way_outcome(struct resolve *engine, struct way *way, const struct outcome *outcome);
/* Would a rule end it at `name`, the target of an alias, without data of its own and whatever else is found? */
bool resolve_way_ends(struct resolve *engine, const struct way *way, const uint8_t *name);
/* The result: of the way alone, or of `outcome` behind it. NULL = out of memory. */
struct resolve_result *resolve_way_result(struct resolve *engine, const struct way *way, const struct outcome *outcome);

void resolve_way_steps(struct resolve *engine, const struct way *way, const struct work *work,
		       struct resolve_result *result);

/* Names and addresses of the servers that are known to answer for `name`; false when they are not known. */
#define FACTS_NAMES_MAX 64 /* of some zones on top of each other: more are not looked at */
#define FACTS_ADDRS_MAX 128
#define FACTS_CUTS_MAX  4 /* zones on top of each other whose servers are looked at */
struct facts {
	size_t n_ns, n_ns_addrs;
	const uint8_t *ns[FACTS_NAMES_MAX];
	struct addr ns_addr[FACTS_ADDRS_MAX];
};
bool resolve_facts_servers(struct resolve *engine, const uint8_t *name, const struct outcome *outcome,
			   struct facts *ret);
