// SPDX-License-Identifier: GPL-3.0-or-later
/* The checker: is a published tree what its pointer says? */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "private.h"

struct checking {
	char folder[PATH_MAX];
	const struct files_pointer *pointer;
	const uint8_t *apex;
	struct buffer wire; /* the zone, once it was read well */
	int faults;
	void (*report)(void *ctx, bool fault, const char *sentence);
	void *ctx;
};

static void tell(struct checking *c, bool fault, const char *format, ...) _printf_(3, 4);
static void tell(struct checking *c, bool fault, const char *format, ...)
{
	char sentence[FILES_WHY_MAX + PATH_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(sentence, sizeof sentence, format, args);
	va_end(args);
	c->faults += fault;
	c->report(c->ctx, fault, sentence);
}

/* Size and checksum of a file; its bytes. */
static bool object_read(struct checking *c, const struct files_object *object, struct buffer *out)
{
	char path[PATH_MAX];
	uint8_t *data, hash[32];
	size_t len;
	if (snprintf(path, sizeof path, "%s/%s", c->folder, object->path) >= (int)sizeof path)
		return false;
	int rc = file_read(path, ZONE_FILE_MAX, &data, &len);
	if (rc < 0) {
		tell(c, true, "%s: %s", object->path, error_text(rc));
		return false;
	}
	*out = (struct buffer){.data = data, .len = len, .cap = len};
	if (len != object->size || files_hash(data, len, hash) < 0 || memcmp(hash, object->hash, sizeof hash) != 0) {
		tell(c, true, "%s: %zu bytes that are not those that the pointer names", object->path, len);
		return false;
	}
	return true;
}

static bool object_unpack(struct checking *c, const struct files_object *object, struct buffer *out)
{
	_cleanup_(buffer_done) struct buffer packed = {0};
	uint8_t hash[32];
	if (!object_read(c, object, &packed))
		return false;
	if (files_unpack(packed.data, packed.len, (size_t)object->unpacked_size, out) < 0 ||
	    out->len != object->unpacked_size || files_hash(out->data, out->len, hash) < 0 ||
	    memcmp(hash, object->unpacked_hash, sizeof hash) != 0) {
		tell(c, true, "%s: what is packed in it is not what the pointer names", object->path);
		return false;
	}
	return true;
}

/* Serial, ZONEMD, number of records, expiry and edition as the pointer has them. */
static bool same_about(struct checking *c, const struct zone *zone)
{
	_cleanup_(base_free) struct files_pointer *about = calloc(1, sizeof *about);
	const struct files_pointer *p = c->pointer;
	if (about == NULL)
		return false;
	about->made = p->made;
	files_pointer_about(zone, about);
	return about->serial == p->serial && about->records == p->records &&
	       about->signatures_expire == p->signatures_expire && about->zonemd_len == p->zonemd_len &&
	       about->zonemd_scheme == p->zonemd_scheme && about->zonemd_algorithm == p->zonemd_algorithm &&
	       memcmp(about->zonemd, p->zonemd, p->zonemd_len) == 0 &&
	       strcmp(about->edition.name, p->edition.name) == 0 &&
	       about->edition.valid_from == p->edition.valid_from &&
	       about->edition.valid_until == p->edition.valid_until;
}

static void wire_check(struct checking *c)
{
	struct zone_read_settings settings = {.origin = c->apex};
	struct zone_error error;
	struct zone *zone;
	if (!object_unpack(c, &c->pointer->wire, &c->wire))
		return;
	if (zone_read_wire(c->pointer->wire.path, c->wire.data, c->wire.len, &settings, &zone, &error) < 0) {
		tell(c, true, "%s", error.text);
		c->wire.len = 0;
		return;
	}
	if (same_about(c, zone))
		tell(c, false, "%s: %zu records, serial %u", c->pointer->wire.path, zone->n_records, zone->serial);
	else
		tell(c, true,
		     "%s: serial, ZONEMD, number of records, expiry or edition are not those that the pointer names",
		     c->pointer->wire.path);
	zone_free(zone);
}

static void present_check(struct checking *c)
{
	_cleanup_(buffer_done) struct buffer wire = {0};
	_cleanup_(base_free) struct files_pointer *about = calloc(1, sizeof *about);
	const struct files_present *present = &c->pointer->present;
	struct zone_read_settings settings = {.origin = c->apex};
	struct zone_error error;
	struct zone *zone;
	if (about == NULL || present->wire.path[0] == '\0' || !object_unpack(c, &present->wire, &wire))
		return;
	if (zone_read_wire(present->wire.path, wire.data, wire.len, &settings, &zone, &error) < 0) {
		tell(c, true, "%s", error.text);
		return;
	}
	files_pointer_about(zone, about);
	bool same = about->serial == present->serial && about->edition.valid_from == present->valid_from &&
		    about->edition.valid_until == present->valid_until;
	tell(c, !same,
	     same ? "%s: %zu records, serial %u, until the time of the newest begins"
		  : "%s: %zu records, serial %u: that or its dates are not what the pointer names",
	     present->wire.path, zone->n_records, zone->serial);
	zone_free(zone);
}

static void text_check(struct checking *c)
{
	_cleanup_(buffer_done) struct buffer text = {0}, wire = {0};
	struct zone_read_settings settings = {.origin = c->apex};
	const char *path = c->pointer->text.path;
	struct zone_error error;
	struct zone *zone;
	if (path[0] == '\0' || !object_unpack(c, &c->pointer->text, &text))
		return;
	if (zone_read_text(path, (const char *)text.data, text.len, &settings, NULL, NULL, &zone, &error) < 0) {
		tell(c, true, "%s", error.text);
		return;
	}
	bool same = zone_write_wire(zone, &wire) == 0 && wire.len == c->wire.len &&
		    memcmp(wire.data, c->wire.data, wire.len) == 0;
	tell(c, !same, "%s: %s the wire form", path, same ? "the same zone as" : "another zone than");
	zone_free(zone);
}

static void delta_check(struct checking *c, const struct files_object *delta)
{
	_cleanup_(buffer_done) struct buffer data = {0}, base = {0}, wire = {0};
	char path[PATH_MAX];
	struct zone_delta_about about;
	struct zone_error error;
	if (!object_read(c, delta, &data))
		return;
	if (zone_delta_about(delta->path, data.data, data.len, &about, &error) < 0) {
		tell(c, true, "%s", error.text);
		return;
	}
	if (about.base_serial != delta->from || about.serial != c->pointer->serial) {
		tell(c, true, "%s: from %u to %u, and not what the pointer names", delta->path, about.base_serial,
		     about.serial);
		return;
	}
	if (snprintf(path, sizeof path, "%s/%u/zone.wire.zst", c->folder, delta->from) >= (int)sizeof path ||
	    files_load(path, &base) < 0) {
		tell(c, false, "%s: not tried, since its base is not here", delta->path);
		return;
	}
	if (zone_delta_apply(delta->path, base.data, base.len, data.data, data.len, 0, &wire, &error) < 0)
		tell(c, true, "%s", error.text);
	else if (wire.len != c->wire.len || memcmp(wire.data, c->wire.data, wire.len) != 0)
		tell(c, true, "%s: makes another zone than the wire form", delta->path);
	else
		tell(c, false, "%s: makes the same zone", delta->path);
}

static void times_check(struct checking *c, int64_t now)
{
	char time[32];
	if (now >= c->pointer->fresh_until)
		tell(c, true, "current: it was fresh until %s only; the publisher has to write it anew",
		     clock_format(c->pointer->fresh_until, time));
	if (c->pointer->signatures_expire != 0 && now >= c->pointer->signatures_expire)
		tell(c, true, "current: a signature in the zone has expired at %s; nobody will take it",
		     clock_format(c->pointer->signatures_expire, time));
}

static int pointer_read(struct checking *c, const uint8_t *key, struct files_pointer *ret)
{
	char path[PATH_MAX], why[FILES_WHY_MAX];
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	if (snprintf(path, sizeof path, "%s/current", c->folder) >= (int)sizeof path)
		return BANYAN_EINVAL;
	int rc = file_read(path, FILES_POINTER_MAX, &text, &len);
	if (rc < 0) {
		tell(c, true, "%s: %s", path, error_text(rc));
		return rc;
	}
	rc = files_pointer_read(path, text, len, key, ret, why);
	if (rc < 0)
		tell(c, true, "%s", why);
	else
		tell(c, false, "current: serial %u, unchanged since %u, %s", ret->serial, ret->unchanged_since,
		     key != NULL      ? "signed by the key that was given"
		     : ret->is_signed ? "signed by a key that was not asked for"
				      : "not signed");
	return rc;
}

int files_check(const char *folder, const uint8_t *apex, const uint8_t *key, int64_t now,
		void (*report)(void *ctx, bool fault, const char *sentence), void *ctx)
{
	char name[WIRE_NAME_TEXT_MAX];
	_cleanup_(base_free) struct files_pointer *pointer = calloc(1, sizeof *pointer);
	struct checking c = {.pointer = pointer, .apex = apex, .report = report, .ctx = ctx};
	if (pointer == NULL)
		return BANYAN_ENOMEM;
	if (files_folder_name(apex, name) < 0 ||
	    snprintf(c.folder, sizeof c.folder, "%s/%s", folder, name) >= (int)sizeof c.folder)
		return BANYAN_EINVAL;
	if (pointer_read(&c, key, pointer) < 0)
		return c.faults;
	if (!wire_name_equal(pointer->apex, apex)) {
		tell(&c, true, "current: it is the pointer of another zone, %s", wire_name_text(pointer->apex, name));
		return c.faults;
	}
	times_check(&c, now);
	wire_check(&c);
	if (c.wire.len > 0)
		text_check(&c);
	present_check(&c);
	for (size_t i = 0; i < pointer->n_deltas && c.wire.len > 0; i++)
		delta_check(&c, &pointer->delta[i]);
	buffer_done(&c.wire);
	return c.faults;
}
