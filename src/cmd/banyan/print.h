// SPDX-License-Identifier: GPL-3.0-or-later
/* JSON to standard output, as the subcommands write it line by line. */
#pragma once

/* A string in quotes. What is no ASCII goes out as the code point of each byte: names and paths have any bytes. */
void print_json_text(const char *text);
/* "key": "value", or null for NULL. */
void print_json_member(const char *key, const char *value);
/* The same, or null for an empty text, too. */
void print_json_optional(const char *key, const char *value);
