// SPDX-License-Identifier: GPL-3.0-or-later
/* The signed version: put together, digested; then the digest and its signatures are put in their place. */
#include "sign.h"

#include <string.h>

static int set_write(struct zone_maker *maker, const struct wire_rrset *set)
{
	int rc = 0;
	for (uint32_t i = 0; i < set->count && rc == 0; i++)
		rc = zone_maker_add(maker, set->owner, set->type, set->ttl, set->rdata[i].data, set->rdata[i].len);
	return rc;
}

/* What was made here, and the signatures of all, from the set `from` on as far as they belong to this node. */
static int sets_write(const struct sign *s, struct zone_maker *maker, size_t node, size_t *from, size_t *sig)
{
	int rc = 0;
	for (; *from < s->n_sets && s->set[*from].node == node && rc == 0; ++*from) {
		const struct sign_set *item = &s->set[*from];
		if (item->made)
			rc = set_write(maker, &item->set);
		for (; *sig < s->n_sigs && s->sig[*sig].set == *from && rc == 0; ++*sig)
			rc = zone_maker_add(maker, item->set.owner, WIRE_TYPE_RRSIG, item->set.ttl, s->sig[*sig].data,
					    s->sig[*sig].len);
	}
	return rc;
}

static int zone_make(const struct sign *s, struct zone **ret)
{
	struct zone_maker *maker;
	size_t set = 0, sig = 0;
	int rc = zone_maker_new(s->plain->apex, s->plain->source, &maker);
	if (rc != 0)
		return rc;
	for (size_t i = 0; i < s->plain->n_nodes && rc == 0; i++) {
		const struct zone_node *node = &s->plain->node[i];
		for (size_t k = 0; k < node->n_sets && rc == 0; k++) { /* with the case that the data have */
			const struct wire_rrset *plain = &s->plain->set[node->first_set + k];
			if (!sign_is_ours(node, plain->type))
				rc = set_write(maker, plain);
		}
		if (rc == 0)
			rc = sets_write(s, maker, i, &set, &sig);
	}
	if (rc == 0)
		rc = sets_write(s, maker, SIGN_NONE, &set, &sig);
	if (rc != 0) {
		zone_maker_free(maker);
		return rc;
	}
	return zone_maker_finish(maker, ret);
}

/* The zone is not handed out yet, and what is put in is as long as what was kept free for it and sorts the same. */
static void rdata_put(const struct wire_rdata *rdata, const uint8_t *data, size_t len)
{
	memcpy((uint8_t *)(uintptr_t)rdata->data, data, len);
}

static int digests_put(const struct zone *zone, const struct wire_rrset *zonemd)
{
	struct dnssec_records records = zone_records(zone);
	for (uint32_t i = 0; i < zonemd->count; i++) {
		uint8_t data[6 + 64];
		size_t len;
		memcpy(data, zonemd->rdata[i].data, 6);
		int rc = dnssec_zonemd_compute(&records, zone->apex, data[5], data + 6, &len);
		if (rc != 0)
			return rc;
		rdata_put(&zonemd->rdata[i], data, 6 + len);
	}
	return 0;
}

/* The place of a signature is known by its head. */
static int late_put(const struct sign *s, const struct wire_rrset *zonemd, const struct wire_rrset *sigs,
		    const struct sign_sig *sig)
{
	const struct make_key *key = s->in->key[sig->key].key;
	size_t head = sig->len - make_key_signature_len(key), len = 0;
	struct make_signer *signer;
	for (uint32_t i = 0; i < sigs->count; i++) {
		static const uint8_t blank[MAKE_SIGNATURE_MAX];
		const struct wire_rdata *rdata = &sigs->rdata[i];
		if (rdata->len != sig->len || memcmp(rdata->data, sig->data, head) != 0 ||
		    memcmp(rdata->data + head, blank, rdata->len - head) != 0)
			continue;
		int rc = make_signer_new(&signer);
		if (rc != 0)
			return rc;
		rc = make_signer_rrsig(signer, zonemd, key, s->plain->apex, s->in->now - s->in->inception_before_s,
				       sig->expiration, sig->room, &len);
		make_signer_free(signer);
		if (rc == 0)
			rdata_put(rdata, sig->room, len);
		return rc;
	}
	return BANYAN_EOTHER; /* cannot be: it was put there */
}

static int zone_digest(struct sign *s, const struct zone *zone)
{
	const struct zone_node *apex = zone_find(zone, zone->apex);
	const struct wire_rrset *zonemd = zone_node_set(zone, apex, WIRE_TYPE_ZONEMD);
	const struct wire_rrset *sigs = zone_node_sigs(zone, apex, WIRE_TYPE_ZONEMD);
	int rc = digests_put(zone, zonemd);
	for (size_t i = 0; i < s->n_sigs && rc == 0; i++) {
		const struct sign_sig *sig = &s->sig[i];
		if (sig->way != SIGN_LATE)
			continue;
		rc = late_put(s, zonemd, sigs, sig);
		if (rc != 0)
			return sign_fail(s, rc, "key %u could not sign the digest: %s",
					 make_key_tag(s->in->key[sig->key].key), error_text(rc));
	}
	return rc;
}

int sign_write(struct sign *s, struct zone **ret)
{
	struct zone *zone = NULL;
	int rc = zone_make(s, &zone);
	if (rc == 0 && s->in->zonemd != 0)
		rc = zone_digest(s, zone);
	if (rc != 0) {
		zone_free(zone);
		return rc;
	}
	*ret = zone;
	return 0;
}
