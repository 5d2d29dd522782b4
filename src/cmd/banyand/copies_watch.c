// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Sources on this machine, file: and dir:, say by themselves when they change: each is looked at every second, by one stat() of each file, and the
 * copy machine is told of what is new there. Without it a version that a publisher puts into its place would wait for the SOA's refresh.
 */
#include "copies.h"

#include <sys/stat.h>

static bool is_here(const struct pull_source *source)
{
	return source->kind == PULL_SOURCE_FILE || source->kind == PULL_SOURCE_DIR;
}

/* A folder with thousands of files is looked at less often: for a hundredth of the time at most. */
static struct copy_place look_into(struct copy_source *source)
{
	int64_t begun_ns = clock_mono_ns();
	struct copy_place place = {.files = pull_folder_mark(source->source.place)};
	int64_t took_ns = clock_mono_ns() - begun_ns;
	source->look_ms = clock_mono_ms() + took_ns * 100 / 1000000;
	place.inode = place.files != 0;
	return place;
}

static struct copy_place look(const struct pull_source *source)
{
	struct stat st;
	if (stat(source->place, &st) < 0)
		return (struct copy_place){0};
	return (struct copy_place){
		.device = st.st_dev,
		.inode = st.st_ino,
		.size = st.st_size,
		.changed_s = st.st_mtim.tv_sec,
		.changed_ns = st.st_mtim.tv_nsec,
	};
}

static bool same(const struct copy_place *a, const struct copy_place *b)
{
	return a->device == b->device && a->inode == b->inode && a->size == b->size && a->changed_s == b->changed_s &&
	       a->changed_ns == b->changed_ns && a->files == b->files;
}

/* What still changes from look to look is being written: it is told of when it rests. What is found at the first looks is told of, too: it may
 * have changed while nobody looked. */
static bool has_news(struct copy_source *source)
{
	bool folder = source->source.kind == PULL_SOURCE_DIR;
	if (folder && clock_mono_ms() < source->look_ms)
		return false;
	struct copy_place now = folder ? look_into(source) : look(&source->source);
	bool news = now.inode != 0 && same(&now, &source->seen) && !same(&now, &source->told);
	source->seen = now;
	if (news)
		source->told = now;
	return news;
}

void copy_watch(struct copy *copy)
{
	for (size_t i = 0; i < copy->n_sources; i++)
		if (is_here(&copy->source[i]->source) && has_news(copy->source[i]))
			copy_tell(copy, &(struct pull_event){.kind = PULL_EVENT_CHANGED, .source = i});
}
