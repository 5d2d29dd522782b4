// SPDX-License-Identifier: GPL-3.0-or-later
/* The changes of a transfer as bytes: written where they came in, applied by another process. */
#include "private.h"

#include <string.h>

/*	offset size
 *	     0    8  magic
 *	     8    1  1 = the whole zone, 0 = differences
 *	     9    4  differences: the serial to which they apply
 *	    13    4  TTL of the SOA
 *	    17    2  length of its data
 *	    19       the apex, the SOA's data, the changes as sync_change_put() writes them */
#define HEAD_LEN  19
#define LABEL_MAX 63 /* bytes (RFC 1035 section 2.3.4) */
#define SOA_LEAST 22 /* bytes: two names and five numbers */

static const uint8_t magic[8] = "bnychg1\n";

int sync_changes_write(const struct sync_transfer *transfer, struct buffer *out)
{
	uint8_t head[HEAD_LEN];
	if (transfer->expect != EXPECT_NOTHING)
		return BANYAN_EINVAL;
	memcpy(head, magic, sizeof magic);
	head[8] = transfer->is_whole;
	wire_put32(head + 9, transfer->settings.serial);
	wire_put32(head + 13, transfer->soa_ttl);
	wire_put16(head + 17, transfer->soa_len);
	int rc = buffer_append(out, head, sizeof head);
	if (rc == 0)
		rc = buffer_append(out, transfer->apex, wire_name_len(transfer->apex));
	if (rc == 0)
		rc = buffer_append(out, transfer->soa, transfer->soa_len);
	return rc == 0 ? buffer_append(out, transfer->changes.data, transfer->changes.len) : rc;
}

/* The length of a name in lower case, without pointers, that ends within `left` bytes; 0: it is none. */
static size_t name_within(const uint8_t *name, size_t left)
{
	size_t at = 0;
	while (at < left && name[at] != 0 && name[at] <= LABEL_MAX)
		at += name[at] + 1U;
	return at < left && name[at] == 0 && at < WIRE_NAME_MAX ? at + 1 : 0;
}

/* Are these whole changes, one behind the other? */
static bool changes_good(const uint8_t *data, size_t len, size_t *ret_n)
{
	size_t n = 0;
	for (size_t pos = 0; pos < len; n++) {
		if (len - pos < SYNC_CHANGE_HEAD || data[pos] > SYNC_ADD)
			return false;
		size_t owner = name_within(data + pos + SYNC_CHANGE_HEAD, len - pos - SYNC_CHANGE_HEAD);
		uint16_t type = wire_get16(data + pos + 1), rdata_len = wire_get16(data + pos + 7);
		size_t whole = SYNC_CHANGE_HEAD + owner + rdata_len;
		if (owner == 0 || whole > len - pos || sync_type_is_meta(type) ||
		    wire_get32(data + pos + 3) > INT32_MAX ||
		    wire_rdata_check(data + pos + SYNC_CHANGE_HEAD + owner, rdata_len, type) < 0)
			return false;
		pos += whole;
	}
	*ret_n = n;
	return true;
}

int sync_changes_apply(const uint8_t *data, size_t len, const uint8_t *apex, const struct zone *base, struct zone **ret)
{
	struct sync_transfer transfer = {.expect = EXPECT_NOTHING, .settings.have = true};
	if (len < HEAD_LEN || memcmp(data, magic, 8) != 0)
		return BANYAN_EMALF;
	size_t name_len = name_within(data + HEAD_LEN, len - HEAD_LEN), soa_len = wire_get16(data + 17);
	size_t pos = HEAD_LEN + name_len;
	if (name_len == 0 || !wire_name_equal(data + HEAD_LEN, apex))
		return BANYAN_EINVAL;
	if (wire_get32(data + 13) > INT32_MAX || soa_len < SOA_LEAST || soa_len > len - pos ||
	    wire_rdata_check(data + pos, (uint16_t)soa_len, WIRE_TYPE_SOA) < 0)
		return BANYAN_EMALF;
	wire_name_lower(apex, transfer.apex);
	transfer.settings.apex = transfer.apex;
	transfer.is_whole = data[8] != 0;
	transfer.settings.serial = wire_get32(data + 9);
	transfer.soa_ttl = wire_get32(data + 13);
	transfer.soa_len = (uint16_t)soa_len;
	transfer.soa = (uint8_t *)(uintptr_t)(data + pos);
	pos += soa_len;
	transfer.changes = (struct buffer){.data = (uint8_t *)(uintptr_t)(data + pos), .len = len - pos};
	if (!changes_good(data + pos, len - pos, &transfer.n_changes))
		return BANYAN_EMALF;
	struct random random;
	random_init_kernel(&random);
	transfer.settings.seed =
		random_u64(&random); /* of its table: who sends changes must not know where they fall */
	int rc = sync_transfer_zone(&transfer, base, ret);
	return rc == BANYAN_EINVAL || (rc == BANYAN_EMALF && !transfer.is_whole) ? BANYAN_EAGAIN : rc;
}
