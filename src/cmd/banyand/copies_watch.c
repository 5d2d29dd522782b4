// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Sources on this machine, file: and dir:, say by themselves when they change: each is looked at (one stat()) every second, and what is new there
 * counts as if somebody had sent a NOTIFY. Without it a version that a publisher puts into its place would wait for the SOA's refresh.
 */
#include "copies.h"

#include <sys/stat.h>

static bool is_here(const struct pull_source *source)
{
	return source->kind == PULL_SOURCE_FILE || source->kind == PULL_SOURCE_DIR;
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
	       a->changed_ns == b->changed_ns;
}

/* What still changes from look to look is being written: it is told of when it rests. */
static bool has_news(struct copy_source *source)
{
	struct copy_place now = look(&source->source);
	bool news = now.inode != 0 && same(&now, &source->seen) && !same(&now, &source->told);
	source->seen = now;
	if (news)
		source->told = now;
	return news;
}

/* What is there now is no news: a copy begins with a round of its sources, and so does one that gets others. */
void copy_watch_begin(struct copy_source *source)
{
	if (is_here(&source->source))
		source->seen = source->told = look(&source->source);
}

void copy_watch(struct copy *copy)
{
	for (size_t i = 0; i < copy->n_sources; i++)
		if (is_here(&copy->source[i]->source) && has_news(copy->source[i]))
			copy_tell(copy, &(struct pull_event){.kind = PULL_EVENT_NOTIFIED, .source = i});
}
