// SPDX-License-Identifier: GPL-3.0-or-later
/* Folders of generations for tests: content that follows from a serial, so that what is read back can be told. */
#pragma once

#include "test.h"

#include "sync/keep/keep.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#define ROOT ((const uint8_t *)"")

static inline void content(uint32_t serial, unsigned part, uint8_t *out, size_t len)
{
	struct random random;
	random_init_seed(&random, (uint64_t)serial << 8 | part);
	random_bytes(&random, out, len);
}

static inline size_t content_len(uint32_t serial, unsigned part)
{
	return 5000 + serial % 97 * 11 + part * 9000;
}

/* Writes it to a file of keep_incoming(). */
static inline int content_incoming(struct keep *keep, uint32_t serial, unsigned part)
{
	uint8_t data[32768];
	size_t len = content_len(serial, part);
	int fd = keep_incoming(keep);
	content(serial, part, data, len);
	if (fd >= 0 && write(fd, data, len) != (ssize_t)len) {
		keep_incoming_done(keep, fd);
		return BANYAN_EIO;
	}
	return fd;
}

/* again: the generation that it is once more; 0 = none. */
static inline int add_again(struct keep *keep, uint32_t serial, uint64_t again, uint64_t *number,
			    char why[KEEP_WHY_MAX])
{
	struct keep_about about = {.number = again,
				   .serial = serial,
				   .fetched_at = 1000 + serial,
				   .proved_at = 2000 + serial,
				   .first_expiry = 3000,
				   .last_inception = -5,
				   .refresh_s = 1800,
				   .retry_s = 900,
				   .expire_s = 604800,
				   .records = 25000,
				   .zonemd = {0xab, 0xcd},
				   .zonemd_len = 48,
				   .zonemd_scheme = 1,
				   .zonemd_algorithm = 1,
				   .source = "xfr:192.0.2.1",
				   .proof = "proved by anchor 20326"};
	int wire = content_incoming(keep, serial, 0), image = content_incoming(keep, serial, 1);
	int rc = wire < 0 ? wire : image;
	if (wire >= 0 && image >= 0)
		rc = keep_add(keep, &about, wire, image, number, why);
	else
		snprintf(why, KEEP_WHY_MAX, "no file");
	keep_incoming_done(keep, wire);
	keep_incoming_done(keep, image);
	return rc;
}

static inline int add_serial(struct keep *keep, uint32_t serial, uint64_t *number, char why[KEEP_WHY_MAX])
{
	return add_again(keep, serial, 0, number, why);
}

/* The content of a generation is that of its serial. */
static inline void assert_content(struct keep *keep, uint64_t number)
{
	uint8_t data[32768];
	struct keep_mapped mapped;
	char why[KEEP_WHY_MAX] = "";
	if (keep_map(keep, number, KEEP_WIRE | KEEP_IMAGE, &mapped, why) < 0)
		fail_msg("%s", why);
	uint32_t serial = keep_about_of(keep, number)->serial;
	assert_int_equal(mapped.wire_len, content_len(serial, 0));
	assert_int_equal(mapped.image_len, content_len(serial, 1));
	content(serial, 0, data, mapped.wire_len);
	assert_memory_equal(mapped.wire, data, mapped.wire_len);
	content(serial, 1, data, mapped.image_len);
	assert_memory_equal(mapped.image, data, mapped.image_len);
	keep_unmap(&mapped);
}

static inline void folder_empty(const char *dir)
{
	char path[512];
	DIR *list = opendir(dir);
	for (const struct dirent *entry; list != NULL && (entry = readdir(list)) != NULL;) {
		snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
		(void)unlink(path);
	}
	if (list != NULL)
		closedir(list);
}

/* Files in it whose name has this in it ("" = all). */
static inline unsigned folder_count(const char *dir, const char *part)
{
	unsigned n = 0;
	DIR *list = opendir(dir);
	assert_non_null(list);
	for (const struct dirent *entry; (entry = readdir(list)) != NULL;)
		n += entry->d_name[0] != '.' && strstr(entry->d_name, part) != NULL;
	closedir(list);
	return n;
}

static inline void file_put(const char *dir, const char *name, const void *data, size_t len)
{
	char path[512];
	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, data, len), (ssize_t)len);
	close(fd);
}

/* One bit of a file is another one. */
static inline void file_flip(const char *dir, const char *name, off_t at)
{
	char path[512];
	uint8_t byte;
	snprintf(path, sizeof path, "%s/%s", dir, name);
	int fd = open(path, O_RDWR);
	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, at), 1);
	byte ^= 0x10;
	assert_int_equal(pwrite(fd, &byte, 1, at), 1);
	close(fd);
}
