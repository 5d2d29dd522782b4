// SPDX-License-Identifier: GPL-3.0-or-later
/* How often something took how long. */
#pragma once

#include <stdint.h>

/* Powers of two in 32 steps each: a value is known to 3 %. */
#define HISTOGRAM_STEPS 32
#define HISTOGRAM_SIZE  (60 * HISTOGRAM_STEPS)
struct histogram {
	uint64_t total;
	uint64_t n[HISTOGRAM_SIZE];
	int64_t max_ns;
};
void histogram_add(struct histogram *histogram, int64_t ns);
/* In microseconds; 1 = the largest, exactly. */
double histogram_at(const struct histogram *histogram, double share);
