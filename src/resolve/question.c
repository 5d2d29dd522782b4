// SPDX-License-Identifier: GPL-3.0-or-later
/* Client questions: answered at once, joined to a lookup in flight, or given one of their own. */
#include "way.h"

#include <stdlib.h>
#include <string.h>

static struct question **bucket_of(struct resolve *engine, uint64_t client)
{
	uint64_t hash = hash_sip(&client, sizeof client, engine->hash_key);
	return &engine->question[hash & (engine->question_buckets - 1)];
}

static void answer_add(struct resolve *engine, uint64_t client, const struct resolve_result *result)
{
	struct resolve_action action = {.kind = RESOLVE_ANSWER};
	action.answer.client = client;
	action.answer.result = result;
	resolve_action_add(engine, &action);
}

/* What is sent when there is no memory to say more. */
static const struct resolve_result out_of_memory = {.rcode = WIRE_RCODE_SERVFAIL};

static void answer_outcome(struct resolve *engine, const struct resolve_event *event, const struct outcome *outcome)
{
	uint16_t qtype = event->question.qtype;
	bool sigs = event->question.dnssec || qtype == WIRE_TYPE_RRSIG;
	struct resolve_result *result = resolve_outcome_result(engine, outcome, sigs);
	resolve_sentinel(engine, event->question.qname, qtype, event->question.checking_disabled, result);
	answer_add(engine, event->question.client, result == NULL ? &out_of_memory : result);
}

/* What policy says at once. */
static void answer_way(struct resolve *engine, const struct resolve_event *event, const struct way *way,
		       const struct outcome *outcome)
{
	struct resolve_result *result = resolve_way_result(engine, way, outcome);
	if (result != NULL && way->trace)
		resolve_way_steps(engine, way, NULL, result);
	resolve_sentinel(engine, event->question.qname, event->question.qtype, event->question.checking_disabled,
			 result);
	answer_add(engine, event->question.client, result == NULL ? &out_of_memory : result);
}

static void answer_failure(struct resolve *engine, uint64_t client, uint16_t rcode, enum reason reason)
{
	struct outcome outcome = {.rcode = rcode, .reason = reason};
	const struct resolve_result *result = resolve_outcome_result(engine, &outcome, false);
	answer_add(engine, client, result == NULL ? &out_of_memory : result);
}

/* ---- open questions ---- */

static struct question *question_find(struct resolve *engine, uint64_t client)
{
	struct question *question = *bucket_of(engine, client);
	while (question != NULL && question->client != client)
		question = question->next;
	return question;
}

/* Memory for a question, or NULL. */
static struct question *question_take(struct resolve *engine)
{
	struct question *question = engine->spare_question;
	if (question == NULL)
		return malloc(sizeof *question);
	engine->spare_question = question->next;
	return question;
}

static void bucket_add(struct resolve *engine, struct question *question)
{
	struct question **bucket = bucket_of(engine, question->client);
	question->next = *bucket;
	*bucket = question;
	engine->n_questions++;
}

static void bucket_remove(struct resolve *engine, struct question *question)
{
	struct question **at = bucket_of(engine, question->client);
	while (*at != question)
		at = &(*at)->next;
	*at = question->next;
	engine->n_questions--;
}

static void background_add(struct resolve *engine, struct question *question)
{
	question->background = true;
	question->prev = NULL;
	question->next = engine->background;
	if (question->next != NULL)
		question->next->prev = question;
	engine->background = question;
	engine->n_background++;
}

static void background_remove(struct resolve *engine, struct question *question)
{
	if (question->prev != NULL)
		question->prev->next = question->next;
	else
		engine->background = question->next;
	if (question->next != NULL)
		question->next->prev = question->prev;
	engine->n_background--;
}

static struct question *question_open(struct resolve *engine, const struct resolve_event *event)
{
	struct question *question = question_take(engine);
	if (question == NULL)
		return NULL;
	*question = (struct question){.client = event->question.client,
				      .started_ms = engine->now_ms,
				      .dnssec = event->question.dnssec,
				      .trace = event->question.trace,
				      .no_cache = event->question.no_cache,
				      .checking_disabled = event->question.checking_disabled,
				      .from = event->question.from,
				      .subnet = resolve_subnet_of(engine, event),
				      .tcp = event->question.tcp,
				      .qtype = event->question.qtype};
	question->waiter.question = question;
	question->deadline.kind = TIMER_QUESTION;
	question->deadline.owner = question;
	question->patience.kind = TIMER_PATIENCE;
	question->patience.owner = question;
	wire_name_lower(event->question.qname, question->qname);
	bucket_add(engine, question);
	return question;
}

static void question_close(struct resolve *engine, struct question *question)
{
	if (question->background)
		background_remove(engine, question);
	else
		bucket_remove(engine, question);
	resolve_timer_clear(&engine->timers, &question->deadline);
	resolve_timer_clear(&engine->timers, &question->patience);
	resolve_task_leave(engine, &question->waiter);
	resolve_way_drop(engine, question);
	question->next = engine->spare_question;
	engine->spare_question = question;
}

void resolve_questions_free(struct resolve *engine)
{
	for (uint32_t i = 0; engine->question != NULL && i < engine->question_buckets; i++)
		while (engine->question[i] != NULL)
			question_close(engine, engine->question[i]);
	while (engine->background != NULL)
		question_close(engine, engine->background);
	while (engine->spare_question != NULL) {
		struct question *question = engine->spare_question;
		engine->spare_question = question->next;
		free(question);
	}
}

/* ---- a question comes ---- */

/* Types that are asked of this very server or are none (RFC 6895 section 3.1); ANY is the one that makes sense. */
static bool type_resolvable(uint16_t qtype)
{
	if (qtype == 0 || qtype == WIRE_TYPE_OPT)
		return false;
	return qtype < 128 || qtype > 255 || qtype == WIRE_TYPE_ANY;
}

/* What is known of the name for this client. */
static int known(struct resolve *engine, const struct resolve_event *event, uint8_t *name, struct outcome *outcome,
		 bool *ret_missed)
{
	unsigned aliases = 0;
	uint16_t qtype = event->question.qtype;
	*ret_missed = false;
	struct addr_prefix subnet = resolve_subnet_of(engine, event);
	if (resolve_subnets_find(engine, &engine->step, name, qtype, &subnet, outcome) == 1)
		return 1;
	engine->tailoring = subnet.addr.family != 0;
	int rc = resolve_walk_cached(engine, &engine->step, name, qtype, &aliases, outcome);
	engine->tailoring = false;
	*ret_missed = rc == 0 && aliases == 0 && subnet.addr.family == 0;
	return rc;
}

/* The short way: everything is in the cache, along all that policy makes of it. `way` is NULL without policy. *ret_missed:
 * there is nothing at all of the name that was asked, not even an alias. */
static bool take_from_cache(struct resolve *engine, const struct resolve_event *event, struct way *way,
			    bool *ret_missed)
{
	struct outcome outcome;
	uint8_t name[WIRE_NAME_MAX];
	enum way_verdict verdict;
	if (event->question.no_cache || event->question.trace)
		return false;
	do {
		outcome.rcode = WIRE_RCODE_NOERROR; /* the rest of the tables stays as it is: they are large */
		outcome.reason = REASON_NONE;
		outcome.detail = NULL;
		outcome.bare = false;
		outcome.scope = 0;
		outcome.from_cache = true;
		outcome.n_answers = outcome.n_denials = 0;
		wire_name_lower(way == NULL ? event->question.qname : way->name, name);
		int rc = known(engine, event, name, &outcome, ret_missed);
		*ret_missed = *ret_missed && wire_name_equal(name, event->question.qname);
		if (rc != 1 || (!event->question.checking_disabled && !resolve_validate_known(engine, &outcome)))
			return false;
		verdict = way == NULL ? WAY_DONE : resolve_way_outcome(engine, way, &outcome);
	} while (verdict == WAY_RESOLVE);
	if (verdict == WAY_REFRESH)
		return false;
	counter_add(engine->counters, COUNTER_CACHE_HITS, 1);
	if (way == NULL || resolve_way_idle(way))
		answer_outcome(engine, event, &outcome);
	else
		answer_way(engine, event, way, &outcome);
	resolve_refresh_check(engine, event->question.qname, event->question.qtype, &outcome);
	return true;
}

/* The other short way: there was something in it, and it is known that nothing better can be had now. */
static bool take_stale(struct resolve *engine, const struct resolve_event *event, struct way *way)
{
	struct outcome outcome;
	const uint8_t *qname = way == NULL ? event->question.qname : way->name;
	uint16_t qtype = event->question.qtype;
	uint8_t asked[WIRE_NAME_MAX];
	if (event->question.no_cache || event->question.trace || !resolve_stale_at_once(engine, qname, qtype, &outcome))
		return false;
	wire_name_lower(qname, asked);
	if (way != NULL && resolve_way_outcome(engine, way, &outcome) != WAY_DONE)
		return false;
	counter_add(engine->counters, COUNTER_CACHE_HITS, 1);
	counter_add(engine->counters, COUNTER_STALE, 1);
	if (way == NULL)
		answer_outcome(engine, event, &outcome);
	else
		answer_way(engine, event, way, &outcome);
	enum reason reason;
	if (!resolve_cache_failure(engine->cache, &engine->step, engine->cache_ms, asked, qtype, &reason) &&
	    resolve_task_find(engine, asked, qtype) == NULL)
		resolve_question_background(engine, asked, qtype);
	return true;
}

/* Is it to be resolved for its client's network? Not while many others ask for the same. */
static bool question_tailored(struct resolve *engine, const struct question *question)
{
	unsigned n_others;
	if (question->subnet.addr.family == 0 ||
	    !(question->tailored || resolve_subnet_covers(engine, question->qname)))
		return false;
	if (resolve_task_find_for(engine, question->qname, question->qtype, &question->subnet, &n_others) != NULL ||
	    n_others < SUBNET_TASKS_MAX)
		return true;
	counter_add(engine->counters, COUNTER_ECS_LIMITED, 1);
	return false;
}

/* A lookup for the question: one in flight, or a new one. BANYAN_ENOMEM or BANYAN_ELIMIT. */
static int question_start(struct resolve *engine, struct question *question)
{
	bool own = question->trace || question->no_cache || question->retried || question->refreshed;
	bool tailored = question_tailored(engine, question);
	struct task *task = own || tailored ? NULL : resolve_task_find(engine, question->qname, question->qtype);
	unsigned n_others;
	if (tailored && !own)
		task = resolve_task_find_for(engine, question->qname, question->qtype, &question->subnet, &n_others);
	if (task != NULL && task->state >= TASK_VALIDATE && question->checking_disabled)
		task = NULL; /* does not wait for a proof */
	if (task != NULL) {
		if (task->n_waiters >= engine->settings.live.clients_per_question)
			return BANYAN_ELIMIT;
		counter_add(engine->counters, COUNTER_SHARED, 1);
		question->waiter.joined = true;
		resolve_task_wait(task, &question->waiter);
		return 0;
	}
	struct work *work = resolve_work_new(engine, question->trace);
	if (work == NULL)
		return BANYAN_ENOMEM;
	task = resolve_task_new(engine, question->qname, question->qtype, 0, work);
	resolve_work_release(work);
	if (task == NULL)
		return BANYAN_ENOMEM;
	task->shared = !own;
	if (tailored)
		task->subnet = question->subnet;
	task->no_cache = question->no_cache || question->refreshed;
	task->refresh = question->background;
	task->missed = question->missed;
	question->missed = false; /* another time there may be something */
	question->waiter.joined = false;
	resolve_task_wait(task, &question->waiter);
	resolve_task_ready(engine, task);
	return 0;
}

/* It ends after some time, and before that its client gets something stale if there is any. */
static int question_timers(struct resolve *engine, struct question *question)
{
	const struct resolve_settings *settings = &engine->settings;
	int rc = resolve_timer_set(&engine->timers, &question->deadline,
				   engine->now_ms + settings->live.question_time_ms);
	if (rc < 0 || question->background || question->no_cache || question->trace || !settings->live.serve_stale ||
	    settings->live.stale_client_timeout_ms >= settings->live.question_time_ms)
		return rc;
	return resolve_timer_set(&engine->timers, &question->patience,
				 engine->now_ms + settings->live.stale_client_timeout_ms);
}

void resolve_question_take(struct resolve *engine, const struct resolve_event *event)
{
	uint64_t client = event->question.client;
	engine->additional = event->question.additional;
	if (!type_resolvable(event->question.qtype)) {
		answer_failure(engine, client, WIRE_RCODE_NOTIMP, REASON_NONE);
		return;
	}
	struct way policed, *way = engine->policy == NULL ? NULL : &policed;
	if (way != NULL) {
		resolve_way_init(way, event);
		if (resolve_way_begin(engine, way) == WAY_DONE) {
			answer_way(engine, event, way, NULL);
			return;
		}
	}
	bool missed = false;
	if (take_from_cache(engine, event, way, &missed) || take_stale(engine, event, way))
		return;
	counter_add(engine->counters, COUNTER_CACHE_MISSES, 1);
	if (event->question.cached_only) {
		answer_failure(engine, client, WIRE_RCODE_SERVFAIL, REASON_CLIENT_LIMIT);
		return;
	}
	if (engine->n_questions >= engine->settings.questions_max || question_find(engine, client) != NULL) {
		answer_failure(engine, client, WIRE_RCODE_SERVFAIL, REASON_QUEUE_FULL);
		return;
	}
	struct question *question = question_open(engine, event);
	if (question == NULL) {
		answer_failure(engine, client, WIRE_RCODE_SERVFAIL, REASON_QUEUE_FULL);
		return;
	}
	/* of the name as it was asked, if policy makes no other of it */
	question->missed = missed && (way == NULL || wire_name_equal(way->name, event->question.qname));
	if ((way != NULL && resolve_way_keep(engine, question, way) < 0) || question_start(engine, question) < 0 ||
	    question_timers(engine, question) < 0) {
		question_close(engine, question);
		answer_failure(engine, client, WIRE_RCODE_SERVFAIL, REASON_QUEUE_FULL);
	}
}

/* A question that nobody waits for; NULL = no memory. */
static struct question *background_open(struct resolve *engine, const uint8_t *qname, uint16_t qtype)
{
	struct question *question = question_take(engine);
	if (question == NULL)
		return NULL;
	*question = (struct question){.started_ms = engine->now_ms, .qtype = qtype};
	question->waiter.question = question;
	question->deadline.kind = TIMER_QUESTION;
	question->deadline.owner = question;
	wire_name_lower(qname, question->qname);
	background_add(engine, question);
	return question;
}

static bool background_start(struct resolve *engine, struct question *question)
{
	if (question_start(engine, question) == 0 && question_timers(engine, question) == 0)
		return true;
	question_close(engine, question);
	return false;
}

bool resolve_question_background(struct resolve *engine, const uint8_t *qname, uint16_t qtype)
{
	if (engine->n_background >= engine->settings.live.prefetch_max)
		return false;
	struct question *question = background_open(engine, qname, qtype);
	return question != NULL && background_start(engine, question);
}

bool resolve_question_anchors(struct resolve *engine, const uint8_t *qname, uint16_t qtype, bool keys)
{
	struct question *question = background_open(engine, qname, qtype);
	if (question == NULL)
		return false;
	question->checking_disabled = true; /* what they are worth is for rolling.c to say */
	question->keys = keys;
	question->no_cache = !keys; /* RFC 8145 section 5.1.1: what is denied already must be asked all the same */
	return background_start(engine, question);
}

/* ---- a question ends ---- */

/* What is stale instead, where that helps. */
static const struct outcome *or_stale(struct resolve *engine, const struct question *question,
				      const struct outcome *outcome, struct outcome *stale)
{
	if (question->background || outcome->rcode != WIRE_RCODE_SERVFAIL || question->no_cache ||
	    !resolve_stale_helps(outcome->reason) ||
	    !resolve_stale_find(engine, &engine->step, question->qname, question->qtype, stale))
		return outcome;
	counter_add(engine->counters, COUNTER_STALE, 1);
	return stale;
}

static void question_answer(struct resolve *engine, struct question *question, const struct way *way,
			    const struct outcome *outcome, const struct work *work)
{
	if (question->keys)
		resolve_rolling_take(engine, question->qname, outcome);
	if (question->background)
		return;
	struct resolve_result *result = resolve_way_result(engine, way, outcome);
	resolve_sentinel(engine, question->qname, question->qtype, question->checking_disabled, result);
	if (result != NULL) {
		result->upstream = work->upstream;
		result->took_ms = engine->now_ms - question->started_ms;
		if (question->trace) /* copied: the walk may go on for another one who waits */
			resolve_way_steps(engine, way, work, result);
	}
	answer_add(engine, question->client, result == NULL ? &out_of_memory : result);
}

/* Once more for another name, or without the cache. What was spent stays spent. */
static bool question_again(struct resolve *engine, struct question *question, const struct way *way,
			   enum way_verdict verdict, const struct work *work)
{
	uint32_t spent = question->waiter.joined ? 0 : work->upstream;
	if (resolve_way_keep(engine, question, way) < 0)
		return false;
	question->retried = false;
	if (question_start(engine, question) < 0)
		return false;
	if (!question->waiter.joined)
		question->waiter.task->work->upstream += spent;
	return true;
}

void resolve_question_done(struct resolve *engine, struct question *question, const struct outcome *outcome,
			   const struct work *work)
{
	struct way way;
	bool others_limit = question->waiter.joined && outcome->reason == REASON_WORK_LIMIT;
	bool others_proof = question->checking_disabled && resolve_validate_failure(outcome->reason);
	if ((others_limit || others_proof) && !question->retried) {
		/* Somebody else's work was used up, not this client's; or somebody else wanted proved data. */
		question->retried = true;
		if (question_start(engine, question) == 0)
			return;
	}
	struct outcome stale;
	resolve_way_restore(question, &way);
	outcome = or_stale(engine, question, outcome, &stale);
	enum way_verdict verdict = question->background ? WAY_DONE : resolve_way_outcome(engine, &way, outcome);
	if (verdict != WAY_DONE) {
		if (question_again(engine, question, &way, verdict, work))
			return;
		way.touched = true;
		way.rcode = WIRE_RCODE_SERVFAIL;
		way.reason = REASON_WORK_LIMIT;
	}
	question_answer(engine, question, &way, outcome, work);
	question_close(engine, question);
}

void resolve_question_impatient(struct resolve *engine, struct question *question)
{
	struct outcome outcome;
	struct way way;
	if (!resolve_stale_find(engine, &engine->step, question->qname, question->qtype, &outcome))
		return;
	resolve_way_restore(question, &way);
	if (resolve_way_outcome(engine, &way, &outcome) != WAY_DONE)
		return;
	counter_add(engine->counters, COUNTER_STALE, 1);
	question_answer(engine, question, &way, &outcome, question->waiter.task->work);
	question->waiter.task->slow = true;
	bucket_remove(engine, question); /* the client has what it wanted; the walk goes on */
	background_add(engine, question);
}

/* Rules without data of their own need not wait for the end of a chain; others do, so that nothing goes out that is
 * not proved. */
void resolve_question_alias(struct resolve *engine, struct task *task)
{
	struct outcome outcome = task->outcome;
	outcome.rcode = WIRE_RCODE_NOERROR;
	outcome.from_cache = false;
	outcome.n_denials = 0;
	for (struct waiter *waiter = task->waiters, *next; waiter != NULL; waiter = next) {
		struct question *question = waiter->question;
		struct way way;
		next = waiter->next;
		if (question == NULL || question->background)
			continue;
		resolve_way_restore(question, &way);
		if (!resolve_way_ends(engine, &way, task->sname) ||
		    resolve_way_outcome(engine, &way, &outcome) != WAY_DONE || !way.touched || way.data)
			continue;
		if (!question->checking_disabled && !resolve_validate_known(engine, &outcome))
			way.n_answers = 0; /* not proved yet */
		question_answer(engine, question, &way, &outcome, task->work);
		question_close(engine, question);
	}
}

void resolve_question_expire(struct resolve *engine, struct question *question)
{
	struct outcome outcome = {.rcode = WIRE_RCODE_SERVFAIL, .reason = REASON_TIME_LIMIT};
	if (!question->no_cache)
		resolve_evictions_count(
			engine,
			resolve_cache_put_failure(engine->cache, engine->cache_ms, question->qname, question->qtype,
						  REASON_TIME_LIMIT,
						  resolve_stale_recheck_s(engine, question->qname, question->qtype)));
	struct way way;
	struct outcome stale;
	resolve_way_restore(question, &way);
	const struct outcome *told = or_stale(engine, question, &outcome, &stale);
	if (!question->background && resolve_way_outcome(engine, &way, told) != WAY_DONE) {
		way.rcode = outcome.rcode;
		way.reason = outcome.reason;
		way.touched = true;
	}
	question_answer(engine, question, &way, told, question->waiter.task->work);
	question_close(engine, question);
}

void resolve_question_cancel(struct resolve *engine, uint64_t client)
{
	struct question *question = question_find(engine, client);
	if (question == NULL)
		return;
	counter_add(engine->counters, COUNTER_CANCELLED, 1);
	question_close(engine, question);
}

void resolve_question_split(struct resolve *engine, struct question *question)
{
	uint32_t spent = question->waiter.joined ? 0 : question->waiter.task->work->upstream;
	question->tailored = true;
	if (!question_tailored(engine, question)) {
		question->subnet.addr.family = 0;
		return;
	}
	resolve_task_leave(engine, &question->waiter);
	if (question_start(engine, question) == 0) {
		if (!question->waiter.joined) /* what was spent stays spent */
			question->waiter.task->work->upstream += spent;
		return;
	}
	answer_failure(engine, question->client, WIRE_RCODE_SERVFAIL, REASON_QUEUE_FULL);
	question_close(engine, question);
}
