// SPDX-License-Identifier: GPL-3.0-or-later
/* Requests and responses as files of a folder: each has a name of its own, so that none takes the place of another. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "request.h"

#define FILES_MAX 1024 /* responses kept in a folder: 250 years of quarters */
#define SUM_PART  16   /* digits of a sum in a file's name */

int keys_request_load(struct keys_folder *folder, const char *file, struct keys_request *ret, char why[KEYS_WHY_MAX])
{
	_cleanup_(base_free) uint8_t *text = NULL;
	char name[2 * KEYS_PLACE_MAX];
	size_t len;
	int rc = folder_read(folder->fd, file, KEYS_REQUEST_MAX, &text, &len);
	snprintf(name, sizeof name, "%s/%.200s", folder->path, file);
	if (rc != 0)
		return keys_wrong(why, rc, "%s: %s", name, error_text(rc));
	return keys_request_read(name, (const char *)text, len, ret, why);
}

int keys_request_keep(struct keys_folder *folder, const char *file, const struct buffer *text, char why[KEYS_WHY_MAX])
{
	bool replaced;
	int rc = folder_replace(folder->fd, file, text->data, text->len, 0600, &replaced);
	if (rc != 0)
		folder->failed = KEYS_FAILED_DISK;
	return rc == 0 ? 0
		       : keys_wrong(why, rc, "%s/%s cannot be written: %s%s", folder->path, file, error_text(rc),
				    rc == BANYAN_EIO ? file_advice(errno) : "");
}

static bool is_named(const char *name, const char *begins, const char *letters, size_t n)
{
	return strncmp(name, begins, 4) == 0 && strspn(name + 4, letters) == n && strcmp(name + 4 + n, ".txt") == 0;
}

static bool is_asked(const char *name)
{
	return is_named(name, "ksr-", "0123456789abcdef", SUM_PART);
}

static bool is_answer(const char *name)
{
	return is_named(name, "skr-", "0123456789-:TZ", 20); /* 2026-10-01T00:00:00Z */
}

static int by_name(const void *a, const void *b)
{
	return strcmp(b, a); /* newest first: the time is in the name */
}

/* All names of a kind, sorted; malloced. */
static size_t list(const struct keys_folder *folder, bool (*is)(const char *name), char (**ret)[KEYS_FILE_MAX])
{
	char(*all)[KEYS_FILE_MAX] = calloc(FILES_MAX, sizeof *all);
	DIR *dir = all != NULL ? opendir(folder->path) : NULL;
	size_t n = 0;
	for (struct dirent *e; dir != NULL && (e = readdir(dir)) != NULL && n < FILES_MAX;)
		if (is(e->d_name))
			memcpy(all[n++], e->d_name, strlen(e->d_name) + 1);
	if (dir != NULL)
		closedir(dir);
	if (n > 1)
		qsort(all, n, sizeof *all, by_name);
	*ret = all;
	return n;
}

size_t keys_answers_list(const struct keys_folder *folder, char name[KEYS_RESPONSES_MAX][KEYS_FILE_MAX])
{
	char(*all)[KEYS_FILE_MAX];
	size_t n = list(folder, is_answer, &all);
	if (n > KEYS_RESPONSES_MAX)
		n = KEYS_RESPONSES_MAX;
	if (n > 0)
		memcpy(name, all, n * sizeof *all);
	free(all);
	return n;
}

void keys_asked_file(const char *sum, char out[KEYS_FILE_MAX])
{
	snprintf(out, KEYS_FILE_MAX, "ksr-%.*s.txt", SUM_PART, sum);
}

struct asked {
	char file[KEYS_FILE_MAX];
	int64_t made;
};

static int by_made(const void *a, const void *b)
{
	const struct asked *x = a, *y = b;
	return x->made < y->made ? 1 : x->made > y->made ? -1 : 0; /* newest first */
}

static void forget(const struct keys_folder *folder, const char *file)
{
	if (unlinkat(folder->fd, file, 0) < 0)
		log_warning("keys", "%s/%s: it is not needed any more and cannot be removed: %s", folder->path, file,
			    strerror(errno));
}

void keys_asked_tidy(struct keys_folder *folder, int64_t now)
{
	char(*all)[KEYS_FILE_MAX], why[KEYS_WHY_MAX];
	size_t n = list(folder, is_asked, &all), kept = 0;
	struct asked *asked = n > 0 ? calloc(n, sizeof *asked) : NULL;
	for (size_t i = 0; asked != NULL && i < n; i++) {
		struct keys_request request = {0};
		if (keys_request_load(folder, all[i], &request, why) != 0) {
			log_warning("keys", "%s", why);
			continue;
		}
		bool over = request.from < folder->state.bundles_until || request.until <= now;
		memcpy(asked[kept].file, all[i], sizeof all[i]);
		asked[kept].made = request.made;
		keys_request_done(&request);
		if (over)
			forget(folder, asked[kept].file);
		else
			kept++;
	}
	if (kept > 1)
		qsort(asked, kept, sizeof *asked, by_made);
	for (size_t i = KEYS_REQUESTS_MAX; i < kept; i++)
		forget(folder, asked[i].file);
	free(asked);
	free(all);
}
