// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan lab: makes and runs a small Internet on loopback. */
#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lab/lab.h"

static void usage(FILE *out)
{
	fprintf(out,
		"usage: banyan lab make [OPTIONS] DIR    write a small Internet below DIR\n"
		"       banyan lab run [OPTIONS] DIR     run it until SIGINT or SIGTERM\n"
		"\n"
		"make:\n"
		"  --seed N            all names, keys and shapes follow from it (1)\n"
		"  --at TIME           reference time of signatures and serials: UNIX seconds or ISO 8601 (now)\n"
		"  --tlds N            TLDs in the root (%d)\n"
		"  --sites N           registered names, at most %d (%d)\n"
		"  --parked-signed N   signed ones among the TLDs that have no sites (%d)\n"
		"  --port N            port of all servers, each on its own 127.10.x.y (%d)\n"
		"  --port6 N           first of the ports of ::1 that stand for IPv6 addresses (%d)\n"
		"  --resolver ADDRESS  where the resolver of DIR/resolver listens (127.0.0.1@%d)\n"
		"  --suffixes FILE     the Public Suffix List (%s)\n"
		"run:\n"
		"  --banyand PROGRAM   the daemon (beside this program, or from PATH)\n"
		"  --resolver          run the resolver of DIR/resolver too\n",
		LAB_TLDS_DEFAULT, LAB_SITES_MAX, LAB_SITES_DEFAULT, LAB_PARKED_SIGNED_DEFAULT, LAB_PORT_DEFAULT,
		LAB_PORT6_DEFAULT, LAB_RESOLVER_PORT, LAB_SUFFIX_LIST);
}

/* Reads a number of at most `max`; says what is wrong with `text` if it is none. */
static bool number(const char *option, const char *text, uint64_t max, uint64_t *ret)
{
	char *end;
	unsigned long long value = strtoull(text, &end, 10);
	if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && value <= max) {
		*ret = value;
		return true;
	}
	fprintf(stderr, "banyan lab: --%s: '%s' is not a number from 0 to %llu\n", option, text,
		(unsigned long long)max);
	return false;
}

enum { OPT_SEED = 1, OPT_AT, OPT_TLDS, OPT_SITES, OPT_PARKED, OPT_PORT, OPT_PORT6, OPT_RESOLVER, OPT_SUFFIXES };

static const struct option make_options[] = {
	{"seed", required_argument, NULL, OPT_SEED},
	{"at", required_argument, NULL, OPT_AT},
	{"tlds", required_argument, NULL, OPT_TLDS},
	{"sites", required_argument, NULL, OPT_SITES},
	{"parked-signed", required_argument, NULL, OPT_PARKED},
	{"port", required_argument, NULL, OPT_PORT},
	{"port6", required_argument, NULL, OPT_PORT6},
	{"resolver", required_argument, NULL, OPT_RESOLVER},
	{"suffixes", required_argument, NULL, OPT_SUFFIXES},
	{"help", no_argument, NULL, 'h'},
	{0},
};

static bool make_number(struct lab_settings *settings, int option, const char *text)
{
	uint64_t value;
	switch (option) {
	case OPT_SEED:
		return number("seed", text, UINT64_MAX, &settings->seed);
	case OPT_TLDS:
		return number("tlds", text, 4096, &value) ? settings->tlds = value, true : false;
	case OPT_SITES:
		return number("sites", text, LAB_SITES_MAX, &value) ? settings->sites = value, true : false;
	case OPT_PARKED:
		return number("parked-signed", text, 4096, &value) ? settings->parked_signed = value, true : false;
	case OPT_PORT:
		return number("port", text, 65535, &value) ? settings->port = value, true : false;
	case OPT_PORT6:
		return number("port6", text, 65000, &value) ? settings->port6 = value, true : false;
	default:
		return false;
	}
}

static bool make_option(struct lab_settings *settings, int option, const char *text)
{
	switch (option) {
	case OPT_AT:
		if (clock_parse(text, &settings->at) == 0)
			return true;
		fprintf(stderr, "banyan lab: --at: '%s' is neither UNIX seconds nor ISO 8601\n", text);
		return false;
	case OPT_RESOLVER:
		if (addr_parse(text, LAB_RESOLVER_PORT, &settings->resolver) == 0)
			return true;
		fprintf(stderr, "banyan lab: --resolver: '%s' is not ADDRESS or ADDRESS@PORT\n", text);
		return false;
	case OPT_SUFFIXES:
		settings->suffix_list = text;
		return true;
	default:
		return make_number(settings, option, text);
	}
}

static int lab_cmd_make(int argc, char **argv)
{
	struct lab_settings settings;
	struct lab_summary summary;
	int option;
	lab_settings_default(&settings, NULL);
	while ((option = getopt_long(argc, argv, "h", make_options, NULL)) != -1) {
		if (option == 'h') {
			usage(stdout);
			return CMD_OK;
		}
		if (!make_option(&settings, option, optarg))
			return CMD_ERROR;
	}
	if (argc - optind != 1) {
		usage(stderr);
		return CMD_ERROR;
	}
	settings.dir = argv[optind];
	if (lab_make(&settings, &summary) < 0)
		return CMD_ERROR;
	printf("%s: %zu TLDs (%zu zones of them served with sites), %zu sites, %zu zones (%zu signed), %zu server "
	       "names, "
	       "%zu operators, %zu expected answers; made in %lld ms\n",
	       settings.dir, summary.tlds, summary.served_tlds, summary.sites, summary.zones, summary.signed_zones,
	       summary.hosts, summary.operators, summary.expectations, (long long)summary.made_ms);
	return CMD_OK;
}

static int lab_cmd_run(int argc, char **argv)
{
	static const struct option options[] = {{"banyand", required_argument, NULL, 'b'},
						{"resolver", no_argument, NULL, 'r'},
						{"help", no_argument, NULL, 'h'},
						{0}};
	struct lab_run_settings settings = {0};
	int option;
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		if (option == 'b')
			settings.banyand = optarg;
		else if (option == 'r')
			settings.resolver = true;
		else {
			usage(option == 'h' ? stdout : stderr);
			return option == 'h' ? CMD_OK : CMD_ERROR;
		}
	}
	if (argc - optind != 1) {
		usage(stderr);
		return CMD_ERROR;
	}
	settings.dir = argv[optind];
	return lab_run(&settings) < 0 ? CMD_ERROR : CMD_OK;
}

int cmd_lab(int argc, char **argv)
{
	if (argc >= 2 && strcmp(argv[1], "make") == 0)
		return lab_cmd_make(argc - 1, argv + 1);
	if (argc >= 2 && strcmp(argv[1], "run") == 0)
		return lab_cmd_run(argc - 1, argv + 1);
	if (argc == 3 && strcmp(argv[1], "odd") == 0) /* started by `lab run` */
		return lab_odd(argv[2]) < 0 ? CMD_ERROR : CMD_OK;
	bool help = argc >= 2 && strcmp(argv[1], "--help") == 0;
	usage(help ? stdout : stderr);
	return help ? CMD_OK : CMD_ERROR;
}
