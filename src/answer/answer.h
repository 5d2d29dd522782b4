// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * answer - one question -> one reply.
 *
 * answer_question() decides: silence or an error for what is no question, CHAOS identity, the image of the
 * zone that holds the name, the resolver for clients on the allow list, REFUSED for the rest; and puts EDNS around
 * it. It allocates nothing. What needs the resolver goes through struct answer_recursor, which drives resolve/ with net/.
 * Called by the workers of cmd/banyand.
 *
 * Example:
 *
 *	size_t len;
 *	switch (answer_question(view, counters, &request, &pending, &len)) {
 *	case ANSWER_SEND: return len;
 *	case ANSWER_SILENT: return 0;
 *	case ANSWER_RECURSE: return answer_recurse(recursor, view, &pending, &m->ticket);
 *	}
 */
#pragma once

#include "net/net.h"
#include "resolve/resolve.h"

#define ANSWER_ZONES_MAX 65536

struct answer_zone {
	const uint8_t *apex;       /* lower case */
	const struct image *image; /* NULL = not loaded: SERVFAIL */
	uint32_t expire_s;         /* told with its SOA to who asks for it (RFC 7314); 0 = nothing is told, */
	/* and of a copy the time until then, which moves on as sources confirm it; UNIX seconds, NULL or 0 = it is none */
	const _Atomic int64_t *expires_at_s;
	enum reason trouble; /* of a copy that is not current: told with each answer from it (RFC 8914) */
};

struct answer_networks {
	size_t n;
	const struct addr_prefix *item;
};

/* What kind of reply: each has its own rate. */
enum answer_class { ANSWER_DATA, ANSWER_NXDOMAIN, ANSWER_REFERRAL, ANSWER_ERROR, ANSWER_CLASSES };

/* Rates are a second; 0 = no limit. Exempt networks have none. */
struct answer_limits {
	uint32_t client_rate;  /* questions of one client to the resolver */
	uint32_t client_pulse; /* bytes of UDP replies that one client waited for, at once */
	struct answer_networks client_exempt;
	/* response rate limiting: what goes to one network over UDP from zones that are served here */
	uint32_t rrl[ANSWER_CLASSES];
	uint32_t rrl_window_s; /* who asks on keeps being limited for so long after the last excess */
	uint32_t rrl_slip;     /* of limited replies each n-th goes out with TC; 0 = none */
	uint32_t rrl_leak;     /* ... or whole */
	uint8_t rrl_ipv4_bits, rrl_ipv6_bits;
	struct answer_networks rrl_exempt;
};
#define ANSWER_PULSES_PER_S 64 /* of client_pulse go out when a client asks no more */
#define ANSWER_PULSE_WAIT_MS                                                                                           \
	1000                 /* a reply that would go out later than this never does: stubs have asked again by then */
#define ANSWER_CLIENT_SLIP 2 /* of questions over UDP above client_rate each second gets TC: TCP shows who is real */

/* DNS cookies (RFC 7873, RFC 9018). The first secret makes them, all are accepted. */
#define ANSWER_SECRETS_MAX 8
struct answer_cookies {
	unsigned n_secrets; /* 0 = no cookies */
	bool required;      /* over UDP: without a good one BADCOOKIE, or TC for who knows no cookies */
	uint8_t secret[ANSWER_SECRETS_MAX][16];
};
#define ANSWER_COOKIE_SIZE 24
struct answer_view;
/* Does the question carry a cookie that shows that the peer is where it says? */
bool answer_cookie_good(const struct answer_view *view, const struct wire_question *question, const struct addr *peer);

/* DNS64 (RFC 6147): prefixes of 32, 40, 48, 56, 64 or 96 bits; none = off. No clients = all. */
struct answer_dns64 {
	struct answer_networks prefixes, clients;
	struct answer_networks exclude; /* AAAA records that count as none */
};

/* ECS (RFC 7871) */
#define ANSWER_ECS_MAX 20 /* data of the option */
struct answer_ecs {
	bool enabled;
	struct answer_networks trust; /* whose clients may name another network than their own */
};

/* Token buckets of clients and networks, shared by all workers. */
struct answer_rates;
int answer_rates_new(size_t entries, struct answer_rates **ret) _must_use_;
void answer_rates_free(struct answer_rates *rates);

/* Everything that answering needs to know, immutable; a reload publishes a new one under RCU. */
struct answer_view {
	size_t n_zones;
	const struct answer_zone *zone;     /* sorted by answer_view_sort() */
	_Atomic(const struct image *) root; /* the resolver's local root; NULL = none, or not usable any more */
	const struct policy *policy;        /* what the operator says about names; NULL = nothing */
	struct resolve_live live;           /* settings of the resolver that a reload changes */
	_Atomic(const struct resolve_negatives *) negatives; /* where nothing is to be proved; NULL = nowhere */
	int64_t root_from_s,
		root_until_s; /* UNIX seconds between which its signatures hold, those of a refused copy too; 0 = not known */
	enum reason root_trouble; /* as with zones: told with denials by the root, and with failures that come of it */
	bool root_signed;         /* ... and every signature in it is proved */
	bool root_on_loopback;    /* it names servers on this machine, as a lab's does */
	size_t n_elsewhere;
	const uint8_t *const *elsewhere; /* names at and below which the local root does not have the last word */
	bool recursion;                  /* is there a resolver? */
	struct answer_networks allow, deny, drop; /* who may ask for recursion, who is refused, who gets no reply */
	struct answer_limits limits;
	struct answer_cookies cookies;
	struct answer_dns64 dns64;
	struct answer_ecs ecs;
	uint32_t tcp_idle_ms;   /* told to who asks for it (RFC 7828) */
	const char *identity;   /* NSID, id.server, hostname.bind; "" = off */
	const char *version;    /* version.bind, version.server; "" = off */
	uint16_t udp_size;      /* largest UDP reply */
	bool minimal_responses; /* of zones and the root copy */
	bool minimal_results;   /* of the resolver */
	bool rotate;            /* the order of records in the resolver's answers changes from question to question */
};
void answer_view_sort(struct answer_zone *zone, size_t n);

struct answer_request {
	const uint8_t *msg;
	size_t len;
	struct addr peer;
	bool tcp;
	uint8_t *out;   /* 65535 bytes */
	uint8_t *small; /* less room, but where the reply is wanted if it surely fits; NULL = none */
	size_t small_cap;
	struct answer_rates *rates; /* NULL = nothing is limited */
	int64_t now_ms;             /* monotonic, for the rates */
	struct resolve *engine;     /* whose cache may answer at once; NULL = none */
	int64_t wall_ms;            /* UNIX milliseconds, of this turn */
	unsigned pass;              /* what the caller answers itself: enum answer_pass */
	size_t room;                /* bytes of the reply that stay free for its signature */
	uint32_t expire_s;          /* answer_bare(): of the zone, for the OPT; 0 = not asked for */
};

/* Questions with a TSIG (else they are refused), those for AXFR and IXFR (likewise), and those for the SOA of the root. */
enum answer_pass { ANSWER_PASS_SIGNED = 1, ANSWER_PASS_TRANSFERS = 2, ANSWER_PASS_ROOT = 4 };

enum answer_outcome { ANSWER_SEND, ANSWER_SILENT, ANSWER_RECURSE, ANSWER_PASSED };

/* What must be remembered of a question while the resolver works on it. Plain value. */
struct answer_pending {
	uint16_t id, flags, qtype, qclass;
	bool edns, dnssec, nsid, tcp, has_cookie, keepalive;
	bool minimal; /* no additional records */
	bool proved;  /* that it comes from its address: by a good cookie */
	uint8_t cookie[ANSWER_COOKIE_SIZE];
	uint8_t ecs[ANSWER_ECS_MAX], ecs_len; /* the client's own option; 0 = none, or none that is heeded */
	uint16_t udp_size;                    /* the smaller of client's and ours; 512 without EDNS */
	struct addr peer;
	uint8_t qname_len;
	uint8_t qname[WIRE_NAME_MAX]; /* case as sent */
};

/* ANSWER_SEND: the reply is at request->out, which is request->small then if that has room for the longest that this client may get. */
enum answer_outcome answer_question(const struct answer_view *view, struct counters *counters,
				    struct answer_request *request, struct answer_pending *ret_pending,
				    size_t *ret_len);

/* For the caller who answers itself. A reply without data to a question that can be answered, within the limits of replies; its length, 0 =
 * none is sent. `ede`: RFC 8914, or ANSWER_EDE_NONE. */
#define ANSWER_EDE_NONE (-1)
size_t answer_refuse(const struct answer_view *view, struct counters *counters, const struct answer_request *request,
		     uint16_t rcode, int ede);
/* Header, question and OPT as a reply with data would have them; the length. */
size_t answer_bare(const struct answer_view *view, const struct answer_request *request, uint8_t *out);

/* What the resolver is told of the client's network: nothing but its address, or another one, or to be silent. */
void answer_ecs_ask(const struct answer_view *view, const struct answer_pending *pending, struct resolve_event *event);

/* Writes the reply for a resolver's result; returns its length (TC when it does not fit). */
int answer_from_result(const struct answer_view *view, const struct answer_pending *pending,
		       const struct resolve_result *result, uint8_t *out, size_t cap) _must_use_;

/* ---- driving the resolver with sockets ---- */
struct answer_recursor;
struct answer_recursor_settings {
	struct net_loop *loop;
	struct resolve *engine;
	struct counters *counters;
	uint32_t questions_max, client_questions_max; /* in flight: of all clients, and of one; 0 = no limit */
	struct answer_rates *rates;                   /* NULL = replies go out when they are there */
	/* The view of this moment (RCU-protected until the end of the loop's turn). */
	const struct answer_view *(*view)(void *ctx);
	void *view_ctx;
	/* RESOLVE_ANCHORS of the engine that leads; may be NULL. The action is valid during the call. */
	void (*anchors)(void *ctx, const struct resolve_action *action);
	void *anchors_ctx;
};
int answer_recursor_new(const struct answer_recursor_settings *settings, struct answer_recursor **ret) _must_use_;
void answer_recursor_free(struct answer_recursor *recursor);
/* Starts on a client's question; returns the reply's length if it is known at once (written to `out`), else NET_LATER. */
int answer_recurse(struct answer_recursor *recursor, const struct answer_pending *pending,
		   const struct net_ticket *ticket, uint8_t *out);
/* For the control socket: resolves with a trace; `done` gets the result (valid during the call). Loop's thread only. */
int answer_trace(struct answer_recursor *recursor, const uint8_t *qname, uint16_t qtype, bool cold,
		 void (*done)(void *ctx, const struct resolve_result *result), void *ctx) _must_use_;
