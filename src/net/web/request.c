// SPDX-License-Identifier: GPL-3.0-or-later
/* One request: which file, whole or a part of it, or not again. */
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "private.h"

#define PART_MAX    255 /* bytes of a name in a path */
#define DEPTH_MAX   4   /* zone, serial, file; one to spare */
#define NEVER_S     31536000
#define TEXT_LENGTH 64

/* ---- paths ---- */

static bool part_good(const char *part, size_t len)
{
	return len > 0 && len <= PART_MAX && part[0] != '.' &&
	       strspn(part, "abcdefghijklmnopqrstuvwxyz0123456789._-") >= len;
}

static bool part_is_number(const char *part, size_t len)
{
	return strspn(part, "0123456789") >= len;
}

/* Names one by one, so that no link and nothing above is ever followed. */
int web_path_open(int folder_fd, const char *path, struct stat *ret, bool *ret_fixed)
{
	int fd = dup(folder_fd);
	bool fixed = false;
	for (unsigned depth = 0; fd >= 0; depth++) {
		char part[PART_MAX + 1];
		if (*path++ != '/' || depth >= DEPTH_MAX)
			break;
		size_t len = strcspn(path, "/");
		if (!part_good(path, len))
			break;
		memcpy(part, path, len);
		part[len] = '\0';
		path += len;
		bool last = *path == '\0';
		fixed = fixed || (!last && part_is_number(part, len));
		int next = openat(fd, part, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | (last ? 0 : O_DIRECTORY));
		close(fd);
		fd = next;
		if (!last || fd < 0)
			continue;
		if (fstat(fd, ret) < 0 || !S_ISREG(ret->st_mode))
			break;
		*ret_fixed = fixed;
		return fd;
	}
	if (fd >= 0)
		close(fd);
	return BANYAN_ENOENT;
}

/* ---- validators and ranges ---- */

void web_tag(const struct stat *st, char out[WEB_TAG_MAX])
{
	snprintf(out, WEB_TAG_MAX, "\"%" PRIx64 "-%" PRIx64 "%08lx-%" PRIx64 "\"", (uint64_t)st->st_size,
		 (uint64_t)st->st_mtim.tv_sec, (unsigned long)st->st_mtim.tv_nsec, (uint64_t)st->st_ino);
}

bool web_tag_listed(const char *header, const char *tag)
{
	size_t len = strlen(tag);
	for (const char *p = header; *p != '\0';) {
		p += strspn(p, " \t,");
		if (*p == '*')
			return true;
		if (strncmp(p, "W/", 2) == 0)
			p += 2;
		if (strncmp(p, tag, len) == 0)
			return true;
		if (*p != '"')
			return false;
		const char *end = strchr(p + 1, '"');
		if (end == NULL)
			return false;
		p = end + 1;
	}
	return false;
}

static bool get_number(const char **p, uint64_t *ret)
{
	uint64_t v = 0;
	const char *from = *p;
	for (; **p >= '0' && **p <= '9'; (*p)++)
		v = v > UINT64_MAX / 10 - 9 ? UINT64_MAX / 10 : v * 10 + (uint64_t)(**p - '0');
	*ret = v;
	return *p != from;
}

enum web_range web_range_parse(const char *header, uint64_t size, uint64_t *ret_first, uint64_t *ret_len)
{
	uint64_t first = 0, last = 0;
	if (strncmp(header, "bytes=", 6) != 0)
		return WEB_WHOLE;
	const char *p = header + 6;
	bool has_first = get_number(&p, &first);
	if (*p++ != '-')
		return WEB_WHOLE;
	bool has_last = get_number(&p, &last);
	if (*p != '\0' || (!has_first && !has_last) || (has_first && has_last && last < first))
		return WEB_WHOLE;
	if (!has_first) { /* so many at the end */
		if (last == 0 || size == 0)
			return WEB_NO_PART;
		*ret_len = last < size ? last : size;
		*ret_first = size - *ret_len;
		return WEB_PART;
	}
	if (first >= size)
		return WEB_NO_PART;
	*ret_first = first;
	*ret_len = (has_last && last < size ? last + 1 : size) - first;
	return WEB_PART;
}

/* ---- replies ---- */

struct reply {
	struct net_web *web;
	struct MHD_Connection *connection;
	const struct sockaddr *from;
	struct MHD_Response *response;
};

static void header(struct reply *reply, const char *name, const char *value)
{
	(void)reply->web->library.MHD_add_response_header(reply->response, name, value);
}

static enum MHD_Result send_reply(struct reply *reply, unsigned status)
{
	if (reply->response == NULL)
		return MHD_NO;
	header(reply, "X-Content-Type-Options", "nosniff");
	enum MHD_Result result = reply->web->library.MHD_queue_response(reply->connection, status, reply->response);
	reply->web->library.MHD_destroy_response(reply->response);
	return result;
}

static enum MHD_Result send_words(struct reply *reply, unsigned status, const char *words)
{
	reply->response = reply->web->library.MHD_create_response_from_buffer(strlen(words), (void *)(uintptr_t)words,
									      MHD_RESPMEM_PERSISTENT);
	if (reply->response == NULL)
		return MHD_NO;
	if (words[0] != '\0')
		header(reply, "Content-Type", "text/plain; charset=us-ascii");
	if (status == MHD_HTTP_METHOD_NOT_ALLOWED)
		header(reply, "Allow", "GET, HEAD");
	if (status == MHD_HTTP_TOO_MANY_REQUESTS)
		header(reply, "Retry-After", "10");
	if (status == MHD_HTTP_NOT_FOUND)
		header(reply, "Cache-Control", "no-cache"); /* it may be there the next time */
	return send_reply(reply, status);
}

static const char *type_of(const char *path)
{
	size_t len = strlen(path);
	if (len > 4 && strcmp(path + len - 4, ".zst") == 0)
		return "application/zstd";
	if (len > 8 && strcmp(path + len - 8, "/current") == 0)
		return "text/plain; charset=us-ascii";
	return "application/octet-stream";
}

static void header_cache(struct reply *reply, const char *tag, bool fixed)
{
	char text[TEXT_LENGTH];
	if (fixed)
		snprintf(text, sizeof text, "public, max-age=%d, immutable", NEVER_S);
	else
		snprintf(text, sizeof text, "public, max-age=%d", NET_WEB_FRESH_S);
	header(reply, "ETag", tag);
	header(reply, "Cache-Control", text);
}

static const char *asked(const struct reply *reply, const char *name)
{
	return reply->web->library.MHD_lookup_connection_value(reply->connection, MHD_HEADER_KIND, name);
}

/* The part that is asked for, if it is of the file as it is now. */
static enum web_range part_asked(const struct reply *reply, const char *tag, uint64_t size, uint64_t *ret_first,
				 uint64_t *ret_len)
{
	const char *range = asked(reply, "Range"), *only_if = asked(reply, "If-Range");
	if (range == NULL || (only_if != NULL && strcmp(only_if, tag) != 0))
		return WEB_WHOLE;
	return web_range_parse(range, size, ret_first, ret_len);
}

static enum MHD_Result send_not_again(struct reply *reply, const char *tag, bool fixed)
{
	reply->response = reply->web->library.MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
	if (reply->response == NULL)
		return MHD_NO;
	header_cache(reply, tag, fixed);
	counter_add(reply->web->counters, COUNTER_WEB_NOT_MODIFIED, 1);
	return send_reply(reply, MHD_HTTP_NOT_MODIFIED);
}

/* `fd` goes with the reply. */
static enum MHD_Result send_file(struct reply *reply, const char *path, int fd, const struct stat *st, bool fixed,
				 bool head)
{
	char tag[WEB_TAG_MAX], text[TEXT_LENGTH];
	uint64_t size = (uint64_t)st->st_size, first = 0, len = size;
	web_tag(st, tag);
	const char *known = asked(reply, "If-None-Match");
	if (known != NULL && web_tag_listed(known, tag)) {
		close(fd);
		return send_not_again(reply, tag, fixed);
	}
	enum web_range part = part_asked(reply, tag, size, &first, &len);
	if (part == WEB_NO_PART) {
		close(fd);
		reply->response = reply->web->library.MHD_create_response_from_buffer(0, "", MHD_RESPMEM_PERSISTENT);
		if (reply->response == NULL)
			return MHD_NO;
		snprintf(text, sizeof text, "bytes */%" PRIu64, size);
		header(reply, "Content-Range", text);
		return send_reply(reply, MHD_HTTP_RANGE_NOT_SATISFIABLE);
	}
	reply->response = web_is_limited(reply->web)
				  ? web_send_make(reply->web, reply->connection, reply->from, fd, first, len)
				  : reply->web->library.MHD_create_response_from_fd_at_offset64(len, fd, first);
	if (reply->response == NULL) {
		close(fd);
		return MHD_NO;
	}
	header(reply, "Content-Type", type_of(path));
	header(reply, "Accept-Ranges", "bytes");
	header_cache(reply, tag, fixed);
	if (part == WEB_PART) {
		snprintf(text, sizeof text, "bytes %" PRIu64 "-%" PRIu64 "/%" PRIu64, first, first + len - 1, size);
		header(reply, "Content-Range", text);
	}
	counter_add(reply->web->counters, COUNTER_WEB_BYTES, head ? 0 : len);
	return send_reply(reply, part == WEB_PART ? MHD_HTTP_PARTIAL_CONTENT : MHD_HTTP_OK);
}

enum MHD_Result web_request(void *ctx, struct MHD_Connection *connection, const char *url, const char *method,
			    const char *version, const char *upload_data, size_t *upload_data_size, void **request)
{
	struct net_web *web = ctx;
	struct reply reply = {.web = web, .connection = connection};
	if (*request == NULL) { /* the header is here; a body may follow, of which nothing is kept */
		*request = web;
		return MHD_YES;
	}
	if (*upload_data_size != 0) {
		*upload_data_size = 0;
		return MHD_YES;
	}
	const union MHD_ConnectionInfo *from =
		web->library.MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	counter_add(web->counters, COUNTER_WEB_REQUESTS, 1);
	if (from == NULL || !web_rates_take(&web->rates, from->client_addr, clock_mono_ms())) {
		counter_add(web->counters, COUNTER_WEB_REFUSED, 1);
		return send_words(&reply, MHD_HTTP_TOO_MANY_REQUESTS, "too many requests\n");
	}
	reply.from = from->client_addr;
	bool head = strcmp(method, "HEAD") == 0;
	if (!head && strcmp(method, "GET") != 0)
		return send_words(&reply, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD only\n");
	struct stat st;
	bool fixed;
	int fd = web_path_open(web->folder_fd, url, &st, &fixed);
	if (fd < 0)
		return send_words(&reply, MHD_HTTP_NOT_FOUND, "not here\n");
	return send_file(&reply, url, fd, &st, fixed, head);
}
