// SPDX-License-Identifier: GPL-3.0-or-later
/* lab_make(): the world is thought up, settled, given keys, written and signed. */
#include "world.h"

#include <stdlib.h>

void lab_settings_default(struct lab_settings *settings, const char *dir)
{
	*settings = (struct lab_settings){
		.dir = dir,
		.seed = 1,
		.at = clock_wall_s(),
		.tlds = LAB_TLDS_DEFAULT,
		.sites = LAB_SITES_DEFAULT,
		.parked_signed = LAB_PARKED_SIGNED_DEFAULT,
		.port = LAB_PORT_DEFAULT,
		.port6 = LAB_PORT6_DEFAULT,
		.resolver = {.family = 4, .port = LAB_RESOLVER_PORT, .ip = {127, 0, 0, 1}},
		.suffix_list = LAB_SUFFIX_LIST,
		.signer = "ldns-signzone",
	};
}

static int make_key(void *ctx, size_t i)
{
	const struct lab_world *world = ctx;
	return lab_keys_make(world, world->zones.item[i]);
}

static void summarise(const struct lab_world *world, struct lab_summary *ret)
{
	*ret = (struct lab_summary){.tlds = world->n_tlds,
				    .served_tlds = world->n_served,
				    .sites = world->n_sites,
				    .zones = world->zones.count,
				    .hosts = world->hosts.count,
				    .operators = LAB_OP_COUNT,
				    .expectations = world->n_expected};
	for (size_t i = 0; i < world->zones.count; i++)
		ret->signed_zones += ((const struct lab_zone *)world->zones.item[i])->security.algorithm != 0;
}

static int make_world(struct lab_world *world)
{
	int rc = lab_tlds_make(world);
	if (rc < 0)
		return rc;
	lab_stories_make(world);
	lab_sites_make(world);
	lab_world_settle(world);
	return lab_write_dirs(world);
}

int lab_make(const struct lab_settings *settings, struct lab_summary *ret)
{
	if (settings->sites > LAB_SITES_MAX) {
		log_error("lab", "%u sites are more than the %d that there are names for", settings->sites,
			  LAB_SITES_MAX);
		return BANYAN_ELIMIT;
	}
	int64_t start_ms = clock_mono_ms();
	struct lab_world world;
	lab_world_init(&world, settings);
	int rc = make_world(&world);
	if (rc == 0)
		rc = parallel_for(0, world.zones.count, 1, make_key, &world);
	if (rc == 0)
		rc = lab_write(&world);
	if (rc == 0)
		rc = lab_sign(&world);
	if (rc == 0) {
		summarise(&world, ret);
		ret->made_ms = clock_mono_ms() - start_ms;
	}
	lab_world_done(&world);
	return rc;
}
