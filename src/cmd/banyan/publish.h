// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of `banyan publish` share. */
#pragma once

#include <uv.h>

#include "config/edition/edition.h"
#include "publish/edition/edition.h"
#include "sync/pull/pull.h"

#define PUBLISH_EDITIONS_MAX 64 /* of one command: each has a folder, a source and a zone in memory */
#define PUBLISH_FETCH_MS     600000
#define PUBLISH_RETRY_S      10 /* after a refusal: whatever it was may be over; it is told once */

/* One edition at work. */
struct publishing {
	struct publish_run *run;
	struct config_edition *config;
	struct arena arena;            /* of the settings */
	struct dnssec_anchors anchors; /* of the source */
	struct zone *extra;            /* records.add */
	struct edition_settings settings;
	struct edition *edition;
	struct pull_source source;
	struct wire_tsig_key *key;
	/* what came from the source */
	struct zone *accepted;  /* of which the last version was made, or would be */
	struct zone *candidate; /* newer, refused so far */
	char tag[PULL_TAG_MAX];
	bool seen; /* seen_serial and tag are of what came last, whether it was good or not */
	uint32_t seen_serial;
	int fd;
	struct pull_fetch *under_way;
	/* --watch */
	uv_timer_t tick;
	bool notified;
	int64_t check_at, retry_at; /* UNIX seconds */
	int64_t looked_at;          /* the same: the clock at the last tick */
	char told[EDITION_WHY_MAX]; /* the last refusal, told once */
	int status;                 /* of the command */
};

struct publish_run {
	uv_loop_t loop;
	size_t n;
	struct publishing *item;
	const char *source; /* --source */
	bool watch, check, json;
	int64_t at; /* --at; 0 = the clock */
	struct edition_request request;
	struct pull_helper helper;
	struct pull_resolver resolver;
	uv_signal_t signal[2];
	size_t n_listeners;
	struct publish_listener *listener;
};

int64_t publish_now(const struct publish_run *run);

/* publish_settings.c: of the description, with all that it names read. The exit status; errors are told. */
int publish_settings_make(struct publishing *p);
void publish_settings_done(struct publishing *p);

/* publish_source.c */
/* Asks the source; `done` is called once, not from within. */
enum publish_source_outcome { PUBLISH_SOURCE_NEW, PUBLISH_SOURCE_SAME, PUBLISH_SOURCE_FAILED };
int publish_source_ask(struct publishing *p,
		       void (*done)(struct publishing *p, enum publish_source_outcome outcome, const char *why));

/* publish_watch.c: until a signal. */
int publish_watch(struct publish_run *run);

/* publish.c */
/* One run of the edition with this source; tells what came of it. */
int publish_once(struct publishing *p, const struct zone *source);
/* A refusal, in one line, unless it was the last one, too. */
void publish_tell_refusal(struct publishing *p, enum reason reason, const char *why);
