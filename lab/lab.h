// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * lab - a small Internet that the project makes itself.
 *
 * lab_make() writes a folder: a signed root zone of real TLD names, served TLDs, sites, reverse zones and a CDN, one
 * configuration for each operator's banyand, one for a resolver that stands on the root, and expected.csv, the
 * answers that any right resolver must give. lab_run() runs one process an operator on loopback and takes them all
 * with it when it ends. lab_odd() is the one process of the servers that misbehave on purpose. All that lab_make()
 * writes follows from the seed and the reference time; only ECDSA signatures differ from run to run, since their
 * nonces are random. The keys are made from the seed, so they are worth nothing outside the lab.
 * Called by cmd/banyan/lab.c.
 *
 * Example:
 *
 *	struct lab_settings settings;
 *	lab_settings_default(&settings, "/tmp/lab");
 *	struct lab_summary summary;
 *	if (lab_make(&settings, &summary) == 0)
 *		lab_run(&(struct lab_run_settings){ .dir = "/tmp/lab" });
 */
#pragma once

#include "base/base.h"

#define LAB_TLDS_DEFAULT          1440 /* the root had 1,438 in July 2026 */
#define LAB_SITES_DEFAULT         320
#define LAB_PARKED_SIGNED_DEFAULT 100  /* each costs a run of ldns-signzone, about 6 ms */
#define LAB_SITES_MAX             2000 /* the word lists give more names than this, each with its own address */
#define LAB_PORT_DEFAULT          5300 /* all servers, IPv4: each has its own 127.x.y.z */
#define LAB_PORT6_DEFAULT         15400 /* first of the ports of ::1 that stand for IPv6 servers; below the ephemeral ones */
#define LAB_RESOLVER_PORT         5335 /* not 5353, where multicast DNS listens */
#define LAB_SUFFIX_LIST           "/usr/share/publicsuffix/public_suffix_list.dat"
#define LAB_INCEPTION_BEFORE_S    86400        /* signatures begin this long before the reference time */
#define LAB_EXPIRATION_AFTER_S    (30 * 86400) /* and end this long after it */

struct lab_settings {
	const char *dir;
	uint64_t seed;
	int64_t at; /* reference time of signatures and serials, UNIX seconds */
	uint32_t tlds, sites;
	uint32_t parked_signed; /* how many of the parked TLDs are signed */
	uint16_t port, port6;
	struct addr resolver;    /* where the resolver of resolver/banyan.yaml listens */
	const char *suffix_list; /* the Public Suffix List */
	const char *signer;      /* program that signs: ldns-signzone */
};

struct lab_summary {
	size_t tlds, served_tlds, sites, zones, signed_zones, hosts, operators, expectations;
	int64_t made_ms;
};

void lab_settings_default(struct lab_settings *settings, const char *dir);
/* Writes the lab into settings->dir, which is made if it is not there. Says on standard error why it cannot. */
int lab_make(const struct lab_settings *settings, struct lab_summary *ret) _must_use_;

struct lab_run_settings {
	const char *dir;
	const char *banyand; /* program to run; NULL = beside this one, else from PATH */
	bool resolver;       /* also run the resolver of DIR/resolver */
};

/* Runs all operators in the foreground until SIGTERM or SIGINT, or until one of them ends by itself (an error).
 * Prints one line "lab ready: ..." on standard output once every server answers. */
int lab_run(const struct lab_run_settings *settings) _must_use_;

/* Runs the odd servers of DIR until it is killed. */
int lab_odd(const char *dir) _must_use_;
