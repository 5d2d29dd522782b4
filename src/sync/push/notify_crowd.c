// SPDX-License-Identifier: GPL-3.0-or-later
/* How many peers are registered from each address and from each network, so that nobody has the table to himself. */
#include "notify_private.h"

#include <stdlib.h>
#include <string.h>

/* What one customer has, and what one provider has. */
static uint8_t crowd_bits(enum crowd_kind kind, uint8_t family)
{
	if (kind == CROWD_ADDRESS)
		return family == 4 ? 32 : 64;
	return family == 4 ? 16 : 32;
}

static void prefix_of(enum crowd_kind kind, const struct addr *addr, uint8_t out[8])
{
	memset(out, 0, 8);
	memcpy(out, addr->ip, crowd_bits(kind, addr->family) / 8);
}

static uint32_t *bucket_of(const struct push_notify *notify, uint8_t family, uint8_t bits, const uint8_t prefix[8])
{
	uint8_t key[16], data[10] = {family, bits};
	memcpy(key, notify->hash_key, sizeof key);
	memcpy(data + 2, prefix, 8);
	return &notify->crowd_bucket[hash_quick(data, sizeof data, key) & (notify->n_crowd_buckets - 1)];
}

static uint32_t crowd_find(const struct push_notify *notify, enum crowd_kind kind, const struct addr *addr)
{
	uint8_t prefix[8], bits = crowd_bits(kind, addr->family);
	if (notify->n_crowd_buckets == 0)
		return NO_PEER;
	prefix_of(kind, addr, prefix);
	uint32_t at = *bucket_of(notify, addr->family, bits, prefix);
	for (; at != NO_PEER; at = notify->crowd[at].next) {
		const struct crowd *crowd = &notify->crowd[at];
		if (crowd->family == addr->family && crowd->bits == bits && memcmp(crowd->prefix, prefix, 8) == 0)
			break;
	}
	return at;
}

uint32_t crowd_count(const struct push_notify *notify, enum crowd_kind kind, const struct addr *addr)
{
	uint32_t at = crowd_find(notify, kind, addr);
	return at == NO_PEER ? 0 : notify->crowd[at].count;
}

/* ---- growing ---- */

static int buckets_grow(struct push_notify *notify)
{
	uint32_t n = notify->n_crowd_buckets == 0 ? BUCKETS_MIN : notify->n_crowd_buckets * 2;
	uint32_t *bucket = malloc(n * sizeof *bucket);
	if (bucket == NULL)
		return BANYAN_ENOMEM;
	memset(bucket, 0xff, n * sizeof *bucket);
	free(notify->crowd_bucket);
	notify->crowd_bucket = bucket;
	notify->n_crowd_buckets = n;
	for (uint32_t i = 0; i < notify->n_crowds; i++) {
		struct crowd *crowd = &notify->crowd[i];
		if (crowd->count == 0)
			continue;
		uint32_t *to = bucket_of(notify, crowd->family, crowd->bits, crowd->prefix);
		crowd->next = *to;
		*to = i;
	}
	return 0;
}

static uint32_t crowd_place(struct push_notify *notify)
{
	uint32_t at = notify->free_crowd;
	if (at != NO_PEER) {
		notify->free_crowd = notify->crowd[at].next;
		return at;
	}
	if (notify->n_crowds == notify->cap_crowds) {
		uint32_t cap = notify->cap_crowds < 4 ? 4 : notify->cap_crowds * 2;
		struct crowd *crowd = realloc(notify->crowd, cap * sizeof *crowd);
		if (crowd == NULL)
			return NO_PEER;
		notify->crowd = crowd;
		notify->cap_crowds = cap;
	}
	return notify->n_crowds++;
}

static int crowd_add(struct push_notify *notify, enum crowd_kind kind, const struct addr *addr)
{
	uint32_t at = crowd_find(notify, kind, addr);
	if (at != NO_PEER) {
		uint32_t n = ++notify->crowd[at].count;
		if (kind == CROWD_NETWORK && n > notify->crowd_most)
			notify->crowd_most = n;
		return 0;
	}
	if (notify->n_crowds >= notify->n_crowd_buckets && buckets_grow(notify) < 0)
		return BANYAN_ENOMEM;
	at = crowd_place(notify);
	if (at == NO_PEER)
		return BANYAN_ENOMEM;
	struct crowd *crowd = &notify->crowd[at];
	*crowd = (struct crowd){.family = addr->family, .bits = crowd_bits(kind, addr->family), .count = 1};
	if (kind == CROWD_NETWORK && notify->crowd_most == 0)
		notify->crowd_most = 1;
	prefix_of(kind, addr, crowd->prefix);
	uint32_t *bucket = bucket_of(notify, crowd->family, crowd->bits, crowd->prefix);
	crowd->next = *bucket;
	*bucket = at;
	return 0;
}

static void crowd_drop(struct push_notify *notify, enum crowd_kind kind, const struct addr *addr)
{
	uint32_t at = crowd_find(notify, kind, addr);
	struct crowd *crowd = &notify->crowd[at];
	if (--crowd->count > 0)
		return;
	uint32_t *link = bucket_of(notify, crowd->family, crowd->bits, crowd->prefix);
	while (*link != at)
		link = &notify->crowd[*link].next;
	*link = crowd->next;
	crowd->next = notify->free_crowd;
	notify->free_crowd = at;
}

int crowd_join(struct push_notify *notify, const struct addr *addr)
{
	int rc = crowd_add(notify, CROWD_ADDRESS, addr);
	if (rc < 0)
		return rc;
	rc = crowd_add(notify, CROWD_NETWORK, addr);
	if (rc < 0)
		crowd_drop(notify, CROWD_ADDRESS, addr);
	return rc;
}

void crowd_leave(struct push_notify *notify, const struct addr *addr)
{
	crowd_drop(notify, CROWD_ADDRESS, addr);
	crowd_drop(notify, CROWD_NETWORK, addr);
}

/* ---- a full table ---- */

uint32_t crowd_largest(struct push_notify *notify, struct addr *ret)
{
	uint32_t most = 0;
	for (uint32_t i = 0; i < notify->n_crowds; i++) {
		const struct crowd *crowd = &notify->crowd[i];
		if (crowd->count <= most || crowd->bits != crowd_bits(CROWD_NETWORK, crowd->family))
			continue;
		most = crowd->count;
		*ret = (struct addr){.family = crowd->family};
		memcpy(ret->ip, crowd->prefix, 8);
	}
	notify->crowd_most = most;
	return most;
}

bool crowd_same_network(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, crowd_bits(CROWD_NETWORK, a->family) / 8) == 0;
}

void crowd_done(struct push_notify *notify)
{
	free(notify->crowd);
	free(notify->crowd_bucket);
}
