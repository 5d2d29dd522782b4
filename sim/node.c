// SPDX-License-Identifier: GPL-3.0-or-later
/* A node: the copy machine's actions carried out on the network, and what others want of it. */
#include "world.h"

#include <stdlib.h>

#define PROBE_BYTES   420 /* a question for the SOA over TCP and its reply, with all segments: what the asked one sends */
#define PROBE_OWN     380 /* and the asking one */
#define PROVE_MS      150 /* parsing and proving the root on one CPU */
#define STORE_MS      20
#define LIE_AHEAD     1000000u
#define PROBE_PACKETS 6 /* that cost time when they are lost */
#define FETCH_PACKETS 4 /* likewise, before data flow */

static struct pull_now now_of(const struct world *world)
{
	return (struct pull_now){.mono_ms = world->now_ms, .wall_s = WALL_S + world->now_ms / 1000};
}

static struct pull_version version_of(const struct world *world, uint32_t serial)
{
	const struct sim_settings *s = world->settings;
	struct pull_version version = {
		.serial = serial, .refresh_s = s->refresh_s, .retry_s = s->retry_s, .expire_s = s->expire_s};
	if (s->shape == SIM_SCHEDULED) {
		int64_t number = (int64_t)serial - FIRST_SERIAL -
				 1; /* of the published ones; -1: what all have at the beginning */
		version.valid_from = WALL_S + world->first_ms / 1000 + s->ahead_s + number * s->interval_s;
		version.valid_until = version.valid_from + s->valid_s;
	}
	return version;
}

static bool is_edge(const struct world *world, uint32_t node)
{
	return node >= world->n_nodes;
}

/* ---- actions ---- */

static void act(struct world *world, uint32_t at, const struct pull_action *action)
{
	struct node *node = &world->node[at];
	struct event event = {.node = at,
			      .ticket = action->ticket,
			      .source = (uint8_t)action->source,
			      .since_ms = (uint32_t)world->now_ms};
	uint32_t to = action->kind == PULL_PROBE || action->kind == PULL_FETCH ? node->source[action->source] : at;
	uint32_t delay_ms = to == at ? 0 : network_delay_ms(world, at, to);
	switch (action->kind) {
	case PULL_PROBE: /* a handshake, then the question */
		world->result.probes++;
		network_account(world, at, PROBE_OWN);
		event.kind = EVENT_ASKED;
		event.at_ms = world->now_ms + 3 * delay_ms + network_again_ms(world, PROBE_PACKETS);
		event.node = to;
		event.peer = at;
		break;
	case PULL_FETCH:
		world->result.fetches++;
		if (++node->fetches > world->result.fetches_max)
			world->result.fetches_max = node->fetches;
		event.kind = EVENT_WANTED;
		event.at_ms = world->now_ms + 3 * delay_ms + network_again_ms(world, FETCH_PACKETS);
		event.node = to;
		event.peer = at;
		event.changes = action->changes;
		event.serial = action->serial;
		break;
	case PULL_PROVE:
		event.kind = EVENT_PROVED;
		event.at_ms = world->now_ms + PROVE_MS;
		break;
	case PULL_TURN:
		event.kind = EVENT_TURNED;
		event.at_ms = world->now_ms;
		event.serial = action->serial;
		break;
	case PULL_ADOPT:
		event.kind = EVENT_STORED;
		event.ahead = action->ahead;
		event.at_ms = world->now_ms + STORE_MS;
		break;
	default:
		return; /* what is given up comes to its end unheard; the rest is for people */
	}
	world_add(world, event);
}

static void step(struct world *world, uint32_t at, const struct pull_event *event)
{
	static struct pull_actions actions;
	struct node *node = &world->node[at];
	pull_copy_step(node->copy, event, now_of(world), &actions);
	for (size_t i = 0; i < actions.n; i++)
		act(world, at, &actions.item[i]);
	if (actions.wake_ms == INT64_MAX || (node->wake_ms > world->now_ms && node->wake_ms <= actions.wake_ms))
		return;
	node->wake_ms = actions.wake_ms > world->now_ms ? actions.wake_ms : world->now_ms + 1;
	world_add(world, (struct event){.kind = EVENT_WAKE, .at_ms = node->wake_ms, .node = at});
}

/* ---- as a server ---- */

static uint32_t serial_shown(const struct world *world, uint32_t at)
{
	const struct node *node = &world->node[at];
	return node->liar ? world->newest + LIE_AHEAD + (uint32_t)(world->now_ms / 1000) : node->serial;
}

static void on_asked(struct world *world, const struct event *event)
{
	struct event reply = *event;
	reply.kind = EVENT_PROBED;
	reply.node = event->peer;
	reply.peer = event->node;
	int64_t ready_ms = world->now_ms;
	if (is_edge(world, event->node)) {
		ready_ms = cdn_serial(world, event->node - world->n_nodes, &reply.serial);
	} else {
		network_account(world, event->node, PROBE_BYTES);
		reply.serial = serial_shown(world, event->node);
		if (event->source < world->node[event->peer].n_registers)
			reply.status = notices_register(world, event->node, event->peer).status;
	}
	reply.at_ms = ready_ms + network_delay_ms(world, event->peer, event->node);
	world_add(world, reply);
}

static void on_wanted(struct world *world, const struct event *event)
{
	struct event reply = *event;
	const struct sim_settings *s = world->settings;
	reply.kind = EVENT_FETCHED;
	reply.node = event->peer;
	reply.peer = event->node;
	if (is_edge(world, event->node)) {
		uint32_t edge = event->node - world->n_nodes;
		int64_t ready_ms = cdn_serial(world, edge, &reply.serial);
		int64_t object_ms = cdn_object(world, edge, reply.serial);
		reply.at_ms =
			cdn_transfer(world, edge, event->peer, s->delta, ready_ms > object_ms ? ready_ms : object_ms);
	} else {
		reply.serial = serial_shown(world, event->node);
		reply.failed = world->node[event->node].liar;
		reply.at_ms = network_transfer(world, event->node, event->peer, s->whole);
	}
	world_add(world, reply);
}

/* ---- as a client ---- */

static void on_start(struct world *world, uint32_t at)
{
	struct node *node = &world->node[at];
	struct pull_version version = version_of(world, node->serial);
	step(world, at,
	     &(struct pull_event){.kind = PULL_EVENT_START,
				  .version = &version,
				  .confirmed_at = now_of(world).wall_s - world->settings->refresh_s,
				  .has_floor = true,
				  .floor = node->serial});
}

static void on_proved(struct world *world, const struct event *event)
{
	struct node *node = &world->node[event->node];
	struct pull_version version = version_of(world, node->candidate);
	world->result.refused += !node->candidate_good;
	step(world, event->node,
	     &(struct pull_event){.kind = PULL_EVENT_PROVED,
				  .ticket = event->ticket,
				  .verdict = node->candidate_good ? PULL_GOOD : PULL_BAD,
				  .version = &version,
				  .why = node->candidate_good ? NULL : "a signature does not hold"});
}

static void in_use(struct world *world, struct node *node, uint32_t serial)
{
	node->serial = serial;
	if (node->serial == world->newest && world->publications == world->settings->versions) {
		node->has_ms = world->now_ms;
		world->missing--;
	}
}

static void on_turned(struct world *world, const struct event *event)
{
	in_use(world, &world->node[event->node], event->serial);
	step(world, event->node,
	     &(struct pull_event){.kind = PULL_EVENT_TURNED, .ticket = event->ticket, .good = true});
}

/* From now on it is served, unless its time has not begun; who is registered here is told of it. */
static void on_stored(struct world *world, const struct event *event)
{
	struct node *node = &world->node[event->node];
	node->ahead = node->candidate;
	if (!event->ahead)
		in_use(world, node, node->candidate);
	step(world, event->node,
	     &(struct pull_event){.kind = PULL_EVENT_STORED, .ticket = event->ticket, .good = true});
	notices_publish(world, event->node, node->serial);
}

static void on_fetched(struct world *world, const struct event *event)
{
	struct node *node = &world->node[event->node];
	bool newer = (int32_t)(event->serial - node->ahead) > 0;
	if (newer) {
		node->candidate = event->serial;
		node->candidate_good = !event->failed;
	}
	step(world, event->node,
	     &(struct pull_event){.kind = PULL_EVENT_FETCHED,
				  .ticket = event->ticket,
				  .fetched = newer ? PULL_GOT : PULL_UNCHANGED,
				  .has_serial = true,
				  .serial = event->serial,
				  .ms = (uint32_t)world->now_ms - event->since_ms,
				  .expire_s = PULL_NO_EXPIRE});
}

static void on_datagram(struct world *world, struct event *event)
{
	notices_take(world, event);
	free(event->msg);
	if (event->source == UINT8_MAX || world->node[event->node].copy == NULL)
		return;
	step(world, event->node,
	     &(struct pull_event){.kind = PULL_EVENT_NOTIFIED,
				  .source = event->source,
				  .has_serial = true,
				  .serial = event->serial});
}

static void on_probed(struct world *world, const struct event *event)
{
	step(world, event->node,
	     &(struct pull_event){.kind = PULL_EVENT_PROBED,
				  .ticket = event->ticket,
				  .source = event->source,
				  .good = true,
				  .has_serial = true,
				  .serial = event->serial,
				  .ms = (uint32_t)world->now_ms - event->since_ms,
				  .expire_s = PULL_NO_EXPIRE});
}

/* ---- the publisher and liars ---- */

void node_published(struct world *world, uint32_t serial)
{
	struct node *publisher = &world->node[PUBLISHER];
	world->newest = publisher->serial = serial;
	notices_publish(world, PUBLISHER, serial);
}

static void on_lie(struct world *world, const struct event *event)
{
	struct event again = *event;
	notices_publish(world, event->node, serial_shown(world, event->node));
	again.at_ms = world->now_ms + (int64_t)world->settings->lie_interval_s * 1000;
	world_add(world, again);
}

void node_handle(struct world *world, struct event *event)
{
	struct node *node =
		&world->node[is_edge(world, event->node) ? PUBLISHER : event->node]; /* caches have no timers */
	switch ((enum event_kind)event->kind) {
	case EVENT_START:
		on_start(world, event->node);
		break;
	case EVENT_WAKE:
		if (node->wake_ms == event->at_ms) {
			node->wake_ms = 0;
			step(world, event->node, &(struct pull_event){.kind = PULL_EVENT_TIME});
		}
		break;
	case EVENT_NOTIFY_WAKE:
		if (node->notify_ms == event->at_ms) {
			node->notify_ms = 0;
			notices_send(world, event->node);
		}
		break;
	case EVENT_DATAGRAM:
		on_datagram(world, event);
		break;
	case EVENT_ASKED:
		on_asked(world, event);
		break;
	case EVENT_PROBED:
		on_probed(world, event);
		break;
	case EVENT_WANTED:
		on_wanted(world, event);
		break;
	case EVENT_FETCHED:
		on_fetched(world, event);
		break;
	case EVENT_PROVED:
		on_proved(world, event);
		break;
	case EVENT_STORED:
		on_stored(world, event);
		break;
	case EVENT_TURNED:
		on_turned(world, event);
		break;
	case EVENT_LIE:
		on_lie(world, event);
		break;
	case EVENT_PUBLISH:
		break; /* run.c */
	}
}
