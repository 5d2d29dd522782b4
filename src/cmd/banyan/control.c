// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan status, reload and stop: one line to the control socket, the reply printed. */
#include "ask.h"
#include "cmd.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "fleet.h"
#include "operate/operate.h"

const char *ask_socket_default(void)
{
	bool here = access(CONTROL_SOCKET_DEFAULT, F_OK) < 0 && access(CONTROL_SOCKET_HERE, F_OK) == 0;
	return here ? CONTROL_SOCKET_HERE : CONTROL_SOCKET_DEFAULT;
}

int ask_and_print(const char *command, const char *socket, const char *request)
{
	_cleanup_(buffer_done) struct buffer reply = {0};
	bool good = false;
	errno = 0;
	int rc = operate_ask(socket, request, CONTROL_WAIT_MS, &good, &reply);
	if (rc < 0) {
		fprintf(stderr, "banyan %s: %s: %s; is banyand running?\n", command, socket,
			errno != 0 ? strerror(errno) : error_text(rc));
		return CMD_ERROR;
	}
	if (good)
		fwrite(reply.data, 1, reply.len, stdout);
	else
		fprintf(stderr, "banyan %s: %s", command, (const char *)reply.data);
	return good ? CMD_OK : CMD_NO;
}

struct simple {
	const char *name, *what;
	unsigned allowed;
	int words_max;     /* behind the command's name */
	const char *words; /* what they may be */
};

static int usage(const struct simple *s, int outcome)
{
	FILE *out = outcome == ASK_HELP ? stdout : stderr;
	fprintf(out, "usage: banyan %s [--socket PATH]%s%s\n", s->name, (s->allowed & ASK_JSON) != 0 ? " [--json]" : "",
		(s->allowed & ASK_COUNTERS) != 0 ? " [--counters]" : "");
	if (s->words_max > 0)
		fprintf(out, "       banyan %s %s [--socket PATH]\n", s->name, s->words);
	fprintf(out, "\n%s\n\n" ASK_SOCKET_HELP, s->what);
	if ((s->allowed & ASK_JSON) != 0)
		fprintf(out, "  --json         write JSON\n");
	if ((s->allowed & ASK_COUNTERS) != 0)
		fprintf(out, "  --counters     the counters alone, all of them\n");
	fprintf(out, "\nExit status: 0 done, 1 the daemon refused, 2 it cannot be reached or the command is wrong.\n");
	return outcome == ASK_HELP ? CMD_OK : CMD_ERROR;
}

static int simple(int argc, char **argv, const struct simple *s)
{
	_cleanup_(buffer_done) struct buffer request = {0};
	struct ask_options options;
	int outcome = ask_options_read(argc, argv, s->allowed, &options);
	if (outcome != ASK_GOOD || options.n_words > s->words_max)
		return usage(s, outcome == ASK_GOOD ? ASK_WRONG : outcome);
	int rc = ask_request((options.flags & ASK_COUNTERS) != 0 ? "counters" : s->name, &options, &request);
	if (rc < 0) {
		fprintf(stderr, "banyan %s: %s\n", s->name, error_text(rc));
		return CMD_ERROR;
	}
	return ask_and_print(s->name, options.socket, (const char *)request.data);
}

int cmd_status(int argc, char **argv)
{
	static const struct simple s = {
		.name = "status",
		.what = "Says what the daemon serves, how it was proved, and what it has counted.\n"
			"With --fleet: who of all that have a zone from here is up to date; `banyan status --fleet "
			"--help`\n"
			"tells more.",
		.allowed = ASK_JSON | ASK_COUNTERS,
	};
	for (int i = 1; i < argc; i++)
		if (strcmp(argv[i], "--fleet") == 0)
			return fleet_command(argc, argv);
	return simple(argc, argv, &s);
}

int cmd_anchors(int argc, char **argv)
{
	static const struct simple s = {
		.name = "anchors",
		.what = "Says what the daemon's resolver trusts, where the keys of zones with trust anchors stand (RFC "
			"5011),\n"
			"and where by order nothing is proved (RFC 7646). With negative, nothing at and below NAME is "
			"proved\n"
			"from now on, for a day, for a DURATION such as 90m or 3d, or until a DATE such as 2026-12-31; "
			"or is\n"
			"proved again.",
		.allowed = ASK_JSON,
		.words_max = 3,
		.words = "negative NAME [DURATION | DATE | remove]",
	};
	return simple(argc, argv, &s);
}

int cmd_copy(int argc, char **argv)
{
	static const struct simple s = {
		.name = "copy",
		.what = "Says to the daemon what to do with the copy of a zone that comes from sources; without ZONE, "
			"the "
			"root\n"
			"copy, or the only one. refresh: asks its sources now, and forgets which of them failed and "
			"what was "
			"rolled\n"
			"back. roll-back: goes back to the version before, and stays there until refresh. "
			"accept-serial: the "
			"next\n"
			"version may have an older serial than any before it.",
		.words_max = 2,
		.words = "refresh | roll-back | accept-serial [ZONE]",
	};
	return simple(argc, argv, &s);
}

int cmd_reload(int argc, char **argv)
{
	static const struct simple s = {
		.name = "reload",
		.what = "Makes the daemon read its configuration and zones again. It takes all of it over, or, if "
			"anything\n"
			"is wrong, nothing, and says why.",
	};
	return simple(argc, argv, &s);
}

int cmd_stop(int argc, char **argv)
{
	static const struct simple s = {.name = "stop", .what = "Ends the daemon."};
	return simple(argc, argv, &s);
}
