// SPDX-License-Identifier: GPL-3.0-or-later
/* plan - the zones of the soak, the questions about them, and what a right answer is. */
#pragma once

#include "unit/resolve/world.h"

#define PLAN_TLDS         5
#define PLAN_DOMAINS      100
#define PLAN_TLD_SERVERS  2                 /* of each TLD */
#define PLAN_SERVERS      60                /* of all domains; each uses two or three */
#define WORLD_CACHE_BYTES ((size_t)1 << 20) /* that of world_new(): too small for all, so there is eviction */

enum kind { ASK_WWW, ASK_ALIAS, ASK_NOTHING, ASK_EMPTY, ASK_DEEP, ASK_WILD, ASK_DNAME, ASK_KINDS };

struct plan {
	uint32_t weight[PLAN_DOMAINS]; /* cumulated: a few domains are asked for often (Zipf) */
};

struct asked {
	enum kind kind;
	unsigned domain;
	char name[96];
};

/* Draws nothing but keys: every seed has the same zones, and its own network and questions. */
struct world *plan_world(uint64_t seed, struct plan *ret_plan);
void plan_ask(const struct plan *plan, struct random *dice, struct asked *ret);
/* What is wrong with a result that is no SERVFAIL, or NULL. */
const char *plan_wrong(const struct asked *asked, const struct resolve_result *result);
