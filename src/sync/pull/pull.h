// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * pull - copies of zones that stay as new as their sources have them.
 *
 * A source is one text (an address, a URL, a file). The copy machine decides when which source is asked for its serial, which one the zone is
 * fetched from, and whether what came takes the place of what is there; it has no clock, file or socket: events go in, actions come out, and the
 * time comes with each event. The daemon drives it with fetches and proofs, tests and the simulator drive the same code in virtual time.
 * Called by cmd/ and lab/.
 *
 * Example:
 *
 *	struct pull_copy_source source[] = {{.changes = true}, {.cost = 1}};
 *	struct pull_copy *copy;
 *	struct pull_actions actions;
 *	pull_copy_new(&(struct pull_copy_settings){.seed = 7}, source, 2, &copy);
 *	pull_copy_step(copy, &(struct pull_event){.kind = PULL_EVENT_START}, now, &actions);
 *	for (size_t i = 0; i < actions.n; i++)
 *		carry_out(&actions.item[i]);
 *	wake_at(actions.wake_ms);
 */
#pragma once

#include "base/base.h"

#define PULL_SOURCES_MAX 64  /* of one zone: each is looked at when one is chosen; a round keeps them as bits */
#define PULL_PROBES_MAX  8   /* sources that are asked for their serial at once */
#define PULL_ACTIONS_MAX 24  /* of one step: what ends, what begins, and a sentence about what has changed */
#define PULL_WHY_MAX     240 /* bytes of a sentence */
#define PULL_SHELF_MAX   8   /* versions with dates that are kept beside the one in use: a week of them */

/* ---- the copy machine (copy*.c): one zone ---- */

#define PULL_REFRESH_MIN_S    60u    /* a SOA that asks for more haste does not get it */
#define PULL_REFRESH_MAX_S    86400u /* nor one that asks for less: a secondary that looks once a month is of no use */
#define PULL_RETRY_MIN_S      30u    /* between rounds that failed; also the first wait of who has no copy yet */
#define PULL_CHECK_COUNT      3u     /* sources asked for the serial in a round: two that agree outvote one */
#define PULL_NOTIFY_MIN_S     10u    /* between rounds that notifications cause; doubles while they bring nothing new */
#define PULL_NOTIFY_MAX_S     640u   /* ... up to this */
#define PULL_FETCHES_HOUR_MAX 20u    /* downloads: whatever sources say and whoever notifies */
#define PULL_PROBE_MAX_MS     15000u /* a source that has not answered by then does not hold up the round */
#define PULL_FETCH_MAX_MS     7500000u /* 125 min: behind the limit of a transfer itself (SYNC_WHOLE_MS) */
#define PULL_PROVE_MAX_MS     3600000u /* of a very large zone on a slow machine */

struct pull_copy;

struct pull_copy_settings {
	uint64_t seed;                         /* of jitter and rotation */
	uint32_t refresh_min_s, refresh_max_s; /* each: 0 = the default above */
	uint32_t retry_min_s;
	uint32_t check_count; /* at most PULL_PROBES_MAX */
	uint32_t notify_min_s, notify_max_s;
	uint32_t fetches_hour_max;
	uint32_t probe_max_ms, fetch_max_ms, prove_max_ms;
	/* After a round in which all sources failed, wait as long as after a good one, once there is a copy that may be used: what
	 * draft-wkumari-dnsop-localroot-bcp asks of copies of the root. Else by the SOA's retry. */
	bool patient;
	/* The dates of editions are for others to keep (a distribution master): what has come is used at once, and until there is another. */
	bool no_dates;
};

struct pull_copy_source {
	uint8_t cost; /* of a fetch, beside others: 0 = a file here, 1 = by HTTPS from a CDN, 2 = a transfer; the cheap ones come first */
	bool changes; /* can it give the differences from a serial? */
};

struct pull_now {
	int64_t mono_ms; /* never runs back */
	int64_t wall_s;  /* UNIX seconds; may jump */
};

/* A version: what is in use, or what a proof has found. */
struct pull_version {
	uint32_t serial, refresh_s, retry_s, expire_s; /* of its SOA */
	int64_t first_expiry;                          /* of its signatures, UNIX seconds; 0 = it has none */
	/* Of its edition, UNIX seconds: it may be used from the first to before the second, whoever says what; both 0 = it has no dates. One
	 * whose time has not begun is kept meanwhile, and comes into use when it begins. */
	int64_t valid_from, valid_until;
};

enum pull_event_kind {
	PULL_EVENT_START, /* first, and when the version in use was changed from outside: version, confirmed_at, floor, shelf */
	PULL_EVENT_TIME,    /* nothing but the time */
	PULL_EVENT_PROBED,  /* ticket, good, serial, ms, expire_s, why */
	PULL_EVENT_FETCHED, /* ticket, fetched, serial (if has_serial), ms, expire_s, why */
	PULL_EVENT_PROVED,  /* ticket, verdict, version, why */
	PULL_EVENT_STORED, /* ticket, good, why: it is durable, and in use from now on, unless its time has not begun (ADOPT: ahead) */
	PULL_EVENT_TURNED,   /* ticket, good, why; not good and `later`: it was no time for that */
	PULL_EVENT_NOTIFIED, /* source (PULL_NO_SOURCE = somebody else who may), serial (if has_serial): a hint */
	/* source: a file or a folder of this machine is not what it was, or the source does not know this machine any more, which wants to be
	 * notified by it. It is asked at once, and nobody need wait for who can cause that */
	PULL_EVENT_CHANGED,
	PULL_EVENT_REFRESH,     /* operator: now, and forget who failed and what was rolled back */
	PULL_EVENT_ROLLED_BACK, /* operator: version, floor, shelf; it stays until PULL_EVENT_REFRESH. As START otherwise */
	PULL_EVENT_ACCEPT_SERIAL, /* operator: the next version may be older than any seen before */
	PULL_EVENT_ANCHORS,       /* the trust anchors have changed: what did not prove may prove now */
	PULL_EVENT_SOURCES,       /* pull_copy_sources() was called: what was under way is forgotten */
};
#define PULL_NO_SOURCE SIZE_MAX

enum pull_fetched {
	PULL_GOT,       /* a candidate is there */
	PULL_UNCHANGED, /* the source has nothing newer after all */
	PULL_MISFIT,    /* it cannot give changes from this serial: fetch the whole */
	PULL_FAILED,
	PULL_NO_ROOM, /* what came could not be written here: nobody else's fault */
};
enum pull_verdict {
	PULL_GOOD,
	PULL_BAD,            /* it is not what it should be, or whoever looked at it crashed */
	PULL_CHANGES_MISFIT, /* the changes do not apply to the version in use: fetch the whole */
	PULL_OURS,           /* this machine could not look at it: nobody else's fault */
};
#define PULL_NO_EXPIRE UINT32_MAX

struct pull_event {
	enum pull_event_kind kind;
	uint32_t ticket; /* of the action that this is the end of; an older one is not listened to */
	size_t source;
	bool good, has_serial;
	enum pull_fetched fetched;
	enum pull_verdict verdict;
	uint32_t serial;
	uint32_t ms; /* that it took */
	uint32_t
		expire_s; /* what the source says is left of its own copy (EDNS EXPIRE, RFC 7314); 0 counts as PULL_NO_EXPIRE */
	/* START, ROLLED_BACK: NULL = there is none; PROVED: what is in the candidate */
	const struct pull_version *version;
	int64_t confirmed_at; /* UNIX seconds: when a source last said that the version is its newest; 0 = not known */
	bool has_floor;
	uint32_t floor; /* the newest serial ever in use or kept for it, by RFC 1982 */
	/* START, ROLLED_BACK: others that are kept, and have dates; the newest first */
	const struct pull_version *shelf;
	size_t n_shelf;
	bool later;
	const char *why;
};

enum pull_state {
	PULL_EMPTY,   /* there is no copy yet */
	PULL_CURRENT, /* as new as its sources have it, as far as is known */
	PULL_LAGGING, /* there is a newer one that cannot be had, or no source has answered for long */
	PULL_HELD,    /* what is newer was refused, or the operator holds it */
	PULL_EXPIRED, /* it may not be used any more */
	PULL_EARLY,   /* nor may it yet, by the clock of this machine */
};

enum pull_action_kind {
	PULL_PROBE,     /* source: which serial has it? ends with PROBED */
	PULL_FETCH,     /* source, changes (from serial) or the whole: ends with FETCHED */
	PULL_PROVE,     /* what was fetched last: ends with PROVED */
	PULL_ADOPT,     /* the candidate: store it and use it, or store it only (ahead); ends with STORED */
	PULL_TURN,      /* serial: one that is kept comes into use in the place of the one that is; ends with TURNED */
	PULL_DROP,      /* the candidate */
	PULL_CANCEL,    /* what has this ticket: too late, its end is not waited for */
	PULL_STATE,     /* state has changed from before, why in text */
	PULL_NOTE,      /* text, for the log; source may be PULL_NO_SOURCE */
	PULL_CONFIRMED, /* a source says that the version in use is its newest: worth writing down from time to time */
};
struct pull_action {
	enum pull_action_kind kind;
	uint32_t ticket;
	size_t source;
	bool changes;
	bool ahead;   /* ADOPT: its time has not begun: what is in use stays */
	bool warning; /* NOTE: something is wrong */
	uint32_t
		serial; /* FETCH: the changes begin at; PROBE, FETCH: the newest that is here, in use or kept for its time, if any (have) */
	bool have;
	enum pull_state state, before;
	char text[PULL_WHY_MAX];
};
struct pull_actions {
	size_t n;
	struct pull_action item[PULL_ACTIONS_MAX];
	int64_t wake_ms; /* monotonic: the next PULL_EVENT_TIME, if nothing comes before. A clock that jumps shows earlier if it comes earlier */
};

/* BANYAN_ELIMIT: more than PULL_SOURCES_MAX sources. None at all is possible: then nothing is asked. */
int pull_copy_new(const struct pull_copy_settings *settings, const struct pull_copy_source *source, size_t n,
		  struct pull_copy **ret) _must_use_;
void pull_copy_free(struct pull_copy *copy);
void pull_copy_step(struct pull_copy *copy, const struct pull_event *event, struct pull_now now,
		    struct pull_actions *ret);
/* Others from now on; was[i] is the old place of source i, or PULL_NO_SOURCE. PULL_EVENT_SOURCES must be the next event. */
int pull_copy_sources(struct pull_copy *copy, const struct pull_copy_source *source, const size_t *was, size_t n)
	_must_use_;
/* The same for its settings (the seed stays). */
void pull_copy_set(struct pull_copy *copy, const struct pull_copy_settings *settings);

struct pull_copy_status {
	enum pull_state state;
	const char *why; /* "" when there is nothing to say; until the next step */
	bool have;
	bool usable; /* it has not ended, and its time has begun */
	struct pull_version version;
	int64_t confirmed_at; /* UNIX seconds; 0 = never */
	int64_t usable_until; /* UNIX seconds, by the clock as it is: the earliest of SOA expire, the first signature's expiry, and valid_until */
	bool has_next;            /* one is kept whose time has not begun: */
	struct pull_version next; /* ... the first of them */
	int64_t next_round_ms;    /* from now; 0 = one is under way */
	bool has_floor;
	uint32_t floor;
	unsigned failures; /* rounds in a row without success */
	uint64_t probes, fetches, adopted, refused, notifies;
};
void pull_copy_status(const struct pull_copy *copy, struct pull_now now, struct pull_copy_status *ret);

struct pull_source_status {
	bool has_serial;
	uint32_t serial;             /* that it said last */
	int64_t seen_ms;             /* how long ago; -1 = never */
	int32_t behind;              /* serials behind the version in use; < 0 = ahead; 0 when not known */
	bool lags;                   /* for longer than one refresh */
	unsigned failures;           /* in a row */
	int64_t benched_ms;          /* from now; 0 = it is not */
	uint32_t probe_ms, fetch_ms; /* smoothed; 0 = not known */
	bool proved;                 /* what came from it last did prove */
	const char *why;             /* what was wrong last; "" = nothing */
};
void pull_copy_source_status(const struct pull_copy *copy, size_t source, struct pull_now now,
			     struct pull_source_status *ret);
const char *pull_state_text(enum pull_state state); /* "current" */

/* ---- sources (source*.c): one text each ----
 * xfr:HOST[@PORT] [address=ADDR ...] [key=NAME] [register=on]             a transfer, IXFR or AXFR
 * xot:HOST[@PORT] [address=ADDR ...] [key=NAME] [name=NAME] [pin=BASE64] [ca=FILE] [alpn=any]   the same over TLS (RFC 9103)
 * https://... or http://... [address=ADDR ...] [ca=FILE] [proxy=URL]      a file
 * https://.../ or http://.../ [the same] [key=BASE64]                     a folder that an instance publishes
 * list:URL-or-PATH [key=FILE] [address=ADDR ...] [ca=FILE] [proxy=URL]    file:PATH    dir:PATH (the newest file in it)    builtin */

#define PULL_SOURCE_TEXT_MAX      2048 /* bytes of one source, as written */
#define PULL_SOURCE_ADDRESSES_MAX 8    /* of one host: two families, and some of each */

enum pull_source_kind {
	PULL_SOURCE_XFR,
	PULL_SOURCE_XOT,
	PULL_SOURCE_HTTP, /* and https */
	PULL_SOURCE_FILE,
	PULL_SOURCE_DIR,
	PULL_SOURCE_LIST,
	PULL_SOURCE_BUILTIN,
};
/* Plain value without pointers. What it has not is "". */
struct pull_source {
	enum pull_source_kind kind;
	bool secure;    /* https, xot */
	bool tree;      /* a URL that ends with /: the `current` pointer and what it points to */
	bool here;      /* LIST: a path, not a URL */
	uint16_t port;  /* of the host */
	char host[256]; /* an address or a name, in lower case: XFR, XOT, HTTP, LIST of a URL */
	size_t n_addresses;
	struct addr
		address[PULL_SOURCE_ADDRESSES_MAX]; /* with the port; none: the host is a name that must be resolved */
	char place[1024];                           /* the URL or the path */
	char key[512]; /* XFR, XOT: name of a TSIG key; LIST: file of public keys; tree: the publisher's key */
	char proxy[256];
	char registers[4];                /* XFR, XOT: "on" = asks to be notified (docs/registration.md) */
	char name[256], pin[64], ca[512]; /* of TLS */
	char alpn[4];                     /* of TLS: "any" = the server need not select the token "dot" */
	char text[PULL_SOURCE_TEXT_MAX];  /* as written, words one space apart: what it is called in the log */
};
/* BANYAN_EINVAL: `why` says what was found and what to write instead. */
int pull_source_parse(const char *text, struct pull_source *ret, char why[PULL_WHY_MAX]) _must_use_;
/* Today's public sources of the root zone, as texts; index 0 on, NULL at the end. */
const char *pull_source_builtin(size_t index);
const char *pull_source_kind_text(enum pull_source_kind kind); /* "xfr" */
/* How a machine should rank it before it is known (pull_copy_source.cost), and whether differences can be had of it. */
struct pull_copy_source pull_source_traits(const struct pull_source *source);

struct pull_sources {
	size_t n;
	struct pull_source *item;
};
void pull_sources_done(struct pull_sources *sources);
/* Adds one; the same place twice is no error and is one. BANYAN_ELIMIT: more than PULL_SOURCES_MAX. */
int pull_sources_add(struct pull_sources *sources, const struct pull_source *source) _must_use_;

/* ---- publication lists (list*.c): docs/publication-list.md ---- */

#define PULL_LIST_BYTES_MAX (64 * 1024)          /* of one list: hundreds of points */
#define PULL_LIST_WEEK_S    ((int64_t)7 * 86400) /* between two fetches of a list: the draft asks for no more */
#define PULL_LIST_RETRY_S   ((int64_t)6 * 3600)  /* after one that failed */
#define PULL_LIST_FIRST_S   600 /* the same while there is none: a machine may start before its network */

enum pull_list_proof { PULL_LIST_CHECKSUM, PULL_LIST_SIGNED };
struct pull_list {
	enum pull_list_proof proof;
	bool has_serial;
	uint64_t serial;
	int64_t expires; /* UNIX seconds; 0 = it says nothing */
	struct pull_sources sources;
	unsigned n_dropped; /* lines with a scheme or a zone that is not for us */
};
struct pull_list_settings {
	const char *zone; /* presentation form; NULL = "." */
	int64_t now;
	const char *keys; /* text of PEM public keys; NULL = none: a checksum must do */
	bool has_serial;  /* of the list that was taken before: an older one is not taken */
	uint64_t serial;
};
/* BANYAN_EMALF: not a list; BANYAN_EPROOF: not signed as it should be, expired or older; BANYAN_ENOENT: nothing usable in it. */
int pull_list_parse(const char *text, size_t len, const struct pull_list_settings *settings, struct pull_list *ret,
		    char why[PULL_WHY_MAX]) _must_use_;
void pull_list_done(struct pull_list *list);
/* A list of these lines (sources or URIs), with a serial and an expiry, signed by a PEM private key, or with a checksum when that is NULL. */
struct pull_list_making {
	const char *lines;
	uint64_t serial;
	int64_t expires; /* 0 = none; a signed one must */
	const char *private_key;
};
int pull_list_make(const struct pull_list_making *making, struct buffer *out, char why[PULL_WHY_MAX]) _must_use_;

/* Copies of lists in a folder, so that a restart asks nobody: LIST sources that have a URL. */
struct pull_list_state {
	bool have; /* list is good now */
	struct pull_list list;
	int64_t due;            /* UNIX seconds: not to be fetched before */
	char why[PULL_WHY_MAX]; /* !have: why not */
	/* The highest serial of a signed list ever taken: over restarts, and when that one has expired since. With a checksum alone anybody could
	 * have set it. */
	bool has_floor;
	uint64_t floor;
};
int pull_list_load(const char *folder, const struct pull_source *source, const char *zone, int64_t now,
		   struct pull_list_state *ret) _must_use_;
/* Takes a fetched one (NULL = fetching failed) and writes it down; *state is what it was and becomes what is. */
int pull_list_take(const char *folder, const struct pull_source *source, const char *zone, int64_t now,
		   const char *text, size_t len, struct pull_list_state *state) _must_use_;

/* A number for the files of a folder that a fetch would look at, as they are: another one when one comes, goes or is written. 0: there is no
 * such folder. It costs one stat() each, PULL_DIR_MAX at most. */
uint64_t pull_folder_mark(const char *folder);

/* ---- fetching (fetch*.c): from one source, on a libuv loop ---- */

#define PULL_BYTES_DEFAULT   ((uint64_t)64 << 20) /* of a root: thirty times what it is today */
#define PULL_TIME_DEFAULT_MS 600000u              /* of one fetch */
#define PULL_RATE_DEFAULT    2000u /* bytes a second, averaged over PULL_RATE_WINDOW_S: the root in 18 min */
#define PULL_RATE_WINDOW_S   10u
#define PULL_IDLE_MS         15000u /* without a byte, connecting included */
#define PULL_RESUMES_MAX     3u     /* of one download that broke off */
#define PULL_REDIRECTS_MAX   5u
#define PULL_TAG_MAX         256 /* bytes of an entity tag, or of what stands for one */

enum pull_mode {
	PULL_MODE_PROBE,
	PULL_MODE_WHOLE,
	PULL_MODE_CHANGES,
	PULL_MODE_RELEASE, /* of a source with register=on: it need not tell of new versions any more (docs/registration.md) */
};
enum pull_form {
	PULL_NOTHING,
	PULL_TEXT,    /* master file; perhaps .gz or .zst */
	PULL_WIRE,    /* wire form (zone.h); perhaps .zst */
	PULL_CHANGES, /* what a transfer brought (sync.h: sync_transfer_write()), whole or differences */
	PULL_DELTA,   /* a published delta (zone.h) */
	PULL_LIST,    /* a publication list */
};

/* Who runs `banyan-fetch` (its request and result: docs/banyan-fetch.md), since the process that asks may not. */
struct pull_helper_job {
	const char *request;
	size_t request_len;
	int fd; /* the body goes there; the caller's, open until done */
	uint32_t time_max_ms;
	/* Once, unless cancelled, and never from within start. error: NULL, or why there is no result. */
	void (*done)(void *ctx, const char *error, const char *result, size_t len);
	void *ctx;
};
struct pull_helper {
	int (*start)(void *ctx, const struct pull_helper_job *job, void **ret_handle);
	void (*cancel)(void *ctx, void *handle); /* done is not called any more */
	void *ctx;
};
/* Who finds the addresses of a host name. */
struct pull_resolver {
	int (*start)(void *ctx, const char *host,
		     void (*done)(void *done_ctx, size_t n, const struct addr *address, const char *why),
		     void *done_ctx, void **ret_handle);
	void (*cancel)(void *ctx, void *handle);
	void *ctx;
};

struct wire_tsig_key;
struct uv_loop_s;
struct pull_fetch_result {
	enum pull_fetched fetched;
	enum pull_form form; /* of what stands in fd; PULL_NOTHING unless fetched is PULL_GOT */
	/* PROBE: PULL_GOT with PULL_NOTHING = there may be something new, PULL_UNCHANGED = there is not */
	bool has_serial;
	uint32_t serial;
	uint32_t expire_s;      /* EDNS EXPIRE, or what the pointer says; 0 = not said */
	uint64_t bytes;         /* over the wire, as far as is known */
	uint32_t round_trip_ms; /* of the first answer */
	uint32_t whole_ms;
	uint32_t registered_s;     /* PROBE: for so long the source tells of new versions; 0 = it does not */
	struct addr registered_at; /* and there */
	struct addr from;          /* family 0 = nobody */
	/* The tree of a publisher: a newer version (kept_newest) is not fetched, since it says the same; until kept_until (UNIX seconds, 0 = this
	 * is not so). `serial` is that of the version at hand then. */
	uint32_t kept_newest;
	int64_t kept_until;
	char tag[PULL_TAG_MAX]; /* to be given the next time, when what came has proved; "" = none */
	char why[PULL_WHY_MAX]; /* FAILED, MISFIT: a sentence */
};
struct pull_fetch_settings {
	const struct pull_source *source; /* copied */
	const uint8_t *apex;
	enum pull_mode mode;
	bool have; /* there is a version already, with this serial */
	uint32_t serial;
	const char *tag;            /* of the source's version at hand; NULL or "" = none */
	const char *const *refused; /* tags of what did not prove: DIR takes another file */
	size_t n_refused;
	const struct wire_tsig_key *key; /* the one that source->key names; NULL = none */
	uint64_t bytes_max;              /* each limit: 0 = the default above */
	uint32_t time_max_ms, idle_ms, rate_min;
	int fd; /* open for reading and writing, empty; PROBE: may be -1 */
	/* A tree whose publisher has a key: a version that says the same as the newest is kept while its signatures live (docs/published-files.md). */
	bool keep_unchanged;
	int64_t first_expiry; /* of the version at hand */
	const char *
		edition; /* a folder whose pointer names another one is not fetched from, "" = the plain zone; NULL = any */
	uint32_t margin_s; /* 0 = FILES_MARGIN_S */
	/* A tree: nothing that is at hand may be used now; rather the version in force than one that is offered ahead of its time. */
	bool in_force;
	/* PROBE and RELEASE of a source with register=on: at which of its addresses and ports this machine hears NOTIFY from there; the question then
	 * comes from that address. false = at none. NULL = nowhere at all. */
	bool (*hears)(void *ctx, const struct addr *from, struct addr *ret);
	void *hears_ctx;
	uint64_t seed;                        /* of message IDs */
	const struct pull_helper *helper;     /* HTTP and LIST of a URL; NULL: they fail */
	const struct pull_resolver *resolver; /* hosts without address; NULL: they fail */
	void (*done)(void *ctx,
		     const struct pull_fetch_result *result); /* once, never from within pull_fetch_start() */
	void *ctx;
};
struct pull_fetch;
int pull_fetch_start(struct uv_loop_s *loop, const struct pull_fetch_settings *settings, struct pull_fetch **ret)
	_must_use_;
/* FILE, DIR: what stands for the content of the file as it is now, as pull_fetch_result.tag has it; nothing is read. BANYAN_ENOENT. */
int pull_file_tag(const struct pull_source *source, char ret[PULL_TAG_MAX]) _must_use_;
void pull_fetch_cancel(struct pull_fetch *fetch); /* done() is not called any more */
