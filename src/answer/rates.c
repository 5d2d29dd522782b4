// SPDX-License-Identifier: GPL-3.0-or-later
/* The table of token buckets. */
#include "rates.h"

#include <stdlib.h>

#define MILLI INT64_C(1000) /* tokens are counted in thousandths: a millisecond brings per_s of them */

struct entry {
	uint64_t key; /* keyed hash; 0 = free. Two keys with one hash: never in practice */
	int64_t credit, used_ms;
	uint32_t refusals;
};

struct set {
	atomic_bool lock; /* zeroed memory is free: a table that is not touched takes no memory */
	struct entry entry[RATES_WAYS];
};

struct answer_rates {
	uint8_t key[16];
	size_t mask;
	struct set set[];
};

int answer_rates_new(size_t entries, struct answer_rates **ret)
{
	size_t sets = 1;
	while (sets * RATES_WAYS < entries)
		sets *= 2;
	struct answer_rates *rates = calloc(1, sizeof(*rates) + sets * sizeof(struct set));
	if (rates == NULL)
		return BANYAN_ENOMEM;
	struct random random;
	random_init_kernel(&random);
	random_bytes(&random, rates->key, sizeof(rates->key));
	rates->mask = sets - 1;
	*ret = rates;
	return 0;
}

void answer_rates_free(struct answer_rates *rates)
{
	free(rates);
}

/* The key's entry, or the one that makes room for it, with a full bucket. */
static struct entry *entry_of(struct set *set, uint64_t key, int64_t full, int64_t now_ms)
{
	struct entry *oldest = &set->entry[0];
	for (unsigned i = 0; i < RATES_WAYS; i++) {
		struct entry *entry = &set->entry[i];
		if (entry->key == key)
			return entry;
		if (entry->key == 0 || (oldest->key != 0 && entry->used_ms < oldest->used_ms))
			oldest = entry;
	}
	*oldest = (struct entry){.key = key, .credit = full, .used_ms = now_ms};
	return oldest;
}

static uint32_t entry_take(struct entry *entry, const struct rate *rate, int64_t now_ms)
{
	int64_t most = rate->per_s * MILLI, least = -(int64_t)rate->window_s * most;
	int64_t passed_ms =
		now_ms > entry->used_ms ? now_ms - entry->used_ms : 0; /* workers' clocks differ by a turn */
	int64_t full_ms = (most - least) / rate->per_s;
	entry->credit += (passed_ms < full_ms ? passed_ms : full_ms) * rate->per_s;
	entry->used_ms += passed_ms;
	if (entry->credit > most)
		entry->credit = most;
	if (entry->credit >= MILLI) {
		entry->credit -= MILLI;
		entry->refusals = 0;
		return 0;
	}
	if (rate->window_s > 0)
		entry->credit = entry->credit - MILLI > least ? entry->credit - MILLI : least;
	return ++entry->refusals == 0 ? ++entry->refusals : entry->refusals;
}

/* ---- bytes ---- */

static void entry_flow(struct entry *entry, const struct pace *pace, uint32_t granted, int64_t now_ms)
{
	int64_t most = pace->bytes * MILLI;
	int64_t passed_ms = now_ms > entry->used_ms ? now_ms - entry->used_ms : 0;
	int64_t full_ms = most / pace->per_s + pace->wait_max_ms + 1; /* as long as it takes from the deepest debt */
	entry->credit += (passed_ms < full_ms ? passed_ms : full_ms) * pace->per_s + granted * MILLI;
	entry->used_ms += passed_ms;
	if (entry->credit > most)
		entry->credit = most;
}

/* Whoever comes when there is anything left may go; the debt is the next one's to wait for. */
static int64_t entry_pace(struct entry *entry, const struct pace *pace, uint32_t bytes)
{
	int64_t wait_ms = entry->credit > 0 ? 0 : -entry->credit / pace->per_s + 1;
	if (wait_ms > pace->wait_max_ms)
		return -1;
	entry->credit -= bytes * MILLI;
	return wait_ms;
}

/* ---- the table ---- */

static struct set *set_lock(struct answer_rates *rates, const void *key, size_t len, uint64_t *ret_hash)
{
	uint64_t hash = hash_sip(key, len, rates->key);
	struct set *set = &rates->set[hash & rates->mask];
	while (atomic_exchange_explicit(&set->lock, true, memory_order_acquire))
		continue; /* held for a few instructions */
	*ret_hash = hash + (hash == 0);
	return set;
}

static void set_unlock(struct set *set)
{
	atomic_store_explicit(&set->lock, false, memory_order_release);
}

uint32_t rates_take(struct answer_rates *rates, const void *key, size_t len, const struct rate *rate, int64_t now_ms)
{
	uint64_t hash;
	struct set *set = set_lock(rates, key, len, &hash);
	uint32_t refused = entry_take(entry_of(set, hash, rate->per_s * MILLI, now_ms), rate, now_ms);
	set_unlock(set);
	return refused;
}

void rates_grant(struct answer_rates *rates, const void *key, size_t len, const struct pace *pace, uint32_t bytes,
		 int64_t now_ms)
{
	uint64_t hash;
	struct set *set = set_lock(rates, key, len, &hash);
	entry_flow(entry_of(set, hash, pace->bytes * MILLI, now_ms), pace, bytes, now_ms);
	set_unlock(set);
}

int64_t rates_pace(struct answer_rates *rates, const void *key, size_t len, const struct pace *pace, uint32_t bytes,
		   int64_t now_ms)
{
	uint64_t hash;
	struct set *set = set_lock(rates, key, len, &hash);
	struct entry *entry = entry_of(set, hash, pace->bytes * MILLI, now_ms);
	entry_flow(entry, pace, 0, now_ms);
	int64_t wait_ms = entry_pace(entry, pace, bytes);
	set_unlock(set);
	return wait_ms;
}
