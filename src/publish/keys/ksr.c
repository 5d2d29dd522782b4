// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The online side of an offline KSK: requests made, responses taken. A quarter as the root's: the ZSK that is to sign from its first second was
 * published in the last bundle before; the one that signed until then stays in the first; the next one comes in the last.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "request.h"

#define REQUEST_FILE "ksr.txt" /* the last one */

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

static const struct keys_key *planned_at(const struct keys_state *state, int64_t t)
{
	for (size_t i = 0; i < state->n; i++)
		if (state->key[i].role == KEYS_ZSK && state->key[i].plan == t)
			return &state->key[i];
	return NULL;
}

static int plan_key(struct keys_folder *folder, int64_t plan, int64_t now, char why[KEYS_WHY_MAX])
{
	struct keys_key *key = NULL;
	for (size_t i = 0; i < folder->state.n && key == NULL; i++) {
		struct keys_key *k = &folder->state.key[i];
		if (k->role == KEYS_ZSK && k->phase == KEYS_GENERATED && k->plan == 0 &&
		    k->algorithm == folder->policy.algorithm)
			key = k;
	}
	if (key == NULL) {
		int rc = keys_generate(folder, KEYS_ZSK, folder->policy.algorithm, folder->token, now, &key, why);
		if (rc != 0)
			return rc;
	}
	key->plan = plan;
	return 0;
}

/* Chooses the keys, and makes what is missing. A request that is made again has the same ones. */
static int plan_quarter(struct keys_folder *folder, int64_t from, int64_t until, int64_t now, struct quarter *ret,
			char why[KEYS_WHY_MAX])
{
	const struct keys_policy *policy = &folder->policy;
	int rc = 0;
	if (planned_before(&folder->state, from, NULL) == NULL)
		rc = plan_key(folder, from, now, why);
	if (rc != 0)
		return rc;
	int64_t present = planned_before(&folder->state, from, NULL)->plan;
	bool rolls = policy->zsk_lifetime_s != 0 && present + policy->zsk_lifetime_s <= until + policy->slot_s / 2;
	if (rolls && planned_at(&folder->state, until) == NULL)
		rc = plan_key(folder, until, now, why);
	if (rc != 0)
		return rc;
	ret->present = planned_before(&folder->state, from, NULL);
	ret->before = ret->present->plan == from ? planned_before(&folder->state, from, ret->present) : NULL;
	ret->next = rolls ? planned_at(&folder->state, until) : NULL;
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

static int check_ksr(const struct keys_folder *folder, int64_t now, int64_t from, unsigned slots,
		     char why[KEYS_WHY_MAX])
{
	if (!folder->policy.offline)
		return keys_wrong(why, BANYAN_EINVAL, "%s: the policy does not say `offline yes`: the KSK is here",
				  folder->path);
	if (folder->state.n_foreign > 0)
		return keys_wrong(why, BANYAN_EUNSUPP, "%s: keys of other signers do not go into requests",
				  folder->path);
	if (slots < 1 || slots > KEYS_BUNDLES_MAX)
		return keys_wrong(why, BANYAN_EINVAL, "a request has 1 to %d bundles, not %u", KEYS_BUNDLES_MAX, slots);
	if (folder->state.bundles_until != 0 && from != folder->state.bundles_until)
		return keys_wrong(why, BANYAN_EINVAL,
				  "%s: the next request begins where the last response ends, at %" PRId64
				  ", not at %" PRId64,
				  folder->path, folder->state.bundles_until, from);
	if (from + (int64_t)slots * folder->policy.slot_s <= now)
		return keys_wrong(why, BANYAN_EINVAL, "the request would be for a time that is over");
	return 0;
}

int keys_ksr(struct keys_folder *folder, int64_t now, int64_t from, unsigned slots, struct buffer *out,
	     char why[KEYS_WHY_MAX])
{
	struct keys_request request = {.made = now, .ttl = (uint32_t)folder->policy.dnskey_ttl_s};
	_cleanup_(buffer_done) struct buffer text = {0};
	struct quarter quarter = {0};
	struct random random;
	char when[32];
	if (from == 0)
		from = folder->state.bundles_until != 0 ? folder->state.bundles_until : now;
	int rc = check_ksr(folder, now, from, slots, why);
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
	rc = plan_quarter(folder, from, request.until, now, &quarter, why);
	for (size_t i = 0; i < slots && rc == 0; i++)
		rc = fill_bundle(folder, &request, i, slots, &quarter, why);
	if (rc == 0 && keys_request_write(&request, &text) != 0)
		rc = keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	if (rc == 0)
		rc = keys_request_keep(folder, REQUEST_FILE, &text, why);
	if (rc == 0)
		rc = keys_save(folder, why);
	if (rc == 0 && buffer_append(out, text.data, text.len) != 0)
		rc = keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	keys_request_done(&request);
	return rc;
}

/* ---- the response ---- */

static bool is_ksk(const struct wire_rdata *key)
{
	return (key->data[1] & 1) != 0;
}

/* Every key of the request is in the response, and every other key there is a KSK. */
static bool same_zsks(const struct keys_bundle *asked, const struct keys_bundle *given)
{
	size_t matched = 0;
	for (size_t i = 0; i < given->n_keys; i++) {
		bool mine = false;
		for (size_t j = 0; j < asked->n_keys; j++)
			mine |= wire_rdata_cmp(&given->key[i], &asked->key[j]) == 0;
		if (!mine && !is_ksk(&given->key[i]))
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

/* A KSK that signed a bundle which we took before is known. */
static bool known_before(const struct keys_folder *folder, const struct wire_rdata *key)
{
	for (size_t r = 0; r < folder->n_responses; r++)
		for (size_t b = 0; b < folder->response[r].n; b++)
			for (size_t k = 0; k < folder->response[r].bundle[b].n_keys; k++)
				if (is_ksk(key) && wire_rdata_cmp(&folder->response[r].bundle[b].key[k], key) == 0)
					return true;
	return false;
}

/* The first bundle is signed by a KSK that we know; each later one by a KSK that was in a bundle before it. */
static int check_chain(const struct keys_folder *folder, const struct keys_request *response, const char *name,
		       const struct dnssec_anchors *anchors, char why[KEYS_WHY_MAX])
{
	for (size_t b = 0; b < response->n; b++) {
		const struct keys_bundle *bundle = &response->bundle[b];
		bool good = false;
		for (size_t k = 0; k < bundle->n_keys && !good; k++) {
			const struct wire_rdata *key = &bundle->key[k];
			bool known = in_anchors(response->apex, anchors, key) || known_before(folder, key);
			for (size_t p = 0; p < b && !known; p++)
				for (size_t q = 0; q < response->bundle[p].n_keys; q++)
					known |= is_ksk(key) && wire_rdata_cmp(&response->bundle[p].key[q], key) == 0;
			good = is_ksk(key) && (key->data[1] & 0x80) == 0 && known &&
			       keys_bundle_signed_by(response, bundle, key, bundle->from);
		}
		if (!good)
			return keys_wrong(why, BANYAN_EPROOF,
					  "%s: bundle %zu is not signed by a KSK that is known here%s", name, b + 1,
					  b == 0 && folder->n_responses == 0
						  ? ": give the anchor that `banyan key ds` of the offline side prints "
						    "(--anchor FILE)"
						  : "");
	}
	return 0;
}

static int check_answer(struct keys_folder *folder, const struct keys_request *request,
			const struct keys_request *response, const char *name, int64_t now, char why[KEYS_WHY_MAX])
{
	char zone[WIRE_NAME_TEXT_MAX];
	if (!response->response)
		return keys_wrong(why, BANYAN_EINVAL, "%s: this is a request, not a response: have it signed", name);
	if (!wire_name_equal(response->apex, folder->state.apex))
		return keys_wrong(why, BANYAN_EINVAL, "%s: this is a response for %s", name,
				  wire_name_text(response->apex, zone));
	if (strcmp(response->answers, request->sum) != 0 || response->n != request->n || response->ttl != request->ttl)
		return keys_wrong(why, BANYAN_EINVAL,
				  "%s: this response answers another request than our last one (%s, sum %.16s...)",
				  name, request->id, request->sum);
	for (size_t b = 0; b < response->n; b++) {
		const struct keys_bundle *asked = &request->bundle[b], *given = &response->bundle[b];
		if (asked->from != given->from || asked->inception != given->inception ||
		    asked->expiration != given->expiration || !same_zsks(asked, given))
			return keys_wrong(why, BANYAN_EPROOF,
					  "%s: bundle %zu has other keys or dates than were asked for", name, b + 1);
	}
	if (response->bundle[response->n - 1].expiration <= now)
		return keys_wrong(why, BANYAN_EPROOF, "%s: all of this response has expired", name);
	return 0;
}

int keys_skr(struct keys_folder *folder, const char *name, const char *text, size_t len,
	     const struct dnssec_anchors *anchors, int64_t now, char why[KEYS_WHY_MAX])
{
	struct keys_request request = {0}, response = {0};
	struct buffer whole = {.data = (uint8_t *)(uintptr_t)text, .len = len};
	char file[64], when[32];
	if (!folder->policy.offline)
		return keys_wrong(why, BANYAN_EINVAL, "%s: the policy does not say `offline yes`: the KSK is here",
				  folder->path);
	int rc = keys_request_read(name, text, len, &response, why);
	if (rc == 0)
		rc = keys_responses_load(folder, why);
	if (rc == 0)
		rc = keys_request_load(folder, REQUEST_FILE, &request, why);
	if (rc == 0)
		rc = check_answer(folder, &request, &response, name, now, why);
	if (rc == 0)
		rc = check_chain(folder, &response, name, anchors, why);
	if (rc == 0) {
		snprintf(file, sizeof file, "skr-%s.txt", clock_format(response.from, when));
		rc = keys_request_keep(folder, file, &whole, why);
	}
	if (rc == 0) {
		folder->state.bundles_until = response.until;
		rc = keys_save(folder, why);
		keys_responses_drop(folder);
	}
	keys_request_done(&request);
	keys_request_done(&response);
	return rc;
}
