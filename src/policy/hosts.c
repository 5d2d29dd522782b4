// SPDX-License-Identifier: GPL-3.0-or-later
/* Files in the form of hosts(5): an address, then the names that it goes by. */
#include "local.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#define LABEL_MAX 63

/* Where the reader stands. */
struct hosts {
	struct policy_local_builder *builder;
	const char *source;
	unsigned long line;
	uint32_t ttl;
	struct zone_error *error;
};

static int fail(const struct hosts *h, int error, const char *format, ...) _printf_(3, 4);
static int fail(const struct hosts *h, int error, const char *format, ...)
{
	va_list args;
	h->error->reason = REASON_SYNTAX;
	h->error->line = h->line;
	int n = snprintf(h->error->text, sizeof h->error->text, "%.200s:%lu: ", h->source, h->line);
	va_start(args, format);
	vsnprintf(h->error->text + n, sizeof h->error->text - (size_t)n, format, args);
	va_end(args);
	return error;
}

/* A word of a line, NUL-terminated; false at the end of the line. Too long a word comes cut off, and is refused then. */
static bool next_word(const char **p, const char *end, char out[WIRE_NAME_TEXT_MAX])
{
	size_t n = 0;
	while (*p < end && (**p == ' ' || **p == '\t' || **p == '\r'))
		++*p;
	while (*p < end && **p != ' ' && **p != '\t' && **p != '\r') {
		if (n < WIRE_NAME_TEXT_MAX - 1)
			out[n++] = **p;
		++*p;
	}
	out[n] = '\0';
	return n > 0;
}

/* What a message may repeat of a file that somebody else wrote. */
static const char *shown(const char *word, char out[64])
{
	size_t n = 0;
	for (; word[n] != '\0' && n < 60; n++)
		out[n] = word[n] >= 0x20 && word[n] < 0x7f ? word[n] : '?';
	out[n] = '\0';
	return out;
}

/* The name under which the way back is asked for (RFC 1035 section 3.5, RFC 3596 section 2.5). */
static size_t reverse_name(const struct addr *addr, uint8_t out[WIRE_NAME_MAX])
{
	static const char digits[] = "0123456789abcdef";
	char text[WIRE_NAME_MAX];
	char *p = text;
	if (addr->family == 4)
		p += sprintf(p, "%u.%u.%u.%u.in-addr.arpa", addr->ip[3], addr->ip[2], addr->ip[1], addr->ip[0]);
	for (unsigned i = 16; addr->family == 6 && i-- > 0;) {
		*p++ = digits[addr->ip[i] & 15];
		*p++ = '.';
		*p++ = digits[addr->ip[i] >> 4];
		*p++ = '.';
	}
	if (addr->family == 6)
		strcpy(p, "ip6.arpa");
	int len = wire_name_parse(text, out);
	return len < 0 ? 0 : (size_t)len;
}

/* Blocklists write 0.0.0.0 or :: where they mean nobody. */
static bool is_unspecified(const struct addr *addr)
{
	static const uint8_t zero[16];
	return memcmp(addr->ip, zero, sizeof zero) == 0;
}

int policy_local_host(struct policy_local_builder *builder, const uint8_t *name, const struct addr *addr, uint32_t ttl,
		      bool reverse)
{
	uint8_t back[WIRE_NAME_MAX];
	uint16_t type = addr->family == 4 ? WIRE_TYPE_A : WIRE_TYPE_AAAA;
	int rc = policy_local_record(builder, name, type, ttl, addr->ip, addr->family == 4 ? 4 : 16);
	if (rc < 0 || !reverse || is_unspecified(addr) || reverse_name(addr, back) == 0)
		return rc;
	rc = policy_local_record(builder, back, WIRE_TYPE_PTR, ttl, name, (uint16_t)wire_name_len(name));
	if (rc == 0)
		builder->item[builder->n - 1].from_hosts = true;
	return rc;
}

static int take_line(struct hosts *h, const char *p, const char *end)
{
	char word[WIRE_NAME_TEXT_MAX], text[64];
	struct addr addr;
	uint8_t name[WIRE_NAME_MAX];
	const char *comment = memchr(p, '#', (size_t)(end - p));
	if (comment != NULL)
		end = comment;
	if (!next_word(&p, end, word))
		return 0;
	word[strcspn(word, "%")] = '\0'; /* fe80::1%lo0: the zone of a link means nothing to others */
	if (strchr(word, '@') != NULL || addr_parse(word, 0, &addr) < 0)
		return fail(h, BANYAN_EMALF, "'%s' is no IPv4 or IPv6 address; a line is an address and then names",
			    shown(word, text));
	unsigned names = 0;
	for (int rc; next_word(&p, end, word); names++) {
		int len = wire_name_parse(word, name);
		if (len < 0 || len == 1)
			return fail(h, BANYAN_EMALF,
				    "'%s' is no host name; write names without spaces, at most %d "
				    "characters between the dots",
				    shown(word, text), LABEL_MAX);
		rc = policy_local_host(h->builder, name, &addr, h->ttl, names == 0);
		if (rc < 0)
			return fail(h, rc, "%s",
				    rc == BANYAN_ELIMIT ? "there are more local records than the limit allows"
							: error_text(rc));
	}
	return names > 0 ? 0 : fail(h, BANYAN_EMALF, "an address without a name; add the name or take the line out");
}

int policy_local_hosts(struct policy_local_builder *builder, const char *source, const char *text, size_t len,
		       uint32_t ttl, struct zone_error *ret_error)
{
	struct hosts h = {.builder = builder, .source = source, .ttl = ttl, .error = ret_error};
	const char *end = text + len;
	for (const char *p = text; p < end;) {
		const char *newline = memchr(p, '\n', (size_t)(end - p));
		const char *stop = newline != NULL ? newline : end;
		h.line++;
		int rc = take_line(&h, p, stop);
		if (rc < 0)
			return rc;
		p = newline != NULL ? newline + 1 : end;
	}
	return 0;
}
