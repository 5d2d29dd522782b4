// SPDX-License-Identifier: GPL-3.0-or-later
/* Sources asked for their serial, fetched from, and what came proved. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "sources.h"
#include "sync/sync.h"

#define LIST_FILES_BYTES PULL_LIST_BYTES_MAX

static struct pull_helper helper;
static struct pull_resolver resolver;

/* ---- a pass over all sources ---- */

static void pass_go_on(struct sources_run *run);

static void on_fetched(void *ctx, const struct pull_fetch_result *result)
{
	struct sources_row *row = ctx;
	struct sources_run *run = row->run;
	row->under_way = NULL;
	if (run->fetching) {
		row->fetch = *result;
		row->fetched = result->fetched == PULL_GOT;
	} else {
		row->probe = *result;
		row->probed = result->fetched != PULL_FAILED;
	}
	run->busy--;
	pass_go_on(run);
}

static int row_start(struct sources_row *row)
{
	struct sources_run *run = row->run;
	struct pull_fetch_settings settings = {
		.source = &row->source,
		.apex = run->origin,
		.mode = run->fetching ? PULL_MODE_WHOLE : PULL_MODE_PROBE,
		.key = row->key,
		.time_max_ms = run->time_max_ms > 0 ? run->time_max_ms
			       : run->fetching      ? SOURCES_FETCH_MS
						    : SOURCES_PROBE_MS,
		.fd = -1,
		.helper = &helper,
		.resolver = &resolver,
		.done = on_fetched,
		.ctx = row,
	};
	if (run->fetching) {
		row->tried_fetch = true;
		settings.fd = row->fd = sources_file();
		if (row->fd < 0)
			return row->fd;
	}
	return pull_fetch_start(&run->loop, &settings, &row->under_way);
}

static bool is_for_pass(const struct sources_row *row)
{
	return row->trouble == NULL && (!row->run->fetching || row->probed);
}

static void pass_go_on(struct sources_run *run)
{
	while (run->next < run->n && run->busy < SOURCES_AT_ONCE) {
		struct sources_row *row = &run->row[run->next++];
		if (!is_for_pass(row))
			continue;
		if (row_start(row) < 0)
			row->trouble = "out of memory or of descriptors";
		else
			run->busy++;
	}
}

/* ---- proving ---- */

static void on_finding(void *ctx, const struct zone_finding *finding)
{
	struct sources_row *row = ctx;
	if (finding->fatal && row->proof[0] == '\0')
		snprintf(row->proof, sizeof row->proof, "%s", finding->text != NULL ? finding->text : "");
}

static int zone_of(struct sources_row *row, struct zone **ret)
{
	struct zone_read_settings settings = {.origin = row->run->origin, .max_bytes = (size_t)PULL_BYTES_DEFAULT * 4};
	struct zone_error error = {0};
	char path[64];
	snprintf(path, sizeof path, "/proc/self/fd/%d", row->fd);
	if (row->fetch.form != PULL_CHANGES) {
		int rc = zone_read_file(path, &settings, NULL, NULL, ret, &error);
		if (rc < 0)
			snprintf(row->proof, sizeof row->proof, "%.230s", error.text);
		return rc;
	}
	uint8_t *data;
	size_t len;
	int rc = file_read(path, (size_t)PULL_BYTES_DEFAULT * 2, &data, &len);
	if (rc == 0) {
		rc = sync_changes_apply(data, len, row->run->origin, NULL, ret);
		free(data);
	}
	if (rc < 0)
		snprintf(row->proof, sizeof row->proof, "%s", error_text(rc));
	return rc;
}

static void row_prove(struct sources_row *row)
{
	struct sources_run *run = row->run;
	struct zone_prove_settings settings = {
		.anchors = &run->anchors,
		.now = run->now,
		.digest_only = run->digest_only,
		.require_zonemd = true,
		.report = on_finding,
		.report_ctx = row,
	};
	struct zone *zone = NULL;
	struct zone_proof proof = {0};
	row->reason = REASON_NONE;
	if (zone_of(row, &zone) == 0) {
		int rc = zone_prove(zone, &settings, &proof);
		row->proved = rc == 0 && proof.proved;
		row->reason = proof.reason;
		row->fetch.has_serial = true;
		row->fetch.serial = zone->serial;
		zone_free(zone);
	}
	close(row->fd);
	row->fd = -1;
}

static void newest_find(struct sources_run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		const struct pull_fetch_result *probe = &run->row[i].probe;
		if (!run->row[i].probed || !probe->has_serial)
			continue;
		if (!run->has_newest || sync_serial_newer(probe->serial, run->newest))
			run->newest = probe->serial;
		run->has_newest = true;
	}
}

static int pass(struct sources_run *run, bool fetching)
{
	run->fetching = fetching;
	run->next = run->busy = 0;
	pass_go_on(run);
	return uv_run(&run->loop, UV_RUN_DEFAULT) < 0 ? BANYAN_EIO : 0;
}

int sources_measure(struct sources_run *run)
{
	helper = sources_helper(&run->loop);
	resolver = sources_resolver(&run->loop);
	int rc = pass(run, false);
	newest_find(run);
	if (rc == 0 && run->fetch)
		rc = pass(run, true);
	for (size_t i = 0; i < run->n && rc == 0; i++)
		if (run->row[i].fetched)
			row_prove(&run->row[i]);
	return rc;
}

/* ---- which sources ---- */

static int row_add(struct sources_run *run, const struct pull_source *source)
{
	struct sources_row *row = realloc(run->row, (run->n + 1) * sizeof *row);
	if (row == NULL)
		return 2;
	run->row = row;
	row = &run->row[run->n++];
	*row = (struct sources_row){.run = run, .source = *source, .fd = -1};
	if ((source->kind == PULL_SOURCE_XFR || source->kind == PULL_SOURCE_XOT) && source->key[0] != '\0')
		row->key = sources_key(run, source->key, &row->trouble);
	return 0;
}

static void on_list(void *ctx, const struct pull_fetch_result *result)
{
	*(struct pull_fetch_result *)ctx = *result;
}

/* The text of a list: from its file, or fetched now. */
static int list_text(struct sources_run *run, const struct pull_source *source, uint8_t **ret, size_t *ret_len)
{
	struct pull_fetch_result result = {0};
	struct pull_fetch *fetch;
	char path[64];
	int fd = sources_file();
	helper = sources_helper(&run->loop);
	resolver = sources_resolver(&run->loop);
	struct pull_fetch_settings settings = {
		.source = source,
		.apex = run->origin,
		.mode = PULL_MODE_WHOLE,
		.time_max_ms = SOURCES_PROBE_MS,
		.bytes_max = PULL_LIST_BYTES_MAX,
		.fd = fd,
		.helper = &helper,
		.resolver = &resolver,
		.done = on_list,
		.ctx = &result,
	};
	int rc = fd < 0 ? fd : pull_fetch_start(&run->loop, &settings, &fetch);
	if (rc == 0)
		uv_run(&run->loop, UV_RUN_DEFAULT);
	if (rc == 0 && result.fetched != PULL_GOT) {
		fprintf(stderr, "banyan sources: %s: %s\n", source->text, result.why);
		rc = BANYAN_EIO;
	} else if (rc == 0) {
		snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
		rc = file_read(path, LIST_FILES_BYTES, ret, ret_len);
	}
	if (fd >= 0)
		close(fd);
	return rc;
}

static int list_add(struct sources_run *run, const struct pull_source *source)
{
	char why[PULL_WHY_MAX] = "", zone[WIRE_NAME_TEXT_MAX];
	uint8_t *text = NULL, *keys = NULL;
	size_t len = 0, keys_len = 0;
	struct pull_list list = {0};
	int rc = list_text(run, source, &text, &len);
	if (rc < 0)
		return 2;
	if (source->key[0] != '\0' && file_read(source->key, 65536, &keys, &keys_len) < 0) {
		fprintf(stderr, "banyan sources: the key file %s cannot be read\n", source->key);
		free(text);
		return 2;
	}
	struct pull_list_settings settings = {
		.zone = wire_name_text(run->origin, zone), .now = run->now, .keys = (const char *)keys};
	rc = pull_list_parse((const char *)text, len, &settings, &list, why);
	if (rc < 0)
		fprintf(stderr, "banyan sources: %s: %s\n", source->text, why);
	else if (list.proof == PULL_LIST_CHECKSUM)
		fprintf(stderr,
			"banyan sources: %s: nothing proves who made this list; its checksum says that it is whole\n",
			source->text);
	int status = rc < 0 ? 2 : 0;
	for (size_t i = 0; i < list.sources.n && status == 0; i++)
		status = row_add(run, &list.sources.item[i]);
	pull_list_done(&list);
	free(text);
	free(keys);
	return status;
}

int sources_add(struct sources_run *run, const char *text)
{
	struct pull_source source;
	char why[PULL_WHY_MAX];
	int status = 0;
	if (pull_source_parse(text, &source, why) < 0) {
		fprintf(stderr, "banyan sources: %s\n", why);
		return 2;
	}
	if (source.kind == PULL_SOURCE_LIST)
		return list_add(run, &source);
	if (source.kind != PULL_SOURCE_BUILTIN)
		return row_add(run, &source);
	for (size_t i = 0; pull_source_builtin(i) != NULL && status == 0; i++)
		status = sources_add(run, pull_source_builtin(i));
	return status;
}
