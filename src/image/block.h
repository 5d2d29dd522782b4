// SPDX-License-Identifier: GPL-3.0-or-later
/* Moving about in an image: references to pointers, the trailing parts of slots and sets. Private to image/. */
#pragma once

#include "image.h"
#include "layout.h"

struct image {
	const struct image_header *header; /* = the block */
	const struct image_bucket *bucket;
	const struct image_slot *apex;
	struct region owned; /* the block if it is to be freed with the image */
};

static inline const void *image_at(const struct image *image, uint32_t ref)
{
	return (const uint8_t *)image->header + (size_t)ref * IMAGE_UNIT;
}

/* Sets the pointers into the block. */
static inline void image_place(struct image *image, const struct image_header *header)
{
	image->header = header;
	image->bucket = image_at(image, header->buckets);
	image->apex = image_at(image, header->apex);
}

static inline const struct image_type *slot_types(const struct image_slot *slot)
{
	return (const struct image_type *)(slot + 1);
}

static inline const uint8_t *slot_name(const struct image_slot *slot)
{
	return (const uint8_t *)(slot_types(slot) + slot->n_types);
}

static inline const uint16_t *set_shifts(const struct image_set *set)
{
	return (const uint16_t *)(set + 1);
}

static inline const uint8_t *set_data(const struct image_set *set)
{
	return (const uint8_t *)(set_shifts(set) + set->n_shift + set->n_sig_shift);
}

static inline const uint16_t *extra_shifts(const struct image_extra *extra)
{
	return (const uint16_t *)(extra + 1);
}

static inline const uint8_t *extra_data(const struct image_extra *extra)
{
	unsigned n = extra->n_shift[0] + (extra->flags & IMAGE_EXTRA_SAME ? 0U : extra->n_shift[1]);
	return (const uint8_t *)(extra_shifts(extra) + n);
}

/* A name that is asked for: a client's, or what an alias leads to. */
struct image_ask {
	const uint8_t *qname, *lower; /* as sent, and in lower case */
	uint8_t len, labels;
	uint16_t qtype;
};

/* Positions of the labels of a name, the root label included; returns the number of labels without it. */
unsigned image_label_starts(const uint8_t *name, uint8_t starts[WIRE_LABELS_MAX + 1]);
/* The slot of the longest suffix of the name that has one: its own, its closest encloser's, its delegation's ... */
const struct image_slot *image_find(const struct image *image, const struct image_ask *ask);
/* The slot of exactly this name (lower case), or NULL. */
const struct image_slot *image_find_exact(const struct image *image, const uint8_t *name, size_t len);
/* The first 8 bytes of a name's sort key: key(a) <= key(b) whenever a <= b in canonical order. `n` labels below the apex count. */
uint64_t image_sort_key(const uint8_t *name, const uint8_t *starts, unsigned n);
/* Proof that covers a name that does not exist: NSEC of the predecessor, or NSEC3 over its hash. 0 = none. */
uint32_t image_cover_nsec(const struct image *image, const uint8_t *lower);
uint32_t image_cover_nsec3(const struct image *image, const uint8_t *lower);
/* About where a hash stands among n: they are spread evenly. */
static inline size_t image_nsec3_near(size_t n, const uint8_t hash[20])
{
	return (size_t)((unsigned __int128)wire_get64(hash) * n >> 64);
}
/* The same from a place that was guessed before: what stands there tells how far it is. */
size_t image_nsec3_nearer(const struct image_nsec3 *entry, size_t n, const uint8_t hash[20], size_t at);
/* The last entry whose hash is <= `hash`, the last of all if there is none (RFC 5155 section 3.1.7: the chain is a ring). */
size_t image_nsec3_before(const struct image_nsec3 *entry, size_t n, const uint8_t hash[20]);
/* What header.checksum must be. The block is only read: it may be a read-only mapping. */
uint64_t image_checksum(const struct image_header *header);
