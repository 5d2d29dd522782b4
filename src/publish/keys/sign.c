// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * The offline side: a ceremony. A request is checked point by point, the KSKs go through its quarter (the machine in virtual time, one step at the
 * first second of each bundle), and each bundle is signed. All of it stands in a record that people can read, whatever the outcome.
 *
 * The folder has two states on disk: before the ceremony, with the KSKs that are made for it as keys that wait, and after it. The response and the
 * record are written first, then the state, which makes the response the last one (it ends at state.bundles_until), then the response takes the
 * place of the one before. What stood before is kept for --replace (replace.c). Whoever is cut off at any of these says the same again: it is signed again, or given again.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ceremony.h"

#define ROUNDS_MAX 8

int ceremony_refuse(struct ceremony *c, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(c->why, KEYS_WHY_MAX, format, args);
	va_end(args);
	return buffer_printf(c->record, "%2u. REFUSED: %s\n", ++c->step, c->why) < 0 ? BANYAN_ENOMEM : BANYAN_EPROOF;
}

int ceremony_passed(struct ceremony *c, const char *format, ...)
{
	char text[KEYS_WHY_MAX];
	va_list args;
	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	int rc = buffer_printf(c->record, "%2u. ok: %s\n", ++c->step, text);
	return rc < 0 ? keys_wrong(c->why, rc, "out of memory") : 0;
}

/* ---- the last response ---- */

/* One that is the last and could not take its place yet does so now: its file is needed for the next one. */
static int load_before(struct ceremony *c)
{
	static const char *const file[] = {KEYS_ANSWER_FILE, KEYS_PENDING_FILE};
	char words[KEYS_WHY_MAX];
	int wrong = BANYAN_ENOENT;
	if (c->folder->state.bundles_until == 0)
		return 0;
	keys_wrong(c->why, wrong,
		   "%s: the last response (" KEYS_ANSWER_FILE ") is not here: bring it back from a backup; the online "
		   "side has it, too, as skr-TIME.txt",
		   c->folder->path);
	for (size_t i = 0; i < ARRAY_SIZE(file); i++) {
		int rc = keys_request_load(c->folder, file[i], &c->before, words);
		if (rc != 0 && rc != BANYAN_ENOENT) {
			wrong = rc;
			memcpy(c->why, words, sizeof words);
		}
		if (rc != 0)
			continue;
		c->has_before = c->before.response && c->before.until == c->folder->state.bundles_until;
		if (c->has_before)
			return i == 0 ? 0 : ceremony_keep(c, KEYS_ANSWER_FILE, &c->before);
		keys_request_done(&c->before);
	}
	return wrong;
}

/* ---- signing ---- */

/* A KSK that the folder has, as one that waits, is in the state that goes through time, too. */
static int make_ksk(struct ceremony *c, const struct keys_action *a)
{
	struct keys_key *key, *added;
	int rc = keys_generate(c->folder, a->role, a->algorithm, c->folder->token, c->now, &key, c->why);
	if (rc != 0)
		return rc;
	rc = keys_add(c->state, key->role, key->rdata, key->rdata_len, key->place, c->now, &added);
	if (rc != 0)
		return keys_wrong(c->why, rc, "%s: the new KSK %u cannot be added: %s", c->folder->path, key->tag,
				  error_text(rc));
	return ceremony_passed(c, "the KSK %u of algorithm %u was made", key->tag, key->algorithm);
}

/* When a bundle counts as offered: the publisher may stay with the one before it until the signatures of that one end; and one that is signed
 * late is offered late. */
static void count_from(struct ceremony *c, int64_t at)
{
	const struct keys_policy *policy = &c->folder->policy;
	struct keys_ttl *ttl[] = {&c->state->dnskey_ttl, &c->state->data_ttl, &c->state->ds_ttl};
	int64_t spare = policy->validity_s > policy->slot_s ? policy->validity_s - policy->slot_s : 0;
	int64_t offered = (at > c->now ? at : c->now) + spare;
	for (size_t i = 0; i < c->state->n; i++)
		if (c->state->key[i].since == 0 && c->state->key[i].phase != KEYS_GENERATED)
			c->state->key[i].since = offered;
	for (size_t i = 0; i < ARRAY_SIZE(ttl); i++)
		keys_ttl_offered(ttl[i], ttl[i]->before_until == KEYS_NEVER ? offered : at);
}

/* What validators had to see in their time they may not have seen while nothing could be proved: it begins anew. */
static int wait_anew(struct ceremony *c)
{
	int rc = 0;
	for (size_t i = 0; i < c->state->n && rc == 0; i++) {
		struct keys_key *key = &c->state->key[i];
		if (!keys_coming(key) && !keys_going(key))
			continue;
		key->since = 0;
		rc = ceremony_passed(c, "KSK %u is %s, and waits as long as if it had become so with this response",
				     key->tag, keys_phase_text(key->phase));
	}
	return rc;
}

static int step_ksks(struct ceremony *c, int64_t at)
{
	struct keys_actions actions;
	bool again = true;
	for (int round = 0; again && round < ROUNDS_MAX; round++) {
		again = false;
		keys_step(c->state, &c->folder->policy, NULL, at, &actions);
		for (size_t i = 0; i < actions.n; i++) {
			const struct keys_action *a = &actions.item[i];
			char from[32];
			int rc = 0;
			if (a->kind == KEYS_DO_MOVED)
				rc = ceremony_passed(c, "KSK %u is %s from the bundle of %s on", a->tag,
						     keys_phase_text(a->to), clock_format(at, from));
			if (a->kind == KEYS_DO_GENERATE)
				rc = make_ksk(c, a);
			if (rc != 0)
				return rc;
			again |= a->kind == KEYS_DO_GENERATE;
		}
	}
	count_from(c, at);
	return 0;
}

static int add_ksks(struct ceremony *c, struct keys_bundle *b, struct make_key *signer[KEYS_BUNDLE_KEYS_MAX],
		    size_t *ret_n)
{
	size_t n = 0;
	for (size_t i = 0; i < c->state->n; i++) {
		const struct keys_key *key = &c->state->key[i];
		struct keys_does does = keys_key_does(c->state, key);
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
		       : ceremony_passed(c, "bundle %zu, from %s, signatures until %s, %zu keys, signed by%s", i + 1,
					 clock_format(b->from, from), clock_format(b->expiration, until), b->n_keys,
					 keys);
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

static int record_anchors(struct ceremony *c, const char *when, int64_t at)
{
	_cleanup_(buffer_done) struct buffer ds = {0};
	char why[KEYS_WHY_MAX];
	int rc = keys_anchors(c->folder, false, at, &ds, why);
	return rc < 0 ? rc
		      : buffer_printf(c->record, "trust anchors at the %s of this response:\n%.*s", when, (int)ds.len,
				      ds.data != NULL ? (const char *)ds.data : "");
}

static int record_end(struct ceremony *c)
{
	const char *sum = c->request.sum;
	int rc = buffer_printf(c->record, "\nresponse:\n  sum %.16s %.16s\n      %.16s %.16s\n", sum, sum + 16,
			       sum + 32, sum + 48);
	if (rc >= 0)
		rc = record_anchors(c, "begin", c->request.from);
	if (rc >= 0)
		rc = record_anchors(c, "end", c->request.until);
	if (rc >= 0)
		rc = buffer_printf(
			c->record,
			"\nwitnesses (name, date, signature):\n\n  ____________________________________\n\n"
			"  ____________________________________\n\n  ____________________________________\n");
	return rc < 0 ? keys_wrong(c->why, BANYAN_ENOMEM, "out of memory") : 0;
}

/* In the folder, too: a disk that is full, or a power cut, costs no record. */
static void record_file(const struct ceremony *c, char out[KEYS_FILE_MAX])
{
	const char *sum = c->request.answers[0] != '\0' ? c->request.answers : c->request.sum;
	snprintf(out, KEYS_FILE_MAX, "record-%.16s.txt", sum);
}

/* ---- the ceremony ---- */

static int sign_all(struct ceremony *c, struct buffer *out)
{
	int rc = c->outage ? wait_anew(c) : 0;
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

/* From here on it is signed: the response is written, and the state is that of its end. */
static int keep(struct ceremony *c, const struct buffer *text)
{
	char file[KEYS_FILE_MAX], words[KEYS_WHY_MAX];
	record_file(c, file);
	int rc = record_end(c);
	if (rc == 0)
		rc = keys_request_keep(c->folder, file, c->record, c->why);
	if (rc == 0)
		rc = keys_request_keep(c->folder, KEYS_PENDING_FILE, text, c->why);
	if (rc == 0)
		rc = keys_save(c->folder, c->why);
	if (rc == 0 && keys_request_keep(c->folder, KEYS_ANSWER_FILE, text, words) != 0)
		log_warning("keys", "%s: it is done with the next ceremony", words);
	return rc;
}

/* The state of the folder becomes that of after the ceremony, or stays as it was but for keys that were made. */
static int commit(struct ceremony *c, const struct buffer *text)
{
	_cleanup_(base_free) struct keys_state *was = malloc(sizeof *was);
	size_t record_len = c->record->len;
	if (was == NULL)
		return keys_wrong(c->why, BANYAN_ENOMEM, "out of memory");
	int rc = ceremony_note(c);
	if (rc != 0)
		return rc;
	*was = c->folder->state;
	c->folder->state = *c->state;
	c->folder->state.bundles_until = c->request.until;
	rc = keep(c, text);
	if (rc != 0) {
		c->folder->state = *was;
		c->record->len = record_len;
		return rc;
	}
	ceremony_noted(c);
	return 0;
}

/* Who asks for the same again gets the same again: the response was lost on its way. */
static int again(struct ceremony *c, struct buffer *out)
{
	char file[KEYS_FILE_MAX];
	int rc = keys_request_write(&c->before, out);
	record_file(c, file);
	memcpy(c->request.sum, c->before.sum, KEYS_SUM_MAX);
	if (rc != 0)
		return keys_wrong(c->why, rc, "out of memory");
	rc = ceremony_passed(c,
			     "this request was signed before: the same response is given again; the record of that is "
			     "%s/%s",
			     c->folder->path, file);
	return rc != 0 ? rc : record_end(c);
}

static int run(struct ceremony *c, struct buffer *out)
{
	_cleanup_(buffer_done) struct buffer text = {0};
	int rc = load_before(c);
	if (rc == 0 && c->has_before && strcmp(c->before.answers, c->request.sum) == 0)
		return again(c, out);
	if (rc == 0 && c->replaces)
		rc = ceremony_back(c);
	if (rc == 0)
		rc = ceremony_check(c);
	if (rc == 0 && c->replaces)
		rc = ceremony_undo(c);
	if (rc == 0 && record_zsks(c) < 0)
		rc = keys_wrong(c->why, BANYAN_ENOMEM, "out of memory");
	if (rc == 0)
		rc = sign_all(c, &text);
	if (rc == 0 && buffer_reserve(out, text.len) != 0)
		rc = keys_wrong(c->why, BANYAN_ENOMEM, "out of memory");
	if (rc == 0)
		rc = commit(c, &text);
	return rc != 0 ? rc : buffer_append(out, text.data, text.len);
}

/* A name with newlines in it could write lines of the record that are not ours. */
static char *printable(const char *name, char out[KEYS_PLACE_MAX])
{
	size_t n = 0;
	for (; name[n] != '\0' && n + 1 < KEYS_PLACE_MAX; n++)
		out[n] = name[n] >= ' ' && name[n] <= '~' ? name[n] : '?';
	out[n] = '\0';
	return out;
}

int keys_sign_ksr(struct keys_folder *folder, const char *name, const char *text, size_t len, enum keys_before before,
		  int64_t now, struct buffer *out, struct buffer *record, char why[KEYS_WHY_MAX])
{
	_cleanup_(base_free) struct keys_state *state = malloc(sizeof *state);
	char shown[KEYS_PLACE_MAX];
	struct ceremony c = {.folder = folder,
			     .name = printable(name, shown),
			     .order = (enum keys_before)(before & ~KEYS_REPLACES),
			     .replaces = (before & KEYS_REPLACES) != 0,
			     .now = now,
			     .state = state,
			     .record = record,
			     .why = why};
	if (state == NULL)
		return keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	if (!folder->policy.ksk_only)
		return keys_wrong(why, BANYAN_EINVAL,
				  "%s: the policy does not say `ksk-only yes`: this is no folder of an "
				  "offline KSK",
				  folder->path);
	int rc = keys_request_read(c.name, text, len, &c.request, why);
	if (rc != 0) {
		if (buffer_printf(record, "Key signing ceremony\nREFUSED: %s\nNOTHING WAS SIGNED\n", why) < 0)
			rc = BANYAN_ENOMEM;
		return rc;
	}
	*state = folder->state;
	rc = record_head(&c) < 0 ? keys_wrong(why, BANYAN_ENOMEM, "out of memory") : run(&c, out);
	if (rc != 0 && buffer_printf(record, "\nNOTHING WAS SIGNED: %s\n", why) < 0)
		rc = keys_wrong(why, BANYAN_ENOMEM, "out of memory");
	keys_request_done(&c.request);
	keys_request_done(&c.before);
	return rc;
}
