// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Who is told of new versions of a zone, and how far each has been told. Part of push.h.
 *
 * One struct push_notify a zone, without sockets and clocks: push_notify_publish() says that a version is in use here;
 * push_notify_send() gives the messages that are due (RFC 1996), push_notify_take() reads the replies to them,
 * push_notify_wake() says when there is more to do. Peers are configured, or register themselves (docs/registration.md): that is soft
 * state, which ends if it is not renewed. What is told, to whom, and when, is decided here alone, so the daemon and the simulator
 * behave alike.
 *
 * What keeps messages from going round: nobody but push_notify_publish() starts a round, and that only for a serial that is
 * newer (RFC 1982) than the last one. Who calls it has proved that version and serves it. In a round each peer gets at most
 * `tries_max` copies of one message, and one reply ends it.
 */
#pragma once

#include "wire/wire.h"

/* Defaults, and why. */
#define PUSH_TRIES_MAX       6     /* RFC 1996 section 3.6: at most five more after the first */
#define PUSH_RETRY_MS        2000  /* then twice as long each time: the last copy goes out after a minute */
#define PUSH_IN_FLIGHT_MAX   1000  /* messages without reply yet, of one zone */
#define PUSH_RATE            1000  /* messages a second, of one zone: peers then fetch, and that must be served, too */
#define PUSH_INTERVAL_MS     5000  /* from one version to the next, for one peer */
#define PUSH_FAILURES_MAX    2     /* versions in a row without a reply: out, or benched if configured */
#define PUSH_REGISTERED_MAX  10000 /* peers; some 130 bytes each */
#define PUSH_PER_ADDRESS_MAX 4     /* ports of one address (IPv6: of one /64): instances of one machine */
#define PUSH_LIFETIME_MIN_S  60    /* shorter ones are only work */
#define PUSH_LIFETIME_MAX_S  86400 /* who is gone is forgotten within a day */
#define PUSH_SHARES          32    /* no network (IPv4 /16, IPv6 /32) keeps more than 1/32 of a full table */
#define PUSH_MESSAGE_MAX     1232  /* bytes of a NOTIFY: two names, a SOA and a TSIG fit in half of it */

struct push_notify;

struct push_notify_settings {
	uint32_t tries_max, retry_ms, in_flight_max, rate, interval_ms, failures_max;
	uint32_t registered_max, per_address_max, lifetime_min_s, lifetime_max_s;
	/* The key of this number (above 0); NULL = there is none any more. */
	const struct wire_tsig_key *(*key)(void *ctx, uint16_t number);
	void *key_ctx;
	struct random *random;     /* shared by many */
	struct counters *counters; /* NULL = nothing is counted */
};
void push_notify_settings_default(struct push_notify_settings *settings);

/* The settings stay the caller's and must live as long; they may change between two calls. */
int push_notify_new(const uint8_t *apex, const struct push_notify_settings *settings, struct push_notify **ret)
	_must_use_;
void push_notify_free(struct push_notify *notify);
const uint8_t *push_notify_apex(const struct push_notify *notify); /* lower case */

/* ---- peers ---- */
struct push_peer {
	struct addr addr;
	uint16_t key;     /* number of its key, 0 = none */
	struct addr from; /* to be told from; family 0 = where it has registered, else any */
};
/* All configured ones; those of before that are not among them are told no more. */
int push_notify_configure(struct push_notify *notify, const struct push_peer *peer, size_t n, int64_t now_ms)
	_must_use_;

struct push_ask {
	struct addr peer;  /* with the port for notifications */
	struct addr local; /* where the question came to; family 0 = not known */
	uint16_t key;      /* of the TSIG that held, 0 = none */
	bool release;
	uint32_t lifetime_s;
};
/* A peer that may, and that has proved its address, asks. What it is told: `status`, and with GRANTED the lifetime. */
struct wire_registration push_notify_register(struct push_notify *notify, const struct push_ask *ask, int64_t now_ms);

/* Before keys that messages in flight were signed with are freed: replies to those are not listened to any more. */
void push_notify_forget_keys(struct push_notify *notify);

/* ---- rounds ---- */
/* A version is in use here. A round begins if its serial is newer than the last one (true). `soa`: its data, as a hint
 * (RFC 1996 section 3.7). */
bool push_notify_publish(struct push_notify *notify, uint32_t serial, const uint8_t *soa, size_t soa_len,
			 int64_t now_ms);
struct push_message {
	struct addr to, from; /* from: family 0 = any */
};
/* Writes the message that is due, to be sent at once: its length; 0 = there is none now. */
int push_notify_send(struct push_notify *notify, int64_t now_ms, uint8_t *out, size_t cap, struct push_message *ret)
	_must_use_;
/* When push_notify_send() may have something; INT64_MAX = not before something else happens. */
int64_t push_notify_wake(const struct push_notify *notify);
/* A message has come to where notifications are sent from. Was it the reply to one? */
bool push_notify_take(struct push_notify *notify, const struct addr *from, const uint8_t *msg, size_t len,
		      int64_t now_ms);

/* ---- looking ---- */
struct push_peer_state {
	struct addr addr, local;           /* local: where it has registered; family 0 = not known */
	bool registered, benched, waiting; /* waiting: it has not yet confirmed the newest version */
	uint16_t key;
	uint32_t serial; /* that it knows of; has_serial */
	bool has_serial;
	uint16_t rcode;             /* of its last reply */
	unsigned failures;          /* versions in a row that it has not confirmed */
	int64_t since_ms, until_ms; /* registered: from when, until when */
};
size_t push_notify_count(const struct push_notify *notify);
size_t push_notify_registered(const struct push_notify *notify);
/* The peers one by one, from *at = 0; false at the end. */
bool push_notify_next(const struct push_notify *notify, size_t *at, struct push_peer_state *ret);
size_t push_notify_bytes(const struct push_notify *notify); /* memory */
