// SPDX-License-Identifier: GPL-3.0-or-later
/* Policy zones from their primaries: asked when it is time or when they say so; the last good version stays until there is a
 * newer one. All of it in the keeper, but for the making of a version. */
#include "feed.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static void feed_ask(struct feed *feed);
static void expire(struct feed *feed);

/* ---- life ---- */

static void feed_free(struct feed *feed)
{
	if (!feed->closed || feed->making)
		return;
	policy_zone_release(feed->current);
	policy_zone_release(feed->version);
	policy_source_release(feed->source);
	free(feed->file);
	free(feed);
}

static void on_closed(uv_handle_t *handle)
{
	struct feed *feed = handle->data;
	feed->closed = true;
	feed_free(feed);
}

static void feed_drop(struct feed *feed)
{
	feed->gone = true;
	sync_pull_cancel(feed->pull);
	feed->pull = NULL;
	uv_close((uv_handle_t *)&feed->timer, on_closed);
}

/* ---- when ---- */

/* Until the version in use may not be used any more, unless a primary says that it is still the newest (RFC 1035 section 3.3.13). */
static uint32_t expire_s(const struct feed *feed)
{
	uint32_t soa_s = feed->current->timers.expire;
	return feed->expire_s != 0 && feed->expire_s < soa_s ? feed->expire_s : soa_s;
}

static int64_t expiry_left_ms(const struct feed *feed)
{
	return feed->current == NULL ? INT64_MAX : feed->fresh_ms + (int64_t)expire_s(feed) * 1000 - clock_mono_ms();
}

static void on_timer(uv_timer_t *timer)
{
	struct feed *feed = timer->data;
	if (expiry_left_ms(feed) <= 0)
		expire(feed);
	feed_ask(feed);
}

static void ask_in(struct feed *feed, uint64_t ms)
{
	int64_t left_ms = expiry_left_ms(feed);
	if (left_ms < (int64_t)ms)
		ms = left_ms < FEED_HURRY_MS ? FEED_HURRY_MS : (uint64_t)left_ms;
	uv_timer_start(&feed->timer, on_timer, ms, 0);
}

static uint64_t clamp_s(const struct feed *feed, uint32_t seconds)
{
	return seconds < feed->refresh_min_s   ? feed->refresh_min_s
	       : seconds > feed->refresh_max_s ? feed->refresh_max_s
					       : seconds;
}

/* By the SOA's refresh and retry; without a version ever more slowly. */
static void ask_later(struct feed *feed)
{
	const struct sync_timers *timers = feed->current == NULL ? NULL : &feed->current->timers;
	uint64_t seconds = 0;
	if (timers != NULL) {
		seconds = clamp_s(feed, feed->failures > 0 ? timers->retry : timers->refresh);
		if (seconds > expire_s(feed) / 2) /* not only when it is too late */
			seconds = expire_s(feed) > 1 ? expire_s(feed) / 2 : 1;
	} else {
		seconds = (uint64_t)feed->refresh_min_s << (feed->failures > 8   ? 8
							    : feed->failures > 0 ? feed->failures - 1
										 : 0);
		if (seconds > FEED_AGAIN_MAX_S)
			seconds = FEED_AGAIN_MAX_S;
	}
	ask_in(feed, seconds * 1000);
}

/* Soon, since a primary says so. */
static void feed_hurry(struct feed *feed)
{
	if (feed->pull != NULL || feed->making || feed->made) {
		feed->hurry = true;
		return;
	}
	int64_t since = clock_mono_ms() - feed->asked_ms;
	ask_in(feed, since >= FEED_HURRY_MS ? 0 : (uint64_t)(FEED_HURRY_MS - since));
}

static void turn_over(struct feed *feed)
{
	if (feed->hurry) {
		feed->hurry = false;
		feed_hurry(feed);
	} else {
		ask_later(feed);
	}
}

static void failed(struct feed *feed, const char *why)
{
	feed->failures++;
	snprintf(feed->failure, sizeof feed->failure, "%s", why);
	counter_add(&feed->keeper->counters, COUNTER_POLICY_ZONES_FAILED, 1);
	if ((feed->failures & (feed->failures - 1)) == 0) /* 1, 2, 4, 8, ...: an outage does not fill the log */
		log_warning(STATION, "policy zone %s: cannot be fetched (%u time%s in a row): %s; %s", feed->zone,
			    feed->failures, feed->failures == 1 ? "" : "s", why,
			    feed->current != NULL ? "the version before it stays in use"
						  : "there is no version yet, so names pass");
	turn_over(feed);
}

/* ---- a new version ---- */

/* Workers use this version (NULL = none) from now on. */
static int replace(struct feed *feed, struct policy_zone *version)
{
	struct keeper *keeper = feed->keeper;
	const struct generation *g = swap_read(&keeper->swap);
	size_t at = 0;
	while (at < g->config->n_rpz && strcasecmp(g->config->rpz[at].zone, feed->zone) != 0)
		at++;
	if (feed->gone || at == g->config->n_rpz)
		return BANYAN_ENOENT;
	struct policies policies;
	int rc = policies_with(&g->policies, at, version, &policies);
	struct generation *next = rc < 0 ? NULL : generation_with(g, &policies);
	if (next == NULL) {
		if (rc == 0)
			policies_done(&policies);
		return BANYAN_ENOMEM;
	}
	generation_shell_free(swap_publish(&keeper->swap, next));
	policy_zone_release(feed->current);
	feed->current = version;
	return 0;
}

static void publish(struct feed *feed)
{
	struct keeper *keeper = feed->keeper;
	feed->made = false;
	int rc = replace(feed, feed->version);
	if (rc == BANYAN_ENOENT)
		return;
	if (rc < 0)
		policy_zone_release(feed->version);
	feed->version = NULL;
	if (rc < 0) {
		failed(feed, error_text(rc));
		return;
	}
	feed->fresh_ms = clock_mono_ms();
	feed->expire_s = feed->transfer_expire_s;
	feed->failures = 0;
	feed->refetch = false;
	counter_add(&keeper->counters, COUNTER_POLICY_ZONES_FETCHED, 1);
	turn_over(feed);
}

/* Its rules hold no more, as with a secondary whose primaries are gone. The copy goes aside, or a reload would bring it back. */
static void expire(struct feed *feed)
{
	char aside[PATH_MAX];
	if (feed->keeper->reloading || feed->making || feed->made)
		return; /* looked at again when that is over */
	char span[32];
	clock_span(expire_s(feed), span);
	if (replace(feed, NULL) < 0)
		return;
	feed->refetch = false;
	bool kept = feed->file[0] != 0 && snprintf(aside, sizeof aside, "%s.expired", feed->file) < (int)sizeof aside &&
		    rename(feed->file, aside) == 0;
	counter_add(&feed->keeper->counters, COUNTER_POLICY_ZONES_EXPIRED, 1);
	log_error(
		STATION,
		"policy zone %s: expired: no primary has answered for it for %s (the expire time of its SOA, or of its "
		"primary's own copy); names "
		"pass until one does%s%s",
		feed->zone, span, kept ? "; the copy is in " : "", kept ? aside : "");
}

static void version_work(uv_work_t *work)
{
	background_begin();
	feed_version_make(work->data);
}

static void version_done(uv_work_t *work, int status)
{
	struct feed *feed = work->data;
	feed->making = false;
	if (feed->gone) {
		feed_free(feed);
		return;
	}
	if (feed->keeper->stopping)
		return;
	if (feed->make_rc < 0) {
		feed->hurry = !feed->refetch && feed->make_rc != BANYAN_ENOMEM; /* all of it then, at once */
		feed->refetch = true;
		failed(feed, feed->why);
		return;
	}
	feed->made = true;
	if (!feed->keeper->reloading)
		publish(feed);
}

static void version_start(struct feed *feed)
{
	sigset_t all, before;
	feed->making = true;
	feed->work.data = feed;
	sigfillset(&all); /* as in reload.c: the pool's threads take no signals */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int err = uv_queue_work(&feed->keeper->loop, &feed->work, version_work, version_done);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err < 0) {
		feed->making = false;
		sync_transfer_free(feed->transfer);
		feed->transfer = NULL;
		failed(feed, "out of memory");
	}
}

/* ---- asking ---- */

static void on_pulled(void *ctx, const struct sync_pull_result *result)
{
	struct feed *feed = ctx;
	struct sync_pull *pull = feed->pull;
	char addr[ADDR_TEXT_MAX];
	feed->pull = NULL;
	switch (result->progress) {
	case SYNC_CURRENT:
		feed->failures = 0;
		feed->fresh_ms = clock_mono_ms();
		feed->expire_s = sync_transfer_expire_s(result->transfer);
		turn_over(feed);
		break;
	case SYNC_CHANGED:
		log_notice(STATION, "policy zone %s: serial %u from %s, %s, %zu record%s", feed->zone,
			   sync_transfer_serial(result->transfer), addr_format(result->from, true, addr),
			   sync_transfer_is_whole(result->transfer) ? "all of it" : "differences",
			   sync_transfer_changes(result->transfer),
			   sync_transfer_changes(result->transfer) == 1 ? "" : "s");
		feed->transfer = sync_pull_take(pull);
		feed->transfer_expire_s = sync_transfer_expire_s(feed->transfer);
		version_start(feed);
		break;
	default:
		failed(feed, result->why);
		break;
	}
}

static void feed_ask(struct feed *feed)
{
	if (feed->pull != NULL || feed->making || feed->made || feed->keeper->stopping)
		return;
	struct random random;
	random_init_kernel(&random);
	struct sync_pull_settings settings = {
		.transfer =
			{
				.apex = feed->apex,
				.have = feed->current != NULL && !feed->refetch,
				.whole = feed->file[0] == 0, /* differences need the version before them */
				.key = feed->source->key,
				.bytes_max = feed->size_max,
				.seed = random_u64(&random),
			},
		.n_primaries = feed->n_primaries,
		.primary = feed->primary,
		.done = on_pulled,
		.ctx = feed,
	};
	if (feed->current != NULL)
		settings.transfer.serial = feed->current->timers.serial;
	feed->asked_ms = clock_mono_ms();
	feed->asked_at = clock_wall_s();
	int rc = sync_pull_start(&feed->keeper->loop, &settings, &feed->pull);
	if (rc < 0) {
		feed->pull = NULL;
		failed(feed, error_text(rc));
	}
}

/* ---- what is configured ---- */

static struct feed **feed_find(struct keeper *keeper, const char *zone)
{
	struct feed **at = &keeper->feeds;
	while (*at != NULL && strcasecmp((*at)->zone, zone) != 0)
		at = &(*at)->next;
	return at;
}

struct policy_zone *feeds_kept(void *ctx, const struct config_rpz *from)
{
	struct feed *feed = *feed_find(ctx, from->zone);
	if (feed == NULL || feed->current == NULL)
		return NULL;
	feed->current->users++;
	return feed->current;
}

static struct feed *feed_new(struct keeper *keeper, const char *zone)
{
	struct feed *feed = calloc(1, sizeof *feed);
	if (feed == NULL)
		return NULL;
	feed->keeper = keeper;
	snprintf(feed->zone, sizeof feed->zone, "%s", zone);
	uv_timer_init(&keeper->loop, &feed->timer);
	feed->timer.data = feed;
	feed->next = keeper->feeds;
	keeper->feeds = feed;
	feed->asked_ms = -FEED_HURRY_MS;
	return feed;
}

/* The settings of this moment; the primaries are asked again at once, since something may be new about them. */
static void feed_set(struct feed *feed, const struct config_rpz *from, struct policies *policies, size_t at)
{
	char *file = strdup(from->file);
	sync_pull_cancel(feed->pull);
	feed->pull = NULL;
	if (file != NULL) {
		free(feed->file);
		feed->file = file;
	}
	(void)!wire_name_parse(from->zone, feed->apex);
	wire_name_lower(feed->apex, feed->apex);
	feed->n_primaries = from->primaries.count < SYNC_PRIMARIES_MAX ? from->primaries.count : SYNC_PRIMARIES_MAX;
	memcpy(feed->primary, from->primaries.item, feed->n_primaries * sizeof(feed->primary[0]));
	feed->refresh_min_s = from->refresh_min_s;
	feed->refresh_max_s = from->refresh_max_s;
	feed->size_max = from->size_max;
	policy_source_release(feed->source);
	feed->source = policies->source[at];
	feed->source->users++;
	if (feed->current == NULL && policies->zone[at] != NULL) {
		feed->current = policies->zone[at];
		feed->current->users++;
		feed->fresh_ms = clock_mono_ms(); /* as far as is known: the copy does not say */
	}
	if (!feed->making && !feed->made)
		ask_in(feed, 0);
}

static bool is_fed(const struct config *config, const char *zone)
{
	for (size_t i = 0; i < config->n_rpz; i++)
		if (config->rpz[i].primaries.count > 0 && strcasecmp(config->rpz[i].zone, zone) == 0)
			return true;
	return false;
}

void feeds_adopt(struct keeper *keeper)
{
	struct generation *g = atomic_load(&keeper->swap.current);
	bool on = g->policies.source != NULL;
	for (struct feed **at = &keeper->feeds; *at != NULL;) {
		struct feed *feed = *at;
		if (on && is_fed(g->config, feed->zone)) {
			at = &feed->next;
			continue;
		}
		*at = feed->next;
		feed_drop(feed);
	}
	for (size_t i = 0; on && i < g->config->n_rpz; i++) {
		const struct config_rpz *from = &g->config->rpz[i];
		if (from->primaries.count == 0)
			continue;
		struct feed *feed = *feed_find(keeper, from->zone);
		if (feed == NULL)
			feed = feed_new(keeper, from->zone);
		if (feed != NULL && (feed->file != NULL || (feed->file = strdup("")) != NULL))
			feed_set(feed, from, &g->policies, i);
	}
}

void feeds_describe(struct keeper *keeper, struct operate_policy_zone *zone)
{
	const struct feed *feed = *feed_find(keeper, zone->name);
	if (feed == NULL)
		return;
	zone->fetched = true;
	zone->asked_at = feed->asked_at;
	zone->failures = feed->failures;
	zone->failure = feed->failures > 0 ? feed->failure : "";
}

void feeds_publish(struct keeper *keeper)
{
	for (struct feed *feed = keeper->feeds; feed != NULL; feed = feed->next)
		if (feed->made)
			publish(feed);
}

void feeds_end(struct keeper *keeper)
{
	while (keeper->feeds != NULL) {
		struct feed *feed = keeper->feeds;
		keeper->feeds = feed->next;
		feed_drop(feed);
	}
}

/* ---- notifications: a worker has seen one ---- */

static void on_notified(void *ctx)
{
	struct keeper *keeper = ctx;
	for (struct feed *feed = keeper->feeds; feed != NULL; feed = feed->next)
		if (atomic_exchange(&feed->source->notified, false))
			feed_hurry(feed);
}

static const struct config_rpz *notified_zone(const struct generation *g, const struct sync_notify *notify,
					      size_t *ret_at)
{
	for (size_t i = 0; g->policies.source != NULL && i < g->config->n_rpz; i++) {
		if (g->policies.source[i] != NULL && wire_name_equal(g->policies.source[i]->apex, notify->apex)) {
			*ret_at = i;
			return &g->config->rpz[i];
		}
	}
	return NULL;
}

static bool is_primary(const struct config_rpz *rpz, const struct addr *peer)
{
	for (size_t i = 0; i < rpz->primaries.count; i++)
		if (rpz->primaries.item[i].family == peer->family &&
		    memcmp(rpz->primaries.item[i].ip, peer->ip, peer->family == 4 ? 4 : 16) == 0)
			return true;
	return false;
}

int feeds_notify(struct keeper *keeper, const struct answer_request *request, struct counters *counters)
{
	struct sync_notify notify;
	size_t at;
	if (keeper == NULL || request->len < 12 || (request->msg[2] & 0xf8) != WIRE_OPCODE_NOTIFY << 3)
		return FEEDS_NOT_MINE;
	if (!sync_notify_parse(request->msg, request->len, &notify))
		return FEEDS_NOT_MINE;
	const struct generation *g = swap_read(&keeper->swap);
	const struct config_rpz *rpz = notified_zone(g, &notify, &at);
	if (rpz == NULL)
		return FEEDS_NOT_MINE;
	struct policy_source *source = g->policies.source[at];
	struct wire_tsig tsig = {.key = source->key};
	bool good = is_primary(rpz, &request->peer), is_signed = false;
	if (good && notify.is_signed)
		good = is_signed = source->key != NULL && wire_tsig_check(&tsig, request->msg, request->len) == 0;
	/* who can only forge an address gets a question asked a little earlier, no more (RFC 1996 section 3.10) */
	if (good) {
		counter_add(counters, COUNTER_POLICY_NOTIFIES, 1);
		if (!atomic_exchange(&source->notified, true))
			(void)!keeper_post(keeper, on_notified, keeper);
	}
	int len = sync_notify_reply(&notify, good ? WIRE_RCODE_NOERROR : WIRE_RCODE_NOTAUTH, is_signed ? &tsig : NULL,
				    request->out, WIRE_MESSAGE_MAX);
	wire_tsig_done(&tsig);
	return len < 0 ? 0 : len;
}
