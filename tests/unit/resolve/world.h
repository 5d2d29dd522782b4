// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * world - a small Internet in virtual time, for tests of the resolver.
 *
 * Zones are master-file text, compiled to images; servers serve images and may misbehave; the network between them
 * and the engine loses, delays, repeats, reorders and forges, drawn from a seed. Nothing else is random and nothing
 * waits: world_run() moves the clock to the next event. The same seed gives the same run.
 */
#pragma once

#include "image/image.h"
#include "resolve/resolve.h"
#include "resolve/store.h"

#define WORLD_SERVERS_MAX 128
#define WORLD_ZONES_MAX   128
#define WORLD_CLIENTS_MAX 256

enum world_habit {
	WORLD_DEAD = 1,    /* says nothing */
	WORLD_REFUSED = 2, /* lame: REFUSED */
	WORLD_SERVFAIL = 4,
	WORLD_UPWARD = 8,        /* lame: refers to the root */
	WORLD_TRUNCATES = 16,    /* TC to everything over UDP */
	WORLD_NO_EDNS = 32,      /* FORMERR to questions with OPT */
	WORLD_LOWERCASE = 64,    /* gives names back in lower case */
	WORLD_NO_TCP = 128,      /* refuses connections */
	WORLD_UNREACHABLE = 256, /* the network says so at once */
	WORLD_GARBAGE = 512,     /* malformed behind a good question */
	WORLD_POISONS = 1024,    /* adds records that it has no business with */
	WORLD_DENIES_ENT = 2048, /* NXDOMAIN for empty non-terminals */
	WORLD_RECURSES = 4096,   /* answers without AA, with RA */
	WORLD_FRAGMENTS = 8192,  /* its UDP replies come in pieces */
};

struct world;

/* What a server of another making answers: length of the reply, 0 = none, <0 = the network fails. */
typedef int (*world_answer_fn)(void *ctx, const struct addr *to, bool tcp, const uint8_t *msg, size_t len, uint8_t *out,
			       int64_t *delay_ms);

#define WORLD_NOT_MINE (-2000)

struct world_network {
	unsigned loss, repeat, forge; /* percent of messages */
	unsigned jitter_ms;           /* more than it, at random: reorders */
};

struct world_answer {
	unsigned times; /* a question must be answered once */
	uint16_t rcode;
	bool authentic, from_cache;
	enum reason reason;
	uint32_t upstream;
	int64_t took_ms;
	size_t n_steps;
	char text[4096]; /* "name TTL type rdata; ..." of the answer section */
	char authority[2048];
	char trace[4096]; /* a line a step */
};

/* Wall clock when the monotonic one is 0: 2026-08-01. */
#define WORLD_EPOCH_MS INT64_C(1785542400000)

struct world {
	struct resolve *engine;
	struct resolve_cache *cache;
	struct resolve_settings settings;
	struct random random; /* the engine's */
	struct random dice;   /* the network's */
	struct counters counters;
	struct world_network network;
	int64_t now_ms, wake_at_ms;
	int64_t wall_off_ms; /* how far the wall clock was set off since the start */
	const struct image *root;
	int64_t root_from_s, root_until_s;
	const struct policy *policy;               /* NULL = none */
	const struct resolve_negatives *negatives; /* likewise */
	size_t n_zones, n_servers;
	struct world_zone {
		struct zone *zone;
		struct image *image;
	} zone[WORLD_ZONES_MAX];
	struct world_server {
		struct addr addr;
		unsigned habits;
		int64_t rtt_ms;
		size_t n_zones;
		const struct image *image[16];
		unsigned asked, asked_tcp;
	} server[WORLD_SERVERS_MAX];
	world_answer_fn answer_fn; /* before the servers, if set; WORLD_NOT_MINE = let them */
	void *answer_ctx;
	/* each result as it is given, if set */
	void (*result_fn)(void *ctx, uint64_t client, const struct resolve_result *result);
	void (*after_fn)(void *ctx); /* behind each event; may cause others; ctx: result_ctx */
	void *result_ctx;
	void (*anchors_fn)(void *ctx, const struct resolve_action *action); /* RESOLVE_ANCHORS, if set */
	void *anchors_ctx;
	const struct resolve_action *sending; /* while answer_fn runs */
	struct world_event *events;
	struct world_open *open; /* exchanges */
	size_t n_open;
	struct world_answer answer[WORLD_CLIENTS_MAX];
	unsigned sent, sent_tcp;
	bool verbose;
};

/* Settings may be NULL. Fails the test when something cannot be made. */
struct world *world_new(uint64_t seed, const struct resolve_settings *settings);
void world_free(struct world *world);
/* A zone from text; returns its image. */
const struct image *world_zone(struct world *world, const char *origin, const char *text);
void world_root(struct world *world, const char *text);
struct world_server *world_server(struct world *world, const char *addr, unsigned habits, int64_t rtt_ms);
void world_serve(struct world_server *server, const struct image *image);

void world_ask(struct world *world, uint64_t client, const char *name, uint16_t type);
void world_event(struct world *world, struct resolve_event *event); /* any other; now and root are filled in */
/* Until nothing is open or the time has come. */
void world_run(struct world *world, int64_t for_ms);
/* Something more arrives for the exchange that answer_fn is called for: a forgery, if `from` or the bytes are wrong. */
void world_inject(struct world *world, int64_t delay_ms, const struct addr *from, const uint8_t *msg, size_t len);
/* Until no client waits and nothing is in flight, or the time has come. */
void world_settle(struct world *world, int64_t for_ms);
/* What this server would say by its zones and habits: length of the reply, 0 = none, <0 = the network fails. */
int world_server_answer(struct world *world, struct world_server *server, bool tcp, const uint8_t *msg, size_t len,
			uint8_t *out);
/* A new engine with these settings stands on the same cache, as after a restart of the program. Nothing may be open. */
void world_restart(struct world *world, const struct resolve_settings *settings);
/* Passes time without events of the network. */
void world_sleep(struct world *world, int64_t ms);
/* Asks, runs, gives the answer. */
const struct world_answer *world_resolve(struct world *world, const char *name, uint16_t type);

extern const uint8_t world_evil_ip[4]; /* what forgeries and poison say: 6.6.6.6 */
