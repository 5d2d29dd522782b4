// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Says whether a key of the root is trusted here, to who asks by a name (RFC 8509): a name that begins with
 * root-key-sentinel-is-ta-20326 and has addresses is answered as it is when that key is trusted, and with SERVFAIL when not;
 * root-key-sentinel-not-ta-20326 the other way round. Only what is proved counts (section 3.1).
 */
#include "trust.h"

#include <string.h>

#define DIGITS    5
#define IS_LABEL  "root-key-sentinel-is-ta-"
#define NOT_LABEL "root-key-sentinel-not-ta-"
#define IS_LEN    (sizeof IS_LABEL - 1)
#define NOT_LEN   (sizeof NOT_LABEL - 1)

/* The tag that the label asks for, or -1. `name` is in any case. */
static int32_t label_tag(const uint8_t *name, const char *prefix, size_t prefix_len)
{
	int32_t tag = 0;
	if (name[0] != prefix_len + DIGITS)
		return -1;
	for (size_t i = 0; i < prefix_len; i++) {
		uint8_t c = name[1 + i];
		if ((c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c) != prefix[i])
			return -1;
	}
	for (size_t i = 0; i < DIGITS; i++) {
		uint8_t c = name[1 + prefix_len + i];
		if (c < '0' || c > '9')
			return -1;
		tag = tag * 10 + (c - '0');
	}
	return tag <= UINT16_MAX ? tag : -1;
}

static bool is_trusted(const struct resolve *engine, uint16_t tag)
{
	for (size_t i = 0; engine->anchors != NULL && i < engine->anchors->count; i++)
		if (engine->anchors->item[i].owner[0] == 0 && resolve_anchor_tag(&engine->anchors->item[i]) == tag)
			return true;
	return false;
}

void resolve_sentinel(struct resolve *engine, const uint8_t *qname, uint16_t qtype, bool checking_disabled,
		      struct resolve_result *result)
{
	bool asks_is = qname[0] == IS_LEN + DIGITS, asks_not = qname[0] == NOT_LEN + DIGITS;
	if ((!asks_is && !asks_not) || (qtype != WIRE_TYPE_A && qtype != WIRE_TYPE_AAAA))
		return;
	if (!engine->settings.live.sentinel || !engine->settings.validate || checking_disabled || result == NULL ||
	    !result->authentic)
		return;
	int32_t tag = asks_is ? label_tag(qname, IS_LABEL, IS_LEN) : label_tag(qname, NOT_LABEL, NOT_LEN);
	if (tag < 0 || is_trusted(engine, (uint16_t)tag) == asks_is)
		return;
	result->rcode = WIRE_RCODE_SERVFAIL;
	result->reason = REASON_SENTINEL;
	result->detail =
		arena_printf(&engine->step, "key %d of the root is %strusted here", tag, asks_is ? "not " : "");
	result->authentic = false;
	result->n_answer = result->n_authority = result->n_additional = 0;
	counter_add(engine->counters, COUNTER_SENTINELS, 1);
}
