// SPDX-License-Identifier: GPL-3.0-or-later
/* Rounds of NOTIFY (RFC 1996): who is told next, who is told again, who is given up. */
#include "notify_private.h"

#include "sync/sync.h"

#include <stdlib.h>
#include <string.h>

#define JITTER_PARTS 8  /* times of copies vary by an eighth */
#define BURST_MS     50 /* messages of so much time go out at once after a pause */
#define SPREAD_MIN   16 /* peers: fewer are told at once */
#define BACKOFF_MAX  16 /* doublings */

void push_notify_settings_default(struct push_notify_settings *settings)
{
	*settings = (struct push_notify_settings){
		.tries_max = PUSH_TRIES_MAX,
		.retry_ms = PUSH_RETRY_MS,
		.in_flight_max = PUSH_IN_FLIGHT_MAX,
		.rate = PUSH_RATE,
		.interval_ms = PUSH_INTERVAL_MS,
		.failures_max = PUSH_FAILURES_MAX,
		.registered_max = PUSH_REGISTERED_MAX,
		.per_address_max = PUSH_PER_ADDRESS_MAX,
		.lifetime_min_s = PUSH_LIFETIME_MIN_S,
		.lifetime_max_s = PUSH_LIFETIME_MAX_S,
	};
}

int push_notify_new(const uint8_t *apex, const struct push_notify_settings *settings, struct push_notify **ret)
{
	struct push_notify *notify = calloc(1, sizeof *notify + wire_name_len(apex));
	if (notify == NULL)
		return BANYAN_ENOMEM;
	wire_name_lower(apex, notify->apex);
	notify->settings = settings;
	notify->free_peer = notify->free_crowd = NO_PEER;
	notify->hash_key[0] = random_u64(settings->random);
	notify->hash_key[1] = random_u64(settings->random);
	*ret = notify;
	return 0;
}

void push_notify_free(struct push_notify *notify)
{
	if (notify == NULL)
		return;
	for (uint32_t i = 0; i < notify->n_peers; i++)
		if (notify->peer[i].state != PEER_FREE)
			notify_forget(&notify->peer[i]);
	crowd_done(notify);
	free(notify->sends.item);
	free(notify->timers.item);
	free(notify->bucket);
	free(notify->peer);
	free(notify->soa);
	free(notify);
}

const uint8_t *push_notify_apex(const struct push_notify *notify)
{
	return notify->apex;
}

/* ---- who is to be told ---- */

static uint32_t vary(const struct push_notify *notify, uint32_t ms)
{
	return ms + random_below(notify->settings->random, ms / JITTER_PARTS + 1);
}

/* So that thousands of peers do not come back at one moment, they are told over the time that the rate takes anyway. */
static uint32_t spread(const struct push_notify *notify)
{
	if (notify->count < SPREAD_MIN)
		return 0;
	uint64_t ms = (uint64_t)notify->count * 1000 / (notify->settings->rate == 0 ? 1 : notify->settings->rate);
	return random_below(notify->settings->random, ms < UINT32_MAX ? (uint32_t)ms + 1 : UINT32_MAX);
}

/* A newer serial takes the place of one that is in flight. */
static void round_begin(struct push_notify *notify, uint32_t at, int64_t now_ms)
{
	struct peer *peer = &notify->peer[at];
	int64_t due_ms = now_ms + spread(notify);
	if (peer->told) {
		int64_t next_ms = peer->first_ms + notify->settings->interval_ms;
		due_ms = due_ms > next_ms ? due_ms : next_ms;
	}
	notify_forget(peer);
	peer->tries = 0;
	peer_move(notify, at, PEER_DUE, due_ms);
}

/* The whole round was in vain. */
static void peer_failed(struct push_notify *notify, uint32_t at)
{
	struct peer *peer = &notify->peer[at];
	if (peer->failures < UINT8_MAX)
		peer->failures++;
	notify_count(notify, COUNTER_NOTIFIES_UNANSWERED);
	if (peer->registered && peer->failures >= notify->settings->failures_max) {
		notify_count(notify, COUNTER_REGISTRATIONS_SILENT);
		bool stays = peer->configured;
		registration_end(notify, at);
		if (!stays)
			return;
	}
	peer_rest(notify, at);
}

bool push_notify_publish(struct push_notify *notify, uint32_t serial, const uint8_t *soa, size_t soa_len,
			 int64_t now_ms)
{
	if (notify->has_serial && !sync_serial_newer(serial, notify->serial))
		return false;
	if (soa_len > 0 && soa_len <= UINT16_MAX) {
		uint8_t *copy = soa_len == notify->soa_len ? notify->soa : realloc(notify->soa, soa_len);
		if (copy != NULL) {
			memcpy(copy, soa, soa_len);
			notify->soa = copy;
		}
		notify->soa_len = copy != NULL ? (uint16_t)soa_len : 0; /* it is but a hint */
	}
	notify->serial = serial;
	notify->has_serial = true;
	for (uint32_t i = 0; i < notify->n_peers; i++) {
		struct peer *peer = &notify->peer[i];
		/* where versions come faster than peers are given up, two copies without a reply are a round in vain, too */
		if (peer->state != PEER_FREE && peer->state != PEER_QUIET && peer->tries > 1)
			peer_failed(notify, i);
		if (peer->state != PEER_FREE)
			round_begin(notify, i, now_ms);
	}
	return true;
}

int push_notify_configure(struct push_notify *notify, const struct push_peer *from, size_t n, int64_t now_ms)
{
	for (uint32_t i = 0; i < notify->n_peers; i++)
		notify->peer[i].marked = false;
	for (size_t i = 0; i < n; i++) {
		uint32_t at = peer_find(notify, &from[i].addr);
		if (at == NO_PEER)
			at = peer_add(notify, &from[i].addr);
		if (at == NO_PEER)
			return BANYAN_ENOMEM;
		struct peer *peer = &notify->peer[at];
		bool is_new = !peer->configured;
		peer->configured = peer->marked = true;
		peer->key = from[i].key;
		peer->fixed = from[i].from.family != 0;
		if (peer->fixed || !peer->registered)
			peer->local = from[i].from;
		if (is_new && notify->has_serial && !peer->registered)
			round_begin(notify, at, now_ms); /* nobody knows what it has */
	}
	for (uint32_t i = 0; i < notify->n_peers; i++) {
		struct peer *peer = &notify->peer[i];
		if (peer->state == PEER_FREE || !peer->configured || peer->marked)
			continue;
		peer->configured = false;
		if (!peer->registered)
			peer_remove(notify, i);
	}
	return 0;
}

/* ---- no reply in time ---- */

static uint32_t tries_of(const struct push_notify *notify, const struct peer *peer)
{
	return peer->failures >= notify->settings->failures_max ? 1 : notify->settings->tries_max; /* benched: one */
}

/* So long after one copy the next may go out. */
static uint32_t pause_after(const struct push_notify *notify, unsigned tries)
{
	unsigned doublings = tries - 1 < BACKOFF_MAX ? tries - 1 : BACKOFF_MAX;
	uint64_t ms = (uint64_t)notify->settings->retry_ms << doublings;
	return vary(notify, ms < INT32_MAX ? (uint32_t)ms : INT32_MAX);
}

static void on_timer(struct push_notify *notify, uint32_t at, int64_t now_ms)
{
	struct peer *peer = &notify->peer[at];
	if (peer->registered && peer->until_ms <= now_ms) {
		notify_count(notify, COUNTER_REGISTRATIONS_EXPIRED);
		bool stays = peer->configured;
		registration_end(notify, at);
		if (!stays)
			return;
	}
	if (peer->state != PEER_WAITING || peer->due_ms > now_ms)
		return;
	/* it has been waited for; from now on it takes no place among those in flight, but a late reply still counts */
	if (peer->tries >= tries_of(notify, peer))
		peer_failed(notify, at);
	else
		peer_move(notify, at, PEER_DUE, now_ms - notify->settings->retry_ms + pause_after(notify, peer->tries));
}

/* ---- sending ---- */

static bool may_send(const struct push_notify *notify)
{
	return notify->sends.n > 0 && notify->in_flight < notify->settings->in_flight_max;
}

static void rate_take(struct push_notify *notify, int64_t now_ms)
{
	uint32_t rate = notify->settings->rate == 0 ? 1 : notify->settings->rate;
	int64_t earliest_us = (now_ms - BURST_MS) * 1000;
	notify->slot_us = (notify->slot_us > earliest_us ? notify->slot_us : earliest_us) + 1000000 / rate;
}

static int send_to(struct push_notify *notify, uint32_t at, int64_t now_ms, uint8_t *out, size_t cap,
		   struct push_message *ret)
{
	struct peer *peer = &notify->peer[at];
	int len = notify_write(notify, peer, out, cap);
	if (len < 0) {
		/* its key is gone, or there is no memory: as if it did not answer */
		peer_failed(notify, at);
		return 0;
	}
	if (peer->tries++ == 0)
		peer->first_ms = now_ms;
	peer->told = true;
	notify_count(notify, peer->tries == 1 ? COUNTER_NOTIFIES_SENT : COUNTER_NOTIFIES_REPEATED);
	rate_take(notify, now_ms);
	peer_move(notify, at, PEER_WAITING, now_ms + notify->settings->retry_ms);
	*ret = (struct push_message){.to = peer->addr, .from = peer->local};
	return len;
}

int push_notify_send(struct push_notify *notify, int64_t now_ms, uint8_t *out, size_t cap, struct push_message *ret)
{
	while (notify->timers.n > 0 && notify->peer[notify->timers.item[0]].due_ms <= now_ms)
		on_timer(notify, notify->timers.item[0], now_ms);
	while (may_send(notify) && notify->slot_us <= now_ms * 1000) {
		uint32_t at = notify->sends.item[0];
		const struct peer *peer = &notify->peer[at];
		if (peer->due_ms > now_ms)
			break;
		if (peer->registered && peer->until_ms <= now_ms && !peer->configured) {
			notify_count(notify, COUNTER_REGISTRATIONS_EXPIRED);
			registration_end(notify, at);
			continue;
		}
		int len = send_to(notify, at, now_ms, out, cap, ret);
		if (len > 0)
			return len;
	}
	return 0;
}

int64_t push_notify_wake(const struct push_notify *notify)
{
	int64_t at_ms = notify->timers.n > 0 ? notify->peer[notify->timers.item[0]].due_ms : INT64_MAX;
	if (may_send(notify)) {
		int64_t due_ms = notify->peer[notify->sends.item[0]].due_ms;
		int64_t slot_ms = (notify->slot_us + 999) / 1000;
		due_ms = due_ms > slot_ms ? due_ms : slot_ms;
		at_ms = at_ms < due_ms ? at_ms : due_ms;
	}
	return at_ms;
}

/* ---- replies ---- */

static void peer_replied(struct push_notify *notify, uint32_t at, uint16_t rcode)
{
	struct peer *peer = &notify->peer[at];
	peer->rcode = rcode;
	peer->failures = 0;
	peer->serial = notify->serial;
	peer->has_serial = true;
	notify_count(notify, COUNTER_NOTIFIES_CONFIRMED);
	/* it wants none of it: REFUSED, NOTAUTH. Who is configured is told the next time nevertheless */
	if (peer->registered && !peer->configured && (rcode == WIRE_RCODE_REFUSED || rcode == WIRE_RCODE_NOTAUTH))
		registration_end(notify, at);
	else
		peer_rest(notify, at);
}

bool push_notify_take(struct push_notify *notify, const struct addr *from, const uint8_t *msg, size_t len,
		      int64_t now_ms)
{
	uint32_t at = peer_find(notify, from);
	uint16_t rcode;
	if (at == NO_PEER)
		return false;
	struct peer *peer = &notify->peer[at];
	bool asked = peer->state == PEER_WAITING || (peer->state == PEER_DUE && peer->tries > 0);
	if (!asked || !notify_check(notify, peer, msg, len, &rcode))
		return false;
	if ((rcode == WIRE_RCODE_FORMERR || rcode == WIRE_RCODE_BADVERS || rcode == WIRE_RCODE_NOTIMP) &&
	    !peer->plain) {
		peer->plain = true; /* RFC 6891 section 7: once more without OPT */
		peer_move(notify, at, PEER_DUE, now_ms);
		return true;
	}
	peer_replied(notify, at, rcode);
	return true;
}

void push_notify_forget_keys(struct push_notify *notify)
{
	for (uint32_t i = 0; i < notify->n_peers; i++)
		if (notify->peer[i].state != PEER_FREE)
			notify_forget(&notify->peer[i]);
}

/* ---- looking ---- */

size_t push_notify_count(const struct push_notify *notify)
{
	return notify->count;
}

size_t push_notify_registered(const struct push_notify *notify)
{
	return notify->n_registered;
}

bool push_notify_next(const struct push_notify *notify, size_t *at, struct push_peer_state *ret)
{
	while (*at < notify->n_peers && notify->peer[*at].state == PEER_FREE)
		(*at)++;
	if (*at >= notify->n_peers)
		return false;
	const struct peer *peer = &notify->peer[(*at)++];
	*ret = (struct push_peer_state){
		.addr = peer->addr,
		.registered = peer->registered,
		.benched = peer->failures >= notify->settings->failures_max,
		.waiting = peer->state != PEER_QUIET,
		.key = peer->key,
		.serial = peer->serial,
		.has_serial = peer->has_serial,
		.rcode = peer->rcode,
		.failures = peer->failures,
		.since_ms = peer->since_ms,
		.local = peer->local,
		.until_ms = peer->until_ms,
	};
	return true;
}

size_t push_notify_bytes(const struct push_notify *notify)
{
	return sizeof *notify + notify->cap_peers * (sizeof(struct peer) + 2 * sizeof(uint32_t)) +
	       notify->n_buckets * sizeof(uint32_t) + notify->cap_crowds * sizeof(struct crowd) +
	       notify->n_crowd_buckets * sizeof(uint32_t) + notify->soa_len;
}
