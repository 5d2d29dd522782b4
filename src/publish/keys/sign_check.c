// SPDX-License-Identifier: GPL-3.0-or-later
/* The offline side: what a request must be before anything is signed. */
#include <inttypes.h>
#include <string.h>

#include "ceremony.h"

#define CLOCKS_APART_MAX_S 86400

static int check_zone(struct ceremony *c)
{
	char asked[WIRE_NAME_TEXT_MAX], ours[WIRE_NAME_TEXT_MAX];
	wire_name_text(c->request.apex, asked);
	if (c->request.response)
		return ceremony_refuse(c, "%s is a response: it is signed already", c->name);
	if (!wire_name_equal(c->request.apex, c->folder->state.apex))
		return ceremony_refuse(c, "the request is for %s, the keys here are those of %s", asked,
				       wire_name_text(c->folder->state.apex, ours));
	return ceremony_passed(c, "the request %s is for %s", c->request.id, asked);
}

static int check_times(struct ceremony *c)
{
	const struct keys_request *r = &c->request;
	const struct keys_policy *policy = &c->folder->policy;
	char from[32], until[32];
	if (r->made > c->now + CLOCKS_APART_MAX_S)
		return ceremony_refuse(c,
				       "the request was made at %s, but it is %s here: one of the two clocks is wrong; "
				       "if it was the other one, make the request again",
				       clock_format(r->made, from), clock_format(c->now, until));
	for (size_t i = 0; i < r->n; i++) {
		const struct keys_bundle *b = &r->bundle[i];
		int64_t next = i + 1 < r->n ? r->bundle[i + 1].from : r->until;
		if (b->expiration <= c->now)
			return ceremony_refuse(
				c,
				"bundle %zu, of %s, expired before it could be signed, for it is %s here: if this "
				"clock is right, ask for the present time (`banyan key ksr` without --from)",
				i + 1, clock_format(b->from, from), clock_format(c->now, until));
		if (b->expiration - b->from != policy->validity_s || b->from - b->inception != KEYS_INCEPTION_BEFORE_S)
			return ceremony_refuse(
				c, "bundle %zu is to be valid for %" PRId64 " s, the policy here says %" PRId64 " s",
				i + 1, b->expiration - b->from, policy->validity_s);
		if (next - b->from != policy->slot_s)
			return ceremony_refuse(c, "bundle %zu is for %" PRId64 " s, the policy here says %" PRId64 " s",
					       i + 1, next - b->from, policy->slot_s);
	}
	if (r->ttl != policy->dnskey_ttl_s)
		return ceremony_refuse(c, "the TTL is %u s, the policy here says %" PRId64 " s", r->ttl,
				       policy->dnskey_ttl_s);
	return ceremony_passed(c, "%zu bundles from %s to %s, slots and validity as the policy says", r->n,
			       clock_format(r->from, from), clock_format(r->until, until));
}

static unsigned rsa_bits(const struct wire_rdata *key)
{
	size_t e = key->len > 5 ? key->data[4] : 0; /* RFC 3110 section 2; a long exponent is none of ours */
	return e == 0 || key->len < 6 + e ? 0 : (unsigned)(key->len - 5 - e) * 8;
}

static int check_keys(struct ceremony *c)
{
	const struct keys_policy *policy = &c->folder->policy;
	for (size_t i = 0; i < c->request.n; i++) {
		const struct keys_bundle *b = &c->request.bundle[i];
		for (size_t k = 0; k < b->n_keys; k++) {
			const struct wire_rdata *key = &b->key[k];
			uint16_t tag = dnssec_key_tag(key->data, key->len);
			bool rsa = key->data[3] == DNSSEC_RSASHA256 || key->data[3] == DNSSEC_RSASHA512;
			if (wire_get16(key->data) != MAKE_FLAGS_ZSK)
				return ceremony_refuse(
					c, "key %u of bundle %zu is no ZSK (flags %u): only ZSKs may be asked for", tag,
					i + 1, wire_get16(key->data));
			if (key->data[3] != policy->algorithm)
				return ceremony_refuse(c,
						       "key %u of bundle %zu has algorithm %u, the policy here says %u",
						       tag, i + 1, key->data[3], policy->algorithm);
			if (rsa && rsa_bits(key) < policy->zsk_bits)
				return ceremony_refuse(c,
						       "key %u of bundle %zu has %u bits, the policy here asks for %u",
						       tag, i + 1, rsa_bits(key), policy->zsk_bits);
			if (!keys_bundle_signed_by(&c->request, b, key, b->from))
				return ceremony_refuse(
					c,
					"key %u of bundle %zu did not sign the request: nobody has proved to hold it",
					tag, i + 1);
		}
	}
	return ceremony_passed(c, "every ZSK is of algorithm %u and has signed what is asked for it",
			       policy->algorithm);
}

/* Somebody always has a key in common with the bundle before: no validator is left with data that no key of its set has signed. After an
 * outage nobody has the set of the time before: a zone that has lost its ZSKs begins with new ones then. */
static int check_joints(struct ceremony *c)
{
	bool anew = false;
	for (size_t i = 0; i < c->request.n; i++) {
		const struct keys_bundle *b = &c->request.bundle[i];
		const struct keys_bundle *last = i > 0           ? &c->request.bundle[i - 1]
						 : c->has_before ? &c->before.bundle[c->before.n - 1]
								 : NULL;
		bool joined = last == NULL;
		for (size_t k = 0; k < b->n_keys && !joined; k++)
			joined = keys_bundle_has(last, &b->key[k]);
		bool may = i == 0 && last != NULL && c->request.from >= last->expiration;
		anew |= !joined && may;
		if (!joined && !may)
			return ceremony_refuse(c, "bundle %zu has no ZSK of the bundle before it", i + 1);
	}
	return ceremony_passed(c, "each bundle has a ZSK of the one before it%s",
			       anew ? ", but for the first one, after the gap: ITS ZSKS ARE ALL NEW" : "");
}

static int check_first(struct ceremony *c)
{
	char until[32];
	if (c->order == KEYS_FIRST_ONE && c->has_before)
		return ceremony_refuse(
			c,
			"--first was said, but there is a response before this one here (%s, for the time "
			"until %s): leave --first out",
			c->before.id, clock_format(c->before.until, until));
	if (c->order == KEYS_FIRST_ONE && c->request.from > c->now + c->folder->policy.slot_s)
		return ceremony_passed(
			c,
			"this is the first request (--first): nothing goes before it. IT BEGINS IN %" PRId64
			" DAYS, AT %s: until then nothing can be published",
			(c->request.from - c->now) / 86400, clock_format(c->request.from, until));
	if (c->order == KEYS_FIRST_ONE)
		return ceremony_passed(c, "this is the first request (--first): nothing goes before it");
	return ceremony_refuse(c,
			       "there is no response before this one here; if this is the first ceremony, say --first");
}

/* Nobody asked in time. Rolls go on only when validators have had their time again. */
static int check_gap(struct ceremony *c)
{
	struct keys_gap gap = {.ended = c->before.until,
			       .expires = c->before.bundle[c->before.n - 1].expiration,
			       .from = c->request.from};
	int64_t last = (c->now > gap.expires ? c->now : gap.expires) + c->folder->policy.slot_s;
	char text[KEYS_WHY_MAX], from[32], until[32];
	clock_format(gap.from, from);
	clock_format(gap.ended, until);
	if (c->order != KEYS_AFTER_GAP)
		return ceremony_refuse(
			c,
			"the request begins at %s, but the last response ends at %s: sign the request for "
			"the time between first; if nobody can make that any more, say --after-gap",
			from, until);
	if (gap.from > last)
		return ceremony_refuse(
			c, "the request begins at %s, and the last response ends at %s: so long a gap need not be",
			from, until);
	return ceremony_passed(c, "THERE IS A GAP (--after-gap): %s", keys_gap_text(&gap, text));
}

static int check_before(struct ceremony *c)
{
	char until[32], from[32];
	if (!c->has_before || c->order == KEYS_FIRST_ONE)
		return check_first(c);
	int64_t expires = c->before.bundle[c->before.n - 1].expiration;
	c->outage = c->request.from >= expires || c->now >= expires;
	if (c->request.from > c->before.until)
		return check_gap(c);
	if (c->request.from < c->before.until)
		return ceremony_refuse(
			c,
			"the request begins at %s, but the last response ends at %s: the time between is "
			"signed, for the request %s; give that one to have its response again; if that "
			"was not taken and cannot be, say --replace",
			clock_format(c->request.from, from), clock_format(c->before.until, until), c->before.id);
	if (c->order == KEYS_AFTER_GAP)
		return ceremony_refuse(c, "--after-gap was said, but the request begins where the last response ends: "
					  "leave --after-gap out");
	int rc = ceremony_passed(c, "it begins where the last response (%s) ends", c->before.id);
	if (rc == 0 && c->outage)
		rc = ceremony_passed(c,
				     "IT IS LATE: the signatures of the last response ended at %s; since then no "
				     "validator can prove the zone, until this response is taken",
				     clock_format(expires, until));
	return rc;
}

int ceremony_check(struct ceremony *c)
{
	int rc = check_zone(c);
	if (rc == 0)
		rc = check_times(c);
	if (rc == 0)
		rc = check_before(c);
	if (rc == 0)
		rc = check_keys(c);
	return rc != 0 ? rc : check_joints(c);
}
