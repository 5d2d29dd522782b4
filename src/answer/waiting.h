// SPDX-License-Identifier: GPL-3.0-or-later
/* Those who wait for results of the resolver, each with a handle; the ones of a TCP connection also by connection. */
#pragma once

#include "answer/answer.h"

enum dns64_stage { DNS64_OFF, DNS64_AAAA, DNS64_A, DNS64_PTR };

/* Someone who waits: a client with a ticket, or a trace. */
struct waiting {
	bool used, listed; /* listed: among those of its connection */
	bool counted;      /* against what its client may have in flight */
	uint32_t generation;
	uint32_t next_free;  /* index + 1 */
	uint32_t next, prev; /* of the same connection's slot, index + 1 */
	struct net_ticket ticket;
	struct answer_pending pending;
	enum dns64_stage dns64; /* what was asked for it last */
	uint32_t ttl;           /* of made addresses at most */
	bool proved;            /* that there are no real ones */
	uint8_t mapped[WIRE_NAME_MAX];
	void (*traced)(void *ctx, const struct resolve_result *result);
	void *trace_ctx;
};

struct waitings {
	struct waiting *item;
	uint32_t n, free; /* free: index + 1 */
	uint32_t *first;  /* of each connection's slot: index + 1 */
	uint32_t n_conns;
};

/* `ticket` NULL = a trace. NULL = out of memory. */
struct waiting *waiting_take(struct waitings *waitings, const struct net_ticket *ticket, uint64_t *ret_client);
uint64_t waiting_client(const struct waitings *waitings, const struct waiting *waiting);
struct waiting *waiting_find(struct waitings *waitings, uint64_t client);
/* One that waits for a connection's sake, or NULL when there is none left. */
struct waiting *waiting_of_conn(struct waitings *waitings, uint32_t index, uint32_t generation, uint64_t *ret_client);
void waiting_give(struct waitings *waitings, struct waiting *waiting);
void waitings_done(struct waitings *waitings);
