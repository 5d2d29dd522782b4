// SPDX-License-Identifier: GPL-3.0-or-later
/* NOTIFY out in the daemon: the keeper's table of peers (notifies.c), and the workers' questions that ask to be in it (registers.c). */
#pragma once

#include "daemon.h"
#include "offered.h"
#include "sync/push/push.h"

/* Who may register for a zone. Part of a generation, immutable. */
struct register_rule {
	uint8_t apex[WIRE_NAME_MAX];
	size_t n_prefixes;
	struct addr_prefix *prefix;
	bool *key; /* for each of the generation's keys */
};
struct registers {
	size_t n;
	struct register_rule rule[];
};

bool register_rule_allows(const struct register_rule *rule, const struct addr *peer, bool is_signed, size_t key);

/* May this peer, with the key of that name ("" = none), by the rules of today? */
bool registers_allow(const struct generation *g, const uint8_t *apex, const char *key, const struct addr *peer);

/* ---- registers_state.c: over restarts ---- */
struct registers_state {
	int64_t saved_ms;
	uint64_t saved; /* a number for what was written last */
};
/* The lines of one zone. */
int registers_write(struct buffer *out, const struct push_notify *push, const char *(*key_name)(void *ctx, uint16_t),
		    void *ctx) _must_use_;
bool registers_due(const struct registers_state *state);
void registers_save(struct registers_state *state, const struct config *config, struct buffer *text, bool now);
char *registers_read(const struct config *config); /* NULL: there is nothing; else to be freed */
/* How many of the zone there are again. */
size_t registers_restore(const char *text, const struct generation *g, const uint8_t *apex, struct push_notify *push,
			 uint16_t (*key_number)(void *ctx, const char *name), void *ctx);

/* Which versions were offered, over restarts. versions_read(): NULL = there is nothing; else to be freed. */
char *versions_read(const struct config *config);
void versions_save(const struct config *config, const struct buffer *text);

/* Keeper: what is known of a zone whose peers are told; false: there is no such zone. Valid until the next event. */
struct notifies_zone {
	const struct push_notify *push;
	const struct offered *offered;
};
bool notifies_zone(struct keeper *keeper, const uint8_t *apex, struct notifies_zone *ret);
const char *notifies_key_name(struct keeper *keeper, uint16_t number); /* "" = none */

/* Keeper: a peer that may, and that is where it says, asks. `key`: the name of its key, "" = none. */
struct wire_registration notifies_register(struct keeper *keeper, const uint8_t *apex, const char *key,
					   struct push_ask *ask);
