// SPDX-License-Identifier: GPL-3.0-or-later
/* A zone without its signatures and all that was made for them, as if nobody had ever signed it. */
#include "private.h"

#include <string.h>

static bool is_made(const struct wire_rrset *set, bool apex)
{
	switch (set->type) {
	case WIRE_TYPE_RRSIG:
	case WIRE_TYPE_NSEC:
	case WIRE_TYPE_NSEC3:
	case WIRE_TYPE_NSEC3PARAM:
		return true;
	case WIRE_TYPE_DNSKEY:
	case WIRE_TYPE_CDS:
	case WIRE_TYPE_CDNSKEY:
	case WIRE_TYPE_ZONEMD:
		return apex; /* below it they are somebody's data */
	default:
		return false;
	}
}

bool edition_is_word(const struct wire_rdata *txt)
{
	static const char *const words[] = {"edition=", "valid-from=", "valid-until="};
	for (size_t at = 0; at < txt->len; at += 1U + txt->data[at])
		for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
			size_t len = strlen(words[i]);
			if (txt->data[at] >= len && txt->len - at > len &&
			    memcmp(txt->data + at + 1, words[i], len) == 0)
				return true;
		}
	return false;
}

int edition_strip(const struct zone *source, struct zone **ret)
{
	struct zone_maker *maker;
	int rc = zone_maker_new(source->apex, source->source, &maker);
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < source->n_sets && rc == 0; i++) {
		const struct wire_rrset *set = &source->set[i];
		bool apex = wire_name_equal(set->owner, source->apex);
		if (is_made(set, apex))
			continue;
		for (uint32_t r = 0; r < set->count && rc == 0; r++)
			if (!apex || set->type != WIRE_TYPE_TXT || !edition_is_word(&set->rdata[r]))
				rc = edition_add(maker, set, r, set->ttl);
	}
	if (rc < 0) {
		zone_maker_free(maker);
		return rc;
	}
	return zone_maker_finish(maker, ret);
}

int edition_add(struct zone_maker *maker, const struct wire_rrset *set, uint32_t index, uint32_t ttl)
{
	return zone_maker_add(maker, set->owner, set->type, ttl, set->rdata[index].data, set->rdata[index].len);
}
