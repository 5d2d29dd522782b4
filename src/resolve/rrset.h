// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * rrset - an RRset as the walk and the cache keep it: its data and the signatures over it in one piece.
 *
 * The piece ("pack") is count + n_sigs times: u16 length, data; so that a cache hit is one copy.
 */
#pragma once

#include "wire/wire.h"

/* How far an RRset is trusted (RFC 2181 section 5.4.1); higher replaces lower. Only RANK_ANSWER and above is
 * given to clients. What ranks lowest there is not kept as RRsets at all: glue and the parent's NS set stand inside
 * delegations (cut.h), and NS sets beside an answer are left out. */
enum rank {
	RANK_REFERRAL,  /* what a parent says of the delegation: DS beside NS */
	RANK_ANSWER,    /* answer section without AA */
	RANK_AUTHORITY, /* answer section with AA, negative answers with their SOA */
	RANK_ROOT,      /* from the proved root image */
};

/* What is known of the signatures (RFC 4035 section 4.3). Data that are found bogus are not kept. */
enum security {
	SECURITY_UNCHECKED, /* nobody has looked yet */
	SECURITY_INSECURE,  /* proved that no signature is to be expected */
	SECURITY_SECURE,
};

/* Where it came from, for who asks why. */
struct rrset_origin {
	struct addr server;   /* that said it; family 0 = none */
	bool root;            /* the root image said it ... */
	uint32_t root_serial; /* ... of this serial */
	uint8_t algorithm;    /* of the key that proved it; 0 = none did */
	uint16_t key_tag;
};

struct rrset {
	const uint8_t *owner;
	uint16_t type, count, n_sigs;
	uint8_t rank;
	uint8_t security; /* enum security */
	bool synthesised; /* CNAME made of a DNAME: not cached */
	uint8_t asked;    /* as store_value.asked; 0 = not from the cache */
	/* A set made of a wildcard has with it the NSEC or NSEC3 sets that say that nothing closer exists (RFC 4035 section 5.3.4). */
	uint8_t n_proofs;
	struct rrset *const *proof;
	int64_t expires_ms;
	int64_t stored_ms; /* when it came into the cache; 0 = not from there */
	struct rrset_origin origin;
	const uint8_t *pack;
	uint32_t size; /* of pack */
};

/* The n-th RDATA (of the data, then of the signatures). n < count + n_sigs. */
struct wire_rdata resolve_rrset_rdata(const struct rrset *set, unsigned n);
/* Copies the set with its owner and pack; NULL when out of memory. */
struct rrset *resolve_rrset_copy(struct arena *arena, const struct rrset *set);
/* A set of one record without signature. NULL when out of memory. */
struct rrset *resolve_rrset_single(struct arena *arena, const uint8_t *owner, uint16_t type, const uint8_t *data,
				   uint16_t len);
/* Was the set made of a wildcard, by what its signatures say? */
bool resolve_rrset_expanded(const struct rrset *set);
/* Is it an NSEC3 with opt-out, whose span proves nothing of what is in it (RFC 5155 section 6)? */
bool resolve_rrset_opt_out(const struct rrset *set);
/* Seconds left at `now_ms`; 0 when over. Never more than it had when it was stored. */
uint32_t resolve_rrset_ttl(const struct rrset *set, int64_t now_ms);
/* Writes the set, and its signatures as a set of their own if `sigs`, to out[0..1]; returns how many, or
 * BANYAN_ENOMEM. */
int resolve_rrset_wire(struct arena *arena, const struct rrset *set, int64_t now_ms, bool sigs, struct wire_rrset *out)
	_must_use_;
