// SPDX-License-Identifier: GPL-3.0-or-later
/* Registration: soft state of peers that ask to be told (docs/registration.md). */
#include "notify_private.h"

static struct wire_registration reply(enum wire_registration_status status, const struct push_ask *ask,
				      uint32_t lifetime_s)
{
	return (struct wire_registration){.status = status, .port = ask->peer.port, .lifetime_s = lifetime_s};
}

static uint32_t lifetime_of(const struct push_notify *notify, uint32_t asked_s)
{
	const struct push_notify_settings *settings = notify->settings;
	return asked_s < settings->lifetime_min_s   ? settings->lifetime_min_s
	       : asked_s > settings->lifetime_max_s ? settings->lifetime_max_s
						    : asked_s;
}

void registration_end(struct push_notify *notify, uint32_t at)
{
	struct peer *peer = &notify->peer[at];
	crowd_leave(notify, &peer->addr);
	notify->n_registered--;
	peer->registered = false;
	if (!peer->configured)
		peer_remove(notify, at);
	else if (peer->state == PEER_QUIET)
		peer_rest(notify, at);
}

/* The newest one of the network that has more than its share, or NO_PEER. Those with keys never go. Who is refused costs no look through the
 * table: that is taken only when somebody goes, or when the largest network has become smaller since the last one. */
static uint32_t newest_of_largest(struct push_notify *notify, const struct push_ask *ask)
{
	struct addr network;
	uint32_t newest = NO_PEER, share = notify->settings->registered_max / PUSH_SHARES;
	uint32_t others = ask->key != 0 ? 0 : crowd_count(notify, CROWD_NETWORK, &ask->peer) + 1;
	share = ask->key != 0 ? 0 : share;
	if (notify->crowd_most <= share || notify->crowd_most <= others)
		return NO_PEER;
	uint32_t most = crowd_largest(notify, &network);
	if (most <= share || most <= others)
		return NO_PEER;
	for (uint32_t i = 0; i < notify->n_peers; i++) {
		const struct peer *peer = &notify->peer[i];
		if (peer->state == PEER_FREE || !peer->registered || peer->key != 0 ||
		    !crowd_same_network(&peer->addr, &network))
			continue;
		if (newest == NO_PEER || peer->since_ms > notify->peer[newest].since_ms)
			newest = i;
	}
	return newest;
}

/* Is there room for one more, if need be by taking it from who has too much? */
static bool make_room(struct push_notify *notify, const struct push_ask *ask)
{
	if (crowd_count(notify, CROWD_ADDRESS, &ask->peer) >= notify->settings->per_address_max)
		return false;
	if (notify->n_registered < notify->settings->registered_max)
		return true;
	uint32_t at = newest_of_largest(notify, ask);
	if (at == NO_PEER)
		return false;
	notify_count(notify, COUNTER_REGISTRATIONS_EVICTED);
	registration_end(notify, at);
	return true;
}

static struct wire_registration release(struct push_notify *notify, uint32_t at, const struct push_ask *ask)
{
	if (at == NO_PEER || !notify->peer[at].registered)
		return reply(WIRE_REGISTRATION_GRANTED, ask, 0);
	if (notify->peer[at].key != ask->key)
		return reply(WIRE_REGISTRATION_REFUSED, ask, 0);
	registration_end(notify, at);
	return reply(WIRE_REGISTRATION_GRANTED, ask, 0);
}

/* The question that asks is answered with the newest version's SOA, so the peer knows of that. */
static uint32_t enter(struct push_notify *notify, uint32_t at, const struct push_ask *ask, int64_t now_ms)
{
	if (crowd_join(notify, &ask->peer) < 0)
		return NO_PEER;
	if (at == NO_PEER)
		at = peer_add(notify, &ask->peer);
	if (at == NO_PEER) {
		crowd_leave(notify, &ask->peer);
		return NO_PEER;
	}
	struct peer *peer = &notify->peer[at];
	peer->registered = true;
	peer->since_ms = now_ms;
	if (!peer->configured) {
		peer->key = ask->key;
		peer->serial = notify->serial;
		peer->has_serial = notify->has_serial;
	}
	notify->n_registered++;
	return at;
}

struct wire_registration push_notify_register(struct push_notify *notify, const struct push_ask *ask, int64_t now_ms)
{
	uint32_t at = peer_find(notify, &ask->peer);
	if (ask->release)
		return release(notify, at, ask);
	uint32_t lifetime_s = lifetime_of(notify, ask->lifetime_s);
	bool is_new = at == NO_PEER || !notify->peer[at].registered;
	/* who has a key must show it again: nobody else behind that address speaks for it */
	if (!is_new && notify->peer[at].key != 0 && !notify->peer[at].configured && notify->peer[at].key != ask->key)
		return reply(WIRE_REGISTRATION_REFUSED, ask, 0);
	if (is_new) {
		if (!make_room(notify, ask) || (at = enter(notify, at, ask, now_ms)) == NO_PEER) {
			notify_count(notify, COUNTER_REGISTRATIONS_FULL);
			return reply(WIRE_REGISTRATION_FULL, ask, 0);
		}
		notify_count(notify, COUNTER_REGISTRATIONS);
	}
	struct peer *peer = &notify->peer[at];
	if (!peer->configured && ask->key != 0)
		peer->key = ask->key;
	if (!peer->configured || !peer->fixed)
		peer->local = ask->local;
	peer->failures = 0;
	peer->until_ms = now_ms + (int64_t)lifetime_s * 1000;
	if (peer->state == PEER_QUIET)
		peer_rest(notify, at);
	return reply(WIRE_REGISTRATION_GRANTED, ask, lifetime_s);
}
