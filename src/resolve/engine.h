// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * engine - what one engine holds open.
 *
 *   client -> question --waits for--> task --asks through--> exchange
 *                                      | waits for (want)
 *                                      v
 *                                     task ...      (addresses of servers)
 *
 * A task is one lookup of (name, type); everybody who wants the same waits for the same task. What a client's question causes is
 * paid from its work, whichever tasks it needs. Tasks run from a queue, never inside each other, so that
 * nothing here recurses with the depth of what the network makes us do.
 *
 * engine.c takes events; question.c clients; task.c the walk of one name; plan.c the names of servers; upstream.c
 * exchanges; share.c shortened questions that many tasks have; root.c the root image; trace.c the record of a walk.
 */
#pragma once

#include "dnssec/dnssec.h"

#include "cache.h"
#include "quota.h"
#include "share.h"
#include "subnet.h"
#include "keyring.h"
#include "forward.h"
#include "timer.h"

#define ENGINE_TASK_BYTES_MAX     ((size_t)4 << 20) /* memory of one task: some large answers and 32 delegations */
#define ENGINE_TASKS_PER_QUESTION 4                 /* tasks in flight on the average of all questions */
#define ENGINE_TASKS_PER_WORK     64 /* lookups that one client question may start: names of servers that need names ... */
#define ENGINE_TASK_BYTES_SPARE   ((size_t)256 * 1024) /* memory that a finished task keeps for the next */
#define ENGINE_TASKS_SPARE        256                  /* finished tasks whose memory is kept for new ones */
#define ENGINE_MISMATCHES_MAX     24  /* forged replies to one exchange before TCP is used instead (Kaminsky) */
#define ENGINE_MINIMISED_MAX      10  /* RFC 9156 section 2.3 MAX_MINIMISE_COUNT */
#define ENGINE_MINIMISED_SILENCES 2   /* shortened questions without reply before the whole one is asked */
#define ENGINE_MINIMISED_ONE      4   /* ... and MINIMISE_ONE_LAB */
#define ENGINE_LOOKUP_ROUNDS_MAX  3   /* times RESOLVE_NS_LOOKUPS_MAX server names of one zone are resolved */
#define ENGINE_LOOKUPS_VAIN_MAX   5   /* ... and how many of them may have no address (NXNSAttack) */
#define ENGINE_TRACE_MAX          512 /* steps recorded of one walk */
#define OUTCOME_SETS_MAX          64  /* RRsets of one answer */
#define HIT_BYTES                 ((size_t)16 * 1024) /* of one answer on the short way: UDP carries less */
#define HIT_DENIAL_BYTES          ((size_t)2 * 1024)  /* of a denial above, which is only looked for */
#define VALIDATE_RETRIES_MAX      3                   /* other servers asked because what one said is bogus */

/* ---- what a lookup came to ---- */
struct outcome {
	uint16_t rcode;
	enum reason reason;
	bool from_cache;    /* nothing else was needed */
	const char *detail; /* of a reason of validation; may be NULL */
	bool bare;          /* a denial came without any record that says so */
	uint8_t scope;      /* bits of the client's network for which it holds (subnet.h) */
	unsigned n_answers, n_denials;
	struct rrset *answer[OUTCOME_SETS_MAX];
	struct rrset *denial[CACHE_DENIAL_SETS_MAX];
};

/* ---- what a client question pays from ---- */
struct work {
	unsigned refs;
	uint32_t upstream; /* messages sent */
	uint32_t tasks;    /* lookups started */
	struct dnssec_budget budget;
	int64_t started_ms;
	bool tracing;
	struct arena arena; /* of the trace */
	size_t n_steps, cap_steps;
	struct resolve_trace_step *step;
};

/* ---- waiting for a task ---- */
struct waiter {
	struct task *task;
	struct waiter *next, *prev;
	struct question *question; /* one of these two */
	struct want *want;
	bool joined; /* the task was there already: somebody else pays for it */
};

struct question {
	struct waiter waiter;
	struct question *next; /* in its bucket, or in the list of free ones */
	struct timer deadline;
	struct timer patience; /* after it, something stale is better than nothing */
	/* Nobody waits: it has its answer, or is a refresh. In a list instead of a bucket. */
	bool background;
	struct question *prev;
	uint64_t client;
	int64_t started_ms;
	bool dnssec, trace, no_cache, checking_disabled;
	bool keys;    /* nobody waits but the trust anchors of qname: rolling.c */
	bool missed;  /* the cache has nothing of the name now */
	bool retried; /* a joined task ended by its payer's limits; this is the second */
	/* where it stands with policy (way.h) */
	struct addr from;
	struct addr_prefix subnet; /* of the client, for authorities (subnet.h); addr.family 0 = none */
	bool tailored;             /* it matters for this question */
	bool tcp, rpz_done, refreshed, checked;
	struct way_kept *way;
	uint16_t qtype;
	uint8_t qname[WIRE_NAME_MAX];
};

/* A server's name whose addresses a task needs. */
struct want {
	struct waiter waiter;
	struct task *parent;
	uint8_t server; /* index in the parent's cut */
	uint16_t type;
	bool used;
	bool trust; /* for a proof: of this name, not of a server in the cut */
	bool prime; /* for the root servers' word about themselves */
};

#define TASK_WANTS_MAX RESOLVE_NS_LOOKUPS_MAX

enum task_state {
	TASK_LOOK,       /* in the cache for its name */
	TASK_DESCEND,    /* find the deepest known delegation */
	TASK_ASK,        /* choose a server and ask */
	TASK_WAIT,       /* for a reply or for addresses */
	TASK_VALIDATE,   /* all data are there: prove them */
	TASK_PROVE_WAIT, /* for what a proof needs */
	TASK_DONE,
};

/* Where the proof of a task's outcome stands. */
struct validation {
	bool changed;    /* something was proved: remember it */
	bool above;      /* what failed is a zone's keys: asking others for the data does not help */
	uint8_t retries; /* servers asked anew */
	uint8_t n_bad;
	struct addr bad[VALIDATE_RETRIES_MAX]; /* servers whose data could not be proved */
	enum reason reason;                    /* why a proof failed */
	const char *detail;
	enum reason last_reason; /* of the try before */
	const char *last_detail;
	/* what the last sub-lookup brought */
	uint16_t asked_type; /* 0 = nothing yet */
	const uint8_t *asked;
	enum reason asked_reason;
	const char *asked_detail;
	struct rrset *asked_set;
	bool asked_alias;
	struct cache_denial asked_denial;
	struct want want;
};

struct task {
	struct task *next; /* in its bucket, the list of finished or of free ones */
	struct task *ready_next, *ready_prev;
	bool ready, listed; /* in the queue; in the table */
	bool shared;        /* may others join? */
	bool refresh;       /* what the cache has for its name is what it wants to replace */
	bool missed;        /* the cache was looked in a moment ago */
	bool slow;          /* a client has lost its patience */
	bool no_cache;
	bool went_out; /* asked a server or the root */
	enum task_state state;
	unsigned depth;
	uint16_t qtype;
	uint8_t subnet_scope;         /* bits for which the outcome holds */
	struct addr_prefix subnet;    /* it is made for; addr.family 0 = for everybody */
	uint8_t qname[WIRE_NAME_MAX]; /* lower case */
	struct waiter *waiters;
	uint32_t n_waiters;
	struct work *work;
	struct arena arena;
	/* where it stands */
	uint8_t sname[WIRE_NAME_MAX]; /* qname, or what its aliases led to */
	unsigned aliases, referrals;
	bool minimise;
	unsigned minimised; /* questions asked with a shortened name */
	unsigned minimised_silences;
	unsigned ask_labels;   /* labels of the shortened name; 0 = from the zone */
	const uint8_t *whole;  /* sname, while the denial of a shortened one is proved; else NULL */
	bool primed;           /* has waited for a priming */
	bool asked_again;      /* an outdated delegation was dropped once */
	uint8_t forward_below; /* forward and stub zones of so many labels or more have failed */
	struct cut *cut;
	enum reason trouble; /* what went wrong last */
	struct want want[TASK_WANTS_MAX];
	int exchange;         /* slot, -1 = none */
	unsigned trust_depth; /* lookups for proofs above each other */
	struct validation validation;
	struct quota *quota; /* of the zone where it has a place */
	struct share share;
	struct outcome outcome;
};

struct exchange {
	uint32_t slot, generation;
	bool open, tcp, edns, mixed_case, minimised;
	bool subnet;          /* told ... */
	uint8_t subnet_scope; /* ... and the reply holds for so many bits of it */
	struct task *task;
	struct addr to;
	uint8_t target;
	bool has_cookie;
	uint8_t cookie[COOKIE_CLIENT_SIZE];
	uint16_t id, qtype;
	unsigned mismatches;
	int64_t sent_ms;
	struct timer timeout;
	int32_t next_free;
	uint8_t qname[WIRE_NAME_MAX]; /* with the case that was sent */
};

struct resolve {
	struct resolve_settings settings;
	struct resolve_cache *cache;
	struct random *random;
	struct counters *counters;
	struct forwards *forwards;
	uint8_t hash_key[16];
	/* this step */
	int64_t now_ms;   /* monotonic: timers and round trips */
	int64_t wall_ms;  /* since 1970: the dates of signatures */
	int64_t cache_ms; /* the same without steps backwards (store.h): TTLs, and all calls of the cache */
	const struct image *root;
	int64_t root_from_s, root_until_s; /* its signatures hold between these; 0 = not known */
	bool root_on_loopback;             /* as in the event, or the hints are there */
	const struct policy *policy;
	const struct resolve_negatives *negatives; /* likewise */
	struct arena step;
	size_t n_actions, cap_actions;
	struct resolve_action *action;
	struct resolve_actions actions;
	/* what is open */
	size_t n_questions, n_tasks, tasks_max;
	uint32_t question_buckets, task_buckets; /* powers of two */
	struct question **question;
	struct task **task;
	struct task **leading; /* share.h */
	struct task *ready_first, *ready_last;
	struct exchange **exchange;
	uint32_t n_exchanges;
	int32_t free_exchange;
	struct timers timers;
	struct quota *quota;
	struct family_state family[2]; /* IPv4, IPv6 */
	uint8_t n_hints;
	struct addr hint[RESOLVE_ADDRESSES_MAX];
	bool hints_on_loopback;
	bool additional; /* as the last question said */
	bool tailoring;  /* the cache is read for a client with a network: not below the zones of subnet.h */
	struct subnets *subnets;
	/* memory kept */
	struct task *finished; /* their results are valid until the next step */
	struct task *spare_task;
	unsigned n_spare;
	struct question *spare_question;
	struct way_kept *old_ways;   /* of questions that ended in the last step */
	struct question *background; /* first of the list */
	uint32_t n_background;
	bool stale; /* the cache is read as it was some time ago: no synthesis */
	uint8_t *root_message;
	struct trust_table *trust;
	/* what chains begin with */
	const struct dnssec_anchors *anchors; /* NULL = nothing */
	struct dnssec_anchors own_anchors;    /* copy of the shared ones of this version */
	uint32_t anchors_version;
	uint32_t live_version; /* of the settings */
	struct timer anchors_timer;
	size_t hit_used;
	_Alignas(8) uint8_t hit_bytes[HIT_BYTES]; /* what hit.c has read for one answer */
};

/* engine.c */
int resolve_action_add(struct resolve *engine, const struct resolve_action *action); /* BANYAN_ENOMEM */
void resolve_evictions_count(struct resolve *engine, int evicted); /* what a resolve_cache_put_...() returned */

/* question.c */
void resolve_question_take(struct resolve *engine, const struct resolve_event *event);
void resolve_question_cancel(struct resolve *engine, uint64_t client);
void resolve_question_expire(struct resolve *engine, struct question *question);
void resolve_question_done(struct resolve *engine, struct question *question, const struct outcome *outcome,
			   const struct work *work);
void resolve_questions_free(struct resolve *engine);
void resolve_question_impatient(struct resolve *engine, struct question *question);
/* A question that nobody waits for; false = there are enough, or no memory. */
bool resolve_question_background(struct resolve *engine, const uint8_t *qname, uint16_t qtype);
/* For the keys of a zone with anchors (`keys`), past the cache; or to be heard by the zone's servers alone. */
bool resolve_question_anchors(struct resolve *engine, const uint8_t *qname, uint16_t qtype, bool keys);

/* stale.c: expired data (RFC 8767) */
bool resolve_stale_helps(enum reason reason); /* is it right to use them after such a failure? */
bool resolve_stale_find(struct resolve *engine, struct arena *arena, const uint8_t *qname, uint16_t qtype,
			struct outcome *outcome);
/* Was the name denied after the (expired) set was learned? */
bool resolve_stale_denied(struct resolve *engine, struct arena *arena, const uint8_t *name, const struct rrset *set,
			  struct cache_denial *ret);
/* Is it known already that there will be nothing better soon? */
bool resolve_stale_at_once(struct resolve *engine, const uint8_t *qname, uint16_t qtype, struct outcome *outcome);
/* Seconds for which a failure holds at least, since there is something stale to bridge them; or 0. */
uint32_t resolve_stale_recheck_s(struct resolve *engine, const uint8_t *qname, uint16_t qtype);

/* synthesise.c: 1 = the outcome is made of proofs that are known (RFC 8198), SYNTHESIS_ALIAS = a CNAME was appended to its answer, which
 * leads on, 0 = they do not suffice, BANYAN_ENOMEM */
#define SYNTHESIS_ALIAS 2
int resolve_synthesise(struct resolve *engine, struct arena *arena, const uint8_t *name, uint16_t qtype,
		       struct outcome *outcome);

/* refresh.c: the cache has answered; is it time to ask again? */
void resolve_refresh_check(struct resolve *engine, const uint8_t *qname, uint16_t qtype, const struct outcome *outcome);

bool resolve_refresh_is_due(const struct resolve *engine, const struct rrset *set);

/* additional.c: do the data name hosts, whose addresses go with them? */
bool resolve_additional_has(uint16_t type);

/* The question goes on alone, for its client's network. */
void resolve_question_split(struct resolve *engine, struct question *question);
/* Questions that wait for the task and that policy answers at the alias where it stands. */
void resolve_question_alias(struct resolve *engine, struct task *task);

/* task.c */
struct task *resolve_task_find(struct resolve *engine, const uint8_t *qname, uint16_t qtype); /* one to join */
/* One for this network; NULL = none, and *ret_n = how many there are for others. */
struct task *resolve_task_find_for(struct resolve *engine, const uint8_t *qname, uint16_t qtype,
				   const struct addr_prefix *subnet, unsigned *ret_n);
/* Does the task, or anybody who waits for it, look up the name with one of the two types? To wait for that would never end. */
bool resolve_task_serves(const struct task *task, const uint8_t *name, uint16_t type, uint16_t other);
/* Refers to the work. NULL = out of memory or too many. */
struct task *resolve_task_new(struct resolve *engine, const uint8_t *qname, uint16_t qtype, unsigned depth,
			      struct work *work);
void resolve_task_wait(struct task *task, struct waiter *waiter);
void resolve_task_leave(struct resolve *engine, struct waiter *waiter); /* the last one to leave ends it */
void resolve_task_ready(struct resolve *engine, struct task *task);
/* Tells those waiters for which `which` is `is`, and lets go of them. */
void resolve_task_notify_some(struct resolve *engine, struct task *task, bool (*which)(const struct waiter *waiter),
			      bool is);
void resolve_task_end(struct resolve *engine, struct task *task); /* the outcome is as it will be given */
void resolve_task_finish(struct resolve *engine, struct task *task, uint16_t rcode);
void resolve_task_fail(struct resolve *engine, struct task *task, enum reason reason);
void resolve_tasks_run(struct resolve *engine);
void resolve_tasks_clean(struct resolve *engine); /* lets go of what ended in the last step */
void resolve_tasks_free(struct resolve *engine);

/* walk.c: the decisions of a task */
void resolve_walk_look(struct resolve *engine, struct task *task);
void resolve_walk_descend(struct resolve *engine, struct task *task);
void resolve_walk_ask(struct resolve *engine, struct task *task);
/* Acts on an answer, alias, referral or denial of a server of task->cut. */
void resolve_walk_reading(struct resolve *engine, struct task *task, const struct ask *ask, const struct reply *reply,
			  const struct reading *reading);
/* From the client's name again: what was proved is in the cache. */
void resolve_walk_again(struct resolve *engine, struct task *task);
struct reply_take resolve_walk_take(struct resolve *engine);
/* Fills `outcome` from the cache as far as it leads: 1 = complete, 0 = goes on at `name` (updated),
 * BANYAN_ELIMIT = too many aliases, BANYAN_ENOMEM. */
int resolve_walk_cached(struct resolve *engine, struct arena *arena, uint8_t *name, uint16_t qtype, unsigned *aliases,
			struct outcome *outcome) _must_use_;

/* minimise.c: which name to ask (RFC 9156) */
/* There was no reply to a shortened name. */
void resolve_minimise_silent(const struct resolve *engine, struct task *task);
const uint8_t *resolve_minimise_name(struct resolve *engine, struct task *task, bool *ret_minimised);
/* A reply to a shortened name that is no referral: go on with a longer one. False: it answers the whole name too. */
bool resolve_minimise_reading(struct resolve *engine, struct task *task, const struct exchange *sent,
			      const struct reading *reading);
/* What was to be proved is not. True: that was the denial of a shortened name, and now the whole one is asked for. */
bool resolve_minimise_doubted(struct resolve *engine, struct task *task);

/* forward.c: the walk's way into a forward or stub zone; NULL = out of memory */
struct cut *resolve_forward_cut(struct task *task, const struct forward *via);
/* The forward zone whose servers the delegation holds; NULL = they are authorities. */
const struct forward *resolve_forward_of(const struct cut *cut);
/* No server of it is left: true when the walk goes on without it. */
bool resolve_forward_leave(struct task *task);

/* plan.c: names of servers */
enum plan { PLAN_NOTHING, PLAN_WAIT, PLAN_FOUND };
/* What a server's own zone has answered goes before glue from elsewhere (RFC 2181 section 5.4.1); that comes back when the answer's
 * time is over. */
void resolve_plan_prefer_known(struct resolve *engine, struct cut *cut);
enum plan resolve_plan_addresses(struct resolve *engine, struct task *task);
void resolve_plan_take(struct resolve *engine, struct want *want, const struct outcome *outcome, bool joined);
void resolve_plan_drop(struct resolve *engine, struct task *task); /* all lookups of the task */

/* upstream.c */
int resolve_upstream_send(struct resolve *engine, struct task *task, unsigned target, const uint8_t *qname,
			  uint16_t qtype, bool minimised) _must_use_;
void resolve_upstream_take(struct resolve *engine, const struct resolve_event *event);
void resolve_upstream_failed(struct resolve *engine, const struct resolve_event *event);
void resolve_upstream_timeout(struct resolve *engine, struct exchange *exchange);
void resolve_upstream_drop(struct resolve *engine, struct task *task); /* the task's exchange, if any */
/* exchange.c */
struct exchange *resolve_exchange_open(struct resolve *engine, struct task *task); /* NULL = out of memory */
struct exchange *resolve_exchange_find(struct resolve *engine, uint64_t id);
uint64_t resolve_exchange_id(const struct exchange *exchange);
void resolve_exchange_end(struct resolve *engine, struct exchange *exchange, bool tell);
void resolve_exchanges_free(struct resolve *engine);

/* trouble.c: what a useless reply means for the server that sent it */
void resolve_trouble_reading(struct resolve *engine, struct task *task, const struct exchange *sent,
			     const struct reading *reading);
/* A server that was lame for one name serves the zone after all. */
void resolve_trouble_over(struct resolve *engine, const struct task *task, struct cut_target *target);
/* A TCP exchange came to nothing. */
void resolve_trouble_tcp(struct cut_target *target);

/* root.c */
/* What the image says of a name; in the step's arena. */
int resolve_root_read(struct resolve *engine, const uint8_t *name, uint16_t type, const struct ask *ask,
		      struct reply *reply, struct reading *reading) _must_use_;
void resolve_root_ask(struct resolve *engine, struct task *task);
/* The question as an image wants it; ret->qname is `qname`. BANYAN_EINVAL. */
int resolve_root_question(const uint8_t *qname, uint16_t qtype, struct wire_question *ret) _must_use_;

/* cookie.c */
/* The option for a question, into `out`; returns its length. */
size_t resolve_cookie_write(const struct resolve *engine, struct exchange *exchange, const struct server_info *info,
			    uint8_t out[COOKIE_OPTION_MAX]);
enum cookie_verdict {
	COOKIE_FINE,
	COOKIE_FORGED,  /* somebody else's reply */
	COOKIE_MISSING, /* perhaps; TCP will tell */
};
enum cookie_verdict resolve_cookie_take(struct resolve *engine, const struct exchange *exchange,
					const struct reply *reply, struct cut_target *target);

/* hints.c */
int resolve_hints_init(struct resolve *engine, const struct resolve_settings *settings) _must_use_; /* BANYAN_EINVAL */
/* The root servers as the hints say; NULL: the task waits for better, or has ended. */
struct cut *resolve_hints_cut(struct resolve *engine, struct task *task);
/* The hints themselves, after the servers of which they told could not be asked; NULL: that is no help. */
struct cut *resolve_hints_last(struct resolve *engine, struct task *task);
void resolve_hints_take(struct resolve *engine, struct want *want); /* what was waited for has come, or not */
/* Is this reply the root servers' word about themselves? Then it is remembered. */
void resolve_hints_learn(struct resolve *engine, const struct ask *ask, const struct reply *reply,
			 const struct reading *reading);
bool resolve_hints_any(const struct resolve *engine); /* that may be asked now */
bool resolve_hints_have(const struct resolve *engine, const struct addr *addr);
/* The port of a root server: names and addresses come without. */
uint16_t resolve_hints_port(const struct resolve *engine, const struct addr *addr);

/* trace.c */
void resolve_trace_add(struct resolve *engine, struct task *task, const struct resolve_trace_step *step);
/* What a reading says, in words; static or in the step's arena. */
const char *resolve_trace_words(struct resolve *engine, const struct reading *reading);

/* work.c */
struct work *resolve_work_new(struct resolve *engine, bool tracing);
void resolve_work_release(struct work *work);

/* outcome.c */
int resolve_outcome_answer(struct arena *arena, struct outcome *outcome, const struct rrset *set) _must_use_;
int resolve_outcome_denial(struct arena *arena, struct outcome *outcome, struct rrset *const *set, unsigned n)
	_must_use_;
/* In the step's arena; NULL = out of memory. */
/* additional.c: sets of the cache that go into the additional section of an answer. BANYAN_ENOMEM. */
int resolve_additional(struct resolve *engine, const struct outcome *outcome, struct rrset *const **ret,
		       unsigned *ret_n);
struct resolve_result *resolve_outcome_result(struct resolve *engine, const struct outcome *outcome, bool sigs);

/* validate.c */
/* Is all of it proved (AD)? */
bool resolve_validate_secure(const struct outcome *outcome);
/* insecure.c: why it counts as unsigned although it has signatures; REASON_NONE: nothing to tell. */
enum reason resolve_insecure_reason(struct resolve *engine, const struct outcome *outcome);
/* Is it known of all of it whether it is proved? Always, when nothing is validated. */
bool resolve_validate_known(const struct resolve *engine, const struct outcome *outcome);
/* All data of the task are there. true: they must be proved first; who wants them unproved has got them. */
bool resolve_validate_begin(struct resolve *engine, struct task *task);
/* Does anybody wait for proved data? */
bool resolve_validate_wanted(const struct task *task);
bool resolve_validate_wanted_by_all(const struct task *task);
void resolve_validate_run(struct resolve *engine, struct task *task);
void resolve_validate_drop(struct resolve *engine, struct task *task); /* what it waits for */
/* bogus.c: servers of the task's cut whose data could not be proved are not asked again */
void resolve_bogus_avoid(struct task *task);
/* anchors.c: takes what is trusted now, if that has changed */
void resolve_anchors_sync(struct resolve *engine);
/* rolling.c: the leading engine's questions for the keys of zones with anchors (RFC 5011) */
void resolve_rolling_start(struct resolve *engine); /* sets its timer */
void resolve_rolling_run(struct resolve *engine);   /* whatever is due */
void resolve_rolling_take(struct resolve *engine, const uint8_t *zone, const struct outcome *outcome);
/* signal.c: tells the servers of the zone which keys are trusted (RFC 8145 section 5) */
void resolve_signal_send(struct resolve *engine, const uint8_t *zone);
/* sentinel.c (RFC 8509): what becomes of the result (may be NULL) of such a question */
void resolve_sentinel(struct resolve *engine, const uint8_t *qname, uint16_t qtype, bool checking_disabled,
		      struct resolve_result *result);
/* trust.c, trust_table.c */
void resolve_trust_forget(struct resolve *engine); /* all that was derived here */
void resolve_trust_take(struct resolve *engine, struct want *want, const struct outcome *outcome);
/* The task has come to an alias. True: that was all that those who wait want to know. */
bool resolve_trust_alias(struct resolve *engine, struct task *task);
void resolve_trust_free(struct resolve *engine);
