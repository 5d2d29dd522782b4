// SPDX-License-Identifier: GPL-3.0-or-later
/* The NSEC chain (RFC 4034 section 4), and the type bitmaps that NSEC and NSEC3 share. */
#include "private.h"

#include <stdio.h>
#include <string.h>

static void bitmap_set(uint8_t bits[32], unsigned *last, uint16_t type)
{
	bits[(type & 0xff) / 8] |= (uint8_t)(0x80 >> (type & 7));
	*last = (type & 0xffU) / 8;
}

/* RFC 4034 section 4.1.2, RFC 4035 section 2.3: at a delegation only what the parent has authority over. */
size_t check_bitmap(const struct check *c, const struct check_name *name, uint8_t map[BITMAP_MAX])
{
	size_t len = 0;
	unsigned last = 0;
	int window = -1;
	uint16_t previous = 0;
	for (size_t s = name->first; s < name->first + name->count; s++) {
		struct wire_rrset set;
		check_set(c, s, &set);
		if ((name->flags & NAME_CUT) != 0 && set.type != WIRE_TYPE_NS && set.type != WIRE_TYPE_DS &&
		    set.type != WIRE_TYPE_NSEC && set.type != WIRE_TYPE_RRSIG)
			continue;
		if (window >= 0 && set.type == previous)
			continue; /* RRSIGs stand as several sets */
		previous = set.type;
		if (set.type >> 8 != window) {
			if (window >= 0) {
				map[len + 1] = (uint8_t)(last + 1);
				len += last + 3;
			}
			window = set.type >> 8;
			map[len] = (uint8_t)window;
			memset(map + len + 2, 0, 32);
		}
		bitmap_set(map + len + 2, &last, set.type);
	}
	if (window >= 0) {
		map[len + 1] = (uint8_t)(last + 1);
		len += last + 3;
	}
	return len;
}

/* Types of one map that the other lacks, as words. */
static void bitmap_differences(const uint8_t *a, size_t a_len, const uint8_t *b, size_t b_len, char *out, size_t size)
{
	size_t used = 0;
	out[0] = '\0';
	for (unsigned type = 0; type <= UINT16_MAX; type++) {
		char text[16];
		if (!wire_bitmap_has(a, a_len, (uint16_t)type) || wire_bitmap_has(b, b_len, (uint16_t)type))
			continue;
		if (used + 20 >= size)
			return;
		used += (size_t)snprintf(out + used, size - used, " %s", wire_type_text((uint16_t)type, text));
	}
}

void check_bitmap_compare(struct check *c, const uint8_t *owner, uint16_t type, size_t index, const uint8_t *is,
			  size_t is_len, const uint8_t *must, size_t must_len)
{
	char extra[80], lacks[80];
	if (wire_name_equal(owner, c->in->apex) && wire_bitmap_count(is, is_len) >= 0) {
		bool claims = wire_bitmap_has(is, is_len, WIRE_TYPE_ZONEMD);
		c->apex_claims_zonemd |= claims;
		c->apex_denies_zonemd |= !claims && c->state[index] == SET_GOOD;
		if (claims && c->zonemd == NO_INDEX)
			check_report(c, true, REASON_ZONEMD_STRIPPED, owner, type, index,
				     "its %s lists the type ZONEMD", type == WIRE_TYPE_NSEC ? "NSEC" : "NSEC3");
	}
	if (is_len == must_len && memcmp(is, must, is_len) == 0)
		return;
	if (wire_bitmap_count(is, is_len) < 0) {
		check_report(c, true, REASON_NSEC_BITMAP_WRONG, owner, type, index, "the bitmap is malformed");
		return;
	}
	bitmap_differences(is, is_len, must, must_len, extra, sizeof extra);
	bitmap_differences(must, must_len, is, is_len, lacks, sizeof lacks);
	check_report(c, true, REASON_NSEC_BITMAP_WRONG, owner, type, index, "%s%s%s%s%s",
		     extra[0] != '\0' ? "it says that there is" : "", extra,
		     extra[0] != '\0' && lacks[0] != '\0' ? ", and " : "", lacks[0] != '\0' ? "it lacks" : "", lacks);
}

/* One NSEC record: next name, bitmap. */
static void nsec_one(struct check *c, const struct check_name *name, const struct check_name *next)
{
	struct wire_rrset set;
	char text[WIRE_NAME_TEXT_MAX], want[WIRE_NAME_TEXT_MAX];
	uint8_t map[BITMAP_MAX];
	size_t index = name->first;
	while (check_set(c, index, &set), set.type != WIRE_TYPE_NSEC)
		index++;
	if (set.count != 1) {
		check_report(c, true, REASON_NSEC_CHAIN_BROKEN, name->owner, set.type, index,
			     "the name has %u NSEC records", set.count);
		return;
	}
	const struct wire_rdata *rdata = &set.rdata[0];
	int len = wire_name_check(rdata->data, rdata->len);
	if (len < 0) {
		check_report(c, true, REASON_NSEC_CHAIN_BROKEN, name->owner, set.type, index,
			     "the next name cannot be read");
		return;
	}
	if (!wire_name_equal(rdata->data, next->owner))
		check_report(c, true, REASON_NSEC_CHAIN_BROKEN, name->owner, set.type, index,
			     "the next name is %.100s, and must be %.100s", wire_name_text(rdata->data, text),
			     wire_name_text(next->owner, want));
	check_bitmap_compare(c, name->owner, set.type, index, rdata->data + len, rdata->len - (size_t)len, map,
			     check_bitmap(c, name, map));
}

void check_nsec(struct check *c)
{
	const struct check_name *previous = NULL, *first = NULL;
	for (size_t i = 0; i < c->n_names; i++) {
		const struct check_name *name = &c->name[i];
		if (!name_authoritative(name)) {
			if ((name->flags & NAME_HAS_NSEC) != 0)
				check_report(c, true, REASON_NSEC_CHAIN_BROKEN, name->owner, WIRE_TYPE_NSEC,
					     name->first, "an NSEC stands at a name below a delegation");
			continue;
		}
		if ((name->flags & NAME_HAS_NSEC) == 0) {
			check_report(c, true, REASON_NSEC_MISSING, name->owner, WIRE_TYPE_NSEC, name->first,
				     "the name has no NSEC");
			continue;
		}
		if (previous != NULL)
			nsec_one(c, previous, name);
		else
			first = name;
		previous = name;
	}
	if (previous == NULL)
		return;
	nsec_one(c, previous, first);
	if ((first->flags & NAME_APEX) == 0)
		check_report(c, true, REASON_NSEC_CHAIN_BROKEN, first->owner, WIRE_TYPE_NSEC, first->first,
			     "the chain does not begin at the apex");
}
