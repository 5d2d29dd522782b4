// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * How fast files are sent: to each client, and in all. Each piece gets the time at which it may go, one behind the other, so that who waits has his
 * turn in the order in which he came and nobody is looked at before it. No clock here.
 */
#include <string.h>

#include "private.h"

#define BURST_US 1000000 /* what was not sent within the last second may be sent at once */

void web_flow_init(struct web_flow *flow, uint64_t each, uint64_t all)
{
	struct random random;
	memset(flow, 0, sizeof *flow);
	flow->each = each;
	flow->all = all;
	random_init_kernel(&random);
	random_bytes(&random, flow->secret, sizeof flow->secret);
}

/* `sent_us`: when all that was given out before is paid at this rate. */
static int64_t turn(int64_t *sent_us, uint64_t rate, size_t bytes, int64_t now_us)
{
	if (*sent_us < now_us)
		*sent_us = now_us;
	*sent_us += (int64_t)(((uint64_t)bytes * 1000000 + rate - 1) / rate);
	int64_t at = *sent_us - BURST_US;
	return at > now_us ? at : now_us;
}

int64_t web_flow_each(struct web_flow *flow, const struct sockaddr *from, size_t bytes, int64_t now_us)
{
	uint8_t key[WEB_KEY_SIZE];
	if (flow->each == 0)
		return now_us;
	web_key(from, key);
	struct web_flow_bucket *bucket = &flow->bucket[hash_quick(key, sizeof key, flow->secret) % WEB_BUCKETS];
	if (memcmp(bucket->key, key, sizeof key) != 0 && bucket->sent_us <= now_us)
		memcpy(bucket->key, key, sizeof key); /* else two share it for a while */
	return turn(&bucket->sent_us, flow->each, bytes, now_us);
}

int64_t web_flow_all(struct web_flow *flow, size_t bytes, int64_t now_us)
{
	return flow->all == 0 ? now_us : turn(&flow->sent_us, flow->all, bytes, now_us);
}
