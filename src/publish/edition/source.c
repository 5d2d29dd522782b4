// SPDX-License-Identifier: GPL-3.0-or-later
/* What a source must be before anything is made of it: proved if it claims to be, not older, not much smaller than before. */
#include "private.h"

#include <inttypes.h>
#include <stdio.h>

#include "sync/sync.h"

static void keep_first(void *ctx, const struct zone_finding *finding)
{
	char *text = ctx, owner[WIRE_NAME_TEXT_MAX] = "", type[16] = "";
	if (!finding->fatal || text[0] != '\0')
		return;
	if (finding->owner != NULL)
		wire_name_text(finding->owner, owner);
	if (finding->type != 0)
		wire_type_text(finding->type, type);
	snprintf(text, EDITION_WHY_MAX / 2, "%.200s %s: %.200s", owner, type,
		 finding->text != NULL && finding->text[0] != '\0' ? finding->text : reason_words(finding->reason));
}

int edition_source_prove(const struct edition_source_check *check, const struct zone *source, enum reason *ret_reason,
			 char why[EDITION_WHY_MAX])
{
	char first[EDITION_WHY_MAX / 2] = "";
	struct zone_proof proof = {0};
	struct zone_prove_settings settings = {
		.anchors = check->anchors,
		.now = check->now,
		.threads = check->threads,
		.require_zonemd = true,
		.memo = check->memo,
		.report = keep_first,
		.report_ctx = first,
	};
	if (check->anchors == NULL || check->anchors->count == 0)
		return 0;
	int rc = zone_prove(source, &settings, &proof);
	if (rc == 0 && proof.proved)
		return 0;
	*ret_reason = REASON_SOURCE_NOT_PROVED;
	return edition_why(why, BANYAN_EPROOF,
			   "%s: the source with serial %" PRIu32
			   " is not proved by source.anchors: %s (%s)%s%s; look at it with "
			   "`banyan verify`",
			   source->source, source->serial, rc < 0 ? error_text(rc) : reason_words(proof.reason),
			   rc < 0 ? "-" : reason_code(proof.reason), first[0] != '\0' ? ": " : "", first);
}

static int serial_check(const struct edition_source_check *check, const struct zone *source, enum reason *ret_reason,
			char *why)
{
	uint32_t before = check->before->source_serial;
	bool back = sync_serial_newer(before, source->serial);
	if (!back || check->accept_serial)
		return 0;
	*ret_reason = REASON_SOURCE_SERIAL_BACK;
	return edition_why(why, BANYAN_EPROOF,
			   "%s: the source has serial %" PRIu32 ", which is older than %" PRIu32
			   ", of which the last version was made (RFC 1982); if that is meant, run once with "
			   "--accept-serial" EDITION_ONCE,
			   source->source, source->serial, before);
}

static int size_check(const struct edition_source_check *check, const struct zone *plain, enum reason *ret_reason,
		      char *why)
{
	uint64_t before = check->before->source_records, now = plain->n_records;
	if (now >= before || check->accept_shrink || (before - now) * 100 <= before * check->shrink_max_percent)
		return 0;
	*ret_reason = REASON_SOURCE_SHRANK;
	return edition_why(why, BANYAN_EPROOF,
			   "%s: the source with serial %" PRIu32 " has %" PRIu64
			   " records beside what signing makes, where the last one had %" PRIu64
			   ": more than %u percent are gone (source.shrink-max); if that is meant, run once with "
			   "--accept-shrink" EDITION_ONCE,
			   plain->source, plain->serial, now, before, check->shrink_max_percent);
}

int edition_source_check(const struct edition_source_check *check, const struct zone *source, const struct zone *plain,
			 enum reason *ret_reason, char ret_why[EDITION_WHY_MAX])
{
	const struct zone_node *apex = zone_find(plain, plain->apex);
	int rc;
	if (apex == NULL || zone_node_set(plain, apex, WIRE_TYPE_SOA) == NULL) {
		*ret_reason = REASON_EDITION_MISFIT;
		return edition_why(ret_why, BANYAN_EPROOF, "%s: the zone has no SOA; is it the right file?",
				   source->source);
	}
	rc = edition_source_prove(check, source, ret_reason, ret_why);
	if (rc < 0 || check->before == NULL || !check->before->have)
		return rc;
	rc = serial_check(check, source, ret_reason, ret_why);
	return rc < 0 ? rc : size_check(check, plain, ret_reason, ret_why);
}
