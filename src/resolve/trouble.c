// SPDX-License-Identifier: GPL-3.0-or-later
/* Replies that are of no use, and what they mean for the server that sent them. */
#include "engine.h"

/* The same server at once, in another way: that was no try in vain. */
static void ask_again(struct task *task, const struct exchange *sent)
{
	task->cut->target[sent->target].tries--;
	task->cut->again = sent->target + 1;
}

static void without_edns(struct resolve *engine, struct cut_target *target)
{
	target->no_edns = true;
	resolve_select_flag(engine, &target->addr, &target->info, SERVER_NO_EDNS);
}

static void server_lame(struct resolve *engine, const struct task *task, struct cut_target *target)
{
	target->lame = true;
	resolve_evictions_count(engine, resolve_cache_put_lame(engine->cache, engine->cache_ms, task->cut->zone,
							       &target->addr, task->sname, task->qtype));
}

void resolve_trouble_over(struct resolve *engine, const struct task *task, struct cut_target *target)
{
	target->suspect = false;
	resolve_cache_drop_lame(engine->cache, task->cut->zone, &target->addr, task->qtype);
}

void resolve_trouble_reading(struct resolve *engine, struct task *task, const struct exchange *sent,
			     const struct reading *reading)
{
	struct cut_target *target = &task->cut->target[sent->target];
	switch (reading->kind) {
	case READING_TRUNCATED:
		target->tcp = true;
		ask_again(task, sent);
		return;
	case READING_NO_EDNS:
		without_edns(engine, target);
		ask_again(task, sent);
		return;
	case READING_COOKIE: /* RFC 7873 section 5.3: once more with its new one, then over TCP */
		if (target->bad_cookies++ == 0 && sent->has_cookie)
			ask_again(task, sent);
		else if (!sent->tcp) {
			target->tcp = true;
			ask_again(task, sent);
		} else
			target->failed = true;
		return;
	default:
		break;
	}
	counter_add(engine->counters, COUNTER_UPSTREAM_REJECTED, 1);
	if (sent->minimised && engine->settings.live.qname_minimisation != RESOLVE_MINIMISE_STRICT) {
		/* Some servers answer only for names that they have: ask for the whole one. */
		task->minimise = false;
		ask_again(task, sent);
		return;
	}
	task->trouble = reading->reason;
	if (reading->kind == READING_LAME)
		server_lame(engine, task, target);
	else
		target->failed = true;
}

void resolve_trouble_tcp(struct cut_target *target)
{
	target->tcp_failed = true;
	if (target->fragments || target->uncookied) { /* no TCP either: then such a reply is better than nothing */
		target->tcp = false;
		return;
	}
	/* Neither keeps case nor speaks TCP: then without the extra bits, rather than not at all. */
	if ((target->info.flags & SERVER_CASE) != 0 && !target->plain_case) {
		target->plain_case = true;
		target->tcp = false;
		return;
	}
	target->failed = true;
}
