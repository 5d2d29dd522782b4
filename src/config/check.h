// SPDX-License-Identifier: GPL-3.0-or-later
/* Checks that look at more than one option. */
#pragma once

#include "value.h"

int check_whole(const struct config_reader *r, const struct tree_node *root, const struct config *config) _must_use_;
