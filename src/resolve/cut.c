// SPDX-License-Identifier: GPL-3.0-or-later
/* Delegations: from a referral, to and from the cache. */
#include "cut.h"

#include <string.h>

static const uint8_t root_name[1] = {0};

/* Addresses that cannot be a server's: unspecified, multicast, broadcast. */
static bool addr_usable(const struct addr *addr)
{
	static const uint8_t zero[16];
	if (addr->family == 4)
		return addr->ip[0] != 0 && addr->ip[0] < 224;
	return memcmp(addr->ip, zero, 16) != 0 && addr->ip[0] != 0xff;
}

bool resolve_cut_add_address(struct cut *cut, uint8_t server, uint16_t type, const struct wire_rdata *rdata)
{
	struct addr addr = {.family = type == WIRE_TYPE_A ? 4 : 6};
	if (rdata->len != (type == WIRE_TYPE_A ? 4 : 16) || cut->n_targets == RESOLVE_ADDRESSES_MAX)
		return false;
	memcpy(addr.ip, rdata->data, rdata->len);
	if (!addr_usable(&addr))
		return false;
	cut->server[server].has_address = true;
	for (unsigned i = 0; i < cut->n_targets; i++)
		if (cut->target[i].addr.family == addr.family && memcmp(cut->target[i].addr.ip, addr.ip, 16) == 0)
			return false;
	cut->target[cut->n_targets++] = (struct cut_target){.addr = addr, .server = server};
	return true;
}

unsigned resolve_cut_add_set(struct cut *cut, uint8_t server, const struct rrset *set)
{
	unsigned added = 0;
	for (unsigned i = 0; i < set->count; i++) {
		struct wire_rdata rdata = resolve_rrset_rdata(set, i);
		added += resolve_cut_add_address(cut, server, set->type, &rdata);
	}
	return added;
}

static void add_servers(struct cut *cut, const struct rrset *ns)
{
	for (unsigned i = 0; i < ns->count && cut->n_servers < RESOLVE_NS_MAX; i++) {
		const uint8_t *name = resolve_rrset_rdata(ns, i).data;
		if (name[0] != 0) /* "." is nobody's name server */
			cut->server[cut->n_servers++] = (struct cut_server){.name = name};
	}
}

/* Adds glue; its lifetime bounds that of the whole. */
static void add_glue(struct cut *cut, const struct reply *reply, const uint8_t *within, uint32_t *ttl)
{
	for (uint8_t s = 0; s < cut->n_servers; s++) {
		for (unsigned i = 0; i < reply->n_sets; i++) {
			const struct reply_set *set = &reply->set[i];
			if (!resolve_scrub_glue(set, cut->server[s].name, within))
				continue;
			for (const struct reply_record *r = set->data; r != NULL; r = r->next)
				resolve_cut_add_address(cut, s, set->type, &(struct wire_rdata){r->data, r->len});
			if (set->ttl < *ttl)
				*ttl = set->ttl;
		}
	}
}

int resolve_cut_from_referral(struct arena *arena, const struct reply *reply, const struct reading *reading,
			      const struct reply_take *take, const struct cut *parent, bool harden_glue,
			      struct cut *ret)
{
	struct reply_take to_arena = *take;
	to_arena.arena = arena;
	const struct rrset *ns = resolve_reply_take(&to_arena, reading->ns);
	const uint8_t *zone = arena_dup(arena, reading->ns->owner, wire_name_len(reading->ns->owner));
	if (ns == NULL || zone == NULL)
		return BANYAN_ENOMEM;
	struct cut cut = {.zone = zone, .labels = wire_name_labels(zone)};
	add_servers(&cut, ns);
	uint32_t glue_ttl = UINT32_MAX;
	add_glue(&cut, reply, harden_glue ? parent->zone : root_name, &glue_ttl);
	cut.expires_ms = ns->expires_ms;
	if (take->now_ms + (int64_t)glue_ttl * 1000 < cut.expires_ms)
		cut.expires_ms = take->now_ms + (int64_t)glue_ttl * 1000;
	/* A delegation lives no longer than the one it was learned through; but nobody takes the root away. */
	if (parent->labels > 0 && parent->expires_ms < cut.expires_ms)
		cut.expires_ms = parent->expires_ms;
	*ret = cut;
	return 0;
}

int resolve_cut_from_priming(struct arena *arena, const struct reply *reply, const struct reply_take *take,
			     struct cut *ret)
{
	const struct reply_set *set = resolve_reply_find(reply, WIRE_ANSWER, root_name, WIRE_TYPE_NS);
	struct reply_take to_arena = *take;
	to_arena.arena = arena;
	if (set == NULL)
		return BANYAN_ENOENT;
	const struct rrset *ns = resolve_reply_take(&to_arena, set);
	if (ns == NULL)
		return BANYAN_ENOMEM;
	struct cut cut = {.zone = root_name, .expires_ms = ns->expires_ms};
	uint32_t glue_ttl = UINT32_MAX;
	add_servers(&cut, ns);
	if (cut.n_servers == 0)
		return BANYAN_ENOENT;
	add_glue(&cut, reply, root_name, &glue_ttl);
	if (take->now_ms + (int64_t)glue_ttl * 1000 < cut.expires_ms)
		cut.expires_ms = take->now_ms + (int64_t)glue_ttl * 1000;
	*ret = cut;
	return 0;
}

/* u8 n_servers, names; u8 n_targets, each: u8 server, u8 family, 4 or 16 bytes */
int resolve_cut_pack(const struct cut *cut, uint8_t *out, size_t max)
{
	uint8_t *p = out;
	if (max < CUT_PACK_MAX)
		return BANYAN_ESPACE;
	*p++ = cut->n_servers;
	for (unsigned i = 0; i < cut->n_servers; i++) {
		size_t len = wire_name_len(cut->server[i].name);
		memcpy(p, cut->server[i].name, len);
		p += len;
	}
	*p++ = cut->n_targets;
	for (unsigned i = 0; i < cut->n_targets; i++) {
		size_t len = cut->target[i].addr.family == 4 ? 4 : 16;
		*p++ = cut->target[i].server;
		*p++ = cut->target[i].addr.family;
		memcpy(p, cut->target[i].addr.ip, len);
		p += len;
	}
	return (int)(p - out);
}

static int unpack_targets(const uint8_t *p, const uint8_t *end, struct cut *cut)
{
	if (p == end)
		return BANYAN_EMALF;
	unsigned n = *p++;
	for (unsigned i = 0; i < n; i++) {
		if (end - p < 2 || p[0] >= cut->n_servers || (p[1] != 4 && p[1] != 6))
			return BANYAN_EMALF;
		uint16_t len = p[1] == 4 ? 4 : 16;
		if (end - p - 2 < len)
			return BANYAN_EMALF;
		resolve_cut_add_address(cut, p[0], p[1] == 4 ? WIRE_TYPE_A : WIRE_TYPE_AAAA,
					&(struct wire_rdata){p + 2, len});
		p += 2 + len;
	}
	return p == end ? 0 : BANYAN_EMALF;
}

int resolve_cut_unpack(const uint8_t *data, size_t len, struct cut *ret)
{
	const uint8_t *p = data, *end = data + len;
	if (len == 0 || *p > RESOLVE_NS_MAX)
		return BANYAN_EMALF;
	struct cut cut = {.n_servers = *p++};
	for (unsigned i = 0; i < cut.n_servers; i++) {
		int name_len = wire_name_check(p, (size_t)(end - p));
		if (name_len < 0)
			return BANYAN_EMALF;
		cut.server[i].name = p;
		p += name_len;
	}
	int rc = unpack_targets(p, end, &cut);
	if (rc == 0)
		*ret = cut;
	return rc;
}
