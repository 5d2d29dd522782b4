// SPDX-License-Identifier: GPL-3.0-or-later
/* The table of messages that wait for a reply. */
#include "engine.h"

#include <stdlib.h>
#include <string.h>

#define EXCHANGES_GROW 64

static int table_grow(struct resolve *engine)
{
	uint32_t n = engine->n_exchanges + EXCHANGES_GROW;
	struct exchange **grown = realloc(engine->exchange, n * sizeof(struct exchange *));
	if (grown == NULL)
		return BANYAN_ENOMEM;
	engine->exchange = grown;
	for (; engine->n_exchanges < n; engine->n_exchanges++) {
		struct exchange *exchange = calloc(1, sizeof *exchange);
		if (exchange == NULL)
			return engine->free_exchange < 0 ? BANYAN_ENOMEM : 0;
		exchange->slot = engine->n_exchanges;
		exchange->next_free = engine->free_exchange;
		engine->free_exchange = (int32_t)exchange->slot;
		grown[exchange->slot] = exchange;
	}
	return 0;
}

struct exchange *resolve_exchange_open(struct resolve *engine, struct task *task)
{
	if (engine->free_exchange < 0 && table_grow(engine) < 0)
		return NULL;
	struct exchange *exchange = engine->exchange[engine->free_exchange];
	engine->free_exchange = exchange->next_free;
	uint32_t slot = exchange->slot, generation = exchange->generation + 1;
	*exchange = (struct exchange){.slot = slot, .generation = generation, .open = true, .task = task};
	exchange->timeout.kind = TIMER_EXCHANGE;
	exchange->timeout.owner = exchange;
	exchange->sent_ms = engine->now_ms;
	task->exchange = (int)slot;
	return exchange;
}

uint64_t resolve_exchange_id(const struct exchange *exchange)
{
	return (uint64_t)exchange->generation << 32 | exchange->slot;
}

struct exchange *resolve_exchange_find(struct resolve *engine, uint64_t id)
{
	uint32_t slot = (uint32_t)id;
	if (slot >= engine->n_exchanges)
		return NULL;
	struct exchange *exchange = engine->exchange[slot];
	return exchange->open && resolve_exchange_id(exchange) == id ? exchange : NULL;
}

void resolve_exchange_end(struct resolve *engine, struct exchange *exchange, bool tell)
{
	if (tell) {
		struct resolve_action action = {.kind = RESOLVE_CLOSE};
		action.close.exchange = resolve_exchange_id(exchange);
		resolve_action_add(engine, &action);
	}
	resolve_timer_clear(&engine->timers, &exchange->timeout);
	exchange->open = false;
	exchange->task->exchange = -1;
	exchange->task = NULL;
	exchange->next_free = engine->free_exchange;
	engine->free_exchange = (int32_t)exchange->slot;
}

void resolve_exchanges_free(struct resolve *engine)
{
	for (uint32_t i = 0; i < engine->n_exchanges; i++)
		free(engine->exchange[i]);
	free(engine->exchange);
}
