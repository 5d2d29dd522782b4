// SPDX-License-Identifier: GPL-3.0-or-later
/* How many TCP connections there are, in all and from one address, over all loops of the process. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

struct entry {
	uint8_t family; /* 0 = free */
	uint8_t ip[16];
	uint32_t count;
};

struct net_limits {
	pthread_mutex_t lock;
	uint32_t total_max, address_max, total;
	uint8_t key[16];
	size_t mask;
	struct entry *entry; /* open addressing, at most half full */
};

int net_limits_new(uint32_t tcp_clients, uint32_t tcp_clients_per_address, struct net_limits **ret)
{
	struct net_limits *limits = calloc(1, sizeof(*limits));
	if (limits == NULL)
		return BANYAN_ENOMEM;
	size_t size = 16;
	while (size < (size_t)tcp_clients * 2)
		size *= 2;
	limits->entry = calloc(size, sizeof(*limits->entry));
	if (limits->entry == NULL) {
		free(limits);
		return BANYAN_ENOMEM;
	}
	struct random random;
	random_init_kernel(&random);
	random_bytes(&random, limits->key, sizeof(limits->key));
	limits->mask = size - 1;
	limits->total_max = tcp_clients;
	limits->address_max = tcp_clients_per_address;
	pthread_mutex_init(&limits->lock, NULL);
	*ret = limits;
	return 0;
}

void net_limits_free(struct net_limits *limits)
{
	if (limits == NULL)
		return;
	pthread_mutex_destroy(&limits->lock);
	free(limits->entry);
	free(limits);
}

/* What counts as one client: an IPv4 address, an IPv6 /64. */
static void client_of(const struct addr *peer, struct entry *out)
{
	*out = (struct entry){.family = peer->family};
	memcpy(out->ip, peer->ip, peer->family == 4 ? 4 : 8);
}

static size_t home(const struct net_limits *limits, const struct entry *e)
{
	return hash_sip(e, 1 + sizeof(e->ip), limits->key) & limits->mask;
}

/* The client's entry, or the free one where it belongs. */
static size_t find(const struct net_limits *limits, const struct entry *client)
{
	size_t i = home(limits, client);
	while (limits->entry[i].family != 0 &&
	       (limits->entry[i].family != client->family || memcmp(limits->entry[i].ip, client->ip, 16) != 0))
		i = (i + 1) & limits->mask;
	return i;
}

/* Frees an entry and moves those behind it to where a search finds them. */
static void erase(struct net_limits *limits, size_t i)
{
	for (size_t j = (i + 1) & limits->mask; limits->entry[j].family != 0; j = (j + 1) & limits->mask) {
		size_t h = home(limits, &limits->entry[j]);
		if (((j - h) & limits->mask) >= ((j - i) & limits->mask)) {
			limits->entry[i] = limits->entry[j];
			i = j;
		}
	}
	limits->entry[i] = (struct entry){0};
}

int net_limits_take(struct net_limits *limits, const struct addr *peer)
{
	struct entry client;
	client_of(peer, &client);
	int rc = 0;
	pthread_mutex_lock(&limits->lock);
	size_t i = find(limits, &client);
	if (limits->entry[i].family != 0 && limits->entry[i].count >= limits->address_max) {
		rc = BANYAN_EACCES;
	} else if (limits->total >= limits->total_max) {
		rc = BANYAN_ELIMIT;
	} else {
		client.count = limits->entry[i].count + 1;
		limits->entry[i] = client;
		limits->total++;
	}
	pthread_mutex_unlock(&limits->lock);
	return rc;
}

void net_limits_give(struct net_limits *limits, const struct addr *peer)
{
	struct entry client;
	client_of(peer, &client);
	pthread_mutex_lock(&limits->lock);
	size_t i = find(limits, &client);
	limits->total--;
	if (--limits->entry[i].count == 0)
		erase(limits, i);
	pthread_mutex_unlock(&limits->lock);
}

bool net_limits_reached(struct net_limits *limits, const struct addr *peer)
{
	struct entry client;
	client_of(peer, &client);
	pthread_mutex_lock(&limits->lock);
	size_t i = find(limits, &client);
	bool reached = limits->entry[i].family != 0 && limits->entry[i].count >= limits->address_max;
	pthread_mutex_unlock(&limits->lock);
	return reached;
}
