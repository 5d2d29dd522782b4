// SPDX-License-Identifier: GPL-3.0-or-later
/* Zone files that a subcommand is given to sign, to publish or to compare. */
#pragma once

#include "zone/zone.h"

/* Reads a zone in any form and says on standard error, as `command`, what is wrong with it. One without SOA at `origin` is refused, with
 * --origin: it is another zone than was meant, and its serial would be 0. Records outside are counted and told. */
int load_zone(const char *command, const uint8_t *origin, const char *path, struct zone **ret) _must_use_;
