// SPDX-License-Identifier: GPL-3.0-or-later
/* dnssec, private: files of trust anchors as text, cut into statements. */
#pragma once

#include "dnssec.h"

#define STATEMENT_WORDS_MAX 256  /* a key may be written in many pieces; 1024 bytes in lines of 8 characters */
#define ANCHOR_WORD_MAX     1400 /* base64 of the longest RDATA kept, in one word */

/* One record, or what stands between two semicolons of a BIND block; words point into the text. */
struct statement {
	unsigned long line;
	bool block;    /* inside trust-anchors { }, managed-keys { } or trusted-keys { } */
	bool indented; /* it begins with blanks: the owner is that of the record before */
	int state;     /* ";;state=N" of Unbound's auto-trust-anchor-file behind it; -1 = none */
	unsigned n;
	struct statement_word {
		const char *text;
		size_t len;
	} word[STATEMENT_WORDS_MAX];
};

struct statements {
	const char *p, *end;
	unsigned long line;
	bool in_block, fresh_line;
	unsigned parentheses;
	struct dnssec_text_error *error;
	const char *source;
};

/* The next statement: 1, 0 at the end, or an error that is told. */
int statement_next(struct statements *from, struct statement *ret) _must_use_;
/* Is the word this one, in any case? */
bool word_is(const struct statement_word *word, const char *text);
/* Tells what is wrong; returns `rc`. */
int text_error(struct dnssec_text_error *error, const char *source, unsigned long line, int rc, const char *format, ...)
	_printf_(5, 6);
