// SPDX-License-Identifier: GPL-3.0-or-later
/* Private halves that belong to no key of the state. Those in files are seen; those in tokens are noted before they are made. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "folder.h"

#define MAKING_FILE      "making"                                    /* a URI a line */
#define MAKING_BYTES_MAX ((size_t)KEYS_ORPHANS_MAX * KEYS_PLACE_MAX) /* so many were cut off, and nobody has looked */

static bool in_state(const struct keys_folder *folder, const char *place)
{
	for (size_t i = 0; i < folder->state.n; i++)
		if (strcmp(folder->state.key[i].place, place) == 0)
			return true;
	return false;
}

/* The lines of the file, each ended by a NUL instead of its newline. Nothing there: none. */
static int making_read(const struct keys_folder *folder, uint8_t **ret_text, size_t *ret_len)
{
	int rc = folder_read(folder->fd, MAKING_FILE, MAKING_BYTES_MAX, ret_text, ret_len);
	if (rc == BANYAN_ENOENT) {
		*ret_text = NULL;
		*ret_len = 0;
		return 0;
	}
	for (size_t i = 0; rc == 0 && i < *ret_len; i++)
		if ((*ret_text)[i] == '\n')
			(*ret_text)[i] = '\0';
	return rc;
}

/* Writes the file anew: without what the state has, without `less`, with `more`; either may be NULL. */
static int making_write(struct keys_folder *folder, const char *less, const char *more)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	_cleanup_(buffer_done) struct buffer out = {0};
	size_t len = 0;
	bool seen;
	int rc = making_read(folder, &text, &len);
	for (size_t at = 0; rc >= 0 && at < len; at += strlen((char *)text + at) + 1) {
		const char *line = (char *)text + at;
		bool stays = line[0] != '\0' && !in_state(folder, line) && (less == NULL || strcmp(line, less) != 0);
		if (stays)
			rc = buffer_printf(&out, "%s\n", line);
	}
	if (rc >= 0 && more != NULL)
		rc = buffer_printf(&out, "%s\n", more);
	if (rc < 0)
		return rc;
	if (out.len > 0)
		return folder_replace(folder->fd, MAKING_FILE, out.data, out.len, 0600, &seen);
	return unlinkat(folder->fd, MAKING_FILE, 0) == 0 || errno == ENOENT ? 0 : error_from_errno(errno);
}

int keys_making_note(struct keys_folder *folder, const char *place, char why[KEYS_WHY_MAX])
{
	int rc = making_write(folder, NULL, place);
	if (rc == 0)
		return 0;
	folder->failed = KEYS_FAILED_DISK;
	return keys_wrong(why, rc, "%s/" MAKING_FILE " cannot be written: %s%s", folder->path, error_text(rc),
			  rc == BANYAN_EIO ? file_advice(errno) : "");
}

/* If it cannot be struck out it stays until the next one is: what the state has is passed over. */
void keys_making_strike(struct keys_folder *folder, const char *place)
{
	(void)making_write(folder, place, NULL);
}

int keys_orphans(const struct keys_folder *folder, void (*found)(void *ctx, const char *place), void *ctx)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len = 0, n = 0;
	int rc = making_read(folder, &text, &len);
	for (size_t at = 0; rc == 0 && at < len; at += strlen((char *)text + at) + 1)
		if (text[at] != '\0' && !in_state(folder, (char *)text + at))
			found(ctx, (char *)text + at);
	int fd = rc == 0 ? dup(folder->fd) : -1;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		if (fd >= 0)
			close(fd);
		return rc != 0 ? rc : error_from_errno(errno);
	}
	rewinddir(dir); /* the descriptor's place is shared with whoever read it before */
	for (struct dirent *entry; n < KEYS_ORPHANS_MAX && (entry = readdir(dir)) != NULL;) {
		size_t size = strlen(entry->d_name);
		if (size < 5 || strcmp(entry->d_name + size - 4, ".pem") != 0 || in_state(folder, entry->d_name))
			continue;
		found(ctx, entry->d_name);
		n++;
	}
	closedir(dir);
	return 0;
}
