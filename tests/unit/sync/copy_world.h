// SPDX-License-Identifier: GPL-3.0-or-later
/* A small world in virtual time for the copy machine: one publisher, sources good and bad, clocks that jump. */
#pragma once

#include "test.h"

#include "sync/pull/pull.h"
#include "sync/sync.h"

#define HOUR_S  3600
#define DAY_S   86400
#define START_S 1767225600 /* 2026-01-01 */

enum conduct {
	GOOD,
	DOWN,     /* refuses at once */
	MUTE,     /* never answers */
	FROZEN,   /* stays at its serial */
	LIAR,     /* says more than it gives */
	STALLING, /* says its serial, its fetches never end */
	BROKEN,   /* what it gives does not prove */
	BLIND,    /* cannot say its serial */
	ONE_STEP, /* gives no changes */
};

struct source {
	enum conduct conduct;
	uint32_t serial;   /* FROZEN */
	int64_t behind_s;  /* GOOD: has each version so much later */
	uint32_t expire_s; /* EDNS EXPIRE; 0 = none */
	bool soa_alone;    /* has it, and transfers have not */
	size_t probes, fetches;
};

struct version {
	uint32_t serial;
	int64_t at_s;            /* since the start, true time */
	unsigned key;            /* signed with */
	int64_t from_s, until_s; /* its dates, since the start; both 0 = none */
};

#define WORLD_SOURCES  16
#define WORLD_VERSIONS 4096
#define WORLD_EVENTS   64
#define WORLD_STATES   4096

struct pending {
	int64_t at_ms;
	struct pull_event event;
	struct pull_version version;
};

struct world {
	struct pull_copy *copy;
	struct pull_copy_settings settings;
	uint64_t random;
	int64_t ms;    /* since the start: true time, and the monotonic clock */
	int64_t off_s; /* of the wall clock */
	int64_t wake_ms;
	size_t n_sources;
	struct source source[WORLD_SOURCES];
	size_t n_versions;
	struct version version[WORLD_VERSIONS];
	struct pull_version timers; /* of all versions */
	int64_t signed_s;           /* how long signatures live; 0 = none */
	unsigned anchors;           /* keys up to this are trusted */
	bool store_full;
	bool store_busy;    /* there is no time for turns */
	bool shelf_damaged; /* what is turned to cannot be used */
	size_t n_pending;
	struct pending pending[WORLD_EVENTS];
	/* the candidate */
	uint32_t candidate;
	bool candidate_broken, candidate_ahead;
	/* what came of it */
	bool have;
	struct pull_version in_use;
	size_t n_kept;
	uint32_t kept[WORLD_VERSIONS]; /* what is stored, in order */
	size_t turns;
	bool was_usable; /* at the end of the last step, by the clock as it was then */
	int64_t was_off_s;
	uint32_t highest;
	int64_t confirmed_s; /* true time */
	bool may_be_older;
	size_t n_states;
	enum pull_state state[WORLD_STATES];
	char last_state[PULL_WHY_MAX];
	size_t probes, fetches, drops, adopted, notes, warnings;
	char last_note[PULL_WHY_MAX];
	size_t hour_probes, hour_fetches, hour_probes_most, hour_fetches_most;
	int64_t hour;
};

struct world *world_new(const struct pull_copy_settings *settings, const enum conduct *conduct, size_t n);
void world_free(struct world *w);
void world_publish(struct world *w, uint32_t serial); /* now */
void world_publish_dated(struct world *w, uint32_t serial, int64_t from_s, int64_t until_s);
void world_restart(struct world *w); /* with what is stored */
bool world_usable(const struct world *w);
void world_begin(struct world *w, const struct pull_version *version, int64_t confirmed_at);
void world_tell(struct world *w, const struct pull_event *event);
void world_kind(struct world *w, enum pull_event_kind kind);
void world_run(struct world *w, int64_t seconds);
enum pull_state world_state(const struct world *w);
bool world_was(const struct world *w, enum pull_state state); /* at any time since world_forget() */
void world_forget(struct world *w);
uint32_t world_newest(const struct world *w);
struct pull_now world_now(const struct world *w);
uint64_t world_random(struct world *w, uint64_t bound);
