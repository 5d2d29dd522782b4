// SPDX-License-Identifier: GPL-3.0-or-later
#include "failing_disk.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

int disk_rename_fails, disk_rename_skip, disk_flush_fails, disk_link_fails;
const char *disk_failing_folder;

int __real_renameat(int from, const char *name, int to, const char *new_name);
int __wrap_renameat(int from, const char *name, int to, const char *new_name);
int __real_fsync(int fd);
int __wrap_fsync(int fd);

int __wrap_renameat(int from, const char *name, int to, const char *new_name)
{
	int error = disk_rename_skip > 0 ? 0 : disk_rename_fails;
	if (disk_rename_skip > 0)
		disk_rename_skip--;
	else
		disk_rename_fails = 0;
	if (error == -1)
		_exit(0);
	if (error == 0)
		return __real_renameat(from, name, to, new_name);
	errno = error;
	return -1;
}

int __wrap_fsync(int fd)
{
	struct stat st, of;
	if (disk_failing_folder != NULL && stat(disk_failing_folder, &of) == 0 && fstat(fd, &st) == 0 &&
	    st.st_ino == of.st_ino && st.st_dev == of.st_dev) {
		errno = EIO;
		return -1;
	}
	if (disk_flush_fails > 0 && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) && --disk_flush_fails == 0) {
		errno = EIO;
		return -1;
	}
	return __real_fsync(fd);
}
