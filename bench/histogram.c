// SPDX-License-Identifier: GPL-3.0-or-later
/* A histogram of times. */
#include "histogram.h"

static unsigned place_of(uint64_t ns)
{
	if (ns < HISTOGRAM_STEPS)
		return (unsigned)ns;
	unsigned power = 63 - (unsigned)__builtin_clzll(ns);
	return (power - 4) * HISTOGRAM_STEPS + (unsigned)(ns >> (power - 5) & (HISTOGRAM_STEPS - 1));
}

static double value_of(unsigned place)
{
	if (place < HISTOGRAM_STEPS)
		return place;
	double step = (double)(UINT64_C(1) << (place / HISTOGRAM_STEPS - 1));
	return (HISTOGRAM_STEPS + place % HISTOGRAM_STEPS + 0.5) * step;
}

void histogram_add(struct histogram *histogram, int64_t ns)
{
	uint64_t value = ns < 0 ? 0 : (uint64_t)ns;
	unsigned place = place_of(value);
	histogram->n[place < HISTOGRAM_SIZE ? place : HISTOGRAM_SIZE - 1]++;
	histogram->total++;
	if (ns > histogram->max_ns)
		histogram->max_ns = ns;
}

double histogram_at(const struct histogram *histogram, double share)
{
	uint64_t wanted = (uint64_t)(share * (double)histogram->total), seen = 0;
	if (share < 1) {
		for (unsigned i = 0; i < HISTOGRAM_SIZE; i++) {
			seen += histogram->n[i];
			if (seen > wanted)
				return value_of(i) / 1000;
		}
	}
	return (double)histogram->max_ns / 1000;
}
