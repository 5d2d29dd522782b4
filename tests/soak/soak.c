// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * One engine for days of virtual time: BANYAN_SOAK_QUESTIONS questions about a hundred zones, half of them signed, whose
 * servers are restarted all the time, over a network that loses 5 % of all replies, repeats and delays some, and where somebody
 * forges. No question is lost, no answer is wrong, and the memory stays what it was. The same seed gives the same run.
 */
#include "plan.h"

#include <malloc.h>
#include <stdio.h>
#include <time.h>

#include "test.h"

#define QUESTIONS_DEFAULT  40000
#define PER_SECOND         10   /* questions, on the average */
#define RESTART_EVERY_MS   4000 /* some server goes down this often, on the average */
#define DOWN_MS_MAX        20000
#define LOSS_PERCENT       5
#define FORGE_PERCENT      5
#define REPEAT_PERCENT     2
#define JITTER_MS          40
#define CANCEL_PERCENT     1
#define SAMPLES            64
#define SERVFAIL_PER_MILLE 5            /* all servers of a zone are down at times, for longer than a client waits */
#define GROWTH_BYTES_MAX   (512 * 1024) /* from the first half to the second: what allocators and hash tables round up */
#define ENGINE_RESTARTS    10           /* a new engine on the same cache */

/* A client that waits; the place in the array is its handle. */
struct waiting {
	bool open;
	struct asked asked;
};

struct soak {
	struct world *w;
	struct plan plan;
	uint64_t seed, asked, answered, failed, cancelled, secure;
	unsigned n_waiting;
	struct waiting waiting[WORLD_CLIENTS_MAX];
	int64_t up_at_ms[WORLD_SERVERS_MAX]; /* 0 = it is up */
	unsigned n_samples;
	size_t sample[SAMPLES];
};

static uint64_t number(const char *name, uint64_t otherwise)
{
	const char *text = getenv(name);
	return text == NULL ? otherwise : strtoull(text, NULL, 10);
}

/* ---- answers ---- */

static void on_result(void *ctx, uint64_t client, const struct resolve_result *result)
{
	struct soak *s = ctx;
	struct waiting *waiting = &s->waiting[client];
	if (!waiting->open)
		fail_msg("seed %lu: question %lu: a client is answered twice", s->seed, s->asked);
	waiting->open = false;
	s->n_waiting--;
	s->answered++;
	if (result->took_ms > s->w->settings.live.question_time_ms ||
	    result->upstream > s->w->settings.live.upstream_max)
		fail_msg("seed %lu: question %lu: %ld ms, %u messages", s->seed, s->asked, result->took_ms,
			 result->upstream);
	if (result->rcode == WIRE_RCODE_SERVFAIL) {
		s->failed++;
		return;
	}
	s->secure += result->authentic;
	const char *wrong = plan_wrong(&waiting->asked, result);
	if (wrong != NULL)
		fail_msg("seed %lu: question %lu, %s: %s (%s)", s->seed, s->asked, waiting->asked.name, wrong,
			 reason_code(result->reason));
}

/* ---- what happens ---- */

static void restart_servers(struct soak *s)
{
	for (unsigned i = 0; i < s->w->n_servers; i++) {
		if (s->up_at_ms[i] == 0 || s->up_at_ms[i] > s->w->now_ms)
			continue;
		s->up_at_ms[i] = 0;
		s->w->server[i].habits = 0;
	}
	if (random_below(&s->w->dice, PER_SECOND * RESTART_EVERY_MS / 1000) != 0)
		return;
	unsigned i = random_below(&s->w->dice, (uint32_t)s->w->n_servers);
	s->up_at_ms[i] = s->w->now_ms + 1 + random_below(&s->w->dice, DOWN_MS_MAX);
	s->w->server[i].habits = random_below(&s->w->dice, 4) == 0 ? WORLD_UNREACHABLE : WORLD_DEAD;
}

/* The client goes away, if it waits. */
static void cancel(struct soak *s, unsigned client)
{
	if (!s->waiting[client].open)
		return;
	struct resolve_event event = {.kind = RESOLVE_CANCEL};
	event.cancel.client = client;
	s->waiting[client].open = false;
	s->n_waiting--;
	s->cancelled++;
	world_event(s->w, &event);
}

static void pass(struct soak *s, int64_t ms)
{
	int64_t until_ms = s->w->now_ms + ms;
	world_run(s->w, ms);
	if (s->w->now_ms < until_ms) /* nothing is open */
		world_sleep(s->w, until_ms - s->w->now_ms);
}

static unsigned ask(struct soak *s)
{
	unsigned client = random_below(&s->w->dice, WORLD_CLIENTS_MAX);
	while (s->waiting[client].open)
		client = (client + 1) % WORLD_CLIENTS_MAX;
	struct waiting *waiting = &s->waiting[client];
	waiting->open = true;
	s->n_waiting++;
	s->asked++;
	plan_ask(&s->plan, &s->w->dice, &waiting->asked);
	world_ask(s->w, client, waiting->asked.name, WIRE_TYPE_A);
	return client;
}

/* At rest nothing is open; then the memory is that of the cache and what the engine keeps. */
static void rest(struct soak *s)
{
	world_settle(s->w, s->w->settings.live.question_time_ms + 1000);
	if (s->n_waiting != 0 || s->w->n_open != 0 || resolve_questions(s->w->engine) != 0)
		fail_msg("seed %lu: question %lu: %u clients, %zu exchanges, %zu questions are left", s->seed, s->asked,
			 s->n_waiting, s->w->n_open, resolve_questions(s->w->engine));
	if (resolve_cache_bytes(s->w->cache) > WORLD_CACHE_BYTES + WORLD_CACHE_BYTES / 20)
		fail_msg("seed %lu: the cache holds %zu bytes", s->seed, resolve_cache_bytes(s->w->cache));
	if (s->n_samples < SAMPLES)
		s->sample[s->n_samples++] = mallinfo2().uordblks;
}

static void check_memory(const struct soak *s)
{
	size_t most[2] = {0};
	for (unsigned i = 0; i < s->n_samples; i++) {
		size_t *at = &most[i >= s->n_samples / 2];
		if (s->sample[i] > *at)
			*at = s->sample[i];
	}
	print_message("memory at rest: at most %zu bytes in the first half, %zu in the second\n", most[0], most[1]);
	if (most[0] > 0 && most[1] > most[0] + GROWTH_BYTES_MAX)
		fail_msg("seed %lu: the memory grew from %zu to %zu bytes", s->seed, most[0], most[1]);
}

static uint64_t run_soak(uint64_t seed, uint64_t questions)
{
	struct soak *s = calloc(1, sizeof *s);
	assert_non_null(s);
	struct timespec from, to;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &from);
	s->seed = seed;
	s->w = plan_world(seed, &s->plan);
	s->w->network = (struct world_network){
		.loss = LOSS_PERCENT, .forge = FORGE_PERCENT, .repeat = REPEAT_PERCENT, .jitter_ms = JITTER_MS};
	s->w->result_fn = on_result;
	s->w->result_ctx = s;
	int64_t began_ms = s->w->now_ms;
	while (s->asked < questions) {
		restart_servers(s);
		while (s->n_waiting == WORLD_CLIENTS_MAX)
			world_run(s->w, 10);
		unsigned client = ask(s);
		if (random_below(&s->w->dice, 100) < CANCEL_PERCENT)
			cancel(s, client);
		pass(s, random_below(&s->w->dice, 2 * 1000 / PER_SECOND));
		if (s->asked % (questions / SAMPLES) == 0)
			rest(s);
		if (s->asked % (questions / ENGINE_RESTARTS) == 0) {
			rest(s);
			world_restart(s->w, &s->w->settings);
		}
	}
	rest(s);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &to);
	assert_true(s->answered + s->cancelled == s->asked);
	print_message("seed %lu: %lu questions in %.1f days of virtual time and %.0f s: %lu answered, %lu left, %lu "
		      "SERVFAIL, %lu "
		      "authentic; %u messages sent, %lu forgeries and other mismatches\n",
		      seed, s->asked, (double)(s->w->now_ms - began_ms) / 86400e3, (double)(to.tv_sec - from.tv_sec),
		      s->answered, s->cancelled, s->failed, s->secure, s->w->sent,
		      counter_read(&s->w->counters, COUNTER_UPSTREAM_MISMATCHED));
	if (s->failed > s->asked * SERVFAIL_PER_MILLE / 1000)
		fail_msg("seed %lu: %lu of %lu are SERVFAIL", seed, s->failed, s->asked);
	check_memory(s);
	uint64_t ret = s->w->sent ^ s->answered << 24 ^ (uint64_t)s->w->now_ms << 40;
	world_free(s->w);
	free(s);
	return ret;
}

static void days(void **state)
{
	run_soak(number("BANYAN_SOAK_SEED", 1), number("BANYAN_SOAK_QUESTIONS", QUESTIONS_DEFAULT));
}

static void the_same_again(void **state)
{
	assert_true(run_soak(7, 2000) == run_soak(7, 2000));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	const struct CMUnitTest tests[] = {cmocka_unit_test(the_same_again), cmocka_unit_test(days)};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
