// SPDX-License-Identifier: GPL-3.0-or-later
/* Is the clock of this machine right, by the dates of the root's signatures? Said when it is not, with how far off it is at least. */
#include "daemon.h"

#include <stdio.h>
#include <string.h>

static void no_finding(void *ctx, const struct zone_finding *finding)
{
}

/* Proved with a date at which its signatures hold: then nothing else is wrong with it. */
static bool proved_at(const struct zone *zone, const struct zone_prove_settings *settings, int64_t at)
{
	struct zone_prove_settings then = *settings;
	struct zone_proof proof;
	then.now = at;
	then.report = no_finding;
	return zone_prove(zone, &then, &proof) == 0 && proof.proved;
}

static void words_make(int64_t off, int64_t now, const struct dated *dated, size_t size, char *out)
{
	char date[32], from[32], until[32], span[32];
	clock_format(now, date);
	clock_format(dated->from, from);
	clock_format(dated->until, until);
	if (off < 0)
		snprintf(out, size,
			 "its signatures hold from %s to %s, and the clock of this machine says %s: it is behind by %s "
			 "at "
			 "least. Set the clock",
			 from, until, date, clock_span(-off, span));
	else
		snprintf(
			out, size,
			"its signatures hold from %s to %s, and the clock of this machine says %s: either this copy is "
			"outdated or the clock is ahead, by %s at least. Get a newer copy, or set the clock",
			from, until, date, clock_span(off, span));
}

void clock_judge(const struct zone *zone, const struct zone_prove_settings *settings, const struct zone_proof *proof,
		 struct dated *ret)
{
	static const char prefix[] = "; but for its dates it is good: ";
	int64_t from = proof->dnssec.last_inception, until = proof->dnssec.first_expiry;
	int64_t off = dnssec_clock_off(from, until, settings->now);
	bool dates_fail = proof->reason == REASON_RRSIG_EXPIRED || proof->reason == REASON_RRSIG_NOT_YET;
	if (!dates_fail || off == 0 || from > until || !proved_at(zone, settings, off < 0 ? from : until))
		return;
	ret->from = from;
	ret->until = until;
	memcpy(ret->words, prefix, sizeof(prefix));
	words_make(off, settings->now, ret, sizeof(ret->words) - sizeof(prefix) + 1, ret->words + sizeof(prefix) - 1);
}

int64_t clock_off(const struct generation *g)
{
	if (g == NULL || g->view.root_until_s == 0)
		return 0;
	return dnssec_clock_off(g->view.root_from_s, g->view.root_until_s, clock_wall_s());
}

void clock_look(struct keeper *keeper)
{
	const struct generation *g = swap_read(&keeper->swap);
	struct dated dated = {.from = g->view.root_from_s, .until = g->view.root_until_s};
	int64_t off = clock_off(g);
	if (off == 0 && keeper->clock_told)
		log_notice(STATION, "the clock fits the signatures of the root copy again");
	if (off != 0 && !keeper->clock_told) {
		words_make(off, clock_wall_s(), &dated, sizeof(dated.words), dated.words);
		log_error(STATION, "the clock does not fit the root copy: %s", dated.words);
	}
	keeper->clock_told = off != 0;
}
