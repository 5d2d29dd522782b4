// SPDX-License-Identifier: GPL-3.0-or-later
/* JSON (RFC 8259) written member by member. */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void append(struct json *json, const char *text, size_t len)
{
	int rc = buffer_append(json->out, text, len);
	if (rc < 0 && json->error == 0)
		json->error = rc;
}

static void quoted(struct json *json, const char *text)
{
	append(json, "\"", 1);
	for (const char *p = text; *p != 0; p++) {
		unsigned char c = (unsigned char)*p;
		if (c == '"' || c == '\\') {
			char escape[2] = {'\\', *p};
			append(json, escape, 2);
		} else if (c < 0x20 || c >= 0x7f) { /* bytes of unknown encoding stay readable as U+00XX */
			char escape[8];
			int n = snprintf(escape, sizeof(escape), "\\u%04x", c);
			append(json, escape, (size_t)n);
		} else {
			append(json, p, 1);
		}
	}
	append(json, "\"", 1);
}

static void key_write(struct json *json, const char *key)
{
	if (json->comma)
		append(json, ",", 1);
	json->comma = true;
	if (key == NULL)
		return;
	quoted(json, key);
	append(json, ":", 1);
}

void json_open(struct json *json, const char *key, char bracket)
{
	key_write(json, key);
	append(json, &bracket, 1);
	json->comma = false;
}

void json_close(struct json *json, char bracket)
{
	append(json, &bracket, 1);
	json->comma = true;
}

void json_text(struct json *json, const char *key, const char *value)
{
	key_write(json, key);
	quoted(json, value);
}

void json_number(struct json *json, const char *key, int64_t value)
{
	char text[32];
	key_write(json, key);
	append(json, text, (size_t)snprintf(text, sizeof(text), "%" PRId64, value));
}

void json_bool(struct json *json, const char *key, bool value)
{
	key_write(json, key);
	append(json, value ? "true" : "false", value ? 4 : 5);
}

void json_time(struct json *json, const char *key, int64_t unix_s)
{
	char text[32];
	if (unix_s != 0) {
		json_text(json, key, clock_format(unix_s, text));
		return;
	}
	key_write(json, key);
	append(json, "null", 4);
}
