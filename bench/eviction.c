// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * eviction - which share of questions the cache answers from its memory, when that is too small for all names: a trace of names after
 * Zipf's law, into which scans fall (names that are asked once, as by a crawler or a flood of random names). Beside it, on the same
 * trace with room for as many entries: LRU, FIFO, and Belady's MIN, which knows the future and which nothing can beat.
 *
 * eviction [QUESTIONS [NAMES]]
 */
#include "resolve/cache.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUESTIONS  2000000u
#define NAMES      200000u
#define SCAN_EVERY 200000u /* questions from the beginning of one scan to that of the next */
#define NEVER      UINT32_MAX

struct trace {
	uint32_t n, n_names, n_ids; /* ids from n_names on are those of scans */
	uint32_t *id;
	uint32_t n_counted; /* questions that are no scan's */
};

static void *must(void *p)
{
	if (p == NULL) {
		perror("eviction");
		exit(1);
	}
	return p;
}

/* ---- the trace ---- */

static double *zipf_make(uint32_t n, double s)
{
	double *sum = must(malloc(n * sizeof *sum)), total = 0;
	for (uint32_t i = 0; i < n; i++)
		sum[i] = total += pow(i + 1, -s);
	for (uint32_t i = 0; i < n; i++)
		sum[i] /= total;
	return sum;
}

static uint32_t zipf_draw(const double *sum, uint32_t n, struct random *random)
{
	double u = (double)(random_u64(random) >> 11) / (double)(UINT64_C(1) << 53);
	uint32_t low = 0, high = n - 1;
	while (low < high) {
		uint32_t mid = low + (high - low) / 2;
		if (sum[mid] < u)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* In the last part of each period, every second question is a scan's. */
static void trace_make(struct trace *trace, uint32_t n, uint32_t names, double s, double scans)
{
	struct random random;
	double *sum = zipf_make(names, s);
	random_init_seed(&random, 1);
	*trace = (struct trace){.n = n, .n_names = names, .n_ids = names, .id = must(malloc(n * sizeof(uint32_t)))};
	uint32_t begin = (uint32_t)(SCAN_EVERY * (1 - 2 * scans));
	for (uint32_t i = 0; i < n; i++) {
		bool scan = i % SCAN_EVERY >= begin && i % 2 == 0;
		trace->id[i] = scan ? trace->n_ids++ : zipf_draw(sum, names, &random);
		trace->n_counted += !scan;
	}
	free(sum);
}

/* ---- the cache itself ---- */

static const uint8_t *name_of(uint32_t id)
{
	static uint8_t name[WIRE_NAME_MAX];
	char text[64];
	snprintf(text, sizeof text, "host-%07u.example.", id);
	if (wire_name_parse(text, name) < 0)
		exit(1);
	return name;
}

static double banyan_run(const struct trace *trace, size_t bytes, uint32_t *ret_entries)
{
	struct random random;
	struct resolve_cache *cache;
	struct arena arena = {0};
	static const uint8_t pack[6] = {0, 4, 192, 0, 2, 1};
	uint32_t hits = 0;
	random_init_seed(&random, 2);
	if (resolve_cache_new_random(bytes, &random, &cache) < 0)
		exit(1);
	for (uint32_t i = 0; i < trace->n; i++) {
		struct rrset set = {.owner = name_of(trace->id[i]),
				    .type = WIRE_TYPE_A,
				    .count = 1,
				    .rank = RANK_AUTHORITY,
				    .expires_ms = 86400000,
				    .pack = pack,
				    .size = sizeof pack};
		if (resolve_cache_set(cache, &arena, 1000, set.owner, WIRE_TYPE_A) != NULL)
			hits += trace->id[i] < trace->n_names;
		else
			resolve_cache_put_set(cache, 1000, &set);
		arena_reset(&arena);
	}
	*ret_entries = (uint32_t)resolve_cache_count(cache);
	resolve_cache_free(cache);
	arena_done(&arena);
	return (double)hits / trace->n_counted;
}

/* ---- LRU and FIFO: a list of `room` entries ---- */

static double list_run(const struct trace *trace, uint32_t room, bool lru)
{
	struct link {
		uint32_t older, newer;
		bool in;
	} *link = must(calloc(trace->n_ids, sizeof *link));
	uint32_t oldest = NEVER, newest = NEVER, used = 0, hits = 0;
	for (uint32_t i = 0; i < trace->n; i++) {
		uint32_t id = trace->id[i];
		bool hit = link[id].in;
		hits += hit && id < trace->n_names;
		if (hit && (!lru || id == newest))
			continue;
		uint32_t out = hit ? id : used == room ? oldest : NEVER;
		if (out != NEVER) {
			uint32_t older = link[out].older, newer = link[out].newer;
			*(older == NEVER ? &oldest : &link[older].newer) = newer;
			*(newer == NEVER ? &newest : &link[newer].older) = older;
			link[out].in = false;
			used--;
		}
		link[id].older = newest;
		link[id].newer = NEVER;
		link[id].in = true;
		*(newest == NEVER ? &oldest : &link[newest].newer) = id;
		newest = id;
		used++;
	}
	free(link);
	return (double)hits / trace->n_counted;
}

/* ---- Belady's MIN: what is asked for latest goes, or is not taken at all ---- */

struct heap {
	uint32_t n;
	uint32_t *id;
	uint32_t *place; /* of an id in the heap, NEVER = not there */
	uint32_t *next;  /* when an id is asked for again */
};

static void heap_set(struct heap *heap, uint32_t at, uint32_t id)
{
	heap->id[at] = id;
	heap->place[id] = at;
}

static void heap_up(struct heap *heap, uint32_t at)
{
	uint32_t id = heap->id[at];
	for (; at > 0 && heap->next[heap->id[(at - 1) / 2]] < heap->next[id]; at = (at - 1) / 2)
		heap_set(heap, at, heap->id[(at - 1) / 2]);
	heap_set(heap, at, id);
}

static void heap_down(struct heap *heap, uint32_t at)
{
	uint32_t id = heap->id[at];
	for (uint32_t child; (child = 2 * at + 1) < heap->n; at = child) {
		if (child + 1 < heap->n && heap->next[heap->id[child + 1]] > heap->next[heap->id[child]])
			child++;
		if (heap->next[heap->id[child]] <= heap->next[id])
			break;
		heap_set(heap, at, heap->id[child]);
	}
	heap_set(heap, at, id);
}

static double min_run(const struct trace *trace, uint32_t room)
{
	uint32_t *next = must(malloc(trace->n * sizeof *next)), *last = must(malloc(trace->n_ids * sizeof *last)),
		 hits = 0;
	struct heap heap = {.id = must(malloc((room + 1) * sizeof(uint32_t))),
			    .place = must(malloc(trace->n_ids * sizeof(uint32_t))),
			    .next = must(malloc(trace->n_ids * sizeof(uint32_t)))};
	memset(last, 0xff, trace->n_ids * sizeof *last);
	memset(heap.place, 0xff, trace->n_ids * sizeof(uint32_t));
	for (uint32_t i = trace->n; i-- > 0;) {
		next[i] = last[trace->id[i]];
		last[trace->id[i]] = i;
	}
	for (uint32_t i = 0; i < trace->n; i++) {
		uint32_t id = trace->id[i];
		heap.next[id] = next[i];
		if (heap.place[id] != NEVER) {
			hits += id < trace->n_names;
			heap_up(&heap, heap.place[id]); /* it is asked for later than before */
		} else if (heap.n < room) {
			heap_set(&heap, heap.n++, id);
			heap_up(&heap, heap.n - 1);
		} else if (heap.next[heap.id[0]] > next[i]) {
			heap.place[heap.id[0]] = NEVER;
			heap_set(&heap, 0, id);
			heap_down(&heap, 0);
		}
	}
	free(next);
	free(last);
	free(heap.id);
	free(heap.place);
	free(heap.next);
	return (double)hits / trace->n_counted;
}

/* ---- the table ---- */

int main(int argc, char **argv)
{
	uint32_t questions = argc > 1 ? (uint32_t)strtoul(argv[1], NULL, 10) : QUESTIONS;
	uint32_t names = argc > 2 ? (uint32_t)strtoul(argv[2], NULL, 10) : NAMES;
	static const double skew[] = {0.8, 1.0}, scans[] = {0, 0.25};
	static const size_t mib[] = {1, 4};
	printf("Share of %u questions for %u names that the cache answers, %%; those of scans do not count\n\n",
	       questions, names);
	printf("| Zipf | scans | memory, MiB | entries | banyand | LRU | FIFO | ideal "
	       "|\n|---|---|---|---|---|---|---|---|\n");
	for (size_t s = 0; s < ARRAY_SIZE(skew); s++) {
		for (size_t c = 0; c < ARRAY_SIZE(scans); c++) {
			struct trace trace;
			trace_make(&trace, questions, names, skew[s], scans[c]);
			for (size_t m = 0; m < ARRAY_SIZE(mib); m++) {
				uint32_t room;
				double ours = banyan_run(&trace, mib[m] << 20, &room);
				printf("| %.1f | %.0f %% | %zu | %u | %.2f | %.2f | %.2f | %.2f |\n", skew[s],
				       100 * scans[c], mib[m], room, 100 * ours, 100 * list_run(&trace, room, true),
				       100 * list_run(&trace, room, false), 100 * min_run(&trace, room));
				fflush(stdout);
			}
			free(trace.id);
		}
	}
	return 0;
}
