// SPDX-License-Identifier: GPL-3.0-or-later
/* What the resolvers of all workers prove answers with: trust anchors, and where no proof is wanted. */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>

static int anchors_read(const struct config *config, struct dnssec_anchors *ret, char why[REFUSAL_TEXT_MAX])
{
	if (config->root.anchors.count == 0)
		return dnssec_anchors_builtin(ret);
	for (size_t i = 0; i < config->root.anchors.count; i++) {
		struct zone_error error;
		int rc = zone_anchors_read(config->root.anchors.item[i], ret, &error);
		if (rc < 0) {
			snprintf(why, REFUSAL_TEXT_MAX, "trust anchors: %.511s", error.text);
			return rc;
		}
	}
	return 0;
}

static int negatives_read(const struct config *config, struct validation_anchors *ret)
{
	size_t n = config->resolver.n_negative_anchors;
	ret->negative = calloc(n + 1, sizeof(*ret->negative));
	ret->negative_name = calloc(n + 1, sizeof(*ret->negative_name));
	if (ret->negative == NULL || ret->negative_name == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < n; i++) {
		const struct config_negative_anchor *from = &config->resolver.negative_anchors[i];
		int rc = wire_name_parse(from->name, ret->negative_name[i]);
		if (rc < 0)
			return rc;
		ret->negative[i].name = ret->negative_name[i];
		ret->negative[i].until_s = from->until_s;
		if (from->until_s <= clock_wall_s())
			log_warning(STATION, "the negative trust anchor for %s is over: it is validated", from->name);
		else
			log_notice(STATION, "answers below %s are not validated for now: a negative trust anchor",
				   from->name);
	}
	ret->n_negatives = n;
	return 0;
}

int validation_anchors_load(const struct config *config, struct validation_anchors *ret, char why[REFUSAL_TEXT_MAX])
{
	*ret = (struct validation_anchors){0};
	snprintf(why, REFUSAL_TEXT_MAX, "cannot load the trust anchors");
	int rc = anchors_read(config, &ret->anchors, why);
	if (rc == 0)
		rc = negatives_read(config, ret);
	if (rc < 0)
		validation_anchors_done(ret);
	return rc;
}

/* ---- tables of busy keys ---- */

static void tables_make(void *ctx)
{
	dnssec_tables_make();
}

/* On a worker, which must not be busy for so long. */
static void tables_wanted(void *ctx)
{
	if (keeper_post(ctx, tables_make, NULL) < 0)
		log_warning(STATION, "no memory to speed up a busy key");
}

void validation_tables_setup(struct keeper *keeper)
{
	dnssec_tables_setup(tables_wanted, keeper);
}

void validation_anchors_done(struct validation_anchors *anchors)
{
	dnssec_anchors_done(&anchors->anchors);
	free(anchors->negative);
	free(anchors->negative_name);
	*anchors = (struct validation_anchors){0};
}

void validation_settings(const struct config *config, const struct validation_anchors *anchors,
			 struct resolve_settings *settings)
{
	settings->validate = config->resolver.validate;
	settings->refuse_sha1 = config->resolver.refuse_sha1;
	settings->nsec3_iterations_max = config->resolver.nsec3_iterations_max;
	settings->signatures_max = config->resolver.signatures_max;
	settings->hashes_max = config->resolver.hashes_max;
	settings->anchors = &anchors->anchors;
	settings->n_negative_anchors = anchors->n_negatives;
	settings->negative_anchor = anchors->negative;
}
