// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The cache in a file. Written in a thread of its own, some buckets at a time, beside the old one and then in its place, so that
 * there is a whole one at every moment, also when the daemon is killed while it writes. Mapped back before the workers start, and looked
 * at entry by entry on its way into the cache.
 */
#include "daemon.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_TIMES_MAX 4    /* a file is at most so many times as large as the cache may be */
#define FILE_MODE      0600 /* what clients asked for is nobody's business */
#define PIECE          ((size_t)256 * 1024)

struct cache_file {
	struct keeper *keeper;
	struct resolve_cache *cache;
	char *path;
	uint32_t stale_s;
	struct cache_context context; /* of what is being written */
	uv_timer_t timer;
	uv_work_t work;
	bool working, failed, closed;
	int rc;
};

/* ---- writing ---- */

/* Those of this moment: a reload may have changed them. */
static void settings_take(struct cache_file *file, const struct config *config)
{
	file->stale_s = config->resolver.serve_stale ? config->resolver.stale_age_max : 0;
	file->context = cache_context_of(file->keeper, config);
}

static int write_all(const struct cache_file *file, struct file_replace *to)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	struct resolve_cache_cursor cursor = {0};
	int rc = resolve_cache_save_head(file->context.learned, file->context.rules, &out), more = 1;
	while (rc == 0 && more > 0) {
		more = resolve_cache_save(file->cache, clock_wall_ms(), file->stale_s, &cursor, &out);
		rc = more < 0 ? more : 0;
		if (rc == 0 && (out.len >= PIECE || more == 0)) {
			rc = file_replace_write(to, out.data, out.len);
			out.len = 0;
		}
	}
	return rc;
}

static int save(const struct cache_file *file)
{
	struct file_replace to;
	int rc = file_replace_begin(file->path, FILE_MODE, &to);
	if (rc < 0)
		return rc;
	rc = write_all(file, &to);
	int end = file_replace_end(&to, rc == 0, NULL);
	return rc < 0 ? rc : end;
}

static void save_report(struct cache_file *file)
{
	if (file->rc < 0 && !file->failed)
		log_warning(
			STATION,
			"cannot write the cache to %s: %s; without it the next start begins with an old cache or none",
			file->path, error_text(file->rc));
	else if (file->rc == 0 && file->failed)
		log_notice(STATION, "the cache is written to %s again", file->path);
	file->failed = file->rc < 0;
}

static void save_last(struct cache_file *file)
{
	file->rc = save(file);
	save_report(file);
}

static void file_free(struct cache_file *file)
{
	free(file->path);
	free(file);
}

static void on_work(uv_work_t *work)
{
	struct cache_file *file = work->data;
	background_begin();
	file->rc = save(file);
}

static void on_worked(uv_work_t *work, int status)
{
	struct cache_file *file = work->data;
	file->working = false;
	save_report(file);
	if (!file->closed)
		return;
	save_last(file); /* what was under way when the daemon was told to stop may lack the last answers */
	file_free(file);
}

static void on_interval(uv_timer_t *timer)
{
	struct cache_file *file = timer->data;
	if (file->working)
		return;
	settings_take(file, swap_read(&file->keeper->swap)->config);
	file->working = uv_queue_work(timer->loop, &file->work, on_work, on_worked) == 0;
}

/* ---- reading ---- */

/* In windows, so that no more of the file is in memory than is looked at; wider ones where a block does not end in the first. */
static int blocks_load(const struct cache_file *file, const struct file_map *map, size_t pos,
		       struct resolve_cache_loaded *loaded)
{
	for (size_t window = PIECE; pos < map->len;) {
		size_t len = map->len - pos < window ? map->len - pos : window;
		int rc = file_map_want(map, pos, len);
		if (rc < 0)
			return rc;
		size_t used = resolve_cache_load(file->cache, clock_wall_ms(), map->data + pos, len,
						 pos + len == map->len, loaded);
		window = used == 0 ? window * 2 : PIECE;
		pos += used;
		file_map_drop(map, pos);
	}
	return 0;
}

static int load_mapped(const struct cache_file *file, const struct config *config, uint64_t max,
		       struct resolve_cache_loaded *loaded)
{
	_cleanup_(file_map_done) struct file_map map = {0};
	struct resolve_cache_head head;
	int rc = file_map(file->path, max, &map);
	if (rc == 0)
		rc = file_map_want(&map, 0, map.len < RESOLVE_CACHE_HEAD ? map.len : RESOLVE_CACHE_HEAD);
	if (rc == 0)
		rc = resolve_cache_load_head(map.data, map.len, &head);
	if (rc < 0)
		return rc;
	if (!cache_context_matches(file->keeper, config, &head, &loaded->unproved))
		return BANYAN_EINVAL;
	resolve_cache_load_expect(file->cache, map.len);
	return blocks_load(file, &map, RESOLVE_CACHE_HEAD, loaded);
}

static const char *refusal(int error)
{
	switch (error) {
	case BANYAN_EUNSUPP:
		return "it was written by a newer version, whose cache has a form that this one does not know";
	case BANYAN_EMALF:
		return "this is no cache of banyand, or its beginning is torn";
	case BANYAN_EINVAL:
		return "it was learned under other settings of trust anchors, TTLs, servers or forwarding, or is no "
		       "plain file";
	case BANYAN_ELIMIT:
		return "it is larger than resolver.cache-size allows";
	default:
		return error_text(error);
	}
}

static void load(const struct cache_file *file, const struct config *config)
{
	struct resolve_cache_loaded loaded = {0};
	int64_t started_ms = clock_mono_ms();
	int rc = load_mapped(file, config, config->resolver.cache_size * FILE_TIMES_MAX, &loaded);
	if (rc == BANYAN_ENOENT)
		return; /* the first start */
	if (rc < 0)
		log_warning(STATION, "the cache in %s is left out: %s; it will be written anew", file->path,
			    refusal(rc));
	if (rc == 0 || loaded.entries > 0)
		log_notice(STATION,
			   "cache: %zu entries from %s in %lld ms, %zu of them alive; %zu left out since they make no "
			   "sense, %zu torn blocks%s",
			   loaded.entries, file->path, (long long)(clock_mono_ms() - started_ms), loaded.alive,
			   loaded.refused, loaded.torn,
			   loaded.unproved ? "; it was proved by other rules, so what is asked for is proved again"
					   : "");
}

/* ---- life ---- */

/* NULL = nowhere (or no memory). */
static char *path_choose(const struct config *config)
{
	const char *folder = getenv("STATE_DIRECTORY"); /* systemd.exec(5): several are separated by colons */
	char path[PATH_MAX];
	if (!config->resolver.cache_keep)
		return NULL;
	if (config->resolver.cache_file[0] != 0)
		return strdup(config->resolver.cache_file);
	if (folder == NULL || folder[0] != '/' ||
	    snprintf(path, sizeof(path), "%.*s/cache", (int)strcspn(folder, ":"), folder) >= (int)sizeof(path))
		return NULL;
	return strdup(path);
}

void cache_file_start(struct keeper *keeper, const struct config *config)
{
	struct cache_file *file = keeper->workers.cache == NULL ? NULL : calloc(1, sizeof(*file));
	if (file == NULL)
		return;
	file->path = path_choose(config);
	if (file->path == NULL) {
		free(file);
		return;
	}
	file->keeper = keeper;
	file->cache = keeper->workers.cache;
	settings_take(file, config);
	file->work.data = file;
	load(file, config);
	uv_timer_init(&keeper->loop, &file->timer);
	file->timer.data = file;
	uint64_t interval_ms = (uint64_t)config->resolver.cache_save_interval * 1000;
	if (interval_ms > 0)
		uv_timer_start(&file->timer, on_interval, interval_ms, interval_ms);
	keeper->cache_file = file;
}

static void on_closed(uv_handle_t *timer)
{
	struct cache_file *file = timer->data;
	file->closed = true;
	if (file->working)
		return;
	save_last(file);
	file_free(file);
}

void cache_file_stop(struct keeper *keeper)
{
	struct cache_file *file = keeper->cache_file;
	if (file == NULL)
		return;
	keeper->cache_file = NULL;
	if (!file->working)
		settings_take(file, swap_read(&keeper->swap)->config);
	uv_close((uv_handle_t *)&file->timer, on_closed);
}
