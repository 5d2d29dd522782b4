// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Transfers out, of the room push.
 *
 * push_version is one version of a zone as secondaries get it: the messages of its AXFR (RFC 5936), finished but for ID and flags, and the
 * differences that lead to it from versions before (RFC 1995). It never changes and is shared: the daemon holds the current one, each
 * transfer holds the one with which it began, so that all of a transfer is of one version. push_transfer is one reply to a question for
 * AXFR or IXFR, message by message, without sockets. Called by cmd/.
 *
 * Example:
 *
 *	struct push_version *version;
 *	push_version_new(zone, before, &limits, &version);
 *	struct push_transfer_settings settings = {.version = version, .question = msg, .question_len = len, .tcp = true};
 *	struct push_transfer *transfer;
 *	if (push_transfer_new(&settings, &transfer) == 0)
 *		while ((n = push_transfer_next(transfer, out, sizeof out)) > 0)
 *			send(out, n);
 */
#pragma once

#include "sync/sync.h"

/* ---- versions ---- */

#define PUSH_STEPS_MAX     1000 /* differences kept, whatever is asked for: a transfer goes through all of them */
#define PUSH_STEPS_DEFAULT 100  /* some days of a zone that changes each hour */
#define PUSH_BYTES_DEFAULT ((size_t)16 << 20) /* of differences of one zone; they are never more than the zone itself */
#define PUSH_MESSAGE       16384              /* bytes of a message: as far as pointers of compressed names reach */
#define PUSH_ROOM          1024 /* bytes of each message that are left for OPT (some 330 at most) and TSIG (some 620 at most) */

struct push_version;
struct push_limits {
	unsigned steps_max; /* 0 = no differences */
	size_t bytes_max;   /* of differences; 0 = none */
};
/* `before` (may be NULL): the version that secondaries have; what it knows of those before it is taken over, in so far as differences are
 * of use: contiguous, to newer serials, and in sum smaller than the zone. BANYAN_EMALF: the zone has no SOA; BANYAN_ESPACE: it has
 * a record that fits no message. */
int push_version_new(const struct zone *zone, const struct push_version *before, const struct push_limits *limits,
		     struct push_version **ret) _must_use_;
struct push_version *push_version_hold(struct push_version *version); /* from any thread */
void push_version_release(struct push_version *version);              /* likewise; NULL is nothing */

uint32_t push_version_serial(const struct push_version *version);
uint32_t push_version_expire_s(const struct push_version *version); /* of its SOA */
const uint8_t *push_version_apex(const struct push_version *version);
size_t push_version_steps(const struct push_version *version);      /* versions before it that differences lead from */
size_t push_version_step_bytes(const struct push_version *version); /* of memory, of differences */
size_t push_version_bytes(const struct push_version *version);      /* of its AXFR, without OPT and TSIG */
size_t push_version_messages(const struct push_version *version);   /* likewise */
/* The zone, out of its messages. */
int push_version_zone(const struct push_version *version, struct zone **ret) _must_use_;

/* A version and its differences as a file, for the time after a restart. What is read is checked against damage, not against malice. */
int push_version_write(const struct push_version *version, struct buffer *out) _must_use_;
int push_version_read(const uint8_t *data, size_t len, struct push_version **ret) _must_use_; /* BANYAN_EMALF */

/* ---- transfers ---- */

enum push_kind {
	PUSH_WHOLE,       /* AXFR, also as the answer to IXFR */
	PUSH_DIFFERENCES, /* IXFR */
	PUSH_CURRENT,     /* one SOA: the client has the version already */
	PUSH_RETRY,       /* one SOA over UDP: the client shall come by TCP */
};

struct push_transfer;
struct push_transfer_settings {
	struct push_version *version; /* held until the transfer is freed */
	const uint8_t *question;      /* as it came, but without TSIG */
	size_t question_len;
	bool tcp;
	size_t udp_max;               /* bytes of the reply over UDP */
	const uint8_t *opt;           /* the OPT record of each message, or none */
	size_t opt_len;               /* at most PUSH_OPT_MAX */
	const struct wire_tsig *tsig; /* of a question that was good, copied; NULL = unsigned */
};
#define PUSH_OPT_MAX 400 /* OPT with NSID, cookie, keepalive and expire */

/* BANYAN_EMALF: the question is none for this zone, or an IXFR without the client's serial: FORMERR. BANYAN_EUNSUPP: AXFR over UDP. */
int push_transfer_new(const struct push_transfer_settings *settings, struct push_transfer **ret) _must_use_;
void push_transfer_free(struct push_transfer *transfer);
/* The next message and its length; 0 = that was the last. `cap`: 65535. */
int push_transfer_next(struct push_transfer *transfer, uint8_t *out, size_t cap) _must_use_;

enum push_kind push_transfer_kind(const struct push_transfer *transfer);
bool push_transfer_asked_ixfr(const struct push_transfer *transfer);
uint32_t push_transfer_from(const struct push_transfer *transfer);  /* the client's serial, when it asked for IXFR */
uint64_t push_transfer_bytes(const struct push_transfer *transfer); /* so far */
unsigned push_transfer_messages(const struct push_transfer *transfer);
