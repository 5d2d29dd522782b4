// SPDX-License-Identifier: GPL-3.0-or-later
/* From files of this machine: looked at before they are read, and copied a piece in each turn of the loop. */
#include "fetch.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PATH_BYTES_MAX 4096

/* What stands for the content of a file, without reading it. */
static void tag_of(const struct stat *st, char out[PULL_TAG_MAX])
{
	snprintf(out, PULL_TAG_MAX, "F%llx-%llx-%lld.%09ld-%lld", (unsigned long long)st->st_dev,
		 (unsigned long long)st->st_ino, (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec,
		 (long long)st->st_size);
}

/* ---- a folder: its newest file ---- */

static bool name_good(const char *name)
{
	size_t len = strlen(name);
	return name[0] != '.' && name[len - 1] != '~' && (len < 4 || strcmp(name + len - 4, ".tmp") != 0);
}

static bool is_refused(const char *const *refused, size_t n, const struct stat *st)
{
	char tag[PULL_TAG_MAX];
	tag_of(st, tag);
	for (size_t i = 0; i < n; i++)
		if (strcmp(refused[i], tag) == 0)
			return true;
	return false;
}

static bool is_newer(const struct stat *a, const struct stat *b)
{
	return a->st_mtim.tv_sec != b->st_mtim.tv_sec ? a->st_mtim.tv_sec > b->st_mtim.tv_sec
						      : a->st_mtim.tv_nsec > b->st_mtim.tv_nsec;
}

/* The newest regular file that was not refused; BANYAN_ENOENT: there is none. */
static int newest_in(const char *folder, const char *const *refused, size_t n_refused, char path[PATH_BYTES_MAX])
{
	char name[NAME_MAX + 1] = "";
	struct stat best = {0};
	DIR *dir = opendir(folder);
	snprintf(path, PATH_BYTES_MAX, "%s", folder);
	if (dir == NULL)
		return error_from_errno(errno) == BANYAN_ENOENT ? BANYAN_EINVAL : error_from_errno(errno);
	struct dirent *entry;
	for (unsigned n = 0; n < PULL_DIR_MAX && (entry = readdir(dir)) != NULL; n++) {
		struct stat st;
		if (!name_good(entry->d_name) || fstatat(dirfd(dir), entry->d_name, &st, 0) < 0 ||
		    !S_ISREG(st.st_mode) || is_refused(refused, n_refused, &st) ||
		    (name[0] != '\0' && !is_newer(&st, &best)))
			continue;
		best = st;
		snprintf(name, sizeof name, "%s", entry->d_name);
	}
	closedir(dir);
	if (name[0] != '\0')
		snprintf(path, PATH_BYTES_MAX, "%s/%s", folder, name);
	return name[0] != '\0' ? 0 : BANYAN_ENOENT;
}

/* In no order, since a folder has none. */
uint64_t pull_folder_mark(const char *folder)
{
	static const uint8_t hash_key[16]; /* it need not be secret */
	uint64_t mark = 1;
	DIR *dir = opendir(folder);
	struct dirent *entry;
	if (dir == NULL)
		return 0;
	for (unsigned n = 0; n < PULL_DIR_MAX && (entry = readdir(dir)) != NULL; n++) {
		struct stat st;
		char tag[PULL_TAG_MAX];
		if (!name_good(entry->d_name) || fstatat(dirfd(dir), entry->d_name, &st, 0) < 0 || !S_ISREG(st.st_mode))
			continue;
		tag_of(&st, tag);
		mark += hash_sip(tag, strlen(tag), hash_key);
	}
	closedir(dir);
	return mark != 0 ? mark : 1;
}

int pull_file_tag(const struct pull_source *source, char ret[PULL_TAG_MAX])
{
	char path[PATH_BYTES_MAX];
	struct stat st;
	int rc = 0;
	if (source->kind == PULL_SOURCE_DIR)
		rc = newest_in(source->place, NULL, 0, path);
	else if (source->kind == PULL_SOURCE_FILE)
		snprintf(path, sizeof path, "%s", source->place);
	else
		return BANYAN_ENOENT;
	if (rc < 0 || stat(path, &st) < 0)
		return BANYAN_ENOENT;
	tag_of(&st, ret);
	return 0;
}

/* ---- reading ---- */

static void on_copy(uv_timer_t *timer)
{
	static uint8_t piece[65536];
	struct pull_fetch *fetch = timer->data;
	struct stat st;
	char tag[PULL_TAG_MAX] = "";
	for (size_t step = 0; step < PULL_COPY_STEP;) {
		ssize_t n = pread(fetch->file_fd, piece, sizeof piece, (off_t)fetch->copied);
		if (n < 0) {
			pull_fetch_fail(fetch, "the file cannot be read: %s", strerror(errno));
			return;
		}
		if (n == 0) {
			if (fstat(fetch->file_fd, &st) == 0)
				tag_of(&st, tag);
			if (strcmp(tag, fetch->result.tag) != 0)
				pull_fetch_fail(fetch, "the file changed while it was read");
			else
				pull_fetch_tell(fetch, PULL_GOT);
			return;
		}
		fetch->copied += (uint64_t)n;
		step += (size_t)n;
		if (fetch->copied > pull_fetch_bytes_max(fetch)) {
			pull_fetch_fail(fetch, "the file is larger than the limit of %llu bytes",
					(unsigned long long)pull_fetch_bytes_max(fetch));
			return;
		}
		if (pull_fd_write(fetch->settings.fd, piece, (size_t)n) < 0) {
			pull_fetch_fail(fetch, "the copy cannot be written: %s", strerror(errno));
			return;
		}
	}
	pull_fetch_next(fetch, on_copy);
}

/* Its serial, if it stands where it can be seen; packed files do not show it. */
static void peek(struct pull_fetch *fetch)
{
	uint8_t begin[16384];
	ssize_t n = pread(fetch->file_fd, begin, sizeof begin, 0);
	fetch->result.has_serial = n > 0 && pull_serial_hint(begin, (size_t)n, fetch->apex, &fetch->result.serial);
	pull_fetch_tell(fetch, fetch->result.has_serial ? pull_fetch_compare(fetch, fetch->result.serial) : PULL_GOT);
}

static void why_not(struct pull_fetch *fetch, const char *path, const char *error)
{
	struct stat st;
	bool dir = fetch->source.kind == PULL_SOURCE_DIR, there = stat(path, &st) == 0;
	if (!dir && there && S_ISDIR(st.st_mode))
		pull_fetch_fail(fetch, "%.100s is a folder: name a file in it%s%.100s%s", path,
				fetch->source.kind == PULL_SOURCE_FILE ? ", or write dir:" : "",
				fetch->source.kind == PULL_SOURCE_FILE ? path : "",
				fetch->source.kind == PULL_SOURCE_FILE ? " for the newest of them" : "");
	else if (!there && errno == ENOENT)
		pull_fetch_fail(fetch, "there is no %s %.150s", dir ? "folder" : "file", path);
	else if (dir && there && S_ISREG(st.st_mode) && strcmp(path, fetch->source.place) == 0)
		pull_fetch_fail(fetch, "%.100s is a file and no folder: write file:%.100s", path, path);
	else
		pull_fetch_fail(fetch, "%.150s cannot be read: %s", path, error);
}

void pull_fetch_file(struct pull_fetch *fetch)
{
	char path[PATH_BYTES_MAX];
	struct stat st;
	const char *place = fetch->source.place;
	int rc = 0;
	if (fetch->source.kind == PULL_SOURCE_DIR)
		rc = newest_in(place, fetch->settings.refused, fetch->settings.n_refused, path);
	else
		snprintf(path, sizeof path, "%s", place);
	if (rc == BANYAN_ENOENT) {
		pull_fetch_fail(fetch, "there is no file in %.150s that has not been refused", place);
		return;
	}
	if (rc == 0)
		rc = fetch->file_fd = file_open(path);
	if (rc < 0 || fstat(fetch->file_fd, &st) < 0) {
		why_not(fetch, path, rc < 0 ? error_text(rc) : strerror(errno));
		return;
	}
	tag_of(&st, fetch->result.tag);
	fetch->result.form = fetch->source.kind == PULL_SOURCE_LIST ? PULL_LIST : PULL_TEXT;
	fetch->result.bytes = (uint64_t)st.st_size;
	fetch->result.round_trip_ms = 0;
	if (fetch->settings.have && strcmp(fetch->result.tag, fetch->tag) == 0) {
		fetch->result.has_serial = true;
		fetch->result.serial = fetch->settings.serial;
		pull_fetch_tell(fetch, PULL_UNCHANGED);
	} else if (fetch->settings.mode == PULL_MODE_PROBE) {
		peek(fetch);
	} else {
		pull_fetch_next(fetch, on_copy);
	}
}
