// SPDX-License-Identifier: GPL-3.0-or-later
/* A zone, proved: structure first, then keys, signatures, denial and digest. */
#include "private.h"

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

int zone_prove(const struct zone *zone, const struct zone_prove_settings *settings, struct zone_proof *ret)
{
	struct zone_judge judge = {.zone = zone, .settings = settings};
	struct zone_proof proof = {.dnssec = {.serial = zone->serial, .zonemd = DNSSEC_ZONEMD_NOT_PROVED}};
	zone_structure_check(&judge);
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
	struct zone_read_settings settings = {.origin = (const uint8_t *)"", .max_bytes = ZONE_ANCHORS_FILE_MAX};
	struct zone *zone = NULL;
	int rc = zone_read_file(path, &settings, NULL, NULL, &zone, ret_error);
	if (rc < 0)
		return rc;
	char type[16];
	for (size_t i = 0; rc == 0 && i < zone->n_sets; i++) {
		const struct wire_rrset *set = &zone->set[i];
		for (uint32_t r = 0; rc == 0 && r < set->count; r++)
			rc = dnssec_anchors_add(anchors, set->owner, set->type, &set->rdata[r]);
		if (rc == BANYAN_EINVAL)
			zone_error_set(ret_error, REASON_SYNTAX, zone->line[i],
				       "%s:%u: a %s record is no trust anchor; give DS or DNSKEY records", path,
				       zone->line[i], wire_type_text(set->type, type));
		else if (rc == BANYAN_ELIMIT)
			zone_error_set(ret_error, REASON_TOO_LARGE, zone->line[i],
				       "%s:%u: more than %d trust anchors; leave only those in use", path,
				       zone->line[i], DNSSEC_ANCHORS_MAX);
		else if (rc < 0)
			zone_error_set(ret_error, REASON_RDATA_MALFORMED, zone->line[i],
				       "%s:%u: the %s record cannot be a trust anchor: %s", path, zone->line[i],
				       wire_type_text(set->type, type), error_text(rc));
	}
	if (rc == 0 && zone->n_sets == 0) {
		zone_error_set(ret_error, REASON_SYNTAX, 0, "%s: there is no record; give DS or DNSKEY records", path);
		rc = BANYAN_ENOENT;
	}
	zone_free(zone);
	return rc;
}
