// SPDX-License-Identifier: GPL-3.0-or-later
/* Questions to authorities: written, matched with what comes back, given up. */
#include "engine.h"

#include <string.h>

#define UPSTREAM_OPTIONS_MAX (COOKIE_OPTION_MAX + SUBNET_OPTION_MAX)
#define UPSTREAM_MESSAGE_MAX                                                                                           \
	(320 + UPSTREAM_OPTIONS_MAX) /* header, one name of 255, type and class, OPT with options */
#define UPSTREAM_OPT_SIZE 11

static struct cut_target *target_of(const struct exchange *exchange)
{
	return &exchange->task->cut->target[exchange->target];
}

static struct resolve_trace_step step_for(struct resolve *engine, const struct exchange *exchange)
{
	const struct cut *cut = exchange->task->cut;
	return (struct resolve_trace_step){
		.took_ms = engine->now_ms - exchange->sent_ms,
		.zone = cut->zone,
		.server = cut->configured ? NULL : cut->server[cut->target[exchange->target].server].name,
		.addr = exchange->to,
		.tcp = exchange->tcp,
		.qname = exchange->qname,
		.qtype = exchange->qtype};
}

/* ---- out ---- */

/* A forwarder resolves for us, and leaves it to us to tell what is bogus, if we do (RFC 6840 section 5.9). */
static uint16_t question_flags(const struct resolve *engine, const struct exchange *exchange)
{
	const struct forward *forward = resolve_forward_of(exchange->task->cut);
	if (forward == NULL)
		return 0;
	return engine->settings.validate && !forward->insecure ? WIRE_RD | WIRE_CD : WIRE_RD;
}

static int write_question(const struct resolve *engine, struct exchange *exchange, const struct server_info *info,
			  uint8_t *msg)
{
	struct wire_writer writer;
	uint8_t options[UPSTREAM_OPTIONS_MAX];
	size_t options_len = resolve_cookie_write(engine, exchange, info, options);
	if (exchange->subnet)
		options_len += resolve_subnet_option(exchange->task, options + options_len);
	int rc = wire_writer_init(&writer, msg, UPSTREAM_MESSAGE_MAX, exchange->id, question_flags(engine, exchange));
	if (rc == 0 && exchange->edns)
		rc = wire_writer_reserve(&writer, UPSTREAM_OPT_SIZE + options_len);
	if (rc == 0)
		rc = wire_writer_question(&writer, exchange->qname, exchange->qtype, WIRE_CLASS_IN);
	if (rc == 0 && exchange->edns) /* DO always: signatures are kept for whoever wants them later */
		rc = wire_writer_edns(&writer, engine->settings.live.edns_size, 0, true, options, options_len);
	return rc < 0 ? rc : (int)wire_writer_finish(&writer);
}

static int exchange_send(struct resolve *engine, struct exchange *exchange, const struct server_info *info)
{
	uint8_t *msg = arena_alloc(&engine->step, UPSTREAM_MESSAGE_MAX);
	int len = msg == NULL ? BANYAN_ENOMEM : write_question(engine, exchange, info, msg);
	if (len < 0)
		return len;
	const struct cut *cut = exchange->task->cut;
	bool forwarder = resolve_forward_of(cut) != NULL;
	struct server_info waited = *info;
	if (cut->exploring) /* somebody better is left, so that there is no need to wait longer each time */
		waited.silences = 0;
	int rc = resolve_timer_set(&engine->timers, &exchange->timeout,
				   engine->now_ms + resolve_select_timeout_ms(&waited, exchange->tcp, forwarder));
	if (rc < 0)
		return rc;
	struct resolve_action action = {.kind = RESOLVE_SEND};
	action.send.exchange = resolve_exchange_id(exchange);
	action.send.tcp = exchange->tcp;
	action.send.to = exchange->to;
	action.send.msg = msg;
	action.send.len = (size_t)len;
	return resolve_action_add(engine, &action);
}

int resolve_upstream_send(struct resolve *engine, struct task *task, unsigned target_index, const uint8_t *qname,
			  uint16_t qtype, bool minimised)
{
	struct cut_target *target = &task->cut->target[target_index];
	struct exchange *exchange = resolve_exchange_open(engine, task);
	if (exchange == NULL)
		return BANYAN_ENOMEM;
	exchange->to = target->addr;
	exchange->target = (uint8_t)target_index;
	exchange->tcp = target->tcp || (task->cut->configured && task->cut->via != NULL && task->cut->via->tcp);
	exchange->edns = !target->no_edns;
	exchange->minimised = minimised;
	exchange->subnet = resolve_subnet_told(engine, exchange);
	exchange->qtype = qtype;
	exchange->id = random_u16(engine->random);
	memcpy(exchange->qname, qname, wire_name_len(qname));
	exchange->mixed_case = engine->settings.live.case_randomisation && !target->plain_case;
	if (exchange->mixed_case)
		wire_name_randomise_case(exchange->qname, engine->random);
	int rc = exchange_send(engine, exchange, &target->info);
	if (rc < 0) {
		resolve_exchange_end(engine, exchange, false);
		return rc;
	}
	if (exchange->subnet)
		counter_add(engine->counters, COUNTER_ECS_SENT, 1);
	target->tries++;
	task->cut->tries++;
	task->work->upstream++;
	task->went_out = true;
	counter_add(engine->counters, exchange->tcp ? COUNTER_UPSTREAM_TCP : COUNTER_UPSTREAM_UDP, 1);
	return 0;
}

/* ---- in: is it the reply to what was sent? ---- */

enum match { MATCH_NONE, MATCH_CASE, MATCH_GOOD };

/* The question section: the name as it was sent, byte for byte (0x20), the type and the class. */
static enum match match_question(const struct exchange *exchange, const struct wire_reader *reader)
{
	if (reader->counts[0] != 1) {
		/* servers that know no EDNS may send back nothing but a header */
		uint16_t rcode = reader->flags & WIRE_RCODE_MASK;
		bool excuse = reader->counts[0] == 0 && exchange->edns &&
			      (rcode == WIRE_RCODE_FORMERR || rcode == WIRE_RCODE_NOTIMP);
		return excuse ? MATCH_GOOD : MATCH_NONE;
	}
	if (reader->qtype != exchange->qtype || reader->qclass != WIRE_CLASS_IN ||
	    !wire_name_equal(reader->qname, exchange->qname))
		return MATCH_NONE;
	bool same = memcmp(reader->qname, exchange->qname, wire_name_len(exchange->qname)) == 0;
	return same || exchange->tcp ? MATCH_GOOD : MATCH_CASE;
}

static enum match match_reply(struct exchange *exchange, const struct resolve_event *event)
{
	struct wire_reader reader;
	if (event->reply.tcp != exchange->tcp)
		return MATCH_NONE;
	if (event->reply.from.family != 0 && !addr_equal(&event->reply.from, &exchange->to))
		return MATCH_NONE;
	if (wire_reader_init(&reader, event->reply.msg, event->reply.len) < 0)
		return MATCH_NONE;
	if ((reader.flags & WIRE_QR) == 0 || reader.id != exchange->id)
		return MATCH_NONE;
	if (exchange->subnet && !resolve_subnet_match(exchange->task, event, &exchange->subnet_scope))
		return MATCH_NONE;
	return match_question(exchange, &reader);
}

/* Gives up UDP with this server: nobody off the path can forge a TCP connection. */
static void turn_to_tcp(struct resolve *engine, struct exchange *exchange, const char *why)
{
	struct task *task = exchange->task;
	struct resolve_trace_step step = step_for(engine, exchange);
	step.kind = RESOLVE_STEP_REJECTED;
	step.reason = REASON_REPLY_MALFORMED;
	step.what = why;
	resolve_trace_add(engine, task, &step);
	target_of(exchange)->tcp = true;
	target_of(exchange)->tries--; /* the same question goes on */
	task->cut->again = exchange->target + 1;
	resolve_exchange_end(engine, exchange, true);
	task->state = TASK_ASK;
	resolve_task_ready(engine, task);
}

/* A reply that is not for this exchange: it goes on, but not for ever. */
static void mismatched(struct resolve *engine, struct exchange *exchange)
{
	counter_add(engine->counters, COUNTER_UPSTREAM_MISMATCHED, 1);
	if (++exchange->mismatches >= ENGINE_MISMATCHES_MAX && !exchange->tcp)
		turn_to_tcp(engine, exchange, "too many forged replies");
}

static void mismatched_case(struct resolve *engine, struct exchange *exchange)
{
	counter_add(engine->counters, COUNTER_UPSTREAM_MISMATCHED, 1);
	resolve_select_flag(engine, &exchange->to, &target_of(exchange)->info, SERVER_CASE);
	turn_to_tcp(engine, exchange, "case of the name not kept");
}

/* ---- in: what it says ---- */

static bool reading_useful(const struct reading *reading)
{
	return reading->kind <= READING_YXDOMAIN;
}

/* The message with the question's name in plain case: records are compressed against it, and the case that was drawn
 * for this one exchange must not end up in the cache. */
static const uint8_t *plain_case(struct resolve *engine, const struct exchange *exchange,
				 const struct resolve_event *event)
{
	size_t name_len = wire_name_len(exchange->qname), len = event->reply.len;
	if (!exchange->mixed_case || len < WIRE_HEADER_SIZE + name_len || wire_get16(event->reply.msg + 4) == 0)
		return event->reply.msg;
	uint8_t *copy = arena_dup(&engine->step, event->reply.msg, len);
	if (copy != NULL)
		wire_name_lower(exchange->qname, copy + WIRE_HEADER_SIZE);
	return copy;
}

static void read_reply(struct resolve *engine, const struct exchange *exchange, const struct resolve_event *event,
		       const struct ask *ask, struct reply *reply, struct reading *reading)
{
	struct reply_take take = resolve_walk_take(engine);
	take.origin.server = exchange->to;
	const uint8_t *msg = plain_case(engine, exchange, event);
	int rc = msg == NULL ? BANYAN_ENOMEM : resolve_reply_read(&engine->step, msg, event->reply.len, reply);
	if (rc == 0)
		rc = resolve_classify(reply, ask, &take, reading);
	if (rc < 0)
		*reading = (struct reading){.kind = READING_BROKEN,
					    .reason = REASON_REPLY_MALFORMED,
					    .what = "malformed reply",
					    .name = ask->qname};
}

static void trace_reading(struct resolve *engine, const struct exchange *exchange, const struct reply *reply,
			  const struct reading *reading)
{
	if (!exchange->task->work->tracing)
		return;
	struct resolve_trace_step step = step_for(engine, exchange);
	step.kind = reading->reason == REASON_NONE ? RESOLVE_STEP_REPLY : RESOLVE_STEP_REJECTED;
	step.reason = reading->reason;
	step.rcode = reply->rcode;
	step.flags = reply->flags;
	step.what = resolve_trace_words(engine, reading);
	resolve_trace_add(engine, exchange->task, &step);
}

/* False: this reply does not count. */
static bool cookie_fits(struct resolve *engine, struct exchange *exchange, const struct reply *reply)
{
	struct cut_target *target = target_of(exchange);
	switch (resolve_cookie_take(engine, exchange, reply, target)) {
	case COOKIE_FORGED:
		mismatched(engine, exchange);
		return false;
	case COOKIE_MISSING:
		counter_add(engine->counters, COUNTER_UPSTREAM_UNCOOKIED, 1);
		target->uncookied = true;
		turn_to_tcp(engine, exchange, "without the cookie that this server has");
		return false;
	case COOKIE_FINE:
		break;
	}
	return true;
}

/* The reply is the one that was waited for. */
static void reply_matched(struct resolve *engine, struct exchange *exchange, const struct resolve_event *event)
{
	struct task *task = exchange->task;
	struct cut_target *target = target_of(exchange);
	int64_t took_ms = engine->now_ms - exchange->sent_ms;
	struct reply reply = {0};
	struct reading reading = {.kind = READING_BROKEN};
	struct ask ask = {.zone = task->cut->zone,
			  .qname = exchange->minimised ? exchange->qname : task->sname,
			  .qtype = exchange->qtype,
			  .tcp = exchange->tcp,
			  .edns = exchange->edns,
			  .forwards = engine->forwards,
			  .forward = resolve_forward_of(task->cut),
			  .ttl_negative_max = engine->settings.live.ttl_negative_max,
			  .ttl_negative_min = engine->settings.live.ttl_negative_min};
	read_reply(engine, exchange, event, &ask, &reply, &reading);
	if (!cookie_fits(engine, exchange, &reply))
		return;
	trace_reading(engine, exchange, &reply, &reading);
	/* a connection takes a round trip before the question */
	resolve_select_replied(engine, &exchange->to, &target->info, exchange->tcp ? took_ms / 2 : took_ms);
	struct exchange sent = *exchange;
	if (exchange->subnet_scope > task->subnet_scope) /* of a chain the narrowest network counts */
		task->subnet_scope = exchange->subnet_scope;
	resolve_quota_replied(engine, task);
	resolve_exchange_end(engine, exchange, true);
	task->state = TASK_ASK;
	resolve_task_ready(engine, task);
	if (reading_useful(&reading) && target->suspect && !sent.minimised)
		resolve_trouble_over(engine, task, target);
	if (!reading_useful(&reading))
		resolve_trouble_reading(engine, task, &sent, &reading);
	else if (!sent.minimised || reading.kind == READING_REFERRAL ||
		 !resolve_minimise_reading(engine, task, &sent, &reading))
		resolve_walk_reading(engine, task, &ask, &reply, &reading);
}

/* A reply in fragments may hold one that somebody else sent (RFC 9715 section 2): TCP has none. */
static bool fragmented(struct resolve *engine, struct exchange *exchange, const struct resolve_event *event)
{
	if (!event->reply.fragmented || engine->settings.live.fragments || target_of(exchange)->tcp_failed)
		return false;
	counter_add(engine->counters, COUNTER_UPSTREAM_FRAGMENTED, 1);
	target_of(exchange)->fragments = true;
	turn_to_tcp(engine, exchange, "reply in fragments");
	return true;
}

void resolve_upstream_take(struct resolve *engine, const struct resolve_event *event)
{
	struct exchange *exchange = resolve_exchange_find(engine, event->reply.exchange);
	if (exchange == NULL)
		return;
	switch (match_reply(exchange, event)) {
	case MATCH_NONE:
		mismatched(engine, exchange);
		break;
	case MATCH_CASE:
		mismatched_case(engine, exchange);
		break;
	case MATCH_GOOD:
		if (!fragmented(engine, exchange, event))
			reply_matched(engine, exchange, event);
		break;
	}
}

/* ---- nothing comes ---- */

static void exchange_lost(struct resolve *engine, struct exchange *exchange, struct resolve_trace_step *step, bool over)
{
	struct task *task = exchange->task;
	struct cut_target *target = target_of(exchange);
	resolve_trace_add(engine, task, step);
	task->trouble = step->reason;
	resolve_quota_silent(task);
	if (exchange->tcp)
		resolve_trouble_tcp(target);
	else
		resolve_select_silent(engine, &exchange->to, &target->info, exchange->sent_ms);
	if (over && !exchange->tcp)
		target->failed = true;
	resolve_exchange_end(engine, exchange, !over);
	task->state = TASK_ASK;
	resolve_task_ready(engine, task);
}

void resolve_upstream_failed(struct resolve *engine, const struct resolve_event *event)
{
	struct exchange *exchange = resolve_exchange_find(engine, event->failed.exchange);
	if (exchange == NULL)
		return;
	struct resolve_trace_step step = step_for(engine, exchange);
	step.kind = RESOLVE_STEP_FAILED;
	step.reason = REASON_NETWORK_ERROR;
	step.what = error_text(event->failed.error);
	exchange_lost(engine, exchange, &step, true);
}

void resolve_upstream_timeout(struct resolve *engine, struct exchange *exchange)
{
	struct resolve_trace_step step = step_for(engine, exchange);
	step.kind = RESOLVE_STEP_TIMEOUT;
	step.reason = REASON_NO_SERVERS;
	step.what = "no reply";
	counter_add(engine->counters, COUNTER_UPSTREAM_TIMEOUTS, 1);
	if (exchange->minimised)
		resolve_minimise_silent(engine, exchange->task);
	exchange_lost(engine, exchange, &step, false);
}

void resolve_upstream_drop(struct resolve *engine, struct task *task)
{
	if (task->exchange >= 0)
		resolve_exchange_end(engine, engine->exchange[task->exchange], true);
}
