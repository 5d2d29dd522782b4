// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan sign: signs and digests a zone file, proves what came out, and only then writes it. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "load.h"
#include "print.h"
#include "sign.h"

#define FINDINGS_MAX 10 /* shown of what the proof finds: one is enough not to write the zone */

static const char help[] =
	"usage: banyan sign [OPTIONS] ZONEFILE [KEY]...\n"
	"\n"
	"Signs a zone and puts its digest (ZONEMD) in. Nothing is written before the result has been proved with the\n"
	"code of `banyan verify`, and no zone is signed that servers would not load. A KEY is a pair of files K*.key "
	"and K*.private, as dnssec-keygen and ldns-keygen\n"
	"write them. Keys with the SEP flag (KSK) sign the keys, the others (ZSK) all else; if all are of one kind, "
	"they sign\n"
	"both. A key without a .private file is published only. Without any KEY the zone is digested and not signed.\n"
	"Signatures, NSEC and NSEC3 records, DNSKEY, NSEC3PARAM, CDS, CDNSKEY and ZONEMD of ZONEFILE are left out.\n"
	"\n"
	"  --origin NAME            the zone's name; default: the root\n"
	"  --before FILE            the version that was signed last: signatures that still hold are taken over\n"
	"  --output FILE            default: standard output; a file is written by rename\n"
	"  --wire                   write the wire form and not a master file\n"
	"  --at TIME                sign as of TIME: UNIX seconds or ISO 8601; default: now\n"
	"  --validity TIME          signatures end after so long: seconds, or 30d, 12h, 5m; default: 30d\n"
	"  --validity-keys TIME     the same of what the keys that sign keys make; default: as --validity\n"
	"  --inception-before TIME  signatures begin so long before now; default: 1h\n"
	"  --refresh TIME           make signatures anew that end within TIME; default: 7d12h\n"
	"  --jitter TIME            spread the ends of signatures over TIME; default: 3d\n"
	"  --nsec3                  NSEC3 and not NSEC; so do the next three\n"
	"  --iterations N           default: 0, as RFC 9276 asks\n"
	"  --salt HEX               default: none\n"
	"  --opt-out                leave delegations without DS out of the chain\n"
	"  --zonemd WHICH           none, sha384, sha512 or both; default: sha384\n"
	"  --dnskey-ttl TIME        default: that of the SOA\n"
	"  --threads N              default: one a CPU\n"
	"  --no-proof               sign whatever it is, and write without having proved it\n"
	"  --quiet                  do not tell what was done\n"
	"  --help                   this\n"
	"\n"
	"Exit status: 0 signed, 1 servers would not load it, or the result is not proved (nothing is written), 2 it "
	"cannot\n"
	"be signed.\n";

static int zone_load(const struct sign_options *options, const char *path, struct zone **ret)
{
	struct zone *zone = NULL;
	int rc = load_zone("sign", options->origin, path, &zone);
	if (rc != 0)
		return rc;
	if (zone->n_ttl_mixed > 0)
		fprintf(stderr,
			"banyan sign: %s: %zu sets with more than one TTL take the lowest (RFC 2181 section 5.2)\n",
			path, zone->n_ttl_mixed);
	*ret = zone;
	return 0;
}

static void finding_show(void *ctx, const struct zone_finding *finding)
{
	unsigned *n = ctx;
	char name[WIRE_NAME_TEXT_MAX], type[16];
	if (!finding->fatal || (*n)++ >= FINDINGS_MAX)
		return;
	fprintf(stderr, "banyan sign: %s %s: %s: %s\n",
		finding->owner == NULL ? "" : wire_name_text(finding->owner, name), wire_type_text(finding->type, type),
		reason_words(finding->reason), finding->text);
}

/* Does `banyan verify` believe it, with the keys that sign keys as anchors? */
static int prove(const struct sign_options *options, const struct zone *zone)
{
	const struct make_signing *s = &options->signing;
	struct dnssec_anchors anchors = {0};
	struct zone_proof proof = {.proved = false};
	unsigned n = 0;
	int rc = 0;
	for (size_t i = 0; i < s->n_keys && rc >= 0; i++) {
		size_t len;
		const uint8_t *data = make_key_rdata(options->key[i].key, &len);
		struct wire_rdata rdata = {.data = data, .len = (uint16_t)len};
		if (options->key[i].signs_keys)
			rc = dnssec_anchors_add(&anchors, options->origin, WIRE_TYPE_DNSKEY, &rdata);
	}
	struct zone_prove_settings settings = {.anchors = &anchors,
					       .now = s->now,
					       .threads = s->threads,
					       .digest_only = s->n_keys == 0 && s->zonemd != 0,
					       .structure_only = s->n_keys == 0 && s->zonemd == 0,
					       .require_zonemd = s->zonemd != 0,
					       .report = finding_show,
					       .report_ctx = &n};
	if (rc >= 0)
		rc = zone_prove(zone, &settings, &proof);
	dnssec_anchors_done(&anchors);
	if (rc < 0)
		fprintf(stderr, "banyan sign: the result cannot be proved: %s\n", error_text(rc));
	else if (!proof.proved)
		fprintf(stderr, "banyan sign: the result is not proved, so nothing is written\n");
	return rc < 0 ? rc : proof.proved ? 0 : BANYAN_EPROOF;
}

/* Types whose data people read as they know them, and every reader reads back as they were. Others stand as RFC 3597 writes any type. */
static bool has_plain_text(uint16_t type)
{
	static const uint16_t types[] = {WIRE_TYPE_A,         WIRE_TYPE_AAAA,  WIRE_TYPE_NS,     WIRE_TYPE_CNAME,
					 WIRE_TYPE_DNAME,     WIRE_TYPE_PTR,   WIRE_TYPE_MX,     WIRE_TYPE_SOA,
					 WIRE_TYPE_TXT,       WIRE_TYPE_SRV,   WIRE_TYPE_DS,     WIRE_TYPE_RRSIG,
					 WIRE_TYPE_NSEC,      WIRE_TYPE_NSEC3, WIRE_TYPE_DNSKEY, WIRE_TYPE_ZONEMD,
					 WIRE_TYPE_NSEC3PARAM};
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (types[i] == type)
			return true;
	return false;
}

static int set_write(const struct wire_rrset *set, struct buffer *out)
{
	bool plain = has_plain_text(set->type);
	int rc = 0;
	for (uint32_t i = 0; i < set->count && rc == 0; i++) {
		rc = plain ? wire_record_text(set->owner, set->ttl, set->rclass, set->type, &set->rdata[i], out)
			   : wire_record_generic(set->owner, set->ttl, set->rclass, set->type, &set->rdata[i], out);
		if (rc == 0)
			rc = buffer_append(out, "\n", 1);
	}
	return rc;
}

static int text_write(const struct zone *zone, struct buffer *out)
{
	const struct wire_rrset *soa = zone_node_set(zone, zone_find(zone, zone->apex), WIRE_TYPE_SOA);
	int rc = set_write(soa,
			   out); /* first, as most programs expect it; there is one, or it would not have been signed */
	for (size_t i = 0; i < zone->n_sets && rc == 0; i++)
		if (&zone->set[i] != soa)
			rc = set_write(&zone->set[i], out);
	return rc;
}

static int zone_store(const struct sign_options *options, const struct zone *zone)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	int rc = options->wire ? zone_write_wire(zone, &out) : text_write(zone, &out);
	if (rc == 0)
		rc = print_whole(options->output, &out);
	if (rc < 0)
		fprintf(stderr, "banyan sign: %s: %s\n", options->output, error_text(rc));
	return rc;
}

static void tell(const struct zone *zone, const struct publish_sign_result *r)
{
	char name[WIRE_NAME_TEXT_MAX], next[32];
	fprintf(stderr,
		"banyan sign: %s serial %" PRIu32
		": %zu records, %zu sets signed: %zu signatures made, %zu kept, %zu dropped; "
		"denial: %zu records, %zu changed\n",
		wire_name_text(zone->apex, name), r->serial, zone->n_records, r->sets, r->made, r->kept, r->dropped,
		r->denial, r->denial_changed);
	if (r->next != INT64_MAX)
		fprintf(stderr, "banyan sign: to be signed again by %s\n", clock_format(r->next, next));
}

/* Is it worth a signature? */
static int fit(const struct zone *plain)
{
	char why[1024];
	int rc = publish_fit(plain, NULL, why, sizeof why);
	if (rc < 0)
		fprintf(stderr, "banyan sign: %s: %s (%s); nothing is written\n", plain->source, why,
			reason_code(REASON_EDITION_MISFIT));
	return rc;
}

static int sign_run(const struct sign_options *options)
{
	struct zone *plain = NULL, *before = NULL, *zone = NULL;
	struct publish_sign_result result = {.text = ""};
	int status = CMD_ERROR;
	if (zone_load(options, options->path, &plain) != 0 ||
	    (options->before != NULL && zone_load(options, options->before, &before) != 0))
		goto done;
	if (!options->no_proof && fit(plain) < 0) {
		status = CMD_NO;
		goto done;
	}
	if (publish_sign(plain, before, &options->signing, &zone, &result) != 0) {
		fprintf(stderr, "banyan sign: %s\n", result.text);
		goto done;
	}
	int rc = options->no_proof ? 0 : prove(options, zone);
	status = rc == 0 ? CMD_OK : rc == BANYAN_EPROOF ? CMD_NO : CMD_ERROR;
	if (status == CMD_OK && zone_store(options, zone) < 0)
		status = CMD_ERROR;
	if (status == CMD_OK && !options->quiet)
		tell(zone, &result);
done:
	zone_free(plain);
	zone_free(before);
	zone_free(zone);
	return status;
}

int cmd_sign(int argc, char **argv)
{
	struct sign_options options;
	process_guard();
	int read = sign_options_read(argc, argv, &options);
	int status = CMD_ERROR;
	if (read == SIGN_OPTIONS_HELP) {
		fputs(help, stdout);
		status = CMD_OK;
	} else if (read == SIGN_OPTIONS_GOOD) {
		status = sign_run(&options);
	}
	sign_options_done(&options);
	return status;
}
