// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan key: the keys of a zone through their lives. */
#include <getopt.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key.h"

#define LOCK_WAIT_MS 100
#define LOCK_TRIES   300 /* half a minute: a publisher that signs a large zone */

static const char help[] =
	"usage: banyan key generate | policy | list | status | ds | roll | foreign | import | export [OPTIONS] ...\n"
	"       banyan key ksr | sign-ksr | skr [OPTIONS] ...     (a KSK that is offline)\n"
	"\n"
	"  generate [NAME=VALUE ...]  makes what the policy asks for, or one key of --role for the next roll\n"
	"  policy [NAME=VALUE ...]    shows or changes it; `banyan key policy help` lists the names\n"
	"  list | status              keys with what they do; what each waits for, and what is to be done\n"
	"  ds                         what the parent, or validators, should have; --seen TAG, --gone TAG tell that it "
	"is so\n"
	"  roll zsk | ksk | csk | algorithm NUMBER\n"
	"  foreign [FILE]             DNSKEYs of another signer of the zone (RFC 8901); --shared TAG, --leave TAG\n"
	"  import FILE | pkcs11:URI   K*.private of BIND or ldns (with its .key), or PEM; needs --role\n"
	"  export TAG                 writes K*.key and K*.private to the folder of --bind\n"
	"  ksr                        online: a request for the next quarter\n"
	"  sign-ksr FILE              offline: checks and signs it; --first the first time, --after-gap if nobody "
	"asked in "
	"time\n"
	"  skr FILE                   online: takes the response; --anchor FILE the first time\n"
	"\n"
	"  --keys FOLDER     the folder of the keys; default: keys\n"
	"  --zone NAME       generate, policy, import: of a new folder\n"
	"  --role R          zsk, ksk or csk\n"
	"  --state S         import: generated, published, ready or active (default)\n"
	"  --algorithm N     import from a token; PEM files\n"
	"  --token URI       make keys in this token (pkcs11:token=...;...)\n"
	"  --bind FOLDER     export: where to\n"
	"  --dnskey          ds: as DNSKEY records\n"
	"  --seen TAG, --gone TAG, --shared TAG, --leave TAG\n"
	"  --name NAME       foreign: of the other signer\n"
	"  --from TIME, --slots N   ksr: default where the last one ended (now, if it has expired), and 9 bundles\n"
	"  --first           sign-ksr: nothing goes before this request\n"
	"  --after-gap       sign-ksr: it begins later than the last response ended\n"
	"  --ahead           ksr: the first one begins later than a slot from now, and that is meant so\n"
	"  --replace         sign-ksr: in the place of the last response, which was not taken and cannot be\n"
	"  --anchor FILE     skr: DS or DNSKEY of the KSK\n"
	"  --request FILE    skr: the request that it answers, if the folder has it no more\n"
	"  --late            skr: its KSKs roll in a time that is over: validators know of them by other means\n"
	"  --record FILE     sign-ksr: the ceremony's record; default: standard error\n"
	"  --out FILE        ksr, sign-ksr: default: standard output\n"
	"  --json            list, status\n"
	"  --at TIME         the time instead of now: UNIX seconds or ISO 8601\n"
	"  --help            this\n";

static const struct {
	const char *name;
	int (*run)(const struct key_options *options);
	int words_max;
} subcommands[] = {
	{"generate", key_generate, INT_MAX},
	{"policy", key_policy, INT_MAX},
	{"list", key_list, 0},
	{"status", key_status, 0},
	{"ds", key_ds, 0},
	{"roll", key_roll, 2},
	{"foreign", key_foreign, 1},
	{"import", key_import, 1},
	{"export", key_export, 1},
	{"ksr", key_ksr, 0},
	{"sign-ksr", key_sign_ksr, 1},
	{"skr", key_skr, 1},
};

int key_tell(int rc, const char *why)
{
	if (rc == 0)
		return CMD_OK;
	fprintf(stderr, "banyan key: %s\n", why);
	return rc == BANYAN_EPROOF || rc == BANYAN_EINVAL || rc == BANYAN_EMALF ? CMD_NO : CMD_ERROR;
}

void key_closed(struct keys_folder **folder)
{
	keys_close(*folder);
}

static int open_as(const struct key_options *options, bool write, bool mend, struct keys_folder **ret)
{
	uint8_t apex[WIRE_NAME_MAX];
	char why[KEYS_WHY_MAX];
	struct keys_open how = {.path = options->folder, .write = write, .mend = mend};
	if (options->zone != NULL && wire_name_parse(options->zone, apex) < 0) {
		fprintf(stderr, "banyan key: --zone: '%s' is no name\n", options->zone);
		return BANYAN_EINVAL;
	}
	how.apex = options->zone != NULL ? apex : NULL;
	int rc = keys_open(&how, ret, why);
	for (int i = 0; rc == BANYAN_EAGAIN && i < LOCK_TRIES; i++) {
		poll(NULL, 0, LOCK_WAIT_MS);
		rc = keys_open(&how, ret, why);
	}
	if (rc != 0)
		key_tell(rc, why);
	else
		keys_folder_token(*ret, options->token);
	return rc;
}

int key_open(const struct key_options *options, bool write, struct keys_folder **ret)
{
	return open_as(options, write, false, ret);
}

int key_open_policy(const struct key_options *options, bool write, struct keys_folder **ret)
{
	return open_as(options, write, true, ret);
}

int key_role_read(const char *text)
{
	for (int role = KEYS_ZSK; text != NULL && role <= KEYS_CSK; role++)
		if (strcmp(text, keys_role_text(role)) == 0)
			return role;
	fprintf(stderr, "banyan key: --role is zsk, ksk or csk%s%s\n", text != NULL ? ", not " : "",
		text != NULL ? text : "");
	return -1;
}

int key_write(const char *path, const struct buffer *text)
{
	if (path == NULL || strcmp(path, "-") == 0) {
		bool good = fwrite(text->data, 1, text->len, stdout) == text->len && fflush(stdout) == 0;
		return good ? CMD_OK : CMD_ERROR;
	}
	int rc = file_write_atomic(path, text->data, text->len);
	if (rc != 0)
		fprintf(stderr, "banyan key: %s cannot be written: %s\n", path, error_text(rc));
	return rc != 0 ? CMD_ERROR : CMD_OK;
}

bool key_tag_read(const char *text, unsigned long *ret)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || v > 65535)
		return false;
	*ret = v;
	return true;
}

enum {
	OPTION_KEYS = 256,
	OPTION_ZONE,
	OPTION_ROLE,
	OPTION_STATE,
	OPTION_ALGORITHM,
	OPTION_TOKEN,
	OPTION_BIND,
	OPTION_DNSKEY,
	OPTION_SEEN,
	OPTION_GONE,
	OPTION_SHARED,
	OPTION_LEAVE,
	OPTION_NAME,
	OPTION_FROM,
	OPTION_SLOTS,
	OPTION_FIRST,
	OPTION_AFTER_GAP,
	OPTION_AHEAD,
	OPTION_REPLACE,
	OPTION_ANCHOR,
	OPTION_REQUEST,
	OPTION_LATE,
	OPTION_RECORD,
	OPTION_OUT,
	OPTION_JSON,
	OPTION_AT,
	OPTION_HELP
};

static const struct option table[] = {{"keys", required_argument, NULL, OPTION_KEYS},
				      {"zone", required_argument, NULL, OPTION_ZONE},
				      {"role", required_argument, NULL, OPTION_ROLE},
				      {"state", required_argument, NULL, OPTION_STATE},
				      {"algorithm", required_argument, NULL, OPTION_ALGORITHM},
				      {"token", required_argument, NULL, OPTION_TOKEN},
				      {"bind", required_argument, NULL, OPTION_BIND},
				      {"dnskey", no_argument, NULL, OPTION_DNSKEY},
				      {"seen", required_argument, NULL, OPTION_SEEN},
				      {"gone", required_argument, NULL, OPTION_GONE},
				      {"shared", required_argument, NULL, OPTION_SHARED},
				      {"leave", required_argument, NULL, OPTION_LEAVE},
				      {"name", required_argument, NULL, OPTION_NAME},
				      {"from", required_argument, NULL, OPTION_FROM},
				      {"slots", required_argument, NULL, OPTION_SLOTS},
				      {"first", no_argument, NULL, OPTION_FIRST},
				      {"after-gap", no_argument, NULL, OPTION_AFTER_GAP},
				      {"ahead", no_argument, NULL, OPTION_AHEAD},
				      {"replace", no_argument, NULL, OPTION_REPLACE},
				      {"anchor", required_argument, NULL, OPTION_ANCHOR},
				      {"request", required_argument, NULL, OPTION_REQUEST},
				      {"late", no_argument, NULL, OPTION_LATE},
				      {"record", required_argument, NULL, OPTION_RECORD},
				      {"out", required_argument, NULL, OPTION_OUT},
				      {"json", no_argument, NULL, OPTION_JSON},
				      {"at", required_argument, NULL, OPTION_AT},
				      {"help", no_argument, NULL, OPTION_HELP},
				      {NULL, 0, NULL, 0}};

static bool take_text(struct key_options *o, int option, const char *value)
{
	const char **field = option == OPTION_KEYS        ? &o->folder
			     : option == OPTION_ZONE      ? &o->zone
			     : option == OPTION_ROLE      ? &o->role
			     : option == OPTION_STATE     ? &o->phase
			     : option == OPTION_ALGORITHM ? &o->algorithm
			     : option == OPTION_TOKEN     ? &o->token
			     : option == OPTION_BIND      ? &o->bind
			     : option == OPTION_NAME      ? &o->name
			     : option == OPTION_ANCHOR    ? &o->anchor
			     : option == OPTION_REQUEST   ? &o->request
			     : option == OPTION_RECORD    ? &o->record
			     : option == OPTION_OUT       ? &o->out
							  : NULL;
	if (field == NULL)
		return false;
	*field = value;
	return true;
}

static bool take(struct key_options *o, int option, const char *value)
{
	switch (option) {
	case OPTION_DNSKEY:
		return o->dnskey = true;
	case OPTION_FIRST:
		return o->first = true;
	case OPTION_AFTER_GAP:
		return o->after_gap = true;
	case OPTION_AHEAD:
		return o->ahead = true;
	case OPTION_REPLACE:
		return o->replace = true;
	case OPTION_LATE:
		return o->late = true;
	case OPTION_JSON:
		return o->json = true;
	case OPTION_SEEN:
		return key_tag_read(value, &o->seen);
	case OPTION_GONE:
		return key_tag_read(value, &o->gone);
	case OPTION_SHARED:
		return key_tag_read(value, &o->shared);
	case OPTION_LEAVE:
		return key_tag_read(value, &o->leave);
	case OPTION_SLOTS:
		return key_tag_read(value, &o->slots);
	case OPTION_FROM:
		return clock_parse(value, &o->from) == 0;
	case OPTION_AT:
		return clock_parse(value, &o->now) == 0;
	default:
		return take_text(o, option, value);
	}
}

int cmd_key(int argc, char **argv)
{
	struct key_options options = {.folder = "keys",
				      .seen = KEY_NO_TAG,
				      .gone = KEY_NO_TAG,
				      .shared = KEY_NO_TAG,
				      .leave = KEY_NO_TAG,
				      .slots = 9, /* of ten days: a quarter */
				      .now = clock_wall_s()};
	process_guard();
	optind = 1;
	for (int c, index = 0; (c = getopt_long(argc, argv, "", table, &index)) != -1;) {
		if (c == OPTION_HELP || c == '?') {
			fputs(help, c == '?' ? stderr : stdout);
			return c == '?' ? CMD_ERROR : CMD_OK;
		}
		if (!take(&options, c, optarg)) {
			fprintf(stderr, "banyan key: --%s cannot be '%s'; banyan key --help\n", table[index].name,
				optarg);
			return CMD_ERROR;
		}
	}
	options.n_words = argc - optind - 1;
	options.word = argv + optind + 1;
	for (size_t i = 0; argc > optind && i < ARRAY_SIZE(subcommands); i++) {
		if (strcmp(argv[optind], subcommands[i].name) != 0)
			continue;
		if (options.n_words <= subcommands[i].words_max)
			return subcommands[i].run(&options);
		fprintf(stderr, "banyan key %s: '%s' is one word too many; banyan key --help\n", argv[optind],
			options.word[subcommands[i].words_max]);
		return CMD_ERROR;
	}
	if (argc > optind)
		fprintf(stderr, "banyan key: there is no '%s'\n", argv[optind]);
	fputs(help, stderr);
	return CMD_ERROR;
}
