// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The lab's stories: zones with fixed names that show one thing each, whatever the seed. What the demo resolves is
 * here, and what is odd: servers that are lame, slow, dead, truncate, or can be found only by a walk of their own.
 */
#include "world.h"

#include <stdio.h>

#define STORY_ADDRESS 0x7800 /* first site address of the stories */
#define CROWD         80     /* addresses of one name: more than fits into 1,232 bytes */

static const struct lab_security not_signed = {0};
static const struct lab_security p256 = {.algorithm = 13};
static const struct lab_security p256_nsec3 = {.algorithm = 13, .denial = LAB_NSEC3};
static const struct lab_security ed25519 = {.algorithm = 15, .denial = LAB_NSEC};

/* A zone at one of the hosts, with an address at its apex and at www. */
static struct lab_zone *story_zone(struct lab_world *world, const char *name, enum lab_operator_id host,
				   struct lab_security security, unsigned address)
{
	struct lab_zone *zone = lab_zone_add(world, name, host, security);
	lab_sites_at(world, zone, zone->name, STORY_ADDRESS + address);
	lab_record(zone, lab_text(world, "www.%s", name), LAB_TTL_HOUR, "A %s",
		   lab_sites_address(world, STORY_ADDRESS + address));
	return zone;
}

static void story_expect(struct lab_world *world, const char *feature, const char *name, unsigned address)
{
	lab_expect(world, feature, name, "A", "NOERROR", "%s", lab_sites_address(world, STORY_ADDRESS + address));
}

static void story_plain(struct lab_world *world)
{
	lab_zone_ns_operator(world, story_zone(world, "amberharbour.org.", LAB_OP_OAK, p256, 1), LAB_OP_OAK, 0, 3);
	story_expect(world, "plain", "www.amberharbour.org.", 1);
	lab_zone_ns_own(world, story_zone(world, "penguinpost.aq.", LAB_OP_BIRCH, not_signed, 2), LAB_OP_BIRCH, 0, 2,
			"ns#");
	story_expect(world, "unsigned-tld", "www.penguinpost.aq.", 2);
	lab_zone_ns_operator(world, story_zone(world, "teahouse.co.jp.", LAB_OP_PINE, ed25519, 3), LAB_OP_PINE, 0, 2);
	story_expect(world, "empty-nonterminal-above", "www.teahouse.co.jp.", 3);
	lab_expect(world, "empty-nonterminal", "co.jp.", "A", "NOERROR", "%s", "");
}

static void story_cdn(struct lab_world *world)
{
	unsigned address;
	struct lab_zone *zone = story_zone(world, "morninggazette.news.", LAB_OP_BIRCH, p256, 4);
	lab_zone_ns_operator(world, zone, LAB_OP_BIRCH, 0, 3);
	const char *images = "images.morninggazette.news.", *media = "media.morninggazette.news.";
	lab_record(zone, images, LAB_TTL_HOUR, "CNAME %s", media);
	lab_record(zone, media, LAB_TTL_HOUR, "CNAME %s", lab_sites_cdn(world, zone->name, &address));
	lab_expect(world, "cdn", images, "A", "NOERROR", "%s", lab_sites_address(world, address));
	lab_expect(world, "cdn", images, "AAAA", "NOERROR", "%s", lab_sites_address6(world, address));
	lab_record(zone, "gone.morninggazette.news.", LAB_TTL_HOUR, "CNAME nowhere.skycdn.net.");
	lab_expect(world, "cname-to-nothing", "gone.morninggazette.news.", "A", "NXDOMAIN", "%s", "");
	lab_expect(world, "cname", images, "CNAME", "NOERROR", "%s", media);
}

static void story_dname(struct lab_world *world)
{
	struct lab_zone *old = lab_zone_add(world, "oldmillpress.org.", LAB_OP_OAK, p256_nsec3);
	lab_zone_ns_operator(world, old, LAB_OP_OAK, 1, 2);
	lab_record(old, old->name, LAB_TTL_HOUR, "DNAME newmillpress.com.");
	lab_zone_ns_operator(world, story_zone(world, "newmillpress.com.", LAB_OP_PINE, not_signed, 5), LAB_OP_PINE, 0,
			     3);
	story_expect(world, "dname", "www.oldmillpress.org.", 5);
	lab_expect(world, "dname", "nothing.oldmillpress.org.", "A", "NXDOMAIN", "%s", "");
	lab_expect(world, "dname", "oldmillpress.org.", "DNAME", "NOERROR", "newmillpress.com.");
}

static void story_idn(struct lab_world *world)
{
	static const char *const names[] = {"bücherstube.de", "книги.рф", "ほんや.みんな", "haus.vermögensberatung"};
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++) {
		const char *ascii = lab_names_ascii(world, names[i]);
		if (ascii == NULL)
			continue;
		const char *name = lab_text(world, "%s.", ascii);
		lab_zone_ns_operator(world, story_zone(world, name, LAB_OP_BIRCH, not_signed, 6 + i), LAB_OP_BIRCH, i,
				     2);
		story_expect(world, "idn", lab_text(world, "www.%s", name), 6 + i);
	}
}

static void story_wildcard(struct lab_world *world)
{
	struct lab_zone *zone = story_zone(world, "lanternmarket.shop.", LAB_OP_PINE, p256_nsec3, 10);
	lab_zone_ns_operator(world, zone, LAB_OP_PINE, 0, 3);
	lab_sites_at(world, zone, "*.stalls.lanternmarket.shop.", STORY_ADDRESS + 11);
	lab_record(zone, "list.stalls.lanternmarket.shop.", LAB_TTL_HOUR, "TXT \"here the wildcard ends\"");
	story_expect(world, "wildcard", "tea.stalls.lanternmarket.shop.", 11);
	story_expect(world, "wildcard", "far.away.stalls.lanternmarket.shop.", 11);
	lab_expect(world, "wildcard-nodata", "tea.stalls.lanternmarket.shop.", "MX", "NOERROR", "%s", "");
	lab_expect(world, "wildcard-stops", "list.stalls.lanternmarket.shop.", "A", "NOERROR", "%s", "");
	lab_expect(world, "wildcard-stops", "more.list.stalls.lanternmarket.shop.", "A", "NXDOMAIN", "%s", "");
	lab_expect(world, "empty-nonterminal", "stalls.lanternmarket.shop.", "A", "NOERROR", "%s", "");
}

/* Servers that must be looked up themselves: two walks deep, and a sibling without glue. */
static void story_glueless(struct lab_world *world)
{
	struct lab_zone *kite = story_zone(world, "paperkite.jp.", LAB_OP_OAK, not_signed, 12);
	lab_zone_ns(kite, lab_host_add(world, "ns1.driftwood.se.", LAB_OP_OAK, 0, LAB_DUAL));
	struct lab_zone *driftwood = story_zone(world, "driftwood.se.", LAB_OP_BIRCH, not_signed, 13);
	lab_zone_ns(driftwood, lab_host_add(world, "ns1.tidepool.cz.", LAB_OP_BIRCH, 0, LAB_DUAL));
	lab_zone_ns_own(world, story_zone(world, "tidepool.cz.", LAB_OP_PINE, not_signed, 14), LAB_OP_PINE, 0, 2,
			"dns#");
	story_expect(world, "glueless", "www.paperkite.jp.", 12);

	struct lab_zone *bolt = story_zone(world, "loosebolt.ch.", LAB_OP_OAK, not_signed, 15);
	bolt->no_sibling_glue = true;
	lab_zone_ns(bolt, lab_host_add(world, "ns9.tightnut.ch.", LAB_OP_OAK, 2, LAB_DUAL));
	lab_zone_ns_own(world, story_zone(world, "tightnut.ch.", LAB_OP_BIRCH, p256, 16), LAB_OP_BIRCH, 0, 2, "ns#");
	story_expect(world, "glueless", "www.loosebolt.ch.", 15);
}

static void story_families(struct lab_world *world)
{
	struct lab_zone *six = story_zone(world, "sixonly.ch.", LAB_OP_BIRCH, not_signed, 17);
	lab_zone_ns(six, lab_host_add(world, "ns1.sixonly.ch.", LAB_OP_BIRCH, 0, LAB_V6));
	lab_zone_ns(six, lab_host_add(world, "ns2.sixonly.ch.", LAB_OP_BIRCH, 1, LAB_V6));
	lab_expect(world, "ipv6-only", "www.sixonly.ch.", "A", "NOERROR", "%s",
		   lab_sites_address(world, STORY_ADDRESS + 17));
	lab_expect(world, "ipv6-only", "sixonly.ch.", "AAAA", "NOERROR", "%s",
		   lab_sites_address6(world, STORY_ADDRESS + 17));
}

static struct lab_host *odd_host(struct lab_world *world, const char *name, enum lab_odd_server server)
{
	return lab_host_add(world, name, LAB_OP_ODD, server, LAB_V4);
}

static void story_odd(struct lab_world *world)
{
	struct lab_zone *zone = story_zone(world, "halfmoon.com.", LAB_OP_ODD, not_signed, 18);
	lab_zone_ns(zone, odd_host(world, "ns1.halfmoon.com.", LAB_ODD_LAME));
	/* these two are good servers of other zones, which were never told of this one */
	lab_zone_ns(zone, lab_host_add(world, "ns2.halfmoon.com.", LAB_OP_WEST, 3, LAB_V4));
	lab_zone_ns(zone, lab_host_add(world, "ns3.halfmoon.com.", LAB_OP_WORLD, 4, LAB_V4));
	lab_zone_ns(zone, odd_host(world, "ns4.halfmoon.com.", LAB_ODD_SLOW));
	story_expect(world, "lame", "www.halfmoon.com.", 18);

	zone = story_zone(world, "silentbay.de.", LAB_OP_PINE, not_signed, 19);
	lab_zone_ns(zone, odd_host(world, "ns1.silentbay.de.", LAB_ODD_DEAD));
	lab_zone_ns(zone, lab_host_add(world, "ns2.silentbay.de.", LAB_OP_PINE, 1, LAB_V4));
	story_expect(world, "dead", "www.silentbay.de.", 19);

	zone = story_zone(world, "tortoise.nl.", LAB_OP_ODD, not_signed, 20);
	lab_zone_ns(zone, odd_host(world, "ns1.tortoise.nl.", LAB_ODD_SLOW));
	story_expect(world, "slow", "www.tortoise.nl.", 20);

	zone = story_zone(world, "longscroll.net.", LAB_OP_ODD, not_signed, 21);
	lab_zone_ns(zone, odd_host(world, "ns1.longscroll.net.", LAB_ODD_TRUNCATING));
	lab_record(zone, "verse.longscroll.net.", LAB_TTL_HOUR,
		   "TXT \"what does not fit into a datagram comes by TCP\"");
	story_expect(world, "truncating", "www.longscroll.net.", 21);
	lab_expect(world, "truncating", "verse.longscroll.net.", "TXT", "NOERROR",
		   "\"what does not fit into a datagram comes by TCP\"");

	zone = story_zone(world, "shipwreck.org.", LAB_OP_ODD, not_signed, 22);
	lab_zone_ns(zone, odd_host(world, "ns1.shipwreck.org.", LAB_ODD_LAME));
	lab_expect(world, "lame-only", "www.shipwreck.org.", "A", "SERVFAIL", "%s", "");

	zone = story_zone(world, "stillwater.fr.", LAB_OP_ODD, not_signed, 23);
	lab_zone_ns(zone, odd_host(world, "ns1.stillwater.fr.", LAB_ODD_DEAD));
	lab_expect(world, "dead-only", "www.stillwater.fr.", "A", "SERVFAIL", "%s", "");
}

/* One name with so many addresses that any honest server must truncate. */
static void story_crowd(struct lab_world *world)
{
	_cleanup_(buffer_done) struct buffer all = {0};
	struct lab_zone *zone = story_zone(world, "crowdedpier.info.", LAB_OP_BIRCH, not_signed, 24);
	lab_zone_ns_operator(world, zone, LAB_OP_BIRCH, 0, 2);
	for (unsigned i = 0; i < CROWD; i++) {
		lab_record(zone, "all.crowdedpier.info.", LAB_TTL_HOUR, "A 198.19.0.%u", i);
		lab_print(&all, "%s198.19.0.%u", i == 0 ? "" : ";", i);
	}
	lab_expect(world, "crowd", "all.crowdedpier.info.", "A", "NOERROR", "%s", (char *)all.data);
}

static void story_reverse(struct lab_world *world)
{
	const unsigned n = STORY_ADDRESS + 1;
	lab_expect(world, "reverse", lab_text(world, "%u.%u.18.198.in-addr.arpa.", n & 255, n >> 8), "PTR", "NOERROR",
		   "amberharbour.org.");
}

/* What does not exist below the root is known from the root alone. */
static void story_nothing(struct lab_world *world)
{
	static const char *const names[] = {"www.no-such-tld.", "localdomain-of-nobody.", "printer.lab-workgroup."};
	for (unsigned i = 0; i < ARRAY_SIZE(names); i++)
		lab_expect(world, "no-tld", names[i], "A", "NXDOMAIN", "%s", "");
	lab_expect(world, "none", "no-such-name-in-the-lab.com.", "A", "NXDOMAIN", "%s", "");
	lab_expect(world, "none", "no-such-name-in-the-lab.aq.", "A", "NXDOMAIN", "%s", "");
}

void lab_stories_make(struct lab_world *world)
{
	story_plain(world);
	story_cdn(world);
	story_dname(world);
	story_idn(world);
	story_wildcard(world);
	story_glueless(world);
	story_families(world);
	story_odd(world);
	story_crowd(world);
	story_reverse(world);
	story_nothing(world);
}
