// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * DNS cookies of the client's side (RFC 7873, RFC 9018 section 3): a server that knows them sends back what nobody off the path
 * can guess. Its own cookie is kept with what else is known of it.
 */
#include "engine.h"

#include <string.h>

#define COOKIE_EPOCH_MS                                                                                                \
	(24 * 3600 * 1000LL) /* RFC 7873 section 7.1: secrets change at least every 36 days, here each day */
#define COOKIE_LEN_MIN 16    /* with the shortest server cookie (RFC 7873 section 4) */
#define COOKIE_LEN_MAX (COOKIE_CLIENT_SIZE + COOKIE_SERVER_MAX)

/* Another one for each server, so that none can be used to follow us or to forge for another. */
static void client_cookie(const struct resolve *engine, const struct addr *server, uint8_t out[COOKIE_CLIENT_SIZE])
{
	uint8_t data[1 + 16 + 8];
	uint64_t epoch = (uint64_t)(engine->wall_ms / COOKIE_EPOCH_MS);
	data[0] = server->family;
	memcpy(data + 1, server->ip, 16);
	memcpy(data + 17, &epoch, sizeof epoch);
	uint64_t hash = hash_sip(data, sizeof data, engine->settings.cookie_secret);
	memcpy(out, &hash, COOKIE_CLIENT_SIZE);
}

/* Server cookies are made for one client cookie, and that has a new epoch now and then. */
static bool has_server_cookie(const struct server_info *info, const uint8_t client[COOKIE_CLIENT_SIZE])
{
	return info->cookie_len > 0 && memcmp(info->cookie, client, COOKIE_CLIENT_SIZE) == 0;
}

size_t resolve_cookie_write(const struct resolve *engine, struct exchange *exchange, const struct server_info *info,
			    uint8_t out[COOKIE_OPTION_MAX])
{
	if (!engine->settings.live.cookies || !exchange->edns)
		return 0;
	size_t len = COOKIE_CLIENT_SIZE;
	client_cookie(engine, &exchange->to, exchange->cookie);
	exchange->has_cookie = true;
	wire_put16(out, WIRE_OPTION_COOKIE);
	memcpy(out + 4, exchange->cookie, COOKIE_CLIENT_SIZE);
	if (has_server_cookie(info, exchange->cookie)) {
		len = info->cookie_len;
		memcpy(out + 4, info->cookie, len);
	}
	wire_put16(out + 2, (uint16_t)len);
	return 4 + len;
}

enum cookie_verdict resolve_cookie_take(struct resolve *engine, const struct exchange *exchange,
					const struct reply *reply, struct cut_target *target)
{
	const uint8_t *cookie = reply->cookie;
	bool whole = reply->cookie_len >= COOKIE_LEN_MIN && reply->cookie_len <= COOKIE_LEN_MAX;
	if (!exchange->has_cookie)
		return COOKIE_FINE;
	if (cookie != NULL && (whole || reply->cookie_len == COOKIE_CLIENT_SIZE)) {
		if (memcmp(cookie, exchange->cookie, COOKIE_CLIENT_SIZE) != 0)
			return exchange->tcp ? COOKIE_FINE : COOKIE_FORGED; /* section 5.3: discarded */
		if (whole && (target->info.cookie_len != reply->cookie_len ||
			      memcmp(target->info.cookie, cookie, reply->cookie_len) != 0))
			resolve_select_cookie(engine, &exchange->to, &target->info, cookie, reply->cookie_len);
		return COOKIE_FINE;
	}
	if (!has_server_cookie(&target->info, exchange->cookie))
		return COOKIE_FINE;
	/* It had cookies, and this may not be it: TCP tells. Servers behind one address that differ lose theirs then. */
	if (!exchange->tcp && !target->uncookied && reply->rcode != WIRE_RCODE_FORMERR &&
	    reply->rcode != WIRE_RCODE_NOTIMP)
		return COOKIE_MISSING;
	resolve_select_cookie(engine, &exchange->to, &target->info, NULL, 0);
	return COOKIE_FINE;
}
