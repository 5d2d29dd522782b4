// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * sync - zones between machines.
 *
 * sync_transfer is one transfer of a zone from one of its primaries, without sockets: the serial is asked for first, then the
 * differences (IXFR, RFC 1995) or the whole (AXFR, RFC 5936), each message signed if there is a key (RFC 8945). What comes is
 * kept as a list of changes, and becomes a new version of the zone when all of it is there. sync_pull drives it over TCP on a
 * libuv loop, one primary after the other. sync_notify reads what primaries send when they have something new (RFC 1996).
 * Nothing here decides whether a version is good: who asked for it proves it. Called by cmd/.
 *
 * Example:
 *
 *	struct sync_transfer_settings settings = {.apex = apex, .have = true, .serial = 7, .bytes_max = 1 << 30};
 *	struct sync_transfer *transfer;
 *	sync_transfer_new(&settings, &transfer);
 *	for (progress = SYNC_ASK; progress == SYNC_ASK || progress == SYNC_WAIT;) {
 *		if (progress == SYNC_ASK)
 *			send(sync_transfer_ask(transfer, out, sizeof out));
 *		progress = sync_transfer_take(transfer, msg, receive(msg));
 *	}
 *	if (progress == SYNC_CHANGED)
 *		sync_transfer_zone(transfer, old, &zone);
 */
#pragma once

#include "net/net.h"
#include "zone/zone.h"

#define SYNC_ASK_MAX       1024                /* bytes of a question: two names, two SOAs' worth, and a TSIG */
#define SYNC_WHY_MAX       400                 /* bytes of a sentence */
#define SYNC_BYTES_DEFAULT ((uint64_t)1 << 30) /* of records in one transfer */
#define SYNC_IDLE_MS       15000               /* without a message: a primary that works takes seconds at most */
#define SYNC_WHOLE_MS      (2 * 3600 * 1000)   /* of one transfer: a large zone over a thin line, but not for ever */
#define SYNC_PRIMARIES_MAX 32
#define SYNC_EMPTY_MAX     100 /* messages of a transfer that bring no record: a primary that works sends none */

/* ---- one transfer ---- */

struct sync_transfer;
struct sync_transfer_settings {
	const uint8_t *apex; /* lower case */
	bool have;           /* there is a version already, with this serial */
	uint32_t serial;
	bool whole;                      /* when there is a newer version, all of it and no differences */
	const struct wire_tsig_key *key; /* NULL = unsigned */
	uint64_t bytes_max;              /* of what is kept, and of the messages; 0 = SYNC_BYTES_DEFAULT */
	uint64_t seed;                   /* of message IDs */
};

enum sync_progress {
	SYNC_ASK,     /* the next message is sync_transfer_ask()'s */
	SYNC_WAIT,    /* more messages come */
	SYNC_CURRENT, /* there is nothing newer */
	SYNC_CHANGED, /* all is there */
	SYNC_FAILED,  /* sync_transfer_why() */
};

int sync_transfer_new(const struct sync_transfer_settings *settings, struct sync_transfer **ret) _must_use_;
void sync_transfer_free(struct sync_transfer *transfer);
/* Writes the question that comes next; its length. */
int sync_transfer_ask(struct sync_transfer *transfer, uint8_t *out, size_t cap) _must_use_;
enum sync_progress sync_transfer_take(struct sync_transfer *transfer, const uint8_t *msg, size_t len);
const char *sync_transfer_why(const struct sync_transfer *transfer);
uint32_t sync_transfer_serial(const struct sync_transfer *transfer); /* of the primary */
/* How long the primary may still use it (EDNS EXPIRE, RFC 7314), as it said last; 0 = it has not. */
uint32_t sync_transfer_expire_s(const struct sync_transfer *transfer);
bool sync_transfer_is_whole(const struct sync_transfer *transfer);  /* or differences */
size_t sync_transfer_changes(const struct sync_transfer *transfer); /* records */
uint64_t sync_transfer_bytes(const struct sync_transfer *transfer); /* of its messages so far */
/* The new version; `base` has the serial of the settings, NULL if the transfer is whole. BANYAN_EMALF: they do not fit. */
int sync_transfer_zone(const struct sync_transfer *transfer, const struct zone *base, struct zone **ret) _must_use_;

/* What the transfer brought, as bytes for sync_changes_apply() in another process. Appends to `out`. */
int sync_changes_write(const struct sync_transfer *transfer, struct buffer *out) _must_use_;
/* The new version. `base`: NULL if there is none. BANYAN_EAGAIN: they are differences, and not from this base. BANYAN_EINVAL: of another zone. */
int sync_changes_apply(const uint8_t *data, size_t len, const uint8_t *apex, const struct zone *base, struct zone **ret)
	_must_use_;

/* Is `a` newer than `b` (RFC 1982)? */
static inline bool sync_serial_newer(uint32_t a, uint32_t b)
{
	return a != b && a - b < (uint32_t)1 << 31;
}

/* The timers in a SOA, in seconds. */
struct sync_timers {
	uint32_t serial, refresh, retry, expire;
};
bool sync_timers_of(const struct zone *zone, struct sync_timers *ret); /* false: it has no SOA */

/* ---- one zone from its primaries, over TCP ---- */

struct sync_pull;
struct sync_pull_result {
	enum sync_progress progress;          /* CURRENT, CHANGED or FAILED */
	const struct addr *from;              /* which primary it was; the last one of those that failed */
	const struct sync_transfer *transfer; /* CHANGED: valid during the call, unless taken */
	const char *why;                      /* FAILED: a sentence for each primary */
};
struct sync_pull_settings {
	struct sync_transfer_settings transfer;
	size_t n_primaries;
	const struct addr *primary;        /* copied; asked in this order */
	uint32_t idle_ms, whole_ms;        /* 0 = the default above */
	const struct net_tls_trust *trust; /* over TLS (RFC 9103), to whom this trusts; NULL = plain TCP */
	uint32_t rate_min;                 /* bytes a second (net_client_settings); 0 = no such limit */
	void (*done)(void *ctx, const struct sync_pull_result *result); /* once, never from within sync_pull_start() */
	void *ctx;
};
struct uv_loop_s;
int sync_pull_start(struct uv_loop_s *loop, const struct sync_pull_settings *settings, struct sync_pull **ret)
	_must_use_;
/* From within done(): the transfer is the caller's from now on. */
struct sync_transfer *sync_pull_take(struct sync_pull *pull);
void sync_pull_cancel(struct sync_pull *pull); /* done() is not called any more */
/* Why nothing can be sent to an address, for people. */
const char *sync_unreachable_text(int error);

/* ---- notifications ---- */

struct sync_notify {
	uint16_t id;
	uint8_t apex[WIRE_NAME_MAX]; /* lower case */
	bool has_serial, is_signed;
	uint32_t serial; /* a hint, not to be trusted (RFC 1996 section 3.7) */
};
/* Is it a NOTIFY for a zone? Nothing else is done with it. */
bool sync_notify_parse(const uint8_t *msg, size_t len, struct sync_notify *ret);
/* The reply to it, signed if `tsig` has just checked it; its length. */
int sync_notify_reply(const struct sync_notify *notify, uint16_t rcode, struct wire_tsig *tsig, uint8_t *out,
		      size_t cap) _must_use_;
