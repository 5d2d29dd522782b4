// SPDX-License-Identifier: GPL-3.0-or-later
/* The commands of the control socket: status, counters, reload, trace, stop. */
#include "attendant.h"
#include "daemon.h"
#include "publisher.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void control_fail(struct operate_call *call, const char *why)
{
	(void)!buffer_printf(operate_call_reply(call), "%s\n", why);
	operate_call_done(call, false);
}

bool control_take_word(int *argc, char **argv, const char *word)
{
	for (int i = 1; i < *argc; i++) {
		if (strcmp(argv[i], word) != 0)
			continue;
		memmove(&argv[i], &argv[i + 1], (size_t)(*argc - i - 1) * sizeof(*argv));
		(*argc)--;
		return true;
	}
	return false;
}

/* ---- status, counters ---- */

#define STORE_UNUSABLE "its store cannot be used: the log says why"

static void sum_counters(struct keeper *keeper, struct operate_counters *ret)
{
	struct counters *each[WORKERS_MAX + 2];
	size_t n = keeper->workers.count;
	for (unsigned i = 0; i < keeper->workers.count; i++)
		each[i] = &keeper->workers.worker[i].counters;
	each[n++] = &keeper->counters;
	if (publisher_counters(keeper) != NULL)
		each[n++] = publisher_counters(keeper);
	operate_counters_sum(each, n, ret);
	int64_t off = clock_off(swap_read(&keeper->swap));
	ret->value[COUNTER_CLOCK_BEHIND] = off < 0 ? (uint64_t)-off : 0;
	ret->value[COUNTER_CLOCK_AHEAD] = off > 0 ? (uint64_t)off : 0;
	if (keeper->workers.cache != NULL) /* one cache for all: a size, not a sum */
		ret->value[COUNTER_CACHE_BYTES] = resolve_cache_bytes(keeper->workers.cache);
}

struct operate_zone control_describe(const struct loaded *loaded)
{
	return (struct operate_zone){
		.name = loaded->from->name,
		.file = loaded->from->file,
		.proof = loaded->proof,
		.loaded = loaded->image != NULL,
		.proved = loaded->proved && loaded->prove != CONFIG_PROVE_STRUCTURE,
		.serial = loaded->serial,
		.names = loaded->image == NULL ? 0 : image_names(loaded->image),
		.records = loaded->records,
		.loaded_at = loaded->loaded_at,
		.first_expiry = loaded->first_expiry,
	};
}

static void describe_resolver(struct keeper *keeper, const struct generation *g, struct operate_status *status)
{
	status->resolver = g->view.recursion;
	if (keeper->workers.cache == NULL)
		return;
	status->cache_bytes = resolve_cache_bytes(keeper->workers.cache);
	status->cache_count = resolve_cache_count(keeper->workers.cache);
	status->cache_budget = g->config->resolver.cache_size;
	status->root_servers = keeper->workers.upstream != NULL && keeper->workers.upstream->n_hints > 0;
	bool copied = copies_root_wanted(g->config);
	status->root_wanted = g->config->root.file[0] != 0 || copied;
	if (g->root != NULL)
		status->root = control_describe(g->root);
	else
		status->root =
			(struct operate_zone){.name = ".", .file = g->config->root.file, .proof = g->root_failure};
	if (g->root == NULL && copied)
		status->root =
			(struct operate_zone){.name = ".", .file = "its sources", .proof = "no copy has come yet"};
	status->root.copy = copied ? copies_describe(keeper, NULL) : NULL;
	if (g->root == NULL && copied && status->root.copy == NULL)
		status->root.proof = STORE_UNUSABLE;
}

static void copies_free(struct operate_status *status)
{
	for (size_t i = 0; i < status->n_zones; i++)
		free(status->zone[i].copy);
	free(status->root.copy);
}

static struct operate_policy_zone describe_policy_zone(struct keeper *keeper, const struct generation *g, size_t i)
{
	struct operate_policy_zone zone = {
		.name = g->config->rpz[i].zone, .file = g->config->rpz[i].file, .failure = ""};
	const struct policy_zone *loaded = g->policies.zone == NULL ? NULL : g->policies.zone[i];
	if (loaded != NULL) {
		const struct policy_rpz_stats *stats = policy_rpz_stats(loaded->rpz);
		zone.loaded = true;
		zone.serial = stats->serial;
		for (unsigned t = 0; t < POLICY_TRIGGERS; t++)
			zone.rules += stats->rules[t];
		zone.ignored = stats->ignored;
		zone.bytes = stats->bytes;
		zone.loaded_at = loaded->loaded_at;
	}
	feeds_describe(keeper, &zone);
	return zone;
}

static int status_write(struct keeper *keeper, bool json, struct buffer *out)
{
	const struct generation *g = swap_read(&keeper->swap);
	_cleanup_(base_free) struct operate_zone *zone = calloc(g->config->n_zones + 1, sizeof(*zone));
	_cleanup_(base_free) struct operate_policy_zone *policy_zone =
		calloc(g->config->n_rpz + 1, sizeof(*policy_zone));
	if (zone == NULL || policy_zone == NULL)
		return BANYAN_ENOMEM;
	for (size_t i = 0; i < g->config->n_zones; i++) {
		zone[i] = control_describe(g->zone[i]);
		zone[i].copy = copies_describe(keeper, g->config->zones[i].name);
		if (g->config->zones[i].copy.sources.count > 0 && zone[i].copy == NULL && !zone[i].loaded)
			zone[i].proof = STORE_UNUSABLE;
	}
	for (size_t i = 0; i < g->config->n_rpz; i++)
		policy_zone[i] = describe_policy_zone(keeper, g, i);
	struct operate_status status = {
		.version = BANYAN_VERSION,
		.started_at = keeper->started_at,
		.now = clock_wall_s(),
		.config_at = g->loaded_at,
		.config_path = keeper->config_path,
		.last_reload = keeper->last_refusal,
		.attendant = keeper->attendant == NULL            ? NULL
			     : attendant_alive(keeper->attendant) ? "running"
								  : "ended",
		.workers = keeper->workers.count,
		.n_zones = g->config->n_zones,
		.zone = zone,
		.n_policy_zones = g->config->n_rpz,
		.policy_zone = policy_zone,
	};
	struct operate_notified *notified = NULL;
	status.n_notified = notifies_describe(keeper, &notified);
	status.notified = notified;
	describe_resolver(keeper, g, &status);
	sum_counters(keeper, &status.counters);
	int rc = json ? operate_status_json(&status, out) : operate_status_text(&status, out);
	notifies_described(notified, status.n_notified);
	copies_free(&status);
	return rc;
}

static void on_status(void *ctx, struct operate_call *call, int argc, char **argv)
{
	bool json = control_take_word(&argc, argv, "json");
	if (argc != 1) {
		control_fail(call, "usage: status [json]");
		return;
	}
	operate_call_done(call, status_write(ctx, json, operate_call_reply(call)) == 0);
}

static void on_counters(void *ctx, struct operate_call *call, int argc, char **argv)
{
	struct operate_counters sum;
	bool json = control_take_word(&argc, argv, "json");
	sum_counters(ctx, &sum);
	struct buffer *out = operate_call_reply(call);
	int rc = json ? operate_counters_json(&sum, out) : operate_counters_text(&sum, out);
	operate_call_done(call, rc == 0);
}

/* ---- reload, stop ---- */

static void on_reload(void *ctx, struct operate_call *call, int argc, char **argv)
{
	reload_start(ctx, call);
}

static void on_stop(void *ctx, struct operate_call *call, int argc, char **argv)
{
	(void)!buffer_printf(operate_call_reply(call), "stopping\n");
	operate_call_done(call, true);
	keeper_stop(ctx);
}

/* ---- trace: asked here, resolved by a worker, told here ---- */

struct trace_job {
	struct trace_job *next;
	struct keeper *keeper;
	struct operate_call *call;
	uint8_t qname[WIRE_NAME_MAX];
	uint16_t qtype;
	bool cold, json;
	struct buffer out;
	int rc;
};

static void job_end(struct trace_job *job, const char *failure)
{
	struct keeper *keeper = job->keeper;
	struct trace_job **at = &keeper->trace_first;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	struct buffer *reply = operate_call_reply(job->call);
	if (failure != NULL)
		control_fail(job->call, failure);
	else
		operate_call_done(job->call, buffer_append(reply, job->out.data, job->out.len) == 0);
	buffer_done(&job->out);
	free(job);
}

static void job_back(void *ctx) /* keeper */
{
	struct trace_job *job = ctx;
	job_end(job, job->rc < 0 ? error_text(job->rc) : NULL);
}

static void job_traced(void *ctx, const struct resolve_result *result) /* worker */
{
	struct trace_job *job = ctx;
	job->rc = job->json ? operate_trace_json(job->qname, job->qtype, result, &job->out)
			    : operate_trace_text(job->qname, job->qtype, result, &job->out);
	if (keeper_post(job->keeper, job_back, job) < 0)
		log_warning(STATION, "no memory to report a trace");
}

static void job_begin(void *ctx) /* worker */
{
	struct trace_job *job = ctx;
	struct worker *worker = &job->keeper->workers.worker[0];
	/* a trace that starts may have ended in here already, and the job with it: then it is the keeper's */
	int rc = answer_trace(worker->recursor, job->qname, job->qtype, job->cold, job_traced, job);
	if (rc >= 0)
		return;
	job->rc = rc;
	if (keeper_post(job->keeper, job_back, job) < 0)
		log_warning(STATION, "no memory to report a trace");
}

static const char *job_parse(struct trace_job *job, int argc, char **argv)
{
	job->cold = control_take_word(&argc, argv, "cold");
	job->json = control_take_word(&argc, argv, "json");
	if (argc < 2 || argc > 3)
		return "usage: trace NAME [TYPE] [cold] [json]";
	if (wire_name_parse(argv[1], job->qname) < 0)
		return "this is no domain name";
	int type = argc == 3 ? wire_type_parse(argv[2]) : WIRE_TYPE_A;
	if (type <= 0)
		return "this is no record type";
	job->qtype = (uint16_t)type;
	return NULL;
}

static void on_trace(void *ctx, struct operate_call *call, int argc, char **argv)
{
	struct keeper *keeper = ctx;
	if (!keeper->resolver || !swap_read(&keeper->swap)->view.recursion) {
		control_fail(call, "there is no resolver: resolver.enabled is no");
		return;
	}
	struct trace_job *job = calloc(1, sizeof(*job));
	if (job == NULL) {
		control_fail(call, "out of memory");
		return;
	}
	const char *wrong = job_parse(job, argc, argv);
	if (wrong != NULL) {
		free(job);
		control_fail(call, wrong);
		return;
	}
	job->keeper = keeper;
	job->call = call;
	job->next = keeper->trace_first;
	keeper->trace_first = job;
	if (net_loop_post(keeper->workers.worker[0].loop, job_begin, job) < 0)
		job_end(job, "out of memory");
}

void control_end_traces(struct keeper *keeper)
{
	struct trace_job *next;
	for (struct trace_job *job = keeper->trace_first; job != NULL; job = next) {
		next = job->next;
		job_end(job, "the daemon stops");
	}
}

int control_start(struct keeper *keeper, const char *path, char why[REFUSAL_TEXT_MAX])
{
	static const struct operate_command commands[] = {
		{"status", on_status},
		{"counters", on_counters},
		{"reload", on_reload},
		{"trace", on_trace},
		{"cache", control_cache},
		{"why", control_why},
		{"anchors", control_anchors},
		{"copy", control_copy},
		{"fleet", control_fleet},
		{"stop", on_stop},
		{NULL, NULL},
	};
	struct operate_control_settings settings = {.path = path, .command = commands, .ctx = keeper};
	int rc = operate_control_new(&keeper->loop, &settings, &keeper->control);
	if (rc < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "cannot open the control socket %s: %s", path,
			 rc == BANYAN_EEXIST ? "something is there already; is another banyand running?"
					     : error_text(rc));
	return rc;
}
