// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan plan: servers and signers out of files: zones, hints, descriptions of editions. */
#include <stdio.h>
#include <string.h>

#include "config/edition/edition.h"
#include "planner.h"

int planner_zone_read(const char *path, struct zone **ret)
{
	static const uint8_t root[] = {0};
	struct zone_read_settings settings = {.origin = root};
	struct zone_error error;
	int rc = zone_read_file(path, &settings, NULL, NULL, ret, &error);
	if (rc != 0)
		fprintf(stderr, "banyan plan: %s\n", error.text);
	return rc;
}

static int complain(const char *path, int rc)
{
	fprintf(stderr, "banyan plan: %s: %s\n", path,
		rc == BANYAN_ENOENT ? "there are no NS records of the root" : error_text(rc));
	return rc;
}

int planner_from_zone(const char *path, struct planner_found *ret)
{
	struct zone *zone;
	int rc = planner_zone_read(path, &zone);
	if (rc != 0)
		return rc;
	rc = plan_set_from_zone(zone, &ret->set);
	ret->n_signers = plan_signers_of_zone(zone, ret->signer);
	zone_free(zone);
	return rc == 0 ? 0 : complain(path, rc);
}

static int take_servers(const char *path, const struct config_edition *edition, struct plan_set *ret)
{
	int rc = 0;
	for (size_t i = 0; i < edition->apex.n_servers && rc == 0; i++) {
		const struct config_edition_server *server = &edition->apex.server[i];
		rc = plan_set_add(ret, server->name, server->addresses.item, server->addresses.count);
		if (rc == BANYAN_EEXIST)
			fprintf(stderr, "banyan plan: %s: server %s, or one of its addresses, is listed twice\n", path,
				server->name);
	}
	return rc;
}

/* Who signs the NS set: the ZSK, or the one key that there is; each foreign key signs its own copy of the zone. */
static int take_signer(const struct config_edition *edition, struct planner_found *ret)
{
	char text[32];
	uint32_t bits = edition->keys.split ? edition->keys.zsk_bits : edition->keys.ksk_bits;
	bool rsa = edition->keys.algorithm == 8 || edition->keys.algorithm == 10;
	snprintf(text, sizeof text, rsa ? "%u/%u" : "%u", edition->keys.algorithm, bits);
	int rc = plan_signer_parse(text, &ret->signer[0]);
	ret->n_signers = rc == 0;
	return rc;
}

int planner_from_edition(const char *path, struct planner_found *ret)
{
	struct config_edition *edition;
	struct config_error error;
	if (config_edition_read_file(path, &edition, &error) < 0) {
		fprintf(stderr, "banyan plan: %s\n", error.text);
		return BANYAN_ECONFIG;
	}
	int rc = 0;
	if (strcmp(edition->edition.zone, ".") != 0)
		rc = BANYAN_EUNSUPP;
	else if (edition->apex.n_servers == 0)
		rc = BANYAN_ENOENT;
	if (rc == 0)
		rc = take_servers(path, edition, &ret->set);
	if (rc == 0)
		rc = take_signer(edition, ret);
	if (rc == BANYAN_EUNSUPP)
		fprintf(stderr, "banyan plan: %s: this edition is of %s, and only the root is asked for its servers\n",
			path, edition->edition.zone);
	else if (rc == BANYAN_ENOENT)
		fprintf(stderr,
			"banyan plan: %s: the edition has the servers of its source; take --from and the source\n",
			path);
	else if (rc != 0 && rc != BANYAN_EEXIST)
		complain(path, rc);
	config_edition_free(edition);
	return rc;
}
