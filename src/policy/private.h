// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * policy, private: the tables that rules are compiled into.
 *
 * names: a tree of names as one byte string, found by a hash of (parent, label): a name of which nothing is known
 * costs one or two probes, however many rules there are. prefixes: sorted addresses, each knowing the next wider
 * prefix around it. data: RRsets, equal ones kept once.
 */
#pragma once

#include "policy.h"

/* What stands at a node, in half a byte. */
enum rule_action {
	RULE_NONE,
	RULE_PASS,
	RULE_NXDOMAIN,
	RULE_NODATA,
	RULE_DROP,
	RULE_TCP_ONLY,
	RULE_DATA, /* `data` is its offset */
};
struct rule {
	uint8_t action;
	uint32_t data;
};

/* ---- names.c ---- */
/* A node: u32 parent, u8 actions (own, then of what is below), u32 data of each that is RULE_DATA, u8 length, label. */
struct names {
	uint64_t seed;
	uint32_t n_nodes, n_slots;
	uint64_t *slot; /* high half: hash, low half: offset of the node; 0 = free */
	uint8_t *pool;
	size_t pool_len;
};

struct names_builder {
	struct names names;
	size_t pool_cap, cap_offsets;
	uint32_t *offset; /* of all nodes but the root's */
	uint8_t last[WIRE_NAME_MAX];
	uint32_t stack[WIRE_LABELS_MAX + 1]; /* nodes on the way to `last` */
};
int names_begin(struct names_builder *builder, struct rule own, struct rule below) _must_use_; /* the root's rules */
/* In canonical order of names. */
int names_add(struct names_builder *builder, const uint8_t *name, struct rule own, struct rule below) _must_use_;
int names_finish(struct names_builder *builder, uint64_t seed, struct names *ret) _must_use_;
void names_builder_done(struct names_builder *builder);
void names_done(struct names *names);
size_t names_bytes(const struct names *names);

struct name_path {
	unsigned labels;                    /* of the name that was looked for */
	unsigned depth;                     /* labels of it that are there */
	uint32_t node[WIRE_LABELS_MAX + 1]; /* [0] is the root */
};
void names_path(const struct names *names, const uint8_t *name, struct name_path *ret);
struct rule names_own(const struct names *names, uint32_t node);
struct rule names_below(const struct names *names, uint32_t node);
/* The rule for `name`: its own, or that of the longest "*.x" above. `ret_labels`: of the rule's name without "*". */
struct rule names_match(const struct names *names, const uint8_t *name, unsigned *ret_labels, bool *ret_wildcard);

/* ---- prefixes.c ---- */
struct prefix_rule {
	struct addr_prefix prefix;
	struct rule rule;
	uint32_t wider; /* index + 1 of the next wider prefix around it */
};
/* Entry: address of 4 or 16 bytes, u32 wider, u32 data, u8 bits, u8 action, two free. */
struct prefixes {
	uint32_t count[2]; /* IPv4, IPv6 */
	uint8_t *entry[2];
};
/* Sorts `rule`; of equal prefixes the first stays. */
int prefixes_build(struct prefix_rule *rule, size_t n, struct prefixes *ret) _must_use_;
void prefixes_done(struct prefixes *prefixes);
size_t prefixes_bytes(const struct prefixes *prefixes);
/* The longest prefix around the address; RULE_NONE if there is none. */
struct rule prefixes_match(const struct prefixes *prefixes, const struct addr *addr, struct addr_prefix *ret);

/* ---- data.c ---- */
/* A piece: u8 kind of a local zone + 1 (0 = no zone), u8 flags, u16 number of sets, each: u16 type, u16 count, u32 TTL, u32
 * size, pack. */
struct policy_data {
	uint8_t bytes[4];
};
#define DATA_DEFAULT_ZONE 1 /* flag: one of policy_local_defaults() */

struct data_pool {
	uint8_t *bytes;
	size_t len, cap;
};
struct data_builder {
	struct data_pool pool;
	struct buffer piece; /* the one that is being made */
	size_t set;          /* where its last set begins */
	size_t n_seen, cap_seen;
	uint32_t *seen; /* offsets of pieces by hash, for those that come again */
};
int data_begin(struct data_builder *builder, unsigned zone_kind, uint8_t flags) _must_use_;
/* Records of one type in a row; the lowest TTL of a set counts (RFC 2181 section 5.2). */
int data_record(struct data_builder *builder, uint16_t type, uint32_t ttl, const uint8_t *rdata, uint16_t len)
	_must_use_;
int data_end(struct data_builder *builder, uint32_t *ret_offset) _must_use_;
void data_builder_done(struct data_builder *builder);
static inline const struct policy_data *data_at(const struct data_pool *pool, uint32_t offset)
{
	return (const struct policy_data *)(const void *)(pool->bytes + offset);
}

/* ---- the compiled whole ---- */
struct policy_local {
	struct names names;
	struct data_pool data;
};

struct policy_rpz {
	struct names qname, nsdname;
	struct prefixes client, ip, nsip;
	struct data_pool data;
	uint32_t soa; /* piece with the SOA */
	struct policy_rpz_stats stats;
	uint8_t name[WIRE_NAME_MAX];
};

/* local_find.c; *ret_zone: there is a local zone at or above the name, of whatever kind */
enum policy_verdict policy_local_check(const struct policy_local *local, const uint8_t *name, uint16_t qtype,
				       struct policy_hit *ret, bool *ret_zone);
