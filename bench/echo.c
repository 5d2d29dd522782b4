// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * echo - the floor under every server: what a question costs when nobody reads it. It receives 64 at a time, makes each
 * as long as the replies of real servers are on average, and sends them back.
 *
 *   echo ADDRESS PORT SIZE [WORKERS]
 *
 * Each worker is a thread with a socket of its own under SO_REUSEPORT, as with the servers that it stands for.
 */
#include <arpa/inet.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define BATCH       64
#define MESSAGE_MAX 4096
#define WORKERS_MAX 64
#define BUFFER      (4 << 20)

struct worker {
	int fd;
	unsigned size;
	pthread_t thread;
	struct sockaddr_in peer[BATCH];
	struct iovec iov[BATCH];
	struct mmsghdr batch[BATCH];
	uint8_t bytes[BATCH][MESSAGE_MAX];
};

static int socket_open(const char *address, const char *port)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), on = 1, size = BUFFER;
	if (fd < 0 || inet_pton(AF_INET, address, &at.sin_addr) != 1 ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on) < 0 ||
	    bind(fd, (struct sockaddr *)&at, sizeof at) < 0) {
		perror("echo");
		exit(1);
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size);
	return fd;
}

static void reply(struct worker *worker, unsigned i)
{
	unsigned len = worker->batch[i].msg_len;
	worker->bytes[i][2] |= 0x80; /* QR */
	if (len < worker->size)
		memset(worker->bytes[i] + len, 0, worker->size - len); /* as a server writes all of its reply */
	worker->iov[i].iov_len = worker->size;
}

static void *run(void *ctx)
{
	struct worker *worker = ctx;
	for (;;) {
		for (unsigned i = 0; i < BATCH; i++) {
			worker->iov[i] = (struct iovec){worker->bytes[i], MESSAGE_MAX};
			worker->batch[i].msg_hdr = (struct msghdr){.msg_name = &worker->peer[i],
								   .msg_namelen = sizeof worker->peer[i],
								   .msg_iov = &worker->iov[i],
								   .msg_iovlen = 1};
		}
		int n = recvmmsg(worker->fd, worker->batch, BATCH, MSG_WAITFORONE, NULL);
		for (int i = 0; i < n; i++)
			reply(worker, (unsigned)i);
		for (int done = 0; done < n;) {
			int sent = sendmmsg(worker->fd, worker->batch + done, (unsigned)(n - done), 0);
			done += sent > 0 ? sent : 1;
		}
	}
	return NULL;
}

int main(int argc, char **argv)
{
	static struct worker worker[WORKERS_MAX];
	unsigned workers = argc == 5 ? (unsigned)atoi(argv[4]) : 1, size = argc >= 4 ? (unsigned)atoi(argv[3]) : 0;
	if (argc < 4 || argc > 5 || size < 12 || size > MESSAGE_MAX || workers < 1 || workers > WORKERS_MAX) {
		fprintf(stderr, "usage: echo ADDRESS PORT SIZE [WORKERS]\n");
		return 2;
	}
	for (unsigned i = 0; i < workers; i++) {
		worker[i].fd = socket_open(argv[1], argv[2]);
		worker[i].size = size;
	}
	for (unsigned i = 1; i < workers; i++)
		if (pthread_create(&worker[i].thread, NULL, run, &worker[i]) != 0)
			return 1;
	run(&worker[0]);
	return 0;
}
