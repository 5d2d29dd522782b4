// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * keyring - the trust anchors that all engines share.
 *
 * The configured anchors, what RFC 5011 made of those that roll, and what is trusted by both. One engine leads: it asks for the keys
 * of each zone with anchors (rolling.c) and tells the servers which ones are trusted (signal.c). Each engine has a copy of what is trusted, and
 * takes a new one at the beginning of the step after a change.
 */
#pragma once

#include "dnssec/dnssec.h"
#include "resolve.h"

#include <pthread.h>

struct keyring_zone {
	uint8_t name[WIRE_NAME_MAX];
	struct dnssec_rollover *rollover; /* malloced; NULL = its anchors do not roll */
	bool asked;                       /* since the start */
	uint32_t root_serial;             /* of the root image whose keys were looked at last; 0 = none */
	int64_t signal_next;              /* UNIX seconds; 0 = now */
};

struct resolve_anchors {
	pthread_mutex_t lock;
	_Atomic uint32_t version; /* counts changes of what is trusted */
	bool roll;
	struct dnssec_anchors configured, trusted;
	size_t n;
	struct keyring_zone zone[DNSSEC_ANCHORS_MAX];
};

/* With the lock held: makes `trusted` anew. BANYAN_ENOMEM, BANYAN_ELIMIT: it stays as it was. */
int resolve_keyring_renew(struct resolve_anchors *anchors) _must_use_;
/* Copies what is trusted if it is not `*version` any more; true then. */
bool resolve_keyring_copy(struct resolve_anchors *anchors, uint32_t *version, struct dnssec_anchors *copy);
