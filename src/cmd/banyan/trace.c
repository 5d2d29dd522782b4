// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan trace: the walk that the running resolver takes for a name; banyan why: what it knows of one. */
#include "ask.h"
#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "operate/operate.h"

static const char trace_help[] =
	"usage: banyan trace [--cold] [--json] [--socket PATH] NAME [TYPE]\n"
	"\n"
	"Has the running resolver resolve NAME (TYPE: A if none is given) and shows the walk: when, which server was\n"
	"asked what, what it said, how long it took; then the answer. Lines marked [proved root] came from the local\n"
	"root copy, lines marked [cache] from the cache.\n"
	"\n"
	"  --cold         walk from the root, whatever the cache holds\n"
	"  --json         write JSON\n"
	"  --socket PATH  control socket of the daemon (default " CONTROL_SOCKET_DEFAULT ",\n"
	"                 or " CONTROL_SOCKET_HERE " in this folder)\n"
	"\n"
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
	"  --json         write JSON\n"
	"  --socket PATH  control socket of the daemon (default " CONTROL_SOCKET_DEFAULT ",\n"
	"                 or " CONTROL_SOCKET_HERE " in this folder)\n"
	"\n"
	"Exit status: 0 told, 1 the daemon refused, 2 it cannot be reached or the command is wrong.\n";

static int usage(const char *help)
{
	fputs(help, stderr);
	return CMD_ERROR;
}

/* The request is words with spaces between; a name that has one in it must write it as \032. */
static bool is_word(const char *text)
{
	return text[0] != 0 && strpbrk(text, " \t\r\n") == NULL;
}

static int ask_about_name(int argc, char **argv, const char *help, bool has_cold)
{
	enum { SOCKET = 256, JSON, COLD, CLIENT, HELP };
	static const struct option options[] = {
		{"socket", required_argument, NULL, SOCKET}, {"json", no_argument, NULL, JSON},
		{"cold", no_argument, NULL, COLD},           {"client", required_argument, NULL, CLIENT},
		{"help", no_argument, NULL, HELP},           {NULL, 0, NULL, 0},
	};
	const char *socket = ask_socket_default();
	const char *client = NULL;
	bool json = false, cold = false;
	optind = 1;
	for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		switch (c) {
		case SOCKET:
			socket = optarg;
			break;
		case JSON:
			json = true;
			break;
		case COLD:
			cold = true;
			break;
		case CLIENT:
			client = optarg;
			break;
		case HELP:
			fputs(help, stdout);
			return CMD_OK;
		default:
			return usage(help);
		}
	}
	int words = argc - optind;
	if (words < 1 || words > 2 || (cold && !has_cold) || (client != NULL && (has_cold || !is_word(client))) ||
	    !is_word(argv[optind]) || (words == 2 && !is_word(argv[optind + 1])))
		return usage(help);
	char request[OPERATE_REQUEST_MAX];
	int n = snprintf(request, sizeof(request), "%s %s %s%s%s%s%s", argv[0], argv[optind],
			 words == 2 ? argv[optind + 1] : "A", cold ? " cold" : "", client != NULL ? " client=" : "",
			 client != NULL ? client : "", json ? " json" : "");
	if (n >= (int)sizeof(request) - 1)
		return usage(help);
	return ask_and_print(argv[0], socket, request);
}

int cmd_trace(int argc, char **argv)
{
	return ask_about_name(argc, argv, trace_help, true);
}

int cmd_why(int argc, char **argv)
{
	return ask_about_name(argc, argv, why_help, false);
}
