// SPDX-License-Identifier: GPL-3.0-or-later
/* A whole zone, checked: keys by the anchors, every signature, the denial chain, the digest. */
#include "private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void check_report(struct check *c, bool fatal, enum reason reason, const uint8_t *owner, uint16_t type, size_t index,
		  const char *format, ...)
{
	struct dnssec_finding finding = {
		.reason = reason, .fatal = fatal, .owner = owner, .type = type, .index = index};
	if (fatal && c->out->reason == REASON_NONE)
		c->out->reason = reason;
	if (c->in->report == NULL)
		return;
	va_list args;
	va_start(args, format);
	vsnprintf(finding.text, sizeof finding.text, format, args);
	va_end(args);
	c->in->report(c->in->report_ctx, &finding);
}

/* Notes what one RRset tells about its name, and where the apex sets stand. */
static void name_add_set(struct check *c, struct check_name *name, const struct wire_rrset *set, size_t index)
{
	bool apex = (name->flags & NAME_APEX) != 0;
	name->count++;
	if (set->type == WIRE_TYPE_RRSIG) {
		c->n_jobs += set->count;
		return;
	}
	c->out->rrsets++;
	if (set->type != WIRE_TYPE_NSEC3)
		name->flags &= ~(uint32_t)NAME_NSEC3_ONLY;
	switch (set->type) {
	case WIRE_TYPE_NS:
		name->flags |= apex ? 0 : NAME_CUT;
		break;
	case WIRE_TYPE_DS:
		name->flags |= NAME_HAS_DS;
		break;
	case WIRE_TYPE_DNAME:
		name->flags |= NAME_HAS_DNAME;
		break;
	case WIRE_TYPE_NSEC:
		name->flags |= NAME_HAS_NSEC;
		c->has_nsec = true;
		break;
	case WIRE_TYPE_NSEC3:
		c->has_nsec3 = true;
		break;
	default:
		break;
	}
	if (!apex)
		return;
	if (set->type == WIRE_TYPE_SOA)
		c->soa = index;
	else if (set->type == WIRE_TYPE_DNSKEY)
		c->dnskey = index;
	else if (set->type == WIRE_TYPE_ZONEMD)
		c->zonemd = index;
	else if (set->type == WIRE_TYPE_NSEC3PARAM)
		c->nsec3param = index;
}

/* Is the name hidden by the delegation or DNAME seen last? Canonical order puts what is below a name right behind it. */
static void name_mark(struct check_name *name, const struct check_name *names, size_t *cut, size_t *dname)
{
	if (*cut != NO_INDEX && wire_name_under(name->owner, names[*cut].owner))
		name->flags |= NAME_BELOW;
	else
		*cut = NO_INDEX;
	if (*dname != NO_INDEX && wire_name_under(name->owner, names[*dname].owner))
		name->flags |= NAME_UNDER_DNAME;
	else
		*dname = NO_INDEX;
}

static int names_make(struct check *c)
{
	size_t cap = 0, cut = NO_INDEX, dname = NO_INDEX;
	for (size_t i = 0; i < c->records->count;) {
		struct wire_rrset set;
		check_set(c, i, &set);
		if (c->n_names == cap) {
			cap = cap > 0 ? cap * 2 : 1024;
			struct check_name *more = realloc(c->name, cap * sizeof *more);
			if (more == NULL)
				return BANYAN_ENOMEM;
			c->name = more;
		}
		struct check_name *name = &c->name[c->n_names];
		*name = (struct check_name){.owner = set.owner, .first = i, .flags = NAME_NSEC3_ONLY};
		if (c->n_names == 0 && wire_name_equal(set.owner, c->in->apex))
			name->flags |= NAME_APEX;
		do {
			c->out->records += set.count;
			name_add_set(c, name, &set, i);
			if (++i < c->records->count)
				check_set(c, i, &set);
		} while (i < c->records->count &&
			 (set.owner == name->owner || wire_name_equal(set.owner, name->owner)));
		name_mark(name, c->name, &cut, &dname);
		if (cut == NO_INDEX && (name->flags & NAME_CUT) != 0)
			cut = c->n_names;
		if (dname == NO_INDEX && (name->flags & NAME_HAS_DNAME) != 0)
			dname = c->n_names;
		c->n_names++;
	}
	return 0;
}

static void soa_serial(struct check *c)
{
	struct wire_rrset set;
	if (c->soa == NO_INDEX)
		return;
	check_set(c, c->soa, &set);
	if (set.rdata[0].len >= 22)
		c->out->serial = wire_get32(set.rdata[0].data + set.rdata[0].len - 20);
}

void check_keys_load(struct check *c)
{
	struct wire_rrset set;
	if (c->dnskey == NO_INDEX)
		return;
	check_set(c, c->dnskey, &set);
	if (set.count > DNSSEC_KEYS_MAX)
		check_report(c, true, REASON_DNSKEY_MISSING, set.owner, set.type, c->dnskey,
			     "the key set has %u keys; only %d are looked at", set.count, DNSSEC_KEYS_MAX);
	for (uint32_t i = 0; i < set.count && c->n_keys < DNSSEC_KEYS_MAX; i++) {
		struct check_key *k = &c->key[c->n_keys++];
		const struct wire_rdata *rdata = &set.rdata[i];
		k->rdata = *rdata;
		if (rdata->len < 5)
			continue;
		k->flags = wire_get16(rdata->data);
		k->algorithm = rdata->data[3];
		k->tag = dnssec_key_tag(rdata->data, rdata->len);
		int rc = dnssec_key_new(rdata->data, rdata->len, &k->key);
		if (rc == BANYAN_EUNSUPP)
			check_report(c, c->in->known_only, REASON_ALGORITHM_UNSUPPORTED, set.owner, set.type, c->dnskey,
				     "the key with tag %u has algorithm %u, which is not known here", k->tag,
				     k->algorithm);
		else if (rc < 0)
			check_report(c, false, REASON_RDATA_MALFORMED, set.owner, set.type, c->dnskey,
				     "the key with tag %u is not a usable %s key", k->tag,
				     dnssec_algorithm_text(k->algorithm));
	}
}

void check_keys_done(struct check *c)
{
	for (size_t i = 0; i < c->n_keys; i++)
		dnssec_key_free(c->key[i].key);
}

/* Does this anchor name this key? 1, 0, or BANYAN_EUNSUPP. */
static int anchor_match(const struct check *c, const struct dnssec_anchor *anchor, const struct check_key *key)
{
	struct wire_rdata rdata = {.data = anchor->rdata, .len = anchor->len};
	if (key->key == NULL || (key->flags & DNSSEC_FLAG_ZONE) == 0 || (key->flags & DNSSEC_FLAG_REVOKE) != 0)
		return 0; /* a revoked key starts no chain of trust (RFC 5011 section 2.1) */
	if (anchor->type == WIRE_TYPE_DNSKEY)
		return rdata.len == key->rdata.len && memcmp(rdata.data, key->rdata.data, rdata.len) == 0;
	if (c->in->refuse_sha1 && rdata.data[3] == 1)
		return BANYAN_EUNSUPP;
	return dnssec_ds_match(c->in->apex, &rdata, &key->rdata);
}

/* Marks the keys that an anchor names; which of them signs the key set is seen when the signatures are known. */
void check_anchors(struct check *c)
{
	const struct dnssec_anchors *anchors = c->in->anchors;
	for (size_t i = 0; anchors != NULL && i < anchors->count; i++) {
		const struct dnssec_anchor *anchor = &anchors->item[i];
		if (!wire_name_equal(anchor->owner, c->in->apex))
			continue;
		for (size_t k = 0; k < c->n_keys; k++) {
			int match = anchor_match(c, anchor, &c->key[k]);
			if (match == BANYAN_EUNSUPP)
				check_report(c, false, REASON_DIGEST_UNSUPPORTED, c->in->apex, WIRE_TYPE_DS, NO_INDEX,
					     "the trust anchor with tag %u has digest type %u",
					     wire_get16(anchor->rdata), anchor->rdata[3]);
			else if (match == 1)
				c->key[k].anchored = true;
		}
	}
}

/* Does an anchored key sign the key set, validly? */
static void trust_judge(struct check *c)
{
	for (size_t i = 0; i < c->n_jobs; i++) {
		const struct check_job *job = &c->job[i];
		if (job->covered != c->dnskey || job->reason != REASON_NONE || job->unsupported)
			continue;
		if (c->key[job->key].anchored) {
			c->out->anchor_tag = c->key[job->key].tag;
			return;
		}
	}
	char tags[128] = "";
	size_t n = 0, used = 0;
	for (size_t i = 0; c->in->anchors != NULL && i < c->in->anchors->count; i++) {
		const struct dnssec_anchor *a = &c->in->anchors->item[i];
		if (!wire_name_equal(a->owner, c->in->apex))
			continue;
		unsigned tag = a->type == WIRE_TYPE_DS ? wire_get16(a->rdata) : dnssec_key_tag(a->rdata, a->len);
		if (used + 8 < sizeof tags)
			used += (size_t)snprintf(tags + used, sizeof tags - used, " %u", tag);
		n++;
	}
	if (n == 0)
		check_report(c, true, REASON_ANCHOR_NO_MATCH, c->in->apex, WIRE_TYPE_DNSKEY, c->dnskey,
			     "there is no trust anchor for this zone");
	else
		check_report(c, true, REASON_ANCHOR_NO_MATCH, c->in->apex, WIRE_TYPE_DNSKEY, c->dnskey,
			     "none of the trust anchors (tags%s) is a key that validly signs the key set", tags);
}

static int check_signed(struct check *c)
{
	struct dnssec_zone_result *out = c->out;
	int rc = 0;
	out->signed_zone = c->dnskey != NO_INDEX || c->n_jobs > 0 || c->has_nsec || c->has_nsec3;
	if (!out->signed_zone) {
		check_report(c, true, REASON_ZONE_UNSIGNED, c->in->apex, 0, NO_INDEX,
			     "there is neither a DNSKEY nor a signature");
	} else if (c->dnskey == NO_INDEX) {
		check_report(c, true, REASON_DNSKEY_MISSING, c->in->apex, WIRE_TYPE_DNSKEY, NO_INDEX,
			     "the zone has signatures, but no key to check them with");
	}
	check_keys_load(c);
	check_anchors(c);
	rc = check_jobs_make(c);
	if (rc == 0)
		rc = check_jobs_run(c); /* the digest is one of the jobs */
	if (rc < 0 || !out->signed_zone)
		return rc;
	check_jobs_report(c); /* first, for an expired signature says more than that no chain of trust holds */
	if (c->dnskey != NO_INDEX)
		trust_judge(c);
	if (c->has_nsec && c->has_nsec3)
		check_report(c, true, REASON_DENIAL_MIXED, c->in->apex, 0, NO_INDEX,
			     "the chains cannot both be complete while one replaces the other");
	else if (c->has_nsec3 || (c->nsec3param != NO_INDEX && !c->has_nsec))
		rc = check_nsec3(c);
	else
		check_nsec(c);
	return rc;
}

int dnssec_zone_check(const struct dnssec_zone_check *check, struct dnssec_zone_result *ret)
{
	struct dnssec_zone_result result = {.first_expiry = INT64_MAX, .last_inception = INT64_MIN};
	struct check *c = calloc(1, sizeof *c);
	if (c == NULL)
		return BANYAN_ENOMEM;
	c->in = check;
	c->out = &result;
	c->records = &check->records;
	c->soa = c->dnskey = c->zonemd = c->nsec3param = NO_INDEX;
	result.first_expiry_index = NO_INDEX;
	int rc = names_make(c);
	if (rc == 0) {
		soa_serial(c);
		result.signatures = c->n_jobs;
		check_zonemd_plan(c);
		if (check->digest_only) {
			c->n_jobs = 0;
			result.signed_zone = c->dnskey != NO_INDEX;
			for (unsigned i = 0; i < ARRAY_SIZE(c->digest); i++)
				check_zonemd_run(c, i);
		} else {
			rc = check_signed(c);
		}
	}
	if (rc == 0) {
		check_zonemd(c);
		result.proved = result.reason == REASON_NONE;
		*ret = result;
	}
	check_keys_done(c);
	free(c->name);
	free(c->job);
	free(c->sum);
	free(c->state);
	free(c);
	return rc;
}
