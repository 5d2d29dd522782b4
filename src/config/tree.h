// SPDX-License-Identifier: GPL-3.0-or-later
/* YAML text -> a small tree that remembers where each thing stood. Knows nothing of options. */
#pragma once

#include "base/base.h"

#define CONFIG_FILE_MAX  (1024 * 1024) /* bytes: some ten thousand zones; what is larger is not a configuration */
#define CONFIG_DEPTH_MAX 8             /* lists and mappings inside each other; the schema needs four */
#define CONFIG_NODES_MAX 262144        /* scalars, lists and mappings: bounds memory at some 20 MiB */

enum tree_kind { TREE_NULL, TREE_PLAIN, TREE_QUOTED, TREE_LIST, TREE_MAP };

/* A value; the items of a list and the keys of a mapping are chained by `next`. */
struct tree_node {
	enum tree_kind kind;
	unsigned line, column; /* from 1 */
	const char *text;      /* PLAIN, QUOTED (NUL-terminated, no NUL inside); "" for others */
	size_t count;          /* items or keys */
	struct tree_node *child, *last;
	struct tree_node *next;
	struct tree_node *value; /* of a key */
};

/* Why it is no tree. */
struct tree_error {
	unsigned line, column;
	char text[256];
};

/* The root of the document, which may be TREE_NULL (empty text). All memory is the arena's. */
int tree_read(struct arena *arena, const char *text, size_t len, struct tree_node **ret, struct tree_error *ret_error)
	_must_use_;
