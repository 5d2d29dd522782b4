// SPDX-License-Identifier: GPL-3.0-or-later
/* What the resolvers of all workers prove answers with: trust anchors, and where no proof is wanted. */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>

int negative_anchors_read(const struct config *config, struct negative_anchors *ret)
{
	size_t n = config->resolver.n_negative_anchors;
	*ret = (struct negative_anchors){0};
	ret->item = calloc(n + 1, sizeof(*ret->item));
	ret->name = calloc(n + 1, sizeof(*ret->name));
	if (ret->item == NULL || ret->name == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct config_negative_anchor *from = &config->resolver.negative_anchors[i];
		int rc = wire_name_parse(from->name, ret->name[i]);
		if (rc < 0)
			return rc;
		ret->item[i].name = ret->name[i];
		ret->item[i].until_s = from->until_s;
		if (from->until_s <= clock_wall_s())
			log_warning(STATION, "the negative trust anchor for %s is over: it is validated", from->name);
		else
			log_notice(STATION, "answers below %s are not validated for now: a negative trust anchor",
				   from->name);
	}
	ret->n = n;
	return 0;
}

void negative_anchors_done(struct negative_anchors *anchors)
{
	free(anchors->item);
	free(anchors->name);
	*anchors = (struct negative_anchors){0};
}

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

void validation_settings(const struct config *config, const struct negative_anchors *negative,
			 struct resolve_anchors *shared, struct resolve_settings *settings)
{
	settings->validate = config->resolver.validate;
	settings->refuse_sha1 = config->resolver.refuse_sha1 != CONFIG_SHA1_OFF;
	settings->refuse_sha1_digest = config->resolver.refuse_sha1 == CONFIG_SHA1_ALL;
	settings->nsec3_iterations_max = config->resolver.nsec3_iterations_max;
	settings->signatures_max = config->resolver.signatures_max;
	settings->hashes_max = config->resolver.hashes_max;
	settings->shared_anchors = shared;
	settings->key_tag_signal = config->resolver.key_tag_signal;
	settings->sentinel = config->resolver.sentinel;
	settings->n_negative_anchors = negative->n;
	settings->negative_anchor = negative->item;
}
