// SPDX-License-Identifier: GPL-3.0-or-later
/* How often: questions of one client to the resolver, replies to one network (response rate limiting); and how much at once. */
#include "private.h"
#include "rates.h"

#include <string.h>

#define CLIENT_BITS_V6 56 /* what one client is given at most (RFC 6177) */
#define KEY_FIXED      18 /* kind, family, address */

enum kind { KIND_CLIENT, KIND_REPLY, KIND_PULSE };

/* Writes the network that an address belongs to. */
static void key_address(uint8_t *key, const struct addr *addr, unsigned bits_v4, unsigned bits_v6)
{
	unsigned bits = addr->family == 4 ? bits_v4 : bits_v6;
	key[0] = addr->family;
	memset(key + 1, 0, 16);
	memcpy(key + 1, addr->ip, bits / 8);
	if (bits % 8 != 0)
		key[1 + bits / 8] = (uint8_t)(addr->ip[bits / 8] & 0xff << (8 - bits % 8));
}

enum limit limit_client(const struct reply *reply)
{
	const struct answer_request *request = reply->request;
	const struct answer_limits *limits = &reply->view->limits;
	struct rate rate = {.per_s = limits->client_rate};
	uint8_t key[KEY_FIXED] = {KIND_CLIENT};
	if (rate.per_s == 0 || request->rates == NULL || view_has(&limits->client_exempt, &request->peer))
		return LIMIT_PASS;
	key_address(key + 1, &request->peer, 32, CLIENT_BITS_V6);
	uint32_t refused = rates_take(request->rates, key, sizeof(key), &rate, request->now_ms);
	if (refused == 0)
		return LIMIT_PASS;
	return refused % ANSWER_CLIENT_SLIP == 0 ? LIMIT_SLIP : LIMIT_DROP;
}

/* Answers are counted by name, so that one name's flood leaves others alone; what an attacker can have by many names
 * (denials, referrals, expanded wildcards) by zone; errors by client alone. */
enum limit limit_reply(const struct reply *reply)
{
	const struct answer_request *request = reply->request;
	const struct answer_limits *limits = &reply->view->limits;
	struct rate rate = {.per_s = limits->rrl[reply->class], .window_s = limits->rrl_window_s};
	uint8_t key[KEY_FIXED + 1 + WIRE_NAME_MAX];
	if (rate.per_s == 0 || request->rates == NULL || request->tcp || reply->cookie_valid || reply->unlimited ||
	    view_has(&limits->rrl_exempt, &request->peer))
		return LIMIT_PASS;
	key[0] = KIND_REPLY;
	key_address(key + 1, &request->peer, limits->rrl_ipv4_bits, limits->rrl_ipv6_bits);
	key[KEY_FIXED] = (uint8_t)reply->class;
	size_t len = KEY_FIXED + 1;
	if (reply->limit_name != NULL)
		len += wire_name_lower(reply->limit_name, key + len);
	uint32_t refused = rates_take(request->rates, key, len, &rate, request->now_ms);
	if (refused == 0)
		return LIMIT_PASS;
	if (limits->rrl_leak > 0 && refused % limits->rrl_leak == 0)
		return LIMIT_LEAK;
	return limits->rrl_slip > 0 && refused % limits->rrl_slip == 0 ? LIMIT_SLIP : LIMIT_DROP;
}

/* ---- pulses ----
 * Whoever asks under the address of somebody else, for names whose servers are his, can hold all answers back and let them come
 * at once (DNSBomb, CVE-2024-33655). So the replies that had to wait are spread. Each question brings the bytes of its own reply,
 * so who asks evenly is answered evenly, however much that is; what has gathered goes out at the rate of the bucket. */

static bool pulse_key(const struct answer_view *view, const struct answer_pending *pending, const struct addr *peer,
		      uint8_t key[KEY_FIXED])
{
	if (view->limits.client_pulse == 0 || pending->tcp || pending->proved ||
	    view_has(&view->limits.client_exempt, peer))
		return false;
	key[0] = KIND_PULSE;
	key_address(key + 1, peer, 32, CLIENT_BITS_V6);
	return true;
}

static struct pace pulse_pace(const struct answer_view *view)
{
	uint32_t bytes = view->limits.client_pulse;
	return (struct pace){.bytes = bytes, .per_s = bytes * ANSWER_PULSES_PER_S, .wait_max_ms = ANSWER_PULSE_WAIT_MS};
}

void pulse_begin(const struct answer_view *view, struct answer_rates *rates, const struct answer_pending *pending,
		 const struct addr *peer, int64_t now_ms)
{
	uint8_t key[KEY_FIXED];
	struct pace pace = pulse_pace(view);
	if (rates != NULL && pulse_key(view, pending, peer, key))
		rates_grant(rates, key, sizeof(key), &pace, pending->udp_size, now_ms);
}

int64_t pulse_wait_ms(const struct answer_view *view, struct answer_rates *rates, const struct answer_pending *pending,
		      const struct addr *peer, size_t len, int64_t now_ms)
{
	uint8_t key[KEY_FIXED];
	struct pace pace = pulse_pace(view);
	if (rates == NULL || !pulse_key(view, pending, peer, key))
		return 0;
	return rates_pace(rates, key, sizeof(key), &pace, (uint32_t)len, now_ms);
}
