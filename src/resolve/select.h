// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * select - which server to ask, and how long to wait for it.
 *
 * What is measured of a server (round trips, silence, EDNS, case) stands in the shared cache under its address.
 */
#pragma once

#include "base/base.h"

#define SERVER_RTO_FIRST_MS    400 /* before anything is measured: the farthest honest round trips */
#define SERVER_RTO_MIN_MS      200 /* below it a busy server's queue would look like loss */
#define SERVER_RTO_SLACK       2   /* at least so many round trips: one may meet a queue that the last ones did not */
#define SERVER_RTO_MAX_MS      3000
#define SERVER_TCP_FACTOR      3 /* handshake, slow start */
#define SERVER_TCP_MIN_MS      1200
#define SERVER_TCP_FORWARD_MS  4000 /* who resolves for us may have to ask others first */
#define SERVER_DEAD_AFTER      4    /* silences in a row */
#define SERVER_DEAD_FIRST_MS   5000
#define SERVER_DEAD_MAX_MS     600000
#define SERVER_TRIES_MAX       3  /* of one address in one walk through one zone */
#define SERVER_TRIES_FORWARD   4  /* of a forwarder: for six seconds, since it may have slow servers to ask */
#define SERVER_ZONE_TRIES_MAX  16 /* of all addresses in it */
#define SERVER_EXPLORE_PERCENT 5
#define SERVER_UNKNOWN_MS      100 /* an unknown server counts as something below this, at random: so it gets its turn */
#define FAMILY_SILENT          8 /* lost messages in a row, whosever, after which IPv4 or IPv6 as a whole is doubted */
#define FAMILY_PROBE_PERCENT   2 /* ... but for so many choices, since networks are mended */
#define SERVER_DECAY_MS        600000 /* a measured time loses half its weight in this time */

enum server_flag { SERVER_NO_EDNS = 1, SERVER_CASE = 2 /* does not keep the case of names over UDP */ };

#define COOKIE_CLIENT_SIZE 8 /* RFC 7873 section 4 */
#define COOKIE_SERVER_MAX  32
#define COOKIE_OPTION_MAX  (4 + COOKIE_CLIENT_SIZE + COOKIE_SERVER_MAX)

struct server_info {
	int64_t updated_ms, dead_until_ms;
	uint32_t srtt_ms, rttvar_ms;
	uint16_t silences; /* in a row */
	uint8_t flags;
	bool known;                                             /* was measured */
	uint8_t cookie_len;                                     /* 0 = it has sent none */
	uint8_t cookie[COOKIE_CLIENT_SIZE + COOKIE_SERVER_MAX]; /* ours and its own */
};

struct cut;
struct resolve;

/* May this address, which a server of the network gave, not be asked? */
bool resolve_select_refused(const struct resolve *engine, const struct addr *addr);
/* Reads what is known of the targets; marks those that are lame for questions of this type. */
void resolve_select_load(struct resolve *engine, struct cut *cut, unsigned first, uint16_t type);
/* Index of the target to ask next, or BANYAN_ENOENT when none is left. */
int resolve_select_next(struct resolve *engine, struct cut *cut);
int64_t resolve_select_timeout_ms(const struct server_info *info, bool tcp, bool forwarder);

/* What happened: updates `info` and the shared cache. */
/* Messages to IPv4 and IPv6 servers: what does not work here is asked last. */
struct family_state {
	uint32_t silent; /* lost in a row */
};

void resolve_select_replied(struct resolve *engine, const struct addr *addr, struct server_info *info, int64_t took_ms);
/* Silences of questions that were in flight together count once. */
void resolve_select_silent(struct resolve *engine, const struct addr *addr, struct server_info *info, int64_t sent_ms);
/* `cookie` NULL = it has none. */
void resolve_select_cookie(struct resolve *engine, const struct addr *addr, struct server_info *info,
			   const uint8_t *cookie, size_t len);
void resolve_select_flag(struct resolve *engine, const struct addr *addr, struct server_info *info,
			 enum server_flag flag);
