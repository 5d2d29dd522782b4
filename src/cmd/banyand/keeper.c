// SPDX-License-Identifier: GPL-3.0-or-later
/* The keeper: the main thread's loop, with signals, the control socket, reloads and the watchdog. */
#include "daemon.h"
#include "publisher.h"
#include "attendant.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct posted {
	struct posted *next;
	void (*fn)(void *ctx);
	void *ctx;
};

/* ---- from workers ---- */

static void run_posted(struct keeper *keeper)
{
	pthread_mutex_lock(&keeper->lock);
	struct posted *posted = keeper->posted;
	keeper->posted = NULL;
	keeper->posted_last = &keeper->posted;
	pthread_mutex_unlock(&keeper->lock);
	while (posted != NULL) {
		struct posted *next = posted->next;
		posted->fn(posted->ctx);
		free(posted);
		posted = next;
	}
}

static void on_async(uv_async_t *async)
{
	run_posted(async->data);
}

int keeper_post(struct keeper *keeper, void (*fn)(void *ctx), void *ctx)
{
	struct posted *posted = malloc(sizeof(*posted));
	if (posted == NULL)
		return BANYAN_ENOMEM;
	*posted = (struct posted){.fn = fn, .ctx = ctx};
	pthread_mutex_lock(&keeper->lock);
	*keeper->posted_last = posted;
	keeper->posted_last = &posted->next;
	pthread_mutex_unlock(&keeper->lock);
	uv_async_send(&keeper->async);
	return 0;
}

/* ---- signals ---- */

/* Until a worker runs there is nothing to be saved: who does not want to wait for large zones need not. */
static char early_socket[PATH_MAX];

static void on_early_end(int signal)
{
	if (early_socket[0] != 0)
		(void)unlink(early_socket);
	_exit(0);
}

void keeper_early_signals(const char *socket)
{
	struct sigaction action = {.sa_handler = on_early_end};
	if (socket != NULL)
		snprintf(early_socket, sizeof early_socket, "%s", socket);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
}

static void on_sighup(uv_signal_t *handle, int signal)
{
	reload_start(handle->data, NULL);
}

static void on_sigterm(uv_signal_t *handle, int signal)
{
	keeper_stop(handle->data);
}

/* ---- the watchdog: told only while every worker's loop turns ---- */

static void on_watchdog(uv_timer_t *timer)
{
	struct keeper *keeper = timer->data;
	if (workers_alive(&keeper->workers, clock_mono_ms() - (int64_t)keeper->watchdog_ms * 2))
		notify_alive();
	workers_beat(&keeper->workers);
}

static void watchdog_start(struct keeper *keeper)
{
	uint64_t usec = notify_watchdog_us();
	if (usec == 0)
		return;
	keeper->watchdog_ms = usec / 1000 / 4 > 0 ? usec / 1000 / 4 : 1;
	for (unsigned i = 0; i < keeper->workers.count; i++)
		atomic_store(&keeper->workers.worker[i].heartbeat_ms, clock_mono_ms());
	uv_timer_start(&keeper->watchdog, on_watchdog, 0, keeper->watchdog_ms);
}

/* ---- life ---- */

int keeper_init(struct keeper *keeper, const char *config_path)
{
	memset(keeper, 0, sizeof(*keeper));
	keeper->config_path = config_path;
	keeper->started_at = clock_wall_s();
	keeper->posted_last = &keeper->posted;
	pthread_mutex_init(&keeper->lock, NULL);
	if (uv_loop_init(&keeper->loop) < 0)
		return BANYAN_EIO;
	if (uv_async_init(&keeper->loop, &keeper->async, on_async) < 0)
		return BANYAN_EIO;
	uv_signal_init(&keeper->loop, &keeper->sighup);
	uv_signal_init(&keeper->loop, &keeper->sigterm);
	uv_signal_init(&keeper->loop, &keeper->sigint);
	uv_timer_init(&keeper->loop, &keeper->watchdog);
	uv_timer_init(&keeper->loop, &keeper->expiry);
	keeper->async.data = keeper->sighup.data = keeper->sigterm.data = keeper->sigint.data = keeper;
	keeper->watchdog.data = keeper->expiry.data = keeper;
	signal(SIGPIPE, SIG_IGN);
	return uv_signal_start(&keeper->sighup, on_sighup, SIGHUP) < 0 ? BANYAN_EIO : 0;
}

/* Closing the handles gives the signals back to the system, for which SIGTERM and SIGHUP are an end without a word. A second
 * one that comes while we stop changes nothing; an impatient SIGINT still ends the process at once. */
static void signals_close(struct keeper *keeper)
{
	sigset_t stop, before;
	sigemptyset(&stop);
	sigaddset(&stop, SIGTERM);
	sigaddset(&stop, SIGHUP);
	pthread_sigmask(SIG_BLOCK, &stop, &before);
	uv_close((uv_handle_t *)&keeper->sighup, NULL);
	uv_close((uv_handle_t *)&keeper->sigterm, NULL);
	uv_close((uv_handle_t *)&keeper->sigint, NULL);
	signal(SIGTERM, SIG_IGN);
	signal(SIGHUP, SIG_IGN);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void on_control_closed(void *ctx)
{
	struct keeper *keeper = ctx;
	keeper->control = NULL;
}

/* Workers first, so that nothing is posted any more; then whoever still waits on the control socket is told. */
void keeper_stop(struct keeper *keeper)
{
	if (keeper->stopping)
		return;
	keeper->stopping = true;
	log_notice(STATION, "stopping");
	notify_stopping();
	workers_stop(&keeper->workers);
	run_posted(keeper);
	cache_file_stop(keeper);
	control_end_traces(keeper);
	reload_abandon(keeper);
	feeds_end(keeper);
	notifies_end(keeper);
	publisher_stop(keeper);
	copies_end(keeper);
	attendant_free(keeper->attendant);
	keeper->attendant = NULL;
	if (keeper->control != NULL)
		operate_control_free(keeper->control, on_control_closed, keeper);
	uv_close((uv_handle_t *)&keeper->async, NULL);
	signals_close(keeper);
	uv_close((uv_handle_t *)&keeper->watchdog, NULL);
	uv_close((uv_handle_t *)&keeper->expiry, NULL);
}

void keeper_signals(struct keeper *keeper)
{
	if (uv_signal_start(&keeper->sigterm, on_sigterm, SIGTERM) < 0 ||
	    uv_signal_start(&keeper->sigint, on_sigterm, SIGINT) < 0)
		log_error(STATION, "signals cannot be handled: SIGTERM ends the daemon without saving its cache");
}

int keeper_run(struct keeper *keeper)
{
	watchdog_start(keeper);
	expiry_watch(keeper);
	uv_run(&keeper->loop, UV_RUN_DEFAULT); /* ends when all is closed and a reload that was under way is over */
	uv_loop_close(&keeper->loop);
	pthread_mutex_destroy(&keeper->lock);
	return 0;
}
