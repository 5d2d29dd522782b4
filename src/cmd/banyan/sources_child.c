// SPDX-License-Identifier: GPL-3.0-or-later
/* What a fetch needs of the world: banyan-fetch as a child, addresses of hosts from the C library. */
#include <fcntl.h>
#include <limits.h>
#include <netdb.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cmd/sanitized.h"
#include "sources.h"

#define RESULT_MAX ((size_t)60 * 1024)

/* ---- banyan-fetch ---- */

struct child {
	uv_process_t process;
	uv_pipe_t in, out;
	uv_timer_t timer;
	uv_write_t write;
	unsigned handles;
	bool over, exited, closed; /* closed: the result has come to its end */
	int64_t status;
	int signal;
	struct pull_helper_job job;
	char *request;
	struct buffer result;
	char piece[4096];
};

/* Beside this program, as it was built or installed. */
int sources_fetch_path(char out[PATH_MAX])
{
	static const char *const places[] = {"banyan-fetch", "../banyan-fetch/banyan-fetch",
					     "../libexec/banyan/banyan-fetch"};
	char self[PATH_MAX];
	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	if (len > 0) {
		self[len] = '\0';
		*strrchr(self, '/') = '\0';
		for (size_t i = 0; i < ARRAY_SIZE(places); i++)
			if (snprintf(out, PATH_MAX, "%s/%s", self, places[i]) < PATH_MAX && access(out, X_OK) == 0)
				return 0;
	}
	snprintf(out, PATH_MAX, "%s/banyan-fetch", BANYAN_LIBEXECDIR);
	return access(out, X_OK) == 0 ? 0 : BANYAN_ENOENT;
}

static void on_child_closed(uv_handle_t *handle)
{
	struct child *child = handle->data;
	if (--child->handles > 0)
		return;
	buffer_done(&child->result);
	free(child->request);
	free(child);
}

static void child_end(struct child *child)
{
	child->over = true;
	if (!child->exited)
		uv_process_kill(&child->process, SIGKILL);
	uv_close((uv_handle_t *)&child->process, on_child_closed);
	if (!uv_is_closing((uv_handle_t *)&child->in))
		uv_close((uv_handle_t *)&child->in, on_child_closed);
	uv_close((uv_handle_t *)&child->out, on_child_closed);
	uv_close((uv_handle_t *)&child->timer, on_child_closed);
}

static void child_tell(struct child *child, const char *error)
{
	char words[120];
	if (child->over)
		return;
	if (error == NULL && child->signal != 0) {
		snprintf(words, sizeof words, "ended by signal %d", child->signal);
		error = words;
	} else if (error == NULL && child->status != 0) {
		snprintf(words, sizeof words, "ended with status %lld", (long long)child->status);
		error = words;
	}
	void (*done)(void *, const char *, const char *, size_t) = child->job.done;
	void *ctx = child->job.ctx;
	struct buffer result = child->result;
	child->result = (struct buffer){0};
	child_end(child);
	done(ctx, error, (const char *)result.data, result.len);
	buffer_done(&result);
}

static void on_exit_of(uv_process_t *process, int64_t status, int signal)
{
	struct child *child = process->data;
	child->exited = true;
	child->status = status;
	child->signal = signal;
	if (child->closed)
		child_tell(child, NULL);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct child *child = handle->data;
	*buf = uv_buf_init(child->piece, sizeof child->piece);
}

static void on_result(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct child *child = stream->data;
	if (n < 0) {
		child->closed = true;
		uv_read_stop(stream);
		if (child->exited)
			child_tell(child, NULL);
	} else if (child->result.len + (size_t)n > RESULT_MAX ||
		   buffer_append(&child->result, buf->base, (size_t)n) < 0) {
		child_tell(child, "it tells too much");
	}
}

static void on_too_late(uv_timer_t *timer)
{
	child_tell(timer->data, "it did not end in time");
}

static void on_written(uv_write_t *write, int status)
{
	struct child *child = write->data;
	if (!uv_is_closing((uv_handle_t *)&child->in)) /* the end of the request */
		uv_close((uv_handle_t *)&child->in, on_child_closed);
}

static int child_spawn(uv_loop_t *loop, struct child *child, const char *path)
{
	char *args[] = {(char *)(uintptr_t) "banyan-fetch", NULL}, *env[] = {(char *)(uintptr_t) "LC_ALL=C", NULL};
	uv_stdio_container_t stdio[] = {
		{.flags = UV_CREATE_PIPE | UV_READABLE_PIPE, .data.stream = (uv_stream_t *)&child->in},
		{.flags = UV_INHERIT_FD, .data.fd = child->job.fd},
		{.flags = UV_INHERIT_FD, .data.fd = STDERR_FILENO},
		{.flags = UV_CREATE_PIPE | UV_WRITABLE_PIPE, .data.stream = (uv_stream_t *)&child->out},
	};
	uv_process_options_t options = {.file = path,
					.args = args,
					.env = IS_SANITIZED ? NULL : env,
					.stdio = stdio,
					.stdio_count = 4,
					.exit_cb = on_exit_of};
	return uv_spawn(loop, &child->process, &options);
}

static int helper_start(void *ctx, const struct pull_helper_job *job, void **ret_handle)
{
	uv_loop_t *loop = ctx;
	char path[PATH_MAX];
	if (sources_fetch_path(path) < 0)
		return BANYAN_ENOENT;
	struct child *child = calloc(1, sizeof *child);
	if (child == NULL || (child->request = malloc(job->request_len)) == NULL) {
		free(child);
		return BANYAN_ENOMEM;
	}
	memcpy(child->request, job->request, job->request_len);
	child->job = *job;
	uv_pipe_init(loop, &child->in, 0);
	uv_pipe_init(loop, &child->out, 0);
	uv_timer_init(loop, &child->timer);
	child->process.data = child->in.data = child->out.data = child->timer.data = child->write.data = child;
	child->handles = 4;
	int rc = child_spawn(loop, child, path);
	child->exited = rc < 0;
	uv_buf_t buf = uv_buf_init(child->request, (unsigned)job->request_len);
	if (rc == 0)
		rc = uv_write(&child->write, (uv_stream_t *)&child->in, &buf, 1, on_written);
	if (rc == 0)
		rc = uv_read_start((uv_stream_t *)&child->out, on_alloc, on_result);
	if (rc < 0) {
		child_end(child);
		return BANYAN_EIO;
	}
	uv_timer_start(&child->timer, on_too_late, job->time_max_ms, 0);
	*ret_handle = child;
	return 0;
}

static void helper_cancel(void *ctx, void *handle)
{
	child_end(handle);
}

struct pull_helper sources_helper(uv_loop_t *loop)
{
	return (struct pull_helper){.start = helper_start, .cancel = helper_cancel, .ctx = loop};
}

/* ---- addresses ---- */

struct lookup {
	uv_getaddrinfo_t req;
	bool cancelled;
	void (*done)(void *ctx, size_t n, const struct addr *address, const char *why);
	void *ctx;
};

static size_t addresses_take(const struct addrinfo *info, struct addr out[PULL_SOURCE_ADDRESSES_MAX])
{
	size_t n = 0;
	for (; info != NULL && n < PULL_SOURCE_ADDRESSES_MAX; info = info->ai_next) {
		struct addr addr = {.family = info->ai_family == AF_INET6 ? 6 : 4};
		if (info->ai_family == AF_INET)
			memcpy(addr.ip, &((const struct sockaddr_in *)(const void *)info->ai_addr)->sin_addr, 4);
		else if (info->ai_family == AF_INET6)
			memcpy(addr.ip, &((const struct sockaddr_in6 *)(const void *)info->ai_addr)->sin6_addr, 16);
		else
			continue;
		out[n++] = addr;
	}
	return n;
}

static void on_addresses(uv_getaddrinfo_t *req, int status, struct addrinfo *info)
{
	struct lookup *lookup = req->data;
	struct addr address[PULL_SOURCE_ADDRESSES_MAX];
	size_t n = status < 0 ? 0 : addresses_take(info, address);
	uv_freeaddrinfo(info);
	if (!lookup->cancelled)
		lookup->done(lookup->ctx, n, address, status < 0 ? uv_strerror(status) : NULL);
	free(lookup);
}

static int resolver_start(void *ctx, const char *host,
			  void (*done)(void *done_ctx, size_t n, const struct addr *address, const char *why),
			  void *done_ctx, void **ret_handle)
{
	struct lookup *lookup = calloc(1, sizeof *lookup);
	struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	if (lookup == NULL)
		return BANYAN_ENOMEM;
	lookup->req.data = lookup;
	lookup->done = done;
	lookup->ctx = done_ctx;
	if (uv_getaddrinfo(ctx, &lookup->req, on_addresses, host, NULL, &hints) < 0) {
		free(lookup);
		return BANYAN_EIO;
	}
	*ret_handle = lookup;
	return 0;
}

static void resolver_cancel(void *ctx, void *handle)
{
	struct lookup *lookup = handle;
	lookup->cancelled = true; /* it ends when the C library lets it */
	uv_cancel((uv_req_t *)&lookup->req);
}

struct pull_resolver sources_resolver(uv_loop_t *loop)
{
	return (struct pull_resolver){.start = resolver_start, .cancel = resolver_cancel, .ctx = loop};
}

int sources_file(void)
{
	int fd = memfd_create("banyan-source", MFD_CLOEXEC);
	return fd < 0 ? BANYAN_EIO : fd;
}
