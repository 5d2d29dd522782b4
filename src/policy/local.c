// SPDX-License-Identifier: GPL-3.0-or-later
/* Local zones and data: collected in any order, then sorted and compiled. */
#include "local.h"

#include <stdlib.h>
#include <string.h>

#define SOA_TTL_DEFAULT 10800 /* of the default zones: RFC 6303 section 3 */
#define SOA_TTL_OWN     300   /* of the operator's: what he changes shall not stay unseen for long */

/* ---- collecting ---- */

struct policy_local_builder *policy_local_builder_new(void)
{
	return calloc(1, sizeof(struct policy_local_builder));
}

void policy_local_builder_free(struct policy_local_builder *builder)
{
	if (builder == NULL)
		return;
	free(builder->item);
	arena_done(&builder->arena);
	free(builder);
}

/* A key whose byte order is the canonical order of names, except that the label "*" stands before all others: labels from
 * the right, each ended by 0, with 0 and 1 inside a label written as 1 1 and 1 2, and "*" alone as 1. */
static size_t name_key(const uint8_t *name, uint8_t out[2 * WIRE_NAME_MAX])
{
	const uint8_t *label[WIRE_LABELS_MAX];
	unsigned n = 0;
	size_t len = 0;
	for (const uint8_t *p = name; *p != 0; p += *p + 1)
		label[n++] = p;
	while (n-- > 0) {
		const uint8_t *l = label[n];
		if (l[0] == 1 && l[1] == '*') {
			out[len++] = 1;
		} else {
			for (unsigned k = 1; k <= l[0]; k++) {
				if (l[k] <= 1)
					out[len++] = 1;
				out[len++] = (uint8_t)(l[k] + (l[k] <= 1));
			}
		}
		out[len++] = 0;
	}
	return len;
}

/* In the pool, without the arena's alignment. */
static uint8_t *keep(struct policy_local_builder *b, const void *data, size_t len)
{
	enum { POOL_SIZE = 32768 };
	if (len > b->pool_left || b->pool == NULL) {
		size_t size = len > POOL_SIZE ? len : POOL_SIZE;
		b->pool = arena_alloc(&b->arena, size);
		b->pool_left = b->pool == NULL ? 0 : size;
		if (b->pool == NULL)
			return NULL;
	}
	uint8_t *p = b->pool;
	memcpy(p, data, len);
	b->pool += len;
	b->pool_left -= len;
	return p;
}

static struct local_item *item_add(struct policy_local_builder *b, const uint8_t *name, int *ret_error)
{
	uint8_t lower[WIRE_NAME_MAX], key[2 * WIRE_NAME_MAX];
	*ret_error = BANYAN_ELIMIT;
	if (b->n >= POLICY_RECORDS_MAX)
		return NULL;
	*ret_error = BANYAN_ENOMEM;
	if (b->n == b->cap) {
		size_t cap = b->cap > 0 ? b->cap * 2 : 256;
		struct local_item *item = reallocarray(b->item, cap, sizeof *item);
		if (item == NULL)
			return NULL;
		b->item = item;
		b->cap = cap;
	}
	struct local_item *item = &b->item[b->n];
	size_t len = wire_name_lower(name, lower);
	*item = (struct local_item){.order = (uint32_t)b->n};
	item->key_len = (uint16_t)name_key(lower, key);
	item->key = keep(b, key, item->key_len);
	item->name = keep(b, lower, len);
	if (item->key == NULL || item->name == NULL)
		return NULL;
	b->n++;
	return item;
}

size_t policy_local_forget(struct policy_local_builder *builder, const uint8_t *name)
{
	size_t kept = 0, before = builder->n;
	for (size_t i = 0; i < builder->n; i++)
		if (!builder->item[i].is_default || !wire_name_under(builder->item[i].name, name))
			builder->item[kept++] = builder->item[i];
	builder->n = kept;
	return before - kept;
}

int policy_local_zone(struct policy_local_builder *builder, const uint8_t *name, enum policy_zone_kind kind)
{
	int rc;
	if (kind == POLICY_ZONE_OFF)
		policy_local_forget(builder, name);
	struct local_item *item = item_add(builder, name, &rc);
	if (item == NULL)
		return rc;
	item->zone = true;
	item->kind = (uint8_t)kind;
	return 0;
}

int policy_local_record(struct policy_local_builder *builder, const uint8_t *owner, uint16_t type, uint32_t ttl,
			const uint8_t *rdata, uint16_t len)
{
	int rc;
	const uint8_t *kept = keep(builder, rdata, len);
	struct local_item *item = kept == NULL ? NULL : item_add(builder, owner, &rc);
	if (item == NULL)
		return kept == NULL ? BANYAN_ENOMEM : rc;
	item->type = type;
	item->ttl = ttl;
	item->len = len;
	item->rdata = kept;
	return 0;
}

int policy_local_text(struct policy_local_builder *builder, const char *source, const char *text, size_t len,
		      uint32_t ttl, struct zone_error *ret_error)
{
	struct zone_read_settings settings = {.origin = (const uint8_t *)"", .default_ttl = ttl};
	struct zone *zone;
	int rc = zone_read_text(source, text, len, &settings, NULL, NULL, &zone, ret_error);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < zone->n_sets && rc == 0; i++) {
		const struct wire_rrset *set = &zone->set[i];
		for (uint32_t r = 0; r < set->count && rc == 0; r++)
			rc = policy_local_record(builder, set->owner, set->type, set->ttl, set->rdata[r].data,
						 set->rdata[r].len);
	}
	zone_free(zone);
	return rc;
}

/* ---- compiling ---- */

static int item_cmp(const void *a, const void *b)
{
	const struct local_item *x = a, *y = b;
	size_t len = x->key_len < y->key_len ? x->key_len : y->key_len;
	int c = memcmp(x->key, y->key, len);
	if (c != 0)
		return c;
	if (x->key_len != y->key_len)
		return x->key_len < y->key_len ? -1 : 1;
	if (x->zone != y->zone)
		return x->zone ? -1 : 1;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (!x->zone && x->len != y->len)
		return x->len < y->len ? -1 : 1;
	c = x->zone || x->len == 0 ? 0 : memcmp(x->rdata, y->rdata, x->len);
	return c != 0 ? c : x->order < y->order ? -1 : 1;
}

/* Is the record there already, or a name of an address that has one? A blocklist gives 127.0.0.1 to a million names: the
 * first line says what its own is. */
static bool left_out(const struct local_item *item, size_t i)
{
	const struct local_item *it = &item[i], *before = i > 0 ? &item[i - 1] : it;
	if (i > 0 && !before->zone && before->type == it->type && before->len == it->len &&
	    memcmp(before->rdata, it->rdata, it->len) == 0)
		return true;
	return it->from_hosts && it->order != item[0].first_ptr;
}

/* Notes in item[0] which PTR of hosts files is to stay. */
static void choose_ptr(struct local_item *item, size_t n)
{
	item[0].first_ptr = UINT32_MAX;
	for (size_t i = 0; i < n; i++)
		if (item[i].from_hosts && item[i].order < item[0].first_ptr)
			item[0].first_ptr = item[i].order;
	for (size_t i = 0; i < n; i++)
		if (item[i].type == WIRE_TYPE_PTR && !item[i].from_hosts)
			item[0].first_ptr = UINT32_MAX; /* written on purpose */
}

/* MNAME is the zone itself, so that nobody sends updates elsewhere (RFC 6303 section 3). */
static int add_soa(struct data_builder *data, const uint8_t *name, uint32_t ttl)
{
	static const uint8_t rname[] = "\6nobody\7invalid";
	uint8_t rdata[2 * WIRE_NAME_MAX + 20];
	size_t len = wire_name_len(name);
	memcpy(rdata, name, len);
	memcpy(rdata + len, rname, sizeof rname);
	len += sizeof rname;
	const uint32_t numbers[5] = {1, 3600, 1200, 604800, ttl};
	for (unsigned i = 0; i < 5; i++)
		wire_put32(rdata + len + 4 * i, numbers[i]);
	return data_record(data, WIRE_TYPE_SOA, ttl, rdata, (uint16_t)(len + 20));
}

/* Zones that say no on their own need a SOA to say it with (RFC 2308 section 3). */
static bool needs_soa(unsigned kind)
{
	return kind == POLICY_ZONE_STATIC || kind == POLICY_ZONE_REDIRECT || kind == POLICY_ZONE_NXDOMAIN ||
	       kind == POLICY_ZONE_NODATA;
}

/* What stands at one name: items [0, n) of it. */
static int piece_of(struct data_builder *data, struct local_item *item, size_t n, struct rule *ret)
{
	const struct local_item *zone = item[0].zone ? &item[0] : NULL;
	choose_ptr(item, n);
	bool has_soa = false, is_default = zone != NULL && zone->is_default;
	for (size_t i = 0; i < n; i++)
		has_soa |= item[i].type == WIRE_TYPE_SOA;
	int rc = data_begin(data, zone != NULL ? zone->kind + 1u : 0, is_default ? DATA_DEFAULT_ZONE : 0);
	bool soa = zone != NULL && needs_soa(zone->kind) && !has_soa;
	if (rc == 0 && soa && is_default)
		rc = data_record(data, WIRE_TYPE_NS, SOA_TTL_DEFAULT, zone->name, (uint16_t)wire_name_len(zone->name));
	if (rc == 0 && soa)
		rc = add_soa(data, zone->name, is_default ? SOA_TTL_DEFAULT : SOA_TTL_OWN);
	for (size_t i = zone != NULL; i < n && rc == 0; i++) {
		if (!left_out(item, i))
			rc = data_record(data, item[i].type, item[i].ttl, item[i].rdata, item[i].len);
	}
	*ret = (struct rule){.action = RULE_DATA};
	return rc < 0 ? rc : data_end(data, &ret->data);
}

/* Of several zones of one name the last one counts. Returns how many items of the name stand from `first` on. */
static size_t group_of(struct local_item *item, size_t first, size_t n, size_t *ret_first)
{
	size_t end = first + 1;
	while (end < n && item[end].key_len == item[first].key_len &&
	       memcmp(item[end].key, item[first].key, item[first].key_len) == 0)
		end++;
	*ret_first = first;
	while (*ret_first + 1 < end && item[*ret_first].zone && item[*ret_first + 1].zone)
		++*ret_first;
	return end;
}

static bool is_wildcard(const uint8_t *name)
{
	return name[0] == 1 && name[1] == '*';
}

static int compile(struct policy_local_builder *b, struct names_builder *names, struct data_builder *data)
{
	int rc = 0;
	bool begun = false;
	for (size_t i = 0, first; i < b->n && rc == 0;) {
		struct rule own = {0}, below = {0};
		const uint8_t *name = b->item[i].name;
		if (!is_wildcard(name)) {
			size_t end = group_of(b->item, i, b->n, &first);
			rc = piece_of(data, b->item + first, end - first, &own);
			i = end;
		} else {
			name += 2;
		}
		if (rc == 0 && i < b->n && is_wildcard(b->item[i].name) && wire_name_equal(b->item[i].name + 2, name)) {
			size_t end = group_of(b->item, i, b->n, &first);
			rc = piece_of(data, b->item + first, end - first, &below);
			i = end;
		}
		if (rc == 0 && !begun)
			rc = *name == 0 ? names_begin(names, own, below)
					: names_begin(names, (struct rule){0}, (struct rule){0});
		begun = true;
		if (rc == 0 && *name != 0)
			rc = names_add(names, name, own, below);
	}
	return rc < 0 || begun ? rc : names_begin(names, (struct rule){0}, (struct rule){0});
}

int policy_local_build(struct policy_local_builder *builder, uint64_t seed, struct policy_local **ret)
{
	struct names_builder names = {0};
	struct data_builder data = {0};
	struct policy_local *local = calloc(1, sizeof *local);
	if (builder->n > 1)
		qsort(builder->item, builder->n, sizeof *builder->item, item_cmp);
	int rc = local == NULL ? BANYAN_ENOMEM : compile(builder, &names, &data);
	if (rc == 0)
		rc = names_finish(&names, seed, &local->names);
	if (rc == 0) {
		local->data = data.pool;
		data.pool = (struct data_pool){0};
		*ret = local;
	} else {
		free(local);
	}
	names_builder_done(&names);
	data_builder_done(&data);
	policy_local_builder_free(builder);
	return rc;
}

void policy_local_free(struct policy_local *local)
{
	if (local == NULL)
		return;
	names_done(&local->names);
	free(local->data.bytes);
	free(local);
}

size_t policy_local_bytes(const struct policy_local *local)
{
	return sizeof *local + names_bytes(&local->names) + local->data.cap;
}

size_t policy_local_names(const struct policy_local *local)
{
	return local->names.n_nodes;
}
