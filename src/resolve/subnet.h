// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * subnet - answers that depend on where the client is (ECS, RFC 7871).
 *
 * Below the zones that the operator names, and only there, authorities are told the network of the client, and what they
 * answer is not put into the cache that all share: whole outcomes are kept beside it, by name, type and network. Everything
 * else (delegations, servers, keys) is learned and used as always. A client that opts out, and whatever the
 * resolver asks for itself, is resolved as if there were no ECS.
 */
#pragma once

#include "resolve.h"
#include "wire/wire.h"

#define SUBNET_OPTION_MAX 24 /* code, length, family, two prefix lengths, 16 bytes of address */
/* Lookups of one name and type for different networks at once; further clients get what is not made for anybody. The same
 * question many times in flight is what a forger wishes for (RebirthDay). */
#define SUBNET_TASKS_MAX  8

struct resolve;
struct task;
struct exchange;
struct outcome;

/* ---- who and what ---- */
/* The client's network as authorities are told; addr.family 0 = they are told nothing. */
struct addr_prefix resolve_subnet_of(const struct resolve *engine, const struct resolve_event *event);
/* Is a set of this owner, learned by the task, kept out of the cache that all share? */
bool resolve_subnet_owns(const struct resolve *engine, const struct task *task, const uint8_t *owner);
/* The walk has come to a name in one of the zones: clients with a network go on by themselves. */
void resolve_subnet_split(struct resolve *engine, struct task *task);

/* ---- what is sent and what comes back ---- */
bool resolve_subnet_told(const struct resolve *engine, const struct exchange *exchange);
size_t resolve_subnet_option(const struct task *task, uint8_t out[SUBNET_OPTION_MAX]);
/* Does the reply name the network that was told, or none (RFC 7871 section 7.3)? *ret_scope: bits for which it holds. */
bool resolve_subnet_match(const struct task *task, const struct resolve_event *event, uint8_t *ret_scope);

/* ---- what is kept ---- */
struct subnets;
int resolve_subnets_init(struct resolve *engine) _must_use_; /* engine->subnets stays NULL when ECS is off */
void resolve_subnets_free(struct resolve *engine);
/* Is the name in one of the zones? */
bool resolve_subnet_covers(const struct resolve *engine, const uint8_t *name);
/* May this server be told? */
bool resolve_subnets_server(const struct resolve *engine, const struct addr *server);
/* The outcome as it is known for the network, in `arena`: 1, or 0 = not known. */
int resolve_subnets_find(struct resolve *engine, struct arena *arena, const uint8_t *qname, uint16_t qtype,
			 const struct addr_prefix *subnet, struct outcome *outcome);
/* Keeps the outcome of a task for its network. */
void resolve_subnets_keep(struct resolve *engine, const struct task *task);
