// SPDX-License-Identifier: GPL-3.0-or-later
/* Sources: one text each, read strictly; who gets it wrong is told what to write instead. */
#include "private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS_MAX                                                                                                      \
	(2 + PULL_SOURCE_ADDRESSES_MAX + 6) /* the place, each address, and each other word once; one to spare */

static const char *const kind_text[] = {
	[PULL_SOURCE_XFR] = "xfr",         [PULL_SOURCE_XOT] = "xot", [PULL_SOURCE_HTTP] = "http",
	[PULL_SOURCE_FILE] = "file",       [PULL_SOURCE_DIR] = "dir", [PULL_SOURCE_LIST] = "list",
	[PULL_SOURCE_BUILTIN] = "builtin",
};

const char *pull_source_kind_text(enum pull_source_kind kind)
{
	return kind_text[kind];
}

#define KINDS_HELP                                                                                                     \
	"xfr:HOST[@PORT], xot:HOST[@PORT], https://..., http://..., file:PATH, dir:PATH, list:URL-or-PATH, builtin"

/* ---- the place: the first word ---- */

/* What is not a source, but what people write. */
static int place_unknown(const char *place, char why[PULL_WHY_MAX])
{
	struct addr addr;
	size_t scheme = strcspn(place, ":");
	if (addr_parse(place, 53, &addr) == 0)
		return pull_wrong(why, BANYAN_EINVAL, "an address alone is no source; write xfr:%.60s", place);
	if (place[0] == '/' || place[0] == '.')
		return pull_wrong(why, BANYAN_EINVAL, "a path alone is no source; write file:%.120s", place);
	if (strncmp(place, "axfr:", 5) == 0 || strncmp(place, "ixfr:", 5) == 0)
		return pull_wrong(why, BANYAN_EINVAL,
				  "%.80s: write xfr:HOST[@PORT]; what can be had of it, IXFR or AXFR, is found out",
				  place);
	if (place[scheme] != ':' && pull_host_good(place))
		return pull_wrong(why, BANYAN_EINVAL, "a name alone is no source; write xfr:%.80s or https://%.80s/...",
				  place, place);
	return pull_wrong(why, BANYAN_EINVAL, "'%.60s' is none of " KINDS_HELP, place);
}

/* HOST[@PORT] */
static int place_host(struct pull_source *source, const char *place, char why[PULL_WHY_MAX])
{
	const char *kind = kind_text[source->kind];
	uint16_t port = source->kind == PULL_SOURCE_XOT ? 853 : 53;
	struct addr addr;
	char host[sizeof source->host];
	size_t len = strcspn(place, "@");
	if (len >= sizeof host)
		return pull_wrong(why, BANYAN_EINVAL, "%s: the host is too long for a name", kind);
	memcpy(host, place, len);
	host[len] = '\0';
	if (place[len] == '@') {
		size_t digits = strspn(place + len + 1, "0123456789");
		unsigned long number = strtoul(place + len + 1, NULL, 10);
		if (digits == 0 || digits > 5 || place[len + 1 + digits] != '\0' || number == 0 || number > 65535)
			return pull_wrong(why, BANYAN_EINVAL,
					  "%s:%.80s: the port is a number from 1 to 65535: %s:%.60s@%u", kind, place,
					  kind, host, port);
		port = (uint16_t)number;
	}
	if (addr_parse(host, port, &addr) == 0) {
		source->address[0] = addr;
		source->n_addresses = 1;
	} else if (strchr(host, '/') != NULL) {
		return pull_wrong(why, BANYAN_EINVAL,
				  "%s:%.80s: no path and no zone stands behind the host; write %s:HOST[@PORT]", kind,
				  place, kind);
	} else if (strchr(host, ':') != NULL) {
		return pull_wrong(why, BANYAN_EINVAL, "%s:%.80s: a port stands behind @: %s:%.*s@%s", kind, place, kind,
				  (int)strcspn(host, ":"), host, strchr(host, ':') + 1);
	} else if (!pull_host_good(host)) {
		return pull_wrong(why, BANYAN_EINVAL, "%s:%.80s: that is no address and no host name", kind, place);
	}
	source->port = port;
	for (size_t i = 0; i <= len; i++)
		source->host[i] = (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] + 32 : host[i]);
	return 0;
}

static int place_url(struct pull_source *source, const char *place, char why[PULL_WHY_MAX])
{
	struct pull_url url;
	struct addr addr;
	int rc = pull_url_parse(place, &url, why);
	if (rc < 0)
		return rc;
	source->secure = url.secure;
	source->port = url.port;
	memcpy(source->host, url.host, sizeof source->host);
	if (addr_parse(url.host, url.port, &addr) == 0) {
		source->address[0] = addr;
		source->n_addresses = 1;
	}
	if (place[url.path] == '\0') /* the host alone: all of it */
		snprintf(source->place, sizeof source->place, "%.*s/", PULL_URL_MAX - 1, place);
	else
		snprintf(source->place, sizeof source->place, "%s", place);
	source->tree = source->kind == PULL_SOURCE_HTTP && source->place[strlen(source->place) - 1] == '/';
	return 0;
}

static int place_path(struct pull_source *source, const char *place, char why[PULL_WHY_MAX])
{
	const char *kind = kind_text[source->kind];
	if (place[0] == '\0')
		return pull_wrong(why, BANYAN_EINVAL, "%s: without a path; write %s:/var/lib/banyan/%s", kind, kind,
				  source->kind == PULL_SOURCE_DIR ? "incoming" : "root.zone");
	if (strncmp(place, "//", 2) == 0)
		return pull_wrong(why, BANYAN_EINVAL, "%s:%.80s is no URL but a path; write %s:%.80s", kind, place,
				  kind, place + 1 + strspn(place + 1, "/") - 1);
	if (strstr(place, "://") != NULL)
		return pull_wrong(why, BANYAN_EINVAL, "%s:%.80s: %s", kind, place,
				  source->kind == PULL_SOURCE_LIST
					  ? "lists come by https://, http:// or from a path"
					  : "a URL is a source by itself, without the word before it");
	if (strlen(place) >= sizeof source->place)
		return pull_wrong(why, BANYAN_EINVAL, "%s: the path is longer than %zu bytes", kind,
				  sizeof source->place - 1);
	strcpy(source->place, place);
	source->here = true;
	return 0;
}

static bool is_url(const char *text)
{
	return strncmp(text, "https://", 8) == 0 || strncmp(text, "http://", 7) == 0;
}

static int place_parse(struct pull_source *source, const char *place, char why[PULL_WHY_MAX])
{
	static const enum pull_source_kind kinds[] = {PULL_SOURCE_XFR, PULL_SOURCE_XOT, PULL_SOURCE_FILE,
						      PULL_SOURCE_DIR, PULL_SOURCE_LIST};
	if (is_url(place)) {
		source->kind = PULL_SOURCE_HTTP;
		return place_url(source, place, why);
	}
	if (strcmp(place, "builtin") == 0) {
		source->kind = PULL_SOURCE_BUILTIN;
		return 0;
	}
	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		size_t len = strlen(kind_text[kinds[i]]);
		if (strncmp(place, kind_text[kinds[i]], len) != 0 || place[len] != ':')
			continue;
		source->kind = kinds[i];
		place += len + 1;
		if (kinds[i] == PULL_SOURCE_XFR || kinds[i] == PULL_SOURCE_XOT) {
			source->secure = kinds[i] == PULL_SOURCE_XOT;
			return place_host(source, place, why);
		}
		return kinds[i] == PULL_SOURCE_LIST && is_url(place) ? place_url(source, place, why)
								     : place_path(source, place, why);
	}
	return place_unknown(place, why);
}

/* ---- the other words: name=value ---- */

static int word_address(struct pull_source *source, const char *value, char why[PULL_WHY_MAX])
{
	struct addr addr, literal;
	if (addr_parse(source->host, source->port, &literal) == 0)
		return pull_wrong(why, BANYAN_EINVAL, "address=%.60s: %.80s is an address already", value,
				  source->host);
	bool transfer = source->kind == PULL_SOURCE_XFR || source->kind == PULL_SOURCE_XOT;
	if (addr_parse(value, source->port, &addr) < 0 || addr.port == 0)
		return pull_wrong(why, BANYAN_EINVAL, "address=%.60s is no IP address; write address=192.0.2.1", value);
	if (!transfer && addr.port != source->port)
		return pull_wrong(why, BANYAN_EINVAL, "address=%.60s: the port stands in the URL", value);
	for (size_t i = 0; i < source->n_addresses; i++)
		if (addr_equal(&source->address[i], &addr))
			return pull_wrong(why, BANYAN_EINVAL, "address=%.60s stands there twice", value);
	if (source->n_addresses == PULL_SOURCE_ADDRESSES_MAX)
		return pull_wrong(why, BANYAN_EINVAL, "more than %d addresses of one host", PULL_SOURCE_ADDRESSES_MAX);
	source->address[source->n_addresses++] = addr;
	return 0;
}

static bool is_pin(const char *value)
{
	/* SHA-256 of a public key in base64 (RFC 7858 section 4.2, RFC 7469) */
	size_t len = strspn(value, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
	return len == 43 && strcmp(value + len, "=") == 0;
}

/* The words that kinds have, beside address=. */
static const struct {
	const char *name;
	unsigned kinds;
	size_t offset, size;
	const char *help;
} words[] = {
#define KIND(k)      (1u << PULL_SOURCE_##k)
#define FIELD(field) offsetof(struct pull_source, field), sizeof(((struct pull_source *)NULL)->field)
	{"key", KIND(XFR) | KIND(XOT) | KIND(LIST) | KIND(HTTP), FIELD(key),
	 "key=NAME of a TSIG key, key=FILE of a list's public key, key=BASE64 of who publishes a folder"},
	{"proxy", KIND(HTTP) | KIND(LIST), FIELD(proxy), "proxy=http://HOST:PORT"},
	{"register", KIND(XFR) | KIND(XOT), FIELD(registers), "register=on, to be told of new versions"},
	{"name", KIND(XOT), FIELD(name), "name=NAME that the server's certificate has"},
	{"pin", KIND(XOT), FIELD(pin), "pin=BASE64 of the SHA-256 of the server's public key"},
	{"alpn", KIND(XOT), FIELD(alpn), "alpn=any, for a server that does not select the token dot"},
	{"ca", KIND(XOT) | KIND(HTTP) | KIND(LIST), FIELD(ca), "ca=FILE of certificates of authorities"},
};

static int word_unknown(const struct pull_source *source, const char *word, char why[PULL_WHY_MAX])
{
	char allowed[120] = "";
	size_t len = 0;
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if ((words[i].kinds & 1u << source->kind) != 0)
			len += (size_t)snprintf(allowed + len, sizeof allowed - len, "%s%s=", len > 0 ? ", " : "",
						words[i].name);
	if (source->host[0] != '\0')
		snprintf(allowed + len, sizeof allowed - len, "%saddress=", len > 0 ? ", " : "");
	if (allowed[0] == '\0')
		return pull_wrong(why, BANYAN_EINVAL,
				  "%s: nothing may stand behind it, and a path has no spaces: '%.60s'",
				  kind_text[source->kind], word);
	return pull_wrong(why, BANYAN_EINVAL, "'%.60s': what may stand behind %s%s is: %s", word,
			  kind_text[source->kind], source->kind == PULL_SOURCE_HTTP ? "(s)" : ":", allowed);
}

static int word_parse(struct pull_source *source, const char *word, char why[PULL_WHY_MAX])
{
	size_t name_len = strcspn(word, "=");
	const char *value = word + name_len + 1;
	if (word[name_len] != '=')
		return word_unknown(source, word, why);
	if (strncmp(word, "address=", 8) == 0 && source->host[0] != '\0')
		return word_address(source, value, why);
	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		char *field = (char *)source + words[i].offset;
		if (strlen(words[i].name) != name_len || strncmp(word, words[i].name, name_len) != 0 ||
		    (words[i].kinds & 1u << source->kind) == 0)
			continue;
		if (field[0] != '\0')
			return pull_wrong(why, BANYAN_EINVAL, "%s= stands there twice", words[i].name);
		if (value[0] == '\0' || strlen(value) >= words[i].size)
			return pull_wrong(why, BANYAN_EINVAL, "%.60s: write %s", word, words[i].help);
		if (field == source->registers && strcmp(value, "on") != 0)
			return pull_wrong(why, BANYAN_EINVAL, "%.60s: write %s", word, words[i].help);
		if (field == source->alpn && strcmp(value, "any") != 0)
			return pull_wrong(why, BANYAN_EINVAL, "%.60s: write %s", word, words[i].help);
		if (field == source->pin && !is_pin(value))
			return pull_wrong(why, BANYAN_EINVAL, "%.80s: write %s, 44 characters", word, words[i].help);
		if (field == source->name && !pull_host_good(value))
			return pull_wrong(why, BANYAN_EINVAL, "%.80s is no host name", word);
		if (field == source->ca && !source->secure)
			return pull_wrong(why, BANYAN_EINVAL,
					  "%.80s: without TLS there is no certificate; write https://", word);
		if (field == source->key && source->kind == PULL_SOURCE_HTTP && !source->tree)
			return pull_wrong(
				why, BANYAN_EINVAL,
				"%.80s: a key is for a folder that an instance publishes; its URL ends with /", word);
		strcpy(field, value);
		return 0;
	}
	return word_unknown(source, word, why);
}

/* ---- all of it ---- */

/* The words of `text`, which is cut up; their number, or BANYAN_EINVAL. */
static int words_cut(char *text, char *word[WORDS_MAX], char why[PULL_WHY_MAX])
{
	int n = 0;
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			return pull_wrong(why, BANYAN_EINVAL,
					  "a source is one line of text; words stand apart by spaces");
	char *rest = text;
	for (char *next; (next = strtok_r(rest, " ", &rest)) != NULL;) {
		if (n == WORDS_MAX)
			return pull_wrong(why, BANYAN_EINVAL, "more than %d words in one source", WORDS_MAX);
		word[n++] = next;
	}
	return n > 0 ? n : pull_wrong(why, BANYAN_EINVAL, "an empty text is no source; write one of " KINDS_HELP);
}

int pull_source_parse(const char *text, struct pull_source *ret, char why[PULL_WHY_MAX])
{
	char copy[PULL_SOURCE_TEXT_MAX], *word[WORDS_MAX] = {NULL};
	if (strlen(text) >= sizeof copy)
		return pull_wrong(why, BANYAN_EINVAL, "a source is longer than %zu bytes: %.80s...", sizeof copy - 1,
				  text);
	strcpy(copy, text);
	int n = words_cut(copy, word, why);
	if (n < 0 || word[0] == NULL)
		return BANYAN_EINVAL;
	struct pull_source *source = calloc(1, sizeof *source);
	if (source == NULL)
		return pull_wrong(why, BANYAN_ENOMEM, "out of memory");
	int rc = place_parse(source, word[0], why);
	size_t len = 0;
	for (int i = 0; i < n && rc == 0; i++) {
		if (i > 0)
			rc = word_parse(source, word[i], why);
		len += (size_t)snprintf(source->text + len, sizeof source->text - len, "%s%s", i > 0 ? " " : "",
					word[i]);
	}
	if (rc == 0)
		*ret = *source;
	free(source);
	return rc;
}

struct pull_copy_source pull_source_traits(const struct pull_source *source)
{
	switch (source->kind) {
	case PULL_SOURCE_FILE:
	case PULL_SOURCE_DIR:
		return (struct pull_copy_source){.cost = 0};
	case PULL_SOURCE_HTTP:
		return (struct pull_copy_source){.cost = 1, .changes = source->tree};
	default:
		return (struct pull_copy_source){
			.cost = 2, .changes = source->kind == PULL_SOURCE_XFR || source->kind == PULL_SOURCE_XOT};
	}
}
