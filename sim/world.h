// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of the simulator share: nodes, events, the network. */
#pragma once

#include "sim.h"
#include "sync/pull/pull.h"
#include "sync/push/push.h"

#define PUBLISHER    0u
#define NOBODY       UINT32_MAX
#define WALL_S       1800000000 /* UNIX seconds at the beginning */
#define FIRST_SERIAL 2026112100u

enum event_kind {
	EVENT_START,       /* a node begins */
	EVENT_WAKE,        /* its copy machine has asked for it */
	EVENT_NOTIFY_WAKE, /* its notifications have */
	EVENT_DATAGRAM,    /* from `peer` has come */
	EVENT_ASKED,       /* `peer` asks for the serial */
	EVENT_PROBED,      /* the reply to that */
	EVENT_WANTED,      /* `peer` wants the version */
	EVENT_FETCHED,     /* it is there */
	EVENT_PROVED,
	EVENT_STORED,
	EVENT_TURNED, /* what was stored ahead is used */
	EVENT_PUBLISH,
	EVENT_LIE,
};

struct event {
	int64_t at_ms;
	uint64_t turn; /* of two at one time the one that was made first */
	uint32_t node, peer, ticket, serial;
	uint32_t since_ms; /* low half of the time at which it all began */
	uint16_t len;
	uint8_t kind, source, status;
	bool changes, failed, ahead;
	uint8_t *msg; /* EVENT_DATAGRAM; freed by who takes it */
};
struct events {
	struct event *item;
	size_t n, cap;
	uint64_t turn;
};
int events_add(struct events *events, struct event event) _must_use_;
bool events_take(struct events *events, struct event *ret);
void events_done(struct events *events);

struct node {
	struct pull_copy *copy;            /* NULL: the publisher, caches, liars */
	struct push_notify *notify;        /* NULL: nobody is registered here */
	int64_t wake_ms, notify_ms;        /* for when an event is under way */
	int64_t line_free_ms;              /* what it sends now is out by then */
	int64_t has_ms;                    /* since when it has the last version */
	uint32_t serial, candidate, ahead; /* ahead: the newest that it has, used or not */
	uint32_t source[SIM_SOURCES_MAX];
	uint32_t fetches;
	uint8_t n_sources, n_registers; /* it registers with the first ones */
	bool liar, candidate_good;
};

/* A cache of the CDN. */
struct edge {
	uint32_t serial;
	int64_t fresh_ms;  /* when its pointer was asked for */
	int64_t object_ms; /* when the object of that serial is there */
	uint32_t object_serial;
	int64_t line_free_ms;
};

/* From one node to another: which version was told last, and how many copies of that. */
struct told {
	uint32_t from, to, serial, copies;
};

struct world {
	const struct sim_settings *settings;
	struct sim_result result;
	struct random dice;
	struct events events;
	int64_t now_ms;
	uint32_t n_nodes; /* with the publisher */
	struct node *node;
	struct edge *edge;
	struct told *told;
	size_t n_told;
	struct push_notify_settings push, push_publisher;
	uint32_t newest; /* serial that was published last */
	uint32_t publications;
	int64_t published_ms; /* when it may be used */
	int64_t first_ms;     /* when the first one is published */
	uint32_t missing;     /* honest nodes without the last version */
	double loss;
	uint64_t machine_bytes; /* of some copy machines, when they begin */
	uint32_t n_measured;
	int error;
};

/* network.c */
uint32_t network_delay_ms(const struct world *world, uint32_t a, uint32_t b); /* one way */
bool network_loses(struct world *world);
/* Extra time of an exchange over TCP of so many packets, when lost ones are sent again. */
uint32_t network_again_ms(struct world *world, unsigned packets);
/* So many bytes from one node to another, which begin to go out now: when the last one is there. */
int64_t network_transfer(struct world *world, uint32_t from, uint32_t to, uint64_t bytes);
void network_account(struct world *world, uint32_t from, uint64_t bytes);
void network_datagram(struct world *world, uint32_t from, uint32_t to, const uint8_t *msg, size_t len);
struct addr network_addr(uint32_t node);
uint32_t network_node(const struct addr *addr);
void world_add(struct world *world, struct event event);

/* node.c */
void node_handle(struct world *world, struct event *event);
void node_published(struct world *world, uint32_t serial); /* the publisher has a new version */

/* notices.c */
void notices_send(struct world *world,
		  uint32_t node); /* what its notifications have to send, and when they want to be woken */
void notices_take(struct world *world, struct event *event);
/* The peer asks to be told; the reply. */
struct wire_registration notices_register(struct world *world, uint32_t node, uint32_t peer);
void notices_publish(struct world *world, uint32_t node, uint32_t serial);
void notices_audit(struct world *world, uint32_t from, uint32_t to);

/* cdn.c */
int64_t cdn_serial(struct world *world, uint32_t edge, uint32_t *ret_serial); /* when it can say so */
int64_t cdn_object(struct world *world, uint32_t edge, uint32_t serial);      /* when it has it */
int64_t cdn_transfer(struct world *world, uint32_t edge, uint32_t to, uint64_t bytes, int64_t from_ms);

/* shape.c */
int shape_make(struct world *world) _must_use_;
