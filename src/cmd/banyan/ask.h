// SPDX-License-Identifier: GPL-3.0-or-later
/* What the subcommands that talk to a running banyand share. */
#pragma once

#include "base/base.h"

#define CONTROL_SOCKET_DEFAULT "/run/banyan/control.sock"
#define CONTROL_SOCKET_HERE    "control.sock"   /* of a daemon that somebody who is not root started in this folder */
#define CONTROL_WAIT_MS        (10 * 60 * 1000) /* a reload proves whole zones: the largest take minutes */
#define ASK_SOCKET_HELP                                                                                                \
	"  --socket PATH  control socket of the daemon (default " CONTROL_SOCKET_DEFAULT ",\n"                         \
	"                 or " CONTROL_SOCKET_HERE " in this folder)\n"

/* Options that a command may have; --socket and --help all have. */
enum ask_flag { ASK_JSON = 1, ASK_COUNTERS = 2, ASK_COLD = 4, ASK_SUBTREE = 8, ASK_CLIENT = 16 };
struct ask_options {
	const char *socket, *client; /* client: NULL = none */
	unsigned flags;              /* those that were given */
	int n_words;
	char **word; /* behind the options; none is empty or has a space in it */
};
enum { ASK_GOOD, ASK_WRONG, ASK_HELP };
int ask_options_read(int argc, char **argv, unsigned allowed, struct ask_options *ret) _must_use_;
/* The line for the socket: command, words, flags. */
int ask_request(const char *command, const struct ask_options *options, struct buffer *out) _must_use_;
/* Writes the help to where it belongs for ASK_HELP or ASK_WRONG; the exit status. */
int ask_usage(const char *help, int outcome);

/* The socket that is there: CONTROL_SOCKET_DEFAULT, else CONTROL_SOCKET_HERE, else the first again. */
const char *ask_socket_default(void);
/* Sends the request, prints the reply, returns the exit status: CMD_OK, CMD_NO (it said no), CMD_ERROR (not reached). */
int ask_and_print(const char *command, const char *socket, const char *request);
