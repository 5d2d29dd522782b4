// SPDX-License-Identifier: GPL-3.0-or-later
/* What may be believed from whom: a server speaks for the zone that it was asked about, and for nothing else. */
#include "forward.h"
#include "reply.h"

bool resolve_scrub_set(const struct reply_set *set, const uint8_t *zone)
{
	return wire_name_under(set->owner, zone);
}

bool resolve_scrub_speaks(const struct ask *ask, const uint8_t *name)
{
	if (ask->forward == NULL)
		return wire_name_under(name, ask->zone);
	return wire_name_equal(name, ask->qname) ||
	       resolve_forward_find(ask->forwards, name, ask->qtype, FORWARD_LABELS_ANY) == ask->forward;
}

const struct reply_set *resolve_scrub_referral(const struct reply *reply, const uint8_t *zone, const uint8_t *name)
{
	unsigned depth = wire_name_labels(zone);
	for (unsigned i = 0; i < reply->n_sets; i++) {
		const struct reply_set *set = &reply->set[i];
		if (set->section != WIRE_AUTHORITY || set->type != WIRE_TYPE_NS || set->count == 0)
			continue;
		if (wire_name_under(set->owner, zone) && wire_name_labels(set->owner) > depth &&
		    wire_name_under(name, set->owner))
			return set;
	}
	return NULL;
}

bool resolve_scrub_upward(const struct reply *reply, const uint8_t *zone)
{
	for (unsigned i = 0; i < reply->n_sets; i++) {
		const struct reply_set *set = &reply->set[i];
		if (set->section == WIRE_AUTHORITY && set->type == WIRE_TYPE_NS &&
		    (wire_name_under(zone, set->owner) || !wire_name_under(set->owner, zone)))
			return true;
	}
	return false;
}

bool resolve_scrub_glue(const struct reply_set *set, const uint8_t *server, const uint8_t *zone)
{
	return set->section == WIRE_ADDITIONAL && (set->type == WIRE_TYPE_A || set->type == WIRE_TYPE_AAAA) &&
	       set->count > 0 && wire_name_equal(set->owner, server) && wire_name_under(set->owner, zone);
}
