// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Versions become files one after the other, in a thread of libuv's pool: packing takes seconds. What fails is tried again, later each time;
 * a pointer is written anew long before it is too old, also when there is no new version.
 */
#include "publisher.h"

#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "net/web/web.h"
#include "sync/files/files.h"

#define LARGE_BYTES (256 * 1024) /* a buffer of this size is mapped by itself */
#define TICK_MAX_MS 600000       /* pointers are looked at */
#define AGAIN_MS    5000         /* what failed is tried again; each time twice as late as before, up to TICK_MAX_MS */

struct publish_job {
	struct publish_job *next;
	struct publisher *publisher;
	uv_work_t work;
	uint8_t apex[WIRE_NAME_MAX];
	struct buffer wire; /* empty: only the pointer is to be written anew */
	int wire_fd;        /* where it is to be read from, or -1 */
	char *folder, *key;
	unsigned deltas;
	uint32_t fresh_s;
	int rc;
	struct files_published published;
	char why[FILES_WHY_MAX];
};

struct publisher {
	struct keeper *keeper;
	struct net_web *web;
	struct counters web_counters; /* of its thread */
	uv_timer_t timer, again;
	bool timers_open;
	int64_t renewed_at; /* UNIX seconds: all pointers were written at this time, or later */
	uint64_t again_ms;  /* 0 = nothing has failed */
	bool running;
	struct publish_job *waiting, *failed;
};

static void job_free(struct publish_job *job)
{
	buffer_done(&job->wire);
	if (job->wire_fd >= 0)
		close(job->wire_fd);
	free(job->folder);
	free(job->key);
	free(job);
}

static void jobs_free(struct publish_job **list)
{
	for (struct publish_job *job; (job = *list) != NULL;) {
		*list = job->next;
		job_free(job);
	}
}

/* A newer job for a zone takes the place of those that have not begun. */
static void jobs_drop(struct publish_job **list, const uint8_t *apex)
{
	while (*list != NULL) {
		struct publish_job *job = *list;
		if (!wire_name_equal(job->apex, apex)) {
			list = &job->next;
			continue;
		}
		*list = job->next;
		job_free(job);
	}
}

static void jobs_add(struct publish_job **list, struct publish_job *job)
{
	while (*list != NULL)
		list = &(*list)->next;
	job->next = NULL;
	*list = job;
}

/* ---- in a thread of the pool ---- */

static int wire_read(struct publish_job *job)
{
	struct stat st;
	if (job->wire_fd < 0)
		return 0;
	if (fstat(job->wire_fd, &st) < 0 || buffer_reserve(&job->wire, (size_t)st.st_size + 1) < 0)
		return BANYAN_ENOMEM;
	while (job->wire.len < (size_t)st.st_size) {
		ssize_t n = pread(job->wire_fd, job->wire.data + job->wire.len, (size_t)st.st_size - job->wire.len,
				  (off_t)job->wire.len);
		if (n <= 0)
			return BANYAN_EIO;
		job->wire.len += (size_t)n;
	}
	close(job->wire_fd);
	job->wire_fd = -1;
	return 0;
}

static void job_work(uv_work_t *work)
{
	struct publish_job *job = work->data;
	struct files_key *key = NULL;
	background_begin();
	snprintf(job->why, sizeof job->why, "its wire form cannot be read from the store");
	job->rc = wire_read(job);
	if (job->rc == 0)
		job->rc = job->key[0] != '\0' ? files_key_read(job->key, &key, job->why) : 0;
	struct files_publish_settings settings = {.folder = job->folder,
						  .key = key,
						  .deltas = job->deltas,
						  .hold_s = FILES_HOLD_DEFAULT_S,
						  .fresh_s = job->fresh_s,
						  .now = clock_wall_s()};
	if (job->rc == 0 && job->wire.len > 0)
		job->rc = files_publish(&settings, job->apex, job->wire.data, job->wire.len, &job->published, job->why);
	else if (job->rc == 0)
		job->rc = files_renew(&settings, job->apex, &job->published, job->why);
	files_key_free(key);
}

/* ---- back in the keeper ---- */

static void next_start(struct publisher *publisher);

static void job_tell(struct publisher *publisher, struct publish_job *job)
{
	char name[WIRE_NAME_TEXT_MAX];
	struct counters *counters = &publisher->keeper->counters;
	const struct files_pointer *pointer = &job->published.pointer;
	wire_name_text(job->apex, name);
	if (job->rc < 0) {
		counter_add(counters, COUNTER_PUBLISH_FAILED, 1);
		log_error(STATION, "zone %s is not published: %s", name, job->why);
	} else if (job->published.is_new) {
		counter_add(counters, COUNTER_PUBLISHED, 1);
		log_notice(STATION,
			   "zone %s: serial %u is published in %s, with %zu delta%s; content unchanged since %u", name,
			   pointer->serial, job->folder, pointer->n_deltas, pointer->n_deltas == 1 ? "" : "s",
			   pointer->unchanged_since);
	} else {
		counter_add(counters, COUNTER_PUBLISH_RENEWED, 1);
		log_debug(STATION, "zone %s: the pointer to serial %u is written anew", name, pointer->serial);
	}
}

static void on_again(uv_timer_t *timer)
{
	struct publisher *publisher = timer->data;
	for (struct publish_job *job; (job = publisher->failed) != NULL;) {
		publisher->failed = job->next;
		jobs_add(&publisher->waiting, job);
	}
	next_start(publisher);
}

static void job_again(struct publisher *publisher, struct publish_job *job)
{
	uint64_t ms = publisher->again_ms == 0 ? AGAIN_MS : publisher->again_ms * 2;
	publisher->again_ms = ms < TICK_MAX_MS ? ms : TICK_MAX_MS;
	jobs_drop(&publisher->failed, job->apex);
	jobs_add(&publisher->failed, job);
	uv_timer_start(&publisher->again, on_again, publisher->again_ms, 0);
}

static void job_done(uv_work_t *work, int status)
{
	struct publish_job *job = work->data;
	struct publisher *publisher = job->publisher;
	publisher->running = false;
	job_tell(publisher, job);
	/* a serial that is there already will be there the next time, too */
	if (job->rc < 0 && job->rc != BANYAN_EEXIST && job->rc != BANYAN_EMALF && job->wire.len > 0 &&
	    !publisher->keeper->stopping) {
		job_again(publisher, job);
	} else {
		if (job->rc == 0)
			publisher->again_ms = 0;
		job_free(job);
	}
	(void)malloc_trim(0); /* packing took megabytes */
	next_start(publisher);
}

static void next_start(struct publisher *publisher)
{
	struct publish_job *job = publisher->waiting;
	if (publisher->running || job == NULL || publisher->keeper->stopping)
		return;
	publisher->waiting = job->next;
	job->work.data = job;
	sigset_t all, before;
	sigfillset(&all); /* as in reload.c: the pool's threads take no signals */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	publisher->running = uv_queue_work(&publisher->keeper->loop, &job->work, job_work, job_done) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!publisher->running)
		job_free(job);
}

static bool is_waiting(const struct publisher *publisher, const uint8_t *apex)
{
	const struct publish_job *job = publisher == NULL ? NULL : publisher->waiting;
	while (job != NULL && !wire_name_equal(job->apex, apex))
		job = job->next;
	return job != NULL;
}

/* The copy that is published under this name; NULL: it is none, but a zone of this daemon's own. */
static const struct loaded *copy_of(const struct generation *g, const uint8_t *apex)
{
	uint8_t name[WIRE_NAME_MAX];
	for (size_t i = 0; i < g->config->n_zones; i++)
		if (g->config->zones[i].publish && wire_name_parse(g->config->zones[i].name, name) > 0 &&
		    wire_name_equal(name, apex))
			return g->zone[i]->copied ? g->zone[i] : NULL;
	return g->root != NULL && g->root->copied && apex[0] == 0 ? g->root : NULL;
}

/*
 * How long the pointer is good; 0: nobody can vouch for this copy any more. Who fetches by a pointer that is fresh takes his copy for
 * confirmed, so it shall not be much longer than ours may be used; but the next one must come before.
 */
static uint32_t fresh_s(const struct generation *g, const uint8_t *apex)
{
	uint32_t most = g->config->server.files_fresh_s, least = most / 4;
	const struct loaded *copy = copy_of(g, apex);
	if (copy == NULL)
		return most;
	int64_t until = atomic_load(&copy->until_s), left = until - clock_wall_s();
	if (until == 0) /* it has just come */
		left = copy->expire_s;
	if (copy->ended || left <= 0)
		return 0;
	return left >= most ? most : left <= least ? least : (uint32_t)left;
}

/* With neither a wire form nor where it is, only the pointer is written anew. */
static void job_offer(struct keeper *keeper, const struct config *config, const uint8_t *apex, struct buffer *wire,
		      int wire_fd)
{
	struct publisher *publisher = keeper->publisher;
	if (wire == NULL && wire_fd < 0 && is_waiting(publisher, apex))
		return; /* that writes the pointer, too */
	struct publish_job *job = publisher == NULL ? NULL : calloc(1, sizeof *job);
	if (job != NULL)
		job->wire_fd = wire_fd;
	else if (wire_fd >= 0)
		close(wire_fd);
	if (job == NULL || (job->folder = strdup(config->server.files_folder)) == NULL ||
	    (job->key = strdup(config->server.files_key)) == NULL) {
		if (job != NULL)
			job_free(job);
		return;
	}
	job->publisher = publisher;
	job->deltas = config->server.files_deltas;
	job->fresh_s = fresh_s(swap_read(&keeper->swap), apex);
	if (job->fresh_s == 0) {
		job_free(job);
		return;
	}
	wire_name_lower(apex, job->apex);
	if (wire != NULL) {
		job->wire = *wire;
		*wire = (struct buffer){0};
	}
	if (wire != NULL || wire_fd >= 0)
		jobs_drop(&publisher->failed, apex);
	jobs_drop(&publisher->waiting, apex);
	jobs_add(&publisher->waiting, job);
	next_start(publisher);
}

void publisher_offer_wire(struct keeper *keeper, const struct config *config, const uint8_t *apex, struct buffer *wire)
{
	if (wire->len > 0)
		job_offer(keeper, config, apex, wire, -1);
	buffer_done(wire);
	*wire = (struct buffer){0};
}

void publisher_offer(struct keeper *keeper, struct generation *generation)
{
	for (size_t i = 0; i <= generation->config->n_zones; i++) {
		struct loaded *loaded = i < generation->config->n_zones ? generation->zone[i] : generation->root;
		if (loaded != NULL && loaded->wire.len > 0)
			publisher_offer_wire(keeper, generation->config, image_apex(loaded->image), &loaded->wire);
	}
}

static bool is_published(const struct config *config, const uint8_t *apex)
{
	uint8_t name[WIRE_NAME_MAX];
	bool published = config->root.publish && apex[0] == 0;
	for (size_t i = 0; i < config->n_zones && !published; i++)
		published = config->zones[i].publish && wire_name_parse(config->zones[i].name, name) > 0 &&
			    wire_name_equal(name, apex);
	return published;
}

void publisher_offer_kept(struct keeper *keeper, const uint8_t *apex, int wire_fd)
{
	const struct generation *generation = swap_read(&keeper->swap);
	if (wire_fd >= 0 && generation != NULL && is_published(generation->config, apex))
		job_offer(keeper, generation->config, apex, NULL, wire_fd);
	else if (wire_fd >= 0)
		close(wire_fd);
}

/* ---- time ---- */

static void on_tick(uv_timer_t *timer);

static int tick_start(struct publisher *publisher)
{
	uint64_t ms = (uint64_t)swap_read(&publisher->keeper->swap)->config->server.files_fresh_s * 1000 / 32;
	return uv_timer_start(&publisher->timer, on_tick, ms < TICK_MAX_MS ? ms : TICK_MAX_MS, 0);
}

static void on_tick(uv_timer_t *timer)
{
	struct publisher *publisher = timer->data;
	const struct config *config = swap_read(&publisher->keeper->swap)->config;
	uint8_t apex[WIRE_NAME_MAX];
	(void)tick_start(publisher); /* a timer that has been started once can be started again */
	if (!files_renewal_due(publisher->renewed_at, config->server.files_fresh_s, clock_wall_s()))
		return;
	publisher->renewed_at = clock_wall_s();
	if (config->root.publish)
		job_offer(publisher->keeper, config, (const uint8_t *)"", NULL, -1);
	for (size_t i = 0; i < config->n_zones; i++)
		if (config->zones[i].publish && wire_name_parse(config->zones[i].name, apex) > 0)
			job_offer(publisher->keeper, config, apex, NULL, -1);
}

/* ---- life ---- */

static int listener_open(struct publisher *publisher, const struct config *config, char why[REFUSAL_TEXT_MAX])
{
	char reason[NET_WEB_WHY_MAX];
	struct net_web_settings settings = {.n_listen = config->server.files_listen.count,
					    .listen = config->server.files_listen.item,
					    .folder = config->server.files_folder,
					    .connections = config->server.files_connections,
					    .rate = config->server.files_rate,
					    .bandwidth_each = config->server.files_bandwidth_each,
					    .bandwidth_all = config->server.files_bandwidth,
					    .counters = &publisher->web_counters};
	int rc = net_web_open(&settings, &publisher->web, reason);
	if (rc < 0)
		snprintf(why, REFUSAL_TEXT_MAX, "server.files-listen: %s", reason);
	return rc;
}

int publisher_open(struct keeper *keeper, const struct config *config, char why[REFUSAL_TEXT_MAX])
{
	if (config->server.files_folder[0] == '\0')
		return 0;
	struct publisher *publisher = calloc(1, sizeof *publisher);
	if (publisher == NULL)
		return BANYAN_ENOMEM;
	publisher->keeper = keeper;
	keeper->publisher = publisher;
	/* what packing takes goes back to the system at once, and not into the heap of a thread, of which the top is never given back */
	(void)mallopt(M_MMAP_THRESHOLD, LARGE_BYTES);
	return config->server.files_listen.count > 0 ? listener_open(publisher, config, why) : 0;
}

int publisher_start(struct keeper *keeper)
{
	struct publisher *publisher = keeper->publisher;
	if (publisher == NULL)
		return 0;
	uv_timer_init(&keeper->loop, &publisher->timer);
	uv_timer_init(&keeper->loop, &publisher->again);
	publisher->timers_open = true;
	publisher->timer.data = publisher->again.data = publisher;
	publisher->renewed_at = clock_wall_s();
	if (tick_start(publisher) < 0)
		return BANYAN_ENOMEM;
	return publisher->web != NULL ? net_web_start(publisher->web) : 0;
}

void publisher_stop(struct keeper *keeper)
{
	struct publisher *publisher = keeper->publisher;
	if (publisher == NULL)
		return;
	jobs_free(&publisher->waiting);
	jobs_free(&publisher->failed);
	if (publisher->timers_open) {
		uv_close((uv_handle_t *)&publisher->timer, NULL);
		uv_close((uv_handle_t *)&publisher->again, NULL);
	}
}

void publisher_free(struct keeper *keeper)
{
	if (keeper->publisher == NULL)
		return;
	net_web_free(keeper->publisher->web);
	free(keeper->publisher);
	keeper->publisher = NULL;
}

struct counters *publisher_counters(const struct keeper *keeper)
{
	return keeper->publisher != NULL ? &keeper->publisher->web_counters : NULL;
}
