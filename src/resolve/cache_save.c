// SPDX-License-Identifier: GPL-3.0-or-later
/* Writing the cache as bytes, some buckets at a time, while it is in use. */
#include "cache_file.h"

#define SAVE_BUCKETS 64 /* of the table at once: bounds the time under a shard's lock */

int resolve_cache_save_head(uint64_t context, uint32_t rules, struct buffer *out)
{
	uint8_t head[CACHE_FILE_HEAD] = {0};
	wire_put64(head, CACHE_FILE_MAGIC);
	wire_put32(head + 8, CACHE_FILE_VERSION);
	wire_put32(head + 12, rules);
	wire_put64(head + 16, context);
	wire_put64(head + 24, cache_file_sum(head, 24));
	return buffer_append(out, head, sizeof head);
}

struct saving {
	struct buffer *out;
	size_t start; /* of the block */
	int64_t now_ms, ahead_ms, keep_ms;
	int error;
};

/* What is known of servers is measured again soon, failures are short, trust is proved again from keys that are kept, and what the
 * root image said it says again: none of these outlives the process. */
static bool is_kept(const struct saving *saving, const struct store_item *item)
{
	uint8_t space = item->key[0];
	return space != CACHE_SERVER && space != CACHE_LAME && space != CACHE_FAILURE && space != CACHE_TRUST &&
	       item->value.rank != RANK_ROOT && item->value.expires_ms + saving->keep_ms > saving->now_ms;
}

static void entry_save(void *ctx, const struct store_item *item)
{
	struct saving *saving = ctx;
	const struct store_value *value = &item->value;
	uint8_t head[CACHE_ENTRY_HEAD];
	size_t need = sizeof head + item->key_len + value->len;
	if (saving->error < 0 || !is_kept(saving, item) ||
	    saving->out->len - saving->start + need > CACHE_BLOCK_HEAD + CACHE_BLOCK_MAX)
		return;
	wire_put16(head, (uint16_t)item->key_len);
	head[2] = value->rank;
	head[3] = value->kind;
	wire_put32(head + 4, (uint32_t)value->asked << 24 | (uint32_t)value->len);
	wire_put64(head + 8, (uint64_t)(value->stored_ms - saving->ahead_ms));
	wire_put32(head + 16, (uint32_t)(value->expires_ms - value->stored_ms));
	if (buffer_append(saving->out, head, sizeof head) < 0 ||
	    buffer_append(saving->out, item->key, item->key_len) < 0 ||
	    buffer_append(saving->out, value->data, value->len) < 0)
		saving->error = BANYAN_ENOMEM;
}

int resolve_cache_save(struct resolve_cache *cache, int64_t wall_ms, uint32_t stale_s,
		       struct resolve_cache_cursor *cursor, struct buffer *out)
{
	struct saving saving = {.out = out,
				.start = out->len,
				.ahead_ms = resolve_cache_time_ahead(cache),
				.keep_ms = (int64_t)stale_s * 1000};
	saving.now_ms = wall_ms + saving.ahead_ms;
	uint8_t head[CACHE_BLOCK_HEAD] = {0};
	if (buffer_append(out, head, sizeof head) < 0)
		return BANYAN_ENOMEM;
	bool more = true;
	while (more && saving.error == 0 && out->len - saving.start < CACHE_BLOCK_WISH)
		more = resolve_store_visit(cache, cursor, SAVE_BUCKETS, entry_save, &saving);
	if (saving.error < 0)
		return saving.error;
	uint8_t *block = out->data + saving.start;
	size_t len = out->len - saving.start - CACHE_BLOCK_HEAD;
	wire_put32(block, CACHE_BLOCK_MAGIC);
	wire_put32(block + 4, (uint32_t)len);
	wire_put64(block + 8, cache_file_sum(block + CACHE_BLOCK_HEAD, len));
	if (len == 0)
		out->len = saving.start;
	return more;
}
