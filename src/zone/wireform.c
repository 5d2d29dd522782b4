// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The wire form of a zone: a header and its records in canonical order, each as RFC 1035 section 3.2.1 writes it, with names
 * uncompressed. A zone has exactly one wire form: what is read is compared with what would be written, so that checksums of it and
 * differences between two of them mean something. docs/published-files.md draws it.
 */
#include <string.h>

#include "private.h"
#include "wirewalk.h"

/* Like PNG's: a byte that is no text, a name, an end of line that some transfers would change, the form's number. */
static const uint8_t wire_magic[8] = {0x89, 'B', 'N', 'Y', 'Z', '\n', 0, 1};

#define RECORD_LEAST (1 + ZONE_WIRE_FIXED_SIZE)
#define WIRE_TTL_MAX 0x7fffffffU /* RFC 2181 section 8 */

bool zone_is_wire(const void *data, size_t len)
{
	return len >= sizeof wire_magic - 2 && memcmp(data, wire_magic, sizeof wire_magic - 2) == 0;
}

/* ---- writing ---- */

size_t zone_wire_header_put(const uint8_t *apex, uint32_t serial, uint64_t n_records,
			    uint8_t out[ZONE_WIRE_HEADER_SIZE + WIRE_NAME_MAX])
{
	size_t apex_len = wire_name_len(apex);
	memcpy(out, wire_magic, sizeof wire_magic);
	wire_put16(out + 8, WIRE_CLASS_IN);
	wire_put32(out + 10, serial);
	wire_put64(out + 14, n_records);
	memcpy(out + ZONE_WIRE_HEADER_SIZE, apex, apex_len);
	return ZONE_WIRE_HEADER_SIZE + apex_len;
}

/* All of a record but its data. */
static size_t record_put(const struct wire_rrset *set, size_t owner_len, uint16_t rdata_len,
			 uint8_t out[WIRE_NAME_MAX + ZONE_WIRE_FIXED_SIZE])
{
	memcpy(out, set->owner, owner_len);
	uint8_t *p = out + owner_len;
	wire_put16(p, set->type);
	wire_put16(p + 2, set->rclass);
	wire_put32(p + 4, set->ttl);
	wire_put16(p + 8, rdata_len);
	return owner_len + ZONE_WIRE_FIXED_SIZE;
}

size_t zone_wire_len(const struct zone *zone)
{
	size_t len = ZONE_WIRE_HEADER_SIZE + wire_name_len(zone->apex);
	for (size_t i = 0; i < zone->n_sets; i++) {
		const struct wire_rrset *set = &zone->set[i];
		len += set->count * (wire_name_len(set->owner) + ZONE_WIRE_FIXED_SIZE);
		for (uint32_t k = 0; k < set->count; k++)
			len += set->rdata[k].len;
	}
	return len;
}

int zone_write_wire(const struct zone *zone, struct buffer *out)
{
	if (buffer_reserve(out, zone_wire_len(zone) + WIRE_NAME_MAX) < 0)
		return BANYAN_ENOMEM;
	uint8_t *p = out->data + out->len;
	p += zone_wire_header_put(zone->apex, zone->serial, zone->n_records, p);
	for (size_t i = 0; i < zone->n_sets; i++) {
		const struct wire_rrset *set = &zone->set[i];
		size_t owner_len = wire_name_len(set->owner);
		for (uint32_t k = 0; k < set->count; k++) {
			const struct wire_rdata *rdata = &set->rdata[k];
			p += record_put(set, owner_len, rdata->len, p);
			if (rdata->len > 0)
				memcpy(p, rdata->data, rdata->len);
			p += rdata->len;
		}
	}
	out->len = (size_t)(p - out->data);
	return 0;
}

/* ---- reading ---- */

struct wire_reading {
	const char *name;
	const uint8_t *data;
	size_t len, pos;
	struct zone_error *error;
	uint64_t n_records;
	uint32_t serial;
	size_t first; /* position of the first record */
};

static int fail_at(const struct wire_reading *r, size_t pos, enum reason reason, int error, const char *what)
{
	zone_error_set(r->error, reason, 0, "%s: wire form, byte %zu: %s; fetch or make the file anew", r->name, pos,
		       what);
	return error;
}

static int header_read(struct wire_reading *r, const struct zone_read_settings *settings)
{
	char have[WIRE_NAME_TEXT_MAX], want[WIRE_NAME_TEXT_MAX];
	if (!zone_is_wire(r->data, r->len))
		return fail_at(r, 0, REASON_SYNTAX, BANYAN_EMALF, "this is not the wire form of a zone");
	if (r->len < ZONE_WIRE_HEADER_SIZE)
		return fail_at(r, r->len, REASON_SYNTAX, BANYAN_EMALF, "the header is cut off");
	if (memcmp(r->data, wire_magic, sizeof wire_magic) != 0)
		return fail_at(r, 6, REASON_SYNTAX, BANYAN_EUNSUPP, "a form of another number than 1");
	if (wire_get16(r->data + 8) != WIRE_CLASS_IN)
		return fail_at(r, 8, REASON_CLASS_MIXED, BANYAN_EMALF, "another class than IN");
	r->serial = wire_get32(r->data + 10);
	r->n_records = wire_get64(r->data + 14);
	int apex_len = wire_name_check(r->data + ZONE_WIRE_HEADER_SIZE, r->len - ZONE_WIRE_HEADER_SIZE);
	if (apex_len < 0)
		return fail_at(r, ZONE_WIRE_HEADER_SIZE, REASON_SYNTAX, BANYAN_EMALF,
			       "the apex is malformed or cut off");
	r->first = r->pos = ZONE_WIRE_HEADER_SIZE + (size_t)apex_len;
	if (r->n_records > ZONE_RECORDS_MAX)
		return fail_at(r, 14, REASON_TOO_LARGE, BANYAN_ELIMIT, "more records than the limit allows");
	if (r->n_records > (r->len - r->pos) / RECORD_LEAST)
		return fail_at(r, 14, REASON_SYNTAX, BANYAN_EMALF, "more records than there are bytes for");
	if (wire_name_equal(r->data + ZONE_WIRE_HEADER_SIZE, settings->origin))
		return 0;
	zone_error_set(r->error, REASON_SYNTAX, 0, "%s: wire form, byte %d: the zone is %s and not %s; give that name",
		       r->name, ZONE_WIRE_HEADER_SIZE, wire_name_text(r->data + ZONE_WIRE_HEADER_SIZE, have),
		       wire_name_text(settings->origin, want));
	return BANYAN_EINVAL;
}

/* Of types that stand for questions or for one message (RFC 6895 section 3.1) there are no data at rest. */
static bool type_is_meta(uint16_t type)
{
	return type == 0 || type == WIRE_TYPE_OPT || (type >= 128 && type <= 255);
}

static int record_read(struct wire_reading *r, struct zone_builder *b)
{
	const uint8_t *owner = r->data + r->pos;
	int owner_len = wire_name_check(owner, r->len - r->pos);
	if (owner_len < 0)
		return fail_at(r, r->pos, REASON_SYNTAX, BANYAN_EMALF, "an owner name is malformed or cut off");
	size_t pos = r->pos + (size_t)owner_len;
	if (r->len - pos < ZONE_WIRE_FIXED_SIZE)
		return fail_at(r, pos, REASON_SYNTAX, BANYAN_EMALF, "a record is cut off");
	uint16_t type = wire_get16(r->data + pos), rdata_len = wire_get16(r->data + pos + 8);
	uint32_t ttl = wire_get32(r->data + pos + 4);
	const uint8_t *rdata = r->data + pos + ZONE_WIRE_FIXED_SIZE;
	if (!wire_name_under(owner, b->zone->apex))
		return fail_at(r, r->pos, REASON_OUT_OF_ZONE, BANYAN_EMALF, "the owner is outside of the zone");
	if (type_is_meta(type))
		return fail_at(r, pos, REASON_SYNTAX, BANYAN_EMALF, "a type that cannot stand in a zone");
	if (wire_get16(r->data + pos + 2) != WIRE_CLASS_IN)
		return fail_at(r, pos + 2, REASON_CLASS_MIXED, BANYAN_EMALF, "another class than IN");
	if (ttl > WIRE_TTL_MAX)
		return fail_at(r, pos + 4, REASON_SYNTAX, BANYAN_EMALF, "the TTL is above 2147483647");
	if (r->len - pos - ZONE_WIRE_FIXED_SIZE < rdata_len)
		return fail_at(r, pos + 8, REASON_SYNTAX, BANYAN_EMALF, "the data of a record are cut off");
	if (wire_rdata_check(rdata, rdata_len, type) < 0)
		return fail_at(r, pos + ZONE_WIRE_FIXED_SIZE, REASON_RDATA_MALFORMED, BANYAN_EMALF,
			       "the data do not fit the type");
	int rc = zone_builder_add(b, owner, (size_t)owner_len, type, ttl, rdata, rdata_len, 0);
	if (rc < 0)
		return fail_at(r, r->pos, REASON_TOO_LARGE, rc, error_text(rc));
	r->pos = pos + ZONE_WIRE_FIXED_SIZE + rdata_len;
	return 0;
}

/* Is it what zone_write_wire() would write? Then order, lower case, TTLs, counts and the serial are right. */
static int form_check(const struct wire_reading *r, const struct zone *zone)
{
	uint8_t head[ZONE_WIRE_HEADER_SIZE + 2 * WIRE_NAME_MAX];
	size_t pos = zone_wire_header_put(zone->apex, zone->serial, zone->n_records, head);
	if (pos != r->first || memcmp(head, r->data, pos) != 0)
		return fail_at(r, 10, REASON_SYNTAX, BANYAN_EMALF,
			       "serial, number of records or apex are not those of the records");
	for (size_t i = 0; i < zone->n_sets; i++) {
		const struct wire_rrset *set = &zone->set[i];
		size_t owner_len = wire_name_len(set->owner);
		for (uint32_t k = 0; k < set->count; k++) {
			const struct wire_rdata *rdata = &set->rdata[k];
			size_t len = record_put(set, owner_len, rdata->len, head);
			if (r->len - pos < len + rdata->len || memcmp(head, r->data + pos, len) != 0 ||
			    (rdata->len > 0 && memcmp(rdata->data, r->data + pos + len, rdata->len) != 0))
				return fail_at(r, pos, REASON_SYNTAX, BANYAN_EMALF,
					       "a record is not in canonical order and form, or is there twice");
			pos += len + rdata->len;
		}
	}
	return pos == r->len ? 0 : fail_at(r, pos, REASON_SYNTAX, BANYAN_EMALF, "a record is there twice");
}

static int records_read(struct wire_reading *r, struct zone_builder *b, struct zone **ret)
{
	struct zone *zone;
	int rc = zone_builder_init(b, r->data + ZONE_WIRE_HEADER_SIZE, r->name, r->len);
	if (rc < 0)
		return fail_at(r, r->pos, REASON_TOO_LARGE, rc, "out of memory");
	for (uint64_t i = 0; i < r->n_records; i++) {
		rc = record_read(r, b);
		if (rc < 0)
			return rc;
	}
	if (r->pos != r->len)
		return fail_at(r, r->pos, REASON_SYNTAX, BANYAN_EMALF, "there are bytes behind the last record");
	rc = zone_builder_finish(b, &zone);
	if (rc < 0)
		return fail_at(r, r->pos, REASON_TOO_LARGE, rc,
			       rc == BANYAN_ELIMIT ? "a name has too many RRsets" : error_text(rc));
	rc = form_check(r, zone);
	if (rc < 0) {
		zone_free(zone);
		return rc;
	}
	*ret = zone;
	return 0;
}

int zone_read_wire(const char *name, const uint8_t *data, size_t len, const struct zone_read_settings *settings,
		   struct zone **ret, struct zone_error *ret_error)
{
	struct wire_reading r = {.name = name, .data = data, .len = len, .error = ret_error};
	struct zone_builder builder = {0};
	size_t max = settings->max_bytes > 0 ? settings->max_bytes : ZONE_FILE_MAX;
	if (len > max) {
		zone_error_set(ret_error, REASON_TOO_LARGE, 0,
			       "%s: the wire form has more than %zu bytes, which is the limit", name, max);
		return BANYAN_ELIMIT;
	}
	int rc = header_read(&r, settings);
	if (rc == 0)
		rc = records_read(&r, &builder, ret);
	zone_builder_done(&builder);
	return rc;
}
