// SPDX-License-Identifier: GPL-3.0-or-later
/* What was proved takes the place of what was there: whole, durable, or not at all. */
#include "private.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sync/files/files.h"

static int fail_io(char *why, int rc, const char *path)
{
	bool told =
		errno != 0 && (rc == BANYAN_EIO || rc == BANYAN_EACCES || rc == BANYAN_ESPACE || rc == BANYAN_ENOENT);
	return edition_why(why, rc, "%s: it cannot be written: %s%s", path, told ? strerror(errno) : error_text(rc),
			   told ? file_advice(errno) : "");
}

static int state_path(const struct edition_settings *settings, char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s/state", settings->folder) < PATH_MAX ? 0 : BANYAN_EINVAL;
}

static int state_text(const struct edition_state *state, struct buffer *out, char *why)
{
	int rc = edition_state_write(state, out);
	return rc < 0 ? edition_why(why, rc, "%s", error_text(rc)) : 0;
}

int edition_state_save(const struct edition_settings *settings, const struct edition_state *state,
		       char why[EDITION_WHY_MAX])
{
	char path[PATH_MAX];
	_cleanup_(buffer_done) struct buffer text = {0};
	int rc = state_text(state, &text, why);
	if (rc < 0)
		return rc;
	errno = 0;
	rc = state_path(settings, path);
	if (rc == 0)
		rc = file_write_atomic(path, text.data, text.len);
	return rc < 0 ? fail_io(why, rc, path) : 0;
}

int edition_anchors_save(const struct edition_settings *settings, const struct buffer *text, char why[EDITION_WHY_MAX])
{
	char path[PATH_MAX];
	_cleanup_(base_free) uint8_t *there = NULL;
	size_t len;
	if (snprintf(path, sizeof path, "%s/anchors", settings->folder) >= (int)sizeof path)
		return edition_why(why, BANYAN_EINVAL, "%s: the path is too long", settings->folder);
	if (file_read(path, text->len, &there, &len) == 0 && len == text->len && memcmp(there, text->data, len) == 0)
		return 0;
	errno = 0;
	int rc = file_write_atomic(path, text->data, text->len);
	return rc < 0 ? fail_io(why, rc, path) : 0;
}

/* All that takes room is written before anything takes another's place. */
int edition_write(const struct edition_settings *settings, const struct edition_made *made,
		  const struct edition_state *state, bool *ret_out, char why[EDITION_WHY_MAX])
{
	char path[PATH_MAX];
	_cleanup_(buffer_done) struct buffer text = {0};
	struct file_replace zone, about;
	int rc = state_text(state, &text, why);
	if (rc < 0)
		return rc;
	if (state_path(settings, path) < 0)
		return edition_why(why, BANYAN_EINVAL, "%s: the path is too long", settings->folder);
	errno = 0;
	rc = file_replace_begin(settings->zone_file, 0644, &zone);
	if (rc < 0)
		return fail_io(why, rc, settings->zone_file);
	rc = file_replace_write(&zone, made->text.data, made->text.len);
	if (rc < 0) {
		fail_io(why, rc, settings->zone_file);
		(void)!file_replace_end(&zone, false, NULL);
		return rc;
	}
	rc = file_replace_begin(path, 0644, &about);
	int begun = rc;
	if (rc == 0)
		rc = file_replace_write(&about, text.data, text.len);
	if (rc < 0) {
		fail_io(why, rc, path);
		if (begun == 0)
			(void)!file_replace_end(&about, false, NULL);
		(void)!file_replace_end(&zone, false, NULL);
		return rc;
	}
	bool out = false;
	rc = file_replace_end(&zone, true, &out);
	if (rc < 0)
		fail_io(why, rc, settings->zone_file);
	int of_state =
		file_replace_end(&about, out, NULL); /* what is seen is out, also when nobody knows if it is durable */
	*ret_out = out;
	return rc < 0 || of_state == 0 ? rc : fail_io(why, of_state, path);
}

int edition_tree_write(const struct edition_settings *settings, const struct buffer *wire, int64_t now,
		       char why[EDITION_WHY_MAX])
{
	char words[FILES_WHY_MAX] = "";
	struct files_key *key = NULL;
	_cleanup_(base_free) struct files_published *published = calloc(1, sizeof *published);
	if (published == NULL)
		return edition_why(why, BANYAN_ENOMEM, "out of memory");
	int rc = settings->tree_key[0] != '\0' ? files_key_read(settings->tree_key, &key, words) : 0;
	struct files_publish_settings publish = {
		.folder = settings->tree,
		.key = key,
		.deltas = settings->tree_deltas,
		.hold_s = FILES_HOLD_DEFAULT_S,
		.now = now,
	};
	errno = 0;
	char whose[EDITION_WHY_MAX] = "";
	if (rc == 0 && (rc = edition_claim_tree(settings, true, whose)) < 0)
		snprintf(words, sizeof words, "%.500s", whose);
	if (rc == 0)
		rc = files_publish(&publish, settings->zone, wire->data, wire->len, published, words);
	files_key_free(key);
	return rc < 0 ? edition_why(why, rc, "the tree in %s is not written: %s", settings->tree, words) : 0;
}
