// SPDX-License-Identifier: GPL-3.0-or-later
/* The versions of a zone that have been in use here. */
#include "offered.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINE_MAX_BYTES (WIRE_NAME_TEXT_MAX + 64 + OFFERED_DIGESTS * (2 * OFFERED_DIGEST_MAX + 1))

/* ---- sets at the apex ---- */

void offered_set(const struct image *image, uint16_t type,
		 void (*fn)(void *ctx, const struct wire_record *record, const uint8_t *rdata, uint16_t len), void *ctx)
{
	_cleanup_(base_free) uint8_t *msg = malloc(2 * (size_t)WIRE_MESSAGE_MAX);
	struct wire_question q = {
		.qname = image_apex(image), .qtype = type, .qclass = WIRE_CLASS_IN, .has_question = true};
	struct image_reply reply;
	struct wire_reader reader;
	struct wire_record record;
	q.qname_len = (uint8_t)wire_name_len(q.qname);
	q.labels = (uint8_t)wire_name_labels(q.qname);
	q.end = (uint16_t)(WIRE_HEADER_SIZE + q.qname_len + 4);
	wire_name_lower(q.qname, q.lower);
	struct image_query query = {.question = &q, .minimal = true, .max = WIRE_MESSAGE_MAX};
	int len = msg == NULL ? BANYAN_ENOMEM : image_answer(image, &query, msg, &reply);
	if (len < 0 || wire_reader_init(&reader, msg, (size_t)len) < 0)
		return;
	uint8_t *rdata = msg + WIRE_MESSAGE_MAX;
	while (wire_reader_next(&reader, &record) > 0) {
		if (record.section != WIRE_ANSWER || record.type != type)
			continue;
		int n = wire_record_rdata(&reader, &record, rdata, WIRE_MESSAGE_MAX);
		if (n > 0)
			fn(ctx, &record, rdata, (uint16_t)n);
	}
}

static void take_digest(void *ctx, const struct wire_record *record, const uint8_t *rdata, uint16_t len)
{
	struct offered_version *version = ctx;
	if (version->n == OFFERED_DIGESTS || len > OFFERED_DIGEST_MAX)
		return;
	memcpy(version->digest[version->n], rdata, len);
	version->len[version->n++] = (uint8_t)len;
}

static void take_words(void *ctx, const struct wire_record *record, const uint8_t *rdata, uint16_t len)
{
	const char *why;
	(void)!zone_edition_take(rdata, len, ctx, &why);
}

void offered_dates(const struct image *image, int64_t *ret_from, int64_t *ret_until)
{
	struct zone_edition edition = {0};
	offered_set(image, WIRE_TYPE_TXT, take_words, &edition);
	bool dated = edition.valid_from > 0 && edition.valid_until > edition.valid_from;
	*ret_from = dated ? edition.valid_from : 0;
	*ret_until = dated ? edition.valid_until : 0;
}

/* ---- the list ---- */

static bool is_same(const struct offered_version *a, const struct offered_version *b)
{
	bool same = a->serial == b->serial && a->n == b->n;
	for (unsigned i = 0; same && i < a->n; i++)
		same = a->len[i] == b->len[i] && memcmp(a->digest[i], b->digest[i], a->len[i]) == 0;
	return same;
}

static bool add(struct offered *offered, const struct offered_version *version)
{
	if (offered->n == OFFERED_MAX) {
		memmove(offered->version, offered->version + 1, (OFFERED_MAX - 1) * sizeof *version);
		offered->n--;
	}
	if (offered->n == offered->cap) {
		size_t cap = offered->cap == 0 ? 4 : offered->cap * 2;
		struct offered_version *more = realloc(offered->version, cap * sizeof *more);
		if (more == NULL)
			return false;
		offered->version = more;
		offered->cap = cap;
	}
	offered->version[offered->n++] = *version;
	return true;
}

bool offered_take(struct offered *offered, const struct image *image, int64_t now_ms)
{
	struct offered_version version = {.serial = image_serial(image), .at_ms = now_ms};
	offered_set(image, WIRE_TYPE_ZONEMD, take_digest, &version);
	offered_dates(image, &version.valid_from, &version.valid_until);
	if (offered->n > 0 && is_same(&offered->version[offered->n - 1], &version))
		return false;
	return add(offered, &version);
}

void offered_done(struct offered *offered)
{
	free(offered->version);
	*offered = (struct offered){0};
}

/* ---- as text: "ZONE SERIAL MILLISECONDS DIGEST,DIGEST", then "FROM UNTIL" where the version has dates ---- */

static int version_write(const struct offered_version *version, struct buffer *out)
{
	int rc = buffer_printf(out, "%" PRIu32 " %" PRId64 " ", version->serial, version->at_ms);
	for (unsigned d = 0; d < version->n && rc >= 0; d++) {
		rc = d > 0 ? buffer_append(out, ",", 1) : 0;
		for (unsigned i = 0; i < version->len[d] && rc >= 0; i++)
			rc = buffer_printf(out, "%02x", version->digest[d][i]);
	}
	if (rc >= 0 && version->n == 0)
		rc = buffer_append(out, "-", 1);
	if (rc >= 0 && version->valid_until > 0)
		rc = buffer_printf(out, " %" PRId64 " %" PRId64, version->valid_from, version->valid_until);
	return rc < 0 ? rc : buffer_append(out, "\n", 1);
}

int offered_write(const struct offered *offered, const char *zone, struct buffer *out)
{
	int rc = 0;
	for (size_t i = 0; i < offered->n && rc >= 0; i++) {
		rc = buffer_printf(out, "%s ", zone);
		if (rc >= 0)
			rc = version_write(&offered->version[i], out);
	}
	return rc < 0 ? rc : 0;
}

static int nibble(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool digests_read(const char *text, struct offered_version *version)
{
	if (strcmp(text, "-") == 0)
		return true;
	for (const char *p = text; *p != 0;) {
		if (version->n == OFFERED_DIGESTS)
			return false;
		uint8_t *out = version->digest[version->n], len = 0;
		for (; nibble(p[0]) >= 0 && nibble(p[1]) >= 0 && len < OFFERED_DIGEST_MAX; p += 2)
			out[len++] = (uint8_t)(nibble(p[0]) << 4 | nibble(p[1]));
		if (len == 0 || (*p != 0 && *p != ','))
			return false;
		version->len[version->n++] = len;
		p += *p == ',';
	}
	return true;
}

static bool line_read(const char *line, size_t len, const char *zone, struct offered_version *ret)
{
	char copy[LINE_MAX_BYTES], *rest = NULL, *end;
	if (len >= sizeof copy)
		return false;
	memcpy(copy, line, len);
	copy[len] = 0;
	const char *name = strtok_r(copy, " ", &rest), *serial = strtok_r(NULL, " ", &rest);
	const char *at = strtok_r(NULL, " ", &rest), *digests = strtok_r(NULL, " ", &rest);
	const char *from = strtok_r(NULL, " ", &rest), *until = strtok_r(NULL, " ", &rest);
	*ret = (struct offered_version){0};
	if (digests == NULL || strcmp(name, zone) != 0 || serial[0] < '0' || serial[0] > '9')
		return false;
	unsigned long long number = strtoull(serial, &end, 10);
	if (*end != 0 || number > UINT32_MAX)
		return false;
	ret->serial = (uint32_t)number;
	ret->at_ms = strtoll(at, &end, 10);
	if (*end != 0 || ret->at_ms <= 0 || !digests_read(digests, ret))
		return false;
	if (until == NULL) /* it has no dates */
		return true;
	ret->valid_from = strtoll(from, &end, 10);
	if (*end == 0)
		ret->valid_until = strtoll(until, &end, 10);
	return *end == 0 && ret->valid_from > 0 && ret->valid_until > ret->valid_from;
}

void offered_read(struct offered *offered, const char *text, const char *zone)
{
	for (const char *line = text; *line != 0;) {
		size_t len = strcspn(line, "\n");
		struct offered_version version;
		if (line_read(line, len, zone, &version) && !add(offered, &version))
			return;
		line += len + (line[len] == '\n');
	}
}
