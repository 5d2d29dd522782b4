// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan trace: the walk that the running resolver takes for a name; banyan why: what it knows of one. */
#include "ask.h"
#include "cmd.h"

#include "operate/operate.h"

static const char trace_help[] =
	"usage: banyan trace [--cold] [--json] [--socket PATH] NAME [TYPE]\n"
	"\n"
	"Has the running resolver resolve NAME (TYPE: A if none is given) and shows the walk: when, which server was\n"
	"asked what, what it said, how long it took; then the answer. Lines marked [proved root] came from the local\n"
	"root copy, lines marked [cache] from the cache.\n"
	"\n"
	"  --cold         walk from the root, whatever the cache holds\n"
	"  --json         write JSON\n" ASK_SOCKET_HELP "\n"
	"Exit status: 0 traced, 1 the daemon refused, 2 it cannot be reached or the command is wrong.\n";

static const char why_help[] =
	"usage: banyan why [--client ADDRESS] [--json] [--socket PATH] NAME [TYPE]\n"
	"\n"
	"Says in plain words what the running daemon knows of NAME (TYPE: A if none is given) and from where: its own\n"
	"zones, the operator's rules that decide it, the proved root, the cache with its age and proof, a failure "
	"that\n"
	"is remembered with its reason and what can be done about it, and the servers that it would ask. It asks "
	"nobody\n"
	"and changes nothing.\n"
	"\n"
	"  --client ADDRESS  the client for whom it is: rules and views go by addresses\n"
	"  --json         write JSON\n" ASK_SOCKET_HELP "\n"
	"Exit status: 0 told, 1 the daemon refused, 2 it cannot be reached or the command is wrong.\n";

static int ask_about_name(const char *command, int argc, char **argv, const char *help, unsigned allowed)
{
	_cleanup_(buffer_done) struct buffer request = {0};
	static char address[] = "A";
	struct ask_options options;
	int outcome = ask_options_read(argc, argv, allowed, &options);
	if (outcome != ASK_GOOD || options.n_words < 1 || options.n_words > 2)
		return ask_usage(help, outcome == ASK_GOOD ? ASK_WRONG : outcome);
	char *words[] = {options.word[0], options.n_words == 2 ? options.word[1] : address};
	options.word = words;
	options.n_words = 2;
	if (ask_request(command, &options, &request) < 0 || request.len >= OPERATE_REQUEST_MAX - 1)
		return ask_usage(help, ASK_WRONG);
	return ask_and_print(command, options.socket, (const char *)request.data);
}

int cmd_trace(int argc, char **argv)
{
	return ask_about_name("trace", argc, argv, trace_help, ASK_JSON | ASK_COLD);
}

int cmd_why(int argc, char **argv)
{
	return ask_about_name("why", argc, argv, why_help, ASK_JSON | ASK_CLIENT);
}
