// SPDX-License-Identifier: GPL-3.0-or-later
/* What is trusted, and what is known of the keys of zones with trust anchors: the answer to `banyan anchors`. */
#include "operate/operate.h"
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#define PRINT(rc, out, ...) ((rc) = (rc) < 0 ? (rc) : buffer_printf((out), __VA_ARGS__))

static int key_text(const struct operate_anchor_key *key, struct buffer *out)
{
	char since[32], until[32];
	int rc = 0;
	PRINT(rc, out, "  key %u, algorithm %u: %s since %s", key->tag, key->algorithm, key->state,
	      clock_format(key->since, since));
	if (key->until != 0)
		PRINT(rc, out, ", until %s at least", clock_format(key->until, until));
	PRINT(rc, out, "\n");
	return rc;
}

static int zone_text(const struct operate_anchor_zone *zone, struct buffer *out)
{
	char proved[32], next[32];
	int rc = 0;
	PRINT(rc, out, "%s: trusted:", zone->name);
	for (size_t i = 0; i < zone->n_trusted; i++)
		PRINT(rc, out, "%s %u", i > 0 ? "," : "", zone->trusted[i]);
	if (zone->n_trusted == 0)
		PRINT(rc, out, " nothing");
	PRINT(rc, out, "; configured: %zu anchor%s%s\n", zone->n_configured, zone->n_configured == 1 ? "" : "s",
	      zone->rolls ? "" : "; they do not roll");
	if (!zone->rolls)
		return rc;
	PRINT(rc, out, "  keys last proved %s, looked at again %s, kept in %s\n",
	      zone->proved != 0 ? clock_format(zone->proved, proved) : "never",
	      zone->next != 0 ? clock_format(zone->next, next) : "now",
	      zone->file[0] != 0 ? zone->file : "no file: a restart begins with the configured anchors");
	for (size_t i = 0; rc >= 0 && i < zone->n_keys; i++)
		rc = key_text(&zone->key[i], out);
	return rc;
}

int operate_anchors_text(const struct operate_anchors *anchors, struct buffer *out)
{
	char until[32];
	int rc = 0;
	if (!anchors->validate)
		PRINT(rc, out, "nothing is proved: resolver.validate is off\n");
	else if (anchors->n_zones == 0)
		PRINT(rc, out, "there are no trust anchors: every answer counts as insecure\n");
	for (size_t i = 0; rc >= 0 && i < anchors->n_zones; i++)
		rc = zone_text(&anchors->zone[i], out);
	for (size_t i = 0; i < anchors->n_negatives; i++)
		PRINT(rc, out, "%s: nothing is proved at and below it %s %s (negative anchor%s)\n",
		      anchors->negative[i].name,
		      anchors->negative[i].until > anchors->now ? "until" : "any more: this ended",
		      clock_format(anchors->negative[i].until, until),
		      anchors->negative[i].configured ? "" : ", by command");
	return rc < 0 ? rc : 0;
}

static void zone_json(struct json *json, const struct operate_anchor_zone *zone)
{
	json_open(json, NULL, '{');
	json_text(json, "zone", zone->name);
	json_number(json, "configured", (int64_t)zone->n_configured);
	json_open(json, "trusted", '[');
	for (size_t i = 0; i < zone->n_trusted; i++)
		json_number(json, NULL, zone->trusted[i]);
	json_close(json, ']');
	json_bool(json, "rolls", zone->rolls);
	json_time(json, "proved", zone->proved);
	json_time(json, "next", zone->next);
	json_text(json, "file", zone->file);
	json_open(json, "keys", '[');
	for (size_t i = 0; i < zone->n_keys; i++) {
		const struct operate_anchor_key *key = &zone->key[i];
		json_open(json, NULL, '{');
		json_number(json, "tag", key->tag);
		json_number(json, "algorithm", key->algorithm);
		json_text(json, "state", key->state);
		json_time(json, "since", key->since);
		json_time(json, "until", key->until);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_close(json, '}');
}

int operate_anchors_json(const struct operate_anchors *anchors, struct buffer *out)
{
	struct json json = {.out = out};
	json_open(&json, NULL, '{');
	json_bool(&json, "validate", anchors->validate);
	json_open(&json, "zones", '[');
	for (size_t i = 0; i < anchors->n_zones; i++)
		zone_json(&json, &anchors->zone[i]);
	json_close(&json, ']');
	json_open(&json, "negative", '[');
	for (size_t i = 0; i < anchors->n_negatives; i++) {
		json_open(&json, NULL, '{');
		json_text(&json, "name", anchors->negative[i].name);
		json_time(&json, "until", anchors->negative[i].until);
		json_bool(&json, "configured", anchors->negative[i].configured);
		json_bool(&json, "over", anchors->negative[i].until <= anchors->now);
		json_close(&json, '}');
	}
	json_close(&json, ']');
	json_close(&json, '}');
	if (json.error == 0)
		json.error = buffer_append(out, "\n", 1);
	return json.error;
}
