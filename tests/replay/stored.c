// SPDX-License-Identifier: GPL-3.0-or-later
/* Steps that an operator takes with the cache: flushing, and a restart over which it is kept as bytes. */
#include "scenario.h"

#include <string.h>

/* FLUSH name|all [type] [subtree] */
void stored_flush(struct scenario *s)
{
	uint8_t name[WIRE_NAME_MAX];
	bool subtree = s->n_words > 2 && strcmp(s->word[s->n_words - 1], "subtree") == 0;
	size_t n = s->n_words - (subtree ? 1 : 0);
	if (n < 2 || n > 3)
		bad(s, "FLUSH name|all [type] [subtree]");
	if (strcmp(s->word[1], "all") == 0) {
		resolve_cache_flush(s->world->cache, NULL, true);
		return;
	}
	text_name(s, s->word[1], name);
	resolve_cache_flush_type(s->world->cache, name, n == 3 ? text_type(s, s->word[2]) : 0, subtree);
}

static int64_t wall_ms(const struct scenario *s)
{
	return WORLD_EPOCH_MS + s->world->now_ms + s->world->wall_off_ms;
}

/* REBOOT [rules]: the cache is saved, and a new one with another secret loads it. rules: it is one that proves by other rules. */
void stored_reboot(struct scenario *s)
{
	struct world *world = s->world;
	_cleanup_(buffer_done) struct buffer file = {0};
	struct resolve_cache_cursor cursor = {0};
	struct resolve_cache_loaded loaded = {.unproved = s->n_words > 1 && strcmp(s->word[1], "rules") == 0};
	struct resolve_cache_head told;
	struct resolve_cache *old = world->cache, *cache;
	int more = 1, head;
	assert_int_equal(resolve_cache_save_head(1, 1, &file), 0);
	while (more > 0)
		more = resolve_cache_save(old, wall_ms(s), s->settings.live.stale_age_max_s, &cursor, &file);
	assert_int_equal(more, 0);
	assert_int_equal(resolve_cache_new_random((size_t)1 << 20, &world->random, &cache), 0);
	head = resolve_cache_load_head(file.data, file.len, &told);
	assert_int_equal(head, RESOLVE_CACHE_HEAD);
	size_t len = file.len - RESOLVE_CACHE_HEAD;
	assert_int_equal(resolve_cache_load(cache, wall_ms(s), file.data + head, len, true, &loaded), len);
	assert_int_equal(loaded.torn, 0);
	world->cache = cache;
	world_restart(world, &s->settings);
	resolve_cache_free(old);
}
