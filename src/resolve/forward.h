// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * forward - names that are not walked to from the root: forward zones, stub zones, and exceptions to them.
 *
 * The longest entry above a name decides. A forwarder is asked with RD for the whole name; it is believed about names
 * whose deciding entry it serves, and what it says of delegations steers no walk (MaginotDNS). The servers of a stub zone are
 * authorities: the walk begins there, and the delegations below are remembered apart from those of the public tree.
 */
#pragma once

#include "resolve.h"
#include "wire/wire.h"

struct forward {
	enum resolve_forward_kind kind;
	bool tcp;      /* the servers are asked over TCP only */
	bool insecure; /* a negative trust anchor stands at the zone */
	bool first;    /* when the servers fail, the next shorter entry or the walk answers */
	unsigned labels;
	uint16_t origin; /* of what is remembered below it; never 0 */
	size_t n_addrs;
	struct addr addr[RESOLVE_ADDRESSES_MAX];
	uint8_t zone[WIRE_NAME_MAX]; /* lower case */
};

struct forwards {
	size_t n;
	struct forward *entry;                /* by name */
	bool has_labels[WIRE_LABELS_MAX + 1]; /* is there an entry of so many labels? */
};

#define FORWARD_LABELS_ANY UINT8_MAX /* no limit */

/* BANYAN_EINVAL: an entry without addresses, with too many, or two for the same zone. */
int resolve_forwards_new(const struct resolve_forward *from, size_t n, uint16_t port, struct forwards **ret) _must_use_;
void resolve_forwards_free(struct forwards *forwards);
/* The entry that decides for a name, among those of fewer than `below` labels; NULL = it is walked to from the root.
 * The DS set of an apex is its parent's to answer. */
const struct forward *resolve_forward_find(const struct forwards *forwards, const uint8_t *name, uint16_t type,
					   unsigned below);
/* Labels of the entry that decides for the name, 0 when none does: what was learned above must not be used
 * to answer it (a denial by the root of a name that is forwarded). */
unsigned resolve_forward_floor(const struct forwards *forwards, const uint8_t *name, uint16_t type);
