// SPDX-License-Identifier: GPL-3.0-or-later
/* Key responses in the folder of the online side: which bundle is in force. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

void keys_responses_drop(struct keys_folder *folder)
{
	for (size_t i = 0; i < folder->n_responses; i++)
		keys_request_done(&folder->response[i]);
	free(folder->response);
	folder->response = NULL;
	folder->n_responses = 0;
}

/* One that cannot be read is passed over and told: another may be in force. */
int keys_responses_load(struct keys_folder *folder, char why[KEYS_WHY_MAX])
{
	char name[KEYS_RESPONSES_MAX][KEYS_FILE_MAX];
	if (folder->response != NULL)
		return 0;
	size_t n = keys_answers_list(folder, name);
	folder->response = calloc(KEYS_RESPONSES_MAX, sizeof *folder->response);
	if (folder->response == NULL)
		return keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	for (size_t i = 0; i < n; i++) {
		struct keys_request *r = &folder->response[folder->n_responses];
		int rc = keys_request_load(folder, name[i], r, why);
		if (rc == BANYAN_ENOMEM)
			return rc;
		if (rc == 0 && !r->response) {
			keys_wrong(why, BANYAN_EMALF, "%s/%s: this is a request, not a response", folder->path,
				   name[i]);
			keys_request_done(r);
			rc = BANYAN_EMALF;
		}
		if (rc == 0)
			folder->n_responses++;
		else
			log_warning("keys", "%s", why);
	}
	return 0;
}

/* ---- which bundle ---- */

struct choice {
	const struct keys_request *request;
	const struct keys_bundle *bundle;
};

static bool has_key(const struct keys_bundle *bundle, const struct keys_key *key)
{
	struct wire_rdata rdata = {.data = key->rdata, .len = key->rdata_len};
	return keys_bundle_has(bundle, &rdata);
}

/* Has it all keys that data are signed with, those in caches included? */
static bool serves(const struct keys_folder *folder, const struct keys_bundle *bundle, int64_t now)
{
	for (size_t i = 0; i < folder->state.n; i++) {
		const struct keys_key *key = &folder->state.key[i];
		bool needed =
			key->phase == KEYS_ACTIVE ||
			(key->phase == KEYS_RETIRED && keys_move_next(&folder->state, &folder->policy, key).due > now);
		if (keys_for_data(key) && needed && !has_key(bundle, key))
			return false;
	}
	return true;
}

/* One that is not the newest is left before its signatures end, in servers and in the caches behind them. */
static int64_t leave_at(const struct keys_folder *folder, const struct keys_bundle *bundle)
{
	return bundle->expiration - folder->policy.propagation_s - folder->policy.dnskey_ttl_s;
}

/* The bundle that began last. The one before it is good for some time after, but a set that was to be replaced is not used for longer
 * than it must be: when the newer one has not come, and when it has not the keys that the data are still signed with. That is so after a
 * publisher was down over the time in which the one ZSK followed the other: both are in the older one. */
static struct choice choose(const struct keys_folder *folder, int64_t now)
{
	struct choice newest = {0}, serving = {0};
	for (size_t i = 0; i < folder->n_responses; i++) {
		const struct keys_request *r = &folder->response[i];
		for (size_t b = 0; b < r->n && r->bundle[b].from <= now; b++) {
			const struct keys_bundle *bundle = &r->bundle[b];
			if (newest.bundle == NULL || bundle->from > newest.bundle->from)
				newest = (struct choice){r, bundle};
			if (leave_at(folder, bundle) > now && serves(folder, bundle, now) &&
			    (serving.bundle == NULL || bundle->from > serving.bundle->from))
				serving = (struct choice){r, bundle};
		}
	}
	if (newest.bundle == NULL || serving.bundle == NULL || serves(folder, newest.bundle, now))
		return newest;
	return serving;
}

const struct keys_bundle *keys_bundle_last(const struct keys_folder *folder, int64_t before)
{
	const struct keys_bundle *last = NULL;
	for (size_t i = 0; i < folder->n_responses; i++) {
		const struct keys_request *r = &folder->response[i];
		for (size_t b = 0; b < r->n && r->bundle[b].from < before; b++)
			if (last == NULL || r->bundle[b].from > last->from)
				last = &r->bundle[b];
	}
	return last;
}

int64_t keys_bundles_expire(const struct keys_folder *folder)
{
	int64_t until = folder->state.bundles_until;
	const struct keys_bundle *last = keys_bundle_last(folder, until);
	if (last != NULL)
		return last->expiration;
	return until == 0 ? 0 : until - folder->policy.slot_s + folder->policy.validity_s;
}

/* The first one that begins after `now`. */
static int64_t begins_next(const struct keys_folder *folder, int64_t now)
{
	int64_t next = KEYS_NEVER;
	for (size_t i = 0; i < folder->n_responses; i++)
		for (size_t b = 0; b < folder->response[i].n; b++)
			if (folder->response[i].bundle[b].from > now && folder->response[i].bundle[b].from < next)
				next = folder->response[i].bundle[b].from;
	return next;
}

/* When a key that an older bundle is used for is in no cache any more. */
static int64_t freed_next(const struct keys_folder *folder, int64_t now)
{
	int64_t next = KEYS_NEVER;
	for (size_t i = 0; i < folder->state.n; i++) {
		const struct keys_key *key = &folder->state.key[i];
		int64_t due = key->phase == KEYS_RETIRED && keys_for_data(key)
				      ? keys_move_next(&folder->state, &folder->policy, key).due
				      : KEYS_NEVER;
		if (due > now && due < next)
			next = due;
	}
	return next;
}

int64_t keys_bundle_next(const struct keys_folder *folder, int64_t now)
{
	struct choice chosen = choose(folder, now);
	int64_t next = begins_next(folder, now);
	if (chosen.bundle == NULL)
		return next;
	if (chosen.bundle != keys_bundle_last(folder, now + 1)) {
		int64_t freed = freed_next(folder, now);
		next = freed < next ? freed : next;
	}
	int64_t ends[] = {leave_at(folder, chosen.bundle), chosen.bundle->expiration};
	for (size_t i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends[i] > now && ends[i] < next)
			next = ends[i];
	return next;
}

const struct keys_bundle *keys_bundle_at(struct keys_folder *folder, int64_t now, const struct keys_request **ret_of,
					 char why[KEYS_WHY_MAX])
{
	char when[32], next[32];
	if (keys_responses_load(folder, why) != 0)
		return NULL;
	struct choice chosen = choose(folder, now);
	int64_t begins = begins_next(folder, now);
	if (chosen.bundle == NULL && begins != KEYS_NEVER) {
		keys_wrong(why, BANYAN_EPROOF,
			   "%s: it is %s here, and the first key response is for the time from %s on", folder->path,
			   clock_format(now, when), clock_format(begins, next));
	} else if (chosen.bundle == NULL) {
		keys_wrong(
			why, BANYAN_EPROOF,
			"%s: no key response is in force at %s: make a request (`banyan key ksr`), have it signed, and "
			"bring the response (`banyan key skr`)",
			folder->path, clock_format(now, when));
	} else if (chosen.bundle->expiration <= now && begins != KEYS_NEVER) {
		keys_wrong(why, BANYAN_EPROOF,
			   "%s: the bundle before expired at %s, and the next one begins at %s: nothing is signed for "
			   "the time between",
			   folder->path, clock_format(chosen.bundle->expiration, when), clock_format(begins, next));
	} else if (chosen.bundle->expiration <= now) {
		keys_wrong(
			why, BANYAN_EPROOF,
			"%s: the last bundle of the key responses expired at %s: bring the next response (`banyan key "
			"skr`), or ask for one (`banyan key ksr`)",
			folder->path, clock_format(chosen.bundle->expiration, when));
	} else {
		*ret_of = chosen.request;
		return chosen.bundle;
	}
	return NULL;
}

int keys_bundle_ready(struct keys_folder *folder, const struct keys_request *request, const struct keys_bundle *bundle)
{
	size_t at[KEYS_BUNDLE_KEYS_MAX + 1] = {0};
	char when[32];
	folder->ready_bytes.len = 0;
	for (size_t i = 0; i < bundle->n_signatures; i++) {
		int rc = keys_signature_rdata(request, bundle, &bundle->signature[i], &folder->ready_bytes);
		if (rc != 0)
			return rc;
		at[i + 1] = folder->ready_bytes.len;
	}
	for (size_t i = 0; i < bundle->n_signatures; i++)
		folder->ready_rrsig[i] = (struct wire_rdata){.data = folder->ready_bytes.data + at[i],
							     .len = (uint16_t)(at[i + 1] - at[i])};
	memcpy(folder->ready_key, bundle->key, bundle->n_keys * sizeof bundle->key[0]);
	snprintf(folder->ready_name, sizeof folder->ready_name, "bundle of %s in key response %s",
		 clock_format(bundle->from, when), request->id);
	folder->ready = (struct make_ready_dnskey){.name = folder->ready_name,
						   .ttl = request->ttl,
						   .keys = {.n = bundle->n_keys, .item = folder->ready_key},
						   .rrsigs = {.n = bundle->n_signatures, .item = folder->ready_rrsig}};
	return 0;
}
