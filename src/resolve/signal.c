// SPDX-License-Identifier: GPL-3.0-or-later
/* Tells the servers of a zone which of its keys are trusted here, by a question (RFC 8145 section 5): _ta-4f66-9728. NULL */
#include "trust.h"

#include <stdio.h>

#define SIGNAL_TYPE     10 /* NULL */
#define SIGNAL_TAGS_MAX 12 /* "_ta" and as many as one label holds */

/* Tags of what is trusted of the zone, ascending, each once; of more than there is room for, the lowest. */
static unsigned tags_of(const struct resolve *engine, const uint8_t *zone, uint16_t tag[SIGNAL_TAGS_MAX])
{
	unsigned n = 0;
	for (size_t i = 0; engine->anchors != NULL && i < engine->anchors->count; i++) {
		const struct dnssec_anchor *anchor = &engine->anchors->item[i];
		if (!wire_name_equal(anchor->owner, zone))
			continue;
		uint16_t own = resolve_anchor_tag(anchor);
		unsigned at = 0;
		while (at < n && tag[at] < own)
			at++;
		if (at == SIGNAL_TAGS_MAX || (at < n && tag[at] == own))
			continue;
		if (n < SIGNAL_TAGS_MAX)
			n++;
		for (unsigned k = n - 1; k > at; k--)
			tag[k] = tag[k - 1];
		tag[at] = own;
	}
	return n;
}

void resolve_signal_send(struct resolve *engine, const uint8_t *zone)
{
	uint16_t tag[SIGNAL_TAGS_MAX];
	uint8_t name[WIRE_NAME_MAX];
	char label[63 + 1] = "_ta";
	size_t len = 3, zone_len = wire_name_len(zone);
	unsigned n = tags_of(engine, zone, tag);
	for (unsigned i = 0; i < n; i++)
		len += (size_t)snprintf(label + len, sizeof label - len, "-%04x", tag[i]);
	if (n == 0 || 1 + len + zone_len > sizeof name)
		return;
	name[0] = (uint8_t)len;
	for (size_t i = 0; i < len; i++)
		name[1 + i] = (uint8_t)label[i];
	for (size_t i = 0; i < zone_len; i++)
		name[1 + len + i] = zone[i];
	if (resolve_question_anchors(engine, name, SIGNAL_TYPE, false))
		counter_add(engine->counters, COUNTER_KEY_TAG_SIGNALS, 1);
}
