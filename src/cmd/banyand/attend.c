// SPDX-License-Identifier: GPL-3.0-or-later
/* The attendant itself: a process of one thread that takes what is asked, watches its children, and tells how they ended. */
#include "attend.h"
#include "daemon.h"

#include "cmd/confined.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define TEXT_MAX 1024 /* bytes of a sentence about a child's end */

struct attend {
	int socket;
	const struct attendant_settings *settings;
	struct attend_job *job;         /* in the order in which they were asked */
	unsigned n_running, n_fetching; /* n_fetching: of those that run */
	uint8_t in[sizeof(struct attend_ask) + ATTENDANT_REQUEST_MAX];
	uint8_t out[sizeof(struct attend_told) + ATTENDANT_REPLY_MAX];
};

static void fds_close(struct attend_job *job)
{
	for (unsigned i = 0; i < ATTENDANT_FDS_MAX; i++) {
		if (job->fd[i] >= 0)
			close(job->fd[i]);
		job->fd[i] = -1;
	}
}

static void job_free(struct attend *a, struct attend_job *job)
{
	struct attend_job **at = &a->job;
	while (*at != job)
		at = &(*at)->next;
	*at = job->next;
	if (job->pid != 0) {
		a->n_running--;
		a->n_fetching -= job->ask.kind == ATTENDANT_FETCH;
		close(job->pidfd);
		if (job->reply_fd >= 0)
			close(job->reply_fd);
	}
	fds_close(job);
	buffer_done(&job->reply);
	free(job->request);
	free(job);
}

/* The daemon may be busy: until it listens again, nothing else is to be done here either. */
static void tell(struct attend *a, uint64_t id, int error, const void *text, size_t len)
{
	struct attend_told told = {.id = id, .error = error, .len = (uint32_t)len};
	memcpy(a->out, &told, sizeof told);
	if (len > 0)
		memcpy(a->out + sizeof told, text, len);
	while (send(a->socket, a->out, sizeof told + len, MSG_NOSIGNAL) < 0)
		if (errno != EINTR)
			_exit(0); /* there is no daemon any more */
}

/* ---- children ---- */

/* What the child has said so far; false: it says no more. */
static bool reply_read(struct attend_job *job)
{
	uint8_t piece[4096];
	ssize_t n = read(job->reply_fd, piece, sizeof piece);
	if (n < 0)
		return errno == EINTR;
	if (n == 0)
		return false;
	size_t room = ATTENDANT_REPLY_MAX - job->reply.len; /* what is beyond it is not kept, but read */
	size_t take = (size_t)n < room ? (size_t)n : room;
	return buffer_append(&job->reply, piece, take) == 0;
}

/* Who ended, in words. */
static const char *who(const struct attend_job *job)
{
	return job->ask.kind == ATTENDANT_FETCH ? "the program that fetches" : "the process that proves";
}

static int words_of_signal(const struct attend_job *job, int signal, char text[TEXT_MAX])
{
	switch (signal) {
	case SIGXCPU:
		snprintf(text, TEXT_MAX, "%s was ended: it took more than %u s of a CPU", who(job),
			 (job->ask.time_max_ms + 999) / 1000);
		return BANYAN_ETIMEOUT;
	case SIGXFSZ:
		snprintf(text, TEXT_MAX, "%s was ended: it wrote more than %llu bytes", who(job),
			 (unsigned long long)job->ask.bytes_max);
		return BANYAN_ELIMIT;
	case SIGSYS:
		snprintf(text, TEXT_MAX, "%s was ended: it made a system call that it may not make", who(job));
		return BANYAN_EACCES;
	case SIGKILL:
		snprintf(text, TEXT_MAX, "%s was killed from outside, perhaps for want of memory", who(job));
		return BANYAN_EOTHER;
	default:
		snprintf(text, TEXT_MAX, "%s crashed: %s", who(job), strsignal(signal));
		return BANYAN_EOTHER;
	}
}

/* A program that fails says why in its reply: the first line of it. */
static int words_of_status(const struct attend_job *job, int status, char text[TEXT_MAX])
{
	const char *said = (const char *)job->reply.data;
	int len = 0;
	while (said != NULL && len < (int)job->reply.len && len < 512 && (unsigned char)said[len] >= 0x20)
		len++;
	snprintf(text, TEXT_MAX, "%s ended with status %d%s%.*s", who(job), status, len > 0 ? ": " : "", len,
		 said != NULL ? said : "");
	return BANYAN_EOTHER;
}

static void child_ended(struct attend *a, struct attend_job *job)
{
	int status = 0, error = 0;
	char text[TEXT_MAX] = "";
	while (waitpid(job->pid, &status, 0) < 0 && errno == EINTR)
		;
	while (reply_read(job)) /* not blocking: up to what is there */
		;
	if (job->late) {
		snprintf(text, sizeof text, "%s was ended: it took more than %u ms", who(job), job->ask.time_max_ms);
		error = BANYAN_ETIMEOUT;
	} else if (WIFSIGNALED(status)) {
		error = words_of_signal(job, WTERMSIG(status), text);
	} else if (WEXITSTATUS(status) != 0) {
		error = words_of_status(job, WEXITSTATUS(status), text);
	}
	if (error == 0)
		tell(a, job->ask.id, 0, job->reply.data, job->reply.len);
	else
		tell(a, job->ask.id, error, text, strlen(text));
	job_free(a, job);
}

static void start_waiting(struct attend *a)
{
	for (struct attend_job *job = a->job, *next; job != NULL && a->n_running < ATTENDANT_CHILDREN_MAX; job = next) {
		char why[256];
		bool fetch = job->ask.kind == ATTENDANT_FETCH;
		next = job->next;
		if (job->pid != 0 || (fetch && a->n_fetching == ATTENDANT_FETCHES_MAX))
			continue;
		int rc = attend_child_start(job, a->settings, why);
		if (rc < 0) {
			tell(a, job->ask.id, rc, why, strlen(why));
			job_free(a, job);
			continue;
		}
		a->n_running++;
		a->n_fetching += fetch;
		job->deadline_ms = clock_mono_ms() + job->ask.time_max_ms;
		fds_close(job);
		free(job->request);
		job->request = NULL;
	}
}

/* ---- what is asked ---- */

static void take_ask(struct attend *a, const struct attend_ask *ask, const uint8_t *request, const int fd[],
		     unsigned n_fds)
{
	struct attend_job *job = calloc(1, sizeof *job), **last = &a->job;
	uint8_t *copy = malloc(ask->request_len + 1);
	if (job == NULL || copy == NULL) {
		static const char words[] = "the attendant is out of memory";
		free(job);
		free(copy);
		for (unsigned i = 0; i < n_fds; i++)
			close(fd[i]);
		tell(a, ask->id, BANYAN_ENOMEM, words, sizeof words - 1);
		return;
	}
	memcpy(copy, request, ask->request_len);
	*job = (struct attend_job){.ask = *ask, .request = copy};
	for (unsigned i = 0, k = 0; i < ATTENDANT_FDS_MAX; i++)
		job->fd[i] = ask->fd[i] && k < n_fds ? fd[k++] : -1;
	while (*last != NULL)
		last = &(*last)->next;
	*last = job;
}

static void take_cancel(struct attend *a, uint64_t id)
{
	for (struct attend_job *job = a->job; job != NULL; job = job->next) {
		if (job->ask.id != id)
			continue;
		if (job->pid != 0) {
			kill(job->pid, SIGKILL);
			while (waitpid(job->pid, NULL, 0) < 0 && errno == EINTR)
				;
		}
		job_free(a, job);
		return;
	}
}

static void take(struct attend *a)
{
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(sizeof(int) * ATTENDANT_FDS_MAX)];
	} control = {0};
	struct iovec iov = {.iov_base = a->in, .iov_len = sizeof a->in};
	struct msghdr header = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control.data, .msg_controllen = sizeof control.data};
	ssize_t n = recvmsg(a->socket, &header, MSG_CMSG_CLOEXEC);
	if (n < 0 && errno == EINTR)
		return;
	struct attend_ask ask;
	if (n < (ssize_t)sizeof ask)
		_exit(0); /* the daemon has ended, and children end with us */
	int fd[ATTENDANT_FDS_MAX];
	unsigned n_fds = 0;
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&header);
	if (cmsg != NULL && cmsg->cmsg_type == SCM_RIGHTS) {
		n_fds = (unsigned)((cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(fd, CMSG_DATA(cmsg), n_fds * sizeof(int));
	}
	memcpy(&ask, a->in, sizeof ask);
	if (ask.request_len != (ask.op == ATTEND_ASK ? (size_t)n - sizeof ask : 0))
		_exit(1); /* whoever has taken the daemon over does not get further by this */
	if (ask.op == ATTEND_CANCEL)
		take_cancel(a, ask.id);
	else
		take_ask(a, &ask, a->in + sizeof ask, fd, n_fds);
}

/* ---- its life ---- */

/* What stays of the daemon in it: standard error, for the log, and the socket. */
static void leave_behind(int *socket)
{
	int null = open("/dev/null", O_RDWR);
	int high = fcntl(*socket, F_DUPFD_CLOEXEC, 3);
	if (null < 0 || high < 0)
		_exit(1);
	dup2(null, 0);
	dup2(null, 1);
	dup2(high, 3);
	if (close_range(4, ~0U, 0) < 0)
		_exit(1);
	fcntl(3, F_SETFD, FD_CLOEXEC);
	*socket = 3;
}

static int become_nobody(const struct attendant_settings *settings)
{
	char why[REFUSAL_TEXT_MAX];
	int rc = privileges_drop(settings->identity, true, why);
	if (rc < 0)
		log_error(STATION, "the attendant: %s", why);
	/* a change of user takes both back, so they come after it */
	if (rc == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		rc = BANYAN_EACCES;
	if (rc == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		rc = BANYAN_EACCES;
	return rc;
}

/* Waits for the daemon, for children, and for what they say. */
static void turn(struct attend *a)
{
	struct pollfd watch[1 + 2 * ATTENDANT_CHILDREN_MAX] = {{.fd = a->socket, .events = POLLIN}};
	struct attend_job *of[ATTENDANT_CHILDREN_MAX], *job;
	unsigned n = 0;
	int64_t now = clock_mono_ms(), wait = -1;
	for (job = a->job; job != NULL; job = job->next) {
		if (job->pid == 0)
			continue;
		watch[1 + 2 * n] = (struct pollfd){.fd = job->pidfd, .events = POLLIN};
		watch[2 + 2 * n] = (struct pollfd){.fd = job->reply_fd, .events = POLLIN};
		of[n++] = job;
		int64_t left = job->late ? INT32_MAX : job->deadline_ms > now ? job->deadline_ms - now : 0;
		wait = wait < 0 || left < wait ? left : wait;
	}
	if (poll(watch, 1 + 2 * n, wait > INT32_MAX ? INT32_MAX : (int)wait) < 0)
		return;
	now = clock_mono_ms();
	for (unsigned i = 0; i < n; i++) {
		job = of[i];
		if (watch[1 + 2 * i].revents != 0) {
			child_ended(a, job);
		} else if (!job->late && job->deadline_ms <= now) {
			job->late = true;
			kill(job->pid, SIGKILL);
		} else if (watch[2 + 2 * i].revents != 0 && !reply_read(job)) {
			close(job->reply_fd); /* it has said all: poll() passes -1 over */
			job->reply_fd = -1;
		}
	}
	if (watch[0].revents != 0)
		take(a);
	start_waiting(a);
}

/* One of them: it says that it is there, and then does what it is asked. */
static _Noreturn void attend(int socket, const struct attendant_settings *settings, pid_t minder)
{
	const struct attend_told there = {0};
	prctl(PR_SET_NAME, "banyand-attend", 0, 0, 0);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != minder)
		_exit(1);
	if (send(socket, &there, sizeof there, MSG_NOSIGNAL) < 0)
		_exit(0);
	struct attend *a = calloc(1, sizeof *a);
	if (a == NULL)
		_exit(1);
	a->socket = socket;
	a->settings = settings;
	confine_warm_up();
	background_begin();
	for (;;)
		turn(a);
}

/* ---- who starts it, again and again: the daemon itself may not ---- */

#define LIVED_LONG_MS  10000 /* whoever ends sooner is started after a pause that doubles */
#define PAUSE_FIRST_MS 100
#define PAUSE_MOST_MS  30000

static void pause_for(int64_t ms)
{
	struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

/* Once: until it ends. An end of its own accord is one for good: the daemon has gone, or asks what it never would. */
static void attend_once(int socket, const struct attendant_settings *settings)
{
	pid_t minder = getpid();
	pid_t pid = _Fork();
	int status = 0;
	if (pid == 0)
		attend(socket, settings, minder);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (pid > 0 && WIFEXITED(status))
		_exit(WEXITSTATUS(status));
}

_Noreturn void attend_run(int socket, const struct attendant_settings *settings)
{
	/* the daemon's end is its end; what the service manager sends to all is for the daemon */
	static const int ignored[] = {SIGTERM, SIGINT, SIGHUP, SIGPIPE};
	int64_t pause_ms = PAUSE_FIRST_MS;
	for (int i = 1; i < NSIG; i++)
		signal(i, SIG_DFL);
	for (size_t i = 0; i < ARRAY_SIZE(ignored); i++)
		signal(ignored[i], SIG_IGN);
	prctl(PR_SET_NAME, "banyand-minder", 0, 0, 0);
	leave_behind(&socket);
	if (become_nobody(settings) < 0)
		_exit(1);
	for (;;) {
		int64_t began_ms = clock_mono_ms();
		attend_once(socket, settings);
		pause_ms = clock_mono_ms() - began_ms >= LIVED_LONG_MS ? PAUSE_FIRST_MS : pause_ms * 2;
		pause_for(pause_ms < PAUSE_MOST_MS ? pause_ms : PAUSE_MOST_MS);
		pause_ms = pause_ms < PAUSE_MOST_MS ? pause_ms : PAUSE_MOST_MS;
	}
}
