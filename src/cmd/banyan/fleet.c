// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan status --fleet: options, the master, the nodes, the outcome. */
#include "fleet.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "ask.h"
#include "cmd.h"

#define TIME_DEFAULT_MS 3000
#define TIME_MAX_S      60
#define GRACE_MAX_S     (366 * 86400)
#define AT_ONCE                                                                                                        \
	500 /* questions on their way: thousands of nodes take seconds, and replies do not wait for each other */
#define FILES_SPARE       64 /* descriptors for all else */
#define PER_NODE          8  /* questions that one node may have at once */
#define NAMES_DEFAULT     4
#define LIST_BYTES_MAX    ((size_t)FLEET_NODES_MAX * 64)
#define KEY_BYTES_MAX     4096
#define ANCHORS_BYTES_MAX ((size_t)1 << 20)

static const char help[] =
	"usage: banyan status --fleet [OPTIONS] [ADDRESS[@PORT]...]\n"
	"\n"
	"Asks everybody whom the daemon tells of new versions of a zone, and whom those tell, and so on, what they\n"
	"serve, and says who is up to date, who is behind, who lies and who is silent. ADDRESSES are asked besides.\n"
	"\n"
	"  --zone NAME       the zone; default: the root\n" ASK_SOCKET_HELP
	"  --master ADDRESS[@PORT]  the master is this server, which is asked by DNS\n"
	"  --nodes FILE      further addresses, one a line; # begins a comment\n"
	"  --no-register     nobody but these\n"
	"  --depth N         registers of registers: 0 = only the master's; default 8\n"
	"  --key-file FILE   a TSIG key for registers, as one line ALGORITHM:NAME:SECRET\n"
	"  --anchor FILE     with --master: its keys must be proved by these trust anchors\n"
	"  --samples N       look at the data of N names of the zone at random, of the apex, and of a name that is\n"
	"                    not there: 0 to 64, 0 = at none; default 4\n"
	"  --time SECONDS    to wait for a reply by UDP, and again by TCP; default 3\n"
	"  --grace SECONDS   who is behind for less does not count; default 0. Versions with dates need none for the\n"
	"                    time that they are offered ahead: nobody is behind one before its valid-from\n"
	"  --trouble         only those that are not up to date\n"
	"  --json            one JSON object\n"
	"\n"
	"Exit status: 0 all are up to date, 1 somebody is behind (or ahead), 2 somebody lies, fails or is silent,\n"
	"3 it cannot be told: the master was not reached, or the command is wrong.\n";

static int wrong(const char *what, const char *value)
{
	fprintf(stderr, "banyan status --fleet: %s '%s'; `banyan status --fleet --help` tells more\n", what, value);
	return FLEET_EXIT_UNKNOWN;
}

/* What cannot be read: why, by the system's word or ours. */
static int unread(const char *what, const char *path, int rc)
{
	fprintf(stderr, "banyan status --fleet: %s %s cannot be read: %s\n", what, path,
		rc == BANYAN_EIO && errno != 0 ? strerror(errno) : error_text(rc));
	return FLEET_EXIT_UNKNOWN;
}

/* ---- nodes that are named ---- */

static int take_node(struct fleet *fleet, const char *text)
{
	struct fleet_peer peer = {0};
	if (addr_parse(text, 53, &peer.addr) < 0 || peer.addr.port == 0)
		return wrong("a node is ADDRESS or ADDRESS@PORT, not", text);
	if (!fleet_add(fleet, &peer, FLEET_NOBODY, true))
		return wrong("there are too many nodes; the one that is too many is", text);
	return 0;
}

static int take_list(struct fleet *fleet, const char *path)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len, number = 0;
	int status = 0;
	int rc = file_read(path, LIST_BYTES_MAX, &text, &len);
	if (rc < 0)
		return unread("the list of nodes", path, rc);
	char *rest = (char *)text;
	for (char *line; status == 0 && (line = strsep(&rest, "\n")) != NULL;) {
		number++;
		line[strcspn(line, "#")] = 0;
		line += strspn(line, " \t\r");
		line[strcspn(line, " \t\r")] = 0;
		if (line[0] != 0)
			status = take_node(fleet, line);
	}
	if (status != 0)
		fprintf(stderr, "banyan status --fleet: that is line %zu of %s\n", number, path);
	return status;
}

/* ---- options ---- */

struct wanted {
	const char *nodes, *key_file, *master, *socket;
	struct wire_tsig_key *key;
};

static int take_number(const char *name, const char *text, unsigned long max, unsigned long *ret)
{
	char *end;
	if (text[0] < '0' || text[0] > '9')
		return wrong(name, text);
	*ret = strtoul(text, &end, 10);
	return *end != 0 || *ret > max ? wrong(name, text) : 0;
}

static int take_key(struct wanted *wanted)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	char *rest;
	int rc = file_read(wanted->key_file, KEY_BYTES_MAX, &text, &len);
	if (rc < 0)
		return unread("the key file", wanted->key_file, rc);
	text[strcspn((char *)text, " \t\r\n")] = 0;
	const char *algorithm = strtok_r((char *)text, ":", &rest), *name = strtok_r(NULL, ":", &rest);
	if (name == NULL || wire_tsig_key_new(algorithm, name, rest, &wanted->key) < 0)
		return wrong("the key is not ALGORITHM:NAME:SECRET in", wanted->key_file);
	return 0;
}

static int take_anchor(struct fleet *fleet, const char *path)
{
	struct dnssec_text_error error;
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	int rc = file_read(path, ANCHORS_BYTES_MAX, &text, &len);
	if (rc < 0)
		return unread("the file of trust anchors", path, rc);
	if (dnssec_anchors_parse(path, (const char *)text, len, &fleet->anchors, &error) == 0)
		return 0;
	fprintf(stderr, "banyan status --fleet: trust anchors: %s\n", error.text);
	return FLEET_EXIT_UNKNOWN;
}

static int take_option(struct fleet *fleet, struct wanted *wanted, int option, const char *value)
{
	unsigned long number = 0;
	int status = 0;
	switch (option) {
	case 'z':
		return wire_name_parse(value, fleet->apex) < 0 ? wrong("--zone takes a domain name, not", value) : 0;
	case 's':
		wanted->socket = value;
		break;
	case 'm':
		wanted->master = value;
		break;
	case 'n':
		wanted->nodes = value;
		break;
	case 'k':
		wanted->key_file = value;
		break;
	case 'a':
		return take_anchor(fleet, value);
	case 'd':
		status = take_number("--depth takes 0 to 16, not", value, FLEET_DEPTH_MAX, &number);
		fleet->depth_max = (uint32_t)number;
		break;
	case 't':
		status = take_number("--time takes seconds, 1 to 60, not", value, TIME_MAX_S, &number);
		fleet->time_ms = (uint32_t)number * 1000;
		return status == 0 && number == 0 ? wrong("--time takes seconds, 1 to 60, not", value) : status;
	case 'g':
		status = take_number("--grace takes seconds, 0 to 31622400 (a year), not", value, GRACE_MAX_S, &number);
		fleet->grace_ms = (int64_t)number * 1000;
		break;
	case 'S':
		status = take_number("--samples takes 0 to 64, not", value, FLEET_NAMES_MAX, &number);
		fleet->names = (uint32_t)number;
		break;
	case 'R':
		fleet->no_register = true;
		break;
	case 'T':
		fleet->trouble_only = true;
		break;
	case 'j':
		fleet->json = true;
		break;
	case 'f':
		break;
	default:
		fprintf(stderr, "`banyan status --fleet --help` tells what is allowed\n");
		return FLEET_EXIT_UNKNOWN;
	}
	return status;
}

/* ---- all of it ---- */

/* A question is a socket. */
static void raise_files(struct fleet *fleet)
{
	struct rlimit limit;
	fleet->at_once = AT_ONCE;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	rlim_t want = AT_ONCE * (PER_NODE + 1) + FILES_SPARE;
	if (limit.rlim_cur < want) {
		limit.rlim_cur = limit.rlim_max < want ? limit.rlim_max : want;
		if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
			(void)!getrlimit(RLIMIT_NOFILE, &limit);
	}
	if (limit.rlim_cur < want)
		fleet->at_once = limit.rlim_cur > FILES_SPARE + PER_NODE + 1
					 ? (uint32_t)((limit.rlim_cur - FILES_SPARE) / (PER_NODE + 1))
					 : 1;
}

static int find_master(struct fleet *fleet, const struct wanted *wanted)
{
	if (wanted->master != NULL && wanted->socket != NULL)
		return wrong("there is one master: either --socket or --master, not also", wanted->master);
	if (wanted->master == NULL) {
		fleet->socket = wanted->socket != NULL ? wanted->socket : ask_socket_default();
		snprintf(fleet->master.name, sizeof fleet->master.name, "%s", fleet->socket);
		if (fleet->anchors.count == 0)
			return 0;
		fprintf(stderr,
			"banyan status --fleet: --anchor goes with --master: by its socket a daemon's word is taken "
			"for its keys\n");
		return FLEET_EXIT_UNKNOWN;
	}
	if (addr_parse(wanted->master, 53, &fleet->master_at) < 0 || fleet->master_at.port == 0)
		return wrong("--master takes ADDRESS or ADDRESS@PORT, not", wanted->master);
	addr_format(&fleet->master_at, true, fleet->master.name);
	return take_node(fleet, wanted->master);
}

static int ask_all(struct fleet *fleet)
{
	char zone[WIRE_NAME_TEXT_MAX];
	if (fleet_master_ask(fleet, false) < 0)
		return FLEET_EXIT_UNKNOWN;
	if (fleet->socket != NULL && !fleet->no_register) {
		if (!fleet->master.tells && fleet->n == 0)
			return wrong("the daemon tells nobody of new versions (neither notify nor register is "
				     "configured), and no node is named: zone",
				     wire_name_text(fleet->apex, zone));
		for (size_t i = 0; i < fleet->master.n_peers; i++)
			(void)!fleet_add(fleet, &fleet->master.peer[i], FLEET_NOBODY, false);
	}
	if (fleet_walk(fleet) < 0) {
		fprintf(stderr, "banyan status --fleet: out of memory\n");
		return FLEET_EXIT_UNKNOWN;
	}
	/* what it has offered meanwhile, too */
	if (fleet_master_ask(fleet, true) < 0)
		return FLEET_EXIT_UNKNOWN;
	for (size_t i = 0; i < fleet->n; i++)
		fleet_judge(&fleet->master, &fleet->node[i], fleet->grace_ms);
	return fleet_print(fleet);
}

static int take_words(struct fleet *fleet, struct wanted *wanted, int n, char **word)
{
	int status = find_master(fleet, wanted);
	if (status == 0 && wanted->key_file != NULL)
		status = take_key(wanted);
	fleet->key = wanted->key;
	if (status == 0 && wanted->nodes != NULL)
		status = take_list(fleet, wanted->nodes);
	for (int i = 0; i < n && status == 0; i++)
		status = take_node(fleet, word[i]);
	return status;
}

int fleet_command(int argc, char **argv)
{
	static const struct option options[] = {
		{"fleet", no_argument, NULL, 'f'},        {"zone", required_argument, NULL, 'z'},
		{"socket", required_argument, NULL, 's'}, {"master", required_argument, NULL, 'm'},
		{"nodes", required_argument, NULL, 'n'},  {"no-register", no_argument, NULL, 'R'},
		{"depth", required_argument, NULL, 'd'},  {"key-file", required_argument, NULL, 'k'},
		{"anchor", required_argument, NULL, 'a'}, {"samples", required_argument, NULL, 'S'},
		{"time", required_argument, NULL, 't'},   {"grace", required_argument, NULL, 'g'},
		{"trouble", no_argument, NULL, 'T'},      {"json", no_argument, NULL, 'j'},
		{"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
	};
	struct fleet *fleet = calloc(1, sizeof *fleet);
	struct wanted wanted = {0};
	int status = 0;
	if (fleet == NULL || uv_loop_init(&fleet->loop) < 0)
		return FLEET_EXIT_UNKNOWN;
	signal(SIGPIPE, SIG_IGN);
	random_init_kernel(&fleet->random);
	random_bytes(&fleet->random, fleet->hash_key, sizeof fleet->hash_key);
	fleet->time_ms = TIME_DEFAULT_MS;
	fleet->depth_max = 8;
	fleet->names = NAMES_DEFAULT;
	raise_files(fleet);
	optind = 1;
	for (int option; status == 0 && (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
		if (option == 'h') {
			fputs(help, stdout);
			exit(FLEET_EXIT_CURRENT);
		}
		status = take_option(fleet, &wanted, option, optarg);
	}
	if (status == 0)
		status = take_words(fleet, &wanted, argc - optind, argv + optind);
	if (status == 0)
		status = ask_all(fleet);
	uv_run(&fleet->loop, UV_RUN_DEFAULT);
	uv_loop_close(&fleet->loop);
	wire_tsig_key_free(wanted.key);
	fleet_done(fleet);
	free(fleet);
	return status;
}
