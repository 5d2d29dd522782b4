// SPDX-License-Identifier: GPL-3.0-or-later
/*
 * Files as memory. What is mapped and cannot be read ends the process with SIGBUS: where the file has become shorter meanwhile, and where
 * the disk fails. So each part is asked of the kernel before it is touched, which then returns an error instead.
 */
#include "base.h"

#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif

int file_map(const char *path, uint64_t max, struct file_map *ret)
{
	struct stat st;
	int fd = file_open(path);
	if (fd < 0)
		return fd;
	int rc = fstat(fd, &st) < 0 ? error_from_errno(errno) : (uint64_t)st.st_size > max ? BANYAN_ELIMIT : 0;
	void *data = NULL;
	if (rc == 0 && st.st_size > 0) {
		data = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
		rc = data == MAP_FAILED ? error_from_errno(errno) : 0;
	}
	if (rc < 0) {
		close(fd);
		return rc;
	}
	*ret = (struct file_map){.fd = fd, .data = data, .len = (size_t)st.st_size};
	return 0;
}

static size_t page_size(void)
{
	return (size_t)sysconf(_SC_PAGESIZE);
}

int file_map_want(const struct file_map *map, size_t pos, size_t len)
{
	struct stat st;
	if (pos > map->len || len > map->len - pos)
		return BANYAN_EINVAL;
	if (fstat(map->fd, &st) < 0 || (uint64_t)st.st_size < pos + len)
		return BANYAN_EIO;
	size_t start = pos / page_size() * page_size();
	/* An older kernel does not know it: there, only the size is looked at. */
	while (len > 0 && madvise((uint8_t *)map->data + start, pos + len - start, MADV_POPULATE_READ) < 0 &&
	       errno != EINVAL)
		if (errno != EINTR && errno != EAGAIN)
			return errno == ENOMEM ? BANYAN_ENOMEM : BANYAN_EIO;
	return 0;
}

void file_map_drop(const struct file_map *map, size_t pos)
{
	size_t end = pos / page_size() * page_size();
	if (end > 0)
		(void)!madvise((uint8_t *)map->data, end, MADV_DONTNEED);
}

void file_map_done(struct file_map *map)
{
	if (map->len > 0)
		munmap((uint8_t *)map->data, map->len);
	if (map->fd > 0)
		close(map->fd);
	*map = (struct file_map){0};
}
