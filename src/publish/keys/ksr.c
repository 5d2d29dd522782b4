// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The online side of an offline KSK: requests. A quarter as the root's: the ZSK that is to sign from its first second was published in the last
 * bundle before; the one that signed until then stays in the first; the next one comes in the last. A request promises nothing: which keys are to
 * sign from when on is settled when its response is taken (skr.c), so that it may be made again, and otherwise.
 */
#include <stdio.h>
#include <string.h>

#include "request.h"

/* The ZSKs of a quarter; NULL: there is none of the kind. */
struct quarter {
	const struct keys_key *before, *present, *next;
};

static const struct keys_key *planned_before(const struct keys_state *state, int64_t t, const struct keys_key *than)
{
	const struct keys_key *best = NULL;
	for (size_t i = 0; i < state->n; i++) {
		const struct keys_key *key = &state->key[i];
		if (key->role != KEYS_ZSK || key->phase == KEYS_REMOVED || key == than || key->plan == 0 ||
		    key->plan > t)
			continue;
		if (than != NULL && key->plan >= than->plan)
			continue;
		if (best == NULL || key->plan > best->plan)
			best = key;
	}
	return best;
}

/* ZSKs that wait for a quarter of their own; the one that signs a zone which has no response yet goes first. */
static const struct keys_key *unplanned(const struct keys_folder *folder, size_t n)
{
	for (int active = 1; active >= 0; active--) {
		for (size_t i = 0; i < folder->state.n; i++) {
			const struct keys_key *key = &folder->state.key[i];
			if (key->role == KEYS_ZSK && key->plan == 0 && key->algorithm == folder->policy.algorithm &&
			    key->phase == (active ? KEYS_ACTIVE : KEYS_GENERATED) && n-- == 0)
				return key;
		}
	}
	return NULL;
}

/* Chooses the keys, and makes what is missing. A request that is made again has the same ones. */
static int plan_quarter(struct keys_folder *folder, int64_t from, int64_t until, int64_t now, struct quarter *ret,
			char why[KEYS_WHY_MAX])
{
	const struct keys_policy *policy = &folder->policy;
	const struct keys_key *present = planned_before(&folder->state, from, NULL);
	int64_t since = present != NULL ? present->plan : from;
	bool rolls = policy->zsk_lifetime_s != 0 && since + policy->zsk_lifetime_s <= until + policy->slot_s / 2;
	size_t wanted = (present == NULL ? 1 : 0) + (rolls ? 1 : 0);
	while (wanted > 0 && unplanned(folder, wanted - 1) == NULL) {
		struct keys_key *made;
		int rc = keys_generate(folder, KEYS_ZSK, policy->algorithm, folder->token, now, &made, why);
		if (rc != 0)
			return rc;
	}
	present = planned_before(&folder->state, from, NULL); /* keys may have moved in memory */
	ret->next = rolls ? unplanned(folder, wanted - 1) : NULL;
	ret->present = present != NULL ? present : unplanned(folder, 0);
	ret->before = present != NULL ? planned_before(&folder->state, from, present) : NULL;
	/* it is gone, unless the publisher is late or it was its turn until now */
	if (ret->before != NULL && present->plan != from && ret->before->phase != KEYS_ACTIVE &&
	    ret->before->phase != KEYS_RETIRED)
		ret->before = NULL;
	return 0;
}

static int add_key(struct keys_folder *folder, struct keys_request *request, struct keys_bundle *b,
		   const struct keys_key *key, char why[KEYS_WHY_MAX])
{
	int rc = keys_bundle_add(request, b, key->rdata, key->rdata_len);
	return rc == 0 ? 0 : keys_wrong(why, rc, "%s: the request: %s", folder->path, error_text(rc));
}

/* RFC 2986 in spirit: each key signs what is asked for it, so that nobody has others' keys signed. */
static int prove_key(struct keys_folder *folder, struct keys_request *request, struct keys_bundle *b,
		     const struct keys_key *key, char why[KEYS_WHY_MAX])
{
	struct make_key *made;
	int rc = keys_private(folder, key, &made, why);
	if (rc != 0)
		return rc;
	rc = keys_bundle_sign(request, b, made);
	return rc == 0 ? 0
		       : keys_wrong(why, rc, "%s: key %u does not sign: %s", folder->path, key->tag,
				    keys_trouble(folder) != NULL ? keys_trouble(folder) : error_text(rc));
}

static int fill_bundle(struct keys_folder *folder, struct keys_request *request, size_t i, unsigned slots,
		       const struct quarter *quarter, char why[KEYS_WHY_MAX])
{
	const struct keys_key *key[3] = {quarter->present, i == 0 ? quarter->before : NULL,
					 i + 1 == slots ? quarter->next : NULL};
	struct keys_bundle *b = &request->bundle[i];
	int rc = 0;
	b->from = request->from + (int64_t)i * folder->policy.slot_s;
	b->inception = b->from - KEYS_INCEPTION_BEFORE_S;
	b->expiration = b->from + folder->policy.validity_s;
	for (size_t k = 0; k < ARRAY_SIZE(key) && rc == 0; k++)
		rc = key[k] != NULL ? add_key(folder, request, b, key[k], why) : 0;
	for (size_t k = 0; k < ARRAY_SIZE(key) && rc == 0; k++)
		rc = key[k] != NULL ? prove_key(folder, request, b, key[k], why) : 0;
	request->n = i + 1;
	return rc;
}

/* Does it begin where it may? */
static int check_from(const struct keys_folder *folder, int64_t now, int64_t from, char why[KEYS_WHY_MAX])
{
	int64_t ended = folder->state.bundles_until, expires = keys_bundles_expire(folder);
	int64_t last = (now > expires ? now : expires) + folder->policy.slot_s;
	char here[32], asked[32], when[32];
	clock_format(from, asked);
	clock_format(ended, when);
	if (from + folder->policy.validity_s <= now)
		return keys_wrong(why, BANYAN_EINVAL,
				  "a request from %s would be for a time that is over: it is %s here; leave out --from",
				  asked, clock_format(now, here));
	if (ended == 0 || from == ended)
		return 0;
	if (from < ended)
		return keys_wrong(why, BANYAN_EINVAL,
				  "%s: a request from %s would be for a time that is signed: the next one begins where "
				  "the last response ends, at %s",
				  folder->path, asked, when);
	if (now < ended)
		return keys_wrong(why, BANYAN_EINVAL,
				  "%s: the next request begins where the last response ends, at %s, not at %s: a later "
				  "one (--from) is for when that time is over",
				  folder->path, when, asked);
	if (from > last)
		return keys_wrong(why, BANYAN_EINVAL,
				  "%s: a request from %s would leave a gap that need not be: %s is the latest",
				  folder->path, asked, clock_format(last, when));
	return 0;
}

static int check_ksr(const struct keys_folder *folder, int64_t now, int64_t from, unsigned slots,
		     char why[KEYS_WHY_MAX])
{
	if (!folder->policy.offline)
		return keys_wrong(why, BANYAN_EINVAL,
				  "%s: the policy does not say `offline yes`: the KSK is here; if it is to be offline: "
				  "`keys.offline-ksk: true` and `banyan publish`, or `banyan key policy offline=yes`",
				  folder->path);
	if (folder->state.n_foreign > 0)
		return keys_wrong(why, BANYAN_EUNSUPP, "%s: keys of other signers do not go into requests",
				  folder->path);
	if (slots < 1 || slots > KEYS_BUNDLES_MAX)
		return keys_wrong(why, BANYAN_EINVAL, "a request has 1 to %d bundles, not %u", KEYS_BUNDLES_MAX, slots);
	return check_from(folder, now, from, why);
}

/* Where the last one ended, as long as that leaves no gap. */
static int64_t from_default(const struct keys_folder *folder, int64_t now)
{
	return folder->state.bundles_until == 0 || keys_bundles_expire(folder) <= now ? now
										      : folder->state.bundles_until;
}

/* Written and kept; the state is saved for the keys that were made. */
static int keep(struct keys_folder *folder, struct keys_request *request, int64_t now, struct buffer *out,
		char why[KEYS_WHY_MAX])
{
	_cleanup_(buffer_done) struct buffer text = {0};
	char file[KEYS_FILE_MAX];
	if (keys_request_write(request, &text) != 0 || buffer_reserve(out, text.len) != 0)
		return keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	keys_asked_file(request->sum, file);
	int rc = keys_request_keep(folder, file, &text, why);
	if (rc == 0)
		rc = keys_save(folder, why);
	if (rc == 0 && buffer_append(out, text.data, text.len) != 0)
		rc = keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	if (rc == 0)
		keys_asked_tidy(folder, now);
	return rc;
}

int keys_ksr(struct keys_folder *folder, int64_t now, int64_t from, unsigned slots, struct buffer *out,
	     char why[KEYS_WHY_MAX])
{
	struct keys_request request = {.made = now, .ttl = (uint32_t)folder->policy.dnskey_ttl_s};
	struct quarter quarter = {0};
	struct random random;
	char when[32];
	int rc = keys_responses_load(folder, why);
	if (rc != 0)
		return rc;
	if (from == 0)
		from = from_default(folder, now);
	rc = check_ksr(folder, now, from, slots, why);
	if (rc != 0)
		return rc;
	request.from = from;
	request.until = from + (int64_t)slots * folder->policy.slot_s;
	random_init_kernel(&random);
	snprintf(request.id, sizeof request.id, "%.10s-%08x", clock_format(from, when), (unsigned)random_u64(&random));
	memcpy(request.apex, folder->state.apex, sizeof request.apex);
	request.bundle = arena_alloc0(&request.arena, KEYS_BUNDLES_MAX * sizeof *request.bundle);
	if (request.bundle == NULL)
		return keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	keys_plans_forget(folder);
	rc = plan_quarter(folder, from, request.until, now, &quarter, why);
	for (size_t i = 0; i < slots && rc == 0; i++)
		rc = fill_bundle(folder, &request, i, slots, &quarter, why);
	if (rc == 0)
		rc = keep(folder, &request, now, out, why);
	keys_request_done(&request);
	return rc;
}
