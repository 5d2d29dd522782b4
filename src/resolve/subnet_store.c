// SPDX-License-Identifier: GPL-3.0-or-later
/* Outcomes that hold for one network of clients: a table by name, type and network; what is unused longest goes first. */
#include "subnet.h"
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#define BUCKETS   4096 /* power of two; some megabytes hold as many outcomes */
#define LENGTHS   129  /* prefix lengths: 0 to 128 bits */
#define KEY_FIXED 20   /* type, family, bits, address */
#define ENTRY_MAX                                                                                                      \
	32768 /* bytes of one outcome: below the size of an arena's chunk, so that it takes what it needs alone */

struct entry {
	struct entry *next;          /* in its bucket */
	struct entry *newer, *older; /* by use */
	struct addr_prefix subnet;   /* bits: the scope */
	uint16_t qtype, rcode;
	enum reason reason;
	unsigned n_answers, n_denials;
	int64_t expires_ms;
	uint64_t hash;
	const uint8_t *qname;
	struct rrset **set; /* answers, then denials */
	struct arena arena;
};

struct subnets {
	size_t n_zones, n_servers;
	const uint8_t **zone;
	struct addr_prefix *server;
	struct arena arena; /* of these */
	size_t bytes, bytes_max;
	uint32_t flushes;           /* of the cache, when this was last in step with it */
	uint32_t count[2][LENGTHS]; /* entries of each family and length: only those are looked for */
	struct entry *newest, *oldest;
	struct entry *bucket[BUCKETS];
};

int resolve_subnets_init(struct resolve *engine)
{
	const struct resolve_settings *settings = &engine->settings;
	if (settings->n_ecs_zones == 0)
		return 0;
	struct subnets *subnets = engine->subnets = calloc(1, sizeof *engine->subnets);
	if (subnets == NULL)
		return BANYAN_ENOMEM;
	subnets->bytes_max = settings->ecs_cache_bytes;
	subnets->zone = arena_alloc(&subnets->arena, settings->n_ecs_zones * sizeof(uint8_t *));
	subnets->server = arena_alloc(&subnets->arena, (settings->n_ecs_servers + 1) * sizeof *subnets->server);
	if (subnets->zone == NULL || subnets->server == NULL)
		return BANYAN_ENOMEM;
	for (; subnets->n_servers < settings->n_ecs_servers; subnets->n_servers++)
		subnets->server[subnets->n_servers] = settings->ecs_server[subnets->n_servers];
	for (; subnets->n_zones < settings->n_ecs_zones; subnets->n_zones++) {
		const uint8_t *name = settings->ecs_zone[subnets->n_zones];
		uint8_t *lower = arena_alloc(&subnets->arena, wire_name_len(name));
		if (lower == NULL)
			return BANYAN_ENOMEM;
		wire_name_lower(name, lower);
		subnets->zone[subnets->n_zones] = lower;
	}
	return 0;
}

bool resolve_subnet_covers(const struct resolve *engine, const uint8_t *name)
{
	const struct subnets *subnets = engine->subnets;
	for (size_t i = 0; subnets != NULL && i < subnets->n_zones; i++)
		if (wire_name_under(name, subnets->zone[i]))
			return true;
	return false;
}

bool resolve_subnets_server(const struct resolve *engine, const struct addr *server)
{
	const struct subnets *subnets = engine->subnets;
	for (size_t i = 0; i < subnets->n_servers; i++)
		if (addr_prefix_match(&subnets->server[i], server))
			return true;
	return subnets->n_servers == 0;
}

/* ---- the table ---- */

static uint64_t hash_of(const struct resolve *engine, const uint8_t *qname, uint16_t qtype, const struct addr *addr,
			unsigned bits)
{
	uint8_t key[KEY_FIXED + WIRE_NAME_MAX] = {0};
	wire_put16(key, qtype);
	key[2] = addr->family;
	key[3] = (uint8_t)bits;
	memcpy(key + 4, addr->ip, bits / 8);
	if (bits % 8 != 0)
		key[4 + bits / 8] = (uint8_t)(addr->ip[bits / 8] & 0xff << (8 - bits % 8));
	return hash_sip(key, KEY_FIXED + wire_name_lower(qname, key + KEY_FIXED), engine->hash_key);
}

static struct entry *find(struct subnets *subnets, uint64_t hash, const uint8_t *qname, uint16_t qtype,
			  const struct addr *addr, unsigned bits)
{
	struct entry *entry = subnets->bucket[hash & (BUCKETS - 1)];
	while (entry != NULL && (entry->hash != hash || entry->qtype != qtype || entry->subnet.bits != bits ||
				 !addr_prefix_match(&entry->subnet, addr) || !wire_name_equal(entry->qname, qname)))
		entry = entry->next;
	return entry;
}

static void use_remove(struct subnets *subnets, struct entry *entry)
{
	*(entry->newer != NULL ? &entry->newer->older : &subnets->newest) = entry->older;
	*(entry->older != NULL ? &entry->older->newer : &subnets->oldest) = entry->newer;
}

static void use_add(struct subnets *subnets, struct entry *entry)
{
	entry->newer = NULL;
	entry->older = subnets->newest;
	*(entry->older != NULL ? &entry->older->newer : &subnets->oldest) = entry;
	subnets->newest = entry;
}

static size_t entry_bytes(const struct entry *entry)
{
	return sizeof *entry + entry->arena.total;
}

static void entry_free(struct entry *entry)
{
	arena_done(&entry->arena);
	free(entry);
}

static void entry_remove(struct subnets *subnets, struct entry *entry)
{
	struct entry **at = &subnets->bucket[entry->hash & (BUCKETS - 1)];
	while (*at != entry)
		at = &(*at)->next;
	*at = entry->next;
	use_remove(subnets, entry);
	subnets->bytes -= entry_bytes(entry);
	subnets->count[entry->subnet.addr.family == 6][entry->subnet.bits]--;
	entry_free(entry);
}

static void entry_add(struct subnets *subnets, struct entry *entry)
{
	struct entry **bucket = &subnets->bucket[entry->hash & (BUCKETS - 1)];
	entry->next = *bucket;
	*bucket = entry;
	use_add(subnets, entry);
	subnets->bytes += entry_bytes(entry);
	subnets->count[entry->subnet.addr.family == 6][entry->subnet.bits]++;
	while (subnets->bytes > subnets->bytes_max && subnets->oldest != NULL)
		entry_remove(subnets, subnets->oldest);
}

void resolve_subnets_free(struct resolve *engine)
{
	struct subnets *subnets = engine->subnets;
	if (subnets == NULL)
		return;
	while (subnets->oldest != NULL)
		entry_remove(subnets, subnets->oldest);
	arena_done(&subnets->arena);
	free(subnets);
	engine->subnets = NULL;
}

/* ---- finding ---- */

static int entry_give(const struct entry *entry, struct arena *arena, struct outcome *outcome)
{
	outcome->rcode = entry->rcode;
	outcome->reason = entry->reason;
	outcome->detail = NULL;
	outcome->bare = false;
	outcome->scope = entry->subnet.bits;
	outcome->from_cache = true;
	outcome->n_answers = outcome->n_denials = 0;
	for (unsigned i = 0; i < entry->n_answers; i++) /* copied: the entry may go before the actions are done */
		if (resolve_outcome_answer(arena, outcome, entry->set[i]) < 0)
			return 0;
	return resolve_outcome_denial(arena, outcome, entry->set + entry->n_answers, entry->n_denials) < 0 ? 0 : 1;
}

/* An operator has flushed something: which of it stands here too is not looked for. */
static void flushes_follow(const struct resolve *engine, struct subnets *subnets)
{
	uint32_t flushes = resolve_cache_flushes(engine->cache);
	if (subnets->flushes == flushes)
		return;
	while (subnets->oldest != NULL)
		entry_remove(subnets, subnets->oldest);
	subnets->flushes = flushes;
}

/* RFC 7871 section 7.3.1: of the networks that hold the client, the longest. */
int resolve_subnets_find(struct resolve *engine, struct arena *arena, const uint8_t *qname, uint16_t qtype,
			 const struct addr_prefix *subnet, struct outcome *outcome)
{
	struct subnets *subnets = engine->subnets;
	if (subnets == NULL || subnet->addr.family == 0)
		return 0;
	flushes_follow(engine, subnets);
	for (unsigned bits = subnet->bits + 1U; bits-- > 0;) {
		if (subnets->count[subnet->addr.family == 6][bits] == 0)
			continue;
		struct entry *entry = find(subnets, hash_of(engine, qname, qtype, &subnet->addr, bits), qname, qtype,
					   &subnet->addr, bits);
		if (entry == NULL)
			continue;
		if (entry->expires_ms <= engine->cache_ms) {
			entry_remove(subnets, entry);
			continue;
		}
		use_remove(subnets, entry);
		use_add(subnets, entry);
		counter_add(engine->counters, COUNTER_ECS_HITS, 1);
		return entry_give(entry, arena, outcome);
	}
	return 0;
}

/* ---- keeping ---- */

static int entry_fill(struct entry *entry, const struct task *task)
{
	const struct outcome *outcome = &task->outcome;
	unsigned n = outcome->n_answers + outcome->n_denials;
	entry->arena.limit = ENTRY_MAX;
	entry->qname = arena_dup(&entry->arena, task->qname, wire_name_len(task->qname));
	entry->set = arena_alloc(&entry->arena, (n + 1) * sizeof(struct rrset *));
	if (entry->qname == NULL || entry->set == NULL)
		return BANYAN_ENOMEM;
	entry->expires_ms = INT64_MAX;
	for (unsigned i = 0; i < n; i++) {
		const struct rrset *set =
			i < outcome->n_answers ? outcome->answer[i] : outcome->denial[i - outcome->n_answers];
		entry->set[i] = resolve_rrset_copy(&entry->arena, set);
		if (entry->set[i] == NULL)
			return BANYAN_ENOMEM;
		if (!set->synthesised && set->expires_ms < entry->expires_ms)
			entry->expires_ms = set->expires_ms;
	}
	return 0;
}

void resolve_subnets_keep(struct resolve *engine, const struct task *task)
{
	struct subnets *subnets = engine->subnets;
	const struct outcome *outcome = &task->outcome;
	bool known = outcome->rcode == WIRE_RCODE_NOERROR || outcome->rcode == WIRE_RCODE_NXDOMAIN;
	bool denied = outcome->n_denials > 0 && outcome->denial[0]->type == WIRE_TYPE_SOA;
	if (task->subnet.addr.family == 0 || !task->went_out || !known || outcome->bare ||
	    (outcome->n_answers == 0 && !denied) || (outcome->n_denials > 0 && !denied))
		return;
	struct entry *entry = calloc(1, sizeof *entry);
	if (entry == NULL)
		return;
	entry->subnet = task->subnet;
	entry->subnet.bits = task->subnet_scope;
	entry->qtype = task->qtype;
	entry->rcode = outcome->rcode;
	entry->reason = outcome->reason;
	entry->n_answers = outcome->n_answers;
	entry->n_denials = outcome->n_denials;
	entry->hash = hash_of(engine, task->qname, task->qtype, &task->subnet.addr, task->subnet_scope);
	if (entry_fill(entry, task) < 0 || entry->expires_ms <= engine->cache_ms) {
		entry_free(entry);
		return;
	}
	struct entry *old =
		find(subnets, entry->hash, task->qname, task->qtype, &task->subnet.addr, task->subnet_scope);
	if (old != NULL)
		entry_remove(subnets, old);
	entry_add(subnets, entry);
}
