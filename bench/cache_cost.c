// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * cache_cost - what one RRset costs in the cache while it fills: page faults, resident bytes, the time to look in vain and put it,
 * and then to find it; how long the slowest of them take, for that is when clients wait. What does not fit makes others go.
 * Each line is a process of its own, so that its memory is fresh.
 *
 * cache_cost [MIB ENTRIES]...
 */
#include "cache_ops.h"
#include "histogram.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define NOW_MS      1000
#define LOOKUPS     1000000u
#define CLOCK_LOOKS 100000u

static double cpu_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static double resident_bytes(void)
{
	long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (file == NULL || fscanf(file, "%*d %ld", &pages) != 1)
		exit(1);
	fclose(file);
	return (double)pages * (double)sysconf(_SC_PAGESIZE);
}

static long faults(void)
{
	struct rusage usage;
	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

struct times {
	double mean_ns, p999_us, longest_us;
};

/* The clock is read once an operation: its own cost is in all figures alike, and taken off the mean. */
static double clock_cost_ns(void)
{
	int64_t start = clock_mono_ns();
	for (unsigned i = 0; i < CLOCK_LOOKS; i++)
		clock_mono_ns();
	return (double)(clock_mono_ns() - start) / CLOCK_LOOKS;
}

static struct times times_of(const struct histogram *histogram, double cpu_spent_ns)
{
	return (struct times){.mean_ns = cpu_spent_ns / (double)histogram->total - clock_cost_ns(),
			      .p999_us = histogram_at(histogram, 0.999),
			      .longest_us = histogram_at(histogram, 1)};
}

static struct times fill(struct resolve_cache *cache, struct arena *arena, uint32_t entries)
{
	static struct histogram histogram;
	double start_ns = cpu_ns();
	int64_t before = clock_mono_ns();
	for (uint32_t i = 0; i < entries; i++) {
		if (!cache_ops_find(cache, arena, i))
			cache_ops_put(cache, NOW_MS, i);
		int64_t now = clock_mono_ns();
		histogram_add(&histogram, now - before);
		before = now;
	}
	return times_of(&histogram, cpu_ns() - start_ns);
}

static struct times find(struct resolve_cache *cache, struct arena *arena, uint32_t entries, uint32_t *ret_found)
{
	static struct histogram histogram;
	struct random random;
	random_init_seed(&random, 3);
	double start_ns = cpu_ns();
	int64_t before = clock_mono_ns();
	for (uint32_t i = 0; i < LOOKUPS; i++) {
		*ret_found += cache_ops_find(cache, arena, random_below(&random, entries));
		int64_t now = clock_mono_ns();
		histogram_add(&histogram, now - before);
		before = now;
	}
	return times_of(&histogram, cpu_ns() - start_ns);
}

static void measure(size_t mib, uint32_t entries)
{
	struct resolve_cache *cache = cache_ops_new(mib);
	struct arena arena = {0};
	cache_ops_find(cache, &arena, 0); /* the arena has its memory */
	double memory = resident_bytes();
	long before = faults();
	struct times puts = fill(cache, &arena, entries);
	long after = faults();
	memory = resident_bytes() - memory;
	uint32_t found = 0, n = (uint32_t)resolve_cache_count(cache);
	struct times gets = find(cache, &arena, entries, &found);
	printf("| %zu | %u | %u | %.3f | %.0f | %.0f | %.1f | %.0f | %.0f | %.1f | %.0f | %.1f |\n", mib, entries, n,
	       (double)(after - before) / entries, memory / n, puts.mean_ns, puts.p999_us, puts.longest_us,
	       gets.mean_ns, gets.p999_us, gets.longest_us, 100.0 * found / LOOKUPS);
	resolve_cache_free(cache);
	arena_done(&arena);
}

int main(int argc, char **argv)
{
	static char *usual[] = {"64",  "10000",   "64",  "100000",   "64",   "1000000",
				"512", "1000000", "512", "20000000", "2048", "20000000"};
	char **cell = argc > 1 ? argv + 1 : usual;
	int n = argc > 1 ? argc - 1 : (int)ARRAY_SIZE(usual);
	printf("| cache, MiB | put | kept | page faults each | resident bytes each | "
	       "looked and put, ns | 99.9 %%, µs | longest, µs | found, ns | 99.9 %%, µs | longest, µs | found, %% |\n"
	       "|---|---|---|---|---|---|---|---|---|---|---|---|\n");
	for (int i = 0; i + 1 < n; i += 2) {
		fflush(stdout);
		pid_t child = fork();
		if (child == 0) {
			measure(strtoul(cell[i], NULL, 10), (uint32_t)strtoul(cell[i + 1], NULL, 10));
			return 0;
		}
		int status = 1;
		if (child < 0 || waitpid(child, &status, 0) < 0 || status != 0)
			return 1;
	}
	return 0;
}
