// SPDX-License-Identifier: GPL-3.0-or-later
/* The versions in a zone's folder, and what of them goes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "private.h"
#include "sync/sync.h"

#define ENTRIES_MAX 4096 /* of a folder that are looked at: what is beyond goes the next time */

static bool name_is_serial(const char *name, uint32_t *ret)
{
	char *end, again[16];
	unsigned long v = strtoul(name, &end, 10);
	if (*end != '\0' || v > UINT32_MAX)
		return false;
	snprintf(again, sizeof again, "%lu", v);
	*ret = (uint32_t)v;
	return strcmp(again, name) == 0;
}

struct versions {
	uint32_t now; /* they are older than this */
	uint32_t *serial;
	size_t n, max;
};

static int newest_first(const void *a, const void *b, void *ctx)
{
	const struct versions *v = ctx;
	uint32_t x = v->now - *(const uint32_t *)a, y = v->now - *(const uint32_t *)b;
	return x < y ? -1 : x > y;
}

size_t files_versions(const char *folder, uint32_t serial, uint32_t *out, size_t max)
{
	uint32_t all[ENTRIES_MAX];
	struct versions v = {.now = serial, .serial = all, .max = ARRAY_SIZE(all)};
	DIR *dir = opendir(folder);
	if (dir == NULL)
		return 0;
	for (struct dirent *entry; v.n < v.max && (entry = readdir(dir)) != NULL;) {
		uint32_t other;
		if (name_is_serial(entry->d_name, &other) && sync_serial_newer(serial, other))
			all[v.n++] = other;
	}
	closedir(dir);
	qsort_r(all, v.n, sizeof *all, newest_first, &v);
	size_t n = v.n < max ? v.n : max;
	memcpy(out, all, n * sizeof *out);
	return n;
}

/* When the version was written, or 0. */
static int64_t version_time(const char *folder, uint32_t serial)
{
	char path[PATH_MAX];
	struct stat st;
	if (snprintf(path, sizeof path, "%s/%u/zone.wire.zst", folder, serial) >= (int)sizeof path ||
	    stat(path, &st) < 0)
		return 0;
	return st.st_mtime;
}

static bool has_end(const char *name, const char *end)
{
	size_t len = strlen(name), end_len = strlen(end);
	return len > end_len && strcmp(name + len - end_len, end) == 0;
}

/* Only what this program writes: a folder of an operator's that is called as a serial keeps what else is in it. */
static bool is_ours(const char *name, bool deltas_only)
{
	bool delta = strncmp(name, "from-", 5) == 0 && (has_end(name, ".delta") || has_end(name, ".delta.tmp"));
	return delta ||
	       (!deltas_only && strncmp(name, "zone.", 5) == 0 && (has_end(name, ".zst") || has_end(name, ".tmp")));
}

static unsigned version_remove(const char *folder, uint32_t serial, bool deltas_only)
{
	char path[PATH_MAX];
	unsigned n = 0;
	DIR *dir = snprintf(path, sizeof path, "%s/%u", folder, serial) < (int)sizeof path ? opendir(path) : NULL;
	if (dir == NULL)
		return 0;
	for (struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (is_ours(entry->d_name, deltas_only) && unlinkat(dirfd(dir), entry->d_name, 0) == 0)
			n++;
	closedir(dir);
	if (!deltas_only)
		(void)!unlinkat(AT_FDCWD, path, AT_REMOVEDIR);
	return n;
}

unsigned files_sweep(const char *folder, const struct files_pointer *pointer, unsigned deltas, uint32_t hold_s,
		     int64_t now)
{
	uint32_t serial[ENTRIES_MAX], newer = pointer->serial;
	size_t n = files_versions(folder, pointer->serial, serial, ARRAY_SIZE(serial));
	unsigned removed = 0;
	for (size_t i = 0; i < n; newer = serial[i++]) {
		/* it was what the pointer named until the next one came */
		int64_t replaced_at = version_time(folder, newer);
		bool present = pointer->present.wire.path[0] != '\0' && serial[i] == pointer->present.serial;
		if (present || (replaced_at != 0 && now - replaced_at < (int64_t)hold_s))
			continue;
		removed += version_remove(folder, serial[i], i < deltas); /* bases of deltas to come stay */
	}
	return removed;
}
