// SPDX-License-Identifier: GPL-3.0-or-later
/* Objects: packed, unpacked, hashed. */
#include <openssl/evp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <zstd.h>

#include "private.h"

void files_why(char why[FILES_WHY_MAX], const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why, FILES_WHY_MAX, format, args);
	va_end(args);
}

int files_unpack(const uint8_t *data, size_t len, size_t max, struct buffer *out)
{
	/* what zone_pack() makes says its size */
	unsigned long long size = ZSTD_getFrameContentSize(data, len);
	if (size == ZSTD_CONTENTSIZE_UNKNOWN || size == ZSTD_CONTENTSIZE_ERROR)
		return BANYAN_EMALF;
	if (size > max)
		return BANYAN_ELIMIT;
	if (buffer_reserve(out, (size_t)size + 1) < 0)
		return BANYAN_ENOMEM;
	if (ZSTD_decompress(out->data + out->len, (size_t)size, data, len) != size)
		return BANYAN_EMALF;
	out->len += (size_t)size;
	return 0;
}

int files_hash(const uint8_t *data, size_t len, uint8_t out[32])
{
	return EVP_Digest(data, len, out, NULL, EVP_sha256(), NULL) == 1 ? 0 : BANYAN_EOTHER;
}

int files_load(const char *path, struct buffer *out)
{
	_cleanup_(base_free) uint8_t *packed = NULL;
	size_t len;
	int rc = file_read(path, ZONE_FILE_MAX, &packed, &len);
	return rc < 0 ? rc : files_unpack(packed, len, ZONE_FILE_MAX, out);
}

/* ---- text ---- */

static int set_text(const struct wire_rrset *set, struct buffer *out)
{
	for (uint32_t i = 0; i < set->count; i++)
		if (wire_record_text(set->owner, set->ttl, set->rclass, set->type, &set->rdata[i], out) < 0 ||
		    buffer_append(out, "\n", 1) < 0)
			return BANYAN_ENOMEM;
	return 0;
}

static int plain_text(const struct zone *zone, struct buffer *out)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *soa = apex == NULL ? NULL : zone_node_set(zone, apex, WIRE_TYPE_SOA);
	int rc = soa == NULL ? 0 : set_text(soa, out);
	for (size_t i = 0; i < zone->n_sets && rc == 0; i++)
		if (&zone->set[i] != soa)
			rc = set_text(&zone->set[i], out);
	return rc;
}

static bool text_is_same(const uint8_t *apex, const struct buffer *text, const uint8_t *wire, size_t wire_len)
{
	_cleanup_(buffer_done) struct buffer form = {0};
	struct zone_read_settings settings = {.origin = apex};
	struct zone_error error;
	struct zone *zone;
	if (zone_read_text("text", (const char *)text->data, text->len, &settings, NULL, NULL, &zone, &error) < 0)
		return false;
	bool same = zone_write_wire(zone, &form) == 0 && form.len == wire_len && memcmp(form.data, wire, wire_len) == 0;
	zone_free(zone);
	return same;
}

/* The zone is there only as long as its text is made: the two of them and what is read back are not in memory at once. */
static int text_by(int (*write)(const struct zone *zone, struct buffer *out), const uint8_t *apex, const uint8_t *wire,
		   size_t len, struct buffer *out)
{
	struct zone_read_settings settings = {.origin = apex};
	struct zone_error error;
	struct zone *zone;
	out->len = 0;
	int rc = zone_read_wire("wire form", wire, len, &settings, &zone, &error);
	if (rc < 0)
		return rc;
	rc = write(zone, out);
	zone_free(zone);
	return rc < 0 || text_is_same(apex, out, wire, len) ? rc : BANYAN_EUNSUPP;
}

int files_text(const uint8_t *apex, const uint8_t *wire, size_t len, struct buffer *out)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	int rc = text_by(plain_text, apex, wire, len, &text);
	if (rc == BANYAN_EUNSUPP)
		rc = text_by(zone_write_text, apex, wire, len, &text);
	return rc < 0 ? rc : buffer_append(out, text.data, text.len);
}

/* ---- what the pointer says of a zone ---- */

static void about_signatures(const struct zone *zone, struct files_pointer *ret, int64_t now)
{
	for (size_t i = 0; i < zone->n_sets; i++) {
		const struct wire_rrset *set = &zone->set[i];
		for (uint32_t k = 0; set->type == WIRE_TYPE_RRSIG && k < set->count; k++) {
			if (set->rdata[k].len < 18)
				continue;
			/* serial number arithmetic around the time that it is (RFC 4034 section 3.1.5) */
			int64_t expiry = now + (int32_t)(wire_get32(set->rdata[k].data + 8) - (uint32_t)now);
			if (ret->signatures_expire == 0 || expiry < ret->signatures_expire)
				ret->signatures_expire = expiry;
		}
	}
}

void files_pointer_about(const struct zone *zone, struct files_pointer *ret)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *zonemd = apex == NULL ? NULL : zone_node_set(zone, apex, WIRE_TYPE_ZONEMD);
	const char *why;
	wire_name_lower(zone->apex, ret->apex);
	ret->serial = zone->serial;
	ret->records = zone->n_records;
	about_signatures(zone, ret, ret->made);
	(void)!zone_edition(zone, &ret->edition, &why); /* malformed words are none: who proves it will say so */
	if (zonemd == NULL || zonemd->rdata[0].len < 6 || zonemd->rdata[0].len > 6 + sizeof ret->zonemd)
		return;
	const struct wire_rdata *rdata = &zonemd->rdata[0];
	ret->zonemd_scheme = rdata->data[4];
	ret->zonemd_algorithm = rdata->data[5];
	ret->zonemd_len = (uint8_t)(rdata->len - 6);
	memcpy(ret->zonemd, rdata->data + 6, ret->zonemd_len);
}
