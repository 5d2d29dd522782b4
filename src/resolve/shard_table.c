// SPDX-License-Identifier: GPL-3.0-or-later
/* The table of a shard, which grows with the entries in it. */
#include "shard.h"

#include <string.h>

#define BUCKETS_FIRST                                                                                                  \
	64 /* at least, and less than twice as many: a shard that is hardly used takes no more than a page for them */
#define BUCKETS_EACH 2  /* for an entry, while there is room: to look in vain costs half a look at another entry */
#define SPLIT_STEP   16 /* buckets split by one insertion: a cache line of them, some microseconds under the lock */

size_t resolve_shard_table(struct shard *shard, uint8_t *memory, uint32_t buckets_max)
{
	uint32_t n = buckets_max, times = 1;
	for (; n >= 2 * BUCKETS_FIRST; n /= 2)
		times *= 2;
	shard->bucket = (uint32_t *)memory;
	shard->n_buckets = shard->split = n;
	shard->buckets_max = n * times;
	return shard->buckets_max * sizeof(uint32_t);
}

uint32_t resolve_shard_buckets(const struct shard *shard)
{
	return shard->split + 2 * (shard->n_buckets - shard->split);
}

static uint32_t *bucket_of(const struct shard *shard, uint32_t hash)
{
	uint64_t place = (uint64_t)hash * shard->n_buckets;
	if (place >> 32 >= shard->split)
		place *= 2;
	return &shard->bucket[place >> 32];
}

uint32_t *resolve_shard_bucket(const struct shard *shard, uint32_t at, uint32_t *ret_next)
{
	uint32_t width = shard->buckets_max / shard->n_buckets;
	if (at / width >= shard->split)
		width /= 2;
	*ret_next = (at / width + 1) * width;
	return &shard->bucket[at / width];
}

struct entry *resolve_shard_find(const struct shard *shard, uint32_t hash, const uint8_t *key, size_t key_len)
{
	if (shard->count == 0) /* nothing was written there yet: to read it would cost a page fault more */
		return NULL;
	for (uint32_t ref = *bucket_of(shard, hash); ref != 0;) {
		struct entry *entry = shard_entry_at(shard, ref);
		if (entry->hash == hash && entry->key_len == key_len && memcmp(entry->key, key, key_len) == 0)
			return entry;
		ref = entry->next;
	}
	return NULL;
}

static uint32_t entry_ref(const struct shard *shard, const struct entry *entry)
{
	return (uint32_t)(((const uint8_t *)entry - shard->area) / 8 + 1);
}

void resolve_shard_link(struct shard *shard, struct entry *entry)
{
	uint32_t *bucket = bucket_of(shard, entry->hash);
	entry->next = *bucket;
	*bucket = entry_ref(shard, entry);
	entry->live = 1;
	shard->count++;
}

void resolve_shard_unlink(struct shard *shard, struct entry *entry)
{
	uint32_t ref = entry_ref(shard, entry);
	uint32_t *at = bucket_of(shard, entry->hash);
	while (*at != ref)
		at = &shard_entry_at(shard, *at)->next;
	*at = entry->next;
	entry->live = 0;
	shard->count--;
}

/* The places 2i and 2i + 1 are free: what was in them has been split before. */
static void bucket_split(struct shard *shard, uint32_t i)
{
	uint32_t half[2] = {0}, ref = shard->bucket[i];
	uint32_t *end[2] = {&half[0], &half[1]};
	while (ref != 0) {
		struct entry *entry = shard_entry_at(shard, ref);
		unsigned upper = ((uint64_t)entry->hash * shard->n_buckets * 2) >> 32 & 1;
		*end[upper] = ref;
		end[upper] = &entry->next;
		ref = entry->next;
	}
	*end[0] = *end[1] = 0;
	memcpy(&shard->bucket[2 * (size_t)i], half, sizeof half);
}

/* The entries of these buckets are anywhere in memory: to have asked for all of them at once is to wait once. */
static void chains_prefetch(const struct shard *shard, uint32_t first, uint32_t end)
{
	for (uint32_t i = first; i < end; i++)
		if (shard->bucket[i] != 0)
			__builtin_prefetch(shard_entry_at(shard, shard->bucket[i]), 1);
	for (uint32_t i = first; i < end; i++)
		if (shard->bucket[i] != 0 && shard_entry_at(shard, shard->bucket[i])->next != 0)
			__builtin_prefetch(shard_entry_at(shard, shard_entry_at(shard, shard->bucket[i])->next), 1);
}

void resolve_shard_grow(struct shard *shard)
{
	uint32_t n = resolve_shard_buckets(shard);
	if (BUCKETS_EACH * shard->count <= n || n == shard->buckets_max)
		return;
	uint32_t until = shard->split < SPLIT_STEP ? 0 : shard->split - SPLIT_STEP;
	chains_prefetch(shard, until, shard->split);
	while (shard->split > until)
		bucket_split(shard, --shard->split);
	if (shard->split == 0)
		shard->split = shard->n_buckets *= 2;
}

void resolve_shard_expect(struct shard *shard, size_t entries)
{
	if (shard->count > 0 || shard->split != shard->n_buckets)
		return;
	while (shard->n_buckets < BUCKETS_EACH * entries && shard->n_buckets < shard->buckets_max)
		shard->split = shard->n_buckets *= 2;
	/* It is zero already; but to write its pages now spares those that would be read first a page fault each. */
	memset(shard->bucket, 0, shard->n_buckets * sizeof(uint32_t));
}
