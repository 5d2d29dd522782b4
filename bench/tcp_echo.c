// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * tcp_echo - the floor under servers over TCP: what a question costs when nobody reads it. One thread; messages that came with one read get replies in
 * one write, each as long as those of real servers are on average. Whoever asks by UDP whether it is there hears his question again.
 *
 *   tcp_echo ADDRESS PORT SIZE
 */
#include <arpa/inet.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define READ_MAX  4096 /* as much as the load has in flight on a connection, and more */
#define REPLY_MAX 4096
#define REPLIES   ((READ_MAX / 12) * (2 + REPLY_MAX)) /* to messages that are nothing but headers */
#define EVENTS    64
#define FDS       1024

struct input {
	size_t len;
	uint8_t bytes[READ_MAX];
};

static struct input input[FDS]; /* what came of a message that is not whole yet */
static uint8_t out[REPLIES];
static unsigned size;
static int epoll, listener, asked;

static void fail(const char *what)
{
	perror(what);
	exit(1);
}

static void watch(int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		fail("epoll_ctl");
}

static int socket_open(const char *address, const char *port, int type)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), on = 1;
	if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof at) < 0 || (type == SOCK_STREAM && listen(fd, 512) < 0))
		fail("tcp_echo");
	watch(fd);
	return fd;
}

static size_t reply_to(const uint8_t *message, size_t len, uint8_t *to)
{
	size_t kept = len < size ? len : size;
	to[0] = (uint8_t)(size >> 8);
	to[1] = (uint8_t)size;
	memcpy(to + 2, message, kept);
	memset(to + 2 + kept, 0, size - kept); /* as a server writes all of its reply */
	to[4] |= 0x80;                         /* QR */
	return 2 + size;
}

static void answer(int fd)
{
	struct input *in = &input[fd];
	size_t pos = 0, replies = 0;
	ssize_t n = read(fd, in->bytes + in->len, sizeof in->bytes - in->len);
	if (n <= 0) { /* closing takes it out of the epoll too */
		in->len = 0;
		close(fd);
		return;
	}
	in->len += (size_t)n;
	for (size_t len; in->len - pos >= 2 + 12; pos += 2 + len) {
		len = (size_t)(in->bytes[pos] << 8 | in->bytes[pos + 1]);
		if (len < 12 || in->len - pos < 2 + len)
			break;
		replies += reply_to(in->bytes + pos + 2, len, out + replies);
	}
	in->len -= pos;
	memmove(in->bytes, in->bytes + pos, in->len);
	if (replies > 0 && send(fd, out, replies, MSG_NOSIGNAL) != (ssize_t)replies)
		close(fd);
}

static void answer_udp(void)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof peer;
	ssize_t n = recvfrom(asked, out, sizeof out, 0, (struct sockaddr *)&peer, &len);
	if (n < 12)
		return;
	out[2] |= 0x80;
	sendto(asked, out, (size_t)n, 0, (struct sockaddr *)&peer, len);
}

static void accept_all(void)
{
	struct sockaddr_in peer;
	socklen_t len = sizeof peer;
	for (int fd; (fd = accept4(listener, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
		if (fd < FDS)
			watch(fd);
		else
			close(fd);
	}
}

int main(int argc, char **argv)
{
	size = argc == 4 ? (unsigned)atoi(argv[3]) : 0;
	if (size < 12 || size > REPLY_MAX) {
		fprintf(stderr, "usage: tcp_echo ADDRESS PORT SIZE\n");
		return 2;
	}
	epoll = epoll_create1(EPOLL_CLOEXEC);
	listener = socket_open(argv[1], argv[2], SOCK_STREAM);
	asked = socket_open(argv[1], argv[2], SOCK_DGRAM);
	for (;;) {
		struct epoll_event event[EVENTS];
		int n = epoll_wait(epoll, event, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			if (event[i].data.fd == listener)
				accept_all();
			else if (event[i].data.fd == asked)
				answer_udp();
			else
				answer(event[i].data.fd);
		}
	}
}
