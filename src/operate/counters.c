// SPDX-License-Identifier: GPL-3.0-or-later
/* The workers' counters, added up and written. */
#include "operate/operate.h"
#include "json.h"

#include <inttypes.h>
#include <string.h>

void operate_counters_sum(struct counters *const *counters, size_t n, struct operate_counters *ret)
{
	struct operate_counters sum;
	memset(&sum, 0, sizeof(sum));
	for (size_t i = 0; i < n; i++)
		for (int c = 0; counters[i] != NULL && c < COUNTER_COUNT; c++)
			sum.value[c] += counter_read(counters[i], (enum counter)c);
	*ret = sum;
}

int operate_counters_text(const struct operate_counters *counters, struct buffer *out)
{
	for (int c = 0; c < COUNTER_COUNT; c++) {
		int rc = buffer_printf(out, "%s %" PRIu64 "\n", counter_name((enum counter)c), counters->value[c]);
		if (rc < 0)
			return rc;
	}
	return 0;
}

int operate_counters_json(const struct operate_counters *counters, struct buffer *out)
{
	struct json json = {.out = out};
	json_open(&json, NULL, '{');
	for (int c = 0; c < COUNTER_COUNT; c++)
		json_number(&json, counter_name((enum counter)c), (int64_t)counters->value[c]);
	json_close(&json, '}');
	return json.error;
}
