// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The lab's root and TLDs, in the shape of the real root zone of July 2026: most TLDs have four or six servers, two
 * thirds of them inside themselves, a quarter only elsewhere; every server name has glue, nearly all of it for both
 * families; 94 % have a DS. A few dozen TLDs are served in earnest, the others are parked: one operator answers a
 * small zone for each.
 */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum style { OWN, OPERATOR, BOTH }; /* where the names of a TLD's servers are */

#define UNSIGNED                                                                                                       \
	{                                                                                                              \
		0                                                                                                      \
	}
#define SIGNED(algorithm_, denial_, split_)                                                                            \
	{                                                                                                              \
		.algorithm = (algorithm_), .denial = (denial_), .split = (split_)                                      \
	}

static const struct served {
	const char *name;
	enum lab_operator_id operator_id;
	enum style style;
	unsigned n_ns;
	struct lab_security security;
	unsigned weight; /* how many in a round of sites live here */
} served[] = {
	{"com", LAB_OP_GTLD, OPERATOR, 6, SIGNED(13, LAB_OPT_OUT, true), 12},
	{"net", LAB_OP_GTLD, OPERATOR, 6, SIGNED(13, LAB_OPT_OUT, true), 5},
	{"edu", LAB_OP_GTLD, OPERATOR, 6, SIGNED(8, LAB_NSEC, false), 2},
	{"org", LAB_OP_REGISTRY, BOTH, 6, SIGNED(8, LAB_OPT_OUT, false), 5},
	{"info", LAB_OP_REGISTRY, BOTH, 6, SIGNED(8, LAB_NSEC3, false), 2},
	{"io", LAB_OP_REGISTRY, OPERATOR, 4, SIGNED(15, LAB_NSEC, true), 2},
	{"news", LAB_OP_REGISTRY, OPERATOR, 4, SIGNED(13, LAB_NSEC3, false), 2},
	{"shop", LAB_OP_REGISTRY, OWN, 4, SIGNED(13, LAB_OPT_OUT, false), 2},
	{"museum", LAB_OP_REGISTRY, OWN, 4, SIGNED(15, LAB_NSEC3, false), 1},
	{"cafe", LAB_OP_REGISTRY, OPERATOR, 6, SIGNED(13, LAB_NSEC, true), 1},
	{"blog", LAB_OP_REGISTRY, OWN, 4, SIGNED(15, LAB_OPT_OUT, true), 1},
	{"cloud", LAB_OP_REGISTRY, OWN, 4, SIGNED(13, LAB_NSEC3, true), 1},
	{"dev", LAB_OP_REGISTRY, OPERATOR, 4, SIGNED(13, LAB_NSEC3, false), 1},
	{"de", LAB_OP_WEST, OWN, 4, SIGNED(8, LAB_OPT_OUT, false), 5},
	{"nl", LAB_OP_WEST, BOTH, 4, SIGNED(13, LAB_OPT_OUT, true), 3},
	{"se", LAB_OP_WEST, OWN, 4, SIGNED(8, LAB_NSEC, false), 2},
	{"dk", LAB_OP_WEST, OPERATOR, 4, SIGNED(13, LAB_NSEC3, false), 1},
	{"ch", LAB_OP_WEST, OWN, 4, SIGNED(13, LAB_NSEC, true), 2},
	{"fr", LAB_OP_WEST, OWN, 4, SIGNED(13, LAB_OPT_OUT, false), 3},
	{"it", LAB_OP_WEST, OWN, 4, SIGNED(15, LAB_NSEC3, false), 1},
	{"cz", LAB_OP_WEST, OWN, 4, SIGNED(13, LAB_NSEC3, true), 2},
	{"pl", LAB_OP_WEST, OPERATOR, 4, SIGNED(13, LAB_NSEC3, false), 1},
	{"xn--vermgensberatung-pwb", LAB_OP_WEST, OPERATOR, 4, SIGNED(13, LAB_NSEC, false), 1},
	{"uk", LAB_OP_WORLD, OWN, 5, SIGNED(13, LAB_OPT_OUT, true), 1},
	{"jp", LAB_OP_WORLD, OWN, 5, SIGNED(8, LAB_NSEC3, false), 2},
	{"br", LAB_OP_WORLD, OWN, 5, SIGNED(13, LAB_NSEC, true), 1},
	{"nz", LAB_OP_WORLD, OWN, 4, SIGNED(13, LAB_NSEC3, false), 1},
	{"za", LAB_OP_WORLD, OPERATOR, 4, SIGNED(13, LAB_NSEC, false), 1},
	{"in", LAB_OP_WORLD, OPERATOR, 4, SIGNED(13, LAB_NSEC3, false), 1},
	{"xn--p1ai", LAB_OP_WORLD, OPERATOR, 4, SIGNED(8, LAB_NSEC3, false), 1},
	{"xn--q9jyb4c", LAB_OP_WORLD, OWN, 4, SIGNED(15, LAB_NSEC, false), 1},
	{"aq", LAB_OP_WORLD, OPERATOR, 3, UNSIGNED, 1},
	{"gs", LAB_OP_WORLD, OWN, 2, UNSIGNED, 1},
	{"pn", LAB_OP_WORLD, OPERATOR, 3, UNSIGNED, 1},
	{"xn--mgba3a4f16a", LAB_OP_WORLD, OPERATOR, 3, UNSIGNED, 1},
	{"arpa", LAB_OP_NUMBERS, OWN, 4, SIGNED(8, LAB_NSEC, false), 0},
	/* public suffixes of two labels: a cut between the TLD and the site */
	{"co.uk", LAB_OP_WORLD, OPERATOR, 4, SIGNED(13, LAB_NSEC3, false), 4},
	{"com.br", LAB_OP_WORLD, OPERATOR, 4, SIGNED(13, LAB_OPT_OUT, false), 2},
	/* numbers */
	{"in-addr.arpa", LAB_OP_NUMBERS, OWN, 4, SIGNED(13, LAB_NSEC, true), 0},
	{"ip6.arpa", LAB_OP_NUMBERS, OWN, 4, SIGNED(13, LAB_NSEC, true), 0},
	{"18.198.in-addr.arpa", LAB_OP_OAK, OPERATOR, 3, SIGNED(13, LAB_NSEC, false), 0},
	{"5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa", LAB_OP_OAK, OPERATOR, 3, UNSIGNED, 0},
};

/* Domains in which parked TLDs that have no servers of their own find theirs; a provider uses two of them. */
static const char *const provider_domains[] = {
	"tldpark.net.", "tldpark.org.", "tldpark.info.", "registryport.com.", "registryport.net.", "zonedepot.io.",
};
#define PROVIDER_SERVERS 6
#define PROVIDER_GROUPS  9 /* sets of server names of one provider: 54 in all, for about 450 TLDs */

const char *lab_tlds_suffix(size_t n)
{
	for (size_t i = 0; i < ARRAY_SIZE(served); i++) {
		if (n < served[i].weight)
			return served[i].name;
		n -= served[i].weight;
	}
	return NULL;
}

static void served_make(struct lab_world *world, const struct served *spec)
{
	struct lab_zone *zone =
		lab_zone_add(world, lab_text(world, "%s.", spec->name), spec->operator_id, spec->security);
	unsigned own = spec->style == OWN ? spec->n_ns : spec->style == BOTH ? spec->n_ns / 2 : 0;
	unsigned from = random_below(&world->random, 4);
	lab_zone_ns_own(world, zone, spec->operator_id, from, own, "@.nic");
	lab_zone_ns_operator(world, zone, spec->operator_id, from + own, spec->n_ns - own);
	lab_record(zone, zone->name, LAB_TTL_HOUR, "TXT \"the lab's zone %s\"", zone->name);
	lab_expect(world, "tld", zone->name, "TXT", "NOERROR", "\"the lab's zone %s\"", zone->name);
}

/* How many servers a TLD has, per mille, as counted in the root of 2026-07-31. */
static unsigned parked_ns_count(struct random *random)
{
	static const struct {
		unsigned below, count;
	} shares[] = {{10, 2}, {65, 3}, {412, 4}, {488, 5}, {888, 6}, {906, 7}, {989, 8}, {994, 9}, {1000, 10}};
	unsigned roll = random_below(random, 1000), i = 0;
	while (roll >= shares[i].below)
		i++;
	return shares[i].count;
}

static void parked_ns_own(struct lab_world *world, struct lab_zone *zone, unsigned count)
{
	static const char *const patterns[] = {"@.nic", "ns#.nic", "ns#", "@.ns.nic", "@.dns.nic"};
	unsigned from = random_below(&world->random, LAB_SERVERS_MAX);
	const char *pattern = patterns[random_below(&world->random, ARRAY_SIZE(patterns))];
	size_t before = zone->n_ns;
	lab_zone_ns_own(world, zone, LAB_OP_PARKING, from, count, pattern);
	for (size_t i = before; i < zone->n_ns; i++)
		if (random_below(&world->random, 20) == 0)
			zone->ns[i]->families = LAB_V4;
}

static void parked_ns_provider(struct lab_world *world, struct lab_zone *zone, unsigned count)
{
	unsigned provider = random_below(&world->random, ARRAY_SIZE(provider_domains));
	unsigned group = random_below(&world->random, PROVIDER_GROUPS);
	for (unsigned i = 0; i < count && i < PROVIDER_SERVERS; i++) {
		const char *domain = provider_domains[(provider + i % 2) % ARRAY_SIZE(provider_domains)];
		const char *name = lab_text(world, "%c%u.%s", 'a' + i, group, domain);
		lab_zone_ns(zone, lab_host_add(world, name, LAB_OP_PARKING, 2 * i + group, LAB_DUAL));
	}
}

static void parked_make(struct lab_world *world, const char *name, unsigned n)
{
	struct lab_security security = {0};
	/* 94 % have a DS. Not all of them are signed, which would take a run of the signer each: the others have a DS of
	 * algorithm 253 (PRIVATEDNS), by which any validator takes the zone as unsigned (RFC 4035 section 5.2). */
	if (n < world->settings->parked_signed)
		security = (struct lab_security){.algorithm = n % 2 == 0 ? 15 : 13,
						 .denial = n % 4 < 2 ? LAB_NSEC : LAB_NSEC3};
	else if (random_below(&world->random, 1000) < 934)
		security.foreign = random_below(&world->random, 100) < 9 ? 2 : 1;
	struct lab_zone *zone = lab_zone_add(world, lab_text(world, "%s.", name), LAB_OP_PARKING, security);
	unsigned count = parked_ns_count(&world->random), style = random_below(&world->random, 100);
	unsigned own = style < 66 ? count : style < 74 ? count / 2 : 0;
	parked_ns_own(world, zone, own);
	parked_ns_provider(world, zone, count - own);
	const char *nic = lab_text(world, "nic.%s", zone->name);
	unsigned address = 0x8000 + n % 0x4000; /* apart from the sites' */
	lab_record(zone, nic, LAB_TTL_HOUR, "A %s", lab_sites_address(world, address));
	if (n % 24 == 0)
		lab_expect(world, security.algorithm != 0 ? "parked-signed" : "parked", nic, "A", "NOERROR", "%s",
			   lab_sites_address(world, address));
}

static void root_make(struct lab_world *world)
{
	const struct lab_security security = {.algorithm = 8, .denial = LAB_NSEC, .split = true, .zonemd = true};
	struct lab_zone *root = lab_zone_add(world, ".", LAB_OP_ROOT, security);
	lab_zone_ns_operator(world, root, LAB_OP_ROOT, 0, LAB_SERVERS_MAX);
}

/* The zones in which the operators' own server names live. */
static void operator_domains_make(struct lab_world *world)
{
	static const struct lab_security plain = {0}, p256 = {.algorithm = 13},
					 ed = {.algorithm = 15, .denial = LAB_NSEC3};
	for (unsigned i = 0; i < LAB_OP_COUNT; i++) {
		struct lab_operator *operator= & world->operator[i];
		if (i == LAB_OP_ODD || i == LAB_OP_PARKING)
			continue; /* nothing is named in the one; the other is a provider */
		struct lab_security security = i == LAB_OP_SKY || i == LAB_OP_REGISTRY ? p256
					       : i == LAB_OP_PINE                      ? ed
										       : plain;
		struct lab_zone *zone = lab_zone_add(world, operator->domain, i, security);
		lab_zone_ns_operator(world, zone, i, 0, i == LAB_OP_ROOT ? 13 : operator->n_servers);
	}
	for (size_t i = 0; i < ARRAY_SIZE(provider_domains); i++) {
		struct lab_zone *zone = lab_zone_add(world, provider_domains[i], LAB_OP_PARKING, plain);
		lab_zone_ns_own(world, zone, LAB_OP_PARKING, i, 3, "@0");
	}
}

/* A seeded choice of names that are not served, so that the root has `count` TLDs in all. */
static void parked_choose(struct lab_world *world, const struct lab_list *names, size_t count)
{
	const char *pick[LAB_TLD_NAMES_MAX];
	size_t n = 0;
	for (size_t i = 0; i < names->count; i++)
		if (lab_zone_find(world, lab_text(world, "%s.", (const char *)names->item[i])) == NULL)
			pick[n++] = names->item[i];
	for (size_t i = 0; i < n && world->n_tlds < count; i++) {
		size_t j = i + random_below(&world->random, n - i);
		const char *chosen = pick[j];
		pick[j] = pick[i];
		parked_make(world, chosen, i);
		world->n_tlds++;
	}
}

int lab_tlds_make(struct lab_world *world)
{
	struct lab_list names = {0};
	int rc = lab_names_tlds(world, world->settings->suffix_list, &names);
	if (rc < 0)
		return rc;
	root_make(world);
	for (size_t i = 0; i < ARRAY_SIZE(served); i++) {
		served_make(world, &served[i]);
		world->n_served++;
		world->n_tlds += strchr(served[i].name, '.') == NULL;
	}
	operator_domains_make(world);
	parked_choose(world, &names, world->settings->tlds);
	free(names.item);
	return 0;
}
