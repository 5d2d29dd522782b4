// SPDX-License-Identifier: GPL-3.0-or-later
/* Sockets and their addresses: the few calls that differ between IPv4 and IPv6. */
#include "private.h"

#include <errno.h>
#include <linux/sock_diag.h>
#include <string.h>
#include <unistd.h>

socklen_t net_sockaddr_from(const struct addr *addr, uint32_t scope, struct sockaddr_storage *out)
{
	if (addr->family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;
		*in = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons(addr->port)};
		memcpy(&in->sin_addr, addr->ip, 4);
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	*in6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(addr->port), .sin6_scope_id = scope};
	memcpy(&in6->sin6_addr, addr->ip, 16);
	return sizeof(*in6);
}

void net_sockaddr_to(const struct sockaddr_storage *sa, struct addr *out, uint32_t *ret_scope)
{
	*out = (struct addr){0};
	*ret_scope = 0;
	if (sa->ss_family == AF_INET) {
		const struct sockaddr_in *in = (const struct sockaddr_in *)sa;
		out->family = 4;
		out->port = ntohs(in->sin_port);
		memcpy(out->ip, &in->sin_addr, 4);
	} else if (sa->ss_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)sa;
		out->family = 6;
		out->port = ntohs(in6->sin6_port);
		memcpy(out->ip, &in6->sin6_addr, 16);
		*ret_scope = in6->sin6_scope_id;
	}
}

void net_socket_set(int fd, int level, int name, int value)
{
	(void)setsockopt(fd, level, name, &value, sizeof(value));
}

/* Beyond the system's limit (net.core.rmem_max) where the process may. */
void net_socket_buffer(int fd, int name, int force_name, uint32_t bytes)
{
	int value = (int)bytes;
	if (setsockopt(fd, SOL_SOCKET, force_name, &value, sizeof(value)) < 0)
		net_socket_set(fd, SOL_SOCKET, name, value);
}

bool net_socket_lost(int fd, uint32_t *ret)
{
	uint32_t info[SK_MEMINFO_VARS];
	socklen_t len = sizeof(info);
	if (getsockopt(fd, SOL_SOCKET, SO_MEMINFO, info, &len) < 0 || len < sizeof(info))
		return false;
	*ret = info[SK_MEMINFO_DROPS];
	return true;
}

/* IP_PMTUDISC_OMIT: no DF bit, and what ICMP claims about the path's MTU is not believed, so that nobody can make us
 * fragment with a forged "too big" (the attack that RFC 9715 is about; message sizes stay below 1232 by default). */
void net_socket_no_pmtu(int fd, uint8_t family)
{
	if (family == 4)
		net_socket_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
	else
		net_socket_set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT);
}

/* IP_PMTUDISC_PROBE: the DF bit is set, and again ICMP is not believed. For questions to authorities: they are smaller than
 * any path's MTU, so nothing is lost, and nobody on the way can fragment what then could be forged piecewise (RFC 9715
 * section 3.2). Replies go without DF: where an operator allows large ones, they should rather come in fragments than never. */
void net_socket_dont_fragment(int fd, uint8_t family)
{
	if (family == 4)
		net_socket_set(fd, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_PROBE);
	else
		net_socket_set(fd, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_PROBE);
}

/* The kernel tells which datagrams it put together of fragments (Linux 4.10). */
void net_socket_tell_fragments(int fd, uint8_t family)
{
	if (family == 4)
		net_socket_set(fd, IPPROTO_IP, IP_RECVFRAGSIZE, 1);
	else
		net_socket_set(fd, IPPROTO_IPV6, IPV6_RECVFRAGSIZE, 1);
}

ssize_t net_socket_receive(int fd, uint8_t *out, size_t max, bool *ret_fragmented)
{
	union net_control control;
	struct iovec iov = {.iov_base = out, .iov_len = max};
	struct msghdr hdr = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t n = recvmsg(fd, &hdr, 0);
	*ret_fragmented = false;
	for (struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&hdr); c != NULL; c = CMSG_NXTHDR(&hdr, c))
		*ret_fragmented = *ret_fragmented || (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_RECVFRAGSIZE) ||
				  (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_RECVFRAGSIZE);
	return n;
}

/* A non-blocking socket of the address's family; IPv6 ones never carry IPv4. */
int net_socket(const struct addr *addr, int type)
{
	if (addr->family != 4 && addr->family != 6)
		return BANYAN_EINVAL;
	int fd = socket(addr->family == 4 ? AF_INET : AF_INET6, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return error_from_errno(errno);
	if (addr->family == 6)
		net_socket_set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	return fd;
}

int net_socket_local(int fd, struct addr *ret)
{
	struct sockaddr_storage sa = {0};
	socklen_t len = sizeof(sa);
	uint32_t scope;
	if (getsockname(fd, (struct sockaddr *)&sa, &len) < 0)
		return error_from_errno(errno);
	net_sockaddr_to(&sa, ret, &scope);
	return 0;
}

int net_bind_error(int err)
{
	return err == EADDRNOTAVAIL ? BANYAN_EUNSUPP : error_from_errno(err);
}

static int probe(const struct addr *addr, int type)
{
	struct sockaddr_storage sa;
	socklen_t len = net_sockaddr_from(addr, 0, &sa);
	int fd = net_socket(addr, type);
	if (fd < 0)
		return fd;
	int rc = 0;
	if (type == SOCK_STREAM) /* connections that linger from an earlier run are no hindrance */
		net_socket_set(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, (struct sockaddr *)&sa, len) < 0 || (type == SOCK_STREAM && listen(fd, 1) < 0))
		rc = net_bind_error(errno);
	close(fd);
	return rc;
}

int net_listen_probe(const struct addr *addr)
{
	if (addr->port == 0)
		return 0;
	int rc = probe(addr, SOCK_DGRAM);
	return rc < 0 ? rc : probe(addr, SOCK_STREAM);
}
