// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Where the entries of a shard stand. New ones go into the small ring; what is asked for while it is there moves on to the main ring, the
 * rest falls out at its end, unless there is room to spare. In the main ring, what was asked for since its last turn gets another.
 */
#include "shard.h"

#include <string.h>

#define SMALL_PART   10 /* the small ring is a tenth (S3-FIFO) */
#define REINSERT_MAX 16 /* entries kept by one insertion: bounds the time under the lock */
#define ENTRY_PART   4  /* an entry takes at most this part of a ring */

static size_t round_down(size_t n, size_t to)
{
	return n / to * to;
}

void resolve_shard_rings(struct shard *shard, uint8_t *memory, size_t bytes, uint32_t n_ghosts)
{
	size_t ghosts = (n_ghosts * sizeof(uint32_t) + 7) & ~(size_t)7;
	size_t area = round_down(bytes - ghosts, 8), small = round_down(area / SMALL_PART, 8);
	shard->ghost = (uint32_t *)memory;
	shard->n_ghosts = n_ghosts;
	shard->area = memory + ghosts;
	shard->small = (struct ring){0, small, 0, 0, 0};
	shard->main = (struct ring){small, area, small, small, 0};
}

/* ---- ghosts ---- */

static void ghost_add(struct shard *shard, uint32_t hash)
{
	shard->ghost[(hash >> 8) % shard->n_ghosts] = hash | 1;
	shard->haunted = true;
}

static bool ghost_take(struct shard *shard, uint32_t hash)
{
	uint32_t *ghost = &shard->ghost[(hash >> 8) % shard->n_ghosts];
	if (!shard->haunted || *ghost != (hash | 1))
		return false;
	*ghost = 0;
	return true;
}

/* Bytes that can be taken at `head` without moving it. */
static size_t ring_room(const struct ring *ring)
{
	if (ring->used == 0)
		return ring->end - ring->head;
	if (ring->head > ring->tail)
		return ring->end - ring->head;
	return ring->tail - ring->head; /* 0 when full */
}

/* Is what is left at the end of the ring too little, with more room at its start? */
static bool ring_has_gap(const struct ring *ring)
{
	return ring->head >= ring->tail && ring->used < ring->end - ring->start && ring->head != ring->start;
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
	size_t size = left < sizeof(struct entry) ? left : shard_entry_size(entry);
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
	return !entry->live || shard_entry_expires(entry) <= now_ms;
}

/* Moves an entry that was taken from the main ring's tail to its head, if there is room without evicting more. */
static bool main_reinsert(struct shard *shard, struct entry *entry)
{
	size_t size = shard_entry_size(entry);
	if (ring_room(&shard->main) < size)
		return false;
	resolve_shard_unlink(shard, entry);
	struct entry *to = ring_place(shard, &shard->main, size);
	memmove(to, entry, size);
	resolve_shard_link(shard, to);
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
	resolve_shard_unlink(shard, entry);
	shard->evicted++;
}

/* A place of `size` bytes in the main ring; evicts until there is one. */
static struct entry *main_alloc(struct shard *shard, size_t size, int64_t now_ms)
{
	struct ring *ring = &shard->main;
	unsigned reinserted = 0;
	while (ring_room(ring) < size) {
		if (ring_has_gap(ring))
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
	bool keep =
		!entry_dead(entry, now_ms) && (entry->freq > 0 || ring_room(&shard->main) >= shard_entry_size(entry));
	resolve_shard_unlink(shard, entry);
	if (!keep) {
		ghost_add(shard, entry->hash);
		shard->evicted++;
		return;
	}
	struct entry *to = main_alloc(shard, shard_entry_size(entry), now_ms);
	memcpy(to, entry, shard_entry_size(entry));
	to->freq = 0;
	to->in_main = 1;
	resolve_shard_link(shard, to);
}

static struct entry *small_alloc(struct shard *shard, size_t size, int64_t now_ms)
{
	struct ring *ring = &shard->small;
	while (ring_room(ring) < size) {
		if (ring_has_gap(ring))
			ring_wrap_head(shard, ring);
		else
			small_evict(shard, now_ms);
	}
	return ring_place(shard, ring, size);
}

/* ---- what the store calls ---- */

bool resolve_shard_fits(const struct shard *shard, size_t size)
{
	return size <= (shard->main.end - shard->main.start) / ENTRY_PART && size <= SHARD_ENTRY_MAX;
}

struct entry *resolve_shard_place(struct shard *shard, uint32_t hash, size_t size, bool in_main, int64_t now_ms)
{
	bool large = size > (shard->small.end - shard->small.start) / ENTRY_PART;
	bool to_main = ghost_take(shard, hash) || in_main || large;
	struct entry *entry = to_main ? main_alloc(shard, size, now_ms) : small_alloc(shard, size, now_ms);
	*entry = (struct entry){.hash = hash, .units = (uint16_t)(size / 8), .in_main = to_main};
	return entry;
}

size_t resolve_shard_bytes(const struct shard *shard)
{
	size_t ghosts = shard->haunted ? shard->n_ghosts : 0;
	return (resolve_shard_buckets(shard) + ghosts) * sizeof(uint32_t) + shard->small.used + shard->main.used;
}
