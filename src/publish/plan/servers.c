// SPDX-License-Identifier: GPL-3.0-or-later
/* Sets of servers: made from a pattern, one by one, or found at the top of a zone. */
#include "plan.h"

#include <stdlib.h>
#include <string.h>

void plan_set_done(struct plan_set *set)
{
	free(set->server);
	arena_done(&set->arena);
	*set = (struct plan_set){0};
}

/* 198.18.0.0/15 (RFC 2544): nobody's; the number-th of them. */
static struct addr made_a(unsigned number)
{
	return (struct addr){.family = 4,
			     .ip = {198, (uint8_t)(18 + (number >> 16 & 1)), (uint8_t)(number >> 8), (uint8_t)number}};
}

static struct addr made_aaaa(unsigned number)
{
	struct addr addr = {.family = 6, .ip = {0x20, 0x01, 0x0d, 0xb8}};
	wire_put16(addr.ip + 14, (uint16_t)number);
	return addr;
}

static int set_append(struct plan_set *set, const uint8_t *name, struct addr *address, size_t n)
{
	if (set->n == PLAN_SERVERS_MAX)
		return BANYAN_ELIMIT;
	struct plan_server *server = realloc(set->server, (set->n + 1) * sizeof *server);
	if (server == NULL)
		return BANYAN_ENOMEM;
	set->server = server;
	server = &server[set->n++];
	*server = (struct plan_server){.n_addresses = n, .address = address};
	memcpy(server->name, name, wire_name_len(name));
	return 0;
}

static int append_made(struct plan_set *set, const uint8_t *name, unsigned n_a, unsigned n_aaaa)
{
	struct addr *address = arena_alloc0(&set->arena, (n_a + n_aaaa + 1) * sizeof *address);
	if (address == NULL)
		return BANYAN_ENOMEM;
	unsigned first = (unsigned)set->n + 1; /* no address ends in .0 */
	for (unsigned i = 0; i < n_a; i++)
		address[i] = made_a(first + i * PLAN_SERVERS_MAX);
	for (unsigned i = 0; i < n_aaaa; i++)
		address[n_a + i] = made_aaaa(first + i * PLAN_SERVERS_MAX);
	return set_append(set, name, address, n_a + n_aaaa);
}

/* 0 = a, 25 = z, 26 = aa, 27 = ab, ... */
static const char *letters_of(size_t index, char out[8])
{
	char *p = out + 7;
	*p = 0;
	for (size_t left = index + 1; left > 0; left = (left - 1) / 26)
		*--p = (char)('a' + (left - 1) % 26);
	return p;
}

static int name_of(const char *pattern, size_t index, uint8_t out[WIRE_NAME_MAX])
{
	char text[WIRE_NAME_TEXT_MAX], letters[8];
	size_t len = 0;
	for (const char *p = pattern; *p != 0; p++) {
		const char *put = *p == '%' ? letters_of(index, letters) : NULL;
		size_t put_len = put != NULL ? strlen(put) : 1;
		if (len + put_len >= sizeof text)
			return BANYAN_EINVAL;
		memcpy(text + len, put != NULL ? put : p, put_len);
		len += put_len;
	}
	text[len] = 0;
	return wire_name_parse(text, out) > 1 ? 0 : BANYAN_EINVAL; /* the root itself is no server */
}

int plan_set_pattern(const char *pattern, size_t n, size_t most, unsigned n_a, unsigned n_aaaa, struct plan_set *ret)
{
	struct plan_set set = {0};
	if (n > PLAN_SERVERS_MAX || most > PLAN_SERVERS_MAX || n_a > PLAN_ADDRESSES_MAX || n_aaaa > PLAN_ADDRESSES_MAX)
		return BANYAN_ELIMIT;
	int rc = n == 0 ? BANYAN_EINVAL : 0;
	for (size_t i = 0; i < (n > most ? n : most) && rc == 0; i++) {
		uint8_t name[WIRE_NAME_MAX];
		rc = name_of(pattern, i, name);
		if (rc != 0 && i >= n) { /* aa is longer than z */
			rc = 0;
			break;
		}
		if (rc == 0)
			rc = append_made(&set, name, n_a, n_aaaa);
	}
	if (rc != 0) {
		plan_set_done(&set);
		return rc;
	}
	*ret = set;
	return 0;
}

static bool has_name(const struct plan_set *set, const uint8_t *name)
{
	for (size_t i = 0; i < set->n; i++)
		if (wire_name_equal(set->server[i].name, name))
			return true;
	return false;
}

static bool has_twice(const struct addr *address, size_t n)
{
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < i; k++)
			if (address[i].family == address[k].family &&
			    memcmp(address[i].ip, address[k].ip, address[i].family == 4 ? 4 : 16) == 0)
				return true;
	return false;
}

int plan_set_add(struct plan_set *set, const char *name, const struct addr *address, size_t n)
{
	uint8_t wire[WIRE_NAME_MAX];
	if (wire_name_parse(name, wire) < 2)
		return BANYAN_EINVAL;
	if (n > 2UL * PLAN_ADDRESSES_MAX)
		return BANYAN_ELIMIT;
	if (has_name(set, wire) || has_twice(address, n))
		return BANYAN_EEXIST;
	if (n == 0)
		return append_made(set, wire, 1, 1);
	struct addr *copy = arena_dup(&set->arena, address, n * sizeof *copy);
	return copy == NULL ? BANYAN_ENOMEM : set_append(set, wire, copy, n);
}

/* ---- out of a zone ---- */

static size_t addresses_of(const struct zone *zone, const uint8_t *name, struct addr out[2 * PLAN_ADDRESSES_MAX])
{
	static const uint16_t types[] = {WIRE_TYPE_A, WIRE_TYPE_AAAA};
	const struct zone_node *node = wire_name_under(name, zone->apex) ? zone_find(zone, name) : NULL;
	size_t n = 0;
	for (unsigned t = 0; node != NULL && t < ARRAY_SIZE(types); t++) {
		const struct wire_rrset *set = zone_node_set(zone, node, types[t]);
		size_t size = t == 0 ? 4 : 16;
		for (uint32_t i = 0; set != NULL && i < set->count && i < PLAN_ADDRESSES_MAX; i++) {
			if (set->rdata[i].len != size)
				continue;
			out[n] = (struct addr){.family = t == 0 ? 4 : 6};
			memcpy(out[n++].ip, set->rdata[i].data, size);
		}
	}
	return n;
}

int plan_set_from_zone(const struct zone *zone, struct plan_set *ret)
{
	struct plan_set set = {0};
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *ns = apex != NULL ? zone_node_set(zone, apex, WIRE_TYPE_NS) : NULL;
	int rc = ns == NULL ? BANYAN_ENOENT : 0;
	for (uint32_t i = 0; rc == 0 && i < ns->count; i++) {
		struct addr found[2 * PLAN_ADDRESSES_MAX];
		const uint8_t *name = ns->rdata[i].data;
		if (has_name(&set, name))
			continue;
		size_t n = addresses_of(zone, name, found);
		struct addr *copy = arena_dup(&set.arena, found, n * sizeof *copy + (n == 0));
		rc = copy == NULL ? BANYAN_ENOMEM : set_append(&set, name, copy, n);
	}
	if (rc != 0) {
		plan_set_done(&set);
		return rc;
	}
	*ret = set;
	return 0;
}
