// SPDX-License-Identifier: GPL-3.0-or-later
/* One step of the engine: an event goes in, what it makes possible is done, actions come out. */
#include "way.h"

#include <stdlib.h>

void resolve_settings_default(struct resolve_settings *settings)
{
	*settings = (struct resolve_settings){
		.live =
			{
				.clients_per_question = 1024,
				.upstream_max = RESOLVE_UPSTREAM_MAX,
				.question_time_ms = 8000,
				.ttl_max = 86400,
				.ttl_min = 0,
				.ttl_negative_max = 3600, /* RFC 2308 section 5: one to three hours */
				.nxdomain_cut = RESOLVE_NXDOMAIN_CUT_SECURE,
				.aggressive_nsec = true,
				.prefetch = true,
				.prefetch_max = 64,
				.serve_stale = true,
				.stale_ttl_s = 30,        /* RFC 8767 section 4 */
				.stale_age_max_s = 86400, /* section 5: one to three days */
				.stale_client_timeout_ms = 1800,
				.harden_glue = true,
				.edns_size = 1232,
				.case_randomisation = true,
				.cookies = true,
				.qname_minimisation = RESOLVE_MINIMISE_RELAXED,
				.refuse_sha1 = true, /* RFC 9905 section 2 */
				.key_tag_signal = true,
				.sentinel = true,
				.nsec3_iterations_max = DNSSEC_NSEC3_ITERATIONS_MAX,
				.signatures_max = RESOLVE_SIGNATURES_MAX,
				.hashes_max = RESOLVE_HASHES_MAX,
			},
		.questions_max = 4096,
		.zone_questions_max = 2048,
		.zone_questions_min = 20,
		.upstream_port = 53,
		.priming = true,
		.ipv4 = true,
		.ipv6 = true,
		.validate = true,
		.ecs_ipv4_bits = 24, /* RFC 7871 section 11.1 */
		.ecs_ipv6_bits = 56,
		.ecs_cache_bytes = 4 << 20,
	};
}

static uint32_t power_of_two(uint32_t n)
{
	uint32_t p = 64;
	while (p < n && p < (1u << 20))
		p *= 2;
	return p;
}

int resolve_new(const struct resolve_settings *settings, struct resolve_cache *cache, struct random *random,
		struct counters *counters, struct resolve **ret)
{
	if (settings->questions_max == 0 || settings->live.edns_size < 512)
		return BANYAN_EINVAL;
	struct resolve *engine = calloc(1, sizeof *engine);
	if (engine == NULL)
		return BANYAN_ENOMEM;
	engine->settings = *settings;
	engine->cache = cache;
	engine->random = random;
	engine->counters = counters;
	engine->free_exchange = -1;
	engine->tasks_max = (size_t)settings->questions_max * ENGINE_TASKS_PER_QUESTION;
	engine->question_buckets = power_of_two(settings->questions_max);
	engine->task_buckets = power_of_two(settings->questions_max);
	random_bytes(random, engine->hash_key, sizeof engine->hash_key);
	engine->question = calloc(engine->question_buckets, sizeof(struct question *));
	engine->task = calloc(engine->task_buckets, sizeof(struct task *));
	engine->root_message = malloc(WIRE_MESSAGE_MAX);
	if (engine->question == NULL || engine->task == NULL || engine->root_message == NULL ||
	    resolve_quota_init(engine) < 0 || resolve_share_init(engine) < 0) {
		resolve_free(engine);
		return BANYAN_ENOMEM;
	}
	int rc = resolve_hints_init(engine, settings);
	if (rc == 0)
		rc = resolve_subnets_init(engine);
	if (rc == 0)
		rc = resolve_forwards_new(settings->forward, settings->n_forwards, settings->upstream_port,
					  &engine->forwards);
	if (rc < 0) {
		resolve_free(engine);
		return rc;
	}
	resolve_anchors_sync(engine);
	resolve_rolling_start(engine);
	*ret = engine;
	return 0;
}

void resolve_free(struct resolve *engine)
{
	if (engine == NULL)
		return;
	resolve_questions_free(engine);
	resolve_ways_clean(engine);
	resolve_tasks_free(engine);
	resolve_exchanges_free(engine);
	resolve_trust_free(engine);
	dnssec_anchors_done(&engine->own_anchors);
	resolve_forwards_free(engine->forwards);
	resolve_subnets_free(engine);
	resolve_timers_done(&engine->timers);
	resolve_quota_done(engine);
	resolve_share_done(engine);
	arena_done(&engine->step);
	free(engine->action);
	free(engine->question);
	free(engine->task);
	free(engine->root_message);
	free(engine);
}

size_t resolve_questions(const struct resolve *engine)
{
	return engine->n_questions;
}

int resolve_action_add(struct resolve *engine, const struct resolve_action *action)
{
	if (engine->n_actions == engine->cap_actions) {
		size_t cap = engine->cap_actions == 0 ? 64 : engine->cap_actions * 2;
		struct resolve_action *grown = realloc(engine->action, cap * sizeof *grown);
		if (grown == NULL)
			return BANYAN_ENOMEM;
		engine->action = grown;
		engine->cap_actions = cap;
	}
	engine->action[engine->n_actions++] = *action;
	return 0;
}

void resolve_evictions_count(struct resolve *engine, int evicted)
{
	if (evicted > 0)
		counter_add(engine->counters, COUNTER_CACHE_EVICTIONS, (uint64_t)evicted);
}

static void timers_run(struct resolve *engine)
{
	struct timer *timer;
	while ((timer = resolve_timer_due(&engine->timers, engine->now_ms)) != NULL) {
		if (timer->kind == TIMER_EXCHANGE)
			resolve_upstream_timeout(engine, timer->owner);
		else if (timer->kind == TIMER_PATIENCE)
			resolve_question_impatient(engine, timer->owner);
		else if (timer->kind == TIMER_ANCHORS)
			resolve_rolling_run(engine);
		else
			resolve_question_expire(engine, timer->owner);
	}
}

static void live_sync(struct resolve *engine, const struct resolve_live *live)
{
	if (live == NULL || live->version == engine->live_version)
		return;
	engine->live_version = live->version;
	engine->settings.live = live->settings;
	resolve_trust_forget(engine); /* other algorithms may count now */
}

static void step_begin(struct resolve *engine, const struct resolve_event *event)
{
	resolve_tasks_clean(engine);
	resolve_ways_clean(engine);
	arena_reset(&engine->step);
	engine->n_actions = 0;
	if (event->now_ms > engine->now_ms)
		engine->now_ms = event->now_ms; /* the clock never runs backwards here */
	engine->wall_ms = event->wall_ms;
	engine->cache_ms = resolve_cache_time(engine->cache, engine->now_ms, event->wall_ms);
	engine->root = event->root;
	engine->root_from_s = event->root_from_s;
	engine->root_until_s = event->root_until_s;
	engine->root_on_loopback = event->root_on_loopback || engine->hints_on_loopback;
	engine->policy = event->policy;
	engine->negatives = event->negatives;
	live_sync(engine, event->live);
	resolve_anchors_sync(engine);
}

static const struct resolve_actions *step_end(struct resolve *engine)
{
	engine->root = NULL;
	engine->actions = (struct resolve_actions){
		.count = engine->n_actions, .item = engine->action, .wake_at_ms = resolve_timer_next(&engine->timers)};
	return &engine->actions;
}

const struct resolve_actions *resolve_step(struct resolve *engine, const struct resolve_event *event)
{
	step_begin(engine, event);
	switch (event->kind) {
	case RESOLVE_QUESTION:
		resolve_question_take(engine, event);
		break;
	case RESOLVE_CANCEL:
		resolve_question_cancel(engine, event->cancel.client);
		break;
	case RESOLVE_REPLY:
		resolve_upstream_take(engine, event);
		break;
	case RESOLVE_SEND_FAILED:
		resolve_upstream_failed(engine, event);
		break;
	case RESOLVE_WAKE:
		break;
	}
	if (event->kind == RESOLVE_WAKE) /* not before what came in time has been told, however late this step is */
		timers_run(engine);
	resolve_tasks_run(engine);
	return step_end(engine);
}
