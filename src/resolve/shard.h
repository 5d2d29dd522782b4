// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * shard - one part of the store, for store.c alone, which holds its lock: a table of entries and the two rings where they stand.
 *
 *   table:  buckets (u32) that lead to chains of entries
 *   ghosts: hashes (u32) of what fell out of the small ring lately
 *   area:   | small ring | main ring |, in which an entry is | struct entry | key | value | padding to 8 |
 *
 * Bucket i of n has the hashes from i / n to (i + 1) / n of all. So when n doubles, bucket i becomes 2i and 2i + 1, and all can be split
 * where they are, from the last to the first. Some are split whenever there are less than two for an entry, up to the room for them: so no
 * insertion waits for a whole table, and a young table is a page and not all of its room.
 */
#pragma once

#include "store.h"

/* 28 bytes: there may be millions of them. */
struct entry {
	uint32_t hash;                /* low half; the high half has chosen the shard */
	uint32_t next;                /* reference of the next entry in its bucket, 0 = end */
	uint32_t stored_low, life_ms; /* when it was put (48 bits), how long it lives */
	uint16_t stored_high;
	uint16_t units; /* 8 bytes each: size of the whole entry in the ring */
	uint32_t value_len : 20, live : 1, in_main : 1, rank : 8;
	uint16_t key_len;
	uint8_t kind, freq;
	uint8_t key[];
};

#define SHARD_ENTRY_MAX ((size_t)8 * UINT16_MAX) /* half a megabyte: `units` has 16 bits */

/* Offsets are from the shard's area; a reference is offset / 8 + 1. */
struct ring {
	size_t start, end; /* the part of the area */
	size_t head, tail; /* next insertion, oldest entry */
	size_t used;       /* bytes from tail to head, gaps at the end included */
};

struct shard {
	pthread_mutex_t lock;
	uint32_t version; /* odd while something is changed (shard_peek.c) */
	struct ring small, main;
	uint32_t *bucket, *ghost;
	uint32_t n_buckets;   /* before the doubling that is under way */
	uint32_t split;       /* buckets from here on are split already; n_buckets = none is */
	uint32_t buckets_max; /* n_buckets times a power of two */
	uint32_t n_ghosts;
	bool haunted; /* there has been a ghost */
	uint8_t *area;
	size_t count;
	size_t evicted; /* by the insertion that runs */
} __attribute__((aligned(64)));

static inline size_t shard_entry_size(const struct entry *entry)
{
	return (size_t)entry->units * 8;
}

static inline int64_t shard_entry_stored(const struct entry *entry)
{
	return (int64_t)((uint64_t)entry->stored_high << 32 | entry->stored_low);
}

static inline int64_t shard_entry_expires(const struct entry *entry)
{
	return shard_entry_stored(entry) + entry->life_ms;
}

static inline struct entry *shard_entry_at(const struct shard *shard, uint32_t ref)
{
	return (struct entry *)(shard->area + (size_t)(ref - 1) * 8);
}

#ifdef __SANITIZE_THREAD__ /* gcc does not follow fences; what they are for is not looked at anyway (shard_peek.c) */
#pragma GCC diagnostic ignored "-Wtsan"
#endif

/* Whoever changes anything but `freq`, under the lock, does so between these two. */
static inline void shard_change_begin(struct shard *shard)
{
	__atomic_store_n(&shard->version, shard->version + 1, __ATOMIC_RELAXED);
	atomic_thread_fence(memory_order_release);
}

static inline void shard_change_end(struct shard *shard)
{
	__atomic_store_n(&shard->version, shard->version + 1, __ATOMIC_RELEASE);
}

/* ---- shard_peek.c ---- */

/* Without the lock: copies head and value of an entry that may have expired, the value somewhere into `out`. BANYAN_ENOENT; BANYAN_ELIMIT
 * (it takes more than `cap`); BANYAN_EAGAIN: somebody changes the shard, so only its lock can tell. */
int resolve_shard_peek(const struct shard *shard, uint32_t hash, const uint8_t *key, size_t key_len, uint8_t *out,
		       size_t cap, struct entry *ret_head, const uint8_t **ret_value) _must_use_;

/* ---- shard_table.c ---- */

/* Takes its part of the zeroed memory for at most `buckets_max` buckets; returns the bytes. */
size_t resolve_shard_table(struct shard *shard, uint8_t *memory, uint32_t buckets_max);
struct entry *resolve_shard_find(const struct shard *shard, uint32_t hash, const uint8_t *key, size_t key_len);
void resolve_shard_link(struct shard *shard, struct entry *entry);
void resolve_shard_unlink(struct shard *shard, struct entry *entry);
/* Splits some buckets when there are too few for the entries. */
void resolve_shard_grow(struct shard *shard);
uint32_t resolve_shard_buckets(const struct shard *shard);
/* So many entries are to come. While it is empty, the table can have their size at once. */
void resolve_shard_expect(struct shard *shard, size_t entries);
/* Going through the table while it may grow between two calls: returns the bucket where place `at` is, and the place of the next one;
 * the last is followed by buckets_max. */
uint32_t *resolve_shard_bucket(const struct shard *shard, uint32_t at, uint32_t *ret_next);

/* ---- shard_rings.c: S3-FIFO ---- */

/* Takes the rest of the memory, ghosts first. */
void resolve_shard_rings(struct shard *shard, uint8_t *memory, size_t bytes, uint32_t n_ghosts);
/* A place for a new entry of that hash and size; evicts until there is one, and adds to shard->evicted. `in_main`: it is to stay in the
 * main ring, where an older value of it was. The entry says in which ring it is. */
struct entry *resolve_shard_place(struct shard *shard, uint32_t hash, size_t size, bool in_main, int64_t now_ms);
/* Bytes that are in use, of the table and the ghosts too. */
size_t resolve_shard_bytes(const struct shard *shard);
/* Is there any place for an entry so large? */
bool resolve_shard_fits(const struct shard *shard, size_t size);
