// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Flushing. What goes is all that an answer for the name could be made of: its data, denials and failures; what above it says that it
 * does not exist (NXDOMAIN, NSEC and NSEC3 records) or is elsewhere (DNAME); bogus keys of zones above it. A subtree goes with its
 * delegations, the keys of its zones and what was measured of their servers.
 */
#include "denials.h"
#include "trust.h"

#include <stdlib.h>
#include <string.h>

#define SERVER_SIZE   17         /* family and address, as in the key of CACHE_SERVER */
#define SERVERS_MAX   65536      /* addresses collected: more servers than most subtrees have names */
#define FLUSH_BUCKETS 256        /* of the table at once */
#define ANY_TIME      INT64_C(0) /* also what has expired */

struct flush {
	const uint8_t *name; /* NULL = everything */
	bool subtree;
	uint16_t type;         /* 0 = all */
	struct buffer servers; /* SERVER_SIZE each, sorted */
	struct arena arena;    /* of the delegations at hand */
	struct delegation {
		struct delegation *next;
		const uint8_t *data;
		size_t len;
	} * first;
};

/* ---- which servers a subtree has ---- */

static void cut_gather(void *ctx, const struct store_item *item)
{
	struct flush *flush = ctx;
	if (item->key[0] != CACHE_CUT || !wire_name_under(item->key + 3, flush->name))
		return;
	struct delegation *one = arena_alloc(&flush->arena, sizeof *one);
	const uint8_t *data = arena_dup(&flush->arena, item->value.data, item->value.len);
	if (one == NULL || data == NULL)
		return;
	*one = (struct delegation){.next = flush->first, .data = data, .len = item->value.len};
	flush->first = one;
}

static void server_add(struct flush *flush, const struct addr *addr)
{
	uint8_t server[SERVER_SIZE] = {addr->family};
	memcpy(server + 1, addr->ip, 16);
	if (flush->servers.len < SERVERS_MAX * SERVER_SIZE)
		(void)!buffer_append(&flush->servers, server, sizeof server);
}

static void servers_of(struct resolve_cache *cache, struct flush *flush, const struct delegation *delegation)
{
	struct cut *cut = arena_alloc0(&flush->arena, sizeof *cut);
	if (cut == NULL || resolve_cut_unpack(delegation->data, delegation->len, cut) < 0)
		return;
	for (unsigned i = 0; i < cut->n_servers; i++) {
		for (unsigned v6 = 0; v6 < 2; v6++) {
			const struct rrset *set = resolve_cache_set(cache, &flush->arena, ANY_TIME, cut->server[i].name,
								    v6 ? WIRE_TYPE_AAAA : WIRE_TYPE_A);
			if (set != NULL)
				resolve_cut_add_set(cut, (uint8_t)i, set);
		}
	}
	for (unsigned i = 0; i < cut->n_targets; i++)
		server_add(flush, &cut->target[i].addr);
}

static int server_compare(const void *a, const void *b)
{
	return memcmp(a, b, SERVER_SIZE);
}

/* Collected under one lock at a time, and read when it is free again: the addresses stand in other shards. */
static void servers_find(struct resolve_cache *cache, struct flush *flush)
{
	struct resolve_cache_cursor cursor = {0};
	for (bool more = true; more;) {
		flush->first = NULL;
		more = resolve_store_visit(cache, &cursor, FLUSH_BUCKETS, cut_gather, flush);
		for (const struct delegation *one = flush->first; one != NULL; one = one->next)
			servers_of(cache, flush, one);
		arena_reset(&flush->arena);
	}
	if (flush->servers.len > 0)
		qsort(flush->servers.data, flush->servers.len / SERVER_SIZE, SERVER_SIZE, server_compare);
}

/* ---- what goes ---- */

static bool type_matches(const struct flush *flush, const uint8_t *key)
{
	switch (key[0]) {
	case CACHE_SET:
	case CACHE_FAILURE:
	case CACHE_PROOF:
		return wire_get16(key + 1) == flush->type;
	case CACHE_NAME:
		return true; /* or the type would stay denied */
	case CACHE_CUT:
		return flush->type == WIRE_TYPE_NS;
	case CACHE_TRUST:
		return flush->type == WIRE_TYPE_DNSKEY || flush->type == WIRE_TYPE_DS;
	case CACHE_NSEC:
		return (flush->type & 255) == key[2];
	default:
		return false;
	}
}

static bool flush_matches(void *ctx, const uint8_t *key, size_t len)
{
	const struct flush *flush = ctx;
	if (flush->name == NULL)
		return true;
	if (key[0] == CACHE_SERVER)
		return flush->servers.len > 0 && bsearch(key + 3, flush->servers.data, flush->servers.len / SERVER_SIZE,
							 SERVER_SIZE, server_compare) != NULL;
	if (flush->type != 0 && !type_matches(flush, key))
		return false;
	const uint8_t *name = key[0] == CACHE_LAME ? key + CACHE_LAME_NAME_AT : key + 3;
	return flush->subtree ? wire_name_under(name, flush->name) : wire_name_equal(name, flush->name);
}

static size_t key_delete(struct resolve_cache *cache, enum cache_space space, const uint8_t *name, uint16_t type)
{
	struct cache_key key = resolve_cache_key(space, name, type);
	return resolve_store_delete(cache, key.bytes, key.len);
}

static bool trust_is_bogus(struct resolve_cache *cache, const uint8_t *zone)
{
	_cleanup_(arena_done) struct arena arena = {0};
	struct store_value value;
	return resolve_cache_trust(cache, &arena, ANY_TIME, zone, &value) && value.len > 0 &&
	       value.data[0] == TRUST_BOGUS;
}

/* The keys of a zone, if they could not be had or proved. */
static size_t flush_bogus(struct resolve_cache *cache, const uint8_t *zone)
{
	size_t n = key_delete(cache, CACHE_FAILURE, zone, WIRE_TYPE_DNSKEY) +
		   key_delete(cache, CACHE_FAILURE, zone, WIRE_TYPE_DS);
	return n + (trust_is_bogus(cache, zone) ? key_delete(cache, CACHE_TRUST, zone, 0) : 0);
}

/* What stands above the name and decides about it. */
static size_t flush_above(struct resolve_cache *cache, const uint8_t *name)
{
	size_t n = resolve_denial_forget(cache, name) + flush_bogus(cache, name);
	for (unsigned labels = wire_name_labels(name); labels > 0; labels--) {
		name = wire_name_skip(name, 1);
		n += key_delete(cache, CACHE_NAME, name, 0) + key_delete(cache, CACHE_SET, name, WIRE_TYPE_DNAME) +
		     flush_bogus(cache, name);
	}
	return n;
}

size_t resolve_cache_flush_type(struct resolve_cache *cache, const uint8_t *name, uint16_t type, bool subtree)
{
	struct flush flush = {.name = name != NULL && name[0] == 0 && subtree && type == 0 ? NULL : name,
			      .subtree = subtree,
			      .type = type};
	size_t n = flush.name == NULL ? 0 : flush_above(cache, flush.name);
	if (flush.name != NULL && subtree && type == 0)
		servers_find(cache, &flush);
	n += resolve_store_delete_if(cache, flush_matches, &flush);
	buffer_done(&flush.servers);
	arena_done(&flush.arena);
	return n;
}

size_t resolve_cache_flush(struct resolve_cache *cache, const uint8_t *name, bool subtree)
{
	return resolve_cache_flush_type(cache, name, 0, subtree);
}
