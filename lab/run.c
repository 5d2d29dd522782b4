// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * lab_run(): the processes of the lab. Each is a child that the kernel ends with its parent (PR_SET_PDEATHSIG), so
 * that nothing is left over, however this process ends.
 */
#include "lab.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "net/net.h"
#include "wire/wire.h"

#define RUN_CHILDREN_MAX 32
#define RUN_CONF_MAX     65536
#define RUN_LOG_MAX      (16u << 20) /* a longer log is left to its reader */
#define RUN_TICK_MS      50
#define RUN_READY_MS     60000 /* until all answer: the machine may be busy with other things */
#define RUN_STOP_MS      5000  /* from SIGTERM to SIGKILL */

struct child {
	char kind[16], name[64], zone[256], log[4096];
	struct addr addr; /* a server of this child, asked for the SOA of `zone` until it answers */
	pid_t pid;        /* 0 = ended */
	bool ready;
	uint64_t exchange;
};

struct run {
	const struct lab_run_settings *settings;
	char self[4096], banyand[4096], dir[4096];
	size_t n_children;
	struct child child[RUN_CHILDREN_MAX];
	sigset_t signals;
	struct net_loop *loop;
	uint64_t next_exchange;
	int64_t deadline_ms;
	bool stop;
	int result;
};

/* The daemon beside this program: installed together, or in Meson's build folder. */
static void find_banyand(struct run *run)
{
	static const char *const places[] = {"banyand", "../banyand/banyand", "../sbin/banyand"};
	ssize_t n = readlink("/proc/self/exe", run->self, sizeof(run->self) - 1);
	run->self[n < 0 ? 0 : n] = '\0';
	if (run->settings->banyand != NULL) {
		snprintf(run->banyand, sizeof(run->banyand), "%s", run->settings->banyand);
		return;
	}
	int folder = (int)(strrchr(run->self, '/') - run->self);
	for (size_t i = 0; n > 0 && i < ARRAY_SIZE(places); i++) {
		int len = snprintf(run->banyand, sizeof(run->banyand), "%.*s/%s", folder, run->self, places[i]);
		if (len < (int)sizeof(run->banyand) && access(run->banyand, X_OK) == 0)
			return;
	}
	strcpy(run->banyand, "banyand"); /* from PATH */
}

static int read_conf(struct run *run)
{
	char path[4200];
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	snprintf(path, sizeof(path), "%s/lab.conf", run->dir);
	int rc = file_read(path, RUN_CONF_MAX, &text, &len);
	if (rc < 0) {
		log_error("lab", "%s: cannot be read; `banyan lab make` writes it: %s", path, error_text(rc));
		return rc;
	}
	char *save = NULL;
	for (char *line = strtok_r((char *)text, "\n", &save); line != NULL; line = strtok_r(NULL, "\n", &save)) {
		struct child *child = &run->child[run->n_children];
		char address[ADDR_TEXT_MAX];
		if (run->n_children == RUN_CHILDREN_MAX ||
		    sscanf(line, "%15s %63s %63s %255s", child->kind, child->name, address, child->zone) != 4 ||
		    addr_parse(address, 53, &child->addr) < 0) {
			log_error("lab", "%s: cannot make sense of '%s'", path, line);
			return BANYAN_EMALF;
		}
		if (strcmp(child->kind, "resolver") != 0 || run->settings->resolver)
			run->n_children++;
	}
	return 0;
}

/* In the child: become the operator. */
static _Noreturn void child_become(const struct run *run, const struct child *child, const char *conf, pid_t parent)
{
	sigset_t none;
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	int fd = open(child->log, O_WRONLY | O_CREAT | O_TRUNC, 0644);
	if (fd < 0 || dup2(fd, STDOUT_FILENO) < 0 || dup2(fd, STDERR_FILENO) < 0)
		_exit(126);
	close(fd);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent) /* it ended before prctl() took effect */
		_exit(0);
	if (strcmp(child->kind, "odd") == 0)
		execl(run->self, run->self, "lab", "odd", run->dir, (char *)NULL);
	else
		execlp(run->banyand, run->banyand, "-c", conf, (char *)NULL);
	fprintf(stderr, "%s: %s\n", run->banyand, strerror(errno));
	_exit(127);
}

static int child_start(struct run *run, struct child *child)
{
	char conf[4200];
	bool resolver = strcmp(child->kind, "resolver") == 0;
	const char *folder = resolver ? "" : "operators/";
	int n = snprintf(child->log, sizeof(child->log), "%s/%s%s/log", run->dir, folder, child->name);
	snprintf(conf, sizeof(conf), "%s/%s%s/banyan.yaml", run->dir, folder, child->name);
	if (n >= (int)sizeof(child->log))
		return BANYAN_ESPACE;
	pid_t parent = getpid(), pid = fork();
	if (pid == 0)
		child_become(run, child, conf, parent);
	if (pid < 0)
		return error_from_errno(errno);
	child->pid = pid;
	return 0;
}

/* Did a child that was told to end do so as it should? The odd servers just take the signal. */
static bool ended_well(int status)
{
	if (WIFSIGNALED(status))
		return WTERMSIG(status) == SIGTERM || WTERMSIG(status) == SIGINT || WTERMSIG(status) == SIGHUP;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The last line of a child's log: most often the reason. */
static void child_last_words(const struct child *child)
{
	_cleanup_(base_free) uint8_t *text = NULL;
	size_t len;
	if (file_read(child->log, RUN_LOG_MAX, &text, &len) < 0 || len == 0)
		return;
	while (len > 0 && text[len - 1] == '\n')
		text[--len] = '\0';
	const char *line = strrchr((char *)text, '\n');
	log_error("lab", "%s said: %s", child->name, line == NULL ? (char *)text : line + 1);
}

static void child_ended(struct run *run, struct child *child, int status)
{
	child->pid = 0;
	if (run->stop && ended_well(status))
		return;
	log_error("lab", "%s ended %s (wait status %d); its log is %s", child->name, run->stop ? "badly" : "by itself",
		  status, child->log);
	child_last_words(child);
	run->stop = true;
	run->result = BANYAN_EOTHER;
}

/* Reaps what has ended. */
static void reap(struct run *run)
{
	int status;
	pid_t pid;
	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (size_t i = 0; i < run->n_children; i++)
			if (run->child[i].pid == pid)
				child_ended(run, &run->child[i], status);
}

/* Waits at most `ms` for one signal and does what it asks for. */
static void take_signal(struct run *run, int64_t ms)
{
	const struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
	int signal = sigtimedwait(&run->signals, NULL, &wait);
	if (signal == SIGTERM || signal == SIGINT || signal == SIGHUP)
		run->stop = true;
	reap(run);
}

static void child_ask(struct run *run, struct child *child)
{
	uint8_t msg[WIRE_HEADER_SIZE + WIRE_NAME_MAX + 4], name[WIRE_NAME_MAX];
	struct wire_writer writer;
	if (child->exchange != 0)
		net_exchange_close(run->loop, child->exchange);
	child->exchange = ++run->next_exchange;
	if (wire_name_parse(child->zone, name) < 0 ||
	    wire_writer_init(&writer, msg, sizeof(msg), child->exchange & 0xffff, 0) < 0 ||
	    wire_writer_question(&writer, name, WIRE_TYPE_SOA, WIRE_CLASS_IN) < 0)
		return;
	size_t len = wire_writer_finish(&writer);
	if (net_exchange_open(run->loop, child->exchange, NET_UDP, &child->addr, msg, len) < 0)
		child->exchange = 0; /* asked again at the next tick */
}

static void on_exchange(void *ctx, const struct net_exchange_event *event)
{
	struct run *run = ctx;
	for (size_t i = 0; i < run->n_children; i++)
		if (run->child[i].exchange == event->id && event->error == 0)
			run->child[i].ready = true;
}

static void on_tick(void *ctx)
{
	struct run *run = ctx;
	size_t waiting = 0;
	take_signal(run, 0);
	for (size_t i = 0; i < run->n_children; i++) {
		if (run->child[i].ready)
			continue;
		waiting++;
		child_ask(run, &run->child[i]);
	}
	if (waiting > 0 && clock_mono_ms() > run->deadline_ms) {
		log_error("lab", "%zu processes do not answer after %d s; their logs are below %s", waiting,
			  RUN_READY_MS / 1000, run->dir);
		run->stop = true;
		run->result = BANYAN_ETIMEOUT;
	}
	if (waiting == 0 || run->stop)
		net_loop_stop(run->loop);
	else
		net_wake_at(run->loop, clock_mono_ms() + RUN_TICK_MS, on_tick, run);
}

/* Asks every child until it answers. */
static int wait_until_ready(struct run *run)
{
	static struct counters counters;
	const struct net_settings settings = {.udp_batch = 1, .ipv4 = true, .ipv6 = true};
	int rc = net_loop_new(&settings, &counters, &run->loop);
	if (rc < 0)
		return rc;
	run->deadline_ms = clock_mono_ms() + RUN_READY_MS;
	net_on_exchange(run->loop, on_exchange, run);
	net_wake_at(run->loop, clock_mono_ms(), on_tick, run);
	rc = net_loop_run(run->loop);
	net_loop_free(run->loop);
	return rc;
}

static bool any_left(const struct run *run)
{
	for (size_t i = 0; i < run->n_children; i++)
		if (run->child[i].pid > 0)
			return true;
	return false;
}

static void signal_all(const struct run *run, int signal)
{
	for (size_t i = 0; i < run->n_children; i++)
		if (run->child[i].pid > 0)
			kill(run->child[i].pid, signal);
}

static void stop_all(struct run *run)
{
	run->stop = true;
	signal_all(run, SIGTERM);
	int64_t deadline_ms = clock_mono_ms() + RUN_STOP_MS;
	while (any_left(run) && clock_mono_ms() < deadline_ms)
		take_signal(run, RUN_TICK_MS);
	signal_all(run, SIGKILL);
	while (any_left(run))
		take_signal(run, RUN_TICK_MS);
}

static int run_all(struct run *run)
{
	int64_t start_ms = clock_mono_ms();
	int rc = read_conf(run);
	for (size_t i = 0; i < run->n_children && rc == 0; i++)
		rc = child_start(run, &run->child[i]);
	if (rc == 0)
		rc = wait_until_ready(run);
	if (rc == 0 && !run->stop) {
		printf("lab ready: %zu processes after %lld ms\n", run->n_children,
		       (long long)(clock_mono_ms() - start_ms));
		fflush(stdout);
	}
	while (rc == 0 && !run->stop)
		take_signal(run, 1000);
	stop_all(run);
	return rc < 0 ? rc : run->result;
}

int lab_run(const struct lab_run_settings *settings)
{
	_cleanup_(base_free) struct run *run = calloc(1, sizeof(*run));
	if (run == NULL)
		return BANYAN_ENOMEM;
	run->settings = settings;
	if (realpath(settings->dir, run->dir) == NULL) {
		log_error("lab", "%s: %s", settings->dir, strerror(errno));
		return BANYAN_ENOENT;
	}
	find_banyand(run);
	sigemptyset(&run->signals);
	sigaddset(&run->signals, SIGTERM);
	sigaddset(&run->signals, SIGINT);
	sigaddset(&run->signals, SIGHUP);
	sigaddset(&run->signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &run->signals, NULL);
	return run_all(run);
}
