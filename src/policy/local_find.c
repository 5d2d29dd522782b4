// SPDX-License-Identifier: GPL-3.0-or-later
/* What local zones and data say of a name. */
#include "private.h"

static unsigned zone_kind(const struct policy_data *data)
{
	return data->bytes[0]; /* 0 = no zone, else the kind + 1 */
}

static const struct policy_data *own_data(const struct policy_local *local, uint32_t node)
{
	struct rule rule = names_own(&local->names, node);
	return rule.action == RULE_DATA ? data_at(&local->data, rule.data) : NULL;
}

static bool has_data(const struct policy_data *data)
{
	return data != NULL && policy_data_count(data) > 0;
}

/* The deepest zone at or above the name. DS at its apex belongs to the zone above (RFC 4035 section 3.1.4.1; RFC 8375
 * section 4 asks for just this). */
static const struct policy_data *zone_of(const struct policy_local *local, const struct name_path *path, uint16_t qtype,
					 unsigned *ret_depth)
{
	unsigned depth = path->depth;
	if (qtype == WIRE_TYPE_DS && depth == path->labels && depth > 0)
		depth--;
	for (;; depth--) {
		const struct policy_data *data = own_data(local, path->node[depth]);
		if (data != NULL && zone_kind(data) != 0) {
			*ret_depth = depth;
			return data;
		}
		if (depth == 0)
			return NULL;
	}
}

/* The data that answer for the name: its own, those of a wildcard, or of the apex where a zone redirects. NULL = none. */
static const struct policy_data *answer_of(const struct policy_local *local, const struct name_path *path,
					   const struct policy_data *zone, unsigned zone_depth, bool *ret_wildcard)
{
	*ret_wildcard = false;
	if (zone != NULL && zone_kind(zone) == POLICY_ZONE_REDIRECT + 1)
		return zone;
	if (path->depth == path->labels)
		return own_data(local, path->node[path->depth]);
	/* a wildcard of an outer zone does not reach into an inner one */
	struct rule below = names_below(&local->names, path->node[path->depth]);
	if (below.action != RULE_DATA || (zone != NULL && path->depth < zone_depth))
		return NULL;
	*ret_wildcard = true;
	return data_at(&local->data, below.data);
}

static enum policy_verdict negative(const struct policy_data *zone, const uint8_t *zone_name, enum policy_action action,
				    enum reason reason, struct policy_hit *ret)
{
	ret->action = action;
	ret->reason = reason;
	ret->authoritative = action == POLICY_NXDOMAIN || action == POLICY_NODATA;
	if (ret->authoritative && zone != NULL && policy_data_find(zone, WIRE_TYPE_SOA, &ret->soa))
		ret->soa_owner = zone_name;
	return POLICY_HIT;
}

/* Does the name's data decide? They do for the types that they have, for aliases, and for all types outside of
 * type-transparent zones. */
static bool data_decides(const struct policy_data *data, unsigned kind, uint16_t qtype)
{
	struct policy_set set;
	if (!has_data(data))
		return false;
	if (kind != POLICY_ZONE_TYPE_TRANSPARENT + 1 || qtype == WIRE_TYPE_ANY)
		return true;
	return policy_data_find(data, qtype, &set) || policy_data_find(data, WIRE_TYPE_CNAME, &set);
}

/* What the zone says where no data decide. `exists`: the name or one below it is there. */
static enum policy_verdict zone_says(const struct policy_data *zone, const uint8_t *zone_name, bool exists,
				     struct policy_hit *ret)
{
	switch (zone_kind(zone) - 1) {
	case POLICY_ZONE_STATIC:
		return negative(zone, zone_name, exists ? POLICY_NODATA : POLICY_NXDOMAIN, REASON_LOCAL_DATA, ret);
	case POLICY_ZONE_REFUSE:
		return negative(zone, zone_name, POLICY_REFUSE, REASON_POLICY_BLOCKED, ret);
	case POLICY_ZONE_DROP:
		return negative(zone, zone_name, POLICY_DROP, REASON_POLICY_BLOCKED, ret);
	case POLICY_ZONE_REDIRECT:
		return negative(zone, zone_name, POLICY_NODATA, REASON_LOCAL_DATA, ret);
	case POLICY_ZONE_NODATA:
		return negative(zone, zone_name, POLICY_NODATA, REASON_POLICY_BLOCKED, ret);
	case POLICY_ZONE_NXDOMAIN:
		return negative(zone, zone_name, POLICY_NXDOMAIN, REASON_POLICY_BLOCKED, ret);
	case POLICY_ZONE_INFORM:
		ret->action = POLICY_PASS;
		return POLICY_HIT;
	default:
		return POLICY_NOTHING;
	}
}

enum policy_verdict policy_local_check(const struct policy_local *local, const uint8_t *name, uint16_t qtype,
				       struct policy_hit *ret, bool *ret_zone)
{
	struct name_path path;
	unsigned zone_depth = 0;
	bool wildcard;
	*ret_zone = false;
	names_path(&local->names, name, &path);
	if (path.depth == 0 && path.labels > 0 && names_own(&local->names, 0).action == RULE_NONE &&
	    names_below(&local->names, 0).action == RULE_NONE)
		return POLICY_NOTHING; /* most questions */
	const struct policy_data *zone = zone_of(local, &path, qtype, &zone_depth);
	unsigned kind = zone == NULL ? 0 : zone_kind(zone);
	*ret_zone = zone != NULL;
	const struct policy_data *data = answer_of(local, &path, zone, zone_depth, &wildcard);
	const uint8_t *zone_name = zone == NULL ? NULL : wire_name_skip(name, path.labels - zone_depth);
	*ret = (struct policy_hit){.rule = {.trigger = POLICY_TRIGGER_LOCAL, .zone = zone_name, .name = name}};
	ret->rule.log = kind == POLICY_ZONE_INFORM + 1;
	ret->by_default = zone != NULL && (zone->bytes[1] & DATA_DEFAULT_ZONE) != 0;
	if (wildcard) {
		ret->rule.wildcard = true;
		ret->rule.name = wire_name_skip(name, path.labels - path.depth);
	}
	if (qtype == WIRE_TYPE_DS && path.labels > 0 && path.depth == path.labels && data != NULL && data != zone &&
	    zone_kind(data) != 0)
		data = NULL; /* of the zone below */
	bool always = kind == POLICY_ZONE_NXDOMAIN + 1 || kind == POLICY_ZONE_NODATA + 1;
	if (!always && data_decides(data, kind, qtype)) {
		ret->action = POLICY_DATA;
		ret->reason = REASON_LOCAL_DATA;
		ret->authoritative = true;
		ret->data = data;
		if (zone != NULL && policy_data_find(zone, WIRE_TYPE_SOA, &ret->soa))
			ret->soa_owner = zone_name;
		return POLICY_HIT;
	}
	return zone == NULL ? POLICY_NOTHING : zone_says(zone, zone_name, path.depth == path.labels, ret);
}
