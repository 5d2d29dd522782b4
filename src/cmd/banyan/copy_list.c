// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan copy list: the generations of a zone that a folder holds, whether or not a daemon has it open. */
#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "sync/keep/keep.h"
#include "print.h"

static const char help[] =
	"usage: banyan copy list [--json] DIR\n"
	"\n"
	"Shows the generations of a zone that banyand keeps in the folder DIR: which is current, how old each is, "
	"until\n"
	"when it may be used, where it came from and how it was proved. Reads all of them and says which are damaged.\n"
	"Changes nothing, and may be called while a daemon has the folder open. `banyan verify DIR/NUMBER.wire` "
	"proves\n"
	"one of them again.\n"
	"\n"
	"  --json  one JSON object\n"
	"\n"
	"Exit status: 0 there is a current generation and none is damaged, 1 otherwise, 2 the folder cannot be read.\n"
	"\n"
	"JSON keys: folder, zone, current (number or null), rolled_back, highest (serial or null), generations "
	"[{number,\n"
	"serial, current, fetched, proved, usable_until, first_expiry, last_inception, refresh_s, retry_s, expire_s,\n"
	"records, zonemd {scheme, algorithm, digest} or null, edition, valid_from, valid_until (each if it says so),\n"
	"source, proof}], damaged [{number, words}].\n";

/* As the daemon sees it: signatures, the dates of its edition, and the SOA's expire counted from when it was fetched. */
static int64_t usable_until(const struct keep_about *about)
{
	int64_t from = about->fetched_at != 0 ? about->fetched_at : about->proved_at;
	int64_t until = from + about->expire_s;
	if (about->valid_until != 0 && about->valid_until < until)
		until = about->valid_until;
	return about->first_expiry != 0 && about->first_expiry < until ? about->first_expiry : until;
}

/* ---- text ---- */

static void print_text(const struct keep *keep, const char *dir, int64_t now)
{
	uint32_t highest;
	uint64_t number;
	const char *words;
	char date[32], span[32], from[32];
	printf("%s: zone %s, %zu generation%s", dir, keep_zone(keep), keep_count(keep),
	       keep_count(keep) == 1 ? "" : "s");
	if (keep_highest(keep, &highest))
		printf(", no serial older than %u is taken", highest);
	printf("%s\n", keep_is_rolled_back(keep) ? ", rolled back" : "");
	for (size_t i = 0; i < keep_count(keep); i++) {
		const struct keep_about *about = keep_about_at(keep, i);
		int64_t until = usable_until(about);
		printf("%s %llu  serial %u, fetched %s ago", about->number == keep_current(keep) ? "*" : " ",
		       (unsigned long long)about->number, about->serial,
		       clock_span(now > about->fetched_at ? now - about->fetched_at : 0, span));
		printf(", %s %s\n", until > now ? "usable until" : "EXPIRED at", clock_format(until, date));
		if (about->edition[0] != '\0' || about->valid_until != 0)
			printf("     edition %s", about->edition[0] != '\0' ? about->edition : "without a name");
		if (about->valid_until != 0)
			printf(", valid from %s until %s", clock_format(about->valid_from, from),
			       clock_format(about->valid_until, date));
		printf("%s", about->edition[0] != '\0' || about->valid_until != 0 ? "\n" : "");
		printf("     from %s\n     %s\n",
		       about->source[0] != '\0' ? about->source : "a source that is not known", about->proof);
	}
	for (size_t i = 0; (words = keep_damaged_at(keep, i, &number)) != NULL; i++)
		printf("! %llu  DAMAGED: %s\n", (unsigned long long)number, words);
	if (keep_current(keep) == 0)
		printf("no generation is current: whoever opens the folder fetches the zone anew\n");
}

/* ---- JSON ---- */

static void json_text(const char *key, const char *value, const char *behind)
{
	print_json_member(key, value);
	printf("%s", behind);
}

static void json_time(const char *key, int64_t unix_s)
{
	char date[32];
	if (unix_s == 0)
		printf("\"%s\": null, ", key);
	else
		json_text(key, clock_format(unix_s, date), ", ");
}

static void json_zonemd(const struct keep_about *about)
{
	if (about->zonemd_len == 0) {
		printf("\"zonemd\": null, ");
		return;
	}
	printf("\"zonemd\": {\"scheme\": %u, \"algorithm\": %u, \"digest\": \"", about->zonemd_scheme,
	       about->zonemd_algorithm);
	for (size_t i = 0; i < about->zonemd_len; i++)
		printf("%02x", about->zonemd[i]);
	printf("\"}, ");
}

static void json_generation(const struct keep_about *about, bool current)
{
	printf("{\"number\": %llu, \"serial\": %u, \"current\": %s, ", (unsigned long long)about->number, about->serial,
	       current ? "true" : "false");
	json_time("fetched", about->fetched_at);
	json_time("proved", about->proved_at);
	json_time("usable_until", usable_until(about));
	json_time("first_expiry", about->first_expiry);
	json_time("last_inception", about->last_inception);
	printf("\"refresh_s\": %u, \"retry_s\": %u, \"expire_s\": %u, \"records\": %zu, ", about->refresh_s,
	       about->retry_s, about->expire_s, about->records);
	json_zonemd(about);
	if (about->edition[0] != '\0')
		json_text("edition", about->edition, ", ");
	if (about->valid_until != 0) {
		json_time("valid_from", about->valid_from);
		json_time("valid_until", about->valid_until);
	}
	json_text("source", about->source, ", ");
	json_text("proof", about->proof, "}");
}

static void print_json(const struct keep *keep, const char *dir)
{
	uint32_t highest;
	uint64_t number;
	const char *words;
	printf("{");
	json_text("folder", dir, ", ");
	json_text("zone", keep_zone(keep), ", ");
	if (keep_current(keep) != 0)
		printf("\"current\": %llu, ", (unsigned long long)keep_current(keep));
	else
		printf("\"current\": null, ");
	printf("\"rolled_back\": %s, ", keep_is_rolled_back(keep) ? "true" : "false");
	if (keep_highest(keep, &highest))
		printf("\"highest\": %u,\n", highest);
	else
		printf("\"highest\": null,\n");
	printf(" \"generations\": [");
	for (size_t i = 0; i < keep_count(keep); i++) {
		const struct keep_about *about = keep_about_at(keep, i);
		printf("%s\n  ", i > 0 ? "," : "");
		json_generation(about, about->number == keep_current(keep));
	}
	printf("],\n \"damaged\": [");
	for (size_t i = 0; (words = keep_damaged_at(keep, i, &number)) != NULL; i++) {
		printf("%s\n  {\"number\": %llu, ", i > 0 ? "," : "", (unsigned long long)number);
		json_text("words", words, "}");
	}
	printf("]}\n");
}

/* ---- the command ---- */

int cmd_copy_list(int argc, char **argv)
{
	enum { OPTION_JSON = 256, OPTION_HELP };
	static const struct option options[] = {
		{"json", no_argument, NULL, OPTION_JSON}, {"help", no_argument, NULL, OPTION_HELP}, {NULL, 0, NULL, 0}};
	bool json = false;
	optind = 1;
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == OPTION_HELP) {
			fputs(help, stdout);
			return CMD_OK;
		}
		if (option != OPTION_JSON) {
			fprintf(stderr, "`banyan copy list --help` tells what is allowed\n");
			return CMD_ERROR;
		}
		json = true;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "banyan copy list: give one folder; `banyan copy list --help` tells more\n");
		return CMD_ERROR;
	}
	struct keep_settings settings = {.look_only = true};
	struct keep *keep;
	char why[KEEP_WHY_MAX];
	uint64_t number;
	log_set_level(LOG_LEVEL_ERROR); /* what is damaged is in the list */
	if (keep_open(argv[optind], NULL, &settings, &keep, why) < 0) {
		fprintf(stderr, "banyan copy list: %s\n", why);
		return CMD_ERROR;
	}
	if (json)
		print_json(keep, argv[optind]);
	else
		print_text(keep, argv[optind], clock_wall_s());
	bool good = keep_current(keep) != 0 && keep_damaged_at(keep, 0, &number) == NULL;
	keep_close(keep);
	return good ? CMD_OK : CMD_NO;
}
