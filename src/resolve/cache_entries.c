// SPDX-License-Identifier: GPL-3.0-or-later
/* The cache's entries as people want to see them; copied out under a lock, some at a time, and told without it. */
#include "cache.h"

#define ENTRIES_BUCKETS 256 /* of the table at once: at most some hundred entries */

struct gather {
	struct arena arena;
	const uint8_t *name;
	bool subtree;
	struct gathered {
		struct gathered *next;
		struct store_item item;
	} * first, **last;
};

static bool is_shown(uint8_t space)
{
	return space == CACHE_SET || space == CACHE_NAME || space == CACHE_CUT || space == CACHE_FAILURE;
}

static void gather(void *ctx, const struct store_item *item)
{
	struct gather *g = ctx;
	if (!is_shown(item->key[0]))
		return;
	const uint8_t *name = item->key + 3;
	if (g->name != NULL && !(g->subtree ? wire_name_under(name, g->name) : wire_name_equal(name, g->name)))
		return;
	struct gathered *one = arena_alloc(&g->arena, sizeof *one);
	const uint8_t *key = arena_dup(&g->arena, item->key, item->key_len);
	const uint8_t *data = arena_dup(&g->arena, item->value.data, item->value.len);
	if (one == NULL || key == NULL || data == NULL)
		return;
	*one = (struct gathered){.item = *item};
	one->item.key = key;
	one->item.value.data = data;
	*g->last = one;
	g->last = &one->next;
}

static const char *security_words(uint8_t security)
{
	return security == SECURITY_SECURE ? "secure" : security == SECURITY_INSECURE ? "insecure" : "unchecked";
}

static void entry_origin(struct resolve_entry *entry, const struct rrset_origin *origin)
{
	entry->server = origin->server;
	entry->root_serial = origin->root ? origin->root_serial : 0;
	entry->algorithm = origin->algorithm;
	entry->key_tag = origin->key_tag;
}

static bool entry_set(struct arena *arena, int64_t now_ms, const struct store_item *item, struct resolve_entry *entry)
{
	struct rrset set;
	if (resolve_value_set_read(&item->value, entry->name, entry->type, &set) < 0)
		return false;
	int n = resolve_rrset_wire(arena, &set, now_ms, true, entry->set);
	entry->kind = RESOLVE_ENTRY_SET;
	entry->n_sets = n < 0 ? 0 : (size_t)n;
	entry_origin(entry, &set.origin);
	return n >= 0;
}

static bool entry_denial(struct arena *arena, const struct store_item *item, struct resolve_entry *entry)
{
	struct cache_denial denial = {.nxdomain = item->key[0] == CACHE_NAME};
	if (resolve_value_denial_read(&item->value, arena, &denial) < 0)
		return false;
	entry->kind = denial.nxdomain ? RESOLVE_ENTRY_NXDOMAIN : RESOLVE_ENTRY_NODATA;
	entry_origin(entry, &denial.origin);
	return true;
}

/* The names of the servers, as the NS set that the parent has. */
static bool entry_cut(struct arena *arena, const struct store_item *item, struct resolve_entry *entry)
{
	struct cut *cut = arena_alloc0(arena, sizeof *cut);
	struct wire_rdata *rdata = arena_alloc(arena, RESOLVE_NS_MAX * sizeof *rdata);
	if (cut == NULL || rdata == NULL || resolve_cut_unpack(item->value.data, item->value.len, cut) < 0)
		return false;
	for (unsigned i = 0; i < cut->n_servers; i++)
		rdata[i] = (struct wire_rdata){cut->server[i].name, (uint16_t)wire_name_len(cut->server[i].name)};
	entry->kind = RESOLVE_ENTRY_DELEGATION;
	entry->type = WIRE_TYPE_NS;
	entry->n_sets = cut->n_servers > 0;
	entry->set[0] = (struct wire_rrset){entry->name,    WIRE_TYPE_NS,
					    WIRE_CLASS_IN,  entry->ttl_s < 0 ? 0 : (uint32_t)entry->ttl_s,
					    cut->n_servers, rdata};
	return true;
}

static bool entry_failure(const struct store_item *item, struct resolve_entry *entry)
{
	if (item->value.len < 2 || wire_get16(item->value.data) >= REASON_COUNT)
		return false;
	entry->kind = RESOLVE_ENTRY_FAILURE;
	entry->reason = (enum reason)wire_get16(item->value.data);
	return true;
}

static bool entry_make(struct arena *arena, int64_t now_ms, const struct store_item *item, struct resolve_entry *entry)
{
	const struct store_value *value = &item->value;
	*entry = (struct resolve_entry){.name = item->key + 3,
					.type = wire_get16(item->key + 1),
					.ttl_s = (value->expires_ms - now_ms) / 1000,
					.age_s = (now_ms - value->stored_ms) / 1000,
					.security = security_words(value->kind >> 4)};
	switch (item->key[0]) {
	case CACHE_SET:
		return (value->kind & 15) == CACHE_KIND_SET ? entry_set(arena, now_ms, item, entry)
							    : entry_denial(arena, item, entry);
	case CACHE_NAME:
		return entry_denial(arena, item, entry);
	case CACHE_CUT:
		return entry_cut(arena, item, entry);
	default:
		return entry_failure(item, entry);
	}
}

bool resolve_cache_entries(struct resolve_cache *cache, int64_t wall_ms, const uint8_t *name, bool subtree,
			   struct resolve_cache_cursor *cursor,
			   void (*fn)(void *ctx, const struct resolve_entry *entry), void *ctx)
{
	struct gather g = {.name = name, .subtree = subtree};
	int64_t now_ms = wall_ms + resolve_cache_time_ahead(cache);
	g.last = &g.first;
	bool more = resolve_store_visit(cache, cursor, ENTRIES_BUCKETS, gather, &g);
	for (const struct gathered *one = g.first; one != NULL; one = one->next) {
		struct resolve_entry entry;
		if (entry_make(&g.arena, now_ms, &one->item, &entry))
			fn(ctx, &entry);
	}
	arena_done(&g.arena);
	return more;
}
