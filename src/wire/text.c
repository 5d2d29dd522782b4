// SPDX-License-Identifier: GPL-3.0-or-later
/* Types, classes, RCODEs and records in presentation form. */
#include "wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libknot/descriptor.h>
#include <libknot/rrset-dump.h>

const char *wire_type_text(uint16_t type, char out[16])
{
	if (knot_rrtype_to_string(type, out, 16) < 0)
		snprintf(out, 16, "TYPE%u", type);
	return out;
}

bool wire_type_known(uint16_t type)
{
	return knot_get_rdata_descriptor(type)->type_name != NULL;
}

int wire_type_parse(const char *text)
{
	uint16_t type;
	return knot_rrtype_from_string(text, &type) == 0 ? type : BANYAN_EINVAL;
}

const char *wire_rcode_text(uint16_t rcode)
{
	static const char *const names[] = {"NOERROR",  "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED",
					    "YXDOMAIN", "YXRRSET", "NXRRSET",  "NOTAUTH",  "NOTZONE"};
	static _Thread_local char other[16];
	if (rcode < ARRAY_SIZE(names))
		return names[rcode];
	if (rcode == WIRE_RCODE_BADVERS)
		return "BADVERS";
	if (rcode == WIRE_RCODE_BADCOOKIE)
		return "BADCOOKIE";
	snprintf(other, sizeof other, "RCODE%u", rcode);
	return other;
}

const char *wire_class_text(uint16_t rclass)
{
	static _Thread_local char other[16];
	switch (rclass) {
	case WIRE_CLASS_IN:
		return "IN";
	case WIRE_CLASS_CH:
		return "CH";
	case WIRE_CLASS_NONE:
		return "NONE";
	case WIRE_CLASS_ANY:
		return "ANY";
	default:
		snprintf(other, sizeof other, "CLASS%u", rclass);
		return other;
	}
}

/* RFC 3597 section 5: "\# length hex", which every reader understands. */
static int rdata_generic(const struct wire_rdata *rdata, struct buffer *out)
{
	int rc = buffer_printf(out, "\\# %u%s", rdata->len, rdata->len > 0 ? " " : "");
	for (unsigned i = 0; rc == 0 && i < rdata->len; i++)
		rc = buffer_printf(out, "%02X", rdata->data[i]);
	return rc;
}

int wire_rdata_text(uint16_t type, const struct wire_rdata *rdata, struct buffer *out)
{
	if (wire_rdata_check(rdata->data, rdata->len, type) < 0)
		return rdata_generic(rdata, out);
	/* libknot wants the data inside an RRset of its own */
	uint8_t space[256 + 16], *mem = NULL;
	size_t need = knot_rdata_size(rdata->len);
	knot_rdata_t *copy = (knot_rdata_t *)space;
	if (need > sizeof space) {
		mem = malloc(need);
		if (mem == NULL)
			return BANYAN_ENOMEM;
		copy = (knot_rdata_t *)mem;
	}
	knot_rdata_init(copy, rdata->len, rdata->data);
	knot_rrset_t set;
	knot_rrset_init(&set, (knot_dname_t *)"", type, KNOT_CLASS_IN, 0);
	set.rrs.count = 1;
	set.rrs.size = (uint32_t)need;
	set.rrs.rdata = copy;
	int rc = 0, n = -1;
	/* the text is at most some five times the data (escapes \DDD, quotes, blanks) */
	size_t room = 512 + (size_t)rdata->len * 6;
	rc = buffer_reserve(out, room);
	if (rc == 0) {
		n = knot_rrset_txt_dump_data(&set, 0, (char *)out->data + out->len, out->cap - out->len,
					     &KNOT_DUMP_STYLE_DEFAULT);
		if (n >= 0)
			out->len += (size_t)n;
		else
			rc = rdata_generic(rdata, out);
	}
	free(mem);
	return rc;
}

static int record_head(const uint8_t *owner, uint32_t ttl, uint16_t rclass, const char *type, struct buffer *out)
{
	char name[WIRE_NAME_TEXT_MAX];
	return buffer_printf(out, "%s %u %s %s ", wire_name_text(owner, name), ttl, wire_class_text(rclass), type);
}

int wire_record_text(const uint8_t *owner, uint32_t ttl, uint16_t rclass, uint16_t type, const struct wire_rdata *rdata,
		     struct buffer *out)
{
	char type_name[16];
	int rc = record_head(owner, ttl, rclass, wire_type_text(type, type_name), out);
	return rc < 0 ? rc : wire_rdata_text(type, rdata, out);
}

int wire_record_generic(const uint8_t *owner, uint32_t ttl, uint16_t rclass, uint16_t type,
			const struct wire_rdata *rdata, struct buffer *out)
{
	char type_name[16];
	snprintf(type_name, sizeof type_name, "TYPE%u", type);
	int rc = record_head(owner, ttl, rclass, type_name, out);
	return rc < 0 ? rc : rdata_generic(rdata, out);
}
