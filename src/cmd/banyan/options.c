// SPDX-License-Identifier: GPL-3.0-or-later
/* The options of the subcommands that talk to a running banyand, and their words on the way to it. */
#include "ask.h"
#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "operate/operate.h"

enum { OPTION_SOCKET = 256, OPTION_HELP, OPTION_CLIENT, OPTION_FLAG };

static const struct {
	const char *name;
	enum ask_flag flag;
} flags[] = {
	{"json", ASK_JSON},       {"counters", ASK_COUNTERS}, {"cold", ASK_COLD},
	{"subtree", ASK_SUBTREE}, {"zone", ASK_SUBTREE},
};

/* The request is words with spaces between; a name that has one in it must write it as \032. */
static bool is_word(const char *text)
{
	return text[0] != 0 && strpbrk(text, " \t\r\n") == NULL;
}

static bool words_good(const struct ask_options *options)
{
	for (int i = 0; i < options->n_words; i++)
		if (!is_word(options->word[i]))
			return false;
	return options->client == NULL || is_word(options->client);
}

int ask_options_read(int argc, char **argv, unsigned allowed, struct ask_options *ret)
{
	struct option table[ARRAY_SIZE(flags) + 4] = {{"socket", required_argument, NULL, OPTION_SOCKET},
						      {"help", no_argument, NULL, OPTION_HELP}};
	size_t n = 2;
	if ((allowed & ASK_CLIENT) != 0)
		table[n++] = (struct option){"client", required_argument, NULL, OPTION_CLIENT};
	for (size_t i = 0; i < ARRAY_SIZE(flags); i++)
		if ((allowed & flags[i].flag) != 0)
			table[n++] = (struct option){flags[i].name, no_argument, NULL, OPTION_FLAG + (int)i};
	*ret = (struct ask_options){.socket = ask_socket_default()};
	optind = 1;
	for (int c; (c = getopt_long(argc, argv, "", table, NULL)) != -1;) {
		if (c == OPTION_HELP)
			return ASK_HELP;
		if (c == '?')
			return ASK_WRONG;
		if (c == OPTION_SOCKET)
			ret->socket = optarg;
		else if (c == OPTION_CLIENT)
			ret->client = optarg;
		else
			ret->flags |= flags[c - OPTION_FLAG].flag;
	}
	ret->n_words = argc - optind;
	ret->word = argv + optind;
	return words_good(ret) ? ASK_GOOD : ASK_WRONG;
}

int ask_request(const char *command, const struct ask_options *options, struct buffer *out)
{
	int rc = buffer_printf(out, "%s", command);
	for (int i = 0; rc >= 0 && i < options->n_words; i++)
		rc = buffer_printf(out, " %s", options->word[i]);
	for (size_t i = 0; rc >= 0 && i < ARRAY_SIZE(flags); i++)
		if ((options->flags & flags[i].flag & ~(unsigned)ASK_COUNTERS) != 0 &&
		    strcmp(flags[i].name, "zone") != 0)
			rc = buffer_printf(out, " %s", flags[i].name);
	if (rc >= 0 && options->client != NULL)
		rc = buffer_printf(out, " client=%s", options->client);
	return rc < 0 ? rc : 0;
}

int ask_usage(const char *help, int outcome)
{
	fputs(help, outcome == ASK_HELP ? stdout : stderr);
	return outcome == ASK_HELP ? CMD_OK : CMD_ERROR;
}
