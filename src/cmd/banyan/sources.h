// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of `banyan sources` share. */
#pragma once

#include <limits.h>
#include <uv.h>

#include "config/config.h"
#include "sync/pull/pull.h"
#include "zone/zone.h"

#define SOURCES_AT_ONCE  8 /* fetches at a time: whole zones from one line */
#define SOURCES_PROBE_MS 10000
#define SOURCES_FETCH_MS 120000

/* One source and what was found of it. */
struct sources_row {
	struct sources_run *run;
	struct pull_source source;
	struct wire_tsig_key *key;
	const char *trouble; /* it was not asked, because */
	bool probed, fetched, tried_fetch;
	struct pull_fetch_result probe, fetch;
	int fd;
	bool proved;
	enum reason reason;       /* not proved */
	char proof[PULL_WHY_MAX]; /* in words */
	struct pull_fetch *under_way;
};

struct sources_run {
	uint8_t origin[WIRE_NAME_MAX];
	struct dnssec_anchors anchors;
	int64_t now;
	bool json, fetch, digest_only;
	uint32_t time_max_ms;
	const char *lists; /* folder where copies of lists are; NULL = none are kept */
	struct config *config;
	size_t n_keys;
	char **key; /* ALGORITHM:NAME:SECRET */
	size_t n;
	struct sources_row *row;
	uv_loop_t loop;
	size_t next, busy; /* of the pass */
	bool fetching;
	uint32_t newest;
	bool has_newest;
};

/* Probes all, then fetches all if asked, and proves what came. */
int sources_measure(struct sources_run *run);
/* Best first, as a table or JSON. The exit status. */
int sources_print(struct sources_run *run);
/* A key by its name: from --key or the configuration. NULL with the reason told. */
struct wire_tsig_key *sources_key(const struct sources_run *run, const char *name, const char **ret_why);
/* Adds what the text stands for: one source, or those of a list or of builtin. The exit status. */
int sources_add(struct sources_run *run, const char *text);

/* sign and check */
int sources_list_command(int argc, char **argv);

/* banyan-fetch as a child of this process, and the C library's resolver, for pull_fetch_start(). */
struct pull_helper sources_helper(uv_loop_t *loop);
struct pull_resolver sources_resolver(uv_loop_t *loop);
/* Where banyan-fetch is. BANYAN_ENOENT. */
int sources_fetch_path(char out[PATH_MAX]) _must_use_;
/* A file without a name for what comes; BANYAN_EIO. */
int sources_file(void) _must_use_;
