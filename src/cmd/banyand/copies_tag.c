// SPDX-License-Identifier: GPL-3.0-or-later
/* What servers call the versions that they have given (ETag, date), in the store: after a restart, too, what is here already is not sent again. */
#include "copies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TAGS_BYTES_MAX ((size_t)PULL_SOURCES_MAX * (PULL_TAG_MAX + PULL_SOURCE_TEXT_MAX + 16))

static bool tags_path(const struct copy *copy, char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s/tags", copy->store) < PATH_MAX;
}

/* ---- the file: "SERIAL<tab>TAG<tab>SOURCE" in each line ---- */

static void line_take(struct copy *copy, char *line)
{
	char *end, *tag = strchr(line, '\t'), *text = tag == NULL ? NULL : strchr(tag + 1, '\t');
	unsigned long serial = strtoul(line, &end, 10);
	if (text == NULL || end != tag || serial > UINT32_MAX)
		return;
	*text++ = '\0';
	for (size_t i = 0; i < copy->n_sources; i++) {
		struct copy_source *source = copy->source[i];
		if (source->tag[0] != '\0' || strcmp(source->source.text, text) != 0 || strlen(tag + 1) >= PULL_TAG_MAX)
			continue;
		snprintf(source->tag, sizeof source->tag, "%s", tag + 1);
		source->tag_serial = (uint32_t)serial;
	}
}

/* One that cannot be read costs a download, and no more. */
void copy_tags_read(struct copy *copy)
{
	_cleanup_(base_free) uint8_t *data = NULL;
	char path[PATH_MAX], *line, *rest = NULL;
	size_t len;
	if (!tags_path(copy, path) || file_read(path, TAGS_BYTES_MAX, &data, &len) < 0 || len == 0 ||
	    memchr(data, '\0', len) != NULL || data[len - 1] != '\n')
		return;
	data[len - 1] = '\0';
	for (line = strtok_r((char *)data, "\n", &rest); line != NULL; line = strtok_r(NULL, "\n", &rest))
		line_take(copy, line);
}

static void tags_write(const struct copy *copy)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	char path[PATH_MAX];
	int rc = tags_path(copy, path) ? 0 : BANYAN_EINVAL;
	for (size_t i = 0; rc == 0 && i < copy->n_sources; i++) {
		const struct copy_source *source = copy->source[i];
		if (source->tag[0] != '\0')
			rc = buffer_printf(&out, "%u\t%s\t%s\n", source->tag_serial, source->tag, source->source.text);
	}
	if (rc == 0)
		rc = file_write_atomic(path, out.data, out.len);
	if (rc < 0)
		log_warning(STATION, "copy of %s: %s cannot be written: after a restart more is fetched than needs be",
			    copy->zone, path);
}

/* ---- in use ---- */

void copy_tag_set(struct copy_source *source, uint32_t serial, const char *tag)
{
	if (source->tag_serial == serial && strcmp(source->tag, tag) == 0)
		return;
	source->tag_serial = serial;
	snprintf(source->tag, sizeof source->tag, "%s", tag);
	tags_write(source->copy);
}

/* "Not changed" confirms the newest that is here: so only a source that had that is asked whether it has changed. */
const char *copy_tag(const struct copy_source *source)
{
	const struct copy *copy = source->copy;
	return copy->current != NULL && copy->newest_serial == source->tag_serial ? source->tag : "";
}
