// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan plan, private: editions weighed by this program's own answering code, and how the result is written. */
#pragma once

#include "publish/plan/plan.h"

#define PLANNER_SIZES_MAX    16
#define PLANNER_ROWS_MAX     (3 * PLANNER_SIZES_MAX + 2)
#define PLANNER_CHILDREN_MAX 64

/* The server that this is: zones compiled and asked as banyand does. */
struct planner_server;
int planner_server_new(struct planner_server **ret) _must_use_;
void planner_server_free(struct planner_server *server);
struct plan_asker planner_server_asker(struct planner_server *server);

/* Another server, on the network. */
struct planner_peer {
	struct addr addr;
	char why[128]; /* of the last failure */
};
int planner_peer_ask(void *ctx, const struct plan_question *question, uint8_t *out, size_t *ret_len);

/* plan_sources.c: what files say of servers, and of who signs; what is wrong with them goes to standard error. */
struct planner_found {
	struct plan_set set;
	size_t n_signers; /* 0: nothing is said */
	struct plan_signer signer[PLAN_SIGNERS_MAX];
};
int planner_zone_read(const char *path, struct zone **ret) _must_use_;
int planner_from_zone(const char *path, struct planner_found *ret) _must_use_;
int planner_from_edition(const char *path, struct planner_found *ret) _must_use_;

/* One question, what came, and what another server said. */
struct planner_row {
	struct plan_question question;
	struct plan_message message;
	struct plan_missing missing;
	struct plan_fit fit;
	bool has_fit, has_peer;
	struct plan_message peer;
	struct plan_comparison comparison;
	struct plan_missing peer_missing;
};

struct planner_plan {
	const char *section, *title, *words; /* of a scheme, else NULL */
	struct plan_edition edition;
	size_t n_size;
	uint16_t size[PLANNER_SIZES_MAX];
	size_t n_rows;
	struct planner_row row[PLANNER_ROWS_MAX];
	struct plan_fit bare[PLANNER_SIZES_MAX]; /* servers whose whole reply fits without OPT */
	bool has_bare;
	const struct plan_message *whole; /* the last row: all that belongs to it */
};
/* The questions that every plan asks, of what the server has loaded, the root first. `fits`: the edition may be asked with other numbers of servers. */
int planner_run(const struct plan_asker *asker, const struct zone *zone, struct planner_peer *peer, bool fits,
		struct planner_plan *plan) _must_use_;
void planner_plan_done(struct planner_plan *plan);

/* What must come out for the root as it is and as it may be. */
struct planner_seed {
	const char *words;
	size_t expected, found;
	bool servers; /* a number of servers, else bytes */
	struct plan_message message;
};
#define PLANNER_SEEDS 5
int planner_seeds(const struct plan_asker *asker, int64_t now, struct planner_seed seed[PLANNER_SEEDS]) _must_use_;

/* plan_print.c */
void planner_print(const struct planner_plan *plan);
void planner_print_records(const struct planner_plan *plan);
void planner_print_schemes(const struct planner_plan *plan, size_t n);
void planner_print_seeds(const struct planner_seed seed[PLANNER_SEEDS]);
/* plan_json.c: to standard output. `seed` may be NULL. */
void planner_json(const struct planner_seed *seed, const struct planner_plan *plan, size_t n);
