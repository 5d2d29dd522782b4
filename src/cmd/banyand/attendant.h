// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * attendant - a process beside the daemon that starts others, which the daemon itself may not.
 *
 * It is forked before the daemon has threads, sockets or a filter of system calls, and drops all rights by itself. The keeper asks it over a
 * socket; for each ask it forks a child that has only the descriptors it is given, limits on memory, time and what it writes, and a filter of
 * its own:
 *
 *	ATTENDANT_PROVE   runs prover_run() (prover.h): no sockets, no files, no programs. A crash there costs one candidate.
 *	ATTENDANT_FETCH   runs the program banyan-fetch: the network, and files for reading only. Descriptor 0 = the request, 1 = fd[0] (the
 *	                  body), 3 = the reply, 4 and up = fd[1] and up. Exit status 0 = the reply is one.
 *
 * A child ends with the attendant, the attendant with the daemon. If the attendant is killed, what was asked fails, the log says so, and a minder,
 * a process between the two that does nothing else, starts another one. If the minder is killed, or the attendant ends by itself, what was
 * asked fails, the log says so, attendant_alive() is false, and nothing else changes. All calls from the keeper's thread.
 *
 * Example:
 *
 *	attendant_fork(&(struct attendant_settings){.identity = &identity, .confine = true}, &attendant, why);
 *	attendant_attach(attendant, &keeper->loop);
 *	struct attendant_job_settings settings = {.kind = ATTENDANT_PROVE, .request = request.data, .request_len = request.len,
 *		.fd = {candidate, -1, wire, image}, .n_fds = 4, .time_max_ms = 60000, .done = on_proved, .ctx = copy};
 *	attendant_ask(attendant, &settings, &job);    // the descriptors may be closed at once
 */
#pragma once

#include "base/base.h"

#define ATTENDANT_FDS_MAX         4
#define ATTENDANT_REQUEST_MAX     ((size_t)60 * 1024) /* bytes: what fits into one datagram, and into a pipe, at once */
#define ATTENDANT_REPLY_MAX       ((size_t)60 * 1024) /* bytes, likewise */
#define ATTENDANT_JOBS_MAX        128                 /* asked and not done: two for each source of a zone */
#define ATTENDANT_CHILDREN_MAX    8       /* at once; the others wait in the order in which they were asked */
#define ATTENDANT_FETCHES_MAX     6       /* of them: servers that stall keep no candidate from being proved */
#define ATTENDANT_TIME_DEFAULT_MS 300000u /* the root takes a second, on the slowest machine ten */
#define ATTENDANT_MEMORY_DEFAULT                                                                                       \
	((uint64_t)1 << 30) /* bytes: the root takes 24 MiB; larger zones some ten times their text */
#define ATTENDANT_BYTES_DEFAULT ((uint64_t)8 << 30) /* bytes of a file that is written: a TLD of ten million names */

enum attendant_kind { ATTENDANT_PROVE, ATTENDANT_FETCH };

struct identity;
struct attendant;
struct attendant_job;
struct uv_loop_s;

struct attendant_settings {
	const struct identity *identity; /* who the daemon will be */
	bool confine;                    /* filters of system calls (server.confine); the limits hold in any case */
	const char *fetch_path;          /* NULL = beside the daemon's own program, or where it is installed */
	/* NULL = prover_run(). What a child of ATTENDANT_PROVE does, with its rights; its exit status. */
	int (*prove)(const uint8_t *request, size_t len, const int fd[ATTENDANT_FDS_MAX], int reply_fd);
};

/* Forks. The process must have one thread. */
int attendant_fork(const struct attendant_settings *settings, struct attendant **ret, char why[static 1024]) _must_use_;
/* From now on it can be asked. */
int attendant_attach(struct attendant *attendant, struct uv_loop_s *loop) _must_use_;
bool attendant_alive(const struct attendant *attendant);
long attendant_process(const struct attendant *attendant); /* the minder's number */
/* Ends it; no done() is called any more, and jobs are gone. NULL is fine. The memory goes when the loop has closed its handle. */
void attendant_free(struct attendant *attendant);

struct attendant_job_settings {
	enum attendant_kind kind;
	const void *request;
	size_t request_len;
	int fd[ATTENDANT_FDS_MAX]; /* -1 = none */
	unsigned n_fds;
	uint32_t time_max_ms;           /* 0 = the default above, as for those that follow */
	uint64_t memory_max, bytes_max; /* bytes: memory; of each file that is written */
	/* Once, never from within attendant_ask(). error 0: `reply` is what the child has said, NULL-terminated behind its length. Otherwise
	 * it is a sentence: BANYAN_ETIMEOUT (it took too long), BANYAN_ELIMIT (it wrote too much), BANYAN_EACCES (it tried what it may not),
	 * BANYAN_EOTHER (it crashed, or its exit status is not 0: then the sentence has what it said on the reply), BANYAN_EIO (there is no
	 * attendant any more). */
	void (*done)(void *ctx, int error, const uint8_t *reply, size_t reply_len);
	void *ctx;
};

/* BANYAN_EIO: there is no attendant any more. BANYAN_ELIMIT: a limit above. */
int attendant_ask(struct attendant *attendant, const struct attendant_job_settings *settings,
		  struct attendant_job **ret) _must_use_;
/* The child is killed; done() is not called any more. */
void attendant_cancel(struct attendant_job *job);
