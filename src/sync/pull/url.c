// SPDX-License-Identifier: GPL-3.0-or-later
/* Host names and URLs, as strictly as sources may be written. */
#include "private.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int pull_wrong(char why[PULL_WHY_MAX], int error, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	vsnprintf(why, PULL_WHY_MAX, format, args);
	va_end(args);
	return error;
}

bool pull_host_good(const char *host)
{
	struct addr addr;
	size_t label = 0, len = strlen(host);
	if (strchr(host, '@') == NULL && addr_parse(host, 0, &addr) == 0)
		return true;
	if (len == 0 || len > 253 || strspn(host, "0123456789.") == len) /* the last: an address that is none */
		return false;
	for (const char *p = host; *p != '\0'; p++) {
		bool letter = (*p >= 'a' && *p <= 'z') || (*p >= 'A' && *p <= 'Z') || (*p >= '0' && *p <= '9') ||
			      *p == '-' || *p == '_';
		if (*p == '.' ? label == 0 : !letter)
			return false;
		label = *p == '.' ? 0 : label + 1;
		if (label > 63)
			return false;
	}
	return true;
}

static bool has_only_url_bytes(const char *url)
{
	for (const char *p = url; *p != '\0'; p++)
		if (*p <= ' ' || *p > '~' || strchr("\"<>\\^`{|}", *p) != NULL)
			return false;
	return true;
}

/* The host in url[begin .. end), perhaps in brackets, perhaps with a port. */
static int authority_parse(const char *url, size_t begin, size_t end, struct pull_url *ret, char why[PULL_WHY_MAX])
{
	char text[sizeof ret->host + 8];
	if (end - begin >= sizeof text)
		return pull_wrong(why, BANYAN_EINVAL, "the host of %.80s... is too long for a name", url);
	memcpy(text, url + begin, end - begin);
	text[end - begin] = '\0';
	if (strchr(text, '@') != NULL)
		return pull_wrong(why, BANYAN_EINVAL,
				  "%.120s has a user or password in it; a source of a zone needs none", url);
	char *host = text, *port = strrchr(text, ':');
	if (text[0] == '[') {
		char *close = strchr(text, ']');
		if (close == NULL || (close[1] != '\0' && close[1] != ':'))
			return pull_wrong(why, BANYAN_EINVAL,
					  "%.120s: an IPv6 address stands in brackets: https://[2001:db8::1]:443/",
					  url);
		port = close[1] == ':' ? close + 1 : NULL;
		*close = '\0';
		host++;
		if (strchr(host, ':') == NULL)
			host = ""; /* brackets are for IPv6 */
	} else if (strchr(text, ':') != port) {
		host = ""; /* two colons: IPv6 without brackets */
	}
	if (port != NULL) {
		size_t digits = strspn(port + 1, "0123456789");
		unsigned long number = strtoul(port + 1, NULL, 10);
		if (digits == 0 || digits > 5 || port[1 + digits] != '\0' || number == 0 || number > 65535)
			return pull_wrong(why, BANYAN_EINVAL, "%.120s: the port is a number from 1 to 65535", url);
		ret->port = (uint16_t)number;
		*port = '\0';
	}
	if (!pull_host_good(host) || strlen(host) >= sizeof ret->host)
		return pull_wrong(why, BANYAN_EINVAL,
				  "%.120s: the host is no name and no address (IPv6 stands in brackets)", url);
	for (size_t i = 0; i <= strlen(host); i++)
		ret->host[i] = (char)(host[i] >= 'A' && host[i] <= 'Z' ? host[i] + 32 : host[i]);
	return 0;
}

int pull_url_parse(const char *url, struct pull_url *ret, char why[PULL_WHY_MAX])
{
	struct pull_url parsed = {0};
	size_t scheme = strcspn(url, ":");
	if (strncmp(url + scheme, "://", 3) != 0)
		return pull_wrong(why, BANYAN_EINVAL, "%.120s is no URL; write https://HOST/PATH", url);
	parsed.secure = scheme == 5;
	parsed.port = parsed.secure ? 443 : 80;
	if (strncmp(url, "https://", 8) != 0 && strncmp(url, "http://", 7) != 0)
		return pull_wrong(why, BANYAN_EINVAL, "%.120s: of URLs https:// and http:// are fetched, no others",
				  url);
	if (strlen(url) > PULL_URL_MAX)
		return pull_wrong(why, BANYAN_EINVAL, "the URL %.80s... is longer than %d bytes", url, PULL_URL_MAX);
	if (!has_only_url_bytes(url))
		return pull_wrong(why, BANYAN_EINVAL, "%.120s has bytes in it that no URL may have; write them as %%XX",
				  url);
	if (strchr(url, '#') != NULL)
		return pull_wrong(why, BANYAN_EINVAL, "%.120s: a fragment (#...) is nothing that can be fetched", url);
	size_t begin = scheme + 3;
	parsed.path = begin + strcspn(url + begin, "/?");
	int rc = authority_parse(url, begin, parsed.path, &parsed, why);
	if (rc == 0)
		*ret = parsed;
	return rc;
}
