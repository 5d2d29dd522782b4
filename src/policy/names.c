// SPDX-License-Identifier: GPL-3.0-or-later
/* Names and what is said of them and of all below them. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

#define NODE_HEAD 5 /* parent and actions */
#define NODE_MAX  (NODE_HEAD + 8 + 1 + 63)
#define LOAD_NUM  10 /* slots for each 7 nodes: a miss reads two neighbouring cache lines at most, mostly one */
#define LOAD_DEN  7
#define ROOMY                                                                                                          \
	65536 /* slots: a table that fits with room to spare has four for each node, so that most misses read one of them */

static uint32_t get32(const uint8_t *p)
{
	uint32_t v;
	memcpy(&v, p, sizeof v);
	return v;
}

static void put32(uint8_t *p, uint32_t v)
{
	memcpy(p, &v, sizeof v);
}

static uint64_t label_hash(uint64_t seed, uint32_t parent, const uint8_t *label)
{
	const uint64_t k = 0x9e3779b97f4a7c15; /* odd, from the golden ratio: spreads low bits upwards */
	uint64_t h = seed ^ (uint64_t)parent * k;
	unsigned len = label[0] + 1u;
	for (; len >= 8; label += 8, len -= 8) {
		uint64_t word;
		memcpy(&word, label, 8);
		h = (h ^ word) * k;
		h ^= h >> 29;
	}
	uint64_t rest = 0;
	memcpy(&rest, label, len);
	h = (h ^ rest ^ (uint64_t)len << 56) * k;
	h ^= h >> 32;
	h *= k;
	return h ^ h >> 29;
}

/* ---- reading nodes ---- */

static const uint8_t *node_label(const uint8_t *node)
{
	unsigned words = ((node[4] & 15) == RULE_DATA) + (node[4] >> 4 == RULE_DATA);
	return node + NODE_HEAD + 4 * words;
}

struct rule names_own(const struct names *names, uint32_t offset)
{
	const uint8_t *node = names->pool + offset;
	struct rule rule = {.action = node[4] & 15};
	if (rule.action == RULE_DATA)
		rule.data = get32(node + NODE_HEAD);
	return rule;
}

struct rule names_below(const struct names *names, uint32_t offset)
{
	const uint8_t *node = names->pool + offset;
	struct rule rule = {.action = node[4] >> 4};
	if (rule.action == RULE_DATA)
		rule.data = get32(node + NODE_HEAD + ((node[4] & 15) == RULE_DATA ? 4 : 0));
	return rule;
}

/* The child of this label, or 0. */
static uint32_t child_find(const struct names *names, uint32_t parent, const uint8_t *label)
{
	uint64_t hash = label_hash(names->seed, parent, label);
	uint32_t at = (uint32_t)((hash >> 32) * names->n_slots >> 32);
	for (; names->slot[at] != 0; at = at + 1 == names->n_slots ? 0 : at + 1) {
		if ((uint32_t)(names->slot[at] >> 32) != (uint32_t)hash)
			continue;
		uint32_t offset = (uint32_t)names->slot[at];
		const uint8_t *node = names->pool + offset;
		if (get32(node) == parent && memcmp(node_label(node), label, label[0] + 1u) == 0)
			return offset;
	}
	return 0;
}

void names_path(const struct names *names, const uint8_t *name, struct name_path *ret)
{
	const uint8_t *label[WIRE_LABELS_MAX];
	unsigned n = 0;
	for (; *name != 0; name += *name + 1)
		label[n++] = name;
	ret->labels = n;
	ret->depth = 0;
	ret->node[0] = 0;
	while (n-- > 0) {
		uint32_t child = child_find(names, ret->node[ret->depth], label[n]);
		if (child == 0)
			return;
		ret->node[++ret->depth] = child;
	}
}

struct rule names_match(const struct names *names, const uint8_t *name, unsigned *ret_labels, bool *ret_wildcard)
{
	struct name_path path;
	struct rule rule = {0};
	if (names->n_slots == 0)
		return rule;
	names_path(names, name, &path);
	if (path.depth == path.labels)
		rule = names_own(names, path.node[path.depth]);
	*ret_labels = path.depth;
	*ret_wildcard = false;
	/* an exact match counts more than a wildcard, a longer wildcard more than a shorter one */
	unsigned n = path.depth == path.labels ? path.depth : path.depth + 1;
	while (rule.action == RULE_NONE && n-- > 0) {
		rule = names_below(names, path.node[n]);
		*ret_labels = n;
		*ret_wildcard = true;
	}
	return rule;
}

/* ---- making them ---- */

static int node_add(struct names_builder *b, uint32_t parent, const uint8_t *label, struct rule own, struct rule below,
		    uint32_t *ret)
{
	struct names *names = &b->names;
	if (names->pool_len + NODE_MAX > UINT32_MAX)
		return BANYAN_ELIMIT;
	if (names->pool_len + NODE_MAX > b->pool_cap) {
		size_t cap = b->pool_cap > 0 ? b->pool_cap * 2 : 1024;
		uint8_t *pool = realloc(names->pool, cap);
		if (pool == NULL)
			return BANYAN_ENOMEM;
		names->pool = pool;
		b->pool_cap = cap;
	}
	if (names->n_nodes == b->cap_offsets) {
		size_t cap = b->cap_offsets > 0 ? b->cap_offsets * 2 : 64;
		uint32_t *offset = reallocarray(b->offset, cap, sizeof *offset);
		if (offset == NULL)
			return BANYAN_ENOMEM;
		b->offset = offset;
		b->cap_offsets = cap;
	}
	*ret = b->offset[names->n_nodes++] = (uint32_t)names->pool_len;
	uint8_t *p = names->pool + names->pool_len;
	put32(p, parent);
	p[4] = (uint8_t)(own.action | below.action << 4);
	p += NODE_HEAD;
	if (own.action == RULE_DATA) {
		put32(p, own.data);
		p += 4;
	}
	if (below.action == RULE_DATA) {
		put32(p, below.data);
		p += 4;
	}
	memcpy(p, label, label[0] + 1u);
	names->pool_len = (size_t)(p + label[0] + 1 - names->pool);
	return 0;
}

int names_begin(struct names_builder *builder, struct rule own, struct rule below)
{
	*builder = (struct names_builder){0};
	return node_add(builder, 0, (const uint8_t *)"", own, below, &builder->stack[0]);
}

int names_add(struct names_builder *b, const uint8_t *name, struct rule own, struct rule below)
{
	const uint8_t *label[WIRE_LABELS_MAX];
	unsigned n = 0, common = wire_name_common(b->last, name);
	memcpy(b->last, name, wire_name_len(name));
	for (; *name != 0; name += *name + 1)
		label[n++] = name;
	for (unsigned depth = common; depth < n; depth++) {
		bool last = depth + 1 == n;
		int rc = node_add(b, b->stack[depth], label[n - 1 - depth], last ? own : (struct rule){0},
				  last ? below : (struct rule){0}, &b->stack[depth + 1]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int names_finish(struct names_builder *b, uint64_t seed, struct names *ret)
{
	struct names *names = &b->names;
	uint64_t slots = (uint64_t)names->n_nodes * 4;
	if (slots > ROOMY)
		slots = (uint64_t)names->n_nodes * LOAD_NUM / LOAD_DEN + 2;
	if (slots > UINT32_MAX)
		return BANYAN_ELIMIT;
	names->seed = seed;
	names->n_slots = (uint32_t)slots;
	names->slot = calloc(slots, sizeof *names->slot);
	uint8_t *pool = realloc(names->pool, names->pool_len);
	if (pool != NULL)
		names->pool = pool;
	if (names->slot == NULL || pool == NULL)
		return BANYAN_ENOMEM;
	for (uint32_t i = 1; i < names->n_nodes; i++) { /* the root is not looked for */
		const uint8_t *node = names->pool + b->offset[i];
		uint64_t hash = label_hash(seed, get32(node), node_label(node));
		uint32_t at = (uint32_t)((hash >> 32) * names->n_slots >> 32);
		while (names->slot[at] != 0)
			at = at + 1 == names->n_slots ? 0 : at + 1;
		names->slot[at] = hash << 32 | b->offset[i];
	}
	*ret = *names;
	*names = (struct names){0};
	return 0;
}

void names_builder_done(struct names_builder *builder)
{
	names_done(&builder->names);
	free(builder->offset);
	*builder = (struct names_builder){0};
}

void names_done(struct names *names)
{
	free(names->slot);
	free(names->pool);
	*names = (struct names){0};
}

size_t names_bytes(const struct names *names)
{
	return names->n_slots * sizeof *names->slot + names->pool_len;
}
