// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The publisher. Objects are written first, each in one step; then the pointer takes the place of the old one, and only then what nobody needs
 * any more goes. Ended at any time, the tree is as it was or as it shall be, but for files that nothing points to.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "private.h"
#include "sync/sync.h"

struct publishing {
	const struct files_publish_settings *settings;
	char folder[PATH_MAX]; /* of the zone */
	const uint8_t *wire;
	size_t len;
	struct files_pointer *old; /* what is published; NULL = nothing */
	struct files_pointer *pointer;
	bool is_new;
	char *why;
};

int files_folder_name(const uint8_t *apex, char out[WIRE_NAME_TEXT_MAX])
{
	uint8_t lower[WIRE_NAME_MAX];
	if (wire_name_lower(apex, lower) == 1) {
		memcpy(out, "root", sizeof "root");
		return 0;
	}
	size_t len = strlen(wire_name_text(lower, out));
	out[len - 1] = '\0'; /* the final dot */
	bool good = strspn(out, "abcdefghijklmnopqrstuvwxyz0123456789_-.") == len - 1 && out[0] != '.' &&
		    len <= NAME_MAX && strcmp(out, "root") != 0;
	return good ? 0 : BANYAN_EINVAL;
}

static int fail(struct publishing *p, int rc, const char *path, const char *what)
{
	files_why(p->why, "%s: %s", path, what);
	return rc;
}

static int fail_io(struct publishing *p, int rc, const char *path)
{
	bool told = errno != 0 && (rc == BANYAN_EIO || rc == BANYAN_EACCES);
	files_why(p->why, "%s: %s%s", path, told ? strerror(errno) : error_text(rc), told ? file_advice(errno) : "");
	return rc;
}

static int folder_make(struct publishing *p, const char *path)
{
	if (mkdir(path, 0755) == 0 || errno == EEXIST)
		return 0;
	files_why(p->why, "%s: the folder cannot be made: %s%s", path, strerror(errno),
		  errno == ENOENT ? "; make the one above it, writable for this user" : file_advice(errno));
	return error_from_errno(errno);
}

static int path_of(struct publishing *p, const char *relative, char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s/%s", p->folder, relative) < PATH_MAX
		       ? 0
		       : fail(p, BANYAN_EINVAL, relative, "the path is too long");
}

/* The pointer that stands there, if any. A damaged one of our own counts as none: it will be replaced. */
static int old_read(struct publishing *p)
{
	char path[PATH_MAX], why[FILES_WHY_MAX];
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	int rc = path_of(p, "current", path);
	if (rc < 0)
		return rc;
	rc = file_read(path, FILES_POINTER_MAX, &text, &len);
	if (rc == BANYAN_ENOENT)
		return 0;
	if (rc < 0)
		return fail_io(p, rc, path);
	p->old = calloc(1, sizeof *p->old);
	if (p->old == NULL)
		return fail_io(p, BANYAN_ENOMEM, path);
	if (files_pointer_read(path, text, len, NULL, p->old, why) == 0 &&
	    wire_name_equal(p->old->apex, p->pointer->apex))
		return 0;
	free(p->old);
	p->old = NULL;
	return 0;
}

/* A serial that is published stays what it is. */
static int serial_check(struct publishing *p)
{
	char path[PATH_MAX], relative[FILES_PATH_MAX];
	_cleanup_(buffer_done) struct buffer wire = {0};
	snprintf(relative, sizeof relative, "%u/zone.wire.zst", p->pointer->serial);
	int rc = path_of(p, relative, path);
	if (rc < 0)
		return rc;
	if (p->old != NULL && sync_serial_newer(p->old->serial, p->pointer->serial)) {
		files_why(p->why,
			  "%s: serial %u is published, which is newer than %u; to publish the older one, remove the "
			  "folder",
			  p->folder, p->old->serial, p->pointer->serial);
		return BANYAN_EEXIST;
	}
	rc = files_load(path, &wire);
	p->is_new = rc < 0;
	if (rc == 0 && (wire.len != p->len || memcmp(wire.data, p->wire, p->len) != 0)) {
		files_why(p->why,
			  "%s: serial %u is published with other content; what is published never changes: give the "
			  "zone a newer serial",
			  path, p->pointer->serial);
		return BANYAN_EEXIST;
	}
	return 0;
}

/* Writes one object, unless it is there already: what this program made is made again as the same. */
static int object_write(struct publishing *p, const char *name, const uint8_t *data, size_t len,
			struct files_object *ret)
{
	char path[PATH_MAX];
	_cleanup_(base_free) uint8_t *there = NULL;
	size_t there_len;
	snprintf(ret->path, sizeof ret->path, "%u/%s", p->pointer->serial, name);
	int rc = path_of(p, ret->path, path);
	if (rc < 0)
		return rc;
	bool same = file_read(path, len, &there, &there_len) == 0 && there_len == len && memcmp(there, data, len) == 0;
	rc = same ? 0 : file_write_atomic(path, data, len);
	if (rc == 0)
		rc = files_hash(data, len, ret->hash);
	ret->size = len;
	return rc < 0 ? fail_io(p, rc, path) : 0;
}

static int zone_object_write(struct publishing *p, const char *name, const uint8_t *data, size_t len,
			     struct files_object *ret)
{
	_cleanup_(buffer_done) struct buffer packed = {0};
	int rc = zone_pack(data, len, &packed);
	if (rc == 0)
		rc = files_hash(data, len, ret->unpacked_hash);
	if (rc < 0)
		return fail_io(p, rc, name);
	ret->unpacked_size = len;
	return object_write(p, name, packed.data, packed.len, ret);
}

/* A delta is worth a line when it is smaller than the zone, and does what it shall. */
static int delta_write(struct publishing *p, uint32_t from, const struct buffer *base)
{
	_cleanup_(buffer_done) struct buffer delta = {0}, again = {0};
	struct zone_error error;
	char name[40];
	if (zone_delta_make(base->data, base->len, p->wire, p->len, &delta) < 0 || delta.len >= p->pointer->wire.size ||
	    zone_delta_apply("delta", base->data, base->len, delta.data, delta.len, 0, &again, &error) < 0)
		return 0;
	snprintf(name, sizeof name, "from-%u.delta", from);
	struct files_object *object = &p->pointer->delta[p->pointer->n_deltas];
	*object = (struct files_object){.from = from};
	int rc = object_write(p, name, delta.data, delta.len, object);
	p->pointer->n_deltas += rc == 0;
	return rc;
}

static void since(struct publishing *p, uint32_t serial)
{
	if (sync_serial_newer(p->pointer->unchanged_since, serial))
		p->pointer->unchanged_since = serial;
}

/* Deltas from the versions before, the newest first, and since when the content is the same. */
static int deltas_write(struct publishing *p)
{
	uint32_t serial[FILES_DELTAS_MAX];
	unsigned deltas = p->settings->deltas < FILES_DELTAS_MAX ? p->settings->deltas : FILES_DELTAS_MAX;
	size_t n = files_versions(p->folder, p->pointer->serial, serial, FILES_DELTAS_MAX);
	bool same = true;
	p->pointer->unchanged_since = p->pointer->serial;
	for (size_t i = 0; i < n && (i < deltas || same); i++) {
		char path[PATH_MAX], relative[FILES_PATH_MAX];
		_cleanup_(buffer_done) struct buffer base = {0};
		snprintf(relative, sizeof relative, "%u/zone.wire.zst", serial[i]);
		int rc = path_of(p, relative, path);
		if (rc < 0)
			return rc;
		if (files_load(path, &base) < 0) {
			same = false; /* what is not there, or damaged, is no base */
			continue;
		}
		same = same && zone_wire_same_content(base.data, base.len, p->wire, p->len);
		if (same)
			since(p, serial[i]);
		if (same && p->old != NULL && p->old->serial == serial[i])
			since(p, p->old->unchanged_since); /* it may know more than what is left */
		rc = i < deltas ? delta_write(p, serial[i], &base) : 0;
		if (rc < 0)
			return rc;
	}
	return 0;
}

/* One object after the other, and nothing of one in memory with the next: the text is the largest. */
static int text_write(struct publishing *p)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	int rc = files_text(p->pointer->apex, p->wire, p->len, &text);
	if (rc == BANYAN_EUNSUPP)
		return 0; /* data that no text says: the wire form stands alone */
	return rc < 0 ? fail_io(p, rc, "zone.text.zst")
		      : zone_object_write(p, "zone.text.zst", text.data, text.len, &p->pointer->text);
}

static int objects_write(struct publishing *p)
{
	char path[PATH_MAX], relative[16];
	snprintf(relative, sizeof relative, "%u", p->pointer->serial);
	int rc = path_of(p, relative, path);
	if (rc == 0)
		rc = folder_make(p, path);
	if (rc == 0)
		rc = zone_object_write(p, "zone.wire.zst", p->wire, p->len, &p->pointer->wire);
	if (rc == 0)
		rc = text_write(p);
	return rc < 0 ? rc : deltas_write(p);
}

static int pointer_write(struct publishing *p)
{
	char path[PATH_MAX];
	_cleanup_(buffer_done) struct buffer text = {0};
	const struct files_publish_settings *settings = p->settings;
	p->pointer->made = settings->now;
	p->pointer->fresh_until = settings->now + (settings->fresh_s > 0 ? settings->fresh_s : FILES_FRESH_DEFAULT_S);
	if (settings->key != NULL) {
		memcpy(p->pointer->key, files_key_public(settings->key), FILES_KEY_SIZE);
		p->pointer->is_signed = true;
	}
	int rc = path_of(p, "current", path);
	if (rc < 0)
		return rc;
	rc = files_pointer_write(p->pointer, settings->key, &text);
	if (rc == 0)
		rc = file_write_atomic(path, text.data, text.len);
	return rc < 0 ? fail_io(p, rc, path) : 0;
}

static bool in_force(int64_t from, int64_t until, int64_t now)
{
	return until != 0 && from <= now && now < until;
}

/* A version that is offered ahead is of no use to who has nothing yet: the one in force stays beside it until then. */
static void present_note(struct publishing *p)
{
	const struct zone_edition *new = &p->pointer->edition;
	const struct files_pointer *old = p->old;
	int64_t now = p->settings->now;
	struct files_present present = {0};
	if (old != NULL && new->valid_until != 0 && now < new->valid_from &&
	    strcmp(old->edition.name, new->name) == 0) {
		if (old->serial != p->pointer->serial &&
		    in_force(old->edition.valid_from, old->edition.valid_until, now))
			present = (struct files_present){.serial = old->serial,
							 .valid_from = old->edition.valid_from,
							 .valid_until = old->edition.valid_until,
							 .wire = old->wire};
		else if (in_force(old->present.valid_from, old->present.valid_until, now))
			present = old->present;
	}
	p->pointer->present = present;
}

static int publish(struct publishing *p)
{
	char name[WIRE_NAME_TEXT_MAX];
	const uint8_t *apex = p->pointer->apex;
	int rc = files_folder_name(apex, name);
	if (rc < 0)
		return fail(p, rc, wire_name_text(apex, name), "this name does not make the name of a folder");
	if (snprintf(p->folder, sizeof p->folder, "%s/%s", p->settings->folder, name) >= (int)sizeof p->folder)
		return fail(p, BANYAN_EINVAL, p->settings->folder, "the path is too long");
	rc = folder_make(p, p->folder);
	if (rc == 0)
		rc = old_read(p);
	if (rc == 0)
		rc = serial_check(p);
	if (rc == 0 && !p->is_new && p->old != NULL && p->old->serial == p->pointer->serial) {
		const struct zone_edition edition = p->pointer->edition;
		*p->pointer = *p->old; /* all is there: the pointer alone is made again */
		p->pointer->edition = edition;
		p->pointer->is_signed = false;
	} else if (rc == 0) {
		p->is_new = true;
		rc = objects_write(p);
	}
	if (rc < 0)
		return rc;
	present_note(p);
	return pointer_write(p);
}

int files_publish(const struct files_publish_settings *settings, const uint8_t *apex, const uint8_t *wire, size_t len,
		  struct files_published *ret, char ret_why[FILES_WHY_MAX])
{
	struct zone_read_settings read = {.origin = apex};
	struct zone_error error;
	struct zone *zone;
	int rc = zone_read_wire("the zone to publish", wire, len, &read, &zone, &error);
	if (rc < 0) {
		files_why(ret_why, "%s", error.text);
		return rc;
	}
	_cleanup_(base_free) struct files_pointer *pointer = calloc(1, sizeof *pointer);
	struct publishing p = {.settings = settings, .wire = wire, .len = len, .pointer = pointer, .why = ret_why};
	if (pointer == NULL) {
		zone_free(zone);
		files_why(ret_why, "out of memory");
		return BANYAN_ENOMEM;
	}
	pointer->made = settings->now;
	files_pointer_about(zone, pointer);
	zone_free(zone);
	rc = publish(&p);
	free(p.old);
	if (rc < 0)
		return rc;
	ret->pointer = *pointer;
	ret->is_new = p.is_new;
	ret->n_removed = files_sweep(p.folder, pointer, settings->deltas, settings->hold_s, settings->now);
	return 0;
}

int files_renew(const struct files_publish_settings *settings, const uint8_t *apex, struct files_published *ret,
		char ret_why[FILES_WHY_MAX])
{
	char name[WIRE_NAME_TEXT_MAX], path[PATH_MAX];
	_cleanup_(base_free) uint8_t *text = NULL;
	_cleanup_(buffer_done) struct buffer wire = {0};
	size_t len;
	int rc = files_folder_name(apex, name);
	if (rc < 0 || snprintf(path, sizeof path, "%s/%s/current", settings->folder, name) >= (int)sizeof path) {
		files_why(ret_why, "%s: this name does not make the name of a folder", name);
		return BANYAN_EINVAL;
	}
	rc = file_read(path, FILES_POINTER_MAX, &text, &len);
	if (rc < 0) {
		files_why(ret_why, "%s: %s", path, error_text(rc));
		return rc;
	}
	rc = files_pointer_read(path, text, len, NULL, &ret->pointer, ret_why);
	if (rc < 0)
		return rc;
	if (snprintf(path, sizeof path, "%s/%s/%s", settings->folder, name, ret->pointer.wire.path) >= (int)sizeof path)
		return BANYAN_EINVAL;
	rc = files_load(path, &wire);
	if (rc < 0) {
		files_why(ret_why, "%s: %s", path, error_text(rc));
		return rc;
	}
	return files_publish(settings, apex, wire.data, wire.len, ret, ret_why);
}
