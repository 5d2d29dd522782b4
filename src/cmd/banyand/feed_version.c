// SPDX-License-Identifier: GPL-3.0-or-later
/* From a transfer to the next version of a policy zone, and its copy on disk. Runs beside the keeper. */
#include "feed.h"

#include <stdio.h>
#include <stdlib.h>

static void zone_done(struct zone **zone)
{
	if (*zone != NULL)
		zone_free(*zone);
}

/* The version that differences begin from is the copy on disk. */
static int base_read(struct feed *feed, struct zone **ret)
{
	struct zone_read_settings settings = {.origin = feed->apex};
	struct zone_error error;
	if (sync_transfer_is_whole(feed->transfer))
		return 0;
	int rc = zone_read_file(feed->file, &settings, NULL, NULL, ret, &error);
	if (rc < 0)
		snprintf(feed->why, sizeof feed->why,
			 "the copy to which differences were to be applied cannot be used: %.511s", error.text);
	return rc;
}

static void copy_write(const struct feed *feed, const struct zone *zone)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	if (feed->file[0] == 0)
		return;
	int rc = zone_write_text(zone, &text);
	if (rc == 0)
		rc = file_write_atomic(feed->file, text.data, text.len);
	if (rc < 0)
		log_warning(STATION,
			    "policy zone %s: its copy cannot be written to %s: %s; after a restart it is fetched again",
			    feed->zone, feed->file, error_text(rc));
}

static int make(struct feed *feed)
{
	_cleanup_(zone_done) struct zone *base = NULL;
	_cleanup_(zone_done) struct zone *zone = NULL;
	int rc = base_read(feed, &base);
	if (rc < 0)
		return rc;
	rc = sync_transfer_zone(feed->transfer, base, &zone);
	if (rc < 0) {
		zone = NULL;
		snprintf(feed->why, sizeof feed->why, "%s",
			 rc == BANYAN_ENOMEM ? error_text(rc) : "the differences do not fit the version that is here");
		return rc;
	}
	feed->version = policy_zone_make(zone, feed->why);
	if (feed->version == NULL)
		return BANYAN_EMALF;
	copy_write(feed, zone);
	return 0;
}

void feed_version_make(struct feed *feed)
{
	feed->version = NULL;
	feed->make_rc = make(feed);
	sync_transfer_free(feed->transfer);
	feed->transfer = NULL;
}
