// SPDX-License-Identifier: GPL-3.0-or-later
/* The peers of a zone: by address, and by when they are looked at. */
#include "notify_private.h"

#include <stdlib.h>
#include <string.h>

void notify_count(const struct push_notify *notify, enum counter counter)
{
	if (notify->settings->counters != NULL)
		counter_add(notify->settings->counters, counter, 1);
}

/* ---- by address ---- */

static uint32_t *bucket_of(const struct push_notify *notify, const struct addr *addr)
{
	uint8_t key[16], data[19];
	memcpy(key, notify->hash_key, sizeof key);
	data[0] = addr->family;
	wire_put16(data + 1, addr->port);
	memcpy(data + 3, addr->ip, 16);
	return &notify->bucket[hash_quick(data, sizeof data, key) & (notify->n_buckets - 1)];
}

uint32_t peer_find(const struct push_notify *notify, const struct addr *addr)
{
	if (notify->n_buckets == 0)
		return NO_PEER;
	uint32_t at = *bucket_of(notify, addr);
	while (at != NO_PEER && !addr_equal(&notify->peer[at].addr, addr))
		at = notify->peer[at].next;
	return at;
}

static int buckets_grow(struct push_notify *notify)
{
	uint32_t n = notify->n_buckets == 0 ? BUCKETS_MIN : notify->n_buckets * 2;
	uint32_t *bucket = malloc(n * sizeof *bucket);
	if (bucket == NULL)
		return BANYAN_ENOMEM;
	memset(bucket, 0xff, n * sizeof *bucket);
	free(notify->bucket);
	notify->bucket = bucket;
	notify->n_buckets = n;
	for (uint32_t i = 0; i < notify->n_peers; i++) {
		if (notify->peer[i].state == PEER_FREE)
			continue;
		uint32_t *to = bucket_of(notify, &notify->peer[i].addr);
		notify->peer[i].next = *to;
		*to = i;
	}
	return 0;
}

/* ---- heaps ---- */

static void heap_put(struct push_notify *notify, struct heap *heap, uint32_t place, uint32_t at)
{
	heap->item[place] = at;
	notify->peer[at].heap_at = place;
}

static void heap_up(struct push_notify *notify, struct heap *heap, uint32_t place)
{
	uint32_t at = heap->item[place];
	while (place > 0) {
		uint32_t parent = (place - 1) / 2;
		if (notify->peer[heap->item[parent]].due_ms <= notify->peer[at].due_ms)
			break;
		heap_put(notify, heap, place, heap->item[parent]);
		place = parent;
	}
	heap_put(notify, heap, place, at);
}

static void heap_down(struct push_notify *notify, struct heap *heap, uint32_t place)
{
	uint32_t at = heap->item[place];
	for (;;) {
		uint32_t child = place * 2 + 1;
		if (child >= heap->n)
			break;
		if (child + 1 < heap->n &&
		    notify->peer[heap->item[child + 1]].due_ms < notify->peer[heap->item[child]].due_ms)
			child++;
		if (notify->peer[heap->item[child]].due_ms >= notify->peer[at].due_ms)
			break;
		heap_put(notify, heap, place, heap->item[child]);
		place = child;
	}
	heap_put(notify, heap, place, at);
}

static void heap_add(struct push_notify *notify, struct heap *heap, uint32_t at)
{
	heap->item[heap->n] = at; /* there is room: peer_add() has seen to it */
	heap_up(notify, heap, heap->n++);
}

static void heap_remove(struct push_notify *notify, struct heap *heap, uint32_t place)
{
	uint32_t last = heap->item[--heap->n];
	if (place == heap->n)
		return;
	heap_put(notify, heap, place, last);
	heap_down(notify, heap, place);
	heap_up(notify, heap, notify->peer[last].heap_at);
}

static struct heap *heap_of(struct push_notify *notify, enum peer_state state)
{
	return state == PEER_DUE ? &notify->sends : &notify->timers;
}

void peer_move(struct push_notify *notify, uint32_t at, enum peer_state state, int64_t due_ms)
{
	struct peer *peer = &notify->peer[at];
	heap_remove(notify, heap_of(notify, peer->state), peer->heap_at);
	notify->in_flight -= peer->state == PEER_WAITING;
	notify->in_flight += state == PEER_WAITING;
	peer->state = (uint8_t)state;
	peer->due_ms = due_ms;
	heap_add(notify, heap_of(notify, state), at);
}

void peer_rest(struct push_notify *notify, uint32_t at)
{
	const struct peer *peer = &notify->peer[at];
	notify_forget(&notify->peer[at]);
	peer_move(notify, at, PEER_QUIET, peer->registered ? peer->until_ms : INT64_MAX);
}

/* ---- coming and going ---- */

static int heap_reserve(struct heap *heap, uint32_t n)
{
	if (n <= heap->cap)
		return 0;
	uint32_t *item = realloc(heap->item, n * sizeof *item);
	if (item == NULL)
		return BANYAN_ENOMEM;
	heap->item = item;
	heap->cap = n;
	return 0;
}

/* Room for one more. */
static int peers_grow(struct push_notify *notify)
{
	if (notify->free_peer != NO_PEER || notify->n_peers < notify->cap_peers)
		return 0;
	uint32_t cap = notify->cap_peers < 4 ? 4 : notify->cap_peers + notify->cap_peers / 2;
	if (heap_reserve(&notify->sends, cap) < 0 || heap_reserve(&notify->timers, cap) < 0)
		return BANYAN_ENOMEM;
	struct peer *peer = realloc(notify->peer, cap * sizeof *peer);
	if (peer == NULL)
		return BANYAN_ENOMEM;
	notify->peer = peer;
	notify->cap_peers = cap;
	return 0;
}

uint32_t peer_add(struct push_notify *notify, const struct addr *addr)
{
	if (peers_grow(notify) < 0 || (notify->count >= notify->n_buckets && buckets_grow(notify) < 0))
		return NO_PEER;
	uint32_t at = notify->free_peer;
	if (at != NO_PEER)
		notify->free_peer = notify->peer[at].next;
	else
		at = notify->n_peers++;
	uint32_t *bucket = bucket_of(notify, addr);
	notify->peer[at] = (struct peer){.addr = *addr, .state = PEER_QUIET, .due_ms = INT64_MAX, .next = *bucket};
	*bucket = at;
	notify->count++;
	heap_add(notify, &notify->timers, at);
	return at;
}

void peer_remove(struct push_notify *notify, uint32_t at)
{
	struct peer *peer = &notify->peer[at];
	notify_forget(peer);
	heap_remove(notify, heap_of(notify, peer->state), peer->heap_at);
	notify->in_flight -= peer->state == PEER_WAITING;
	uint32_t *link = bucket_of(notify, &peer->addr);
	while (*link != at)
		link = &notify->peer[*link].next;
	*link = peer->next;
	peer->state = PEER_FREE;
	peer->next = notify->free_peer;
	notify->free_peer = at;
	notify->count--;
}
