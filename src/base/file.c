// SPDX-License-Identifier: GPL-3.0-or-later
/* Whole files, read and written. */
#include "base.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void fd_close(int *fd)
{
	if (*fd > 2)
		close(*fd);
}

static int fd_read_all(int fd, size_t max, struct buffer *out)
{
	for (;;) {
		int rc = buffer_reserve(out, 65536);
		if (rc < 0)
			return rc;
		ssize_t n = read(fd, out->data + out->len, out->cap - out->len - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_from_errno(errno);
		if (n == 0)
			break;
		out->len += (size_t)n;
		if (out->len > max)
			return BANYAN_ELIMIT;
	}
	out->data[out->len] = '\0';
	return 0;
}

int file_read(const char *path, size_t max, uint8_t **ret_data, size_t *ret_len)
{
	_cleanup_(fd_close) int fd = strcmp(path, "-") == 0 ? 0 : open(path, O_RDONLY | O_CLOEXEC);
	struct buffer buffer = {0};
	struct stat st;
	if (fd < 0)
		return error_from_errno(errno);
	if (fstat(fd, &st) == 0) {
		if (S_ISDIR(st.st_mode))
			return BANYAN_EINVAL;
		if (st.st_size > 0 && (uint64_t)st.st_size > max)
			return BANYAN_ELIMIT;
		/* one block of the right size, read in one go */
		if (S_ISREG(st.st_mode) && st.st_size > 0 && buffer_reserve(&buffer, (size_t)st.st_size + 65536) < 0)
			return BANYAN_ENOMEM;
	}
	int rc = fd_read_all(fd, max, &buffer);
	if (rc < 0) {
		buffer_done(&buffer);
		return rc;
	}
	*ret_data = buffer.data;
	*ret_len = buffer.len;
	return 0;
}

int file_open(const char *path)
{
	struct stat st;
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* no waiting for whoever should write to a FIFO */
	if (fd < 0)
		return error_from_errno(errno);
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	close(fd);
	return BANYAN_EINVAL;
}

static int fd_write(int fd, const uint8_t *data, size_t len)
{
	while (len > 0) {
		ssize_t n = write(fd, data, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_from_errno(errno);
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

int file_write_flush(int fd, const uint8_t *data, size_t len)
{
	int rc = fd_write(fd, data, len);
	if (rc != 0 || fsync(fd) == 0 || errno == EINVAL) /* a pipe, a terminal or a device has no disk */
		return rc;
	return error_from_errno(errno);
}

const char *file_advice(int err)
{
	switch (err) {
	case ENOSPC:
	case EDQUOT:
		return "; make room there";
	case EROFS:
		return "; mount it writable";
	case EACCES:
	case EPERM:
		return "; give this user the right to write there";
	default:
		return "";
	}
}

/* A rename is durable only when the folder is (fsync(2)). */
int file_parent_flush(const char *path)
{
	char copy[PATH_MAX];
	if (snprintf(copy, sizeof copy, "%s", path) >= (int)sizeof copy)
		return BANYAN_EINVAL;
	_cleanup_(fd_close) int fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fsync(fd) < 0)
		return error_from_errno(errno);
	return 0;
}

int file_write_atomic(const char *path, const void *data, size_t len)
{
	char tmp[PATH_MAX];
	if (snprintf(tmp, sizeof tmp, "%s.tmp", path) >= (int)sizeof tmp)
		return BANYAN_EINVAL;
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return error_from_errno(errno);
	int rc = file_write_flush(fd, data, len);
	close(fd);
	if (rc == 0 && rename(tmp, path) < 0)
		rc = error_from_errno(errno);
	if (rc < 0) {
		unlink(tmp);
		return rc;
	}
	return file_parent_flush(path);
}

static int tmp_path(const char *path, char out[PATH_MAX])
{
	return snprintf(out, PATH_MAX, "%s.tmp", path) >= PATH_MAX ? BANYAN_EINVAL : 0;
}

int file_replace_begin(const char *path, unsigned mode, struct file_replace *ret)
{
	char tmp[PATH_MAX];
	if (tmp_path(path, tmp) < 0)
		return BANYAN_EINVAL;
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
	if (fd < 0)
		return error_from_errno(errno);
	*ret = (struct file_replace){.fd = fd, .path = strdup(path)};
	if (ret->path != NULL)
		return 0;
	close(fd);
	return BANYAN_ENOMEM;
}

int file_replace_write(struct file_replace *file, const void *data, size_t len)
{
	return fd_write(file->fd, data, len);
}

int file_replace_end(struct file_replace *file, bool good, bool *ret_replaced)
{
	char tmp[PATH_MAX];
	int rc = tmp_path(file->path, tmp);
	if (rc == 0 && good && fsync(file->fd) < 0)
		rc = error_from_errno(errno);
	close(file->fd);
	if (rc == 0 && good && rename(tmp, file->path) < 0)
		rc = error_from_errno(errno);
	bool replaced = rc == 0 && good;
	if (!replaced)
		unlink(tmp);
	else
		rc = file_parent_flush(file->path);
	free(file->path);
	if (ret_replaced != NULL)
		*ret_replaced = replaced;
	return rc;
}
