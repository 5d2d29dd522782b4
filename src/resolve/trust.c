// SPDX-License-Identifier: GPL-3.0-or-later
/* Derives the trust of a zone, step by step from what is known, and waits for what is missing. */
#include "trust.h"

#include <string.h>

static const uint8_t root_name[1] = {0};

/* ---- lookups ---- */

enum derived resolve_trust_ask(struct resolve *engine, struct task *task, const uint8_t *name, uint16_t type)
{
	struct validation *v = &task->validation;
	char text[WIRE_NAME_TEXT_MAX], type_text[16];
	if (resolve_task_serves(task, name, type, type)) {
		resolve_bogus(task, REASON_DELEGATION_LOOP, "%s %s is needed to prove itself",
			      wire_name_text(name, text), wire_type_text(type, type_text));
		return DERIVED_BOGUS;
	}
	const uint8_t *asked = arena_dup(&task->arena, name, wire_name_len(name));
	struct task *lookup = task->shared ? resolve_task_find(engine, name, type) : NULL;
	bool joined = lookup != NULL;
	unsigned depth = task->depth < RESOLVE_DEPTH_MAX / 2 ? task->depth + 1 : task->depth;
	if (!joined && task->trust_depth < TRUST_DEPTH_MAX)
		lookup = resolve_task_new(engine, name, type, depth, task->work);
	if (lookup == NULL || asked == NULL)
		return DERIVED_LIMIT;
	v->asked = asked;
	v->asked_type = 0;
	v->want = (struct want){.parent = task, .type = type, .used = true, .trust = true};
	v->want.waiter.want = &v->want;
	v->want.waiter.joined = joined;
	resolve_task_wait(lookup, &v->want.waiter);
	if (!joined) {
		lookup->trust_depth = task->trust_depth + 1;
		lookup->shared = task->shared;
		lookup->no_cache = task->no_cache;
		lookup->minimise = false; /* these servers were asked for names of the zone already */
		resolve_task_ready(engine, lookup);
	}
	return DERIVED_WAIT;
}

/* Copies what a sub-lookup brought; false when there is no memory. */
static bool keep_result(struct task *task, const struct outcome *outcome)
{
	struct validation *v = &task->validation;
	v->asked_set = NULL;
	v->asked_alias = false;
	v->asked_denial = (struct cache_denial){.nxdomain = outcome->rcode == WIRE_RCODE_NXDOMAIN};
	v->asked_reason = outcome->reason;
	v->asked_detail = NULL;
	if (outcome->detail != NULL)
		v->asked_detail = arena_dup(&task->arena, outcome->detail, strlen(outcome->detail) + 1);
	for (unsigned i = 0; i < outcome->n_answers; i++) {
		const struct rrset *set = outcome->answer[i];
		if (set->type == v->want.type && wire_name_equal(set->owner, v->asked)) {
			v->asked_set = resolve_rrset_copy(&task->arena, set);
			return v->asked_set != NULL;
		}
	}
	v->asked_alias = outcome->n_answers > 0;
	for (unsigned i = 0; i < outcome->n_denials && i < CACHE_DENIAL_SETS_MAX; i++) {
		struct rrset *set = resolve_rrset_copy(&task->arena, outcome->denial[i]);
		if (set == NULL)
			return false;
		v->asked_denial.set[v->asked_denial.n++] = set;
	}
	return true;
}

void resolve_trust_take(struct resolve *engine, struct want *want, const struct outcome *outcome)
{
	struct task *task = want->parent;
	struct validation *v = &task->validation;
	bool joined = want->waiter.joined;
	want->used = false;
	task->state = TASK_VALIDATE;
	resolve_task_ready(engine, task);
	if (joined && outcome->reason == REASON_WORK_LIMIT)
		return; /* somebody else's work was used up, not ours: it is asked for again */
	if (!keep_result(task, outcome))
		v->asked_reason = REASON_WORK_LIMIT;
	v->asked_type = want->type;
}

static bool for_proof(const struct waiter *waiter)
{
	return waiter->want != NULL && waiter->want->trust;
}

/* A name with an alias is no delegation (RFC 1034 section 3.6.2, RFC 6672 section 2.4): for a proof nothing depends on where it leads,
 * so that what is wrong there spoils nothing here. */
bool resolve_trust_alias(struct resolve *engine, struct task *task)
{
	enum reason reason = task->outcome.reason;
	if (task->qtype != WIRE_TYPE_DS || task->aliases == 0)
		return false;
	task->outcome.reason = REASON_NONE;
	resolve_task_notify_some(engine, task, for_proof, true);
	task->outcome.reason = reason;
	if (task->waiters != NULL)
		return false;
	task->state = TASK_WAIT; /* it ends when its turn comes */
	resolve_task_ready(engine, task);
	return true;
}

/* ---- the trust of a zone ---- */

static enum derived by_root_image(struct resolve *engine)
{
	struct ask ask = {.zone = root_name, .qname = root_name, .qtype = WIRE_TYPE_DNSKEY, .tcp = true, .root = true};
	struct dnssec_policy policy = resolve_policy(engine);
	struct dnssec_keyset *keyset = NULL;
	struct reply reply;
	struct reading reading;
	struct wire_rrset wire[2];
	if (resolve_root_read(engine, root_name, WIRE_TYPE_DNSKEY, &ask, &reply, &reading) < 0)
		return DERIVED_LIMIT;
	if (reading.kind != READING_ANSWER || reading.answer[0]->n_sigs == 0) {
		/* a root without keys, as in labs: nothing below it is signed */
		resolve_trust_put(engine, root_name, TRUST_INSECURE, REASON_NONE, NULL, INT64_MAX, NULL);
		return DERIVED_DONE;
	}
	if (resolve_rrset_wire(&engine->step, reading.answer[0], engine->cache_ms, false, wire) != 1 ||
	    dnssec_keyset_new(wire, &policy, &keyset) < 0)
		return DERIVED_LIMIT;
	resolve_trust_put(engine, root_name, TRUST_SECURE, REASON_NONE, NULL, reading.answer[0]->expires_ms, keyset);
	return DERIVED_DONE;
}

static enum derived derive(struct resolve *engine, struct task *task, const uint8_t *zone, const uint8_t **ret_above)
{
	unsigned labels;
	if (zone[0] == 0 && engine->root != NULL)
		return by_root_image(engine);
	resolve_anchor_scope(engine, zone, &labels);
	if (labels == wire_name_labels(zone))
		return resolve_trust_by_keys(engine, task, zone, NULL);
	return resolve_trust_by_parent(engine, task, zone, ret_above);
}

enum proof resolve_trust_zone(struct resolve *engine, struct task *task, const uint8_t *zone, const struct trust **ret)
{
	const uint8_t *open[TRUST_CHAIN_MAX];
	unsigned n = 0;
	open[n++] = zone;
	for (unsigned round = 0; round < TRUST_ROUNDS_MAX; round++) {
		const uint8_t *above = NULL;
		const struct trust *trust = resolve_trust_known(engine, open[n - 1]);
		if (trust != NULL) {
			if (--n > 0)
				continue;
			*ret = trust;
			return PROOF_DONE;
		}
		switch (derive(engine, task, open[n - 1], &above)) {
		case DERIVED_DONE:
			break;
		case DERIVED_ABOVE:
			if (n == TRUST_CHAIN_MAX || above == NULL)
				return PROOF_LIMIT;
			open[n++] = above;
			break;
		case DERIVED_WAIT:
			return PROOF_WAIT;
		case DERIVED_BOGUS:
			return PROOF_BOGUS;
		case DERIVED_LIMIT:
			return PROOF_LIMIT;
		}
	}
	return PROOF_LIMIT;
}

/* ---- must data at a name be signed? ---- */

/* The deepest name at or above `name` of which something is known; *ret_up: labels above `name`. At most `most` labels up. */
static const struct trust *deepest_known(struct resolve *engine, const uint8_t *name, unsigned most, unsigned *ret_up)
{
	for (unsigned up = 0; up <= most; up++) {
		const struct trust *trust = resolve_trust_known(engine, wire_name_skip(name, up));
		*ret_up = up;
		if (trust != NULL)
			return trust;
	}
	return NULL;
}

/* The name to look at next, of those `up` - 1 to 0 labels above `name`: the deepest of which the parent's word is at hand; else
 * the highest where a zone is known to begin, for below a zone that is unsigned nothing has to be asked; else one label further
 * down. */
static const uint8_t *next_below(struct resolve *engine, struct task *task, const uint8_t *name, unsigned up)
{
	struct cut cut;
	for (unsigned i = 0; i + 1 < up; i++)
		if (resolve_trust_has_parent(engine, task, wire_name_skip(name, i)))
			return wire_name_skip(name, i);
	for (unsigned i = up; i-- > 0;) {
		const uint8_t *at = wire_name_skip(name, i);
		if ((engine->root != NULL && wire_name_labels(at) == 1) ||
		    resolve_cache_cut(engine->cache, &engine->step, engine->cache_ms, at, NULL, &cut))
			return at;
	}
	return wire_name_skip(name, up - 1);
}

enum proof resolve_trust_name(struct resolve *engine, struct task *task, const uint8_t *name, const struct trust **ret)
{
	unsigned anchor, labels = wire_name_labels(name);
	if (resolve_anchor_scope(engine, name, &anchor) != ANCHOR_POSITIVE) {
		*ret = resolve_trust_known(engine, name);
		return PROOF_DONE;
	}
	for (unsigned round = 0; round <= WIRE_LABELS_MAX; round++) {
		unsigned up;
		const struct trust *trust = deepest_known(engine, name, labels - anchor, &up);
		const uint8_t *next = wire_name_skip(name, labels - anchor);
		if (trust != NULL) {
			bool over = up == 0 || trust->state == TRUST_INSECURE || trust->state == TRUST_BOGUS;
			*ret = trust;
			if (over)
				return PROOF_DONE;
			next = next_below(engine, task, name, up);
		}
		enum proof proof = resolve_trust_zone(engine, task, next, &trust);
		if (proof != PROOF_DONE)
			return proof;
	}
	return PROOF_LIMIT;
}
