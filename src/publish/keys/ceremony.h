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
	bool replaces; /* the last response */
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
int ceremony_keep(struct ceremony *c, const char *file, struct keys_request *response) _must_use_;
/* A ceremony in the place of the last one (replace.c). note: writes what stands before this one, whose request is signed; noted: removes what
 * stood before others. back: `state` and `before` become those of before the last one; undo: on disk, too. */
int ceremony_note(struct ceremony *c) _must_use_;
void ceremony_noted(const struct ceremony *c);
int ceremony_back(struct ceremony *c) _must_use_;
int ceremony_undo(struct ceremony *c) _must_use_;
/* All that a request must be (sign_check.c). */
int ceremony_check(struct ceremony *c) _must_use_;
