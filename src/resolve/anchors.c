// SPDX-License-Identifier: GPL-3.0-or-later
/* Where chains of trust begin (anchors, the proved root) and where they end by order (RFC 7646). */
#include "trust.h"

struct dnssec_policy resolve_policy(const struct resolve *engine)
{
	return (struct dnssec_policy){.now = engine->wall_ms / 1000,
				      .refuse_sha1 = engine->settings.live.refuse_sha1,
				      .refuse_sha1_digest = engine->settings.live.refuse_sha1_digest,
				      .nsec3_iterations_max = engine->settings.live.nsec3_iterations_max,
				      .skew_s = engine->settings.signature_skew_s};
}

uint16_t resolve_anchor_tag(const struct dnssec_anchor *anchor)
{
	return anchor->type == WIRE_TYPE_DS ? wire_get16(anchor->rdata) : dnssec_key_tag(anchor->rdata, anchor->len);
}

void resolve_anchors_sync(struct resolve *engine)
{
	struct resolve_anchors *shared = engine->settings.shared_anchors;
	if (shared == NULL) {
		engine->anchors = engine->settings.anchors;
		return;
	}
	if (!resolve_keyring_copy(shared, &engine->anchors_version, &engine->own_anchors))
		return;
	engine->anchors = &engine->own_anchors;
	resolve_trust_forget(engine);
	for (size_t i = 0; i < engine->own_anchors.count; i++)
		resolve_cache_drop_trust(engine->cache, engine->own_anchors.item[i].owner);
}

/* Takes the closer one. */
static void consider(const uint8_t *name, const uint8_t *anchor, enum anchor_scope scope, enum anchor_scope *best,
		     unsigned *best_labels)
{
	unsigned labels = wire_name_labels(anchor);
	if (!wire_name_under(name, anchor) || (*best != ANCHOR_NONE && labels < *best_labels))
		return;
	/* at one and the same name the negative one holds */
	if (*best == ANCHOR_NEGATIVE && labels == *best_labels)
		return;
	*best = scope;
	*best_labels = labels;
}

enum anchor_scope resolve_anchor_scope(const struct resolve *engine, const uint8_t *name, unsigned *ret_labels)
{
	const struct resolve_negatives *negatives = engine->negatives;
	enum anchor_scope best = engine->root != NULL ? ANCHOR_POSITIVE : ANCHOR_NONE;
	unsigned labels = 0;
	for (size_t i = 0; engine->anchors != NULL && i < engine->anchors->count; i++)
		consider(name, engine->anchors->item[i].owner, ANCHOR_POSITIVE, &best, &labels);
	for (size_t i = 0; negatives != NULL && i < negatives->n; i++)
		if (negatives->item[i].until_s > engine->wall_ms / 1000)
			consider(name, negatives->item[i].name, ANCHOR_NEGATIVE, &best, &labels);
	const struct forward *via = resolve_forward_find(engine->forwards, name, 0, FORWARD_LABELS_ANY);
	if (via != NULL && via->insecure)
		consider(name, via->zone, ANCHOR_NEGATIVE, &best, &labels);
	*ret_labels = labels;
	return best;
}

bool resolve_anchor_negative(const struct resolve *engine, const uint8_t *name, uint16_t type, int64_t *ret_until_ms)
{
	const struct resolve_negatives *negatives = engine->negatives;
	unsigned labels;
	if (type == WIRE_TYPE_DS && name[0] != 0)
		name = wire_name_skip(name, 1); /* what the parent says of the name is not meant */
	if (negatives == NULL || negatives->n == 0 || resolve_anchor_scope(engine, name, &labels) != ANCHOR_NEGATIVE)
		return false;
	int64_t until_ms = INT64_MAX;
	for (size_t i = 0; i < negatives->n; i++) {
		const struct resolve_negative_anchor *anchor = &negatives->item[i];
		int64_t left_ms = anchor->until_s * 1000 - engine->wall_ms;
		if (left_ms > 0 && wire_name_labels(anchor->name) == labels && wire_name_under(name, anchor->name))
			until_ms = engine->cache_ms + left_ms;
	}
	*ret_until_ms = until_ms;
	return true;
}
