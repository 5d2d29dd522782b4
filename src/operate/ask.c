// SPDX-License-Identifier: GPL-3.0-or-later
/* The control socket's asking side, for banyan(1). */
#include "operate/operate.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void fd_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len > 0) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_from_errno(errno);
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

static int receive_all(int fd, int64_t end_ms, struct buffer *out)
{
	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		int64_t left = end_ms - clock_mono_ms();
		int ready = poll(&pfd, 1, left > 0 ? (int)left : 0);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return ready == 0 ? BANYAN_ETIMEOUT : error_from_errno(errno);
		int rc = buffer_reserve(out, 4096 + 1);
		if (rc < 0)
			return rc;
		ssize_t n = recv(fd, out->data + out->len, 4096, 0);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_from_errno(errno);
		if (n == 0)
			return 0;
		out->len += (size_t)n;
		if (out->len > OPERATE_REPLY_MAX)
			return BANYAN_ELIMIT;
	}
}

/* A connection with the request sent; or an error. */
static int ask_open(const char *path, const char *request)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(sun.sun_path) || strlen(request) + 2 > OPERATE_REQUEST_MAX)
		return BANYAN_ELIMIT;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return error_from_errno(errno);
	int rc = connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0 ? error_from_errno(errno) : 0;
	if (rc == 0)
		rc = send_all(fd, request, strlen(request));
	if (rc == 0)
		rc = send_all(fd, "\n", 1);
	if (rc == 0)
		return fd;
	int err = errno;
	close(fd);
	errno = err;
	return rc;
}

int operate_ask_stream(const char *path, const char *request, int idle_ms, bool *ret_good,
		       void (*sink)(void *ctx, const void *data, size_t len), void *ctx)
{
	_cleanup_(fd_close) int fd = ask_open(path, request);
	char piece[65536], *text;
	size_t have = 0;
	bool begun = false, good = false;
	if (fd < 0)
		return fd;
	for (;;) {
		struct pollfd pfd = {.fd = fd, .events = POLLIN};
		int ready = poll(&pfd, 1, idle_ms);
		if (ready < 0 && errno == EINTR)
			continue;
		if (ready <= 0)
			return ready == 0 ? BANYAN_ETIMEOUT : error_from_errno(errno);
		ssize_t n = recv(fd, piece + have, sizeof(piece) - have, 0);
		if (n < 0 && errno != EINTR)
			return error_from_errno(errno);
		if (n == 0)
			break;
		have += n < 0 ? 0 : (size_t)n;
		text = begun ? piece : memchr(piece, '\n', have);
		if (text == NULL)
			continue; /* the first line says whether it is good */
		if (!begun) {
			good = have >= 3 && memcmp(piece, "ok\n", 3) == 0;
			text++;
		}
		begun = true;
		sink(ctx, text, have - (size_t)(text - piece));
		have = 0;
	}
	*ret_good = good;
	return begun ? 0 : BANYAN_EMALF;
}

int operate_ask(const char *path, const char *request, int timeout_ms, bool *ret_good, struct buffer *ret_reply)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	if (strlen(path) >= sizeof(sun.sun_path) || strlen(request) + 2 > OPERATE_REQUEST_MAX)
		return BANYAN_ELIMIT;
	memcpy(sun.sun_path, path, strlen(path) + 1);
	_cleanup_(fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		return error_from_errno(errno);
	int rc = send_all(fd, request, strlen(request));
	if (rc == 0)
		rc = send_all(fd, "\n", 1);
	_cleanup_(buffer_done) struct buffer got = {0};
	if (rc == 0)
		rc = receive_all(fd, clock_mono_ms() + timeout_ms, &got);
	if (rc < 0)
		return rc;
	uint8_t *end = got.len > 0 ? memchr(got.data, '\n', got.len) : NULL;
	if (end == NULL)
		return BANYAN_EMALF;
	size_t head = (size_t)(end - got.data);
	bool good = head == 2 && memcmp(got.data, "ok", 2) == 0;
	if (!good && (head != 6 || memcmp(got.data, "failed", 6) != 0))
		return BANYAN_EMALF;
	if (buffer_append(ret_reply, end + 1, got.len - head - 1) < 0 || buffer_append(ret_reply, "", 1) < 0)
		return BANYAN_ENOMEM;
	ret_reply->len--; /* the NUL is behind the text */
	*ret_good = good;
	return 0;
}
