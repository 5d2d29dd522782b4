// SPDX-License-Identifier: GPL-3.0-or-later
/* What confined processes cannot do: each rule is tried in a process of its own. */
#include "test.h"

#include "cmd/confined.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[] = "/tmp/banyan-confined-XXXXXX", open_to_all[64], key[64], opened[64];

static void file_make(char *path, const char *name)
{
	snprintf(path, 64, "%s/%s", folder, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, "x", 1), 1);
	close(fd);
}

static int begin(void **state)
{
	assert_non_null(mkdtemp(folder));
	snprintf(open_to_all, sizeof open_to_all, "%s/open", folder);
	assert_int_equal(mkdir(open_to_all, 0700), 0);
	file_make(opened, "open/file");
	file_make(key, "key");
	return 0;
}

static int end(void **state)
{
	unlink(opened);
	unlink(key);
	rmdir(open_to_all);
	rmdir(folder);
	return 0;
}

/* The errno of opening a file, 0 = it is open. */
static int try_open(const char *path, int flags)
{
	int fd = open(path, flags | O_CLOEXEC);
	if (fd < 0)
		return errno;
	close(fd);
	return 0;
}

/* The wait status of a process that does this. */
static int status_of(int (*run)(void))
{
	int status;
	pid_t pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		_exit(run());
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

#define MUST(condition)                                                                                                \
	if (!(condition))                                                                                              \
	return __LINE__ % 250 + 1

static int reads_what_it_may(void)
{
	const char *path[] = {open_to_all, "/nonexistent"};
	int before = open(key, O_RDONLY | O_CLOEXEC);
	char byte;
	MUST(try_open(key, O_RDONLY) == 0);
	int rc = confine_files(path, ARRAY_SIZE(path));
	if (rc == BANYAN_EUNSUPP)
		return 77;
	MUST(rc == 0 && try_open(opened, O_RDONLY) == 0);
	MUST(try_open(key, O_RDONLY) == EACCES && try_open(opened, O_WRONLY) == EACCES);
	MUST(try_open(open_to_all, O_RDONLY | O_DIRECTORY) == 0 && try_open(folder, O_RDONLY | O_DIRECTORY) == EACCES);
	MUST(try_open("/proc/self/mem", O_RDONLY) == EACCES);
	MUST(execl("/bin/true", "true", (char *)NULL) < 0 && errno == EACCES);
	MUST(read(before, &byte, 1) == 1); /* what is open already may be read */
	return 0;
}

static void files_that_may_be_read(void **state)
{
	int status = status_of(reads_what_it_may);
	if (WIFEXITED(status) && WEXITSTATUS(status) == 77)
		skip(); /* a kernel without Landlock */
	assert_int_equal(status, 0);
}

static int starts_nothing(void)
{
	MUST(confine_fetcher(CONFINE_PROGRAMS_NONE) == 0);
#ifndef __SANITIZE_ADDRESS__ /* which starts a process of its own at the end */
	MUST(fork() < 0 && errno == EPERM);
#endif
	MUST(socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) >= 0);
	execl("/bin/true", "true", (char *)NULL); /* deadly */
	return 1;
}

static int starts_others(void)
{
	int status;
	MUST(confine_fetcher(CONFINE_PROGRAMS_CHILDREN) == 0);
	pid_t pid = fork();
	if (pid == 0) {
		execl("/bin/true", "true", (char *)NULL);
		_exit(1);
	}
	MUST(pid > 0 && waitpid(pid, &status, 0) == pid && status == 0);
	MUST(kill(getppid(), 0) < 0 && errno == EPERM);
	return 0;
}

static void who_fetches(void **state)
{
	int status = status_of(starts_nothing);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGSYS);
	assert_int_equal(status_of(starts_others), 0);
}

static int computes(void)
{
	int fd = open(key, O_RDONLY | O_CLOEXEC);
	char byte;
	MUST(confine_prover() == 0);
	MUST(try_open(key, O_RDONLY) == EPERM && try_open(opened, O_RDONLY) == EPERM);
	MUST(read(fd, &byte, 1) == 1);
	return 0;
}

static void who_proves(void **state)
{
	assert_int_equal(status_of(computes), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_that_may_be_read),
		cmocka_unit_test(who_fetches),
		cmocka_unit_test(who_proves),
	};
	return cmocka_run_group_tests_name("confined", tests, begin, end);
}
