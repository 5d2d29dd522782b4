// SPDX-License-Identifier: GPL-3.0-or-later
/* Notifications between nodes, in the form that goes over the wire. */
#include "world.h"

#include "sync/sync.h"

#include <stdlib.h>
#include <string.h>

#define SOA_LEN  22 /* two root names and five numbers */
#define LIFETIME 3  /* refreshes: two of them may fail */

static const uint8_t root[] = {0};

static void soa_of(const struct world *world, uint32_t serial, uint8_t out[SOA_LEN])
{
	memset(out, 0, SOA_LEN);
	wire_put32(out + 2, serial);
	wire_put32(out + 6, world->settings->refresh_s);
	wire_put32(out + 10, world->settings->retry_s);
	wire_put32(out + 14, world->settings->expire_s);
}

/* Has this node sent that node more than one message about one version? */
void notices_audit(struct world *world, uint32_t from, uint32_t to)
{
	if (world->told == NULL || world->node[from].liar)
		return;
	size_t at = ((size_t)from * 2654435761u ^ (size_t)to * 40503u) & (world->n_told - 1);
	while (world->told[at].from != NOBODY && (world->told[at].from != from || world->told[at].to != to))
		at = (at + 1) & (world->n_told - 1);
	struct told *told = &world->told[at];
	uint32_t serial = world->node[from].serial;
	if (told->from == NOBODY || told->serial != serial)
		*told = (struct told){.from = from, .to = to, .serial = serial};
	if (++told->copies > world->result.copies_max)
		world->result.copies_max = told->copies;
	world->result.notifies += told->copies == 1;
	world->result.repeats += told->copies > 1;
}

void notices_send(struct world *world, uint32_t at)
{
	struct node *node = &world->node[at];
	struct push_message message;
	uint8_t out[PUSH_MESSAGE_MAX];
	int len;
	if (node->notify == NULL)
		return;
	while ((len = push_notify_send(node->notify, world->now_ms, out, sizeof out, &message)) > 0) {
		uint32_t to = network_node(&message.to);
		notices_audit(world, at, to);
		if (world->told == NULL && !node->liar)
			world->result.notifies++;
		world->result.lies += node->liar;
		network_datagram(world, at, to, out, (size_t)len);
	}
	int64_t wake_ms = push_notify_wake(node->notify);
	if (wake_ms == INT64_MAX || (node->notify_ms > world->now_ms && node->notify_ms <= wake_ms))
		return;
	node->notify_ms = wake_ms > world->now_ms ? wake_ms : world->now_ms + 1;
	world_add(world, (struct event){.kind = EVENT_NOTIFY_WAKE, .at_ms = node->notify_ms, .node = at});
}

void notices_publish(struct world *world, uint32_t at, uint32_t serial)
{
	struct node *node = &world->node[at];
	uint8_t soa[SOA_LEN];
	if (node->notify == NULL)
		return;
	soa_of(world, serial, soa);
	(void)push_notify_publish(node->notify, serial, soa, sizeof soa, world->now_ms);
	notices_send(world, at);
}

struct wire_registration notices_register(struct world *world, uint32_t at, uint32_t peer)
{
	struct node *node = &world->node[at];
	struct wire_registration wanted = {.port = 53, .lifetime_s = world->settings->refresh_s * LIFETIME}, asked;
	uint8_t data[WIRE_REGISTRATION_SIZE];
	if (node->notify == NULL) {
		const struct push_notify_settings *s = at == PUBLISHER ? &world->push_publisher : &world->push;
		if (push_notify_new(root, s, &node->notify) < 0) {
			node->notify = NULL;
			world->error = BANYAN_ENOMEM;
			return (struct wire_registration){.status = WIRE_REGISTRATION_FULL};
		}
		notices_publish(world, at, node->serial);
	}
	wire_registration_write_question(&wanted, data);
	if (wire_registration_read_question(data, sizeof data, &asked) < 0)
		return (struct wire_registration){.status = WIRE_REGISTRATION_MALFORMED};
	struct push_ask ask = {.peer = network_addr(peer), .lifetime_s = asked.lifetime_s};
	struct wire_registration granted = push_notify_register(node->notify, &ask, world->now_ms);
	notices_send(world, at); /* it wakes when the registration ends */
	return granted;
}

static size_t source_of(const struct node *node, uint32_t peer)
{
	for (size_t i = 0; i < node->n_sources; i++)
		if (node->source[i] == peer)
			return i;
	return PULL_NO_SOURCE;
}

/* A NOTIFY, or the reply to one. The copy machine is told by the caller. */
void notices_take(struct world *world, struct event *event)
{
	struct node *node = &world->node[event->node];
	struct sync_notify notify;
	uint8_t out[512];
	event->source = UINT8_MAX;
	if (event->msg[2] & WIRE_QR >> 8) {
		struct addr from = network_addr(event->peer);
		if (node->notify != NULL &&
		    push_notify_take(node->notify, &from, event->msg, event->len, world->now_ms))
			notices_send(world, event->node);
		return;
	}
	if (!sync_notify_parse(event->msg, event->len, &notify))
		return;
	size_t source = source_of(node, event->peer);
	uint16_t rcode = source == PULL_NO_SOURCE ? WIRE_RCODE_NOTAUTH : WIRE_RCODE_NOERROR;
	int len = sync_notify_reply(&notify, rcode, NULL, out, sizeof out);
	if (len > 0)
		network_datagram(world, event->node, event->peer, out, (size_t)len);
	if (source == PULL_NO_SOURCE || !notify.has_serial)
		return;
	event->source = (uint8_t)source;
	event->serial = notify.serial;
}
