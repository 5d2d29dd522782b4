// SPDX-License-Identifier: GPL-3.0-or-later
/* Records one by one, into a zone in canonical order. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

#define TEXT_PER_RECORD                                                                                                \
	16 /* bytes: few zones have less; address space for as many records as that makes is set aside */
#define RECORDS_LEAST 1000000 /* records and runs for which it is set aside in any case */

static uint8_t *pool_take(struct arena *arena, uint8_t **pool, size_t *left, size_t len)
{
	if (len > *left || *pool == NULL) {
		size_t size = len > ZONE_POOL_SIZE ? len : ZONE_POOL_SIZE;
		uint8_t *block = arena_alloc(arena, size);
		if (block == NULL)
			return NULL;
		*pool = block;
		*left = size;
	}
	uint8_t *p = *pool;
	*pool += len;
	*left -= len;
	return p;
}

static uint8_t *pool_dup(struct zone_builder *b, const uint8_t *data, size_t len)
{
	uint8_t *p = pool_take(&b->zone->arena, &b->pool, &b->pool_left, len);
	if (p != NULL && len > 0)
		memcpy(p, data, len);
	return p;
}

int zone_builder_init(struct zone_builder *b, const uint8_t *apex, const char *source, size_t text_len)
{
	uint8_t lower[WIRE_NAME_MAX];
	*b = (struct zone_builder){0};
	b->zone = calloc(1, sizeof *b->zone);
	if (b->zone == NULL)
		return BANYAN_ENOMEM;
	b->zone->rclass = WIRE_CLASS_IN;
	b->zone->arena.large = b->keys.large = true;
	b->zone->apex = pool_dup(b, lower, wire_name_lower(apex, lower));
	b->zone->source = arena_printf(&b->zone->arena, "%s", source);
	size_t most = text_len / TEXT_PER_RECORD + RECORDS_LEAST;
	int rc = region_reserve(&b->records, most * sizeof(struct zone_record));
	if (rc == 0)
		rc = region_reserve(&b->runs, most * sizeof(struct zone_run));
	return rc < 0 || b->zone->apex == NULL || b->zone->source == NULL ? BANYAN_ENOMEM : 0;
}

static struct zone_run *run_at(const struct zone_builder *b, size_t i)
{
	return (struct zone_run *)b->runs.data + i;
}

void zone_builder_remark(struct zone_builder *b, size_t *count, enum reason reason, unsigned long line,
			 const uint8_t *owner, uint16_t type, const char *text)
{
	if (++*count > ZONE_REMARKS_MAX)
		return;
	if (b->remark == NULL)
		b->remark = arena_alloc(&b->zone->arena, 2 * ZONE_REMARKS_MAX * sizeof *b->remark);
	const uint8_t *name = pool_dup(b, owner, wire_name_len(owner));
	if (b->remark == NULL || name == NULL)
		return;
	b->remark[b->n_remarks++] =
		(struct zone_remark){.reason = reason, .line = line, .owner = name, .type = type, .text = text};
}

/* A key whose byte order is the canonical order of names (RFC 4034 section 6.1): labels from the right, each ended by 0,
 * with 0 and 1 inside a label written as 1 1 and 1 2. The apex's own labels are left out. Returns its length. */
static size_t name_key(const uint8_t *name, unsigned apex_labels, uint8_t out[2 * WIRE_NAME_MAX])
{
	const uint8_t *label[WIRE_LABELS_MAX + 1];
	unsigned n = 0;
	size_t len = 0;
	for (const uint8_t *p = name; *p != 0; p += *p + 1)
		label[n++] = p;
	for (unsigned i = n - apex_labels; i-- > 0;) {
		for (unsigned k = 1; k <= label[i][0]; k++) {
			uint8_t c = label[i][k];
			if (c <= 1) {
				out[len++] = 1;
				c = (uint8_t)(c + 1);
			}
			out[len++] = c;
		}
		out[len++] = 0;
	}
	return len;
}

static int run_add(struct zone_builder *b, const uint8_t *lower, size_t len)
{
	uint8_t key[2 * WIRE_NAME_MAX];
	if (region_grow(&b->runs, (b->n_runs + 1) * sizeof(struct zone_run)) < 0)
		return BANYAN_ENOMEM;
	struct zone_run *run = run_at(b, b->n_runs);
	size_t key_len = name_key(lower, wire_name_labels(b->zone->apex), key);
	uint8_t *key_copy = pool_take(&b->keys, &b->key_pool, &b->key_pool_left, key_len);
	*run = (struct zone_run){.first = b->n_records, .key = key_copy, .key_len = (uint16_t)key_len};
	run->name = pool_dup(b, lower, len);
	if (run->name == NULL || key_copy == NULL)
		return BANYAN_ENOMEM;
	memcpy(key_copy, key, key_len);
	for (size_t i = 0; i < 8; i++)
		run->prefix = run->prefix << 8 | (i < key_len ? key[i] : 0);
	b->n_runs++;
	return 0;
}

/* Does the owner differ from the record before? Then a new run begins, or the record is outside. */
static int owner_turn(struct zone_builder *b, const uint8_t *owner, size_t len)
{
	uint8_t lower[WIRE_NAME_MAX];
	memcpy(b->last_owner, owner, len);
	b->last_owner_len = len;
	wire_name_lower(owner, lower);
	b->last_outside = !wire_name_under(lower, b->zone->apex);
	if (b->last_outside)
		return 0;
	if (b->n_runs > 0 && wire_name_equal(run_at(b, b->n_runs - 1)->name, lower))
		return 0;
	return run_add(b, lower, len);
}

/* Do names in the data have upper case? Then `out`, of the same length, is their canonical form (RFC 4034 section 6.2). */
static bool rdata_canonical(const uint8_t *data, uint16_t len, uint16_t type, uint8_t *out)
{
	bool upper = false;
	if (type == WIRE_TYPE_A || type == WIRE_TYPE_AAAA || type == WIRE_TYPE_DS || type == WIRE_TYPE_NSEC)
		return false; /* most records, and there is nothing to look for */
	for (uint16_t i = 0; i < len && !upper; i++)
		upper = data[i] >= 'A' && data[i] <= 'Z';
	if (!upper || (type != WIRE_TYPE_RRSIG && wire_rdata_name_at(data, len, type, 0) < 0))
		return false;
	memcpy(out, data, len);
	wire_rdata_canonical(out, len, type);
	return memcmp(out, data, len) != 0;
}

int zone_builder_add(struct zone_builder *b, const uint8_t *owner, size_t owner_len, uint16_t type, uint32_t ttl,
		     const uint8_t *rdata, uint16_t len, unsigned long line)
{
	if (owner_len != b->last_owner_len || memcmp(owner, b->last_owner, owner_len) != 0) {
		int rc = owner_turn(b, owner, owner_len);
		if (rc < 0)
			return rc;
	}
	if (b->last_outside) {
		zone_builder_remark(b, &b->zone->n_out_of_zone, REASON_OUT_OF_ZONE, line, owner, type,
				    "the record was left out");
		return 0;
	}
	if (b->n_records >= ZONE_RECORDS_MAX)
		return BANYAN_ELIMIT;
	if (region_grow(&b->records, (b->n_records + 1) * sizeof(struct zone_record)) < 0)
		return BANYAN_ENOMEM;
	uint8_t canonical[UINT16_MAX];
	bool twice = rdata_canonical(rdata, len, type, canonical);
	uint8_t *data = pool_take(&b->zone->arena, &b->pool, &b->pool_left, twice ? 2U * len : len);
	if (data == NULL)
		return BANYAN_ENOMEM;
	if (len > 0)
		memcpy(data, rdata, len);
	if (twice)
		memcpy(data + len, canonical, len);
	b->canon_differs |= twice;
	((struct zone_record *)b->records.data)[b->n_records++] = (struct zone_record){
		.data = data,
		.ttl = ttl,
		.line = (uint32_t)line,
		.type = type,
		.len = len,
		.covered = type == WIRE_TYPE_RRSIG && len >= 2 ? wire_get16(data) : 0,
		.twice = twice,
	};
	run_at(b, b->n_runs - 1)->count++;
	return 0;
}

void zone_builder_done(struct zone_builder *b)
{
	region_done(&b->records);
	region_done(&b->runs);
	arena_done(&b->keys);
	zone_free(b->zone);
}
