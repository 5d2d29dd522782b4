// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan publish: makes editions of zones: signed, digested, proved, and only then in their place. */
#include "publish.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "operate/operate.h"
#include "print.h"

static const char help[] =
	"usage: banyan publish [OPTIONS] EDITION.yaml...\n"
	"\n"
	"Makes a version of each edition (docs/editions.md) out of its source: strips what was signed, changes the "
	"apex,\n"
	"signs, digests, proves what came out as `banyan verify` does, and only then puts it in its place: a zone file "
	"for\n"
	"servers, a tree for web servers. What goes wrong is a refusal with its reason, and the version before stays.\n"
	"\n"
	"  --source SOURCE   in place of source.from: a file, or as for the sources of banyan.yaml(5) (xfr:HOST ...)\n"
	"  --once            make a version if there is anything new, and end; the default\n"
	"  --watch           go on: follow the source, sign anew what would expire, let keys roll\n"
	"  --check           make and prove it, but write nothing\n"
	"  --force           a new version, also when nothing has changed\n"
	"  --accept-shrink   the source may have lost more than source.shrink-max\n"
	"  --accept-serial   the serial of the source may have gone back\n"
	"  --at TIME         the time instead of now: UNIX seconds or ISO 8601\n"
	"  --json            one JSON object a line\n"
	"  --help            this\n"
	"\n"
	"Exit status: 0 done, or nothing to do; 1 refused, or published and not all of it written, the tree say: a "
	"warning\n"
	"tells, and the next run tries again; 2 it could not begin.\n"
	"\n"
	"JSON keys: edition, zone, outcome (published | unchanged | refused | checked), reason (code or null), why, "
	"warning,\n"
	"serial, source_serial, records, signatures {made, kept, dropped}, sign_anew_at, sign_ms, prove_ms, ms.\n";

int64_t publish_now(const struct publish_run *run)
{
	return run->at != 0 ? run->at : clock_wall_s();
}

/* ---- telling ---- */

static const char *label(const struct publishing *p)
{
	return p->settings.name[0] != '\0' ? p->settings.name : p->config->path;
}

static void tell_json(const struct publishing *p, const struct edition_result *r, const char *outcome)
{
	char zone[WIRE_NAME_TEXT_MAX], at[32];
	bool signs = r->sign.next != 0 && r->sign.next != INT64_MAX;
	printf("{");
	print_json_optional("edition", p->settings.name);
	printf(", ");
	print_json_optional("zone", wire_name_text(p->settings.zone, zone));
	printf(", \"outcome\": \"%s\", ", outcome);
	print_json_optional("reason", r->outcome == EDITION_REFUSED ? reason_code(r->reason) : "");
	printf(", ");
	print_json_optional("why", r->why);
	printf(", ");
	print_json_optional("warning", r->warning);
	printf(", \"serial\": %" PRIu32 ", \"source_serial\": %" PRIu32 ", \"records\": %zu, ", r->serial,
	       r->source_serial, r->records);
	printf("\"signatures\": {\"made\": %zu, \"kept\": %zu, \"dropped\": %zu}, ", r->sign.made, r->sign.kept,
	       r->sign.dropped);
	print_json_optional("sign_anew_at", signs ? clock_format(r->sign.next, at) : "");
	printf(", \"sign_ms\": %.3f, \"prove_ms\": %.3f, \"ms\": %.3f}\n", (double)r->sign_ns / 1e6,
	       (double)r->prove_ns / 1e6, (double)r->whole_ns / 1e6);
	fflush(stdout);
}

static void tell_text(const struct publishing *p, const struct edition_result *r)
{
	char at[32];
	if (r->outcome == EDITION_UNCHANGED) {
		if (!p->run->watch)
			printf("%s: nothing new: serial %" PRIu32 " is what it would be\n", label(p), r->serial);
	} else {
		printf("%s: serial %" PRIu32 " of source %" PRIu32
		       " %s: %zu records, %zu signatures made, %zu kept, %zu dropped; "
		       "signed in %.1f ms, proved in %.1f ms",
		       label(p), r->serial, r->source_serial, p->run->check ? "would be published" : "published",
		       r->records, r->sign.made, r->sign.kept, r->sign.dropped, (double)r->sign_ns / 1e6,
		       (double)r->prove_ns / 1e6);
		if (r->sign.next != INT64_MAX)
			printf("; to be signed anew at %s", clock_format(r->sign.next, at));
		printf("\n");
	}
	fflush(stdout);
}

void publish_tell_refusal(struct publishing *p, enum reason reason, const char *why)
{
	p->status = CMD_NO;
	if (strcmp(p->told, why) == 0)
		return;
	snprintf(p->told, sizeof p->told, "%s", why);
	if (p->run->json) {
		struct edition_result result = {.outcome = EDITION_REFUSED,
						.reason = reason,
						.serial =
							p->edition != NULL ? edition_state_of(p->edition)->serial : 0};
		snprintf(result.why, sizeof result.why, "%s", why);
		tell_json(p, &result, "refused");
	} else {
		fprintf(stderr, "banyan publish: %s: %s (%s)\n", label(p), why, reason_code(reason));
	}
}

static void tell(struct publishing *p, const struct edition_result *r)
{
	static const char *const words[] = {[EDITION_PUBLISHED] = "published", [EDITION_UNCHANGED] = "unchanged"};
	if (r->outcome == EDITION_REFUSED) {
		publish_tell_refusal(p, r->reason, r->why);
		return;
	}
	bool quiet = p->run->watch && r->outcome == EDITION_UNCHANGED && r->warning[0] == '\0';
	p->status = r->unfinished ? CMD_NO : CMD_OK;
	p->told[0] = '\0';
	if (p->run->json && !quiet)
		tell_json(p, r, p->run->check && r->outcome == EDITION_PUBLISHED ? "checked" : words[r->outcome]);
	else if (!p->run->json)
		tell_text(p, r);
	if (r->warning[0] != '\0' && !p->run->json)
		fprintf(stderr, "banyan publish: %s: %s\n", label(p), r->warning);
}

int publish_once(struct publishing *p, const struct zone *source, const char *lost)
{
	_cleanup_(base_free) struct edition_result *result = calloc(1, sizeof *result);
	if (result == NULL)
		return BANYAN_ENOMEM;
	int rc = edition_run(p->edition, source, &p->run->request, publish_now(p->run), result);
	if (lost != NULL && result->outcome == EDITION_UNCHANGED && result->warning[0] == '\0')
		return rc;
	if (lost != NULL && lost[0] != '\0' && result->outcome == EDITION_PUBLISHED && result->warning[0] == '\0')
		snprintf(result->warning, sizeof result->warning,
			 "this version is made of what was taken of the source before, since it cannot be had now: "
			 "%.700s",
			 lost);
	tell(p, result);
	return rc;
}

/* ---- once ---- */

/* What is due is made of what was taken of the source before; the refusal stands all the same. */
static void once_without(struct publishing *p, const char *lost)
{
	if (p->accepted.zone != NULL && !p->run->request.force)
		publish_once(p, p->accepted.zone, lost);
	p->status = CMD_NO;
}

static void on_source(struct publishing *p, enum publish_source_outcome outcome, enum reason reason, const char *why)
{
	if (outcome == PUBLISH_SOURCE_FAILED) {
		once_without(p, why);
		publish_tell_refusal(p, reason, why);
		return;
	}
	/* it has nothing newer than what was taken of it, or is a file that is read each time */
	const struct zone *source = outcome == PUBLISH_SOURCE_NEW ? p->candidate.zone : p->accepted.zone;
	if (publish_once(p, source, NULL) == BANYAN_EPROOF && outcome == PUBLISH_SOURCE_NEW)
		once_without(p, p->told);
}

static int run_once(struct publish_run *run)
{
	int status = CMD_OK;
	for (size_t i = 0; i < run->n; i++) {
		struct publishing *p = &run->item[i];
		if (publish_source_ask(p, on_source) < 0) {
			publish_tell_refusal(p, REASON_SOURCE_UNREADABLE,
					     "out of memory or of descriptors: the source cannot be asked");
			return CMD_ERROR;
		}
		uv_run(&run->loop, UV_RUN_DEFAULT);
		status = p->status > status ? p->status : status;
	}
	return status;
}

/* ---- options ---- */

enum {
	OPTION_SOURCE = 256,
	OPTION_ONCE,
	OPTION_WATCH,
	OPTION_CHECK,
	OPTION_FORCE,
	OPTION_SHRINK,
	OPTION_SERIAL,
	OPTION_AT,
	OPTION_JSON,
	OPTION_HELP
};

static int take_option(struct publish_run *run, int option, const char *value)
{
	switch (option) {
	case OPTION_SOURCE:
		run->source = value;
		return CMD_OK;
	case OPTION_ONCE:
		run->watch = false;
		return CMD_OK;
	case OPTION_WATCH:
		run->watch = true;
		return CMD_OK;
	case OPTION_CHECK:
		run->check = run->request.dry = true;
		return CMD_OK;
	case OPTION_FORCE:
		run->request.force = true;
		return CMD_OK;
	case OPTION_SHRINK:
		run->request.accept_shrink = true;
		return CMD_OK;
	case OPTION_SERIAL:
		run->request.accept_serial = true;
		return CMD_OK;
	case OPTION_JSON:
		run->json = true;
		return CMD_OK;
	case OPTION_AT:
		if (clock_parse(value, &run->at) == 0)
			return CMD_OK;
		fprintf(stderr, "banyan publish: --at takes UNIX seconds or ISO 8601, not '%s'\n", value);
		return CMD_ERROR;
	default:
		fprintf(stderr, "`banyan publish --help` tells what is allowed\n");
		return CMD_ERROR;
	}
}

static int options_check(const struct publish_run *run)
{
	const char *wrong = NULL;
	if (run->watch && (run->request.force || run->request.accept_shrink || run->request.accept_serial))
		wrong = "--watch goes on for long, and --force, --accept-shrink, --accept-serial are for one version: "
			"end "
			"the watch that runs, run once with them, and start it again";
	else if (run->watch && (run->at != 0 || run->check))
		wrong = "--watch goes by the clock and writes; --at and --check are for one version";
	if (wrong != NULL)
		fprintf(stderr, "banyan publish: %s\n", wrong);
	return wrong != NULL ? CMD_ERROR : CMD_OK;
}

static int edition_begin(struct publishing *p, const char *path)
{
	struct config_error error;
	char why[EDITION_WHY_MAX];
	if (config_edition_read_file(path, &p->config, &error) < 0) {
		fprintf(stderr, "banyan publish: %s\n", error.text);
		return CMD_ERROR;
	}
	int status = publish_settings_make(p);
	if (status == CMD_OK && edition_open(&p->settings, &p->edition, why) < 0) {
		fprintf(stderr, "banyan publish: %s: %s\n", path, why);
		status = CMD_ERROR;
	}
	if (status == CMD_OK)
		publish_source_kept(p);
	return status;
}

static void run_done(struct publish_run *run)
{
	for (size_t i = 0; i < run->n; i++) {
		struct publishing *p = &run->item[i];
		publish_source_cancel(p);
		edition_close(p->edition);
		publish_copy_done(&p->accepted);
		publish_copy_done(&p->candidate);
		publish_settings_done(p);
		config_edition_free(p->config);
	}
	free(run->item);
	uv_run(&run->loop, UV_RUN_DEFAULT);
	uv_loop_close(&run->loop);
}

static int run_all(struct publish_run *run, int n, char **path)
{
	int status = options_check(run);
	if (status != CMD_OK)
		return status;
	if (n < 1 || n > PUBLISH_EDITIONS_MAX) {
		fprintf(stderr,
			"banyan publish: give the description of an edition, or of several, at most %d; "
			"`banyan publish --help` tells more\n",
			PUBLISH_EDITIONS_MAX);
		return CMD_ERROR;
	}
	run->item = calloc((size_t)n, sizeof *run->item);
	if (run->item == NULL || uv_loop_init(&run->loop) < 0) {
		free(run->item);
		return CMD_ERROR;
	}
	for (int i = 0; i < n && status == CMD_OK; i++) {
		struct publishing *p = &run->item[run->n++];
		p->run = run;
		p->accepted.fd = p->candidate.fd = -1;
		status = edition_begin(p, path[i]);
	}
	if (status == CMD_OK)
		status = run->watch ? publish_watch(run) : run_once(run);
	run_done(run);
	return status;
}

int cmd_publish(int argc, char **argv)
{
	static const struct option options[] = {
		{"source", required_argument, NULL, OPTION_SOURCE},
		{"once", no_argument, NULL, OPTION_ONCE},
		{"watch", no_argument, NULL, OPTION_WATCH},
		{"check", no_argument, NULL, OPTION_CHECK},
		{"force", no_argument, NULL, OPTION_FORCE},
		{"accept-shrink", no_argument, NULL, OPTION_SHRINK},
		{"accept-serial", no_argument, NULL, OPTION_SERIAL},
		{"at", required_argument, NULL, OPTION_AT},
		{"json", no_argument, NULL, OPTION_JSON},
		{"help", no_argument, NULL, OPTION_HELP},
		{NULL, 0, NULL, 0},
	};
	struct publish_run run = {0};
	int status = CMD_OK;
	if (argc == 2 && strcmp(argv[1], PUBLISH_TAKER_OPTION) == 0)
		return publish_take();
	process_guard();
	optind = 1;
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == OPTION_HELP) {
			fputs(help, stdout);
			return CMD_OK;
		}
		status = take_option(&run, option, optarg);
		if (status != CMD_OK)
			return status;
	}
	return run_all(&run, argc - optind, argv + optind);
}
