// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan delta: makes, applies and shows deltas between two versions of a zone. */
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cmd.h"
#include "load.h"
#include "print.h"
#include "sync/files/files.h"

static const char help[] = "usage: banyan delta make [OPTIONS] OLD NEW DELTA\n"
			   "       banyan delta apply [OPTIONS] OLD DELTA NEW\n"
			   "       banyan delta show DELTA\n"
			   "\n"
			   "OLD and NEW are zones: master files or wire forms, packed by zstd or gzip or not.\n"
			   "apply writes NEW in its wire form, byte for byte what the delta was made for. What\n"
			   "is written goes to standard output where its name is `-`.\n"
			   "\n"
			   "  --origin NAME     the zone's name; default: the root\n"
			   "  --text            apply writes a master file\n"
			   "  --help            this\n";

struct delta_options {
	uint8_t origin[WIRE_NAME_MAX];
	bool text;
};

static int complain(const char *path, int rc)
{
	fprintf(stderr, "banyan delta: %s: %s\n", path, error_text(rc));
	return CMD_ERROR;
}

/* A zone file in any form, as its wire form. */
static int zone_load(const struct delta_options *options, const char *path, struct buffer *out)
{
	struct zone *zone = NULL;
	int rc = load_zone("delta", options->origin, path, &zone);
	if (rc != 0)
		return rc;
	rc = zone_write_wire(zone, out);
	if (rc != 0)
		complain(path, rc);
	zone_free(zone);
	return rc;
}

static void show(FILE *to, const struct zone_delta_about *about, size_t len)
{
	char name[WIRE_NAME_TEXT_MAX];
	fprintf(to,
		"zone %s\nfrom serial %" PRIu32 ", wire form of %" PRIu64 " bytes\nto serial %" PRIu32
		", wire form of %" PRIu64 " bytes, %" PRIu64 " records\n",
		wire_name_text(about->apex, name), about->base_serial, about->base_len, about->serial, about->len,
		about->n_records);
	fprintf(to, "%zu bytes: signatures %zu, edits %zu (unpacked %zu), header %zu\n", len, about->signatures_len,
		about->edits_packed_len, about->edits_len, len - about->signatures_len - about->edits_packed_len);
}

static int run_make(const struct delta_options *options, char **path)
{
	_cleanup_(buffer_done) struct buffer old = {0}, now = {0}, delta = {0};
	struct zone_delta_about about = {0};
	struct zone_error error;
	if (zone_load(options, path[0], &old) < 0 || zone_load(options, path[1], &now) < 0)
		return CMD_ERROR;
	int rc = zone_delta_make(old.data, old.len, now.data, now.len, &delta);
	if (rc == 0)
		rc = print_whole(path[2], &delta);
	if (rc == 0)
		rc = zone_delta_about(path[2], delta.data, delta.len, &about, &error);
	if (rc < 0)
		return complain(path[2], rc);
	show(print_to_stdout(path[2]) ? stderr : stdout, &about, delta.len);
	return CMD_OK;
}

static int write_text(const struct delta_options *options, const char *path, const struct buffer *wire)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	int rc = files_text(options->origin, wire->data, wire->len, &text);
	return rc < 0 ? rc : print_whole(path, &text);
}

static int run_apply(const struct delta_options *options, char **path)
{
	_cleanup_(buffer_done) struct buffer old = {0}, wire = {0};
	_cleanup_(base_free) uint8_t *delta = NULL;
	struct zone_error error;
	size_t len;
	if (zone_load(options, path[0], &old) < 0)
		return CMD_ERROR;
	int rc = file_read(path[1], ZONE_FILE_MAX, &delta, &len);
	if (rc < 0)
		return complain(path[1], rc);
	if (zone_delta_apply(path[1], old.data, old.len, delta, len, 0, &wire, &error) < 0) {
		fprintf(stderr, "banyan delta: %s\n", error.text);
		return CMD_NO;
	}
	rc = options->text ? write_text(options, path[2], &wire) : print_whole(path[2], &wire);
	return rc < 0 ? complain(path[2], rc) : CMD_OK;
}

static int run_show(char **path)
{
	_cleanup_(base_free) uint8_t *delta = NULL;
	struct zone_delta_about about = {0};
	struct zone_error error;
	size_t len;
	int rc = file_read(path[0], ZONE_FILE_MAX, &delta, &len);
	if (rc < 0)
		return complain(path[0], rc);
	if (zone_delta_about(path[0], delta, len, &about, &error) < 0) {
		fprintf(stderr, "banyan delta: %s\n", error.text);
		return CMD_NO;
	}
	show(stdout, &about, len);
	return CMD_OK;
}

static int usage(FILE *out)
{
	fputs(help, out);
	return out == stdout ? CMD_OK : CMD_ERROR;
}

int cmd_delta(int argc, char **argv)
{
	static const struct option table[] = {{"origin", required_argument, NULL, 'o'},
					      {"text", no_argument, NULL, 't'},
					      {"help", no_argument, NULL, 'h'},
					      {NULL, 0, NULL, 0}};
	struct delta_options options = {.origin = {0}};
	optind = 1;
	for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
		if (c == 'h' || c == '?')
			return usage(c == 'h' ? stdout : stderr);
		if (c == 't')
			options.text = true;
		else if (wire_name_parse(optarg, options.origin) < 0) {
			fprintf(stderr, "banyan delta: --origin takes a domain name, not '%s'\n", optarg);
			return CMD_ERROR;
		}
	}
	char **word = argv + optind;
	int n = argc - optind;
	if (n == 4 && strcmp(word[0], "make") == 0)
		return run_make(&options, word + 1);
	if (n == 4 && strcmp(word[0], "apply") == 0)
		return run_apply(&options, word + 1);
	if (n == 2 && strcmp(word[0], "show") == 0)
		return run_show(word + 1);
	return usage(stderr);
}
