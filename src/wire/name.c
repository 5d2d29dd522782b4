// SPDX-License-Identifier: GPL-3.0-or-later
/* Domain names in wire form: measure, compare, cut, expand, print. */
#include "wire.h"

#include <stdio.h>
#include <string.h>

/* ASCII lower case (RFC 4343 section 3); length bytes (0..63) map to themselves, so whole names can go through it. */
static const uint8_t lower_table[256] = {
#define ROW(n) n, n + 1, n + 2, n + 3, n + 4, n + 5, n + 6, n + 7
	ROW(0),   ROW(8),   ROW(16),  ROW(24),  ROW(32),  ROW(40),  ROW(48),  ROW(56),  64,       97,
	98,       99,       100,      101,      102,      103,      ROW(104), ROW(112), 120,      121,
	122,      91,       92,       93,       94,       95,       ROW(96),  ROW(104), ROW(112), ROW(120),
	ROW(128), ROW(136), ROW(144), ROW(152), ROW(160), ROW(168), ROW(176), ROW(184), ROW(192), ROW(200),
	ROW(208), ROW(216), ROW(224), ROW(232), ROW(240), ROW(248),
#undef ROW
};

static inline uint8_t lower(uint8_t c)
{
	return lower_table[c];
}

size_t wire_name_len(const uint8_t *name)
{
	const uint8_t *p = name;
	while (*p != 0)
		p += *p + 1;
	return (size_t)(p - name) + 1;
}

int wire_name_check(const uint8_t *p, size_t max)
{
	size_t pos = 0;
	if (max > WIRE_NAME_MAX)
		max = WIRE_NAME_MAX;
	while (pos < max) {
		if (p[pos] == 0)
			return (int)pos + 1;
		if (p[pos] > 63)
			return BANYAN_EMALF;
		pos += p[pos] + 1U;
	}
	return BANYAN_EMALF;
}

unsigned wire_name_labels(const uint8_t *name)
{
	unsigned n = 0;
	for (const uint8_t *p = name; *p != 0; p += *p + 1)
		n++;
	return n;
}

bool wire_name_equal(const uint8_t *a, const uint8_t *b)
{
	for (;;) {
		uint8_t len = *a;
		if (len != *b)
			return false;
		if (len == 0)
			return true;
		for (unsigned i = 1; i <= len; i++)
			if (lower(a[i]) != lower(b[i]))
				return false;
		a += len + 1;
		b += len + 1;
	}
}

/* Positions of the labels of a name; returns their number. */
static unsigned label_starts(const uint8_t *name, uint8_t starts[WIRE_LABELS_MAX + 1])
{
	unsigned n = 0;
	for (unsigned pos = 0; name[pos] != 0; pos += name[pos] + 1U)
		starts[n++] = (uint8_t)pos;
	return n;
}

static int label_cmp(const uint8_t *a, const uint8_t *b)
{
	unsigned min = *a < *b ? *a : *b;
	for (unsigned i = 1; i <= min; i++) {
		int d = lower(a[i]) - lower(b[i]);
		if (d != 0)
			return d;
	}
	return *a - *b;
}

int wire_name_cmp(const uint8_t *a, const uint8_t *b)
{
	uint8_t at[WIRE_LABELS_MAX + 1], bt[WIRE_LABELS_MAX + 1];
	unsigned na = label_starts(a, at), nb = label_starts(b, bt);
	while (na > 0 && nb > 0) {
		int d = label_cmp(a + at[--na], b + bt[--nb]);
		if (d != 0)
			return d;
	}
	return (na > 0) - (nb > 0);
}

unsigned wire_name_common(const uint8_t *a, const uint8_t *b)
{
	uint8_t at[WIRE_LABELS_MAX + 1], bt[WIRE_LABELS_MAX + 1];
	unsigned na = label_starts(a, at), nb = label_starts(b, bt), n = 0;
	while (na > 0 && nb > 0 && label_cmp(a + at[na - 1], b + bt[nb - 1]) == 0) {
		na--;
		nb--;
		n++;
	}
	return n;
}

const uint8_t *wire_name_skip(const uint8_t *name, unsigned n)
{
	while (n-- > 0)
		name += *name + 1;
	return name;
}

bool wire_name_under(const uint8_t *name, const uint8_t *apex)
{
	unsigned na = wire_name_labels(name), nb = wire_name_labels(apex);
	return na >= nb && wire_name_equal(wire_name_skip(name, na - nb), apex);
}

/* Eight bytes at once: the high bit of each byte of `upper` says that it is in A to Z. Lengths of labels never are. */
static uint64_t lower_word(uint64_t word)
{
	const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
	uint64_t low = word & ~high;
	uint64_t from_a = low + (0x80 - 'A') * ones, above_z = low + (0x80 - 'Z' - 1) * ones;
	uint64_t upper = from_a & ~above_z & ~word & high;
	return word | upper >> 2;
}

void wire_name_lower_bytes(const uint8_t *name, size_t len, uint8_t *out)
{
	for (; len >= 8; name += 8, out += 8, len -= 8) {
		uint64_t word;
		memcpy(&word, name, 8);
		word = lower_word(word);
		memcpy(out, &word, 8);
	}
	for (size_t i = 0; i < len; i++)
		out[i] = lower(name[i]);
}

size_t wire_name_lower(const uint8_t *name, uint8_t *out)
{
	size_t len = wire_name_len(name);
	wire_name_lower_bytes(name, len, out);
	return len;
}

int wire_name_wildcard(const uint8_t *suffix, uint8_t out[WIRE_NAME_MAX])
{
	size_t len = wire_name_len(suffix);
	if (len + 2 > WIRE_NAME_MAX)
		return BANYAN_ESPACE;
	memmove(out + 2, suffix, len);
	out[0] = 1;
	out[1] = '*';
	return (int)len + 2;
}

int wire_name_substitute(const uint8_t *name, const uint8_t *owner, const uint8_t *target, uint8_t out[WIRE_NAME_MAX])
{
	unsigned keep = wire_name_labels(name) - wire_name_labels(owner);
	size_t prefix = (size_t)(wire_name_skip(name, keep) - name), suffix = wire_name_len(target);
	uint8_t made[WIRE_NAME_MAX];
	if (prefix + suffix > WIRE_NAME_MAX)
		return BANYAN_ESPACE;
	memcpy(made, name, prefix);
	memcpy(made + prefix, target, suffix);
	memcpy(out, made, prefix + suffix);
	return (int)(prefix + suffix);
}

/* Zone readers differ in what else they take without a backslash; libzscanner, which is ours, takes nothing else. */
static bool is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' ||
	       c == '*' || c == '/';
}

char *wire_name_text(const uint8_t *name, char out[WIRE_NAME_TEXT_MAX])
{
	char *p = out;
	if (*name == 0) {
		strcpy(out, ".");
		return out;
	}
	for (; *name != 0; name += *name + 1) {
		for (unsigned i = 1; i <= *name; i++) {
			uint8_t c = name[i];
			if (c <= 0x20 || c >= 0x7f) {
				*p++ = '\\';
				*p++ = (char)('0' + c / 100);
				*p++ = (char)('0' + c / 10 % 10);
				*p++ = (char)('0' + c % 10);
			} else {
				if (!is_plain(c))
					*p++ = '\\';
				*p++ = (char)c;
			}
		}
		*p++ = '.';
	}
	*p = '\0';
	return out;
}

/* One character of presentation form, escapes resolved (RFC 1035 section 5.1). */
static int text_char(const char **text, uint8_t *ret)
{
	const char *p = *text;
	if (*p != '\\') {
		*ret = (uint8_t)*p;
		*text = p + 1;
		return 0;
	}
	p++;
	if (*p == '\0')
		return BANYAN_EMALF;
	if (*p < '0' || *p > '9') {
		*ret = (uint8_t)*p;
		*text = p + 1;
		return 0;
	}
	int v = 0;
	for (int i = 0; i < 3; i++, p++) {
		if (*p < '0' || *p > '9')
			return BANYAN_EMALF;
		v = v * 10 + (*p - '0');
	}
	if (v > 255)
		return BANYAN_EMALF;
	*ret = (uint8_t)v;
	*text = p;
	return 0;
}

int wire_name_parse(const char *text, uint8_t out[WIRE_NAME_MAX])
{
	uint8_t made[WIRE_NAME_MAX];
	size_t len = 0;
	if (strcmp(text, ".") == 0) {
		out[0] = 0;
		return 1;
	}
	if (*text == '\0')
		return BANYAN_EMALF;
	while (*text != '\0') {
		size_t start = len++;
		while (*text != '\0' && *text != '.') {
			/* behind this byte one more must fit: the root label */
			if (len + 1 >= WIRE_NAME_MAX || len - start > 63 || text_char(&text, &made[len]) < 0)
				return BANYAN_EMALF;
			len++;
		}
		if (len == start + 1)
			return BANYAN_EMALF; /* empty label */
		made[start] = (uint8_t)(len - start - 1);
		if (*text == '.')
			text++;
	}
	made[len++] = 0;
	memcpy(out, made, len);
	return (int)len;
}

int wire_name_expand(const uint8_t *msg, size_t len, size_t pos, uint8_t out[WIRE_NAME_MAX], size_t *ret_end)
{
	size_t made = 0, end = 0, limit = pos;
	unsigned pointers = 0;
	for (;;) {
		if (pos >= len)
			return BANYAN_EMALF;
		uint8_t c = msg[pos];
		if (c >= 0xc0) {
			if (pos + 1 >= len || ++pointers > WIRE_POINTERS_MAX)
				return BANYAN_EMALF;
			if (pointers == 1)
				end = pos + 2;
			size_t to = (size_t)(c & 0x3f) << 8 | msg[pos + 1];
			/* each pointer must lead further back than where the last stretch began: no loops */
			if (to >= limit || to < WIRE_HEADER_SIZE)
				return BANYAN_EMALF;
			limit = pos = to;
			continue;
		}
		if (c > 63 || made + c + 1U > WIRE_NAME_MAX || pos + c + 1U > len)
			return BANYAN_EMALF;
		memcpy(out + made, msg + pos, c + 1U);
		made += c + 1U;
		pos += c + 1U;
		if (c == 0)
			break;
	}
	if (ret_end != NULL)
		*ret_end = pointers > 0 ? end : pos;
	return (int)made;
}

void wire_name_randomise_case(uint8_t *name, struct random *random)
{
	uint64_t bits = 0;
	unsigned left = 0;
	for (; *name != 0; name += *name + 1) {
		for (unsigned i = 1; i <= *name; i++) {
			uint8_t c = name[i] | 0x20;
			if (c < 'a' || c > 'z')
				continue;
			if (left == 0) {
				bits = random_u64(random);
				left = 64;
			}
			name[i] = bits & 1 ? (uint8_t)(c & ~0x20) : c;
			bits >>= 1;
			left--;
		}
	}
}
