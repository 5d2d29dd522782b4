// SPDX-License-Identifier: GPL-3.0-or-later
/* The names of class CHAOS by which a server tells who it is. */
#include "private.h"

#include <string.h>

static const struct {
	const char *name;
	bool version;
} chaos_names[] = {
	{"\2id\6server", false},
	{"\10hostname\4bind", false},
	{"\7version\6server", true},
	{"\7version\4bind", true},
};

static const char *chaos_text(const struct reply *reply)
{
	for (size_t i = 0; i < ARRAY_SIZE(chaos_names); i++)
		if (wire_name_equal(reply->question->lower, (const uint8_t *)chaos_names[i].name))
			return chaos_names[i].version ? reply->view->version : reply->view->identity;
	return NULL;
}

size_t reply_chaos(struct reply *reply)
{
	const char *text = chaos_text(reply);
	if (text == NULL || *text == '\0') {
		reply->rcode = WIRE_RCODE_REFUSED; /* RFC 4892 section 3: an operator may hide it */
		return reply_bare(reply);
	}
	size_t pos = reply_bare(reply), len = strnlen(text, ANSWER_NSID_MAX);
	uint8_t *out = reply->request->out;
	if (reply->question->qtype != WIRE_TYPE_TXT && reply->question->qtype != WIRE_TYPE_ANY)
		return pos;
	if (pos + 13 + len > reply->max) {
		wire_put16(out + 2, wire_get16(out + 2) | WIRE_TC);
		return pos;
	}
	uint8_t *p = out + pos;
	wire_put16(p, 0xc000 | WIRE_HEADER_SIZE);
	wire_put16(p + 2, WIRE_TYPE_TXT);
	wire_put16(p + 4, WIRE_CLASS_CH);
	wire_put32(p + 6, 0); /* RFC 4892 section 2: not to be cached */
	wire_put16(p + 10, (uint16_t)(len + 1));
	p[12] = (uint8_t)len;
	memcpy(p + 13, text, len);
	wire_put16(out + 2, wire_get16(out + 2) | WIRE_AA);
	wire_put16(out + 6, 1);
	return pos + 13 + len;
}
