// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan verify: proves a zone file and says why, or why not. */
#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "zone/zone.h"
#include "print.h"

#define FINDINGS_MAX        1000 /* kept for the report; the rest is counted */
#define FINDINGS_PER_REASON 10   /* shown of one reason in the text report */
#define VERIFY_THREADS_MAX  64

/* What is reported by itself. */
enum part { PART_STRUCTURE, PART_KEYS, PART_SIGNATURES, PART_DENIAL, PART_ZONEMD, PART_COUNT };
static const char *const part_names[PART_COUNT] = {"structure", "keys", "signatures", "denial", "zonemd"};

enum state { STATE_GOOD, STATE_FAILED, STATE_ABSENT, STATE_NOT_CHECKED };
static const char *const state_names[] = {"good", "failed", "absent", "not-checked"};

struct finding {
	enum reason reason;
	bool fatal;
	unsigned long line;
	char *record, *text; /* "example. NS" */
};

struct verify {
	/* asked */
	const char *path;
	uint8_t origin[WIRE_NAME_MAX];
	int64_t now;
	unsigned threads;
	bool json, digest_only, require_zonemd, known_only, refuse_sha1, include;
	const char *edition; /* NULL = any, at any time */
	struct dnssec_anchors anchors;
	bool anchors_given;
	/* found */
	struct finding finding[FINDINGS_MAX];
	size_t n_findings, n_by_reason[REASON_COUNT];
	enum reason part_reason[PART_COUNT]; /* the first fatal one of each */
	struct zone *zone;
	struct zone_proof proof;
	int64_t read_ns, prove_ns;
};

static const char help[] =
	"usage: banyan verify [OPTIONS] FILE\n"
	"\n"
	"Proves a zone file (master file; also .zst and .gz; - is standard input): structure, keys by the\n"
	"trust anchors, every signature, the NSEC or NSEC3 chain, the digest of the whole zone (ZONEMD).\n"
	"\n"
	"  --at TIME         prove it as of TIME: UNIX seconds or ISO 8601 (2026-08-01T01:00:00Z); default: now\n"
	"  --anchor FILE     trust anchors: DS or DNSKEY records; may be repeated. Default for the root: the\n"
	"                    built-in anchors 20326 and 38696\n"
	"  --origin NAME     the zone's name; default: the root\n"
	"  --require zonemd  do not accept a zone without ZONEMD, even if its absence is proved\n"
	"  --require known   do not accept records or keys whose type or algorithm is not known here\n"
	"  --edition NAME    it must be this edition, by the TXT at its apex, and the time of the proof within its\n"
	"                    dates; an empty name: it must be none. Default: any, at any time\n"
	"  --digest-only     check structure and ZONEMD alone (for unsigned zones; proves integrity, not origin)\n"
	"  --refuse-sha1     do not count algorithms 5 and 7 and DS digest 1 (RFC 9905)\n"
	"  --include         allow $INCLUDE\n"
	"  --threads N       default: one a CPU\n"
	"  --json            the report as one JSON object\n"
	"\n"
	"Exit status: 0 proved, 1 not proved, 2 cannot be read.\n"
	"\n"
	"JSON keys: file, zone, outcome (proved | not-proved | unreadable), reason (code or null), words,\n"
	"serial, at, records, rrsets, names, signatures, signatures_good, duplicates, out_of_zone, denial\n"
	"(nsec | nsec3 | nsec3-opt-out | null), anchor_tag, zonemd (proved | absent-proved | not-proved |\n"
	"matches-unsigned), edition, valid_from, valid_until (each or null), first_expiry {at, record, line}, "
	"last_inception, unprotected, checks {structure,\n"
	"keys, signatures, denial, zonemd: {state (good | failed | absent | not-checked), reason}}, findings\n"
	"[{reason, fatal, record, line, text}], findings_by_reason {CODE: number}, read_ms, prove_ms.\n"
	"When unreadable: file, outcome, reason, words, line, text.\n";

static enum part part_of(enum reason reason)
{
	if (reason >= REASON_ZONEMD_ABSENT && reason <= REASON_ZONEMD_MISMATCH)
		return PART_ZONEMD;
	if (reason >= REASON_NSEC_MISSING && reason <= REASON_DENIAL_MIXED)
		return PART_DENIAL;
	if (reason == REASON_ALGORITHM_UNSUPPORTED || (reason >= REASON_RRSIG_MISSING && reason <= REASON_RRSIG_STRAY))
		return PART_SIGNATURES;
	if (reason == REASON_DNSKEY_MISSING || reason == REASON_ANCHOR_NO_MATCH ||
	    reason == REASON_DIGEST_UNSUPPORTED || reason == REASON_ZONE_UNSIGNED)
		return PART_KEYS;
	return PART_STRUCTURE;
}

static void on_finding(void *ctx, const struct zone_finding *f)
{
	struct verify *v = ctx;
	char name[WIRE_NAME_TEXT_MAX] = "", type[16] = "", record[WIRE_NAME_TEXT_MAX + 32];
	v->n_by_reason[f->reason]++;
	if (f->fatal && v->part_reason[part_of(f->reason)] == REASON_NONE)
		v->part_reason[part_of(f->reason)] = f->reason;
	if (v->n_findings == FINDINGS_MAX)
		return;
	if (f->owner != NULL)
		wire_name_text(f->owner, name);
	if (f->type != 0)
		wire_type_text(f->type, type);
	snprintf(record, sizeof record, "%s%s%s", name, f->type != 0 ? " " : "", type);
	struct finding *to = &v->finding[v->n_findings++];
	*to = (struct finding){.reason = f->reason, .fatal = f->fatal, .line = f->line};
	to->record = strdup(record);
	to->text = strdup(f->text != NULL ? f->text : "");
}

static enum state part_state(const struct verify *v, enum part part)
{
	const struct dnssec_zone_result *r = &v->proof.dnssec;
	if (v->part_reason[part] != REASON_NONE)
		return STATE_FAILED;
	if (part == PART_STRUCTURE)
		return STATE_GOOD;
	if (part == PART_ZONEMD)
		return r->zonemd == DNSSEC_ZONEMD_PROVED || r->zonemd == DNSSEC_ZONEMD_UNSIGNED_OK ? STATE_GOOD
		       : r->zonemd_reason == REASON_ZONEMD_ABSENT                                  ? STATE_ABSENT
												   : STATE_FAILED;
	if (v->digest_only || !r->signed_zone)
		return STATE_NOT_CHECKED;
	return STATE_GOOD;
}

static const char *denial_word(const struct verify *v)
{
	const struct dnssec_zone_result *r = &v->proof.dnssec;
	if (v->digest_only || !r->signed_zone)
		return NULL;
	return !r->nsec3 ? "nsec" : r->opt_out ? "nsec3-opt-out" : "nsec3";
}

static const char *unprotected_words(const struct verify *v)
{
	if (!v->proof.proved)
		return "everything: the zone is not proved";
	if (v->digest_only)
		return "the origin: the digest matches, but nothing here proves who made it";
	if (v->proof.dnssec.zonemd == DNSSEC_ZONEMD_PROVED)
		return "nothing: the signed digest covers every record";
	return "delegations and glue: no signature covers them, and the zone has no ZONEMD";
}

/* ---- text ---- */
static void print_findings(const struct verify *v, bool fatal)
{
	size_t shown[REASON_COUNT] = {0};
	for (size_t i = 0; i < v->n_findings; i++) {
		const struct finding *f = &v->finding[i];
		if (f->fatal != fatal || shown[f->reason]++ >= FINDINGS_PER_REASON)
			continue;
		printf("  %s: %s", reason_code(f->reason), f->record);
		if (f->line > 0)
			printf(" (line %lu)", f->line);
		printf(": %s; %s\n", reason_words(f->reason), f->text);
	}
	for (size_t r = 0; r < REASON_COUNT; r++)
		if (shown[r] > FINDINGS_PER_REASON)
			printf("  %s: and %zu more\n", reason_code((enum reason)r),
			       v->n_by_reason[r] - FINDINGS_PER_REASON);
}

static void print_part(const struct verify *v, enum part part)
{
	const struct dnssec_zone_result *r = &v->proof.dnssec;
	enum state state = part_state(v, part);
	printf("  %-11s %s", part_names[part], state == STATE_NOT_CHECKED ? "not checked" : state_names[state]);
	if (state == STATE_FAILED) {
		printf(": %s (%s)\n", reason_words(v->part_reason[part]), reason_code(v->part_reason[part]));
		return;
	}
	if (part == PART_KEYS && state == STATE_GOOD)
		printf(": the trust anchor with tag %u is a key that signs the key set", r->anchor_tag);
	else if (part == PART_SIGNATURES && state == STATE_GOOD)
		printf(": %zu of %zu verify", r->signatures_good, r->signatures);
	else if (part == PART_DENIAL && state == STATE_GOOD)
		printf(": the %s chain is complete and its bitmaps are true%s", r->nsec3 ? "NSEC3" : "NSEC",
		       r->opt_out ? "; opt-out: insecure delegations may come and go unproved" : "");
	else if (part == PART_ZONEMD && state == STATE_GOOD)
		printf(": the digest is that of the zone");
	else if (part == PART_ZONEMD && state == STATE_ABSENT)
		printf(": the zone has no ZONEMD%s",
		       r->zonemd == DNSSEC_ZONEMD_ABSENT_PROVED ? ", and that is proved" : "");
	printf("\n");
}

/* The record that expires first: "RRSIG over SOA of ." */
static int first_expiry_record(const struct verify *v, char *out, size_t size)
{
	size_t index = v->proof.dnssec.first_expiry_index;
	char name[WIRE_NAME_TEXT_MAX], type[16];
	if (index >= v->zone->n_sets)
		return BANYAN_ENOENT;
	const struct wire_rrset *set = &v->zone->set[index];
	if (set->rdata[0].len < 2)
		return BANYAN_EMALF;
	snprintf(out, size, "RRSIG over %s of %s", wire_type_text(wire_get16(set->rdata[0].data), type),
		 wire_name_text(set->owner, name));
	return 0;
}

static void print_edition(const struct verify *v)
{
	const struct zone_edition *e = &v->proof.edition;
	char from[32], until[32];
	if (e->name[0] == '\0' && e->valid_until == 0)
		return;
	printf("  edition     %s", e->name[0] != '\0' ? e->name : "without a name");
	if (e->valid_until != 0)
		printf(", valid from %s until %s", clock_format(e->valid_from, from),
		       clock_format(e->valid_until, until));
	printf("\n");
}

static void print_text(const struct verify *v)
{
	const struct dnssec_zone_result *r = &v->proof.dnssec;
	char name[WIRE_NAME_TEXT_MAX], record[WIRE_NAME_TEXT_MAX + 64], at[32], expiry[32];
	printf("%s: %s", v->path, v->proof.proved ? "proved" : "NOT proved");
	if (!v->proof.proved)
		printf(": %s (%s)", reason_words(v->proof.reason), reason_code(v->proof.reason));
	else if (v->digest_only)
		printf(" by its digest alone");
	else if (r->zonemd == DNSSEC_ZONEMD_ABSENT_PROVED)
		printf(" without its delegations and glue");
	printf("\n  zone        %s, serial %u: %zu records, %zu names, %zu signatures\n",
	       wire_name_text(v->zone->apex, name), v->zone->serial, v->zone->n_records, v->zone->n_nodes,
	       r->signatures);
	for (unsigned part = 0; part < PART_COUNT; part++)
		print_part(v, (enum part)part);
	print_edition(v);
	printf("  as of       %s\n", clock_format(v->now, at));
	if (!v->digest_only && first_expiry_record(v, record, sizeof record) == 0)
		printf("  good until  %s: then the first signature expires, the %s (line %u)\n",
		       clock_format(r->first_expiry, expiry), record, v->zone->line[r->first_expiry_index]);
	printf("  unprotected %s\n", unprotected_words(v));
	printf("  time        %.1f ms: %.1f reading, %.1f proving\n", (double)(v->read_ns + v->prove_ns) / 1e6,
	       (double)v->read_ns / 1e6, (double)v->prove_ns / 1e6);
	if (!v->proof.proved) {
		printf("why not:\n");
		print_findings(v, true);
	}
	for (size_t i = 0; i < v->n_findings; i++)
		if (!v->finding[i].fatal) {
			printf("remarks:\n");
			print_findings(v, false);
			break;
		}
}

/* ---- JSON ---- */
static void json_reason(const char *key, enum reason reason)
{
	print_json_member(key, reason != REASON_NONE ? reason_code(reason) : NULL);
}

static void json_findings(const struct verify *v)
{
	bool first = true;
	printf("  \"findings\": [");
	for (size_t i = 0; i < v->n_findings; i++) {
		const struct finding *f = &v->finding[i];
		printf("%s\n    {", i > 0 ? "," : "");
		json_reason("reason", f->reason);
		printf(", \"fatal\": %s, ", f->fatal ? "true" : "false");
		print_json_member("record", f->record);
		printf(", \"line\": %lu, ", f->line);
		print_json_member("text", f->text);
		printf("}");
	}
	printf("],\n  \"findings_by_reason\": {");
	for (size_t r = 0; r < REASON_COUNT; r++)
		if (v->n_by_reason[r] > 0) {
			printf("%s\"%s\": %zu", first ? "" : ", ", reason_code((enum reason)r), v->n_by_reason[r]);
			first = false;
		}
	printf("},\n");
}

static void json_expiry(const struct verify *v)
{
	const struct dnssec_zone_result *r = &v->proof.dnssec;
	char record[WIRE_NAME_TEXT_MAX + 64], time[32];
	if (v->digest_only || first_expiry_record(v, record, sizeof record) < 0) {
		printf("  \"first_expiry\": null, \"last_inception\": null,\n");
		return;
	}
	printf("  \"first_expiry\": {");
	print_json_member("at", clock_format(r->first_expiry, time));
	printf(", ");
	print_json_member("record", record);
	printf(", \"line\": %u}, ", v->zone->line[r->first_expiry_index]);
	print_json_member("last_inception", clock_format(r->last_inception, time));
	printf(",\n");
}

static void json_edition(const struct verify *v)
{
	const struct zone_edition *e = &v->proof.edition;
	char time[32];
	printf("  ");
	print_json_member("edition", e->name[0] != '\0' ? e->name : NULL);
	printf(", ");
	print_json_member("valid_from", e->valid_from != 0 ? clock_format(e->valid_from, time) : NULL);
	printf(", ");
	print_json_member("valid_until", e->valid_until != 0 ? clock_format(e->valid_until, time) : NULL);
	printf(",\n");
}

static void print_json(const struct verify *v)
{
	static const char *const zonemd_words[] = {
		[DNSSEC_ZONEMD_PROVED] = "proved",
		[DNSSEC_ZONEMD_ABSENT_PROVED] = "absent-proved",
		[DNSSEC_ZONEMD_NOT_PROVED] = "not-proved",
		[DNSSEC_ZONEMD_UNSIGNED_OK] = "matches-unsigned",
	};
	const struct dnssec_zone_result *r = &v->proof.dnssec;
	char name[WIRE_NAME_TEXT_MAX], at[32];
	printf("{\n  ");
	print_json_member("file", v->path);
	printf(", ");
	print_json_member("zone", wire_name_text(v->zone->apex, name));
	printf(",\n  ");
	print_json_member("outcome", v->proof.proved ? "proved" : "not-proved");
	printf(", ");
	json_reason("reason", v->proof.reason);
	printf(", ");
	print_json_member("words", v->proof.reason != REASON_NONE ? reason_words(v->proof.reason) : NULL);
	printf(",\n  \"serial\": %u, ", v->zone->serial);
	print_json_member("at", clock_format(v->now, at));
	printf(",\n  \"records\": %zu, \"rrsets\": %zu, \"names\": %zu, \"signatures\": %zu, \"signatures_good\": "
	       "%zu,\n",
	       v->zone->n_records, r->rrsets, v->zone->n_nodes, r->signatures, r->signatures_good);
	printf("  \"duplicates\": %zu, \"out_of_zone\": %zu, ", v->zone->n_duplicates, v->zone->n_out_of_zone);
	print_json_member("denial", denial_word(v));
	if (part_state(v, PART_KEYS) == STATE_GOOD)
		printf(", \"anchor_tag\": %u, ", r->anchor_tag);
	else
		printf(", \"anchor_tag\": null, ");
	print_json_member("zonemd", zonemd_words[r->zonemd]);
	printf(",\n");
	json_edition(v);
	json_expiry(v);
	printf("  ");
	print_json_member("unprotected", unprotected_words(v));
	printf(",\n  \"checks\": {");
	for (unsigned part = 0; part < PART_COUNT; part++) {
		printf("%s\n    \"%s\": {", part > 0 ? "," : "", part_names[part]);
		print_json_member("state", state_names[part_state(v, (enum part)part)]);
		printf(", ");
		json_reason("reason", v->part_reason[part]);
		printf("}");
	}
	printf("},\n");
	json_findings(v);
	printf("  \"read_ms\": %.3f, \"prove_ms\": %.3f\n}\n", (double)v->read_ns / 1e6, (double)v->prove_ns / 1e6);
}

static int print_unreadable(const struct verify *v, const struct zone_error *error)
{
	if (!v->json) {
		fprintf(stderr, "banyan verify: %s (%s)\n", error->text, reason_code(error->reason));
		return CMD_ERROR;
	}
	printf("{");
	print_json_member("file", v->path);
	printf(", ");
	print_json_member("outcome", "unreadable");
	printf(", ");
	json_reason("reason", error->reason);
	printf(", ");
	print_json_member("words", reason_words(error->reason));
	printf(", \"line\": %lu, ", error->line);
	print_json_member("text", error->text);
	printf("}\n");
	return CMD_ERROR;
}

/* ---- the command ---- */
static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "banyan verify: %s '%s'; `banyan verify --help` tells what is allowed\n", what, value);
	return CMD_ERROR;
}

enum verify_option {
	OPTION_AT = 256,
	OPTION_ANCHOR,
	OPTION_ORIGIN,
	OPTION_REQUIRE,
	OPTION_DIGEST,
	OPTION_JSON,
	OPTION_THREADS,
	OPTION_INCLUDE,
	OPTION_SHA1,
	OPTION_EDITION,
	OPTION_HELP
};

static int take_threads(struct verify *v, const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || n > VERIFY_THREADS_MAX)
		return usage_error("--threads takes a number from 0 to 64, not", text);
	v->threads = (unsigned)n;
	return CMD_OK;
}

static int take_anchor(struct verify *v, const char *path)
{
	struct zone_error error;
	v->anchors_given = true;
	if (zone_anchors_read(path, &v->anchors, &error) == 0)
		return CMD_OK;
	fprintf(stderr, "banyan verify: trust anchors: %s (%s)\n", error.text, reason_code(error.reason));
	return CMD_ERROR;
}

static int take_option(struct verify *v, int option, const char *value)
{
	switch (option) {
	case OPTION_AT:
		return clock_parse(value, &v->now) < 0 ? usage_error("--at takes UNIX seconds or ISO 8601, not", value)
						       : CMD_OK;
	case OPTION_ANCHOR:
		return take_anchor(v, value);
	case OPTION_ORIGIN:
		return wire_name_parse(value, v->origin) < 0 ? usage_error("--origin takes a domain name, not", value)
							     : CMD_OK;
	case OPTION_REQUIRE:
		v->require_zonemd |= strcmp(value, "zonemd") == 0;
		v->known_only |= strcmp(value, "known") == 0;
		return strcmp(value, "zonemd") == 0 || strcmp(value, "known") == 0
			       ? CMD_OK
			       : usage_error("--require takes 'zonemd' or 'known', not", value);
	case OPTION_THREADS:
		return take_threads(v, value);
	case OPTION_DIGEST:
		v->digest_only = true;
		return CMD_OK;
	case OPTION_JSON:
		v->json = true;
		return CMD_OK;
	case OPTION_INCLUDE:
		v->include = true;
		return CMD_OK;
	case OPTION_EDITION:
		v->edition = value;
		return value[0] == '\0' || zone_edition_name_good(value)
			       ? CMD_OK
			       : usage_error("--edition takes letters, digits, '-', '_' and '.', not", value);
	case OPTION_SHA1:
		v->refuse_sha1 = true;
		return CMD_OK;
	default:
		fprintf(stderr, "`banyan verify --help` tells what is allowed\n");
		return CMD_ERROR;
	}
}

static int verify_run(struct verify *v)
{
	struct zone_read_settings settings = {.origin = v->origin, .include = v->include};
	struct zone_prove_settings prove = {
		.anchors = &v->anchors,
		.now = v->now,
		.threads = v->threads,
		.digest_only = v->digest_only,
		.require_zonemd = v->require_zonemd,
		.refuse_sha1 = v->refuse_sha1,
		.known_only = v->known_only,
		.edition = v->edition,
		.dates = v->edition != NULL,
		.report = on_finding,
		.report_ctx = v,
	};
	struct zone_error error = {0};
	int64_t start = clock_mono_ns();
	if (zone_read_file(v->path, &settings, NULL, NULL, &v->zone, &error) < 0)
		return print_unreadable(v, &error);
	v->read_ns = clock_mono_ns() - start;
	int rc = zone_prove(v->zone, &prove, &v->proof);
	if (rc < 0) {
		fprintf(stderr, "banyan verify: %s: %s\n", v->path, error_text(rc));
		return CMD_ERROR;
	}
	v->prove_ns = clock_mono_ns() - start - v->read_ns;
	if (v->json)
		print_json(v);
	else
		print_text(v);
	return v->proof.proved ? CMD_OK : CMD_NO;
}

static int verify_main(struct verify *v, int argc, char **argv)
{
	static const struct option options[] = {
		{"at", required_argument, NULL, OPTION_AT},
		{"anchor", required_argument, NULL, OPTION_ANCHOR},
		{"origin", required_argument, NULL, OPTION_ORIGIN},
		{"require", required_argument, NULL, OPTION_REQUIRE},
		{"digest-only", no_argument, NULL, OPTION_DIGEST},
		{"json", no_argument, NULL, OPTION_JSON},
		{"threads", required_argument, NULL, OPTION_THREADS},
		{"include", no_argument, NULL, OPTION_INCLUDE},
		{"edition", required_argument, NULL, OPTION_EDITION},
		{"refuse-sha1", no_argument, NULL, OPTION_SHA1},
		{"help", no_argument, NULL, OPTION_HELP},
		{NULL, 0, NULL, 0},
	};
	int status = CMD_OK;
	v->now = clock_wall_s();
	optind = 1;
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == OPTION_HELP) {
			fputs(help, stdout);
			return CMD_OK;
		}
		status = take_option(v, option, optarg);
		if (status != CMD_OK)
			return status;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "banyan verify: give one zone file; `banyan verify --help` tells more\n");
		return CMD_ERROR;
	}
	v->path = argv[optind];
	if (!v->anchors_given && dnssec_anchors_builtin(&v->anchors) < 0)
		return CMD_ERROR;
	return verify_run(v);
}

int cmd_verify(int argc, char **argv)
{
	struct verify *v = calloc(1, sizeof *v);
	if (v == NULL)
		return CMD_ERROR;
	int status = verify_main(v, argc, argv);
	for (size_t i = 0; i < v->n_findings; i++) {
		free(v->finding[i].record);
		free(v->finding[i].text);
	}
	dnssec_anchors_done(&v->anchors);
	zone_free(v->zone);
	free(v);
	return status;
}
