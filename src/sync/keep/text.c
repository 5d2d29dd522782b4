// SPDX-License-Identifier: GPL-3.0-or-later
/* The text files of a folder: lines of a key and a value, the last one the checksum of all before it. */
#include "private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define ABOUT_FORM "banyan-generation 1"
#define STATE_FORM "banyan-keep 1"
#define SUM_KEY    "sha256 "

enum kind { NUMBER, SIGNED, WORDS, DIGEST, FILE_SUM, SERIAL };

/* A line: its key, what its value is, and where that stands in the struct. */
struct field {
	const char *key;
	enum kind kind;
	size_t offset, size;
	bool optional; /* written only when it says something: texts from before its time have it not */
};

#define FIELD(type, key, kind, member)                                                                                 \
	{                                                                                                              \
		key, kind, offsetof(type, member), sizeof(((type *)0)->member), false                                  \
	}
#define OPTIONAL(key, kind, member)                                                                                    \
	{                                                                                                              \
		key, kind, offsetof(struct keep_generation, member), sizeof(((struct keep_generation *)0)->member),    \
			true                                                                                           \
	}
#define ABOUT(key, kind, member) FIELD(struct keep_generation, key, kind, member)

static const struct field about_fields[] = {
	ABOUT("number", NUMBER, about.number),
	ABOUT("serial", NUMBER, about.serial),
	ABOUT("fetched", SIGNED, about.fetched_at),
	ABOUT("proved", SIGNED, about.proved_at),
	ABOUT("first-expiry", SIGNED, about.first_expiry),
	ABOUT("last-inception", SIGNED, about.last_inception),
	ABOUT("refresh", NUMBER, about.refresh_s),
	ABOUT("retry", NUMBER, about.retry_s),
	ABOUT("expire", NUMBER, about.expire_s),
	ABOUT("records", NUMBER, about.records),
	ABOUT("zonemd-scheme", NUMBER, about.zonemd_scheme),
	ABOUT("zonemd-algorithm", NUMBER, about.zonemd_algorithm),
	ABOUT("zonemd-digest", DIGEST, about.zonemd),
	ABOUT("source", WORDS, about.source),
	ABOUT("proof", WORDS, about.proof),
	ABOUT("wire", FILE_SUM, wire),
	ABOUT("image", FILE_SUM, image),
	ABOUT("highest", SERIAL, highest),
	OPTIONAL("edition", WORDS, about.edition),
	OPTIONAL("valid-from", SIGNED, about.valid_from),
	OPTIONAL("valid-until", SIGNED, about.valid_until),
};

static const struct field state_fields[] = {
	FIELD(struct keep_state, "current", NUMBER, current),
	FIELD(struct keep_state, "next", NUMBER, next),
	FIELD(struct keep_state, "highest", SERIAL, highest),
};

/* ---- writing ---- */

static int hex_write(struct buffer *out, const uint8_t *data, size_t len)
{
	int rc = len == 0 ? buffer_printf(out, "-") : 0;
	for (size_t i = 0; i < len && rc >= 0; i++)
		rc = buffer_printf(out, "%02x", data[i]);
	return rc;
}

static uint64_t number_get(const void *from, size_t size)
{
	uint64_t u64;
	uint32_t u32;
	switch (size) {
	case 8:
		memcpy(&u64, from, 8);
		return u64;
	case 4:
		memcpy(&u32, from, 4);
		return u32;
	default:
		return *(const uint8_t *)from;
	}
}

/* Words that came from elsewhere stay in their line. */
static int words_write(struct buffer *out, const char *words, size_t size)
{
	int rc = 0;
	for (size_t i = 0; i < size - 1 && words[i] != '\0' && rc >= 0; i++)
		rc = buffer_printf(out, "%c", (unsigned char)words[i] < 0x20 || words[i] == 0x7f ? '?' : words[i]);
	return rc;
}

static int value_write(struct buffer *out, const struct field *field, const void *from, size_t digest_len,
		       bool has_highest)
{
	const struct keep_file *file = from;
	switch (field->kind) {
	case NUMBER:
		return buffer_printf(out, "%llu", (unsigned long long)number_get(from, field->size));
	case SIGNED:
		return buffer_printf(out, "%lld", (long long)number_get(from, field->size));
	case WORDS:
		return words_write(out, from, field->size);
	case DIGEST:
		return hex_write(out, from, digest_len);
	case FILE_SUM:
		if (!file->there)
			return buffer_printf(out, "-");
		int rc = buffer_printf(out, "%llu ", (unsigned long long)file->len);
		return rc < 0 ? rc : hex_write(out, file->sum, KEEP_SUM_LEN);
	case SERIAL:
		return has_highest ? buffer_printf(out, "%llu", (unsigned long long)number_get(from, field->size))
				   : buffer_printf(out, "-");
	}
	return BANYAN_EINVAL;
}

static bool is_unsaid(const struct field *field, const void *from)
{
	return field->kind == WORDS ? *(const char *)from == '\0' : number_get(from, field->size) == 0;
}

static int text_write(struct buffer *out, const char *form, const char *apex, const struct field *field, size_t n,
		      const void *from, size_t digest_len, bool has_highest)
{
	uint8_t sum[KEEP_SUM_LEN];
	int rc = buffer_printf(out, "%s\nzone %s\n", form, apex);
	for (size_t i = 0; i < n && rc >= 0; i++) {
		if (field[i].optional && is_unsaid(&field[i], (const uint8_t *)from + field[i].offset))
			continue;
		rc = buffer_printf(out, "%s ", field[i].key);
		if (rc >= 0)
			rc = value_write(out, &field[i], (const uint8_t *)from + field[i].offset, digest_len,
					 has_highest);
		if (rc >= 0)
			rc = buffer_printf(out, "\n");
	}
	if (rc >= 0)
		rc = keep_sum(out->data, out->len, sum);
	if (rc >= 0)
		rc = buffer_printf(out, SUM_KEY);
	if (rc >= 0)
		rc = hex_write(out, sum, sizeof sum);
	if (rc >= 0)
		rc = buffer_printf(out, "\n");
	return rc < 0 ? rc : 0;
}

/* ---- reading ---- */

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Exactly `len` bytes. */
static bool hex_read(const char *text, uint8_t *out, size_t len)
{
	if (strlen(text) != len * 2)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool number_put(const char *text, void *to, size_t size)
{
	char *end;
	errno = 0;
	uint64_t u64 = strtoull(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || (size < 8 && u64 >> (8 * size) != 0))
		return false;
	uint32_t u32 = (uint32_t)u64;
	uint8_t u8 = (uint8_t)u64;
	memcpy(to,
	       size == 8   ? (void *)&u64
	       : size == 4 ? (void *)&u32
			   : (void *)&u8,
	       size == 8   ? 8
	       : size == 4 ? 4
			   : 1);
	return true;
}

static bool signed_put(const char *text, int64_t *to)
{
	char *end;
	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (end == text || *end != '\0' || errno != 0)
		return false;
	*to = n;
	return true;
}

static bool file_put(char *text, struct keep_file *to)
{
	*to = (struct keep_file){0};
	if (strcmp(text, "-") == 0)
		return true;
	char *space = strchr(text, ' ');
	if (space == NULL)
		return false;
	*space = '\0';
	to->there = true;
	return number_put(text, &to->len, sizeof to->len) && hex_read(space + 1, to->sum, KEEP_SUM_LEN);
}

static bool digest_put(const char *text, uint8_t *to, size_t size, uint8_t *ret_len)
{
	size_t len = strcmp(text, "-") == 0 ? 0 : strlen(text) / 2;
	*ret_len = (uint8_t)len;
	return len <= size && (len == 0 || hex_read(text, to, len));
}

static bool value_read(char *text, const struct field *field, void *to, uint8_t *ret_digest_len, bool *ret_has_highest)
{
	switch (field->kind) {
	case NUMBER:
		return number_put(text, to, field->size);
	case SIGNED:
		return signed_put(text, to);
	case WORDS:
		return snprintf(to, field->size, "%s", text) < (int)field->size;
	case DIGEST:
		return digest_put(text, to, field->size, ret_digest_len);
	case FILE_SUM:
		return file_put(text, to);
	case SERIAL:
		*ret_has_highest = strcmp(text, "-") != 0;
		return !*ret_has_highest || number_put(text, to, field->size);
	}
	return false;
}

/* Cuts the last line off, which must be the right checksum. */
static bool seal_check(uint8_t *data, size_t len)
{
	const size_t line = strlen(SUM_KEY) + (size_t)2 * KEEP_SUM_LEN + 1;
	uint8_t said[KEEP_SUM_LEN], is[KEEP_SUM_LEN];
	if (len < line || data[len - 1] != '\n' || memchr(data, '\0', len) != NULL)
		return false;
	uint8_t *last = data + len - line;
	data[len - 1] = '\0';
	if (memcmp(last, SUM_KEY, strlen(SUM_KEY)) != 0 ||
	    !hex_read((char *)last + strlen(SUM_KEY), said, sizeof said) || keep_sum(data, len - line, is) < 0 ||
	    memcmp(said, is, sizeof is) != 0)
		return false;
	*last = '\0';
	return true;
}

static char *line_next(char **text)
{
	char *line = *text, *end = strchr(line, '\n');
	if (end == NULL)
		return NULL;
	*end = '\0';
	*text = end + 1;
	return line;
}

/* Keys that are not known are passed over: a later version of the program may have written more. */
static int text_read(uint8_t *data, size_t len, const char *form, const char *apex, const struct field *field, size_t n,
		     void *to, uint8_t *ret_digest_len, bool *ret_has_highest)
{
	if (!seal_check(data, len))
		return BANYAN_EMALF;
	char *text = (char *)data, *line = line_next(&text);
	if (line == NULL || strcmp(line, form) != 0)
		return BANYAN_EUNSUPP;
	line = line_next(&text);
	if (line == NULL || strncmp(line, "zone ", 5) != 0)
		return BANYAN_EMALF;
	if (strcmp(line + 5, apex) != 0)
		return BANYAN_EEXIST;
	uint32_t seen = 0;
	for (size_t i = 0; i < n; i++)
		seen |= field[i].optional ? (uint32_t)1 << i : 0;
	while ((line = line_next(&text)) != NULL) {
		char *space = strchr(line, ' ');
		if (space == NULL)
			return BANYAN_EMALF;
		*space = '\0';
		for (size_t i = 0; i < n; i++) {
			if (strcmp(field[i].key, line) != 0)
				continue;
			if (!value_read(space + 1, &field[i], (uint8_t *)to + field[i].offset, ret_digest_len,
					ret_has_highest))
				return BANYAN_EMALF;
			seen |= (uint32_t)1 << i;
		}
	}
	return seen == ((uint32_t)1 << n) - 1 ? 0 : BANYAN_EMALF;
}

bool keep_text_zone(const uint8_t *data, size_t len, char out[WIRE_NAME_TEXT_MAX])
{
	const uint8_t *line = memchr(data, '\n', len);
	const uint8_t *end = line == NULL ? NULL : memchr(line + 1, '\n', len - (size_t)(line + 1 - data));
	if (end == NULL || end - line < 7 || end - line - 6 >= WIRE_NAME_TEXT_MAX || memcmp(line + 1, "zone ", 5) != 0)
		return false;
	snprintf(out, WIRE_NAME_TEXT_MAX, "%.*s", (int)(end - line - 6), (const char *)line + 6);
	return true;
}

/* ---- the two of them ---- */

int keep_about_write(const char *apex, const struct keep_generation *g, struct buffer *out)
{
	return text_write(out, ABOUT_FORM, apex, about_fields, ARRAY_SIZE(about_fields), g, g->about.zonemd_len,
			  g->has_highest);
}

int keep_about_read(const char *apex, uint8_t *data, size_t len, struct keep_generation *ret)
{
	struct keep_generation g = {0};
	int rc = text_read(data, len, ABOUT_FORM, apex, about_fields, ARRAY_SIZE(about_fields), &g, &g.about.zonemd_len,
			   &g.has_highest);
	if (rc == 0 && (!g.wire.there || g.about.number == 0))
		rc = BANYAN_EMALF;
	if (rc == 0)
		*ret = g;
	return rc;
}

int keep_state_write(const char *apex, const struct keep_state *state, struct buffer *out)
{
	return text_write(out, STATE_FORM, apex, state_fields, ARRAY_SIZE(state_fields), state, 0, state->has_highest);
}

int keep_state_read(const char *apex, uint8_t *data, size_t len, struct keep_state *ret)
{
	struct keep_state state = {0};
	uint8_t unused;
	int rc = text_read(data, len, STATE_FORM, apex, state_fields, ARRAY_SIZE(state_fields), &state, &unused,
			   &state.has_highest);
	if (rc == 0)
		*ret = state;
	return rc;
}
