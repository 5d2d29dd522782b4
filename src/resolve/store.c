// SPDX-License-Identifier: GPL-3.0-or-later
/* The cache's memory: shards of two rings each, looked up by a keyed hash, evicted by S3-FIFO. */
#include "store.h"
#include "denials.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#define STORE_SECURE 2                        /* as enum security says it (rrset.h), in the high half of `kind` */
#define SHARD_BYTES  ((size_t)1 << 20)        /* wished size of a shard; fewer shards when the budget is small */
#define SHARDS_MAX   256                      /* more locks than any machine has threads */
#define BUCKET_BYTES 128                      /* one bucket for so many bytes: entries are about as large */
#define GHOST_BYTES  512                      /* one remembered eviction for so many bytes */
#define SMALL_PART   10                       /* the small ring is a tenth (S3-FIFO) */
#define REINSERT_MAX 16                       /* entries kept by one insertion: bounds the time under the lock */
#define ENTRY_PART   4                        /* an entry takes at most this part of the main ring */
#define ENTRY_MAX    ((size_t)8 * UINT16_MAX) /* ... and half a megabyte: `units` has 16 bits */

/* 28 bytes: there may be millions of them. */
struct entry {
	uint32_t hash;                /* low half; the high half has chosen the shard */
	uint32_t next;                /* reference of the next entry in its bucket, 0 = end */
	uint32_t stored_low, life_ms; /* when it was put (48 bits), how long it lives */
	uint16_t stored_high;
	uint16_t units; /* 8 bytes each: size of the whole entry in the ring */
	uint32_t value_len : 20, freq : 2, live : 1, in_main : 1, rank : 8;
	uint16_t key_len;
	uint8_t kind;
	uint8_t key[];
};
static_assert(offsetof(struct entry, key) <= 28, "entries are small");
static_assert(ENTRY_MAX < (size_t)1 << 20, "the length of a value fits its field");

/* Offsets are from the shard's area; a reference is offset / 8 + 1. */
struct ring {
	size_t start, end; /* the part of the area */
	size_t head, tail; /* next insertion, oldest entry */
	size_t used;       /* bytes from tail to head, gaps at the end included */
};

struct shard {
	pthread_mutex_t lock;
	struct ring small, main;
	uint32_t *bucket, *ghost;
	uint32_t n_buckets, n_ghosts;
	uint8_t *area;
	size_t count;
	size_t evicted; /* by the insertion that runs */
} __attribute__((aligned(64)));

struct resolve_cache {
	size_t mapped, shard_bytes, fixed_bytes;
	uint32_t n_shards; /* a power of two */
	_Atomic uint32_t removals;
	uint8_t key[16];
	struct store_clock clock;
	struct denials *denials;
	struct shard shard[]; /* beside each other: every lookup needs one */
};

/* ---- building ---- */

static size_t round_down(size_t n, size_t to)
{
	return n / to * to;
}

static bool shard_build(struct shard *shard, uint8_t *base, size_t bytes)
{
	size_t pos = 0;
	if (pthread_mutex_init(&shard->lock, NULL) != 0)
		return false;
	shard->n_buckets = (uint32_t)(bytes / BUCKET_BYTES);
	shard->bucket = (uint32_t *)(base + pos);
	pos += shard->n_buckets * sizeof(uint32_t);
	shard->n_ghosts = (uint32_t)(bytes / GHOST_BYTES);
	shard->ghost = (uint32_t *)(base + pos);
	pos += shard->n_ghosts * sizeof(uint32_t);
	pos = (pos + 7) & ~(size_t)7;
	shard->area = base + pos;
	size_t area = round_down(bytes - pos, 8);
	size_t small = round_down(area / SMALL_PART, 8);
	shard->small = (struct ring){0, small, 0, 0, 0};
	shard->main = (struct ring){small, area, small, small, 0};
	return true;
}

int resolve_cache_new_random(size_t budget_bytes, struct random *random, struct resolve_cache **ret)
{
	if (budget_bytes < STORE_BUDGET_MIN)
		return BANYAN_EINVAL;
	size_t mapped = round_down(budget_bytes, 4096), denials = round_down(mapped / DENIALS_PART, 4096);
	uint32_t n = 1;
	while (n < SHARDS_MAX && (mapped - denials) / (n * 2) >= SHARD_BYTES)
		n *= 2;
	size_t head = sizeof(struct resolve_cache) + n * sizeof(struct shard);
	size_t shard_bytes = round_down((mapped - denials - head) / n, 64);
	if (shard_bytes / 8 > UINT32_MAX)
		return BANYAN_ELIMIT;
	/* Mapped, not allocated: pages that nothing was stored in cost nothing, and all go back when it ends. */
	uint8_t *base = mmap(NULL, mapped, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (base == MAP_FAILED)
		return BANYAN_ENOMEM;
	struct resolve_cache *cache = (struct resolve_cache *)base;
	*cache = (struct resolve_cache){.mapped = mapped, .shard_bytes = shard_bytes, .n_shards = n};
	cache->fixed_bytes = head + denials;
	if (pthread_mutex_init(&cache->clock.lock, NULL) != 0) {
		munmap(base, mapped);
		return BANYAN_ENOMEM;
	}
	random_bytes(random, cache->key, sizeof cache->key);
	if (resolve_denials_init(base + mapped - denials, denials, cache->key, &cache->denials) < 0) {
		cache->n_shards = 0;
		resolve_cache_free(cache);
		return BANYAN_ENOMEM;
	}
	for (uint32_t i = 0; i < n; i++) {
		struct shard *shard = &cache->shard[i];
		if (!shard_build(shard, base + head + i * shard_bytes, shard_bytes)) {
			cache->n_shards = i;
			resolve_cache_free(cache);
			return BANYAN_ENOMEM;
		}
		cache->fixed_bytes += shard_bytes - shard->main.end;
	}
	*ret = cache;
	return 0;
}

int resolve_cache_new(size_t budget_bytes, struct resolve_cache **ret)
{
	struct random random;
	random_init_kernel(&random);
	return resolve_cache_new_random(budget_bytes, &random, ret);
}

void resolve_cache_free(struct resolve_cache *cache)
{
	if (cache == NULL)
		return;
	for (uint32_t i = 0; i < cache->n_shards; i++)
		pthread_mutex_destroy(&cache->shard[i].lock);
	pthread_mutex_destroy(&cache->clock.lock);
	resolve_denials_done(cache->denials);
	munmap(cache, cache->mapped);
}

/* ---- the table ---- */

static struct entry *entry_at(const struct shard *shard, uint32_t ref)
{
	return (struct entry *)(shard->area + (size_t)(ref - 1) * 8);
}

static uint32_t entry_ref(const struct shard *shard, const struct entry *entry)
{
	return (uint32_t)(((const uint8_t *)entry - shard->area) / 8 + 1);
}

static size_t entry_size(const struct entry *entry)
{
	return (size_t)entry->units * 8;
}

static int64_t entry_stored(const struct entry *entry)
{
	return (int64_t)((uint64_t)entry->stored_high << 32 | entry->stored_low);
}

static int64_t entry_expires(const struct entry *entry)
{
	return entry_stored(entry) + entry->life_ms;
}

static uint32_t *bucket_of(const struct shard *shard, uint32_t hash)
{
	return &shard->bucket[(uint32_t)(((uint64_t)hash * shard->n_buckets) >> 32)];
}

static struct entry *table_find(const struct shard *shard, uint32_t hash, const uint8_t *key, size_t key_len)
{
	for (uint32_t ref = *bucket_of(shard, hash); ref != 0;) {
		struct entry *entry = entry_at(shard, ref);
		if (entry->hash == hash && entry->key_len == key_len && memcmp(entry->key, key, key_len) == 0)
			return entry;
		ref = entry->next;
	}
	return NULL;
}

static void table_link(struct shard *shard, struct entry *entry)
{
	uint32_t *bucket = bucket_of(shard, entry->hash);
	entry->next = *bucket;
	*bucket = entry_ref(shard, entry);
	entry->live = 1;
	shard->count++;
}

static void table_unlink(struct shard *shard, struct entry *entry)
{
	uint32_t ref = entry_ref(shard, entry);
	uint32_t *at = bucket_of(shard, entry->hash);
	while (*at != ref)
		at = &entry_at(shard, *at)->next;
	*at = entry->next;
	entry->live = 0;
	shard->count--;
}

/* ---- ghosts: hashes of what fell out of the small ring lately ---- */

static void ghost_add(struct shard *shard, uint32_t hash)
{
	shard->ghost[(hash >> 8) % shard->n_ghosts] = hash | 1;
}

static bool ghost_take(struct shard *shard, uint32_t hash)
{
	uint32_t *ghost = &shard->ghost[(hash >> 8) % shard->n_ghosts];
	if (*ghost != (hash | 1))
		return false;
	*ghost = 0;
	return true;
}

/* ---- rings ---- */

/* Bytes that can be taken at `head` without moving it. */
static size_t ring_room(const struct ring *ring)
{
	if (ring->used == 0)
		return ring->end - ring->head;
	if (ring->head > ring->tail)
		return ring->end - ring->head;
	return ring->tail - ring->head; /* 0 when full */
}

/* Gives up what is left at the end of the ring: marked as a dead entry, or too short for one. */
static void ring_wrap_head(struct shard *shard, struct ring *ring)
{
	size_t gap = ring->end - ring->head;
	if (gap >= sizeof(struct entry)) {
		struct entry *filler = (struct entry *)(shard->area + ring->head);
		*filler = (struct entry){.units = (uint16_t)(gap / 8)};
	}
	ring->used += gap;
	ring->head = ring->start;
}

/* Takes the oldest entry out of the ring (its bytes stay readable until the next insertion); NULL for a gap. */
static struct entry *ring_take_tail(struct shard *shard, struct ring *ring)
{
	size_t left = ring->end - ring->tail;
	struct entry *entry = (struct entry *)(shard->area + ring->tail);
	size_t size = left < sizeof(struct entry) ? left : entry_size(entry);
	ring->tail += size;
	ring->used -= size;
	if (ring->tail == ring->end)
		ring->tail = ring->start;
	if (ring->used == 0) /* as good as new: the whole ring in one piece */
		ring->head = ring->tail = ring->start;
	return left < sizeof(struct entry) ? NULL : entry;
}

static struct entry *ring_place(struct shard *shard, struct ring *ring, size_t size)
{
	struct entry *entry = (struct entry *)(shard->area + ring->head);
	ring->head += size;
	ring->used += size;
	if (ring->head == ring->end)
		ring->head = ring->start;
	return entry;
}

static bool entry_dead(const struct entry *entry, int64_t now_ms)
{
	return !entry->live || entry_expires(entry) <= now_ms;
}

/* Moves an entry that was taken from the main ring's tail to its head, if there is room without evicting more. */
static bool main_reinsert(struct shard *shard, struct entry *entry)
{
	size_t size = entry_size(entry);
	if (ring_room(&shard->main) < size)
		return false;
	table_unlink(shard, entry);
	struct entry *to = ring_place(shard, &shard->main, size);
	memmove(to, entry, size);
	table_link(shard, to);
	return true;
}

static void main_evict(struct shard *shard, int64_t now_ms, unsigned *reinserted)
{
	struct entry *entry = ring_take_tail(shard, &shard->main);
	if (entry == NULL || !entry->live)
		return;
	if (!entry_dead(entry, now_ms) && entry->freq > 0 && *reinserted < REINSERT_MAX) {
		entry->freq--;
		(*reinserted)++;
		if (main_reinsert(shard, entry))
			return;
	}
	table_unlink(shard, entry);
	shard->evicted++;
}

/* A place of `size` bytes in the main ring; evicts until there is one. */
static struct entry *main_alloc(struct shard *shard, size_t size, int64_t now_ms)
{
	struct ring *ring = &shard->main;
	unsigned reinserted = 0;
	while (ring_room(ring) < size) {
		if (ring->head >= ring->tail && ring->used < ring->end - ring->start && ring->head != ring->start)
			ring_wrap_head(shard, ring);
		else
			main_evict(shard, now_ms, &reinserted);
	}
	return ring_place(shard, ring, size);
}

static void small_evict(struct shard *shard, int64_t now_ms)
{
	struct entry *entry = ring_take_tail(shard, &shard->small);
	if (entry == NULL || !entry->live)
		return;
	/* what nobody asked for goes, unless there is room to spare */
	bool keep = !entry_dead(entry, now_ms) && (entry->freq > 0 || ring_room(&shard->main) >= entry_size(entry));
	table_unlink(shard, entry);
	if (!keep) {
		ghost_add(shard, entry->hash);
		shard->evicted++;
		return;
	}
	struct entry *to = main_alloc(shard, entry_size(entry), now_ms);
	memcpy(to, entry, entry_size(entry));
	to->freq = 0;
	to->in_main = 1;
	table_link(shard, to);
}

static struct entry *small_alloc(struct shard *shard, size_t size, int64_t now_ms)
{
	struct ring *ring = &shard->small;
	while (ring_room(ring) < size) {
		if (ring->head >= ring->tail && ring->used < ring->end - ring->start && ring->head != ring->start)
			ring_wrap_head(shard, ring);
		else
			small_evict(shard, now_ms);
	}
	return ring_place(shard, ring, size);
}

/* ---- what the cache calls ---- */

static struct shard *shard_lock(struct resolve_cache *cache, const uint8_t *key, size_t key_len, uint32_t *ret_hash)
{
	uint64_t hash = hash_sip(key, key_len, cache->key);
	struct shard *shard = &cache->shard[(hash >> 40) & (cache->n_shards - 1)];
	pthread_mutex_lock(&shard->lock);
	*ret_hash = (uint32_t)hash;
	return shard;
}

static struct store_value value_of(const struct entry *entry, const uint8_t *data)
{
	return (struct store_value){.stored_ms = entry_stored(entry),
				    .expires_ms = entry_expires(entry),
				    .rank = entry->rank,
				    .kind = entry->kind,
				    .asked = entry->freq,
				    .data = data,
				    .len = entry->value_len};
}

int resolve_store_get(struct resolve_cache *cache, const uint8_t *key, size_t key_len, int64_t now_ms,
		      struct arena *arena, struct store_value *ret)
{
	uint32_t hash;
	int rc = BANYAN_ENOENT;
	struct shard *shard = shard_lock(cache, key, key_len, &hash);
	struct entry *entry = table_find(shard, hash, key, key_len);
	if (entry != NULL && entry_expires(entry) > now_ms) {
		const uint8_t *copy = arena_dup(arena, entry->key + entry->key_len, entry->value_len);
		rc = copy == NULL ? BANYAN_ENOMEM : 0;
		if (entry->freq < STORE_ASKED_MAX)
			entry->freq++;
		if (copy != NULL)
			*ret = value_of(entry, copy);
	}
	pthread_mutex_unlock(&shard->lock);
	return rc;
}

static void entry_fill(struct entry *entry, int64_t now_ms, const struct store_value *value)
{
	int64_t life_ms = value->expires_ms - now_ms;
	entry->stored_low = (uint32_t)now_ms;
	entry->stored_high = (uint16_t)((uint64_t)now_ms >> 32);
	entry->life_ms = (uint32_t)(life_ms < 0 ? 0 : life_ms > STORE_LIFE_MAX_MS ? STORE_LIFE_MAX_MS : life_ms);
	entry->rank = value->rank;
	entry->kind = value->kind;
	entry->value_len = (uint32_t)value->len & (((uint32_t)1 << 20) - 1); /* put() has bounded it */
	memcpy(entry->key + entry->key_len, value->data, value->len);
}

/* Fits the new value where the old one is, without wasting more than half of the place? */
static bool fits_in_place(const struct entry *old, size_t size)
{
	return size <= entry_size(old) && size >= entry_size(old) / 2;
}

/* RFC 2181 section 5.4.1, and RFC 4035 section 4.3: what is proved gives way to nothing that may be forged. */
static bool is_better(const struct entry *old, const struct store_value *value, int64_t now_ms)
{
	unsigned proved = old->kind >> 4, offered = value->kind >> 4;
	if (entry_expires(old) <= now_ms)
		return false;
	return old->rank > value->rank || (offered == 0 && proved == STORE_SECURE);
}

int resolve_store_put(struct resolve_cache *cache, const uint8_t *key, size_t key_len, int64_t now_ms,
		      const struct store_value *value)
{
	uint32_t hash;
	struct shard *shard = shard_lock(cache, key, key_len, &hash);
	size_t size = (offsetof(struct entry, key) + key_len + value->len + 7) & ~(size_t)7;
	if (size < sizeof(struct entry))
		size = sizeof(struct entry);
	int rc = 0;
	struct entry *old = table_find(shard, hash, key, key_len);
	if (old != NULL && is_better(old, value, now_ms)) {
		rc = BANYAN_EEXIST;
	} else if (size > (shard->main.end - shard->main.start) / ENTRY_PART || size > ENTRY_MAX) {
		rc = BANYAN_ELIMIT;
	} else if (old != NULL && fits_in_place(old, size)) {
		entry_fill(old, now_ms, value);
	} else {
		bool to_main = size > (shard->small.end - shard->small.start) / ENTRY_PART;
		if (old != NULL) {
			to_main = to_main || old->in_main;
			table_unlink(shard, old);
		} else {
			to_main = ghost_take(shard, hash) || to_main;
		}
		shard->evicted = 0;
		struct entry *entry = to_main ? main_alloc(shard, size, now_ms) : small_alloc(shard, size, now_ms);
		*entry = (struct entry){.hash = hash, .units = (uint16_t)(size / 8), .key_len = (uint16_t)key_len};
		entry->in_main = to_main;
		entry->freq = value->asked & STORE_ASKED_MAX;
		memcpy(entry->key, key, key_len);
		entry_fill(entry, now_ms, value);
		table_link(shard, entry);
		rc = (int)shard->evicted;
	}
	pthread_mutex_unlock(&shard->lock);
	return rc;
}

size_t resolve_store_delete(struct resolve_cache *cache, const uint8_t *key, size_t key_len)
{
	uint32_t hash;
	struct shard *shard = shard_lock(cache, key, key_len, &hash);
	struct entry *entry = table_find(shard, hash, key, key_len);
	if (entry != NULL)
		table_unlink(shard, entry);
	pthread_mutex_unlock(&shard->lock);
	return entry != NULL;
}

static size_t bucket_delete_if(struct shard *shard, uint32_t bucket,
			       bool (*match)(void *ctx, const uint8_t *key, size_t len), void *ctx)
{
	size_t n = 0;
	for (uint32_t ref = shard->bucket[bucket]; ref != 0;) {
		struct entry *entry = entry_at(shard, ref);
		ref = entry->next;
		if (!match(ctx, entry->key, entry->key_len))
			continue;
		table_unlink(shard, entry);
		n++;
	}
	return n;
}

size_t resolve_store_delete_if(struct resolve_cache *cache, bool (*match)(void *ctx, const uint8_t *key, size_t len),
			       void *ctx)
{
	size_t n = 0;
	for (uint32_t i = 0; i < cache->n_shards; i++) {
		struct shard *shard = &cache->shard[i];
		pthread_mutex_lock(&shard->lock);
		for (uint32_t b = 0; b < shard->n_buckets; b++)
			n += bucket_delete_if(shard, b, match, ctx);
		pthread_mutex_unlock(&shard->lock);
	}
	atomic_fetch_add_explicit(&cache->removals, 1, memory_order_release);
	return n;
}

uint32_t resolve_store_removals(const struct resolve_cache *cache)
{
	return atomic_load_explicit(&cache->removals, memory_order_acquire);
}

struct denials *resolve_store_denials(struct resolve_cache *cache)
{
	return cache->denials;
}

struct store_clock *resolve_store_clock(struct resolve_cache *cache)
{
	return &cache->clock;
}

bool resolve_store_visit(struct resolve_cache *cache, struct resolve_cache_cursor *cursor, uint32_t buckets,
			 void (*fn)(void *ctx, const struct store_item *item), void *ctx)
{
	if (cursor->shard >= cache->n_shards)
		return false;
	struct shard *shard = &cache->shard[cursor->shard];
	pthread_mutex_lock(&shard->lock);
	uint32_t end = shard->n_buckets - cursor->bucket < buckets ? shard->n_buckets : cursor->bucket + buckets;
	for (; cursor->bucket < end; cursor->bucket++) {
		for (uint32_t ref = shard->bucket[cursor->bucket]; ref != 0;) {
			const struct entry *entry = entry_at(shard, ref);
			struct store_item item = {entry->key, entry->key_len,
						  value_of(entry, entry->key + entry->key_len)};
			fn(ctx, &item);
			ref = entry->next;
		}
	}
	bool last = end == shard->n_buckets;
	pthread_mutex_unlock(&shard->lock);
	if (last)
		*cursor = (struct resolve_cache_cursor){.shard = cursor->shard + 1};
	return cursor->shard < cache->n_shards;
}

size_t resolve_store_mapped(const struct resolve_cache *cache)
{
	return cache->mapped;
}

size_t resolve_cache_bytes(const struct resolve_cache *cache)
{
	size_t bytes = cache->fixed_bytes;
	for (uint32_t i = 0; i < cache->n_shards; i++) {
		struct shard *shard = (struct shard *)&cache->shard[i]; /* its lock */
		pthread_mutex_lock(&shard->lock);
		bytes += shard->small.used + shard->main.used;
		pthread_mutex_unlock(&shard->lock);
	}
	return bytes;
}

size_t resolve_cache_count(const struct resolve_cache *cache)
{
	size_t count = 0;
	for (uint32_t i = 0; i < cache->n_shards; i++) {
		struct shard *shard = (struct shard *)&cache->shard[i]; /* its lock */
		pthread_mutex_lock(&shard->lock);
		count += shard->count;
		pthread_mutex_unlock(&shard->lock);
	}
	return count;
}
