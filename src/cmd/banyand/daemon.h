// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * What the files of banyand share. Two kinds of threads: workers, which answer and wait for nobody, and the
 * keeper (the main thread), which loads, publishes and talks to the operator. All that a worker needs to answer is in one
 * generation, immutable, found by one pointer under RCU (liburcu's QSBR flavour: readers pay nothing).
 */
#pragma once

#include "answer/answer.h"
#include "config/config.h"
#include "dnssec/dnssec.h"
#include "operate/operate.h"
#include "sync/keep/keep.h"
#include "sync/sync.h"
#include "zone/zone.h"

#include <limits.h>
#include <pthread.h>
#include <sys/types.h>
#include <uv.h>

#define STATION           "banyand"
#define LOAD_FINDINGS_MAX 10   /* findings of one zone's proof that go to the log */
#define WORKERS_MAX       1024 /* threads: more than any machine of today has CPUs */
#define REFUSAL_TEXT_MAX  1024 /* bytes of the sentence that says why something was refused */

struct keeper;

/* ---- keys (keys.c) ---- */
/* Those of the configuration, in its order. */
struct keys {
	size_t n;
	const char **name;
	const struct wire_tsig_key **key;
};
int keys_load(const struct config *config, struct keys *ret, char why[REFUSAL_TEXT_MAX]) _must_use_;
void keys_done(struct keys *keys);
const struct wire_tsig_key *keys_find(const struct keys *keys, const char *name,
				      size_t *ret_at); /* NULL: there is none; ret_at may be */
int key_load(const struct config *config, const char *name, struct wire_tsig_key **ret, char why[REFUSAL_TEXT_MAX])
	_must_use_;

/* ---- who is told of new versions (notifies.c, registers.c) ---- */
struct registers;
struct notifies;
struct worker;
int registers_load(const struct config *config, const struct keys *keys, struct registers **ret)
	_must_use_; /* NULL: nobody may register */
void registers_free(struct registers *registers);
#define REGISTERS_NOT_MINE (-1)
/* In a worker: does somebody ask to be notified? The length of the reply, NET_LATER, or REGISTERS_NOT_MINE. */
int registers_ask(struct worker *worker, const struct net_message *m, const struct answer_request *request);
/* Whom a list of addresses, networks and key=NAME allows; *ret stays NULL for an empty one: nobody. */
struct register_rule;
int register_rule_make(const struct keys *keys, const struct config_list *list, struct register_rule **ret) _must_use_;
void register_rule_free(struct register_rule *rule);
#define SHOWN_NOT_MINE (-1)
/* shown.c, in a worker: does somebody ask for a register who may? NET_LATER, 0, or SHOWN_NOT_MINE. */
int shown_ask(struct worker *worker, const struct net_message *m);
/* Keeper: a generation has been published: new versions in it are told of. */
void notifies_look(struct keeper *keeper); /* from time to time: writes registrations down */
void notifies_adopt(struct keeper *keeper);
/* Before the keys of the published generation go. */
void notifies_forget_keys(struct keeper *keeper);
void notifies_end(struct keeper *keeper);
/* For the status: how many zones; to be given to notifies_described(). */
size_t notifies_describe(struct keeper *keeper, struct operate_notified **ret);
void notifies_described(struct operate_notified *list, size_t n);

/* ---- forward and stub zones (forward.c) ---- */
struct forward_list {
	size_t count;
	struct resolve_forward *item;   /* addresses stay in the configuration */
	uint8_t (*name)[WIRE_NAME_MAX]; /* of item */
};
int forward_list_make(const struct config *config, struct forward_list *ret) _must_use_;
void forward_list_done(struct forward_list *list);

/* ---- what the operator says about names (policy.c) ---- */
/* Shared by policies; counted by the keeper, or by a reload that the keeper waits for. */
struct policy_table {
	unsigned users;
	struct policy_local *local;
};
struct policy_zone {
	unsigned users;
	struct policy_rpz *rpz;
	struct sync_timers timers;
	int64_t loaded_at; /* UNIX seconds */
};
/* Where one comes from. */
struct policy_source {
	unsigned users;
	uint8_t apex[WIRE_NAME_MAX];
	struct wire_tsig_key *key; /* NULL = none */
	_Atomic bool notified;     /* set by workers: a primary has something new */
};
struct policies {
	const struct config *config;
	size_t n_views;                  /* the one of all other clients comes first */
	struct policy_table **own;       /* of each view; NULL = none */
	struct policy_table *common;     /* section local */
	struct policy_table *bare;       /* its default zones alone; NULL when no view wants them */
	struct policy_zone **zone;       /* of config->rpz; NULL = not there yet */
	struct policy_source **source;   /* of config->rpz; NULL = it has no primaries */
	uint8_t (*cname)[WIRE_NAME_MAX]; /* of config->rpz */
	struct policy_rpz_use *use;
	struct policy_view *view;
	struct policy *policy; /* NULL = nothing is said at all */
};
/* What the primaries of a zone have given, or NULL; to be released. */
typedef struct policy_zone *(*policy_kept_fn)(void *ctx, const struct config_rpz *from);
int policies_load(const struct config *config, const struct forward_list *elsewhere, policy_kept_fn kept,
		  void *kept_ctx, struct policies *ret, char why[REFUSAL_TEXT_MAX]) _must_use_;
/* The same with another version of config->rpz[at], which it uses then, too. */
int policies_with(const struct policies *from, size_t at, struct policy_zone *zone, struct policies *ret) _must_use_;
void policies_done(struct policies *policies);
/* A policy zone out of a zone; NULL = out of memory, or `why`. */
struct policy_zone *policy_zone_make(const struct zone *zone, char why[REFUSAL_TEXT_MAX]);
void policy_zone_release(struct policy_zone *zone);
void policy_source_release(struct policy_source *source);

/* ---- zones whose servers are told of clients' networks (ecs.c) ---- */
struct ecs_zones {
	const uint8_t **item;
	uint8_t (*name)[WIRE_NAME_MAX]; /* of item */
};
int ecs_zones_make(const struct config *config, struct ecs_zones *ret) _must_use_;
void ecs_zones_done(struct ecs_zones *zones);
void ecs_settings(const struct config *config, const struct ecs_zones *zones, struct resolve_settings *settings);

/* ---- generations (load.c) ---- */

/* One zone as loaded; several users in a generation may share it (the zone "." and the root copy). */
struct loaded {
	unsigned users;
	const struct config_zone *from; /* in the generation's configuration */
	enum config_prove prove;        /* as resolved from "auto" */
	struct image *image;
	char proof[256]; /* how it was proved, in words */
	bool proved;
	uint32_t serial;
	size_t records;
	int64_t loaded_at, first_expiry;     /* UNIX seconds */
	int64_t last_inception;              /* likewise */
	uint32_t expire_s;                   /* of its SOA */
	bool on_loopback;                    /* has addresses of this machine */
	struct zone_edition edition;         /* what it says of it */
	struct buffer wire;                  /* its wire form, if it is to be published and is not yet */
	_Atomic(struct push_version *) push; /* as it goes to secondaries; NULL = to nobody */
	/* a copy (copies.c) is mapped from its store, outlives configurations, and ends by its own rules */
	bool copied, ended;
	_Atomic int64_t until_s; /* UNIX seconds: it may be used so long; 0 = it is no copy */
	struct keep_mapped mapped;
	struct config_zone own; /* what `from` is then */
	char own_name[WIRE_NAME_TEXT_MAX], own_file[KEEP_SOURCE_MAX];
};
void proof_words(enum config_prove prove, const struct zone_proof *proof, char out[256]);
bool zone_names_loopback(const struct zone *zone); /* does it have addresses of this machine? */
/* What is answered from: NULL = there is nothing, or it may not be used any more. */
const struct image *loaded_image(const struct loaded *loaded);
void loaded_release(struct loaded *loaded);        /* NULL is fine */
int64_t loaded_until(const struct loaded *loaded); /* expiry.c: UNIX seconds; until then it may be used */

struct generation {
	struct answer_view view;
	struct config *config;
	struct answer_zone *answer_zone;
	struct forward_list forwards;
	const uint8_t **elsewhere; /* their names */
	struct loaded **zone;      /* config->n_zones of them */
	struct policies policies;
	struct keys keys;
	struct registers *registers;    /* NULL: nobody may register to be notified */
	struct register_rule *shown_to; /* server.fleet; NULL: registers are shown to nobody */
	struct config_zone root_from;
	struct loaded *root;           /* NULL = none, or not proved */
	struct dnssec_anchors anchors; /* as configured */
	struct dnssec_anchors trusted; /* what became of them: the root copy was proved with these */
	char root_failure[REFUSAL_TEXT_MAX];
	struct transfers *transfers; /* who may have which zone */
	char identity[256];
	int64_t loaded_at;
	size_t n_doors;
	struct copy_door *door; /* through which notifications for copies come in */
};

/* `anchors` (NULL without a resolver): what is trusted, for the root copy.
 * Makes a generation from a configuration, which it owns from then on (also on failure: it is freed then). A root
 * copy that cannot be used fails the whole only if `need_root`. What `copies` (NULL = none) has of zones with sources is taken from there.
 * `why` gets a sentence. */
int generation_load(struct config *config, struct resolve_anchors *anchors, bool need_root, policy_kept_fn kept,
		    void *kept_ctx, struct keeper *copies, struct generation **ret, char why[REFUSAL_TEXT_MAX])
	_must_use_;
/* The same with other policies, which it owns then; NULL = out of memory. When it is published, the one before it is let go by
 * generation_shell_free(), which leaves to the new one what both have. */
struct generation *generation_with(const struct generation *from, struct policies *policies);
void generation_shell_free(struct generation *generation);
void generation_free(struct generation *generation);

/* ---- secrets (secrets.c) ---- */
/* May everybody on this machine read or write the file? Then `why` says so, with what to do. */
bool secret_is_everybodys(const char *path, char why[REFUSAL_TEXT_MAX]);
int secrets_load(const struct config *config, struct answer_cookies *ret, char why[REFUSAL_TEXT_MAX]) _must_use_;

/* ---- the swap (swap.c) ---- */
struct swap {
	_Atomic(struct generation *) current;
};
/* Publishes with one pointer store, waits until no worker uses the old generation, and returns that. */
struct generation *swap_publish(struct swap *swap, struct generation *generation);
static inline const struct generation *swap_read(struct swap *swap)
{
	return atomic_load_explicit(&swap->current, memory_order_acquire);
}
/* Until no worker uses what it has read before. */
void swap_wait(void);
void swap_reader_start(void); /* in each reading thread */
void swap_reader_stop(void);
void swap_reader_asleep(void *unused); /* between asleep and awake the thread holds no generation */
void swap_reader_awake(void *unused);

/* ---- workers (worker.c) ---- */
struct worker {
	_Alignas(64) struct counters counters; /* on cache lines of its own */
	struct swap *swap;
	struct keeper *keeper;
	bool leads;                 /* its engine asks for the keys of zones with trust anchors */
	struct answer_rates *rates; /* of all workers */
	struct net_loop *loop;
	struct random random;
	struct resolve *engine;        /* NULL without a resolver */
	int64_t turn_ms, turn_wall_ms; /* the wall clock, as of this turn of the loop */
	struct answer_recursor *recursor;
	struct net_limits *transfer_limits; /* of all workers */
	int64_t transfers_told_ms;          /* when the log was told of a refusal; */
	unsigned transfers_untold;          /* and so many since */
	pthread_t thread;
	bool running;
	_Atomic int64_t heartbeat_ms;
};

/* ---- validation.c ---- */
void validation_settings(const struct config *config, struct resolve_anchors *shared,
			 struct resolve_settings *settings);

/* ---- settings.c: what a reload changes in the resolver ---- */
void settings_live(const struct config *config, struct resolve_live_settings *settings);
void settings_fill(const struct config *config, struct resolve_live *ret);
/* Does the cache hold what would not be there with the new settings? */
bool settings_spoil_cache(const struct config *from, const struct config *to);

/* ---- negative.c: where nothing is proved, by order ---- */
struct negatives;
struct commanded_list;
/* Reads what the command has left; before the first generation. */
void negatives_restore(struct keeper *keeper, const struct config *config);
/* Makes the list for a generation that is published next; then negatives_adopt() lets go of the one before it. */
struct negatives *negatives_prepare(struct keeper *keeper, struct generation *generation);
void negatives_adopt(struct keeper *keeper, struct negatives *prepared);
void negatives_done(struct keeper *keeper);
/* The names, for what the saved cache depends on. */
void negatives_tell_context(const struct keeper *keeper, struct buffer *out);
/* The one at this place; false: there is none. */
bool negatives_show(const struct keeper *keeper, size_t index, struct operate_negative_anchor *ret);
/* The command anchors negative ... */
void control_negative(struct keeper *keeper, struct operate_call *call, int argc, char **argv);

/* ---- anchors.c: trust anchors ---- */
/* All that the configuration names. */
int anchors_read(const struct config *config, struct dnssec_anchors *ret, char why[REFUSAL_TEXT_MAX]) _must_use_;
void anchors_warn(const struct config *config,
		  const struct dnssec_anchors *anchors); /* if there are none, but should be */
bool anchors_equal(const struct dnssec_anchors *a, const struct dnssec_anchors *b);
/* The folder of their state; "" = none. */
void anchors_folder(const struct config *config, char out[PATH_MAX]);
/* The file of a zone's state; "" = none. */
void anchors_path(const struct config *config, const uint8_t *zone, char out[PATH_MAX]);
/* Reads what was kept of zones that are not known yet. */
void anchors_restore(struct resolve_anchors *shared, const struct config *config, const struct dnssec_anchors *anchors);
void anchors_told(void *worker, const struct resolve_action *action);
/* The generation takes the place of `before` (NULL = the first). Keeper. */
int anchors_adopt(struct keeper *keeper, const struct generation *before, const struct generation *generation)
	_must_use_;
/* anchors_show.c: the command anchors [json] */
void control_anchors(void *ctx, struct operate_call *call, int argc, char **argv);

/* ---- upstream.c ---- */
struct upstream {
	size_t n_hints;
	struct addr hint[RESOLVE_ADDRESSES_MAX];
	size_t n_never_ask, n_own;
	struct addr_prefix *never_ask;
	struct addr *own; /* where this daemon listens */
	uint8_t cookie_secret[16];
	char edition[ZONE_EDITION_MAX]; /* of the root whose servers the hints are */
};
/* A generation of a reload: the hints are for the edition with which they were read, and for no other one. */
void upstream_hold(const struct upstream *upstream, struct generation *generation);
int upstream_load(const struct config *config, struct upstream *ret, char why[REFUSAL_TEXT_MAX]) _must_use_;
void upstream_done(struct upstream *upstream);
/* How authorities are found and asked. The settings point into `upstream`. */
void upstream_settings(const struct config *config, const struct upstream *upstream, struct resolve_settings *settings);

struct workers {
	unsigned count;
	struct worker *worker;
	struct net_limits *limits, *transfer_limits;
	struct answer_rates *rates;
	struct resolve_cache *cache;
	struct upstream *upstream; /* malloced: engines point to it */
	struct resolve_anchors *shared_anchors;
	size_t n_xdp;
	struct net_xdp **xdp; /* interfaces whose questions come by AF_XDP */
};

/* Makes all workers and binds their sockets; no thread runs yet. */
int workers_new(const struct config *config, struct keeper *keeper, struct workers *ret, char why[REFUSAL_TEXT_MAX])
	_must_use_;
int workers_start(struct workers *workers) _must_use_;
/* official.c: the addresses of the root servers */
#define OFFICIAL_COUNT 26
int official_at(size_t index, struct addr *ret) _must_use_; /* without a port */
/* Does nobody listen on one who is not told that this is a root server? */
int official_check(const struct config *config, char why[REFUSAL_TEXT_MAX]) _must_use_;
/* tls.c */
int tls_listen(struct worker *worker, const struct config *config, net_message_fn fn, char why[REFUSAL_TEXT_MAX])
	_must_use_;
int tls_identity_read(const struct config *config, struct net_tls_identity **ret, char why[REFUSAL_TEXT_MAX])
	_must_use_;                                                 /* NULL without such listeners */
void tls_renew(struct keeper *keeper, const struct config *config); /* after a reload */
/* xdp.c: after the workers listen, while the daemon has all its rights. Where AF_XDP is not possible, the log says why, and sockets
 * serve; only want of memory is an error. */
int workers_xdp_start(const struct config *config, struct workers *workers) _must_use_;
void workers_xdp_done(struct workers *workers); /* after the loops are freed */
void workers_stop(struct workers *workers);     /* ends the threads, keeps the memory */
void workers_done(struct workers *workers);
void workers_beat(struct workers *workers);                          /* asks each for a sign of life */
bool workers_alive(const struct workers *workers, int64_t since_ms); /* has each given one since? */

/* ---- privileges (privileges.c, confine.c) ---- */
struct identity {
	bool change;
	uid_t uid;
	gid_t gid;
	char name[64];
};
int privileges_find(const struct config *config, struct identity *ret, char why[REFUSAL_TEXT_MAX]) _must_use_;
int privileges_rundir(const char *path, const struct identity *identity, char why[REFUSAL_TEXT_MAX]) _must_use_;
int privileges_drop(const struct identity *identity, bool confine, char why[REFUSAL_TEXT_MAX]) _must_use_;
void privileges_raise_files(const struct config *config, unsigned workers);
int confine_system_calls(void) _must_use_; /* for this thread and all that it starts */

/* ---- background.c ---- */
/* First in what a thread of the pool does: it gives way to the workers. */
void background_begin(void);

/* ---- the keeper (keeper.c, reload.c, control.c) ---- */
struct posted;
struct trace_job;
struct feed;
struct copy;

struct keeper {
	uv_loop_t loop;
	uv_signal_t sighup, sigterm, sigint;
	uv_async_t async;
	uv_timer_t watchdog, expiry;
	bool clock_told; /* that it is off */
	pthread_mutex_t lock;
	struct posted *posted, **posted_last; /* from workers */
	struct operate_control *control;
	bool stopping;
	uint64_t watchdog_ms; /* 0 = the service manager does not ask */

	const char *config_path;
	int64_t started_at;
	struct swap swap;
	struct workers workers;
	bool resolver;
	struct identity identity;
	char last_refusal[REFUSAL_TEXT_MAX]; /* of the last reload, "" = it was good */
	struct counters counters;            /* of the keeper itself */

	bool reloading, reload_again;
	uv_work_t reload_work;
	struct generation *reloaded;
	int reload_rc;
	char reload_why[REFUSAL_TEXT_MAX];
	struct operate_call *reload_call[OPERATE_CLIENTS_MAX]; /* who waits for the end of this reload ... */
	size_t n_reload_calls;
	struct operate_call *reload_next_call[OPERATE_CLIENTS_MAX]; /* ... and of the one after it */
	size_t n_reload_next_calls;

	struct negatives *negatives;                /* what workers read; NULL without a resolver */
	struct commanded_list *commanded_negatives; /* those of the command */
	struct trace_job *trace_first;
	struct notifies *notifies; /* NULL: nobody has to be told of anything */
	_Atomic unsigned registers_pending, shown_pending;
	struct feed *feeds;            /* policy zones that come from primaries */
	int64_t anchors_looked_ms;     /* for copies */
	struct copy *copies;           /* zones that come from sources */
	struct attendant *attendant;   /* NULL = there is none */
	struct cache_file *cache_file; /* NULL = none */
	struct publisher *publisher;   /* NULL = nothing is published (publisher.h) */
};

/* From here until keeper_signals(), SIGTERM and SIGINT end the process at once with status 0; the socket, if any, is removed. */
void keeper_early_signals(const char *socket);
void keeper_signals(struct keeper *keeper); /* from here on they stop the loop, and what was learned is saved */
int keeper_init(struct keeper *keeper, const char *config_path) _must_use_;
int keeper_run(struct keeper *keeper); /* until it is told to stop */
void keeper_stop(struct keeper *keeper);
void validation_tables_setup(struct keeper *keeper); /* busy keys get their tables on its thread */
int keeper_post(struct keeper *keeper, void (*fn)(void *ctx), void *ctx) _must_use_; /* from any thread */
void reload_start(struct keeper *keeper, struct operate_call *call);                 /* call: who asked, or NULL */
void reload_abandon(struct keeper *keeper);
int control_start(struct keeper *keeper, const char *path, char why[REFUSAL_TEXT_MAX]) _must_use_;
void control_end_traces(struct keeper *keeper);
/* What the commands of the control socket share. */
void control_fail(struct operate_call *call, const char *why);
bool control_take_word(int *argc, char **argv,
		       const char *word); /* out of argv if it is there: options stand anywhere */
struct operate_zone control_describe(const struct loaded *loaded);
/* why.c: the command why NAME [TYPE] [json] */
/* cache.c: the command cache */
void control_cache(void *ctx, struct operate_call *call, int argc, char **argv);
/* cachecontext.c: the settings under which a cache was learned, as numbers for its file. */
struct cache_context {
	uint64_t learned; /* from whom and for how long */
	uint32_t rules;   /* how it was proved */
};
struct cache_context cache_context_of(const struct keeper *keeper, const struct config *config);
/* Is a file with this head for a daemon with this configuration? *ret_unproved: but its proofs are not. */
bool cache_context_matches(const struct keeper *keeper, const struct config *config,
			   const struct resolve_cache_head *head, bool *ret_unproved);
/* cachefile.c: the cache in a file. Reads it; later writes it from time to time, and once more at the end. */
void cache_file_start(struct keeper *keeper, const struct config *config);
void cache_file_stop(struct keeper *keeper); /* the workers have stopped */
/* fleet.c: the command fleet [ZONE] */
void control_fleet(void *ctx, struct operate_call *call, int argc, char **argv);
void control_why(void *ctx, struct operate_call *call, int argc, char **argv);

/* clock.c: when a root copy is proved but for its dates, the sentence that says how far the clock is off. */
struct dated {
	int64_t from, until; /* its signatures hold; 0 = not known */
	char words[512];     /* "" = its dates are not what is wrong */
};
void clock_judge(const struct zone *zone, const struct zone_prove_settings *settings, const struct zone_proof *proof,
		 struct dated *ret);
void clock_look(struct keeper *keeper); /* tells when the clock leaves the dates of the root, and when it is back */
/* Seconds by which it is off: < 0 = behind, > 0 = ahead. */
int64_t clock_off(const struct generation *generation);
void expiry_watch(struct keeper *keeper); /* expiry.c: takes the root copy away when its time is over */

/* ---- policy zones from primaries (feed.c) ---- */
void feeds_adopt(struct keeper *keeper);   /* those of the generation that has just been published */
void feeds_publish(struct keeper *keeper); /* what came during a reload */
void feeds_end(struct keeper *keeper);
struct policy_zone *feeds_kept(void *ctx, const struct config_rpz *from); /* a policy_kept_fn of the keeper */
/* How the primaries of the policy zone are: fills in what operate_policy_zone says of that. */
void feeds_describe(struct keeper *keeper, struct operate_policy_zone *zone);
#define FEEDS_NOT_MINE (-1)
/* In a worker: a NOTIFY for one of them? The length of the reply in request->out, or FEEDS_NOT_MINE. */
int feeds_notify(struct keeper *keeper, const struct answer_request *request, struct counters *counters);

/* ---- transfers to secondaries (transfers*.c) ---- */
struct push_version;
struct transfers;
/* Who may have which zone, by this configuration; part of a generation. */
int transfers_load(const struct config *config, const struct keys *keys, struct transfers **ret,
		   char why[REFUSAL_TEXT_MAX]) _must_use_;
void transfers_free(struct transfers *transfers);
/* Shall that zone be ready to go out? Then this makes it so, with the differences from what went out before. Any thread. */
bool transfers_wanted(const struct config *config, const struct config_zone *from);
struct transfers_journal { /* what the configuration says of differences; outlives it */
	uint32_t versions_max;
	uint64_t bytes_max;
	char folder[PATH_MAX]; /* "" = that of the service manager */
};
void transfers_journal_of(const struct config *config, struct transfers_journal *ret);
int transfers_make(const struct transfers_journal *journal, const char *name, const struct zone *zone,
		   struct push_version **ret, char why[REFUSAL_TEXT_MAX]) _must_use_;
/* The generation has just been published: the next differences begin at its versions. Keeper. */
void transfers_adopt(const struct generation *generation);
void transfers_end(void);
/* In a worker: a question that answer_question() has passed on. A length or NET_LATER; the reply is in m->reply. */
int transfers_answer(struct worker *worker, const struct generation *g, const struct answer_request *request,
		     struct net_message *m);

/* ---- copies of zones from sources (copies*.c) ---- */
struct copy_door;
int copies_doors_make(const struct config *config, struct copy_door **ret, size_t *ret_n, char why[REFUSAL_TEXT_MAX])
	_must_use_;
void copies_doors_free(struct copy_door *door, size_t n);
const uint8_t *copies_door_apex(const struct generation *g, const char *zone); /* of a zone with sources */
bool copies_root_wanted(const struct config *config);                          /* has the root copy sources? */
/* Before the first generation: opens the stores, so that it has what is kept there. */
void copies_open(struct keeper *keeper, const struct config *config);
/* The copy of a zone (NULL = the root copy), or NULL; to be released. From a reload's thread as well. */
struct loaded *copies_kept(struct keeper *keeper, const char *zone);
bool copies_any(const struct config *config);
void copies_adopt(struct keeper *keeper);        /* those of the generation that has just been published */
void copies_publish(struct keeper *keeper);      /* what came during a reload */
void copies_anchors_changed(void *ctx);          /* the keeper: other anchors may be trusted by now */
void copies_anchors_look(struct keeper *keeper); /* the same, from time to time */
void copies_look(struct keeper *keeper);         /* from time to time: clocks may have jumped */
void copies_end(struct keeper *keeper);
/* As feeds_notify(). */
int copies_notify(struct keeper *keeper, const struct answer_request *request, struct counters *counters);
/* How the sources of a zone (NULL = of the root copy) are; NULL: it has none. To be freed. */
struct operate_copy *copies_describe(struct keeper *keeper, const char *zone);
/* The command copy refresh|roll-back|accept-serial [ZONE] */
void control_copy(void *ctx, struct operate_call *call, int argc, char **argv);

/* To the service manager, if there is one (sd_notify(3)). */
void notify_ready(const char *status);
void notify_reloading(void);
void notify_stopping(void);
void notify_alive(void);
uint64_t notify_watchdog_us(void); /* how often it wants to hear that; 0 = never */
