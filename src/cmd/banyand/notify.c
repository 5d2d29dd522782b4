// SPDX-License-Identifier: GPL-3.0-or-later
/* What the service manager hears: the protocol of sd_notify(3) and sd_watchdog_enabled(3), spoken without libsystemd, whose libraries would
 * take a megabyte of each daemon's memory (decision 4). Without a service manager these do nothing. */
#include "daemon.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* A path, or '@' and a name in the abstract namespace, where a zero byte stands for the '@'. */
static bool manager_address(struct sockaddr_un *to, socklen_t *ret_len)
{
	const char *path = getenv("NOTIFY_SOCKET");
	size_t len = path != NULL ? strlen(path) : 0;
	if (len < 2 || (path[0] != '/' && path[0] != '@') || len >= sizeof(to->sun_path))
		return false;
	*to = (struct sockaddr_un){.sun_family = AF_UNIX};
	memcpy(to->sun_path, path, len);
	if (path[0] == '@')
		to->sun_path[0] = 0;
	*ret_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len + (path[0] == '/'));
	return true;
}

static void notify(const char *text)
{
	struct sockaddr_un to;
	socklen_t len;
	if (!manager_address(&to, &len))
		return;
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	struct iovec part = {.iov_base = (char *)(uintptr_t)text, .iov_len = strlen(text)};
	struct msghdr message = {.msg_name = &to, .msg_namelen = len, .msg_iov = &part, .msg_iovlen = 1};
	if (sendmsg(fd, &message, MSG_NOSIGNAL) < 0)
		log_debug(STATION, "the service manager cannot be told");
	close(fd);
}

void notify_ready(const char *status)
{
	char text[REFUSAL_TEXT_MAX + 32];
	snprintf(text, sizeof(text), "READY=1\nSTATUS=%s", status);
	notify(text);
}

void notify_reloading(void)
{
	char text[128];
	snprintf(text, sizeof(text), "RELOADING=1\nMONOTONIC_USEC=%lld\nSTATUS=loading",
		 (long long)(clock_mono_ns() / 1000));
	notify(text);
}

void notify_stopping(void)
{
	notify("STOPPING=1\nSTATUS=stopping");
}

void notify_alive(void)
{
	notify("WATCHDOG=1");
}

/* WATCHDOG_PID, if it is there, says which process is meant. */
uint64_t notify_watchdog_us(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	char *end;
	if (usec == NULL || (pid != NULL && strtol(pid, NULL, 10) != (long)getpid()))
		return 0;
	unsigned long long value = strtoull(usec, &end, 10);
	return *end == '\0' && value < UINT64_MAX / 2 ? value : 0;
}
