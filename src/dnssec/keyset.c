// SPDX-License-Identifier: GPL-3.0-or-later
/* The keys of a zone: which of them may sign, and how DS records or trust anchors prove them (RFC 4035 section 5.2). */
#include "message.h"

#include <stdlib.h>
#include <string.h>

#define DS_DIGEST_SHA1   1
#define DS_DIGEST_SHA256 2
#define DS_DIGEST_SHA384 4

bool policy_algorithm_usable(const struct dnssec_policy *policy, uint8_t algorithm)
{
	if (policy->refuse_sha1 && (algorithm == DNSSEC_RSASHA1 || algorithm == DNSSEC_RSASHA1_NSEC3))
		return false;
	return dnssec_algorithm_supported(algorithm);
}

bool policy_digest_usable(const struct dnssec_policy *policy, uint8_t digest)
{
	return digest == DS_DIGEST_SHA256 || digest == DS_DIGEST_SHA384 ||
	       (digest == DS_DIGEST_SHA1 && !policy->refuse_sha1_digest);
}

/* ---- which keys may sign ---- */

static bool key_may_sign(const struct wire_rdata *rdata, const struct dnssec_policy *policy)
{
	if (rdata->len < 5 || rdata->data[2] != 3) /* RFC 4034 section 2.1.2 */
		return false;
	uint16_t flags = wire_get16(rdata->data);
	/* a revoked key vouches for nothing but its own revocation (RFC 5011 section 2.1) */
	return (flags & DNSSEC_FLAG_ZONE) != 0 && (flags & DNSSEC_FLAG_REVOKE) == 0 &&
	       policy_algorithm_usable(policy, rdata->data[3]);
}

int dnssec_keyset_new(const struct wire_rrset *dnskey, const struct dnssec_policy *policy, struct dnssec_keyset **ret)
{
	size_t n = 0, size = 0;
	for (uint32_t i = 0; i < dnskey->count && n < DNSSEC_KEYS_MAX; i++)
		if (key_may_sign(&dnskey->rdata[i], policy)) {
			size += dnskey->rdata[i].len;
			n++;
		}
	struct dnssec_keyset *keyset = calloc(1, sizeof *keyset + n * sizeof *keyset->key + size);
	if (keyset == NULL)
		return BANYAN_ENOMEM;
	keyset->key = (struct keyset_key *)(keyset + 1);
	uint8_t *p = (uint8_t *)(keyset->key + n);
	wire_name_lower(dnskey->owner, keyset->zone);
	for (uint32_t i = 0; keyset->n < n; i++) {
		const struct wire_rdata *rdata = &dnskey->rdata[i];
		if (!key_may_sign(rdata, policy))
			continue;
		memcpy(p, rdata->data, rdata->len);
		keyset->key[keyset->n++] = (struct keyset_key){
			.rdata = p, .len = rdata->len, .tag = dnssec_key_tag(p, rdata->len), .algorithm = p[3]};
		p += rdata->len;
	}
	*ret = keyset;
	return 0;
}

void dnssec_keyset_free(struct dnssec_keyset *keyset)
{
	if (keyset == NULL)
		return;
	for (size_t i = 0; i < keyset->n; i++)
		dnssec_key_free(keyset->key[i].key);
	free(keyset);
}

const uint8_t *dnssec_keyset_zone(const struct dnssec_keyset *keyset)
{
	return keyset->zone;
}

const struct dnssec_key *keyset_key_get(struct keyset_key *key)
{
	if (key->key == NULL && !key->broken)
		key->broken = dnssec_key_new(key->rdata, key->len, &key->key) < 0;
	else if (key->key != NULL && key->key->coordinate > 0)
		ecdsa_key_used(&key->key->ecdsa, key->rdata + 4);
	return key->key;
}

/* ---- where the chain of trust comes from ---- */

/* DS records of the parent, or the trust anchors of this zone. */
struct starts {
	size_t n;
	bool usable, strong; /* one can be used; one of these has a better digest than SHA-1 */
	bool algorithm_known;
	struct start {
		uint16_t type; /* WIRE_TYPE_DS or WIRE_TYPE_DNSKEY */
		struct wire_rdata rdata;
	} start[STARTS_MAX];
};

static bool start_usable(const struct dnssec_policy *policy, const struct start *start)
{
	const struct wire_rdata *rdata = &start->rdata;
	if (start->type == WIRE_TYPE_DNSKEY)
		return rdata->len >= 5 && policy_algorithm_usable(policy, rdata->data[3]);
	return rdata->len >= 5 && policy_algorithm_usable(policy, rdata->data[2]) &&
	       policy_digest_usable(policy, rdata->data[3]);
}

static void starts_add(struct starts *starts, const struct dnssec_policy *policy, uint16_t type,
		       const struct wire_rdata *rdata)
{
	if (starts->n == STARTS_MAX)
		return;
	struct start *start = &starts->start[starts->n++];
	*start = (struct start){.type = type, .rdata = *rdata};
	if (rdata->len >= 5)
		starts->algorithm_known |= policy_algorithm_usable(policy, rdata->data[type == WIRE_TYPE_DS ? 2 : 3]);
	if (!start_usable(policy, start))
		return;
	starts->usable = true;
	starts->strong |= type == WIRE_TYPE_DS && rdata->data[3] != DS_DIGEST_SHA1;
}

static void starts_from_ds(struct starts *starts, const struct dnssec_policy *policy, const struct wire_rrset *ds)
{
	for (uint32_t i = 0; i < ds->count; i++)
		starts_add(starts, policy, WIRE_TYPE_DS, &ds->rdata[i]);
}

static void starts_from_anchors(struct starts *starts, const struct dnssec_policy *policy, const uint8_t *zone,
				const struct dnssec_anchors *anchors)
{
	for (size_t i = 0; i < anchors->count; i++) {
		const struct dnssec_anchor *anchor = &anchors->item[i];
		struct wire_rdata rdata = {.data = anchor->rdata, .len = anchor->len};
		if (wire_name_equal(anchor->owner, zone))
			starts_add(starts, policy, anchor->type, &rdata);
	}
}

static enum reason starts_unusable(const struct starts *starts)
{
	return starts->algorithm_known ? REASON_DIGEST_UNSUPPORTED : REASON_ALGORITHM_UNSUPPORTED;
}

bool dnssec_ds_usable(const struct wire_rrset *ds, const struct dnssec_policy *policy, enum reason *ret_why)
{
	struct starts starts = {0};
	starts_from_ds(&starts, policy, ds);
	if (!starts.usable && ret_why != NULL)
		*ret_why = starts_unusable(&starts);
	return starts.usable;
}

/* Marks the keys that this DS or anchor names. */
static int start_apply(const struct start *start, struct dnssec_keyset *keyset, unsigned *digests)
{
	for (size_t k = 0; k < keyset->n; k++) {
		struct keyset_key *key = &keyset->key[k];
		const struct wire_rdata *is = &start->rdata, rdata = {.data = key->rdata, .len = key->len};
		if (start->type == WIRE_TYPE_DNSKEY) {
			key->started |= wire_rdata_cmp(is, &rdata) == 0;
			continue;
		}
		if (key->started || wire_get16(is->data) != key->tag || is->data[2] != key->algorithm ||
		    *digests == START_DIGESTS_MAX)
			continue;
		++*digests;
		int match = dnssec_ds_match(keyset->zone, is, &rdata);
		if (match == BANYAN_ENOMEM)
			return match;
		key->started = match == 1;
	}
	return 0;
}

/* Marks what the DS records or anchors name; with a better digest those of SHA-1 do not count (RFC 4509 section 3). */
static int starts_apply(const struct starts *starts, const struct dnssec_policy *policy, struct dnssec_keyset *keyset,
			bool *ret_any)
{
	unsigned digests = 0;
	*ret_any = false;
	for (size_t i = 0; i < starts->n; i++) {
		const struct start *start = &starts->start[i];
		if (!start_usable(policy, start) ||
		    (starts->strong && start->type == WIRE_TYPE_DS && start->rdata.data[3] == DS_DIGEST_SHA1))
			continue;
		int rc = start_apply(start, keyset, &digests);
		if (rc < 0)
			return rc;
	}
	for (size_t k = 0; k < keyset->n; k++)
		*ret_any |= keyset->key[k].started;
	return 0;
}

/* Is a key that the DS records or anchors name no zone key (RFC 4034 section 2.1.1, RFC 8914 section 4.12)? */
static bool starts_at_other_key(const struct starts *starts, const struct wire_rrset *dnskey)
{
	for (uint32_t k = 0; k < dnskey->count && k < DNSSEC_KEYS_MAX; k++) {
		const struct wire_rdata *key = &dnskey->rdata[k];
		if (key->len < 5 || (wire_get16(key->data) & DNSSEC_FLAG_ZONE) != 0)
			continue;
		for (size_t i = 0; i < starts->n; i++) {
			const struct wire_rdata *is = &starts->start[i].rdata;
			if (starts->start[i].type == WIRE_TYPE_DS
				    ? is->len >= 5 && is->data[2] == key->data[3] &&
					      wire_get16(is->data) == dnssec_key_tag(key->data, key->len)
				    : wire_rdata_cmp(is, key) == 0)
				return true;
		}
	}
	return false;
}

static void keyset_cleanup(struct dnssec_keyset **keyset)
{
	dnssec_keyset_free(*keyset);
}

int dnssec_keyset_prove(const struct dnssec_policy *policy, struct dnssec_budget *budget,
			const struct wire_rrset *dnskey, const struct wire_rdata *sigs, size_t n_sigs,
			const struct wire_rrset *ds, const struct dnssec_anchors *anchors,
			struct dnssec_verdict *ret_verdict, struct dnssec_keyset **ret)
{
	_cleanup_(keyset_cleanup) struct dnssec_keyset *keyset = NULL;
	struct scratch *scratch = scratch_get();
	struct starts starts = {0};
	struct wire_rrset canonical;
	bool any;
	if ((ds == NULL) == (anchors == NULL) || dnskey->type != WIRE_TYPE_DNSKEY ||
	    (ds != NULL && (ds->count == 0 || !wire_name_equal(ds->owner, dnskey->owner))))
		return BANYAN_EINVAL;
	if (ds != NULL)
		starts_from_ds(&starts, policy, ds);
	else
		starts_from_anchors(&starts, policy, dnskey->owner, anchors);
	struct dnssec_verdict verdict = {.state = DNSSEC_BOGUS,
					 .reason = ds != NULL ? REASON_DS_NO_MATCH : REASON_ANCHOR_NO_MATCH};
	if (starts.n > 0 && !starts.usable) {
		verdict.state = DNSSEC_INSECURE;
		verdict.reason = starts_unusable(&starts);
		*ret_verdict = verdict;
		return 0;
	}
	int rc = scratch == NULL ? BANYAN_ENOMEM : set_canonical(scratch, dnskey, &canonical);
	if (rc == 0)
		rc = dnssec_keyset_new(&canonical, policy, &keyset);
	if (rc == 0)
		rc = starts_apply(&starts, policy, keyset, &any);
	if (rc == 0 && any)
		rc = set_prove(policy, budget, keyset, true, &canonical, sigs, n_sigs, &verdict);
	else if (rc == 0 && starts_at_other_key(&starts, &canonical))
		verdict.reason = REASON_NO_ZONE_KEY;
	if (rc < 0)
		return rc;
	*ret_verdict = verdict;
	if (verdict.state == DNSSEC_SECURE) {
		*ret = keyset;
		keyset = NULL;
	}
	return 0;
}
