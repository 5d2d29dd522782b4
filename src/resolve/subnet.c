// SPDX-License-Identifier: GPL-3.0-or-later
/* Whose network is told to whom, and how (RFC 7871). */
#include "subnet.h"
#include "engine.h"

#include <string.h>

enum { FAMILY_IPV4 = 1, FAMILY_IPV6 = 2 }; /* IANA's address family numbers, as RFC 7871 section 6 wants them */

#define FIXED 4 /* family, source and scope prefix length */

/* ---- who ---- */

/* Addresses that mean nothing to others (RFC 7871 section 11.3): special blocks of RFC 6890. */
static bool is_private(const struct addr *addr)
{
	const uint8_t *ip = addr->ip;
	if (addr->family == 4)
		return ip[0] == 0 || ip[0] == 10 || ip[0] == 127 || (ip[0] == 100 && (ip[1] & 0xc0) == 64) ||
		       (ip[0] == 169 && ip[1] == 254) || (ip[0] == 172 && (ip[1] & 0xf0) == 16) ||
		       (ip[0] == 192 && ip[1] == 168) || ip[0] >= 224;
	return (ip[0] & 0xe0) != 0x20; /* global unicast is 2000::/3 */
}

static void mask(struct addr_prefix *prefix, unsigned bits)
{
	if (prefix->bits > bits)
		prefix->bits = (uint8_t)bits;
	unsigned whole = prefix->bits / 8, rest = prefix->bits % 8;
	if (rest != 0)
		prefix->addr.ip[whole] &= (uint8_t)(0xff << (8 - rest));
	whole += rest != 0;
	memset(prefix->addr.ip + whole, 0, sizeof prefix->addr.ip - whole);
	prefix->addr.port = 0;
}

struct addr_prefix resolve_subnet_of(const struct resolve *engine, const struct resolve_event *event)
{
	struct addr_prefix subnet = {.addr = event->question.from, .bits = 128};
	const struct resolve_settings *settings = &engine->settings;
	if (engine->subnets == NULL || event->question.subnet_off)
		return (struct addr_prefix){0};
	if (event->question.subnet.addr.family != 0)
		subnet = event->question.subnet;
	unsigned bits = subnet.addr.family == 4 ? settings->ecs_ipv4_bits : settings->ecs_ipv6_bits;
	mask(&subnet, bits);
	bool told = subnet.addr.family != 0 && subnet.bits > 0 && !is_private(&subnet.addr);
	return told ? subnet : (struct addr_prefix){0};
}

bool resolve_subnet_owns(const struct resolve *engine, const struct task *task, const uint8_t *owner)
{
	return task->subnet.addr.family != 0 && resolve_subnet_covers(engine, owner);
}

void resolve_subnet_split(struct resolve *engine, struct task *task)
{
	if (task->subnet.addr.family != 0 || !resolve_subnet_covers(engine, task->sname))
		return;
	for (struct waiter *waiter = task->waiters, *next; waiter != NULL; waiter = next) {
		next = waiter->next;
		if (waiter->question != NULL && waiter->question->subnet.addr.family != 0)
			resolve_question_split(engine, waiter->question);
	}
}

/* ---- to whom ---- */

/* Never the root nor the zones right below it, which have no answers that depend on it, and nobody who is only asked for the way
 * (RFC 7871 section 7.1). */
bool resolve_subnet_told(const struct resolve *engine, const struct exchange *exchange)
{
	const struct task *task = exchange->task;
	return task->subnet.addr.family != 0 && exchange->edns && !exchange->minimised &&
	       resolve_subnet_covers(engine, task->sname) &&
	       (wire_name_labels(task->cut->zone) > 1 || resolve_forward_of(task->cut) != NULL) &&
	       resolve_subnets_server(engine, &exchange->to);
}

size_t resolve_subnet_option(const struct task *task, uint8_t out[SUBNET_OPTION_MAX])
{
	const struct addr_prefix *subnet = &task->subnet;
	size_t bytes = (subnet->bits + 7U) / 8;
	wire_put16(out, WIRE_OPTION_ECS);
	wire_put16(out + 2, (uint16_t)(FIXED + bytes));
	wire_put16(out + 4, subnet->addr.family == 4 ? FAMILY_IPV4 : FAMILY_IPV6);
	out[6] = subnet->bits;
	out[7] = 0; /* the scope is the other side's to tell */
	memcpy(out + 8, subnet->addr.ip, bytes);
	return 4 + FIXED + bytes;
}

/* ---- what comes back ---- */

/* Data of the option in an OPT record, or NULL. */
static const uint8_t *option_find(const uint8_t *p, size_t len, uint16_t *ret_len)
{
	while (p != NULL && len >= 4) {
		uint16_t size = wire_get16(p + 2);
		if (size > len - 4)
			return NULL;
		*ret_len = size;
		if (wire_get16(p) == WIRE_OPTION_ECS)
			return p + 4;
		p += 4 + size;
		len -= 4U + size;
	}
	return NULL;
}

bool resolve_subnet_match(const struct task *task, const struct resolve_event *event, uint8_t *ret_scope)
{
	struct wire_reader reader;
	struct wire_record record;
	uint8_t told[SUBNET_OPTION_MAX];
	const uint8_t *option = NULL;
	uint16_t len = 0;
	*ret_scope = 0; /* who says nothing makes no difference between clients */
	if (wire_reader_init(&reader, event->reply.msg, event->reply.len) < 0)
		return false;
	while (option == NULL && wire_reader_next(&reader, &record) > 0)
		if (record.type == WIRE_TYPE_OPT)
			option = option_find(event->reply.msg + record.rdata_pos, record.rdata_len, &len);
	if (option == NULL)
		return true;
	size_t size = resolve_subnet_option(task, told) - 4;
	if (len != size || memcmp(option, told + 4, 3) != 0 || memcmp(option + FIXED, told + 8, size - FIXED) != 0)
		return false;
	*ret_scope = option[3] < task->subnet.bits ? option[3] : task->subnet.bits;
	return true;
}
