// SPDX-License-Identifier: GPL-3.0-or-later
/* What subcommands write: JSON to standard output, line by line; and whole files, which may be standard output. */
#pragma once

#include "base/base.h"

bool print_to_stdout(const char *path); /* is it "-"? */
/* To a file by rename; to standard output, whatever that is: a pipe cannot be flushed as a disk can. */
int print_whole(const char *path, const struct buffer *data) _must_use_;

/* A string in quotes. What is no ASCII goes out as the code point of each byte: names and paths have any bytes. */
void print_json_text(const char *text);
/* "key": "value", or null for NULL. */
void print_json_member(const char *key, const char *value);
/* The same, or null for an empty text, too. */
void print_json_optional(const char *key, const char *value);
