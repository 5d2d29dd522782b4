// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of this room share. */
#pragma once

#include "config/schema.h"
#include "edition.h"

extern const struct config_table edition_table;
