// SPDX-License-Identifier: GPL-3.0-or-later
/* Who asks whom: the shapes of networks. */
#include "world.h"

#include <malloc.h>

#define MEASURED      1000 /* nodes: the memory of a machine is the mean of these */
#define COST_CDN      1
#define COST_PEER     2
#define COST_FALLBACK 3 /* the publisher, for who has peers: when those fail */

static uint32_t pick(struct world *world, uint32_t from, uint32_t n)
{
	return from + random_below(&world->dice, n);
}

static void source_add(struct node *node, struct pull_copy_source *source, uint32_t to, uint8_t cost, bool registers)
{
	for (uint8_t i = 0; i < node->n_sources; i++)
		if (node->source[i] == to)
			return;
	source[node->n_sources] = (struct pull_copy_source){.cost = cost};
	node->source[node->n_sources++] = to;
	node->n_registers = registers ? node->n_sources : node->n_registers;
}

/* Levels of fanout, fanout^2, ... nodes: the parent, another one of its level, and the publisher if both fail. */
static void tree(struct world *world, uint32_t at, struct pull_copy_source *source)
{
	uint64_t fanout = world->settings->fanout, first = 1, size = fanout, size_above = 0;
	while (at >= first + size) {
		first += size;
		size_above = size;
		size *= fanout;
	}
	struct node *node = &world->node[at];
	if (size_above > 0) {
		uint64_t above = first - size_above;
		source_add(node, source, (uint32_t)(above + (at - first) * size_above / size), COST_PEER, true);
		source_add(node, source, pick(world, (uint32_t)above, (uint32_t)size_above), COST_PEER, true);
		source_add(node, source, PUBLISHER, COST_FALLBACK, false);
	} else {
		source_add(node, source, PUBLISHER, COST_PEER, true);
	}
}

static void mesh(struct world *world, uint32_t at, struct pull_copy_source *source)
{
	const struct sim_settings *s = world->settings;
	struct node *node = &world->node[at];
	if (at <= s->fanout)
		source_add(node, source, PUBLISHER, COST_PEER, true);
	while (node->n_sources < s->peers + (at <= s->fanout) && node->n_sources + 1u < world->n_nodes - 1) {
		uint32_t peer = pick(world, 1, s->nodes);
		if (peer != at)
			source_add(node, source, peer, COST_PEER, true);
	}
	source_add(node, source, PUBLISHER, COST_FALLBACK, false);
}

static void sources_of(struct world *world, uint32_t at, struct pull_copy_source *source)
{
	struct node *node = &world->node[at];
	switch (world->settings->shape) {
	case SIM_POLL:
		source_add(node, source, PUBLISHER, COST_PEER, false);
		break;
	case SIM_CDN:
	case SIM_SCHEDULED:
		source_add(node, source, pick(world, world->n_nodes, world->settings->edges), COST_CDN, false);
		source_add(node, source, pick(world, world->n_nodes, world->settings->edges), COST_CDN, false);
		break;
	case SIM_TREE:
		tree(world, at, source);
		break;
	default:
		mesh(world, at, source);
		break;
	}
}

static int node_make(struct world *world, uint32_t at)
{
	const struct sim_settings *s = world->settings;
	struct node *node = &world->node[at];
	struct pull_copy_source source[SIM_SOURCES_MAX];
	struct pull_copy_settings settings = {.seed = random_u64(&world->dice), .patient = true};
	node->serial = node->ahead = world->newest;
	node->has_ms = -1;
	node->liar = random_below(&world->dice, 1000) < s->liars_permille;
	sources_of(world, at, source);
	int64_t start_ms = 1 + random_below(&world->dice, s->refresh_s * 1000);
	if (node->liar) {
		node->n_registers = 0;
		world_add(world, (struct event){.kind = EVENT_LIE, .at_ms = start_ms, .node = at});
		return world->error;
	}
	world->result.honest++;
	world_add(world, (struct event){.kind = EVENT_START, .at_ms = start_ms, .node = at});
	size_t before = at < MEASURED ? mallinfo2().uordblks : 0;
	int rc = pull_copy_new(&settings, source, node->n_sources, &node->copy);
	if (at < MEASURED) {
		world->machine_bytes += mallinfo2().uordblks - before;
		world->n_measured++;
	}
	return rc;
}

int shape_make(struct world *world)
{
	int rc = 0;
	for (uint32_t i = 1; rc == 0 && i < world->n_nodes; i++)
		rc = node_make(world, i);
	return rc < 0 ? rc : world->error;
}
