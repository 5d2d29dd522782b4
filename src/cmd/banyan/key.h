// SPDX-License-Identifier: GPL-3.0-or-later
/* What the files of `banyan key` share. */
#pragma once

#include "cmd.h"
#include "publish/keys/keys.h"

struct key_options {
	const char *folder, *zone, *role, *phase, *token, *out, *record, *anchor, *request, *name, *bind, *digest;
	const char *algorithm;                   /* of a key in a token */
	unsigned long seen, gone, shared, leave; /* key tags; KEY_NO_TAG = not given */
	unsigned long slots;
	bool dnskey, json, first, after_gap, replace, ahead, late;
	int64_t now, from;
	int n_words;
	char **word; /* behind the subcommand's name */
};
#define KEY_NO_TAG 65536UL

/* Each returns the exit status. */
int key_generate(const struct key_options *options);
int key_policy(const struct key_options *options);
int key_list(const struct key_options *options);
int key_status(const struct key_options *options);
int key_ds(const struct key_options *options);
int key_roll(const struct key_options *options);
int key_foreign(const struct key_options *options);
int key_import(const struct key_options *options);
int key_export(const struct key_options *options);
int key_ksr(const struct key_options *options);
int key_sign_ksr(const struct key_options *options);
int key_skr(const struct key_options *options);

/* Opens the folder that --keys names; tells what is wrong. */
int key_open(const struct key_options *options, bool write, struct keys_folder **ret);
/* The same, whatever policy it remembers. */
int key_open_policy(const struct key_options *options, bool write, struct keys_folder **ret);
int key_tell(int rc, const char *why); /* writes the sentence; the exit status */
int key_role_read(const char *text);   /* enum keys_role, or -1 */
bool key_tag_read(const char *text, unsigned long *ret);
void key_closed(struct keys_folder **folder); /* for _cleanup_ */
/* To the file that --out names, or to standard output. */
int key_write(const char *path, const struct buffer *text);
