// SPDX-License-Identifier: GPL-3.0-or-later
/* What a parent says of a zone: DS records, or the proof that there are none (RFC 4035 sections 5.2 and 4.2). */
#include "trust.h"

/* What is at hand of the parent's word. */
struct parent_word {
	enum { WORD_NONE, WORD_DS, WORD_NO_DS, WORD_ALIAS, WORD_FAILED } kind;
	bool asked; /* it was asked for: nothing better is to be had */
	enum reason reason;
	const char *detail;
	struct rrset *ds;
	struct cache_denial denial;
};

static void word_of_lookup(const struct validation *v, struct parent_word *word)
{
	word->asked = true;
	word->reason = v->asked_reason;
	word->detail = v->asked_detail;
	word->ds = v->asked_set;
	word->denial = v->asked_denial;
	if (v->asked_reason != REASON_NONE)
		word->kind = WORD_FAILED;
	else if (v->asked_set != NULL)
		word->kind = WORD_DS;
	else
		word->kind = v->asked_alias ? WORD_ALIAS : WORD_NO_DS;
}

/* The root's word is proved already. */
static bool word_of_root(struct resolve *engine, const uint8_t *zone, struct parent_word *word)
{
	static const uint8_t root_name[1] = {0};
	struct ask ask = {.zone = root_name, .qname = zone, .qtype = WIRE_TYPE_DS, .tcp = true, .root = true};
	struct reply reply;
	struct reading reading;
	if (engine->root == NULL || resolve_root_read(engine, zone, WIRE_TYPE_DS, &ask, &reply, &reading) < 0)
		return false;
	switch (reading.kind) {
	case READING_ANSWER:
		word->kind = WORD_DS;
		word->ds = reading.answer[0];
		word->ds->security = word->ds->n_sigs > 0 ? SECURITY_SECURE : SECURITY_INSECURE;
		return true;
	case READING_NODATA:
	case READING_NXDOMAIN:
		word->kind = WORD_NO_DS;
		for (unsigned i = 0; i < reading.n_denials; i++) {
			struct rrset *set = reading.denial[i];
			set->security = set->n_sigs > 0 ? SECURITY_SECURE : SECURITY_INSECURE;
			word->denial.set[word->denial.n++] = set;
		}
		return true;
	default:
		return false;
	}
}

static bool lookup_answered(const struct task *task, const uint8_t *zone)
{
	const struct validation *v = &task->validation;
	return v->asked_type == WIRE_TYPE_DS && wire_name_equal(v->asked, zone);
}

static void parent_word(struct resolve *engine, struct task *task, const uint8_t *zone, struct parent_word *word)
{
	*word = (struct parent_word){.kind = WORD_NONE};
	if (lookup_answered(task, zone)) {
		word_of_lookup(&task->validation, word);
		return;
	}
	bool top = wire_name_labels(zone) == 1;
	if (top && word_of_root(engine, zone, word))
		return;
	switch (resolve_cache_ds(engine->cache, &engine->step, engine->cache_ms, zone, &word->ds, &word->denial)) {
	case CACHE_HIT_SET:
		word->kind = WORD_DS;
		return;
	case CACHE_HIT_DENIAL:
		word->kind = WORD_NO_DS;
		return;
	case CACHE_MISS:
		break;
	}
	if (!top)
		word_of_root(engine, zone, word);
}

bool resolve_trust_has_parent(struct resolve *engine, struct task *task, const uint8_t *name)
{
	struct rrset *set;
	struct cache_denial denial;
	return lookup_answered(task, name) ||
	       resolve_cache_ds(engine->cache, &engine->step, engine->cache_ms, name, &set, &denial) != CACHE_MISS;
}

static enum derived found(struct resolve *engine, const uint8_t *zone, enum trust_state state, enum reason reason,
			  const char *detail, int64_t expires_ms)
{
	resolve_trust_put(engine, zone, state, reason, detail, expires_ms, NULL);
	return DERIVED_DONE;
}

static void trace_insecure(struct resolve *engine, struct task *task, const uint8_t *zone, const char *why)
{
	if (!task->work->tracing)
		return;
	struct resolve_trace_step step = {
		.kind = RESOLVE_STEP_PROOF, .zone = zone, .qname = zone, .qtype = WIRE_TYPE_DS, .what = why};
	resolve_trace_add(engine, task, &step);
}

/* The word cannot be used: ask for a better one, once. */
static enum derived ask_parent(struct resolve *engine, struct task *task, const uint8_t *zone,
			       const struct parent_word *word)
{
	if (word->asked) /* a lookup that proved nothing of what it brought: cannot be */
		return found(engine, zone, TRUST_BOGUS, REASON_NSEC_MISSING, NULL, 0);
	if (word->kind != WORD_NONE)
		resolve_cache_drop(engine->cache, zone, WIRE_TYPE_DS);
	resolve_bogus_clear(task);
	return resolve_trust_ask(engine, task, zone, WIRE_TYPE_DS);
}

/* What a signer that is not SECURE makes of the zone below. */
static enum derived inherit(struct resolve *engine, const uint8_t *zone, const struct trust *above)
{
	return found(engine, zone, above->state, above->reason, above->detail, above->expires_ms);
}

/* The keys of the zone that signed the parent's word, in *ret; NULL: they are not needed or not there, and what is returned says
 * what to do. */
static enum derived signer_keys(struct resolve *engine, struct task *task, const uint8_t *zone,
				const struct parent_word *word, const struct rrset *signed_set,
				const uint8_t **ret_above, const struct dnssec_keyset **ret)
{
	const uint8_t *signer = resolve_set_signer(signed_set);
	unsigned anchor;
	*ret = NULL;
	if (signer == NULL || !wire_name_under(zone, signer) || wire_name_equal(zone, signer))
		return ask_parent(engine, task, zone, word);
	/* an anchor below the signer: the chain does not go through it */
	if (resolve_anchor_scope(engine, zone, &anchor) != ANCHOR_POSITIVE || wire_name_labels(signer) < anchor)
		return ask_parent(engine, task, zone, word);
	const struct trust *trust = resolve_trust_known(engine, signer);
	if (trust == NULL) {
		*ret_above = signer;
		return DERIVED_ABOVE;
	}
	if (trust->state == TRUST_NO_CUT)
		return ask_parent(engine, task, zone, word);
	if (trust->state != TRUST_SECURE)
		return inherit(engine, zone, trust);
	*ret = trust->keyset;
	return DERIVED_DONE;
}

static enum derived by_ds(struct resolve *engine, struct task *task, const uint8_t *zone, struct parent_word *word,
			  const uint8_t **ret_above)
{
	struct dnssec_policy policy = resolve_policy(engine);
	struct wire_rrset wire[2];
	const struct dnssec_keyset *keys;
	if (word->ds->security == SECURITY_UNCHECKED) {
		enum derived derived = signer_keys(engine, task, zone, word, word->ds, ret_above, &keys);
		if (keys == NULL)
			return derived;
		enum proof proof = resolve_set_by_keys(engine, task, keys, word->ds);
		if (proof == PROOF_LIMIT)
			return DERIVED_LIMIT;
		if (proof == PROOF_BOGUS)
			return ask_parent(engine, task, zone, word);
		word->ds->rank = RANK_AUTHORITY; /* the parent's own data, with its signature */
		resolve_evictions_count(engine, resolve_cache_put_set(engine->cache, engine->cache_ms, word->ds));
	}
	if (word->ds->security == SECURITY_INSECURE)
		return found(engine, zone, TRUST_INSECURE, REASON_NONE, NULL, word->ds->expires_ms);
	if (resolve_rrset_wire(&engine->step, word->ds, engine->cache_ms, false, wire) != 1)
		return DERIVED_LIMIT;
	enum reason why;
	if (!dnssec_ds_usable(wire, &policy, &why)) {
		trace_insecure(engine, task, zone, "insecure: no DS with a supported algorithm and digest");
		return found(engine, zone, TRUST_INSECURE, why, NULL, word->ds->expires_ms);
	}
	return resolve_trust_by_keys(engine, task, zone, word->ds);
}

static struct rrset *first_proof(const struct cache_denial *denial)
{
	for (unsigned i = 0; i < denial->n; i++)
		if (denial->set[i]->type == WIRE_TYPE_NSEC || denial->set[i]->type == WIRE_TYPE_NSEC3)
			return denial->set[i];
	return NULL;
}

static int64_t denial_expiry_ms(const struct cache_denial *denial)
{
	int64_t expires_ms = INT64_MAX;
	for (unsigned i = 0; i < denial->n; i++)
		if (denial->set[i]->expires_ms < expires_ms)
			expires_ms = denial->set[i]->expires_ms;
	return expires_ms;
}

/* The proofs are SECURE now: what do they say? */
static enum derived judge_absence(struct resolve *engine, struct task *task, const uint8_t *zone,
				  const struct parent_word *word)
{
	struct dnssec_policy policy = resolve_policy(engine);
	struct dnssec_denial denial;
	enum dnssec_denied denied;
	bool cut = true;
	int64_t expires_ms = denial_expiry_ms(&word->denial);
	const uint8_t *signer = resolve_set_signer(first_proof(&word->denial));
	if (resolve_denial_wire(engine, word->denial.set, word->denial.n, signer, &denial) < 0 ||
	    dnssec_deny_ds(&policy, &task->work->budget, &denial, zone, &cut, &denied) < 0)
		return DERIVED_LIMIT;
	switch (denied) {
	case DNSSEC_DENIED_NOT:
		return ask_parent(engine, task, zone, word);
	case DNSSEC_DENIED_INSECURE:
		trace_insecure(engine, task, zone, "insecure: NSEC3 parameters above the limit prove nothing");
		return found(engine, zone, TRUST_INSECURE, REASON_NSEC3_PARAMETERS, NULL, expires_ms);
	case DNSSEC_DENIED_OPT_OUT:
		trace_insecure(engine, task, zone, "insecure: an opt-out span covers it");
		return found(engine, zone, TRUST_INSECURE, REASON_NONE, NULL, expires_ms);
	case DNSSEC_DENIED:
		break;
	}
	if (cut)
		trace_insecure(engine, task, zone, "insecure: proved that it has no DS");
	return found(engine, zone, cut ? TRUST_INSECURE : TRUST_NO_CUT, REASON_NONE, NULL, expires_ms);
}

static enum derived by_absence(struct resolve *engine, struct task *task, const uint8_t *zone, struct parent_word *word,
			       const uint8_t **ret_above)
{
	struct rrset *first = first_proof(&word->denial);
	const struct dnssec_keyset *keys;
	if (word->asked && (first == NULL || first->security == SECURITY_INSECURE))
		return found(engine, zone, TRUST_INSECURE, REASON_NONE, NULL, denial_expiry_ms(&word->denial));
	if (first == NULL)
		return ask_parent(engine, task, zone, word);
	if (first->security == SECURITY_INSECURE)
		return found(engine, zone, TRUST_INSECURE, REASON_NONE, NULL, first->expires_ms);
	if (first->security == SECURITY_SECURE)
		return judge_absence(engine, task, zone, word);
	enum derived derived = signer_keys(engine, task, zone, word, first, ret_above, &keys);
	if (keys == NULL)
		return derived;
	if (resolve_denial_by_keys(engine, task, keys, word->denial.set, word->denial.n) == PROOF_LIMIT)
		return DERIVED_LIMIT;
	return judge_absence(engine, task, zone, word);
}

enum derived resolve_trust_by_parent(struct resolve *engine, struct task *task, const uint8_t *zone,
				     const uint8_t **ret_above)
{
	static const uint8_t root_name[1] = {0};
	struct parent_word word;
	parent_word(engine, task, zone, &word);
	/* what an unsigned root says binds nobody */
	if (engine->root != NULL && wire_name_labels(zone) == 1 && !word.asked && word.kind != WORD_NONE) {
		const struct trust *root = resolve_trust_known(engine, root_name);
		*ret_above = root_name;
		if (root == NULL)
			return DERIVED_ABOVE;
		if (root->state != TRUST_SECURE)
			return inherit(engine, zone, root);
	}
	switch (word.kind) {
	case WORD_NONE:
		return ask_parent(engine, task, zone, &word);
	case WORD_DS:
		return by_ds(engine, task, zone, &word, ret_above);
	case WORD_NO_DS:
		return by_absence(engine, task, zone, &word, ret_above);
	case WORD_ALIAS: /* a name with an alias is no delegation */
		return found(engine, zone, TRUST_NO_CUT, REASON_NONE, NULL, 0);
	case WORD_FAILED:
		if (word.reason == REASON_WORK_LIMIT)
			return DERIVED_LIMIT;
		return found(engine, zone, TRUST_BOGUS, word.reason, word.detail, 0);
	}
	return DERIVED_LIMIT;
}
