// SPDX-License-Identifier: GPL-3.0-or-later
/* The control socket's serving side: a line of words comes in, a command runs, its reply goes out, the end. */
#include "operate/operate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <uv.h>

#define BACKLOG      128
#define STREAM_PIECE 65536 /* bytes of one piece of a streamed reply, about */
#define STREAM_CALLS 64    /* for one piece: then the loop has its turn, though nothing was found */

enum call_state { CALL_READING, CALL_RUNNING, CALL_WRITING };

struct operate_call {
	struct operate_control *control; /* NULL: the control is gone */
	struct operate_call *prev, *next;
	uv_pipe_t pipe;
	uv_timer_t timer;
	unsigned handles;
	enum call_state state;
	bool closing; /* the client's side is closed or closing */
	bool ended;   /* operate_call_done() came: free when the handles are closed */
	char request[OPERATE_REQUEST_MAX];
	size_t request_len;
	struct buffer reply;
	uv_write_t write;
	int (*more)(void *ctx, struct buffer *out); /* of a reply that is streamed */
	void (*end)(void *ctx);
	void *stream_ctx;
	bool last;
};

struct operate_control {
	struct operate_control_settings settings;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	uv_pipe_t pipe;
	struct operate_call *first;
	size_t n_calls;
	void (*done)(void *ctx);
	void *done_ctx;
	bool closing, closed;
};

/* ---- the end of a call, and of the whole ---- */

static void control_free_if_done(struct operate_control *control)
{
	if (!control->closed || control->n_calls > 0)
		return;
	void (*done)(void *ctx) = control->done;
	void *ctx = control->done_ctx;
	free(control);
	if (done != NULL)
		done(ctx);
}

static void call_free_if_done(struct operate_call *call)
{
	if (call->handles > 0 || (call->state == CALL_RUNNING && !call->ended))
		return;
	struct operate_control *control = call->control;
	if (control != NULL) {
		*(call->prev != NULL ? &call->prev->next : &control->first) = call->next;
		if (call->next != NULL)
			call->next->prev = call->prev;
		control->n_calls--;
	}
	buffer_done(&call->reply);
	if (call->end != NULL)
		call->end(call->stream_ctx);
	free(call);
	if (control != NULL)
		control_free_if_done(control);
}

static void on_call_closed(uv_handle_t *handle)
{
	struct operate_call *call = handle->data;
	call->handles--;
	call_free_if_done(call);
}

static void call_close(struct operate_call *call)
{
	if (call->closing)
		return;
	call->closing = true;
	uv_close((uv_handle_t *)&call->pipe, on_call_closed);
	uv_close((uv_handle_t *)&call->timer, on_call_closed);
}

/* ---- replying ---- */

static void on_overdue(uv_timer_t *timer)
{
	call_close(timer->data);
}

static void on_written(uv_write_t *req, int status)
{
	call_close(req->handle->data);
}

static void call_send(struct operate_call *call, bool good)
{
	call->state = CALL_WRITING;
	uv_read_stop((uv_stream_t *)&call->pipe);
	const char *head = good ? "ok\n" : "failed\n";
	uv_buf_t bufs[2] = {
		uv_buf_init((char *)head, (unsigned)strlen(head)),
		uv_buf_init((char *)call->reply.data, (unsigned)call->reply.len),
	};
	unsigned n = call->reply.len > 0 ? 2 : 1;
	uv_timer_start(&call->timer, on_overdue, OPERATE_IDLE_MS, 0);
	if (uv_write(&call->write, (uv_stream_t *)&call->pipe, bufs, n, on_written) < 0)
		call_close(call);
}

struct buffer *operate_call_reply(struct operate_call *call)
{
	return &call->reply;
}

void operate_call_done(struct operate_call *call, bool good)
{
	call->ended = true;
	if (call->closing) { /* the client did not wait */
		call_free_if_done(call);
		return;
	}
	call_send(call, good);
}

/* ---- a reply that is made while it is sent ---- */

static void stream_on(struct operate_call *call);

static void on_piece_written(uv_write_t *req, int status)
{
	struct operate_call *call = req->handle->data;
	if (status < 0 || call->last)
		call_close(call);
	else
		stream_on(call);
}

static void stream_on(struct operate_call *call)
{
	int rc = 1;
	for (unsigned i = 0; rc > 0 && call->reply.len < STREAM_PIECE && i < STREAM_CALLS; i++)
		rc = call->more(call->stream_ctx, &call->reply);
	call->last = rc <= 0;
	uv_timer_start(&call->timer, on_overdue, OPERATE_IDLE_MS, 0);
	uv_buf_t buf = uv_buf_init((char *)call->reply.data, (unsigned)call->reply.len);
	call->reply.len = 0; /* the bytes stay where they are until the next piece */
	if (rc < 0 || uv_write(&call->write, (uv_stream_t *)&call->pipe, &buf, 1, on_piece_written) < 0)
		call_close(call);
}

void operate_call_stream(struct operate_call *call, int (*more)(void *ctx, struct buffer *out), void (*end)(void *ctx),
			 void *ctx)
{
	call->more = more;
	call->end = end;
	call->stream_ctx = ctx;
	call->ended = true;
	if (call->closing) {
		call_free_if_done(call);
		return;
	}
	call->state = CALL_WRITING;
	uv_read_stop((uv_stream_t *)&call->pipe);
	call->reply.len = 0;
	if (buffer_append(&call->reply, "ok\n", 3) < 0)
		call_close(call);
	else
		stream_on(call);
}

static void call_refuse(struct operate_call *call, const char *why)
{
	call->state = CALL_RUNNING;
	(void)!buffer_printf(&call->reply, "%s\n", why);
	operate_call_done(call, false);
}

/* ---- requests ---- */

static void call_run(struct operate_call *call)
{
	char *words[OPERATE_WORDS_MAX], *rest = NULL;
	int n = 0;
	for (char *word = strtok_r(call->request, " \t\r\n", &rest); word != NULL;
	     word = strtok_r(NULL, " \t\r\n", &rest)) {
		if (n == OPERATE_WORDS_MAX) {
			call_refuse(call, "too many words");
			return;
		}
		words[n++] = word;
	}
	if (n == 0) {
		call_refuse(call, "no command");
		return;
	}
	for (const struct operate_command *c = call->control->settings.command; c->name != NULL; c++) {
		if (strcmp(c->name, words[0]) != 0)
			continue;
		call->state = CALL_RUNNING;
		uv_timer_stop(&call->timer);
		c->run(call->control->settings.ctx, call, n, words);
		return;
	}
	call_refuse(call, "there is no such command");
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	struct operate_call *call = handle->data;
	/* one byte stays free for the end of the text; behind a request nothing is kept */
	size_t room = sizeof(call->request) - 1 - call->request_len;
	static char nowhere[256];
	if (call->state == CALL_READING)
		*buf = uv_buf_init(call->request + call->request_len, (unsigned)room);
	else
		*buf = uv_buf_init(nowhere, sizeof(nowhere));
}

static void on_read(uv_stream_t *stream, ssize_t nread, const uv_buf_t *buf)
{
	struct operate_call *call = stream->data;
	if (nread == UV_EOF && call->state == CALL_RUNNING) {
		uv_read_stop(stream); /* a client may close its writing side and still wait */
		return;
	}
	if (nread < 0) {
		call_close(call);
		return;
	}
	if (call->state != CALL_READING)
		return;
	call->request_len += (size_t)nread;
	char *end = memchr(call->request, '\n', call->request_len);
	if (end != NULL) {
		*end = 0;
		call_run(call);
	} else if (call->request_len >= sizeof(call->request) - 1) {
		call_refuse(call, "the request is too long");
	}
}

static void on_connection(uv_stream_t *server, int status)
{
	struct operate_control *control = server->data;
	struct operate_call *call = status < 0 ? NULL : calloc(1, sizeof(*call));
	if (call == NULL)
		return;
	uv_pipe_init(server->loop, &call->pipe, 0);
	uv_timer_init(server->loop, &call->timer);
	call->pipe.data = call->timer.data = call;
	call->handles = 2;
	call->control = control;
	call->next = control->first;
	if (call->next != NULL)
		call->next->prev = call;
	control->first = call;
	control->n_calls++;
	if (uv_accept(server, (uv_stream_t *)&call->pipe) < 0 || control->n_calls > OPERATE_CLIENTS_MAX ||
	    uv_read_start((uv_stream_t *)&call->pipe, on_alloc, on_read) < 0) {
		call_close(call);
		return;
	}
	uv_timer_start(&call->timer, on_overdue, OPERATE_IDLE_MS, 0);
}

/* ---- life ---- */

/* A socket file that nobody listens behind is left over from a crash; one that answers belongs to a running daemon. */
static int remove_stale(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct stat st;
	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : error_from_errno(errno);
	if (!S_ISSOCK(st.st_mode))
		return BANYAN_EEXIST;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_from_errno(errno);
	int rc = connect(fd, (struct sockaddr *)&sun, sizeof(sun));
	int err = errno;
	close(fd);
	if (rc == 0 || err != ECONNREFUSED)
		return rc == 0 || err == EAGAIN ? BANYAN_EEXIST : error_from_errno(err);
	return unlink(path) < 0 ? error_from_errno(errno) : 0;
}

/* Nobody can connect before the mode is set: it is narrowed by the umask from the start. */
static int bind_narrow(struct operate_control *control, mode_t mode)
{
	mode_t old = umask(0177);
	int rc = uv_pipe_bind(&control->pipe, control->path);
	umask(old);
	if (rc == 0 && chmod(control->path, mode) < 0)
		rc = -errno;
	if (rc == 0)
		rc = uv_listen((uv_stream_t *)&control->pipe, BACKLOG, on_connection);
	return rc < 0 ? error_from_errno(-rc) : 0;
}

static void on_failed(uv_handle_t *handle)
{
	free(handle->data);
}

int operate_control_new(struct uv_loop_s *loop, const struct operate_control_settings *settings,
			struct operate_control **ret)
{
	struct operate_control *control = calloc(1, sizeof(*control));
	if (control == NULL)
		return BANYAN_ENOMEM;
	control->settings = *settings;
	if (strlen(settings->path) >= sizeof(control->path)) {
		free(control);
		return BANYAN_ELIMIT;
	}
	memcpy(control->path, settings->path, strlen(settings->path) + 1);
	int rc = remove_stale(control->path);
	if (rc < 0) {
		free(control);
		return rc;
	}
	uv_pipe_init(loop, &control->pipe, 0);
	control->pipe.data = control;
	rc = bind_narrow(control, settings->mode != 0 ? settings->mode : 0660);
	if (rc < 0) {
		uv_close((uv_handle_t *)&control->pipe, on_failed);
		return rc;
	}
	*ret = control;
	return 0;
}

static void on_control_closed(uv_handle_t *handle)
{
	struct operate_control *control = handle->data;
	control->closed = true;
	control_free_if_done(control);
}

void operate_control_free(struct operate_control *control, void (*done)(void *ctx), void *ctx)
{
	control->done = done;
	control->done_ctx = ctx;
	unlink(control->path);
	struct operate_call *next;
	for (struct operate_call *call = control->first; call != NULL; call = next) {
		next = call->next;
		if (call->state == CALL_WRITING) /* "stopping" should still arrive; its timer bounds the wait */
			continue;
		call_close(call);
		if (call->state != CALL_RUNNING)
			continue;
		/* whoever runs it may end it later: it is no longer ours to wait for */
		*(call->prev != NULL ? &call->prev->next : &control->first) = call->next;
		if (call->next != NULL)
			call->next->prev = call->prev;
		call->control = NULL;
		control->n_calls--;
	}
	uv_close((uv_handle_t *)&control->pipe, on_control_closed);
}
