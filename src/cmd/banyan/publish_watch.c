// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * banyan publish --watch: each edition looks at its source when it is time or it was told to, and runs when there is something new, when a
 * signature or a key is due, and again some time after a refusal. What was accepted of a source is kept, so that signatures are made anew also
 * while the source is gone or says what must not be believed.
 */
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

#include "cmd.h"
#include "net/net.h"
#include "publish.h"
#include "sync/sync.h"

#define TICK_MS       1000
#define RETRY_SOA_MIN 1 /* s: a source whose SOA asks for less */

/* ---- NOTIFY: heard in a thread of its own, since net/ has a loop of its own ---- */

struct publish_listener {
	struct publish_run *run;
	struct net_loop *loop;
	struct counters *counters;
	uv_async_t heard;
	uv_thread_t thread;
	bool running;
	_Atomic bool told[PUBLISH_EDITIONS_MAX]; /* by the index of the edition */
};

static int on_message(void *ctx, struct net_message *m)
{
	struct publish_listener *l = ctx;
	struct sync_notify notify;
	bool known = false;
	if (!sync_notify_parse(m->msg, m->len, &notify))
		return 0;
	for (size_t i = 0; i < l->run->n; i++)
		if (wire_name_equal(l->run->item[i].settings.zone, notify.apex)) {
			known = true;
			atomic_store(&l->told[i], true);
		}
	uv_async_send(&l->heard);
	int len = sync_notify_reply(&notify, known ? WIRE_RCODE_NOERROR : WIRE_RCODE_REFUSED, NULL, m->reply,
				    m->reply_cap);
	return len > 0 ? len : 0;
}

static void on_heard(uv_async_t *async)
{
	struct publish_listener *l = async->data;
	for (size_t i = 0; i < l->run->n; i++)
		if (atomic_exchange(&l->told[i], false))
			l->run->item[i].notified = true;
}

static void listener_run(void *ctx)
{
	struct publish_listener *l = ctx;
	net_loop_run(l->loop);
}

static int listener_open(struct publish_listener *l)
{
	struct net_settings settings = {.udp_batch = 1,
					.tcp_clients = 16,
					.tcp_clients_per_address = 16,
					.tcp_idle_ms = 5000,
					.tcp_pipeline = 1};
	char text[ADDR_TEXT_MAX];
	int rc = net_loop_new(&settings, l->counters, &l->loop);
	for (size_t i = 0; i < l->run->n && rc == 0; i++) {
		const struct config_addrs *addrs = &l->run->item[i].config->source.notify_listen;
		for (size_t a = 0; a < addrs->count && rc == 0; a++) {
			rc = net_listen(l->loop, &addrs->item[a], on_message, l, NULL);
			if (rc < 0)
				fprintf(stderr, "banyan publish: source.notify-listen: %s: %s\n",
					addr_format(&addrs->item[a], true, text), error_text(rc));
		}
	}
	return rc;
}

static int listener_start(struct publish_run *run)
{
	size_t n = 0;
	for (size_t i = 0; i < run->n; i++)
		n += run->item[i].config->source.notify_listen.count;
	if (n == 0)
		return 0;
	struct publish_listener *l = calloc(1, sizeof *l);
	run->listener = l;
	if (l == NULL)
		return BANYAN_ENOMEM;
	l->run = run;
	l->counters = calloc(1, sizeof *l->counters);
	if (l->counters == NULL || uv_async_init(&run->loop, &l->heard, on_heard) < 0)
		return BANYAN_ENOMEM;
	l->heard.data = l;
	int rc = listener_open(l);
	if (rc == 0)
		rc = uv_thread_create(&l->thread, listener_run, l) < 0 ? BANYAN_ENOMEM : 0;
	l->running = rc == 0;
	return rc;
}

static void listener_stop(struct publish_run *run)
{
	struct publish_listener *l = run->listener;
	if (l == NULL)
		return;
	if (l->running) {
		net_loop_stop(l->loop);
		uv_thread_join(&l->thread);
	}
	net_loop_free(l->loop);
	if (l->heard.data != NULL) {
		uv_close((uv_handle_t *)&l->heard, NULL);
		uv_run(&run->loop, UV_RUN_NOWAIT);
	}
	free(l->counters);
	free(l);
	run->listener = NULL;
}

/* ---- one edition ---- */

static bool is_here(const struct publishing *p)
{
	return p->source[0].at.kind == PULL_SOURCE_FILE || p->source[0].at.kind == PULL_SOURCE_DIR;
}

/* A failure doubles the wait, up to PUBLISH_BACKOFF_S. */
static uint32_t backed_off(uint32_t wait, unsigned failures)
{
	uint32_t most = wait > PUBLISH_BACKOFF_S ? wait : PUBLISH_BACKOFF_S;
	for (unsigned i = 1; i < failures && wait < most; i++)
		wait = wait < most / 2 ? wait * 2 : most;
	return wait;
}

/* When the sources are looked at next. */
static void check_later(struct publishing *p, bool good)
{
	const struct zone *zone = p->candidate.zone != NULL ? p->candidate.zone : p->accepted.zone;
	uint32_t wait = p->config->source.check_s;
	struct sync_timers timers;
	if (wait == 0 && !is_here(p) && zone != NULL && sync_timers_of(zone, &timers))
		wait = good ? timers.refresh : timers.retry;
	else if (wait == 0 && (!is_here(p) || !p->source[0].good)) /* a file that has changed is read at once */
		wait = PUBLISH_RETRY_S;
	wait = wait > RETRY_SOA_MIN ? wait : RETRY_SOA_MIN;
	p->failures = good ? 0 : p->failures + 1;
	p->check_at = clock_wall_s() + (good ? wait : backed_off(wait, p->failures));
}

/* With what is newer, or with what was accepted before: then it is a signature or a key that is due. */
static void run_edition(struct publishing *p, bool with_candidate)
{
	int64_t now = clock_wall_s();
	const struct zone *source = with_candidate ? p->candidate.zone : p->accepted.zone;
	int rc = publish_once(p, source, !with_candidate && p->lost[0] != '\0' ? p->lost : NULL);
	p->retry_at = rc < 0 || edition_due(p->edition, now) <= now ? now + PUBLISH_RETRY_S : 0;
	if (rc < 0 || !with_candidate)
		return;
	publish_copy_done(&p->accepted);
	p->accepted = p->candidate;
	p->candidate = (struct publish_copy){.fd = -1};
}

/* A candidate that was refused is tried again; what was accepted goes on meanwhile. */
static void run_due(struct publishing *p)
{
	int64_t now = clock_wall_s();
	bool asked = edition_asked(p->edition);
	if ((p->retry_at > now && !asked) || (p->under_way != NULL && now < p->asked_at + PUBLISH_RETRY_S))
		return;
	if (p->candidate.zone != NULL && p->retry_at != 0)
		run_edition(p, true);
	if (p->accepted.zone != NULL && (asked || edition_due(p->edition, now) <= now || p->retry_at != 0))
		run_edition(p, false);
}

static void on_source(struct publishing *p, enum publish_source_outcome outcome, enum reason reason, const char *why)
{
	p->notified = false;
	if (outcome != PUBLISH_SOURCE_FAILED && p->lost[0] != '\0') {
		log_notice("publish", "%s: the source can be had again", p->config->path);
		p->told[0] = '\0';
	}
	snprintf(p->lost, sizeof p->lost, "%s", why);
	if (outcome == PUBLISH_SOURCE_NEW)
		run_edition(p, true);
	else if (outcome == PUBLISH_SOURCE_FAILED)
		publish_tell_refusal(p, reason, why);
	check_later(p, outcome != PUBLISH_SOURCE_FAILED);
	if (outcome != PUBLISH_SOURCE_NEW)
		run_due(p);
}

/* By a clock that was set back, what was to be done in a minute would be done in a year; and what is out may be of a time to come. */
static void clock_look(struct publishing *p)
{
	int64_t now = clock_wall_s();
	if (now < p->looked_at)
		p->check_at = p->retry_at = p->asked_at = now;
	p->looked_at = now;
}

/* A file is looked at each second, or as source.check-interval says, but only one that has changed is read. */
static bool is_time(struct publishing *p)
{
	bool changed = is_here(p) && !publish_source_looked_at(p);
	if (p->notified || (changed && p->config->source.check_s == 0))
		return true;
	if (clock_wall_s() < p->check_at)
		return false;
	if (!is_here(p) || p->n_sources > 1 || !p->source[0].good || changed)
		return true;
	check_later(p, true);
	return false;
}

static void on_tick(uv_timer_t *timer)
{
	struct publishing *p = timer->data;
	clock_look(p);
	if (p->under_way == NULL && is_time(p)) {
		p->asked_at = clock_wall_s();
		if (publish_source_ask(p, on_source) < 0) {
			publish_tell_refusal(p, REASON_SOURCE_UNREADABLE,
					     "out of memory or of descriptors: the source cannot be asked");
			check_later(p, false);
		}
	}
	run_due(p); /* also while a source does not answer */
}

/* ---- all of them ---- */

static void on_signal(uv_signal_t *handle, int signum)
{
	uv_stop(handle->loop);
}

static int handles_open(struct publish_run *run)
{
	static const int signals[] = {SIGTERM, SIGINT};
	for (size_t i = 0; i < ARRAY_SIZE(signals); i++)
		if (uv_signal_init(&run->loop, &run->signal[i]) < 0 ||
		    uv_signal_start(&run->signal[i], on_signal, signals[i]) < 0)
			return BANYAN_ENOMEM;
	for (size_t i = 0; i < run->n; i++) {
		struct publishing *p = &run->item[i];
		p->tick.data = p;
		if (uv_timer_init(&run->loop, &p->tick) < 0 || uv_timer_start(&p->tick, on_tick, 0, TICK_MS) < 0)
			return BANYAN_ENOMEM;
	}
	return 0;
}

static void handle_close(uv_handle_t *handle, void *arg)
{
	if ((handle->type == UV_TIMER || handle->type == UV_SIGNAL) && !uv_is_closing(handle))
		uv_close(handle, NULL);
}

int publish_watch(struct publish_run *run)
{
	int rc = listener_start(run);
	if (rc == 0)
		rc = handles_open(run);
	if (rc == 0)
		uv_run(&run->loop, UV_RUN_DEFAULT);
	for (size_t i = 0; i < run->n; i++)
		publish_source_cancel(&run->item[i]);
	listener_stop(run);
	uv_walk(&run->loop, handle_close, NULL);
	return rc < 0 ? CMD_ERROR : CMD_OK;
}
