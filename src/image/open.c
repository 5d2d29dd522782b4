// SPDX-License-Identifier: GPL-3.0-or-later
/* Opening an image: every reference, length and place in it is checked, so that answering can trust them all. */
#include "compose.h"

#include <stdlib.h>
#include <string.h>

struct check {
	const struct image *image;
	uint64_t length;
};

/* Are `size` bytes at this reference inside the block, behind the header? */
static const void *check_at(const struct check *k, uint32_t ref, uint64_t size)
{
	uint64_t at = (uint64_t)ref * IMAGE_UNIT;
	if (at < sizeof(struct image_header) || at > k->length || size > k->length - at)
		return NULL;
	return image_at(k->image, ref);
}

/* Bytes from `p` to the end of the block. */
static uint64_t check_left(const struct check *k, const void *p)
{
	return k->length - (uint64_t)((const uint8_t *)p - (const uint8_t *)k->image->header);
}

/* Places are pointers inside the data, in ascending order and without overlap. */
static bool check_shifts(const uint16_t *place, size_t n, const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < n; i++) {
		if (place[i] + 2U > len || (i > 0 && place[i] < place[i - 1] + 2U) || data[place[i]] < 0xc0)
			return false;
	}
	return true;
}

/* Exactly `n` records in `len` bytes. */
static bool check_records(const uint8_t *data, size_t len, size_t n)
{
	size_t pos = 0;
	for (; n > 0; n--) {
		while (pos < len && data[pos] != 0 && data[pos] < 0xc0)
			pos += data[pos] + 1U;
		if (pos >= len)
			return false;
		pos += data[pos] == 0 ? 1 : 2;
		if (pos > len || len - pos < 10 || wire_get16(data + pos + 8) > len - pos - 10)
			return false;
		pos += 10U + wire_get16(data + pos + 8);
	}
	return pos == len;
}

static bool check_extra(const struct check *k, uint32_t ref, unsigned base_len)
{
	const struct image_extra *e = check_at(k, ref, sizeof *e);
	if (e == NULL || e->base_len != base_len || e->len[0] > WIRE_MESSAGE_MAX || e->len[1] > WIRE_MESSAGE_MAX)
		return false;
	int variants = e->flags & IMAGE_EXTRA_SAME ? 1 : 2;
	uint64_t size = 0;
	for (int v = 0; v < variants; v++)
		size += e->len[v] + e->n_shift[v] * sizeof(uint16_t);
	if (size > check_left(k, e + 1))
		return false;
	const uint16_t *place = extra_shifts(e);
	const uint8_t *data = extra_data(e);
	for (int v = 0; v < variants; v++) {
		if (!check_shifts(place, e->n_shift[v], data, e->len[v]) || !check_records(data, e->len[v], e->n_rr[v]))
			return false;
		if (e->must_len > e->len[v] || !check_records(data, e->must_len, e->must_rr))
			return false;
		place += e->n_shift[v];
		data += e->len[v];
	}
	return true;
}

/* RRSIGs of a proof begin with a pointer each, which add_proof_sigs() replaces. */
static bool check_self(const struct image_set *set, const uint16_t *place, const uint8_t *data)
{
	if (set->n_sig_shift != set->n_sig)
		return false;
	for (unsigned i = 0; i < set->n_sig; i++) {
		size_t end = i + 1U < set->n_sig ? place[i + 1] : set->sig_len;
		if ((i == 0 && place[0] != 0) || !check_records(data + place[i], end - place[i], 1))
			return false;
	}
	return set->n_sig > 0 || set->sig_len == 0;
}

static bool check_set(const struct check *k, uint32_t ref, unsigned base_len, uint16_t type)
{
	const struct image_set *set = check_at(k, ref, sizeof *set);
	if (set == NULL || set->len > WIRE_MESSAGE_MAX || set->sig_len > WIRE_MESSAGE_MAX)
		return false;
	if (set->flags & IMAGE_SET_PROOF)
		base_len = k->image->header->apex_len;
	uint64_t size = ((uint64_t)set->n_shift + set->n_sig_shift) * sizeof(uint16_t) + set->len + set->sig_len;
	if (set->base_len != base_len || size > check_left(k, set + 1))
		return false;
	const uint16_t *place = set_shifts(set);
	const uint8_t *data = set_data(set), *sig = data + set->len;
	if (!check_shifts(place, set->n_shift, data, set->len) || !check_records(data, set->len, set->n_rr) ||
	    !check_shifts(place + set->n_shift, set->n_sig_shift, sig, set->sig_len) ||
	    !check_records(sig, set->sig_len, set->n_sig))
		return false;
	if (set->flags & IMAGE_SET_OVERSIZE)
		return set->len == 0 && set->sig_len == 0 && set->extra == 0;
	if (set->flags & IMAGE_SET_PROOF && set->n_rr != 1)
		return false;
	if (set->flags & IMAGE_SET_SIG_SELF && !check_self(set, place + set->n_shift, sig))
		return false;
	if ((type == WIRE_TYPE_DNAME || type == WIRE_TYPE_CNAME) && set->n_rr == 0)
		return false;
	if (type == WIRE_TYPE_DNAME) { /* rename_below() reads its target */
		unsigned skip = (data[0] == 0 ? 1U : 2U) + 10U;
		if ((data[0] != 0 && data[0] < 0xc0) || wire_name_check(data + skip, wire_get16(data + skip - 2)) < 0)
			return false;
	}
	return set->extra == 0 || check_extra(k, set->extra, base_len);
}

/* A slot's own bytes; used by itself for what slots refer to. */
static const struct image_slot *check_slot(const struct check *k, uint32_t ref)
{
	const struct image_slot *slot = check_at(k, ref, sizeof *slot);
	if (slot == NULL)
		return NULL;
	uint64_t size = slot->n_types * sizeof(struct image_type) + slot->name_len;
	if (size > check_left(k, slot + 1) || wire_name_check(slot_name(slot), slot->name_len) != slot->name_len ||
	    slot->labels != wire_name_labels(slot_name(slot)))
		return NULL;
	return slot;
}

static bool check_proof(const struct check *k, uint32_t ref)
{
	const struct image_set *set = ref != 0 ? check_at(k, ref, sizeof *set) : NULL;
	return ref == 0 || (set != NULL && set->flags & IMAGE_SET_PROOF && check_set(k, ref, 0, 0));
}

static bool check_slot_whole(const struct check *k, uint32_t ref)
{
	const struct image_header *header = k->image->header;
	const struct image_slot *slot = check_slot(k, ref);
	if (slot == NULL || slot->labels > header->labels_max || slot->labels < header->apex_labels ||
	    slot->provable > slot->labels || (slot->any != IMAGE_NO_TYPE && slot->any >= slot->n_types) ||
	    !wire_name_under(slot_name(slot), slot_name(k->image->apex)))
		return false;
	uint8_t lower[WIRE_NAME_MAX];
	wire_name_lower(slot_name(slot), lower);
	if (memcmp(lower, slot_name(slot), slot->name_len) != 0)
		return false;
	bool ns = false, cname = false, dname = false;
	const struct image_type *entry = slot_types(slot);
	for (unsigned i = 0; i < slot->n_types; i++) {
		if ((i > 0 && entry[i].type <= entry[i - 1].type) ||
		    !check_set(k, entry[i].set, slot->name_len, entry[i].type))
			return false;
		ns |= entry[i].type == WIRE_TYPE_NS;
		cname |= entry[i].type == WIRE_TYPE_CNAME;
		dname |= entry[i].type == WIRE_TYPE_DNAME;
	}
	if ((slot->flags & IMAGE_SLOT_CUT && !ns) || (slot->flags & IMAGE_SLOT_CNAME && !cname) ||
	    (slot->flags & IMAGE_SLOT_DNAME && !dname))
		return false;
	return check_proof(k, slot->nodata[0]) && check_proof(k, slot->nodata[1]) && check_proof(k, slot->encloser) &&
	       check_proof(k, slot->no_wildcard) && (slot->wildcard == 0 || check_slot(k, slot->wildcard) != NULL);
}

static bool check_buckets(const struct check *k)
{
	const struct image_header *header = k->image->header;
	uint64_t n = (uint64_t)header->bucket_mask + 1;
	size_t used = 0;
	if ((n & (n - 1)) != 0 || check_at(k, header->buckets, n * sizeof(struct image_bucket)) == NULL)
		return false;
	for (uint64_t i = 0; i < n; i++) {
		if (k->image->bucket[i].slot == 0)
			continue;
		used++;
		if (!check_slot_whole(k, k->image->bucket[i].slot))
			return false;
	}
	return used == header->n_slots && used < n; /* one free bucket at least ends every search */
}

/* Slots that are reached by reference are found by name too, and so have been checked whole. */
static bool check_links(const struct check *k)
{
	const struct image_header *header = k->image->header;
	const struct image_slot *apex = k->image->apex;
	for (uint64_t i = 0; i <= header->bucket_mask; i++) {
		if (k->image->bucket[i].slot == 0)
			continue;
		const struct image_slot *slot = image_at(k->image, k->image->bucket[i].slot);
		if (slot->wildcard == 0)
			continue;
		const struct image_slot *wildcard = image_at(k->image, slot->wildcard);
		if (image_find_exact(k->image, slot_name(wildcard), wildcard->name_len) != wildcard)
			return false;
	}
	return image_find_exact(k->image, slot_name(apex), apex->name_len) == apex;
}

static bool check_denial(const struct check *k)
{
	const struct image_header *header = k->image->header;
	uint64_t n = header->n_denial;
	switch (header->denial_kind) {
	case IMAGE_DENIAL_NONE:
		return n == 0;
	case IMAGE_DENIAL_NSEC: {
		const uint64_t *key = check_at(k, header->denial, n * (sizeof(uint64_t) + sizeof(uint32_t)));
		const uint32_t *ref = key != NULL ? (const uint32_t *)(key + n) : NULL;
		for (uint64_t i = 0; key != NULL && i < n; i++)
			if (ref[i] == 0 || !check_proof(k, ref[i]))
				return false;
		return key != NULL && n > 0;
	}
	case IMAGE_DENIAL_NSEC3: {
		const struct image_nsec3 *entry = check_at(k, header->denial, n * sizeof *entry);
		for (uint64_t i = 0; entry != NULL && i < n; i++)
			if (entry[i].set == 0 || !check_proof(k, entry[i].set))
				return false;
		return entry != NULL && n > 0;
	}
	default:
		return false;
	}
}

static int check_header(const struct image_header *header, size_t len)
{
	if (len < sizeof *header || (uintptr_t)header % IMAGE_UNIT != 0)
		return BANYAN_EINVAL;
	if (header->magic != IMAGE_MAGIC || header->version != IMAGE_VERSION || header->byte_order != IMAGE_BYTE_ORDER)
		return BANYAN_EUNSUPP;
	if (header->length != len || len % IMAGE_UNIT != 0 || len > IMAGE_BYTES_MAX)
		return BANYAN_EMALF;
	return 0;
}

uint64_t image_checksum(const struct image_header *header)
{
	struct {
		struct image_header header;
		uint64_t rest;
	} sum = {.header = *header};
	sum.header.checksum = 0;
	sum.rest = hash_sip(header + 1, header->length - sizeof *header, header->key);
	return hash_sip(&sum, sizeof sum, header->key);
}

static bool check_apex(const struct check *k)
{
	const struct image_header *header = k->image->header;
	const struct image_slot *apex = check_slot(k, header->apex);
	return apex != NULL && apex->name_len == header->apex_len && apex->labels == header->apex_labels &&
	       (apex->flags & IMAGE_SLOT_CUT) == 0;
}

int image_open(const void *data, size_t len, struct image **ret)
{
	const struct image_header *header = data;
	int rc = check_header(header, len);
	if (rc < 0)
		return rc;
	struct image *image = calloc(1, sizeof *image);
	if (image == NULL)
		return BANYAN_ENOMEM;
	image_place(image, header);
	struct check check = {.image = image, .length = len};
	if (image_checksum(header) != header->checksum || !check_apex(&check) || !check_buckets(&check) ||
	    !check_links(&check) || !check_denial(&check) ||
	    !check_set(&check, header->soa_negative, header->apex_len, WIRE_TYPE_SOA)) {
		free(image);
		return BANYAN_EMALF;
	}
	*ret = image;
	return 0;
}

const void *image_bytes(const struct image *image, size_t *ret_len)
{
	*ret_len = image->header->length;
	if (image->owned.data != NULL)
		((struct image_header *)image->owned.data)->checksum = image_checksum(image->header);
	return image->header;
}

void image_free(struct image *image)
{
	if (image == NULL)
		return;
	region_done(&image->owned);
	free(image);
}

const uint8_t *image_apex(const struct image *image)
{
	return slot_name(image->apex);
}

uint32_t image_serial(const struct image *image)
{
	return image->header->serial;
}

size_t image_names(const struct image *image)
{
	return image->header->n_slots;
}
