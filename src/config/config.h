// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * config - one table from which parser, checks, manual page and sample file come.
 *
 * schema.c holds one row an option: its place in the YAML tree, type, default, range, unit, what a reload can
 * do with it, and its text. An empty file is a useful configuration. Called by cmd/ only; stations get the plain
 * settings structs below and never see YAML.
 *
 * Example:
 *
 *	struct config *config;
 *	struct config_error error;
 *	if (config_read_file("/etc/banyan/banyan.yaml", &config, &error) < 0)
 *		fprintf(stderr, "%s\n", error.text);
 */
#pragma once

#include "base/base.h"

struct config_list {
	size_t count;
	char **item;
};
struct config_addrs {
	size_t count;
	struct addr *item;
};
struct config_prefixes {
	size_t count;
	struct addr_prefix *item;
};

enum config_cookies { CONFIG_COOKIES_OFF, CONFIG_COOKIES_ON, CONFIG_COOKIES_REQUIRE };
/* auto: when no file has anchors of the root */
enum config_loopback { CONFIG_LOOPBACK_AUTO, CONFIG_LOOPBACK_ON, CONFIG_LOOPBACK_OFF };
enum config_built_in { CONFIG_BUILT_IN_AUTO, CONFIG_BUILT_IN_ON, CONFIG_BUILT_IN_OFF };
enum config_prove { CONFIG_PROVE_AUTO, CONFIG_PROVE_FULL, CONFIG_PROVE_DIGEST, CONFIG_PROVE_STRUCTURE };

/* As enum resolve_nxdomain_cut. */
enum config_minimise { CONFIG_MINIMISE_OFF, CONFIG_MINIMISE_RELAXED, CONFIG_MINIMISE_STRICT };
enum config_sha1 { CONFIG_SHA1_OFF, CONFIG_SHA1_SIGNATURES, CONFIG_SHA1_ALL };
enum config_nxdomain_cut { CONFIG_NXDOMAIN_CUT_OFF, CONFIG_NXDOMAIN_CUT_SECURE, CONFIG_NXDOMAIN_CUT_ALL };

/* Where copies of a zone come from, and where they are kept. */
struct config_copy {
	struct config_list sources; /* as sync/pull/pull.h writes them; "auto" alone: the root's default */
	char *store;                /* folder; "" = in the service manager's state folder */
	uint32_t generations;       /* kept */
	struct config_prefixes notify_from;
	uint32_t refresh_min_s, refresh_max_s;
	uint32_t check_count; /* sources that are asked for the serial at once */
	uint32_t downloads;   /* begun within an hour */
	uint64_t size_max;    /* bytes */
	bool keep_unchanged; /* not fetched again while a publisher that was given a key says that the content is the same */
	uint32_t keep_margin_s;
};

struct config_zone {
	char *name; /* presentation form */
	char *file; /* "" = none */
	struct config_copy copy;
	enum config_prove prove;    /* auto = full for the root or when anchors are given, else structure */
	struct config_list anchors; /* files of DS/DNSKEY; empty = built in (root) */
	bool require_zonemd;
	struct config_list notify, registering; /* texts: see config_notify_parse(), config_register_parse() */
	bool publish;                           /* as files, in server.files-folder */
	struct config_list transfer;            /* who may have it: texts of prefixes, keys, "tls"; empty = nobody */
	bool dates; /* of scheduled editions are kept here; false: by those to whom it is given */
};

/* Names below `zone` are asked of these servers. */
struct config_forward {
	char *zone; /* presentation form */
	struct config_addrs servers;
	bool tcp_only, first, validate;
	struct config_list except; /* names below it that are not; forward only */
};

/* What the operator says about names: all clients', or those of a view. */
enum config_local_kind { /* as enum policy_zone_kind */
			 CONFIG_LOCAL_STATIC,
			 CONFIG_LOCAL_TRANSPARENT,
			 CONFIG_LOCAL_TYPE_TRANSPARENT,
			 CONFIG_LOCAL_REDIRECT,
			 CONFIG_LOCAL_REFUSE,
			 CONFIG_LOCAL_DROP,
			 CONFIG_LOCAL_NXDOMAIN,
			 CONFIG_LOCAL_NODATA,
			 CONFIG_LOCAL_INFORM,
			 CONFIG_LOCAL_OFF,
};
struct config_local_zone {
	char *name; /* presentation form */
	enum config_local_kind kind;
};
struct config_local_name {
	char *name; /* presentation form */
	struct config_addrs addresses;
	char *alias;                /* "" = none */
	struct config_list records; /* type and data */
	uint32_t ttl;
	bool reverse;
};
struct config_local {
	uint32_t ttl;
	struct config_list hosts, files; /* paths */
	struct config_list records;
	size_t n_zones;
	struct config_local_zone *zone;
	size_t n_names;
	struct config_local_name *name;
};

enum config_access { CONFIG_ACCESS_DEFAULT, CONFIG_ACCESS_ALLOW, CONFIG_ACCESS_REFUSE, CONFIG_ACCESS_DROP };
enum config_choice { CONFIG_CHOICE_DEFAULT, CONFIG_CHOICE_NO, CONFIG_CHOICE_YES };

struct config_view {
	char *name;
	struct config_prefixes clients;
	enum config_access access;
	enum config_choice minimal_responses;
	bool common; /* does what the section local says hold, too? */
	struct config_local local;
};

/* As enum policy_override. */
enum config_rpz_action {
	CONFIG_RPZ_GIVEN,
	CONFIG_RPZ_DISABLED,
	CONFIG_RPZ_PASSTHRU,
	CONFIG_RPZ_NXDOMAIN,
	CONFIG_RPZ_NODATA,
	CONFIG_RPZ_DROP,
	CONFIG_RPZ_TCP_ONLY,
	CONFIG_RPZ_REFUSE,
	CONFIG_RPZ_CNAME,
};
enum config_rpz_reason { CONFIG_RPZ_BLOCKED, CONFIG_RPZ_CENSORED, CONFIG_RPZ_FILTERED, CONFIG_RPZ_FORGED };
struct config_rpz {
	char *zone; /* presentation form */
	char *file; /* of the zone, or of the copy that comes from the primaries; "" = none */
	struct config_addrs primaries;
	char *key; /* of keys; "" = none */
	uint32_t refresh_min_s, refresh_max_s;
	uint64_t size_max; /* bytes */
	enum config_rpz_action action;
	char *cname; /* of CONFIG_RPZ_CNAME */
	enum config_rpz_reason reason;
	bool log, rewrite_signed, add_soa;
	struct config_list views; /* empty = all */
};

/* A key for TSIG (RFC 8945). */
enum config_key_algorithm {
	CONFIG_HMAC_SHA256,
	CONFIG_HMAC_SHA512,
	CONFIG_HMAC_SHA384,
	CONFIG_HMAC_SHA224,
	CONFIG_HMAC_SHA1,
	CONFIG_HMAC_MD5,
};
struct config_key {
	char *name; /* presentation form */
	enum config_key_algorithm algorithm;
	char *secret; /* base64; "" = in the file */
	char *file;
};

/* "from" -> "to": where a name server's address really is (labs, address translation). */
struct config_reroute {
	struct addr from, to;
};

/* Nothing below `name` is validated until then. */
struct config_negative_anchor {
	char *name; /* presentation form */
	int64_t until_s;
};

struct config {
	struct {
		struct config_addrs listen; /* default 127.0.0.1@53 and ::1@53 */
		struct config_addrs tls_listen;
		bool root_server;                /* this is one of the official ones */
		char *tls_certificate, *tls_key; /* files; "" = none */
		struct config_list xdp;          /* interfaces; empty = none */
		uint32_t workers;                /* 0 = one a CPU */
		char *user;             /* "" = stay, but a daemon started by root becomes "banyan" if there is one */
		char *rundir;           /* /run/banyan or .; never empty once read */
		char *control;          /* Unix socket; default rundir/control.sock; never empty once read */
		bool control_optional;  /* nobody has chosen where it is: without it the daemon runs, too */
		char *identity;         /* NSID, id.server, hostname.bind; "" = off; "auto" = host name */
		char *version;          /* version.bind, version.server; "" = off (REFUSED) */
		uint32_t udp_size;      /* bytes, largest UDP reply; default 1232 */
		uint32_t udp_batch;     /* messages per recvmmsg */
		uint32_t udp_gather_us; /* 0 = never */
		uint64_t udp_buffer;    /* bytes */
		uint32_t tcp_clients;   /* connections over all workers */
		uint32_t tcp_clients_per_address;
		uint32_t tcp_idle_ms;  /* RFC 7766 section 6.2.3 */
		uint32_t tcp_pipeline; /* questions in flight on one connection */
		bool minimal_responses;
		enum config_cookies cookies;       /* RFC 7873 */
		char *cookie_secrets;              /* file; "" = drawn at the start */
		uint32_t notify_rate;              /* messages a second */
		struct config_addrs notify_source; /* addresses that NOTIFY goes out from */
		struct config_list fleet;          /* who may see registers; as register */
		uint32_t registrations, registrations_per_address, registration_time_s;
		enum log_level log_level;
		char *files_folder;               /* of the published tree; "" = nothing is published */
		struct config_addrs files_listen; /* by HTTP */
		char *files_key;                  /* file; "" = pointers are not signed */
		uint32_t files_deltas, files_fresh_s, files_connections, files_rate;
		uint64_t files_bandwidth, files_bandwidth_each; /* bytes a second; 0 = no limit */
		bool confine;                                   /* seccomp/capabilities after start */
	} server;
	size_t n_zones;
	struct config_zone *zones;
	struct {
		char *file; /* "" = no local root; default /var/lib/banyan/root.zone */
		struct config_copy copy;
		char *edition;              /* "" = the plain root and no other */
		struct config_list anchors; /* files */
		enum config_built_in anchors_built_in;
		char *anchors_xml, *anchors_xml_signature, *anchors_xml_authority; /* files; "" = none */
		char *anchors_xml_signer;                                          /* mail address; "" = anybody */
		bool anchors_roll;                                                 /* RFC 5011 */
		char *anchors_state;                    /* folder; "" = the service manager's */
		bool require_zonemd;                    /* default true */
		bool fallback, priming;                 /* default true */
		struct config_list notify, registering; /* as of zones */
		struct config_list transfer;            /* likewise */
		struct config_addrs hints;              /* empty = built in */
		char *hints_file;                       /* "" = none */
		bool publish;                           /* as files */
	} root;
	struct {
		uint32_t max, max_per_address;  /* at once, of all workers */
		uint32_t time_max_ms, rate_min; /* of one; bytes a second */
		bool tls_only;                  /* nothing is given but in a TLS session (RFC 9103) */
		uint32_t journal_versions;
		uint64_t journal_size; /* bytes of differences of each zone */
		char *journal_folder;  /* "" = the service manager's state folder, if there is one */
	} transfers;
	struct {
		uint32_t rate, nxdomains, referrals, errors; /* a second; 0 = no limit */
		uint32_t window_s, slip, leak;
		uint32_t ipv4_prefix, ipv6_prefix; /* bits */
		uint32_t table_size;               /* networks */
		struct config_prefixes exempt;
	} rrl;
	struct {
		struct config_prefixes prefixes, clients, exclude;
	} dns64;
	struct {
		struct config_list zones; /* empty = off */
		struct config_prefixes servers, trust;
		uint32_t ipv4_prefix, ipv6_prefix; /* bits */
		uint64_t cache_size;               /* bytes */
	} ecs;
	struct {
		bool enabled; /* default: yes */
		struct config_prefixes deny, drop, client_exempt;
		bool rotate; /* records of an RRset */
		enum config_choice minimal_responses;
		bool fragments;
		uint32_t client_rate, client_questions_max;                    /* 0 = no limit */
		uint64_t client_pulse;                                         /* bytes; 0 = no limit */
		uint32_t zone_questions_max, zone_questions_min;               /* of lookups at one zone's servers */
		struct config_prefixes allow;                                  /* default 127.0.0.0/8, ::1/128 */
		uint64_t cache_size;                                           /* bytes; default 64 MiB */
		uint32_t cache_ttl_max, cache_ttl_min, cache_negative_ttl_max; /* seconds */
		bool cache_keep;                                               /* over a restart */
		char *cache_file;                /* "" = in the service manager's state folder, if there is one */
		uint32_t cache_save_interval;    /* seconds; 0 = only at the end */
		uint32_t cache_negative_ttl_min; /* seconds */
		enum config_nxdomain_cut nxdomain_cut;
		bool aggressive_nsec, prefetch, serve_stale;
		uint32_t prefetch_max;
		uint32_t stale_ttl, stale_age_max; /* seconds */
		uint32_t stale_client_timeout_ms;
		uint16_t upstream_port; /* 53 */
		bool harden_glue;
		struct config_prefixes do_not_query;
		enum config_loopback loopback;
		struct config_addrs outgoing; /* source addresses; empty = any */
		size_t n_reroutes;
		struct config_reroute *reroute;
		bool ipv4, ipv6;         /* families used towards authorities */
		bool case_randomisation; /* 0x20 */
		bool cookies;            /* towards authorities */
		enum config_minimise qname_minimisation;
		bool validate;
		enum config_sha1 refuse_sha1;
		bool key_tag_signal, sentinel; /* RFC 8145, RFC 8509 */
		size_t n_negative_anchors;
		struct config_negative_anchor *negative_anchors;
		uint16_t nsec3_iterations_max;
		uint32_t signatures_max, hashes_max; /* of one question */
		uint32_t questions_max;              /* in flight, per worker */
		uint32_t clients_per_question;
		uint32_t upstream_queries_max; /* per question */
		uint32_t question_time_ms;     /* whole walk */
		uint32_t edns_size;            /* advertised to authorities; 1232 */
		/* TCP to authorities, per worker */
		uint32_t tcp_connections, tcp_connections_per_server, tcp_pipeline, tcp_questions;
		uint32_t tcp_idle_ms, tcp_message_ms;
	} resolver;
	struct {
		bool default_zones;
		struct config_list designated; /* data of SVCB records */
		struct config_list open;       /* names */
		struct config_local data;
	} local;
	size_t n_views;
	struct config_view *views;
	size_t n_rpz;
	struct config_rpz *rpz;
	size_t n_keys;
	struct config_key *keys;
	size_t n_forward;
	struct config_forward *forward;
	size_t n_stub;
	struct config_forward *stub;
	char *path; /* where it was read from */
};

/* Texts of notify: "ADDRESS[@PORT] [key=NAME] [from=ADDRESS]"; of register: "ADDRESS[/BITS]" or "key=NAME". `key`: "" = none. */
#define CONFIG_KEY_TEXT_MAX 1024
struct config_notify {
	struct addr addr, from; /* from: family 0 = none is named */
	char key[CONFIG_KEY_TEXT_MAX];
};
int config_notify_parse(const char *text, struct config_notify *ret) _must_use_;
int config_register_parse(const char *text, struct addr_prefix *ret_prefix, char ret_key[CONFIG_KEY_TEXT_MAX])
	_must_use_;

struct config_error {
	unsigned line, column; /* 0 = none */
	char text[512];        /* file:line: key: what was found, what is allowed */
};

int config_read_file(const char *path, struct config **ret, struct config_error *ret_error) _must_use_;
int config_read_text(const char *name, const char *text, size_t len, struct config **ret,
		     struct config_error *ret_error) _must_use_;
int config_default(struct config **ret) _must_use_;
void config_free(struct config *config);

/* The key of this name, with or without its final dot; SIZE_MAX = there is none. */
size_t config_key_index(const struct config *config, const char *name);
/* A word of zones[].transfer: the name of a key, or NULL: it is none. */
const char *config_transfer_key(const char *word);
bool config_transfer_tls(const char *word);

/* What a running daemon must do to get from one configuration to the other: names of options that need a restart
 * are appended to `ret_restart` ("server.listen, server.workers"); returns how many. */
int config_compare(const struct config *from, const struct config *to, struct buffer *ret_restart);
/* For `banyand --sample` and the build: the commented sample file and the manual page banyan.yaml(5) (mdoc). */
int config_write_sample(struct buffer *out) _must_use_;
int config_write_manual(struct buffer *out) _must_use_;
