// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan simulate: how a new version of a zone spreads, in virtual time. */
#include "cmd.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/sim.h"

#define ROWS_MAX 256 /* runs of one call */
#define LIST_MAX 8   /* values of one option */

static void usage(FILE *out)
{
	fprintf(out, "usage: banyan simulate [OPTIONS]\n"
		     "\n"
		     "One run for each combination of these lists, the values apart by commas:\n"
		     "  --shapes LIST       poll, cdn, tree, mesh, scheduled (all five)\n"
		     "  --nodes LIST        resolvers (1000)\n"
		     "  --loss LIST         packets lost, in percent (0)\n"
		     "and for all of them:\n"
		     "  --seed N            all that happens follows from it (1)\n"
		     "  --liars PERCENT     of the resolvers: they announce what they do not have (1)\n"
		     "  --fanout N          tree: peers that each tells; mesh: those whom the publisher tells (20)\n"
		     "  --peers N           mesh: whom each registers with (3)\n"
		     "  --edges N           cdn: caches (200)\n"
		     "  --versions N        published one an hour, scheduled: one a day; the last one is measured (1)\n"
		     "  --ahead SECONDS     scheduled: before the time from which a version may be used (7200)\n"
		     "  --whole BYTES       the zone by transfer (1340000)\n"
		     "  --delta BYTES       what a CDN carries of a version (737000)\n"
		     "  --pointer BYTES     the file that says what is current (600)\n"
		     "  --publisher BYTES   a second that the publisher's line carries (125000000)\n"
		     "  --up BYTES          a second that a resolver's line carries outwards (2500000)\n"
		     "  --text FILE         the curves as text (- = after the table)\n"
		     "  --svg FILE          the curves as SVG\n");
}

static const struct option options[] = {
	{"shapes", required_argument, NULL, 's'},
	{"nodes", required_argument, NULL, 'n'},
	{"loss", required_argument, NULL, 'l'},
	{"seed", required_argument, NULL, 'r'},
	{"liars", required_argument, NULL, 'i'},
	{"fanout", required_argument, NULL, 'f'},
	{"peers", required_argument, NULL, 'p'},
	{"edges", required_argument, NULL, 'e'},
	{"versions", required_argument, NULL, 'v'},
	{"ahead", required_argument, NULL, 'a'},
	{"whole", required_argument, NULL, 'w'},
	{"delta", required_argument, NULL, 'd'},
	{"pointer", required_argument, NULL, 'o'},
	{"publisher", required_argument, NULL, 'b'},
	{"up", required_argument, NULL, 'u'},
	{"text", required_argument, NULL, 't'},
	{"svg", required_argument, NULL, 'g'},
	{"help", no_argument, NULL, 'h'},
	{0},
};

struct plan {
	struct sim_settings base;
	size_t n_shapes, n_nodes, n_losses;
	uint32_t shape[LIST_MAX], nodes[LIST_MAX], loss[LIST_MAX]; /* loss in thousandths */
	const char *text, *svg;
};

static bool number(const char *option, const char *text, double least, double most, double scale, uint64_t *ret)
{
	char *end;
	double value = strtod(text, &end);
	if (end != text && *end == 0 && value >= least && value <= most) {
		*ret = (uint64_t)(value * scale + 0.5);
		return true;
	}
	fprintf(stderr, "banyan simulate: --%s: '%s' is not a number from %g to %g\n", option, text, least, most);
	return false;
}

static bool list(int option, char *text, uint32_t item[LIST_MAX], size_t *ret)
{
	size_t n = 0;
	char *rest = text;
	for (char *word; (word = strsep(&rest, ",")) != NULL; n++) {
		uint64_t value = 0;
		int shape = option == 's' ? sim_shape_parse(word) : 0;
		if (n == LIST_MAX || shape < 0) {
			fprintf(stderr,
				n == LIST_MAX
					? "banyan simulate: more than %d values in one list\n"
					: "banyan simulate: --shapes: allowed are poll, cdn, tree, mesh, scheduled\n",
				LIST_MAX);
			return false;
		}
		if ((option == 'n' && !number("nodes", word, 10, SIM_NODES_MAX, 1, &value)) ||
		    (option == 'l' && !number("loss", word, 0, 50, 10, &value)))
			return false;
		item[n] = option == 's' ? (uint32_t)shape : (uint32_t)value;
	}
	*ret = n;
	return true;
}

static bool one_number(struct plan *plan, int option, const char *text)
{
	struct sim_settings *s = &plan->base;
	uint64_t value = 0;
	const struct {
		int option;
		const char *name;
		double least, most, scale;
		uint32_t *small;
		uint64_t *large;
	} rows[] = {
		{'r', "seed", 0, 1e15, 1, NULL, &s->seed},
		{'i', "liars", 0, 50, 10, &s->liars_permille, NULL},
		{'f', "fanout", 2, 10000, 1, &s->fanout, NULL},
		{'p', "peers", 1, SIM_SOURCES_MAX - 2, 1, &s->peers, NULL},
		{'e', "edges", 1, 100000, 1, &s->edges, NULL},
		{'v', "versions", 1, 1000, 1, &s->versions, NULL},
		{'a', "ahead", 0, 86399, 1, &s->ahead_s, NULL},
		{'w', "whole", 1, 1e9, 1, &s->whole, NULL},
		{'d', "delta", 1, 1e9, 1, &s->delta, NULL},
		{'o', "pointer", 1, 1e6, 1, &s->pointer, NULL},
		{'b', "publisher", 1000, 1e12, 1, NULL, &s->publisher_rate},
		{'u', "up", 1000, 1e12, 1, NULL, &s->up_rate},
	};
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].option != option)
			continue;
		if (!number(rows[i].name, text, rows[i].least, rows[i].most, rows[i].scale, &value))
			return false;
		if (rows[i].small != NULL)
			*rows[i].small = (uint32_t)value;
		else
			*rows[i].large = value;
		return true;
	}
	return false;
}

static bool take_option(struct plan *plan, int option, char *text)
{
	switch (option) {
	case 's':
		return list(option, text, plan->shape, &plan->n_shapes);
	case 'n':
		return list(option, text, plan->nodes, &plan->n_nodes);
	case 'l':
		return list(option, text, plan->loss, &plan->n_losses);
	case 't':
		plan->text = text;
		return true;
	case 'g':
		plan->svg = text;
		return true;
	default:
		return one_number(plan, option, text);
	}
}

static bool write_out(const char *path, const struct sim_row *row, size_t n,
		      int (*write)(const struct sim_row *row, size_t n, struct buffer *out))
{
	_cleanup_(buffer_done) struct buffer out = {0};
	int rc = write(row, n, &out);
	if (rc == 0 && strcmp(path, "-") == 0) {
		printf("\n%s", (const char *)out.data);
		return true;
	}
	if (rc == 0)
		rc = file_write_atomic(path, out.data, out.len);
	if (rc < 0)
		fprintf(stderr, "banyan simulate: cannot write %s: %s\n", path, error_text(rc));
	return rc == 0;
}

static int run_all(const struct plan *plan, struct sim_row *row)
{
	_cleanup_(buffer_done) struct buffer table = {0};
	size_t n = 0;
	for (size_t s = 0; s < plan->n_shapes; s++)
		for (size_t k = 0; k < plan->n_nodes; k++)
			for (size_t l = 0; l < plan->n_losses; l++) {
				row[n].settings = plan->base;
				row[n].settings.shape = (enum sim_shape)plan->shape[s];
				row[n].settings.nodes = plan->nodes[k];
				row[n].settings.loss_permille = plan->loss[l];
				if (row[n].settings.shape == SIM_SCHEDULED)
					row[n].settings.interval_s = 86400;
				int rc = sim_run(&row[n].settings, &row[n].result);
				if (rc < 0) {
					fprintf(stderr, "banyan simulate: %s\n", error_text(rc));
					return CMD_ERROR;
				}
				fprintf(stderr, "%s, %u resolvers, %g %% lost: %.1f s, %llu events\n",
					sim_shape_text(row[n].settings.shape), plan->nodes[k], plan->loss[l] / 10.0,
					row[n].result.seconds, (unsigned long long)row[n].result.events);
				n++;
			}
	if (sim_write_table(row, n, &table) < 0)
		return CMD_ERROR;
	printf("%s", (const char *)table.data);
	if (plan->text != NULL && !write_out(plan->text, row, n, sim_write_plot))
		return CMD_ERROR;
	return plan->svg == NULL || write_out(plan->svg, row, n, sim_write_svg) ? CMD_OK : CMD_ERROR;
}

int cmd_simulate(int argc, char **argv)
{
	struct plan plan = {.n_shapes = SIM_SHAPES,
			    .shape = {SIM_POLL, SIM_CDN, SIM_TREE, SIM_MESH, SIM_SCHEDULED},
			    .n_nodes = 1,
			    .nodes = {1000},
			    .n_losses = 1};
	sim_settings_default(&plan.base, SIM_POLL, 1000);
	plan.base.liars_permille = 10;
	for (int option; (option = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
		if (option == 'h' || option == '?') {
			usage(option == 'h' ? stdout : stderr);
			return option == 'h' ? CMD_OK : CMD_ERROR;
		}
		if (!take_option(&plan, option, optarg))
			return CMD_ERROR;
	}
	if (optind != argc) {
		usage(stderr);
		return CMD_ERROR;
	}
	_cleanup_(base_free) struct sim_row *row = calloc(ROWS_MAX * 2, sizeof *row);
	if (row == NULL)
		return CMD_ERROR;
	return run_all(&plan, row);
}
