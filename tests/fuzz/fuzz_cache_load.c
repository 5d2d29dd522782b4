// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The saved cache: a file of any bytes, whose checksums are made good so that what is behind them is reached. Whatever was taken over is
 * well-formed, answers questions (also by synthesis) without harm, can be flushed, and is taken over again in full when it is
 * saved once more.
 */
#include "operate/operate.h"
#include "resolve/cache_file.h"
#include "short_way.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define NAMES_MAX 16
#define BUDGET    ((size_t)256 << 10) /* the least there may be */

#define require(what)                                                                                                  \
	do {                                                                                                           \
		if (!(what))                                                                                           \
			abort();                                                                                       \
	} while (0)

struct seen {
	size_t entries, n;
	struct {
		uint16_t type;
		uint8_t name[WIRE_NAME_MAX];
	} item[NAMES_MAX];
};

static int64_t now_ms;

/* Some seconds after the first entry was stored. */
static int64_t time_of(const uint8_t *data, size_t len)
{
	size_t at = CACHE_FILE_HEAD + CACHE_BLOCK_HEAD + 8;
	int64_t stored_ms = len < at + 8 ? 0 : (int64_t)(wire_get64(data + at) & ((UINT64_C(1) << 41) - 1));
	return stored_ms + 5000;
}

static struct resolve_cache *cache_new(uint64_t seed)
{
	struct random random;
	struct resolve_cache *cache;
	random_init_seed(&random, seed);
	require(resolve_cache_new_random(BUDGET, &random, &cache) == 0);
	return cache;
}

static void checksums_renew(uint8_t *data, size_t len)
{
	if (len < CACHE_FILE_HEAD)
		return;
	wire_put64(data, CACHE_FILE_MAGIC);
	wire_put32(data + 8, data[11] & 1 ? CACHE_FILE_VERSION : CACHE_FILE_VERSION_MIN);
	wire_put64(data + 24, cache_file_sum(data, 24));
	for (size_t pos = CACHE_FILE_HEAD; len - pos >= CACHE_BLOCK_HEAD;) {
		size_t body = wire_get32(data + pos + 4);
		if (wire_get32(data + pos) != CACHE_BLOCK_MAGIC || body > len - pos - CACHE_BLOCK_HEAD)
			return;
		wire_put64(data + pos + 8, cache_file_sum(data + pos + CACHE_BLOCK_HEAD, body));
		pos += CACHE_BLOCK_HEAD + body;
	}
}

static void load(struct resolve_cache *cache, const uint8_t *data, size_t len, size_t piece,
		 struct resolve_cache_loaded *loaded)
{
	struct resolve_cache_head told;
	int head = resolve_cache_load_head(data, len, &told);
	*loaded = (struct resolve_cache_loaded){.unproved = head > 0 && (told.rules & 1) != 0};
	if (head < 0)
		return;
	size_t pos = (size_t)head, end = pos;
	do {
		end = len - end > piece ? end + piece : len;
		size_t used = resolve_cache_load(cache, now_ms, data + pos, end - pos, end == len, loaded);
		require(used <= end - pos);
		pos += used;
	} while (end < len);
	require(pos == len);
}

static void save(struct resolve_cache *cache, struct buffer *out)
{
	struct resolve_cache_cursor cursor = {0};
	int more = 1;
	require(resolve_cache_save_head(1, 2, out) == 0);
	while (more > 0)
		more = resolve_cache_save(cache, now_ms, UINT32_MAX / 2, &cursor, out);
	require(more == 0);
}

static void see(void *ctx, const struct resolve_entry *entry)
{
	struct seen *seen = ctx;
	struct buffer text = {0};
	seen->entries++;
	require(wire_name_check(entry->name, WIRE_NAME_MAX) > 0);
	require(operate_entry_text(entry, &text) >= 0 && operate_entry_json(entry, &text) >= 0);
	buffer_done(&text);
	for (size_t i = 0; i < entry->n_sets; i++)
		for (uint32_t r = 0; r < entry->set[i].count; r++)
			require(wire_rdata_check(entry->set[i].rdata[r].data, entry->set[i].rdata[r].len,
						 entry->set[i].type) == 0);
	if (seen->n == NAMES_MAX)
		return;
	seen->item[seen->n].type = entry->type;
	memcpy(seen->item[seen->n++].name, entry->name, wire_name_len(entry->name));
}

static void entries_see(struct resolve_cache *cache, struct seen *seen)
{
	struct resolve_cache_cursor cursor = {0};
	while (resolve_cache_entries(cache, now_ms, NULL, false, &cursor, see, seen))
		;
}

static void ask(struct resolve *engine, const uint8_t *name, uint16_t type)
{
	struct resolve_event event = {.kind = RESOLVE_QUESTION, .now_ms = 1000, .wall_ms = now_ms};
	event.question.client = 1;
	event.question.qname = name;
	event.question.qtype = type;
	event.question.dnssec = true;
	event.question.cached_only = true;
	short_way_ask(engine, name, type, 1232, 1000, now_ms);
	const struct resolve_actions *actions = resolve_step(engine, &event);
	for (size_t i = 0; i < actions->count; i++) {
		if (actions->item[i].kind != RESOLVE_ANSWER)
			continue;
		const struct resolve_result *result = actions->item[i].answer.result;
		for (size_t s = 0; s < result->n_answer; s++)
			require(wire_name_check(result->answer[s].owner, WIRE_NAME_MAX) > 0);
		for (size_t s = 0; s < result->n_authority; s++)
			require(wire_name_check(result->authority[s].owner, WIRE_NAME_MAX) > 0);
	}
}

/* The names that are there, and one below each: for synthesis and cuts. */
static void questions_ask(struct resolve_cache *cache, const struct seen *seen)
{
	struct resolve_settings settings;
	struct random random;
	struct counters counters = {0};
	struct resolve *engine;
	random_init_seed(&random, 7);
	resolve_settings_default(&settings);
	require(resolve_new(&settings, cache, &random, &counters, &engine) == 0);
	for (size_t i = 0; i < seen->n; i++) {
		uint8_t below[WIRE_NAME_MAX + 4] = "\3a-b";
		const uint8_t *name = seen->item[i].name;
		ask(engine, name, seen->item[i].type);
		ask(engine, name, WIRE_TYPE_A);
		memcpy(below + 4, name, wire_name_len(name));
		if (wire_name_check(below, sizeof below) > 0)
			ask(engine, below, WIRE_TYPE_AAAA);
	}
	resolve_free(engine);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static struct seen seen, again;
	struct resolve_cache_loaded loaded, second;
	struct buffer file = {0};
	struct resolve_cache *cache = cache_new(1), *other = cache_new(2);
	size_t piece = len > 2 ? 1 + data[len - 1] * 8u : 64;
	uint8_t *copy = malloc(len + 1);
	require(copy != NULL);
	if (len > 0)
		memcpy(copy, data, len);
	now_ms = time_of(data, len);
	checksums_renew(copy, len);
	load(cache, copy, len, piece, &loaded);
	seen.entries = seen.n = again.entries = again.n = 0;
	entries_see(cache, &seen);
	require(seen.entries <= loaded.entries);
	save(cache, &file);
	load(other, file.data, file.len, 100000, &second);
	entries_see(other, &again);
	require(second.torn == 0 && second.refused == 0);
	require(again.entries == seen.entries);
	questions_ask(cache, &seen);
	for (size_t i = 0; i < seen.n; i++)
		resolve_cache_flush_type(cache, seen.item[i].name, i & 1 ? seen.item[i].type : 0, i & 2);
	resolve_cache_flush(cache, NULL, true);
	require(resolve_cache_count(cache) == 0);
	resolve_cache_free(cache);
	resolve_cache_free(other);
	buffer_done(&file);
	free(copy);
	return 0;
}
