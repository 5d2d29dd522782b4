// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan sign: what was asked for. */
#pragma once

#include "publish/publish.h"

struct sign_options {
	uint8_t origin[WIRE_NAME_MAX];
	const char *path, *before, *output;
	struct make_signing signing;
	uint8_t salt[MAKE_NSEC3_SALT_MAX];
	struct make_zone_key key[MAKE_ZONE_KEYS_MAX];
	bool wire, no_proof, quiet;
};

enum { SIGN_OPTIONS_GOOD = 1, SIGN_OPTIONS_HELP, SIGN_OPTIONS_WRONG };

/* Complains on standard error. */
int sign_options_read(int argc, char **argv, struct sign_options *options);
void sign_options_done(struct sign_options *options);

/* Adds the key of this word: a pair K*.key and K*.private, by either name or without an ending. 0 or an error, told on standard error. */
int sign_key_load(const char *word, struct make_key **ret);
/* Says which key does what: a key with SEP flag signs keys, all others data; one alone, or all of one kind, does both. */
void sign_keys_assign(struct make_zone_key *key, size_t n);
