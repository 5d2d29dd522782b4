// SPDX-License-Identifier: GPL-3.0-or-later
/* Which zones a configuration wants copies of, how, and where they are kept. */
#include "copies.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

/* The folder of the service manager (systemd.exec(5): several are separated by colons). */
static bool state_folder(char out[PATH_MAX])
{
	const char *folder = getenv("STATE_DIRECTORY");
	if (folder == NULL || folder[0] != '/')
		return false;
	snprintf(out, PATH_MAX, "%.*s", (int)strcspn(folder, ":"), folder);
	return true;
}

bool copies_store_path(const struct config *config, const struct copy_plan *plan, char out[PATH_MAX])
{
	char folder[PATH_MAX], name[WIRE_NAME_TEXT_MAX];
	if (plan->copy->store[0] != 0)
		return snprintf(out, PATH_MAX, "%s", plan->copy->store) < PATH_MAX;
	if (!state_folder(folder))
		return false;
	snprintf(name, sizeof name, "%s%s", plan->is_root ? "root" : "zone.", plan->is_root ? "" : plan->zone);
	for (char *c = name; *c != 0; c++)
		if (*c == '/')
			*c = '%';
	int len = snprintf(out, PATH_MAX, "%s/copies", folder);
	if (len < PATH_MAX)
		(void)!mkdir(out, 0750); /* keep_open() says it if this did not go well */
	return snprintf(out, PATH_MAX, "%s/copies/%s", folder, name) < PATH_MAX;
}

static bool is_auto(const struct config_list *sources)
{
	return sources->count == 1 && strcasecmp(sources->item[0], "auto") == 0;
}

/* The root that is served here, if it comes from sources and is proved as the resolver's must be: then that copy is the resolver's, too, and
 * nothing is fetched, proved and kept twice. */
static const struct config_zone *zone_of_root(const struct config *config)
{
	for (size_t i = 0; i < config->n_zones; i++) {
		const struct config_zone *zone = &config->zones[i];
		if (strcmp(zone->name, ".") == 0 && zone->copy.sources.count > 0 && zone->anchors.count == 0 &&
		    zone->dates && (zone->prove == CONFIG_PROVE_AUTO || zone->prove == CONFIG_PROVE_FULL))
			return zone;
	}
	return NULL;
}

/* Who has a file for the root is not made to fetch any. */
static bool root_by_itself(const struct config *config)
{
	return config->resolver.enabled && is_auto(&config->root.copy.sources) &&
	       (config->root.file[0] == 0 || access(config->root.file, F_OK) < 0);
}

/* What is built in has no edition. */
static bool is_builtin_fit(const struct config *config)
{
	return config->root.edition[0] == 0;
}

static bool is_shared(const struct config *config)
{
	return root_by_itself(config) && zone_of_root(config) != NULL;
}

/* Nor who has nowhere to keep copies. */
bool copies_root_wanted(const struct config *config)
{
	char folder[PATH_MAX];
	if (!config->resolver.enabled || config->root.copy.sources.count == 0)
		return false;
	if (!is_auto(&config->root.copy.sources) || is_shared(config))
		return true;
	return root_by_itself(config) && is_builtin_fit(config) &&
	       (config->root.copy.store[0] != 0 || state_folder(folder));
}

bool copies_plan(const struct config *config, size_t i, struct copy_plan *ret)
{
	if (copies_root_wanted(config) && !is_shared(config) && i-- == 0) {
		*ret = (struct copy_plan){.zone = ".", .is_root = true, .copy = &config->root.copy};
		return true;
	}
	for (size_t k = 0; k < config->n_zones; k++) {
		const struct config_zone *zone = &config->zones[k];
		if (zone->copy.sources.count == 0 || i-- != 0)
			continue;
		*ret = (struct copy_plan){.zone = zone->name, .copy = &zone->copy, .from = zone};
		return true;
	}
	return false;
}

bool copies_any(const struct config *config)
{
	struct copy_plan plan;
	return copies_plan(config, 0, &plan);
}

static int anchors_own(struct copy *copy, const struct copy_plan *plan, char why[REFUSAL_TEXT_MAX])
{
	dnssec_anchors_done(&copy->anchors);
	memset(&copy->anchors, 0, sizeof copy->anchors);
	copy->own_anchors = plan->from != NULL && plan->from->anchors.count > 0;
	for (size_t i = 0; copy->own_anchors && i < plan->from->anchors.count; i++) {
		struct zone_error error;
		int rc = zone_anchors_read(plan->from->anchors.item[i], &copy->anchors, &error);
		if (rc < 0) {
			snprintf(why, REFUSAL_TEXT_MAX, "zone %.300s: trust anchors: %.511s", plan->zone, error.text);
			return rc;
		}
	}
	return 0;
}

static enum config_prove prove_of(const struct copy *copy, const struct copy_plan *plan)
{
	if (plan->is_root)
		return CONFIG_PROVE_FULL;
	if (plan->from->prove != CONFIG_PROVE_AUTO)
		return plan->from->prove;
	return copy->apex[0] == 0 || copy->own_anchors ? CONFIG_PROVE_FULL : CONFIG_PROVE_STRUCTURE;
}

int copy_configure(struct copy *copy, const struct config *config, const struct copy_plan *plan,
		   char why[REFUSAL_TEXT_MAX])
{
	static char builtin_word[] = "builtin", *builtin_item[] = {builtin_word};
	static const struct config_list builtin = {1, builtin_item};
	int rc = anchors_own(copy, plan, why);
	if (rc < 0)
		return rc;
	copy->generations = plan->copy->generations;
	copy->size_max = plan->copy->size_max;
	copy->keep_unchanged = plan->copy->keep_unchanged;
	copy->keep_margin_s = plan->copy->keep_margin_s;
	copy->for_resolver = plan->is_root || (is_shared(config) && plan->from == zone_of_root(config));
	copy->dates = plan->is_root || plan->from->dates;
	/* what is served here as the root ends questions of the resolver's clients, too */
	bool is_root =
		copy->for_resolver || (copy->apex[0] == 0 && config->resolver.enabled && config->root.edition[0] != 0);
	copy->any_edition = !is_root;
	snprintf(copy->edition, sizeof copy->edition, "%s", copy->any_edition ? "" : config->root.edition);
	copy->publish = (copy->for_resolver && config->root.publish) || (!plan->is_root && plan->from->publish);
	copy->gives = plan->is_root ? config->root.transfer.count > 0 : transfers_wanted(config, plan->from);
	transfers_journal_of(config, &copy->journal);
	copy->prove = prove_of(copy, plan);
	copy->require_zonemd =
		(copy->for_resolver && config->root.require_zonemd) || (!plan->is_root && plan->from->require_zonemd);
	return copy_sources_set(copy, config, is_auto(&plan->copy->sources) ? &builtin : &plan->copy->sources, why);
}

void copy_settings(const struct copy *copy, const struct copy_plan *plan, struct pull_copy_settings *ret)
{
	struct random random;
	random_init_kernel(&random);
	*ret = (struct pull_copy_settings){
		.seed = random_u64(&random),
		.refresh_min_s = plan->copy->refresh_min_s,
		.refresh_max_s = plan->copy->refresh_max_s,
		.retry_min_s = plan->copy->refresh_min_s > 1 ? plan->copy->refresh_min_s / 2 : 1,
		.check_count = plan->copy->check_count,
		.fetches_hour_max = plan->copy->downloads,
		.prove_max_ms = COPY_PROVE_MS * 2, /* the attendant gives up before */
		.patient = copy->apex[0] == 0,
		.no_dates = !plan->is_root && !plan->from->dates,
	};
}
