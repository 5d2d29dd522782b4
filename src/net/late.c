// SPDX-License-Identifier: GPL-3.0-or-later
/* Replies over UDP that are there, but go out later. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

struct net_late_reply {
	struct net_late_reply *next;
	struct net_ticket ticket;
	size_t len;
	uint8_t msg[];
};

_Static_assert(NET_LATE_TICK_MS *(NET_LATE_SLOTS - 2) > NET_LATE_MS_MAX, "the wheel must hold the longest wait");

static void slot_done(struct net_loop *loop, size_t slot, bool send)
{
	struct net_late *late = &loop->late;
	struct net_late_reply *reply = late->first[slot];
	late->first[slot] = late->last[slot] = NULL;
	while (reply != NULL) {
		struct net_late_reply *next = reply->next;
		if (send)
			(void)net_udp_reply(loop, &reply->ticket, reply->msg, reply->len);
		late->bytes -= sizeof(*reply) + reply->len;
		late->count--;
		free(reply);
		reply = next;
	}
}

static void on_tick(uv_timer_t *timer)
{
	struct net_loop *loop = timer->data;
	struct net_late *late = &loop->late;
	net_turn(loop);
	int64_t now = loop->now_ms / NET_LATE_TICK_MS;
	/* a loop that was held up must not make a pulse of all that is due: it catches up at twice the pace */
	for (unsigned i = 0; i < 2 && late->tick < now; i++)
		slot_done(loop, (size_t)++late->tick & (NET_LATE_SLOTS - 1), true);
	if (late->count == 0)
		uv_timer_stop(timer);
}

int net_reply_in(struct net_loop *loop, const struct net_ticket *ticket, const uint8_t *msg, size_t len,
		 uint32_t delay_ms)
{
	struct net_late *late = &loop->late;
	if (ticket->transport != NET_UDP || len > NET_MESSAGE_MAX || delay_ms > NET_LATE_MS_MAX)
		return BANYAN_EINVAL;
	if (late->bytes + sizeof(struct net_late_reply) + len > NET_LATE_BYTES_MAX)
		return BANYAN_ELIMIT;
	struct net_late_reply *reply = malloc(sizeof(*reply) + len);
	if (reply == NULL)
		return BANYAN_ENOMEM;
	reply->next = NULL;
	reply->ticket = *ticket;
	reply->len = len;
	memcpy(reply->msg, msg, len);
	if (late->count == 0) {
		late->tick = loop->now_ms / NET_LATE_TICK_MS;
		uv_timer_start(&late->timer, on_tick, NET_LATE_TICK_MS, NET_LATE_TICK_MS);
	}
	size_t slot = (size_t)(late->tick + 1 + delay_ms / NET_LATE_TICK_MS) & (NET_LATE_SLOTS - 1);
	*(late->last[slot] != NULL ? &late->last[slot]->next : &late->first[slot]) = reply;
	late->last[slot] = reply;
	late->bytes += sizeof(*reply) + len;
	late->count++;
	return 0;
}

void net_late_init(struct net_loop *loop)
{
	uv_timer_init(&loop->uv, &loop->late.timer);
	loop->late.timer.data = loop;
}

void net_late_done(struct net_loop *loop)
{
	for (size_t slot = 0; slot < NET_LATE_SLOTS; slot++)
		slot_done(loop, slot, false);
	uv_close((uv_handle_t *)&loop->late.timer, NULL);
}
