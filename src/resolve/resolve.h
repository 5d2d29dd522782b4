// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * resolve - the recursive resolver, without I/O.
 *
 * An engine takes events (a client's question, a reply, a failed sending, the time) and gives back
 * actions (send this there, forget that exchange, answer this client) and when it wants to be woken. It owns no socket, thread or
 * clock: the daemon drives it with net/, tests and fuzzers drive the same code in virtual time. One engine a worker;
 * the cache is one bounded block that all engines share. The root is no server here: its image is a function call.
 * Called by answer/ (which turns results into replies).
 *
 * Example:
 *
 *	struct resolve_event event = { 
 *		.kind = RESOLVE_QUESTION, .now_ms = now, .wall_ms = wall, .root = image,
 *				       .question = { .client = 7, .qname = name, .qtype = WIRE_TYPE_A } };
 *	const struct resolve_actions *actions = resolve_step(engine, &event);
 *	for (size_t i = 0; i < actions->count; i++) perform(&actions->item[i]);
 *	wake_me_at(actions->wake_at_ms);
 */
#pragma once

#include "image/image.h"
#include "policy/policy.h"

/* The limits of one engine and of one server's treatment stand in engine.h and select.h (private). */
/* ---- limits: what one client question may cause, each with its reason ---- */
#define RESOLVE_ALIASES_MAX     11  /* CNAME and DNAME steps of one answer; longer chains are loops in practice */
#define RESOLVE_REFERRALS_MAX   32  /* delegations followed for one name: deeper than any real tree */
#define RESOLVE_DEPTH_MAX       6   /* names of servers that need names of servers ... */
#define RESOLVE_NS_MAX          20  /* name servers of one zone that are looked at (NXNSAttack) */
#define RESOLVE_ADDRESSES_MAX   32  /* addresses of one zone's servers that are kept */
#define RESOLVE_NS_LOOKUPS_MAX  3   /* server names resolved at once for one zone (NXNSAttack, NRDelegation) */
#define RESOLVE_UPSTREAM_MAX    100 /* default of settings.live.upstream_max */
#define RESOLVE_RRSET_BYTES_MAX 65535
/* Default of settings.live.signatures_max: KeyTrap (CVE-2023-50387). A long chain with a bad server or two takes 20. */
#define RESOLVE_SIGNATURES_MAX  64
/* Default of settings.live.hashes_max: SHA-1 blocks of NSEC3 (CVE-2023-50868). A name of 34 labels under the most iterations that
 * are still accepted takes 1750. */
#define RESOLVE_HASHES_MAX      2048
#define RESOLVE_DETAIL_MAX      256

/* Below `name` nothing is validated until then (RFC 7646). */
struct resolve_negative_anchor {
	const uint8_t *name;
	int64_t until_s; /* UNIX seconds */
};

struct resolve_negatives {
	size_t n;
	const struct resolve_negative_anchor *item;
};

struct dnssec_anchors;
struct dnssec_rollover;
struct dnssec_rollover_report;
struct resolve_anchors;

/* Does an NXDOMAIN hold for all names below it (RFC 8020)? */
enum resolve_nxdomain_cut {
	RESOLVE_NXDOMAIN_CUT_OFF,
	RESOLVE_NXDOMAIN_CUT_SECURE, /* when it is proved: others may be forged, or said by servers that forget about
					empty non-terminals, and then take down more than one name */
	RESOLVE_NXDOMAIN_CUT_ALL,
};

/* QNAME minimisation (RFC 9156). */
enum resolve_minimise {
	RESOLVE_MINIMISE_OFF,
	RESOLVE_MINIMISE_RELAXED, /* what a server makes of a shortened name is doubted: then it is asked for the whole one */
	RESOLVE_MINIMISE_STRICT, /* a server that denies a shortened name denies the whole one */
};

/* How names below a zone are resolved instead of by the walk from the root; the longest zone decides. */
enum resolve_forward_kind {
	RESOLVE_FORWARD_ZONE, /* by other resolvers, asked with RD */
	RESOLVE_STUB_ZONE,    /* by the walk, but begun at these authorities */
	RESOLVE_WALK_ZONE,    /* by the walk after all: an exception to a shorter one; has no addresses */
};
struct resolve_forward {
	enum resolve_forward_kind kind;
	const uint8_t *zone;
	bool tcp;      /* ask over TCP only */
	bool first;    /* when none of the addresses gives an answer: as if this entry were not there */
	bool insecure; /* what is below it need not prove itself */
	size_t n_addrs;
	const struct addr *addr; /* port 0 = upstream_port */
};

/* May servers on loopback be asked? AUTO: when the root or the hints have servers there. */
enum resolve_loopback { RESOLVE_LOOPBACK_AUTO, RESOLVE_LOOPBACK_ON, RESOLVE_LOOPBACK_OFF };

/* What may change while the engine works: read at each use, and nothing was built from it. */
struct resolve_live_settings {
	uint32_t clients_per_question;               /* clients that wait for the same question */
	uint32_t upstream_max;                       /* messages to authorities that one client question may cause */
	uint32_t question_time_ms;                   /* after it: SERVFAIL, reason time-limit */
	uint32_t ttl_max, ttl_min, ttl_negative_max; /* seconds */
	uint32_t ttl_negative_min;                   /* seconds */
	enum resolve_nxdomain_cut nxdomain_cut;
	bool aggressive_nsec;             /* RFC 8198 */
	bool prefetch;                    /* refresh what is asked for often before it expires */
	uint32_t prefetch_max;            /* refreshes at once, this engine */
	bool serve_stale;                 /* RFC 8767 */
	uint32_t stale_ttl_s;             /* TTL of stale records in answers */
	uint32_t stale_age_max_s;         /* how long after their end they are of use */
	uint32_t stale_client_timeout_ms; /* a client waits so long for better; 0 = not at all */
	bool harden_glue;                 /* believe no addresses from outside the zone that refers */
	bool fragments;     /* take replies that came in fragments; else they are asked for again over TCP (RFC 9715) */
	uint16_t edns_size; /* advertised to authorities */
	bool case_randomisation; /* 0x20 */
	bool cookies;            /* RFC 7873 */
	enum resolve_minimise qname_minimisation;
	/* validation */
	bool refuse_sha1;              /* signatures (RFC 9905) */
	bool refuse_sha1_digest;       /* of DS records */
	uint16_t nsec3_iterations_max; /* RFC 9276 section 3.2 */
	uint32_t signatures_max;       /* public-key operations that one client question may cause */
	uint32_t hashes_max;           /* SHA-1 blocks of NSEC3 hashing, likewise */
	bool key_tag_signal;           /* RFC 8145 section 5 */
	bool sentinel;                 /* RFC 8509 */
	bool no_hints;                 /* the hints of resolve_new() are not of the namespace that is wanted now */
};

struct resolve_settings {
	struct resolve_live_settings live;
	uint32_t questions_max;      /* client questions in flight, this engine */
	uint32_t zone_questions_max; /* lookups at the servers of one zone at once; 0 = no limit */
	uint32_t zone_questions_min; /* what is left of it while they do not answer */
	uint16_t upstream_port;      /* 53 */
	bool priming;                /* ask the root servers for themselves first (RFC 9609) */
	bool ipv4, ipv6;
	uint8_t cookie_secret[16];
	/* validation */
	bool validate;
	int64_t signature_skew_s;               /* dates of signatures may be off by this much */
	const struct dnssec_anchors *anchors;   /* may be NULL; a local root needs none for "." */
	struct resolve_anchors *shared_anchors; /* instead of them, if not NULL */
	bool anchors_lead;                      /* this engine asks for their keys (RFC 5011) and signals: one of all */
	/* ECS (RFC 7871): authorities of these zones and below are told the client's network; none = off. Needed during
	 * resolve_new() only. */
	size_t n_ecs_zones, n_ecs_servers;
	const uint8_t *const *ecs_zone;
	const struct addr_prefix *ecs_server; /* only these; none = all */
	uint8_t ecs_ipv4_bits, ecs_ipv6_bits; /* of an address, at most */
	size_t ecs_cache_bytes;
	size_t n_forwards;
	const struct resolve_forward *forward; /* needed during resolve_new() only */
	/* Root servers, for when there is no root image; none = then nothing is resolved. Needed during resolve_new() only. */
	size_t n_hints;
	const struct addr *hint; /* port 0 = upstream_port */
	/* Servers that are not asked wherever their addresses come from but these settings; outlive the engine. */
	size_t n_never_ask, n_own;
	const struct addr_prefix *never_ask;
	enum resolve_loopback loopback;
	const struct addr *own; /* where this very server listens, with ports */
};
void resolve_settings_default(struct resolve_settings *settings);

/* ---- the cache ---- */
struct resolve_cache;
int resolve_cache_new(size_t budget_bytes, struct resolve_cache **ret) _must_use_;
void resolve_cache_free(struct resolve_cache *cache);
/* How much of its budget it has put to use, tables included. */
size_t resolve_cache_bytes(const struct resolve_cache *cache);
size_t resolve_cache_count(const struct resolve_cache *cache);
/* Forgets a name (NULL = everything), or also all below it, with what is derived from it and what above it decides about it
 * (cache_flush.c). Returns the number of entries. */
size_t resolve_cache_flush(struct resolve_cache *cache, const uint8_t *name, bool subtree);
/* The same for one type; 0 = all. */
size_t resolve_cache_flush_type(struct resolve_cache *cache, const uint8_t *name, uint16_t type, bool subtree);

/* Going through a cache, some entries a call, while it is in use: what stays in it is met once. Begins with {0}. */
struct resolve_cache_cursor {
	uint32_t shard, bucket;
};
/* The cache as bytes (cache_file.h tells the form). The head, then blocks until 0 comes; 1 = there is more. `context` and `rules` are
 * numbers for the settings under which the data were learned, and were proved. What has expired is saved as long as it is of use for
 * `stale_s` seconds. Any thread. BANYAN_ENOMEM. */
int resolve_cache_save_head(uint64_t context, uint32_t rules, struct buffer *out) _must_use_;
int resolve_cache_save(struct resolve_cache *cache, int64_t wall_ms, uint32_t stale_s,
		       struct resolve_cache_cursor *cursor, struct buffer *out) _must_use_;
struct resolve_cache_loaded {
	bool unproved; /* given: what the file says is proved is proved again before it is used, as it was by other rules */
	size_t entries, alive, refused; /* taken; of them not expired; of no use or not true */
	size_t torn;                    /* blocks */
};
#define RESOLVE_CACHE_HEAD 32 /* bytes that the head takes */
struct resolve_cache_head {
	uint32_t version; /* of the form */
	uint32_t rules;   /* 0 in version 1 */
	uint64_t context;
};
/* Returns the length of the head. BANYAN_EMALF (no such file), BANYAN_EUNSUPP (of a version that is not known here). */
int resolve_cache_load_head(const uint8_t *data, size_t len, struct resolve_cache_head *ret) _must_use_;
/* A file of so many bytes is to be taken over; before the first of them, to be faster. */
void resolve_cache_load_expect(struct resolve_cache *cache, size_t len);
/* Takes over what is whole and makes sense of the next bytes, and returns how many are done with; the others are wanted again, with
 * more behind them, unless these are the `last`. Adds to `loaded`. Before the cache is used by others. */
size_t resolve_cache_load(struct resolve_cache *cache, int64_t wall_ms, const uint8_t *data, size_t len, bool last,
			  struct resolve_cache_loaded *loaded);

/* One entry, for people. */
enum resolve_entry_kind {
	RESOLVE_ENTRY_SET,
	RESOLVE_ENTRY_NODATA,
	RESOLVE_ENTRY_NXDOMAIN,
	RESOLVE_ENTRY_DELEGATION,
	RESOLVE_ENTRY_FAILURE,
};
struct resolve_entry {
	enum resolve_entry_kind kind;
	const uint8_t *name;
	uint16_t type;
	int64_t ttl_s, age_s; /* ttl_s < 0: expired so long ago */
	const char *security; /* "secure", "insecure", "unchecked" */
	struct addr server;   /* that said it; family 0 = none */
	uint32_t root_serial; /* else, of the root image that did; 0 = none */
	uint8_t algorithm;    /* of the key that proved it; 0 = none */
	uint16_t key_tag;
	enum reason reason; /* of a failure */
	size_t n_sets;
	struct wire_rrset set[2]; /* data and signatures of a set; the servers of a delegation */
};
/* Calls `fn` for some entries: false = that was the end. `name` NULL = all; else those of the name, or below it too. All that an
 * entry points to is gone when `fn` returns. */
bool resolve_cache_entries(struct resolve_cache *cache, int64_t wall_ms, const uint8_t *name, bool subtree,
			   struct resolve_cache_cursor *cursor,
			   void (*fn)(void *ctx, const struct resolve_entry *entry), void *ctx);

/* ---- trust anchors that all engines share; outlives them ----
 * The configured ones, and what became of them by RFC 5011: the engine that leads asks for the keys of their zones when the time has
 * come, or takes them from the root image, and says RESOLVE_ANCHORS: then the state is to be kept. Any thread. */
int resolve_anchors_new(struct resolve_anchors **ret) _must_use_;
void resolve_anchors_free(struct resolve_anchors *anchors);
/* A state that was kept: before resolve_anchors_set() with anchors of its zone. */
int resolve_anchors_restore(struct resolve_anchors *anchors, const struct dnssec_rollover *state) _must_use_;
/* Takes the place of what was configured before; what is known of the keys of its zones stays. */
int resolve_anchors_set(struct resolve_anchors *anchors, const struct dnssec_anchors *configured, bool roll) _must_use_;
/* Adds what would be trusted with these configured anchors. */
int resolve_anchors_trusted(struct resolve_anchors *anchors, const struct dnssec_anchors *configured, bool roll,
			    struct dnssec_anchors *ret) _must_use_;
/* Is the state of the zone's keys known, from a restoration or by itself? */
bool resolve_anchors_has(struct resolve_anchors *anchors, const uint8_t *zone);
size_t resolve_anchors_zones(struct resolve_anchors *anchors);
/* Copies the state of a zone: 1, or 0 when its anchors do not roll (then only the name is set). BANYAN_ENOENT. */
int resolve_anchors_zone(struct resolve_anchors *anchors, size_t index, struct dnssec_rollover *ret) _must_use_;

/* ---- events ---- */
enum resolve_event_kind {
	RESOLVE_QUESTION,    /* a client asks */
	RESOLVE_CANCEL,      /* a client is gone */
	RESOLVE_REPLY,       /* bytes came for an exchange */
	RESOLVE_SEND_FAILED, /* an exchange ended without reply (refused, unreachable, closed) */
	RESOLVE_WAKE,        /* time has passed */
};

/* Settings that may change from step to step. */
struct resolve_live {
	uint32_t version; /* another one: other settings; not 0 */
	struct resolve_live_settings settings;
};

struct resolve_event {
	enum resolve_event_kind kind;
	int64_t now_ms;                    /* monotonic: retransmission */
	int64_t wall_ms;                   /* since 1970 UTC, may jump: TTLs and signature dates */
	const struct image *root;          /* the proved root; valid during the step; NULL = none */
	int64_t root_from_s, root_until_s; /* its signatures hold between these, UNIX seconds; 0 = not known */
	bool root_on_loopback;             /* it names servers on this machine: see enum resolve_loopback */
	const struct policy *policy; /* what the operator says; valid until the actions are done; NULL = nothing */
	const struct resolve_negatives *negatives; /* where he wants nothing to be proved; likewise */
	const struct resolve_live *live;           /* valid during the step; NULL = the settings of resolve_new() */
	union {
		struct {
			uint64_t client;           /* the caller's handle, unique among open ones */
			const uint8_t *qname;      /* any case */
			uint16_t qtype;            /* class is IN */
			struct addr from;          /* the client, for policy; family 0 = nobody in particular */
			struct addr_prefix subnet; /* that the client named instead (ECS); family 0 = none */
			bool subnet_off;           /* the client wants nothing to be said of it */
			bool tcp;                  /* it came over TCP */
			bool dnssec;               /* DO: keep RRSIGs in the result */
			bool checking_disabled;
			bool additional;  /* with addresses of the names in the answer, if the cache has them */
			bool cached_only; /* no walk: what the cache does not say is refused, reason client-limit */
			bool trace;       /* record the walk */
			bool no_cache;    /* do not answer from the cache (banyan trace --cold); still fills it */
		} question;
		struct {
			uint64_t client;
		} cancel;
		/* `from` with family 0: the exchange's socket can hear nobody but the server it was sent to. */
		struct {
			uint64_t exchange;
			const uint8_t *msg;
			size_t len;
			bool tcp;
			bool fragmented; /* was put together of pieces, which could be forged one by one */
			struct addr from;
		} reply;
		struct {
			uint64_t exchange;
			int error;
		} failed;
	};
};

/* ---- what comes out ---- */
/* One step of a walk, for `banyan trace`. */
enum resolve_step_kind {
	RESOLVE_STEP_ROOT,     /* the local root image said it */
	RESOLVE_STEP_CACHE,    /* the cache said it */
	RESOLVE_STEP_REPLY,    /* a server said it */
	RESOLVE_STEP_TIMEOUT,  /* a server said nothing */
	RESOLVE_STEP_REJECTED, /* what a server said was of no use; reason tells why */
	RESOLVE_STEP_FAILED,   /* the network failed */
	RESOLVE_STEP_POLICY,   /* a rule of the operator */
	RESOLVE_STEP_PROOF,    /* something was proved, or could not be; reason tells why */
};
struct resolve_trace_step {
	enum resolve_step_kind kind;
	int64_t at_ms;         /* since the question came */
	int64_t took_ms;       /* round trip, where there is one */
	const uint8_t *zone;   /* the zone that was asked */
	const uint8_t *server; /* name of the server, or NULL */
	struct addr addr;      /* of the server; family 0 = none */
	bool tcp;
	const uint8_t *qname;
	uint16_t qtype;
	uint16_t rcode;
	uint16_t flags; /* header flags of the reply (WIRE_AA ...) */
	enum reason reason;
	const char *what; /* "referral to com.", "answer, 2 records", "no such name", "truncated" */
	unsigned depth;   /* 0 = the client's name, 1 = a server's name, ... */
};

struct resolve_result {
	uint16_t rcode;
	bool authentic; /* AD: proved (or from the proved root image, when signed) */
	bool from_cache;
	uint8_t subnet_scope; /* ECS: bits of the client's network for which it holds */
	enum reason reason;   /* of a failure */
	const char *detail;   /* what exactly is wrong, or NULL */
	size_t n_answer, n_authority, n_additional;
	const struct wire_rrset *answer, *authority,
		*additional; /* TTLs are those to send; RRSIGs as RRsets of their own */
	size_t n_steps;
	const struct resolve_trace_step *step;
	uint32_t upstream; /* messages sent for it */
	int64_t took_ms;
	/* of policy */
	bool authoritative; /* AA */
	bool drop;          /* no reply at all */
	bool policy_soa;    /* additional is the SOA of a policy zone: always sent */
	bool truncated;     /* TC: come over TCP */
	bool log;           /* the operator wants to read of it: */
	const char *rule;   /* which rule made the answer; NULL = none */
};

enum resolve_action_kind { RESOLVE_SEND, RESOLVE_CLOSE, RESOLVE_ANSWER, RESOLVE_ANCHORS };

struct resolve_action {
	enum resolve_action_kind kind;
	union {
		struct {
			uint64_t exchange;
			bool tcp;
			struct addr to;
			const uint8_t *msg;
			size_t len;
		} send;
		struct {
			uint64_t exchange;
		} close;
		struct {
			uint64_t client;
			const struct resolve_result *result;
		} answer;
		/* The keys of a zone with anchors were looked at: `state` is to be kept. Or no keys came: then `report`
		 * is NULL, and reason and detail say why. */
		struct {
			const struct dnssec_rollover *state;
			const struct dnssec_rollover_report *report;
			enum reason reason;
			const char *detail;
		} anchors;
	};
};

/* Valid until the next resolve_step() of the same engine. */
struct resolve_actions {
	size_t count;
	const struct resolve_action *item;
	int64_t wake_at_ms; /* INT64_MAX = not needed */
};

struct resolve;
/* `random` and `counters` belong to the caller and outlive the engine. */
int resolve_new(const struct resolve_settings *settings, struct resolve_cache *cache, struct random *random,
		struct counters *counters, struct resolve **ret) _must_use_;
void resolve_free(struct resolve *engine);
const struct resolve_actions *resolve_step(struct resolve *engine, const struct resolve_event *event);

/* ---- the short way ---- */
#define RESOLVE_HIT_SETS_MAX 16 /* of one answer; more go the long way */

struct resolve_hit_ask {
	const uint8_t *qname; /* lower case */
	size_t qname_len;
	uint16_t qtype;                   /* class is IN */
	bool additional;                  /* as in the event */
	const struct addr *from;          /* the client */
	const struct policy_view *policy; /* its view; NULL = none */
	const struct resolve_live *live;  /* as in the event */
	int64_t now_ms, wall_ms;          /* likewise */
};
/* A set of the answer. `pack` up to `end`: count + n_sigs times u16 length and data, the RRSIGs behind the records. */
struct resolve_hit_set {
	const uint8_t *owner; /* NULL in the answer: that is the name asked for, then each alias's target */
	uint16_t type, count, n_sigs;
	uint32_t ttl;
	const uint8_t *pack, *end;
};
struct resolve_hit {
	uint16_t rcode;
	bool authentic; /* AD */
	unsigned n_answers, n_authority;
	struct resolve_hit_set set[RESOLVE_HIT_SETS_MAX]; /* answers first */
};
/* Is the whole answer known, proved as far as it can be, and of interest to nobody but the client? Not called within a step. False: ask
 * resolve_step(), which comes to the same answer if there is one. *ret is valid until either is called again. */
bool resolve_hit(struct resolve *engine, const struct resolve_hit_ask *ask, struct resolve_hit *ret);

/* Is this the reason of something that could not be proved? Who sets CD is told nothing of it. */
bool resolve_validate_failure(enum reason reason);
/* Client questions in flight. */
size_t resolve_questions(const struct resolve *engine);

/* ---- what is known of a name, for `banyan why` ---- */
enum resolve_fact_kind {
	RESOLVE_FACT_ROOT,  /* the local root image answers this by itself: root.rcode and its words */
	RESOLVE_FACT_SET,   /* data in the cache */
	RESOLVE_FACT_ALIAS, /* a CNAME in the cache, or one made of a DNAME: goes on at `target` */
	RESOLVE_FACT_DENIAL, /* the cache knows that there is no such type (or name: rcode NXDOMAIN, of `name` and all below) */
	RESOLVE_FACT_FAILURE, /* it failed lately, and that is remembered: reason */
	RESOLVE_FACT_UNKNOWN, /* nothing is known: a question would walk */
	RESOLVE_FACT_CUT,     /* the deepest delegation known, where a walk would begin */
	RESOLVE_FACT_SERVER,  /* a server of that delegation: addr and what was measured */
};

struct resolve_fact {
	enum resolve_fact_kind kind;
	const uint8_t *name; /* what it is about */
	uint16_t type;
	uint16_t rcode;
	enum reason reason;
	const uint8_t *target; /* ALIAS: where to; SERVER: its name */
	uint32_t ttl_s;        /* left */
	const char *rank;      /* in words: how far it is trusted (RFC 2181 section 5.4.1) */
	const char *security;  /* in words: what its signatures proved */
	const char *detail;    /* FAILURE: what exactly was wrong, or NULL */
	/* of what is in the cache: */
	int64_t age_s;         /* since it came; -1 = not known */
	bool expired;          /* given out only when no server can be asked (RFC 8767) */
	uint32_t root_serial;  /* of the root that said it; 0 = none did */
	const char *algorithm; /* of the key that proved it, as a word; NULL = none did */
	uint16_t key_tag;
	struct addr addr; /* SERVER: its own, family 0 = not known; else of the server that said it, family 0 = none */
	uint32_t rtt_ms;  /* SERVER; 0 = not measured */
	unsigned silences;
	bool lame;
	size_t n_sets;
	const struct wire_rrset *set;
};

#define RESOLVE_FACTS_MAX 128
struct resolve_facts {
	size_t count;
	struct resolve_fact item[RESOLVE_FACTS_MAX];
};

struct resolve_why_from {
	struct resolve_cache *cache;
	const struct image *root; /* NULL = none */
	uint16_t upstream_port;
	uint32_t stale_age_s; /* how long what has expired is still of use; 0 = not at all */
	enum resolve_nxdomain_cut nxdomain_cut;
};
/* Looks, asks nobody, changes nothing. Any thread. Everything in `ret` lives in the arena. BANYAN_ENOMEM. */
int resolve_why(const struct resolve_why_from *from, struct arena *arena, int64_t wall_ms, const uint8_t *qname,
		uint16_t qtype, struct resolve_facts *ret) _must_use_;
