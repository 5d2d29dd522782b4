// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan sources: asks each source of a zone what it has, how fast, and whether it proves. */
#include "sources.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cmd.h"

#define KEYS_MAX      16
#define KEY_BYTES_MAX 4096
#define TIME_MS_MAX   3600000

static const char help[] =
	"usage: banyan sources [OPTIONS] [SOURCE...]   probe and rank sources of a zone\n"
	"       banyan sources sign | check ...        make and check publication lists; sign --help tells more\n"
	"\n"
	"A SOURCE is one text: xfr:HOST[@PORT], https://..., http://..., file:PATH, dir:PATH, list:URL-or-PATH,\n"
	"builtin, with further words behind it (banyan(1)). Without any: those of the configuration, or builtin.\n"
	"Each is asked for its serial first.\n"
	"\n"
	"  --fetch           fetch all of the zone from each that answers, and prove it\n"
	"  -c, --config FILE the TSIG keys of this configuration, and its sources of the zone\n"
	"  --origin NAME     the zone; default: the root\n"
	"  --anchor FILE     trust anchors, as `banyan verify` takes them; may be repeated\n"
	"  --at TIME         prove as of TIME: UNIX seconds or ISO 8601; default: now\n"
	"  --digest-only     prove by ZONEMD alone (unsigned zones)\n"
	"  --key-file FILE   a TSIG key, as one line ALGORITHM:NAME:SECRET; may be repeated\n"
	"  --time SECONDS    for each question or fetch; default 10 and 120\n"
	"  --json            one JSON object\n"
	"\n"
	"Exit status: 0 each answers, none is behind, and what was fetched proves; 1 not all; 2 wrong usage.\n"
	"\n"
	"JSON keys: zone, at, newest, sources [{rank, source, kind, reachable, serial, behind, round_trip_ms, "
	"expire_s,\n"
	"from, trouble, fetch {bytes, ms, bytes_per_s, serial}, proves, reason, words}].\n";

static int usage_error(const char *what, const char *value)
{
	fprintf(stderr, "banyan sources: %s '%s'; `banyan sources --help` tells more\n", what, value);
	return CMD_ERROR;
}

/* ---- keys ---- */

static const char *const algorithms[] = {"hmac-sha256", "hmac-sha512", "hmac-sha384",
					 "hmac-sha224", "hmac-sha1",   "hmac-md5"};

/* "ALGORITHM:NAME:SECRET" of a file is this one? */
static bool key_is(const char *line, const char *name, char algorithm[32], const char **ret_secret)
{
	size_t first = strcspn(line, ":"), len = strlen(name);
	if (line[first] != ':' || first >= 32)
		return false;
	const char *found = line + first + 1, *secret = strchr(found, ':');
	if (secret == NULL)
		return false;
	size_t found_len = (size_t)(secret - found);
	if (found_len > 0 && found[found_len - 1] == '.')
		found_len--;
	if (len > 0 && name[len - 1] == '.')
		len--;
	if (found_len != len || strncasecmp(found, name, len) != 0)
		return false;
	snprintf(algorithm, 32, "%.*s", (int)first, line);
	*ret_secret = secret + 1;
	return true;
}

/* The key in the configuration: its secret, malloced, or NULL. */
static char *config_secret(const struct config_key *key)
{
	uint8_t *text;
	size_t len;
	if (key->secret[0] != '\0')
		return strdup(key->secret);
	if (file_read(key->file, KEY_BYTES_MAX, &text, &len) < 0)
		return NULL;
	text[strcspn((char *)text, " \t\r\n")] = '\0';
	return (char *)text;
}

static struct wire_tsig_key *config_key_find(const struct config *config, const char *name)
{
	char text[WIRE_NAME_TEXT_MAX];
	uint8_t wire[WIRE_NAME_MAX];
	struct wire_tsig_key *key = NULL;
	if (wire_name_parse(name, wire) < 0)
		return NULL;
	wire_name_text(wire, text);
	for (size_t i = 0; config != NULL && i < config->n_keys && key == NULL; i++) {
		if (strcasecmp(config->keys[i].name, text) != 0)
			continue;
		_cleanup_(base_free) char *secret = config_secret(&config->keys[i]);
		if (secret == NULL || wire_tsig_key_new(algorithms[config->keys[i].algorithm], text, secret, &key) < 0)
			return NULL;
	}
	return key;
}

struct wire_tsig_key *sources_key(const struct sources_run *run, const char *name, const char **ret_why)
{
	char algorithm[32];
	const char *secret;
	struct wire_tsig_key *key = config_key_find(run->config, name);
	for (size_t i = 0; i < run->n_keys && key == NULL; i++)
		if (key_is(run->key[i], name, algorithm, &secret) &&
		    wire_tsig_key_new(algorithm, name, secret, &key) < 0)
			key = NULL;
	if (key == NULL)
		*ret_why = "its key is not at hand or is no good; give it with --key-file, or in the configuration";
	return key;
}

static int take_key_file(struct sources_run *run, const char *path)
{
	uint8_t *text;
	size_t len;
	if (run->n_keys == KEYS_MAX)
		return usage_error("too many keys:", path);
	if (file_read(path, KEY_BYTES_MAX, &text, &len) < 0)
		return usage_error("this key file cannot be read:", path);
	text[strcspn((char *)text, " \t\r\n")] = '\0';
	char **longer = realloc(run->key, (run->n_keys + 1) * sizeof *longer);
	if (longer == NULL) {
		free(text);
		return CMD_ERROR;
	}
	run->key = longer;
	run->key[run->n_keys++] = (char *)text;
	return CMD_OK;
}

/* ---- options ---- */

static int take_anchor(struct sources_run *run, const char *path)
{
	struct zone_error error;
	if (zone_anchors_read(path, &run->anchors, &error) == 0)
		return CMD_OK;
	fprintf(stderr, "banyan sources: trust anchors: %s\n", error.text);
	return CMD_ERROR;
}

static int take_config(struct sources_run *run, const char *path)
{
	struct config_error error;
	if (run->config == NULL && config_read_file(path, &run->config, &error) == 0)
		return CMD_OK;
	fprintf(stderr, "banyan sources: %s\n", run->config != NULL ? "one configuration is enough" : error.text);
	return CMD_ERROR;
}

static int take_time(struct sources_run *run, const char *text)
{
	char *end;
	unsigned long seconds = strtoul(text, &end, 10);
	if (*text < '1' || *text > '9' || *end != '\0' || seconds > TIME_MS_MAX / 1000)
		return usage_error("--time takes seconds, not", text);
	run->time_max_ms = (uint32_t)seconds * 1000;
	return CMD_OK;
}

static int take_option(struct sources_run *run, int option, const char *value)
{
	switch (option) {
	case 'f':
		run->fetch = true;
		return CMD_OK;
	case 'j':
		run->json = true;
		return CMD_OK;
	case 'd':
		run->digest_only = true;
		return CMD_OK;
	case 'c':
		return take_config(run, value);
	case 'A':
		return take_anchor(run, value);
	case 'k':
		return take_key_file(run, value);
	case 't':
		return take_time(run, value);
	case 'a':
		return clock_parse(value, &run->now) < 0
			       ? usage_error("--at takes UNIX seconds or ISO 8601, not", value)
			       : CMD_OK;
	case 'o':
		return wire_name_parse(value, run->origin) < 0 ? usage_error("--origin takes a domain name, not", value)
							       : CMD_OK;
	default:
		fprintf(stderr, "`banyan sources --help` tells what is allowed\n");
		return CMD_ERROR;
	}
}

/* ---- all of it ---- */

/* Where the configuration has the zone from; NULL: it does not say. */
static const struct config_list *config_sources(const struct sources_run *run)
{
	const struct config *config = run->config;
	const struct config_list *found = NULL;
	uint8_t name[WIRE_NAME_MAX];
	if (config == NULL)
		return NULL;
	if (run->origin[0] == 0)
		found = &config->root.copy.sources;
	for (size_t i = 0; i < config->n_zones && found == NULL; i++)
		if (wire_name_parse(config->zones[i].name, name) >= 0 && wire_name_equal(name, run->origin))
			found = &config->zones[i].copy.sources;
	bool automatic = found != NULL && found->count == 1 && strcasecmp(found->item[0], "auto") == 0;
	return found == NULL || found->count == 0 || automatic ? NULL : found;
}

static int run_all(struct sources_run *run, int n, char **text)
{
	const struct config_list *configured = n == 0 ? config_sources(run) : NULL;
	int status = CMD_OK;
	if (run->anchors.count == 0 && dnssec_anchors_builtin(&run->anchors) < 0)
		return CMD_ERROR;
	for (int i = 0; i < n && status == CMD_OK; i++)
		status = sources_add(run, text[i]);
	for (size_t i = 0; configured != NULL && i < configured->count && status == CMD_OK; i++)
		status = sources_add(run, configured->item[i]);
	if (n == 0 && configured == NULL)
		status = sources_add(run, "builtin");
	if (status != CMD_OK)
		return status;
	return sources_measure(run) < 0 ? CMD_ERROR : sources_print(run);
}

static void run_done(struct sources_run *run)
{
	for (size_t i = 0; i < run->n; i++)
		wire_tsig_key_free(run->row[i].key);
	for (size_t i = 0; i < run->n_keys; i++)
		free(run->key[i]);
	free(run->row);
	free(run->key);
	dnssec_anchors_done(&run->anchors);
	config_free(run->config);
	uv_run(&run->loop, UV_RUN_DEFAULT);
	uv_loop_close(&run->loop);
}

int cmd_sources(int argc, char **argv)
{
	static const struct option options[] = {
		{"fetch", no_argument, NULL, 'f'},
		{"json", no_argument, NULL, 'j'},
		{"digest-only", no_argument, NULL, 'd'},
		{"config", required_argument, NULL, 'c'},
		{"anchor", required_argument, NULL, 'A'},
		{"key-file", required_argument, NULL, 'k'},
		{"time", required_argument, NULL, 't'},
		{"at", required_argument, NULL, 'a'},
		{"origin", required_argument, NULL, 'o'},
		{"help", no_argument, NULL, 'h'},
		{NULL, 0, NULL, 0},
	};
	if (argc > 1 && (strcmp(argv[1], "sign") == 0 || strcmp(argv[1], "check") == 0))
		return sources_list_command(argc - 1, argv + 1);
	struct sources_run run = {.now = clock_wall_s()};
	int status = CMD_OK;
	signal(SIGPIPE, SIG_IGN);
	if (uv_loop_init(&run.loop) < 0)
		return CMD_ERROR;
	optind = 1;
	for (int option; status == CMD_OK && (option = getopt_long(argc, argv, "c:", options, NULL)) != -1;) {
		if (option == 'h') {
			fputs(help, stdout);
			run_done(&run);
			return CMD_OK;
		}
		status = take_option(&run, option, optarg);
	}
	if (status == CMD_OK)
		status = run_all(&run, argc - optind, argv + optind);
	run_done(&run);
	return status;
}
