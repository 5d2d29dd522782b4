// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of this room share. */
#pragma once

#include "config/schema.h"
#include "edition.h"

extern const struct config_option edition_options[];
extern const size_t edition_options_count;
extern const struct config_section edition_sections[];
extern const size_t edition_sections_count;

/* The row `key` of `prefix`, or NULL. */
const struct config_option *edition_option_find(const char *prefix, const char *key);
