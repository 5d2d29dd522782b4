// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * cut - a delegation: a zone, the names of its servers and their addresses, as the parent said them.
 */
#pragma once

#include "reply.h"
#include "resolve.h"
#include "select.h"

enum cut_lookup { CUT_UNASKED, CUT_ASKING, CUT_ASKED };

struct cut_server {
	const uint8_t *name;
	uint8_t v4, v6; /* enum cut_lookup: are its addresses being resolved? */
	bool has_address;
	bool again; /* a joined lookup ended by limits of somebody else and was repeated */
};

struct cut_target {
	struct addr addr;
	uint8_t server;    /* index */
	uint8_t tries;     /* of this walk */
	bool lame, failed; /* not to be asked again in this walk */
	bool suspect;      /* was lame for another name */
	bool no_edns;      /* in this walk */
	bool tcp, tcp_failed, plain_case;
	bool uncookied;      /* TCP was tried because its cookie was missing */
	uint8_t bad_cookies; /* times it wanted another cookie */
	bool fragments;      /* TCP was tried because a reply came in fragments */
	struct server_info info;
};

struct forward;
struct cut {
	const uint8_t *zone;
	const struct forward *via; /* the forward or stub zone that led here; NULL = the root did */
	bool configured;           /* the servers are those of `via`, or the hints */
	unsigned labels;
	int64_t expires_ms;
	bool root;   /* the local image */
	bool cached; /* came from the cache: may be out of date */
	uint8_t n_servers, n_targets;
	uint8_t rounds;  /* of lookups of servers' names */
	uint8_t in_vain; /* lookups of servers' names that brought no address */
	uint8_t again;   /* index + 1 of the target that is to be asked again at once, in another way; 0 = none */
	uint16_t tries;
	bool exploring; /* the last choice was not the best one, but one to learn about */
	struct cut_server server[RESOLVE_NS_MAX];
	struct cut_target target[RESOLVE_ADDRESSES_MAX];
};

/* The delegation in a referral that came from `parent`, with the glue that may be believed. BANYAN_ENOMEM. */
int resolve_cut_from_referral(struct arena *arena, const struct reply *reply, const struct reading *reading,
			      const struct reply_take *take, const struct cut *parent, bool harden_glue,
			      struct cut *ret) _must_use_;
/* The root servers as they say themselves (RFC 9609). BANYAN_ENOENT: they do not. */
int resolve_cut_from_priming(struct arena *arena, const struct reply *reply, const struct reply_take *take,
			     struct cut *ret) _must_use_;
/* Adds an address of the n-th server; false when it is of no use, there already, or the table is full. */
bool resolve_cut_add_address(struct cut *cut, uint8_t server, uint16_t type, const struct wire_rdata *rdata);
/* Adds all addresses of an RRset of type A or AAAA; returns how many. */
unsigned resolve_cut_add_set(struct cut *cut, uint8_t server, const struct rrset *set);
/* Value for the cache. Returns the length or BANYAN_ESPACE. */
#define CUT_PACK_MAX (2 + RESOLVE_NS_MAX * WIRE_NAME_MAX + RESOLVE_ADDRESSES_MAX * 18)
int resolve_cut_pack(const struct cut *cut, uint8_t *out, size_t max) _must_use_;
/* Names point into `data`. BANYAN_EMALF. */
int resolve_cut_unpack(const uint8_t *data, size_t len, struct cut *ret) _must_use_;
