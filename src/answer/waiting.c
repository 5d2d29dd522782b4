// SPDX-License-Identifier: GPL-3.0-or-later
/* The table of those who wait for the resolver. */
#include "waiting.h"

#include <stdlib.h>
#include <string.h>

#define WAITINGS_FIRST 256 /* places to begin with; the engine's limits bound how many there are */
#define CONNS_FIRST    64

static int table_grow(struct waitings *waitings)
{
	uint32_t n = waitings->n == 0 ? WAITINGS_FIRST : waitings->n * 2;
	struct waiting *item = reallocarray(waitings->item, n, sizeof(*item));
	if (item == NULL)
		return BANYAN_ENOMEM;
	for (uint32_t i = waitings->n; i < n; i++)
		item[i] = (struct waiting){.next_free = i + 1 < n ? i + 2 : 0};
	waitings->free = waitings->n + 1;
	waitings->item = item;
	waitings->n = n;
	return 0;
}

/* Makes sure that there is a list for the connection with this index. */
static int conns_grow(struct waitings *waitings, uint32_t index)
{
	if (index < waitings->n_conns)
		return 0;
	uint32_t n = waitings->n_conns == 0 ? CONNS_FIRST : waitings->n_conns;
	while (n <= index)
		n *= 2;
	uint32_t *first = reallocarray(waitings->first, n, sizeof(*first));
	if (first == NULL)
		return BANYAN_ENOMEM;
	memset(first + waitings->n_conns, 0, (n - waitings->n_conns) * sizeof(*first));
	waitings->first = first;
	waitings->n_conns = n;
	return 0;
}

static void list_add(struct waitings *waitings, struct waiting *waiting)
{
	uint32_t *first = &waitings->first[waiting->ticket.index];
	uint32_t place = (uint32_t)(waiting - waitings->item) + 1;
	waiting->listed = true;
	waiting->prev = 0;
	waiting->next = *first;
	if (*first != 0)
		waitings->item[*first - 1].prev = place;
	*first = place;
}

static void list_remove(struct waitings *waitings, struct waiting *waiting)
{
	if (waiting->prev != 0)
		waitings->item[waiting->prev - 1].next = waiting->next;
	else
		waitings->first[waiting->ticket.index] = waiting->next;
	if (waiting->next != 0)
		waitings->item[waiting->next - 1].prev = waiting->prev;
	waiting->listed = false;
}

uint64_t waiting_client(const struct waitings *waitings, const struct waiting *waiting)
{
	return (uint64_t)waiting->generation << 32 | (uint32_t)(waiting - waitings->item);
}

struct waiting *waiting_take(struct waitings *waitings, const struct net_ticket *ticket, uint64_t *ret_client)
{
	bool tcp = ticket != NULL && ticket->transport == NET_TCP;
	if (tcp && conns_grow(waitings, ticket->index) < 0)
		return NULL;
	if (waitings->free == 0 && table_grow(waitings) < 0)
		return NULL;
	struct waiting *waiting = &waitings->item[waitings->free - 1];
	waitings->free = waiting->next_free;
	waiting->used = true;
	waiting->listed = waiting->counted = false;
	waiting->generation++;
	waiting->traced = NULL;
	waiting->dns64 = DNS64_OFF;
	if (ticket != NULL)
		waiting->ticket = *ticket;
	if (tcp)
		list_add(waitings, waiting);
	*ret_client = waiting_client(waitings, waiting);
	return waiting;
}

struct waiting *waiting_find(struct waitings *waitings, uint64_t client)
{
	uint32_t index = (uint32_t)client;
	if (index >= waitings->n)
		return NULL;
	struct waiting *waiting = &waitings->item[index];
	return waiting->used && waiting->generation == (uint32_t)(client >> 32) ? waiting : NULL;
}

/* A slot's list may already hold questions of its next connection. */
struct waiting *waiting_of_conn(struct waitings *waitings, uint32_t index, uint32_t generation, uint64_t *ret_client)
{
	uint32_t place = index < waitings->n_conns ? waitings->first[index] : 0;
	while (place != 0 && waitings->item[place - 1].ticket.generation != generation)
		place = waitings->item[place - 1].next;
	if (place == 0)
		return NULL;
	*ret_client = waiting_client(waitings, &waitings->item[place - 1]);
	return &waitings->item[place - 1];
}

void waiting_give(struct waitings *waitings, struct waiting *waiting)
{
	if (waiting->listed)
		list_remove(waitings, waiting);
	waiting->used = false;
	waiting->next_free = waitings->free;
	waitings->free = (uint32_t)(waiting - waitings->item) + 1;
}

void waitings_done(struct waitings *waitings)
{
	free(waitings->item);
	free(waitings->first);
	*waitings = (struct waitings){0};
}
