// SPDX-License-Identifier: GPL-3.0-or-later
/* When: rounds by the SOA's refresh and retry, the end of a version, clocks that jump, and how much may be fetched. */
#include "copy.h"

#define JUMP_S 60 /* by which the clocks part between two steps: more than adjusting a clock slowly does */

/* The wall clock was set, or this machine slept: signatures may be valid now that were not before. */
static void jumped(struct pull_copy *copy, int64_t by_s)
{
	char span[32];
	copy_note(copy, PULL_NO_SOURCE, true, "the clock was set %s by %s: what did not prove is tried again",
		  by_s > 0 ? "ahead" : "back", clock_span(by_s > 0 ? by_s : -by_s, span));
	copy_forgive(copy, false);
	/* what is in use may have ended by the clock as it is now, and only a source can say that it has not: soon, but a clock that is set again
	 * and again makes no storm */
	int64_t soonest_ms = copy->begun ? copy->begun_ms + (int64_t)copy->settings.retry_min_s * 1000 : 0;
	if (soonest_ms < copy->now.mono_ms)
		soonest_ms = copy->now.mono_ms;
	if (copy->phase == PHASE_PROVING) /* by the clock as it was */
		copy->again = true;
	else if (copy->phase == PHASE_IDLE && soonest_ms < copy->next_ms)
		copy->next_ms = soonest_ms;
}

void copy_clock(struct pull_copy *copy, struct pull_now now)
{
	struct pull_now before = copy->now;
	bool had = copy->has_now;
	if (had && now.mono_ms < before.mono_ms)
		now.mono_ms = before.mono_ms;
	copy->now = now;
	copy->has_now = true;
	if (!had) {
		copy->fetch_tokens_ms = now.mono_ms;
		copy->next_ms = now.mono_ms;
		return;
	}
	int64_t by_s = now.wall_s - before.wall_s - (now.mono_ms - before.mono_ms) / 1000;
	if (by_s > JUMP_S || by_s < -JUMP_S)
		jumped(copy, by_s);
}

int64_t copy_jittered_ms(struct pull_copy *copy, int64_t seconds)
{
	int64_t ms = seconds * 1000;
	return ms + (int64_t)copy_random(copy, (uint64_t)ms / 8 + 1);
}

static uint32_t clamp(uint32_t value, uint32_t low, uint32_t high)
{
	return value < low ? low : value > high ? high : value;
}

/* Not only when it is too late: at half of the expire time at the latest. */
uint32_t copy_refresh_s(const struct pull_copy *copy)
{
	const struct pull_copy_settings *s = &copy->settings;
	if (!copy->have)
		return s->refresh_min_s;
	uint32_t refresh_s = clamp(copy->version.refresh_s, s->refresh_min_s, s->refresh_max_s);
	uint32_t half_s = copy->version.expire_s / 2 > 0 ? copy->version.expire_s / 2 : 1;
	return refresh_s < half_s ? refresh_s : half_s;
}

static int64_t doubled(int64_t seconds, unsigned times, int64_t most)
{
	while (times-- > 0 && seconds < most)
		seconds *= 2;
	return seconds < most ? seconds : most;
}

/* Who can use what he has waits; who cannot begins again soon, and ever more slowly. */
static int64_t retry_s(const struct pull_copy *copy)
{
	const struct pull_copy_settings *s = &copy->settings;
	int64_t refresh_s = copy_refresh_s(copy);
	if (!copy->have)
		return doubled(s->retry_min_s, copy->failures - 1, 1800);
	if (copy_left_ms(copy) <= 0)
		return doubled(clamp(copy->version.retry_s, s->retry_min_s, 900), copy->failures / 4, 3600);
	if (s->patient)
		return refresh_s;
	int64_t again_s = clamp(copy->version.retry_s, s->retry_min_s, s->refresh_max_s);
	return doubled(again_s, copy->failures - 1, again_s > refresh_s ? again_s : refresh_s);
}

int64_t copy_wait_ms(struct pull_copy *copy)
{
	int64_t wait_ms = copy_jittered_ms(copy, copy->failures > 0 ? retry_s(copy) : copy_refresh_s(copy));
	int64_t left_ms = copy_left_ms(copy);
	/* once more before the end, but not in a storm */
	if (copy->have && left_ms > 0 && left_ms < wait_ms && left_ms / 2 > (int64_t)copy->settings.retry_min_s * 1000)
		wait_ms = left_ms / 2;
	return wait_ms;
}

/* By the wall clock. One that said a time before that of the version itself was wrong (a machine without a clock begins in 1970), and nothing is
 * counted from there. */
static int64_t confirmed_s(const struct pull_copy *copy)
{
	bool dated = copy->version.valid_until != 0 && !copy->settings.no_dates;
	return dated && copy->confirmed_s < copy->version.valid_from ? copy->version.valid_from : copy->confirmed_s;
}

/* Since a source has confirmed the version in use, by the clock that says more: it is never used too long, whatever the clocks do. */
int64_t copy_silent_ms(const struct pull_copy *copy)
{
	int64_t mono_ms = copy->now.mono_ms - copy->confirmed_ms,
		wall_ms = (copy->now.wall_s - confirmed_s(copy)) * 1000;
	return mono_ms > wall_ms ? mono_ms : wall_ms;
}

/* RFC 1035 section 3.3.13, RFC 8806 section 4; and no longer than its signatures live and its edition says. */
int64_t copy_left_ms(const struct pull_copy *copy)
{
	if (!copy->have)
		return 0;
	int64_t left_ms = (int64_t)copy->limit_s * 1000 - copy_silent_ms(copy);
	int64_t signed_ms = (copy->version.first_expiry - copy->now.wall_s) * 1000;
	int64_t dated_ms = (copy->version.valid_until - copy->now.wall_s) * 1000;
	if (copy->version.first_expiry != 0 && signed_ms < left_ms)
		left_ms = signed_ms;
	return copy->version.valid_until != 0 && !copy->settings.no_dates && dated_ms < left_ms ? dated_ms : left_ms;
}

/* RFC 7314 section 4: the source's own rest of time counts, but never more than the SOA says, and never less than what is left already. */
void copy_confirm(struct pull_copy *copy, uint32_t source_expire_s)
{
	uint32_t limit_s = copy->version.expire_s;
	if (source_expire_s != 0 && source_expire_s < limit_s)
		limit_s = source_expire_s;
	int64_t left_ms = (int64_t)copy->limit_s * 1000 - copy_silent_ms(copy);
	if (copy->confirmed && left_ms > (int64_t)limit_s * 1000)
		return;
	copy->confirmed = true;
	copy->confirmed_ms = copy->now.mono_ms;
	copy->confirmed_s = copy->now.wall_s;
	copy->limit_s = limit_s;
}

/* ---- how much may be fetched: a bucket that fills in an hour ---- */

static double tokens(const struct pull_copy *copy)
{
	double most = copy->settings.fetches_hour_max;
	double now = copy->fetch_tokens + (double)(copy->now.mono_ms - copy->fetch_tokens_ms) * most / 3600e3;
	return now < most ? now : most;
}

bool copy_fetch_token(struct pull_copy *copy)
{
	double now = tokens(copy);
	copy->fetch_tokens_ms = copy->now.mono_ms;
	copy->fetch_tokens = now >= 1 ? now - 1 : now;
	return now >= 1;
}

int64_t copy_fetch_token_ms(const struct pull_copy *copy)
{
	double now = tokens(copy);
	return now >= 1 ? 0 : (int64_t)((1 - now) * 3600e3 / copy->settings.fetches_hour_max) + 1;
}

/* ---- the next time ---- */

static void earlier(int64_t *wake_ms, int64_t at_ms)
{
	if (at_ms < *wake_ms)
		*wake_ms = at_ms;
}

void copy_wake(struct pull_copy *copy)
{
	int64_t now_ms = copy->now.mono_ms, wake_ms = now_ms + (int64_t)PULL_REFRESH_MAX_S * 1000;
	int64_t left_ms = copy_left_ms(copy), lag_ms = 2 * (int64_t)copy_refresh_s(copy) * 1000 - copy_silent_ms(copy);
	if (copy->phase != PHASE_IDLE)
		earlier(&wake_ms, copy->deadline_ms);
	else if (copy->n_sources > 0)
		earlier(&wake_ms, copy->next_ms);
	if (copy->phase == PHASE_IDLE)
		earlier(&wake_ms, copy_hints_wake_ms(copy));
	if (copy->have && left_ms > 0)
		earlier(&wake_ms, now_ms + left_ms);
	if (copy->have && lag_ms >= 0)
		earlier(&wake_ms, now_ms + lag_ms + 1);
	earlier(&wake_ms, copy_dates_wake_ms(copy));
	copy->out->wake_ms = wake_ms > now_ms ? wake_ms : now_ms;
}
