// SPDX-License-Identifier: GPL-3.0-or-later
/* banyan-fetch: reads the request, gives up all rights, fetches, tells the result. */
#include "fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

static const char help[] =
	"banyan-fetch is run by banyand and `banyan sources`: a request of `key value` lines on descriptor 0,\n"
	"the body on descriptor 1, the result on descriptor 3. See docs/banyan-fetch.md.\n";

static int read_all(int fd, char *out, size_t max)
{
	size_t len = 0;
	while (len < max) {
		ssize_t n = read(fd, out + len, max - len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return BANYAN_EIO;
		if (n == 0)
			return (int)len;
		len += (size_t)n;
	}
	return BANYAN_ELIMIT;
}

/* What a server has sent is told in one line, whatever it was. */
static int put_text(struct buffer *out, const char *key, const char *value)
{
	char clean[VALUE_MAX];
	size_t i = 0;
	if (value == NULL || value[0] == '\0')
		return 0;
	for (; value[i] != '\0' && i < sizeof clean - 1; i++)
		clean[i] = (char)((unsigned char)value[i] < ' ' ? '?' : value[i]);
	clean[i] = '\0';
	return buffer_printf(out, "%s %s\n", key, clean);
}

static int put_result(const struct result *r, struct buffer *out)
{
	int rc = buffer_printf(out, "status %ld\nbytes %llu\nreceived %llu\nfirst-ms %u\nwhole-ms %u\nredirects %u\n",
			       r->status, (unsigned long long)r->bytes, (unsigned long long)r->received, r->first_ms,
			       r->whole_ms, r->redirects);
	if (rc >= 0 && r->length > 0)
		rc = buffer_printf(out, "length %llu\n", (unsigned long long)r->length);
	if (rc >= 0 && r->http > 0)
		rc = buffer_printf(out, "http %ld\n", r->http);
	if (rc >= 0 && r->ranges)
		rc = buffer_printf(out, "ranges yes\n");
	const struct {
		const char *key, *value;
	} texts[] = {{"error", r->error}, {"why", r->why},           {"url", r->url},          {"address", r->address},
		     {"etag", r->etag},   {"modified", r->modified}, {"encoding", r->encoding}};
	for (size_t i = 0; i < ARRAY_SIZE(texts) && rc >= 0; i++)
		rc = put_text(out, texts[i].key, texts[i].value);
	return rc;
}

static int tell(const struct result *result)
{
	_cleanup_(buffer_done) struct buffer out = {0};
	if (put_result(result, &out) < 0)
		return EXIT_FAILURE;
	for (size_t pos = 0; pos < out.len;) {
		ssize_t n = write(FD_RESULT, out.data + pos, out.len - pos);
		if (n < 0 && errno != EINTR)
			return EXIT_FAILURE;
		pos += n > 0 ? (size_t)n : 0;
	}
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct request request;
	struct result result = {0};
	if (argc > 1 || fcntl(FD_RESULT, F_GETFD) < 0) {
		bool asked = argc > 1 && strcmp(argv[1], "--help") == 0;
		fputs(help, asked ? stdout : stderr);
		return asked ? EXIT_SUCCESS : EXIT_FAILURE;
	}
	char *text = malloc(REQUEST_MAX);
	int len = text == NULL ? BANYAN_ENOMEM : read_all(FD_REQUEST, text, REQUEST_MAX);
	prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0); /* nobody waits for it any more then */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGXFSZ, SIG_IGN);
	result.error = "local";
	if (len < 0)
		snprintf(result.why, sizeof result.why, "the request cannot be read: %s", error_text(len));
	else if (request_parse(text, (size_t)len, &request, result.why) == 0) {
		result.error = NULL;
		if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
			result.error = "local", strcpy(result.why, "libcurl cannot be used");
		else if (fetch_confine(&request) < 0)
			result.error = "local",
			strcpy(result.why, "the process cannot be confined; it does not fetch without");
		else
			fetch_run(&request, &result);
	}
	free(text);
	return tell(&result);
}
