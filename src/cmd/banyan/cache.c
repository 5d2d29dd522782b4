// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan cache: look at, flush and dump the cache of a running daemon. */
#include "ask.h"
#include "cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "operate/operate.h"

static const char help[] =
	"usage: banyan cache look NAME [TYPE] [--subtree] [--json] [--socket PATH]\n"
	"       banyan cache flush NAME [TYPE] [--subtree] [--socket PATH]\n"
	"       banyan cache flush all [--socket PATH]\n"
	"       banyan cache dump [--json] [--socket PATH]\n\n"
	"Shows or removes what the resolver of a running banyand has in its cache.\n\n"
	"  --subtree      NAME and all below it; --zone is the same\n"
	"  --json         write JSON, an object a line\n" ASK_SOCKET_HELP
	"\nExit status: 0 done, 1 the daemon refused, 2 it cannot be reached or the command is wrong.\n";

/* Good text goes to standard output, a refusal too: which of them it is shows at the end only. */
static void print(void *ctx, const void *data, size_t len)
{
	fwrite(data, 1, len, stdout);
}

int cmd_cache(int argc, char **argv)
{
	_cleanup_(buffer_done) struct buffer request = {0};
	struct ask_options options;
	int outcome = ask_options_read(argc, argv, ASK_JSON | ASK_SUBTREE, &options);
	if (outcome != ASK_GOOD || options.n_words < 1 || options.n_words > 3)
		return ask_usage(help, outcome == ASK_GOOD ? ASK_WRONG : outcome);
	bool good = false;
	errno = 0;
	int rc = ask_request("cache", &options, &request);
	if (rc >= 0)
		rc = operate_ask_stream(options.socket, (const char *)request.data, CONTROL_WAIT_MS, &good, print,
					NULL);
	if (rc < 0) {
		fprintf(stderr, "banyan cache: %s: %s; is banyand running?\n", options.socket,
			errno != 0 ? strerror(errno) : error_text(rc));
		return CMD_ERROR;
	}
	return good ? CMD_OK : CMD_NO;
}
