// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of NOTIFY out share: the table of peers. */
#pragma once

#include "notify.h"

#define NO_PEER     UINT32_MAX
#define BUCKETS_MIN 16

enum peer_state {
	PEER_FREE,
	PEER_QUIET,   /* it knows the newest serial, or was given up for it */
	PEER_DUE,     /* the next copy is to go out at due_ms */
	PEER_WAITING, /* one went out; if no reply comes until due_ms, it has none */
};

struct peer {
	struct addr addr, local;
	uint8_t state; /* enum peer_state */
	uint8_t tries; /* copies of this round */
	uint8_t failures;
	bool configured, registered, has_serial, plain; /* plain: without EDNS, which it does not understand */
	bool fixed;                                     /* configured: local */
	bool told;                                      /* at least once: first_ms */
	bool marked;                                    /* push_notify_configure() at work */
	uint16_t id, key, rcode;
	uint32_t serial;  /* confirmed by it */
	uint32_t heap_at; /* place in its heap */
	uint32_t next;    /* in its bucket, or in the list of free ones */
	int64_t due_ms;   /* when it is looked at again */
	int64_t first_ms; /* the first copy of the last round went out */
	int64_t since_ms, until_ms;
	struct wire_tsig *tsig; /* of the message in flight */
};

/* Peers by when they are looked at. */
struct heap {
	uint32_t *item, n, cap;
};

/* How many are registered from one network. */
struct crowd {
	uint8_t family, bits;
	uint8_t prefix[8];
	uint32_t count, next;
};

struct push_notify {
	const struct push_notify_settings *settings;
	struct peer *peer;
	uint32_t n_peers, cap_peers, free_peer; /* n_peers: places in use or in the free list */
	uint32_t count, n_registered, in_flight;
	uint32_t *bucket, n_buckets;
	struct crowd *crowd;
	uint32_t n_crowds, cap_crowds, free_crowd;
	uint32_t crowd_most; /* no network has more than so many, but perhaps all have fewer */
	uint32_t *crowd_bucket, n_crowd_buckets;
	struct heap sends;  /* PEER_DUE */
	struct heap timers; /* the others */
	int64_t slot_us;    /* the rate: no message goes out before */
	uint64_t hash_key[2];
	bool has_serial;
	uint32_t serial;
	uint16_t soa_len;
	uint8_t *soa;
	uint8_t apex[]; /* as long as it is */
};

/* notify_table.c */
uint32_t peer_find(const struct push_notify *notify, const struct addr *addr);
uint32_t peer_add(struct push_notify *notify, const struct addr *addr); /* NO_PEER = out of memory */
void peer_remove(struct push_notify *notify, uint32_t at);
/* The peer's state and time change: it goes to its place in the heap that it belongs to. */
void peer_move(struct push_notify *notify, uint32_t at, enum peer_state state, int64_t due_ms);
/* Nothing is to be sent: it is looked at again when its registration ends. */
void peer_rest(struct push_notify *notify, uint32_t at);
void notify_count(const struct push_notify *notify, enum counter counter);

/* notify_crowd.c: what of a network is registered */
enum crowd_kind { CROWD_ADDRESS, CROWD_NETWORK };
uint32_t crowd_count(const struct push_notify *notify, enum crowd_kind kind, const struct addr *addr);
int crowd_join(struct push_notify *notify, const struct addr *addr) _must_use_;
void crowd_leave(struct push_notify *notify, const struct addr *addr);
/* The network with the most registrations: how many, and one address of it. */
uint32_t crowd_largest(struct push_notify *notify, struct addr *ret);
bool crowd_same_network(const struct addr *a, const struct addr *b);
void crowd_done(struct push_notify *notify);

/* notify_register.c */
void registration_end(struct push_notify *notify, uint32_t at); /* the peer stays if it is configured, too */

/* notify_message.c */
int notify_write(struct push_notify *notify, struct peer *peer, uint8_t *out, size_t cap) _must_use_;
/* Is it the reply to the peer's message? Its RCODE. */
bool notify_check(const struct push_notify *notify, struct peer *peer, const uint8_t *msg, size_t len,
		  uint16_t *ret_rcode);
void notify_forget(struct peer *peer); /* no reply is waited for any more */
