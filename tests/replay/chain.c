// SPDX-License-Identifier: GPL-3.0-or-later
/* Chains of NSEC (RFC 4034 section 4) and NSEC3 (RFC 5155 section 7.1) for the scenarios' zones. */
#include "scenario.h"

#define TYPES_MAX 64

/* Window blocks (RFC 4034 section 4.1.2) of ascending types. */
size_t chain_bitmap(const uint16_t *type, size_t n, uint8_t *out)
{
	uint8_t *window = NULL, *p = out;
	for (size_t i = 0; i < n; i++) {
		if (window == NULL || window[0] != type[i] >> 8) {
			window = p;
			window[0] = (uint8_t)(type[i] >> 8);
			memset(window + 1, 0, 33);
		}
		unsigned low = type[i] & 255;
		window[2 + low / 8] |= (uint8_t)(0x80 >> low % 8);
		window[1] = (uint8_t)(low / 8 + 1);
		p = window + 2 + window[1];
	}
	return (size_t)(p - out);
}

static void type_add(uint16_t *type, size_t *n, uint16_t add)
{
	size_t at = *n;
	assert_true(*n < TYPES_MAX);
	while (at > 0 && type[at - 1] >= add) {
		if (type[at - 1] == add)
			return;
		at--;
	}
	memmove(type + at + 1, type + at, (*n - at) * sizeof *type);
	type[at] = add;
	(*n)++;
}

/* What the bitmap of a name shows: at a cut the parent's side alone, signed data with RRSIG. */
static size_t node_types(const struct zone_plan *plan, const struct zone *zone, const struct zone_node *node,
			 uint16_t type[TYPES_MAX])
{
	size_t n = 0;
	bool cut = node->flags & ZONE_NODE_CUT, has_signed = false;
	for (size_t i = 0; i < node->n_sets; i++) {
		uint16_t t = zone->set[node->first_set + i].type;
		if (cut && t != WIRE_TYPE_NS && t != WIRE_TYPE_DS)
			continue;
		has_signed |= !cut || t == WIRE_TYPE_DS;
		type_add(type, &n, t);
	}
	if (plan->denial == DENIAL_NSEC) {
		type_add(type, &n, WIRE_TYPE_NSEC);
		has_signed = true;
	}
	if (has_signed)
		type_add(type, &n, WIRE_TYPE_RRSIG);
	return n;
}

/* RFC 9077: the lower of the SOA's TTL and its minimum. */
static uint32_t negative_ttl(const struct zone *zone)
{
	const struct wire_rrset *soa = zone_node_set(zone, zone_find(zone, zone->apex), WIRE_TYPE_SOA);
	if (soa == NULL)
		return 300;
	uint32_t minimum = wire_get32(soa->rdata[0].data + soa->rdata[0].len - 4);
	return minimum < soa->ttl ? minimum : soa->ttl;
}

static bool node_hidden(const struct zone_node *node)
{
	return node->flags & (ZONE_NODE_BELOW | ZONE_NODE_OCCLUDED);
}

static void add_nsec(const struct zone_plan *plan, const struct zone *zone, struct test_zone *records)
{
	const struct zone_node *last = NULL;
	uint8_t rdata[WIRE_NAME_MAX + 512];
	uint16_t type[TYPES_MAX];
	/* from the end: each names the one behind it, the last one the apex */
	const uint8_t *next = zone->apex;
	for (size_t i = zone->n_nodes; i-- > 0;) {
		const struct zone_node *node = &zone->node[i];
		if (node_hidden(node) || (node->flags & ZONE_NODE_EMPTY))
			continue;
		size_t len = wire_name_lower(next, rdata);
		len += chain_bitmap(type, node_types(plan, zone, node, type), rdata + len);
		test_zone_add(records, node->name, WIRE_TYPE_NSEC, negative_ttl(zone), rdata, len);
		next = node->name;
		last = node;
	}
	assert_non_null(last);
}

struct hashed {
	uint8_t hash[20];
	const struct zone_node *node;
};

static int hashed_cmp(const void *a, const void *b)
{
	return memcmp(a, b, 20);
}

static void hash_owner(const uint8_t hash[20], const uint8_t *apex, uint8_t out[WIRE_NAME_MAX])
{
	static const char digits[] = "0123456789abcdefghijklmnopqrstuv"; /* RFC 4648 section 7 */
	out[0] = 32;
	for (unsigned d = 0; d < 32; d++) {
		unsigned bit = d * 5, value = (unsigned)hash[bit / 8] << 8 | (bit / 8 + 1 < 20 ? hash[bit / 8 + 1] : 0);
		out[1 + d] = (uint8_t)digits[value >> (11 - bit % 8) & 31];
	}
	memcpy(out + 33, apex, wire_name_len(apex));
}

/* RFC 5155 section 5, written apart from the code that is tested, and without its limit. */
static void hash_name(const struct zone_plan *plan, const uint8_t *name, uint8_t hash[20])
{
	uint8_t data[WIRE_NAME_MAX + sizeof plan->salt];
	size_t len = wire_name_lower(name, data);
	for (unsigned i = 0; i <= plan->iterations; i++) {
		memcpy(data + len, plan->salt, plan->salt_len);
		assert_int_equal(EVP_Digest(data, len + plan->salt_len, hash, NULL, EVP_sha1(), NULL), 1);
		memcpy(data, hash, 20);
		len = 20;
	}
}

void chain_hash_owner(const struct zone_plan *plan, const uint8_t *name, uint8_t out[WIRE_NAME_MAX])
{
	uint8_t hash[20], lower[WIRE_NAME_MAX];
	wire_name_lower(name, lower);
	hash_name(plan, lower, hash);
	hash_owner(hash, plan->origin, out);
}

/* An opt-out chain leaves out delegations without DS, and empty names that only lead to such. */
static bool node_opted_out(const struct zone_plan *plan, const struct zone *zone, size_t index)
{
	const struct zone_node *node = &zone->node[index];
	if (!plan->opt_out)
		return false;
	if (node->flags & ZONE_NODE_CUT)
		return zone_node_set(zone, node, WIRE_TYPE_DS) == NULL;
	if ((node->flags & ZONE_NODE_EMPTY) == 0)
		return false;
	for (size_t i = index + 1; i < zone->n_nodes && wire_name_under(zone->node[i].name, node->name); i++)
		if (!node_hidden(&zone->node[i]) && !(zone->node[i].flags & ZONE_NODE_EMPTY) &&
		    !node_opted_out(plan, zone, i))
			return false;
	return true;
}

static void add_nsec3(const struct zone_plan *plan, const struct zone *zone, struct test_zone *records)
{
	struct hashed *item = calloc(zone->n_nodes, sizeof *item);
	size_t n = 0;
	assert_non_null(item);
	for (size_t i = 0; i < zone->n_nodes; i++) {
		if (node_hidden(&zone->node[i]) || node_opted_out(plan, zone, i))
			continue;
		hash_name(plan, zone->node[i].name, item[n].hash);
		item[n++].node = &zone->node[i];
	}
	qsort(item, n, sizeof *item, hashed_cmp);
	for (size_t i = 0; i < n; i++) {
		uint8_t owner[WIRE_NAME_MAX], rdata[800] = {1, plan->opt_out};
		uint16_t type[TYPES_MAX];
		hash_owner(item[i].hash, plan->origin, owner);
		wire_put16(rdata + 2, plan->iterations);
		rdata[4] = plan->salt_len;
		memcpy(rdata + 5, plan->salt, plan->salt_len);
		size_t len = 5U + plan->salt_len;
		rdata[len++] = 20;
		memcpy(rdata + len, item[(i + 1) % n].hash, 20);
		len += 20;
		len += chain_bitmap(type, node_types(plan, zone, item[i].node, type), rdata + len);
		test_zone_add(records, owner, WIRE_TYPE_NSEC3, negative_ttl(zone), rdata, len);
	}
	free(item);
}

void chain_add(const struct zone_plan *plan, struct test_zone *records)
{
	if (plan->denial == DENIAL_NSEC3) {
		uint8_t param[40] = {1, 0};
		wire_put16(param + 2, plan->iterations);
		param[4] = plan->salt_len;
		memcpy(param + 5, plan->salt, plan->salt_len);
		test_zone_add(records, plan->origin, WIRE_TYPE_NSEC3PARAM, 0, param, 5U + plan->salt_len);
	}
	struct zone *zone = test_zone_build(records);
	if (plan->denial == DENIAL_NSEC)
		add_nsec(plan, zone, records);
	else if (plan->denial == DENIAL_NSEC3)
		add_nsec3(plan, zone, records);
	zone_free(zone);
}
