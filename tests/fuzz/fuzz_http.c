// SPDX-License-Identifier: GPL-3.0-or-later
/* What banyan-fetch tells, of which much is a server's own words: any text. All texts of it end, and an address in it is one. And the address of a page
 * that a server points to: what is taken has parts that are all of it. */
#include "sync/pull/http.h"
#include "sync/pull/private.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void check_text(const char *text, size_t size)
{
	if (memchr(text, '\0', size) == NULL || strpbrk(text, "\n") != NULL)
		abort();
}

static void check_reply(const char *text, size_t len)
{
	static struct pull_http_reply reply;
	memset(&reply, 0xa5, sizeof reply);
	pull_http_reply_parse(text, len, &reply);
	check_text(reply.error, sizeof reply.error);
	check_text(reply.why, sizeof reply.why);
	check_text(reply.url, sizeof reply.url);
	check_text(reply.etag, sizeof reply.etag);
	check_text(reply.modified, sizeof reply.modified);
	if (reply.from.family != 0 && reply.from.family != 4 && reply.from.family != 6)
		abort();
}

static void check_url(const uint8_t *data, size_t len)
{
	struct pull_url url;
	char why[PULL_WHY_MAX] = "", *text = malloc(len + 1);
	if (text == NULL)
		return;
	memcpy(text, data, len);
	text[len] = '\0';
	if (pull_url_parse(text, &url, why) < 0) {
		if (why[0] == '\0')
			abort();
	} else {
		check_text(url.host, sizeof url.host);
		if (url.host[0] == '\0' || url.port == 0 || strlen(text) > PULL_URL_MAX ||
		    strncmp(text, url.secure ? "https://" : "http://", url.secure ? 8 : 7) != 0 ||
		    strpbrk(text, " \t\r\n") != NULL)
			abort(); /* it becomes a line of a request */
	}
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len > 0 ? len : 1); /* exactly as long, so that reading on is seen */
	if (text == NULL)
		return 0;
	memcpy(text, data, len);
	check_reply(text, len);
	free(text);
	check_url(data, len);
	return 0;
}
