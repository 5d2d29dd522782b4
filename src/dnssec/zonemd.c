// SPDX-License-Identifier: GPL-3.0-or-later
/* The digest of a zone (RFC 8976). */
#include "private.h"

#include <string.h>

#define ZONEMD_FIXED_SIZE    6  /* serial, scheme, hash algorithm */
#define ZONEMD_DIGEST_MIN    12 /* RFC 8976 section 2.2.4 */
#define ZONEMD_SCHEME_SIMPLE 1
#define ZONEMD_ITEMS_MAX     64    /* digests that are looked at: a publisher needs two or three */
#define DIGEST_BLOCK         16384 /* bytes gathered before they are hashed: few calls, all in the first cache */

static const struct zonemd_hash {
	uint8_t number;
	enum digest digest;
	size_t len;
} hashes[2] = {{1, DIGEST_SHA384, 48}, {2, DIGEST_SHA512, 64}};

static int hash_index(uint8_t number)
{
	for (unsigned i = 0; i < ARRAY_SIZE(hashes); i++)
		if (hashes[i].number == number)
			return (int)i;
	return -1;
}

struct sink {
	EVP_MD_CTX *ctx;
	size_t len;
	bool failed;
	uint8_t block[DIGEST_BLOCK + WIRE_NAME_MAX + 16];
};

static void sink_flush(struct sink *sink)
{
	sink->failed |= !EVP_DigestUpdate(sink->ctx, sink->block, sink->len);
	sink->len = 0;
}

static void sink_put(struct sink *sink, const uint8_t *data, size_t len)
{
	if (len > DIGEST_BLOCK) {
		sink_flush(sink);
		sink->failed |= !EVP_DigestUpdate(sink->ctx, data, len);
		return;
	}
	if (sink->len + len > DIGEST_BLOCK)
		sink_flush(sink);
	memcpy(sink->block + sink->len, data, len);
	sink->len += len;
}

/* RFC 8976 section 3.3.1.1: every record but the apex ZONEMD and its signatures. */
static bool set_digested(const struct wire_rrset *set, bool apex)
{
	if (!apex)
		return true;
	if (set->type == WIRE_TYPE_RRSIG)
		return set->rdata[0].len < 2 || wire_get16(set->rdata[0].data) != WIRE_TYPE_ZONEMD;
	return set->type != WIRE_TYPE_ZONEMD;
}

/* All records of one RRset, each with its owner, type, class, TTL and length (RFC 8976 section 3.3.1). */
static void set_digest(struct sink *sink, const struct wire_rrset *set)
{
	uint8_t head[WIRE_NAME_MAX + 10];
	size_t len = wire_name_lower(set->owner, head);
	wire_put16(head + len, set->type);
	wire_put16(head + len + 2, set->rclass);
	wire_put32(head + len + 4, set->ttl);
	for (uint32_t i = 0; i < set->count; i++) {
		wire_put16(head + len + 8, set->rdata[i].len);
		sink_put(sink, head, len + 10);
		sink_put(sink, set->rdata[i].data, set->rdata[i].len);
	}
}

int dnssec_zonemd_compute(const struct dnssec_records *records, const uint8_t *apex, uint8_t hash, uint8_t out[64],
			  size_t *ret_len)
{
	int which = hash_index(hash);
	if (which < 0)
		return BANYAN_EUNSUPP;
	struct sink sink;
	bool at_apex = true; /* the apex is the first name of the zone */
	sink.len = 0;
	sink.failed = false;
	sink.ctx = EVP_MD_CTX_new();
	if (sink.ctx == NULL || !EVP_DigestInit_ex2(sink.ctx, digest_md(hashes[which].digest), NULL)) {
		EVP_MD_CTX_free(sink.ctx);
		return BANYAN_ENOMEM;
	}
	for (size_t i = 0; i < records->count; i++) {
		struct wire_rrset set;
		records->get(records->ctx, i, &set);
		at_apex = at_apex && wire_name_equal(set.owner, apex);
		if (set_digested(&set, at_apex))
			set_digest(&sink, &set);
	}
	sink_flush(&sink);
	sink.failed |= !EVP_DigestFinal_ex(sink.ctx, out, NULL);
	EVP_MD_CTX_free(sink.ctx);
	if (sink.failed)
		return BANYAN_EOTHER;
	*ret_len = hashes[which].len;
	return 0;
}

/* May this ZONEMD be used, the digest aside? (RFC 8976 section 4, step 3) */
static enum reason item_judge(const struct wire_rrset *set, uint32_t item, uint32_t serial)
{
	const struct wire_rdata *rdata = &set->rdata[item];
	if (rdata->len < ZONEMD_FIXED_SIZE + ZONEMD_DIGEST_MIN)
		return REASON_ZONEMD_MALFORMED;
	for (uint32_t i = 0; i < set->count; i++)
		if (i != item && set->rdata[i].len >= ZONEMD_FIXED_SIZE &&
		    memcmp(set->rdata[i].data + 4, rdata->data + 4, 2) == 0)
			return REASON_ZONEMD_REPEATED;
	if (wire_get32(rdata->data) != serial)
		return REASON_ZONEMD_SERIAL;
	if (rdata->data[4] != ZONEMD_SCHEME_SIMPLE)
		return REASON_ZONEMD_SCHEME;
	int which = hash_index(rdata->data[5]);
	if (which < 0)
		return REASON_ZONEMD_HASH;
	return rdata->len == ZONEMD_FIXED_SIZE + hashes[which].len ? REASON_NONE : REASON_ZONEMD_MALFORMED;
}

void check_zonemd_plan(struct check *c)
{
	struct wire_rrset set;
	if (c->zonemd == NO_INDEX || c->soa == NO_INDEX)
		return;
	check_set(c, c->zonemd, &set);
	for (uint32_t i = 0; set.count <= ZONEMD_ITEMS_MAX && i < set.count; i++)
		if (item_judge(&set, i, c->out->serial) == REASON_NONE)
			c->digest[hash_index(set.rdata[i].data[5])].wanted = true;
}

int check_zonemd_run(struct check *c, unsigned which)
{
	if (!c->digest[which].wanted)
		return 0;
	c->digest[which].error = dnssec_zonemd_compute(c->records, c->in->apex, hashes[which].number,
						       c->digest[which].value, &c->digest[which].len);
	c->digest[which].done = c->digest[which].error == 0;
	return c->digest[which].error;
}

/* The reason that says most when none will do: one that came nearer to a match wins. */
static int reason_rank(enum reason reason)
{
	static const enum reason order[] = {REASON_ZONEMD_SCHEME,   REASON_ZONEMD_HASH,      REASON_ZONEMD_SERIAL,
					    REASON_ZONEMD_REPEATED, REASON_ZONEMD_MALFORMED, REASON_ZONEMD_MISMATCH};
	for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
		if (order[i] == reason)
			return (int)i + 1;
	return 0;
}

static void zonemd_fail(struct check *c, enum reason reason, const struct wire_rdata *rdata)
{
	unsigned scheme = rdata != NULL && rdata->len >= ZONEMD_FIXED_SIZE ? rdata->data[4] : 0;
	unsigned hash = rdata != NULL && rdata->len >= ZONEMD_FIXED_SIZE ? rdata->data[5] : 0;
	c->out->zonemd = DNSSEC_ZONEMD_NOT_PROVED;
	c->out->zonemd_reason = reason;
	if (reason == REASON_ZONEMD_SERIAL)
		check_report(c, true, reason, c->in->apex, WIRE_TYPE_ZONEMD, c->zonemd,
			     "its serial is %u, that of the SOA is %u", wire_get32(rdata->data), c->out->serial);
	else if (reason == REASON_ZONEMD_MALFORMED)
		check_report(c, true, reason, c->in->apex, WIRE_TYPE_ZONEMD, c->zonemd,
			     "scheme %u, hash algorithm %u, digest of %d bytes", scheme, hash,
			     rdata->len - ZONEMD_FIXED_SIZE);
	else
		check_report(c, true, reason, c->in->apex, WIRE_TYPE_ZONEMD, c->zonemd, "scheme %u, hash algorithm %u",
			     scheme, hash);
}

/* No ZONEMD: is that what the zone's signer says, too? (RFC 8976 section 4, step 1) */
static void zonemd_absent(struct check *c)
{
	c->out->zonemd = DNSSEC_ZONEMD_NOT_PROVED;
	c->out->zonemd_reason = c->apex_claims_zonemd ? REASON_ZONEMD_STRIPPED : REASON_ZONEMD_ABSENT;
	if (c->apex_claims_zonemd)
		return; /* reported with the bitmap */
	if (c->apex_denies_zonemd)
		c->out->zonemd = DNSSEC_ZONEMD_ABSENT_PROVED;
	if (c->in->require_zonemd || c->in->digest_only)
		check_report(c, true, REASON_ZONEMD_ABSENT, c->in->apex, WIRE_TYPE_ZONEMD, NO_INDEX,
			     c->apex_denies_zonemd ? "its absence is proved" : "nothing proves that it must be absent");
}

void check_zonemd(struct check *c)
{
	struct wire_rrset set;
	enum reason best = REASON_NONE;
	const struct wire_rdata *best_rdata = NULL;
	if (c->zonemd == NO_INDEX) {
		zonemd_absent(c);
		return;
	}
	check_set(c, c->zonemd, &set);
	if (c->soa == NO_INDEX || set.count > ZONEMD_ITEMS_MAX) {
		zonemd_fail(c, c->soa == NO_INDEX ? REASON_SOA_MISSING : REASON_ZONEMD_REPEATED, &set.rdata[0]);
		return;
	}
	for (uint32_t i = 0; i < set.count; i++) {
		const struct wire_rdata *rdata = &set.rdata[i];
		enum reason reason = item_judge(&set, i, c->out->serial);
		if (reason == REASON_NONE) {
			int which = hash_index(rdata->data[5]);
			if (c->digest[which].done && memcmp(rdata->data + ZONEMD_FIXED_SIZE, c->digest[which].value,
							    c->digest[which].len) == 0) {
				/* one good digest is enough (RFC 8976 section 4, step 4); signed, if the zone is */
				c->out->zonemd = c->in->digest_only || !c->out->signed_zone ? DNSSEC_ZONEMD_UNSIGNED_OK
											    : DNSSEC_ZONEMD_PROVED;
				c->out->zonemd_reason = REASON_NONE;
				return;
			}
			reason = REASON_ZONEMD_MISMATCH;
		}
		if (reason_rank(reason) > reason_rank(best)) {
			best = reason;
			best_rdata = rdata;
		}
	}
	zonemd_fail(c, best, best_rdata);
}
