// SPDX-License-Identifier: GPL-3.0-or-later
/* The serial at the begin of a zone, without reading the zone: publishers write the SOA first. */
#include "fetch.h"

#include <stdlib.h>
#include <string.h>

#define WIRE_FORM_SERIAL 10 /* docs/published-files.md: behind the mark and the class */

/* Words of a master file: white space, parentheses and comments stand between them. */
struct words {
	const uint8_t *p, *end;
};

static bool is_gap(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '(' || c == ')';
}

/* The next word, or false at the end, or when the end cuts it off. */
static bool word_next(struct words *words, const uint8_t **ret, size_t *ret_len)
{
	while (words->p < words->end) {
		if (*words->p == ';')
			while (words->p < words->end && *words->p != '\n')
				words->p++;
		else if (is_gap(*words->p))
			words->p++;
		else
			break;
	}
	*ret = words->p;
	while (words->p < words->end && !is_gap(*words->p) && *words->p != ';')
		words->p++;
	*ret_len = (size_t)(words->p - *ret);
	return words->p<words->end && * ret_len> 0;
}

static bool is_word(const uint8_t *word, size_t len, const char *what)
{
	if (len != strlen(what))
		return false;
	for (size_t i = 0; i < len; i++)
		if ((word[i] | 32) != (what[i] | 32))
			return false;
	return true;
}

bool pull_serial_hint(const uint8_t *data, size_t len, const uint8_t *apex, uint32_t *ret)
{
	struct words words = {data, data + len};
	const uint8_t *word;
	size_t word_len;
	if (zone_is_wire(data, len)) {
		if (len < WIRE_FORM_SERIAL + 4)
			return false;
		*ret = wire_get32(data + WIRE_FORM_SERIAL);
		return true;
	}
	do {
		if (!word_next(&words, &word, &word_len))
			return false;
	} while (!is_word(word, word_len, "SOA"));
	for (unsigned i = 0; i < 3; i++) /* primary, mailbox, serial */
		if (!word_next(&words, &word, &word_len))
			return false;
	char number[11] = "";
	if (word_len >= sizeof number)
		return false;
	memcpy(number, word, word_len);
	unsigned long long serial = strtoull(number, NULL, 10);
	if (strspn(number, "0123456789") != word_len || serial > UINT32_MAX)
		return false;
	*ret = (uint32_t)serial;
	return true;
}
