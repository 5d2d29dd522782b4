// SPDX-License-Identifier: GPL-3.0-or-later
/* From a file to the fields of a struct, along the table of its options: the same way for every kind of file. */
#pragma once

#include "value.h"

/* The reader's folder, out of the file's name: relative paths start there. */
int walk_folder(struct config_reader *r) _must_use_;
/* All of a file, in base_free()'s memory. An error is told in ret_error. */
int walk_file(const char *path, uint8_t **ret, size_t *ret_len, struct config_error *ret_error) _must_use_;
/* The tree of a text. */
int walk_text(const struct config_reader *r, const char *text, size_t len, struct tree_node **ret) _must_use_;
/* The values of a tree, and defaults for what is not in it, into the struct at `base`. */
int walk_read(const struct config_reader *r, const struct tree_node *root, void *base) _must_use_;
