// SPDX-License-Identifier: GPL-3.0-or-later
/* One run: the world made, events one after the other, what came of it. */
#include "world.h"

#include <stdlib.h>
#include <string.h>

#define TOLD_PLACES 16 /* of the audit's table, for each node */

static const char *const shapes[] = {"poll", "cdn", "tree", "mesh", "scheduled"};

const char *sim_shape_text(enum sim_shape shape)
{
	return shapes[shape];
}

int sim_shape_parse(const char *text)
{
	for (int i = 0; i < SIM_SHAPES; i++)
		if (strcmp(text, shapes[i]) == 0)
			return i;
	return BANYAN_EINVAL;
}

void sim_settings_default(struct sim_settings *settings, enum sim_shape shape, uint32_t nodes)
{
	*settings = (struct sim_settings){
		.seed = 1,
		.shape = shape,
		.nodes = nodes,
		.fanout = 20,
		.peers = 3,
		.edges = 200,
		.versions = 1,
		.interval_s = shape == SIM_SCHEDULED ? 86400 : 3600,
		.ahead_s = 7200,
		.valid_s = 172800,
		.lie_interval_s = 10,
		.whole = 1340000,
		.delta = 737000,
		.pointer = 600,
		.pointer_age_s = 60,
		.refresh_s = 1800,
		.retry_s = 900,
		.expire_s = 604800,
		.publisher_rate = 125000000,
		.edge_rate = 1250000000,
		.up_rate = 2500000,
		.down_rate = 12500000,
		.limit_s = 6 * 3600,
	};
}

/* ---- making ---- */

static int world_make(struct world *world, const struct sim_settings *settings)
{
	world->settings = settings;
	world->loss = settings->loss_permille / 1000.0;
	random_init_seed(&world->dice, settings->seed);
	push_notify_settings_default(&world->push);
	world->push.random = &world->dice;
	world->push_publisher = world->push;
	world->n_nodes = settings->nodes + 1;
	world->newest = FIRST_SERIAL;
	world->node = calloc(world->n_nodes, sizeof *world->node);
	world->edge = calloc(settings->edges + 1, sizeof *world->edge);
	if (world->node == NULL || world->edge == NULL)
		return BANYAN_ENOMEM;
	for (uint32_t i = 0; i < settings->edges; i++)
		world->edge[i] = (struct edge){.serial = FIRST_SERIAL, .object_serial = FIRST_SERIAL};
	world->node[PUBLISHER].serial = FIRST_SERIAL;
	if (settings->audit) {
		for (world->n_told = 1024; world->n_told < (size_t)world->n_nodes * TOLD_PLACES;)
			world->n_told *= 2;
		world->told = malloc(world->n_told * sizeof *world->told);
		if (world->told == NULL)
			return BANYAN_ENOMEM;
		memset(world->told, 0xff, world->n_told * sizeof *world->told);
	}
	int rc = shape_make(world);
	/* all begin within one refresh, look for something newer, and register: when the first one comes that is done */
	world->first_ms = (int64_t)settings->refresh_s * 1250;
	world_add(world, (struct event){.kind = EVENT_PUBLISH, .at_ms = world->first_ms});
	return rc < 0 ? rc : world->error;
}

static void world_done(struct world *world)
{
	for (uint32_t i = 0; world->node != NULL && i < world->n_nodes; i++) {
		pull_copy_free(world->node[i].copy);
		push_notify_free(world->node[i].notify);
	}
	events_done(&world->events);
	free(world->node);
	free(world->edge);
	free(world->told);
}

/* ---- running ---- */

static bool is_scheduled(const struct world *world)
{
	return world->settings->shape == SIM_SCHEDULED;
}

static void on_publish(struct world *world)
{
	const struct sim_settings *s = world->settings;
	if (++world->publications == s->versions) {
		world->published_ms = world->now_ms + (is_scheduled(world) ? (int64_t)s->ahead_s * 1000 : 0);
		world->missing = world->result.honest;
		world->result.publisher_bytes_idle =
			world->result.publisher_bytes * 1000 / (uint64_t)(world->now_ms > 0 ? world->now_ms : 1);
		world->result.publisher_bytes = world->result.whole_bytes = 0;
	} else {
		world_add(world, (struct event){.kind = EVENT_PUBLISH,
						.at_ms = world->now_ms + (int64_t)s->interval_s * 1000});
	}
	node_published(world, world->newest + 1);
}

static bool over(const struct world *world)
{
	const struct sim_settings *s = world->settings;
	if (world->publications < s->versions)
		return false;
	int64_t since_s = (world->now_ms - world->published_ms) / 1000;
	return since_s >= s->limit_s || (s->settle_s > 0 ? since_s >= s->settle_s : world->missing == 0);
}

static void world_run(struct world *world)
{
	struct event event;
	while (world->error == 0 && !over(world) && events_take(&world->events, &event)) {
		world->now_ms = event.at_ms;
		world->result.events++;
		if (event.kind == EVENT_PUBLISH)
			on_publish(world);
		else
			node_handle(world, &event);
	}
}

/* ---- what came of it ---- */

static int by_time(const void *a, const void *b)
{
	int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
	return (x > y) - (x < y);
}

static int world_measure(struct world *world)
{
	struct sim_result *r = &world->result;
	r->memory = world->n_measured == 0 ? 0 : world->machine_bytes / world->n_measured * r->honest;
	_cleanup_(base_free) int64_t *times = malloc((world->n_nodes + 1) * sizeof *times);
	if (times == NULL)
		return BANYAN_ENOMEM;
	for (uint32_t i = 1; i < world->n_nodes; i++) {
		const struct node *node = &world->node[i];
		r->registrations += node->notify == NULL ? 0 : (uint32_t)push_notify_registered(node->notify);
		r->memory += node->notify == NULL ? 0 : push_notify_bytes(node->notify);
		if (node->liar)
			continue;
		r->wrong += (int32_t)(node->serial - world->newest) > 0;
		if (node->serial == world->newest)
			times[r->reached++] = node->has_ms - world->published_ms;
	}
	if (world->node[PUBLISHER].notify != NULL)
		r->registrations += (uint32_t)push_notify_registered(world->node[PUBLISHER].notify);
	qsort(times, r->reached, sizeof *times, by_time);
	for (uint32_t i = 0; i <= SIM_POINTS; i++) {
		uint64_t rank = ((uint64_t)r->honest * i + SIM_POINTS - 1) / SIM_POINTS;
		r->at_ms[i] = rank == 0 ? 0 : rank <= r->reached ? times[rank - 1] : -1;
	}
	r->half_ms = r->at_ms[SIM_POINTS / 2];
	r->most_ms = r->at_ms[SIM_POINTS * 99 / 100];
	r->all_ms = r->at_ms[SIM_POINTS];
	return 0;
}

int sim_run(const struct sim_settings *settings, struct sim_result *ret)
{
	if (settings->nodes == 0 || settings->nodes > SIM_NODES_MAX || settings->fanout < 2 ||
	    settings->versions == 0 || settings->edges == 0 || settings->peers + 2 > SIM_SOURCES_MAX ||
	    settings->loss_permille > 500 ||
	    (settings->shape == SIM_SCHEDULED && (settings->ahead_s >= settings->interval_s ||
						  settings->valid_s < settings->interval_s + settings->ahead_s)))
		return BANYAN_EINVAL;
	struct world *world = calloc(1, sizeof *world);
	if (world == NULL)
		return BANYAN_ENOMEM;
	int64_t start_ns = clock_mono_ns();
	int rc = world_make(world, settings);
	if (rc == 0) {
		world_run(world);
		rc = world->error < 0 ? world->error : world_measure(world);
	}
	world->result.seconds = (double)(clock_mono_ns() - start_ns) / 1e9;
	if (rc == 0)
		*ret = world->result;
	world_done(world);
	free(world);
	return rc;
}
