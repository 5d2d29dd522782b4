// SPDX-License-Identifier: GPL-3.0-or-later
/* The lab's world in memory: operators run servers, hosts name their addresses, zones hold records. */
#pragma once

#include "lab.h"
#include "wire/wire.h"

#define LAB_SERVERS_MAX 13 /* of one operator: the letters of the root */
#define LAB_NS_MAX      13 /* of one zone: com, net and the root have 13 */

#define LAB_TTL_GLUE 172800 /* delegations and glue of the root zone, as in the real one */
#define LAB_TTL_DAY  86400
#define LAB_TTL_HOUR 3600

/* One server: an IPv4 address of its own, and an IPv6 one that stands for a port of ::1. */
struct lab_server {
	struct addr v4, v6, v6_real;
};

enum lab_operator_id {
	LAB_OP_ROOT,
	LAB_OP_GTLD,
	LAB_OP_REGISTRY,
	LAB_OP_WEST,
	LAB_OP_WORLD,
	LAB_OP_NUMBERS,
	LAB_OP_PARKING,
	LAB_OP_OAK,
	LAB_OP_BIRCH,
	LAB_OP_PINE,
	LAB_OP_SKY,
	LAB_OP_ODD,
	LAB_OP_COUNT,
};

/* The odd operator's servers, by index. */
enum lab_odd_server { LAB_ODD_LAME, LAB_ODD_SLOW, LAB_ODD_TRUNCATING, LAB_ODD_DEAD, LAB_ODD_COUNT };

struct lab_list {
	void **item;
	size_t count, cap;
};

struct lab_operator {
	enum lab_operator_id id;
	const char *name, *domain; /* domain: where its servers' names are, with final dot */
	unsigned n_servers;
	struct lab_server server[LAB_SERVERS_MAX];
	struct lab_list zones;
};

enum lab_denial { LAB_NSEC, LAB_NSEC3, LAB_OPT_OUT };

/* How a zone is signed; algorithm 0 = not at all. */
struct lab_security {
	uint8_t algorithm;
	enum lab_denial denial;
	bool split;      /* KSK and ZSK, else one key for both */
	bool zonemd;     /* add a ZONEMD */
	uint8_t foreign; /* unsigned, but with this number of DS of algorithm 253, which no one validates */
	bool two_ds;     /* SHA-256 and SHA-384 */
};

enum { LAB_V4 = 1, LAB_V6 = 2, LAB_DUAL = 3 };

/* The name of a server, with its addresses. */
struct lab_host {
	const char *name;
	const struct lab_server *server;
	unsigned families;
	struct lab_zone *zone; /* that is authoritative for the name; set by lab_world_settle() */
};

#define LAB_KEY_RDATA_MAX 512 /* an RSA-2048 DNSKEY has 260 bytes of key */

struct lab_key {
	uint16_t flags, tag, len;
	uint8_t algorithm;
	uint8_t rdata[LAB_KEY_RDATA_MAX]; /* of the DNSKEY */
	char base[320];                   /* K<name>+<algorithm>+<tag> */
};

struct lab_zone {
	const char *name; /* lower case, with final dot */
	struct lab_zone *parent;
	struct lab_operator *operator;
	struct lab_security security;
	bool no_sibling_glue; /* its servers' names elsewhere in the parent come without glue */
	size_t n_ns;
	struct lab_host *ns[LAB_NS_MAX];
	size_t n_keys;
	struct lab_key key[2];
	struct lab_list hosts, children;
	struct buffer records; /* text of what it is authoritative for, without SOA, NS, keys and hosts */
	struct buffer tail;    /* delegations added after signing (opt-out) */
};

struct lab_table {
	size_t count, cap;
	struct lab_slot {
		const char *key;
		void *value;
	} * slot;
};

struct lab_world {
	const struct lab_settings *settings;
	struct arena arena;
	struct random random;
	uint8_t hash_key[16];
	uint32_t serial;
	struct lab_operator operator[LAB_OP_COUNT];
	struct lab_list zones, hosts;
	struct lab_table zone_table, host_table;
	struct buffer expected;
	size_t n_expected, n_tlds, n_served, n_sites;
};

/* ---- world.c ---- */
void lab_world_init(struct lab_world *world, const struct lab_settings *settings);
void lab_world_done(struct lab_world *world);
/* Finds each zone's parent and each host's zone, once all are there. */
void lab_world_settle(struct lab_world *world);
/* Memory of the world; there is nothing to save when it runs out, so these end the process. */
void *lab_alloc(struct lab_world *world, size_t size);
char *lab_text(struct lab_world *world, const char *format, ...) _printf_(2, 3);
_Noreturn void lab_out_of_memory(void);
void lab_list_add(struct lab_list *list, void *item);
void lab_print(struct buffer *buffer, const char *format, ...) _printf_(2, 3);
/* A random stream that depends on the seed and the label alone. */
void lab_stream(const struct lab_world *world, const char *label, struct random *ret);
void *lab_table_get(const struct lab_table *table, const char *key);
void lab_table_put(struct lab_table *table, const char *key, void *value);

struct lab_zone *lab_zone_add(struct lab_world *world, const char *name, enum lab_operator_id operator_id,
			      struct lab_security security);
struct lab_zone *lab_zone_find(struct lab_world *world, const char *name);
/* The host of this name; made if it is not there yet. */
struct lab_host *lab_host_add(struct lab_world *world, const char *name, enum lab_operator_id operator_id,
			      unsigned server, unsigned families);
void lab_zone_ns(struct lab_zone *zone, struct lab_host *host);
/* The operator's servers `from`.. by their names in its own domain become name servers of the zone. */
void lab_zone_ns_operator(struct lab_world *world, struct lab_zone *zone, enum lab_operator_id operator_id,
			  unsigned from, unsigned count);
/* "ns1.<zone>" .. on servers of the operator: in-domain names, which need glue. */
void lab_zone_ns_own(struct lab_world *world, struct lab_zone *zone, enum lab_operator_id operator_id, unsigned from,
		     unsigned count, const char *pattern);
/* Adds a record; the format gives type and data ("A 192.0.2.1"). */
void lab_record(struct lab_zone *zone, const char *owner, uint32_t ttl, const char *format, ...) _printf_(4, 5);
/* Adds a row to expected.csv: what a resolver must answer; data of several records are joined by ';', sorted. */
void lab_expect(struct lab_world *world, const char *feature, const char *name, const char *type, const char *rcode,
		const char *format, ...) _printf_(6, 7);

/* ---- names.c ---- */
#define LAB_TLD_NAMES_MAX 4096
/* TLD names from the Public Suffix List's ICANN section as A-labels, sorted; each without dot. */
int lab_names_tlds(struct lab_world *world, const char *path, struct lab_list *ret) _must_use_;
/* The n-th site name of this seed ("amberharbor"); n < LAB_SITES_MAX. All differ. */
const char *lab_names_site(struct lab_world *world, uint32_t n);
/* UTF-8 to A-labels. */
const char *lab_names_ascii(struct lab_world *world, const char *utf8);

/* ---- tlds.c ---- */
int lab_tlds_make(struct lab_world *world) _must_use_;
/* A served TLD (or public suffix like co.uk) under which sites live; NULL behind the last. */
const char *lab_tlds_suffix(size_t n);

/* ---- sites.c, stories.c ---- */
void lab_sites_make(struct lab_world *world);
void lab_stories_make(struct lab_world *world); /* the zones that show one thing each */
/* The address number n of the sites (198.18.0.0/15, RFC 2544, never routed), with its reverse records. */
const char *lab_sites_address(struct lab_world *world, unsigned n);
const char *lab_sites_address6(struct lab_world *world, unsigned n);
/* Adds A and AAAA of site address n to `owner`. */
void lab_sites_at(struct lab_world *world, struct lab_zone *zone, const char *owner, unsigned n);
/* The CDN: makes NAME an alias of one of its edges and returns the alias and the edge's site address. */
const char *lab_sites_cdn(struct lab_world *world, const char *name, unsigned *ret_address);

/* ---- keys.c ---- */
/* Makes the zone's keys from the seed and writes them below DIR/keys. */
int lab_keys_make(const struct lab_world *world, struct lab_zone *zone) _must_use_;
/* Appends the DNSKEY's or DS's data in presentation form. Digest type 2 (SHA-256) or 4 (SHA-384). */
void lab_keys_print_dnskey(const struct lab_key *key, struct buffer *out);
void lab_keys_print_ds(const struct lab_zone *zone, uint8_t digest_type, struct buffer *out);

/* ---- write.c ---- */
int lab_write(struct lab_world *world) _must_use_; /* zones unsigned, configurations, expected.csv */
int lab_write_file(const char *path, const void *data, size_t len, bool append) _must_use_;
const char *lab_write_file_name(const struct lab_zone *zone, char out[300]); /* "com.zone"; the root is "root.zone" */
int lab_write_dirs(const struct lab_world *world) _must_use_;
int lab_write_configs(struct lab_world *world) _must_use_;

/* ---- sign.c ---- */
int lab_sign(struct lab_world *world) _must_use_; /* all signed zones, two processes a CPU at most */
