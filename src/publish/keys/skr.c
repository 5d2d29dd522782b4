// SPDX-License-Identifier: GPL-3.0-or-later
/* The online side of an offline KSK: responses. Nothing is taken that we did not ask for, or that is not signed by a KSK that we know. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

/* Every key of the request is in the response, and every other key there is a KSK. */
static bool same_zsks(const struct keys_bundle *asked, const struct keys_bundle *given)
{
	size_t matched = 0;
	for (size_t i = 0; i < given->n_keys; i++) {
		bool mine = false;
		for (size_t j = 0; j < asked->n_keys; j++)
			mine |= wire_rdata_cmp(&given->key[i], &asked->key[j]) == 0;
		if (!mine && !keys_is_ksk(&given->key[i]))
			return false;
		matched += mine;
	}
	return matched == asked->n_keys;
}

static bool in_anchors(const uint8_t *apex, const struct dnssec_anchors *anchors, const struct wire_rdata *key)
{
	for (size_t i = 0; anchors != NULL && i < anchors->count; i++) {
		const struct dnssec_anchor *a = &anchors->item[i];
		struct wire_rdata rdata = {.data = a->rdata, .len = a->len};
		if (!wire_name_equal(a->owner, apex))
			continue;
		if (a->type == WIRE_TYPE_DS ? dnssec_ds_match(apex, &rdata, key) == 1
					    : wire_rdata_cmp(&rdata, key) == 0)
			return true;
	}
	return false;
}

/* Every signature holds, and one is of a KSK that is known: of the bundle before (NULL: none), in which it is not revoked, or of an anchor. */
static int check_bundle(const struct keys_request *response, size_t b, const struct keys_bundle *before,
			const struct dnssec_anchors *anchors, const char *name, char why[KEYS_WHY_MAX])
{
	const struct keys_bundle *bundle = &response->bundle[b];
	bool good = false;
	size_t held = 0;
	for (size_t k = 0; k < bundle->n_keys; k++) {
		const struct wire_rdata *key = &bundle->key[k];
		if (!keys_is_ksk(key) || !keys_bundle_signed_by(response, bundle, key, bundle->from))
			continue;
		held++;
		good |= (key->data[1] & 0x80) == 0 &&
			(in_anchors(response->apex, anchors, key) || (before != NULL && keys_bundle_has(before, key)));
	}
	if (!good)
		return keys_wrong(why, BANYAN_EPROOF, "%s: bundle %zu is not signed by a KSK that is known here%s",
				  name, b + 1,
				  anchors == NULL ? ": if it is right, give the anchor that `banyan key ds` of the "
						    "offline side prints (--anchor FILE)"
						  : "");
	if (held != bundle->n_signatures)
		return keys_wrong(why, BANYAN_EPROOF, "%s: bundle %zu has a signature that does not hold", name, b + 1);
	return 0;
}

static int check_chain(const struct keys_folder *folder, const struct keys_request *response, const char *name,
		       const struct dnssec_anchors *anchors, char why[KEYS_WHY_MAX])
{
	const struct keys_bundle *before = keys_bundle_last(folder, response->from);
	int rc = 0;
	for (size_t b = 0; b < response->n && rc == 0; b++) {
		rc = check_bundle(response, b, before, anchors, name, why);
		before = &response->bundle[b];
	}
	return rc;
}

/* Whoever asks for bundle after bundle may not lose sight of the present one. */
static int check_ahead(const struct keys_folder *folder, const char *name, int64_t now, char why[KEYS_WHY_MAX])
{
	size_t ahead = 0;
	for (size_t i = 0; i < folder->n_responses; i++)
		ahead += folder->response[i].from > now;
	return ahead < KEYS_AHEAD_MAX
		       ? 0
		       : keys_wrong(
				 why, BANYAN_ELIMIT,
				 "%s: there are %zu responses for a time to come here, and that is as many as are kept "
				 "in view: take it when the first of them has begun",
				 name, ahead);
}

/* ---- RFC 5011 and time ---- */

static bool has_signer(const struct keys_bundle *bundle, const struct keys_signature *signer)
{
	for (size_t i = 0; i < bundle->n_signatures; i++)
		if (bundle->signature[i].tag == signer->tag && bundle->signature[i].algorithm == signer->algorithm)
			return true;
	return false;
}

static bool within(const struct keys_bundle *a, const struct keys_bundle *b)
{
	for (size_t i = 0; i < a->n_keys; i++)
		if (keys_is_ksk(&a->key[i]) && !keys_bundle_has(b, &a->key[i]))
			return false;
	for (size_t i = 0; i < a->n_signatures; i++)
		if (!has_signer(b, &a->signature[i]))
			return false;
	return true;
}

/* Do its KSKs, or those of them that sign, become others? */
static bool rolls(const struct keys_request *response, const struct keys_bundle *before)
{
	for (size_t b = 0; b < response->n; b++) {
		const struct keys_bundle *bundle = &response->bundle[b];
		if (before != NULL && (!within(before, bundle) || !within(bundle, before)))
			return true;
		before = bundle;
	}
	return false;
}

/* From when on nobody may take it any more as if it had come in time. The offline side counts the first bundle as offered when the signatures of
 * the one before it have ended; if it knew that they would have, so long after it began, or was signed, as a bundle outlives its slot. */
static int64_t late_at(const struct keys_request *response, const struct keys_bundle *before)
{
	const struct keys_bundle *first = &response->bundle[0];
	int64_t next = response->n > 1 ? response->bundle[1].from : response->until;
	int64_t begins = response->made > first->from ? response->made : first->from;
	if (before != NULL && response->made < before->expiration && response->from < before->expiration)
		return before->expiration;
	return begins + (first->expiration - next) + 1;
}

/* A KSK that validators did not see for the hold-down time (RFC 5011 section 2.4.1) must not be the only one that signs. */
static int check_late(const struct keys_folder *folder, const struct keys_request *response, const char *name,
		      int64_t now, char why[KEYS_WHY_MAX])
{
	const struct keys_bundle *before = keys_bundle_last(folder, response->from);
	char at[32], here[32];
	int64_t late = late_at(response, before);
	if (now < late || !rolls(response, before))
		return 0;
	return keys_wrong(
		why, BANYAN_EPROOF,
		"%s: it comes too late: its KSKs roll, and it had to be taken before %s (it is %s here); validators "
		"that "
		"follow RFC 5011 have not seen the new KSK for long enough. Make a new request (`banyan key ksr`), and "
		"have it signed in the place of this one (`banyan key sign-ksr --replace`, with --after-gap); or, if "
		"all "
		"validators have the new KSK by other means, take it with --late",
		name, clock_format(late, at), clock_format(now, here));
}

/* What is wrong with it, whatever it answers. */
static int check_alone(const struct keys_folder *folder, const struct keys_request *response, const char *name,
		       int64_t now, char why[KEYS_WHY_MAX])
{
	char zone[WIRE_NAME_TEXT_MAX], when[32], here[32];
	int64_t expires = response->bundle[response->n - 1].expiration;
	if (!response->response)
		return keys_wrong(why, BANYAN_EINVAL, "%s: this is a request, not a response: have it signed", name);
	if (!wire_name_equal(response->apex, folder->state.apex))
		return keys_wrong(why, BANYAN_EINVAL, "%s: this is a response for %s", name,
				  wire_name_text(response->apex, zone));
	if (expires <= now)
		return keys_wrong(why, BANYAN_EPROOF, "%s: all of this response has expired, at %s (it is %s here)",
				  name, clock_format(expires, when), clock_format(now, here));
	return 0;
}

/* The request that it answers. */
static int load_asked(struct keys_folder *folder, const struct keys_request *response, const char *name,
		      struct keys_request *ret, char why[KEYS_WHY_MAX])
{
	char file[KEYS_FILE_MAX], until[32];
	keys_asked_file(response->answers, file);
	int rc = keys_request_load(folder, file, ret, why);
	if (rc == BANYAN_ENOENT && response->from < folder->state.bundles_until)
		return keys_wrong(why, BANYAN_EINVAL,
				  "%s: this response is an old one: the responses that are here reach until %s", name,
				  clock_format(folder->state.bundles_until, until));
	if (rc == BANYAN_ENOENT)
		return keys_wrong(
			why, BANYAN_EINVAL,
			"%s: this response answers a request that was not made here, or was given up (sum "
			"%.16s...): give the file of that request, too (--request FILE); if there is none any "
			"more, make a new one, and have it signed in the place of this (`banyan key sign-ksr "
			"--replace`)",
			name, response->answers);
	return rc;
}

/* A request that is not in the folder any more: by its sum it is the one that was signed, and the KSK's signatures are over that. */
static int find_asked(struct keys_folder *folder, const struct keys_taking *how, const struct keys_request *response,
		      struct keys_request *ret, char why[KEYS_WHY_MAX])
{
	if (how->request == NULL)
		return load_asked(folder, response, how->name, ret, why);
	return keys_request_read(how->request_name, how->request, how->request_len, ret, why);
}

static int check_answer(const struct keys_folder *folder, const struct keys_request *asked,
			const struct keys_request *response, const char *name, char why[KEYS_WHY_MAX])
{
	char until[32];
	if (asked->response || strcmp(response->answers, asked->sum) != 0 || strcmp(response->id, asked->id) != 0 ||
	    response->n != asked->n || response->ttl != asked->ttl || response->from != asked->from ||
	    response->until != asked->until)
		return keys_wrong(why, BANYAN_EINVAL, "%s: this response is not for the request %s that it names", name,
				  asked->id);
	if (response->from < folder->state.bundles_until)
		return keys_wrong(why, BANYAN_EINVAL, "%s: another response for this time is here: they reach until %s",
				  name, clock_format(folder->state.bundles_until, until));
	for (size_t b = 0; b < response->n; b++) {
		const struct keys_bundle *of = &asked->bundle[b], *given = &response->bundle[b];
		if (of->from != given->from || of->inception != given->inception ||
		    of->expiration != given->expiration || !same_zsks(of, given))
			return keys_wrong(why, BANYAN_EPROOF,
					  "%s: bundle %zu has other keys or dates than were asked for", name, b + 1);
	}
	return 0;
}

static struct keys_key *find_zsk(struct keys_state *state, const struct wire_rdata *rdata)
{
	for (size_t i = 0; i < state->n; i++) {
		struct keys_key *key = &state->key[i];
		struct wire_rdata own = {.data = key->rdata, .len = key->rdata_len};
		if (key->phase != KEYS_REMOVED && wire_rdata_cmp(&own, rdata) == 0)
			return key;
	}
	return NULL;
}

/* A set with a ZSK whose private half went with an older state would be one that nobody can use. */
static int check_held(struct keys_folder *folder, const struct keys_request *response, const char *name,
		      char why[KEYS_WHY_MAX])
{
	for (size_t b = 0; b < response->n; b++)
		for (size_t k = 0; k < response->bundle[b].n_keys; k++) {
			const struct wire_rdata *key = &response->bundle[b].key[k];
			if (!keys_is_ksk(key) && find_zsk(&folder->state, key) == NULL)
				return keys_wrong(why, BANYAN_EINVAL,
						  "%s: bundle %zu has the ZSK %u, which is not in %s any more: bring "
						  "the folder back from a backup, or make a new request, and have it "
						  "signed in the place of this one "
						  "(`banyan key sign-ksr --replace`)",
						  name, b + 1, dnssec_key_tag(key->data, key->len), folder->path);
		}
	return 0;
}

/* Versions before this one planned when they asked. A key of a request that was given up would be taken for one that everybody knows. */
void keys_plans_forget(struct keys_folder *folder)
{
	char name[KEYS_RESPONSES_MAX][KEYS_FILE_MAX];
	if (keys_answers_list(folder, name) != folder->n_responses)
		return; /* not all could be read: it may stand in another */
	for (size_t i = 0; i < folder->state.n; i++) {
		struct keys_key *key = &folder->state.key[i];
		struct wire_rdata rdata = {.data = key->rdata, .len = key->rdata_len};
		bool stands = key->role != KEYS_ZSK || key->phase != KEYS_GENERATED || key->plan == 0;
		for (size_t r = 0; r < folder->n_responses && !stands; r++)
			for (size_t b = 0; b < folder->response[r].n && !stands; b++)
				stands = keys_bundle_has(&folder->response[r].bundle[b], &rdata);
		if (!stands)
			key->plan = 0;
	}
}

/* When its new ZSKs are to sign. One that goes on from before is in the first bundle, if this is not the very first response; then it is the
 * one that signs already, or that was made first. All others come for the quarter after it. */
static void plan_keys(struct keys_state *state, const struct keys_request *response)
{
	const struct keys_bundle *first = &response->bundle[0];
	struct keys_key *present = NULL;
	bool known = false;
	for (size_t k = 0; k < first->n_keys; k++) {
		struct keys_key *key = find_zsk(state, &first->key[k]);
		known |= key != NULL && key->plan != 0;
		if (key == NULL || key->plan != 0)
			continue;
		if (present == NULL || key->phase == KEYS_ACTIVE || (present->phase != KEYS_ACTIVE && key < present))
			present = key;
	}
	if (present != NULL && !known)
		present->plan = response->from;
	for (size_t b = 0; b < response->n; b++)
		for (size_t k = 0; k < response->bundle[b].n_keys; k++) {
			struct keys_key *key = find_zsk(state, &response->bundle[b].key[k]);
			if (key != NULL && key->plan == 0)
				key->plan = response->until;
		}
}

static bool is_here(const struct keys_folder *folder, const struct keys_request *response)
{
	for (size_t i = 0; i < folder->n_responses; i++)
		if (strcmp(folder->response[i].sum, response->sum) == 0)
			return folder->state.bundles_until >= response->until;
	return false;
}

/* Its file first: a response that is there and that the state does not know of is used, and may be taken again. */
static int keep(struct keys_folder *folder, const struct keys_request *response, const struct buffer *text, int64_t now,
		char why[KEYS_WHY_MAX])
{
	_cleanup_(base_free) struct keys_state *state = malloc(sizeof *state);
	char file[KEYS_FILE_MAX], when[32];
	if (state == NULL)
		return keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	*state = folder->state;
	snprintf(file, sizeof file, "skr-%s.txt", clock_format(response->from, when));
	int rc = keys_request_keep(folder, file, text, why);
	if (rc != 0)
		return rc;
	keys_plans_forget(folder);
	keys_responses_drop(folder);
	plan_keys(&folder->state, response);
	folder->state.bundles_until = response->until;
	rc = keys_save(folder, why);
	if (rc != 0)
		folder->state = *state;
	else
		keys_asked_tidy(folder, now);
	return rc;
}

static int take(struct keys_folder *folder, const struct keys_taking *how, const struct keys_request *response,
		int64_t now, char why[KEYS_WHY_MAX])
{
	struct keys_request asked = {0};
	struct buffer whole = {.data = (uint8_t *)(uintptr_t)how->text, .len = how->len};
	int rc = find_asked(folder, how, response, &asked, why);
	if (rc == 0)
		rc = check_answer(folder, &asked, response, how->name, why);
	if (rc == 0)
		rc = check_held(folder, response, how->name, why);
	if (rc == 0)
		rc = check_ahead(folder, how->name, now, why);
	if (rc == 0)
		rc = check_chain(folder, response, how->name, how->anchors, why);
	if (rc == 0 && !how->late)
		rc = check_late(folder, response, how->name, now, why);
	if (rc == 0)
		rc = keep(folder, response, &whole, now, why);
	keys_request_done(&asked);
	return rc;
}

int keys_take(struct keys_folder *folder, const struct keys_taking *how, int64_t now, char why[KEYS_WHY_MAX])
{
	struct keys_request response = {0};
	if (!folder->policy.offline)
		return keys_wrong(why, BANYAN_EINVAL, "%s: the policy does not say `offline yes`: the KSK is here",
				  folder->path);
	int rc = keys_request_read(how->name, how->text, how->len, &response, why);
	if (rc != 0)
		return rc;
	rc = keys_responses_load(folder, why);
	if (rc == 0)
		rc = check_alone(folder, &response, how->name, now, why);
	if (rc == 0 && !is_here(folder, &response))
		rc = take(folder, how, &response, now, why);
	keys_request_done(&response);
	return rc;
}

int keys_skr(struct keys_folder *folder, const char *name, const char *text, size_t len,
	     const struct dnssec_anchors *anchors, int64_t now, char why[KEYS_WHY_MAX])
{
	struct keys_taking how = {.name = name, .text = text, .len = len, .anchors = anchors};
	return keys_take(folder, &how, now, why);
}
