// SPDX-License-Identifier: GPL-3.0-or-later
/* Between why.c and why_policy.c. */
#pragma once

#include "daemon.h"

/* Fills in view and rules of `why`, whose facts are there already. `client` may be NULL: one of whom nothing is known. */
void why_policy(const struct generation *g, const struct addr *client, struct arena *arena, struct operate_why *why);
