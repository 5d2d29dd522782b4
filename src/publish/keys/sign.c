// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The offline side: a ceremony. A request is checked point by point, the KSKs go through its quarter (the machine in virtual time, one step at the
 * first second of each bundle), and each bundle is signed. All of it stands in a record that people can read, whatever the outcome.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

/* The last response that was signed here is the one that ends at state.bundles_until: the new one is written beside the old, then the state is
 * saved, which makes it the last, then it takes the place of the old. A crash at any of these leaves one of the two. */
#define RESPONSE_FILE "skr.txt"
#define PENDING_FILE  "skr-signed.txt"
#define ROUNDS_MAX    8

struct ceremony {
	struct keys_folder *folder;
	const char *name;
	struct keys_request request, before; /* before: the last response */
	bool has_before, first;
	int64_t now;
	unsigned step;
	struct buffer *record;
	char *why;
};

static int refuse(struct ceremony *c, const char *format, ...) _printf_(2, 3);
static int refuse(struct ceremony *c, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(c->why, KEYS_WHY_MAX, format, args);
	va_end(args);
	return buffer_printf(c->record, "%2u. REFUSED: %s\n", ++c->step, c->why) < 0 ? BANYAN_ENOMEM : BANYAN_EPROOF;
}

static int passed(struct ceremony *c, const char *format, ...) _printf_(2, 3);
static int passed(struct ceremony *c, const char *format, ...)
{
	char text[KEYS_WHY_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	int rc = buffer_printf(c->record, "%2u. ok: %s\n", ++c->step, text);
	return rc < 0 ? keys_wrong(c->why, rc, "out of memory") : 0;
}

/* ---- what a request must be ---- */

static int check_zone(struct ceremony *c)
{
	char asked[WIRE_NAME_TEXT_MAX], ours[WIRE_NAME_TEXT_MAX];
	wire_name_text(c->request.apex, asked);
	if (c->request.response)
		return refuse(c, "%s is a response: it is signed already", c->name);
	if (!wire_name_equal(c->request.apex, c->folder->state.apex))
		return refuse(c, "the request is for %s, the keys here are those of %s", asked,
			      wire_name_text(c->folder->state.apex, ours));
	return passed(c, "the request %s is for %s", c->request.id, asked);
}

static int check_times(struct ceremony *c)
{
	const struct keys_request *r = &c->request;
	const struct keys_policy *policy = &c->folder->policy;
	char from[32], until[32];
	for (size_t i = 0; i < r->n; i++) {
		const struct keys_bundle *b = &r->bundle[i];
		int64_t next = i + 1 < r->n ? r->bundle[i + 1].from : r->until;
		if (b->expiration <= c->now)
			return refuse(c, "bundle %zu expired before it could be signed: ask for the present time",
				      i + 1);
		if (b->expiration - b->from != policy->validity_s || b->from - b->inception != KEYS_INCEPTION_BEFORE_S)
			return refuse(c,
				      "bundle %zu is to be valid for %" PRId64 " s, the policy here says %" PRId64 " s",
				      i + 1, b->expiration - b->from, policy->validity_s);
		if (next - b->from != policy->slot_s)
			return refuse(c, "bundle %zu is for %" PRId64 " s, the policy here says %" PRId64 " s", i + 1,
				      next - b->from, policy->slot_s);
	}
	if (r->ttl != policy->dnskey_ttl_s)
		return refuse(c, "the TTL is %u s, the policy here says %" PRId64 " s", r->ttl, policy->dnskey_ttl_s);
	return passed(c, "%zu bundles from %s to %s, slots and validity as the policy says", r->n,
		      clock_format(r->from, from), clock_format(r->until, until));
}

static const struct wire_rdata *find_key(const struct keys_bundle *b, const struct wire_rdata *key)
{
	for (size_t i = 0; i < b->n_keys; i++)
		if (wire_rdata_cmp(&b->key[i], key) == 0)
			return &b->key[i];
	return NULL;
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
				return refuse(c,
					      "key %u of bundle %zu is no ZSK (flags %u): only ZSKs may be asked for",
					      tag, i + 1, wire_get16(key->data));
			if (key->data[3] != policy->algorithm)
				return refuse(c, "key %u of bundle %zu has algorithm %u, the policy here says %u", tag,
					      i + 1, key->data[3], policy->algorithm);
			if (rsa && rsa_bits(key) < policy->zsk_bits)
				return refuse(c, "key %u of bundle %zu has %u bits, the policy here asks for %u", tag,
					      i + 1, rsa_bits(key), policy->zsk_bits);
			if (!keys_bundle_signed_by(&c->request, b, key, b->from))
				return refuse(
					c,
					"key %u of bundle %zu did not sign the request: nobody has proved to hold it",
					tag, i + 1);
		}
	}
	return passed(c, "every ZSK is of algorithm %u and has signed what is asked for it", policy->algorithm);
}

/* Somebody always has a key in common with the bundle before: no validator is left with data that no key of its set has signed. */
static int check_joints(struct ceremony *c)
{
	for (size_t i = c->has_before ? 0 : 1; i < c->request.n; i++) {
		const struct keys_bundle *b = &c->request.bundle[i];
		const struct keys_bundle *last = i > 0 ? &c->request.bundle[i - 1] : &c->before.bundle[c->before.n - 1];
		bool joined = false;
		for (size_t k = 0; k < b->n_keys; k++)
			joined |= find_key(last, &b->key[k]) != NULL;
		if (!joined)
			return refuse(c, "bundle %zu has no ZSK of the bundle before it", i + 1);
	}
	return passed(c, "each bundle has a ZSK of the one before it");
}

static int check_before(struct ceremony *c)
{
	char until[32], from[32];
	if (!c->has_before && !c->first)
		return refuse(c,
			      "there is no response before this one here; if this is the first ceremony, say --first");
	if (!c->has_before)
		return passed(c, "this is the first request (--first): nothing goes before it");
	if (c->request.from != c->before.until)
		return refuse(c,
			      "the request begins at %s, but the last response ends at %s: it is an old one, or one is "
			      "missing",
			      clock_format(c->request.from, from), clock_format(c->before.until, until));
	return passed(c, "it begins where the last response (%s) ends", c->before.id);
}

static int load_before(struct ceremony *c)
{
	static const char *const file[] = {RESPONSE_FILE, PENDING_FILE};
	if (c->folder->state.bundles_until == 0)
		return 0;
	for (size_t i = 0; i < ARRAY_SIZE(file); i++) {
		int rc = keys_request_load(c->folder, file[i], &c->before, c->why);
		if (rc != 0 && rc != BANYAN_ENOENT)
			return rc;
		c->has_before = rc == 0 && c->before.until == c->folder->state.bundles_until;
		if (c->has_before)
			return 0;
		keys_request_done(&c->before);
	}
	return keys_wrong(c->why, BANYAN_ENOENT,
			  "%s: the last response (" RESPONSE_FILE ") is not here: bring it back from a "
			  "backup",
			  c->folder->path);
}

/* ---- signing ---- */

static int step_ksks(struct ceremony *c, int64_t at)
{
	struct keys_actions actions;
	bool again = true;
	for (int round = 0; again && round < ROUNDS_MAX; round++) {
		again = false;
		keys_step(&c->folder->state, &c->folder->policy, NULL, at, &actions);
		for (size_t i = 0; i < actions.n; i++) {
			const struct keys_action *a = &actions.item[i];
			char from[32];
			struct keys_key *key;
			if (a->kind == KEYS_DO_MOVED && passed(c, "KSK %u is %s from the bundle of %s on", a->tag,
							       keys_phase_text(a->to), clock_format(at, from)) != 0)
				return BANYAN_ENOMEM;
			if (a->kind != KEYS_DO_GENERATE)
				continue;
			int rc =
				keys_generate(c->folder, a->role, a->algorithm, c->folder->token, c->now, &key, c->why);
			if (rc == 0)
				rc = passed(c, "the KSK %u of algorithm %u was made", key->tag, key->algorithm);
			if (rc != 0)
				return rc;
			again = true;
		}
	}
	keys_state_offered(&c->folder->state, at);
	return 0;
}

static int add_ksks(struct ceremony *c, struct keys_bundle *b, struct make_key *signer[KEYS_BUNDLE_KEYS_MAX],
		    size_t *ret_n)
{
	size_t n = 0;
	for (size_t i = 0; i < c->folder->state.n; i++) {
		const struct keys_key *key = &c->folder->state.key[i];
		struct keys_does does = keys_key_does(&c->folder->state, key);
		uint8_t rdata[KEYS_RDATA_MAX];
		int rc = 0;
		if (!does.published)
			continue;
		memcpy(rdata, key->rdata, key->rdata_len);
		rdata[1] |= does.revoked ? MAKE_FLAG_REVOKE : 0;
		rc = keys_bundle_add(&c->request, b, rdata, key->rdata_len);
		if (rc != 0 || (does.signs_keys && n == KEYS_BUNDLE_KEYS_MAX))
			return keys_wrong(c->why, BANYAN_ELIMIT, "too many keys for one bundle");
		if (does.signs_keys)
			rc = keys_private(c->folder, key, &signer[n++], c->why);
		if (rc != 0)
			return rc;
	}
	*ret_n = n;
	return n > 0 ? 0 : keys_wrong(c->why, BANYAN_ENOENT, "there is no KSK here that signs");
}

static int sign_bundle(struct ceremony *c, size_t i)
{
	struct make_key *signer[KEYS_BUNDLE_KEYS_MAX];
	struct keys_bundle *b = &c->request.bundle[i];
	char from[32], until[32], keys[KEYS_BUNDLE_KEYS_MAX * 8] = "";
	size_t n = 0;
	int rc = step_ksks(c, b->from);
	b->n_signatures = 0;
	if (rc == 0)
		rc = add_ksks(c, b, signer, &n);
	for (size_t k = 0; k < n && rc == 0; k++) {
		rc = keys_bundle_sign(&c->request, b, signer[k]);
		if (rc != 0)
			keys_wrong(c->why, rc, "key %u does not sign: %s", make_key_tag(signer[k]),
				   keys_trouble(c->folder) != NULL ? keys_trouble(c->folder) : error_text(rc));
		snprintf(keys + strlen(keys), sizeof keys - strlen(keys), " %u", make_key_tag(signer[k]));
	}
	/* what leaves was looked at with the code that validators have */
	for (size_t k = 0; k < b->n_signatures && rc == 0; k++) {
		bool good = false;
		for (size_t j = 0; j < b->n_keys; j++)
			good |= dnssec_key_tag(b->key[j].data, b->key[j].len) == b->signature[k].tag &&
				keys_bundle_signed_by(&c->request, b, &b->key[j], b->from);
		if (!good)
			rc = keys_wrong(c->why, BANYAN_EPROOF, "the signature of key %u does not verify",
					b->signature[k].tag);
	}
	return rc != 0 ? rc
		       : passed(c, "bundle %zu, from %s, signatures until %s, %zu keys, signed by%s", i + 1,
				clock_format(b->from, from), clock_format(b->expiration, until), b->n_keys, keys);
}

/* ---- the record ---- */

static int record_head(struct ceremony *c)
{
	char zone[WIRE_NAME_TEXT_MAX], now[32];
	return buffer_printf(
		c->record,
		"Key signing ceremony for %s\ndate: %s\nsoftware: banyan %s\nkeys: %s\nrequest: %s\n  id %s\n  sum "
		"%.16s %.16s\n      %.16s %.16s\n(read the sum aloud; it must be the one that the online side "
		"printed)\n\n",
		wire_name_text(c->folder->state.apex, zone), clock_format(c->now, now), BANYAN_VERSION, c->folder->path,
		c->name, c->request.id, c->request.sum, c->request.sum + 16, c->request.sum + 32, c->request.sum + 48);
}

static int record_zsks(struct ceremony *c)
{
	int rc = buffer_printf(c->record, "\nZSKs that are asked for:\n");
	for (size_t i = 0; i < c->request.n && rc >= 0; i++) {
		char from[32];
		rc = buffer_printf(c->record, "  bundle %zu, %s:", i + 1,
				   clock_format(c->request.bundle[i].from, from));
		for (size_t k = 0; k < c->request.bundle[i].n_keys && rc >= 0; k++)
			rc = buffer_printf(
				c->record, " %u",
				dnssec_key_tag(c->request.bundle[i].key[k].data, c->request.bundle[i].key[k].len));
		rc = rc >= 0 ? buffer_printf(c->record, "\n") : rc;
	}
	return rc < 0 ? rc : buffer_printf(c->record, "\n");
}

static int record_end(struct ceremony *c, int outcome)
{
	_cleanup_(buffer_done) struct buffer ds = {0};
	char why[KEYS_WHY_MAX];
	if (outcome != 0)
		return buffer_printf(c->record, "\nNOTHING WAS SIGNED: %s\n", c->why);
	int rc = keys_anchors(c->folder, false, c->now, &ds, why);
	if (rc >= 0)
		rc = buffer_printf(c->record,
				   "\nresponse:\n  sum %.16s %.16s\n      %.16s %.16s\ntrust anchors at the end of "
				   "this response:\n%.*s"
				   "\nwitnesses (name, date, signature):\n\n  ____________________________________\n\n"
				   "  ____________________________________\n\n  ____________________________________\n",
				   c->request.sum, c->request.sum + 16, c->request.sum + 32, c->request.sum + 48,
				   (int)ds.len, ds.data != NULL ? (const char *)ds.data : "");
	return rc;
}

static int check_all(struct ceremony *c)
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

static int sign_all(struct ceremony *c, struct buffer *out)
{
	int rc = 0;
	for (size_t i = 0; i < c->request.n && rc == 0; i++)
		rc = sign_bundle(c, i);
	if (rc != 0)
		return rc;
	memcpy(c->request.answers, c->request.sum, KEYS_SUM_MAX);
	c->request.response = true;
	c->request.made = c->now;
	rc = keys_request_write(&c->request, out);
	return rc == 0 ? 0 : keys_wrong(c->why, rc, "out of memory");
}

/* Back to before the ceremony; but keys that were made stay. */
static int take_back(struct ceremony *c, struct keys_state *before)
{
	const struct keys_state *after = &c->folder->state;
	char why[KEYS_WHY_MAX];
	for (size_t i = 0; i < after->n; i++) {
		const struct keys_key *key = &after->key[i];
		struct keys_key *added;
		int rc = keys_add(before, key->role, key->rdata, key->rdata_len, key->place, c->now, &added);
		if (rc != 0 && rc != BANYAN_EEXIST)
			return rc;
	}
	c->folder->state = *before;
	return keys_save(c->folder, why);
}

static int keep(struct ceremony *c, const struct buffer *text)
{
	int rc = keys_request_keep(c->folder, PENDING_FILE, text, c->why);
	c->folder->state.bundles_until = c->request.until;
	if (rc == 0)
		rc = keys_save(c->folder, c->why);
	return rc != 0 ? rc : keys_request_keep(c->folder, RESPONSE_FILE, text, c->why);
}

/* Who asks for the same again gets the same again: the response was lost on its way. */
static int again(struct ceremony *c, struct buffer *out)
{
	int rc = keys_request_write(&c->before, out);
	memcpy(c->request.sum, c->before.sum, KEYS_SUM_MAX);
	return rc != 0 ? keys_wrong(c->why, rc, "out of memory")
		       : passed(c, "this request was signed before: the same response is given again");
}

static int run(struct ceremony *c, struct buffer *out)
{
	_cleanup_(base_free) struct keys_state *state = malloc(sizeof *state);
	_cleanup_(buffer_done) struct buffer text = {0};
	if (state == NULL)
		return keys_wrong(c->why, BANYAN_ENOMEM, "out of memory");
	int rc = load_before(c);
	if (rc == 0 && c->has_before && strcmp(c->before.answers, c->request.sum) == 0)
		return again(c, out);
	if (rc == 0)
		rc = check_all(c);
	if (rc == 0 && (record_zsks(c) < 0))
		rc = keys_wrong(c->why, BANYAN_ENOMEM, "out of memory");
	if (rc != 0)
		return rc;
	*state = c->folder->state;
	rc = sign_all(c, &text);
	if (rc == 0)
		rc = keep(c, &text);
	if (rc == 0 && buffer_append(out, text.data, text.len) != 0)
		rc = keys_wrong(c->why, BANYAN_ENOMEM, "out of memory");
	if (rc != 0 && take_back(c, state) != 0)
		log_error("keys", "%s: the state before the ceremony could not be written back", c->folder->path);
	return rc;
}

int keys_sign_ksr(struct keys_folder *folder, const char *name, const char *text, size_t len, bool first, int64_t now,
		  struct buffer *out, struct buffer *record, char why[KEYS_WHY_MAX])
{
	struct ceremony c = {.folder = folder, .name = name, .first = first, .now = now, .record = record, .why = why};
	if (!folder->policy.ksk_only)
		return keys_wrong(why, BANYAN_EINVAL,
				  "%s: the policy does not say `ksk-only yes`: this is no folder of an "
				  "offline KSK",
				  folder->path);
	int rc = keys_request_read(name, text, len, &c.request, why);
	if (rc != 0) {
		if (buffer_printf(record, "Key signing ceremony\nREFUSED: %s\nNOTHING WAS SIGNED\n", why) < 0)
			rc = BANYAN_ENOMEM;
		return rc;
	}
	rc = record_head(&c) < 0 ? keys_wrong(why, BANYAN_ENOMEM, "out of memory") : run(&c, out);
	if (record_end(&c, rc) < 0)
		rc = keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	keys_request_done(&c.request);
	keys_request_done(&c.before);
	return rc;
}
