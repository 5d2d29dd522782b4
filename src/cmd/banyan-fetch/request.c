// SPDX-License-Identifier: GPL-3.0-or-later
/* The request: lines of `key value`. */
#include "fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum kind { TEXT, BYTES, NUMBER, FLAG, ADDRESS };

#define FIELD(f) offsetof(struct request, f)
static const struct {
	const char *key;
	enum kind kind;
	size_t offset;
} keys[] = {
	{"url", TEXT, FIELD(url)},
	{"head", FLAG, FIELD(head)},
	{"peek", BYTES, FIELD(peek)},
	{"resolve", FLAG, FIELD(resolve)},
	{"no-confine", FLAG, FIELD(no_confine)},
	{"address", ADDRESS, 0},
	{"ca", TEXT, FIELD(ca)},
	{"proxy", TEXT, FIELD(proxy)},
	{"etag", TEXT, FIELD(etag)},
	{"modified", TEXT, FIELD(modified)},
	{"resume-at", BYTES, FIELD(resume_at)},
	{"resume-tag", TEXT, FIELD(resume_tag)},
	{"bytes-max", BYTES, FIELD(bytes_max)},
	{"time-max-ms", NUMBER, FIELD(time_max_ms)},
	{"connect-max-ms", NUMBER, FIELD(connect_max_ms)},
	{"rate-min", NUMBER, FIELD(rate_min)},
	{"rate-window-s", NUMBER, FIELD(rate_window_s)},
	{"redirects-max", NUMBER, FIELD(redirects_max)},
};

static int wrong(char why[256], unsigned line, const char *what)
{
	snprintf(why, 256, "line %u of the request: %.200s", line, what);
	return BANYAN_EINVAL;
}

static int number_take(const char *value, uint64_t max, uint64_t *ret)
{
	size_t len = strlen(value);
	if (len == 0 || len > 18 || strspn(value, "0123456789") != len)
		return BANYAN_EINVAL;
	uint64_t number = strtoull(value, NULL, 10);
	if (number > max)
		return BANYAN_EINVAL;
	*ret = number;
	return 0;
}

static int value_take(struct request *request, size_t key, const char *value, unsigned line, char why[256])
{
	char *field = (char *)request + keys[key].offset;
	uint64_t number;
	switch (keys[key].kind) {
	case TEXT:
		if (strlen(value) >= VALUE_MAX || value[0] == '\0')
			return wrong(why, line, "the value is empty or too long");
		strcpy(field, value);
		return 0;
	case FLAG:
		*(bool *)field = true;
		return strcmp(value, "yes") == 0 ? 0 : wrong(why, line, "the only value of this key is yes");
	case BYTES:
		if (number_take(value, UINT64_MAX / 2, &number) < 0)
			return wrong(why, line, "the value is no number of bytes");
		*(uint64_t *)field = number;
		return 0;
	case NUMBER:
		if (number_take(value, UINT32_MAX, &number) < 0)
			return wrong(why, line, "the value is no number");
		*(uint32_t *)field = (uint32_t)number;
		return 0;
	case ADDRESS:
		if (request->n_addresses == ADDRESSES_MAX || strchr(value, '@') != NULL ||
		    addr_parse(value, 0, &request->address[request->n_addresses]) < 0)
			return wrong(why, line, "the value is no address, or there are too many");
		request->n_addresses++;
		return 0;
	}
	return BANYAN_EINVAL;
}

static int line_take(struct request *request, char *text, unsigned line, char why[256])
{
	for (const char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ') /* it would become a header line of its own */
			return wrong(why, line, "a byte that no text has");
	char *space = strchr(text, ' ');
	if (space == NULL)
		return wrong(why, line, "a key without value");
	*space = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcmp(text, keys[i].key) == 0)
			return value_take(request, i, space + 1, line, why);
	return wrong(why, line, "a key that is not known");
}

int request_parse(char *text, size_t len, struct request *ret, char why[256])
{
	struct request request = {.redirects_max = 0};
	unsigned line = 0;
	int rc = 0;
	for (char *p = text, *end = text + len; p < end && rc == 0;) {
		char *newline = memchr(p, '\n', (size_t)(end - p));
		line++;
		if (newline == NULL || memchr(p, '\0', (size_t)(newline - p)) != NULL)
			return wrong(why, line, "it has no end, or a byte that no text has");
		*newline = '\0';
		rc = line_take(&request, p, line, why);
		p = newline + 1;
	}
	if (rc < 0)
		return rc;
	if (request.url[0] == '\0' || request.bytes_max == 0 || request.time_max_ms == 0 ||
	    request.time_max_ms > TIME_MAX_MS)
		return wrong(why, line, "url, bytes-max and time-max-ms (up to 7200000) must be given");
	*ret = request;
	return 0;
}
