// SPDX-License-Identifier: GPL-3.0-or-later
/* Files of one folder, by its descriptor: read whole, and replaced so that a crash leaves the old or the new. */
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

int folder_open(const char *path, bool make, unsigned mode)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd >= 0 || errno != ENOENT || !make)
		return fd >= 0 ? fd : error_from_errno(errno);
	if (mkdir(path, (mode_t)mode) < 0 && errno != EEXIST)
		return error_from_errno(errno);
	int rc = file_parent_flush(path);
	if (rc < 0)
		return rc;
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd >= 0 ? fd : error_from_errno(errno);
}

int folder_flush(int folder)
{
	return fsync(folder) < 0 ? error_from_errno(errno) : 0;
}

static int read_all(int fd, uint8_t *data, size_t len, size_t *ret_len)
{
	size_t have = 0;
	while (have < len) {
		ssize_t n = read(fd, data + have, len - have);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return error_from_errno(errno);
		if (n == 0)
			break;
		have += (size_t)n;
	}
	*ret_len = have;
	return 0;
}

int folder_read(int folder, const char *name, size_t max, uint8_t **ret_data, size_t *ret_len)
{
	struct stat st;
	int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return error_from_errno(errno);
	int rc = fstat(fd, &st) < 0           ? error_from_errno(errno)
		 : !S_ISREG(st.st_mode)       ? BANYAN_EINVAL
		 : (uint64_t)st.st_size > max ? BANYAN_ELIMIT
					      : 0;
	uint8_t *data = rc == 0 ? malloc((size_t)st.st_size + 1) : NULL;
	size_t len = 0;
	if (rc == 0)
		rc = data == NULL ? BANYAN_ENOMEM : read_all(fd, data, (size_t)st.st_size, &len);
	close(fd);
	if (rc < 0 || data == NULL) {
		free(data);
		return rc;
	}
	data[len] = '\0';
	*ret_data = data;
	*ret_len = len;
	return 0;
}

int folder_replace(int folder, const char *name, const void *data, size_t len, unsigned mode, bool *ret_replaced)
{
	char tmp[NAME_MAX + 1];
	*ret_replaced = false;
	if (snprintf(tmp, sizeof tmp, "%s.tmp", name) >= (int)sizeof tmp)
		return BANYAN_EINVAL;
	int fd = openat(folder, tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, (mode_t)mode);
	if (fd < 0)
		return error_from_errno(errno);
	int rc = file_write_flush(fd, data, len), err = errno;
	if (close(fd) < 0 && rc == 0) {
		rc = error_from_errno(errno);
		err = errno;
	}
	if (rc == 0 && renameat(folder, tmp, folder, name) < 0) {
		rc = error_from_errno(errno);
		err = errno;
	}
	if (rc < 0) {
		(void)unlinkat(folder, tmp, 0);
		errno = err;
		return rc;
	}
	*ret_replaced = true;
	return folder_flush(folder);
}
