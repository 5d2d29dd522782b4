// SPDX-License-Identifier: GPL-3.0-or-later
/* How often an address may ask: a bucket of tokens each, ten seconds deep. */
#include <netinet/in.h>
#include <string.h>

#include "private.h"

#define DEPTH_MS 10000

void web_rates_init(struct web_rates *rates, uint32_t rate)
{
	struct random random;
	memset(rates, 0, sizeof *rates);
	rates->rate = rate;
	random_init_kernel(&random);
	random_bytes(&random, rates->secret, sizeof rates->secret);
}

/* An IPv6 client is its /64, since that is what one is given (RFC 6177). */
void web_key(const struct sockaddr *from, uint8_t key[WEB_KEY_SIZE])
{
	memset(key, 0, WEB_KEY_SIZE);
	if (from->sa_family == AF_INET6) {
		key[0] = 6;
		memcpy(key + 1, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 8);
	} else if (from->sa_family == AF_INET) {
		key[0] = 4;
		memcpy(key + 1, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
	}
}

bool web_rates_take(struct web_rates *rates, const struct sockaddr *from, int64_t now_ms)
{
	uint8_t key[WEB_KEY_SIZE];
	web_key(from, key);
	struct web_bucket *bucket = &rates->bucket[hash_quick(key, sizeof key, rates->secret) % WEB_BUCKETS];
	if (memcmp(bucket->key, key, sizeof key) != 0 && bucket->full_at <= now_ms)
		memcpy(bucket->key, key, sizeof key); /* else two share it for a while */
	int64_t full_at = bucket->full_at > now_ms ? bucket->full_at : now_ms;
	full_at += 1000 / rates->rate > 0 ? 1000 / rates->rate : 1;
	if (full_at - now_ms > DEPTH_MS)
		return false;
	bucket->full_at = full_at;
	return true;
}
