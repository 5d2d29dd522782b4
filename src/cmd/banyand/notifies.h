// SPDX-License-Identifier: GPL-3.0-or-later
/* NOTIFY out in the daemon: the keeper's table of peers (notifies.c), and the workers' questions that ask to be in it (registers.c). */
#pragma once

#include "daemon.h"
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

/* Keeper: a peer that may, and that is where it says, asks. `key`: the name of its key, "" = none. */
struct wire_registration notifies_register(struct keeper *keeper, const uint8_t *apex, const char *key,
					   struct push_ask *ask);
