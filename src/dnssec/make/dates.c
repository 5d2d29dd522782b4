// SPDX-License-Identifier: GPL-3.0-or-later
/* Until when signatures hold, and which of the version before may stay. */
#include "private.h"

#include <string.h>

#include "dnssec/private.h"

static bool of_keys(uint16_t type)
{
	return type == WIRE_TYPE_DNSKEY || type == WIRE_TYPE_CDS || type == WIRE_TYPE_CDNSKEY;
}

/* The place of a set in the span of the jitter: the same in each version, so that what was spread out once stays so. */
static uint32_t jitter(const struct make_signing *signing, const uint8_t *owner, uint16_t type,
		       const struct make_key *key)
{
	uint8_t data[WIRE_NAME_MAX + 4], seed[16] = {0};
	if (signing->jitter_s == 0)
		return 0;
	wire_put64(seed, signing->jitter_seed);
	size_t len = wire_name_lower(owner, data);
	wire_put16(data + len, type);
	wire_put16(data + len + 2, key->tag);
	return (uint32_t)(hash_sip(data, len + 4, seed) % ((uint64_t)signing->jitter_s + 1));
}

int64_t make_expiration(const struct make_signing *signing, const uint8_t *owner, uint16_t type,
			const struct make_key *key)
{
	if (of_keys(type)) /* one or three sets: nothing to spread */
		return signing->now +
		       (signing->validity_dnskey_s > 0 ? signing->validity_dnskey_s : signing->validity_s);
	return signing->now + signing->validity_s - jitter(signing, owner, type, key);
}

bool make_rrsig_holds(const struct make_signing *signing, const uint8_t *apex, const struct wire_rrset *set,
		      const struct make_key *key, const struct wire_rdata *rdata, int64_t *ret_expiration)
{
	struct rrsig sig;
	if (rrsig_parse(rdata, &sig) < 0)
		return false;
	int64_t expiration = rrsig_time(sig.expiration, signing->now);
	if (sig.covered != set->type || sig.tag != key->tag || sig.algorithm != key->algorithm->number ||
	    sig.original_ttl != set->ttl || sig.labels != rrsig_labels(set->owner) ||
	    sig.signature_len != key->signature_len || !wire_name_equal(sig.signer, apex) ||
	    rrsig_time(sig.inception, signing->now) > signing->now || expiration - signing->now <= signing->refresh_s)
		return false;
	*ret_expiration = expiration;
	return true;
}
