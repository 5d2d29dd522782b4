// SPDX-License-Identifier: GPL-3.0-or-later
/* Pass: ties each slot to its wildcard and to the proofs that a denial at it needs. */
#include "compile.h"

#include "dnssec/dnssec.h"

#include <string.h>

/* What an NSEC3 proof about one name consists of. */
struct nsec3_match {
	uint32_t set;
	bool exact;
};

static int nsec3_hash(const struct compile *c, const uint8_t *name, uint8_t hash[20])
{
	return dnssec_nsec3_hash(name, c->iterations, c->salt, c->salt_len, hash);
}

static struct nsec3_match nsec3_match(const struct compile *c, const uint8_t hash[20])
{
	const struct image_nsec3 *entry = &c->nsec3[image_nsec3_before(c->nsec3, c->n_denial, hash)];
	return (struct nsec3_match){.set = entry->set, .exact = memcmp(entry->hash, hash, 20) == 0};
}

/* Proof that "*" + name is not there; none if it is. */
static int no_wildcard_nsec3(const struct compile *c, const uint8_t *name, uint32_t *ret)
{
	uint8_t wildcard[WIRE_NAME_MAX], hash[20];
	if (wire_name_wildcard(name, wildcard) < 0)
		return 0; /* too long to exist or to be asked for */
	int rc = nsec3_hash(c, wildcard, hash);
	if (rc == 0)
		*ret = nsec3_match(c, hash).set;
	return rc;
}

/* RFC 5155 section 7.2.1: the closest encloser proof starts at the closest name that an NSEC3 matches. Under opt-out that need
 * not be the name itself (delegations without DS, empty non-terminals that only lead to such): then it is what it is for the parent,
 * which canonical order has linked before. */
static int link_nsec3(struct compile *c, size_t index, const uint8_t hash[20], struct image_slot *slot)
{
	const struct zone_node *node = &c->zone->node[index];
	struct nsec3_match own = nsec3_match(c, hash);
	size_t up = c->node[index].parent;
	if (!own.exact && up != index) {
		const struct image_slot *parent = compile_at(c, c->node[up].slot);
		slot->encloser = slot->nodata[0] = parent->encloser;
		slot->nodata[1] = parent->provable == parent->labels ? own.set : parent->nodata[1];
		slot->provable = parent->provable;
		slot->no_wildcard = parent->no_wildcard;
		return 0;
	}
	slot->encloser = slot->nodata[0] = own.set;
	slot->provable = slot->labels;
	if (slot->flags & IMAGE_SLOT_CUT || slot->wildcard != 0)
		return 0;
	return no_wildcard_nsec3(c, node->name, &slot->no_wildcard);
}

/* The NSEC of the last name at or before a node: it matches the node or covers it. Nodes come in ascending order, mostly. */
static uint32_t nsec_at(struct compile *c, size_t index)
{
	size_t at = c->proof_at;
	if (c->proof_node[at] > index)
		at = 0;
	if (at + 1 < c->n_denial && c->proof_node[at + 1] <= index) {
		at++;
		if (at + 1 < c->n_denial && c->proof_node[at + 1] <= index) {
			size_t lo = at, hi = c->n_denial;
			while (hi - lo > 1) {
				size_t mid = lo + (hi - lo) / 2;
				if (c->proof_node[mid] <= index)
					lo = mid;
				else
					hi = mid;
			}
			at = lo;
		}
	}
	c->proof_at = at;
	return c->proof_ref[at];
}

/* Nothing stands between a name that has nothing below it and the wildcard that it might have. */
static size_t before_wildcard(const struct compile *c, size_t index, const uint8_t *wildcard)
{
	const struct zone *zone = c->zone;
	if (index + 1 == zone->n_nodes || c->node[index + 1].parent != index)
		return index;
	return (size_t)(zone_find_before(zone, wildcard) - zone->node);
}

static void link_nsec(struct compile *c, size_t index, struct image_slot *slot)
{
	uint8_t wildcard[WIRE_NAME_MAX];
	const struct zone_node *node = &c->zone->node[index];
	slot->nodata[0] = nsec_at(c, index);
	if (slot->flags & IMAGE_SLOT_CUT || slot->wildcard != 0 || wire_name_wildcard(node->name, wildcard) < 0)
		return;
	slot->no_wildcard = nsec_at(c, before_wildcard(c, index, wildcard));
}

static uint32_t find_wildcard(const struct compile *c, size_t index)
{
	uint8_t wildcard[WIRE_NAME_MAX];
	if (index + 1 == c->zone->n_nodes || c->node[index + 1].parent != index ||
	    wire_name_wildcard(c->zone->node[index].name, wildcard) < 0)
		return 0;
	const struct zone_node *node = compile_find(c, wildcard);
	return node != NULL ? c->node[node - c->zone->node].slot : 0;
}

/* Names that are linked together: their hashes are made first, so that the places where these stand are fetched meanwhile; first where they
 * are likely to be, then, told from what is there, where they are. */
struct batch {
	size_t node[COMPILE_BATCH];
	uint8_t hash[COMPILE_BATCH][20]; /* NSEC3 */
	unsigned n;
};

static int batch_fill(const struct compile *c, size_t *at, struct batch *batch)
{
	for (batch->n = 0; *at < c->zone->n_nodes && batch->n < COMPILE_BATCH; ++*at) {
		if (!compile_has_slot(c, *at))
			continue;
		batch->node[batch->n] = *at;
		if (c->denial == IMAGE_DENIAL_NSEC3) {
			int rc = nsec3_hash(c, c->zone->node[*at].name, batch->hash[batch->n]);
			if (rc < 0)
				return rc;
			__builtin_prefetch(&c->nsec3[image_nsec3_near(c->n_denial, batch->hash[batch->n])]);
		}
		batch->n++;
	}
	for (unsigned i = 0; c->denial == IMAGE_DENIAL_NSEC3 && i < batch->n; i++) {
		size_t near = image_nsec3_near(c->n_denial, batch->hash[i]);
		__builtin_prefetch(&c->nsec3[image_nsec3_nearer(c->nsec3, c->n_denial, batch->hash[i], near)]);
	}
	return 0;
}

static int link_slot(struct compile *c, size_t index, const uint8_t hash[20])
{
	struct image_slot *slot = compile_at(c, c->node[index].slot);
	if ((slot->flags & IMAGE_SLOT_CUT) == 0)
		slot->wildcard = find_wildcard(c, index);
	if (c->denial == IMAGE_DENIAL_NSEC3)
		return link_nsec3(c, index, hash, slot);
	if (c->denial == IMAGE_DENIAL_NSEC)
		link_nsec(c, index, slot);
	return 0;
}

int pass_link(struct compile *c)
{
	struct batch batch;
	for (size_t at = 0; at < c->zone->n_nodes;) {
		int rc = batch_fill(c, &at, &batch);
		for (unsigned i = 0; i < batch.n && rc == 0; i++)
			rc = link_slot(c, batch.node[i], batch.hash[i]);
		if (rc < 0)
			return rc;
	}
	return 0;
}
