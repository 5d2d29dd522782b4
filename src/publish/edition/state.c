// SPDX-License-Identifier: GPL-3.0-or-later
/* What is known of an edition from one run to the next, as lines that people can read. */
#include "private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_LINE "banyan-edition 1"
#define LINE_MAX   1200 /* bytes: a name in presentation form, and a key */

int edition_state_write(const struct edition_state *state, struct buffer *out)
{
	char zone[WIRE_NAME_TEXT_MAX];
	int rc = buffer_printf(out, FIRST_LINE "\nzone %s\nedition %s\n", wire_name_text(state->zone, zone),
			       state->name[0] != '\0' ? state->name : "-");
	if (rc < 0 || !state->have)
		return rc;
	return buffer_printf(out,
			     "source-serial %" PRIu32 "\nsource-records %" PRIu64 "\nserial %" PRIu32
			     "\ntree-serial %" PRIu32 "\nmade %" PRId64 "\nsign-at %" PRId64 "\nvalid-until %" PRId64
			     "\nend\n",
			     state->source_serial, state->source_records, state->serial, state->tree_serial,
			     state->made, state->sign_at, state->valid_until);
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

static bool line_take(struct edition_state *state, const char *key, const char *value)
{
	int64_t v;
	if (strcmp(key, "zone") == 0)
		return wire_name_parse(value, state->zone) >= 0;
	if (strcmp(key, "edition") == 0) {
		if (strcmp(value, "-") == 0)
			return true;
		bool good = zone_edition_name_good(value);
		if (good)
			memcpy(state->name, value, strlen(value) + 1);
		return good;
	}
	if (strcmp(key, "end") == 0)
		return state->have = true;
	if (strcmp(key, "source-records") == 0 && get_number(value, 0, INT64_MAX, &v))
		return state->source_records = (uint64_t)v, true;
	if (strcmp(key, "made") == 0)
		return get_number(value, INT64_MIN, INT64_MAX, &state->made);
	if (strcmp(key, "sign-at") == 0)
		return get_number(value, INT64_MIN, INT64_MAX, &state->sign_at);
	if (strcmp(key, "valid-until") == 0)
		return get_number(value, INT64_MIN, INT64_MAX, &state->valid_until);
	uint32_t *serial = strcmp(key, "source-serial") == 0 ? &state->source_serial
			   : strcmp(key, "serial") == 0      ? &state->serial
			   : strcmp(key, "tree-serial") == 0 ? &state->tree_serial
							     : NULL;
	if (serial == NULL || !get_number(value, 0, UINT32_MAX, &v))
		return false;
	*serial = (uint32_t)v;
	return true;
}

int edition_state_read(const char *file, const char *text, size_t len, struct edition_state *ret,
		       char ret_why[EDITION_WHY_MAX])
{
	struct edition_state state = {0};
	unsigned number = 0;
	bool ended = false;
	for (const char *p = text, *end = text + len; p < end;) {
		char line[LINE_MAX];
		const char *eol = memchr(p, '\n', (size_t)(end - p));
		bool good = eol != NULL && eol - p < LINE_MAX && !ended;
		number++;
		if (good) {
			memcpy(line, p, (size_t)(eol - p));
			line[eol - p] = '\0';
			char *space = strchr(line, ' ');
			if (space != NULL)
				*space = '\0';
			good = number == 1 ? strcmp(line, "banyan-edition") == 0 && space != NULL &&
						     strcmp(space + 1, "1") == 0
					   : line_take(&state, line, space != NULL ? space + 1 : "");
			ended = state.have;
			p = eol + 1;
		}
		if (!good)
			return edition_why(
				ret_why, BANYAN_EMALF,
				"%s:%u: this line of the state of an edition cannot be understood; put back a "
				"copy of the file, or remove it and look after the serial yourself",
				file, number);
	}
	if (number < 3)
		return edition_why(ret_why, BANYAN_EMALF, "%s: this is no state of an edition, or it is cut off", file);
	*ret = state;
	return 0;
}
