// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan key generate, policy, roll, ds, foreign: what changes the state. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key.h"

#define ANCHOR_FILE_MAX ((size_t)1 << 20)

/* NAME=VALUE words. */
static int set_policy(struct keys_folder *folder, const struct key_options *options)
{
	struct keys_policy policy = *keys_folder_policy(folder);
	char why[KEYS_WHY_MAX];
	int rc = 0;
	for (int i = 0; i < options->n_words && rc == 0; i++) {
		char name[32];
		const char *value = strchr(options->word[i], '=');
		if (value == NULL || value - options->word[i] >= (long)sizeof name) {
			fprintf(stderr, "banyan key: '%s' is not NAME=VALUE\n", options->word[i]);
			return BANYAN_EINVAL;
		}
		snprintf(name, sizeof name, "%.*s", (int)(value - options->word[i]), options->word[i]);
		rc = keys_policy_set(&policy, name, value + 1, why);
	}
	if (rc == 0)
		rc = keys_check(keys_folder_state(folder), &policy, keys_folder_policy(folder), why);
	if (rc != 0)
		fprintf(stderr, "banyan key: %s%s\n", why,
			rc == BANYAN_ENOENT ? "; `banyan key policy help` lists the names" : "");
	else
		keys_folder_policy_set(folder, &policy);
	return rc;
}

static void tell_key(const struct keys_key *key)
{
	printf("%s %u, algorithm %u (%s), %s\n", keys_role_text(key->role), key->tag, key->algorithm,
	       dnssec_algorithm_text(key->algorithm), key->place);
}

/* What the policy wants at the beginning: as the first step of the machine would make it. */
static int generate_wanted(struct keys_folder *folder, const struct key_options *options, char why[KEYS_WHY_MAX])
{
	_cleanup_(base_free) struct keys_state *state = malloc(sizeof *state);
	struct keys_policy policy = *keys_folder_policy(folder);
	struct keys_actions actions;
	int rc = state == NULL ? BANYAN_ENOMEM : keys_save(folder, why);
	if (rc != 0)
		return rc;
	*state = *keys_folder_state(folder);
	keys_step(state, &policy, NULL, options->now, &actions); /* of a copy: only publishing moves keys */
	for (size_t i = 0; i < actions.n && rc == 0; i++) {
		struct keys_key *key;
		if (actions.item[i].kind != KEYS_DO_GENERATE)
			continue;
		rc = keys_generate(folder, actions.item[i].role, actions.item[i].algorithm, options->token,
				   options->now, &key, why);
		if (rc == 0)
			tell_key(key);
	}
	return rc;
}

int key_generate(const struct key_options *options)
{
	_cleanup_(key_closed) struct keys_folder *folder = NULL;
	char why[KEYS_WHY_MAX] = "out of memory";
	struct keys_key *key;
	int role = options->role != NULL ? key_role_read(options->role) : KEYS_ZSK;
	if (role < 0 || key_open(options, true, &folder) != 0 || set_policy(folder, options) != 0)
		return CMD_ERROR;
	if (options->role == NULL)
		return key_tell(generate_wanted(folder, options, why), why);
	int rc = keys_generate(folder, role, keys_folder_policy(folder)->algorithm, options->token, options->now, &key,
			       why);
	if (rc == 0)
		tell_key(key);
	return key_tell(rc, why);
}

int key_policy(const struct key_options *options)
{
	_cleanup_(key_closed) struct keys_folder *folder = NULL;
	_cleanup_(buffer_done) struct buffer text = {0};
	char why[KEYS_WHY_MAX];
	if (options->n_words == 1 && strcmp(options->word[0], "help") == 0)
		return keys_policy_help(&text) == 0 ? key_write(NULL, &text) : CMD_ERROR;
	if (key_open_policy(options, options->n_words > 0, &folder) != 0)
		return CMD_ERROR;
	if (options->n_words == 0)
		return keys_policy_write(keys_folder_policy(folder), &text) == 0 ? key_write(NULL, &text) : CMD_ERROR;
	if (set_policy(folder, options) != 0)
		return CMD_NO;
	return key_tell(keys_save(folder, why), why);
}

/* When does what was asked for begin? */
static const char *roll_begins(const struct keys_state *state, const struct keys_policy *policy, bool algorithm)
{
	uint8_t number;
	if (algorithm && keys_algorithm_waits(state, policy, &number))
		return "other rolls are under way: this roll begins when they are over";
	if (!algorithm && keys_asked_waits(state, policy))
		return "an algorithm roll is under way or to come: this roll begins when it is over";
	if (policy->ksk_only)
		return "the roll begins with the next request that is signed (`banyan key sign-ksr`)";
	return "the roll begins when the zone is published next";
}

int key_roll(const struct key_options *options)
{
	_cleanup_(key_closed) struct keys_folder *folder = NULL;
	char why[KEYS_WHY_MAX];
	const char *what = options->n_words > 0 ? options->word[0] : "";
	bool algorithm = strcmp(what, "algorithm") == 0;
	if (options->n_words != (algorithm ? 2 : 1) ||
	    (!algorithm && strcmp(what, "zsk") != 0 && strcmp(what, "ksk") != 0 && strcmp(what, "csk") != 0)) {
		fprintf(stderr, "usage: banyan key roll zsk | ksk | csk | algorithm NUMBER\n");
		return CMD_ERROR;
	}
	int number = algorithm ? keys_algorithm_parse(options->word[1]) : 0, rc;
	if (number < 0) {
		fprintf(stderr, "banyan key: '%s' is not an algorithm to sign with: 8, 10, 13, 14, 15 or 16\n",
			options->word[1]);
		return CMD_ERROR;
	}
	if (key_open(options, true, &folder) != 0)
		return CMD_ERROR;
	struct keys_state *state = keys_folder_state(folder);
	const struct keys_policy *policy = keys_folder_policy(folder);
	if (algorithm)
		rc = keys_ask_algorithm(state, policy, (uint8_t)number, why);
	else
		rc = keys_ask_roll(state, policy, key_role_read(what), why);
	if (rc == 0)
		rc = keys_save(folder, why);
	if (rc == 0)
		printf("%s\n", roll_begins(state, policy, algorithm));
	return key_tell(rc, why);
}

/* A DS before its time does no harm to the machine, but may to validators. */
static void tell_early(struct keys_folder *folder, uint16_t tag)
{
	const struct keys_state *state = keys_folder_state(folder);
	for (size_t i = 0; i < state->n; i++) {
		const struct keys_key *key = &state->key[i];
		enum keys_phase to;
		int64_t due;
		const char *why;
		char when[32];
		if (key->tag != tag || key->role == KEYS_ZSK || key->phase >= KEYS_READY ||
		    keys_key_does(state, key).ds ||
		    !keys_key_next(state, keys_folder_policy(folder), key, &to, &due, &why))
			continue;
		printf("key %u is %s, not ready yet: its DS is early. It counts, and the key goes on when it is "
		       "ready%s%s. "
		       "Until then caches may have the zone as it was without this key: let no other DS go, and if "
		       "there "
		       "is none, take this one back if you can and say `banyan key ds --gone %u`\n",
		       tag, keys_phase_text(key->phase), to == KEYS_READY && due != KEYS_NEVER ? ", at " : "",
		       to == KEYS_READY && due != KEYS_NEVER ? clock_format(due, when) : "", tag);
	}
}

int key_ds(const struct key_options *options)
{
	_cleanup_(key_closed) struct keys_folder *folder = NULL;
	_cleanup_(buffer_done) struct buffer text = {0};
	char why[KEYS_WHY_MAX];
	bool tell = options->seen != KEY_NO_TAG || options->gone != KEY_NO_TAG;
	if (key_open(options, tell, &folder) != 0)
		return CMD_ERROR;
	int rc = 0;
	if (options->seen != KEY_NO_TAG)
		rc = keys_tell_ds(keys_folder_state(folder), (uint16_t)options->seen, true, options->now, why);
	if (rc == 0 && options->gone != KEY_NO_TAG)
		rc = keys_tell_ds(keys_folder_state(folder), (uint16_t)options->gone, false, options->now, why);
	if (rc == 0 && tell)
		rc = keys_save(folder, why);
	if (rc == 0 && options->seen != KEY_NO_TAG)
		tell_early(folder, (uint16_t)options->seen);
	if (rc != 0 || tell)
		return key_tell(rc, why);
	rc = keys_anchors(folder, options->dnskey, options->now, &text, why);
	if (rc != 0)
		return key_tell(rc, why);
	if (text.len == 0) {
		fprintf(stderr,
			"banyan key: there is no key of which the parent should have a DS yet; `banyan key status` "
			"tells when\n");
		return CMD_NO;
	}
	return key_write(NULL, &text);
}

/* ---- other signers ---- */

static int foreign_file(struct keys_folder *folder, const struct key_options *options, char why[KEYS_WHY_MAX])
{
	_cleanup_(dnssec_anchors_done) struct dnssec_anchors keys = {0};
	_cleanup_(base_free) uint8_t *text = NULL;
	struct dnssec_text_error error = {0};
	const char *file = options->word[0], *name = options->name != NULL ? options->name : "other";
	size_t len;
	int rc = file_read(file, ANCHOR_FILE_MAX, &text, &len);
	if (rc != 0) {
		snprintf(why, KEYS_WHY_MAX, "%s: %s", file, error_text(rc));
		return rc;
	}
	rc = dnssec_anchors_parse(file, (const char *)text, len, &keys, &error);
	if (rc != 0) {
		snprintf(why, KEYS_WHY_MAX, "%s", error.text);
		return rc;
	}
	for (size_t i = 0; i < keys.count && rc == 0; i++) {
		const struct dnssec_anchor *key = &keys.item[i];
		if (key->type != WIRE_TYPE_DNSKEY || !wire_name_equal(key->owner, keys_folder_state(folder)->apex)) {
			snprintf(why, KEYS_WHY_MAX, "%s: record %zu is no DNSKEY of this zone", file, i + 1);
			return BANYAN_EINVAL;
		}
		rc = keys_foreign_add(keys_folder_state(folder), name, key->rdata, key->len, why);
	}
	return rc;
}

int key_foreign(const struct key_options *options)
{
	_cleanup_(key_closed) struct keys_folder *folder = NULL;
	char why[KEYS_WHY_MAX];
	if (options->name != NULL &&
	    (strlen(options->name) > 60 || options->name[0] == '\0' || strpbrk(options->name, " \t\n") != NULL)) {
		fprintf(stderr, "banyan key: --name is a word of at most 60 bytes\n");
		return CMD_ERROR;
	}
	if (key_open(options, true, &folder) != 0)
		return CMD_ERROR;
	struct keys_state *state = keys_folder_state(folder);
	int rc = options->n_words == 1 ? foreign_file(folder, options, why) : 0;
	if (rc == 0 && options->shared != KEY_NO_TAG)
		rc = keys_tell_shared(state, (uint16_t)options->shared, options->now, why);
	if (rc == 0 && options->leave != KEY_NO_TAG)
		rc = keys_foreign_leave(state, (uint16_t)options->leave, options->now, why);
	if (rc == 0 && options->n_words == 1)
		rc = keys_check(state, keys_folder_policy(folder), NULL, why);
	if (rc == 0)
		rc = keys_save(folder, why);
	for (size_t i = 0; i < state->n_foreign && rc == 0; i++)
		printf("%u algorithm %u of %s%s\n", state->foreign[i].tag, state->foreign[i].rdata[3],
		       state->foreign[i].name, state->foreign[i].left != 0 ? ", leaving" : "");
	return key_tell(rc, why);
}
