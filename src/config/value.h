// SPDX-License-Identifier: GPL-3.0-or-later
/* Values of options: tree node -> field of struct config, one function a type. */
#pragma once

#include "schema.h"
#include "tree.h"

/* One reading of one file. */
struct config_reader {
	const struct config_table *table;
	const char *name;   /* of the file, for messages */
	const char *folder; /* "" or ends with a slash; relative paths start there */
	struct arena *arena;
	struct config_error *error;
};

/* Writes "name:line:column: text" as the error and returns BANYAN_ECONFIG. `node` may be NULL. */
int value_fail(const struct config_reader *r, const struct tree_node *node, const char *format, ...) _printf_(3, 4);
/* The usual one: "KEY: found X; allowed is Y"; `why` (may be NULL) goes behind X in brackets. */
int value_refuse(const struct config_reader *r, const struct tree_node *node, const char *path, const char *why,
		 const char *allowed);
/* What stands there, in words: 'text', "text" in quotes, a list, a mapping, nothing. Returns out. */
#define VALUE_FOUND_MAX 80
const char *value_found(const struct tree_node *node, char out[VALUE_FOUND_MAX]);

/* Reads the value of any option but CONFIG_MAPS into the struct at `base`. `path` names the option in messages. */
int value_read(const struct config_reader *r, const struct config_option *option, const char *path,
	       const struct tree_node *node, void *base) _must_use_;
/* The option's default into the struct at `base`. */
int value_default(const struct config_reader *r, const struct config_option *option, void *base) _must_use_;
/* Do both structs have the same value there? */
bool value_equal(const struct config_option *option, const void *base_a, const void *base_b);
