// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Generations on disk through crashes. Each thing that changes a folder is done by a child under ptrace: once to count its system calls, then
 * once for each of them, killed (SIGKILL) as it makes that call, and once for each with the call failing (ENOSPC, EIO). Then the folder
 * is opened as by a daemon that starts, and must be good. At last the calls themselves are held against what survives a loss of power: nothing
 * takes a name that is not on the disk, and nothing is told that could be undone.
 */
#include "keeping.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>

#define CALLS_MAX 2000 /* of one operation: a few hundred are normal */

static char dir[64];
static char why[KEEP_WHY_MAX];

static struct keep *open_keep(void)
{
	struct keep_settings settings = {.generations_max = 2};
	struct keep *keep = NULL;
	return keep_open(dir, ROOT, &settings, &keep, why) == 0 ? keep : NULL;
}

/* ---- what is done ---- */

struct operation {
	const char *name;
	void (*prepare)(void);
	int (*run)(void);
	uint32_t old, new; /* serials that may be current afterwards: before it, and once it is done */
	bool drops_floor;
};

/* Serials 10 and 20, the latter current: with 30 the first one goes. */
static void prepare_two(void)
{
	uint64_t number;
	folder_empty(dir);
	struct keep *keep = open_keep();
	assert_non_null(keep);
	assert_int_equal(add_serial(keep, 10, &number, why), 0);
	assert_int_equal(add_serial(keep, 20, &number, why), 0);
	keep_close(keep);
}

/* The same, and what a crash may have left. */
static void prepare_litter(void)
{
	prepare_two();
	file_put(dir, "incoming-1", "half", 4);
	file_put(dir, "state.tmp", "banyan-ke", 9);
	file_put(dir, "3.about.tmp", "", 0);
	file_put(dir, "3.wire", "x", 1);
	file_put(dir, "9.about", "x", 1);
	file_put(dir, "9.image", "x", 1);
}

static void prepare_no_state(void)
{
	char path[96];
	prepare_two();
	snprintf(path, sizeof path, "%s/state", dir);
	assert_int_equal(unlink(path), 0);
}

static int run_add(void)
{
	uint64_t number;
	struct keep *keep = open_keep();
	if (keep == NULL)
		return -1;
	int rc = add_serial(keep, 30, &number, why);
	if (rc < 0 && add_serial(keep, 30, &number, why) < 0) /* what has failed once works, where nothing fails */
		_exit(99);
	if (keep_about_of(keep, keep_current(keep))->serial != 30)
		_exit(98);
	keep_close(keep);
	return rc;
}

static int run_roll_back(void)
{
	struct keep *keep = open_keep();
	int rc = keep == NULL ? -1 : keep_roll_back(keep, 1, why);
	if (keep != NULL && rc < 0 && keep_count(keep) == 2 && keep_roll_back(keep, 1, why) < 0)
		_exit(99);
	keep_close(keep);
	return rc;
}

static int run_open(void)
{
	struct keep *keep = open_keep();
	if (keep == NULL)
		return -1;
	keep_close(keep);
	return 0;
}

static int run_update(void)
{
	struct keep *keep = open_keep();
	const struct keep_about *now = keep == NULL ? NULL : keep_about_of(keep, 2);
	if (now == NULL)
		return -1;
	struct keep_about about = *now;
	about.proved_at = 77;
	int rc = keep_update(keep, &about, why);
	keep_close(keep);
	return rc;
}

static int run_drop(void)
{
	struct keep *keep = open_keep();
	int rc = keep == NULL ? -1 : keep_drop(keep, 1, why);
	keep_close(keep);
	return rc;
}

static int run_forget(void)
{
	struct keep *keep = open_keep();
	int rc = keep == NULL ? -1 : keep_forget_highest(keep, why);
	keep_close(keep);
	return rc;
}

static const struct operation operations[] = {
	{"add", prepare_two, run_add, 20, 30, false},
	{"roll back", prepare_two, run_roll_back, 20, 10, false},
	{"open", prepare_litter, run_open, 20, 20, false},
	{"open without state", prepare_no_state, run_open, 20, 20, false},
	{"update", prepare_two, run_update, 20, 20, false},
	{"drop", prepare_two, run_drop, 20, 20, false},
	{"forget", prepare_two, run_forget, 20, 20, true},
};

/* ---- a child, call by call ---- */

struct child {
	pid_t pid;
	int status;
	unsigned n; /* system calls between its two marks */
	struct __ptrace_syscall_info call;
};

static void child_start(struct child *c, const struct operation *op)
{
	fflush(NULL);
	c->pid = fork();
	if (c->pid == 0) {
		dup2(open("/dev/null", O_WRONLY), STDERR_FILENO); /* what fails is meant to */
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		syscall(SYS_getppid);
		int rc = op->run();
		syscall(SYS_getppid);
		_exit(rc < 0);
	}
	c->n = 0;
	assert_int_equal(waitpid(c->pid, &c->status, 0), c->pid);
	assert_true(WIFSTOPPED(c->status));
	assert_int_equal(ptrace(PTRACE_SETOPTIONS, c->pid, NULL, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL), 0);
}

/* On to the next begin or end of a call; false: it has ended. */
static bool child_step(struct child *c)
{
	int signal = 0;
	for (;;) {
		if (ptrace(PTRACE_SYSCALL, c->pid, NULL, signal) < 0)
			fail_msg("ptrace: %s", strerror(errno));
		assert_int_equal(waitpid(c->pid, &c->status, 0), c->pid);
		if (!WIFSTOPPED(c->status))
			return false;
		if (WSTOPSIG(c->status) == (SIGTRAP | 0x80))
			break;
		signal = WSTOPSIG(c->status);
	}
	assert_true(ptrace(PTRACE_GET_SYSCALL_INFO, c->pid, sizeof c->call, &c->call) > 0);
	return true;
}

/* Begins of calls between the marks only. */
static bool child_next(struct child *c)
{
	while (child_step(c)) {
		if (c->call.op != PTRACE_SYSCALL_INFO_ENTRY)
			continue;
		if (c->call.entry.nr == SYS_getppid) {
			if (c->n > 0)
				break;
			c->n = 1;
			continue;
		}
		if (c->n > 0 && c->n++ < CALLS_MAX)
			return true;
	}
	return false;
}

static void child_end(struct child *c)
{
	while (WIFSTOPPED(c->status) && child_step(c))
		;
}

/* ---- what must hold ---- */

static void assert_good(const struct operation *op, unsigned at, const char *what, bool finished)
{
	uint32_t floor = 0;
	struct keep *keep = open_keep();
	if (keep == NULL)
		fail_msg("%s, %s at call %u: %s", op->name, what, at, why);
	const struct keep_about *about = keep_about_of(keep, keep_current(keep));
	if (about == NULL)
		fail_msg("%s, %s at call %u: nothing is current", op->name, what, at);
	uint32_t serial = about->serial;
	if ((serial != op->old && serial != op->new) || (finished && serial != op->new))
		fail_msg("%s, %s at call %u: serial %u is current", op->name, what, at, serial);
	uint64_t damaged;
	if (keep_damaged_at(keep, 0, &damaged) != NULL)
		fail_msg("%s, %s at call %u: generation %llu is damaged", op->name, what, at,
			 (unsigned long long)damaged);
	bool old_there = false;
	for (size_t i = 0; i < keep_count(keep); i++) {
		assert_content(keep, keep_about_at(keep, i)->number);
		old_there |= keep_about_at(keep, i)->serial == op->old;
	}
	if (!old_there)
		fail_msg("%s, %s at call %u: the last good one is lost", op->name, what, at);
	bool has_floor = keep_highest(keep, &floor);
	if ((!has_floor && !op->drops_floor) || (has_floor && floor != (serial == 30 ? 30u : 20u)))
		fail_msg("%s, %s at call %u: the highest serial is %u", op->name, what, at, floor);
	assert_int_equal(folder_count(dir, "incoming"), 0);
	assert_int_equal(folder_count(dir, ".tmp"), 0);
	assert_int_equal(folder_count(dir, "about"), keep_count(keep));
	assert_int_equal(folder_count(dir, "wire"), keep_count(keep));
	assert_int_equal(folder_count(dir, "image"), keep_count(keep));
	uint64_t number; /* and it goes on */
	if (add_serial(keep, 40, &number, why) < 0)
		fail_msg("%s, %s at call %u: %s", op->name, what, at, why);
	keep_close(keep);
}

static void killed_at_each_call(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		const struct operation *op = &operations[i];
		struct child c;
		unsigned calls = 0;
		bool killed = true;
		for (unsigned at = 1; killed; at++) {
			op->prepare();
			child_start(&c, op);
			for (calls = 0; calls < at && child_next(&c); calls++)
				;
			killed = calls == at;
			if (killed) {
				kill(c.pid, SIGKILL);
				assert_int_equal(waitpid(c.pid, &c.status, 0), c.pid);
				assert_true(WIFSIGNALED(c.status));
			} else {
				child_end(&c);
				assert_true(WIFEXITED(c.status) && WEXITSTATUS(c.status) == 0);
			}
			assert_good(op, at, "killed", !killed);
		}
		print_message("# %s: killed at each of %u system calls\n", op->name, calls);
		assert_in_range(calls, 20, CALLS_MAX - 2);
	}
}

/* ---- calls that fail ---- */

#if defined(__x86_64__)
#define CAN_FAIL 1
static void call_skip(pid_t pid)
{
	assert_int_equal(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, orig_rax), -1L), 0);
}

static void call_result(pid_t pid, long result)
{
	assert_int_equal(ptrace(PTRACE_POKEUSER, pid, offsetof(struct user_regs_struct, rax), result), 0);
}
#elif defined(__aarch64__)
#define CAN_FAIL 1
static void call_skip(pid_t pid)
{
	int none = -1;
	struct iovec iov = {&none, sizeof none};
	assert_int_equal(ptrace(PTRACE_SETREGSET, pid, NT_ARM_SYSTEM_CALL, &iov), 0);
}

static void call_result(pid_t pid, long result)
{
	struct user_regs_struct regs;
	struct iovec iov = {&regs, sizeof regs};
	assert_int_equal(ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &iov), 0);
	regs.regs[0] = (unsigned long long)result;
	assert_int_equal(ptrace(PTRACE_SETREGSET, pid, NT_PRSTATUS, &iov), 0);
}
#else
#define CAN_FAIL 0
static void call_skip(pid_t pid)
{
}

static void call_result(pid_t pid, long result)
{
}
#endif

/* Calls that do not fail, or whose descriptor is gone all the same. */
static bool never_fails(uint64_t call)
{
	return call == SYS_close || call == SYS_munmap || call == SYS_exit_group || call == SYS_madvise ||
	       call == SYS_getpid || call == SYS_brk;
}

static void each_call_fails(void **state)
{
	static const int errors[] = {ENOSPC, EIO};
	if (!CAN_FAIL)
		skip();
	for (size_t i = 0; i < ARRAY_SIZE(operations) * ARRAY_SIZE(errors); i++) {
		const struct operation *op = &operations[i / ARRAY_SIZE(errors)];
		int error = errors[i % ARRAY_SIZE(errors)];
		const char *what = error == EIO ? "EIO" : "ENOSPC";
		struct child c;
		unsigned calls = 0;
		bool failed = true;
		for (unsigned at = 1; failed; at++) {
			op->prepare();
			child_start(&c, op);
			for (calls = 0; calls < at && child_next(&c); calls++)
				;
			failed = calls == at;
			if (failed && !never_fails(c.call.entry.nr)) {
				call_skip(c.pid);
				assert_true(child_step(&c));
				call_result(c.pid, -error);
			}
			child_end(&c);
			if (!WIFEXITED(c.status) || WEXITSTATUS(c.status) > 1)
				fail_msg("%s, %s at call %u: status %x", op->name, what, at, c.status);
			assert_good(op, at, what, WEXITSTATUS(c.status) == 0);
		}
	}
}

/* ---- a loss of power ---- */

/* What is written but not on the disk: files by their inode, and names in the folder. */
struct unsafe {
	ino_t inode[64];
	size_t n;
	unsigned names; /* renamed and made since the folder was made durable */
};

static ino_t inode_of(pid_t pid, int fd, bool *ret_folder)
{
	char path[64];
	struct stat st;
	snprintf(path, sizeof path, "/proc/%ld/fd/%d", (long)pid, fd);
	if (stat(path, &st) < 0)
		return 0;
	*ret_folder = S_ISDIR(st.st_mode);
	return st.st_ino;
}

static void mark(struct unsafe *u, ino_t inode, bool dirty)
{
	size_t i = 0;
	while (i < u->n && u->inode[i] != inode)
		i++;
	if (!dirty && i < u->n)
		u->inode[i] = u->inode[--u->n];
	else if (dirty && i == u->n && u->n < ARRAY_SIZE(u->inode))
		u->inode[u->n++] = inode;
}

static void text_of(pid_t pid, uint64_t at, char out[256])
{
	struct iovec local = {out, 255}, remote = {(void *)(uintptr_t)at, 255};
	ssize_t n = process_vm_readv(pid, &local, 1, &remote, 1, 0);
	out[n > 0 ? n : 0] = '\0';
}

static void look_rename(struct unsafe *u, pid_t pid, const char *from, const char *to)
{
	char path[512];
	struct stat st;
	snprintf(path, sizeof path, "%s/%s", dir, from);
	assert_int_equal(stat(path, &st), 0);
	for (size_t i = 0; i < u->n; i++)
		if (u->inode[i] == st.st_ino)
			fail_msg("%s becomes %s, and is not on the disk", from, to);
	if (strcmp(to, "state") == 0 && u->names > 0)
		fail_msg("the state is replaced, and %u names before it are not on the disk", u->names);
	u->names++;
}

static void look(struct unsafe *u, const struct child *c)
{
	const uint64_t *arg = c->call.entry.args;
	bool folder = false;
	char from[256], to[256];
	switch (c->call.entry.nr) {
	case SYS_write:
	case SYS_pwrite64:
	case SYS_writev:
		mark(u, inode_of(c->pid, (int)arg[0], &folder), true);
		break;
	case SYS_fsync:
		mark(u, inode_of(c->pid, (int)arg[0], &folder), false);
		if (folder)
			u->names = 0;
		break;
#ifdef SYS_renameat
	case SYS_renameat:
#endif
	case SYS_renameat2:
		text_of(c->pid, arg[1], from);
		text_of(c->pid, arg[3], to);
		look_rename(u, c->pid, from, to);
		break;
	default:
		break;
	}
}

static void safe_when_power_is_lost(void **state)
{
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		struct child c;
		struct unsafe u = {0};
		operations[i].prepare();
		child_start(&c, &operations[i]);
		while (child_next(&c))
			look(&u, &c);
		child_end(&c);
		assert_int_equal(c.status, 0);
		if (u.names > 0)
			fail_msg("%s: %u names are not on the disk when it is done", operations[i].name, u.names);
	}
}

static int folder_new(void **state)
{
	uint8_t sum[1024];
	snprintf(dir, sizeof dir, "%s/banyan-keep-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(dir));
	content(1, 1, sum, sizeof sum);
	prepare_two(); /* what libraries read at their first use is read before the children are forked */
	struct keep *keep = open_keep();
	assert_non_null(keep);
	assert_content(keep, 2);
	keep_close(keep);
	return 0;
}

static int folder_gone(void **state)
{
	folder_empty(dir);
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(killed_at_each_call),
		cmocka_unit_test(each_call_fails),
		cmocka_unit_test(safe_when_power_is_lost),
	};
	log_set_level(LOG_LEVEL_ERROR);
	return cmocka_run_group_tests_name("keep-crash", tests, folder_new, folder_gone);
}
