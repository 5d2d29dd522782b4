// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * cache_pauses - what single operations of a cache of 20 million names cost: hits while nothing else happens, while names come into it, while
 * others go for them, and while what is in it is put anew, as a refresh ahead of its end does.
 *
 * Clients wait for the slowest operations, and on any machine the slowest of millions are those in which the machine did something else. So
 * the same operations are done ROUNDS times on the same cache, from the same seed, and of each the least time counts: what an operation takes
 * of itself it takes each time, and what came between hardly hits the same one of millions twice. The clock is that of the thread's CPU
 * time, and the cost of reading it is taken off.
 *
 * cache_pauses [MILLIONS [ROUNDS]]
 */
#include "cache_ops.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define MILLIONS   20
#define ROUNDS     3
#define OPERATIONS 2000000u
#define HOT        10000u /* names that are asked for: as many as stay in the processor's caches and more */
#define EVERY      10     /* operations of which one writes */
#define ROOM       110    /* bytes for a name: there is room for more */
#define NO_ROOM    55     /* ... they never all fit */
#define NOW_MS     1000

struct series {
	uint32_t n, room;
	uint32_t *least_ns;
	uint64_t evicted;
	unsigned evicted_most; /* by one operation */
};

enum state { ALONE, COME, GO, ANEW, STATES };
enum cache { LARGE, SMALL, CACHES };

struct bench {
	uint32_t names, next;
	struct random random;
	struct arena arena;
	struct resolve_cache *cache;
	struct series fill[CACHES], hit[STATES], put[STATES];
	int64_t clock_ns;
	unsigned missed;
};

static int64_t cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static void series_make(struct series *series, uint32_t room)
{
	series->room = room;
	series->least_ns = malloc((size_t)room * sizeof *series->least_ns);
	if (series->least_ns == NULL) {
		fprintf(stderr, "cache_pauses: out of memory\n");
		exit(1);
	}
	for (uint32_t i = 0; i < room; i++) /* also: its memory is there before anything is timed */
		series->least_ns[i] = UINT32_MAX;
}

static void series_add(struct series *series, int64_t ns, unsigned evicted)
{
	uint32_t *least = &series->least_ns[series->n++];
	uint32_t value = ns < 0 ? 0 : ns > UINT32_MAX ? UINT32_MAX : (uint32_t)ns;
	*least = value < *least ? value : *least;
	series->evicted += evicted;
	if (evicted > series->evicted_most)
		series->evicted_most = evicted;
}

/* The next round is about the same operations. */
static void series_rewind(struct series *series)
{
	series->n = 0;
	series->evicted = 0;
}

/* ---- rounds ---- */

static void fill(struct bench *b, struct series *series)
{
	int64_t before = cpu_ns(), now;
	for (uint32_t i = 0; i < b->names; i++, before = now) {
		unsigned evicted = cache_ops_put(b->cache, NOW_MS, i);
		now = cpu_ns();
		series_add(series, now - before - b->clock_ns, evicted);
	}
	b->next = b->names;
	for (uint32_t i = 0; i < 4 * HOT; i++) { /* these stay, since they are asked for */
		if (!cache_ops_find(b->cache, &b->arena, i % HOT))
			cache_ops_put(b->cache, NOW_MS, i % HOT);
	}
}

static void mixed(struct bench *b, enum state state)
{
	int64_t before = cpu_ns(), now;
	for (uint32_t i = 1; i <= OPERATIONS; i++, before = now) {
		uint32_t hot = (uint32_t)random_below(&b->random, HOT);
		if (state == ALONE || i % EVERY != 0) {
			b->missed += !cache_ops_find(b->cache, &b->arena, hot);
			now = cpu_ns();
			series_add(&b->hit[state], now - before - b->clock_ns, 0);
		} else {
			unsigned evicted = cache_ops_put(b->cache, NOW_MS + i, state == ANEW ? hot : b->next++);
			now = cpu_ns();
			series_add(&b->put[state], now - before - b->clock_ns, evicted);
		}
	}
}

static void round_run(struct bench *b)
{
	static const size_t bytes[CACHES] = {ROOM, NO_ROOM};
	random_init_seed(&b->random, 3);
	for (unsigned i = 0; i < CACHES; i++)
		series_rewind(&b->fill[i]);
	for (unsigned i = 0; i < STATES; i++) {
		series_rewind(&b->hit[i]);
		series_rewind(&b->put[i]);
	}
	for (enum cache size = LARGE; size < CACHES; size++) {
		b->cache = cache_ops_new((b->names * bytes[size] >> 20) + 16);
		fill(b, &b->fill[size]);
		if (size == LARGE) {
			mixed(b, ALONE);
			mixed(b, COME);
		} else {
			mixed(b, GO);
			mixed(b, ANEW);
		}
		resolve_cache_free(b->cache);
	}
}

/* ---- the table ---- */

static int compare(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
	return (x > y) - (x < y);
}

static double at(const struct series *series, double share)
{
	return series->least_ns[(uint32_t)((double)(series->n - 1) * share)] / 1000.0;
}

static void row(const char *what, struct series *series, const struct series *first)
{
	qsort(series->least_ns, series->n, sizeof *series->least_ns, compare);
	printf("| %s | %u | %.2f | %.2f | %.2f | %.1f |", what, series->n, at(series, 0.5), at(series, 0.99),
	       at(series, 0.999), at(series, 1));
	if (first != NULL)
		printf(" %.2f |", at(series, 0.999) / at(first, 0.999));
	else
		printf(" – |");
	printf(" %.2f, %u |\n", (double)series->evicted / series->n, series->evicted_most);
}

static void print(struct bench *b)
{
	struct series *first = &b->hit[ALONE];
	printf("| operation | of them | median, µs | 99 %%, µs | 99.9 %%, µs | longest, µs | 99.9 %%: × hits alone | "
	       "evicted: mean, most |\n"
	       "|---|---|---|---|---|---|---|---|\n");
	row("hits alone", first, first);
	row("hits while new names come, with room for them", &b->hit[COME], first);
	row("hits while others go for new names", &b->hit[GO], first);
	row("hits while names are put anew", &b->hit[ANEW], first);
	row("a new name, with room", &b->put[COME], NULL);
	row("a new name, others go for it", &b->put[GO], NULL);
	row("a name put anew", &b->put[ANEW], NULL);
	row("the cache fills", &b->fill[LARGE], NULL);
	row("the cache fills and overflows", &b->fill[SMALL], NULL);
	printf("\nOf the hits %u found nothing.\n", b->missed);
}

int main(int argc, char **argv)
{
	static struct bench b;
	unsigned rounds = argc > 2 ? (unsigned)atoi(argv[2]) : ROUNDS;
	b.names = (argc > 1 ? (uint32_t)atoi(argv[1]) : MILLIONS) * 1000000;
	if (argc > 3 || b.names == 0 || b.names > 90000000 || rounds == 0) {
		fprintf(stderr, "usage: cache_pauses [MILLIONS [ROUNDS]]\n");
		return 2;
	}
	for (unsigned i = 0; i < CACHES; i++)
		series_make(&b.fill[i], b.names);
	for (unsigned i = 0; i < STATES; i++) {
		series_make(&b.hit[i], OPERATIONS);
		series_make(&b.put[i], OPERATIONS);
	}
	int64_t began = cpu_ns();
	for (unsigned i = 0; i < 100000; i++)
		cpu_ns();
	b.clock_ns = (cpu_ns() - began) / 100000;
	printf("%u names; the least of %u rounds each; reading the clock took %lld ns\n\n", b.names, rounds,
	       (long long)b.clock_ns);
	fflush(stdout);
	for (unsigned i = 0; i < rounds; i++)
		round_run(&b);
	print(&b);
	arena_done(&b.arena);
	for (unsigned i = 0; i < CACHES; i++)
		free(b.fill[i].least_ns);
	for (unsigned i = 0; i < STATES; i++) {
		free(b.hit[i].least_ns);
		free(b.put[i].least_ns);
	}
	return 0;
}
