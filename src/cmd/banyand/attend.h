// SPDX-License-Identifier: GPL-3.0-or-later
/* attendant, private: the two ends of its socket, and how a child is made. */
#pragma once

#include "attendant.h"

#include <sys/types.h>

/* From the daemon: one datagram, descriptors beside it for each `fd` that is true, the request behind it. */
enum attend_op { ATTEND_ASK, ATTEND_CANCEL };
struct attend_ask {
	uint64_t id;
	uint64_t memory_max, bytes_max;
	uint32_t time_max_ms, request_len;
	uint8_t op, kind;
	bool fd[ATTENDANT_FDS_MAX];
};

/* To the daemon: the reply or the sentence behind it. Number 0 is nobody's: a new attendant says that it is there. */
struct attend_told {
	uint64_t id;
	int32_t error;
	uint32_t len;
};

/* What the attendant knows of one ask. */
struct attend_job {
	struct attend_job *next;
	struct attend_ask ask;
	uint8_t *request;
	int fd[ATTENDANT_FDS_MAX];
	/* once it runs: */
	pid_t pid; /* 0 = it waits */
	int pidfd, reply_fd;
	int64_t deadline_ms;
	bool late; /* it was killed for that */
	struct buffer reply;
};

/* The whole life of who starts the attendant, and again if it is killed (attend.c). */
_Noreturn void attend_run(int socket, const struct attendant_settings *settings);
/* In the attendant: forks a child for the job. On failure `why` gets a sentence (attend_child.c). */
int attend_child_start(struct attend_job *job, const struct attendant_settings *settings, char why[static 256])
	_must_use_;
