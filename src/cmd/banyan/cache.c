// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan cache: look at, flush and dump the cache of a running daemon. */
#include "ask.h"
#include "cmd.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "operate/operate.h"

static void usage(FILE *out)
{
	fprintf(out, "usage: banyan cache look NAME [TYPE] [--subtree] [--json] [--socket PATH]\n"
		     "       banyan cache flush NAME [TYPE] [--subtree] [--socket PATH]\n"
		     "       banyan cache flush all [--socket PATH]\n"
		     "       banyan cache dump [--json] [--socket PATH]\n\n"
		     "Shows or removes what the resolver of a running banyand has in its cache.\n\n"
		     "  --subtree      NAME and all below it; --zone is the same\n"
		     "  --json         write JSON, an object a line\n"
		     "  --socket PATH  control socket of the daemon (default " CONTROL_SOCKET_DEFAULT ",\n"
		     "                 or " CONTROL_SOCKET_HERE " in this folder)\n\n"
		     "Exit status: 0 done, 1 the daemon refused, 2 it cannot be reached or the command is wrong.\n");
}

/* Good text goes to standard output, a refusal too: which of them it is shows at the end only. */
static void print(void *ctx, const void *data, size_t len)
{
	fwrite(data, 1, len, stdout);
}

int cmd_cache(int argc, char **argv)
{
	enum { SOCKET = 256, JSON, SUBTREE, HELP };
	static const struct option options[] = {
		{"socket", required_argument, NULL, SOCKET}, {"json", no_argument, NULL, JSON},
		{"subtree", no_argument, NULL, SUBTREE},     {"zone", no_argument, NULL, SUBTREE},
		{"help", no_argument, NULL, HELP},           {NULL, 0, NULL, 0},
	};
	const char *socket = ask_socket_default();
	bool json = false, subtree = false, wrong = false;
	optind = 1;
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (c == HELP) {
			usage(stdout);
			return CMD_OK;
		}
		if (c == SOCKET)
			socket = optarg;
		json = json || c == JSON;
		subtree = subtree || c == SUBTREE;
		wrong = wrong || c == '?';
	}
	if (wrong || argc - optind < 1 || argc - optind > 3) {
		usage(stderr);
		return CMD_ERROR;
	}
	_cleanup_(buffer_done) struct buffer request = {0};
	int rc = buffer_printf(&request, "cache");
	for (int i = optind; rc >= 0 && i < argc; i++)
		rc = buffer_printf(&request, " %s", argv[i]);
	if (rc >= 0)
		rc = buffer_printf(&request, "%s%s", subtree ? " subtree" : "", json ? " json" : "");
	bool good = false;
	errno = 0;
	if (rc >= 0)
		rc = operate_ask_stream(socket, (const char *)request.data, CONTROL_WAIT_MS, &good, print, NULL);
	if (rc < 0) {
		fprintf(stderr, "banyan cache: %s: %s; is banyand running?\n", socket,
			errno != 0 ? strerror(errno) : error_text(rc));
		return CMD_ERROR;
	}
	return good ? CMD_OK : CMD_NO;
}
