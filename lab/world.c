// SPDX-License-Identifier: GPL-3.0-or-later
/* The lab's world: its operators with their servers, hosts, zones, and the tables that find them by name. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TABLE_FIRST 1024

static const struct {
	const char *name, *domain;
	unsigned n_servers;
} operators[LAB_OP_COUNT] = {
	[LAB_OP_ROOT] = {"rootops", "root-servers.net.", 13},
	[LAB_OP_GTLD] = {"gtld", "gtld-registry.net.", 6},
	[LAB_OP_REGISTRY] = {"registry", "dns-registry.org.", 6},
	[LAB_OP_WEST] = {"west", "westzones.nl.", 4},
	[LAB_OP_WORLD] = {"world", "worldzones.jp.", 5},
	[LAB_OP_NUMBERS] = {"numbers", "numbers-registry.org.", 4},
	[LAB_OP_PARKING] = {"parking", "tldpark.net.", 12},
	[LAB_OP_OAK] = {"oakhost", "oakhost.net.", 4},
	[LAB_OP_BIRCH] = {"birchnet", "birchnet.de.", 3},
	[LAB_OP_PINE] = {"pinecloud", "pinecloud.io.", 4},
	[LAB_OP_SKY] = {"skycdn", "skycdn.net.", 4},
	[LAB_OP_ODD] = {"odd", "odd-servers.info.", LAB_ODD_COUNT},
};

_Noreturn void lab_out_of_memory(void)
{
	log_error("lab", "out of memory");
	exit(2);
}

void *lab_alloc(struct lab_world *world, size_t size)
{
	void *p = arena_alloc0(&world->arena, size);
	if (p == NULL)
		lab_out_of_memory();
	return p;
}

char *lab_text(struct lab_world *world, const char *format, ...)
{
	char text[1024];
	va_list args;
	va_start(args, format);
	int n = vsnprintf(text, sizeof(text), format, args);
	va_end(args);
	char *copy = n < 0 ? NULL : arena_dup(&world->arena, text, strlen(text) + 1);
	if (copy == NULL)
		lab_out_of_memory();
	return copy;
}

void lab_list_add(struct lab_list *list, void *item)
{
	if (list->count == list->cap) {
		size_t cap = list->cap == 0 ? 8 : 2 * list->cap;
		void **grown = realloc(list->item, cap * sizeof(*grown));
		if (grown == NULL)
			lab_out_of_memory();
		list->item = grown;
		list->cap = cap;
	}
	list->item[list->count++] = item;
}

static void print_v(struct buffer *buffer, const char *format, va_list args)
{
	va_list again;
	va_copy(again, args);
	int n = vsnprintf(NULL, 0, format, args);
	if (n < 0 || buffer_reserve(buffer, n + 1) < 0)
		lab_out_of_memory();
	vsnprintf((char *)buffer->data + buffer->len, n + 1, format, again);
	buffer->len += n; /* the NUL stays behind the text */
	va_end(again);
}

void lab_print(struct buffer *buffer, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	print_v(buffer, format, args);
	va_end(args);
}

void lab_stream(const struct lab_world *world, const char *label, struct random *ret)
{
	random_init_seed(ret, hash_sip(label, strlen(label), world->hash_key));
}

static struct lab_slot *table_slot(const struct lab_table *table, const char *key)
{
	static const uint8_t no_secret[16]; /* all keys are our own */
	size_t i = hash_sip(key, strlen(key), no_secret) & (table->cap - 1);
	while (table->slot[i].key != NULL && strcmp(table->slot[i].key, key) != 0)
		i = (i + 1) & (table->cap - 1);
	return &table->slot[i];
}

void *lab_table_get(const struct lab_table *table, const char *key)
{
	return table->cap == 0 ? NULL : table_slot(table, key)->value;
}

void lab_table_put(struct lab_table *table, const char *key, void *value)
{
	if (2 * (table->count + 1) > table->cap) {
		struct lab_table grown = {.cap = table->cap == 0 ? TABLE_FIRST : 2 * table->cap};
		grown.slot = calloc(grown.cap, sizeof(*grown.slot));
		if (grown.slot == NULL)
			lab_out_of_memory();
		for (size_t i = 0; i < table->cap; i++)
			if (table->slot[i].key != NULL)
				*table_slot(&grown, table->slot[i].key) = table->slot[i];
		grown.count = table->count;
		free(table->slot);
		*table = grown;
	}
	struct lab_slot *slot = table_slot(table, key);
	if (slot->key == NULL)
		table->count++;
	*slot = (struct lab_slot){.key = key, .value = value};
}

/* 127.10.OPERATOR.SERVER, and 2001:db8:10:OPERATOR::SERVER for a port of ::1. */
static void operator_address(const struct lab_settings *settings, struct lab_operator *operator, unsigned n)
{
	struct lab_server *server = &operator->server[n];
	server->v4 = (struct addr){.family = 4, .port = settings->port, .ip = {127, 10, operator->id, n + 1}};
	server->v6 = (struct addr){.family = 6, .port = settings->port};
	const uint8_t prefix[] = {0x20, 0x01, 0x0d, 0xb8, 0, 0x10, 0, operator->id };
	memcpy(server->v6.ip, prefix, sizeof(prefix));
	server->v6.ip[15] = n + 1;
	server->v6_real = (struct addr){.family = 6, .port = settings->port6 + 16 * operator->id + n };
	server->v6_real.ip[15] = 1;
}

void lab_world_init(struct lab_world *world, const struct lab_settings *settings)
{
	*world = (struct lab_world){.settings = settings};
	for (unsigned i = 0; i < 8; i++)
		world->hash_key[i] = settings->seed >> (8 * i);
	memcpy(world->hash_key + 8, "the lab.", 8);
	lab_stream(world, "world", &world->random);
	char day[32];
	clock_format(settings->at, day);
	world->serial = strtoul((char[]){day[0], day[1], day[2], day[3], day[5], day[6], day[8], day[9], '0', '0', 0},
				NULL, 10);
	for (unsigned i = 0; i < LAB_OP_COUNT; i++) {
		struct lab_operator *operator= & world->operator[i];
		*operator=(struct lab_operator){.id = i,
						.name = operators[i].name,
						.domain = operators[i].domain,
						.n_servers = operators[i].n_servers};
		for (unsigned n = 0; n < operator->n_servers; n++)
			operator_address(settings, operator, n);
	}
	lab_print(&world->expected, "feature,name,type,rcode,answer\n");
}

void lab_world_done(struct lab_world *world)
{
	for (size_t i = 0; i < world->zones.count; i++) {
		struct lab_zone *zone = world->zones.item[i];
		free(zone->hosts.item);
		free(zone->children.item);
		buffer_done(&zone->records);
		buffer_done(&zone->tail);
	}
	for (unsigned i = 0; i < LAB_OP_COUNT; i++)
		free(world->operator[i].zones.item);
	free(world->zones.item);
	free(world->hosts.item);
	free(world->zone_table.slot);
	free(world->host_table.slot);
	buffer_done(&world->expected);
	arena_done(&world->arena);
}

/* "www.example.com." -> "example.com." -> "com." -> "." */
static const char *name_up(const char *name)
{
	const char *dot = strchr(name, '.');
	return dot[1] == '\0' ? "." : dot + 1;
}

static struct lab_zone *zone_enclosing(struct lab_world *world, const char *name)
{
	struct lab_zone *zone;
	while ((zone = lab_table_get(&world->zone_table, name)) == NULL && strcmp(name, ".") != 0)
		name = name_up(name);
	return zone;
}

void lab_world_settle(struct lab_world *world)
{
	for (size_t i = 0; i < world->zones.count; i++) {
		struct lab_zone *zone = world->zones.item[i];
		if (strcmp(zone->name, ".") == 0)
			continue;
		zone->parent = zone_enclosing(world, name_up(zone->name));
		lab_list_add(&zone->parent->children, zone);
	}
	for (size_t i = 0; i < world->hosts.count; i++) {
		struct lab_host *host = world->hosts.item[i];
		host->zone = zone_enclosing(world, host->name);
		lab_list_add(&host->zone->hosts, host);
	}
}

struct lab_zone *lab_zone_find(struct lab_world *world, const char *name)
{
	return lab_table_get(&world->zone_table, name);
}

struct lab_zone *lab_zone_add(struct lab_world *world, const char *name, enum lab_operator_id operator_id,
			      struct lab_security security)
{
	struct lab_zone *zone = lab_alloc(world, sizeof(*zone));
	zone->name = lab_text(world, "%s", name);
	zone->operator= & world->operator[operator_id];
	zone->security = security;
	lab_list_add(&world->zones, zone);
	lab_list_add(&zone->operator->zones, zone);
	lab_table_put(&world->zone_table, zone->name, zone);
	return zone;
}

struct lab_host *lab_host_add(struct lab_world *world, const char *name, enum lab_operator_id operator_id,
			      unsigned server, unsigned families)
{
	struct lab_host *host = lab_table_get(&world->host_table, name);
	if (host != NULL)
		return host;
	struct lab_operator *operator= & world->operator[operator_id];
	host = lab_alloc(world, sizeof(*host));
	host->name = lab_text(world, "%s", name);
	host->server = &operator->server[server % operator->n_servers];
	host->families = families;
	lab_list_add(&world->hosts, host);
	lab_table_put(&world->host_table, host->name, host);
	return host;
}

void lab_zone_ns(struct lab_zone *zone, struct lab_host *host)
{
	if (zone->n_ns < LAB_NS_MAX)
		zone->ns[zone->n_ns++] = host;
}

void lab_zone_ns_operator(struct lab_world *world, struct lab_zone *zone, enum lab_operator_id operator_id,
			  unsigned from, unsigned count)
{
	const struct lab_operator *operator= & world->operator[operator_id];
	for (unsigned i = 0; i < count; i++) {
		unsigned n = (from + i) % operator->n_servers;
		/* registries and the root count in letters, hosts in numbers */
		const char *name = operator_id < LAB_OP_OAK ? lab_text(world, "%c.%s", 'a' + n, operator->domain)
							    : lab_text(world, "ns%u.%s", n + 1, operator->domain);
		lab_zone_ns(zone, lab_host_add(world, name, operator_id, n, LAB_DUAL));
	}
}

void lab_zone_ns_own(struct lab_world *world, struct lab_zone *zone, enum lab_operator_id operator_id, unsigned from,
		     unsigned count, const char *pattern)
{
	for (unsigned i = 0; i < count; i++) {
		char label[64];
		size_t len = 0;
		for (const char *p = pattern; *p != '\0' && len + 4 < sizeof(label); p++) {
			if (*p == '#')
				len += snprintf(label + len, sizeof(label) - len, "%u", i + 1);
			else
				label[len++] = *p == '@' ? (char)('a' + i) : *p;
		}
		label[len] = '\0';
		const char *name = lab_text(world, "%s.%s", label, zone->name);
		lab_zone_ns(zone, lab_host_add(world, name, operator_id, from + i, LAB_DUAL));
	}
}

void lab_record(struct lab_zone *zone, const char *owner, uint32_t ttl, const char *format, ...)
{
	lab_print(&zone->records, "%s %u IN ", owner, ttl);
	va_list args;
	va_start(args, format);
	print_v(&zone->records, format, args);
	va_end(args);
	lab_print(&zone->records, "\n");
}

void lab_expect(struct lab_world *world, const char *feature, const char *name, const char *type, const char *rcode,
		const char *format, ...)
{
	lab_print(&world->expected, "%s,%s,%s,%s,", feature, name, type, rcode);
	va_list args;
	va_start(args, format);
	print_v(&world->expected, format, args);
	va_end(args);
	lab_print(&world->expected, "\n");
	world->n_expected++;
}
