// SPDX-License-Identifier: GPL-3.0-or-later
/* The lab's sites: a few hundred registered names at three hosts, some behind a CDN, with their reverse names. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define EDGES        24
#define EDGE_ADDRESS 0x7000 /* first site address of the CDN's edges */

#define REVERSE4 "18.198.in-addr.arpa."
#define REVERSE6 "5.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa."

const char *lab_sites_address(struct lab_world *world, unsigned n)
{
	return lab_text(world, "198.18.%u.%u", n >> 8 & 255, n & 255);
}

const char *lab_sites_address6(struct lab_world *world, unsigned n)
{
	return lab_text(world, "2001:db8:5::%x", n);
}

static void reverse_add(struct lab_world *world, const char *owner, unsigned n)
{
	const char *name4 = lab_text(world, "%u.%u.%s", n & 255, n >> 8 & 255, REVERSE4);
	char nibbles[64] = "";
	size_t len = 0;
	for (unsigned i = 0; i < 20; i++)
		len += snprintf(nibbles + len, sizeof(nibbles) - len, "%x.", i < 4 ? n >> (4 * i) & 15 : 0);
	const char *name6 = lab_text(world, "%s%s", nibbles, REVERSE6);
	lab_record(lab_zone_find(world, REVERSE4), name4, LAB_TTL_HOUR, "PTR %s", owner);
	lab_record(lab_zone_find(world, REVERSE6), name6, LAB_TTL_HOUR, "PTR %s", owner);
	if (n % 16 == 1) {
		lab_expect(world, "reverse", name4, "PTR", "NOERROR", "%s", owner);
		lab_expect(world, "reverse", name6, "PTR", "NOERROR", "%s", owner);
	}
}

void lab_sites_at(struct lab_world *world, struct lab_zone *zone, const char *owner, unsigned n)
{
	lab_record(zone, owner, LAB_TTL_HOUR, "A %s", lab_sites_address(world, n));
	lab_record(zone, owner, LAB_TTL_HOUR, "AAAA %s", lab_sites_address6(world, n));
	if (owner[0] != '*')
		reverse_add(world, owner, n);
}

/* NAME.cdn.skycdn.net -> eN.edge.pinecloud.io -> address: three zones of three operators. */
const char *lab_sites_cdn(struct lab_world *world, const char *name, unsigned *ret_address)
{
	struct lab_zone *sky = lab_zone_find(world, "skycdn.net."), *pine = lab_zone_find(world, "pinecloud.io.");
	struct random random;
	lab_stream(world, name, &random);
	unsigned edge = random_below(&random, EDGES);
	const char *edge_name = lab_text(world, "e%u.edge.pinecloud.io.", edge);
	const char *alias = lab_text(world, "%scdn.skycdn.net.", name);
	char *marker = lab_text(world, "edge %u", edge);
	if (lab_table_get(&world->host_table, marker) == NULL) {
		lab_table_put(&world->host_table, marker, pine);
		lab_sites_at(world, pine, edge_name, EDGE_ADDRESS + edge);
	}
	lab_record(sky, alias, 300, "CNAME %s", edge_name);
	*ret_address = EDGE_ADDRESS + edge;
	return alias;
}

static void site_ns(struct lab_world *world, struct lab_zone *zone, enum lab_operator_id host, unsigned n)
{
	unsigned style = random_below(&world->random, 100);
	if (style < 60)
		lab_zone_ns_operator(world, zone, host, n % 4, 2 + n % 2);
	else if (style < 85)
		lab_zone_ns_own(world, zone, host, n % 4, 2, "ns#");
	else
		lab_zone_ns_own(world, zone, host, n % 4, 1, "dns");
	if (style >= 95)
		lab_zone_ns_operator(world, zone, host, n % 4 + 1, 1);
}

/* Every eighth site is signed, in turns by each algorithm. */
static struct lab_security site_security(struct lab_world *world, const char *suffix, unsigned n)
{
	const struct lab_zone *parent = lab_zone_find(world, suffix);
	struct lab_security security = {0};
	if (n % 8 != 3 || parent == NULL || parent->security.algorithm == 0)
		return security;
	security.algorithm = n % 128 == 3 ? 8 : n % 16 == 3 ? 13 : 15;
	security.denial = n % 32 < 16 ? LAB_NSEC : LAB_NSEC3;
	security.split = n % 64 == 11;
	security.two_ds = n % 64 == 19;
	return security;
}

static void site_www(struct lab_world *world, struct lab_zone *zone, unsigned n)
{
	const char *www = lab_text(world, "www.%s", zone->name);
	unsigned address = n;
	if (n % 4 == 1) {
		lab_record(zone, www, LAB_TTL_HOUR, "CNAME %s", lab_sites_cdn(world, zone->name, &address));
		lab_expect(world, "cdn", www, "A", "NOERROR", "%s", lab_sites_address(world, address));
		lab_expect(world, "cdn", www, "AAAA", "NOERROR", "%s", lab_sites_address6(world, address));
	} else {
		lab_record(zone, www, LAB_TTL_HOUR, "CNAME %s", zone->name);
		lab_expect(world, "site", www, "A", "NOERROR", "%s", lab_sites_address(world, n));
	}
}

static void site_mail(struct lab_world *world, struct lab_zone *zone, unsigned n)
{
	const char *mail = lab_text(world, "mail.%s", zone->name);
	lab_record(zone, zone->name, LAB_TTL_HOUR, "MX 10 %s", mail);
	lab_record(zone, mail, LAB_TTL_HOUR, "A %s", lab_sites_address(world, n));
	lab_record(zone, zone->name, LAB_TTL_HOUR, "TXT \"v=spf1 mx -all\"");
	if (n % 3 == 0)
		lab_expect(world, "site", zone->name, "MX", "NOERROR", "10 %s", mail);
	if (n % 3 == 1)
		lab_expect(world, "site", zone->name, "TXT", "NOERROR", "\"v=spf1 mx -all\"");
}

static void site_make(struct lab_world *world, unsigned n, unsigned weights)
{
	static const enum lab_operator_id hosts[] = {LAB_OP_OAK, LAB_OP_BIRCH, LAB_OP_PINE};
	const char *suffix = lab_text(world, "%s.", lab_tlds_suffix(random_below(&world->random, weights)));
	const char *name = lab_text(world, "%s.%s", lab_names_site(world, n), suffix);
	enum lab_operator_id host = hosts[n % ARRAY_SIZE(hosts)];
	struct lab_zone *zone = lab_zone_add(world, name, host, site_security(world, suffix, n));
	site_ns(world, zone, host, n);
	lab_sites_at(world, zone, name, n + 1);
	lab_expect(world, zone->security.algorithm != 0 ? "site-signed" : "site", name, "A", "NOERROR", "%s",
		   lab_sites_address(world, n + 1));
	lab_expect(world, "site", name, "AAAA", "NOERROR", "%s", lab_sites_address6(world, n + 1));
	site_www(world, zone, n + 1);
	site_mail(world, zone, n + 1);
	if (n % 4 == 0)
		lab_expect(world, "none", lab_text(world, "nothing.%s", name), "A", "NXDOMAIN", "%s", "");
	if (n % 4 == 2)
		lab_expect(world, "nodata", name, "SRV", "NOERROR", "%s", "");
	world->n_sites++;
}

void lab_sites_make(struct lab_world *world)
{
	unsigned weights = 0;
	while (lab_tlds_suffix(weights) != NULL)
		weights++;
	for (unsigned n = 0; n < world->settings->sites; n++)
		site_make(world, n, weights);
}
