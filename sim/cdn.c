// SPDX-License-Identifier: GPL-3.0-or-later
/* A CDN: caches that keep a pointer for a while and an object for ever, each fetched once. */
#include "world.h"

/* The caches are near the publisher's lines, and asked by many: one of them stands for one site of a CDN. */
#define EDGE_DELAY_MS 20

int64_t cdn_serial(struct world *world, uint32_t edge, uint32_t *ret_serial)
{
	struct edge *e = &world->edge[edge];
	int64_t ready_ms = world->now_ms;
	if (e->fresh_ms + (int64_t)world->settings->pointer_age_s * 1000 <= world->now_ms) {
		network_account(world, PUBLISHER, world->settings->pointer);
		e->serial = world->newest;
		e->fresh_ms = world->now_ms;
		ready_ms += 2 * EDGE_DELAY_MS + network_again_ms(world, 2);
	}
	*ret_serial = e->serial;
	return ready_ms;
}

int64_t cdn_object(struct world *world, uint32_t edge, uint32_t serial)
{
	struct edge *e = &world->edge[edge];
	if (e->object_serial != serial) {
		struct node *publisher = &world->node[PUBLISHER];
		uint64_t bytes = world->settings->delta;
		network_account(world, PUBLISHER, bytes);
		int64_t begin_ms = publisher->line_free_ms > world->now_ms ? publisher->line_free_ms : world->now_ms;
		publisher->line_free_ms = begin_ms + (int64_t)(bytes * 1000 / world->settings->publisher_rate);
		e->object_serial = serial;
		e->object_ms = publisher->line_free_ms + 2 * EDGE_DELAY_MS + network_again_ms(world, 2);
	}
	return e->object_ms > world->now_ms ? e->object_ms : world->now_ms;
}

int64_t cdn_transfer(struct world *world, uint32_t edge, uint32_t to, uint64_t bytes, int64_t from_ms)
{
	struct edge *e = &world->edge[edge];
	world->result.whole_bytes += bytes;
	int64_t begin_ms = e->line_free_ms > from_ms ? e->line_free_ms : from_ms;
	e->line_free_ms = begin_ms + (int64_t)(bytes * 1000 / world->settings->edge_rate);
	int64_t slow_ms = from_ms + (int64_t)(bytes * 1000 / world->settings->down_rate);
	return (e->line_free_ms > slow_ms ? e->line_free_ms : slow_ms) + EDGE_DELAY_MS + network_again_ms(world, 2);
}
