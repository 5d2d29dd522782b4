// SPDX-License-Identifier: GPL-3.0-or-later
/* A loop shared out among threads. */
#include "base.h"

#include <pthread.h>
#include <sched.h>

#define PARALLEL_THREADS_MAX 64 /* beyond it the work of one zone does not get faster */

struct parallel {
	_Atomic size_t next;
	_Atomic int error;
	size_t n, chunk;
	int (*fn)(void *ctx, size_t i);
	void *ctx;
};

unsigned cpu_count(void)
{
	cpu_set_t set;
	if (sched_getaffinity(0, sizeof set, &set) < 0)
		return 1;
	int n = CPU_COUNT(&set);
	return n > 0 ? (unsigned)n : 1;
}

static void *parallel_run(void *arg)
{
	struct parallel *p = arg;
	while (atomic_load_explicit(&p->error, memory_order_relaxed) == 0) {
		size_t from = atomic_fetch_add_explicit(&p->next, p->chunk, memory_order_relaxed);
		if (from >= p->n)
			break;
		size_t to = p->n - from < p->chunk ? p->n : from + p->chunk;
		for (size_t i = from; i < to; i++) {
			int rc = p->fn(p->ctx, i);
			if (rc < 0) {
				int none = 0;
				atomic_compare_exchange_strong(&p->error, &none, rc);
				return NULL;
			}
		}
	}
	return NULL;
}

int parallel_for(unsigned threads, size_t n, size_t chunk, int (*fn)(void *ctx, size_t i), void *ctx)
{
	pthread_t thread[PARALLEL_THREADS_MAX];
	unsigned started = 0;
	if (chunk == 0)
		chunk = 1;
	if (threads == 0)
		threads = cpu_count();
	if (threads > PARALLEL_THREADS_MAX)
		threads = PARALLEL_THREADS_MAX;
	if (threads > (n + chunk - 1) / chunk)
		threads = (unsigned)((n + chunk - 1) / chunk);
	struct parallel p = {.n = n, .chunk = chunk, .fn = fn, .ctx = ctx};
	/* a thread that cannot be started costs speed, not the result */
	while (started + 1 < threads && pthread_create(&thread[started], NULL, parallel_run, &p) == 0)
		started++;
	parallel_run(&p);
	for (unsigned i = 0; i < started; i++)
		pthread_join(thread[i], NULL);
	return atomic_load(&p.error);
}
