// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan(1): finds the subcommand and calls it. */
#include "cmd.h"

#include <stdio.h>
#include <string.h>

#include "base/base.h"

static const struct command {
	const char *name, *help;
	int (*run)(int argc, char **argv);
} commands[] = {
	/* one row a subcommand */
	{"verify", "prove a zone file: structure, signatures, denial, digest", cmd_verify},
	{"sources", "probe and rank the sources of a zone; make and check lists of them", cmd_sources},
	{"status", "what the running daemon serves and has counted", cmd_status},
	{"trace", "the walk that the running resolver takes for a name", cmd_trace},
	{"cache", "look at, flush or dump what the running daemon has in its cache", cmd_cache},
	{"why", "what the running daemon knows of a name, from where, and why it failed", cmd_why},
	{"anchors", "what the running resolver trusts, and how far keys have rolled", cmd_anchors},
	{"copy", "ask the sources of a zone now, go back to the version before, take an older one", cmd_copy},
	{"reload", "make the running daemon read its configuration and zones again", cmd_reload},
	{"stop", "end the running daemon", cmd_stop},
	{"sign", "sign a zone file and put its digest in, whole or from the version before", cmd_sign},
	{"delta", "make, apply and show deltas between versions of a zone", cmd_delta},
	{"publish", "make editions of zones: other name servers, signed, digested, proved", cmd_publish},
	{"files", "write zones as files for web servers, check such a tree", cmd_files},
	{"simulate", "how a new version of a zone spreads over many machines, in virtual time", cmd_simulate},
	{"plan", "what the answer to a priming question weighs, for any names and keys", cmd_plan},
	{"key", "make, roll and watch the keys of a zone; requests for an offline KSK", cmd_key},
	{"lab", "make and run a small Internet on loopback", cmd_lab},
	{NULL, NULL, NULL},
};

static void usage(FILE *out)
{
	fprintf(out, "usage: banyan COMMAND [OPTIONS]\n\ncommands:\n");
	for (const struct command *c = commands; c->name != NULL; c++)
		fprintf(out, "  %-10s %s\n", c->name, c->help);
	fprintf(out, "\n`banyan COMMAND --help` tells more; so does banyan(1).\n");
}

int main(int argc, char **argv)
{
	if (argc < 2) {
		usage(stderr);
		return CMD_ERROR;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "help") == 0) {
		usage(stdout);
		return CMD_OK;
	}
	if (strcmp(argv[1], "--version") == 0) {
		printf("banyan %s\n", BANYAN_VERSION);
		return CMD_OK;
	}
	if (argc > 2 && strcmp(argv[1], "copy") == 0 &&
	    strcmp(argv[2], "list") == 0) /* of a folder, without a daemon */
		return cmd_copy_list(argc - 2, argv + 2);
	for (const struct command *c = commands; c->name != NULL; c++)
		if (strcmp(argv[1], c->name) == 0) {
			static char name[64]; /* what getopt(3) complains as */
			snprintf(name, sizeof name, "banyan %s", c->name);
			argv[1] = name;
			return c->run(argc - 1, argv + 1);
		}
	fprintf(stderr, "banyan: there is no command '%s'; `banyan --help` lists them\n", argv[1]);
	return CMD_ERROR;
}
