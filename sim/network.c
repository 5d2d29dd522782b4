// SPDX-License-Identifier: GPL-3.0-or-later
/* The network: delays, loss, lines. */
#include "world.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define DELAY_MIN_MS 5    /* one way: a neighbour ... */
#define DELAY_SPREAD 75   /* ... up to the other side of the world */
#define SEGMENT      1460 /* bytes of a TCP segment's data */
#define RTO_MS       1000 /* RFC 6298 section 2.1, then doubled */
#define RTO_TIMES    6    /* then it is given up */
#define IP_UDP       28   /* bytes in front of a datagram's data */
#define MATHIS                                                                                                         \
	1.22 /* "The macroscopic behavior of the TCP congestion avoidance algorithm", 1997: rate = MSS / RTT * C / sqrt(p) */
#define ADDRESS_BASE 0x0b000000u

void world_add(struct world *world, struct event event)
{
	if (world->error == 0)
		world->error = events_add(&world->events, event);
}

/* The same in both directions, and in each run. */
uint32_t network_delay_ms(const struct world *world, uint32_t a, uint32_t b)
{
	uint64_t x = (uint64_t)(a < b ? a : b) << 32 | (a < b ? b : a);
	x = (x ^ world->settings->seed) * 0x9e3779b97f4a7c15ULL;
	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9ULL;
	return DELAY_MIN_MS + (uint32_t)(x >> 40) % DELAY_SPREAD;
}

bool network_loses(struct world *world)
{
	return world->settings->loss_permille > 0 && random_below(&world->dice, 1000) < world->settings->loss_permille;
}

uint32_t network_again_ms(struct world *world, unsigned packets)
{
	uint32_t ms = 0;
	for (unsigned i = 0; i < packets; i++)
		for (unsigned k = 0; k < RTO_TIMES && network_loses(world); k++)
			ms += RTO_MS << k;
	return ms;
}

void network_account(struct world *world, uint32_t from, uint64_t bytes)
{
	world->result.whole_bytes += bytes;
	if (from == PUBLISHER)
		world->result.publisher_bytes += bytes;
}

static uint64_t rate_of(const struct world *world, uint32_t from, uint32_t to)
{
	const struct sim_settings *s = world->settings;
	double rate = (double)s->down_rate, rtt_s = 2.0 * network_delay_ms(world, from, to) / 1000;
	if (world->loss > 0) {
		double most = SEGMENT / rtt_s * MATHIS / sqrt(world->loss);
		rate = rate < most ? rate : most;
	}
	return rate < 1 ? 1 : (uint64_t)rate;
}

int64_t network_transfer(struct world *world, uint32_t from, uint32_t to, uint64_t bytes)
{
	struct node *node = &world->node[from];
	uint64_t line = from == PUBLISHER ? world->settings->publisher_rate : world->settings->up_rate;
	uint64_t sent = world->loss > 0 ? (uint64_t)((double)bytes / (1 - world->loss)) : bytes;
	network_account(world, from, sent);
	int64_t begin_ms = node->line_free_ms > world->now_ms ? node->line_free_ms : world->now_ms;
	/* in microseconds a line would serve fairer, but what counts is when all are through */
	node->line_free_ms = begin_ms + (int64_t)((sent * 1000 + line - 1) / line);
	int64_t slow_ms = begin_ms + (int64_t)(bytes * 1000 / rate_of(world, from, to));
	int64_t end_ms = slow_ms > node->line_free_ms ? slow_ms : node->line_free_ms;
	return end_ms + network_delay_ms(world, from, to);
}

struct addr network_addr(uint32_t node)
{
	struct addr addr = {.family = 4, .port = 53};
	wire_put32(addr.ip, ADDRESS_BASE + node);
	return addr;
}

uint32_t network_node(const struct addr *addr)
{
	return wire_get32(addr->ip) - ADDRESS_BASE;
}

void network_datagram(struct world *world, uint32_t from, uint32_t to, const uint8_t *msg, size_t len)
{
	network_account(world, from, len + IP_UDP);
	if (network_loses(world))
		return;
	struct event event = {.kind = EVENT_DATAGRAM,
			      .at_ms = world->now_ms + network_delay_ms(world, from, to),
			      .node = to,
			      .peer = from,
			      .len = (uint16_t)len,
			      .msg = malloc(len)};
	if (event.msg == NULL) {
		world->error = BANYAN_ENOMEM;
		return;
	}
	memcpy(event.msg, msg, len);
	world_add(world, event);
}
