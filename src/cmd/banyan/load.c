// SPDX-License-Identifier: GPL-3.0-or-later
/* Reading a zone file that a subcommand is given. */
#include "load.h"

#include <stdio.h>

/* The zone that it may be, as far as its SOA tells; else NULL. */
static const uint8_t *soa_elsewhere(const struct zone *zone)
{
	for (size_t i = 0; i < zone->n_sets; i++)
		if (zone->set[i].type == WIRE_TYPE_SOA)
			return zone->set[i].owner;
	for (size_t i = 0; i < zone->n_remarks; i++)
		if (zone->remark[i].reason == REASON_OUT_OF_ZONE && zone->remark[i].type == WIRE_TYPE_SOA)
			return zone->remark[i].owner;
	return NULL;
}

static bool has_soa(const struct zone *zone)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	return apex != NULL && zone_node_set(zone, apex, WIRE_TYPE_SOA) != NULL;
}

static void tell_no_soa(const char *command, const char *path, const struct zone *zone)
{
	char name[WIRE_NAME_TEXT_MAX], other[WIRE_NAME_TEXT_MAX];
	const uint8_t *elsewhere = soa_elsewhere(zone);
	fprintf(stderr, "banyan %s: %s: there is no SOA at %s", command, path, wire_name_text(zone->apex, name));
	if (elsewhere != NULL)
		fprintf(stderr, ", but one at %s: is this zone meant? Then give --origin %s\n",
			wire_name_text(elsewhere, other), other);
	else
		fprintf(stderr, ", so this is not that zone; --origin says which zone it is (default: the root)\n");
	if (zone->n_out_of_zone > 0)
		fprintf(stderr, "banyan %s: %s: %zu records are outside of %s\n", command, path, zone->n_out_of_zone,
			name);
}

int load_zone(const char *command, const uint8_t *origin, const char *path, struct zone **ret)
{
	struct zone_read_settings settings = {.origin = origin};
	struct zone_error error;
	struct zone *zone = NULL;
	int rc = zone_read_file(path, &settings, NULL, NULL, &zone, &error);
	if (rc != 0) {
		fprintf(stderr, "banyan %s: %s\n", command, error.text);
		return rc;
	}
	if (!has_soa(zone)) {
		tell_no_soa(command, path, zone);
		zone_free(zone);
		return BANYAN_EINVAL;
	}
	if (zone->n_out_of_zone > 0)
		fprintf(stderr, "banyan %s: %s: %zu records outside of the zone are left out\n", command, path,
			zone->n_out_of_zone);
	*ret = zone;
	return 0;
}
