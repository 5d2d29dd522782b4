// SPDX-License-Identifier: GPL-3.0-or-later
/* The order of denials: a skip list a shard, its nodes in a ring of memory where the oldest make room. */
#include "denials.h"

#include <pthread.h>
#include <string.h>

#define SHARD_BYTES  ((size_t)64 * 1024)
#define SHARDS_MAX   16
#define LEVELS_MAX   12 /* a quarter of the nodes reach the next level: good for millions */
#define KEY_HEAD     13 /* hash of the zone, sort of chain, its parameters */
#define KEY_MAX      (KEY_HEAD + DENIAL_ORDER_MAX)
#define SECOND_TURNS 8 /* nodes that get another turn in one insertion: bounds the time under the lock */

/* next[levels], then the key. References are offset / 4 + 1. */
struct node {
	uint16_t units; /* of 4 bytes: size of the whole */
	uint16_t key_len;
	uint8_t levels, live, used;
	uint32_t next[];
};

struct shard {
	pthread_mutex_t lock;
	uint32_t first[LEVELS_MAX];
	uint8_t *area;
	size_t end, head, tail, fill;
	size_t count;
};

struct denials {
	uint8_t key[16];
	uint32_t n_shards; /* a power of two */
	struct shard shard[SHARDS_MAX];
};

struct key {
	size_t len;
	uint32_t shard;
	uint8_t bytes[KEY_MAX];
};

int resolve_denials_init(void *memory, size_t bytes, const uint8_t key[16], struct denials **ret)
{
	struct denials *denials = memory;
	size_t head = (sizeof *denials + 63) & ~(size_t)63;
	if (bytes < head + 4096)
		return BANYAN_ENOMEM;
	memcpy(denials->key, key, 16);
	uint32_t n = 1;
	while (n < SHARDS_MAX && (bytes - head) / (n * 2) >= SHARD_BYTES)
		n *= 2;
	size_t each = (bytes - head) / n & ~(size_t)63;
	for (; denials->n_shards < n; denials->n_shards++) {
		struct shard *shard = &denials->shard[denials->n_shards];
		if (pthread_mutex_init(&shard->lock, NULL) != 0) {
			resolve_denials_done(denials);
			return BANYAN_ENOMEM;
		}
		shard->area = (uint8_t *)memory + head + denials->n_shards * each;
		shard->end = each;
	}
	*ret = denials;
	return 0;
}

void resolve_denials_done(struct denials *denials)
{
	for (uint32_t i = 0; denials != NULL && i < denials->n_shards; i++)
		pthread_mutex_destroy(&denials->shard[i].lock);
}

/* ---- places ---- */

/* Each label with an end that sorts before all else, from the top: 0 is the end, 1 1 stands for 0 and 1 2 for 1. */
void resolve_denial_place(const uint8_t *name, const uint8_t *zone, struct denial_place *ret)
{
	unsigned labels = wire_name_labels(name), above = wire_name_labels(zone);
	uint8_t lower[WIRE_NAME_MAX];
	wire_name_lower(name, lower);
	ret->nsec3 = false;
	ret->params = 0;
	ret->len = 0;
	for (unsigned i = labels; i-- > 0;) {
		const uint8_t *label = wire_name_skip(lower, i);
		if (labels - i <= above)
			continue;
		for (unsigned k = 1; k <= label[0]; k++) {
			if (label[k] <= 1)
				ret->order[ret->len++] = 1;
			ret->order[ret->len++] = label[k] <= 1 ? label[k] + 1 : label[k];
		}
		ret->order[ret->len++] = 0;
	}
}

int resolve_denial_name(const struct denial_place *place, const uint8_t *zone, uint8_t out[WIRE_NAME_MAX])
{
	uint8_t name[WIRE_NAME_MAX];
	size_t zone_len = wire_name_len(zone), at = WIRE_NAME_MAX - zone_len;
	memcpy(name + at, zone, zone_len);
	for (size_t pos = 0; pos < place->len;) {
		uint8_t label[64];
		uint8_t len = 0;
		for (; pos < place->len && place->order[pos] != 0; pos++) {
			bool escaped = place->order[pos] == 1;
			if (len == 63 || (escaped && ++pos == place->len))
				return BANYAN_EMALF;
			label[++len] = escaped ? place->order[pos] - 1 : place->order[pos];
		}
		if (len == 0 || at < (size_t)len + 1)
			return BANYAN_EMALF;
		label[0] = len;
		at -= (size_t)len + 1;
		memcpy(name + at, label, (size_t)len + 1);
		pos++; /* the end of the label */
	}
	memcpy(out, name + at, WIRE_NAME_MAX - at);
	return 0;
}

static void key_chain(const struct denials *denials, const uint8_t *zone, bool nsec3, uint32_t params, struct key *ret)
{
	uint8_t lower[WIRE_NAME_MAX];
	size_t len = wire_name_lower(zone, lower);
	uint64_t hash = hash_sip(lower, len, denials->key);
	memcpy(ret->bytes, &hash, 8);
	ret->bytes[8] = nsec3;
	wire_put32(ret->bytes + 9, params);
	ret->len = KEY_HEAD;
	ret->shard = (uint32_t)hash & (denials->n_shards - 1);
}

static void key_make(const struct denials *denials, const uint8_t *zone, const struct denial_place *place,
		     struct key *ret)
{
	key_chain(denials, zone, place->nsec3, place->params, ret);
	memcpy(ret->bytes + ret->len, place->order, place->len);
	ret->len += place->len;
}

/* ---- the list ---- */

static struct node *node_at(const struct shard *shard, uint32_t ref)
{
	return (struct node *)(shard->area + (size_t)(ref - 1) * 4);
}

static uint8_t *node_key(struct node *node)
{
	return (uint8_t *)(node->next + node->levels);
}

static int node_cmp(struct node *node, const uint8_t *key, size_t len)
{
	size_t least = node->key_len < len ? node->key_len : len;
	int order = memcmp(node_key(node), key, least);
	return order != 0 ? order : (node->key_len > len) - (node->key_len < len);
}

/* The references that lead to the first node that is not before the key; the last node before it. */
static struct node *list_seek(struct shard *shard, const uint8_t *key, size_t len, uint32_t *at[LEVELS_MAX])
{
	struct node *before = NULL;
	for (unsigned level = LEVELS_MAX; level-- > 0;) {
		uint32_t *next = before == NULL ? &shard->first[level] : &before->next[level];
		while (*next != 0 && node_cmp(node_at(shard, *next), key, len) < 0) {
			before = node_at(shard, *next);
			next = &before->next[level];
		}
		at[level] = next;
	}
	return before;
}

static void list_unlink(struct shard *shard, struct node *node)
{
	uint32_t *at[LEVELS_MAX];
	list_seek(shard, node_key(node), node->key_len, at);
	for (unsigned level = 0; level < node->levels; level++)
		*at[level] = node->next[level];
	node->live = 0;
	shard->count--;
}

/* ---- the ring ---- */

static size_t node_size(const struct node *node)
{
	return (size_t)node->units * 4;
}

static void node_link(struct shard *shard, struct node *node)
{
	uint32_t *at[LEVELS_MAX];
	list_seek(shard, node_key(node), node->key_len, at);
	for (unsigned level = 0; level < node->levels; level++) {
		node->next[level] = *at[level];
		*at[level] = (uint32_t)(((uint8_t *)node - shard->area) / 4 + 1);
	}
	node->live = 1;
	shard->count++;
}

static size_t ring_room(const struct shard *shard)
{
	if (shard->fill == 0 || shard->head > shard->tail)
		return shard->end - shard->head;
	return shard->tail - shard->head;
}

/* What is left at the end is too short for a node: it becomes a dead one, or nothing. */
static void ring_wrap(struct shard *shard)
{
	size_t gap = shard->end - shard->head;
	if (gap >= sizeof(struct node))
		*(struct node *)(shard->area + shard->head) = (struct node){.units = (uint16_t)(gap / 4)};
	shard->fill += gap;
	shard->head = 0;
}

static struct node *ring_place(struct shard *shard, size_t size)
{
	struct node *node = (struct node *)(shard->area + shard->head);
	shard->head = shard->head + size == shard->end ? 0 : shard->head + size;
	shard->fill += size;
	return node;
}

/* The oldest goes, unless it was of use since its last turn. */
static void ring_evict(struct shard *shard, unsigned *turns)
{
	size_t left = shard->end - shard->tail;
	struct node *node = (struct node *)(shard->area + shard->tail);
	size_t size = left < sizeof *node ? left : node_size(node);
	bool live = left >= sizeof *node && node->live;
	if (live)
		list_unlink(shard, node);
	shard->tail = shard->tail + size == shard->end ? 0 : shard->tail + size;
	shard->fill -= size;
	if (shard->fill == 0)
		shard->head = shard->tail = 0;
	if (!live || !node->used || *turns >= SECOND_TURNS)
		return;
	if (ring_room(shard) < size && shard->head > shard->tail)
		ring_wrap(shard);
	if (ring_room(shard) < size)
		return;
	(*turns)++;
	struct node *to = ring_place(shard, size);
	memmove(to, node, size);
	to->used = 0;
	node_link(shard, to);
}

static struct node *ring_alloc(struct shard *shard, size_t size)
{
	unsigned turns = 0;
	while (ring_room(shard) < size) {
		if (shard->fill > 0 && shard->head > shard->tail)
			ring_wrap(shard);
		else
			ring_evict(shard, &turns);
	}
	return ring_place(shard, size);
}

/* A quarter of the nodes have two levels, a sixteenth three ... Drawn from the key, with a secret. */
static uint8_t levels_of(const struct denials *denials, const struct key *key)
{
	uint64_t hash = hash_sip(key->bytes, key->len, denials->key);
	uint8_t levels = 1;
	for (; levels < LEVELS_MAX && (hash & 3) == 0; hash >>= 2)
		levels++;
	return levels;
}

/* ---- what others call ---- */

static struct node *find(struct shard *shard, const struct key *key)
{
	uint32_t *at[LEVELS_MAX];
	list_seek(shard, key->bytes, key->len, at);
	struct node *node = *at[0] == 0 ? NULL : node_at(shard, *at[0]);
	return node != NULL && node_cmp(node, key->bytes, key->len) == 0 ? node : NULL;
}

void resolve_denials_add(struct denials *denials, const uint8_t *zone, const struct denial_place *place)
{
	struct key key;
	key_make(denials, zone, place, &key);
	struct shard *shard = &denials->shard[key.shard];
	uint8_t levels = levels_of(denials, &key);
	size_t size = (sizeof(struct node) + levels * sizeof(uint32_t) + key.len + 3) & ~(size_t)3;
	pthread_mutex_lock(&shard->lock);
	if (find(shard, &key) == NULL && size <= shard->end / 4) {
		struct node *node = ring_alloc(shard, size);
		*node = (struct node){.units = (uint16_t)(size / 4), .key_len = (uint16_t)key.len, .levels = levels};
		memcpy(node_key(node), key.bytes, key.len);
		node_link(shard, node);
	}
	pthread_mutex_unlock(&shard->lock);
}

void resolve_denials_remove(struct denials *denials, const uint8_t *zone, const struct denial_place *place)
{
	struct key key;
	key_make(denials, zone, place, &key);
	struct shard *shard = &denials->shard[key.shard];
	pthread_mutex_lock(&shard->lock);
	struct node *node = find(shard, &key);
	if (node != NULL)
		list_unlink(shard, node);
	pthread_mutex_unlock(&shard->lock);
}

static bool same_chain(struct node *node, const struct key *key)
{
	return node != NULL && node->key_len >= KEY_HEAD && memcmp(node_key(node), key->bytes, KEY_HEAD) == 0;
}

/* The last node of the key's chain. */
static struct node *chain_last(struct shard *shard, const struct key *key)
{
	uint8_t end[KEY_HEAD + 21];
	uint32_t *at[LEVELS_MAX];
	memcpy(end, key->bytes, KEY_HEAD);
	memset(end + KEY_HEAD, 0xff, 21); /* behind every hash */
	return list_seek(shard, end, sizeof end, at);
}

int resolve_denials_before(struct denials *denials, const uint8_t *zone, const struct denial_place *place,
			   struct denial_place *ret)
{
	struct key key;
	uint32_t *at[LEVELS_MAX];
	key_make(denials, zone, place, &key);
	struct shard *shard = &denials->shard[key.shard];
	pthread_mutex_lock(&shard->lock);
	struct node *node = list_seek(shard, key.bytes, key.len, at);
	if (*at[0] != 0 && node_cmp(node_at(shard, *at[0]), key.bytes, key.len) == 0)
		node = node_at(shard, *at[0]);
	if (!same_chain(node, &key) && place->nsec3)
		node = chain_last(shard, &key);
	int rc = same_chain(node, &key) ? 0 : BANYAN_ENOENT;
	if (rc == 0) {
		node->used = 1;
		ret->nsec3 = place->nsec3;
		ret->params = place->params;
		ret->len = node->key_len - (size_t)KEY_HEAD;
		memcpy(ret->order, node_key(node) + KEY_HEAD, ret->len);
	}
	pthread_mutex_unlock(&shard->lock);
	return rc;
}

bool resolve_denials_know(struct denials *denials, const uint8_t *zone)
{
	struct key key;
	uint32_t *at[LEVELS_MAX];
	key_chain(denials, zone, false, 0, &key);
	struct shard *shard = &denials->shard[key.shard];
	pthread_mutex_lock(&shard->lock);
	list_seek(shard, key.bytes, 8, at);
	bool known = *at[0] != 0 && memcmp(node_key(node_at(shard, *at[0])), key.bytes, 8) == 0;
	pthread_mutex_unlock(&shard->lock);
	return known;
}

size_t resolve_denials_count(struct denials *denials)
{
	size_t count = 0;
	for (uint32_t i = 0; i < denials->n_shards; i++) {
		pthread_mutex_lock(&denials->shard[i].lock);
		count += denials->shard[i].count;
		pthread_mutex_unlock(&denials->shard[i].lock);
	}
	return count;
}

size_t resolve_denials_bytes(struct denials *denials)
{
	size_t bytes = sizeof *denials;
	for (uint32_t i = 0; i < denials->n_shards; i++) {
		pthread_mutex_lock(&denials->shard[i].lock);
		bytes += denials->shard[i].fill;
		pthread_mutex_unlock(&denials->shard[i].lock);
	}
	return bytes;
}
