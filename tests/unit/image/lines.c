// SPDX-License-Identifier: GPL-3.0-or-later
/* Answers as sorted lines of text. */
#include "reference.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void test_answer_add(struct test_answer *answer, enum wire_section section, const uint8_t *owner, uint32_t ttl,
		     uint16_t type, const struct wire_rdata *rdata)
{
	_cleanup_(buffer_done) struct buffer line = {0};
	if (buffer_printf(&line, "%d ", section) < 0 ||
	    wire_record_text(owner, ttl, WIRE_CLASS_IN, type, rdata, &line) < 0)
		abort();
	answer->line = realloc(answer->line, (answer->n_lines + 1) * sizeof *answer->line);
	answer->line[answer->n_lines++] = strndup((char *)line.data, line.len);
}

static int line_cmp(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

void test_answer_sort(struct test_answer *answer)
{
	size_t n = 0;
	if (answer->n_lines > 0)
		qsort(answer->line, answer->n_lines, sizeof *answer->line, line_cmp);
	for (size_t i = 0; i < answer->n_lines; i++) {
		if (n > 0 && strcmp(answer->line[n - 1], answer->line[i]) == 0) {
			answer->repeated = true;
			free(answer->line[i]);
		} else {
			answer->line[n++] = answer->line[i];
		}
	}
	answer->n_lines = n;
}

void test_answer_done(struct test_answer *answer)
{
	for (size_t i = 0; i < answer->n_lines; i++)
		free(answer->line[i]);
	free(answer->line);
	*answer = (struct test_answer){0};
}

int test_compile(const struct zone *zone, struct image **ret)
{
	struct image *again;
	size_t len;
	int rc = image_compile(zone, ret);
	if (rc < 0)
		return rc;
	const void *bytes = image_bytes(*ret, &len);
	rc = image_open(bytes, len, &again);
	if (rc == 0)
		image_free(again);
	return rc;
}
