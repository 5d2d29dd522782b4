// SPDX-License-Identifier: GPL-3.0-or-later
/* Publication lists: the format of draft-hardaker-dnsop-root-zone-publication-points, and ours on top of it (docs/publication-list.md). */
#include "private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LINE_MAX_BYTES (PULL_SOURCE_TEXT_MAX - 1)
#define DASHES         "----\n"

struct reading {
	const struct pull_list_settings *settings;
	const char *zone;
	struct pull_list list;
	unsigned line;
	bool has_expires;
	char *why;
};

void pull_list_done(struct pull_list *list)
{
	pull_sources_done(&list->sources);
}

/* ---- lines ---- */

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/* The line at *pos without white space around it, in `out`: 1, 0 at the end, BANYAN_EMALF. */
static int line_next(const char *text, size_t len, size_t *pos, char out[LINE_MAX_BYTES + 1], unsigned line,
		     char why[PULL_WHY_MAX])
{
	if (*pos >= len)
		return 0;
	const char *begin = text + *pos, *newline = memchr(begin, '\n', len - *pos);
	const char *end = newline != NULL ? newline : text + len;
	*pos = (size_t)(end - text) + 1;
	while (begin < end && is_blank(*begin))
		begin++;
	while (end > begin && is_blank(end[-1]))
		end--;
	if ((size_t)(end - begin) > LINE_MAX_BYTES)
		return pull_wrong(why, BANYAN_EMALF, "line %u is longer than %d bytes", line, LINE_MAX_BYTES);
	memcpy(out, begin, (size_t)(end - begin));
	out[end - begin] = '\0';
	return 1;
}

/* ---- below the dashes: how the list is proved ---- */

static int checksum_check(const char *text, size_t len, const char *value, char why[PULL_WHY_MAX])
{
	char digest[65];
	int rc = pull_sha256_text(text, len, digest);
	if (rc < 0)
		return pull_wrong(why, rc, "%s", error_text(rc));
	if (strlen(value) != 64 || strspn(value, "0123456789abcdefABCDEF") != 64)
		return pull_wrong(why, BANYAN_EMALF, "behind SHA256 stand 64 hexadecimal digits in one line");
	if (strcasecmp(value, digest) != 0)
		return pull_wrong(why, BANYAN_EPROOF,
				  "the checksum is not that of the list: it was damaged or cut off on the way");
	return 0;
}

static int proof_check(struct reading *reading, const char *text, size_t len, const char *type, const char *value)
{
	const char *keys = reading->settings->keys;
	if (strcmp(type, "SHA256") == 0) {
		if (keys != NULL)
			return pull_wrong(
				reading->why, BANYAN_EPROOF,
				"the list has a checksum only, and a key was given that it must be signed with");
		reading->list.proof = PULL_LIST_CHECKSUM;
		return checksum_check(text, len, value, reading->why);
	}
	if (strcmp(type, "ED25519") != 0)
		return pull_wrong(reading->why, BANYAN_EPROOF,
				  "'%.40s' is no checksum or signature that is known here (SHA256, ED25519)", type);
	if (keys == NULL)
		return pull_wrong(
			reading->why, BANYAN_EPROOF,
			"the list is signed and no key is given to check it with; add key=FILE to its source");
	reading->list.proof = PULL_LIST_SIGNED;
	return pull_list_signature_check(keys, text, len, value, reading->why);
}

/* What stands below the dashes: a line with the type, one with the value, and nothing more. */
static int proof_read(struct reading *reading, const char *text, size_t len, const char *below, size_t below_len)
{
	char type[LINE_MAX_BYTES + 1] = "", value[LINE_MAX_BYTES + 1] = "", more[LINE_MAX_BYTES + 1] = "";
	size_t pos = 0;
	int rc = line_next(below, below_len, &pos, type, reading->line, reading->why);
	if (rc > 0)
		rc = line_next(below, below_len, &pos, value, reading->line + 1, reading->why);
	if (rc == 0 || (rc > 0 && (type[0] == '\0' || value[0] == '\0')))
		return pull_wrong(
			reading->why, BANYAN_EMALF,
			"below the four dashes the type of a checksum or signature and its value are missing: "
			"the list was cut off");
	while (rc > 0) {
		rc = line_next(below, below_len, &pos, more, reading->line + 2, reading->why);
		if (rc > 0 && more[0] != '\0')
			return pull_wrong(reading->why, BANYAN_EMALF,
					  "more stands behind the %s than its value: '%.40s'",
					  strcmp(type, "ED25519") == 0 ? "signature" : "checksum", more);
	}
	return rc < 0 ? rc : proof_check(reading, text, len, type, value);
}

/* ---- above the dashes: what the list says of itself ---- */

static int malformed(struct reading *reading, const char *what)
{
	char said[PULL_WHY_MAX];
	snprintf(said, sizeof said, "%s", what);
	return pull_wrong(reading->why, BANYAN_EMALF, "line %u: %.200s", reading->line, said);
}

static int mark_read(struct reading *reading, const char *line)
{
	struct pull_list *list = &reading->list;
	char *end;
	line += 2 + strspn(line + 2, " \t");
	if (strncmp(line, "serial ", 7) == 0) {
		const char *value = line + 7;
		if (list->has_serial || *value == '\0' || strspn(value, "0123456789") != strlen(value) ||
		    strlen(value) > 18)
			return malformed(reading, "#! serial stands there once, and is a number of at most 18 digits");
		list->has_serial = true;
		list->serial = strtoull(value, &end, 10);
		return 0;
	}
	if (strncmp(line, "expires ", 8) == 0) {
		/* UNIX seconds are allowed by clock_parse(); people must be able to read a list */
		if (reading->has_expires || strchr(line, 'T') == NULL || strlen(line) != 28 ||
		    clock_parse(line + 8, &list->expires) < 0 || list->expires <= 0)
			return malformed(reading,
					 "#! expires stands there once, and is a time as 2026-12-31T00:00:00Z");
		reading->has_expires = true;
		return 0;
	}
	return malformed(reading,
			 "behind #! stands serial or expires; the list is of a kind that this version does not know");
}

/* ---- above the dashes: sources ---- */

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* host [":" port] "/" zone, behind the scheme (draft-hardaker-dnsop-dns-xfr-scheme). As a source in `out`; 1 = it is of another zone. */
static int uri_to_source(struct reading *reading, const char *line, char out[PULL_SOURCE_TEXT_MAX])
{
	bool tls = starts(line, "xot:");
	const char *host = strchr(line, ':') + 1, *slash = strchr(host, '/'), *port = NULL;
	size_t host_len = (size_t)(slash - host);
	for (const char *p = host; p < slash; p++)
		if (*p == ':' && (host[0] != '[' || p[-1] == ']'))
			port = p;
	if (port != NULL)
		host_len = (size_t)(port - host);
	bool brackets = host_len > 1 && host[0] == '[' && host[host_len - 1] == ']';
	if (host_len == 0 || host_len > 253 || (port != NULL && port + 1 == slash))
		return malformed(reading, "the host or the port is missing");
	if (slash[1] == '\0' || strpbrk(slash + 1, " /") != NULL)
		return malformed(reading, "behind the host stand a slash and a zone, and nothing else");
	if (strcasecmp(slash + 1, reading->zone) != 0) {
		size_t len = strlen(reading->zone);
		if (strncasecmp(slash + 1, reading->zone, len - 1) != 0 || slash[len] != '\0' || len < 2)
			return 1;
	}
	if (brackets) {
		host++;
		host_len -= 2;
	}
	int port_len = port == NULL ? 0 : (int)(slash - port - 1);
	snprintf(out, PULL_SOURCE_TEXT_MAX, "%s:%.*s%s%.*s", tls ? "xot" : "xfr", (int)host_len, host,
		 port_len > 0 ? "@" : "", port_len, port_len > 0 ? port + 1 : "");
	if (tls && !brackets) {
		size_t len = strlen(out);
		snprintf(out + len, PULL_SOURCE_TEXT_MAX - len, " name=%.*s", (int)host_len, host);
	}
	return 0;
}

/* Does the line begin with a scheme (RFC 3986 section 3.1)? */
static bool has_scheme(const char *line)
{
	size_t len = strcspn(line, ":");
	return line[len] == ':' && ((line[0] | 32) >= 'a' && (line[0] | 32) <= 'z') &&
	       strspn(line, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789+.-") >= len;
}

static int source_add(struct reading *reading, const char *text)
{
	char why[PULL_WHY_MAX];
	struct pull_source *source = malloc(sizeof *source);
	if (source == NULL)
		return pull_wrong(reading->why, BANYAN_ENOMEM, "out of memory");
	int rc = pull_source_parse(text, source, why);
	if (rc < 0)
		rc = malformed(reading, why);
	else if (source->key[0] != '\0' || source->ca[0] != '\0')
		rc = malformed(reading, "key= and ca= are for the one who reads the list to say, not for the list");
	else if ((rc = pull_sources_add(&reading->list.sources, source)) == BANYAN_ELIMIT)
		rc = 0, reading->list.n_dropped++;
	else if (rc < 0)
		rc = pull_wrong(reading->why, rc, "out of memory");
	free(source);
	return rc;
}

static int source_read(struct reading *reading, const char *line)
{
	char text[PULL_SOURCE_TEXT_MAX];
	size_t first = strcspn(line, " ");
	if (starts(line, "http://") || starts(line, "https://") || starts(line, "xfr:") ||
	    (starts(line, "xot:") && memchr(line, '/', first) == NULL))
		return source_add(reading, line);
	if ((starts(line, "axfr:") || starts(line, "ixfr:") || starts(line, "xot:"))) {
		if (memchr(line, '/', first) == NULL)
			return malformed(reading,
					 "a slash and the zone are missing behind the host: axfr:HOST[:PORT]/ZONE");
		int rc = uri_to_source(reading, line, text);
		if (rc != 1)
			return rc < 0 ? rc : source_add(reading, text);
	} else if (!has_scheme(line)) {
		return malformed(reading, "this is no URL");
	}
	reading->list.n_dropped++; /* somebody else can use it */
	return 0;
}

static int lines_read(struct reading *reading, const char *text, size_t len)
{
	char line[LINE_MAX_BYTES + 1];
	size_t pos = 0;
	reading->line = 0;
	for (;;) {
		int rc = line_next(text, len, &pos, line, ++reading->line, reading->why);
		if (rc <= 0)
			return rc;
		if (line[0] == '#')
			rc = line[1] == '!' ? mark_read(reading, line) : 0;
		else if (line[0] != '\0')
			rc = source_read(reading, line);
		if (rc < 0)
			return rc;
	}
}

/* ---- all of it ---- */

/* Where the line of four dashes begins, or `len`. */
static size_t dashes_find(const char *text, size_t len, unsigned *ret_line)
{
	*ret_line = 1;
	for (size_t pos = 0; pos < len; ++*ret_line) {
		const char *newline = memchr(text + pos, '\n', len - pos);
		if (len - pos >= strlen(DASHES) && memcmp(text + pos, DASHES, strlen(DASHES)) == 0)
			return pos;
		if (newline == NULL)
			break;
		pos = (size_t)(newline - text) + 1;
	}
	return len;
}

static int dates_check(struct reading *reading)
{
	const struct pull_list *list = &reading->list;
	const struct pull_list_settings *settings = reading->settings;
	char time[32];
	if (list->proof == PULL_LIST_SIGNED && (!list->has_serial || list->expires == 0))
		return pull_wrong(
			reading->why, BANYAN_EMALF,
			"a signed list needs the lines '#! serial N' and '#! expires TIME': without them an old "
			"one could be given out for ever");
	if (list->expires != 0 && settings->now >= list->expires)
		return pull_wrong(reading->why, BANYAN_EPROOF, "the list has expired, at %s",
				  clock_format(list->expires, time));
	if (settings->has_serial && (!list->has_serial || list->serial < settings->serial))
		return pull_wrong(reading->why, BANYAN_EPROOF,
				  "the list is older (serial %llu) than one that was taken before (%llu); if that is "
				  "meant, remove the file list-*.serial from the folder in which copies are kept",
				  (unsigned long long)list->serial, (unsigned long long)settings->serial);
	return 0;
}

static int list_read(struct reading *reading, const char *text, size_t len)
{
	if (len > PULL_LIST_BYTES_MAX)
		return pull_wrong(reading->why, BANYAN_EMALF, "the list is longer than %d bytes", PULL_LIST_BYTES_MAX);
	if (memchr(text, '\0', len) != NULL)
		return pull_wrong(reading->why, BANYAN_EMALF, "this is no list: it has bytes in it that no text has");
	size_t above = dashes_find(text, len, &reading->line);
	if (above == len)
		return pull_wrong(
			reading->why, BANYAN_EMALF,
			"there is no line of four dashes (---- and LF alone): this is no publication list, or it "
			"was cut off");
	size_t below = above + strlen(DASHES);
	reading->line++;
	int rc = proof_read(reading, text, above, text + below, len - below);
	if (rc == 0)
		rc = lines_read(reading, text, above);
	if (rc == 0)
		rc = dates_check(reading);
	if (rc == 0 && reading->list.sources.n == 0)
		rc = pull_wrong(reading->why, BANYAN_ENOENT,
				"no source in the list can be used here (%u are of other kinds)",
				reading->list.n_dropped);
	return rc;
}

int pull_list_parse(const char *text, size_t len, const struct pull_list_settings *settings, struct pull_list *ret,
		    char why[PULL_WHY_MAX])
{
	struct reading reading = {
		.settings = settings, .zone = settings->zone != NULL ? settings->zone : ".", .why = why};
	int rc = list_read(&reading, text, len);
	if (rc < 0) {
		pull_list_done(&reading.list);
		return rc;
	}
	*ret = reading.list;
	return 0;
}

/* ---- making ---- */

static int above_make(const struct pull_list_making *making, struct buffer *out)
{
	char time[32];
	int rc = buffer_printf(out, "#! serial %llu\n", (unsigned long long)making->serial);
	if (rc >= 0 && making->expires != 0)
		rc = buffer_printf(out, "#! expires %s\n", clock_format(making->expires, time));
	for (const char *line = making->lines; rc >= 0 && *line != '\0';) {
		size_t len = strcspn(line, "\n");
		bool mark = len >= 2 && line[0] == '#' && line[1] == '!'; /* of the list that this one replaces */
		if (strncmp(line, DASHES, strlen(DASHES)) == 0)
			break;
		if (!mark)
			rc = buffer_printf(out, "%.*s\n", (int)len, line);
		line += len + (line[len] == '\n');
	}
	return rc < 0 ? rc : 0;
}

int pull_list_make(const struct pull_list_making *making, struct buffer *out, char why[PULL_WHY_MAX])
{
	_cleanup_(buffer_done) struct buffer text = {0}, public_key = {0};
	char value[PULL_ED25519_BASE64 + 1];
	struct pull_list list;
	if (making->private_key != NULL && making->expires == 0)
		return pull_wrong(why, BANYAN_EINVAL, "a signed list must expire");
	int rc = above_make(making, &text);
	if (rc < 0)
		return pull_wrong(why, rc, "%s", error_text(rc));
	bool sign = making->private_key != NULL;
	rc = sign ? pull_list_signature_make(making->private_key, text.data, text.len, value, &public_key, why)
		  : pull_sha256_text(text.data, text.len, value);
	if (rc < 0)
		return rc;
	rc = buffer_printf(&text, DASHES "%s\n%s\n", sign ? "ED25519" : "SHA256", value);
	if (rc < 0)
		return pull_wrong(why, rc, "%s", error_text(rc));
	/* what is given out is what is taken in */
	struct pull_list_settings settings = {.keys = sign ? (const char *)public_key.data : NULL};
	rc = pull_list_parse((const char *)text.data, text.len, &settings, &list, why);
	if (rc < 0)
		return rc;
	pull_list_done(&list);
	return buffer_append(out, text.data, text.len);
}
