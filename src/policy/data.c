// SPDX-License-Identifier: GPL-3.0-or-later
/* RRsets that rules answer with. Lists of a million names with one address keep it once. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

#define PIECE_HEAD 4
#define SET_HEAD   12

static uint64_t piece_hash(const uint8_t *p, size_t len)
{
	static const uint8_t key[16]; /* the operator's own records: nobody to be defended against */
	return hash_sip(p, len, key);
}

/* Length of the piece at `p`. */
static size_t piece_len(const uint8_t *p)
{
	size_t len = PIECE_HEAD;
	for (unsigned i = wire_get16(p + 2); i > 0; i--)
		len += SET_HEAD + wire_get32(p + len + 8);
	return len;
}

int data_begin(struct data_builder *builder, unsigned zone_kind, uint8_t flags)
{
	const uint8_t head[PIECE_HEAD] = {(uint8_t)zone_kind, flags, 0, 0};
	builder->piece.len = 0;
	builder->set = 0;
	return buffer_append(&builder->piece, head, sizeof head);
}

int data_record(struct data_builder *builder, uint16_t type, uint32_t ttl, const uint8_t *rdata, uint16_t len)
{
	struct buffer *piece = &builder->piece;
	uint8_t size[2];
	if (buffer_reserve(piece, SET_HEAD + 2u + len) < 0)
		return BANYAN_ENOMEM;
	uint8_t *set = piece->data + builder->set;
	if (builder->set == 0 || wire_get16(set) != type) {
		uint8_t head[SET_HEAD] = {0};
		builder->set = piece->len;
		wire_put16(head, type);
		wire_put32(head + 4, ttl);
		if (buffer_append(piece, head, sizeof head) < 0)
			return BANYAN_ENOMEM;
		set = piece->data + builder->set;
		wire_put16(piece->data + 2, (uint16_t)(wire_get16(piece->data + 2) + 1));
	}
	if (wire_get16(set + 2) == UINT16_MAX)
		return BANYAN_ELIMIT;
	wire_put16(set + 2, (uint16_t)(wire_get16(set + 2) + 1));
	if (ttl < wire_get32(set + 4))
		wire_put32(set + 4, ttl);
	wire_put32(set + 8, wire_get32(set + 8) + 2u + len);
	wire_put16(size, len);
	int rc = buffer_append(piece, size, sizeof size);
	return rc < 0 ? rc : buffer_append(piece, rdata, len);
}

static int seen_grow(struct data_builder *b)
{
	size_t cap = b->cap_seen > 0 ? b->cap_seen * 2 : 256;
	uint32_t *seen = malloc(cap * sizeof *seen);
	if (seen == NULL)
		return BANYAN_ENOMEM;
	memset(seen, 0xff, cap * sizeof *seen);
	for (size_t i = 0; i < b->cap_seen; i++) {
		if (b->seen[i] == UINT32_MAX)
			continue;
		const uint8_t *p = b->pool.bytes + b->seen[i];
		size_t at = piece_hash(p, piece_len(p)) & (cap - 1);
		while (seen[at] != UINT32_MAX)
			at = (at + 1) & (cap - 1);
		seen[at] = b->seen[i];
	}
	free(b->seen);
	b->seen = seen;
	b->cap_seen = cap;
	return 0;
}

static int pool_append(struct data_pool *pool, const struct buffer *piece)
{
	if (pool->len + piece->len >= UINT32_MAX)
		return BANYAN_ELIMIT;
	if (pool->len + piece->len > pool->cap) {
		size_t cap = (pool->len + piece->len) * 2;
		uint8_t *bytes = realloc(pool->bytes, cap);
		if (bytes == NULL)
			return BANYAN_ENOMEM;
		pool->bytes = bytes;
		pool->cap = cap;
	}
	memcpy(pool->bytes + pool->len, piece->data, piece->len);
	pool->len += piece->len;
	return 0;
}

int data_end(struct data_builder *b, uint32_t *ret_offset)
{
	const struct buffer *piece = &b->piece;
	if (b->n_seen * 2 >= b->cap_seen && seen_grow(b) < 0)
		return BANYAN_ENOMEM;
	size_t at = piece_hash(piece->data, piece->len) & (b->cap_seen - 1);
	for (; b->seen[at] != UINT32_MAX; at = (at + 1) & (b->cap_seen - 1)) {
		const uint8_t *p = b->pool.bytes + b->seen[at];
		if (piece_len(p) == piece->len && memcmp(p, piece->data, piece->len) == 0) {
			*ret_offset = b->seen[at];
			return 0;
		}
	}
	uint32_t offset = (uint32_t)b->pool.len;
	int rc = pool_append(&b->pool, piece);
	if (rc < 0)
		return rc;
	b->n_seen++;
	*ret_offset = b->seen[at] = offset;
	return 0;
}

void data_builder_done(struct data_builder *builder)
{
	free(builder->pool.bytes);
	free(builder->seen);
	buffer_done(&builder->piece);
	*builder = (struct data_builder){0};
}

/* ---- reading ---- */

unsigned policy_data_count(const struct policy_data *data)
{
	return wire_get16(data->bytes + 2);
}

static struct policy_set set_read(const uint8_t *p)
{
	return (struct policy_set){.type = wire_get16(p),
				   .count = wire_get16(p + 2),
				   .ttl = wire_get32(p + 4),
				   .size = wire_get32(p + 8),
				   .pack = p + SET_HEAD};
}

struct policy_set policy_data_at(const struct policy_data *data, unsigned i)
{
	const uint8_t *p = (const uint8_t *)data + PIECE_HEAD;
	for (; i > 0; i--)
		p += SET_HEAD + wire_get32(p + 8);
	return set_read(p);
}

bool policy_data_find(const struct policy_data *data, uint16_t type, struct policy_set *ret)
{
	const uint8_t *p = (const uint8_t *)data + PIECE_HEAD;
	for (unsigned i = policy_data_count(data); i > 0; i--) {
		if (wire_get16(p) == type) {
			*ret = set_read(p);
			return true;
		}
		p += SET_HEAD + wire_get32(p + 8);
	}
	return false;
}
