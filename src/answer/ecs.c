// SPDX-License-Identifier: GPL-3.0-or-later
/* The ECS option of clients (RFC 7871): /0 opts out, trusted ones name a network, all get back for whom the answer holds. */
#include "private.h"

#include <string.h>

#define FIXED 4 /* family, source and scope prefix length */

enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2 };

bool ecs_good(const struct answer_view *view, const struct wire_question *question)
{
	const uint8_t *data = question->edns.ecs;
	uint16_t len = question->edns.ecs_len;
	if (!view->ecs.enabled || data == NULL)
		return true;
	if (len < FIXED || len > ANSWER_ECS_MAX || data[3] != 0)
		return false;
	uint16_t family = wire_get16(data);
	unsigned bits = data[2], most = family == FAMILY_IPV4 ? 32 : family == FAMILY_IPV6 ? 128 : 0;
	if (bits > most || len != FIXED + (bits + 7) / 8)
		return false;
	return bits % 8 == 0 || (data[len - 1] & 0xff >> bits % 8) == 0;
}

void ecs_remember(const struct answer_view *view, const struct wire_question *question, struct answer_pending *pending)
{
	if (!view->ecs.enabled || question->edns.ecs == NULL)
		return;
	pending->ecs_len = (uint8_t)question->edns.ecs_len;
	memcpy(pending->ecs, question->edns.ecs, question->edns.ecs_len);
}

void answer_ecs_ask(const struct answer_view *view, const struct answer_pending *pending, struct resolve_event *event)
{
	if (pending->ecs_len == 0)
		return;
	uint8_t bits = pending->ecs[2];
	event->question.subnet_off = bits == 0; /* section 7.1.2: it must not be overridden */
	if (bits == 0 || !view_has(&view->ecs.trust, &pending->peer))
		return;
	struct addr_prefix *subnet = &event->question.subnet;
	*subnet = (struct addr_prefix){.bits = bits};
	subnet->addr.family = wire_get16(pending->ecs) == FAMILY_IPV4 ? 4 : 6;
	memcpy(subnet->addr.ip, pending->ecs + FIXED, pending->ecs_len - FIXED);
}

size_t ecs_reply(const struct answer_pending *pending, uint8_t scope, uint8_t out[ANSWER_ECS_MAX])
{
	memcpy(out, pending->ecs, pending->ecs_len);
	if (pending->ecs_len > 0)
		out[3] = out[2] == 0 ? 0 : scope; /* section 7.2.1 */
	return pending->ecs_len;
}
