// SPDX-License-Identifier: GPL-3.0-or-later
/* What the process may still do when it talks to a server. */
#include "fetch.h"

#include "cmd/sanitized.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>

/* What libcurl, GnuTLS and the C library use for one fetch; no call here makes a file, waits for connections or starts a program. */
static const int allowed[] = {
#define CALL(name) SCMP_SYS(name),
#include "cmd/computing.def"
#undef CALL
	SCMP_SYS(connect),         SCMP_SYS(sendto),      SCMP_SYS(sendmsg),
	SCMP_SYS(sendmmsg),        SCMP_SYS(recvfrom),    SCMP_SYS(recvmsg),
	SCMP_SYS(shutdown),        SCMP_SYS(getsockname), SCMP_SYS(getpeername),
	SCMP_SYS(getsockopt),      SCMP_SYS(setsockopt),  SCMP_SYS(poll),
	SCMP_SYS(ppoll),           SCMP_SYS(select),      SCMP_SYS(pselect6),
	SCMP_SYS(eventfd2),        SCMP_SYS(pipe2),       SCMP_SYS(read),
	SCMP_SYS(readv),           SCMP_SYS(pread64),     SCMP_SYS(write),
	SCMP_SYS(writev),          SCMP_SYS(close),       SCMP_SYS(lseek),
	SCMP_SYS(ftruncate),       SCMP_SYS(fstat),       SCMP_SYS(stat),
	SCMP_SYS(lstat),           SCMP_SYS(statx),       SCMP_SYS(newfstatat),
	SCMP_SYS(access),          SCMP_SYS(faccessat),   SCMP_SYS(readlink),
	SCMP_SYS(getcwd),          SCMP_SYS(fcntl),       SCMP_SYS(ioctl),
	SCMP_SYS(getdents64),      SCMP_SYS(membarrier),  SCMP_SYS(set_tid_address),
	SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),   SCMP_SYS(tgkill),
	SCMP_SYS(getuid),          SCMP_SYS(geteuid),     SCMP_SYS(getgid),
	SCMP_SYS(getegid),         SCMP_SYS(uname),       SCMP_SYS(prlimit64),
	SCMP_SYS(alarm),           SCMP_SYS(setitimer),
};

static const int deadly[] = {SCMP_SYS(execve), SCMP_SYS(execveat), SCMP_SYS(fork), SCMP_SYS(vfork), SCMP_SYS(ptrace)};

static int limit(int what, uint64_t value)
{
	struct rlimit now;
	if (getrlimit(what, &now) < 0)
		return error_from_errno(errno);
	if (now.rlim_max != RLIM_INFINITY && now.rlim_max < value)
		value = now.rlim_max;
	struct rlimit want = {.rlim_cur = value, .rlim_max = value};
	return setrlimit(what, &want) < 0 ? error_from_errno(errno) : 0;
}

static int add_files(scmp_filter_ctx filter)
{
	const scmp_datum_t change = O_ACCMODE | O_CREAT | O_TRUNC;
	int rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1,
				  SCMP_A2(SCMP_CMP_MASKED_EQ, change, O_RDONLY));
	return rc < 0 ? rc
		      : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(open), 1,
					 SCMP_A1(SCMP_CMP_MASKED_EQ, change, O_RDONLY));
}

/* Threads and modules of the C library, where it is to look for addresses; nothing of the kind otherwise. */
static int add_code(scmp_filter_ctx filter, bool resolve)
{
	int rc = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0);
	if (rc == 0 && resolve)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	if (resolve) {
		if (rc == 0)
			rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 0);
		return rc < 0 ? rc : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 0);
	}
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return rc < 0 ? rc
		      : seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
					 SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
}

static int filter_load(bool resolve)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (filter == NULL)
		return BANYAN_ENOMEM;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(allowed); i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
	for (size_t i = 0; rc == 0 && i < ARRAY_SIZE(deadly); i++)
		rc = seccomp_rule_add(filter, SCMP_ACT_KILL_PROCESS, deadly[i], 0);
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_INET));
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), 1, SCMP_A0(SCMP_CMP_EQ, AF_INET6));
	/* libcurl wakes itself through a pair of sockets */
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(socketpair), 0);
	if (rc == 0)
		rc = add_files(filter);
	if (rc == 0)
		rc = add_code(filter, resolve);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	return rc < 0 ? error_from_errno(-rc) : 0;
}

/* AddressSanitizer looks for leaks at the end by a process that traces this one: besides the limit of memory, the filter does not go
 * with it. */
int fetch_confine(const struct request *request)
{
	if (request->no_confine)
		return 0;
	int rc = limit(RLIMIT_CORE, 0);
	if (rc == 0)
		rc = limit(RLIMIT_NOFILE, DESCRIPTORS_MAX);
	if (rc == 0 && !IS_SANITIZED)
		rc = limit(RLIMIT_AS, MEMORY_MAX);
	if (rc == 0) /* to unpack 64 MB takes one second */
		rc = limit(RLIMIT_CPU, 10 + request->time_max_ms / 1000);
	if (rc == 0)
		rc = limit(RLIMIT_FSIZE, request->bytes_max);
	if (rc == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		rc = error_from_errno(errno);
	if (rc != 0 || IS_SANITIZED)
		return rc;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return error_from_errno(errno);
	return filter_load(request->resolve);
}
