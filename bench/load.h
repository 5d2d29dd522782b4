// SPDX-License-Identifier: GPL-3.0-or-later
/* What load asks, and how it counts latencies. */
#pragma once

#include "base/base.h"
#include "wire/wire.h"

#include <sys/uio.h>

#define QUESTIONS_BATCH 32
#define QUESTION_MAX    64 /* bytes of a made one */

struct questions {
	/* read from a file: u16 length and message, one after the other */
	struct buffer bytes;
	size_t offset;
	uint64_t count;
	/* or made: host-00000000.bench. ... */
	uint64_t names, at;
	bool any;
	uint8_t made[QUESTIONS_BATCH][QUESTION_MAX];
	size_t made_len;
	struct random random;
};

/* Exits with a word when the file cannot be used. */
void questions_read(struct questions *questions, const char *path);
/* The next message without its ID, in place until the same `slot` is used again. */
void questions_next(struct questions *questions, unsigned slot, struct iovec *ret);
void questions_done(struct questions *questions);

/* Powers of two in 32 steps each: a value is known to 3 %. */
#define HISTOGRAM_STEPS 32
#define HISTOGRAM_SIZE  (60 * HISTOGRAM_STEPS)
struct histogram {
	uint64_t total;
	uint64_t n[HISTOGRAM_SIZE];
	int64_t max_ns;
};
void histogram_add(struct histogram *histogram, int64_t ns);
/* In microseconds; 1 = the largest, exactly. */
double histogram_at(const struct histogram *histogram, double share);
