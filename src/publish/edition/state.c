// SPDX-License-Identifier: GPL-3.0-or-later
/* What is known of an edition from one run to the next, as lines that people can read. The last one has a checksum of all before it: a file that
 * was cut off, or has lost a line, must not pass as one that knows less. One of before there was a checksum is read, and gets it with the next version. */
#include "private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE "banyan-edition 1"
#define LINE_MAX   1200 /* bytes: a name in presentation form, and a key */

/* Against accidents, not against people: those who may write here may write the zone, too. */
static uint64_t sum_of(const char *text, size_t len)
{
	static const uint8_t key[16] = "banyan-edition";
	return hash_sip(text, len, key);
}

int edition_state_write(const struct edition_state *state, struct buffer *out)
{
	char zone[WIRE_NAME_TEXT_MAX];
	size_t begin = out->len;
	int rc = buffer_printf(out, FIRST_LINE "\nzone %s\nedition %s\n", wire_name_text(state->zone, zone),
			       state->name[0] != '\0' ? state->name : "-");
	if (rc >= 0 && state->have)
		rc = buffer_printf(out,
				   "source-serial %" PRIu32 "\nsource-records %" PRIu64 "\nserial %" PRIu32
				   "\ntree-serial %" PRIu32 "\nmade %" PRId64 "\nsign-at %" PRId64
				   "\nvalid-until %" PRId64 "\n",
				   state->source_serial, state->source_records, state->serial, state->tree_serial,
				   state->made, state->sign_at, state->valid_until);
	if (rc < 0)
		return rc;
	return buffer_printf(out, "end %016" PRIx64 "\n", sum_of((const char *)out->data + begin, out->len - begin));
}

static bool get_number(const char *text, int64_t min, int64_t max, int64_t *ret)
{
	char *end;
	bool digits = (text[0] >= '0' && text[0] <= '9') || (text[0] == '-' && text[1] >= '0' && text[1] <= '9');
	long long v = strtoll(text, &end, 10);
	if (!digits || *end != '\0' || v < min || v > max)
		return false;
	*ret = v;
	return true;
}

/* What a state has a line for, in any order; each once. */
enum line {
	LINE_ZONE,
	LINE_EDITION,
	LINE_SOURCE_SERIAL, /* this and what follows: of a version that was published */
	LINE_SOURCE_RECORDS,
	LINE_SERIAL,
	LINE_TREE_SERIAL,
	LINE_MADE,
	LINE_SIGN_AT,
	LINE_VALID_UNTIL,
	LINE_COUNT
};
static const char *const keys[LINE_COUNT] = {"zone",        "edition", "source-serial", "source-records", "serial",
					     "tree-serial", "made",    "sign-at",       "valid-until"};

#define LINES_ALL  ((1u << LINE_COUNT) - 1)
#define LINES_NONE (1u << LINE_ZONE | 1u << LINE_EDITION) /* nothing was published */

static bool name_take(struct edition_state *state, const char *value)
{
	if (strcmp(value, "-") == 0)
		return true;
	bool good = zone_edition_name_good(value);
	if (good)
		memcpy(state->name, value, strlen(value) + 1);
	return good;
}

static bool serial_take(const char *value, uint32_t *ret)
{
	int64_t v;
	if (!get_number(value, 0, UINT32_MAX, &v))
		return false;
	*ret = (uint32_t)v;
	return true;
}

static bool value_take(struct edition_state *state, enum line line, const char *value)
{
	int64_t v;
	switch (line) {
	case LINE_ZONE:
		return wire_name_parse(value, state->zone) >= 0;
	case LINE_EDITION:
		return name_take(state, value);
	case LINE_SOURCE_SERIAL:
		return serial_take(value, &state->source_serial);
	case LINE_SOURCE_RECORDS:
		if (!get_number(value, 0, INT64_MAX, &v))
			return false;
		state->source_records = (uint64_t)v;
		return true;
	case LINE_SERIAL:
		return serial_take(value, &state->serial);
	case LINE_TREE_SERIAL:
		return serial_take(value, &state->tree_serial);
	case LINE_MADE:
		return get_number(value, INT64_MIN, INT64_MAX, &state->made);
	case LINE_SIGN_AT:
		return get_number(value, INT64_MIN, INT64_MAX, &state->sign_at);
	case LINE_VALID_UNTIL:
		return get_number(value, INT64_MIN, INT64_MAX, &state->valid_until);
	case LINE_COUNT:
		break;
	}
	return false;
}

struct reading {
	struct edition_state state;
	unsigned seen; /* a bit for each line */
	bool ended;
};

static bool end_take(struct reading *r, const char *value, const char *text, size_t len)
{
	char sum[17];
	snprintf(sum, sizeof sum, "%016" PRIx64, sum_of(text, len));
	r->ended = strcmp(value, sum) == 0 && (r->seen == LINES_ALL || r->seen == LINES_NONE);
	r->state.have = r->seen == LINES_ALL;
	return r->ended;
}

/* As it was written before there was a checksum: with all its lines, and with its end, it is whole. */
static bool end_bare(struct reading *r)
{
	r->ended = r->seen == LINES_ALL || r->seen == LINES_NONE;
	r->state.have = r->seen == LINES_ALL;
	return r->ended;
}

/* `text` is the whole, up to this line. */
static bool line_take(struct reading *r, unsigned number, char *line, const char *text, size_t len)
{
	char *space = strchr(line, ' ');
	if (number > 1 && strcmp(line, "end") == 0)
		return end_bare(r);
	if (number == 1 || space == NULL)
		return number == 1 && strcmp(line, FIRST_LINE) == 0;
	*space = '\0';
	if (strcmp(line, "end") == 0)
		return end_take(r, space + 1, text, len);
	for (unsigned i = 0; i < LINE_COUNT; i++) {
		bool is_new = (r->seen & 1u << i) == 0;
		if (strcmp(line, keys[i]) != 0)
			continue;
		r->seen |= 1u << i;
		return is_new && value_take(&r->state, (enum line)i, space + 1);
	}
	return false;
}

int edition_state_read(const char *file, const char *text, size_t len, struct edition_state *ret,
		       char ret_why[EDITION_WHY_MAX])
{
	struct reading r = {0};
	unsigned number = 0;
	for (size_t pos = 0; pos < len;) {
		char line[LINE_MAX];
		const char *eol = memchr(text + pos, '\n', len - pos);
		size_t n = eol != NULL ? (size_t)(eol - text) - pos : LINE_MAX;
		bool good = n < LINE_MAX && !r.ended;
		number++;
		if (good) {
			memcpy(line, text + pos, n);
			line[n] = '\0';
			good = line_take(&r, number, line, text, pos);
		}
		if (!good)
			return edition_why(ret_why, BANYAN_EMALF,
					   "%s:%u: the state of the edition is damaged in this line or before it", file,
					   number);
		pos += n + 1;
	}
	if (!r.ended)
		return edition_why(ret_why, BANYAN_EMALF, "%s: the state of the edition is cut off after line %u", file,
				   number);
	*ret = r.state;
	return 0;
}
