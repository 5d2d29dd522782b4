// SPDX-License-Identifier: GPL-3.0-or-later
/* What the subcommands that talk to a running banyand share. */
#pragma once

#define CONTROL_SOCKET_DEFAULT "/run/banyan/control.sock"
#define CONTROL_SOCKET_HERE    "control.sock"   /* of a daemon that somebody who is not root started in this folder */
#define CONTROL_WAIT_MS        (10 * 60 * 1000) /* a reload proves whole zones: the largest take minutes */

/* The socket that is there: CONTROL_SOCKET_DEFAULT, else CONTROL_SOCKET_HERE, else the first again. */
const char *ask_socket_default(void);
/* Sends the request, prints the reply, returns the exit status: CMD_OK, CMD_NO (it said no), CMD_ERROR (not reached). */
int ask_and_print(const char *command, const char *socket, const char *request);
