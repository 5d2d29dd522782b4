// SPDX-License-Identifier: GPL-3.0-or-later
/* Base64 and hexadecimal data split by white space at any place, joined: RFC 4034 (sections 2.2, 3.2, 5.3) and others allow
 * it, libzscanner only between whole groups. Text is rewritten only after the scanner has stumbled over it. */
#include "private.h"

#include <string.h>
#include <strings.h>

/* Types that end in one base64 or hexadecimal field, and the number of fields before it. */
static const struct {
	const char *type;
	unsigned fields;
} joinable[] = {
	{"RRSIG", 8}, {"DNSKEY", 3}, {"CDNSKEY", 3}, {"KEY", 3},  {"DS", 3},     {"CDS", 3},        {"DLV", 3},
	{"CERT", 3},  {"DHCID", 0},  {"SSHFP", 2},   {"TLSA", 3}, {"SMIMEA", 3}, {"OPENPGPKEY", 0}, {"ZONEMD", 3},
};

/* Where a record's text is being read: fields are owner, TTL and class, type, then data. */
struct join {
	const char *p, *end;
	struct buffer *out;
	unsigned depth;    /* of parentheses */
	unsigned newlines; /* taken out of a joined field, to be put back behind it so that line numbers hold */
	bool failed;
};

static void emit(struct join *j, const char *data, size_t len)
{
	j->failed |= buffer_append(j->out, data, len) < 0;
}

/* Copies (or, when joining, swallows) white space, comments and parentheses. False at the end of the record. */
static bool skip_space(struct join *j, bool join)
{
	while (j->p < j->end) {
		const char *from = j->p;
		bool newline = false, last = false;
		if (*j->p == ';') {
			const char *eol = memchr(j->p, '\n', (size_t)(j->end - j->p));
			j->p = eol != NULL ? eol : j->end;
		} else if (*j->p == '\n') {
			newline = true;
			last = j->depth == 0;
			j->p++;
		} else if (*j->p == '(' || *j->p == ')') {
			if (*j->p == ')' && j->depth > 0)
				j->depth--;
			else if (*j->p == '(')
				j->depth++;
			j->p++;
			join = false; /* a parenthesis stays; what is joined ends before it */
			for (; j->newlines > 0; j->newlines--)
				emit(j, "\n", 1);
		} else if (*j->p == ' ' || *j->p == '\t' || *j->p == '\r') {
			j->p++;
		} else {
			return true;
		}
		if (!join || last)
			emit(j, from, (size_t)(j->p - from));
		else
			j->newlines += newline;
		if (last)
			return false;
	}
	return false;
}

/* The end of the token at p: quotes and escapes hold it together. */
static const char *token_end(const struct join *j)
{
	const char *p = j->p;
	bool quoted = false;
	for (; p < j->end; p++) {
		if (*p == '\\' && p + 1 < j->end)
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && strchr(" \t\r\n;()", *p) != NULL && *p != '\0')
			break;
		else if (*p == '\n')
			break;
	}
	return p;
}

bool zone_token_is_class(const char *token, size_t len)
{
	static const char *const classes[] = {"IN", "CH", "HS", "CS", "ANY", "NONE"};
	for (size_t i = 0; i < ARRAY_SIZE(classes); i++)
		if (strlen(classes[i]) == len && strncasecmp(token, classes[i], len) == 0)
			return true;
	return len > 5 && strncasecmp(token, "CLASS", 5) == 0 && token[5] >= '0' && token[5] <= '9';
}

/* Fields before the joinable one, or -1. */
static int joinable_find(const char *token, size_t len)
{
	for (size_t i = 0; i < ARRAY_SIZE(joinable); i++)
		if (strlen(joinable[i].type) == len && strncasecmp(token, joinable[i].type, len) == 0)
			return (int)joinable[i].fields;
	return -1;
}

/* Copies one token; tells where it stands. */
static const char *token_copy(struct join *j, size_t *ret_len)
{
	const char *token = j->p, *end = token_end(j);
	if (end == token)
		end++; /* cannot happen, but must not loop */
	*ret_len = (size_t)(end - token);
	emit(j, token, *ret_len);
	j->p = end;
	return token;
}

/* One record, to its end of line (outside parentheses). */
static void join_record(struct join *j)
{
	bool owner = *j->p != ' ' && *j->p != '\t', typed = false, more = skip_space(j, false);
	int left = -1; /* fields before the joinable one; -1: there is none */
	size_t len;
	if (more && owner) {
		token_copy(j, &len);
		more = skip_space(j, false);
	}
	while (more && !j->failed) {
		const char *token = token_copy(j, &len);
		bool data = typed && left == 0;
		if (len == 2 && token[0] == '\\' && token[1] == '#') {
			left = -1; /* RFC 3597: the scanner joins that itself */
			data = false;
		} else if (typed && left > 0) {
			left--;
		} else if (!typed && !zone_token_is_class(token, len) && (*token < '0' || *token > '9')) {
			typed = true;
			left = joinable_find(token, len);
		}
		more = skip_space(j, data);
	}
}

int zone_text_join(const char *text, size_t len, struct buffer *out)
{
	struct join j = {.p = text, .end = text + len, .out = out};
	if (buffer_reserve(out, len + 1) < 0)
		return BANYAN_ENOMEM;
	while (j.p < j.end && !j.failed) {
		join_record(&j);
		for (; j.newlines > 0; j.newlines--)
			emit(&j, "\n", 1);
	}
	return j.failed ? BANYAN_ENOMEM : 0;
}
