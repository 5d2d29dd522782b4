// SPDX-License-Identifier: GPL-3.0-or-later
/* Negative answers and how long they hold (RFC 2308). */
#include "reply.h"

/* The SOA of the authority section that can speak for `name`. A forwarder's may stand above the zone that it is asked
 * about: it says how long the denial holds and is believed about nothing else. */
static const struct reply_set *negative_soa(const struct reply *reply, const struct ask *ask, const uint8_t *name)
{
	for (unsigned i = 0; i < reply->n_sets; i++) {
		const struct reply_set *set = &reply->set[i];
		if (set->section == WIRE_AUTHORITY && set->type == WIRE_TYPE_SOA && set->count == 1 &&
		    (ask->forward != NULL || resolve_scrub_set(set, ask->zone)) && wire_name_under(name, set->owner))
			return set;
	}
	return NULL;
}

bool resolve_negative_foreign(const struct reply *reply, const struct ask *ask, const uint8_t *name)
{
	bool any = false;
	for (unsigned i = 0; i < reply->n_sets; i++)
		any = any || (reply->set[i].section == WIRE_AUTHORITY && reply->set[i].type == WIRE_TYPE_SOA);
	return any && negative_soa(reply, ask, name) == NULL;
}

/* RFC 2308 section 5: the smaller of the SOA's TTL and its MINIMUM field, within our own limits. Servers send the SOA with that
 * very TTL, so a floor lifts the SOA, too; what is signed comes down again when it is proved (RFC 4035 section 5.3.3). */
static int64_t negative_expiry(struct rrset *soa, const struct reply_set *set, const struct ask *ask, int64_t now_ms)
{
	struct wire_rdata rdata = resolve_rrset_rdata(soa, 0);
	uint32_t ttl = set->ttl;
	if (rdata.len >= 4 && wire_get32(rdata.data + rdata.len - 4) < ttl)
		ttl = wire_get32(rdata.data + rdata.len - 4);
	if (ttl < ask->ttl_negative_min)
		ttl = ask->ttl_negative_min;
	if (ttl > ask->ttl_negative_max)
		ttl = ask->ttl_negative_max;
	int64_t expires_ms = now_ms + (int64_t)ttl * 1000;
	int64_t floor_ms = now_ms + (int64_t)ask->ttl_negative_min * 1000;
	if (soa->expires_ms < floor_ms)
		soa->expires_ms = floor_ms;
	return expires_ms < soa->expires_ms ? expires_ms : soa->expires_ms;
}

static bool is_proof(const struct reply_set *set, const uint8_t *zone)
{
	return set->section == WIRE_AUTHORITY && (set->type == WIRE_TYPE_NSEC || set->type == WIRE_TYPE_NSEC3) &&
	       set->count > 0 && resolve_scrub_set(set, zone);
}

int resolve_negative_take(const struct reply *reply, const struct ask *ask, const struct reply_take *take,
			  struct reading *reading)
{
	const struct reply_set *soa_set = negative_soa(reply, ask, reading->name);
	if (soa_set == NULL)
		return 0;
	const uint8_t *zone = ask->forward != NULL ? soa_set->owner : ask->zone;
	struct rrset *soa = resolve_reply_take(take, soa_set);
	if (soa == NULL)
		return BANYAN_ENOMEM;
	int64_t expires_ms = negative_expiry(soa, soa_set, ask, take->now_ms);
	reading->denial[reading->n_denials++] = soa;
	reading->has_soa = true;
	for (unsigned i = 0; i < reply->n_sets && reading->n_denials < READING_DENIALS_MAX; i++) {
		if (!is_proof(&reply->set[i], zone))
			continue;
		struct rrset *proof = resolve_reply_take(take, &reply->set[i]);
		if (proof == NULL)
			return BANYAN_ENOMEM;
		if (proof->expires_ms < expires_ms)
			expires_ms = proof->expires_ms;
		reading->denial[reading->n_denials++] = proof;
	}
	/* what was said together ends together */
	for (unsigned i = 0; i < reading->n_denials; i++)
		reading->denial[i]->expires_ms = expires_ms;
	return 0;
}
