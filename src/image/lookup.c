// SPDX-License-Identifier: GPL-3.0-or-later
/* From a name to its slot, and from a name that does not exist to the proof of that. */
#include "block.h"

#include "dnssec/dnssec.h"

#include <string.h>

#define SAMPLE_GUESSES 256 /* buckets are used to a quarter or to a half */
#define NSEC3_GUESSES  3   /* one million entries: off by hundreds, then tens, then a few */

unsigned image_label_starts(const uint8_t *name, uint8_t starts[WIRE_LABELS_MAX + 1])
{
	unsigned n = 0, pos = 0;
	for (; name[pos] != 0; pos += name[pos] + 1U)
		starts[n++] = (uint8_t)pos;
	starts[n] = (uint8_t)pos;
	return n;
}

const struct image_slot *image_find_exact(const struct image *image, const uint8_t *name, size_t len)
{
	const struct image_header *header = image->header;
	uint64_t hash = hash_sip(name, len, header->key);
	uint32_t mask = header->bucket_mask, tag = (uint32_t)(hash >> 32);
	for (uint32_t at = (uint32_t)hash & mask;; at = (at + 1) & mask) {
		const struct image_bucket *bucket = &image->bucket[at];
		if (bucket->slot == 0)
			return NULL;
		if (bucket->tag != tag)
			continue;
		const struct image_slot *slot = image_at(image, bucket->slot);
		if (slot->name_len == len && memcmp(slot_name(slot), name, len) == 0)
			return slot;
	}
}

const struct image_slot *image_find(const struct image *image, const struct image_ask *ask)
{
	const struct image_header *header = image->header;
	const uint8_t *name = ask->lower;
	unsigned labels = ask->labels;
	/* no name is longer than labels_max: what a stranger adds in front costs no look-up */
	for (; labels > header->labels_max; labels--)
		name += *name + 1;
	for (; labels > header->apex_labels; labels--) {
		const struct image_slot *slot = image_find_exact(image, name, ask->len - (size_t)(name - ask->lower));
		if (slot != NULL)
			return slot;
		name += *name + 1;
	}
	return image->apex;
}

/* A type other than those that go with every name of a signed zone, if there is one. */
static uint16_t sample_type(const struct image_slot *slot, uint64_t number)
{
	const struct image_type *entry = slot_types(slot);
	if (slot->flags & IMAGE_SLOT_CUT)
		return WIRE_TYPE_NS;
	for (unsigned i = 0; i < slot->n_types; i++) {
		uint16_t type = entry[(number + i) % slot->n_types].type;
		if (type != WIRE_TYPE_NSEC && type != WIRE_TYPE_RRSIG)
			return type;
	}
	return entry[0].type;
}

/* A free bucket means another guess, so that each name has the same chance; if none comes up, it is the apex. */
const uint8_t *image_sample(const struct image *image, uint64_t number, uint16_t *ret_type)
{
	const struct image_slot *slot = NULL;
	for (unsigned i = 0; i < SAMPLE_GUESSES && slot == NULL; i++) {
		number = number * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407); /* Knuth's MMIX */
		uint32_t ref = image->bucket[(uint32_t)(number >> 32) & image->header->bucket_mask].slot;
		if (ref != 0 && ((const struct image_slot *)image_at(image, ref))->n_types > 0)
			slot = image_at(image, ref);
	}
	if (slot == NULL)
		slot = image->apex;
	*ret_type = sample_type(slot, number >> 16);
	return slot_name(slot);
}

/* Labels from the apex down; inside a label the bytes 0 and 1 become 1 1 and 1 2, and 0 ends it: so the order of the
 * bytes is the canonical order of the names (RFC 4034 section 6.1). */
uint64_t image_sort_key(const uint8_t *name, const uint8_t *starts, unsigned n)
{
	uint64_t key = 0;
	unsigned made = 0;
	while (n-- > 0 && made < 8) {
		const uint8_t *label = name + starts[n];
		for (unsigned i = 1; i <= label[0] && made < 8; i++) {
			uint8_t c = label[i];
			if (c <= 1) {
				key = key << 8 | 1;
				made++;
				c = (uint8_t)(c + 1);
				if (made == 8)
					break;
			}
			key = key << 8 | c;
			made++;
		}
		if (made < 8) {
			key <<= 8;
			made++;
		}
	}
	return made == 0 ? 0 : key << 8 * (8 - made);
}

/* The name that an NSEC stands at: its labels up to the pointer, then the apex. */
static void proof_owner(const struct image *image, const struct image_set *set, uint8_t owner[WIRE_NAME_MAX])
{
	const uint8_t *p = set_data(set), *apex = slot_name(image->apex);
	size_t made = 0;
	while (*p != 0 && *p < 0xc0 && made + *p + 1U + image->header->apex_len <= WIRE_NAME_MAX) {
		memcpy(owner + made, p, *p + 1U);
		made += *p + 1U;
		p += *p + 1;
	}
	memcpy(owner + made, *p == 0 ? (const uint8_t *)"" : apex, *p == 0 ? 1 : image->header->apex_len);
}

/* Number of keys that are less than `key` (or less or equal). */
static size_t keys_below(const uint64_t *key_table, size_t n, uint64_t key, bool or_equal)
{
	size_t base = 0;
	while (n > 0) {
		size_t half = n / 2;
		uint64_t k = key_table[base + half];
		if (k < key || (or_equal && k == key)) {
			base += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return base;
}

uint32_t image_cover_nsec(const struct image *image, const uint8_t *lower)
{
	const struct image_header *header = image->header;
	size_t n = header->n_denial;
	const uint64_t *key_table = image_at(image, header->denial);
	const uint32_t *ref = (const uint32_t *)(key_table + n);
	uint8_t starts[WIRE_LABELS_MAX + 1];
	unsigned labels = image_label_starts(lower, starts);
	uint64_t key = image_sort_key(lower, starts, labels - header->apex_labels);
	size_t hi = keys_below(key_table, n, key, true);
	/* names with the same first 8 bytes are compared whole */
	size_t lo = hi > 0 && key_table[hi - 1] == key ? keys_below(key_table, hi, key, false) : hi;
	while (lo < hi) {
		uint8_t owner[WIRE_NAME_MAX];
		size_t mid = lo + (hi - lo) / 2;
		proof_owner(image, image_at(image, ref[mid]), owner);
		if (wire_name_cmp(owner, lower) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return ref[lo > 0 ? lo - 1 : n - 1];
}

size_t image_nsec3_nearer(const struct image_nsec3 *entry, size_t n, const uint8_t hash[20], size_t at)
{
	uint64_t top = wire_get64(hash), there = wire_get64(entry[at].hash);
	size_t far = (size_t)((unsigned __int128)(top > there ? top - there : there - top) * n >> 64);
	if (top > there)
		return far < n - at ? at + far : n - 1;
	return far < at ? at - far : 0;
}

/* Hashes are spread evenly: where one stands follows from its value, to about sqrt(n) places, and each step from there to about the square
 * root of what was left. A binary search over a large table would miss the caches at each of its steps instead. */
static size_t nsec3_guess(const struct image_nsec3 *entry, size_t n, const uint8_t hash[20])
{
	size_t at = image_nsec3_near(n, hash);
	for (unsigned i = 0; i < NSEC3_GUESSES; i++) {
		size_t nearer = image_nsec3_nearer(entry, n, hash, at);
		if (nearer == at)
			break;
		at = nearer;
	}
	return at;
}

size_t image_nsec3_before(const struct image_nsec3 *entry, size_t n, const uint8_t hash[20])
{
	/* entries below lo are <= hash, those from hi on are greater; doubled steps find a pair of them around the guess */
	size_t at = nsec3_guess(entry, n, hash), lo = 0, hi = n;
	for (size_t step = 1;; step *= 2) {
		bool below = memcmp(entry[at].hash, hash, 20) <= 0;
		if (below)
			lo = at + 1;
		else
			hi = at;
		if (lo == hi || (lo > 0 && hi < n))
			break;
		at = below ? (step < n - at ? at + step : n - 1) : (step < at ? at - step : 0);
	}
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		if (memcmp(entry[mid].hash, hash, 20) <= 0)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo > 0 ? lo - 1 : n - 1;
}

uint32_t image_cover_nsec3(const struct image *image, const uint8_t *lower)
{
	const struct image_header *header = image->header;
	const struct image_nsec3 *entry = image_at(image, header->denial);
	uint8_t hash[20];
	if (dnssec_nsec3_hash(lower, header->iterations, header->salt, header->salt_len, hash) < 0)
		return 0;
	return entry[image_nsec3_before(entry, header->n_denial, hash)].set;
}
