// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of `banyan publish` share. */
#pragma once

#include <uv.h>

#include "config/edition/edition.h"
#include "publish/edition/edition.h"
#include "sync/pull/pull.h"

#define PUBLISH_EDITIONS_MAX 64 /* of one command: each has a folder, a source and a zone in memory */
#define PUBLISH_RETRY_S      10 /* after a refusal: whatever it was may be over; it is told once */
#define PUBLISH_BACKOFF_S                                                                                              \
	600 /* the longest wait after failures in a row, unless source.check-interval or the SOA asks for more */
#define PUBLISH_SOURCES_MAX 8 /* of one edition, asked one after the other */

/* One edition at work. */
struct publishing {
	struct publish_run *run;
	struct config_edition *config;
	struct arena arena;            /* of the settings */
	struct dnssec_anchors anchors; /* of the source */
	struct zone *extra;            /* records.add */
	struct edition_settings settings;
	struct edition *edition;
	/* in the order in which they are asked */
	size_t n_sources;
	struct publish_source {
		struct pull_source at;
		char tag[PULL_TAG_MAX]; /* of what came from there last, good or not */
		bool good;              /* ... and whether it was */
	} source[PUBLISH_SOURCES_MAX];
	/* what came */
	struct publish_copy {
		struct zone *zone;  /* NULL = none */
		int fd;             /* its wire form: what differences are applied to */
	} accepted,                 /* of which the last version was made, or would be */
		candidate;          /* newer, refused so far */
	char lost[EDITION_WHY_MAX]; /* why no source can be had now; "" = one can */
	struct publish_taking *under_way;
	/* --watch */
	uv_timer_t tick;
	bool notified;
	int64_t check_at, asked_at, retry_at; /* UNIX seconds */
	int64_t looked_at;                    /* the same: the clock at the last tick */
	unsigned failures;                    /* of all sources, in a row */
	char told[EDITION_WHY_MAX];           /* the last refusal, told once */
	int status;                           /* of the command */
};

struct publish_run {
	uv_loop_t loop;
	size_t n;
	struct publishing *item;
	const char *source; /* --source */
	bool watch, check, json;
	int64_t at; /* --at; 0 = the clock */
	struct edition_request request;
	uv_signal_t signal[2];
	size_t n_listeners;
	struct publish_listener *listener;
};

int64_t publish_now(const struct publish_run *run);

/* publish_settings.c: of the description, with all that it names read. The exit status; errors are told. */
int publish_settings_make(struct publishing *p);
void publish_settings_done(struct publishing *p);

/* publish_source.c */
/* Asks the sources, the first one first; `done` is called once, not from within. NEW: p->candidate. FAILED: none of them could be had, and `reason`
 * and `why` say why not. */
enum publish_source_outcome { PUBLISH_SOURCE_NEW, PUBLISH_SOURCE_SAME, PUBLISH_SOURCE_FAILED };
typedef void (*publish_source_fn)(struct publishing *p, enum publish_source_outcome outcome, enum reason reason,
				  const char *why);
int publish_source_ask(struct publishing *p, publish_source_fn done);
void publish_source_cancel(struct publishing *p);
/* A file or a folder: does it look as it did when it was read last? It is not read for that. */
bool publish_source_looked_at(const struct publishing *p);
/* What was taken of the source before this run began becomes what was accepted. */
void publish_source_kept(struct publishing *p);
void publish_copy_done(struct publish_copy *copy);

/* publish_taker.c: in a process of its own, which never has keys. */
#define PUBLISH_TAKER_OPTION "--take-source" /* in place of all others, by which the process is started */
enum publish_taker_fd {
	PUBLISH_FD_REQUEST, /* struct publish_request, source.tsig, anchors */
	PUBLISH_FD_WIRE,    /* the zone in its wire form is written there */
	PUBLISH_FD_REPLY = 3,
	PUBLISH_FD_BASE, /* wire form of the version at hand, if `changes` */
};
#define PUBLISH_REQUEST_MAX ((size_t)4 << 20) /* bytes: anchors are the most of it */
struct publish_request {
	uint64_t magic;
	int parent; /* its process; it has ended, if that is not the parent any more */
	struct pull_source source;
	uint8_t apex[WIRE_NAME_MAX];
	bool have, changes; /* a version is at hand; differences can be applied to it */
	uint32_t serial;    /* ... its serial */
	char tag[PULL_TAG_MAX];
	int64_t now;
	unsigned threads;
	uint64_t bytes_max; /* of what comes, and of it unpacked */
	uint32_t time_max_ms;
	uint32_t tsig_len, n_anchors; /* behind it: text; type, length, owner, RDATA */
};
struct publish_reply {
	enum publish_source_outcome outcome;
	enum reason reason; /* FAILED */
	uint64_t wire_len;
	char tag[PULL_TAG_MAX];
	char why[EDITION_WHY_MAX]; /* FAILED */
};
int publish_request_write(struct publish_request *request, const char *tsig, const struct dnssec_anchors *anchors,
			  struct buffer *out);
/* BANYAN_EMALF: that is no reply. It comes from a process that has read what came from outside. */
int publish_reply_read(const uint8_t *data, size_t len, struct publish_reply *ret);
int publish_take(void);

/* publish_watch.c: until a signal. */
int publish_watch(struct publish_run *run);

/* publish.c */
/* One run of the edition with this source; tells what came of it. `lost`: the source is what was taken of it before, since it cannot be had now; then
 * it is told only if something was made. NULL = it is the source as it is. */
int publish_once(struct publishing *p, const struct zone *source, const char *lost);
/* A refusal, in one line, unless it was the last one, too. */
void publish_tell_refusal(struct publishing *p, enum reason reason, const char *why);
