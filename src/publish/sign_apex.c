// SPDX-License-Identifier: GPL-3.0-or-later
/* What a signer puts at the apex: DNSKEY, CDS, CDNSKEY, NSEC3PARAM, and the place of the ZONEMD; and whether what was asked for makes sense. */
#include "sign.h"

#include <stdlib.h>
#include <string.h>

#define NSEC3PARAM_TTL 0 /* nobody asks for it but secondaries, which have the zone */
#define ZONEMD_HEAD    6 /* serial, scheme, hash algorithm (RFC 8976 section 2.2) */

static int check_soa(struct sign *s)
{
	const struct zone_node *apex = zone_find(s->plain, s->plain->apex);
	const struct wire_rrset *soa = apex == NULL ? NULL : zone_node_set(s->plain, apex, WIRE_TYPE_SOA);
	if (soa == NULL || soa->rdata[0].len < 22)
		return sign_fail(s, BANYAN_EINVAL, "%s: there is no SOA at the apex; is this the right zone?",
				 s->plain->source);
	s->soa = &s->plain->canonical[soa - s->plain->set];
	uint32_t minimum = wire_get32(soa->rdata[0].data + soa->rdata[0].len - 4);
	s->denial_ttl = minimum < soa->ttl ? minimum : soa->ttl; /* RFC 9077 section 3 */
	return 0;
}

static int check_dates(struct sign *s)
{
	const struct make_signing *in = s->in;
	if (in->validity_s == 0 || (uint64_t)in->refresh_s + in->jitter_s >= in->validity_s ||
	    (in->validity_dnskey_s > 0 && in->refresh_s >= in->validity_dnskey_s))
		return sign_fail(s, BANYAN_EINVAL,
				 "signatures that hold for %u s, less %u s of jitter, would be made anew at once when "
				 "%u s are left; "
				 "make them hold longer or refresh them later",
				 in->validity_s, in->jitter_s, in->refresh_s);
	if (in->validity_s > INT32_MAX || in->validity_dnskey_s > INT32_MAX)
		return sign_fail(s, BANYAN_EINVAL,
				 "signatures cannot hold for more than 68 years (RFC 4034 section 3.1.5)");
	return 0;
}

static int check_keys(struct sign *s)
{
	const struct make_signing *in = s->in;
	size_t keys = 0, data = 0;
	bool ready = in->ready_dnskey != NULL;
	for (size_t i = 0; i < in->n_keys; i++) {
		const struct make_zone_key *k = &in->key[i];
		bool needed = k->signs_data || (k->signs_keys && !ready);
		if (needed && !make_key_can_sign(k->key))
			return sign_fail(s, BANYAN_ENOENT, "key %u (%s) must sign, but its private half is not here",
					 make_key_tag(k->key), dnssec_algorithm_text(make_key_algorithm(k->key)));
		keys += k->signs_keys && make_key_can_sign(k->key);
		data += k->signs_data;
	}
	if (data == 0)
		return sign_fail(s, BANYAN_ENOENT, "none of the %zu keys signs the zone's data; one must", in->n_keys);
	if (keys == 0 && !ready)
		return sign_fail(
			s, BANYAN_ENOENT,
			"none of the %zu keys signs the keys; one must, or they must come signed from elsewhere",
			in->n_keys);
	if (keys == 0 && in->cds.n + in->cdnskey.n > 0)
		return sign_fail(s, BANYAN_ENOENT,
				 "CDS and CDNSKEY must be signed by a key that signs keys (RFC 7344 section 4.1), and "
				 "there is none here");
	return 0;
}

int sign_prepare(struct sign *s)
{
	const struct make_signing *in = s->in;
	if (in->apex != NULL && !wire_name_equal(in->apex, s->plain->apex))
		return sign_fail(s, BANYAN_EINVAL, "%s: the zone has another name than the one that is to be signed",
				 s->plain->source);
	if (s->before != NULL && !wire_name_equal(s->before->apex, s->plain->apex))
		return sign_fail(s, BANYAN_EINVAL, "%s: the version before is of another zone", s->before->source);
	if (in->n_keys > MAKE_ZONE_KEYS_MAX)
		return sign_fail(s, BANYAN_ELIMIT, "%zu keys; validators look at %d", in->n_keys, MAKE_ZONE_KEYS_MAX);
	s->is_signed = in->n_keys > 0 || in->ready_dnskey != NULL;
	int rc = check_soa(s);
	if (rc == 0 && s->is_signed)
		rc = check_dates(s);
	return rc == 0 && s->is_signed ? check_keys(s) : rc;
}

bool sign_apex_has(const struct sign *s, uint16_t type)
{
	switch (type) {
	case WIRE_TYPE_DNSKEY:
		return s->is_signed;
	case WIRE_TYPE_NSEC3PARAM:
		return s->is_signed && s->in->denial == MAKE_NSEC3;
	case WIRE_TYPE_CDS:
		return s->is_signed && s->in->cds.n > 0;
	case WIRE_TYPE_CDNSKEY:
		return s->is_signed && s->in->cdnskey.n > 0;
	case WIRE_TYPE_ZONEMD:
		return s->in->zonemd != 0;
	default:
		return false;
	}
}

static int rdata_order(const void *a, const void *b)
{
	return wire_rdata_cmp(a, b);
}

/* A set at the apex; `rdata`, in the arena, is brought into order. */
static int apex_add(struct sign *s, uint16_t type, uint32_t ttl, struct wire_rdata *rdata, size_t n,
		    const struct zone_node *old)
{
	uint32_t count = 1;
	qsort(rdata, n, sizeof *rdata, rdata_order);
	for (size_t i = 1; i < n; i++)
		if (wire_rdata_cmp(&rdata[i], &rdata[count - 1]) != 0)
			rdata[count++] = rdata[i];
	struct wire_rrset set = {.owner = s->plain->apex,
				 .type = type,
				 .rclass = s->plain->rclass,
				 .ttl = ttl,
				 .count = count,
				 .rdata = rdata};
	struct sign_set *item = sign_set_add(s, 0, &set);
	if (item == NULL)
		return BANYAN_ENOMEM;
	item->made = true;
	sign_old_set(s, old, item);
	return 0;
}

static int list_add(struct sign *s, uint16_t type, uint32_t ttl, const struct make_rdata_list *list,
		    const struct zone_node *old)
{
	struct wire_rdata *rdata = list->n == 0 ? NULL : arena_dup(&s->arena, list->item, list->n * sizeof *rdata);
	return rdata == NULL ? BANYAN_ENOMEM : apex_add(s, type, ttl, rdata, list->n, old);
}

static int dnskey_add(struct sign *s, uint32_t ttl, const struct zone_node *old)
{
	const struct make_signing *in = s->in;
	size_t n = 0;
	if (in->ready_dnskey != NULL) {
		if (in->ready_dnskey->keys.n == 0 || in->ready_dnskey->rrsigs.n == 0)
			return sign_fail(s, BANYAN_EINVAL, "the DNSKEY set that was signed elsewhere is empty");
		return list_add(s, WIRE_TYPE_DNSKEY, in->ready_dnskey->ttl, &in->ready_dnskey->keys, old);
	}
	struct wire_rdata *rdata = arena_alloc(&s->arena, (in->n_keys + in->more_keys.n) * sizeof *rdata);
	if (rdata == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < in->n_keys; i++) {
		size_t len;
		const uint8_t *data = make_key_rdata(in->key[i].key, &len);
		if (in->key[i].published)
			rdata[n++] = (struct wire_rdata){.data = data, .len = (uint16_t)len};
	}
	for (size_t i = 0; i < in->more_keys.n; i++)
		rdata[n++] = in->more_keys.item[i];
	if (n == 0)
		return sign_fail(s, BANYAN_EINVAL, "none of the %zu keys is published; validators would know none",
				 in->n_keys);
	return apex_add(s, WIRE_TYPE_DNSKEY, ttl, rdata, n, old);
}

static int nsec3param_add(struct sign *s, const struct zone_node *old)
{
	struct wire_rdata *rdata = arena_alloc(&s->arena, sizeof *rdata);
	uint8_t *data = arena_alloc(&s->arena, 5 + MAKE_NSEC3_SALT_MAX);
	if (rdata == NULL || data == NULL)
		return BANYAN_ENOMEM;
	*rdata = (struct wire_rdata){.data = data, .len = (uint16_t)make_nsec3param(s->in, data)};
	return apex_add(s, WIRE_TYPE_NSEC3PARAM, NSEC3PARAM_TTL, rdata, 1, old);
}

/* With the digest left blank: it is put in when all else stands. */
static int zonemd_add(struct sign *s, const struct zone_node *old)
{
	static const uint8_t sizes[] = {48, 64}; /* SHA-384, SHA-512 */
	struct wire_rdata *rdata = arena_alloc(&s->arena, 2 * sizeof *rdata);
	size_t n = 0;
	for (uint8_t i = 0; rdata != NULL && i < 2; i++) {
		if ((s->in->zonemd & (1U << i)) == 0)
			continue;
		uint8_t *data = arena_alloc0(&s->arena, ZONEMD_HEAD + 64);
		if (data == NULL)
			return BANYAN_ENOMEM;
		wire_put32(data, s->plain->serial);
		data[4] = 1; /* SIMPLE */
		data[5] = (uint8_t)(i + 1);
		rdata[n++] = (struct wire_rdata){.data = data, .len = (uint16_t)(ZONEMD_HEAD + sizes[i])};
	}
	return n == 0 ? BANYAN_ENOMEM : apex_add(s, WIRE_TYPE_ZONEMD, s->soa->ttl, rdata, n, old);
}

int sign_apex(struct sign *s, const struct zone_node *old)
{
	uint32_t ttl = s->in->dnskey_ttl > 0 ? s->in->dnskey_ttl : s->soa->ttl;
	int rc = 0;
	if (s->is_signed)
		rc = dnskey_add(s, ttl, old);
	if (rc == 0 && sign_apex_has(s, WIRE_TYPE_NSEC3PARAM))
		rc = nsec3param_add(s, old);
	if (rc == 0 && sign_apex_has(s, WIRE_TYPE_CDS))
		rc = list_add(s, WIRE_TYPE_CDS, ttl, &s->in->cds, old);
	if (rc == 0 && sign_apex_has(s, WIRE_TYPE_CDNSKEY))
		rc = list_add(s, WIRE_TYPE_CDNSKEY, ttl, &s->in->cdnskey, old);
	if (rc == 0 && s->in->zonemd != 0)
		rc = zonemd_add(s, old);
	return rc;
}
