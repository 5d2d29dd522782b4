// SPDX-License-Identifier: GPL-3.0-or-later
/* The source of an edition: fetched by the code that fetches copies, and read. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "publish.h"
#include "sources.h"
#include "sync/sync.h"

struct asking {
	struct publishing *p;
	void (*done)(struct publishing *p, enum publish_source_outcome outcome, const char *why);
	bool changes;
};

static const struct zone *newest(const struct publishing *p)
{
	return p->candidate != NULL ? p->candidate : p->accepted;
}

static int zone_read(const struct publishing *p, enum pull_form form, struct zone **ret, char why[EDITION_WHY_MAX])
{
	struct zone_read_settings settings = {.origin = p->settings.zone};
	struct zone_error error = {0};
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", p->fd);
	if (form != PULL_CHANGES) {
		int rc = zone_read_file(path, &settings, NULL, NULL, ret, &error);
		const char *words = error.text;
		if (strncmp(words, path, strlen(path)) == 0) /* people know it by another name */
			words += strlen(path);
		if (rc < 0)
			snprintf(why, EDITION_WHY_MAX, "%.300s%s%.600s", p->source.text,
				 words == error.text ? ": " : "", words);
		return rc;
	}
	uint8_t *data;
	size_t len;
	int rc = file_read(path, ZONE_FILE_MAX, &data, &len);
	if (rc == 0) {
		rc = sync_changes_apply(data, len, p->settings.zone, newest(p), ret);
		free(data);
	}
	if (rc < 0)
		snprintf(why, EDITION_WHY_MAX, "%.300s: what came does not make a zone: %s", p->source.text,
			 error_text(rc));
	return rc;
}

/* What came takes the place of what was refused, or was not looked at yet. */
static enum publish_source_outcome take(struct publishing *p, const struct pull_fetch_result *result,
					char why[EDITION_WHY_MAX])
{
	struct zone *zone = NULL;
	snprintf(p->tag, sizeof p->tag, "%s", result->tag);
	if (zone_read(p, result->form, &zone, why) != 0)
		return PUBLISH_SOURCE_FAILED;
	zone->source = p->source.text; /* as people know it */
	zone_free(p->candidate);
	p->candidate = zone;
	p->seen = true;
	p->seen_serial = zone->serial;
	return PUBLISH_SOURCE_NEW;
}

static bool goes_back(const struct publishing *p, const struct pull_fetch_result *result)
{
	return p->seen && result->has_serial && result->serial != p->seen_serial &&
	       !sync_serial_newer(result->serial, p->seen_serial);
}

static void on_fetched(void *ctx, const struct pull_fetch_result *result)
{
	struct asking asking = *(struct asking *)ctx;
	struct publishing *p = asking.p;
	char why[EDITION_WHY_MAX] = "";
	enum publish_source_outcome outcome = PUBLISH_SOURCE_FAILED;
	free(ctx);
	p->under_way = NULL;
	if (result->fetched == PULL_GOT)
		outcome = take(p, result, why);
	else if (result->fetched == PULL_UNCHANGED && !goes_back(p, result))
		outcome = PUBLISH_SOURCE_SAME;
	else if (result->fetched == PULL_UNCHANGED)
		snprintf(why, sizeof why,
			 "%.300s: the serial of the source has gone back, from %u to %u; if that is meant, stop, and "
			 "run "
			 "once "
			 "with --accept-serial",
			 p->source.text, p->seen_serial, result->serial);
	else
		snprintf(why, sizeof why, "%.300s: %s", p->source.text, result->why);
	close(p->fd);
	p->fd = -1;
	if (result->fetched == PULL_MISFIT && asking.changes) { /* then the whole of it */
		p->seen = false;
		if (publish_source_ask(p, asking.done) == 0)
			return;
	}
	asking.done(p, outcome, why);
}

int publish_source_ask(struct publishing *p,
		       void (*done)(struct publishing *p, enum publish_source_outcome outcome, const char *why))
{
	struct asking *asking = malloc(sizeof *asking);
	bool transfer = p->source.kind == PULL_SOURCE_XFR || p->source.kind == PULL_SOURCE_XOT;
	if (asking == NULL)
		return BANYAN_ENOMEM;
	*asking = (struct asking){.p = p, .done = done, .changes = transfer && p->seen && newest(p) != NULL};
	struct pull_fetch_settings settings = {
		.source = &p->source,
		.apex = p->settings.zone,
		.mode = asking->changes ? PULL_MODE_CHANGES : PULL_MODE_WHOLE,
		.have = p->seen,
		.serial = p->seen_serial,
		.tag = p->tag,
		.key = p->key,
		.bytes_max = ZONE_FILE_MAX,
		.time_max_ms = PUBLISH_FETCH_MS,
		.fd = p->fd = sources_file(),
		.helper = &p->run->helper,
		.resolver = &p->run->resolver,
		.done = on_fetched,
		.ctx = asking,
	};
	int rc = p->fd < 0 ? p->fd : pull_fetch_start(&p->run->loop, &settings, &p->under_way);
	if (rc < 0) {
		free(asking);
		if (p->fd >= 0)
			close(p->fd);
		p->fd = -1;
	}
	return rc;
}
