// SPDX-License-Identifier: GPL-3.0-or-later
/* A child of the attendant: its descriptors, its limits, its filter, and then its work. */
#include "attend.h"
#include "daemon.h"
#include "prover.h"

#include "cmd/confined.h"
#include "cmd/sanitized.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#define FD_REPLY 3 /* and what it was given behind it */
#define FD_HIGH  32
#define FDS_LAST (FD_REPLY + ATTENDANT_FDS_MAX)

enum exit_status { EXIT_CANNOT_START = 120 }; /* with the reason as its reply */

/* ---- where banyan-fetch is ---- */

static bool fetch_beside(const char *self, const char *where, char out[PATH_MAX])
{
	const char *slash = strrchr(self, '/');
	return slash != NULL && snprintf(out, PATH_MAX, "%.*s%s", (int)(slash - self), self, where) < PATH_MAX &&
	       access(out, X_OK) == 0;
}

/* Beside the daemon, where it is installed from PREFIX/sbin, or in the build. */
static int fetch_find(const struct attendant_settings *settings, char out[PATH_MAX])
{
	static const char *const places[] = {"/banyan-fetch", "/../libexec/banyan/banyan-fetch",
					     "/../banyan-fetch/banyan-fetch"};
	char self[PATH_MAX];
	if (settings->fetch_path != NULL)
		return snprintf(out, PATH_MAX, "%s", settings->fetch_path) < PATH_MAX ? 0 : BANYAN_EINVAL;
	ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
	self[n > 0 ? n : 0] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		if (fetch_beside(self, places[i], out))
			return 0;
	return BANYAN_ENOENT;
}

/* ---- in the child ---- */

static _Noreturn void cannot_start(const char *what, int err)
{
	dprintf(FD_REPLY, "cannot %s: %s\n", what, strerror(err));
	_exit(EXIT_CANNOT_START);
}

/* Puts each where it belongs, and closes all others. `input`: -1 = nothing to read. */
static void fds_place(int reply, const int given[ATTENDANT_FDS_MAX], int input, int output)
{
	int high[ATTENDANT_FDS_MAX], in = input < 0 ? -1 : fcntl(input, F_DUPFD, FD_HIGH);
	int out = output < 0 ? -1 : fcntl(output, F_DUPFD, FD_HIGH);
	reply = fcntl(reply, F_DUPFD, FD_HIGH);
	for (unsigned i = 0; i < ATTENDANT_FDS_MAX; i++)
		high[i] = given[i] < 0 ? -1 : fcntl(given[i], F_DUPFD, FD_HIGH);
	if (in >= 0)
		dup2(in, STDIN_FILENO);
	if (out >= 0)
		dup2(out, STDOUT_FILENO);
	dup2(reply, FD_REPLY);
	for (int i = 0; i < ATTENDANT_FDS_MAX; i++) {
		if (high[i] >= 0)
			dup2(high[i], FD_REPLY + 1 + i);
		else
			close(FD_REPLY + 1 + i);
	}
	if (close_range(FDS_LAST + 1, ~0U, 0) < 0)
		cannot_start("close descriptors", errno);
}

static int limits_take(const struct attend_job *job)
{
	const struct confine_limits limits = {
		.memory_max = job->ask.memory_max,
		.bytes_max = job->ask.bytes_max,
		.time_max_ms = job->ask.time_max_ms,
		.cpus = job->ask.kind == ATTENDANT_PROVE ? cpu_count() : 1,
	};
	return confine_limits(&limits);
}

static _Noreturn void child_prove(const struct attend_job *job, const struct attendant_settings *settings, int reply)
{
	int fd[ATTENDANT_FDS_MAX];
	prctl(PR_SET_NAME, "banyand-prove", 0, 0, 0);
	fds_place(reply, job->fd, -1, -1);
	for (int i = 0; i < ATTENDANT_FDS_MAX; i++)
		fd[i] = job->fd[i] < 0 ? -1 : FD_REPLY + 1 + i;
	int rc = limits_take(job);
	if (rc == 0 && settings->confine)
		rc = confine_prover();
	if (rc < 0)
		cannot_start("confine the process that proves", errno);
	_exit((settings->prove != NULL ? settings->prove : prover_run)(job->request, job->ask.request_len, fd,
								       FD_REPLY));
}

/* What it shall do comes by a pipe, which holds all of it. */
static int request_pipe(const struct attend_job *job)
{
	int pair[2];
	if (pipe2(pair, O_CLOEXEC | O_NONBLOCK) < 0)
		return -1;
	ssize_t n = job->ask.request_len == 0 ? 0 : write(pair[1], job->request, job->ask.request_len);
	close(pair[1]);
	if (n != (ssize_t)job->ask.request_len) {
		close(pair[0]);
		return -1;
	}
	(void)fcntl(pair[0], F_SETFL, 0);
	return pair[0];
}

static _Noreturn void child_fetch(const struct attend_job *job, const struct attendant_settings *settings, int reply)
{
	static char name[] = "banyan-fetch", locale[] = "LC_ALL=C";
	char path[PATH_MAX], *argv[] = {name, NULL}, *env[] = {locale, NULL};
	int given[ATTENDANT_FDS_MAX] = {job->fd[1], job->fd[2], job->fd[3], -1};
	int found = fetch_find(settings, path);
	fds_place(reply, given, request_pipe(job), job->fd[0]);
	if (found < 0)
		cannot_start("find the program banyan-fetch", ENOENT);
	int rc = limits_take(job);
	if (rc == 0 && settings->confine)
		rc = confine_fetcher(CONFINE_PROGRAMS_SELF);
	if (rc < 0)
		cannot_start("confine the program that fetches", errno);
	execve(path, argv, IS_SANITIZED ? environ : env); /* that says where findings go */
	dprintf(FD_REPLY, "cannot start %s: %s\n", path, strerror(errno));
	_exit(EXIT_CANNOT_START);
}

int attend_child_start(struct attend_job *job, const struct attendant_settings *settings, char why[static 256])
{
	int pair[2];
	if (pipe2(pair, O_CLOEXEC) < 0) {
		snprintf(why, 256, "the attendant cannot make a pipe: %s", strerror(errno));
		return error_from_errno(errno);
	}
	/* without the handlers that libraries have set: libuv's would close descriptors that were its own in the daemon */
	pid_t parent = getpid(), pid = _Fork();
	if (pid == 0) {
		if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0 || getppid() != parent)
			_exit(EXIT_CANNOT_START);
		if (job->ask.kind == ATTENDANT_FETCH)
			child_fetch(job, settings, pair[1]);
		child_prove(job, settings, pair[1]);
	}
	int err = errno, pidfd = pid < 0 ? -1 : (int)syscall(SYS_pidfd_open, pid, 0);
	close(pair[1]);
	if (pid < 0 || pidfd < 0 || fcntl(pair[0], F_SETFL, O_NONBLOCK) < 0) {
		err = pid < 0 ? err : errno;
		if (pid > 0)
			kill(pid, SIGKILL);
		close(pair[0]);
		snprintf(why, 256, "the attendant cannot fork: %s", strerror(err));
		return error_from_errno(err);
	}
	job->pid = pid;
	job->pidfd = pidfd;
	job->reply_fd = pair[0];
	return 0;
}
