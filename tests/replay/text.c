// SPDX-License-Identifier: GPL-3.0-or-later
/* Lines, words and values of a scenario. */
#include "scenario.h"

bool text_line(struct scenario *s)
{
	while (fgets(s->line, sizeof s->line, s->file) != NULL) {
		s->line_number++;
		s->line[strcspn(s->line, "\r\n")] = '\0';
		if (s->line[0] != ';' && s->line[strspn(s->line, " \t")] != '\0')
			return true;
	}
	return false;
}

void text_split(struct scenario *s, const char *line)
{
	char *save = NULL;
	snprintf(s->copy, sizeof s->copy, "%s", line);
	s->n_words = 0;
	for (char *w = strtok_r(s->copy, " \t", &save); w != NULL && s->n_words < WORDS_MAX;
	     w = strtok_r(NULL, " \t", &save))
		s->word[s->n_words++] = w;
	for (unsigned i = s->n_words; i < WORDS_MAX; i++)
		s->word[i] = (char *)"";
}

char *text_block(struct scenario *s)
{
	struct buffer out = {0};
	assert_true(buffer_printf(&out, "%s", "") >= 0);
	while (text_line(s)) {
		if (strcmp(s->line, "END") == 0)
			return (char *)out.data;
		assert_true(buffer_printf(&out, "%s\n", s->line) >= 0);
	}
	bad(s, "END is missing");
	return NULL;
}

void text_name(struct scenario *s, const char *word, uint8_t out[WIRE_NAME_MAX])
{
	if (word[0] == '\0' || wire_name_parse(word, out) < 0)
		bad(s, "\"%s\" is no name", word);
}

uint16_t text_type(struct scenario *s, const char *word)
{
	int type = wire_type_parse(word);
	if (type < 0)
		bad(s, "\"%s\" is no type", word);
	return (uint16_t)type;
}

unsigned long text_number(struct scenario *s, const char *word)
{
	char *end;
	unsigned long value = strtoul(word, &end, 10);
	if (word[0] < '0' || word[0] > '9' || *end != '\0')
		bad(s, "\"%s\" is no number", word);
	return value;
}

int64_t text_seconds(struct scenario *s, const char *word)
{
	char *end;
	long long value = strtoll(word, &end, 10);
	static const struct {
		char unit;
		long long seconds;
	} units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}, {'y', 31536000}};
	for (size_t i = 0; i < ARRAY_SIZE(units); i++)
		if (end != word && end[0] == units[i].unit && end[1] == '\0')
			return value * units[i].seconds;
	if (end == word || *end != '\0')
		bad(s, "\"%s\" is no time", word);
	return value;
}

size_t text_hex(struct scenario *s, const char *word, uint8_t *out, size_t max)
{
	size_t len = strlen(word) / 2;
	if (strlen(word) % 2 != 0 || len > max || strspn(word, "0123456789abcdefABCDEF") != strlen(word))
		bad(s, "\"%s\" is no hexadecimal", word);
	for (size_t i = 0; i < len; i++) {
		char digits[3] = {word[2 * i], word[2 * i + 1], 0};
		out[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return len;
}

struct addr text_addr(struct scenario *s, const char *word)
{
	struct addr addr;
	if (addr_parse(word, 53, &addr) < 0)
		bad(s, "\"%s\" is no address", word);
	return addr;
}

/* The zone reader does the work. */
unsigned text_record(struct scenario *s, const char *text, struct item *item, unsigned max)
{
	struct zone *zone;
	struct zone_error error;
	struct zone_read_settings settings = {.origin = (const uint8_t *)""};
	unsigned n = 0;
	if (zone_read_text("record", text, strlen(text), &settings, NULL, NULL, &zone, &error) < 0)
		bad(s, "%s", error.text);
	for (size_t i = 0; i < zone->n_sets; i++) {
		const struct wire_rrset *set = &zone->set[i];
		for (uint32_t r = 0; r < set->count; r++) {
			if (n == max || set->rdata[r].len > sizeof item->data)
				bad(s, "too many or too large records");
			item[n].type = set->type;
			item[n].ttl = set->ttl;
			wire_name_lower(set->owner, item[n].owner);
			item[n].len = set->rdata[r].len;
			memcpy(item[n++].data, set->rdata[r].data, set->rdata[r].len);
		}
	}
	zone_free(zone);
	if (n == 0)
		bad(s, "no record in \"%s\"", text);
	return n;
}
