// SPDX-License-Identifier: GPL-3.0-or-later
/* Chooses among a zone's servers by what was measured of them. */
#include "engine.h"

#include <string.h>

#define COST_DEAD    1000000 /* only when nobody else is left */
#define COST_TRY     10000   /* the others first, then once more */
#define COST_SILENCE 500

static void info_save(struct resolve *engine, const struct addr *addr, struct server_info *info)
{
	info->updated_ms = engine->now_ms;
	resolve_evictions_count(engine,
				resolve_cache_put_server(engine->cache, engine->cache_ms, addr, info, sizeof *info));
}

/* Others may have measured the same server meanwhile. */
static void info_refresh(struct resolve *engine, const struct addr *addr, struct server_info *info)
{
	struct server_info now;
	if (resolve_cache_server(engine->cache, &engine->step, engine->cache_ms, addr, &now, sizeof now))
		*info = now;
}

bool resolve_select_refused(const struct resolve *engine, const struct addr *addr)
{
	const struct resolve_settings *s = &engine->settings;
	uint16_t port = addr->port == 0 ? s->upstream_port : addr->port;
	for (size_t i = 0; i < s->n_own; i++)
		if (s->own[i].family == addr->family && s->own[i].port == port &&
		    memcmp(s->own[i].ip, addr->ip, sizeof addr->ip) == 0)
			return true;
	/* a lab: who has put its root there can put anything there */
	bool loopback = s->loopback == RESOLVE_LOOPBACK_ON ||
			(s->loopback == RESOLVE_LOOPBACK_AUTO && engine->root_on_loopback);
	if (!loopback && addr_is_loopback(addr))
		return !resolve_hints_have(engine, addr);
	for (size_t i = 0; i < s->n_never_ask; i++)
		if (addr_prefix_match(&s->never_ask[i], addr))
			return !resolve_hints_have(engine, addr);
	return false;
}

/* What is below a stub zone is the operator's own network. */
static bool refused(struct resolve *engine, const struct cut *cut, const struct addr *addr)
{
	if (cut->configured || cut->via != NULL || !resolve_select_refused(engine, addr))
		return false;
	counter_add(engine->counters, COUNTER_UPSTREAM_REFUSED, 1);
	return true;
}

void resolve_select_load(struct resolve *engine, struct cut *cut, unsigned first, uint16_t type)
{
	for (unsigned i = first; i < cut->n_targets; i++) {
		struct cut_target *target = &cut->target[i];
		if (target->addr.port == 0)
			target->addr.port = cut->labels == 0 ? resolve_hints_port(engine, &target->addr)
							     : engine->settings.upstream_port;
		target->failed = refused(engine, cut, &target->addr);
		if (!resolve_cache_server(engine->cache, &engine->step, engine->cache_ms, &target->addr, &target->info,
					  sizeof target->info))
			target->info = (struct server_info){0};
		target->no_edns = (target->info.flags & SERVER_NO_EDNS) != 0;
		target->tcp = (target->info.flags & SERVER_CASE) != 0 && engine->settings.live.case_randomisation;
		enum cache_lameness lameness = resolve_cache_lame(engine->cache, &engine->step, engine->cache_ms,
								  cut->zone, &target->addr, type);
		target->lame = lameness == LAME_ZONE;
		target->suspect = lameness == LAME_ONCE;
	}
}

/* A measured time that fades towards "unknown", so that a server that was slow once is tried again. */
static uint64_t faded_ms(const struct server_info *info, int64_t now_ms)
{
	int64_t age = now_ms - info->updated_ms, srtt = info->srtt_ms;
	if (age < 0)
		age = 0;
	return (uint64_t)(srtt * SERVER_DECAY_MS / (SERVER_DECAY_MS + age));
}

static struct family_state *family_of(struct resolve *engine, const struct addr *addr)
{
	return &engine->family[addr->family == 6];
}

/* Machines often have an IPv6 address and no way out, and each server of each zone would have to show that anew. */
static bool family_doubted(struct resolve *engine, const struct addr *addr)
{
	return family_of(engine, addr)->silent >= FAMILY_SILENT &&
	       random_below(engine->random, 100) >= FAMILY_PROBE_PERCENT;
}

static uint64_t target_cost(struct resolve *engine, const struct cut_target *target)
{
	const struct server_info *info = &target->info;
	uint64_t cost = info->known ? faded_ms(info, engine->now_ms) : random_below(engine->random, SERVER_UNKNOWN_MS);
	cost += (uint64_t)info->silences * COST_SILENCE + (uint64_t)target->tries * COST_TRY;
	if (info->dead_until_ms > engine->now_ms)
		cost += COST_DEAD;
	if (target->suspect || family_doubted(engine, &target->addr))
		cost += COST_TRY;
	return cost;
}

static bool target_usable(const struct resolve *engine, const struct cut *cut, const struct cut_target *target)
{
	bool family = target->addr.family == 4 ? engine->settings.ipv4 : engine->settings.ipv6;
	const struct forward *forward = resolve_forward_of(cut);
	/* where the walk may answer in its place, that needs time too */
	unsigned tries = forward != NULL && !forward->first ? SERVER_TRIES_FORWARD : SERVER_TRIES_MAX;
	if (target->info.dead_until_ms > engine->now_ms) /* one chance when nobody else is left */
		tries = 1;
	return family && !target->lame && !target->failed && target->tries < tries;
}

int resolve_select_next(struct resolve *engine, struct cut *cut)
{
	unsigned usable[RESOLVE_ADDRESSES_MAX], n = 0;
	int best = BANYAN_ENOENT;
	uint64_t best_cost = UINT64_MAX;
	unsigned again = cut->again;
	cut->again = 0;
	cut->exploring = false;
	if (cut->tries >= SERVER_ZONE_TRIES_MAX)
		return BANYAN_ENOENT;
	if (again > 0 && target_usable(engine, cut, &cut->target[again - 1]))
		return (int)again - 1;
	for (unsigned i = 0; i < cut->n_targets; i++) {
		if (!target_usable(engine, cut, &cut->target[i]))
			continue;
		uint64_t cost = target_cost(engine, &cut->target[i]);
		if (cost < COST_TRY)
			usable[n++] = i;
		if (cost < best_cost) {
			best_cost = cost;
			best = (int)i;
		}
	}
	if (n > 1 && random_below(engine->random, 100) < SERVER_EXPLORE_PERCENT) {
		int other = (int)usable[random_below(engine->random, n)];
		cut->exploring = other != best;
		return other;
	}
	return best;
}

/* RFC 6298 section 2, with limits that suit single datagrams. */
int64_t resolve_select_timeout_ms(const struct server_info *info, bool tcp, bool forwarder)
{
	int64_t srtt = info->srtt_ms, rto = SERVER_RTO_FIRST_MS;
	if (info->known)
		rto = srtt + 4 * (int64_t)info->rttvar_ms;
	if (info->known && rto < SERVER_RTO_SLACK * srtt)
		rto = SERVER_RTO_SLACK * srtt;
	if (rto < SERVER_RTO_MIN_MS)
		rto = SERVER_RTO_MIN_MS;
	rto <<= info->silences < 4 ? info->silences : 4;
	if (tcp && forwarder)
		return SERVER_TCP_FORWARD_MS;
	if (tcp) {
		rto *= SERVER_TCP_FACTOR;
		if (rto < SERVER_TCP_MIN_MS)
			rto = SERVER_TCP_MIN_MS;
	}
	return rto > SERVER_RTO_MAX_MS ? SERVER_RTO_MAX_MS : rto;
}

void resolve_select_replied(struct resolve *engine, const struct addr *addr, struct server_info *info, int64_t took_ms)
{
	uint32_t rtt = took_ms < 1 ? 1 : took_ms > 60000 ? 60000 : (uint32_t)took_ms;
	family_of(engine, addr)->silent = 0;
	info_refresh(engine, addr, info);
	if (!info->known) {
		info->srtt_ms = rtt;
		info->rttvar_ms = rtt / 2;
	} else {
		uint32_t error = rtt > info->srtt_ms ? rtt - info->srtt_ms : info->srtt_ms - rtt;
		info->rttvar_ms = (3 * info->rttvar_ms + error) / 4;
		info->srtt_ms = (7 * info->srtt_ms + rtt) / 8;
	}
	info->known = true;
	info->silences = 0;
	info->dead_until_ms = 0;
	info_save(engine, addr, info);
}

void resolve_select_silent(struct resolve *engine, const struct addr *addr, struct server_info *info, int64_t sent_ms)
{
	struct family_state *family = family_of(engine, addr);
	info_refresh(engine, addr, info);
	if (info->silences > 0 && info->updated_ms > sent_ms)
		return;
	if (family->silent < FAMILY_SILENT)
		family->silent++;
	if (info->silences < 32)
		info->silences++;
	if (info->silences >= SERVER_DEAD_AFTER) {
		unsigned doublings = info->silences - SERVER_DEAD_AFTER;
		int64_t dead_ms = (int64_t)SERVER_DEAD_FIRST_MS << (doublings > 7 ? 7 : doublings);
		info->dead_until_ms = engine->now_ms + (dead_ms > SERVER_DEAD_MAX_MS ? SERVER_DEAD_MAX_MS : dead_ms);
	}
	info_save(engine, addr, info);
}

void resolve_select_flag(struct resolve *engine, const struct addr *addr, struct server_info *info,
			 enum server_flag flag)
{
	info_refresh(engine, addr, info);
	info->flags |= (uint8_t)flag;
	info_save(engine, addr, info);
}

void resolve_select_cookie(struct resolve *engine, const struct addr *addr, struct server_info *info,
			   const uint8_t *cookie, size_t len)
{
	info_refresh(engine, addr, info);
	info->cookie_len = (uint8_t)len;
	memset(info->cookie, 0, sizeof info->cookie);
	if (cookie != NULL)
		memcpy(info->cookie, cookie, len);
	info_save(engine, addr, info);
}
