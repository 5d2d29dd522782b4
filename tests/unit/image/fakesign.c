// SPDX-License-Identifier: GPL-3.0-or-later
/* Chains of denial around a small zone, with signatures of dummy bytes. */
#include "reference.h"

#include "dnssec/dnssec.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct chain_name {
	const struct zone_node *node;
	uint8_t hash[20];
};

static struct zone *read_text(const uint8_t *origin, const char *text, size_t len)
{
	struct zone_read_settings settings = {.origin = origin};
	struct zone *zone;
	struct zone_error error;
	if (zone_read_text("test", text, len, &settings, NULL, NULL, &zone, &error) < 0) {
		fprintf(stderr, "%s\n", error.text);
		abort();
	}
	return zone;
}

static bool is_signed_name(const struct zone_node *node)
{
	return (node->flags & (ZONE_NODE_BELOW | ZONE_NODE_OCCLUDED)) == 0;
}

static bool is_signed_type(const struct zone_node *node, uint16_t type)
{
	return (node->flags & ZONE_NODE_CUT) == 0 || type == WIRE_TYPE_DS || type == WIRE_TYPE_NSEC;
}

static void put(struct buffer *out, const char *text)
{
	if (buffer_append(out, text, strlen(text)) < 0)
		abort();
}

static void put_sig(struct buffer *out, const char *owner, uint32_t ttl, uint16_t type, const char *apex, unsigned n)
{
	char name[16];
	if (buffer_printf(out, "%s %u RRSIG %s 13 1 %u 20400101000000 20200101000000 %u %s AAAAAAAAAAAAAAAAAAAAAA==\n",
			  owner, ttl, wire_type_text(type, name), ttl, n, apex) < 0)
		abort();
}

static void put_types(struct buffer *out, const struct zone *zone, const struct zone_node *node, bool nsec)
{
	char name[16];
	bool any = false;
	for (unsigned i = 0; i < node->n_sets; i++) {
		uint16_t type = zone->set[node->first_set + i].type;
		if ((node->flags & ZONE_NODE_CUT) == 0 || type == WIRE_TYPE_NS || type == WIRE_TYPE_DS) {
			put(out, " ");
			put(out, wire_type_text(type, name));
		}
		any |= is_signed_type(node, type);
	}
	put(out, nsec ? " RRSIG NSEC\n" : any ? " RRSIG\n" : "\n");
}

/* NSEC: names with data. NSEC3: empty non-terminals too; with opt-out without what leads only to unsigned delegations. */
static bool in_chain(const struct zone *zone, size_t i, enum test_chain chain)
{
	const struct zone_node *node = &zone->node[i];
	if (!is_signed_name(node))
		return false;
	if (node->n_sets > 0) {
		bool insecure = node->flags & ZONE_NODE_CUT && zone_node_set(zone, node, WIRE_TYPE_DS) == NULL;
		return chain != CHAIN_OPTOUT || !insecure;
	}
	for (size_t k = i + 1; chain != CHAIN_NSEC && k < zone->n_nodes; k++)
		if (zone->node[k].n_sets > 0 && wire_name_under(zone->node[k].name, node->name) &&
		    in_chain(zone, k, chain))
			return true;
	return false;
}

static int hash_cmp(const void *a, const void *b)
{
	return memcmp(((const struct chain_name *)a)->hash, ((const struct chain_name *)b)->hash, 20);
}

static char *base32hex(const uint8_t hash[20], char out[33])
{
	for (int i = 0; i < 32; i++) {
		unsigned bit = (unsigned)i * 5,
			 v = (unsigned)hash[bit / 8] << 8 | (bit / 8 + 1 < 20 ? hash[bit / 8 + 1] : 0);
		out[i] = "0123456789abcdefghijklmnopqrstuv"[v >> (11 - bit % 8) & 31];
	}
	out[32] = '\0';
	return out;
}

static void put_chain(struct buffer *out, const struct zone *zone, enum test_chain chain, const char *apex)
{
	struct chain_name *list = calloc(zone->n_nodes, sizeof *list);
	char owner[WIRE_NAME_TEXT_MAX], next[WIRE_NAME_TEXT_MAX];
	size_t n = 0;
	for (size_t i = 0; i < zone->n_nodes; i++) {
		if (!in_chain(zone, i, chain))
			continue;
		if (dnssec_nsec3_hash(zone->node[i].name, 2, (const uint8_t *)"\xab\xcd", 2, list[n].hash) < 0)
			abort();
		list[n++].node = &zone->node[i];
	}
	if (chain != CHAIN_NSEC)
		qsort(list, n, sizeof *list, hash_cmp);
	for (size_t i = 0; i < n; i++) {
		const struct chain_name *after = &list[(i + 1) % n];
		if (chain == CHAIN_NSEC) {
			wire_name_text(list[i].node->name, owner);
			if (buffer_printf(out, "%s 300 NSEC %s", owner, wire_name_text(after->node->name, next)) < 0)
				abort();
		} else {
			base32hex(list[i].hash, owner);
			strcat(owner, ".");
			strcat(owner, apex[0] == '.' ? "" : apex);
			if (buffer_printf(out, "%s 300 NSEC3 1 %d 2 abcd %s", owner, chain == CHAIN_OPTOUT,
					  base32hex(after->hash, next)) < 0)
				abort();
		}
		put_types(out, zone, list[i].node, chain == CHAIN_NSEC);
		put_sig(out, owner, 300, chain == CHAIN_NSEC ? WIRE_TYPE_NSEC : WIRE_TYPE_NSEC3, apex, 1);
	}
	free(list);
}

struct zone *test_zone(const char *origin, const char *text, enum test_chain chain)
{
	uint8_t name[WIRE_NAME_MAX];
	_cleanup_(buffer_done) struct buffer out = {0};
	if (wire_name_parse(origin, name) < 0)
		abort();
	put(&out, text);
	if (chain == CHAIN_NONE)
		return read_text(name, (char *)out.data, out.len);
	put(&out, "\n");
	if (buffer_printf(&out, "%s 600 DNSKEY 257 3 13 AAAA\n", origin) < 0)
		abort();
	if (chain != CHAIN_NSEC && buffer_printf(&out, "%s 0 NSEC3PARAM 1 0 2 abcd\n", origin) < 0)
		abort();
	struct zone *plain = read_text(name, (char *)out.data, out.len);
	for (size_t i = 0; i < plain->n_nodes; i++) {
		const struct zone_node *node = &plain->node[i];
		char owner[WIRE_NAME_TEXT_MAX];
		for (unsigned s = 0; is_signed_name(node) && s < node->n_sets; s++) {
			const struct wire_rrset *set = &plain->set[node->first_set + s];
			/* two keys sign the SOA, so that there is a set with more than one RRSIG */
			for (unsigned k = 0;
			     is_signed_type(node, set->type) && k < (set->type == WIRE_TYPE_SOA ? 2 : 1); k++)
				put_sig(&out, wire_name_text(node->name, owner), set->ttl, set->type, origin, k + 1);
		}
	}
	put_chain(&out, plain, chain, origin);
	zone_free(plain);
	return read_text(name, (char *)out.data, out.len);
}
