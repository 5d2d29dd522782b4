// SPDX-License-Identifier: GPL-3.0-or-later
/* What the operator says about a client's names, put into effect. */
#include "way.h"

#include <stdlib.h>
#include <string.h>

void resolve_way_init(struct way *way, const struct resolve_event *event)
{
	way->client = event->question.from.family == 0 ? NULL : &event->question.from;
	way->tcp = event->question.tcp;
	way->dnssec = event->question.dnssec;
	way->trace = event->question.trace;
	way->qtype = event->question.qtype;
	wire_name_lower(event->question.qname, way->name);
	way->rpz_done = way->refreshed = way->touched = way->joined = way->checked = way->data = false;
	way->drop = way->truncated = way->authoritative = way->log = false;
	way->aliases = way->n_answers = way->n_denials = way->n_notes = way->n_notes_before = 0;
	way->rcode = WIRE_RCODE_NOERROR;
	way->reason = REASON_NONE;
	way->additional = NULL;
	way->rule = NULL;
}

/* Results of this step point into it. */
static void let_go(struct resolve *engine, struct way_kept *kept)
{
	if (kept == NULL)
		return;
	kept->next = engine->old_ways;
	engine->old_ways = kept;
}

void resolve_ways_clean(struct resolve *engine)
{
	while (engine->old_ways != NULL) {
		struct way_kept *kept = engine->old_ways;
		engine->old_ways = kept->next;
		arena_done(&kept->arena);
		free(kept);
	}
}

void resolve_way_drop(struct resolve *engine, struct question *question)
{
	let_go(engine, question->way);
	question->way = NULL;
}

int resolve_way_keep(struct resolve *engine, struct question *question, const struct way *way)
{
	struct way_kept *before = question->way, *kept = NULL;
	question->rpz_done = way->rpz_done;
	question->refreshed = way->refreshed;
	question->checked = way->checked;
	memcpy(question->qname, way->name, sizeof question->qname);
	if (!way->touched && way->n_notes == 0 && way->rule == NULL)
		return 0;
	kept = calloc(1, sizeof *kept);
	if (kept == NULL)
		return BANYAN_ENOMEM;
	kept->way = *way;
	question->way = kept;
	struct way *to = &kept->way;
	to->n_notes_before = to->n_notes;
	bool good = true;
	for (unsigned i = 0; i < way->n_answers && good; i++)
		good = (to->answer[i] = resolve_rrset_copy(&kept->arena, way->answer[i])) != NULL;
	if (way->additional != NULL && good)
		good = (to->additional = resolve_rrset_copy(&kept->arena, way->additional)) != NULL;
	if (way->rule != NULL && good)
		good = (to->rule = arena_printf(&kept->arena, "%s", way->rule)) != NULL;
	for (unsigned i = 0; i < way->n_notes && good; i++) {
		to->note[i].qname = arena_dup(&kept->arena, way->note[i].qname, wire_name_len(way->note[i].qname));
		to->note[i].what = arena_printf(&kept->arena, "%s", way->note[i].what);
		good = to->note[i].qname != NULL && to->note[i].what != NULL;
	}
	if (!good)
		resolve_way_drop(engine, question);
	let_go(engine, before);
	return good ? 0 : BANYAN_ENOMEM;
}

void resolve_way_restore(const struct question *question, struct way *way)
{
	struct resolve_event event = {.question = {.from = question->from,
						   .tcp = question->tcp,
						   .dnssec = question->dnssec,
						   .trace = question->trace,
						   .qname = question->qname,
						   .qtype = question->qtype}};
	if (question->way != NULL)
		*way = question->way->way;
	else
		resolve_way_init(way, &event);
	way->client = question->from.family == 0 ? NULL : &question->from;
	way->rpz_done = question->rpz_done;
	way->refreshed = question->refreshed;
	way->checked = question->checked;
}

/* ---- telling ---- */

static void count(struct resolve *engine, enum policy_trigger trigger)
{
	static const enum counter counters[POLICY_TRIGGERS] = {
		[POLICY_TRIGGER_LOCAL] = COUNTER_POLICY_LOCAL,
		[POLICY_TRIGGER_CLIENT_IP] = COUNTER_POLICY_CLIENT_IP,
		[POLICY_TRIGGER_QNAME] = COUNTER_POLICY_QNAME,
		[POLICY_TRIGGER_IP] = COUNTER_POLICY_IP,
		[POLICY_TRIGGER_NSDNAME] = COUNTER_POLICY_NSDNAME,
		[POLICY_TRIGGER_NSIP] = COUNTER_POLICY_NSIP,
	};
	counter_add(engine->counters, counters[trigger], 1);
}

/* The rule in words, for the log and the trace; not made when nobody wants it. */
static void tell(struct resolve *engine, struct way *way, const struct policy_rule *rule, const char *what)
{
	char text[POLICY_TEXT_MAX];
	if (!rule->log && !way->trace)
		return;
	const char *words = arena_printf(&engine->step, "%s: %s", what, policy_rule_text(rule, text));
	const uint8_t *name = arena_dup(&engine->step, way->name, wire_name_len(way->name));
	way->rule = words;
	way->log |= rule->log;
	if (!way->trace || words == NULL || name == NULL || way->n_notes == WAY_NOTES_MAX)
		return;
	way->note[way->n_notes++] = (struct resolve_trace_step){
		.kind = RESOLVE_STEP_POLICY, .qname = name, .qtype = way->qtype, .what = words};
}

/* ---- putting into effect ---- */

static struct rrset *set_make(struct resolve *engine, const uint8_t *owner, const struct policy_set *set)
{
	struct rrset *made = arena_alloc0(&engine->step, sizeof *made);
	const uint8_t *name = arena_dup(&engine->step, owner, wire_name_len(owner));
	if (made == NULL || name == NULL)
		return NULL;
	*made = (struct rrset){.owner = name,
			       .type = set->type,
			       .count = set->count,
			       .rank = RANK_AUTHORITY,
			       .expires_ms = engine->cache_ms + (int64_t)set->ttl * 1000,
			       .pack = set->pack,
			       .size = set->size};
	return made;
}

static void fail(struct way *way, uint16_t rcode, enum reason reason)
{
	way->rcode = rcode;
	way->reason = reason;
}

static bool add_answer(struct resolve *engine, struct way *way, const struct policy_set *set)
{
	struct rrset *made = way->n_answers < OUTCOME_SETS_MAX ? set_make(engine, way->name, set) : NULL;
	if (made != NULL)
		way->answer[way->n_answers++] = made;
	else
		fail(way, WIRE_RCODE_SERVFAIL, REASON_WORK_LIMIT);
	return made != NULL;
}

/* The SOA of a negative answer: what is left of its lifetime is the lesser of TTL and MINIMUM (RFC 2308 section 3). */
static void add_soa(struct resolve *engine, struct way *way, const struct policy_hit *hit, bool negative)
{
	struct policy_set soa = hit->soa;
	if (hit->soa_owner == NULL || (!negative && !hit->soa_additional))
		return;
	uint32_t minimum = wire_get32(soa.pack + soa.size - 4);
	if (minimum < soa.ttl)
		soa.ttl = minimum;
	struct rrset *made = set_make(engine, hit->soa_owner, &soa);
	if (hit->soa_additional)
		way->additional = made;
	else if (made != NULL)
		way->denial[way->n_denials++] = made;
}

/* A CNAME: WAY_RESOLVE with way->name where it leads. */
static enum way_verdict follow(struct resolve *engine, struct way *way, const struct policy_hit *hit, uint32_t ttl,
			       const uint8_t *target)
{
	uint8_t joined[WIRE_NAME_MAX], pack[2 + WIRE_NAME_MAX];
	size_t len = wire_name_len(target);
	if (hit->wildcard_cname && target[0] == 1 && target[1] == '*') {
		size_t head = wire_name_len(way->name) - 1;
		if (head + len - 2 > WIRE_NAME_MAX) {
			fail(way, WIRE_RCODE_YXDOMAIN, hit->reason); /* as for DNAME, RFC 6672 section 2.2 */
			return WAY_DONE;
		}
		memcpy(joined, way->name, head);
		memcpy(joined + head, target + 2, len - 2);
		target = joined;
		len += head - 2;
	}
	wire_put16(pack, (uint16_t)len);
	memcpy(pack + 2, target, len);
	const uint8_t *kept = arena_dup(&engine->step, pack, len + 2);
	struct policy_set set = {WIRE_TYPE_CNAME, 1, ttl, (uint32_t)len + 2, kept};
	if (kept == NULL || !add_answer(engine, way, &set))
		return WAY_DONE;
	if (++way->aliases > RESOLVE_ALIASES_MAX) {
		fail(way, WIRE_RCODE_SERVFAIL, REASON_ALIAS_LOOP);
		return WAY_DONE;
	}
	wire_name_lower(kept + 2, way->name);
	return WAY_RESOLVE;
}

#define OVERRIDE_TTL 60 /* seconds, of the CNAME that a configuration puts in place: it may change with any reload */

static enum way_verdict put_data(struct resolve *engine, struct way *way, const struct policy_hit *hit)
{
	struct policy_set set;
	bool found = false;
	way->data = true;
	if (hit->cname != NULL)
		return follow(engine, way, hit, OVERRIDE_TTL, hit->cname);
	if (way->qtype != WIRE_TYPE_CNAME && way->qtype != WIRE_TYPE_ANY &&
	    policy_data_find(hit->data, WIRE_TYPE_CNAME, &set))
		return follow(engine, way, hit, set.ttl, set.pack + 2);
	for (unsigned i = 0; i < policy_data_count(hit->data); i++) {
		set = policy_data_at(hit->data, i);
		if (set.type != way->qtype && way->qtype != WIRE_TYPE_ANY)
			continue;
		found = true;
		if (!add_answer(engine, way, &set))
			return WAY_DONE;
	}
	way->rcode = WIRE_RCODE_NOERROR;
	add_soa(engine, way, hit, !found);
	return WAY_DONE;
}

static enum way_verdict apply(struct resolve *engine, struct way *way, const struct policy_hit *hit)
{
	bool local = hit->rule.trigger == POLICY_TRIGGER_LOCAL;
	tell(engine, way, &hit->rule, policy_action_text(hit->action));
	count(engine, hit->rule.trigger);
	way->rpz_done |= !local;
	if (hit->action == POLICY_PASS || (hit->action == POLICY_TCP_ONLY && way->tcp))
		return WAY_RESOLVE;
	way->authoritative = hit->authoritative && (way->n_answers == 0 || way->authoritative);
	way->touched = true;
	way->reason = hit->reason;
	switch (hit->action) {
	case POLICY_NXDOMAIN:
		way->rcode = WIRE_RCODE_NXDOMAIN;
		add_soa(engine, way, hit, true);
		break;
	case POLICY_NODATA:
		way->rcode = WIRE_RCODE_NOERROR;
		add_soa(engine, way, hit, true);
		break;
	case POLICY_REFUSE:
		way->rcode = WIRE_RCODE_REFUSED;
		break;
	case POLICY_DROP:
		way->drop = true;
		break;
	case POLICY_TCP_ONLY:
		way->truncated = true;
		break;
	default:
		return put_data(engine, way, hit);
	}
	return WAY_DONE;
}

/* ---- asking ---- */

static void subject_init(struct resolve *engine, const struct way *way, struct policy_subject *subject)
{
	static const struct addr unknown;
	*subject = (struct policy_subject){.client = way->client, .qtype = way->qtype, .name = way->name};
	subject->view = policy_view_of(engine->policy, way->client == NULL ? &unknown : way->client);
	subject->local_only = way->rpz_done;
}

static void note(struct resolve *engine, struct way *way, const struct policy_hit *hit)
{
	if (!hit->noted)
		return;
	counter_add(engine->counters, COUNTER_POLICY_NOTED, 1);
	tell(engine, way, &hit->note, "noted");
}

enum way_verdict resolve_way_begin(struct resolve *engine, struct way *way)
{
	struct policy_subject subject;
	struct policy_hit hit;
	for (;;) {
		subject_init(engine, way, &subject);
		enum policy_verdict verdict = policy_check(&subject, &hit);
		if (verdict == POLICY_LATER)
			return WAY_RESOLVE; /* and is told of then */
		if (verdict == POLICY_HIT && hit.keep_signed && way->dnssec)
			return WAY_RESOLVE;
		note(engine, way, &hit);
		way->checked = verdict == POLICY_NOTHING;
		if (verdict == POLICY_NOTHING)
			return WAY_RESOLVE;
		unsigned before = way->aliases;
		enum way_verdict done = apply(engine, way, &hit);
		if (done == WAY_DONE || way->aliases == before)
			return done;
	}
}

static bool is_signed(const struct outcome *outcome)
{
	for (unsigned i = 0; i < outcome->n_answers; i++)
		if (outcome->answer[i]->n_sigs > 0)
			return true;
	for (unsigned i = 0; i < outcome->n_denials; i++)
		if (outcome->denial[i]->n_sigs > 0)
			return true;
	return false;
}

/* Addresses among the sets from `first` on, owned by `name`. */
static size_t addresses_of(const struct outcome *outcome, unsigned first, const uint8_t *name,
			   struct addr addr[RESOLVE_ADDRESSES_MAX])
{
	size_t n = 0;
	for (unsigned i = first; i < outcome->n_answers; i++) {
		const struct rrset *set = outcome->answer[i];
		if ((set->type != WIRE_TYPE_A && set->type != WIRE_TYPE_AAAA) || !wire_name_equal(set->owner, name))
			continue;
		for (unsigned r = 0; r < set->count && n < RESOLVE_ADDRESSES_MAX; r++) {
			struct wire_rdata rdata = resolve_rrset_rdata(set, r);
			addr[n] = (struct addr){.family = rdata.len == 4 ? 4 : 6};
			memcpy(addr[n++].ip, rdata.data, rdata.len == 4 ? 4 : 16);
		}
	}
	return n;
}

/* The CNAME of the outcome that leads on from `name`: its index, or n_answers. */
static unsigned alias_of(const struct outcome *outcome, unsigned first, const uint8_t *name)
{
	unsigned i = first;
	while (i < outcome->n_answers &&
	       (outcome->answer[i]->type != WIRE_TYPE_CNAME || !wire_name_equal(outcome->answer[i]->owner, name)))
		i++;
	return i;
}

static void keep_answers(struct way *way, const struct outcome *outcome, unsigned n)
{
	for (unsigned i = 0; i < n && way->n_answers < OUTCOME_SETS_MAX; i++)
		way->answer[way->n_answers++] = outcome->answer[i];
}

/* Rules for one name of the outcome; `first`: index of the sets that are its own. */
static enum policy_verdict check_name(struct resolve *engine, struct way *way, const struct outcome *outcome,
				      unsigned first, struct policy_hit *ret, bool *ret_unknown)
{
	struct addr addr[RESOLVE_ADDRESSES_MAX];
	struct facts *facts = NULL;
	struct policy_subject subject;
	subject_init(engine, way, &subject);
	subject.resolved = true;
	subject.n_addrs = addresses_of(outcome, first, way->name, addr);
	subject.addr = addr;
	if (!way->rpz_done && policy_wants_servers(subject.view) &&
	    (facts = arena_alloc(&engine->step, sizeof *facts)) != NULL) {
		*ret_unknown |= !resolve_facts_servers(engine, way->name, outcome, facts);
		subject.n_ns = facts->n_ns;
		subject.ns = facts->ns;
		subject.n_ns_addrs = facts->n_ns_addrs;
		subject.ns_addr = facts->ns_addr;
	}
	enum policy_verdict verdict = policy_check(&subject, ret);
	note(engine, way, ret);
	if (verdict == POLICY_HIT && ret->keep_signed && way->dnssec && is_signed(outcome)) {
		way->rpz_done = true;
		verdict = POLICY_NOTHING;
	}
	return verdict;
}

bool resolve_way_ends(struct resolve *engine, const struct way *way, const uint8_t *name)
{
	struct policy_subject subject;
	struct policy_hit hit;
	subject_init(engine, way, &subject);
	subject.name = name;
	return policy_check(&subject, &hit) == POLICY_HIT && !(hit.keep_signed && way->dnssec) &&
	       hit.action != POLICY_PASS && hit.action != POLICY_DATA && !policy_wants_servers(subject.view);
}

/* Rules for the names of the outcome one after the other: WAY_DONE or WAY_RESOLVE when one counts, and *ret_hit. */
static enum way_verdict check_names(struct resolve *engine, struct way *way, const struct outcome *outcome,
				    bool *ret_unknown, bool *ret_hit)
{
	unsigned at = 0;
	bool many = way->qtype == WIRE_TYPE_CNAME || way->qtype == WIRE_TYPE_ANY || way->qtype == WIRE_TYPE_RRSIG;
	for (unsigned steps = 0; steps <= OUTCOME_SETS_MAX; steps++) {
		struct policy_hit hit;
		bool checked = steps == 0 && way->checked;
		if (!checked && check_name(engine, way, outcome, at, &hit, ret_unknown) == POLICY_HIT) {
			unsigned before = way->aliases;
			keep_answers(way, outcome, at);
			enum way_verdict done = apply(engine, way, &hit);
			*ret_hit = done == WAY_DONE || way->aliases != before;
			if (*ret_hit)
				return done == WAY_DONE ? done : resolve_way_begin(engine, way);
			way->n_answers -= at; /* let through */
		}
		unsigned next = many ? outcome->n_answers : alias_of(outcome, at, way->name);
		if (next == outcome->n_answers)
			break;
		wire_name_lower(resolve_rrset_rdata(outcome->answer[next], 0).data, way->name);
		at = next + 1;
	}
	return WAY_DONE;
}

enum way_verdict resolve_way_outcome(struct resolve *engine, struct way *way, const struct outcome *outcome)
{
	uint8_t start[WIRE_NAME_MAX];
	bool unknown = false, hit = false;
	if (engine->policy != NULL) {
		memcpy(start, way->name, sizeof start);
		enum way_verdict verdict = check_names(engine, way, outcome, &unknown, &hit);
		if (hit)
			return verdict;
		if (unknown && outcome->from_cache && !way->refreshed) {
			memcpy(way->name, start, sizeof start);
			way->refreshed = true;
			return WAY_REFRESH;
		}
	}
	if (way->n_answers > 0) { /* the answer begins with local aliases: the rest goes behind them */
		keep_answers(way, outcome, outcome->n_answers);
		way->joined = true;
		way->rcode = outcome->rcode;
		way->reason = outcome->reason != REASON_NONE ? outcome->reason : way->reason;
	}
	return WAY_DONE;
}

struct resolve_result *resolve_way_result(struct resolve *engine, const struct way *way, const struct outcome *outcome)
{
	struct outcome made = {.rcode = way->rcode, .reason = way->reason, .n_denials = way->n_denials};
	bool sigs = way->dnssec || way->qtype == WIRE_TYPE_RRSIG;
	if (way->touched && !way->truncated && way->rcode != WIRE_RCODE_REFUSED) {
		made.n_answers = way->n_answers;
		memcpy(made.answer, way->answer, way->n_answers * sizeof(struct rrset *));
	}
	memcpy(made.denial, way->denial, way->n_denials * sizeof(struct rrset *));
	if (outcome != NULL)
		made.from_cache = outcome->from_cache;
	if (way->joined && outcome != NULL) {
		made.n_denials = outcome->n_denials;
		memcpy(made.denial, outcome->denial, outcome->n_denials * sizeof(struct rrset *));
		made.detail = outcome->detail;
	}
	struct resolve_result *result =
		resolve_outcome_result(engine, way->touched || outcome == NULL ? &made : outcome, sigs);
	if (result == NULL)
		return NULL;
	result->authentic = result->authentic && !way->touched;
	result->authoritative = way->authoritative;
	result->drop = way->drop;
	result->truncated = way->truncated;
	result->rule = way->rule;
	result->log = way->log;
	struct wire_rrset *additional =
		way->additional == NULL ? NULL : arena_alloc(&engine->step, 2 * sizeof *additional);
	if (additional != NULL &&
	    resolve_rrset_wire(&engine->step, way->additional, engine->cache_ms, false, additional) == 1) {
		result->additional = additional;
		result->n_additional = 1;
		result->policy_soa = true;
	}
	return result;
}

/* The steps of the trace: rules before the walk, the walk, rules after it. */
void resolve_way_steps(struct resolve *engine, const struct way *way, const struct work *work,
		       struct resolve_result *result)
{
	size_t walked = work == NULL ? 0 : work->n_steps, n = way->n_notes + walked;
	struct resolve_trace_step *step = arena_alloc(&engine->step, (n + 1) * sizeof *step);
	if (step == NULL)
		return;
	memcpy(step, way->note, way->n_notes_before * sizeof *step);
	if (walked > 0)
		memcpy(step + way->n_notes_before, work->step, walked * sizeof *step);
	memcpy(step + way->n_notes_before + walked, way->note + way->n_notes_before,
	       (way->n_notes - way->n_notes_before) * sizeof *step);
	result->step = step;
	result->n_steps = n;
}
