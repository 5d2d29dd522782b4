// SPDX-License-Identifier: GPL-3.0-or-later
/* From root to nobody in particular: user, groups, capabilities, file limits. */
#include "daemon.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define DEFAULT_USER       "banyan"
#define FILES_SPARE        256   /* descriptors beside sockets: zone files, control clients, the log */
#define FILES_RESERVED_MAX 65536 /* half a megabyte of the kernel's memory */

static int refused(char why[REFUSAL_TEXT_MAX], const char *what, const char *name)
{
	int err = errno;
	snprintf(why, REFUSAL_TEXT_MAX, "%s %s: %s", what, name, strerror(err));
	return error_from_errno(err);
}

int privileges_find(const struct config *config, struct identity *ret, char why[REFUSAL_TEXT_MAX])
{
	const char *user = config->server.user;
	*ret = (struct identity){.uid = getuid(), .gid = getgid()};
	if (geteuid() != 0) {
		struct passwd *self = getpwuid(geteuid());
		if (user[0] == 0 || (self != NULL && strcmp(self->pw_name, user) == 0))
			return 0;
		snprintf(why, REFUSAL_TEXT_MAX, "server.user is %s, but only root can become another user", user);
		return BANYAN_EACCES;
	}
	errno = 0;
	struct passwd *pw = getpwnam(user[0] != 0 ? user : DEFAULT_USER);
	if (pw == NULL && user[0] == 0)
		return 0;
	if (pw == NULL) {
		snprintf(why, REFUSAL_TEXT_MAX, "server.user: there is no user %s", user);
		return BANYAN_ENOENT;
	}
	ret->change = pw->pw_uid != 0;
	ret->uid = pw->pw_uid;
	ret->gid = pw->pw_gid;
	snprintf(ret->name, sizeof(ret->name), "%s", pw->pw_name);
	return 0;
}

int privileges_rundir(const char *path, const struct identity *identity, char why[REFUSAL_TEXT_MAX])
{
	if (mkdir(path, 0755) == 0) {
		if (identity->change && chown(path, identity->uid, identity->gid) < 0)
			return refused(why, "cannot give away server.rundir", path);
		return 0;
	}
	if (errno != EEXIST)
		return refused(why, "cannot make server.rundir", path);
	struct stat st;
	if (stat(path, &st) < 0)
		return refused(why, "cannot use server.rundir", path);
	if (!S_ISDIR(st.st_mode)) {
		snprintf(why, REFUSAL_TEXT_MAX, "server.rundir %s is not a directory", path);
		return BANYAN_EEXIST;
	}
	return 0;
}

/* Without any capability, in the bounding set neither: what is executed cannot regain one. */
static int capabilities_drop(char why[REFUSAL_TEXT_MAX])
{
	for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
		(void)cap_drop_bound(cap); /* needs CAP_SETPCAP: without it there is nothing to lose */
	cap_t none = cap_init();
	if (none == NULL)
		return refused(why, "cannot drop", "capabilities");
	int rc = cap_set_proc(none);
	int err = errno;
	cap_free(none);
	if (rc == 0)
		return 0;
	errno = err;
	return refused(why, "cannot drop", "capabilities");
}

static int user_change(const struct identity *identity, char why[REFUSAL_TEXT_MAX])
{
	if (initgroups(identity->name, identity->gid) < 0 ||
	    setresgid(identity->gid, identity->gid, identity->gid) < 0 ||
	    setresuid(identity->uid, identity->uid, identity->uid) < 0)
		return refused(why, "cannot become user", identity->name);
	if (setresuid(0, 0, 0) == 0) {
		snprintf(why, REFUSAL_TEXT_MAX, "could become root again after becoming %s", identity->name);
		return BANYAN_EACCES;
	}
	return 0;
}

int privileges_drop(const struct identity *identity, bool confine, char why[REFUSAL_TEXT_MAX])
{
	int rc = 0;
	/* the bounding set shrinks while there is still the capability to do so; the change of user clears the rest */
	if (identity->change && geteuid() == 0)
		for (int cap = 0; cap <= CAP_LAST_CAP; cap++)
			if (cap != CAP_SETUID && cap != CAP_SETGID)
				(void)cap_drop_bound(cap);
	if (identity->change)
		rc = user_change(identity, why);
	if (rc == 0 && (identity->change || confine))
		rc = capabilities_drop(why);
	if (rc == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		rc = refused(why, "cannot set", "no_new_privs");
	return rc;
}

static void files_raise(rlim_t want)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= want)
		return;
	struct rlimit more = {.rlim_cur = want, .rlim_max = limit.rlim_max < want ? want : limit.rlim_max};
	if (setrlimit(RLIMIT_NOFILE, &more) == 0) /* as root, also above the hard limit */
		return;
	limit.rlim_cur = limit.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &limit);
	if (limit.rlim_cur < want)
		log_info(STATION, "at most %llu files may be open; %llu would be needed at full load",
			 (unsigned long long)limit.rlim_cur, (unsigned long long)want);
}

/* Linux doubles a process's table of descriptors when it is full, and once there are threads it waits each time until no CPU uses
 * the old one: for some 10 to 500 ms, by how busy the machine is, a worker would answer nobody while it opens its 65th, 129th, 257th
 * ... socket. So the table gets its size now. */
static void files_reserve(rlim_t want)
{
	struct rlimit limit;
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	rlim_t most = want < limit.rlim_cur ? want : limit.rlim_cur;
	if (most > FILES_RESERVED_MAX)
		most = FILES_RESERVED_MAX;
	int highest = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, (int)most - 1);
	if (highest >= 0)
		close(highest);
}

/* Each connection and each exchange is a descriptor. */
void privileges_raise_files(const struct config *config, unsigned workers)
{
	rlim_t want = (rlim_t)workers * (NET_EXCHANGES_MAX + NET_AGAIN_MAX + 2 * config->server.listen.count) +
		      config->server.tcp_clients + FILES_SPARE;
	files_raise(want);
	files_reserve(want);
}
