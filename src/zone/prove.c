// SPDX-License-Identifier: GPL-3.0-or-later
/* A zone, proved: structure first, then keys, signatures, denial and digest. */
#include "private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

void zone_judge_tell(struct zone_judge *judge, bool fatal, enum reason reason, const uint8_t *owner, uint16_t type,
		     unsigned long line, const char *text)
{
	struct zone_finding finding = {
		.reason = reason, .fatal = fatal, .line = line, .owner = owner, .type = type, .text = text};
	if (fatal && judge->reason == REASON_NONE)
		judge->reason = reason;
	if (judge->settings->report != NULL)
		judge->settings->report(judge->settings->report_ctx, &finding);
}

static void on_dnssec_finding(void *ctx, const struct dnssec_finding *finding)
{
	struct zone_judge *judge = ctx;
	unsigned long line = finding->index < judge->zone->n_sets ? judge->zone->line[finding->index] : 0;
	zone_judge_tell(judge, finding->fatal, finding->reason, finding->owner, finding->type, line, finding->text);
}

static void dates_check(struct zone_judge *judge, const struct zone_edition *edition)
{
	char date[32], text[160];
	int when = zone_edition_when(edition, judge->settings->now);
	if (!judge->settings->dates || when == 0)
		return;
	snprintf(text, sizeof text, "it is valid %s %s", when < 0 ? "from" : "until",
		 clock_format(when < 0 ? edition->valid_from : edition->valid_until, date));
	zone_judge_tell(judge, true, when < 0 ? REASON_EDITION_EARLY : REASON_EDITION_ENDED, judge->zone->apex,
			WIRE_TYPE_TXT, 0, text);
}

/* A root with other servers at its apex than the one that is meant is another namespace: only who was told of it takes it. */
static void edition_check(struct zone_judge *judge, struct zone_edition *ret)
{
	const char *wanted = judge->settings->edition, *why = NULL;
	char text[3 * ZONE_EDITION_MAX + 64];
	struct zone_edition edition;
	if (zone_edition(judge->zone, &edition, &why) != 0) {
		zone_judge_tell(judge, wanted != NULL, REASON_EDITION_MALFORMED, judge->zone->apex, WIRE_TYPE_TXT, 0,
				why);
		return;
	}
	*ret = edition;
	if (wanted != NULL && strcmp(wanted, edition.name) != 0) {
		snprintf(text, sizeof text, "it is %s%s, and %s%s is what is trusted here",
			 edition.name[0] == '\0' ? "no edition" : "edition ", edition.name,
			 wanted[0] == '\0' ? "none" : "edition ", wanted);
		zone_judge_tell(judge, true, REASON_EDITION_OTHER, judge->zone->apex, WIRE_TYPE_TXT, 0, text);
	}
	dates_check(judge, &edition);
}

int zone_prove(const struct zone *zone, const struct zone_prove_settings *settings, struct zone_proof *ret)
{
	struct zone_judge judge = {.zone = zone, .settings = settings};
	struct zone_proof proof = {.dnssec = {.serial = zone->serial, .zonemd = DNSSEC_ZONEMD_NOT_PROVED}};
	zone_structure_check(&judge);
	edition_check(&judge, &proof.edition);
	proof.structure_good = judge.reason == REASON_NONE;
	if (!settings->structure_only) {
		struct dnssec_zone_check check = {
			.records = zone_records(zone),
			.apex = zone->apex,
			.anchors = settings->anchors,
			.now = settings->now,
			.threads = settings->threads,
			.digest_only = settings->digest_only,
			.require_zonemd = settings->require_zonemd,
			.refuse_sha1 = settings->refuse_sha1,
			.known_only = settings->known_only,
			.memo = settings->memo,
			.report = on_dnssec_finding,
			.report_ctx = &judge,
		};
		int rc = dnssec_zone_check(&check, &proof.dnssec);
		if (rc < 0)
			return rc;
	}
	proof.reason = judge.reason;
	proof.proved = proof.structure_good && (settings->structure_only || proof.dnssec.proved);
	*ret = proof;
	return 0;
}

int zone_anchors_read(const char *path, struct dnssec_anchors *anchors, struct zone_error *ret_error)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	struct dnssec_text_error error = {0};
	int rc = file_read(path, ZONE_ANCHORS_FILE_MAX, &text, &len);
	if (rc < 0) {
		const char *why = errno != 0 && rc != BANYAN_ELIMIT && rc != BANYAN_EINVAL ? strerror(errno)
				  : rc == BANYAN_EINVAL                                    ? "it is a folder"
				  : rc == BANYAN_ELIMIT ? "it is larger than a file of trust anchors can be (1 MiB)"
							: error_text(rc);
		zone_error_set(ret_error, rc == BANYAN_ELIMIT ? REASON_TOO_LARGE : REASON_SYNTAX, 0, "%s: %s", path,
			       why);
		return rc;
	}
	rc = dnssec_anchors_parse(path, (const char *)text, len, anchors, &error);
	if (rc < 0)
		zone_error_set(ret_error, rc == BANYAN_ELIMIT ? REASON_TOO_LARGE : REASON_SYNTAX, error.line, "%s",
			       error.text);
	return rc;
}
