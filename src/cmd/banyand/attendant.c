// SPDX-License-Identifier: GPL-3.0-or-later
/* The attendant, seen from the daemon: asked over a socket on the keeper's loop. */
#include "attend.h"
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct attendant_job {
	struct attendant_job *next;
	struct attendant *attendant;
	uint64_t id;
	void (*done)(void *ctx, int error, const uint8_t *reply, size_t reply_len);
	void *ctx;
	/* until it is sent: */
	uint8_t *message; /* struct attend_ask and the request; NULL = sent */
	size_t len;
	int fd[ATTENDANT_FDS_MAX];
};

struct attendant {
	int socket;
	pid_t pid;
	bool alive, attached;
	bool there; /* it has said so; when it says so again, it is another one */
	uv_poll_t poll;
	uv_timer_t failing; /* so that no done() is called from within attendant_ask() */
	unsigned closing;
	uint64_t n_ids;
	size_t n_jobs;
	struct attendant_job *job; /* in the order in which they were asked */
	size_t n_cancels;          /* that did not fit into the socket */
	uint64_t cancel[ATTENDANT_JOBS_MAX];
	uint8_t in[sizeof(struct attend_told) + ATTENDANT_REPLY_MAX + 1];
};

/* ---- its begin ---- */

int attendant_fork(const struct attendant_settings *settings, struct attendant **ret, char why[static 1024])
{
	int pair[2];
	struct attendant *attendant = calloc(1, sizeof *attendant);
	if (attendant == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		free(attendant);
		snprintf(why, REFUSAL_TEXT_MAX, "cannot make the socket of the attendant: %s", strerror(errno));
		return error_from_errno(errno);
	}
	signal(SIGCHLD, SIG_IGN); /* the daemon's filter lets it wait for nobody: whoever ends is gone */
	pid_t pid = _Fork();      /* one thread: no handler of a library is needed */
	if (pid == 0) {
		close(pair[0]);
		attend_run(pair[1], settings);
	}
	int err = errno;
	close(pair[1]);
	if (pid < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
		close(pair[0]);
		free(attendant);
		snprintf(why, REFUSAL_TEXT_MAX, "cannot fork the attendant: %s", strerror(err));
		return error_from_errno(err);
	}
	attendant->socket = pair[0];
	attendant->pid = pid;
	attendant->alive = true;
	*ret = attendant;
	return 0;
}

bool attendant_alive(const struct attendant *attendant)
{
	return attendant->alive;
}

long attendant_process(const struct attendant *attendant)
{
	return attendant->pid;
}

/* ---- jobs ---- */

static void job_fds_close(struct attendant_job *job)
{
	for (unsigned i = 0; i < ATTENDANT_FDS_MAX; i++) {
		if (job->fd[i] >= 0)
			close(job->fd[i]);
		job->fd[i] = -1;
	}
	free(job->message);
	job->message = NULL;
}

static void job_free(struct attendant_job *job)
{
	struct attendant_job **at = &job->attendant->job;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	job->attendant->n_jobs--;
	job_fds_close(job);
	free(job);
}

static void job_end(struct attendant_job *job, int error, const uint8_t *reply, size_t len)
{
	void (*done)(void *, int, const uint8_t *, size_t) = job->done;
	void *ctx = job->ctx;
	job_free(job);
	done(ctx, error, reply, len);
}

/* All that was asked fails. done() may ask and cancel: the list is looked at anew each time. */
static void jobs_fail(struct attendant *attendant)
{
	static const char words[] = "the process that starts others has ended; restart the daemon";
	while (attendant->job != NULL)
		job_end(attendant->job, BANYAN_EIO, (const uint8_t *)words, sizeof words - 1);
}

static void on_failing(uv_timer_t *timer)
{
	jobs_fail(timer->data);
}

/* What the one before had been given is lost; what is not sent yet gets to this one. */
static void came(struct attendant *attendant)
{
	static const char words[] = "the process that starts others ended, and was started anew";
	uint64_t last = attendant->n_ids;
	bool another = attendant->there;
	attendant->there = true;
	if (!another)
		return;
	log_error(STATION, "the attendant has ended and was started anew: what it had begun is tried again");
	attendant->n_cancels = 0;
	for (struct attendant_job *job = attendant->job; job != NULL;) {
		if (job->message != NULL || job->id > last) {
			job = job->next;
			continue;
		}
		/* it may lie in the socket still */
		if (attendant->n_cancels < ATTENDANT_JOBS_MAX)
			attendant->cancel[attendant->n_cancels++] = job->id;
		job_end(job, BANYAN_EIO, (const uint8_t *)words, sizeof words - 1);
		job = attendant->job; /* done() may ask and cancel */
	}
}

static void lost(struct attendant *attendant, const char *how)
{
	if (!attendant->alive)
		return;
	attendant->alive = false;
	uv_poll_stop(&attendant->poll);
	log_error(STATION,
		  "the attendant (process %ld) has ended%s: zones are not refreshed from now on; what is there is "
		  "served; "
		  "restart the daemon",
		  (long)attendant->pid, how);
	uv_timer_start(&attendant->failing, on_failing, 0, 0);
}

/* ---- the socket ---- */

/* 0, BANYAN_EAGAIN, or another error. */
static int message_send(struct attendant *attendant, const void *message, size_t len, const int fd[], unsigned n_fds)
{
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(sizeof(int) * ATTENDANT_FDS_MAX)];
	} control = {0};
	struct iovec iov = {.iov_base = (void *)(uintptr_t)message, .iov_len = len};
	struct msghdr header = {.msg_iov = &iov, .msg_iovlen = 1};
	if (n_fds > 0) {
		header.msg_control = control.data;
		header.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(cmsg), fd, sizeof(int) * n_fds);
	}
	ssize_t n;
	do
		n = sendmsg(attendant->socket, &header, MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n >= 0 ? 0 : error_from_errno(errno);
}

static int job_send(struct attendant_job *job)
{
	int fd[ATTENDANT_FDS_MAX];
	unsigned n = 0;
	for (unsigned i = 0; i < ATTENDANT_FDS_MAX; i++)
		if (job->fd[i] >= 0)
			fd[n++] = job->fd[i];
	int rc = message_send(job->attendant, job->message, job->len, fd, n);
	if (rc == 0)
		job_fds_close(job);
	return rc;
}

static int cancel_send(struct attendant *attendant, uint64_t id)
{
	struct attend_ask ask = {.id = id, .op = ATTEND_CANCEL};
	return message_send(attendant, &ask, sizeof ask, NULL, 0);
}

static void on_poll(uv_poll_t *poll, int status, int events);

/* Sends what can be sent now, and watches for room if something is left. */
static void flush(struct attendant *attendant)
{
	int rc = 0;
	while (attendant->n_cancels > 0 && (rc = cancel_send(attendant, attendant->cancel[0])) == 0) {
		attendant->n_cancels--;
		memmove(attendant->cancel, attendant->cancel + 1, attendant->n_cancels * sizeof *attendant->cancel);
	}
	for (struct attendant_job *job = attendant->job; rc == 0 && job != NULL; job = job->next)
		if (job->message != NULL)
			rc = job_send(job);
	if (rc < 0 && rc != BANYAN_EAGAIN) {
		lost(attendant, "");
		return;
	}
	uv_poll_start(&attendant->poll, rc < 0 ? UV_READABLE | UV_WRITABLE : UV_READABLE, on_poll);
}

/* false: nothing more for now. */
static bool receive(struct attendant *attendant)
{
	struct attend_told told;
	ssize_t n = recv(attendant->socket, attendant->in, sizeof attendant->in - 1, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return false;
	if (n < (ssize_t)sizeof told) {
		lost(attendant, n <= 0 ? "" : " or is out of its mind");
		return false;
	}
	memcpy(&told, attendant->in, sizeof told);
	if (told.len != (size_t)n - sizeof told) {
		lost(attendant, " or is out of its mind");
		return false;
	}
	attendant->in[n] = '\0';
	if (told.id == 0)
		came(attendant);
	for (struct attendant_job *job = attendant->job; job != NULL; job = job->next) {
		if (job->id != told.id)
			continue;
		job_end(job, told.error, attendant->in + sizeof told, told.len);
		break;
	}
	return attendant->alive;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
	struct attendant *attendant = poll->data;
	if (status < 0 || (events & UV_READABLE) != 0)
		while (receive(attendant) && !uv_is_closing((uv_handle_t *)poll))
			;
	if (attendant->alive && !uv_is_closing((uv_handle_t *)poll))
		flush(attendant);
}

/* ---- asking ---- */

int attendant_attach(struct attendant *attendant, struct uv_loop_s *loop)
{
	if (uv_timer_init(loop, &attendant->failing) < 0 || uv_poll_init(loop, &attendant->poll, attendant->socket) < 0)
		return BANYAN_EIO;
	attendant->poll.data = attendant->failing.data = attendant;
	attendant->attached = true;
	return uv_poll_start(&attendant->poll, UV_READABLE, on_poll) < 0 ? BANYAN_EIO : 0;
}

static int message_make(const struct attendant_job_settings *settings, struct attendant_job *job)
{
	struct attend_ask ask = {
		.id = job->id,
		.op = ATTEND_ASK,
		.kind = (uint8_t)settings->kind,
		.request_len = (uint32_t)settings->request_len,
		.time_max_ms = settings->time_max_ms > 0 ? settings->time_max_ms : ATTENDANT_TIME_DEFAULT_MS,
		.memory_max = settings->memory_max > 0 ? settings->memory_max : ATTENDANT_MEMORY_DEFAULT,
		.bytes_max = settings->bytes_max > 0 ? settings->bytes_max : ATTENDANT_BYTES_DEFAULT,
	};
	job->len = sizeof ask + settings->request_len;
	job->message = malloc(job->len);
	if (job->message == NULL)
		return BANYAN_ENOMEM;
	for (unsigned i = 0; i < settings->n_fds; i++) {
		if (settings->fd[i] < 0)
			continue;
		job->fd[i] = fcntl(settings->fd[i], F_DUPFD_CLOEXEC, 3);
		if (job->fd[i] < 0)
			return error_from_errno(errno);
		ask.fd[i] = true;
	}
	memcpy(job->message, &ask, sizeof ask);
	if (settings->request_len > 0)
		memcpy(job->message + sizeof ask, settings->request, settings->request_len);
	return 0;
}

int attendant_ask(struct attendant *attendant, const struct attendant_job_settings *settings,
		  struct attendant_job **ret)
{
	if (!attendant->alive || !attendant->attached)
		return BANYAN_EIO;
	if (settings->request_len > ATTENDANT_REQUEST_MAX || settings->n_fds > ATTENDANT_FDS_MAX ||
	    attendant->n_jobs == ATTENDANT_JOBS_MAX)
		return BANYAN_ELIMIT;
	struct attendant_job *job = calloc(1, sizeof *job);
	if (job == NULL)
		return BANYAN_ENOMEM;
	*job = (struct attendant_job){
		.attendant = attendant, .id = ++attendant->n_ids, .done = settings->done, .ctx = settings->ctx};
	for (unsigned i = 0; i < ATTENDANT_FDS_MAX; i++)
		job->fd[i] = -1;
	int rc = message_make(settings, job);
	if (rc < 0) {
		job_fds_close(job);
		free(job);
		return rc;
	}
	struct attendant_job **last = &attendant->job;
	while (*last != NULL)
		last = &(*last)->next;
	*last = job;
	attendant->n_jobs++;
	flush(attendant);
	*ret = job;
	return 0;
}

void attendant_cancel(struct attendant_job *job)
{
	struct attendant *attendant = job->attendant;
	if (job->message == NULL && attendant->alive) {
		if (attendant->n_cancels == ATTENDANT_JOBS_MAX) /* a limit of time ends the child then */
			attendant->n_cancels--;
		attendant->cancel[attendant->n_cancels++] = job->id;
	}
	job_free(job);
	if (attendant->alive)
		flush(attendant);
}

/* ---- its end ---- */

static void on_closed(uv_handle_t *handle)
{
	struct attendant *attendant = handle->data;
	if (--attendant->closing > 0)
		return;
	close(attendant->socket); /* which ends the attendant */
	free(attendant);
}

void attendant_free(struct attendant *attendant)
{
	if (attendant == NULL)
		return;
	while (attendant->job != NULL)
		job_free(attendant->job);
	attendant->alive = false;
	if (!attendant->attached) {
		close(attendant->socket);
		free(attendant);
		return;
	}
	attendant->closing = 2;
	uv_close((uv_handle_t *)&attendant->poll, on_closed);
	uv_close((uv_handle_t *)&attendant->failing, on_closed);
}
