// SPDX-License-Identifier: GPL-3.0-or-later
/* Pass: turns NSEC or NSEC3 records into proofs and sorts them for the search that denials need. */
#include "compile.h"

#include <stdlib.h>
#include <string.h>

/* A proof's base is the apex: it can stand behind any question for a name in the zone. */
static int compile_proof(struct compile *c, const struct zone_node *node, const struct wire_rrset *set, uint32_t *ret)
{
	if (set->count !=
	    1) /* RFC 4034 section 4, RFC 5155 section 7.1: one at a name, or it is not known what is denied */
		return BANYAN_EMALF;
	encoder_begin(c->encoder, c->zone->apex, true);
	c->encoder->learn = false; /* where it will stand is not known */
	return compile_set(c, set, zone_node_sigs(c->zone, node, set->type), UINT32_MAX, IMAGE_SET_PROOF, ret);
}

static int denial_nsec(struct compile *c)
{
	const struct zone *zone = c->zone;
	c->proof_node = calloc(zone->n_nodes, sizeof *c->proof_node);
	c->proof_ref = calloc(zone->n_nodes, sizeof *c->proof_ref);
	if (c->proof_node == NULL || c->proof_ref == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct wire_rrset *set = zone_node_set(zone, &zone->node[i], WIRE_TYPE_NSEC);
		if (set == NULL || !compile_has_slot(c, i))
			continue;
		int rc = compile_proof(c, &zone->node[i], set, &c->node[i].proof);
		if (rc < 0)
			return rc;
		c->proof_node[c->n_denial] = (uint32_t)i;
		c->proof_ref[c->n_denial++] = c->node[i].proof;
	}
	return 0;
}

/* The hash that an NSEC3's owner stands for: base32hex (RFC 4648 section 7) without padding. */
static int owner_hash(const uint8_t *owner, uint8_t hash[20])
{
	if (owner[0] != 32)
		return BANYAN_EMALF;
	for (unsigned group = 0; group < 4; group++) {
		uint64_t bits = 0;
		for (unsigned i = 0; i < 8; i++) {
			uint8_t ch = owner[1 + group * 8 + i];
			unsigned v;
			if (ch >= '0' && ch <= '9')
				v = ch - '0';
			else if ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'v')
				v = (ch | 0x20) - 'a' + 10U;
			else
				return BANYAN_EMALF;
			bits = bits << 5 | v;
		}
		for (int i = 0; i < 5; i++)
			hash[group * 5 + (unsigned)i] = (uint8_t)(bits >> (32 - 8 * i));
	}
	return 0;
}

/* Does an NSEC3 belong to the chain that NSEC3PARAM names? */
static bool same_chain(const struct compile *c, const struct wire_rdata *rdata)
{
	const uint8_t *p = rdata->data;
	return rdata->len >= 5U + c->salt_len && p[0] == 1 && wire_get16(p + 2) == c->iterations &&
	       p[4] == c->salt_len && memcmp(p + 5, c->salt, c->salt_len) == 0;
}

static int nsec3_cmp(const void *a, const void *b)
{
	return memcmp(((const struct image_nsec3 *)a)->hash, ((const struct image_nsec3 *)b)->hash, 20);
}

static bool nsec3_sorted(const struct compile *c)
{
	for (size_t i = 1; i < c->n_denial; i++)
		if (nsec3_cmp(&c->nsec3[i - 1], &c->nsec3[i]) > 0)
			return false;
	return true;
}

static int denial_nsec3(struct compile *c)
{
	const struct zone *zone = c->zone;
	c->nsec3 = calloc(zone->n_nodes, sizeof *c->nsec3);
	if (c->nsec3 == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < zone->n_nodes; i++) {
		const struct wire_rrset *set = zone_node_set(zone, &zone->node[i], WIRE_TYPE_NSEC3);
		struct image_nsec3 *entry = &c->nsec3[c->n_denial];
		if (set == NULL || owner_hash(zone->node[i].name, entry->hash) < 0)
			continue;
		/* one owner may have records of an old and a new chain: one of them is ours */
		struct wire_rrset ours = *set;
		for (ours.count = 0; ours.count == 0 && ours.rdata < set->rdata + set->count;) {
			if (same_chain(c, ours.rdata))
				ours.count = 1;
			else
				ours.rdata++;
		}
		if (ours.count == 0)
			continue;
		int rc = compile_proof(c, &zone->node[i], set->count == 1 ? set : &ours, &entry->set);
		if (rc < 0)
			return rc;
		c->n_denial++;
	}
	/* canonical order of owners is that of their hashes (RFC 4648 section 7), unless one of them stands deeper than it should */
	if (!nsec3_sorted(c))
		qsort(c->nsec3, c->n_denial, sizeof *c->nsec3, nsec3_cmp);
	return 0;
}

/* Which chain, if any: NSEC3PARAM at the apex (RFC 5155 section 4) or NSEC there. */
static void find_chain(struct compile *c)
{
	const struct zone *zone = c->zone;
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *param = zone_node_set(zone, apex, WIRE_TYPE_NSEC3PARAM);
	for (uint32_t i = 0; param != NULL && i < param->count; i++) {
		const struct wire_rdata *rdata = &param->rdata[i];
		/* RFC 5155 section 4.1.2: flags other than 0 mean that the chain is not to be used */
		if (rdata->len < 5 || rdata->len < 5U + rdata->data[4] || rdata->data[0] != 1 || rdata->data[1] != 0)
			continue;
		c->denial = IMAGE_DENIAL_NSEC3;
		c->iterations = wire_get16(rdata->data + 2);
		c->salt_len = rdata->data[4];
		c->salt = rdata->data + 5;
		return;
	}
	if (zone_node_set(zone, apex, WIRE_TYPE_NSEC) != NULL)
		c->denial = IMAGE_DENIAL_NSEC;
}

/* The table that image_cover_nsec() and image_cover_nsec3() search. */
static int store_table(struct compile *c)
{
	size_t n = c->n_denial;
	uint32_t ref;
	size_t entry = c->denial == IMAGE_DENIAL_NSEC3 ? sizeof *c->nsec3 : sizeof(uint64_t) + sizeof(uint32_t);
	int rc = compile_reserve(c, n * entry, &ref);
	if (rc < 0)
		return rc;
	((struct image_header *)c->out.data)->denial = ref;
	if (c->denial == IMAGE_DENIAL_NSEC3) {
		memcpy(compile_at(c, ref), c->nsec3, n * sizeof *c->nsec3);
		return 0;
	}
	uint64_t *key = compile_at(c, ref);
	unsigned apex_labels = wire_name_labels(c->zone->apex);
	for (size_t i = 0; i < n; i++) {
		const uint8_t *name = c->zone->node[c->proof_node[i]].name;
		uint8_t starts[WIRE_LABELS_MAX + 1];
		unsigned labels = image_label_starts(name, starts);
		key[i] = image_sort_key(name, starts, labels - apex_labels);
	}
	memcpy(key + n, c->proof_ref, n * sizeof *c->proof_ref);
	return 0;
}

int pass_denial(struct compile *c)
{
	find_chain(c);
	int rc = c->denial == IMAGE_DENIAL_NSEC    ? denial_nsec(c)
		 : c->denial == IMAGE_DENIAL_NSEC3 ? denial_nsec3(c)
						   : 0;
	if (rc < 0)
		return rc;
	if (c->n_denial == 0) {
		c->denial = IMAGE_DENIAL_NONE;
		return 0;
	}
	return store_table(c);
}
