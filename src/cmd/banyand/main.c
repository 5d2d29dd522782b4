// SPDX-License-Identifier: GPL-3.0-or-later
/* banyand(8): reads its arguments and brings the daemon up, step by step. */
#include "daemon.h"
#include "publisher.h"
#include "attendant.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define CONFIG_PATH_DEFAULT "/etc/banyan/banyan.yaml"

enum exit_status { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

static void usage(FILE *out)
{
	fprintf(out, "usage: banyand [-c FILE] [--check | --sample | --version | --help]\n\n"
		     "  -c, --config FILE  configuration file (default " CONFIG_PATH_DEFAULT ")\n"
		     "      --check        checks the configuration and ends: 0 good, 1 not\n"
		     "      --sample       writes a configuration with all options and their defaults\n"
		     "      --version      writes the version\n"
		     "      --help         writes this\n\n"
		     "banyand stays in the foreground and logs to standard error. SIGHUP reloads, SIGTERM ends.\n"
		     "banyand(8) and banyan.yaml(5) tell more.\n");
}

static int sample(void)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	if (config_write_sample(&out) < 0)
		return EXIT_FAILED;
	return fwrite(out.data, 1, out.len, stdout) == out.len && fflush(stdout) == 0 ? EXIT_GOOD : EXIT_FAILED;
}

static void config_done(struct config **config)
{
	if (*config != NULL)
		config_free(*config);
}

/* Hosts files, records and policy zones are part of what the operator writes. */
static bool check_policies(const struct config *config)
{
	_cleanup_(forward_list_done) struct forward_list forwards = {0};
	_cleanup_(policies_done) struct policies policies = {0};
	char why[REFUSAL_TEXT_MAX];
	log_set_level(LOG_LEVEL_WARNING);
	int rc = forward_list_make(config, &forwards);
	if (rc < 0)
		snprintf(why, sizeof why, "%s", error_text(rc));
	else
		rc = policies_load(config, &forwards, NULL, NULL, &policies, why);
	if (rc < 0)
		fprintf(stderr, "%s\n", why);
	return rc == 0;
}

/* So are the files of trust anchors and of secrets. */
static bool check_secrets(const struct config *config)
{
	struct dnssec_anchors anchors = {0};
	struct answer_cookies cookies;
	char why[REFUSAL_TEXT_MAX];
	int rc = config->resolver.enabled ? anchors_read(config, &anchors, why) : 0;
	dnssec_anchors_done(&anchors);
	if (rc == 0)
		rc = secrets_load(config, &cookies, why);
	if (rc < 0)
		fprintf(stderr, "%s\n", why);
	return rc == 0;
}

/* And where copies come from. */
static bool check_sources(const struct config *config)
{
	struct copy_door *door;
	size_t n;
	char why[REFUSAL_TEXT_MAX];
	if (copies_doors_make(config, &door, &n, why) < 0) {
		fprintf(stderr, "%s\n", why);
		return false;
	}
	copies_doors_free(door, n);
	return true;
}

static int check(const char *path)
{
	_cleanup_(config_done) struct config *config = NULL;
	struct config_error error;
	if (config_read_file(path, &config, &error) < 0) {
		config = NULL;
		fprintf(stderr, "%s\n", error.text);
		return EXIT_FAILED;
	}
	if (!check_policies(config) || !check_secrets(config) || !check_sources(config))
		return EXIT_FAILED;
	printf("%s: good\n", path);
	return EXIT_GOOD;
}

/* ---- bringing it up: what needs root first, then what is read with the rights that reloads will have ---- */

static int control_open(struct keeper *keeper, const struct config *config, char why[REFUSAL_TEXT_MAX])
{
	int rc = privileges_rundir(config->server.rundir, &keeper->identity, why);
	if (rc == 0)
		rc = control_start(keeper, config->server.control, why);
	if (rc == 0)
		keeper_early_signals(config->server.control);
	if (rc == 0 && keeper->identity.change &&
	    chown(config->server.control, keeper->identity.uid, keeper->identity.gid) < 0) {
		snprintf(why, REFUSAL_TEXT_MAX, "cannot give the control socket to %s", keeper->identity.name);
		return BANYAN_EACCES;
	}
	if (rc == 0 || !config->server.control_optional)
		return rc;
	log_warning(STATION, "%s; banyan(1) cannot talk to this daemon until server.rundir names a folder of its own",
		    why);
	return 0;
}

/* Who proves and fetches what comes from outside, before there are sockets to be shared with it. */
static int attendant_begin(struct keeper *keeper, const struct config *config, char why[REFUSAL_TEXT_MAX])
{
	struct attendant_settings settings = {.identity = &keeper->identity, .confine = config->server.confine};
	if (!config->resolver.enabled && !copies_any(config))
		return 0; /* an authority for what is here already: two processes less */
	int rc = attendant_fork(&settings, &keeper->attendant, why);
	if (rc < 0)
		return rc;
	rc = attendant_attach(keeper->attendant, &keeper->loop);
	if (rc < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "cannot talk to the process that proves copies: %s", error_text(rc));
	return rc;
}

static int bind_all(struct keeper *keeper, const struct config *config, char why[REFUSAL_TEXT_MAX])
{
	int rc = privileges_find(config, &keeper->identity, why);
	if (rc == 0)
		rc = attendant_begin(keeper, config, why);
	if (rc == 0)
		rc = workers_new(config, keeper, &keeper->workers, why);
	if (rc == 0)
		rc = control_open(keeper, config, why);
	if (rc == 0)
		rc = publisher_open(keeper, config, why);
	if (rc < 0)
		return rc;
	privileges_raise_files(config, keeper->workers.count);
	keeper->resolver = keeper->workers.cache != NULL;
	return 0;
}

static int confine(struct keeper *keeper, const struct config *config, char why[REFUSAL_TEXT_MAX])
{
	int rc = privileges_drop(&keeper->identity, config->server.confine, why);
	if (rc < 0 || !config->server.confine)
		return rc;
	rc = confine_system_calls();
	if (rc < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "cannot confine the daemon's system calls: %s", error_text(rc));
	return rc;
}

static int bring_up(struct keeper *keeper, struct config *config, char why[REFUSAL_TEXT_MAX])
{
	int rc = bind_all(keeper, config, why);
	if (rc == 0)
		rc = confine(keeper, config, why);
	if (rc < 0) {
		config_free(config);
		return rc;
	}
	struct generation *generation;
	copies_open(keeper, config);
	rc = generation_load(config, keeper->workers.shared_anchors, false, NULL, NULL, keeper, &generation, why);
	if (rc < 0)
		return rc;
	rc = anchors_adopt(keeper, NULL, generation);
	if (rc < 0) {
		generation_free(generation);
		snprintf(why, REFUSAL_TEXT_MAX, "cannot take the trust anchors: %s", error_text(rc));
		return rc;
	}
	negatives_restore(keeper, generation->config);
	struct negatives *negatives = negatives_prepare(keeper, generation);
	swap_publish(&keeper->swap, generation);
	negatives_adopt(keeper, negatives);
	feeds_adopt(keeper);
	notifies_adopt(keeper);
	transfers_adopt(generation);
	copies_adopt(keeper); /* it may put another generation in the place of this one */
	generation = atomic_load(&keeper->swap.current);
	cache_file_start(keeper, generation->config);
	validation_tables_setup(keeper);
	keeper_signals(keeper);
	publisher_offer(keeper, generation);
	rc = workers_start(&keeper->workers);
	if (rc == 0)
		rc = publisher_start(keeper);
	if (rc < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "cannot start the workers: %s", error_text(rc));
	return rc;
}

static void log_listening(const struct keeper *keeper)
{
	const struct config *config = swap_read((struct swap *)&keeper->swap)->config;
	char text[ADDR_TEXT_MAX];
	for (size_t i = 0; i < config->server.listen.count; i++)
		log_notice(STATION, "listening on %s", addr_format(&config->server.listen.item[i], true, text));
	log_notice(STATION, "banyand %s is ready: %u worker%s, resolver %s", BANYAN_VERSION, keeper->workers.count,
		   keeper->workers.count == 1 ? "" : "s", keeper->resolver ? "on" : "off");
}

static int serve(const char *path)
{
	static struct keeper keeper;
	struct config *config;
	struct config_error error;
	keeper_early_signals(NULL);
	if (config_read_file(path, &config, &error) < 0) {
		log_error(STATION, "%s", error.text);
		return EXIT_FAILED;
	}
	log_set_level(config->server.log_level);
	char why[REFUSAL_TEXT_MAX] = "cannot make the loop";
	int rc = keeper_init(&keeper, path);
	if (rc == 0)
		rc = bring_up(&keeper, config, why);
	else
		config_free(config);
	if (rc == 0) {
		log_listening(&keeper);
		notify_ready("answering");
		rc = keeper_run(&keeper);
	} else {
		log_error(STATION, "%s", why);
		if (keeper.control != NULL) {
			keeper_stop(&keeper);
			keeper_run(&keeper);
		}
	}
	publisher_free(&keeper);
	workers_done(&keeper.workers);
	transfers_end();
	generation_free(atomic_load(&keeper.swap.current));
	negatives_done(&keeper);
	return rc < 0 ? EXIT_FAILED : EXIT_GOOD;
}

int main(int argc, char **argv)
{
	enum { CHECK = 256, SAMPLE, VERSION, HELP };
	static const struct option options[] = {
		{"config", required_argument, NULL, 'c'}, {"check", no_argument, NULL, CHECK},
		{"sample", no_argument, NULL, SAMPLE},    {"version", no_argument, NULL, VERSION},
		{"help", no_argument, NULL, HELP},        {NULL, 0, NULL, 0},
	};
	const char *path = CONFIG_PATH_DEFAULT;
	bool only_check = false;
	for (int c; (c = getopt_long(argc, argv, "c:", options, NULL)) != -1;) {
		switch (c) {
		case 'c':
			path = optarg;
			break;
		case CHECK:
			only_check = true;
			break;
		case SAMPLE:
			return sample();
		case VERSION:
			printf("banyand %s\n", BANYAN_VERSION);
			return EXIT_GOOD;
		case HELP:
			usage(stdout);
			return EXIT_GOOD;
		default:
			usage(stderr);
			return EXIT_USAGE;
		}
	}
	if (optind != argc) {
		usage(stderr);
		return EXIT_USAGE;
	}
	return only_check ? check(path) : serve(path);
}
