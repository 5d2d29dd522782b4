// SPDX-License-Identifier: GPL-3.0-or-later
/* The subcommands of banyan(1): one file each, one row each in main.c's table. */
#pragma once

/* Exit statuses that all subcommands share. */
enum cmd_status { CMD_OK = 0, CMD_NO = 1, CMD_ERROR = 2 };

/* argv[0] is "banyan " and the subcommand's name; each returns the process's exit status. */
int cmd_verify(int argc, char **argv);
int cmd_sign(int argc, char **argv);
int cmd_delta(int argc, char **argv);
int cmd_files(int argc, char **argv);
int cmd_simulate(int argc, char **argv);
int cmd_plan(int argc, char **argv);
int cmd_publish(int argc, char **argv);
int cmd_key(int argc, char **argv);
int cmd_lab(int argc, char **argv);
int cmd_copy_list(int argc, char **argv); /* argv[0] is "list" */
int cmd_status(int argc, char **argv);
int cmd_anchors(int argc, char **argv);
int cmd_copy(int argc, char **argv);
int cmd_reload(int argc, char **argv);
int cmd_stop(int argc, char **argv);
int cmd_trace(int argc, char **argv);
int cmd_cache(int argc, char **argv);
int cmd_why(int argc, char **argv);
int cmd_sources(int argc, char **argv);
