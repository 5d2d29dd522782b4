// SPDX-License-Identifier: GPL-3.0-or-later
/* Trust anchors: where a chain of trust may start. */
#include "private.h"

#include <stdlib.h>
#include <string.h>

/* The root's KSK-2017 and KSK-2024 as IANA publishes them (root-anchors.xml; Debian's dns-root-data has the same). */
static const uint8_t builtin[][36] = {
	{0x4f, 0x66, 8,    2,    0xe0, 0x6d, 0x44, 0xb8, 0x0b, 0x8f, 0x1d, 0x39, 0xa9, 0x5c, 0x0b, 0x0d, 0x7c, 0x65,
	 0xd0, 0x84, 0x58, 0xe8, 0x80, 0x40, 0x9b, 0xbc, 0x68, 0x34, 0x57, 0x10, 0x42, 0x37, 0xc7, 0xf8, 0xec, 0x8d},
	{0x97, 0x28, 8,    2,    0x68, 0x3d, 0x2d, 0x0a, 0xcb, 0x8c, 0x9b, 0x71, 0x2a, 0x19, 0x48, 0xb2, 0x7f, 0x74,
	 0x12, 0x19, 0x29, 0x8d, 0x0a, 0x45, 0x0d, 0x61, 0x2c, 0x48, 0x3a, 0xf4, 0x44, 0xa4, 0xc0, 0xfb, 0x2b, 0x16},
};

int dnssec_anchors_add(struct dnssec_anchors *anchors, const uint8_t *owner, uint16_t type,
		       const struct wire_rdata *rdata)
{
	if (type != WIRE_TYPE_DS && type != WIRE_TYPE_DNSKEY)
		return BANYAN_EINVAL;
	if (rdata->len < 5 || rdata->len > sizeof anchors->item->rdata)
		return BANYAN_EMALF;
	for (size_t i = 0; i < anchors->count; i++) {
		const struct dnssec_anchor *has = &anchors->item[i];
		if (has->type == type && has->len == rdata->len && memcmp(has->rdata, rdata->data, rdata->len) == 0 &&
		    wire_name_equal(has->owner, owner))
			return 0;
	}
	if (anchors->count >= DNSSEC_ANCHORS_MAX)
		return BANYAN_ELIMIT;
	struct dnssec_anchor *item = reallocarray(anchors->item, anchors->count + 1, sizeof *item);
	if (item == NULL)
		return BANYAN_ENOMEM;
	anchors->item = item;
	struct dnssec_anchor *a = &item[anchors->count];
	memset(a, 0, sizeof *a);
	wire_name_lower(owner, a->owner);
	a->type = type;
	a->len = rdata->len;
	memcpy(a->rdata, rdata->data, rdata->len);
	anchors->count++;
	return 0;
}

int dnssec_anchors_builtin(struct dnssec_anchors *anchors)
{
	for (size_t i = 0; i < ARRAY_SIZE(builtin); i++) {
		struct wire_rdata rdata = {.data = builtin[i], .len = sizeof builtin[i]};
		int rc = dnssec_anchors_add(anchors, (const uint8_t *)"", WIRE_TYPE_DS, &rdata);
		if (rc < 0)
			return rc;
	}
	return 0;
}

void dnssec_anchors_done(struct dnssec_anchors *anchors)
{
	free(anchors->item);
	*anchors = (struct dnssec_anchors){0};
}
