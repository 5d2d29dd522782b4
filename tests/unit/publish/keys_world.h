// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * A world for the machine of publish/keys in virtual time: a publisher that is late, a parent that takes its time, another signer,
 * resolvers that follow RFC 5011; and the model check: whatever validators have in their caches, there is a chain.
 */
#pragma once

#include "publish/keys/keys.h"

#define VERSIONS_MAX   512
#define VALIDATORS_MAX 64

/* The zone as it was offered. */
struct version {
	int64_t from;
	int64_t dnskey_ttl_s, data_ttl_s;
	size_t n;
	struct {
		uint8_t algorithm, role;
		uint16_t tag;
		struct keys_does does;
	} key[KEYS_MAX];
};

/* DS (or anchors) at the parent. */
struct ds_version {
	int64_t from, ttl_s;
	size_t n;
	struct {
		uint8_t algorithm;
		uint16_t tag;
	} key[KEYS_MAX];
};

/* A resolver that follows RFC 5011. */
struct validator {
	int64_t next, start;
	bool missed; /* the last question was lost */
	size_t n, seen_version;
	struct {
		uint16_t tag;
		bool trusted, revoked, here;
		int64_t since;
	} key[KEYS_MAX];
};

struct world {
	struct keys_state state;
	struct keys_policy policy;
	struct random random;
	int64_t now, lag_max_s;
	bool strict;                  /* validators want every algorithm (RFC 4035 section 2.2) */
	int64_t real_ttl_s;           /* 0, or what caches really keep DNSKEY sets and data for */
	int64_t parent_due, tell_due; /* 0 = nothing under way */
	struct ds_version wanted;     /* what the parent will have */
	int64_t share_due;
	struct version other[VERSIONS_MAX]; /* the other signer's DNSKEY set; its data are signed with its own key */
	size_t n_other;
	struct version version[VERSIONS_MAX];
	size_t n;
	struct ds_version ds[VERSIONS_MAX];
	size_t n_ds;
	struct validator validator[VALIDATORS_MAX];
	size_t n_validators;
	unsigned generated, faults;
	char fault[512]; /* the first */
};

void world_init(struct world *world, uint64_t seed, const struct keys_policy *policy);
/* Until `until`, or until nothing happens any more. */
void world_run(struct world *world, int64_t until);
/* All triples of DS set, DNSKEY set and data that a cache can have at one time. */
void world_check(struct world *world);
const struct keys_key *world_key(const struct world *world, uint16_t tag);
