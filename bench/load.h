// SPDX-License-Identifier: GPL-3.0-or-later
/* What load and tcp_load share: the questions, whom they are put to, the time. */
#pragma once

#include "base/base.h"
#include "histogram.h"
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
	unsigned new_every; /* with `any`: each so manieth is for the next of the names that nobody has asked for */
	unsigned turn;
	uint8_t made[QUESTIONS_BATCH][QUESTION_MAX];
	size_t made_len;
	struct random random;
};

/* Exits with a word when the file cannot be used. */
void questions_read(struct questions *questions, const char *path);
/* The next message without its ID, in place until the same `slot` is used again. Returns whether its latency is of interest: not that of a
 * new name among others. */
bool questions_next(struct questions *questions, unsigned slot, struct iovec *ret);
void questions_done(struct questions *questions);

/* What both are told by options: -s, -p, -k, -w, -t, -f. */
struct asking {
	const char *address, *port;
	unsigned lines, window; /* sockets or connections; questions in flight on each */
	double seconds;
	struct questions questions;
};
bool asking_option(struct asking *asking, int option, const char *value); /* false: it is none of these */
struct sockaddr_in;
void asking_address(const struct asking *asking, struct sockaddr_in *ret); /* exits with a word */

int64_t now_ns(void);       /* monotonic */
void die(const char *what); /* with what errno says */
