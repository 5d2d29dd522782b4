// SPDX-License-Identifier: GPL-3.0-or-later
/* The pointer as text: written, read strictly. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pointer.h"
#include "private.h"

#define FIRST_LINE "banyan-published-zone 1"
#define LINE_MAX   512
#define WORDS_MAX  9 /* of a line */

/* ---- writing ---- */

static int put_hex(struct buffer *out, const uint8_t *data, size_t len)
{
	int rc = 0;
	for (size_t i = 0; i < len && rc == 0; i++)
		rc = buffer_printf(out, "%02x", data[i]);
	return rc;
}

static int put_object(struct buffer *out, const char *word, const struct files_object *object)
{
	int rc = buffer_printf(out, "%s %s %" PRIu64 " ", word, object->path, object->size);
	if (rc == 0)
		rc = put_hex(out, object->hash, 32);
	if (rc == 0)
		rc = buffer_printf(out, " %" PRIu64 " ", object->unpacked_size);
	if (rc == 0)
		rc = put_hex(out, object->unpacked_hash, 32);
	return rc < 0 ? rc : buffer_append(out, "\n", 1);
}

/* Serial and dates, then as an object. */
static int put_present(struct buffer *out, const struct files_present *present)
{
	char from[32], until[32], word[128];
	if (present->wire.path[0] == '\0')
		return 0;
	snprintf(word, sizeof word, "present %" PRIu32 " %s %s", present->serial,
		 clock_format(present->valid_from, from), clock_format(present->valid_until, until));
	return put_object(out, word, &present->wire);
}

static int put_edition(struct buffer *out, const struct zone_edition *edition)
{
	char from[32], until[32];
	int rc = edition->name[0] != '\0' ? buffer_printf(out, "edition %s\n", edition->name) : 0;
	if (rc < 0 || edition->valid_until == 0)
		return rc;
	return buffer_printf(out, "valid-from %s\nvalid-until %s\n", clock_format(edition->valid_from, from),
			     clock_format(edition->valid_until, until));
}

static int put_about(struct buffer *out, const struct files_pointer *p)
{
	char name[WIRE_NAME_TEXT_MAX], time[32];
	int rc = buffer_printf(out, FIRST_LINE "\nzone %s\nserial %" PRIu32 "\nmade %s\n",
			       wire_name_text(p->apex, name), p->serial, clock_format(p->made, time));
	if (rc == 0)
		rc = buffer_printf(out, "fresh-until %s\n", clock_format(p->fresh_until, time));
	if (rc == 0 && p->signatures_expire != 0)
		rc = buffer_printf(out, "signatures-expire %s\n", clock_format(p->signatures_expire, time));
	if (rc == 0)
		rc = put_edition(out, &p->edition);
	if (rc == 0)
		rc = buffer_printf(out, "records %" PRIu64 "\n", p->records);
	if (rc < 0 || p->zonemd_len == 0)
		return rc;
	rc = buffer_printf(out, "zonemd %u %u ", p->zonemd_scheme, p->zonemd_algorithm);
	if (rc == 0)
		rc = put_hex(out, p->zonemd, p->zonemd_len);
	return rc < 0 ? rc : buffer_append(out, "\n", 1);
}

static int put_objects(struct buffer *out, const struct files_pointer *p)
{
	int rc = buffer_printf(out, "unchanged-since %" PRIu32 "\n", p->unchanged_since);
	if (rc == 0)
		rc = put_object(out, "wire", &p->wire);
	if (rc == 0 && p->text.path[0] != '\0')
		rc = put_object(out, "text", &p->text);
	if (rc == 0)
		rc = put_present(out, &p->present);
	for (size_t i = 0; i < p->n_deltas && rc == 0; i++) {
		const struct files_object *delta = &p->delta[i];
		rc = buffer_printf(out, "delta %" PRIu32 " %s %" PRIu64 " ", delta->from, delta->path, delta->size);
		if (rc == 0)
			rc = put_hex(out, delta->hash, 32);
		if (rc == 0)
			rc = buffer_append(out, "\n", 1);
	}
	return rc;
}

int files_pointer_write(const struct files_pointer *pointer, const struct files_key *key, struct buffer *out)
{
	size_t begin = out->len;
	uint8_t signature[FILES_SIGNATURE_SIZE];
	char text[FILES_BASE64_MAX];
	int rc = put_about(out, pointer);
	if (rc == 0)
		rc = put_objects(out, pointer);
	if (rc < 0 || key == NULL)
		return rc;
	files_base64(files_key_public(key), FILES_KEY_SIZE, text);
	rc = buffer_printf(out, "key %s\n", text);
	if (rc == 0)
		rc = files_key_sign(key, out->data + begin, out->len - begin, signature);
	if (rc < 0)
		return rc;
	files_base64(signature, sizeof signature, text);
	return buffer_printf(out, "signature %s\n", text);
}

/* ---- reading ---- */

enum seen {
	SEEN_ZONE = 1,
	SEEN_SERIAL = 2,
	SEEN_MADE = 4,
	SEEN_FRESH = 8,
	SEEN_RECORDS = 16,
	SEEN_UNCHANGED = 32,
	SEEN_WIRE = 64,
	SEEN_NEEDED = 127,
	SEEN_EXPIRE = 128,
	SEEN_ZONEMD = 256,
	SEEN_TEXT = 512,
	SEEN_KEY = 1024,
	SEEN_SIGNATURE = 2048,
	SEEN_EDITION = 4096,
	SEEN_FROM = 8192,
	SEEN_UNTIL = 16384,
	SEEN_PRESENT = 32768,
};

struct pointer_reading {
	struct files_pointer *pointer;
	unsigned seen;
	const uint8_t *text;
	size_t signed_len; /* bytes before the line of the signature */
	uint8_t signature[FILES_SIGNATURE_SIZE];
};

static bool get_number(const char *word, uint64_t max, uint64_t *ret)
{
	char *end;
	if (word[0] < '0' || word[0] > '9' || strlen(word) > 20 || (word[0] == '0' && word[1] != '\0'))
		return false;
	uint64_t v = strtoull(word, &end, 10);
	if (*end != '\0' || v > max)
		return false;
	*ret = v;
	return true;
}

static bool get_serial(const char *word, uint32_t *ret)
{
	uint64_t v;
	if (!get_number(word, UINT32_MAX, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool get_time(const char *word, int64_t *ret)
{
	char again[32];
	/* only in the one form that is written */
	return clock_parse(word, ret) == 0 && strcmp(clock_format(*ret, again), word) == 0;
}

static int hex_digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The number of bytes, or -1. */
static int get_hex(const char *word, uint8_t *out, size_t max)
{
	size_t len = strlen(word);
	if (len % 2 != 0 || len / 2 > max)
		return -1;
	for (size_t i = 0; i < len / 2; i++) {
		int high = hex_digit(word[2 * i]), low = hex_digit(word[2 * i + 1]);
		if (high < 0 || low < 0)
			return -1;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return (int)(len / 2);
}

/* A path that leads nowhere but down. */
static bool get_path(const char *word, char out[FILES_PATH_MAX])
{
	size_t len = strlen(word);
	if (len == 0 || len >= FILES_PATH_MAX || word[0] == '/' ||
	    strspn(word, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-/") != len)
		return false;
	for (const char *part = word; part != NULL; part = strchr(part, '/')) {
		part += *part == '/';
		if (*part == '.' || *part == '/' || *part == '\0')
			return false;
	}
	memcpy(out, word, len + 1);
	return true;
}

static bool take_object(char **word, size_t n, bool unpacked, struct files_object *ret)
{
	struct files_object object = {0};
	if (n != (unpacked ? 5 : 3) || !get_path(word[0], object.path) ||
	    !get_number(word[1], ZONE_FILE_MAX, &object.size) || get_hex(word[2], object.hash, 32) != 32)
		return false;
	if (unpacked && (!get_number(word[3], ZONE_FILE_MAX, &object.unpacked_size) ||
			 get_hex(word[4], object.unpacked_hash, 32) != 32))
		return false;
	*ret = object;
	return true;
}

static bool take_delta(struct files_pointer *p, char **word, size_t n)
{
	uint32_t from;
	if (n != 4 || p->n_deltas >= FILES_DELTAS_MAX || !get_serial(word[0], &from) ||
	    !take_object(word + 1, 3, false, &p->delta[p->n_deltas]))
		return false;
	p->delta[p->n_deltas++].from = from;
	return true;
}

static bool take_zone(struct files_pointer *p, const char *word)
{
	uint8_t name[WIRE_NAME_MAX];
	char again[WIRE_NAME_TEXT_MAX];
	if (wire_name_parse(word, name) < 0)
		return false;
	wire_name_lower(name, p->apex);
	return strcmp(wire_name_text(p->apex, again), word) == 0;
}

static bool take_zonemd(struct files_pointer *p, char **word)
{
	uint64_t scheme, algorithm;
	int len = get_hex(word[2], p->zonemd, sizeof p->zonemd);
	if (!get_number(word[0], 255, &scheme) || !get_number(word[1], 255, &algorithm) || len < 12)
		return false;
	p->zonemd_scheme = (uint8_t)scheme;
	p->zonemd_algorithm = (uint8_t)algorithm;
	p->zonemd_len = (uint8_t)len;
	return true;
}

static const struct {
	const char *word;
	unsigned seen;
	size_t n_values;
} lines[] = {
	{"zone", SEEN_ZONE, 1},
	{"serial", SEEN_SERIAL, 1},
	{"made", SEEN_MADE, 1},
	{"fresh-until", SEEN_FRESH, 1},
	{"signatures-expire", SEEN_EXPIRE, 1},
	{"edition", SEEN_EDITION, 1},
	{"valid-from", SEEN_FROM, 1},
	{"valid-until", SEEN_UNTIL, 1},
	{"records", SEEN_RECORDS, 1},
	{"zonemd", SEEN_ZONEMD, 3},
	{"unchanged-since", SEEN_UNCHANGED, 1},
	{"wire", SEEN_WIRE, 5},
	{"text", SEEN_TEXT, 5},
	{"present", SEEN_PRESENT, 8},
	{"key", SEEN_KEY, 1},
	{"signature", SEEN_SIGNATURE, 1},
};

static bool take_edition(struct files_pointer *p, const char *word)
{
	if (!zone_edition_name_good(word))
		return false;
	memcpy(p->edition.name, word, strlen(word) + 1);
	return true;
}

static bool take_present(struct files_present *present, char **value)
{
	return get_serial(value[0], &present->serial) && get_time(value[1], &present->valid_from) &&
	       get_time(value[2], &present->valid_until) && present->valid_from > 0 &&
	       present->valid_from < present->valid_until && take_object(value + 3, 5, true, &present->wire);
}

static bool take_value(struct pointer_reading *r, unsigned seen, char **value)
{
	struct files_pointer *p = r->pointer;
	switch (seen) {
	case SEEN_ZONE:
		return take_zone(p, value[0]);
	case SEEN_SERIAL:
		return get_serial(value[0], &p->serial);
	case SEEN_MADE:
		return get_time(value[0], &p->made);
	case SEEN_FRESH:
		return get_time(value[0], &p->fresh_until);
	case SEEN_EXPIRE:
		return get_time(value[0], &p->signatures_expire);
	case SEEN_EDITION:
		return take_edition(p, value[0]);
	case SEEN_FROM:
		return get_time(value[0], &p->edition.valid_from) && p->edition.valid_from > 0;
	case SEEN_UNTIL:
		return get_time(value[0], &p->edition.valid_until) && p->edition.valid_until > 0;
	case SEEN_RECORDS:
		return get_number(value[0], ZONE_RECORDS_MAX, &p->records);
	case SEEN_ZONEMD:
		return take_zonemd(p, value);
	case SEEN_UNCHANGED:
		return get_serial(value[0], &p->unchanged_since);
	case SEEN_WIRE:
		return take_object(value, 5, true, &p->wire);
	case SEEN_TEXT:
		return take_object(value, 5, true, &p->text);
	case SEEN_PRESENT:
		return take_present(&p->present, value);
	case SEEN_KEY:
		return files_key_parse(value[0], p->key) == 0;
	default:
		return files_unbase64(value[0], r->signature, sizeof r->signature) == sizeof r->signature;
	}
}

static bool take_line(struct pointer_reading *r, char *line)
{
	char *word[WORDS_MAX + 1], *save = NULL, none[] = "";
	size_t n = 0;
	for (size_t i = 0; i <= WORDS_MAX; i++)
		word[i] = none;
	if (line[0] == ' ' || strstr(line, "  ") != NULL || (line[0] != '\0' && line[strlen(line) - 1] == ' '))
		return false;
	for (char *w = strtok_r(line, " ", &save); w != NULL && n <= WORDS_MAX; w = strtok_r(NULL, " ", &save))
		word[n++] = w;
	if (n == 0)
		return false;
	if (strcmp(word[0], "delta") == 0)
		return take_delta(r->pointer, word + 1, n - 1);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (strcmp(word[0], lines[i].word) == 0) {
			bool twice = (r->seen & lines[i].seen) != 0;
			r->seen |= lines[i].seen;
			return !twice && n - 1 == lines[i].n_values && take_value(r, lines[i].seen, word + 1);
		}
	return true; /* of a later time */
}

static int lines_read(struct pointer_reading *r, const char *name, size_t len, char why[FILES_WHY_MAX])
{
	const char *p = (const char *)r->text, *end = p + len;
	for (unsigned number = 1; p < end; number++) {
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		char line[LINE_MAX];
		bool good = eol != NULL && eol - p < LINE_MAX && memchr(p, 0, (size_t)(eol - p)) == NULL &&
			    (r->seen & SEEN_SIGNATURE) == 0; /* nothing behind it: that would not be signed */
		if (good) {
			memcpy(line, p, (size_t)(eol - p));
			line[eol - p] = '\0';
			r->signed_len = (size_t)(p - (const char *)r->text);
			good = number == 1 ? strcmp(line, FIRST_LINE) == 0 : take_line(r, line);
		}
		if (!good) {
			files_why(why,
				  "%s:%u: this line of the pointer cannot be understood; is it a pointer to a "
				  "published zone, and whole?",
				  name, number);
			return BANYAN_EMALF;
		}
		p = eol + 1;
	}
	return 0;
}

static bool same_key(const uint8_t *a, const uint8_t *b)
{
	return memcmp(a, b, FILES_KEY_SIZE) == 0;
}

/* Is it signed as it says, and by the key that is asked for? */
static int signature_check(struct pointer_reading *r, const char *name, const uint8_t *key, char why[FILES_WHY_MAX])
{
	bool has = (r->seen & SEEN_SIGNATURE) != 0;
	if (has != ((r->seen & SEEN_KEY) != 0)) {
		files_why(why, "%s: the pointer has a key without a signature, or the reverse", name);
		return BANYAN_EMALF;
	}
	if (!has && key == NULL)
		return 0;
	if (!has || (key != NULL && !same_key(key, r->pointer->key))) {
		files_why(why, "%s: the pointer is %s; ask its publisher for the key", name,
			  has ? "signed by another key than the one that was given"
			      : "not signed, and a key was given");
		return BANYAN_EPROOF;
	}
	if (!files_key_check(r->pointer->key, r->text, r->signed_len, r->signature)) {
		files_why(why, "%s: the signature of the pointer is wrong: it was changed on the way", name);
		return BANYAN_EPROOF;
	}
	r->pointer->is_signed = true;
	return 0;
}

static bool dates_good(const struct pointer_reading *r)
{
	const struct zone_edition *e = &r->pointer->edition;
	if ((r->seen & (SEEN_FROM | SEEN_UNTIL)) == 0) /* who has no dates is not ahead of anything */
		return (r->seen & SEEN_PRESENT) == 0;
	return e->valid_from != 0 && e->valid_from < e->valid_until;
}

int files_pointer_read(const char *name, const uint8_t *text, size_t len, const uint8_t *key, struct files_pointer *ret,
		       char ret_why[FILES_WHY_MAX])
{
	if (len > FILES_POINTER_MAX) {
		files_why(ret_why, "%s: a pointer of more than %d bytes", name, FILES_POINTER_MAX);
		return BANYAN_ELIMIT;
	}
	_cleanup_(base_free) struct files_pointer *pointer = calloc(1, sizeof *pointer);
	struct pointer_reading r = {.pointer = pointer, .text = text};
	if (pointer == NULL) {
		files_why(ret_why, "%s: out of memory", name);
		return BANYAN_ENOMEM;
	}
	int rc = lines_read(&r, name, len, ret_why);
	if (rc == 0 && (r.seen & SEEN_NEEDED) != SEEN_NEEDED) {
		files_why(ret_why, "%s: the pointer lacks a line that each has: it is cut off", name);
		rc = BANYAN_EMALF;
	}
	if (rc == 0 && !dates_good(&r)) {
		files_why(ret_why, "%s: valid-from, valid-until and present of the pointer do not fit together", name);
		rc = BANYAN_EMALF;
	}
	if (rc == 0)
		rc = signature_check(&r, name, key, ret_why);
	if (rc == 0)
		*ret = *pointer;
	return rc;
}
