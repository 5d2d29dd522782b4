// SPDX-License-Identifier: GPL-3.0-or-later
/* publish, private: a zone on its way to being signed. */
#pragma once

#include "publish.h"

#define SIGN_NONE SIZE_MAX

/* An RRset that is signed, in the order of its zone's names; those of NSEC3 names come last, in their order. */
struct sign_set {
	struct wire_rrset set;         /* canonical */
	const struct wire_rrset *old;  /* that of the version before, canonical, or NULL */
	const struct wire_rrset *sigs; /* its signatures there, or NULL */
	size_t node;                   /* of the plain zone; SIGN_NONE: an NSEC3 */
	bool made;                     /* not in the plain zone */
};

/* What is done for one signature. */
enum sign_way {
	SIGN_KEEP,  /* it stands in the version before, or was made elsewhere */
	SIGN_CHECK, /* one stands there, but another key with this tag may have made it */
	SIGN_MAKE,
	SIGN_LATE, /* when the digest is known */
};

struct sign_sig {
	const uint8_t *data; /* RDATA; with SIGN_CHECK the one that may be kept */
	uint8_t *room;       /* for one that is made */
	size_t set;          /* index */
	uint16_t key;        /* index; UINT16_MAX: made elsewhere */
	uint16_t len;
	uint8_t way;
	int64_t expiration;
};

struct sign {
	const struct zone *plain, *before;
	const struct make_signing *in;
	struct publish_sign_result *out;
	const struct wire_rrset *soa; /* canonical */
	uint32_t denial_ttl;
	bool is_signed;
	bool *live, *member; /* for each node of the plain zone: does it have records; is it in the chain? */
	struct sign_set *set;
	size_t n_sets, cap_sets;
	struct sign_sig *sig; /* in the order of their sets */
	size_t n_sigs, cap_sigs;
	size_t n_old_sigs, n_old_denial; /* of the version before */
	struct arena arena;
};

/* Keeps the words and returns the error. */
int sign_fail(struct sign *s, int error, const char *format, ...) _printf_(3, 4);

/* ---- names (sign_names.c) ---- */
/* Does a signer make this set, so that one in the plain zone is passed over? */
bool sign_is_ours(const struct zone_node *node, uint16_t type);
/* Has this name something that its zone has authority over? */
static inline bool sign_authoritative(const struct zone_node *node)
{
	return (node->flags & (ZONE_NODE_BELOW | ZONE_NODE_OCCLUDED)) == 0;
}
/* Is the zone's own data at a name only DS (RFC 4035 section 2.2)? */
static inline bool sign_is_cut(const struct zone_node *node)
{
	return (node->flags & (ZONE_NODE_CUT | ZONE_NODE_APEX)) == ZONE_NODE_CUT;
}
/* Which names live, which are in the chain; their data and the apex's are noted as sets to be signed, with the NSEC records. */
int sign_names(struct sign *s) _must_use_;
struct sign_set *sign_set_add(struct sign *s, size_t node, const struct wire_rrset *set) _must_use_;
/* Walks the version before in step with names in canonical order: the node of this name, or NULL. */
const struct zone_node *sign_old_node(const struct sign *s, size_t *cursor, const uint8_t *name);
/* Looks up what the version before has of this set. */
void sign_old_set(const struct sign *s, const struct zone_node *old, struct sign_set *set);

/* ---- the chain (sign_chain.c) ---- */
/* The types at a name as its NSEC or NSEC3 tells them; the bitmap's length. */
size_t sign_bitmap(const struct sign *s, const struct zone_node *node, uint8_t map[MAKE_BITMAP_MAX]);
int sign_nsec_add(struct sign *s, size_t node, size_t next, const struct zone_node *old) _must_use_;
int sign_nsec3(struct sign *s) _must_use_;

/* ---- what stands at the apex (sign_apex.c) ---- */
int sign_prepare(struct sign *s) _must_use_; /* does it make sense? */
int sign_apex(struct sign *s, const struct zone_node *old) _must_use_;
bool sign_apex_has(const struct sign *s, uint16_t type); /* a type that is ours */

/* ---- signatures (sign_sigs.c) ---- */
int sign_sigs(struct sign *s) _must_use_;
/* Is this the type of a set that keys sign which sign keys? */
static inline bool sign_of_keys(uint16_t type)
{
	return type == WIRE_TYPE_DNSKEY || type == WIRE_TYPE_CDS || type == WIRE_TYPE_CDNSKEY;
}

/* ---- the zone (sign_write.c) ---- */
int sign_write(struct sign *s, struct zone **ret) _must_use_;
