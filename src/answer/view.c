// SPDX-License-Identifier: GPL-3.0-or-later
/* The table of zones: sorted once, searched for each question. */
#include "private.h"

#include <stdlib.h>

static int zone_cmp(const void *a, const void *b)
{
	return wire_name_cmp(((const struct answer_zone *)a)->apex, ((const struct answer_zone *)b)->apex);
}

void answer_view_sort(struct answer_zone *zone, size_t n)
{
	if (n > 1)
		qsort(zone, n, sizeof *zone, zone_cmp);
}

/* Zones whose apex is <= name in canonical order. */
static size_t zones_up_to(const struct answer_view *view, size_t n, const uint8_t *name)
{
	size_t base = 0;
	while (n > 0) {
		size_t half = n / 2;
		if (wire_name_cmp(view->zone[base + half].apex, name) <= 0) {
			base += half + 1;
			n -= half + 1;
		} else {
			n = half;
		}
	}
	return base;
}

const struct answer_zone *view_find(const struct answer_view *view, const uint8_t *name)
{
	size_t n = view->n_zones;
	if (n == 1 && view->zone[0].apex[0] == 0) /* the root alone: every name is in it */
		return view->zone;
	for (;;) {
		n = zones_up_to(view, n, name);
		if (n == 0)
			return NULL;
		/* ancestors sort before the name; one that is not the last before it shares with that one all its labels */
		const struct answer_zone *last = &view->zone[n - 1];
		unsigned common = wire_name_common(last->apex, name);
		if (common == wire_name_labels(last->apex))
			return last;
		name = wire_name_skip(name, wire_name_labels(name) - common);
		n--;
	}
}
