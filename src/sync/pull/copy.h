// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the files of the copy machine share. It works in rounds: some sources are asked for their serial (copy_round.c), the best of those that
 * have something newer (copy_rank.c) is fetched from, the candidate is proved and takes the place of the version before it. When the next round
 * begins, and until when a version may be used, is in copy_time.c; what all this amounts to, in copy_state.c.
 */
#pragma once

#include "pull.h"
#include "sync/sync.h"

#define SENTENCE_MAX PULL_WHY_MAX

/* How it was that a source cost its turn. */
enum pull_fault {
	FAULT_NONE,
	FAULT_SILENT,  /* it has not said its serial */
	FAULT_STALLED, /* the fetch did not come to its end */
	FAULT_LIED,    /* what it gave is not as new as what it had said */
	FAULT_REFUSED, /* what it gave did not prove */
};

/* That there may be something new, by somebody's word. */
struct copy_hint {
	bool changed;  /* it is on this machine, and not what it was */
	bool notified; /* with this serial, if has_serial */
	bool has_serial;
	uint32_t serial;
};

struct copy_source {
	struct pull_copy_source settings;
	struct copy_hint hint, taken; /* since it was asked last; what it was asked for in this round */
	uint32_t ticket;              /* of the question that is under way; 0 = none */
	bool answered;                /* in this round, by a serial */
	bool has_serial, proved, lag_told, no_changes;
	bool unknown;             /* in this round: something may have changed, which serial it has it cannot say */
	int64_t unknown_since_ms; /* 0 = it is not unknown */
	uint32_t serial;
	uint32_t expire_s;           /* what it said then is left of its own copy (EDNS EXPIRE); 0 = nothing */
	int64_t serial_ms;           /* when it said so; monotonic */
	int64_t asked_ms;            /* when it was asked last; 0 = never */
	int64_t lags_since_ms;       /* 0 = it does not */
	enum pull_fault fault;       /* the last one */
	enum pull_fault shunned_for; /* the last one for which it is shunned, until something from it proves */
	unsigned failures;           /* in a row */
	int64_t bench_ms;            /* until then it is not asked */
	int64_t shun_ms;             /* until then this serial is not fetched from it */
	uint32_t shun_serial;
	uint32_t probe_ms, fetch_ms; /* smoothed; 0 = not known */
	char *why;
};

enum copy_phase { PHASE_IDLE, PHASE_PROBING, PHASE_FETCHING, PHASE_PROVING, PHASE_STORING };

/* What did not become the version in use. */
struct copy_refusal {
	bool is;
	uint32_t serial;
	char *why;
};

struct pull_copy {
	struct pull_copy_settings settings;
	uint64_t random;
	uint32_t tickets; /* given out so far */
	size_t n_sources;
	struct copy_source *source;

	/* the version in use */
	bool have, has_floor, floor_off, held;
	struct pull_version version;
	uint32_t floor;
	int64_t confirmed_ms, confirmed_s; /* by either clock; 0 = never */
	bool confirmed;                    /* in this run or by the store */
	uint32_t limit_s;                  /* counted from then: the SOA's expire, or what its source has said */

	/* versions with dates that are kept beside it (copy_dates.c), in no order: PULL_SHELF_MAX places once there is one */
	uint32_t n_shelf;
	struct pull_version *shelf;
	uint32_t turn_ticket, turn_serial; /* 0 = none is under way */
	int64_t turn_ms;                   /* no try before this */

	/* the clocks */
	struct pull_now now;
	bool has_now;

	/* the round */
	enum copy_phase phase;
	uint64_t asked, fetched; /* sources of this round, as bits */
	size_t pending;          /* questions for serials */
	bool begun;              /* at any time */
	int64_t begun_ms;
	int64_t deadline_ms; /* of the phase */
	uint32_t ticket;     /* of the fetch, the proof or the storing */
	size_t from;         /* the source of the candidate */
	uint32_t claimed, fetch_ms,
		source_expire_s; /* what that source has said; how long the fetch took; EDNS EXPIRE */
	bool with_changes, round_confirmed, fruitful;
	bool hinted;           /* it was not due: somebody has said that there is something new, */
	bool by_notify;        /* ... by a notification, */
	bool by_change;        /* ... or a file has changed */
	bool hindered;         /* by this machine: so many downloads in an hour, no room, nobody who proves */
	bool round_failed;     /* a source has cost its turn */
	bool desperate;        /* all sources are on the bench */
	bool from_unknown;     /* the candidate's source could not say its serial */
	bool again, again_all; /* what was decided in this round may be wrong by now: another one follows at once */
	unsigned n_fetches;
	struct pull_version candidate;
	bool ahead; /* it is stored, but its time has not begun */
	/* what proved in this round, but waits for its time: others may have what can be used until then */
	bool aside, aside_over;
	uint32_t aside_serial;
	size_t aside_from;

	/* between rounds */
	int64_t next_ms;
	unsigned failures;
	struct copy_hint hint, taken; /* of somebody who is no source */
	int64_t notify_ok_ms;         /* a notification starts no round before this */
	uint32_t notify_wait_s;
	double fetch_tokens;
	int64_t fetch_tokens_ms;

	/* what is told */
	enum pull_state state;
	bool stated;
	char *why;
	struct copy_refusal refusal;
	char *silence; /* why the last round brought nothing */
	struct {
		uint64_t probes, fetches, adopted, refused, notifies;
	} sums;
	struct pull_actions *out; /* of this step */
};

/* ---- copy.c ---- */
struct pull_action *copy_act(struct pull_copy *copy, enum pull_action_kind kind);
void copy_note(struct pull_copy *copy, size_t source, bool warning, const char *format, ...) _printf_(4, 5);
void copy_say(char **text, const char *format, ...) _printf_(2, 3); /* NULL when there is no memory: a sentence less */
uint32_t copy_ticket(struct pull_copy *copy);
uint64_t copy_random(struct pull_copy *copy, uint64_t bound);
static inline int64_t copy_mono(const struct pull_copy *copy)
{
	return copy->now.mono_ms;
}

/* ---- copy_time.c ---- */
void copy_clock(struct pull_copy *copy, struct pull_now now);
int64_t copy_jittered_ms(struct pull_copy *copy, int64_t seconds); /* never shorter, up to an eighth longer */
uint32_t copy_refresh_s(const struct pull_copy *copy);
int64_t copy_wait_ms(struct pull_copy *copy);         /* until the next round, by how the last one went */
int64_t copy_left_ms(const struct pull_copy *copy);   /* until it may not be used any more; <= 0: it may not */
int64_t copy_silent_ms(const struct pull_copy *copy); /* since a source has confirmed the version in use */
void copy_confirm(struct pull_copy *copy, uint32_t source_expire_s);
bool copy_fetch_token(struct pull_copy *copy);             /* takes one */
int64_t copy_fetch_token_ms(const struct pull_copy *copy); /* until there is one */
void copy_wake(struct pull_copy *copy);

/* ---- copy_dates.c ---- */
int copy_when(const struct pull_copy *copy, const struct pull_version *version); /* as zone_edition_when() */
uint32_t copy_top(const struct pull_copy *copy);              /* the newest serial that is here, in use or kept; have */
bool copy_has(const struct pull_copy *copy, uint32_t serial); /* is it in use, or the newest that is kept? */
void copy_shelf_take(struct pull_copy *copy, const struct pull_event *event);
void copy_shelf_add(struct pull_copy *copy, const struct pull_version *version);
const struct pull_version *copy_shelf_next(const struct pull_copy *copy); /* whose time begins first; NULL = none */
bool copy_store_ahead(const struct pull_copy *copy); /* is the candidate to be kept for its time? */
void copy_turn_look(struct pull_copy *copy);
void copy_turned(struct pull_copy *copy, const struct pull_event *event);
void copy_turn_forget(struct pull_copy *copy);
int64_t copy_dates_wake_ms(
	const struct pull_copy *copy); /* monotonic: when a date is reached, or a turn is tried again */

/* ---- copy_rank.c ---- */
bool copy_serial_fits(const struct pull_copy *copy,
		      uint32_t serial);         /* newer than what is in use, and not older than the floor */
size_t copy_pick_probe(struct pull_copy *copy); /* PULL_NO_SOURCE: nobody is left */
size_t copy_pick_fetch(struct pull_copy *copy);
void copy_blame(struct pull_copy *copy, size_t source, enum pull_fault fault, const char *why);
void copy_praise(struct pull_copy *copy, size_t source);
void copy_answers(struct pull_copy *copy, size_t source); /* after silence */
void copy_forgive(struct pull_copy *copy, bool all);      /* all, or those whose candidates did not prove */
bool copy_all_benched(const struct pull_copy *copy);
void copy_smooth(uint32_t *average, uint32_t ms);

/* ---- copy_round.c ---- */
void copy_round_drop(struct pull_copy *copy); /* forgets what is under way, but not why */
void copy_round_time(struct pull_copy *copy);
void copy_probed(struct pull_copy *copy, const struct pull_event *event);
void copy_fetched(struct pull_copy *copy, const struct pull_event *event);
void copy_proved(struct pull_copy *copy, const struct pull_event *event);
void copy_stored(struct pull_copy *copy, const struct pull_event *event);

/* ---- copy_hint.c ---- */
void copy_notified(struct pull_copy *copy, const struct pull_event *event);
void copy_changed(struct pull_copy *copy, const struct pull_event *event);
void copy_hint_take(struct copy_hint *hint, struct copy_hint *taken); /* it is looked into now */
void copy_hint_back(struct copy_hint *hint, struct copy_hint *taken); /* nothing came of that look */
bool copy_hints(struct pull_copy *copy, uint64_t *ret_sources); /* false: nobody has said anything that counts now */
int64_t copy_hints_wake_ms(const struct pull_copy *copy);       /* monotonic: when that changes by the time alone */

/* ---- copy_state.c ---- */
void copy_lag_look(struct pull_copy *copy, size_t source);
void copy_state_look(struct pull_copy *copy);
