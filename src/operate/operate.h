// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * operate - what an operator sees and says.
 *
 * Sums the workers' counters, writes status and traces as text or JSON, and owns the control socket: one line
 * asked, one reply, closed. The commands themselves are functions that cmd/ hands in; nothing here knows what
 * they do. Called by the keeper thread of cmd/banyand and by cmd/banyan (the asking side).
 *
 * Example:
 *
 *	static const struct operate_command commands[] = { { "status", on_status }, { NULL, NULL } };
 *	struct operate_control_settings settings = { .path = "/run/banyan/control.sock", .command = commands };
 *	operate_control_new(uv_loop, &settings, &control);
 *
 * and in on_status(ctx, call, argc, argv):
 *
 *	operate_status_text(&status, operate_call_reply(call));
 *	operate_call_done(call, true);
 */
#pragma once

#include "net/net.h"
#include "resolve/resolve.h"

#include <sys/types.h>

#define OPERATE_REQUEST_MAX 2048              /* bytes of a request: the longest name in text twice over */
#define OPERATE_REPLY_MAX   ((size_t)8 << 20) /* bytes of a reply that the asking side takes */
#define OPERATE_WORDS_MAX   8                 /* words of a request */
#define OPERATE_CLIENTS_MAX 32                /* connections to the control socket at once */
#define OPERATE_IDLE_MS     5000              /* a request must come within it, a reply must be taken within it */

/* ---- counters ---- */
struct operate_counters {
	uint64_t value[COUNTER_COUNT];
};
/* Adds up what each worker has counted (NULL entries are skipped). Any thread. */
void operate_counters_sum(struct counters *const *counters, size_t n, struct operate_counters *ret);
int operate_counters_text(const struct operate_counters *counters, struct buffer *out)
	_must_use_; /* "name value" lines */
int operate_counters_json(const struct operate_counters *counters, struct buffer *out) _must_use_;

/* ---- status ---- */
/* Where copies of a zone come from, and how that goes. */
struct operate_copy_source {
	const char *name;
	bool has_serial, lags, proved;
	uint32_t serial;
	int32_t behind;    /* serials behind what is in use; < 0 = ahead */
	int64_t seen_s;    /* since it said so; -1 = never */
	int64_t benched_s; /* from now; 0 = it is not */
	uint32_t probe_ms, fetch_ms;
	unsigned failures;    /* in a row */
	uint32_t kept_newest; /* it has this newer version, which says the same as the one in use and was not fetched */
	int64_t kept_until;   /* UNIX seconds: then it is; 0 = that is not so */
	char why[256];        /* the last one */
};
struct operate_copy {
	const char *state, *store;
	char why[256];
	int64_t confirmed_at, usable_until; /* UNIX seconds; 0 = not known */
	int64_t next_s;                     /* until its sources are asked; 0 = they are being asked */
	unsigned failures;                  /* rounds in a row */
	size_t generations;
	bool has_floor;
	uint32_t floor;
	const char *edition;             /* what the version in use says it is of; "" = none */
	int64_t valid_from, valid_until; /* UNIX seconds; both 0 = it has no dates */
	bool has_next;                   /* one is kept for later */
	uint32_t next_serial;
	int64_t next_from; /* UNIX seconds */
	size_t n_sources;
	struct operate_copy_source source[];
};

struct operate_zone {
	const char *name, *file;
	const char *proof; /* "proved: ...", in words */
	bool loaded, proved;
	uint32_t serial;
	size_t names, records;
	int64_t loaded_at;         /* UNIX seconds */
	int64_t first_expiry;      /* UNIX seconds, 0 = no signatures */
	struct operate_copy *copy; /* NULL = it does not come from sources */
};

/* Rules about names that are loaded as a zone. */
struct operate_policy_zone {
	const char *name, *file;
	bool loaded, fetched; /* fetched: it comes from primaries */
	uint32_t serial;
	size_t rules, ignored, bytes;
	int64_t loaded_at, asked_at; /* UNIX seconds; 0 = never */
	unsigned failures;           /* of the primaries, in a row */
	const char *failure;         /* the last of them, in words */
};

/* Who is told of new versions of a zone. */
struct operate_peer {
	struct addr addr;
	const char *key; /* "" = none */
	bool registered, benched, waiting, has_serial;
	uint32_t serial;
	unsigned failures;
	int64_t since, until; /* UNIX seconds, of its registration */
};
#define OPERATE_PEERS_MAX 1000 /* of one zone that are told one by one */
struct operate_notified {
	char zone[WIRE_NAME_TEXT_MAX];
	size_t n, n_registered, n_shown;
	struct operate_peer *peer; /* n_shown of them */
};
struct json;
int operate_notified_text(const struct operate_notified *zone, struct buffer *out) _must_use_;
void operate_notified_json(struct json *json, const struct operate_notified *zone);

struct operate_status {
	const char *version;
	int64_t started_at, now; /* UNIX seconds */
	int64_t config_at;       /* when the running configuration was loaded */
	const char *config_path;
	const char *last_reload; /* "" or what the last failed reload said */
	const char *attendant;   /* of copies, "running" or "ended"; NULL = there is none */
	unsigned workers;
	size_t n_zones;
	const struct operate_zone *zone;
	size_t n_policy_zones;
	const struct operate_policy_zone *policy_zone;
	size_t n_notified;
	const struct operate_notified *notified;
	bool resolver;
	bool root_wanted;         /* does the configuration name a root copy? */
	bool root_servers;        /* are root servers asked without one? */
	struct operate_zone root; /* root.loaded: there is one */
	size_t cache_bytes, cache_count, cache_budget;
	struct operate_counters counters;
};
int operate_status_text(const struct operate_status *status, struct buffer *out) _must_use_;
int operate_status_json(const struct operate_status *status, struct buffer *out) _must_use_;

/* ---- trust anchors ---- */
struct operate_anchor_key {
	const char *state; /* RFC 5011 section 4: "VALID" */
	uint16_t tag;
	uint8_t algorithm;
	int64_t since, until; /* UNIX seconds; until 0 = no end */
};
struct operate_anchor_zone {
	const char *name, *file; /* file: of its state, "" = none */
	bool rolls;
	int64_t proved, next; /* UNIX seconds; 0 = never, now */
	size_t n_configured, n_trusted, n_keys;
	const uint16_t *trusted; /* key tags */
	const struct operate_anchor_key *key;
};
struct operate_negative_anchor {
	char name[WIRE_NAME_TEXT_MAX];
	int64_t until;   /* UNIX seconds */
	bool configured; /* or by command */
};
struct operate_anchors {
	bool validate;
	int64_t now;
	size_t n_zones, n_negatives;
	const struct operate_anchor_zone *zone;
	const struct operate_negative_anchor *negative;
};
int operate_anchors_text(const struct operate_anchors *anchors, struct buffer *out) _must_use_;
int operate_anchors_json(const struct operate_anchors *anchors, struct buffer *out) _must_use_;

/* ---- traces ---- */
/* The walk of a question, one line a step, then the answer. */
int operate_trace_text(const uint8_t *qname, uint16_t qtype, const struct resolve_result *result, struct buffer *out)
	_must_use_;
int operate_trace_json(const uint8_t *qname, uint16_t qtype, const struct resolve_result *result, struct buffer *out)
	_must_use_;

/* ---- why ---- */
/* A rule of the operator's about a name on the way: the one asked for, or what an alias leads to. */
struct operate_rule {
	const char *name, *rule, *action; /* in words */
	enum reason reason;
	bool noted; /* it changes nothing */
	bool ends;  /* nobody is asked for the name */
};
#define OPERATE_RULES_MAX 16

/* Where a question for the name is decided, and what is known of it. */
struct operate_why {
	const uint8_t *qname;
	uint16_t qtype;
	const struct operate_zone *zone; /* the zone of this server that answers it, or NULL: then the resolver does */
	const struct operate_zone *root; /* the local root, or NULL */
	const struct resolve_facts *facts;
	const char *view; /* of the client; NULL = there are no views */
	size_t n_rules;
	struct operate_rule rule[OPERATE_RULES_MAX];
	bool rules_open; /* rules about addresses or servers could not be looked at: nothing is known of those */
};
/* In plain words, one sentence a line; what failed is followed by what can be done about it. */
int operate_why_text(const struct operate_why *why, struct buffer *out) _must_use_;
int operate_why_json(const struct operate_why *why, struct buffer *out) _must_use_;
/* What an operator can do about it: one sentence without full stop, or NULL. */
const char *operate_advice(enum reason reason);

/* ---- the control socket ---- */
struct operate_control;
struct operate_call; /* one request; lives until operate_call_done() */

struct operate_command {
	const char *name;
	void (*run)(void *ctx, struct operate_call *call, int argc, char **argv); /* argv[0] = name */
};

struct operate_control_settings {
	const char *path;
	mode_t mode;                           /* of the socket; 0 = 0660 */
	const struct operate_command *command; /* ends with a NULL name */
	void *ctx;
};

struct uv_loop_s;
/* Listens on the socket. A socket file without a listener behind it is replaced; BANYAN_EEXIST when one answers. */
int operate_control_new(struct uv_loop_s *loop, const struct operate_control_settings *settings,
			struct operate_control **ret) _must_use_;
/* Closes all; calls that are under way may still be ended with operate_call_done(). `done` runs when it is all closed. */
void operate_control_free(struct operate_control *control, void (*done)(void *ctx), void *ctx);

/* The reply's body, to be appended to. */
struct buffer *operate_call_reply(struct operate_call *call);
/* Sends the reply and ends the call, now or later; on the loop's thread only. */
void operate_call_done(struct operate_call *call, bool good);

/* Instead of operate_call_done(): the reply is made piece by piece, the next when the last one was taken. `more` appends some kB to
 * the reply's buffer: 1 = there is more, 0 = that was all, <0 = the reply breaks off. `end` runs once, also when the client left. */
void operate_call_stream(struct operate_call *call, int (*more)(void *ctx, struct buffer *out), void (*end)(void *ctx),
			 void *ctx);

/* ---- entries of the cache ---- */
int operate_entry_text(const struct resolve_entry *entry, struct buffer *out) _must_use_; /* a line a record */
int operate_entry_json(const struct resolve_entry *entry, struct buffer *out) _must_use_; /* one line */

/* As operate_ask(), but each piece of the reply goes to `sink` as it comes; `idle_ms` between two pieces. The text of a refusal
 * goes there too. */
int operate_ask_stream(const char *path, const char *request, int idle_ms, bool *ret_good,
		       void (*sink)(void *ctx, const void *data, size_t len), void *ctx) _must_use_;
/* The asking side: sends one line, waits at most `timeout_ms`, takes the reply (NUL-terminated). *ret_good is what
 * operate_call_done() was told. */
int operate_ask(const char *path, const char *request, int timeout_ms, bool *ret_good, struct buffer *ret_reply)
	_must_use_;
