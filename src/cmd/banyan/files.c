// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan files: writes zones as files that any web server can carry, and checks such a tree. */
#include <getopt.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cmd.h"
#include "load.h"
#include "sync/files/files.h"

static const char help[] =
	"usage: banyan files write [OPTIONS] ZONE-FILE FOLDER\n"
	"       banyan files check [OPTIONS] FOLDER\n"
	"\n"
	"write adds a version of a zone to the published tree in FOLDER; prove it before: `banyan verify`.\n"
	"check reads all that the pointer of the tree names. FOLDER is the one in which `root/` or that of the zone "
	"is.\n"
	"\n"
	"  --origin NAME     the zone's name; default: the root\n"
	"  --key KEY         write: file of the private key (openssl genpkey -algorithm ed25519);\n"
	"                    check: the publisher's public key in base64, as write says it\n"
	"  --unsigned        write: without --key also where the pointer was signed before\n"
	"  --deltas N        write: from so many versions before; default 10, at most 64\n"
	"  --hold SECONDS    write: how long what is not named any more stays; default 3600\n"
	"  --fresh SECONDS   write: how long the pointer is good; default 172800\n"
	"  --at TIME         the time instead of now: UNIX seconds or ISO 8601\n"
	"  --help            this\n";

struct files_options {
	uint8_t origin[WIRE_NAME_MAX];
	const char *key;
	unsigned long deltas, hold_s, fresh_s;
	int64_t now;
	bool is_unsigned;
};

#define CLAIM_MAX  8192   /* bytes of the file */
#define CLAIM_NAME "%63s" /* ZONE_EDITION_MAX with its NUL */

/* ---- whose tree it is ---- */

/* The name of the edition to which a tree belongs, as `banyan publish` writes it beside the tree. Empty: to none. */
static int claim_take(const char *path, char ret[ZONE_EDITION_MAX])
{
	_cleanup_(base_free) uint8_t *data = NULL;
	char name[ZONE_EDITION_MAX] = "";
	size_t len;
	int rc = file_read(path, CLAIM_MAX, &data, &len);
	if (rc != 0 && rc != BANYAN_ENOENT)
		return rc;
	const char *line = rc == 0 ? strstr((const char *)data, "\nedition ") : NULL;
	if (rc == 0 && (line == NULL || sscanf(line, " edition " CLAIM_NAME, name) != 1))
		return BANYAN_EMALF;
	memcpy(ret, name, sizeof name);
	return 0;
}

/* A tree of an edition takes nothing but that edition: who fetches it asks for it by its name. */
static int claim_check(const struct files_options *options, const struct zone *zone, const char *folder,
		       const char *name)
{
	struct zone_edition edition = {.name = ""};
	char path[PATH_MAX], owner[ZONE_EDITION_MAX];
	const char *why = NULL;
	if (snprintf(path, sizeof path, "%s/.%s.edition", folder, name) >= (int)sizeof path)
		return BANYAN_EINVAL;
	int rc = claim_take(path, owner);
	if (rc != 0) {
		fprintf(stderr, "banyan files: %s: this file says whose the tree is: %s\n", path, error_text(rc));
		return rc;
	}
	if (owner[0] == '\0' || (zone_edition(zone, &edition, &why) == 0 &&
				 strcmp(edition.name[0] != '\0' ? edition.name : "-", owner) == 0))
		return 0;
	fprintf(stderr,
		"banyan files: %s/%s is the tree of the edition %s, and %s is %s%s; write it to another folder, or, if "
		"that edition is no more, remove %s\n",
		folder, name, strcmp(owner, "-") == 0 ? "(without a name)" : owner, zone->source,
		edition.name[0] != '\0' ? "the edition " : "of no edition", edition.name, path);
	return BANYAN_EEXIST;
}

/* Who has the publisher's key takes no pointer without a signature: to go without one stops them. */
static int signed_check(const struct files_options *options, const char *folder, const char *name)
{
	_cleanup_(base_free) struct files_pointer *pointer = calloc(1, sizeof *pointer);
	_cleanup_(base_free) uint8_t *text = NULL;
	char path[PATH_MAX], why[FILES_WHY_MAX], key[FILES_KEY_TEXT_MAX];
	size_t len;
	if (pointer == NULL)
		return BANYAN_ENOMEM;
	if (options->key != NULL || options->is_unsigned ||
	    snprintf(path, sizeof path, "%s/%s/current", folder, name) >= (int)sizeof path ||
	    file_read(path, FILES_POINTER_MAX, &text, &len) != 0 ||
	    files_pointer_read(path, text, len, NULL, pointer, why) != 0 || !pointer->is_signed)
		return 0;
	fprintf(stderr,
		"banyan files: %s is signed by the key %s: give its private half by --key; without a signature, who "
		"knows that key takes nothing more (if that is meant: --unsigned)\n",
		path, files_key_text(pointer->key, key));
	return BANYAN_EPROOF;
}

static int whose_check(const struct files_options *options, const struct zone *zone, const char *folder)
{
	char name[WIRE_NAME_TEXT_MAX];
	if (files_folder_name(options->origin, name) != 0) /* told where the tree is written */
		return 0;
	int rc = claim_check(options, zone, folder, name);
	return rc != 0 ? rc : signed_check(options, folder, name);
}

/* The zone in its wire form; only when the tree may have it. */
static int zone_take(const struct files_options *options, const char *path, const char *folder, struct buffer *out)
{
	struct zone *zone = NULL;
	int rc = load_zone("files", options->origin, path, &zone);
	if (rc == 0)
		rc = whose_check(options, zone, folder);
	if (rc == 0 && (rc = zone_write_wire(zone, out)) != 0)
		fprintf(stderr, "banyan files: %s: %s\n", path, error_text(rc));
	zone_free(zone);
	return rc;
}

static void tell_published(const struct files_published *published, const struct files_key *key)
{
	const struct files_pointer *p = &published->pointer;
	printf("serial %u %s, content unchanged since %u\nwire form %llu bytes, text %llu bytes\n", p->serial,
	       published->is_new ? "published" : "was published before: the pointer is new", p->unchanged_since,
	       (unsigned long long)p->wire.size, (unsigned long long)p->text.size);
	for (size_t i = 0; i < p->n_deltas; i++)
		printf("delta from %u: %llu bytes\n", p->delta[i].from, (unsigned long long)p->delta[i].size);
	if (published->n_removed > 0)
		printf("%u old files removed\n", published->n_removed);
	if (key == NULL) {
		printf("the pointer is not signed\n");
		return;
	}
	char text[FILES_KEY_TEXT_MAX];
	printf("signed by the key %s\n", files_key_text(files_key_public(key), text));
}

static int run_write(const struct files_options *options, const char *file, const char *folder)
{
	_cleanup_(buffer_done) struct buffer wire = {0};
	_cleanup_(base_free) struct files_published *published = calloc(1, sizeof *published);
	char why[FILES_WHY_MAX];
	struct files_key *key = NULL;
	if (published == NULL || zone_take(options, file, folder, &wire) != 0)
		return CMD_ERROR;
	int rc = options->key != NULL ? files_key_read(options->key, &key, why) : 0;
	struct files_publish_settings settings = {.folder = folder,
						  .key = key,
						  .deltas = (unsigned)options->deltas,
						  .hold_s = (uint32_t)options->hold_s,
						  .fresh_s = (uint32_t)options->fresh_s,
						  .now = options->now};
	if (rc == 0)
		rc = files_publish(&settings, options->origin, wire.data, wire.len, published, why);
	if (rc < 0)
		fprintf(stderr, "banyan files: %s\n", why);
	else
		tell_published(published, key);
	files_key_free(key);
	return rc < 0 ? CMD_ERROR : CMD_OK;
}

static void report(void *ctx, bool fault, const char *sentence)
{
	fprintf(fault ? stderr : stdout, "%s%s\n", fault ? "fault: " : "", sentence);
}

static int run_check(const struct files_options *options, const char *folder)
{
	uint8_t key[FILES_KEY_SIZE];
	if (options->key != NULL && files_key_parse(options->key, key) < 0) {
		fprintf(stderr, "banyan files: --key takes a public key of 32 bytes in base64, not '%s'\n",
			options->key);
		return CMD_ERROR;
	}
	int faults =
		files_check(folder, options->origin, options->key != NULL ? key : NULL, options->now, report, NULL);
	if (faults < 0) {
		fprintf(stderr, "banyan files: %s: %s\n", folder, error_text(faults));
		return CMD_ERROR;
	}
	return faults > 0 ? CMD_NO : CMD_OK;
}

static bool get_number(const char *text, unsigned long max, unsigned long *ret)
{
	char *end;
	unsigned long v = strtoul(text, &end, 10);
	if (*text < '0' || *text > '9' || *end != '\0' || v > max)
		return false;
	*ret = v;
	return true;
}

enum {
	OPTION_ORIGIN = 256,
	OPTION_KEY,
	OPTION_DELTAS,
	OPTION_HOLD,
	OPTION_FRESH,
	OPTION_AT,
	OPTION_UNSIGNED,
	OPTION_HELP
};

static bool take(struct files_options *options, int option, const char *value)
{
	switch (option) {
	case OPTION_ORIGIN:
		return wire_name_parse(value, options->origin) >= 0;
	case OPTION_KEY:
		options->key = value;
		return true;
	case OPTION_UNSIGNED:
		return options->is_unsigned = true;
	case OPTION_DELTAS:
		return get_number(value, FILES_DELTAS_MAX, &options->deltas);
	case OPTION_HOLD:
		return get_number(value, UINT32_MAX, &options->hold_s);
	case OPTION_FRESH:
		return get_number(value, UINT32_MAX, &options->fresh_s);
	default:
		return clock_parse(value, &options->now) == 0;
	}
}

int cmd_files(int argc, char **argv)
{
	static const struct option table[] = {{"origin", required_argument, NULL, OPTION_ORIGIN},
					      {"key", required_argument, NULL, OPTION_KEY},
					      {"deltas", required_argument, NULL, OPTION_DELTAS},
					      {"hold", required_argument, NULL, OPTION_HOLD},
					      {"fresh", required_argument, NULL, OPTION_FRESH},
					      {"at", required_argument, NULL, OPTION_AT},
					      {"unsigned", no_argument, NULL, OPTION_UNSIGNED},
					      {"help", no_argument, NULL, OPTION_HELP},
					      {NULL, 0, NULL, 0}};
	struct files_options options = {.origin = {0},
					.deltas = FILES_DELTAS_DEFAULT,
					.hold_s = FILES_HOLD_DEFAULT_S,
					.fresh_s = FILES_FRESH_DEFAULT_S,
					.now = clock_wall_s()};
	optind = 1;
	for (int c, index; (c = getopt_long(argc, argv, "", table, &index)) != -1;) {
		if (c == OPTION_HELP || c == '?') {
			fputs(help, c == '?' ? stderr : stdout);
			return c == '?' ? CMD_ERROR : CMD_OK;
		}
		if (!take(&options, c, optarg)) {
			fprintf(stderr, "banyan files: --%s cannot be '%s'; banyan files --help\n", table[index].name,
				optarg);
			return CMD_ERROR;
		}
	}
	char **word = argv + optind;
	int n = argc - optind;
	if (n == 3 && strcmp(word[0], "write") == 0)
		return run_write(&options, word[1], word[2]);
	if (n == 2 && strcmp(word[0], "check") == 0)
		return run_check(&options, word[1]);
	fputs(help, stderr);
	return CMD_ERROR;
}
