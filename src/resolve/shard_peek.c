// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Reading an entry without the shard's lock.
 *
 * A writer makes the shard's version odd before it changes anything and even when it is done. A reader copies what it wants and then looks
 * whether the version is still the one it began with; if not, what it copied may be anything and is thrown away. So all that is read
 * before that look is taken for anything: places are checked against the shard's bounds, chains are followed for so long only.
 *
 * Words are read by relaxed atomic loads, so that the compiler reads each once and whole. ThreadSanitizer would still see the writers'
 * plain stores race with them, which is the point of the version; it is told to look away here, and test_peek.c looks instead.
 */
#include "shard.h"

#include <assert.h>
#include <stdatomic.h>
#include <string.h>

#define PEEK_CHAIN_MAX 16 /* entries of one bucket: more are not met but in a chain that is being changed */
#define ENTRY_WORDS    (sizeof(struct entry) / 4)

#if __has_attribute(disable_sanitizer_instrumentation) /* clang, which otherwise looks at atomic loads all the same */
#define RACY __attribute__((disable_sanitizer_instrumentation))
#else
#define RACY __attribute__((no_sanitize("thread")))
#endif

static_assert(sizeof(struct entry) % 4 == 0, "read in words");

RACY static inline uint32_t load32(const void *p)
{
	return __atomic_load_n((const uint32_t *)p, __ATOMIC_RELAXED);
}

RACY static inline uint64_t load64(const void *p)
{
	return __atomic_load_n((const uint64_t *)p, __ATOMIC_RELAXED);
}

/* Is the key at `at` (aligned to 4) this one? */
RACY static bool key_equal(const uint8_t *at, const uint8_t *key, size_t len)
{
	uint32_t mine;
	for (; len >= 4; at += 4, key += 4, len -= 4) {
		memcpy(&mine, key, 4);
		if (load32(at) != mine)
			return false;
	}
	if (len == 0)
		return true;
	uint32_t last = load32(at); /* entries end at multiples of 8, so these 4 bytes are there */
	return memcmp(&last, key, len) == 0;
}

/* The offset of the key's entry, and its head; BANYAN_ENOENT, or BANYAN_EAGAIN when something is being changed. */
RACY static int64_t find(const struct shard *shard, uint32_t hash, const uint8_t *key, size_t key_len,
			 struct entry *ret_head)
{
	uint32_t n_buckets = load32(&shard->n_buckets);
	uint64_t place = (uint64_t)hash * n_buckets;
	if (place >> 32 >= load32(&shard->split))
		place *= 2;
	if (place >> 32 >= shard->buckets_max)
		return BANYAN_EAGAIN;
	uint32_t ref = load32(&shard->bucket[place >> 32]);
	for (unsigned i = 0; ref != 0; i++) {
		size_t at = (size_t)(ref - 1) * 8;
		if (i == PEEK_CHAIN_MAX || at + sizeof(struct entry) > shard->main.end)
			return BANYAN_EAGAIN;
		const uint8_t *entry = shard->area + at;
		if (load32(entry + offsetof(struct entry, hash)) == hash) {
			uint32_t word[ENTRY_WORDS];
			for (unsigned w = 0; w < ENTRY_WORDS; w++)
				word[w] = load32(entry + 4 * w);
			memcpy(ret_head, word, sizeof *ret_head);
			size_t size = offsetof(struct entry, key) + ret_head->key_len + ret_head->value_len;
			if (size > shard_entry_size(ret_head) || at + shard_entry_size(ret_head) > shard->main.end)
				return BANYAN_EAGAIN;
			if (ret_head->key_len == key_len &&
			    key_equal(entry + offsetof(struct entry, key), key, key_len))
				return (int64_t)at;
		}
		ref = load32(entry + offsetof(struct entry, next));
	}
	return BANYAN_ENOENT;
}

RACY int resolve_shard_peek(const struct shard *shard, uint32_t hash, const uint8_t *key, size_t key_len, uint8_t *out,
			    size_t cap, struct entry *ret_head, const uint8_t **ret_value)
{
	uint32_t version = __atomic_load_n(&shard->version, __ATOMIC_ACQUIRE);
	if (version % 2 != 0)
		return BANYAN_EAGAIN;
	if (__atomic_load_n(&shard->count, __ATOMIC_RELAXED) == 0) /* nothing was written there yet: not even read */
		return BANYAN_ENOENT;
	struct entry head;
	int64_t at = find(shard, hash, key, key_len, &head);
	if (at >= 0) {
		size_t from = (size_t)at + offsetof(struct entry, key) + head.key_len, ahead = from % 8;
		size_t words = (ahead + head.value_len + 7) / 8;
		if (words * 8 > cap)
			return BANYAN_ELIMIT;
		const uint8_t *p = shard->area + (from - ahead);
		for (size_t i = 0; i < words; i++) {
			uint64_t word = load64(p + i * 8);
			memcpy(out + i * 8, &word, 8);
		}
		*ret_value = out + ahead;
		*ret_head = head;
	}
	atomic_thread_fence(memory_order_acquire);
	if (load32(&shard->version) != version)
		return BANYAN_EAGAIN;
	return at >= 0 ? 0 : (int)at;
}
