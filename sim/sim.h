// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * sim - how a new version of a zone spreads, in virtual time.
 *
 * Nodes run the daemon's own code: the copy machine (sync/pull), NOTIFY out and registration (sync/push), with the messages as they go over
 * the wire. What is made here is the network: delays, loss, lines of limited speed, caches of a CDN, and nodes that lie. All of it follows
 * from the seed. Called by `banyan simulate` and by tests.
 *
 * Example:
 *
 *	struct sim_settings settings;
 *	struct sim_result result;
 *	sim_settings_default(&settings, SIM_MESH, 1000);
 *	if (sim_run(&settings, &result) == 0)
 *		printf("%u of %u\n", result.reached, result.honest);
 */
#pragma once

#include "base/base.h"

#define SIM_NODES_MAX   4000000 /* some 2 kB of memory each */
#define SIM_SOURCES_MAX 8       /* of one node */
#define SIM_POINTS      100     /* of the curve: when each hundredth of the nodes has the version */

enum sim_shape {
	SIM_POLL, /* each asks the publisher when the SOA's refresh is over, and nobody is told: how it is without this project */
	SIM_CDN,  /* caches of a CDN are asked for a small pointer; the publisher serves the caches */
	SIM_TREE, /* each is registered with two of the level above; the first level with the publisher */
	SIM_MESH, /* each is registered with some others, whoever they are: there are rings; some with the publisher */
	SIM_SCHEDULED, /* as SIM_CDN, and each version is there ahead of its time: it is measured from when that begins */
	SIM_SHAPES,
};
const char *sim_shape_text(enum sim_shape shape); /* "tree" */
int sim_shape_parse(const char *text);            /* or BANYAN_EINVAL */

struct sim_settings {
	uint64_t seed;
	enum sim_shape shape;
	uint32_t nodes;         /* the publisher not counted */
	uint32_t fanout;        /* SIM_TREE: of each node; SIM_MESH: nodes that are registered with the publisher */
	uint32_t peers;         /* SIM_MESH: of each node */
	uint32_t edges;         /* SIM_CDN: caches */
	uint32_t versions;      /* published one after the other; the last one is measured */
	uint32_t interval_s;    /* between two versions */
	uint32_t ahead_s;       /* SIM_SCHEDULED: each is published so long before its time; less than the interval */
	uint32_t valid_s;       /* and may be used for so long */
	uint32_t loss_permille; /* of packets, each way */
	uint32_t liars_permille;
	uint32_t lie_interval_s;               /* a liar announces something newer so often */
	uint32_t whole, delta;                 /* bytes of the zone by transfer, and of the delta that a CDN carries */
	uint32_t pointer;                      /* bytes of the small file that says what is current */
	uint32_t pointer_age_s;                /* a cache asks for it again */
	uint32_t refresh_s, retry_s, expire_s; /* of the SOA */
	uint64_t publisher_rate, edge_rate, up_rate, down_rate; /* bytes a second */
	uint32_t settle_s; /* goes on so long after the last version was published, or stops when all have it (0) */
	uint32_t limit_s;  /* and then ends in any case */
	bool audit;        /* counts the copies of each message to each node: small networks */
};
void sim_settings_default(struct sim_settings *settings, enum sim_shape shape, uint32_t nodes);

struct sim_result {
	uint32_t honest, reached;          /* nodes that do not lie; those of them with the last version */
	uint32_t wrong;                    /* of them, with something that was never published */
	uint64_t publisher_bytes;          /* that it sent for the last version, lost ones too */
	uint64_t publisher_bytes_idle;     /* a second, before: what polling costs when nothing happens */
	uint64_t whole_bytes;              /* sent by all for the last version */
	uint64_t notifies, repeats;        /* messages of honest nodes, all versions: first copies, further ones */
	uint32_t copies_max;               /* audit: of one version from one honest node to another one */
	uint64_t lies;                     /* notifications of liars */
	uint64_t probes, fetches, refused; /* of honest nodes; candidates that did not prove */
	uint32_t fetches_max;              /* of one node */
	uint32_t registrations;            /* at the end */
	uint64_t events;
	uint64_t memory;                  /* bytes of all nodes' machines and tables, without the simulator's own */
	int64_t half_ms, most_ms, all_ms; /* until 50, 99, 100 of 100 honest nodes have it; -1 = never */
	int64_t at_ms[SIM_POINTS + 1];
	double seconds; /* real ones */
};
int sim_run(const struct sim_settings *settings, struct sim_result *ret) _must_use_;

/* One row of the table for each run, and the curves. */
struct sim_row {
	struct sim_settings settings;
	struct sim_result result;
};
int sim_write_table(const struct sim_row *row, size_t n, struct buffer *out) _must_use_;
int sim_write_plot(const struct sim_row *row, size_t n, struct buffer *out) _must_use_; /* text */
int sim_write_svg(const struct sim_row *row, size_t n, struct buffer *out) _must_use_;
