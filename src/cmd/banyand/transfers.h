// SPDX-License-Identifier: GPL-3.0-or-later
/* Who gets transfers of which zones; between transfers.c, transfers_flow.c and transfers_load.c. */
#pragma once

#include "daemon.h"

#include "sync/push/push.h"

/* One text of the configuration: all that it names must hold. */
struct transfer_rule {
	bool has_prefix;
	struct addr_prefix prefix;
	const struct wire_tsig_key *key; /* NULL = none is needed */
	bool tls;                        /* in a TLS session only (RFC 9103) */
};

struct transfer_zone {
	uint8_t apex[WIRE_NAME_MAX]; /* lower case */
	size_t at;                   /* of config->zones, or TRANSFER_ROOT */
	size_t n_rules;
	struct transfer_rule *rule;
};
#define TRANSFER_ROOT SIZE_MAX /* the root copy */

/* Part of a generation. */
struct transfers {
	size_t n_zones; /* by name */
	struct transfer_zone *zone;
	struct net_flow_settings flow; /* whole_ms, rate_min */
	bool tls_only;                 /* all of them */
	bool gives_copy;               /* the root copy goes out, though it may be no zone that is served */
	unsigned pass;                 /* what workers pass on: enum answer_pass */
};

/* What a worker knows of a question that transfers_answer() looks at. */
struct transfer_ask {
	struct worker *worker;
	const struct generation *g;
	struct net_message *m;
	const struct loaded *loaded;   /* the zone that is asked for; transfers alone */
	struct answer_request request; /* without TSIG */
	struct wire_question q;        /* in request.msg */
	struct wire_tsig tsig;         /* key = NULL: it is not signed */
};

/* transfers_flow.c: messages of a transfer that is allowed; as answer_question()'s caller: a length or NET_LATER. */
int transfer_start(struct transfer_ask *ask, struct push_version *version);
/* transfers.c: a reply without data; its length. */
int transfer_refuse(struct transfer_ask *ask, uint16_t rcode, int ede);
