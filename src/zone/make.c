// SPDX-License-Identifier: GPL-3.0-or-later
/* Zones that come record by record, and zones as text. */
#include "private.h"

#include <stdlib.h>

struct zone_maker {
	struct zone_builder builder;
};

int zone_maker_new(const uint8_t *apex, const char *source, struct zone_maker **ret)
{
	struct zone_maker *maker = calloc(1, sizeof *maker);
	if (maker == NULL)
		return BANYAN_ENOMEM;
	int rc = zone_builder_init(&maker->builder, apex, source, 0);
	if (rc < 0) {
		zone_maker_free(maker);
		return rc;
	}
	*ret = maker;
	return 0;
}

int zone_maker_add(struct zone_maker *maker, const uint8_t *owner, uint16_t type, uint32_t ttl, const uint8_t *rdata,
		   uint16_t len)
{
	return zone_builder_add(&maker->builder, owner, wire_name_len(owner), type, ttl, rdata, len, 0);
}

int zone_maker_finish(struct zone_maker *maker, struct zone **ret)
{
	int rc = zone_builder_finish(&maker->builder, ret);
	zone_maker_free(maker);
	return rc;
}

void zone_maker_free(struct zone_maker *maker)
{
	if (maker == NULL)
		return;
	zone_builder_done(&maker->builder);
	free(maker);
}

/* Types of which any valid data have a text that is read back as the same. Of others there may be data that no text says: the tag of a
 * CAA can be empty on the wire, and not in a file. */
static bool has_plain_text(uint16_t type)
{
	switch (type) {
	case WIRE_TYPE_A:
	case WIRE_TYPE_AAAA:
	case WIRE_TYPE_NS:
	case WIRE_TYPE_CNAME:
	case WIRE_TYPE_DNAME:
	case WIRE_TYPE_PTR:
	case WIRE_TYPE_MX:
	case WIRE_TYPE_SOA:
	case WIRE_TYPE_TXT:
		return true;
	default:
		return false;
	}
}

static int set_write(const struct wire_rrset *set, uint16_t rclass, struct buffer *out)
{
	bool plain = has_plain_text(set->type);
	int rc = 0;
	for (uint32_t i = 0; i < set->count && rc == 0; i++) {
		const struct wire_rdata *rdata = &set->rdata[i];
		rc = plain ? wire_record_text(set->owner, set->ttl, rclass, set->type, rdata, out)
			   : wire_record_generic(set->owner, set->ttl, rclass, set->type, rdata, out);
		if (rc == 0)
			rc = buffer_append(out, "\n", 1);
	}
	return rc;
}

int zone_write_text(const struct zone *zone, struct buffer *out)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *soa = apex == NULL ? NULL : zone_node_set(zone, apex, WIRE_TYPE_SOA);
	int rc = soa == NULL ? 0 : set_write(soa, zone->rclass, out); /* first, as most programs expect it */
	for (size_t i = 0; i < zone->n_sets && rc == 0; i++)
		if (&zone->set[i] != soa)
			rc = set_write(&zone->set[i], zone->rclass, out);
	return rc;
}
