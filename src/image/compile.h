// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Compiling: the state that the passes share, and the passes in the order in which they run. Private to image/.
 *
 * Each pass is one file, does one thing for all names and costs time linear in the zone (the sorted look-ups apart).
 */
#pragma once

#include "block.h"

#define COMPILE_BATCH                                                                                                  \
	32 /* names whose places are fetched together: a large table is in no cache, and fetches overlap */
#define ENCODE_NAMES_MAX 160 /* suffixes remembered for compression in one template: keeps large RRsets linear */

/* What the passes learn of a node of the zone. */
struct compile_node {
	uint32_t slot;   /* reference; 0 = this name has no slot */
	uint32_t parent; /* index of the node one label up; the apex's is itself */
	uint32_t proof;  /* reference of the set of its own NSEC */
};

/* Where to find a node by its name; like struct image_bucket, of all nodes. */
struct compile_bucket {
	uint32_t tag;
	uint32_t node; /* index + 1; 0 = free */
};

struct compile {
	const struct zone *zone;
	struct region out; /* the block so far */
	size_t out_len;
	struct compile_node *node;
	struct region buckets;
	struct compile_bucket *bucket; /* in `buckets` */
	uint32_t bucket_mask;
	size_t n_slots;
	unsigned labels_max;
	uint8_t apex_len;
	enum image_denial denial;
	uint16_t iterations; /* NSEC3 */
	uint8_t salt_len;
	const uint8_t *salt;
	size_t n_denial;
	uint32_t *proof_node;      /* NSEC: nodes that have a proof, ascending */
	uint32_t *proof_ref;       /* NSEC: their proofs */
	size_t proof_at;           /* NSEC: where the search for the last node's proof ended */
	struct image_nsec3 *nsec3; /* NSEC3: ascending */
	struct encoder *encoder;
};

int pass_names(struct compile *c) _must_use_;    /* parents; which nodes get slots; where to find them */
int pass_denial(struct compile *c) _must_use_;   /* NSEC and NSEC3 sets, and their sorted table */
int pass_sets(struct compile *c) _must_use_;     /* slots with their templates */
int pass_negative(struct compile *c) _must_use_; /* the SOA of negative answers */
int pass_link(struct compile *c) _must_use_;     /* wildcards and proofs of each slot */
int pass_hash(struct compile *c) _must_use_;     /* the hash table of names */

/* ---- room in the block ---- */
/* Reserves `size` zeroed bytes at a multiple of IMAGE_UNIT; *ret is their reference. */
int compile_reserve(struct compile *c, size_t size, uint32_t *ret) _must_use_;
void *compile_at(struct compile *c, uint32_t ref); /* valid until the next compile_reserve() */
/* The node of this name (any case), or NULL: zone_find() in one step. */
const struct zone_node *compile_find(const struct compile *c, const uint8_t *name);
uint64_t compile_name_hash(const struct compile *c, const uint8_t *lower, size_t len);
/* Has the memory fetched in which the servers of these nodes' NS sets will be looked for; changes nothing. */
void compile_warm(const struct compile *c, size_t first_node, size_t n_nodes);
static inline bool compile_has_slot(const struct compile *c, size_t node)
{
	return (c->zone->node[node].flags & (ZONE_NODE_BELOW | ZONE_NODE_OCCLUDED | ZONE_NODE_NSEC3)) == 0;
}

/* ---- templates ----
 * Records are written one after the other as if they stood behind a question for `base`. */
struct encoder {
	struct buffer data, shift; /* bytes; uint16_t places of pointers */
	const uint8_t *base;
	uint8_t base_len;
	bool shifting; /* can the question's name be longer than the base? */
	bool learn;    /* may later names point to names written now? */
	bool wildcard; /* the base is a wildcard: its first label never stands in a message */
	size_t n_rr;
	unsigned n_known;
	struct {
		const uint8_t *name;
		uint16_t at; /* place in the message */
	} known[ENCODE_NAMES_MAX];
};

void encoder_begin(struct encoder *e, const uint8_t *base, bool shifting);
void encoder_clear(struct encoder *e); /* new data, names remembered */
int encoder_rrset(struct encoder *e, const struct wire_rrset *set, uint32_t ttl) _must_use_;
/* RRSIGs under `owner`. */
int encoder_sigs(struct encoder *e, const struct wire_rrset *sigs, const uint8_t *owner, uint32_t ttl) _must_use_;
/* Encodes a set and its RRSIGs (may be NULL) and puts them into the block. */
int compile_set(struct compile *c, const struct wire_rrset *set, const struct wire_rrset *sigs, uint32_t ttl_max,
		unsigned flags, uint32_t *ret) _must_use_;
/* The addresses of the servers that `set` names, for the additional section; *ret stays 0 if there are none. The encoder
 * still knows the names of the set. `referral`: the set stands at a cut. */
int compile_extra(struct compile *c, const struct wire_rrset *set, bool referral, uint32_t *ret) _must_use_;
