// SPDX-License-Identifier: GPL-3.0-or-later
/* From which of its addresses this machine speaks to another one, so that it is known and heard there. */
#include "private.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* What the kernel would send from, if need be with a start in one of our addresses. No packet goes out. */
static int kernel_choice(const struct addr *from, const struct addr *to, struct addr *ret)
{
	struct sockaddr_storage sa;
	int fd = net_socket(to, SOCK_DGRAM);
	if (fd < 0)
		return fd;
	int rc = 0;
	if (from != NULL) {
		struct addr any_port = *from;
		any_port.port = 0;
		socklen_t len = net_sockaddr_from(&any_port, 0, &sa);
		rc = bind(fd, (struct sockaddr *)&sa, len) < 0 ? net_bind_error(errno) : 0;
	}
	if (rc == 0 && to->port != 0) {
		socklen_t len = net_sockaddr_from(to, 0, &sa);
		rc = connect(fd, (struct sockaddr *)&sa, len) < 0 ? error_from_errno(errno) : 0;
	}
	if (rc == 0)
		rc = net_socket_local(fd, ret);
	close(fd);
	return rc;
}

static bool same_ip(const struct addr *a, const struct addr *b)
{
	return a->family == b->family && memcmp(a->ip, b->ip, sizeof a->ip) == 0;
}

int net_source_for(const struct addr *to, size_t n, const struct addr *listen, struct addr *ret)
{
	struct addr kernel;
	int rc = kernel_choice(NULL, to, &kernel);
	for (size_t i = 0; i < n && rc == 0; i++)
		if (same_ip(&listen[i], &kernel) ||
		    (listen[i].family == kernel.family && net_is_wildcard(&listen[i]))) {
			kernel.port = listen[i].port;
			*ret = kernel;
			return 0;
		}
	/* 127.0.0.1 leads nowhere else: the kernel says so */
	for (size_t i = 0; i < n; i++)
		if (listen[i].family == to->family && !net_is_wildcard(&listen[i]) &&
		    kernel_choice(&listen[i], to, &kernel) == 0) {
			*ret = listen[i];
			return 0;
		}
	return BANYAN_ENOENT;
}

int net_source_check(const struct addr *addr)
{
	struct addr to = *addr, unused;
	to.port = 0; /* nobody is connected to */
	return kernel_choice(addr, &to, &unused);
}
