// SPDX-License-Identifier: GPL-3.0-or-later
/* What was found of sources, best first. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "sources.h"
#include "print.h"

/* ---- ranks ---- */

static bool is_behind(const struct sources_row *row)
{
	return row->probed && row->probe.has_serial && row->run->has_newest && row->probe.serial != row->run->newest;
}

static uint64_t bytes_per_s(const struct sources_row *row)
{
	return row->fetch.bytes * 1000 / (row->fetch.whole_ms > 0 ? row->fetch.whole_ms : 1);
}

/* First what proves, then what answers, what is new, what is near or fast. Lower is better. */
static unsigned class_of(const struct sources_row *row)
{
	if (!row->probed)
		return 4;
	if (row->tried_fetch && !row->proved)
		return 3;
	return is_behind(row) ? 2 : row->probe.has_serial ? 0 : 1;
}

static int compare(const void *pa, const void *pb)
{
	const struct sources_row *a = *(struct sources_row *const *)pa, *b = *(struct sources_row *const *)pb;
	unsigned ca = class_of(a), cb = class_of(b);
	if (ca != cb)
		return ca < cb ? -1 : 1;
	if (a->fetched && b->fetched && a->fetch.whole_ms != b->fetch.whole_ms)
		return a->fetch.whole_ms < b->fetch.whole_ms ? -1 : 1;
	if (a->probe.round_trip_ms != b->probe.round_trip_ms)
		return a->probe.round_trip_ms < b->probe.round_trip_ms ? -1 : 1;
	return a < b ? -1 : 1;
}

/* Why it is of no use, or NULL. */
static const char *trouble_of(const struct sources_row *row)
{
	if (row->trouble != NULL)
		return row->trouble;
	if (!row->probed)
		return row->probe.why;
	return row->tried_fetch && !row->fetched ? row->fetch.why : NULL;
}

/* ---- text ---- */

static void print_fetch(const struct sources_row *row)
{
	printf("    fetched   %llu bytes in %u ms, %llu bytes/s\n", (unsigned long long)row->fetch.bytes,
	       row->fetch.whole_ms, (unsigned long long)bytes_per_s(row));
	if (row->proved)
		printf("    proves    yes%s\n", row->run->digest_only ? ", by its digest alone" : "");
	else if (row->reason != REASON_NONE)
		printf("    proves    NO: %s (%s) %s\n", reason_words(row->reason), reason_code(row->reason),
		       row->proof);
	else
		printf("    proves    NO: it cannot be read: %s\n", row->proof);
}

static void print_row(const struct sources_row *row, size_t rank)
{
	char addr[ADDR_TEXT_MAX];
	const char *trouble = trouble_of(row);
	printf("%2zu  %s\n", rank, row->source.text);
	if (row->probed) {
		printf("    serial    ");
		if (row->probe.has_serial)
			printf("%u%s", row->probe.serial, is_behind(row) ? ", BEHIND the newest" : "");
		else
			printf("not told");
		printf(", %u ms", row->probe.round_trip_ms);
		if (row->probe.from.family != 0)
			printf(", from %s", addr_format(&row->probe.from, true, addr));
		if (row->probe.expire_s > 0)
			printf(", good for %u s", row->probe.expire_s);
		printf("\n");
	}
	if (trouble != NULL)
		printf("    trouble   %s\n", trouble);
	else if (row->fetched)
		print_fetch(row);
}

/* ---- JSON ---- */

static void json_row(const struct sources_row *row, size_t rank)
{
	char addr[ADDR_TEXT_MAX];
	printf("    {\"rank\": %zu, ", rank);
	print_json_member("source", row->source.text);
	printf(", ");
	print_json_member("kind", pull_source_kind_text(row->source.kind));
	printf(", \"reachable\": %s, ", row->probed ? "true" : "false");
	if (row->probed && row->probe.has_serial)
		printf("\"serial\": %u, \"behind\": %s, ", row->probe.serial, is_behind(row) ? "true" : "false");
	else
		printf("\"serial\": null, \"behind\": null, ");
	printf("\"round_trip_ms\": %u, \"expire_s\": %u, ", row->probe.round_trip_ms, row->probe.expire_s);
	print_json_member("from", row->probe.from.family != 0 ? addr_format(&row->probe.from, true, addr) : NULL);
	printf(", ");
	print_json_member("trouble", trouble_of(row));
	if (row->fetched) {
		printf(", \"fetch\": {\"bytes\": %llu, \"ms\": %u, \"bytes_per_s\": %llu, \"serial\": %u}, \"proves\": "
		       "%s, ",
		       (unsigned long long)row->fetch.bytes, row->fetch.whole_ms, (unsigned long long)bytes_per_s(row),
		       row->fetch.serial, row->proved ? "true" : "false");
		print_json_member("reason", row->reason != REASON_NONE ? reason_code(row->reason) : NULL);
		printf(", ");
		print_json_member("words", row->proof[0] != '\0' ? row->proof : NULL);
	} else {
		printf(", \"fetch\": null, \"proves\": null, \"reason\": null, \"words\": null");
	}
	printf("}");
}

static void print_json(const struct sources_run *run, struct sources_row *const *order)
{
	char at[32], zone[WIRE_NAME_TEXT_MAX];
	printf("{\n  ");
	print_json_member("zone", wire_name_text(run->origin, zone));
	printf(", ");
	print_json_member("at", clock_format(run->now, at));
	if (run->has_newest)
		printf(", \"newest\": %u,\n  \"sources\": [\n", run->newest);
	else
		printf(", \"newest\": null,\n  \"sources\": [\n");
	for (size_t i = 0; i < run->n; i++) {
		json_row(order[i], i + 1);
		printf("%s\n", i + 1 < run->n ? "," : "");
	}
	printf("  ]\n}\n");
}

int sources_print(struct sources_run *run)
{
	struct sources_row **order = calloc(run->n + 1, sizeof(struct sources_row *));
	size_t good = 0;
	if (order == NULL)
		return CMD_ERROR;
	for (size_t i = 0; i < run->n; i++)
		order[i] = &run->row[i];
	qsort(order, run->n, sizeof(struct sources_row *), compare);
	for (size_t i = 0; i < run->n; i++) {
		good += class_of(order[i]) <= 1;
		if (!run->json)
			print_row(order[i], i + 1);
	}
	if (run->json)
		print_json(run, order);
	else
		printf("%zu of %zu can be used\n", good, run->n);
	free(order);
	return good == run->n ? CMD_OK : CMD_NO;
}
