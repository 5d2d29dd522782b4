// SPDX-License-Identifier: GPL-3.0-or-later
/* JSON written member by member; an error sticks and is told at the end. */
#pragma once

#include "base/base.h"

struct json {
	struct buffer *out;
	bool comma; /* does the next member need one before it? */
	int error;
};

void json_open(struct json *json, const char *key, char bracket); /* '{' or '['; key NULL inside lists */
void json_close(struct json *json, char bracket);
void json_text(struct json *json, const char *key, const char *value);
void json_number(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);
void json_time(struct json *json, const char *key, int64_t unix_s); /* ISO 8601 text, or null for 0 */
