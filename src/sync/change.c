// SPDX-License-Identifier: GPL-3.0-or-later
/* The changes of a transfer, and the version of the zone that they make of the one before. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

int sync_change_put(struct buffer *changes, const struct sync_change *change)
{
	uint8_t head[SYNC_CHANGE_HEAD];
	head[0] = change->op;
	wire_put16(head + 1, change->type);
	wire_put32(head + 3, change->ttl);
	wire_put16(head + 7, change->len);
	int rc = buffer_append(changes, head, sizeof head);
	if (rc == 0)
		rc = buffer_append(changes, change->owner, wire_name_len(change->owner));
	return rc == 0 ? buffer_append(changes, change->data, change->len) : rc;
}

bool sync_change_next(const struct buffer *changes, size_t *pos, struct sync_change *ret)
{
	if (*pos == changes->len)
		return false;
	const uint8_t *p = changes->data + *pos;
	*ret = (struct sync_change){
		.op = p[0],
		.type = wire_get16(p + 1),
		.ttl = wire_get32(p + 3),
		.len = wire_get16(p + 7),
		.owner = p + SYNC_CHANGE_HEAD,
	};
	size_t owner_len = wire_name_len(ret->owner);
	ret->data = ret->owner + owner_len;
	*pos += SYNC_CHANGE_HEAD + owner_len + ret->len;
	return true;
}

/* ---- records that differences touch ---- */

/* A record, as it stands after all changes so far. */
struct touched {
	struct sync_change record; /* its latest change */
	bool there;                /* after it */
	bool was;                  /* in the base */
	bool seen;                 /* in the base, as was expected */
};

struct touches {
	size_t n, mask;
	struct touched *item;
	uint32_t *slot; /* index + 1 */
	uint8_t key[16];
};

static void touches_done(struct touches *touches)
{
	free(touches->item);
	free(touches->slot);
}

/* Data as two records are compared: names in them in lower case (RFC 4034 section 6.2). Returns `data` or `room`. */
static const uint8_t *canonical(const uint8_t *data, uint16_t len, uint16_t type, uint8_t room[WIRE_MESSAGE_MAX])
{
	if (wire_rdata_name_at(data, len, type, 0) < 0 && type != WIRE_TYPE_RRSIG)
		return data;
	memcpy(room, data, len);
	wire_rdata_canonical(room, len, type);
	return room;
}

static bool same_record(const struct sync_change *a, const uint8_t *owner, uint16_t type, const uint8_t *data,
			uint16_t len)
{
	static _Thread_local uint8_t room[WIRE_MESSAGE_MAX];
	return a->type == type && a->len == len && wire_name_equal(a->owner, owner) &&
	       memcmp(canonical(a->data, a->len, type, room), data, len) == 0;
}

/* The slot of the record, whose data are canonical: one that is free, or the record's. */
static uint32_t *slot_of(const struct touches *t, const uint8_t *owner, uint16_t type, const uint8_t *data,
			 uint16_t len)
{
	uint64_t hash = hash_sip(owner, wire_name_len(owner), t->key) ^ hash_sip(data, len, t->key) ^ type;
	for (size_t i = hash & t->mask;; i = (i + 1) & t->mask)
		if (t->slot[i] == 0 || same_record(&t->item[t->slot[i] - 1].record, owner, type, data, len))
			return &t->slot[i];
}

/* BANYAN_EMALF: a record goes that is not there, or comes twice. */
static int touch(struct touches *t, const struct sync_change *change)
{
	static _Thread_local uint8_t room[WIRE_MESSAGE_MAX];
	const uint8_t *data = canonical(change->data, change->len, change->type, room);
	uint32_t *slot = slot_of(t, change->owner, change->type, data, change->len);
	bool add = change->op == SYNC_ADD;
	if (*slot == 0) {
		t->item[t->n] = (struct touched){.record = *change, .there = add, .was = !add};
		*slot = (uint32_t)++t->n;
		return 0;
	}
	struct touched *touched = &t->item[*slot - 1];
	if (touched->there == add)
		return BANYAN_EMALF;
	touched->record = *change;
	touched->there = add;
	return 0;
}

static int touches_make(const struct sync_transfer *transfer, struct touches *ret)
{
	size_t n = transfer->n_changes, slots = 16, pos = 0;
	struct random random;
	struct sync_change change;
	while (slots < n * 2)
		slots *= 2;
	*ret = (struct touches){
		.mask = slots - 1, .item = calloc(n + 1, sizeof *ret->item), .slot = calloc(slots, sizeof *ret->slot)};
	if (ret->item == NULL || ret->slot == NULL || n > UINT32_MAX / 4)
		return BANYAN_ENOMEM;
	random_init_seed(&random, transfer->settings.seed);
	random_bytes(&random, ret->key, sizeof ret->key);
	int rc = 0;
	while (rc == 0 && sync_change_next(&transfer->changes, &pos, &change))
		rc = touch(ret, &change);
	return rc;
}

/* ---- the new version ---- */

static int add_base_set(struct zone_maker *maker, const struct wire_rrset *set, const struct wire_rrset *canonical_set,
			struct touches *touches)
{
	int rc = 0;
	for (uint32_t i = 0; i < set->count && rc == 0; i++) {
		const struct wire_rdata *rdata = &canonical_set->rdata[i];
		uint32_t slot = *slot_of(touches, set->owner, set->type, rdata->data, rdata->len);
		if (slot == 0) {
			rc = zone_maker_add(maker, set->owner, set->type, set->ttl, set->rdata[i].data,
					    set->rdata[i].len);
		} else {
			struct touched *touched = &touches->item[slot - 1];
			if (!touched->was)
				return BANYAN_EMALF; /* it was to come, and stands there already */
			touched->seen = true;
		}
	}
	return rc;
}

static int add_base(struct zone_maker *maker, const struct zone *base, struct touches *touches)
{
	int rc = 0;
	for (size_t i = 0; i < base->n_sets && rc == 0; i++)
		if (base->set[i].type != WIRE_TYPE_SOA || !wire_name_equal(base->set[i].owner, base->apex))
			rc = add_base_set(maker, &base->set[i], &base->canonical[i], touches);
	for (size_t i = 0; i < touches->n && rc == 0; i++) {
		const struct touched *touched = &touches->item[i];
		const struct sync_change *record = &touched->record;
		if (touched->was && !touched->seen)
			return BANYAN_EMALF; /* it was to go, and was not there */
		if (touched->there)
			rc = zone_maker_add(maker, record->owner, record->type, record->ttl, record->data, record->len);
	}
	return rc;
}

static int add_whole(struct zone_maker *maker, const struct sync_transfer *transfer)
{
	struct sync_change change;
	size_t pos = 0;
	int rc = 0;
	while (rc == 0 && sync_change_next(&transfer->changes, &pos, &change))
		rc = zone_maker_add(maker, change.owner, change.type, change.ttl, change.data, change.len);
	return rc;
}

static bool fits(const struct sync_transfer *transfer, const struct zone *base)
{
	return transfer->is_whole ||
	       (base != NULL && transfer->settings.have && base->serial == transfer->settings.serial &&
		wire_name_equal(base->apex, transfer->apex));
}

int sync_transfer_zone(const struct sync_transfer *transfer, const struct zone *base, struct zone **ret)
{
	_cleanup_(touches_done) struct touches touches = {0};
	struct zone_maker *maker = NULL;
	if (transfer->expect != EXPECT_NOTHING || !fits(transfer, base))
		return BANYAN_EINVAL;
	int rc = zone_maker_new(transfer->apex, "transfer", &maker);
	if (rc < 0)
		return rc;
	rc = zone_maker_add(maker, transfer->apex, WIRE_TYPE_SOA, transfer->soa_ttl, transfer->soa, transfer->soa_len);
	if (rc == 0 && transfer->is_whole)
		rc = add_whole(maker, transfer);
	else if (rc == 0 && (rc = touches_make(transfer, &touches)) == 0)
		rc = add_base(maker, base, &touches);
	if (rc == 0)
		return zone_maker_finish(maker, ret);
	zone_maker_free(maker);
	return rc;
}

bool sync_timers_of(const struct zone *zone, struct sync_timers *ret)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *soa = apex == NULL ? NULL : zone_node_set(zone, apex, WIRE_TYPE_SOA);
	if (soa == NULL || soa->rdata[0].len < 22)
		return false;
	const uint8_t *numbers = soa->rdata[0].data + soa->rdata[0].len - 20;
	*ret = (struct sync_timers){
		.serial = wire_get32(numbers),
		.refresh = wire_get32(numbers + 4),
		.retry = wire_get32(numbers + 8),
		.expire = wire_get32(numbers + 12),
	};
	return true;
}
