// SPDX-License-Identifier: GPL-3.0-or-later
/* A walk over the records of a wire form, without making a zone of them: for deltas and comparisons. */
#include "wirewalk.h"

#include <string.h>

int zone_wire_walk_begin(const uint8_t *data, size_t len, struct zone_wire_walk *ret)
{
	if (len < ZONE_WIRE_HEADER_SIZE || !zone_is_wire(data, len))
		return BANYAN_EMALF;
	int apex_len = wire_name_check(data + ZONE_WIRE_HEADER_SIZE, len - ZONE_WIRE_HEADER_SIZE);
	if (apex_len < 0)
		return apex_len;
	*ret = (struct zone_wire_walk){
		.apex = data + ZONE_WIRE_HEADER_SIZE,
		.serial = wire_get32(data + 10),
		.n_records = wire_get64(data + 14),
		.at = data + ZONE_WIRE_HEADER_SIZE + apex_len,
		.end = data + len,
	};
	return 0;
}

int zone_wire_walk_next(struct zone_wire_walk *walk, struct zone_wire_record *ret)
{
	size_t left = (size_t)(walk->end - walk->at);
	if (left == 0)
		return 0;
	int owner_len = wire_name_check(walk->at, left);
	if (owner_len < 0 || left - (size_t)owner_len < ZONE_WIRE_FIXED_SIZE)
		return BANYAN_EMALF;
	const uint8_t *p = walk->at + owner_len;
	struct zone_wire_record record = {
		.owner = walk->at,
		.owner_len = (size_t)owner_len,
		.type = wire_get16(p),
		.ttl = wire_get32(p + 4),
		.rdata_len = wire_get16(p + 8),
		.rdata = p + ZONE_WIRE_FIXED_SIZE,
	};
	record.len = record.owner_len + ZONE_WIRE_FIXED_SIZE + record.rdata_len;
	if (left < record.len)
		return BANYAN_EMALF;
	walk->at += record.len;
	*ret = record;
	return 1;
}

size_t zone_rrsig_signature_at(const uint8_t *rdata, size_t len)
{
	if (len < RRSIG_SIGNER)
		return 0;
	int signer_len = wire_name_check(rdata + RRSIG_SIGNER, len - RRSIG_SIGNER);
	return signer_len < 0 ? 0 : RRSIG_SIGNER + (size_t)signer_len;
}

/* The next record that is content: no RRSIG, no ZONEMD. */
static int content_next(struct zone_wire_walk *walk, struct zone_wire_record *ret)
{
	int rc;
	do
		rc = zone_wire_walk_next(walk, ret);
	while (rc > 0 && (ret->type == WIRE_TYPE_RRSIG || ret->type == WIRE_TYPE_ZONEMD));
	return rc;
}

static bool record_same_content(const struct zone_wire_record *a, const struct zone_wire_record *b)
{
	if (a->len != b->len || a->owner_len != b->owner_len || a->type != b->type)
		return false;
	if (a->type != WIRE_TYPE_SOA || a->rdata_len < 22)
		return memcmp(a->owner, b->owner, a->len) == 0;
	size_t serial = a->len - 20;
	return memcmp(a->owner, b->owner, serial) == 0 &&
	       memcmp(a->owner + serial + 4, b->owner + serial + 4, a->len - serial - 4) == 0;
}

bool zone_wire_same_content(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len)
{
	struct zone_wire_walk walk_a, walk_b;
	struct zone_wire_record record_a, record_b;
	if (zone_wire_walk_begin(a, a_len, &walk_a) < 0 || zone_wire_walk_begin(b, b_len, &walk_b) < 0 ||
	    !wire_name_equal(walk_a.apex, walk_b.apex))
		return false;
	for (;;) {
		int left_a = content_next(&walk_a, &record_a), left_b = content_next(&walk_b, &record_b);
		if (left_a <= 0 || left_b <= 0)
			return left_a == 0 && left_b == 0;
		if (!record_same_content(&record_a, &record_b))
			return false;
	}
}
