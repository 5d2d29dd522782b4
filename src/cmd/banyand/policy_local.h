// SPDX-License-Identifier: GPL-3.0-or-later
/* Tables of local zones and data; between policy.c and policy_local.c. */
#pragma once

#include "daemon.h"

/* `from` may be NULL; `defaults`: begin with the default zones, without those that belong to forward and stub zones; NULL =
 * without all. *ret is NULL when there is nothing in it. `where` is the place in the configuration, for messages. */
int policy_table_make(const struct config *config, const char *where, const struct config_local *from,
		      const struct forward_list *defaults, struct policy_table **ret, char why[REFUSAL_TEXT_MAX])
	_must_use_;
void policy_table_release(struct policy_table *table); /* NULL is fine */
