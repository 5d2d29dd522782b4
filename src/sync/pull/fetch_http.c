// SPDX-License-Identifier: GPL-3.0-or-later
/* From web servers, by banyan-fetch: whether there is something new, files, lists, and what an instance publishes. */
#include "http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

void pull_http_done(struct pull_fetch *fetch)
{
	if (fetch->http == NULL)
		return;
	if (fetch->http->small_fd >= 0)
		close(fetch->http->small_fd);
	free(fetch->http->tree);
	free(fetch->http);
	fetch->http = NULL;
}

/* ---- the result, as lines ---- */

static void copy_text(char *to, size_t size, const char *value)
{
	snprintf(to, size, "%s", value);
}

static void line_take(struct pull_http_reply *reply, const char *key, const char *value)
{
	uint64_t number = strtoull(value, NULL, 10);
	if (strcmp(key, "status") == 0)
		reply->status = (unsigned)number;
	else if (strcmp(key, "bytes") == 0)
		reply->bytes = number;
	else if (strcmp(key, "received") == 0)
		reply->received = number;
	else if (strcmp(key, "first-ms") == 0)
		reply->first_ms = (uint32_t)number;
	else if (strcmp(key, "error") == 0)
		copy_text(reply->error, sizeof reply->error, value);
	else if (strcmp(key, "why") == 0)
		copy_text(reply->why, sizeof reply->why, value);
	else if (strcmp(key, "url") == 0)
		copy_text(reply->url, sizeof reply->url, value);
	else if (strcmp(key, "etag") == 0 && strlen(value) < PULL_TAG_MAX - 1)
		copy_text(reply->etag, sizeof reply->etag, value);
	else if (strcmp(key, "modified") == 0 && strlen(value) < PULL_TAG_MAX - 1)
		copy_text(reply->modified, sizeof reply->modified, value);
	else if (strcmp(key, "encoding") == 0)
		reply->packed = true;
	else if (strcmp(key, "address") == 0)
		(void)!addr_parse(value, 0, &reply->from);
}

void pull_http_reply_parse(const char *text, size_t len, struct pull_http_reply *ret)
{
	char line[2048];
	*ret = (struct pull_http_reply){0};
	for (size_t pos = 0; pos < len;) {
		const char *end = memchr(text + pos, '\n', len - pos);
		size_t n = (end != NULL ? (size_t)(end - text) : len) - pos;
		if (n < sizeof line) {
			memcpy(line, text + pos, n);
			line[n] = '\0';
			char *space = strchr(line, ' ');
			if (space != NULL) {
				*space = '\0';
				line_take(ret, line, space + 1);
			}
		}
		pos += n + 1;
	}
}

/* ---- the request ---- */

static int put_conditions(const struct pull_fetch *fetch, struct buffer *out)
{
	const struct pull_http *http = fetch->http;
	if (http->resume_at > 0)
		return buffer_printf(out, "resume-at %llu\nresume-tag %s\n", (unsigned long long)http->resume_at,
				     http->resume_tag);
	if (!http->conditional || fetch->tag[0] == '\0')
		return 0;
	return buffer_printf(out, "%s %s\n", fetch->tag[0] == 'E' ? "etag" : "modified", fetch->tag + 1);
}

static int put_request(const struct pull_fetch *fetch, struct buffer *out)
{
	const struct pull_http *http = fetch->http;
	const struct pull_source *source = &fetch->source;
	char addr[ADDR_TEXT_MAX];
	int rc = buffer_printf(out,
			       "url %s\nbytes-max %llu\ntime-max-ms %u\nconnect-max-ms %u\nrate-min %u\nrate-window-s "
			       "%u\nredirects-max %u\n",
			       http->url, (unsigned long long)http->bytes_max, pull_fetch_left_ms(fetch),
			       fetch->settings.idle_ms, fetch->settings.rate_min, PULL_RATE_WINDOW_S,
			       PULL_REDIRECTS_MAX);
	for (size_t i = 0; i < fetch->n_addresses && rc >= 0; i++)
		rc = buffer_printf(out, "address %s\n", addr_format(&fetch->address[i], false, addr));
	if (rc >= 0 && source->ca[0] != '\0')
		rc = buffer_printf(out, "ca %s\n", source->ca);
	if (rc >= 0 && source->proxy[0] != '\0')
		rc = buffer_printf(out, "proxy %s\n", source->proxy);
	if (rc >= 0 && http->head)
		rc = buffer_printf(out, "head yes\npeek %u\n", PULL_PEEK_BYTES);
	return rc < 0 ? rc : put_conditions(fetch, out);
}

static void on_helped(void *ctx, const char *error, const char *result, size_t len);

static void request_start(struct pull_fetch *fetch)
{
	_cleanup_(buffer_done) struct buffer request = {0};
	const struct pull_helper *helper = fetch->settings.helper;
	struct pull_http *http = fetch->http;
	if (put_request(fetch, &request) < 0) {
		pull_fetch_fail(fetch, "out of memory");
		return;
	}
	struct pull_helper_job job = {
		.request = (const char *)request.data,
		.request_len = request.len,
		.fd = http->fd,
		.time_max_ms = pull_fetch_left_ms(fetch) + 1000, /* it ends by itself before */
		.done = on_helped,
		.ctx = fetch,
	};
	if (helper->start(helper->ctx, &job, &fetch->helping) < 0)
		pull_fetch_fail(fetch, "banyan-fetch cannot be run now");
}

void pull_http_get(struct pull_fetch *fetch, const char *url, const struct pull_http_get *get)
{
	struct pull_http *http = fetch->http;
	snprintf(http->url, sizeof http->url, "%s", url);
	http->head = get->head;
	http->conditional = get->conditional;
	http->fd = get->fd;
	http->bytes_max = get->bytes_max;
	http->then = get->then;
	http->resume_at = 0;
	http->resumes = 0;
	request_start(fetch);
}

int pull_http_small(struct pull_fetch *fetch)
{
	struct pull_http *http = fetch->http;
	if (http->small_fd < 0)
		http->small_fd = memfd_create("banyan-small", MFD_CLOEXEC);
	if (http->small_fd < 0 || ftruncate(http->small_fd, 0) < 0 || lseek(http->small_fd, 0, SEEK_SET) < 0)
		return BANYAN_EIO;
	return http->small_fd;
}

/* ---- the reply ---- */

/* How far away the source itself is. Behind a proxy nobody sees where that is, unless it is said. */
static void reach_learn(struct pull_fetch *fetch, const struct pull_http_reply *reply)
{
	struct pull_http *http = fetch->http;
	const struct pull_source *source = &fetch->source;
	if (http->reached || (source->proxy[0] == '\0' && reply->from.family == 0))
		return;
	http->reached = true;
	http->reach = source->proxy[0] == '\0'  ? addr_reach(&reply->from)
		      : source->n_addresses > 0 ? addr_reach(&source->address[0])
						: ADDR_OF_WORLD;
}

/* Where a server points to must not be nearer to this machine than the source itself: else whoever runs it would have us ask what only we, or
 * our neighbours, can reach. */
static void request_elsewhere(struct pull_fetch *fetch)
{
	struct pull_http *http = fetch->http;
	enum addr_reach wanted = http->reached ? http->reach : ADDR_OF_WORLD, found = ADDR_OF_WORLD;
	size_t n = 0;
	for (size_t i = 0; i < fetch->n_addresses; i++) {
		found = addr_reach(&fetch->address[i]);
		if (found >= wanted)
			fetch->address[n++] = fetch->address[i];
	}
	if (n == 0) {
		pull_fetch_fail(fetch, "the server points to %.120s, in %s: from a source in %s that is not followed",
				http->url, addr_reach_text(found), addr_reach_text(wanted));
		return;
	}
	fetch->n_addresses = n;
	request_start(fetch);
}

/* To another host, which has other addresses. */
static void redirect(struct pull_fetch *fetch, const struct pull_http_reply *reply)
{
	struct pull_http *http = fetch->http;
	struct pull_url url;
	char why[PULL_WHY_MAX];
	if (++http->redirects > PULL_REDIRECTS_MAX) {
		pull_fetch_fail(fetch, "the server points elsewhere for the %uth time, to %.150s", http->redirects,
				reply->url);
		return;
	}
	if (pull_url_parse(reply->url, &url, why) < 0 || (!url.secure && strncmp(http->url, "https:", 6) == 0)) {
		pull_fetch_fail(fetch, "the server points to %.200s", reply->url);
		return;
	}
	snprintf(http->url, sizeof http->url, "%s", reply->url);
	pull_fetch_resolve(fetch, url.host, url.port, request_elsewhere);
}

/* What is there is good, and the rest can be asked for: the connection broke off, and the file has a name for its content. */
static bool can_resume(const struct pull_http *http, const struct pull_http_reply *reply)
{
	bool strong = reply->etag[0] == '"';
	return strcmp(reply->error, "broken") == 0 && reply->bytes > http->resume_at && !reply->packed && !http->head &&
	       (reply->status == 200 || reply->status == 206) && (strong || reply->modified[0] != '\0') &&
	       http->resumes < PULL_RESUMES_MAX;
}

static void reply_take(struct pull_fetch *fetch, const struct pull_http_reply *reply)
{
	struct pull_http *http = fetch->http;
	fetch->result.bytes += reply->received;
	if (fetch->result.round_trip_ms == 0)
		fetch->result.round_trip_ms = reply->first_ms;
	if (reply->from.family != 0)
		fetch->result.from = reply->from;
	reach_learn(fetch, reply);
	if (strcmp(reply->error, "redirect") == 0 && reply->url[0] != '\0') {
		redirect(fetch, reply);
	} else if (can_resume(http, reply)) {
		http->resumes++;
		http->resume_at = reply->bytes;
		snprintf(http->resume_tag, sizeof http->resume_tag, "%s",
			 reply->etag[0] == '"' ? reply->etag : reply->modified);
		request_start(fetch);
	} else if (reply->error[0] != '\0') {
		pull_fetch_fail(fetch, "%s%s", reply->why[0] != '\0' ? reply->why : reply->error,
				http->resumes > 0 ? " (taken up again before)" : "");
	} else {
		http->then(fetch, reply);
	}
}

static void on_helped(void *ctx, const char *error, const char *result, size_t len)
{
	struct pull_fetch *fetch = ctx;
	struct pull_http_reply *reply = malloc(sizeof *reply);
	fetch->helping = NULL;
	if (reply == NULL) {
		pull_fetch_fail(fetch, "out of memory");
		return;
	}
	if (error != NULL) {
		pull_fetch_fail(fetch, "banyan-fetch: %s", error);
	} else {
		pull_http_reply_parse(result, len, reply);
		reply_take(fetch, reply);
	}
	free(reply);
}

void pull_http_tag(struct pull_fetch *fetch, const struct pull_http_reply *reply)
{
	fetch->result.tag[0] = '\0';
	if (reply->etag[0] != '\0')
		snprintf(fetch->result.tag, PULL_TAG_MAX, "E%.*s", PULL_TAG_MAX - 2, reply->etag);
	else if (reply->modified[0] != '\0')
		snprintf(fetch->result.tag, PULL_TAG_MAX, "M%.*s", PULL_TAG_MAX - 2, reply->modified);
}

void pull_http_unchanged(struct pull_fetch *fetch)
{
	memcpy(fetch->result.tag, fetch->tag, sizeof fetch->tag);
	fetch->result.has_serial = fetch->settings.have;
	fetch->result.serial = fetch->settings.serial;
	pull_fetch_tell(fetch, PULL_UNCHANGED);
}

/* ---- one file ---- */

static void file_probed(struct pull_fetch *fetch, const struct pull_http_reply *reply)
{
	uint8_t begin[PULL_PEEK_BYTES];
	if (reply->status == 304) {
		pull_http_unchanged(fetch);
		return;
	}
	ssize_t n = pread(fetch->http->fd, begin, sizeof begin, 0);
	pull_http_tag(fetch, reply);
	fetch->result.has_serial = n > 0 && pull_serial_hint(begin, (size_t)n, fetch->apex, &fetch->result.serial);
	pull_fetch_tell(fetch, fetch->result.has_serial ? pull_fetch_compare(fetch, fetch->result.serial) : PULL_GOT);
}

static void file_fetched(struct pull_fetch *fetch, const struct pull_http_reply *reply)
{
	if (reply->status == 304) {
		pull_http_unchanged(fetch);
		return;
	}
	pull_http_tag(fetch, reply);
	pull_fetch_tell(fetch, PULL_GOT);
}

static void file_ask(struct pull_fetch *fetch)
{
	bool probe = fetch->settings.mode == PULL_MODE_PROBE, list = fetch->source.kind == PULL_SOURCE_LIST;
	struct pull_http_get get = {
		.head = probe,
		.conditional = fetch->settings.have,
		.fd = probe ? pull_http_small(fetch) : fetch->settings.fd,
		.bytes_max = list ? PULL_LIST_BYTES_MAX : pull_fetch_bytes_max(fetch),
		.then = probe ? file_probed : file_fetched,
	};
	fetch->result.form = list ? PULL_LIST : PULL_TEXT;
	if (get.fd < 0)
		pull_fetch_fail(fetch, "no memory for what comes");
	else
		pull_http_get(fetch, fetch->source.place, &get);
}

void pull_fetch_http(struct pull_fetch *fetch)
{
	fetch->http = calloc(1, sizeof *fetch->http);
	if (fetch->http == NULL) {
		pull_fetch_fail(fetch, "out of memory");
		return;
	}
	fetch->http->small_fd = -1;
	if (fetch->source.tree)
		pull_fetch_tree(fetch);
	else
		file_ask(fetch);
}
