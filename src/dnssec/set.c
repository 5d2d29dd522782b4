// SPDX-License-Identifier: GPL-3.0-or-later
/* One RRset of a message, proved by the keys of its zone (RFC 4035 section 5.3). */
#include "message.h"

#include <string.h>

/* One set on its way to a verdict. */
struct set_proof {
	const struct dnssec_policy *policy;
	struct dnssec_budget *budget;
	const struct dnssec_keyset *keyset;
	bool started_only;
	const struct wire_rrset *set;
	struct verifier *verifier;
	unsigned labels, zone_labels; /* of the owner as RRSIGs count them, of the zone */
	unsigned failures;
	struct dnssec_verdict verdict;
};

int dnssec_rrsig_signer(const struct wire_rdata *rrsig, const uint8_t **ret_signer)
{
	struct rrsig sig;
	int rc = rrsig_parse(rrsig, &sig);
	if (rc == 0)
		*ret_signer = sig.signer;
	return rc;
}

/* The failure that is told is the one of the signature that came farthest. */
static unsigned reason_rank(enum reason reason)
{
	static const enum reason order[] = {REASON_RRSIG_MISSING, REASON_RRSIG_MALFORMED, REASON_ALGORITHM_UNSUPPORTED,
					    REASON_RRSIG_NO_KEY,  REASON_RRSIG_DATES,     REASON_RRSIG_NOT_YET,
					    REASON_RRSIG_EXPIRED, REASON_RRSIG_BOGUS};
	unsigned rank = 0;
	while (rank < ARRAY_SIZE(order) && order[rank] != reason)
		rank++;
	return rank;
}

static void proof_failed(struct set_proof *p, enum reason reason, const struct rrsig *sig)
{
	if (reason_rank(reason) <= reason_rank(p->verdict.reason))
		return;
	p->verdict.reason = reason;
	if (sig != NULL) {
		p->verdict.algorithm = sig->algorithm;
		p->verdict.key_tag = sig->tag;
	}
}

/* What a signature must say to count for this set at all (RFC 4035 section 5.3.1). */
static bool sig_fits(const struct set_proof *p, const struct rrsig *sig)
{
	return sig->covered == p->set->type && wire_name_equal(sig->signer, p->keyset->zone) &&
	       sig->labels <= p->labels && sig->labels >= p->zone_labels;
}

static enum reason sig_dates(const struct dnssec_policy *policy, const struct rrsig *sig)
{
	int64_t end = rrsig_time(sig->expiration, policy->now), begin = rrsig_time(sig->inception, policy->now);
	if ((int32_t)(sig->expiration - sig->inception) < 0)
		return REASON_RRSIG_DATES;
	if (end + policy->skew_s < policy->now)
		return REASON_RRSIG_EXPIRED;
	return begin - policy->skew_s > policy->now ? REASON_RRSIG_NOT_YET : REASON_NONE;
}

static void proof_holds(struct set_proof *p, const struct rrsig *sig)
{
	p->verdict = (struct dnssec_verdict){
		.state = DNSSEC_SECURE,
		.expires = rrsig_time(sig->expiration, p->policy->now) + p->policy->skew_s,
		.ttl_max = sig->original_ttl,
		.labels = sig->labels,
		.algorithm = sig->algorithm,
		.key_tag = sig->tag,
	};
}

static bool key_fits(const struct set_proof *p, const struct keyset_key *key, const struct rrsig *sig)
{
	return key->tag == sig->tag && key->algorithm == sig->algorithm && (key->started || !p->started_only);
}

/* Tries the keys that this signature may be by: 1 it holds, 0 it does not, or an error. */
static int sig_try(struct set_proof *p, const struct wire_rdata *rdata, const struct rrsig *sig)
{
	unsigned tried = 0;
	for (size_t k = 0; k < p->keyset->n && tried < KEYS_PER_TAG_MAX && p->failures < SET_FAILURES_MAX; k++) {
		struct keyset_key *entry = &p->keyset->key[k];
		const struct dnssec_key *key = key_fits(p, entry, sig) ? keyset_key_get(entry) : NULL;
		if (key == NULL)
			continue;
		enum reason reason = sig_dates(p->policy, sig);
		if (reason != REASON_NONE) {
			proof_failed(p, reason, sig);
			return 0;
		}
		if (p->budget->signatures == 0)
			return BANYAN_ELIMIT;
		p->budget->signatures--;
		tried++;
		int rc = verifier_check(p->verifier, p->set, rdata, sig, key);
		if (rc == 0) {
			proof_holds(p, sig);
			return 1;
		}
		if (rc != BANYAN_EPROOF)
			return rc;
		p->failures++;
	}
	proof_failed(p, tried > 0 ? REASON_RRSIG_BOGUS : REASON_RRSIG_NO_KEY, sig);
	return 0;
}

int set_prove(const struct dnssec_policy *policy, struct dnssec_budget *budget, const struct dnssec_keyset *keyset,
	      bool started_only, const struct wire_rrset *set, const struct wire_rdata *sigs, size_t n_sigs,
	      struct dnssec_verdict *ret)
{
	struct scratch *scratch = scratch_get();
	if (scratch == NULL)
		return BANYAN_ENOMEM;
	struct set_proof p = {.policy = policy,
			      .budget = budget,
			      .keyset = keyset,
			      .started_only = started_only,
			      .set = set,
			      .verifier = &scratch->verifier,
			      .labels = rrsig_labels(set->owner),
			      .zone_labels = wire_name_labels(keyset->zone),
			      .verdict = {.state = DNSSEC_BOGUS, .reason = REASON_RRSIG_MISSING}};
	int rc = 0;
	/* the parent signs a DS (RFC 4035 section 2.4), and signatures have none (section 2.2) */
	bool may_be = set->count > 0 && set->type != WIRE_TYPE_RRSIG && wire_name_under(set->owner, keyset->zone) &&
		      (set->type != WIRE_TYPE_DS || !wire_name_equal(set->owner, keyset->zone));
	if (!may_be)
		proof_failed(&p, REASON_RRSIG_MALFORMED, NULL);
	for (size_t i = 0, tried = 0; may_be && rc == 0 && i < n_sigs && tried < DNSSEC_SIGS_PER_SET_MAX; i++) {
		struct rrsig sig;
		if (rrsig_parse(&sigs[i], &sig) < 0 || !sig_fits(&p, &sig)) {
			proof_failed(&p, REASON_RRSIG_MALFORMED, NULL);
		} else if (!policy_algorithm_usable(policy, sig.algorithm)) {
			proof_failed(&p, REASON_ALGORITHM_UNSUPPORTED, &sig);
		} else {
			tried++;
			rc = sig_try(&p, &sigs[i], &sig);
		}
	}
	if (rc < 0)
		return rc;
	*ret = p.verdict;
	return 0;
}

int dnssec_set_prove(const struct dnssec_policy *policy, struct dnssec_budget *budget,
		     const struct dnssec_keyset *keyset, const struct wire_rrset *set, const struct wire_rdata *sigs,
		     size_t n_sigs, struct dnssec_verdict *ret)
{
	struct wire_rrset canonical;
	struct scratch *scratch = scratch_get();
	int rc = scratch == NULL ? BANYAN_ENOMEM : set_canonical(scratch, set, &canonical);
	return rc < 0 ? rc : set_prove(policy, budget, keyset, false, &canonical, sigs, n_sigs, ret);
}
