// SPDX-License-Identifier: GPL-3.0-or-later
/* dnssec, private: what proving the sets of a message needs beside private.h. */
#pragma once

#include "private.h"

#define SET_FAILURES_MAX 8 /* signatures over one set that may fail before it is given up (KeyTrap) */
#define KEYS_PER_TAG_MAX                                                                                               \
	4 /* keys with one tag and algorithm tried for one signature: honest zones have one (KeyTrap) */
#define STARTS_MAX                                                                                                     \
	64 /* DS records or anchors of one zone that are looked at: DNSSEC_ANCHORS_MAX, and generous for DS */
#define START_DIGESTS_MAX                                                                                              \
	16 /* DS digests computed for one key set: each DS has its own tag in an honest one (HashTrap) */

/* What one thread keeps from call to call: libcrypto's contexts take long to make, and memory that was big enough once. */
struct scratch {
	struct verifier verifier;
	EVP_MD_CTX *nsec3_ctx;
	struct buffer copy; /* RDATAs of the set in hand, canonical */
	struct wire_rdata *rdata;
	size_t cap_rdata;
};
/* This thread's; NULL without memory. */
struct scratch *scratch_get(void);

/* Brings a set into canonical form and order, without doubles (RFC 4034 sections 6.2 and 6.3). The result lives in the
 * scratch memory. */
int set_canonical(struct scratch *scratch, const struct wire_rrset *set, struct wire_rrset *ret) _must_use_;

struct keyset_key {
	const uint8_t *rdata;
	struct dnssec_key *key; /* parsed when first needed */
	uint16_t len, tag;
	uint8_t algorithm;
	bool broken;  /* could not be parsed: signs nothing */
	bool started; /* a DS or an anchor names it */
};

struct dnssec_keyset {
	uint8_t zone[WIRE_NAME_MAX];
	size_t n;
	struct keyset_key *key;
};

/* The key to verify with, or NULL. */
const struct dnssec_key *keyset_key_get(struct keyset_key *key);

bool policy_algorithm_usable(const struct dnssec_policy *policy, uint8_t algorithm);
bool policy_digest_usable(const struct dnssec_policy *policy, uint8_t digest);

/* dnssec_set_prove(); with `started_only` by the keys alone that a DS or an anchor names. `set` is canonical. */
int set_prove(const struct dnssec_policy *policy, struct dnssec_budget *budget, const struct dnssec_keyset *keyset,
	      bool started_only, const struct wire_rrset *set, const struct wire_rdata *sigs, size_t n_sigs,
	      struct dnssec_verdict *ret) _must_use_;

/* ---- denial ---- */
#define TYPE_NXNAME 128 /* RFC 9824 section 3 */

/* What a bitmap says of a name, as far as denial asks. */
bool bitmap_is_cut(const uint8_t *map, size_t len); /* NS and no SOA: the parent's side of a delegation */
/* Does the bitmap of the record at a name (or at its wildcard) deny this type there? */
bool bitmap_denies(const uint8_t *map, size_t len, uint16_t type, bool root);

/* One call of a dnssec_deny_...() function. */
struct denial_call {
	const struct dnssec_policy *policy;
	struct dnssec_budget *budget;
	const struct dnssec_denial *denial;
	const uint8_t *name;
	unsigned labels, zone_labels;
};

enum dnssec_denied nsec_deny_name(const struct denial_call *call, bool *compact);
enum dnssec_denied nsec_deny_type(const struct denial_call *call, uint16_t type);
enum dnssec_denied nsec_deny_closer(const struct denial_call *call, unsigned labels);
enum dnssec_denied nsec_deny_ds(const struct denial_call *call, bool *cut);

int nsec3_deny_name(const struct denial_call *call, enum dnssec_denied *ret) _must_use_;
int nsec3_deny_type(const struct denial_call *call, uint16_t type, enum dnssec_denied *ret) _must_use_;
int nsec3_deny_closer(const struct denial_call *call, unsigned labels, enum dnssec_denied *ret) _must_use_;
int nsec3_deny_ds(const struct denial_call *call, bool *cut, enum dnssec_denied *ret) _must_use_;
