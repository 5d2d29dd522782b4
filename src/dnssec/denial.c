// SPDX-License-Identifier: GPL-3.0-or-later
/* What does not exist: the questions a resolver asks of proved NSEC and NSEC3 records. */
#include "message.h"

bool bitmap_is_cut(const uint8_t *map, size_t len)
{
	return wire_bitmap_has(map, len, WIRE_TYPE_NS) && !wire_bitmap_has(map, len, WIRE_TYPE_SOA);
}

bool bitmap_denies(const uint8_t *map, size_t len, uint16_t type, bool root)
{
	/* a CNAME would have answered (RFC 6840 section 4.3) */
	if (wire_bitmap_has(map, len, type) || wire_bitmap_has(map, len, WIRE_TYPE_CNAME))
		return false;
	/* only the parent knows of a DS (RFC 6840 section 4.4); the root has none */
	if (type == WIRE_TYPE_DS)
		return root || !wire_bitmap_has(map, len, WIRE_TYPE_SOA);
	/* and of what is at a delegation it knows nothing else (section 4.1) */
	if (bitmap_is_cut(map, len))
		return false;
	if (type != WIRE_TYPE_ANY)
		return true;
	/* nothing at all but what proves it */
	int types = wire_bitmap_count(map, len);
	static const uint16_t own[] = {WIRE_TYPE_RRSIG, WIRE_TYPE_NSEC, TYPE_NXNAME};
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		types -= wire_bitmap_has(map, len, own[i]);
	return types == 0;
}

/* false: the name is outside the zone, nothing can be said */
static bool call_begin(struct denial_call *call, const struct dnssec_policy *policy, struct dnssec_budget *budget,
		       const struct dnssec_denial *denial, const uint8_t *name)
{
	*call = (struct denial_call){.policy = policy,
				     .budget = budget,
				     .denial = denial,
				     .name = name,
				     .labels = wire_name_labels(name),
				     .zone_labels = wire_name_labels(denial->zone)};
	return wire_name_under(name, denial->zone);
}

int dnssec_deny_name(const struct dnssec_policy *policy, struct dnssec_budget *budget,
		     const struct dnssec_denial *denial, const uint8_t *name, bool *ret_compact,
		     enum dnssec_denied *ret)
{
	struct denial_call call;
	enum dnssec_denied denied = DNSSEC_DENIED_NOT;
	bool compact = false;
	int rc = 0;
	if (call_begin(&call, policy, budget, denial, name)) {
		denied = nsec_deny_name(&call, &compact);
		if (denied == DNSSEC_DENIED_NOT)
			rc = nsec3_deny_name(&call, &denied);
	}
	if (rc < 0)
		return rc;
	if (ret_compact != NULL)
		*ret_compact = compact;
	*ret = denied;
	return 0;
}

int dnssec_deny_type(const struct dnssec_policy *policy, struct dnssec_budget *budget,
		     const struct dnssec_denial *denial, const uint8_t *name, uint16_t type, enum dnssec_denied *ret)
{
	struct denial_call call;
	enum dnssec_denied denied = DNSSEC_DENIED_NOT;
	int rc = 0;
	bool inside = call_begin(&call, policy, budget, denial, name);
	/* of a DS the parent speaks, and the root has no parent */
	if (inside && (type != WIRE_TYPE_DS || call.labels > call.zone_labels || call.labels == 0)) {
		denied = nsec_deny_type(&call, type);
		if (denied == DNSSEC_DENIED_NOT)
			rc = nsec3_deny_type(&call, type, &denied);
	}
	if (rc == 0)
		*ret = denied;
	return rc;
}

int dnssec_deny_closer(const struct dnssec_policy *policy, struct dnssec_budget *budget,
		       const struct dnssec_denial *denial, const uint8_t *name, uint8_t labels, enum dnssec_denied *ret)
{
	struct denial_call call;
	enum dnssec_denied denied = DNSSEC_DENIED_NOT;
	int rc = 0;
	if (call_begin(&call, policy, budget, denial, name) && labels < call.labels && labels >= call.zone_labels) {
		denied = nsec_deny_closer(&call, labels);
		if (denied == DNSSEC_DENIED_NOT)
			rc = nsec3_deny_closer(&call, labels, &denied);
	}
	if (rc == 0)
		*ret = denied;
	return rc;
}

int dnssec_deny_ds(const struct dnssec_policy *policy, struct dnssec_budget *budget, const struct dnssec_denial *denial,
		   const uint8_t *name, bool *ret_cut, enum dnssec_denied *ret)
{
	struct denial_call call;
	enum dnssec_denied denied = DNSSEC_DENIED_NOT;
	bool cut = false;
	int rc = 0;
	/* the zone's own apex is the parent's matter */
	if (call_begin(&call, policy, budget, denial, name) && call.labels > call.zone_labels) {
		denied = nsec_deny_ds(&call, &cut);
		if (denied == DNSSEC_DENIED_NOT)
			rc = nsec3_deny_ds(&call, &cut, &denied);
	}
	if (rc < 0)
		return rc;
	*ret_cut = cut;
	*ret = denied;
	return 0;
}
