// SPDX-License-Identifier: GPL-3.0-or-later
/* Whom: sources in order of what is known of them, the bench for those that cost a turn, and which serials are worth a fetch. */
#include "copy.h"

#define ROTATE_ONE_IN                                                                                                  \
	8 /* choices that do not go to the best: else nothing would be learned of the others, and the best bear all load */
#define BENCH_FIRST_S       60    /* of a source that does not answer; doubles ... */
#define BENCH_MOST_S        3600  /* ... up to this: an outage that is over is seen within the hour */
#define SHUN_FIRST_S        600   /* of a serial that did not prove, or was not there */
#define SHUN_MOST_S         14400 /* four hours: six downloads a day of what is broken for long */
#define UNKNOWN_PATIENCE_MS ((int64_t)86400 * 1000)
#define SHUN_PATIENCE       3 /* after so many, a newer serial from the same source does not get a turn at once any more */

bool copy_serial_fits(const struct pull_copy *copy, uint32_t serial)
{
	if (copy->floor_off)
		return !copy->have || (serial != copy->version.serial && serial != copy_top(copy));
	if (copy->has_floor && serial != copy->floor && !sync_serial_newer(serial, copy->floor))
		return false;
	return !copy->have || sync_serial_newer(serial, copy_top(copy));
}

static bool shunned(const struct pull_copy *copy, const struct copy_source *source, uint32_t serial)
{
	if (source->shun_ms <= copy->now.mono_ms)
		return false;
	return source->failures > SHUN_PATIENCE || !sync_serial_newer(serial, source->shun_serial);
}

/* ---- ranks ---- */

/* 0 for nothing to 7 for half a minute. */
static unsigned slowness(uint32_t ms)
{
	unsigned class = 0;
	if (ms == 0)
		return 2;
	for (uint32_t step = 250; class < 7 && ms > step; step *= 2)
		class ++;
	return class;
}

/* The smaller, the better. */
static unsigned rank(const struct copy_source *source)
{
	unsigned failures = source->failures < 8 ? source->failures : 8;
	return 8 * failures + (source->lags_since_ms != 0 ? 8 : 0) + (source->proved ? 0 : 4) +
	       2 * source->settings.cost + slowness(source->fetch_ms) + slowness(source->probe_ms) / 2;
}

/* Picks among those whose bits are set: the best, by turns another one. */
static size_t pick(struct pull_copy *copy, uint64_t among)
{
	size_t best = PULL_NO_SOURCE, n = 0;
	bool rotate = copy_random(copy, ROTATE_ONE_IN) == 0;
	for (size_t i = 0; i < copy->n_sources; i++) {
		if ((among >> i & 1) == 0)
			continue;
		n++;
		if (best == PULL_NO_SOURCE ||
		    (rotate ? copy_random(copy, n) == 0 : rank(&copy->source[i]) < rank(&copy->source[best])))
			best = i;
	}
	return best;
}

/* Every third question goes to who was not asked for longest: a source that falls behind or comes back is seen. */
static size_t pick_oldest(const struct pull_copy *copy, uint64_t among)
{
	size_t oldest = PULL_NO_SOURCE;
	for (size_t i = 0; i < copy->n_sources; i++)
		if ((among >> i & 1) != 0 &&
		    (oldest == PULL_NO_SOURCE || copy->source[i].asked_ms < copy->source[oldest].asked_ms))
			oldest = i;
	return oldest;
}

static size_t bits(uint64_t set)
{
	return (size_t)__builtin_popcountll(set);
}

bool copy_all_benched(const struct pull_copy *copy)
{
	for (size_t i = 0; i < copy->n_sources; i++)
		if (copy->source[i].bench_ms <= copy->now.mono_ms)
			return false;
	return true;
}

/* The one whose bench ends first: a whole round would go by otherwise. */
static size_t pick_benched(const struct pull_copy *copy)
{
	size_t best = PULL_NO_SOURCE;
	for (size_t i = 0; i < copy->n_sources; i++)
		if ((copy->asked >> i & 1) == 0 &&
		    (best == PULL_NO_SOURCE || copy->source[i].bench_ms < copy->source[best].bench_ms))
			best = i;
	return best;
}

size_t copy_pick_probe(struct pull_copy *copy)
{
	uint64_t among = 0;
	for (size_t i = 0; i < copy->n_sources; i++)
		if ((copy->asked >> i & 1) == 0 && copy->source[i].ticket == 0 &&
		    copy->source[i].bench_ms <= copy->now.mono_ms)
			among |= (uint64_t)1 << i;
	if (among == 0)
		return copy->desperate && bits(copy->asked) < copy->settings.check_count ? pick_benched(copy)
											 : PULL_NO_SOURCE;
	return bits(copy->asked) % 3 == 2 ? pick_oldest(copy, among) : pick(copy, among);
}

/* Is it worth a fetch to learn which serial a source has that cannot say it? Not when others say that there is nothing newer, but for once
 * a day: all others may have fallen behind. */
static bool worth_a_look(const struct pull_copy *copy, const struct copy_source *source)
{
	return source->unknown && (!copy->round_confirmed || source->settings.cost == 0 ||
				   copy->now.mono_ms - source->unknown_since_ms >= UNKNOWN_PATIENCE_MS);
}

static size_t pick_unknown(struct pull_copy *copy)
{
	uint64_t among = 0;
	for (size_t i = 0; i < copy->n_sources; i++) {
		const struct copy_source *source = &copy->source[i];
		if ((copy->fetched >> i & 1) == 0 && worth_a_look(copy, source) && source->shun_ms <= copy->now.mono_ms)
			among |= (uint64_t)1 << i;
	}
	return among == 0 ? PULL_NO_SOURCE : pick(copy, among);
}

/* The newest serial of this round that fits; of those that have it, the best. */
size_t copy_pick_fetch(struct pull_copy *copy)
{
	uint64_t among = 0;
	uint32_t newest = 0;
	for (size_t i = 0; i < copy->n_sources; i++) {
		const struct copy_source *source = &copy->source[i];
		if (!source->answered || (copy->fetched >> i & 1) != 0 || !copy_serial_fits(copy, source->serial) ||
		    shunned(copy, source, source->serial) || (copy->aside && source->serial == copy->aside_serial))
			continue;
		if (among == 0 || sync_serial_newer(source->serial, newest)) {
			among = 0;
			newest = source->serial;
		}
		if (source->serial == newest)
			among |= (uint64_t)1 << i;
	}
	return among == 0 ? pick_unknown(copy) : pick(copy, among);
}

/* ---- praise and blame ---- */

void copy_smooth(uint32_t *average, uint32_t ms)
{
	ms = ms > 0 ? ms : 1;
	*average = *average == 0 ? ms : (uint32_t)(((uint64_t)*average * 3 + ms + 2) / 4);
}

static int64_t longer(unsigned failures, int64_t first_s, int64_t most_s)
{
	for (; failures > 1 && first_s < most_s; failures--)
		first_s *= 2;
	return first_s < most_s ? first_s : most_s;
}

/* A zone that wants to be asked again sooner gets that. */
static int64_t first_s(const struct pull_copy *copy, int64_t most_s)
{
	int64_t retry_s = copy->have ? copy->version.retry_s : most_s;
	if (retry_s < copy->settings.retry_min_s)
		retry_s = copy->settings.retry_min_s;
	return retry_s < most_s ? retry_s : most_s;
}

void copy_blame(struct pull_copy *copy, size_t at, enum pull_fault fault, const char *why)
{
	struct copy_source *source = &copy->source[at];
	source->failures++;
	source->fault = fault;
	copy_say(&source->why, "%s", why == NULL || why[0] == 0 ? "it failed without a word" : why);
	if (fault == FAULT_SILENT) {
		source->bench_ms =
			copy->now.mono_ms +
			copy_jittered_ms(copy, longer(source->failures, first_s(copy, BENCH_FIRST_S), BENCH_MOST_S));
	} else {
		source->proved = source->proved && fault == FAULT_STALLED;
		source->shunned_for = fault;
		source->shun_serial = copy->claimed;
		source->shun_ms =
			copy->now.mono_ms +
			copy_jittered_ms(copy, longer(source->failures, first_s(copy, SHUN_FIRST_S), SHUN_MOST_S));
	}
}

/* Who answers again has made good his silence, and nothing else: else a liar who is silent now and then would begin anew each time. */
void copy_answers(struct pull_copy *copy, size_t at)
{
	struct copy_source *source = &copy->source[at];
	if (source->fault != FAULT_SILENT)
		return;
	if (source->shunned_for == FAULT_NONE) {
		copy_praise(copy, at);
		return;
	}
	source->fault = source->shunned_for;
	source->bench_ms = 0;
}

/* What it gave did prove, or it has nothing else to make good. */
void copy_praise(struct pull_copy *copy, size_t at)
{
	struct copy_source *source = &copy->source[at];
	source->failures = 0;
	source->fault = source->shunned_for = FAULT_NONE;
	source->bench_ms = source->shun_ms = 0;
	copy_say(&source->why, "%s", "");
}

void copy_forgive(struct pull_copy *copy, bool all)
{
	for (size_t i = 0; i < copy->n_sources; i++) {
		struct copy_source *source = &copy->source[i];
		if (!all && source->shunned_for != FAULT_REFUSED)
			continue;
		source->failures = 0;
		source->bench_ms = source->shun_ms = 0;
		source->no_changes = false;
	}
}
