// SPDX-License-Identifier: GPL-3.0-or-later
/* Denial by NSEC3 (RFC 5155 section 8). Hashing is what an attacker would have us do (CVE-2023-50868): each name is hashed
 * once a call, and paid for first. */
#include "message.h"

#include <string.h>

#define SHA1_BLOCK_SIZE   64
#define SHA1_PADDING_SIZE 9  /* 0x80 and the length */
#define NSEC3_RECORDS_MAX 16 /* looked at in one denial: a proof needs at most three (RFC 5155 section 7.2) */

/* One NSEC3 record; pointers into its RRset. */
struct nsec3 {
	uint8_t hash[NSEC3_HASH_SIZE];
	const uint8_t *next, *map;
	size_t map_len;
	bool opt_out;
};

/* The records of one chain, and what was hashed. */
struct chain {
	const struct denial_call *call;
	struct scratch *scratch;
	uint16_t iterations;
	uint8_t salt_len;
	const uint8_t *salt;
	size_t n;
	struct nsec3 item[NSEC3_RECORDS_MAX];
	bool beyond; /* some cannot be computed: unknown hash, too many iterations */
	/* hashes of the name and the names above it, by their labels */
	bool hashed[WIRE_LABELS_MAX + 1];
	uint8_t hash[WIRE_LABELS_MAX + 1][NSEC3_HASH_SIZE];
};

/* The closest name above that exists, as far as these records tell (RFC 5155 section 8.3). */
struct encloser {
	unsigned labels;
	const struct nsec3 *gap; /* covers the next closer name */
};

/* Reads one record; false: it is not to be looked at. */
static bool nsec3_parse(struct chain *chain, const struct wire_rrset *set)
{
	const uint8_t *zone = chain->call->denial->zone;
	if (set->type != WIRE_TYPE_NSEC3 || set->count == 0 || set->owner[0] == 0 ||
	    !wire_name_equal(wire_name_skip(set->owner, 1), zone))
		return false;
	const struct wire_rdata *rdata = &set->rdata[0];
	const uint8_t *p = rdata->data;
	if (rdata->len < 6 || rdata->len < 6U + p[4])
		return false;
	uint16_t iterations = wire_get16(p + 2);
	if (p[0] != NSEC3_HASH_SHA1 || iterations > chain->call->policy->nsec3_iterations_max) {
		chain->beyond = true; /* RFC 5155 section 8.1, RFC 9276 section 3.2 */
		return false;
	}
	size_t next = 5U + p[4];
	if ((p[1] & ~NSEC3_OPT_OUT) != 0 || p[next] != NSEC3_HASH_SIZE || rdata->len < next + 1 + NSEC3_HASH_SIZE)
		return false; /* section 8.2: other flags are unknown */
	if (chain->n > 0 &&
	    (chain->iterations != iterations || chain->salt_len != p[4] || memcmp(chain->salt, p + 5, p[4]) != 0))
		return false; /* one proof is of one chain (section 7.2) */
	struct nsec3 *item = &chain->item[chain->n];
	if (!nsec3_label_decode(set->owner, item->hash))
		return false;
	item->next = p + next + 1;
	item->map = item->next + NSEC3_HASH_SIZE;
	item->map_len = rdata->len - next - 1 - NSEC3_HASH_SIZE;
	item->opt_out = (p[1] & NSEC3_OPT_OUT) != 0;
	if (wire_bitmap_count(item->map, item->map_len) < 0)
		return false;
	chain->iterations = iterations;
	chain->salt_len = p[4];
	chain->salt = p + 5;
	return true;
}

/* false: no NSEC3 to prove with; *ret says what that means */
static bool chain_begin(struct chain *chain, const struct denial_call *call, enum dnssec_denied *ret)
{
	chain->call = call;
	chain->n = 0;
	chain->beyond = false;
	memset(chain->hashed, 0, sizeof chain->hashed);
	for (size_t i = 0; i < call->denial->n && chain->n < NSEC3_RECORDS_MAX; i++)
		chain->n += nsec3_parse(chain, &call->denial->set[i]);
	*ret = chain->beyond && chain->n == 0 ? DNSSEC_DENIED_INSECURE : DNSSEC_DENIED_NOT;
	return chain->n > 0;
}

/* SHA-1 blocks that hashing this name takes. */
static uint32_t hash_cost(const struct chain *chain, const uint8_t *name)
{
	size_t first = wire_name_len(name) + chain->salt_len + SHA1_PADDING_SIZE,
	       more = NSEC3_HASH_SIZE + chain->salt_len + SHA1_PADDING_SIZE;
	first = (first + SHA1_BLOCK_SIZE - 1) / SHA1_BLOCK_SIZE;
	more = (more + SHA1_BLOCK_SIZE - 1) / SHA1_BLOCK_SIZE;
	return (uint32_t)(first + chain->iterations * more);
}

static int hash_name(struct chain *chain, const uint8_t *name, uint8_t out[NSEC3_HASH_SIZE])
{
	uint32_t cost = hash_cost(chain, name);
	struct dnssec_budget *budget = chain->call->budget;
	struct scratch *scratch = scratch_get();
	if (budget->hashes < cost)
		return BANYAN_ELIMIT;
	budget->hashes -= cost;
	return scratch == NULL
		       ? BANYAN_ENOMEM
		       : nsec3_hash(scratch->nsec3_ctx, name, chain->iterations, chain->salt, chain->salt_len, out);
}

/* The hash of the last `labels` labels of the name in question. */
static int hash_suffix(struct chain *chain, unsigned labels, const uint8_t **ret)
{
	if (!chain->hashed[labels]) {
		const uint8_t *name = wire_name_skip(chain->call->name, chain->call->labels - labels);
		int rc = hash_name(chain, name, chain->hash[labels]);
		if (rc < 0)
			return rc;
		chain->hashed[labels] = true;
	}
	*ret = chain->hash[labels];
	return 0;
}

static const struct nsec3 *chain_match(const struct chain *chain, const uint8_t *hash)
{
	for (size_t i = 0; i < chain->n; i++)
		if (memcmp(chain->item[i].hash, hash, NSEC3_HASH_SIZE) == 0)
			return &chain->item[i];
	return NULL;
}

/* The record whose span holds the hash; the last one's span goes round (RFC 5155 section 1.3, "cover"). */
static const struct nsec3 *chain_cover(const struct chain *chain, const uint8_t *hash)
{
	for (size_t i = 0; i < chain->n; i++) {
		const struct nsec3 *item = &chain->item[i];
		bool above = memcmp(item->hash, hash, NSEC3_HASH_SIZE) < 0,
		     below = memcmp(hash, item->next, NSEC3_HASH_SIZE) < 0;
		bool last = memcmp(item->next, item->hash, NSEC3_HASH_SIZE) <= 0;
		if (last ? (above || below) && memcmp(item->hash, hash, NSEC3_HASH_SIZE) != 0 : above && below)
			return item;
	}
	return NULL;
}

static bool nsec3_has(const struct nsec3 *item, uint16_t type)
{
	return wire_bitmap_has(item->map, item->map_len, type);
}

/* The record at the last `labels` labels of the name: 1, 0 = there is none here, or an error. */
static int suffix_match(struct chain *chain, unsigned labels, const struct nsec3 **ret)
{
	const uint8_t *hash;
	int rc = hash_suffix(chain, labels, &hash);
	if (rc < 0)
		return rc;
	*ret = chain_match(chain, hash);
	return *ret != NULL;
}

static int suffix_cover(struct chain *chain, unsigned labels, const struct nsec3 **ret)
{
	const uint8_t *hash;
	int rc = hash_suffix(chain, labels, &hash);
	if (rc < 0)
		return rc;
	*ret = chain_cover(chain, hash);
	return *ret != NULL;
}

/* The closest encloser proof of section 8.3, for a name that is not there: 1, 0, or an error. */
static int encloser_find(struct chain *chain, struct encloser *ret)
{
	for (unsigned labels = chain->call->labels; labels-- > chain->call->zone_labels;) {
		const struct nsec3 *match;
		int rc = suffix_match(chain, labels, &match);
		if (rc < 0)
			return rc;
		if (rc == 0)
			continue;
		/* what is below a delegation or a DNAME is not this chain's to deny */
		if (nsec3_has(match, WIRE_TYPE_DNAME) || bitmap_is_cut(match->map, match->map_len))
			return 0;
		ret->labels = labels;
		return suffix_cover(chain, labels + 1, &ret->gap);
	}
	return 0;
}

static int wildcard_hash(struct chain *chain, unsigned labels, uint8_t out[NSEC3_HASH_SIZE])
{
	uint8_t wildcard[WIRE_NAME_MAX];
	int rc = wire_name_wildcard(wire_name_skip(chain->call->name, chain->call->labels - labels), wildcard);
	return rc < 0 ? rc : hash_name(chain, wildcard, out);
}

static enum dnssec_denied denied_by(const struct nsec3 *gap)
{
	return gap->opt_out ? DNSSEC_DENIED_OPT_OUT : DNSSEC_DENIED;
}

/* Section 8.4 */
static int prove_name(struct chain *chain, enum dnssec_denied *ret)
{
	const struct nsec3 *match;
	struct encloser encloser;
	uint8_t hash[NSEC3_HASH_SIZE];
	int rc = suffix_match(chain, chain->call->labels, &match);
	if (rc != 0)
		return rc < 0 ? rc : 0; /* it exists */
	rc = encloser_find(chain, &encloser);
	if (rc <= 0)
		return rc;
	rc = wildcard_hash(chain, encloser.labels, hash);
	if (rc == 0 && chain_cover(chain, hash) == NULL)
		return 0;
	if (rc == 0 || rc == BANYAN_ESPACE) /* a wildcard too long to be a name is not there */
		*ret = denied_by(encloser.gap);
	return rc == BANYAN_ESPACE ? 0 : rc;
}

int nsec3_deny_name(const struct denial_call *call, enum dnssec_denied *ret)
{
	struct chain chain;
	return chain_begin(&chain, call, ret) ? prove_name(&chain, ret) : 0;
}

/* Section 8.7: the wildcard that stands for the name lacks the type. What opt-out may hide is not proved: section 9.2, and for
 * type DS or an empty non-terminal above such delegations section 8.6 and erratum 3441. */
static int prove_type_by_encloser(struct chain *chain, uint16_t type, enum dnssec_denied *ret)
{
	struct encloser encloser;
	uint8_t hash[NSEC3_HASH_SIZE];
	int rc = encloser_find(chain, &encloser);
	if (rc <= 0)
		return rc;
	if (encloser.gap->opt_out) {
		*ret = DNSSEC_DENIED_OPT_OUT;
		return 0;
	}
	rc = wildcard_hash(chain, encloser.labels, hash);
	if (rc < 0)
		return rc == BANYAN_ESPACE ? 0 : rc;
	const struct nsec3 *match = chain_match(chain, hash);
	if (match != NULL && bitmap_denies(match->map, match->map_len, type, false))
		*ret = DNSSEC_DENIED;
	return 0;
}

int nsec3_deny_type(const struct denial_call *call, uint16_t type, enum dnssec_denied *ret)
{
	struct chain chain;
	const struct nsec3 *match;
	if (!chain_begin(&chain, call, ret))
		return 0;
	int rc = suffix_match(&chain, call->labels, &match); /* sections 8.5 and 8.6 */
	if (rc < 0)
		return rc;
	if (rc == 0)
		return prove_type_by_encloser(&chain, type, ret);
	if (bitmap_denies(match->map, match->map_len, type, call->labels == 0))
		*ret = DNSSEC_DENIED;
	return 0;
}

int nsec3_deny_closer(const struct denial_call *call, unsigned labels, enum dnssec_denied *ret)
{
	struct chain chain;
	const struct nsec3 *gap;
	if (!chain_begin(&chain, call, ret))
		return 0;
	int rc = suffix_cover(&chain, labels + 1, &gap); /* section 8.8 */
	if (rc > 0)
		*ret = denied_by(gap);
	return rc < 0 ? rc : 0;
}

int nsec3_deny_ds(const struct denial_call *call, bool *cut, enum dnssec_denied *ret)
{
	struct chain chain;
	const struct nsec3 *match;
	struct encloser encloser;
	if (!chain_begin(&chain, call, ret)) {
		*cut = *ret == DNSSEC_DENIED_INSECURE;
		return 0;
	}
	int rc = suffix_match(&chain, call->labels, &match);
	if (rc < 0)
		return rc;
	if (rc > 0) { /* section 8.9 */
		if (nsec3_has(match, WIRE_TYPE_DS) || nsec3_has(match, WIRE_TYPE_SOA))
			return 0;
		*cut = bitmap_is_cut(match->map, match->map_len);
		*ret = DNSSEC_DENIED;
		return 0;
	}
	rc = encloser_find(&chain, &encloser);
	if (rc > 0) {
		*ret = denied_by(encloser.gap);
		*cut = encloser.gap->opt_out; /* without opt-out there is nothing at all */
	}
	return rc < 0 ? rc : 0;
}
