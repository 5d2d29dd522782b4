// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan sources sign, check: publication lists made and looked at (docs/publication-list.md). */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "sources.h"

#define KEY_BYTES_MAX 65536

static const char help[] =
	"usage: banyan sources sign --serial N --expires TIME --key PRIVATE.pem FILE   sign a list of sources\n"
	"       banyan sources sign --serial N [--expires TIME] --checksum FILE        give it a checksum alone\n"
	"       banyan sources check [--key PUBLIC.pem] [--at TIME] FILE               check a list\n"
	"\n"
	"FILE has one source a line: a URL, or axfr:HOST[:PORT]/ZONE and the like; # begins a comment; - is\n"
	"standard input. The list goes to standard output. TIME is ISO 8601 (2026-12-31T00:00:00Z).\n"
	"Keys are of Ed25519 in PEM: openssl genpkey -algorithm ed25519 -out private.pem\n"
	"                            openssl pkey -in private.pem -pubout -out public.pem\n"
	"\n"
	"  --origin NAME   check: the zone that the sources are for; default: the root\n"
	"\n"
	"Exit status: 0 good, 1 the list is not good, 2 wrong usage or a file cannot be read.\n";

struct list_options {
	const char *key, *path;
	char zone[WIRE_NAME_TEXT_MAX];
	bool checksum, has_serial;
	uint64_t serial;
	int64_t expires, now;
};

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "banyan sources: %s%s%s; `banyan sources sign --help` tells more\n", what,
		value[0] != '\0' ? " " : "", value);
	return CMD_ERROR;
}

static int option_take(struct list_options *o, int option, const char *value)
{
	uint8_t name[WIRE_NAME_MAX];
	char *end;
	switch (option) {
	case 'k':
		o->key = value;
		return CMD_OK;
	case 'c':
		o->checksum = true;
		return CMD_OK;
	case 's':
		o->has_serial = true;
		o->serial = strtoull(value, &end, 10);
		return *value >= '0' && *value <= '9' && *end == '\0' && strlen(value) <= 18
			       ? CMD_OK
			       : usage_error("--serial takes a number, not", value);
	case 'e':
		return clock_parse(value, &o->expires) < 0 || o->expires <= 0
			       ? usage_error("--expires takes a time as 2026-12-31T00:00:00Z, not", value)
			       : CMD_OK;
	case 'a':
		return clock_parse(value, &o->now) < 0 ? usage_error("--at takes a time, not", value) : CMD_OK;
	case 'o':
		if (wire_name_parse(value, name) < 0)
			return usage_error("--origin takes a domain name, not", value);
		wire_name_text(name, o->zone);
		return CMD_OK;
	default:
		return usage_error("wrong options", "");
	}
}

static int file_get(const char *path, size_t max, uint8_t **ret, size_t *ret_len)
{
	int rc = file_read(path, max, ret, ret_len);
	if (rc < 0)
		fprintf(stderr, "banyan sources: %s: %s\n", path, error_text(rc));
	return rc < 0 ? CMD_ERROR : CMD_OK;
}

static int list_sign(const struct list_options *o)
{
	_cleanup_(base_free) uint8_t *lines = NULL, *key = NULL;
	_cleanup_(buffer_done) struct buffer out = {0};
	char why[PULL_WHY_MAX];
	size_t len, key_len;
	if (!o->has_serial || o->checksum == (o->key != NULL) || (o->key != NULL && o->expires == 0))
		return usage_error("sign needs --serial, and --key with --expires, or --checksum", "");
	if (file_get(o->path, PULL_LIST_BYTES_MAX, &lines, &len) != CMD_OK ||
	    (o->key != NULL && file_get(o->key, KEY_BYTES_MAX, &key, &key_len) != CMD_OK))
		return CMD_ERROR;
	struct pull_list_making making = {.lines = (const char *)lines,
					  .serial = o->serial,
					  .expires = o->expires,
					  .private_key = (const char *)key};
	if (pull_list_make(&making, &out, why) < 0) {
		fprintf(stderr, "banyan sources: %s: %s\n", o->path, why);
		return CMD_NO;
	}
	return fwrite(out.data, 1, out.len, stdout) == out.len ? CMD_OK : CMD_ERROR;
}

static void list_print(const struct list_options *o, const struct pull_list *list)
{
	char time[32];
	printf("%s: good\n", o->path);
	printf("  proof     %s\n", list->proof == PULL_LIST_SIGNED
					   ? "signed with the key"
					   : "a checksum: it is whole, and nothing proves who made it");
	if (list->has_serial)
		printf("  serial    %llu\n", (unsigned long long)list->serial);
	if (list->expires != 0)
		printf("  expires   %s\n", clock_format(list->expires, time));
	printf("  sources   %zu for %s, %u of other kinds or zones\n", list->sources.n, o->zone, list->n_dropped);
	for (size_t i = 0; i < list->sources.n; i++)
		printf("    %s\n", list->sources.item[i].text);
}

static int list_check(const struct list_options *o)
{
	_cleanup_(base_free) uint8_t *text = NULL, *keys = NULL;
	char why[PULL_WHY_MAX];
	struct pull_list list;
	size_t len, keys_len;
	if (file_get(o->path, PULL_LIST_BYTES_MAX + 1, &text, &len) != CMD_OK ||
	    (o->key != NULL && file_get(o->key, KEY_BYTES_MAX, &keys, &keys_len) != CMD_OK))
		return CMD_ERROR;
	struct pull_list_settings settings = {.zone = o->zone, .now = o->now, .keys = (const char *)keys};
	if (pull_list_parse((const char *)text, len, &settings, &list, why) < 0) {
		printf("%s: NOT good: %s\n", o->path, why);
		return CMD_NO;
	}
	list_print(o, &list);
	pull_list_done(&list);
	return CMD_OK;
}

int sources_list_command(int argc, char **argv)
{
	static const struct option options[] = {
		{"key", required_argument, NULL, 'k'},     {"serial", required_argument, NULL, 's'},
		{"expires", required_argument, NULL, 'e'}, {"at", required_argument, NULL, 'a'},
		{"checksum", no_argument, NULL, 'c'},      {"origin", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},          {NULL, 0, NULL, 0},
	};
	struct list_options o = {.zone = ".", .now = clock_wall_s()};
	bool sign = strcmp(argv[0], "sign") == 0;
	optind = 1;
	for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'h') {
			fputs(help, stdout);
			return CMD_OK;
		}
		int status = option_take(&o, option, optarg);
		if (status != CMD_OK)
			return status;
	}
	if (optind + 1 != argc)
		return usage_error("give one file", "");
	o.path = argv[optind];
	return sign ? list_sign(&o) : list_check(&o);
}
