// SPDX-License-Identifier: GPL-3.0-or-later
/* The NSEC3 chain (RFC 5155): every name has its record, or may be left out by opt-out; every record has its name. */
#include "private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NSEC3_LABEL_SIZE 32  /* base32hex of 20 bytes */
#define HASHES_PER_BLOCK 256 /* names hashed by one call of the parallel loop */

/* One NSEC3 record of the chain in hand. */
struct link {
	uint8_t hash[NSEC3_HASH_SIZE];
	const struct check_name *name; /* its owner */
	size_t index;                  /* its RRset */
	const uint8_t *next, *map;
	size_t map_len;
	bool opt_out, used;
};

/* A name of the zone, existing or an empty non-terminal, that the chain must prove. */
struct proof {
	uint8_t hash[NSEC3_HASH_SIZE];
	const uint8_t *owner;
	const struct check_name *name; /* NULL: empty non-terminal */
	bool optional;                 /* may be left out under opt-out */
	bool hidden;                   /* below a DNAME: may be left out */
};

struct parameters {
	uint16_t iterations;
	uint8_t salt_len;
	const uint8_t *salt;
};

struct chain {
	struct check *c;
	struct parameters parameters;
	struct link *link;
	size_t n_links, cap_links;
	struct proof *proof;
	size_t n_proofs, cap_proofs;
};

bool nsec3_label_decode(const uint8_t *label, uint8_t out[NSEC3_HASH_SIZE])
{
	uint64_t bits = 0;
	if (label[0] != NSEC3_LABEL_SIZE)
		return false;
	for (unsigned i = 0; i < NSEC3_LABEL_SIZE; i++) {
		uint8_t ch = label[1 + i];
		unsigned digit = ch >= '0' && ch <= '9'   ? ch - 0U - '0'
				 : ch >= 'a' && ch <= 'v' ? ch - 'a' + 10U
				 : ch >= 'A' && ch <= 'V' ? ch - 'A' + 10U
							  : 32;
		if (digit > 31)
			return false;
		bits = bits << 5 | digit;
		if (i % 8 == 7)
			for (unsigned b = 0; b < 5; b++)
				out[i / 8 * 5 + b] = (uint8_t)(bits >> (32 - 8 * b));
	}
	return true;
}

static bool parameters_equal(const struct parameters *p, const uint8_t *rdata, size_t len)
{
	return rdata[0] == NSEC3_HASH_SHA1 && wire_get16(rdata + 2) == p->iterations && rdata[4] == p->salt_len &&
	       len >= 5U + p->salt_len && memcmp(rdata + 5, p->salt, p->salt_len) == 0;
}

/* Reads one NSEC3 RDATA into *ret, if it belongs to this chain: 1, 0, or BANYAN_EMALF. */
static int link_parse(const struct chain *chain, const struct check_name *name, const struct wire_rdata *rdata,
		      struct link *ret)
{
	const uint8_t *p = rdata->data;
	if (rdata->len < 5)
		return BANYAN_EMALF;
	if (!parameters_equal(&chain->parameters, p, rdata->len))
		return 0;
	size_t next = 5U + chain->parameters.salt_len;
	if (rdata->len < next + 1 + NSEC3_HASH_SIZE || p[next] != NSEC3_HASH_SIZE || (p[1] & ~NSEC3_OPT_OUT) != 0 ||
	    !nsec3_label_decode(name->owner, ret->hash) ||
	    !wire_name_equal(wire_name_skip(name->owner, 1), chain->c->in->apex))
		return BANYAN_EMALF;
	ret->name = name;
	ret->opt_out = (p[1] & NSEC3_OPT_OUT) != 0;
	ret->next = p + next + 1;
	ret->map = ret->next + NSEC3_HASH_SIZE;
	ret->map_len = rdata->len - next - 1 - NSEC3_HASH_SIZE;
	ret->used = false;
	return 1;
}

static int grow(void **items, size_t n, size_t *cap, size_t size)
{
	if (n < *cap)
		return 0;
	size_t more = *cap > 0 ? *cap * 2 : 256;
	void *bigger = realloc(*items, more * size);
	if (bigger == NULL)
		return BANYAN_ENOMEM;
	*items = bigger;
	*cap = more;
	return 0;
}

/* Collects the chain's records; canonical order of the owners is the order of the hashes. */
static int links_collect(struct chain *chain)
{
	struct check *c = chain->c;
	for (size_t i = 0; i < c->n_names; i++) {
		const struct check_name *name = &c->name[i];
		for (size_t s = name->first; s < name->first + name->count; s++) {
			struct wire_rrset set;
			check_set(c, s, &set);
			for (uint32_t r = 0; set.type == WIRE_TYPE_NSEC3 && r < set.count; r++) {
				if (grow((void **)&chain->link, chain->n_links, &chain->cap_links,
					 sizeof *chain->link) < 0)
					return BANYAN_ENOMEM;
				struct link *l = &chain->link[chain->n_links];
				int rc = link_parse(chain, name, &set.rdata[r], l);
				if (rc < 0)
					check_report(c, true, REASON_NSEC_CHAIN_BROKEN, name->owner, set.type, s,
						     "the NSEC3 record is malformed");
				if (rc <= 0)
					continue;
				l->index = s;
				chain->n_links++;
			}
		}
	}
	return 0;
}

static int proof_add(struct chain *chain, const uint8_t *owner, const struct check_name *name, bool optional,
		     bool hidden)
{
	if (grow((void **)&chain->proof, chain->n_proofs, &chain->cap_proofs, sizeof *chain->proof) < 0)
		return BANYAN_ENOMEM;
	chain->proof[chain->n_proofs++] =
		(struct proof){.owner = owner, .name = name, .optional = optional, .hidden = hidden};
	return 0;
}

/* Names that the chain must prove: authoritative ones, delegations, and the empty non-terminals above them. Of these
 * each needs its record as soon as one name below it does (RFC 5155 section 7.1). */
static int proofs_collect(struct chain *chain)
{
	struct check *c = chain->c;
	const uint8_t *previous = c->in->apex;
	unsigned apex_labels = wire_name_labels(c->in->apex);
	size_t empty_at[WIRE_LABELS_MAX + 1]; /* the empty non-terminal with so many labels above the name in hand */
	for (size_t i = 0; i < c->n_names; i++) {
		const struct check_name *name = &c->name[i];
		if ((name->flags & (NAME_BELOW | NAME_NSEC3_ONLY)) != 0)
			continue;
		/* what a DNAME hides is proved if the signer did so */
		bool hidden = (name->flags & NAME_UNDER_DNAME) != 0;
		bool optional = hidden || (name->flags & (NAME_CUT | NAME_HAS_DS)) == NAME_CUT;
		unsigned labels = wire_name_labels(name->owner), common = wire_name_common(name->owner, previous);
		for (unsigned n = common + 1; n < labels; n++) {
			empty_at[n] = chain->n_proofs;
			if (proof_add(chain, wire_name_skip(name->owner, labels - n), NULL, true, hidden) < 0)
				return BANYAN_ENOMEM;
		}
		empty_at[labels] = NO_INDEX;
		for (unsigned n = apex_labels + 1; !optional && n < labels; n++)
			if (empty_at[n] != NO_INDEX)
				chain->proof[empty_at[n]].optional = false;
		if (proof_add(chain, name->owner, name, optional, hidden) < 0)
			return BANYAN_ENOMEM;
		previous = name->owner;
	}
	return 0;
}

static int hash_block(void *ctx, size_t block)
{
	struct chain *chain = ctx;
	const struct parameters *p = &chain->parameters;
	EVP_MD_CTX *md_ctx = EVP_MD_CTX_new();
	int rc = md_ctx != NULL ? 0 : BANYAN_ENOMEM;
	for (size_t i = block * HASHES_PER_BLOCK; rc == 0 && i < (block + 1) * HASHES_PER_BLOCK && i < chain->n_proofs;
	     i++)
		rc = nsec3_hash(md_ctx, chain->proof[i].owner, p->iterations, p->salt, p->salt_len,
				chain->proof[i].hash);
	EVP_MD_CTX_free(md_ctx);
	return rc;
}

/* The last link whose hash is <= `hash`; before the first one the ring's last. */
static struct link *link_covering(const struct chain *chain, const uint8_t *hash)
{
	size_t low = 0, high = chain->n_links;
	while (low < high) {
		size_t middle = (low + high) / 2;
		if (memcmp(chain->link[middle].hash, hash, NSEC3_HASH_SIZE) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return &chain->link[low > 0 ? low - 1 : chain->n_links - 1];
}

static void proof_check(struct chain *chain, const struct proof *proof)
{
	struct check *c = chain->c;
	uint8_t map[BITMAP_MAX];
	size_t index = proof->name != NULL ? proof->name->first : NO_INDEX;
	struct link *link = link_covering(chain, proof->hash);
	if (memcmp(link->hash, proof->hash, NSEC3_HASH_SIZE) != 0) {
		if (!proof->hidden && !(proof->optional && link->opt_out))
			check_report(c, true, REASON_NSEC_MISSING, proof->owner, WIRE_TYPE_NSEC3, index,
				     "%s has no NSEC3%s", proof->name != NULL ? "the name" : "the empty non-terminal",
				     proof->optional ? ", and the one that covers it is not opt-out" : "");
		return;
	}
	link->used = true;
	check_bitmap_compare(c, proof->owner, WIRE_TYPE_NSEC3, link->index, link->map, link->map_len, map,
			     proof->name != NULL ? check_bitmap(c, proof->name, map) : 0);
}

/* Each record's next hash is the next record's; each stands for a name. */
static void links_check(struct chain *chain)
{
	struct check *c = chain->c;
	for (size_t i = 0; i < chain->n_links; i++) {
		const struct link *l = &chain->link[i], *next = &chain->link[(i + 1) % chain->n_links];
		if (memcmp(l->next, next->hash, NSEC3_HASH_SIZE) != 0)
			check_report(c, true, REASON_NSEC_CHAIN_BROKEN, l->name->owner, WIRE_TYPE_NSEC3, l->index,
				     "the next hash is not that of the next NSEC3");
		if (!l->used)
			check_report(c, true, REASON_NSEC_CHAIN_BROKEN, l->name->owner, WIRE_TYPE_NSEC3, l->index,
				     "the NSEC3 stands for no name of the zone");
		c->out->opt_out |= l->opt_out;
	}
}

static int chain_check(struct chain *chain)
{
	struct check *c = chain->c;
	int rc = links_collect(chain);
	if (rc < 0)
		return rc;
	if (chain->n_links == 0) {
		check_report(c, true, REASON_NSEC_MISSING, c->in->apex, WIRE_TYPE_NSEC3, c->nsec3param,
			     "no NSEC3 has the parameters of the NSEC3PARAM");
		return 0;
	}
	rc = proofs_collect(chain);
	if (rc == 0)
		rc = parallel_for(c->in->threads, (chain->n_proofs + HASHES_PER_BLOCK - 1) / HASHES_PER_BLOCK, 1,
				  hash_block, chain);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < chain->n_proofs; i++)
		proof_check(chain, &chain->proof[i]);
	links_check(chain);
	return 0;
}

/* Can the chain of this NSEC3PARAM be checked? Reports why not. */
static bool parameters_read(struct check *c, const struct wire_rdata *rdata, struct parameters *ret)
{
	const uint8_t *p = rdata->data;
	if (rdata->len < 5 || rdata->len != 5U + p[4]) {
		check_report(c, true, REASON_NSEC3_PARAMETERS, c->in->apex, WIRE_TYPE_NSEC3PARAM, c->nsec3param,
			     "the NSEC3PARAM is malformed");
		return false;
	}
	*ret = (struct parameters){.iterations = wire_get16(p + 2), .salt_len = p[4], .salt = p + 5};
	if (p[0] != NSEC3_HASH_SHA1)
		check_report(c, true, REASON_NSEC3_PARAMETERS, c->in->apex, WIRE_TYPE_NSEC3PARAM, c->nsec3param,
			     "hash algorithm %u is not known", p[0]);
	else if (ret->iterations > DNSSEC_NSEC3_ITERATIONS_MAX)
		check_report(c, true, REASON_NSEC3_PARAMETERS, c->in->apex, WIRE_TYPE_NSEC3PARAM, c->nsec3param,
			     "%u iterations; RFC 9276 asks for 0, and more than %d are not computed", ret->iterations,
			     DNSSEC_NSEC3_ITERATIONS_MAX);
	else
		return true;
	return false;
}

/* NSEC3 records that belong to no NSEC3PARAM belong to no chain that a server may use (RFC 5155 section 7.3). */
static void strays_check(struct check *c, const struct wire_rrset *params)
{
	for (size_t i = 0; i < c->records->count; i++) {
		struct wire_rrset set;
		check_set(c, i, &set);
		for (uint32_t r = 0; set.type == WIRE_TYPE_NSEC3 && r < set.count; r++) {
			bool known = false;
			for (uint32_t k = 0; params != NULL && k < params->count; k++) {
				const struct wire_rdata *p = &params->rdata[k], *n = &set.rdata[r];
				if (p->len < 5 || p->len != 5U + p->data[4] || n->len < p->len)
					continue;
				/* all but the flags */
				known |= p->data[0] == n->data[0] && memcmp(p->data + 2, n->data + 2, p->len - 2U) == 0;
			}
			if (!known)
				check_report(c, true, REASON_NSEC3_PARAMETERS, set.owner, set.type, i,
					     "the parameters of the NSEC3 are not those of the NSEC3PARAM at the apex");
		}
	}
}

int check_nsec3(struct check *c)
{
	struct wire_rrset params;
	int rc = 0;
	c->out->nsec3 = true;
	if (c->nsec3param == NO_INDEX) {
		strays_check(c, NULL);
		return 0;
	}
	check_set(c, c->nsec3param, &params);
	for (uint32_t i = 0; rc == 0 && i < params.count; i++) {
		struct chain chain = {.c = c};
		if (!parameters_read(c, &params.rdata[i], &chain.parameters))
			continue;
		rc = chain_check(&chain);
		free(chain.link);
		free(chain.proof);
	}
	if (rc == 0)
		strays_check(c, &params);
	return rc;
}
