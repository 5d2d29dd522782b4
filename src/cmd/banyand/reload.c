// SPDX-License-Identifier: GPL-3.0-or-later
/* The whole new configuration is tried beside the running one; it takes over if all of it is good, and not at all else. */
#include "daemon.h"
#include "publisher.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

/* ---- in a thread of libuv's pool: reading and proving may take long, and the keeper has other things to do ---- */

static void reload_work(uv_work_t *work)
{
	struct keeper *keeper = work->data;
	struct config *config;
	struct config_error error;
	background_begin();
	keeper->reloaded = NULL;
	keeper->reload_rc = config_read_file(keeper->config_path, &config, &error);
	if (keeper->reload_rc < 0) {
		snprintf(keeper->reload_why, sizeof(keeper->reload_why), "%s", error.text);
		return;
	}
	if (keeper->attendant == NULL && copies_any(config)) {
		keeper->reload_rc = BANYAN_EINVAL;
		snprintf(keeper->reload_why, sizeof(keeper->reload_why),
			 "the first sources of a server that does not resolve need a restart: the process that proves "
			 "what they "
			 "have is started before all others");
		config_free(config);
		return;
	}
	/* only the keeper replaces the current generation, and not while this runs */
	bool need_root = swap_read(&keeper->swap)->root != NULL;
	keeper->reload_rc = generation_load(config, keeper->workers.shared_anchors, need_root, feeds_kept, keeper,
					    keeper, &keeper->reloaded, keeper->reload_why);
}

/* ---- back in the keeper ---- */

static void tell_callers(struct keeper *keeper, bool good, const char *text)
{
	for (size_t i = 0; i < keeper->n_reload_calls; i++) {
		(void)!buffer_printf(operate_call_reply(keeper->reload_call[i]), "%s\n", text);
		operate_call_done(keeper->reload_call[i], good);
	}
	keeper->n_reload_calls = 0;
}

static void adopt(struct keeper *keeper, struct generation *generation, char text[REFUSAL_TEXT_MAX])
{
	_cleanup_(buffer_done) struct buffer restart = {0};
	int n = config_compare(swap_read(&keeper->swap)->config, generation->config, &restart);
	snprintf(text, REFUSAL_TEXT_MAX, "reloaded: %zu zone%s%s%s%.700s", generation->config->n_zones,
		 generation->config->n_zones == 1 ? "" : "s", generation->root != NULL ? " and the root copy" : "",
		 n > 0 ? "; a restart is needed for: " : "", n > 0 ? (const char *)restart.data : "");
	log_set_level(generation->config->server.log_level);
	if (anchors_adopt(keeper, swap_read(&keeper->swap), generation) < 0)
		log_error(STATION, "no memory for the new trust anchors: those before them stay");
	struct negatives *negatives = negatives_prepare(keeper, generation);
	bool spoilt = settings_spoil_cache(swap_read(&keeper->swap)->config, generation->config);
	notifies_forget_keys(keeper);
	upstream_hold(keeper->workers.upstream, generation);
	generation_free(swap_publish(&keeper->swap, generation));
	if (spoilt && keeper->workers.cache != NULL) {
		log_notice(STATION, "settings of TTLs, of proofs or of the edition have changed: the cache is emptied");
		resolve_cache_flush(keeper->workers.cache, NULL, true);
	}
	negatives_adopt(keeper, negatives);
	feeds_adopt(keeper);
	notifies_adopt(keeper);
	publisher_offer(keeper, generation);
	transfers_adopt(generation);
	tls_renew(keeper, generation->config);
	copies_adopt(keeper);
	keeper->last_refusal[0] = 0;
	counter_add(&keeper->counters, COUNTER_RELOADS, 1);
	log_notice(STATION, "%s", text);
}

static void refuse(struct keeper *keeper, char text[REFUSAL_TEXT_MAX])
{
	memcpy(keeper->last_refusal, keeper->reload_why, sizeof(keeper->last_refusal));
	counter_add(&keeper->counters, COUNTER_RELOADS_FAILED, 1);
	snprintf(text, REFUSAL_TEXT_MAX, "not reloaded, the configuration and zones before it are kept: %.900s",
		 keeper->reload_why);
	log_error(STATION, "%s", text);
}

static void reload_done(uv_work_t *work, int status)
{
	struct keeper *keeper = work->data;
	char text[REFUSAL_TEXT_MAX];
	bool good = keeper->reload_rc == 0;
	keeper->reloading = false;
	if (keeper->stopping) {
		generation_free(keeper->reloaded);
		return;
	}
	if (good)
		adopt(keeper, keeper->reloaded, text);
	else
		refuse(keeper, text);
	feeds_publish(keeper);
	copies_publish(keeper);
	notify_ready(text);
	tell_callers(keeper, good, text);
	if (!keeper->reload_again)
		return;
	keeper->reload_again = false;
	memcpy(keeper->reload_call, keeper->reload_next_call, sizeof(keeper->reload_call));
	keeper->n_reload_calls = keeper->n_reload_next_calls;
	keeper->n_reload_next_calls = 0;
	reload_start(keeper, NULL);
}

/* Who asks while one is under way gets the next one: files may have changed after they were read. */
void reload_start(struct keeper *keeper, struct operate_call *call)
{
	if (keeper->stopping)
		return;
	if (keeper->reloading) {
		keeper->reload_again = true;
		if (call != NULL)
			keeper->reload_next_call[keeper->n_reload_next_calls++] = call;
		return;
	}
	if (call != NULL)
		keeper->reload_call[keeper->n_reload_calls++] = call;
	keeper->reloading = true;
	keeper->reload_work.data = keeper;
	notify_reloading();
	log_notice(STATION, "reloading %s", keeper->config_path);
	/* the first work starts the pool's threads, which keep the mask of this moment: signals are the keeper's */
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = uv_queue_work(&keeper->loop, &keeper->reload_work, reload_work, reload_done);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err < 0) {
		keeper->reloading = false;
		tell_callers(keeper, false, "the reload could not be started");
	}
}

void reload_abandon(struct keeper *keeper)
{
	tell_callers(keeper, false, "the daemon stops");
	memcpy(keeper->reload_call, keeper->reload_next_call, sizeof(keeper->reload_call));
	keeper->n_reload_calls = keeper->n_reload_next_calls;
	keeper->n_reload_next_calls = 0;
	keeper->reload_again = false;
	tell_callers(keeper, false, "the daemon stops");
}
