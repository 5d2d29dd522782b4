// SPDX-License-Identifier: GPL-3.0-or-later
/* What processes that touch what came from outside may do: limits, rules for files, and filters of system calls that hold until their end. */
#include "confined.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define FILES_MAX       256 /* descriptors: a program that fetches has a few connections */
/* Address space that is set aside costs nothing: an image reserves four times what its zone takes. */
#define ADDRESSES_TIMES 4

/* ---- limits ---- */

static int limit(int what, uint64_t most)
{
	struct rlimit now;
	if (getrlimit(what, &now) < 0)
		return error_from_errno(errno);
	rlim_t value = now.rlim_max != RLIM_INFINITY && now.rlim_max < most ? now.rlim_max : (rlim_t)most;
	return setrlimit(what, &(struct rlimit){.rlim_cur = value, .rlim_max = value}) < 0 ? error_from_errno(errno)
											   : 0;
}

#ifdef __SANITIZE_ADDRESS__
/* AddressSanitizer reserves the address space of the whole process: no limit goes with it. */
static int limit_memory(uint64_t most)
{
	return 0;
}
#else
/* Bytes of address space that this process has already: program, libraries, what the attendant has. */
static uint64_t addresses_now(void)
{
	unsigned long pages = 0;
	FILE *file = fopen("/proc/self/statm", "re");
	if (file == NULL)
		return (uint64_t)256 << 20;
	if (fscanf(file, "%lu", &pages) != 1)
		pages = ((uint64_t)256 << 20) / (unsigned long)sysconf(_SC_PAGESIZE);
	fclose(file);
	return (uint64_t)pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Memory that can be written to (RLIMIT_DATA), and with some room all that is mapped (RLIMIT_AS). */
static int limit_memory(uint64_t most)
{
	uint64_t now = addresses_now(), all = most > UINT64_MAX / 8 ? UINT64_MAX / 2 : most * ADDRESSES_TIMES;
	int rc = limit(RLIMIT_DATA, now + most);
	return rc == 0 ? limit(RLIMIT_AS, now + all) : rc;
}
#endif

int confine_limits(const struct confine_limits *limits)
{
	uint64_t cpu_s = (limits->time_max_ms + 999) / 1000;
	int rc = limit_memory(limits->memory_max);
	if (rc == 0)
		rc = limit(RLIMIT_CPU, cpu_s * limits->cpus);
	if (rc == 0)
		rc = limit(RLIMIT_FSIZE, limits->bytes_max);
	if (rc == 0)
		rc = limit(RLIMIT_CORE, 0);
	if (rc == 0)
		rc = limit(RLIMIT_NOFILE, FILES_MAX);
	if (rc == 0 && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		rc = error_from_errno(errno);
	if (rc == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		rc = error_from_errno(errno);
	return rc;
}

/* ---- filters ---- */

static int add_all(scmp_filter_ctx filter, uint32_t action, const int *call, size_t n)
{
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = seccomp_rule_add(filter, action, call[i], 0);
	return rc;
}

/* Threads, but no processes; clone3 hides its flags behind a pointer, and the C library does without it. */
static int add_threads(scmp_filter_ctx filter, uint32_t processes, bool all_else_allowed)
{
	int rc = seccomp_rule_add(filter, processes, SCMP_SYS(clone), 1, SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0));
	if (rc == 0 && !all_else_allowed)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
				      SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	return rc == 0 ? seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) : rc;
}

static int load(scmp_filter_ctx filter, int rc)
{
	if (rc == 0)
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (rc == 0) /* of all threads, also those that looked for an address */
		rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
	if (rc == 0)
		rc = seccomp_load(filter);
	seccomp_release(filter);
	errno = rc < 0 ? -rc : 0;
	return rc < 0 ? error_from_errno(-rc) : 0;
}

/* Whoever proves computes: what it has been given to read and write is open already. */
static const int prover_allowed[] = {
#define CALL(name) SCMP_SYS(name),
#include "cmd/computing.def"
#undef CALL
	SCMP_SYS(read),      SCMP_SYS(readv),       SCMP_SYS(pread64), SCMP_SYS(write),
	SCMP_SYS(writev),    SCMP_SYS(pwrite64),    SCMP_SYS(lseek),   SCMP_SYS(_llseek),
	SCMP_SYS(ftruncate), SCMP_SYS(ftruncate64), SCMP_SYS(fstat),   SCMP_SYS(fstat64),
	SCMP_SYS(close),     SCMP_SYS(dup),         SCMP_SYS(dup2),    SCMP_SYS(dup3),
};

/* Somebody else has taken over: ended at once, and told. All else that is not allowed fails. */
static const int prover_deadly[] = {
	SCMP_SYS(socket),    SCMP_SYS(socketpair),     SCMP_SYS(connect),  SCMP_SYS(bind),
	SCMP_SYS(execve),    SCMP_SYS(execveat),       SCMP_SYS(fork),     SCMP_SYS(vfork),
	SCMP_SYS(ptrace),    SCMP_SYS(kill),           SCMP_SYS(tkill),    SCMP_SYS(mount),
	SCMP_SYS(unlink),    SCMP_SYS(rename),         SCMP_SYS(unlinkat), SCMP_SYS(renameat),
	SCMP_SYS(renameat2), SCMP_SYS(io_uring_setup), SCMP_SYS(bpf),      SCMP_SYS(process_vm_writev),
};

int confine_prover(void)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	if (filter == NULL)
		return BANYAN_ENOMEM;
	int rc = add_all(filter, SCMP_ACT_ALLOW, prover_allowed, ARRAY_SIZE(prover_allowed));
	if (rc == 0)
		rc = add_all(filter, SCMP_ACT_KILL_PROCESS, prover_deadly, ARRAY_SIZE(prover_deadly));
	if (rc == 0)
		rc = add_threads(filter, SCMP_ACT_KILL_PROCESS, false);
	/* how the C library looks at a descriptor: by no path */
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat), 1,
				      SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
	/* nothing that is written is ever executed */
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	if (rc == 0)
		rc = seccomp_rule_add(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), 1,
				      SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	return load(filter, rc);
}

/* What no program that fetches has any use for. It is executed with this filter, so the list names what is refused. */
static const int fetcher_refused[] = {
#ifndef __SANITIZE_ADDRESS__
	SCMP_SYS(ptrace),
#endif
	SCMP_SYS(process_vm_readv),
	SCMP_SYS(process_vm_writev),
	SCMP_SYS(bpf),
	SCMP_SYS(userfaultfd),
	SCMP_SYS(perf_event_open),
	SCMP_SYS(keyctl),
	SCMP_SYS(add_key),
	SCMP_SYS(request_key),
	SCMP_SYS(io_uring_setup),
	SCMP_SYS(mount),
	SCMP_SYS(umount2),
	SCMP_SYS(unshare),
	SCMP_SYS(setns),
	SCMP_SYS(kill),
	SCMP_SYS(tkill),
	SCMP_SYS(listen),
	SCMP_SYS(accept),
	SCMP_SYS(accept4),
	SCMP_SYS(open_by_handle_at),
	SCMP_SYS(pidfd_getfd),
};

#define FILES_WRITTEN                                                                                                  \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_REMOVE_FILE |              \
	 LANDLOCK_ACCESS_FS_MAKE_CHAR | LANDLOCK_ACCESS_FS_MAKE_DIR | LANDLOCK_ACCESS_FS_MAKE_REG |                    \
	 LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK |                 \
	 LANDLOCK_ACCESS_FS_MAKE_SYM)

/* Files stay as they are: a set of rules that handles all ways to write and allows none (Linux 5.13; before that, rights of the user and
 * the limit on what is written have to do). What is open already may be written to. */
static void files_read_only(void)
{
	struct landlock_ruleset_attr handled = {
		.handled_access_fs = FILES_WRITTEN,
	};
	int set = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
	if (set < 0)
		return;
	(void)syscall(SYS_landlock_restrict_self, set, 0);
	close(set);
}

/* Rules of what a process may do with a place and all below it: read it, and run what is there. */
static int rule_add(int set, const char *path)
{
	struct stat st;
	struct landlock_path_beneath_attr rule = {.allowed_access =
							  LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_EXECUTE};
	rule.parent_fd = open(path, O_PATH | O_CLOEXEC);
	if (rule.parent_fd < 0)
		return 0; /* what is not there needs no rule */
	if (fstat(rule.parent_fd, &st) == 0 && S_ISDIR(st.st_mode))
		rule.allowed_access |= LANDLOCK_ACCESS_FS_READ_DIR;
	long rc = syscall(SYS_landlock_add_rule, set, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
	int err = errno;
	close(rule.parent_fd);
	return rc < 0 ? error_from_errno(err) : 0;
}

int confine_files(const char *const *path, size_t n)
{
	struct landlock_ruleset_attr handled = {
		.handled_access_fs = FILES_WRITTEN | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR |
				     LANDLOCK_ACCESS_FS_EXECUTE,
	};
	int set = (int)syscall(SYS_landlock_create_ruleset, &handled, sizeof handled, 0);
	if (set < 0)
		return BANYAN_EUNSUPP;
	int rc = 0;
	for (size_t i = 0; rc == 0 && i < n; i++)
		rc = rule_add(set, path[i]);
	if (rc == 0 && (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_landlock_restrict_self, set, 0) < 0))
		rc = error_from_errno(errno);
	close(set);
	return rc;
}

int confine_fetcher(enum confine_programs programs)
{
	static const int processes[] = {SCMP_SYS(fork), SCMP_SYS(vfork)};
	static const int others[] = {SCMP_SYS(execve), SCMP_SYS(execveat)};
	files_read_only();
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	if (filter == NULL)
		return BANYAN_ENOMEM;
	int rc = add_all(filter, SCMP_ACT_ERRNO(EPERM), fetcher_refused, ARRAY_SIZE(fetcher_refused));
	if (rc == 0 && programs != CONFINE_PROGRAMS_CHILDREN)
		rc = add_all(filter, SCMP_ACT_ERRNO(EPERM), processes, ARRAY_SIZE(processes));
	if (rc == 0 && programs == CONFINE_PROGRAMS_NONE)
		rc = add_all(filter, SCMP_ACT_KILL_PROCESS, others, ARRAY_SIZE(others));
#ifndef __SANITIZE_ADDRESS__ /* which looks for leaks at the end by a process of its own */
	if (rc == 0 && programs != CONFINE_PROGRAMS_CHILDREN)
		rc = add_threads(filter, SCMP_ACT_ERRNO(EPERM), true);
#endif
	return load(filter, rc);
}

/* ---- before the filter ---- */

void confine_warm_up(void)
{
	static const char *const digests[] = {"SHA1", "SHA256", "SHA384", "SHA512"};
	uint8_t out[EVP_MAX_MD_SIZE];
	tzset(); /* dates are formatted without a look at /etc */
	(void)cpu_count();
	OPENSSL_init_crypto(OPENSSL_INIT_LOAD_CRYPTO_STRINGS | OPENSSL_INIT_ADD_ALL_DIGESTS, NULL);
	for (size_t i = 0; i < ARRAY_SIZE(digests); i++) {
		EVP_MD *md = EVP_MD_fetch(NULL, digests[i], NULL);
		if (md != NULL)
			(void)EVP_Digest("", 0, out, NULL, md, NULL);
		EVP_MD_free(md);
	}
}
