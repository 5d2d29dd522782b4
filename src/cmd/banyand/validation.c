// SPDX-License-Identifier: GPL-3.0-or-later
/* What the resolvers of all workers prove answers with. */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>

/* ---- tables of busy keys ---- */

static void tables_make(void *ctx)
{
	struct keeper *keeper = ctx;
	counter_add(&keeper->counters, COUNTER_KEY_TABLES, dnssec_tables_make());
}

/* On a worker, which must not be busy for so long. */
static void tables_wanted(void *ctx)
{
	if (keeper_post(ctx, tables_make, ctx) < 0)
		log_warning(STATION, "no memory to speed up a busy key");
}

void validation_tables_setup(struct keeper *keeper)
{
	dnssec_tables_setup(tables_wanted, keeper);
}

void validation_settings(const struct config *config, struct resolve_anchors *shared, struct resolve_settings *settings)
{
	settings->validate = config->resolver.validate;
	settings->shared_anchors = shared;
}
