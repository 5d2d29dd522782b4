// SPDX-License-Identifier: GPL-3.0-or-later
/* What the master's keys say of a set that a node has shown. */
#include "fleet.h"

#include <string.h>

#define RRSIG_EXPIRATION 8 /* offsets in an RRSIG's RDATA (RFC 4034 section 3.1) */
#define RRSIG_INCEPTION  12
#define RRSIG_SIGNER     18

/* A date of 32 bits, as the one of those that is nearest to now (RFC 4034 section 3.1.5). */
static int64_t date_of(const uint8_t *p, int64_t now)
{
	return now + (int32_t)(wire_get32(p) - (uint32_t)now);
}

/* One signature, as if the clock stood within its dates: whether it holds and whether it is of today are two things. */
static enum fleet_proof prove_one(const struct dnssec_keyset *keys, const struct wire_rrset *set,
				  const struct wire_rdata *sig, int64_t now)
{
	const uint8_t *signer;
	struct dnssec_verdict verdict;
	struct dnssec_budget budget = {.signatures = FLEET_SIGNATURES, .hashes = 0};
	struct dnssec_policy policy = {.now = now};
	if (sig->len <= RRSIG_SIGNER || dnssec_rrsig_signer(sig, &signer) < 0)
		return FLEET_BAD;
	int64_t from = date_of(sig->data + RRSIG_INCEPTION, now), until = date_of(sig->data + RRSIG_EXPIRATION, now);
	if (until < from)
		return FLEET_BAD;
	policy.now = now < from ? from : now > until ? until : now;
	if (dnssec_set_prove(&policy, &budget, keys, set, sig, 1, &verdict) < 0)
		return FLEET_UNCHECKED;
	if (verdict.state == DNSSEC_SECURE)
		return policy.now == now ? FLEET_GOOD : FLEET_OLD;
	if (verdict.state == DNSSEC_INSECURE || !dnssec_algorithm_supported(sig->data[2]))
		return FLEET_UNCHECKED;
	return verdict.reason == REASON_RRSIG_NO_KEY ? FLEET_UNKNOWN_KEY : FLEET_BAD;
}

enum fleet_proof fleet_prove(const struct dnssec_keyset *keys, const struct wire_rrset *set,
			     const struct wire_rdata *sigs, size_t n_sigs, int64_t now)
{
	enum fleet_proof best = FLEET_UNSIGNED; /* the best comes first in the enumeration */
	for (size_t i = 0; i < n_sigs && best != FLEET_GOOD; i++) {
		enum fleet_proof proof = prove_one(keys, set, &sigs[i], now);
		best = proof < best ? proof : best;
	}
	return best;
}

/* Records and signatures stand one behind the other, each with its length before it: two that differ have different bytes. */
static uint64_t mark_of(const struct fleet_reply *reply, const uint8_t key[16])
{
	uint64_t mark = hash_sip(&reply->set.type, sizeof reply->set.type, key);
	for (size_t i = 0; i < reply->set.count + reply->n_sigs; i++) {
		const struct wire_rdata *rdata =
			i < reply->set.count ? &reply->rdata[i] : &reply->sig[i - reply->set.count];
		uint64_t part[3] = {mark, i < reply->set.count ? rdata->len : rdata->len + 65536ULL,
				    hash_sip(rdata->data, rdata->len, key)};
		mark = hash_sip(part, sizeof part, key);
	}
	return mark == 0 ? 1 : mark;
}

enum fleet_proof fleet_prove_again(struct fleet_proofs *proofs, const uint8_t key[16], const struct dnssec_keyset *keys,
				   const struct fleet_reply *reply, int64_t now)
{
	uint64_t mark = mark_of(reply, key);
	size_t at = mark % FLEET_PROOFS;
	if (proofs->slot[at].mark != mark) {
		proofs->slot[at].proof = fleet_prove(keys, &reply->set, reply->sig, reply->n_sigs, now);
		proofs->slot[at].mark = mark;
	}
	return proofs->slot[at].proof;
}

const char *fleet_proof_text(enum fleet_proof proof)
{
	static const char *const texts[] = {
		[FLEET_NOT_ASKED] = "not asked", [FLEET_GOOD] = "good", [FLEET_OLD] = "out of date",
		[FLEET_UNCHECKED] = "unchecked", [FLEET_BAD] = "bad",   [FLEET_UNKNOWN_KEY] = "unknown key",
		[FLEET_UNSIGNED] = "none",
	};
	return texts[proof];
}
