// SPDX-License-Identifier: GPL-3.0-or-later
/* Many records into messages for a transfer: every name that stands in the message already is pointed to, found by a hash. */
#include "wire.h"

#include <stdlib.h>
#include <string.h>

#include <libknot/descriptor.h>

#define SLOTS      4096 /* power of two: a message of 16 KiB has some 1,500 labels, few could have more than 3,000 */
#define LABELS_MAX (SLOTS * 3 / 4)
#define REACH      0x4000 /* pointers have 14 bits (RFC 1035 section 4.1.4) */
#define ROOT       0      /* the parent of top labels: no name stands at 0, where the header is */

/* A label that stands in the message at `at`, before a suffix that stands (or is pointed to) at `parent`. Each suffix is there once. */
struct slot {
	uint16_t at, parent;
};

struct wire_packer {
	uint8_t *msg;
	size_t len, cap;
	unsigned count, n_labels;
	uint8_t owner[WIRE_NAME_MAX]; /* of the record before: most come in sets */
	size_t owner_len;             /* 0 = none that can be pointed to */
	uint16_t owner_at;
	struct slot slot[SLOTS];
};

int wire_packer_new(struct wire_packer **ret)
{
	struct wire_packer *packer = malloc(sizeof *packer);
	if (packer == NULL)
		return BANYAN_ENOMEM;
	wire_packer_begin(packer, NULL, 0, 0);
	*ret = packer;
	return 0;
}

void wire_packer_free(struct wire_packer *packer)
{
	free(packer);
}

void wire_packer_begin(struct wire_packer *packer, uint8_t *msg, size_t start, size_t cap)
{
	packer->msg = msg;
	packer->len = start;
	packer->cap = cap;
	packer->count = packer->n_labels = 0;
	packer->owner_len = 0;
	memset(packer->slot, 0, sizeof packer->slot);
}

size_t wire_packer_len(const struct wire_packer *packer)
{
	return packer->len;
}

unsigned wire_packer_count(const struct wire_packer *packer)
{
	return packer->count;
}

/* The slot of the label before that suffix: its own, or the free one where it belongs. Case counts: it is kept (RFC 5936 section 3.4). */
static struct slot *find(struct wire_packer *packer, const uint8_t *label, uint16_t parent)
{
	uint64_t hash = UINT64_C(0x9e3779b97f4a7c15) * (parent + 1U);
	size_t size = label[0] + 1U;
	for (size_t i = 0; i < size; i++)
		hash = (hash ^ label[i]) * UINT64_C(0x100000001b3);
	for (size_t i = (hash >> 32) & (SLOTS - 1);; i = (i + 1) & (SLOTS - 1)) {
		struct slot *slot = &packer->slot[i];
		if (slot->at == 0 || (slot->parent == parent && memcmp(packer->msg + slot->at, label, size) == 0))
			return slot;
	}
}

/* Labels are looked up from the top down to the first that is not there; those before it are written, and then a pointer. *ret_at:
 * where the whole name can be pointed to, or 0. */
static int put_name(struct wire_packer *packer, const uint8_t *name, uint16_t *ret_at)
{
	uint8_t start[WIRE_LABELS_MAX + 1];
	unsigned n = 0, known;
	uint16_t parent = ROOT;
	size_t pos = 0;
	for (; name[pos] != 0; pos += name[pos] + 1U)
		start[n++] = (uint8_t)pos;
	for (known = n; known > 0; known--) {
		const struct slot *slot = find(packer, name + start[known - 1], parent);
		if (slot->at == 0)
			break;
		parent = slot->at;
	}
	size_t plain = known == n ? pos : start[known], size = plain + (known == n ? 1 : 2), at = packer->len;
	if (packer->cap - at < size)
		return BANYAN_ESPACE;
	memcpy(packer->msg + at, name, plain);
	packer->len += size;
	if (known == n)
		packer->msg[at + plain] = 0;
	else
		wire_put16(packer->msg + at + plain, (uint16_t)(0xc000 | parent));
	*ret_at = known == 0 ? parent : at < REACH && n > 0 ? (uint16_t)at : 0;
	for (unsigned i = known; i-- > 0 && at + start[i] < REACH && packer->n_labels < LABELS_MAX;
	     packer->n_labels++) {
		struct slot *slot = find(packer, name + start[i], parent);
		*slot = (struct slot){.at = (uint16_t)(at + start[i]), .parent = parent};
		parent = slot->at;
	}
	return 0;
}

static int put_bytes(struct wire_packer *packer, const uint8_t *data, size_t len)
{
	if (packer->cap - packer->len < len)
		return BANYAN_ESPACE;
	if (len > 0)
		memcpy(packer->msg + packer->len, data, len);
	packer->len += len;
	return 0;
}

static int put_owner(struct wire_packer *packer, const uint8_t *owner)
{
	size_t len = wire_name_len(owner);
	if (len == packer->owner_len && memcmp(owner, packer->owner, len) == 0) {
		uint8_t pointer[2];
		wire_put16(pointer, (uint16_t)(0xc000 | packer->owner_at));
		return put_bytes(packer, pointer, sizeof pointer);
	}
	uint16_t at;
	int rc = put_name(packer, owner, &at);
	if (rc < 0)
		return rc;
	memcpy(packer->owner, owner, len);
	packer->owner_at = at;
	packer->owner_len = at != 0 ? len : 0;
	return 0;
}

/* Names inside RDATA are compressed only in the types of RFC 1035 (RFC 3597 section 4). */
static int put_rdata(struct wire_packer *packer, uint16_t type, const uint8_t *data, size_t len)
{
	const knot_rdata_descriptor_t *desc = knot_get_rdata_descriptor(type);
	const uint8_t *p = data, *end = data + len;
	int rc = 0;
	for (int i = 0; i < KNOT_MAX_RDATA_BLOCKS && rc == 0 && p < end; i++) {
		int block = desc->block_types[i];
		size_t n = (size_t)(end - p);
		if (block == KNOT_RDATA_WF_END)
			break;
		if (block == KNOT_RDATA_WF_COMPRESSIBLE_DNAME) {
			uint16_t at;
			int name = wire_name_check(p, n);
			if (name < 0)
				return BANYAN_EMALF;
			n = (size_t)name;
			rc = put_name(packer, p, &at);
		} else {
			n = block > 0 && (size_t)block < n ? (size_t)block : n;
			rc = put_bytes(packer, p, n);
		}
		p += n;
	}
	return rc == 0 ? put_bytes(packer, p, (size_t)(end - p)) : rc;
}

int wire_packer_add(struct wire_packer *packer, const uint8_t *owner, uint16_t type, uint16_t rclass, uint32_t ttl,
		    const uint8_t *data, uint16_t len)
{
	uint8_t fixed[10];
	size_t before = packer->len;
	int rc = packer->count == UINT16_MAX ? BANYAN_ESPACE : put_owner(packer, owner);
	if (rc == 0) {
		wire_put16(fixed, type);
		wire_put16(fixed + 2, rclass);
		wire_put32(fixed + 4, ttl);
		wire_put16(fixed + 8, 0);
		rc = put_bytes(packer, fixed, sizeof fixed);
	}
	size_t start = packer->len;
	if (rc == 0)
		rc = put_rdata(packer, type, data, len);
	if (rc < 0) {
		packer->len = before;
		return rc;
	}
	wire_put16(packer->msg + start - 2, (uint16_t)(packer->len - start));
	packer->count++;
	return 0;
}
