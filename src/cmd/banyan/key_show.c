// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan key list and status: what the keys do, what they wait for, and who has to do what. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "key.h"

/* "DNSKEY, signs keys and data" */
static const char *does_text(struct keys_does does, char out[96])
{
	snprintf(out, 96, "%s%s%s%s%s", does.published ? "in the DNSKEY set" : "not in the DNSKEY set",
		 does.revoked ? ", revoked" : "", does.signs_keys ? ", signs keys" : "",
		 does.signs_data ? ", signs data" : "", does.ds ? ", DS" : "");
	return out;
}

static void text_json(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			putchar('\\');
		putchar(*text);
	}
	putchar('"');
}

static void key_json(struct keys_folder *folder, const struct keys_key *key, bool next)
{
	struct keys_does does = keys_key_does(keys_folder_state(folder), key);
	enum keys_phase to;
	int64_t due;
	const char *why;
	printf("{\"role\":\"%s\",\"state\":\"%s\",\"algorithm\":%u,\"tag\":%u,\"way\":\"%s\",\"since\":%lld,\"place\":",
	       keys_role_text(key->role), keys_phase_text(key->phase), key->algorithm, key->tag,
	       keys_way_text(key->way), (long long)key->since);
	text_json(key->place);
	printf(",\"published\":%s,\"revoked\":%s,\"signs_keys\":%s,\"signs_data\":%s,\"ds\":%s,\"ds_seen\":%lld",
	       does.published ? "true" : "false", does.revoked ? "true" : "false", does.signs_keys ? "true" : "false",
	       does.signs_data ? "true" : "false", does.ds ? "true" : "false", (long long)key->ds_seen);
	if (next && keys_key_next(keys_folder_state(folder), keys_folder_policy(folder), key, &to, &due, &why)) {
		printf(",\"next\":\"%s\",\"next_at\":", keys_phase_text(to));
		if (due == KEYS_NEVER)
			printf("null,\"waits_for\":");
		else
			printf("%lld,\"waits_for\":", (long long)due);
		text_json(why);
	}
	printf("}");
}

static void orphan_json(void *ctx, const char *place)
{
	bool *first = ctx;
	printf("%s", *first ? "" : ",");
	text_json(place);
	*first = false;
}

static int show_json(struct keys_folder *folder, bool next)
{
	const struct keys_state *state = keys_folder_state(folder);
	char zone[WIRE_NAME_TEXT_MAX];
	bool first = true;
	printf("{\"zone\":");
	text_json(wire_name_text(state->apex, zone));
	printf(",\"bundles_until\":%lld,\"keys\":[", (long long)state->bundles_until);
	for (size_t i = 0; i < state->n; i++) {
		printf("%s", i > 0 ? "," : "");
		key_json(folder, &state->key[i], next);
	}
	printf("],\"foreign\":[");
	for (size_t i = 0; i < state->n_foreign; i++) {
		printf("%s{\"tag\":%u,\"algorithm\":%u,\"name\":", i > 0 ? "," : "", state->foreign[i].tag,
		       state->foreign[i].rdata[3]);
		text_json(state->foreign[i].name);
		printf("}");
	}
	printf("],\"orphans\":[");
	int rc = keys_orphans(folder, orphan_json, &first);
	printf("]}\n");
	return rc == 0 ? CMD_OK : CMD_ERROR;
}

static void show_orphan(void *ctx, const char *place)
{
	printf("no key of the state: %s: it never signs; its making was cut off, or it was removed long ago: delete "
	       "it%s\n",
	       place,
	       strncmp(place, "pkcs11:", 7) == 0
		       ? " from the token, and its line from the file `making` of the folder"
		       : ", or move it out of the folder, and `banyan key import` it from there");
}

static void show_key(struct keys_folder *folder, const struct keys_key *key)
{
	char since[32], does[96];
	printf("%s %5u  algorithm %-2u  %-9s  %s\n", keys_role_text(key->role), key->tag, key->algorithm,
	       keys_phase_text(key->phase), key->place);
	if (key->phase == KEYS_REMOVED)
		printf("           removed %s\n", clock_format(key->at[KEYS_REMOVED], since));
	else if (key->phase != KEYS_GENERATED)
		printf("           %s; %s%s\n", does_text(keys_key_does(keys_folder_state(folder), key), does),
		       key->since == 0 ? "to be published" : "since ",
		       key->since == 0 ? "" : clock_format(key->since, since));
}

int key_list(const struct key_options *options)
{
	_cleanup_(key_closed) struct keys_folder *folder = NULL;
	if (key_open(options, false, &folder) != 0)
		return CMD_ERROR;
	if (options->json)
		return show_json(folder, false);
	const struct keys_state *state = keys_folder_state(folder);
	for (size_t i = 0; i < state->n; i++)
		show_key(folder, &state->key[i]);
	for (size_t i = 0; i < state->n_foreign; i++)
		printf("foreign %u  algorithm %u  of %s\n", state->foreign[i].tag, state->foreign[i].rdata[3],
		       state->foreign[i].name);
	if (keys_orphans(folder, show_orphan, NULL) == 0)
		return CMD_OK;
	fprintf(stderr, "banyan key: %s: the folder cannot be looked through\n", options->folder);
	return CMD_ERROR;
}

static void show_next(struct keys_folder *folder, const struct keys_key *key)
{
	enum keys_phase to;
	int64_t due;
	const char *why;
	char when[32];
	if (!keys_key_next(keys_folder_state(folder), keys_folder_policy(folder), key, &to, &due, &why))
		return;
	if (due == KEYS_NEVER)
		printf("           next: %s; waits: %s\n", keys_phase_text(to), why);
	else
		printf("           next: %s at %s; until then: %s\n", keys_phase_text(to), clock_format(due, when),
		       why);
}

static void show_ds(uint16_t tag, bool wanted)
{
	if (wanted)
		printf("to do: the DS of key %u should be with the parent, or its anchor with validators "
		       "(`banyan key ds`); when it is: `banyan key ds --seen %u`\n",
		       tag, tag);
	else
		printf("to do: the DS of key %u should go from the parent; when it has: `banyan key ds --gone %u`\n",
		       tag, tag);
}

/* The folder of an offline KSK: its keys are moved by ceremonies, and ahead of time. What is to be done now is not that of the end. */
static void show_offline(struct keys_folder *folder, int64_t now)
{
	_cleanup_(base_free) struct keys_state *state = malloc(sizeof *state);
	char until[32];
	if (state == NULL || keys_folder_state(folder)->bundles_until == 0)
		return;
	printf("these are the keys as they are at the end of the last response, at %s\n",
	       clock_format(keys_folder_state(folder)->bundles_until, until));
	keys_state_at(keys_folder_state(folder), now, state);
	for (size_t i = 0; i < state->n && keys_folder_policy(folder)->trust != KEYS_TRUST_5011; i++) {
		const struct keys_key *key = &state->key[i];
		bool wanted = keys_key_does(state, key).ds;
		if (wanted && key->ds_seen == 0 && key->phase < KEYS_ACTIVE)
			show_ds(key->tag, true);
		if (keys_ds_leaves(state, key))
			show_ds(key->tag, false);
	}
}

/* What the machine would do now, without doing it. */
static void show_actions(struct keys_folder *folder, int64_t now)
{
	struct keys_state *state = malloc(sizeof *state);
	struct keys_actions actions = {0};
	if (state == NULL || keys_folder_policy(folder)->offline) {
		free(state);
		return;
	}
	*state = *keys_folder_state(folder);
	char why[KEYS_WHY_MAX];
	uint8_t algorithm;
	if (keys_check(state, keys_folder_policy(folder), NULL, why) != 0)
		printf("nothing is published: %s\n", why);
	if (keys_asked_waits(state, keys_folder_policy(folder)))
		printf("asked for: a roll of the %s, which begins when the algorithm roll is over\n",
		       !state->asked_ksk                 ? "zsk"
		       : keys_folder_policy(folder)->csk ? "csk"
							 : "ksk");
	if (keys_algorithm_waits(state, keys_folder_policy(folder), &algorithm))
		printf("asked for: a roll to algorithm %u, which begins when the other rolls are over\n", algorithm);
	keys_step(state, keys_folder_policy(folder), NULL, now, &actions);
	for (size_t i = 0; i < actions.n; i++) {
		const struct keys_action *a = &actions.item[i];
		if (a->kind == KEYS_DO_SUBMIT_DS)
			show_ds(a->tag, true);
		if (a->kind == KEYS_DO_WITHDRAW_DS)
			show_ds(a->tag, false);
		if (a->kind == KEYS_DO_SHARE)
			printf("to do: the other signers should publish key %u; when all have: `banyan key foreign "
			       "--shared "
			       "%u`\n",
			       a->tag, a->tag);
		if (a->kind == KEYS_DO_MOVED)
			printf("with the next publication key %u goes from %s to %s\n", a->tag,
			       keys_phase_text(a->from), keys_phase_text(a->to));
		if (a->kind == KEYS_DO_GENERATE)
			printf("with the next publication a %s of algorithm %u is made\n", keys_role_text(a->role),
			       a->algorithm);
	}
	free(state);
}

/* How long the DNSKEY sets last that came signed, and what is late. */
static void show_responses(struct keys_folder *folder, int64_t now)
{
	int64_t ended = keys_folder_state(folder)->bundles_until;
	char until[32], expires[32];
	struct keys_gap gap;
	if (ended == 0)
		return;
	printf("key responses until %s", clock_format(ended, until));
	if (!keys_folder_policy(folder)->offline || !keys_ksr_gap(folder, now > ended ? now : ended + 1, &gap)) {
		printf("\n");
		return;
	}
	printf(", their last signatures until %s\n", clock_format(gap.expires, expires));
	if (now >= gap.expires)
		printf("to do: THERE IS A GAP: no validator can prove the zone since %s; `banyan key ksr` asks for the "
		       "time "
		       "from now on\n",
		       expires);
	else if (now >= ended)
		printf("to do: the next response is late: bring it before %s (`banyan key skr`)\n", expires);
}

int key_status(const struct key_options *options)
{
	_cleanup_(key_closed) struct keys_folder *folder = NULL;
	char text[WIRE_NAME_TEXT_MAX];
	if (key_open(options, false, &folder) != 0)
		return CMD_ERROR;
	if (options->json)
		return show_json(folder, true);
	const struct keys_state *state = keys_folder_state(folder);
	printf("zone %s\n", wire_name_text(state->apex, text));
	show_responses(folder, options->now);
	for (size_t i = 0; i < state->n; i++) {
		if (state->key[i].phase == KEYS_REMOVED)
			continue;
		show_key(folder, &state->key[i]);
		show_next(folder, &state->key[i]);
	}
	if (keys_folder_policy(folder)->ksk_only)
		show_offline(folder, options->now);
	else
		show_actions(folder, options->now);
	return CMD_OK;
}
