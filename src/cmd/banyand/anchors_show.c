// SPDX-License-Identifier: GPL-3.0-or-later
/* The command `anchors`: what is trusted, and where the keys of zones with trust anchors stand (RFC 5011). */
#include "daemon.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct shown_zone {
	char name[WIRE_NAME_TEXT_MAX], file[PATH_MAX];
	struct operate_anchor_key key[DNSSEC_ROLLOVER_KEYS_MAX];
	uint16_t trusted[DNSSEC_ANCHORS_MAX];
};

static uint16_t anchor_tag(const struct dnssec_anchor *anchor)
{
	return anchor->type == WIRE_TYPE_DS ? wire_get16(anchor->rdata) : dnssec_key_tag(anchor->rdata, anchor->len);
}

/* Key tags of the zone's anchors, each once. */
static size_t tags_of(const struct dnssec_anchors *anchors, const uint8_t *zone, uint16_t tag[DNSSEC_ANCHORS_MAX])
{
	size_t n = 0;
	for (size_t i = 0; i < anchors->count; i++) {
		size_t k = 0;
		if (!wire_name_equal(anchors->item[i].owner, zone))
			continue;
		while (k < n && tag[k] != anchor_tag(&anchors->item[i]))
			k++;
		if (k == n && n < DNSSEC_ANCHORS_MAX)
			tag[n++] = anchor_tag(&anchors->item[i]);
	}
	return n;
}

static void keys_fill(const struct dnssec_rollover *state, struct shown_zone *shown, struct operate_anchor_zone *zone)
{
	zone->proved = state->proved;
	zone->next = state->next;
	zone->key = shown->key;
	zone->n_keys = state->n;
	for (size_t i = 0; i < state->n; i++)
		shown->key[i] = (struct operate_anchor_key){.state = dnssec_rollover_state_text(state->key[i].state),
							    .tag = state->key[i].tag,
							    .algorithm = state->key[i].rdata[3],
							    .since = state->key[i].since,
							    .until = state->key[i].until};
}

static int zone_fill(struct keeper *keeper, size_t index, const struct dnssec_anchors *trusted,
		     struct operate_anchor_zone *zone, struct shown_zone **ret)
{
	const struct generation *g = swap_read(&keeper->swap);
	_cleanup_(base_free) struct dnssec_rollover *state = malloc(sizeof(*state));
	struct shown_zone *shown = calloc(1, sizeof(*shown));
	*ret = shown;
	if (state == NULL || shown == NULL)
		return BANYAN_ENOMEM;
	int rc = resolve_anchors_zone(keeper->workers.shared_anchors, index, state);
	if (rc < 0)
		return rc;
	wire_name_text(state->zone, shown->name);
	*zone = (struct operate_anchor_zone){
		.name = shown->name, .rolls = rc == 1, .file = shown->file, .trusted = shown->trusted};
	for (size_t i = 0; i < g->anchors.count; i++)
		zone->n_configured += wire_name_equal(g->anchors.item[i].owner, state->zone);
	zone->n_trusted = tags_of(trusted, state->zone, shown->trusted);
	if (!zone->rolls)
		return 0;
	anchors_path(g->config, state->zone, shown->file);
	keys_fill(state, shown, zone);
	return 0;
}

/* The zones first, then what they point to is kept in `shown`. */
static int zones_fill(struct keeper *keeper, struct operate_anchors *ret, struct operate_anchor_zone *zone,
		      struct shown_zone **shown)
{
	struct dnssec_anchors trusted = {0};
	const struct generation *g = swap_read(&keeper->swap);
	int rc = resolve_anchors_trusted(keeper->workers.shared_anchors, &g->anchors, g->config->root.anchors_roll,
					 &trusted);
	size_t n = resolve_anchors_zones(keeper->workers.shared_anchors);
	for (size_t i = 0; rc == 0 && i < n && i < DNSSEC_ANCHORS_MAX; i++) {
		rc = zone_fill(keeper, i, &trusted, &zone[i], &shown[i]);
		ret->n_zones += rc == 0;
	}
	dnssec_anchors_done(&trusted);
	return rc;
}

static int anchors_write(struct keeper *keeper, bool json, struct buffer *out)
{
	const struct config *config = swap_read(&keeper->swap)->config;
	struct operate_anchor_zone zone[DNSSEC_ANCHORS_MAX];
	struct shown_zone *shown[DNSSEC_ANCHORS_MAX] = {NULL};
	_cleanup_(base_free) struct operate_negative_anchor *negative = NULL;
	struct operate_negative_anchor one;
	size_t n = 0;
	while (negatives_show(keeper, n, &one))
		n++;
	negative = calloc(n + 1, sizeof(*negative));
	if (negative == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < n; i++)
		(void)negatives_show(keeper, i, &negative[i]);
	struct operate_anchors anchors = {.validate = config->resolver.validate,
					  .now = clock_wall_s(),
					  .zone = zone,
					  .n_negatives = n,
					  .negative = negative};
	int rc = zones_fill(keeper, &anchors, zone, shown);
	if (rc == 0)
		rc = json ? operate_anchors_json(&anchors, out) : operate_anchors_text(&anchors, out);
	for (size_t i = 0; i < DNSSEC_ANCHORS_MAX; i++)
		free(shown[i]);
	return rc;
}

void control_anchors(void *ctx, struct operate_call *call, int argc, char **argv)
{
	struct keeper *keeper = ctx;
	bool json = control_take_word(&argc, argv, "json");
	bool negative = argc > 1 && strcmp(argv[1], "negative") == 0;
	if (argc != 1 && !negative)
		control_fail(call, "usage: anchors [json], anchors negative NAME [DURATION | DATE | remove]");
	else if (keeper->workers.shared_anchors == NULL)
		control_fail(call, "there is no resolver: resolver.enabled is no");
	else if (negative)
		control_negative(keeper, call, argc, argv);
	else
		operate_call_done(call, anchors_write(keeper, json, operate_call_reply(call)) == 0);
}
