// SPDX-License-Identifier: GPL-3.0-or-later
/* The fetch itself: requests until the body is there or it is clear that it does not come. */
#include "fetch.h"

#include <curl/curl.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum stop { STOP_NONE, STOP_LARGE, STOP_HEADERS, STOP_LOCAL, STOP_PEEKED, STOP_UNWANTED, STOP_RANGE, STOP_NEAR };

struct run {
	const struct request *request;
	struct result *result;
	CURL *curl;
	bool peeking, resuming; /* what this request is */
	uint64_t peek;          /* bytes */
	/* of the reply that is being read */
	long status;
	size_t header_bytes;
	bool has_range, begun; /* begun: a byte of a body that is wanted has come */
	uint64_t range_at, unwanted;
	bool reached; /* the first server was, and is so far away: */
	enum addr_reach reach;
	enum stop stop;
	int64_t started_ms;
};

static void fail(struct result *result, const char *error, const char *format, ...) _printf_(3, 4);
static void fail(struct result *result, const char *error, const char *format, ...)
{
	va_list args;
	result->error = error;
	va_start(args, format);
	vsnprintf(result->why, sizeof result->why, format, args);
	va_end(args);
}

/* ---- headers ---- */

/* The value of the header in line[0 .. len) if it is this one, without white space around it; false if not or too long. */
static bool header_is(const char *line, size_t len, const char *name, char out[VALUE_MAX])
{
	size_t name_len = strlen(name);
	if (len <= name_len || line[name_len] != ':' || strncasecmp(line, name, name_len) != 0)
		return false;
	const char *begin = line + name_len + 1, *end = line + len;
	while (begin < end && (*begin == ' ' || *begin == '\t'))
		begin++;
	while (end > begin && (end[-1] == '\r' || end[-1] == '\n' || end[-1] == ' ' || end[-1] == '\t'))
		end--;
	if (begin == end || (size_t)(end - begin) >= VALUE_MAX)
		return false;
	memcpy(out, begin, (size_t)(end - begin));
	out[end - begin] = '\0';
	return true;
}

static void reply_begin(struct run *run, const char *line, size_t len)
{
	const char *space = memchr(line, ' ', len);
	run->status = space != NULL ? strtol(space, NULL, 10) : 0;
	run->has_range = run->begun = false;
	run->unwanted = 0;
	if (run->peeking)
		return;
	struct result *result = run->result;
	result->etag[0] = result->modified[0] = result->encoding[0] = '\0';
	result->ranges = false;
	result->length = 0;
}

static size_t on_header(char *line, size_t size, size_t n, void *ctx)
{
	struct run *run = ctx;
	struct result *result = run->result;
	char value[VALUE_MAX];
	n *= size;
	run->header_bytes += n;
	if (run->header_bytes > HEADERS_MAX) {
		run->stop = STOP_HEADERS;
		return 0;
	}
	if (n > 5 && strncmp(line, "HTTP/", 5) == 0)
		reply_begin(run, line, n);
	else if (header_is(line, n, "content-range", value)) {
		run->has_range = strncasecmp(value, "bytes ", 6) == 0 && value[6] >= '0' && value[6] <= '9';
		run->range_at = run->has_range ? strtoull(value + 6, NULL, 10) : 0;
	} else if (run->peeking)
		return n; /* the headers that count are those of the whole */
	else if (header_is(line, n, "etag", value))
		strcpy(result->etag, value);
	else if (header_is(line, n, "last-modified", value))
		strcpy(result->modified, value);
	else if (header_is(line, n, "content-encoding", value))
		snprintf(result->encoding, sizeof result->encoding, "%.60s",
			 strcasecmp(value, "identity") ? value : "");
	else if (header_is(line, n, "content-length", value))
		result->length = strtoull(value, NULL, 10);
	else if (header_is(line, n, "accept-ranges", value))
		result->ranges = strcasecmp(value, "bytes") == 0;
	return n;
}

/* ---- the body ---- */

static bool body_write(struct run *run, const char *data, size_t n)
{
	while (n > 0) {
		ssize_t written = write(FD_BODY, data, n);
		if (written < 0 && errno == EINTR)
			continue;
		if (written <= 0) {
			run->stop = STOP_LOCAL;
			return false;
		}
		data += written;
		n -= (size_t)written;
		run->result->bytes += (uint64_t)written;
	}
	return true;
}

/* The file becomes as long as what is kept of it. */
static bool body_cut(struct run *run, uint64_t len)
{
	/* a pipe cannot be cut, and need not be before the first byte */
	bool good = (ftruncate(FD_BODY, (off_t)len) == 0 && lseek(FD_BODY, (off_t)len, SEEK_SET) >= 0) ||
		    (len == 0 && run->result->bytes == 0 && run->request->resume_at == 0);
	if (!good)
		run->stop = STOP_LOCAL;
	run->result->bytes = len;
	return good;
}

/* Before the first byte of a body that is wanted. */
static bool body_begin(struct run *run)
{
	if (run->status == 206) {
		uint64_t at = run->peeking ? 0 : run->request->resume_at;
		if (!run->has_range || run->range_at != at || !(run->peeking || run->resuming)) {
			run->stop = STOP_RANGE;
			return false;
		}
		return body_cut(run, at);
	}
	return body_cut(run, 0);
}

static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
	struct run *run = ctx;
	n *= size;
	if (run->status != 200 && run->status != 206) {
		run->unwanted += n;
		if (run->unwanted > REFUSED_BODY_MAX)
			run->stop = STOP_UNWANTED;
		return run->unwanted > REFUSED_BODY_MAX ? 0 : n;
	}
	if (!run->begun && !body_begin(run))
		return 0;
	run->begun = true;
	size_t take = n;
	if (run->peeking && run->result->bytes + n >= run->peek) {
		take = (size_t)(run->peek - run->result->bytes);
		run->stop = STOP_PEEKED;
	} else if (run->result->bytes + n > run->request->bytes_max) {
		run->stop = STOP_LARGE;
		return 0;
	}
	return body_write(run, data, take) && take == n ? n : 0;
}

/* ---- the connection ---- */

/* Where a server points to is not nearer to this machine than the first one: what only this machine can reach is nobody's to ask for. */
static curl_socket_t on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
	struct run *run = ctx;
	const struct sockaddr *sa = &to->addr;
	struct addr addr = {.family = sa->sa_family == AF_INET ? 4 : 6};
	if (sa->sa_family == AF_INET)
		memcpy(addr.ip, &((const struct sockaddr_in *)(const void *)sa)->sin_addr, 4);
	else
		memcpy(addr.ip, &((const struct sockaddr_in6 *)(const void *)sa)->sin6_addr, 16);
	if (run->reached && addr_reach(&addr) < run->reach) {
		run->stop = STOP_NEAR;
		return CURL_SOCKET_BAD;
	}
	return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

/* Of the first server that has answered. Behind a proxy it is the proxy's business. */
static void reach_learn(struct run *run, const char *ip)
{
	struct addr addr;
	if (run->reached || run->request->proxy[0] != '\0' || addr_parse(ip, 0, &addr) < 0)
		return;
	run->reached = true;
	run->reach = addr_reach(&addr);
}

/* ---- one request ---- */

static struct curl_slist *header_add(struct curl_slist *list, const char *name, const char *value)
{
	char line[VALUE_MAX + 32];
	snprintf(line, sizeof line, "%s: %s", name, value);
	struct curl_slist *longer = curl_slist_append(list, line);
	return longer != NULL ? longer : list;
}

static struct curl_slist *headers_make(const struct run *run)
{
	const struct request *request = run->request;
	struct curl_slist *list = NULL;
	char range[64];
	if (run->peeking) {
		snprintf(range, sizeof range, "bytes=0-%llu", (unsigned long long)run->peek - 1);
		return header_add(list, "Range", range);
	}
	if (run->resuming) {
		snprintf(range, sizeof range, "bytes=%llu-", (unsigned long long)request->resume_at);
		list = header_add(list, "Range", range);
		return header_add(list, "If-Range", request->resume_tag);
	}
	if (request->etag[0] != '\0')
		list = header_add(list, "If-None-Match", request->etag);
	if (request->modified[0] != '\0')
		list = header_add(list, "If-Modified-Since", request->modified);
	return list;
}

/* "HOST:PORT:ADDRESS,ADDRESS": libcurl asks nobody then. */
static struct curl_slist *addresses_make(const struct request *request, const char *host, const char *port)
{
	char line[VALUE_MAX + ADDRESSES_MAX * ADDR_TEXT_MAX], addr[ADDR_TEXT_MAX];
	size_t len = (size_t)snprintf(line, sizeof line, "%.300s:%.8s:", host, port);
	if (request->n_addresses == 0)
		return NULL;
	for (size_t i = 0; i < request->n_addresses; i++) {
		const char *text = addr_format(&request->address[i], false, addr);
		len += (size_t)snprintf(line + len, sizeof line - len,
					request->address[i].family == 6 ? "%s[%s]" : "%s%s", i > 0 ? "," : "", text);
	}
	return curl_slist_append(NULL, line);
}

static void options_set(struct run *run, const char *url)
{
	const struct request *request = run->request;
	CURL *curl = run->curl;
	int64_t left_ms = (int64_t)request->time_max_ms - (clock_mono_ms() - run->started_ms);
	/* what is compressed already is not compressed again; parts are parts of what stands on the server */
	size_t len = strlen(url);
	bool packed = len > 4 && (strcmp(url + len - 4, ".zst") == 0 || strcmp(url + len - 3, ".gz") == 0);
	bool plain = run->peeking || run->resuming || packed || request->head;
	curl_easy_reset(curl);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http,https");
	curl_easy_setopt(curl, CURLOPT_USERAGENT, "banyan/" BANYAN_VERSION);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_NOBODY, request->head && !run->peeking ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L);    /* each step is looked at */
	curl_easy_setopt(curl, CURLOPT_PROXY, request->proxy); /* "" = none, whatever the environment says */
	if (request->proxy[0] == '\0')
		curl_easy_setopt(curl, CURLOPT_NOPROXY, "*");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left_ms > 0 ? (long)left_ms : 1L);
	if (request->connect_max_ms > 0)
		curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, (long)request->connect_max_ms);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_LIMIT, (long)request->rate_min);
	curl_easy_setopt(curl, CURLOPT_LOW_SPEED_TIME, (long)request->rate_window_s);
	curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, plain ? NULL : ""); /* "" = all that libcurl can */
	curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
	curl_easy_setopt(curl, CURLOPT_SSLVERSION, (long)CURL_SSLVERSION_TLSv1_2);
	if (request->ca[0] != '\0') {
		curl_easy_setopt(curl, CURLOPT_CAINFO, request->ca);
		curl_easy_setopt(curl, CURLOPT_CAPATH, NULL);
	}
	if (!request->head && !run->peeking && !run->resuming)
		curl_easy_setopt(curl, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)request->bytes_max);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETFUNCTION, on_open);
	curl_easy_setopt(curl, CURLOPT_OPENSOCKETDATA, run);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_header);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, run);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, run);
}

/* Words for what libcurl says; `detail` is its own sentence. */
static void fail_curl(struct run *run, CURLcode code, const char *detail)
{
	struct result *result = run->result;
	const struct request *request = run->request;
	const char *words = detail[0] != '\0' ? detail : curl_easy_strerror(code);
	int64_t ms = clock_mono_ms() - run->started_ms;
	switch (code) {
	case CURLE_OPERATION_TIMEDOUT:
		if (strstr(words, "too slow") != NULL)
			fail(result, "slow", "less than %u bytes a second for %u s, after %llu bytes",
			     request->rate_min, request->rate_window_s, (unsigned long long)result->bytes);
		else
			fail(result, "timeout", "not done after %lld ms and %llu bytes", (long long)ms,
			     (unsigned long long)result->bytes);
		break;
	case CURLE_COULDNT_RESOLVE_HOST:
		fail(result, "name", "the host has no address: %.180s", words);
		break;
	case CURLE_COULDNT_CONNECT:
		fail(result, "connect", "no connection: %.200s", words);
		break;
	case CURLE_FILESIZE_EXCEEDED:
		fail(result, "large", "it is larger than the limit of %llu bytes",
		     (unsigned long long)request->bytes_max);
		break;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
	case CURLE_SSL_CACERT_BADFILE:
		fail(result, "tls", "TLS: %.220s", words);
		break;
	case CURLE_PARTIAL_FILE:
	case CURLE_RECV_ERROR:
	case CURLE_GOT_NOTHING:
	case CURLE_SEND_ERROR:
	case CURLE_HTTP2:
	case CURLE_HTTP2_STREAM:
		fail(result, "broken", "the connection broke off after %llu bytes: %.150s",
		     (unsigned long long)result->bytes, words);
		break;
	default:
		fail(result, "protocol", "%.240s", words);
	}
}

static void fail_stop(struct run *run)
{
	struct result *result = run->result;
	switch (run->stop) {
	case STOP_LARGE:
		fail(result, "large", "it is larger than the limit of %llu bytes",
		     (unsigned long long)run->request->bytes_max);
		break;
	case STOP_HEADERS:
		fail(result, "protocol", "the headers of the reply have more than %d bytes", HEADERS_MAX);
		break;
	case STOP_LOCAL:
		fail(result, "local", "what came cannot be written: %s", strerror(errno));
		break;
	case STOP_UNWANTED:
		fail(result, "status", "the server answers %ld, with an endless page", run->status);
		break;
	case STOP_RANGE:
		fail(result, "protocol", "the server gives another part than the one it was asked for");
		break;
	case STOP_NEAR:
		fail(result, "refused", "the server points to %.120s, which is nearer to this machine than itself",
		     result->url);
		break;
	case STOP_NONE:
	case STOP_PEEKED:
		break;
	}
}

static void result_take(struct run *run)
{
	struct result *result = run->result;
	curl_off_t received = 0, first_us = 0;
	long version = 0, port = 0;
	char *ip = NULL;
	curl_easy_getinfo(run->curl, CURLINFO_SIZE_DOWNLOAD_T, &received);
	curl_easy_getinfo(run->curl, CURLINFO_STARTTRANSFER_TIME_T, &first_us);
	curl_easy_getinfo(run->curl, CURLINFO_HTTP_VERSION, &version);
	curl_easy_getinfo(run->curl, CURLINFO_PRIMARY_IP, &ip);
	curl_easy_getinfo(run->curl, CURLINFO_PRIMARY_PORT, &port);
	result->received += (uint64_t)received;
	if (result->first_ms == 0)
		result->first_ms = (uint32_t)((first_us + 999) / 1000);
	result->http = version == CURL_HTTP_VERSION_2_0   ? 20
		       : version == CURL_HTTP_VERSION_1_1 ? 11
		       : version == 0                     ? 0
							  : 10;
	if (ip != NULL && ip[0] != '\0')
		reach_learn(run, ip);
	if (ip != NULL && ip[0] != '\0')
		snprintf(result->address, sizeof result->address, "%.*s@%ld", ADDR_TEXT_MAX - 1, ip, port);
	result->status = run->status;
}

/* One request and its reply; false when it is the end, with the error told. */
static bool exchange(struct run *run, const char *url, const char *host, const char *port)
{
	char detail[CURL_ERROR_SIZE] = "";
	options_set(run, url);
	struct curl_slist *headers = headers_make(run), *addresses = addresses_make(run->request, host, port);
	curl_easy_setopt(run->curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(run->curl, CURLOPT_RESOLVE, addresses);
	curl_easy_setopt(run->curl, CURLOPT_ERRORBUFFER, detail);
	run->status = 0;
	run->header_bytes = 0;
	run->stop = STOP_NONE;
	CURLcode code = curl_easy_perform(run->curl);
	result_take(run);
	curl_easy_setopt(run->curl, CURLOPT_ERRORBUFFER, NULL);
	curl_slist_free_all(headers);
	curl_slist_free_all(addresses);
	if (run->stop == STOP_NEAR && code == CURLE_OK) /* another of its addresses was not */
		run->stop = STOP_NONE;
	if (run->stop != STOP_NONE)
		fail_stop(run);
	else if (code != CURLE_OK)
		fail_curl(run, code, detail);
	return run->result->error == NULL;
}

/* ---- from one URL to the next ---- */

struct place {
	char *scheme, *host, *port;
};

static void place_done(struct place *place)
{
	curl_free(place->scheme);
	curl_free(place->host);
	curl_free(place->port);
}

static int place_of(const char *url, struct place *ret)
{
	CURLU *parts = curl_url();
	bool good = parts != NULL && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
		    curl_url_get(parts, CURLUPART_SCHEME, &ret->scheme, 0) == CURLUE_OK &&
		    curl_url_get(parts, CURLUPART_HOST, &ret->host, 0) == CURLUE_OK &&
		    curl_url_get(parts, CURLUPART_PORT, &ret->port, CURLU_DEFAULT_PORT) == CURLUE_OK;
	curl_url_cleanup(parts);
	return good && (strcmp(ret->scheme, "http") == 0 || strcmp(ret->scheme, "https") == 0) ? 0 : BANYAN_EINVAL;
}

static bool is_literal(const char *host)
{
	struct addr addr;
	return host[0] == '[' || (strchr(host, '@') == NULL && addr_parse(host, 0, &addr) == 0);
}

static bool is_redirect(long status)
{
	return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

/* Where the reply points to becomes result->url; false when that is not followed. */
static bool redirect_take(struct run *run, const struct place *from)
{
	struct result *result = run->result;
	_cleanup_(place_done) struct place to = {0};
	char *target = NULL;
	curl_easy_getinfo(run->curl, CURLINFO_REDIRECT_URL, &target);
	if (target == NULL || strlen(target) >= sizeof result->url || place_of(target, &to) < 0) {
		fail(result, "redirect", "the server points elsewhere (%ld), to nothing that can be fetched",
		     run->status);
		return false;
	}
	if (strcmp(from->scheme, "https") == 0 && strcmp(to.scheme, "http") == 0) {
		fail(result, "refused", "the server points from https to http, to %.150s", target);
		return false;
	}
	if (++result->redirects > run->request->redirects_max) {
		fail(result, "refused", "the server points elsewhere for the %uth time, to %.150s", result->redirects,
		     target);
		return false;
	}
	strcpy(result->url, target);
	bool elsewhere = strcasecmp(from->host, to.host) != 0;
	if (elsewhere && !run->request->resolve) {
		/* the addresses that were given are those of another host: whoever asks finds those of this one */
		fail(result, "redirect", "the server points to another host, %.200s", to.host);
		return false;
	}
	return true;
}

/* The path alone: a query, or a user before the host, may be secret. */
static const char *path_of(const char *url, char out[VALUE_MAX])
{
	const char *host = strstr(url, "://");
	const char *path = strchr(host != NULL ? host + 3 : url, '/');
	snprintf(out, VALUE_MAX, "%.*s", path != NULL ? (int)strcspn(path, "?#") : 1, path != NULL ? path : "/");
	return out;
}

static void status_check(struct run *run)
{
	char path[VALUE_MAX];
	struct result *result = run->result;
	long status = run->status;
	bool empty = status == 200 && !run->request->head && !run->begun;
	if (empty && !body_cut(run, 0)) /* a body without a byte in the place of what was there */
		fail_stop(run);
	else if (status != 200 && status != 206 && status != 304)
		fail(result, "status", "the server answers %ld%s%.150s%s", status,
		     status == 404 ? ": there is no " : "", status == 404 ? path_of(run->request->url, path) : "",
		     status == 403   ? ": it does not give it to us"
		     : status == 429 ? ": we ask too often"
		     : status >= 500 ? ": it is in trouble itself"
				     : "");
}

/* ---- the begin of a file ---- */

static size_t body_read(const struct run *run, uint8_t *out, size_t max)
{
	size_t len = run->result->bytes < max ? (size_t)run->result->bytes : max;
	ssize_t n = pread(FD_BODY, out, len, 0);
	return n > 0 ? (size_t)n : 0;
}

/* Of a packed file the begin of what is in it takes the place of its own; when that cannot be had, it stays as it is. */
static void peek_unpack(struct run *run, const char *url, const struct place *place)
{
	size_t max = UNPACK_BLOCK_MAX + (size_t)run->request->peek, n = 0;
	uint8_t *data = malloc(max), *out = malloc((size_t)run->request->peek);
	size_t len = data == NULL || out == NULL ? 0 : body_read(run, data, max);
	if (len > 0) {
		n = unpack_begin(data, len, out, (size_t)run->request->peek);
		run->peek = n == 0 ? unpack_need(data, len) : 0;
	}
	if (len > 0 && run->peek > len) {
		(void)!exchange(run, url, place->host, place->port);
		len = body_read(run, data, max);
		n = unpack_begin(data, len, out, (size_t)run->request->peek);
	}
	if (n > 0 && body_cut(run, 0))
		(void)!body_write(run, (const char *)out, n);
	free(data);
	free(out);
}

/* The headers are there: less of the begin, or none, will do. */
static void peek(struct run *run, const char *url, const struct place *place)
{
	struct result *result = run->result;
	run->peeking = true;
	run->peek = run->request->peek;
	if (exchange(run, url, place->host, place->port) && run->request->peek <= UNPACK_BLOCK_MAX)
		peek_unpack(run, url, place);
	result->error = NULL;
	result->why[0] = '\0';
	result->status = run->status = 200;
}

/* One URL: the request, and what has to be asked again there. */
static bool place_fetch(struct run *run, const struct place *place)
{
	const struct request *request = run->request;
	char url[VALUE_MAX];
	memcpy(url, run->result->url, sizeof url);
	run->resuming = request->resume_at > 0 && request->resume_tag[0] != '\0' && !request->head;
	run->peeking = false;
	if (!exchange(run, url, place->host, place->port))
		return false;
	if (run->status == 416 && run->resuming) { /* what is there is longer than what the server has */
		run->resuming = false;
		if (!exchange(run, url, place->host, place->port))
			return false;
	}
	if (request->head && request->peek > 0 && run->status == 200)
		peek(run, url, place);
	return true;
}

static void run_all(struct run *run)
{
	struct result *result = run->result;
	const struct request *request = run->request;
	strcpy(result->url, request->url);
	for (;;) {
		_cleanup_(place_done) struct place place = {0};
		if (place_of(result->url, &place) < 0) {
			fail(result, "local", "this is no URL that can be fetched: %.200s", result->url);
			return;
		}
		if (request->n_addresses == 0 && !request->resolve && request->proxy[0] == '\0' &&
		    !is_literal(place.host)) {
			fail(result, "name", "no address was given for the host %.200s", place.host);
			return;
		}
		if (!place_fetch(run, &place))
			return;
		if (!is_redirect(run->status)) {
			status_check(run);
			return;
		}
		if (!redirect_take(run, &place))
			return;
	}
}

void fetch_run(const struct request *request, struct result *ret)
{
	struct run run = {.request = request, .result = ret, .curl = curl_easy_init(), .started_ms = clock_mono_ms()};
	ret->bytes = request->resume_at;
	if (run.curl == NULL)
		fail(ret, "local", "out of memory");
	else
		run_all(&run);
	curl_easy_cleanup(run.curl);
	ret->whole_ms = (uint32_t)(clock_mono_ms() - run.started_ms);
}
