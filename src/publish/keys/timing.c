// SPDX-License-Identifier: GPL-3.0-or-later
/* The intervals of RFC 7583: how long something that was in a zone may still be in a cache. */
#include "private.h"

#define QUERY_MIN_S 3600           /* RFC 5011 section 2.3 */
#define QUERY_MAX_S (15 * 86400LL) /* the same */

/* A TTL for an interval that begins at `since`. */
static int64_t ttl_at(const struct keys_ttl *ttl, int64_t value_s, int64_t since)
{
	int64_t longest = ttl->value_s > value_s ? ttl->value_s : value_s;
	return since < ttl->before_until && ttl->before_s > longest ? ttl->before_s : longest;
}

void keys_ttl_note(struct keys_ttl *ttl, int64_t value_s, int64_t delay_s)
{
	if (value_s < ttl->value_s && (ttl->before_until == 0 || ttl->before_s < ttl->value_s))
		ttl->before_s = ttl->value_s;
	if (value_s < ttl->value_s)
		ttl->before_until = KEYS_NEVER;
	ttl->value_s = value_s;
	ttl->delay_s = delay_s;
}

void keys_ttl_offered(struct keys_ttl *ttl, int64_t now)
{
	if (ttl->before_until == KEYS_NEVER)
		ttl->before_until = now + ttl->delay_s + ttl->before_s;
	else if (ttl->before_until <= now)
		ttl->before_until = ttl->before_s = 0;
}

int64_t keys_interval_keys(const struct keys_state *state, const struct keys_policy *policy, int64_t since)
{
	return policy->propagation_s + ttl_at(&state->dnskey_ttl, policy->dnskey_ttl_s, since) +
	       policy->publish_safety_s;
}

int64_t keys_interval_data(const struct keys_state *state, const struct keys_policy *policy, int64_t since)
{
	return policy->signing_s + policy->propagation_s + ttl_at(&state->data_ttl, policy->data_ttl_s, since) +
	       policy->retire_safety_s;
}

int64_t keys_interval_ds(const struct keys_state *state, const struct keys_policy *policy, int64_t since)
{
	if (policy->trust != KEYS_TRUST_PARENT)
		return policy->retire_safety_s;
	return policy->parent_propagation_s + ttl_at(&state->ds_ttl, policy->ds_ttl_s, since) + policy->retire_safety_s;
}

/* RFC 5011 section 2.3: every half of the TTL or of the signatures' validity, an hour at least and 15 days at most. */
static int64_t query_interval(const struct keys_policy *policy, int64_t ttl_s)
{
	int64_t query_s = (ttl_s < policy->validity_s ? ttl_s : policy->validity_s) / 2;
	if (policy->query_s > 0)
		return policy->query_s;
	return query_s < QUERY_MIN_S ? QUERY_MIN_S : query_s > QUERY_MAX_S ? QUERY_MAX_S : query_s;
}

/* RFC 7583 section 3.3.4, with room for one question that was lost: the resolver asks for the first time after at most one query interval
 * and one that failed, gets a set that a cache between has held for a TTL, holds the key, and asks once more. */
int64_t keys_interval_trust(const struct keys_state *state, const struct keys_policy *policy, int64_t since)
{
	int64_t ttl_s = ttl_at(&state->dnskey_ttl, policy->dnskey_ttl_s, since);
	int64_t hold_s = policy->hold_s > ttl_s ? policy->hold_s : ttl_s; /* RFC 5011 section 2.4.1: the greater one */
	return keys_interval_keys(state, policy, since) + hold_s + 4 * query_interval(policy, ttl_s);
}

/* RFC 5011 section 6.2 asks for the hold-down time, which is policy->revoked_s. Never less than each resolver needs to see it. */
int64_t keys_interval_revoked(const struct keys_state *state, const struct keys_policy *policy, int64_t since)
{
	int64_t ttl_s = ttl_at(&state->dnskey_ttl, policy->dnskey_ttl_s, since);
	int64_t least_s = keys_interval_keys(state, policy, since) + 2 * query_interval(policy, ttl_s);
	return policy->revoked_s > least_s ? policy->revoked_s : least_s;
}
