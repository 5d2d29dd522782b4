// SPDX-License-Identifier: GPL-3.0-or-later
/* keys, private: a ceremony of the offline side, and its record. */
#pragma once

#include "request.h"

#define KEYS_ANSWER_FILE  "skr.txt"        /* the last response that was signed here; see sign.c */
#define KEYS_PENDING_FILE "skr-signed.txt" /* the same, until it has taken the place of the one before */

struct ceremony {
	struct keys_folder *folder;
	const char *name;
	struct keys_request request, before; /* before: the last response */
	bool has_before;
	bool outage; /* before the first bundle there was a time in which nothing could be proved */
	enum keys_before order;
	int64_t now;
	struct keys_state *
		state; /* of the KSKs, in the time of the bundle that is signed; that of the folder stays behind until all is signed */
	unsigned step;
	struct buffer *record;
	char *why;
};

/* A line of the record. Each returns the error: BANYAN_EPROOF, and 0. */
int ceremony_refuse(struct ceremony *c, const char *format, ...) _printf_(2, 3);
int ceremony_passed(struct ceremony *c, const char *format, ...) _printf_(2, 3) _must_use_;
/* All that a request must be (sign_check.c). */
int ceremony_check(struct ceremony *c) _must_use_;
