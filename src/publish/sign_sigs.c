// SPDX-License-Identifier: GPL-3.0-or-later
/* Signatures: which of the version before stay, which are made anew, shared out among threads. */
#include "sign.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define SIGS_FIRST         1024 /* signatures for which there is room at first; it doubles from there */
#define SIGNATURES_A_BLOCK 32   /* made by one call of the parallel loop: pays for its contexts, and shares well */

/* The work that is left when it is known what stays. */
struct work {
	struct sign *s;
	size_t *job; /* signatures that are made or checked */
	size_t n;
	bool vouched[MAKE_ZONE_KEYS_MAX]; /* the tag of this key names no other one in the version before */
	struct dnssec_key *check[MAKE_ZONE_KEYS_MAX];
	_Atomic size_t failed; /* the first one that could not be made */
};

static struct sign_sig *sig_add(struct sign *s, size_t set)
{
	if (s->n_sigs == s->cap_sigs) {
		size_t cap = s->cap_sigs == 0 ? SIGS_FIRST : s->cap_sigs * 2;
		struct sign_sig *more = reallocarray(s->sig, cap, sizeof *more);
		if (more == NULL)
			return NULL;
		s->sig = more;
		s->cap_sigs = cap;
	}
	struct sign_sig *sig = &s->sig[s->n_sigs++];
	*sig = (struct sign_sig){.set = set};
	return sig;
}

static bool same_tag(const uint8_t *rdata, size_t len, const struct make_key *key)
{
	return len >= 5 && rdata[3] == make_key_algorithm(key) && dnssec_key_tag(rdata, len) == make_key_tag(key);
}

/* Was every signature of the version before with this key's tag made by this key? */
static bool key_vouched(const struct sign *s, const struct wire_rrset *dnskey, const struct make_key *key)
{
	size_t len, others = 0;
	const uint8_t *rdata = make_key_rdata(key, &len);
	bool there = false;
	for (uint32_t i = 0; dnskey != NULL && i < dnskey->count; i++) {
		const struct wire_rdata *item = &dnskey->rdata[i];
		bool same = item->len == len && memcmp(item->data, rdata, len) == 0;
		there = there || same;
		others += !same && same_tag(item->data, item->len, key);
	}
	for (size_t i = 0; i < s->in->n_keys; i++) {
		size_t other_len;
		const uint8_t *other = make_key_rdata(s->in->key[i].key, &other_len);
		others += (other_len != len || memcmp(other, rdata, len) != 0) && same_tag(other, other_len, key);
	}
	return there && others == 0;
}

static void keys_vouch(struct work *w)
{
	const struct zone *before = w->s->before;
	const struct zone_node *apex = before == NULL ? NULL : zone_find(before, before->apex);
	const struct wire_rrset *dnskey = apex == NULL ? NULL : zone_node_set(before, apex, WIRE_TYPE_DNSKEY);
	for (size_t i = 0; i < w->s->in->n_keys; i++)
		w->vouched[i] = key_vouched(w->s, dnskey, w->s->in->key[i].key);
}

/* The signature of the version before that may stay, the one that holds longest; NULL = none. */
static const struct wire_rdata *sig_find(const struct sign *s, const struct sign_set *set, const struct make_key *key,
					 int64_t *ret_expiration)
{
	const struct wire_rdata *best = NULL;
	int64_t best_expiration = 0, expiration;
	for (uint32_t i = 0; set->sigs != NULL && i < set->sigs->count; i++) {
		const struct wire_rdata *rdata = &set->sigs->rdata[i];
		if (make_rrsig_holds(s->in, s->plain->apex, &set->set, key, rdata, &expiration) &&
		    (best == NULL || expiration > best_expiration)) {
			best = rdata;
			best_expiration = expiration;
		}
	}
	*ret_expiration = best_expiration;
	return best;
}

static int sig_plan(struct work *w, size_t index, size_t key_index)
{
	struct sign *s = w->s;
	const struct sign_set *set = &s->set[index];
	const struct make_key *key = s->in->key[key_index].key;
	struct sign_sig *sig = sig_add(s, index);
	if (sig == NULL)
		return BANYAN_ENOMEM;
	int64_t expiration = 0;
	const struct wire_rdata *old = sig_find(s, set, key, &expiration);
	bool late = set->made && set->set.type == WIRE_TYPE_ZONEMD; /* below the apex one is anybody's data */
	sig->key = (uint16_t)key_index;
	if (old != NULL && !late) {
		sig->data = old->data;
		sig->len = old->len;
		sig->expiration = expiration;
		sig->way = w->vouched[key_index] ? SIGN_KEEP : SIGN_CHECK;
		if (sig->way == SIGN_KEEP)
			return 0;
	} else {
		sig->way = late ? SIGN_LATE : SIGN_MAKE;
		sig->expiration = make_expiration(s->in, set->set.owner, set->set.type, key);
	}
	sig->room = arena_alloc(&s->arena, make_rrsig_len(key, s->plain->apex));
	if (sig->room == NULL)
		return BANYAN_ENOMEM;
	if (sig->way == SIGN_LATE) { /* what sorts it is known; the signature itself comes with the digest */
		sig->len = (uint16_t)make_rrsig_len(key, s->plain->apex);
		sig->data = sig->room;
		memset(sig->room, 0, sig->len);
		make_rrsig_head(&set->set, key, s->plain->apex, s->in->now - s->in->inception_before_s, sig->expiration,
				sig->room);
	}
	return 0;
}

/* Somebody else decides how long they hold: now, and until the last second of a version that is not touched any more. */
static int ready_check(struct sign *s, int64_t inception, int64_t expiration)
{
	const char *name = s->in->ready_dnskey->name;
	char from[32], until[32], hold[32];
	if (s->in->now < inception || s->in->now >= expiration)
		return sign_fail(s, BANYAN_EPROOF,
				 "the DNSKEY set that was signed elsewhere%s%s holds from %s to %s and not now; "
				 "fetch the response for this time",
				 name != NULL ? ", " : "", name != NULL ? name : "", clock_format(inception, from),
				 clock_format(expiration, until));
	if (expiration < s->in->hold_until)
		return sign_fail(s, BANYAN_EPROOF,
				 "the DNSKEY set that was signed elsewhere%s%s ends at %s, while this version must "
				 "hold until %s; hold the next ceremony, and bring its response",
				 name != NULL ? ", " : "", name != NULL ? name : "", clock_format(expiration, until),
				 clock_format(s->in->hold_until, hold));
	return 0;
}

/* The signatures that came with the DNSKEY set. */
static int ready_plan(struct work *w, size_t index)
{
	struct sign *s = w->s;
	const struct make_ready_dnskey *ready = s->in->ready_dnskey;
	for (size_t i = 0; i < ready->rrsigs.n; i++) {
		const struct wire_rdata *rdata = &ready->rrsigs.item[i];
		if (rdata->len < 20 || wire_get16(rdata->data) != WIRE_TYPE_DNSKEY)
			return sign_fail(s, BANYAN_EINVAL,
					 "what came with the DNSKEY set from elsewhere is no signature over it");
		/* RFC 4034 section 3.1.5: the moments nearest to now that have these 32 bits */
		int64_t now = s->in->now;
		int64_t expiration = now + (int32_t)(wire_get32(rdata->data + 8) - (uint32_t)now);
		int64_t inception = now + (int32_t)(wire_get32(rdata->data + 12) - (uint32_t)now);
		int rc = ready_check(s, inception, expiration);
		if (rc != 0)
			return rc;
		struct sign_sig *sig = sig_add(s, index);
		if (sig == NULL)
			return BANYAN_ENOMEM;
		*sig = (struct sign_sig){.data = rdata->data,
					 .len = rdata->len,
					 .set = index,
					 .key = UINT16_MAX,
					 .way = SIGN_KEEP,
					 .expiration = expiration};
	}
	return 0;
}

static int sigs_plan(struct work *w)
{
	struct sign *s = w->s;
	int rc = 0;
	for (size_t i = 0; i < s->n_sets && rc == 0; i++) {
		uint16_t type = s->set[i].set.type;
		if (type == WIRE_TYPE_DNSKEY && s->set[i].made && s->in->ready_dnskey != NULL) {
			rc = ready_plan(w, i);
			continue;
		}
		bool of_keys = s->set[i].made && sign_of_keys(type);
		for (size_t k = 0; k < s->in->n_keys && rc == 0; k++) {
			const struct make_zone_key *key = &s->in->key[k];
			if (of_keys ? key->signs_keys && make_key_can_sign(key->key) : key->signs_data)
				rc = sig_plan(w, i, k);
		}
	}
	return rc;
}

static int jobs_collect(struct work *w)
{
	struct sign *s = w->s;
	w->job = reallocarray(NULL, s->n_sigs + 1, sizeof *w->job);
	if (w->job == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < s->n_sigs; i++) {
		struct sign_sig *sig = &s->sig[i];
		if (sig->way != SIGN_MAKE && sig->way != SIGN_CHECK)
			continue;
		w->job[w->n++] = i;
		if (sig->way == SIGN_CHECK && w->check[sig->key] == NULL) {
			size_t len;
			const uint8_t *rdata = make_key_rdata(s->in->key[sig->key].key, &len);
			int rc = dnssec_key_new(rdata, len, &w->check[sig->key]);
			if (rc != 0)
				return rc;
		}
	}
	return 0;
}

static int job_run(struct work *w, struct sign_sig *sig, struct make_signer *signer)
{
	struct sign *s = w->s;
	const struct wire_rrset *set = &s->set[sig->set].set;
	const struct make_key *key = s->in->key[sig->key].key;
	if (sig->way == SIGN_CHECK) {
		struct wire_rdata rdata = {.data = sig->data, .len = sig->len};
		enum reason why;
		int rc = dnssec_rrsig_verify(set, &rdata, w->check[sig->key], s->in->now, &why);
		if (rc != BANYAN_EPROOF) {
			sig->way = SIGN_KEEP;
			return rc;
		}
		sig->way = SIGN_MAKE; /* it was another key's */
		sig->expiration = make_expiration(s->in, set->owner, set->type, key);
	}
	size_t len = 0;
	int rc = make_signer_rrsig(signer, set, key, s->plain->apex, s->in->now - s->in->inception_before_s,
				   sig->expiration, sig->room, &len);
	if (rc == 0) {
		sig->data = sig->room;
		sig->len = (uint16_t)len;
	}
	return rc;
}

static int block_run(void *ctx, size_t block)
{
	struct work *w = ctx;
	struct make_signer *signer;
	size_t end = (block + 1) * SIGNATURES_A_BLOCK;
	int rc = make_signer_new(&signer);
	if (rc != 0)
		return rc;
	for (size_t i = block * SIGNATURES_A_BLOCK; i < end && i < w->n && rc == 0; i++) {
		rc = job_run(w, &w->s->sig[w->job[i]], signer);
		size_t none = SIGN_NONE;
		if (rc != 0)
			atomic_compare_exchange_strong(&w->failed, &none, w->job[i]);
	}
	make_signer_free(signer);
	return rc;
}

static int failed_tell(struct work *w, int rc)
{
	struct sign *s = w->s;
	size_t failed = atomic_load(&w->failed);
	if (failed == SIGN_NONE)
		return rc;
	const struct wire_rrset *set = &s->set[s->sig[failed].set].set;
	const struct make_key *key = s->in->key[s->sig[failed].key].key;
	char name[WIRE_NAME_TEXT_MAX], type[16];
	return sign_fail(s, rc, "key %u (%s) could not sign %.200s %s: %s", make_key_tag(key),
			 dnssec_algorithm_text(make_key_algorithm(key)), wire_name_text(set->owner, name),
			 wire_type_text(set->type, type), error_text(rc));
}

static void sigs_count(struct sign *s)
{
	struct publish_sign_result *out = s->out;
	for (size_t i = 0; i < s->n_sigs; i++) {
		const struct sign_sig *sig = &s->sig[i];
		bool ready = sig->key == UINT16_MAX; /* somebody else sees to it before it ends */
		int64_t next = ready ? sig->expiration : sig->expiration - s->in->refresh_s;
		if (sig->way != SIGN_KEEP)
			out->made++;
		else
			out->kept += !ready;
		out->ready += ready;
		out->ready_until = ready && sig->expiration < out->ready_until ? sig->expiration : out->ready_until;
		out->first_expiry = sig->expiration < out->first_expiry ? sig->expiration : out->first_expiry;
		out->next = next < out->next ? next : out->next;
	}
}

int sign_sigs(struct sign *s)
{
	struct work work = {.s = s};
	atomic_init(&work.failed, SIGN_NONE);
	if (!s->is_signed)
		return 0;
	keys_vouch(&work);
	int rc = sigs_plan(&work);
	if (rc == 0)
		rc = jobs_collect(&work);
	if (rc == 0) {
		rc = parallel_for(s->in->threads, (work.n + SIGNATURES_A_BLOCK - 1) / SIGNATURES_A_BLOCK, 1, block_run,
				  &work);
		if (rc != 0)
			failed_tell(&work, rc);
	}
	if (rc == 0)
		sigs_count(s);
	for (size_t i = 0; i < MAKE_ZONE_KEYS_MAX; i++)
		dnssec_key_free(work.check[i]);
	free(work.job);
	return rc;
}
