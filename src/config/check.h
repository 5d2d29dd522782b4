// SPDX-License-Identifier: GPL-3.0-or-later
/* Checks that look at more than one option. */
#pragma once

#include "value.h"

int check_whole(const struct config_reader *r, const struct tree_node *root, const struct config *config) _must_use_;
/* peers.c */
int check_peers(const struct config_reader *r, const struct tree_node *root, const struct config *config) _must_use_;
/* check_policy.c */
int check_policy(const struct config_reader *r, const struct tree_node *root, const struct config *config) _must_use_;
/* check_transfer.c */
int check_transfers(const struct config_reader *r, const struct tree_node *root, const struct config *config)
	_must_use_;
/* The value at section.key in the tree, or the item `index` of its list; the nearest place above when it is not there. */
const struct tree_node *check_place(const struct tree_node *root, const char *section, const char *key, size_t index);
