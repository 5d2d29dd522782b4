// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Whose is it? Keys, a zone file and a tree are those of one edition: two that share them would undo each other's rolls and versions. Beside each
 * lies a file that names its edition; whoever comes second is refused.
 */
#include "private.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sync/files/files.h"

#define FIRST_LINE "banyan-claim 1"
#define CLAIM_MAX  8192 /* bytes of the file */

struct claim {
	char name[ZONE_EDITION_MAX], zone[WIRE_NAME_TEXT_MAX], folder[PATH_MAX];
};

static bool line_take(const char **text, const char *word, char *out, size_t cap)
{
	size_t word_len = strlen(word);
	const char *eol = strchr(*text, '\n');
	if (eol == NULL || strncmp(*text, word, word_len) != 0 || (size_t)(eol - *text) - word_len >= cap)
		return false;
	memcpy(out, *text + word_len, (size_t)(eol - *text) - word_len);
	out[(size_t)(eol - *text) - word_len] = '\0';
	*text = eol + 1;
	return true;
}

static int claim_read(const char *path, struct claim *ret)
{
	_cleanup_(base_free) uint8_t *data = NULL;
	char first[sizeof FIRST_LINE];
	size_t len;
	int rc = file_read(path, CLAIM_MAX, &data, &len);
	if (rc != 0)
		return rc;
	const char *text = (const char *)data;
	bool good = line_take(&text, "", first, sizeof first) && strcmp(first, FIRST_LINE) == 0 &&
		    line_take(&text, "edition ", ret->name, sizeof ret->name) &&
		    line_take(&text, "zone ", ret->zone, sizeof ret->zone) &&
		    line_take(&text, "folder ", ret->folder, sizeof ret->folder);
	return good ? 0 : BANYAN_EMALF;
}

static int claim_ours(const struct edition_settings *settings, struct claim *ret, char *why)
{
	snprintf(ret->name, sizeof ret->name, "%s", settings->name[0] != '\0' ? settings->name : "-");
	wire_name_text(settings->zone, ret->zone);
	if (realpath(settings->folder, ret->folder) != NULL)
		return 0;
	return edition_why(why, error_from_errno(errno), "%s: %s", settings->folder, strerror(errno));
}

/* Where a disk knows no links: nobody else was first, but who is cut off in the middle leaves a file that must be removed by hand. */
static int write_new(const char *path, const struct buffer *text)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_from_errno(errno);
	int rc = file_write_flush(fd, text->data, text->len), err = errno;
	if (close(fd) < 0 && rc == 0) {
		rc = error_from_errno(errno);
		err = errno;
	}
	if (rc != 0)
		(void)unlink(path);
	errno = err;
	return rc;
}

/* Whole, and only if nobody else was first; `again`: in the place of one that is ours. */
static int claim_write(const char *path, const struct claim *claim, bool again)
{
	char tmp[PATH_MAX];
	_cleanup_(buffer_done) struct buffer text = {0};
	int rc = buffer_printf(&text, FIRST_LINE "\nedition %s\nzone %s\nfolder %s\n", claim->name, claim->zone,
			       claim->folder);
	if (rc < 0 || snprintf(tmp, sizeof tmp, "%s.%ld", path, (long)getpid()) >= (int)sizeof tmp)
		return rc < 0 ? rc : BANYAN_EINVAL;
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return error_from_errno(errno);
	rc = file_write_flush(fd, text.data, text.len);
	int err = errno;
	if (close(fd) < 0 && rc == 0) {
		rc = error_from_errno(errno);
		err = errno;
	}
	if (rc == 0 && (again ? rename(tmp, path) : link(tmp, path)) < 0) {
		rc = error_from_errno(errno);
		err = errno;
	}
	(void)unlink(tmp);
	errno = err;
	if (rc != 0 && !again && (err == EPERM || err == EOPNOTSUPP || err == ENOSYS))
		rc = write_new(path, &text);
	return rc != 0 ? rc : file_parent_flush(path);
}

static const char *label(const struct claim *claim)
{
	return strcmp(claim->name, "-") == 0 ? "(without a name)" : claim->name;
}

/* The same edition, whose folder stands elsewhere now. */
static bool has_moved(const struct claim *ours, const struct claim *there)
{
	char state[PATH_MAX];
	bool same = strcmp(ours->name, there->name) == 0 && strcmp(ours->zone, there->zone) == 0;
	return same && snprintf(state, sizeof state, "%.4000s/state", there->folder) < (int)sizeof state &&
	       access(state, F_OK) < 0 && errno == ENOENT;
}

/* `what` is claimed by the file `path`. */
static int claim(const struct edition_settings *settings, const char *path, const char *what, bool write, char *why)
{
	_cleanup_(base_free) struct claim *both = calloc(2, sizeof *both);
	if (both == NULL)
		return edition_why(why, BANYAN_ENOMEM, "out of memory");
	struct claim *ours = &both[0], *there = &both[1];
	int rc = claim_ours(settings, ours, why);
	if (rc != 0)
		return rc;
	for (int i = 0; i < 2; i++) { /* somebody may come first between the two looks */
		errno = 0;
		rc = claim_read(path, there);
		if (rc != BANYAN_ENOENT || !write)
			break;
		rc = claim_write(path, ours, false);
		if (rc != BANYAN_EEXIST)
			break;
	}
	if (rc == BANYAN_ENOENT) /* nobody's; or the folder that it would be in is not made yet */
		return 0;
	if (rc == BANYAN_EMALF)
		return edition_why(why, rc,
				   "%s: this file says whose %s is, and cannot be understood; remove it, if you know "
				   "that no other edition uses it",
				   path, what);
	if (rc != 0)
		return edition_why(why, rc, "%s: %s%s", path, errno != 0 ? strerror(errno) : error_text(rc),
				   errno != 0 ? file_advice(errno) : "");
	if (there->folder[0] == '\0' || strcmp(ours->folder, there->folder) == 0)
		return 0;
	if (has_moved(ours, there))
		return write ? claim_write(path, ours, true) : 0;
	return edition_why(why, BANYAN_EEXIST,
			   "%.200s is that of the edition %s of %.80s in %.200s, and not of %s in %.200s: two editions "
			   "cannot share it; give this one its own, or, if the other one is no more, remove %.200s",
			   what, label(there), there->zone, there->folder, label(ours), ours->folder, path);
}

static int claim_zone(const struct edition_settings *settings, bool write, char *why)
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s.edition", settings->zone_file) >= (int)sizeof path)
		return edition_why(why, BANYAN_EINVAL, "%s: the path is too long", settings->zone_file);
	return claim(settings, path, settings->zone_file, write, why);
}

int edition_claim_tree(const struct edition_settings *settings, bool write, char why[EDITION_WHY_MAX])
{
	char path[PATH_MAX], what[PATH_MAX], name[WIRE_NAME_TEXT_MAX];
	if (settings->tree[0] == '\0' || files_folder_name(settings->zone, name) < 0)
		return 0;
	if (snprintf(path, sizeof path, "%s/.%s.edition", settings->tree, name) >= (int)sizeof path ||
	    snprintf(what, sizeof what, "%s/%s", settings->tree, name) >= (int)sizeof what)
		return edition_why(why, BANYAN_EINVAL, "%s: the path is too long", settings->tree);
	return claim(settings, path, what, write, why);
}

int edition_claim(const struct edition_settings *settings, bool write, char why[EDITION_WHY_MAX])
{
	int rc = claim_zone(settings, write, why);
	return rc == 0 ? edition_claim_tree(settings, write, why) : rc;
}

int edition_claim_keys(const struct edition_settings *settings, bool write, char why[EDITION_WHY_MAX])
{
	char path[PATH_MAX];
	if (snprintf(path, sizeof path, "%s/edition", settings->keys_folder) >= (int)sizeof path)
		return edition_why(why, BANYAN_EINVAL, "%s: the path is too long", settings->keys_folder);
	return claim(settings, path, settings->keys_folder, write, why);
}
