// SPDX-License-Identifier: GPL-3.0-or-later
/* Nothing leaves before it is proved: what was made is written as text, read back as anybody reads it, and held against the edition's anchors. */
#include "private.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "sync/files/files.h"

void edition_made_done(struct edition_made *made)
{
	zone_free(made->zone);
	buffer_done(&made->wire);
	buffer_done(&made->text);
	*made = (struct edition_made){.memo = made->memo};
}

static void keep_first(void *ctx, const struct zone_finding *finding)
{
	char *text = ctx, owner[WIRE_NAME_TEXT_MAX] = "", type[16] = "";
	if (!finding->fatal || text[0] != '\0')
		return;
	if (finding->owner != NULL)
		wire_name_text(finding->owner, owner);
	if (finding->type != 0)
		wire_type_text(finding->type, type);
	snprintf(text, EDITION_WHY_MAX / 2, ": %.200s %s: %.200s", owner, type,
		 finding->text != NULL ? finding->text : "");
}

/* Is the text read as the zone that it was made of? */
static int read_back(const struct edition_settings *settings, const struct edition_made *made, struct zone **ret,
		     char *why)
{
	struct zone_read_settings read = {.origin = settings->zone};
	_cleanup_(buffer_done) struct buffer wire = {0};
	struct zone_error error;
	struct zone *zone;
	int rc = zone_read_text(settings->zone_file, (const char *)made->text.data, made->text.len, &read, NULL, NULL,
				&zone, &error);
	if (rc != 0) {
		edition_why(why, rc, "what was made cannot be read back: %s", error.text);
		return BANYAN_EPROOF;
	}
	rc = zone_write_wire(zone, &wire);
	if (rc == 0 && (wire.len != made->wire.len || memcmp(wire.data, made->wire.data, wire.len) != 0)) {
		edition_why(why, BANYAN_EPROOF, "what was made is not read back as the same");
		rc = BANYAN_EPROOF;
	} else if (rc != 0) {
		edition_why(why, rc, "%s", error_text(rc));
	}
	if (rc != 0)
		zone_free(zone);
	else
		*ret = zone;
	return rc;
}

static int prove_at(const struct edition_settings *settings, const struct dnssec_anchors *anchors, int64_t time,
		    bool is_now, const struct zone *zone, struct dnssec_memo *memo, char *why)
{
	char first[EDITION_WHY_MAX / 2] = "", date[32];
	struct zone_proof proof = {0};
	struct zone_prove_settings prove = {
		.anchors = anchors,
		.now = time,
		.threads = settings->signing.threads,
		.require_zonemd = settings->signing.zonemd != 0,
		.edition = settings->name,
		.memo = memo,
		.dates = !is_now, /* it may be offered before its time */
		.report = keep_first,
		.report_ctx = first,
	};
	int rc = zone_prove(zone, &prove, &proof);
	if (rc < 0)
		return edition_why(why, rc, "proving what was made: %s", error_text(rc));
	if (!proof.proved)
		return edition_why(why, BANYAN_EPROOF,
				   "what was made with serial %" PRIu32 " is not proved%s%s: %s (%s)%s", zone->serial,
				   is_now ? "" : " at ", is_now ? "" : clock_format(time, date),
				   reason_words(proof.reason), reason_code(proof.reason), first);
	return 0;
}

int edition_prove(const struct edition_settings *settings, const struct dnssec_anchors *anchors, const int64_t *time,
		  size_t n_times, struct edition_made *made, char why[EDITION_WHY_MAX])
{
	struct zone *zone = NULL;
	made->wire.len = made->text.len = 0;
	int rc = zone_write_wire(made->zone, &made->wire);
	if (rc == 0)
		rc = files_text(settings->zone, made->wire.data, made->wire.len, &made->text);
	if (rc < 0)
		return edition_why(why, rc, "what was made has no text: %s", error_text(rc));
	rc = read_back(settings, made, &zone, why);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < n_times && rc == 0; i++)
		rc = prove_at(settings, anchors, time[i], i == 0, zone, made->memo, why);
	zone_free(zone);
	return rc;
}
