// SPDX-License-Identifier: GPL-3.0-or-later
/* The workers: each a thread with its own loop and sockets, its own resolver, and nothing to wait for. */
#include "transfers.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PORT_RANGE_MAX 64 /* bytes of two numbers and what stands between them */

/* ---- one question ---- */

/* The wall clock, read once a turn of the loop. */
static int64_t wall_now(struct worker *worker)
{
	int64_t now_ms = net_loop_now_ms(worker->loop);
	if (now_ms != worker->turn_ms) {
		worker->turn_ms = now_ms;
		worker->turn_wall_ms = clock_wall_ms();
	}
	return worker->turn_wall_ms;
}

static int on_message(void *ctx, struct net_message *m)
{
	struct worker *worker = ctx;
	const struct generation *g = swap_read(worker->swap);
	const struct answer_view *view = &g->view;
	struct answer_request request = {
		.msg = m->msg,
		.len = m->len,
		.peer = m->ticket.peer,
		.tcp = m->ticket.transport == NET_TCP,
		.out = m->reply,
		.small = m->frame,
		.small_cap = m->frame_cap,
		.rates = worker->rates,
		.now_ms = net_loop_now_ms(worker->loop),
		.engine = worker->engine,
		.wall_ms = wall_now(worker),
		.pass = g->transfers->pass,
	};
	struct answer_pending pending;
	size_t len = 0;
	int notified = feeds_notify(worker->keeper, &request, &worker->counters);
	if (notified == FEEDS_NOT_MINE)
		notified = copies_notify(worker->keeper, &request, &worker->counters);
	if (notified != FEEDS_NOT_MINE)
		return notified;
	int registered = registers_ask(worker, m, &request);
	if (registered != REGISTERS_NOT_MINE)
		return registered;
	int shown = shown_ask(worker, m);
	if (shown != SHOWN_NOT_MINE)
		return shown;
	switch (answer_question(view, &worker->counters, &request, &pending, &len)) {
	case ANSWER_SEND:
		m->reply = request.out;
		return (int)len;
	case ANSWER_RECURSE:
		return answer_recurse(worker->recursor, &pending, &m->ticket, m->reply);
	case ANSWER_PASSED:
		return transfers_answer(worker, g, &request, m);
	case ANSWER_SILENT:
		break;
	}
	return 0;
}

static const struct answer_view *view_now(void *ctx)
{
	struct worker *worker = ctx;
	return &swap_read(worker->swap)->view;
}

static void *worker_run(void *ctx)
{
	struct worker *worker = ctx;
	swap_reader_start();
	net_loop_run(worker->loop);
	swap_reader_stop();
	return NULL;
}

/* ---- signs of life, for the service manager's watchdog ---- */

static void on_beat(void *ctx)
{
	struct worker *worker = ctx;
	atomic_store(&worker->heartbeat_ms, clock_mono_ms());
}

void workers_beat(struct workers *workers)
{
	for (unsigned i = 0; i < workers->count; i++)
		if (net_loop_post(workers->worker[i].loop, on_beat, &workers->worker[i]) < 0)
			log_warning(STATION, "no memory to ask a worker for a sign of life");
}

bool workers_alive(const struct workers *workers, int64_t since_ms)
{
	for (unsigned i = 0; i < workers->count; i++)
		if (atomic_load(&workers->worker[i].heartbeat_ms) < since_ms)
			return false;
	return true;
}

/* ---- making them ---- */

static struct net_reroute *reroutes_of(const struct config *config)
{
	struct net_reroute *reroute = calloc(config->resolver.n_reroutes + 1, sizeof(*reroute));
	for (size_t i = 0; reroute != NULL && i < config->resolver.n_reroutes; i++)
		reroute[i] = (struct net_reroute){.from = config->resolver.reroute[i].from,
						  .to = config->resolver.reroute[i].to};
	return reroute;
}

/* Unknown, they stay 0, and each message to an authority has a socket of its own. The file names them for IPv6 too. */
static void kernel_ports(struct net_settings *settings)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	unsigned first, last;
	if (file_read("/proc/sys/net/ipv4/ip_local_port_range", PORT_RANGE_MAX, &text, &len) == 0 &&
	    sscanf((const char *)text, "%u %u", &first, &last) == 2 && first > 0 && first < last &&
	    last <= UINT16_MAX) {
		settings->kernel_port_first = (uint16_t)first;
		settings->kernel_port_last = (uint16_t)last;
	}
}

static int loop_make(struct worker *worker, const struct config *config, struct net_limits *limits)
{
	_cleanup_(base_free) struct net_reroute *reroute = reroutes_of(config);
	if (reroute == NULL)
		return BANYAN_ENOMEM;
	struct net_settings settings = {
		.udp_batch = config->server.udp_batch,
		.udp_gather_us = config->server.udp_gather_us,
		.udp_buffer = (uint32_t)config->server.udp_buffer,
		.tcp_clients = config->server.tcp_clients,
		.tcp_clients_per_address = config->server.tcp_clients_per_address,
		.tcp_idle_ms = config->server.tcp_idle_ms,
		.tcp_pipeline = config->server.tcp_pipeline,
		.accept_later = true,
		.upstream_tcp_connections = config->resolver.tcp_connections,
		.upstream_tcp_per_server = config->resolver.tcp_connections_per_server,
		.upstream_tcp_pipeline = config->resolver.tcp_pipeline,
		.upstream_tcp_queries = config->resolver.tcp_questions,
		.upstream_tcp_idle_ms = config->resolver.tcp_idle_ms,
		.upstream_tcp_message_ms = config->resolver.tcp_message_ms,
		.ipv4 = config->resolver.ipv4,
		.ipv6 = config->resolver.ipv6,
		.n_outgoing = config->resolver.outgoing.count,
		.outgoing = config->resolver.outgoing.item,
		.n_reroutes = config->resolver.n_reroutes,
		.reroute = reroute,
		.limits = limits,
	};
	kernel_ports(&settings);
	return net_loop_new(&settings, &worker->counters, &worker->loop);
}

static int engine_make(struct worker *worker, const struct config *config, struct resolve_settings *settings,
		       struct resolve_cache *cache)
{
	_cleanup_(forward_list_done) struct forward_list forwards = {0};
	int rc = forward_list_make(config, &forwards);
	if (rc < 0)
		return rc;
	_cleanup_(ecs_zones_done) struct ecs_zones ecs = {0};
	rc = ecs_zones_make(config, &ecs);
	if (rc < 0)
		return rc;
	ecs_settings(config, &ecs, settings);
	settings->n_forwards = forwards.count;
	settings->forward = forwards.item;
	return resolve_new(settings, cache, &worker->random, &worker->counters, &worker->engine);
}

static int resolver_make(struct worker *worker, const struct config *config, const struct workers *workers)
{
	struct resolve_settings settings;
	resolve_settings_default(&settings);
	settings_live(config, &settings.live);
	validation_settings(config, workers->shared_anchors, &settings);
	settings.anchors_lead = worker->leads;
	upstream_settings(config, workers->upstream, &settings);
	settings.questions_max = config->resolver.questions_max;
	settings.zone_questions_max = config->resolver.zone_questions_max;
	settings.zone_questions_min = config->resolver.zone_questions_min;
	random_init_kernel(&worker->random);
	int rc = engine_make(worker, config, &settings, workers->cache);
	if (rc < 0)
		return rc;
	struct answer_recursor_settings recursor = {
		.loop = worker->loop,
		.engine = worker->engine,
		.counters = &worker->counters,
		.questions_max = config->resolver.questions_max,
		.client_questions_max = config->resolver.client_questions_max,
		.rates = workers->rates,
		.view = view_now,
		.view_ctx = worker,
		.anchors = anchors_told,
		.anchors_ctx = worker,
	};
	return answer_recursor_new(&recursor, &worker->recursor);
}

/* The default is to listen on both loopback addresses; a machine or container without IPv6 has only one of them. */
static bool is_absent_ipv6(const struct config *config, const struct addr *addr, int rc)
{
	static const uint8_t loopback[16] = {[15] = 1};
	return rc == BANYAN_EUNSUPP && addr->family == 6 && memcmp(addr->ip, loopback, sizeof(loopback)) == 0 &&
	       config->server.listen.count > 1;
}

static int listen_on_all(struct worker *worker, const struct config *config, char why[REFUSAL_TEXT_MAX])
{
	for (size_t i = 0; i < config->server.listen.count; i++) {
		const struct addr *addr = &config->server.listen.item[i];
		int rc = net_listen(worker->loop, addr, on_message, worker, NULL);
		if (rc < 0 && !is_absent_ipv6(config, addr, rc)) {
			char text[ADDR_TEXT_MAX];
			snprintf(why, REFUSAL_TEXT_MAX, "cannot listen on %s: %s", addr_format(addr, true, text),
				 error_text(rc));
			return rc;
		}
	}
	return tls_listen(worker, config, on_message, why);
}

static int worker_make(struct worker *worker, const struct config *config, struct workers *workers,
		       struct keeper *keeper, char why[REFUSAL_TEXT_MAX])
{
	worker->keeper = keeper;
	worker->swap = &keeper->swap;
	worker->leads = worker == workers->worker;
	worker->rates = workers->rates;
	worker->transfer_limits = workers->transfer_limits;
	int rc = loop_make(worker, config, workers->limits);
	if (rc == 0 && workers->cache != NULL)
		rc = resolver_make(worker, config, workers);
	if (rc < 0) {
		snprintf(why, REFUSAL_TEXT_MAX, "cannot make a worker: %s", error_text(rc));
		return rc;
	}
	net_loop_on_sleep(worker->loop, swap_reader_asleep, swap_reader_awake, NULL);
	return listen_on_all(worker, config, why);
}

/* Read once, with the rights that the daemon starts with. */
static int identity_give(const struct config *config, struct workers *workers, char why[REFUSAL_TEXT_MAX])
{
	struct net_tls_identity *identity;
	int rc = tls_identity_read(config, &identity, why);
	for (unsigned i = 0; rc == 0 && i < workers->count; i++)
		net_loop_identity(workers->worker[i].loop, identity);
	net_tls_identity_free(rc == 0 ? identity : NULL);
	return rc;
}

/* SO_REUSEPORT would let a second daemon of the same user take half of the questions: that is found out first. */
static int addresses_free(const struct config *config, char why[REFUSAL_TEXT_MAX])
{
	int official = official_check(config, why);
	if (official < 0)
		return official;
	for (size_t i = 0; i < config->server.listen.count; i++) {
		const struct addr *addr = &config->server.listen.item[i];
		int rc = net_listen_probe(addr);
		char text[ADDR_TEXT_MAX];
		if (is_absent_ipv6(config, addr, rc)) {
			log_warning(STATION, "not listening on %s: this machine has no IPv6",
				    addr_format(addr, true, text));
		} else if (rc < 0) {
			snprintf(why, REFUSAL_TEXT_MAX, "cannot listen on %s: %s", addr_format(addr, true, text),
				 rc == BANYAN_EEXIST ? "somebody else does" : error_text(rc));
			return rc;
		}
	}
	return 0;
}

int workers_new(const struct config *config, struct keeper *keeper, struct workers *ret, char why[REFUSAL_TEXT_MAX])
{
	struct workers workers = {0};
	unsigned count = config->server.workers > 0 ? config->server.workers : cpu_count();
	if (count > WORKERS_MAX)
		count = WORKERS_MAX;
	int rc = addresses_free(config, why);
	if (rc < 0)
		return rc;
	workers.worker = aligned_alloc(_Alignof(struct worker), count * sizeof(*workers.worker));
	rc = workers.worker == NULL ? BANYAN_ENOMEM : 0;
	if (rc == 0) {
		memset(workers.worker, 0, count * sizeof(*workers.worker));
		workers.count = count;
		rc = net_limits_new(config->server.tcp_clients, config->server.tcp_clients_per_address,
				    &workers.limits);
	}
	if (rc == 0)
		rc = net_limits_new(config->transfers.max, config->transfers.max_per_address, &workers.transfer_limits);
	if (rc == 0)
		rc = answer_rates_new(config->rrl.table_size, &workers.rates);
	if (rc == 0 && config->resolver.enabled)
		rc = resolve_cache_new(config->resolver.cache_size, &workers.cache);
	if (rc == 0 && config->resolver.enabled)
		rc = resolve_anchors_new(&workers.shared_anchors);
	if (rc == 0 && config->resolver.enabled) {
		workers.upstream = calloc(1, sizeof(*workers.upstream));
		rc = workers.upstream == NULL ? BANYAN_ENOMEM : 0;
	}
	if (rc < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "cannot make the workers: %s", error_text(rc));
	else if (workers.upstream != NULL)
		rc = upstream_load(config, workers.upstream, why);
	for (unsigned i = 0; rc == 0 && i < count; i++)
		rc = worker_make(&workers.worker[i], config, &workers, keeper, why);
	if (rc == 0)
		rc = identity_give(config, &workers, why);
	if (rc == 0) {
		rc = workers_xdp_start(config, &workers);
		if (rc < 0)
			snprintf(why, REFUSAL_TEXT_MAX, "cannot share out queues of AF_XDP: %s", error_text(rc));
	}
	if (rc < 0) {
		workers_done(&workers);
		return rc;
	}
	*ret = workers;
	return 0;
}

int workers_start(struct workers *workers)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the keeper's */
	int err = 0, rc = 0;
	for (unsigned i = 0; rc == 0 && i < workers->count; i++)
		rc = net_loop_accept(workers->worker[i].loop);
	for (unsigned i = 0; rc == 0 && err == 0 && i < workers->count; i++) {
		struct worker *worker = &workers->worker[i];
		err = pthread_create(&worker->thread, NULL, worker_run, worker);
		worker->running = err == 0;
	}
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return rc < 0 ? rc : err == 0 ? 0 : error_from_errno(err);
}

void workers_stop(struct workers *workers)
{
	for (unsigned i = 0; i < workers->count; i++)
		if (workers->worker[i].running)
			net_loop_stop(workers->worker[i].loop);
	for (unsigned i = 0; i < workers->count; i++) {
		if (workers->worker[i].running)
			pthread_join(workers->worker[i].thread, NULL);
		workers->worker[i].running = false;
	}
}

void workers_done(struct workers *workers)
{
	workers_stop(workers);
	for (unsigned i = 0; i < workers->count; i++) {
		struct worker *worker = &workers->worker[i];
		answer_recursor_free(worker->recursor);
		if (worker->engine != NULL)
			resolve_free(worker->engine);
		net_loop_free(worker->loop);
	}
	workers_xdp_done(workers);
	if (workers->cache != NULL)
		resolve_cache_free(workers->cache);
	resolve_anchors_free(workers->shared_anchors);
	if (workers->upstream != NULL)
		upstream_done(workers->upstream);
	free(workers->upstream);
	net_limits_free(workers->limits);
	net_limits_free(workers->transfer_limits);
	answer_rates_free(workers->rates);
	free(workers->worker);
	*workers = (struct workers){0};
}
