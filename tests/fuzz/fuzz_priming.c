// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Replies of other servers to priming questions: two of them, the length of the first in two bytes ahead. What can be taken apart adds up to its length, and
 * so do the reasons for the difference of two.
 */
#include "publish/plan/plan.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_message(const struct plan_message *m)
{
	size_t sum = 0;
	for (unsigned i = 0; i < PLAN_PARTS; i++)
		sum += m->part[i].bytes;
	if (sum != m->len)
		abort();
	for (size_t i = 0; i < m->n_records; i++)
		if ((size_t)m->record[i].at + m->record[i].len > m->len || m->record[i].owner_plain < 1)
			abort();
}

static void check_both(const struct plan_message *a, const struct plan_message *b)
{
	struct plan_comparison c;
	struct plan_missing missing;
	long sum = 0;
	if (plan_compare(a, b, &c) < 0 || plan_left_out(a, b, &missing) < 0)
		return;
	for (unsigned part = 0; part < PLAN_PARTS; part++)
		for (unsigned why = 0; why < PLAN_WHYS; why++)
			sum += c.part[part][why].bytes;
	if (sum != c.total || c.total != (long)b->len - (long)a->len)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct plan_message a, b;
	if (len < 2)
		return 0;
	size_t first = wire_get16(data);
	data += 2;
	len -= 2;
	first = first < len ? first : len;
	if (plan_dissect(data, first, &a) < 0)
		return 0;
	check_message(&a);
	check_both(&a, &a);
	if (plan_dissect(data + first, len - first, &b) == 0) {
		check_message(&b);
		check_both(&a, &b);
		plan_message_done(&b);
	}
	plan_message_done(&a);
	return 0;
}
