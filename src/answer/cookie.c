// SPDX-License-Identifier: GPL-3.0-or-later
/* DNS cookies of the server's side: RFC 7873, with the server cookies of RFC 9018, which a fleet can share. */
#include "private.h"

#include <string.h>

#define CLIENT_SIZE 8
#define SERVER_SIZE 16   /* version, three reserved bytes, time, hash */
#define AGE_MAX_S   3600 /* RFC 9018 section 4.3: older ones are not accepted, */
#define AHEAD_MAX_S 300  /* nor those from so far in the future; */
#define AGE_RENEW_S 1800 /* and from half that age on the client gets a new one */
#define VERSION     1
#define HASHED_MAX  (CLIENT_SIZE + 8 + 16)

/* RFC 9018 section 4.4: SipHash-2-4 over client cookie, version, reserved, time and the client's address. */
static void cookie_hash(const uint8_t *cookie, const struct addr *peer, const uint8_t secret[16], uint8_t out[8])
{
	uint8_t data[HASHED_MAX];
	size_t ip = peer->family == 4 ? 4 : 16;
	memcpy(data, cookie, CLIENT_SIZE + 8);
	memcpy(data + CLIENT_SIZE + 8, peer->ip, ip);
	uint64_t hash = hash_sip(data, CLIENT_SIZE + 8 + ip, secret);
	for (unsigned i = 0; i < 8; i++)
		out[i] = (uint8_t)(hash >> (8 * i));
}

static bool same(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t differ = 0; /* in constant time */
	for (size_t i = 0; i < len; i++)
		differ |= (uint8_t)(a[i] ^ b[i]);
	return differ == 0;
}

int cookie_check(const struct answer_cookies *cookies, const uint8_t *cookie, size_t len, const struct addr *peer,
		 int64_t now_s)
{
	if (len != CLIENT_SIZE + SERVER_SIZE || cookie[CLIENT_SIZE] != VERSION)
		return -1;
	int32_t age = (int32_t)((uint32_t)now_s - wire_get32(cookie + CLIENT_SIZE + 4)); /* RFC 1982 arithmetic */
	if (age > AGE_MAX_S || age < -AHEAD_MAX_S)
		return -1;
	for (unsigned i = 0; i < cookies->n_secrets; i++) {
		uint8_t hash[8];
		cookie_hash(cookie, peer, cookies->secret[i], hash);
		if (same(hash, cookie + CLIENT_SIZE + 8, 8))
			return i == 0 && age < AGE_RENEW_S ? 1 : 0;
	}
	return -1;
}

void cookie_make(const struct answer_cookies *cookies, const uint8_t *client, const struct addr *peer, int64_t now_s,
		 uint8_t out[ANSWER_COOKIE_SIZE])
{
	memcpy(out, client, CLIENT_SIZE);
	out[CLIENT_SIZE] = VERSION;
	memset(out + CLIENT_SIZE + 1, 0, 3);
	wire_put32(out + CLIENT_SIZE + 4, (uint32_t)now_s);
	cookie_hash(out, peer, cookies->secret[0], out + CLIENT_SIZE + 8);
}

void reply_take_cookie(struct reply *reply)
{
	const struct answer_cookies *cookies = &reply->view->cookies;
	const struct wire_edns *edns = &reply->question->edns;
	if (edns->cookie == NULL || cookies->n_secrets == 0)
		return;
	const struct addr *peer = &reply->request->peer;
	int64_t now_s = clock_wall_s();
	int good = cookie_check(cookies, edns->cookie, edns->cookie_len, peer, now_s);
	reply->has_cookie = true;
	reply->cookie_valid = good >= 0;
	if (good == 1)
		memcpy(reply->cookie, edns->cookie, ANSWER_COOKIE_SIZE);
	else
		cookie_make(cookies, edns->cookie, peer, now_s, reply->cookie);
}

bool answer_cookie_good(const struct answer_view *view, const struct wire_question *question, const struct addr *peer)
{
	const struct wire_edns *edns = &question->edns;
	return edns->cookie != NULL && view->cookies.n_secrets > 0 &&
	       cookie_check(&view->cookies, edns->cookie, edns->cookie_len, peer, clock_wall_s()) >= 0;
}
