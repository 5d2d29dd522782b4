// SPDX-License-Identifier: GPL-3.0-or-later
/* Files of trust anchors, cut into statements: records of master files, and the blocks of BIND's configuration. */
#include "anchors_text.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

static const char *const blocks[] = {"trust-anchors", "managed-keys", "trusted-keys"};

int text_error(struct dnssec_text_error *error, const char *source, unsigned long line, int rc, const char *format, ...)
{
	va_list args;
	error->line = line;
	int n = line > 0 ? snprintf(error->text, sizeof error->text, "%.200s:%lu: ", source, line)
			 : snprintf(error->text, sizeof error->text, "%.200s: ", source);
	va_start(args, format);
	vsnprintf(error->text + n, sizeof error->text - (size_t)n, format, args);
	va_end(args);
	return rc;
}

bool word_is(const struct statement_word *word, const char *text)
{
	return word->len == strlen(text) && strncasecmp(word->text, text, word->len) == 0;
}

static bool at(const struct statements *s, const char *text)
{
	size_t len = strlen(text);
	return (size_t)(s->end - s->p) >= len && memcmp(s->p, text, len) == 0;
}

static void skip_line(struct statements *s)
{
	while (s->p < s->end && *s->p != '\n')
		s->p++;
}

/* A comment of a master file: Unbound writes what it knows of a key into it. */
static void comment_read(struct statements *s, struct statement *ret)
{
	static const char mark[] = ";;state=";
	const char *from = s->p;
	skip_line(s);
	const char *found = memmem(from, (size_t)(s->p - from), mark, sizeof mark - 1);
	if (found != NULL && found + sizeof mark - 1 < s->p)
		ret->state = found[sizeof mark - 1] - '0';
}

/* Passes a comment: 1, 0 = here is none, or an error. */
static int comment_pass(struct statements *s, struct statement *ret)
{
	if (s->in_block ? at(s, "#") || at(s, "//") : s->fresh_line && (at(s, "#") || at(s, "//"))) {
		skip_line(s);
		return 1;
	}
	if (at(s, "/*") && (s->in_block || ret->n == 0)) {
		unsigned long line = s->line;
		for (s->p += 2; s->p < s->end && !at(s, "*/"); s->p++)
			s->line += *s->p == '\n';
		if (s->p == s->end)
			return text_error(s->error, s->source, line, BANYAN_EMALF, "the comment has no end (*/)");
		s->p += 2;
		return 1;
	}
	if (*s->p != ';' || s->in_block)
		return 0;
	comment_read(s, ret);
	return 1;
}

static int word_add(struct statements *s, struct statement *ret, const char *text, size_t len)
{
	if (ret->n == STATEMENT_WORDS_MAX)
		return text_error(s->error, s->source, s->line, BANYAN_ELIMIT, "more than %d words in one record",
				  STATEMENT_WORDS_MAX);
	if (ret->n == 0)
		ret->line = s->line;
	ret->word[ret->n++] = (struct statement_word){text, len};
	return 0;
}

/* Between quotes stands a name, or a key in several lines: its blanks part words here too. */
static int quoted_read(struct statements *s, struct statement *ret)
{
	unsigned long line = s->line;
	const char *from = ++s->p;
	int rc = 0;
	for (; rc == 0; s->p++) {
		if (s->p == s->end)
			return text_error(s->error, s->source, line, BANYAN_EMALF, "the quotation mark has no partner");
		bool ends = *s->p == '"';
		if (!ends && *s->p != ' ' && *s->p != '\t' && *s->p != '\r' && *s->p != '\n')
			continue;
		if (s->p > from)
			rc = word_add(s, ret, from, (size_t)(s->p - from));
		from = s->p + 1;
		s->line += *s->p == '\n';
		if (ends) {
			s->p++;
			break;
		}
	}
	return rc;
}

static int plain_read(struct statements *s, struct statement *ret)
{
	const char *from = s->p, *stops = s->in_block ? " \t\r\n\";{}" : " \t\r\n\";(){}";
	for (; s->p < s->end; s->p++) {
		if (*s->p == '\0')
			return text_error(s->error, s->source, s->line, BANYAN_EMALF,
					  "there is a zero byte; this is no text");
		if (strchr(stops, *s->p) != NULL)
			break;
		s->p += *s->p == '\\' && s->p + 1 < s->end && s->p[1] != '\n' && s->p[1] != '\0';
	}
	return word_add(s, ret, from, (size_t)(s->p - from));
}

static int block_open(struct statements *s, struct statement *ret)
{
	bool known = false;
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		known |= ret->n == 1 && word_is(&ret->word[0], blocks[i]);
	if (s->in_block || !known)
		return text_error(s->error, s->source, s->line, BANYAN_EMALF,
				  "{ belongs behind trust-anchors, managed-keys or trusted-keys only");
	s->in_block = true;
	s->p++;
	ret->n = 0;
	return 0;
}

static int block_close(struct statements *s, struct statement *ret)
{
	if (!s->in_block || ret->n > 0)
		return text_error(s->error, s->source, s->line, BANYAN_EMALF, "} stands where no block ends");
	s->in_block = false;
	s->p++;
	while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\r'))
		s->p++;
	s->p += s->p < s->end && *s->p == ';';
	return 0;
}

/* Is what follows a block's opening brace, on a later line? */
static bool brace_follows(const struct statements *s, const struct statement *ret)
{
	const char *p = s->p;
	while (p < s->end && strchr(" \t\r\n", *p) != NULL && *p != '\0')
		p++;
	bool block = false;
	for (size_t i = 0; i < ARRAY_SIZE(blocks); i++)
		block |= ret->n == 1 && word_is(&ret->word[0], blocks[i]);
	return block && p < s->end && *p == '{';
}

static int parenthesis(struct statements *s)
{
	bool open = *s->p++ == '(';
	if (!open && s->parentheses == 0)
		return text_error(s->error, s->source, s->line, BANYAN_EMALF, ") without (");
	s->parentheses = open ? s->parentheses + 1 : s->parentheses - 1;
	return 0;
}

/* One step: 1 = the statement is complete, 0 = go on, or an error. */
static int statement_step(struct statements *s, struct statement *ret)
{
	int rc = comment_pass(s, ret);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	bool fresh = s->fresh_line;
	s->fresh_line = false;
	switch (*s->p) {
	case '\n':
		s->line++;
		s->p++;
		s->fresh_line = true;
		return !s->in_block && s->parentheses == 0 && ret->n > 0 && !brace_follows(s, ret);
	case ' ':
	case '\t':
	case '\r':
		ret->indented |= fresh && ret->n == 0 && !s->in_block;
		s->p++;
		return 0;
	case ';':
		s->p++;
		return ret->n > 0;
	case '{':
		return block_open(s, ret);
	case '}':
		return block_close(s, ret);
	case '"':
		return quoted_read(s, ret);
	case '(':
	case ')':
		if (!s->in_block)
			return parenthesis(s);
		/* fall through */
	default:
		if (ret->n == 0 && fresh)
			ret->indented = false;
		return plain_read(s, ret);
	}
}

int statement_next(struct statements *from, struct statement *ret)
{
	ret->n = 0;
	ret->indented = false;
	ret->state = -1;
	ret->block = from->in_block;
	while (from->p < from->end) {
		if (ret->n == 0) {
			ret->block = from->in_block;
			if (from->fresh_line)
				ret->indented = false;
		}
		int rc = statement_step(from, ret);
		if (rc != 0)
			return rc;
	}
	if (from->parentheses > 0)
		return text_error(from->error, from->source, from->line, BANYAN_EMALF, "( without )");
	if (from->in_block)
		return text_error(from->error, from->source, from->line, BANYAN_EMALF,
				  "the block has no end; }; is missing");
	return ret->n > 0;
}
