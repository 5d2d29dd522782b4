// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * edition - the description of an edition of a zone, as an operator writes it (docs/editions.md).
 *
 * One YAML file an edition: where its source is, what its apex becomes, with what it is signed, where it goes. Read by the same rules and
 * types as the daemon's configuration, from a table of its own (rows.c). Called by cmd/ only: stations get plain settings made of it.
 *
 * Example:
 *
 *	struct config_edition *edition;
 *	struct config_error error;
 *	if (config_edition_read_file("short.yaml", &edition, &error) < 0)
 *		fprintf(stderr, "%s\n", error.text);
 */
#pragma once

#include "config/config.h"

#define CONFIG_EDITION_NAME_MAX 63 /* bytes: it stands in a TXT, in a pointer, in a configuration */

/* A name server of the apex. */
struct config_edition_server {
	char *name;                    /* presentation form */
	struct config_addrs addresses; /* without port; none: those that the source has */
};

enum config_edition_serial { CONFIG_SERIAL_SOURCE, CONFIG_SERIAL_NEXT, CONFIG_SERIAL_DATE, CONFIG_SERIAL_TIME };
enum config_edition_denial { CONFIG_DENIAL_NSEC, CONFIG_DENIAL_NSEC3 };
enum config_edition_zonemd { CONFIG_ZONEMD_NONE, CONFIG_ZONEMD_SHA384, CONFIG_ZONEMD_SHA512, CONFIG_ZONEMD_BOTH };
enum config_edition_trust { CONFIG_TRUST_PARENT, CONFIG_TRUST_ANCHOR, CONFIG_TRUST_5011 }; /* as enum keys_trust */

struct config_edition_source {
	char *from;                  /* as sync/pull writes sources; "" = given on the command line */
	struct config_list fallback; /* asked when that one fails, in this order */
	char *tsig;                  /* ALGORITHM:NAME:SECRET */
	struct config_list anchors;
	uint32_t shrink_max_percent;
	uint64_t size_max;   /* bytes */
	uint32_t time_max_s; /* of one fetch, reading and proving included */
	uint32_t check_s;    /* 0 = the SOA's refresh for what comes by transfer, a second for files */
	struct config_addrs notify_listen;
};

struct config_edition_apex {
	size_t n_servers;
	struct config_edition_server *server; /* none: those of the source */
	uint32_t ns_ttl_s, address_ttl_s;     /* each 0 = the source's */
	char *soa_mname, *soa_rname;          /* "" = the source's */
	uint32_t soa_refresh_s, soa_retry_s, soa_expire_s, soa_minimum_s, soa_ttl_s;
};

struct config_edition_keys {
	char *folder; /* "" = `keys` in the edition's folder */
	uint32_t algorithm;
	uint32_t ksk_bits, zsk_bits; /* RSA */
	bool split;                  /* KSK and ZSK; or one key that signs all */
	bool offline_ksk;
	uint32_t ttl_s;
	uint32_t zsk_lifetime_s, ksk_lifetime_s; /* 0 = until somebody rolls it */
	uint32_t propagation_s, publish_safety_s, retire_safety_s;
	uint32_t parent_ds_ttl_s, parent_delay_s;
	enum config_edition_trust trust;
	bool double_ds, liberal, cds;
	uint32_t hold_down_s, query_s, revoke_after_s, revoked_s, slot_s;
	char *token; /* "" = in files */
};

struct config_edition_signing {
	uint32_t validity_s, validity_keys_s, inception_before_s, refresh_s, jitter_s;
	enum config_edition_denial denial;
	uint32_t nsec3_iterations;
	char *nsec3_salt; /* hex; "" = none */
	bool nsec3_opt_out;
	enum config_edition_zonemd zonemd;
	uint32_t threads; /* 0 = one a CPU */
};

struct config_edition_output {
	char *zone_file; /* "" = `zone` in the edition's folder */
	char *tree;      /* "" = none */
	char *tree_key;  /* "" = the pointer is not signed */
	uint32_t tree_deltas;
};

/* Of versions that come and go by the clock; every_s 0 = there is none. */
struct config_edition_schedule {
	uint32_t every_s, ahead_s, valid_s;
	unsigned line; /* of the description, for who finds that they do not fit */
};

struct config_edition {
	char *path; /* of the description */
	struct {
		char *name;   /* "" = the namespace is the source's */
		char *zone;   /* presentation form */
		char *folder; /* where it is kept */
		enum config_edition_serial serial;
	} edition;
	struct config_edition_source source;
	struct config_edition_apex apex;
	struct {
		struct config_list remove; /* names, with all below them */
		struct config_list add;    /* lines of a master file */
	} records;
	struct config_edition_keys keys;
	struct config_edition_signing signing;
	struct config_edition_output output;
	struct config_edition_schedule schedule;
};

int config_edition_read_file(const char *path, struct config_edition **ret, struct config_error *ret_error) _must_use_;
int config_edition_read_text(const char *name, const char *text, size_t len, struct config_edition **ret,
			     struct config_error *ret_error) _must_use_;
void config_edition_free(struct config_edition *edition);
/* Each option with its default and what it is for, as a file that is read as it stands but for what must be given. Appends. */
int config_edition_sample(struct buffer *out) _must_use_;
