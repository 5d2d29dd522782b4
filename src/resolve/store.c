// SPDX-License-Identifier: GPL-3.0-or-later
/* The cache's memory: shards of two rings each, looked up by a keyed hash, evicted by S3-FIFO. */
#include "store.h"
#include "denials.h"
#include "shard.h"

#include <assert.h>
#include <string.h>
#include <sys/mman.h>

#define STORE_SECURE 2                 /* as enum security says it (rrset.h), in the high half of `kind` */
#define SHARD_BYTES  ((size_t)1 << 20) /* wished size of a shard; fewer shards when the budget is small */
#define SHARDS_MAX   256               /* more locks than any machine has threads */
#define BUCKET_BYTES 128               /* room for one bucket for so many bytes: entries are about as large */
#define GHOST_BYTES  512               /* one remembered eviction for so many bytes */

static_assert(offsetof(struct entry, key) <= 28, "entries are small");
static_assert(SHARD_ENTRY_MAX < (size_t)1 << 20, "the length of a value fits its field");

struct resolve_cache {
	size_t mapped, shard_bytes;
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
	if (pthread_mutex_init(&shard->lock, NULL) != 0)
		return false;
	size_t table = resolve_shard_table(shard, base, (uint32_t)(bytes / BUCKET_BYTES));
	resolve_shard_rings(shard, base + table, bytes - table, (uint32_t)(bytes / GHOST_BYTES));
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
	/* A huge page would be there in whole for the first entry in it, and each shard has its own. */
	(void)!madvise(base, mapped, MADV_NOHUGEPAGE);
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

/* ---- what the cache calls ---- */

static struct shard *shard_of(struct resolve_cache *cache, uint64_t hash)
{
	return &cache->shard[(hash >> 40) & (cache->n_shards - 1)];
}

static struct shard *shard_lock(struct resolve_cache *cache, const uint8_t *key, size_t key_len, uint32_t *ret_hash)
{
	uint64_t hash = hash_quick(key, key_len, cache->key);
	struct shard *shard = shard_of(cache, hash);
	pthread_mutex_lock(&shard->lock);
	*ret_hash = (uint32_t)hash;
	return shard;
}

static struct store_value value_of(const struct entry *entry, const uint8_t *data)
{
	return (struct store_value){.stored_ms = shard_entry_stored(entry),
				    .expires_ms = shard_entry_expires(entry),
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
	struct entry *entry = resolve_shard_find(shard, hash, key, key_len);
	if (entry != NULL && shard_entry_expires(entry) > now_ms) {
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

/* As a reader who waits: counts the question, which peeking never does. */
static int peek_locked(struct resolve_cache *cache, const uint8_t *key, size_t key_len, int64_t now_ms, uint8_t *out,
		       size_t cap, struct store_value *ret)
{
	uint32_t hash;
	int rc = BANYAN_ENOENT;
	struct shard *shard = shard_lock(cache, key, key_len, &hash);
	struct entry *entry = resolve_shard_find(shard, hash, key, key_len);
	bool alive = entry != NULL && shard_entry_expires(entry) > now_ms;
	if (alive && entry->value_len > cap) {
		rc = BANYAN_ELIMIT;
	} else if (alive) {
		if (entry->freq < STORE_ASKED_MAX)
			entry->freq++;
		memcpy(out, entry->key + entry->key_len, entry->value_len);
		*ret = value_of(entry, out);
		rc = 0;
	}
	pthread_mutex_unlock(&shard->lock);
	return rc;
}

int resolve_store_peek(struct resolve_cache *cache, const uint8_t *key, size_t key_len, int64_t now_ms, uint8_t *out,
		       size_t cap, struct store_value *ret)
{
	struct entry head;
	const uint8_t *data;
	struct store_value value;
	uint64_t hash = hash_quick(key, key_len, cache->key);
	const struct shard *shard = shard_of(cache, hash);
	int rc = resolve_shard_peek(shard, (uint32_t)hash, key, key_len, out, cap, &head, &data);
	if (rc == 0)
		value = value_of(&head, data);
	if (rc == BANYAN_EAGAIN || (rc == 0 && head.freq < STORE_ASKED_MAX))
		rc = peek_locked(cache, key, key_len, now_ms, out, cap, &value);
	if (rc == 0 && value.expires_ms <= now_ms)
		rc = BANYAN_ENOENT;
	if (rc == 0)
		*ret = value;
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
	return size <= shard_entry_size(old) && size >= shard_entry_size(old) / 2;
}

/* RFC 2181 section 5.4.1, and RFC 4035 section 4.3: what is proved gives way to nothing that may be forged. */
static bool is_better(const struct entry *old, const struct store_value *value, int64_t now_ms)
{
	unsigned proved = old->kind >> 4, offered = value->kind >> 4;
	if (shard_entry_expires(old) <= now_ms)
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
	shard_change_begin(shard);
	struct entry *old = resolve_shard_find(shard, hash, key, key_len);
	if (old != NULL && is_better(old, value, now_ms)) {
		rc = BANYAN_EEXIST;
	} else if (!resolve_shard_fits(shard, size)) {
		rc = BANYAN_ELIMIT;
	} else if (old != NULL && fits_in_place(old, size)) {
		entry_fill(old, now_ms, value);
	} else {
		bool in_main = old != NULL && old->in_main;
		if (old != NULL)
			resolve_shard_unlink(shard, old);
		shard->evicted = 0;
		struct entry *entry = resolve_shard_place(shard, hash, size, in_main, now_ms);
		entry->key_len = (uint16_t)key_len;
		entry->freq = value->asked & STORE_ASKED_MAX;
		memcpy(entry->key, key, key_len);
		entry_fill(entry, now_ms, value);
		resolve_shard_link(shard, entry);
		resolve_shard_grow(shard);
		rc = (int)shard->evicted;
	}
	shard_change_end(shard);
	pthread_mutex_unlock(&shard->lock);
	return rc;
}

void resolve_store_expect(struct resolve_cache *cache, size_t entries)
{
	for (uint32_t i = 0; i < cache->n_shards; i++) {
		pthread_mutex_lock(&cache->shard[i].lock);
		shard_change_begin(&cache->shard[i]);
		resolve_shard_expect(&cache->shard[i], entries / cache->n_shards);
		shard_change_end(&cache->shard[i]);
		pthread_mutex_unlock(&cache->shard[i].lock);
	}
}

size_t resolve_store_delete(struct resolve_cache *cache, const uint8_t *key, size_t key_len)
{
	uint32_t hash;
	struct shard *shard = shard_lock(cache, key, key_len, &hash);
	struct entry *entry = resolve_shard_find(shard, hash, key, key_len);
	shard_change_begin(shard);
	if (entry != NULL)
		resolve_shard_unlink(shard, entry);
	shard_change_end(shard);
	pthread_mutex_unlock(&shard->lock);
	return entry != NULL;
}

static size_t bucket_delete_if(struct shard *shard, const uint32_t *bucket,
			       bool (*match)(void *ctx, const uint8_t *key, size_t len), void *ctx)
{
	size_t n = 0;
	for (uint32_t ref = *bucket; ref != 0;) {
		struct entry *entry = shard_entry_at(shard, ref);
		ref = entry->next;
		if (!match(ctx, entry->key, entry->key_len))
			continue;
		resolve_shard_unlink(shard, entry);
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
		shard_change_begin(shard);
		for (uint32_t at = 0; at < shard->buckets_max;)
			n += bucket_delete_if(shard, resolve_shard_bucket(shard, at, &at), match, ctx);
		shard_change_end(shard);
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
	for (; buckets > 0 && cursor->bucket < shard->buckets_max; buckets--) {
		for (uint32_t ref = *resolve_shard_bucket(shard, cursor->bucket, &cursor->bucket); ref != 0;) {
			const struct entry *entry = shard_entry_at(shard, ref);
			struct store_item item = {entry->key, entry->key_len,
						  value_of(entry, entry->key + entry->key_len)};
			fn(ctx, &item);
			ref = entry->next;
		}
	}
	bool last = cursor->bucket >= shard->buckets_max;
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
	size_t bytes = sizeof *cache + cache->n_shards * sizeof cache->shard[0] + resolve_denials_bytes(cache->denials);
	for (uint32_t i = 0; i < cache->n_shards; i++) {
		struct shard *shard = (struct shard *)&cache->shard[i]; /* its lock */
		pthread_mutex_lock(&shard->lock);
		bytes += resolve_shard_bytes(shard);
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
