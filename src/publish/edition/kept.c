// SPDX-License-Identifier: GPL-3.0-or-later
/* What was taken of the source last, in the folder of the edition: so that signatures are made anew and keys roll also by a publisher that was
 * started while its source is gone. */
#include "private.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static int kept_path(const struct edition_settings *settings, char out[PATH_MAX], char *why)
{
	return snprintf(out, PATH_MAX, "%s/source", settings->folder) < PATH_MAX
		       ? 0
		       : edition_why(why, BANYAN_EINVAL, "%s: the path is too long", settings->folder);
}

static uint64_t mark_of(const struct buffer *wire)
{
	static const uint8_t key[16] = "banyan-source";
	return hash_sip(wire->data, wire->len, key);
}

/* Does the file say this already? */
static bool is_there(const char *path, const struct buffer *wire)
{
	_cleanup_(base_free) uint8_t *there = NULL;
	size_t len;
	return file_read(path, wire->len, &there, &len) == 0 && len == wire->len && memcmp(there, wire->data, len) == 0;
}

int edition_kept_save(struct edition *e, const struct zone *source, char why[EDITION_WHY_MAX])
{
	char path[PATH_MAX];
	_cleanup_(buffer_done) struct buffer wire = {0};
	int rc = kept_path(e->settings, path, why);
	if (rc < 0)
		return rc;
	rc = zone_write_wire(source, &wire);
	if (rc < 0)
		return edition_why(why, rc, "the source has no wire form: %s", error_text(rc));
	uint64_t mark = mark_of(&wire);
	if (e->kept && e->kept_mark == mark)
		return 0;
	errno = 0;
	rc = !e->kept && is_there(path, &wire) ? 0 : file_write_atomic(path, wire.data, wire.len);
	if (rc < 0)
		return edition_why(why, rc, "%s: it cannot be written: %s%s", path,
				   errno != 0 ? strerror(errno) : error_text(rc), file_advice(errno));
	e->kept = true;
	e->kept_mark = mark;
	return 0;
}

int edition_source_kept(const struct edition *edition, struct zone **ret, int64_t *ret_at,
			char ret_why[EDITION_WHY_MAX])
{
	char path[PATH_MAX];
	_cleanup_(base_free) uint8_t *data = NULL;
	size_t len;
	struct stat st;
	struct zone *zone;
	struct zone_read_settings read = {.origin = edition->settings->zone};
	struct zone_error error;
	int rc = kept_path(edition->settings, path, ret_why);
	if (rc < 0)
		return rc;
	errno = 0;
	rc = file_read(path, ZONE_FILE_MAX, &data, &len);
	if (rc < 0)
		return edition_why(ret_why, rc, "%s: %s", path,
				   rc == BANYAN_ENOENT ? "nothing was taken of a source yet"
				   : errno != 0        ? strerror(errno)
						       : error_text(rc));
	rc = zone_read_wire(path, data, len, &read, &zone, &error);
	if (rc < 0)
		return edition_why(ret_why, rc, "what was taken of the source last cannot be read: %.500s; remove %s",
				   error.text, path);
	*ret = zone;
	*ret_at = stat(path, &st) == 0 ? st.st_mtim.tv_sec : 0;
	return 0;
}
