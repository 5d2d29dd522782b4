// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * confined - for the rest of a process's life: how much it may use, which files it may read, which system calls it may make.
 *
 * For processes of their own that touch what came from outside: children of the daemon's attendant, and the one in which `banyan publish` has its
 * source fetched, read and proved. Called by a process about itself, before it does so; what is asked for later narrows what was asked for before.
 */
#pragma once

#include "base/base.h"

struct confine_limits {
	uint64_t memory_max;  /* bytes beside what it has already */
	uint64_t bytes_max;   /* of each file that it writes */
	uint32_t time_max_ms; /* of each of `cpus` CPUs */
	unsigned cpus;
};

/* What a process that fetches may start. */
enum confine_programs {
	CONFINE_PROGRAMS_NONE,
	CONFINE_PROGRAMS_SELF, /* it becomes another one, but starts none */
	CONFINE_PROGRAMS_CHILDREN,
};

int confine_limits(const struct confine_limits *limits) _must_use_;
/* These places and all below them may be read, and programs there be run; no other file is opened, and none written. What is not there is
 * passed over. BANYAN_EUNSUPP: this kernel has no such rules (Landlock, Linux 5.13). */
int confine_files(const char *const *path, size_t n) _must_use_;
int confine_fetcher(enum confine_programs programs) _must_use_; /* the network; files for reading only */
int confine_prover(void) _must_use_; /* memory, threads, and reading and writing what it has been given */
void confine_warm_up(void);          /* what libraries read when they are first used, they read now */
