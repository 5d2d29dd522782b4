// SPDX-License-Identifier: GPL-3.0-or-later
/* The root is a function call: its image is asked as if a server of "." had been, and cannot lie, fail or be slow. */
#include "engine.h"

#include <string.h>

static const uint8_t root_name[1] = {0};

int resolve_root_question(const uint8_t *qname, uint16_t qtype, struct wire_question *ret)
{
	uint8_t msg[WIRE_HEADER_SIZE + WIRE_NAME_MAX + 4];
	struct wire_writer writer;
	struct wire_question question;
	if (wire_writer_init(&writer, msg, sizeof msg, 0, 0) < 0 ||
	    wire_writer_question(&writer, qname, qtype, WIRE_CLASS_IN) < 0)
		return BANYAN_EINVAL;
	size_t len = wire_writer_finish(&writer);
	if (wire_question_parse(msg, len, &question) != WIRE_ANSWERABLE)
		return BANYAN_EINVAL;
	*ret = question;
	ret->qname = qname; /* not in this function's buffer */
	return 0;
}

int resolve_root_read(struct resolve *engine, const uint8_t *name, uint16_t type, const struct ask *ask,
		      struct reply *reply, struct reading *reading)
{
	struct wire_question question;
	struct image_reply image_reply;
	int len = resolve_root_question(name, type, &question);
	if (len < 0)
		return len;
	struct image_query query = {.question = &question, .dnssec = true, .max = WIRE_MESSAGE_MAX};
	len = image_answer(engine->root, &query, engine->root_message, &image_reply);
	if (len < 0)
		return len;
	struct reply_take take = resolve_walk_take(engine);
	take.origin = (struct rrset_origin){.root = true, .root_serial = image_serial(engine->root)};
	int rc = resolve_reply_read(&engine->step, engine->root_message, (size_t)len, reply);
	return rc < 0 ? rc : resolve_classify(reply, ask, &take, reading);
}

static void root_trace(struct resolve *engine, struct task *task, const struct reply *reply,
		       const struct reading *reading)
{
	if (!task->work->tracing)
		return;
	struct resolve_trace_step step = {.kind = RESOLVE_STEP_ROOT,
					  .zone = root_name,
					  .qname = task->sname,
					  .qtype = task->qtype,
					  .rcode = reply->rcode,
					  .flags = reply->flags,
					  .reason = reading->reason,
					  .what = resolve_trace_words(engine, reading)};
	resolve_trace_add(engine, task, &step);
}

void resolve_root_ask(struct resolve *engine, struct task *task)
{
	struct reply reply;
	struct reading reading;
	struct ask ask = {.zone = root_name,
			  .qname = task->sname,
			  .qtype = task->qtype,
			  .tcp = true, /* nothing is cut off */
			  .root = true,
			  .ttl_negative_max = engine->settings.live.ttl_negative_max,
			  .ttl_negative_min = engine->settings.live.ttl_negative_min};
	struct cut *cut = arena_alloc0(&task->arena, sizeof *cut);
	counter_add(engine->counters, COUNTER_ROOT_LOOKUPS, 1);
	task->went_out = true;
	if (cut == NULL || resolve_root_read(engine, task->sname, task->qtype, &ask, &reply, &reading) < 0) {
		resolve_task_fail(engine, task, REASON_NO_ROOT);
		return;
	}
	cut->zone = root_name;
	cut->root = true;
	cut->expires_ms = INT64_MAX;
	task->cut = cut;
	root_trace(engine, task, &reply, &reading);
	if (reading.kind <= READING_YXDOMAIN)
		resolve_walk_reading(engine, task, &ask, &reply, &reading);
	else
		resolve_task_fail(engine, task, reading.reason == REASON_NONE ? REASON_NO_ROOT : reading.reason);
}
