// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * policy - what the operator says about names, before the DNS is asked.
 *
 * Local zones and data (RFC 6303, RFC 6761 and the operator's own), static names (hosts files) and response policy zones
 * (draft-vixie-dnsop-dns-rpz), for each view of clients. All of it is compiled once into immutable tables that workers
 * share; who reads files and swaps them is cmd/. resolve/ asks policy_check() for each name on the way of a client's
 * question, and never for what it looks up for itself. No sockets, files or clocks here.
 *
 * Example:
 *
 *	struct policy_local_builder *b = policy_local_builder_new();
 *	policy_local_defaults(b);
 *	policy_local_hosts(b, "/etc/hosts", text, len, 300, &error);
 *	policy_local_build(b, seed, &local);
 *	struct policy_view views[] = {{.name = "default", .local = local}};
 *	policy_new(views, 1, &policy);
 *	...
 *	struct policy_subject subject = {.view = policy_view_of(policy, &client), .client = &client, .name = name, .qtype = type};
 *	if (policy_check(&subject, &hit) == POLICY_HIT) ...
 */
#pragma once

#include "zone/zone.h"

#define POLICY_VIEWS_MAX   256                 /* looked through one by one for each question */
#define POLICY_RPZ_MAX     64                  /* zones of one view; each costs a lookup a question */
#define POLICY_HOSTS_MAX   ((size_t)256 << 20) /* bytes of a hosts file: the largest blocklists have some tens of MB */
#define POLICY_RECORDS_MAX ((size_t)10000000)  /* local records of one view */
#define POLICY_TEXT_MAX    1400                /* a rule in words: two names and some */

/* ---- local zones ---- */
/* What holds in a local zone for names and types that have no local data. */
enum policy_zone_kind {
	POLICY_ZONE_STATIC,           /* NXDOMAIN or NODATA: the zone is whole as it stands here */
	POLICY_ZONE_TRANSPARENT,      /* names with data have only these; other names are resolved */
	POLICY_ZONE_TYPE_TRANSPARENT, /* the same for types: other types are resolved too */
	POLICY_ZONE_REDIRECT,         /* every name in it has the data of its apex */
	POLICY_ZONE_REFUSE,           /* REFUSED */
	POLICY_ZONE_DROP,             /* no reply at all */
	POLICY_ZONE_NXDOMAIN,         /* no name exists, local data or not */
	POLICY_ZONE_NODATA,           /* no name has data, local data or not */
	POLICY_ZONE_INFORM,           /* as transparent, and each question is logged */
	POLICY_ZONE_OFF,              /* nothing local holds here: resolved as if there were no zone */
	POLICY_ZONE_KINDS,
};

struct policy_local;
struct policy_local_builder;

struct policy_local_builder *policy_local_builder_new(void); /* NULL = out of memory */
void policy_local_builder_free(struct policy_local_builder *builder);
/* A later zone of the same name takes the place of an earlier one. BANYAN_ENOMEM, BANYAN_ELIMIT. */
int policy_local_zone(struct policy_local_builder *builder, const uint8_t *name, enum policy_zone_kind kind) _must_use_;
/* The zones that every resolver should answer itself: RFC 6303 and its registry, RFC 6761, 6762, 7686, 8375, 9476. */
int policy_local_defaults(struct policy_local_builder *builder) _must_use_;
/* The operator says elsewhere who answers for `name` and below: default zones at or below it are left out, and one above it
 * gets a hole there. The root changes nothing. After policy_local_defaults(). */
int policy_local_elsewhere(struct policy_local_builder *builder, const uint8_t *name) _must_use_;
/* `ttl` in seconds. */
int policy_local_record(struct policy_local_builder *builder, const uint8_t *owner, uint16_t type, uint32_t ttl,
			const uint8_t *rdata, uint16_t len) _must_use_;
/* Records in presentation form with absolute names, one a line; `ttl` for those without. Errors name `source` and line. */
int policy_local_text(struct policy_local_builder *builder, const char *source, const char *text, size_t len,
		      uint32_t ttl, struct zone_error *ret_error) _must_use_;
/* One address of a name; `reverse`: the address leads back to the name, if to no earlier one. */
int policy_local_host(struct policy_local_builder *builder, const uint8_t *name, const struct addr *addr, uint32_t ttl,
		      bool reverse) _must_use_;
/* Lines of hosts(5): an address, then names; the first one is the address's own (PTR). */
int policy_local_hosts(struct policy_local_builder *builder, const char *source, const char *text, size_t len,
		       uint32_t ttl, struct zone_error *ret_error) _must_use_;
/* Frees the builder, also on failure. `seed` keeps outsiders from choosing names that collide. */
int policy_local_build(struct policy_local_builder *builder, uint64_t seed, struct policy_local **ret) _must_use_;
void policy_local_free(struct policy_local *local);
size_t policy_local_bytes(const struct policy_local *local);
size_t policy_local_names(const struct policy_local *local);

/* ---- response policy zones ---- */
enum policy_trigger {
	POLICY_TRIGGER_LOCAL, /* local zone or data */
	POLICY_TRIGGER_CLIENT_IP,
	POLICY_TRIGGER_QNAME,
	POLICY_TRIGGER_IP,
	POLICY_TRIGGER_NSDNAME,
	POLICY_TRIGGER_NSIP,
	POLICY_TRIGGERS,
};

enum policy_action {
	POLICY_PASS, /* resolved as usual; for RPZ: and nothing else is looked at */
	POLICY_NXDOMAIN,
	POLICY_NODATA,
	POLICY_DROP,
	POLICY_TCP_ONLY, /* TC over UDP, as usual over TCP */
	POLICY_REFUSE,
	POLICY_DATA, /* the records of hit.data, NODATA for types that they lack */
	POLICY_ACTIONS,
};

struct policy_rpz;
struct policy_rpz_stats {
	size_t rules[POLICY_TRIGGERS];
	size_t ignored; /* records that are no rules: unknown actions, addresses that cannot be read, the apex */
	size_t bytes;
	uint32_t serial;
};
typedef void (*policy_remark_fn)(void *ctx, const uint8_t *owner, const char *text);

/* `remark` hears of each record that is ignored. BANYAN_ENOMEM, BANYAN_ELIMIT, BANYAN_EMALF (no SOA). */
int policy_rpz_compile(const struct zone *zone, uint64_t seed, policy_remark_fn remark, void *remark_ctx,
		       struct policy_rpz **ret) _must_use_;
void policy_rpz_free(struct policy_rpz *rpz);
const struct policy_rpz_stats *policy_rpz_stats(const struct policy_rpz *rpz);
const uint8_t *policy_rpz_name(const struct policy_rpz *rpz);

/* How a view uses a policy zone. */
enum policy_override {
	POLICY_OVERRIDE_GIVEN,    /* as the zone says */
	POLICY_OVERRIDE_DISABLED, /* what would have been done is logged and counted only */
	POLICY_OVERRIDE_PASSTHRU,
	POLICY_OVERRIDE_NXDOMAIN,
	POLICY_OVERRIDE_NODATA,
	POLICY_OVERRIDE_DROP,
	POLICY_OVERRIDE_TCP_ONLY,
	POLICY_OVERRIDE_REFUSE,
	POLICY_OVERRIDE_CNAME,
};
struct policy_rpz_use {
	const struct policy_rpz *rpz;
	enum policy_override override;
	const uint8_t *cname; /* of POLICY_OVERRIDE_CNAME */
	enum reason reason;   /* REASON_POLICY_...: what a client is told (RFC 8914) */
	bool log;
	bool break_dnssec; /* rewrite also what is signed, for clients that set DO */
	bool add_soa;      /* the zone's SOA in the additional section */
};

/* ---- views ---- */
enum policy_access { POLICY_ACCESS_DEFAULT, POLICY_ACCESS_ALLOW, POLICY_ACCESS_REFUSE, POLICY_ACCESS_DROP };
enum policy_choice { POLICY_CHOICE_DEFAULT, POLICY_CHOICE_NO, POLICY_CHOICE_YES };

/* What is said to some clients. All pointers belong to the caller and outlive the policy. */
struct policy_view {
	const char *name;
	size_t n_match;
	const struct addr_prefix *match; /* the view with the longest prefix counts, the first one of equals */
	enum policy_access access;
	enum policy_choice minimal_responses, dns64;
	const struct policy_local *local; /* NULL = none */
	const struct policy_local
		*common; /* asked for names above which `local` has no zone and no data; NULL = none */
	size_t n_rpz;
	const struct policy_rpz_use *rpz; /* in the order in which they count */
};

struct policy;
/* view[0] is for clients that match no other. The views are copied. BANYAN_ENOMEM, BANYAN_ELIMIT. */
int policy_new(const struct policy_view *view, size_t n, struct policy **ret) _must_use_;
void policy_free(struct policy *policy);
const struct policy_view *policy_view_of(const struct policy *policy, const struct addr *client);

/* ---- asking ---- */
/* One name on the way of a client's question: the one asked for, or what an alias led to. */
struct policy_subject {
	const struct policy_view *view;
	const struct addr *client; /* NULL = unknown */
	const uint8_t *name;       /* lower case */
	uint16_t qtype;
	bool local_only; /* leave policy zones out */
	bool resolved;   /* what follows is known: all triggers are looked at */
	size_t n_addrs, n_ns, n_ns_addrs;
	const struct addr *addr;    /* addresses in the answer */
	const uint8_t *const *ns;   /* names of the servers that answer for the name, lower case */
	const struct addr *ns_addr; /* and their addresses */
};

/* RRsets of local data, in the order of their types. */
struct policy_data;
struct policy_set {
	uint16_t type, count;
	uint32_t ttl;
	uint32_t size;       /* of pack */
	const uint8_t *pack; /* count times: u16 length, data */
};
unsigned policy_data_count(const struct policy_data *data);
struct policy_set policy_data_at(const struct policy_data *data, unsigned i);
bool policy_data_find(const struct policy_data *data, uint16_t type, struct policy_set *ret);

/* Which rule it was; points into the policy and the subject. */
struct policy_rule {
	enum policy_trigger trigger;
	const uint8_t *zone; /* the policy zone or local zone; NULL = local data without zone */
	const uint8_t *name; /* of the rule, without "*."; NULL = an address */
	bool wildcard, log;
	struct addr_prefix prefix;
};
char *policy_rule_text(const struct policy_rule *rule, char out[POLICY_TEXT_MAX]); /* returns out */
const char *policy_action_text(enum policy_action action);

struct policy_hit {
	enum policy_action action;
	enum reason reason;
	struct policy_rule rule;
	bool authoritative; /* local data: AA */
	bool by_default;    /* only since the zone is one of policy_local_defaults() */
	bool keep_signed;   /* not for signed answers to clients that set DO */
	const struct policy_data *data;
	const uint8_t *cname;     /* POLICY_DATA: instead of data, the override's CNAME */
	bool wildcard_cname;      /* a CNAME "*.x" leads to QNAME.x */
	const uint8_t *soa_owner; /* NULL = none */
	struct policy_set soa;
	bool soa_additional; /* where it goes: beside the answer, or as the SOA of a negative answer */
	bool noted;          /* a zone that is disabled would have said something: */
	struct policy_rule note;
};

enum policy_verdict {
	POLICY_NOTHING, /* nothing is said of the name; hit.noted is set all the same */
	POLICY_HIT,
	POLICY_LATER, /* resolve it, then ask again */
};
enum policy_verdict policy_check(const struct policy_subject *subject, struct policy_hit *ret);
/* Must the servers of names be known (NSDNAME, NSIP)? */
bool policy_wants_servers(const struct policy_view *view);
/* Is the name of the kind that RPZ leaves alone, since trust in the root depends on it? */
bool policy_is_infrastructure(const uint8_t *name, uint16_t qtype);
